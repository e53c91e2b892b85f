//! One SIP endpoint over a real UDP socket: a desk phone, a mobile, or a carrier's whole side. It
//! is what the demo, the wire tests and the load generators play against the daemon.
//!
//! It decides nothing by itself beyond what the protocol asks: an INVITE waits until its [`Call`] is
//! told to ring, answer or refuse; a re-INVITE is answered at once. It never talks to the daemon by
//! any other way than its socket.
//!
//! Reading starts at [`Endpoint::bind`]; the loop behind it is in `endpoint/line.rs`, RTP in `audio.rs`.

mod line;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot},
};

use self::line::{Line, Order, Station};
use super::audio::{Audio, Heard, Played};
use crate::sip::{
    hop::{Hop, Listener, ListenerId, Transport},
    message::{HeaderName, Headers, Method, Request, Status},
    offer::{self, Agreed, AudioCodec, Local},
    sdes::Protection,
    sdp::Direction,
    text::Malformed,
    ua::{Credentials, Ended, InviteRefused, NoAnswer, Outgoing, UaSettings},
    uri::{NameAddr, Uri},
};

/// A message that an endpoint sent or received, for a ladder.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    /// The endpoint's name.
    pub endpoint: String,
    pub way: Way,
    /// `INVITE 4001234567`, `180 Ringing`.
    pub words: String,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Sent,
    Received,
}

/// What happened to a call, in order.
#[derive(Debug)]
pub enum CallEvent {
    /// 101 to 199 for our INVITE.
    Progress(Status),
    /// 2xx for our INVITE; it was acknowledged.
    Answered(Agreed),
    /// Our INVITE ended without a dialog.
    Refused(InviteRefused),
    /// The peer took its INVITE back; 487 was sent.
    Cancelled,
    /// The peer's ACK for our 200.
    Acknowledged,
    /// A re-INVITE or UPDATE of either side changed the session.
    Changed(Agreed),
    /// Our re-INVITE was refused; the session goes on as it was.
    ChangeRefused(Status),
    /// The dialog is over.
    Ended(Ended),
}

/// Why an endpoint could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No socket.
    #[error("no socket")]
    Socket(#[from] io::Error),
    /// A number or name that makes no SIP address.
    #[error("no SIP address")]
    Address(#[from] Malformed),
    /// Nobody answered a REGISTER.
    #[error("no answer: {0:?}")]
    NoAnswer(NoAnswer),
    /// The endpoint's loop has ended with its runtime.
    #[error("the endpoint has ended")]
    Over,
    /// Nothing came in time.
    #[error("nothing came within {0:?}")]
    Late(Duration),
}

/// Who an endpoint is.
#[derive(Debug, Clone)]
pub struct Account {
    /// In ladders: `carrier`, `801`.
    pub name: String,
    /// User part of its Contact, and its user for digest.
    pub user: String,
    /// Given where it registers.
    pub password: Option<String>,
}

/// A running endpoint. It ends when it and all its calls are dropped.
#[derive(Debug)]
pub struct Endpoint {
    account: Account,
    address: SocketAddr,
    orders: mpsc::UnboundedSender<Order>,
    incoming: mpsc::UnboundedReceiver<Call>,
}

impl Endpoint {
    /// Binds a free port of that address and starts the endpoint on the current runtime. Each message
    /// is told to `seen`; a closed channel is no harm. `seed` makes tags and branches.
    ///
    /// # Errors
    /// The address can't be bound.
    pub async fn bind(
        account: Account,
        ip: IpAddr,
        seen: mpsc::UnboundedSender<Seen>,
        seed: [u8; 32],
    ) -> Result<Self, EndpointError> {
        let socket = UdpSocket::bind((ip, 0)).await?;
        let address = socket.local_addr()?;
        let (orders, orders_in) = mpsc::unbounded_channel();
        let (ring, incoming) = mpsc::unbounded_channel();
        let settings = UaSettings {
            listeners: vec![Listener { id: ListenerId(0), transport: Transport::Udp, advertised: address }],
            product: format!("hotlined-demo/{}", account.name),
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            session_expires: None,
            min_se: Duration::from_secs(90),
            tcp_fallback: false,
        };
        let weak = orders.downgrade();
        let station = Station::new(account.name.clone(), socket, settings, seed, seen, ring, weak);
        tokio::spawn(station.run(orders_in));
        Ok(Self { account, address, orders, incoming })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its name in ladders.
    pub fn name(&self) -> &str {
        &self.account.name
    }

    /// Registers at `server` for so many seconds, with digest where it is asked for; 0 unregisters.
    /// Answers with the final status.
    ///
    /// # Errors
    /// Nobody answered.
    pub async fn register(&self, server: SocketAddr, expires: u32) -> Result<Status, EndpointError> {
        let own = NameAddr::parse(&format!("<sip:{}@{server}>", self.account.user))?;
        let mut headers = Headers::new();
        headers.push(HeaderName::Expires, expires.to_string());
        let to = Outgoing {
            uri: Uri::parse(&format!("sip:{server}"))?,
            hop: hop(server),
            route: Vec::new(),
            from: own.clone(),
            to: own,
            contact_user: self.account.user.clone(),
            headers,
            credentials: self.credentials(),
        };
        let (reply, answer) = oneshot::channel();
        self.order(Order::Request { method: Method::Register, to: Box::new(to), series: Some(1), reply })?;
        answer.await.map_err(|_| EndpointError::Over)?.map_err(EndpointError::NoAnswer)
    }

    /// Calls `number` at `server`. `from` is what stands in From: `"王女士" <sip:13900000000@carrier>`.
    ///
    /// # Errors
    /// No RTP port is free, or a text makes no SIP address.
    pub async fn call(&self, server: SocketAddr, number: &str, from: &str) -> Result<Call, EndpointError> {
        let audio = Audio::bind(self.address.ip())?;
        let local =
            Local { address: audio.address(), session_id: 1, version: 1, protection: Protection::Off };
        let described = offer::offer(&local, &CODECS, Direction::SendRecv);
        let to = Outgoing {
            uri: Uri::parse(&format!("sip:{number}@{server}"))?,
            hop: hop(server),
            route: Vec::new(),
            from: NameAddr::parse(from)?,
            to: NameAddr::parse(&format!("<sip:{number}@{server}>"))?,
            contact_user: self.account.user.clone(),
            headers: Headers::new(),
            credentials: self.credentials(),
        };
        let (events, heard) = mpsc::unbounded_channel();
        let (reply, usage) = oneshot::channel();
        let line = Line::new(local, described, events);
        self.order(Order::Invite { to: Box::new(to), line: Box::new(line), reply })?;
        let usage = usage.await.map_err(|_| EndpointError::Over)?;
        Ok(Call { usage, orders: self.orders.clone(), events: heard, invite: None, audio })
    }

    /// The next INVITE that comes to it.
    ///
    /// # Errors
    /// None came in time.
    pub async fn incoming(&mut self, patience: Duration) -> Result<Call, EndpointError> {
        let call = tokio::time::timeout(patience, self.incoming.recv()).await;
        call.map_err(|_| EndpointError::Late(patience))?.ok_or(EndpointError::Over)
    }

    fn credentials(&self) -> Option<Credentials> {
        let password = self.account.password.clone()?;
        Some(Credentials { user: self.account.user.clone(), password })
    }

    fn order(&self, order: Order) -> Result<(), EndpointError> {
        self.orders.send(order).map_err(|_| EndpointError::Over)
    }
}

/// What endpoints speak: the recorder's figures are about A-law.
pub(super) const CODECS: [AudioCodec; 1] = [AudioCodec::Pcma];

fn hop(remote: SocketAddr) -> Hop {
    Hop { transport: Transport::Udp, listener: ListenerId(0), remote, flow: None }
}

/// One call of an endpoint, out or in. Dropping it does not hang up.
#[derive(Debug)]
pub struct Call {
    usage: crate::sip::ua::UsageId,
    orders: mpsc::UnboundedSender<Order>,
    events: mpsc::UnboundedReceiver<CallEvent>,
    /// The peer's INVITE, where it called us.
    pub invite: Option<Request>,
    audio: Audio,
}

impl Call {
    /// Answers the peer's INVITE with 180.
    pub fn ring(&self) {
        self.order(Order::Ring(self.usage));
    }

    /// Answers the peer's INVITE with 200.
    pub fn answer(&self) {
        self.order(Order::Answer(self.usage));
    }

    /// Answers the peer's INVITE with 300 to 699.
    pub fn refuse(&self, status: Status) {
        self.order(Order::Refuse(self.usage, status));
    }

    /// CANCEL, BYE or 480, whichever fits the call's state.
    pub fn hang_up(&self) {
        self.order(Order::HangUp(self.usage));
    }

    /// Re-INVITE: `SendOnly` holds the peer, `SendRecv` takes it back.
    pub fn offer(&self, direction: Direction) {
        self.order(Order::Offer(self.usage, direction));
    }

    fn order(&self, order: Order) {
        // The endpoint ends only with its runtime, and then nobody waits for the call either.
        let _ = self.orders.send(order);
    }

    /// What happened next.
    ///
    /// # Errors
    /// Nothing did in time.
    pub async fn event(&mut self, patience: Duration) -> Result<CallEvent, EndpointError> {
        let event = tokio::time::timeout(patience, self.events.recv()).await;
        let event = event.map_err(|_| EndpointError::Late(patience))?.ok_or(EndpointError::Over)?;
        if let CallEvent::Answered(agreed) | CallEvent::Changed(agreed) = &event {
            self.audio.agreed(agreed);
        }
        Ok(event)
    }

    /// Waits for the event that `wanted` knows, over all others, and returns it.
    ///
    /// # Errors
    /// It did not come in time.
    pub async fn until(
        &mut self,
        patience: Duration,
        wanted: impl Fn(&CallEvent) -> bool,
    ) -> Result<CallEvent, EndpointError> {
        let wait = async {
            loop {
                let event = self.event(patience).await?;
                if wanted(&event) {
                    return Ok(event);
                }
            }
        };
        tokio::time::timeout(patience, wait).await.map_err(|_| EndpointError::Late(patience))?
    }

    /// Sends `payload` (PCMA, one byte a sample) as packets of 20 ms, the first at `at`. Returns when
    /// the last was sent.
    ///
    /// # Errors
    /// Nothing was agreed yet, or the socket failed.
    pub async fn play(&mut self, payload: &[u8], at: Instant) -> io::Result<Played> {
        self.audio.play(payload, at).await
    }

    /// Presses a key for 100 ms (RFC 4733).
    ///
    /// # Errors
    /// Nothing was agreed yet, or telephone-event was not; or the socket failed.
    pub async fn press(&mut self, digit: char) -> io::Result<()> {
        self.audio.press(digit).await
    }

    /// Every RTP packet so far, in order of arrival.
    pub fn heard(&self) -> Vec<Heard> {
        self.audio.heard()
    }
}

/// The description that an endpoint answers an offer with.
fn answer(offer: &[u8], local: &Local) -> Option<(Bytes, Agreed)> {
    let session = crate::sip::sdp::read(offer).ok()?;
    offer::answer(&session, local, &CODECS, Direction::SendRecv).ok()
}
