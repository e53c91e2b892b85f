//! Callers who call again: the ticket of their last call, for as long as the house ties the two together.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use super::incoming::bare;
use crate::desk::{number::Number, ticket::TicketId};

/// Callers remembered at once: two hours of a call a second. When full the oldest is forgotten.
const MOST: usize = 7_200;

#[derive(Debug, Default)]
pub(super) struct Redials {
    last: BTreeMap<String, TicketId>,
    /// The oldest first; a caller who called again is in it more than once.
    order: VecDeque<(Instant, String, TicketId)>,
}

impl Redials {
    /// A call came in from that number. Answers with its caller's last ticket within `window`.
    pub(super) fn called(
        &mut self,
        number: &Number,
        ticket: TicketId,
        window: Duration,
        now: Instant,
    ) -> Option<TicketId> {
        let is_old = |at: Instant| now.saturating_duration_since(at) >= window;
        while self.order.front().is_some_and(|(at, ..)| is_old(*at)) || self.order.len() >= MOST {
            let Some((_, number, old)) = self.order.pop_front() else { break };
            if self.last.get(&number) == Some(&old) {
                self.last.remove(&number);
            }
        }
        let number = bare(number.reveal()).to_owned();
        self.order.push_back((now, number.clone(), ticket));
        self.last.insert(number, ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_known_again_for_a_while_however_the_carrier_writes_the_number() {
        #[expect(clippy::disallowed_methods, reason = "any instant will do as the start of virtual time")]
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let ticket = |number| TicketId { day: chrono::NaiveDate::default(), number };
        let mut redials = Redials::default();
        let mut call = |number: &str, id, seconds| {
            let window = Duration::from_secs(600);
            redials.called(&Number::new(number.into()), ticket(id), window, at(seconds))
        };
        assert_eq!(call("13911110000", 1, 0), None);
        assert_eq!(call("13922220000", 2, 10), None);
        assert_eq!(call("+8613911110000", 3, 599), Some(ticket(1)));
        assert_eq!(call("13911110000", 4, 1_198), Some(ticket(3)), "counted from the last call");
        assert_eq!(call("13922220000", 5, 1_199), None);
        assert_eq!(call("13911110000", 6, 1_798), None);
    }
}
