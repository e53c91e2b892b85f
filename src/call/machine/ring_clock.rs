//! The ring clock (`decisions.md` 6): it starts when the caller first hears ringing and runs on through
//! everything until a person answers.

use std::time::Instant;

use super::{
    Note,
    legs::{Turn, later},
};
use crate::call::plan::Plan;

#[derive(Debug, Default)]
pub(super) struct RingClock {
    since: Option<Instant>,
    flagged: bool,
}

impl RingClock {
    pub(super) fn is_flagged(&self) -> bool {
        self.flagged
    }

    /// When the call is to be flagged, if it is not yet.
    pub(super) fn deadline(&self, plan: &Plan) -> Option<Instant> {
        let (since, rings) = (self.since?, plan.rings?);
        (!self.flagged).then(|| later(since, rings.flag_at()))
    }
}

impl Turn<'_> {
    /// The caller hears ringing from now on.
    pub(super) fn start_ring_clock(&mut self) {
        if self.clock.since.is_none() {
            self.clock.since = Some(self.now);
            if self.plan.rings.is_some() {
                self.note(Note::FirstRing);
            }
        }
    }

    /// Not answered by a person within the house's rings: flagged, once, whatever comes.
    pub(super) fn flag_if_due(&mut self) {
        if self.clock.deadline(self.plan).is_some_and(|at| self.now >= at)
            && let Some(rings) = self.plan.rings
        {
            self.clock.flagged = true;
            self.note(Note::Flagged { ring: rings.flag_after });
        }
    }

    /// The ring that the caller is hearing, counted from 1.
    pub(super) fn ring(&self) -> Option<u32> {
        let (since, rings) = (self.clock.since?, self.plan.rings?);
        let heard = self.now.saturating_duration_since(since).as_millis();
        let whole = heard / rings.cycle().as_millis().max(1);
        Some(u32::try_from(whole).unwrap_or(u32::MAX - 1) + 1)
    }
}
