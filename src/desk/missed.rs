//! Callers who did not get through, and were not called back yet. Nobody keeps this list: it follows
//! from the calls. Never reads a clock.
//!
//! Reading starts at [`missed`].

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    directory::Numbering,
    number::Number,
    ticket::{LocalTime, TicketId},
};

/// When a missed caller is urgent, and how long one is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedRules {
    pub urgent_tries: u32,
    /// Waited so long in all.
    pub urgent_wait_seconds: u32,
    /// Older calls are not listed.
    pub look_back_days: u32,
}

impl Default for MissedRules {
    fn default() -> Self {
        Self { urgent_tries: 2, urgent_wait_seconds: 60, look_back_days: 7 }
    }
}

/// A call from or to somebody outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub ticket: TicketId,
    /// Whose it is; `None` where withheld.
    pub number: Option<Number>,
    pub at: LocalTime,
    /// How long the caller waited; of an answered call nobody asks.
    pub waited: TimeDelta,
    pub reached: Reached,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The caller got through, or we reached them.
    Yes,
    /// The caller did not.
    No,
}

/// Somebody who is still to be called back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedCaller {
    /// `None`: withheld, nobody can call back.
    pub number: Option<Number>,
    /// Calls since the last time they got through.
    pub tries: u32,
    /// The newest of them, and when.
    pub last: TicketId,
    pub last_at: LocalTime,
    pub first_at: LocalTime,
    /// In all of them together.
    pub waited: TimeDelta,
    pub urgent: bool,
}

/// Who is to be called back, the most urgent first: by tries, then by how long they waited. `contacts`
/// are in the order of time.
pub fn missed(
    contacts: &[Contact],
    numbering: &Numbering,
    rules: MissedRules,
    now: DateTime<Utc>,
) -> Vec<MissedCaller> {
    let oldest = now
        .checked_sub_signed(TimeDelta::days(rules.look_back_days.into()))
        .unwrap_or(DateTime::<Utc>::MIN_UTC);
    let mut open = BTreeMap::<String, MissedCaller>::new();
    let mut withheld = Vec::new();
    for contact in contacts.iter().filter(|contact| contact.at.to_utc() >= oldest) {
        let number = contact.number.as_ref().and_then(|number| numbering.canonical(number.reveal()));
        match (number, contact.reached) {
            (Some(number), Reached::Yes) => {
                open.remove(&number);
            }
            (Some(number), Reached::No) => {
                let caller = open.entry(number).or_insert_with(|| first(contact));
                count(caller, contact);
            }
            (None, Reached::Yes) => {}
            (None, Reached::No) => {
                let mut caller = first(contact);
                count(&mut caller, contact);
                withheld.push(caller);
            }
        }
    }
    let mut all: Vec<MissedCaller> = open.into_values().chain(withheld).collect();
    for caller in &mut all {
        caller.urgent = caller.tries >= rules.urgent_tries
            || caller.waited >= TimeDelta::seconds(rules.urgent_wait_seconds.into());
    }
    all.sort_by_key(|c| (!c.urgent, std::cmp::Reverse((c.tries, c.waited)), c.first_at, c.last));
    all
}

fn first(contact: &Contact) -> MissedCaller {
    MissedCaller {
        number: contact.number.clone(),
        tries: 0,
        last: contact.ticket,
        last_at: contact.at,
        first_at: contact.at,
        waited: TimeDelta::zero(),
        urgent: false,
    }
}

fn count(caller: &mut MissedCaller, contact: &Contact) {
    caller.tries = caller.tries.saturating_add(1);
    caller.waited = caller.waited.checked_add(&contact.waited).unwrap_or(caller.waited);
    caller.last = contact.ticket;
    caller.last_at = contact.at;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::number::Private;

    fn call(number: u32, caller: &str, minute: i64, waited: i64, reached: Reached) -> Contact {
        let start: LocalTime = "2026-11-24T09:00:00+08:00".parse().unwrap();
        Contact {
            ticket: TicketId { day: start.date_naive(), number },
            number: (!caller.is_empty()).then(|| Private::new(caller.to_owned())),
            at: start + TimeDelta::minutes(minute),
            waited: TimeDelta::seconds(waited),
            reached,
        }
    }

    fn list(contacts: &[Contact]) -> Vec<String> {
        let now = "2026-11-24T04:00:00Z".parse().unwrap();
        missed(contacts, &Numbering::default(), MissedRules::default(), now)
            .iter()
            .map(|c| {
                let who = c.number.as_ref().map_or("withheld", |n| n.reveal().as_str());
                format!(
                    "{who} tries {} waited {} s{}",
                    c.tries,
                    c.waited.num_seconds(),
                    if c.urgent { " urgent" } else { "" }
                )
            })
            .collect()
    }

    #[test]
    fn who_gets_through_or_is_called_back_leaves_the_list_by_itself() {
        use Reached::{No, Yes};
        let a = call(1, "13800000001", 0, 20, No);
        let b = call(2, "13800000002", 1, 20, No);
        assert_eq!(list(&[a.clone(), b.clone()]).len(), 2);
        let through = call(3, "+8613800000001", 2, 3, Yes);
        let back = call(4, "013800000002", 3, 0, Yes);
        assert_eq!(list(&[a.clone(), b.clone(), through.clone()]), ["13800000002 tries 1 waited 20 s"]);
        assert_eq!(list(&[a.clone(), b, through.clone(), back]), Vec::<String>::new());
        let again = call(5, "13800000001", 4, 9, No);
        assert_eq!(list(&[a, through, again]), ["13800000001 tries 1 waited 9 s"], "counted anew");
    }

    #[test]
    fn tries_come_before_waiting_and_both_make_urgent() {
        use Reached::No;
        assert_eq!(
            list(&[
                call(1, "13800000001", 0, 10, No),
                call(2, "13800000002", 1, 70, No),
                call(3, "13800000003", 2, 5, No),
                call(4, "13800000003", 3, 5, No),
                call(5, "", 4, 5, No),
            ]),
            [
                "13800000003 tries 2 waited 10 s urgent",
                "13800000002 tries 1 waited 70 s urgent",
                "13800000001 tries 1 waited 10 s",
                "withheld tries 1 waited 5 s",
            ]
        );
    }

    #[test]
    fn what_is_older_than_the_list_looks_back_is_not_on_it() {
        assert_eq!(list(&[call(1, "13800000001", -8 * 1440, 10, Reached::No)]), Vec::<String>::new());
    }
}
