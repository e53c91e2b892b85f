//! The media room on real sockets: peers on the loop-back interface, the room as the daemon runs it.
//! Nothing here waits for time to pass: a test asks for the next packet or fact, and what must not come
//! is shown by what comes instead.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    time::Duration,
};

use tokio::sync::mpsc::{self, UnboundedReceiver};

use rtcp_types::{RtcpPacketParser, SenderReport};

use super::{Media, MediaSettings, prompts, recorder::RecorderSettings};
use crate::{
    call::machine::Prompt,
    desk::ticket::TicketId,
    rtp::{
        g711,
        packet::{self, Header, Packet},
        stream::{Codec, Stream},
        telephone_event,
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::{MediaCommand, MediaFact, MediaId, RecordOrder},
};

/// How long a test waits for what must come, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

const LEFT: MediaId = MediaId(1);
const RIGHT: MediaId = MediaId(2);
const OTHER: MediaId = MediaId(3);

/// A prompt of many seconds, for what must happen while it plays.
const LONG: Prompt = Prompt::ForwardConfirm;

/// A running media room with a recordings folder of its own.
struct Room {
    media: Media,
    facts: UnboundedReceiver<MediaFact>,
    waiting: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut MediaSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = MediaSettings {
            address_v4: Some(Ipv4Addr::LOCALHOST.into()),
            address_v6: None,
            advertised_v4: None,
            advertised_v6: None,
            port_min: 30_000,
            port_max: 39_999,
            silence_after: Duration::from_secs(3600),
            prompts: [(Prompt::CallerGone, prompt_file("digit_1")), (LONG, prompt_file("voicemail"))].into(),
            recorder: RecorderSettings::new(folder.path()),
        };
        change(&mut settings);
        let (sender, facts) = mpsc::unbounded_channel();
        let media = Media::start(settings, sender).unwrap();
        let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { media, facts, waiting, folder }
    }

    fn fact(&mut self) -> MediaFact {
        let next = async { tokio::time::timeout(PATIENCE, self.facts.recv()).await };
        self.waiting.block_on(next).expect("a fact in time").expect("a running room")
    }

    fn open(&mut self, media: MediaId) -> SocketAddr {
        self.media.command(MediaCommand::Open { media, ipv6: false });
        match self.fact() {
            MediaFact::Opened { media: opened, rtp } if opened == media => rtp,
            other => panic!("{other:?}"),
        }
    }

    /// A leg with a phone at its other end.
    fn phone(&mut self, media: MediaId, codec: Codec) -> Phone {
        let phone = Phone::new(self.open(media), codec);
        self.describe(media, phone.stream());
        phone
    }

    fn describe(&self, media: MediaId, stream: Stream) {
        self.media.command(MediaCommand::Describe { media, stream });
    }

    fn join(&mut self, left: MediaId, right: MediaId) {
        self.media.command(MediaCommand::Join { left, right, record: None });
        assert_eq!(self.fact(), MediaFact::Joined { left, right });
    }

    fn joined(&mut self, left: Codec, right: Codec) -> (Phone, Phone) {
        let phones = (self.phone(LEFT, left), self.phone(RIGHT, right));
        self.join(LEFT, RIGHT);
        phones
    }
}

/// A peer: one socket, one RTP stream out.
struct Phone {
    socket: UdpSocket,
    /// The room's port that this phone talks to.
    room: SocketAddr,
    codec: Codec,
    next: Header,
}

impl Phone {
    fn new(room: SocketAddr, codec: Codec) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(room.ip(), 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let ssrc = 0x1000_0000 + u32::from(room.port());
        let (sequence, timestamp) = (SequenceNumber(65_530), RtpTimestamp(u32::MAX - 400));
        let next = Header { payload_type: payload_type(codec), marker: true, sequence, timestamp, ssrc };
        Self { socket, room, codec, next }
    }

    fn stream(&self) -> Stream {
        let remote = self.socket.local_addr().unwrap();
        Stream {
            remote,
            remote_rtcp: SocketAddr::new(remote.ip(), remote.port().wrapping_add(1)),
            codec: self.codec,
            payload_type: payload_type(self.codec),
            telephone_event: Some(101),
            ptime_ms: 20,
            peer_receives: true,
            peer_sends: true,
        }
    }

    fn send(&mut self, header: &Header, payload: &[u8]) {
        let mut bytes = [0; 1500];
        let length = packet::compose(header, payload, &mut bytes).unwrap();
        self.socket.send_to(&bytes[..length], self.room).unwrap();
    }

    /// 20 ms of audio, every byte `mark`, but for the last, which is its complement.
    fn talk(&mut self, mark: u8) {
        let header = self.next;
        self.send(&header, &speech(mark));
        self.next.marker = false;
        self.next.sequence = self.next.sequence.plus(1);
        self.next.timestamp = self.next.timestamp.plus(160);
    }

    /// A key as phones send it, cut short: one packet that begins it and three that end it.
    fn press(&mut self, digit: char, payload_type: u8) {
        let code = telephone_event::code(digit).unwrap();
        for flags in [0x0a, 0x8a, 0x8a, 0x8a] {
            let header = Header { payload_type, ..self.next };
            self.send(&header, &[code, flags, 0x03, 0x20]);
            self.next.sequence = self.next.sequence.plus(1);
        }
        self.next.timestamp = self.next.timestamp.plus(800);
    }

    /// The next packet, which must come from the room's port.
    fn hear(&self) -> (Header, Vec<u8>) {
        let mut bytes = [0; 1500];
        let (length, from) = self.socket.recv_from(&mut bytes).expect("a packet in time");
        assert_eq!(from, self.room, "symmetric RTP");
        let packet = Packet::parse(&bytes[..length]).unwrap();
        (packet.header, packet.payload.to_vec())
    }
}

fn payload_type(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => 8,
        Codec::Pcmu => 0,
    }
}

fn speech(mark: u8) -> Vec<u8> {
    let mut payload = vec![mark; 160];
    payload[159] = !mark;
    payload
}

fn decoded(codec: Codec, mark: u8) -> Vec<i16> {
    let mut samples = vec![];
    g711::decode(codec, &speech(mark), &mut samples);
    samples
}

fn prompt_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("prompts").join(name).with_extension("wav")
}

#[test]
fn joined_phones_hear_each_other_byte_for_byte_in_one_unbroken_stream() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    let mut heard: Vec<(Header, Header)> = vec![];
    for mark in 0..50 {
        left.talk(mark);
        right.talk(!mark);
        let ((at_right, from_left), (at_left, from_right)) = (right.hear(), left.hear());
        assert_eq!((from_left, from_right), (speech(mark), speech(!mark)));
        heard.push((at_right, at_left));
    }
    for header in [|heard: &(Header, Header)| heard.0, |heard: &(Header, Header)| heard.1] {
        assert!(header(&heard[0]).marker);
        for pair in heard.windows(2) {
            let (before, after) = (header(&pair[0]), header(&pair[1]));
            assert_eq!(after.ssrc, before.ssrc);
            assert_eq!(after.payload_type, 8);
            assert_eq!(after.sequence.since(before.sequence), 1);
            assert_eq!(after.timestamp.since(before.timestamp), 160);
        }
    }
    assert_ne!(heard[0].0.ssrc, left.next.ssrc, "the room's stream is its own");
}

#[test]
fn legs_with_different_laws_understand_each_other() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcmu);
    left.talk(0x2a);
    let (header, payload) = right.hear();
    let mut expected = speech(0x2a);
    g711::transcode(Codec::Pcma, Codec::Pcmu, &mut expected);
    assert_eq!((header.payload_type, payload), (0, expected));
    right.talk(0x99);
    let (header, payload) = left.hear();
    let mut expected = speech(0x99);
    g711::transcode(Codec::Pcmu, Codec::Pcma, &mut expected);
    assert_eq!((header.payload_type, payload), (8, expected));
}

#[test]
fn a_phone_on_hold_gets_nothing() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    room.describe(RIGHT, Stream { peer_receives: false, ..right.stream() });
    room.join(LEFT, RIGHT);
    left.talk(1);
    // What comes after it has passed, so it has been looked at while the hold lasted.
    right.talk(9);
    left.hear();
    room.describe(RIGHT, right.stream());
    room.join(LEFT, RIGHT);
    left.talk(2);
    assert_eq!(right.hear().1, speech(2), "what was said during the hold is not sent after it");
}

#[test]
fn a_phone_that_said_it_does_not_send_is_not_heard() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    room.describe(LEFT, Stream { peer_sends: false, ..left.stream() });
    room.join(LEFT, RIGHT);
    left.talk(1);
    // What comes after it has passed, so it has been looked at before the phone sends again.
    right.talk(9);
    left.hear();
    room.describe(LEFT, left.stream());
    room.join(LEFT, RIGHT);
    left.talk(2);
    assert_eq!(right.hear().1, speech(2));
}

#[test]
fn a_transfer_goes_on_in_the_same_stream() {
    let mut room = Room::new();
    let (left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    let mut other = room.phone(OTHER, Codec::Pcmu);
    right.talk(1);
    let (before, _) = left.hear();
    room.join(LEFT, OTHER);
    right.talk(2);
    other.talk(3);
    let (after, payload) = left.hear();
    let mut expected = speech(3);
    g711::transcode(Codec::Pcmu, Codec::Pcma, &mut expected);
    assert_eq!(payload, expected, "who was left behind is not heard any more");
    assert_eq!(after.ssrc, before.ssrc);
    assert_eq!(after.sequence.since(before.sequence), 1);
    assert!(after.timestamp.since(before.timestamp) > 0);
    assert!(after.marker);
}

#[test]
fn early_media_passes_one_way() {
    let mut room = Room::new();
    let (mut left, mut right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    room.media.command(MediaCommand::Pass { from: RIGHT, to: LEFT });
    room.open(OTHER); // Its answer proves that the command before it was obeyed.
    left.talk(1);
    right.talk(2);
    assert_eq!(left.hear().1, speech(2));
    room.join(LEFT, RIGHT);
    left.talk(3);
    assert_eq!(right.hear().1, speech(3), "what came before the join was not passed back");
}

/// The compound RTCP packet that comes next, which must come from the room's RTCP port; and its types.
fn told(rtcp: &UdpSocket, phone: &Phone) -> (Vec<u8>, Vec<u8>) {
    rtcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = [0; 500];
    let (length, from) = rtcp.recv_from(&mut bytes).expect("a report in time");
    assert_eq!(from, rtcp_of(phone), "symmetric RTCP");
    let (mut types, mut at) = (vec![], 0);
    while at < length {
        types.push(bytes[at + 1]);
        at += 4 * (1 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]])));
    }
    (bytes[..length].to_vec(), types)
}

fn rtcp_of(phone: &Phone) -> SocketAddr {
    SocketAddr::new(phone.room.ip(), phone.room.port() + 1)
}

#[test]
fn each_side_is_told_what_we_sent_it_and_what_of_its_own_we_missed() {
    let mut room = Room::new();
    let (mut left, mut right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    let [left_rtcp, right_rtcp, moved] = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    for (media, phone, rtcp) in [(LEFT, &left, &left_rtcp), (RIGHT, &right, &right_rtcp)] {
        room.describe(media, Stream { remote_rtcp: rtcp.local_addr().unwrap(), ..phone.stream() });
    }
    room.join(LEFT, RIGHT);
    for mark in 0..10 {
        left.talk(mark);
        right.hear();
        if mark == 4 {
            left.next.sequence = left.next.sequence.plus(5); // Lost on the way to us.
        }
    }
    right.talk(1);
    let (header, _) = left.hear();
    // Reports go where the peer's come from.
    moved.send_to(&[0x80, 201, 0, 1, 0, 0, 0, 9], rtcp_of(&right)).unwrap();
    left_rtcp.send_to(b"junk", rtcp_of(&right)).unwrap();

    room.media.command(MediaCommand::Close { media: RIGHT });
    let (bytes, types) = told(&moved, &right);
    assert_eq!(types, [200, 202, 203], "SR, SDES and BYE");
    let report = SenderReport::parse(&bytes[..52]).unwrap();
    assert_eq!((report.packet_count(), report.octet_count()), (10, 1600));
    assert_eq!(report.report_blocks().next().unwrap().cumulative_lost(), 0);

    // On a slow machine a report without BYE comes before.
    room.media.command(MediaCommand::Close { media: LEFT });
    let (bytes, _) = std::iter::repeat_with(|| told(&left_rtcp, &left))
        .find(|(_, types)| types.ends_with(&[203]))
        .unwrap();
    let report = SenderReport::parse(&bytes[..52]).unwrap();
    assert_eq!((report.ssrc(), report.packet_count(), report.octet_count()), (header.ssrc, 1, 160));
    let block = report.report_blocks().next().unwrap();
    assert_eq!((block.ssrc(), block.cumulative_lost()), (left.next.ssrc, 5));
    assert_eq!(block.extended_sequence_number(), 65_530 + 14);
}

#[test]
fn a_leg_reports_unasked_also_while_nobody_is_joined() {
    let mut room = Room::new();
    let phone = room.phone(MediaId(4), Codec::Pcma); // Its turn is at the first tick.
    let rtcp = UdpSocket::bind("127.0.0.1:0").unwrap();
    room.describe(MediaId(4), Stream { remote_rtcp: rtcp.local_addr().unwrap(), ..phone.stream() });
    let (bytes, types) = told(&rtcp, &phone);
    assert_eq!(types, [201, 202], "RR and SDES: nothing was sent");
    assert_eq!(bytes.len(), 8 + 36);
}

#[test]
fn a_stranger_is_not_relayed_and_takes_nothing_over() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    left.talk(1);
    assert_eq!(right.hear().1, speech(1));
    let mut stranger = Phone::new(left.room, Codec::Pcma);
    for _ in 0..10 {
        stranger.talk(66);
        left.talk(2);
        assert_eq!(right.hear().1, speech(2));
    }
    right.talk(3);
    assert_eq!(left.hear().1, speech(3), "audio still goes to the phone");
}

#[test]
fn a_phone_behind_a_new_nat_binding_is_found_again() {
    let mut room = Room::new();
    let (mut left, mut right) = room.joined(Codec::Pcma, Codec::Pcma);
    left.talk(1);
    right.hear();
    let mut moved = Phone { next: left.next, ..Phone::new(left.room, Codec::Pcma) };
    right.socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut bytes = [0; 1500];
    let found = (0..200).any(|_| {
        moved.talk(2);
        right.socket.recv(&mut bytes).is_ok()
    });
    assert!(found, "the same stream from a new address is believed once the old one is silent");
    right.talk(3);
    assert_eq!(moved.hear().1, speech(3));
}

#[test]
fn junk_is_dropped_and_the_call_goes_on() {
    let mut room = Room::new();
    let (mut left, right) = room.joined(Codec::Pcma, Codec::Pcma);
    let mut stun = vec![0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42];
    stun.extend([7; 12]);
    let rtcp = [&[0x80u8, 200, 0, 6][..], &[0; 24]].concat();
    let truncated = [&[0xbfu8, 8, 0, 1][..], &[0xff; 40]].concat();
    let dtls = [&[22u8, 0xfe, 0xfd][..], &[0; 60]].concat();
    let lengthy = vec![0x80; 9000];
    for junk in [
        &b""[..],
        &b"\x80"[..],
        &[0x80; 11][..],
        &[0xff; 1200][..],
        &stun,
        &rtcp,
        &truncated,
        &dtls,
        &lengthy,
    ] {
        left.socket.send_to(junk, left.room).unwrap();
    }
    left.socket.send_to(&rtcp, SocketAddr::new(left.room.ip(), left.room.port() + 1)).unwrap();
    left.send(&Header { payload_type: 13, ..left.next }, &[40]); // Comfort noise, which nobody agreed on.
    left.next.sequence = left.next.sequence.plus(1);
    left.talk(5);
    assert_eq!(right.hear().1, speech(5));
}

#[test]
fn a_phone_whose_port_is_closed_harms_nobody() {
    let mut room = Room::new();
    let (mut left, right) = room.joined(Codec::Pcma, Codec::Pcma);
    let stream = right.stream();
    drop(right.socket); // From now on the system answers with ICMP.
    for mark in 0..5 {
        left.talk(mark);
    }
    let mut back =
        Phone { socket: UdpSocket::bind(stream.remote).unwrap(), ..Phone::new(right.room, Codec::Pcma) };
    back.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    back.talk(7);
    assert_eq!(left.hear().1, speech(7));
}

#[test]
fn keys_are_told_once_and_passed_on_in_the_peers_payload_type() {
    let mut room = Room::new();
    let (mut left, right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    room.describe(RIGHT, Stream { telephone_event: Some(96), ..right.stream() });
    room.join(LEFT, RIGHT);
    left.press('#', 101);
    assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '#' });
    for flags in [0x0a, 0x8a, 0x8a, 0x8a] {
        let (header, payload) = right.hear();
        assert_eq!((header.payload_type, payload), (96, vec![11, flags, 0x03, 0x20]));
    }
    room.describe(RIGHT, Stream { telephone_event: None, ..right.stream() });
    room.join(LEFT, RIGHT);
    left.press('5', 101);
    assert_eq!(room.fact(), MediaFact::Digit { media: LEFT, digit: '5' });
    left.talk(1);
    assert_eq!(right.hear().1, speech(1), "a peer without events is sent none");
}

#[test]
fn a_prompt_is_played_whole_and_a_key_pressed_meanwhile_is_heard() {
    let mut room = Room::new();
    let mut phone = room.phone(LEFT, Codec::Pcmu);
    room.media.command(MediaCommand::Play { media: LEFT, prompt: Prompt::CallerGone });
    let prompts = prompts::Prompts::load(&[(Prompt::CallerGone, prompt_file("digit_1"))].into());
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

#[test]
fn a_leg_without_a_port_is_refused_and_a_closed_one_makes_room() {
    // A range of which at most two pairs can be bound here; other programs may hold some of it.
    let mut room = Room::with(|settings| (settings.port_min, settings.port_max) = (29_990, 29_993));
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
fn a_joined_leg_that_falls_silent_is_told_and_told_again_when_it_is_heard() {
    let mut room = Room::with(|settings| settings.silence_after = Duration::ZERO);
    let (mut left, right) = (room.phone(LEFT, Codec::Pcma), room.phone(RIGHT, Codec::Pcma));
    room.describe(RIGHT, Stream { peer_sends: false, ..right.stream() });
    room.join(LEFT, RIGHT);
    assert!(matches!(room.fact(), MediaFact::Silent { media: LEFT, .. }), "and not the one that holds");
    left.talk(1);
    assert_eq!(room.fact(), MediaFact::Heard { media: LEFT });
    assert!(matches!(room.fact(), MediaFact::Silent { media: LEFT, .. }));
}

#[test]
fn a_desk_on_ipv6_and_a_trunk_on_ipv4_hear_each_other() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return; // This machine has no IPv6.
    }
    let mut room = Room::with(|settings| settings.address_v6 = Some("::1".parse().unwrap()));
    let mut left = room.phone(LEFT, Codec::Pcma);
    room.media.command(MediaCommand::Open { media: RIGHT, ipv6: true });
    let MediaFact::Opened { rtp, .. } = room.fact() else { panic!() };
    let mut right = Phone::new(rtp, Codec::Pcma);
    room.describe(RIGHT, right.stream());
    room.join(LEFT, RIGHT);
    left.talk(1);
    right.talk(2);
    assert_eq!((left.hear().1, right.hear().1), (speech(2), speech(1)));
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
    let beat = room.phone(MediaId(4), Codec::Pcma);
    room.media.command(MediaCommand::Play { media: MediaId(4), prompt: LONG });
    beat.hear();

    room.media.command(join(RIGHT));
    assert_eq!(room.fact(), MediaFact::Joined { left: LEFT, right: RIGHT });
    for mark in 1..=10 {
        beat.hear();
        left.talk(mark);
        right.talk(mark + 50);
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
    let Room { media, mut facts, folder, .. } = room;
    media.shut_down();
    assert!(
        matches!(facts.blocking_recv(), Some(MediaFact::Recorded { ticket: of, .. }) if of == record.ticket)
    );
    assert_eq!(facts.blocking_recv(), None, "nobody is left to tell more");
    assert!(hound::WavReader::open(folder.path().join(record.path)).unwrap().duration() > 0);
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
        prompts: [].into(),
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

fn ticket(number: u32) -> TicketId {
    TicketId { day: chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(), number }
}
