//! The file of one ticket: where it lies, how it is written, read and cut.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::{Message, book::Seen};
use crate::{call::journal::Journal, desk::ticket::TicketId};

/// What the first line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub ticket: TicketId,
    /// The version of the program that ran the call.
    pub version: String,
    pub journal: Option<Box<Journal>>,
    /// Messages that were not kept.
    pub left_out: u32,
}

/// A ticket's file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub head: Head,
    /// Empty also where they were forgotten.
    pub messages: Vec<Message>,
}

/// Why a ticket's file cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It was never written (the daemon died during the call), or its time is over.
    #[error("nothing is kept of {0}: it is too old, the daemon died during the call, or there was none")]
    NotThere(TicketId),
    /// The disk refuses.
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It was written by another version, or damaged.
    #[error("{path}, line {line}: {source}")]
    Malformed {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
}

/// Where the ticket's file is, below the traces folder.
pub fn path(dir: &Path, ticket: TicketId) -> PathBuf {
    let day = ticket.day;
    dir.join(format!("{:04}/{:02}/{:02}/{ticket}.jsonl", day.year(), day.month(), day.day()))
}

/// Writes the file in one go; only the daemon's own user may read it. An older one of that name stays.
pub(super) fn write(dir: &Path, seen: &Seen) -> io::Result<()> {
    let path = path(dir, seen.ticket);
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut text = line(&HeadRef {
        ticket: seen.ticket,
        version: env!("CARGO_PKG_VERSION"),
        journal: seen.journal.as_deref(),
        left_out: seen.left_out,
    })?;
    for message in &seen.messages {
        text.push_str(&line(message)?);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// [`Head`] while it is written.
#[derive(Serialize)]
struct HeadRef<'a> {
    ticket: TicketId,
    version: &'a str,
    journal: Option<&'a Journal>,
    left_out: u32,
}

fn line(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}

/// Reads a ticket's file.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn read(dir: &Path, ticket: TicketId) -> Result<Kept, Unreadable> {
    let path = path(dir, ticket);
    let io = |source| Unreadable::Io { path: path.clone(), source };
    let malformed = |line, source| Unreadable::Malformed { path: path.clone(), line, source };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unreadable::NotThere(ticket)),
        Err(error) => return Err(io(error)),
    };
    let mut lines = BufReader::new(file).lines();
    let first = lines.next().transpose().map_err(io)?.unwrap_or_default();
    let head = serde_json::from_str(&first).map_err(|error| malformed(1, error))?;
    let mut messages = Vec::new();
    for (index, text) in lines.enumerate() {
        let text = text.map_err(io)?;
        messages.push(serde_json::from_str(&text).map_err(|error| malformed(index + 2, error))?);
    }
    Ok(Kept { head, messages })
}

/// Forgets the messages of a file and keeps its journal; whether there was anything to forget.
pub(super) fn cut(path: &Path) -> io::Result<bool> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut first = Vec::new();
    BufReader::new(&file).read_until(b'\n', &mut first)?;
    let keep = u64::try_from(first.len()).unwrap_or(u64::MAX);
    if keep >= length {
        return Ok(false);
    }
    file.set_len(keep)?;
    Ok(true)
}
