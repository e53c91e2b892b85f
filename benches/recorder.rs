//! What recording costs: N calls, both sides speaking, in real time, onto the disk that holds the
//! temporary folder, syncing on.
//!
//! `cargo bench --bench recorder -- [calls] [seconds]` (100 calls, 20 s). Prints the CPU time per
//! call-minute of the tap (in the caller's thread), the writer and the syncer; the memory a call; and
//! whether every recording is as long as it lasted, with nothing dropped.

#![expect(clippy::disallowed_methods, reason = "a measurement reads clocks and sleeps between packets")]

use std::{
    fs,
    time::{Duration, Instant},
};

use hotlined::{
    desk::ticket::TicketId,
    media::recorder::{self, Channel, Keep, RecorderSettings},
    rtp::{
        packet::{Header, Packet},
        stream::{Band, Codec},
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::{MediaFact, RecordOrder},
};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;

const PTIME: Duration = Duration::from_millis(20);

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let calls = numbers.next().unwrap_or(100);
    let seconds = numbers.next().unwrap_or(20);

    let dir = tempfile::tempdir().expect("a temporary folder");
    let (sender, mut facts) = mpsc::unbounded_channel();
    let settings = RecorderSettings { disk_floor_bytes: 0, ..RecorderSettings::new(dir.path()) };
    let (recorder, mut tap) = recorder::start(settings, sender).expect("two threads");

    let ticket = |number| TicketId { day: "20261123-0000".parse::<TicketId>().expect("an id").day, number };
    let memory_before = resident_kib();
    let begun = Instant::now();
    for call in 0..calls {
        let path = format!("2026/11/23/{}.wav", ticket(call)).into();
        tap.start(call, &RecordOrder { ticket: ticket(call), path }, Band::Narrow, begun)
            .expect("an empty ring");
    }
    let payload = [0x35u8; 160];
    let mut tapped = Duration::ZERO;
    for n in 0..seconds * 50 {
        std::thread::sleep((begun + PTIME * n).saturating_duration_since(Instant::now()));
        let now = Instant::now();
        let before = cpu(ClockId::ThreadCPUTime);
        for call in 0..calls {
            for channel in [Channel::Left, Channel::Right] {
                let header = Header {
                    payload_type: 8,
                    marker: false,
                    sequence: SequenceNumber(u16::try_from(n % 65_536).expect("below")),
                    timestamp: RtpTimestamp(n.wrapping_mul(160)),
                    ssrc: call,
                };
                tap.packet(call, channel, 0, now, Codec::Pcma, &Packet { header, payload: &payload });
            }
        }
        tapped += cpu(ClockId::ThreadCPUTime) - before;
    }
    let memory = resident_kib().saturating_sub(memory_before);
    let (writer, syncer) = (thread_cpu("recorder"), thread_cpu("recorder-sync"));
    let ended = begun + PTIME * (seconds * 50);
    for call in 0..calls {
        tap.stop(call, Keep::All, ended);
    }
    let (mut whole, mut dropped, mut late) = (0, 0, 0);
    for _ in 0..calls {
        match facts.blocking_recv() {
            Some(MediaFact::Recorded { report, .. }) => {
                whole += u32::from(
                    report.samples == u64::from(seconds) * 8_000 && report.caller.lost_samples == 0,
                );
                dropped += report.tap_dropped;
                late += report.late_syncs;
            }
            other => println!("{other:?}"),
        }
    }
    recorder.shut_down();

    let minutes = f64::from(calls * seconds) / 60.0;
    let each = |what: &str, time: Duration| {
        println!("{what:<9} {:.4} CPU-s per call-minute", time.as_secs_f64() / minutes);
    };
    println!("{calls} calls, {seconds} s");
    each("tap", tapped);
    each("writer", writer);
    each("syncer", syncer);
    each("together", tapped + writer + syncer);
    println!("memory    {} KiB a call, the ring's 4 MiB included", memory / u64::from(calls.max(1)));
    println!("{whole} of {calls} whole, {dropped} packets dropped, {late} late syncs");
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU time so far of this process's thread of that name.
fn thread_cpu(name: &str) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("procfs").flatten().map(|task| task.path());
    let nanos = tasks
        .filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name))
        .filter_map(|task| {
            fs::read_to_string(task.join("schedstat")).ok()?.split(' ').next()?.parse::<u64>().ok()
        });
    Duration::from_nanos(nanos.sum())
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}
