//! The sums of RFC 7616 §3.4.1: what user and password, request and nonces hash to.

use sha2::Digest;

/// Hash functions in order of strength (RFC 7616 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hash {
    Md5,
    Sha256,
    Sha512256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Algorithm {
    pub(super) hash: Hash,
    /// The `-sess` form: HA1 contains both nonces.
    pub(super) session: bool,
}

impl Algorithm {
    /// A missing algorithm is MD5 (RFC 7616 §3.3).
    pub(super) fn read(word: Option<&str>) -> Option<Self> {
        let word = word.unwrap_or("MD5").to_ascii_uppercase();
        let (name, session) = match word.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (word.as_str(), false),
        };
        let hash = match name {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512256,
            _ => return None,
        };
        Some(Self { hash, session })
    }
}

impl Hash {
    /// Lower-case hexadecimal hash of the parts joined by colons.
    pub(super) fn of(self, parts: &[&str]) -> String {
        self.of_bytes(parts.join(":").as_bytes())
    }

    pub(super) fn of_bytes(self, bytes: &[u8]) -> String {
        match self {
            Self::Md5 => hex::encode(md5::Md5::digest(bytes)),
            Self::Sha256 => hex::encode(sha2::Sha256::digest(bytes)),
            Self::Sha512256 => hex::encode(sha2::Sha512_256::digest(bytes)),
        }
    }
}

/// Quality of protection (RFC 7616 §3.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qop {
    Auth,
    /// The body is in the hash too.
    AuthInt,
}

impl Qop {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// Everything that goes into a response (RFC 7616 §3.4.1).
pub(super) struct Sum<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) user: &'a str,
    pub(super) realm: &'a str,
    pub(super) password: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) body: &'a [u8],
    pub(super) nonce: &'a str,
    pub(super) cnonce: &'a str,
}

impl Sum<'_> {
    /// `protection`: the `qop` and `nc` texts as they stand in the header, and what they mean;
    /// `None` is RFC 2069.
    pub(super) fn response(&self, protection: Option<(&str, &str, Qop)>) -> String {
        let hash = self.algorithm.hash;
        let mut ha1 = hash.of(&[self.user, self.realm, self.password]);
        if self.algorithm.session {
            ha1 = hash.of(&[&ha1, self.nonce, self.cnonce]);
        }
        let ha2 = match protection {
            Some((_, _, Qop::AuthInt)) => hash.of(&[self.method, self.uri, &hash.of_bytes(self.body)]),
            Some((_, _, Qop::Auth)) | None => hash.of(&[self.method, self.uri]),
        };
        match protection {
            Some((qop, nc, _)) => hash.of(&[&ha1, self.nonce, nc, self.cnonce, qop, &ha2]),
            None => hash.of(&[&ha1, self.nonce, &ha2]),
        }
    }

    /// Every response that a peer with the right password may mean by its `qop` parameter. Some
    /// echo the whole list of a challenge; what they hashed is then either the list or a word of it.
    pub(super) fn candidates(&self, qop: Option<&str>, nc: &str) -> Vec<String> {
        let Some(text) = qop else { return vec![self.response(None)] };
        let mut found = Vec::new();
        for word in text.split(',').map(str::trim) {
            if word.eq_ignore_ascii_case("auth") {
                found.push(self.response(Some((word, nc, Qop::Auth))));
            } else if word.eq_ignore_ascii_case("auth-int") {
                found.push(self.response(Some((word, nc, Qop::AuthInt))));
            }
        }
        if text.contains(',') {
            found.push(self.response(Some((text, nc, Qop::Auth))));
        }
        found
    }
}
