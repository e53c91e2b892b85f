//! A plan is everything a call may do, decided when it comes in: whom to ring, when, for how long.

use std::time::Duration;

use super::{
    house::{House, MobileOrder, Rings},
    staffing::Staffing,
};
use crate::desk::{number::Number, ticket::Direction};

/// Whom a leg reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub direction: Direction,
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

/// When the mobiles start, if `first` did not answer. They always start at once when nobody of
/// `first` is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MobilesStart {
    /// The desk is unstaffed.
    AtOnce,
    /// At the three-ring mark.
    AtFlag,
    /// When `first` is through.
    AfterFirst,
    /// All lines busy: after this wait.
    After(Duration),
}

/// The plan of a call to the hotline. `looped`: the caller is a mobile of ours (`decisions.md` 9), so
/// no mobile is rung.
#[expect(unused_variables, reason = "the room is being built")]
pub fn hotline(house: &House, staffing: &Staffing, looped: bool) -> Plan {
    todo!()
}

/// The plan of a call from a desk phone to a number outside.
#[expect(unused_variables, reason = "the room is being built")]
pub fn outside(house: &House, number: Number, trunk: Option<String>) -> Plan {
    todo!()
}

/// The plan of a call from one desk phone to another.
#[expect(unused_variables, reason = "the room is being built")]
pub fn internal(house: &House, phone: String) -> Plan {
    todo!()
}

/// Whether a desk phone may dial that number: emergency, or an allowed prefix.
#[expect(unused_variables, reason = "the room is being built")]
pub fn may_dial(house: &House, number: &str) -> bool {
    todo!()
}
