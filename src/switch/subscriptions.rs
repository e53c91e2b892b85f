//! Lamps on desk phones: which keys are watched (RFC 4235 dialog-info, RFC 3842 message-summary), what
//! they show, and when they must hear of a change. Only phones of the house may subscribe, each to so
//! many things at most. Subscriptions do not outlive the daemon: a phone whose refresh finds none
//! subscribes anew (RFC 6665 §4.1.2.3).
//!
//! Reading starts at [`Switch::subscribe_asked`]; [`Switch::show_lamps`] runs at the end of a turn.

use std::collections::BTreeMap;

use super::{Moment, Output, Switch, gate::Proof, incoming::number_of, settings::SubscriptionSettings};
use crate::{
    call::plan::Target,
    sip::{
        dialog_info::{self, DialogState, Role, WatchedDialog},
        hop::Hop,
        message::{HeaderName, Headers, Request, Status},
        message_summary::{self, Mailbox},
        subscription::{EVENTS, StateDocument, SubscriptionId},
        ua::ServerId,
    },
};

/// All subscriptions of all phones.
#[derive(Debug)]
pub(super) struct Subscriptions {
    settings: SubscriptionSettings,
    held: BTreeMap<SubscriptionId, Watch>,
    mailbox: Mailbox,
    /// Something may have changed since the lamps were last looked at.
    stale: bool,
}

/// One key of one phone.
#[derive(Debug)]
struct Watch {
    /// Who watches.
    phone: String,
    /// Its Contact: a phone that was switched off and on comes back with the same one.
    contact: String,
    what: Watched,
    /// Of the next document (RFC 4235 §3.1).
    version: u32,
    /// What the phone has been told last.
    shown: Option<Shown>,
    /// A NOTIFY is under way.
    busy: bool,
}

/// What a key watches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Watched {
    /// Another phone.
    Phone(String),
    /// Whether the hotline goes to the mobiles.
    Away,
    /// The messages that callers left.
    Messages,
}

/// What a key shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Dialogs(Vec<WatchedDialog>),
    Messages(Mailbox),
}

impl Subscriptions {
    pub(super) fn new(settings: SubscriptionSettings) -> Self {
        Self { settings, held: BTreeMap::new(), mailbox: Mailbox::default(), stale: false }
    }

    /// A lamp may have to change.
    pub(super) fn touch(&mut self) {
        self.stale = true;
    }

    /// How many messages lie in the mailbox.
    pub(super) fn set_mailbox(&mut self, mailbox: Mailbox) {
        self.stale |= self.mailbox != mailbox;
        self.mailbox = mailbox;
    }
}

impl Switch {
    /// A SUBSCRIBE outside any dialog.
    pub(super) fn subscribe_asked(&mut self, server: ServerId, request: &Request, hop: Hop, now: Moment) {
        let phone = match self.gate.ask(request, hop.remote.ip(), now.mono) {
            Proof::Phone(phone) if self.house.phones.iter().any(|p| p.name == phone) => phone,
            Proof::Phone(_) => return self.respond(server, Status::FORBIDDEN, Headers::new(), now),
            Proof::Ask(headers) => return self.respond(server, Status::UNAUTHORIZED, headers, now),
            Proof::Wrong(headers) => {
                self.stranger(request, hop);
                return self.respond(server, Status::UNAUTHORIZED, headers, now);
            }
            Proof::Banned => {
                self.out.push(Output::Notice(super::Notice::Banned { remote: hop.remote }));
                return self.respond(server, Status::FORBIDDEN, Headers::new(), now);
            }
        };
        let what = match self.watched(request) {
            Ok(what) => what,
            Err((status, headers)) => return self.respond(server, status, headers, now),
        };
        let contact = request.headers.get(&HeaderName::Contact).unwrap_or_default().to_owned();
        let before: Vec<SubscriptionId> = self
            .lamps
            .held
            .iter()
            .filter(|(_, watch)| watch.phone == phone && watch.what == what && watch.contact == contact)
            .map(|(id, _)| *id)
            .collect();
        for id in before {
            self.lamps.held.remove(&id);
            self.ua.drop_subscription(id);
        }
        let has = self.lamps.held.values().filter(|watch| watch.phone == phone).count();
        if has >= self.lamps.settings.per_phone {
            let mut headers = Headers::new();
            headers.push(HeaderName::RetryAfter, "3600");
            return self.respond(server, Status::SERVICE_UNAVAILABLE, headers, now);
        }
        let lifetime = self.lamps.settings.lifetime;
        let Some(id) = self.ua.subscribe(server, request, hop, lifetime, now.mono) else { return };
        let watch = Watch { phone, contact, what, version: 0, shown: None, busy: false };
        self.lamps.held.insert(id, watch);
        self.show(id, now);
    }

    /// What a SUBSCRIBE wants to watch, or how to refuse it.
    fn watched(&self, request: &Request) -> Result<Watched, (Status, Headers)> {
        let event = request.headers.get(&HeaderName::Event).unwrap_or_default();
        let event = event.split(';').next().unwrap_or_default().trim();
        let user = number_of(&request.uri).unwrap_or_default();
        let is_phone = self.house.phones.iter().any(|phone| phone.name == user);
        let (what, accepted) = if event.eq_ignore_ascii_case("dialog") {
            let what = if is_phone {
                Some(Watched::Phone(user))
            } else {
                (user == self.house.away.key).then_some(Watched::Away)
            };
            (what, dialog_info::CONTENT_TYPE)
        } else if event.eq_ignore_ascii_case("message-summary") {
            // Every phone shows the one mailbox of the desk, by its own name or the hotline's.
            let known = is_phone || self.is_hotline(&user);
            (known.then_some(Watched::Messages), message_summary::CONTENT_TYPE)
        } else {
            // RFC 6665 §4.2.1.1.
            let mut headers = Headers::new();
            headers.push(HeaderName::AllowEvents, EVENTS.join(", "));
            return Err((Status::BAD_EVENT, headers));
        };
        if !accepts(request, accepted) {
            return Err((Status::NOT_ACCEPTABLE, Headers::new()));
        }
        what.ok_or((Status::NOT_FOUND, Headers::new()))
    }

    /// It was refreshed or is about to end: its whole state goes out again.
    pub(super) fn resubscribed(&mut self, id: SubscriptionId, now: Moment) {
        self.show(id, now);
    }

    /// The phone has got its state: whatever changed meanwhile may follow.
    pub(super) fn notified(&mut self, id: SubscriptionId) {
        if let Some(watch) = self.lamps.held.get_mut(&id) {
            watch.busy = false;
            self.lamps.stale = true;
        }
    }

    pub(super) fn subscription_over(&mut self, id: SubscriptionId) {
        self.lamps.held.remove(&id);
    }

    /// Tells every phone whose lamp is not what it should be.
    pub(super) fn show_lamps(&mut self, now: Moment) {
        if !std::mem::take(&mut self.lamps.stale) {
            return;
        }
        let idle: Vec<SubscriptionId> =
            self.lamps.held.iter().filter(|(_, watch)| !watch.busy).map(|(id, _)| *id).collect();
        for id in idle {
            let Some(watch) = self.lamps.held.get(&id) else { continue };
            if watch.shown.as_ref() != Some(&self.picture(&watch.what, now)) {
                self.show(id, now);
            }
        }
    }

    fn show(&mut self, id: SubscriptionId, now: Moment) {
        let Some(watch) = self.lamps.held.get(&id) else { return };
        let picture = self.picture(&watch.what, now);
        let document = self.document(watch, &picture);
        if let Some(watch) = self.lamps.held.get_mut(&id) {
            watch.version = watch.version.saturating_add(1);
            watch.shown = Some(picture);
            watch.busy = true;
        }
        self.ua.notify(id, document, now.mono);
    }

    fn document(&self, watch: &Watch, picture: &Shown) -> StateDocument {
        let uri = |user: &str| format!("sip:{user}@{}", self.settings.realm);
        match (picture, &watch.what) {
            (Shown::Dialogs(dialogs), Watched::Phone(name)) => {
                dialog_info::document(watch.version, &uri(name), dialogs)
            }
            (Shown::Dialogs(dialogs), Watched::Away | Watched::Messages) => {
                dialog_info::document(watch.version, &uri(&self.house.away.key), dialogs)
            }
            (Shown::Messages(mailbox), _) => {
                let account = self.house.hotlines.first().map_or(watch.phone.as_str(), String::as_str);
                message_summary::document(&uri(account), *mailbox)
            }
        }
    }

    /// What a key must show now.
    fn picture(&self, what: &Watched, now: Moment) -> Shown {
        match what {
            Watched::Phone(name) => Shown::Dialogs(self.dialogs_of(name)),
            Watched::Away => {
                let lit = self.is_away(now).then(|| WatchedDialog {
                    id: "away".to_owned(),
                    state: DialogState::Confirmed,
                    role: Role::Recipient,
                    name: None,
                    remote: None,
                });
                Shown::Dialogs(lit.into_iter().collect())
            }
            Watched::Messages => Shown::Messages(self.lamps.mailbox),
        }
    }

    /// The dialogs of a phone, as it sees them.
    fn dialogs_of(&self, phone: &str) -> Vec<WatchedDialog> {
        let remote = |user: &str| Some(format!("sip:{user}@{}", self.settings.realm));
        let mut dialogs = Vec::new();
        for (ticket, call) in &self.calls {
            let caller = &call.caller;
            if caller.phone.as_deref() == Some(phone) && !caller.over {
                let rings = call.legs.values().any(|leg| leg.rang);
                let state = match (call.joined, rings) {
                    (Some(_), _) => DialogState::Confirmed,
                    (None, true) => DialogState::Early,
                    (None, false) => DialogState::Trying,
                };
                dialogs.push(WatchedDialog {
                    id: format!("{ticket}-0"),
                    state,
                    role: Role::Initiator,
                    name: self.ua.dialog_name(caller.usage),
                    remote: remote(&call.dialled),
                });
            }
            for (index, leg) in &call.legs {
                let is_theirs = matches!(&leg.target, Target::Phone(name) if name == phone);
                let state = match (leg.chosen, leg.rang) {
                    (Some(_), _) => DialogState::Confirmed,
                    (None, true) => DialogState::Early,
                    (None, false) => continue,
                };
                let branch = leg.branches.iter().find(|branch| !branch.over).map(|branch| branch.usage);
                let Some(usage) = branch.filter(|_| is_theirs) else { continue };
                let number = caller.caller.number.as_ref().map_or("anonymous", |n| n.reveal().as_str());
                dialogs.push(WatchedDialog {
                    id: format!("{ticket}-{}", index.0),
                    state,
                    role: Role::Recipient,
                    name: self.ua.dialog_name(usage),
                    remote: remote(number),
                });
            }
        }
        dialogs
    }
}

/// Whether the subscriber can read such a document; without Accept it can (RFC 6665 §3.1.3).
fn accepts(request: &Request, content_type: &str) -> bool {
    let mut accepted = request.headers.tokens(&HeaderName::Accept).peekable();
    let fits = |range: &str| {
        let range = range.split(';').next().unwrap_or_default().trim();
        range.eq_ignore_ascii_case(content_type)
            || range == "*/*"
            || range.eq_ignore_ascii_case("application/*")
    };
    accepted.peek().is_none() || accepted.any(fits)
}
