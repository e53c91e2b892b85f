//! What one call saw: its plan, and every fact with the time since its start, with what the call did about
//! each. Small enough to keep with its ticket, and enough to run the call again ([`Journal::replay`]).
//!
//! Numbers are masked, and pressed keys that mean nothing to the plan are too. It never holds what the
//! call did not look at: SIP, media, passwords. Pure; who keeps it is the `trace` room.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{
    machine::{Action, Call, Event},
    plan::Plan,
};

/// Steps that are kept. A call has tens; a person who leans on the keys for hours reaches it. When full,
/// later steps are counted only, and a replay ends there.
const MOST_STEPS: usize = 500;

/// What stands for a key that means nothing to the plan: no telephone has it.
const MASKED_KEY: char = '?';

/// One call's memory of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    pub plan: Plan,
    /// What the call did at its start.
    pub began: Vec<Action>,
    pub steps: Vec<Step>,
    /// Steps that no longer fitted.
    pub left_out: u32,
}

/// One fact, and what the call did about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Since the call's start.
    pub after: Duration,
    pub event: Event,
    pub actions: Vec<Action>,
}

impl Journal {
    pub fn new(plan: Plan, began: &[Action]) -> Self {
        Self { plan, began: began.to_vec(), steps: Vec::new(), left_out: 0 }
    }

    /// Takes down a fact and what came of it.
    pub fn note(&mut self, after: Duration, event: Event, actions: &[Action]) {
        if self.steps.len() >= MOST_STEPS {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let event = masked(event, &self.plan);
        self.steps.push(Step { after, event, actions: actions.to_vec() });
    }

    /// Runs the call again, from `origin` on: what it does now at each step, and where that is not what it
    /// did then. The same program always does the same; another version may not.
    pub fn replay(&self, origin: Instant) -> Replay {
        let (mut call, began) = Call::start(self.plan.clone(), origin);
        let mut differs = (began != self.began).then_some(Difference { step: None, now: began });
        for (index, step) in self.steps.iter().enumerate() {
            let actions = call.on(step.event.clone(), origin + step.after);
            if differs.is_none() && actions != step.actions {
                differs = Some(Difference { step: Some(index), now: actions });
            }
        }
        Replay { differs, is_over: call.deadline().is_none() }
    }
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The first place where the call does something else than then.
    pub differs: Option<Difference>,
    /// The call has come to its end.
    pub is_over: bool,
}

/// Where a replay leaves the way of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `None`: at the start.
    pub step: Option<usize>,
    /// What the call does now.
    pub now: Vec<Action>,
}

/// A key is kept only where the plan gives it a meaning: others may be part of a code or a number.
fn masked(event: Event, plan: &Plan) -> Event {
    match event {
        Event::Digit { leg, digit } if !plan.keys().contains(&digit) => {
            Event::Digit { leg, digit: MASKED_KEY }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::{
            house::{House, Mobile},
            machine::LegIndex,
            plan, sample,
            staffing::staffing,
        },
        desk::number::Number,
    };

    #[expect(clippy::disallowed_methods, reason = "any instant will do as a call's start")]
    fn origin() -> Instant {
        Instant::now()
    }

    /// A call that goes to the mobile at once, where keys are pressed.
    fn forwarded() -> Journal {
        let house = House { phones: Vec::new(), ..sample::house() };
        assert!(house.mobiles.iter().any(|mobile: &Mobile| mobile.needs_key));
        let wall = "2026-11-23T16:15:02+08:00".parse().unwrap();
        let plan = plan::hotline(&house, &staffing(&house, wall, None, &[]), false);
        let origin = origin();
        let (mut call, began) = Call::start(plan.clone(), origin);
        let mut journal = Journal::new(plan, &began);
        let leg = LegIndex(1);
        for (after, event) in [
            (120, Event::Ringing { leg }),
            (4_000, Event::Answered { leg }),
            (5_000, Event::Digit { leg, digit: '7' }),
            (6_000, Event::Digit { leg, digit: '1' }),
            (6_100, Event::Joined { leg }),
            (9_000, Event::HungUp { leg: LegIndex::CALLER }),
        ] {
            let after = Duration::from_millis(after);
            let actions = call.on(event.clone(), origin + after);
            journal.note(after, event, &actions);
        }
        assert_eq!(call.deadline(), None);
        journal
    }

    #[test]
    fn a_call_that_is_run_again_from_its_written_journal_does_the_same() {
        let written = serde_json::to_string(&forwarded()).unwrap();
        let read: Journal = serde_json::from_str(&written).unwrap();
        assert_eq!(read.replay(origin()), Replay { differs: None, is_over: true });
    }

    #[test]
    fn a_journal_holds_neither_numbers_nor_keys_without_meaning() {
        let written = serde_json::to_string(&forwarded()).unwrap();
        let number = sample::house().mobiles.first().map(|mobile| mobile.number.clone());
        let number: Number = number.unwrap();
        assert!(!written.contains(number.reveal()), "{written}");
        assert!(!written.contains("\"digit\":\"7\""), "{written}");
        assert!(written.contains("\"digit\":\"1\""), "{written}");
    }

    #[test]
    fn a_replay_names_the_first_step_that_went_otherwise() {
        let mut journal = forwarded();
        // As if an earlier version had not taken the key.
        journal.steps[3].actions.clear();
        let differs = journal.replay(origin()).differs.unwrap();
        assert_eq!(differs.step, Some(3));
        assert!(!differs.now.is_empty());
    }

    #[test]
    fn a_person_who_leans_on_the_keys_does_not_fill_the_memory() {
        let mut journal = forwarded();
        for _ in 0..2_000 {
            journal.note(Duration::from_secs(9), Event::DeadlinePassed, &[]);
        }
        assert_eq!(journal.steps.len(), MOST_STEPS);
        assert_eq!(journal.left_out, 2_006 - 500);
    }
}
