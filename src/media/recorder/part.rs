//! A file that grows: `….wav.part`. Hound writes the WAV; below it, every write goes to a place that we
//! keep ourselves, so that a write that failed half-way is simply done again, and a header's update costs
//! no seeks.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use hound::{SampleFormat, WavSpec, WavWriter};

use super::peaks::{self, PeaksFile};
use crate::rtp::stream::Band;

/// 16-bit stereo.
fn spec(band: Band) -> WavSpec {
    WavSpec {
        channels: 2,
        sample_rate: band.sample_rate(),
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    }
}

/// A WAV's sizes are 32 bits; this is 37 hours at 8 kHz. Beyond it nothing more is written (and that is counted).
const MAX_FRAMES: u32 = (u32::MAX - 4_096) / 4;

/// One recording's file while it grows.
pub(super) struct Part {
    wav: WavWriter<Placed>,
    peaks: PeaksFile,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("frames", &self.frames()).finish()
    }
}

/// What a recording's file is called while it grows.
pub(super) fn part_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

impl Part {
    /// Creates `path`'s `.part`, with the folders above it. Never opens a file that is there, and fails
    /// where the finished recording is there already. Only the daemon's own user may read it: it holds what
    /// residents said. The other handle is for the syncer.
    pub(super) fn create(dir: &Path, path: &Path, band: Band) -> io::Result<(Self, File)> {
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a recording's path leads out of its folder",
            ));
        }
        let path = dir.join(path);
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        if path.symlink_metadata().is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a recording of that name exists"));
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part_path(&path))?;
        let other = file.try_clone()?;
        let mut wav = WavWriter::new(Placed { file, at: 0, end: 0 }, spec(band)).map_err(io_error)?;
        wav.flush().map_err(io_error)?;
        let peaks = PeaksFile::create(&peaks::path_of(&path), band.sample_rate());
        Ok((Self { wav, peaks }, other))
    }

    /// Samples per channel that are in the file.
    pub(super) fn frames(&self) -> u32 {
        self.wav.duration()
    }

    /// Appends one sample of each channel for each pair; the shorter one decides. All or nothing.
    pub(super) fn write(&mut self, left: &[i16], right: &[i16]) -> io::Result<()> {
        let pairs = left.len().min(right.len());
        let frames = u32::try_from(pairs).unwrap_or(u32::MAX);
        if self.frames().saturating_add(frames) > MAX_FRAMES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a WAV file holds no more"));
        }
        let mut samples = self.wav.get_i16_writer(frames * 2);
        for (left, right) in left.iter().zip(right) {
            samples.write_sample(*left);
            samples.write_sample(*right);
        }
        samples.flush().map_err(io_error)?;
        self.peaks.push(left, right);
        Ok(())
    }

    /// Makes the header right for what is in the file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.peaks.flush();
        self.wav.flush().map_err(io_error)
    }

    /// The same, nothing comes any more.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.peaks.end();
        self.flush()
    }
}

fn io_error(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// A file written by place. After a write that failed, the place is the end of what is whole, wherever
/// hound was.
#[derive(Debug)]
struct Placed {
    file: File,
    at: u64,
    end: u64,
}

impl Write for Placed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all_at(bytes, self.at) {
            self.at = self.end;
            return Err(error);
        }
        self.at += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.end = self.end.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Placed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.end.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn nobody_else_can_read_a_recording() {
        let dir = tempfile::tempdir().unwrap();
        let path = Path::new("2026/11/23/20261123-0007.wav");
        Part::create(dir.path(), path, Band::Narrow).unwrap();
        let mode = |path: &Path| dir.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&part_path(path)), 0o600);
        assert_eq!(mode(Path::new("2026")), 0o700);
        assert_eq!(mode(Path::new("2026/11/23")), 0o700);
    }
}
