//! One user agent at 192.0.2.1:5060, and a peer at 192.0.2.9:5060 that the test plays.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::sip::{
    hop::{Hop, Listener, ListenerId, Transport},
    message::{HeaderName, Headers, Message, Method, Request, Response, Status},
    parse,
    ua::{Credentials, Fact, Outgoing, Output, UaSettings, UsageId, UserAgent},
    uri::{NameAddr, Uri},
};

pub(super) const OFFER: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nm=audio 4000 RTP/AVP 8\r\n";
pub(super) const ANSWER: &str = "v=0\r\no=- 7 7 IN IP4 192.0.2.9\r\ns=-\r\nm=audio 6000 RTP/AVP 8\r\n";
pub(super) const OTHER: &str = "v=0\r\no=- 7 8 IN IP4 192.0.2.9\r\ns=-\r\nm=audio 6002 RTP/AVP 8\r\n";

pub(super) fn settings() -> UaSettings {
    let listener = |id, transport, port: u16| Listener {
        id: ListenerId(id),
        transport,
        advertised: ([192, 0, 2, 1], port).into(),
    };
    UaSettings {
        listeners: vec![listener(0, Transport::Udp, 5060), listener(1, Transport::Tcp, 5060)],
        product: "hotlined/test".to_owned(),
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        session_expires: Some(Duration::from_secs(1800)),
        min_se: Duration::from_secs(90),
        tcp_fallback: false,
    }
}

pub(super) fn hop(address: &str) -> Hop {
    Hop { transport: Transport::Udp, listener: ListenerId(0), remote: address.parse().unwrap(), flow: None }
}

pub(super) fn peer() -> Hop {
    hop("192.0.2.9:5060")
}

pub(super) fn outgoing() -> Outgoing {
    Outgoing {
        uri: Uri::parse("sip:801@192.0.2.9").unwrap(),
        hop: peer(),
        route: Vec::new(),
        from: NameAddr::parse("\"Hotline\" <sip:400@192.0.2.1>").unwrap(),
        to: NameAddr::parse("<sip:801@192.0.2.9>").unwrap(),
        contact_user: "400".to_owned(),
        headers: Headers::new(),
        credentials: Some(Credentials { user: "400".to_owned(), password: "secret".to_owned() }),
    }
}

#[derive(Debug)]
pub(super) struct Bench {
    pub(super) ua: UserAgent,
    pub(super) now: Instant,
    sent: Vec<(Duration, Hop, Message)>,
    facts: Vec<Fact>,
    start: Instant,
}

#[expect(clippy::disallowed_methods, reason = "a first instant comes from nowhere else")]
pub(super) fn start() -> Instant {
    Instant::now()
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(settings())
    }

    pub(super) fn with(settings: UaSettings) -> Self {
        let start = start();
        Self { ua: UserAgent::new(settings, [7; 32]), now: start, sent: Vec::new(), facts: Vec::new(), start }
    }

    /// Takes the outputs in; every test's order to the user agent ends here.
    pub(super) fn take(&mut self) {
        for output in self.ua.take_outputs() {
            match output {
                Output::Send { hop, bytes } => {
                    let message = parse::message(&bytes).expect("we write what we can read");
                    self.sent.push((self.now - self.start, hop, message));
                }
                Output::Fact(fact) => self.facts.push(fact),
            }
        }
    }

    pub(super) fn hear(&mut self, text: &str) {
        self.hear_from(peer(), text);
    }

    pub(super) fn hear_from(&mut self, hop: Hop, text: &str) {
        self.ua.receive(hop, text.as_bytes(), self.now);
        self.take();
    }

    /// Lets time pass, alarm by alarm.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.ua.deadline().filter(|at| *at <= until) {
            assert!(at >= self.now || self.now - at < Duration::from_secs(1), "a deadline was missed");
            self.now = self.now.max(at);
            self.ua.deadline_passed(self.now);
            self.take();
        }
        self.now = until;
    }

    pub(super) fn pass_s(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// All facts since the last look, each in a few words.
    pub(super) fn facts(&mut self) -> Vec<String> {
        self.take();
        self.facts.drain(..).map(|fact| in_words(&fact)).collect()
    }

    pub(super) fn raw_facts(&mut self) -> Vec<Fact> {
        self.take();
        std::mem::take(&mut self.facts)
    }

    /// What was sent since the last look: `INVITE`, `200 BYE`; forgets it.
    pub(super) fn sent(&mut self) -> Vec<String> {
        self.take();
        self.sent.drain(..).map(|(_, _, message)| line(&message)).collect()
    }

    /// The same with the time of each, in milliseconds from the beginning.
    pub(super) fn sent_at(&mut self) -> Vec<(u128, String)> {
        self.take();
        self.sent.drain(..).map(|(at, _, message)| (at.as_millis(), line(&message))).collect()
    }

    /// The last request of that method that was sent; forgets everything.
    pub(super) fn request(&mut self, method: &Method) -> Request {
        self.request_to(method).1
    }

    pub(super) fn request_to(&mut self, method: &Method) -> (Hop, Request) {
        self.take();
        let found = self.sent.drain(..).rev().find_map(|(_, hop, message)| match message {
            Message::Request(request) if request.method == *method => Some((hop, request)),
            Message::Request(_) | Message::Response(_) => None,
        });
        found.unwrap_or_else(|| panic!("no {method} was sent"))
    }

    /// The last response of that status that was sent; forgets everything.
    pub(super) fn response(&mut self, status: u16) -> Response {
        self.take();
        let found = self.sent.drain(..).rev().find_map(|(_, _, message)| match message {
            Message::Response(response) if response.status.code() == status => Some(response),
            Message::Request(_) | Message::Response(_) => None,
        });
        found.unwrap_or_else(|| panic!("no {status} was sent"))
    }

    /// Our INVITE, answered by the peer; its 200 acknowledged.
    pub(super) fn call_up(&mut self) -> (UsageId, Request) {
        let usage = self.ua.invite(outgoing(), Bytes::from_static(OFFER), self.now);
        let invite = self.request(&Method::Invite);
        self.hear(&reply(&invite, 200, "pt", UPDATING, ANSWER));
        assert_eq!(self.sent(), ["ACK"]);
        assert_eq!(self.facts(), ["answered with sdp"]);
        (usage, invite)
    }

    /// The peer's INVITE, answered and acknowledged. The second text is our tag.
    pub(super) fn called_up(&mut self) -> (UsageId, String) {
        self.hear(&invite("", OTHER));
        let usage = invited(&self.raw_facts());
        self.ua.accept(usage, Bytes::from_static(OFFER), self.now);
        let tag = tag_of(&self.response(200));
        self.hear(&within("ACK", 1, &tag, "", ""));
        assert_eq!(self.facts(), ["acked"]);
        (usage, tag)
    }

    /// Nothing is left: no usage, no dialog, no transaction's owner, no alarm, no memory.
    pub(super) fn assert_empty(&mut self) {
        let core = &self.ua.core;
        assert_eq!(self.ua.usages.len(), 0, "usages");
        assert_eq!(core.sent.len(), 0, "requests without answer");
        assert_eq!(core.waiting.len(), 0, "requests that the switch owes an answer");
        assert_eq!(core.invited.len(), 0, "INVITEs of peers");
        assert_eq!(core.dialogs.len(), 0, "dialogs");
        assert_eq!(self.ua.subscriptions.len() + self.ua.subscribed.len(), 0, "subscriptions");
        assert!(core.memory.is_empty(), "memory");
        assert_eq!(self.ua.deadline(), None, "alarms");
    }
}

/// Contact and Allow of a peer that knows UPDATE.
pub(super) const UPDATING: &str =
    "Contact: <sip:801@192.0.2.9:5060>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\n";

/// The usage of the one INVITE among the facts.
pub(super) fn invited(facts: &[Fact]) -> UsageId {
    match facts {
        [Fact::Invited { usage, .. }] => *usage,
        other => panic!("not one INVITE: {other:?}"),
    }
}

pub(super) fn tag_of(response: &Response) -> String {
    response.headers.to().unwrap().tag().unwrap().to_owned()
}

fn with_body(head: &str, extra: &str, sdp: &str) -> String {
    let typed = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{head}{extra}{typed}Content-Length: {}\r\n\r\n{sdp}", sdp.len())
}

/// The peer's answer to a request of ours, with its tag.
pub(super) fn reply(request: &Request, status: u16, tag: &str, extra: &str, sdp: &str) -> String {
    let mut head = format!("SIP/2.0 {status} So\r\n");
    for (name, wire) in [
        (HeaderName::Via, "v"),
        (HeaderName::From, "From"),
        (HeaderName::To, "To"),
        (HeaderName::CallId, "Call-ID"),
        (HeaderName::CSeq, "CSeq"),
    ] {
        for value in request.headers.all(&name) {
            let tag = if name == HeaderName::To && !value.contains("tag=") && !tag.is_empty() {
                format!(";tag={tag}")
            } else {
                String::new()
            };
            head.push_str(&format!("{wire}: {value}{tag}\r\n"));
        }
    }
    with_body(&head, extra, sdp)
}

/// The peer's INVITE: CSeq 1, branch `z9hG4bKinvite`.
pub(super) fn invite(extra: &str, sdp: &str) -> String {
    let head = "INVITE sip:hotline@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKinvite\r\n\
         From: \"Zhang\" <sip:13800000000@192.0.2.9>;tag=pt\r\n\
         To: <sip:hotline@192.0.2.1>\r\n\
         Call-ID: their-call\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:zhang@192.0.2.9:5060>\r\n\
         Max-Forwards: 70\r\n";
    with_body(head, extra, sdp)
}

/// A request of the peer in the dialog of [`invite`]; `tag` is ours, or empty.
pub(super) fn within(method: &str, cseq: u32, tag: &str, extra: &str, sdp: &str) -> String {
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    let head = format!(
        "{method} sip:hotline@192.0.2.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{method}{cseq}\r\n\
         From: \"Zhang\" <sip:13800000000@192.0.2.9>;tag=pt\r\n\
         To: <sip:hotline@192.0.2.1>{tag}\r\n\
         Call-ID: their-call\r\n\
         CSeq: {cseq} {method}\r\n\
         Max-Forwards: 70\r\n"
    );
    with_body(&head, extra, sdp)
}

/// A request of the called peer in the dialog of our INVITE.
pub(super) fn back(invite: &Request, method: &str, cseq: u32, extra: &str, sdp: &str) -> String {
    let ours = invite.headers.get(&HeaderName::From).unwrap();
    let call_id = invite.headers.call_id().unwrap();
    let head = format!(
        "{method} sip:400@192.0.2.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{method}{cseq}\r\n\
         From: <sip:801@192.0.2.9>;tag=pt\r\n\
         To: {ours}\r\n\
         Call-ID: {call_id}\r\n\
         CSeq: {cseq} {method}\r\n\
         Max-Forwards: 70\r\n"
    );
    with_body(&head, extra, sdp)
}

fn line(message: &Message) -> String {
    match message {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => {
            let method = response.headers.cseq().unwrap().method;
            format!("{} {method}", response.status)
        }
    }
}

/// A fact in a few words.
pub(super) fn in_words(fact: &Fact) -> String {
    let sdp = |sdp: &Option<Bytes>| if sdp.is_some() { " with sdp" } else { "" };
    let code = |status: &Status| status.code();
    match fact {
        Fact::Invited { offer, .. } => format!("invited{}", sdp(offer)),
        Fact::Cancelled { .. } => "cancelled".to_owned(),
        Fact::Acked { answer, .. } => format!("acked{}", sdp(answer)),
        Fact::Progress { status, sdp: body, .. } => format!("progress {}{}", code(status), sdp(body)),
        Fact::Answered { sdp: body, .. } => format!("answered{}", sdp(body)),
        Fact::Refused { why, .. } => match why {
            super::super::InviteRefused::Answer { response, .. } => format!("refused {}", response.status),
            super::super::InviteRefused::Cancelled => "refused: cancelled".to_owned(),
            super::super::InviteRefused::NoAnswer(why) => format!("refused: {why:?}"),
        },
        Fact::Offered { offer, .. } => format!("offered{}", sdp(offer)),
        Fact::OfferAnswered { .. } => "offer answered".to_owned(),
        Fact::OfferRefused { status, .. } => format!("offer refused {}", code(status)),
        Fact::Info { content_type, .. } => format!("info {content_type}"),
        Fact::InDialog { request, .. } => format!("in dialog {}", request.method),
        Fact::Ended { how, .. } => format!("ended: {how:?}"),
        Fact::Requested { request, .. } => format!("requested {}", request.method),
        Fact::Responded { response, .. } => format!("responded {}", response.status),
        Fact::Unanswered { why, .. } => format!("unanswered: {why:?}"),
        Fact::Resubscribed { .. } => "resubscribed".to_owned(),
        Fact::Notified { .. } => "notified".to_owned(),
        Fact::SubscriptionOver { .. } => "subscription over".to_owned(),
    }
}
