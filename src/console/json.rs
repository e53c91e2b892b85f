//! Tickets as JSON for `--json` and the API: the names and words of the database's views
//! (`docs/database.md`), times in RFC 3339 with the local offset. Pure. The types are the schemas of
//! `docs/openapi.json`.

use chrono::SecondsFormat;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    call::staffing::{PhoneState, Reach},
    desk::{
        event,
        ticket::{self, LocalTime},
    },
    store::{reader, words},
    switch::status,
};

/// A time: `2026-11-23T16:15:02.123+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-11-23T16:15:02.123+08:00"))]
pub struct Time(pub LocalTime);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, false))
    }
}

/// One contact: here one call attempt, with its legs and its recording.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ticket {
    /// `20261123-0007`.
    pub id: String,
    /// `hotline`, `out` or `internal`.
    pub direction: &'static str,
    /// As the trunk sent it; null where withheld.
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    pub dialled: String,
    pub trunk: Option<String>,
    pub received: Time,
    /// When the ring clock started.
    pub first_ring: Option<Time>,
    /// When the third ring ended without an answer; null: never.
    pub flagged: Option<Time>,
    /// When a person answered.
    pub answered: Option<Time>,
    /// Null while it lasts.
    pub ended: Option<Time>,
    /// The ring in which it was answered or given up, from 1.
    pub rings: Option<u32>,
    pub answered_by: Option<Party>,
    pub shift: Option<String>,
    pub operator: Option<String>,
    /// The state of the desk in words when it came.
    pub desk_state: String,
    /// Null while undecided.
    pub outcome: Option<&'static str>,
    /// `caller`, `callee` or `house`.
    pub hung_up_first: Option<&'static str>,
    pub recording: Option<Recording>,
    pub legs: Vec<Leg>,
}

/// A ticket with everything that is known of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketPage {
    #[serde(flatten)]
    pub ticket: Ticket,
    /// The first ticket of the matter that it belongs to.
    pub matter: String,
    /// What a person typed about it.
    pub remark: Option<String>,
    pub timeline: Vec<Entry>,
}

/// One thing that happened on a ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Entry {
    /// Counts from 0 within the ticket.
    pub entry: u32,
    pub at: Time,
    /// One word for programs.
    pub what: String,
    /// The same for people.
    pub words: String,
}

/// One side of a call, or an attempt at one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Leg {
    /// Counts from 0 within the ticket; 0 is the caller.
    pub leg: u16,
    pub party: Party,
    pub dialled: Time,
    pub ringing: Option<Time>,
    pub answered: Option<Time>,
    pub ended: Option<Time>,
    /// Why it was not answered, where it was not.
    pub unanswered: Option<&'static str>,
    /// The peer's SIP status.
    pub status: Option<u16>,
    pub sip_call_id: String,
}

/// Who is on a leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Party {
    /// `phone`, `mobile` or `outside`.
    pub kind: &'static str,
    /// The phone's or mobile's name in the house rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For mobiles and outside numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// What is known of a ticket's recording.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Recording {
    /// `good`, `degraded`, `one-sided`, `failed`, `interrupted` or `none`.
    pub verdict: &'static str,
    pub verdict_words: Option<String>,
    /// Relative to the recordings folder; null: there is no file.
    pub path: Option<String>,
    /// Hz.
    pub sample_rate: Option<u32>,
    /// Per channel.
    pub samples: Option<u64>,
    pub seconds: Option<f64>,
    pub unwritten_samples: Option<u64>,
    pub tap_dropped: Option<u64>,
    pub late_syncs: Option<u32>,
    /// Left.
    pub caller: Option<Side>,
    /// Right.
    pub operator: Option<Side>,
}

/// One channel of a recording.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RecordingSide)]
pub struct Side {
    pub packets: u64,
    pub lost_samples: u64,
    pub audible_samples: u64,
    pub skew_samples: i64,
    pub late_packets: u64,
}

impl From<&reader::TicketPage> for TicketPage {
    fn from(page: &reader::TicketPage) -> Self {
        Self {
            ticket: Ticket::from(&page.ticket),
            matter: page.matter.to_string(),
            remark: page.remark.clone(),
            timeline: page.timeline.iter().map(Entry::from).collect(),
        }
    }
}

impl From<&reader::KeptEntry> for Entry {
    fn from(kept: &reader::KeptEntry) -> Self {
        Self { entry: kept.index, at: Time(kept.at), what: kept.what.clone(), words: kept.words.clone() }
    }
}

impl From<&ticket::Ticket> for Ticket {
    fn from(ticket: &ticket::Ticket) -> Self {
        Self {
            id: ticket.id.to_string(),
            direction: words::direction(ticket.direction),
            caller: ticket.caller.as_ref().map(|n| n.reveal().clone()),
            caller_name: ticket.caller_name.clone(),
            dialled: ticket.dialled.reveal().clone(),
            trunk: ticket.trunk.clone(),
            received: Time(ticket.received),
            first_ring: ticket.first_ring.map(Time),
            flagged: ticket.flagged.map(Time),
            answered: ticket.answered.map(Time),
            ended: ticket.ended.map(Time),
            rings: ticket.rings,
            answered_by: ticket.answered_by.as_ref().map(Party::from),
            shift: ticket.shift.clone(),
            operator: ticket.operator.clone(),
            desk_state: ticket.desk_state.clone(),
            outcome: ticket.outcome.map(words::outcome),
            hung_up_first: ticket.hung_up_first.map(words::side),
            recording: ticket.recording.as_ref().map(Recording::from),
            legs: ticket.legs.iter().map(Leg::from).collect(),
        }
    }
}

impl From<&ticket::LegRecord> for Leg {
    fn from(leg: &ticket::LegRecord) -> Self {
        Self {
            leg: leg.index,
            party: Party::from(&leg.party),
            dialled: Time(leg.dialled),
            ringing: leg.ringing.map(Time),
            answered: leg.answered.map(Time),
            ended: leg.ended.map(Time),
            unanswered: leg.unanswered.as_ref().map(words::unanswered),
            status: leg.status,
            sip_call_id: leg.call_id.clone(),
        }
    }
}

impl From<&ticket::Party> for Party {
    fn from(party: &ticket::Party) -> Self {
        let (kind, name, number) = match party {
            ticket::Party::Phone(name) => ("phone", Some(name), None),
            ticket::Party::Mobile { name, number } => ("mobile", Some(name), Some(number)),
            ticket::Party::Outside(number) => ("outside", None, Some(number)),
        };
        Self { kind, name: name.cloned(), number: number.map(|n| n.reveal().clone()) }
    }
}

impl From<&ticket::Recording> for Recording {
    fn from(recording: &ticket::Recording) -> Self {
        let (verdict, own_words) = words::verdict(&recording.verdict);
        let report = recording.report.as_ref();
        Self {
            verdict,
            verdict_words: own_words.map(str::to_owned),
            path: report.map(|r| r.path.to_string_lossy().into_owned()),
            sample_rate: report.map(|r| r.sample_rate),
            samples: report.map(|r| r.samples),
            seconds: report.map(|r| r.duration().as_secs_f64()),
            unwritten_samples: report.map(|r| r.unwritten_samples),
            tap_dropped: report.map(|r| r.tap_dropped),
            late_syncs: report.map(|r| r.late_syncs),
            caller: report.map(|r| Side::from(&r.caller)),
            operator: report.map(|r| Side::from(&r.operator)),
        }
    }
}

impl From<&ticket::SideReport> for Side {
    fn from(side: &ticket::SideReport) -> Self {
        Self {
            packets: side.packets,
            lost_samples: side.lost_samples,
            audible_samples: side.audible_samples,
            skew_samples: side.skew_samples,
            late_packets: side.late_packets,
        }
    }
}

/// What is going on right now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Status {
    pub company: String,
    /// The desk's clock.
    pub now: Time,
    pub rings: Rings,
    /// The state of the desk in words: `801 ready`.
    pub desk: String,
    pub shift: Option<String>,
    pub operator: Option<String>,
    /// Null: the desk is not away.
    pub away: Option<Away>,
    pub trunks: Vec<Trunk>,
    pub phones: Vec<Phone>,
    pub calls: Vec<Call>,
}

/// How rings are counted (铃响三声以内).
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Rings {
    /// From one ring's start to the next one's.
    pub cycle_seconds: f64,
    /// A call that is not answered by the end of this ring is flagged.
    pub flag_after: u32,
}

/// The desk is empty: hotline calls go to the mobile.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Away {
    pub since: Time,
    /// Null: until somebody says that the desk is back.
    pub until: Option<Time>,
    pub by: String,
}

/// A trunk's state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Trunk {
    pub name: String,
    /// `up`, `down` or `starting`.
    pub state: &'static str,
    pub since: Time,
    pub reason: String,
}

/// A desk phone's state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Phone {
    pub name: String,
    /// `reachable`, `not registered` or `does not answer`.
    pub state: &'static str,
    pub since: Option<Time>,
    /// Lines in a call, ringing ones included.
    pub lines_taken: u32,
}

/// A call in progress.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Call {
    pub ticket: String,
    /// `hotline`, `out` or `internal`.
    pub direction: &'static str,
    pub caller: Option<String>,
    /// Who in the residents' list has the caller's number.
    pub resident: Option<String>,
    pub dialled: String,
    pub received: Time,
    /// When the ring clock started.
    pub first_ring: Option<Time>,
    pub flagged: Option<Time>,
    pub answered: Option<Time>,
    pub answered_by: Option<Party>,
}

impl Status {
    /// The picture, with whose hotline it is.
    pub fn of(company: &str, status: &status::Status) -> Self {
        Self {
            company: company.to_owned(),
            now: Time(status.now),
            rings: Rings {
                cycle_seconds: status.rings.cycle().as_secs_f64(),
                flag_after: status.rings.flag_after,
            },
            desk: status.desk.clone(),
            shift: status.shift.clone(),
            operator: status.operator.clone(),
            away: status.away.as_ref().map(|away| Away {
                since: Time(away.since),
                until: away.until.map(Time),
                by: away.by.clone(),
            }),
            trunks: status.trunks.iter().map(Trunk::from).collect(),
            phones: status.phones.iter().map(Phone::from).collect(),
            calls: status.calls.iter().map(Call::from).collect(),
        }
    }
}

impl From<&status::TrunkStatus> for Trunk {
    fn from(trunk: &status::TrunkStatus) -> Self {
        let state = match trunk.up {
            Some(true) => "up",
            Some(false) => "down",
            None => "starting",
        };
        Self { name: trunk.name.clone(), state, since: Time(trunk.since), reason: trunk.reason.clone() }
    }
}

impl From<&PhoneState> for Phone {
    fn from(phone: &PhoneState) -> Self {
        let (state, since) = match phone.reach {
            Reach::Reachable => ("reachable", None),
            Reach::NotRegistered { since } => ("not registered", since),
            Reach::Unreachable { since } => ("does not answer", Some(since)),
        };
        Self { name: phone.name.clone(), state, since: since.map(Time), lines_taken: phone.lines_taken }
    }
}

impl From<&status::CallStatus> for Call {
    fn from(call: &status::CallStatus) -> Self {
        Self {
            ticket: call.ticket.to_string(),
            direction: words::direction(call.direction),
            caller: call.caller.as_ref().map(|number| number.reveal().clone()),
            resident: call.listed.clone(),
            dialled: call.dialled.reveal().clone(),
            received: Time(call.received),
            first_ring: call.first_ring.map(Time),
            flagged: call.flagged.map(Time),
            answered: call.answered.map(Time),
            answered_by: call.answered_by.as_ref().map(Party::from),
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Event {
    /// Counts up for ever; the `id:` of the stream.
    pub id: u64,
    pub at: Time,
    /// `ticket.flagged`, `trunk.down`, …: `docs/api.md` lists them.
    pub kind: String,
    /// The trunk, phone or person that it is about.
    pub subject: Option<String>,
    /// For people.
    pub words: String,
    /// The ticket as it was then; out of the database: as it is now.
    pub ticket: Option<Brief>,
}

/// A ticket in a few words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Brief {
    pub id: String,
    /// `hotline`, `out` or `internal`.
    pub direction: &'static str,
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    pub dialled: String,
    pub received: Time,
    pub first_ring: Option<Time>,
    pub flagged: Option<Time>,
    pub answered: Option<Time>,
    pub answered_by: Option<Party>,
    pub ended: Option<Time>,
    pub rings: Option<u32>,
    pub operator: Option<String>,
    pub outcome: Option<&'static str>,
    pub verdict: Option<&'static str>,
}

impl Event {
    pub fn of(event: &event::Event, ticket: Option<&ticket::Ticket>) -> Self {
        Self {
            id: event.id,
            at: Time(event.at.fixed_offset()),
            kind: event.kind.clone().into_owned(),
            subject: event.subject.clone(),
            words: event.words.clone(),
            ticket: ticket.map(Brief::from),
        }
    }
}

impl From<&ticket::Ticket> for Brief {
    fn from(ticket: &ticket::Ticket) -> Self {
        Self {
            id: ticket.id.to_string(),
            direction: words::direction(ticket.direction),
            caller: ticket.caller.as_ref().map(|n| n.reveal().clone()),
            caller_name: ticket.caller_name.clone(),
            dialled: ticket.dialled.reveal().clone(),
            received: Time(ticket.received),
            first_ring: ticket.first_ring.map(Time),
            flagged: ticket.flagged.map(Time),
            answered: ticket.answered.map(Time),
            answered_by: ticket.answered_by.as_ref().map(Party::from),
            ended: ticket.ended.map(Time),
            rings: ticket.rings,
            operator: ticket.operator.clone(),
            outcome: ticket.outcome.map(words::outcome),
            verdict: ticket.recording.as_ref().map(|recording| words::verdict(&recording.verdict).0),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::{
        fixture::{at, ended, id, opened},
        reader::KeptEntry,
    };

    fn value(shape: impl Serialize) -> Value {
        serde_json::to_value(shape).unwrap()
    }

    #[test]
    fn a_list_names_its_fields_as_the_views_do() {
        let value = value([ended(7, 3), opened(8, 1)].iter().map(Ticket::from).collect::<Vec<_>>());
        assert_eq!(value[0]["id"], "20261123-0007");
        assert_eq!(value[0]["received"], "2026-11-23T16:15:02.123+08:00");
        assert_eq!(value[0]["outcome"], "answered by desk");
        assert_eq!(value[0]["answered_by"], json!({ "kind": "phone", "name": "801" }));
        assert_eq!(value[0]["legs"][2]["unanswered"], "not needed");
        assert_eq!(value[0]["recording"]["path"], "2026/11/23/20261123-0007.wav");
        assert_eq!(value[0]["recording"]["seconds"], 120.998);
        assert_eq!(value[0]["recording"]["caller"]["lost_samples"], 160);
        assert_eq!(value[1]["ended"], Value::Null);
        assert_eq!(value[1]["recording"], Value::Null);
    }

    #[test]
    fn a_page_adds_matter_remark_and_timeline() {
        let value = value(TicketPage::from(&reader::TicketPage {
            ticket: ended(7, 3),
            timeline: vec![KeptEntry {
                index: 0,
                at: at("16:15:02.123"),
                what: "received".into(),
                words: "came in".into(),
            }],
            matter: id(3),
            remark: None,
        }));
        assert_eq!(value["matter"], "20261123-0003");
        assert_eq!(value["remark"], Value::Null);
        assert_eq!(
            value["timeline"],
            json!([{ "entry": 0, "at": "2026-11-23T16:15:02.123+08:00", "what": "received", "words": "came in" }])
        );
    }
}
