//! The lines of a message as RFC 3261 §7.3 and §7.5 have them: unfolded, with or without carriage
//! returns, as text whatever the bytes. Knows nothing of what the headers mean.

use std::borrow::Cow;

use super::text::is_token;

/// One line below the start line, unfolded.
pub(super) enum Line<'a> {
    Header {
        name: Cow<'a, str>,
        value: String,
    },
    /// It has no colon, or its name is no token.
    Broken,
    /// The empty line.
    End,
    /// The bytes ended before the empty line.
    CutShort,
}

/// The lines of a message, or of a MIME part, one after the other.
pub(super) struct Lines<'a> {
    /// What has not been read; after [`Line::End`] it is the body.
    pub(super) rest: &'a [u8],
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The first line that is not empty (RFC 3261 §7.5 has empty ones ignored).
    pub(super) fn start_line(&mut self) -> Option<Cow<'a, str>> {
        while let Some(after) = self.rest.strip_prefix(b"\n").or_else(|| self.rest.strip_prefix(b"\r")) {
            self.rest = after;
        }
        self.physical().map(|line| text(line.trim_ascii_end()))
    }

    /// The next header line. What is folded onto it is joined by single spaces (RFC 3261 §7.3.1).
    pub(super) fn header(&mut self) -> Line<'a> {
        let Some(line) = self.physical() else { return Line::CutShort };
        if line.is_empty() {
            return Line::End;
        }
        let colon = line.iter().position(|b| *b == b':');
        let Some((name, value)) = colon.and_then(|at| line.split_at_checked(at)) else {
            self.skip_folded();
            return Line::Broken;
        };
        let name = text(name.trim_ascii_end());
        let mut value = text(value.get(1..).unwrap_or_default().trim_ascii()).into_owned();
        while let Some(more) = self.folded() {
            let more = text(more.trim_ascii());
            if !value.is_empty() && !more.is_empty() {
                value.push(' ');
            }
            value.push_str(&more);
        }
        if is_token(&name) { Line::Header { name, value } } else { Line::Broken }
    }

    /// A line that goes on with the one before it, if the next is one.
    fn folded(&mut self) -> Option<&'a [u8]> {
        if matches!(self.rest.first(), Some(b' ' | b'\t')) { self.physical() } else { None }
    }

    fn skip_folded(&mut self) {
        while self.folded().is_some() {}
    }

    /// The bytes up to the next line feed, without it and the carriage return before it.
    fn physical(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|b| *b == b'\n')?;
        let (line, after) = self.rest.split_at_checked(end)?;
        self.rest = after.get(1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// UTF-8, or else Latin-1. A carriage return that ends no line becomes a space: it must never be
/// written again.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect::<String>().into(),
    };
    if text.contains('\r') { text.replace('\r', " ").into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(bytes);
        let mut values = Vec::new();
        while let Line::Header { value, .. } = lines.header() {
            values.push(value);
        }
        values
    }

    #[test]
    fn folded_lines_are_one_line() {
        assert_eq!(values(b"a:\r\n  one\r\n\t two\r\nb: three\r\n\r\n"), ["one two", "three"]);
        assert_eq!(values(b"a: one\n \n two\n\n"), ["one two"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_latin1() {
        assert_eq!(values(b"a: caf\xe9\nb: caf\xc3\xa9\n\n"), ["caf\u{e9}", "caf\u{e9}"]);
    }

    #[test]
    fn a_stray_carriage_return_is_a_space() {
        assert_eq!(values(b"a: one\rVia: two\r\n\r\n"), ["one Via: two"]);
    }

    #[test]
    fn a_line_without_a_name_is_broken() {
        for broken in
            [&b"no colon\r\n\r\n"[..], b": x\r\n\r\n", b"two words: x\r\n\r\n", b" folded: x\r\n\r\n"]
        {
            assert!(matches!(Lines::new(broken).header(), Line::Broken));
        }
        assert!(matches!(Lines::new(b"a: cut").header(), Line::CutShort));
    }
}
