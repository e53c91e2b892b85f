//! What was out of order, and from when to when (`decisions.md` 23).

use chrono::{DateTime, Utc};

/// The thing that was out of order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    Trunk(String),
    Phone(String),
    Disk,
    /// A recording without its ticket, or a ticket without its recording.
    Recordings,
    Database,
    Daemon,
}

/// An outage began or ended. Beginning one that is open, or ending one that is not, changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageChange {
    pub subject: Subject,
    pub at: DateTime<Utc>,
    pub edge: Edge,
    /// In words, for the supervisor: `408 to REGISTER`.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Began,
    Ended,
}
