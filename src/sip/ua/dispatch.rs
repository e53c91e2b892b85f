//! From the transactions to whoever waits: which usage, which request of the switch's, or nobody.

use std::time::Instant;

use super::{
    Fact, NoAnswer, ServerId, UsageId, UserAgent,
    core::{Owner, Purpose, Sent, Waiting, renumber},
};
use crate::sip::{
    check,
    dialog::to_tag,
    hop::Hop,
    message::{HeaderName, Headers, Method, Request, Response, Status},
    transaction::{ClientTx, Happened, ServerTx},
    usage::Usage,
};

impl UserAgent {
    /// Acts on everything that the transactions report, until they are silent.
    pub(super) fn settle(&mut self, now: Instant) {
        self.core.collect();
        while let Some(happened) = self.core.happened.pop_front() {
            self.on(happened, now);
            self.core.collect();
        }
    }

    fn on(&mut self, happened: Happened, now: Instant) {
        match happened {
            // The core has put bytes among the outputs already.
            Happened::Send { .. } => {}
            Happened::Request { server, request, hop } => self.on_request(server, request, hop, now),
            Happened::Ack { request, .. } => {
                if let Some(id) = self.usage_of(&request) {
                    self.with(id, now, |usage, core| usage.on_ack(core, &request, now));
                }
            }
            Happened::Cancel { server, .. } => {
                if let Some(id) = self.core.invited.get(&server).copied() {
                    self.with(id, now, |usage, core| usage.on_cancel(core, server, now));
                }
            }
            Happened::Response { client, response, hop } => self.on_response(client, response, hop, now),
            Happened::Stray { response, hop } => {
                if is_invite_success(&response) {
                    self.core.late_2xx(&response, hop, now);
                }
            }
            Happened::NoAnswer { client, why } => self.on_no_answer(client, why, now),
            Happened::ServerEnded { server, .. } => {
                self.core.invited.remove(&server);
            }
        }
    }

    /// The usage that a request within a dialog belongs to.
    fn usage_of(&self, request: &Request) -> Option<UsageId> {
        let call_id = request.headers.call_id()?.to_owned();
        let tag = to_tag(&request.headers)?;
        self.core.dialogs.get(&(call_id, tag)).copied()
    }

    fn on_request(&mut self, server: ServerTx, request: Request, hop: Hop, now: Instant) {
        if let Err(rejection) = check::request(&request, &self.core.abilities) {
            let to_tag = self.core.transactions.token();
            let reason = Some(rejection.reason).filter(|reason| !reason.is_empty());
            let check::Rejection { status, headers, .. } = rejection;
            self.core.transactions.respond(server, status, reason, &to_tag, headers, Vec::new(), now);
            return;
        }
        // A REGISTER makes no dialog, whatever tag a phone keeps in its To (RFC 3261 §10.2).
        if to_tag(&request.headers).is_some() && request.method != Method::Register {
            match self.usage_of(&request) {
                Some(id) => {
                    self.with(id, now, |usage, core| usage.on_request(core, server, request, hop, now))
                }
                None => {
                    let call_id = request.headers.call_id().unwrap_or_default().to_owned();
                    let name = (call_id, to_tag(&request.headers).unwrap_or_default());
                    if !self.on_subscribed(&name, server, &request, hop, now) {
                        // RFC 3261 §12.2.2.
                        self.answer(server, Status::CALL_DOES_NOT_EXIST, Headers::new(), now);
                    }
                }
            }
            return;
        }
        match &request.method {
            Method::Invite => self.on_invite(server, request, hop, now),
            Method::Options => {
                let mut headers = Headers::new();
                self.core.introduce(&mut headers);
                headers.push(HeaderName::Accept, check::ACCEPT);
                self.answer(server, Status::OK, headers, now);
            }
            Method::Bye | Method::Update | Method::Prack | Method::Info | Method::Ack | Method::Cancel => {
                self.answer(server, Status::CALL_DOES_NOT_EXIST, Headers::new(), now);
            }
            Method::Register
            | Method::Subscribe
            | Method::Notify
            | Method::Refer
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                let id = ServerId(self.core.next_id());
                let to_tag = self.core.transactions.token();
                let subscribes = matches!(request.method, Method::Subscribe | Method::Refer);
                let user = request.uri.as_sip().and_then(|uri| uri.user.clone()).unwrap_or_default();
                let contact = subscribes.then(|| self.core.contact(&user, hop));
                self.core.waiting.insert(id, Waiting { server, to_tag, contact });
                self.core.fact(Fact::Requested { server: id, request, hop });
            }
        }
    }

    fn on_invite(&mut self, server: ServerTx, request: Request, hop: Hop, now: Instant) {
        let terms = self.core.terms();
        if let Some(min_se) = terms.and_then(|terms| terms.too_brief(&request.headers)) {
            let mut headers = Headers::new();
            headers.push(HeaderName::MinSe, min_se.as_secs().to_string());
            return self.answer(server, Status::SESSION_INTERVAL_TOO_SMALL, headers, now);
        }
        let id = UsageId(self.core.next_id());
        let usage = Usage::invited(&mut self.core, id, server, request, hop, terms);
        self.usages.insert(id, usage);
    }

    /// Answers a request outside any dialog, at once.
    fn answer(&mut self, server: ServerTx, status: Status, headers: Headers, now: Instant) {
        let to_tag = self.core.transactions.token();
        self.core.respond(server, status, &to_tag, headers, Vec::new(), now);
    }

    fn on_response(&mut self, client: ClientTx, response: Response, hop: Hop, now: Instant) {
        if response.status.is_provisional() {
            let owner = self.core.sent.get(&client).map(|sent| sent.owner);
            if let Some(Owner::Usage(id, Purpose::Invite)) = owner {
                self.with(id, now, |usage, core| usage.on_provisional(core, &response, hop, now));
            }
            return;
        }
        let Some(mut sent) = self.core.sent.remove(&client) else {
            if is_invite_success(&response) {
                self.core.late_2xx(&response, hop, now);
            }
            return;
        };
        match sent.owner {
            Owner::Alone(id, series) => {
                if self.core.authorize(&mut sent, &response) {
                    let number = self.next_number(&sent, series);
                    renumber(&mut sent.request, number);
                    self.core.resend(sent, now);
                } else {
                    self.core.fact(Fact::Responded { client: id, response });
                }
            }
            Owner::Subscription(id) => {
                self.on_notified(id, response.status.is_success());
            }
            Owner::Nobody => {
                if self.core.authorize(&mut sent, &response) {
                    let number = self.next_number(&sent, None);
                    renumber(&mut sent.request, number);
                    self.core.resend(sent, now);
                }
            }
            Owner::Usage(id, purpose) if self.usages.contains_key(&id) => {
                self.with(id, now, |usage, core| {
                    usage.on_final(core, client, sent, purpose, response, hop, now);
                });
            }
            Owner::Usage(_, purpose) => {
                if is_invite_success(&response) {
                    // A re-INVITE that outlived its session.
                    self.core.remember_failed(&sent, now);
                    self.core.late_2xx(&response, hop, now);
                }
                if let Purpose::Within(client) = purpose {
                    self.core.fact(Fact::Responded { client, response });
                }
            }
        }
    }

    fn next_number(&mut self, sent: &Sent, series: Option<u64>) -> u32 {
        let used = sent.request.headers.cseq().map_or(0, |cseq| cseq.number);
        match series.and_then(|series| self.series.get_mut(&series)) {
            Some(row) => {
                row.cseq = row.cseq.saturating_add(1);
                row.cseq
            }
            None => used.saturating_add(1),
        }
    }

    fn on_no_answer(&mut self, client: ClientTx, why: NoAnswer, now: Instant) {
        let Some(sent) = self.core.sent.remove(&client) else { return };
        match sent.owner {
            Owner::Alone(id, _) => self.core.fact(Fact::Unanswered { client: id, why }),
            Owner::Nobody => {}
            Owner::Subscription(id) => self.on_notified(id, false),
            Owner::Usage(id, purpose) => {
                if let Purpose::Within(client) = purpose {
                    self.core.fact(Fact::Unanswered { client, why });
                }
                self.with(id, now, |usage, core| {
                    usage.on_no_answer(core, client, &sent, purpose, why, now);
                });
            }
        }
    }
}

fn is_invite_success(response: &Response) -> bool {
    response.status.is_success() && response.headers.cseq().is_some_and(|cseq| cseq.method == Method::Invite)
}
