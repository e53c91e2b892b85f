//! Tickets for the tests of this room.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::desk::{
    number::Private,
    ticket::{
        Direction, LegRecord, LocalTime, Notice, NoticeEnd, Outcome, Party, PromptFile, Recording,
        RecordingReport, Side, SideReport, Ticket, TicketChange, TicketId, TimelineEntry, Unanswered,
        Verdict,
    },
};

/// A moment in local time: `at("16:15:02.123")` on 2026-11-23 in China.
pub(crate) fn at(time: &str) -> LocalTime {
    DateTime::parse_from_rfc3339(&format!("2026-11-23T{time}+08:00")).unwrap()
}

/// The same moment in UTC.
pub(crate) fn utc_at(time: &str) -> DateTime<Utc> {
    at(time).to_utc()
}

pub(crate) fn id(number: u32) -> TicketId {
    TicketId { day: "2026-11-23".parse().unwrap(), number }
}

/// A ticket right after its INVITE.
pub(crate) fn opened(number: u32, revision: u32) -> Ticket {
    Ticket {
        id: id(number),
        revision,
        direction: Direction::Hotline,
        caller: Some(Private::new("13800000000".into())),
        caller_name: Some("王女士".into()),
        dialled: Private::new("057188880000".into()),
        trunk: Some("carrier".into()),
        received: at("16:15:02.123"),
        first_ring: None,
        flagged: None,
        answered: None,
        ended: None,
        rings: None,
        answered_by: None,
        shift: Some("early".into()),
        operator: None,
        desk_state: "801 ready".into(),
        outcome: None,
        hung_up_first: None,
        recording: None,
        notice: None,
        redial_of: None,
        part_of: None,
        segments: Vec::new(),
        legs: vec![leg(0, Party::Outside(Private::new("13800000000".into())))],
    }
}

pub(crate) fn leg(index: u16, party: Party) -> LegRecord {
    LegRecord {
        index,
        party,
        dialled: at("16:15:02.200"),
        ringing: None,
        answered: None,
        ended: None,
        unanswered: None,
        status: None,
        call_id: format!("leg-{index}@192.0.2.1"),
    }
}

/// A ticket whose call has been answered and has ended.
pub(crate) fn ended(number: u32, revision: u32) -> Ticket {
    let mut ticket = opened(number, revision);
    ticket.first_ring = Some(at("16:15:02.900"));
    ticket.flagged = Some(at("16:15:17.900"));
    ticket.answered = Some(at("16:15:20.001"));
    ticket.ended = Some(at("16:17:20.999"));
    ticket.rings = Some(4);
    ticket.answered_by = Some(Party::Phone("801".into()));
    ticket.operator = Some("小李".into());
    ticket.outcome = Some(Outcome::AnsweredByDesk);
    ticket.hung_up_first = Some(Side::Caller);
    ticket.recording = Some(Recording { report: Some(report(number)), verdict: Verdict::Good });
    ticket.notice = Some(Notice {
        file: PromptFile { name: "recording_notice.wav".into(), sha256: Some("ab12".repeat(16)) },
        started: at("16:15:20.001"),
        ended: Some(NoticeEnd::CutAfter(Duration::from_millis(1234))),
    });
    ticket.legs.push(LegRecord {
        ringing: Some(at("16:15:02.900")),
        answered: Some(at("16:15:20.001")),
        ended: Some(at("16:17:20.999")),
        status: Some(200),
        ..leg(1, Party::Phone("801".into()))
    });
    ticket.legs.push(LegRecord {
        ended: Some(at("16:15:20.002")),
        unanswered: Some(Unanswered::NotNeeded),
        status: Some(487),
        ..leg(2, Party::Mobile { name: "duty".into(), number: Private::new("13900000000".into()) })
    });
    ticket
}

pub(crate) fn report(number: u32) -> RecordingReport {
    RecordingReport {
        path: format!("2026/11/23/{}.wav", id(number)).into(),
        sample_rate: 8000,
        samples: 967_984,
        caller: SideReport {
            packets: 6050,
            lost_samples: 160,
            audible_samples: 400_000,
            skew_samples: -3,
            late_packets: 2,
            gaps: Vec::new(),
        },
        operator: SideReport {
            packets: 6049,
            lost_samples: 320,
            audible_samples: 300_000,
            skew_samples: 5,
            late_packets: 0,
            gaps: Vec::new(),
        },
        unwritten_samples: 7,
        tap_dropped: 1,
        late_syncs: 4,
    }
}

pub(crate) fn line(index: u32, time: &str, what: &'static str) -> TimelineEntry {
    TimelineEntry { index, at: at(time), what, words: format!("{what} at {time}") }
}

pub(crate) fn change(ticket: Ticket, new_entries: Vec<TimelineEntry>) -> TicketChange {
    TicketChange { ticket, new_entries }
}
