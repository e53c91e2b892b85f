//! Keeps the switch's directory as new as the residents' list: asks the database for its revision and
//! hands the whole list in when it has changed, by whichever program.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

use crate::{
    desk::{directory::Numbering, office::Office},
    store::{error::StoreError, reader::Reader},
    switch::Input,
};

/// How soon a changed list is known. One row is read each time; ten times as often would cost as much
/// as a call a minute, and nobody binds a number and is called by it within a second.
const LOOK: Duration = Duration::from_secs(2);

/// Runs until `office`'s sender is gone, then lets go of the database.
pub(super) async fn keep(path: PathBuf, mut office: watch::Receiver<Office>, to: mpsc::Sender<Input>) {
    let mut known = None;
    let mut reader = None;
    loop {
        let rules = office.borrow_and_update().numbering.clone();
        match look(&path, &mut reader, known.as_ref(), &rules, &to).await {
            Ok(revision) => known = Some((revision, rules)),
            Err(error) => {
                // The writer says so, louder; the old list stays.
                tracing::debug!(%error, "residents' list");
                reader = None;
            }
        }
        let changed = tokio::time::timeout(LOOK, office.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            break;
        }
    }
    if let Some(reader) = reader {
        reader.close().await;
    }
}

async fn look(
    path: &std::path::Path,
    reader: &mut Option<Reader>,
    known: Option<&(i64, Numbering)>,
    rules: &Numbering,
    to: &mpsc::Sender<Input>,
) -> Result<i64, StoreError> {
    let open = match reader.take() {
        Some(open) => open,
        None => Reader::open(path).await?,
    };
    let open = &*reader.insert(open);
    let revision = open.directory_revision().await?;
    if known.is_some_and(|(seen, with)| *seen == revision && with == rules) {
        return Ok(revision);
    }
    let directory = open.directory(rules).await?;
    tracing::info!(numbers = directory.len(), "residents' list read");
    if to.send(Input::Directory(Arc::new(directory))).await.is_err() {
        tracing::trace!("the loop has ended");
    }
    Ok(revision)
}
