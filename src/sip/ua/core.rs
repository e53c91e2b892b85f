//! What all usages share: the transactions, who waits for which answer, the dialogs' names, the
//! alarms, and the facts on their way up. It sends and remembers; it decides nothing about a call.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{ClientId, Credentials, Fact, Output, ServerId, UaSettings, UsageId, memory::Memory};
use crate::sip::{
    check::Abilities,
    dialog::{Dialog, to_tag},
    digest,
    hop::Hop,
    message::{HeaderName, Headers, Method, Request, Response, Status},
    session_timer::Terms,
    subscription::{self, SubscriptionId},
    transaction::{ClientTx, Happened, ServerTx, Transactions},
};

/// What Allow says: the methods that we or the switch answer.
const METHODS: [Method; 14] = [
    Method::Invite,
    Method::Ack,
    Method::Cancel,
    Method::Bye,
    Method::Options,
    Method::Prack,
    Method::Update,
    Method::Info,
    Method::Refer,
    Method::Notify,
    Method::Message,
    Method::Subscribe,
    Method::Register,
    Method::Publish,
];

/// Which request of a usage was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The INVITE that opens the usage.
    Invite,
    /// A re-INVITE, or an UPDATE with an offer.
    Offer,
    /// An UPDATE without SDP that keeps the session alive.
    Refresh,
    Prack,
    Bye,
    /// The switch's own request within the dialog.
    Within(ClientId),
}

/// Who waits for the answer to a request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Usage(UsageId, Purpose),
    /// A request outside any dialog, with its series.
    Alone(ClientId, Option<u64>),
    /// A NOTIFY's subscription.
    Subscription(SubscriptionId),
    /// Nobody: the BYE to a fork that lost.
    Nobody,
}

/// A request of ours without a final answer yet.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    pub(crate) hop: Hop,
    pub(crate) owner: Owner,
    credentials: Option<Credentials>,
    /// How often 401 and 407 were answered.
    answered: [u8; 2],
}

/// A peer's request that the switch answers.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) server: ServerTx,
    pub(crate) to_tag: String,
    /// For a 2xx to a request that may make a dialog (RFC 6665 §4.4, RFC 3515 §2.2).
    pub(crate) contact: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: UaSettings,
    pub(crate) abilities: Abilities,
    pub(crate) transactions: Transactions,
    rng: ChaCha8Rng,
    /// Taken out of the transactions, not yet acted on.
    pub(crate) happened: VecDeque<Happened>,
    outputs: Vec<Output>,
    pub(crate) sent: HashMap<ClientTx, Sent>,
    pub(crate) waiting: HashMap<ServerId, Waiting>,
    /// INVITEs of peers without a final answer, for their CANCEL.
    pub(crate) invited: HashMap<ServerTx, UsageId>,
    /// Call-ID and our tag name a usage; the peer's tag then one of its dialogs.
    pub(crate) dialogs: HashMap<(String, String), UsageId>,
    /// INVITEs of ours that had a final answer a while ago.
    pub(crate) memory: Memory,
    alarms: BTreeSet<(Instant, UsageId)>,
    next_id: u64,
}

impl Core {
    pub(crate) fn new(settings: UaSettings, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed);
        let transactions = Transactions::new(&settings, rng.clone());
        // The same seed, another sequence: the two never draw the same word.
        rng.set_stream(1);
        let mut extensions = vec!["100rel", "replaces", "norefersub"];
        extensions.extend(settings.session_expires.map(|_| "timer"));
        Self {
            abilities: Abilities { methods: METHODS.to_vec(), extensions },
            transactions,
            rng,
            happened: VecDeque::new(),
            outputs: Vec::new(),
            sent: HashMap::new(),
            waiting: HashMap::new(),
            invited: HashMap::new(),
            dialogs: HashMap::new(),
            memory: Memory::default(),
            alarms: BTreeSet::new(),
            next_id: 1,
            settings,
        }
    }

    /// Ids for usages, clients and servers come from one row; none is used twice.
    pub(crate) fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }

    /// Reports a fact, after everything that was sent before it.
    pub(crate) fn fact(&mut self, fact: Fact) {
        self.collect();
        self.outputs.push(Output::Fact(fact));
    }

    /// Takes what the transactions made: bytes go out, the rest waits its turn.
    pub(crate) fn collect(&mut self) {
        for happened in self.transactions.take() {
            match happened {
                Happened::Send { hop, bytes } => self.outputs.push(Output::Send { hop, bytes }),
                other @ (Happened::Request { .. }
                | Happened::Ack { .. }
                | Happened::Cancel { .. }
                | Happened::Response { .. }
                | Happened::Stray { .. }
                | Happened::NoAnswer { .. }
                | Happened::ServerEnded { .. }) => self.happened.push_back(other),
            }
        }
    }

    pub(crate) fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// How long a 2xx without ACK, and the memory of an INVITE, lasts: 64·T1 (RFC 3261 §13.3.1.4).
    pub(crate) fn whole(&self) -> Duration {
        self.settings.t1.saturating_mul(64)
    }

    /// The session timer that we ask for, if any.
    pub(crate) fn terms(&self) -> Option<Terms> {
        let expires = self.settings.session_expires?;
        Some(Terms { expires: expires.max(self.settings.min_se), min_se: self.settings.min_se })
    }

    /// A number from `0..bound`.
    pub(crate) fn chance(&mut self, bound: u32) -> u32 {
        self.rng.next_u32().checked_rem(bound).unwrap_or(0)
    }

    /// Retry-After of a 500 to an offer that comes too early: 0 to 9 s (RFC 3261 §14.2).
    pub(crate) fn retry_after(&mut self) -> Headers {
        let mut headers = Headers::new();
        headers.push(HeaderName::RetryAfter, self.chance(10).to_string());
        headers
    }

    /// `<sip:user@advertised;transport=udp>`, for the listener of that hop.
    pub(crate) fn contact(&self, user: &str, hop: Hop) -> String {
        let listener = self.settings.listeners.iter().find(|l| l.id == hop.listener);
        let advertised = listener.map_or_else(|| hop.remote.to_string(), |l| l.advertised.to_string());
        let transport = hop.transport.via_name().to_ascii_lowercase();
        if user.is_empty() {
            format!("<sip:{advertised};transport={transport}>")
        } else {
            format!("<sip:{user}@{advertised};transport={transport}>")
        }
    }

    /// What we say of ourselves in requests and 2xx that make or change dialogs, and to OPTIONS.
    pub(crate) fn introduce(&self, headers: &mut Headers) {
        headers.set(HeaderName::Allow, self.abilities.allow());
        headers.set(HeaderName::Supported, self.abilities.supported());
        headers.set(HeaderName::AllowEvents, subscription::allow_events());
    }

    /// Sends a request and remembers who waits for its answer.
    pub(crate) fn send(
        &mut self,
        mut request: Request,
        hop: Hop,
        credentials: Option<Credentials>,
        owner: Owner,
        now: Instant,
    ) -> ClientTx {
        if request.headers.get(&HeaderName::UserAgent).is_none() {
            request.headers.push(HeaderName::UserAgent, self.settings.product.as_str());
        }
        self.resend(Sent { request, hop, owner, credentials, answered: [0, 0] }, now)
    }

    /// Sends a request again, changed by [`Core::authorize`] or [`renumber`].
    pub(crate) fn resend(&mut self, sent: Sent, now: Instant) -> ClientTx {
        let client = self.transactions.request(sent.request.clone(), sent.hop, now);
        self.sent.insert(client, sent);
        client
    }

    /// Adds the answer to a 401 or 407; `false` where there is none, or the peer has refused it.
    /// A challenge is answered once, and once more when it says that only its nonce was old.
    pub(crate) fn authorize(&mut self, sent: &mut Sent, response: &Response) -> bool {
        let (asks, answers, at) = match response.status {
            Status::UNAUTHORIZED => (HeaderName::WwwAuthenticate, HeaderName::Authorization, 0),
            Status::PROXY_AUTHENTICATION_REQUIRED => {
                (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization, 1)
            }
            _ => return false,
        };
        let Some(credentials) = &sent.credentials else { return false };
        let challenges: Vec<&str> = response.headers.all(&asks).collect();
        let Some(answered) = sent.answered.get_mut(at) else { return false };
        let allowed = if digest::stale(&challenges) { 2 } else { 1 };
        if *answered >= allowed {
            return false;
        }
        *answered = answered.saturating_add(1);
        let cnonce = self.transactions.token();
        let Request { method, uri, body, .. } = &sent.request;
        match digest::answer(&challenges, credentials, method.as_str(), &uri.to_string(), body, 1, &cnonce) {
            Ok(value) => {
                sent.request.headers.set(answers, value);
                true
            }
            Err(digest::CannotAnswer::NoDigest | digest::CannotAnswer::Unknown(_)) => false,
        }
    }

    /// Acknowledges a 2xx and remembers how, for its retransmissions (RFC 3261 §13.2.2.4).
    /// `credentials` are for the BYE to another fork.
    pub(crate) fn acknowledge(
        &mut self,
        dialog: &Dialog,
        invite: &Request,
        credentials: Option<&Credentials>,
        now: Instant,
    ) {
        let cseq = invite.headers.cseq().map_or(0, |cseq| cseq.number);
        let (mut ack, hop) = dialog.ack(cseq, &self.settings.listeners);
        // RFC 3261 §13.2.2.4: with the same credentials as the INVITE.
        ack.headers.copy(&HeaderName::Authorization, &invite.headers);
        ack.headers.copy(&HeaderName::ProxyAuthorization, &invite.headers);
        ack.headers.push(HeaderName::UserAgent, self.settings.product.as_str());
        let until = now + self.whole();
        let sent = (dialog.remote_tag.clone(), ack.clone(), hop);
        self.memory.acknowledged(invite, until, credentials, sent);
        self.transactions.ack(ack, hop);
    }

    /// A 2xx to an INVITE of ours that nobody waits for: a retransmission gets its ACK again,
    /// another fork is acknowledged and hung up (RFC 3261 §13.2.2.4).
    pub(crate) fn late_2xx(&mut self, response: &Response, hop: Hop, now: Instant) {
        let Some(found) = self.memory.find(response) else { return };
        if let Some((ack, hop)) = found.ack {
            self.transactions.ack(ack, hop);
            return;
        }
        let invite = found.invite;
        let mut dialog = Dialog::opened_by_response(&invite, response, hop);
        self.acknowledge(&dialog, &invite, found.credentials.as_ref(), now);
        if to_tag(&invite.headers).is_none() {
            let (bye, hop) = dialog.request(Method::Bye, &self.settings.listeners);
            let credentials = found.credentials;
            self.send(bye, hop, credentials, Owner::Nobody, now);
        }
    }

    /// An INVITE of ours has failed: what accepts it yet will be hung up.
    pub(crate) fn remember_failed(&mut self, sent: &Sent, now: Instant) {
        let until = now + self.whole();
        self.memory.failed(&sent.request, until, sent.credentials.as_ref());
    }

    /// Answers a peer's request; `to_tag` is ours.
    pub(crate) fn respond(
        &mut self,
        server: ServerTx,
        status: Status,
        to_tag: &str,
        mut headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) {
        if status.is_final() {
            self.invited.remove(&server);
        }
        headers.push(HeaderName::Server, self.settings.product.as_str());
        self.transactions.respond(server, status, None, to_tag, headers, body, now);
    }

    /// Answers a request that the switch was asked about; nothing where that has happened.
    pub(crate) fn respond_waiting(
        &mut self,
        server: ServerId,
        status: Status,
        mut headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) {
        if let Some(Waiting { server, to_tag, contact }) = self.waiting.remove(&server) {
            if let Some(contact) = contact
                && status.is_success()
                && headers.get(&HeaderName::Contact).is_none()
            {
                headers.push(HeaderName::Contact, contact);
            }
            self.respond(server, status, &to_tag, headers, body, now);
        }
    }

    /// Moves a usage's alarm clock.
    pub(crate) fn set_alarm(&mut self, usage: UsageId, before: Option<Instant>, after: Option<Instant>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.alarms.remove(&(before, usage));
        }
        if let Some(after) = after {
            self.alarms.insert((after, usage));
        }
    }

    /// The next usage whose alarm is not after `now`; the alarm is taken out.
    pub(crate) fn ring(&mut self, now: Instant) -> Option<UsageId> {
        let (at, usage) = self.alarms.first().copied()?;
        if at > now {
            return None;
        }
        self.alarms.pop_first();
        Some(usage)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let alarm = self.alarms.first().map(|(at, _)| *at);
        [alarm, self.transactions.deadline(), self.memory.deadline()].into_iter().flatten().min()
    }
}

/// Gives a request another CSeq number, as every repeat with changed headers needs (RFC 3261 §8.1.3.5).
pub(crate) fn renumber(request: &mut Request, number: u32) {
    let value = format!("{number} {}", request.method);
    request.headers.set(HeaderName::CSeq, value);
}
