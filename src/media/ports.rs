//! The range of port pairs and their sockets: which pair is next, and how a pair is bound.
//!
//! Pairs go round: the one given out is always the one that has rested longest, so that a late packet
//! of the last call does not fall into the next one. No chance is involved.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

/// How long a returned pair rests while others are free. A peer that missed our BYE sends on for some
/// seconds; twice as long only means that a small range falls back to its least tired pair earlier.
pub(crate) const QUARANTINE: Duration = Duration::from_secs(5);

/// Expedited Forwarding (RFC 3246) in the upper six bits of the traffic class: phones, switches and
/// routers put voice first.
const EXPEDITED_FORWARDING: u32 = 46 << 2;

/// Even RTP ports whose RTCP port, one above, is in the range as well (RFC 3550 §11).
#[derive(Debug)]
pub(crate) struct PortPool {
    /// Longest rested in front; with the moment of return, `None` where never used.
    resting: VecDeque<(u16, Option<Instant>)>,
}

impl PortPool {
    /// Every pair within `min..=max`.
    pub(crate) fn new(min: u16, max: u16) -> Self {
        let resting = (min..max).filter(|port| port % 2 == 0).map(|port| (port, None)).collect();
        Self { resting }
    }

    /// Pairs that are free, rested or not.
    pub(crate) fn free(&self) -> usize {
        self.resting.len()
    }

    /// The RTP port of the pair that has rested longest. A pair still in [`QUARANTINE`] is given out only
    /// when there is no other: a caller refused is worse than a stray packet, which the source lock keeps out.
    pub(crate) fn take(&mut self) -> Option<u16> {
        self.resting.pop_front().map(|(port, _)| port)
    }

    /// Whether the next pair is still in quarantine at `now`.
    pub(crate) fn is_tired(&self, now: Instant) -> bool {
        let returned = self.resting.front().and_then(|(_, returned)| *returned);
        returned.is_some_and(|returned| now.saturating_duration_since(returned) < QUARANTINE)
    }

    /// Takes a pair back, to the end of the queue.
    pub(crate) fn give_back(&mut self, port: u16, now: Instant) {
        self.resting.push_back((port, Some(now)));
    }
}

/// The two sockets of a leg.
#[derive(Debug)]
pub(crate) struct PortPair {
    pub(crate) port: u16,
    pub(crate) rtp: UdpSocket,
    pub(crate) rtcp: UdpSocket,
}

impl PortPair {
    /// Binds the next free pair on `address`. A pair that another program holds is put back and the next
    /// one is tried; any other error (no descriptors, no such address) ends the search.
    pub(crate) fn bind(pool: &mut PortPool, address: IpAddr, now: Instant) -> Result<Self, String> {
        if pool.is_tired(now) {
            tracing::warn!(
                free = pool.free(),
                "media ports are re-used within their quarantine: widen the range"
            );
        }
        for _ in 0..pool.free() {
            let Some(port) = pool.take() else { break };
            match bind_both(address, port) {
                Ok((rtp, rtcp)) => return Ok(Self { port, rtp, rtcp }),
                Err(error) => {
                    pool.give_back(port, now);
                    if error.kind() != io::ErrorKind::AddrInUse {
                        return Err(format!("media socket on {address}: {error}"));
                    }
                }
            }
        }
        Err("no media port is free".to_owned())
    }
}

fn bind_both(address: IpAddr, port: u16) -> io::Result<(UdpSocket, UdpSocket)> {
    let rtp = bind(SocketAddr::new(address, port))?;
    let rtcp = bind(SocketAddr::new(address, port.saturating_add(1)))?;
    Ok((rtp, rtcp))
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    // The mark is a wish: a network or a container that forbids it still carries the call.
    let _ = match address {
        SocketAddr::V4(_) => socket.set_tos_v4(EXPEDITED_FORWARDING),
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_tclass_v6(EXPEDITED_FORWARDING)
        }
    };
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock;

    fn drain(pool: &mut PortPool) -> Vec<u16> {
        std::iter::from_fn(|| pool.take()).collect()
    }

    #[test]
    fn only_whole_even_pairs_are_given_out() {
        assert_eq!(drain(&mut PortPool::new(10_001, 10_006)), [10_002, 10_004]);
        assert_eq!(drain(&mut PortPool::new(10_000, 10_001)), [10_000]);
        assert!(drain(&mut PortPool::new(10_000, 10_000)).is_empty());
        assert_eq!(drain(&mut PortPool::new(65_532, 65_535)), [65_532, 65_534]);
        assert!(drain(&mut PortPool::new(9, 3)).is_empty());
    }

    #[test]
    fn the_pair_that_rested_longest_comes_next() {
        let now = clock::now();
        let mut pool = PortPool::new(10_000, 10_005);
        assert_eq!(pool.take(), Some(10_000));
        assert_eq!(pool.take(), Some(10_002));
        pool.give_back(10_002, now);
        pool.give_back(10_000, now);
        assert_eq!(drain(&mut pool), [10_004, 10_002, 10_000]);
    }

    #[test]
    fn a_returned_pair_is_tired_until_its_quarantine_ends() {
        let now = clock::now();
        let mut pool = PortPool::new(10_000, 10_001);
        assert!(!pool.is_tired(now), "a pair never used is rested");
        let port = pool.take().unwrap();
        pool.give_back(port, now);
        assert!(pool.is_tired(now));
        assert!(pool.is_tired(now + QUARANTINE - Duration::from_millis(1)));
        assert!(!pool.is_tired(now + QUARANTINE));
        assert_eq!(pool.take(), Some(10_000), "tired, but better than refusing a caller");
    }
}
