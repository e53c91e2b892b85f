//! What happened, kept with the facts themselves: listeners that come back and webhooks read it here.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{
    edit::Editor,
    error::StoreError,
    group::{Rows, id_of, insert, key, utc},
    reader::Reader,
    rows::{self, Cells},
};
use crate::desk::{
    event::Event,
    ticket::{Ticket, TicketId},
};

const EVENTS: Rows = Rows {
    head: "INSERT INTO event (id, at_utc, kind, ticket, subject, words) VALUES ",
    columns: 6,
    tail: " ON CONFLICT DO NOTHING",
};

/// Writes events in the transaction of what they tell of.
pub(super) async fn write(tx: &mut SqliteConnection, events: &[Event]) -> Result<(), StoreError> {
    insert(tx, &EVENTS, events, |query, event| {
        query
            .bind(id(event.id))
            .bind(utc(event.at))
            .bind(event.kind.clone().into_owned())
            .bind(event.ticket.map(key))
            .bind(event.subject.clone())
            .bind(event.words.clone())
    })
    .await?;
    Ok(())
}

/// Ids count microseconds; they reach 2^63 in 292,000 years.
fn id(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

impl Reader {
    /// Events after `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn events(&self, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query("SELECT * FROM event WHERE id > ? ORDER BY id LIMIT ?")
            .bind(id(after))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let number: u64 = Cells { row, table: "event", of: "?".into() }.number("id")?;
                let cells = Cells { row, table: "event", of: number.to_string() };
                let ticket: Option<i64> = cells.get("ticket")?;
                Ok(Event {
                    id: number,
                    at: cells.utc("at_utc")?,
                    kind: cells.get::<String>("kind")?.into(),
                    ticket: ticket.map(|key| id_of(key).ok_or_else(|| cells.bad("ticket"))).transpose()?,
                    subject: cells.get("subject")?,
                    words: cells.get("words")?,
                })
            })
            .collect()
    }

    /// The id of the newest event; 0 where there is none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn newest_event(&self) -> Result<u64, StoreError> {
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT max(id) FROM event").fetch_one(&self.pool).await?;
        Ok(newest.and_then(|id| u64::try_from(id).ok()).unwrap_or(0))
    }

    /// These tickets, as they are now, without their legs.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn tickets_of(
        &self,
        wanted: impl IntoIterator<Item = TicketId>,
    ) -> Result<BTreeMap<TicketId, Ticket>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(rows::TICKET_COLUMNS).push(" FROM ").push(rows::TICKET_TABLES).push(" WHERE t.key IN (");
        let mut keys = query.separated(",");
        for ticket in wanted {
            keys.push_bind(key(ticket));
        }
        query.push(")");
        let found = query.build().persistent(false).fetch_all(&self.pool).await?;
        found.iter().map(|row| rows::ticket(row).map(|ticket| (ticket.id, ticket))).collect()
    }
}

impl Editor {
    /// Forgets events with an id below `before`; how many.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn forget_events(&self, before: u64) -> Result<u64, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM event WHERE id < ?")
                    .bind(id(before))
                    .execute(connection)
                    .await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desk::event::Sequence,
        store::{
            facts::StoreFact,
            fixture::{change, id as ticket_id, line, opened, utc_at},
            writer::{StoreSettings, Writer},
        },
    };

    #[tokio::test]
    async fn events_are_written_with_their_ticket_and_read_from_where_one_left_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
        let mut sequence = Sequence::default();
        let lines = vec![line(0, "16:15:02.123", "received"), line(1, "16:15:20.000", "flagged")];
        let change = change(opened(7, 1), lines);
        let mut events = sequence.of_ticket(&change, utc_at("16:15:20.000"));
        writer.save_and_tell(change, events.clone());
        let down = sequence.event(utc_at("16:16:00.000"), "trunk.down", Some("carrier".into()), "503");
        writer.tell_of(down.clone());
        events.push(down);
        writer.close(utc_at("23:00:00.000"));
        while !matches!(facts.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
        let reader = Reader::open(&path).await.unwrap();
        assert_eq!(reader.events(0, 10).await.unwrap(), events);
        assert_eq!(reader.events(events[0].id, 1).await.unwrap(), events[1..2]);
        assert_eq!(reader.newest_event().await.unwrap(), events[2].id);
        let tickets = reader.tickets_of([ticket_id(7), ticket_id(8)]).await.unwrap();
        assert_eq!(tickets.keys().copied().collect::<Vec<_>>(), [ticket_id(7)]);
        let editor = Editor::open(&path).await.unwrap();
        assert_eq!(editor.forget_events(events[2].id).await.unwrap(), 2);
        assert_eq!(reader.events(0, 10).await.unwrap(), events[2..]);
    }
}
