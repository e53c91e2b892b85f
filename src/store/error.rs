//! Why the database could not do what it was asked.

use std::path::PathBuf;

/// Why the database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A later program has changed the tables. Do not start: this one could spoil them.
    #[error(
        "the database {path} was made by a newer hotlined (its tables are version {found}, this program \
         knows up to {known}): install that version again, or start with another database"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    /// Somebody else held the database for longer than the busy time-out. Try again.
    #[error("the database is locked by another program")]
    Busy,
    /// The database does not work at present, in words why. Nothing was changed: try again later.
    #[error("the database does not work at present: {0}")]
    Down(String),
    /// There is no database file. A reader says so; the writer makes one.
    #[error("there is no database at {0}")]
    NotThere(PathBuf),
    /// The file was removed or replaced under the running daemon. The writer opens it anew.
    #[error("the database file {0} was removed or replaced")]
    Replaced(PathBuf),
    /// The folder or the file could not be made or looked at. Try again after somebody mended it.
    #[error("cannot prepare {path}: {source}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The system gave no random bytes for a salt. Try again.
    #[error("no random bytes: {0}")]
    NoChance(String),
    /// A row holds what this program never writes.
    #[error("{table} of {ticket}: column {column} cannot be read")]
    BadRow { table: &'static str, ticket: String, column: &'static str },
    /// The tables could not be made or brought up to date.
    #[error("the tables cannot be brought up to date: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// SQLite refused: disk full, file damaged, no permission. Try again after somebody mended it.
    #[error("database: {0}")]
    Sqlite(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether trying again can never help: the daemon should not start.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Newer { .. } => true,
            Self::Busy
            | Self::Down(_)
            | Self::NotThere(_)
            | Self::Replaced(_)
            | Self::File { .. }
            | Self::NoChance(_)
            | Self::BadRow { .. }
            | Self::Migration(_)
            | Self::Sqlite(_) => false,
        }
    }

    /// Whether the connection is still good after this: only a lock is waited out on it.
    pub(super) fn keeps_connection(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_lock(&error) { Self::Busy } else { Self::Sqlite(error) }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error)
            | sqlx::migrate::MigrateError::ExecuteMigration(error, _)
                if is_lock(&error) =>
            {
                Self::Busy
            }
            other => Self::Migration(other),
        }
    }
}

/// `SQLITE_BUSY` (5) and `SQLITE_LOCKED` (6); the upper bits of the code only tell the kind.
fn is_lock(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|e| e.code())
        .and_then(|code| code.parse::<i64>().ok())
        .is_some_and(|code| matches!(code & 0xff, 5 | 6))
}
