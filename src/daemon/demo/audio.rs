//! RTP of one call of an endpoint: what it plays, packet by packet at its time, and what it hears.
//! And the comparison of what was heard or recorded with what was played.

use std::{
    io::{self, Cursor},
    net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{net::UdpSocket, task::JoinHandle};

use crate::{
    daemon::clock,
    rtp::{
        g711::{self, Law},
        packet::{self, HEADER_LEN, Header, Packet},
        timestamp::{RtpTimestamp, SequenceNumber},
    },
    sip::offer::Agreed,
};

/// Samples and time of one packet.
const PACKET: usize = 160;
const PACKET_TIME: Duration = Duration::from_millis(20);

/// Packets that are kept: half an hour.
const MOST_HEARD: usize = 90_000;

/// Tries to find two free ports side by side.
const TRIES: usize = 100;

/// One RTP packet that came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub at: Instant,
    pub header: Header,
    pub payload: Vec<u8>,
}

/// How something was played.
#[derive(Debug, Clone, Copy)]
pub struct Played {
    /// When its first sample was sent, by the packet that was sent most in time.
    pub began: Instant,
    pub packets: u32,
    /// The packet that was sent latest after its time.
    pub latest: Duration,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Audio {
    rtp: Arc<UdpSocket>,
    /// Held so that RTCP to the port above meets a socket.
    _rtcp: StdUdpSocket,
    remote: Option<Remote>,
    ssrc: u32,
    sequence: SequenceNumber,
    /// Sample 0 of our RTP clock.
    epoch: Option<Instant>,
    heard: Arc<Mutex<Vec<Heard>>>,
    ear: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy)]
struct Remote {
    address: SocketAddr,
    payload_type: u8,
    telephone_event: Option<u8>,
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.ear.abort();
    }
}

impl Audio {
    pub(super) fn bind(ip: IpAddr) -> io::Result<Self> {
        let (rtp, rtcp) = bind_pair(ip)?;
        rtp.set_nonblocking(true)?;
        let port = rtp.local_addr()?.port();
        let rtp = Arc::new(UdpSocket::from_std(rtp)?);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = tokio::spawn(listen(Arc::clone(&rtp), Arc::clone(&heard)));
        Ok(Self {
            rtp,
            _rtcp: rtcp,
            remote: None,
            ssrc: 0x4400_0000 | u32::from(port),
            sequence: SequenceNumber(port),
            epoch: None,
            heard,
            ear,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.rtp.local_addr().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
    }

    pub(super) fn agreed(&mut self, agreed: &Agreed) {
        self.remote = Some(Remote {
            address: agreed.remote,
            payload_type: agreed.payload_type,
            telephone_event: agreed.telephone_event,
        });
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn play(&mut self, payload: &[u8], at: Instant) -> io::Result<Played> {
        let remote = self.remote.ok_or_else(not_agreed)?;
        let epoch = *self.epoch.get_or_insert(at);
        let first = samples(at.saturating_duration_since(epoch));
        let mut played = Played { began: at, packets: 0, latest: Duration::ZERO };
        let mut most_in_time: Option<Duration> = None;
        for chunk in payload.chunks(PACKET) {
            let due = at + PACKET_TIME * played.packets;
            tokio::time::sleep_until(due.into()).await;
            let header = Header {
                payload_type: remote.payload_type,
                marker: played.packets == 0,
                sequence: self.next(),
                timestamp: first.plus(played.packets.wrapping_mul(160)),
                ssrc: self.ssrc,
            };
            let mut frame = [g711::silence(Law::A); PACKET];
            frame.iter_mut().zip(chunk).for_each(|(place, byte)| *place = *byte);
            let late = clock::now().mono.saturating_duration_since(due);
            self.send(remote.address, &header, &frame).await?;
            played.latest = played.latest.max(late);
            most_in_time = Some(most_in_time.map_or(late, |best| best.min(late)));
            played.packets = played.packets.saturating_add(1);
        }
        played.began += most_in_time.unwrap_or_default();
        Ok(played)
    }

    pub(super) async fn press(&mut self, digit: char) -> io::Result<()> {
        let remote = self.remote.ok_or_else(not_agreed)?;
        let payload_type = remote.telephone_event.ok_or_else(not_agreed)?;
        let code = "0123456789*#ABCD".find(digit).and_then(|code| u8::try_from(code).ok());
        let code = code.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such key"))?;
        let start = clock::now().mono;
        let timestamp = samples(start.saturating_duration_since(*self.epoch.get_or_insert(start)));
        // Five packets while the key is down, and the end said three times (RFC 4733 §2.5.1.4).
        for count in 0..8_u16 {
            tokio::time::sleep_until((start + PACKET_TIME * u32::from(count.min(5))).into()).await;
            let header = Header {
                payload_type,
                marker: count == 0,
                sequence: self.next(),
                timestamp,
                ssrc: self.ssrc,
            };
            let end = if count >= 5 { 0x80 } else { 0 };
            let [high, low] = (160 * (count + 1).min(5)).to_be_bytes();
            self.send(remote.address, &header, &[code, end | 10, high, low]).await?;
        }
        Ok(())
    }

    fn next(&mut self) -> SequenceNumber {
        let sequence = self.sequence;
        self.sequence = sequence.plus(1);
        sequence
    }

    async fn send(&self, to: SocketAddr, header: &Header, payload: &[u8]) -> io::Result<()> {
        let mut out = [0_u8; HEADER_LEN + PACKET];
        let length = packet::compose(header, payload, &mut out).unwrap_or_default();
        match self.rtp.send_to(out.get(..length).unwrap_or_default(), to).await {
            // A peer that has hung up: its port is closed, and packets are lost there as anywhere.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            sent => sent.map(|_| ()),
        }
    }
}

fn not_agreed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "nothing was agreed with the peer")
}

/// RTP time, 8 a millisecond.
fn samples(time: Duration) -> RtpTimestamp {
    RtpTimestamp(u32::try_from(time.as_micros() / 125).unwrap_or(u32::MAX))
}

fn bind_pair(ip: IpAddr) -> io::Result<(StdUdpSocket, StdUdpSocket)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let rtp = StdUdpSocket::bind((ip, 0))?;
        let port = rtp.local_addr()?.port();
        if port % 2 == 1 {
            continue;
        }
        match StdUdpSocket::bind((ip, port.saturating_add(1))) {
            Ok(rtcp) => return Ok((rtp, rtcp)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn listen(rtp: Arc<UdpSocket>, heard: Arc<Mutex<Vec<Heard>>>) {
    let mut buffer = [0_u8; 2048];
    loop {
        // An error is an ICMP message about what we sent.
        let Ok((length, _)) = rtp.recv_from(&mut buffer).await else { continue };
        let Ok(packet) = Packet::parse(buffer.get(..length).unwrap_or_default()) else { continue };
        let one = Heard { at: clock::now().mono, header: packet.header, payload: packet.payload.to_vec() };
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < MOST_HEARD {
            heard.push(one);
        }
    }
}

/// A WAV (8 kHz, mono, 16 bit) between two times in milliseconds, as PCMA: one byte a sample.
///
/// # Errors
/// It is no WAV, or holds other samples.
pub fn spoken(file: &[u8], from: usize, to: usize) -> Result<Vec<u8>, hound::Error> {
    let samples: Vec<i16> = hound::WavReader::new(Cursor::new(file))?
        .into_samples::<i16>()
        .skip(from.saturating_mul(8))
        .take(to.saturating_sub(from).saturating_mul(8))
        .collect::<Result<_, _>>()?;
    let mut payload = Vec::with_capacity(samples.len());
    g711::encode(Law::A, &samples, &mut payload);
    Ok(payload)
}

/// The samples of PCMA bytes.
pub fn linear(payload: &[u8]) -> Vec<i16> {
    let mut samples = Vec::with_capacity(payload.len());
    g711::decode(Law::A, payload, &mut samples);
    samples
}

/// The audio among `heard`, placed by RTP time from the first packet on; gaps are zeros. Packets of
/// other sizes than audio's (keys) are left out.
pub fn track(heard: &[Heard], payload_type: u8) -> Vec<i16> {
    let mut track: Vec<i16> = Vec::new();
    let Some(first) = heard.iter().find(|one| one.header.payload_type == payload_type) else { return track };
    for one in heard.iter().filter(|one| one.header.payload_type == payload_type) {
        let Ok(place) = usize::try_from(one.header.timestamp.since(first.header.timestamp)) else { continue };
        let end = place.saturating_add(one.payload.len());
        if track.len() < end {
            track.resize(end, 0);
        }
        track.iter_mut().skip(place).zip(linear(&one.payload)).for_each(|(place, sample)| *place = sample);
    }
    track
}

/// Where `played` lies in a track, and how much of it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The track's sample at which the first of `played` lies; negative where its start is missing.
    pub offset: i64,
    /// Samples of `played` that are at their place, bit for bit.
    pub equal: usize,
    /// The loudest sample of the track outside of `played`.
    pub elsewhere: i16,
}

/// Samples by which a place is recognised: 20 ms of speech are like no others.
const WINDOW: usize = 160;

/// Finds `played` in `track` by its loudest 20 ms (of each second, until one is found) and counts the
/// samples that are equal. `None`: no part of it is there.
pub fn find(played: &[i16], track: &[i16]) -> Option<Found> {
    let mut windows: Vec<(usize, &[i16])> = played
        .chunks_exact(WINDOW)
        .enumerate()
        .map(|(at, window)| (at * WINDOW, window))
        .filter(|(_, window)| loudest(window) > 1000)
        .collect();
    windows.sort_by_key(|(_, window)| std::cmp::Reverse(loudest(window)));
    let (at, place) = windows.iter().take(50).find_map(|(at, window)| {
        let place = track.windows(WINDOW).position(|here| here == *window)?;
        Some((*at, place))
    })?;
    let offset = i64::try_from(place).ok()? - i64::try_from(at).ok()?;
    let mut found = Found { offset, equal: 0, elsewhere: 0 };
    for (index, sample) in (0_i64..).zip(track) {
        let of_played = usize::try_from(index - offset).ok().and_then(|index| played.get(index));
        match of_played {
            Some(expected) if expected == sample => found.equal += 1,
            Some(_) => {}
            None => found.elsewhere = found.elsewhere.max(sample.saturating_abs()),
        }
    }
    Some(found)
}

fn loudest(samples: &[i16]) -> i16 {
    samples.iter().map(|sample| sample.saturating_abs()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(samples: usize) -> Vec<i16> {
        let mut state = 7_u32;
        (0..samples)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                i16::try_from(state >> 17).unwrap_or(i16::MAX)
            })
            .collect()
    }

    #[test]
    fn what_was_played_is_found_wherever_it_lies() {
        let played = speech(1600);
        let mut track = vec![0; 77];
        track.extend(&played);
        track.extend([3, -4]);
        assert_eq!(find(&played, &track), Some(Found { offset: 77, equal: 1600, elsewhere: 4 }));
        track.drain(..100);
        assert_eq!(find(&played, &track), Some(Found { offset: -23, equal: 1577, elsewhere: 4 }));
    }

    #[test]
    fn one_wrong_sample_is_counted() {
        let played = speech(1600);
        let mut track = played.clone();
        track[800] ^= 1;
        assert_eq!(find(&played, &track).map(|found| found.equal), Some(1599));
    }

    #[test]
    fn what_was_not_played_is_not_found() {
        assert_eq!(find(&speech(1600), &vec![0; 4000]), None);
    }
}
