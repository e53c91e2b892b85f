use std::f64::consts::TAU;

use super::*;
use crate::rtp::g711::Law;

#[allow(clippy::cast_possible_truncation)]
fn tone(frequency: f64, band: Band, ms: u32) -> Vec<i16> {
    let rate = f64::from(band.sample_rate());
    let samples = band.sample_rate() / 1_000 * ms;
    (0..samples).map(|n| (10_000.0 * (TAU * frequency * f64::from(n) / rate).sin()) as i16).collect()
}

fn encoded(codec: Codec, frequency: f64, ms: u32) -> Vec<u8> {
    let samples = tone(frequency, codec.band(), ms);
    match codec.law() {
        Some(law) => samples.iter().map(|sample| g711::byte(law, *sample)).collect(),
        None => {
            let mut encoder = g722::Encoder::new();
            samples.chunks_exact(2).map(|pair| encoder.on([pair[0], pair[1]])).collect()
        }
    }
}

/// How strong one frequency is in the samples, as an amplitude.
fn level(samples: &[i16], frequency: f64, band: Band) -> f64 {
    let samples = &samples[samples.len() / 4..];
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let at = TAU * frequency * f64::from(u32::try_from(n).unwrap()) / f64::from(band.sample_rate());
        re += f64::from(*sample) * at.cos();
        im += f64::from(*sample) * at.sin();
    }
    2.0 * f64::hypot(re, im) / f64::from(u32::try_from(samples.len()).unwrap())
}

const CODECS: [Codec; 3] = [Codec::Pcma, Codec::Pcmu, Codec::G722];

#[test]
fn a_voice_is_heard_in_every_codec_and_band_at_its_pitch_and_level() {
    for codec in CODECS {
        for band in [Band::Narrow, Band::Wide] {
            let payload = encoded(codec, 1_000.0, 400);
            let mut samples = Vec::new();
            let mut voice = Voice::default();
            for packet in payload.chunks(160) {
                voice.hear(codec, band, packet, &mut samples);
            }
            assert_eq!(samples.len(), payload.len() * band.samples_per_tick());
            let heard = level(&samples, 1_000.0, band);
            assert!((heard - 10_000.0).abs() < 400.0, "{codec:?} {band:?}: {heard}");
        }
    }
}

#[test]
fn only_wide_band_carries_what_lies_above_4_khz() {
    let mut samples = Vec::new();
    Voice::default().hear(Codec::G722, Band::Wide, &encoded(Codec::G722, 6_000.0, 400), &mut samples);
    assert!(level(&samples, 6_000.0, Band::Wide) > 9_000.0);
    samples.clear();
    Voice::default().hear(Codec::G722, Band::Narrow, &encoded(Codec::G722, 6_000.0, 400), &mut samples);
    assert!(level(&samples, 2_000.0, Band::Narrow) < 100.0, "it must not fold into the band");
}

#[test]
fn a_payload_changes_its_codec_and_not_its_length() {
    for from in CODECS {
        for to in CODECS {
            if from == to || (from.law().is_some() && to.law().is_some()) {
                continue;
            }
            let mut transcoder = Transcoder::new(from, to);
            assert!(transcoder.is(from, to) && !transcoder.is(to, from));
            let mut payload = encoded(from, 1_000.0, 400);
            let length = payload.len();
            payload.chunks_mut(160).for_each(|packet| transcoder.on(packet));
            assert_eq!(payload.len(), length);
            let mut samples = Vec::new();
            Voice::default().hear(to, to.band(), &payload, &mut samples);
            let heard = level(&samples, 1_000.0, to.band());
            assert!((heard - 10_000.0).abs() < 500.0, "{from:?} to {to:?}: {heard}");
        }
    }
}

#[test]
fn narrow_g711_is_heard_bit_by_bit() {
    let payload: Vec<u8> = (0..=255).collect();
    for (codec, law) in [(Codec::Pcma, Law::A), (Codec::Pcmu, Law::Mu)] {
        let (mut heard, mut expected) = (Vec::new(), Vec::new());
        Voice::default().hear(codec, Band::Narrow, &payload, &mut heard);
        g711::decode(law, &payload, &mut expected);
        assert_eq!(heard, expected);
    }
}
