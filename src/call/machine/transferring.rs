//! One side of a talk is being put through to somebody else: by REFER (the newcomer is rung), or with
//! somebody who is on the line already (attended transfer, RFC 3891). The other side stays, hears comfort
//! or ringing, and keeps call, ticket and recording. What fails comes back to who asked for it.

use std::time::Instant;

use super::{
    Action, CallerRefused, Event, LegIndex, Note, State,
    caller::Caller,
    farewell::Farewell,
    feature::{Feature, TransferNews},
    joining::JOIN_PATIENCE,
    legs::{Role, Stage as LegStage, Turn, later},
    talking::Talking,
};
use crate::{
    call::{
        plan::Target,
        prompt::{Prompt, Sound},
    },
    desk::ticket::{Side, Unanswered},
};

/// Redirects of the newcomer that are followed. More is a ring of phones that send the call round.
const MAX_REDIRECTS: u8 = 5;

#[derive(Debug)]
pub(super) struct Transferring {
    /// The talk as it was.
    talk: Talking,
    /// The side that asked, or gives its place.
    transferor: Side,
    /// Whom to ring again where the transfer fails.
    by: Target,
    /// The transferor's leg is still up.
    present: bool,
    /// Whose leg the transferor's place is for.
    newcomer: LegIndex,
    stage: Stage,
    redirects_left: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The newcomer is rung, or taken over from another call.
    Ringing { until: Instant },
    /// The newcomer is there, and is being joined with the side that stays.
    Joining { until: Instant },
    /// It failed and nobody is left: the transferor is rung again.
    Recalling { until: Instant },
}

impl Transferring {
    /// A leg asks for its other side to be put through.
    pub(super) fn blind(talk: Talking, leg: LegIndex, by: Target, to: Target, turn: &mut Turn<'_>) -> State {
        let Some(transferor) = talk.side_of(leg) else { return State::Talking(talk) };
        let until = later(turn.now, turn.plan.transfer_patience);
        let Some(newcomer) = turn.dial(to, Role::First, until) else {
            turn.push(Action::TellTransferor { news: TransferNews::Failed });
            return State::Talking(talk);
        };
        turn.note(Note::Transfer { from: leg, to: newcomer });
        Self::begin(talk, transferor, by, newcomer, Stage::Ringing { until }, turn)
    }

    /// Somebody on the line already takes a leg's place.
    pub(super) fn replace(
        talk: Talking,
        leg: LegIndex,
        by: Target,
        newcomer: Target,
        turn: &mut Turn<'_>,
    ) -> State {
        let Some(transferor) = talk.side_of(leg) else { return State::Talking(talk) };
        let until = later(turn.now, JOIN_PATIENCE);
        let Some(newcomer) = turn.adopt(newcomer, until) else { return State::Talking(talk) };
        turn.note(Note::Transfer { from: leg, to: newcomer });
        Self::begin(talk, transferor, by, newcomer, Stage::Ringing { until }, turn)
    }

    fn begin(
        talk: Talking,
        transferor: Side,
        by: Target,
        newcomer: LegIndex,
        stage: Stage,
        turn: &mut Turn<'_>,
    ) -> State {
        let transferring =
            Self { talk, transferor, by, present: true, newcomer, stage, redirects_left: MAX_REDIRECTS };
        turn.play_on(transferring.stayer(), Sound::Comfort);
        State::Transferring(transferring)
    }

    pub(super) fn deadline(&self) -> Instant {
        match self.stage {
            Stage::Ringing { until } | Stage::Joining { until } | Stage::Recalling { until } => until,
        }
    }

    fn stayer(&self) -> LegIndex {
        match self.transferor {
            Side::Caller => self.talk.callee_side,
            Side::Callee | Side::House => self.talk.caller_side,
        }
    }

    fn transferor_leg(&self) -> LegIndex {
        match self.transferor {
            Side::Caller => self.talk.caller_side,
            Side::Callee | Side::House => self.talk.callee_side,
        }
    }

    pub(super) fn on(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        match event {
            Event::HungUp { leg } | Event::Unanswered { leg, .. } if leg == self.stayer() => {
                return self.stayer_gone(turn);
            }
            Event::EndOrdered => return self.end(Side::House, turn),
            Event::HungUp { leg } | Event::Unanswered { leg, .. } if leg == self.newcomer => {
                let why = match &event {
                    Event::Unanswered { why, .. } => why.clone(),
                    _ => Unanswered::Declined,
                };
                turn.is_over(leg, why);
                return self.failed(turn);
            }
            Event::Redirected { leg, to } if leg == self.newcomer => {
                turn.is_over(leg, Unanswered::Declined);
                if !self.follow(to, turn) {
                    return self.failed(turn);
                }
            }
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
                if leg == self.transferor_leg() {
                    self.present = false;
                    turn.talk_is_over(leg);
                    turn.note(Note::Left { leg });
                } else {
                    turn.is_over(leg, Unanswered::NotNeeded);
                }
            }
            Event::Ringing { leg } if leg == self.newcomer => {
                turn.note(Note::Ringing { leg });
                turn.play_on(self.stayer(), Sound::Ringback);
                if self.present {
                    turn.push(Action::TellTransferor { news: TransferNews::Rings });
                }
            }
            Event::Answered { leg } if leg == self.newcomer => self.join(turn),
            Event::Joined { leg } if leg == self.newcomer => return self.joined(turn),
            Event::JoinFailed { leg } if leg == self.newcomer => {
                turn.hang_up(leg, Unanswered::Fault);
                return self.failed(turn);
            }
            Event::Feature(feature) => self.asked(feature, turn),
            Event::Played { leg } | Event::PlayFailed { leg } => turn.prompt_over(leg),
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
            | Event::Digit { .. }
            | Event::DeadlinePassed => {}
        }
        turn.end_last_prompts();
        if turn.now >= turn.at_longest() {
            return self.end(Side::House, turn);
        }
        if turn.now >= self.deadline() {
            turn.hang_up(self.newcomer, Unanswered::NoAnswer);
            return self.failed(turn);
        }
        State::Transferring(self)
    }

    /// Hold and resume need nothing: the one side hears comfort, the other is about to leave. A ringing
    /// newcomer may be picked up elsewhere.
    fn asked(&mut self, feature: Feature, turn: &mut Turn<'_>) {
        match feature {
            Feature::PickedUp { by } => {
                if let Stage::Ringing { until } | Stage::Recalling { until } = self.stage
                    && let Some(newcomer) = turn.adopt(by, until)
                {
                    turn.hang_up(self.newcomer, Unanswered::NotNeeded);
                    self.newcomer = newcomer;
                }
            }
            Feature::Held { .. }
            | Feature::Resumed { .. }
            | Feature::Referred { .. }
            | Feature::Replaced { .. }
            | Feature::Taken { .. } => {}
        }
    }

    /// The newcomer sends the call elsewhere; false where that is no way.
    fn follow(&mut self, to: Target, turn: &mut Turn<'_>) -> bool {
        let Some(left) = self.redirects_left.checked_sub(1) else { return false };
        self.redirects_left = left;
        match turn.dial(to, Role::First, self.deadline()) {
            Some(leg) => {
                self.newcomer = leg;
                true
            }
            None => false,
        }
    }

    fn join(&mut self, turn: &mut Turn<'_>) {
        if let Some(leg) = turn.legs.get_mut(self.newcomer) {
            leg.stage = LegStage::Up;
        }
        // A newcomer out of a consultation may have been on hold there.
        for leg in [self.stayer(), self.newcomer] {
            turn.stop_playing(leg);
        }
        self.stage = Stage::Joining { until: later(turn.now, JOIN_PATIENCE) };
        turn.join_sides(self.talk.with_newcomer(self.transferor, self.newcomer));
    }

    fn joined(self, turn: &mut Turn<'_>) -> State {
        let talk = self.talk.with_newcomer(self.transferor, self.newcomer);
        if self.present {
            turn.push(Action::TellTransferor { news: TransferNews::Done });
            talk_leg_ends(self.transferor_leg(), turn);
        }
        turn.note(Note::Transferred { to: self.newcomer });
        Talking::begin(talk, turn)
    }

    /// The newcomer is not to be had: back to the transferor, who is rung again if they are gone.
    fn failed(mut self, turn: &mut Turn<'_>) -> State {
        if self.present {
            turn.push(Action::TellTransferor { news: TransferNews::Failed });
            turn.stop_playing(self.stayer());
            turn.note(Note::TransferFailed);
            if let Stage::Joining { .. } = self.stage {
                turn.join_sides(self.talk);
            }
            return State::Talking(self.talk);
        }
        if let Stage::Recalling { .. } = self.stage {
            return self.nobody(turn);
        }
        turn.note(Note::TransferFailed);
        let until = later(turn.now, turn.plan.transfer_patience);
        match turn.dial(self.by.clone(), Role::First, until) {
            Some(leg) => {
                self.newcomer = leg;
                self.stage = Stage::Recalling { until };
                turn.play_on(self.stayer(), Sound::Comfort);
                State::Transferring(self)
            }
            None => self.nobody(turn),
        }
    }

    /// Not even the transferor comes back.
    fn nobody(self, turn: &mut Turn<'_>) -> State {
        turn.note(Note::HungUp { first: Side::House });
        if self.stayer() == LegIndex::CALLER && *turn.caller == Caller::Up {
            return Farewell::start(Prompt::LineFault, turn);
        }
        talk_leg_ends(self.stayer(), turn);
        State::close(turn)
    }

    fn stayer_gone(self, turn: &mut Turn<'_>) -> State {
        let side = match self.transferor {
            Side::Caller => Side::Callee,
            Side::Callee | Side::House => Side::Caller,
        };
        turn.talk_is_over(self.stayer());
        self.end(side, turn)
    }

    fn end(self, first: Side, turn: &mut Turn<'_>) -> State {
        if self.present {
            turn.push(Action::TellTransferor { news: TransferNews::Failed });
        }
        turn.hang_up(self.newcomer, Unanswered::NotNeeded);
        for leg in [self.talk.caller_side, self.talk.callee_side] {
            talk_leg_ends(leg, turn);
        }
        turn.note(Note::HungUp { first });
        State::close(turn)
    }
}

/// We end one side of a talk, if it is still there.
pub(super) fn talk_leg_ends(leg: LegIndex, turn: &mut Turn<'_>) {
    if leg == LegIndex::CALLER {
        turn.end_caller(CallerRefused::Fault);
    } else {
        turn.hang_up_talk(leg);
    }
}
