//! One trunk's life: find its server, register there or ask whether it is there, and never give up.
//! A pure machine; the switch sends what it asks for and tells it what came of it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use rand::{Rng, RngExt};

use super::{
    moment::Moment,
    settings::{Server, TrunkKind, TrunkSettings},
};
use crate::{
    desk::ticket::LocalTime,
    sip::{
        message::{HeaderName, Response, Status},
        uri::Uri,
    },
};

/// What the trunk hears.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// Addresses of its servers, in order of preference; empty where none was found.
    Resolved {
        addresses: Vec<SocketAddr>,
    },
    /// The final answer to its REGISTER or OPTIONS.
    Answered {
        response: &'a Response,
    },
    /// No answer to its REGISTER or OPTIONS.
    Unanswered,
    /// A call over this trunk got no answer at all: look at once whether it is still there.
    Doubted,
    DeadlinePassed,
}

/// What the trunk wants done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Find the addresses of these servers; answered by [`Event::Resolved`].
    Resolve,
    Register {
        server: SocketAddr,
        expires: Duration,
    },
    /// OPTIONS.
    Ask {
        server: SocketAddr,
    },
    /// Its state changed; in words why.
    Changed {
        up: bool,
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// For the next turn, at `deadline`.
    Rest,
    ForAddresses,
    /// For the answer to a REGISTER.
    ForRegistration,
    /// For the answer to an OPTIONS.
    ForAnswer,
}

/// A static trunk that did not answer is asked again after this, or at its interval if that is shorter.
const STATIC_RETRY: Duration = Duration::from_secs(10);

/// One trunk.
#[derive(Debug)]
pub(super) struct Trunk {
    pub(super) settings: TrunkSettings,
    servers: Vec<SocketAddr>,
    /// All servers have failed: their names are looked up again before the next try.
    look_up: bool,
    /// Which server is tried or in use.
    at: usize,
    waiting: Waiting,
    deadline: Option<Instant>,
    /// When the registration must be refreshed; only while registered.
    refresh_at: Option<Instant>,
    /// What the registrar wants at least (423).
    min_expires: Option<Duration>,
    failures: u32,
    up: Option<bool>,
    since: LocalTime,
    reason: String,
}

/// Refresh at this share of the granted time, so that a lost REGISTER can be sent again.
const REFRESH_SHARE: f64 = 0.85;

impl Trunk {
    pub(super) fn new(settings: TrunkSettings, now: Moment) -> Self {
        Self {
            settings,
            servers: Vec::new(),
            look_up: false,
            at: 0,
            waiting: Waiting::Rest,
            deadline: Some(now.mono),
            refresh_at: None,
            min_expires: None,
            failures: 0,
            up: None,
            since: now.wall,
            reason: "starting".to_owned(),
        }
    }

    /// `None` until the first answer or failure.
    pub(super) fn up(&self) -> Option<bool> {
        self.up
    }

    pub(super) fn since(&self) -> LocalTime {
        self.since
    }

    /// In words, what the state rests on.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    /// The server in use; while all have failed, the first, as the one that may be back.
    pub(super) fn server(&self) -> Option<SocketAddr> {
        self.servers.get(self.at).or(self.servers.first()).copied()
    }

    /// Every server, the one in use first.
    pub(super) fn servers(&self) -> impl Iterator<Item = SocketAddr> {
        let first = self.server();
        first.into_iter().chain(self.servers.iter().copied().filter(move |server| Some(*server) != first))
    }

    /// Whether a request from that address comes from this trunk.
    pub(super) fn owns(&self, remote: SocketAddr) -> bool {
        let named = self.settings.sources.iter().any(|source| source.contains(remote));
        // Over a stream the carrier calls from a port of the moment.
        let any_port = self.settings.transport.is_reliable();
        let serves =
            |server: &SocketAddr| server.ip() == remote.ip() && (any_port || server.port() == remote.port());
        named || self.servers.iter().any(serves)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(super) fn on(&mut self, event: Event<'_>, now: Moment, chance: &mut impl Rng) -> Vec<Action> {
        match (self.waiting, event) {
            (Waiting::ForAddresses, Event::Resolved { addresses }) => {
                // A name server that is away takes nothing from what is known.
                if !addresses.is_empty() {
                    self.servers = addresses;
                }
                if self.servers.is_empty() {
                    return self.failed("its server's name has no address".to_owned(), None, now, chance);
                }
                self.look_up = false;
                self.at = 0;
                self.ask(now)
            }
            (Waiting::ForRegistration, Event::Answered { response }) => {
                self.registered(response, now, chance)
            }
            (Waiting::ForAnswer, Event::Answered { response }) => self.seen(response, now, chance),
            (Waiting::ForAnswer, Event::Unanswered) if self.refresh_at.is_some() => {
                // Some carriers ignore OPTIONS; whether we are registered only a REGISTER tells.
                self.refresh_at = None;
                self.turn(now)
            }
            (Waiting::ForRegistration | Waiting::ForAnswer, Event::Unanswered) => {
                self.failed("no answer".to_owned(), None, now, chance)
            }
            (Waiting::Rest, Event::DeadlinePassed) if self.deadline.is_some_and(|at| at <= now.mono) => {
                self.turn(now)
            }
            (Waiting::Rest, Event::Doubted) => {
                self.refresh_at = None;
                self.turn(now)
            }
            // Answers to questions that are no longer open, and doubts while one is open anyway.
            (
                Waiting::Rest,
                Event::Resolved { .. } | Event::Answered { .. } | Event::Unanswered | Event::DeadlinePassed,
            )
            | (Waiting::ForAddresses, Event::Answered { .. } | Event::Unanswered)
            | (Waiting::ForRegistration | Waiting::ForAnswer, Event::Resolved { .. })
            | (
                Waiting::ForAddresses | Waiting::ForRegistration | Waiting::ForAnswer,
                Event::Doubted | Event::DeadlinePassed,
            ) => Vec::new(),
        }
    }

    /// The next question: addresses first, again when all of them have failed, for they may have moved.
    fn turn(&mut self, now: Moment) -> Vec<Action> {
        if self.servers.is_empty() || self.look_up {
            let known: Vec<SocketAddr> = self
                .settings
                .servers
                .iter()
                .filter_map(|server| match server {
                    Server::Address(address) => Some(*address),
                    Server::Name { .. } => None,
                })
                .collect();
            if known.len() < self.settings.servers.len() {
                self.waiting = Waiting::ForAddresses;
                self.deadline = None;
                return vec![Action::Resolve];
            }
            self.servers = known;
        }
        self.ask(now)
    }

    fn ask(&mut self, now: Moment) -> Vec<Action> {
        if self.at >= self.servers.len() {
            self.at = 0;
        }
        let Some(server) = self.server() else { return Vec::new() };
        self.deadline = None;
        match self.settings.kind {
            TrunkKind::Register { expires, .. } if self.refresh_at.is_none_or(|at| at <= now.mono) => {
                self.waiting = Waiting::ForRegistration;
                vec![Action::Register { server, expires: self.min_expires.unwrap_or(expires) }]
            }
            TrunkKind::Register { .. } | TrunkKind::Static if self.settings.qualify.is_some() => {
                self.waiting = Waiting::ForAnswer;
                vec![Action::Ask { server }]
            }
            TrunkKind::Register { .. } | TrunkKind::Static => {
                self.waiting = Waiting::Rest;
                self.changed(true, "not asked".to_owned(), now)
            }
        }
    }

    fn registered(&mut self, response: &Response, now: Moment, chance: &mut impl Rng) -> Vec<Action> {
        let TrunkKind::Register { expires, .. } = self.settings.kind else { return Vec::new() };
        let code = response.status.code();
        if response.status.is_success() {
            let granted = granted(response, &self.settings.number).unwrap_or(expires);
            self.refresh_at = Some(now.mono + granted.mul_f64(REFRESH_SHARE).max(Duration::from_secs(1)));
            return self.well(format!("registered for {} s", granted.as_secs()), now);
        }
        if code == 423
            && let Some(least) =
                response.headers.get(&HeaderName::MinExpires).and_then(|v| v.trim().parse().ok())
            && self.min_expires != Some(Duration::from_secs(least))
        {
            self.min_expires = Some(Duration::from_secs(least));
            return self.ask(now);
        }
        let wait = response.headers.retry_after().map(|seconds| Duration::from_secs(u64::from(seconds)));
        self.failed(format!("{code} to REGISTER"), wait, now, chance)
    }

    /// Any answer shows that somebody is there, but 503 says that nobody serves us.
    fn seen(&mut self, response: &Response, now: Moment, chance: &mut impl Rng) -> Vec<Action> {
        if response.status == Status::SERVICE_UNAVAILABLE {
            return self.failed(
                "503 to OPTIONS".to_owned(),
                response.headers.retry_after().map(|seconds| Duration::from_secs(u64::from(seconds))),
                now,
                chance,
            );
        }
        self.well("answers OPTIONS".to_owned(), now)
    }

    fn well(&mut self, reason: String, now: Moment) -> Vec<Action> {
        self.failures = 0;
        self.waiting = Waiting::Rest;
        let question = self.settings.qualify.map(|interval| now.mono + interval);
        self.deadline = [self.refresh_at, question].into_iter().flatten().min();
        self.changed(true, reason, now)
    }

    /// Waits longer each time, up to the cap, and never gives up. The wait varies by half, so that a
    /// carrier that comes back is not met by all its customers in one second.
    fn failed(
        &mut self,
        reason: String,
        wish: Option<Duration>,
        now: Moment,
        chance: &mut impl Rng,
    ) -> Vec<Action> {
        let (least, most) = match self.settings.kind {
            TrunkKind::Register { retry_min, retry_max, .. } => (retry_min, retry_max),
            TrunkKind::Static => (STATIC_RETRY, self.settings.qualify.unwrap_or(STATIC_RETRY)),
        };
        // Another server of the same trunk is tried at once; waiting starts when all have failed.
        self.at = self.at.saturating_add(1);
        let all_tried = self.at >= self.servers.len();
        let doubled = least.saturating_mul(1 << self.failures.min(16)).min(most);
        let varied = doubled.mul_f64(chance.random_range(0.5..=1.0));
        let own = if all_tried { varied } else { Duration::ZERO };
        let wait = wish.map_or(own, |wish| wish.min(most));
        if all_tried {
            self.failures = self.failures.saturating_add(1);
            self.look_up = self.settings.servers.iter().any(|server| matches!(server, Server::Name { .. }));
        }
        self.refresh_at = None;
        self.waiting = Waiting::Rest;
        self.deadline = Some(now.mono + wait);
        self.changed(false, reason, now)
    }

    fn changed(&mut self, up: bool, reason: String, now: Moment) -> Vec<Action> {
        self.reason = reason;
        if self.up == Some(up) {
            return Vec::new();
        }
        self.up = Some(up);
        self.since = now.wall;
        vec![Action::Changed { up, reason: self.reason.clone() }]
    }
}

/// How long the registrar granted us: our Contact's `expires`, or the Expires header (RFC 3261 §10.2.4).
fn granted(response: &Response, number: &str) -> Option<Duration> {
    let contacts = response.headers.contacts().ok()?;
    let ours = match contacts.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|contact| match &contact.uri {
            Uri::Sip(uri) => uri.user.as_deref() == Some(number),
            Uri::Tel(_) | Uri::Other(_) => false,
        }),
    };
    let of_contact = ours.and_then(|contact| contact.params.value("expires")).and_then(|v| v.parse().ok());
    of_contact
        .or_else(|| response.headers.expires())
        .map(|seconds: u32| Duration::from_secs(u64::from(seconds)))
}
