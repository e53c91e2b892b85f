//! Subscriptions that peers hold with us (RFC 6665, the notifier's side): the dialog that a SUBSCRIBE
//! opened, until when it lasts, and the one NOTIFY that may be under way. It never knows what is
//! notified, nor who may subscribe: that is the switch's.
//!
//! Reading starts at [`crate::sip::ua::UserAgent::subscribe`].

use std::time::{Duration, Instant};

use super::{
    dialog::{Dialog, from_tag},
    hop::{FlowId, Hop},
    message::{HeaderName, Headers, Method, Request, Status},
    transaction::ServerTx,
    ua::core::{Core, Owner},
};

/// The event packages that the switch knows: RFC 4235, RFC 3842, RFC 3515.
pub const EVENTS: [&str; 3] = ["dialog", "message-summary", "refer"];

/// The value of an Allow-Events header.
pub(super) fn allow_events() -> String {
    EVENTS.join(", ")
}

/// One subscription of a peer. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

/// How long subscriptions last. `min ≤ default ≤ max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// A shorter wish than this is answered 423; 0, the end, excepted.
    pub min: Duration,
    /// A longer wish is granted as this.
    pub max: Duration,
    /// Where the peer does not say.
    pub default: Duration,
}

/// A wish for less than [`Lifetime::min`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooBrief;

impl Lifetime {
    /// What is granted for the Expires of a SUBSCRIBE.
    ///
    /// # Errors
    /// The wish is too short (RFC 6665 §4.2.1.1): answer 423 with [`Lifetime::min_expires`].
    pub fn grant(&self, request: &Request) -> Result<Duration, TooBrief> {
        let Some(asked) = request.headers.expires() else { return Ok(self.default) };
        let asked = Duration::from_secs(asked.into());
        if !asked.is_zero() && asked < self.min {
            return Err(TooBrief);
        }
        Ok(asked.min(self.max))
    }

    /// The headers of the 423.
    pub fn min_expires(&self) -> Headers {
        let mut headers = Headers::new();
        headers.push(HeaderName::MinExpires, self.min.as_secs().to_string());
        headers
    }
}

/// What an event's state looks like to its subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDocument {
    /// `application/dialog-info+xml`.
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Subscription {
    dialog: Dialog,
    /// The Event value as the peer gave it, its `id` included (RFC 6665 §4.5.2).
    event: String,
    lifetime: Lifetime,
    pub(super) expires: Instant,
    /// The peer ended it, or its time is up: the next NOTIFY is the last.
    ending: Option<&'static str>,
}

/// What became of a SUBSCRIBE within a subscription.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Answered; nothing has changed.
    Refused,
    /// Its full state is due (RFC 6665 §4.2.1.2).
    Refreshed,
    /// Its last NOTIFY is due.
    Unsubscribed,
}

impl Subscription {
    /// The subscription that a granted SUBSCRIBE opens.
    pub(super) fn opened(
        request: &Request,
        local_tag: &str,
        contact: String,
        hop: Hop,
        lifetime: Lifetime,
        expires: Instant,
    ) -> Self {
        Self {
            dialog: Dialog::opened_by_request(request, local_tag, contact, hop),
            event: request.headers.get(&HeaderName::Event).unwrap_or_default().to_owned(),
            lifetime,
            expires,
            ending: None,
        }
    }

    /// Call-ID and our tag, by which requests find it.
    pub(super) fn name(&self) -> (String, String) {
        (self.dialog.call_id.clone(), self.dialog.local_tag.clone())
    }

    /// A request within its dialog.
    pub(super) fn on_request(
        &mut self,
        core: &mut Core,
        server: ServerTx,
        request: &Request,
        hop: Hop,
        now: Instant,
    ) -> Heard {
        let tag = self.dialog.local_tag.clone();
        let refuse = |core: &mut Core, status, headers| {
            core.respond(server, status, &tag, headers, Vec::new(), now);
            Heard::Refused
        };
        if self.ending.is_some() || self.dialog.remote_tag != from_tag(&request.headers) {
            return refuse(core, Status::CALL_DOES_NOT_EXIST, Headers::new());
        }
        let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
        if self.dialog.count_remote(number).is_err() {
            return refuse(core, Status::SERVER_INTERNAL_ERROR, Headers::new());
        }
        if request.method != Method::Subscribe {
            return refuse(core, Status::CALL_DOES_NOT_EXIST, Headers::new());
        }
        if request.headers.get(&HeaderName::Event) != Some(&self.event) {
            // A second subscription in the same dialog is deprecated (RFC 6665 §4.5.2).
            return refuse(core, Status::FORBIDDEN, Headers::new());
        }
        let Ok(granted) = self.lifetime.grant(request) else {
            return refuse(core, Status::INTERVAL_TOO_BRIEF, self.lifetime.min_expires());
        };
        self.dialog.hop = hop;
        self.dialog.refresh_target(&request.headers);
        self.expires = now + granted;
        let headers = accepted(granted, &self.dialog.contact);
        core.respond(server, Status::OK, &tag, headers, Vec::new(), now);
        if granted.is_zero() {
            self.ending = Some("timeout");
            Heard::Unsubscribed
        } else {
            Heard::Refreshed
        }
    }

    /// The next NOTIFY is the last, for that reason (RFC 6665 §4.1.3).
    pub(super) fn end(&mut self, reason: &'static str) {
        self.ending.get_or_insert(reason);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Sends its state.
    pub(super) fn notify(&mut self, core: &mut Core, id: SubscriptionId, state: StateDocument, now: Instant) {
        let (mut request, hop) = self.dialog.request(Method::Notify, &core.settings.listeners);
        request.headers.push(HeaderName::Contact, self.dialog.contact.as_str());
        request.headers.push(HeaderName::Event, self.event.as_str());
        let left = self.expires.saturating_duration_since(now).as_secs();
        let value = match self.ending {
            Some(reason) => format!("terminated;reason={reason}"),
            None => format!("active;expires={left}"),
        };
        request.headers.push(HeaderName::SubscriptionState, value);
        request.headers.push(HeaderName::AllowEvents, allow_events());
        request.headers.push(HeaderName::ContentType, state.content_type);
        request.body = state.body;
        core.send(request, hop, None, Owner::Subscription(id), now);
    }

    /// A stream connection is gone: the next NOTIFY opens a new one.
    pub(super) fn on_flow_closed(&mut self, flow: FlowId) {
        if self.dialog.hop.flow == Some(flow) {
            self.dialog.hop.flow = None;
        }
    }
}

/// The headers of a 200 to SUBSCRIBE.
pub(super) fn accepted(granted: Duration, contact: &str) -> Headers {
    let mut headers = Headers::new();
    headers.push(HeaderName::Expires, granted.as_secs().to_string());
    headers.push(HeaderName::Contact, contact);
    headers.push(HeaderName::AllowEvents, allow_events());
    headers
}
