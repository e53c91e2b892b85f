//! What people change. Each edit is one transaction of its own, and is answered after its COMMIT
//! (`decisions.md` 4): it either happened whole and durably, or not at all and somebody is told why.
//!
//! [`Editor`] is what the console and the command line hold; the edits themselves are its methods, each
//! beside the tables that it writes. In the running daemon they go through the one writer; on the
//! command line, with or without a daemon, through a connection that is held only meanwhile.

use std::{path::Path, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{Mutex, oneshot};

use super::{error::StoreError, open::Database, writer::Writer};

/// Edits that may wait at once; the next one is told that the database is busy. People type them, a
/// few a second at most, and each waits for its answer.
pub(super) const MAX_EDITS: usize = 256;

/// How long the command line waits for a lock that the daemon holds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes people's changes; cheap to clone.
#[derive(Debug, Clone)]
pub struct Editor {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Daemon(Writer),
    Alone(Arc<Mutex<Database>>),
}

impl Editor {
    /// Through the running daemon's writer.
    pub fn through(writer: Writer) -> Self {
        Self { way: Way::Daemon(writer) }
    }

    /// Through a connection of its own; makes the database and its tables where they are missing.
    ///
    /// # Errors
    /// The database can't be opened.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::open(path, PATIENCE).await?;
        Ok(Self { way: Way::Alone(Arc::new(Mutex::new(database))) })
    }

    /// Runs `work` in a transaction. What it answers with `Ok` is committed before it is passed on; with
    /// `Err` nothing of it stays. Why an edit was refused is its own kind of error.
    pub(super) async fn edit<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let pending: Box<dyn Edit> = Box::new(Pending { work: Some(work), result: None, reply });
        match &self.way {
            Way::Daemon(writer) => writer.edit(pending)?,
            Way::Alone(database) => perform(&mut database.lock().await.connection, pending).await,
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Down("the daemon is stopping".to_owned()).into()))
    }
}

/// An edit on its way, whatever it answers.
pub(super) trait Edit: Send {
    /// Does the work inside a transaction; whether it may be committed.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;
    /// Passes the work's answer on, or why it was not committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

impl std::fmt::Debug for dyn Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Edit")
    }
}

struct Pending<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Edit for Pending<T, E, F>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send,
{
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            if let Some(work) = self.work.take() {
                self.result = Some(work(connection).await);
            }
            matches!(self.result, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let said = match (self.result, committed) {
            (Some(Err(why)), _) => Err(why),
            (_, Err(why)) => Err(why.into()),
            (Some(result), Ok(())) => result,
            (None, Ok(())) => Err(StoreError::Down("the change was not made".to_owned()).into()),
        };
        // Who asked has gone away; the edit stands.
        let _ = self.reply.send(said);
    }
}

/// Runs one edit in a transaction of its own and answers it.
pub(super) async fn perform(connection: &mut SqliteConnection, mut edit: Box<dyn Edit>) {
    let committed = async {
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        if edit.run(&mut tx).await { tx.commit().await } else { tx.rollback().await }
    };
    let committed = committed.await.map_err(StoreError::from);
    edit.answer(committed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{fixture::utc_at, writer::StoreSettings};

    async fn count(editor: &Editor) -> i64 {
        editor
            .edit(|connection| {
                Box::pin(async move {
                    Ok::<_, StoreError>(
                        sqlx::query_scalar("SELECT count(*) FROM number_block").fetch_one(connection).await?,
                    )
                })
            })
            .await
            .unwrap()
    }

    async fn insert(
        editor: &Editor,
        day: &'static str,
        then: Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        editor
            .edit(move |connection| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO number_block (day, next) VALUES (?, 1)")
                        .bind(day)
                        .execute(connection)
                        .await?;
                    then
                })
            })
            .await
    }

    async fn an_edit_stands_whole_or_not_at_all(editor: &Editor) {
        insert(editor, "2026-11-23", Ok(())).await.unwrap();
        assert_eq!(count(editor).await, 1);
        insert(editor, "2026-11-24", Err(StoreError::Busy)).await.unwrap_err();
        assert_eq!(count(editor).await, 1, "a refused edit left something behind");
        insert(editor, "2026-11-23", Ok(())).await.unwrap_err();
        assert_eq!(count(editor).await, 1);
    }

    #[tokio::test]
    async fn an_edit_through_the_daemon_stands_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
        let settings = StoreSettings::new(folder.path().join("hotlined.db"));
        let writer = Writer::start(settings, sender, utc_at("16:00:00.000")).unwrap();
        let editor = Editor::through(writer.clone());
        an_edit_stands_whole_or_not_at_all(&editor).await;
        writer.close(utc_at("23:00:00.000"));
        while !matches!(facts.recv().await, Some(crate::store::facts::StoreFact::Closed { unsaved: 0 })) {}
        let after = insert(&editor, "2026-11-25", Ok(())).await.unwrap_err();
        assert!(matches!(after, StoreError::Down(_)), "{after}");
    }

    #[tokio::test]
    async fn an_edit_alone_stands_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        an_edit_stands_whole_or_not_at_all(&Editor::open(&folder.path().join("hotlined.db")).await.unwrap())
            .await;
    }

    #[tokio::test]
    async fn an_edit_on_a_database_that_does_not_work_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        std::fs::write(&path, [b'x'; 8192]).unwrap();
        let (sender, _facts) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
        let refused = insert(&Editor::through(writer.clone()), "2026-11-23", Ok(())).await.unwrap_err();
        assert!(matches!(refused, StoreError::Down(_)), "{refused}");
        writer.close(utc_at("23:00:00.000"));
    }
}
