//! Phones that watch: SUBSCRIBE, its refresh, and the NOTIFYs that come of it.

use bytes::Bytes;
use hotlined::sip::{
    message::{HeaderName, Headers, Message, Method, Request, Response, Status},
    parse,
    uri::Uri,
};

use super::{US, World, play::outgoing};

/// A key of a phone that watches something.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) peer: String,
    event: &'static str,
    user: String,
    /// Its Call-ID and From tag (RFC 3261 §10.2.4 as the user agent keeps them).
    series: u64,
}

impl World {
    /// That phone watches `user`.
    pub(crate) fn watch(&mut self, who: &str, event: &'static str, user: &str, expires: u32) -> Key {
        self.watches += 1;
        let key = Key { peer: who.into(), event, user: user.into(), series: 100 + self.watches };
        self.watch_again(&key, expires, None);
        key
    }

    /// The same subscription again, in the dialog that our last NOTIFY to it named.
    pub(crate) fn refresh(&mut self, key: &Key, expires: u32) {
        let tag =
            self.peer(&key.peer).notified.iter().rev().find(|n| n.event == key.event).map(|n| n.tag.clone());
        self.watch_again(key, expires, tag);
    }

    fn watch_again(&mut self, key: &Key, expires: u32, tag: Option<String>) {
        let peer = self.at(&key.peer);
        let (address, credentials) = (self.peers[peer].address, self.peers[peer].credentials.clone());
        let mut to = outgoing(&key.peer, &key.user, address, credentials);
        to.uri = Uri::parse(&format!("sip:{}@{}", key.user, US.split(':').next().unwrap())).unwrap();
        let mut headers = Headers::new();
        headers.push(HeaderName::Event, key.event);
        headers.push(HeaderName::Expires, expires.to_string());
        to.headers = headers;
        if let Some(tag) = tag {
            to.to = to.to.with_tag(&tag);
        }
        let now = self.now;
        self.peers[peer].ua.request(Method::Subscribe, to, Some(key.series), now);
        self.collect(peer);
    }

    /// A NOTIFY of a subscription is kept and answered; REFER's go to the user agent.
    pub(super) fn takes_notify(&mut self, peer: usize, bytes: &Bytes) -> bool {
        let Ok(Message::Request(request)) = parse::message(bytes) else { return false };
        let event = request.headers.get(&HeaderName::Event).unwrap_or_default();
        if request.method != Method::Notify || event.starts_with("refer") {
            return false;
        }
        let notified = Notified::of(&request);
        self.peers[peer].notified.push(notified);
        let answer = Response::answering(&request, Status::OK);
        self.peer_sends(peer, answer.to_bytes());
        true
    }
}

/// A NOTIFY that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notified {
    pub(crate) event: String,
    pub(crate) state: String,
    pub(crate) body: String,
    tag: String,
}

impl Notified {
    fn of(request: &Request) -> Self {
        let get = |name| request.headers.get(&name).unwrap_or_default().to_owned();
        Self {
            event: get(HeaderName::Event),
            state: get(HeaderName::SubscriptionState),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            tag: request.headers.from().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default(),
        }
    }

    /// What the lamp shows, in a word or two, for the ladder.
    pub(super) fn words(request: &Request) -> String {
        let Self { event, state, body, .. } = Self::of(request);
        let over = if state.starts_with("terminated") { " (the last)" } else { "" };
        let shows = if let Some((_, voice)) = body.split_once("Voice-Message: ") {
            voice.split(' ').next().unwrap_or_default().to_owned()
        } else if body.starts_with("SIP/2.0 ") {
            body.trim_end()["SIP/2.0 ".len()..].to_owned()
        } else {
            let states: Vec<&str> =
                body.split("<state>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
            if states.is_empty() { "dark".to_owned() } else { states.join(" ") }
        };
        let about = body.split("entity=\"sip:").nth(1).and_then(|rest| rest.split('@').next());
        let event = event.split(';').next().unwrap_or_default().to_owned();
        let about = about.map(|user| format!(" {user}")).unwrap_or_default();
        format!("NOTIFY {event}{about}: {shows}{over}")
    }
}
