//! The three base times that every transaction timer is a multiple of (RFC 3261 §17, table 4).

use std::time::{Duration, Instant};

use crate::sip::{hop::Transport, ua::UaSettings};

/// Base times and the transport's kind, as one transaction sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    /// Estimated round trip, 500 ms.
    pub(super) t1: Duration,
    /// Longest interval between retransmissions of a non-INVITE request or a final answer, 4 s.
    pub(super) t2: Duration,
    /// How long a message may live in the network, 5 s.
    pub(super) t4: Duration,
    /// The transport retransmits by itself: timers A, E and G never run, D, I, J and K last no time.
    pub(super) reliable: bool,
}

impl Timing {
    /// The times of the settings over that transport. A base time of zero would have one turn of the
    /// loop retransmit for ever, so it counts as a millisecond.
    pub(super) fn new(settings: &UaSettings, transport: Transport) -> Self {
        let least = Duration::from_millis(1);
        Self {
            t1: settings.t1.max(least),
            t2: settings.t2.max(least),
            t4: settings.t4.max(least),
            reliable: transport.is_reliable(),
        }
    }

    /// The same times over another transport.
    pub(super) fn over(self, transport: Transport) -> Self {
        Self { reliable: transport.is_reliable(), ..self }
    }

    /// 64·T1: timers B, F, H, J, L and M; timer D too, which RFC 3261 §17.1.1.2 asks to outlive the
    /// peer's timer H (32 s with the default T1).
    pub(super) fn whole(self) -> Duration {
        self.t1 * 64
    }
}

/// A retransmission that is due at a time, and the interval that led there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resend {
    pub(super) at: Instant,
    interval: Duration,
}

impl Resend {
    /// The first retransmission, after T1; `None` where the transport retransmits.
    pub(super) fn first(timing: Timing, now: Instant) -> Option<Self> {
        (!timing.reliable).then(|| Self { at: now + timing.t1, interval: timing.t1 })
    }

    /// The next one after twice the interval, at most `cap`. Counted from now, not from when it was
    /// due: a loop that ran late sends one copy, not a burst.
    pub(super) fn doubled(self, cap: Duration, now: Instant) -> Self {
        let interval = (self.interval * 2).min(cap);
        Self { at: now + interval, interval }
    }
}
