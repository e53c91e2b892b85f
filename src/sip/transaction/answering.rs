//! What every answer needs: where it goes (RFC 3261 §18.2.2, RFC 3581), its To tag; and the answers
//! that are given without a transaction (§8.2.7). Keeps nothing.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, SocketAddr},
};

use super::{Happened, matching::sent_by_port};
use crate::sip::{
    header::Via,
    hop::Hop,
    message::{HeaderName, Headers, Method, Request, Response, Status},
};

/// Seconds, in the Retry-After of a 503.
const RETRY_AFTER_SECONDS: &str = "10";

/// Whether an answer may be sent there at all: never to a group of hosts, whatever a packet claims.
pub(super) fn is_answerable(source: SocketAddr) -> bool {
    let one_host = match source.ip() {
        IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_multicast() && !ip.is_unspecified(),
    };
    one_host && source.port() != 0
}

/// Answers what could not be read as a request, without a transaction (RFC 3261 §8.2.7), and to where
/// it came from: nothing in it is to be trusted, its Via included.
pub(super) fn answer_unread(mut response: Response, hop: Hop, out: &mut Vec<Happened>) {
    if let Some(mut via) = response.headers.via() {
        via.stamp(hop.remote);
        response.headers.set_top_via(&via);
    }
    let tag = stateless_tag(response.headers.call_id().unwrap_or_default());
    add_to_tag(&mut response.headers, &tag);
    out.push(Happened::Send { hop, bytes: response.to_bytes() });
}

/// Answers a request without a transaction. An ACK is never answered.
pub(super) fn refuse(
    request: &Request,
    via: &Via,
    hop: Hop,
    status: Status,
    reason: &str,
    out: &mut Vec<Happened>,
) {
    if request.method == Method::Ack {
        return;
    }
    let mut via = via.clone();
    let go = answer_hop(hop, &via);
    via.stamp(hop.remote);
    let mut response = Response::answering(request, status);
    response.headers.set_top_via(&via);
    response.reason = reason.to_owned();
    add_to_tag(&mut response.headers, &stateless_tag(request.headers.call_id().unwrap_or_default()));
    if status == Status::SERVICE_UNAVAILABLE {
        response.headers.push(HeaderName::RetryAfter, RETRY_AFTER_SECONDS);
    }
    out.push(Happened::Send { hop: go, bytes: response.to_bytes() });
}

/// Where the answers to a request go that came on `hop` (RFC 3261 §18.2.2, RFC 3581 §4): back on its
/// stream; over UDP to its source, or to the source's address and sent-by's port where the sender did
/// not ask for `rport`.
///
/// Departs from RFC 3261 §18.2.2 in that `maddr` is not followed: it lets anybody aim our answers at
/// anybody, and no phone or trunk uses it.
pub(super) fn answer_hop(hop: Hop, via: &Via) -> Hop {
    // A Via that names another transport than the one it came by tells no port that is good for this one.
    let other = !via.transport.eq_ignore_ascii_case(hop.transport.via_name());
    if hop.transport.is_reliable() || via.wants_rport() || other {
        return hop;
    }
    Hop { remote: SocketAddr::new(hop.remote.ip(), sent_by_port(via)), ..hop }
}

/// Adds the tag where the To has none, and says whether it did.
pub(super) fn add_to_tag(headers: &mut Headers, tag: &str) -> bool {
    let Some(to) = headers.get(&HeaderName::To) else { return false };
    if tag.is_empty() || headers.to().is_none_or(|to| to.tag().is_some()) {
        return false;
    }
    let to = format!("{to};tag={tag}");
    headers.set(HeaderName::To, to);
    true
}

/// The same tag for the same request each time (RFC 3261 §8.2.7).
pub(super) fn stateless_tag(key: &str) -> String {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
