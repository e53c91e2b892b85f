use std::{f64::consts::TAU, path::PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const ALL: [char; 16] = ['1', '2', '3', 'A', '4', '5', '6', 'B', '7', '8', '9', 'C', '*', '0', '#', 'D'];

/// How a key sounds on a line.
#[derive(Debug, Clone, Copy)]
struct Sound {
    key: char,
    ms: u32,
    /// Amplitudes of row and column.
    row: f64,
    column: f64,
    /// Both frequencies are off by so much.
    detuned: f64,
    /// Amplitude of white noise.
    noise: f64,
}

impl Sound {
    fn of(key: char) -> Self {
        Self { key, ms: 80, row: 6_000.0, column: 6_000.0, detuned: 1.0, noise: 0.0 }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn samples(self, seed: u64) -> Vec<i16> {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let place = ALL.iter().position(|key| *key == self.key).unwrap();
        let (row, column) = (f64::from(ROWS[place / 4]), f64::from(COLUMNS[place % 4]));
        let quiet = usize::try_from(seed % 97).unwrap() + 800;
        let mut noise = |level: f64| level * chance.random_range(-1.0..=1.0);
        let mut out: Vec<i16> = (0..quiet).map(|_| noise(self.noise) as i16).collect();
        for n in 0..self.ms * 8 {
            let at = TAU * f64::from(n) * self.detuned / 8_000.0;
            let tones = self.row * (row * at).sin() + self.column * (column * at + 1.0).sin();
            out.push((tones + noise(self.noise)) as i16);
        }
        out.extend((0..800).map(|_| noise(self.noise) as i16));
        out
    }
}

fn heard(samples: &[i16]) -> String {
    let mut listener = KeyListener::default();
    samples.iter().filter_map(|sample| listener.on(*sample)).collect()
}

#[test]
fn every_key_is_heard_once_wherever_it_begins() {
    for key in ALL {
        for seed in 0..97 {
            assert_eq!(heard(&Sound::of(key).samples(seed)), key.to_string(), "{key} {seed}");
        }
    }
}

#[test]
fn keys_one_after_another_are_heard_in_order() {
    let dialled: Vec<i16> = "1380#*4400".chars().flat_map(|key| Sound::of(key).samples(1)).collect();
    assert_eq!(heard(&dialled), "1380#*4400");
}

#[test]
fn a_key_of_40_ms_is_heard_and_one_of_20_is_not() {
    for key in ALL {
        for seed in 0..60 {
            let of = |ms| heard(&Sound { ms, ..Sound::of(key) }.samples(seed));
            assert_eq!(of(40), key.to_string(), "{key} {seed}");
            assert_eq!(of(20), "", "{key} {seed}");
        }
    }
}

#[test]
fn a_long_press_is_one_key_and_a_short_break_parts_nothing() {
    assert_eq!(heard(&Sound { ms: 3_000, ..Sound::of('5') }.samples(3)), "5");
    let mut broken = Sound { ms: 400, ..Sound::of('5') }.samples(0);
    broken[800 + 1_600..800 + 1_680].fill(0); // 10 ms.
    assert_eq!(heard(&broken), "5");
}

#[test]
fn twist_detuning_and_level_are_borne_as_far_as_q_24_asks() {
    for key in ALL {
        for (row, column, detuned) in [
            (6_000.0, 6_000.0 * 0.5, 1.0),  // 6 dB
            (6_000.0 * 0.63, 6_000.0, 1.0), // 4 dB
            (6_000.0, 6_000.0, 1.015),
            (6_000.0, 6_000.0, 0.985),
            (200.0, 200.0, 1.0),
            (15_000.0, 15_000.0, 1.0),
        ] {
            for seed in 0..10 {
                let sound = Sound { row, column, detuned, ..Sound::of(key) };
                assert_eq!(heard(&sound.samples(seed)), key.to_string(), "{sound:?}");
            }
        }
    }
}

#[test]
fn noise_of_a_bad_line_hides_no_key() {
    let mut missed = 0;
    for seed in 0..200 {
        let key = ALL[usize::try_from(seed % 16).unwrap()];
        // The noise's power is A²/3, that of both tones together A²: 15 dB below.
        let sound = Sound { noise: 6_000.0 * 0.308, ..Sound::of(key) };
        missed += usize::from(heard(&sound.samples(seed)) != key.to_string());
    }
    assert_eq!(missed, 0);
}

#[test]
fn noise_silence_and_single_tones_are_no_keys() {
    let mut chance = ChaCha8Rng::seed_from_u64(9);
    let noise: Vec<i16> = (0..8_000 * 60).map(|_| chance.random_range(-20_000..20_000)).collect();
    assert_eq!(heard(&noise), "");
    assert_eq!(heard(&[0; 8_000]), "");
    for row in ROWS.into_iter().chain(COLUMNS) {
        let only = Sound { column: 0.0, ..Sound::of('1') };
        assert_eq!(heard(&only.samples(1)), "", "{row}");
    }
    // Chinese ringing and busy tone: 450 Hz. European dial tone: 425 Hz. North America's: 350 + 440 Hz.
    for (a, b) in [(450.0, 0.0), (425.0, 0.0), (350.0, 440.0), (440.0, 480.0), (480.0, 620.0)] {
        #[allow(clippy::cast_possible_truncation)]
        let tone: Vec<i16> = (0..16_000)
            .map(|n| {
                let at = TAU * f64::from(n) / 8_000.0;
                (8_000.0 * (a * at).sin() + if b > 0.0 { 8_000.0 * (b * at).sin() } else { 0.0 }) as i16
            })
            .collect();
        assert_eq!(heard(&tone), "", "{a} + {b} Hz");
    }
}

#[test]
fn speech_presses_no_key() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for folder in ["prompts", "tests/fixtures/dialogues"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "wav") {
                continue;
            }
            let reader = hound::WavReader::open(&file).unwrap();
            assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8_000, 1));
            let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
            // The announcement tone of voicemail's greeting is one tone.
            for gain in [1, 2, 4] {
                let louder: Vec<i16> = samples.iter().map(|sample| sample.saturating_mul(gain)).collect();
                assert_eq!(heard(&louder), "", "{} × {gain}", file.display());
            }
            files += 1;
        }
    }
    assert!(files > 30, "{files}");
}
