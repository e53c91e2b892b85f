//! Keys heard in the audio (ITU-T Q.23, Q.24), for a leg that has no telephone-event: eight Goertzel
//! filters over windows of 12.75 ms that overlap by half. A key is two tones that stand out of all else;
//! it counts once it has been the same for 32 ms, so every key of 40 ms is told and none below 20 ms. Speech
//! and music hold two such tones, and nothing beside them, for no such time. Pure, without allocation.

use std::f32::consts::TAU;

/// Samples of 8 kHz in a window. A longer one tells the tones better apart and needs a longer key.
const WINDOW: usize = 102;

/// Samples from one window to the next.
const HOP: usize = WINDOW / 2;

/// Hz (Q.23 §3).
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];

/// Hz (Q.23 §3).
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Windows that must agree: 102 + 3 × 51 samples are 32 ms. With one more, keys of 40 ms are lost.
const AGREE: u32 = 4;

/// Windows without the key after which it has been let go: 25 ms (Q.24: a gap of 40 ms or more parts two
/// keys, an interruption of 10 ms does not).
const LET_GO: u32 = 4;

/// The weaker tone's least amplitude, of 32768: −48 dBFS.
const AUDIBLE: f32 = 130.0;

/// How much stronger the column's tone may be (power): 8 dB. Long lines weaken the high tones, few make
/// them stronger.
const TWIST: f32 = 6.3;

/// How much stronger the row's tone may be (power): 10 dB.
const REVERSE_TWIST: f32 = 10.0;

/// How far each tone must stand out among its four (power): 8 dB.
const STANDS_OUT: f32 = 6.3;

/// The least share of the window's power that lies in the two tones: tones that are 1.5 % off keep 0.75
/// of theirs, and noise up to −8 dB passes.
const SHARE: f32 = 0.70;

/// Listens to one leg.
#[derive(Debug, Clone)]
pub struct KeyListener {
    /// The running half of the window, and the one before it.
    filters: [[Goertzel; 8]; 2],
    energy: [f32; 2],
    /// Samples in the younger window.
    filled: usize,
    last: Option<char>,
    agreeing: u32,
    /// The key that is down and was told.
    told: Option<char>,
    missing: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Goertzel {
    coefficient: f32,
    s1: f32,
    s2: f32,
}

impl Goertzel {
    fn new(frequency: f32) -> Self {
        Self { coefficient: 2.0 * (TAU * frequency / 8_000.0).cos(), s1: 0.0, s2: 0.0 }
    }

    fn on(&mut self, sample: f32) {
        let s0 = sample + self.coefficient * self.s1 - self.s2;
        self.s2 = self.s1;
        self.s1 = s0;
    }

    /// The squared magnitude; then it begins anew.
    fn take(&mut self) -> f32 {
        let power = self.s1 * self.s1 + self.s2 * self.s2 - self.coefficient * self.s1 * self.s2;
        (self.s1, self.s2) = (0.0, 0.0);
        power
    }
}

impl Default for KeyListener {
    fn default() -> Self {
        let [a, b, c, d] = ROWS.map(Goertzel::new);
        let [e, f, g, h] = COLUMNS.map(Goertzel::new);
        Self {
            filters: [[a, b, c, d, e, f, g, h]; 2],
            energy: [0.0; 2],
            filled: 0,
            last: None,
            agreeing: 0,
            told: None,
            missing: 0,
        }
    }
}

impl KeyListener {
    /// Takes in the next sample of 8 kHz; the key, as soon as one is certain, once a press.
    pub fn on(&mut self, sample: i16) -> Option<char> {
        let value = f32::from(sample);
        for (filters, energy) in self.filters.iter_mut().zip(&mut self.energy) {
            filters.iter_mut().for_each(|filter| filter.on(value));
            *energy += value * value;
        }
        self.filled += 1;
        if self.filled < HOP {
            return None;
        }
        self.filled = 0;
        let [older, younger] = &mut self.filters;
        let powers = older.each_mut().map(Goertzel::take);
        let [energy, _] = self.energy;
        std::mem::swap(older, younger);
        self.energy = [self.energy[1], 0.0];
        self.window(key(&powers, energy))
    }

    fn window(&mut self, heard: Option<char>) -> Option<char> {
        self.agreeing = if heard.is_some() && heard == self.last { self.agreeing + 1 } else { 1 };
        self.last = heard;
        if self.told.is_some() && heard != self.told {
            self.missing += 1;
            if self.missing >= LET_GO {
                self.told = None;
            }
        } else {
            self.missing = 0;
        }
        let certain = heard.filter(|_| self.agreeing >= AGREE && self.told.is_none())?;
        self.told = Some(certain);
        self.missing = 0;
        Some(certain)
    }
}

/// The key of one window, from the powers of rows and columns and the energy of all.
fn key(powers: &[f32; 8], energy: f32) -> Option<char> {
    let [a, b, c, d, e, f, g, h] = *powers;
    let (row, row_power) = outstanding([a, b, c, d])?;
    let (column, column_power) = outstanding([e, f, g, h])?;
    // A tone of amplitude A has the magnitude A·N/2 at its frequency, and the energy A²·N/2.
    let window = f32::from(u16::try_from(WINDOW).unwrap_or(u16::MAX));
    let least = (AUDIBLE * window / 2.0).powi(2);
    let clear = row_power.min(column_power) >= least
        && column_power <= row_power * TWIST
        && row_power <= column_power * REVERSE_TWIST
        && row_power + column_power >= SHARE * energy * window / 2.0;
    if clear { KEYS.get(row)?.get(column).copied() } else { None }
}

/// The strongest of four, if it is far stronger than each other.
fn outstanding(powers: [f32; 4]) -> Option<(usize, f32)> {
    let (best, power) = powers.into_iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let alone = powers.iter().enumerate().all(|(at, other)| at == best || *other * STANDS_OUT <= power);
    alone.then_some((best, power))
}

#[cfg(test)]
mod tests;
