//! Caller and talk are over; a mobile still hears its last prompt.

use super::{Action, Event, State, legs::Turn};
use crate::desk::ticket::Unanswered;

/// Waits for the last prompts.
pub(super) fn on(event: Event, turn: &mut Turn<'_>) -> State {
    match event {
        Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
            turn.is_over(leg, Unanswered::NotNeeded);
        }
        Event::Played { leg } | Event::PlayFailed { leg } => turn.prompt_over(leg),
        Event::EndOrdered => turn.hang_up_all(),
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
        | Event::DeadlinePassed => {}
    }
    turn.end_last_prompts();
    State::close(turn)
}

impl State {
    /// The call ends as soon as no leg is left.
    pub(super) fn close(turn: &mut Turn<'_>) -> Self {
        if turn.legs.is_empty() {
            turn.push(Action::End);
            Self::Over
        } else {
            Self::Closing
        }
    }
}
