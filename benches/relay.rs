//! What the relay costs, and how long it keeps a packet: N calls in both directions, every packet sent at
//! its own moment, generator and receiver in threads of their own.
//!
//! `cargo bench --bench relay -- [calls] [seconds]` (100 calls, 20 s). Prints the CPU time of the relay
//! thread per call-minute, the packets lost, and the time from the sender's `sendto` to the receiver's
//! `recvfrom`, beside the same without a relay between (the floor of this machine at that moment).

#![expect(clippy::disallowed_methods, reason = "a measurement reads clocks and sleeps between packets")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "its numbers are its own, and a panic only ends the measurement"
)]

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hotlined::{
    media::{Media, MediaSettings, PromptFiles, recorder::RecorderSettings},
    rtp::{
        packet::{self, Header, Packet},
        stream::{Codec, Stream},
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::{MediaCommand, MediaFact, MediaId},
};
use rustix::event::epoll::{self, EventData, EventFlags};
use tokio::sync::mpsc;

const PTIME: Duration = Duration::from_millis(20);

fn main() {
    // The generator must not be what is measured: before the relay, where the system allows it. The
    // threads started here inherit it, the relay's own adds to it.
    let _ = rustix::process::nice(-15);
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let calls = numbers.next().unwrap_or(100);
    let seconds = numbers.next().unwrap_or(20);

    let floor = measure(calls, seconds.min(5), None);
    let (sender, facts) = mpsc::unbounded_channel();
    let settings = MediaSettings {
        address_v4: Some(Ipv4Addr::LOCALHOST.into()),
        address_v6: None,
        advertised_v4: None,
        advertised_v6: None,
        port_min: 20_000,
        port_max: 29_999,
        silence_after: Duration::from_secs(10),
        prompts: PromptFiles::default(),
        dead_after: None,
        recorder: RecorderSettings::new("recordings"),
    };
    let media = Media::start(settings, sender).expect("media starts");
    let relayed = measure(calls, seconds, Some((&media, facts)));
    media.shut_down();

    println!("{calls} calls, {seconds} s, {} packets relayed, {} lost", relayed.received, relayed.lost());
    let minutes = calls as f64 * relayed.wall.as_secs_f64() / 60.0;
    println!("relay thread: {:.4} CPU-s a call-minute", relayed.relay_cpu.as_secs_f64() / minutes);
    for (name, run) in [("without relay", &floor), ("relayed", &relayed)] {
        println!(
            "{name:>13}: p50 {:>4} µs  p90 {:>4} µs  p99 {:>4} µs  p99.9 {:>5} µs",
            run.percentile(50.0),
            run.percentile(90.0),
            run.percentile(99.0),
            run.percentile(99.9)
        );
    }
}

struct Run {
    sent: usize,
    received: usize,
    /// Sorted, in microseconds.
    latencies: Vec<u64>,
    relay_cpu: Duration,
    wall: Duration,
}

impl Run {
    fn lost(&self) -> usize {
        self.sent.saturating_sub(self.received)
    }

    fn percentile(&self, percent: f64) -> u64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * percent / 100.0).round() as usize;
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

/// Two phones a call, talking through the media room or, without it, straight to each other.
fn measure(calls: u64, seconds: u64, media: Option<(&Media, mpsc::UnboundedReceiver<MediaFact>)>) -> Run {
    let phones: Vec<UdpSocket> = (0..calls * 2)
        .map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port for a phone"))
        .collect();
    let local = |phone: &UdpSocket| phone.local_addr().expect("a bound socket");
    let targets: Vec<SocketAddr> = match media {
        Some((media, facts)) => set_up(media, facts, &phones.iter().map(local).collect::<Vec<_>>()),
        None => (0..phones.len()).map(|n| local(&phones[n ^ 1])).collect(),
    };
    let phones = Arc::new(phones);
    let start = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let receiver = std::thread::spawn({
        let (phones, over) = (Arc::clone(&phones), Arc::clone(&over));
        move || receive(&phones, &over, start)
    });
    let before = cpu_of("relay");
    let sent = send(&phones, &targets, seconds, start);
    let (relay_cpu, wall) = (cpu_of("relay").saturating_sub(before), start.elapsed());
    std::thread::sleep(Duration::from_millis(200));
    over.store(true, Ordering::Relaxed);
    let mut latencies = receiver.join().expect("the receiver runs");
    latencies.sort_unstable();
    Run { sent, received: latencies.len(), latencies, relay_cpu, wall }
}

/// Opens, describes and joins a leg for each phone; the addresses to send to.
fn set_up(
    media: &Media,
    mut facts: mpsc::UnboundedReceiver<MediaFact>,
    phones: &[SocketAddr],
) -> Vec<SocketAddr> {
    let mut targets = vec![];
    for (id, remote) in (0..).zip(phones) {
        let media_id = MediaId(id);
        media.command(MediaCommand::Open { media: media_id, ipv6: false });
        match facts.blocking_recv() {
            Some(MediaFact::Opened { rtp, .. }) => targets.push(rtp),
            other => panic!("{other:?}"),
        }
        let stream = Stream {
            remote: *remote,
            remote_rtcp: *remote,
            codec: Codec::Pcma,
            payload_type: 8,
            telephone_event: Some(101),
            ptime_ms: 20,
            peer_receives: true,
            peer_sends: true,
            keys: None,
        };
        media.command(MediaCommand::Describe { media: media_id, stream });
        if id % 2 == 1 {
            let (left, right) = (MediaId(id - 1), media_id);
            media.command(MediaCommand::Join { left, right, record: None });
            assert!(matches!(facts.blocking_recv(), Some(MediaFact::Joined { .. })));
        }
    }
    targets
}

/// Each phone sends every 20 ms, the phones evenly spread over them. The payload begins with the moment.
fn send(phones: &[UdpSocket], targets: &[SocketAddr], seconds: u64, start: Instant) -> usize {
    let rounds = u32::try_from(seconds * 50).expect("a short run");
    let count = u32::try_from(phones.len()).expect("few phones");
    let mut payload = [0xd5; 160];
    let mut bytes = [0; 200];
    let mut sent = 0;
    for round in 0..rounds {
        for (n, (phone, target)) in (0..).zip(phones.iter().zip(targets)) {
            let due = start + PTIME * round + PTIME * n / count;
            let early = due.saturating_duration_since(Instant::now());
            if !early.is_zero() {
                std::thread::sleep(early);
            }
            let header = Header {
                payload_type: 8,
                marker: round == 0,
                sequence: SequenceNumber((round % 0x1_0000) as u16),
                timestamp: RtpTimestamp(round * 160),
                ssrc: n,
            };
            payload[..8].copy_from_slice(&nanoseconds(start).to_be_bytes());
            let length = packet::compose(&header, &payload, &mut bytes).expect("it fits");
            sent += usize::from(phone.send_to(&bytes[..length], target).is_ok());
        }
    }
    sent
}

/// Every packet's time on the way, in microseconds.
fn receive(phones: &[UdpSocket], over: &AtomicBool, start: Instant) -> Vec<u64> {
    let epoll: OwnedFd = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
    for (n, phone) in (0..).zip(phones) {
        epoll::add(&epoll, phone, EventData::new_u64(n), EventFlags::IN).expect("a watched socket");
    }
    let mut latencies = vec![];
    let mut events = Vec::with_capacity(64);
    let patience = rustix::event::Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    let mut bytes = [0; 2048];
    while !over.load(Ordering::Relaxed) {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&patience)).expect("an epoll");
        for event in &events {
            let Some(phone) = phones.get(event.data.u64() as usize) else { continue };
            let Ok((length, _)) = phone.recv_from(&mut bytes) else { continue };
            let now = nanoseconds(start);
            // What is not RTP is the relay's own report.
            let Ok(packet) = Packet::parse(&bytes[..length]) else { continue };
            let sent = packet.payload.first_chunk().copied().expect("our own packet");
            latencies.push(now.saturating_sub(u64::from_be_bytes(sent)) / 1000);
        }
    }
    latencies
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).expect("a short run")
}

/// CPU time of this program's threads of that name, from the scheduler's nanosecond count.
fn cpu_of(name: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let total = tasks
        .filter_map(Result::ok)
        .filter(|task| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
        })
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(total)
}
