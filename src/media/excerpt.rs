//! A closed recording, or a part of it, or one side of it, as a WAV of its own: read by byte ranges, as a
//! browser asks for them, without a copy on disk. It never writes.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path, time::Duration};

use super::{recorder::Channel, wav::Layout};

/// Bytes of our header: RIFF, one `fmt ` chunk of 16 bytes, `data`.
const HEADER: usize = 44;

/// Bytes of one sample of both channels.
const FRAME: u64 = 4;

/// What is wanted of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// From here on; from its beginning.
    pub from: Option<Duration>,
    /// Up to here; to its end.
    pub to: Option<Duration>,
    /// The side that is silent then.
    pub mute: Option<Channel>,
}

/// The WAV that comes out.
#[derive(Debug)]
pub struct Excerpt {
    file: File,
    header: [u8; HEADER],
    /// Where in the file its first sample is.
    begins_at: u64,
    /// Bytes of samples.
    bytes: u64,
    mute: Option<Channel>,
}

impl Excerpt {
    /// Opens a closed recording. What is wanted beyond its end is left out.
    ///
    /// # Errors
    /// The file can't be read or is no 16-bit stereo WAV (`InvalidData`); nothing is left of it between
    /// these times (`InvalidInput`).
    pub fn open(path: &Path, cut: &Cut) -> io::Result<Self> {
        let file = File::open(path)?;
        let layout = Layout::read(&file)?;
        if layout.frame_bytes != FRAME || layout.sample_rate == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no 16-bit stereo WAV"));
        }
        let frames = file.metadata()?.len().saturating_sub(layout.samples_at) / FRAME;
        let frame_at = |time: Duration| {
            let frame = time.as_micros().saturating_mul(u128::from(layout.sample_rate)) / 1_000_000;
            u64::try_from(frame).unwrap_or(u64::MAX).min(frames)
        };
        let (from, to) = (cut.from.map_or(0, frame_at), cut.to.map_or(frames, frame_at));
        if from >= to && (cut.from.is_some() || cut.to.is_some()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "nothing of the recording lies between these times",
            ));
        }
        let bytes = to.saturating_sub(from) * FRAME;
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidData, "longer than a WAV file can be");
        let header = header(layout.sample_rate, u32::try_from(bytes).map_err(too_long)?);
        Ok(Self { file, header, begins_at: layout.samples_at + from * FRAME, bytes, mute: cut.mute })
    }

    /// Bytes of the whole WAV, header included.
    pub fn length(&self) -> u64 {
        self.bytes + 44
    }

    /// Reads from byte `at` of the WAV on; how many bytes, 0 at its end.
    ///
    /// # Errors
    /// The file can't be read, or became shorter since it was opened.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(rest) =
            usize::try_from(at).ok().and_then(|at| self.header.get(at..)).filter(|rest| !rest.is_empty())
        {
            let count = rest.len().min(buffer.len());
            for (place, byte) in buffer.iter_mut().zip(rest) {
                *place = *byte;
            }
            return Ok(count);
        }
        let at = at.saturating_sub(44);
        let left = usize::try_from(self.bytes.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let Some(wanted) = buffer.get_mut(..count) else { return Ok(0) };
        self.file.read_exact_at(wanted, self.begins_at + at)?;
        if let Some(side) = self.mute {
            let first = match side {
                Channel::Left => 0,
                Channel::Right => 2,
            };
            for (place, byte) in (at..).zip(wanted) {
                if (place % FRAME) / 2 == first / 2 {
                    *byte = 0;
                }
            }
        }
        Ok(count)
    }
}

/// A canonical header: PCM, stereo, 16 bits.
fn header(sample_rate: u32, bytes: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &bytes.saturating_add(36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &sample_rate.to_le_bytes(),
        &sample_rate.saturating_mul(4).to_le_bytes(),
        &4_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &bytes.to_le_bytes(),
    ];
    for (place, byte) in header.iter_mut().zip(fields.into_iter().flatten()) {
        *place = *byte;
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One second in which each sample says its place; the right side the negative of it.
    fn recording(path: &Path) {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, spec).unwrap();
        for n in 1..=8_000_i16 {
            wav.write_sample(n).unwrap();
            wav.write_sample(-n).unwrap();
        }
        wav.finalize().unwrap();
    }

    fn whole(excerpt: &Excerpt, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let mut some = vec![0; step];
        loop {
            let read = excerpt.read_at(u64::try_from(all.len()).unwrap(), &mut some).unwrap();
            if read == 0 {
                return all;
            }
            all.extend_from_slice(&some[..read]);
        }
    }

    fn samples(wav: &[u8]) -> Vec<i16> {
        let reader = hound::WavReader::new(wav).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8_000));
        reader.into_samples().map(Result::unwrap).collect()
    }

    #[test]
    fn a_clip_plays_from_and_to_its_sample_and_one_side_can_be_silent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        recording(&path);
        let all = whole(&Excerpt::open(&path, &Cut::default()).unwrap(), 1_000);
        assert_eq!(samples(&all), samples(&std::fs::read(&path).unwrap()));
        let ms = Duration::from_millis;
        let cut = Cut { from: Some(ms(250)), to: Some(ms(500)), mute: None };
        let clip = samples(&whole(&Excerpt::open(&path, &cut).unwrap(), 64));
        assert_eq!((clip.len(), clip[0], clip[1], *clip.last().unwrap()), (4_000, 2_001, -2_001, -4_000));
        for (mute, expected) in [(Channel::Left, [0, -2_001]), (Channel::Right, [2_001, 0])] {
            let excerpt = Excerpt::open(&path, &Cut { mute: Some(mute), ..cut }).unwrap();
            assert_eq!(samples(&whole(&excerpt, 64))[..2], expected);
        }
        let late = Cut { from: Some(ms(900)), to: Some(ms(5_000)), mute: None };
        assert_eq!(samples(&whole(&Excerpt::open(&path, &late).unwrap(), 64)).len(), 1_600);
    }

    #[test]
    fn any_byte_range_is_the_same_bytes_as_in_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        recording(&path);
        let excerpt = Excerpt::open(&path, &Cut { mute: Some(Channel::Right), ..Cut::default() }).unwrap();
        let all = whole(&excerpt, 4_096);
        assert_eq!(u64::try_from(all.len()).unwrap(), excerpt.length());
        for at in [0, 1, 43, 44, 45, 46, 47, 48, 1_001, 32_043] {
            let mut byte = [0; 7];
            let read = excerpt.read_at(u64::try_from(at).unwrap(), &mut byte).unwrap();
            assert!(read > 0 && byte[..read] == all[at..at + read], "at {at}");
        }
        assert_eq!(excerpt.read_at(excerpt.length(), &mut [0; 7]).unwrap(), 0);
        assert_eq!(excerpt.read_at(u64::MAX, &mut [0; 7]).unwrap(), 0);
    }

    #[test]
    fn times_between_which_there_is_nothing_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        recording(&path);
        for (from, to) in [(2, 3), (1, 1)] {
            let cut =
                Cut { from: Some(Duration::from_secs(from)), to: Some(Duration::from_secs(to)), mute: None };
            assert_eq!(Excerpt::open(&path, &cut).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
