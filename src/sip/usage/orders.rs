//! What the switch orders of a usage. An order that comes too late, or in a state that has no use for
//! it, does nothing.

use std::time::Instant;

use bytes::Bytes;

use super::{HangUp, State, Up, Usage, session::Session};
use crate::sip::{
    message::{HeaderName, Headers, Method, Status},
    ua::{ClientId, Ended, Fact, core::Core},
};

impl Usage {
    /// 101 to 199 to the peer's INVITE.
    pub(in crate::sip) fn provisional(
        &mut self,
        core: &mut Core,
        status: Status,
        sdp: Option<Bytes>,
        now: Instant,
    ) {
        if let State::Ringing(ringing) = &mut self.state {
            ringing.provisional(core, status, sdp, now);
        }
    }

    /// 200 to the peer's INVITE; waits for the PRACK where an answer is on its way reliably.
    pub(in crate::sip) fn accept(&mut self, core: &mut Core, sdp: Bytes, now: Instant) {
        if let State::Ringing(ringing) = &mut self.state {
            ringing.held = Some(sdp);
            self.accept_held(core, now);
        }
    }

    pub(super) fn accept_held(&mut self, core: &mut Core, now: Instant) {
        let State::Ringing(ringing) = &mut self.state else { return };
        let Some(sdp) = ringing.take_acceptable() else { return };
        if let State::Ringing(ringing) = std::mem::replace(&mut self.state, State::Over) {
            let (session, early_answer) = ringing.accept(core, sdp, now);
            self.state = State::Up(Box::new(Up { session, early_answer, hang_up: HangUp::No }));
        }
    }

    /// 300 to 699 to the peer's INVITE.
    pub(in crate::sip) fn refuse(&mut self, core: &mut Core, status: Status, headers: Headers, now: Instant) {
        if let State::Ringing(ringing) = &mut self.state {
            ringing.refuse(core, status, headers, now);
            self.state = State::Over;
        }
    }

    /// Changes the session.
    pub(in crate::sip) fn offer(&mut self, core: &mut Core, sdp: Bytes, now: Instant) {
        match &mut self.state {
            State::Calling(calling) => calling.offer(core, sdp, now),
            State::Ringing(ringing) => ringing.session.offer(core, sdp, now),
            State::Up(up) => up.session.offer(core, sdp, now),
            State::Closing { .. } | State::Over => {}
        }
    }

    /// Answers the peer's open offer.
    pub(in crate::sip) fn answer_offer(&mut self, core: &mut Core, sdp: Bytes, now: Instant) {
        if let Some(session) = self.session_that_owes() {
            session.answer_offer(core, sdp, now);
            self.accept_held(core, now);
        }
    }

    /// Refuses the peer's open offer.
    pub(in crate::sip) fn refuse_offer(&mut self, core: &mut Core, status: Status, now: Instant) {
        if let Some(session) = self.session_that_owes() {
            session.refuse_offer(core, status, now);
            self.accept_held(core, now);
        }
    }

    fn session_that_owes(&mut self) -> Option<&mut Session> {
        let session = match &mut self.state {
            State::Calling(calling) => return calling.session_that_owes(),
            State::Ringing(ringing) => &mut ringing.session,
            State::Up(up) => &mut up.session,
            State::Closing { .. } | State::Over => return None,
        };
        session.owes_answer().then_some(session)
    }

    /// The switch's own request; `None` unless the dialog is confirmed.
    pub(in crate::sip) fn request_within(
        &mut self,
        core: &mut Core,
        method: Method,
        headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) -> Option<ClientId> {
        match &mut self.state {
            State::Up(up) => Some(up.session.request_within(core, method, headers, body, now)),
            State::Calling(_) | State::Ringing(_) | State::Closing { .. } | State::Over => None,
        }
    }

    /// Ends the usage from our side.
    pub(in crate::sip) fn hang_up(&mut self, core: &mut Core, reason: Option<String>, now: Instant) {
        match &mut self.state {
            State::Calling(calling) => calling.cancel(core, reason, now),
            State::Ringing(ringing) => {
                let mut headers = Headers::new();
                if let Some(reason) = reason {
                    headers.push(HeaderName::Reason, reason);
                }
                ringing.refuse(core, Status::TEMPORARILY_UNAVAILABLE, headers, now);
                core.fact(Fact::Ended { usage: self.id, how: Ended::HungUp });
                self.state = State::Over;
            }
            State::Up(up) => {
                let waits = up.session.awaits_ack();
                up.hang_up = HangUp::AfterAck { reason };
                if !waits {
                    self.end(core, Ended::HungUp, now);
                }
            }
            State::Closing { .. } | State::Over => {}
        }
    }
}
