//! The user agent core: all transactions, dialogs and INVITE usages of this process in one pure
//! machine. Bytes and the time go in; bytes to send and facts come out of [`UserAgent::take_outputs`],
//! in order. Who may call whom is the switch's business.
//!
//! A *usage* (RFC 5057: INVITE usage) is one INVITE of ours or of a peer, with all dialogs it makes,
//! until it is refused, cancelled or ended by BYE.

pub(super) mod core;
mod dispatch;
mod memory;
mod notifying;

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::core::{Core, Owner};
use super::{
    header::Replaces,
    hop::{FlowId, Hop, Listener},
    message::{HeaderName, Headers, Method, Request, Response, Status},
    subscription::{Subscription, SubscriptionId},
    uri::{NameAddr, Uri},
    usage::Usage,
};

/// One INVITE usage, ours or a peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsageId(pub u64);

/// A dialog by what RFC 3261 §12 names it with, from our side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogName {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
}

/// A request of ours outside a dialog (REGISTER, OPTIONS), until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// A peer's request that waits for [`UserAgent::respond`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u64);

/// What the user agent is told once.
#[derive(Debug, Clone)]
pub struct UaSettings {
    pub listeners: Vec<Listener>,
    /// Server and User-Agent header: `hotlined/0.1.0`.
    pub product: String,
    /// RFC 3261 §17.1.1.1; 500 ms. All retransmission timers are multiples of it.
    pub t1: Duration,
    /// Longest retransmission interval of non-INVITE requests and 2xx; 4 s.
    pub t2: Duration,
    /// How long a message may live in the network; 5 s.
    pub t4: Duration,
    /// RFC 4028 Session-Expires that we ask for; 1800 s. `None` switches session timers off.
    pub session_expires: Option<Duration>,
    /// RFC 4028 Min-SE; 90 s.
    pub min_se: Duration,
    /// A request of more than 1300 bytes goes over TCP where a TCP listener exists (RFC 3261 §18.1.1).
    pub tcp_fallback: bool,
}

/// User and password for a 401 or 407 of the peer.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

/// The password never shows (style: secrets are never logged).
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.user)
    }
}

/// A request of ours that opens a dialog or stands alone.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub uri: Uri,
    pub hop: Hop,
    /// Preloaded route set (outbound proxy), mostly empty.
    pub route: Vec<NameAddr>,
    /// Without a tag; the user agent adds it.
    pub from: NameAddr,
    pub to: NameAddr,
    /// User part of our Contact.
    pub contact_user: String,
    /// Further headers: P-Asserted-Identity, Diversion, Expires, Alert-Info …
    pub headers: Headers,
    pub credentials: Option<Credentials>,
}

/// What came of something, in order of happening.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "outputs are taken each turn; a box would cost more than it saves"
)]
pub enum Output {
    /// Bytes for the wire.
    Send {
        hop: Hop,
        bytes: Bytes,
    },
    Fact(Fact),
}

/// A fact that the switch must hear. Retransmissions, 100s, ACKs, PRACKs and keep-alives stop below.
#[derive(Debug)]
pub enum Fact {
    /// A peer's new INVITE, well-formed; 100 has been sent. Answer with [`UserAgent::provisional`],
    /// [`UserAgent::accept`] or [`UserAgent::refuse`]. `offer` is `None` for a late offer.
    Invited { usage: UsageId, request: Request, hop: Hop, offer: Option<Bytes> },
    /// The peer took its INVITE back before a final answer, by CANCEL or BYE; 487 has been sent. Or it
    /// never acknowledged a reliable provisional response (RFC 3262 §3); 504 has been sent.
    Cancelled { usage: UsageId },
    /// The peer's ACK for our 2xx to its first INVITE, or for a 2xx that held our offer; then with its
    /// SDP.
    Acked { usage: UsageId, answer: Option<Bytes> },

    /// 101 to 199 for our INVITE. PRACK has been sent where it is due (RFC 3262).
    Progress { usage: UsageId, status: Status, sdp: Option<Bytes> },
    /// 2xx for our INVITE, the first one; ACK has been sent. Later forks are hung up below.
    Answered { usage: UsageId, response: Response, sdp: Option<Bytes> },
    /// Our INVITE ended without a dialog.
    Refused { usage: UsageId, why: InviteRefused },

    /// The peer changes the session by re-INVITE or UPDATE. Answer with [`UserAgent::answer_offer`]
    /// or [`UserAgent::refuse_offer`]. `None`: it asks us for an offer (re-INVITE without SDP);
    /// `answer_offer` then carries our offer and [`Fact::Acked`] brings its answer.
    Offered { usage: UsageId, offer: Option<Bytes> },
    /// The peer's answer to our [`UserAgent::offer`].
    OfferAnswered { usage: UsageId, answer: Bytes },
    /// The peer refused our offer; the session goes on as it was (RFC 3261 §14.1). 491 was retried below.
    OfferRefused { usage: UsageId, status: Status },
    /// INFO within the dialog, already answered 200.
    Info { usage: UsageId, content_type: String, body: Vec<u8> },
    /// REFER, NOTIFY, MESSAGE … within the dialog: answer with [`UserAgent::respond`].
    InDialog { usage: UsageId, server: ServerId, request: Request },
    /// The confirmed dialog is over. Nothing more comes of this usage.
    Ended { usage: UsageId, how: Ended },

    /// A request outside any dialog that the switch must answer by [`UserAgent::respond`]:
    /// REGISTER, SUBSCRIBE (granted by [`UserAgent::subscribe`]), MESSAGE, REFER … (OPTIONS has been
    /// answered.)
    Requested { server: ServerId, request: Request, hop: Hop },
    /// The final answer to [`UserAgent::request`]; challenges were answered below when the
    /// credentials were given, a second 401 comes up.
    Responded { client: ClientId, response: Response },
    /// No answer to [`UserAgent::request`] within 64·T1, or the transport failed.
    Unanswered { client: ClientId, why: NoAnswer },

    /// A subscription was refreshed, taken back, or its time is up: its full state is due, by
    /// [`UserAgent::notify`]. Where it ends, that NOTIFY says so, and [`Fact::SubscriptionOver`] follows.
    Resubscribed { subscription: SubscriptionId },
    /// The peer has got the last NOTIFY: the next one may go.
    Notified { subscription: SubscriptionId },
    /// The subscription is over; nothing more comes of it.
    SubscriptionOver { subscription: SubscriptionId },
}

/// Why our INVITE ended without a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InviteRefused {
    /// A final answer of 300 to 699; `contacts` of a 3xx in order of `q`.
    Answer {
        response: Response,
        contacts: Vec<Uri>,
    },
    /// We cancelled it and the peer agreed (487), or never answered the CANCEL.
    Cancelled,
    NoAnswer(NoAnswer),
}

/// Why nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Timer B or F.
    TimedOut,
    /// The transport said that it can't be reached (ICMP, refused connection, closed stream).
    Transport,
}

/// How a confirmed dialog ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The peer's BYE, with its Reason header.
    PeerBye { reason: Option<String> },
    /// Our 2xx was never acknowledged within 64·T1; BYE has been sent (RFC 3261 §13.3.1.4).
    NoAck,
    /// The session timer ran out (RFC 4028 §10); BYE has been sent.
    SessionExpired,
    /// A request of ours within the dialog got 408 or 481, or its transport failed (RFC 3261 §12.2.1.2).
    Gone,
    /// Our own [`UserAgent::hang_up`] has been answered, or given up.
    HungUp,
}

/// The machine. See the module's documentation.
#[derive(Debug)]
pub struct UserAgent {
    core: Core,
    usages: HashMap<UsageId, Usage>,
    series: HashMap<u64, Series>,
    subscriptions: HashMap<SubscriptionId, Subscription>,
    /// By Call-ID and our tag.
    subscribed: HashMap<(String, String), SubscriptionId>,
    /// When each ends.
    expiries: BTreeSet<(Instant, SubscriptionId)>,
}

/// REGISTERs to one registrar are one row (RFC 3261 §10.2.4).
#[derive(Debug)]
struct Series {
    call_id: String,
    from_tag: String,
    cseq: u32,
}

impl UserAgent {
    /// `seed` makes tags, branches, Call-IDs and nonces; the same seed gives the same bytes.
    pub fn new(settings: UaSettings, seed: [u8; 32]) -> Self {
        Self {
            core: Core::new(settings, seed),
            usages: HashMap::new(),
            series: HashMap::new(),
            subscriptions: HashMap::new(),
            subscribed: HashMap::new(),
            expiries: BTreeSet::new(),
        }
    }

    /// A datagram, or one whole message cut from a stream by [`super::framing`].
    pub fn receive(&mut self, hop: Hop, bytes: &[u8], now: Instant) {
        self.core.transactions.receive(hop, bytes, now);
        self.settle(now);
    }

    /// A message could not be sent to `remote`.
    pub fn send_failed(&mut self, hop: Hop, now: Instant) {
        self.core.transactions.send_failed(hop, now);
        self.settle(now);
    }

    /// A stream connection is gone; whoever waits on it alone fails.
    pub fn flow_closed(&mut self, flow: FlowId, now: Instant) {
        self.usages.values_mut().for_each(|usage| usage.on_flow_closed(flow));
        self.subscriptions.values_mut().for_each(|subscription| subscription.on_flow_closed(flow));
        self.core.transactions.flow_closed(flow, now);
        self.settle(now);
    }

    /// When [`UserAgent::deadline_passed`] is wanted next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.core.deadline(), self.next_expiry()].into_iter().flatten().min()
    }

    /// Does everything that is due.
    pub fn deadline_passed(&mut self, now: Instant) {
        self.core.transactions.deadline_passed(now);
        self.settle(now);
        self.core.memory.forget(now);
        self.expire_subscriptions(now);
        while let Some(id) = self.core.ring(now) {
            self.order(id, now, |usage, core| usage.deadline_passed(core, now));
        }
    }

    /// All outputs since the last time, in order.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        self.core.take_outputs()
    }

    /// Sends a request outside a dialog. A REGISTER keeps its Call-ID and counts its CSeq when
    /// `series` is the same (RFC 3261 §10.2.4).
    pub fn request(&mut self, method: Method, to: Outgoing, series: Option<u64>, now: Instant) -> ClientId {
        let client = ClientId(self.core.next_id());
        let fresh = Series {
            call_id: self.core.transactions.token(),
            from_tag: self.core.transactions.token(),
            cseq: 0,
        };
        let mut alone = None;
        let row = match series {
            Some(series) => self.series.entry(series).or_insert(fresh),
            None => alone.insert(fresh),
        };
        row.cseq = row.cseq.saturating_add(1);
        let mut headers = Headers::new();
        for route in &to.route {
            headers.push(HeaderName::Route, route.to_string());
        }
        headers.push(HeaderName::From, to.from.with_tag(&row.from_tag).to_string());
        headers.push(HeaderName::To, to.to.to_string());
        headers.push(HeaderName::CallId, row.call_id.as_str());
        headers.push(HeaderName::CSeq, format!("{} {method}", row.cseq));
        headers.push(HeaderName::Contact, self.core.contact(&to.contact_user, to.hop));
        self.core.introduce(&mut headers);
        for header in to.headers.iter() {
            headers.push(header.name.clone(), header.value.as_str());
        }
        let request = Request { method, uri: to.uri, headers, body: Vec::new() };
        self.core.send(request, to.hop, to.credentials, Owner::Alone(client, series), now);
        self.settle(now);
        client
    }

    /// Answers a [`Fact::Requested`] or [`Fact::InDialog`]. To-tag, Via and the like are added here.
    pub fn respond(
        &mut self,
        server: ServerId,
        status: Status,
        headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) {
        self.core.respond_waiting(server, status, headers, body, now);
        self.settle(now);
    }

    /// Sends an INVITE with that offer.
    pub fn invite(&mut self, to: Outgoing, offer: Bytes, now: Instant) -> UsageId {
        let id = UsageId(self.core.next_id());
        let usage = Usage::call(&mut self.core, id, to, offer, now);
        self.usages.insert(id, usage);
        self.settle(now);
        id
    }

    /// Answers a peer's INVITE with 180 to 199. `sdp` makes it early media; it goes reliably where
    /// the peer requires 100rel.
    pub fn provisional(&mut self, usage: UsageId, status: Status, sdp: Option<Bytes>, now: Instant) {
        self.order(usage, now, |usage, core| usage.provisional(core, status, sdp, now));
    }

    /// Answers a peer's INVITE with 200. `sdp` is the answer, or our offer when it came late.
    pub fn accept(&mut self, usage: UsageId, sdp: Bytes, now: Instant) {
        self.order(usage, now, |usage, core| usage.accept(core, sdp, now));
    }

    /// Answers a peer's INVITE with 300 to 699 and ends the usage.
    pub fn refuse(&mut self, usage: UsageId, status: Status, headers: Headers, now: Instant) {
        self.order(usage, now, |usage, core| usage.refuse(core, status, headers, now));
    }

    /// Changes a confirmed session: re-INVITE (or UPDATE in an early dialog) with a new offer.
    /// Waits below while another offer is open.
    pub fn offer(&mut self, usage: UsageId, sdp: Bytes, now: Instant) {
        self.order(usage, now, |usage, core| usage.offer(core, sdp, now));
    }

    /// Answers [`Fact::Offered`] with 200.
    pub fn answer_offer(&mut self, usage: UsageId, sdp: Bytes, now: Instant) {
        self.order(usage, now, |usage, core| usage.answer_offer(core, sdp, now));
    }

    /// Answers [`Fact::Offered`] with 488 or the like; the session stays as it was.
    pub fn refuse_offer(&mut self, usage: UsageId, status: Status, now: Instant) {
        self.order(usage, now, |usage, core| usage.refuse_offer(core, status, now));
    }

    /// Sends a request within a confirmed dialog (INFO, NOTIFY, REFER). Its answer comes as
    /// [`Fact::Responded`] or [`Fact::Unanswered`].
    pub fn request_within(
        &mut self,
        usage: UsageId,
        method: Method,
        headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) -> Option<ClientId> {
        let mut client = None;
        self.order(usage, now, |usage, core| {
            client = usage.request_within(core, method, headers, body, now);
        });
        client
    }

    /// Ends a usage from our side whatever its state: CANCEL before an answer, BYE after it; refuses
    /// with 480 a peer's INVITE that was not answered. `reason` is a Reason header (RFC 3326).
    /// [`Fact::Refused`] or [`Fact::Ended`] tells when it is over. A 2xx that crosses the CANCEL is
    /// acknowledged and hung up below.
    pub fn hang_up(&mut self, usage: UsageId, reason: Option<String>, now: Instant) {
        self.order(usage, now, |usage, core| usage.hang_up(core, reason, now));
    }

    /// The address our peer's last request came from, or our requests go to; for the log.
    pub fn remote(&self, usage: UsageId) -> Option<SocketAddr> {
        self.usages.get(&usage).map(Usage::remote)
    }

    /// SIP's Call-ID of the usage, for the ticket.
    pub fn call_id(&self, usage: UsageId) -> Option<&str> {
        self.usages.get(&usage).map(Usage::call_id)
    }

    /// The usage's dialog, once the peer has named its side; of several early ones, the first.
    pub fn dialog_name(&self, usage: UsageId) -> Option<DialogName> {
        self.usages.get(&usage).and_then(Usage::dialog_name)
    }

    /// The usage whose dialog a Replaces means (RFC 3891 §3). Its tags may come from either side: a
    /// phone that watches another one (RFC 4235) names the dialog as the other phone sees it.
    pub fn replaced(&self, replaces: &Replaces) -> Option<UsageId> {
        let Replaces { call_id, to_tag, from_tag, early_only: _ } = replaces;
        [(to_tag, from_tag), (from_tag, to_tag)].into_iter().find_map(|(ours, theirs)| {
            let usage = *self.core.dialogs.get(&(call_id.clone(), ours.clone()))?;
            self.usages.get(&usage)?.has_dialog_with(theirs).then_some(usage)
        })
    }

    /// How many usages live, for the figures.
    pub fn usages(&self) -> usize {
        self.usages.len()
    }

    fn order(&mut self, id: UsageId, now: Instant, act: impl FnOnce(&mut Usage, &mut Core)) {
        self.with(id, now, act);
        self.settle(now);
    }

    /// Lets a usage act, and forgets it when it is over.
    fn with(&mut self, id: UsageId, now: Instant, act: impl FnOnce(&mut Usage, &mut Core)) {
        let Some(usage) = self.usages.get_mut(&id) else { return };
        act(usage, &mut self.core);
        usage.tidy(&mut self.core, now);
        if usage.is_over() {
            self.usages.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
