//! Sounds on a leg.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::{LEFT, LONG, RIGHT, Room, prompt_file, speech};
use crate::{
    call::prompt::{Prompt, Repeat, Sound},
    media::{
        PromptFiles,
        prompts::{Prompts, Voice},
    },
    rtp::{
        g711::{self, Law},
        stream::Codec,
    },
    switch::media::{MediaCommand, MediaFact, MediaId, PlayId},
};

fn voice(sound: Sound) -> Arc<Voice> {
    let files = BTreeMap::from([
        (Prompt::CallerGone, prompt_file("digit_1")),
        (Prompt::ForwardTooLate, prompt_file("digit_2")),
    ]);
    Prompts::load(&files, None).voice(sound).unwrap()
}

/// As it arrives: in packets of 20 ms, the last one filled with silence.
fn packets(voice: &Voice, codec: Codec) -> Vec<Vec<u8>> {
    let padded = |packet: &[u8]| {
        let mut packet = packet.to_vec();
        packet.resize(160, g711::silence(codec.law().unwrap()));
        packet
    };
    voice.rest(codec, 0).chunks(160).map(padded).collect()
}

#[test]
fn a_prompt_is_played_whole_and_a_key_pressed_meanwhile_is_heard() {
    let mut room = Room::new();
    let mut phone = room.phone(LEFT, Codec::Pcmu);
    // Something long follows, so that it still plays when the key is pressed, however slow this machine is.
    room.play(LEFT, 7, &[Prompt::CallerGone.into(), LONG.into()]);
    let voice = voice(Prompt::CallerGone.into());
    let spoken = voice.rest(Codec::Pcmu, 0);
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
    assert!(filled.iter().all(|byte| *byte == g711::silence(Law::Mu)));
}

#[test]
fn several_sounds_are_played_in_a_row_as_one_stream_and_answered_once() {
    let mut room = Room::with(|settings| {
        settings.prompts.prompts.insert(Prompt::ForwardTooLate, prompt_file("digit_2"));
    });
    let phone = room.phone(LEFT, Codec::Pcma);
    let missing = Sound::Prompt(Prompt::Greeting);
    let [one, two] = [Prompt::CallerGone, Prompt::ForwardTooLate].map(Sound::Prompt);
    room.play(LEFT, 1, &[one, missing, two, one]);
    let mut first = None;
    for sound in [one, two, one] {
        for (at, expected) in packets(&voice(sound), Codec::Pcma).into_iter().enumerate() {
            let (header, payload) = phone.hear();
            assert_eq!(payload, expected, "packet {at} of {sound:?}");
            let (ssrc, before) = *first.get_or_insert((header.ssrc, header.sequence));
            assert_eq!(ssrc, header.ssrc);
            assert_eq!(header.marker, header.sequence == before, "one talkspurt");
        }
    }
    assert_eq!(room.fact(), MediaFact::Played { media: LEFT, play: PlayId(1) });
}

#[test]
fn what_is_repeated_goes_on_until_something_else_is_played() {
    let mut room = Room::new();
    let phone = room.phone(LEFT, Codec::Pcma);
    let sound = Prompt::CallerGone.into();
    let (play, sounds) = (PlayId(1), vec![sound]);
    room.media.command(MediaCommand::Play { media: LEFT, play, sounds, repeat: Repeat::Forever });
    let expected = packets(&voice(sound), Codec::Pcma);
    for _ in 0..3 {
        for packet in &expected {
            assert_eq!(&phone.hear().1, packet);
        }
    }
    room.play(LEFT, 2, &[Sound::Beep]);
    assert_eq!(room.fact(), MediaFact::Played { media: LEFT, play: PlayId(2) });
}

#[test]
fn a_reload_changes_the_next_sound_and_not_the_one_that_is_heard() {
    let mut room = Room::new();
    let phone = room.phone(LEFT, Codec::Pcma);
    let sound = Prompt::CallerGone.into();
    room.play(LEFT, 1, &[sound]);
    phone.hear();
    let files = BTreeMap::from([(Prompt::CallerGone, prompt_file("digit_2"))]);
    room.media.reload_prompts(&PromptFiles { prompts: files, comfort: None });
    for packet in packets(&voice(sound), Codec::Pcma).into_iter().skip(1) {
        assert_eq!(phone.hear().1, packet);
    }
    assert_eq!(room.fact(), MediaFact::Played { media: LEFT, play: PlayId(1) });
    room.play(LEFT, 2, &[sound]);
    for packet in packets(&voice(Prompt::ForwardTooLate.into()), Codec::Pcma) {
        assert_eq!(phone.hear().1, packet);
    }
}

#[test]
fn a_prompt_speaks_alone_and_the_talk_goes_on_after_it() {
    let mut room = Room::new();
    let (left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    room.play(LEFT, 1, &[LONG.into()]);
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
fn what_cannot_be_played_is_answered_at_once() {
    let mut room = Room::with(|settings| {
        settings.prompts.prompts.insert(Prompt::ForwardTooLate, PathBuf::from("/nowhere/at/all.wav"));
    });
    let _phone = room.phone(LEFT, Codec::Pcma);
    room.open(RIGHT);
    for (media, sounds) in [
        (LEFT, vec![Prompt::ForwardTooLate.into()]), // Its file is missing.
        (LEFT, vec![]),
        (RIGHT, vec![Prompt::CallerGone.into()]), // Nobody described the peer.
        (MediaId(99), vec![Prompt::CallerGone.into()]), // No such leg.
    ] {
        room.play(media, 3, &sounds);
        let fact = room.fact();
        assert!(
            matches!(fact, MediaFact::PlayFailed { media: of, play: PlayId(3), .. } if of == media),
            "{fact:?}"
        );
    }
}
