//! The chain of proof as a formula: how an entry seals its content, and how a link follows from the one
//! before (`docs/evidence.md`). Pure; the entries themselves are the store's.

use std::{fmt, str::FromStr};

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

/// A SHA-256 (FIPS 180-4).
pub type Hash = [u8; 32];

/// The link before the first entry.
pub const BEGINNING: Hash = [0; 32];

/// First bytes of whatever a link is taken over: the same bytes can then mean nothing else.
const LINK: &[u8] = b"hotlined chain 1";

/// What an entry speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A ticket whose call is over: its columns, legs and timeline.
    Ticket,
    /// Its recording: the verdict, and where there is a file its name and SHA-256.
    Recording,
    /// One line of the access log.
    Access,
    /// Something was erased, in order.
    Certificate,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::Ticket, Self::Recording, Self::Access, Self::Certificate];

    /// The word that stands in the chain; it never changes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Recording => "recording",
            Self::Access => "access",
            Self::Certificate => "certificate",
        }
    }

    /// The kind that has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// SHA-256(salt ‖ content): nobody who lacks the salt can try contents until one fits.
pub fn digest(salt: &[u8], content: &[u8]) -> Hash {
    Sha256::new().chain_update(salt).chain_update(content).finalize().into()
}

/// The link of entry `seq`: SHA-256 over the link before and everything of the entry but its salt.
pub fn link(before: &Hash, seq: i64, at_utc: &str, kind: &str, subject: i64, digest: &[u8]) -> Hash {
    let mut hash = Sha256::new().chain_update(LINK).chain_update(before);
    hash.update(seq.to_be_bytes());
    hash.update(subject.to_be_bytes());
    for part in [at_utc.as_bytes(), kind.as_bytes(), digest] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The end of the chain at one moment, as it is printed, mailed, or kept elsewhere: whoever has it can
/// show later that nothing up to there was cut off or written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    pub at: DateTime<Utc>,
    /// The last entry; 0 where there is none.
    pub seq: i64,
    pub link: Hash,
}

const ANCHOR: &str = "hotlined-anchor";

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        write!(f, "{ANCHOR} {at} {} {}", self.seq, hex::encode(self.link))
    }
}

/// Text that is no anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an anchor looks like `{ANCHOR} 2026-11-23T16:00:00.000Z 1234 9f86…`, 64 hex digits at its end")]
pub struct BadAnchor;

impl FromStr for Anchor {
    type Err = BadAnchor;

    fn from_str(text: &str) -> Result<Self, BadAnchor> {
        let mut words = text.split_whitespace();
        let (Some(ANCHOR), Some(at), Some(seq), Some(link), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err(BadAnchor);
        };
        let at = DateTime::parse_from_rfc3339(at).map_err(|_| BadAnchor)?.to_utc();
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or(BadAnchor)?;
        let mut bytes = BEGINNING;
        hex::decode_to_slice(link, &mut bytes).map_err(|_| BadAnchor)?;
        Ok(Self { at, seq, link: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_entry_is_in_its_link() {
        let digest = digest(b"salt", b"content");
        let of = |seq, at, kind, subject, digest: &[u8]| link(&BEGINNING, seq, at, kind, subject, digest);
        let whole = of(1, "2026", "ticket", 7, &digest);
        let others = [
            of(2, "2026", "ticket", 7, &digest),
            of(1, "2027", "ticket", 7, &digest),
            of(1, "2026", "access", 7, &digest),
            of(1, "2026", "ticket", 8, &digest),
            of(1, "2026", "ticket", 7, &digest[1..]),
            // Parts cannot be moved into each other.
            of(1, "202", "6ticket", 7, &digest),
            link(&whole, 1, "2026", "ticket", 7, &digest),
        ];
        assert!(others.iter().all(|other| *other != whole));
        assert_eq!(of(1, "2026", "ticket", 7, &digest), whole);
    }

    #[test]
    fn an_anchor_is_one_line_and_reads_back() {
        let at = DateTime::parse_from_rfc3339("2026-11-23T16:00:00.000Z").unwrap().to_utc();
        let anchor = Anchor { at, seq: 1234, link: [0xab; 32] };
        let line = anchor.to_string();
        assert_eq!(line, format!("hotlined-anchor 2026-11-23T16:00:00.000Z 1234 {}", "ab".repeat(32)));
        assert_eq!(line.parse(), Ok(anchor));
        assert_eq!(format!("  {line}\n").parse(), Ok(anchor));
        for bad in [
            "",
            "hotlined-anchor",
            &line[..line.len() - 1],
            &line.replace("1234", "-1"),
            &format!("{line} x"),
        ] {
            assert_eq!(bad.parse::<Anchor>(), Err(BadAnchor), "{bad}");
        }
    }
}
