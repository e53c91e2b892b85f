//! What wakes a session (the missing ACK, the session timer, an offer's second try) and how it ends.

use std::time::Instant;

use super::session::{Negotiation, Session};
use crate::sip::{
    message::{HeaderName, Headers, Method, Status},
    session_timer::{Due, SessionTimer},
    ua::{
        Ended,
        core::{Core, Purpose},
    },
};

impl Session {
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
