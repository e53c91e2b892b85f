//! The daemon's database: filled before it starts, read after it wrote.

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hotlined::{
    desk::{
        number::Private,
        ticket::{
            Direction, LegRecord, Outcome, Party, Recording, RecordingReport, Side, SideReport, Ticket,
            TicketChange, TicketId, TimelineEntry, Verdict,
        },
    },
    store::{
        facts::StoreFact,
        reader::{Reader, TicketFilter},
        writer::{StoreSettings, Writer},
    },
};

use crate::sip;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The newest tickets.
pub(crate) fn newest(database: &Path, limit: u32) -> Vec<Ticket> {
    let filter = TicketFilter { limit, ..TicketFilter::default() };
    let read = runtime().block_on(async { Reader::open(database).await?.tickets(&filter).await });
    read.expect("the daemon's own database")
}

/// The newest tickets of the generator's calls, by call.
pub(crate) fn by_call(database: &Path, limit: u32) -> BTreeMap<usize, Ticket> {
    let call = |ticket: &Ticket| sip::call_of(ticket.caller.as_ref()?.reveal());
    // Of two tickets of one call the later in the map stays: the newest.
    newest(database, limit).into_iter().rev().filter_map(|ticket| Some((call(&ticket)?, ticket))).collect()
}

/// Writes so many tickets of answered calls, through the store's own writer.
pub(crate) fn fill(database: &Path, count: u32) {
    let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
    let writer = Writer::start(StoreSettings::new(database), sender, Utc::now()).expect("a thread");
    for number in 1..=count {
        writer.save(answered(number));
    }
    writer.close(Utc::now());
    loop {
        match facts.blocking_recv().expect("the writer says when it is done") {
            StoreFact::Closed { unsaved } => return assert_eq!(unsaved, 0, "all are written"),
            StoreFact::SaveFailed { why, .. } => panic!("{why}"),
            _ => {}
        }
    }
}

fn answered(number: u32) -> TicketChange {
    let begin = DateTime::parse_from_rfc3339("2026-01-01T08:00:00+08:00").expect("a time");
    let at = |seconds: i64| begin + TimeDelta::minutes(number.into()) + TimeDelta::seconds(seconds);
    let id = TicketId { day: NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day"), number };
    let caller = Private::new(format!("138{number:08}"));
    let leg = |index, party| LegRecord {
        index,
        party,
        dialled: at(0),
        ringing: Some(at(1)),
        answered: Some(at(5)),
        ended: Some(at(65)),
        unanswered: None,
        status: Some(200),
        call_id: format!("{number}-{index}@192.0.2.10"),
    };
    let line = |index, seconds, what: &'static str| TimelineEntry {
        index,
        at: at(seconds),
        what,
        words: format!("{what} after {seconds} s"),
    };
    let side = SideReport { packets: 3000, audible_samples: 240_000, ..SideReport::default() };
    let ticket = Ticket {
        id,
        revision: 3,
        direction: Direction::Hotline,
        caller: Some(caller.clone()),
        caller_name: Some("王女士".into()),
        dialled: Private::new(sip::HOTLINE.into()),
        trunk: Some("carrier".into()),
        received: at(0),
        first_ring: Some(at(1)),
        flagged: None,
        answered: Some(at(5)),
        ended: Some(at(65)),
        rings: Some(1),
        answered_by: Some(Party::Phone(sip::PHONE.into())),
        shift: None,
        operator: None,
        desk_state: "801 ready".into(),
        outcome: Some(Outcome::AnsweredByDesk),
        hung_up_first: Some(Side::Caller),
        recording: Some(Recording {
            report: Some(RecordingReport {
                path: format!("2026/01/01/{id}.wav").into(),
                sample_rate: 8000,
                samples: 480_000,
                caller: side.clone(),
                operator: side,
                unwritten_samples: 0,
                tap_dropped: 0,
                late_syncs: 0,
            }),
            verdict: Verdict::Good,
        }),
        notice: None,
        redial_of: None,
        part_of: None,
        segments: Vec::new(),
        legs: vec![leg(0, Party::Outside(caller)), leg(1, Party::Phone(sip::PHONE.into()))],
    };
    let new_entries =
        vec![line(0, 0, "received"), line(1, 1, "ringing"), line(2, 5, "answered"), line(3, 65, "ended")];
    TicketChange { ticket, new_entries }
}
