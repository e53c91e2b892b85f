//! A call in progress as the switch sees it: its machine, its ticket, and its legs with their dialogs
//! and ports.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    caller::{CallerWish, Reach},
    media::{MediaId, PlayId},
    outgoing::Caller,
};
use crate::{
    call::{
        house::Encryption,
        journal::Journal,
        machine::{Call, LegIndex},
        plan::Target,
    },
    desk::ticket::{Direction, RecordingReport, TicketId, TicketLog, Unanswered},
    sip::{
        offer::{self, Agreed, Local},
        refer::Refer,
        sdes::{OurKeys, Protection},
        sdp::{self, Session},
        ua::UsageId,
    },
};

/// One call in progress.
#[derive(Debug)]
pub(super) struct LiveCall {
    /// Out of the map while it thinks, never put back after a panic (`decisions.md` 19).
    pub(super) machine: Option<Call>,
    /// When the machine was started.
    pub(super) started: Instant,
    /// What the machine has seen.
    pub(super) journal: Journal,
    /// As in the switch's index.
    pub(super) deadline: Option<Instant>,
    pub(super) log: TicketLog,
    pub(super) direction: Direction,
    pub(super) caller: CallerLeg,
    /// Boxed, as a tree's smallest node has room for eleven.
    pub(super) legs: BTreeMap<LegIndex, Box<Leg>>,
    /// What waits for the caller's ports, in order.
    pub(super) wishes: Vec<CallerWish>,
    /// What was ordered last on each leg, until it was played.
    pub(super) playing: BTreeMap<LegIndex, PlayId>,
    pub(super) recording: RecordingState,
    /// When the caller was joined with somebody.
    pub(super) joined: Option<Instant>,
    /// The hotline that was dialled.
    pub(super) dialled: String,
    /// Max-Forwards as it came in; what we send on has one less (RFC 3261 §16.6 step 3).
    pub(super) max_forwards: u8,
    pub(super) all_busy: bool,
    /// Legs from which nothing comes at present.
    pub(super) silent: BTreeSet<LegIndex>,
    /// Who waits for a place in this call, while the call is asked.
    pub(super) pending: Option<Adoption>,
    /// The transfer that a phone has asked for, until it has heard how it went.
    pub(super) transfer: Option<OpenTransfer>,
    /// Which legs are joined: the caller's side and the callee's.
    pub(super) sides: Option<(LegIndex, LegIndex)>,
    /// The leg whose join is under way.
    pub(super) newcomer: Option<LegIndex>,
    /// Media has joined the caller with somebody, at least once.
    pub(super) met: bool,
}

/// Who may be taken into a call by [`crate::call::machine::Action::Adopt`].
#[derive(Debug)]
pub(super) enum Adoption {
    /// The INVITE of a phone: a pick-up, or one with Replaces.
    Invite(Box<IncomingLeg>),
    /// A leg of another call, which talks already.
    Leg(Box<Leg>),
}

/// An INVITE that asks for a place in a call.
#[derive(Debug)]
pub(super) struct IncomingLeg {
    pub(super) usage: UsageId,
    /// `None`: it made none.
    pub(super) offer: Option<Session>,
    pub(super) sdp: OurSdp,
    pub(super) ipv6: bool,
}

/// A REFER that has been accepted.
#[derive(Debug)]
pub(super) struct OpenTransfer {
    /// The dialog that it came in.
    pub(super) usage: UsageId,
    pub(super) refer: Refer,
    /// The call that gave its leg away for it, and that leg as it was there.
    pub(super) given: Option<(TicketId, LegIndex)>,
}

/// How far the recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordingState {
    /// Nobody has answered yet.
    NotAsked,
    Running,
    /// It was ended before the call, which took so long by then.
    Stopping {
        talked: Duration,
    },
    /// And it is closed.
    Closed {
        talked: Duration,
        report: Option<RecordingReport>,
        why: Option<String>,
    },
    /// Nothing of it is kept.
    Discarded,
    /// Why there is none.
    Failed(String),
}

/// The side that called us.
#[derive(Debug)]
pub(super) struct CallerLeg {
    pub(super) usage: UsageId,
    pub(super) caller: Caller,
    /// The phone's name, where a desk phone calls.
    pub(super) phone: Option<String>,
    /// What it offered; `None` for a late offer.
    pub(super) offer: Option<Session>,
    pub(super) ports: Ports,
    pub(super) sdp: OurSdp,
    /// Our answer (or late offer), the same in 183 and 200 (RFC 3261 §13.2.1).
    pub(super) answer: Option<Bytes>,
    pub(super) agreed: Option<Agreed>,
    /// It has got a 200.
    pub(super) accepted: bool,
    pub(super) reach: Reach,
    /// It has got its final answer, or is gone.
    pub(super) over: bool,
}

/// One side that we dialled.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) target: Target,
    pub(super) ports: Ports,
    pub(super) sdp: OurSdp,
    /// One INVITE for each contact of a phone; one for a number outside.
    pub(super) branches: Vec<Branch>,
    /// The branch that answered.
    pub(super) chosen: Option<UsageId>,
    pub(super) agreed: Option<Agreed>,
    pub(super) rang: bool,
    /// Trunk servers that were asked for it.
    pub(super) tried: Vec<SocketAddr>,
    /// The trunk that was asked last.
    pub(super) trunk: Option<String>,
    /// It goes out under the trunk's own number, not the caller's.
    pub(super) own_number: bool,
    pub(super) dialled: Instant,
    /// It came to us: its INVITE waits for our answer to that offer (`None` within: it made none).
    pub(super) incoming: Option<Option<Session>>,
    /// The kindest reason that its branches gave so far.
    pub(super) reason: Option<(Unanswered, Option<u16>)>,
}

/// One INVITE of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) usage: UsageId,
    pub(super) over: bool,
}

/// A leg's ports in the media room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) media: MediaId,
    pub(super) state: PortState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortState {
    Asked,
    Open(SocketAddr),
    Refused,
}

impl Ports {
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self.state {
            PortState::Open(address) => Some(address),
            PortState::Asked | PortState::Refused => None,
        }
    }
}

/// Our side of a leg's session: the counters of its `o=` line (RFC 8866 §5.2), and what we said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OurSdp {
    pub(super) session_id: u64,
    pub(super) version: u64,
    /// Empty until we have said something.
    pub(super) sent: Bytes,
    /// Fresh for this leg.
    pub(super) keys: OurKeys,
    pub(super) encryption: Encryption,
}

impl OurSdp {
    pub(super) fn local(&self, address: SocketAddr) -> Local {
        let protection = match self.encryption {
            Encryption::Off => Protection::Off,
            Encryption::Optional => Protection::Optional(self.keys),
            Encryption::Required => Protection::Required(self.keys),
        };
        Local { address, session_id: self.session_id, version: self.version, protection }
    }

    /// Says something else (or the same again), with the version counted up where it differs.
    pub(super) fn say(&mut self, address: SocketAddr, write: impl Fn(&Local) -> Bytes) -> Bytes {
        let mut local = self.local(address);
        let said = if self.sent.is_empty() { write(&local) } else { local.settle(&self.sent, write) };
        self.version = local.version;
        self.sent = said.clone();
        said
    }

    /// What the peer's answer to our last offer agrees to.
    pub(super) fn agreed(&self, answer: &[u8]) -> Option<Agreed> {
        let ours = sdp::read(&self.sent).ok()?;
        offer::agreed(&ours, &sdp::read(answer).ok()?).ok()
    }
}

/// A call that is over and waits for its recording.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) log: TicketLog,
    pub(super) talked: Duration,
    pub(super) deadline: Instant,
    /// What went wrong while it was written.
    pub(super) failed: Option<String>,
}

impl LiveCall {
    /// How many lines of that phone this call takes.
    pub(super) fn lines_of(&self, phone: &str) -> u32 {
        let calling = u32::from(!self.caller.over && self.caller.phone.as_deref() == Some(phone));
        let called =
            self.legs.values().filter(|leg| matches!(&leg.target, Target::Phone(name) if name == phone));
        calling + u32::try_from(called.filter(|leg| !leg.is_over()).count()).unwrap_or(u32::MAX)
    }
}

impl Leg {
    /// A leg that waits for its ports.
    pub(super) fn new(target: Target, ports: Ports, sdp: OurSdp, dialled: Instant) -> Self {
        Self {
            target,
            ports,
            sdp,
            // A phone mostly has one contact; a vector that grows by itself begins with four.
            branches: Vec::with_capacity(1),
            chosen: None,
            agreed: None,
            rang: false,
            tried: Vec::new(),
            trunk: None,
            own_number: false,
            dialled,
            incoming: None,
            reason: None,
        }
    }

    /// Every attempt has ended.
    pub(super) fn is_over(&self) -> bool {
        self.ports.state == PortState::Refused
            || (!self.branches.is_empty() && self.branches.iter().all(|b| b.over))
    }

    /// Keeps the kindest reason: a person who declined says more than a contact that is gone.
    pub(super) fn blame(&mut self, why: Unanswered, status: Option<u16>) {
        let rank = |why: &Unanswered| match why {
            Unanswered::Declined => 6,
            Unanswered::Busy => 5,
            Unanswered::NoAnswer => 4,
            Unanswered::RefusedByKey | Unanswered::NotConfirmed | Unanswered::NotNeeded => 3,
            Unanswered::Unreachable => 2,
            Unanswered::Fault => 1,
        };
        if self.reason.as_ref().is_none_or(|(old, _)| rank(&why) > rank(old)) {
            self.reason = Some((why, status));
        }
    }
}
