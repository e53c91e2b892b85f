//! A plan is everything a call may do, decided when it comes in: whom to ring, when, for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    house::{AtFlag, House, LeaveTo, Mobile, MobileOrder, NoticeAt, Rings},
    prompt::{Prompt, Sound},
    staffing::Staffing,
};
use crate::desk::{number::Number, ticket::Direction};

/// Whom a leg reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    Phone(String),
    Mobile {
        name: String,
        number: Number,
        needs_key: bool,
        trunk: Option<String>,
    },
    /// A number outside, over a trunk.
    Outside(Number),
}

/// What a call does from its first second to its last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub direction: Direction,
    /// The state of the desk in words, as the reason for going to the mobiles at once; empty for calls
    /// out and internal calls.
    pub desk_words: String,
    /// The caller is a mobile of ours (`decisions.md` 9): nothing but desk phones is rung, not even
    /// where a phone redirects to.
    pub looped: bool,
    /// The trunk that a number outside is dialled by; `None`: the first that is up.
    pub trunk: Option<String>,
    /// Phones (hotline, internal) or the number outside, rung at once; may be empty.
    pub first: Vec<Target>,
    /// How long `first` rings at most, from dialling.
    pub first_patience: Duration,
    /// Stop ringing `first` when the mobiles start.
    pub first_stops_for_mobiles: bool,
    pub mobiles: Vec<Target>,
    pub mobiles_start: MobilesStart,
    pub mobile_order: MobileOrder,
    pub mobile_patience: Duration,
    pub key_patience: Duration,
    pub accept_key: char,
    pub refuse_key: char,
    /// What a picked-up mobile hears until a key is pressed.
    pub confirm: Vec<Sound>,
    /// When the recording notice is played, if at all.
    pub notice: NoticeAt,
    /// The key by which the caller refuses to be recorded.
    pub refuse_recording_key: Option<char>,
    /// All lines are busy: wait for one.
    pub queue: Option<QueuePlan>,
    /// How the plan ends; `None`: by refusing the caller.
    pub voicemail: Option<VoicemailPlan>,
    /// Ring clock; `None` for calls out and internal calls, which are never flagged.
    pub rings: Option<Rings>,
    /// How long the caller hears 180 when there is nobody left to ring, before the voicemail or the 480.
    pub nobody_patience: Duration,
    /// How long whom a call is transferred to rings, and then the transferor again.
    pub transfer_patience: Duration,
    pub longest_call: Duration,
}

impl Plan {
    /// The keys that have a meaning in this call.
    pub fn keys(&self) -> Vec<char> {
        let leave_queue = self.queue.as_ref().and_then(|queue| queue.leave_key);
        [Some(self.accept_key), Some(self.refuse_key), self.refuse_recording_key, leave_queue]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// How a caller waits for a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePlan {
    /// The phones on duty; a line that becomes free on one is for the first who waits.
    pub phones: Vec<String>,
    /// Those of them that were busy: when none of these is left, nothing is waited for.
    pub busy: Vec<String>,
    pub patience: Duration,
    pub care_every: Duration,
    pub sorry_after: Duration,
    pub leave_key: Option<char>,
    pub leave_to: LeaveTo,
}

/// How a message is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailPlan {
    /// The longest message.
    pub limit: Duration,
    /// Silence that ends it.
    pub quiet_after: Duration,
    /// Speech without which it is no message.
    pub enough_speech: Duration,
}

/// When the mobiles start, if `first` did not answer. Except with `AfterQueue`, they start at once when
/// nobody of `first` is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MobilesStart {
    /// The desk is unstaffed.
    AtOnce,
    /// At the three-ring mark.
    AtFlag,
    /// When `first` is through.
    AfterFirst,
    /// All lines busy: when the caller leaves the queue.
    AfterQueue,
}

/// The plan of a call to the hotline. `looped`: the caller is a mobile of ours (`decisions.md` 9), so
/// no mobile is rung.
pub fn hotline(house: &House, staffing: &Staffing, looped: bool) -> Plan {
    let forwarding = &house.forwarding;
    let queue = queue(house, staffing);
    let mobiles_start = if !staffing.ring.is_empty() {
        match forwarding.at_flag {
            AtFlag::Also | AtFlag::Instead => MobilesStart::AtFlag,
            AtFlag::No => MobilesStart::AfterFirst,
        }
    } else if queue.is_some() {
        MobilesStart::AfterQueue
    } else {
        MobilesStart::AtOnce
    };
    Plan {
        direction: Direction::Hotline,
        desk_words: staffing.words.clone(),
        looped,
        trunk: None,
        first: staffing.ring.iter().cloned().map(Target::Phone).collect(),
        first_patience: forwarding.desk_patience,
        first_stops_for_mobiles: forwarding.at_flag == AtFlag::Instead,
        mobiles: if looped { Vec::new() } else { staffing.mobiles.iter().map(mobile).collect() },
        mobiles_start,
        notice: house.notice.at,
        refuse_recording_key: house.notice.refuse_key,
        queue,
        voicemail: house.voicemail.on.then_some(VoicemailPlan {
            limit: house.voicemail.limit,
            quiet_after: house.voicemail.quiet_after,
            enough_speech: house.voicemail.enough_speech,
        }),
        rings: Some(house.rings),
        ..without_mobiles(house, Direction::Hotline)
    }
}

/// Every line of the desk is busy, and the house lets callers wait for one.
fn queue(house: &House, staffing: &Staffing) -> Option<QueuePlan> {
    let (queue, patience) = (&house.queue, house.forwarding.busy_patience);
    (staffing.ring.is_empty() && staffing.all_busy && !patience.is_zero()).then(|| QueuePlan {
        phones: staffing.desk.clone(),
        busy: staffing.busy.clone(),
        patience,
        care_every: queue.care_every,
        sorry_after: queue.sorry_after,
        leave_key: queue.leave_key,
        leave_to: queue.leave_to,
    })
}

/// “A call of the hotline: press one”, and who it is from.
fn confirm(house: &House) -> Vec<Sound> {
    let number = house.forwarding.speak_number.then_some(Sound::CallersNumber);
    std::iter::once(Prompt::ForwardConfirm.into()).chain(number).collect()
}

/// The plan of a call from a desk phone to a number outside, over `trunk` or the first that is up.
pub fn outside(house: &House, number: Number, trunk: Option<String>) -> Plan {
    Plan { first: vec![Target::Outside(number)], trunk, ..without_mobiles(house, Direction::Out) }
}

/// The plan of a call from one desk phone to another.
pub fn internal(house: &House, phone: String) -> Plan {
    Plan { first: vec![Target::Phone(phone)], ..without_mobiles(house, Direction::Internal) }
}

fn without_mobiles(house: &House, direction: Direction) -> Plan {
    let forwarding = &house.forwarding;
    Plan {
        direction,
        desk_words: String::new(),
        looped: false,
        trunk: None,
        first: Vec::new(),
        first_patience: house.calling_out.patience,
        first_stops_for_mobiles: false,
        mobiles: Vec::new(),
        mobiles_start: MobilesStart::AfterFirst,
        mobile_order: forwarding.order,
        mobile_patience: forwarding.mobile_patience,
        key_patience: forwarding.key_patience,
        accept_key: forwarding.accept_key,
        refuse_key: forwarding.refuse_key,
        confirm: confirm(house),
        notice: NoticeAt::Off,
        refuse_recording_key: None,
        queue: None,
        voicemail: None,
        rings: None,
        nobody_patience: house.nobody_patience,
        transfer_patience: house.transfer_patience,
        longest_call: house.longest_call,
    }
}

/// That mobile, as a call's target.
pub fn mobile(mobile: &Mobile) -> Target {
    Target::Mobile {
        name: mobile.name.clone(),
        number: mobile.number.clone(),
        needs_key: mobile.needs_key,
        trunk: mobile.trunk.clone(),
    }
}

/// Whether a desk phone may dial that number: emergency, or an allowed prefix.
///
/// Spaces, dashes, dots and parentheses do not count; `+86` and `0086` are taken off on both sides, so
/// the prefix `138` allows `+86 138-0000-0000`. A number abroad (`+…`, `00…`) passes only by a prefix
/// written as one abroad (`0044`, `+44`, `00`), never by `0`. An emergency number passes only as a
/// whole. Anything else than digits is refused, and so is an empty number.
pub fn may_dial(house: &House, number: &str) -> bool {
    let Some(number) = Dialled::read(number) else { return false };
    house.calling_out.emergency.iter().any(|emergency| Dialled::read(emergency).as_ref() == Some(&number))
        || house
            .calling_out
            .allowed_prefixes
            .iter()
            .any(|prefix| Dialled::read(prefix).is_some_and(|prefix| number.starts_with(&prefix)))
}

/// Whether that number is one for emergencies, however it is written; it always passes.
pub fn is_emergency(house: &House, number: &str) -> bool {
    let number = Dialled::read(number);
    number.is_some() && house.calling_out.emergency.iter().any(|emergency| Dialled::read(emergency) == number)
}

/// A number as it is compared: in the country or abroad, digits only, without the country's own code.
#[derive(Debug, PartialEq, Eq)]
enum Dialled {
    Home(String),
    Abroad(String),
}

impl Dialled {
    fn read(text: &str) -> Option<Self> {
        let plain: String =
            text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '(' | ')')).collect();
        let abroad = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
        let digits = abroad.unwrap_or(&plain);
        if plain.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(match abroad.map(|digits| digits.strip_prefix("86").ok_or(digits)) {
            None => Self::Home(digits.to_owned()),
            // Two codes in a row would lead abroad under the name of home.
            Some(Ok(home)) if home.starts_with("00") => return None,
            Some(Ok(home)) => Self::Home(home.to_owned()),
            Some(Err(foreign)) => Self::Abroad(foreign.to_owned()),
        })
    }

    fn starts_with(&self, prefix: &Self) -> bool {
        match (self, prefix) {
            (Self::Home(number), Self::Home(prefix)) | (Self::Abroad(number), Self::Abroad(prefix)) => {
                number.starts_with(prefix.as_str())
            }
            (Self::Home(_), Self::Abroad(_)) | (Self::Abroad(_), Self::Home(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests;
