//! The call: facts and the time in, actions out. It rings, flags, forwards, joins and ends; it never
//! knows how. Its end is always [`Action::End`], once, with every leg gone and one outcome decided.
//!
//! Facts may come late, twice, in any order or for legs that never were: what fits no leg is ignored.
//! Reading starts at [`Call::on`], then `seeking.rs` (nobody has answered) and `legs.rs` (who is rung).

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::{
    legs::{Key, Legs, PickUp, Turn, later},
    seeking::Seeking,
};
use super::plan::{Plan, Target};
use crate::desk::ticket::{Direction, Outcome, Side, Unanswered};

mod legs;
mod seeking;

/// How long media may take to join two legs before that counts as failed. They answer within
/// milliseconds; doubled, somebody says hello into silence for longer.
const JOIN_PATIENCE: Duration = Duration::from_secs(3);

/// One side of a call, or an attempt at one. Given out by the switch for the caller and by
/// [`Call`] (counting up from 1) for those it dials: unique within the call, 0 is the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LegIndex(pub u16);

impl LegIndex {
    pub const CALLER: Self = Self(0);
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A dialled leg rings (180, 183).
    Ringing {
        leg: LegIndex,
    },
    /// A dialled leg sent early media (calls out pass it to the phone).
    EarlyMedia {
        leg: LegIndex,
    },
    /// A dialled leg gave 200. On a mobile that needs its key this means only *picked up*.
    Answered {
        leg: LegIndex,
    },
    /// A dialled leg ended without an answer.
    Unanswered {
        leg: LegIndex,
        why: Unanswered,
    },
    /// A dialled phone answered 302 to a target that the house allows; the leg is over.
    Redirected {
        leg: LegIndex,
        to: Target,
    },
    /// A leg that was up hung up or was lost; on the caller: hung up or cancelled.
    HungUp {
        leg: LegIndex,
    },
    /// Media runs between the caller and the leg, and the recorder has started.
    Joined {
        leg: LegIndex,
    },
    /// Media could not be joined.
    JoinFailed {
        leg: LegIndex,
    },
    /// A prompt came to its end on that leg.
    Played {
        leg: LegIndex,
    },
    /// A digit was pressed on that leg.
    Digit {
        leg: LegIndex,
        digit: char,
    },
    /// Somebody at the console or the command line ends the call.
    EndOrdered,
    DeadlinePassed,
}

/// What to say on a leg; the house names the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Prompt {
    /// “物业热线来电，接听请按一”.
    ForwardConfirm,
    /// “来电已经结束”: somebody else took it.
    ForwardTooLate,
    /// “业主已经挂机”.
    CallerGone,
}

/// Why the caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallerRefused {
    /// Nobody could take it: 480.
    NobodyAvailable,
    /// The number called is busy: 486.
    Busy,
    /// The number called does not exist or is not reachable: 404 or 480.
    Unreachable,
    /// The number called declined: 603.
    Declined,
    /// A fault of ours: 503.
    Fault,
}

/// What to do, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Dial {
        leg: LegIndex,
        target: Target,
    },
    /// CANCEL or BYE, whatever the leg needs. Its end is not awaited. `why` is for the ticket where
    /// the leg was not answered.
    HangUp {
        leg: LegIndex,
        why: Unanswered,
    },
    /// 180 to the caller.
    RingCaller,
    /// 183 with the leg's early media to the caller (calls out).
    PassEarlyMedia {
        leg: LegIndex,
    },
    /// Joins the caller's media with the leg's and starts the recorder; answered by `Joined` or `JoinFailed`.
    Join {
        leg: LegIndex,
    },
    /// 200 to the caller.
    AnswerCaller,
    /// A final refusal to the caller; the caller's leg is over with it.
    RefuseCaller {
        why: CallerRefused,
    },
    /// BYE to the caller.
    HangUpCaller,
    /// Plays once on that leg, in place of what is being played; answered by `Played`.
    Play {
        leg: LegIndex,
        prompt: Prompt,
    },
    StopPlaying {
        leg: LegIndex,
    },
    /// Something for ticket, log and event stream.
    Note(Note),
    /// The call is over: nothing follows, every leg is gone or being hung up.
    End,
}

/// Milestones for the ticket; the switch adds the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// The ring clock started.
    FirstRing,
    /// Not answered within three rings: at this moment, whatever comes.
    Flagged { ring: u32 },
    /// The mobiles' turn has come; in words why: `nobody on duty`, `not answered in 3 rings`.
    Forwarding { why: String },
    /// A leg rings.
    Ringing { leg: LegIndex },
    /// A mobile was picked up; no person proven yet.
    Picked { leg: LegIndex },
    /// A person answered, in this ring.
    Answered { leg: LegIndex, ring: Option<u32> },
    /// A leg ended unanswered: by itself, or because of the [`Action::HangUp`] just before.
    Unanswered { leg: LegIndex, why: Unanswered },
    /// The answered leg, the caller (also before any answer) or the house hung up; `first` as the
    /// ticket keeps it.
    HungUp { first: Side },
    /// Decided once. `ring`: in which the call was answered, given up or left.
    Outcome { outcome: Outcome, ring: Option<u32> },
}

/// One call.
#[derive(Debug)]
pub struct Call {
    plan: Plan,
    started: Instant,
    legs: Legs,
    state: State,
}

/// How far a call is. Each state's data is in its variant.
#[derive(Debug)]
enum State {
    /// Nobody has answered.
    Seeking(Seeking),
    /// A person answered and is being joined with the caller; the others ring on until that is done.
    Joining(Joining),
    /// The caller talks with this leg.
    Talking {
        with: LegIndex,
    },
    /// Caller and talk are over; a mobile still hears its last prompt.
    Closing,
    Over,
}

impl Call {
    /// Starts to walk the plan.
    pub fn start(plan: Plan, now: Instant) -> (Self, Vec<Action>) {
        let mut call = Self { plan, started: now, legs: Legs::default(), state: State::Over };
        let mut turn = Turn::new(&call.plan, now, &mut call.legs, now);
        call.state = Seeking::start(&mut turn);
        let actions = turn.actions;
        (call, actions)
    }

    /// Takes in one fact and answers with what to do about it, in order. After [`Action::End`] the
    /// answer is always empty.
    pub fn on(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut turn = Turn::new(&self.plan, self.started, &mut self.legs, now);
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Seeking(seeking) => seeking.on(event, &mut turn),
            State::Joining(joining) => joining.on(event, &mut turn),
            State::Talking { with } => talking(with, event, &mut turn),
            State::Closing => closing(event, &mut turn),
            State::Over => State::Over,
        };
        turn.actions
    }

    /// When this call next wants [`Event::DeadlinePassed`]. `None` only after its end.
    pub fn deadline(&self) -> Option<Instant> {
        let longest = later(self.started, self.plan.longest_call);
        let leaving = self.legs.leaving_deadline();
        match &self.state {
            State::Seeking(seeking) => Some(seeking.deadline(&self.plan, self.started, &self.legs)),
            State::Joining(joining) => Some(leaving.map_or(joining.until, |at| at.min(joining.until))),
            State::Talking { .. } => Some(leaving.map_or(longest, |at| at.min(longest))),
            State::Closing => leaving,
            State::Over => None,
        }
    }
}

/// A person answered; the caller's media and theirs are being joined.
#[derive(Debug)]
struct Joining {
    with: LegIndex,
    /// The ring in which they answered.
    ring: Option<u32>,
    /// Then the join counts as failed.
    until: Instant,
    /// To go on with if it fails.
    seeking: Seeking,
}

impl Joining {
    fn new(with: LegIndex, ring: Option<u32>, now: Instant, seeking: Seeking) -> Self {
        Self { with, ring, until: later(now, JOIN_PATIENCE), seeking }
    }

    fn on(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        match event {
            Event::Joined { leg } if leg == self.with => return self.joined(turn),
            Event::JoinFailed { leg } if leg == self.with => return self.failed(turn),
            Event::HungUp { leg: LegIndex::CALLER } => return self.seeking.abandoned(turn),
            Event::EndOrdered => return self.seeking.ended_by_house(turn),
            // They lifted and put down again: as if they had declined.
            Event::HungUp { leg } if leg == self.with => {
                self.seeking.over(leg, Unanswered::Declined, turn);
                return self.seeking.advance(turn);
            }
            Event::Unanswered { leg, why } if leg == self.with => {
                self.seeking.over(leg, why, turn);
                return self.seeking.advance(turn);
            }
            Event::HungUp { leg } => self.seeking.lost(leg, turn),
            Event::Unanswered { leg, why } => self.seeking.over(leg, why, turn),
            Event::Redirected { leg, to: _ } => self.seeking.over(leg, Unanswered::Declined, turn),
            Event::Ringing { leg } => self.seeking.ringing(leg, turn),
            Event::Answered { leg } => match turn.picked_up(leg) {
                PickUp::Person => turn.send_off(leg, Prompt::ForwardTooLate),
                PickUp::NotYet => {}
            },
            Event::Digit { leg, digit } => match turn.pressed(leg, digit) {
                Key::Accept => turn.send_off(leg, Prompt::ForwardTooLate),
                Key::Refuse => self.seeking.hang_up(leg, Unanswered::RefusedByKey, turn),
                Key::Nothing => {}
            },
            Event::Played { leg } => turn.prompt_over(leg),
            Event::EarlyMedia { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::DeadlinePassed => {}
        }
        turn.end_last_prompts();
        if turn.now >= self.until { self.failed(turn) } else { State::Joining(self) }
    }

    fn joined(self, turn: &mut Turn<'_>) -> State {
        let Self { with, ring, .. } = self;
        turn.push(Action::AnswerCaller);
        turn.send_off_all(Some(with), Prompt::ForwardTooLate);
        let outcome = match (turn.plan.direction, turn.legs.get(with).map(|leg| &leg.target)) {
            (Direction::Hotline, Some(Target::Phone(_)) | None) => Outcome::AnsweredByDesk,
            (Direction::Hotline, Some(Target::Mobile { .. } | Target::Outside(_))) => {
                Outcome::AnsweredByMobile
            }
            (Direction::Out | Direction::Internal, _) => Outcome::AnsweredByOther,
        };
        turn.note(Note::Answered { leg: with, ring });
        turn.note(Note::Outcome { outcome, ring });
        State::Talking { with }
    }

    fn failed(mut self, turn: &mut Turn<'_>) -> State {
        self.seeking.join_failed(self.with, turn);
        self.seeking.advance(turn)
    }
}

/// Caller and callee talk: whoever hangs up first ends it for both.
fn talking(with: LegIndex, event: Event, turn: &mut Turn<'_>) -> State {
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
        Event::EndOrdered => Some(Side::House),
        Event::Played { leg } => {
            turn.prompt_over(leg);
            None
        }
        Event::Ringing { .. }
        | Event::EarlyMedia { .. }
        | Event::Answered { .. }
        | Event::Joined { .. }
        | Event::JoinFailed { .. }
        | Event::Digit { .. }
        | Event::DeadlinePassed => None,
    };
    let first = first.or_else(|| (turn.now >= turn.at_longest()).then_some(Side::House));
    turn.end_last_prompts();
    let Some(first) = first else { return State::Talking { with } };
    match first {
        Side::Caller => turn.hang_up_talk(with),
        Side::Callee => {
            turn.talk_is_over(with);
            turn.push(Action::HangUpCaller);
        }
        Side::House => {
            turn.hang_up_talk(with);
            turn.push(Action::HangUpCaller);
        }
    }
    turn.note(Note::HungUp { first });
    State::close(turn)
}

/// Waits for the last prompts.
fn closing(event: Event, turn: &mut Turn<'_>) -> State {
    match event {
        Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
            turn.is_over(leg, Unanswered::NotNeeded);
        }
        Event::Played { leg } => turn.prompt_over(leg),
        Event::EndOrdered => turn.hang_up_all(),
        Event::Ringing { .. }
        | Event::EarlyMedia { .. }
        | Event::Answered { .. }
        | Event::Joined { .. }
        | Event::JoinFailed { .. }
        | Event::Digit { .. }
        | Event::DeadlinePassed => {}
    }
    turn.end_last_prompts();
    State::close(turn)
}

impl State {
    /// The call ends as soon as no leg is left.
    fn close(turn: &mut Turn<'_>) -> Self {
        if turn.legs.is_empty() {
            turn.push(Action::End);
            Self::Over
        } else {
            Self::Closing
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
