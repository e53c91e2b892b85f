//! A disk that fills up in the middle of a recording, and is given room again. A binary of its own, because
//! what plays the full disk is a limit of the whole process (the largest file it may write).

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test, and one in which the recorder's threads run on the real clock"
)]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use hotlined::{
    media::recorder::{self, Channel, Keep, RecorderSettings, Tap},
    rtp::{
        g711::{self, Law},
        packet::{Header, Packet},
        stream::{Band, Codec},
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::{MediaFact, RecordOrder},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// Sent to a process whose file would pass its limit; unheeded, it kills.
const SIGXFSZ: i32 = 25;

fn limit_files_to(bytes: Option<u64>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum }).unwrap();
}

/// What the caller says, packet by packet.
fn said(n: u16) -> Vec<u8> {
    (0..160u32)
        .map(|i| ((u32::from(n) * 160 + i).wrapping_mul(0x9e37_79b1) >> 24).try_into().unwrap())
        .collect()
}

fn speak(tap: &mut Tap, joined_at: Instant, packets: std::ops::Range<u16>) {
    for n in packets {
        let header = Header {
            payload_type: 8,
            marker: false,
            sequence: SequenceNumber(n),
            timestamp: RtpTimestamp(u32::from(n) * 160),
            ssrc: 1,
        };
        let arrival = joined_at + Duration::from_millis(20) * u32::from(n);
        tap.packet(0, Channel::Left, 0, arrival, Codec::Pcma, &Packet { header, payload: &said(n) });
    }
}

fn wait_for_length(path: &Path, bytes: u64) {
    for _ in 0..3_000 {
        if fs::metadata(path).is_ok_and(|found| found.len() == bytes) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} never has {bytes} bytes", path.display());
}

#[tokio::test]
async fn a_disk_that_fills_costs_the_samples_it_has_no_room_for_and_never_the_length() {
    let _heeded = signal(SignalKind::from_raw(SIGXFSZ)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
    let settings = RecorderSettings { disk_floor_bytes: 0, ..RecorderSettings::new(dir.path()) };
    let (recorder, mut tap) = recorder::start(settings, sender).unwrap();
    let order = RecordOrder { ticket: "20261123-0007".parse().unwrap(), path: "20261123-0007.wav".into() };

    // Two seconds are said, and there is room for half a second and a bit.
    limit_files_to(Some(20_000));
    let joined_at = Instant::now();
    tap.start(0, &order, Band::Narrow, joined_at).unwrap();
    speak(&mut tap, joined_at, 0..100);
    wait_for_length(&dir.path().join("20261123-0007.wav.part"), 20_000);

    // Somebody makes room, and the call goes on for ten seconds more.
    limit_files_to(None);
    speak(&mut tap, joined_at, 100..600);
    tap.stop(0, Keep::All, joined_at + Duration::from_secs(12));
    let Some(MediaFact::RecordingFailed { report: Some(report), why, .. }) = facts.recv().await else {
        panic!("a recording with a hole is not told as whole");
    };
    recorder.shut_down();
    assert!(why.contains("could not be written"), "{why}");
    assert_eq!(report.samples, 96_000);
    assert!((1..=16_000).contains(&report.unwritten_samples), "{}", report.unwritten_samples);
    assert_eq!((report.caller.lost_samples, report.caller.late_packets, report.tap_dropped), (0, 0, 0));

    let mut wav = hound::WavReader::open(dir.path().join("20261123-0007.wav")).unwrap();
    let left: Vec<i16> = wav.samples::<i16>().step_by(2).map(Result::unwrap).collect();
    let mut expected = Vec::new();
    (0..600).for_each(|n| g711::decode(Law::A, &said(n), &mut expected));
    let hole = left.iter().zip(&expected).position(|(is, was)| is != was).unwrap();
    let after = hole + usize::try_from(report.unwritten_samples).unwrap();
    assert!(left[hole..after].iter().all(|&sample| sample == 0), "a hole is silence");
    assert!(left[after..] == expected[after..], "what follows the hole is in its place");
}
