use proptest::prelude::*;

use super::*;
use crate::desk::matter::{
    Way,
    change::{Change, Description},
};
use crate::desk::office::Office;

/// The desk's table of return visits, row by row, as its people have it.
const VISITS: [(&str, &str, &str); 6] = [
    ("complaint", "within 3 days", "100 %"),
    ("in-home repair", "3 to 7 days", "100 %"),
    ("repair project", "30 to 60 days", "–"),
    ("special service", "same or next day", "100 %"),
    ("community event", "within 30 days", "10–20 %"),
    ("other", "within 7 days", "manager decides"),
];

fn at(text: &str) -> LocalTime {
    format!("{text}:00+08:00").parse().unwrap()
}

fn matter(kind: Kind, severity: Option<Severity>, event: bool, number: u32) -> Matter {
    let id = TicketId { day: "2026-11-24".parse().unwrap(), number };
    let mut matter = Matter::opened(id, at("2026-11-24T09:00"), Way::Hotline, "王芳".into());
    let fields = if event { [(Field::Event, "中秋晚会".to_owned())].into() } else { Default::default() };
    let description = Description { kind: Some(kind), severity, fields, ..Description::default() };
    let change = Change::Describe(Box::new(description));
    matter.change(change, "x", at("2026-11-24T09:00"), &Office::default()).unwrap();
    matter
}

/// Completed on Tuesday at 15:00: what is visited, from and until which day, of a hundred matters how many.
#[test]
fn every_row_of_the_table_of_visits_is_planned() {
    let cases = [
        (
            "complaint",
            Kind::Complaint,
            Some(Severity::Ordinary),
            false,
            Extent::InHome,
            "2026-11-24",
            "2026-11-27",
            100,
        ),
        (
            "complaint",
            Kind::Complaint,
            Some(Severity::Serious),
            false,
            Extent::InHome,
            "2026-11-24",
            "2026-11-27",
            100,
        ),
        ("in-home repair", Kind::Repair, None, false, Extent::InHome, "2026-11-27", "2026-12-01", 100),
        ("repair project", Kind::Repair, None, false, Extent::Project, "2026-12-24", "2027-01-23", 100),
        ("special service", Kind::Special, None, false, Extent::InHome, "2026-11-24", "2026-11-25", 100),
        ("community event", Kind::Other, None, true, Extent::InHome, "2026-11-24", "2026-12-24", 20),
        ("other", Kind::Other, None, false, Extent::InHome, "2026-11-24", "2026-12-01", 0),
    ];
    for (row, _, _) in VISITS {
        assert!(cases.iter().any(|case| case.0 == row), "no case for {row:?}");
    }
    let office = Office::default();
    for (row, kind, severity, event, extent, from, until, of_a_hundred) in cases {
        let plans: Vec<Plan> = (0..100)
            .filter_map(|n| {
                let matter = matter(kind, severity, event, n);
                plan(&matter, extent, at("2026-11-24T15:00"), &office.visits, &office.calendar)
            })
            .collect();
        assert_eq!(plans.len(), of_a_hundred, "{row}");
        for plan in plans {
            assert_eq!(
                (plan.from.to_string().as_str(), plan.until.to_string().as_str()),
                (from, until),
                "{row}"
            );
        }
    }
}

#[test]
fn an_invalid_complaint_is_not_visited_and_a_serious_one_by_the_manager() {
    let office = Office::default();
    let planned = |severity| {
        let matter = matter(Kind::Complaint, Some(severity), false, 1);
        plan(&matter, Extent::InHome, at("2026-11-24T15:00"), &office.visits, &office.calendar)
    };
    assert_eq!(planned(Severity::Invalid), None);
    assert_eq!(planned(Severity::Serious).map(|plan| plan.visitor), Some(Visitor::Manager));
    assert_eq!(planned(Severity::Ordinary).map(|plan| plan.visitor), Some(Visitor::Department));
}

fn visit(id: i64) -> Visit {
    Visit {
        id,
        matter: "20261124-0001".parse().unwrap(),
        of: VisitOf::Repair,
        visitor: Visitor::Desk,
        completed: at("2026-11-24T15:00"),
        from: "2026-11-27".parse().unwrap(),
        until: "2026-12-01".parse().unwrap(),
        state: VisitState::Waiting,
        next: at("2026-11-27T10:00").to_utc(),
        tries: 0,
        answers: None,
        ended: None,
        by: String::new(),
    }
}

#[test]
fn people_are_called_in_the_windows_only() {
    let (rules, calendar) = (VisitRules::default(), Calendar::default());
    for (from, slot) in [
        ("2026-11-27T00:00", "2026-11-27T10:00"),
        ("2026-11-27T10:20", "2026-11-27T10:20"),
        ("2026-11-27T11:30", "2026-11-27T16:00"),
        ("2026-11-27T17:59", "2026-11-27T17:59"),
        ("2026-11-27T18:00", "2026-11-28T10:00"),
    ] {
        assert_eq!(rules.slot(at(from).to_utc(), &calendar), at(slot).to_utc(), "{from}");
    }
}

#[test]
fn nobody_answers_is_tried_in_the_next_window_and_given_up_after_three() {
    let (rules, calendar) = (VisitRules::default(), Calendar::default());
    let mut visit = visit(1);
    let mut call = |time: &str| {
        visit.change(VisitChange::NoAnswer, "王芳", at(time), &rules, &calendar).unwrap();
        (visit.state, calendar.local(visit.next).format("%d %H:%M").to_string())
    };
    assert_eq!(call("2026-11-27T10:05"), (VisitState::Waiting, "27 16:00".into()));
    assert_eq!(call("2026-11-27T17:00"), (VisitState::Waiting, "28 10:00".into()));
    assert_eq!(call("2026-11-28T10:00").0, VisitState::Unreached);
    let late = visit.change(VisitChange::NoAnswer, "王芳", at("2026-11-28T16:00"), &rules, &calendar);
    assert_eq!(late.unwrap_err().0, "visit 1 is unreached");
}

#[test]
fn answers_are_kept_and_satisfaction_is_one_to_five() {
    let (rules, calendar) = (VisitRules::default(), Calendar::default());
    let answers = |satisfied| Answers {
        finished: true,
        quality: "好".into(),
        effect: "不漏了".into(),
        satisfied,
        shortcomings: String::new(),
        suggestions: "快一点".into(),
    };
    for (satisfied, kept) in [(0, false), (1, true), (5, true), (6, false)] {
        let mut visit = visit(1);
        let done = visit.change(
            VisitChange::Done(answers(satisfied)),
            "王芳",
            at("2026-11-27T10:05"),
            &rules,
            &calendar,
        );
        assert_eq!(done.is_ok(), kept, "{satisfied}");
        assert_eq!(visit.answers.is_some(), kept);
    }
}

#[test]
fn the_call_list_has_what_is_over_first_then_the_managers_then_by_last_day() {
    let over = Visit { until: "2026-11-26".parse().unwrap(), ..visit(4) };
    let serious = Visit { visitor: Visitor::Manager, until: "2026-12-03".parse().unwrap(), ..visit(3) };
    let soon = Visit { until: "2026-11-30".parse().unwrap(), ..visit(2) };
    let mut list = [visit(1), soon, serious, over];
    list.sort_by_key(|visit| visit.place("2026-11-27".parse().unwrap()));
    assert_eq!(list.iter().map(|visit| visit.id).collect::<Vec<_>>(), [4, 3, 2, 1]);
}

proptest! {
    #[test]
    fn a_slot_is_never_before_it_is_asked_for_and_always_within_a_window(at in 1_735_700_000_i64..1_830_000_000) {
        let (rules, calendar) = (VisitRules::default(), Calendar::default());
        let from = DateTime::from_timestamp(at, 0).unwrap();
        let slot = rules.slot(from, &calendar);
        let time = calendar.local(slot).time();
        prop_assert!(slot >= from);
        prop_assert!(rules.windows.iter().any(|window| window.from <= time && time < window.to));
        prop_assert!(rules.slot_after(from, &calendar) > slot);
    }
}
