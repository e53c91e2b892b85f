//! Legs under SRTP: opened, believed and recorded by their key, and protected on the way out.

use super::{LEFT, PATIENCE, Phone, RIGHT, Room, speech};
use crate::{
    rtp::{
        packet::{self, Header, Packet},
        srtp::{LARGEST_OVERHEAD, MasterKey, Opener, Protector, Suite},
        stream::{Codec, Stream, StreamKeys},
    },
    switch::media::MediaId,
};

fn key(suite: Suite, seed: u8) -> MasterKey {
    MasterKey { suite, key: [seed; 16], salt: [seed; 14] }
}

/// A phone that protects what it sends and opens what it hears.
struct Secure {
    phone: Phone,
    keys: StreamKeys,
    protector: Protector,
    opener: Opener,
}

impl Secure {
    fn in_room(room: &mut Room, media: MediaId, suite: Suite) -> Self {
        let phone = Phone::new(room.open(media), Codec::Pcma);
        let seed = u8::try_from(media.0).unwrap();
        let keys = StreamKeys { ours: key(suite, seed), theirs: key(suite, seed + 100) };
        let (protector, opener) = (Protector::new(&keys.theirs), Opener::new(&keys.ours));
        let secure = Self { phone, keys, protector, opener };
        room.describe(media, secure.stream());
        secure
    }

    fn stream(&self) -> Stream {
        Stream { keys: Some(self.keys), ..self.phone.stream() }
    }

    fn talk(&mut self, mark: u8) {
        let mut bytes = [0; 400];
        let length = packet::compose(&self.phone.next, &speech(mark), &mut bytes).unwrap();
        let length = self.protector.rtp(&mut bytes, length).unwrap();
        self.phone.socket.send_to(&bytes[..length], self.phone.room).unwrap();
        self.phone.next.sequence = self.phone.next.sequence.plus(1);
        self.phone.next.timestamp = self.phone.next.timestamp.plus(160);
    }

    fn hear(&mut self) -> (Header, Vec<u8>) {
        let mut bytes = [0; 400];
        self.phone.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let (length, _) = self.phone.socket.recv_from(&mut bytes).unwrap();
        let length = self.opener.rtp(&mut bytes[..length]).unwrap();
        let packet = Packet::parse(&bytes[..length]).unwrap();
        (packet.header, packet.payload.to_vec())
    }
}

#[test]
fn each_leg_is_protected_by_its_own_keys_or_not_at_all() {
    for suite in [Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32] {
        let mut room = Room::new();
        let mut secure = Secure::in_room(&mut room, LEFT, suite);
        let mut plain = room.phone(RIGHT, Codec::Pcma);
        room.join(LEFT, RIGHT);
        for mark in 0..50 {
            secure.talk(mark);
            plain.talk(!mark);
            assert_eq!(plain.hear().1, speech(mark));
            assert_eq!(secure.hear().1, speech(!mark));
        }
    }
}

#[test]
fn nothing_is_believed_that_does_not_prove_the_key() {
    let mut room = Room::new();
    let mut secure = Secure::in_room(&mut room, LEFT, Suite::AesCm128HmacSha1_80);
    let mut plain = room.phone(RIGHT, Codec::Pcma);
    room.join(LEFT, RIGHT);
    // A stranger sends plain RTP, and SRTP under a key of its own, before the phone says a word.
    let mut stranger = Phone::new(secure.phone.room, Codec::Pcma);
    let mut wrong = Protector::new(&key(Suite::AesCm128HmacSha1_80, 9));
    for mark in 0..10 {
        let mut bytes = [0; 172 + LARGEST_OVERHEAD];
        let length = packet::compose(&stranger.next, &speech(77), &mut bytes).unwrap();
        let length = wrong.rtp(&mut bytes, length).unwrap();
        stranger.socket.send_to(&bytes[..length], stranger.room).unwrap();
        stranger.talk(mark);
    }
    secure.talk(1);
    assert_eq!(plain.hear().1, speech(1), "the stranger was not passed on");
    plain.talk(2);
    assert_eq!(secure.hear().1, speech(2), "and is not sent to");
}

#[test]
fn a_new_description_under_the_same_key_goes_on_counting_and_a_new_key_begins_anew() {
    let mut room = Room::new();
    let mut secure = Secure::in_room(&mut room, LEFT, Suite::AesCm128HmacSha1_80);
    let mut plain = room.phone(RIGHT, Codec::Pcma);
    room.join(LEFT, RIGHT);
    // Past the wrap of its numbers, so that a forgotten rollover would show.
    for mark in 0..20 {
        secure.talk(mark);
        assert_eq!(plain.hear().1, speech(mark));
        plain.talk(mark);
        secure.hear();
    }
    room.describe(LEFT, secure.stream());
    // A packet must not overtake the command.
    room.pass_time();
    secure.talk(30);
    assert_eq!(plain.hear().1, speech(30));
    plain.talk(31);
    assert_eq!(secure.hear().1, speech(31));
    secure.keys.theirs = key(Suite::AesCm128HmacSha1_80, 200);
    secure.protector = Protector::new(&secure.keys.theirs);
    room.describe(LEFT, secure.stream());
    // A packet must not overtake the command.
    room.pass_time();
    secure.talk(40);
    assert_eq!(plain.hear().1, speech(40));
    plain.talk(41);
    assert_eq!(secure.hear().1, speech(41), "our own key is the old one");
}
