//! Which transaction a request belongs to (RFC 3261 §17.2.3), and which request came twice by
//! different ways (§8.2.2.2).

use crate::sip::{
    header::Via,
    hop::Transport,
    message::{Method, Request},
};

/// The name of the transaction that a request of that method makes, or that an ACK or a CANCEL means
/// when `method` is INVITE. `to_tag` counts only where the branch is none of RFC 3261.
pub(super) fn transaction_key(request: &Request, via: &Via, method: &Method, to_tag: Option<&str>) -> String {
    if via.has_unique_branch() {
        let branch = via.branch().unwrap_or_default();
        // Call-ID and CSeq go beyond RFC 3261 §17.2.3: they are the same in all that belongs together,
        // and a peer whose branches are not as unique as it says still gets its own answers.
        let call_id = request.headers.call_id().unwrap_or_default();
        return format!(
            "{branch} {}:{} {method} {call_id} {}",
            via.host,
            sent_by_port(via),
            sequence(request)
        );
    }
    // RFC 2543: the branch may be missing, or the same in every request.
    format!(
        "2543 {} {} {} {} {} {method} {via}",
        request.uri,
        from_tag(request).unwrap_or_default(),
        to_tag.unwrap_or_default(),
        request.headers.call_id().unwrap_or_default(),
        sequence(request),
    )
}

/// The same in every copy of a request that a proxy forked to us. `None` for a request within a
/// dialog, which is never merged.
pub(super) fn merge_key(request: &Request) -> Option<String> {
    let to = request.headers.to()?;
    if to.tag().is_some() {
        return None;
    }
    let call_id = request.headers.call_id()?;
    Some(format!(
        "{call_id} {} {} {}",
        from_tag(request).unwrap_or_default(),
        sequence(request),
        request.method
    ))
}

/// The port where the sender listens, unless it says otherwise (RFC 3261 §18.2.2).
pub(super) fn sent_by_port(via: &Via) -> u16 {
    let default = if via.transport.eq_ignore_ascii_case("TLS") { Transport::Tls } else { Transport::Udp };
    via.port.filter(|port| *port != 0).unwrap_or(default.default_port())
}

fn from_tag(request: &Request) -> Option<String> {
    request.headers.from()?.tag().map(str::to_owned)
}

fn sequence(request: &Request) -> u32 {
    request.headers.cseq().map_or(0, |cseq| cseq.number)
}
