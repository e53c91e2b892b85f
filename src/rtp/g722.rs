//! G.722 at 64 kbit/s (ITU-T G.722, mode 1): one byte for two samples of 16 kHz. The codec is
//! `audio-codec`'s; here it gets types that cannot be fed the wrong lengths. Pure, without allocation.

use audio_codec::{Decoder as _, Encoder as _, g722};

/// Decodes one sender's stream; it remembers what came before.
pub struct Decoder(g722::G722Decoder);

/// Encodes one stream; it remembers what went before.
pub struct Encoder(g722::G722Encoder);

/// A byte that keeps silence silent: the quietest codes of both bands.
pub const SILENCE: u8 = 0xfc;

impl Decoder {
    pub fn new() -> Self {
        Self(g722::G722Decoder::new())
    }

    /// The two samples of one byte, earlier first.
    pub fn on(&mut self, byte: u8) -> [i16; 2] {
        let mut pair = [0; 2];
        let decoded = self.0.decode_into(&[byte], &mut pair);
        debug_assert!(matches!(decoded, Ok(2)), "a byte is two samples");
        pair
    }
}

impl Encoder {
    pub fn new() -> Self {
        Self(g722::G722Encoder::new())
    }

    /// The byte of two samples.
    pub fn on(&mut self, pair: [i16; 2]) -> u8 {
        let mut byte = [0];
        let encoded = self.0.encode_into(&pair, &mut byte);
        debug_assert!(matches!(encoded, Ok(1)), "two samples are a byte");
        let [byte] = byte;
        byte
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("g722::Decoder")
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("g722::Encoder")
    }
}

#[cfg(test)]
mod tests;
