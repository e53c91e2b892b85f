//! The exchange: joins SIP to calls. Who registers where, which trunk is up, which dialog is which leg
//! of which call. Pure: inputs and the time go in, outputs come out, in order per destination.
//! It never decides what becomes of a call (that is [`crate::call`]'s), awaits, locks or logs.
//!
//! Reading starts at [`Switch::handle`]. A SIP fact is sorted in `facts.rs`; a new INVITE is met in
//! `incoming.rs`, which opens its ticket; what its call orders is carried out in `orders.rs`; the edge
//! of the house (REGISTER, trunks, OPTIONS) lives in `edge.rs`.

mod away;
mod caller;
mod dialling;
mod edge;
mod facts;
mod gate;
mod identity;
mod incoming;
mod leg;
pub mod media;
mod moment;
mod numbers;
mod orders;
mod outgoing;
mod queue;
mod recognition;
mod recording;
mod redial;
pub mod registrar;
mod service;
pub mod settings;
pub mod status;
mod subscriptions;
mod transfer;
mod trunk;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use chrono::NaiveDate;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use self::moment::Now;
use self::{
    gate::Gate,
    leg::{Closing, LiveCall},
    media::{MediaCommand, MediaFact, MediaId},
    moment::Moment,
    numbers::Numbers,
    redial::Redials,
    registrar::{BindingChange, BindingKey, Registrar},
    service::ServiceCall,
    settings::{Passwords, Server, SwitchSettings, Voice},
    subscriptions::Subscriptions,
    trunk::Trunk,
};
use crate::{
    call::{
        house::House,
        journal::Journal,
        machine::{Event, LegIndex},
        service::Deed,
        staffing::Away,
    },
    desk::{
        directory::Directory,
        number::Number,
        outage::OutageChange,
        ticket::{TicketChange, TicketId, Verdict},
    },
    sip::{
        hop::{FlowId, Hop, Transport},
        message_summary::Mailbox,
        ua::{self, ClientId, UsageId, UserAgent},
    },
};

/// What the switch hears.
#[derive(Debug)]
pub enum Input {
    /// A datagram, or one whole message of a stream.
    Received {
        hop: Hop,
        bytes: Bytes,
    },
    /// A message to that hop could not be sent.
    SendFailed {
        hop: Hop,
    },
    FlowClosed {
        flow: FlowId,
    },
    /// The answer to [`Output::Resolve`]: addresses in order of preference, empty where there are none.
    Resolved {
        trunk: String,
        addresses: Vec<SocketAddr>,
    },
    Media(MediaFact),
    /// Ticket numbers `from..=to` of that day have been put aside.
    NumbersReserved {
        day: NaiveDate,
        from: u32,
        to: u32,
    },
    /// The residents' list, new.
    Directory(Arc<Directory>),
    /// New house rules.
    House {
        house: Arc<House>,
        passwords: Passwords,
        voice: Voice,
    },
    /// What came of an [`Output::Deed`].
    DeedDone {
        service: MediaId,
        done: bool,
    },
    /// How many messages of callers there are, for the lamp.
    Mailbox(Mailbox),
    /// What a person ordered at the console or on the command line.
    Order(Order),
    DeadlinePassed,
}

/// What a person orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The desk is empty: hotline calls go to the mobile. Without an end it is the shift's, where
    /// the house says so.
    Away { by: String, until: Option<crate::desk::ticket::LocalTime> },
    /// Somebody sits at the desk again.
    Back { by: String },
    /// End that call.
    End { ticket: TicketId },
    /// The daemon stops: end every call, take no other.
    Leave,
}

/// What is to be done, in order per destination (one peer, media, store).
#[derive(Debug)]
pub enum Output {
    Send {
        hop: Hop,
        bytes: Bytes,
    },
    Media(MediaCommand),
    Save(Box<TicketChange>),
    /// The messages of this dialog belong to the ticket, those that are still to come and the INVITE that
    /// has just come.
    Trace {
        ticket: TicketId,
        /// SIP's.
        call_id: String,
    },
    /// The call is over; what its machine saw. `None`: it was refused before a machine ran.
    Journal {
        ticket: TicketId,
        journal: Option<Box<Journal>>,
    },
    Outage(OutageChange),
    SaveBindings(BindingChange),
    SaveAway(Option<Away>),
    /// What a star code changes in the database; answered by [`Input::DeedDone`].
    Deed {
        service: MediaId,
        /// The phone.
        by: String,
        deed: Deed,
    },
    /// Answered by [`Input::NumbersReserved`], however long the store needs.
    ReserveNumbers {
        day: NaiveDate,
        count: u32,
    },
    /// SRV, then A and AAAA (RFC 3263); answered by [`Input::Resolved`].
    Resolve {
        trunk: String,
        servers: Vec<Server>,
        transport: Transport,
    },
    Notice(Notice),
}

/// Something that log and event stream must hear, and no ticket tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    TrunkUp {
        trunk: String,
        reason: String,
    },
    TrunkDown {
        trunk: String,
        reason: String,
    },
    PhoneReachable {
        phone: String,
    },
    PhoneLost {
        phone: String,
        reason: String,
    },
    /// A trunk delivered a number that no hotline has.
    UnknownNumber {
        trunk: String,
        dialled: Number,
    },
    /// A request of nobody we know was refused.
    Stranger {
        remote: SocketAddr,
        method: String,
    },
    /// Too many wrong passwords from there; it is ignored for a while.
    Banned {
        remote: SocketAddr,
    },
    /// That trunk refuses calls under other numbers than its own: they go out under its own from now on.
    OwnNumberOnly {
        trunk: String,
    },
    /// A desk phone dialled what the house does not allow.
    NotAllowed {
        phone: String,
        dialled: Number,
        why: String,
    },
    /// What became of a call's recording.
    Recorded {
        ticket: TicketId,
        verdict: Verdict,
    },
    /// The call machine of that ticket had a bug; the call was ended.
    CallBroken {
        ticket: TicketId,
    },
}

/// A question of ours outside any call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// REGISTER or OPTIONS of the trunk at that place.
    Trunk(usize),
    /// OPTIONS to a phone's contact.
    Binding(BindingKey),
}

/// The machine. See the module's documentation.
#[derive(Debug)]
pub struct Switch {
    settings: SwitchSettings,
    house: Arc<House>,
    /// Who has which number; empty until it was handed in.
    directory: Arc<Directory>,
    ua: UserAgent,
    chance: ChaCha8Rng,
    gate: Gate,
    registrar: Registrar,
    trunks: Vec<Trunk>,
    numbers: Numbers,
    away: Option<Away>,
    /// When `away` ends by itself.
    away_ends: Option<Instant>,
    lamps: Subscriptions,
    /// Calls of phones to star codes, by their ports.
    services: BTreeMap<MediaId, ServiceCall>,
    /// The last hotline call that each phone answered.
    last_calls: BTreeMap<String, TicketId>,
    calls: BTreeMap<TicketId, LiveCall>,
    /// Calls that are over and wait for their recording's report.
    closing: BTreeMap<TicketId, Closing>,
    usages: HashMap<UsageId, (TicketId, LegIndex)>,
    media: HashMap<MediaId, (TicketId, LegIndex)>,
    asked: HashMap<ClientId, Asked>,
    /// Every call's deadline, so that the next one is found without asking all.
    deadlines: BTreeSet<(Instant, TicketId)>,
    /// Facts for calls, in order, until none is left.
    events: VecDeque<(TicketId, Event)>,
    /// Calls that something was noted on in this turn.
    touched: BTreeSet<TicketId>,
    /// When each phone last called out, for the hourly cap.
    calls_out: BTreeMap<String, VecDeque<Instant>>,
    reached: BTreeMap<String, bool>,
    last_media: u64,
    last_play: u64,
    /// Calls that have been in the queue, in the order in which they came.
    queued: BTreeSet<TicketId>,
    redials: Redials,
    /// Trunks that take no other caller's number than their own.
    own_number_only: BTreeSet<String>,
    /// Our token in User-to-User (`decisions.md` 9).
    token: String,
    /// The daemon stops: no new calls.
    leaving: bool,
    /// The last recording could not be written whole.
    disk_failed: bool,
    out: Vec<Output>,
}

impl Switch {
    /// `seed` is all the chance there is: the same seed and inputs give the same outputs.
    pub fn new(
        settings: SwitchSettings,
        house: Arc<House>,
        passwords: Passwords,
        seed: [u8; 32],
        now: Now,
    ) -> Self {
        let mut chance = ChaCha8Rng::from_seed(seed);
        let now = Moment::new(now, zone(&house));
        let trunks = settings.trunks.iter().map(|t| Trunk::new(t.clone(), now)).collect();
        let token = format!("{:016x}", rand::RngExt::random::<u64>(&mut chance));
        Self {
            ua: UserAgent::new(settings.ua.clone(), rand::RngExt::random(&mut chance)),
            gate: Gate::new(&settings.realm, settings.guard, passwords, rand::RngExt::random(&mut chance)),
            registrar: Registrar::new(settings.registrar, settings.qualify),
            trunks,
            numbers: Numbers::new(settings.number_block),
            away: None,
            away_ends: None,
            lamps: Subscriptions::new(settings.subscriptions),
            directory: Arc::default(),
            services: BTreeMap::new(),
            last_calls: BTreeMap::new(),
            calls: BTreeMap::new(),
            closing: BTreeMap::new(),
            usages: HashMap::new(),
            media: HashMap::new(),
            asked: HashMap::new(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
            touched: BTreeSet::new(),
            calls_out: BTreeMap::new(),
            reached: BTreeMap::new(),
            last_media: 0,
            last_play: 0,
            queued: BTreeSet::new(),
            redials: Redials::default(),
            own_number_only: BTreeSet::new(),
            token,
            leaving: false,
            disk_failed: false,
            out: Vec::new(),
            chance,
            house,
            settings,
        }
    }

    /// Takes back what the store kept over a restart.
    pub fn restore(&mut self, bindings: Vec<BindingChange>, away: Option<Away>, now: Now) {
        let now = Moment::new(now, zone(&self.house));
        for change in bindings {
            self.registrar.restore(change, now);
        }
        self.away = away;
        self.watch_away(now);
        self.reached =
            self.house.phones.iter().map(|p| (p.name.clone(), self.is_reachable(&p.name))).collect();
    }

    /// Takes in one input and answers with what to do about it.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Output> {
        let now = Moment::new(now, zone(&self.house));
        match input {
            Input::Received { hop, bytes } => {
                if self.knows(hop) || self.gate.admits(hop.remote.ip(), now.mono) {
                    self.ua.receive(hop, &bytes, now.mono);
                }
            }
            Input::SendFailed { hop } => self.ua.send_failed(hop, now.mono),
            Input::FlowClosed { flow } => {
                self.registrar.flow_closed(flow, now);
                self.ua.flow_closed(flow, now.mono);
            }
            Input::Resolved { trunk, addresses } => {
                if let Some(index) = self.trunks.iter().position(|t| t.settings.name == trunk) {
                    self.trunk_hears(index, trunk::Event::Resolved { addresses }, now);
                }
            }
            Input::Media(fact) => self.media_fact(fact, now),
            Input::NumbersReserved { day, from, to } => self.numbers.reserved(day, from, to),
            Input::House { house, passwords, voice } => {
                self.house = house;
                self.settings.voice = voice;
                self.own_number_only.clear();
                self.gate.set_passwords(passwords);
            }
            Input::DeedDone { service, done } => self.deed_done(service, done, now),
            Input::Mailbox(mailbox) => self.lamps.set_mailbox(mailbox),
            Input::Directory(directory) => self.directory = directory,
            Input::Order(order) => self.order(order, now),
            Input::DeadlinePassed => self.deadlines_passed(now),
        }
        self.settle(now);
        std::mem::take(&mut self.out)
    }

    /// Whether a trunk or a registered phone sends from there. Nobody else's noise keeps them out.
    fn knows(&self, hop: Hop) -> bool {
        self.trunks.iter().any(|trunk| trunk.owns(hop.remote)) || self.registrar.has(hop.remote.ip())
    }

    /// When [`Input::DeadlinePassed`] is wanted next.
    pub fn deadline(&self) -> Option<Instant> {
        let calls = self.deadlines.first().map(|(at, _)| *at);
        let trunks = self.trunks.iter().filter_map(Trunk::deadline).min();
        let services = self.services.values().filter_map(|service| service.deadline()).min();
        let edge = [self.ua.deadline(), self.registrar.deadline(), self.away_ends, services];
        edge.into_iter().chain([calls, trunks]).flatten().min()
    }

    /// Lets every fact have its consequences, and theirs, until nothing is left to do.
    fn settle(&mut self, now: Moment) {
        loop {
            let outputs = self.ua.take_outputs();
            if outputs.is_empty() {
                match self.events.pop_front() {
                    Some((ticket, event)) => self.call_hears(ticket, event, now),
                    None if self.serve_queue() => {}
                    None => break,
                }
            }
            for output in outputs {
                match output {
                    ua::Output::Send { hop, bytes } => self.out.push(Output::Send { hop, bytes }),
                    ua::Output::Fact(fact) => self.sip_fact(fact, now),
                }
            }
        }
        self.watch_phones(now);
        self.show_lamps(now);
        // The NOTIFYs just made; they bring no facts.
        for output in self.ua.take_outputs() {
            match output {
                ua::Output::Send { hop, bytes } => self.out.push(Output::Send { hop, bytes }),
                ua::Output::Fact(fact) => self.sip_fact(fact, now),
            }
        }
        for (day, count) in self.numbers.wanted(now.wall.date_naive()) {
            self.out.push(Output::ReserveNumbers { day, count });
        }
        self.save_touched();
    }

    fn deadlines_passed(&mut self, now: Moment) {
        self.ua.deadline_passed(now.mono);
        self.edge_deadlines(now);
        self.away_deadline(now);
        self.services_due(now);
        while let Some((at, ticket)) = self.deadlines.first().copied() {
            if at > now.mono {
                break;
            }
            self.deadlines.pop_first();
            if self.calls.contains_key(&ticket) {
                self.events.push_back((ticket, Event::DeadlinePassed));
            } else {
                self.recorder_is_late(ticket, now);
            }
        }
    }

    fn order(&mut self, order: Order, now: Moment) {
        match order {
            Order::Away { by, until } => {
                self.go_away(by, until, now);
            }
            Order::Back { by: _ } => {
                self.come_back(now);
            }
            Order::End { ticket } => self.events.push_back((ticket, Event::EndOrdered)),
            Order::Leave => {
                self.leaving = true;
                self.end_services(now);
                self.events.extend(self.calls.keys().map(|ticket| (*ticket, Event::EndOrdered)));
            }
        }
    }

    /// Whether nothing is left to wait for before the daemon may stop.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.closing.is_empty() && self.services.is_empty()
    }

    /// How many dialogs, or attempts at one, live; for the figures.
    pub fn usages(&self) -> usize {
        self.ua.usages()
    }

    /// How many lamps are watched, for the figures.
    pub fn subscriptions(&self) -> usize {
        self.ua.subscriptions()
    }

    /// Whether that call is in progress.
    pub fn has_call(&self, ticket: TicketId) -> bool {
        self.calls.contains_key(&ticket)
    }

    /// The desk's own wall clock.
    pub fn local_time(&self, now: Now) -> crate::desk::ticket::LocalTime {
        Moment::new(now, zone(&self.house)).wall
    }
}

/// The desk's time zone.
fn zone(house: &House) -> chrono_tz::Tz {
    house.rota.zone.unwrap_or(chrono_tz::Asia::Shanghai)
}
