//! A year of the desk, with holidays, outages, matters that are reopened and merged: every figure of every month, some
//! weeks and all quarters, counted again from the exported rows by a program that shares nothing with the daemon.

use std::{path::Path, process::Command};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use hotlined::{
    console::{report, sheet},
    desk::{
        deadline::StopReason,
        figures::{figures, period::Period},
        matter::{
            Kind, Parties, Severity, Way,
            change::{Change, Description},
            field::Field,
        },
        number::{Number, Private},
        office::Office,
        outage::{Edge, OutageChange, Subject},
        resident::Place,
        return_visit::{Answers, VisitChange},
        ticket::{Direction, LegRecord, LocalTime, Outcome, Party, Ticket, TicketChange, TicketId},
        work_order::{Extent, OrderChange},
    },
    store::{
        audit::{EditError, Hand},
        edit::Editor,
        facts::StoreFact,
        matters::NewContact,
        reader::Reader,
        work_orders::NewOrder,
        writer::{StoreSettings, Writer},
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CALLS_A_DAY: u32 = 5;
const OPERATORS: [&str; 3] = ["王芳", "李强", "赵敏"];
const DEPARTMENTS: [&str; 3] = ["工程部", "保安部", "环境部"];

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

fn local(day: NaiveDate, seconds: i64) -> LocalTime {
    let midnight: LocalTime = format!("{day}T00:00:00+08:00").parse().unwrap();
    midnight + TimeDelta::seconds(seconds)
}

fn call(chance: &mut ChaCha8Rng, day: NaiveDate, number: u32) -> Ticket {
    let received = local(day, i64::from(number) * 15_000 + chance.random_range(0..9000));
    let wait = TimeDelta::milliseconds(chance.random_range(800..70_000));
    let outcome = match chance.random_range(0..10) {
        0 => Outcome::Abandoned,
        1 => Outcome::Missed,
        2 => Outcome::AnsweredByMobile,
        3 => Outcome::Message,
        _ => Outcome::AnsweredByDesk,
    };
    let answered =
        matches!(outcome, Outcome::AnsweredByDesk | Outcome::AnsweredByMobile).then(|| received + wait);
    let over = answered
        .map_or(received + wait, |at| at + TimeDelta::milliseconds(chance.random_range(5000..400_000)));
    let caller: Number = Private::new(format!("138{:08}", chance.random_range(0..300)));
    let leg = |index, party| LegRecord {
        index,
        party,
        dialled: received,
        ringing: None,
        answered: None,
        ended: Some(over),
        unanswered: None,
        status: None,
        call_id: format!("{number}-{index}"),
    };
    let mut legs = vec![leg(0, Party::Outside(caller.clone())), leg(1, Party::Phone("801".into()))];
    if outcome == Outcome::AnsweredByMobile || outcome == Outcome::Missed {
        legs.push(leg(2, Party::Mobile { name: "duty1".into(), number: Private::new("13900000000".into()) }));
    }
    let shift = (number % 3) as usize;
    Ticket {
        caller: Some(caller),
        flagged: (wait > TimeDelta::seconds(15)).then(|| received + TimeDelta::seconds(15)),
        answered,
        ended: Some(over),
        rings: Some(u32::try_from(wait.num_seconds() / 5).unwrap() + 1),
        outcome: Some(outcome),
        operator: (shift < 2).then(|| OPERATORS[shift].to_owned()),
        shift: Some(["早班", "中班", "夜班"][shift].to_owned()),
        legs,
        ..super::sample::ticket(TicketId { day, number }, Direction::Hotline, received)
    }
}

async fn calls(path: &Path, chance: &mut ChaCha8Rng) {
    let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
    let start: DateTime<Utc> = local(first_day(), 0).to_utc();
    let writer = Writer::start(StoreSettings::new(path), sender, start).unwrap();
    for day in first_day().iter_days().take(365) {
        writer.reserve_numbers(day, CALLS_A_DAY);
        for number in 1..=CALLS_A_DAY {
            writer.save(TicketChange { ticket: call(chance, day, number), new_entries: Vec::new() });
        }
        if day.day() % 9 == 0 {
            for (subject, begins, lasts) in [
                (Subject::Trunk("carrier".into()), 3600, 4000),
                (Subject::Trunk("second".into()), 5000, 4000),
                (Subject::Phone("801".into()), 80_000, 12_000),
            ] {
                for (edge, seconds) in [(Edge::Began, begins), (Edge::Ended, begins + lasts)] {
                    let at = local(day, seconds).to_utc();
                    writer.outage(OutageChange { subject: subject.clone(), at, edge, reason: "test".into() });
                }
            }
        }
    }
    writer.close(local(first_day(), 366 * 86_400).to_utc());
    let unsaved = loop {
        if let StoreFact::Closed { unsaved } = facts.recv().await.expect("the writer says when it has ended")
        {
            break unsaved;
        }
    };
    assert_eq!(unsaved, 0);
}

struct Desk {
    editor: Editor,
    reader: Reader,
    office: Office,
    chance: ChaCha8Rng,
}

impl Desk {
    async fn change(&self, id: TicketId, change: Change, at: LocalTime) -> Result<(), EditError> {
        let hand = Hand { by: OPERATORS[at.day() as usize % 3].into(), at };
        self.editor.change_matter(id, change, self.office.clone(), hand).await.map(|_| ())
    }

    fn minutes(&mut self, most: i64) -> TimeDelta {
        TimeDelta::minutes(self.chance.random_range(1..most))
    }

    fn description(&mut self) -> Description {
        let kind = Kind::ALL[self.chance.random_range(0..Kind::ALL.len())];
        let fields = match kind {
            Kind::Repair => vec![(Field::Part, "水管")],
            Kind::Complaint => vec![(Field::Against, "保安"), (Field::Demand, "道歉")],
            Kind::Special => vec![(Field::Service, "保洁")],
            Kind::Other => vec![(Field::Event, "晚会")],
            Kind::Enquiry | Kind::Suggestion => vec![],
        };
        Description {
            kind: Some(kind),
            severity: (kind == Kind::Complaint).then(|| Severity::ALL[self.chance.random_range(0..3)]),
            parties: Some(Parties::ALL[self.chance.random_range(0..3)]),
            complex: Some(self.chance.random_range(0..8) == 0),
            place: Some(Place {
                estate: "东湖".into(),
                building: self.chance.random_range(1..6).to_string(),
                unit: "1".into(),
                room: "101".into(),
            }),
            // A formula in a name must not make the figures differ.
            owner: (self.chance.random_range(0..20) == 0).then(|| "=1+1".to_owned()),
            fields: fields.into_iter().map(|(field, text)| (field, text.to_owned())).collect(),
            ..Description::default()
        }
    }

    /// One matter's way, from its ticket on; what the rules refuse at some turn is part of life.
    async fn follow(&mut self, id: TicketId, from: LocalTime) {
        let mut at = from + self.minutes(20);
        let description = Change::Describe(Box::new(self.description()));
        let _ = self.change(id, description, at).await;
        let steps = [
            Change::Told { whom: "主管".into() },
            Change::PassOn {
                department: DEPARTMENTS[self.chance.random_range(0..3)].into(),
                person: String::new(),
                why: String::new(),
            },
            Change::Stopped { reason: StopReason::ALL[self.chance.random_range(0..5)] },
            Change::Resumed,
            Change::Answered { words: "已答复".into() },
            Change::Completed { result: "修好".into() },
            Change::Closed { answer: "已办结".into() },
        ];
        for step in steps {
            if self.chance.random_range(0..10) < 8 {
                at += self.minutes(2000);
                let _ = self.change(id, step, at).await;
            }
        }
        if self.chance.random_range(0..6) == 0 {
            at += self.minutes(4000);
            let _ = self.change(id, Change::Reopened { why: "又坏了".into() }, at).await;
            at += self.minutes(9000);
            let _ = self.change(id, Change::Closed { answer: "再次办结".into() }, at).await;
        }
    }

    async fn order(&mut self, id: TicketId, at: LocalTime) {
        let hand = |minutes| Hand { by: "王芳".into(), at: at + TimeDelta::minutes(minutes) };
        let extent = Extent::ALL[self.chance.random_range(0..2)];
        let new = NewOrder { matter: id, extent, crew: "水电班".into(), second_of: None };
        let Ok(order) = self.editor.make_order(new, self.office.clone(), hand(1)).await else { return };
        let (from, to) = (at + TimeDelta::hours(2), at + TimeDelta::hours(3));
        let finish = OrderChange::Finish { work: "修".into(), parts: Vec::new(), labour_fen: 100 };
        for (change, minutes) in [
            (OrderChange::Appoint { from, to, why: String::new() }, 2),
            (OrderChange::CrewAgrees, 3),
            (OrderChange::ResidentAgrees, 4),
            (OrderChange::Dispatch, 100),
            (OrderChange::Arrive, 130),
            (finish, 170),
            (OrderChange::Return, self.chance.random_range(200..9000)),
        ] {
            self.editor.change_order(order, change, self.office.clone(), hand(minutes)).await.unwrap();
        }
    }

    /// Somebody comes, writes, or calls the mobile; about a matter that is there already, or about a new one.
    async fn visitor(&mut self, day: NaiveDate, second: i64, matter: Option<TicketId>) -> TicketId {
        let contact = NewContact {
            way: [Way::Counter, Way::Online, Way::Mobile][day.day() as usize % 3],
            received: local(day, second),
            name: "业主".into(),
            number: None,
            words: "来访".into(),
            matter,
            description: self.description(),
        };
        let hand = Hand { by: "李强".into(), at: local(day, second + 600) };
        self.editor.log_contact(contact, self.office.clone(), hand).await.unwrap()
    }

    async fn visits(&mut self) {
        let end = local(first_day(), 364 * 86_400);
        let listed = self.reader.visits_to_call(end.to_utc(), end.date_naive(), None, 10_000).await.unwrap();
        for listed in listed {
            let at = self.office.calendar.local(listed.visit.next);
            let satisfied = self.chance.random_range(1..6);
            let change = match self.chance.random_range(0..8) {
                0 => VisitChange::Refused { why: "忙".into() },
                1 => VisitChange::NoAnswer,
                2 => continue,
                other => VisitChange::Done(Answers {
                    finished: other != 3,
                    quality: "好".into(),
                    effect: "好".into(),
                    satisfied,
                    shortcomings: String::new(),
                    suggestions: String::new(),
                }),
            };
            let hand = Hand { by: "王芳".into(), at };
            self.editor.change_visit(listed.visit.id, change, self.office.clone(), hand).await.unwrap();
        }
    }

    /// All figures of a period and their rows, as `hotlined figures --rows` writes them.
    async fn export(&self, folder: &Path, period: Period, now: LocalTime) {
        let rows = self.reader.figure_rows(period, &self.office.calendar, now.to_utc()).await.unwrap();
        let counted = figures(&rows, period, &self.office, now.to_utc());
        std::fs::create_dir_all(folder).unwrap();
        let table = report::rows(&counted, period, &self.office, now);
        std::fs::write(folder.join("figures.csv"), sheet::csv(&table)).unwrap();
        for (name, table) in rows.tables() {
            std::fs::write(folder.join(format!("{name}.csv")), sheet::csv(&table)).unwrap();
        }
    }
}

async fn live_a_year(path: &Path) -> Desk {
    let mut chance = ChaCha8Rng::seed_from_u64(5);
    calls(path, &mut chance).await;
    let (editor, reader) = (Editor::open(path).await.unwrap(), Reader::open(path).await.unwrap());
    let mut desk = Desk { editor, reader, office: Office::default(), chance };
    let mut before = None;
    for day in first_day().iter_days().take(365) {
        let id = TicketId { day, number: 1 + day.day() % CALLS_A_DAY };
        desk.follow(id, local(day, 80_000)).await;
        if day.day() % 3 == 0 {
            desk.order(id, local(day, 81_000)).await;
        }
        if day.day() % 5 == 0 {
            let into = before.filter(|_| day.day() % 10 == 0);
            let ticket = desk.visitor(day, 36_000, into).await;
            if day.day() % 10 == 5 {
                let again = desk.visitor(day, 36_500, None).await;
                let hand = Hand { by: "李强".into(), at: local(day, 37_500) };
                desk.editor.merge_matters(again, ticket, desk.office.clone(), hand).await.unwrap();
            }
        }
        before = Some(id);
    }
    desk.visits().await;
    desk
}

#[tokio::test]
async fn a_year_of_figures_is_the_same_when_counted_again_from_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let desk = live_a_year(&folder.path().join("hotlined.db")).await;
    let month = |month| NaiveDate::from_ymd_opt(2026, month, 1).unwrap();
    let mut periods: Vec<Period> = (1..=12).map(|m| Period::month(month(m))).collect();
    periods.extend([1, 4, 7, 10].map(|m| Period::quarter(month(m))));
    periods.extend((0..8).map(|week| Period::week(first_day() + Days::new(45 * week))));
    periods.extend((0..8).map(|n| Period::day(first_day() + Days::new(41 * n))));
    let now = local(first_day(), 300 * 86_400);
    let mut folders = Vec::new();
    for (period, at) in periods.into_iter().zip(0..) {
        let own = folder.path().join(format!("{at:02}-{}", period.from));
        desk.export(&own, period, now).await;
        folders.push(own);
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/figures/recompute.py");
    let said = Command::new("python3")
        .arg(program)
        .args(&folders)
        .output()
        .expect("python3 counts the figures again");
    let words = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{words}{}", String::from_utf8_lossy(&said.stderr));
    assert!(words.trim_end().ends_with(", 0 differences"), "{words}");
    // What the year was to contain, so that equal figures are not figures of nothing.
    let all = Period { from: first_day(), to: first_day() + Days::new(365) };
    let rows = desk.reader.figure_rows(all, &desk.office.calendar, now.to_utc()).await.unwrap();
    assert!(rows.matters.iter().filter(|row| row.reopened > 0).count() > 20);
    assert!(rows.matters.iter().filter(|row| row.merged).count() > 5);
    assert!(rows.clocks.len() > 300 && rows.visits.len() > 100 && rows.outages.len() > 100);
    assert_eq!(rows.calls.len(), 365 * CALLS_A_DAY as usize);

    // And the second program sees a difference where there is one.
    let spoilt = folders.first().unwrap().join("calls.csv");
    let text = std::fs::read_to_string(&spoilt).unwrap();
    let cut = text.trim_end().rfind('\n').unwrap();
    std::fs::write(&spoilt, &text[..cut + 1]).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/figures/recompute.py");
    let said = Command::new("python3").arg(program).arg(&folders[0]).output().unwrap();
    assert!(!said.status.success());
}
