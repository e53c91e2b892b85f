//! A ticket with nothing in it but what every ticket has.

use hotlined::desk::{
    number::Private,
    ticket::{Direction, LocalTime, Ticket, TicketId},
};

pub(crate) fn ticket(id: TicketId, direction: Direction, received: LocalTime) -> Ticket {
    Ticket {
        id,
        revision: 1,
        direction,
        caller: None,
        caller_name: None,
        dialled: Private::new("4001234567".into()),
        trunk: Some("carrier".into()),
        received,
        first_ring: Some(received),
        flagged: None,
        answered: None,
        ended: None,
        rings: None,
        answered_by: None,
        shift: None,
        operator: None,
        desk_state: "801 ready".into(),
        outcome: None,
        hung_up_first: None,
        recording: None,
        notice: None,
        redial_of: None,
        part_of: None,
        legs: Vec::new(),
        segments: Vec::new(),
    }
}
