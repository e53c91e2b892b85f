//! What the caller has got from us so far, and how the caller's leg comes to its end.

use super::{Action, CallerRefused, Event, LegIndex, legs::Turn};
use crate::call::prompt::{Repeat, Sound};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Nothing but perhaps ringing.
    Waiting,
    /// Hears us by 183, and has not been answered.
    Early,
    /// Is being sent a 200.
    Answering,
    /// Has got it, and can be played to.
    Up,
    /// Hung up, or got its end from us.
    Gone,
}

impl Caller {
    /// What happened to the caller itself, before anybody thinks about it.
    pub(super) fn hears(&mut self, event: &Event) {
        match event {
            Event::HungUp { leg: LegIndex::CALLER } => *self = Self::Gone,
            Event::CallerNotReached if *self != Self::Gone => *self = Self::Waiting,
            Event::CallerReached if *self == Self::Answering => *self = Self::Up,
            Event::CallerNotReached
            | Event::Ringing { .. }
            | Event::EarlyMedia { .. }
            | Event::Answered { .. }
            | Event::Unanswered { .. }
            | Event::Redirected { .. }
            | Event::HungUp { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::Played { .. }
            | Event::PlayFailed { .. }
            | Event::CallerReached
            | Event::Spoke { .. }
            | Event::Quiet { .. }
            | Event::RecordingFailed
            | Event::PhoneFree { .. }
            | Event::Feature(_)
            | Event::Digit { .. }
            | Event::EndOrdered
            | Event::DeadlinePassed => {}
        }
    }
}

impl Turn<'_> {
    /// 200, once. Should it turn out that it cannot be sent, the caller waits as before.
    pub(super) fn answer_caller(&mut self) {
        match *self.caller {
            Caller::Waiting | Caller::Early => {
                *self.caller = Caller::Answering;
                self.push(Action::AnswerCaller);
            }
            Caller::Answering | Caller::Up | Caller::Gone => {}
        }
    }

    /// 183 with media of ours.
    pub(super) fn progress_caller(&mut self) {
        if *self.caller == Caller::Waiting {
            *self.caller = Caller::Early;
            self.push(Action::ProgressCaller);
        }
    }

    /// The caller's leg is over: refused where nothing was answered, else hung up.
    pub(super) fn end_caller(&mut self, why: CallerRefused) {
        match std::mem::replace(self.caller, Caller::Gone) {
            Caller::Waiting | Caller::Early => self.push(Action::RefuseCaller { why }),
            Caller::Answering | Caller::Up => self.push(Action::HangUpCaller),
            Caller::Gone => {}
        }
    }

    /// Whether the caller hears what we play.
    pub(super) fn caller_hears_us(&self) -> bool {
        match *self.caller {
            Caller::Early | Caller::Up => true,
            Caller::Waiting | Caller::Answering | Caller::Gone => false,
        }
    }

    pub(super) fn play(&mut self, leg: LegIndex, sounds: Vec<Sound>) {
        self.push(Action::Play { leg, sounds, repeat: Repeat::Once });
    }

    /// Until something else is played.
    pub(super) fn play_on(&mut self, leg: LegIndex, sound: Sound) {
        self.push(Action::Play { leg, sounds: vec![sound], repeat: Repeat::Forever });
    }

    pub(super) fn stop_playing(&mut self, leg: LegIndex) {
        self.push(Action::StopPlaying { leg });
    }
}
