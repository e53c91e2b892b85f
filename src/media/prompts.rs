//! The house's voice: prompt files, read at start and at a reload, and kept in every codec beside the
//! tones that we make ourselves, so that playing one costs no work during a call.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::tones;
use crate::{
    call::prompt::{Prompt, Sound},
    rtp::{
        g711::{self, Law},
        g722,
        half_band::Upsampler,
        stream::Codec,
    },
};

/// How a prompt sounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sounding {
    pub seconds: f64,
    /// Of what is louder than −50 dBFS, so that pauses do not count; −96 where nothing is.
    pub loudness_dbfs: f64,
    pub peak_dbfs: f64,
    /// At full scale.
    pub clipped_samples: usize,
}

/// Listens to a prompt's file.
///
/// # Errors
/// As [`check`].
pub fn inspect(file: &Path) -> Result<Sounding, String> {
    let samples = read(file)?;
    let level = |amplitude: f64| 20.0 * (amplitude / 32_768.0).max(1.6e-5).log10();
    let amplitudes = || samples.iter().map(|sample| f64::from(*sample).abs());
    // In frames of 20 ms.
    let power = |frame: &[i16]| {
        let squares = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        squares / f64::from(u32::try_from(frame.len()).unwrap_or(u32::MAX))
    };
    let (mut sum, mut frames) = (0.0, 0.0);
    for power in samples.chunks(160).map(power).filter(|power| level(power.sqrt()) > -50.0) {
        sum += power;
        frames += 1.0;
    }
    let loudness: f64 = if frames > 0.0 { sum / frames } else { 0.0 };
    Ok(Sounding {
        seconds: f64::from(u32::try_from(samples.len()).unwrap_or(u32::MAX)) / f64::from(g711::SAMPLE_RATE),
        loudness_dbfs: level(loudness.sqrt()),
        peak_dbfs: level(amplitudes().fold(0.0, f64::max)),
        clipped_samples: amplitudes().filter(|amplitude| *amplitude >= 32_767.0).count(),
    })
}

/// Whether this file can be played as a prompt.
///
/// # Errors
/// In words: it can't be read, or has another format than 8000 Hz, mono, 16-bit PCM.
pub fn check(file: &Path) -> Result<(), String> {
    read(file).map(drop)
}

/// What a prompt file must be, in words for the log.
const EXPECTED: &str = "expected 8000 Hz, mono, 16-bit PCM";

/// One sound, ready to be sent: one byte a sample at 8 kHz, in every codec.
#[derive(Debug)]
pub(crate) struct Voice {
    alaw: Vec<u8>,
    ulaw: Vec<u8>,
    g722: Vec<u8>,
}

impl Voice {
    fn new(samples: &[i16]) -> Self {
        let mut voice = Self { alaw: Vec::new(), ulaw: Vec::new(), g722: wide(samples) };
        g711::encode(Law::A, samples, &mut voice.alaw);
        g711::encode(Law::Mu, samples, &mut voice.ulaw);
        voice
    }

    /// The payload from sample `from` on; empty at its end.
    pub(crate) fn rest(&self, codec: Codec, from: usize) -> &[u8] {
        let whole = match codec {
            Codec::Pcma => &self.alaw,
            Codec::Pcmu => &self.ulaw,
            Codec::G722 => &self.g722,
        };
        whole.get(from..).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.alaw.is_empty()
    }
}

/// Every sound that can be played.
#[derive(Debug)]
pub(crate) struct Prompts {
    voices: BTreeMap<Sound, Arc<Voice>>,
}

impl Prompts {
    /// Reads the files, and makes the tones. One that is missing or has another format is logged as an error
    /// and left out; a call that wants it goes on without. `comfort`: music in place of the comfort tone.
    pub(crate) fn load(files: &BTreeMap<Prompt, PathBuf>, comfort: Option<&Path>) -> Self {
        let mut voices: BTreeMap<Sound, Arc<Voice>> = [
            (Sound::Beep, tones::beep()),
            (Sound::Comfort, tones::comfort()),
            (Sound::Ringback, tones::ringback()),
        ]
        .map(|(sound, samples)| (sound, Arc::new(Voice::new(&samples))))
        .into();
        let prompts = files.iter().map(|(prompt, path)| (Sound::Prompt(*prompt), path.as_path()));
        for (sound, path) in prompts.chain(comfort.map(|path| (Sound::Comfort, path))) {
            match read(path) {
                Ok(samples) => drop(voices.insert(sound, Arc::new(Voice::new(&samples)))),
                Err(why) => tracing::error!(?sound, path = %path.display(), why, "prompt cannot be played"),
            }
        }
        Self { voices }
    }

    /// The sound, if there is one and something of it.
    pub(crate) fn voice(&self, sound: Sound) -> Option<Arc<Voice>> {
        self.voices.get(&sound).filter(|voice| !voice.is_empty()).cloned()
    }
}

/// The samples in G.722, as long as they are: its filters run on a little, into nothing.
fn wide(samples: &[i16]) -> Vec<u8> {
    let (mut up, mut encoder) = (Upsampler::default(), g722::Encoder::new());
    samples.iter().map(|sample| encoder.on(up.on(*sample))).collect()
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

    fn shipped(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("prompts").join(name)
    }

    #[test]
    fn a_prompt_is_kept_in_every_codec() {
        let file = shipped("digit_1.wav");
        let samples = read(&file).unwrap();
        let prompts = Prompts::load(&BTreeMap::from([(Prompt::CallerGone, file)]), None);
        let voice = prompts.voice(Prompt::CallerGone.into()).unwrap();
        for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722] {
            let mut expected = Vec::new();
            match codec.law() {
                Some(law) => g711::encode(law, &samples, &mut expected),
                None => expected = wide(&samples),
            }
            assert_eq!(voice.rest(codec, 0), &expected[..]);
            assert_eq!(voice.rest(codec, 160), &expected[160..]);
            assert_eq!(voice.rest(codec, samples.len()), &[0_u8; 0][..]);
            assert_eq!(voice.rest(codec, usize::MAX), &[0_u8; 0][..]);
        }
    }

    #[test]
    fn every_shipped_prompt_is_loud_enough_and_clips_nowhere() {
        for (_, key) in crate::call::prompt::PROMPTS {
            let found = inspect(&shipped(&format!("{key}.wav"))).unwrap();
            assert!(found.seconds > 0.2 && found.seconds < 20.0, "{key}: {found:?}");
            assert!((-35.0..-9.0).contains(&found.loudness_dbfs), "{key}: {found:?}");
            assert_eq!(found.clipped_samples, 0, "{key}: {found:?}");
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
        let files = BTreeMap::from([
            (Prompt::ForwardConfirm, folder.path().join("nowhere.wav")),
            (Prompt::ForwardTooLate, stereo),
            (Prompt::CallerGone, shipped("digit_1.wav")),
        ]);
        let prompts = Prompts::load(&files, Some(&folder.path().join("no music.wav")));
        assert!(prompts.voice(Prompt::ForwardConfirm.into()).is_none());
        assert!(prompts.voice(Prompt::ForwardTooLate.into()).is_none());
        assert!(prompts.voice(Prompt::CallerGone.into()).is_some());
        assert!(prompts.voice(Sound::Comfort).is_some(), "the tone is there where the music is not");
    }
}
