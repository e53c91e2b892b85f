//! The edge of the house: phones that register, trunks that must stay up, strangers who may not in.

use super::{
    Asked, Moment, Notice, Output, Switch,
    gate::Proof,
    outgoing,
    registrar::{self, Refused},
    trunk,
};
use crate::{
    call::staffing::{PhoneState, Reach},
    desk::outage::{Edge, OutageChange, Subject},
    sip::{
        hop::Hop,
        message::{Headers, Method, Request, Response, Status},
        ua::{ClientId, ServerId},
        uri::Uri,
    },
};

impl Switch {
    /// A request outside any dialog that is no INVITE.
    pub(super) fn requested(&mut self, server: ServerId, request: &Request, hop: Hop, now: Moment) {
        match request.method {
            Method::Register => self.register_asked(server, request, hop, now),
            Method::Subscribe => self.subscribe_asked(server, request, hop, now),
            Method::Invite
            | Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Options
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Notify
            | Method::Refer
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                // A REFER counts within a call only (`decisions.md` 16); nobody wants the others.
                let status = if self.knows(hop) {
                    Status::DECLINE
                } else {
                    self.stranger(request, hop);
                    Status::FORBIDDEN
                };
                self.respond(server, status, Headers::new(), now);
            }
        }
    }

    fn register_asked(&mut self, server: ServerId, request: &Request, hop: Hop, now: Moment) {
        let phone = match self.gate.ask(request, hop.remote.ip(), now.mono) {
            Proof::Phone(phone) => phone,
            Proof::Ask(headers) => return self.respond(server, Status::UNAUTHORIZED, headers, now),
            Proof::Wrong(headers) => {
                self.stranger(request, hop);
                return self.respond(server, Status::UNAUTHORIZED, headers, now);
            }
            Proof::Banned => {
                self.out.push(Output::Notice(Notice::Banned { remote: hop.remote }));
                return self.respond(server, Status::FORBIDDEN, Headers::new(), now);
            }
        };
        // RFC 3261 §10.3 step 5: the To names what is bound; a phone binds itself and nobody else.
        let named = request.headers.to().and_then(|to| match to.uri {
            Uri::Sip(uri) => uri.user,
            Uri::Tel(_) | Uri::Other(_) => None,
        });
        if named.as_deref() != Some(phone.as_str()) || !self.house.phones.iter().any(|p| p.name == phone) {
            return self.respond(server, Status::FORBIDDEN, Headers::new(), now);
        }
        match self.registrar.register(&phone, request, hop, now) {
            Ok((headers, changed)) => {
                if changed {
                    self.out.push(Output::SaveBindings(self.registrar.bindings(&phone)));
                }
                self.respond(server, Status::OK, headers, now);
            }
            Err(Refused { status, headers }) => self.respond(server, status, headers, now),
        }
    }

    pub(super) fn respond(&mut self, server: ServerId, status: Status, headers: Headers, now: Moment) {
        self.ua.respond(server, status, headers, Vec::new(), now.mono);
    }

    pub(super) fn stranger(&mut self, request: &Request, hop: Hop) {
        let method = request.method.as_str().to_owned();
        self.out.push(Output::Notice(Notice::Stranger { remote: hop.remote, method }));
    }

    /// What the call room must know of every phone.
    pub(super) fn phone_states(&self) -> Vec<PhoneState> {
        let state = |name: &String| PhoneState {
            name: name.clone(),
            reach: self.registrar.reach(name),
            lines_taken: self.calls.values().map(|call| call.lines_of(name)).sum(),
        };
        self.house.phones.iter().map(|phone| state(&phone.name)).collect()
    }

    pub(super) fn is_reachable(&self, phone: &str) -> bool {
        self.registrar.reach(phone) == Reach::Reachable
    }

    /// Notes every phone that was lost or came back since the last look, as an outage.
    pub(super) fn watch_phones(&mut self, now: Moment) {
        for phone in &self.house.phones {
            let reach = self.registrar.reach(&phone.name);
            let reachable = reach == Reach::Reachable;
            // A phone that never registered is not an outage: it may be planned only.
            let known = reachable || reach != (Reach::NotRegistered { since: None });
            if !known || self.reached.get(&phone.name) == Some(&reachable) {
                continue;
            }
            self.reached.insert(phone.name.clone(), reachable);
            let (edge, reason) = match reach {
                Reach::Reachable => (Edge::Ended, "registered"),
                Reach::NotRegistered { .. } => (Edge::Began, "not registered"),
                Reach::Unreachable { .. } => (Edge::Began, "does not answer"),
            };
            let name = phone.name.clone();
            self.out.push(Output::Notice(if reachable {
                Notice::PhoneReachable { phone: name.clone() }
            } else {
                Notice::PhoneLost { phone: name.clone(), reason: reason.to_owned() }
            }));
            self.out.push(Output::Outage(OutageChange {
                subject: Subject::Phone(name),
                at: now.wall.to_utc(),
                edge,
                reason: reason.to_owned(),
            }));
        }
    }

    pub(super) fn edge_deadlines(&mut self, now: Moment) {
        for event in self.registrar.deadline_passed(now) {
            match event {
                registrar::Event::Ask { key, contact, hop } => {
                    let to = outgoing::question(contact, hop, &self.settings.realm);
                    let client = self.ua.request(Method::Options, to, None, now.mono);
                    self.asked.insert(client, Asked::Binding(key));
                }
                registrar::Event::Changed { phone } => {
                    self.out.push(Output::SaveBindings(self.registrar.bindings(&phone)));
                }
            }
        }
        self.end_dead_phones(now);
        for index in 0..self.trunks.len() {
            self.trunk_hears(index, trunk::Event::DeadlinePassed, now);
        }
    }

    /// An answer to a question of ours, or `None` where nobody answered.
    pub(super) fn answered(&mut self, client: ClientId, response: Option<&Response>, now: Moment) {
        match self.asked.remove(&client) {
            Some(Asked::Trunk(index)) => {
                let event = match response {
                    Some(response) => trunk::Event::Answered { response },
                    None => trunk::Event::Unanswered,
                };
                self.trunk_hears(index, event, now);
            }
            Some(Asked::Binding(key)) => {
                // Whatever it says, it is there; 408 and 503 are made on the way by somebody else.
                let alive = response.is_some_and(|r| {
                    r.status != Status::REQUEST_TIMEOUT && r.status != Status::SERVICE_UNAVAILABLE
                });
                self.registrar.answered(key, alive, now);
                self.end_dead_phones(now);
            }
            None => {}
        }
    }

    pub(super) fn trunk_hears(&mut self, index: usize, event: trunk::Event<'_>, now: Moment) {
        let Some(trunk) = self.trunks.get_mut(index) else { return };
        let actions = trunk.on(event, now, &mut self.chance);
        let settings = trunk.settings.clone();
        for action in actions {
            match action {
                trunk::Action::Resolve => self.out.push(Output::Resolve {
                    trunk: settings.name.clone(),
                    servers: settings.servers.clone(),
                    transport: settings.transport,
                }),
                trunk::Action::Register { server, expires } => {
                    let to = outgoing::to_registrar(&settings, server, Some(expires));
                    let series = u64::try_from(index).ok();
                    let client = self.ua.request(Method::Register, to, series, now.mono);
                    self.asked.insert(client, Asked::Trunk(index));
                }
                trunk::Action::Ask { server } => {
                    let to = outgoing::to_registrar(&settings, server, None);
                    let client = self.ua.request(Method::Options, to, None, now.mono);
                    self.asked.insert(client, Asked::Trunk(index));
                }
                trunk::Action::Changed { up, reason } => {
                    let name = settings.name.clone();
                    self.out.push(Output::Outage(OutageChange {
                        subject: Subject::Trunk(name.clone()),
                        at: now.wall.to_utc(),
                        edge: if up { Edge::Ended } else { Edge::Began },
                        reason: reason.clone(),
                    }));
                    self.out.push(Output::Notice(if up {
                        Notice::TrunkUp { trunk: name, reason }
                    } else {
                        Notice::TrunkDown { trunk: name, reason }
                    }));
                }
            }
        }
    }
}
