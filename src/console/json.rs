//! Tickets as JSON for `--json` and the API: the names and words of the database's views
//! (`docs/database.md`), times in RFC 3339 with the local offset. Pure.

use serde_json::{Value, json};

use crate::{
    desk::ticket::{LegRecord, LocalTime, Party, Recording, SideReport, Ticket},
    store::{reader::TicketPage, words},
};

/// A list of tickets, each with its legs and its recording.
pub fn tickets(tickets: &[Ticket]) -> Value {
    tickets.iter().map(ticket).collect()
}

/// One ticket with everything: also its matter, its timeline and what a person typed.
pub fn ticket_page(page: &TicketPage) -> Value {
    let mut value = ticket(&page.ticket);
    let timeline: Value = page
        .timeline
        .iter()
        .map(|e| json!({ "entry": e.index, "at": time(e.at), "what": e.what, "words": e.words }))
        .collect();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("matter".into(), page.matter.to_string().into());
        fields.insert("remark".into(), page.remark.clone().into());
        fields.insert("timeline".into(), timeline);
    }
    value
}

fn ticket(ticket: &Ticket) -> Value {
    json!({
        "id": ticket.id.to_string(),
        "direction": words::direction(ticket.direction),
        "caller": ticket.caller.as_ref().map(|n| n.reveal()),
        "caller_name": ticket.caller_name,
        "dialled": ticket.dialled.reveal(),
        "trunk": ticket.trunk,
        "received": time(ticket.received),
        "first_ring": ticket.first_ring.map(time),
        "flagged": ticket.flagged.map(time),
        "answered": ticket.answered.map(time),
        "ended": ticket.ended.map(time),
        "rings": ticket.rings,
        "answered_by": ticket.answered_by.as_ref().map(party),
        "shift": ticket.shift,
        "operator": ticket.operator,
        "desk_state": ticket.desk_state,
        "outcome": ticket.outcome.map(words::outcome),
        "hung_up_first": ticket.hung_up_first.map(words::side),
        "recording": ticket.recording.as_ref().map(recording),
        "legs": ticket.legs.iter().map(leg).collect::<Value>(),
    })
}

fn leg(leg: &LegRecord) -> Value {
    json!({
        "leg": leg.index,
        "party": party(&leg.party),
        "dialled": time(leg.dialled),
        "ringing": leg.ringing.map(time),
        "answered": leg.answered.map(time),
        "ended": leg.ended.map(time),
        "unanswered": leg.unanswered.as_ref().map(words::unanswered),
        "status": leg.status,
        "sip_call_id": leg.call_id,
    })
}

fn party(party: &Party) -> Value {
    match party {
        Party::Phone(name) => json!({ "kind": "phone", "name": name }),
        Party::Mobile { name, number } => {
            json!({ "kind": "mobile", "name": name, "number": number.reveal() })
        }
        Party::Outside(number) => json!({ "kind": "outside", "number": number.reveal() }),
    }
}

fn recording(recording: &Recording) -> Value {
    let (verdict, own_words) = words::verdict(&recording.verdict);
    let report = recording.report.as_ref();
    json!({
        "verdict": verdict,
        "verdict_words": own_words,
        "path": report.map(|r| r.path.to_string_lossy()),
        "sample_rate": report.map(|r| r.sample_rate),
        "samples": report.map(|r| r.samples),
        "seconds": report.map(|r| r.duration().as_secs_f64()),
        "unwritten_samples": report.map(|r| r.unwritten_samples),
        "tap_dropped": report.map(|r| r.tap_dropped),
        "late_syncs": report.map(|r| r.late_syncs),
        "caller": report.map(|r| side(&r.caller)),
        "operator": report.map(|r| side(&r.operator)),
    })
}

fn side(side: &SideReport) -> Value {
    json!({
        "packets": side.packets,
        "lost_samples": side.lost_samples,
        "audible_samples": side.audible_samples,
        "skew_samples": side.skew_samples,
        "late_packets": side.late_packets,
    })
}

fn time(at: LocalTime) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        fixture::{at, ended, id, opened},
        reader::KeptEntry,
    };

    #[test]
    fn a_list_names_its_fields_as_the_views_do() {
        let value = tickets(&[ended(7, 3), opened(8, 1)]);
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
        let value = ticket_page(&TicketPage {
            ticket: ended(7, 3),
            timeline: vec![KeptEntry {
                index: 0,
                at: at("16:15:02.123"),
                what: "received".into(),
                words: "came in".into(),
            }],
            matter: id(3),
            remark: None,
        });
        assert_eq!(value["matter"], "20261123-0003");
        assert_eq!(value["remark"], Value::Null);
        assert_eq!(
            value["timeline"],
            json!([{ "entry": 0, "at": "2026-11-23T16:15:02.123+08:00", "what": "received", "words": "came in" }])
        );
    }
}
