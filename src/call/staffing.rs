//! Who could take a hotline call right now: the rota, the away override and the phones, folded into one [`Staffing`].

use chrono::{DateTime, FixedOffset};

use super::house::{House, Mobile};
use crate::desk::ticket::LocalTime;

/// What the switch knows of one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneState {
    pub name: String,
    pub reach: Reach,
    /// Lines in a call, ringing ones included.
    pub lines_taken: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Reachable,
    /// No binding.
    NotRegistered {
        since: Option<LocalTime>,
    },
    /// Registered, but it does not answer OPTIONS, or its connection is gone.
    Unreachable {
        since: LocalTime,
    },
}

/// The operator said that the desk is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    pub since: LocalTime,
    /// `None`: until it is taken back.
    pub until: Option<LocalTime>,
    /// Who said so: `801`, `console`, `command line`.
    pub by: String,
}

/// Who could take a call now, and why not the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staffing {
    /// Name of the shift on duty, and its operator.
    pub shift: Option<String>,
    pub operator: Option<String>,
    /// Phones to ring, in the order of the house rules.
    pub ring: Vec<String>,
    /// Some phone on duty is reachable, but every one of them has all lines taken.
    pub all_busy: bool,
    /// Mobiles to try, in order.
    pub mobiles: Vec<Mobile>,
    /// The state of the desk in words, for ticket and console: `801 not registered since 02:14`.
    pub words: String,
}

/// Folds rota, override and phones into who can take a call at `wall` (any offset; the rota's zone counts).
#[expect(unused_variables, reason = "the room is being built")]
pub fn staffing(
    house: &House,
    wall: DateTime<FixedOffset>,
    away: Option<&Away>,
    phones: &[PhoneState],
) -> Staffing {
    todo!()
}
