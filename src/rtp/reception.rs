//! What arrived of one incoming stream, for our RTCP reports: packets expected and lost, and jitter
//! (RFC 3550 §6.4.1, A.1, A.3, A.8). A few integer operations a packet. Pure: time is an argument.

use std::time::{Duration, Instant};

use super::{
    g711::SAMPLE_RATE,
    packet::Header,
    timestamp::{RtpTimestamp, SequenceNumber},
};

/// A packet this far behind the newest, or more, is a sender that began anew (RFC 3550 A.1).
const MAX_MISORDER: i16 = 100;

/// A packet this far ahead of the newest, or more, is a sender that began anew (RFC 3550 A.1).
const MAX_DROPOUT: i16 = 3000;

/// A transit time that changes by more samples than this, a second's, is a sender that set its clock anew
/// and no jitter. Departs from RFC 3550 A.8 because phones stop their clock while they hold.
const MAX_TRANSIT_STEP: u32 = SAMPLE_RATE;

/// Nanoseconds of one sample.
const SAMPLE_NANOS: u32 = 1_000_000_000 / SAMPLE_RATE;

/// The statistics of one SSRC.
#[derive(Debug, Clone)]
pub struct Reception {
    ssrc: u32,
    start: Instant,
    /// Extended by the number of wraps in the upper half, as are all numbers here.
    first: u32,
    highest: u32,
    received: u32,
    /// The number that would show that a jump is a new beginning and not one broken packet.
    after_jump: Option<SequenceNumber>,
    timestamp: RtpTimestamp,
    /// Arrival minus RTP time of the latest packet, in samples; only its changes mean anything.
    transit: u32,
    /// In sixteenths of a sample, as A.8 keeps it.
    jitter_sixteenths: u32,
    expected_before: u32,
    received_before: u32,
}

/// What a report says of one stream (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceptionReport {
    pub ssrc: u32,
    /// Of the packets expected since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Since the stream began; negative where duplicates outnumber the lost. Within 24 bits.
    pub lost: i32,
    /// Upper half: how often the number wrapped.
    pub highest_sequence: u32,
    /// In samples of 8 kHz.
    pub jitter_samples: u32,
}

impl Reception {
    /// Begins with the first packet of a stream.
    pub fn new(header: &Header, now: Instant) -> Self {
        let first = u32::from(header.sequence.0);
        Self {
            ssrc: header.ssrc,
            start: now,
            first,
            highest: first,
            received: 1,
            after_jump: None,
            timestamp: header.timestamp,
            transit: 0u32.wrapping_sub(header.timestamp.0),
            jitter_sixteenths: 0,
            expected_before: 0,
            received_before: 0,
        }
    }

    /// The SSRC that is counted.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Takes in one packet more. Another SSRC, or a second packet in order after a jump, begins anew.
    pub fn on(&mut self, header: &Header, now: Instant) {
        if header.ssrc != self.ssrc {
            *self = Self::new(header, now);
            return;
        }
        let step = header.sequence.since(newest(self.highest));
        if (0..MAX_DROPOUT).contains(&step) {
            self.highest = self.highest.wrapping_add_signed(step.into());
        } else if step <= -MAX_MISORDER || step >= MAX_DROPOUT {
            if self.after_jump == Some(header.sequence) {
                *self = Self::new(header, now);
            } else {
                self.after_jump = Some(header.sequence.plus(1));
            }
            return;
        }
        self.after_jump = None;
        self.received = self.received.wrapping_add(1);
        self.note_transit(header, now);
    }

    fn note_transit(&mut self, header: &Header, now: Instant) {
        // The packets of one telephone event share a timestamp (RFC 4733 §2.2.1): they are sent later than
        // it says, and that is no jitter.
        if header.timestamp == self.timestamp {
            return;
        }
        let arrival = samples(now.saturating_duration_since(self.start));
        let transit = arrival.wrapping_sub(header.timestamp.0);
        let change = transit.wrapping_sub(self.transit).cast_signed().unsigned_abs();
        self.timestamp = header.timestamp;
        self.transit = transit;
        if change <= MAX_TRANSIT_STEP {
            let decay = self.jitter_sixteenths.saturating_add(8) >> 4;
            self.jitter_sixteenths = self.jitter_sixteenths.saturating_add(change).saturating_sub(decay);
        }
    }

    /// What to report, and begins the next interval of the fraction (RFC 3550 A.3).
    pub fn report(&mut self) -> ReceptionReport {
        let expected = self.highest.wrapping_sub(self.first).wrapping_add(1);
        let expected_now = expected.wrapping_sub(self.expected_before);
        let received_now = self.received.wrapping_sub(self.received_before);
        self.expected_before = expected;
        self.received_before = self.received;
        let lost_now = u64::from(expected_now.saturating_sub(received_now));
        let fraction = (lost_now << 8).checked_div(expected_now.into()).unwrap_or(0);
        ReceptionReport {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: expected.wrapping_sub(self.received).cast_signed().clamp(-0x80_0000, 0x7f_ffff),
            highest_sequence: self.highest,
            jitter_samples: self.jitter_sixteenths >> 4,
        }
    }
}

fn newest(extended: u32) -> SequenceNumber {
    let [_, _, high, low] = extended.to_be_bytes();
    SequenceNumber(u16::from_be_bytes([high, low]))
}

/// Wraps as RTP time does.
fn samples(passed: Duration) -> u32 {
    let whole = u32::try_from(passed.as_secs()).unwrap_or(u32::MAX).wrapping_mul(SAMPLE_RATE);
    whole.wrapping_add(passed.subsec_nanos() / SAMPLE_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stream {
        reception: Option<Reception>,
        start: Instant,
    }

    impl Stream {
        #[expect(clippy::disallowed_methods, reason = "any origin will do; all times are offsets from it")]
        fn new() -> Self {
            Self { reception: None, start: Instant::now() }
        }

        fn hears(&mut self, ssrc: u32, sequence: u16, timestamp: u32, at_ms: u64) {
            let header = Header {
                payload_type: 8,
                marker: false,
                sequence: SequenceNumber(sequence),
                timestamp: RtpTimestamp(timestamp),
                ssrc,
            };
            let now = self.start + Duration::from_millis(at_ms);
            match &mut self.reception {
                Some(reception) => reception.on(&header, now),
                None => self.reception = Some(Reception::new(&header, now)),
            }
        }

        /// The packets of a 20 ms stream with these places in it, each on time.
        fn hears_places(&mut self, places: impl IntoIterator<Item = u16>) {
            for n in places {
                let (number, time) =
                    (65_530u16.wrapping_add(n), 0xffff_fe00u32.wrapping_add(160 * u32::from(n)));
                self.hears(7, number, time, 20 * u64::from(n));
            }
        }

        fn report(&mut self) -> ReceptionReport {
            self.reception.as_mut().unwrap().report()
        }
    }

    #[test]
    fn a_perfect_stream_loses_nothing_and_has_no_jitter_across_both_wraps() {
        let mut stream = Stream::new();
        stream.hears_places(0..50);
        let highest_sequence = 65_530 + 49;
        let expected =
            ReceptionReport { ssrc: 7, fraction_lost: 0, lost: 0, highest_sequence, jitter_samples: 0 };
        assert_eq!(stream.report(), expected);
    }

    #[test]
    fn the_fraction_is_of_the_last_interval_and_the_count_of_all() {
        let mut stream = Stream::new();
        stream.hears_places((0..40).filter(|n| n % 4 != 1));
        let report = stream.report();
        assert_eq!((report.fraction_lost, report.lost), (64, 10));
        stream.hears_places(40..80);
        let report = stream.report();
        assert_eq!((report.fraction_lost, report.lost), (0, 10));
        let report = stream.report();
        assert_eq!((report.fraction_lost, report.lost), (0, 10), "nothing was expected");
    }

    #[test]
    fn a_late_packet_is_not_lost_and_a_doubled_one_counts_against_the_loss() {
        let mut stream = Stream::new();
        stream.hears_places([0, 1, 3, 2, 4]);
        assert_eq!(stream.report().lost, 0);
        stream.hears_places([5, 5, 5]);
        let report = stream.report();
        assert_eq!((report.fraction_lost, report.lost), (0, -2));
    }

    #[test]
    fn jitter_is_that_of_the_rfc_for_a_known_sequence() {
        // Each second packet is 5 ms late: |D| is 40 samples each time, and J goes towards it by a 16th.
        let mut stream = Stream::new();
        let mut expected = 0.0f64;
        for n in 0..200u16 {
            let late = if n % 2 == 1 { 5 } else { 0 };
            stream.hears(7, n, 160 * u32::from(n), 20 * u64::from(n) + late);
            if n > 0 {
                expected += (40.0 - expected) / 16.0;
            }
            if matches!(n, 1 | 2 | 10 | 199) {
                let jitter = f64::from(stream.report().jitter_samples);
                assert!((expected - 1.1..=expected).contains(&jitter), "{n}: {jitter} {expected}");
            }
        }
        assert!((39.0..=40.0).contains(&expected));
    }

    #[test]
    fn a_key_pressed_for_a_second_is_no_jitter() {
        let mut stream = Stream::new();
        stream.hears_places(0..10);
        for n in 10..60u16 {
            stream.hears(7, 65_530u16.wrapping_add(n), 0xffff_fe00u32.wrapping_add(1600), 20 * u64::from(n));
        }
        stream.hears_places(60..70);
        let report = stream.report();
        assert_eq!((report.jitter_samples, report.lost), (0, 0));
    }

    #[test]
    fn a_clock_that_stood_still_during_a_hold_is_no_jitter() {
        let mut stream = Stream::new();
        stream.hears(7, 0, 0, 0);
        stream.hears(7, 1, 160, 20);
        stream.hears(7, 2, 320, 60_040);
        stream.hears(7, 3, 480, 60_060);
        assert_eq!(stream.report().jitter_samples, 0);
    }

    #[test]
    fn one_broken_number_changes_nothing_and_a_new_beginning_begins_anew() {
        let mut stream = Stream::new();
        stream.hears_places(0..4);
        stream.hears(7, 30_000, 0, 80);
        stream.hears_places([4]);
        assert_eq!(stream.report().highest_sequence, 65_534);
        stream.hears(7, 30_000, 0, 100);
        stream.hears(7, 30_001, 160, 120);
        stream.hears(7, 30_002, 320, 140);
        let report = stream.report();
        assert_eq!((report.highest_sequence, report.lost), (30_002, 0));
        stream.hears(8, 5, 0, 160);
        let report = stream.report();
        assert_eq!((report.ssrc, report.highest_sequence, report.lost), (8, 5, 0));
    }
}
