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
    pub calling_out: CallingOut,
    pub away: AwayRules,
    /// A hotline call that nobody can take at all (no desk, no mobile) hears 180 for this long
    /// before its 480; 0 s… default 20 s.
    pub nobody_patience: Duration,
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

/// A desk phone. Its password stays in `config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// Extension and SIP user: `801`.
    pub name: String,
    /// How many calls it takes at once; 1.
    pub lines: u32,
    /// Whether the hotline rings it (a softphone for calls out only may say no); true.
    pub hotline: bool,
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
    /// All lines busy: wait this long for one before the mobile rings; 0 s.
    pub busy_patience: Duration,
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
