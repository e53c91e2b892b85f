//! RTCP, which ends at each leg.

use std::net::{SocketAddr, UdpSocket};

use rtcp_types::{RtcpPacketParser, SenderReport};

use super::{LEFT, PATIENCE, Phone, RIGHT, Room};
use crate::{
    rtp::stream::{Codec, Stream},
    switch::media::{MediaCommand, MediaId},
};

/// The compound RTCP packet that comes next, which must come from the room's RTCP port; and its types.
fn told(rtcp: &UdpSocket, phone: &Phone) -> (Vec<u8>, Vec<u8>) {
    rtcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = [0; 500];
    let (length, from) = rtcp.recv_from(&mut bytes).expect("a report in time");
    assert_eq!(from, rtcp_of(phone), "symmetric RTCP");
    let (mut types, mut at) = (vec![], 0);
    while at < length {
        types.push(bytes[at + 1]);
        at += 4 * (1 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]])));
    }
    (bytes[..length].to_vec(), types)
}

fn rtcp_of(phone: &Phone) -> SocketAddr {
    SocketAddr::new(phone.room.ip(), phone.room.port() + 1)
}

#[test]
fn each_side_is_told_what_we_sent_it_and_what_of_its_own_we_missed() {
    let mut room = Room::new();
    let (mut left, mut right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    let [left_rtcp, right_rtcp, moved] = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    for (media, phone, rtcp) in [(LEFT, &left, &left_rtcp), (RIGHT, &right, &right_rtcp)] {
        room.describe(media, Stream { remote_rtcp: rtcp.local_addr().unwrap(), ..phone.stream() });
    }
    room.join(LEFT, RIGHT);
    for mark in 0..10 {
        left.talk(mark);
        right.hear();
        if mark == 4 {
            left.next.sequence = left.next.sequence.plus(5); // Lost on the way to us.
        }
    }
    right.talk(1);
    let (header, _) = left.hear();
    // Reports go where the peer's come from.
    moved.send_to(&[0x80, 201, 0, 1, 0, 0, 0, 9], rtcp_of(&right)).unwrap();
    left_rtcp.send_to(b"junk", rtcp_of(&right)).unwrap();

    // On a slow machine a report without BYE comes before.
    let last = |rtcp: &UdpSocket, phone: &Phone| {
        std::iter::repeat_with(|| told(rtcp, phone)).find(|(_, types)| types.ends_with(&[203])).unwrap()
    };
    room.media.command(MediaCommand::Close { media: RIGHT });
    let (bytes, types) = last(&moved, &right);
    assert_eq!(types, [200, 202, 203], "SR, SDES and BYE");
    let report = SenderReport::parse(&bytes[..52]).unwrap();
    assert_eq!((report.packet_count(), report.octet_count()), (10, 1600));
    assert_eq!(report.report_blocks().next().unwrap().cumulative_lost(), 0);

    room.media.command(MediaCommand::Close { media: LEFT });
    let (bytes, _) = last(&left_rtcp, &left);
    let report = SenderReport::parse(&bytes[..52]).unwrap();
    assert_eq!((report.ssrc(), report.packet_count(), report.octet_count()), (header.ssrc, 1, 160));
    let block = report.report_blocks().next().unwrap();
    assert_eq!((block.ssrc(), block.cumulative_lost()), (left.next.ssrc, 5));
    assert_eq!(block.extended_sequence_number(), 65_530 + 14);
}

#[test]
fn a_leg_reports_unasked_also_while_nobody_is_joined() {
    let mut room = Room::new();
    let phone = room.phone(MediaId(4), Codec::Pcma); // Its turn is at the first tick.
    let rtcp = UdpSocket::bind("127.0.0.1:0").unwrap();
    room.describe(MediaId(4), Stream { remote_rtcp: rtcp.local_addr().unwrap(), ..phone.stream() });
    let (bytes, types) = told(&rtcp, &phone);
    assert_eq!(types, [201, 202], "RR and SDES: nothing was sent");
    assert_eq!(bytes.len(), 8 + 36);
}
