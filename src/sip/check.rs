//! What a UAS refuses before it looks for a dialog or a user (RFC 3261 §8.2), in the RFC's order: the
//! method, the Request-URI's scheme, unreadable contents, extensions, bodies. Never decides who may call
//! whom. [`super::parse`] has refused already what is no message.

use super::{
    body::{is_encoded, sdp_body},
    header::MediaType,
    message::{HeaderName, Headers, Method, Request, Response, Status},
    text::{Malformed, split},
    uri::Uri,
};

/// What this user agent can do, as Allow and Supported tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abilities {
    /// For Allow, in that order.
    pub methods: Vec<Method>,
    /// Option tags for Supported: `100rel`, `timer`, `replaces` …
    pub extensions: Vec<&'static str>,
}

impl Abilities {
    /// The value of an Allow header.
    pub fn allow(&self) -> String {
        self.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The value of a Supported header.
    pub fn supported(&self) -> String {
        self.extensions.join(", ")
    }
}

/// How to refuse a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub status: Status,
    /// What is wrong, for people; empty for the status's usual phrase.
    pub reason: &'static str,
    /// Allow, Accept, Unsupported … as the status demands.
    pub headers: Headers,
}

impl Rejection {
    /// The whole response, as [`Response::answering`] makes it; a To tag is the caller's to add.
    pub fn response(&self, request: &Request) -> Response {
        let mut response = Response::answering(request, self.status);
        response.reason = self.reason.to_owned();
        for header in self.headers.iter() {
            response.headers.push(header.name.clone(), header.value.clone());
        }
        response
    }

    fn new(status: Status, name: HeaderName, value: impl Into<String>) -> Self {
        let mut headers = Headers::new();
        headers.push(name, value);
        Self { status, reason: "", headers }
    }

    fn bad(reason: &'static str) -> Self {
        Self { status: Status::BAD_REQUEST, reason, headers: Headers::new() }
    }
}

/// What Accept says in a 415 and an answer to OPTIONS.
pub const ACCEPT: &str = "application/sdp, multipart/mixed";

/// Whether the request may go on to its dialog or user. An ACK always may, because it can't be answered.
/// Max-Forwards is not looked at: we end every request, and 0 means only that nobody may forward it
/// (RFC 4475 §3.3.11).
///
/// # Errors
/// How to answer it: 405 or 501, 416, 400, 420, 406 or 415.
pub fn request(request: &Request, supported: &Abilities) -> Result<(), Rejection> {
    if request.method == Method::Ack {
        return Ok(());
    }
    method(&request.method, supported)?;
    scheme(&request.uri)?;
    contents(request)?;
    // RFC 3261 §8.2.2.3: Require in a CANCEL is ignored.
    if request.method != Method::Cancel {
        extensions(&request.headers, supported)?;
        body(request)?;
    }
    Ok(())
}

/// RFC 3261 §8.2.1: 405 for a method that we know, 501 for one that we don't (§21.5.2).
fn method(method: &Method, supported: &Abilities) -> Result<(), Rejection> {
    if supported.methods.contains(method) {
        return Ok(());
    }
    let status =
        if matches!(method, Method::Other(_)) { Status::NOT_IMPLEMENTED } else { Status::METHOD_NOT_ALLOWED };
    Err(Rejection::new(status, HeaderName::Allow, supported.allow()))
}

/// RFC 3261 §8.2.2.1.
fn scheme(uri: &Uri) -> Result<(), Rejection> {
    match uri {
        Uri::Sip(_) | Uri::Tel(_) => Ok(()),
        Uri::Other(_) => {
            Err(Rejection { status: Status::UNSUPPORTED_URI_SCHEME, reason: "", headers: Headers::new() })
        }
    }
}

/// 400 for a header that somebody after us would stumble over. Date is not one: nobody reads it
/// (RFC 4475 §3.1.2.12).
fn contents(request: &Request) -> Result<(), Rejection> {
    let Request { method, headers, .. } = request;
    let readable = |read: Result<_, Malformed>, fault| read.map_err(|_| Rejection::bad(fault));
    let contacts = readable(headers.contacts(), "Malformed Contact")?;
    readable(headers.routes(), "Malformed Route")?;
    readable(headers.record_routes(), "Malformed Record-Route")?;
    match method {
        // RFC 3261 §10.3 step 6.
        Method::Register if headers.contact_is_star() && headers.expires() != Some(0) => {
            return Err(Rejection::bad("Contact * Needs Expires 0"));
        }
        Method::Register => {}
        _ if contacts.is_empty() && headers.contact_is_star() => {
            return Err(Rejection::bad("Contact * Outside REGISTER"));
        }
        // RFC 3515 §2.4.2.
        Method::Refer if headers.refer_to().is_none() || headers.all(&HeaderName::ReferTo).count() != 1 => {
            return Err(Rejection::bad("Needs One Refer-To"));
        }
        // RFC 3262 §7.2.
        Method::Prack if headers.rack().is_none() => return Err(Rejection::bad("Malformed RAck")),
        _ => {}
    }
    // RFC 3891 §3.
    let replaces = headers.all(&HeaderName::Replaces).count();
    if replaces > 1 || (replaces == 1 && headers.replaces().is_none()) {
        return Err(Rejection::bad("Malformed Replaces"));
    }
    Ok(())
}

/// RFC 3261 §8.2.2.3. Proxy-Require counts, too: this is where the request ends.
fn extensions(headers: &Headers, supported: &Abilities) -> Result<(), Rejection> {
    let known = |tag: &str| supported.extensions.iter().any(|known| known.eq_ignore_ascii_case(tag));
    let required = [HeaderName::Require, HeaderName::ProxyRequire];
    let unknown: Vec<&str> =
        required.iter().flat_map(|name| headers.tokens(name)).filter(|t| !known(t)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Rejection::new(Status::BAD_EXTENSION, HeaderName::Unsupported, unknown.join(", ")))
}

/// RFC 3261 §8.2.3, for the requests whose body is an offer or an answer; other bodies belong to who
/// takes the request.
fn body(request: &Request) -> Result<(), Rejection> {
    let Request { method, headers, body, .. } = request;
    if !matches!(method, Method::Invite | Method::Update | Method::Prack) {
        return Ok(());
    }
    // Our answer will be SDP (RFC 3261 §20.1: without Accept that is what they take).
    if *method == Method::Invite && !takes_sdp(headers) {
        return Err(Rejection { status: Status::NOT_ACCEPTABLE, reason: "", headers: Headers::new() });
    }
    if body.is_empty() || is_optional(headers) {
        return Ok(());
    }
    if is_encoded(headers) {
        let only_plain =
            Rejection::new(Status::UNSUPPORTED_MEDIA_TYPE, HeaderName::AcceptEncoding, "identity");
        return Err(only_plain);
    }
    if sdp_body(headers, body).is_none() {
        return Err(Rejection::new(Status::UNSUPPORTED_MEDIA_TYPE, HeaderName::Accept, ACCEPT));
    }
    Ok(())
}

fn takes_sdp(headers: &Headers) -> bool {
    let mut ranges = headers.tokens(&HeaderName::Accept).peekable();
    ranges.peek().is_none()
        || ranges.any(|range| MediaType::parse(range).is_ok_and(|range| range.includes("application", "sdp")))
}

/// RFC 3261 §20.11: `handling=optional` lets us do without the body.
fn is_optional(headers: &Headers) -> bool {
    let disposition = headers.get(&HeaderName::ContentDisposition).unwrap_or_default();
    split(disposition, b';').skip(1).any(|param| {
        param.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("handling") && value.trim().eq_ignore_ascii_case("optional")
        })
    })
}

#[cfg(test)]
mod tests;
