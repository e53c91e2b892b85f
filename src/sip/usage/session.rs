//! One dialog of a usage with what is negotiated in it: whose offer is open (RFC 3264, RFC 6337),
//! the 2xx that waits for its ACK, the session timer, and our next offer, which waits its turn.
//! SDP is opaque here. It never decides how the usage as a whole goes on: [`super::Usage`] does.
//!
//! Reading starts at [`Negotiation`]; requests of the peer come by [`Session::on_request`].

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::read;
use crate::sip::{
    dialog::Dialog,
    hop::Hop,
    message::{HeaderName, Headers, Method, Request, Response, Status},
    session_timer::{Due, SessionTimer, Terms},
    transaction::{ClientTx, ServerTx},
    ua::{
        ClientId, Credentials, Ended, Fact, ServerId, UsageId,
        core::{Core, Owner, Purpose, Waiting},
    },
};

/// How often an offer that met 491 (or 500 with Retry-After) is sent again before the switch hears
/// of it. Both ends draw their waits by lot, so five collisions in a row mean something else.
const OFFER_TRIES: u8 = 5;

/// Whose offer is open in the dialog (RFC 3264 §4: one at a time).
#[derive(Debug)]
pub(super) enum Negotiation {
    /// None: either side may make one.
    Stable,
    /// The INVITE's own exchange: our offer, or the peer's, or (late offer) none made yet.
    Opening(Opening),
    /// Ours, in a re-INVITE or UPDATE.
    Ours { client: ClientTx, method: Method, sdp: Bytes, refresh: bool, cancel_at: Instant },
    /// The peer's, or its wish for ours: the switch has to answer.
    Theirs { server: ServerTx, asked: Box<Asked> },
    /// Ours, in a reliable 1xx or a 2xx; PRACK or ACK brings the answer.
    OursInResponse,
}

/// What is open from the first INVITE on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    OurOffer,
    TheirOffer,
    NoOfferYet,
}

/// A re-INVITE, UPDATE or PRACK that the switch has to answer.
#[derive(Debug)]
pub(super) struct Asked {
    method: Method,
    cseq: u32,
    headers: Headers,
    has_offer: bool,
}

/// A 2xx of ours to an INVITE, sent again until the ACK comes (RFC 3261 §13.3.1.4).
#[derive(Debug)]
struct Unacked {
    server: ServerTx,
    cseq: u32,
    resend_at: Instant,
    interval: Duration,
    give_up_at: Instant,
    /// The switch hears of this ACK: it ends the first INVITE, or brings an answer.
    tells: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) usage: UsageId,
    pub(super) dialog: Dialog,
    pub(super) negotiation: Negotiation,
    /// Whether the dialog's INVITE was ours: the owner of the Call-ID waits longer after a 491.
    ours: bool,
    confirmed: bool,
    peer_takes_update: bool,
    local_sdp: Option<Bytes>,
    pub(super) remote_sdp: Option<Bytes>,
    /// Our next offer, until its turn comes.
    wanted: Option<Bytes>,
    /// Not before this time (491).
    wait_until: Option<Instant>,
    tries: u8,
    unacked: Option<Unacked>,
    terms: Option<Terms>,
    timer: Option<SessionTimer>,
    credentials: Option<Credentials>,
}

impl Session {
    pub(super) fn new(
        usage: UsageId,
        dialog: Dialog,
        opening: Opening,
        terms: Option<Terms>,
        credentials: Option<Credentials>,
    ) -> Self {
        Self {
            usage,
            dialog,
            negotiation: Negotiation::Opening(opening),
            ours: opening == Opening::OurOffer,
            confirmed: false,
            peer_takes_update: false,
            local_sdp: None,
            remote_sdp: None,
            wanted: None,
            wait_until: None,
            tries: 0,
            unacked: None,
            terms,
            timer: None,
            credentials,
        }
    }

    /// Notes what the peer says of itself.
    pub(super) fn hear(&mut self, headers: &Headers) {
        if let Some(takes) = read::allows(headers, "UPDATE") {
            self.peer_takes_update = takes;
        }
    }

    /// The INVITE's own offer has found its answer.
    pub(super) fn settle(&mut self, local: Bytes, remote: Option<Bytes>) {
        self.negotiation = Negotiation::Stable;
        self.local_sdp = Some(local);
        if remote.is_some() {
            self.remote_sdp = remote;
        }
    }

    /// Our offer has gone out in a 2xx; its answer comes with the ACK.
    pub(super) fn keep_local(&mut self, sdp: Bytes) {
        self.local_sdp = Some(sdp);
    }

    /// The next offer, for [`Session::go_on`] to send when it may.
    pub(super) fn want(&mut self, sdp: Bytes) {
        self.wanted = Some(sdp);
    }

    /// A 2xx to our INVITE has confirmed the dialog.
    pub(super) fn confirmed_by_peer(&mut self, response: &Response, now: Instant) {
        self.confirmed = true;
        self.hear(&response.headers);
        self.timer = self.terms.and_then(|_| SessionTimer::settled_by_peer(&response.headers, now));
    }

    /// Our 2xx to the peer's first INVITE is being sent: writes its headers and waits for the ACK.
    pub(super) fn confirm(
        &mut self,
        core: &Core,
        server: ServerTx,
        invite: &Headers,
        headers: &mut Headers,
        now: Instant,
    ) {
        self.confirmed = true;
        self.settle_timer(invite, headers, now);
        let cseq = invite.cseq().map_or(0, |cseq| cseq.number);
        self.await_ack(core, server, cseq, true, now);
    }

    fn settle_timer(&mut self, request: &Headers, response: &mut Headers, now: Instant) {
        self.timer = self.terms.and_then(|terms| SessionTimer::settled_by_us(terms, request, response, now));
    }

    fn await_ack(&mut self, core: &Core, server: ServerTx, cseq: u32, tells: bool, now: Instant) {
        self.unacked = Some(Unacked {
            server,
            cseq,
            resend_at: now + core.settings.t1,
            interval: core.settings.t1,
            give_up_at: now + core.whole(),
            tells,
        });
    }

    pub(super) fn awaits_ack(&self) -> bool {
        self.unacked.is_some()
    }

    /// An in-dialog request that every state answers alike; the CSeq has been counted. BYE and PRACK
    /// are the usage's.
    pub(super) fn on_request(
        &mut self,
        core: &mut Core,
        server: ServerTx,
        request: Request,
        now: Instant,
    ) -> Option<ServerId> {
        self.hear(&request.headers);
        match &request.method {
            Method::Invite => self.on_reinvite(core, server, request, now),
            Method::Update => self.on_update(core, server, request, now),
            Method::Options => {
                let mut headers = Headers::new();
                core.introduce(&mut headers);
                headers.push(HeaderName::Accept, "application/sdp");
                self.reply(core, server, Status::OK, headers, Vec::new(), now);
            }
            Method::Info => {
                self.reply(core, server, Status::OK, Headers::new(), Vec::new(), now);
                let content_type =
                    request.headers.get(&HeaderName::ContentType).unwrap_or_default().to_owned();
                core.fact(Fact::Info { usage: self.usage, content_type, body: request.body });
            }
            Method::Bye | Method::Prack | Method::Ack | Method::Cancel => {
                self.reply(core, server, Status::CALL_DOES_NOT_EXIST, Headers::new(), Vec::new(), now);
            }
            Method::Register
            | Method::Subscribe
            | Method::Notify
            | Method::Refer
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                let id = ServerId(core.next_id());
                let to_tag = self.dialog.local_tag.clone();
                core.waiting.insert(id, Waiting { server, to_tag });
                core.fact(Fact::InDialog { usage: self.usage, server: id, request });
                return Some(id);
            }
        }
        None
    }

    fn on_reinvite(&mut self, core: &mut Core, server: ServerTx, request: Request, now: Instant) {
        let offer = read::sdp(&request.headers, &request.body);
        match &self.negotiation {
            // RFC 3261 §14.2: glare.
            Negotiation::Ours { .. } | Negotiation::Opening(Opening::OurOffer) => {
                return self.reply(core, server, Status::REQUEST_PENDING, Headers::new(), Vec::new(), now);
            }
            Negotiation::Theirs { .. } | Negotiation::OursInResponse | Negotiation::Opening(_) => {
                return self.come_later(core, server, now);
            }
            Negotiation::Stable if !self.confirmed => return self.come_later(core, server, now),
            Negotiation::Stable => {}
        }
        // The peer goes on, so it had our 2xx: only its ACK was lost.
        if let Some(unacked) = self.unacked.take()
            && unacked.tells
        {
            core.fact(Fact::Acked { usage: self.usage, answer: None });
        }
        if self.too_brief(core, server, &request, now) {
            return;
        }
        core.invited.insert(server, self.usage);
        self.ask_switch(core, server, request, offer);
    }

    fn on_update(&mut self, core: &mut Core, server: ServerTx, request: Request, now: Instant) {
        if self.too_brief(core, server, &request, now) {
            return;
        }
        let Some(offer) = read::sdp(&request.headers, &request.body) else {
            self.dialog.refresh_target(&request.headers);
            let mut headers = self.introduction(core);
            if self.confirmed {
                self.settle_timer(&request.headers, &mut headers, now);
            }
            return self.reply(core, server, Status::OK, headers, Vec::new(), now);
        };
        match &self.negotiation {
            // RFC 3311 §5.2: 491 while our own offer is open, 500 while the peer's is.
            Negotiation::Ours { .. }
            | Negotiation::OursInResponse
            | Negotiation::Opening(Opening::OurOffer | Opening::NoOfferYet) => {
                self.reply(core, server, Status::REQUEST_PENDING, Headers::new(), Vec::new(), now);
            }
            Negotiation::Theirs { .. } | Negotiation::Opening(Opening::TheirOffer) => {
                self.come_later(core, server, now);
            }
            Negotiation::Stable => self.ask_switch(core, server, request, Some(offer)),
        }
    }

    /// The switch answers this request's offer, or makes one.
    pub(super) fn ask_switch(
        &mut self,
        core: &mut Core,
        server: ServerTx,
        request: Request,
        offer: Option<Bytes>,
    ) {
        let cseq = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let asked =
            Asked { method: request.method, cseq, headers: request.headers, has_offer: offer.is_some() };
        self.negotiation = Negotiation::Theirs { server, asked: Box::new(asked) };
        if offer.is_some() {
            self.remote_sdp = offer.clone();
        }
        core.fact(Fact::Offered { usage: self.usage, offer });
    }

    fn too_brief(&self, core: &mut Core, server: ServerTx, request: &Request, now: Instant) -> bool {
        let Some(min_se) = self.terms.and_then(|terms| terms.too_brief(&request.headers)) else {
            return false;
        };
        let mut headers = Headers::new();
        headers.push(HeaderName::MinSe, min_se.as_secs().to_string());
        self.reply(core, server, Status::SESSION_INTERVAL_TOO_SMALL, headers, Vec::new(), now);
        true
    }

    fn come_later(&self, core: &mut Core, server: ServerTx, now: Instant) {
        let headers = core.retry_after();
        self.reply(core, server, Status::SERVER_INTERNAL_ERROR, headers, Vec::new(), now);
    }

    pub(super) fn reply(
        &self,
        core: &mut Core,
        server: ServerTx,
        status: Status,
        headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) {
        core.respond(server, status, &self.dialog.local_tag, headers, body, now);
    }

    /// Contact, Allow and Supported for a message that makes or changes the dialog.
    pub(super) fn introduction(&self, core: &Core) -> Headers {
        let mut headers = Headers::new();
        headers.push(HeaderName::Contact, self.dialog.contact.as_str());
        core.introduce(&mut headers);
        headers
    }

    /// Whether the switch owes an answer here.
    pub(super) fn owes_answer(&self) -> bool {
        matches!(self.negotiation, Negotiation::Theirs { .. })
    }

    /// Answers the open offer with 200.
    pub(super) fn answer_offer(&mut self, core: &mut Core, sdp: Bytes, now: Instant) {
        let Some((server, asked)) = self.take_asked() else { return };
        let mut headers = match asked.method {
            Method::Prack => Headers::new(),
            _ => {
                self.dialog.refresh_target(&asked.headers);
                let mut headers = self.introduction(core);
                if self.confirmed {
                    self.settle_timer(&asked.headers, &mut headers, now);
                }
                headers
            }
        };
        headers.set(HeaderName::ContentType, "application/sdp");
        self.local_sdp = Some(sdp.clone());
        self.reply(core, server, Status::OK, headers, sdp.to_vec(), now);
        if asked.method == Method::Invite {
            self.await_ack(core, server, asked.cseq, !asked.has_offer, now);
            if !asked.has_offer {
                self.negotiation = Negotiation::OursInResponse;
            }
        }
        self.go_on(core, now);
    }

    /// Answers the open offer with a refusal; nothing has changed.
    pub(super) fn refuse_offer(&mut self, core: &mut Core, status: Status, now: Instant) {
        if let Some((server, _)) = self.take_asked() {
            self.reply(core, server, status, Headers::new(), Vec::new(), now);
            self.go_on(core, now);
        }
    }

    /// The peer took its re-INVITE back.
    pub(super) fn on_cancel(&mut self, core: &mut Core, cancelled: ServerTx, now: Instant) {
        if matches!(&self.negotiation, Negotiation::Theirs { server, .. } if *server == cancelled) {
            self.refuse_offer(core, Status::REQUEST_TERMINATED, now);
        }
    }

    fn take_asked(&mut self) -> Option<(ServerTx, Box<Asked>)> {
        match std::mem::replace(&mut self.negotiation, Negotiation::Stable) {
            Negotiation::Theirs { server, asked } => Some((server, asked)),
            other @ (Negotiation::Stable
            | Negotiation::Opening(_)
            | Negotiation::Ours { .. }
            | Negotiation::OursInResponse) => {
                self.negotiation = other;
                None
            }
        }
    }

    /// The peer's ACK. `early_answer` is what a PRACK had brought before.
    pub(super) fn on_ack(
        &mut self,
        core: &mut Core,
        ack: &Request,
        early_answer: Option<Bytes>,
        now: Instant,
    ) {
        let number = ack.headers.cseq().map(|cseq| cseq.number);
        let Some(unacked) = self.unacked.take_if(|unacked| Some(unacked.cseq) == number) else { return };
        let answer = match self.negotiation {
            Negotiation::OursInResponse => {
                self.negotiation = Negotiation::Stable;
                let answer = read::sdp(&ack.headers, &ack.body);
                if answer.is_some() {
                    self.remote_sdp = answer.clone();
                }
                answer
            }
            Negotiation::Stable
            | Negotiation::Opening(_)
            | Negotiation::Ours { .. }
            | Negotiation::Theirs { .. } => None,
        };
        if unacked.tells {
            core.fact(Fact::Acked { usage: self.usage, answer: answer.or(early_answer) });
        }
        self.go_on(core, now);
    }

    /// Our next offer; an older one that still waits is dropped.
    pub(super) fn offer(&mut self, core: &mut Core, sdp: Bytes, now: Instant) {
        self.wanted = Some(sdp);
        self.tries = 0;
        self.go_on(core, now);
    }

    /// Sends the waiting offer if its turn has come: by re-INVITE, or UPDATE while the dialog is
    /// early (RFC 3311 §5.1).
    pub(super) fn go_on(&mut self, core: &mut Core, now: Instant) {
        let free = matches!(self.negotiation, Negotiation::Stable)
            && self.unacked.is_none()
            && self.wait_until.is_none()
            && (self.confirmed || self.peer_takes_update);
        if free && let Some(sdp) = self.wanted.take() {
            let method = if self.confirmed { Method::Invite } else { Method::Update };
            self.send_offer(core, method, sdp, false, now);
        }
    }

    fn send_offer(&mut self, core: &mut Core, method: Method, sdp: Bytes, refresh: bool, now: Instant) {
        let (mut request, hop) = self.dialog.request(method.clone(), &core.settings.listeners);
        self.dress(core, &mut request.headers);
        request.headers.set(HeaderName::ContentType, "application/sdp");
        request.body = sdp.to_vec();
        let client = self.send(core, request, hop, Purpose::Offer, now);
        // RFC 3261 sets no limit to a re-INVITE that was answered 100; a session cannot wait for ever.
        let cancel_at = now + core.whole();
        self.negotiation = Negotiation::Ours { client, method, sdp, refresh, cancel_at };
    }

    /// Contact, Allow, Supported and the session timer for a re-INVITE or UPDATE.
    fn dress(&self, core: &Core, headers: &mut Headers) {
        headers.push(HeaderName::Contact, self.dialog.contact.as_str());
        core.introduce(headers);
        if let (Some(terms), Some(timer)) = (self.terms, &self.timer) {
            timer.renew(terms, headers);
        }
    }

    fn send(&self, core: &mut Core, request: Request, hop: Hop, purpose: Purpose, now: Instant) -> ClientTx {
        let owner = Owner::Usage(self.usage, purpose);
        core.send(request, hop, self.credentials.clone(), owner, now)
    }

    /// PRACK for a reliable provisional response (RFC 3262 §4).
    pub(super) fn prack(&mut self, core: &mut Core, rseq: u32, invite_cseq: u32, now: Instant) {
        let (mut request, hop) = self.dialog.request(Method::Prack, &core.settings.listeners);
        request.headers.push(HeaderName::RAck, format!("{rseq} {invite_cseq} INVITE"));
        self.send(core, request, hop, Purpose::Prack, now);
    }

    /// The switch's own request.
    pub(super) fn request_within(
        &mut self,
        core: &mut Core,
        method: Method,
        headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) -> ClientId {
        let client = ClientId(core.next_id());
        let makes_dialog = matches!(method, Method::Refer | Method::Subscribe | Method::Notify);
        let (mut request, hop) = self.dialog.request(method, &core.settings.listeners);
        if makes_dialog {
            request.headers.push(HeaderName::Contact, self.dialog.contact.as_str());
        }
        for header in headers.iter() {
            request.headers.push(header.name.clone(), header.value.as_str());
        }
        request.body = body;
        self.send(core, request, hop, Purpose::Within(client), now);
        client
    }

    /// A repeated request (401, 407) goes out under another transaction.
    pub(super) fn replaced(&mut self, old: ClientTx, new: ClientTx) {
        if let Negotiation::Ours { client, .. } = &mut self.negotiation
            && *client == old
        {
            *client = new;
        }
    }

    /// The final answer to a re-INVITE, UPDATE or any other request of ours but INVITE and BYE.
    /// Answers how the session ends by it, if it does.
    pub(super) fn on_answer(
        &mut self,
        core: &mut Core,
        client: ClientTx,
        purpose: Purpose,
        request: &Request,
        response: &Response,
        now: Instant,
    ) -> Option<Ended> {
        self.hear(&response.headers);
        let gone = matches!(response.status, Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT);
        match purpose {
            Purpose::Offer => self.on_offer_answered(core, client, request, response, now),
            Purpose::Refresh if response.status.is_success() => {
                self.dialog.refresh_target(&response.headers);
                self.timer = SessionTimer::settled_by_peer(&response.headers, now);
                None
            }
            Purpose::Refresh if gone => Some(Ended::Gone),
            Purpose::Refresh => {
                self.refresh_refused(core, response, now);
                None
            }
            // RFC 3261 §12.2.1.2.
            Purpose::Within(_) => gone.then_some(Ended::Gone),
            // A PRACK that is refused changes nothing: the INVITE's own answer decides.
            Purpose::Prack | Purpose::Invite | Purpose::Bye => None,
        }
    }

    fn refresh_refused(&mut self, core: &mut Core, response: &Response, now: Instant) {
        let raised = response.status == Status::SESSION_INTERVAL_TOO_SMALL
            && self.terms.as_mut().is_some_and(|terms| terms.raise(&response.headers));
        if matches!(response.status, Status::METHOD_NOT_ALLOWED | Status::NOT_IMPLEMENTED) {
            self.peer_takes_update = false;
        } else if !raised {
            if let Some(timer) = &mut self.timer {
                timer.refresh_failed(now);
            }
            return;
        }
        self.refresh(core, now);
    }

    fn on_offer_answered(
        &mut self,
        core: &mut Core,
        answered: ClientTx,
        request: &Request,
        response: &Response,
        now: Instant,
    ) -> Option<Ended> {
        if response.status.is_success() {
            self.dialog.refresh_target(&response.headers);
            if request.method == Method::Invite {
                core.acknowledge(&self.dialog, request, now);
            }
        }
        let (sdp, method, refresh) = match std::mem::replace(&mut self.negotiation, Negotiation::Stable) {
            Negotiation::Ours { client, sdp, method, refresh, .. } if client == answered => {
                (sdp, method, refresh)
            }
            other @ (Negotiation::Stable
            | Negotiation::Opening(_)
            | Negotiation::Ours { .. }
            | Negotiation::Theirs { .. }
            | Negotiation::OursInResponse) => {
                self.negotiation = other;
                return None;
            }
        };
        let usage = self.usage;
        match response.status {
            status if status.is_success() => {
                if self.confirmed && self.timer.is_some() {
                    self.timer = SessionTimer::settled_by_peer(&response.headers, now);
                }
                self.tries = 0;
                self.local_sdp = Some(sdp);
                match read::sdp(&response.headers, &response.body) {
                    Some(answer) if refresh && self.remote_sdp.as_ref() == Some(&answer) => {}
                    Some(answer) => {
                        self.remote_sdp = Some(answer.clone());
                        core.fact(Fact::OfferAnswered { usage, answer });
                    }
                    None if refresh => {}
                    // A 2xx without its answer (against RFC 3264 §6) settles nothing.
                    None => core.fact(Fact::OfferRefused { usage, status: Status::NOT_ACCEPTABLE_HERE }),
                }
            }
            Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT => return Some(Ended::Gone),
            status => {
                let wait = self.wait_after(core, response).filter(|_| self.tries < OFFER_TRIES);
                if let Some(wait) = wait {
                    self.tries = self.tries.saturating_add(1);
                    if !refresh {
                        // A newer offer of the switch replaces the one that collided.
                        self.wanted.get_or_insert(sdp);
                        self.wait_until = Some(now + wait);
                    } else if let Some(timer) = &mut self.timer {
                        timer.refresh_failed(now);
                    }
                } else if status == Status::SESSION_INTERVAL_TOO_SMALL
                    && self.terms.as_mut().is_some_and(|terms| terms.raise(&response.headers))
                {
                    self.send_offer(core, method, sdp, refresh, now);
                } else if refresh {
                    if let Some(timer) = &mut self.timer {
                        timer.refresh_failed(now);
                    }
                } else {
                    core.fact(Fact::OfferRefused { usage, status });
                }
            }
        }
        self.go_on(core, now);
        None
    }

    /// How long to wait before an offer is worth another try (RFC 3261 §14.1, RFC 3311 §5.3).
    fn wait_after(&self, core: &mut Core, response: &Response) -> Option<Duration> {
        let steps = match response.status {
            // Owner of the Call-ID: 2.1 to 4 s, else 0 to 2 s, in steps of 10 ms.
            Status::REQUEST_PENDING if self.ours => core.chance(191).saturating_add(210),
            Status::REQUEST_PENDING => core.chance(201),
            Status::SERVER_INTERNAL_ERROR => {
                let wait = response.headers.get(&HeaderName::RetryAfter)?;
                let digits = wait.split(|c: char| !c.is_ascii_digit()).next()?;
                let seconds: u64 = digits.parse().ok().filter(|s| *s <= 10)?;
                return Some(Duration::from_secs(seconds));
            }
            _ => return None,
        };
        Some(Duration::from_millis(u64::from(steps) * 10))
    }

    /// No final answer came to a request of ours.
    pub(super) fn on_no_answer(&mut self, client: ClientTx, purpose: Purpose) -> Option<Ended> {
        if matches!(&self.negotiation, Negotiation::Ours { client: open, .. } if *open == client) {
            self.negotiation = Negotiation::Stable;
        }
        match purpose {
            Purpose::Offer | Purpose::Refresh | Purpose::Within(_) => Some(Ended::Gone),
            Purpose::Prack | Purpose::Invite | Purpose::Bye => None,
        }
    }

    /// Keeps the session alive: by UPDATE, or a re-INVITE with the SDP that we have (RFC 4028 §7.4).
    fn refresh(&mut self, core: &mut Core, now: Instant) {
        if self.peer_takes_update {
            let (mut request, hop) = self.dialog.request(Method::Update, &core.settings.listeners);
            self.dress(core, &mut request.headers);
            self.send(core, request, hop, Purpose::Refresh, now);
            return;
        }
        match (&self.negotiation, &self.unacked, self.local_sdp.clone()) {
            (Negotiation::Stable, None, Some(sdp)) => self.send_offer(core, Method::Invite, sdp, true, now),
            // Another offer is open, which refreshes as well when it succeeds.
            _ => {
                if let Some(timer) = &mut self.timer {
                    timer.refresh_failed(now);
                }
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let unacked = self.unacked.as_ref().map(|unacked| unacked.resend_at.min(unacked.give_up_at));
        let open = match &self.negotiation {
            Negotiation::Ours { cancel_at, method: Method::Invite, .. } => Some(*cancel_at),
            Negotiation::Ours { .. }
            | Negotiation::Stable
            | Negotiation::Opening(_)
            | Negotiation::Theirs { .. }
            | Negotiation::OursInResponse => None,
        };
        let timer = self.timer.as_ref().map(SessionTimer::deadline);
        [unacked, open, timer, self.wait_until].into_iter().flatten().min()
    }

    /// Does what is due. Answers how the session ends by it, if it does.
    pub(super) fn deadline_passed(&mut self, core: &mut Core, now: Instant) -> Option<Ended> {
        if let Some(unacked) = &mut self.unacked {
            if now >= unacked.give_up_at {
                self.unacked = None;
                return Some(Ended::NoAck);
            }
            if now >= unacked.resend_at {
                unacked.interval = unacked.interval.saturating_mul(2).min(core.settings.t2);
                unacked.resend_at = now + unacked.interval;
                core.transactions.retransmit_2xx(unacked.server, now);
            }
        }
        if let Negotiation::Ours { client, cancel_at, method: Method::Invite, .. } = &mut self.negotiation
            && now >= *cancel_at
        {
            // Once: the transaction gives up 64·T1 after the CANCEL.
            *cancel_at = now + core.whole().saturating_mul(2);
            core.transactions.cancel(*client, Headers::new(), now);
        }
        if self.wait_until.is_some_and(|at| now >= at) {
            self.wait_until = None;
            self.go_on(core, now);
        }
        match self.timer.as_mut().and_then(|timer| timer.due(now)) {
            Some(Due::Expired) => return Some(Ended::SessionExpired),
            Some(Due::Refresh) => self.refresh(core, now),
            None => {}
        }
        None
    }

    /// Leaves nothing open behind: our re-INVITE is cancelled, the peer's answered 487 (RFC 3261 §15.1.2).
    pub(super) fn abandon(&mut self, core: &mut Core, now: Instant) {
        match std::mem::replace(&mut self.negotiation, Negotiation::Stable) {
            Negotiation::Ours { client, method: Method::Invite, .. } => {
                core.transactions.cancel(client, Headers::new(), now);
            }
            Negotiation::Theirs { server, .. } => {
                self.reply(core, server, Status::REQUEST_TERMINATED, Headers::new(), Vec::new(), now);
            }
            Negotiation::Ours { .. }
            | Negotiation::Stable
            | Negotiation::Opening(_)
            | Negotiation::OursInResponse => {}
        }
        self.unacked = None;
        self.timer = None;
        self.wanted = None;
        self.wait_until = None;
    }

    /// Ends the session with a BYE.
    pub(super) fn bye(&mut self, core: &mut Core, reason: Option<&str>, now: Instant) {
        self.abandon(core, now);
        let (mut request, hop) = self.dialog.request(Method::Bye, &core.settings.listeners);
        if let Some(reason) = reason {
            request.headers.push(HeaderName::Reason, reason);
        }
        self.send(core, request, hop, Purpose::Bye, now);
    }
}
