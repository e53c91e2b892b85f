//! How fast the desk's lists are with 1,000,000 tickets, as many matters and 20,000 residents: lookup by number, every list
//! page and search, the figures of a month. `cargo bench --bench desk`; with a number, so many tickets.
//!
//! The rows are made by SQL of this file's own: through the daemon's hands a year of calls would take an hour.

use std::{path::Path, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use hotlined::{
    desk::{
        directory::Numbering,
        figures::{figures, period::Period},
        matter::Kind,
        number::{Number, Private},
        office::Office,
        resident::{Entry, Place, Premises, Title},
        ticket::LocalTime,
    },
    store::{
        audit::Hand,
        edit::Editor,
        matters::read::{MatterFilter, Which},
        reader::{Reader, TicketFilter},
        residents::{DryRun, ResidentFilter},
    },
};
use rustix::time::{ClockId, clock_gettime};
use sqlx::{Connection, SqliteConnection};

const RESIDENTS: u32 = 20_000;
/// Times that each question is asked; the slowest counts.
const TIMES: u32 = 15;

fn main() {
    // Cargo passes --bench.
    let count: u32 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measured(count));
}

fn clock() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(
        u64::try_from(now.tv_sec).expect("after 1970"),
        u32::try_from(now.tv_nsec).expect("below 10^9"),
    )
}

async fn measured(count: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hotlined.db");
    let began = clock();
    residents(&path).await;
    rows(&path, count).await;
    println!("{count} tickets and {RESIDENTS} residents made in {:.0} s", (clock() - began).as_secs_f64());
    let reader = Reader::open(&path).await.expect("it opens");
    let office = Office::default();
    let now: DateTime<Utc> = "2026-12-31T08:00:00Z".parse().expect("a time");

    lookups(&reader, &office.numbering).await;
    residents_pages(&reader, &office.numbering).await;
    ticket_pages(&reader).await;
    matter_pages(&reader).await;
    let today = now.date_naive();
    slowest("visits to call", async || {
        reader.visits_to_call(now, today, None, 50).await.expect("it reads").len()
    })
    .await;
    slowest("clocks that are late", async || reader.clocks_due(now, 50).await.expect("it reads").len()).await;
    slowest("missed callers", async || {
        reader.missed(&office.numbering, office.missed, now).await.expect("it reads").len()
    })
    .await;
    let period = Period::month(NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day"));
    let began = clock();
    let rows = reader.figure_rows(period, &office.calendar, now).await.expect("it reads");
    let counted = figures(&rows, period, &office, now);
    println!(
        "{:<44} {:8.1} ms   goal 2000   ({} figures of {} calls, {} matters, {} clocks, {} visits)",
        "figures of a month",
        (clock() - began).as_secs_f64() * 1000.0,
        counted.len(),
        rows.calls.len(),
        rows.matters.len(),
        rows.clocks.len(),
        rows.visits.len()
    );
}

async fn slowest(name: &str, mut ask: impl AsyncFnMut() -> usize) {
    let (mut most, mut found) = (Duration::ZERO, 0);
    for _ in 0..TIMES {
        let began = clock();
        found = ask().await;
        most = most.max(clock() - began);
    }
    println!("{name:<44} {:8.1} ms   goal 100    ({found} rows)", most.as_secs_f64() * 1000.0);
}

/// A thousand numbers, each in another spelling, also such that nobody has.
async fn lookups(reader: &Reader, numbering: &Numbering) {
    let mut times = Vec::new();
    let mut found = 0;
    for n in 0..1000_u32 {
        let digits = format!("138{:08}", n * 7919 % (RESIDENTS * 2));
        let number: Number = Private::new(if n % 2 == 0 { format!("+86{digits}") } else { digits });
        let began = clock();
        found += reader.residents_by_number(&number, numbering).await.expect("it reads").len();
        times.push(clock() - began);
    }
    times.sort_unstable();
    let p99 = times.get(989).expect("a thousand");
    println!(
        "{:<44} {:8.2} ms   goal 5      ({found} found)",
        "lookup by number, p99 of 1000",
        p99.as_secs_f64() * 1000.0
    );
    let began = clock();
    let directory = reader.directory(numbering).await.expect("it reads");
    let loaded = clock() - began;
    let began = clock();
    for n in 0..1000_u32 {
        std::hint::black_box(directory.find(&Private::new(format!("138{:08}", n * 7919 % (RESIDENTS * 2)))));
    }
    println!(
        "{:<44} {:8.4} ms   goal 5      (the list is read in {:.0} ms)",
        "the switch's own lookup, mean",
        (clock() - began).as_secs_f64(),
        loaded.as_secs_f64() * 1000.0
    );
}

async fn residents_pages(reader: &Reader, numbering: &Numbering) {
    for text in ["", "3-2-10", "王", "wjg", "13800001", "nobody has this"] {
        let filter = ResidentFilter { text: text.to_owned(), limit: 50, ..ResidentFilter::default() };
        slowest(&format!("residents: {text:?}"), async || {
            reader.residents(&filter, numbering).await.expect("it reads").len()
        })
        .await;
    }
}

async fn ticket_pages(reader: &Reader) {
    let page = || TicketFilter { limit: 50, ..TicketFilter::default() };
    let middle = "20260701-0100".parse().expect("an id");
    for (name, filter) in [
        ("newest", page()),
        ("from the middle", TicketFilter { after: Some(middle), ..page() }),
        ("flagged", TicketFilter { flagged: true, ..page() }),
        ("of one caller", TicketFilter { caller: Some(Private::new("13800000007".into())), ..page() }),
    ] {
        slowest(&format!("tickets: {name}"), async || reader.tickets(&filter).await.expect("it reads").len())
            .await;
    }
}

async fn matter_pages(reader: &Reader) {
    let page = || MatterFilter { limit: 50, ..MatterFilter::default() };
    let text = |text: &str| MatterFilter { text: text.into(), ..page() };
    let middle = "20260701-0100".parse().expect("an id");
    for (name, filter) in [
        ("newest", page()),
        ("from the middle", MatterFilter { after: Some(middle), ..page() }),
        ("to do", MatterFilter { which: Which::ToDo, ..page() }),
        ("complaints", MatterFilter { kind: Some(Kind::Complaint), ..page() }),
        ("complaints to do", MatterFilter { kind: Some(Kind::Complaint), which: Which::ToDo, ..page() }),
        ("of one owner", MatterFilter { owner: "王芳".into(), ..page() }),
        (
            "of a department, to do",
            MatterFilter { department: "工程部".into(), which: Which::ToDo, ..page() },
        ),
        ("a word in every third", text("漏水")),
        ("a word in one", text("天文台")),
        ("a word in none", text("望远镜")),
        ("a word and a room", text("漏水 3-1-101")),
        ("a word in every third, to do", MatterFilter { which: Which::ToDo, ..text("漏水") }),
    ] {
        slowest(&format!("matters: {name}"), async || reader.matters(&filter).await.expect("it reads").len())
            .await;
    }
    let one = "20260701-0100".parse().expect("an id");
    slowest("one matter with everything", async || {
        usize::from(reader.matter(one).await.expect("it reads").is_some())
    })
    .await;
}

async fn residents(path: &Path) {
    let editor = Editor::open(path).await.expect("it opens");
    let surnames: Vec<char> = "王李张刘陈杨赵黄周吴".chars().collect();
    let names = ["建国", "娜", "伟", "秀英", "强"];
    let entries = (0..RESIDENTS).map(|n| {
        let at = usize::try_from(n).expect("small");
        Entry {
            place: Place {
                estate: "东湖花园".into(),
                building: (n / 400 + 1).to_string(),
                unit: (n / 100 % 4 + 1).to_string(),
                room: (n % 100 + 101).to_string(),
            },
            name: format!("{}{}", surnames.get(at % 10).expect("ten"), names.get(at / 10 % 5).expect("five")),
            title: Some(Title::Mr),
            premises: Premises::Home,
            numbers: vec![Private::new(format!("138{n:08}"))],
            notes: String::new(),
            contacts: Vec::new(),
        }
    });
    let at: LocalTime = "2026-01-01T09:00:00+08:00".parse().expect("a time");
    let hand = Hand { by: "bench".into(), at };
    editor
        .import_residents(entries.collect(), Numbering::default(), DryRun::No, hand)
        .await
        .expect("it imports");
}

/// A year of calls: a tenth missed, each with its matter, clock, every second with a visit.
async fn rows(path: &Path, count: u32) {
    let url = format!("sqlite://{}", path.display());
    let mut connection = SqliteConnection::connect(&url).await.expect("it opens");
    let per_day = count.div_ceil(365);
    for sql in [
        "PRAGMA synchronous = OFF".to_owned(),
        "PRAGMA cache_size = -200000".to_owned(),
        "CREATE TEMP TABLE n (i INTEGER PRIMARY KEY, day TEXT, key INTEGER, id TEXT, at TEXT)".to_owned(),
        format!(
            "INSERT INTO n WITH RECURSIVE c (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i + 1 < {count}), \
             d AS (SELECT i, date('2026-01-01', '+' || (i / {per_day}) || ' days') AS day, i % {per_day} AS r FROM c) \
             SELECT i, day, CAST(replace(day, '-', '') AS INTEGER) * 10000000000 + r + 1, \
             replace(day, '-', '') || '-' || printf('%04d', r + 1), \
             day || 'T' || time(r * 86000 / {per_day}, 'unixepoch') || '.000+08:00' FROM d"
        ),
        "INSERT INTO matter (key, opened_at, owner, kind, state, severity, estate, building, unit, room, name, number, \
         department, summary, completed_at, answered_at, answer, closed_at) \
         SELECT key, at, CASE i % 3 WHEN 0 THEN '王芳' WHEN 1 THEN '李强' ELSE '赵敏' END, \
         CASE i % 6 WHEN 0 THEN 'repair' WHEN 1 THEN 'complaint' WHEN 2 THEN 'enquiry' WHEN 3 THEN 'suggestion' \
         WHEN 4 THEN 'special' ELSE 'other' END, CASE WHEN i % 500 = 0 THEN 'open' ELSE 'closed' END, \
         CASE WHEN i % 6 = 1 THEN 'ordinary' END, '东湖花园', i % 50 + 1, '1', '101', '业主', '13800000000', \
         CASE WHEN i % 4 = 0 THEN '工程部' ELSE '' END, \
         CASE i % 3 WHEN 0 THEN '厨房漏水' WHEN 1 THEN '停车咨询' ELSE '电梯噪音' END || CASE WHEN i = 7777 THEN '天文台' ELSE '' END, \
         at, at, '已办结', CASE WHEN i % 500 = 0 THEN NULL ELSE at END FROM n"
            .to_owned(),
        "INSERT INTO matter_text (rowid, words) SELECT key, \
         CASE i % 3 WHEN 0 THEN '厨房 房漏 漏水 水' WHEN 1 THEN '停车 车咨 咨询 询' ELSE '电梯 梯噪 噪音 音' END \
         || CASE WHEN i = 7777 THEN ' 天文 文台 台' ELSE '' END \
         || ' 业主 主 东湖 湖花 花园 园 ' || (i % 50 + 1) || ' 1 101 已办 办结 结' FROM n ORDER BY key"
            .to_owned(),
        "INSERT INTO ticket (key, id, matter, revision, direction, caller, dialled, received_at, received_utc, \
         first_ring_at, flagged_at, answered_at, ended_at, rings, shift, operator, desk_state, outcome) \
         SELECT key, id, key, 1, 'hotline', printf('138%08d', i % 40000), '4001234567', at, \
         strftime('%Y-%m-%dT%H:%M:%fZ', at), at, CASE WHEN i % 20 = 0 THEN at END, CASE WHEN i % 10 > 0 THEN at END, at, 1, \
         '早班', CASE i % 3 WHEN 0 THEN '王芳' WHEN 1 THEN '李强' ELSE '赵敏' END, '801 ready', \
         CASE WHEN i % 10 > 0 THEN 'answered by desk' ELSE 'abandoned' END FROM n"
            .to_owned(),
        "INSERT INTO leg (ticket, idx, party_kind, party_name, dialled_at, sip_call_id) \
         SELECT key, 0, 'outside', NULL, at, 'a' FROM n UNION ALL SELECT key, 1, 'phone', '801', at, 'b' FROM n"
            .to_owned(),
        "INSERT INTO clock (matter, idx, name, started_at, time_limit, ended_at, due_utc) \
         SELECT key, 0, 'first_answer', at, '24 hours', CASE WHEN i % 500 = 0 THEN NULL ELSE at END, \
         strftime('%Y-%m-%dT%H:%M:%fZ', at, '+1 day') FROM n"
            .to_owned(),
        "INSERT INTO visit (matter, kind, visitor, completed_at, from_day, until_day, state, next_utc, tries, satisfied, by) \
         SELECT key, 'repair', 'desk', at, day, date(day, '+7 days'), CASE WHEN i % 600 = 0 THEN 'waiting' ELSE 'done' END, \
         strftime('%Y-%m-%dT%H:%M:%fZ', at), 0, 1 + i % 5, '' FROM n WHERE i % 2 = 0"
            .to_owned(),
        "DROP TABLE n".to_owned(),
        "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("it is made");
    }
    connection.close().await.expect("it closes");
}
