//! Our own offers within a session, the refreshes that keep it alive (RFC 4028), and what the peer
//! answers to them: glare, refusal, or a dialog that it no longer knows.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    read,
    session::{Negotiation, Session},
};
use crate::sip::{
    hop::Hop,
    message::{HeaderName, Headers, Method, Request, Response, Status},
    session_timer::SessionTimer,
    transaction::ClientTx,
    ua::{
        Ended, Fact,
        core::{Core, Owner, Purpose},
    },
};

/// How often an offer that met 491 (or 500 with Retry-After) is sent again before the switch hears
/// of it. Both ends draw their waits by lot, so five collisions in a row mean something else.
const OFFER_TRIES: u8 = 5;

impl Session {
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

    pub(super) fn send(
        &self,
        core: &mut Core,
        request: Request,
        hop: Hop,
        purpose: Purpose,
        now: Instant,
    ) -> ClientTx {
        let owner = Owner::Usage(self.usage, purpose);
        core.send(request, hop, self.credentials.clone(), owner, now)
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
                core.acknowledge(&self.dialog, request, None, now);
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
    pub(super) fn refresh(&mut self, core: &mut Core, now: Instant) {
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
}
