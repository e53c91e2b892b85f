//! Whether somebody speaks on a leg, while a message is taken: by loudness alone, packet by packet, on the
//! relay's path.

use std::time::{Duration, Instant};

use crate::{
    rtp::{
        g711::SAMPLE_RATE,
        stream::{Band, Codec},
        transcode::Voice,
    },
    switch::media::SpeechWatch,
};

/// A packet whose mean square is above this is speech: −40 dBFS. Ten decibels more lose a soft voice, ten
/// less take a street for one.
const LOUD: u64 = 327 * 327;

#[derive(Debug)]
pub(super) struct Speech {
    watch: SpeechWatch,
    /// Speech so far.
    heard: Duration,
    told: bool,
    /// When there was speech last, or the watch began.
    spoken_at: Instant,
    quiet: bool,
    voice: Voice,
    /// One packet's; kept, so that none is made for each.
    samples: Vec<i16>,
}

impl Speech {
    pub(super) fn new(watch: SpeechWatch, now: Instant) -> Self {
        Self {
            watch,
            heard: Duration::ZERO,
            told: false,
            spoken_at: now,
            quiet: false,
            voice: Voice::default(),
            samples: Vec::new(),
        }
    }

    /// Takes in one packet's payload. True once: now there was enough.
    pub(super) fn hear(&mut self, codec: Codec, payload: &[u8], now: Instant) -> bool {
        self.samples.clear();
        self.voice.hear(codec, Band::Narrow, payload, &mut self.samples);
        if !is_loud(&self.samples) {
            return false;
        }
        self.spoken_at = now;
        self.quiet = false;
        let samples = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        self.heard += Duration::from_micros(samples.saturating_mul(1_000_000) / u64::from(SAMPLE_RATE));
        let enough = self.heard >= self.watch.enough;
        enough && !std::mem::replace(&mut self.told, true)
    }

    /// True once a silence: it has lasted long.
    pub(super) fn is_quiet(&mut self, now: Instant) -> bool {
        let quiet = now.saturating_duration_since(self.spoken_at) >= self.watch.quiet_after;
        quiet && !std::mem::replace(&mut self.quiet, true)
    }
}

fn is_loud(samples: &[i16]) -> bool {
    let square = |sample: &i16| u64::from(sample.unsigned_abs()).pow(2);
    let energy: u64 = samples.iter().map(square).sum();
    let samples = u64::try_from(samples.len()).unwrap_or(u64::MAX);
    energy > LOUD.saturating_mul(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::g711;

    fn payload(amplitude: i16) -> Vec<u8> {
        let samples: Vec<i16> = (0..160).map(|at| if at % 2 == 0 { amplitude } else { -amplitude }).collect();
        let mut payload = Vec::new();
        g711::encode(g711::Law::A, &samples, &mut payload);
        payload
    }

    #[test]
    fn speech_is_told_once_when_it_is_enough_and_silence_once_when_it_is_long() {
        let watch = SpeechWatch { enough: Duration::from_millis(60), quiet_after: Duration::from_secs(5) };
        let start = super::super::clock::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut speech = Speech::new(watch, start);
        assert!(!speech.hear(Codec::Pcma, &payload(100), at(20)), "noise is no speech");
        assert!(!speech.is_quiet(at(4_999)));
        assert!(speech.is_quiet(at(5_000)));
        assert!(!speech.is_quiet(at(6_000)), "told once");
        let told: Vec<bool> =
            (0..5).map(|n| speech.hear(Codec::Pcma, &payload(3_000), at(7_000 + 20 * n))).collect();
        assert_eq!(told, [false, false, true, false, false]);
        assert!(!speech.is_quiet(at(12_000)));
        assert!(speech.is_quiet(at(12_080)), "and again after the next silence");
        assert!(!speech.hear(Codec::Pcma, &[], at(12_100)));
    }
}
