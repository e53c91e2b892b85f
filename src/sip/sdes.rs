//! The keys of SRTP in SDP: `a=crypto` (RFC 4568), as plain values. Lines that ask for what we do not do
//! (other suites, a key identifier in each packet, unauthenticated or unencrypted streams) are left out, as
//! an answerer may. Keys are never shown: they appear in no `Debug` and no error, and [`super::mask`] takes
//! them out of what is kept.

use data_encoding::{BASE64, BASE64_NOPAD};

/// Cipher and tag (RFC 4568 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    AesCm128HmacSha1_80,
    AesCm128HmacSha1_32,
}

impl Suite {
    /// Both, the stronger tag first.
    pub const ALL: [Self; 2] = [Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32];

    fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }
}

/// A master key of 16 bytes and its salt of 14.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Master(pub [u8; 30]);

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Master(…)")
    }
}

/// One `a=crypto` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crypto {
    /// Answers name the offered line by it.
    pub tag: u32,
    pub suite: Suite,
    pub master: Master,
}

impl Crypto {
    /// Reads the attribute's value: `1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19…|2^20`.
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut words = value.split_whitespace();
        let tag = words.next()?.parse().ok()?;
        let name = words.next()?;
        let suite = Suite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))?;
        let (method, parameters) = words.next()?.split_once(':')?;
        let mut parts = parameters.split('|');
        let key = parts.next()?;
        // `|2^31` is a lifetime; `|1:4` a key identifier (MKI), which would stand in each packet.
        let identified = parts.any(|part| part.contains(':'));
        // Of the session parameters, only the replay window's size may be ignored; `-` marks an optional one.
        let strange = words.any(|word| !word.starts_with("WSH=") && !word.starts_with('-'));
        if !method.eq_ignore_ascii_case("inline") || key.contains(';') || identified || strange {
            return None;
        }
        let bytes = BASE64.decode(key.as_bytes()).or_else(|_| BASE64_NOPAD.decode(key.as_bytes())).ok()?;
        Some(Self { tag, suite, master: Master(bytes.try_into().ok()?) })
    }

    /// The attribute's value.
    pub(super) fn write(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite.name(), BASE64.encode(&self.master.0))
    }
}

/// Our keys for one leg, one for each suite, fresh from the switch's chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OurKeys {
    pub sha1_80: Master,
    pub sha1_32: Master,
}

impl OurKeys {
    /// The lines of our offer.
    pub(super) fn offered(&self) -> [Crypto; 2] {
        let [first, second] = Suite::ALL;
        [self.under(1, first), self.under(2, second)]
    }

    /// Our line for a suite under that tag.
    pub(super) fn under(&self, tag: u32, suite: Suite) -> Crypto {
        let master = match suite {
            Suite::AesCm128HmacSha1_80 => self.sha1_80,
            Suite::AesCm128HmacSha1_32 => self.sha1_32,
        };
        Crypto { tag, suite, master }
    }
}

/// How a leg's voice travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protection {
    /// Plain RTP; keys that a peer offers are ignored.
    #[default]
    Off,
    /// SRTP where the peer takes it: `RTP/AVP` with `a=crypto`, as telephones do.
    Optional(OurKeys),
    /// SRTP or nothing: `RTP/SAVP`.
    Required(OurKeys),
}

/// What both sides agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreedKeys {
    pub suite: Suite,
    /// Under which we send.
    pub ours: Master,
    /// Under which the peer sends.
    pub theirs: Master,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn the_lines_of_real_phones_are_read() {
        for (line, tag, suite) in [
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|"), 1, Suite::AesCm128HmacSha1_80),
            (format!("2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"), 2, Suite::AesCm128HmacSha1_32),
            (format!("3 aes_cm_128_hmac_sha1_80 INLINE:{KEY}|2^31 WSH=64"), 3, Suite::AesCm128HmacSha1_80),
        ] {
            let read = Crypto::read(&line).unwrap();
            assert_eq!((read.tag, read.suite), (tag, suite));
            assert_eq!(read.master.0[..4], *b"YS__");
            assert_eq!(Crypto::read(&read.write()), Some(read));
        }
    }

    #[test]
    fn what_we_do_not_do_is_left_out() {
        for line in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}"),
            format!("1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}"),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA".to_owned(),
            format!("1 AES_CM_128_HMAC_SHA1_80 uri:{KEY}"),
            String::new(),
        ] {
            assert_eq!(Crypto::read(&line), None, "{line}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let line = Crypto::read(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")).unwrap();
        assert_eq!(format!("{line:?}"), "Crypto { tag: 1, suite: AesCm128HmacSha1_80, master: Master(…) }");
    }
}
