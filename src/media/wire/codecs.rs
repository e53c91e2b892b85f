//! Legs that share no codec, keys that are heard in the audio, and calls in which nobody speaks any more.

use std::{f64::consts::TAU, time::Duration};

use super::{CLOCK, LEFT, LONG, OTHER, Phone, RIGHT, Room, ticket};
use crate::{
    call::prompt::Prompt,
    rtp::{
        g711, g722,
        stream::{Band, Codec, Stream},
        transcode::Voice,
    },
    switch::media::{MediaCommand, MediaFact, RecordOrder},
};

/// Sends a second of one or two tones, 50 packets.
struct Singer {
    encoder: g722::Encoder,
    at: u32,
}

impl Singer {
    fn new() -> Self {
        Self { encoder: g722::Encoder::new(), at: 0 }
    }

    fn sing(&mut self, phone: &mut Phone, tones: [f64; 2]) {
        let band = phone.codec.band();
        let rate = f64::from(band.sample_rate());
        let samples: Vec<i16> = (0..160 * band.sample_rate() / 8_000)
            .map(|n| {
                let at = TAU * f64::from(self.at * 160 * band.sample_rate() / 8_000 + n) / rate;
                #[allow(clippy::cast_possible_truncation)]
                let sample = (6_000.0 * ((tones[0] * at).sin() + (tones[1] * at).sin())) as i16;
                sample
            })
            .collect();
        self.at += 1;
        let payload: Vec<u8> = match phone.codec.law() {
            Some(law) => samples.iter().map(|sample| g711::byte(law, *sample)).collect(),
            None => samples.chunks(2).map(|pair| self.encoder.on([pair[0], pair[1]])).collect(),
        };
        let header = phone.next;
        phone.send(&header, &payload);
        phone.next.sequence = phone.next.sequence.plus(1);
        phone.next.timestamp = phone.next.timestamp.plus(160);
    }
}

fn level(samples: &[i16], frequency: f64, band: Band) -> f64 {
    let rate = f64::from(band.sample_rate());
    let sum = |part: fn(f64) -> f64| -> f64 {
        let at = |n: usize| TAU * frequency * f64::from(u32::try_from(n).unwrap()) / rate;
        samples.iter().enumerate().map(|(n, sample)| f64::from(*sample) * part(at(n))).sum()
    };
    2.0 * sum(f64::cos).hypot(sum(f64::sin)) / f64::from(u32::try_from(samples.len()).unwrap())
}

#[test]
fn legs_that_share_no_codec_understand_each_other() {
    for narrow in [Codec::Pcma, Codec::Pcmu] {
        let mut room = Room::new();
        let (mut left, mut right) = room.joined(narrow, Codec::G722);
        let (mut at_left, mut at_right) = (Singer::new(), Singer::new());
        let (mut heard_left, mut heard_right) = (Vec::new(), Vec::new());
        let (mut ear_left, mut ear_right) = (Voice::default(), Voice::default());
        for _ in 0..40 {
            at_left.sing(&mut left, [1000.0, 1000.0]);
            at_right.sing(&mut right, [440.0, 440.0]);
            let ((header, payload), (back, answer)) = (right.hear(), left.hear());
            assert_eq!((header.payload_type, payload.len()), (9, 160));
            assert_eq!((back.payload_type, answer.len()), (super::payload_type(narrow), 160));
            ear_right.hear(Codec::G722, Band::Wide, &payload, &mut heard_right);
            ear_left.hear(narrow, Band::Narrow, &answer, &mut heard_left);
        }
        let at_right = level(&heard_right[3_200..], 1000.0, Band::Wide);
        let at_left = level(&heard_left[1_600..], 440.0, Band::Narrow);
        assert!((at_right - 12_000.0).abs() < 700.0, "{narrow:?}: {at_right}");
        assert!((at_left - 12_000.0).abs() < 700.0, "{narrow:?}: {at_left}");
    }
}

/// Two legs speak for a second each in turn; the recording, left and right, and its rate.
fn recorded(left: Codec, right: Codec, later: Option<Codec>) -> (u32, Vec<i16>, Vec<i16>) {
    let mut room = Room::new();
    let (mut left, mut right) = (room.phone(LEFT, left), room.phone(RIGHT, right));
    let record = RecordOrder { ticket: ticket(7), path: "2026/11/23/20261123-0007.wav".into() };
    let join = |right| MediaCommand::Join { left: LEFT, right, record: Some(record.clone()) };
    let beat = room.phone(CLOCK, Codec::Pcma);
    room.play(CLOCK, 99, &[LONG.into()]);
    beat.hear();
    room.media.command(join(RIGHT));
    room.fact();
    let (mut one, mut two) = (Singer::new(), Singer::new());
    for _ in 0..40 {
        beat.hear();
        one.sing(&mut left, [1000.0, 1000.0]);
        two.sing(&mut right, [440.0, 440.0]);
        left.hear();
        right.hear();
    }
    if let Some(codec) = later {
        let mut other = room.phone(OTHER, codec);
        room.media.command(join(OTHER));
        room.fact();
        let mut three = Singer::new();
        for _ in 0..40 {
            beat.hear();
            three.sing(&mut other, [700.0, 700.0]);
            left.hear();
        }
    }
    room.media.command(MediaCommand::StopRecording { ticket: record.ticket });
    let MediaFact::Recorded { report, .. } = room.fact() else { panic!() };
    let wav = hound::WavReader::open(room.folder.path().join(&record.path)).unwrap();
    assert_eq!(wav.spec().sample_rate, report.sample_rate);
    let samples: Vec<i16> = wav.into_samples().map(Result::unwrap).collect();
    assert_eq!(u64::try_from(samples.len()).unwrap(), report.samples * 2);
    let side = |at: usize| samples.iter().skip(at).step_by(2).copied().collect::<Vec<_>>();
    (report.sample_rate, side(0), side(1))
}

#[test]
fn two_wide_band_legs_are_recorded_at_16_khz_and_later_ones_with_them() {
    let (rate, left, right) = recorded(Codec::G722, Codec::G722, Some(Codec::Pcma));
    assert_eq!(rate, 16_000);
    assert!(level(&left[3_200..11_200], 1000.0, Band::Wide) > 11_000.0);
    assert!(level(&right[3_200..11_200], 440.0, Band::Wide) > 11_000.0);
    let tail = &right[right.len() - 9_600..right.len() - 1_600];
    assert!(level(tail, 700.0, Band::Wide) > 11_000.0, "the narrow leg that came later, at its pitch");
}

#[test]
fn one_narrow_leg_keeps_the_recording_at_8_khz() {
    let (rate, left, right) = recorded(Codec::G722, Codec::Pcma, None);
    assert_eq!(rate, 8_000);
    assert!(level(&left[1_600..5_600], 1000.0, Band::Narrow) > 11_000.0);
    assert!(level(&right[1_600..5_600], 440.0, Band::Narrow) > 11_000.0);
}

#[test]
fn keys_in_the_audio_are_heard_where_no_event_was_agreed_and_only_there() {
    let one = [697.0, 1209.0];
    for (codec, agreed) in [(Codec::Pcma, None), (Codec::G722, None), (Codec::Pcma, Some(101))] {
        let mut room = Room::new();
        let mut phone = room.phone(LEFT, codec);
        room.describe(LEFT, Stream { telephone_event: agreed, ..phone.stream() });
        let mut singer = Singer::new();
        for n in 0..20 {
            singer.sing(&mut phone, if (5..10).contains(&n) { one } else { [0.0, 0.0] });
        }
        if agreed.is_some() {
            // What comes after shows that nothing came before.
            phone.press('7', 101);
            assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '7' });
        } else {
            assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '1' }, "{codec:?}");
        }
    }
}

#[test]
fn a_prompt_is_played_to_a_wide_band_phone_in_g722() {
    let mut room = Room::new();
    let phone = room.phone(LEFT, Codec::G722);
    room.play(LEFT, 1, &[Prompt::CallerGone.into()]);
    let (mut voice, mut heard) = (Voice::default(), Vec::new());
    for _ in 0..15 {
        let (header, payload) = phone.hear();
        assert_eq!(header.payload_type, 9);
        voice.hear(Codec::G722, Band::Narrow, &payload, &mut heard);
    }
    let spoken: Vec<i16> = hound::WavReader::open(super::prompt_file("digit_1"))
        .unwrap()
        .into_samples()
        .take(heard.len())
        .map(Result::unwrap)
        .collect();
    let energy = |samples: &[i16]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
    let ratio = energy(&heard) / energy(&spoken);
    assert!((0.7..1.3).contains(&ratio), "{ratio}");
}

#[test]
fn a_call_in_which_neither_side_sends_anything_is_told_dead_once() {
    let mut room = Room::with(|settings| {
        settings.silence_after = Duration::ZERO;
        settings.dead_after = Some(Duration::from_millis(1));
    });
    let (_left, _right) = room.joined(Codec::Pcma, Codec::Pcma);
    let facts = [room.fact(), room.fact(), room.fact()];
    let silent = facts.iter().filter(|fact| matches!(fact, MediaFact::Silent { .. })).count();
    let dead = facts.iter().filter(|fact| matches!(fact, MediaFact::Dead { .. })).count();
    assert_eq!((silent, dead), (2, 1), "{facts:?}");
}

#[test]
fn a_call_on_hold_is_not_dead() {
    let mut room = Room::with(|settings| {
        settings.silence_after = Duration::ZERO;
        settings.dead_after = Some(Duration::from_millis(1));
    });
    let (left, _right) = room.joined(Codec::Pcma, Codec::Pcma);
    room.describe(LEFT, Stream { peer_sends: false, ..left.stream() });
    assert!(matches!(room.fact(), MediaFact::Silent { media, .. } if media == RIGHT));
    // A tick later there is still nothing to tell.
    let beat = room.phone(CLOCK, Codec::Pcma);
    room.play(CLOCK, 99, &[LONG.into()]);
    for _ in 0..75 {
        beat.hear();
    }
    room.media.command(MediaCommand::StopRecording { ticket: ticket(1) });
    assert!(matches!(room.fact(), MediaFact::RecordingFailed { .. }));
}
