//! Finding the session description in a body: alone, or as one part of a multipart (RFC 2046 §5.1,
//! RFC 5621). Does not read the description itself.

use super::{
    header::MediaType,
    lines::{Line, Lines},
    message::{HeaderName, Headers},
};

/// Multiparts within multiparts that we look into; deeper ones are left alone.
const MAX_DEPTH: u8 = 3;

/// The SDP of a message, if its body is SDP or a multipart that has some. A body without a Content-Type
/// counts as SDP if it begins like one (RFC 4475 §3.1.1.1 sends it so); an encoded one never does.
pub fn sdp_body<'a>(headers: &Headers, body: &'a [u8]) -> Option<&'a [u8]> {
    within(headers, body, MAX_DEPTH)
}

fn within<'a>(headers: &Headers, body: &'a [u8], depth: u8) -> Option<&'a [u8]> {
    if body.is_empty() || is_encoded(headers) {
        return None;
    }
    if headers.get(&HeaderName::ContentType).is_none() {
        return body.starts_with(b"v=").then_some(body);
    }
    let media = headers.content_type()?;
    if media.is("application", "sdp") {
        return Some(body);
    }
    let depth = depth.checked_sub(1)?;
    parts(&media, body)?.find_map(|part| {
        let (headers, body) = part_headers(part)?;
        // A part's default type is text/plain (RFC 2046 §5.2), so it must say that it is SDP.
        headers.get(&HeaderName::ContentType)?;
        within(&headers, body, depth)
    })
}

/// Whether a Content-Encoding stands between us and the body.
pub(super) fn is_encoded(headers: &Headers) -> bool {
    headers.tokens(&HeaderName::ContentEncoding).any(|coding| !coding.eq_ignore_ascii_case("identity"))
}

/// The parts between the boundaries, headers included; `None` if it is no multipart.
fn parts<'a>(media: &MediaType, body: &'a [u8]) -> Option<impl Iterator<Item = &'a [u8]> + use<'a>> {
    let boundary = media.params.value("boundary").filter(|b| !b.is_empty() && media.kind == "multipart")?;
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest = next_boundary(body, &delimiter).map(|(_, after)| after);
    Some(std::iter::from_fn(move || {
        let after = rest.take()?;
        // `--` after the boundary: the last one has been passed.
        if after.starts_with(b"--") {
            return None;
        }
        let start = after.iter().position(|b| *b == b'\n')?.saturating_add(1);
        let content = after.get(start..)?;
        let (part, next) = match next_boundary(content, &delimiter) {
            Some((part, next)) => (part, Some(next)),
            None => (content, None),
        };
        rest = next;
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        Some(part.strip_suffix(b"\r").unwrap_or(part))
    }))
}

/// What stands before and after the next delimiter that begins a line.
fn next_boundary<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut from = 0_usize;
    loop {
        let line = bytes.get(from..)?;
        if let Some(after) = line.strip_prefix(delimiter) {
            return Some((bytes.get(..from)?, after));
        }
        from = from.saturating_add(line.iter().position(|b| *b == b'\n')?).saturating_add(1);
    }
}

fn part_headers(part: &[u8]) -> Option<(Headers, &[u8])> {
    let mut lines = Lines::new(part);
    let mut headers = Headers::new();
    loop {
        match lines.header() {
            Line::Header { name, value } => headers.push(HeaderName::parse(&name), value),
            Line::Broken => {}
            Line::End => return Some((headers, lines.rest)),
            Line::CutShort => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

    fn typed(content_type: &str) -> Headers {
        let mut headers = Headers::new();
        headers.push(HeaderName::ContentType, content_type);
        headers
    }

    fn mixed(parts: &[&[u8]]) -> Vec<u8> {
        let mut body = b"This is the preamble.\r\n".to_vec();
        for part in parts {
            body.extend_from_slice(b"--next\r\n");
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--next--\r\nepilogue");
        body
    }

    #[test]
    fn sdp_is_found_alone_and_among_parts() {
        assert_eq!(sdp_body(&typed("application/SDP"), SDP), Some(SDP));
        let part = [b"Content-Type: application/sdp\r\n\r\n", SDP].concat();
        let body = mixed(&[b"Content-Type: text/plain\r\n\r\nhello", &part]);
        assert_eq!(sdp_body(&typed("multipart/mixed;boundary=next"), &body), Some(SDP));
        assert_eq!(sdp_body(&typed("multipart/mixed; boundary=\"next\""), &body), Some(SDP));
    }

    #[test]
    fn sdp_is_found_in_a_multipart_within_a_multipart() {
        let inner = [b"--in\nc: application/sdp\n\n", SDP, b"\r\n--in--\r\n"].concat();
        let part = [b"Content-Type: multipart/alternative;boundary=in\r\n\r\n".as_slice(), &inner].concat();
        assert_eq!(sdp_body(&typed("multipart/mixed;boundary=next"), &mixed(&[&part])), Some(SDP));
    }

    #[test]
    fn what_is_no_sdp_is_not_taken_for_it() {
        assert_eq!(sdp_body(&typed("text/plain"), SDP), None);
        assert_eq!(sdp_body(&typed("multipart/mixed"), SDP), None);
        assert_eq!(sdp_body(&typed("multipart/mixed;boundary=next"), &mixed(&[b"\r\nv=0 hello"])), None);
        assert_eq!(sdp_body(&typed("multipart/mixed;boundary=next"), b"--next"), None);
        assert_eq!(sdp_body(&Headers::new(), b"<xml/>"), None);
        assert_eq!(sdp_body(&Headers::new(), b""), None);
        let mut packed = typed("application/sdp");
        packed.push(HeaderName::ContentEncoding, "gzip");
        assert_eq!(sdp_body(&packed, SDP), None);
    }

    #[test]
    fn a_body_without_a_type_is_sdp_if_it_begins_so() {
        assert_eq!(sdp_body(&Headers::new(), SDP), Some(SDP));
    }
}
