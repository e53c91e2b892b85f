use proptest::prelude::*;

use super::{
    change::{Change, Description},
    clock::{ClockEnd, ClockName},
    field::Field,
    *,
};
use crate::desk::{deadline::StopReason, office::Office};

/// The desk's table of deadlines, row by row, as its people have it.
const DEADLINES: [(&str, &str); 9] = [
    ("complaint form reaches the persons concerned", "10 min"),
    ("serious or important complaint reaches the manager", "same day"),
    ("complex, several departments: handed to general administration", "2 h"),
    ("a matter passed on: a first answer to the resident", "24 h"),
    ("online complaint: answer", "24 h"),
    ("ordinary complaint: answer", "2 days, or as agreed with the resident"),
    ("serious complaint: dealt with", "3 days; several parties 15 days; the group's departments 15 days"),
    ("department's result back at the desk", "24 h after it is done"),
    ("finished in-home repair's order back at the desk", "3 days"),
];

/// What each row means: the matter as it stands, what is done to it, the clock that runs, its end.
struct Case {
    row: &'static str,
    way: Way,
    changes: Vec<Change>,
    clock: ClockName,
    /// From 09:00 on Tuesday.
    due: &'static str,
}

fn at(text: &str) -> LocalTime {
    format!("{text}:00+08:00").parse().unwrap()
}

fn nine() -> LocalTime {
    at("2026-11-24T09:00")
}

fn matter(way: Way) -> Matter {
    Matter::opened("20261124-0001".parse().unwrap(), nine(), way, "王芳".into())
}

fn describe(change: impl FnOnce(&mut Description)) -> Change {
    let mut description = Description::default();
    change(&mut description);
    Change::Describe(Box::new(description))
}

fn complaint(severity: Severity, parties: Parties) -> Change {
    describe(|d| {
        d.kind = Some(Kind::Complaint);
        d.severity = Some(severity);
        d.parties = Some(parties);
        d.fields = [(Field::Against, "保安部"), (Field::Demand, "道歉")]
            .map(|(field, text)| (field, text.to_owned()))
            .into();
    })
}

fn kind(kind: Kind) -> Change {
    describe(|d| d.kind = Some(kind))
}

fn pass_on() -> Change {
    Change::PassOn { department: "工程部".into(), person: "李工".into(), why: "漏水".into() }
}

fn cases() -> Vec<Case> {
    let case =
        |row: usize, way, changes, clock, due| Case { row: DEADLINES[row].0, way, changes, clock, due };
    let ordinary = || complaint(Severity::Ordinary, Parties::One);
    let done = || Change::Completed { result: "修好了".into() };
    vec![
        case(0, Way::Hotline, vec![ordinary()], ClockName::Told, "2026-11-24T09:10"),
        case(
            1,
            Way::Hotline,
            vec![complaint(Severity::Serious, Parties::One)],
            ClockName::ManagerTold,
            "2026-11-25T00:00",
        ),
        case(
            2,
            Way::Hotline,
            vec![describe(|d| d.complex = Some(true))],
            ClockName::HandedOn,
            "2026-11-24T11:00",
        ),
        case(
            3,
            Way::Hotline,
            vec![kind(Kind::Repair), pass_on()],
            ClockName::FirstAnswer,
            "2026-11-25T09:00",
        ),
        case(4, Way::Online, vec![ordinary()], ClockName::OnlineAnswer, "2026-11-25T09:00"),
        case(5, Way::Hotline, vec![ordinary()], ClockName::OrdinaryAnswer, "2026-11-26T09:00"),
        case(
            5,
            Way::Hotline,
            vec![ordinary(), Change::Agreed { due: at("2026-11-30T12:00") }],
            ClockName::OrdinaryAnswer,
            "2026-11-30T12:00",
        ),
        case(
            6,
            Way::Hotline,
            vec![complaint(Severity::Serious, Parties::One)],
            ClockName::SeriousDone,
            "2026-11-27T09:00",
        ),
        case(
            6,
            Way::Counter,
            vec![complaint(Severity::Serious, Parties::Several)],
            ClockName::SeveralDone,
            "2026-12-09T09:00",
        ),
        case(
            6,
            Way::Mobile,
            vec![complaint(Severity::Serious, Parties::Group)],
            ClockName::GroupDone,
            "2026-12-09T09:00",
        ),
        case(
            7,
            Way::Hotline,
            vec![kind(Kind::Repair), pass_on(), done()],
            ClockName::ResultBack,
            "2026-11-25T09:00",
        ),
        // The clock of the order is started by the order's finish.
        case(8, Way::Hotline, vec![kind(Kind::Repair)], ClockName::OrderBack, "2026-11-27T09:00"),
    ]
}

#[test]
fn every_row_of_the_table_of_deadlines_runs_as_a_clock() {
    let office = Office::default();
    for (row, _) in DEADLINES {
        assert!(cases().iter().any(|case| case.row == row), "no case for {row:?}");
    }
    for case in cases() {
        let mut matter = matter(case.way);
        matter.wind(nine(), &office.limits);
        for change in case.changes {
            matter.change(change, "王芳", nine(), &office).unwrap();
        }
        if case.clock == ClockName::OrderBack {
            matter.order_finished(nine(), &office.limits);
        }
        let clock = matter.clocks.iter().find(|clock| clock.name == case.clock && clock.end.is_none());
        let clock = clock.unwrap_or_else(|| panic!("{}: {:?} does not run", case.row, case.clock));
        let due = clock.due(&matter.stops, &office.calendar);
        assert_eq!(due.at(), Some(at(case.due).to_utc()), "{}: {}", case.row, due.because());
    }
}

#[test]
fn the_table_names_every_clock_but_the_houses_own() {
    let own = [ClockName::OnlineTold, ClockName::BuilderReply];
    for name in ClockName::ALL.into_iter().filter(|name| !own.contains(name)) {
        assert!(cases().iter().any(|case| case.clock == name), "{name:?} is in no row");
    }
}

#[test]
fn nothing_closes_without_an_answer_and_its_needed_fields() {
    let office = Office::default();
    let close = |answer: &str| Change::Closed { answer: answer.into() };
    let mut m = matter(Way::Hotline);
    let why = |m: &mut Matter, change| m.change(change, "x", nine(), &office).unwrap_err().to_string();
    assert_eq!(why(&mut m, close("好")), "say first of what kind it is");
    m.change(kind(Kind::Repair), "x", nine(), &office).unwrap();
    assert_eq!(why(&mut m, close(" ")), "say the answer that the resident got");
    assert_eq!(why(&mut m, close("好")), "报修 still lacks part");
    m.change(describe(|d| d.fields = [(Field::Part, "水管".into())].into()), "x", nine(), &office).unwrap();
    m.change(close("已修好"), "李强", at("2026-11-24T10:00"), &office).unwrap();
    assert_eq!((m.state, m.answer.as_str(), m.closed_by.as_str()), (State::Closed, "已修好", "李强"));
    assert_eq!(why(&mut m, kind(Kind::Other)), "20261124-0001 is closed: reopen it first");
    assert_eq!(why(&mut m, Change::Reopened { why: "".into() }), "say why it is opened again");
    m.change(Change::Reopened { why: "又漏了".into() }, "x", nine(), &office).unwrap();
    assert_eq!((m.state, m.reopened, m.closed), (State::Open, 1, None));
}

#[test]
fn handing_on_never_loses_the_owner() {
    let office = Office { departments: vec!["工程部".into()], ..Office::default() };
    let mut m = matter(Way::Hotline);
    m.change(kind(Kind::Repair), "王芳", nine(), &office).unwrap();
    m.change(pass_on(), "王芳", nine(), &office).unwrap();
    assert_eq!(
        (m.owner.as_str(), m.department.as_str(), m.passes[0].person.as_str()),
        ("王芳", "工程部", "李工")
    );
    let unknown = Change::PassOn { department: "财务".into(), person: String::new(), why: String::new() };
    assert_eq!(
        m.change(unknown, "x", nine(), &office).unwrap_err().0,
        "there is no department \"财务\", but 工程部"
    );
    m.change(Change::PassReturned { result: "已查看".into() }, "李工", at("2026-11-24T12:00"), &office)
        .unwrap();
    assert_eq!((m.owner.as_str(), m.department.as_str()), ("王芳", ""));
}

#[test]
fn every_change_says_what_was_before_and_after() {
    let office = Office::default();
    let mut m = matter(Way::Hotline);
    let said = |m: &mut Matter, change| -> Vec<String> {
        let lines = m.change(change, "x", nine(), &office).unwrap();
        lines
            .iter()
            .map(|l| {
                format!(
                    "{}: {} → {}",
                    l.what,
                    l.before.clone().unwrap_or_default(),
                    l.after.clone().unwrap_or_default()
                )
            })
            .collect()
    };
    assert_eq!(
        said(&mut m, complaint(Severity::Serious, Parties::One)),
        ["kind:  → 投诉", "severity: none → serious", "against:  → 保安部", "demand:  → 道歉"]
    );
    assert_eq!(
        said(&mut m, complaint(Severity::Ordinary, Parties::Several)),
        ["severity: serious → ordinary", "parties: one → several"]
    );
    assert_eq!(said(&mut m, complaint(Severity::Ordinary, Parties::Several)), Vec::<String>::new());
    assert_eq!(said(&mut m, describe(|d| d.owner = Some("李强".into()))), ["owner: 王芳 → 李强"]);
    assert_eq!(
        said(&mut m, Change::Stopped { reason: StopReason::Parts }),
        ["clocks stopped:  → waits for parts"]
    );
}

#[test]
fn a_complaint_that_turns_out_lighter_or_none_of_ours_leaves_no_clock_behind() {
    let office = Office::default();
    let mut m = matter(Way::Hotline);
    m.change(complaint(Severity::Serious, Parties::One), "x", nine(), &office).unwrap();
    m.change(complaint(Severity::Ordinary, Parties::One), "x", nine(), &office).unwrap();
    let running = |m: &Matter| -> Vec<ClockName> {
        m.clocks.iter().filter(|clock| clock.end.is_none()).map(|clock| clock.name).collect()
    };
    assert_eq!(running(&m), [ClockName::Told, ClockName::OrdinaryAnswer]);
    m.change(Change::Told { whom: "保安队长".into() }, "x", nine(), &office).unwrap();
    m.change(complaint(Severity::Serious, Parties::Group), "x", nine(), &office).unwrap();
    assert_eq!(running(&m), [ClockName::ManagerTold, ClockName::GroupDone], "who was told is told");
    m.change(complaint(Severity::Invalid, Parties::One), "x", nine(), &office).unwrap();
    assert_eq!(running(&m), []);
    let refused = m.change(
        describe(|d| {
            d.kind = Some(Kind::Enquiry);
            d.severity = Some(Severity::Serious);
        }),
        "x",
        nine(),
        &office,
    );
    assert_eq!(refused.unwrap_err().0, "only a complaint is serious, ordinary or invalid");
}

#[test]
fn a_clock_says_whether_it_was_kept() {
    let office = Office::default();
    let mut m = matter(Way::Hotline);
    m.change(complaint(Severity::Ordinary, Parties::One), "x", nine(), &office).unwrap();
    let told = |m: &Matter, now: &str| m.clocks[0].kept(&m.stops, &office.calendar, at(now).to_utc());
    assert_eq!(told(&m, "2026-11-24T09:09"), None);
    assert_eq!(told(&m, "2026-11-24T09:11"), Some(false));
    m.change(Change::Told { whom: "保安队长".into() }, "x", at("2026-11-24T09:10"), &office).unwrap();
    assert_eq!(told(&m, "2026-11-24T10:00"), Some(true));
}

#[test]
fn a_merged_matter_is_part_of_the_other_and_of_no_third() {
    let office = Office::default();
    let (mut a, mut b) = (matter(Way::Hotline), matter(Way::Hotline));
    b.id = "20261124-0002".parse().unwrap();
    assert_eq!(a.clone().merge_into(&a, nine()).unwrap_err().0, "20261124-0001 cannot be part of itself");
    b.change(complaint(Severity::Ordinary, Parties::One), "x", nine(), &office).unwrap();
    b.merge_into(&a, nine()).unwrap();
    assert_eq!((b.state, b.merged_into), (State::Merged, Some(a.id)));
    assert!(b.clocks.iter().all(|clock| matches!(clock.end, Some(ClockEnd::Void(_)))));
    assert_eq!(a.merge_into(&b, nine()).unwrap_err().0, "20261124-0002 is part of 20261124-0001");
    assert!(b.change(kind(Kind::Other), "x", nine(), &office).is_err());
}

fn changes() -> impl Strategy<Value = Change> {
    let text = prop::sample::select(vec!["", "词"]).prop_map(str::to_owned);
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let parties = prop::sample::select(Parties::ALL.to_vec());
    let due = (0_i64..100).prop_map(|hours| nine() + chrono::TimeDelta::hours(hours));
    prop_oneof![
        (severity, parties).prop_map(|(severity, parties)| complaint(severity, parties)),
        prop::sample::select(Kind::ALL.to_vec()).prop_map(kind),
        any::<bool>().prop_map(|complex| describe(|d| d.complex = Some(complex))),
        (text.clone(), due.clone()).prop_map(|(what, due)| Change::Promise { what, due }),
        (0_usize..3).prop_map(|index| Change::PromiseKept { index }),
        Just(pass_on()),
        text.clone().prop_map(|result| Change::PassReturned { result }),
        text.clone().prop_map(|whom| Change::Told { whom }),
        text.clone().prop_map(|whom| Change::ManagerTold { whom }),
        text.clone().prop_map(|words| Change::Answered { words }),
        due.prop_map(|due| Change::Agreed { due }),
        text.clone().prop_map(|result| Change::Completed { result }),
        text.clone().prop_map(|result| Change::ResultBack { result }),
        prop::sample::select(StopReason::ALL.to_vec()).prop_map(|reason| Change::Stopped { reason }),
        Just(Change::Resumed),
        text.clone().prop_map(|answer| Change::Closed { answer }),
        text.prop_map(|why| Change::Reopened { why }),
    ]
}

proptest! {
    /// Whatever people do, in whatever order, the promises of the desk hold.
    #[test]
    fn a_matter_keeps_its_promises(
        way in prop::sample::select(Way::ALL.to_vec()),
        steps in prop::collection::vec((changes(), 1_i64..600), 0..40),
    ) {
        let office = Office::default();
        let mut m = matter(way);
        m.wind(nine(), &office.limits);
        let mut now = nine();
        for (change, minutes) in steps {
            now += chrono::TimeDelta::minutes(minutes);
            let before = m.clone();
            match m.change(change, "某人", now, &office) {
                Ok(_) => {}
                Err(why) => {
                    prop_assert!(!why.0.is_empty());
                    prop_assert_eq!(&m, &before, "a refused change left something behind");
                }
            }
            prop_assert!(!m.owner.is_empty(), "a matter without an owner");
            let closed = m.state == State::Closed;
            prop_assert_eq!(m.closed.is_some(), closed);
            prop_assert!(!closed || !m.answer.is_empty(), "closed without an answer");
            prop_assert!(!closed || m.clocks.iter().all(|clock| clock.end.is_some()), "a clock runs on");
            prop_assert!(!closed || m.standing().is_none());
            prop_assert_eq!(m.severity.is_some(), m.kind == Some(Kind::Complaint));
            for clock in &m.clocks {
                let running = m.clocks.iter().filter(|c| c.name == clock.name && c.end.is_none()).count();
                prop_assert!(running <= 1, "{:?} runs twice", clock.name);
                if let Some(due) = clock.due(&m.stops, &office.calendar).at() {
                    prop_assert!(due >= clock.started.to_utc());
                }
            }
        }
    }
}
