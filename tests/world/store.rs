//! The store as the switch sees it: the newest revision of every ticket, outages, bindings.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::NaiveDate;
use hotlined::{
    call::journal::Journal,
    desk::{
        outage::OutageChange,
        ticket::{Party, Ticket, TicketChange, TicketId, TimelineEntry, Verdict},
    },
    switch::registrar::BindingChange,
};

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) tickets: BTreeMap<TicketId, Ticket>,
    pub(crate) timelines: BTreeMap<TicketId, Vec<TimelineEntry>>,
    pub(crate) outages: Vec<OutageChange>,
    pub(crate) bindings: BTreeMap<String, BindingChange>,
    pub(crate) journals: BTreeMap<TicketId, Journal>,
    pub(crate) traced: BTreeMap<String, TicketId>,
    reserved: BTreeMap<NaiveDate, u32>,
    pub(crate) faults: Vec<String>,
}

impl Store {
    /// Keeps a change, and tells what is new of it for the ladder.
    pub(crate) fn save(&mut self, change: TicketChange) -> Vec<String> {
        let TicketChange { ticket, new_entries } = change;
        if self.tickets.get(&ticket.id).is_some_and(|old| old.revision >= ticket.revision) {
            self.faults.push(format!("{}: revision {} again", ticket.id, ticket.revision));
        }
        if let Some(old) = self.tickets.get(&ticket.id).and_then(|old| old.outcome)
            && ticket.outcome != Some(old)
        {
            self.faults.push(format!("{}: its outcome changed", ticket.id));
        }
        let timeline = self.timelines.entry(ticket.id).or_default();
        let words = new_entries.iter().filter(|entry| is_shown(entry.what)).map(|e| e.words.clone());
        let words = words.collect();
        for entry in new_entries {
            if usize::try_from(entry.index) != Ok(timeline.len()) {
                self.faults.push(format!("{}: timeline entry {} out of order", ticket.id, entry.index));
            }
            timeline.push(entry);
        }
        self.tickets.insert(ticket.id, ticket);
        words
    }

    /// Keeps what a call saw, and runs it again from its written form: whatever the call, it does the same.
    pub(crate) fn journal(&mut self, ticket: TicketId, journal: Option<Box<Journal>>) {
        let Some(journal) = journal else { return };
        let written = serde_json::to_string(&journal).unwrap();
        let read: Journal = serde_json::from_str(&written).unwrap();
        #[expect(clippy::disallowed_methods, reason = "any instant will do as a call's start")]
        let replay = read.replay(std::time::Instant::now());
        if journal.left_out == 0 && (replay.differs.is_some() || !replay.is_over) {
            self.faults.push(format!("{ticket}: run again, the call does otherwise: {replay:?}"));
        }
        self.journals.insert(ticket, *journal);
    }

    pub(crate) fn traced(&mut self, ticket: TicketId, call_id: String) {
        self.traced.insert(call_id, ticket);
    }

    pub(crate) fn reserve(&mut self, day: NaiveDate, count: u32) -> (u32, u32) {
        let last = self.reserved.entry(day).or_default();
        let from = *last + 1;
        *last += count;
        (from, *last)
    }
}

/// What a ladder of SIP messages does not show by itself.
fn is_shown(what: &str) -> bool {
    !matches!(
        what,
        "received" | "desk" | "dialled" | "ringing" | "unanswered" | "first_ring" | "ended" | "outcome"
    )
}

/// A ticket in a line or two.
pub(crate) fn summary(ticket: &Ticket) -> String {
    let mut text = format!("{}: {}", ticket.id, ticket.outcome.map_or("no outcome", |o| o.words()));
    if let Some(ring) = ticket.rings {
        let _ = write!(text, " in ring {ring}");
    }
    match &ticket.answered_by {
        Some(Party::Phone(name)) => drop(write!(text, " by {name}")),
        Some(Party::Mobile { name, .. }) => drop(write!(text, " by {name}")),
        Some(Party::Outside(number)) => drop(write!(text, " by {}", number.reveal())),
        None => {}
    }
    if ticket.flagged.is_some() {
        text.push_str(", flagged");
    }
    if let Some(first) = ticket.hung_up_first {
        let _ = write!(text, ", {first:?} first");
    }
    match ticket.recording.as_ref().map(|recording| &recording.verdict) {
        Some(Verdict::None(_)) => {}
        Some(verdict) => drop(write!(text, ", recording {verdict:?}")),
        None => text.push_str(", recording not settled"),
    }
    text.push('\n');
    if !ticket.desk_state.is_empty() {
        let _ = writeln!(text, "  desk: {}", ticket.desk_state);
    }
    text
}
