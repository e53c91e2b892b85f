//! The small grammar that all headers share (RFC 3261 §25.1): tokens, quoted strings, lists whose
//! separators may also stand inside quotes or angle brackets.

/// A value that breaks its grammar; the text names the thing at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(pub &'static str);

/// RFC 3261 §25.1 `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// Digits only, no sign; leading zeros are fine (RFC 4475 §3.1.1.1). `None` too when it does not fit.
pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The place of the first `wanted` that stands outside quotes and angle brackets.
pub(crate) fn find(text: &str, wanted: u8) -> Option<usize> {
    let (mut quoted, mut escaped, mut angles) = (false, false, 0_u32);
    for (at, byte) in text.bytes().enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            _ if byte == wanted && angles == 0 => return Some(at),
            b'"' => quoted = true,
            b'<' => angles = angles.saturating_add(1),
            b'>' => angles = angles.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Cuts at the first `separator` outside quotes and angle brackets; the separator is dropped.
pub(crate) fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    match find(text, separator).and_then(|at| text.split_at_checked(at)) {
        Some((before, rest)) => (before, Some(rest.get(1..).unwrap_or_default())),
        None => (text, None),
    }
}

/// The trimmed pieces between separators outside quotes and angle brackets, empty ones included.
pub(crate) fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (piece, after) = cut(rest?, separator);
        rest = after;
        Some(piece.trim())
    })
}

/// The text of a quoted string, its escapes undone. `None` unless the whole text is one.
pub(crate) fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    loop {
        match letters.next()? {
            '\\' => plain.push(letters.next()?),
            '"' => break,
            letter => plain.push(letter),
        }
    }
    letters.as_str().is_empty().then_some(plain)
}

/// Writes a quoted string.
pub(crate) fn write_quoted(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    use std::fmt::Write;

    f.write_char('"')?;
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(letter)?;
    }
    f.write_char('"')
}

/// Undoes `%41` escapes. Escapes that are none, and octets that are not UTF-8, stay as they are.
pub(crate) fn unescape(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, escape_value(after)) {
            (b'%', Some((octet, after))) => {
                octets.push(octet);
                rest = after;
            }
            _ => octets.push(byte),
        }
    }
    String::from_utf8(octets).map_or_else(|_| text.into(), Into::into)
}

fn escape_value(after_percent: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], rest) = after_percent.split_first_chunk::<2>()?;
    let digits = [high, low];
    let digits = std::str::from_utf8(&digits).ok()?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((u8::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_inside_quotes_and_angles_do_not_separate() {
        let list = r#""Zhao, \"8\", Lan" <sip:a@b;x=1,2> ;q=1, <sip:c@d>"#;
        assert_eq!(split(list, b',').count(), 2);
        assert_eq!(split("a,,b", b',').collect::<Vec<_>>(), ["a", "", "b"]);
    }

    #[test]
    fn an_open_quote_is_no_quoted_string() {
        assert_eq!(unquote(r#""a\"b""#).as_deref(), Some("a\"b"));
        assert_eq!(unquote(r#""a"#), None);
        assert_eq!(unquote(r#""a\"#), None);
        assert_eq!(unquote(r#""a"b"#), None);
    }

    #[test]
    fn only_true_escapes_are_undone() {
        assert_eq!(unescape("sips%3Auser%40example.com"), "sips:user@example.com");
        assert_eq!(unescape("%Z%45%"), "%ZE%");
        assert_eq!(unescape("a%00b"), "a\0b");
        assert_eq!(unescape("%ff"), "%ff");
        assert_eq!(unescape("%+1"), "%+1");
    }

    #[test]
    fn a_number_is_digits_that_fit() {
        assert_eq!(number::<u32>("0009"), Some(9));
        assert_eq!(number::<u32>("+9"), None);
        assert_eq!(number::<u32>("4294967296"), None);
        assert_eq!(number::<u32>(""), None);
    }
}
