//! One RTP packet (RFC 3550 §5.1): read by `rtp-rs`, rewritten in place by us, because the relay sends
//! on the very bytes that came in. Never allocates.

use rtp_rs::RtpReader;

use super::timestamp::{RtpTimestamp, SequenceNumber};

/// Bytes of a header without CSRCs and extension.
pub const HEADER_LEN: usize = 12;

/// The fields of a header that the relay rewrites and the timeline reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// 0–127.
    pub payload_type: u8,
    /// In audio: the first packet after a silence (RFC 3551 §4.1).
    pub marker: bool,
    pub sequence: SequenceNumber,
    pub timestamp: RtpTimestamp,
    pub ssrc: u32,
}

/// A packet that can be trusted to have all the parts that its header promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub header: Header,
    /// Without CSRCs, extension and padding; may be empty.
    pub payload: &'a [u8],
}

/// Bytes that are not an RTP packet of version 2. Drop and count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RTP packet")]
pub struct NotRtp;

impl<'a> Packet<'a> {
    /// Reads a datagram. RTCP that strayed onto the RTP port is [`NotRtp`] too.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotRtp> {
        let reader = RtpReader::new(bytes).map_err(|_| NotRtp)?;
        // Payload types 64–95 with the marker's bit before them are RTCP's 192–223 (RFC 5761 §4).
        if reader.mark() && (64..=95).contains(&reader.payload_type()) {
            return Err(NotRtp);
        }
        let header = Header {
            payload_type: reader.payload_type(),
            marker: reader.mark(),
            sequence: SequenceNumber(reader.sequence_number().into()),
            timestamp: RtpTimestamp(reader.timestamp()),
            ssrc: reader.ssrc(),
        };
        Ok(Self { header, payload: reader.payload() })
    }
}

impl Header {
    /// The second to twelfth byte as RFC 3550 §5.1 draws them.
    fn octets(&self) -> [u8; HEADER_LEN - 1] {
        let marker = if self.marker { 0x80 } else { 0 };
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.0.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        [marker | (self.payload_type & 0x7f), s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }
}

/// Where the payload of an RTP packet begins, behind CSRCs and extension, whatever it holds; `None` where
/// the bytes are no RTP packet of version 2 that is long enough.
pub fn payload_start(bytes: &[u8]) -> Option<usize> {
    let first = *bytes.first()?;
    let fixed = HEADER_LEN + 4 * usize::from(first & 0x0f);
    let start = if first & 0x10 == 0 {
        fixed
    } else {
        let &[_, _, words_high, words_low] = bytes.get(fixed..)?.first_chunk()?;
        fixed + 4 + 4 * usize::from(u16::from_be_bytes([words_high, words_low]))
    };
    (first >> 6 == 2 && start <= bytes.len()).then_some(start)
}

/// Puts `header` over the one in `bytes`, which [`Packet::parse`] accepted; CSRCs, extension, payload and
/// padding stay. Bytes too short for a header are left alone.
pub fn rewrite(bytes: &mut [u8], header: &Header) {
    if let Some(place) = bytes.get_mut(1..HEADER_LEN) {
        place.copy_from_slice(&header.octets());
    }
}

/// Writes a packet without CSRCs, extension or padding into `out` and returns its length; `None`, and
/// nothing written, where it does not fit.
pub fn compose(header: &Header, payload: &[u8], out: &mut [u8]) -> Option<usize> {
    let length = HEADER_LEN + payload.len();
    let out = out.get_mut(..length)?;
    let (head, body) = out.split_at_mut(HEADER_LEN);
    if let Some(first) = head.first_mut() {
        *first = 0x80;
    }
    rewrite(head, header);
    body.copy_from_slice(payload);
    Some(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_header() -> impl Strategy<Value = Header> {
        // 64–95 with a marker would be RTCP.
        (0u8..64, any::<bool>(), any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
            |(pt, marker, s, t, ssrc)| Header {
                payload_type: pt,
                marker,
                sequence: SequenceNumber(s),
                timestamp: RtpTimestamp(t),
                ssrc,
            },
        )
    }

    #[test]
    fn a_packet_with_csrc_extension_and_padding_gives_its_payload_alone() {
        let mut bytes = vec![0xb1, 0x08, 0x12, 0x34, 0, 0, 0, 160, 0xca, 0xfe, 0xba, 0xbe];
        bytes.extend([1, 2, 3, 4]); // one CSRC
        bytes.extend([0xbe, 0xde, 0, 1, 9, 9, 9, 9]); // an extension of one word
        bytes.extend([0xd5; 5]);
        bytes.extend([0, 0, 3]); // padding
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.payload, [0xd5; 5]);
        assert_eq!(packet.header.sequence, SequenceNumber(0x1234));
        assert_eq!(packet.header.timestamp, RtpTimestamp(160));
        assert_eq!(packet.header.ssrc, 0xcafe_babe);
        assert_eq!((packet.header.payload_type, packet.header.marker), (8, false));
    }

    #[test]
    fn the_payload_starts_where_the_header_ends() {
        let bytes = [0x91, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 0xd5];
        assert_eq!(payload_start(&bytes), Some(24));
        assert_eq!(payload_start(&bytes[..20]), None);
        assert_eq!(payload_start(&bytes[..10]), None);
        assert_eq!(payload_start(&[0x40; 20]), None);
    }

    #[test]
    fn rtcp_on_the_rtp_port_is_not_taken_for_audio() {
        // Sender report, receiver report, SDES, BYE.
        for packet_type in [200u8, 201, 202, 203] {
            let mut bytes = [0u8; 28];
            bytes[0] = 0x80;
            bytes[1] = packet_type;
            assert_eq!(Packet::parse(&bytes), Err(NotRtp));
        }
    }

    proptest! {
        #[test]
        fn what_is_composed_reads_back(
            header in any_header(),
            payload in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut out = [0u8; 512];
            let length = compose(&header, &payload, &mut out).unwrap();
            let packet = Packet::parse(&out[..length]).unwrap();
            prop_assert_eq!(packet.header, header);
            prop_assert_eq!(packet.payload, &payload[..]);
        }

        #[test]
        fn rewriting_changes_the_header_and_nothing_else(
            before in any_header(),
            after in any_header(),
            payload in proptest::collection::vec(any::<u8>(), 1..200),
        ) {
            let mut out = [0u8; 256];
            let length = compose(&before, &payload, &mut out).unwrap();
            rewrite(&mut out[..length], &after);
            let packet = Packet::parse(&out[..length]).unwrap();
            prop_assert_eq!(packet.header, after);
            prop_assert_eq!(packet.payload, &payload[..]);
        }

        #[test]
        fn no_bytes_can_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), header in any_header()) {
            let _ = Packet::parse(&bytes);
            rewrite(&mut bytes, &header);
        }
    }
}
