//! What the database reports to the daemon's loop.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};

use super::error::StoreError;
use crate::desk::{facts::CallFacts, ticket::TicketId};

/// What happened to something that was asked of the writer. Each is sent after its COMMIT.
#[derive(Debug)]
pub enum StoreFact {
    /// This revision of the ticket, and every older one, is durable.
    Saved { ticket: TicketId, revision: u32 },
    /// The ticket could not be written; it is kept and retried. Said once per ticket and failure.
    SaveFailed { ticket: TicketId, revision: u32, why: String },
    /// The queue of unwritten tickets is full: this change is lost. A later one of the same ticket
    /// carries all but its timeline lines.
    SaveDropped { ticket: TicketId, revision: u32 },
    /// Nobody else ever gets the numbers `from..=to` of this day.
    NumbersReserved { day: NaiveDate, from: u32, to: u32 },
    /// The database does not work, from now on; said once. The writer goes on trying.
    DatabaseDown { why: StoreError },
    /// The database works: said after the first opening, and whenever it works again.
    DatabaseUp,
    /// What an earlier daemon left open was closed; said once, after the first opening.
    Swept(Sweep),
    /// The writer has ended, `unsaved` changes could not be written.
    Closed { unsaved: usize },
}

/// What the start-up sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Tickets without an end, now interrupted.
    pub interrupted: Vec<TicketId>,
    /// Outages that were open when the earlier daemon ended; ended with it.
    pub outages_ended: u64,
}

/// A recording that was left unfinished and that start-up repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairedRecording {
    pub ticket: TicketId,
    /// Relative to the recordings folder.
    pub path: PathBuf,
    /// Samples per channel.
    pub samples: u64,
    /// Hz.
    pub sample_rate: u32,
}

/// A closed recording that was read from end to end.
#[derive(Debug, Clone, PartialEq)]
pub struct ExaminedRecording {
    pub ticket: TicketId,
    pub at: DateTime<Utc>,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    pub facts: CallFacts,
}
