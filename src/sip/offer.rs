//! Offer and answer (RFC 3264): writes ours, and says what both sides agreed to. One audio stream;
//! whatever else a peer offers is turned down in its place. Never keeps state: the caller holds the
//! [`Local`] of each leg and the offer that is open.
//!
//! Reading starts at [`offer`], [`answer`] and [`agreed`].

use std::net::SocketAddr;

use bytes::Bytes;

use super::{
    sdes::{AgreedKeys, Crypto, Protection},
    sdp::{Audio, Direction, NotAcceptable, Payload, Profile, Session},
};

/// Audio codecs that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    /// G.711 A-law, payload type 8, 8000 Hz.
    Pcma,
    /// G.711 µ-law, payload type 0, 8000 Hz.
    Pcmu,
    /// G.722, payload type 9; 16 kHz, though its clock is called 8000 Hz (RFC 3551 §4.5.2).
    G722,
}

impl AudioCodec {
    /// All of them; China's trunks speak A-law.
    pub const ALL: [Self; 3] = [Self::Pcma, Self::Pcmu, Self::G722];

    /// The encoding name (RFC 3551 §6).
    pub fn encoding(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
            Self::G722 => "G722",
        }
    }

    /// The static payload type (RFC 3551 §6).
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
            Self::G722 => 9,
        }
    }

    fn is(self, payload: &Payload) -> bool {
        payload.encoding.eq_ignore_ascii_case(self.encoding())
            && payload.clock_rate == 8000
            && payload.channels == 1
    }
}

/// Our side of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// Where we want RTP; RTCP is the port above.
    pub address: SocketAddr,
    /// The same for the whole dialog (RFC 8866 §5.2).
    pub session_id: u64,
    /// Counts up by one with each change of our description within the dialog ([`Local::settle`]).
    pub version: u64,
    pub protection: Protection,
}

impl Local {
    /// Writes the description that follows `sent`, which was written with this version: counts the
    /// version up if anything changed, and leaves it if nothing did (RFC 3264 §8).
    pub fn settle(&mut self, sent: &[u8], write: impl Fn(&Self) -> Bytes) -> Bytes {
        let unchanged = write(self);
        if unchanged == sent {
            return unchanged;
        }
        self.version = self.version.wrapping_add(1);
        write(self)
    }
}

/// What both sides agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// Where the peer wants RTP.
    pub remote: SocketAddr,
    /// Where the peer wants RTCP.
    pub remote_rtcp: SocketAddr,
    pub codec: AudioCodec,
    /// Both ways.
    pub payload_type: u8,
    /// Payload type of RFC 4733 events at 8000 Hz, if both know them.
    pub telephone_event: Option<u8>,
    /// Packet time for what we send ourselves; 20 ms where the peer does not say.
    pub ptime_ms: u16,
    pub peer_sends: bool,
    pub peer_receives: bool,
    /// `None`: plain RTP.
    pub keys: Option<AgreedKeys>,
}

/// The payload type that our own offers give telephone-event; by custom the same everywhere, and
/// phones that ignore `a=rtpmap` expect it.
const TELEPHONE_EVENT: u8 = 101;

/// Packet time of our offers, and where a peer does not say (RFC 3551 §4.2).
const PTIME_MS: u16 = 20;

/// Our offer: audio with those codecs in that order, and telephone-event.
pub fn offer(local: &Local, codecs: &[AudioCodec], direction: Direction) -> Bytes {
    let payloads: Vec<_> = codecs.iter().map(|codec| (codec.payload_type(), *codec)).collect();
    let (protocol, crypto) = match &local.protection {
        Protection::Off => ("RTP/AVP", Vec::new()),
        Protection::Optional(keys) => ("RTP/AVP", keys.offered().to_vec()),
        Protection::Required(keys) => ("RTP/SAVP", keys.offered().to_vec()),
    };
    let mut audio = audio_media(local, protocol, &payloads, Some(TELEPHONE_EVENT), PTIME_MS, direction);
    crypto.iter().for_each(|line| add_crypto(&mut audio, line));
    write(local, vec![audio])
}

/// Our answer to a peer's offer, and what it agrees to.
///
/// The codec is the first of `accepted` that was offered: the caller puts first what the other leg
/// speaks, so that nothing needs to be transcoded. `direction` is what we are willing to do; what
/// the peer does not offer is taken away from it. Streams other than the audio get port 0.
pub fn answer(
    offer: &Session,
    local: &Local,
    accepted: &[AudioCodec],
    direction: Direction,
) -> Result<(Bytes, Agreed), NotAcceptable> {
    let (audio, secured) = chosen(offer, &local.protection)?;
    let (codec, payload_type) = accepted
        .iter()
        .find_map(|codec| Some((*codec, audio.payloads.iter().find(|p| codec.is(p))?.payload_type)))
        .ok_or(NotAcceptable::NoCodec)?;
    let answered = audio.direction.reversed().and(direction);
    let keys = secured.map(|(ours, theirs)| AgreedKeys {
        suite: ours.suite,
        ours: ours.master,
        theirs: theirs.master,
    });
    let agreed = Agreed { keys, ..agreement(audio, codec, payload_type, audio.telephone_event, answered) };
    let medias = offer
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            if at == audio.line {
                let payloads = [(payload_type, codec)];
                let event = audio.telephone_event;
                let mut media =
                    audio_media(local, &line.protocol, &payloads, event, agreed.ptime_ms, answered);
                if let Some((ours, _)) = &secured {
                    add_crypto(&mut media, ours);
                }
                media
            } else {
                media(&line.media, 0, &line.protocol, &line.formats)
            }
        })
        .collect();
    Ok((write(local, medias), agreed))
}

/// The stream to agree to, and with which keys (ours, theirs).
#[expect(clippy::type_complexity, reason = "two lines of one pair, used here alone")]
fn chosen<'a>(
    offer: &'a Session,
    protection: &Protection,
) -> Result<(&'a Audio, Option<(Crypto, Crypto)>), NotAcceptable> {
    let first = offer.audio.as_ref().map_err(NotAcceptable::clone)?;
    let all = || std::iter::once(first).chain(&offer.alternatives);
    let keys = match protection {
        Protection::Off => None,
        Protection::Optional(keys) | Protection::Required(keys) => Some(keys),
    };
    let secured = keys.and_then(|keys| {
        all().find_map(|audio| {
            let theirs = audio.crypto.first()?;
            Some((audio, (keys.under(theirs.tag, theirs.suite), *theirs)))
        })
    });
    if let Some((audio, pair)) = secured {
        return Ok((audio, Some(pair)));
    }
    if let Protection::Required(_) = protection {
        return Err(NotAcceptable::NoKey);
    }
    let plain = all().find(|audio| audio.profile == Profile::Plain);
    plain.map(|audio| (audio, None)).ok_or_else(|| NotAcceptable::Profile("RTP/SAVP".to_owned()))
}

/// What the peer's answer to our offer agrees to.
pub fn agreed(our_offer: &Session, their_answer: &Session) -> Result<Agreed, NotAcceptable> {
    let ours = our_offer.audio.as_ref().map_err(NotAcceptable::clone)?;
    let theirs = their_answer.audio.as_ref().map_err(NotAcceptable::clone)?;
    let offered = |codec: AudioCodec| ours.payloads.iter().any(|p| codec.is(p));
    let (codec, payload_type) = theirs
        .payloads
        .iter()
        .find_map(|payload| {
            let codec = AudioCodec::ALL.into_iter().find(|c| c.is(payload))?;
            offered(codec).then_some((codec, payload.payload_type))
        })
        .ok_or(NotAcceptable::NoCodec)?;
    let event = ours.telephone_event.and(theirs.telephone_event);
    let direction = theirs.direction.reversed().and(ours.direction);
    let keys = agreed_keys(ours, theirs)?;
    Ok(Agreed { keys, ..agreement(theirs, codec, payload_type, event, direction) })
}

/// The pair that an answer took up; none where we left it to the peer and it chose plain RTP.
fn agreed_keys(ours: &Audio, theirs: &Audio) -> Result<Option<AgreedKeys>, NotAcceptable> {
    let pair = theirs.crypto.iter().find_map(|their| {
        let our = ours.crypto.iter().find(|our| our.tag == their.tag && our.suite == their.suite)?;
        Some(AgreedKeys { suite: our.suite, ours: our.master, theirs: their.master })
    });
    let secure = [ours, theirs].iter().any(|audio| audio.profile == Profile::Secure);
    if pair.is_none() && secure { Err(NotAcceptable::NoKey) } else { Ok(pair) }
}

/// `direction` is ours.
fn agreement(
    audio: &Audio,
    codec: AudioCodec,
    payload_type: u8,
    telephone_event: Option<u8>,
    direction: Direction,
) -> Agreed {
    Agreed {
        remote: audio.address,
        remote_rtcp: audio.rtcp,
        codec,
        payload_type,
        telephone_event,
        ptime_ms: audio.ptime_ms.unwrap_or(PTIME_MS),
        peer_sends: direction.receives(),
        peer_receives: direction.sends(),
        keys: None,
    }
}

fn add_crypto(media: &mut sdp_types::Media, line: &Crypto) {
    media.add_attribute_with_value("crypto", line.write());
}

fn audio_media(
    local: &Local,
    protocol: &str,
    codecs: &[(u8, AudioCodec)],
    telephone_event: Option<u8>,
    ptime_ms: u16,
    direction: Direction,
) -> sdp_types::Media {
    let formats: Vec<String> =
        codecs.iter().map(|(pt, _)| *pt).chain(telephone_event).map(|pt| pt.to_string()).collect();
    let mut audio = media("audio", local.address.port(), protocol, &formats.join(" "));
    for (payload_type, codec) in codecs {
        audio.add_attribute_with_value("rtpmap", format!("{payload_type} {}/8000", codec.encoding()));
    }
    if let Some(payload_type) = telephone_event {
        audio.add_attribute_with_value("rtpmap", format!("{payload_type} telephone-event/8000"));
        audio.add_attribute_with_value("fmtp", format!("{payload_type} 0-15"));
    }
    audio.add_attribute_with_value("ptime", ptime_ms);
    audio.add_attribute_from_str(direction.word());
    audio
}

fn media(media: &str, port: u16, protocol: &str, formats: &str) -> sdp_types::Media {
    sdp_types::Media {
        media: media.to_owned(),
        port,
        num_ports: None,
        proto: protocol.to_owned(),
        fmt: formats.to_owned(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

fn write(local: &Local, medias: Vec<sdp_types::Media>) -> Bytes {
    let ip = local.address.ip();
    let origin = sdp_types::Origin::with_ip_addr(local.session_id, local.version, ip);
    let mut session = sdp_types::Session::new(origin, "-");
    session.set_connection(sdp_types::Connection::from_ip_addr(ip));
    session.add_medias(medias);
    let mut text = Vec::with_capacity(512);
    session.write(&mut text).expect("a Vec takes every write");
    text.into()
}

#[cfg(test)]
mod tests;
