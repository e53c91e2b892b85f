//! Tickets as text for `hotlined tickets` and `hotlined ticket N`: a table, a page. Pure.
//!
//! Numbers stand in full, because a person asked. Whatever came over the wire is stripped of control
//! characters: a display name must not be able to drive somebody's terminal.

use std::fmt::Write;

use crate::{
    desk::ticket::{LegRecord, LocalTime, Party, Recording, Ticket},
    store::{reader::TicketPage, words},
};

/// One line per ticket, with a heading; columns are as wide as their widest cell.
pub fn tickets_table(tickets: &[Ticket]) -> String {
    if tickets.is_empty() {
        return "no tickets\n".to_owned();
    }
    let heading =
        ["TICKET", "RECEIVED", "CALLER", "DIALLED", "RING", "WAIT", "TALK", "FLAG", "OUTCOME", "BY"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(tickets.iter().map(row));
    aligned(&rows)
}

/// All that is known of one ticket.
pub fn ticket_page(page: &TicketPage) -> String {
    let ticket = &page.ticket;
    let mut text = format!("ticket {}\n", ticket.id);
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name:<10} {}", printable(&value));
        }
    };
    fact("matter", (page.matter != ticket.id).then(|| page.matter.to_string()));
    fact("direction", Some(words::direction(ticket.direction).to_owned()));
    fact("caller", Some(caller(ticket)));
    fact("dialled", Some(ticket.dialled.reveal().clone()));
    fact("trunk", ticket.trunk.clone());
    fact("received", Some(moment(ticket.received)));
    fact("first ring", ticket.first_ring.map(moment));
    fact("flagged", ticket.flagged.map(moment));
    fact("answered", ticket.answered.map(moment));
    fact("ended", Some(ticket.ended.map_or_else(|| "not yet".to_owned(), moment)));
    fact("rings", ticket.rings.map(|r| r.to_string()));
    fact("by", ticket.answered_by.as_ref().map(party));
    fact("shift", ticket.shift.clone());
    fact("operator", ticket.operator.clone());
    fact("desk", Some(ticket.desk_state.clone()).filter(|d| !d.is_empty()));
    fact("outcome", Some(outcome(ticket).to_owned()));
    fact("hung up", ticket.hung_up_first.map(|s| format!("{} first", words::side(s))));
    fact("recording", ticket.recording.as_ref().map(recording));
    fact("remark", page.remark.clone());
    if !ticket.legs.is_empty() {
        let heading = ["LEG", "PARTY", "DIALLED", "RINGING", "ANSWERED", "ENDED", "STATUS", "WHY"];
        let mut rows = vec![heading.map(str::to_owned)];
        rows.extend(ticket.legs.iter().map(leg_row));
        text.push_str("\nlegs\n");
        text.push_str(&indented(&aligned(&rows)));
    }
    if !page.timeline.is_empty() {
        let rows: Vec<_> = page
            .timeline
            .iter()
            .map(|entry| [clock(entry.at), printable(&entry.what), printable(&entry.words)])
            .collect();
        text.push_str("\ntimeline\n");
        text.push_str(&indented(&aligned(&rows)));
    }
    text
}

fn row(ticket: &Ticket) -> [String; 10] {
    [
        ticket.id.to_string(),
        ticket.received.format("%Y-%m-%d %H:%M:%S").to_string(),
        ticket.caller.as_ref().map_or_else(|| "withheld".to_owned(), |n| printable(n.reveal())),
        printable(ticket.dialled.reveal()),
        ticket.rings.map_or_else(dash, |r| r.to_string()),
        seconds(Some(ticket.received), ticket.answered.or(ticket.ended)),
        seconds(ticket.answered, ticket.ended),
        if ticket.flagged.is_some() { "late".to_owned() } else { String::new() },
        outcome(ticket).to_owned(),
        ticket.answered_by.as_ref().map_or_else(String::new, |p| printable(&party(p))),
    ]
}

fn leg_row(leg: &LegRecord) -> [String; 8] {
    let time = |at: Option<LocalTime>| at.map_or_else(dash, clock);
    [
        leg.index.to_string(),
        printable(&party(&leg.party)),
        clock(leg.dialled),
        time(leg.ringing),
        time(leg.answered),
        time(leg.ended),
        leg.status.map_or_else(dash, |s| s.to_string()),
        leg.unanswered.as_ref().map_or("", words::unanswered).to_owned(),
    ]
}

fn caller(ticket: &Ticket) -> String {
    match (&ticket.caller, &ticket.caller_name) {
        (Some(number), Some(name)) => format!("{} ({name})", number.reveal()),
        (Some(number), None) => number.reveal().clone(),
        (None, Some(name)) => format!("withheld ({name})"),
        (None, None) => "withheld".to_owned(),
    }
}

fn party(party: &Party) -> String {
    match party {
        Party::Phone(name) => name.clone(),
        Party::Mobile { name, number } => format!("{name} {}", number.reveal()),
        Party::Outside(number) => number.reveal().clone(),
    }
}

fn outcome(ticket: &Ticket) -> &'static str {
    ticket.outcome.map_or("in progress", words::outcome)
}

fn recording(recording: &Recording) -> String {
    let (verdict, own_words) = words::verdict(&recording.verdict);
    let mut text = verdict.to_owned();
    if let Some(own_words) = own_words {
        text = format!("{text}: {own_words}");
    }
    if let Some(report) = &recording.report {
        text = format!("{text}, {:.1} s, {}", report.duration().as_secs_f64(), report.path.display());
    }
    text
}

fn seconds(from: Option<LocalTime>, to: Option<LocalTime>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{} s", (to - from).num_seconds()),
        (_, _) => dash(),
    }
}

fn moment(at: LocalTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}

fn clock(at: LocalTime) -> String {
    at.format("%H:%M:%S%.3f").to_string()
}

fn dash() -> String {
    "-".to_owned()
}

/// With control characters replaced: what comes over the wire must not drive somebody's terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "  " + line + "\n")
}

/// Columns two spaces apart, no spaces at the end of a line.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', (width + 2).saturating_sub(columns(cell))));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// How many terminal columns the text takes: two for each CJK character (Unicode UAX #11, wide).
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

/// Why a ticket has no recording's file, in words.
pub fn why_no_recording(ticket: &Ticket) -> String {
    match ticket.recording.as_ref().map(|recording| words::verdict(&recording.verdict)) {
        None if ticket.ended.is_none() => "the call is not over yet".to_owned(),
        None => "nobody wrote down why".to_owned(),
        Some((_, Some(own))) => own.to_owned(),
        Some(("none", None)) => "nobody answered, so there was nothing to record".to_owned(),
        Some((verdict, None)) => verdict.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{
        desk::{
            number::Private,
            ticket::{Outcome, Verdict},
        },
        store::{
            fixture::{at, ended, id, opened},
            reader::KeptEntry,
        },
    };

    fn page() -> TicketPage {
        TicketPage {
            ticket: ended(7, 3),
            timeline: vec![
                KeptEntry {
                    index: 0,
                    at: at("16:15:02.123"),
                    what: "received".into(),
                    words: "13800000000 dialled 057188880000".into(),
                },
                KeptEntry {
                    index: 1,
                    at: at("16:15:20.001"),
                    what: "answered".into(),
                    words: "801 answered in ring 4".into(),
                },
            ],
            matter: id(3),
            remark: Some("明天回电".into()),
        }
    }

    #[test]
    fn a_list_is_a_table_also_with_chinese_names_in_it() {
        let mut mobile = ended(9, 3);
        mobile.answered_by =
            Some(Party::Mobile { name: "值班手机".into(), number: Private::new("13900000000".into()) });
        mobile.outcome = Some(Outcome::AnsweredByMobile);
        let mut withheld = opened(10, 1);
        withheld.caller = None;
        expect![[r#"
            TICKET         RECEIVED             CALLER       DIALLED       RING  WAIT  TALK   FLAG  OUTCOME             BY
            20261123-0010  2026-11-23 16:15:02  withheld     057188880000  -     -     -            in progress
            20261123-0009  2026-11-23 16:15:02  13800000000  057188880000  4     17 s  120 s  late  answered by mobile  值班手机 13900000000
            20261123-0007  2026-11-23 16:15:02  13800000000  057188880000  4     17 s  120 s  late  answered by desk    801
        "#]]
        .assert_eq(&tickets_table(&[withheld, mobile, ended(7, 3)]));
        assert_eq!(tickets_table(&[]), "no tickets\n");
    }

    #[test]
    fn a_ticket_is_a_page_with_its_legs_and_timeline() {
        expect![[r#"
            ticket 20261123-0007
              matter     20261123-0003
              direction  hotline
              caller     13800000000 (王女士)
              dialled    057188880000
              trunk      carrier
              received   2026-11-23 16:15:02.123 +08:00
              first ring 2026-11-23 16:15:02.900 +08:00
              flagged    2026-11-23 16:15:17.900 +08:00
              answered   2026-11-23 16:15:20.001 +08:00
              ended      2026-11-23 16:17:20.999 +08:00
              rings      4
              by         801
              shift      early
              operator   小李
              desk       801 ready
              outcome    answered by desk
              hung up    caller first
              recording  good, 121.0 s, 2026/11/23/20261123-0007.wav
              remark     明天回电

            legs
              LEG  PARTY             DIALLED       RINGING       ANSWERED      ENDED         STATUS  WHY
              0    13800000000       16:15:02.200  -             -             -             -
              1    801               16:15:02.200  16:15:02.900  16:15:20.001  16:17:20.999  200
              2    duty 13900000000  16:15:02.200  -             -             16:15:20.002  487     not needed

            timeline
              16:15:02.123  received  13800000000 dialled 057188880000
              16:15:20.001  answered  801 answered in ring 4
        "#]].assert_eq(&ticket_page(&page()));
    }

    #[test]
    fn columns_stay_aligned_under_wide_characters() {
        let rows = [["值班".to_owned(), "x".to_owned()], ["duty-1".to_owned(), "y".to_owned()]];
        assert_eq!(aligned(&rows), "值班    x\nduty-1  y\n");
    }

    #[test]
    fn a_display_name_cannot_drive_the_terminal() {
        let mut page = page();
        page.ticket.caller_name = Some("\u{1b}[2J\r\nroot".into());
        page.ticket.recording =
            Some(Recording { report: None, verdict: Verdict::Failed("disk\u{7} full".into()) });
        let text = ticket_page(&page);
        assert!(text.contains("(\u{fffd}[2J\u{fffd}\u{fffd}root)"), "{text}");
        assert!(text.contains("failed: disk\u{fffd} full"), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    }
}
