//! How loud one side is, and how clean: gated loudness after ITU-R BS.1770-4 (mono), peak, clipping and
//! noise floor. All levels are relative to full scale of 16 bits.

use ebur128::{EbuR128, Mode};

/// At least so many samples in a row at the top of the scale are clipping: a loud vowel touches it for
/// one or two. A-law's loudest sample is 32,256, µ-law's 32,124.
const CLIPPED_ROW: u32 = 3;
const CLIPPED_FROM: u16 = 31_000;

/// What was measured on one side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Level {
    /// LUFS; `None`: never above −70 LUFS.
    pub loudness: Option<f64>,
    /// Largest sample in dBFS; `None`: digital silence.
    pub peak: Option<f64>,
    /// Samples that hit the top of the scale, three and more in a row.
    pub clipped_samples: u64,
}

/// Takes in samples and measures.
#[derive(Debug)]
pub struct Meter {
    loudness: Option<EbuR128>,
    peak: u16,
    clipped: u64,
    row: u32,
}

impl Meter {
    /// For samples at this rate (Hz).
    pub fn new(sample_rate: u32) -> Self {
        // It refuses rates below 16 Hz and above 2.8 MHz, which no telephone has.
        let loudness = EbuR128::new(1, sample_rate, Mode::I | Mode::HISTOGRAM).ok();
        Self { loudness, peak: 0, clipped: 0, row: 0 }
    }

    pub fn push(&mut self, samples: &[i16]) {
        if let Some(meter) = &mut self.loudness
            && meter.add_frames_i16(samples).is_err()
        {
            self.loudness = None;
        }
        for sample in samples {
            let size = sample.unsigned_abs();
            self.peak = self.peak.max(size);
            self.row = if size >= CLIPPED_FROM { self.row + 1 } else { 0 };
            if self.row >= CLIPPED_ROW {
                self.clipped += if self.row == CLIPPED_ROW { u64::from(CLIPPED_ROW) } else { 1 };
            }
        }
    }

    /// What was measured so far.
    pub fn level(&self) -> Level {
        let loudness = self.loudness.as_ref().and_then(|meter| meter.loudness_global().ok());
        Level {
            loudness: loudness.filter(|lufs| lufs.is_finite()),
            peak: (self.peak > 0).then(|| 20.0 * (f64::from(self.peak) / 32_768.0).log10()),
            clipped_samples: self.clipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "an amplitude is at most full scale")]
    fn sine(seconds: u32, amplitude: f64) -> Vec<i16> {
        (0..seconds * 8_000)
            .map(|n| ((f64::from(n) * 997.0 / 8_000.0 * std::f64::consts::TAU).sin() * amplitude) as i16)
            .collect()
    }

    fn level(samples: &[i16]) -> Level {
        let mut meter = Meter::new(8_000);
        samples.chunks(777).for_each(|some| meter.push(some));
        meter.level()
    }

    #[test]
    fn a_full_sine_is_minus_three_lufs_and_silence_has_none() {
        let full = level(&sine(5, 32_767.0));
        assert!((full.loudness.unwrap() + 3.01).abs() < 0.2, "{full:?}");
        let quiet = level(&sine(5, 327.67));
        assert!((quiet.loudness.unwrap() + 43.01).abs() < 0.2, "{quiet:?}");
        assert!((quiet.peak.unwrap() + 40.0).abs() < 0.1, "{quiet:?}");
        assert_eq!(level(&[0; 40_000]), Level::default());
    }

    #[test]
    fn pauses_do_not_make_a_voice_softer() {
        let mut samples = sine(5, 3_276.7);
        let spoken = level(&samples).loudness.unwrap();
        samples.extend(vec![0; 80_000]);
        samples.extend(sine(5, 3_276.7));
        assert!((level(&samples).loudness.unwrap() - spoken).abs() < 0.3);
    }

    #[test]
    fn a_flat_top_is_clipping_and_a_touch_is_not() {
        let mut samples = vec![0; 100];
        samples.extend([32_000, 32_000, 0, -32_000, -32_000]);
        assert_eq!(level(&samples).clipped_samples, 0);
        samples.extend([0, 32_256, 32_256, 32_256, 32_256, 0]);
        assert_eq!(level(&samples).clipped_samples, 4);
    }
}
