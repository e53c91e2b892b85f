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
    message::{HeaderName, Headers, Method, Request, Response, Status},
    session_timer::{SessionTimer, Terms},
    transaction::{ClientTx, ServerTx},
    ua::{
        ClientId, Credentials, Fact, ServerId, UsageId,
        core::{Core, Purpose, Waiting},
    },
};

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
pub(super) struct Unacked {
    pub(super) server: ServerTx,
    pub(super) cseq: u32,
    pub(super) resend_at: Instant,
    pub(super) interval: Duration,
    pub(super) give_up_at: Instant,
    /// The switch hears of this ACK: it ends the first INVITE, or brings an answer.
    pub(super) tells: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) usage: UsageId,
    pub(super) dialog: Dialog,
    pub(super) negotiation: Negotiation,
    /// Whether the dialog's INVITE was ours: the owner of the Call-ID waits longer after a 491.
    pub(super) ours: bool,
    pub(super) confirmed: bool,
    pub(super) peer_takes_update: bool,
    pub(super) local_sdp: Option<Bytes>,
    pub(super) remote_sdp: Option<Bytes>,
    /// Our next offer, until its turn comes.
    pub(super) wanted: Option<Bytes>,
    /// Not before this time (491).
    pub(super) wait_until: Option<Instant>,
    pub(super) tries: u8,
    pub(super) unacked: Option<Unacked>,
    pub(super) terms: Option<Terms>,
    pub(super) timer: Option<SessionTimer>,
    pub(super) credentials: Option<Credentials>,
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
                let contact = makes_dialog(&request.method).then(|| self.dialog.contact.clone());
                core.waiting.insert(id, Waiting { server, to_tag, contact });
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
        let makes_dialog = makes_dialog(&method);
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
}

/// Whether a request's 2xx, and the request itself, need a Contact (RFC 3515 §2.2, RFC 6665 §4.1).
fn makes_dialog(method: &Method) -> bool {
    matches!(method, Method::Refer | Method::Subscribe | Method::Notify)
}
