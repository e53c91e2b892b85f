//! Commands that cannot be obeyed, and settings that cannot work.

use std::{net::Ipv4Addr, time::Duration};

use tokio::sync::mpsc;

use super::{LEFT, OTHER, RIGHT, Room, ticket};
use crate::{
    media::{Media, MediaSettings, PromptFiles, recorder::RecorderSettings},
    switch::media::{MediaCommand, MediaFact},
};

#[test]
fn a_leg_without_a_port_is_refused_and_a_closed_one_makes_room() {
    // A range of two pairs, on a loop-back address that no other run of the tests uses.
    let [high, low, ..] = std::process::id().to_le_bytes();
    let mut room = Room::with(|settings| {
        settings.address_v4 = Some(Ipv4Addr::new(127, 77, high, low.max(1)).into());
        (settings.port_min, settings.port_max) = (29_990, 29_993);
    });
    let (first, second) = (room.open(LEFT), room.open(RIGHT));
    assert_ne!(first, second);
    assert_eq!((first.port() % 2, second.port() % 2), (0, 0));
    room.media.command(MediaCommand::Open { media: OTHER, ipv6: false });
    assert!(matches!(room.fact(), MediaFact::Refused { media: OTHER, .. }));
    room.media.command(MediaCommand::Close { media: LEFT });
    assert_eq!(room.open(OTHER), first);
}

#[test]
fn commands_about_unknown_or_unfit_legs_are_refused() {
    let mut room = Room::new();
    room.open(LEFT);
    room.media.command(MediaCommand::Open { media: LEFT, ipv6: false });
    assert!(matches!(room.fact(), MediaFact::Refused { media: LEFT, .. }));
    room.media.command(MediaCommand::Open { media: RIGHT, ipv6: true });
    assert!(matches!(room.fact(), MediaFact::Refused { media: RIGHT, .. }), "no IPv6 address is set");
    for (left, right) in [(LEFT, OTHER), (OTHER, LEFT), (LEFT, LEFT)] {
        room.media.command(MediaCommand::Join { left, right, record: None });
        assert!(matches!(room.fact(), MediaFact::JoinRefused { .. }));
    }
    room.media.command(MediaCommand::Pass { from: LEFT, to: OTHER });
    room.media.command(MediaCommand::StopPlaying { media: OTHER });
    room.media.command(MediaCommand::Close { media: OTHER });
    let ticket = ticket(1);
    room.media.command(MediaCommand::StopRecording { ticket });
    assert!(matches!(room.fact(), MediaFact::RecordingFailed { ticket: of, .. } if of == ticket));
}

#[test]
fn settings_that_cannot_work_are_refused_at_start() {
    let (facts, _) = mpsc::unbounded_channel();
    let settings = MediaSettings {
        address_v4: Some(Ipv4Addr::UNSPECIFIED.into()),
        address_v6: None,
        advertised_v4: None,
        advertised_v6: None,
        port_min: 30_000,
        port_max: 30_100,
        silence_after: Duration::from_secs(10),
        dead_after: None,
        prompts: PromptFiles::default(),
        recorder: RecorderSettings::new("/nowhere"),
    };
    let start = |settings: MediaSettings| {
        Media::start(settings, facts.clone()).map(Media::shut_down).map_err(|e| e.to_string())
    };
    assert_eq!(start(settings.clone()), Err("media address 0.0.0.0 needs an advertised address".to_owned()));
    assert_eq!(
        start(MediaSettings { address_v4: None, ..settings.clone() }),
        Err("no media address".to_owned())
    );
    let told = MediaSettings { advertised_v4: Some(Ipv4Addr::LOCALHOST.into()), ..settings };
    assert_eq!(
        start(MediaSettings { port_min: 30_001, port_max: 30_002, ..told.clone() }),
        Err("media ports 30001-30002 hold no even and odd pair".to_owned())
    );
    assert_eq!(start(told), Ok(()));
}
