//! Legs that are held, hold, or fall silent.

use std::time::Duration;

use super::{LEFT, RIGHT, Room, speech};
use crate::{
    rtp::stream::{Codec, Stream},
    switch::media::MediaFact,
};

#[test]
fn a_phone_on_hold_gets_nothing() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    room.describe(RIGHT, Stream { peer_receives: false, ..right.stream() });
    room.join(LEFT, RIGHT);
    left.talk(1);
    // What comes after it has passed, so it has been looked at while the hold lasted.
    right.talk(9);
    left.hear();
    room.describe(RIGHT, right.stream());
    room.join(LEFT, RIGHT);
    left.talk(2);
    assert_eq!(right.hear().1, speech(2), "what was said during the hold is not sent after it");
}

#[test]
fn a_phone_that_said_it_does_not_send_is_not_heard() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    room.describe(LEFT, Stream { peer_sends: false, ..left.stream() });
    room.join(LEFT, RIGHT);
    left.talk(1);
    // What comes after it has passed, so it has been looked at before the phone sends again.
    right.talk(9);
    left.hear();
    room.describe(LEFT, left.stream());
    room.join(LEFT, RIGHT);
    left.talk(2);
    assert_eq!(right.hear().1, speech(2));
}

#[test]
fn a_joined_leg_that_falls_silent_is_told_and_told_again_when_it_is_heard() {
    let mut room = Room::with(|settings| settings.silence_after = Duration::ZERO);
    let (mut left, right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    room.describe(RIGHT, Stream { peer_sends: false, ..right.stream() });
    room.join(LEFT, RIGHT);
    assert!(matches!(room.fact(), MediaFact::Silent { media: LEFT, .. }), "and not the one that holds");
    left.talk(1);
    assert_eq!(room.fact(), MediaFact::Heard { media: LEFT });
    assert!(matches!(room.fact(), MediaFact::Silent { media: LEFT, .. }));
}
