//! From the relay thread to the recorder's: a bounded, lock-free ring of bytes. A packet that finds it
//! full is dropped and counted on its recording; a recording's start keeps room for its end, so that an
//! end is never lost.

use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::{
    desk::ticket::TicketId,
    rtp::{
        packet::{Header, Packet},
        stream::{Band, Codec},
        timeline::Content,
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::RecordOrder,
};

/// Largest payload that a record carries; a datagram has no more.
const MAX_PAYLOAD: usize = 2_048;

/// Bytes before a record's payload.
const HEAD: usize = 32;

/// A channel of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The outside party.
    Left,
    /// The desk.
    Right,
}

/// What becomes of a recording that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    /// It is deleted.
    Nothing,
}

/// The relay's end: lives in its thread, never blocks, never allocates for a packet.
#[derive(Debug)]
pub struct Tap {
    ring: Producer<u8>,
    origin: Instant,
    /// By slot; `Some` while a recording runs there: packets dropped.
    running: Vec<Option<u64>>,
    /// Bytes kept free for the ends of what runs.
    reserved: usize,
    scratch: Box<[u8; HEAD + MAX_PAYLOAD]>,
}

/// The recorder's end.
#[derive(Debug)]
pub(super) struct Outlet {
    ring: Consumer<u8>,
    origin: Instant,
    scratch: Box<[u8; MAX_PAYLOAD]>,
}

/// What came through the ring, in order.
#[derive(Debug)]
pub(super) enum Record<'a> {
    Start { slot: u32, order: RecordOrder, band: Band, joined_at: Instant },
    Packet { slot: u32, channel: Channel, epoch: u32, arrival: Instant, content: Content, packet: Packet<'a> },
    Stop { slot: u32, ended_at: Instant, dropped: u64, keep: Keep },
}

/// A record's first bytes; a `Stop` says what to keep in `sequence`. Integers are in the machine's order: the ring never leaves the process.
#[derive(Debug, Clone, Copy)]
struct Head {
    kind: Kind,
    length: u16,
    slot: u32,
    epoch: u32,
    nanos: u64,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start(Band),
    Stop,
    Packet(Channel, Content),
}

const CONTENTS: [Content; 4] =
    [Content::Other, Content::Audio(Codec::Pcma), Content::Audio(Codec::Pcmu), Content::Audio(Codec::G722)];

/// Both ends of a ring of so many bytes. `origin`: any instant before the first packet.
pub(super) fn ring(bytes: usize, origin: Instant) -> (Tap, Outlet) {
    let (mut producer, mut consumer) = RingBuffer::new(bytes);
    // Every page is touched now, so that none is first touched on a packet's way.
    if let Ok(chunk) = producer.write_chunk(bytes) {
        chunk.commit_all();
    }
    if let Ok(chunk) = consumer.read_chunk(bytes) {
        chunk.commit_all();
    }
    let tap = Tap {
        ring: producer,
        origin,
        running: Vec::new(),
        reserved: 0,
        scratch: Box::new([0; HEAD + MAX_PAYLOAD]),
    };
    (tap, Outlet { ring: consumer, origin, scratch: Box::new([0; MAX_PAYLOAD]) })
}

impl Tap {
    /// Begins a recording in `slot`, which must be free; its sample 0 is `joined_at`. Fails, in words,
    /// only when the ring is full of packets that the recorder has not taken for seconds.
    pub fn start(
        &mut self,
        slot: u32,
        order: &RecordOrder,
        band: Band,
        joined_at: Instant,
    ) -> Result<(), String> {
        debug_assert!(!matches!(self.dropped(slot), Some(Some(_))), "slot {slot} is taken");
        let Some(path) = order.path.to_str() else {
            return Err("the recording's path is not UTF-8".to_owned());
        };
        let payload = format!("{}\n{path}", order.ticket);
        if payload.len() > MAX_PAYLOAD {
            return Err("the recording's path is too long".to_owned());
        }
        let head = Head { nanos: self.nanos(joined_at), ..Head::new(Kind::Start(band), slot) };
        if !self.push(head, payload.as_bytes(), HEAD) {
            return Err("the recorder is behind: its ring is full".to_owned());
        }
        self.reserved += HEAD;
        let index = usize::try_from(slot).unwrap_or(usize::MAX);
        if self.running.len() <= index {
            self.running.resize(index.saturating_add(1), None);
        }
        if let Some(place) = self.running.get_mut(index) {
            *place = Some(0);
        }
        Ok(())
    }

    /// Records a packet with audio. `epoch` counts up with each new leg on that channel; `arrival` is when
    /// it came to us. A packet for a slot where nothing runs is ignored.
    pub fn packet(
        &mut self,
        slot: u32,
        channel: Channel,
        epoch: u32,
        arrival: Instant,
        codec: Codec,
        packet: &Packet<'_>,
    ) {
        self.record(
            slot,
            epoch,
            arrival,
            Kind::Packet(channel, Content::Audio(codec)),
            packet.header,
            packet.payload,
        );
    }

    /// Notes a packet of the same stream without audio to record (telephone event, comfort noise): its
    /// number is then no lost packet's.
    pub fn no_audio(&mut self, slot: u32, channel: Channel, epoch: u32, arrival: Instant, header: &Header) {
        self.record(slot, epoch, arrival, Kind::Packet(channel, Content::Other), *header, &[]);
    }

    /// Ends the recording in `slot`, which is free from then on. `Recorded` or `RecordingFailed` follows;
    /// where nothing is kept, only the latter can.
    pub fn stop(&mut self, slot: u32, keep: Keep, ended_at: Instant) {
        let Some(dropped) = self.dropped(slot).and_then(Option::take) else { return };
        self.reserved -= HEAD;
        let [d0, d1, d2, d3, d4, d5, d6, d7] = dropped.to_ne_bytes();
        let head = Head {
            nanos: self.nanos(ended_at),
            sequence: u16::from(keep == Keep::Nothing),
            epoch: u32::from_ne_bytes([d0, d1, d2, d3]),
            ssrc: u32::from_ne_bytes([d4, d5, d6, d7]),
            ..Head::new(Kind::Stop, slot)
        };
        let pushed = self.push(head, &[], 0);
        debug_assert!(pushed, "room was kept");
    }

    fn record(
        &mut self,
        slot: u32,
        epoch: u32,
        arrival: Instant,
        kind: Kind,
        header: Header,
        payload: &[u8],
    ) {
        if self.dropped(slot).is_none_or(|running| running.is_none()) {
            return;
        }
        let head = Head {
            epoch,
            nanos: self.nanos(arrival),
            sequence: header.sequence.0,
            timestamp: header.timestamp.0,
            ssrc: header.ssrc,
            ..Head::new(kind, slot)
        };
        if (payload.len() > MAX_PAYLOAD || !self.push(head, payload, 0))
            && let Some(Some(dropped)) = self.dropped(slot)
        {
            *dropped += 1;
        }
    }

    fn dropped(&mut self, slot: u32) -> Option<&mut Option<u64>> {
        self.running.get_mut(usize::try_from(slot).ok()?)
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether the record fits beside what is reserved and `keep` more.
    fn push(&mut self, head: Head, payload: &[u8], keep: usize) -> bool {
        let Ok(length) = u16::try_from(payload.len()) else { return false };
        let Some(record) = self.scratch.get_mut(..HEAD + payload.len()) else { return false };
        if self.ring.slots() < record.len() + self.reserved + keep {
            return false;
        }
        let (start, rest) = record.split_at_mut(HEAD);
        start.copy_from_slice(&Head { length, ..head }.encode());
        rest.copy_from_slice(payload);
        self.ring.push_entire_slice(record).is_ok()
    }
}

impl Outlet {
    /// The next record, if there is one.
    pub(super) fn next(&mut self) -> Option<Record<'_>> {
        let mut head = [0; HEAD];
        // A record is published whole, so where its head is the rest is too.
        self.ring.pop_entire_slice(&mut head).ok()?;
        let head = Head::decode(&head)?;
        let payload = self.scratch.get_mut(..usize::from(head.length))?;
        self.ring.pop_entire_slice(payload).ok()?;
        let at = self.origin + Duration::from_nanos(head.nanos);
        let slot = head.slot;
        Some(match head.kind {
            Kind::Start(band) => {
                let (ticket, path) = std::str::from_utf8(payload).ok()?.split_once('\n')?;
                let ticket: TicketId = ticket.parse().ok()?;
                Record::Start { slot, order: RecordOrder { ticket, path: path.into() }, band, joined_at: at }
            }
            Kind::Stop => {
                let ([d0, d1, d2, d3], [d4, d5, d6, d7]) =
                    (head.epoch.to_ne_bytes(), head.ssrc.to_ne_bytes());
                let dropped = u64::from_ne_bytes([d0, d1, d2, d3, d4, d5, d6, d7]);
                let keep = if head.sequence == 0 { Keep::All } else { Keep::Nothing };
                Record::Stop { slot, ended_at: at, dropped, keep }
            }
            Kind::Packet(channel, content) => {
                let header = Header {
                    payload_type: 0,
                    marker: false,
                    sequence: SequenceNumber(head.sequence),
                    timestamp: RtpTimestamp(head.timestamp),
                    ssrc: head.ssrc,
                };
                let packet = Packet { header, payload };
                Record::Packet { slot, channel, epoch: head.epoch, arrival: at, content, packet }
            }
        })
    }
}

impl Head {
    fn new(kind: Kind, slot: u32) -> Self {
        Self { kind, length: 0, slot, epoch: 0, nanos: 0, sequence: 0, timestamp: 0, ssrc: 0 }
    }

    fn encode(self) -> [u8; HEAD] {
        let mut out = [0; HEAD];
        let fields: [&[u8]; 8] = [
            &[self.kind.code()],
            &self.length.to_ne_bytes(),
            &self.slot.to_ne_bytes(),
            &self.epoch.to_ne_bytes(),
            &self.nanos.to_ne_bytes(),
            &self.sequence.to_ne_bytes(),
            &self.timestamp.to_ne_bytes(),
            &self.ssrc.to_ne_bytes(),
        ];
        for (place, byte) in out.iter_mut().zip(fields.into_iter().flatten()) {
            *place = *byte;
        }
        out
    }

    fn decode(bytes: &[u8; HEAD]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (slot, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (nanos, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (timestamp, rest) = rest.split_first_chunk()?;
        let (ssrc, _) = rest.split_first_chunk()?;
        Some(Self {
            kind: Kind::decode(*kind)?,
            length: u16::from_ne_bytes(*length),
            slot: u32::from_ne_bytes(*slot),
            epoch: u32::from_ne_bytes(*epoch),
            nanos: u64::from_ne_bytes(*nanos),
            sequence: u16::from_ne_bytes(*sequence),
            timestamp: u32::from_ne_bytes(*timestamp),
            ssrc: u32::from_ne_bytes(*ssrc),
        })
    }
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Start(Band::Narrow) => 0,
            Self::Start(Band::Wide) => 10,
            Self::Stop => 1,
            Self::Packet(channel, content) => {
                let side = if channel == Channel::Left { 2 } else { 6 };
                let content = match content {
                    Content::Other => 0,
                    Content::Audio(Codec::Pcma) => 1,
                    Content::Audio(Codec::Pcmu) => 2,
                    Content::Audio(Codec::G722) => 3,
                };
                side + content
            }
        }
    }

    fn decode(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Start(Band::Narrow),
            10 => Self::Start(Band::Wide),
            1 => Self::Stop,
            2..=5 => Self::Packet(Channel::Left, *CONTENTS.get(usize::from(code - 2))?),
            _ => Self::Packet(Channel::Right, *CONTENTS.get(usize::from(code.checked_sub(6)?))?),
        })
    }
}
