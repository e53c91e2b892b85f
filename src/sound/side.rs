//! One side of a conversation: samples in, as they come; what they say at the end.

use std::time::Duration;

use super::{
    activity::{self, PAUSE},
    level::{Level, Meter},
    span::{Span, bridged, total},
    spectrum::{Bands, Spectrum, step},
};

/// Samples of one side, while they come.
#[derive(Debug)]
pub struct Side {
    sample_rate: u32,
    spectrum: Spectrum,
    frames: Vec<Bands>,
    meter: Meter,
    /// Power of each 10 ms, in steps as the bands' powers have.
    powers: Vec<u8>,
    open: Open,
    samples: u64,
}

/// The 10 ms that are not full yet.
#[derive(Debug, Default)]
struct Open {
    squares: f32,
    samples: u32,
}

/// What one side's samples say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SideSound {
    /// Where the voice is, pauses within a sentence not bridged.
    pub voice: Vec<Span>,
    /// The same as sentences: pauses below [`PAUSE`] belong to them.
    pub speech: Vec<Span>,
    pub level: Level,
    /// What is heard where nobody speaks, in dBFS; `None`: digital silence, or no pause.
    pub noise: Option<f64>,
}

impl SideSound {
    /// Seconds of speech.
    pub fn spoke(&self) -> Duration {
        total(&self.speech)
    }

    /// When the first word came.
    pub fn first_word(&self) -> Option<Duration> {
        self.speech.first().map(|span| span.from)
    }
}

impl Side {
    /// For samples at this rate (Hz).
    pub fn new(sample_rate: u32) -> Self {
        Self {
            sample_rate,
            spectrum: Spectrum::new(sample_rate),
            frames: Vec::new(),
            meter: Meter::new(sample_rate),
            powers: Vec::new(),
            open: Open::default(),
            samples: 0,
        }
    }

    /// Takes in the next samples.
    pub fn push(&mut self, samples: &[i16]) {
        self.spectrum.push(samples, &mut self.frames);
        self.meter.push(samples);
        self.samples += u64::try_from(samples.len()).unwrap_or(0);
        let full = (self.sample_rate / 100).max(1);
        for sample in samples {
            let sample = f32::from(*sample);
            self.open.squares += sample * sample;
            self.open.samples += 1;
            if self.open.samples == full {
                let many = f32::from(u16::try_from(full).unwrap_or(u16::MAX));
                self.powers.push(step(self.open.squares / many));
                self.open = Open::default();
            }
        }
    }

    /// How long it is so far.
    pub fn length(&self) -> Duration {
        Duration::from_micros(self.samples.saturating_mul(1_000_000) / u64::from(self.sample_rate.max(1)))
    }

    /// What was heard.
    pub fn finish(self) -> SideSound {
        let voice = activity::voice(&self.frames);
        let speech = bridged(&voice, PAUSE);
        let noise = noise(&self.powers, &speech);
        SideSound { voice, speech, level: self.meter.level(), noise }
    }
}

/// The median of what is outside of speech, in dBFS.
fn noise(powers: &[u8], speech: &[Span]) -> Option<f64> {
    let mut spans = speech.iter().peekable();
    let mut quiet = Vec::new();
    for (at, power) in (0_u64..).zip(powers) {
        let at = Duration::from_millis(at.saturating_mul(10));
        while spans.peek().is_some_and(|span| span.to <= at) {
            spans.next();
        }
        if spans.peek().is_none_or(|span| at < span.from) {
            quiet.push(*power);
        }
    }
    quiet.sort_unstable();
    let median = quiet.get(quiet.len() / 2).copied().filter(|step| *step > 0)?;
    // A step is half a decibel over one quantum squared; full scale is 2^15 of them.
    Some(f64::from(median) / 2.0 - 90.309)
}
