//! The only clock of the media room. Everything in it that needs the time takes it as an argument, from
//! one reading per wake-up of its thread.

use std::time::{Duration, Instant, SystemTime};

use crate::rtp::rtcp::{Moment, NtpTime};

/// One moment on both clocks. RTCP names wall-clock time; only its differences count there, so one pair for
/// the life of the room is better than a clock that somebody may set during a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    mono: Instant,
    since_1970: Duration,
}

impl Origin {
    /// Reads both clocks.
    #[expect(clippy::disallowed_methods, reason = "the one place where media's threads read their clock")]
    pub(crate) fn read() -> Self {
        // A clock set before 1970 is as good an origin as 1970.
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { mono: Instant::now(), since_1970 }
    }

    /// `now` on the wall clock, counted on from this pair.
    pub(crate) fn moment(&self, now: Instant) -> Moment {
        let since_1970 = self.since_1970.saturating_add(now.saturating_duration_since(self.mono));
        Moment { now, ntp: NtpTime::from_unix(since_1970) }
    }
}

/// The monotonic clock, now.
#[expect(clippy::disallowed_methods, reason = "the one place where media's threads read their clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
