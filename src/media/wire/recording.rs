//! A call and its file.

use std::time::Duration;

use super::{CLOCK, LEFT, LONG, OTHER, RIGHT, Room, speech, ticket};
use crate::{
    rtp::{g711, stream::Codec},
    switch::media::{MediaCommand, MediaFact, RecordOrder, SpeechWatch},
};

fn decoded(codec: Codec, mark: u8) -> Vec<i16> {
    let mut samples = vec![];
    g711::decode(codec.law().unwrap(), &speech(mark), &mut samples);
    samples
}

#[test]
fn a_call_is_recorded_under_its_ticket_through_a_transfer() {
    let mut room = Room::new();
    let (mut left, mut right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcmu));
    let record = RecordOrder { ticket: ticket(7), path: "2026/11/23/20261123-0007.wav".into() };
    let join = |right| MediaCommand::Join { left: LEFT, right, record: Some(record.clone()) };
    let left_speech = |mark| decoded(Codec::Pcma, mark);
    let right_speech = |mark| decoded(Codec::Pcmu, mark);

    // A prompt on a leg of its own beats the time of the room: a packet each 20 ms.
    let beat = room.phone(CLOCK, Codec::Pcma);
    room.play(CLOCK, 1, &[LONG.into()]);
    beat.hear();

    room.media.command(join(RIGHT));
    assert_eq!(room.fact(), MediaFact::Joined { left: LEFT, right: RIGHT });
    for mark in 1..=10 {
        beat.hear();
        left.talk(mark);
        right.talk(mark + 50);
        right.hear();
        left.hear(); // What was heard has passed the recorder's tap.
    }
    left.press('1', 101); // No audio, and no loss either.
    assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '1' });
    let mut other = room.phone(OTHER, Codec::Pcmu);
    room.media.command(join(OTHER));
    assert_eq!(room.fact(), MediaFact::Joined { left: LEFT, right: OTHER });
    for mark in 1..=10 {
        beat.hear();
        right.talk(mark + 100); // Left behind: not recorded.
        other.talk(mark + 150);
        left.hear();
    }
    for _ in 0..5 {
        beat.hear();
    }
    room.media.command(MediaCommand::StopRecording { ticket: record.ticket });
    let MediaFact::Recorded { ticket, report } = room.fact() else { panic!() };
    assert_eq!((ticket, &report.path), (record.ticket, &record.path));
    assert_eq!((report.caller.packets, report.operator.packets), (14, 20), "the key took four packets");
    let samples: Vec<i16> = hound::WavReader::open(room.folder.path().join(&record.path))
        .unwrap()
        .into_samples()
        .map(Result::unwrap)
        .collect();
    let channel = |first| samples.iter().skip(first).step_by(2).copied().collect::<Vec<i16>>();
    let speaks = |channel: &[i16], speech: Vec<i16>| channel.windows(160).any(|window| window == speech);
    let (caller, operator) = (channel(0), channel(1));
    assert_eq!(u64::try_from(caller.len()).unwrap(), report.samples);
    for mark in 2..=8 {
        assert!(speaks(&caller, left_speech(mark)));
        assert!(speaks(&operator, right_speech(mark + 50)));
        assert!(!speaks(&operator, right_speech(mark + 100)));
        assert!(speaks(&operator, right_speech(mark + 150)));
    }
}

#[test]
fn a_recording_that_cannot_start_does_not_stop_the_call() {
    let mut room = Room::with(|settings| settings.recorder.disk_floor_bytes = u64::MAX);
    let (mut left, right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    let record = Some(RecordOrder { ticket: ticket(8), path: "8.wav".into() });
    room.media.command(MediaCommand::Join { left: LEFT, right: RIGHT, record });
    let facts = [room.fact(), room.fact()];
    assert!(facts.contains(&MediaFact::Joined { left: LEFT, right: RIGHT }), "{facts:?}");
    let failed =
        |fact: &MediaFact| matches!(fact, MediaFact::RecordingFailed { ticket: of, .. } if *of == ticket(8));
    assert!(facts.iter().any(failed), "{facts:?}");
    left.talk(1);
    assert_eq!(right.hear().1, speech(1));
}

#[test]
fn shutting_down_closes_the_recordings_that_run() {
    let mut room = Room::new();
    let (mut left, right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    let record = RecordOrder { ticket: ticket(9), path: "9.wav".into() };
    room.media.command(MediaCommand::Join { left: LEFT, right: RIGHT, record: Some(record.clone()) });
    assert_eq!(room.fact(), MediaFact::Joined { left: LEFT, right: RIGHT });
    left.talk(1);
    right.hear();
    room.pass_time();
    let Room { media, mut facts, folder, .. } = room;
    media.shut_down();
    assert!(
        matches!(facts.blocking_recv(), Some(MediaFact::Recorded { ticket: of, .. }) if of == record.ticket)
    );
    assert_eq!(facts.blocking_recv(), None, "nobody is left to tell more");
    let samples = hound::WavReader::open(folder.path().join(record.path)).unwrap().duration();
    assert!(samples >= 160, "{samples} samples of at least 20 ms");
}

/// Speech after 60 ms, silence after none at all.
const WATCH: SpeechWatch = SpeechWatch { enough: Duration::from_millis(60), quiet_after: Duration::ZERO };

#[test]
fn a_message_is_on_the_left_alone_and_its_speech_and_silence_are_told() {
    let mut room = Room::new();
    let mut caller = room.phone(LEFT, Codec::Pcma);
    let record = RecordOrder { ticket: ticket(11), path: "11.wav".into() };
    room.media.command(MediaCommand::Record { media: LEFT, record: record.clone(), watch: WATCH });
    assert_eq!(room.fact(), MediaFact::Quiet { media: LEFT }, "nobody has said anything yet");
    for _ in 0..3 {
        caller.talk(0x2a); // As loud as A-law can be.
    }
    assert_eq!(room.fact(), MediaFact::Spoke { media: LEFT });
    assert_eq!(room.fact(), MediaFact::Quiet { media: LEFT });
    room.media.command(MediaCommand::StopRecording { ticket: record.ticket });
    let MediaFact::Recorded { ticket, report } = room.fact() else { panic!() };
    assert_eq!((ticket, &report.path), (record.ticket, &record.path));
    assert_eq!((report.caller.packets, report.operator.packets), (3, 0));
    assert!(room.folder.path().join("11.wav").exists());
}

#[test]
fn of_a_recording_that_nobody_wants_nothing_is_left() {
    let mut room = Room::new();
    let (mut left, right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    let record = |number| RecordOrder { ticket: ticket(number), path: format!("{number}.wav").into() };
    let join = MediaCommand::Join { left: LEFT, right: RIGHT, record: Some(record(12)) };
    room.media.command(join);
    assert_eq!(room.fact(), MediaFact::Joined { left: LEFT, right: RIGHT });
    left.talk(1);
    right.hear();
    room.pass_time();
    room.media.command(MediaCommand::DiscardRecording { ticket: ticket(12) });
    room.media.command(MediaCommand::DiscardRecording { ticket: ticket(99) }); // Of nothing.
    left.talk(2);
    assert_eq!(right.hear().1, speech(2), "the talk goes on");
    // The recorder ends one after the other: when this one is there, the first is gone.
    let watch = WATCH;
    room.media.command(MediaCommand::Record { media: LEFT, record: record(13), watch });
    assert_eq!(room.fact(), MediaFact::Quiet { media: LEFT });
    room.media.command(MediaCommand::StopRecording { ticket: ticket(13) });
    assert!(matches!(room.fact(), MediaFact::Recorded { .. }));
    let mut left: Vec<_> = std::fs::read_dir(room.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["13.dat", "13.wav"]);
}

#[test]
fn a_message_that_cannot_be_recorded_is_told() {
    let mut room = Room::with(|settings| settings.recorder.disk_floor_bytes = u64::MAX);
    room.phone(LEFT, Codec::Pcma);
    for media in [LEFT, OTHER] {
        let record = RecordOrder { ticket: ticket(14), path: "14.wav".into() };
        let watch = SpeechWatch { quiet_after: Duration::from_secs(3600), ..WATCH };
        room.media.command(MediaCommand::Record { media, record, watch });
        assert!(matches!(room.fact(), MediaFact::RecordingFailed { ticket: of, .. } if of == ticket(14)));
    }
}
