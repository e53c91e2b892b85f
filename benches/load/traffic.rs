//! The generator: one thread, one epoll, one list of what is due. It plays the carrier and the desk
//! phone of every call, and the voices of both sides.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{SocketAddr, UdpSocket},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, Event, EventData, EventFlags},
    },
};

use crate::{
    sip,
    voice::{self, Tally, Voice},
};

/// Epoll's numbers below are voices.
const CARRIER: u64 = u64::MAX;
const PHONE: u64 = u64::MAX - 1;

/// How long the desk rings: long enough that its 180 has gone its way.
const RINGS: Duration = Duration::from_millis(20);

/// How many calls, how fast, how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) calls: usize,
    pub(crate) every: Duration,
    pub(crate) talk: Talk,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Talk {
    /// The caller hangs up after so long; nobody speaks.
    Mute(Duration),
    /// Both sides send so many packets, then the caller hangs up.
    Voice(u32),
}

/// What the generator knows of one call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) invited: Option<Instant>,
    pub(crate) rung: Option<Instant>,
    pub(crate) answered: Option<Instant>,
    pub(crate) hung_up: Option<Instant>,
    pub(crate) failed: Option<String>,
    /// Remote target and To of the carrier's dialog.
    dialog: Option<(String, String)>,
    /// The INVITE that rang the desk.
    desk: Option<String>,
    picked_up: bool,
    acknowledged: bool,
    caller_done: bool,
    desk_done: bool,
}

impl Call {
    fn is_over(&self) -> bool {
        self.failed.is_some() || self.caller_done && self.desk_done
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    Invite(usize),
    PickUp(usize),
    Packet(usize),
    HangUp(usize),
    Second,
}

/// Carrier, phone and voices.
#[derive(Debug)]
pub(crate) struct Traffic {
    carrier: UdpSocket,
    phone: UdpSocket,
    pub(crate) daemon: SocketAddr,
    epoll: OwnedFd,
    /// How often the phone was started.
    boots: usize,
    /// Keeps the calls of two runs apart.
    run: String,
    /// When it began.
    begun: Instant,
    plan: Plan,
    pub(crate) calls: Vec<Call>,
    /// Two a call: the caller's, then the desk's.
    pub(crate) voices: Vec<Voice>,
    due: BinaryHeap<Reverse<(Instant, Job)>>,
    pub(crate) tally: Tally,
}

impl Traffic {
    /// Opens the sockets of carrier and phone, and finds a port for the daemon.
    pub(crate) fn new() -> Self {
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            socket.set_nonblocking(true).expect("a socket of our own");
            // Where a larger buffer is not allowed, the kernel's own must do.
            let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
            socket
        };
        let (carrier, phone, free) = (socket(), socket(), socket());
        let daemon = free.local_addr().expect("a bound socket");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
        epoll::add(&epoll, &carrier, EventData::new_u64(CARRIER), EventFlags::IN).expect("a watched socket");
        epoll::add(&epoll, &phone, EventData::new_u64(PHONE), EventFlags::IN).expect("a watched socket");
        Self {
            carrier,
            phone,
            daemon,
            epoll,
            boots: 0,
            run: String::new(),
            begun: Instant::now(),
            plan: Plan { calls: 0, every: Duration::ZERO, talk: Talk::Voice(0) },
            calls: Vec::new(),
            voices: Vec::new(),
            due: BinaryHeap::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn carrier_address(&self) -> SocketAddr {
        self.carrier.local_addr().expect("a bound socket")
    }

    fn phone_address(&self) -> SocketAddr {
        self.phone.local_addr().expect("a bound socket")
    }

    /// Registers the phone, and waits until the daemon is there to do so.
    pub(crate) fn register(&mut self) {
        self.boots += 1;
        let mut challenge: Option<String> = None;
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience {
            let request = sip::register(self.boots, self.phone_address(), self.daemon, challenge.as_deref());
            // Nobody listens until the daemon does.
            let _ = self.phone.send_to(request.as_bytes(), self.daemon);
            std::thread::sleep(Duration::from_millis(20));
            let mut bytes = [0; 4096];
            while let Ok((length, from)) = self.phone.recv_from(&mut bytes) {
                let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
                if message.starts_with("SIP/2.0 401") {
                    challenge = Some(message);
                } else if message.starts_with("SIP/2.0 200") {
                    return;
                } else if message.starts_with("OPTIONS") {
                    self.say(
                        &self.phone,
                        &sip::answer(&message, "200 OK", "o", self.phone_address(), None),
                        from,
                    );
                }
            }
        }
        panic!("the phone cannot register");
    }

    /// Everybody talks straight to each other: the floor of this machine at this moment.
    pub(crate) fn talk_directly(&mut self, pairs: usize, packets: u32) {
        self.begin(String::new(), Plan { calls: pairs, every: Duration::ZERO, talk: Talk::Voice(packets) });
        let start = Instant::now() + Duration::from_millis(10);
        for number in 0..self.voices.len() {
            let target = self.voices[number ^ 1].address();
            self.voices[number].aim(target);
            let at = self.turn_of(number, start);
            self.voices[number].begin_at(at);
            self.packet_due(number);
        }
        self.run_until(start + voice::PTIME * packets + Duration::from_millis(100), |_| false, || {});
    }

    /// Makes the calls of a plan ready to run; the figures of an earlier run are forgotten.
    fn begin(&mut self, run: String, plan: Plan) {
        self.run = run;
        self.begun = Instant::now();
        self.plan = plan;
        self.calls = (0..plan.calls).map(|_| Call::default()).collect();
        self.due.clear();
        self.tally = Tally::default();
        let voices = if matches!(plan.talk, Talk::Voice(_)) { 2 * plan.calls } else { 2 };
        self.voices = (0..voices).map(Voice::new).collect();
        for (number, voice) in (0..).zip(&self.voices) {
            epoll::add(&self.epoll, &voice.socket, EventData::new_u64(number), EventFlags::IN)
                .expect("a watched socket");
        }
    }

    /// Sets up the calls of a plan and runs until `until` after the last one began, or until all are over.
    pub(crate) fn call(&mut self, run: &str, plan: Plan, until: Duration, each_second: impl FnMut()) {
        self.begin(run.to_owned(), plan);
        let start = Instant::now() + Duration::from_millis(10);
        for call in 0..plan.calls {
            self.due.push(Reverse((start + plan.every * call as u32, Job::Invite(call))));
        }
        self.due.push(Reverse((start, Job::Second)));
        let end = start + plan.every * plan.calls as u32 + until;
        self.run_until(end, |calls| calls.iter().all(Call::is_over), each_second);
    }

    /// One call whose INVITE is sent every few milliseconds until somebody answers it, then set up and
    /// torn down as always.
    pub(crate) fn knock(&mut self, run: &str, plan: Plan, patience: Duration) {
        self.begin(run.to_owned(), plan);
        let start = Instant::now();
        for again in 0..500 {
            self.due.push(Reverse((start + Duration::from_millis(4 * again), Job::Invite(0))));
        }
        self.run_until(start + patience, |calls| calls.iter().all(Call::is_over), || {});
    }

    fn run_until(&mut self, end: Instant, done: impl Fn(&[Call]) -> bool, mut each_second: impl FnMut()) {
        let mut events: Vec<Event> = Vec::with_capacity(256);
        let mut look = Instant::now();
        loop {
            let mut now = Instant::now();
            while self.due.peek().is_some_and(|Reverse((at, _))| *at <= now) {
                let Some(Reverse((at, job))) = self.due.pop() else { break };
                if job == Job::Second {
                    each_second();
                    self.due.push(Reverse((at + Duration::from_secs(1), job)));
                } else {
                    self.perform(job);
                }
                now = Instant::now();
            }
            if now >= look {
                look = now + Duration::from_millis(20);
                if now >= end || done(&self.calls) {
                    return;
                }
            }
            let next = self.due.peek().map_or(look, |Reverse((at, _))| (*at).min(look));
            let wait = next.saturating_duration_since(now);
            let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait)).expect("an epoll");
            for event in &events {
                match event.data.u64() {
                    CARRIER => self.carrier_hears(),
                    PHONE => self.phone_hears(),
                    number => self.voice_hears(number as usize),
                }
            }
        }
    }

    fn voice_hears(&mut self, number: usize) {
        let pair = number & !1;
        let (left, right) = self.voices.split_at_mut(pair + 1);
        let (Some(left), Some(right)) = (left.last_mut(), right.first_mut()) else { return };
        let (hears, other) = if number == pair { (left, right) } else { (right, left) };
        hears.receive(other, &mut self.tally);
    }

    fn perform(&mut self, job: Job) {
        let carrier = self.carrier_address();
        match job {
            // `knock` is heard.
            Job::Invite(call) if self.calls[call].desk.is_some() => {}
            Job::Invite(call) => {
                let rtp = self.voice_of(call, 0).address().port();
                let invite = sip::invite(&self.run, call, carrier, self.daemon, rtp);
                self.calls[call].invited = Some(Instant::now());
                self.say(&self.carrier, &invite, self.daemon);
            }
            Job::PickUp(call) => {
                self.calls[call].picked_up = true;
                self.answer_desk(call);
            }
            Job::Packet(number) => {
                self.voices[number].send(&mut self.tally);
                self.packet_due(number);
            }
            Job::HangUp(call) => {
                let Some((target, to)) = &self.calls[call].dialog else { return };
                let bye = sip::within("BYE", &self.run, call, carrier, target, to);
                self.say(&self.carrier, &bye, self.daemon);
                self.calls[call].hung_up = Some(Instant::now());
            }
            Job::Second => {}
        }
    }

    /// The next packet of a voice, or after its last one the end of its call.
    fn packet_due(&mut self, number: usize) {
        let (Talk::Voice(packets), Some(due)) = (self.plan.talk, self.voices[number].due()) else { return };
        if self.voices[number].sent() < packets {
            self.due.push(Reverse((due, Job::Packet(number))));
        } else if number % 2 == 1 {
            // What is still on its way must arrive before the end of the call.
            self.due.push(Reverse((due + Duration::from_millis(60), Job::HangUp(number / 2))));
        }
    }

    /// When a voice may begin, not before `from`: all voices are spread evenly over the time of a packet,
    /// as a hundred phones that know nothing of each other are.
    fn turn_of(&self, number: usize, from: Instant) -> Instant {
        let turn = self.begun + voice::PTIME * number as u32 / self.voices.len() as u32;
        let periods = from.saturating_duration_since(turn).as_nanos().div_ceil(voice::PTIME.as_nanos());
        turn + voice::PTIME * periods as u32
    }

    fn voice_of(&self, call: usize, side: usize) -> &Voice {
        if matches!(self.plan.talk, Talk::Voice(_)) {
            &self.voices[call * 2 + side]
        } else {
            &self.voices[side]
        }
    }

    fn say(&self, from: &UdpSocket, text: &str, to: SocketAddr) {
        from.send_to(text.as_bytes(), to).expect("the local network takes a datagram");
    }

    fn carrier_hears(&mut self) {
        let mut bytes = [0; 4096];
        while let Ok((length, from)) = self.carrier.recv_from(&mut bytes) {
            let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if message.starts_with("SIP/2.0 ") {
                self.carrier_answered(&message);
                continue;
            }
            let answer = sip::answer(&message, "200 OK", "o", self.carrier_address(), None);
            self.say(&self.carrier, &answer, from);
            if message.starts_with("BYE")
                && let Some(call) = self.own_call(&message)
                && !self.calls[call].caller_done
            {
                self.calls[call].failed = Some("the daemon hung up".to_owned());
            }
        }
    }

    /// The call of the carrier's Call-ID, unless it is of an earlier run.
    fn own_call(&self, message: &str) -> Option<usize> {
        let id = sip::field(message, "Call-ID")?.strip_prefix(&self.run)?.strip_prefix('-')?;
        id.parse().ok().filter(|call| *call < self.calls.len())
    }

    fn carrier_answered(&mut self, message: &str) {
        let Some(call) = self.own_call(message) else { return };
        let status: u16 = message.get(8..11).and_then(|code| code.parse().ok()).unwrap_or_default();
        if sip::field(message, "CSeq").is_some_and(|sequence| sequence.ends_with("BYE")) {
            self.calls[call].caller_done = true;
            return;
        }
        let carrier = self.carrier_address();
        let to = sip::field(message, "To").unwrap_or_default().to_owned();
        match status {
            180 => {
                self.calls[call].rung.get_or_insert_with(Instant::now);
            }
            200 => {
                let target = sip::inner(sip::field(message, "Contact").unwrap_or_default()).to_owned();
                let ack = sip::within("ACK", &self.run, call, carrier, &target, &to);
                self.say(&self.carrier, &ack, self.daemon);
                if self.calls[call].answered.is_none() {
                    self.calls[call].answered = Some(Instant::now());
                    self.calls[call].dialog = Some((target, to));
                    self.aim(call, 0, message);
                    self.connected(call);
                }
            }
            300.. => {
                let target = format!("sip:{}@{}", sip::HOTLINE, self.daemon);
                let ack = sip::ack_refusal(&self.run, call, carrier, &target, &to);
                self.say(&self.carrier, &ack, self.daemon);
                self.calls[call].failed = message.lines().next().map(str::to_owned);
            }
            _ => {}
        }
    }

    fn phone_hears(&mut self) {
        let mut bytes = [0; 4096];
        while let Ok((length, from)) = self.phone.recv_from(&mut bytes) {
            let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let method = message.split(' ').next().unwrap_or_default();
            let caller = sip::field(&message, "From").and_then(|from| sip::call_of(sip::user(from)));
            let call = caller.filter(|call| *call < self.calls.len());
            match (method, call) {
                ("INVITE", Some(call)) => self.desk_rings(call, message),
                ("ACK", Some(call)) => {
                    if !std::mem::replace(&mut self.calls[call].acknowledged, true) {
                        self.connected(call);
                    }
                }
                ("SIP/2.0", _) => {}
                (method, call) => {
                    let answer = sip::answer(&message, "200 OK", "o", self.phone_address(), None);
                    self.say(&self.phone, &answer, from);
                    if let ("BYE", Some(call)) = (method, call) {
                        self.calls[call].desk_done = true;
                    } else if let ("CANCEL", Some(call)) = (method, call) {
                        self.calls[call].failed = Some("the daemon cancelled the desk".to_owned());
                    }
                }
            }
        }
    }

    fn desk_rings(&mut self, call: usize, invite: String) {
        if self.calls[call].desk.is_none() {
            self.aim(call, 1, &invite);
            self.calls[call].desk = Some(invite);
            self.due.push(Reverse((Instant::now() + RINGS, Job::PickUp(call))));
        }
        self.answer_desk(call);
    }

    fn answer_desk(&self, call: usize) {
        let Some(invite) = &self.calls[call].desk else { return };
        let (status, rtp) = match self.calls[call].picked_up {
            false => ("180 Ringing", None),
            true => ("200 OK", Some(self.voice_of(call, 1).address().port())),
        };
        self.say(
            &self.phone,
            &sip::answer(invite, status, &format!("p{call}"), self.phone_address(), rtp),
            self.daemon,
        );
    }

    /// Where that side's voice goes to, out of the daemon's description.
    fn aim(&mut self, call: usize, side: usize, message: &str) {
        if let (Talk::Voice(_), Some(port)) = (self.plan.talk, sip::audio_port(message)) {
            self.voices[call * 2 + side].aim(SocketAddr::new(self.daemon.ip(), port));
        }
    }

    /// Both sides of a call are through.
    fn connected(&mut self, call: usize) {
        if self.calls[call].answered.is_none() || !self.calls[call].acknowledged {
            return;
        }
        let now = Instant::now();
        match self.plan.talk {
            Talk::Mute(hold) => self.due.push(Reverse((now + hold, Job::HangUp(call)))),
            Talk::Voice(_) => {
                for number in [call * 2, call * 2 + 1] {
                    let at = self.turn_of(number, now + Duration::from_millis(10));
                    self.voices[number].begin_at(at);
                    self.packet_due(number);
                }
            }
        }
    }

    /// In milliseconds, sorted: the carrier's INVITE to its 180.
    pub(crate) fn ringing_delays(&self) -> Vec<f64> {
        let delay = |call: &Call| Some((call.rung? - call.invited?).as_secs_f64() * 1e3);
        let mut delays: Vec<f64> = self.calls.iter().filter_map(delay).collect();
        delays.sort_by(f64::total_cmp);
        delays
    }

    /// How many calls did not come to their end, and why the first of them did not.
    pub(crate) fn failures(&self) -> (usize, String) {
        let failed: Vec<&Call> =
            self.calls.iter().filter(|call| call.failed.is_some() || !call.is_over()).collect();
        let why = failed.first().map_or(String::new(), |call| {
            call.failed.clone().unwrap_or_else(|| match (call.rung, call.answered, call.hung_up) {
                (None, ..) => "never rang".to_owned(),
                (_, None, _) => "rang, but no answer came".to_owned(),
                (.., None) => "was never hung up".to_owned(),
                _ => format!("BYE: caller's answered {}, desk's sent {}", call.caller_done, call.desk_done),
            })
        });
        (failed.len(), why)
    }
}
