//! The registrar (RFC 3261 §10): which desk phone can be reached where, and whether it still answers.
//! Who may register is the gate's business; what to ring is the call's.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use super::{
    moment::Moment,
    settings::{QualifySettings, RegistrarSettings},
};
use crate::{
    call::staffing::Reach,
    desk::ticket::LocalTime,
    sip::{
        hop::{FlowId, Hop},
        message::{HeaderName, Headers, Request, Status},
        uri::Uri,
    },
};

/// One contact of a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub contact: Uri,
    /// `+sip.instance` (RFC 5626): a phone that comes back with a new address replaces itself.
    pub instance: Option<String>,
    /// Where it registered from; requests go there, through whatever NAT lies between.
    pub hop: Hop,
    pub call_id: String,
    pub cseq: u32,
    pub expires_at: DateTime<Utc>,
    pub user_agent: Option<String>,
}

/// One phone's bindings, whole: the store replaces what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingChange {
    pub phone: String,
    pub bindings: Vec<Binding>,
}

#[derive(Debug)]
struct Held {
    binding: Binding,
    expires: Instant,
    /// When it is asked by OPTIONS next; `None` while a question is open.
    ask: Option<Instant>,
    /// An open question counts as not answered from here on.
    due: Option<Instant>,
    /// It does not answer, or its connection is gone.
    silent_since: Option<LocalTime>,
    key: u64,
}

#[derive(Debug, Default)]
struct PhoneEntry {
    held: Vec<Held>,
    /// When the last binding went; `None` where there never was one.
    gone_since: Option<LocalTime>,
}

/// The name of one binding while it lives; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct BindingKey(u64);

/// What became of the bindings without a REGISTER.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Ask this contact by OPTIONS.
    Ask { key: BindingKey, contact: Uri, hop: Hop },
    /// The phone's bindings changed and must be saved.
    Changed { phone: String },
}

/// All bindings of all phones.
#[derive(Debug)]
pub(super) struct Registrar {
    settings: RegistrarSettings,
    qualify: QualifySettings,
    phones: BTreeMap<String, PhoneEntry>,
    next_key: u64,
}

/// A REGISTER that changed nothing, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: Status,
    pub(super) headers: Headers,
}

impl Registrar {
    pub(super) fn new(settings: RegistrarSettings, qualify: QualifySettings) -> Self {
        Self { settings, qualify, phones: BTreeMap::new(), next_key: 0 }
    }

    /// Takes back what the store kept over a restart. A binding over a stream counts as silent until
    /// its connection is back (`decisions.md` 18); one over UDP is asked at once.
    pub(super) fn restore(&mut self, change: BindingChange, now: Moment) {
        for binding in change.bindings {
            if binding.expires_at <= now.wall {
                continue;
            }
            let streamed = binding.hop.transport.is_reliable();
            let mut held = self.hold(binding, now);
            held.binding.hop.flow = None;
            held.silent_since = streamed.then_some(now.wall);
            held.ask = held.ask.filter(|_| !streamed).map(|_| now.mono);
            self.phones.entry(change.phone.clone()).or_default().held.push(held);
        }
    }

    /// Answers a REGISTER of a phone that has proven who it is (RFC 3261 §10.3): the headers of the
    /// 200, and whether bindings changed.
    pub(super) fn register(
        &mut self,
        phone: &str,
        request: &Request,
        hop: Hop,
        now: Moment,
    ) -> Result<(Headers, bool), Refused> {
        let refused = |status| Refused { status, headers: Headers::new() };
        let contacts = request.headers.contacts().map_err(|_| refused(Status::BAD_REQUEST))?;
        let call_id = request.headers.call_id().ok_or_else(|| refused(Status::BAD_REQUEST))?.to_owned();
        let cseq = request.headers.cseq().ok_or_else(|| refused(Status::BAD_REQUEST))?.number;
        let header_expires = request.headers.expires();
        let star = request.headers.contact_is_star();

        let mut changed = false;
        if star {
            if header_expires != Some(0) || request.headers.all(&HeaderName::Contact).count() != 1 {
                return Err(refused(Status::BAD_REQUEST));
            }
            let entry = self.phones.entry(phone.to_owned()).or_default();
            if entry.held.iter().any(|held| held.is_newer(&call_id, cseq)) {
                return Err(refused(Status::SERVER_INTERNAL_ERROR));
            }
            changed = !entry.held.is_empty();
            entry.held.clear();
            entry.gone_since = Some(now.wall);
        } else {
            let mut wanted = Vec::new();
            for contact in &contacts {
                let own = contact.params.value("expires").map(|value| value.parse().unwrap_or(u32::MAX));
                let asked = own.or(header_expires).map(|seconds| Duration::from_secs(u64::from(seconds)));
                let granted = asked.unwrap_or(self.settings.default_expires).min(self.settings.max_expires);
                if !granted.is_zero() && granted < self.settings.min_expires {
                    let mut headers = Headers::new();
                    headers.push(HeaderName::MinExpires, self.settings.min_expires.as_secs().to_string());
                    return Err(Refused { status: Status::INTERVAL_TOO_BRIEF, headers });
                }
                wanted.push((contact, granted));
            }
            let entry = self.phones.entry(phone.to_owned()).or_default();
            let older = |contact: &Uri| {
                entry.held.iter().any(|h| h.binding.contact == *contact && h.is_newer(&call_id, cseq))
            };
            if wanted.iter().any(|(contact, _)| older(&contact.uri)) {
                return Err(refused(Status::SERVER_INTERNAL_ERROR));
            }
            for (contact, granted) in wanted {
                changed = true;
                let instance = contact.params.value("+sip.instance").map(str::to_owned);
                let binding = Binding {
                    contact: contact.uri.clone(),
                    instance,
                    hop,
                    call_id: call_id.clone(),
                    cseq,
                    expires_at: now.wall.to_utc() + granted,
                    user_agent: request.headers.get(&HeaderName::UserAgent).map(str::to_owned),
                };
                self.bind(phone, binding, granted, now);
            }
        }
        Ok((self.contact_headers(phone, now), changed))
    }

    fn bind(&mut self, phone: &str, binding: Binding, granted: Duration, now: Moment) {
        let fresh = self.hold(binding, now);
        let limit = self.settings.max_bindings.max(1);
        let entry = self.phones.entry(phone.to_owned()).or_default();
        entry.held.retain(|held| !held.binding.is_replaced_by(&fresh.binding));
        if granted.is_zero() {
            if entry.held.is_empty() {
                entry.gone_since = Some(now.wall);
            }
            return;
        }
        if entry.held.len() >= limit {
            entry.held.remove(0);
        }
        entry.held.push(fresh);
    }

    fn hold(&mut self, binding: Binding, now: Moment) -> Held {
        self.next_key += 1;
        let expires = now.instant_of(binding.expires_at);
        let ask = self.qualify.interval.map(|interval| now.mono + interval);
        Held { binding, expires, ask, due: None, silent_since: None, key: self.next_key }
    }

    fn contact_headers(&self, phone: &str, now: Moment) -> Headers {
        let mut headers = Headers::new();
        for held in self.phones.get(phone).map_or(&[][..], |entry| &entry.held) {
            let left = held.expires.saturating_duration_since(now.mono).as_secs();
            headers.push(HeaderName::Contact, format!("<{}>;expires={left}", held.binding.contact));
        }
        headers.push(HeaderName::Date, now.wall.to_utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        headers
    }

    /// Where the phone can be rung: its contacts that answer.
    pub(super) fn targets(&self, phone: &str) -> Vec<(Uri, Hop)> {
        let held = self.phones.get(phone).map_or(&[][..], |entry| &entry.held);
        held.iter()
            .filter(|held| held.silent_since.is_none())
            .map(|held| (held.binding.contact.clone(), held.binding.hop))
            .collect()
    }

    /// Whether any phone is registered from that address.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.phones.values().flat_map(|entry| &entry.held).any(|held| held.binding.hop.remote.ip() == address)
    }

    /// Whether the phone can be reached, and since when it cannot.
    pub(super) fn reach(&self, phone: &str) -> Reach {
        let Some(entry) = self.phones.get(phone) else { return Reach::NotRegistered { since: None } };
        if entry.held.is_empty() {
            return Reach::NotRegistered { since: entry.gone_since };
        }
        let silent: Option<Vec<LocalTime>> = entry.held.iter().map(|held| held.silent_since).collect();
        match silent.and_then(|since| since.into_iter().max()) {
            Some(since) => Reach::Unreachable { since },
            None => Reach::Reachable,
        }
    }

    /// The phone's bindings as the store keeps them.
    pub(super) fn bindings(&self, phone: &str) -> BindingChange {
        let held = self.phones.get(phone).map_or(&[][..], |entry| &entry.held);
        BindingChange {
            phone: phone.to_owned(),
            bindings: held.iter().map(|held| held.binding.clone()).collect(),
        }
    }

    /// The contact answered OPTIONS, or did not.
    pub(super) fn answered(&mut self, key: BindingKey, alive: bool, now: Moment) {
        let qualify = self.qualify;
        for held in self.phones.values_mut().flat_map(|entry| &mut entry.held) {
            if held.key == key.0 {
                held.due = None;
                held.ask = qualify.interval.map(|interval| now.mono + interval);
                held.silent_since = if alive { None } else { held.silent_since.or(Some(now.wall)) };
            }
        }
    }

    /// A call to that contact got no answer at all: ask it at once.
    pub(super) fn doubted(&mut self, hop: Hop, now: Moment) {
        for held in self.phones.values_mut().flat_map(|entry| &mut entry.held) {
            if held.binding.hop == hop && held.ask.is_some() {
                held.ask = Some(now.mono);
            }
        }
    }

    /// A stream connection is gone: what was bound over it can't be reached until it registers again.
    pub(super) fn flow_closed(&mut self, flow: FlowId, now: Moment) {
        for held in self.phones.values_mut().flat_map(|entry| &mut entry.held) {
            if held.binding.hop.flow == Some(flow) {
                held.silent_since = held.silent_since.or(Some(now.wall));
                held.ask = None;
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let held = self.phones.values().flat_map(|entry| &entry.held);
        held.flat_map(|held| [Some(held.expires), held.ask, held.due]).flatten().min()
    }

    pub(super) fn deadline_passed(&mut self, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        for (phone, entry) in &mut self.phones {
            let before = entry.held.len();
            entry.held.retain(|held| held.expires > now.mono);
            if entry.held.len() != before {
                if entry.held.is_empty() {
                    entry.gone_since = Some(now.wall);
                }
                events.push(Event::Changed { phone: phone.clone() });
            }
            for held in &mut entry.held {
                if held.due.is_some_and(|at| at <= now.mono) {
                    held.due = None;
                    held.silent_since = held.silent_since.or(Some(now.wall));
                }
                if held.ask.is_some_and(|at| at <= now.mono) {
                    held.ask = None;
                    held.due = Some(now.mono + self.qualify.timeout);
                    events.push(Event::Ask {
                        key: BindingKey(held.key),
                        contact: held.binding.contact.clone(),
                        hop: held.binding.hop,
                    });
                }
            }
        }
        events
    }
}

impl Held {
    /// A REGISTER of the same phone process that overtook this one (RFC 3261 §10.3 step 7).
    fn is_newer(&self, call_id: &str, cseq: u32) -> bool {
        self.binding.call_id == call_id && self.binding.cseq >= cseq
    }
}

impl Binding {
    /// The same contact, or the same phone under another one.
    fn is_replaced_by(&self, fresh: &Binding) -> bool {
        let same_contact = match (&self.contact, &fresh.contact) {
            (Uri::Sip(ours), Uri::Sip(theirs)) => ours.matches(theirs),
            (ours, theirs) => ours == theirs,
        };
        same_contact || (self.instance.is_some() && self.instance == fresh.instance)
    }
}
