//! Our INVITE on its way (RFC 3261 §13.2): provisional responses of any number of forks, reliable
//! ones acknowledged in their order (RFC 3262 §4), until the first final answer.

use std::time::Instant;

use bytes::Bytes;

use super::{
    read,
    session::{Negotiation, Opening, Session},
};
use crate::sip::{
    dialog::{Dialog, to_tag},
    hop::Hop,
    message::{HeaderName, Headers, Method, Request, Response, Status},
    session_timer::Terms,
    transaction::ClientTx,
    ua::{
        Credentials, Fact, Outgoing, UsageId,
        core::{Core, Owner, Purpose, Sent},
    },
};

/// Early dialogs of one INVITE; a proxy that forks wider gets no dialogs for the rest.
const FORKS: usize = 16;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Calling {
    usage: UsageId,
    invite: ClientTx,
    /// The way our INVITE went.
    pub(super) hop: Hop,
    offer: Bytes,
    terms: Option<Terms>,
    credentials: Option<Credentials>,
    pub(super) cancelled: bool,
    forks: Vec<Fork>,
    /// An offer of the switch that came too early.
    wanted: Option<Bytes>,
}

#[derive(Debug)]
struct Fork {
    session: Session,
    /// The last reliable response taken in.
    rseq: Option<u32>,
}

impl Calling {
    pub(super) fn start(
        core: &mut Core,
        usage: UsageId,
        to: Outgoing,
        offer: Bytes,
        call_id: &str,
        local_tag: &str,
        now: Instant,
    ) -> Self {
        let terms = core.terms();
        let mut headers = Headers::new();
        for route in &to.route {
            headers.push(HeaderName::Route, route.to_string());
        }
        headers.push(HeaderName::From, to.from.with_tag(local_tag).to_string());
        headers.push(HeaderName::To, to.to.to_string());
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, "1 INVITE");
        headers.push(HeaderName::Contact, core.contact(&to.contact_user, to.hop));
        core.introduce(&mut headers);
        if let Some(terms) = terms {
            terms.ask(&mut headers);
        }
        for header in to.headers.iter() {
            headers.push(header.name.clone(), header.value.as_str());
        }
        headers.set(HeaderName::ContentType, "application/sdp");
        let request = Request { method: Method::Invite, uri: to.uri, headers, body: offer.to_vec() };
        let owner = Owner::Usage(usage, Purpose::Invite);
        let invite = core.send(request, to.hop, to.credentials.clone(), owner, now);
        Self {
            usage,
            invite,
            hop: to.hop,
            offer,
            terms,
            credentials: to.credentials,
            cancelled: false,
            forks: Vec::new(),
            wanted: None,
        }
    }

    /// The tag of the peer that answered first.
    pub(super) fn first_remote_tag(&self) -> Option<&str> {
        self.forks.first().map(|fork| fork.session.dialog.remote_tag.as_str())
    }

    pub(super) fn has_fork(&self, remote_tag: &str) -> bool {
        self.forks.iter().any(|fork| fork.session.dialog.remote_tag == remote_tag)
    }

    /// The INVITE went out again (401, 422): what rang before is no more.
    pub(super) fn restarted(&mut self, core: &mut Core, invite: ClientTx, now: Instant) {
        self.invite = invite;
        self.drop_forks(core, now);
    }

    /// Takes a 422's Min-SE over into the INVITE; `false` where that changes nothing.
    pub(super) fn raise_terms(&mut self, sent: &mut Sent, response: &Response) -> bool {
        let Some(terms) = &mut self.terms else { return false };
        if response.status != Status::SESSION_INTERVAL_TOO_SMALL || !terms.raise(&response.headers) {
            return false;
        }
        terms.ask(&mut sent.request.headers);
        true
    }

    pub(super) fn on_provisional(&mut self, core: &mut Core, response: &Response, hop: Hop, now: Instant) {
        let sdp = read::sdp(&response.headers, &response.body);
        let tag = to_tag(&response.headers);
        if let Some(tag) = tag {
            if response.status.code() == 199 {
                // RFC 6228: this fork has ended; the others have not.
                return self.drop_fork(core, &tag, now);
            }
            let offer = self.offer.clone();
            let Some(fork) = self.fork(core, response, &tag, hop) else { return };
            if let Some(rseq) = read::reliable(&response.headers) {
                // RFC 3262 §4: in order; a gap means that one was lost and will come again.
                if fork.rseq.is_some_and(|last| last.checked_add(1) != Some(rseq)) {
                    return;
                }
                fork.rseq = Some(rseq);
                let invite = response.headers.cseq().map_or(1, |cseq| cseq.number);
                fork.session.prack(core, rseq, invite, now);
                let opening = matches!(fork.session.negotiation, Negotiation::Opening(_));
                if opening && sdp.is_some() {
                    fork.session.settle(offer, sdp.clone());
                }
            } else if sdp.is_some() {
                // Not yet the answer (RFC 3261 §13.2.1), but what the 2xx will repeat.
                fork.session.remote_sdp = sdp.clone();
            }
            if self.wanted.is_some() {
                self.offer_early(core, now);
            }
        }
        if !self.cancelled {
            core.fact(Fact::Progress { usage: self.usage, status: response.status, sdp });
        }
    }

    fn fork(&mut self, core: &Core, response: &Response, tag: &str, hop: Hop) -> Option<&mut Fork> {
        let at = match self.forks.iter().position(|fork| fork.session.dialog.remote_tag == tag) {
            Some(at) => at,
            None if self.forks.len() >= FORKS => return None,
            None => {
                let invite = &core.sent.get(&self.invite)?.request;
                let dialog = Dialog::opened_by_response(invite, response, hop);
                let session = self.session(dialog);
                self.forks.push(Fork { session, rseq: None });
                self.forks.len().saturating_sub(1)
            }
        };
        let fork = self.forks.get_mut(at)?;
        fork.session.hear(&response.headers);
        fork.session.dialog.hop = hop;
        fork.session.dialog.refresh_target(&response.headers);
        Some(fork)
    }

    fn session(&self, dialog: Dialog) -> Session {
        Session::new(self.usage, dialog, Opening::OurOffer, self.terms, self.credentials.clone())
    }

    pub(super) fn session_with(&mut self, remote_tag: &str) -> Option<&mut Session> {
        self.forks.iter_mut().map(|fork| &mut fork.session).find(|s| s.dialog.remote_tag == remote_tag)
    }

    pub(super) fn session_that_owes(&mut self) -> Option<&mut Session> {
        self.forks.iter_mut().map(|fork| &mut fork.session).find(|s| s.owes_answer())
    }

    /// The first 2xx: acknowledges it and makes its dialog the session.
    pub(super) fn answered(
        &mut self,
        core: &mut Core,
        invite: &Request,
        response: &Response,
        hop: Hop,
        now: Instant,
    ) -> Session {
        let tag = to_tag(&response.headers).unwrap_or_default();
        let at = self.forks.iter().position(|fork| fork.session.dialog.remote_tag == tag);
        let mut session = match at {
            Some(at) => {
                let mut session = self.forks.swap_remove(at).session;
                session.dialog.confirmed_by(response, hop);
                session
            }
            None => self.session(Dialog::opened_by_response(invite, response, hop)),
        };
        core.acknowledge(&session.dialog, invite, self.credentials.as_ref(), now);
        let answer = read::sdp(&response.headers, &response.body).or_else(|| session.remote_sdp.clone());
        if matches!(session.negotiation, Negotiation::Opening(_)) {
            session.settle(self.offer.clone(), answer);
        } else if answer.is_some() {
            session.remote_sdp = answer;
        }
        session.confirmed_by_peer(response, now);
        self.drop_forks(core, now);
        if let Some(wanted) = self.wanted.take() {
            session.want(wanted);
        }
        session
    }

    /// An offer before the 2xx: by UPDATE where the one early dialog has its answer, else later.
    pub(super) fn offer(&mut self, core: &mut Core, sdp: Bytes, now: Instant) {
        self.wanted = Some(sdp);
        self.offer_early(core, now);
    }

    fn offer_early(&mut self, core: &mut Core, now: Instant) {
        if let [fork] = self.forks.as_mut_slice()
            && matches!(fork.session.negotiation, Negotiation::Stable)
            && let Some(sdp) = self.wanted.take()
        {
            fork.session.offer(core, sdp, now);
        }
    }

    /// Takes the INVITE back.
    pub(super) fn cancel(&mut self, core: &mut Core, reason: Option<String>, now: Instant) {
        if self.cancelled {
            return;
        }
        self.cancelled = true;
        let mut headers = Headers::new();
        if let Some(reason) = reason {
            headers.push(HeaderName::Reason, reason);
        }
        core.transactions.cancel(self.invite, headers, now);
    }

    pub(super) fn drop_fork(&mut self, core: &mut Core, tag: &str, now: Instant) {
        if let Some(at) = self.forks.iter().position(|fork| fork.session.dialog.remote_tag == tag) {
            self.forks.swap_remove(at).session.abandon(core, now);
        }
    }

    pub(super) fn drop_forks(&mut self, core: &mut Core, now: Instant) {
        for mut fork in self.forks.drain(..) {
            fork.session.abandon(core, now);
        }
    }

    pub(super) fn hops(&mut self) -> impl Iterator<Item = &mut Hop> {
        let forks = self.forks.iter_mut().map(|fork| &mut fork.session.dialog.hop);
        std::iter::once(&mut self.hop).chain(forks)
    }

    /// When an UPDATE of an early dialog is due again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.forks.iter().filter_map(|fork| fork.session.deadline()).min()
    }

    pub(super) fn deadline_passed(&mut self, core: &mut Core, now: Instant) {
        for fork in &mut self.forks {
            // An early dialog has neither ACK to await nor a session timer, so it cannot end here.
            let ended = fork.session.deadline_passed(core, now);
            debug_assert_eq!(ended, None);
        }
    }
}
