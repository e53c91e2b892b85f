//! Two user agents and a network between them that loses, repeats and reorders, all by seed. What
//! the switches on both sides do is drawn by lot too; what must hold is the same for every seed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::bench::{OFFER, hop, in_words, outgoing, settings, start};
use crate::sip::{
    hop::Hop,
    message::{Headers, Method, Status},
    ua::{Fact, Outgoing, Output, UaSettings, UsageId, UserAgent},
};

const ADDRESSES: [&str; 2] = ["192.0.2.1:5060", "192.0.2.2:5060"];

/// One end: its user agent, and what became of its usages.
struct End {
    ua: UserAgent,
    /// How many last facts each usage had: refused, cancelled or ended.
    lives: BTreeMap<UsageId, u32>,
    words: Vec<String>,
}

struct Network {
    ends: [End; 2],
    now: Instant,
    rng: ChaCha8Rng,
    /// In the order of arrival: to which end, from where.
    flying: BTreeMap<(Instant, u64), (usize, Hop, Bytes)>,
    number: u64,
    /// Messages lost of a hundred.
    loss: u32,
    /// Whether the switches answer by lot; else they accept everything at once.
    moody: bool,
    /// Messages of a hundred with some bytes changed on their way.
    damage: u32,
    bytes: Vec<Bytes>,
}

impl Network {
    fn new(seed: u8, loss: u32, moody: bool) -> Self {
        let end = |index: u8| {
            let mut listeners = settings().listeners;
            for listener in &mut listeners {
                listener.advertised.set_ip([192, 0, 2, index + 1].into());
            }
            // Shorter than any simulated call, so that refreshes run and expire too.
            let session_expires = Some(Duration::from_secs(100));
            let settings = UaSettings { listeners, session_expires, ..settings() };
            End {
                ua: UserAgent::new(settings, [seed.wrapping_mul(2).wrapping_add(index); 32]),
                lives: BTreeMap::new(),
                words: Vec::new(),
            }
        };
        Self {
            ends: [end(0), end(1)],
            now: start(),
            rng: ChaCha8Rng::from_seed([seed; 32]),
            flying: BTreeMap::new(),
            number: 0,
            loss,
            moody,
            damage: 0,
            bytes: Vec::new(),
        }
    }

    fn lot(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound
    }

    fn call(&mut self, from: usize) -> UsageId {
        let mut headers = Headers::new();
        if self.lot(3) == 0 {
            headers.push(crate::sip::message::HeaderName::Require, "100rel");
        }
        let to = Outgoing { hop: hop(ADDRESSES[1 - from]), headers, ..outgoing() };
        let usage = self.ends[from].ua.invite(to, Bytes::from_static(OFFER), self.now);
        self.ends[from].lives.insert(usage, 0);
        self.collect(from);
        usage
    }

    fn collect(&mut self, end: usize) {
        // What the switch does about a fact makes further outputs.
        loop {
            let outputs = self.ends[end].ua.take_outputs();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    Output::Send { hop: to, bytes } => self.launch(end, to, bytes),
                    Output::Fact(fact) => self.decide(end, fact),
                }
            }
        }
    }

    fn launch(&mut self, from: usize, to: Hop, bytes: Bytes) {
        self.bytes.push(bytes.clone());
        if to.remote.to_string() != ADDRESSES[1 - from] {
            assert!(self.damage > 0, "sent to nobody");
            return;
        }
        let bytes = self.damaged(bytes);
        let copies = if self.lot(100) < self.loss { 0 } else { 1 + u32::from(self.lot(20) == 0) };
        for _ in 0..copies {
            let delay = if self.loss == 0 { 10 } else { 5 + self.lot(300) };
            let at = self.now + Duration::from_millis(u64::from(delay));
            self.number += 1;
            self.flying.insert((at, self.number), (1 - from, hop(ADDRESSES[from]), bytes.clone()));
        }
    }

    fn damaged(&mut self, bytes: Bytes) -> Bytes {
        if self.lot(100) >= self.damage || bytes.is_empty() {
            return bytes;
        }
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.lot(4) {
            let at = self.rng.next_u32() as usize % bytes.len();
            let with = b"\0\r\n:;,=<>\"09azA\xff"[self.lot(15) as usize];
            match self.lot(3) {
                0 => bytes[at] = with,
                1 => bytes.insert(at, with),
                _ => bytes.truncate(at.max(1)),
            }
        }
        Bytes::from(bytes)
    }

    fn decide(&mut self, end: usize, fact: Fact) {
        self.ends[end].words.push(in_words(&fact));
        let lot = if self.moody { self.lot(10) } else { 9 };
        let now = self.now;
        let End { ua, lives, .. } = &mut self.ends[end];
        let sdp = Bytes::from(format!("v=0\r\nlot {lot}"));
        match fact {
            Fact::Invited { usage, .. } => {
                lives.insert(usage, 0);
                ua.provisional(usage, Status::RINGING, Some(sdp.clone()).filter(|_| lot % 2 == 0), now);
                match lot {
                    0 => {}
                    1 => {
                        ua.refuse(usage, Status::BUSY_HERE, Headers::new(), now);
                        lives.insert(usage, 1);
                    }
                    2 => ua.hang_up(usage, None, now),
                    _ => ua.accept(usage, sdp, now),
                }
            }
            Fact::Answered { usage, .. } | Fact::Acked { usage, .. } => match lot {
                0..3 => ua.offer(usage, sdp, now),
                3 => ua.hang_up(usage, None, now),
                _ => {}
            },
            Fact::Offered { usage, .. } => match lot {
                0 => ua.refuse_offer(usage, Status::NOT_ACCEPTABLE_HERE, now),
                1 => ua.hang_up(usage, None, now),
                // Left open, as by a switch that waits for its other leg.
                2 => {}
                _ => ua.answer_offer(usage, sdp, now),
            },
            Fact::InDialog { server, .. } => {
                if lot > 0 {
                    ua.respond(server, Status::OK, Headers::new(), Vec::new(), now);
                }
            }
            Fact::Requested { server, .. } => {
                ua.respond(server, Status::FORBIDDEN, Headers::new(), Vec::new(), now);
            }
            Fact::Cancelled { usage } | Fact::Refused { usage, .. } | Fact::Ended { usage, .. } => {
                *lives.get_mut(&usage).expect("a usage that was told") += 1;
            }
            Fact::Progress { .. }
            | Fact::OfferAnswered { .. }
            | Fact::OfferRefused { .. }
            | Fact::Info { .. }
            | Fact::Responded { .. }
            | Fact::Unanswered { .. }
            | Fact::Resubscribed { .. }
            | Fact::Notified { .. }
            | Fact::SubscriptionOver { .. } => {}
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
            let alarms = self.ends.iter().filter_map(|end| end.ua.deadline());
            let Some(next) = alarms.chain(arrival).min().filter(|at| *at <= until) else { break };
            self.now = self.now.max(next);
            while let Some(first) = self.flying.first_entry().filter(|e| e.key().0 <= self.now) {
                let (to, from, bytes) = first.remove();
                self.ends[to].ua.receive(from, &bytes, self.now);
                self.collect(to);
            }
            for end in 0..2 {
                self.ends[end].ua.deadline_passed(self.now);
                self.collect(end);
            }
        }
        self.now = until;
    }

    /// Something that a switch may do at any time.
    fn stir(&mut self) {
        let end = self.lot(2) as usize;
        let now = self.now;
        let lot = self.lot(12);
        if lot < 3 {
            self.call(end);
            return;
        }
        let pick = self.rng.next_u32() as usize;
        let End { ua, lives, .. } = &mut self.ends[end];
        let open: Vec<UsageId> = lives.iter().filter(|(_, ends)| **ends == 0).map(|(id, _)| *id).collect();
        let Some(usage) = open.get(pick % open.len().max(1)).copied() else { return };
        let sdp = Bytes::from(format!("v=0\r\nstir {pick}"));
        match lot {
            3 | 4 => ua.hang_up(usage, Some("Q.850;cause=16".to_owned()), now),
            5 => ua.accept(usage, sdp, now),
            6 => ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp), now),
            7..10 => ua.offer(usage, sdp, now),
            10 => ua.answer_offer(usage, sdp, now),
            _ => {
                ua.request_within(usage, Method::Notify, Headers::new(), Vec::new(), now);
            }
        }
        self.collect(end);
    }

    fn hang_up_all(&mut self) {
        for end in 0..2 {
            let open = self.ends[end].lives.keys().copied().collect::<Vec<_>>();
            for usage in open {
                self.ends[end].ua.hang_up(usage, None, self.now);
            }
            self.collect(end);
        }
    }

    fn assert_all_over(&mut self) {
        for end in &mut self.ends {
            for (usage, ends) in &end.lives {
                assert_eq!(*ends, 1, "{usage:?} must end once: {:?}", end.words);
            }
            let core = &end.ua.core;
            assert_eq!(end.ua.usages.len(), 0);
            assert_eq!((core.sent.len(), core.invited.len(), core.dialogs.len()), (0, 0, 0));
            assert_eq!(core.waiting.len(), 0);
            assert!(core.memory.is_empty());
            assert_eq!(end.ua.deadline(), None);
        }
    }
}

#[test]
fn a_call_between_two_ends_comes_up_and_down() {
    let mut network = Network::new(1, 0, false);
    let usage = network.call(0);
    network.pass(Duration::from_secs(1));
    assert!(network.ends[0].words.contains(&"answered with sdp".to_owned()));
    assert_eq!(network.ends[1].words.last().unwrap(), "acked");
    network.ends[0].ua.hang_up(usage, None, network.now);
    network.collect(0);
    network.pass(Duration::from_secs(100));
    assert_eq!(network.ends[0].words.last().unwrap(), "ended: HungUp");
    assert_eq!(network.ends[1].words.last().unwrap(), "ended: PeerBye { reason: None }");
    network.assert_all_over();
}

#[test]
fn a_call_comes_up_and_down_over_a_network_that_loses_a_third() {
    for seed in 0..20 {
        let mut network = Network::new(seed, 33, false);
        let usage = network.call(0);
        network.pass(Duration::from_secs(20));
        assert!(network.ends[0].words.contains(&"answered with sdp".to_owned()), "seed {seed}");
        network.ends[0].ua.hang_up(usage, None, network.now);
        network.collect(0);
        network.pass(Duration::from_secs(200));
        network.assert_all_over();
    }
}

#[test]
fn a_session_lives_for_hours_by_its_refreshes() {
    let mut network = Network::new(5, 0, false);
    network.call(0);
    network.pass(Duration::from_secs(4 * 3600));
    assert_eq!(network.ends[0].ua.usages(), 1);
    assert_eq!(network.ends[1].words.last().unwrap(), "acked");
}

#[test]
fn whatever_happens_every_usage_ends_once_and_nothing_is_left() {
    for seed in 0..12 {
        let mut network = Network::new(seed, u32::from(seed % 4) * 10, true);
        for _ in 0..300 {
            network.stir();
            let pause = network.lot(1500);
            network.pass(Duration::from_millis(u64::from(pause)));
        }
        network.hang_up_all();
        // A BYE that waits for its ACK, then its own time-out, then the memory of the INVITE.
        network.pass(Duration::from_secs(200));
        network.assert_all_over();
    }
}

#[test]
fn damaged_messages_harm_no_more_than_lost_ones() {
    for seed in 0..8 {
        let mut network = Network::new(seed, 5, true);
        network.damage = 20;
        for _ in 0..200 {
            network.stir();
            let pause = network.lot(1500);
            network.pass(Duration::from_millis(u64::from(pause)));
        }
        network.hang_up_all();
        network.pass(Duration::from_secs(200));
        // Damage may have made calls of its own, for which a switch never hung up.
        network.hang_up_all();
        network.pass(Duration::from_secs(200));
        network.assert_all_over();
    }
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let run = |seed| {
        let mut network = Network::new(seed, 10, true);
        for _ in 0..100 {
            network.stir();
            network.pass(Duration::from_millis(700));
        }
        network.bytes
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
