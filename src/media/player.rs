//! A prompt being played on one leg: what to send next, and when. Pacing is against the prompt's own
//! start, so that a late wake-up shifts one packet and not all that follow.

use std::time::{Duration, Instant};

use super::{
    leg::{Leg, Source},
    prompts::Prompts,
};
use crate::{
    call::machine::Prompt,
    rtp::{
        g711::{self, SAMPLE_RATE},
        packet::{self, Header},
        timestamp::{RtpTimestamp, SequenceNumber},
    },
};

/// Samples in the largest packet we make: 60 ms. More would only add delay.
const LARGEST_FRAME: usize = 480;

/// Samples in the smallest: 10 ms.
const SMALLEST_FRAME: usize = 80;

/// A wake-up later than this does not catch up in a burst, which the peer's jitter buffer would drop:
/// the rest of the prompt is played that much later.
const TOO_LATE: Duration = Duration::from_millis(200);

/// A prompt on its way.
#[derive(Debug)]
pub(super) struct Playing {
    prompt: Prompt,
    /// Which prompt of the room's life this is: a source of its own for the outgoing stream.
    count: u64,
    /// Samples sent.
    position: usize,
    sequence: SequenceNumber,
    next_at: Instant,
}

/// Whether there is more to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    NextAt(Instant),
    Ended,
}

impl Playing {
    pub(super) fn new(prompt: Prompt, count: u64, now: Instant) -> Self {
        Self { prompt, count, position: 0, sequence: SequenceNumber(0), next_at: now }
    }

    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }
}

/// Sends what is due on the leg by `now`. The prompt ends when its last sample has been played, not when
/// it was sent; while the peer holds us or cannot be found, time passes without packets.
pub(super) fn play(leg: &mut Leg, prompts: &Prompts, now: Instant) -> Progress {
    let (Some(mut playing), Some(stream)) = (leg.playing.take(), leg.stream) else {
        return Progress::Ended;
    };
    if now.saturating_duration_since(playing.next_at) > TOO_LATE {
        playing.next_at = now;
    }
    while playing.next_at <= now {
        let rest = prompts.rest(playing.prompt, stream.codec, playing.position).unwrap_or_default();
        if rest.is_empty() {
            return Progress::Ended;
        }
        let samples = (usize::from(stream.ptime_ms) * 8).clamp(SMALLEST_FRAME, LARGEST_FRAME);
        let header = Header {
            payload_type: stream.payload_type,
            marker: playing.position == 0,
            sequence: playing.sequence,
            timestamp: RtpTimestamp(u32::try_from(playing.position).unwrap_or(u32::MAX)),
            ssrc: 0,
        };
        // Counted in the outgoing stream even when nobody takes it, so that its clock goes on.
        let header = leg.outgoing_header(Source::Played(playing.count), &header, now);
        if let (Some(header), Some(to)) = (header, leg.destination()) {
            let mut frame = [g711::silence(stream.codec); LARGEST_FRAME];
            frame.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
            let mut packet = [0; packet::HEADER_LEN + LARGEST_FRAME];
            let payload = frame.get(..samples).unwrap_or_default();
            if let Some(length) = packet::compose(&header, payload, &mut packet) {
                leg.send(packet.get(..length).unwrap_or_default(), samples, to);
            }
        }
        playing.position += samples;
        playing.sequence = playing.sequence.plus(1);
        playing.next_at += duration(samples);
    }
    let next_at = playing.next_at;
    leg.playing = Some(playing);
    Progress::NextAt(next_at)
}

fn duration(samples: usize) -> Duration {
    let samples = u64::try_from(samples).unwrap_or(u64::MAX);
    Duration::from_micros(samples.saturating_mul(1_000_000) / u64::from(SAMPLE_RATE))
}
