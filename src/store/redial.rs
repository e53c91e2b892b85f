//! Callers who call again within a short time: their ticket joins the matter of the one before, and that
//! matter becomes more urgent, once for each call.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::{error::StoreError, group::key};
use crate::desk::ticket::{Ticket, TicketId};

/// What the redials of a group join.
#[derive(Debug, Default)]
pub(super) struct Redials {
    /// The matters of those that join one.
    pub(super) matters: BTreeMap<TicketId, i64>,
    /// The matters that tickets join which were not in the database before.
    new: Vec<i64>,
}

/// Looks up which matter each redial of the group belongs to. Where the ticket before is in neither the
/// database nor the group, the redial opens a matter of its own.
pub(super) async fn matters(tx: &mut SqliteConnection, tickets: &[&Ticket]) -> Result<Redials, StoreError> {
    let mut redials = Redials::default();
    let in_group = |id: TicketId| tickets.iter().any(|ticket| ticket.id == id);
    // A group lists its tickets by id, so what a ticket follows is looked up before it.
    let follows = |ticket: &Ticket| ticket.redial_of.or(ticket.part_of);
    for (ticket, before) in tickets.iter().filter_map(|ticket| Some((*ticket, follows(ticket)?))) {
        let kept = matter_of(tx, before).await?;
        let matter = match (kept, redials.matters.get(&before)) {
            (Some(matter), _) | (None, Some(&matter)) => matter,
            (None, None) if in_group(before) => key(before),
            (None, None) => continue,
        };
        redials.matters.insert(ticket.id, matter);
        if ticket.redial_of.is_some() && matter_of(tx, ticket.id).await?.is_none() {
            redials.new.push(matter);
        }
    }
    Ok(redials)
}

impl Redials {
    /// After the tickets were written.
    pub(super) async fn raise_urgency(&self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        for matter in &self.new {
            sqlx::query("UPDATE matter SET urgency = urgency + 1 WHERE key = ?")
                .bind(*matter)
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

async fn matter_of(tx: &mut SqliteConnection, ticket: TicketId) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT matter FROM ticket WHERE key = ?")
        .bind(key(ticket))
        .fetch_optional(&mut *tx)
        .await?)
}
