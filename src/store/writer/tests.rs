use std::path::Path;

use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::{
    desk::{
        outage::{Edge, Subject},
        ticket::{Outcome, Side, TicketId, Verdict},
    },
    store::{
        binding::SavedBinding,
        fixture::{at, change, ended, id, line, opened, report, utc_at},
        inbox::MAX_TICKETS,
        open::options,
        reader::{Outage, Reader, TicketFilter},
    },
};

/// A writer whose thread is the test: each attempt is made by hand.
struct Bench {
    folder: TempDir,
    engine: Engine,
    writer: Writer,
    facts: UnboundedReceiver<StoreFact>,
}

impl Bench {
    fn new() -> Self {
        Self::again(tempfile::tempdir().unwrap(), "16:00:00.000")
    }

    /// A writer that does not wait for locks.
    fn impatient() -> Self {
        let mut bench = Self::new();
        bench.engine.settings.busy_timeout = Duration::ZERO;
        bench
    }

    /// A new daemon in the same folder.
    fn again(folder: TempDir, started: &str) -> Self {
        let (sender, facts) = unbounded_channel();
        let shared = Arc::<Shared>::default();
        let settings = StoreSettings::new(folder.path().join("db/hotlined.db"));
        let engine = Engine::new(settings, Arc::clone(&shared), sender.clone(), utc_at(started));
        Self { folder, engine, writer: Writer { shared, facts: sender }, facts }
    }

    /// The daemon is killed: nothing that it had in memory survives. SQLite's connection is closed,
    /// because inside one process its locks would outlive the daemon.
    async fn killed(mut self) -> TempDir {
        if let Some(database) = self.engine.database.take() {
            database.close().await;
        }
        self.folder
    }

    fn path(&self) -> &Path {
        &self.engine.settings.path
    }

    /// The facts since the last look, in words.
    fn told(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.facts.try_recv().ok()).map(|fact| in_words(&fact)).collect()
    }

    async fn reader(&self) -> Reader {
        Reader::open(self.path()).await.unwrap()
    }

    /// Another program on the same file.
    async fn stranger(&self) -> SqliteConnection {
        options(self.path(), Duration::from_secs(5)).connect().await.unwrap()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.stranger().await).await.unwrap()
    }
}

fn in_words(fact: &StoreFact) -> String {
    match fact {
        StoreFact::Saved { ticket, revision } => format!("saved {ticket} r{revision}"),
        StoreFact::SaveFailed { ticket, revision, .. } => format!("failed {ticket} r{revision}"),
        StoreFact::SaveDropped { ticket, revision } => format!("dropped {ticket} r{revision}"),
        StoreFact::NumbersReserved { day, from, to } => format!("numbers {day} {from}..={to}"),
        StoreFact::DatabaseDown { why } => format!("down: {why}"),
        StoreFact::DatabaseUp => "up".into(),
        StoreFact::Swept(sweep) => format!("swept {} {}", sweep.interrupted.len(), sweep.outages_ended),
        StoreFact::Closed { unsaved } => format!("closed {unsaved}"),
    }
}

#[tokio::test]
async fn a_saved_ticket_is_there_when_saved_is_told() {
    let mut bench = Bench::new();
    assert!(bench.engine.attempt().await);
    assert_eq!(bench.told(), ["up", "swept 0 0"]);
    bench.writer.save(change(opened(7, 1), vec![line(0, "16:15:02.123", "received")]));
    assert_eq!(bench.told(), Vec::<String>::new(), "nothing is saved before its commit");
    assert!(bench.engine.attempt().await);
    assert_eq!(bench.told(), ["saved 20261123-0007 r1"]);
    let page = bench.reader().await.ticket(id(7)).await.unwrap().unwrap();
    assert_eq!(page.ticket, opened(7, 1));
    assert_eq!(page.matter, id(7), "a new ticket opens its matter");
    assert_eq!(page.timeline.len(), 1);
    assert_eq!(bench.number("SELECT count(*) FROM v_matter WHERE state = 'open'").await, 1);
}

#[tokio::test]
async fn an_older_revision_is_ignored_but_its_timeline_lines_are_kept() {
    let mut bench = Bench::new();
    bench.writer.save(change(ended(7, 5), vec![line(4, "16:17:20.999", "ended")]));
    bench.engine.attempt().await;
    bench.writer.save(change(opened(7, 4), vec![line(3, "16:15:20.001", "answered")]));
    bench.engine.attempt().await;
    let page = bench.reader().await.ticket(id(7)).await.unwrap().unwrap();
    assert_eq!(page.ticket, ended(7, 5));
    let words: Vec<_> = page.timeline.iter().map(|e| e.what.as_str()).collect();
    assert_eq!(words, ["answered", "ended"]);
}

#[tokio::test]
async fn changes_of_a_group_are_written_in_one_commit_and_once_per_ticket() {
    let mut bench = Bench::new();
    bench.engine.attempt().await;
    let before = bench.engine.commits;
    for revision in 1..=10 {
        for number in 1..=50 {
            bench
                .writer
                .save(change(opened(number, revision), vec![line(revision - 1, "16:15:03.000", "changed")]));
        }
    }
    bench.told();
    bench.engine.attempt().await;
    assert_eq!(bench.engine.commits - before, 1);
    let told = bench.told();
    assert_eq!(told.len(), 50, "one report for the newest revision of each: {told:?}");
    assert_eq!(told[0], "saved 20261123-0001 r10");
    assert_eq!(bench.number("SELECT count(*) FROM timeline").await, 500);
    bench.engine.attempt().await;
    assert_eq!(bench.engine.commits - before, 1, "nothing new, nothing committed");
}

#[tokio::test]
async fn while_another_program_holds_the_lock_changes_are_kept_and_then_written() {
    let mut bench = Bench::impatient();
    bench.engine.attempt().await;
    bench.told();
    let mut stranger = bench.stranger().await;
    let lock = stranger.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    bench.writer.save(change(opened(7, 1), vec![line(0, "16:15:02.123", "received")]));
    bench.writer.reserve_numbers(id(7).day, 10);
    bench.writer.set_away(Some(Away { since: at("16:00:00.000"), until: None, by: "801".into() }));
    assert!(!bench.engine.attempt().await);
    assert_eq!(bench.told(), ["failed 20261123-0007 r1", "down: the database is locked by another program"]);
    bench.writer.save(change(ended(7, 2), vec![line(1, "16:15:20.001", "answered")]));
    bench.writer.save(change(opened(8, 1), vec![]));
    assert!(!bench.engine.attempt().await);
    assert_eq!(bench.told(), ["failed 20261123-0008 r1"], "each failure is told once");
    lock.rollback().await.unwrap();
    assert!(bench.engine.attempt().await);
    assert_eq!(
        bench.told(),
        ["up", "numbers 2026-11-23 9..=18", "saved 20261123-0007 r2", "saved 20261123-0008 r1"]
    );
    let reader = bench.reader().await;
    let page = reader.ticket(id(7)).await.unwrap().unwrap();
    assert_eq!(page.ticket, ended(7, 2));
    assert_eq!(page.timeline.len(), 2, "lines from before and from during the lock");
    assert_eq!(reader.away().await.unwrap().map(|a| a.by), Some("801".into()));
}

#[tokio::test]
async fn the_pause_between_attempts_grows_to_its_cap_and_starts_anew() {
    let mut bench = Bench::impatient();
    bench.engine.attempt().await;
    let mut stranger = bench.stranger().await;
    let lock = stranger.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    bench.writer.heartbeat(utc_at("16:00:10.000"));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        bench.engine.attempt().await;
        pauses.push(bench.engine.pause.as_millis());
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    lock.rollback().await.unwrap();
    assert!(bench.engine.attempt().await);
    assert_eq!(bench.engine.pause.as_millis(), 100);
}

#[tokio::test]
async fn what_a_person_typed_survives_every_save_of_the_call() {
    let mut bench = Bench::new();
    bench.writer.save(change(opened(7, 1), vec![]));
    bench.engine.attempt().await;
    let mut person = bench.stranger().await;
    sqlx::raw_sql(
        "UPDATE matter SET owner = '小李', kind = 'leak'; \
         INSERT INTO ticket_remark SELECT key, 'calls again tomorrow', '801', '2026-11-23T08:20:00.000Z' \
         FROM ticket",
    )
    .execute(&mut person)
    .await
    .unwrap();
    for revision in [2, 2, 1] {
        bench.writer.save(change(ended(7, revision), vec![]));
        assert!(bench.engine.attempt().await);
    }
    let page = bench.reader().await.ticket(id(7)).await.unwrap().unwrap();
    assert_eq!(page.ticket, ended(7, 2));
    assert_eq!(page.remark.as_deref(), Some("calls again tomorrow"));
    assert_eq!(bench.number("SELECT owner = '小李' AND kind = 'leak' FROM v_matter").await, 1);
}

#[tokio::test]
async fn number_blocks_never_repeat_over_a_restart_a_replaced_file_or_a_lost_row() {
    let day = id(1).day;
    let mut bench = Bench::new();
    bench.writer.reserve_numbers(day, 20);
    bench.engine.attempt().await;
    assert_eq!(bench.told(), ["up", "swept 0 0", "numbers 2026-11-23 1..=20"]);
    let mut bench = Bench::again(bench.killed().await, "16:30:00.000");
    bench.writer.reserve_numbers(day, 20);
    bench.writer.reserve_numbers(day.succ_opt().unwrap(), 5);
    bench.engine.attempt().await;
    assert_eq!(bench.told()[2..], ["numbers 2026-11-23 21..=40", "numbers 2026-11-24 1..=5"]);
    std::fs::remove_file(bench.path()).unwrap();
    bench.writer.reserve_numbers(day, 20);
    assert!(!bench.engine.attempt().await);
    assert!(bench.told()[0].ends_with("was removed or replaced"));
    assert!(bench.engine.attempt().await);
    assert_eq!(bench.told(), ["up", "numbers 2026-11-23 41..=60"], "a fresh file, but not fresh numbers");
    bench.writer.save(change(opened(99, 1), vec![]));
    bench.engine.attempt().await;
    sqlx::query("DELETE FROM number_block").execute(&mut bench.stranger().await).await.unwrap();
    let mut bench = Bench::again(bench.killed().await, "17:00:00.000");
    bench.writer.reserve_numbers(day, 1);
    bench.engine.attempt().await;
    assert_eq!(bench.told()[2], "numbers 2026-11-23 100..=100");
}

#[tokio::test]
async fn a_commit_is_synced_and_foreign_keys_hold() {
    let mut bench = Bench::new();
    bench.engine.attempt().await;
    let connection = &mut bench.engine.database.as_mut().unwrap().connection;
    let mut pragma = async |sql: &'static str| {
        let row = sqlx::query(sql).fetch_one(&mut *connection).await.unwrap();
        row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string())).unwrap()
    };
    assert_eq!(pragma("PRAGMA journal_mode").await, "wal");
    assert_eq!(pragma("PRAGMA synchronous").await, "2", "FULL: a commit is synced before it is told");
    assert_eq!(pragma("PRAGMA foreign_keys").await, "1");
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_with_a_clear_sentence() {
    let mut bench = Bench::new();
    bench.engine.attempt().await;
    bench.told();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9001, 'later', 1, x'00', 0)",
    )
    .execute(&mut bench.stranger().await)
    .await
    .unwrap();
    let error = prepare(&bench.engine.settings).await.unwrap_err();
    assert!(error.is_permanent());
    assert!(matches!(error, StoreError::Newer { found: 9001, known: 1..9001, .. }), "{error}");
    assert!(error.to_string().contains("made by a newer hotlined"), "{error}");
    assert!(matches!(Reader::open(bench.path()).await, Err(StoreError::Newer { .. })));
}

#[tokio::test]
async fn a_database_that_is_locked_at_the_start_delays_nothing_but_itself() {
    let mut bench = Bench::impatient();
    bench.engine.attempt().await;
    let mut stranger = bench.stranger().await;
    let lock = stranger.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let (sender, facts) = unbounded_channel();
    bench.facts = facts;
    bench.engine = Engine::new(
        bench.engine.settings.clone(),
        Arc::clone(&bench.writer.shared),
        sender,
        utc_at("16:10:00.000"),
    );
    bench.writer.save(change(opened(7, 1), vec![]));
    assert!(!bench.engine.attempt().await);
    assert_eq!(bench.told(), ["failed 20261123-0007 r1", "down: the database is locked by another program"]);
    lock.rollback().await.unwrap();
    assert!(bench.engine.attempt().await);
    assert_eq!(bench.told(), ["up", "swept 0 0", "saved 20261123-0007 r1"]);
    let page = bench.reader().await.ticket(id(7)).await.unwrap().unwrap();
    assert_eq!(page.ticket.outcome, None, "the sweep leaves calls of this daemon alone");
}

#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut bench = Bench::new();
    bench.writer.save(change(opened(7, 1), vec![]));
    bench.engine.attempt().await;
    let folder = bench.path().parent().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_ticket_numbered_while_the_database_was_down_does_not_lift_the_blocks_after_it() {
    let mut bench = Bench::new();
    bench.writer.save(change(opened(7, 1), vec![]));
    bench.writer.save(change(opened(158_502_123, 1), vec![]));
    bench.engine.attempt().await;
    bench.told();
    bench.writer.reserve_numbers(id(7).day, 10);
    bench.engine.attempt().await;
    assert_eq!(bench.told(), ["numbers 2026-11-23 8..=17"]);
}

#[tokio::test]
async fn the_sweep_marks_open_tickets_interrupted_and_ties_their_recordings() {
    let mut bench = Bench::new();
    let mut talking = opened(7, 3);
    talking.answered = Some(at("16:15:20.001"));
    bench.writer.save(change(
        talking,
        vec![line(0, "16:15:02.123", "received"), line(1, "16:15:20.001", "answered")],
    ));
    bench.writer.save(change(opened(8, 1), vec![]));
    bench.writer.save(change(ended(9, 4), vec![]));
    bench.writer.outage(OutageChange {
        subject: Subject::Trunk("carrier".into()),
        at: utc_at("16:14:00.000"),
        edge: Edge::Began,
        reason: "408 to REGISTER".into(),
    });
    bench.writer.heartbeat(utc_at("16:15:30.000"));
    bench.engine.attempt().await;
    let mut bench = Bench::again(bench.killed().await, "16:20:00.000");
    bench.writer.save(change(opened(10, 1), vec![]));
    let repaired = |number| RepairedRecording {
        ticket: id(number),
        path: report(number).path,
        samples: 80_000,
        sample_rate: 8000,
    };
    bench.writer.tie_recordings(vec![repaired(7), repaired(9), repaired(4711)]);
    assert!(bench.engine.attempt().await);
    let swept = std::iter::from_fn(|| bench.facts.try_recv().ok())
        .find_map(|fact| if let StoreFact::Swept(sweep) = fact { Some(sweep) } else { None });
    assert_eq!(swept, Some(Sweep { interrupted: vec![id(7), id(8)], outages_ended: 1 }));

    let reader = bench.reader().await;
    let page = reader.ticket(id(7)).await.unwrap().unwrap();
    assert_eq!(page.ticket.outcome, Some(Outcome::Interrupted));
    assert_eq!(page.ticket.ended, Some(at("16:15:20.001")), "the last time that its timeline knows");
    assert_eq!(page.ticket.legs[0].ended, Some(at("16:15:20.001")));
    let recording = page.ticket.recording.unwrap();
    assert_eq!(recording.verdict, Verdict::Interrupted);
    assert_eq!(recording.report.unwrap().duration(), Duration::from_secs(10));
    let last = page.timeline.last().unwrap();
    assert_eq!((last.index, last.what.as_str(), last.at), (2, "interrupted", at("16:20:00.000")));

    let unanswered = reader.ticket(id(8)).await.unwrap().unwrap().ticket;
    assert_eq!(unanswered.ended, Some(unanswered.received));
    assert_eq!(unanswered.recording.unwrap().verdict, Verdict::None("nobody had answered".into()));
    assert_eq!(reader.ticket(id(9)).await.unwrap().unwrap().ticket, ended(9, 4), "it had ended");
    assert_eq!(reader.ticket(id(10)).await.unwrap().unwrap().ticket, opened(10, 1), "it is alive");

    let outages = reader.outages(None, None, 10).await.unwrap();
    let end = Some(utc_at("16:15:30.000"));
    assert_eq!(
        outages,
        [
            Outage {
                subject: Subject::Daemon,
                began: utc_at("16:15:30.000"),
                ended: Some(utc_at("16:20:00.000")),
                reason: "ended without a farewell".into(),
            },
            Outage {
                subject: Subject::Trunk("carrier".into()),
                began: utc_at("16:14:00.000"),
                ended: end,
                reason: "408 to REGISTER".into(),
            },
        ]
    );
}

#[tokio::test]
async fn the_sweep_keeps_how_a_call_ended_that_was_over_for_its_caller() {
    let mut bench = Bench::new();
    let mut gave_up = opened(7, 3);
    gave_up.outcome = Some(Outcome::Abandoned);
    let mut hung_up = opened(8, 3);
    hung_up.answered = Some(at("16:15:20.001"));
    hung_up.outcome = Some(Outcome::AnsweredByDesk);
    let mut talking = hung_up.clone();
    talking.id = id(9);
    hung_up.hung_up_first = Some(Side::Caller);
    for ticket in [gave_up, hung_up, talking] {
        bench.writer.save(change(ticket, vec![]));
    }
    bench.engine.attempt().await;
    let mut bench = Bench::again(bench.killed().await, "16:20:00.000");
    assert!(bench.engine.attempt().await);
    let reader = bench.reader().await;
    for (number, outcome) in
        [(7, Outcome::Abandoned), (8, Outcome::AnsweredByDesk), (9, Outcome::Interrupted)]
    {
        let page = reader.ticket(id(number)).await.unwrap().unwrap();
        assert_eq!(page.ticket.outcome, Some(outcome), "{number}");
        assert!(page.ticket.ended.is_some());
        assert_eq!(page.timeline.last().unwrap().what, "interrupted", "{number}");
    }
}

#[tokio::test]
async fn an_outage_begins_once_and_ends_once() {
    let mut bench = Bench::new();
    let edge = |time, edge| OutageChange {
        subject: Subject::Phone("801".into()),
        at: utc_at(time),
        edge,
        reason: "no answer to OPTIONS".into(),
    };
    for change in [
        edge("16:01:00.000", Edge::Ended),
        edge("16:02:00.000", Edge::Began),
        edge("16:03:00.000", Edge::Began),
        edge("16:04:00.000", Edge::Ended),
        edge("16:05:00.000", Edge::Ended),
        edge("16:02:00.000", Edge::Began),
    ] {
        bench.writer.outage(change);
    }
    bench.engine.attempt().await;
    let outages = bench.reader().await.outages(None, None, 10).await.unwrap();
    assert_eq!(outages.len(), 1, "{outages:?}");
    assert_eq!(outages[0].began, utc_at("16:02:00.000"));
    assert_eq!(outages[0].ended, Some(utc_at("16:04:00.000")));
}

#[tokio::test]
async fn bindings_are_replaced_phone_by_phone_and_survive_a_restart() {
    let binding = |phone: &str, contact: &str| SavedBinding {
        phone: phone.into(),
        contact: contact.into(),
        instance: Some("<urn:uuid:00000000-0000-1000-8000-000A95A0E128>".into()),
        path: vec!["<sip:p1.example.net;lr>".into(), "<sip:p2.example.net;lr>".into()],
        transport: "UDP".into(),
        listener: 1,
        remote: "192.0.2.7:5060".into(),
        call_id: "reg-1".into(),
        cseq: 4_000_000_000,
        expires_at: utc_at("17:00:00.500"),
        user_agent: None,
    };
    let set = |phone: &str, bindings: Vec<SavedBinding>| BindingChange { phone: phone.into(), bindings };
    let mut bench = Bench::new();
    let two = vec![binding("801", "sip:801@192.0.2.7"), binding("801", "sip:801@192.0.2.8")];
    bench.writer.save_bindings(set("801", two.clone()));
    bench.writer.save_bindings(set("802", vec![binding("802", "sip:802@192.0.2.9")]));
    bench.engine.attempt().await;
    bench.writer.save_bindings(set("802", vec![]));
    bench.engine.attempt().await;
    let bench = Bench::again(bench.killed().await, "16:30:00.000");
    assert_eq!(bench.reader().await.bindings().await.unwrap(), two);
}

#[tokio::test]
async fn a_full_queue_drops_new_tickets_and_says_so() {
    let mut bench = Bench::new();
    let most = u32::try_from(MAX_TICKETS).unwrap();
    for number in 1..=most {
        bench.writer.save(change(opened(number, 1), vec![]));
    }
    assert_eq!(bench.told(), Vec::<String>::new());
    bench.writer.save(change(opened(most + 1, 1), vec![]));
    assert_eq!(bench.told(), [format!("dropped {} r1", id(most + 1))]);
    bench.writer.save(change(opened(most, 2), vec![]));
    assert_eq!(bench.told(), Vec::<String>::new(), "a ticket that waits already may change");
}

/// The only test with the real thread: from outside nothing but its facts can be seen.
#[tokio::test]
async fn the_thread_writes_by_itself_and_closes_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hotlined.db");
    let (sender, mut facts) = unbounded_channel();
    let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
    writer.save(change(opened(7, 1), vec![]));
    let mut saved: Option<TicketId> = None;
    while saved.is_none() {
        if let StoreFact::Saved { ticket, .. } = facts.recv().await.unwrap() {
            saved = Some(ticket);
        }
    }
    writer.save(change(opened(8, 1), vec![]));
    writer.close(utc_at("16:01:00.000"));
    let mut told = Vec::new();
    while !matches!(told.last(), Some(StoreFact::Closed { .. })) {
        told.push(facts.recv().await.unwrap());
    }
    assert_eq!(told.iter().map(in_words).collect::<Vec<_>>(), ["saved 20261123-0008 r1", "closed 0"]);
    assert!(!folder.path().join("hotlined.db-wal").exists(), "an orderly end leaves one file");
    let tickets = Reader::open(&path).await.unwrap().tickets(&TicketFilter::default()).await.unwrap();
    assert_eq!(tickets.len(), 2);
}
