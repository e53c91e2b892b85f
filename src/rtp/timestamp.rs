//! RTP's two counters. Both wrap, so neither has an order: there is only "how far after" (serial
//! arithmetic, RFC 1982), and comparing the bare integers is a bug.

/// A position on a sender's media clock, in samples (RFC 3550 §5.1); its start is random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// How many samples `self` lies after `earlier`; negative where it lies before. Exact for anything
    /// closer than 2³¹ samples (74 hours at 8 kHz).
    pub fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The position `samples` later.
    #[must_use]
    pub fn plus(self, samples: u32) -> Self {
        Self(self.0.wrapping_add(samples))
    }

    /// The position `samples` later, or earlier where negative.
    #[must_use]
    pub fn offset(self, samples: i32) -> Self {
        Self(self.0.wrapping_add_signed(samples))
    }
}

/// A packet's number within its stream (RFC 3550 §5.1); its start is random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// How many packets `self` lies after `earlier`; negative where it lies before. Exact for anything
    /// closer than 2¹⁵ packets (11 minutes at 20 ms).
    pub fn since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The number `packets` later.
    #[must_use]
    pub fn plus(self, packets: u16) -> Self {
        Self(self.0.wrapping_add(packets))
    }

    /// The number `packets` later, or earlier where negative.
    #[must_use]
    pub fn offset(self, packets: i16) -> Self {
        Self(self.0.wrapping_add_signed(packets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_hold_across_the_wrap() {
        assert_eq!(RtpTimestamp(5).since(RtpTimestamp(u32::MAX - 4)), 10);
        assert_eq!(RtpTimestamp(u32::MAX - 4).since(RtpTimestamp(5)), -10);
        assert_eq!(SequenceNumber(2).since(SequenceNumber(65534)), 4);
        assert_eq!(SequenceNumber(65534).since(SequenceNumber(2)), -4);
    }

    #[test]
    fn adding_what_lies_between_two_positions_leads_from_one_to_the_other() {
        for (a, b) in [(0, 0), (u32::MAX, 7), (7, u32::MAX), (0x8000_0000, 1)] {
            let (a, b) = (RtpTimestamp(a), RtpTimestamp(b));
            assert_eq!(a.offset(b.since(a)), b);
        }
        assert_eq!(RtpTimestamp(u32::MAX).plus(1), RtpTimestamp(0));
        assert_eq!(SequenceNumber(u16::MAX).plus(1), SequenceNumber(0));
        assert_eq!(SequenceNumber(0).offset(-1), SequenceNumber(u16::MAX));
    }
}
