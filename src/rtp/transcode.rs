//! From codec to codec, and from codec to samples. All codecs have one byte a tick of 8000 Hz
//! ([`Codec`]), so a payload is rewritten where it lies. A stream's memory (G.722, the filters) lives in
//! the [`Voice`] or [`Transcoder`] that its packets pass in order. Nothing is allocated after the first
//! packet. Reading starts at [`Transcoder::on`] and [`Voice::hear`].

use super::{
    g711, g722,
    half_band::{Downsampler, Upsampler},
    stream::{Band, Codec},
};

/// One sender's voice, whatever codec it sends, at one band.
#[derive(Debug, Default)]
pub struct Voice {
    /// What G.722 and the filters remember; nothing while the sender's codec needs neither.
    memory: Option<Box<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    g722: g722::Decoder,
    up: Upsampler,
    down: Downsampler,
}

impl Voice {
    /// Decodes `payload` to the end of `samples`: [`Band::samples_per_tick`] a byte.
    pub fn hear(&mut self, codec: Codec, band: Band, payload: &[u8], samples: &mut Vec<i16>) {
        if let (Some(law), Band::Narrow) = (codec.law(), band) {
            return g711::decode(law, payload, samples);
        }
        let memory = self.memory.get_or_insert_default();
        match band {
            Band::Narrow => samples.extend(payload.iter().map(|byte| memory.narrow(codec, *byte))),
            Band::Wide => samples.extend(payload.iter().flat_map(|byte| memory.wide(codec, *byte))),
        }
    }
}

impl Memory {
    /// The next byte's sample at 8 kHz.
    fn narrow(&mut self, codec: Codec, byte: u8) -> i16 {
        match codec.law() {
            Some(law) => g711::sample(law, byte),
            None => self.down.on(self.g722.on(byte)),
        }
    }

    /// The next byte's samples at 16 kHz.
    fn wide(&mut self, codec: Codec, byte: u8) -> [i16; 2] {
        match codec.law() {
            Some(law) => self.up.on(g711::sample(law, byte)),
            None => self.g722.on(byte),
        }
    }
}

/// One direction of a call whose sides share no codec.
#[derive(Debug)]
pub struct Transcoder {
    from: Codec,
    to: Codec,
    memory: Memory,
    encoder: g722::Encoder,
}

impl Transcoder {
    /// From one codec to another. Between A-law and µ-law [`g711::transcode`] needs no memory.
    pub fn new(from: Codec, to: Codec) -> Self {
        Self { from, to, memory: Memory::default(), encoder: g722::Encoder::new() }
    }

    /// Whether it converts between these.
    pub fn is(&self, from: Codec, to: Codec) -> bool {
        (self.from, self.to) == (from, to)
    }

    /// Rewrites the next payload of the stream in place.
    pub fn on(&mut self, payload: &mut [u8]) {
        for byte in payload {
            *byte = match self.to.law() {
                Some(law) => g711::byte(law, self.memory.narrow(self.from, *byte)),
                None => self.encoder.on(self.memory.wide(self.from, *byte)),
            };
        }
    }
}

#[cfg(test)]
mod tests;
