//! Tones that need no file: the beep, the soft sign of life for those who wait, and ringing as China
//! hears it.

use std::f64::consts::TAU;

use crate::rtp::g711::SAMPLE_RATE;

/// Full scale of 16 bits.
const FULL: f64 = 32_767.0;

/// “Speak now”: 1 kHz, 400 ms, −14 dBFS.
pub(super) fn beep() -> Vec<i16> {
    tone(1_000.0, 400, 0.2)
}

/// A soft double tap each five seconds, −30 dBFS: the line lives, and nobody is shouted at.
pub(super) fn comfort() -> Vec<i16> {
    let tap = || tone(450.0, 120, 0.032);
    [tap(), silence(180), tap(), silence(4_580)].concat()
}

/// 450 Hz, 1 s on, 4 s off (GB/T 3380), −16 dBFS.
pub(super) fn ringback() -> Vec<i16> {
    [tone(450.0, 1_000, 0.16), silence(4_000)].concat()
}

fn silence(ms: u32) -> Vec<i16> {
    (0..SAMPLE_RATE / 1_000 * ms).map(|_| 0).collect()
}

/// A sine that rises and falls within 10 ms, so that it does not click.
fn tone(hz: f64, ms: u32, loudness: f64) -> Vec<i16> {
    let samples = SAMPLE_RATE / 1_000 * ms;
    let edge = f64::from(SAMPLE_RATE / 100);
    (0..samples)
        .map(|at| {
            let fade = (f64::from(at.min(samples - at)) / edge).min(1.0);
            let value = (TAU * hz * f64::from(at) / f64::from(SAMPLE_RATE)).sin() * fade * loudness * FULL;
            #[expect(clippy::cast_possible_truncation, reason = "below full scale, by the loudness")]
            let sample = value as i16;
            sample
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_are_as_long_as_they_say_and_far_from_clipping() {
        for (samples, ms, loudest) in
            [(beep(), 400, 6_600), (comfort(), 5_000, 1_060), (ringback(), 5_000, 5_300)]
        {
            assert_eq!(samples.len(), ms * 8);
            let peak = samples.iter().map(|sample| i32::from(*sample).abs()).max().unwrap();
            assert!(peak <= loudest && peak > loudest * 9 / 10, "{peak}");
            let ends = [samples.first(), samples.last()].map(|end| end.copied().unwrap_or(i16::MAX));
            assert!(ends.iter().all(|end| end.abs() < 100), "it clicks: {ends:?}");
        }
    }
}
