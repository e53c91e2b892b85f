//! What one side of a call agreed to send and to receive.

use std::net::SocketAddr;

/// An audio codec that the relay and the recorder know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// G.711 µ-law, 8 kHz.
    Pcmu,
}

/// What a peer's SDP and ours agreed on for its audio stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Where the peer wants RTP, as signalled; unspecified (`0.0.0.0`) or private addresses may be
    /// wrong, so the source lock decides (`decisions.md` 15).
    pub remote: SocketAddr,
    /// Where the peer wants RTCP: `remote`'s port + 1, or `a=rtcp`.
    pub remote_rtcp: SocketAddr,
    pub codec: Codec,
    pub payload_type: u8,
    /// Payload type of RFC 4733 events, if agreed.
    pub telephone_event: Option<u8>,
    /// Packet time we shall send own audio (prompts) in; 20 ms.
    pub ptime_ms: u16,
    /// The peer takes media from us (`sendrecv`, `recvonly` as the peer says it).
    pub peer_receives: bool,
    /// The peer sends media to us. Neither: it holds us.
    pub peer_sends: bool,
}
