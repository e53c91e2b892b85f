//! Our requests and the transactions they are in: finds the one that a response belongs to, keeps
//! the text that is sent again, and chooses between UDP and TCP by size.
//!
//! Deadlines, remotes and flows are ordered sets beside the map: the next deadline is the set's first
//! element and a machine that changes its mind takes its old entry out, so nothing is ever scanned
//! and nothing stale wakes the loop. (A heap with lazy deletion would keep an entry for each 100 that
//! stopped a timer, and could not tell the true next deadline from `&self`.)

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    time::Instant,
};

use bytes::Bytes;

use super::{
    Class, ClientTx, Happened,
    client_invite::{self, ClientInvite},
    client_other::{self, ClientOther},
    hop_by_hop::{ack_for_refusal, cancel_for, head},
    timing::Timing,
};
use crate::sip::{
    header::Via,
    hop::{FlowId, Hop, Listener, Transport},
    message::{HeaderName, Headers, Method, Request, Response, Status},
    ua::{NoAnswer, UaSettings},
    uri::Host,
};

/// In bytes. A longer request goes over TCP (RFC 3261 §18.1.1): it might not fit a datagram unfragmented.
const LONGEST_DATAGRAM: usize = 1300;

/// All client transactions.
#[derive(Debug)]
pub(super) struct Clients {
    timing: Timing,
    listeners: Vec<Listener>,
    tcp_fallback: bool,
    /// A tree, as a table would keep the room of its busiest hour.
    live: BTreeMap<ClientTx, Client>,
    /// `branch METHOD` (RFC 3261 §17.1.3): a CANCEL has its INVITE's branch.
    by_branch: HashMap<String, ClientTx>,
    by_remote: BTreeSet<(SocketAddr, ClientTx)>,
    by_flow: BTreeSet<(FlowId, ClientTx)>,
    deadlines: BTreeSet<(Instant, ClientTx)>,
    last: u64,
}

#[derive(Debug)]
struct Client {
    kind: Kind,
    key: String,
    hop: Hop,
    /// The request as it was sent.
    bytes: Bytes,
    /// The request and its first choice of a way, while only its size keeps it from going there.
    way_back: Option<Box<(Request, Hop)>>,
    /// The deadline that stands in [`Clients::deadlines`].
    queued: Option<Instant>,
}

#[derive(Debug)]
enum Kind {
    /// `head` is the INVITE without its body and what only it needs; `cancel` goes into the CANCEL.
    Invite {
        machine: ClientInvite,
        head: Box<Request>,
        cancel: Headers,
    },
    Other {
        machine: ClientOther,
    },
    /// Its answers are nobody's news: the INVITE's final answer tells what came of it (§9.1).
    Cancel {
        machine: ClientOther,
    },
}

/// What befalls a client transaction, whatever its kind.
#[derive(Debug, Clone, Copy)]
enum Fact {
    Response(Class),
    TransportFailed,
    GoesAnotherWay(Timing),
    DeadlinePassed,
}

impl Clients {
    pub(super) fn new(settings: &UaSettings) -> Self {
        Self {
            timing: Timing::new(settings, Transport::Udp),
            listeners: settings.listeners.clone(),
            tcp_fallback: settings.tcp_fallback,
            live: BTreeMap::new(),
            by_branch: HashMap::new(),
            by_remote: BTreeSet::new(),
            by_flow: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            last: 0,
        }
    }

    /// See [`super::Transactions::request`].
    pub(super) fn request(
        &mut self,
        mut request: Request,
        hop: Hop,
        branch: &str,
        now: Instant,
        out: &mut Vec<Happened>,
    ) -> ClientTx {
        let Some(mut bytes) = self.address(&mut request, hop, branch) else {
            let client = self.next_id();
            out.push(Happened::NoAnswer { client, why: NoAnswer::Transport });
            return client;
        };
        let (mut sent_to, mut way_back) = (hop, None);
        if hop.transport == Transport::Udp && bytes.len() > LONGEST_DATAGRAM {
            let mut by_tcp = request.clone();
            if let Some(tcp) = self.tcp_instead(hop)
                && let Some(longer) = self.address(&mut by_tcp, tcp, branch)
            {
                way_back = Some(Box::new((request, hop)));
                (request, sent_to, bytes) = (by_tcp, tcp, longer);
            }
        }
        let timing = self.timing.over(sent_to.transport);
        let key = key(branch, &request.method);
        let kind = if request.method == Method::Invite {
            let head = Box::new(head(&request));
            Kind::Invite { machine: ClientInvite::new(timing, now), head, cancel: Headers::new() }
        } else {
            Kind::Other { machine: ClientOther::new(timing, now) }
        };
        self.start(Client { kind, key, hop: sent_to, bytes, way_back, queued: None }, out)
    }

    /// See [`super::Transactions::ack`].
    pub(super) fn ack(&self, mut request: Request, hop: Hop, branch: &str, out: &mut Vec<Happened>) {
        if let Some(bytes) = self.address(&mut request, hop, branch) {
            out.push(Happened::Send { hop, bytes });
        }
    }

    /// See [`super::Transactions::cancel`].
    pub(super) fn cancel(&mut self, id: ClientTx, headers: Headers, now: Instant, out: &mut Vec<Happened>) {
        if let Some(Client { kind: Kind::Invite { cancel, .. }, .. }) = self.live.get_mut(&id) {
            *cancel = headers;
            self.tell_invite(id, client_invite::Event::Cancel, None, now, out);
        }
    }

    /// A response that came on `hop`.
    pub(super) fn receive(&mut self, response: Response, hop: Hop, now: Instant, out: &mut Vec<Happened>) {
        let (Some(via), Some(cseq)) = (response.headers.via(), response.headers.cseq()) else { return };
        // RFC 3261 §18.1.2: what was sent by somebody else is not for us.
        if !self.is_ours(&via) {
            return;
        }
        let client = via.branch().and_then(|branch| self.by_branch.get(&key(branch, &cseq.method)).copied());
        match client {
            Some(id) => {
                let class = Class::of(response.status);
                if let Some(client) = self.live.get_mut(&id) {
                    client.way_back = None;
                }
                self.tell(id, Fact::Response(class), Some((response, hop)), now, out);
                if let Some(client) = self.live.get_mut(&id) {
                    client.answered(class);
                }
            }
            None => out.push(Happened::Stray { response, hop }),
        }
    }

    /// See [`super::Transactions::send_failed`].
    pub(super) fn send_failed(&mut self, hop: Hop, now: Instant, out: &mut Vec<Happened>) {
        let there = (hop.remote, ClientTx(0))..=(hop.remote, ClientTx(u64::MAX));
        let there: Vec<ClientTx> = self.by_remote.range(there).map(|(_, id)| *id).collect();
        for id in there {
            let Some(client) = self.live.get(&id) else { continue };
            let same_flow = hop.flow.is_none() || client.hop.flow.is_none() || hop.flow == client.hop.flow;
            if client.hop.transport == hop.transport && same_flow {
                self.fail(id, now, out);
            }
        }
    }

    /// See [`super::Transactions::flow_closed`].
    pub(super) fn flow_closed(&mut self, flow: FlowId, now: Instant, out: &mut Vec<Happened>) {
        let there = (flow, ClientTx(0))..=(flow, ClientTx(u64::MAX));
        let there: Vec<ClientTx> = self.by_flow.range(there).map(|(_, id)| *id).collect();
        for id in there {
            self.fail(id, now, out);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(super) fn deadline_passed(&mut self, now: Instant, out: &mut Vec<Happened>) {
        while let Some((at, id)) = self.deadlines.first().copied() {
            if now < at {
                return;
            }
            self.tell(id, Fact::DeadlinePassed, None, now, out);
        }
    }

    /// Whether nothing at all is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
            && self.deadlines.is_empty()
            && self.by_branch.is_empty()
            && self.by_remote.is_empty()
            && self.by_flow.is_empty()
    }

    /// Whether the response's Via is one of ours (RFC 3261 §18.1.2).
    fn is_ours(&self, via: &Via) -> bool {
        let port = |listener: &Listener| via.port.unwrap_or(listener.transport.default_port());
        self.listeners.iter().any(|listener| {
            via.host == Host::Ip(listener.advertised.ip()) && port(listener) == listener.advertised.port()
        })
    }

    /// Puts our Via on top, gives it a Max-Forwards, and writes it. `None` when there is no such listener.
    fn address(&self, request: &mut Request, hop: Hop, branch: &str) -> Option<Bytes> {
        let listener = self.listeners.iter().find(|listener| listener.id == hop.listener)?;
        let via = Via::new(hop.transport, listener.advertised, branch);
        request.headers.remove(&HeaderName::Via);
        request.headers.push_front(HeaderName::Via, via.to_string());
        if request.headers.get(&HeaderName::MaxForwards).is_none() {
            request.headers.push(HeaderName::MaxForwards, "70");
        }
        Some(request.to_bytes())
    }

    /// The same way by TCP, where that is allowed and there is a listener of the family for it.
    fn tcp_instead(&self, hop: Hop) -> Option<Hop> {
        let fits = |listener: &&Listener| {
            listener.transport == Transport::Tcp && listener.advertised.is_ipv4() == hop.remote.is_ipv4()
        };
        let listener = self.listeners.iter().find(fits).filter(|_| self.tcp_fallback)?;
        Some(Hop { transport: Transport::Tcp, listener: listener.id, flow: None, ..hop })
    }

    fn next_id(&mut self) -> ClientTx {
        self.last = self.last.wrapping_add(1);
        ClientTx(self.last)
    }

    fn start(&mut self, client: Client, out: &mut Vec<Happened>) -> ClientTx {
        let id = self.next_id();
        out.push(Happened::Send { hop: client.hop, bytes: client.bytes.clone() });
        self.by_branch.insert(client.key.clone(), id);
        self.by_remote.insert((client.hop.remote, id));
        if let Some(flow) = client.hop.flow {
            self.by_flow.insert((flow, id));
        }
        self.live.insert(id, client);
        self.schedule(id);
        id
    }

    fn forget(&mut self, id: ClientTx) {
        let Some(client) = self.live.remove(&id) else { return };
        self.by_branch.remove(&client.key);
        self.by_remote.remove(&(client.hop.remote, id));
        if let Some(flow) = client.hop.flow {
            self.by_flow.remove(&(flow, id));
        }
        if let Some(at) = client.queued {
            self.deadlines.remove(&(at, id));
        }
    }

    /// Brings the set of deadlines in line with the machine.
    fn schedule(&mut self, id: ClientTx) {
        let Some(client) = self.live.get_mut(&id) else { return };
        let wanted = match &client.kind {
            Kind::Invite { machine, .. } => machine.deadline(),
            Kind::Other { machine } | Kind::Cancel { machine } => machine.deadline(),
        };
        if wanted == client.queued {
            return;
        }
        if let Some(at) = client.queued {
            self.deadlines.remove(&(at, id));
        }
        if let Some(at) = wanted {
            self.deadlines.insert((at, id));
        }
        client.queued = wanted;
    }

    fn fail(&mut self, id: ClientTx, now: Instant, out: &mut Vec<Happened>) {
        let Some(client) = self.live.get_mut(&id) else { return };
        let Some(way_back) = client.way_back.take() else {
            return self.tell(id, Fact::TransportFailed, None, now, out);
        };
        let (request, hop) = *way_back;
        client.bytes = request.to_bytes();
        client.hop = hop;
        if let Kind::Invite { head: old, .. } = &mut client.kind {
            **old = head(&request);
        }
        self.tell(id, Fact::GoesAnotherWay(self.timing.over(hop.transport)), None, now, out);
    }

    fn tell(
        &mut self,
        id: ClientTx,
        fact: Fact,
        response: Option<(Response, Hop)>,
        now: Instant,
        out: &mut Vec<Happened>,
    ) {
        let Some(client) = self.live.get(&id) else { return };
        match (&client.kind, fact) {
            (Kind::Invite { .. }, fact) => {
                let event = match fact {
                    Fact::Response(class) => client_invite::Event::Response(class),
                    Fact::TransportFailed => client_invite::Event::TransportFailed,
                    Fact::GoesAnotherWay(timing) => client_invite::Event::GoesAnotherWay(timing),
                    Fact::DeadlinePassed => client_invite::Event::DeadlinePassed,
                };
                self.tell_invite(id, event, response, now, out);
            }
            (Kind::Other { .. } | Kind::Cancel { .. }, fact) => {
                let event = match fact {
                    Fact::Response(class) => client_other::Event::Response(class),
                    Fact::TransportFailed => client_other::Event::TransportFailed,
                    Fact::GoesAnotherWay(timing) => client_other::Event::GoesAnotherWay(timing),
                    Fact::DeadlinePassed => client_other::Event::DeadlinePassed,
                };
                self.tell_other(id, event, response, now, out);
            }
        }
    }

    fn tell_invite(
        &mut self,
        id: ClientTx,
        event: client_invite::Event,
        mut answer: Option<(Response, Hop)>,
        now: Instant,
        out: &mut Vec<Happened>,
    ) {
        use client_invite::Action;
        let Some(client) = self.live.get_mut(&id) else { return };
        let Kind::Invite { machine, head, cancel } = &mut client.kind else { return };
        let (mut cancelled, mut over) = (None, false);
        for action in machine.on(event, now) {
            match action {
                Action::Resend => out.push(Happened::Send { hop: client.hop, bytes: client.bytes.clone() }),
                Action::Acknowledge => {
                    if let Some((response, _)) = &answer {
                        let bytes = ack_for_refusal(head, response).to_bytes();
                        out.push(Happened::Send { hop: client.hop, bytes });
                    }
                }
                Action::SendCancel => {
                    let request = cancel_for(head, std::mem::take(cancel));
                    let branch = request.headers.via().and_then(|via| via.branch().map(str::to_owned));
                    cancelled = Some(Client {
                        key: key(&branch.unwrap_or_default(), &Method::Cancel),
                        bytes: request.to_bytes(),
                        hop: client.hop,
                        kind: Kind::Cancel {
                            machine: ClientOther::new(self.timing.over(client.hop.transport), now),
                        },
                        way_back: None,
                        queued: None,
                    });
                }
                Action::PassUp => {
                    if let Some((response, hop)) = answer.take().filter(|(r, _)| r.status != Status::TRYING) {
                        out.push(Happened::Response { client: id, response, hop });
                    }
                }
                Action::PassStray => {
                    if let Some((response, hop)) = answer.take() {
                        out.push(Happened::Stray { response, hop });
                    }
                }
                Action::TimedOut => out.push(Happened::NoAnswer { client: id, why: NoAnswer::TimedOut }),
                Action::Unreachable => out.push(Happened::NoAnswer { client: id, why: NoAnswer::Transport }),
                Action::End => over = true,
            }
        }
        if over {
            self.forget(id)
        } else {
            self.schedule(id)
        }
        if let Some(cancel) = cancelled {
            self.start(cancel, out);
        }
    }

    fn tell_other(
        &mut self,
        id: ClientTx,
        event: client_other::Event,
        mut answer: Option<(Response, Hop)>,
        now: Instant,
        out: &mut Vec<Happened>,
    ) {
        use client_other::Action;
        let Some(client) = self.live.get_mut(&id) else { return };
        let (machine, told) = match &mut client.kind {
            Kind::Other { machine } => (machine, true),
            Kind::Cancel { machine } => (machine, false),
            Kind::Invite { .. } => return,
        };
        let mut over = false;
        for action in machine.on(event, now) {
            match action {
                Action::Resend => out.push(Happened::Send { hop: client.hop, bytes: client.bytes.clone() }),
                Action::PassUp => {
                    let worth_telling = |(r, _): &(Response, Hop)| told && r.status != Status::TRYING;
                    if let Some((response, hop)) = answer.take().filter(worth_telling) {
                        out.push(Happened::Response { client: id, response, hop });
                    }
                }
                Action::TimedOut if told => {
                    out.push(Happened::NoAnswer { client: id, why: NoAnswer::TimedOut });
                }
                Action::Unreachable if told => {
                    out.push(Happened::NoAnswer { client: id, why: NoAnswer::Transport });
                }
                Action::TimedOut | Action::Unreachable => {}
                Action::End => over = true,
            }
        }
        if over { self.forget(id) } else { self.schedule(id) }
    }
}

impl Client {
    /// Lets go of what is never sent again; the transaction lives on for up to 64·T1.
    fn answered(&mut self, class: Class) {
        if class == Class::Provisional {
            return;
        }
        self.bytes = Bytes::new();
        if let Kind::Invite { machine, head, .. } = &mut self.kind
            && machine.is_accepted()
        {
            head.headers = Headers::new();
        }
    }
}

fn key(branch: &str, method: &Method) -> String {
    format!("{branch} {method}")
}
