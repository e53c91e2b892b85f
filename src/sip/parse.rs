//! From bytes to a [`Message`], for one datagram or one message cut from a stream by
//! [`super::framing`]. What phones send out of habit is read (compact names, folded lines, bare line
//! feeds, Latin-1, no Content-Length over UDP); what could be read two ways is refused with a 400 that
//! says why. Never panics, never guesses, never reads past its bounds. What a well-formed request asks
//! for is judged in [`super::check`].
//!
//! Reading starts at [`message`]. Nothing here is rsip's: it refuses most of what is above.

use super::{
    header::{CSeq, Via},
    lines::{Line, Lines},
    message::{HeaderName, Headers, Message, Method, Request, Response, Status},
    text::{is_token, number, split},
    uri::{NameAddr, Uri},
};

/// Longest message in bytes: 16 KiB of headers and 64 KiB of body, as [`super::framing`] bounds them;
/// more than a datagram can hold. Doubling it doubles what a stream may make us keep.
pub const MAX_MESSAGE: usize = 80 * 1024;

/// Most header lines. A call over many proxies has about 40; each costs two allocations.
pub const MAX_HEADERS: usize = 200;

/// Why bytes are not a message that we can serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nobody can or may be answered: drop it.
    #[error("{0}")]
    Drop(&'static str),
    /// A request that can be answered: send this response to where it came from. To-tag and the
    /// stamp on the top Via (RFC 3261 §18.2.1) are not in it.
    #[error("answered {} {}", .0.status, .0.reason)]
    Answer(Box<Response>),
}

/// Whether the bytes are a keep-alive rather than a message: line ends and NULs only (RFC 5626 §3.5.1
/// and habit), or STUN (§3.5.2).
pub fn is_keep_alive(bytes: &[u8]) -> bool {
    let stun = bytes.first().is_some_and(|b| *b < 4) && bytes.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]);
    stun || bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | b'\0' | b' '))
}

/// Reads one message. What follows the body is ignored (RFC 3261 §18.3).
///
/// # Errors
/// [`ParseError::Answer`] for a request that has a Via and is no ACK, [`ParseError::Drop`] for all else.
pub fn message(bytes: &[u8]) -> Result<Message, ParseError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(ParseError::Drop("longer than 80 KiB"));
    }
    let mut lines = Lines::new(bytes);
    let start = lines.start_line().ok_or(ParseError::Drop("empty"))?;
    if let Some((version, rest)) = status_line(&start) {
        return response(version, rest, lines).map(Message::Response);
    }
    let start = RequestLine::read(&start).ok_or(ParseError::Drop("start line"))?;
    let mut read = Read::default();
    let body = read.lines(lines);
    match request(&start, &read, body) {
        Ok((uri, body)) => {
            let Read { headers, .. } = read;
            Ok(Message::Request(Request { method: start.method, uri, headers, body }))
        }
        Err(refusal) => Err(refusal.answer(&start.method, read.headers)),
    }
}

/// For [`super::framing`]: what the head of a message says of its length, and whether it has a body type.
pub(super) fn declared_length(head: &[u8]) -> (ContentLength, bool) {
    let mut lines = Lines::new(head);
    lines.start_line();
    let mut read = Read::default();
    read.lines(lines);
    let typed = read.headers.get(&HeaderName::ContentType).is_some();
    (read.content_length, typed)
}

/// Why a request is refused: a status and what its reason phrase shall say.
struct Refusal(Status, &'static str);

impl Refusal {
    fn bad(reason: &'static str) -> Self {
        Self(Status::BAD_REQUEST, reason)
    }

    /// The response, where one may be sent: never for an ACK, never without a Via.
    fn answer(self, method: &Method, headers: Headers) -> ParseError {
        let Self(status, reason) = self;
        if *method == Method::Ack || headers.get(&HeaderName::Via).is_none() {
            return ParseError::Drop(reason);
        }
        let asked =
            Request { method: method.clone(), uri: Uri::Other(String::new()), headers, body: Vec::new() };
        let mut response = Response::answering(&asked, status);
        response.reason = reason.to_owned();
        ParseError::Answer(Box::new(response))
    }
}

/// `SIP/x.y rest`, if the line begins so. A method can't: a slash is no token.
fn status_line(line: &str) -> Option<(&str, &str)> {
    let (version, rest) = line.split_once(' ').unwrap_or((line, ""));
    version.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("SIP/")).then_some((version, rest))
}

fn response(version: &str, rest: &str, lines: Lines<'_>) -> Result<Response, ParseError> {
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(ParseError::Drop("response of another version"));
    }
    let rest = rest.trim_start();
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = if code.len() == 3 { number(code).and_then(Status::new) } else { None };
    let status = status.ok_or(ParseError::Drop("status code"))?;
    let mut read = Read::default();
    let body = read.lines(lines);
    let drop = |Refusal(_, reason)| ParseError::Drop(reason);
    read.check().map_err(drop)?;
    // RFC 3261 §8.1.3.3: we are no proxy, so it is not for us.
    if read.headers.via_count() > 1 {
        return Err(ParseError::Drop("response with more than one Via"));
    }
    let body = read.body(body).map_err(drop)?;
    Ok(Response { status, reason: reason.trim().to_owned(), headers: read.headers, body })
}

/// The parts of a request line, its URI not yet read.
struct RequestLine<'a> {
    method: Method,
    uri: &'a str,
    version: &'a str,
}

impl<'a> RequestLine<'a> {
    /// `None` when it is not a request line at all. More white space than one space is let pass at the
    /// three places where it can only be a slip (RFC 4475 §3.1.2.9 and §3.1.2.10).
    fn read(line: &'a str) -> Option<Self> {
        let (method, rest) = line.split_once(' ')?;
        let (uri, version) = rest.trim().rsplit_once(' ')?;
        let plausible = is_token(method) && version.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("SIP/"));
        plausible.then(|| Self { method: Method::parse(method), uri: uri.trim(), version })
    }
}

fn request(start: &RequestLine<'_>, read: &Read, body: &[u8]) -> Result<(Uri, Vec<u8>), Refusal> {
    if !start.version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(Refusal(Status::VERSION_NOT_SUPPORTED, "Version Not Supported"));
    }
    let uri = Uri::parse(start.uri).map_err(|_| Refusal::bad("Malformed Request-URI"))?;
    // RFC 3261 §19.1.1; RFC 4475 §3.1.2.11: such headers must never reach the request.
    if uri.as_sip().is_some_and(|uri| !uri.headers.is_empty()) {
        return Err(Refusal::bad("Headers in Request-URI"));
    }
    let cseq = read.check()?;
    if cseq.method != start.method {
        return Err(Refusal::bad("CSeq Method Differs From Request"));
    }
    // RFC 3261 §20.22: 0 to 255. Without one it is RFC 2543's (RFC 4475 §3.4.1).
    if read.headers.get(&HeaderName::MaxForwards).is_some_and(|value| number::<u8>(value).is_none()) {
        return Err(Refusal::bad("Malformed Max-Forwards"));
    }
    Ok((uri, read.body(body)?))
}

/// What has been read of the lines below the start line.
#[derive(Default)]
struct Read {
    /// Without Content-Length.
    headers: Headers,
    content_length: ContentLength,
    /// The first line that could not be read, in words.
    fault: Option<&'static str>,
}

/// What the Content-Length lines said.
#[derive(Default)]
pub(super) enum ContentLength {
    #[default]
    Missing,
    Bytes(usize),
    Malformed,
    Several,
}

impl Read {
    /// Takes all lines in; answers with what follows them.
    fn lines<'a>(&mut self, mut lines: Lines<'a>) -> &'a [u8] {
        let mut count = 0_usize;
        loop {
            match lines.header() {
                Line::Header { name, value } => self.header(&name, value),
                Line::Broken => self.fault = self.fault.or(Some("Malformed Header Line")),
                Line::End => return lines.rest,
                Line::CutShort => {
                    self.fault = self.fault.or(Some("Message Ends Within Headers"));
                    return &[];
                }
            }
            count = count.saturating_add(1);
            if count > MAX_HEADERS {
                self.fault = Some("Too Many Headers");
                return &[];
            }
        }
    }

    fn header(&mut self, name: &str, value: String) {
        let name = HeaderName::parse(name);
        if name != HeaderName::ContentLength {
            self.headers.push(name, value);
            return;
        }
        self.content_length = match self.content_length {
            ContentLength::Missing => number(&value).map_or(ContentLength::Malformed, ContentLength::Bytes),
            ContentLength::Bytes(_) | ContentLength::Malformed | ContentLength::Several => {
                ContentLength::Several
            }
        };
    }

    /// What every message must have (RFC 3261 §8.1.1), each readable, and what it may have only once.
    fn check(&self) -> Result<CSeq, Refusal> {
        if let Some(fault) = self.fault {
            return Err(Refusal::bad(fault));
        }
        for (name, missing, repeated) in [
            (HeaderName::From, "Missing From", "More Than One From"),
            (HeaderName::To, "Missing To", "More Than One To"),
            (HeaderName::CallId, "Missing Call-ID", "More Than One Call-ID"),
            (HeaderName::CSeq, "Missing CSeq", "More Than One CSeq"),
        ] {
            match self.headers.all(&name).count() {
                0 => return Err(Refusal::bad(missing)),
                1 => {}
                _ => return Err(Refusal::bad(repeated)),
            }
        }
        if self.headers.all(&HeaderName::MaxForwards).count() > 1 {
            return Err(Refusal::bad("More Than One Max-Forwards"));
        }
        let top = self.headers.get(&HeaderName::Via).ok_or(Refusal::bad("Missing Via"))?;
        let top = split(top, b',').next().map(Via::parse);
        if !matches!(top, Some(Ok(_))) {
            return Err(Refusal::bad("Malformed Via"));
        }
        let readable = |name, fault| match self.headers.get(name).map(NameAddr::parse) {
            Some(Ok(_)) => Ok(()),
            _ => Err(Refusal::bad(fault)),
        };
        readable(&HeaderName::From, "Malformed From")?;
        readable(&HeaderName::To, "Malformed To")?;
        let call_id = self.headers.call_id().unwrap_or_default();
        if call_id.is_empty() || call_id.contains(|c: char| c.is_whitespace()) {
            return Err(Refusal::bad("Malformed Call-ID"));
        }
        self.headers.cseq().ok_or(Refusal::bad("Malformed CSeq"))
    }

    /// The body within `rest`: as long as Content-Length says, all of it where there is none.
    fn body(&self, rest: &[u8]) -> Result<Vec<u8>, Refusal> {
        match self.content_length {
            ContentLength::Missing => Ok(rest.to_vec()),
            ContentLength::Bytes(length) => {
                rest.get(..length).map(<[u8]>::to_vec).ok_or(Refusal::bad("Body Shorter Than Content-Length"))
            }
            ContentLength::Malformed => Err(Refusal::bad("Malformed Content-Length")),
            ContentLength::Several => Err(Refusal::bad("More Than One Content-Length")),
        }
    }
}

#[cfg(test)]
mod tests;
