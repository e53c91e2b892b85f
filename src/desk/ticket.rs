//! A ticket is one contact; here: one call attempt, and what happened in it. A call writes only the
//! columns that a call owns, as a whole snapshot with a revision (`decisions.md` 1–4). [`TicketLog`]
//! writes it while the call lives.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};

use super::number::Number;

mod log;

pub use log::{Opening, TicketLog};

/// A point in time as the desk's clock showed it: UTC and local offset in one.
pub type LocalTime = DateTime<FixedOffset>;

/// `20261123-0007`: the local day and the number within it. Gaps are allowed, re-use is not; the
/// width grows past 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TicketId {
    pub day: NaiveDate,
    pub number: u32,
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", self.day.format("%Y%m%d"), self.number)
    }
}

/// Text that is no ticket id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ticket id looks like 20261123-0007")]
pub struct BadTicketId;

impl FromStr for TicketId {
    type Err = BadTicketId;

    fn from_str(text: &str) -> Result<Self, BadTicketId> {
        let (day, number) = text.split_once('-').ok_or(BadTicketId)?;
        if day.len() != 8 || number.len() < 4 || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadTicketId);
        }
        let day = NaiveDate::parse_from_str(day, "%Y%m%d").map_err(|_| BadTicketId)?;
        let number = number.parse().map_err(|_| BadTicketId)?;
        Ok(Self { day, number })
    }
}

/// Which way the call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// A caller dialled the hotline.
    Hotline,
    /// A desk phone called somebody outside.
    Out,
    /// One desk phone called another.
    Internal,
}

/// Who is on a leg.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Party {
    /// A desk phone, by its name: `801`.
    Phone(String),
    /// A duty mobile, by its name in the house rules.
    Mobile { name: String, number: Number },
    /// Anybody outside.
    Outside(Number),
}

/// How the call ended, decided once, from what the caller experienced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    AnsweredByDesk,
    AnsweredByMobile,
    /// A call of ours that the other side answered.
    AnsweredByOther,
    /// The caller hung up before anybody answered.
    Abandoned,
    /// Nobody answered, and the caller left a message.
    Message,
    /// Nobody answered within the patience of the house.
    Missed,
    /// We, or the number called, refused it: not allowed, busy, unknown, loop.
    Refused,
    /// The daemon died during the call; set by the start-up sweep.
    Interrupted,
}

impl Outcome {
    /// As the ticket says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::AnsweredByDesk => "answered by desk",
            Self::AnsweredByMobile => "answered by mobile",
            Self::AnsweredByOther => "answered",
            Self::Abandoned => "abandoned",
            Self::Message => "message",
            Self::Missed => "missed",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A prompt's file, as a ticket proves what was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFile {
    /// As the house rules name it.
    pub name: String,
    /// Of its bytes, in hex; `None` where it could not be read.
    pub sha256: Option<String>,
}

/// The recording notice as the caller heard it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub file: PromptFile,
    pub started: LocalTime,
    /// `None` while it is played, and where the daemon died meanwhile.
    pub ended: Option<NoticeEnd>,
}

/// How the playing of a recording notice ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NoticeEnd {
    /// Played to its end.
    Whole,
    /// Broken off so long after its start, by the clock of the daemon.
    CutAfter(Duration),
    /// It could not be played.
    Failed,
}

/// Which side said goodbye first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    Caller,
    /// The desk, the mobile, or whoever was called.
    Callee,
    /// The house itself: a limit, an operator at the console, a fault.
    House,
}

/// Why a leg did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unanswered {
    /// 486, 600, or all lines taken.
    Busy,
    /// 603, or 480 from a phone in do-not-disturb.
    Declined,
    /// Not registered, 404, 480, ICMP, no answer to the INVITE at all.
    Unreachable,
    /// It rang, and nobody came within the patience.
    NoAnswer,
    /// Picked up, but no key was pressed: a voicemail, or nobody.
    NotConfirmed,
    /// A person on the mobile pressed the key that refuses.
    RefusedByKey,
    /// No media ports left, or another fault of ours.
    Fault,
    /// Another leg won, or the caller was gone.
    NotNeeded,
}

impl Unanswered {
    /// As a sentence about the leg goes on: `801 busy`.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::Unreachable => "not reachable",
            Self::NoAnswer => "did not answer",
            Self::NotConfirmed => "picked up, but no key was pressed",
            Self::RefusedByKey => "refused by key",
            Self::Fault => "failed through a fault of ours",
            Self::NotNeeded => "not needed any more",
        }
    }
}

/// One side of the call, or an attempt at one, as the ticket keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegRecord {
    /// Counts from 0 within the ticket; 0 is the caller.
    pub index: u16,
    pub party: Party,
    pub dialled: LocalTime,
    pub ringing: Option<LocalTime>,
    /// A person answered (on a mobile: pressed the key).
    pub answered: Option<LocalTime>,
    pub ended: Option<LocalTime>,
    /// Why it was not answered, where it was not.
    pub unanswered: Option<Unanswered>,
    /// SIP status that the peer gave, if any.
    pub status: Option<u16>,
    /// The leg's SIP Call-ID, to find it in a trace.
    pub call_id: String,
}

/// One channel of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The outside party.
    Left,
    /// The desk.
    Right,
}

/// Who spoke on a channel of the recording, from when until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Counts from 0 within the ticket.
    pub index: u32,
    pub channel: Channel,
    pub leg: u16,
    pub party: Party,
    /// Milliseconds since the recording's first sample.
    pub from_ms: u64,
    /// `None` while it goes on.
    pub until_ms: Option<u64>,
}

/// What the recorder says of a finished recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingReport {
    /// Relative to the recordings folder: `2026/11/23/20261123-0007.wav`.
    pub path: PathBuf,
    /// Hz.
    pub sample_rate: u32,
    /// Samples per channel.
    pub samples: u64,
    pub caller: SideReport,
    pub operator: SideReport,
    /// Samples per channel that could not be written (disk full, disk too slow).
    pub unwritten_samples: u64,
    /// Packets that the bounded tap dropped.
    pub tap_dropped: u64,
    /// fdatasync calls that came later than the interval.
    pub late_syncs: u32,
}

impl RecordingReport {
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.samples.saturating_mul(1_000_000) / u64::from(self.sample_rate.max(1)))
    }
}

/// One channel of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideReport {
    pub packets: u64,
    /// Samples filled with silence because their packets never came.
    pub lost_samples: u64,
    /// Samples louder than silence (−60 dBFS), to tell one-sided recordings.
    pub audible_samples: u64,
    /// Single samples added (positive) or taken out (negative) in silence against clock skew.
    pub skew_samples: i64,
    /// Packets that came too late for their place.
    pub late_packets: u64,
    /// Where samples are missing, in order, also those that the disk did not take; neighbours are one where
    /// there are too many. A ticket that was read from the database has none here: `Reader::gaps`.
    pub gaps: Vec<Gap>,
}

/// A stretch of a channel in which something is missing, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
    /// How many of them are lost; fewer than the stretch is long where gaps were made one.
    pub lost: u64,
}

/// What to think of a recording, decided at hang-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// It plays, but something is missing; in words.
    Degraded(String),
    /// One side has no audio; in words which.
    OneSided(String),
    /// There should be a recording and there is none; in words why.
    Failed(String),
    /// The daemon died during the call; what was synced was repaired.
    Interrupted,
    /// The caller wanted no recording, and nothing was kept.
    Refused,
    /// There was nothing to record; in words why.
    None(String),
}

/// The recording of a call as its ticket keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    pub report: Option<RecordingReport>,
    pub verdict: Verdict,
}

/// One line of a ticket's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Counts from 0 within the ticket.
    pub index: u32,
    pub at: LocalTime,
    /// What happened, one word for programs: `ringing`, `flagged`, `answered`.
    pub what: &'static str,
    /// The same in words, for people: `801 answered in ring 2`.
    pub words: String,
}

/// The columns of a ticket that its call owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    pub id: TicketId,
    /// Counts up with every change; the store ignores older ones.
    pub revision: u32,
    pub direction: Direction,
    /// As sent: number and display name. `None` where withheld.
    pub caller: Option<Number>,
    pub caller_name: Option<String>,
    pub dialled: Number,
    /// The trunk it came in or went out by.
    pub trunk: Option<String>,
    pub received: LocalTime,
    /// When the ring clock started (`decisions.md` 6).
    pub first_ring: Option<LocalTime>,
    /// When the third ring ended without an answer; never taken back.
    pub flagged: Option<LocalTime>,
    pub answered: Option<LocalTime>,
    pub ended: Option<LocalTime>,
    /// The ring in which it was answered or given up, counted from 1.
    pub rings: Option<u32>,
    pub answered_by: Option<Party>,
    /// The shift on duty and its operator, as the rota said when the call came.
    pub shift: Option<String>,
    pub operator: Option<String>,
    /// The state of the desk in words: `801 not registered since 02:14`.
    pub desk_state: String,
    pub outcome: Option<Outcome>,
    pub hung_up_first: Option<Side>,
    pub recording: Option<Recording>,
    /// The recording notice, where one was played.
    pub notice: Option<Notice>,
    /// The caller's ticket of a short time before: this one belongs to the same matter.
    pub redial_of: Option<TicketId>,
    /// The ticket that this one is about (a consultation, a call back): both belong to its matter.
    pub part_of: Option<TicketId>,
    pub legs: Vec<LegRecord>,
    /// Who spoke when on the recording.
    pub segments: Vec<Segment>,
}

/// One save: the whole snapshot, and the timeline's new lines since the last save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketChange {
    pub ticket: Ticket,
    pub new_entries: Vec<TimelineEntry>,
}
