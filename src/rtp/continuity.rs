//! One leg's outgoing stream. What we send a peer comes from several sources in turn (a prompt, the
//! desk, after a forward the mobile), each with its own SSRC, numbers and clock; the peer sees one
//! stream that never jumps. Within one source, numbers and times keep their distances, so loss and
//! reordering on the way to us stay visible to the peer. Pure: time is an argument.

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

/// Rewrites the headers of everything that goes out on one leg.
#[derive(Debug, Clone)]
pub struct Continuity {
    ssrc: u32,
    /// The newest packet that went out.
    sequence: SequenceNumber,
    timestamp: RtpTimestamp,
    at: Instant,
    current: Option<Source>,
    former: Option<Source>,
}

/// One source while it is the one that goes out.
#[derive(Debug, Clone, Copy)]
struct Source {
    /// Given by the caller: which leg or player it is.
    id: u64,
    ssrc: u32,
    newest: SequenceNumber,
    /// Packets behind the newest that still belong to it and not to the source before.
    behind: i16,
    sequence_shift: u16,
    timestamp_shift: u32,
}

impl Continuity {
    /// A stream that goes out under `ssrc` and goes on from these (random, RFC 3550 §5.1) positions.
    pub fn new(ssrc: u32, sequence: u16, timestamp: u32, now: Instant) -> Self {
        Self {
            ssrc,
            sequence: SequenceNumber(sequence),
            timestamp: RtpTimestamp(timestamp),
            at: now,
            current: None,
            former: None,
        }
    }

    /// The SSRC of everything that goes out.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Where the stream's clock stands at `now`, by its newest packet (RFC 3550 §6.4.1).
    pub fn timestamp(&self, now: Instant) -> RtpTimestamp {
        self.timestamp.plus(samples(now.saturating_duration_since(self.at)))
    }

    /// The header under which a packet of `source` goes out now, payload type as it came. Another
    /// `source`, SSRC or numbering is a switch: numbers go on by one, time by what passed, and the
    /// marker is set. `None`: a straggler of the source before, not to be sent.
    pub fn on(&mut self, source: u64, header: &Header, now: Instant) -> Option<Header> {
        let Some(current) = self.current.as_mut().filter(|current| current.goes_on_with(source, header))
        else {
            if self
                .former
                .is_some_and(|former| former.goes_on_with(source, header) && former.step(header) <= 0)
            {
                return None;
            }
            return Some(self.switch(source, header, now));
        };
        let step = current.step(header);
        if step < -current.behind {
            return None; // Sent before the switch: its number is taken.
        }
        let out = current.shift(header, self.ssrc);
        if step > 0 {
            current.newest = header.sequence;
            current.behind = current.behind.saturating_add(step).min(MAX_MISORDER);
            self.sequence = out.sequence;
            self.timestamp = out.timestamp;
            self.at = now;
        }
        Some(out)
    }

    fn switch(&mut self, id: u64, header: &Header, now: Instant) -> Header {
        self.sequence = self.sequence.plus(1);
        self.timestamp = self.timestamp.plus(samples(now.saturating_duration_since(self.at)).max(1));
        self.at = now;
        let source = Source {
            id,
            ssrc: header.ssrc,
            newest: header.sequence,
            behind: 0,
            sequence_shift: self.sequence.0.wrapping_sub(header.sequence.0),
            timestamp_shift: self.timestamp.0.wrapping_sub(header.timestamp.0),
        };
        self.former = self.current.replace(source);
        Header { marker: true, ..source.shift(header, self.ssrc) }
    }
}

impl Source {
    fn is(&self, id: u64, header: &Header) -> bool {
        self.id == id && self.ssrc == header.ssrc
    }

    fn goes_on_with(&self, id: u64, header: &Header) -> bool {
        self.is(id, header) && (-MAX_MISORDER + 1..MAX_DROPOUT).contains(&self.step(header))
    }

    fn step(&self, header: &Header) -> i16 {
        header.sequence.since(self.newest)
    }

    fn shift(&self, header: &Header, ssrc: u32) -> Header {
        Header {
            ssrc,
            sequence: header.sequence.plus(self.sequence_shift),
            timestamp: header.timestamp.plus(self.timestamp_shift),
            ..*header
        }
    }
}

fn samples(passed: Duration) -> u32 {
    u32::try_from(passed.as_micros().saturating_mul(u128::from(SAMPLE_RATE)) / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leg's outgoing stream that starts after 99 and 1000, at its clock's zero.
    struct Out {
        stream: Continuity,
        start: Instant,
    }

    impl Out {
        #[expect(clippy::disallowed_methods, reason = "any origin will do; all times are offsets from it")]
        fn new() -> Self {
            let start = Instant::now();
            Self { stream: Continuity::new(77, 99, 1000, start), start }
        }

        /// What goes out for one packet: number, time, marker.
        fn sends(
            &mut self,
            source: u64,
            ssrc: u32,
            number: u16,
            time: u32,
            at_ms: u64,
        ) -> Option<(u16, u32, bool)> {
            let header = Header {
                payload_type: 8,
                marker: false,
                sequence: SequenceNumber(number),
                timestamp: RtpTimestamp(time),
                ssrc,
            };
            let out = self.stream.on(source, &header, self.start + Duration::from_millis(at_ms))?;
            assert_eq!((out.ssrc, out.payload_type), (77, 8));
            Some((out.sequence.0, out.timestamp.0, out.marker))
        }
    }

    #[test]
    fn a_prompt_and_then_the_desk_are_one_stream() {
        let mut out = Out::new();
        assert_eq!(out.sends(1, 5, 0, 0, 20), Some((100, 1160, true)));
        assert_eq!(out.sends(1, 5, 1, 160, 40), Some((101, 1320, false)));
        // 300 ms later the desk answers, far away in number and time.
        assert_eq!(out.sends(2, 9, 65_535, u32::MAX, 340), Some((102, 3720, true)));
        assert_eq!(out.sends(2, 9, 0, 159, 360), Some((103, 3880, false)));
    }

    #[test]
    fn loss_and_reordering_stay_as_they_came() {
        let mut out = Out::new();
        assert_eq!(out.sends(1, 5, 10, 0, 20), Some((100, 1160, true)));
        assert_eq!(out.sends(1, 5, 13, 480, 80), Some((103, 1640, false)));
        assert_eq!(out.sends(1, 5, 12, 320, 81), Some((102, 1480, false)));
        assert_eq!(out.sends(1, 5, 14, 640, 100), Some((104, 1800, false)));
    }

    #[test]
    fn stragglers_of_the_source_before_are_not_sent() {
        let mut out = Out::new();
        out.sends(1, 5, 10, 0, 20);
        out.sends(1, 5, 11, 160, 40);
        assert_eq!(out.sends(1, 6, 500, 0, 60), Some((102, 1480, true)), "the phone changes its SSRC");
        assert_eq!(out.sends(1, 5, 11, 160, 61), None);
        assert_eq!(out.sends(1, 6, 499, 0, 62), None, "from before the switch");
        assert_eq!(out.sends(1, 6, 501, 160, 80), Some((103, 1640, false)));
        assert_eq!(
            out.sends(1, 5, 20, 1600, 100),
            Some((104, 1800, true)),
            "the former one is back for good"
        );
    }

    #[test]
    fn a_sender_that_numbers_anew_is_continuous_too() {
        let mut out = Out::new();
        out.sends(1, 5, 30_000, 900_000, 20);
        assert_eq!(out.sends(1, 5, 7, 0, 40), Some((101, 1320, true)));
        assert_eq!(out.sends(1, 5, 8, 160, 60), Some((102, 1480, false)));
        assert_eq!(out.sends(1, 5, 29_999, 899_840, 61), None, "a straggler from before");
    }
}
