//! Where things are in a WAV file of ours, and what is read of a closed one.

use std::{
    fs::File,
    io::{self, Read},
};

/// Bytes in which the header's chunks must lie.
const HEADER_WITHIN: u64 = 4_096;

/// Where in a WAV the samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes before the first sample.
    pub samples_at: u64,
    /// Bytes of one sample of each channel.
    pub frame_bytes: u64,
    /// Hz.
    pub sample_rate: u32,
}

impl Layout {
    /// Reads the header from where the file stands.
    ///
    /// # Errors
    /// The file can't be read, or is no WAV.
    pub fn read(file: &File) -> io::Result<Self> {
        let mut head = Vec::new();
        file.take(HEADER_WITHIN).read_to_end(&mut head)?;
        Self::parse(&head)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its WAV header is not whole"))
    }

    /// The layout, if these first bytes of a file hold a whole header.
    pub fn parse(head: &[u8]) -> Option<Self> {
        let mut rest = head.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
        let mut format = None;
        loop {
            let (name, after) = rest.split_first_chunk::<4>()?;
            let (size, after) = after.split_first_chunk::<4>()?;
            let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
            match name {
                b"data" => {
                    let (frame_bytes, sample_rate) = format?;
                    let samples_at = u64::try_from(head.len() - after.len()).ok()?;
                    return Some(Self { samples_at, frame_bytes, sample_rate });
                }
                b"fmt " => {
                    let rate = after.get(4..8)?.first_chunk::<4>()?;
                    let frame = after.get(12..14)?.first_chunk::<2>()?;
                    let frame = u64::from(u16::from_le_bytes(*frame));
                    format = Some((frame, u32::from_le_bytes(*rate))).filter(|(frame, _)| *frame > 0);
                }
                _ => {}
            }
            // Chunks are padded to even lengths.
            rest = after.get(size.checked_add(size % 2)?..)?;
        }
    }
}
