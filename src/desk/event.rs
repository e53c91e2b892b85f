//! What happens at the desk, as it is told to whoever listens: console, webhooks, other programs. Pure.
//!
//! A ticket's event is a line of its timeline; the others are of trunks, phones, the desk and alarms.
//! Reading starts at [`Event`].

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{
    outage::{Edge, OutageChange, Subject},
    ticket::{TicketChange, TicketId},
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Counts up for ever ([`Sequence`]); who resumes names the last one that they saw.
    pub id: u64,
    pub at: DateTime<Utc>,
    /// `ticket.flagged`, `trunk.down`: room and fact, never changed once released.
    pub kind: Cow<'static, str>,
    pub ticket: Option<TicketId>,
    /// The trunk, phone or person that it is about, where it is not a ticket.
    pub subject: Option<String>,
    /// In words, for people. May hold numbers and names.
    pub words: String,
}

impl Event {
    /// Whether it is kept in the database, to be told later, too. Of a call those steps that other
    /// programs act upon; the small ones between them are for who watches.
    pub fn is_kept(&self) -> bool {
        match self.kind.strip_prefix("ticket.") {
            Some(step) => KEPT_STEPS.contains(&step),
            None => true,
        }
    }
}

/// Lines of a ticket's timeline that are kept as events.
const KEPT_STEPS: [&str; 6] = ["received", "flagged", "answered", "outcome", "ended", "recorded"];

/// Numbers events: microseconds since 1970, or one more than the last. So ids count up over restarts
/// without a look into the database, and stay below 2^53, the largest whole number of JSON's readers,
/// until the year 2255.
#[derive(Debug, Default)]
pub struct Sequence {
    last: u64,
}

impl Sequence {
    /// Ids from here on are greater than `last`, whatever the clock says.
    pub fn after(last: u64) -> Self {
        Self { last }
    }

    fn next(&mut self, at: DateTime<Utc>) -> u64 {
        let clock = u64::try_from(at.timestamp_micros()).unwrap_or(0);
        self.last = clock.max(self.last.saturating_add(1));
        self.last
    }

    /// An event that happened at `at`.
    pub fn event(
        &mut self,
        at: DateTime<Utc>,
        kind: impl Into<Cow<'static, str>>,
        subject: Option<String>,
        words: impl Into<String>,
    ) -> Event {
        Event { id: self.next(at), at, kind: kind.into(), ticket: None, subject, words: words.into() }
    }

    /// The events of one save: one for each new line of the timeline.
    pub fn of_ticket(&mut self, change: &TicketChange, now: DateTime<Utc>) -> Vec<Event> {
        change
            .new_entries
            .iter()
            .map(|entry| Event {
                id: self.next(now),
                at: entry.at.to_utc(),
                kind: format!("ticket.{}", entry.what).into(),
                ticket: Some(change.ticket.id),
                subject: None,
                words: entry.words.clone(),
            })
            .collect()
    }

    /// The event of an outage's begin or end: what alarms and the wall are about.
    pub fn of_outage(&mut self, change: &OutageChange) -> Event {
        let (begins, ends, name) = match &change.subject {
            Subject::Trunk(name) => ("trunk.down", "trunk.up", Some(name.clone())),
            Subject::Phone(name) => ("phone.lost", "phone.reachable", Some(name.clone())),
            Subject::Disk => ("disk.full", "disk.free", None),
            Subject::Recordings => ("recordings.failing", "recordings.fine", None),
            Subject::Database => ("database.down", "database.up", None),
            Subject::Daemon => ("daemon.down", "daemon.up", None),
        };
        let kind = match change.edge {
            Edge::Began => begins,
            Edge::Ended => ends,
        };
        self.event(change.at, kind, name, change.reason.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn ids_count_up_even_when_the_clock_is_set_back() {
        let mut sequence = Sequence::default();
        let ids: Vec<u64> =
            [0, 0, -3600, 5].map(|s| sequence.event(at(s), "desk.away", None, "").id).to_vec();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_eq!(ids[0], 1_800_000_000_000_000);
        let later = ids[3] + 1_000_000_000;
        assert!(Sequence::after(later).event(at(6), "desk.back", None, "").id > later);
    }

    #[test]
    fn an_outage_is_told_by_what_it_is_about() {
        let mut sequence = Sequence::default();
        let subjects = [
            (Subject::Trunk("carrier".into()), "trunk.down", "trunk.up", Some("carrier")),
            (Subject::Phone("801".into()), "phone.lost", "phone.reachable", Some("801")),
            (Subject::Disk, "disk.full", "disk.free", None),
            (Subject::Recordings, "recordings.failing", "recordings.fine", None),
            (Subject::Database, "database.down", "database.up", None),
            (Subject::Daemon, "daemon.down", "daemon.up", None),
        ];
        for (subject, begins, ends, name) in subjects {
            for (edge, kind) in [(Edge::Began, begins), (Edge::Ended, ends)] {
                let change = OutageChange { subject: subject.clone(), at: at(0), edge, reason: "503".into() };
                let event = sequence.of_outage(&change);
                assert_eq!((event.kind.as_ref(), event.subject.as_deref()), (kind, name));
                assert!(event.is_kept());
            }
        }
    }

    #[test]
    fn of_a_call_only_the_steps_that_others_act_upon_are_kept() {
        let kept = |kind: &'static str| Sequence::default().event(at(0), kind, None, "").is_kept();
        for kind in
            ["ticket.received", "ticket.flagged", "ticket.answered", "ticket.ended", "ticket.recorded"]
        {
            assert!(kept(kind), "{kind}");
        }
        for kind in ["ticket.ringing", "ticket.held", "ticket.silent"] {
            assert!(!kept(kind), "{kind}");
        }
    }
}
