//! Where a message came from and where it goes: transport, listener, address, connection.

use std::net::SocketAddr;

/// How a message travels (RFC 3261 §18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    /// Whether the transport itself retransmits (RFC 3261 §17: timers A, E and G stay silent then).
    pub fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// The word in a Via: `UDP`, `TCP`, `TLS`.
    pub fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// 5060, or 5061 for TLS (RFC 3261 §19.1.2).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }
}

/// One of the sockets that the daemon listens on, by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub u8);

/// One stream connection, given out by the daemon and never reused in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// A listener and the address that peers are told to use for it (Via sent-by, Contact).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    pub id: ListenerId,
    pub transport: Transport,
    /// What peers are told; never a wildcard address.
    pub advertised: SocketAddr,
}

/// One hop of a message: through which listener, to or from which address, on which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hop {
    pub transport: Transport,
    pub listener: ListenerId,
    pub remote: SocketAddr,
    /// The stream connection that the message came on, or shall go out on. `None` on UDP, and on a
    /// stream that the daemon shall open (or re-use) to `remote`.
    pub flow: Option<FlowId>,
}
