//! What a usage reads from messages beyond the typed headers.

use bytes::Bytes;

use crate::sip::{
    body::sdp_body,
    message::{HeaderName, Headers},
};

/// The SDP of a message: its body, or that part of a multipart body. `None` where there is none.
pub(super) fn sdp(headers: &Headers, body: &[u8]) -> Option<Bytes> {
    sdp_body(headers, body).map(Bytes::copy_from_slice)
}

/// Whether Allow names the method; `None` where there is no Allow.
pub(super) fn allows(headers: &Headers, method: &str) -> Option<bool> {
    headers.get(&HeaderName::Allow)?;
    Some(headers.has_token(&HeaderName::Allow, method))
}

/// RSeq of a provisional response that wants a PRACK (RFC 3262 §7.1).
pub(super) fn reliable(headers: &Headers) -> Option<u32> {
    headers.rseq().filter(|_| headers.has_token(&HeaderName::Require, "100rel"))
}
