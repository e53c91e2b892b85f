//! Where a packet's samples belong in a recording (`docs/architecture.md`, decision 13): one channel, in
//! samples since the Join, exactly as long as the time that passed. Packets wait here for [`HOLD`], so
//! that reordered ones find their place and an anchor is known before the first sample is placed. What
//! never came is silence; a sender's clock that runs fast or slow is corrected by single samples in
//! silence. Positions and figures are ticks of 8000 Hz: samples, or pairs of them in wide band. Pure: arrival
//! times are arguments. Reading starts at [`Timeline::packet`] and
//! [`Timeline::take`]; one sender's clock is `segment.rs`.

pub mod gaps;
mod segment;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use self::{gaps::Gaps, segment::Segment};
use super::{
    g711::SAMPLE_RATE,
    packet::Packet,
    stream::{Band, Codec},
};

/// How long a packet can be late and still be placed. Samples younger than this must not be taken, except
/// at the end. Doubled, a killed recording lacks 400 ms more.
pub const HOLD: Duration = Duration::from_millis(400);

/// Bound of the packets that wait: 1.5 s of G.711. A flood beyond it is dropped and counted as late.
const MAX_PENDING_BYTES: usize = 12_000;

/// Bound of the packets that wait, for those that carry little or nothing.
const MAX_PENDING_PACKETS: usize = 256;

/// Segments that can be alive at once; more SSRCs than that within seconds is a flood.
const MAX_SEGMENTS: usize = 6;

/// −60 dBFS: a sample at most this large is silence in the report.
const AUDIBLE_ABOVE: u16 = 32;

/// −48 dBFS: a packet without a larger sample is silence to correct the clock in.
const QUIET: u16 = 128;

/// A misplacement that is left alone: 3 ms, more than a machine's own jitter.
const TOLERATED: i64 = 24;

/// A correction under way ends at this misplacement: 1 ms.
const SETTLED: i64 = 8;

/// A misplacement that is corrected outside silence too, where neighbouring samples differ least: 6 ms.
/// With twice as much on both sides, they could be 20 ms apart.
const PRESSING: i64 = 48;

/// A misplacement that is no skew but a step, to be taken whole in the next silence: 40 ms.
const STEP: i64 = 320;

/// A misplacement so large that words must give way to it at once: 300 ms.
const INTOLERABLE: i64 = 2_400;

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Audio(Codec),
    /// Telephone events, comfort noise: takes a number of the stream, so it was not lost, but no samples.
    Other,
}

/// What happened on one channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Packets that came, with audio or without.
    pub packets: u64,
    /// Samples filled with silence because their packets never came, or too late.
    pub lost_samples: u64,
    /// Samples louder than −60 dBFS.
    pub audible_samples: u64,
    /// Samples added (positive) or taken out (negative) against clock skew.
    pub skew_samples: i64,
    /// Packets that came too late for their place, or belonged nowhere.
    pub late_packets: u64,
}

/// One channel of a recording.
#[derive(Debug)]
pub struct Timeline {
    joined_at: Instant,
    band: Band,
    /// By age; the last confirmed one is what the sender does now.
    segments: Vec<Segment>,
    next_segment: u32,
    pending: Vec<Pending>,
    pending_bytes: usize,
    /// Up to where samples were handed out.
    taken: u64,
    /// Samples placed from `taken` on: the end of a packet that reached over it.
    carry: Vec<i16>,
    /// Up to where a packet's samples reach.
    filled: i64,
    figures: Figures,
    gaps: Gaps,
}

/// A packet that waits.
#[derive(Debug)]
struct Pending {
    segment: u32,
    /// Extended sequence number within its segment.
    sequence: i64,
    /// In its segment's media time; where it has no samples, its arrival on the timeline.
    time: i64,
    content: Content,
    payload: Box<[u8]>,
}

/// How the samples of one packet meet those before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fit {
    /// Samples of silence before it.
    lead: usize,
    /// Samples at its front that have no room.
    skip: usize,
    /// One sample more, or one less, somewhere in it.
    single: i64,
}

/// Ticks between two instants, rounded down; negative where `to` lies before `from`.
fn samples_from(from: Instant, to: Instant) -> i64 {
    let samples = |passed: Duration| {
        i64::try_from(passed.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000).unwrap_or(i64::MAX)
    };
    match to.checked_duration_since(from) {
        Some(after) => samples(after),
        None => -samples(from.saturating_duration_since(to)),
    }
}

/// A recording's length in ticks when it has lasted from `joined_at` until `at`; 0 before it began.
pub fn length(joined_at: Instant, at: Instant) -> u64 {
    u64::try_from(samples_from(joined_at, at)).unwrap_or(0)
}

impl Timeline {
    /// An empty channel whose sample 0 is `joined_at`. Whatever the codecs of its legs, it is handed out
    /// in this band.
    pub fn new(joined_at: Instant, band: Band) -> Self {
        Self {
            joined_at,
            band,
            // Nearly always one; a vector that grows by itself begins with four.
            segments: Vec::with_capacity(1),
            next_segment: 0,
            pending: Vec::new(),
            pending_bytes: 0,
            taken: 0,
            carry: Vec::new(),
            filled: 0,
            figures: Figures::default(),
            gaps: Gaps::default(),
        }
    }

    /// What happened so far.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Where samples are missing so far.
    pub fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// Takes in one packet that arrived at `arrival`. `epoch` counts up with each new leg on this
    /// channel: its clock has nothing to do with the one before, even under the same SSRC.
    pub fn packet(&mut self, arrival: Instant, epoch: u32, content: Content, packet: &Packet<'_>) {
        self.figures.packets += 1;
        let at = samples_from(self.joined_at, arrival);
        let full = self.pending_bytes + packet.payload.len() > MAX_PENDING_BYTES
            || self.pending.len() >= MAX_PENDING_PACKETS;
        let waiting = match content {
            _ if full => None,
            Content::Audio(_) => self.segment_of_audio(at, epoch, packet).map(|segment| {
                let (sequence, time) = segment.note(at, &packet.header);
                (segment.id, sequence, time, packet.payload)
            }),
            Content::Other => {
                let Some(segment) = self.segments.iter_mut().rev().find(|s| s.is(epoch, &packet.header))
                else {
                    return;
                };
                Some((segment.id, segment.note_sequence(&packet.header), at, [].as_slice()))
            }
        };
        let Some((segment, sequence, time, payload)) = waiting else {
            self.figures.late_packets += 1;
            return;
        };
        if self.pending.iter().any(|other| other.segment == segment && other.sequence == sequence) {
            return; // A duplicate.
        }
        self.pending_bytes += payload.len();
        self.pending.push(Pending { segment, sequence, time, content, payload: payload.into() });
    }

    /// Hands out the samples from the last taken one up to tick `upto`, appended to `out`. All of them are
    /// final: callers stay [`HOLD`] behind the clock until the end.
    pub fn take(&mut self, upto: u64, out: &mut Vec<i16>) {
        let Some(wanted) = upto.checked_sub(self.taken).and_then(|n| usize::try_from(n).ok()) else {
            return;
        };
        let per_tick = self.band.samples_per_tick();
        let mut samples = Placed { base: out.len(), from: signed(self.taken), per_tick, out };
        samples.out.append(&mut self.carry);
        while let Some(pending) = self.next_before(signed(upto)) {
            self.place(&pending, &mut samples);
        }
        let end = samples.base + wanted * per_tick;
        if samples.out.len() > end {
            self.carry.extend(samples.out.drain(end..));
        } else {
            samples.out.resize(end, 0);
        }
        self.taken = upto;
        let now = signed(upto);
        let (segments, pending) = (&mut self.segments, &self.pending);
        let newest = segments.iter().rfind(|segment| segment.is_confirmed()).map(|segment| segment.id);
        segments.retain(|segment| {
            Some(segment.id) == newest
                || !segment.is_stale(now)
                || pending.iter().any(|waiting| waiting.segment == segment.id)
        });
    }

    /// The segment to which a packet with audio belongs; a new one where the sender, the leg or the
    /// clock is another. `None`: too many of them at once.
    fn segment_of_audio(&mut self, at: i64, epoch: u32, packet: &Packet<'_>) -> Option<&mut Segment> {
        let header = &packet.header;
        let is = |segment: &Segment| segment.is(epoch, header);
        let fits = |segment: &Segment| is(segment) && segment.fits(at, header);
        // What the sender does now goes before what it may have begun (a jump on trial), and that before
        // what it did earlier (stragglers of the SSRC before).
        let current = self.segments.iter().rposition(|s| is(s) && s.is_confirmed());
        let found = current
            .filter(|&index| self.segments.get(index).is_some_and(fits))
            .or_else(|| self.segments.iter().rposition(fits));
        if let Some(index) = found {
            return self.segments.get_mut(index);
        }
        if self.segments.len() >= MAX_SEGMENTS {
            return None;
        }
        let id = self.next_segment;
        self.next_segment = self.next_segment.wrapping_add(1);
        // The same sender suddenly elsewhere is believed only after more of it, unless its numbers
        // began anew as well.
        let on_trial =
            current.and_then(|index| self.segments.get(index)).is_some_and(|s| s.numbers_go_on(header));
        self.segments.push(Segment::new(id, epoch, at, header, on_trial));
        self.segments.last_mut()
    }

    /// Takes out the waiting packet with the earliest place, if that lies before `end`.
    fn next_before(&mut self, end: i64) -> Option<Pending> {
        let (index, place) = self
            .pending
            .iter()
            .enumerate()
            .map(|(index, waiting)| (index, self.place_of(waiting)))
            .min_by_key(|(_, place)| *place)?;
        if place >= end {
            return None;
        }
        let pending = self.pending.swap_remove(index);
        self.pending_bytes -= pending.payload.len();
        Some(pending)
    }

    fn place_of(&self, waiting: &Pending) -> i64 {
        match waiting.content {
            Content::Other => waiting.time,
            Content::Audio(_) => {
                self.segment(waiting.segment).map_or(waiting.time, |segment| waiting.time + segment.shift())
            }
        }
    }

    fn segment(&self, id: u32) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.id == id)
    }

    /// Puts one packet's samples where they belong behind what is there.
    fn place(&mut self, pending: &Pending, placed: &mut Placed<'_>) {
        let Some(segment) = self.segments.iter_mut().find(|segment| segment.id == pending.segment) else {
            return;
        };
        let Content::Audio(codec) = pending.content else {
            segment.placed_sequence(pending.sequence);
            return;
        };
        if !segment.is_confirmed() {
            self.figures.late_packets += 1; // A stray, or from a burst after a stall: nothing confirmed it.
            return;
        }
        let end = placed.end();
        let length = signed(pending.payload.len());
        let place = segment.anchored(pending.time, self.filled) + pending.time;
        let gap = place - end;
        if gap + length <= 0 {
            if place + length > 0 {
                self.figures.late_packets += 1;
            }
            return;
        }
        let decoded = placed.out.len();
        segment.voice.hear(codec, self.band, &pending.payload, placed.out);
        let samples = placed.out.get(decoded..).unwrap_or_default();
        let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        let shift = correction(segment.misplacement(), length, gap, loudest <= QUIET);
        let fit = fit(gap, shift);
        segment.corrected(shift);
        if shift.abs() <= STEP {
            self.figures.skew_samples += shift;
        }
        let lost = segment.placed(pending.sequence, pending.time, length);
        self.figures.lost_samples += lost;
        self.gaps.note(u64::try_from(place).unwrap_or(0).saturating_sub(lost), lost);
        self.figures.audible_samples += if loudest <= AUDIBLE_ABOVE {
            0
        } else {
            let audible = samples.iter().filter(|sample| sample.unsigned_abs() > AUDIBLE_ABOVE).count();
            unsigned(audible / placed.per_tick)
        };
        fit.apply(placed.out, decoded, placed.per_tick);
        self.filled = placed.end();
    }
}

/// Samples handed out by one [`Timeline::take`], as far as they are placed.
struct Placed<'a> {
    out: &'a mut Vec<i16>,
    base: usize,
    /// Where on the timeline `base` lies.
    from: i64,
    per_tick: usize,
}

impl Placed<'_> {
    /// Up to where on the timeline samples are placed.
    fn end(&self) -> i64 {
        self.from + signed((self.out.len() - self.base) / self.per_tick)
    }
}

/// How many samples to move a packet (and all after it) by, given how far it is from where it belongs.
fn correction(misplaced: i64, length: i64, gap: i64, quiet: bool) -> i64 {
    let size = misplaced.abs();
    if misplaced == 0 {
        0
    } else if gap > 0 {
        misplaced.max(-gap)
    } else if size > INTOLERABLE {
        misplaced
    } else if quiet && size > STEP {
        misplaced.max(-length)
    } else if quiet || size > PRESSING {
        misplaced.signum()
    } else {
        0
    }
}

/// How a packet moved by `shift` joins on, `gap` samples after (negative: before) the end of the others.
fn fit(gap: i64, shift: i64) -> Fit {
    if gap > 0 {
        Fit { lead: size(gap + shift), ..Fit::default() }
    } else if shift.abs() == 1 {
        Fit { skip: size(-gap), single: shift, ..Fit::default() }
    } else {
        Fit { lead: size(gap + shift), skip: size(-(gap + shift)), single: 0 }
    }
}

impl Fit {
    /// Applies to the packet's samples, which are all of `out` from `start` on.
    fn apply(self, out: &mut Vec<i16>, start: usize, per_tick: usize) {
        let (skip, lead) = (self.skip * per_tick, self.lead * per_tick);
        if skip > 0 {
            out.drain(start..(start + skip).min(out.len()));
        }
        let singles = if self.single == 0 { 0 } else { per_tick };
        for _ in 0..singles {
            let Some(at) = smoothest(out.get(start..).unwrap_or_default()) else { break };
            if self.single > 0 {
                out.insert(start + at, out.get(start + at).copied().unwrap_or(0));
            } else {
                out.remove(start + at);
            }
        }
        if lead > 0 {
            let samples = out.len() - start;
            out.resize(out.len() + lead, 0);
            out.copy_within(start..start + samples, start + lead);
            if let Some(silence) = out.get_mut(start..start + lead) {
                silence.fill(0);
            }
        }
    }
}

/// Where a sample differs least from the next one.
fn smoothest(samples: &[i16]) -> Option<usize> {
    let steps = samples.windows(2).enumerate().filter_map(|(index, pair)| match pair {
        [a, b] => Some((a.abs_diff(*b), index)),
        _ => None,
    });
    steps.min().map(|(_, index)| index)
}

/// Lengths and positions are far below 2⁶³ samples (36 million years).
fn signed<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// A count of samples; 0 where negative.
fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

fn unsigned(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
