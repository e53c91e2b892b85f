//! The house's voice: prompt files, read once at start and kept in both G.711 laws, so that playing one
//! costs no work later. Never reads a file after start.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    call::machine::Prompt,
    rtp::{g711, stream::Codec},
};

/// Whether this file can be played as a prompt.
///
/// # Errors
/// In words: it can't be read, or has another format than 8000 Hz, mono, 16-bit PCM.
pub fn check(file: &Path) -> Result<(), String> {
    read(file).map(drop)
}

/// What a prompt file must be, in words for the log.
const EXPECTED: &str = "expected 8000 Hz, mono, 16-bit PCM";

/// One prompt, one byte a sample at 8 kHz.
#[derive(Debug)]
struct Spoken {
    alaw: Vec<u8>,
    ulaw: Vec<u8>,
}

/// All prompts that could be read.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    spoken: BTreeMap<Prompt, Spoken>,
}

impl Prompts {
    /// Reads the files. One that is missing or has another format is logged as an error and left out;
    /// a call that wants it goes on without.
    pub(crate) fn load(files: &BTreeMap<Prompt, PathBuf>) -> Self {
        let mut spoken = BTreeMap::new();
        for (prompt, path) in files {
            match read(path) {
                Ok(samples) => {
                    let mut voice = Spoken { alaw: Vec::new(), ulaw: Vec::new() };
                    g711::encode(Codec::Pcma, &samples, &mut voice.alaw);
                    g711::encode(Codec::Pcmu, &samples, &mut voice.ulaw);
                    spoken.insert(*prompt, voice);
                }
                Err(why) => tracing::error!(?prompt, path = %path.display(), why, "prompt cannot be played"),
            }
        }
        Self { spoken }
    }

    /// The prompt's payload from sample `from` on, one byte a sample: empty at its end, `None` where
    /// there is no such prompt.
    pub(crate) fn rest(&self, prompt: Prompt, codec: Codec, from: usize) -> Option<&[u8]> {
        let spoken = self.spoken.get(&prompt)?;
        let whole = match codec {
            Codec::Pcma => &spoken.alaw,
            Codec::Pcmu => &spoken.ulaw,
        };
        Some(whole.get(from..).unwrap_or_default())
    }
}

fn read(path: &Path) -> Result<Vec<i16>, String> {
    let reader = hound::WavReader::open(path).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    let fits = spec.channels == 1
        && spec.sample_rate == 8000
        && spec.bits_per_sample == 16
        && spec.sample_format == hound::SampleFormat::Int;
    if !fits {
        return Err(format!("{EXPECTED}, found {spec:?}"));
    }
    reader.into_samples::<i16>().collect::<Result<_, _>>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_kept_in_both_laws() {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("prompts/digit_1.wav");
        let samples = read(&file).unwrap();
        let prompts = Prompts::load(&BTreeMap::from([(Prompt::CallerGone, file)]));
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let mut expected = Vec::new();
            g711::encode(codec, &samples, &mut expected);
            assert_eq!(prompts.rest(Prompt::CallerGone, codec, 0), Some(&expected[..]));
            assert_eq!(prompts.rest(Prompt::CallerGone, codec, 160), Some(&expected[160..]));
            assert_eq!(prompts.rest(Prompt::CallerGone, codec, samples.len()), Some(&[][..]));
            assert_eq!(prompts.rest(Prompt::CallerGone, codec, usize::MAX), Some(&[][..]));
        }
    }

    #[test]
    fn a_missing_or_odd_file_leaves_the_others_playable() {
        let folder = tempfile::tempdir().unwrap();
        let stereo = folder.path().join("stereo.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        hound::WavWriter::create(&stereo, spec).unwrap().finalize().unwrap();
        let prompts = Prompts::load(&BTreeMap::from([
            (Prompt::ForwardConfirm, folder.path().join("nowhere.wav")),
            (Prompt::ForwardTooLate, stereo),
            (Prompt::CallerGone, PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("prompts/digit_1.wav")),
        ]));
        assert_eq!(prompts.rest(Prompt::ForwardConfirm, Codec::Pcma, 0), None);
        assert_eq!(prompts.rest(Prompt::ForwardTooLate, Codec::Pcma, 0), None);
        assert!(prompts.rest(Prompt::CallerGone, Codec::Pcma, 0).is_some_and(|payload| !payload.is_empty()));
    }
}
