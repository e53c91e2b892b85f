//! RTCP, as little as a relay of its own needs (RFC 3550 §6): what we heard of a source and sent to it,
//! told to the peer in a report each few seconds, and what the peer tells of us. Bytes are read and
//! written by `rtcp-types`. Pure: both clocks are arguments.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rtcp_types::{
    Bye, Compound, CompoundBuilder, Packet as Rtcp, ReceiverReport, ReportBlock, ReportBlockBuilder, Sdes,
    SdesChunk, SdesItem, SenderReport, prelude::RtcpPacketWriterExt,
};

use super::{
    g711::SAMPLE_RATE,
    packet::Header,
    timestamp::{RtpTimestamp, SequenceNumber},
};

/// Seconds from 1900, where NTP begins, to 1970 (RFC 5905 §6).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// A number this far ahead, or further behind than the next, is a source that began anew (RFC 3550 A.1).
const MAX_DROPOUT: i16 = 3_000;
const MAX_MISORDER: i16 = -100;

/// Bytes that any of our compound packets fits in.
const LARGEST: usize = 512;

/// What we heard of one source (RFC 3550 A.1, A.3, A.8).
#[derive(Debug, Clone)]
pub struct Reception {
    ssrc: u32,
    first: SequenceNumber,
    newest: SequenceNumber,
    /// Numbers from the first to the newest.
    expected: u64,
    received: u64,
    /// `expected` and `received` at the last report.
    reported: (u64, u64),
    last: (RtpTimestamp, Instant),
    jitter_samples: f64,
    /// The middle of the last sender report's NTP time, and when it came.
    sender_report: Option<(u32, Instant)>,
}

/// What we sent to one peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    pub packets: u32,
    /// Of payload.
    pub octets: u32,
    /// Timestamp and instant of the newest packet.
    pub newest: Option<(RtpTimestamp, Instant)>,
}

/// What a peer's RTCP says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// How our packets fare on their way to the peer.
    pub hears_us: Option<Hearing>,
    /// Its own sender report: SSRC and the middle 32 bits of the NTP time, for
    /// [`Reception::sender_report`].
    pub sender_report: Option<(u32, u32)>,
    /// It says that it stops sending.
    pub bye: bool,
}

/// A report block about us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearing {
    /// Packets lost since the last report, of 256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning.
    pub lost: u32,
    pub jitter: Duration,
    /// There and back again, where the peer has had a sender report of ours.
    pub round_trip: Option<Duration>,
}

/// Bytes that are no compound RTCP packet. Drop and count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RTCP packet")]
pub struct NotRtcp;

impl Reception {
    /// Begins with a source's first packet.
    pub fn new(header: &Header, arrival: Instant) -> Self {
        Self {
            ssrc: header.ssrc,
            first: header.sequence,
            newest: header.sequence,
            expected: 1,
            received: 1,
            reported: (0, 0),
            last: (header.timestamp, arrival),
            jitter_samples: 0.0,
            sender_report: None,
        }
    }

    /// Takes in a packet. Another SSRC, or numbers that began anew, begin the figures anew.
    pub fn packet(&mut self, header: &Header, arrival: Instant) {
        let step = header.sequence.since(self.newest);
        if header.ssrc != self.ssrc || !(MAX_MISORDER..MAX_DROPOUT).contains(&step) {
            *self = Self::new(header, arrival);
            return;
        }
        self.received = self.received.saturating_add(1);
        if let Ok(step) = u64::try_from(step) {
            self.expected = self.expected.saturating_add(step);
            self.newest = header.sequence;
        }
        let (timestamp, before) = self.last;
        let passed = arrival.saturating_duration_since(before).as_secs_f64() * f64::from(SAMPLE_RATE);
        let apart = (passed - f64::from(header.timestamp.since(timestamp))).abs();
        self.jitter_samples += (apart - self.jitter_samples) / 16.0;
        self.last = (header.timestamp, arrival);
    }

    /// Notes the source's sender report (see [`Told::sender_report`]).
    pub fn sender_report(&mut self, ssrc: u32, ntp_middle: u32, arrival: Instant) {
        if ssrc == self.ssrc {
            self.sender_report = Some((ntp_middle, arrival));
        }
    }

    /// Packets that never came.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }

    /// How much the packets' spacing varies.
    pub fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter_samples / f64::from(SAMPLE_RATE))
    }

    fn block(&mut self, now: Instant) -> ReportBlockBuilder {
        let (expected, received) = (self.expected - self.reported.0, self.received - self.reported.1);
        self.reported = (self.expected, self.received);
        let lost = expected.saturating_sub(received);
        let fraction = lost.saturating_mul(256).checked_div(expected).unwrap_or(0);
        let (ntp, delay) = self.sender_report.map_or((0, 0), |(ntp, arrival)| {
            let delay = now.saturating_duration_since(arrival).as_nanos() * 65_536 / 1_000_000_000;
            (ntp, u32::try_from(delay).unwrap_or(u32::MAX))
        });
        // Cycles of the counter above the number itself.
        let extended = u64::from(self.first.0) + self.expected - 1;
        ReportBlock::builder(self.ssrc)
            .fraction_lost(u8::try_from(fraction).unwrap_or(u8::MAX))
            .cumulative_lost(u32::try_from(self.lost()).unwrap_or(u32::MAX).min(0x7f_ffff))
            .extended_sequence_number(u32::try_from(extended & 0xffff_ffff).unwrap_or(0))
            .interarrival_jitter(rounded(self.jitter_samples))
            .last_sender_report_timestamp(ntp)
            .delay_since_last_sender_report_timestamp(delay)
    }
}

impl Sent {
    /// Notes a packet that went out.
    pub fn packet(&mut self, timestamp: RtpTimestamp, payload: usize, now: Instant) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(payload).unwrap_or(0));
        self.newest = Some((timestamp, now));
    }
}

/// A report for a peer: a sender report if we sent it anything, else a receiver report, with what we
/// heard of it, and our name (RFC 3550 §6.1: every compound packet has both).
pub fn report(
    ssrc: u32,
    cname: &str,
    sent: &Sent,
    heard: Option<&mut Reception>,
    now: Instant,
    wall: DateTime<Utc>,
) -> Vec<u8> {
    written(begin(ssrc, cname, sent, heard, now, wall))
}

/// The same, and that we stop (RFC 3550 §6.6).
pub fn bye(
    ssrc: u32,
    cname: &str,
    sent: &Sent,
    heard: Option<&mut Reception>,
    now: Instant,
    wall: DateTime<Utc>,
) -> Vec<u8> {
    written(begin(ssrc, cname, sent, heard, now, wall).add_packet(Bye::builder().add_source(ssrc)))
}

fn begin<'a>(
    ssrc: u32,
    cname: &'a str,
    sent: &Sent,
    heard: Option<&mut Reception>,
    now: Instant,
    wall: DateTime<Utc>,
) -> CompoundBuilder<'a> {
    let block = heard.map(|heard| heard.block(now));
    let name = SdesChunk::builder(ssrc).add_item(SdesItem::builder(SdesItem::CNAME, cname));
    let compound = match sent.newest {
        Some((timestamp, at)) => {
            let passed = now.saturating_duration_since(at).as_secs_f64() * f64::from(SAMPLE_RATE);
            let mut sender = SenderReport::builder(ssrc)
                .ntp_timestamp(ntp(wall))
                .rtp_timestamp(timestamp.plus(rounded(passed)).0)
                .packet_count(sent.packets)
                .octet_count(sent.octets);
            if let Some(block) = block {
                sender = sender.add_report_block(block);
            }
            Compound::builder().add_packet(sender)
        }
        None => {
            let mut receiver = ReceiverReport::builder(ssrc);
            if let Some(block) = block {
                receiver = receiver.add_report_block(block);
            }
            Compound::builder().add_packet(receiver)
        }
    };
    compound.add_packet(Sdes::builder().add_chunk(name))
}

fn written(compound: CompoundBuilder<'_>) -> Vec<u8> {
    let mut out = vec![0; LARGEST];
    // Only a name beyond 255 bytes cannot be written; then there is nothing to send.
    let length = compound.write_into(&mut out).unwrap_or(0);
    out.truncate(length);
    out
}

/// Reads a peer's compound packet; `ours` is the SSRC that we send to it under. Packets of it that we do
/// not know are passed over.
pub fn read(bytes: &[u8], ours: u32, wall: DateTime<Utc>) -> Result<Told, NotRtcp> {
    let mut told = Told::default();
    for packet in Compound::parse(bytes).map_err(|_| NotRtcp)? {
        match packet.map_err(|_| NotRtcp)? {
            Rtcp::Sr(report) => {
                told.sender_report = Some((report.ssrc(), middle(report.ntp_timestamp())));
                told.hears_us = report.report_blocks().find(|b| b.ssrc() == ours).map(|b| hearing(&b, wall));
            }
            Rtcp::Rr(report) => {
                told.hears_us = report.report_blocks().find(|b| b.ssrc() == ours).map(|b| hearing(&b, wall));
            }
            Rtcp::Bye(_) => told.bye = true,
            Rtcp::App(_)
            | Rtcp::Sdes(_)
            | Rtcp::TransportFeedback(_)
            | Rtcp::PayloadFeedback(_)
            | Rtcp::Xr(_)
            | Rtcp::Unknown(_) => {}
        }
    }
    Ok(told)
}

fn hearing(block: &ReportBlock<'_>, wall: DateTime<Utc>) -> Hearing {
    let round_trip = (block.last_sender_report_timestamp() != 0).then(|| {
        let away = middle(ntp(wall))
            .wrapping_sub(block.last_sender_report_timestamp())
            .wrapping_sub(block.delay_since_last_sender_report_timestamp());
        // In 1/65536 s; a little below nought is rounding, and nobody is 18 hours away.
        Duration::from_secs_f64(f64::from(away.cast_signed().max(0)) / 65_536.0)
    });
    Hearing {
        fraction_lost: block.fraction_lost(),
        lost: block.cumulative_lost(),
        jitter: Duration::from_secs_f64(f64::from(block.interarrival_jitter()) / f64::from(SAMPLE_RATE)),
        round_trip,
    }
}

/// Wall time as RFC 3550 §4 wants it: seconds since 1900 and their 2⁻³²ths.
fn ntp(wall: DateTime<Utc>) -> u64 {
    let seconds = u64::try_from(wall.timestamp()).unwrap_or(0).wrapping_add(NTP_TO_UNIX);
    let fraction = (u64::from(wall.timestamp_subsec_nanos()) << 32) / 1_000_000_000;
    seconds << 32 | fraction & 0xffff_ffff
}

fn middle(ntp: u64) -> u32 {
    u32::try_from(ntp >> 16 & 0xffff_ffff).unwrap_or(0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float's cast saturates")]
fn rounded(samples: f64) -> u32 {
    samples.round() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(number: u16) -> Header {
        Header {
            payload_type: 8,
            marker: false,
            sequence: SequenceNumber(65_530u16.wrapping_add(number)),
            timestamp: RtpTimestamp(u32::from(number) * 160),
            ssrc: 7,
        }
    }

    fn wall(seconds: f64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::from_secs_f64(1_795_000_000.0 + seconds)
    }

    #[expect(clippy::disallowed_methods, reason = "any origin will do; all times are offsets from it")]
    fn origin() -> Instant {
        Instant::now()
    }

    /// Hears packets 0..=`last` each 20 ms, except the lost ones.
    fn hear(last: u16, lost: &[u16], start: Instant) -> Reception {
        let mut reception = Reception::new(&header(0), start);
        for n in (1..=last).filter(|n| !lost.contains(n)) {
            reception.packet(&header(n), start + Duration::from_millis(20) * u32::from(n));
        }
        reception
    }

    #[test]
    fn loss_is_counted_across_the_wrap_and_told_as_a_share_since_the_last_report() {
        let start = origin();
        let mut reception = hear(99, &[10, 11, 12, 13, 14], start);
        assert_eq!((reception.lost(), reception.jitter()), (5, Duration::ZERO));
        let first = report(1, "us", &Sent::default(), Some(&mut reception), start, wall(0.0));
        let again = report(1, "us", &Sent::default(), Some(&mut reception), start, wall(0.0));
        let told = |bytes: &[u8]| read(bytes, 7, wall(0.0)).unwrap().hears_us.unwrap();
        assert_eq!((told(&first).fraction_lost, told(&first).lost), (12, 5)); // 5 of 100, of 256
        assert_eq!((told(&again).fraction_lost, told(&again).lost), (0, 5));
        let Some(Ok(Rtcp::Rr(receiver))) = Compound::parse(&first).unwrap().next() else { panic!() };
        assert_eq!(receiver.report_blocks().next().unwrap().extended_sequence_number(), 65_530 + 99);
    }

    #[test]
    fn jitter_is_that_of_the_rfc() {
        let start = origin();
        let mut reception = Reception::new(&header(0), start);
        for n in 1..400u16 {
            let late = Duration::from_millis(u64::from(n % 2) * 8);
            reception.packet(&header(n), start + Duration::from_millis(20) * u32::from(n) + late);
        }
        // Each packet is 8 ms nearer to or further from the one before.
        assert!((reception.jitter().as_secs_f64() - 0.008).abs() < 1e-6, "{:?}", reception.jitter());
    }

    #[test]
    fn a_source_that_begins_anew_begins_its_figures_anew() {
        let start = origin();
        let mut reception = hear(50, &[20], start);
        reception.packet(&Header { ssrc: 8, ..header(0) }, start);
        assert_eq!(reception.lost(), 0);
        let mut reception = hear(50, &[20], start);
        reception.packet(&header(9_000), start);
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn two_ends_measure_their_round_trip() {
        let start = origin();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut sent = Sent::default();
        sent.packet(RtpTimestamp(160), 160, at(0));
        // We report at 0 ms; it is there at 30; the peer reports at 1030; that is here at 1060.
        let ours = report(7, "us", &sent, None, at(0), wall(0.0));
        let there = read(&ours, 99, wall(0.030)).unwrap();
        let (ssrc, ntp_middle) = there.sender_report.unwrap();
        assert_eq!(ssrc, 7);
        let mut reception = hear(1, &[], start);
        reception.sender_report(ssrc, ntp_middle, at(30));
        let theirs = report(99, "peer", &Sent::default(), Some(&mut reception), at(1_030), wall(1.030));
        let round_trip = read(&theirs, 7, wall(1.060)).unwrap().hears_us.unwrap().round_trip.unwrap();
        assert!((round_trip.as_secs_f64() - 0.060).abs() < 0.000_1, "{round_trip:?}");
    }

    #[test]
    fn a_bye_is_a_report_a_name_and_the_end() {
        let bytes = bye(7, "hotline@192.0.2.1", &Sent::default(), None, origin(), wall(0.0));
        let types: Vec<u8> = {
            let mut rest = &bytes[..];
            let mut types = vec![];
            while !rest.is_empty() {
                types.push(rest[1]);
                rest = &rest[4 * (1 + usize::from(u16::from_be_bytes([rest[2], rest[3]])))..];
            }
            types
        };
        assert_eq!(types, [201, 202, 203]);
        assert!(read(&bytes, 1, wall(0.0)).unwrap().bye);
    }

    proptest! {
        #[test]
        fn no_bytes_can_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 200u8..208) {
            let _ = read(&bytes, 7, wall(0.0));
            // Most random bytes are no RTCP at all: make them look like one packet.
            bytes.truncate(bytes.len() / 4 * 4);
            if let [first, second, third, fourth, ..] = &mut bytes[..] {
                *first = *first & 0x3f | 0x80;
                *second = kind;
                *third = 0;
                *fourth = 0;
            }
            if bytes.len() >= 4 {
                bytes[3] = u8::try_from(bytes.len() / 4 - 1).unwrap();
            }
            let _ = read(&bytes, 7, wall(0.0));
        }
    }
}
