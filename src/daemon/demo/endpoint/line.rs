//! An endpoint's loop: its socket, its user agent, and its calls.

use std::{collections::BTreeMap, net::SocketAddr};

use bytes::Bytes;
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot},
};

use super::{CODECS, Call, CallEvent, Seen, Way, answer, hop};
use crate::{
    daemon::{clock, demo::audio::Audio},
    sip::{
        message::{Headers, Message, Method, Status},
        offer::{self, Agreed, Local},
        parse,
        sdes::Protection,
        sdp::{self, Direction},
        ua::{ClientId, Fact, NoAnswer, Outgoing, Output, UaSettings, UsageId, UserAgent},
    },
};

/// What an endpoint or its call is told.
#[derive(Debug)]
pub(super) enum Order {
    Request {
        method: Method,
        to: Box<Outgoing>,
        series: Option<u64>,
        reply: oneshot::Sender<Result<Status, NoAnswer>>,
    },
    Invite {
        to: Box<Outgoing>,
        line: Box<Line>,
        reply: oneshot::Sender<UsageId>,
    },
    Ring(UsageId),
    Answer(UsageId),
    Refuse(UsageId, Status),
    HangUp(UsageId),
    Offer(UsageId, Direction),
}

/// One call as the loop sees it.
#[derive(Debug)]
pub(super) struct Line {
    local: Local,
    /// Our last description.
    described: Bytes,
    /// What an INVITE's offer and our answer to it agree to; until it is answered.
    agreed: Option<Agreed>,
    events: mpsc::UnboundedSender<CallEvent>,
}

impl Line {
    pub(super) fn new(local: Local, described: Bytes, events: mpsc::UnboundedSender<CallEvent>) -> Self {
        Self { local, described, agreed: None, events }
    }

    fn tell(&self, event: CallEvent) {
        // A test that dropped its call does not want to hear.
        let _ = self.events.send(event);
    }
}

#[derive(Debug)]
pub(super) struct Station {
    name: String,
    socket: UdpSocket,
    ua: UserAgent,
    seen: mpsc::UnboundedSender<Seen>,
    incoming: mpsc::UnboundedSender<Call>,
    /// For the calls that come in; weak, so that the loop ends when nobody can give orders any more.
    orders: mpsc::WeakUnboundedSender<Order>,
    lines: BTreeMap<UsageId, Line>,
    requests: BTreeMap<ClientId, oneshot::Sender<Result<Status, NoAnswer>>>,
}

impl Station {
    pub(super) fn new(
        name: String,
        socket: UdpSocket,
        settings: UaSettings,
        seed: [u8; 32],
        seen: mpsc::UnboundedSender<Seen>,
        incoming: mpsc::UnboundedSender<Call>,
        orders: mpsc::WeakUnboundedSender<Order>,
    ) -> Self {
        let ua = UserAgent::new(settings, seed);
        Self { name, socket, ua, seen, incoming, orders, lines: BTreeMap::new(), requests: BTreeMap::new() }
    }

    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut buffer = vec![0_u8; 65_535];
        loop {
            self.perform().await;
            let deadline = self.ua.deadline();
            let sleep = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    // An error is an ICMP message about an earlier datagram: timers notice a dead peer.
                    if let Ok((length, remote)) = received {
                        let bytes = buffer.get(..length).unwrap_or_default();
                        self.note(Way::Received, bytes);
                        self.ua.receive(hop(remote), bytes, clock::now().mono);
                    }
                }
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                () = sleep => self.ua.deadline_passed(clock::now().mono),
            }
        }
    }

    fn note(&self, way: Way, bytes: &[u8]) {
        let Ok(message) = parse::message(bytes) else { return };
        let words = match &message {
            Message::Request(request) if request.method == Method::Invite => {
                format!("INVITE {}", request.uri.user().unwrap_or_default())
            }
            Message::Request(request) => request.method.to_string(),
            Message::Response(response) => {
                let method = response.headers.cseq().map(|cseq| cseq.method);
                // Qualifying goes on all the time and says nothing about a call.
                if method == Some(Method::Options) {
                    return;
                }
                let phrase = response.status.reason_phrase();
                match method {
                    Some(Method::Invite) | None => format!("{} {phrase}", response.status),
                    Some(method) => format!("{} {phrase} ({method})", response.status),
                }
            }
        };
        if words != "OPTIONS" {
            // Nobody may be interested in a ladder.
            let _ = self.seen.send(Seen { at: clock::now().mono, endpoint: self.name.clone(), way, words });
        }
    }

    fn obey(&mut self, order: Order) {
        let now = clock::now().mono;
        match order {
            Order::Request { method, to, series, reply } => {
                let client = self.ua.request(method, *to, series, now);
                self.requests.insert(client, reply);
            }
            Order::Invite { to, line, reply } => {
                let usage = self.ua.invite(*to, line.described.clone(), now);
                self.lines.insert(usage, *line);
                // Who called and went away has no further orders; the call runs into its time-outs.
                let _ = reply.send(usage);
            }
            Order::Ring(usage) => self.ua.provisional(usage, Status::RINGING, None, now),
            Order::Answer(usage) => {
                let Some(line) = self.lines.get_mut(&usage) else { return };
                if let Some(agreed) = line.agreed.take() {
                    line.tell(CallEvent::Answered(agreed));
                }
                self.ua.accept(usage, line.described.clone(), now);
            }
            Order::Refuse(usage, status) => self.ua.refuse(usage, status, Headers::new(), now),
            Order::HangUp(usage) => self.ua.hang_up(usage, None, now),
            Order::Offer(usage, direction) => {
                let Some(line) = self.lines.get_mut(&usage) else { return };
                let sent = std::mem::take(&mut line.described);
                line.described = line.local.settle(&sent, |local| offer::offer(local, &CODECS, direction));
                self.ua.offer(usage, line.described.clone(), now);
            }
        }
    }

    async fn perform(&mut self) {
        // A fact may make the user agent say more.
        loop {
            let outputs = self.ua.take_outputs();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    Output::Send { hop, bytes } => {
                        self.note(Way::Sent, &bytes);
                        self.send(hop.remote, &bytes).await;
                    }
                    Output::Fact(fact) => self.hear(fact),
                }
            }
        }
    }

    async fn send(&self, remote: SocketAddr, bytes: &[u8]) {
        // What can't be sent is lost, as on any network; retransmissions take care of it.
        let _ = self.socket.send_to(bytes, remote).await;
    }

    fn hear(&mut self, fact: Fact) {
        let now = clock::now().mono;
        match fact {
            Fact::Invited { usage, request, hop: _, offer } => {
                if self.invited(usage, request, offer.as_deref()).is_none() {
                    self.ua.refuse(usage, Status::NOT_ACCEPTABLE_HERE, Headers::new(), now);
                }
            }
            Fact::Cancelled { usage } => self.over(usage, CallEvent::Cancelled),
            Fact::Acked { usage, answer: _ } => self.tell(usage, CallEvent::Acknowledged),
            Fact::Progress { usage, status, sdp: _ } => self.tell(usage, CallEvent::Progress(status)),
            Fact::Answered { usage, response: _, sdp } => {
                match sdp.and_then(|sdp| self.agreement(usage, &sdp)) {
                    Some(agreed) => self.tell(usage, CallEvent::Answered(agreed)),
                    None => self.ua.hang_up(usage, None, now),
                }
            }
            Fact::Refused { usage, why } => self.over(usage, CallEvent::Refused(why)),
            Fact::Offered { usage, offer } => self.offered(usage, offer),
            Fact::OfferAnswered { usage, answer } => {
                if let Some(agreed) = self.agreement(usage, &answer) {
                    self.tell(usage, CallEvent::Changed(agreed));
                }
            }
            Fact::OfferRefused { usage, status } => self.tell(usage, CallEvent::ChangeRefused(status)),
            Fact::Info { usage: _, content_type: _, body: _ } => {}
            Fact::InDialog { server, .. } | Fact::Requested { server, .. } => {
                self.ua.respond(server, Status::NOT_IMPLEMENTED, Headers::new(), Vec::new(), now);
            }
            Fact::Ended { usage, how } => self.over(usage, CallEvent::Ended(how)),
            Fact::Responded { client, response } => self.responded(client, Ok(response.status)),
            Fact::Resubscribed { .. } | Fact::Notified { .. } | Fact::SubscriptionOver { .. } => {}
            Fact::Unanswered { client, why } => self.responded(client, Err(why)),
        }
    }

    fn invited(
        &mut self,
        usage: UsageId,
        request: crate::sip::message::Request,
        offer: Option<&[u8]>,
    ) -> Option<()> {
        let audio = Audio::bind(self.socket.local_addr().ok()?.ip()).ok()?;
        let local =
            Local { address: audio.address(), session_id: usage.0, version: 1, protection: Protection::Off };
        let (described, agreed) = answer(offer?, &local)?;
        let (events, heard) = mpsc::unbounded_channel();
        let mut line = Line::new(local, described, events);
        line.agreed = Some(agreed);
        let call =
            Call { usage, orders: self.orders.upgrade()?, events: heard, invite: Some(request), audio };
        self.lines.insert(usage, line);
        self.incoming.send(call).ok()
    }

    fn offered(&mut self, usage: UsageId, offer: Option<Bytes>) {
        let now = clock::now().mono;
        let Some(line) = self.lines.get_mut(&usage) else { return };
        let Some(offer) = offer else {
            return self.ua.answer_offer(usage, line.described.clone(), now);
        };
        match answer(&offer, &line.local) {
            Some((described, agreed)) => {
                line.described = described.clone();
                line.tell(CallEvent::Changed(agreed));
                self.ua.answer_offer(usage, described, now);
            }
            None => self.ua.refuse_offer(usage, Status::NOT_ACCEPTABLE_HERE, now),
        }
    }

    fn agreement(&self, usage: UsageId, theirs: &[u8]) -> Option<Agreed> {
        let ours = sdp::read(&self.lines.get(&usage)?.described).ok()?;
        offer::agreed(&ours, &sdp::read(theirs).ok()?).ok()
    }

    fn responded(&mut self, client: ClientId, answer: Result<Status, NoAnswer>) {
        if let Some(reply) = self.requests.remove(&client) {
            // Who asked did not wait.
            let _ = reply.send(answer);
        }
    }

    fn tell(&self, usage: UsageId, event: CallEvent) {
        if let Some(line) = self.lines.get(&usage) {
            line.tell(event);
        }
    }

    fn over(&mut self, usage: UsageId, event: CallEvent) {
        if let Some(line) = self.lines.remove(&usage) {
            line.tell(event);
        }
    }
}
