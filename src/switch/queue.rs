//! Whose turn it is when a line of a desk phone becomes free: the call that waits longest.

use super::Switch;
use crate::call::{machine::Event, staffing::Reach};

impl Switch {
    /// Offers one free line to the first who waits for it; false where there is none to offer. What comes of
    /// it has to be settled before the next.
    pub(super) fn serve_queue(&mut self) -> bool {
        // Looked at after every input, and nearly always empty.
        if self.queued.is_empty() {
            return false;
        }
        let states = self.phone_states();
        for phone in &self.house.phones {
            let free = states.iter().any(|state| {
                state.name == phone.name && state.reach == Reach::Reachable && state.lines_taken < phone.lines
            });
            // Tickets count up in the order of arrival.
            let first = self.queued.iter().find(|ticket| {
                let call = self.calls.get(ticket).and_then(|call| call.machine.as_ref());
                call.is_some_and(|machine| machine.waits_for(&phone.name))
            });
            if let (true, Some(ticket)) = (free, first) {
                self.events.push_back((*ticket, Event::PhoneFree { phone: phone.name.clone() }));
                return true;
            }
        }
        false
    }
}
