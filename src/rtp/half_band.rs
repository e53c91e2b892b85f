//! Between 8 and 16 kHz: one half-band low-pass of 47 taps (Kaiser, β 5.65), 0 to 3400 Hz within 0.02 dB,
//! above 4600 Hz at −54 dB. Every second tap but the middle one is zero, so half of the samples pass as
//! they are. Delays by 23 samples at 16 kHz (1.4 ms). Pure, without allocation.

/// The taps that are not zero, but for the middle one (½); in units of 1/32768. Their sum is ½.
const WINGS: [i32; TAPS] = [
    -13, 34, -72, 130, -218, 344, -525, 786, -1182, 1856, -3335, 10387, 10387, -3335, 1856, -1182, 786, -525,
    344, -218, 130, -72, 34, -13,
];

const TAPS: usize = 24;

/// Pairs by which the middle tap lies behind the newest.
const MIDDLE: usize = 11;

/// The latest samples, oldest first.
#[derive(Debug, Clone, Copy, Default)]
struct History([i16; TAPS]);

impl History {
    fn push(&mut self, sample: i16) {
        self.0.copy_within(1.., 0);
        if let Some(newest) = self.0.last_mut() {
            *newest = sample;
        }
    }

    /// The sample that came `pairs` before the newest.
    fn before(&self, pairs: usize) -> i32 {
        self.0.iter().rev().nth(pairs).copied().unwrap_or(0).into()
    }

    /// Twice the wings' sum over the history, as a sample.
    fn filtered(&self) -> i32 {
        let sum: i32 = self.0.iter().zip(WINGS).map(|(sample, tap)| i32::from(*sample) * tap).sum();
        (sum + (1 << 13)) >> 14
    }
}

/// 8 kHz to 16 kHz.
#[derive(Debug, Clone, Copy, Default)]
pub struct Upsampler {
    history: History,
}

impl Upsampler {
    /// Two samples for one.
    pub fn on(&mut self, sample: i16) -> [i16; 2] {
        self.history.push(sample);
        [narrow(self.history.filtered()), narrow(self.history.before(MIDDLE))]
    }
}

/// 16 kHz to 8 kHz.
#[derive(Debug, Clone, Copy, Default)]
pub struct Downsampler {
    earlier: History,
    later: History,
}

impl Downsampler {
    /// One sample for two.
    pub fn on(&mut self, [earlier, later]: [i16; 2]) -> i16 {
        self.earlier.push(earlier);
        self.later.push(later);
        narrow((self.later.filtered() + self.earlier.before(MIDDLE)) >> 1)
    }
}

fn narrow(sample: i32) -> i16 {
    i16::try_from(sample.clamp(i16::MIN.into(), i16::MAX.into())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[allow(clippy::cast_possible_truncation)]
    fn tone(frequency: f64, rate: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| {
                let n = f64::from(u32::try_from(n).unwrap());
                (12_000.0 * (TAU * frequency * n / rate).sin()).round() as i16
            })
            .collect()
    }

    /// The amplitude of one frequency in samples after the filter has settled.
    fn amplitude(samples: &[i16], frequency: f64, rate: f64) -> f64 {
        let settled = &samples[200..];
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in settled.iter().enumerate() {
            let phase = TAU * frequency * f64::from(u32::try_from(n).unwrap()) / rate;
            re += f64::from(*sample) * phase.cos();
            im += f64::from(*sample) * phase.sin();
        }
        2.0 * re.hypot(im) / f64::from(u32::try_from(settled.len()).unwrap())
    }

    fn up(samples: &[i16]) -> Vec<i16> {
        let mut filter = Upsampler::default();
        samples.iter().flat_map(|sample| filter.on(*sample)).collect()
    }

    fn down(samples: &[i16]) -> Vec<i16> {
        let mut filter = Downsampler::default();
        samples.chunks_exact(2).map(|pair| filter.on([pair[0], pair[1]])).collect()
    }

    #[test]
    fn the_telephone_band_passes_both_ways_at_its_level() {
        for frequency in [300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
            for heard in [
                amplitude(&up(&tone(frequency, 8_000.0, 1_800)), frequency, 16_000.0),
                amplitude(&down(&tone(frequency, 16_000.0, 3_600)), frequency, 8_000.0),
            ] {
                assert!((heard - 12_000.0).abs() < 60.0, "{frequency} Hz: {heard}");
            }
        }
    }

    #[test]
    fn what_would_fold_into_the_band_is_gone() {
        for frequency in [4700.0, 5000.0, 6000.0, 7000.0] {
            let folded = amplitude(&down(&tone(frequency, 16_000.0, 3_600)), 8_000.0 - frequency, 8_000.0);
            assert!(folded < 24.0, "{frequency} Hz: {folded}");
        }
        for frequency in [1000.0, 3300.0] {
            let image = amplitude(&up(&tone(frequency, 8_000.0, 1_800)), 8_000.0 - frequency, 16_000.0);
            assert!(image < 24.0, "{frequency} Hz: {image}");
        }
    }

    #[test]
    #[allow(clippy::cast_possible_truncation)]
    fn up_and_down_again_delays_by_22_and_a_half_samples_and_changes_little() {
        let again = down(&up(&tone(700.0, 8_000.0, 1_000)));
        for (n, sample) in again.iter().enumerate().skip(100) {
            let at = f64::from(u32::try_from(n).unwrap()) - 22.5;
            let expected = (12_000.0 * (TAU * 700.0 * at / 8_000.0).sin()).round() as i16;
            assert!((expected - sample).abs() < 30, "{n}: {expected} {sample}");
        }
    }

    #[test]
    fn the_loudest_samples_are_cut_and_do_not_wrap() {
        let square: Vec<i16> = (0..400).map(|n| if n / 7 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        for (before, pair) in square.iter().zip(up(&square).chunks(2).skip(11)) {
            assert_eq!(pair[1], *before, "every second sample passes as it is");
        }
        assert_eq!(down(&square).len(), 200);
    }
}
