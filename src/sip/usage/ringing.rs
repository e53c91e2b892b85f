//! A peer's INVITE that has no final answer yet (RFC 3261 §13.3): our provisional responses, reliable
//! where the peer requires it (RFC 3262 §3), and the 200 that may have to wait for their PRACK.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    read,
    session::{Negotiation, Opening, Session},
};
use crate::sip::{
    dialog::Dialog,
    hop::Hop,
    message::{HeaderName, Headers, Request, Status},
    session_timer::Terms,
    transaction::ServerTx,
    ua::{Fact, UsageId, core::Core},
};

/// Provisional responses that wait for the PRACK of the one before; further ones are dropped, as
/// only the newest says anything new.
const WAITING: usize = 8;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Ringing {
    pub(super) server: ServerTx,
    invite: Headers,
    pub(super) session: Session,
    reliable: bool,
    next_rseq: u32,
    unacknowledged: Option<Unacknowledged>,
    waiting: VecDeque<(Status, Option<Bytes>)>,
    /// SDP of ours that went reliably and was acknowledged: the 200 says nothing further.
    said: Option<Bytes>,
    /// The answer that came with a PRACK.
    early_answer: Option<Bytes>,
    /// The SDP of a 200 that waits.
    pub(super) held: Option<Bytes>,
}

/// A reliable provisional response without its PRACK yet.
#[derive(Debug)]
struct Unacknowledged {
    rseq: u32,
    status: Status,
    headers: Headers,
    sdp: Option<Bytes>,
    resend_at: Instant,
    interval: Duration,
    give_up_at: Instant,
}

impl Ringing {
    pub(super) fn start(
        core: &mut Core,
        usage: UsageId,
        server: ServerTx,
        invite: &Request,
        hop: Hop,
        local_tag: &str,
        terms: Option<Terms>,
    ) -> Self {
        let user = invite.uri.as_sip().and_then(|uri| uri.user.clone()).unwrap_or_default();
        let contact = core.contact(&user, hop);
        let dialog = Dialog::opened_by_request(invite, local_tag, contact, hop);
        let offer = read::sdp(&invite.headers, &invite.body);
        let opening = if offer.is_some() { Opening::TheirOffer } else { Opening::NoOfferYet };
        let mut session = Session::new(usage, dialog, opening, terms, None);
        session.hear(&invite.headers);
        session.remote_sdp = offer;
        Self {
            server,
            invite: invite.headers.clone(),
            session,
            reliable: invite.headers.has_token(&HeaderName::Require, "100rel"),
            // RFC 3262 §3 wants chance below 2³¹.
            next_rseq: core.chance(0x0fff_ffff).saturating_add(1),
            unacknowledged: None,
            waiting: VecDeque::new(),
            said: None,
            early_answer: None,
            held: None,
        }
    }

    pub(super) fn provisional(&mut self, core: &mut Core, status: Status, sdp: Option<Bytes>, now: Instant) {
        if self.held.is_some() {
            return;
        }
        if !self.reliable {
            // An offer may not go in an unreliable response (RFC 3261 §13.2.1).
            let fits = matches!(self.session.negotiation, Negotiation::Opening(Opening::TheirOffer));
            let mut headers = self.session.introduction(core);
            let body = self.attach(&mut headers, sdp.filter(|_| fits));
            self.session.reply(core, self.server, status, headers, body, now);
        } else if self.unacknowledged.is_some() {
            if self.waiting.len() < WAITING {
                self.waiting.push_back((status, sdp));
            }
        } else {
            self.send_reliably(core, status, sdp, now);
        }
    }

    fn attach(&self, headers: &mut Headers, sdp: Option<Bytes>) -> Vec<u8> {
        sdp.map_or_else(Vec::new, |sdp| {
            headers.set(HeaderName::ContentType, "application/sdp");
            sdp.to_vec()
        })
    }

    fn send_reliably(&mut self, core: &mut Core, status: Status, sdp: Option<Bytes>, now: Instant) {
        let sdp = sdp.filter(|_| matches!(self.session.negotiation, Negotiation::Opening(_)));
        if sdp.is_some() && matches!(self.session.negotiation, Negotiation::Opening(Opening::NoOfferYet)) {
            self.session.negotiation = Negotiation::OursInResponse;
        }
        let rseq = self.next_rseq;
        self.next_rseq = rseq.saturating_add(1);
        let mut headers = self.session.introduction(core);
        headers.push(HeaderName::Require, "100rel");
        headers.push(HeaderName::RSeq, rseq.to_string());
        let unacknowledged = Unacknowledged {
            rseq,
            status,
            headers,
            sdp,
            resend_at: now + core.settings.t1,
            interval: core.settings.t1,
            give_up_at: now + core.whole(),
        };
        self.send_again(core, &unacknowledged, now);
        self.unacknowledged = Some(unacknowledged);
    }

    fn send_again(&self, core: &mut Core, response: &Unacknowledged, now: Instant) {
        let mut headers = response.headers.clone();
        let body = self.attach(&mut headers, response.sdp.clone());
        self.session.reply(core, self.server, response.status, headers, body, now);
    }

    pub(super) fn on_prack(&mut self, core: &mut Core, server: ServerTx, prack: Request, now: Instant) {
        let number = self.invite.cseq().map_or(0, |cseq| cseq.number);
        let rack = prack.headers.rack().filter(|rack| rack.cseq.number == number).map(|rack| rack.rseq);
        let Some(acknowledged) = self.unacknowledged.take_if(|open| Some(open.rseq) == rack) else {
            let status = Status::CALL_DOES_NOT_EXIST;
            return self.session.reply(core, server, status, Headers::new(), Vec::new(), now);
        };
        let sdp = read::sdp(&prack.headers, &prack.body);
        let mut answer_owed = false;
        if let Some(ours) = acknowledged.sdp {
            self.said = Some(ours.clone());
            if matches!(self.session.negotiation, Negotiation::OursInResponse) {
                self.session.settle(ours, sdp.clone());
                self.early_answer.clone_from(&sdp);
                if let Some(answer) = sdp {
                    core.fact(Fact::OfferAnswered { usage: self.session.usage, answer });
                }
            } else {
                self.session.settle(ours, None);
                answer_owed = sdp.is_some();
            }
        } else {
            answer_owed = sdp.is_some() && matches!(self.session.negotiation, Negotiation::Stable);
        }
        if answer_owed {
            let offer = read::sdp(&prack.headers, &prack.body);
            self.session.ask_switch(core, server, prack, offer);
        } else {
            self.session.reply(core, server, Status::OK, Headers::new(), Vec::new(), now);
        }
        if self.held.is_none()
            && let Some((status, sdp)) = self.waiting.pop_front()
        {
            self.send_reliably(core, status, sdp, now);
        }
    }

    /// The SDP of a 200 that need not wait any longer: for the PRACK of a response with SDP
    /// (RFC 3262 §3), or for our own answer to an offer in a PRACK.
    pub(super) fn take_acceptable(&mut self) -> Option<Bytes> {
        let waits = self.unacknowledged.as_ref().is_some_and(|open| open.sdp.is_some());
        if waits || self.session.owes_answer() {
            return None;
        }
        self.held.take()
    }

    /// Sends the 200.
    pub(super) fn accept(mut self, core: &mut Core, sdp: Bytes, now: Instant) -> (Session, Option<Bytes>) {
        let mut headers = self.session.introduction(core);
        let body = match self.said.take() {
            Some(said) => {
                if said != sdp {
                    self.session.want(sdp);
                }
                Vec::new()
            }
            None => {
                if matches!(self.session.negotiation, Negotiation::Opening(Opening::NoOfferYet)) {
                    self.session.negotiation = Negotiation::OursInResponse;
                    self.session.keep_local(sdp.clone());
                } else {
                    self.session.settle(sdp.clone(), None);
                }
                self.attach(&mut headers, Some(sdp))
            }
        };
        self.session.confirm(core, self.server, &self.invite, &mut headers, now);
        self.session.reply(core, self.server, Status::OK, headers, body, now);
        (self.session, self.early_answer)
    }

    /// Sends a final refusal.
    pub(super) fn refuse(&mut self, core: &mut Core, status: Status, headers: Headers, now: Instant) {
        self.session.abandon(core, now);
        self.session.reply(core, self.server, status, headers, Vec::new(), now);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let open = self.unacknowledged.as_ref().map(|open| open.resend_at.min(open.give_up_at));
        [open, self.session.deadline()].into_iter().flatten().min()
    }

    /// Does what is due; `true` when a reliable response was never acknowledged.
    pub(super) fn deadline_passed(&mut self, core: &mut Core, now: Instant) -> bool {
        let ended = self.session.deadline_passed(core, now);
        debug_assert_eq!(ended, None, "an early dialog has no ACK to await and no timer");
        let Some(mut open) = self.unacknowledged.take() else { return false };
        if now >= open.give_up_at {
            return true;
        }
        if now >= open.resend_at {
            // RFC 3262 §3: doubled without a cap.
            open.interval = open.interval.saturating_mul(2);
            open.resend_at = now + open.interval;
            self.send_again(core, &open, now);
        }
        self.unacknowledged = Some(open);
        false
    }
}
