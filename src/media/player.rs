//! Sounds being played on one leg: what to send next, and when. Pacing is against the start, so that a
//! late wake-up shifts one packet and not all that follow.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    leg::{Leg, Source},
    prompts::Voice,
};
use crate::{
    call::prompt::Repeat,
    rtp::{
        g711::{self, SAMPLE_RATE},
        g722,
        packet::{self, Header},
        srtp::LARGEST_OVERHEAD,
        stream::Codec,
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::PlayId,
};

/// Samples in the largest packet we make: 60 ms. More would only add delay.
const LARGEST_FRAME: usize = 480;

/// Samples in the smallest: 10 ms.
const SMALLEST_FRAME: usize = 80;

/// A wake-up later than this does not catch up in a burst, which the peer's jitter buffer would drop:
/// the rest is played that much later.
const TOO_LATE: Duration = Duration::from_millis(200);

/// Sounds on their way.
#[derive(Debug)]
pub(super) struct Playing {
    play: PlayId,
    /// Kept as they were at the start: a reload changes nothing that is being heard. None is empty.
    voices: Vec<Arc<Voice>>,
    repeat: Repeat,
    /// Which of them is being played.
    voice: usize,
    /// Samples of it that were sent.
    position: usize,
    timestamp: RtpTimestamp,
    sequence: SequenceNumber,
    next_at: Instant,
}

/// Whether there is more to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    NextAt(Instant),
    Ended(PlayId),
}

impl Playing {
    /// `voices`: at least one.
    pub(super) fn new(play: PlayId, voices: Vec<Arc<Voice>>, repeat: Repeat, now: Instant) -> Self {
        let (timestamp, sequence) = (RtpTimestamp(0), SequenceNumber(0));
        Self { play, voices, repeat, voice: 0, position: 0, timestamp, sequence, next_at: now }
    }

    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }

    /// What comes next: of this voice, or of the next one where it is through; `None` at the end of all.
    fn payload(&mut self, codec: Codec) -> Option<&[u8]> {
        if self.voices.get(self.voice)?.rest(codec, self.position).is_empty() {
            (self.voice, self.position) = (self.voice + 1, 0);
            if self.voice >= self.voices.len() && self.repeat == Repeat::Forever {
                self.voice = 0;
            }
        }
        Some(self.voices.get(self.voice)?.rest(codec, self.position))
    }
}

/// Sends what is due on the leg by `now`. A sound ends when its last sample has been played, not when it
/// was sent; while the peer holds us or cannot be found, time passes without packets. Between two sounds
/// the last packet of the first is filled with silence.
pub(super) fn play(leg: &mut Leg, now: Instant) -> Option<Progress> {
    let (mut playing, stream) = (leg.playing.take()?, leg.stream?);
    if now.saturating_duration_since(playing.next_at) > TOO_LATE {
        playing.next_at = now;
    }
    let samples = (usize::from(stream.ptime_ms) * 8).clamp(SMALLEST_FRAME, LARGEST_FRAME);
    while playing.next_at <= now {
        let play = playing.play;
        let Some(rest) = playing.payload(stream.codec) else { return Some(Progress::Ended(play)) };
        let mut frame = [silence(stream.codec); LARGEST_FRAME];
        frame.iter_mut().zip(rest).take(samples).for_each(|(place, byte)| *place = *byte);
        let header = Header {
            payload_type: stream.payload_type,
            marker: playing.sequence == SequenceNumber(0) && playing.timestamp == RtpTimestamp(0),
            sequence: playing.sequence,
            timestamp: playing.timestamp,
            ssrc: 0,
        };
        // Counted in the outgoing stream even when nobody takes it, so that its clock goes on.
        let header = leg.outgoing_header(Source::Played(playing.play), &header, now);
        if let (Some(header), Some(to)) = (header, leg.destination()) {
            let mut packet = [0; packet::HEADER_LEN + LARGEST_FRAME + LARGEST_OVERHEAD];
            let payload = frame.get(..samples).unwrap_or_default();
            if let Some(length) = packet::compose(&header, payload, &mut packet) {
                leg.send(&mut packet, length, samples, to);
            }
        }
        playing.position += samples;
        playing.sequence = playing.sequence.plus(1);
        playing.timestamp =
            RtpTimestamp(playing.timestamp.0.wrapping_add(u32::try_from(samples).unwrap_or(0)));
        playing.next_at += duration(samples);
    }
    let next_at = playing.next_at;
    leg.playing = Some(playing);
    Some(Progress::NextAt(next_at))
}

/// The byte that says nothing.
fn silence(codec: Codec) -> u8 {
    match codec.law() {
        Some(law) => g711::silence(law),
        None => g722::SILENCE,
    }
}

fn duration(samples: usize) -> Duration {
    let samples = u64::try_from(samples).unwrap_or(u64::MAX);
    Duration::from_micros(samples.saturating_mul(1_000_000) / u64::from(SAMPLE_RATE))
}
