//! The only clock of the media room. Everything in it that needs the time takes it as an argument, from
//! one reading per wake-up of its thread.

use std::time::Instant;

/// The monotonic clock, now.
#[expect(clippy::disallowed_methods, reason = "the one place where media's threads read their clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
