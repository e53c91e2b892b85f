//! Makes, checks and opens the database file.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::error::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The writer's connection, and which file it is connected to.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: SqliteConnection,
    path: PathBuf,
    identity: (u64, u64),
}

impl Database {
    /// Opens the database for writing; makes the folder (0700), the file (0600) and the tables where
    /// they are missing.
    pub(super) async fn open(path: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        let identity = make_file(path).map_err(|source| StoreError::File { path: path.into(), source })?;
        let mut connection = options(path, busy_timeout)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // KiB of page cache (negative: SQLite's way to say KiB). Twice as much saves no time at
            // 200 calls a second; it fills only as pages are touched.
            .pragma("cache_size", "-4000")
            .connect()
            .await?;
        refuse_newer(&mut connection, path).await?;
        MIGRATIONS.run(&mut connection).await?;
        Ok(Self { connection, path: path.into(), identity })
    }

    /// Whether the path still leads to the file that is open: SQLite would go on writing into a file
    /// that has no name any more.
    pub(super) fn check_identity(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(meta) if (meta.dev(), meta.ino()) == self.identity => Ok(()),
            Ok(_) => Err(StoreError::Replaced(self.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::Replaced(self.path.clone()))
            }
            Err(source) => Err(StoreError::File { path: self.path.clone(), source }),
        }
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "database: close");
        }
    }
}

/// What every connection shares. A reader adds `read_only`.
pub(super) fn options(path: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(busy_timeout)
        .foreign_keys(true)
        .disable_statement_logging()
}

/// Refuses a database that holds a migration that this program does not know.
pub(super) async fn refuse_newer(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let table: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_optional(&mut *connection)
            .await?;
    if table.is_none() {
        return Ok(());
    }
    let found: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await?;
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
    match found {
        Some(found) if found > known => Err(StoreError::Newer { path: path.into(), found, known }),
        Some(_) | None => Ok(()),
    }
}

fn make_file(path: &Path) -> io::Result<(u64, u64)> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // SQLite gives its -wal and -shm files the permissions of this one.
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let meta = fs::metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}
