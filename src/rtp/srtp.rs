//! SRTP and SRTCP (RFC 3711) with the keys of SDES (RFC 4568): AES-CM with 128 bits, HMAC-SHA1 with a tag
//! of 80 or 32 bits. Packets are protected and opened where they lie; nothing is allocated.
//!
//! Of a stranger's packet nothing is kept: what an SSRC's counters say is believed only after the packet
//! proved its key. AES, SHA-1 and HMAC are RustCrypto's; what is ours is tested on the vectors of RFC 3711
//! appendix B and on packets of libSRTP's. Reading starts at [`Protector`] and [`Opener`].

use aes::{
    Aes128, Block,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::packet;

/// Cipher and tag (RFC 4568 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// A tag of 10 bytes.
    AesCm128HmacSha1_80,
    /// A tag of 4 bytes on RTP, of 10 on RTCP.
    AesCm128HmacSha1_32,
}

impl Suite {
    fn rtp_tag(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 10,
            Self::AesCm128HmacSha1_32 => 4,
        }
    }
}

/// Bytes of an SRTCP tag in both suites (RFC 4568 §6.2).
const RTCP_TAG: usize = 10;

/// Bytes of E flag and index (RFC 3711 §3.4).
const RTCP_INDEX: usize = 4;

/// What protection adds to a packet at most; a buffer must have as much room behind the packet.
pub const LARGEST_OVERHEAD: usize = RTCP_INDEX + RTCP_TAG;

/// A master key with its salt. Never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey {
    pub suite: Suite,
    pub key: [u8; 16],
    pub salt: [u8; 14],
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({:?})", self.suite)
    }
}

/// Why a packet is not let through: drop and count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too short, or no RTP or RTCP.
    #[error("not an SRTP packet")]
    Malformed,
    /// Its tag is wrong: from a stranger, or changed on the way.
    #[error("not authentic")]
    NotAuthentic,
    /// It was here before, or is too old to tell.
    #[error("replayed")]
    Replayed,
    /// The buffer has no room for the tag, or the key is used up (RFC 3711 §9.2).
    #[error("no room, or no packets left under this key")]
    Exhausted,
}

/// Packets back to which a repeated one is recognised: one bit of a word each (RFC 3711 §3.3.2 wants 64
/// or more).
const REPLAY_WINDOW: u64 = 64;

/// Indexes that were seen, the newest and those shortly before it.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    newest: u64,
    /// Bit n: `newest - n` was seen.
    window: u64,
}

impl Seen {
    fn is_new(&self, index: u64) -> bool {
        match self.newest.checked_sub(index) {
            Some(back) if self.window != 0 => back < REPLAY_WINDOW && self.window & (1 << back) == 0,
            Some(_) | None => true,
        }
    }

    fn note(&mut self, index: u64) {
        match self.newest.checked_sub(index) {
            Some(back) if self.window != 0 => self.window |= 1 << back.min(REPLAY_WINDOW - 1),
            Some(_) | None => {
                let ahead = index - self.newest;
                self.window =
                    if self.window == 0 || ahead >= REPLAY_WINDOW { 0 } else { self.window << ahead };
                self.window |= 1;
                self.newest = index;
            }
        }
    }

    /// The index that a sequence number most likely stands for (RFC 3711 §3.3.1).
    fn index_of(&self, sequence: u16) -> u64 {
        if self.window == 0 {
            return sequence.into();
        }
        let [.., s0, s1] = self.newest.to_be_bytes();
        let step = sequence.wrapping_sub(u16::from_be_bytes([s0, s1])).cast_signed();
        // Before the first packet there is none: what seems older is a jump ahead.
        self.newest.checked_add_signed(step.into()).unwrap_or(sequence.into())
    }
}

/// The session keys of one of the two protocols (RFC 3711 §4.3).
#[derive(Clone)]
struct SessionKeys {
    cipher: Aes128,
    salt: [u8; 14],
    mac: Hmac<Sha1>,
}

/// Labels of encryption key, authentication key and salt (RFC 3711 §4.3.2).
const RTP_LABELS: [u8; 3] = [0, 1, 2];
const RTCP_LABELS: [u8; 3] = [3, 4, 5];

impl SessionKeys {
    fn new(master: &MasterKey, [encryption, authentication, salting]: [u8; 3]) -> Self {
        let root = Aes128::new(&master.key.into());
        let mut key = [0; 16];
        derive(&root, &master.salt, encryption, &mut key);
        let mut auth = [0; 20];
        derive(&root, &master.salt, authentication, &mut auth);
        let mut salt = [0; 14];
        derive(&root, &master.salt, salting, &mut salt);
        Self {
            cipher: Aes128::new(&key.into()),
            salt,
            mac: <Hmac<Sha1> as hmac::KeyInit>::new_from_slice(&auth).expect("HMAC takes keys of any length"),
        }
    }

    /// Enciphers or deciphers in place (RFC 3711 §4.1.1).
    fn crypt(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let mut iv = [0; 16];
        let [_, _, i0, i1, i2, i3, i4, i5] = index.to_be_bytes();
        let [c0, c1, c2, c3] = ssrc.to_be_bytes();
        let mask = [0, 0, 0, 0, c0, c1, c2, c3, i0, i1, i2, i3, i4, i5];
        for ((place, salt), mask) in iv.iter_mut().zip(self.salt).zip(mask) {
            *place = salt ^ mask;
        }
        keystream(&self.cipher, iv, bytes);
    }

    fn tag(&self, parts: [&[u8]; 2]) -> [u8; 20] {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

/// The key derivation of RFC 3711 §4.3.1, with a key derivation rate of 0.
fn derive(root: &Aes128, salt: &[u8; 14], label: u8, out: &mut [u8]) {
    let mut iv = [0; 16];
    iv.iter_mut().zip(salt).for_each(|(place, byte)| *place = *byte);
    let [_, _, _, _, _, _, _, at_label, ..] = &mut iv;
    *at_label ^= label;
    out.fill(0);
    keystream(root, iv, out);
}

/// Blocks made at once: what the processor does side by side.
const AT_ONCE: usize = 8;

/// Adds the key stream of counter mode to `bytes`; the counter is the last two bytes of `iv`.
fn keystream(cipher: &Aes128, iv: [u8; 16], bytes: &mut [u8]) {
    let mut counter: u16 = 0;
    for chunk in bytes.chunks_mut(AT_ONCE * 16) {
        let mut blocks = [Block::from(iv); AT_ONCE];
        let wanted = chunk.len().div_ceil(16);
        let blocks = blocks.get_mut(..wanted).unwrap_or_default();
        for block in blocks.iter_mut() {
            if let [.., high, low] = block.as_mut_slice() {
                [*high, *low] = counter.to_be_bytes();
            }
            counter = counter.wrapping_add(1);
        }
        cipher.encrypt_blocks(blocks);
        let stream = blocks.iter().flat_map(|block| block.iter());
        chunk.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= *key);
    }
}

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKeys")
    }
}

/// Protects what we send under one key: one SSRC, which is ours.
#[derive(Debug, Clone)]
pub struct Protector {
    tag: usize,
    rtp: SessionKeys,
    rtcp: SessionKeys,
    seen: Seen,
    rtcp_index: u32,
}

/// SRTCP indexes have 31 bits; with the last one the key is used up (RFC 3711 §9.2).
const LAST_RTCP_INDEX: u32 = 0x7fff_ffff;

/// SRTP indexes have 48 bits.
const LAST_RTP_INDEX: u64 = 0xffff_ffff_ffff;

impl Protector {
    pub fn new(master: &MasterKey) -> Self {
        Self {
            tag: master.suite.rtp_tag(),
            rtp: SessionKeys::new(master, RTP_LABELS),
            rtcp: SessionKeys::new(master, RTCP_LABELS),
            seen: Seen::default(),
            rtcp_index: 0,
        }
    }

    /// Protects the RTP packet in the first `length` bytes, and returns how many it has then. A second
    /// packet of one number is [`Refused::Replayed`]: under one key stream two would open each other.
    pub fn rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        let (packet, room) = buffer.split_at_mut_checked(length).ok_or(Refused::Malformed)?;
        let room = room.get_mut(..self.tag).ok_or(Refused::Exhausted)?;
        let Fields { sequence, ssrc, payload } = Fields::read(packet).ok_or(Refused::Malformed)?;
        let index = self.seen.index_of(sequence);
        if index > LAST_RTP_INDEX {
            return Err(Refused::Exhausted);
        }
        if !self.seen.is_new(index) {
            return Err(Refused::Replayed);
        }
        self.seen.note(index);
        self.rtp.crypt(ssrc, index, packet.get_mut(payload..).unwrap_or_default());
        let tag = self.rtp.tag([packet, &rollover(index)]);
        room.iter_mut().zip(tag).for_each(|(place, byte)| *place = byte);
        Ok(length + self.tag)
    }

    /// The same for a compound RTCP packet (RFC 3711 §3.4).
    pub fn rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        let whole = length + RTCP_INDEX + RTCP_TAG;
        let packet = buffer.get_mut(..whole).ok_or(Refused::Exhausted)?;
        let ssrc = rtcp_ssrc(packet.get(..length).unwrap_or_default()).ok_or(Refused::Malformed)?;
        if self.rtcp_index >= LAST_RTCP_INDEX {
            return Err(Refused::Exhausted);
        }
        self.rtcp_index += 1;
        self.rtcp.crypt(
            ssrc,
            self.rtcp_index.into(),
            packet.get_mut(RTCP_HEADER..length).unwrap_or_default(),
        );
        let (authentic, room) = packet.split_at_mut(length + RTCP_INDEX);
        let encrypted = self.rtcp_index | 1 << 31;
        if let Some(place) = authentic.last_chunk_mut() {
            *place = encrypted.to_be_bytes();
        }
        let tag = self.rtcp.tag([authentic, &[]]);
        room.iter_mut().zip(tag).for_each(|(place, byte)| *place = byte);
        Ok(whole)
    }
}

/// Senders remembered under one key: a gateway begins a new SSRC now and then, and the former's late
/// packets still come. More than that are forgotten, the oldest first.
const SENDERS: usize = 4;

/// Opens what a peer sends under one key.
#[derive(Debug, Clone)]
pub struct Opener {
    tag: usize,
    rtp: SessionKeys,
    rtcp: SessionKeys,
    /// The newest last.
    senders: [Option<Sender>; SENDERS],
}

#[derive(Debug, Clone, Copy)]
struct Sender {
    ssrc: u32,
    rtp: Seen,
    rtcp: Seen,
}

impl Opener {
    pub fn new(master: &MasterKey) -> Self {
        Self {
            tag: master.suite.rtp_tag(),
            rtp: SessionKeys::new(master, RTP_LABELS),
            rtcp: SessionKeys::new(master, RTCP_LABELS),
            senders: [None; SENDERS],
        }
    }

    /// Opens an RTP packet in place, and returns how many bytes it has then.
    pub fn rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let length = packet.len().checked_sub(self.tag).ok_or(Refused::Malformed)?;
        let (packet, tag) = packet.split_at_mut(length);
        let Fields { sequence, ssrc, payload } = Fields::read(packet).ok_or(Refused::Malformed)?;
        let mut sender = self.sender(ssrc);
        let index = sender.rtp.index_of(sequence);
        if !sender.rtp.is_new(index) {
            return Err(Refused::Replayed);
        }
        if !same(&self.rtp.tag([packet, &rollover(index)]), tag) {
            return Err(Refused::NotAuthentic);
        }
        sender.rtp.note(index);
        self.remember(sender);
        self.rtp.crypt(ssrc, index, packet.get_mut(payload..).unwrap_or_default());
        Ok(length)
    }

    /// Opens a compound RTCP packet in place, and returns how many bytes it has then.
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let authentic = packet.len().checked_sub(RTCP_TAG).ok_or(Refused::Malformed)?;
        let (packet, tag) = packet.split_at_mut(authentic);
        let length = authentic.checked_sub(RTCP_INDEX).ok_or(Refused::Malformed)?;
        let ssrc = rtcp_ssrc(packet.get(..length).unwrap_or_default()).ok_or(Refused::Malformed)?;
        let word = u32::from_be_bytes(*packet.last_chunk().ok_or(Refused::Malformed)?);
        let (encrypted, index) = (word & 1 << 31 != 0, u64::from(word & LAST_RTCP_INDEX));
        let mut sender = self.sender(ssrc);
        if !sender.rtcp.is_new(index) {
            return Err(Refused::Replayed);
        }
        if !same(&self.rtcp.tag([packet, &[]]), tag) {
            return Err(Refused::NotAuthentic);
        }
        sender.rtcp.note(index);
        self.remember(sender);
        if encrypted {
            self.rtcp.crypt(ssrc, index, packet.get_mut(RTCP_HEADER..length).unwrap_or_default());
        }
        Ok(length)
    }

    fn sender(&self, ssrc: u32) -> Sender {
        let known = self.senders.iter().flatten().find(|sender| sender.ssrc == ssrc);
        known.copied().unwrap_or(Sender { ssrc, rtp: Seen::default(), rtcp: Seen::default() })
    }

    fn remember(&mut self, sender: Sender) {
        let is = |place: &&mut Option<Sender>| place.is_some_and(|known| known.ssrc == sender.ssrc);
        if let Some(place) = self.senders.iter_mut().find(is) {
            *place = Some(sender);
            return;
        }
        self.senders.rotate_left(1);
        if let Some(newest) = self.senders.last_mut() {
            *newest = Some(sender);
        }
    }
}

/// What protection needs of an RTP packet.
struct Fields {
    sequence: u16,
    ssrc: u32,
    /// Where the payload begins, padding included in it.
    payload: usize,
}

impl Fields {
    fn read(packet: &[u8]) -> Option<Self> {
        let &[_, _, s0, s1, _, _, _, _, c0, c1, c2, c3] = packet.first_chunk::<{ packet::HEADER_LEN }>()?;
        Some(Self {
            sequence: u16::from_be_bytes([s0, s1]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload: packet::payload_start(packet)?,
        })
    }
}

/// Bytes at the front of RTCP that stay readable.
const RTCP_HEADER: usize = 8;

fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let &[first, _, _, _, c0, c1, c2, c3] = packet.first_chunk::<RTCP_HEADER>()?;
    (first >> 6 == 2).then(|| u32::from_be_bytes([c0, c1, c2, c3]))
}

fn rollover(index: u64) -> [u8; 4] {
    let [_, _, r0, r1, r2, r3, _, _] = index.to_be_bytes();
    [r0, r1, r2, r3]
}

/// Compares without telling by the time it takes how much was right.
fn same(made: &[u8; 20], given: &[u8]) -> bool {
    made.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
