//! One leg's half of RTCP (RFC 3550 §6): counts what goes out and comes in, writes our reports (SR or
//! RR, SDES with the CNAME, BYE at the end) and reads the peer's. RTCP is never relayed: its SSRCs and
//! counts describe our own streams, which end and begin here. Pure: no socket, no clock; when to report
//! is the caller's. Reading starts at [`Reports`].

use std::time::{Duration, Instant};

use rtcp_types::{
    Bye, Compound, CompoundBuilder, ReceiverReport, ReportBlock, ReportBlockBuilder, RtcpPacket,
    RtcpPacketParser, RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem, SenderReport,
};

use super::{packet::Header, reception::Reception, timestamp::RtpTimestamp};

/// Larger than any report of ours: SR with one block (52 bytes), SDES with a CNAME of `MAX_CNAME` and
/// BYE (8).
pub const LARGEST_REPORT: usize = 128;

/// Bytes of a CNAME at most; more are cut off.
const MAX_CNAME: usize = 48;

/// From NTP's epoch, 1900, to Unix's.
const NTP_TO_UNIX_SECS: u64 = 2_208_988_800;

/// A round trip above this is a peer that computes its delay wrongly.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(30);

/// Wall-clock time as NTP writes it: seconds since 1900 in the upper half, which wraps in 2036, and
/// their fraction in the lower (RFC 3550 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// From the time passed since 1970.
    pub fn from_unix(since_1970: Duration) -> Self {
        let seconds = since_1970.as_secs().wrapping_add(NTP_TO_UNIX_SECS);
        Self((seconds << 32) | ((u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000))
    }

    /// The middle 32 bits, by which reports name each other: 1/65536 s.
    pub fn middle(self) -> u32 {
        let [_, _, a, b, c, d, _, _] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// The moment of a report, on each clock that it names.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: Instant,
    pub ntp: NtpTime,
}

/// What the peer says of the stream that we send it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerView {
    /// Of the packets it expected since its report before, in 256ths.
    pub fraction_lost: u8,
    /// Packets since the stream began; negative where duplicates outnumber the lost.
    pub lost: i32,
    /// In samples of 8 kHz.
    pub jitter_samples: u32,
    /// From us to the peer and back, without the time the peer took; `None` until it has seen a report
    /// of ours.
    pub round_trip: Option<Duration>,
}

/// Bytes that are not a compound RTCP packet (RFC 3550 A.2). Drop and count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RTCP packet")]
pub struct NotRtcp;

/// One leg's counts and the reports about them.
#[derive(Debug, Clone)]
pub struct Reports {
    /// Ours.
    ssrc: u32,
    cname: String,
    reception: Option<Reception>,
    packets: u32,
    octets: u32,
    /// `packets` at the last report and the one before that.
    packets_reported: [u32; 2],
    /// Anything was ever reported, so that the peer can know of us.
    reported: bool,
    last_sender_report: Option<SenderSeen>,
    peer: Option<PeerView>,
}

/// When the peer's latest SR came, and how it names itself.
#[derive(Debug, Clone, Copy)]
struct SenderSeen {
    ssrc: u32,
    middle: u32,
    at: Instant,
}

impl Reports {
    /// For the stream that goes out under `ssrc`. `cname` names us to the peer and should tell nothing
    /// else (RFC 7022); ASCII, of which `MAX_CNAME` bytes are used.
    pub fn new(ssrc: u32, cname: &str) -> Self {
        Self {
            ssrc,
            cname: cname.chars().filter(char::is_ascii_graphic).take(MAX_CNAME).collect(),
            reception: None,
            packets: 0,
            octets: 0,
            packets_reported: [0; 2],
            reported: false,
            last_sender_report: None,
            peer: None,
        }
    }

    /// Counts a packet that came in from the peer.
    pub fn received(&mut self, header: &Header, now: Instant) {
        match &mut self.reception {
            Some(reception) => reception.on(header, now),
            None => self.reception = Some(Reception::new(header, now)),
        }
    }

    /// Counts a packet that went out to the peer, with so many bytes of payload.
    pub fn sent(&mut self, payload_octets: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(payload_octets).unwrap_or(u32::MAX));
    }

    /// What the peer said last of our stream.
    pub fn peer(&self) -> Option<PeerView> {
        self.peer
    }

    /// Writes the report that is due: SR where we sent since the report before the last (RFC 3550
    /// §6.4), else RR. `timestamp` is where our stream's clock stands now. Returns its length; `None`
    /// where `out` is shorter than [`LARGEST_REPORT`] and the report does not fit.
    pub fn report(&mut self, at: Moment, timestamp: RtpTimestamp, out: &mut [u8]) -> Option<usize> {
        let written = self.compound(at, timestamp).write_into(out).ok();
        let [last, _] = self.packets_reported;
        self.packets_reported = [self.packets, last];
        self.reported = true;
        written
    }

    /// Writes the last report, with BYE; `None` also where the peer never heard of us (RFC 3550 §6.3.7).
    pub fn bye(&mut self, at: Moment, timestamp: RtpTimestamp, out: &mut [u8]) -> Option<usize> {
        if !self.reported && self.packets == 0 {
            return None;
        }
        let bye = Bye::builder().add_source(self.ssrc);
        self.compound(at, timestamp).add_packet(bye).write_into(out).ok()
    }

    /// Reads the peer's report. Who sent it must have been checked before.
    ///
    /// # Errors
    /// The bytes are no compound RTCP packet; nothing of them was believed.
    pub fn on(&mut self, bytes: &[u8], at: Moment) -> Result<(), NotRtcp> {
        check(bytes)?;
        let mut rest = bytes;
        while let Some((packet, after)) = split(rest) {
            rest = after;
            // Of types that we don't read, and of broken ones, the rest of the compound is still good.
            if let Ok(report) = SenderReport::parse(packet)
                && report.ssrc() != self.ssrc
            {
                let middle = NtpTime(report.ntp_timestamp()).middle();
                self.last_sender_report = Some(SenderSeen { ssrc: report.ssrc(), middle, at: at.now });
                report.report_blocks().for_each(|block| self.note(&block, at));
            } else if let Ok(report) = ReceiverReport::parse(packet)
                && report.ssrc() != self.ssrc
            {
                report.report_blocks().for_each(|block| self.note(&block, at));
            }
        }
        Ok(())
    }

    fn note(&mut self, block: &ReportBlock<'_>, at: Moment) {
        if block.ssrc() != self.ssrc {
            return;
        }
        let before = self.peer.and_then(|peer| peer.round_trip);
        self.peer = Some(PeerView {
            fraction_lost: block.fraction_lost(),
            lost: (block.cumulative_lost() << 8).cast_signed() >> 8,
            jitter_samples: block.interarrival_jitter(),
            round_trip: round_trip(block, at).or(before),
        });
    }

    fn compound(&mut self, at: Moment, timestamp: RtpTimestamp) -> CompoundBuilder<'_> {
        let block = self.block(at.now);
        let [_, before_last] = self.packets_reported;
        let compound = Compound::builder();
        let compound = if self.packets == before_last {
            let report = ReceiverReport::builder(self.ssrc);
            compound
                .add_packet(block.into_iter().fold(report, |report, block| report.add_report_block(block)))
        } else {
            let report = SenderReport::builder(self.ssrc)
                .ntp_timestamp(at.ntp.0)
                .rtp_timestamp(timestamp.0)
                .packet_count(self.packets)
                .octet_count(self.octets);
            compound
                .add_packet(block.into_iter().fold(report, |report, block| report.add_report_block(block)))
        };
        let cname = SdesItem::builder(SdesItem::CNAME, &self.cname);
        compound.add_packet(Sdes::builder().add_chunk(SdesChunk::builder(self.ssrc).add_item(cname)))
    }

    fn block(&mut self, now: Instant) -> Option<ReportBlockBuilder> {
        let report = self.reception.as_mut()?.report();
        let seen = self.last_sender_report.filter(|seen| seen.ssrc == report.ssrc);
        let (last, delay) =
            seen.map_or((0, 0), |seen| (seen.middle, fraction(now.saturating_duration_since(seen.at))));
        let block = ReportBlock::builder(report.ssrc)
            .fraction_lost(report.fraction_lost)
            .cumulative_lost(report.lost.cast_unsigned() & 0xff_ffff)
            .extended_sequence_number(report.highest_sequence)
            .interarrival_jitter(report.jitter_samples)
            .last_sender_report_timestamp(last)
            .delay_since_last_sender_report_timestamp(delay);
        Some(block)
    }
}

/// RFC 3550 §6.4.1: arrival − LSR − DLSR. `None` where the peer has had no SR of ours, or where the
/// result can't be.
fn round_trip(block: &ReportBlock<'_>, at: Moment) -> Option<Duration> {
    let last = block.last_sender_report_timestamp();
    if last == 0 {
        return None;
    }
    let delay = block.delay_since_last_sender_report_timestamp();
    let passed = at.ntp.middle().wrapping_sub(last).wrapping_sub(delay);
    let passed = Duration::from_micros((u64::from(passed) * 1_000_000) >> 16);
    (passed <= LONGEST_ROUND_TRIP).then_some(passed)
}

/// In 1/65536 s.
fn fraction(passed: Duration) -> u32 {
    u32::try_from((passed.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

/// RFC 3550 A.2: version 2 throughout, the lengths add up, the first is a report and not padded.
fn check(bytes: &[u8]) -> Result<(), NotRtcp> {
    let [first, packet_type, ..] = bytes else { return Err(NotRtcp) };
    let is_report = [SenderReport::PACKET_TYPE, ReceiverReport::PACKET_TYPE].contains(packet_type);
    if !is_report || first & 0x20 != 0 {
        return Err(NotRtcp);
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        (_, rest) = split(rest).ok_or(NotRtcp)?;
    }
    Ok(())
}

/// The first packet of a compound, and the others.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [first, _, high, low, ..] = bytes else { return None };
    let words = usize::from(u16::from_be_bytes([*high, *low]));
    if first >> 6 != 2 {
        return None;
    }
    bytes.split_at_checked((words + 1) * 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rtp::timestamp::SequenceNumber;

    const OURS: u32 = 0x0101_0101;
    const THEIRS: u32 = 0x0202_0202;

    /// Two ends that report to each other, and a wall clock that neither reads.
    struct Ends {
        us: Reports,
        them: Reports,
        start: Instant,
    }

    impl Ends {
        #[expect(clippy::disallowed_methods, reason = "any origin will do; all times are offsets from it")]
        fn new() -> Self {
            let (us, them) = (Reports::new(OURS, "us"), Reports::new(THEIRS, "them"));
            Self { us, them, start: Instant::now() }
        }

        fn at(&self, ms: u64) -> Moment {
            let passed = Duration::from_millis(ms);
            Moment {
                now: self.start + passed,
                ntp: NtpTime::from_unix(Duration::from_secs(1_795_440_000) + passed),
            }
        }
    }

    fn header(ssrc: u32, number: u16) -> Header {
        Header {
            payload_type: 8,
            marker: false,
            sequence: SequenceNumber(number),
            timestamp: RtpTimestamp(160 * u32::from(number)),
            ssrc,
        }
    }

    fn report(reports: &mut Reports, at: Moment) -> Vec<u8> {
        let mut out = [0; LARGEST_REPORT];
        let length = reports.report(at, RtpTimestamp(77), &mut out).unwrap();
        out[..length].to_vec()
    }

    fn types(bytes: &[u8]) -> Vec<u8> {
        check(bytes).unwrap();
        let mut rest = bytes;
        std::iter::from_fn(|| {
            let (packet, after) = split(rest)?;
            rest = after;
            Some(packet[1])
        })
        .collect()
    }

    #[test]
    fn ntp_time_is_that_of_a_known_date() {
        // 2026-11-23 00:00:00.5 UTC.
        let ntp = NtpTime::from_unix(Duration::from_millis(1_795_392_000_500));
        assert_eq!(ntp.0, ((1_795_392_000 + 2_208_988_800) << 32) | 0x8000_0000);
        assert_eq!(ntp.middle(), 0x0080_8000);
        // 2036-02-07 06:28:16 UTC, where the seconds wrap.
        assert_eq!(NtpTime::from_unix(Duration::from_secs(2_085_978_496)).0, 0);
    }

    #[test]
    fn a_sender_reports_its_counts_and_both_clocks() {
        let mut ends = Ends::new();
        for _ in 0..3 {
            ends.us.sent(160);
        }
        let at = ends.at(5_000);
        let bytes = report(&mut ends.us, at);
        assert_eq!(types(&bytes), [200, 202]);
        let (first, rest) = split(&bytes).unwrap();
        let sent = SenderReport::parse(first).unwrap();
        assert_eq!((sent.ssrc(), sent.packet_count(), sent.octet_count()), (OURS, 3, 480));
        assert_eq!((sent.ntp_timestamp(), sent.rtp_timestamp(), sent.n_reports()), (at.ntp.0, 77, 0));
        let sdes = Sdes::parse(rest).unwrap();
        let chunk = sdes.chunks().next().unwrap();
        let item = chunk.items().next().unwrap();
        assert_eq!((chunk.ssrc(), item.type_(), item.value()), (OURS, SdesItem::CNAME, &b"us"[..]));
    }

    #[test]
    fn who_stops_sending_is_a_receiver_two_reports_later() {
        let mut ends = Ends::new();
        let at = ends.at(0);
        assert_eq!(types(&report(&mut ends.us, at)), [201, 202]);
        ends.us.sent(160);
        assert_eq!(types(&report(&mut ends.us, at)), [200, 202]);
        assert_eq!(types(&report(&mut ends.us, at)), [200, 202]);
        assert_eq!(types(&report(&mut ends.us, at)), [201, 202]);
    }

    #[test]
    fn the_peer_learns_what_it_lost_of_ours_and_we_learn_it_from_the_peer() {
        let mut ends = Ends::new();
        for n in (0..40).filter(|n| n % 4 != 1) {
            ends.us.sent(160);
            let at = ends.at(20 * u64::from(n));
            ends.them.received(&header(OURS, n), at.now);
        }
        let at = ends.at(800);
        let bytes = report(&mut ends.them, at);
        ends.us.on(&bytes, at).unwrap();
        let expected = PeerView { fraction_lost: 64, lost: 10, jitter_samples: 0, round_trip: None };
        assert_eq!(ends.us.peer(), Some(expected));
        // More duplicates than losses: the 24 bits are signed.
        for n in [40, 41, 41, 41, 41, 41, 41, 41, 41, 41, 41, 41, 41, 41] {
            ends.them.received(&header(OURS, n), at.now);
        }
        let bytes = report(&mut ends.them, at);
        ends.us.on(&bytes, at).unwrap();
        assert_eq!(ends.us.peer().unwrap().lost, -2);
    }

    #[test]
    fn the_round_trip_leaves_out_the_time_that_the_peer_took() {
        let mut ends = Ends::new();
        ends.us.sent(160);
        ends.them.received(&header(OURS, 0), ends.start);
        let (sent, came, answered, back) = (ends.at(5_000), ends.at(5_030), ends.at(7_500), ends.at(7_540));
        let bytes = report(&mut ends.us, sent);
        ends.them.on(&bytes, came).unwrap();
        let bytes = report(&mut ends.them, answered);
        ends.us.on(&bytes, back).unwrap();
        let round_trip = ends.us.peer().unwrap().round_trip.unwrap();
        assert!(round_trip.abs_diff(Duration::from_millis(70)) < Duration::from_micros(50), "{round_trip:?}");
        // A peer whose delay is longer than the time there was: the figure before stays.
        ends.us.on(&bytes, ends.at(7_400)).unwrap();
        assert_eq!(ends.us.peer().unwrap().round_trip, Some(round_trip));
    }

    #[test]
    fn a_bye_comes_with_a_report_and_never_from_who_was_never_heard() {
        let mut ends = Ends::new();
        let at = ends.at(100);
        let mut out = [0; LARGEST_REPORT];
        assert_eq!(ends.us.bye(at, RtpTimestamp(0), &mut out), None);
        ends.us.sent(160);
        let length = ends.us.bye(at, RtpTimestamp(0), &mut out).unwrap();
        assert_eq!(types(&out[..length]), [200, 202, 203]);
        let mut rest = &out[..length];
        let bye = std::iter::from_fn(|| {
            let (packet, after) = split(rest)?;
            rest = after;
            Some(packet)
        })
        .last()
        .unwrap();
        assert_eq!(Bye::parse(bye).unwrap().ssrcs().collect::<Vec<_>>(), [OURS]);
    }

    #[test]
    fn the_longest_report_fits() {
        let mut ends = Ends::new();
        ends.us = Reports::new(OURS, &"x".repeat(300));
        ends.us.sent(160);
        ends.us.received(&header(THEIRS, 0), ends.start);
        let mut out = [0; LARGEST_REPORT];
        assert!(ends.us.bye(ends.at(0), RtpTimestamp(0), &mut out).is_some());
        assert_eq!(ends.us.report(ends.at(0), RtpTimestamp(0), &mut out[..40]), None);
    }

    #[test]
    fn our_own_reports_sent_back_to_us_mean_nothing() {
        let mut ends = Ends::new();
        ends.us.sent(160);
        ends.us.received(&header(OURS, 0), ends.start);
        let at = ends.at(0);
        let bytes = report(&mut ends.us, at);
        ends.us.on(&bytes, at).unwrap();
        assert_eq!(ends.us.peer(), None);
    }

    #[test]
    fn what_is_no_compound_is_refused() {
        let mut ends = Ends::new();
        let at = ends.at(0);
        ends.them.sent(1);
        let whole = report(&mut ends.them, at);
        let sdes_alone = &whole[28..];
        let cut = &whole[..whole.len() - 1];
        let long = [&whole[..], &[0; 4]].concat();
        let padded = [&[whole[0] | 0x20], &whole[1..]].concat();
        for junk in [&b""[..], b"\x80", b"\x80\xc8\x00\x06", sdes_alone, cut, &long, &padded] {
            assert_eq!(ends.us.on(junk, at), Err(NotRtcp), "{junk:02x?}");
        }
        assert_eq!(ends.us.on(&whole, at), Ok(()));
    }

    proptest! {
        #[test]
        fn no_bytes_can_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
            kind in 199u8..208,
            words in 0u8..30,
        ) {
            let mut ends = Ends::new();
            let at = ends.at(0);
            let _ = ends.us.on(&bytes, at);
            let mut shaped = bytes.clone();
            if let [first, packet_type, high, low, ..] = shaped.as_mut_slice() {
                (*first, *packet_type, *high, *low) = (*first & 0x1f | 0x80, kind, 0, words);
            }
            let _ = ends.us.on(&shaped, at);
        }
    }
}
