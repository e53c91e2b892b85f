//! The call: facts and the time in, actions out. It rings, flags, forwards, joins and ends; it never
//! knows how. Its end is always [`Action::End`], once, with every leg gone and one outcome decided.

use std::time::Instant;

use super::plan::{Plan, Target};
use crate::desk::ticket::{Outcome, Side, Unanswered};

/// One side of a call, or an attempt at one. Given out by the switch for the caller and by
/// [`Call`] (counting up from 1) for those it dials: unique within the call, 0 is the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegIndex(pub u16);

impl LegIndex {
    pub const CALLER: Self = Self(0);
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prompt {
    /// “物业热线来电，接听请按一”.
    ForwardConfirm,
    /// “来电已经结束”: somebody else took it.
    ForwardTooLate,
    /// “业主已经挂机”.
    CallerGone,
}

/// Why the caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Plays once on that leg; answered by `Played`.
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A leg ended unanswered.
    Unanswered { leg: LegIndex, why: Unanswered },
    /// The answered leg or the caller hung up; `first` as the ticket keeps it.
    HungUp { first: Side },
    /// Decided once. `ring`: in which the call was answered, given up or left.
    Outcome { outcome: Outcome, ring: Option<u32> },
}

/// One call.
#[derive(Debug)]
pub struct Call {}

#[expect(unused_variables, reason = "the room is being built")]
impl Call {
    /// Starts to walk the plan.
    pub fn start(plan: Plan, now: Instant) -> (Self, Vec<Action>) {
        todo!()
    }

    /// Takes in one fact and answers with what to do about it, in order.
    pub fn on(&mut self, event: Event, now: Instant) -> Vec<Action> {
        todo!()
    }

    /// When this call next wants [`Event::DeadlinePassed`].
    pub fn deadline(&self) -> Option<Instant> {
        todo!()
    }
}
