//! The house rules, as `config/house.toml` states them. Every number of `domain.md` that a call
//! needs is a field here, with that default in [`crate::config`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::desk::{number::Number, rota::Rota};

/// Everything that decides what happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct House {
    pub company: String,
    /// The numbers that reach the desk (Request-URI users): `["4001234567", "hotline"]`.
    pub hotlines: Vec<String>,
    pub rings: Rings,
    pub phones: Vec<Phone>,
    /// The duty mobiles in order.
    pub mobiles: Vec<Mobile>,
    pub rota: Rota,
    pub forwarding: Forwarding,
    pub notice: Notice,
    pub queue: Queue,
    pub voicemail: Voicemail,
    pub calling_out: CallingOut,
    pub away: AwayRules,
    pub star_codes: StarCodes,
    /// A hotline call that nobody can take at all (no desk, no mobile) hears 180 for this long
    /// before the voicemail, or its 480; 0 s… default 20 s.
    pub nobody_patience: Duration,
    /// A caller who calls again within this time joins the matter of the call before, which becomes more
    /// urgent; 30 min. 0: never.
    pub redial_window: Duration,
    /// How long whom a call is transferred to rings, before it comes back; 30 s.
    pub transfer_patience: Duration,
    /// The longest that a call may take; then the house hangs up. Default 4 h.
    pub longest_call: Duration,
}

/// Ring cadence and the three-ring mark (`decisions.md` 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rings {
    /// Tone; 1 s in China.
    pub on: Duration,
    /// Pause; 4 s in China.
    pub off: Duration,
    /// A call not answered by the end of this ring is flagged; 3.
    pub flag_after: u32,
    /// The ring clock starts this long after dialling if no phone said that it rings; 2 s.
    pub assumed_after: Duration,
}

impl Rings {
    /// One ring from its start to the next one's: 5 s.
    pub fn cycle(&self) -> Duration {
        self.on + self.off
    }

    /// From the first ring to the flag: 15 s.
    pub fn flag_at(&self) -> Duration {
        self.cycle() * self.flag_after
    }
}

/// Whether a leg's voice is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    Off,
    /// Where the other side takes it.
    Optional,
    /// Or there is no call.
    Required,
}

/// A desk phone. Its password stays in `config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// Extension and SIP user: `801`.
    pub name: String,
    /// How many calls it takes at once; 1.
    pub lines: u32,
    /// Whether the hotline rings it (a softphone for calls out only may say no); true.
    pub hotline: bool,
    /// Whether its voice is encrypted; off.
    pub srtp: Encryption,
}

/// A duty mobile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mobile {
    /// `duty1`; shifts name mobiles by it.
    pub name: String,
    pub number: Number,
    /// A pick-up counts only with the key pressed (`decisions.md` 8); true.
    pub needs_key: bool,
    /// The trunk to call it by; `None`: the first that is up.
    pub trunk: Option<String>,
}

/// What happens to the mobile when the three-ring mark passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtFlag {
    /// The desk rings on and the mobile rings too. Default.
    Also,
    /// The desk stops ringing, the mobile rings.
    Instead,
    /// The desk rings on alone, until `desk_patience`; then the mobile.
    No,
}

/// In which way several mobiles are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MobileOrder {
    /// One after the other. Default.
    InOrder,
    /// All at once.
    Together,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    pub at_flag: AtFlag,
    pub order: MobileOrder,
    /// How long the desk rings at most, from dialling; then only mobiles are left. Default 60 s.
    pub desk_patience: Duration,
    /// How long one mobile rings before the next is tried; 30 s.
    pub mobile_patience: Duration,
    /// How long a picked-up mobile has for its key; 12 s.
    pub key_patience: Duration,
    /// The key that takes a forwarded call; '1'.
    pub accept_key: char,
    /// The key that refuses it; '2'.
    pub refuse_key: char,
    /// All lines busy: the caller waits this long in the queue before the mobile rings; 60 s. 0: no queue.
    pub busy_patience: Duration,
    /// Speak the caller's number to a picked-up mobile; true.
    pub speak_number: bool,
    /// A call to the hotline from a mobile that we are ringing, within this time, is a loop; 30 s.
    pub loop_window: Duration,
}

/// What “away” means (将客服热线转到移动电话上), and the lamp that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwayRules {
    /// What a phone's key watches to show it (RFC 4235); `away`.
    pub key: String,
    /// It ends with the shift on duty where nobody said when; true.
    pub until_end_of_shift: bool,
}

/// The recording notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    pub at: NoticeAt,
    /// The key by which a caller refuses to be recorded; none, as the shipped notice offers none.
    pub refuse_key: Option<char>,
}

/// When a caller of the hotline hears that the call is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoticeAt {
    /// When somebody has picked up, and before the two are joined; both sides hear it. Default.
    OnAnswer,
    /// Before anything rings, as early media.
    BeforeRinging,
    Off,
}

/// How callers wait while all lines are busy ([`Forwarding::busy_patience`] says how long).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// They are told again this often; 30 s.
    pub care_every: Duration,
    /// Who waited longer hears an apology before the talk; 30 s.
    pub sorry_after: Duration,
    /// The key that leaves the queue at once; none.
    pub leave_key: Option<char>,
    /// Where to; mobile.
    pub leave_to: LeaveTo,
}

/// Where a caller goes who waits no longer for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaveTo {
    /// The duty mobiles, and the voicemail after them.
    Mobile,
    Voicemail,
}

/// The voicemail at the end of every plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voicemail {
    pub on: bool,
    /// The longest message; 180 s.
    pub limit: Duration,
    /// Silence that ends it; 10 s.
    pub quiet_after: Duration,
    /// Speech without which it is no message; 1 s.
    pub enough_speech: Duration,
}

/// What desk phones dial for a service; an empty code is no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StarCodes {
    /// Takes the call that rings; followed by an extension: the one that rings there. `*8`.
    pub pick_up: String,
    /// `*71`.
    pub away: String,
    /// `*72`.
    pub back: String,
    /// The phone's last hotline call is urgent; `*73`.
    pub urgent: String,
    /// The phone's last hotline call belongs to the last matter of its caller; `*75`.
    pub tie: String,
    /// Who is on duty; `*76`.
    pub on_duty: String,
}

/// What desk phones may dial (`decisions.md` 11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingOut {
    /// A number passes if it starts with one of these; empty: nothing but the emergency numbers.
    pub allowed_prefixes: Vec<String>,
    /// Calls out per phone and hour; 30.
    pub hourly_cap: u32,
    /// Always pass: 110, 119, 120.
    pub emergency: Vec<String>,
    /// How long a call out rings; 60 s.
    pub patience: Duration,
}
