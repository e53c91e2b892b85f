//! The queue of a busy desk, as one caller in it lives through it: answered, told that all are busy, kept
//! company, and told again every while. Who is whose turn is the switch's.

use std::time::Instant;

use super::{
    LegIndex, Note,
    legs::{Turn, later},
};
use crate::call::{
    plan::QueuePlan,
    prompt::{Prompt, Sound},
};

#[derive(Debug)]
pub(super) struct Queue {
    since: Instant,
    hears: Hears,
    /// Waits for a line no longer; mobiles or the voicemail are next.
    left: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hears {
    /// Plain ringing: the 200 is on its way, or could not be sent.
    Ringing,
    /// Is told something; then comfort follows.
    Words { since: Instant },
    /// Comfort; is told again at that time.
    Comfort { until: Option<Instant> },
    /// Somebody answered, who is being joined.
    Nothing,
}

impl Queue {
    pub(super) fn enter(turn: &mut Turn<'_>) -> Self {
        turn.note(Note::Queued);
        turn.answer_caller();
        Self { since: turn.now, hears: Hears::Ringing, left: false }
    }

    pub(super) fn has_left(&self) -> bool {
        self.left
    }

    pub(super) fn reached(&mut self, turn: &mut Turn<'_>) {
        if self.hears == Hears::Ringing {
            self.tell(Prompt::BusyWait, turn);
        }
    }

    pub(super) fn not_reached(&mut self) {
        self.hears = Hears::Ringing;
    }

    /// What was said came to its end.
    pub(super) fn played(&mut self, plan: &QueuePlan, turn: &mut Turn<'_>) {
        if let Hears::Words { since } = self.hears {
            turn.play_on(LegIndex::CALLER, Sound::Comfort);
            self.hears = Hears::Comfort { until: (!self.left).then(|| later(since, plan.care_every)) };
        }
    }

    pub(super) fn deadline(&self, plan: &QueuePlan) -> Option<Instant> {
        let care = match self.hears {
            Hears::Comfort { until } => until,
            Hears::Ringing | Hears::Words { .. } | Hears::Nothing => None,
        };
        let patience = (!self.left).then(|| later(self.since, plan.patience));
        [care, patience].into_iter().flatten().min()
    }

    /// Does what time brings.
    pub(super) fn advance(&mut self, plan: &QueuePlan, turn: &mut Turn<'_>) {
        if !self.left && turn.now >= later(self.since, plan.patience) {
            self.leave(format!("waited {} s", plan.patience.as_secs()), turn);
        }
        if let Hears::Comfort { until: Some(until) } = self.hears
            && turn.now >= until
        {
            self.tell(Prompt::BusyWait, turn);
        }
    }

    pub(super) fn leave(&mut self, why: String, turn: &mut Turn<'_>) {
        if !std::mem::replace(&mut self.left, true) {
            turn.note(Note::LeftQueue { why });
            if let Hears::Comfort { until } = &mut self.hears {
                *until = None;
            }
        }
    }

    /// The caller is told that it goes on to the mobiles.
    pub(super) fn forwarded(&mut self, turn: &mut Turn<'_>) {
        match self.hears {
            Hears::Words { .. } | Hears::Comfort { .. } => self.tell(Prompt::Forwarding, turn),
            Hears::Ringing | Hears::Nothing => {}
        }
    }

    /// Somebody answered.
    pub(super) fn hush(&mut self, turn: &mut Turn<'_>) {
        match std::mem::replace(&mut self.hears, Hears::Nothing) {
            Hears::Words { .. } | Hears::Comfort { .. } => turn.stop_playing(LegIndex::CALLER),
            Hears::Ringing | Hears::Nothing => {}
        }
    }

    /// It came to nothing: the caller waits on.
    pub(super) fn go_on(&mut self, turn: &mut Turn<'_>) {
        if self.hears == Hears::Nothing {
            self.tell(Prompt::BusyWait, turn);
        }
    }

    /// Whether the wait was long enough for an apology.
    pub(super) fn was_long(&self, plan: &QueuePlan, now: Instant) -> bool {
        now >= later(self.since, plan.sorry_after)
    }

    fn tell(&mut self, prompt: Prompt, turn: &mut Turn<'_>) {
        turn.play(LegIndex::CALLER, vec![prompt.into()]);
        self.hears = Hears::Words { since: turn.now };
    }
}
