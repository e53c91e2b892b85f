//! Reads a closed recording from end to end, once: its SHA-256, and what both sides say without a word
//! being recognised. It runs on a thread that nobody waits for, and never writes.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use sha2::{Digest, Sha256};

use super::{recorder::peaks::Peaks, wav::Layout};
use crate::{
    desk::facts::{CallFacts, SideFacts},
    sound::{
        conversation::{Conversation, Voice},
        side::{Side, SideSound},
        span::Span,
    },
};

/// Bytes read at once: two seconds of stereo at 8 kHz.
const CHUNK: usize = 64 << 10;

/// What the file says.
#[derive(Debug)]
pub struct Examination {
    /// SHA-256 of the whole file, as `sha256sum` prints it.
    pub sha256: [u8; 32],
    pub facts: CallFacts,
    /// Samples per channel.
    pub samples: u64,
    pub peaks: Peaks,
}

/// Reads the whole file; `None`: `stop` was set meanwhile.
///
/// # Errors
/// The file can't be read, or is no 16-bit stereo WAV.
pub fn examine(path: &Path, stop: &AtomicBool) -> io::Result<Option<Examination>> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut ears: Option<Ears> = None;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let full = fill(&mut file, &mut chunk)?;
        let read = chunk.get(..full).unwrap_or_default();
        hash.update(read);
        match &mut ears {
            Some(ears) => ears.hear(read),
            None => {
                let bad = |why| io::Error::new(io::ErrorKind::InvalidData, why);
                let layout = Layout::parse(read).ok_or_else(|| bad("its WAV header is not whole"))?;
                if layout.frame_bytes != 4 || layout.sample_rate == 0 {
                    return Err(bad("it is no 16-bit stereo WAV"));
                }
                let samples_at = usize::try_from(layout.samples_at).unwrap_or(usize::MAX);
                let first = ears.insert(Ears::new(layout.sample_rate));
                first.hear(read.get(samples_at..).unwrap_or_default());
            }
        }
        if full < CHUNK {
            // A file that ends before its header does was refused above.
            let Some(ears) = ears else { return Ok(None) };
            return Ok(Some(ears.examined(hash.finalize().into())));
        }
    }
}

/// SHA-256 of a file.
///
/// # Errors
/// The file can't be read.
pub fn sha256_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let full = fill(&mut file, &mut chunk)?;
        hash.update(chunk.get(..full).unwrap_or_default());
        if full < CHUNK {
            return Ok(hash.finalize().into());
        }
    }
}

/// Reads until the chunk is full or the file ends.
fn fill(file: &mut File, chunk: &mut [u8]) -> io::Result<usize> {
    let mut full = 0;
    while let Some(rest) = chunk.get_mut(full..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => full += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(full)
}

/// Both sides, while the file is read.
struct Ears {
    left: Side,
    right: Side,
    peaks: Peaks,
    heard: u64,
    /// Bytes of a frame that the chunk before did not hold whole.
    rest: Vec<u8>,
    samples: [Vec<i16>; 2],
}

impl Ears {
    fn new(sample_rate: u32) -> Self {
        Self {
            left: Side::new(sample_rate),
            right: Side::new(sample_rate),
            peaks: Peaks::new(sample_rate),
            heard: 0,
            rest: Vec::new(),
            samples: Default::default(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let [left, right] = &mut self.samples;
        left.clear();
        right.clear();
        let (frames, rest) = self.rest.as_chunks::<4>();
        for [l0, l1, r0, r1] in frames {
            left.push(i16::from_le_bytes([*l0, *l1]));
            right.push(i16::from_le_bytes([*r0, *r1]));
        }
        let rest = rest.to_vec();
        self.rest = rest;
        self.left.push(left);
        self.right.push(right);
        self.peaks.push(left, right);
        self.heard += u64::try_from(left.len()).unwrap_or(0);
    }

    fn examined(self, sha256: [u8; 32]) -> Examination {
        let length = self.left.length();
        let facts = facts(&Conversation::of(self.left.finish(), self.right.finish(), length));
        Examination { sha256, facts, samples: self.heard, peaks: self.peaks }
    }
}

/// What is kept of a conversation.
fn facts(heard: &Conversation) -> CallFacts {
    let stretch = |span: &Span| (span.from, span.to);
    let side = |sound: &SideSound, voice: Voice| SideFacts {
        speech: sound.speech.iter().map(stretch).collect(),
        spoke: sound.spoke(),
        talk_over: heard.talked_over(voice),
        cut_ins: heard.cut_ins(voice),
        loudness_lufs: sound.level.loudness,
        peak_dbfs: sound.level.peak,
        clipped_samples: sound.level.clipped_samples,
        noise_dbfs: sound.noise,
    };
    CallFacts {
        length: heard.length,
        caller: side(&heard.left, Voice::Left),
        operator: side(&heard.right, Voice::Right),
        longest_silence: heard.longest_silence.as_ref().map(stretch),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The complaint as the recorder writes it: left the caller, right the operator.
    fn complaint(path: &Path) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dialogues");
        let read = |side: &str| {
            let wav = hound::WavReader::open(folder.join(format!("complaint_{side}.wav"))).unwrap();
            wav.into_samples::<i16>().map(Result::unwrap).collect::<Vec<_>>()
        };
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, spec).unwrap();
        for (left, right) in read("caller").into_iter().zip(read("operator")) {
            wav.write_sample(left).unwrap();
            wav.write_sample(right).unwrap();
        }
        wav.finalize().unwrap();
    }

    #[test]
    fn a_recording_says_who_cut_in_and_what_its_hash_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        complaint(&path);
        let found = examine(&path, &AtomicBool::new(false)).unwrap().unwrap();
        assert_eq!(found.sha256, <[u8; 32]>::from(Sha256::digest(std::fs::read(&path).unwrap())));
        assert_eq!(sha256_of(&path).unwrap(), found.sha256);
        let facts = found.facts;
        assert_eq!((facts.operator.cut_ins, facts.caller.cut_ins), (1, 0));
        assert!(facts.operator.talk_over.abs_diff(Duration::from_millis(800)) < Duration::from_millis(150));
        assert_eq!((facts.caller.speech.len(), facts.operator.speech.len()), (3, 4));
        assert!(facts.greeting().unwrap().abs_diff(Duration::from_millis(600)) < Duration::from_millis(150));
        assert!(facts.operator.loudness_lufs.is_some_and(|lufs| (-30.0..-15.0).contains(&lufs)), "{facts:?}");
    }

    #[test]
    fn what_is_no_recording_is_said_and_what_is_stopped_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        assert_eq!(examine(&path, &AtomicBool::new(false)).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, b"not a wav").unwrap();
        assert_eq!(examine(&path, &AtomicBool::new(false)).unwrap_err().kind(), io::ErrorKind::InvalidData);
        complaint(&path);
        assert!(examine(&path, &AtomicBool::new(true)).unwrap().is_none());
    }
}
