//! The wire: UDP sockets, TCP and TLS listeners and connections. Nothing here waits for a peer: what can't be
//! sent at once on UDP is dropped (SIP sends it again), a stream that does not keep up is closed.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    runtime::Runtime,
    sync::{Semaphore, mpsc, watch},
    task::AbortHandle,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{
    clock,
    tls::{TlsSetup, TrunkTls},
};
use crate::sip::{
    framing::{Frame, Framer},
    hop::{FlowId, Hop, Listener, ListenerId, Transport},
    parse,
};

/// What the wire tells the loop. The queue to the loop holds [`QUEUE`] of these.
#[derive(Debug)]
pub(super) enum Wire {
    Received { hop: Hop, bytes: Bytes },
    SendFailed { hop: Hop },
    Opened { flow: FlowId, key: (Transport, SocketAddr), writer: mpsc::Sender<Bytes>, task: AbortHandle },
    Closed { flow: FlowId },
}

/// Messages that wait for the loop; more are dropped on UDP and hold the reader up on streams. A turn
/// of the loop takes well under a millisecond, so a full queue means seconds of overload.
pub(super) const QUEUE: usize = 4096;

/// Messages that wait for one stream's peer to read; when full, the stream is closed (`decisions.md` 18).
const STREAM_QUEUE: usize = 128;

/// Connections at once that peers opened, and as many that we opened; more are refused. Strangers who take
/// all of theirs leave ours alone. Bounds the memory at about 200 MB.
const MOST_STREAMS: usize = 1000;

/// Accepted connections of one address: a carrier has a few, phones behind one router one each. Doubled, a
/// stranger holds twice as many places.
const MOST_OF_ONE_PEER: usize = 20;

/// Who connects says something whole within this time, or is closed: an idle connection costs a place.
const FIRST_MESSAGE: Duration = Duration::from_secs(30);

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// A peer that does not accept a connection within this time can't be reached.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// TLS handshakes of peers at once; more are closed. Doubled, strangers can take twice the processor time.
const HANDSHAKES: usize = 64;

/// A handshake takes three messages; who is not done by then is no telephone.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// The largest datagram that we read; RFC 3261 §18.1.1 allows the whole of UDP.
const DATAGRAM: usize = 65_535;

/// A socket to listen on, as the settings say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bind {
    pub(super) transport: Transport,
    pub(super) address: SocketAddr,
    /// What peers are told; found out where it is not given.
    pub(super) advertise: Option<SocketAddr>,
}

/// All sockets of the daemon.
#[derive(Debug)]
pub(super) struct Sockets {
    listeners: Vec<Listener>,
    udp: HashMap<ListenerId, Arc<UdpSocket>>,
    flows: BTreeMap<FlowId, Flow>,
    by_peer: HashMap<(Transport, SocketAddr), FlowId>,
    numbers: Arc<AtomicU64>,
    wire: mpsc::Sender<Wire>,
    tls: TlsSetup,
    /// Trunks' servers that were found, with their trunk.
    tls_servers: HashMap<SocketAddr, String>,
    /// The thread of TLS connections; there from the first need of one.
    tls_thread: Option<Runtime>,
    handshakes: Arc<Semaphore>,
}

impl Drop for Sockets {
    fn drop(&mut self) {
        if let Some(runtime) = self.tls_thread.take() {
            // Waiting for it is not allowed here, and nobody needs it.
            runtime.shutdown_background();
        }
    }
}

#[derive(Debug)]
struct Flow {
    opened_by: OpenedBy,
    key: (Transport, SocketAddr),
    writer: mpsc::Sender<Bytes>,
    task: AbortHandle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenedBy {
    Peer,
    Us,
}

impl Sockets {
    /// Binds everything, and starts to read.
    pub(super) async fn bind(
        binds: &[Bind],
        tls: TlsSetup,
        wire: mpsc::Sender<Wire>,
    ) -> anyhow::Result<Self> {
        let mut sockets = Self {
            listeners: Vec::new(),
            udp: HashMap::new(),
            flows: BTreeMap::new(),
            by_peer: HashMap::new(),
            numbers: Arc::new(AtomicU64::new(1)),
            wire,
            tls_servers: tls.addresses.iter().cloned().collect(),
            tls_thread: None,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            tls,
        };
        if sockets.tls.server.is_some() || !sockets.tls.trunks.is_empty() {
            let thread = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("tls")
                .enable_all()
                .build()
                .context("no thread for TLS")?;
            sockets.tls_thread = Some(thread);
        }
        for (index, bind) in binds.iter().enumerate() {
            let id = ListenerId(u8::try_from(index).context("more than 256 listeners")?);
            let what = || format!("can't listen on {} {}", bind.transport.via_name(), bind.address);
            let bound = match bind.transport {
                Transport::Udp => sockets.bind_udp(id, bind.address).await.with_context(what)?,
                Transport::Tcp => sockets.bind_tcp(id, bind.address).with_context(what)?,
                Transport::Tls => sockets.bind_tls(id, bind.address).with_context(what)?,
            };
            let advertised = match bind.advertise {
                Some(address) if address.port() == 0 => SocketAddr::new(address.ip(), bound.port()),
                Some(address) => address,
                None => reachable(bound),
            };
            sockets.listeners.push(Listener { id, transport: bind.transport, advertised });
        }
        Ok(sockets)
    }

    pub(super) fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    async fn bind_udp(&mut self, id: ListenerId, address: SocketAddr) -> io::Result<SocketAddr> {
        let socket = UdpSocket::from_std(socket(address, socket2::Type::DGRAM)?.into())?;
        // A burst of calls must fit while the loop is busy; the kernel's default holds about 200.
        let wanted = socket2::SockRef::from(&socket);
        if let Err(error) = wanted.set_recv_buffer_size(4 << 20) {
            tracing::warn!(%error, "receive buffer stays small");
        }
        // Until the runtime has seen it writable, every send would be refused.
        socket.writable().await?;
        let bound = socket.local_addr()?;
        let socket = Arc::new(socket);
        self.udp.insert(id, Arc::clone(&socket));
        let wire = self.wire.clone();
        tokio::spawn(read_datagrams(id, socket, wire));
        Ok(bound)
    }

    fn bind_tcp(&mut self, id: ListenerId, address: SocketAddr) -> io::Result<SocketAddr> {
        let listening = socket(address, socket2::Type::STREAM)?;
        listening.listen(BACKLOG)?;
        let listener = TcpListener::from_std(listening.into())?;
        let bound = listener.local_addr()?;
        let wire = self.wire.clone();
        tokio::spawn(accept(id, listener, None, wire, Arc::clone(&self.numbers)));
        Ok(bound)
    }

    fn bind_tls(&mut self, id: ListenerId, address: SocketAddr) -> io::Result<SocketAddr> {
        let (Some(thread), Some(shown)) = (&self.tls_thread, &self.tls.server) else {
            return Err(io::Error::other("there is no certificate"));
        };
        let listening = socket(address, socket2::Type::STREAM)?;
        listening.listen(BACKLOG)?;
        let _here = thread.enter();
        let listener = TcpListener::from_std(listening.into())?;
        let bound = listener.local_addr()?;
        let secure = Secure { shown: shown.clone(), handshakes: Arc::clone(&self.handshakes) };
        thread.spawn(accept(id, listener, Some(secure), self.wire.clone(), Arc::clone(&self.numbers)));
        Ok(bound)
    }

    /// These are the servers of that trunk; by TLS they are asked for its certificate.
    pub(super) fn found(&mut self, trunk: &str, addresses: &[SocketAddr]) {
        if self.tls.trunks.contains_key(trunk) {
            self.tls_servers.extend(addresses.iter().map(|address| (*address, trunk.to_owned())));
        }
    }

    /// Who must answer there by TLS. A trunk's server may name another port of its own host.
    fn tls_of(&self, remote: SocketAddr) -> Option<TrunkTls> {
        let exactly = self.tls_servers.get(&remote);
        // Of several trunks at one host the first by name, so that it is always the same.
        let host = || {
            let of_host = |trunk: &&String| {
                let same = |(at, of): (&SocketAddr, &String)| at.ip() == remote.ip() && of == *trunk;
                #[expect(
                    clippy::disallowed_methods,
                    reason = "whether there is any; the order does not matter"
                )]
                self.tls_servers.iter().any(same)
            };
            self.tls.trunks.keys().find(of_host)
        };
        self.tls.trunks.get(exactly.or_else(host)?).cloned()
    }

    /// Sends without waiting. What fails at once is reported like what fails later.
    pub(super) fn send(&mut self, hop: Hop, bytes: Bytes) {
        match hop.transport {
            Transport::Udp => self.send_datagram(hop, &bytes),
            Transport::Tcp | Transport::Tls => self.send_stream(hop, bytes),
        }
    }

    fn send_datagram(&self, hop: Hop, bytes: &Bytes) {
        let Some(socket) = self.udp.get(&hop.listener) else { return self.failed(hop) };
        match socket.try_send_to(bytes, hop.remote) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tracing::debug!(peer = %hop.remote, "send buffer full, datagram dropped");
            }
            Err(error) => {
                tracing::debug!(peer = %hop.remote, %error, "not sent");
                self.failed(hop);
            }
        }
    }

    fn send_stream(&mut self, hop: Hop, bytes: Bytes) {
        let key = (hop.transport, hop.remote);
        let known =
            hop.flow.filter(|flow| self.flows.contains_key(flow)).or_else(|| self.by_peer.get(&key).copied());
        if let Some(flow) = known.and_then(|flow| self.flows.get(&flow).map(|f| (flow, f.writer.clone()))) {
            let (flow, writer) = flow;
            if writer.try_send(bytes).is_err() {
                tracing::warn!(peer = %hop.remote, "stream does not keep up, closed");
                self.close(flow);
                self.tell(Wire::Closed { flow });
                self.failed(hop);
            }
            return;
        }
        self.connect(hop, bytes);
    }

    fn connect(&mut self, hop: Hop, first: Bytes) {
        if self.opened_by(OpenedBy::Us) >= MOST_STREAMS {
            return self.failed(hop);
        }
        let flow = FlowId(self.numbers.fetch_add(1, Ordering::Relaxed));
        let (writer, queue) = mpsc::channel(STREAM_QUEUE);
        // The queue is new, so its first place is free.
        if writer.try_send(first).is_err() {
            return self.failed(hop);
        }
        let wire = self.wire.clone();
        let open = Hop { flow: Some(flow), ..hop };
        let connected = tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(hop.remote));
        let task = match hop.transport {
            Transport::Udp => return self.failed(hop),
            Transport::Tcp => tokio::spawn(async move {
                match connected.await {
                    Ok(Ok(stream)) => talk(quick(stream), open, queue, &wire, None).await,
                    Ok(Err(_)) | Err(_) => tell(&wire, Wire::SendFailed { hop }).await,
                }
                tell(&wire, Wire::Closed { flow }).await;
            }),
            Transport::Tls => {
                // A phone's connection is its own to open: nobody could prove that it is the phone.
                let (Some(thread), Some(tls)) = (&self.tls_thread, self.tls_of(hop.remote)) else {
                    tracing::debug!(peer = %hop.remote, "no trunk's server: no TLS connection of ours");
                    return self.failed(hop);
                };
                thread.spawn(async move {
                    match secured(hop.remote, tls).await {
                        Ok(stream) => talk(stream, open, queue, &wire, None).await,
                        Err(error) => {
                            tracing::warn!(peer = %hop.remote, error = format!("{error:#}"), "no TLS connection");
                            tell(&wire, Wire::SendFailed { hop }).await;
                        }
                    }
                    tell(&wire, Wire::Closed { flow }).await;
                })
            }
        };
        let key = (hop.transport, hop.remote);
        self.keep(flow, Flow { opened_by: OpenedBy::Us, key, writer, task: task.abort_handle() });
    }

    /// A connection that a peer opened. One too many is closed.
    pub(super) fn opened(
        &mut self,
        flow: FlowId,
        key: (Transport, SocketAddr),
        writer: mpsc::Sender<Bytes>,
        task: AbortHandle,
    ) {
        let ip = key.1.ip();
        let of_peer = |f: &&Flow| f.opened_by == OpenedBy::Peer && f.key.1.ip() == ip;
        if self.opened_by(OpenedBy::Peer) >= MOST_STREAMS
            || self.flows.values().filter(of_peer).count() >= MOST_OF_ONE_PEER
        {
            tracing::debug!(peer = %key.1, "too many connections, closed");
            task.abort();
            return;
        }
        self.keep(flow, Flow { opened_by: OpenedBy::Peer, key, writer, task });
    }

    fn opened_by(&self, who: OpenedBy) -> usize {
        self.flows.values().filter(|flow| flow.opened_by == who).count()
    }

    fn keep(&mut self, id: FlowId, flow: Flow) {
        self.by_peer.insert(flow.key, id);
        self.flows.insert(id, flow);
    }

    /// Forgets a connection that is gone.
    pub(super) fn close(&mut self, flow: FlowId) {
        if let Some(gone) = self.flows.remove(&flow) {
            gone.task.abort();
            if self.by_peer.get(&gone.key) == Some(&flow) {
                self.by_peer.remove(&gone.key);
            }
        }
    }

    fn failed(&self, hop: Hop) {
        self.tell(Wire::SendFailed { hop });
    }

    /// The loop must not wait for itself: the word goes by a task of its own where the queue is full.
    fn tell(&self, word: Wire) {
        if let Err(mpsc::error::TrySendError::Full(word)) = self.wire.try_send(word) {
            let wire = self.wire.clone();
            tokio::spawn(async move { tell(&wire, word).await });
        }
    }
}

/// The loop is gone only when the daemon ends; then nobody needs the word.
async fn tell(wire: &mpsc::Sender<Wire>, word: Wire) {
    if wire.send(word).await.is_err() {
        tracing::trace!("the loop has ended");
    }
}

async fn read_datagrams(id: ListenerId, socket: Arc<UdpSocket>, wire: mpsc::Sender<Wire>) {
    let mut buffer = vec![0_u8; DATAGRAM];
    let mut dropped = 0_u64;
    loop {
        let (length, remote) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                // ICMP errors of earlier datagrams show here; the socket itself is fine.
                tracing::trace!(%error, "receive");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let Some(datagram) = buffer.get(..length) else { continue };
        if parse::is_keep_alive(datagram) {
            continue;
        }
        let hop = Hop { transport: Transport::Udp, listener: id, remote, flow: None };
        match wire.try_send(Wire::Received { hop, bytes: Bytes::copy_from_slice(datagram) }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                dropped += 1;
                if dropped.is_power_of_two() {
                    tracing::warn!(dropped, "too busy, datagrams dropped");
                }
            }
            Err(mpsc::error::TrySendError::Closed(_)) => return,
        }
    }
}

/// What a TLS listener has at hand for each that connects.
#[derive(Debug, Clone)]
struct Secure {
    shown: watch::Receiver<Arc<ServerConfig>>,
    handshakes: Arc<Semaphore>,
}

impl Secure {
    /// The handshake of one that connected, with the certificate of this moment.
    async fn shake_hands(self, stream: TcpStream) -> anyhow::Result<impl AsyncRead + AsyncWrite + Unpin> {
        let _place = self.handshakes.try_acquire().context("too many handshakes at once")?;
        let shown = Arc::clone(&self.shown.borrow());
        let shaking = TlsAcceptor::from(shown).accept(quick(stream));
        Ok(tokio::time::timeout(HANDSHAKE_PATIENCE, shaking).await.context("took too long")??)
    }
}

/// A connection of ours to a trunk's server that proved who it is.
async fn secured(remote: SocketAddr, tls: TrunkTls) -> anyhow::Result<impl AsyncRead + AsyncWrite + Unpin> {
    let connecting = tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(remote));
    let stream = connecting.await.context("took too long")??;
    let shaking = TlsConnector::from(tls.config).connect(tls.name, quick(stream));
    Ok(tokio::time::timeout(HANDSHAKE_PATIENCE, shaking).await.context("took too long")??)
}

/// Messages are small and wait for nothing.
fn quick(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "nodelay");
    }
    stream
}

async fn accept(
    id: ListenerId,
    listener: TcpListener,
    secure: Option<Secure>,
    wire: mpsc::Sender<Wire>,
    numbers: Arc<AtomicU64>,
) {
    let transport = if secure.is_some() { Transport::Tls } else { Transport::Tcp };
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let flow = FlowId(numbers.fetch_add(1, Ordering::Relaxed));
        let hop = Hop { transport, listener: id, remote, flow: Some(flow) };
        let secure = secure.clone();
        let (writer, queue) = mpsc::channel(STREAM_QUEUE);
        let to_loop = wire.clone();
        let (go, started) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            // The loop must know the connection before its first message.
            match (started.await, secure) {
                (Ok(()), None) => talk(quick(stream), hop, queue, &to_loop, Some(FIRST_MESSAGE)).await,
                (Ok(()), Some(secure)) => match secure.shake_hands(stream).await {
                    Ok(stream) => talk(stream, hop, queue, &to_loop, Some(FIRST_MESSAGE)).await,
                    Err(error) => {
                        tracing::debug!(peer = %remote, error = format!("{error:#}"), "no TLS handshake");
                    }
                },
                (Err(_), _) => {}
            }
            tell(&to_loop, Wire::Closed { flow }).await;
        });
        tell(&wire, Wire::Opened { flow, key: (transport, remote), writer, task: task.abort_handle() }).await;
        if go.send(()).is_err() {
            tracing::trace!("connection was refused");
        }
    }
}

/// A socket bound to this address and to its family alone: `[::]` must leave `0.0.0.0` on the same port
/// to another listener.
fn socket(address: SocketAddr, kind: socket2::Type) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if kind == socket2::Type::STREAM {
        // The port is free again at once after a restart; connections of before may linger.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Reads messages and writes what is queued, until either side has had enough. With a patience, the first
/// message must have come by its end.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    hop: Hop,
    mut queue: mpsc::Receiver<Bytes>,
    wire: &mpsc::Sender<Wire>,
    patience: Option<Duration>,
) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (pong, mut pongs) = mpsc::channel::<()>(1);
    let writing = async {
        loop {
            let written = tokio::select! {
                bytes = queue.recv() => match bytes {
                    Some(bytes) => writer.write_all(&bytes).await,
                    None => return,
                },
                // RFC 5626 §3.5.1: a ping of two CRLF is answered by one.
                Some(()) = pongs.recv() => writer.write_all(b"\r\n").await,
            };
            // A cipher keeps what it has not been told to send.
            if written.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    };
    let reading = async {
        let mut framer = Framer::new();
        let mut buffer = vec![0_u8; 8192];
        let mut silent_until = patience.map(|patience| clock::now().mono + patience);
        loop {
            let read = reader.read(&mut buffer);
            let read = match silent_until {
                Some(until) => match tokio::time::timeout_at(until.into(), read).await {
                    Ok(read) => read,
                    Err(_) => {
                        tracing::debug!(peer = %hop.remote, "connected and said nothing, closed");
                        return;
                    }
                },
                None => read.await,
            };
            let length = match read {
                Ok(0) | Err(_) => return,
                Ok(length) => length,
            };
            framer.push(buffer.get(..length).unwrap_or_default());
            loop {
                match framer.next_frame() {
                    Ok(Some(Frame::Message(bytes))) => {
                        silent_until = None;
                        tell(wire, Wire::Received { hop, bytes }).await;
                    }
                    Ok(Some(Frame::Ping)) => {
                        // One pong at a time is enough.
                        if pong.try_send(()).is_err() {
                            tracing::trace!("pong already due");
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(peer = %hop.remote, %error, "stream closed");
                        return;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
}

/// The address under which others reach a bound socket: itself, or for a wildcard the one that leads
/// out of this machine. Connecting a datagram socket sends nothing.
pub(super) fn reachable(bound: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let (any, far): (SocketAddr, SocketAddr) = if bound.is_ipv4() {
        ((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::new(192, 0, 2, 1), 9).into())
    } else {
        ((Ipv6Addr::UNSPECIFIED, 0).into(), (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into())
    };
    let out = StdUdpSocket::bind(any).and_then(|socket| {
        socket.connect(far)?;
        socket.local_addr()
    });
    let loopback = if bound.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    let found = out.map_or(loopback, |address| address.ip());
    if found.is_loopback() {
        tracing::error!(
            %bound,
            "this machine has no address that leads out of it, so peers are told {found}: set `advertise`"
        );
    }
    SocketAddr::new(found, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::trunk::Verify, daemon::tls};

    async fn bound(addresses: &[&str]) -> (Sockets, mpsc::Receiver<Wire>) {
        let (wire, said) = mpsc::channel(QUEUE);
        let binds: Vec<Bind> = addresses
            .iter()
            .flat_map(|address| [Transport::Udp, Transport::Tcp].map(|transport| (transport, address)))
            .map(|(transport, address)| Bind {
                transport,
                address: address.parse().unwrap(),
                advertise: Some("192.0.2.1:0".parse().unwrap()),
            })
            .collect();
        (Sockets::bind(&binds, TlsSetup::default(), wire).await.unwrap(), said)
    }

    #[tokio::test]
    async fn both_families_can_listen_on_one_port() {
        let (first, _said) = bound(&["0.0.0.0:0"]).await;
        for listener in first.listeners() {
            let kind = match listener.transport {
                Transport::Udp => socket2::Type::DGRAM,
                Transport::Tcp | Transport::Tls => socket2::Type::STREAM,
            };
            let other = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), listener.advertised.port());
            let socket = socket(other, kind).unwrap();
            assert!(socket.only_v6().unwrap());
        }
    }

    #[tokio::test]
    async fn one_peer_cannot_take_all_connections_and_none_of_ours() {
        let (mut sockets, mut said) = bound(&["127.0.0.1:0"]).await;
        let port = sockets.listeners()[1].advertised.port();
        let mut peers = Vec::new();
        for _ in 0..MOST_OF_ONE_PEER + 5 {
            peers.push(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap());
            let Some(Wire::Opened { flow, key, writer, task }) = said.recv().await else { panic!() };
            sockets.opened(flow, key, writer, task);
        }
        assert_eq!(sockets.opened_by(OpenedBy::Peer), MOST_OF_ONE_PEER);
        let refused = peers.last_mut().unwrap();
        assert_eq!(refused.read(&mut [0; 8]).await.unwrap(), 0, "one too many is closed");
        let phone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = phone.local_addr().unwrap();
        let hop = Hop { transport: Transport::Tcp, listener: ListenerId(1), remote, flow: None };
        sockets.send(hop, Bytes::from_static(b"ours"));
        let (mut stream, _) = phone.accept().await.unwrap();
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ours");
    }

    #[tokio::test]
    async fn who_connects_and_says_nothing_whole_is_closed() {
        let (wire, _said) = mpsc::channel(QUEUE);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        peer.write_all(b"INVITE sip:").await.unwrap();
        let (stream, remote) = listener.accept().await.unwrap();
        let hop = Hop { transport: Transport::Tcp, listener: ListenerId(0), remote, flow: Some(FlowId(1)) };
        let (_writer, queue) = mpsc::channel(1);
        talk(stream, hop, queue, &wire, Some(Duration::from_millis(20))).await;
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap_or(0), 0);
    }

    /// A daemon's side with that certificate, and what shows another from then on.
    async fn secure(
        said: mpsc::Sender<Wire>,
        setup: TlsSetup,
    ) -> (Sockets, watch::Sender<Arc<ServerConfig>>) {
        let (shown, seen) = watch::channel(certificate("hotline"));
        let bind = Bind {
            transport: Transport::Tls,
            address: "127.0.0.1:0".parse().unwrap(),
            advertise: Some("127.0.0.1:0".parse().unwrap()),
        };
        let setup = TlsSetup { server: Some(seen), ..setup };
        (Sockets::bind(&[bind], setup, said).await.unwrap(), shown)
    }

    fn certificate(name: &str) -> Arc<ServerConfig> {
        let files = crate::config::settings::Tls {
            certificate: tls::fixture(&format!("{name}.pem")),
            key: tls::fixture(&format!("{name}.key")),
        };
        tls::server(&files).unwrap()
    }

    fn trusting(verify: &Verify, server: SocketAddr) -> TlsSetup {
        TlsSetup {
            server: None,
            trunks: [("carrier".to_owned(), tls::client(verify, "hotline.example").unwrap())].into(),
            addresses: vec![(server, "carrier".to_owned())],
        }
    }

    fn pin_of(name: &str) -> Verify {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        use sha2::Digest;
        let der = CertificateDer::from_pem_file(tls::fixture(&format!("{name}.pem"))).unwrap();
        Verify::Pinned(sha2::Sha256::digest(der.as_ref()).into())
    }

    const PING: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n";

    /// Whether a message of ours reaches a TLS server that is checked this way.
    async fn reaches(
        verify: &Verify,
        server: SocketAddr,
        said: &mut mpsc::Receiver<Wire>,
        at: &mut Sockets,
    ) -> bool {
        let (wire, mut ours) = mpsc::channel(QUEUE);
        let (mut client, _shown) = secure(wire, trusting(verify, server)).await;
        let hop = Hop { transport: Transport::Tls, listener: ListenerId(0), remote: server, flow: None };
        client.send(hop, Bytes::from_static(PING));
        loop {
            tokio::select! {
                Some(word) = said.recv() => match word {
                    Wire::Opened { flow, key, writer, task } => at.opened(flow, key, writer, task),
                    Wire::Received { hop, bytes } => {
                        assert_eq!((hop.transport, &bytes[..]), (Transport::Tls, PING));
                        return true;
                    }
                    Wire::SendFailed { .. } | Wire::Closed { .. } => {}
                },
                Some(word) = ours.recv() => if matches!(word, Wire::SendFailed { .. }) { return false },
            }
        }
    }

    #[tokio::test]
    async fn a_trunks_server_must_prove_who_it_is() {
        let (wire, mut said) = mpsc::channel(QUEUE);
        let (mut server, _shown) = secure(wire, TlsSetup::default()).await;
        let address = server.listeners()[0].advertised;
        for (verify, good) in [
            (Verify::Authorities(tls::fixture("ca.pem")), true),
            (pin_of("hotline"), true),
            (pin_of("renewed"), false),
            (Verify::System, false),
        ] {
            assert_eq!(reaches(&verify, address, &mut said, &mut server).await, good, "{verify:?}");
        }
    }

    #[tokio::test]
    async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_stay() {
        let (wire, mut said) = mpsc::channel(QUEUE);
        let (mut server, shown) = secure(wire, TlsSetup::default()).await;
        let address = server.listeners()[0].advertised;
        let (wire, _ours) = mpsc::channel(QUEUE);
        let (mut old, _) = secure(wire, trusting(&pin_of("hotline"), address)).await;
        let hop = Hop { transport: Transport::Tls, listener: ListenerId(0), remote: address, flow: None };
        let mut answers_to = None;
        for renewed in [false, true] {
            if renewed {
                shown.send_replace(certificate("renewed"));
                assert!(!reaches(&pin_of("hotline"), address, &mut said, &mut server).await);
                assert!(reaches(&pin_of("renewed"), address, &mut said, &mut server).await);
            }
            old.send(hop, Bytes::from_static(PING));
            loop {
                match said.recv().await.unwrap() {
                    Wire::Opened { flow, key, writer, task } => server.opened(flow, key, writer, task),
                    Wire::Received { hop, .. } => {
                        assert_eq!(*answers_to.get_or_insert(hop.flow), hop.flow, "the same connection");
                        break;
                    }
                    Wire::SendFailed { .. } | Wire::Closed { .. } => {}
                }
            }
        }
    }

    #[tokio::test]
    async fn a_stranger_who_speaks_no_tls_gets_no_further_and_delays_nobody() {
        let (wire, mut said) = mpsc::channel(QUEUE);
        let (mut server, _shown) = secure(wire, TlsSetup::default()).await;
        let address = server.listeners()[0].advertised;
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(PING).await.unwrap();
        let _silent = TcpStream::connect(address).await.unwrap();
        assert!(reaches(&pin_of("hotline"), address, &mut said, &mut server).await);
        let mut heard = Vec::new();
        // An alert at most, and the end.
        let _ = stranger.read_to_end(&mut heard).await;
        assert!(!heard.starts_with(b"SIP"));
    }
}
