//! Senders with clocks, networks and habits of their own, in virtual time. What they say is numbered
//! noise: any 80 samples of it occur once, so that a recording can be asked where it has them.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions in a test of minutes are small and positive"
)]

use super::*;
use crate::rtp::{
    g711::{self, Law},
    packet::Header,
    timestamp::{RtpTimestamp, SequenceNumber},
};

const QUIET_BYTE: u8 = 0xd5;
const PACKET: u64 = 160;

/// A reproducible number for anything that is counted.
fn hash(seed: u64, n: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}

/// One sender in a run. Sample `i` of its signal leaves at `starts + i / rate`.
#[derive(Clone)]
struct Sender {
    seed: u64,
    ssrc: u32,
    epoch: u32,
    first_sequence: u16,
    first_timestamp: u32,
    /// Seconds after the Join.
    starts: f64,
    ends: f64,
    skew_ppm: f64,
    jitter_ms: f64,
    loss_percent: u64,
    /// Whole seconds of the signal (modulo 4) in which it is silent.
    silent_second: Option<u64>,
    /// Sends nothing while silent (and goes on with its timestamps).
    dtx: bool,
}

impl Sender {
    fn new(seed: u64, ends: f64) -> Self {
        Self {
            seed,
            ssrc: 0x1000 + u32::try_from(seed).unwrap(),
            epoch: 0,
            first_sequence: 65_000,
            first_timestamp: 0xffff_0000,
            starts: 0.0,
            ends,
            skew_ppm: 0.0,
            jitter_ms: 0.0,
            loss_percent: 0,
            silent_second: Some(3),
            dtx: false,
        }
    }

    fn is_silent(&self, sample: u64) -> bool {
        self.silent_second == Some(sample / 8_000 % 4)
    }

    /// Whether the packet that carries the sample never arrives.
    fn is_lost(&self, sample: u64) -> bool {
        hash(self.seed ^ 0x1055, sample / PACKET) % 100 < self.loss_percent
    }

    fn byte(&self, sample: u64) -> u8 {
        // µ-law's and A-law's bytes alike; the quiet ones are avoided, so that noise is never silence.
        if self.is_silent(sample) { QUIET_BYTE } else { (hash(self.seed, sample) & 0xff) as u8 & !0x50 }
    }

    fn sample(&self, sample: u64) -> i16 {
        let mut out = Vec::new();
        g711::decode(Law::A, &[self.byte(sample)], &mut out);
        out[0]
    }

    /// When sample `sample` is sent, in samples of the recording.
    fn sent(&self, sample: u64) -> f64 {
        self.starts * 8_000.0 + sample as f64 / (1.0 + self.skew_ppm / 1e6)
    }

    /// Arrival in seconds, header and payload of all its packets that arrive.
    fn packets(&self) -> Vec<(f64, Sent)> {
        let mut out = Vec::new();
        let mut sequence = SequenceNumber(self.first_sequence);
        for n in 0.. {
            let first = n * PACKET;
            let at = self.sent(first) / 8_000.0;
            if at >= self.ends {
                return out;
            }
            if self.dtx && self.is_silent(first) {
                continue;
            }
            let header = Header {
                payload_type: 8,
                marker: false,
                sequence,
                timestamp: RtpTimestamp(self.first_timestamp.wrapping_add(first as u32)),
                ssrc: self.ssrc,
            };
            sequence = sequence.plus(1);
            if self.is_lost(first) {
                continue;
            }
            let delay = (hash(self.seed ^ 0xde1a, n) % 1000) as f64 / 1e6 * self.jitter_ms;
            let payload = (first..first + PACKET).map(|i| self.byte(i)).collect();
            out.push((at + delay, Sent { header, payload, epoch: self.epoch }));
        }
        out
    }
}

#[derive(Clone)]
struct Sent {
    header: Header,
    payload: Vec<u8>,
    epoch: u32,
}

#[expect(clippy::disallowed_methods, reason = "any origin will do; all times are offsets from it")]
fn origin() -> Instant {
    Instant::now()
}

/// Records what arrives, as the recorder's thread does: every 100 ms, and to the end when it ends.
fn record(mut packets: Vec<(f64, Sent)>, seconds: f64) -> (Vec<i16>, Figures) {
    packets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let joined_at = origin() + Duration::from_secs(10);
    let mut timeline = Timeline::new(joined_at, Band::Narrow);
    let mut out = Vec::new();
    let mut tick = 0.1;
    for (arrival, sent) in &packets {
        while *arrival >= tick {
            let now = joined_at + Duration::from_secs_f64(tick);
            timeline.take(length(joined_at, now - HOLD), &mut out);
            tick += 0.1;
        }
        if *arrival >= seconds {
            break;
        }
        let arrival = if *arrival < 0.0 {
            joined_at - Duration::from_secs_f64(-arrival)
        } else {
            joined_at + Duration::from_secs_f64((arrival * 1e6).round() / 1e6)
        };
        let packet = Packet { header: sent.header, payload: &sent.payload };
        timeline.packet(arrival, sent.epoch, Content::Audio(Codec::Pcma), &packet);
    }
    timeline.take((seconds * 8_000.0).round() as u64, &mut out);
    assert_eq!(out.len(), (seconds * 8_000.0).round() as usize, "as long as the time that passed");
    (out, timeline.figures())
}

/// Where the recording has the 80 samples of `sender` from `sample` on, searched around where they were
/// sent; the difference in samples.
fn misplaced(recording: &[i16], sender: &Sender, sample: u64) -> Option<f64> {
    let wanted: Vec<i16> = (sample..sample + 80).map(|i| sender.sample(i)).collect();
    let sent = sender.sent(sample);
    let around = sent.round() as i64;
    let found = (around - 900..around + 900).find(|&at| {
        usize::try_from(at)
            .ok()
            .and_then(|at| recording.get(at..at + 80))
            .is_some_and(|there| there.iter().zip(&wanted).filter(|(a, b)| a != b).take(3).count() < 3)
    })?;
    Some(found as f64 - sent)
}

/// All the places asked every `every` seconds of a sender's speech that arrived, in milliseconds; at
/// least a given share of them must be there.
fn misplacements_ms(recording: &[i16], sender: &Sender, every: f64, share: f64) -> Vec<(f64, f64)> {
    let mut asked = 0;
    let mut found = Vec::new();
    let last = (sender.ends - sender.starts - 1.0) * 8_000.0;
    let mut sample = 4_040.0;
    while sample < last {
        let at = sample as u64 / PACKET * PACKET + 40;
        if !sender.is_silent(at) && !sender.is_lost(at) {
            asked += 1;
            found.extend(misplaced(recording, sender, at).map(|off| (sender.sent(at) / 8_000.0, off / 8.0)));
        }
        sample += every * 8_000.0;
    }
    assert!(found.len() as f64 >= f64::from(asked) * share, "{} of {asked} found", found.len());
    found
}

fn assert_within(places: &[(f64, f64)], from_ms: f64, to_ms: f64) {
    for (at, off) in places {
        assert!((from_ms..=to_ms).contains(off), "at {at:.1} s misplaced by {off:.2} ms");
    }
}

/// The two sides of a call are never further apart than `limit_ms`.
fn assert_together(left: &[(f64, f64)], right: &[(f64, f64)], limit_ms: f64) {
    for (at, off) in left {
        let near = right.iter().min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs())).unwrap();
        assert!((near.1 - off).abs() <= limit_ms, "at {at:.1} s: {off:.2} ms and {:.2} ms", near.1);
    }
}

#[test]
fn without_loss_jitter_and_skew_the_recording_is_what_was_sent_sample_for_sample() {
    let sender = Sender { silent_second: None, ..Sender::new(1, 20.0) };
    let (recording, figures) = record(sender.packets(), 20.0);
    let sent: Vec<i16> = (0..160_000).map(|i| sender.sample(i)).collect();
    assert!(recording == sent);
    assert_eq!(
        figures,
        Figures { packets: 1000, audible_samples: figures.audible_samples, ..Figures::default() }
    );
    assert_eq!(figures.audible_samples, sent.iter().filter(|s| s.unsigned_abs() > 32).count() as u64);
}

#[test]
fn a_machines_own_jitter_changes_no_sample_and_moves_the_whole_by_less_than_a_millisecond() {
    let sender = Sender { jitter_ms: 0.9, ..Sender::new(2, 60.0) };
    let (recording, figures) = record(sender.packets(), 61.0);
    assert_eq!((figures.skew_samples, figures.lost_samples, figures.late_packets), (0, 0, 0));
    let sent: Vec<i16> = (0..479_000).map(|i| sender.sample(i)).collect();
    let at = (0..8).find(|&at| recording[at..at + sent.len()] == sent);
    assert!(at.is_some(), "not within a millisecond, or not bit-exact");
}

#[test]
fn reordered_and_doubled_packets_change_nothing() {
    let sender = Sender { silent_second: None, ..Sender::new(3, 10.0) };
    let exact = record(sender.packets(), 10.0).0;
    let mut packets = sender.packets();
    for n in (10..450).step_by(7) {
        packets[n].0 += 0.055; // Behind the two that follow it.
        let double = packets[n + 3].clone();
        packets.push((double.0 + 0.1, double.1));
    }
    let (recording, figures) = record(packets, 10.0);
    assert!(recording == exact);
    assert_eq!((figures.lost_samples, figures.late_packets, figures.skew_samples), (0, 0, 0));
}

#[test]
fn a_lost_packet_is_its_length_of_silence_and_moves_nothing() {
    let sender = Sender { silent_second: None, ..Sender::new(4, 10.0) };
    let exact = record(sender.packets(), 10.0).0;
    let mut packets = sender.packets();
    packets.drain(100..103);
    packets.remove(50);
    let (recording, figures) = record(packets, 10.0);
    for n in 0..500 {
        let samples = n * 160..(n + 1) * 160;
        let is_lost = [50, 100, 101, 102].contains(&n);
        let expected = if is_lost { vec![0; 160] } else { exact[samples.clone()].to_vec() };
        assert!(recording[samples] == expected[..], "packet {n}");
    }
    assert_eq!(figures.lost_samples, 4 * 160);
}

#[test]
fn lost_packets_are_known_by_their_place() {
    let sender = Sender { silent_second: None, ..Sender::new(4, 10.0) };
    let mut packets = sender.packets();
    packets.drain(100..103);
    packets.remove(50);
    let mut timeline = Timeline::new(origin(), Band::Narrow);
    for (arrival, sent) in &packets {
        let packet = Packet { header: sent.header, payload: &sent.payload };
        let arrival = origin() + Duration::from_secs_f64(arrival.max(0.0));
        timeline.packet(arrival, sent.epoch, Content::Audio(Codec::Pcma), &packet);
        timeline.take(length(origin(), arrival).saturating_sub(3_200), &mut Vec::new());
    }
    timeline.take(80_000, &mut Vec::new());
    let gaps = timeline.gaps().clone().into_inner();
    assert_eq!(
        gaps,
        [
            gaps::Gap { from: 50 * 160, to: 51 * 160, lost: 160 },
            gaps::Gap { from: 100 * 160, to: 103 * 160, lost: 480 },
        ]
    );
}

#[test]
fn a_packet_later_than_the_hold_is_counted_and_not_placed() {
    let sender = Sender { silent_second: None, ..Sender::new(5, 10.0) };
    let mut packets = sender.packets();
    packets[100].0 += 0.8;
    packets[200].0 += 0.25;
    let (recording, figures) = record(packets, 10.0);
    assert_eq!((figures.late_packets, figures.lost_samples), (1, 160));
    assert!(recording[100 * 160..101 * 160].iter().all(|&s| s == 0));
    assert_eq!(recording[200 * 160], sender.sample(200 * 160), "a quarter of a second is in time");
}

#[test]
fn what_was_sent_before_the_join_is_cut() {
    let sender = Sender { starts: -0.05, ..Sender::new(6, 5.0) };
    let (recording, figures) = record(sender.packets(), 5.0);
    assert_within(&misplacements_ms(&recording, &sender, 0.3, 1.0), 0.0, 0.0);
    assert_eq!(recording[0], sender.sample(400), "in the middle of the third packet");
    assert_eq!(figures.late_packets, 0);
}

#[test]
fn a_late_start_is_silence_until_then() {
    let sender = Sender { starts: 3.0, ..Sender::new(7, 10.0) };
    let (recording, figures) = record(sender.packets(), 10.0);
    assert!(recording[..24_000].iter().all(|&s| s == 0));
    assert_eq!(recording[24_000], sender.sample(0));
    assert_eq!(figures.lost_samples, 0);
}

#[test]
fn comfort_noise_gaps_and_keys_are_not_loss() {
    let sender = Sender { dtx: true, ..Sender::new(8, 20.0) };
    let (recording, figures) = record(sender.packets(), 20.0);
    assert_eq!(figures.lost_samples, 0);
    assert_within(&misplacements_ms(&recording, &sender, 0.5, 1.0), 0.0, 0.0);

    // 10 packets of audio, 10 of a key (their numbers go on, their timestamps stand), 10 of audio.
    let joined_at = origin();
    let mut timeline = Timeline::new(joined_at, Band::Narrow);
    for n in 0..30u16 {
        let key = (10..20).contains(&n);
        let header = Header {
            payload_type: if key { 101 } else { 8 },
            marker: false,
            sequence: SequenceNumber(n),
            timestamp: RtpTimestamp(u32::from(if key { 10 } else { n }) * 160),
            ssrc: 1,
        };
        let content = if key { Content::Other } else { Content::Audio(Codec::Pcma) };
        let packet = Packet { header, payload: &[0x2a; 160] };
        timeline.packet(joined_at + Duration::from_millis(u64::from(n) * 20), 0, content, &packet);
    }
    let mut out = Vec::new();
    timeline.take(4_800, &mut out);
    assert_eq!(timeline.figures().lost_samples, 0);
    assert!(out[1_600..3_200].iter().all(|&s| s == 0) && out[3_200] != 0);
}

#[test]
fn forty_milliseconds_of_jitter_stay_within_twenty() {
    let sender = Sender { jitter_ms: 40.0, ..Sender::new(9, 300.0) };
    let (recording, figures) = record(sender.packets(), 300.0);
    assert_within(&misplacements_ms(&recording, &sender, 1.1, 0.99), -1.0, 8.0);
    assert_eq!((figures.lost_samples, figures.late_packets), (0, 0));
}

#[test]
fn loss_jitter_and_opposite_clocks_for_half_an_hour_keep_length_silence_and_sides_together() {
    let bad =
        |seed, skew_ppm| Sender { skew_ppm, jitter_ms: 40.0, loss_percent: 5, ..Sender::new(seed, 1_800.0) };
    let (left, right) = (bad(10, 100.0), bad(11, -100.0));
    let ((heard_left, of_left), (heard_right, of_right)) =
        (record(left.packets(), 1_800.0), record(right.packets(), 1_800.0));
    let places_left = misplacements_ms(&heard_left, &left, 4.9, 0.98);
    let places_right = misplacements_ms(&heard_right, &right, 4.9, 0.98);
    assert_within(&places_left, -8.0, 10.0);
    assert_within(&places_right, -8.0, 10.0);
    assert_together(&places_left, &places_right, 12.0);
    for figures in [of_left, of_right] {
        let share = figures.lost_samples as f64 / (1_800.0 * 8_000.0);
        assert!((0.045..0.055).contains(&share), "lost {share}");
    }
    // 180 ms in half an hour.
    assert!((-1_500..=-1_360).contains(&of_left.skew_samples), "{of_left:?}");
    assert!((1_360..=1_500).contains(&of_right.skew_samples), "{of_right:?}");
}

#[test]
fn a_clock_is_corrected_even_under_somebody_who_never_pauses() {
    for skew_ppm in [-300.0, 300.0] {
        let sender = Sender { skew_ppm, silent_second: None, ..Sender::new(12, 300.0) };
        let (recording, figures) = record(sender.packets(), 300.0);
        assert_within(&misplacements_ms(&recording, &sender, 1.7, 0.97), -9.0, 9.0);
        assert!((600..800).contains(&figures.skew_samples.abs()), "{figures:?}");
    }
}

#[test]
fn skew_jitter_a_new_ssrc_a_late_start_and_dtx_in_one_call() {
    let rough = |seed, starts, ends, skew_ppm| Sender {
        starts,
        ends,
        skew_ppm,
        jitter_ms: 40.0,
        dtx: true,
        ..Sender::new(seed, ends)
    };
    let before = rough(13, 4.0, 200.0, 100.0);
    let after = Sender { first_sequence: 7, first_timestamp: 12_345, ..rough(14, 200.01, 600.0, 100.0) };
    let other = rough(15, 0.2, 600.0, -100.0);
    let left: Vec<_> = before.packets().into_iter().chain(after.packets()).collect();
    let ((heard_left, of_left), (heard_right, of_right)) =
        (record(left, 600.0), record(other.packets(), 600.0));
    assert!(heard_left[..31_900].iter().all(|&s| s == 0));
    let mut places_left = misplacements_ms(&heard_left, &before, 1.3, 0.98);
    places_left.extend(misplacements_ms(&heard_left, &after, 1.3, 0.98));
    let places_right = misplacements_ms(&heard_right, &other, 1.3, 0.98);
    assert_within(&places_left, -8.0, 10.0);
    assert_within(&places_right, -8.0, 10.0);
    assert_together(&places_left, &places_right, 15.0);
    for figures in [of_left, of_right] {
        assert_eq!((figures.lost_samples, figures.late_packets), (0, 0));
    }
}

#[test]
fn a_new_leg_under_the_same_ssrc_has_its_own_clock() {
    let desk = Sender::new(16, 5.0);
    let mobile =
        Sender { epoch: 1, starts: 5.5, ssrc: desk.ssrc, first_timestamp: 99, ..Sender::new(17, 12.0) };
    let (recording, figures) = record(desk.packets().into_iter().chain(mobile.packets()).collect(), 12.0);
    assert_within(&misplacements_ms(&recording, &desk, 0.3, 1.0), 0.0, 0.0);
    assert_within(&misplacements_ms(&recording, &mobile, 0.3, 1.0), 0.0, 0.0);
    assert_eq!((figures.lost_samples, figures.late_packets), (0, 0));
}

#[test]
fn a_jump_of_the_clock_within_one_ssrc_loses_no_word() {
    for (jump, sequence) in [(800_000, None), (0x9000_0000, None), (0, Some(31_000)), (5_000_000, Some(9))] {
        let before = Sender::new(18, 5.0);
        let mut after = Sender { starts: 5.0, ssrc: before.ssrc, ..Sender::new(19, 10.0) };
        after.first_timestamp = before.first_timestamp.wrapping_add(40_000).wrapping_add(jump);
        after.first_sequence = sequence.unwrap_or(before.first_sequence.wrapping_add(250));
        let (recording, figures) =
            record(before.packets().into_iter().chain(after.packets()).collect(), 10.0);
        assert_within(&misplacements_ms(&recording, &before, 0.2, 1.0), 0.0, 0.0);
        assert_within(&misplacements_ms(&recording, &after, 0.2, 1.0), 0.0, 0.0);
        assert_eq!(figures.late_packets, 0, "{jump} {sequence:?}");
    }
}

#[test]
fn a_sender_whose_clock_stood_during_hold_goes_on_where_it_is_heard() {
    // Numbers and timestamps go on as if the 30 s of hold had not been.
    let before = Sender { silent_second: None, ..Sender::new(20, 5.0) };
    let mut after = Sender { starts: 35.0, ssrc: before.ssrc, silent_second: None, ..Sender::new(21, 40.0) };
    after.first_timestamp = before.first_timestamp.wrapping_add(40_000);
    after.first_sequence = before.first_sequence.wrapping_add(250);
    let (recording, figures) = record(before.packets().into_iter().chain(after.packets()).collect(), 40.0);
    assert!(recording[40_000..280_000].iter().all(|&s| s == 0));
    assert_within(&misplacements_ms(&recording, &after, 0.2, 1.0), 0.0, 0.0);
    assert_eq!((figures.lost_samples, figures.late_packets), (0, 0));
}

#[test]
fn a_network_stall_loses_what_is_too_late_and_moves_nothing_after_it() {
    let sender = Sender { silent_second: None, ..Sender::new(22, 20.0) };
    let mut packets = sender.packets();
    for packet in &mut packets[250..300] {
        packet.0 = 6.0; // One second of packets at once.
    }
    let (recording, figures) = record(packets, 20.0);
    let places = misplacements_ms(&recording, &sender, 0.1, 0.9);
    assert_within(&places, 0.0, 0.0);
    assert!((28..=32).contains(&figures.late_packets), "{figures:?}");
    assert_eq!(figures.skew_samples, 0);
}

#[test]
fn one_packet_with_a_mad_timestamp_harms_only_itself() {
    let sender = Sender { silent_second: None, ..Sender::new(23, 10.0) };
    let exact = record(sender.packets(), 10.0).0;
    let mut packets = sender.packets();
    packets[100].1.header.timestamp = RtpTimestamp(42);
    let (recording, figures) = record(packets, 10.0);
    assert!(recording[..16_000] == exact[..16_000] && recording[16_160..] == exact[16_160..]);
    assert!(recording[16_000..16_160].iter().all(|&s| s == 0));
    assert_eq!(figures.late_packets, 1);
}

mod any_network {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_packets_at_all_keep_the_length_and_the_bounds(
            packets in proptest::collection::vec(
                (0.0f64..5.0, any::<u16>(), any::<u32>(), 0u32..3, 0u32..2, 0usize..1400), 0..600),
        ) {
            let packets = packets.into_iter().map(|(at, sequence, timestamp, ssrc, epoch, length)| {
                let header = Header {
                    payload_type: 8,
                    marker: false,
                    sequence: SequenceNumber(sequence),
                    timestamp: RtpTimestamp(timestamp),
                    ssrc,
                };
                (at, Sent { header, payload: vec![0x2a; length], epoch })
            });
            record(packets.collect(), 5.0);
        }

        #[test]
        fn a_call_with_any_mild_network_has_every_word_in_its_place(
            seed in 100u64..200,
            starts in 0.0f64..2.0,
            skew_ppm in -200.0f64..200.0,
            jitter_ms in 0.0f64..60.0,
            loss_percent in 0u64..8,
            dtx in any::<bool>(),
        ) {
            let sender = Sender { starts, skew_ppm, jitter_ms, loss_percent, dtx, ..Sender::new(seed, 30.0) };
            let (recording, figures) = record(sender.packets(), 30.0);
            let places = misplacements_ms(&recording, &sender, 0.7, 0.95);
            assert_within(&places, -9.0, jitter_ms / 4.0 + 9.0);
            prop_assert_eq!(figures.late_packets, 0);
        }
    }
}
