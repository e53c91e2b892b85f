//! Digest authentication (RFC 7616 and RFC 8760; RFC 2617 and RFC 2069 for older peers): our answer
//! to a peer's challenge, and our own challenges with the check of what comes back. Pure: the time,
//! the secret and the client nonce are arguments. It never decides who may do what.
//!
//! Reading starts at [`answer`] for the client's side and at [`Challenger`] for the server's.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sha2::Digest;

use super::ua::Credentials;

mod fields;
mod sum;

use fields::{Fields, all_fields, escaped, fields, unescaped};
use sum::{Algorithm, Qop, Sum};

/// Why a challenge cannot be answered: the request stays refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotAnswer {
    /// There is no Digest challenge with realm and nonce among them.
    #[error("no digest challenge")]
    NoDigest,
    /// Every Digest challenge asks for an algorithm or a `qop` that we do not know; names one.
    #[error("unknown digest algorithm or qop {0}")]
    Unknown(String),
}

/// The Authorization (or Proxy-Authorization) value for the strongest challenge that we can do.
///
/// `challenges` are the values of all WWW-Authenticate (or Proxy-Authenticate) lines in their order;
/// one line may hold several challenges. `uri` is the Request-URI as it goes out. `nonce_count` is
/// how often this nonce was used, this time included (from 1). `cnonce` is fresh chance from the
/// caller. Algorithms: SHA-512-256, SHA-256, MD5 and their `-sess` forms (RFC 8760 §2.3); `auth` is
/// preferred to `auth-int`; without `qop` the answer is that of RFC 2069.
pub fn answer(
    challenges: &[&str],
    credentials: &Credentials,
    method: &str,
    uri: &str,
    body: &[u8],
    nonce_count: u32,
    cnonce: &str,
) -> Result<String, CannotAnswer> {
    let all = all_fields(challenges);
    let Chosen { algorithm, realm, nonce, qop, challenge } = strongest(&all)?;
    let nc = format!("{nonce_count:08x}");
    let sum = Sum {
        algorithm,
        user: &credentials.user,
        realm,
        password: &credentials.password,
        method,
        uri,
        body,
        nonce,
        cnonce,
    };
    let response = sum.response(qop.map(|qop| (qop.word(), nc.as_str(), qop)));

    let mut value = format!(
        "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\"",
        escaped(&credentials.user),
    );
    // RFC 7616 §3.4: algorithm, qop and nc are not quoted; older servers refuse them quoted.
    if let Some(word) = challenge.get("algorithm") {
        value.push_str(&format!(", algorithm={word}"));
    }
    if let Some(opaque) = challenge.get("opaque") {
        value.push_str(&format!(", opaque=\"{opaque}\""));
    }
    if let Some(qop) = qop {
        value.push_str(&format!(", qop={}, nc={nc}", qop.word()));
    }
    if qop.is_some() || algorithm.session {
        value.push_str(&format!(", cnonce=\"{cnonce}\""));
    }
    Ok(value)
}

/// Whether a challenge says that only the nonce was too old, so that the same password is worth a
/// second try (RFC 7616 §3.3).
pub fn stale(challenges: &[&str]) -> bool {
    all_fields(challenges)
        .iter()
        .any(|c| c.is_digest() && c.get("stale").is_some_and(|v| v.eq_ignore_ascii_case("true")))
}

/// The challenges' nonce, to count its uses: that of the challenge which [`answer`] would take.
pub fn nonce(challenges: &[&str]) -> Option<String> {
    let all = all_fields(challenges);
    strongest(&all).ok().map(|chosen| chosen.nonce.to_owned())
}

/// What an Authorization value is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This user knows the password.
    Verified { user: String },
    /// The password is right, but the nonce is not ours, too old, or was used with this count
    /// before: challenge again with [`Challenger::challenge_stale`].
    Stale,
    /// Not a Digest answer to our realm, an unknown user, or the wrong password: challenge again
    /// with [`Challenger::challenge`], and count it against the source address.
    Wrong,
}

/// How many used nonces are remembered. Each takes 40 bytes; when full, the oldest is forgotten and
/// every nonce as old as it counts as stale, so that no replay gets through. Half as many would ask
/// phones that register every few minutes for their password twice in a house of thousands.
const REMEMBERED_NONCES: usize = 4096;

/// Which algorithms phones are challenged with; no other is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offered {
    /// What every phone knows. Some in the field (baresip 1.0) give up when a second challenge names an
    /// algorithm that they do not know, instead of ignoring it as RFC 8760 §2.4 wants.
    #[default]
    Md5,
    /// MD5, then SHA-256. Departs from RFC 8760 §2.4 (strongest first) because many phones that know MD5
    /// alone read the first challenge only; one that chooses by strength (RFC 7616 §3.7) finds SHA-256.
    Both,
    Sha256,
}

impl Offered {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Md5 => &["MD5"],
            Self::Both => &["MD5", "SHA-256"],
            Self::Sha256 => &["SHA-256"],
        }
    }

    fn takes(self, algorithm: Algorithm) -> bool {
        self.names().iter().any(|name| Algorithm::read(Some(name)) == Some(algorithm))
    }
}

/// Makes challenges and checks what comes back. Nonces verify themselves (a serial number and the
/// time under a keyed hash), so an attacker who collects challenges costs no memory.
#[derive(Clone)]
pub struct Challenger {
    realm: String,
    offered: Offered,
    secret: [u8; 32],
    lifetime: Duration,
    start: Instant,
    next_serial: u64,
    /// Highest nonce count seen per serial number.
    used: BTreeMap<u64, u32>,
    /// Serial numbers below this one are forgotten, hence stale.
    forgotten_below: u64,
}

/// The secret never shows.
impl std::fmt::Debug for Challenger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Challenger({})", self.realm)
    }
}

impl Challenger {
    /// `secret` is fresh chance at each start: nonces of an earlier process are stale. `lifetime` is
    /// how long a nonce is good. `start` is any instant not after the first challenge.
    pub fn new(
        realm: impl Into<String>,
        offered: Offered,
        secret: [u8; 32],
        lifetime: Duration,
        start: Instant,
    ) -> Self {
        Self {
            realm: realm.into(),
            offered,
            secret,
            lifetime,
            start,
            next_serial: 0,
            used: BTreeMap::new(),
            forgotten_below: 0,
        }
    }

    /// The realm that the challenges name.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// WWW-Authenticate values, one for each algorithm that is offered.
    pub fn challenge(&mut self, now: Instant) -> Vec<String> {
        self.challenges(now, "")
    }

    /// The same with `stale=true`: the phone need not ask its user again.
    pub fn challenge_stale(&mut self, now: Instant) -> Vec<String> {
        self.challenges(now, ", stale=true")
    }

    fn challenges(&mut self, now: Instant, suffix: &str) -> Vec<String> {
        let serial = self.next_serial;
        self.next_serial = self.next_serial.wrapping_add(1);
        let nonce = self.nonce(serial, now.saturating_duration_since(self.start));
        let realm = escaped(&self.realm);
        let value = |algorithm| {
            format!(
                "Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}{suffix}"
            )
        };
        self.offered.names().iter().map(value).collect()
    }

    /// What an Authorization value is worth. `password` looks a user up by the exact name.
    ///
    /// `method`, `request_uri` and `body` are the request's. The `uri` parameter need not equal the
    /// Request-URI letter by letter, as phones and gateways write it in other forms, but it must
    /// name the same user or number.
    pub fn verify<'a>(
        &mut self,
        authorization: &str,
        method: &str,
        request_uri: &str,
        body: &[u8],
        password: impl FnOnce(&str) -> Option<&'a str>,
        now: Instant,
    ) -> Verdict {
        let Some(given) = fields(authorization).into_iter().find(Fields::is_digest) else {
            return Verdict::Wrong;
        };
        let (Some(user), Some(realm), Some(nonce), Some(uri), Some(response)) = (
            given.get("username"),
            given.get("realm"),
            given.get("nonce"),
            given.get("uri"),
            given.get("response"),
        ) else {
            return Verdict::Wrong;
        };
        if self.serial_and_age(nonce, now).is_none() {
            // Whoever does not know a nonce of ours has not heard us: its address may be forged, so
            // nothing may be held against it.
            return Verdict::Stale;
        }
        let algorithm = match Algorithm::read(given.get("algorithm")) {
            Some(algorithm) if self.offered.takes(algorithm) => algorithm,
            _ => return Verdict::Wrong,
        };
        if unescaped(realm) != self.realm || !same_target(uri, request_uri) {
            return Verdict::Wrong;
        }
        let user = unescaped(user);
        // An unknown user is computed like a known one, so that the time taken tells nothing.
        let known = password(&user);
        let sum = Sum {
            algorithm,
            user: &user,
            realm,
            password: known.unwrap_or("\u{0}"),
            method,
            uri,
            body,
            nonce,
            cnonce: given.get("cnonce").unwrap_or(""),
        };
        let matches = sum
            .candidates(given.get("qop"), given.get("nc").unwrap_or(""))
            .iter()
            .fold(false, |found, candidate| found | same_in_constant_time(candidate, response));
        if known.is_none() || !matches {
            return Verdict::Wrong;
        }
        // Without qop there is no count: the nonce is then good for one request.
        let count = match given.get("nc").filter(|_| given.get("qop").is_some()) {
            Some(nc) => nonce_count(nc),
            None => Some(1),
        };
        match count {
            Some(count) if self.take(nonce, count, now) => Verdict::Verified { user },
            _ => Verdict::Stale,
        }
    }

    /// Uses up a nonce with that count; `false` if it is not ours, too old, or used before.
    fn take(&mut self, nonce: &str, count: u32, now: Instant) -> bool {
        let Some((serial, age)) = self.serial_and_age(nonce, now) else { return false };
        let highest = self.used.get(&serial).copied().unwrap_or(0);
        if age > self.lifetime || serial < self.forgotten_below || count <= highest {
            return false;
        }
        self.used.insert(serial, count);
        if self.used.len() > REMEMBERED_NONCES
            && let Some((oldest, _)) = self.used.pop_first()
        {
            self.forgotten_below = oldest.saturating_add(1);
        }
        true
    }

    fn nonce(&self, serial: u64, at: Duration) -> String {
        let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        let head = format!("{serial:016x}{millis:016x}");
        let mac = self.keyed(&head);
        head + &mac
    }

    /// Serial number and age of a nonce of ours.
    fn serial_and_age(&self, nonce: &str, now: Instant) -> Option<(u64, Duration)> {
        let (head, mac) = nonce.split_at_checked(32)?;
        if !same_in_constant_time(&self.keyed(head), mac) {
            return None;
        }
        let (serial, millis) = head.split_at_checked(16)?;
        let serial = u64::from_str_radix(serial, 16).ok()?;
        let issued = Duration::from_millis(u64::from_str_radix(millis, 16).ok()?);
        let age = now.saturating_duration_since(self.start).checked_sub(issued)?;
        Some((serial, age))
    }

    /// 128 bits of SHA-256 over secret and text, twice, so that no text can be lengthened.
    fn keyed(&self, text: &str) -> String {
        let inner = sha2::Sha256::new().chain_update(self.secret).chain_update(text).finalize();
        let outer = sha2::Sha256::new().chain_update(self.secret).chain_update(inner).finalize();
        let mut mac = hex::encode(outer);
        mac.truncate(32);
        mac
    }
}

/// A challenge that we can answer.
struct Chosen<'a> {
    algorithm: Algorithm,
    realm: &'a str,
    nonce: &'a str,
    qop: Option<Qop>,
    challenge: &'a Fields,
}

/// The strongest challenge that we can do; the first one among equals.
fn strongest(all: &[Fields]) -> Result<Chosen<'_>, CannotAnswer> {
    let mut best: Option<Chosen<'_>> = None;
    let mut failure = CannotAnswer::NoDigest;
    for challenge in all.iter().filter(|c| c.is_digest()) {
        match choose(challenge) {
            Ok(chosen) if best.as_ref().is_none_or(|b| chosen.algorithm.hash > b.algorithm.hash) => {
                best = Some(chosen);
            }
            Ok(_) | Err(CannotAnswer::NoDigest) => {}
            Err(unknown) => failure = unknown,
        }
    }
    best.ok_or(failure)
}

fn choose(challenge: &Fields) -> Result<Chosen<'_>, CannotAnswer> {
    let (Some(realm), Some(nonce)) = (challenge.get("realm"), challenge.get("nonce")) else {
        return Err(CannotAnswer::NoDigest);
    };
    let word = challenge.get("algorithm");
    let algorithm =
        Algorithm::read(word).ok_or_else(|| CannotAnswer::Unknown(word.unwrap_or("").to_owned()))?;
    let offered = challenge.get("qop").map(str::trim).filter(|words| !words.is_empty());
    let has = |wanted: &str| {
        offered.is_some_and(|words| words.split(',').any(|w| w.trim().eq_ignore_ascii_case(wanted)))
    };
    let qop = match offered {
        None => None,
        Some(_) if has("auth") => Some(Qop::Auth),
        Some(_) if has("auth-int") => Some(Qop::AuthInt),
        Some(words) => return Err(CannotAnswer::Unknown(words.to_owned())),
    };
    Ok(Chosen { algorithm, realm, nonce, qop, challenge })
}

/// `nc` is hexadecimal in either case (RFC 7616 §3.4).
fn nonce_count(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(text, 16).ok()
}

/// Takes the same time wherever the difference lies. Upper-case hexadecimal is taken too.
fn same_in_constant_time(ours: &str, theirs: &str) -> bool {
    if ours.len() != theirs.len() {
        return false;
    }
    let difference =
        ours.bytes().zip(theirs.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b.to_ascii_lowercase()));
    std::hint::black_box(difference) == 0
}

/// Whether both URIs name the same user or number. Host, port and parameters are not compared: the
/// request has reached us, and phones behind gateways write them in many ways. Since a nonce count
/// is good once, nobody gains by it.
fn same_target(uri: &str, request_uri: &str) -> bool {
    target(uri) == target(request_uri)
}

/// The user of a `sip:` or `sips:` URI or the number of a `tel:` URI, unescaped, without parameters.
fn target(uri: &str) -> Vec<u8> {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let user = if scheme.eq_ignore_ascii_case("tel") {
        rest
    } else {
        rest.rsplit_once('@').map_or("", |(user, _)| user)
    };
    let user = user.split([';', ':', '?']).next().unwrap_or("");
    let mut out = Vec::with_capacity(user.len());
    let mut bytes = user.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let escape = (byte == b'%').then(|| Some([ahead.next()?, ahead.next()?])).flatten();
        let mut decoded = [0];
        match escape {
            Some(digits) if hex::decode_to_slice(digits, &mut decoded).is_ok() => {
                out.extend(decoded);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests;
