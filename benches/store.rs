//! What a call costs the database: `cargo bench --bench store`. With a number of tickets as argument
//! (`cargo bench --bench store -- 1000000`) also how fast lists are read out of so many.

use std::{path::Path, time::Duration};

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use hotlined::{
    desk::{
        number::Private,
        ticket::{
            Direction, LegRecord, Outcome, Party, Recording, RecordingReport, Side, SideReport, Ticket,
            TicketChange, TicketId, TimelineEntry, Unanswered, Verdict,
        },
    },
    store::{
        facts::StoreFact,
        reader::{Reader, TicketFilter},
        writer::{StoreSettings, Writer, prepare},
    },
};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Calls a second and for how long; each saves three times, a second apart.
const RATE: u32 = 200;
const SECONDS: u32 = 10;
/// Groups a second in which the changes of the calls arrive.
const TURNS: u32 = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        calls().await;
        if let Some(count) = std::env::args().nth(1).and_then(|n| n.parse().ok()) {
            lists(count).await;
        }
    });
}

/// 200 calls a second, in real time.
async fn calls() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hotlined.db");
    let (writer, mut facts) = start(&path);
    let total = RATE * SECONDS;
    let stages: Vec<[TicketChange; 3]> = (1..=total).map(stages).collect();
    let per_turn = usize::try_from(RATE / TURNS).expect("small");
    let behind = TURNS as usize;
    let turns: Vec<&[[TicketChange; 3]]> = stages.chunks(per_turn).collect();
    let before = clock(ClockId::ProcessCPUTime);
    let mut tick = tokio::time::interval(Duration::from_secs(1) / TURNS);
    for turn in 0..turns.len() + 2 * behind {
        tick.tick().await;
        for (stage, late) in [0, behind, 2 * behind].into_iter().enumerate() {
            for call in turn.checked_sub(late).and_then(|t| turns.get(t)).into_iter().copied().flatten() {
                writer.save(call.get(stage).expect("three stages").clone());
            }
        }
    }
    let fed = clock(ClockId::ProcessCPUTime) - before;
    let saves = close(&writer, &mut facts).await;
    let used = clock(ClockId::ProcessCPUTime) - before;
    println!(
        "{total} calls at {RATE}/s: {:.3} ms CPU a call (while they came: {:.3}), {saves} saves reported",
        per(used, total),
        per(fed, total)
    );
}

/// Fills a database and reads pages of 50 from it.
async fn lists(count: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hotlined.db");
    let (writer, mut facts) = start(&path);
    let began = clock(ClockId::Monotonic);
    for number in 1..=count {
        let [_, _, mut last] = stages(number);
        let id = last.ticket.id;
        last.ticket.flagged = last.ticket.flagged.filter(|_| number % 50 == 0);
        last.ticket.outcome = if number % 40 == 0 { Some(Outcome::Abandoned) } else { last.ticket.outcome };
        writer.save(last);
        // The queue takes no more than 20,000.
        while number % 5_000 == 0
            && !matches!(facts.recv().await, Some(StoreFact::Saved { ticket, .. }) if ticket == id)
        {}
    }
    close(&writer, &mut facts).await;
    println!("{count} tickets written in {:.1} s", (clock(ClockId::Monotonic) - began).as_secs_f64());
    timed("prepare (open, check, close)", prepare(&StoreSettings::new(&path))).await.expect("it opens");
    let reader = timed("reader opened", Reader::open(&path)).await.expect("it opens");
    let page = || TicketFilter { limit: 50, ..TicketFilter::default() };
    let middle = stages(count / 2)[0].ticket.clone();
    for (name, filter) in [
        ("newest", page()),
        ("after the middle one", TicketFilter { after: Some(middle.id), ..page() }),
        ("flagged", TicketFilter { flagged: true, ..page() }),
        ("open (none)", TicketFilter { open: true, ..page() }),
        ("abandoned", TicketFilter { outcome: Some(Outcome::Abandoned), ..page() }),
        ("of one caller", TicketFilter { caller: middle.caller.clone(), ..page() }),
        (
            "flagged, before the middle",
            TicketFilter { flagged: true, until: Some(middle.received.to_utc()), ..page() },
        ),
        (
            "one hour in the middle",
            TicketFilter {
                since: Some(middle.received.to_utc()),
                until: Some(middle.received.to_utc() + TimeDelta::hours(1)),
                ..page()
            },
        ),
    ] {
        let tickets = timed(name, reader.tickets(&filter)).await.expect("it reads");
        println!("    {} tickets", tickets.len());
    }
    timed("one ticket", reader.ticket(middle.id)).await.expect("it reads");
    timed("a day's figures", reader.day(middle.id.day)).await.expect("it reads");
}

async fn timed<T>(name: &str, work: impl Future<Output = T>) -> T {
    let began = clock(ClockId::Monotonic);
    let result = work.await;
    println!("{name}: {:.2} ms", (clock(ClockId::Monotonic) - began).as_secs_f64() * 1e3);
    result
}

fn start(path: &Path) -> (Writer, UnboundedReceiver<StoreFact>) {
    let (sender, facts) = unbounded_channel();
    let writer =
        Writer::start(StoreSettings::new(path), sender, base().to_utc()).expect("a thread for the writer");
    (writer, facts)
}

/// Waits for the end; how many saves were reported.
async fn close(writer: &Writer, facts: &mut UnboundedReceiver<StoreFact>) -> u32 {
    writer.close(base().to_utc());
    let mut saves = 0;
    loop {
        match facts.recv().await {
            Some(StoreFact::Saved { .. }) => saves += 1,
            Some(StoreFact::Closed { unsaved: 0 }) => return saves,
            Some(StoreFact::DatabaseUp | StoreFact::Swept(_)) => {}
            other => panic!("a bench on a sound disk: {other:?}"),
        }
    }
}

fn per(used: Duration, calls: u32) -> f64 {
    used.as_secs_f64() * 1e3 / f64::from(calls)
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(time.tv_sec.try_into().expect("after 1970"), time.tv_nsec.try_into().expect("below 1e9"))
}

fn base() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-01-01T08:00:00.123+08:00").expect("a time")
}

/// A call's three saves: it came, it was answered, it ended. 10,000 calls a day, in order.
fn stages(count: u32) -> [TicketChange; 3] {
    let (day, number) = (count / 10_000, count % 10_000);
    let received = base() + TimeDelta::days(day.into()) + TimeDelta::seconds((number * 5).into());
    let later = |ms: i64| received + TimeDelta::milliseconds(ms);
    let date = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day") + TimeDelta::days(day.into());
    let caller = Private::new(format!("138{:08}", count.wrapping_mul(2_654_435_761) % 200_000));
    let leg = |index: u16, party: Party| LegRecord {
        index,
        party,
        dialled: later(10),
        ringing: None,
        answered: None,
        ended: None,
        unanswered: None,
        status: None,
        call_id: format!("{count:08x}-{index}-4f1c9a77@192.0.2.10"),
    };
    let line = |index: u32, ms: i64, what: &'static str| TimelineEntry {
        index,
        at: later(ms),
        what,
        words: format!("{what}: 801 and 802 on duty, ring {index}"),
    };
    let came = Ticket {
        id: TicketId { day: date, number },
        revision: 1,
        direction: Direction::Hotline,
        caller: Some(caller.clone()),
        caller_name: Some("王女士".into()),
        dialled: Private::new("057188880000".into()),
        trunk: Some("carrier".into()),
        received,
        first_ring: None,
        flagged: None,
        answered: None,
        ended: None,
        rings: None,
        answered_by: None,
        shift: Some("early".into()),
        operator: Some("小李".into()),
        desk_state: "801 ready, 802 ready".into(),
        outcome: None,
        hung_up_first: None,
        recording: None,
        notice: None,
        redial_of: None,
        part_of: None,
        segments: Vec::new(),
        legs: vec![
            leg(0, Party::Outside(caller)),
            leg(1, Party::Phone("801".into())),
            leg(2, Party::Phone("802".into())),
        ],
    };
    let mut answered = Ticket {
        revision: 2,
        first_ring: Some(later(120)),
        flagged: Some(later(15_120)),
        answered: Some(later(17_000)),
        rings: Some(4),
        answered_by: Some(Party::Phone("801".into())),
        ..came.clone()
    };
    for leg in &mut answered.legs {
        leg.ringing = Some(later(120));
        leg.answered = Some(later(17_000));
        leg.status = Some(200);
    }
    let side = SideReport { packets: 3000, audible_samples: 240_000, ..SideReport::default() };
    let mut ended = Ticket {
        revision: 3,
        ended: Some(later(77_000)),
        outcome: Some(Outcome::AnsweredByDesk),
        hung_up_first: Some(Side::Caller),
        recording: Some(Recording {
            report: Some(RecordingReport {
                path: format!("2026/11/23/{}.wav", came.id).into(),
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
        ..answered.clone()
    };
    for leg in &mut ended.legs {
        leg.ended = Some(later(77_000));
        leg.unanswered = (leg.index == 2).then_some(Unanswered::NotNeeded);
    }
    [
        TicketChange {
            ticket: came,
            new_entries: vec![line(0, 0, "received"), line(1, 10, "dialled"), line(2, 11, "dialled")],
        },
        TicketChange {
            ticket: answered,
            new_entries: vec![
                line(3, 120, "ringing"),
                line(4, 15_120, "flagged"),
                line(5, 17_000, "answered"),
            ],
        },
        TicketChange {
            ticket: ended,
            new_entries: vec![line(6, 77_000, "hung up"), line(7, 77_020, "recorded")],
        },
    ]
}
