//! Ticket numbers, from blocks that the store has durably reserved (`decisions.md` 3).

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::desk::ticket::TicketId;

/// The blocks at hand.
#[derive(Debug)]
pub(super) struct Numbers {
    block: u32,
    days: BTreeMap<NaiveDate, Day>,
}

#[derive(Debug, Default)]
struct Day {
    /// Reserved and not yet given out, oldest first: half-open ranges.
    blocks: std::collections::VecDeque<(u32, u32)>,
    asked: bool,
    /// The last number given out without a reservation.
    last_unreserved: u32,
}

/// Numbers without a reservation start here, far above any block.
const UNRESERVED: u32 = 100_000_000;

impl Numbers {
    pub(super) fn new(block: u32) -> Self {
        Self { block: block.max(1), days: BTreeMap::new() }
    }

    /// The store has put numbers `from..=to` of that day aside for us.
    pub(super) fn reserved(&mut self, day: NaiveDate, from: u32, to: u32) {
        let entry = self.days.entry(day).or_default();
        entry.asked = false;
        if from <= to {
            entry.blocks.push_back((from, to.saturating_add(1)));
        }
    }

    /// The day's next number. Where the store could not reserve any (database down), a call still
    /// gets its name: 100,000,000 and the milliseconds since midnight, which no block reaches and
    /// no later start of ours repeats.
    pub(super) fn next(&mut self, day: NaiveDate, since_midnight_ms: u32) -> TicketId {
        let entry = self.days.entry(day).or_default();
        let number = match entry.blocks.front_mut() {
            Some((from, to)) => {
                let number = *from;
                *from += 1;
                if from == to {
                    entry.blocks.pop_front();
                }
                number
            }
            None => {
                let wanted = UNRESERVED.saturating_add(since_midnight_ms);
                entry.last_unreserved = wanted.max(entry.last_unreserved.saturating_add(1));
                entry.last_unreserved
            }
        };
        TicketId { day, number }
    }

    /// What to ask of the store: a day of `today` and `tomorrow` that has less than half a block
    /// left. Each is asked once until [`Numbers::reserved`]; yesterday is forgotten.
    pub(super) fn wanted(&mut self, today: NaiveDate) -> Vec<(NaiveDate, u32)> {
        self.days.retain(|day, _| *day >= today.pred_opt().unwrap_or(today));
        let tomorrow = today.succ_opt().unwrap_or(today);
        let mut asks = Vec::new();
        for day in [today, tomorrow] {
            let entry = self.days.entry(day).or_default();
            let left: u32 = entry.blocks.iter().map(|(from, to)| to - from).sum();
            if !entry.asked && left < self.block.div_ceil(2) {
                entry.asked = true;
                asks.push((day, self.block));
            }
        }
        asks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    #[test]
    fn numbers_come_from_blocks_and_the_next_block_is_asked_in_time() {
        let mut numbers = Numbers::new(4);
        assert_eq!(numbers.wanted(day(23)), [(day(23), 4), (day(24), 4)]);
        assert_eq!(numbers.wanted(day(23)), [], "asked once");
        numbers.reserved(day(23), 1, 4);
        assert_eq!(numbers.next(day(23), 0).to_string(), "20261123-0001");
        assert_eq!(numbers.next(day(23), 0).to_string(), "20261123-0002");
        assert_eq!(numbers.wanted(day(23)), []);
        assert_eq!(numbers.next(day(23), 0).to_string(), "20261123-0003");
        assert_eq!(numbers.wanted(day(23)), [(day(23), 4)]);
        numbers.reserved(day(23), 9, 12);
        assert_eq!(numbers.next(day(23), 0).to_string(), "20261123-0004");
        assert_eq!(numbers.next(day(23), 0).to_string(), "20261123-0009", "gaps are allowed");
    }

    #[test]
    fn a_call_gets_a_name_even_with_the_database_down() {
        let mut numbers = Numbers::new(4);
        assert_eq!(numbers.next(day(23), 3_600_000).to_string(), "20261123-103600000");
        assert_eq!(
            numbers.next(day(23), 3_600_000).to_string(),
            "20261123-103600001",
            "never the same twice"
        );
    }
}
