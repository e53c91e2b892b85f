//! One leg's place in the media room: its ports, what its peer agreed to, whom it believes, and where
//! its packets go. Legs live in a table; an epoll event or a route names a leg by its row.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    time::Instant,
};

use super::{player::Playing, ports::PortPair, recording::Place, reports::Reporting, speech::Speech};
use crate::{
    rtp::{
        continuity::Continuity,
        g711,
        inband::KeyListener,
        packet::Header,
        rtcp::Reports,
        source_lock::SourceLock,
        srtp::{Opener, Protector},
        stream::{Band, Codec, Stream, StreamKeys},
        telephone_event::DigitDecoder,
        transcode::{Transcoder, Voice},
    },
    switch::media::{MediaId, PlayId},
};

/// A leg's place in [`Legs`]; used again after a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row(pub(super) usize);

/// Where a leg's packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// Nowhere: they are watched for digits alone.
    Parted,
    /// Early media, one way.
    Passed(Row),
    /// One direction of a join.
    Joined(Row),
}

impl Route {
    pub(super) fn to(self) -> Option<Row> {
        match self {
            Self::Parted => None,
            Self::Passed(row) | Self::Joined(row) => Some(row),
        }
    }

    pub(super) fn is_join(self) -> bool {
        matches!(self, Self::Joined(_))
    }
}

/// What a payload type means on this leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Audio(Codec),
    TelephoneEvent,
    /// Comfort noise, video or junk: nothing that was agreed.
    Unknown,
}

/// What a leg received and lost, for its line in the log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) received: u64,
    pub(super) sent: u64,
    /// Not RTP: STUN, DTLS, ZRTP, RTCP on the wrong port, short or broken packets.
    pub(super) junk: u64,
    /// From a source that the lock does not believe.
    pub(super) strangers: u64,
    /// Not under the peer's SRTP key, or seen before.
    pub(super) refused: u64,
    /// Of a payload type that nobody agreed on.
    pub(super) unknown: u64,
    /// While the peer had said that it does not send, or had said nothing yet.
    pub(super) unasked: u64,
    /// The system would not take them: full socket, no route.
    pub(super) unsent: u64,
}

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) media: MediaId,
    pub(super) ports: PortPair,
    pub(super) stream: Option<Stream>,
    pub(super) lock: SourceLock,
    /// Everything that goes out to the peer passes here, whoever it comes from.
    pub(super) outgoing: Continuity,
    pub(super) reporting: Reporting,
    pub(super) route: Route,
    pub(super) digits: DigitDecoder,
    pub(super) place: Option<Place>,
    pub(super) playing: Option<Playing>,
    /// What is told of the speech on it, while it is recorded alone.
    pub(super) speech: Option<Speech>,
    /// `None`: plain RTP.
    pub(super) security: Option<Box<Security>>,
    /// Keys heard in the audio, where no telephone-event was agreed.
    pub(super) in_band: Option<Box<InBand>>,
    /// What converts the voice of that other leg for this one; begun anew when either's codec changes.
    transcoder: Option<(MediaId, Box<Transcoder>)>,
    /// When the leg was last heard, or began to be expected.
    pub(super) heard_at: Instant,
    /// `Silent` was told and `Heard` not yet.
    pub(super) silent: bool,
    /// `Dead` was told.
    pub(super) dead: bool,
    pub(super) counts: Counts,
}

impl Leg {
    pub(super) fn new(media: MediaId, ports: PortPair, now: Instant) -> Self {
        let (ssrc, sequence, timestamp) = beginnings(media);
        Self {
            media,
            ports,
            stream: None,
            lock: SourceLock::new(None),
            outgoing: Continuity::new(ssrc, sequence, timestamp, now),
            reporting: Reporting::new(media, Reports::new(ssrc, &cname(media))),
            route: Route::Parted,
            digits: DigitDecoder::default(),
            place: None,
            playing: None,
            speech: None,
            security: None,
            in_band: None,
            transcoder: None,
            heard_at: now,
            silent: false,
            dead: false,
            counts: Counts::default(),
        }
    }

    /// The peer's SDP, first or anew.
    pub(super) fn describe(&mut self, stream: Stream, now: Instant) {
        // A peer that comes back from hold is expected from now, not from before the hold.
        if !self.stream.is_some_and(|stream| stream.peer_sends) {
            self.heard_at = now;
        }
        self.lock.unlock(Some(stream.remote), now);
        if self.stream.is_none_or(|before| before.remote_rtcp != stream.remote_rtcp) {
            self.reporting.redirect();
        }
        self.security = stream.keys.map(|keys| Security::after(self.security.take(), keys));
        self.in_band = if stream.telephone_event.is_none() { self.in_band.take() } else { None };
        self.stream = Some(stream);
    }

    /// Opens what the peer protected, in place; the length that is left. `None`: not the peer's.
    pub(super) fn open(&mut self, packet: &mut [u8]) -> Option<usize> {
        let Some(security) = &mut self.security else { return Some(packet.len()) };
        match security.opener.rtp(packet) {
            Ok(length) => Some(length),
            Err(_) => {
                self.counts.refused += 1;
                None
            }
        }
    }

    /// A key that the audio tells, where nothing else would.
    pub(super) fn key_in(&mut self, codec: Codec, payload: &[u8]) -> Option<char> {
        if self.stream.is_some_and(|stream| stream.telephone_event.is_some()) {
            return None;
        }
        self.in_band.get_or_insert_default().on(codec, payload)
    }

    /// What the payload type means: as agreed, else the static types of RFC 3551 §6, which some phones
    /// send whatever they agreed to.
    pub(super) fn content(&self, payload_type: u8) -> Content {
        match (self.stream, payload_type) {
            (Some(stream), agreed) if agreed == stream.payload_type => Content::Audio(stream.codec),
            (Some(stream), event) if Some(event) == stream.telephone_event => Content::TelephoneEvent,
            (_, 0) => Content::Audio(Codec::Pcmu),
            (_, 8) => Content::Audio(Codec::Pcma),
            (_, 9) => Content::Audio(Codec::G722),
            (_, _) => Content::Unknown,
        }
    }

    /// Where the peer takes packets now; `None` while it holds us or cannot be found.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        self.lock.destination().filter(|_| self.stream.is_some_and(|stream| stream.peer_receives))
    }

    /// The header under which a packet of `source` goes out.
    pub(super) fn outgoing_header(
        &mut self,
        source: Source,
        header: &Header,
        now: Instant,
    ) -> Option<Header> {
        let id = match source {
            Source::Relayed(media) => media.0.wrapping_mul(2),
            Source::Played(play) => play.0.wrapping_mul(2).wrapping_add(1),
        };
        self.outgoing.on(id, header, now)
    }

    /// Rewrites a payload of the leg `from` in `codec` into what this leg's peer agreed to. Allocates on the
    /// first packet of a pair that needs it.
    pub(super) fn convert(&mut self, from: MediaId, codec: Codec, to: Codec, payload: &mut [u8]) {
        if let (Some(codec), Some(to)) = (codec.law(), to.law()) {
            return g711::transcode(codec, to, payload);
        }
        if codec == to {
            return;
        }
        match &mut self.transcoder {
            Some((of, transcoder)) if *of == from && transcoder.is(codec, to) => transcoder.on(payload),
            other => {
                let (_, transcoder) = other.insert((from, Box::new(Transcoder::new(codec, to))));
                transcoder.on(payload);
            }
        }
    }

    /// Sends one packet to the peer, whose address is `to`. What cannot be sent is lost, as on any link,
    /// and counted; an ICMP error that an earlier packet earned is reported here too and means nothing.
    /// The bytes of payload in it are for the RTCP reports.
    /// `buffer` has [`LARGEST_OVERHEAD`] bytes of room behind the packet's `length`.
    pub(super) fn send(&mut self, buffer: &mut [u8], length: usize, payload_octets: usize, to: SocketAddr) {
        let length = match &mut self.security {
            None => length,
            Some(security) => match security.protector.rtp(buffer, length) {
                Ok(length) => length,
                Err(_) => {
                    self.counts.unsent += 1;
                    return;
                }
            },
        };
        let Some(bytes) = buffer.get(..length) else { return };
        self.reporting.reports.sent(payload_octets);
        match self.ports.rtp.send_to(bytes, to) {
            Ok(_) => self.counts.sent += 1,
            Err(_) => self.counts.unsent += 1,
        }
    }

    /// Whether it speaks a wide-band codec.
    pub(super) fn is_wide(&self) -> bool {
        self.stream.is_some_and(|stream| stream.codec.band() == Band::Wide)
    }

    /// No RTP is expected: nobody is joined, the peer holds us or was never described.
    pub(super) fn is_expected(&self) -> bool {
        self.route.is_join() && self.stream.is_some_and(|stream| stream.peer_sends)
    }
}

/// Both directions of a leg's SRTP.
#[derive(Debug)]
pub(super) struct Security {
    keys: StreamKeys,
    pub(super) protector: Protector,
    pub(super) opener: Opener,
}

impl Security {
    /// A peer that describes itself anew under the same key goes on counting under it.
    fn after(before: Option<Box<Self>>, keys: StreamKeys) -> Box<Self> {
        let (protector, opener) = match before {
            Some(before) => {
                let before = *before;
                (
                    (before.keys.ours == keys.ours).then_some(before.protector),
                    (before.keys.theirs == keys.theirs).then_some(before.opener),
                )
            }
            None => (None, None),
        };
        Box::new(Self {
            keys,
            protector: protector.unwrap_or_else(|| Protector::new(&keys.ours)),
            opener: opener.unwrap_or_else(|| Opener::new(&keys.theirs)),
        })
    }
}

/// Listens to a leg's audio for keys.
#[derive(Debug, Default)]
pub(super) struct InBand {
    voice: Voice,
    listener: KeyListener,
    samples: Vec<i16>,
}

impl InBand {
    fn on(&mut self, codec: Codec, payload: &[u8]) -> Option<char> {
        let Self { voice, listener, samples } = self;
        samples.clear();
        voice.hear(codec, Band::Narrow, payload, samples);
        // A packet is far too short for two.
        samples.iter().filter_map(|sample| listener.on(*sample)).last()
    }
}

/// Who is the origin of an outgoing packet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Relayed(MediaId),
    Played(PlayId),
}

/// Random SSRC, sequence number and timestamp (RFC 3550 §5.1), from the keys that the standard library
/// draws for its hash tables: nothing but a stranger's guess depends on them.
fn beginnings(media: MediaId) -> (u32, u16, u32) {
    let bytes =
        u128::from(RandomState::new().hash_one(media)) << 64 | u128::from(RandomState::new().hash_one(media));
    let [s0, s1, s2, s3, n0, n1, t0, t1, t2, t3, ..] = bytes.to_be_bytes();
    (u32::from_be_bytes([s0, s1, s2, s3]), u16::from_be_bytes([n0, n1]), u32::from_be_bytes([t0, t1, t2, t3]))
}

/// 96 random bits, which tell nothing about this machine or the call (RFC 7022 §4.2).
fn cname(media: MediaId) -> String {
    let [a, b, c] = [(), (), ()].map(|()| RandomState::new().hash_one(media) & 0xffff_ffff);
    format!("{a:08x}{b:08x}{c:08x}")
}

/// All open legs.
#[derive(Debug, Default)]
pub(super) struct Legs {
    rows: Vec<Option<Leg>>,
    free: Vec<Row>,
    index: BTreeMap<MediaId, Row>,
}

impl Legs {
    pub(super) fn row(&self, media: MediaId) -> Option<Row> {
        self.index.get(&media).copied()
    }

    pub(super) fn get(&self, row: Row) -> Option<&Leg> {
        self.rows.get(row.0)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, row: Row) -> Option<&mut Leg> {
        self.rows.get_mut(row.0)?.as_mut()
    }

    pub(super) fn find(&mut self, media: MediaId) -> Option<&mut Leg> {
        let row = self.row(media)?;
        self.get_mut(row)
    }

    /// How many rows there are, taken or not.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The row that the next leg will have.
    pub(super) fn vacant(&self) -> Row {
        self.free.last().copied().unwrap_or(Row(self.rows.len()))
    }

    /// Seats a leg in [`Self::vacant`].
    pub(super) fn insert(&mut self, leg: Leg) {
        let row = self.free.pop().unwrap_or(Row(self.rows.len()));
        self.index.insert(leg.media, row);
        match self.rows.get_mut(row.0) {
            Some(vacant) => *vacant = Some(leg),
            None => self.rows.push(Some(leg)),
        }
    }

    /// Takes a leg out; what was routed to it is parted.
    pub(super) fn remove(&mut self, media: MediaId) -> Option<Leg> {
        let row = self.index.remove(&media)?;
        let leg = self.rows.get_mut(row.0)?.take()?;
        self.free.push(row);
        for other in self.iter_mut() {
            if other.route.to() == Some(row) {
                other.route = Route::Parted;
            }
        }
        Some(leg)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.rows.iter_mut().flatten()
    }

    /// Sends `from`'s packets to `to` alone: whoever fed `to` before is parted, so that nobody hears two.
    pub(super) fn route(&mut self, from: Row, route: Route) {
        for (row, leg) in self.rows.iter_mut().enumerate() {
            let Some(leg) = leg else { continue };
            if Row(row) == from {
                leg.route = route;
            } else if leg.route.to().is_some() && leg.route.to() == route.to() {
                leg.route = Route::Parted;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_legs_do_not_begin_alike() {
        assert_ne!(beginnings(MediaId(1)), beginnings(MediaId(1)));
        assert_ne!(beginnings(MediaId(1)), beginnings(MediaId(2)));
    }
}
