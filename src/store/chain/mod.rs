//! The chain of proof in the database: entries that seal tickets, recordings, the access log and
//! certificates of erasure, each in the transaction that writes what it seals. An entry's content is
//! rows, read back as SQLite has them (`content`); the formulas are `desk::chain`'s. What anybody
//! changes afterwards, [`verify`] finds. `docs/evidence.md` says what that proves.
//!
//! Whoever changes a sealed row seals it again with `seal`, in the same transaction. Whoever erases
//! calls `certify` first, then removes or changes the rows, and only after the commit the file.

mod content;
#[cfg(test)]
mod tests;
pub mod verify;

use chrono::{DateTime, Utc};
use rand::{TryRng, rngs::SysRng};
use sqlx::{Row, SqliteConnection};

use self::content::Contents;
use super::{
    error::StoreError,
    group::{key, utc},
    rows::Cells,
};
use crate::desk::{
    chain::{BEGINNING, Hash, Kind, digest, link},
    ticket::TicketId,
};

/// Bytes of a salt: nobody tries 2^128 of them.
const SALT: usize = 16;

/// Something that is erased, and on whose word. Says never what it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    pub at: DateTime<Utc>,
    pub ticket: TicketId,
    pub what: Erased,
    /// `retention: enquiry, 6 months`, `asked for by the resident`.
    pub reason: String,
    pub ordered_by: String,
}

/// How much of a ticket is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Erased {
    /// The recording alone.
    Recording,
    /// The ticket's rows, and its recording.
    Ticket,
}

impl Erased {
    /// The word that stands in the certificate.
    pub fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Ticket => "ticket",
        }
    }

    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Recording => &[Kind::Recording],
            Self::Ticket => &[Kind::Ticket, Kind::Recording],
        }
    }
}

/// Seals the rows of these subjects as they are now; `at` where the rows know no time of their own.
/// A subject without rows is left out.
pub(super) async fn seal(
    tx: &mut SqliteConnection,
    kind: Kind,
    subjects: &[i64],
    at: Option<&str>,
) -> Result<(), StoreError> {
    if subjects.is_empty() {
        return Ok(());
    }
    let contents = Contents::read(tx, kind, subjects).await?;
    append(tx, kind, contents, at).await
}

/// Seals those of these tickets whose call is over and whose recording is settled, and of these the
/// recording where there is no file to wait for, or its SHA-256 is known.
pub(super) async fn seal_closed(tx: &mut SqliteConnection, tickets: &[i64]) -> Result<(), StoreError> {
    if tickets.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT t.key, r.path IS NULL OR r.sha256 IS NOT NULL FROM ticket t JOIN recording r ON r.ticket = t.key \
         WHERE t.ended_at IS NOT NULL AND t.key IN (SELECT value FROM json_each(?)) ORDER BY t.key",
    )
    .bind(content::list(tickets))
    .fetch_all(&mut *tx)
    .await?;
    let (mut closed, mut settled) = (Vec::new(), Vec::new());
    for row in rows {
        let key: i64 = row.try_get(0)?;
        closed.push(key);
        if row.try_get::<bool, _>(1)? {
            settled.push(key);
        }
    }
    seal(tx, Kind::Ticket, &closed, None).await?;
    seal(tx, Kind::Recording, &settled, None).await
}

/// Seals the recordings of these tickets anew where they were sealed before: their rows have changed.
pub(super) async fn seal_again(tx: &mut SqliteConnection, tickets: &[i64]) -> Result<(), StoreError> {
    let sealed: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT subject FROM chain WHERE kind = 'recording' AND salt IS NOT NULL \
         AND subject IN (SELECT value FROM json_each(?)) ORDER BY subject",
    )
    .bind(content::list(tickets))
    .fetch_all(&mut *tx)
    .await?;
    seal(tx, Kind::Recording, &sealed, None).await
}

/// Seals what an older version of this program closed before there was a chain. Only an empty chain
/// does so: later, a ticket without an entry is one that somebody put there.
pub(super) async fn begin(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    let begun: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM chain)").fetch_one(&mut *tx).await?;
    if begun {
        return Ok(());
    }
    let closed: Vec<i64> =
        sqlx::query_scalar("SELECT key FROM ticket WHERE ended_at IS NOT NULL ORDER BY key")
            .fetch_all(&mut *tx)
            .await?;
    for some in closed.chunks(content::PAGE) {
        seal_closed(tx, some).await?;
    }
    Ok(())
}

/// Writes the certificate of an erasure, seals it, and destroys the salts of what is erased. The caller
/// removes or changes the rows in the same transaction (what stays of them it seals again), and unlinks
/// the file after the commit.
pub(super) async fn certify(tx: &mut SqliteConnection, erasure: &Erasure) -> Result<(), StoreError> {
    let ticket = key(erasure.ticket);
    let row = sqlx::query_scalar(
        "INSERT INTO certificate (at_utc, ticket, erased, reason, ordered_by, path, sha256) \
         SELECT ?1, ?2, ?3, ?4, ?5, r.path, r.sha256 FROM (SELECT 1) \
         LEFT JOIN recording r ON r.ticket = ?2 RETURNING key",
    )
    .bind(utc(erasure.at))
    .bind(ticket)
    .bind(erasure.what.word())
    .bind(erasure.reason.clone())
    .bind(erasure.ordered_by.clone())
    .fetch_one(&mut *tx)
    .await?;
    for kind in erasure.what.kinds() {
        take_salts(tx, *kind, &[ticket]).await?;
    }
    seal(tx, Kind::Certificate, &[row], None).await
}

async fn take_salts(tx: &mut SqliteConnection, kind: Kind, subjects: &[i64]) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE chain SET salt = NULL WHERE kind = ? AND salt IS NOT NULL \
         AND subject IN (SELECT value FROM json_each(?))",
    )
    .bind(kind.word())
    .bind(content::list(subjects))
    .execute(tx)
    .await?;
    Ok(())
}

/// The last entry of the chain; before the first one, its beginning.
struct Head {
    seq: i64,
    link: Hash,
    at_utc: String,
}

async fn head(connection: &mut SqliteConnection) -> Result<Head, StoreError> {
    let row = sqlx::query("SELECT seq, link, at_utc FROM chain ORDER BY seq DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(Head { seq: 0, link: BEGINNING, at_utc: String::new() });
    };
    let cells = Cells { row: &row, table: "chain", of: "its last entry".into() };
    let link: Vec<u8> = cells.get("link")?;
    let link = link.try_into().map_err(|_| cells.bad("link"))?;
    Ok(Head { seq: cells.get("seq")?, link, at_utc: cells.get("at_utc")? })
}

async fn append(
    tx: &mut SqliteConnection,
    kind: Kind,
    contents: Contents,
    at: Option<&str>,
) -> Result<(), StoreError> {
    let Head { mut seq, link: mut before, at_utc: last } = head(tx).await?;
    let contents = contents.into_inner();
    take_salts(tx, kind, &contents.keys().copied().collect::<Vec<_>>()).await?;
    for (subject, content) in contents {
        seq += 1;
        // A recording's rows know no time; it is sealed right after its ticket, or its time is given.
        let at = match at {
            Some(at) => at.to_owned(),
            None if content.at.is_empty() => last.clone(),
            None => content.at,
        };
        let mut salt = [0; SALT];
        // Chance that nobody can repeat, the house's own generator included: that is what a salt is for.
        SysRng.try_fill_bytes(&mut salt).map_err(|error| StoreError::NoChance(error.to_string()))?;
        let digest = digest(&salt, &content.bytes);
        before = link(&before, seq, &at, kind.word(), subject, &digest);
        sqlx::query(
            "INSERT INTO chain (seq, at_utc, kind, subject, salt, digest, link) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(seq)
        .bind(at)
        .bind(kind.word())
        .bind(subject)
        .bind(salt.to_vec())
        .bind(digest.to_vec())
        .bind(before.to_vec())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
