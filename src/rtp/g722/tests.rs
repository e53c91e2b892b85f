use std::path::PathBuf;

use super::*;

/// Reads a fixture made by libg722 (spandsp's code), see `tests/fixtures/g722/README.md`.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/g722").join(name)).unwrap()
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Where our state has forgotten that it begins otherwise than libg722's: 250 ms.
const ALIKE_FROM: usize = 4_000;

#[test]
fn speech_is_decoded_as_by_libg722_once_the_beginning_is_forgotten() {
    let mut decoder = Decoder::new();
    let ours: Vec<i16> = fixture("speech.g722").into_iter().flat_map(|byte| decoder.on(byte)).collect();
    let theirs = samples(&fixture("decoded.pcm"));
    assert_eq!(ours[ALIKE_FROM..], theirs[ALIKE_FROM..]);
    let furthest = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(furthest < Some(150), "{furthest:?}");
}

#[test]
fn what_we_encode_sounds_as_good_as_what_libg722_encodes() {
    let said = samples(&fixture("speech.pcm"));
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let heard: Vec<i16> =
        said.chunks_exact(2).flat_map(|pair| decoder.on(encoder.on([pair[0], pair[1]]))).collect();
    let (ours, theirs) = (quality(&said, &heard), quality(&said, &samples(&fixture("decoded.pcm"))));
    assert!(ours > theirs - 0.5 && ours > 12.0, "{ours} dB, libg722's {theirs} dB");
}

/// Signal over noise in dB; the codec's filters delay by 22 samples.
fn quality(said: &[i16], heard: &[i16]) -> f64 {
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>();
    let pairs = || said.iter().zip(&heard[22..]).skip(400);
    let signal = power(&mut pairs().map(|(said, _)| f64::from(*said)));
    let noise = power(&mut pairs().map(|(said, heard)| f64::from(*said) - f64::from(*heard)));
    10.0 * (signal / noise).log10()
}

#[test]
fn the_byte_of_silence_is_silent() {
    let mut decoder = Decoder::new();
    let heard: Vec<i16> = [SILENCE; 400].into_iter().flat_map(|byte| decoder.on(byte)).collect();
    assert!(heard.iter().all(|sample| sample.abs() <= 16), "{:?}", heard.iter().map(|s| s.abs()).max());
    // And what was said before fades.
    let mut encoder = Encoder::new();
    let loud: Vec<u8> =
        (0..400).map(|n| encoder.on(if n % 8 < 4 { [8_000; 2] } else { [-8_000; 2] })).collect();
    for byte in loud {
        decoder.on(byte);
    }
    let after: Vec<i16> = [SILENCE; 400].into_iter().flat_map(|byte| decoder.on(byte)).collect();
    assert!(after[600..].iter().all(|sample| sample.abs() <= 64));
}
