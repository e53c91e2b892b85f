//! Packets between joined legs: whole, in one stream, from whom they are believed, and to nobody else.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use super::{LEFT, OTHER, PATIENCE, Phone, RIGHT, Room, speech};
use crate::{
    rtp::{
        g711::{self, Law},
        packet::Header,
        stream::{Codec, Stream},
    },
    switch::media::{MediaCommand, MediaFact},
};

#[test]
fn joined_phones_hear_each_other_byte_for_byte_in_one_unbroken_stream() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    let mut heard: Vec<(Header, Header)> = vec![];
    for mark in 0..50 {
        left.talk(mark);
        right.talk(!mark);
        let ((at_right, from_left), (at_left, from_right)) = (right.hear(), left.hear());
        assert_eq!((from_left, from_right), (speech(mark), speech(!mark)));
        heard.push((at_right, at_left));
    }
    for header in [|heard: &(Header, Header)| heard.0, |heard: &(Header, Header)| heard.1] {
        assert!(header(&heard[0]).marker);
        for pair in heard.windows(2) {
            let (before, after) = (header(&pair[0]), header(&pair[1]));
            assert_eq!(after.ssrc, before.ssrc);
            assert_eq!(after.payload_type, 8);
            assert_eq!(after.sequence.since(before.sequence), 1);
            assert_eq!(after.timestamp.since(before.timestamp), 160);
        }
    }
    assert_ne!(heard[0].0.ssrc, left.next.ssrc, "the room's stream is its own");
}

#[test]
fn legs_with_different_laws_understand_each_other() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcmu);
    left.talk(0x2a);
    let (header, payload) = right.hear();
    let mut expected = speech(0x2a);
    g711::transcode(Law::A, Law::Mu, &mut expected);
    assert_eq!((header.payload_type, payload), (0, expected));
    right.talk(0x99);
    let (header, payload) = left.hear();
    let mut expected = speech(0x99);
    g711::transcode(Law::Mu, Law::A, &mut expected);
    assert_eq!((header.payload_type, payload), (8, expected));
}

#[test]
fn a_transfer_goes_on_in_the_same_stream() {
    let mut room = Room::new();
    let (left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    let mut other = room.phone(OTHER, Codec::Pcmu);
    right.talk(1);
    let (before, _) = left.hear();
    room.join(LEFT, OTHER);
    right.talk(2);
    other.talk(3);
    let (after, payload) = left.hear();
    let mut expected = speech(3);
    g711::transcode(Law::Mu, Law::A, &mut expected);
    assert_eq!(payload, expected, "who was left behind is not heard any more");
    assert_eq!(after.ssrc, before.ssrc);
    assert_eq!(after.sequence.since(before.sequence), 1);
    assert!(after.timestamp.since(before.timestamp) > 0);
    assert!(after.marker);
}

#[test]
fn early_media_passes_one_way() {
    let mut room = Room::new();
    let (mut left, mut right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    room.media.command(MediaCommand::Pass { from: RIGHT, to: LEFT });
    room.open(OTHER); // Its answer proves that the command before it was obeyed.
    left.talk(1);
    right.talk(2);
    assert_eq!(left.hear().1, speech(2));
    room.join(LEFT, RIGHT);
    left.talk(3);
    assert_eq!(right.hear().1, speech(3), "what came before the join was not passed back");
}

#[test]
fn a_stranger_is_not_relayed_and_takes_nothing_over() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    left.talk(1);
    assert_eq!(right.hear().1, speech(1));
    let mut stranger = Phone::new(left.room, Codec::Pcma);
    for _ in 0..10 {
        stranger.talk(66);
        left.talk(2);
        assert_eq!(right.hear().1, speech(2));
    }
    right.talk(3);
    assert_eq!(left.hear().1, speech(3), "audio still goes to the phone");
}

#[test]
fn a_phone_behind_a_new_nat_binding_is_found_again() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    left.talk(1);
    right.hear();
    let mut moved = Phone { next: left.next, ..Phone::new(left.room, Codec::Pcma) };
    right.socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut bytes = [0; 1500];
    let found = (0..200).any(|_| {
        moved.talk(2);
        right.socket.recv(&mut bytes).is_ok()
    });
    assert!(found, "the same stream from a new address is believed once the old one is silent");
    right.talk(3);
    assert_eq!(moved.hear().1, speech(3));
}

#[test]
fn junk_is_dropped_and_the_call_goes_on() {
    let mut room = Room::new();
    let (mut left, right) = room.joined(Codec::Pcma, Codec::Pcma);
    let mut stun = vec![0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42];
    stun.extend([7; 12]);
    let rtcp = [&[0x80u8, 200, 0, 6][..], &[0; 24]].concat();
    let truncated = [&[0xbfu8, 8, 0, 1][..], &[0xff; 40]].concat();
    let dtls = [&[22u8, 0xfe, 0xfd][..], &[0; 60]].concat();
    let lengthy = vec![0x80; 9000];
    for junk in [
        &b""[..],
        &b"\x80"[..],
        &[0x80; 11][..],
        &[0xff; 1200][..],
        &stun,
        &rtcp,
        &truncated,
        &dtls,
        &lengthy,
    ] {
        left.socket.send_to(junk, left.room).unwrap();
    }
    left.socket.send_to(&rtcp, SocketAddr::new(left.room.ip(), left.room.port() + 1)).unwrap();
    left.send(&Header { payload_type: 13, ..left.next }, &[40]); // Comfort noise, which nobody agreed on.
    left.next.sequence = left.next.sequence.plus(1);
    left.talk(5);
    assert_eq!(right.hear().1, speech(5));
}

#[test]
fn a_phone_whose_port_is_closed_harms_nobody() {
    let mut room = Room::new();
    let (mut left, right) = room.joined(Codec::Pcma, Codec::Pcma);
    let stream = right.stream();
    drop(right.socket); // From now on the system answers with ICMP.
    for mark in 0..5 {
        left.talk(mark);
    }
    let mut back =
        Phone { socket: UdpSocket::bind(stream.remote).unwrap(), ..Phone::new(right.room, Codec::Pcma) };
    back.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    back.talk(7);
    assert_eq!(left.hear().1, speech(7));
}

#[test]
fn keys_are_told_once_and_passed_on_in_the_peers_payload_type() {
    let mut room = Room::new();
    let (mut left, right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    room.describe(RIGHT, Stream { telephone_event: Some(96), ..right.stream() });
    room.join(LEFT, RIGHT);
    left.press('#', 101);
    assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '#' });
    for flags in [0x0a, 0x8a, 0x8a, 0x8a] {
        let (header, payload) = right.hear();
        assert_eq!((header.payload_type, payload), (96, vec![11, flags, 0x03, 0x20]));
    }
    room.describe(RIGHT, Stream { telephone_event: None, ..right.stream() });
    room.join(LEFT, RIGHT);
    left.press('5', 101);
    assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '5' });
    left.talk(1);
    assert_eq!(right.hear().1, speech(1), "a peer without events is sent none");
}

#[test]
fn a_desk_on_ipv6_and_a_trunk_on_ipv4_hear_each_other() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return; // This machine has no IPv6.
    }
    let mut room = Room::with(|settings| settings.address_v6 = Some("::1".parse().unwrap()));
    let mut left = room.phone(LEFT, Codec::Pcma);
    room.media.command(MediaCommand::Open { media: RIGHT, ipv6: true });
    let MediaFact::Opened { rtp, .. } = room.fact() else { panic!() };
    let mut right = Phone::new(rtp, Codec::Pcma);
    room.describe(RIGHT, right.stream());
    room.join(LEFT, RIGHT);
    left.talk(1);
    right.talk(2);
    assert_eq!((left.hear().1, right.hear().1), (speech(2), speech(1)));
}
