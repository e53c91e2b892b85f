//! The media room on real sockets: peers on the loop-back interface, the room as the daemon runs it.
//! Nothing here waits for time to pass: a test asks for the next packet or fact, and what must not come
//! is shown by what comes instead. Here are the room and its peers; beside it what they promise.

mod codecs;
mod commands;
mod hold;
mod prompts;
mod recording;
mod relay;
mod reports;
mod security;

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    time::Duration,
};

use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::{Media, MediaSettings, PromptFiles, recorder::RecorderSettings};
use crate::{
    call::prompt::{Prompt, Repeat, Sound},
    desk::ticket::TicketId,
    rtp::{
        packet::{self, Header, Packet},
        stream::{Codec, Stream},
        telephone_event,
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    switch::media::{MediaCommand, MediaFact, MediaId, PlayId},
};

/// How long a test waits for what must come, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

const LEFT: MediaId = MediaId(1);
const RIGHT: MediaId = MediaId(2);
const OTHER: MediaId = MediaId(3);
/// The leg of [`Room::pass_time`].
const CLOCK: MediaId = MediaId(9);

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
            dead_after: None,
            prompts: PromptFiles {
                prompts: [(Prompt::CallerGone, prompt_file("digit_1")), (LONG, prompt_file("voicemail"))]
                    .into(),
                comfort: None,
            },
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

    /// Lets at least 20 ms pass by the room's clock: the second packet of a prompt that begins now, on a
    /// leg of its own, is due no earlier.
    fn pass_time(&mut self) {
        let phone = self.phone(CLOCK, Codec::Pcma);
        self.play(CLOCK, 999, &[LONG.into()]);
        phone.hear();
        phone.hear();
        self.media.command(MediaCommand::Close { media: CLOCK });
    }

    fn play(&self, media: MediaId, play: u64, sounds: &[Sound]) {
        let (play, sounds, repeat) = (PlayId(play), sounds.to_vec(), Repeat::Once);
        self.media.command(MediaCommand::Play { media, play, sounds, repeat });
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
            keys: None,
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
        Codec::G722 => 9,
    }
}

fn speech(mark: u8) -> Vec<u8> {
    let mut payload = vec![mark; 160];
    payload[159] = !mark;
    payload
}

fn prompt_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("prompts").join(name).with_extension("wav")
}

fn ticket(number: u32) -> TicketId {
    TicketId { day: chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(), number }
}
