//! A world in virtual time: the whole [`Switch`], phones, a carrier and strangers around it, a network
//! that loses, doubles and delays by seed, a media room and a store. No socket, no sleep: a day passes
//! in milliseconds. What happened is a ladder of text, and the tickets that were saved.
//!
//! Reading starts at [`World::open`]; a scenario then gives scripts ([`World::script`]), lets somebody
//! call ([`World::call`]) and looks at [`World::finish`].

mod ladder;
mod media;
mod peer;
mod play;
mod setup;
mod store;
mod watch;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hotlined::{
    desk::ticket::Ticket,
    sip::{
        hop::{Hop, ListenerId, Transport},
        ua::UsageId,
    },
    store::writer::Writer,
    switch::{
        Input, Notice, Now, Order, Output, Switch,
        media::{MediaCommand, MediaFact, MediaId},
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::{
    ladder::{Ladder, Rung},
    media::MediaRoom,
    store::{Store, summary},
};
pub(crate) use self::{
    peer::{Move, Peer},
    setup::{HOTLINE, NetworkSettings, Setup, TRUNK, US, password, phone, seconds},
};

/// More turns than this within one instant mean that something turns for ever.
const TURNS_AT_ONCE: u32 = 20_000;

pub(crate) struct World {
    pub(crate) switch: Switch,
    pub(crate) setup: Setup,
    pub(crate) peers: Vec<Peer>,
    pub(crate) media: MediaRoom,
    pub(crate) store: Store,
    pub(crate) notices: Vec<Notice>,
    pub(crate) ladder: Ladder,
    /// What names resolve to, by trunk.
    pub(crate) addresses: BTreeMap<String, Vec<SocketAddr>>,
    network: NetworkSettings,
    /// The next message between these that begins with these words is lost.
    to_lose: Vec<Rung>,
    chance: ChaCha8Rng,
    base: Instant,
    /// The ladder's second 0.
    origin: Instant,
    now: Instant,
    queue: BTreeMap<(Instant, u64), Happening>,
    queued: u64,
    turns: u32,
    /// By how much the wall clock was set.
    clock_set: TimeDelta,
    restarts: u64,
    /// The real store, for scenarios that are about it.
    pub(crate) writer: Option<Writer>,
    /// Keys that ever watched.
    watches: u64,
    /// By number, to tell calls at the carrier apart.
    mobiles: BTreeMap<String, String>,
}

/// Something that is going to happen.
#[derive(Debug)]
enum Happening {
    ToUs { hop: Hop, bytes: Bytes },
    ToPeer { peer: usize, bytes: Bytes },
    Media(MediaFact),
    Numbers { day: NaiveDate, from: u32, to: u32 },
    Resolved { trunk: String },
    Deed(MediaId),
    Move { peer: usize, usage: UsageId, what: Move },
}

/// One call of a peer, to make it do something later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallKey {
    pub(crate) peer: usize,
    pub(crate) usage: UsageId,
}

impl World {
    /// Opens the house and lets its phones register; then the ladder begins, at second 0.
    pub(crate) fn open(setup: Setup) -> Self {
        let mut world = Self::closed(setup);
        let names: Vec<_> = world.setup.registered.clone();
        for name in names {
            world.register(name, 3600);
        }
        world.run_for(1.0);
        world.begin();
        world
    }

    /// The same before anything has happened.
    pub(crate) fn closed(setup: Setup) -> Self {
        #[expect(clippy::disallowed_methods, reason = "any instant will do as the start of virtual time")]
        let base = Instant::now();
        let mut seed = [3; 32];
        seed[..8].copy_from_slice(&setup.seed.to_le_bytes());
        let house = Arc::new(setup.house.clone());
        let passwords = setup::passwords(&house);
        let now = now_at(base, base);
        let mut world = Self {
            switch: Switch::new(setup.settings.clone(), house, passwords, seed, now),
            peers: Vec::new(),
            media: MediaRoom::default(),
            store: Store::default(),
            notices: Vec::new(),
            ladder: Ladder::default(),
            addresses: BTreeMap::new(),
            network: NetworkSettings { lost: 0, doubled: 0, delay_ms: (0, 0) },
            to_lose: Vec::new(),
            chance: ChaCha8Rng::seed_from_u64(setup.seed),
            base,
            origin: base,
            now: base,
            queue: BTreeMap::new(),
            queued: 0,
            turns: 0,
            clock_set: TimeDelta::zero(),
            restarts: 0,
            writer: None,
            watches: 0,
            mobiles: setup
                .house
                .mobiles
                .iter()
                .map(|mobile| (mobile.number.reveal().clone(), mobile.name.clone()))
                .collect(),
            setup,
        };
        let address: SocketAddr = TRUNK.parse().unwrap();
        world.peers.push(Peer::new("trunk", address, world.setup.seed));
        for (index, phone) in world.setup.house.phones.clone().iter().enumerate() {
            let last = 81 + u8::try_from(index).unwrap();
            world.add_phone(&phone.name, &phone.name, SocketAddr::from(([192, 0, 2, last], 5060)));
        }
        world
    }

    /// Ends the prologue: time counts, and shows, from here on, and the network shows its temper.
    pub(crate) fn begin(&mut self) {
        self.ladder.clear();
        self.origin = self.now;
        self.network = self.setup.network;
    }

    /// Somebody sets the wall clock, by so much; the monotonic one does not care.
    pub(crate) fn set_clock(&mut self, by: TimeDelta) {
        self.clock_set += by;
    }

    pub(crate) fn set_network(&mut self, network: NetworkSettings) {
        self.network = network;
    }

    /// The daemon is killed and started again: calls are forgotten, what the store kept is not.
    pub(crate) fn restart(&mut self) {
        self.restarts += 1;
        let mut seed = [3; 32];
        seed[..8].copy_from_slice(&(self.setup.seed + 1_000 * self.restarts).to_le_bytes());
        let house = Arc::new(self.setup.house.clone());
        let (passwords, now) = (setup::passwords(&house), self.clocks());
        self.switch = Switch::new(self.setup.settings.clone(), house, passwords, seed, now);
        self.switch.restore(self.store.bindings.values().cloned().collect(), None, now);
        self.media = MediaRoom::default();
        self.queue.retain(|_, coming| !matches!(coming, Happening::Media(_) | Happening::Numbers { .. }));
        self.input(Input::DeadlinePassed);
    }

    /// What passed, and the tickets as they are saved.
    pub(crate) fn report(&self) -> String {
        self.store.tickets.values().fold(self.ladder.text(), |text, ticket| text + &summary(ticket))
    }

    /// Runs until every call is over and the network is silent, and proves that nothing is left.
    pub(crate) fn finish(&mut self) -> String {
        let patience = self.now + seconds(6 * 3600);
        while !self.is_quiet() && self.now < patience {
            self.run_for(1.0);
        }
        // Transactions that wait for retransmissions end 32 s after their last message.
        self.run_for(45.0);
        let report = self.report();
        let faults = self.faults();
        assert!(faults.is_empty(), "{}\n{report}", faults.join("\n"));
        report
    }

    /// Everything that is not as it must be when all calls are over.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = self.media.faults_at_the_end();
        faults.extend(self.store.faults.iter().cloned());
        if !self.switch.is_idle() {
            faults.push("a call never ended".to_owned());
        }
        if self.switch.usages() != 0 {
            faults.push(format!("{} dialogs of ours are left", self.switch.usages()));
        }
        for peer in self.peers.iter().filter(|peer| !peer.gone) {
            if peer.ua.usages() != 0 {
                faults.push(format!("{} has {} dialogs left", peer.name, peer.ua.usages()));
            }
        }
        for ticket in self.store.tickets.values() {
            if ticket.outcome.is_none() || ticket.ended.is_none() || ticket.recording.is_none() {
                faults.push(format!("{} was never closed", ticket.id));
            }
        }
        if let Some(Notice::CallBroken { ticket }) =
            self.notices.iter().find(|notice| matches!(notice, Notice::CallBroken { .. }))
        {
            faults.push(format!("{ticket}: the call broke"));
        }
        faults
    }

    /// No call and no message is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        let peers = self.peers.iter().filter(|peer| !peer.gone).all(|peer| peer.ua.usages() == 0);
        self.switch.is_idle() && self.switch.usages() == 0 && peers && self.queue.is_empty()
    }

    /// The one ticket that there is.
    pub(crate) fn ticket(&self) -> &Ticket {
        let mut tickets = self.store.tickets.values();
        let only = tickets.next().expect("there is a ticket");
        assert!(tickets.next().is_none(), "there are several tickets");
        only
    }

    pub(crate) fn order(&mut self, order: Order) {
        self.input(Input::Order(order));
    }

    /// Lets that many seconds pass.
    pub(crate) fn run_for(&mut self, time: f64) {
        self.run_until(self.now + Duration::from_secs_f64(time));
    }

    /// Lets time pass until that second of the ladder.
    pub(crate) fn run_to(&mut self, second: f64) {
        self.run_until(self.origin + Duration::from_secs_f64(second));
    }

    /// The ladder's second.
    pub(crate) fn second(&self) -> f64 {
        self.now.duration_since(self.origin).as_secs_f64()
    }

    fn run_until(&mut self, until: Instant) {
        loop {
            let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
            let ours = self.switch.deadline();
            let theirs = self.peers.iter().filter_map(|peer| peer.ua.deadline()).min();
            let Some(next) = [queued, ours, theirs].into_iter().flatten().min().filter(|at| *at <= until)
            else {
                break;
            };
            if next > self.now {
                self.turns = 0;
            }
            self.now = self.now.max(next);
            self.turns += 1;
            assert!(self.turns < TURNS_AT_ONCE, "turns for ever:\n{}", self.report());
            if queued == Some(next) {
                let happening = self.queue.pop_first().expect("it was there a moment ago").1;
                self.happen(happening);
            } else if ours == Some(next) {
                self.input(Input::DeadlinePassed);
            } else {
                for peer in 0..self.peers.len() {
                    if self.peers[peer].ua.deadline().is_some_and(|at| at <= self.now) {
                        self.peers[peer].ua.deadline_passed(self.now);
                        self.collect(peer);
                    }
                }
            }
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToUs { hop, bytes } => self.input(Input::Received { hop, bytes }),
            Happening::ToPeer { peer, bytes } => self.peer_hears(peer, &bytes),
            Happening::Media(fact) => self.input(Input::Media(fact)),
            Happening::Numbers { day, from, to } => self.input(Input::NumbersReserved { day, from, to }),
            Happening::Resolved { trunk } => {
                let addresses = self.addresses.get(&trunk).cloned().unwrap_or_default();
                self.input(Input::Resolved { trunk, addresses });
            }
            Happening::Deed(service) => self.input(Input::DeedDone { service, done: true }),
            Happening::Move { peer, usage, what } => self.act(CallKey { peer, usage }, what),
        }
    }

    fn soon(&mut self, after: Duration, happening: Happening) {
        self.queued += 1;
        self.queue.insert((self.now + after, self.queued), happening);
    }

    pub(crate) fn input(&mut self, input: Input) {
        let now = self.clocks();
        for output in self.switch.handle(input, now) {
            self.perform(output);
        }
    }

    /// Both clocks, as the switch reads them.
    pub(crate) fn clocks(&self) -> Now {
        let now = now_at(self.base, self.now);
        Now { wall: now.wall + self.clock_set, ..now }
    }

    fn perform(&mut self, output: Output) {
        let at = self.second();
        match output {
            Output::Send { hop, bytes } => self.we_send(hop, bytes),
            Output::Media(command) => {
                if let MediaCommand::Play { media, .. } | MediaCommand::StopPlaying { media } = command {
                    // What is cut off does not come to its end.
                    let played = |fact: &MediaFact| matches!(fact, MediaFact::Played { media: of, .. } if *of == media);
                    self.queue.retain(|_, coming| !matches!(coming, Happening::Media(fact) if played(fact)));
                }
                let reply = self.media.on(command, self.now);
                if let Some(words) = reply.words {
                    self.ladder.note(at, "media", &words);
                }
                for (after, fact) in reply.facts {
                    self.soon(after, Happening::Media(fact));
                }
            }
            Output::Save(change) => {
                if let Some(writer) = &self.writer {
                    writer.save((*change).clone());
                }
                for words in self.store.save(*change) {
                    self.ladder.note(at, "ticket", &words);
                }
            }
            Output::Outage(change) => {
                let words = format!("{:?} {:?}: {}", change.subject, change.edge, change.reason);
                self.ladder.note(at, "outage", &words);
                if let Some(writer) = &self.writer {
                    writer.outage(change.clone());
                }
                self.store.outages.push(change);
            }
            Output::SaveBindings(change) => {
                self.store.bindings.insert(change.phone.clone(), change);
            }
            Output::SaveAway(_) => {}
            Output::Deed { service, by, deed } => {
                self.ladder.note(at, "store", &format!("{deed:?} by {by}"));
                self.soon(Duration::ZERO, Happening::Deed(service));
            }
            Output::Trace { ticket, call_id } => self.store.traced(ticket, call_id),
            Output::Journal { ticket, journal } => self.store.journal(ticket, journal),
            Output::ReserveNumbers { day, count } => {
                let (from, to) = self.store.reserve(day, count);
                self.soon(Duration::ZERO, Happening::Numbers { day, from, to });
            }
            Output::Resolve { trunk, .. } => self.soon(Duration::ZERO, Happening::Resolved { trunk }),
            Output::Notice(notice) => self.notices.push(notice),
        }
    }

    fn we_send(&mut self, hop: Hop, bytes: Bytes) {
        let peer = self.peers.iter().position(|peer| peer.address == hop.remote);
        let name = peer.map_or("nobody", |peer| self.peers[peer].name.as_str()).to_owned();
        let arrives = self.fly("us", &name, &bytes);
        for after in arrives {
            if let Some(peer) = peer {
                self.soon(after, Happening::ToPeer { peer, bytes: bytes.clone() });
            }
        }
    }

    pub(crate) fn peer_sends(&mut self, peer: usize, bytes: Bytes) {
        let Peer { name, address, gone, .. } = &self.peers[peer];
        if *gone {
            return;
        }
        let hop = Hop { transport: Transport::Udp, listener: ListenerId(0), remote: *address, flow: None };
        let name = name.clone();
        for after in self.fly(&name, "us", &bytes) {
            self.soon(after, Happening::ToUs { hop, bytes: bytes.clone() });
        }
    }

    /// Shows a message, and says after which times its copies arrive.
    fn fly(&mut self, from: &str, to: &str, bytes: &Bytes) -> Vec<Duration> {
        let rung = self.ladder.rung(from, to, bytes, &self.mobiles);
        let told = self.to_lose.iter().position(|lose| {
            lose.from == rung.from && lose.to == rung.to && rung.words.starts_with(&lose.words)
        });
        let lost = match told {
            Some(index) => {
                self.to_lose.remove(index);
                true
            }
            None => self.chance.random_range(0..100) < self.network.lost,
        };
        self.ladder.sent(self.second(), &rung, if lost { " (lost)" } else { "" });
        if lost {
            return Vec::new();
        }
        let copies = 1 + usize::from(self.chance.random_range(0..100) < self.network.doubled);
        let (least, most) = self.network.delay_ms;
        (0..copies).map(|_| Duration::from_millis(self.chance.random_range(least..=most))).collect()
    }

    /// The next message between these that begins with `words` is lost.
    pub(crate) fn lose(&mut self, from: &str, to: &str, words: &str) {
        let (from, to, words) = (from.to_owned(), to.to_owned(), words.to_owned());
        self.to_lose.push(Rung { from, to, words, request: String::new() });
    }
}

fn now_at(base: Instant, at: Instant) -> Now {
    // A Monday, nine in the morning in Shanghai.
    let start: DateTime<Utc> = "2026-11-23T01:00:00Z".parse().unwrap();
    let passed = TimeDelta::from_std(at.duration_since(base)).unwrap();
    Now { mono: at, wall: start + passed }
}
