//! G.711: one byte a sample at 8 kHz, A-law or µ-law. Samples are linear 16-bit. Decoding and changing
//! the law are look-ups in tables of 256; the tables are `audio-codec-algorithms`'.

use audio_codec_algorithms::{
    convert_alaw_to_ulaw, convert_ulaw_to_alaw, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw,
};

use super::stream::Codec;

/// Samples a second of both laws.
pub const SAMPLE_RATE: u32 = 8_000;

/// Decodes `payload`, one sample a byte, to the end of `samples`.
pub fn decode(codec: Codec, payload: &[u8], samples: &mut Vec<i16>) {
    match codec {
        Codec::Pcma => samples.extend(payload.iter().map(|&byte| decode_alaw(byte))),
        Codec::Pcmu => samples.extend(payload.iter().map(|&byte| decode_ulaw(byte))),
    }
}

/// One byte's sample.
pub fn linear(codec: Codec, byte: u8) -> i16 {
    match codec {
        Codec::Pcma => decode_alaw(byte),
        Codec::Pcmu => decode_ulaw(byte),
    }
}

/// Encodes `samples`, one byte a sample, to the end of `payload`.
pub fn encode(codec: Codec, samples: &[i16], payload: &mut Vec<u8>) {
    match codec {
        Codec::Pcma => payload.extend(samples.iter().map(|&sample| encode_alaw(sample))),
        Codec::Pcmu => payload.extend(samples.iter().map(|&sample| encode_ulaw(sample))),
    }
}

/// Changes a payload's law in place; it keeps its length. Between equal laws nothing changes.
pub fn transcode(from: Codec, to: Codec, payload: &mut [u8]) {
    match (from, to) {
        (Codec::Pcma, Codec::Pcmu) => payload.iter_mut().for_each(|byte| *byte = convert_alaw_to_ulaw(*byte)),
        (Codec::Pcmu, Codec::Pcma) => payload.iter_mut().for_each(|byte| *byte = convert_ulaw_to_alaw(*byte)),
        (Codec::Pcma, Codec::Pcma) | (Codec::Pcmu, Codec::Pcmu) => {}
    }
}

/// The byte of the quietest sample.
pub fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => 0xd5,
        Codec::Pcmu => 0xff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_middle_of_both_laws_are_those_of_the_recommendation() {
        // ITU-T G.711 tables 1 and 2, scaled to 16 bits.
        for (codec, byte, expected) in [
            (Codec::Pcma, 0xd5, 8),
            (Codec::Pcma, 0x55, -8),
            (Codec::Pcma, 0xaa, 32256),
            (Codec::Pcma, 0x2a, -32256),
            (Codec::Pcmu, 0xff, 0),
            (Codec::Pcmu, 0x80, 32124),
            (Codec::Pcmu, 0x00, -32124),
        ] {
            assert_eq!(linear(codec, byte), expected, "{codec:?} {byte:#x}");
        }
    }

    #[test]
    fn a_decoded_byte_encodes_to_itself() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            for byte in 0..=255u8 {
                let mut out = Vec::new();
                encode(codec, &[linear(codec, byte)], &mut out);
                // µ-law has two zeros, which are one sample.
                assert!(out[0] == byte || (codec == Codec::Pcmu && byte == 0x7f && out[0] == 0xff));
            }
        }
    }

    #[test]
    fn changing_the_law_keeps_the_sound() {
        for (from, to) in [(Codec::Pcma, Codec::Pcmu), (Codec::Pcmu, Codec::Pcma)] {
            for byte in 0..=255u8 {
                let mut payload = [byte];
                transcode(from, to, &mut payload);
                let (before, after) = (i32::from(linear(from, byte)), i32::from(linear(to, payload[0])));
                // Half a step of the coarsest law around that level, at least of the finest.
                assert!(
                    (before - after).abs() <= (before.abs() / 16).max(16),
                    "{from:?} {byte:#x}: {before} {after}"
                );
            }
        }
    }

    #[test]
    fn silence_is_the_quietest_sample() {
        assert_eq!(linear(Codec::Pcma, silence(Codec::Pcma)).abs(), 8);
        assert_eq!(linear(Codec::Pcmu, silence(Codec::Pcmu)), 0);
    }
}
