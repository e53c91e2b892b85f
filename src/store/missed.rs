//! Callers who did not get through: what the list follows from.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    error::StoreError,
    group::{keys_of_day, utc},
    reader::Reader,
    rows::{self, Cells},
};
use crate::desk::{
    directory::Numbering,
    missed::{self, Contact, MissedCaller, MissedRules, Reached},
    number::Number,
};

/// Numbers in one statement; SQLite takes 32,766 values.
const AT_ONCE: usize = 4000;

impl Reader {
    /// Who is to be called back, the most urgent first.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn missed(
        &self,
        numbering: &Numbering,
        rules: MissedRules,
        now: DateTime<Utc>,
    ) -> Result<Vec<MissedCaller>, StoreError> {
        let since = now
            .checked_sub_signed(TimeDelta::days(rules.look_back_days.into()))
            .unwrap_or(DateTime::<Utc>::MIN_UTC);
        // A ticket's day is local, at most a day away from UTC.
        let first = keys_of_day(since.date_naive().pred_opt().unwrap_or(since.date_naive())).0;
        let mut tx = self.begin().await?;
        let missed = sqlx::query(
            "SELECT t.key, t.caller AS number, t.received_at, t.ended_at, 0 AS reached FROM ticket t \
             WHERE t.key >= ?1 AND t.received_utc >= ?2 AND t.direction = 'hotline' \
             AND t.answered_at IS NULL AND t.ended_at IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM ticket l WHERE l.caller = t.caller AND l.key > t.key \
             AND l.direction = 'hotline' AND l.answered_at IS NOT NULL)",
        )
        .bind(first)
        .bind(utc(since))
        .fetch_all(&mut *tx)
        .await?;
        let mut contacts = missed.iter().map(contact).collect::<Result<Vec<_>, _>>()?;
        let spellings: Vec<String> = contacts
            .iter()
            .filter_map(|contact| numbering.canonical(contact.number.as_ref()?.reveal()))
            .collect::<BTreeSet<_>>()
            .iter()
            .flat_map(|number| numbering.spellings(number))
            .collect();
        for some in spellings.chunks(AT_ONCE) {
            for (column, direction) in [("caller", "hotline"), ("dialled", "out")] {
                let mut query = QueryBuilder::<Sqlite>::new(format!(
                    "SELECT t.key, t.{column} AS number, t.received_at, t.ended_at, 1 AS reached FROM ticket t \
                     WHERE t.answered_at IS NOT NULL AND t.direction = '{direction}' AND +t.key >= "
                ));
                query.push_bind(first).push(format!(" AND t.{column} IN ("));
                let mut numbers = query.separated(",");
                for number in some {
                    numbers.push_bind(number.clone());
                }
                query.push(")");
                for row in query.build().persistent(false).fetch_all(&mut *tx).await? {
                    contacts.push(contact(&row)?);
                }
            }
        }
        tx.rollback().await?;
        contacts.sort_by_key(|contact| contact.ticket);
        Ok(missed::missed(&contacts, numbering, rules, now))
    }
}

fn contact(row: &SqliteRow) -> Result<Contact, StoreError> {
    let ticket = rows::ticket_id(row, "ticket", "key")?;
    let cells = Cells { row, table: "ticket", of: ticket.to_string() };
    let at = cells.time("received_at")?;
    let ended = cells.time_or_null("ended_at")?;
    Ok(Contact {
        ticket,
        number: cells.get::<Option<String>>("number")?.map(Number::new),
        at,
        waited: ended.map_or(TimeDelta::zero(), |ended| ended.signed_duration_since(at)),
        reached: if cells.get::<bool>("reached")? { Reached::Yes } else { Reached::No },
    })
}
