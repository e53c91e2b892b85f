//! Short-time power in sixteen bands of the telephone's range, a frame every 10 ms. A power is kept as
//! one byte in steps of half a decibel: an hour of one voice takes 6 MB.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};

/// Bands, evenly wide on the mel scale from 200 to 3600 Hz.
pub(super) const BANDS: usize = 16;

/// Frames a second.
pub(super) const FRAMES_PER_SECOND: u32 = 100;

/// A frame's length in seconds: long enough to part the bands, short enough for a syllable.
const FRAME_SECONDS: f32 = 0.032;

const LOWEST_HZ: f32 = 200.0;
const HIGHEST_HZ: f32 = 3_600.0;

/// Added to each power: quantisation and A-law's idle noise must not look like a change. White noise at
/// −60 dBFS has this power in each band.
const FLOOR: f32 = 4.0;

/// One frame's power per band, in steps of half a decibel.
pub(super) type Bands = [u8; BANDS];

/// Power of a step.
pub(super) fn power(step: u8) -> f32 {
    10_f32.powf(f32::from(step) / 20.0)
}

/// The step nearest to a power; powers below 1 are 1, those above 10^12 stay there.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte before")]
pub(super) fn step(power: f32) -> u8 {
    (20.0 * power.max(1.0).log10()).round().clamp(0.0, 255.0) as u8
}

/// Cuts samples into frames and measures each.
pub(super) struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// What makes powers comparable over sample rates.
    scale: f32,
    /// First and past-the-last bin of each band.
    bins: [(usize, usize); BANDS],
    hop: usize,
    waiting: Vec<i16>,
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl std::fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spectrum").field("hop", &self.hop).finish_non_exhaustive()
    }
}

impl Spectrum {
    /// For samples at this rate (Hz).
    pub(super) fn new(sample_rate: u32) -> Self {
        let rate = as_f32(sample_rate);
        let length = count(rate * FRAME_SECONDS).max(2);
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(length);
        let turn = std::f32::consts::TAU / (as_f32(length) - 1.0);
        let window: Vec<f32> = (0..length).map(|n| 0.5 - 0.5 * (turn * as_f32(n)).cos()).collect();
        let scale = 1.0 / (as_f32(length) * window.iter().map(|w| w * w).sum::<f32>());
        let edge = |band: usize| {
            let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
            let hz = hertz(low + (high - low) * as_f32(band) / as_f32(BANDS));
            count((hz * as_f32(length) / rate).ceil())
        };
        let bins = std::array::from_fn(|band| (edge(band), edge(band + 1).max(edge(band) + 1)));
        Self {
            window,
            scale,
            bins,
            hop: count(rate / as_f32(FRAMES_PER_SECOND)).max(1),
            waiting: Vec::new(),
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// Takes in samples and hands out the frames that they complete.
    pub(super) fn push(&mut self, samples: &[i16], frames: &mut Vec<Bands>) {
        self.waiting.extend_from_slice(samples);
        let mut at = 0;
        while let Some(frame) = self.waiting.get(at..at + self.window.len()) {
            for ((place, sample), weight) in self.input.iter_mut().zip(frame).zip(&self.window) {
                *place = f32::from(*sample) * weight;
            }
            let done = self.fft.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
            debug_assert!(done.is_ok(), "the buffers are the planner's own");
            frames.push(self.bands());
            at += self.hop;
        }
        self.waiting.drain(..at);
    }

    fn bands(&self) -> Bands {
        self.bins.map(|(from, to)| {
            let bins = self.output.get(from..to.min(self.output.len())).unwrap_or_default();
            let sum: f32 = bins.iter().map(Complex32::norm_sqr).sum();
            step(sum * self.scale / as_f32(bins.len().max(1)) + FLOOR)
        })
    }
}

fn mel(hertz: f32) -> f32 {
    2_595.0 * (1.0 + hertz / 700.0).log10()
}

fn hertz(mel: f32) -> f32 {
    700.0 * (10_f32.powf(mel / 2_595.0) - 1.0)
}

/// Counts here are below 2^24, where every whole number is an `f32`.
fn as_f32(count: impl TryInto<u32>) -> f32 {
    let count = count.try_into().unwrap_or(u32::MAX).min(1 << 24);
    let (high, low) = (count >> 12, count & 0xfff);
    f32::from(u16::try_from(high).unwrap_or(u16::MAX)) * 4_096.0
        + f32::from(u16::try_from(low).unwrap_or(u16::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a frame's size, never negative")]
fn count(value: f32) -> usize {
    value.round().max(0.0) as usize
}
