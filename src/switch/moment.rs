//! The time, as the switch is told it.

use std::time::{Duration, Instant};

use chrono::{DateTime, Timelike, Utc};

use crate::desk::ticket::LocalTime;

/// Both clocks, read once a turn: `mono` for deadlines, `wall` for tickets and opening hours.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    pub mono: Instant,
    pub wall: DateTime<Utc>,
}

/// [`Now`] with the desk's own wall clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) mono: Instant,
    pub(super) wall: LocalTime,
}

impl Moment {
    pub(super) fn new(now: Now, zone: chrono_tz::Tz) -> Self {
        Self { mono: now.mono, wall: now.wall.with_timezone(&zone).fixed_offset() }
    }

    /// Milliseconds since local midnight.
    pub(super) fn ms_of_day(&self) -> u32 {
        let time = self.wall.time();
        time.num_seconds_from_midnight() * 1000 + (time.nanosecond() / 1_000_000).min(999)
    }

    /// The monotonic instant of a wall-clock time; `mono` itself for the past.
    pub(super) fn instant_of(&self, wall: DateTime<Utc>) -> Instant {
        let ahead = wall.signed_duration_since(self.wall).to_std().unwrap_or(Duration::ZERO);
        self.mono.checked_add(ahead).unwrap_or(self.mono)
    }
}
