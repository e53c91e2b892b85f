//! Who spoke when on a recording.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::{
    error::StoreError,
    group::{Rows, insert, key, party},
    rows::{self, Cells},
};
use crate::desk::ticket::{Channel, Segment, Ticket, TicketId};

const SEGMENTS: Rows = Rows {
    head: "INSERT INTO segment (ticket, idx, channel, leg, party_kind, party_name, party_number, from_ms, \
           until_ms) VALUES ",
    columns: 9,
    tail: " ON CONFLICT (ticket, idx) DO UPDATE SET until_ms = excluded.until_ms",
};

/// Those of the tickets that were written.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    tickets: &[&Ticket],
    written: &BTreeSet<i64>,
) -> Result<(), StoreError> {
    let segments: Vec<(i64, &Segment)> = tickets
        .iter()
        .filter(|ticket| written.contains(&key(ticket.id)))
        .flat_map(|ticket| ticket.segments.iter().map(|segment| (key(ticket.id), segment)))
        .collect();
    insert(tx, &SEGMENTS, &segments, |query, (ticket, segment)| {
        let (kind, name, number) = party(&segment.party);
        query
            .bind(*ticket)
            .bind(i64::from(segment.index))
            .bind(word(segment.channel))
            .bind(i64::from(segment.leg))
            .bind(kind)
            .bind(name)
            .bind(number)
            .bind(i64::try_from(segment.from_ms).unwrap_or(i64::MAX))
            .bind(segment.until_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)))
    })
    .await?;
    Ok(())
}

/// The segments of these tickets.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    tickets: &[Ticket],
) -> Result<BTreeMap<TicketId, Vec<Segment>>, StoreError> {
    let mut segments = BTreeMap::<TicketId, Vec<Segment>>::new();
    // SQLite takes at most 32,766 values in a statement.
    for some in tickets.chunks(10_000) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM segment WHERE ticket IN (");
        let mut keys = query.separated(",");
        for ticket in some {
            keys.push_bind(key(ticket.id));
        }
        query.push(") ORDER BY ticket, idx");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let of = rows::ticket_id(&row, "segment", "ticket")?;
            segments.entry(of).or_default().push(read(&row, of)?);
        }
    }
    Ok(segments)
}

fn read(row: &SqliteRow, of: TicketId) -> Result<Segment, StoreError> {
    let cells = Cells { row, table: "segment", of: of.to_string() };
    let channel: String = row.try_get("channel")?;
    Ok(Segment {
        index: cells.number("idx")?,
        channel: [Channel::Left, Channel::Right]
            .into_iter()
            .find(|known| word(*known) == channel)
            .ok_or_else(|| cells.bad("channel"))?,
        leg: cells.number("leg")?,
        party: cells
            .party(["party_kind", "party_name", "party_number"])?
            .ok_or_else(|| cells.bad("party_kind"))?,
        from_ms: cells.number("from_ms")?,
        until_ms: cells.number_or_null("until_ms")?,
    })
}

fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Left => "left",
        Channel::Right => "right",
    }
}
