//! The call: facts and the time in, actions out. It rings, flags, forwards, joins and ends; it never
//! knows how. Its end is always [`Action::End`], once, with every leg gone and one outcome decided.
//!
//! Facts may come late, twice, in any order or for legs that never were: what fits no leg is ignored.
//! Reading starts at [`Call::on`], then `seeking.rs` (nobody has answered), `noticing.rs` and `joining.rs`
//! (somebody has), `voicemail.rs` (nobody will), `talking.rs`; `legs.rs` is who is rung, `caller.rs` what
//! the caller has got so far. Each state has its file.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use self::feature::{Feature, TransferNews};
use self::{
    announcing::Announcing,
    caller::Caller,
    farewell::Farewell,
    joining::Joining,
    legs::{Legs, Turn, later},
    noticing::Noticing,
    recording::Capture,
    ring_clock::RingClock,
    seeking::Seeking,
    talking::Talking,
    transferring::Transferring,
    voicemail::Voicemail,
};
use super::{
    plan::{Plan, Target},
    prompt::{Repeat, Sound},
};
use crate::desk::ticket::{NoticeEnd, Outcome, Side, Unanswered};

mod announcing;
mod caller;
mod closing;
mod farewell;
mod feature;
mod joining;
mod legs;
mod noticing;
mod queue;
mod recording;
mod ring_clock;
mod seeking;
mod talking;
mod transferring;
mod voicemail;

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
    /// What was last ordered to be played on that leg came to its end.
    Played {
        leg: LegIndex,
    },
    /// What was last ordered to be played on that leg cannot be: no such file, or nobody to hear it.
    PlayFailed {
        leg: LegIndex,
    },
    /// The caller has got what [`Action::AnswerCaller`] or [`Action::ProgressCaller`] sent, and can be
    /// played to.
    CallerReached,
    /// It could not be sent: no ports, or no codec in common.
    CallerNotReached,
    /// What is recorded of that leg alone holds speech.
    Spoke {
        leg: LegIndex,
    },
    /// Nothing has been said for long on the leg that is recorded alone.
    Quiet {
        leg: LegIndex,
    },
    /// The recording could not be begun, or broke off.
    RecordingFailed,
    /// A phone that this call waits for ([`Call::waits_for`]) has a line free, and it is this call's turn.
    PhoneFree {
        phone: String,
    },
    /// A digit was pressed on that leg.
    Digit {
        leg: LegIndex,
        digit: char,
    },
    /// What a telephone asks for beyond answering and hanging up.
    Feature(Feature),
    /// Somebody at the console or the command line ends the call.
    EndOrdered,
    DeadlinePassed,
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
    /// 183 to the caller with media of our own; answered by `CallerReached` or `CallerNotReached`.
    ProgressCaller,
    /// Joins the caller's media with the leg's; answered by `Joined` or `JoinFailed`. With `Record` the
    /// recorder starts, or goes on.
    Join {
        leg: LegIndex,
        record: Record,
    },
    /// Takes in who asked for a place in this call ([`Feature::Replaced`], [`Feature::PickedUp`]) as that leg;
    /// from then on it is like one that was dialled.
    Adopt {
        leg: LegIndex,
        target: Target,
    },
    /// Joins these two in place of those that were joined before; answered by `Joined` or `JoinFailed` of
    /// the one that is new.
    Rejoin {
        caller_side: LegIndex,
        callee_side: LegIndex,
        record: Record,
    },
    /// The phone that asked for the transfer hears how it goes.
    TellTransferor {
        news: TransferNews,
    },
    /// 200 to the caller; answered by `CallerReached` or `CallerNotReached`.
    AnswerCaller,
    /// A final refusal to the caller; the caller's leg is over with it.
    RefuseCaller {
        why: CallerRefused,
    },
    /// BYE to the caller.
    HangUpCaller,
    /// Plays these one after the other on that leg, in place of what is being played. Answered by `Played`
    /// at the end of what is played `Once`, or by `PlayFailed`.
    Play {
        leg: LegIndex,
        sounds: Vec<Sound>,
        repeat: Repeat,
    },
    StopPlaying {
        leg: LegIndex,
    },
    /// Records what that leg says, the other side silent, from now on. Tells once that somebody `Spoke`
    /// when there was so much speech, and `Quiet` whenever there was none for so long; or `RecordingFailed`.
    Record {
        leg: LegIndex,
        enough_speech: Duration,
        quiet_after: Duration,
    },
    /// The recording ends here; what there is of it is kept.
    StopRecording,
    /// The recording ends here, and nothing of it is kept.
    DiscardRecording,
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
    Flagged {
        ring: u32,
    },
    /// The recording notice begins to be played to the caller.
    NoticeStarted,
    NoticeEnded {
        how: NoticeEnd,
    },
    /// The caller wants no recording.
    RecordingRefused,
    /// All lines were busy: the caller waits for one.
    Queued,
    /// The caller waits no longer for a line; in words why: `waited 60 s`, `by key`.
    LeftQueue {
        why: String,
    },
    /// The caller is asked for a message.
    Voicemail,
    /// The mobiles' turn has come; in words why: `nobody on duty`, `not answered in 3 rings`.
    Forwarding {
        why: String,
    },
    /// A leg rings.
    Ringing {
        leg: LegIndex,
    },
    /// A mobile was picked up; no person proven yet.
    Picked {
        leg: LegIndex,
    },
    /// A person answered, in this ring.
    Answered {
        leg: LegIndex,
        ring: Option<u32>,
    },
    /// These two talk from now on.
    Talk {
        caller_side: LegIndex,
        callee_side: LegIndex,
    },
    /// A leg gives its place to another, which has yet to answer.
    Transfer {
        from: LegIndex,
        to: LegIndex,
    },
    /// That leg has the place now.
    Transferred {
        to: LegIndex,
    },
    TransferFailed,
    /// That leg hung up, and the call goes on without it.
    Left {
        leg: LegIndex,
    },
    /// That leg has gone over to another call.
    Taken {
        leg: LegIndex,
    },
    /// A leg ended unanswered: by itself, or because of the [`Action::HangUp`] just before.
    Unanswered {
        leg: LegIndex,
        why: Unanswered,
    },
    /// The answered leg, the caller (also before any answer) or the house hung up; `first` as the
    /// ticket keeps it.
    HungUp {
        first: Side,
    },
    /// Decided once. `ring`: in which the call was answered, given up or left.
    Outcome {
        outcome: Outcome,
        ring: Option<u32>,
    },
}

/// Whether a join is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    Both,
    Nothing,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    plan: Plan,
    started: Instant,
    legs: Legs,
    caller: Caller,
    clock: RingClock,
    capture: Capture,
    state: State,
}

/// How far a call is. Each state's data is in its variant, and each has its file.
#[derive(Debug)]
enum State {
    /// The caller hears the recording notice before anything rings.
    Announcing(Announcing),
    /// Nobody has answered.
    Seeking(Seeking),
    /// A person answered and is being joined with the caller; the others ring on until that is done.
    Joining(Joining),
    /// A person answered, and both sides hear what has to be said before they are joined.
    Noticing(Noticing),
    /// The caller talks with somebody.
    Talking(Talking),
    /// One side of the talk is being put through to somebody else.
    Transferring(Transferring),
    /// Nobody was there: the caller leaves a message.
    Voicemail(Voicemail),
    /// The caller hears a last word and is hung up.
    Farewell(Farewell),
    /// Caller and talk are over; a mobile still hears its last prompt.
    Closing,
    Over,
}

impl Call {
    /// Starts to walk the plan.
    pub fn start(plan: Plan, now: Instant) -> (Self, Vec<Action>) {
        let mut call = Self {
            plan,
            started: now,
            legs: Legs::default(),
            caller: Caller::Waiting,
            clock: RingClock::default(),
            capture: Capture::Wanted,
            state: State::Over,
        };
        let actions = call.turn(now, |_, turn| Announcing::start(turn));
        (call, actions)
    }

    /// Takes in one fact and answers with what to do about it, in order. After [`Action::End`] the
    /// answer is always empty.
    pub fn on(&mut self, event: Event, now: Instant) -> Vec<Action> {
        self.caller.hears(&event);
        self.turn(now, |state, turn| {
            turn.heed_refusal(&event, &state);
            match state {
                State::Announcing(announcing) => announcing.on(event, turn),
                State::Seeking(seeking) => seeking.on(event, turn),
                State::Joining(joining) => joining.on(event, turn),
                State::Noticing(noticing) => noticing.on(event, turn),
                State::Talking(talking) => talking.on(event, turn),
                State::Transferring(transferring) => transferring.on(event, turn),
                State::Voicemail(voicemail) => voicemail.on(event, turn),
                State::Farewell(farewell) => farewell.on(event, turn),
                State::Closing => closing::on(event, turn),
                State::Over => State::Over,
            }
        })
    }

    fn turn(&mut self, now: Instant, think: impl FnOnce(State, &mut Turn<'_>) -> State) -> Vec<Action> {
        let mut turn = Turn {
            plan: &self.plan,
            started: self.started,
            legs: &mut self.legs,
            caller: &mut self.caller,
            clock: &mut self.clock,
            capture: &mut self.capture,
            now,
            actions: Vec::new(),
        };
        self.state = think(std::mem::replace(&mut self.state, State::Over), &mut turn);
        turn.actions
    }

    /// When this call next wants [`Event::DeadlinePassed`]. `None` only after its end.
    pub fn deadline(&self) -> Option<Instant> {
        let leaving = self.legs.leaving_deadline();
        let own = match &self.state {
            State::Announcing(announcing) => announcing.deadline(),
            State::Seeking(seeking) => seeking.deadline(self),
            State::Joining(joining) => joining.deadline(),
            State::Noticing(noticing) => noticing.deadline(),
            State::Talking(_) => later(self.started, self.plan.longest_call),
            State::Transferring(transferring) => {
                transferring.deadline().min(later(self.started, self.plan.longest_call))
            }
            State::Voicemail(voicemail) => voicemail.deadline(self),
            State::Farewell(farewell) => farewell.deadline(),
            State::Closing => return leaving,
            State::Over => return None,
        };
        Some(leaving.map_or(own, |at| at.min(own)))
    }

    /// Whether this call waits in the queue and would be rung on that phone if it had a line free
    /// ([`Event::PhoneFree`]).
    pub fn waits_for(&self, phone: &str) -> bool {
        match &self.state {
            State::Seeking(seeking) => seeking.waits_for(phone, self),
            State::Announcing(_)
            | State::Joining(_)
            | State::Noticing(_)
            | State::Talking(_)
            | State::Transferring(_)
            | State::Voicemail(_)
            | State::Farewell(_)
            | State::Closing
            | State::Over => false,
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
