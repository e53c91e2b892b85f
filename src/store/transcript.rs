//! What was said in a recording, as an external worker heard it: what waits to be asked, what came back, and the
//! search in it.

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::SqliteConnection;

use super::{
    edit::Editor,
    error::StoreError,
    group::{key, keys_of_day, utc},
    reader::Reader,
    rows::{Cells, ticket_id},
};
use crate::desk::ticket::{LocalTime, TicketId};

/// One side of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Left: the outside party.
    Caller,
    /// Right: the desk, or the mobile.
    Operator,
}

impl Channel {
    /// The word that stands in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Operator => "operator",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Caller, Self::Operator].into_iter().find(|channel| channel.word() == word)
    }
}

/// One side of one recording that the worker is to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub ticket: TicketId,
    pub channel: Channel,
    /// Below the recordings folder.
    pub path: PathBuf,
    /// How often it was asked in vain.
    pub attempts: u32,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Since the beginning of the recording.
    pub begins: Duration,
    pub ends: Duration,
    pub text: String,
}

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub ticket: TicketId,
    pub received: LocalTime,
    pub channel: Channel,
    pub segment: Segment,
}

/// A trigram index finds words of this many characters; shorter ones are looked for without it.
const TRIGRAM: usize = 3;

impl Reader {
    /// The next side to be heard, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn next_transcript(&self, now: DateTime<Utc>) -> Result<Option<Job>, StoreError> {
        let row = sqlx::query(
            "SELECT n.ticket, n.channel, n.attempts, r.path FROM transcript n \
             JOIN recording r ON r.ticket = n.ticket AND r.path IS NOT NULL \
             WHERE n.state = 'waiting' AND n.next_utc <= ? ORDER BY n.next_utc, n.ticket, n.channel LIMIT 1",
        )
        .bind(utc(now))
        .fetch_optional(self.pool())
        .await?;
        row.map(|row| {
            let ticket = ticket_id(&row, "transcript", "ticket")?;
            let cells = Cells { row: &row, table: "transcript", of: ticket.to_string() };
            let path: String = cells.get("path")?;
            Ok(Job {
                ticket,
                channel: channel(&cells)?,
                path: path.into(),
                attempts: cells.number("attempts")?,
            })
        })
        .transpose()
    }

    /// Where this was said, the newest call first, at most `limit`. Case does not count; a text of one or two
    /// characters is found, too, more slowly.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn search(&self, text: &str, limit: u32) -> Result<Vec<Said>, StoreError> {
        let columns = "SELECT s.ticket, s.channel, s.begins_ms, s.ends_ms, s.text, t.received_at";
        let (from, wanted) = if text.chars().count() < TRIGRAM {
            let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            (
                "FROM transcript_segment s JOIN ticket t ON t.key = s.ticket WHERE s.text LIKE ?1 ESCAPE '\\'",
                format!("%{escaped}%"),
            )
        } else {
            // A phrase: whatever a person types is text and no query language.
            let phrase = format!("\"{}\"", text.replace('"', "\"\""));
            (
                "FROM transcript_text x JOIN transcript_segment s ON s.key = x.rowid \
              JOIN ticket t ON t.key = s.ticket WHERE transcript_text MATCH ?1",
                phrase,
            )
        };
        let sql = format!("{columns} {from} ORDER BY s.ticket DESC, s.begins_ms LIMIT ?2");
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(wanted).bind(limit).fetch_all(self.pool()).await?;
        rows.iter().map(said).collect()
    }

    /// All that was said in one call, in the order of time.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn transcript(&self, ticket: TicketId) -> Result<Vec<Said>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.ticket, s.channel, s.begins_ms, s.ends_ms, s.text, t.received_at \
             FROM transcript_segment s JOIN ticket t ON t.key = s.ticket WHERE s.ticket = ? \
             ORDER BY s.begins_ms, s.channel",
        )
        .bind(key(ticket))
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(said).collect()
    }
}

impl Editor {
    /// Puts both sides of each recording on the list that is not on it yet, of calls from that day on.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn want_transcripts(&self, since: NaiveDate, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let mut wanted = 0;
                for channel in [Channel::Caller, Channel::Operator] {
                    let put = sqlx::query(
                        "INSERT INTO transcript (ticket, channel, state, next_utc) \
                         SELECT r.ticket, ?1, 'waiting', ?2 FROM recording r WHERE r.path IS NOT NULL \
                         AND r.ticket >= ?3 AND r.samples > 0 \
                         AND NOT EXISTS (SELECT 1 FROM transcript n WHERE n.ticket = r.ticket AND n.channel = ?1)",
                    )
                    .bind(channel.word())
                    .bind(utc(now))
                    .bind(keys_of_day(since).0)
                    .execute(&mut *tx)
                    .await?;
                    wanted += put.rows_affected();
                }
                Ok(wanted)
            })
        })
        .await
    }

    /// Keeps what the worker heard, in place of what was there. A recording that was deleted meanwhile gets
    /// none.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn transcribed(&self, job: Job, segments: Vec<Segment>) -> Result<(), StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE transcript SET state = 'done', why = NULL WHERE ticket = ?1 AND channel = ?2 \
                     AND EXISTS (SELECT 1 FROM recording WHERE ticket = ?1 AND path IS NOT NULL)",
                )
                .bind(key(job.ticket))
                .bind(job.channel.word())
                .execute(&mut *tx)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(());
                }
                sqlx::query("DELETE FROM transcript_segment WHERE ticket = ? AND channel = ?")
                    .bind(key(job.ticket))
                    .bind(job.channel.word())
                    .execute(&mut *tx)
                    .await?;
                for Segment { begins, ends, text } in segments {
                    sqlx::query(
                        "INSERT INTO transcript_segment (ticket, channel, begins_ms, ends_ms, text) \
                         VALUES (?, ?, ?, ?, ?)",
                    )
                    .bind(key(job.ticket))
                    .bind(job.channel.word())
                    .bind(i64::try_from(begins.as_millis()).unwrap_or(i64::MAX))
                    .bind(i64::try_from(ends.as_millis()).unwrap_or(i64::MAX))
                    .bind(text)
                    .execute(&mut *tx)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// The worker did not do it. `again`: when it is asked again; `None`: never.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn not_transcribed(
        &self,
        job: Job,
        why: String,
        again: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE transcript SET attempts = attempts + 1, why = ?1, \
                     state = CASE WHEN ?2 IS NULL THEN 'failed' ELSE 'waiting' END, \
                     next_utc = ifnull(?2, next_utc) WHERE ticket = ?3 AND channel = ?4",
                )
                .bind(why)
                .bind(again.map(utc))
                .bind(key(job.ticket))
                .bind(job.channel.word())
                .execute(tx)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

/// Forgets what was said in that call.
pub(super) async fn forget(tx: &mut SqliteConnection, ticket: i64) -> Result<(), StoreError> {
    for statement in
        ["DELETE FROM transcript_segment WHERE ticket = ?", "DELETE FROM transcript WHERE ticket = ?"]
    {
        sqlx::query(statement).bind(ticket).execute(&mut *tx).await?;
    }
    Ok(())
}

fn channel(cells: &Cells<'_>) -> Result<Channel, StoreError> {
    Channel::from_word(cells.get("channel")?).ok_or_else(|| cells.bad("channel"))
}

fn said(row: &sqlx::sqlite::SqliteRow) -> Result<Said, StoreError> {
    let ticket = ticket_id(row, "transcript_segment", "ticket")?;
    let cells = Cells { row, table: "transcript_segment", of: ticket.to_string() };
    let time = |column| Ok::<_, StoreError>(Duration::from_millis(cells.number(column)?));
    let segment = Segment { begins: time("begins_ms")?, ends: time("ends_ms")?, text: cells.get("text")? };
    Ok(Said { ticket, received: cells.time("received_at")?, channel: channel(&cells)?, segment })
}
