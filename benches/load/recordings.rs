//! Compares recordings with what was said, sample by sample.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hotlined::rtp::g711::{self, Law};

use crate::voice::{self, SAMPLES, Voice};

/// A voice begins within this many samples of a recording's beginning: 5 s.
const LATEST_BEGIN: usize = 40_000;

/// Frames of a page of the file (4 KB), and its header's place.
const PAGE_FRAMES: usize = 1024 + 11;

/// What one side's channel is worth.
#[derive(Debug)]
pub(crate) struct Channel {
    /// Sample at which the voice begins; `None`: it is not there.
    pub(crate) begins: Option<usize>,
    /// Samples of the voice that are another or missing.
    pub(crate) wrong: usize,
}

/// Both channels of one recording, or why it does not play.
pub(crate) type Played = Result<Recording, String>;

#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) duration: Duration,
    pub(crate) caller: Channel,
    pub(crate) operator: Channel,
}

impl Recording {
    /// Milliseconds by which the sides lie apart from how they were sent.
    pub(crate) fn misalignment_ms(&self, caller: &Voice, operator: &Voice) -> Option<f64> {
        let recorded = self.caller.begins? as f64 - self.operator.begins? as f64;
        let sent = signed_ms(caller.began?, operator.began?);
        Some((recorded / 8.0 - sent).abs())
    }
}

fn signed_ms(a: Instant, b: Instant) -> f64 {
    (a.saturating_duration_since(b).as_secs_f64() - b.saturating_duration_since(a).as_secs_f64()) * 1e3
}

/// Reads a recording and compares it with the voices `caller` and the one after it. `packets` is how many
/// packets each side sent; what a recording lacks at its end counts as wrong unless `cut`.
pub(crate) fn compare(path: &Path, caller: usize, packets: [u32; 2], cut: Cut) -> Played {
    let mut reader = hound::WavReader::open(path).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate, spec.bits_per_sample) != (2, 8000, 16) {
        return Err(format!("{spec:?}"));
    }
    let mut channels = [Vec::new(), Vec::new()];
    for (index, sample) in reader.samples::<i16>().enumerate() {
        channels[index % 2].push(sample.map_err(|error| error.to_string())?);
    }
    let duration = Duration::from_micros(channels[1].len() as u64 * 125);
    let of = |side: usize| channel(&channels[side], caller + side, packets[side], cut);
    Ok(Recording { duration, caller: of(0), operator: of(1) })
}

/// Whether the end of a voice may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Whole,
    AtTheEnd,
}

fn channel(samples: &[i16], stream: usize, packets: u32, cut: Cut) -> Channel {
    let first = linear(stream, 0);
    let earliest = samples.get(..samples.len().min(LATEST_BEGIN)).unwrap_or_default();
    let Some(begins) = earliest.windows(SAMPLES).position(|window| window == first) else {
        return Channel { begins: None, wrong: packets as usize * SAMPLES };
    };
    let mut wrong = 0;
    for index in 0..packets {
        let at = begins + index as usize * SAMPLES;
        let there = samples.get(at..).unwrap_or_default();
        let there = there.get(..SAMPLES.min(there.len())).unwrap_or_default();
        if there.len() < SAMPLES && cut == Cut::AtTheEnd {
            // The writer pads what had not come yet: the last packets may be silent, never different.
            break;
        }
        let said = linear(stream, index);
        // A disk that lost its power may lack the end of the file's last page: silence, never another sound.
        let torn = |at: usize| cut == Cut::AtTheEnd && at + PAGE_FRAMES > samples.len();
        let same = (at..).zip(there).zip(&said);
        let same = same.filter(|((at, is), was)| is == was || **is == 0 && torn(*at)).count();
        let silent = cut == Cut::AtTheEnd && there.iter().all(|sample| sample.unsigned_abs() <= 8);
        if !silent {
            wrong += SAMPLES - same;
        }
    }
    Channel { begins: Some(begins), wrong }
}

fn linear(stream: usize, index: u32) -> Vec<i16> {
    let mut samples = Vec::with_capacity(SAMPLES);
    g711::decode(Law::A, &voice::payload(stream, index), &mut samples);
    samples
}

/// All files below a folder that end so.
pub(crate) fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found
}
