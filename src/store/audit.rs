//! The record of changes: who changed what, when, before and after. Lines are only ever added.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::{error::StoreError, group::utc};
use crate::desk::ticket::LocalTime;

/// Why a change was not made. Nothing of it is in the database.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The database does not work; try again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such thing: 404 for who asks by HTTP.
    #[error("there is no {what} {id}")]
    NotThere { what: &'static str, id: String },
    /// The rules of the desk do not allow it: 409 or 422, with these words.
    #[error("{0}")]
    Refused(String),
}

impl From<sqlx::Error> for EditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Who changes something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// A user's name, as it shall be on record.
    pub by: String,
    /// The desk's own clock.
    pub at: LocalTime,
}

/// One line of the record of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    pub at: DateTime<Utc>,
    pub by: String,
    /// `owner`, `closed`, `imported`.
    pub what: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What is on record about something: its kind and its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) kind: &'static str,
    pub(super) key: i64,
}

pub(super) async fn audit(
    tx: &mut SqliteConnection,
    hand: &Hand,
    subject: Subject,
    what: &str,
    before: Option<String>,
    after: Option<String>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit (at_utc, by, subject, id, what, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(utc(hand.at.to_utc()))
    .bind(hand.by.clone())
    .bind(subject.kind)
    .bind(subject.key)
    .bind(what.to_owned())
    .bind(before)
    .bind(after)
    .execute(tx)
    .await?;
    Ok(())
}
