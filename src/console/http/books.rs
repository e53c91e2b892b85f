//! The database for reading, opened when it is first needed: the daemon also starts without one.

use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

use crate::store::{error::StoreError, reader::Reader};

/// Opens the reader once it can be opened.
#[derive(Debug)]
pub(super) struct Books {
    path: PathBuf,
    reader: OnceCell<Reader>,
}

impl Books {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), reader: OnceCell::new() }
    }

    /// The reader.
    pub(super) async fn reader(&self) -> Result<&Reader, StoreError> {
        self.reader.get_or_try_init(|| Reader::open(&self.path)).await
    }
}
