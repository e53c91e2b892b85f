//! One call's recording while it runs: two timelines and a file. What cannot be written is owed: it is
//! written as silence when the disk works again, so that the length is always the time that passed.

use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};

use super::{part::Part, ring::Channel};
use crate::{
    desk::ticket::{Gap, RecordingReport, SideReport},
    rtp::{
        packet::Packet,
        stream::Band,
        timeline::{Content, Figures, HOLD, Timeline, gaps::Gaps, length},
    },
    switch::media::RecordOrder,
};

/// How often a recording is written. Doubled, it needs 6 KB more and a killed one lacks 200 ms more.
pub(super) const WRITE_EVERY: Duration = Duration::from_millis(200);

/// How often its header is made right, at least.
const HEADER_EVERY: Duration = Duration::from_millis(800);

/// Ticks written at once (125 ms); bounds the buffers, one of them a recording's own.
const SLICE: u64 = 1_000;

/// A slice of silence in either band.
static SILENCE: [i16; 2_000] = [0; 2_000];

#[derive(Debug)]
pub(super) struct Recording {
    pub(super) order: RecordOrder,
    joined_at: Instant,
    band: Band,
    left: Timeline,
    right: Timeline,
    part: Part,
    /// Up to where the timelines were taken.
    taken: u64,
    /// Ticks that could not be written and are not yet made up for by silence.
    owed: u64,
    unwritten: u64,
    /// Where.
    unwritten_gaps: Gaps,
    /// The first trouble with the disk.
    trouble: Option<String>,
    write_due: Instant,
    header_due: Instant,
}

/// Buffers that all recordings share.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    left: Vec<i16>,
    right: Vec<i16>,
}

impl Recording {
    /// Creates the file. The other handle is for the syncer.
    pub(super) fn start(
        dir: &Path,
        order: RecordOrder,
        band: Band,
        joined_at: Instant,
        first_write: Instant,
    ) -> io::Result<(Self, File)> {
        let (part, file) = Part::create(dir, &order.path, band)?;
        let recording = Self {
            order,
            joined_at,
            band,
            left: Timeline::new(joined_at, band),
            right: Timeline::new(joined_at, band),
            part,
            taken: 0,
            owed: 0,
            unwritten: 0,
            unwritten_gaps: Gaps::default(),
            trouble: None,
            write_due: first_write,
            header_due: first_write + HEADER_EVERY,
        };
        Ok((recording, file))
    }

    pub(super) fn packet(
        &mut self,
        channel: Channel,
        epoch: u32,
        arrival: Instant,
        content: Content,
        packet: &Packet<'_>,
    ) {
        let timeline = match channel {
            Channel::Left => &mut self.left,
            Channel::Right => &mut self.right,
        };
        timeline.packet(arrival, epoch, content, packet);
    }

    /// Writes what is due at `now`.
    pub(super) fn turn(&mut self, now: Instant, scratch: &mut Scratch) {
        if now < self.write_due {
            return;
        }
        self.write_due = now + WRITE_EVERY;
        if let Some(settled) = now.checked_sub(HOLD) {
            self.write_to(length(self.joined_at, settled), scratch);
        }
        if now >= self.header_due {
            self.header_due = now + HEADER_EVERY;
            self.flush();
        }
    }

    /// Writes the rest up to `ended_at` and closes the file; what there is, and what went wrong.
    pub(super) fn end(
        mut self,
        ended_at: Instant,
        dropped: u64,
        scratch: &mut Scratch,
    ) -> (RecordingReport, Option<String>) {
        self.write_to(length(self.joined_at, ended_at), scratch);
        self.pay();
        let closed = self.part.close();
        self.note(closed);
        let report = RecordingReport {
            path: self.order.path,
            sample_rate: self.band.sample_rate(),
            samples: u64::from(self.part.frames()),
            caller: side(&self.left, &self.unwritten_gaps, self.band),
            operator: side(&self.right, &self.unwritten_gaps, self.band),
            unwritten_samples: samples(self.unwritten, self.band),
            tap_dropped: dropped,
            late_syncs: 0,
        };
        (report, self.trouble)
    }

    fn write_to(&mut self, end: u64, scratch: &mut Scratch) {
        while self.taken < end {
            let next = end.min(self.taken + SLICE);
            scratch.left.clear();
            scratch.right.clear();
            self.left.take(next, &mut scratch.left);
            self.right.take(next, &mut scratch.right);
            let ticks = next - self.taken;
            self.taken = next;
            self.pay();
            let written = if self.owed > 0 {
                false // The disk still refuses; the order of samples must hold.
            } else {
                let result = self.part.write(&scratch.left, &scratch.right);
                self.note(result)
            };
            if !written {
                self.owed += ticks;
                self.unwritten += ticks;
                self.unwritten_gaps.note(self.taken - ticks, ticks);
            }
        }
    }

    /// Makes up for what could not be written, with silence.
    fn pay(&mut self) {
        while self.owed > 0 {
            let ticks = self.owed.min(SLICE);
            let silence = usize::try_from(samples(ticks, self.band)).ok().and_then(|n| SILENCE.get(..n));
            let silence = silence.unwrap_or(&SILENCE);
            let result = self.part.write(silence, silence);
            if !self.note(result) {
                return;
            }
            self.owed -= ticks;
        }
    }

    fn flush(&mut self) {
        let result = self.part.flush();
        self.note(result);
    }

    fn note(&mut self, result: io::Result<()>) -> bool {
        match result {
            Ok(()) => true,
            Err(error) => {
                if self.trouble.is_none() {
                    tracing::error!(ticket = %self.order.ticket, %error, "recording cannot be written");
                    self.trouble = Some(format!("could not be written: {error}"));
                }
                false
            }
        }
    }
}

/// The timelines count in ticks, a report in the file's own samples.
fn side(timeline: &Timeline, unwritten: &Gaps, band: Band) -> SideReport {
    let Figures { packets, lost_samples, audible_samples, skew_samples, late_packets } = timeline.figures();
    let in_samples = |ticks| samples(ticks, band);
    let mut gaps: Vec<Gap> = [timeline.gaps(), unwritten]
        .into_iter()
        .flat_map(|gaps| gaps.clone().into_inner())
        .map(|gap| Gap { from: in_samples(gap.from), to: in_samples(gap.to), lost: in_samples(gap.lost) })
        .collect();
    gaps.sort_unstable_by_key(|gap| gap.from);
    SideReport {
        packets,
        lost_samples: in_samples(lost_samples),
        audible_samples: in_samples(audible_samples),
        skew_samples: match band {
            Band::Narrow => skew_samples,
            Band::Wide => skew_samples.saturating_mul(2),
        },
        late_packets,
        gaps,
    }
}

fn samples(ticks: u64, band: Band) -> u64 {
    match band {
        Band::Narrow => ticks,
        Band::Wide => ticks.saturating_mul(2),
    }
}
