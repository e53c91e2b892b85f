//! What waits to be written: the newest snapshot of each ticket, and everything else in order. A
//! group that could not be written comes back and lies under what came since. Pure; the lock around
//! it is the writer's.

use std::collections::{BTreeMap, VecDeque, btree_map::Entry};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    binding::SavedBinding,
    edit::{Edit, MAX_EDITS},
    facts::{ExaminedRecording, RepairedRecording},
};
use crate::{
    call::staffing::Away,
    desk::{
        event::Event,
        outage::OutageChange,
        ticket::{Ticket, TicketChange, TicketId, TimelineEntry},
    },
};

/// Tickets that may wait at once: at 200 calls a second a database that is gone for 100 s, and about
/// 60 MB. When full, the changes of tickets that do not wait yet are dropped and reported.
pub(super) const MAX_TICKETS: usize = 20_000;
/// Timeline lines that may wait per ticket. When full, newer lines are dropped: the first ones say
/// more about what went wrong.
const MAX_ENTRIES: usize = 1_000;
/// Outage edges that may wait. When full the newest is dropped: the trunk that flaps so fast is
/// already on record as failing.
const MAX_OUTAGES: usize = 10_000;
/// Events that may wait, of tickets and others: four a call, and as many calls as tickets may wait. When full
/// the newest is dropped; who listens has heard it already.
const MAX_EVENTS: usize = 4 * MAX_TICKETS;

/// A ticket that waits to be written.
#[derive(Debug, Clone)]
pub(super) struct WaitingTicket {
    pub(super) ticket: Ticket,
    pub(super) entries: Vec<TimelineEntry>,
    /// Its failure has been reported.
    pub(super) told: bool,
}

/// A sign that the daemon lives, or that it stops in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SignOfLife {
    pub(super) at: DateTime<Utc>,
    pub(super) ended: bool,
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) tickets: BTreeMap<TicketId, WaitingTicket>,
    pub(super) outages: VecDeque<OutageChange>,
    pub(super) events: Vec<Event>,
    pub(super) bindings: BTreeMap<String, Vec<SavedBinding>>,
    pub(super) reservations: BTreeMap<NaiveDate, u32>,
    pub(super) away: Option<Option<Away>>,
    pub(super) repaired: Vec<RepairedRecording>,
    pub(super) examined: Vec<ExaminedRecording>,
    pub(super) life: Option<SignOfLife>,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
            && self.outages.is_empty()
            && self.events.is_empty()
            && self.bindings.is_empty()
            && self.reservations.is_empty()
            && self.away.is_none()
            && self.repaired.is_empty()
            && self.examined.is_empty()
            && self.life.is_none()
    }

    /// How many things wait, for the report at the end.
    pub(super) fn count(&self) -> usize {
        self.tickets.len()
            + self.outages.len()
            + self.events.len()
            + self.bindings.len()
            + self.reservations.len()
            + usize::from(self.away.is_some())
            + self.repaired.len()
            + self.examined.len()
    }
}

/// The group that is being collected.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) group: Group,
    /// What people change; each is a transaction of its own, after the group.
    pub(super) edits: VecDeque<Box<dyn Edit>>,
    /// Somebody waits for it: commit at once.
    pub(super) urgent: bool,
    pub(super) closing: bool,
}

/// The queue is full; the change was dropped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Inbox {
    pub(super) fn save(&mut self, change: TicketChange) -> Result<(), Full> {
        let full = self.group.tickets.len() >= MAX_TICKETS;
        match self.group.tickets.entry(change.ticket.id) {
            Entry::Vacant(_) if full => Err(Full),
            Entry::Vacant(place) => {
                place.insert(WaitingTicket {
                    ticket: change.ticket,
                    entries: change.new_entries,
                    told: false,
                });
                Ok(())
            }
            Entry::Occupied(mut waiting) => {
                let waiting = waiting.get_mut();
                if change.ticket.revision > waiting.ticket.revision {
                    waiting.ticket = change.ticket;
                }
                append(&mut waiting.entries, change.new_entries);
                Ok(())
            }
        }
    }

    pub(super) fn outage(&mut self, change: OutageChange) -> Result<(), Full> {
        if self.group.outages.len() >= MAX_OUTAGES {
            return Err(Full);
        }
        self.group.outages.push_back(change);
        Ok(())
    }

    pub(super) fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        let room = MAX_EVENTS.saturating_sub(self.group.events.len());
        self.group.events.extend(events.into_iter().take(room));
    }

    pub(super) fn reserve(&mut self, day: NaiveDate, count: u32) {
        let wanted = self.group.reservations.entry(day).or_default();
        *wanted = wanted.saturating_add(count);
        self.urgent = true;
    }

    pub(super) fn edit(&mut self, edit: Box<dyn Edit>) -> Result<(), Full> {
        if self.edits.len() >= MAX_EDITS {
            return Err(Full);
        }
        self.edits.push_back(edit);
        self.urgent = true;
        Ok(())
    }

    /// Nothing waits to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.group.is_empty() && self.edits.is_empty()
    }

    /// Hands over what has been collected and begins anew.
    pub(super) fn take(&mut self) -> (Group, VecDeque<Box<dyn Edit>>) {
        self.urgent = false;
        (std::mem::take(&mut self.group), std::mem::take(&mut self.edits))
    }

    /// Puts a group that could not be written under what came since: newer wins, lines add up.
    pub(super) fn give_back(&mut self, older: Group) {
        let newer = std::mem::replace(&mut self.group, older);
        for (id, new) in newer.tickets {
            match self.group.tickets.entry(id) {
                Entry::Vacant(place) => {
                    place.insert(new);
                }
                Entry::Occupied(mut old) => {
                    let old = old.get_mut();
                    if new.ticket.revision > old.ticket.revision {
                        old.ticket = new.ticket;
                    }
                    append(&mut old.entries, new.entries);
                }
            }
        }
        self.group.outages.extend(newer.outages);
        self.group.events.extend(newer.events);
        self.group.bindings.extend(newer.bindings);
        for (day, count) in newer.reservations {
            let wanted = self.group.reservations.entry(day).or_default();
            *wanted = wanted.saturating_add(count);
        }
        if newer.away.is_some() {
            self.group.away = newer.away;
        }
        self.group.repaired.extend(newer.repaired);
        self.group.examined.extend(newer.examined);
        self.group.life = newer.life.or(self.group.life);
    }
}

fn append(lines: &mut Vec<TimelineEntry>, mut more: Vec<TimelineEntry>) {
    more.truncate(MAX_ENTRIES.saturating_sub(lines.len()));
    lines.append(&mut more);
}
