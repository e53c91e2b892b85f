//! Prompts on a leg.

use std::path::PathBuf;

use super::{LEFT, LONG, RIGHT, Room, prompt_file, speech};
use crate::{
    call::machine::Prompt,
    media::prompts::Prompts,
    rtp::{g711, stream::Codec},
    switch::media::{MediaCommand, MediaFact, MediaId},
};

#[test]
fn a_prompt_is_played_whole_and_a_key_pressed_meanwhile_is_heard() {
    let mut room = Room::new();
    let mut phone = room.phone(LEFT, Codec::Pcmu);
    room.media.command(MediaCommand::Play { media: LEFT, prompt: Prompt::CallerGone });
    let prompts = Prompts::load(&[(Prompt::CallerGone, prompt_file("digit_1"))].into());
    let spoken = prompts.rest(Prompt::CallerGone, Codec::Pcmu, 0).unwrap();
    let (first, mut heard) = phone.hear();
    assert!(first.marker);
    phone.press('1', 101);
    assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '1' });
    while heard.len() < spoken.len() {
        let (header, payload) = phone.hear();
        assert_eq!(header.payload_type, 0);
        assert_eq!(usize::try_from(header.timestamp.since(first.timestamp)).unwrap(), heard.len());
        assert_eq!(payload.len(), 160);
        heard.extend(payload);
    }
    let (sound, filled) = heard.split_at(spoken.len());
    assert_eq!(sound, spoken);
    assert!(filled.iter().all(|byte| *byte == g711::silence(Codec::Pcmu)));
    assert_eq!(room.fact(), MediaFact::Played { media: LEFT });
}

#[test]
fn a_prompt_speaks_alone_and_the_talk_goes_on_after_it() {
    let mut room = Room::new();
    let (left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    room.media.command(MediaCommand::Play { media: LEFT, prompt: LONG });
    let (first, _) = left.hear();
    left.hear(); // By a later wake-up: no command that comes from here on is obeyed with the first ones.
    right.talk(1);
    room.media.command(MediaCommand::StopPlaying { media: LEFT });
    room.join(LEFT, RIGHT);
    right.talk(2);
    let (header, _) = std::iter::repeat_with(|| left.hear())
        .inspect(|(_, payload)| assert_ne!(payload, &speech(1)))
        .find(|(_, payload)| *payload == speech(2))
        .unwrap();
    assert_eq!(header.ssrc, first.ssrc);
    assert!(header.marker, "another voice begins");
}

#[test]
fn a_prompt_that_cannot_be_played_is_answered_at_once() {
    let mut room = Room::with(|settings| {
        settings.prompts.insert(Prompt::ForwardTooLate, PathBuf::from("/nowhere/at/all.wav"));
    });
    let _phone = room.phone(LEFT, Codec::Pcma);
    room.open(RIGHT);
    for (media, prompt) in [
        (LEFT, Prompt::ForwardTooLate),    // Its file is missing.
        (RIGHT, Prompt::CallerGone),       // Nobody described the peer.
        (MediaId(99), Prompt::CallerGone), // No such leg.
    ] {
        room.media.command(MediaCommand::Play { media, prompt });
        assert_eq!(room.fact(), MediaFact::Played { media });
    }
}
