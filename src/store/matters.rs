//! Matters, as people change them. Each change loads the matter, lets the desk's rules decide, and
//! writes back what they made of it, all in one edit.

use sqlx::SqliteConnection;

use super::{
    audit::{EditError, Hand, Subject, audit},
    edit::Editor,
    error::StoreError,
    group::{id_of, key, local, reserve, utc},
    visits,
};
use crate::desk::{
    matter::{
        Line, Matter, Refusal, State, Way,
        change::{Change, Description},
    },
    number::Number,
    office::Office,
    search,
    ticket::{LocalTime, TicketId},
};

pub mod read;
mod save;

pub(super) const MATTER: &str = "matter";

/// A ticket that is no call of ours, as somebody writes it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    pub way: Way,
    /// When it was, which may be a while ago.
    pub received: LocalTime,
    pub name: String,
    pub number: Option<Number>,
    /// What was said, in short.
    pub words: String,
    /// The matter that it belongs to; `None` opens one.
    pub matter: Option<TicketId>,
    /// What is known of the matter that it opens; one that is there already keeps what it has.
    pub description: Description,
}

impl Editor {
    /// Writes down a visit to the counter, a form, or a call taken on the mobile: a ticket from its first
    /// second, and a matter whose owner is who wrote it down.
    ///
    /// # Errors
    /// [`EditError::NotThere`] for a matter that is not there, [`EditError::Refused`] by the rules.
    pub async fn log_contact(
        &self,
        contact: NewContact,
        office: Office,
        hand: Hand,
    ) -> Result<TicketId, EditError> {
        self.edit(move |tx| Box::pin(async move { log(tx, contact, &office, &hand).await })).await
    }

    /// Does something to a matter; answers with how it stands then.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] with the rule's words.
    pub async fn change_matter(
        &self,
        id: TicketId,
        change: Change,
        office: Office,
        hand: Hand,
    ) -> Result<Matter, EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let mut matter = load(tx, id).await?;
                let ends = matches!(&change, Change::Closed { .. });
                let completes = matches!(&change, Change::Closed { .. } | Change::Completed { .. });
                let reopens = matches!(&change, Change::Reopened { .. });
                let was_completed = matter.completed.is_some();
                let lines = matter.change(change, &hand.by, hand.at, &office).map_err(refused)?;
                if ends {
                    no_order_is_open(tx, id).await?;
                }
                save::matter(tx, &matter, &office).await?;
                record(tx, &hand, id, lines).await?;
                if completes && !was_completed {
                    visits::plan(tx, &matter, &office).await?;
                }
                if reopens {
                    visits::withdraw(tx, id, hand.at).await?;
                }
                Ok(matter)
            })
        })
        .await
    }

    /// Makes one matter part of another: its tickets, and whatever else hangs on it, go over.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] where one is ended or both are the same.
    pub async fn merge_matters(
        &self,
        from: TicketId,
        into: TicketId,
        office: Office,
        hand: Hand,
    ) -> Result<(), EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let (mut part, whole) = (load(tx, from).await?, load(tx, into).await?);
                let line = part.merge_into(&whole, hand.at).map_err(refused)?;
                save::matter(tx, &part, &office).await?;
                for sql in [
                    "UPDATE ticket SET matter = ? WHERE matter = ?",
                    "UPDATE contact SET matter = ? WHERE matter = ?",
                    "UPDATE work_order SET matter = ? WHERE matter = ?",
                    "UPDATE builder_notice SET matter = ? WHERE matter = ?",
                    "UPDATE visit SET matter = ? WHERE matter = ?",
                    // What was merged into the part before is part of the whole now.
                    "UPDATE matter SET merged_into = ? WHERE merged_into = ?",
                ] {
                    sqlx::query(sql).bind(key(into)).bind(key(from)).execute(&mut *tx).await?;
                }
                record(tx, &hand, from, vec![line]).await?;
                let line = Line { what: "took in", before: None, after: Some(from.to_string()) };
                record(tx, &hand, into, vec![line]).await
            })
        })
        .await
    }
}

async fn log(
    tx: &mut SqliteConnection,
    contact: NewContact,
    office: &Office,
    hand: &Hand,
) -> Result<TicketId, EditError> {
    let NewContact { way, received, name, number, words, matter, mut description } = contact;
    if received > hand.at {
        return Err(EditError::Refused("it cannot have been in the future".to_owned()));
    }
    let day = office.calendar.day(received.to_utc());
    let block = reserve(tx, day, 1, 1).await?;
    let id = TicketId { day, number: block.from };
    let into = match matter {
        Some(id) => load(tx, id).await?.id,
        None => {
            let mut opened = Matter::opened(id, received, way, hand.by.clone());
            opened.wind(received, &office.limits);
            description.name.get_or_insert_with(|| name.clone());
            description.number = description.number.or_else(|| number.clone());
            description.summary.get_or_insert_with(|| words.clone());
            let change = Change::Describe(Box::new(description));
            let lines = opened.change(change, &hand.by, hand.at, office).map_err(refused)?;
            sqlx::query("INSERT INTO matter (key, opened_at) VALUES (?, ?)")
                .bind(key(id))
                .bind(local(received))
                .execute(&mut *tx)
                .await?;
            save::matter(tx, &opened, office).await?;
            record(tx, hand, id, lines).await?;
            id
        }
    };
    sqlx::query(
        "INSERT INTO contact (key, id, matter, way, received_at, received_utc, by, name, number, words) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(key(id))
    .bind(id.to_string())
    .bind(key(into))
    .bind(way.word())
    .bind(local(received))
    .bind(utc(received.to_utc()))
    .bind(hand.by.clone())
    .bind(name)
    .bind(number.map(|number| number.reveal().clone()))
    .bind(words)
    .execute(&mut *tx)
    .await?;
    let line = Line { what: "ticket", before: None, after: Some(id.to_string()) };
    record(tx, hand, into, vec![line]).await?;
    Ok(id)
}

/// A matter is closed when its orders are finished, not before.
async fn no_order_is_open(tx: &mut SqliteConnection, id: TicketId) -> Result<(), EditError> {
    let open: Option<i64> = sqlx::query_scalar(
        "SELECT key FROM work_order WHERE matter = ? AND finished_at IS NULL AND cancelled_at IS NULL",
    )
    .bind(key(id))
    .fetch_optional(tx)
    .await?;
    match open {
        Some(order) => Err(EditError::Refused(format!(
            "order {} is not finished",
            crate::desk::work_order::OrderId(order)
        ))),
        None => Ok(()),
    }
}

/// The matter that has this id; a part of another is still itself.
pub(super) async fn load(tx: &mut SqliteConnection, id: TicketId) -> Result<Matter, EditError> {
    let found = read::matter(tx, id).await?;
    found.ok_or_else(|| EditError::NotThere { what: MATTER, id: id.to_string() })
}

/// Writes a matter that another room's change touched.
pub(super) async fn store(
    tx: &mut SqliteConnection,
    matter: &Matter,
    office: &Office,
) -> Result<(), StoreError> {
    save::matter(tx, matter, office).await
}

pub(super) async fn record(
    tx: &mut SqliteConnection,
    hand: &Hand,
    id: TicketId,
    lines: Vec<Line>,
) -> Result<(), EditError> {
    let subject = Subject { kind: MATTER, key: key(id) };
    for line in lines {
        audit(tx, hand, subject, line.what, line.before, line.after).await?;
    }
    Ok(())
}

pub(super) fn refused(why: Refusal) -> EditError {
    EditError::Refused(why.0)
}

/// Reopens a closed matter because a return visit says that it is not finished.
pub(super) async fn reopen(
    tx: &mut SqliteConnection,
    id: TicketId,
    why: &str,
    office: &Office,
    hand: &Hand,
) -> Result<(), EditError> {
    let mut matter = load(tx, id).await?;
    match matter.state {
        State::Closed => {
            let change = Change::Reopened { why: why.to_owned() };
            let lines = matter.change(change, &hand.by, hand.at, office).map_err(refused)?;
            save::matter(tx, &matter, office).await?;
            record(tx, hand, id, lines).await
        }
        State::Open | State::Done | State::Merged => Ok(()),
    }
}

/// What of a matter is found by its words.
fn findable(matter: &Matter) -> String {
    let mut parts = vec![
        matter.summary.clone(),
        matter.name.clone(),
        matter.place.estate.clone(),
        matter.place.label(),
        matter.department.clone(),
        matter.answer.clone(),
    ];
    parts.extend(matter.number.iter().map(|number| number.reveal().clone()));
    parts.extend(matter.fields.values().cloned());
    search::index(&parts.join("\n"))
}

fn ticket_of(key: Option<i64>) -> Option<TicketId> {
    key.and_then(id_of)
}

#[cfg(test)]
mod tests;
