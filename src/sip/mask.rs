//! A message as it may be kept: what proves a password, opens an encrypted stream or was pressed on a key is
//! covered with stars of the same length. Works on text that need not be a well-formed message, since a
//! trace is wanted most for those that are not.

use super::message::HeaderName;

/// A message's text with its secrets covered: Authorization and Proxy-Authorization (also folded lines),
/// `a=crypto` and `k=` of SDP (RFC 4568), and the key of a SIP INFO. The length stays, so Content-Length fits.
pub fn masked(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut kept = String::with_capacity(text.len());
    let mut part = Part::Headers { covers: false };
    let mut is_dtmf = false;
    for line in text.split_inclusive('\n') {
        let plain = line.trim_end_matches(['\r', '\n']);
        match part {
            Part::Headers { .. } if plain.is_empty() && !kept.is_empty() => {
                part = Part::Body;
                kept.push_str(line);
            }
            Part::Headers { covers } => {
                let folded = plain.starts_with([' ', '\t']);
                let secret = if folded { covers } else { proves_a_password(plain) };
                is_dtmf |= speaks_of_keys(plain);
                part = Part::Headers { covers: secret };
                match plain.split_once(':').filter(|_| secret && !folded) {
                    Some((name, value)) => {
                        kept.push_str(name);
                        kept.push(':');
                        cover(value, &mut kept);
                    }
                    None if secret => cover(plain, &mut kept),
                    None => kept.push_str(plain),
                }
                kept.push_str(line.get(plain.len()..).unwrap_or_default());
            }
            Part::Body => {
                let open = open_length(plain, is_dtmf);
                let (start, secret) = plain.split_at_checked(open).unwrap_or((plain, ""));
                kept.push_str(start);
                cover(secret, &mut kept);
                kept.push_str(line.get(plain.len()..).unwrap_or_default());
            }
        }
    }
    kept
}

/// The Call-ID of a message, without reading the rest of it.
pub fn call_id(bytes: &[u8]) -> Option<&str> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (HeaderName::parse(name.trim()) == HeaderName::CallId).then(|| value.trim())
    })
}

/// Whether it is an INVITE: what begins a dialog of a call.
pub fn is_invite(bytes: &[u8]) -> bool {
    bytes.starts_with(b"INVITE ")
}

/// In which part of a message a line is.
enum Part {
    Headers {
        /// A folded line belongs to a header that is covered.
        covers: bool,
    },
    Body,
}

fn proves_a_password(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim();
    ["authorization", "proxy-authorization", "authentication-info"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn speaks_of_keys(line: &str) -> bool {
    let Some((name, value)) = line.split_once(':') else { return false };
    HeaderName::parse(name.trim()) == HeaderName::ContentType
        && value.trim().to_ascii_lowercase().starts_with("application/dtmf")
}

/// How much of a body's line may be read.
fn open_length(line: &str, is_dtmf: bool) -> usize {
    let after = |mark: &str| line.find(mark).map(|at| at + mark.len());
    if line.starts_with("a=crypto:") {
        return after("inline:").unwrap_or("a=crypto:".len());
    }
    if line.starts_with("k=") {
        return 2;
    }
    if is_dtmf {
        return if line.starts_with("Duration") { line.len() } else { after("=").unwrap_or(0) };
    }
    line.len()
}

fn cover(secret: &str, kept: &mut String) {
    kept.extend(std::iter::repeat_n('*', secret.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_a_password_is_covered_and_its_length_stays() {
        let message = "REGISTER sip:hotlined SIP/2.0\r\nCall-ID: 7@phone\r\n\
             AUTHORIZATION: Digest username=\"801\",\r\n  response=\"0123456789abcdef\"\r\n\
             Content-Length: 0\r\n\r\n";
        let masked = masked(message.as_bytes());
        assert_eq!(masked.len(), message.len());
        assert!(!masked.contains("0123456789abcdef") && !masked.contains("801\","), "{masked}");
        assert!(
            masked.contains("Content-Length: 0\r\n\r\n") && masked.starts_with("REGISTER sip:"),
            "{masked}"
        );
    }

    #[test]
    fn keys_of_streams_and_of_telephones_are_covered() {
        let sdp = "INVITE sip:a SIP/2.0\r\ni: 9@trunk\r\nc: application/sdp\r\n\r\nv=0\r\n\
             a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20\r\na=sendrecv\r\n";
        let kept = masked(sdp.as_bytes());
        assert!(
            kept.contains("inline:****") && !kept.contains("d0Rmd") && kept.contains("a=sendrecv"),
            "{kept}"
        );
        let info =
            "INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n";
        let kept = masked(info.as_bytes());
        assert!(kept.contains("Signal=*\r\nDuration=160"), "{kept}");
        let short = "INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf\r\n\r\n5";
        assert!(masked(short.as_bytes()).ends_with("\r\n\r\n*"));
    }

    #[test]
    fn a_message_is_known_by_its_call_id_however_that_is_written() {
        assert_eq!(call_id(b"BYE sip:a SIP/2.0\r\ni : 9@trunk\r\n\r\nCall-ID: other\r\n"), Some("9@trunk"));
        assert_eq!(call_id(b"SIP/2.0 200 OK\r\nCALL-ID:7@phone\r\n\r\n"), Some("7@phone"));
        assert_eq!(call_id(b"\r\n\r\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_masked_without_a_panic(bytes: Vec<u8>) {
            let _ = (masked(&bytes), call_id(&bytes));
        }
    }
}
