//! Messages that callers left, and whether somebody has heard them. The message itself is its ticket's
//! recording.

use std::{collections::BTreeSet, path::PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    edit::Editor,
    error::StoreError,
    group::{Rows, insert, key, utc},
    reader::Reader,
    rows::{self, Cells},
};
use crate::desk::{
    number::{Number, Private},
    ticket::{Outcome, Ticket, TicketId},
};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub ticket: TicketId,
    pub caller: Option<Number>,
    pub received: DateTime<Utc>,
    /// Its WAV, relative to the recordings folder; `None` while it is not closed yet, or where it failed.
    pub path: Option<PathBuf>,
}

const MESSAGES: Rows =
    Rows { head: "INSERT INTO message (ticket) VALUES ", columns: 1, tail: " ON CONFLICT DO NOTHING" };

/// Those of the tickets that were written.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    tickets: &[&Ticket],
    written: &BTreeSet<i64>,
) -> Result<(), StoreError> {
    let messages: Vec<i64> = tickets
        .iter()
        .filter(|ticket| ticket.outcome == Some(Outcome::Message))
        .map(|ticket| key(ticket.id))
        .filter(|key| written.contains(key))
        .collect();
    insert(tx, &MESSAGES, &messages, |query, ticket| query.bind(*ticket)).await?;
    Ok(())
}

impl Editor {
    /// Somebody has heard it; the first time counts. False where there is no such message.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn message_heard(
        &self,
        ticket: TicketId,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let by = by.to_owned();
        self.edit(move |connection| {
            Box::pin(async move {
                let written = sqlx::query(
                    "UPDATE message SET heard_utc = coalesce(heard_utc, ?), heard_by = coalesce(heard_by, ?) \
                     WHERE ticket = ?",
                )
                .bind(utc(at))
                .bind(by)
                .bind(key(ticket))
                .execute(connection)
                .await?;
                Ok(written.rows_affected() > 0)
            })
        })
        .await
    }
}

impl Reader {
    /// The messages that nobody has heard yet, the oldest first; at most so many.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn unheard_messages(&self, limit: u32) -> Result<Vec<Message>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.ticket, t.caller, t.received_at, r.path FROM message m \
             JOIN ticket t ON t.key = m.ticket LEFT JOIN recording r ON r.ticket = m.ticket \
             WHERE m.heard_utc IS NULL ORDER BY m.ticket LIMIT ?",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(message).collect()
    }

    /// How many messages nobody has heard, and how many somebody has.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_messages(&self) -> Result<(u32, u32), StoreError> {
        let row = sqlx::query("SELECT count(*) AS every, count(heard_utc) AS heard FROM message")
            .fetch_one(&self.pool)
            .await?;
        let cells = Cells { row: &row, table: "message", of: "all".to_owned() };
        let (every, heard): (u32, u32) = (cells.number("every")?, cells.number("heard")?);
        Ok((every.saturating_sub(heard), heard))
    }
}

fn message(row: &SqliteRow) -> Result<Message, StoreError> {
    let ticket = rows::ticket_id(row, "message", "ticket")?;
    let cells = Cells { row, table: "message", of: ticket.to_string() };
    Ok(Message {
        ticket,
        caller: cells.get::<Option<String>>("caller")?.map(Private::new),
        received: cells.utc("received_at")?,
        path: cells.get::<Option<String>>("path")?.map(PathBuf::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        facts::StoreFact,
        fixture::{change, ended, id, opened, utc_at},
        writer::{StoreSettings, Writer},
    };

    #[tokio::test]
    async fn a_message_is_unheard_until_somebody_hears_it_and_a_talk_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
        let mut message = ended(2, 1);
        message.outcome = Some(Outcome::Message);
        for ticket in [ended(1, 1), message.clone(), opened(3, 1)] {
            writer.save(change(ticket, Vec::new()));
        }
        while !matches!(facts.recv().await, Some(StoreFact::Saved { ticket, .. }) if ticket == id(3)) {}
        let (reader, editor) = (Reader::open(&path).await.unwrap(), Editor::through(writer.clone()));
        let unheard = reader.unheard_messages(10).await.unwrap();
        assert_eq!(unheard.iter().map(|m| m.ticket).collect::<Vec<_>>(), [id(2)]);
        assert_eq!(unheard[0].caller, message.caller);
        assert!(unheard[0].path.is_some());
        assert_eq!(reader.count_messages().await.unwrap(), (1, 0));
        assert!(editor.message_heard(id(2), "801", utc_at("17:00:00.000")).await.unwrap());
        assert!(!editor.message_heard(id(1), "801", utc_at("17:00:00.000")).await.unwrap(), "no message");
        assert_eq!(reader.unheard_messages(10).await.unwrap(), []);
        assert_eq!(reader.count_messages().await.unwrap(), (0, 1));
        // A later save of the ticket does not make it unheard again.
        message.revision = 2;
        writer.save(change(message, Vec::new()));
        while !matches!(facts.recv().await, Some(StoreFact::Saved { ticket, .. }) if ticket == id(2)) {}
        assert_eq!(reader.unheard_messages(10).await.unwrap(), []);
        writer.close(utc_at("23:00:00.000"));
    }
}
