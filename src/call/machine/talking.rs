//! Two sides talk: whoever hangs up first ends it for both. Hold is heard by the other side; a transfer or
//! somebody who takes a side's place goes on in `transferring.rs`.

use super::{
    Event, LegIndex, Note, State,
    feature::Feature,
    legs::Turn,
    transferring::{Transferring, talk_leg_ends},
};
use crate::{
    call::prompt::Sound,
    desk::ticket::{Side, Unanswered},
};

/// Who talks. The caller's side is the caller's own leg until somebody else has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Talking {
    pub(super) caller_side: LegIndex,
    pub(super) callee_side: LegIndex,
}

impl Talking {
    /// The caller and that leg have been joined.
    pub(super) fn with(leg: LegIndex, turn: &mut Turn<'_>) -> State {
        Self::begin(Self { caller_side: LegIndex::CALLER, callee_side: leg }, turn)
    }

    /// These two have been joined.
    pub(super) fn begin(talk: Self, turn: &mut Turn<'_>) -> State {
        turn.note(Note::Talk { caller_side: talk.caller_side, callee_side: talk.callee_side });
        State::Talking(talk)
    }

    pub(super) fn side_of(&self, leg: LegIndex) -> Option<Side> {
        if leg == self.caller_side {
            Some(Side::Caller)
        } else {
            (leg == self.callee_side).then_some(Side::Callee)
        }
    }

    /// The other side of that leg.
    fn other(&self, leg: LegIndex) -> Option<LegIndex> {
        match self.side_of(leg)? {
            Side::Caller => Some(self.callee_side),
            Side::Callee | Side::House => Some(self.caller_side),
        }
    }

    /// The same talk with another leg on that side.
    pub(super) fn with_newcomer(&self, side: Side, newcomer: LegIndex) -> Self {
        match side {
            Side::Caller => Self { caller_side: newcomer, ..*self },
            Side::Callee | Side::House => Self { callee_side: newcomer, ..*self },
        }
    }

    pub(super) fn on(self, event: Event, turn: &mut Turn<'_>) -> State {
        let first = match event {
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
                let side = self.side_of(leg);
                match side {
                    Some(_) => turn.talk_is_over(leg),
                    None => drop(turn.is_over(leg, Unanswered::NotNeeded)),
                }
                side
            }
            // The 200 could not be sent: there is nobody to talk with.
            Event::EndOrdered | Event::CallerNotReached => Some(Side::House),
            Event::Feature(feature) => return self.asked(feature, turn),
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
            Some(first) => self.end(first, turn),
        }
    }

    fn asked(self, feature: Feature, turn: &mut Turn<'_>) -> State {
        match feature {
            Feature::Held { leg } => {
                if let Some(other) = self.other(leg) {
                    turn.play_on(other, Sound::Comfort);
                }
            }
            Feature::Resumed { leg } => {
                if let Some(other) = self.other(leg) {
                    turn.stop_playing(other);
                }
            }
            Feature::Referred { leg, by, to } => return Transferring::blind(self, leg, by, to, turn),
            Feature::Replaced { leg, by, newcomer } => {
                return Transferring::replace(self, leg, by, newcomer, turn);
            }
            // It rings no longer.
            Feature::PickedUp { .. } => {}
            Feature::Taken { leg } => {
                if let Some(side) = self.side_of(leg) {
                    turn.talk_is_over(leg);
                    turn.note(Note::Taken { leg });
                    // Who put the two together has ended this.
                    let first = match side {
                        Side::Caller => Side::Callee,
                        Side::Callee | Side::House => Side::Caller,
                    };
                    return self.end(first, turn);
                }
            }
        }
        State::Talking(self)
    }

    /// It is over, by whichever side.
    pub(super) fn end(self, first: Side, turn: &mut Turn<'_>) -> State {
        for leg in [self.callee_side, self.caller_side] {
            talk_leg_ends(leg, turn);
        }
        turn.note(Note::HungUp { first });
        State::close(turn)
    }
}

/// An answered call is over before its sides talked.
pub(super) fn end(with: LegIndex, first: Side, turn: &mut Turn<'_>) -> State {
    if first == Side::Callee {
        turn.talk_is_over(with);
    }
    Talking { caller_side: LegIndex::CALLER, callee_side: with }.end(first, turn)
}
