//! The recorder on real files. Time is virtual: the writer's and the syncer's turns are taken by hand,
//! except in the one test of the threads.

use std::{
    cell::Cell,
    fs,
    path::Path,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    repair::{LeftAlone, Repaired, repair},
    ring::Outlet,
    syncer::Job,
    *,
};
use crate::{
    desk::ticket::{RecordingReport, TicketId},
    rtp::{
        g711::{self, Law},
        packet::{Header, Packet},
        stream::{Band, Codec},
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::RecordOrder,
};

const NAME: &str = "2026/11/23/20261123-0007.wav";

/// A recorder whose threads are turned by hand.
struct Bench {
    dir: TempDir,
    tap: Tap,
    writer: Writer,
    syncer: Syncer,
    facts: UnboundedReceiver<MediaFact>,
    joined_at: Instant,
}

fn ticket() -> TicketId {
    "20261123-0007".parse().unwrap()
}

fn order() -> RecordOrder {
    RecordOrder { ticket: ticket(), path: NAME.into() }
}

fn settings(dir: &Path) -> RecorderSettings {
    RecorderSettings { disk_floor_bytes: 0, ..RecorderSettings::new(dir) }
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What each side says: sample `n` of channel `side`, as A-law.
fn said(side: u8, n: u32) -> u8 {
    let mixed = n.wrapping_mul(0x9e37_79b1).wrapping_add(u32::from(side) * 77_777);
    let [_, _, _, top] = mixed.to_le_bytes();
    top
}

fn linear(bytes: &[u8]) -> Vec<i16> {
    let mut out = Vec::new();
    g711::decode(Law::A, bytes, &mut out);
    out
}

/// The `n`th packet of a side.
fn packet(side: u8, n: u16) -> (Header, Vec<u8>) {
    let first = u32::from(n) * 160;
    let header = Header {
        payload_type: 8,
        marker: n == 0,
        sequence: SequenceNumber(n.wrapping_add(65_500)),
        timestamp: RtpTimestamp(first.wrapping_add(0xffff_ff00)),
        ssrc: 100 + u32::from(side),
    };
    (header, (first..first + 160).map(|n| said(side, n)).collect())
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut RecorderSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        change(&mut settings);
        let joined_at = clock::now();
        let (tap, outlet): (Tap, Outlet) = ring::ring(settings.ring_bytes, joined_at);
        let (to_syncer, jobs): (_, Receiver<Job>) = mpsc::channel();
        let (send, facts) = unbounded_channel();
        let syncer = Syncer::new(jobs, settings.sync_interval, send.clone());
        Self { dir, tap, writer: Writer::new(settings, outlet, to_syncer, send), syncer, facts, joined_at }
    }

    fn at(&self, after_ms: u64) -> Instant {
        self.joined_at + ms(after_ms)
    }

    /// Both sides speak, packets `from..to`, and the writer turns every 100 ms.
    fn speak(&mut self, from: u16, to: u16) {
        for n in from..to {
            let now = self.at(u64::from(n) * 20);
            for (side, channel) in [(0, Channel::Left), (1, Channel::Right)] {
                let (header, payload) = packet(side, n);
                let packet = Packet { header, payload: &payload };
                self.tap.packet(0, channel, 0, now, Codec::Pcma, &packet);
            }
            if n % 5 == 0 {
                self.writer.turn(now);
            }
        }
    }

    fn record(&mut self, packets: u16) -> MediaFact {
        self.tap.start(0, &order(), Band::Narrow, self.joined_at).unwrap();
        self.speak(0, packets);
        self.stop(u64::from(packets) * 20)
    }

    fn stop(&mut self, after_ms: u64) -> MediaFact {
        let ended_at = self.at(after_ms);
        self.tap.stop(0, Keep::All, ended_at);
        self.writer.turn(ended_at);
        self.fact(ended_at)
    }

    /// Turns the syncer until it tells something.
    fn fact(&mut self, now: Instant) -> MediaFact {
        for _ in 0..100 {
            if let Ok(fact) = self.facts.try_recv() {
                return fact;
            }
            let _ = self.syncer.turn(|| now);
        }
        panic!("nothing told");
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }
}

/// A WAV's channels, as hound reads it.
fn channels(path: &Path) -> (Vec<i16>, Vec<i16>) {
    let mut wav = hound::WavReader::open(path).unwrap();
    assert_eq!((wav.spec().channels, wav.spec().sample_rate, wav.spec().bits_per_sample), (2, 8_000, 16));
    let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    samples.chunks(2).map(|pair| (pair[0], pair[1])).unzip()
}

fn expected(side: u8, samples: u32) -> Vec<i16> {
    linear(&(0..samples).map(|n| said(side, n)).collect::<Vec<_>>())
}

fn recorded(fact: MediaFact) -> RecordingReport {
    match fact {
        MediaFact::Recorded { ticket: told, report } if told == ticket() => report,
        other => panic!("{other:?}"),
    }
}

fn failed(fact: MediaFact) -> (Option<RecordingReport>, String) {
    match fact {
        MediaFact::RecordingFailed { ticket: told, report, why } if told == ticket() => (report, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_loss_free_call_is_recorded_sample_for_sample_on_both_channels() {
    let mut bench = Bench::new();
    let report = recorded(bench.record(1_000));
    let (left, right) = channels(&bench.file(NAME));
    assert!(left == expected(0, 160_000), "the caller");
    assert!(right == expected(1, 160_000), "the operator");
    assert_eq!((report.samples, report.path.as_path()), (160_000, Path::new(NAME)));
    assert_eq!((report.caller.packets, report.operator.packets), (1_000, 1_000));
    assert_eq!((report.caller.lost_samples, report.unwritten_samples, report.tap_dropped), (0, 0, 0));
    assert_eq!(report.duration(), Duration::from_secs(20));
    assert!(!bench.file(&format!("{NAME}.part")).exists());
}

#[test]
fn the_recording_is_as_long_as_the_call_when_nobody_speaks() {
    let mut bench = Bench::new();
    bench.tap.start(0, &order(), Band::Narrow, bench.joined_at).unwrap();
    bench.writer.turn(bench.at(5_000));
    let report = recorded(bench.stop(61_234));
    assert_eq!(report.samples, 61_234 * 8);
    let (left, right) = channels(&bench.file(NAME));
    assert!(left.iter().chain(&right).all(|&sample| sample == 0));
}

#[test]
fn a_killed_recording_is_repaired_and_lacks_less_than_a_second_and_a_half() {
    let mut bench = Bench::new();
    bench.tap.start(0, &order(), Band::Narrow, bench.joined_at).unwrap();
    bench.speak(0, 500);
    // What a kill leaves is what the kernel has of the file now, here with half a frame at its end.
    let ruin = tempfile::tempdir().unwrap();
    let part = ruin.path().join(format!("{NAME}.part"));
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    let mut bytes = fs::read(bench.file(&format!("{NAME}.part"))).unwrap();
    bytes.extend([1, 2, 3]);
    fs::write(&part, bytes).unwrap();
    // Even unrepaired, its header is right up to a second and a half ago.
    let readable = hound::WavReader::open(&part).unwrap().duration();
    assert!(readable >= 80_000 - 12_000, "{readable}");

    let repairs = repair(ruin.path());
    let samples = repairs.repaired[0].samples;
    assert!((80_000 - 12_000..=80_000).contains(&samples), "{samples}");
    let ticket = Some(ticket());
    assert_eq!(repairs.repaired, [Repaired { ticket, path: NAME.into(), samples, sample_rate: 8_000 }]);
    assert_eq!(repairs.left_alone, []);
    let (left, right) = channels(&ruin.path().join(NAME));
    assert_eq!(u64::try_from(left.len()).unwrap(), samples);
    assert!(left == expected(0, 80_000)[..left.len()] && right == expected(1, 80_000)[..right.len()]);
    assert_eq!(repair(ruin.path()), repair::Repairs::default(), "nothing is left to do");
}

#[test]
fn repair_never_overwrites_and_leaves_what_it_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    write("20261123-0001.wav", b"here first");
    write("20261123-0001.wav.part", b"RIFF");
    write("20261123-0002.wav.part", b"RIFF0000WAVE");
    write("notes.part", b"");
    let alone = |path: &str, why: &str| LeftAlone { path: path.into(), why: why.to_owned() };
    let repairs = repair(dir.path());
    assert_eq!(repairs.repaired, []);
    assert_eq!(
        repairs.left_alone,
        [
            alone("20261123-0001.wav.part", "a recording of that name exists"),
            alone("20261123-0002.wav.part", "its WAV header is not whole"),
            alone("notes.part", "its WAV header is not whole"),
        ]
    );
    assert_eq!(fs::read(dir.path().join("20261123-0001.wav")).unwrap(), b"here first");
    assert_eq!(repair(&dir.path().join("nowhere")), repair::Repairs::default());
}

#[test]
fn a_recording_never_overwrites_another() {
    for name in [NAME.to_owned(), format!("{NAME}.part")] {
        let mut bench = Bench::new();
        let file = bench.file(&name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, b"precious").unwrap();
        let fact = bench.record(10);
        let (report, why) = failed(fact);
        assert_eq!(report, None);
        assert!(why.contains("exists"), "{why}");
        // Told when it could not start, and again as the answer to its end.
        assert_eq!(failed(bench.fact(bench.joined_at)).1, why);
        assert_eq!(fs::read(&file).unwrap(), b"precious");
    }
}

#[test]
fn a_file_that_takes_the_name_during_the_call_is_not_overwritten() {
    let mut bench = Bench::new();
    bench.tap.start(0, &order(), Band::Narrow, bench.joined_at).unwrap();
    bench.speak(0, 50);
    fs::write(bench.file(NAME), b"precious").unwrap();
    let (report, why) = failed(bench.stop(1_000));
    assert_eq!(report.unwrap().samples, 8_000);
    assert!(why.contains("could not be given its name"), "{why}");
    assert_eq!(fs::read(bench.file(NAME)).unwrap(), b"precious");
    assert!(bench.file(&format!("{NAME}.part")).exists(), "what was recorded stays");
}

#[test]
fn a_folder_that_cannot_be_made_fails_the_recording_and_nothing_else() {
    let mut bench = Bench::new();
    fs::write(bench.file("2026"), b"a file where the folder should be").unwrap();
    let (report, why) = failed(bench.record(100));
    assert_eq!(report, None);
    assert!(why.starts_with("could not be started"), "{why}");
    assert!(bench.facts.try_recv().is_err() || bench.facts.is_empty());
    // The slot is free again.
    fs::remove_file(bench.file("2026")).unwrap();
    while bench.facts.try_recv().is_ok() {}
    assert_eq!(recorded(bench.record(100)).samples, 16_000);
}

#[test]
fn below_the_disk_floor_nothing_is_recorded() {
    let mut bench = Bench::with(|settings| settings.disk_floor_bytes = u64::MAX);
    let (report, why) = failed(bench.record(10));
    assert_eq!(report, None);
    assert!(why.contains("disk floor"), "{why}");
    assert!(!bench.file("2026").exists());
}

#[test]
fn a_path_that_leads_out_of_the_folder_is_refused() {
    for path in ["../escape.wav", "/tmp/escape.wav", "2026/../../escape.wav"] {
        let mut bench = Bench::new();
        let order = RecordOrder { ticket: ticket(), path: path.into() };
        bench.tap.start(0, &order, Band::Narrow, bench.joined_at).unwrap();
        bench.writer.turn(bench.joined_at);
        assert!(failed(bench.fact(bench.joined_at)).1.contains("out of its folder"));
    }
}

#[test]
fn a_full_ring_drops_packets_counts_them_and_keeps_the_end() {
    let mut bench = Bench::with(|settings| settings.ring_bytes = 4_000);
    bench.tap.start(0, &order(), Band::Narrow, bench.joined_at).unwrap();
    // The writer does not come for a second: 20 packets fit.
    for n in 0..50 {
        let (header, payload) = packet(0, n);
        let packet = Packet { header, payload: &payload };
        bench.tap.packet(0, Channel::Left, 0, bench.at(u64::from(n) * 20), Codec::Pcma, &packet);
    }
    assert!(bench.tap.start(1, &order(), Band::Narrow, bench.joined_at).unwrap_err().contains("full"));
    let report = recorded(bench.stop(1_000));
    assert_eq!(report.samples, 8_000);
    assert_eq!(report.caller.packets + report.tap_dropped, 50);
    assert_eq!(report.tap_dropped, 30);
    let (left, _) = channels(&bench.file(NAME));
    assert!(left[..3_000] == expected(0, 3_000) && left[4_000..].iter().all(|&s| s == 0));
}

#[test]
fn a_writer_that_stood_still_for_four_seconds_loses_nothing() {
    let mut bench = Bench::new();
    bench.tap.start(0, &order(), Band::Narrow, bench.joined_at).unwrap();
    bench.writer.turn(bench.joined_at);
    for n in 0..200 {
        for (side, channel) in [(0, Channel::Left), (1, Channel::Right)] {
            let (header, payload) = packet(side, n);
            let packet = Packet { header, payload: &payload };
            bench.tap.packet(0, channel, 0, bench.at(u64::from(n) * 20), Codec::Pcma, &packet);
        }
    }
    let report = recorded(bench.stop(4_000));
    assert_eq!((report.caller.late_packets, report.tap_dropped), (0, 0));
    let (left, right) = channels(&bench.file(NAME));
    assert!(left == expected(0, 32_000) && right == expected(1, 32_000));
}

#[test]
fn keys_during_the_call_are_no_loss() {
    let mut bench = Bench::new();
    bench.tap.start(0, &order(), Band::Narrow, bench.joined_at).unwrap();
    for n in 0..50u16 {
        let now = bench.at(u64::from(n) * 20);
        let (header, payload) = packet(0, n);
        if (20..30).contains(&n) {
            bench.tap.no_audio(0, Channel::Left, 0, now, &header);
        } else {
            bench.tap.packet(0, Channel::Left, 0, now, Codec::Pcma, &Packet { header, payload: &payload });
        }
    }
    let report = recorded(bench.stop(1_000));
    assert_eq!((report.caller.packets, report.caller.lost_samples), (50, 0));
}

#[test]
fn syncs_that_come_later_than_the_interval_are_counted_and_delay_no_sample() {
    let mut bench = Bench::new();
    bench.tap.start(0, &order(), Band::Narrow, bench.joined_at).unwrap();
    bench.speak(0, 10);
    // Every look at the clock finds two seconds gone: the disk takes that long.
    let (start, looks) = (bench.joined_at, Cell::new(0));
    let slow = || {
        looks.set(looks.get() + 1);
        start + Duration::from_secs(2) * looks.get()
    };
    for _ in 0..4 {
        let _ = bench.syncer.turn(slow);
    }
    bench.speak(10, 100);
    let report = recorded(bench.stop(2_000));
    assert!(report.late_syncs >= 2, "{}", report.late_syncs);
    assert!(channels(&bench.file(NAME)).0 == expected(0, 16_000));
}

#[test]
fn many_calls_that_end_at_once_all_get_their_names() {
    let mut bench = Bench::new();
    for slot in 0..20u32 {
        let id = TicketId { number: slot, ..ticket() };
        let path = format!("2026/11/23/{id}.wav").into();
        bench.tap.start(slot, &RecordOrder { ticket: id, path }, Band::Narrow, bench.joined_at).unwrap();
    }
    for slot in 0..20u32 {
        bench.tap.stop(slot, Keep::All, bench.at(1_000 + u64::from(slot)));
    }
    bench.writer.turn(bench.at(2_000));
    for slot in 0..20u32 {
        let MediaFact::Recorded { ticket, report } = bench.fact(bench.at(2_000)) else { panic!() };
        assert_eq!((ticket.number, report.samples), (slot, u64::from(1_000 + slot) * 8));
        assert!(bench.file(report.path.to_str().unwrap()).exists());
    }
}

#[test]
fn the_threads_record_what_the_tap_gives_and_end_what_nobody_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (send, mut facts) = unbounded_channel();
    let (recorder, mut tap) = start(settings(dir.path()), send).unwrap();
    // Joined in an hour: nothing is due before the end, however slow the machine is.
    let joined_at = clock::now() + Duration::from_secs(3_600);
    tap.start(0, &order(), Band::Narrow, joined_at).unwrap();
    for n in 0..100 {
        let (header, payload) = packet(1, n);
        let packet = Packet { header, payload: &payload };
        tap.packet(0, Channel::Right, 0, joined_at + ms(u64::from(n) * 20), Codec::Pcma, &packet);
    }
    tap.stop(0, Keep::All, joined_at + ms(2_000));
    let report = recorded(facts.blocking_recv().unwrap());
    assert_eq!(report.samples, 16_000);
    assert!(channels(&dir.path().join(NAME)).1 == expected(1, 16_000));

    let id = TicketId { number: 8, ..ticket() };
    tap.start(0, &RecordOrder { ticket: id, path: "8.wav".into() }, Band::Narrow, joined_at).unwrap();
    recorder.shut_down();
    assert!(matches!(facts.blocking_recv(), Some(MediaFact::Recorded { ticket, .. }) if ticket == id));
    assert!(dir.path().join("8.wav").exists());
}
