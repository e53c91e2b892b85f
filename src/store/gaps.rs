//! Where something is missing in recordings.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::{error::StoreError, group::key, reader::Reader, rows::Cells};
use crate::desk::ticket::{Gap, Recording, TicketId};

/// A stretch of one side in which something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptGap {
    /// `caller` or `operator`.
    pub side: String,
    pub from: Duration,
    pub to: Duration,
    /// How much of it.
    pub lost: Duration,
}

/// Keeps the gaps of these recordings, by their tickets' keys. A recording's gaps never change.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    recordings: &[(i64, &Recording)],
) -> Result<(), StoreError> {
    for (ticket, report) in recordings.iter().filter_map(|(ticket, r)| Some((ticket, r.report.as_ref()?))) {
        let ms = |samples: u64| {
            let ms = samples.saturating_mul(1_000) / u64::from(report.sample_rate.max(1));
            i64::try_from(ms).unwrap_or(i64::MAX)
        };
        for (side, gaps) in [("caller", &report.caller.gaps), ("operator", &report.operator.gaps)] {
            for (idx, Gap { from, to, lost }) in (0_i64..).zip(gaps) {
                sqlx::query(
                    "INSERT OR REPLACE INTO recording_gap (ticket, side, idx, from_ms, to_ms, lost_ms) \
                     VALUES (?, ?, ?, ?, ?, ?)",
                )
                .bind(*ticket)
                .bind(side)
                .bind(idx)
                .bind(ms(*from))
                .bind(ms(*to))
                .bind(ms(*lost))
                .execute(&mut *tx)
                .await?;
            }
        }
    }
    Ok(())
}

impl Reader {
    /// Where something is missing in a ticket's recording; the caller's side first, in order.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn gaps(&self, ticket: TicketId) -> Result<Vec<KeptGap>, StoreError> {
        let mut connection = self.acquire().await?;
        let rows = sqlx::query(
            "SELECT side, from_ms, to_ms, lost_ms FROM recording_gap WHERE ticket = ? ORDER BY side, idx",
        )
        .bind(key(ticket))
        .fetch_all(&mut *connection)
        .await?;
        let gaps = rows.iter().map(|row| {
            let cells = Cells { row, table: "recording_gap", of: ticket.to_string() };
            let ms = |column| cells.number(column).map(Duration::from_millis);
            Ok(KeptGap {
                side: cells.get("side")?,
                from: ms("from_ms")?,
                to: ms("to_ms")?,
                lost: ms("lost_ms")?,
            })
        });
        gaps.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        facts::StoreFact,
        fixture::{change, ended, id, utc_at},
        writer::{StoreSettings, Writer},
    };

    #[tokio::test]
    async fn gaps_are_kept_with_the_recording_in_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (sender, mut said) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
        let mut ticket = ended(7, 3);
        let report = ticket.recording.as_mut().unwrap().report.as_mut().unwrap();
        report.caller.gaps =
            vec![Gap { from: 8_000, to: 8_480, lost: 480 }, Gap { from: 80_000, to: 88_000, lost: 1_600 }];
        writer.save(change(ticket, Vec::new()));
        writer.close(utc_at("18:00:00.000"));
        while !matches!(said.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
        let ms = Duration::from_millis;
        let gap =
            |from, to, lost| KeptGap { side: "caller".into(), from: ms(from), to: ms(to), lost: ms(lost) };
        let reader = Reader::open(&path).await.unwrap();
        assert_eq!(reader.gaps(id(7)).await.unwrap(), [gap(1_000, 1_060, 60), gap(10_000, 11_000, 200)]);
        assert_eq!(reader.gaps(id(8)).await.unwrap(), []);
    }
}
