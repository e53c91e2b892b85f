//! What a peer's SDP says of its audio, as plain values (RFC 8866, RFC 3264 §5, RFC 3605). Never
//! decides what to agree to: that is [`super::offer`]. Text is taken apart by `sdp-types`, after a
//! repair of what real devices get wrong: Latin-1 bytes, bare line feeds, `o=` lines with too many or
//! too few fields, doubled lines.
//!
//! Reading starts at [`read`].

use std::net::{IpAddr, SocketAddr};

use super::sdes::Crypto;

/// The body is not SDP: answer 400, or end a call whose answer it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSdp {
    /// There is no `v=` line, or a line makes no sense.
    #[error("session description: {0}")]
    Malformed(String),
    /// More than 64 m-lines.
    #[error("session description: more than {MOST_LINES} m-lines")]
    TooLong,
}

/// Why a session cannot be had although its SDP is readable: answer 488.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAcceptable {
    /// No `m=audio`, or its port is 0.
    #[error("no audio stream")]
    NoAudio,
    /// Audio only by a transport that we do not speak, or that this leg must not: `UDP/TLS/RTP/SAVP`,
    /// `RTP/SAVP` where keys cannot be told.
    #[error("audio only by {0}")]
    Profile(String),
    /// The `c=` line is missing or holds no IP address; names are not looked up.
    #[error("connection address {0:?}")]
    Address(String),
    /// No codec in common.
    #[error("no codec in common")]
    NoCodec,
    /// This leg must be encrypted, and no key for it came.
    #[error("no key for SRTP")]
    NoKey,
}

/// No session worth having has more m-lines; each is mirrored in the answer.
const MOST_LINES: usize = 64;

/// One session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub origin: Origin,
    /// All m-lines in order: an answer must have as many (RFC 3264 §6).
    pub lines: Vec<MediaLine>,
    /// The first m-line that we can use, or why there is none.
    pub audio: Result<Audio, NotAcceptable>,
    /// Further ones: some phones offer their audio twice, encrypted and plain.
    pub alternatives: Vec<Audio>,
}

/// What we compare of an `o=` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub session_id: String,
    /// Counts up with each change of the description.
    pub version: u64,
}

/// One m-line, as it is mirrored where it is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaLine {
    /// `audio`, `video`, `image` …
    pub media: String,
    pub port: u16,
    /// `RTP/AVP`, `udptl` …
    pub protocol: String,
    /// The rest of the line: `0 8 101`.
    pub formats: String,
}

/// An audio stream as its peer describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// Which of [`Session::lines`] it is, counted from 0.
    pub line: usize,
    /// Where the peer wants RTP. `0.0.0.0` and `::` are the old way of hold (RFC 3264 §8.4) and
    /// show in `direction`.
    pub address: SocketAddr,
    /// Where the peer wants RTCP: `a=rtcp` (RFC 3605), or the port above RTP's.
    pub rtcp: SocketAddr,
    /// The peer could take RTCP on the RTP port (RFC 5761); we never agree to it.
    pub rtcp_mux: bool,
    /// In the peer's order of preference. Dynamic types without `a=rtpmap` are left out.
    pub payloads: Vec<Payload>,
    /// Payload type of RFC 4733 events at 8000 Hz.
    pub telephone_event: Option<u8>,
    /// As the peer sees it.
    pub direction: Direction,
    pub profile: Profile,
    /// Keys for SRTP that we can use (RFC 4568), in the peer's order.
    pub crypto: Vec<Crypto>,
    /// `a=ptime`, where it is 10 to 60 ms.
    pub ptime_ms: Option<u16>,
}

/// Whether RTP is encrypted, as the m-line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `RTP/AVP`; with keys beside it, the peer would rather encrypt.
    Plain,
    /// `RTP/SAVP`.
    Secure,
}

/// One payload type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// 0 to 127.
    pub payload_type: u8,
    /// As written: `PCMA`, `pcmu`, `opus`.
    pub encoding: String,
    /// Hz.
    pub clock_rate: u32,
    pub channels: u8,
    /// The value of `a=fmtp`, without the payload type.
    pub fmtp: Option<String>,
}

/// Who sends, seen from the side that says it (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same stream seen from its other end.
    pub fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow.
    pub fn and(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The attribute's name: `sendrecv`.
    pub fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|d| d.word().eq_ignore_ascii_case(word))
    }
}

/// Reads a session description. Fails only where nothing can be made of the text; a session that
/// we cannot have says so in [`Session::audio`].
pub fn read(bytes: &[u8]) -> Result<Session, BadSdp> {
    let text = repaired(bytes);
    let parsed = sdp_types::Session::parse(text.as_bytes()).map_err(|e| BadSdp::Malformed(e.to_string()))?;
    if parsed.medias.len() > MOST_LINES {
        return Err(BadSdp::TooLong);
    }
    let lines = parsed
        .medias
        .iter()
        .map(|m| MediaLine {
            media: m.media.clone(),
            port: m.port,
            protocol: m.proto.clone(),
            formats: m.fmt.clone(),
        })
        .collect();
    let mut audio = Err(NotAcceptable::NoAudio);
    let mut alternatives = Vec::new();
    for (line, media) in parsed.medias.iter().enumerate() {
        if !media.media.eq_ignore_ascii_case("audio") || media.port == 0 {
            continue;
        }
        let read = read_audio(line, media, &parsed);
        match (&audio, read) {
            (Err(_), read) => audio = read,
            (Ok(_), Ok(another)) => alternatives.push(another),
            (Ok(_), Err(_)) => {}
        }
    }
    let origin = Origin { session_id: parsed.origin.sess_id, version: parsed.origin.sess_version };
    Ok(Session { origin, lines, audio, alternatives })
}

fn read_audio(
    line: usize,
    media: &sdp_types::Media,
    session: &sdp_types::Session,
) -> Result<Audio, NotAcceptable> {
    // AVPF differs from AVP in when RTCP may be sent, which binds the peer, not us (RFC 4585 §3.1).
    let profiles = [
        ("RTP/AVP", Profile::Plain),
        ("RTP/AVPF", Profile::Plain),
        ("RTP/SAVP", Profile::Secure),
        ("RTP/SAVPF", Profile::Secure),
    ];
    let known = profiles.iter().find(|(name, _)| media.proto.eq_ignore_ascii_case(name));
    let crypto: Vec<Crypto> = media
        .attributes
        .iter()
        .filter(|a| a.attribute.eq_ignore_ascii_case("crypto"))
        .filter_map(|a| Crypto::read(a.value.as_deref()?))
        .collect();
    let profile = match known {
        Some((_, Profile::Plain)) => Profile::Plain,
        Some((_, Profile::Secure)) if !crypto.is_empty() => Profile::Secure,
        Some((_, Profile::Secure)) | None => return Err(NotAcceptable::Profile(media.proto.clone())),
    };
    let connection = media.connections.first().or(session.connection.as_ref());
    let ip = match connection {
        Some(connection) => ip(&connection.connection_address)
            .ok_or_else(|| NotAcceptable::Address(connection.connection_address.clone()))?,
        None => return Err(NotAcceptable::Address(String::new())),
    };
    let payloads = read_payloads(media);
    let telephone_event = payloads
        .iter()
        .find(|p| p.encoding.eq_ignore_ascii_case("telephone-event") && p.clock_rate == 8000)
        .map(|p| p.payload_type);
    let said = media
        .attributes
        .iter()
        .chain(&session.attributes)
        .find_map(|a| Direction::read(a.attribute.trim()))
        .unwrap_or(Direction::SendRecv);
    // RFC 3264 §8.4: who asks for media at 0.0.0.0 takes none.
    let direction = if ip.is_unspecified() { said.and(Direction::SendOnly) } else { said };
    Ok(Audio {
        line,
        address: SocketAddr::new(ip, media.port),
        rtcp: read_rtcp(media, ip),
        rtcp_mux: media.has_attribute("rtcp-mux"),
        payloads,
        telephone_event,
        direction,
        profile,
        crypto,
        ptime_ms: value(media, "ptime")
            .and_then(|v| v.split('.').next()?.trim().parse().ok())
            .filter(|ms| (10..=60).contains(ms)),
    })
}

/// `a=rtcp:53020` or `a=rtcp:53020 IN IP6 2001:db8::1`; otherwise the port above RTP's.
fn read_rtcp(media: &sdp_types::Media, ip: IpAddr) -> SocketAddr {
    let mut words = value(media, "rtcp").unwrap_or("").split_whitespace();
    let port = words.next().and_then(|port| port.parse().ok()).filter(|port| *port != 0);
    let own = words.nth(2).and_then(self::ip);
    SocketAddr::new(own.unwrap_or(ip), port.unwrap_or(media.port.saturating_add(1)))
}

fn read_payloads(media: &sdp_types::Media) -> Vec<Payload> {
    let mapped = |name: &str, payload_type: u8| {
        media
            .attributes
            .iter()
            .filter(|a| a.attribute.eq_ignore_ascii_case(name))
            .filter_map(|a| a.value.as_deref()?.trim().split_once(char::is_whitespace))
            .find(|(pt, _)| pt.parse() == Ok(payload_type))
            .map(|(_, rest)| rest.trim().to_owned())
    };
    let mut found: Vec<Payload> = Vec::new();
    for payload_type in media.fmt.split_whitespace().filter_map(|t| t.parse::<u8>().ok()) {
        if payload_type > 127 || found.iter().any(|p| p.payload_type == payload_type) {
            continue;
        }
        let known = mapped("rtpmap", payload_type)
            .and_then(|map| read_rtpmap(&map))
            .or_else(|| static_payload(payload_type).map(|(name, rate)| (name.to_owned(), rate, 1)));
        if let Some((encoding, clock_rate, channels)) = known {
            let fmtp = mapped("fmtp", payload_type);
            found.push(Payload { payload_type, encoding, clock_rate, channels, fmtp });
        }
    }
    found
}

/// `PCMA/8000`, `opus/48000/2`.
fn read_rtpmap(text: &str) -> Option<(String, u32, u8)> {
    let mut parts = text.split('/');
    let encoding = parts.next().map(str::trim).filter(|name| !name.is_empty())?;
    let clock_rate = parts.next()?.trim().parse().ok()?;
    let channels = parts.next().and_then(|c| c.trim().parse().ok()).unwrap_or(1);
    Some((encoding.to_owned(), clock_rate, channels))
}

/// Static payload types of audio that telephones use (RFC 3551 §6): name and clock rate.
fn static_payload(payload_type: u8) -> Option<(&'static str, u32)> {
    Some(match payload_type {
        0 => ("PCMU", 8000),
        3 => ("GSM", 8000),
        4 => ("G723", 8000),
        8 => ("PCMA", 8000),
        9 => ("G722", 8000),
        13 => ("CN", 8000),
        15 => ("G728", 8000),
        18 => ("G729", 8000),
        _ => return None,
    })
}

fn value<'a>(media: &'a sdp_types::Media, name: &str) -> Option<&'a str> {
    media
        .attributes
        .iter()
        .find(|a| a.attribute.eq_ignore_ascii_case(name))
        .and_then(|a| a.value.as_deref())
        .map(str::trim)
}

/// An address with or without a multicast suffix (`/127`), or in the brackets that some write.
fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.split('/').next().unwrap_or(text);
    bare.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// The lines that we read, in a form that `sdp-types` takes. Everything that says nothing of audio
/// (`b=`, `k=`, `t=` …) is left out, so that an oddity in it cannot cost a call.
fn repaired(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Each Latin-1 byte is the code point of the same number.
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    let text = text.replace('\0', "");
    let mut out = String::with_capacity(text.len());
    let mut in_media = false;
    let mut seen = String::new();
    for line in text.trim_start_matches('\u{feff}').split(['\r', '\n']) {
        let Some((kind, value)) = line.trim().split_once('=') else { continue };
        let value = value.trim();
        let repaired = match kind.trim() {
            "v" => Some("0".to_owned()),
            "o" => repaired_origin(value),
            "s" => Some("-".to_owned()),
            "c" => Some(value.split_whitespace().take(3).collect::<Vec<_>>().join(" ")),
            "m" => Some(repaired_media(value)),
            "a" if !value.is_empty() => Some(value.to_owned()),
            _ => None,
        };
        let Some(repaired) = repaired else { continue };
        let kind = kind.trim();
        let doubled = match kind {
            "v" | "o" | "s" => seen.contains(kind),
            "c" => !in_media && seen.contains(kind),
            _ => false,
        };
        if doubled {
            continue;
        }
        in_media |= kind == "m";
        seen.push_str(kind);
        out.push_str(kind);
        out.push('=');
        out.push_str(&repaired);
        out.push_str("\r\n");
    }
    out
}

/// An `o=` line with six fields whatever came: blanks in the user name, a missing address, numbers
/// beyond 64 bits. Nothing of it but id and version is ever used.
fn repaired_origin(value: &str) -> Option<String> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let net = words.iter().rposition(|w| w.eq_ignore_ascii_case("IN")).unwrap_or(words.len());
    let numbers: Vec<&str> = words.iter().take(net).skip(1).copied().collect();
    let (id, version) = match numbers.as_slice() {
        [.., id, version] => (*id, *version),
        [id] => (*id, "0"),
        [] => return None,
    };
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    let tail = digits.get(digits.len().saturating_sub(18)..).unwrap_or("");
    let version: u64 = tail.parse().unwrap_or(0);
    Some(format!("- {id} {version} IN IP4 0.0.0.0"))
}

/// An m-line with single blanks and at least one format.
fn repaired_media(value: &str) -> String {
    let mut words: Vec<&str> = value.split_whitespace().collect();
    if words.len() == 3 {
        words.push("0");
    }
    words.join(" ")
}

#[cfg(test)]
pub(in crate::sip) mod tests;
