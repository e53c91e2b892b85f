//! The live feed: what happens, told to everybody who listens, in order and numbered. The last few
//! thousand events stay at hand for who comes back; what is older is in the database. A listener that is
//! slow falls behind in the ring and then reads the database; nobody is waited for, and no listener costs
//! memory of its own.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::desk::{
    event::{Event, Sequence},
    outage::OutageChange,
    ticket::{Ticket, TicketChange},
};

/// Events at hand: minutes of a storm, days of a desk; about 4 MB. Older ones come from the database.
const RING: usize = 4096;

/// An event, and its ticket as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub event: Event,
    pub ticket: Option<Ticket>,
}

/// The feed; cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Ring {
    sequence: Sequence,
    told: VecDeque<Arc<Told>>,
    /// Everything after this id is in the ring.
    complete_after: u64,
}

/// What follows an id.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    /// All of it, oldest first; empty: nothing yet.
    All(Vec<Arc<Told>>),
    /// The ring does not reach back so far: read the database up to this id, then ask again.
    Database { through: u64 },
}

impl Feed {
    /// Ids begin after `newest`, the newest in the database.
    pub fn new(newest: u64) -> Self {
        let ring = Ring { sequence: Sequence::after(newest), told: VecDeque::new(), complete_after: newest };
        Self { shared: Arc::new(Shared { ring: Mutex::new(ring), newest: watch::Sender::new(newest) }) }
    }

    /// Tells what a save brings; answers with the events that are to be kept.
    pub fn ticket(&self, change: &TicketChange, now: DateTime<Utc>) -> Vec<Event> {
        if change.new_entries.is_empty() {
            return Vec::new();
        }
        self.tell(|sequence| {
            let ticket = Ticket { legs: Vec::new(), ..change.ticket.clone() };
            let told = sequence.of_ticket(change, now).into_iter();
            told.map(|event| Told { event, ticket: Some(ticket.clone()) }).collect()
        })
    }

    /// Tells that an outage began or ended.
    pub fn outage(&self, change: &OutageChange) -> Vec<Event> {
        self.tell(|sequence| vec![Told { event: sequence.of_outage(change), ticket: None }])
    }

    /// Tells something else.
    pub fn say(
        &self,
        at: DateTime<Utc>,
        kind: &'static str,
        subject: Option<String>,
        words: impl Into<String>,
    ) -> Vec<Event> {
        self.tell(|sequence| vec![Told { event: sequence.event(at, kind, subject, words), ticket: None }])
    }

    fn tell(&self, make: impl FnOnce(&mut Sequence) -> Vec<Told>) -> Vec<Event> {
        let mut ring = self.ring();
        let told = make(&mut ring.sequence);
        let kept = told.iter().map(|told| &told.event).filter(|event| event.is_kept()).cloned().collect();
        let newest = told.last().map(|told| told.event.id);
        ring.told.extend(told.into_iter().map(Arc::new));
        while ring.told.len() > RING {
            if let Some(oldest) = ring.told.pop_front() {
                ring.complete_after = oldest.event.id;
            }
        }
        if let Some(newest) = newest {
            self.shared.newest.send_replace(newest);
        }
        kept
    }

    /// The id of the newest event.
    pub fn newest(&self) -> u64 {
        *self.shared.newest.borrow()
    }

    /// What follows that id.
    pub fn after(&self, id: u64) -> After {
        let ring = self.ring();
        if id < ring.complete_after {
            return After::Database { through: ring.complete_after };
        }
        let from = ring.told.partition_point(|told| told.event.id <= id);
        After::All(ring.told.range(from..).cloned().collect())
    }

    /// Rings at each new event.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.shared.newest.subscribe()
    }

    /// A panic cannot leave the ring half changed in a way that matters: ids only grow.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{change, line, opened, utc_at};

    fn kinds(after: After) -> Vec<String> {
        match after {
            After::All(told) => told.iter().map(|told| told.event.kind.to_string()).collect(),
            After::Database { through } => panic!("only in the database, up to {through}"),
        }
    }

    #[test]
    fn who_comes_back_hears_what_they_missed_and_nothing_twice() {
        let feed = Feed::new(0);
        let now = utc_at("16:15:30.000");
        let lines = vec![line(0, "16:15:02.123", "received"), line(1, "16:15:04.000", "ringing")];
        let kept = feed.ticket(&change(opened(7, 1), lines), now);
        assert_eq!(kept.iter().map(|event| event.kind.as_ref()).collect::<Vec<_>>(), ["ticket.received"]);
        feed.say(now, "desk.away", None, "away");
        assert_eq!(kinds(feed.after(0)), ["ticket.received", "ticket.ringing", "desk.away"]);
        assert_eq!(kinds(feed.after(kept[0].id)), ["ticket.ringing", "desk.away"]);
        assert_eq!(kinds(feed.after(feed.newest())), [""; 0]);
        assert_eq!(feed.ticket(&change(opened(7, 2), Vec::new()), now), [], "nothing happened");
    }

    #[test]
    fn a_listener_that_fell_behind_is_sent_to_the_database() {
        let feed = Feed::new(41);
        assert_eq!(feed.after(40), After::Database { through: 41 });
        let now = utc_at("16:15:30.000");
        let ids: Vec<u64> =
            (0..=RING).flat_map(|_| feed.say(now, "desk.away", None, "")).map(|event| event.id).collect();
        assert_eq!(feed.after(41), After::Database { through: ids[0] });
        let After::All(told) = feed.after(ids[0]) else { panic!("the ring holds all but the first") };
        assert_eq!(told.len(), RING);
        let bell = feed.bell();
        assert_eq!(*bell.borrow(), *ids.last().unwrap());
    }
}
