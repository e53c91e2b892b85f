//! Who is there: desk phones prove their password, and an address that keeps guessing is ignored.

use std::{collections::BTreeMap, net::IpAddr, time::Instant};

use super::settings::{GuardSettings, Passwords};
use crate::sip::{
    digest::{Challenger, Verdict},
    message::{HeaderName, Headers, Request},
};

/// Addresses whose failures are remembered; when full, the one that failed longest ago is forgotten.
const REMEMBERED_ADDRESSES: usize = 10_000;

/// Messages a second that all strangers together may send. A phone's first registration takes two.
const STRANGERS: f64 = 100.0;

/// After silence so many seconds' worth may come at once: a whole house of phones after a power cut.
const BURST_SECONDS: f64 = 10.0;

/// What a request proved.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It comes from this desk phone.
    Phone(String),
    /// Nothing yet: challenge it (401) with these headers.
    Ask(Headers),
    /// The password was wrong: challenge it again.
    Wrong(Headers),
    /// Wrong once too often: it is ignored from now on.
    Banned,
}

#[derive(Debug)]
pub(super) struct Gate {
    challenger: Option<Challenger>,
    realm: String,
    secret: [u8; 32],
    guard: GuardSettings,
    passwords: Passwords,
    failures: BTreeMap<IpAddr, Failures>,
    /// Messages of strangers that may still come, refilled as time passes.
    room: f64,
    filled_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    first: Instant,
    count: u32,
    banned_until: Option<Instant>,
}

impl Gate {
    pub(super) fn new(realm: &str, guard: GuardSettings, passwords: Passwords, secret: [u8; 32]) -> Self {
        Self {
            challenger: None,
            realm: realm.to_owned(),
            secret,
            guard,
            passwords,
            failures: BTreeMap::new(),
            room: 0.0,
            filled_at: None,
        }
    }

    pub(super) fn set_passwords(&mut self, passwords: Passwords) {
        self.passwords = passwords;
    }

    /// Whether a message from an address that we do not know is looked at: not after too many wrong
    /// passwords, and never more than [`STRANGERS`] a second from all strangers together, so that their
    /// noise cannot fill what trunk and phones need.
    pub(super) fn admits(&mut self, address: IpAddr, now: Instant) -> bool {
        if self.failures.get(&address).and_then(|f| f.banned_until).is_some_and(|until| now < until) {
            return false;
        }
        let since =
            self.filled_at.map_or(f64::INFINITY, |at| now.saturating_duration_since(at).as_secs_f64());
        self.filled_at = Some(now);
        self.room = (self.room + since * STRANGERS).min(STRANGERS * BURST_SECONDS);
        if self.room < 1.0 {
            return false;
        }
        self.room -= 1.0;
        true
    }

    /// Asks a request who sent it (RFC 3261 §22.2).
    pub(super) fn ask(&mut self, request: &Request, from: IpAddr, now: Instant) -> Proof {
        let challenger = self.challenger.get_or_insert_with(|| {
            Challenger::new(
                self.realm.clone(),
                self.guard.digest,
                self.secret,
                self.guard.nonce_lifetime,
                now,
            )
        });
        let given: Vec<&str> = request
            .headers
            .all(&HeaderName::Authorization)
            .filter(|value| value.contains(challenger.realm()))
            .collect();
        let Some(authorization) = given.first() else {
            return Proof::Ask(headers(challenger.challenge(now)));
        };
        let passwords = &self.passwords.0;
        let verdict = challenger.verify(
            authorization,
            request.method.as_str(),
            &request.uri.to_string(),
            &request.body,
            |user| passwords.get(user).map(String::as_str),
            now,
        );
        match verdict {
            Verdict::Verified { user } => {
                self.failures.remove(&from);
                Proof::Phone(user)
            }
            Verdict::Stale => Proof::Ask(headers(challenger.challenge_stale(now))),
            Verdict::Wrong => {
                let again = headers(challenger.challenge(now));
                if self.failed(from, now) { Proof::Banned } else { Proof::Wrong(again) }
            }
        }
    }

    /// Counts a wrong password; true when it was one too many.
    fn failed(&mut self, from: IpAddr, now: Instant) -> bool {
        if self.guard.failures == 0 {
            return false;
        }
        if self.failures.len() >= REMEMBERED_ADDRESSES && !self.failures.contains_key(&from) {
            let oldest = self.failures.iter().min_by_key(|(_, f)| f.first).map(|(address, _)| *address);
            oldest.map(|address| self.failures.remove(&address));
        }
        let entry =
            self.failures.entry(from).or_insert(Failures { first: now, count: 0, banned_until: None });
        if now.saturating_duration_since(entry.first) > self.guard.window {
            *entry = Failures { first: now, count: 0, banned_until: None };
        }
        entry.count += 1;
        if entry.count > self.guard.failures {
            entry.banned_until = Some(now + self.guard.ban);
        }
        entry.banned_until.is_some()
    }
}

fn headers(challenges: Vec<String>) -> Headers {
    let mut headers = Headers::new();
    for challenge in challenges {
        headers.push(HeaderName::WwwAuthenticate, challenge);
    }
    headers
}
