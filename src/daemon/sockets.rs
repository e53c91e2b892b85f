//! The wire: UDP sockets, TCP listeners and connections. Nothing here waits for a peer: what can't be
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
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
    task::AbortHandle,
};

use super::clock;
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
    pub(super) async fn bind(binds: &[Bind], wire: mpsc::Sender<Wire>) -> anyhow::Result<Self> {
        let mut sockets = Self {
            listeners: Vec::new(),
            udp: HashMap::new(),
            flows: BTreeMap::new(),
            by_peer: HashMap::new(),
            numbers: Arc::new(AtomicU64::new(1)),
            wire,
        };
        for (index, bind) in binds.iter().enumerate() {
            let id = ListenerId(u8::try_from(index).context("more than 256 listeners")?);
            let what = || format!("can't listen on {} {}", bind.transport.via_name(), bind.address);
            let bound = match bind.transport {
                Transport::Udp => sockets.bind_udp(id, bind.address).await.with_context(what)?,
                Transport::Tcp | Transport::Tls => {
                    sockets.bind_tcp(id, bind.address).await.with_context(what)?
                }
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

    async fn bind_tcp(&mut self, id: ListenerId, address: SocketAddr) -> io::Result<SocketAddr> {
        let listening = socket(address, socket2::Type::STREAM)?;
        listening.listen(BACKLOG)?;
        let listener = TcpListener::from_std(listening.into())?;
        let bound = listener.local_addr()?;
        let wire = self.wire.clone();
        tokio::spawn(accept(id, listener, wire, Arc::clone(&self.numbers)));
        Ok(bound)
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
        let task = tokio::spawn(async move {
            let connected = tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(hop.remote)).await;
            let open = Hop { flow: Some(flow), ..hop };
            match connected {
                Ok(Ok(stream)) => talk(stream, open, queue, &wire, None).await,
                Ok(Err(_)) | Err(_) => tell(&wire, Wire::SendFailed { hop }).await,
            }
            tell(&wire, Wire::Closed { flow }).await;
        });
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

async fn accept(id: ListenerId, listener: TcpListener, wire: mpsc::Sender<Wire>, numbers: Arc<AtomicU64>) {
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
        let hop = Hop { transport: Transport::Tcp, listener: id, remote, flow: Some(flow) };
        let (writer, queue) = mpsc::channel(STREAM_QUEUE);
        let to_loop = wire.clone();
        let (go, started) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            // The loop must know the connection before its first message.
            if started.await.is_ok() {
                talk(stream, hop, queue, &to_loop, Some(FIRST_MESSAGE)).await;
            }
            tell(&to_loop, Wire::Closed { flow }).await;
        });
        tell(&wire, Wire::Opened { flow, key: (Transport::Tcp, remote), writer, task: task.abort_handle() })
            .await;
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
    stream: TcpStream,
    hop: Hop,
    mut queue: mpsc::Receiver<Bytes>,
    wire: &mpsc::Sender<Wire>,
    patience: Option<Duration>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "nodelay");
    }
    let (mut reader, mut writer) = stream.into_split();
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
            if written.is_err() {
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
        (Sockets::bind(&binds, wire).await.unwrap(), said)
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
}
