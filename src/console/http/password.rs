//! Passwords (argon2id) and one-time codes (RFC 6238).

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Shorter ones are refused.
pub const SHORTEST_PASSWORD: usize = 10;

/// Longer ones are refused: hashing must not become the attacker's work for us.
pub const LONGEST_PASSWORD: usize = 256;

/// Seconds that one code is good for (RFC 6238 §4.1).
const STEP_SECONDS: u64 = 30;

/// Codes of the step before and the step after are taken, too: phones' clocks differ (RFC 6238 §5.2).
const STEPS_APART: u64 = 1;

/// Why a password can't be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("a password has at least {SHORTEST_PASSWORD} characters")]
    Short,
    #[error("a password has at most {LONGEST_PASSWORD} bytes")]
    Long,
    #[error("a password is not the user's name")]
    IsName,
}

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane; about 30 ms of one core.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password with that salt. Takes tens of milliseconds: not for the thread of a loop.
///
/// # Errors
/// The password is none that can be set.
pub fn hash(name: &str, password: &str, salt: &[u8; 32]) -> Result<String, Unfit> {
    if password.chars().count() < SHORTEST_PASSWORD {
        return Err(Unfit::Short);
    }
    if password.len() > LONGEST_PASSWORD {
        return Err(Unfit::Long);
    }
    if password.eq_ignore_ascii_case(name) {
        return Err(Unfit::IsName);
    }
    let salt = salt.get(..16).unwrap_or(salt);
    argon2()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(|_| Unfit::Long)
}

/// Whether that is the password. Without a user the same time goes by, so that nobody learns which names
/// there are.
pub fn is_right(password: &str, hash: Option<&str>) -> bool {
    if password.len() > LONGEST_PASSWORD {
        return false;
    }
    let decoy =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(decoy)) else { return false };
    argon2().verify_password(password.as_bytes(), &parsed).is_ok() && hash.is_some()
}

/// The step whose code this is, of those around `seconds` since 1970.
pub fn step_of(code: &str, secret: &[u8], seconds: u64) -> Option<u64> {
    let now = seconds / STEP_SECONDS;
    (now.saturating_sub(STEPS_APART)..=now.saturating_add(STEPS_APART))
        .find(|step| same(code.as_bytes(), self::code(secret, *step).as_bytes()))
}

/// The six digits of a step (RFC 4226 §5.3, RFC 6238 §4.2).
pub fn code(secret: &[u8], step: u64) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else { return String::new() };
    mac.update(&step.to_be_bytes());
    let sum = mac.finalize().into_bytes();
    let offset = usize::from(sum.last().copied().unwrap_or(0) & 0x0f);
    let four = sum.get(offset..offset.saturating_add(4)).unwrap_or_default();
    let number = four.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// What a phone's app scans.
pub fn totp_address(name: &str, secret: &[u8]) -> String {
    let secret = data_encoding::BASE32_NOPAD.encode(secret);
    let name: String = name.bytes().map(percent).collect();
    format!("otpauth://totp/hotlined:{name}?secret={secret}&issuer=hotlined")
}

/// A byte as a URI may hold it (RFC 3986 §2.1).
fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// Compares in a time that does not tell where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1; its codes have eight digits, ours are their last six.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, wanted) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let code = code(secret, seconds / 30);
            assert_eq!(code, wanted[2..], "{seconds}");
            for (later, good) in [(0, true), (30, true), (60, false)] {
                assert_eq!(step_of(&code, secret, seconds + later).is_some(), good, "{seconds} + {later}");
            }
        }
        assert_eq!(step_of("", secret, 59), None);
        assert_eq!(step_of("2870821", secret, 59), None);
    }

    #[test]
    fn a_password_is_known_by_its_hash_only() {
        let kept = hash("li", "correct horse", &[7; 32]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("correct horse", Some(&kept)));
        assert!(!is_right("correct horsf", Some(&kept)));
        assert!(!is_right("correct horse", None));
        assert!(!is_right("correct horse", Some("no hash")));
        assert_ne!(kept, hash("li", "correct horse", &[8; 32]).unwrap(), "the salt has no part in it");
    }

    #[test]
    fn an_unfit_password_is_refused_with_the_reason() {
        assert_eq!(hash("li", "short", &[0; 32]), Err(Unfit::Short));
        assert_eq!(hash("li", &"x".repeat(257), &[0; 32]), Err(Unfit::Long));
        assert_eq!(hash("wangfang123", "WangFang123", &[0; 32]), Err(Unfit::IsName));
    }

    #[test]
    fn the_address_for_the_app_holds_name_and_secret() {
        assert_eq!(
            totp_address("王芳", b"12345678901234567890"),
            "otpauth://totp/hotlined:%E7%8E%8B%E8%8A%B3?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=hotlined"
        );
    }
}
