//! Which recordings the database knows, which must stay, and which were deleted: what sweeps and retention
//! ask and change. Deleting commits its certificate first; the file is the caller's, and goes after that
//! (`decisions.md` 22).

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{
    chain::{self, Erased, Erasure},
    edit::Editor,
    error::StoreError,
    facts::RepairedRecording,
    group::{self, id_of, key, keys_of_day, utc},
    reader::Reader,
    rows::{Cells, ticket_id},
    transcript,
};
use crate::desk::{chain::Kind, ticket::TicketId};

/// What the database says of one ticket's recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The call is over.
    pub ended: bool,
    /// Where its file is, below the recordings folder.
    pub path: Option<PathBuf>,
    /// It was deleted in order; a file that is still there was left behind.
    pub deleted: bool,
}

/// A recording that may be due, with what decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub ticket: TicketId,
    pub kind: Option<String>,
    /// The local day on which its matter was closed; `None`: it is open.
    pub closed: Option<NaiveDate>,
    pub is_held: bool,
}

/// What was recorded in the last weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Bytes of the WAV files.
    pub bytes: u64,
    /// The first day that has a recording in this time.
    pub since: Option<NaiveDate>,
}

/// What was erased of one number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedNumber {
    pub tickets: Vec<TicketId>,
    /// Files to unlink, below the recordings folder.
    pub files: Vec<PathBuf>,
    /// Residents who went off the list.
    pub residents: u64,
    /// Tickets whose matter is held: nothing of them was touched.
    pub held: Vec<TicketId>,
}

/// What stands where a person's number or name stood.
pub const ERASED: &str = "erased";

impl Reader {
    /// Recordings with a file, in the order of tickets, after this one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn files_after(
        &self,
        after: Option<TicketId>,
        limit: u32,
    ) -> Result<Vec<(TicketId, PathBuf)>, StoreError> {
        let rows = sqlx::query(
            "SELECT ticket, path FROM recording WHERE path IS NOT NULL AND ticket > ? ORDER BY ticket LIMIT ?",
        )
        .bind(after.map_or(0, key))
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let ticket = ticket_id(row, "recording", "ticket")?;
                let path: String = Cells { row, table: "recording", of: ticket.to_string() }.get("path")?;
                Ok((ticket, path.into()))
            })
            .collect()
    }

    /// What the database says of these tickets' recordings; one that it does not know is left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn filed(&self, tickets: &[TicketId]) -> Result<BTreeMap<TicketId, Filed>, StoreError> {
        let mut filed = BTreeMap::new();
        for some in tickets.chunks(1_000) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT t.key, t.ended_at IS NOT NULL AS ended, r.path, r.deleted_utc IS NOT NULL AS deleted \
                 FROM ticket t LEFT JOIN recording r ON r.ticket = t.key WHERE t.key IN (",
            );
            let mut keys = query.separated(",");
            for ticket in some {
                keys.push_bind(key(*ticket));
            }
            query.push(")");
            for row in query.build().persistent(false).fetch_all(self.pool()).await? {
                let ticket = ticket_id(&row, "ticket", "key")?;
                let cells = Cells { row: &row, table: "recording", of: ticket.to_string() };
                let path: Option<String> = cells.get("path")?;
                let (ended, deleted) = (cells.get("ended")?, cells.get("deleted")?);
                filed.insert(ticket, Filed { ended, path: path.map(PathBuf::from), deleted });
            }
        }
        Ok(filed)
    }

    /// Recordings with a file of calls up to that day, the oldest first, after this ticket.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn candidates(
        &self,
        until: NaiveDate,
        after: Option<TicketId>,
        limit: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.key, m.kind, substr(m.closed_at, 1, 10) AS closed, \
             EXISTS (SELECT 1 FROM hold h WHERE h.matter IN (o.key, m.key)) AS held \
             FROM recording r JOIN ticket t ON t.key = r.ticket JOIN matter o ON o.key = t.matter \
             JOIN matter m ON m.key = coalesce(o.merged_into, o.key) \
             WHERE r.path IS NOT NULL AND r.ticket > ? AND r.ticket <= ? AND t.ended_at IS NOT NULL \
             ORDER BY r.ticket LIMIT ?",
        )
        .bind(after.map_or(0, key))
        .bind(keys_of_day(until).1)
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let ticket = ticket_id(row, "ticket", "key")?;
                let cells = Cells { row, table: "matter", of: ticket.to_string() };
                let closed: Option<String> = cells.get("closed")?;
                let closed = closed.map(|day| day.parse().map_err(|_| cells.bad("closed_at"))).transpose()?;
                Ok(Candidate { ticket, kind: cells.get("kind")?, closed, is_held: cells.get("held")? })
            })
            .collect()
    }

    /// What was recorded from that day on, files that are gone since included: the rate counts.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn recorded_since(&self, day: NaiveDate) -> Result<Recorded, StoreError> {
        // Two channels of 16 bits, and a header.
        let row = sqlx::query(
            "SELECT CAST(total(samples * 4 + 44) AS INTEGER) AS bytes, min(ticket) AS first \
             FROM recording WHERE ticket >= ? AND samples IS NOT NULL",
        )
        .bind(keys_of_day(day).0)
        .fetch_one(self.pool())
        .await?;
        let cells = Cells { row: &row, table: "recording", of: "-".into() };
        let first: Option<i64> = cells.get("first")?;
        let since = first.and_then(id_of).map(|ticket| ticket.day);
        Ok(Recorded { bytes: cells.number("bytes")?, since })
    }

    /// The newest ticket's day.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn newest_day(&self) -> Result<Option<NaiveDate>, StoreError> {
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT max(key) FROM ticket").fetch_one(self.pool()).await?;
        Ok(newest.and_then(id_of).map(|ticket| ticket.day))
    }
}

impl Editor {
    /// Says that the recordings of this ticket's matter must stay. `false`: there is no such ticket.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn hold(
        &self,
        ticket: TicketId,
        reason: String,
        by: String,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let held = sqlx::query(
                    "INSERT INTO hold (matter, since_utc, by, reason) SELECT matter, ?2, ?3, ?4 FROM ticket \
                     WHERE key = ?1 ON CONFLICT (matter) DO UPDATE SET by = excluded.by, reason = excluded.reason",
                )
                .bind(key(ticket))
                .bind(utc(at))
                .bind(by)
                .bind(reason)
                .execute(tx)
                .await?;
                Ok(held.rows_affected() > 0)
            })
        })
        .await
    }

    /// Takes that back. `false`: nothing was held there.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn release(&self, ticket: TicketId) -> Result<bool, StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let released =
                    sqlx::query("DELETE FROM hold WHERE matter = (SELECT matter FROM ticket WHERE key = ?)")
                        .bind(key(ticket))
                        .execute(tx)
                        .await?;
                Ok(released.rows_affected() > 0)
            })
        })
        .await
    }

    /// Ties a file to its ticket, which the file's name says; nothing where the ticket has a file already.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn tie_recording(&self, recording: RepairedRecording) -> Result<(), StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                group::tie(tx, &recording).await?;
                chain::seal_again(tx, &[key(recording.ticket)]).await
            })
        })
        .await
    }

    /// Deletes a ticket's recording: the certificate, and the row's word that it is gone. After this answer the
    /// caller unlinks the file. `None`: there is nothing to delete, or it was held meanwhile.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed, and no file may be unlinked.
    pub async fn delete_recording(&self, erasure: Erasure) -> Result<Option<PathBuf>, StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                if is_held(tx, erasure.ticket).await? { Ok(None) } else { delete(tx, &erasure).await }
            })
        })
        .await
    }

    /// Erases a person by their number, however it was written: recordings, numbers and names on tickets, legs
    /// and timelines, what was typed, and the resident who has the number, with the record of their changes. The tickets themselves stay, for the figures, without anybody's
    /// number. The certificates commit with it; the files are the caller's, after that.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn erase_number(
        &self,
        ways: Vec<String>,
        reason: String,
        by: String,
        at: DateTime<Utc>,
    ) -> Result<ErasedNumber, StoreError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let mut erased = ErasedNumber::default();
                for ticket in tickets_of(tx, &ways).await? {
                    if is_held(tx, ticket).await? {
                        erased.held.push(ticket);
                        continue;
                    }
                    let erasure = Erasure {
                        at,
                        ticket,
                        what: Erased::Ticket,
                        reason: reason.clone(),
                        ordered_by: by.clone(),
                    };
                    erased.files.extend(delete(tx, &erasure).await?);
                    forget_person(tx, ticket, &ways).await?;
                    forget_matter(tx, ticket, &ways).await?;
                    chain::seal(tx, Kind::Ticket, &[key(ticket)], None).await?;
                    erased.tickets.push(ticket);
                }
                erased.residents = forget_residents(tx, &ways).await?;
                Ok(erased)
            })
        })
        .await
    }
}

/// Whether the ticket's matter is held, or the one that it became part of.
async fn is_held(tx: &mut SqliteConnection, ticket: TicketId) -> Result<bool, StoreError> {
    let held = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM ticket t JOIN matter o ON o.key = t.matter \
         JOIN hold h ON h.matter IN (o.key, o.merged_into) WHERE t.key = ?)",
    );
    Ok(held.bind(key(ticket)).fetch_one(tx).await?)
}

/// The certificate, then the row; the file's path.
async fn delete(tx: &mut SqliteConnection, erasure: &Erasure) -> Result<Option<PathBuf>, StoreError> {
    let path: Option<Option<String>> = sqlx::query_scalar("SELECT path FROM recording WHERE ticket = ?")
        .bind(key(erasure.ticket))
        .fetch_optional(&mut *tx)
        .await?;
    let path = path.flatten();
    if path.is_none() && erasure.what == Erased::Recording {
        return Ok(None);
    }
    chain::certify(tx, erasure).await?;
    transcript::forget(tx, key(erasure.ticket)).await?;
    if path.is_some() {
        sqlx::query(
            "UPDATE recording SET path = NULL, sha256 = NULL, deleted_utc = ?, deleted_why = ? WHERE ticket = ? \
             AND path IS NOT NULL",
        )
        .bind(utc(erasure.at))
        .bind(erasure.reason.clone())
        .bind(key(erasure.ticket))
        .execute(&mut *tx)
        .await?;
    }
    chain::seal(tx, Kind::Recording, &[key(erasure.ticket)], None).await?;
    Ok(path.map(PathBuf::from))
}

/// A list of values as a statement's `IN (…)` takes it.
fn push_list(query: &mut QueryBuilder<Sqlite>, values: &[String]) {
    query.push("(");
    let mut list = query.separated(",");
    for value in values {
        list.push_bind(value.clone());
    }
    query.push(")");
}

/// Every ended ticket on which one of these numbers stands. A call in progress is left alone: it would write
/// its number again.
async fn tickets_of(tx: &mut SqliteConnection, ways: &[String]) -> Result<Vec<TicketId>, StoreError> {
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT key FROM ticket WHERE ended_at IS NOT NULL AND (caller IN ");
    push_list(&mut query, ways);
    query.push(" OR direction <> 'hotline' AND dialled IN ");
    push_list(&mut query, ways);
    query.push(" OR key IN (SELECT ticket FROM leg WHERE party_kind = 'outside' AND party_number IN ");
    push_list(&mut query, ways);
    query.push(")) ORDER BY key");
    let rows = query.build().persistent(false).fetch_all(tx).await?;
    rows.iter().map(|row| ticket_id(row, "ticket", "key")).collect()
}

async fn forget_person(
    tx: &mut SqliteConnection,
    ticket: TicketId,
    ways: &[String],
) -> Result<(), StoreError> {
    let ticket = key(ticket);
    let ours: String = sqlx::query_scalar("SELECT direction FROM ticket WHERE key = ?")
        .bind(ticket)
        .fetch_one(&mut *tx)
        .await?;
    // The hotline's own number stays; a number that a desk phone dialled is the person's.
    let statements: &[&str] = match ours.as_str() {
        "hotline" => &["UPDATE ticket SET caller = ?1, caller_name = NULL WHERE key = ?2"],
        _ => &[
            "UPDATE ticket SET dialled = ?1, answered_by_number = CASE WHEN answered_by_number IS NULL THEN NULL \
                ELSE ?1 END WHERE key = ?2",
        ],
    };
    for statement in statements.iter().chain(&[
        "UPDATE leg SET party_number = ?1 WHERE ticket = ?2 AND party_kind = 'outside'",
        "UPDATE ticket_remark SET remark = ?1 WHERE ticket = ?2",
    ]) {
        sqlx::query(*statement).bind(ERASED).bind(ticket).execute(&mut *tx).await?;
    }
    // Longest first: a number must not be found inside another way to write it.
    let mut longest: Vec<&String> = ways.iter().filter(|way| way.len() >= 5).collect();
    longest.sort_by_key(|way| std::cmp::Reverse(way.len()));
    for way in longest {
        sqlx::query("UPDATE timeline SET words = replace(words, ?1, ?2) WHERE ticket = ?3")
            .bind(way.clone())
            .bind(ERASED)
            .bind(ticket)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// What was written about the matter says who and where; its kind, its clocks and its end stay. A matter of somebody
/// else, which this ticket only joined, is left alone.
async fn forget_matter(
    tx: &mut SqliteConnection,
    ticket: TicketId,
    ways: &[String],
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "UPDATE matter SET estate = '', building = '', unit = '', room = '', name = '', answer = '', \
         summary = 'erased', number = NULL WHERE key = (SELECT matter FROM ticket WHERE key = ",
    );
    query.push_bind(key(ticket)).push(") AND (number IS NULL OR number IN ");
    push_list(&mut query, ways);
    query.push(") RETURNING key");
    let matter: Option<i64> = query.build_query_scalar().persistent(false).fetch_optional(&mut *tx).await?;
    let Some(matter) = matter else { return Ok(()) };
    for statement in [
        "DELETE FROM matter_field WHERE matter = ?",
        "DELETE FROM matter_text WHERE rowid = ?",
        "DELETE FROM audit WHERE subject = 'matter' AND id = ?",
    ] {
        sqlx::query(statement).bind(matter).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Takes the residents who have that number off the list; how many. The record of what was changed about them goes,
/// too: it says what they were called.
async fn forget_residents(tx: &mut SqliteConnection, ways: &[String]) -> Result<u64, StoreError> {
    let digits: Vec<String> = ways.iter().map(|way| way.trim_start_matches('+').to_owned()).collect();
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT DISTINCT resident FROM resident_number WHERE number IN ");
    push_list(&mut query, ways);
    query.push(" OR canonical IN ");
    push_list(&mut query, &digits);
    let residents: Vec<i64> = query.build_query_scalar().persistent(false).fetch_all(&mut *tx).await?;
    for resident in &residents {
        for statement in [
            "UPDATE matter SET resident = NULL WHERE resident = ?",
            "DELETE FROM audit WHERE subject = 'resident' AND id = ?",
            "DELETE FROM resident WHERE key = ?",
        ] {
            sqlx::query(statement).bind(*resident).execute(&mut *tx).await?;
        }
    }
    if !residents.is_empty() {
        sqlx::query("UPDATE directory_revision SET revision = revision + 1").execute(tx).await?;
    }
    Ok(u64::try_from(residents.len()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
