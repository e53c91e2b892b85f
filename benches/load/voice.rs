//! One side's voice: a sequence of A-law bytes that no other side and no other moment has, sent every
//! 20 ms, and the check of what arrives of it at the other side.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use hotlined::rtp::{
    packet::{self, Header, Packet},
    timestamp::{RtpTimestamp, SequenceNumber},
};

/// Samples, and with G.711 bytes, a packet.
pub(crate) const SAMPLES: usize = 160;
pub(crate) const PTIME: Duration = Duration::from_millis(20);

/// What stream `stream` says in its packet `index`: both numbers, then noise made of them.
pub(crate) fn payload(stream: usize, index: u32) -> [u8; SAMPLES] {
    let mut bytes = [0; SAMPLES];
    let (head, noise) = bytes.split_at_mut(8);
    head[..4].copy_from_slice(&(stream as u32).to_be_bytes());
    head[4..].copy_from_slice(&index.to_be_bytes());
    // SplitMix64.
    let mut state = (stream as u64) << 32 | u64::from(index);
    for word in noise.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes());
    }
    bytes
}

/// One side of a call, with the socket that a phone would have.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) socket: UdpSocket,
    /// Where the daemon's reports go (RFC 3550 §11: one above). Nobody reads them; held so that no other
    /// voice has that port and takes them for packets.
    _rtcp: UdpSocket,
    number: usize,
    target: Option<SocketAddr>,
    /// When its first packet was due.
    pub(crate) began: Option<Instant>,
    /// When each packet was sent, until it arrives.
    sent_at: Vec<Option<Instant>>,
}

/// What became of all packets.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    pub(crate) arrived: usize,
    /// Arrived with another payload, twice, or at the wrong side.
    pub(crate) wrong: usize,
    /// Milliseconds on the way.
    pub(crate) latencies: Vec<f64>,
    /// Milliseconds by which the generator was late in sending.
    pub(crate) lateness: Vec<f64>,
}

/// An even port and the one above it, if chance gives them.
fn pair() -> Option<(UdpSocket, UdpSocket)> {
    let rtp = UdpSocket::bind("127.0.0.1:0").expect("a port for a phone");
    let port = rtp.local_addr().expect("a bound socket").port();
    let rtcp = port.is_multiple_of(2).then(|| UdpSocket::bind(("127.0.0.1", port + 1)).ok())??;
    Some((rtp, rtcp))
}

impl Voice {
    pub(crate) fn new(number: usize) -> Self {
        let (socket, rtcp) = std::iter::repeat_with(pair).flatten().next().expect("a pair of ports");
        socket.set_nonblocking(true).expect("a socket of our own");
        Self { socket, _rtcp: rtcp, number, target: None, began: None, sent_at: Vec::new() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket")
    }

    /// Where its packets go to.
    pub(crate) fn aim(&mut self, target: SocketAddr) {
        self.target = Some(target);
    }

    /// When its first packet is due.
    pub(crate) fn begin_at(&mut self, at: Instant) {
        self.began = Some(at);
    }

    /// Packets sent so far.
    pub(crate) fn sent(&self) -> u32 {
        self.sent_at.len() as u32
    }

    /// When the next packet is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        Some(self.began? + PTIME * self.sent())
    }

    pub(crate) fn send(&mut self, tally: &mut Tally) {
        let (Some(target), Some(due)) = (self.target, self.due()) else { return };
        let index = self.sent();
        let header = Header {
            payload_type: 8,
            marker: index == 0,
            sequence: SequenceNumber((index % 0x1_0000) as u16),
            timestamp: RtpTimestamp(index * SAMPLES as u32),
            ssrc: 0x1000_0000 + self.number as u32,
        };
        let mut bytes = [0; 200];
        let length = packet::compose(&header, &payload(self.number, index), &mut bytes).expect("it fits");
        let now = Instant::now();
        tally.sent += 1;
        tally.lateness.push((now - due).as_secs_f64() * 1e3);
        self.sent_at.push(Some(now));
        // A packet that the kernel does not take counts as lost.
        let _ = self.socket.send_to(&bytes[..length], target);
    }

    /// Takes what arrived at `self` from `other`, the side that talks to it.
    pub(crate) fn receive(&self, other: &mut Self, tally: &mut Tally) {
        let mut bytes = [0; 2048];
        while let Ok((length, _)) = self.socket.recv_from(&mut bytes) {
            let now = Instant::now();
            let voice = Packet::parse(&bytes[..length]).ok().and_then(|packet| {
                let index = packet.payload.get(4..8)?.first_chunk().copied().map(u32::from_be_bytes)?;
                (packet.payload == payload(other.number, index)).then_some(index)
            });
            let sent = voice.and_then(|index| other.sent_at.get_mut(index as usize)?.take());
            match sent {
                Some(sent) => {
                    tally.arrived += 1;
                    tally.latencies.push((now - sent).as_secs_f64() * 1e3);
                }
                None => tally.wrong += 1,
            }
        }
    }
}
