//! Who heard, saw or took away what: confidential data is looked at on record (客户隐私严格保密).

use chrono::{DateTime, Utc};

use super::ticket::TicketId;

/// One line of the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub at: DateTime<Utc>,
    /// A user's name; `command line: ` and the system's user where that was the way.
    pub who: String,
    pub what: Deed,
    /// `None`: about no single ticket.
    pub ticket: Option<TicketId>,
    /// Which part, by which filter, where to.
    pub words: String,
}

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Played a recording, or a part of it.
    Listened,
    /// Took a copy out of the house.
    Exported,
    /// Opened a ticket, a resident or a list with their data.
    LookedUp,
    /// Changed what people write: a remark, an owner, a hold.
    Changed,
    /// Ordered something to be erased.
    Erased,
    /// Came in, or tried to.
    SignedIn,
}
