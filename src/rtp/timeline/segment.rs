//! One unbroken run of one sender's clock: from a new SSRC, a new leg or a jump to the next. Its anchor
//! is the least of (arrival − media time) over the last seconds: the packet that was delayed least.

use crate::rtp::{
    packet::Header,
    timestamp::{RtpTimestamp, SequenceNumber},
    transcode::Voice,
};

/// A packet further than this from where its segment expects it belongs to another one: 400 ms, which is
/// also how late a packet can be placed at all.
const NEAR: i64 = 3_200;

/// Packets that confirm a jump of the clock, and the least time in which they arrive (60 ms): a burst
/// after a stall is over sooner.
const CONFIRMED_BY: u32 = 4;
const CONFIRMED_OVER: i64 = 480;

/// A packet this much earlier than any in the window (40 ms) counts only when it is one of three
/// within a second.
const SURPRISING: i64 = 320;
const SURPRISES: u32 = 3;
const SURPRISED_WITHIN: i64 = 8_000;

/// A window with fewer packets says nothing of the clock.
const TELLING: u32 = 8;

/// A segment that nothing came of for this long (2 s) and that is not the newest is over.
const STALE: i64 = 16_000;

/// Numbers within −100..3000 of the newest go on with it (RFC 3550 A.1).
const GOES_ON: std::ops::Range<i16> = -100..3000;

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) id: u32,
    epoch: u32,
    ssrc: u32,
    /// The newest packet: number, extended number, time, extended ("media") time.
    sequence: SequenceNumber,
    sequence_extended: i64,
    timestamp: RtpTimestamp,
    media_time: i64,
    arrived: i64,
    began: i64,
    packets: u32,
    trusted: bool,
    lags: WindowedMinimum,
    surprises: Option<Surprises>,
    /// What leads from media time to the timeline, fixed when the first packet is placed.
    anchor: Option<i64>,
    correcting: bool,
    /// Extended number and end in media time of the last placed packet.
    placed: Option<(i64, i64)>,
    pub(super) voice: Voice,
}

/// Packets that came much earlier than the others.
#[derive(Debug, Clone, Copy)]
struct Surprises {
    since: i64,
    packets: u32,
    largest: i64,
}

impl Segment {
    /// Begins with a packet that arrived at `at`. On trial, it is believed only when more packets fit it.
    pub(super) fn new(id: u32, epoch: u32, at: i64, header: &Header, on_trial: bool) -> Self {
        Self {
            id,
            epoch,
            ssrc: header.ssrc,
            sequence: header.sequence,
            sequence_extended: 0,
            timestamp: header.timestamp,
            media_time: 0,
            arrived: at,
            began: at,
            packets: 0,
            trusted: !on_trial,
            lags: WindowedMinimum::default(),
            surprises: None,
            anchor: None,
            correcting: false,
            placed: None,
            voice: Voice::default(),
        }
    }

    pub(super) fn is(&self, epoch: u32, header: &Header) -> bool {
        self.epoch == epoch && self.ssrc == header.ssrc
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.trusted || (self.packets >= CONFIRMED_BY && self.arrived - self.began >= CONFIRMED_OVER)
    }

    pub(super) fn is_stale(&self, now: i64) -> bool {
        now - self.arrived > STALE
    }

    pub(super) fn numbers_go_on(&self, header: &Header) -> bool {
        GOES_ON.contains(&header.sequence.since(self.sequence))
    }

    /// Whether a packet that arrived at `at` is near enough to where this clock expects it.
    pub(super) fn fits(&self, at: i64, header: &Header) -> bool {
        let lag = at - self.media_time_of(header.timestamp);
        self.lags.least().is_none_or(|least| (lag - least).abs() <= NEAR)
    }

    /// Takes in a packet that fits; its extended number and its media time.
    pub(super) fn note(&mut self, at: i64, header: &Header) -> (i64, i64) {
        let time = self.media_time_of(header.timestamp);
        self.note_lag(at, at - time);
        self.arrived = self.arrived.max(at);
        self.packets = self.packets.saturating_add(1);
        if time > self.media_time {
            self.media_time = time;
            self.timestamp = header.timestamp;
        }
        (self.note_sequence(header), time)
    }

    /// The extended number of a packet of this sender.
    pub(super) fn note_sequence(&mut self, header: &Header) -> i64 {
        let step = header.sequence.since(self.sequence);
        let extended = self.sequence_extended + i64::from(step);
        if step > 0 {
            self.sequence = header.sequence;
            self.sequence_extended = extended;
        }
        extended
    }

    /// What leads from media time to the timeline, as far as is known now.
    pub(super) fn shift(&self) -> i64 {
        self.anchor.or(self.lags.least()).unwrap_or(0)
    }

    /// Fixes the anchor if this is the first packet placed. Audio that is `filled` in up to shortly after
    /// its place stays, and this segment begins behind it: no word is cut for the sake of milliseconds.
    pub(super) fn anchored(&mut self, time: i64, filled: i64) -> i64 {
        let shift = self.shift();
        *self.anchor.get_or_insert_with(|| {
            let overlap = filled - (time + shift);
            if (1..=SURPRISING).contains(&overlap) { shift + overlap } else { shift }
        })
    }

    /// How many samples later its packets should be placed; 0 where it is too little to bother with.
    pub(super) fn misplacement(&mut self) -> i64 {
        let (Some(anchor), Some(least)) = (self.anchor, self.lags.least()) else {
            return 0;
        };
        let misplaced = least - anchor;
        let tolerated = if self.correcting { super::SETTLED } else { super::TOLERATED };
        self.correcting = self.lags.packets() >= TELLING && misplaced.abs() > tolerated;
        if self.correcting { misplaced } else { 0 }
    }

    pub(super) fn corrected(&mut self, samples: i64) {
        self.anchor = self.anchor.map(|anchor| anchor + samples);
    }

    pub(super) fn placed_sequence(&mut self, sequence: i64) {
        if let Some((last, _)) = &mut self.placed {
            *last = (*last).max(sequence);
        }
    }

    /// Notes that a packet was placed; how many samples before it never came.
    pub(super) fn placed(&mut self, sequence: i64, time: i64, length: i64) -> u64 {
        let lost = self.placed.map_or(0, |(last, end)| {
            let missing = (sequence - last - 1).max(0);
            (time - end).min(missing.saturating_mul(length)).max(0)
        });
        let (last, end) = self.placed.unwrap_or((sequence, time + length));
        self.placed = Some((last.max(sequence), end.max(time + length)));
        u64::try_from(lost).unwrap_or(0)
    }

    fn media_time_of(&self, timestamp: RtpTimestamp) -> i64 {
        self.media_time + i64::from(timestamp.since(self.timestamp))
    }

    /// One packet out of line must not move the anchor of a channel that plays, several may.
    fn note_lag(&mut self, at: i64, lag: i64) {
        let surprising =
            self.anchor.is_some() && self.lags.least().is_some_and(|least| least - lag > SURPRISING);
        if !surprising {
            self.lags.add(at, lag);
            return;
        }
        let surprises = match self.surprises {
            Some(former) if at - former.since <= SURPRISED_WITHIN => {
                Surprises { packets: former.packets + 1, largest: former.largest.max(lag), ..former }
            }
            _ => Surprises { since: at, packets: 1, largest: lag },
        };
        if surprises.packets >= SURPRISES {
            self.lags.add(at, surprises.largest);
            self.surprises = None;
        } else {
            self.surprises = Some(surprises);
        }
    }
}

/// The least of what was added over the last five seconds, in buckets of half a second. With a longer
/// window a slow sender's drift is seen later (0.1 ms a second at 100 ppm), with a shorter one jitter is
/// taken for drift.
#[derive(Debug, Default)]
struct WindowedMinimum {
    buckets: [Option<Bucket>; Self::BUCKETS],
    newest: i64,
    /// Of the buckets in the window: asked for each waiting packet, so not looked up each time.
    least: Option<i64>,
    packets: u32,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    number: i64,
    least: i64,
    packets: u32,
}

impl WindowedMinimum {
    const BUCKETS: usize = 10;
    const WINDOW: i64 = 10;
    const BUCKET_SAMPLES: i64 = 4_000;

    fn add(&mut self, at: i64, value: i64) {
        let number = at.div_euclid(Self::BUCKET_SAMPLES);
        if self.least.is_some() && number <= self.newest - Self::WINDOW {
            return; // Arrivals come in order; nobody needs one from before the window.
        }
        let place = usize::try_from(number.rem_euclid(Self::WINDOW)).unwrap_or(0);
        let Some(bucket) = self.buckets.get_mut(place) else { return };
        match bucket {
            Some(bucket) if bucket.number == number => {
                bucket.least = bucket.least.min(value);
                bucket.packets = bucket.packets.saturating_add(1);
            }
            _ => *bucket = Some(Bucket { number, least: value, packets: 1 }),
        }
        if self.least.is_some() && number <= self.newest {
            self.least = self.least.map(|least| least.min(value));
            self.packets = self.packets.saturating_add(1);
            return;
        }
        self.newest = number;
        let window = number - Self::WINDOW;
        let current = || self.buckets.iter().flatten().filter(|bucket| bucket.number > window);
        self.least = current().map(|bucket| bucket.least).min();
        self.packets = current().map(|bucket| bucket.packets).fold(0, u32::saturating_add);
    }

    fn least(&self) -> Option<i64> {
        self.least
    }

    fn packets(&self) -> u32 {
        self.packets
    }
}
