//! The peaks of a recording: 20 pairs of least and largest sample a second for each channel, in
//! audiowaveform's binary layout, version 2 (`docs/recordings.md`).
//! An hour is 288 KB, and a player draws it at once. They can be made again from the WAV, so trouble with
//! them never troubles the recording.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Peaks a second.
const PER_SECOND: u32 = 20;

/// Bytes before the first peak.
const HEADER: u64 = 24;

/// The layout's version, and the flag that says 8 bits a value.
const VERSION: i32 = 2;
const EIGHT_BITS: u32 = 1;

const CHANNELS: i32 = 2;

/// Where a recording's peaks lie: its own name with `.dat`.
pub fn path_of(wav: &Path) -> PathBuf {
    wav.with_extension("dat")
}

/// Least and largest of what came since the last peak.
#[derive(Debug, Clone, Copy)]
struct Extent {
    least: i16,
    largest: i16,
}

impl Extent {
    const NONE: Self = Self { least: i16::MAX, largest: i16::MIN };

    fn take(&mut self, sample: i16) {
        self.least = self.least.min(sample);
        self.largest = self.largest.max(sample);
    }

    /// In 8 bits, as the layout has them: rounded towards minus infinity.
    fn bytes(self) -> [u8; 2] {
        [self.least, self.largest].map(|sample| {
            let [_, high] = sample.to_le_bytes();
            high
        })
    }
}

/// Takes in samples and hands out peaks.
#[derive(Debug)]
pub struct Peaks {
    sample_rate: u32,
    samples_per_peak: u32,
    open: [Extent; 2],
    samples: u32,
    /// Not handed out yet.
    bytes: Vec<u8>,
}

impl Peaks {
    /// For samples at this rate (Hz).
    pub fn new(sample_rate: u32) -> Self {
        Self {
            sample_rate,
            samples_per_peak: (sample_rate / PER_SECOND).max(1),
            open: [Extent::NONE; 2],
            samples: 0,
            bytes: Vec::new(),
        }
    }

    /// Takes in one sample of each channel for each pair.
    pub fn push(&mut self, left: &[i16], right: &[i16]) {
        for (left, right) in left.iter().zip(right) {
            let [on_left, on_right] = &mut self.open;
            on_left.take(*left);
            on_right.take(*right);
            self.samples += 1;
            if self.samples == self.samples_per_peak {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        for extent in std::mem::replace(&mut self.open, [Extent::NONE; 2]) {
            self.bytes.extend(extent.bytes());
        }
        self.samples = 0;
    }

    /// The header of a file with so many peaks.
    fn header(&self, peaks: u32) -> Vec<u8> {
        let signed = |value: u32| i32::try_from(value).unwrap_or(i32::MAX).to_le_bytes();
        [
            VERSION.to_le_bytes(),
            EIGHT_BITS.to_le_bytes(),
            signed(self.sample_rate),
            signed(self.samples_per_peak),
            peaks.to_le_bytes(),
            CHANNELS.to_le_bytes(),
        ]
        .concat()
    }

    /// The whole file, once all samples were taken in.
    pub fn finish(mut self) -> Vec<u8> {
        if self.samples > 0 {
            self.close();
        }
        let mut file = self.header(u32::try_from(self.bytes.len() / 4).unwrap_or(u32::MAX));
        file.append(&mut self.bytes);
        file
    }
}

/// A file of peaks that grows beside its recording. It has its own name from the beginning: its header
/// is right whenever it was written, and whether it is whole the recording's length says.
#[derive(Debug)]
pub(super) struct PeaksFile {
    peaks: Peaks,
    /// `None`: it could not be made or written. The peaks are made again from the WAV.
    file: Option<File>,
    written: u64,
}

impl PeaksFile {
    /// Makes `path`, which must not be there.
    pub(super) fn create(path: &Path, sample_rate: u32) -> Self {
        let made = File::options().write(true).create_new(true).mode(0o600).open(path);
        let file = made.inspect_err(|error| tracing::warn!(path = %path.display(), %error, "peaks")).ok();
        Self { peaks: Peaks::new(sample_rate), file, written: 0 }
    }

    pub(super) fn push(&mut self, left: &[i16], right: &[i16]) {
        if self.file.is_some() {
            self.peaks.push(left, right);
        }
    }

    /// Writes what is ready, header included, so that the file can be read while it grows.
    pub(super) fn flush(&mut self) {
        let Some(file) = &self.file else { return };
        if let Err(error) = self.write(file) {
            tracing::warn!(%error, "peaks can't be written; they are made again from the recording");
            self.file = None;
        }
        self.written += u64::try_from(self.peaks.bytes.len()).unwrap_or(0);
        self.peaks.bytes.clear();
    }

    /// The last peak, however few samples it has.
    pub(super) fn end(&mut self) {
        if self.peaks.samples > 0 {
            self.peaks.close();
        }
        self.flush();
    }

    fn write(&self, file: &File) -> io::Result<()> {
        file.write_all_at(&self.peaks.bytes, HEADER + self.written)?;
        let peaks = (self.written + u64::try_from(self.peaks.bytes.len()).unwrap_or(0)) / 4;
        file.write_all_at(&self.peaks.header(u32::try_from(peaks).unwrap_or(u32::MAX)), 0)
    }
}

/// Whether the file beside that recording holds the peaks of so many samples.
pub fn fit(wav: &Path, samples: u64) -> bool {
    let Ok(bytes) = std::fs::read(path_of(wav)) else { return false };
    let number = |at: usize| bytes.get(at..)?.first_chunk::<4>().map(|four| u32::from_le_bytes(*four));
    let (Some(per_peak), Some(peaks)) = (number(12), number(16)) else { return false };
    let wanted = samples.div_ceil(u64::from(per_peak.max(1)));
    let length = u64::try_from(bytes.len()).unwrap_or(0);
    u64::from(peaks) == wanted && length == HEADER + u64::from(peaks) * 4
}

/// Puts the peaks beside a recording, in place of what is there.
///
/// # Errors
/// The disk refuses.
pub fn write(wav: &Path, peaks: Peaks) -> io::Result<()> {
    let path = path_of(wav);
    let mut new = path.clone().into_os_string();
    new.push(".new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&peaks.finish())?;
    file.sync_data()?;
    std::fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_audiowaveforms_version_2() {
        let mut peaks = Peaks::new(8_000);
        let left: Vec<i16> = (0..1_000).map(|n| if n == 10 { -12_800 } else { 256 }).collect();
        peaks.push(&left, &[i16::MAX; 1_000]);
        let file = peaks.finish();
        // version, flags (8 bits), rate, samples a peak, peaks, channels
        let header: Vec<u32> =
            file[..24].chunks(4).map(|four| u32::from_le_bytes(four.try_into().unwrap())).collect();
        assert_eq!(header, [2, 1, 8_000, 400, 3, 2]);
        let values: Vec<i8> = file[24..].iter().map(|byte| byte.cast_signed()).collect();
        assert_eq!(values, [-50, 1, 127, 127, 1, 1, 127, 127, 1, 1, 127, 127]);
    }

    #[test]
    fn what_grows_beside_the_recording_is_what_is_made_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let wav = folder.path().join("a.wav");
        let left: Vec<i16> = (0..9_999).map(|n| (n % 300) * 100 - 15_000).collect();
        let right: Vec<i16> = left.iter().rev().copied().collect();
        let mut growing = PeaksFile::create(&path_of(&wav), 8_000);
        for (left, right) in left.chunks(777).zip(right.chunks(777)) {
            growing.push(left, right);
            growing.flush();
        }
        assert!(!fit(&wav, 9_999), "the last peak is open");
        growing.end();
        assert!(fit(&wav, 9_999));
        let mut again = Peaks::new(8_000);
        again.push(&left, &right);
        let grown = std::fs::read(path_of(&wav)).unwrap();
        write(&wav, again).unwrap();
        assert_eq!(grown, std::fs::read(path_of(&wav)).unwrap());
    }
}
