//! The user agent as a notifier (RFC 6665): grants subscriptions, sends their state, and forgets them
//! when they expire, are taken back, or their peer is gone.

use std::time::Instant;

use super::{Fact, ServerId, UserAgent, core::Waiting};
use crate::sip::{
    hop::Hop,
    message::{Request, Status},
    subscription::{Heard, Lifetime, StateDocument, Subscription, SubscriptionId, accepted},
    transaction::ServerTx,
};

impl UserAgent {
    /// Grants the SUBSCRIBE of a [`Fact::Requested`]: 200 is sent, and [`UserAgent::notify`] is due at
    /// once (RFC 6665 §4.2.1.2). With Expires 0 that NOTIFY is the only one. `None`: it was answered
    /// already, or its wish was too short and has got its 423.
    pub fn subscribe(
        &mut self,
        server: ServerId,
        request: &Request,
        hop: Hop,
        lifetime: Lifetime,
        now: Instant,
    ) -> Option<SubscriptionId> {
        let Ok(granted) = lifetime.grant(request) else {
            let headers = lifetime.min_expires();
            self.respond(server, Status::INTERVAL_TOO_BRIEF, headers, Vec::new(), now);
            return None;
        };
        let Waiting { server, to_tag, contact } = self.core.waiting.remove(&server)?;
        let contact = contact.unwrap_or_default();
        let headers = accepted(granted, &contact);
        self.core.respond(server, Status::OK, &to_tag, headers, Vec::new(), now);
        let id = SubscriptionId(self.core.next_id());
        let mut subscription = Subscription::opened(request, &to_tag, contact, hop, lifetime, now + granted);
        if granted.is_zero() {
            subscription.end("timeout");
        }
        self.expiries.insert((subscription.expires, id));
        self.subscribed.insert(subscription.name(), id);
        self.subscriptions.insert(id, subscription);
        self.settle(now);
        Some(id)
    }

    /// Sends a subscription's state; answered by [`Fact::Notified`] or [`Fact::SubscriptionOver`]. One
    /// at a time: where the last is not answered yet, this one may overtake it.
    pub fn notify(&mut self, id: SubscriptionId, state: StateDocument, now: Instant) {
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.notify(&mut self.core, id, state, now);
        }
        self.settle(now);
    }

    /// The next [`UserAgent::notify`] is the last: the subscription is over with it.
    /// `reason`: `noresource`, `rejected`, `deactivated` (RFC 6665 §4.1.3).
    pub fn end_subscription(&mut self, id: SubscriptionId, reason: &'static str) {
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.end(reason);
        }
    }

    /// Forgets a subscription without a word: its peer has another in its place.
    pub fn drop_subscription(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.remove(&id) {
            self.expiries.remove(&(subscription.expires, id));
            self.subscribed.remove(&subscription.name());
        }
    }

    /// How many subscriptions live.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    /// A request with that Call-ID and our tag; `false` where no subscription has them.
    pub(super) fn on_subscribed(
        &mut self,
        name: &(String, String),
        server: ServerTx,
        request: &Request,
        hop: Hop,
        now: Instant,
    ) -> bool {
        let Some(id) = self.subscribed.get(name).copied() else { return false };
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return false };
        let before = subscription.expires;
        let heard = subscription.on_request(&mut self.core, server, request, hop, now);
        self.expiries.remove(&(before, id));
        self.expiries.insert((subscription.expires, id));
        match heard {
            Heard::Refused => {}
            Heard::Refreshed | Heard::Unsubscribed => {
                self.core.fact(Fact::Resubscribed { subscription: id });
            }
        }
        true
    }

    /// Its NOTIFY was answered with a 2xx, or (`false`) not: a peer that does not know of the
    /// subscription, or does not answer, has none (RFC 6665 §4.2.2).
    pub(super) fn on_notified(&mut self, id: SubscriptionId, taken: bool) {
        let Some(subscription) = self.subscriptions.get(&id) else { return };
        if taken && !subscription.is_ending() {
            return self.core.fact(Fact::Notified { subscription: id });
        }
        self.drop_subscription(id);
        self.core.fact(Fact::SubscriptionOver { subscription: id });
    }

    /// Subscriptions whose time is up get their last state.
    pub(super) fn expire_subscriptions(&mut self, now: Instant) {
        while let Some((at, id)) = self.expiries.first().copied() {
            if at > now {
                break;
            }
            self.expiries.pop_first();
            if let Some(subscription) = self.subscriptions.get_mut(&id)
                && !subscription.is_ending()
            {
                subscription.end("timeout");
                self.core.fact(Fact::Resubscribed { subscription: id });
            }
        }
    }

    /// When the next subscription ends.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }
}
