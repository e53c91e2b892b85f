//! When a voice is there. For each frame and band the power is compared with the noise of that band
//! around it; where the mean of the likelihood ratios (Sohn, Kim, Sung: “A statistical model-based voice
//! activity detection”, 1999) is high, somebody speaks. It looks at the whole recording, so that it
//! knows the noise before the first word. Its constants were set on speech with white, pink and hum
//! noise at 5 to 20 dB; what they reach is in `docs/facts.md`.

use std::time::Duration;

use super::{
    span::Span,
    spectrum::{BANDS, Bands, FRAMES_PER_SECOND, power, step},
};

/// A pause below this parts no sentence: breath, and the closure before a plosive.
pub const PAUSE: Duration = Duration::from_millis(600);

/// Frames over which noise is smoothed (150 ms), and the ratio to it (90 ms): one syllable.
const NOISE_SMOOTH: usize = 15;
const RATIO_SMOOTH: usize = 9;

/// Noise is the quietest tenth around a frame, a little lifted: even without a pause between
/// sentences a voice leaves each band for a tenth of the time.
const QUIETEST: u32 = 10;
const LIFT: f32 = 1.1;

/// The least noise that is believed in: white noise at −56 dBFS. Below it everything is silence.
const LEAST_NOISE: f32 = 10.0;

/// Noise is taken anew every 5 s, from the 35 s around.
const BLOCK: usize = 500;
const AROUND: usize = 3;

/// The mean likelihood ratio that says somebody begins to speak, and the one that says he goes on.
const BEGINS: f32 = 0.63;
const GOES_ON: f32 = 0.126;

/// A sound shorter than this (in frames: 100 ms) is a click.
const SHORTEST: usize = 10;

/// A sound this much below the side's loud words is no word of this side, but an echo of the other's,
/// or somebody at the next table.
const ECHO_DB: f32 = 20.0;

/// From a frame's number to the middle of the frame.
const MIDDLE: Duration = Duration::from_millis(16);

/// Where in these frames a voice is, in order; pauses are not bridged.
pub(super) fn voice(frames: &[Bands]) -> Vec<Span> {
    let ratios = ratios(frames);
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < ratios.len() {
        let rest = ratios.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|ratio| **ratio > GOES_ON).count();
        let run = rest.get(..length).unwrap_or_default();
        if length >= SHORTEST && run.iter().any(|ratio| *ratio > BEGINS) {
            found.push((at, at + length));
        }
        at += length.max(1);
    }
    without_echo(frames, found).into_iter().map(|(from, to)| span(from, to)).collect()
}

fn span(from: usize, to: usize) -> Span {
    let time = |frame: usize| {
        Duration::from_millis(u64::try_from(frame).unwrap_or(u64::MAX).saturating_mul(1_000))
            / FRAMES_PER_SECOND
    };
    Span::new(time(from) + MIDDLE, time(to.saturating_sub(1)) + MIDDLE)
}

/// For each frame the mean over the bands of g − ln g − 1, where g is the power over the noise's.
fn ratios(frames: &[Bands]) -> Vec<f32> {
    let powers: Vec<f32> = (0..=u8::MAX).map(power).collect();
    let power_of = |step: u8| powers.get(usize::from(step)).copied().unwrap_or(0.0);
    let mut sums = vec![0.0_f32; frames.len()];
    let mut linear = vec![0.0_f32; frames.len()];
    let mut smooth = vec![0.0_f32; frames.len()];
    for band in 0..BANDS {
        for (place, frame) in linear.iter_mut().zip(frames) {
            *place = power_of(frame.get(band).copied().unwrap_or(0));
        }
        smoothed(&linear, NOISE_SMOOTH, &mut smooth);
        let steps: Vec<u8> = smooth.iter().map(|power| step(*power)).collect();
        for (number, block) in linear.chunks_mut(BLOCK).enumerate() {
            let from = number.saturating_sub(AROUND) * BLOCK;
            let to = ((number + AROUND + 1) * BLOCK).min(steps.len());
            let noise = quietest(steps.get(from..to).unwrap_or_default());
            let noise = (power_of(noise) * LIFT).max(LEAST_NOISE);
            block.iter_mut().for_each(|power| *power /= noise);
        }
        smoothed(&linear, RATIO_SMOOTH, &mut smooth);
        for (sum, ratio) in sums.iter_mut().zip(&smooth) {
            if *ratio > 1.0 {
                *sum += ratio - ratio.ln() - 1.0;
            }
        }
    }
    let bands = f32::from(u8::try_from(BANDS).unwrap_or(u8::MAX));
    sums.iter_mut().for_each(|sum| *sum /= bands);
    sums
}

/// The mean over `width` values around each; fewer at both ends.
fn smoothed(values: &[f32], width: usize, out: &mut [f32]) {
    let half = width / 2;
    let (mut sum, mut from, mut to) = (0.0_f64, 0, 0);
    for (at, place) in out.iter_mut().enumerate() {
        while to < values.len().min(at + half + 1) {
            sum += f64::from(values.get(to).copied().unwrap_or(0.0));
            to += 1;
        }
        while from < at.saturating_sub(half) {
            sum -= f64::from(values.get(from).copied().unwrap_or(0.0));
            from += 1;
        }
        let many = f64::from(u32::try_from(to - from).unwrap_or(u32::MAX).max(1));
        *place = as_f32(sum / many);
    }
}

/// The step that a tenth of these lie at or below.
fn quietest(steps: &[u8]) -> u8 {
    let mut counts = [0_u32; 256];
    for step in steps {
        if let Some(count) = counts.get_mut(usize::from(*step)) {
            *count += 1;
        }
    }
    let wanted = u32::try_from(steps.len()).unwrap_or(u32::MAX) / QUIETEST;
    let mut below = 0;
    for (step, count) in (0..=u8::MAX).zip(counts) {
        below += count;
        if below > wanted {
            return step;
        }
    }
    0
}

/// Leaves out what is far below the loud words of this side.
fn without_echo(frames: &[Bands], mut found: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let level = |frame: &Bands| frame.iter().map(|step| power(*step)).sum::<f32>();
    let of = |(from, to): &(usize, usize)| frames.get(*from..*to).unwrap_or_default();
    let mut levels: Vec<f32> = found.iter().flat_map(of).map(level).collect();
    levels.sort_by(f32::total_cmp);
    let Some(loud) = levels.get(levels.len() - levels.len() / 10 - usize::from(!levels.is_empty())) else {
        return found;
    };
    let least = loud * 10_f32.powf(-ECHO_DB / 10.0);
    found.retain(|run| of(run).iter().map(level).fold(0.0, f32::max) > least);
    found
}

#[expect(clippy::cast_possible_truncation, reason = "a mean of such values, rounded to one")]
fn as_f32(value: f64) -> f32 {
    value as f32
}
