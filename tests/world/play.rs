//! What peers do: register, call, follow their scripts, answer what comes.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hotlined::{
    sip::{
        hop::{Hop, ListenerId, Transport},
        message::{HeaderName, Headers, Method, Status},
        sdp::Direction,
        ua::{Credentials, DialogName, Fact, Outgoing, Output, UsageId, UserAgent},
        uri::{NameAddr, Uri},
    },
    switch::{Input, media::MediaFact},
};

use super::{
    CallKey, Happening, US, World, password,
    peer::{Move, Peer, PeerCall},
};

impl World {
    /// A further place that phone `user` can be at.
    pub(crate) fn add_phone(&mut self, name: &str, user: &str, address: SocketAddr) {
        let mut peer = Peer::new(name, address, self.setup.seed);
        peer.credentials = Some(Credentials { user: user.to_owned(), password: password(user) });
        self.peers.push(peer);
    }

    /// Somebody at that address whom nobody knows. Scenarios write its messages ([`World::say`]).
    pub(crate) fn add_stranger(&mut self, name: &str, address: &str) {
        let mut peer = Peer::new(name, address.parse().unwrap(), self.setup.seed);
        peer.bare = true;
        self.peers.push(peer);
    }

    pub(crate) fn at(&self, name: &str) -> usize {
        let at = self.peers.iter().position(|peer| peer.name == name);
        at.unwrap_or_else(|| panic!("there is no {name}"))
    }

    pub(crate) fn peer(&mut self, name: &str) -> &mut Peer {
        let at = self.at(name);
        &mut self.peers[at]
    }

    /// What that peer does when it is called; at the carrier: what that mobile or number does.
    pub(crate) fn script(&mut self, who: &str, moves: &[(f64, Move)]) {
        let known = self.peers.iter().any(|peer| peer.name == who);
        let number = self.mobiles.iter().find(|(_, name)| *name == who).map(|(number, _)| number.clone());
        let (peer, number) = match (known, number) {
            (true, _) => (who, String::new()),
            (false, Some(number)) => ("trunk", number),
            (false, None) => ("trunk", who.to_owned()),
        };
        self.peer(peer).scripts.insert(number, moves.to_vec());
    }

    /// What that mobile does from its second call on.
    pub(crate) fn script_then(&mut self, mobile: &str, moves: &[(f64, Move)]) {
        let number = self.mobiles.iter().find(|(_, name)| *name == mobile).map(|(number, _)| number.clone());
        self.peer("trunk").then.insert(number.expect("a mobile of the house"), moves.to_vec());
    }

    /// Registers a phone for that many seconds.
    pub(crate) fn register(&mut self, name: &str, expires: u32) {
        let peer = self.at(name);
        let Peer { credentials, address, .. } = &self.peers[peer];
        let user = credentials.as_ref().map_or(name, |c| c.user.as_str()).to_owned();
        let mut headers = Headers::new();
        headers.push(HeaderName::Expires, expires.to_string());
        let mut to = outgoing(&user, &user, *address, credentials.clone());
        to.uri = Uri::parse(&format!("sip:{}", US.split(':').next().unwrap())).unwrap();
        to.headers = headers;
        let now = self.now;
        self.peers[peer].ua.request(Method::Register, to, Some(1), now);
        self.collect(peer);
    }

    /// That peer calls us: `from` in From, `number` in the Request-URI.
    pub(crate) fn call(&mut self, who: &str, from: &str, number: &str, moves: &[(f64, Move)]) -> CallKey {
        self.call_with(who, from, number, Headers::new(), moves)
    }

    pub(crate) fn call_with(
        &mut self,
        who: &str,
        from: &str,
        number: &str,
        headers: Headers,
        moves: &[(f64, Move)],
    ) -> CallKey {
        let peer = self.at(who);
        let Peer { address, credentials, .. } = &self.peers[peer];
        let address = *address;
        let to = Outgoing { headers, ..outgoing(from, number, address, credentials.clone()) };
        let mut call = PeerCall::new(true, None);
        let offer = call.offers(address, Direction::SendRecv);
        let now = self.now;
        let usage = self.peers[peer].ua.invite(to, offer, now);
        self.peers[peer].calls.insert(usage, call);
        let key = CallKey { peer, usage };
        self.plan(key, moves);
        self.collect(peer);
        key
    }

    fn plan(&mut self, key: CallKey, moves: &[(f64, Move)]) {
        for (after, what) in moves {
            let CallKey { peer, usage } = key;
            self.soon(Duration::from_secs_f64(*after), Happening::Move { peer, usage, what: *what });
        }
    }

    /// A peer says exactly that. `\n` becomes CRLF.
    pub(crate) fn say(&mut self, who: &str, text: &str) {
        let peer = self.at(who);
        self.peer_sends(peer, Bytes::from(text.replace('\n', "\r\n")));
    }

    /// One move of a call. What no longer fits is left undone, as a hand on a dead phone is.
    pub(crate) fn act(&mut self, key: CallKey, what: Move) {
        let CallKey { peer, usage } = key;
        let now = self.now;
        if what == Move::Vanish {
            self.peers[peer].gone = true;
            return;
        }
        let Peer { ua, calls, address, .. } = &mut self.peers[peer];
        let Some(call) = calls.get_mut(&usage).filter(|call| !call.over) else { return };
        let called = !call.calls_us && !call.answered;
        match what {
            Move::Ring if called => ua.provisional(usage, Status::RINGING, None, now),
            Move::EarlyMedia if called => {
                let sdp = call.answers(*address);
                ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp), now);
            }
            Move::Answer if called => {
                call.answered = true;
                let sdp = call.answers(*address);
                ua.accept(usage, sdp, now);
            }
            Move::Refuse(code) if called => {
                call.over = true;
                ua.refuse(usage, Peer::status(code), Headers::new(), now);
            }
            Move::Redirect(number) if called => {
                call.over = true;
                let mut headers = Headers::new();
                headers.push(HeaderName::Contact, format!("<sip:{number}@{address}>"));
                ua.refuse(usage, Status::MOVED_TEMPORARILY, headers, now);
            }
            Move::HangUp => {
                call.over = true;
                ua.hang_up(usage, None, now);
            }
            Move::Hold if call.answered => {
                let sdp = call.offers(*address, Direction::SendOnly);
                ua.offer(usage, sdp, now);
            }
            Move::Transfer(number) if call.answered => {
                let host = US.split(':').next().unwrap();
                refer(ua, usage, &format!("<sip:{number}@{host}>"), now);
            }
            Move::Attend if call.answered => {
                let other =
                    calls.iter().find(|(other, call)| **other != usage && call.answered && !call.over);
                if let Some(name) = other.and_then(|(other, _)| ua.dialog_name(*other)) {
                    let DialogName { call_id, local_tag, remote_tag } = name;
                    let replaces = format!("{call_id}%3Bto-tag%3D{remote_tag}%3Bfrom-tag%3D{local_tag}");
                    let host = US.split(':').next().unwrap();
                    refer(ua, usage, &format!("<sip:whoever@{host}?Replaces={replaces}>"), now);
                }
            }
            Move::Resume if call.answered => {
                let sdp = call.offers(*address, Direction::SendRecv);
                ua.offer(usage, sdp, now);
            }
            Move::Press(digit) => {
                let media = call.port.and_then(|port| self.media.at_port(port));
                if let Some(media) = media.filter(|_| call.answered) {
                    self.ladder.note(
                        self.now.duration_since(self.origin).as_secs_f64(),
                        "key",
                        &digit.to_string(),
                    );
                    self.input(Input::Media(MediaFact::Digit { media, digit }));
                }
            }
            Move::Ring
            | Move::EarlyMedia
            | Move::Answer
            | Move::Refuse(_)
            | Move::Redirect(_)
            | Move::Transfer(_)
            | Move::Attend
            | Move::Hold
            | Move::Resume
            | Move::Vanish => {}
        }
        self.collect(peer);
    }

    pub(super) fn peer_hears(&mut self, peer: usize, bytes: &Bytes) {
        if self.peers[peer].gone {
            return;
        }
        if self.peers[peer].bare {
            self.peers[peer].heard.push(String::from_utf8_lossy(bytes).into_owned());
            return;
        }
        if self.takes_notify(peer, bytes) {
            return;
        }
        let now = self.now;
        self.peers[peer].ua.receive(hop(), bytes, now);
        self.collect(peer);
    }

    /// Sends and answers what a peer's user agent has to say.
    pub(super) fn collect(&mut self, peer: usize) {
        loop {
            let outputs = self.peers[peer].ua.take_outputs();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    Output::Send { bytes, .. } => self.peer_sends(peer, bytes),
                    Output::Fact(fact) => self.peer_learns(peer, fact),
                }
            }
        }
    }

    fn peer_learns(&mut self, peer: usize, fact: Fact) {
        let now = self.now;
        let Peer { ua, calls, address, .. } = &mut self.peers[peer];
        match fact {
            Fact::Invited { usage, request, hop: _, offer } => {
                calls.insert(usage, PeerCall::new(false, offer));
                let number = request.uri.user().unwrap_or_default().into_owned();
                let script = self.peers[peer].script(&number);
                if let Some(then) = self.peers[peer].then.remove(&number) {
                    self.peers[peer].scripts.insert(number, then);
                }
                self.plan(CallKey { peer, usage }, &script);
            }
            Fact::Progress { usage, sdp, .. } => {
                if let (Some(call), Some(sdp)) = (calls.get_mut(&usage), sdp) {
                    call.hears(&sdp);
                }
            }
            Fact::Answered { usage, sdp, .. } => {
                if let Some(call) = calls.get_mut(&usage) {
                    call.answered = true;
                    if let Some(sdp) = sdp {
                        call.hears(&sdp);
                    }
                }
            }
            Fact::Cancelled { usage } | Fact::Ended { usage, .. } | Fact::Refused { usage, .. } => {
                if let Some(call) = calls.get_mut(&usage) {
                    call.over = true;
                }
            }
            Fact::Offered { usage, offer } => {
                if let Some(call) = calls.get_mut(&usage) {
                    call.offer = offer;
                    let sdp = call.answers(*address);
                    ua.answer_offer(usage, sdp, now);
                }
            }
            Fact::InDialog { server, request, .. } => {
                let known = request.method == Method::Notify;
                let status = if known { Status::OK } else { Status::NOT_IMPLEMENTED };
                ua.respond(server, status, Headers::new(), Vec::new(), now);
            }
            Fact::Requested { server, request, .. } => self.registrar_answers(peer, server, &request),
            Fact::Acked { .. }
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

    /// The carrier takes our REGISTER, or says what the scenario told it to say.
    fn registrar_answers(
        &mut self,
        peer: usize,
        server: hotlined::sip::ua::ServerId,
        request: &hotlined::sip::message::Request,
    ) {
        let now = self.now;
        let Peer { ua, registrar, .. } = &mut self.peers[peer];
        if request.method != Method::Register {
            return ua.respond(server, Status::NOT_IMPLEMENTED, Headers::new(), Vec::new(), now);
        }
        let (code, mut headers) = registrar.pop_front().unwrap_or((200, Headers::new()));
        if code == 200 {
            let expires = request.headers.expires().unwrap_or(3600);
            let contact = request.headers.get(&HeaderName::Contact).unwrap_or_default();
            headers.push(HeaderName::Contact, format!("{contact};expires={expires}"));
        }
        ua.respond(server, Peer::status(code), headers, Vec::new(), now);
    }
}

fn refer(ua: &mut UserAgent, usage: UsageId, to: &str, now: Instant) {
    let mut headers = Headers::new();
    headers.push(HeaderName::ReferTo, to);
    headers.push(HeaderName::ReferredBy, "<sip:801@hotline.example>");
    ua.request_within(usage, Method::Refer, headers, Vec::new(), now);
}

fn hop() -> Hop {
    Hop { transport: Transport::Udp, listener: ListenerId(0), remote: US.parse().unwrap(), flow: None }
}

pub(super) fn outgoing(from: &str, to: &str, own: SocketAddr, credentials: Option<Credentials>) -> Outgoing {
    let host = US.split(':').next().unwrap();
    Outgoing {
        uri: Uri::parse(&format!("sip:{to}@{host}")).unwrap(),
        hop: hop(),
        route: Vec::new(),
        from: NameAddr::parse(&format!("<sip:{from}@{}>", own.ip())).unwrap(),
        to: NameAddr::parse(&format!("<sip:{to}@{host}>")).unwrap(),
        contact_user: from.to_owned(),
        headers: Headers::new(),
        credentials,
    }
}
