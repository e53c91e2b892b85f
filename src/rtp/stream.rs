//! What one side of a call agreed to send and to receive.

use std::net::SocketAddr;

use super::{g711::Law, srtp::MasterKey};

/// An audio codec that the relay and the recorder know. Each sends 64 kbit/s: one byte of payload for
/// each unit of an RTP timestamp at 8000 Hz, G.722 too (RFC 3551 §4.5.2), so that a payload changes its
/// codec without changing its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// G.711 µ-law, 8 kHz.
    Pcmu,
    /// G.722 at 64 kbit/s: 16 kHz, under a clock of 8000 Hz.
    G722,
}

impl Codec {
    /// The law of G.711; `None` for G.722.
    pub fn law(self) -> Option<Law> {
        match self {
            Self::Pcma => Some(Law::A),
            Self::Pcmu => Some(Law::Mu),
            Self::G722 => None,
        }
    }

    /// How much of the voice it carries.
    pub fn band(self) -> Band {
        match self {
            Self::Pcma | Self::Pcmu => Band::Narrow,
            Self::G722 => Band::Wide,
        }
    }
}

/// How many samples a second are worth keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Band {
    /// 8000 Hz.
    Narrow,
    /// 16000 Hz.
    Wide,
}

impl Band {
    /// Samples a second.
    pub fn sample_rate(self) -> u32 {
        match self {
            Self::Narrow => 8_000,
            Self::Wide => 16_000,
        }
    }

    /// Samples in one unit of an RTP timestamp at 8000 Hz.
    pub fn samples_per_tick(self) -> usize {
        match self {
            Self::Narrow => 1,
            Self::Wide => 2,
        }
    }
}

/// The SRTP keys of both directions (RFC 4568), fresh for each leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamKeys {
    /// Under which we send.
    pub ours: MasterKey,
    /// Under which the peer sends.
    pub theirs: MasterKey,
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
    /// Payload type of RFC 4733 events, if agreed. Without it, keys are listened for in the audio.
    pub telephone_event: Option<u8>,
    /// Packet time we shall send own audio (prompts) in; 20 ms.
    pub ptime_ms: u16,
    /// The peer takes media from us (`sendrecv`, `recvonly` as the peer says it).
    pub peer_receives: bool,
    /// The peer sends media to us. Neither: it holds us.
    pub peer_sends: bool,
    /// `None`: plain RTP.
    pub keys: Option<StreamKeys>,
}
