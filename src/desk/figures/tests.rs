use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn call(outcome: &str, wait_ms: u64, flagged: bool) -> CallRow {
    CallRow {
        ticket: "20261124-0001".into(),
        day: day("2026-11-24"),
        outcome: outcome.into(),
        answered: outcome.starts_with("answered"),
        flagged,
        forwarded: outcome == "answered by mobile",
        rings: outcome.starts_with("answered").then_some(u32::try_from(wait_ms / 5000).unwrap() + 1),
        wait_ms,
        talk_ms: outcome.starts_with("answered").then_some(60_000),
        operator: if flagged { "李强".into() } else { "王芳".into() },
        shift: "早班".into(),
    }
}

fn worth(figures: &[Figure], word: &str, by: By, of: &str) -> String {
    let mut found = figures.iter().filter(|f| f.name.about().word == word && f.by == by && f.of == of);
    let text = found.next().unwrap_or_else(|| panic!("{word} {by:?} {of:?}")).worth.text();
    assert!(found.next().is_none(), "{word} is there twice");
    text
}

#[test]
fn calls_are_counted_as_the_desk_counts_them() {
    let calls = vec![
        call("answered by desk", 4_000, false),
        call("answered by desk", 21_000, true),
        call("answered by mobile", 30_000, true),
        call("abandoned", 3_000, false),
        call("abandoned", 5_000, false),
        call("missed", 80_000, true),
    ];
    let rows = Rows { calls, ..Rows::default() };
    let found =
        figures(&rows, Period::month(day("2026-11-24")), &Office::default(), at("2026-12-01T00:00:00Z"));
    for (word, by, of, expected) in [
        ("calls_received", By::All, "", "6"),
        ("calls_short", By::All, "", "1"),
        ("calls_counted", By::All, "", "5"),
        ("calls_answered", By::All, "", "3"),
        ("calls_answered_percent", By::All, "", "60.0"),
        ("calls_in_time", By::All, "", "1"),
        ("calls_in_time_percent", By::All, "", "20.0"),
        ("calls_flagged", By::All, "", "3"),
        ("calls_missed", By::All, "", "1"),
        ("calls_abandoned", By::All, "", "1"),
        ("calls_forwarded", By::All, "", "1"),
        ("calls_taken_percent", By::All, "", "100.0"),
        ("speed_of_answer_seconds", By::All, "", "18.3"),
        ("answered_in_ring", By::All, "1", "1"),
        ("answered_in_ring", By::All, "5", "1"),
        ("answered_in_ring", By::All, "10+", "0"),
        ("calls_received", By::Operator, "王芳", "3"),
        ("calls_answered", By::Shift, "早班", "3"),
        ("calls_taken_percent", By::Operator, "王芳", ""),
    ] {
        assert_eq!(worth(&found, word, by, of), expected, "{word} {of}");
    }
}

#[test]
fn two_outages_at_once_count_once_and_only_within_the_period() {
    let outage = |kind: &str, began: &str, ended: &str| OutageRow {
        kind: kind.into(),
        name: "a".into(),
        began: at(began),
        ended: at(ended),
    };
    let outages = vec![
        outage("trunk", "2026-11-24T01:00:00Z", "2026-11-24T01:30:59Z"),
        outage("trunk", "2026-11-24T01:10:00Z", "2026-11-24T01:20:00Z"),
        outage("phone", "2026-10-31T15:00:00Z", "2026-10-31T16:10:00Z"),
        outage("daemon", "2026-10-30T15:00:00Z", "2026-10-30T16:10:00Z"),
    ];
    let rows = Rows { outages, ..Rows::default() };
    let found =
        figures(&rows, Period::month(day("2026-11-24")), &Office::default(), at("2026-12-01T00:00:00Z"));
    assert_eq!(worth(&found, "outage_minutes", By::All, "trunk"), "30");
    assert_eq!(worth(&found, "outage_minutes", By::All, "phone"), "10", "November begins at 16:00 UTC");
    assert!(!found.iter().any(|figure| figure.of == "daemon"));
}

#[test]
fn deadlines_visits_and_matters_say_what_was_kept() {
    let clock = |due: &str, ended: Option<&str>| ClockRow {
        matter: "20261124-0001".into(),
        name: "first_answer".into(),
        kind: "repair".into(),
        department: "工程部".into(),
        due: at(due),
        ended: ended.map(at),
    };
    let visit = |state: &str, satisfied| VisitRow {
        id: 1,
        matter: "20261124-0001".into(),
        kind: "repair".into(),
        department: "工程部".into(),
        until: day("2026-11-24"),
        state: state.into(),
        satisfied,
    };
    let matter = |opened: &str, closed: Option<&str>, merged| MatterRow {
        id: "20261124-0001".into(),
        opened: day(opened),
        closed: closed.map(day),
        kind: "repair".into(),
        severity: String::new(),
        building: "东湖 3".into(),
        department: "工程部".into(),
        owner: "王芳".into(),
        reopened: 0,
        merged,
    };
    let rows = Rows {
        clocks: vec![
            clock("2026-11-24T02:00:00Z", Some("2026-11-24T02:00:00Z")),
            clock("2026-11-24T02:00:00Z", Some("2026-11-24T02:00:01Z")),
            clock("2026-11-24T02:00:00Z", None),
            clock("2026-11-28T02:00:00Z", None),
        ],
        visits: vec![
            visit("done", Some(4)),
            visit("done", Some(5)),
            visit("refused", None),
            visit("waiting", None),
        ],
        matters: vec![
            matter("2026-11-02", None, false),
            matter("2026-10-02", Some("2026-11-03"), false),
            matter("2026-11-05", Some("2026-12-01"), false),
            matter("2026-11-06", None, true),
        ],
        ..Rows::default()
    };
    let found =
        figures(&rows, Period::month(day("2026-11-24")), &Office::default(), at("2026-11-25T00:00:00Z"));
    for (word, by, of, expected) in [
        ("deadlines_kept", By::All, "", "1"),
        ("deadlines_late", By::Deadline, "first_answer", "2"),
        ("deadlines_kept_percent", By::Department, "工程部", "33.3"),
        ("visits_due", By::All, "", "4"),
        ("visits_percent", By::Kind, "repair", "50.0"),
        ("satisfaction", By::All, "", "4.5"),
        ("matters_opened", By::Building, "东湖 3", "2"),
        ("matters_closed", By::All, "", "1"),
        ("matters_left_open", By::Operator, "王芳", "1"),
    ] {
        assert_eq!(worth(&found, word, by, of), expected, "{word} {of}");
    }
}

#[test]
fn every_name_has_a_word_of_its_own_and_a_formula() {
    let rows = Rows {
        calls: vec![call("missed", 1, true)],
        outages: vec![OutageRow {
            kind: "trunk".into(),
            name: "a".into(),
            began: at("2026-11-24T01:00:00Z"),
            ended: at("2026-11-24T01:30:59Z"),
        }],
        ..Rows::default()
    };
    let found =
        figures(&rows, Period::month(day("2026-11-24")), &Office::default(), at("2026-12-01T00:00:00Z"));
    let mut words: Vec<&str> = found.iter().map(|f| f.name.about().word).collect();
    words.sort_unstable();
    words.dedup();
    let mut names: Vec<Name> = found.iter().map(|f| f.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((words.len(), names.len()), (33, 33), "each name once, and all of them");
    for name in names {
        let about = name.about();
        assert!(!about.formula.is_empty() && !about.leaves_out.is_empty() && !about.chinese.is_empty());
    }
}

proptest! {
    #[test]
    fn tenths_are_rounded_half_up(part in 0_u64..10_000, whole in 1_u64..10_000) {
        let text = Worth::Share { part, whole }.text();
        let tenths: u64 = text.replace('.', "").parse().unwrap();
        // Within half a tenth: 2·|tenths·whole − part·1000| ≤ whole.
        let off = (tenths * whole).abs_diff(part * 1000);
        prop_assert!(2 * off <= whole);
        prop_assert_eq!(Worth::Share { part, whole: 0 }.text(), "");
    }
}
