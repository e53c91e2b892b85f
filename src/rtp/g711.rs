//! G.711: one byte a sample at 8 kHz, A-law or µ-law. Samples are linear 16-bit. Decoding and changing
//! the law are look-ups in tables of 256; the tables are `audio-codec-algorithms`'.

use audio_codec_algorithms::{
    convert_alaw_to_ulaw, convert_ulaw_to_alaw, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw,
};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// PCMA.
    A,
    /// PCMU.
    Mu,
}

/// Samples a second of both laws.
pub const SAMPLE_RATE: u32 = 8_000;

/// The sample of one byte.
pub fn sample(law: Law, byte: u8) -> i16 {
    match law {
        Law::A => decode_alaw(byte),
        Law::Mu => decode_ulaw(byte),
    }
}

/// The byte of one sample.
pub fn byte(law: Law, sample: i16) -> u8 {
    match law {
        Law::A => encode_alaw(sample),
        Law::Mu => encode_ulaw(sample),
    }
}

/// Decodes `payload`, one sample a byte, to the end of `samples`.
pub fn decode(law: Law, payload: &[u8], samples: &mut Vec<i16>) {
    match law {
        Law::A => samples.extend(payload.iter().map(|&byte| decode_alaw(byte))),
        Law::Mu => samples.extend(payload.iter().map(|&byte| decode_ulaw(byte))),
    }
}

/// Encodes `samples`, one byte a sample, to the end of `payload`.
pub fn encode(law: Law, samples: &[i16], payload: &mut Vec<u8>) {
    match law {
        Law::A => payload.extend(samples.iter().map(|&sample| encode_alaw(sample))),
        Law::Mu => payload.extend(samples.iter().map(|&sample| encode_ulaw(sample))),
    }
}

/// Changes a payload's law in place; it keeps its length. Between equal laws nothing changes.
pub fn transcode(from: Law, to: Law, payload: &mut [u8]) {
    match (from, to) {
        (Law::A, Law::Mu) => payload.iter_mut().for_each(|byte| *byte = convert_alaw_to_ulaw(*byte)),
        (Law::Mu, Law::A) => payload.iter_mut().for_each(|byte| *byte = convert_ulaw_to_alaw(*byte)),
        (Law::A, Law::A) | (Law::Mu, Law::Mu) => {}
    }
}

/// The byte of the quietest sample.
pub fn silence(law: Law) -> u8 {
    match law {
        Law::A => 0xd5,
        Law::Mu => 0xff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(law: Law, byte: u8) -> i16 {
        let mut out = Vec::new();
        decode(law, &[byte], &mut out);
        out[0]
    }

    #[test]
    fn the_ends_and_the_middle_of_both_laws_are_those_of_the_recommendation() {
        // ITU-T G.711 tables 1 and 2, scaled to 16 bits.
        for (law, byte, expected) in [
            (Law::A, 0xd5, 8),
            (Law::A, 0x55, -8),
            (Law::A, 0xaa, 32256),
            (Law::A, 0x2a, -32256),
            (Law::Mu, 0xff, 0),
            (Law::Mu, 0x80, 32124),
            (Law::Mu, 0x00, -32124),
        ] {
            assert_eq!(linear(law, byte), expected, "{law:?} {byte:#x}");
        }
    }

    #[test]
    fn a_decoded_byte_encodes_to_itself() {
        for law in [Law::A, Law::Mu] {
            for byte in 0..=255u8 {
                let mut out = Vec::new();
                encode(law, &[linear(law, byte)], &mut out);
                // µ-law has two zeros, which are one sample.
                assert!(out[0] == byte || (law == Law::Mu && byte == 0x7f && out[0] == 0xff));
            }
        }
    }

    #[test]
    fn changing_the_law_keeps_the_sound() {
        for (from, to) in [(Law::A, Law::Mu), (Law::Mu, Law::A)] {
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
        assert_eq!(linear(Law::A, silence(Law::A)).abs(), 8);
        assert_eq!(linear(Law::Mu, silence(Law::Mu)), 0);
    }
}
