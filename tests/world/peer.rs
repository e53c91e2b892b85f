//! A peer: a phone, the carrier with all its subscribers, a stranger. Each is a user agent with a
//! script: what it does, how many seconds after an INVITE came or went.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use bytes::Bytes;
use hotlined::sip::{
    message::{Headers, Status},
    offer::{self, AudioCodec, Local},
    sdes::Protection,
    sdp,
    ua::{Credentials, UsageId, UserAgent},
};

use super::{setup, watch::Notified};

/// One thing that a peer does in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// 180.
    Ring,
    /// 183 with SDP.
    EarlyMedia,
    Answer,
    /// 300 to 699.
    Refuse(u16),
    /// 302 to that number.
    Redirect(&'static str),
    /// A key, as RFC 4733 brings it.
    Press(char),
    /// CANCEL, BYE or a refusal, whatever is due.
    HangUp,
    /// REFER: whom it talks with shall talk with that number (RFC 3515).
    Transfer(&'static str),
    /// REFER with the dialog of its other call (RFC 3891).
    Attend,
    /// A re-INVITE with `sendonly`.
    Hold,
    Resume,
    /// From now on neither sends nor hears.
    Vanish,
}

/// What a peer does: seconds after the INVITE, and the move.
pub(crate) type Script = Vec<(f64, Move)>;

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) ua: UserAgent,
    pub(crate) credentials: Option<Credentials>,
    /// Neither sends nor hears.
    pub(crate) gone: bool,
    /// What it does when called, by the number called; `""` for all others.
    pub(crate) scripts: BTreeMap<String, Script>,
    /// What it does from the second call of a number on.
    pub(crate) then: BTreeMap<String, Script>,
    pub(crate) calls: BTreeMap<UsageId, PeerCall>,
    /// How it answers the next REGISTERs; then 200.
    pub(crate) registrar: VecDeque<(u16, Headers)>,
    /// What its keys were told.
    pub(crate) notified: Vec<Notified>,
    /// Every message that reached it, in text; for peers that scenarios speak for.
    pub(crate) heard: Vec<String>,
    /// Speaks for itself; a user agent would answer strangers' texts with its own.
    pub(crate) bare: bool,
}

/// One call as its peer sees it.
#[derive(Debug)]
pub(crate) struct PeerCall {
    /// Called us.
    pub(crate) calls_us: bool,
    pub(crate) answered: bool,
    pub(crate) over: bool,
    /// The SDP offer to answer.
    pub(crate) offer: Option<Bytes>,
    /// Where our media listens for this peer.
    pub(crate) port: Option<u16>,
    version: u64,
    sent: Bytes,
}

impl PeerCall {
    pub(crate) fn new(calls_us: bool, offer: Option<Bytes>) -> Self {
        let mut call = Self {
            calls_us,
            answered: false,
            over: false,
            offer: None,
            port: None,
            version: 1,
            sent: Bytes::new(),
        };
        if let Some(offer) = offer {
            call.hears(&offer);
            call.offer = Some(offer);
        }
        call
    }

    /// Takes our address out of a session description.
    pub(crate) fn hears(&mut self, description: &[u8]) {
        let audio = sdp::read(description).ok().and_then(|session| session.audio.ok());
        self.port = audio.map(|audio| audio.address.port()).or(self.port);
    }

    fn local(&self, address: SocketAddr) -> Local {
        Local {
            address: SocketAddr::new(address.ip(), 40_000),
            session_id: 1,
            version: self.version,
            protection: Protection::Off,
        }
    }

    /// An offer of its own.
    pub(crate) fn offers(&mut self, address: SocketAddr, direction: sdp::Direction) -> Bytes {
        let mut local = self.local(address);
        let write = |local: &Local| offer::offer(local, &[AudioCodec::Pcma], direction);
        let bytes = if self.sent.is_empty() { write(&local) } else { local.settle(&self.sent, write) };
        self.version = local.version;
        self.sent = bytes.clone();
        bytes
    }

    /// Its answer to an offer; an offer where there is none.
    pub(crate) fn answers(&mut self, address: SocketAddr) -> Bytes {
        let offer = self.offer.clone();
        let session = offer.and_then(|offer| sdp::read(&offer).ok());
        let both = sdp::Direction::SendRecv;
        let Some(session) = session else { return self.offers(address, both) };
        match offer::answer(&session, &self.local(address), &[AudioCodec::Pcma, AudioCodec::Pcmu], both) {
            Ok((bytes, _)) => {
                self.sent = bytes.clone();
                bytes
            }
            Err(_) => Bytes::new(),
        }
    }
}

impl Peer {
    pub(crate) fn new(name: &str, address: SocketAddr, seed: u64) -> Self {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..10].copy_from_slice(&address.port().to_le_bytes());
        if let SocketAddr::V4(v4) = address {
            bytes[10..14].copy_from_slice(&v4.ip().octets());
        }
        Self {
            name: name.to_owned(),
            address,
            ua: UserAgent::new(setup::ua(address, "peer"), bytes),
            credentials: None,
            gone: false,
            scripts: BTreeMap::new(),
            then: BTreeMap::new(),
            calls: BTreeMap::new(),
            registrar: VecDeque::new(),
            notified: Vec::new(),
            heard: Vec::new(),
            bare: false,
        }
    }

    /// What it does when that number is called.
    pub(crate) fn script(&self, number: &str) -> Script {
        self.scripts.get(number).or_else(|| self.scripts.get("")).cloned().unwrap_or_default()
    }

    pub(crate) fn status(code: u16) -> Status {
        Status::new(code).expect("scenarios name statuses that exist")
    }
}
