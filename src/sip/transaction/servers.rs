//! Peers' requests and the transactions they are in: finds the one that a request belongs to, keeps
//! the last answer and repeats it. Where answers go is `answering`'s to say.
//!
//! Deadlines and flows are ordered sets beside the map, for the reason given in `clients`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    time::Instant,
};

use bytes::Bytes;

use super::{
    Class, Happened, ServerTx,
    answering::{add_to_tag, answer_hop, refuse, stateless_tag},
    matching::{merge_key, sent_by_port, transaction_key},
    server_invite::{self, ServerInvite},
    server_other::{self, ServerOther},
    timing::Timing,
};
use crate::sip::{
    header::Via,
    hop::{FlowId, Hop, Transport},
    message::{HeaderName, Headers, Method, Request, Response, Status},
    ua::UaSettings,
};

/// Most transactions alive at once; beyond it new requests get 503. Each lives 32 s after its answer,
/// so this is 600 requests a second, three times what the daemon is built for.
const MOST_LIVE: usize = 20_000;

/// In bytes: what a transaction keeps of its request (the headers that every answer repeats, and its
/// name). A request that wants more gets 513. Times [`MOST_LIVE`] it is the most that strangers can
/// make us keep: 160 MB.
const MOST_KEPT: usize = 8 * 1024;

/// In bytes. Real branches have 20 to 80; one that is longer gets 400.
const LONGEST_BRANCH: usize = 256;

/// All server transactions.
#[derive(Debug)]
pub(super) struct Servers {
    timing: Timing,
    most_live: usize,
    /// A tree, as a table would keep the room of its busiest hour.
    live: BTreeMap<ServerTx, Server>,
    by_key: HashMap<String, ServerTx>,
    /// Requests outside dialogs, by what a forked copy would share with them.
    by_merge_key: HashMap<String, ServerTx>,
    by_flow: BTreeSet<(FlowId, ServerTx)>,
    deadlines: BTreeSet<(Instant, ServerTx)>,
    last: u64,
}

#[derive(Debug)]
struct Server {
    kind: Kind,
    key: String,
    merge_key: Option<String>,
    /// Where answers go.
    hop: Hop,
    /// Where they go once the flow of `hop` is gone.
    sent_by: SocketAddr,
    /// What every answer repeats of the request; empty after the final one.
    echo: Headers,
    /// The request's Record-Routes, where its answers may make a dialog.
    record_routes: Headers,
    /// The To tag of our answers, where the request had none.
    to_tag: Option<String>,
    last_answer: Option<Bytes>,
    /// Whether the user knows of it, and shall hear of its end: not when we answered by ourselves.
    told: bool,
    /// The deadline that stands in [`Servers::deadlines`].
    queued: Option<Instant>,
}

#[derive(Debug)]
enum Kind {
    Invite(ServerInvite),
    Other(ServerOther),
}

/// What the user answers, apart from what the request says anyway.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: Status,
    pub(super) reason: Option<&'a str>,
    pub(super) to_tag: &'a str,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

impl<'a> Answer<'a> {
    fn bare(status: Status, to_tag: &'a str) -> Self {
        Self { status, reason: None, to_tag, headers: Headers::new(), body: Vec::new() }
    }
}

impl Servers {
    pub(super) fn new(settings: &UaSettings) -> Self {
        Self {
            timing: Timing::new(settings, Transport::Udp),
            most_live: MOST_LIVE,
            live: BTreeMap::new(),
            by_key: HashMap::new(),
            by_merge_key: HashMap::new(),
            by_flow: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            last: 0,
        }
    }

    /// A request that came on `hop`.
    pub(super) fn receive(&mut self, mut request: Request, hop: Hop, now: Instant, out: &mut Vec<Happened>) {
        let Some(mut via) = request.headers.via() else { return };
        if via.branch().is_some_and(|branch| branch.len() > LONGEST_BRANCH) {
            return refuse(&request, &via, hop, Status::BAD_REQUEST, "Branch Too Long", out);
        }
        if request.method == Method::Ack {
            return self.ack(request, &via, hop, now, out);
        }
        let to_tag = request.headers.to().and_then(|to| to.tag().map(str::to_owned));
        let key = transaction_key(&request, &via, &request.method, to_tag.as_deref());
        if let Some(id) = self.by_key.get(&key) {
            return self.again(*id, now, out);
        }
        if self.live.len() >= self.most_live {
            return refuse(&request, &via, hop, Status::SERVICE_UNAVAILABLE, "", out);
        }
        // What a CANCEL names is the transaction of its INVITE (RFC 3261 §9.2).
        let invite = transaction_key(&request, &via, &Method::Invite, to_tag.as_deref());
        let answers_go = answer_hop(hop, &via);
        via.stamp(hop.remote);
        request.headers.set_top_via(&via);

        let echo = Response::answering(&request, Status::TRYING).headers;
        if key.len().saturating_add(size(&echo)) > MOST_KEPT {
            return refuse(&request, &via, hop, Status::MESSAGE_TOO_LARGE, "", out);
        }
        let merge_key = merge_key(&request).filter(|_| request.method != Method::Cancel);
        let merged = merge_key.as_ref().is_some_and(|merge_key| self.by_merge_key.contains_key(merge_key));
        let timing = self.timing.over(hop.transport);
        let kind = if request.method == Method::Invite {
            Kind::Invite(ServerInvite::new(timing))
        } else {
            Kind::Other(ServerOther::new(timing, now))
        };
        let own_tag = stateless_tag(&key);
        let id = self.start(Server {
            kind,
            key,
            merge_key: merge_key.filter(|_| !merged),
            hop: answers_go,
            sent_by: SocketAddr::new(hop.remote.ip(), sent_by_port(&via)),
            echo,
            record_routes: record_routes(&request),
            to_tag: None,
            last_answer: None,
            told: request.method != Method::Cancel && !merged,
            queued: None,
        });
        match request.method {
            Method::Cancel => self.cancel(id, &invite, &request, &own_tag, now, out),
            // RFC 3261 §8.2.2.2: the same request came by another way; one answer is enough.
            _ if merged => self.respond(id, Answer::bare(Status::LOOP_DETECTED, &own_tag), now, out),
            Method::Invite => {
                let mut answer = Answer::bare(Status::TRYING, "");
                // RFC 3261 §8.2.6.1: so that the peer can tell our delay from the network's.
                answer.headers.copy(&HeaderName::Timestamp, &request.headers);
                self.respond(id, answer, now, out);
                out.push(Happened::Request { server: id, request, hop });
            }
            _ => out.push(Happened::Request { server: id, request, hop }),
        }
    }

    /// See [`super::Transactions::respond`].
    pub(super) fn respond(
        &mut self,
        id: ServerTx,
        answer: Answer<'_>,
        now: Instant,
        out: &mut Vec<Happened>,
    ) {
        let Some(server) = self.live.get_mut(&id) else { return };
        let class = Class::of(answer.status);
        match &mut server.kind {
            Kind::Invite(machine) => {
                let actions = machine.on(server_invite::Event::Respond(class), now);
                if actions.contains(&server_invite::Action::Send) {
                    server.send(answer, out);
                }
                self.do_invite(id, actions, None, out);
            }
            Kind::Other(machine) => {
                let actions = machine.on(server_other::Event::Respond(class), now);
                if actions.contains(&server_other::Action::Send) {
                    server.send(answer, out);
                }
                self.do_other(id, actions, out);
            }
        }
    }

    /// See [`super::Transactions::retransmit_2xx`].
    pub(super) fn retransmit_2xx(&mut self, id: ServerTx, now: Instant, out: &mut Vec<Happened>) {
        if let Some(Server { kind: Kind::Invite(machine), .. }) = self.live.get_mut(&id) {
            let actions = machine.on(server_invite::Event::AcceptAgain, now);
            self.do_invite(id, actions, None, out);
        }
    }

    /// See [`super::Transactions::flow_closed`].
    pub(super) fn flow_closed(&mut self, flow: FlowId) {
        let there = (flow, ServerTx(0))..=(flow, ServerTx(u64::MAX));
        let there: Vec<ServerTx> = self.by_flow.range(there).map(|(_, id)| *id).collect();
        for id in there {
            self.by_flow.remove(&(flow, id));
            if let Some(server) = self.live.get_mut(&id) {
                server.hop = Hop { flow: None, remote: server.sent_by, ..server.hop };
            }
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
            match self.live.get_mut(&id).map(|server| &mut server.kind) {
                Some(Kind::Invite(machine)) => {
                    let actions = machine.on(server_invite::Event::DeadlinePassed, now);
                    self.do_invite(id, actions, None, out);
                }
                Some(Kind::Other(machine)) => {
                    let actions = machine.on(server_other::Event::DeadlinePassed, now);
                    self.do_other(id, actions, out);
                }
                None => {
                    self.deadlines.remove(&(at, id));
                }
            }
        }
    }

    /// Whether nothing at all is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
            && self.deadlines.is_empty()
            && self.by_key.is_empty()
            && self.by_merge_key.is_empty()
            && self.by_flow.is_empty()
    }

    /// Has the cap come sooner.
    #[cfg(test)]
    pub(super) fn set_most_live(&mut self, most_live: usize) {
        self.most_live = most_live;
    }

    /// A retransmission of that transaction's request.
    fn again(&mut self, id: ServerTx, now: Instant, out: &mut Vec<Happened>) {
        match self.live.get_mut(&id).map(|server| &mut server.kind) {
            Some(Kind::Invite(machine)) => {
                let actions = machine.on(server_invite::Event::Retransmission, now);
                self.do_invite(id, actions, None, out);
            }
            Some(Kind::Other(machine)) => {
                let actions = machine.on(server_other::Event::Retransmission, now);
                self.do_other(id, actions, out);
            }
            None => {}
        }
    }

    fn ack(&mut self, request: Request, via: &Via, hop: Hop, now: Instant, out: &mut Vec<Happened>) {
        let invite = self.acknowledged(&request, via);
        match invite.and_then(|id| self.live.get_mut(&id).map(|server| (id, &mut server.kind))) {
            Some((id, Kind::Invite(machine))) => {
                let actions = machine.on(server_invite::Event::Ack, now);
                self.do_invite(id, actions, Some((request, hop)), out);
            }
            Some((_, Kind::Other(_))) | None => out.push(Happened::Ack { request, hop }),
        }
    }

    /// The INVITE that an ACK names by its branch; by everything else where the peer is an RFC 2543
    /// one, our answer's To tag included (RFC 3261 §17.2.3).
    fn acknowledged(&self, request: &Request, via: &Via) -> Option<ServerTx> {
        let named =
            |to_tag| self.by_key.get(&transaction_key(request, via, &Method::Invite, to_tag)).copied();
        if via.has_unique_branch() {
            return named(None);
        }
        let to = request.headers.to()?;
        let first = named(None)
            .filter(|id| self.live.get(id).is_some_and(|server| server.to_tag.as_deref() == to.tag()));
        first.or_else(|| named(to.tag()))
    }

    fn cancel(
        &mut self,
        id: ServerTx,
        invite: &str,
        request: &Request,
        own_tag: &str,
        now: Instant,
        out: &mut Vec<Happened>,
    ) {
        let found = self.by_key.get(invite).and_then(|id| self.live.get(id).map(|server| (*id, server)));
        let Some((invite, server)) = found else {
            return self.respond(id, Answer::bare(Status::CALL_DOES_NOT_EXIST, own_tag), now, out);
        };
        // RFC 3261 §9.2: the To tag of the INVITE's answers, if it had one already.
        let tag = server.to_tag.clone().unwrap_or_else(|| own_tag.to_owned());
        let open = matches!(&server.kind, Kind::Invite(machine) if machine.is_open());
        self.respond(id, Answer::bare(Status::OK, &tag), now, out);
        if open {
            let reason = request.headers.get(&HeaderName::Reason).map(str::to_owned);
            out.push(Happened::Cancel { server: invite, reason });
        }
    }

    fn do_invite(
        &mut self,
        id: ServerTx,
        actions: &[server_invite::Action],
        mut ack: Option<(Request, Hop)>,
        out: &mut Vec<Happened>,
    ) {
        use server_invite::Action;
        let told = self.live.get(&id).is_some_and(|server| server.told);
        let mut over = false;
        for action in actions {
            match action {
                // `respond` did it, which has the text.
                Action::Send => {}
                Action::SendAgain => self.send_again(id, out),
                Action::PassAck => {
                    if let Some((request, hop)) = ack.take() {
                        out.push(Happened::Ack { request, hop });
                    }
                }
                Action::Done if told => out.push(Happened::ServerEnded { server: id, acked: true }),
                Action::NoAck if told => out.push(Happened::ServerEnded { server: id, acked: false }),
                Action::Done | Action::NoAck => {}
                Action::End => over = true,
            }
        }
        if over { self.forget(id) } else { self.schedule(id) }
    }

    fn do_other(&mut self, id: ServerTx, actions: &[server_other::Action], out: &mut Vec<Happened>) {
        use server_other::Action;
        let mut over = false;
        for action in actions {
            match action {
                // `respond` did it, which has the text.
                Action::Send => {}
                Action::SendAgain => self.send_again(id, out),
                Action::End => over = true,
            }
        }
        if over { self.forget(id) } else { self.schedule(id) }
    }

    fn send_again(&self, id: ServerTx, out: &mut Vec<Happened>) {
        if let Some(Server { hop, last_answer: Some(bytes), .. }) = self.live.get(&id) {
            out.push(Happened::Send { hop: *hop, bytes: bytes.clone() });
        }
    }

    fn start(&mut self, server: Server) -> ServerTx {
        self.last = self.last.wrapping_add(1);
        let id = ServerTx(self.last);
        self.by_key.insert(server.key.clone(), id);
        if let Some(merge_key) = &server.merge_key {
            self.by_merge_key.insert(merge_key.clone(), id);
        }
        if let Some(flow) = server.hop.flow {
            self.by_flow.insert((flow, id));
        }
        self.live.insert(id, server);
        self.schedule(id);
        id
    }

    fn forget(&mut self, id: ServerTx) {
        let Some(server) = self.live.remove(&id) else { return };
        self.by_key.remove(&server.key);
        if let Some(merge_key) = &server.merge_key {
            self.by_merge_key.remove(merge_key);
        }
        if let Some(flow) = server.hop.flow {
            self.by_flow.remove(&(flow, id));
        }
        if let Some(at) = server.queued {
            self.deadlines.remove(&(at, id));
        }
    }

    /// Brings the set of deadlines in line with the machine.
    fn schedule(&mut self, id: ServerTx) {
        let Some(server) = self.live.get_mut(&id) else { return };
        let wanted = match &server.kind {
            Kind::Invite(machine) => machine.deadline(),
            Kind::Other(machine) => machine.deadline(),
        };
        if wanted == server.queued {
            return;
        }
        if let Some(at) = server.queued {
            self.deadlines.remove(&(at, id));
        }
        if let Some(at) = wanted {
            self.deadlines.insert((at, id));
        }
        server.queued = wanted;
    }
}

impl Server {
    /// Writes an answer, sends it and keeps it for retransmissions.
    fn send(&mut self, answer: Answer<'_>, out: &mut Vec<Happened>) {
        let Answer { status, reason, to_tag, headers: further, body } = answer;
        let mut headers = if status.is_final() { std::mem::take(&mut self.echo) } else { self.echo.clone() };
        if status != Status::TRYING && add_to_tag(&mut headers, to_tag) {
            self.to_tag = Some(to_tag.to_owned());
        }
        // RFC 3261 §12.1.1: the answers that make a dialog carry the route back.
        if status != Status::TRYING && Class::of(status) != Class::Failure {
            headers.copy(&HeaderName::RecordRoute, &self.record_routes);
        }
        for header in further.iter() {
            headers.push(header.name.clone(), header.value.clone());
        }
        let response = Response { status, reason: reason.unwrap_or_default().to_owned(), headers, body };
        let bytes = response.to_bytes();
        self.last_answer = Some(bytes.clone());
        out.push(Happened::Send { hop: self.hop, bytes });
    }
}

/// The Record-Routes of a request whose answer can make a dialog.
fn record_routes(request: &Request) -> Headers {
    let mut headers = Headers::new();
    if matches!(request.method, Method::Invite | Method::Subscribe | Method::Refer) {
        headers.copy(&HeaderName::RecordRoute, &request.headers);
    }
    headers
}

fn size(headers: &Headers) -> usize {
    headers.iter().map(|header| header.value.len()).sum()
}
