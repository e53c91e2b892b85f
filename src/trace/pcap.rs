//! A trace as a capture file that Wireshark and sngrep open: classic pcap (magic 0xa1b2c3d4, microseconds,
//! LINKTYPE_ETHERNET), one frame a message. The frames are made up around the messages: a message that came by
//! TCP or TLS stands in UDP, too, since its stream is not kept.

use std::net::{IpAddr, SocketAddr};

use super::{Message, Way};

/// Ethernet; of the link types it is the one that every reader knows.
const LINKTYPE_ETHERNET: u32 = 1;
/// A UDP datagram's largest content over IPv4; a longer message is cut.
const LONGEST: usize = 65_535 - 20 - 8;
const UDP: u8 = 17;

/// The whole file.
pub fn write(messages: &[Message]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, LINKTYPE_ETHERNET] {
        file.extend(word.to_le_bytes());
    }
    for message in messages {
        let frame = frame(message);
        let at = message.at.timestamp_micros().max(0);
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        for word in [at / 1_000_000, at % 1_000_000] {
            file.extend(u32::try_from(word).unwrap_or(u32::MAX).to_le_bytes());
        }
        file.extend(length.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend(frame);
    }
    file
}

fn frame(message: &Message) -> Vec<u8> {
    let (from, to) = match message.way {
        Way::Received => (message.peer, message.ours),
        Way::Sent => (message.ours, message.peer),
    };
    let text = message.text.as_bytes();
    let text = text.get(..LONGEST).unwrap_or(text);
    // Two stations that nobody owns (locally administered addresses).
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            frame.extend([0x08, 0x00]);
            let total = length(20 + 8 + text.len());
            let mut header = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, UDP, 0, 0];
            header.extend(source.octets());
            header.extend(target.octets());
            let sum = !sum(&[&header]);
            header.splice(10..12, sum.to_be_bytes());
            frame.extend(header);
            frame.extend(datagram(from, to, &source.octets(), &target.octets(), text));
        }
        (source, target) => {
            let [source, target] = [source, target].map(|ip| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            });
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend(length(8 + text.len()));
            frame.extend([UDP, 64]);
            frame.extend(source);
            frame.extend(target);
            frame.extend(datagram(from, to, &source, &target, text));
        }
    }
    frame
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

/// RFC 768, with its checksum.
fn datagram(from: SocketAddr, to: SocketAddr, source: &[u8], target: &[u8], text: &[u8]) -> Vec<u8> {
    let long = length(8 + text.len());
    let mut udp = Vec::with_capacity(8 + text.len());
    udp.extend(from.port().to_be_bytes());
    udp.extend(to.port().to_be_bytes());
    udp.extend(long);
    udp.extend([0, 0]);
    udp.extend(text);
    let checksum = match !sum(&[source, target, &[0, UDP], &long, &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    udp.splice(6..8, checksum.to_be_bytes());
    udp
}

/// The ones' complement sum of RFC 1071. Every part but the last has an even length.
fn sum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2)).map(|pair| {
        u64::from(u16::from_be_bytes([
            pair.first().copied().unwrap_or_default(),
            pair.get(1).copied().unwrap_or_default(),
        ]))
    });
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(ours: &str, peer: &str, way: Way) -> Message {
        Message {
            at: "2026-11-23T08:15:02.123456Z".parse().unwrap(),
            way,
            transport: "UDP".to_owned(),
            ours: ours.parse().unwrap(),
            peer: peer.parse().unwrap(),
            text: "OPTIONS sip:a SIP/2.0\r\n\r\n".to_owned(),
        }
    }

    #[test]
    fn a_frame_says_who_sent_what_to_whom_and_its_sums_are_right() {
        let file = write(&[message("192.0.2.1:5060", "192.0.2.9:5070", Way::Received)]);
        assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        let seconds = u32::from_le_bytes(file[24..28].try_into().unwrap());
        assert_eq!(i64::from(seconds), 1_795_421_702);
        let frame = &file[40..];
        assert_eq!(
            usize::try_from(u32::from_le_bytes(file[32..36].try_into().unwrap())).unwrap(),
            frame.len()
        );
        let (ip, udp) = (&frame[14..34], &frame[34..]);
        assert_eq!(sum(&[ip]), 0xffff);
        assert_eq!((&ip[12..16], &ip[16..20]), (&[192, 0, 2, 9][..], &[192, 0, 2, 1][..]));
        assert_eq!(udp[..4], [0x13, 0xce, 0x13, 0xc4]);
        assert_eq!(sum(&[&ip[12..20], &[0, UDP], &udp[4..6], udp]), 0xffff);
        assert_eq!(&udp[8..], b"OPTIONS sip:a SIP/2.0\r\n\r\n");
    }

    #[test]
    fn ipv6_has_its_own_header() {
        let file = write(&[message("[2001:db8::1]:5060", "[2001:db8::9]:5070", Way::Sent)]);
        let frame = &file[40..];
        assert_eq!(frame[12..15], [0x86, 0xdd, 0x60]);
        let udp = &frame[54..];
        assert_eq!(sum(&[&frame[22..54], &[0, UDP], &udp[4..6], udp]), 0xffff);
    }
}
