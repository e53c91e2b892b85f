//! What is going on right now, for the console and `hotlined status`.

use super::{Now, Switch, moment::Moment};
use crate::{
    call::{
        house::Rings,
        staffing::{self, Away, PhoneState},
    },
    desk::{
        number::Number,
        ticket::{Direction, LocalTime, Party, TicketId},
    },
};

/// A picture of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The desk's clock.
    pub now: LocalTime,
    /// How rings are counted.
    pub rings: Rings,
    pub trunks: Vec<TrunkStatus>,
    pub phones: Vec<PhoneState>,
    pub calls: Vec<CallStatus>,
    pub away: Option<Away>,
    /// Shift and operator on duty.
    pub shift: Option<String>,
    pub operator: Option<String>,
    /// The state of the desk in words.
    pub desk: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkStatus {
    pub name: String,
    /// `None` until the first answer.
    pub up: Option<bool>,
    pub since: LocalTime,
    pub reason: String,
}

/// A call in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallStatus {
    pub ticket: TicketId,
    pub direction: Direction,
    pub caller: Option<Number>,
    /// What the residents' list calls the caller: `3-2-101 王先生`.
    pub listed: Option<String>,
    pub dialled: Number,
    pub received: LocalTime,
    /// When the ring clock started.
    pub first_ring: Option<LocalTime>,
    pub flagged: Option<LocalTime>,
    pub answered: Option<LocalTime>,
    pub answered_by: Option<Party>,
}

impl Switch {
    /// The picture as of `now`.
    pub fn status(&self, now: Now) -> Status {
        let now = Moment::new(now, super::zone(&self.house));
        let phones = self.phone_states();
        let staffing = staffing::staffing(&self.house, now.wall, self.away.as_ref(), &phones);
        let trunks = self.trunks.iter().map(|trunk| TrunkStatus {
            name: trunk.settings.name.clone(),
            up: trunk.up(),
            since: trunk.since(),
            reason: match self.own_number_only.contains(&trunk.settings.name) {
                true => format!("{}; calls out under its own number only", trunk.reason()),
                false => trunk.reason().to_owned(),
            },
        });
        let calls = self.calls.values().map(|call| {
            let ticket = call.log.ticket();
            CallStatus {
                ticket: ticket.id,
                direction: ticket.direction,
                caller: ticket.caller.clone(),
                listed: call.caller.caller.listed.clone(),
                dialled: ticket.dialled.clone(),
                received: ticket.received,
                first_ring: ticket.first_ring,
                flagged: ticket.flagged,
                answered: ticket.answered,
                answered_by: ticket.answered_by.clone(),
            }
        });
        Status {
            now: now.wall,
            rings: self.house.rings,
            trunks: trunks.collect(),
            calls: calls.collect(),
            phones,
            away: self.away.clone(),
            shift: staffing.shift,
            operator: staffing.operator,
            desk: staffing.words,
        }
    }
}
