//! A week of a hotline in virtual time, with the real store under it: hundreds of calls, and every kind of fault
//! between them. The database is locked for hours, the daemon is killed every day in the middle of calls, the disk
//! is full, trunk and phone go away, the network loses, the clock is set an hour ahead and back, and Sunday has its
//! DST night. Whatever was acknowledged is there at the end, as it was.
//!
//! `HOTLINED_WEEKS=20` asks for more seeds than the one.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use hotlined::{
    desk::ticket::{Outcome, Ticket, TicketId, Verdict},
    store::{
        facts::StoreFact,
        reader::{Reader, TicketFilter},
        writer::{StoreSettings, Writer},
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::world::{HOTLINE, Move, NetworkSettings, Setup, World, seconds};

const HOURS: u32 = 7 * 24;
const CALLS_AN_HOUR: u32 = 4;

/// How long the store may take for an answer; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The store of the week: the real one, and what it acknowledged.
struct Office {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    facts: UnboundedReceiver<StoreFact>,
    /// The newest revision of each ticket that was told as durable.
    acknowledged: BTreeMap<TicketId, u32>,
    lock: Option<SqliteConnection>,
    failures: u32,
}

impl Office {
    fn open(world: &mut World) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (folder, (_, facts)) = (tempfile::tempdir().unwrap(), unbounded_channel());
        let mut office =
            Self { runtime, folder, facts, acknowledged: BTreeMap::new(), lock: None, failures: 0 };
        office.start(world);
        office
    }

    fn start(&mut self, world: &mut World) {
        let (sender, facts) = unbounded_channel();
        self.facts = facts;
        let mut settings = StoreSettings::new(self.folder.path().join("hotlined.db"));
        // The week passes in seconds, so the store waits in milliseconds.
        settings.busy_timeout = Duration::from_millis(5);
        settings.group_window = Duration::from_millis(1);
        settings.first_pause = Duration::from_millis(5);
        settings.longest_pause = Duration::from_millis(20);
        world.writer = Some(Writer::start(settings, sender, world.clocks().wall).unwrap());
        self.wait(|fact| matches!(fact, StoreFact::Swept(_)));
    }

    fn hear(&mut self, fact: &StoreFact) {
        if let StoreFact::Saved { ticket, revision } = fact {
            let newest = self.acknowledged.entry(*ticket).or_default();
            *newest = (*newest).max(*revision);
        }
        assert!(!matches!(fact, StoreFact::SaveDropped { .. }), "dropped: {fact:?}");
        self.failures += u32::from(matches!(fact, StoreFact::DatabaseDown { .. }));
    }

    fn wait(&mut self, until: impl Fn(&StoreFact) -> bool) {
        loop {
            let fact =
                self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.facts.recv()).await });
            let fact = fact.expect("the store answers").expect("the store lives");
            self.hear(&fact);
            if until(&fact) {
                return;
            }
        }
    }

    /// Waits until all that was saved is acknowledged.
    fn settle(&mut self, world: &World) {
        for (id, ticket) in &world.store.tickets {
            while self.acknowledged.get(id).is_none_or(|known| *known < ticket.revision) {
                let (id, revision) = (*id, ticket.revision);
                self.wait(|fact| {
                    matches!(fact, StoreFact::Saved { ticket, revision: saved } if *ticket == id && *saved >= revision)
                });
            }
        }
    }

    /// Another program takes the database's lock; or gives it back.
    fn lock(&mut self) {
        let options = SqliteConnectOptions::new()
            .filename(self.folder.path().join("hotlined.db"))
            .busy_timeout(Duration::from_secs(10));
        self.lock = Some(self.runtime.block_on(async {
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            connection
        }));
    }

    fn unlock(&mut self) {
        if let Some(connection) = self.lock.take() {
            self.runtime.block_on(connection.close()).unwrap();
        }
    }

    /// The daemon is killed: what its calls had in mind is gone, and the next one sweeps.
    fn kill(&mut self, world: &mut World) {
        let writer = world.writer.take().unwrap();
        writer.close(world.clocks().wall);
        self.wait(|fact| matches!(fact, StoreFact::Closed { .. }));
        world.restart();
        self.start(world);
    }

    fn tickets(&self) -> BTreeMap<TicketId, Ticket> {
        let filter = TicketFilter { limit: 100_000, ..TicketFilter::default() };
        let path = self.folder.path().join("hotlined.db");
        let kept = self.runtime.block_on(async { Reader::open(&path).await.unwrap().tickets(&filter).await });
        kept.unwrap().into_iter().map(|ticket| (ticket.id, ticket)).collect()
    }
}

/// What befalls the house in that hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    DatabaseLocked,
    DiskFull,
    TrunkGone,
    PhoneGone,
    NoPorts,
    ClockAhead,
    ClockBack,
    Killed,
}

fn fault_of(hour: u32) -> Option<Fault> {
    // Each kind on each day, at hours that wander.
    Some(match (hour * 5 + hour / 24) % 24 {
        1 | 13 => Fault::DatabaseLocked,
        3 => Fault::DiskFull,
        5 => Fault::TrunkGone,
        7 => Fault::PhoneGone,
        9 => Fault::NoPorts,
        11 => Fault::ClockAhead,
        15 => Fault::ClockBack,
        17 | 21 => Fault::Killed,
        _ => return None,
    })
}

#[test]
fn a_week_with_every_fault_loses_nothing_that_was_acknowledged() {
    let weeks = std::env::var("HOTLINED_WEEKS").ok().and_then(|weeks| weeks.parse().ok()).unwrap_or(1);
    for seed in 0..weeks {
        live_through(seed);
    }
}

fn live_through(seed: u64) {
    let mut lot = ChaCha8Rng::seed_from_u64(seed);
    let mut setup = Setup { seed, ..Setup::default() };
    setup.house.rota.zone = Some(chrono_tz::Europe::Berlin);
    // Fewer questions whether everybody is there: the week shall pass in seconds.
    setup.settings.qualify.interval = Some(seconds(900));
    setup.settings.trunks.iter_mut().for_each(|trunk| trunk.qualify = Some(seconds(900)));
    let mut world = World::open(setup);
    // A Monday; Sunday the 25th has the hour between two and three twice.
    let monday: DateTime<Utc> = "2026-10-19T00:00:00Z".parse().unwrap();
    world.set_clock(monday - world.clocks().wall);
    let mut office = Office::open(&mut world);
    let (mut callers, mut seen) = (Vec::new(), BTreeMap::<Fault, u32>::new());
    for hour in 0..HOURS {
        let fault = fault_of(hour);
        if let Some(fault) = fault {
            *seen.entry(fault).or_default() += 1;
        }
        // A rough network for a third of the time.
        let lost = if hour % 3 == 0 { 10 } else { 0 };
        world.set_network(NetworkSettings { lost, doubled: lost / 2, delay_ms: (0, 40) });
        match fault {
            Some(Fault::DatabaseLocked) => office.lock(),
            Some(Fault::DiskFull) => world.media.disk_is_full = true,
            Some(Fault::NoPorts) => world.media.refuses_ports = true,
            Some(Fault::TrunkGone) => world.peers[0].gone = true,
            Some(Fault::PhoneGone) => world.peers[1].gone = true,
            Some(Fault::ClockAhead) => world.set_clock(TimeDelta::hours(1)),
            Some(Fault::ClockBack) => world.set_clock(TimeDelta::hours(-1)),
            Some(Fault::Killed) | None => {}
        }
        for phone in ["801", "802"] {
            world.register(phone, 3700);
        }
        for call in 0..CALLS_AN_HOUR {
            world.run_for(lot.random_range(1.0..800.0));
            let answers = lot.random_range(0.5..30.0);
            world.script("801", &[(0.1, Move::Ring), (answers, Move::Answer)]);
            world.script("duty1", &[(0.2, Move::Ring), (3.0, Move::Answer), (5.0, Move::Press('1'))]);
            let number = format!("139{:08}", hour * 100 + call);
            let hangs_up = lot.random_range(2.0..200.0);
            callers
                .push((number.clone(), world.call("trunk", &number, HOTLINE, &[(hangs_up, Move::HangUp)])));
            if fault == Some(Fault::Killed) && call == 1 {
                world.run_for(lot.random_range(0.0..60.0));
                office.kill(&mut world);
                for phone in ["801", "802"] {
                    world.register(phone, 3700);
                }
            }
        }
        world.run_to(f64::from(hour + 1) * 3600.0);
        match fault {
            Some(Fault::DatabaseLocked) => office.unlock(),
            Some(Fault::DiskFull) => world.media.disk_is_full = false,
            Some(Fault::NoPorts) => world.media.refuses_ports = false,
            Some(Fault::TrunkGone | Fault::PhoneGone) => {
                world.peers.iter_mut().for_each(|peer| peer.gone = false);
            }
            Some(Fault::ClockAhead | Fault::ClockBack | Fault::Killed) | None => {}
        }
        office.settle(&world);
    }
    world.run_for(3600.0);
    office.settle(&world);
    assert_eq!(seen.len(), 8, "every kind of fault: {seen:?}");
    assert!(office.failures >= 7, "the lock was never noticed: {}", office.failures);
    check(&world, &office, &callers);
}

fn check(world: &World, office: &Office, callers: &[(String, crate::world::CallKey)]) {
    let kept = office.tickets();
    let mut wrong = world.store.faults.clone();
    for (id, revision) in &office.acknowledged {
        match kept.get(id) {
            None => wrong.push(format!("{id} was acknowledged and is gone")),
            Some(row) if row.revision < *revision => wrong.push(format!("{id} went back in time")),
            Some(_) => {}
        }
    }
    for (id, ticket) in &world.store.tickets {
        let Some(row) = kept.get(id) else { continue };
        let verdict = |ticket: &Ticket| ticket.recording.as_ref().map(|recording| recording.verdict.clone());
        if ticket.ended.is_some() && (row.outcome != ticket.outcome || verdict(row) != verdict(ticket)) {
            wrong.push(format!("{id} is not as its call left it"));
        }
    }
    for ticket in kept.values() {
        if ticket.ended.is_none() || ticket.outcome.is_none() || ticket.recording.is_none() {
            wrong.push(format!("{} was never closed", ticket.id));
        }
    }
    // Whoever was answered has exactly one ticket, and it says so, or that the daemon died.
    let mut by_caller = BTreeMap::<&str, Vec<&Ticket>>::new();
    for ticket in kept.values() {
        by_caller
            .entry(ticket.caller.as_ref().map_or("", |number| number.reveal()))
            .or_default()
            .push(ticket);
    }
    let (mut answered, mut interrupted, mut unwritten) = (0, 0, 0);
    for (number, call) in callers {
        let theirs = by_caller.get(number.as_str()).map_or(&[][..], Vec::as_slice);
        let heard = &world.peers[call.peer].calls[&call.usage];
        match theirs {
            [] if !heard.answered => {}
            [ticket] => match ticket.outcome {
                Some(Outcome::AnsweredByDesk | Outcome::AnsweredByMobile) => answered += 1,
                Some(Outcome::Interrupted) => interrupted += 1,
                Some(_) | None => {}
            },
            others => wrong.push(format!("{number} has {} tickets", others.len())),
        }
        unwritten += theirs
            .iter()
            .filter(|ticket| {
                ticket.recording.as_ref().is_some_and(|kept| matches!(kept.verdict, Verdict::Failed(_)))
            })
            .count();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for offset in [7200, 3600] {
        let dated = |ticket: &Ticket| ticket.received.offset().local_minus_utc() == offset;
        assert!(kept.values().any(dated), "no call at this side of the DST night: {offset} s");
    }
    assert!(answered > 300 && interrupted > 0 && unwritten > 0, "{answered} {interrupted} {unwritten}");
}
