//! What recordings say (`docs/facts.md`): written when a closed file has been read, and read beside the
//! tickets.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    error::StoreError,
    group::key,
    reader::Reader,
    rows::{self, Cells},
    words,
};
use crate::desk::{
    facts::{CallFacts, Circumstances, SideFacts, Stretch},
    ticket::TicketId,
};

/// A ticket's facts, and what the ticket adds to them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// `None`: there is no recording, or nobody has read it yet.
    pub facts: Option<CallFacts>,
    pub circumstances: Circumstances,
}

/// Keeps a recording's facts, in place of what was there.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    ticket: TicketId,
    facts: &CallFacts,
) -> Result<(), StoreError> {
    let mut query = sqlx::query(
        "INSERT OR REPLACE INTO call_facts (ticket, length_ms, silence_from_ms, silence_to_ms, \
         caller_speech, caller_spoke_ms, caller_talk_over_ms, caller_cut_ins, caller_loudness_lufs, \
         caller_peak_dbfs, caller_clipped_samples, caller_noise_dbfs, operator_speech, operator_spoke_ms, \
         operator_talk_over_ms, operator_cut_ins, operator_loudness_lufs, operator_peak_dbfs, \
         operator_clipped_samples, operator_noise_dbfs) \
         SELECT key, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM ticket WHERE key = ?",
    )
    .bind(ms(facts.length))
    .bind(facts.longest_silence.map(|(from, _)| ms(from)))
    .bind(facts.longest_silence.map(|(_, to)| ms(to)));
    for side in [&facts.caller, &facts.operator] {
        query = query
            .bind(speech_text(&side.speech))
            .bind(ms(side.spoke))
            .bind(ms(side.talk_over))
            .bind(i64::from(side.cut_ins))
            .bind(side.loudness_lufs)
            .bind(side.peak_dbfs)
            .bind(i64::try_from(side.clipped_samples).unwrap_or(i64::MAX))
            .bind(side.noise_dbfs);
    }
    query.bind(key(ticket)).execute(tx).await?;
    Ok(())
}

impl Reader {
    /// Recordings whose closed file nobody has read yet, oldest first, at most `limit`; each with its path
    /// below the recordings folder.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn unexamined(&self, limit: u32) -> Result<Vec<(TicketId, PathBuf)>, StoreError> {
        let mut connection = self.acquire().await?;
        let rows = sqlx::query(
            "SELECT ticket, path FROM recording WHERE path IS NOT NULL AND sha256 IS NULL ORDER BY ticket LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
        let found = rows.iter().map(|row| {
            let cells = Cells { row, table: "recording", of: "?".into() };
            Ok((rows::ticket_id(row, "recording", "ticket")?, PathBuf::from(cells.get::<String>("path")?)))
        });
        found.collect()
    }

    /// The facts of these tickets; one that is not there is left out.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn heard(&self, tickets: &[TicketId]) -> Result<BTreeMap<TicketId, Heard>, StoreError> {
        let mut connection = self.acquire().await?;
        let mut heard = BTreeMap::new();
        for some in tickets.chunks(1_000) {
            let keys: Vec<String> = some.iter().map(|ticket| key(*ticket).to_string()).collect();
            let rows = sqlx::query(
                "SELECT t.key, t.flagged_at IS NOT NULL AS flagged, t.hung_up_first, \
                 t.answered_at IS NOT NULL AS answered, r.verdict IS 'good' AS sound, \
                 (SELECT CAST(total(h.seconds) * 1000 AS INTEGER) FROM v_on_hold h WHERE h.ticket = t.id) AS held_ms, \
                 f.* FROM ticket t LEFT JOIN recording r ON r.ticket = t.key \
                 LEFT JOIN call_facts f ON f.ticket = t.key \
                 WHERE t.key IN (SELECT value FROM json_each(?))",
            )
            .bind(format!("[{}]", keys.join(",")))
            .fetch_all(&mut *connection)
            .await?;
            for row in &rows {
                let ticket = rows::ticket_id(row, "ticket", "key")?;
                heard.insert(ticket, of_row(row, ticket)?);
            }
        }
        Ok(heard)
    }
}

fn of_row(row: &SqliteRow, ticket: TicketId) -> Result<Heard, StoreError> {
    let cells = Cells { row, table: "call_facts", of: ticket.to_string() };
    let hung_up_first = match cells.get::<Option<&str>>("hung_up_first")? {
        Some(word) => Some(words::side_from(word).ok_or_else(|| cells.bad("hung_up_first"))?),
        None => None,
    };
    let circumstances = Circumstances {
        flagged: cells.get("flagged")?,
        hung_up_first,
        held: millis(&cells, "held_ms")?.unwrap_or_default(),
        sound_recording: cells.get("sound")?,
        answered: cells.get("answered")?,
    };
    let Some(length) = millis(&cells, "length_ms")? else { return Ok(Heard { facts: None, circumstances }) };
    let silence = (millis(&cells, "silence_from_ms")?, millis(&cells, "silence_to_ms")?);
    let facts = CallFacts {
        length,
        caller: side(
            &cells,
            [
                "caller_speech",
                "caller_spoke_ms",
                "caller_talk_over_ms",
                "caller_cut_ins",
                "caller_loudness_lufs",
                "caller_peak_dbfs",
                "caller_clipped_samples",
                "caller_noise_dbfs",
            ],
        )?,
        operator: side(
            &cells,
            [
                "operator_speech",
                "operator_spoke_ms",
                "operator_talk_over_ms",
                "operator_cut_ins",
                "operator_loudness_lufs",
                "operator_peak_dbfs",
                "operator_clipped_samples",
                "operator_noise_dbfs",
            ],
        )?,
        longest_silence: match silence {
            (Some(from), Some(to)) => Some((from, to)),
            (None, _) | (_, None) => None,
        },
    };
    Ok(Heard { facts: Some(facts), circumstances })
}

fn side(cells: &Cells<'_>, columns: [&'static str; 8]) -> Result<SideFacts, StoreError> {
    let [speech, spoke, talk_over, cut_ins, loudness, peak, clipped, noise] = columns;
    Ok(SideFacts {
        speech: speech_from(cells.get(speech)?).ok_or_else(|| cells.bad(speech))?,
        spoke: millis(cells, spoke)?.unwrap_or_default(),
        talk_over: millis(cells, talk_over)?.unwrap_or_default(),
        cut_ins: cells.number(cut_ins)?,
        loudness_lufs: cells.get(loudness)?,
        peak_dbfs: cells.get(peak)?,
        clipped_samples: cells.number(clipped)?,
        noise_dbfs: cells.get(noise)?,
    })
}

fn millis(cells: &Cells<'_>, column: &'static str) -> Result<Option<Duration>, StoreError> {
    Ok(cells.number_or_null::<u64>(column)?.map(Duration::from_millis))
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// `600-3310 8920-15350`.
fn speech_text(speech: &[Stretch]) -> String {
    let stretches: Vec<String> =
        speech.iter().map(|(from, to)| format!("{}-{}", ms(*from), ms(*to))).collect();
    stretches.join(" ")
}

fn speech_from(text: &str) -> Option<Vec<Stretch>> {
    let stretch = |word: &str| {
        let (from, to) = word.split_once('-')?;
        Some((Duration::from_millis(from.parse().ok()?), Duration::from_millis(to.parse().ok()?)))
    };
    text.split_whitespace().map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;
    use crate::{
        desk::ticket::Side,
        store::{
            facts::{ExaminedRecording, StoreFact},
            fixture::{change, ended, id, line, utc_at},
            writer::{StoreSettings, Writer},
        },
    };

    fn facts() -> CallFacts {
        let s = Duration::from_millis;
        let side = |from| SideFacts {
            speech: vec![(s(from), s(from + 1_000)), (s(9_000), s(9_700))],
            spoke: s(1_700),
            talk_over: s(700),
            cut_ins: 1,
            loudness_lufs: Some(-22.25),
            peak_dbfs: Some(-3.0),
            clipped_samples: 12,
            noise_dbfs: None,
        };
        CallFacts {
            length: s(12_345),
            caller: side(4_000),
            operator: side(600),
            longest_silence: Some((s(5_000), s(9_000))),
        }
    }

    #[tokio::test]
    async fn facts_are_kept_once_the_file_was_read_and_asked_for_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (sender, mut said) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
        let lines = vec![
            line(0, "16:16:00.000", "held"),
            line(1, "16:16:20.500", "resumed"),
            line(2, "16:17:20.000", "held"),
        ];
        writer.save(change(ended(7, 3), lines));
        let mut silent = ended(8, 3);
        silent.recording.as_mut().unwrap().report = None;
        writer.save(change(silent, Vec::new()));
        let mut saved = 0;
        while saved < 2 {
            saved += usize::from(matches!(said.recv().await, Some(StoreFact::Saved { .. })));
        }
        let reader = Reader::open(&path).await.unwrap();
        let wanted = reader.unexamined(10).await.unwrap();
        assert_eq!(wanted, [(id(7), PathBuf::from("2026/11/23/20261123-0007.wav"))]);
        writer.examined(ExaminedRecording {
            ticket: id(7),
            at: utc_at("16:18:00.000"),
            sha256: [7; 32],
            facts: facts(),
        });
        writer.close(utc_at("18:00:00.000"));
        while !matches!(said.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
        assert_eq!(reader.unexamined(10).await.unwrap(), []);
        let heard = reader.heard(&[id(7), id(8), id(9)]).await.unwrap();
        assert_eq!(heard.len(), 2);
        assert_eq!(heard[&id(7)].facts, Some(facts()));
        assert_eq!(heard[&id(8)].facts, None);
        let circumstances = &heard[&id(7)].circumstances;
        assert_eq!(circumstances.hung_up_first, Some(Side::Caller));
        // 20.5 s, and the last hold until the call ended.
        assert!(circumstances.held.abs_diff(Duration::from_millis(21_499)) < Duration::from_millis(5));
        let mut connection = reader.acquire().await.unwrap();
        let row = sqlx::query(
            "SELECT greeting_seconds, hold_seconds, operator_share, longest_silence_seconds FROM v_facts",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        assert_eq!(row.try_get::<f64, _>(0).unwrap(), 0.6);
        assert!((row.try_get::<f64, _>(1).unwrap() - 21.499).abs() < 0.005);
        assert_eq!(row.try_get::<f64, _>(2).unwrap(), 0.5);
        assert_eq!(row.try_get::<f64, _>(3).unwrap(), 4.0);
    }

    #[test]
    fn speech_is_a_line_of_stretches() {
        let speech = facts().caller.speech;
        assert_eq!(speech_text(&speech), "4000-5000 9000-9700");
        assert_eq!(speech_from("4000-5000 9000-9700"), Some(speech));
        assert_eq!(speech_from(""), Some(Vec::new()));
        assert_eq!(speech_from("4000-"), None);
    }
}
