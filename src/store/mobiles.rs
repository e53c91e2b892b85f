//! What became of the hotline's calls to each duty mobile; the view `v_mobile`.

use super::{error::StoreError, reader::Reader, rows::Cells};

/// How often one mobile was rung, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MobileCounts {
    pub mobile: String,
    pub rung: u32,
    /// A person pressed the key.
    pub taken: u32,
    /// A person refused it, by key or by declining.
    pub refused: u32,
    /// Picked up without a key: a voicemail, or nobody.
    pub swallowed: u32,
    /// Rang, and nobody came.
    pub unanswered: u32,
    /// Busy, not reachable, or a fault of ours.
    pub unreached: u32,
}

impl Reader {
    /// Every mobile that was ever rung for the hotline, by name.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn mobiles(&self) -> Result<Vec<MobileCounts>, StoreError> {
        let rows = sqlx::query("SELECT * FROM v_mobile ORDER BY mobile").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let cells = Cells { row, table: "v_mobile", of: "?".to_owned() };
                Ok(MobileCounts {
                    mobile: cells.get("mobile")?,
                    rung: cells.number("rung")?,
                    taken: cells.number("taken")?,
                    refused: cells.number_or_null("refused")?.unwrap_or(0),
                    swallowed: cells.number_or_null("swallowed")?.unwrap_or(0),
                    unanswered: cells.number_or_null("unanswered")?.unwrap_or(0),
                    unreached: cells.number_or_null("unreached")?.unwrap_or(0),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desk::{
            number::Number,
            ticket::{Party, Unanswered},
        },
        store::{
            facts::StoreFact,
            fixture::{at, change, ended, id, leg, utc_at},
            writer::{StoreSettings, Writer},
        },
    };

    #[tokio::test]
    async fn each_mobile_is_counted_by_what_it_did() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
        let mobile = |name: &str| Party::Mobile { name: name.into(), number: Number::new("138".into()) };
        let mut ticket = ended(1, 1);
        let whys =
            [Unanswered::NotConfirmed, Unanswered::RefusedByKey, Unanswered::NoAnswer, Unanswered::Busy];
        ticket.legs = (1..)
            .zip(whys)
            .map(|(index, why)| {
                let mut leg = leg(index, mobile("duty1"));
                leg.unanswered = Some(why);
                leg
            })
            .collect();
        let mut taken = leg(9, mobile("duty2"));
        taken.answered = Some(at("16:15:20.001"));
        ticket.legs.push(taken);
        writer.save(change(ticket, Vec::new()));
        while !matches!(facts.recv().await, Some(StoreFact::Saved { ticket, .. }) if ticket == id(1)) {}
        let counts = Reader::open(&path).await.unwrap().mobiles().await.unwrap();
        let as_numbers =
            |of: &MobileCounts| [of.rung, of.taken, of.refused, of.swallowed, of.unanswered, of.unreached];
        let found: Vec<_> = counts.iter().map(|of| (of.mobile.as_str(), as_numbers(of))).collect();
        assert_eq!(found, [("duty1", [4, 0, 1, 1, 1, 1]), ("duty2", [1, 1, 0, 0, 0, 0])]);
        writer.close(utc_at("23:00:00.000"));
    }
}
