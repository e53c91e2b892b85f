//! A plan is everything a call may do, decided when it comes in: whom to ring, when, for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    house::{AtFlag, House, Mobile, MobileOrder, Rings},
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
    /// Ring clock; `None` for calls out and internal calls, which are never flagged.
    pub rings: Option<Rings>,
    /// How long the caller hears 180 when there is nobody left to ring, before the 480.
    pub nobody_patience: Duration,
    pub longest_call: Duration,
}

impl Plan {
    /// The keys that have a meaning in this call.
    pub fn keys(&self) -> [char; 2] {
        [self.accept_key, self.refuse_key]
    }
}

/// When the mobiles start, if `first` did not answer. Except with `After`, they start at once when
/// nobody of `first` is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MobilesStart {
    /// The desk is unstaffed.
    AtOnce,
    /// At the three-ring mark.
    AtFlag,
    /// When `first` is through.
    AfterFirst,
    /// All lines busy: this long after the call came in.
    After(Duration),
}

/// The plan of a call to the hotline. `looped`: the caller is a mobile of ours (`decisions.md` 9), so
/// no mobile is rung.
pub fn hotline(house: &House, staffing: &Staffing, looped: bool) -> Plan {
    let forwarding = &house.forwarding;
    let mobiles_start = if !staffing.ring.is_empty() {
        match forwarding.at_flag {
            AtFlag::Also | AtFlag::Instead => MobilesStart::AtFlag,
            AtFlag::No => MobilesStart::AfterFirst,
        }
    } else if staffing.all_busy {
        MobilesStart::After(forwarding.busy_patience)
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
        rings: Some(house.rings),
        ..without_mobiles(house, Direction::Hotline)
    }
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
        rings: None,
        nobody_patience: house.nobody_patience,
        longest_call: house.longest_call,
    }
}

fn mobile(mobile: &Mobile) -> Target {
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
