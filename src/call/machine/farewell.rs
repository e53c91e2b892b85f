//! The caller hears a last word (“your message is saved”, “a fault, try again”) and is hung up.

use std::time::{Duration, Instant};

use super::{
    CallerRefused, Event, LegIndex, State,
    legs::{Turn, later},
};
use crate::{call::prompt::Prompt, desk::ticket::Unanswered};

/// A last word takes a few seconds; after this the caller is hung up without having heard its end.
/// Doubled, a broken player keeps lines busy for longer.
const LONGEST: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Farewell {
    until: Instant,
}

impl Farewell {
    /// The caller's leg is up; nobody else is needed any more.
    pub(super) fn start(prompt: Prompt, turn: &mut Turn<'_>) -> State {
        turn.play(LegIndex::CALLER, vec![prompt.into()]);
        State::Farewell(Self { until: later(turn.now, LONGEST) })
    }

    pub(super) fn deadline(&self) -> Instant {
        self.until
    }

    pub(super) fn on(self, event: Event, turn: &mut Turn<'_>) -> State {
        let heard = match event {
            Event::Played { leg: LegIndex::CALLER }
            | Event::PlayFailed { leg: LegIndex::CALLER }
            | Event::HungUp { leg: LegIndex::CALLER }
            | Event::EndOrdered => true,
            Event::Played { leg } | Event::PlayFailed { leg } => {
                turn.prompt_over(leg);
                false
            }
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
                turn.is_over(leg, Unanswered::NotNeeded);
                false
            }
            Event::Ringing { .. }
            | Event::EarlyMedia { .. }
            | Event::Answered { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::CallerReached
            | Event::CallerNotReached
            | Event::Spoke { .. }
            | Event::Quiet { .. }
            | Event::RecordingFailed
            | Event::PhoneFree { .. }
            | Event::Feature(_)
            | Event::Digit { .. }
            | Event::DeadlinePassed => false,
        };
        turn.end_last_prompts();
        if !heard && turn.now < self.until {
            return State::Farewell(self);
        }
        turn.end_caller(CallerRefused::Fault);
        State::close(turn)
    }
}
