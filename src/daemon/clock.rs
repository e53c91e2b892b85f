//! The only place of this floor that reads the clocks.

use std::time::Instant;

use chrono::Utc;

use crate::switch::Now;

/// Both clocks, once a turn.
#[expect(clippy::disallowed_methods, reason = "the one place where the loop reads its clocks")]
pub(crate) fn now() -> Now {
    Now { mono: Instant::now(), wall: Utc::now() }
}
