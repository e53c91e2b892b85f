//! Caller and callee talk: whoever hangs up first ends it for both.

use super::{CallerRefused, Event, LegIndex, Note, State, legs::Turn};
use crate::desk::ticket::{Side, Unanswered};

#[derive(Debug)]
pub(super) struct Talking {
    with: LegIndex,
}

impl Talking {
    pub(super) fn with(leg: LegIndex) -> State {
        State::Talking(Self { with: leg })
    }

    pub(super) fn on(self, event: Event, turn: &mut Turn<'_>) -> State {
        let with = self.with;
        let first = match event {
            Event::HungUp { leg: LegIndex::CALLER } => Some(Side::Caller),
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. }
                if leg == with =>
            {
                Some(Side::Callee)
            }
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
                turn.is_over(leg, Unanswered::NotNeeded);
                None
            }
            // The 200 could not be sent: there is nobody to talk with.
            Event::EndOrdered | Event::CallerNotReached => Some(Side::House),
            Event::Played { leg } | Event::PlayFailed { leg } => {
                turn.prompt_over(leg);
                None
            }
            Event::Ringing { .. }
            | Event::EarlyMedia { .. }
            | Event::Answered { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::CallerReached
            | Event::Spoke { .. }
            | Event::Quiet { .. }
            | Event::RecordingFailed
            | Event::PhoneFree { .. }
            | Event::Digit { .. }
            | Event::DeadlinePassed => None,
        };
        let first = first.or_else(|| (turn.now >= turn.at_longest()).then_some(Side::House));
        turn.end_last_prompts();
        match first {
            None => State::Talking(self),
            Some(first) => end(with, first, turn),
        }
    }
}

/// An answered call is over, by whichever side.
pub(super) fn end(with: LegIndex, first: Side, turn: &mut Turn<'_>) -> State {
    match first {
        Side::Callee => turn.talk_is_over(with),
        Side::Caller | Side::House => turn.hang_up_talk(with),
    }
    turn.end_caller(CallerRefused::Fault);
    turn.note(Note::HungUp { first });
    State::close(turn)
}
