//! A person answered and nothing has to be said before: the two are joined first, and only then the caller
//! gets the 200. The others ring on until that is done, in case it fails.

use std::time::{Duration, Instant};

use super::{
    Event, LegIndex, Note, State,
    legs::{Turn, later},
    seeking::Seeking,
    talking::Talking,
};
use crate::{
    call::{plan::Target, prompt::Prompt},
    desk::ticket::{Direction, Outcome, Unanswered},
};

/// How long media may take to join two legs, or to reach the caller, before that counts as failed. They
/// answer within milliseconds; doubled, somebody says hello into silence for longer.
pub(super) const JOIN_PATIENCE: Duration = Duration::from_secs(3);

/// A person answered; the caller's media and theirs are being joined.
#[derive(Debug)]
pub(super) struct Joining {
    with: LegIndex,
    /// The ring in which they answered.
    ring: Option<u32>,
    /// Then the join counts as failed.
    until: Instant,
    /// To go on with if it fails.
    seeking: Seeking,
}

impl Joining {
    pub(super) fn start(with: LegIndex, ring: Option<u32>, seeking: Seeking, turn: &mut Turn<'_>) -> State {
        turn.join(with);
        State::Joining(Self { with, ring, until: later(turn.now, JOIN_PATIENCE), seeking })
    }

    pub(super) fn deadline(&self) -> Instant {
        self.until
    }

    pub(super) fn on(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        match event {
            Event::Joined { leg } if leg == self.with => return self.joined(turn),
            Event::JoinFailed { leg } if leg == self.with => return self.failed(turn),
            Event::HungUp { leg: LegIndex::CALLER } => return self.seeking.abandoned(turn),
            Event::EndOrdered => return self.seeking.ended_by_house(turn),
            // They lifted and put down again: as if they had declined.
            Event::HungUp { leg } | Event::Redirected { leg, .. } if leg == self.with => {
                self.seeking.over(leg, Unanswered::Declined, turn);
                return self.seeking.go_on(turn);
            }
            Event::Unanswered { leg, why } if leg == self.with => {
                self.seeking.over(leg, why, turn);
                return self.seeking.go_on(turn);
            }
            event => self.seeking.meanwhile(event, turn),
        }
        turn.end_last_prompts();
        if turn.now >= self.until { self.failed(turn) } else { State::Joining(self) }
    }

    fn joined(self, turn: &mut Turn<'_>) -> State {
        turn.answer_caller();
        answered(self.with, self.ring, turn);
        Talking::with(self.with, turn)
    }

    fn failed(mut self, turn: &mut Turn<'_>) -> State {
        self.seeking.join_failed(self.with, turn);
        self.seeking.go_on(turn)
    }
}

/// It is settled who has the caller: the others are not needed any more.
pub(super) fn answered(with: LegIndex, ring: Option<u32>, turn: &mut Turn<'_>) {
    turn.send_off_all(Some(with), Prompt::ForwardTooLate);
    let outcome = match (turn.plan.direction, turn.legs.get(with).map(|leg| &leg.target)) {
        (Direction::Hotline, Some(Target::Phone(_)) | None) => Outcome::AnsweredByDesk,
        (Direction::Hotline, Some(Target::Mobile { .. } | Target::Outside(_))) => Outcome::AnsweredByMobile,
        (Direction::Out | Direction::Internal, _) => Outcome::AnsweredByOther,
    };
    turn.note(Note::Answered { leg: with, ring });
    turn.note(Note::Outcome { outcome, ring });
}
