//! The INVITE usage (RFC 5057): one INVITE of ours or of a peer, every dialog that it makes, and the
//! session, until it is refused, cancelled or ended by BYE. It never knows why somebody calls.
//!
//! [`Usage`] is a machine of five states, driven by [`crate::sip::ua`]: [`calling`] (our INVITE is
//! out), [`ringing`] (a peer's INVITE waits for an answer), up (confirmed: [`session`]), closing (our
//! BYE is out) and over. Reading starts at [`Usage`].

mod calling;
mod ending;
mod offers;
mod orders;
mod read;
mod ringing;
mod session;

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;

use self::{calling::Calling, ringing::Ringing, session::Session};
use super::{
    dialog::{from_tag, to_tag},
    hop::{FlowId, Hop},
    message::{HeaderName, Headers, Method, Request, Response, Status},
    session_timer::Terms,
    transaction::{ClientTx, ServerTx},
    ua::{
        DialogName, Ended, Fact, InviteRefused, NoAnswer, Outgoing, ServerId, UsageId,
        core::{Core, Purpose, Sent, renumber},
    },
};

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Usage {
    id: UsageId,
    call_id: String,
    local_tag: String,
    state: State,
    /// The alarm set in the core.
    alarm: Option<Instant>,
    /// Requests within the dialog that the switch has still to answer.
    asked: Vec<ServerId>,
}

#[derive(Debug)]
enum State {
    Calling(Box<Calling>),
    Ringing(Box<Ringing>),
    Up(Box<Up>),
    /// Our BYE is out. `report` is told when it is answered; `None`: all has been told.
    Closing {
        session: Box<Session>,
        report: Option<Ended>,
    },
    Over,
}

/// A confirmed dialog.
#[derive(Debug)]
struct Up {
    session: Session,
    /// The answer that a PRACK brought before our 2xx; the ACK's fact repeats it.
    early_answer: Option<Bytes>,
    hang_up: HangUp,
}

/// Whether the switch has hung up a call whose ACK is still awaited: BYE has to wait for it
/// (RFC 3261 §15).
#[derive(Debug)]
enum HangUp {
    No,
    AfterAck { reason: Option<String> },
}

impl Usage {
    /// Sends an INVITE.
    pub(super) fn call(core: &mut Core, id: UsageId, to: Outgoing, offer: Bytes, now: Instant) -> Self {
        let call_id = core.transactions.token();
        let local_tag = core.transactions.token();
        let calling = Calling::start(core, id, to, offer, &call_id, &local_tag, now);
        Self::new(core, id, call_id, local_tag, State::Calling(Box::new(calling)))
    }

    /// A peer's INVITE, found well-formed.
    pub(super) fn invited(
        core: &mut Core,
        id: UsageId,
        server: ServerTx,
        request: Request,
        hop: Hop,
        terms: Option<Terms>,
    ) -> Self {
        let call_id = request.headers.call_id().unwrap_or_default().to_owned();
        let local_tag = core.transactions.token();
        core.invited.insert(server, id);
        let ringing = Ringing::start(core, id, server, &request, hop, &local_tag, terms);
        let offer = read::sdp(&request.headers, &request.body);
        core.fact(Fact::Invited { usage: id, request, hop, offer });
        Self::new(core, id, call_id, local_tag, State::Ringing(Box::new(ringing)))
    }

    fn new(core: &mut Core, id: UsageId, call_id: String, local_tag: String, state: State) -> Self {
        core.dialogs.insert((call_id.clone(), local_tag.clone()), id);
        Self { id, call_id, local_tag, state, alarm: None, asked: Vec::new() }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn call_id(&self) -> &str {
        &self.call_id
    }

    pub(super) fn dialog_name(&self) -> Option<DialogName> {
        let remote_tag = match &self.state {
            State::Calling(calling) => calling.first_remote_tag()?.to_owned(),
            State::Ringing(ringing) => ringing.session.dialog.remote_tag.clone(),
            State::Up(up) => up.session.dialog.remote_tag.clone(),
            State::Closing { .. } | State::Over => return None,
        };
        Some(DialogName { call_id: self.call_id.clone(), local_tag: self.local_tag.clone(), remote_tag })
    }

    /// Whether one of its dialogs is with the peer of that tag.
    pub(super) fn has_dialog_with(&self, remote_tag: &str) -> bool {
        match &self.state {
            State::Calling(calling) => calling.has_fork(remote_tag),
            State::Ringing(ringing) => ringing.session.dialog.remote_tag == remote_tag,
            State::Up(up) => up.session.dialog.remote_tag == remote_tag,
            State::Closing { .. } | State::Over => false,
        }
    }

    pub(super) fn remote(&self) -> SocketAddr {
        match &self.state {
            State::Calling(calling) => calling.hop.remote,
            State::Ringing(ringing) => ringing.session.dialog.hop.remote,
            State::Up(up) => up.session.dialog.hop.remote,
            State::Closing { session, .. } => session.dialog.hop.remote,
            State::Over => SocketAddr::from(([0, 0, 0, 0], 0)),
        }
    }

    /// Sets the alarm anew, and leaves nothing behind when the usage is over.
    pub(super) fn tidy(&mut self, core: &mut Core, now: Instant) {
        let deadline = self.deadline();
        core.set_alarm(self.id, self.alarm, deadline);
        self.alarm = deadline;
        if !self.is_over() {
            return;
        }
        core.dialogs.remove(&(std::mem::take(&mut self.call_id), std::mem::take(&mut self.local_tag)));
        for server in self.asked.drain(..) {
            core.respond_waiting(server, Status::CALL_DOES_NOT_EXIST, Headers::new(), Vec::new(), now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling(calling) => calling.deadline(),
            State::Ringing(ringing) => ringing.deadline(),
            State::Up(up) => up.session.deadline(),
            // The BYE's own transaction ends in time.
            State::Closing { .. } | State::Over => None,
        }
    }

    /// The alarm rang; the core has taken it out.
    pub(super) fn deadline_passed(&mut self, core: &mut Core, now: Instant) {
        self.alarm = None;
        match &mut self.state {
            State::Calling(calling) => calling.deadline_passed(core, now),
            State::Ringing(ringing) => {
                if ringing.deadline_passed(core, now) {
                    // RFC 3262 §3: a reliable 1xx without PRACK fails the INVITE.
                    ringing.refuse(core, Status::SERVER_TIME_OUT, Headers::new(), now);
                    core.fact(Fact::Cancelled { usage: self.id });
                    self.state = State::Over;
                }
            }
            State::Up(up) => {
                if let Some(how) = up.session.deadline_passed(core, now) {
                    self.end(core, how, now);
                }
            }
            State::Closing { .. } | State::Over => {}
        }
    }

    /// Ends a confirmed dialog by BYE, for a reason of its own.
    fn end(&mut self, core: &mut Core, how: Ended, now: Instant) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Up(up) => {
                let Up { mut session, hang_up, .. } = *up;
                let (reason, report) = match hang_up {
                    HangUp::AfterAck { reason } => (reason, Some(Ended::HungUp)),
                    HangUp::No => (None, None),
                };
                session.bye(core, reason.as_deref(), now);
                if report.is_none() {
                    core.fact(Fact::Ended { usage: self.id, how });
                }
                self.state = State::Closing { session: Box::new(session), report };
            }
            other @ (State::Calling(_) | State::Ringing(_) | State::Closing { .. } | State::Over) => {
                self.state = other;
            }
        }
    }

    /// A request within one of the usage's dialogs.
    pub(super) fn on_request(
        &mut self,
        core: &mut Core,
        server: ServerTx,
        request: Request,
        hop: Hop,
        now: Instant,
    ) {
        let local_tag = self.local_tag.clone();
        let refuse = |core: &mut Core, status| {
            core.respond(server, status, &local_tag, Headers::new(), Vec::new(), now);
        };
        let closing = matches!(self.state, State::Closing { .. });
        let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let Some(session) = self.session_with(&from_tag(&request.headers)) else {
            return refuse(core, Status::CALL_DOES_NOT_EXIST);
        };
        if session.dialog.count_remote(number).is_err() {
            return refuse(core, Status::SERVER_INTERNAL_ERROR);
        }
        if request.method == Method::Bye {
            return self.on_bye(core, server, &request, now);
        }
        if closing {
            return refuse(core, Status::CALL_DOES_NOT_EXIST);
        }
        session.dialog.hop = hop;
        if let (Method::Prack, State::Ringing(ringing)) = (&request.method, &mut self.state) {
            ringing.on_prack(core, server, request, now);
            self.accept_held(core, now);
        } else if let Some(session) = self.session_with(&from_tag(&request.headers))
            && let Some(asked) = session.on_request(core, server, request, now)
        {
            self.asked.retain(|server| core.waiting.contains_key(server));
            self.asked.push(asked);
        }
    }

    /// The session of the dialog with that peer tag.
    fn session_with(&mut self, remote_tag: &str) -> Option<&mut Session> {
        let session = match &mut self.state {
            State::Calling(calling) => return calling.session_with(remote_tag),
            State::Ringing(ringing) => &mut ringing.session,
            State::Up(up) => &mut up.session,
            State::Closing { session, .. } => session,
            State::Over => return None,
        };
        (session.dialog.remote_tag == remote_tag).then_some(session)
    }

    fn on_bye(&mut self, core: &mut Core, server: ServerTx, bye: &Request, now: Instant) {
        let id = self.id;
        let reason = bye.headers.get(&HeaderName::Reason).map(str::to_owned);
        core.respond(server, Status::OK, &self.local_tag, Headers::new(), Vec::new(), now);
        match std::mem::replace(&mut self.state, State::Over) {
            State::Calling(mut calling) => {
                // RFC 3261 §15 forbids the called side a BYE here; the other forks ring on.
                calling.drop_fork(core, &from_tag(&bye.headers), now);
                self.state = State::Calling(calling);
            }
            State::Ringing(mut ringing) => {
                ringing.refuse(core, Status::REQUEST_TERMINATED, Headers::new(), now);
                core.fact(Fact::Cancelled { usage: id });
            }
            State::Up(mut up) => {
                up.session.abandon(core, now);
                core.fact(Fact::Ended { usage: id, how: Ended::PeerBye { reason } });
            }
            // Both hung up at once; our own BYE is answered in its turn.
            closing @ State::Closing { .. } => self.state = closing,
            State::Over => {}
        }
    }

    /// The ACK to a 2xx of ours.
    pub(super) fn on_ack(&mut self, core: &mut Core, ack: &Request, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        if up.session.dialog.remote_tag != from_tag(&ack.headers) {
            return;
        }
        let early_answer = up.early_answer.take();
        up.session.on_ack(core, ack, early_answer, now);
        if let HangUp::AfterAck { .. } = up.hang_up
            && !up.session.awaits_ack()
        {
            self.end(core, Ended::HungUp, now);
        }
    }

    /// A CANCEL for an INVITE or re-INVITE of the peer that has no final answer.
    pub(super) fn on_cancel(&mut self, core: &mut Core, server: ServerTx, now: Instant) {
        match &mut self.state {
            State::Ringing(ringing) if ringing.server == server => {
                ringing.refuse(core, Status::REQUEST_TERMINATED, Headers::new(), now);
                core.fact(Fact::Cancelled { usage: self.id });
                self.state = State::Over;
            }
            State::Up(up) => up.session.on_cancel(core, server, now),
            State::Calling(_) | State::Ringing(_) | State::Closing { .. } | State::Over => {}
        }
    }

    /// 101 to 199 for our INVITE.
    pub(super) fn on_provisional(&mut self, core: &mut Core, response: &Response, hop: Hop, now: Instant) {
        if let State::Calling(calling) = &mut self.state {
            calling.on_provisional(core, response, hop, now);
        }
    }

    /// The final answer to a request of ours.
    #[expect(clippy::too_many_arguments, reason = "each is one part of what came back")]
    pub(super) fn on_final(
        &mut self,
        core: &mut Core,
        client: ClientTx,
        mut sent: Sent,
        purpose: Purpose,
        response: Response,
        hop: Hop,
        now: Instant,
    ) {
        let given_up = match &self.state {
            State::Calling(calling) => calling.cancelled && purpose == Purpose::Invite,
            State::Closing { .. } => purpose != Purpose::Bye,
            State::Ringing(_) | State::Up(_) | State::Over => false,
        };
        if !given_up && core.authorize(&mut sent, &response) {
            return self.repeat(core, client, sent, purpose, now);
        }
        match (purpose, &mut self.state) {
            (Purpose::Invite, _) => self.on_invite_final(core, sent, response, hop, now),
            (Purpose::Bye, State::Closing { report, .. }) => {
                if let Some(how) = report.take() {
                    core.fact(Fact::Ended { usage: self.id, how });
                }
                self.state = State::Over;
            }
            (Purpose::Offer, State::Closing { session, .. }) => {
                if response.status.is_success() && sent.request.method == Method::Invite {
                    core.acknowledge(&session.dialog, &sent.request, None, now);
                }
            }
            (Purpose::Offer | Purpose::Refresh | Purpose::Prack | Purpose::Within(_) | Purpose::Bye, _) => {
                let tag = to_tag(&sent.request.headers).unwrap_or_default();
                let ended = self
                    .session_with(&tag)
                    .and_then(|s| s.on_answer(core, client, purpose, &sent.request, &response, now));
                if let Purpose::Within(client) = purpose {
                    core.fact(Fact::Responded { client, response });
                }
                if let Some(how) = ended {
                    self.end(core, how, now);
                }
            }
        }
    }

    /// Sends a request again, with the next number of its dialog.
    fn repeat(&mut self, core: &mut Core, old: ClientTx, mut sent: Sent, purpose: Purpose, now: Instant) {
        if purpose == Purpose::Invite {
            return self.repeat_invite(core, sent, now);
        }
        let tag = to_tag(&sent.request.headers).unwrap_or_default();
        let Some(session) = self.session_with(&tag) else { return };
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(1);
        renumber(&mut sent.request, session.dialog.local_cseq);
        let new = core.resend(sent, now);
        session.replaced(old, new);
    }

    /// The final answer to the INVITE that opened the usage.
    fn on_invite_final(
        &mut self,
        core: &mut Core,
        mut sent: Sent,
        response: Response,
        hop: Hop,
        now: Instant,
    ) {
        let State::Calling(calling) = &mut self.state else { return };
        let cancelled = calling.cancelled;
        if response.status.is_success() {
            let session = calling.answered(core, &sent.request, &response, hop, now);
            self.answered(core, session, cancelled, response, now);
            return;
        }
        if !cancelled && calling.raise_terms(&mut sent, &response) {
            return self.repeat_invite(core, sent, now);
        }
        core.remember_failed(&sent, now);
        calling.drop_forks(core, now);
        let why = if cancelled {
            InviteRefused::Cancelled
        } else {
            let mut contacts = match response.status.is_redirection() {
                true => response.headers.contacts().unwrap_or_default(),
                false => Vec::new(),
            };
            // RFC 3261 §8.1.3.4: in order of preference; equal ones as they stand.
            contacts.sort_by_key(|contact| std::cmp::Reverse(contact.q()));
            let contacts = contacts.into_iter().map(|contact| contact.uri).collect();
            InviteRefused::Answer { response, contacts }
        };
        core.fact(Fact::Refused { usage: self.id, why });
        self.state = State::Over;
    }

    fn repeat_invite(&mut self, core: &mut Core, mut sent: Sent, now: Instant) {
        let number = sent.request.headers.cseq().map_or(1, |cseq| cseq.number.saturating_add(1));
        renumber(&mut sent.request, number);
        let new = core.resend(sent, now);
        if let State::Calling(calling) = &mut self.state {
            calling.restarted(core, new, now);
        }
    }

    /// The first 2xx; it has been acknowledged.
    fn answered(
        &mut self,
        core: &mut Core,
        mut session: Session,
        cancelled: bool,
        response: Response,
        now: Instant,
    ) {
        if cancelled {
            // The 2xx crossed our CANCEL (RFC 3261 §9.1): it counts, so it is hung up.
            session.bye(core, None, now);
            core.fact(Fact::Refused { usage: self.id, why: InviteRefused::Cancelled });
            self.state = State::Closing { session: Box::new(session), report: None };
            return;
        }
        let sdp = session.remote_sdp.clone();
        core.fact(Fact::Answered { usage: self.id, response, sdp });
        session.go_on(core, now);
        self.state = State::Up(Box::new(Up { session, early_answer: None, hang_up: HangUp::No }));
    }

    /// A request of ours got no final answer.
    pub(super) fn on_no_answer(
        &mut self,
        core: &mut Core,
        client: ClientTx,
        sent: &Sent,
        purpose: Purpose,
        why: NoAnswer,
        now: Instant,
    ) {
        match (purpose, &mut self.state) {
            (Purpose::Invite, State::Calling(calling)) => {
                core.remember_failed(sent, now);
                calling.drop_forks(core, now);
                let why = match calling.cancelled {
                    true => InviteRefused::Cancelled,
                    false => InviteRefused::NoAnswer(why),
                };
                core.fact(Fact::Refused { usage: self.id, why });
                self.state = State::Over;
            }
            (Purpose::Bye, State::Closing { report, .. }) => {
                if let Some(how) = report.take() {
                    core.fact(Fact::Ended { usage: self.id, how });
                }
                self.state = State::Over;
            }
            (_, State::Closing { .. }) => {}
            (
                Purpose::Invite
                | Purpose::Offer
                | Purpose::Refresh
                | Purpose::Prack
                | Purpose::Within(_)
                | Purpose::Bye,
                State::Calling(_) | State::Ringing(_) | State::Up(_) | State::Over,
            ) => {
                let tag = to_tag(&sent.request.headers).unwrap_or_default();
                let ended = self.session_with(&tag).and_then(|s| s.on_no_answer(client, purpose));
                if let Some(how) = ended {
                    self.end(core, how, now);
                }
            }
        }
    }

    /// A stream connection is gone: requests open a new one.
    pub(super) fn on_flow_closed(&mut self, flow: FlowId) {
        let forget = |hop: &mut Hop| {
            if hop.flow == Some(flow) {
                hop.flow = None;
            }
        };
        match &mut self.state {
            State::Calling(calling) => calling.hops().for_each(forget),
            State::Ringing(ringing) => forget(&mut ringing.session.dialog.hop),
            State::Up(up) => forget(&mut up.session.dialog.hop),
            State::Closing { session, .. } => forget(&mut session.dialog.hop),
            State::Over => {}
        }
    }
}
