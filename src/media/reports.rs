//! A leg's RTCP on its way: whose reports are read, where ours go and how often. RTCP ends at each leg
//! (`rtp/rtcp.rs`); nothing of it is passed on.

use std::net::SocketAddr;

use super::leg::Leg;
use crate::{
    rtp::{
        rtcp::{LARGEST_REPORT, Moment, Reports},
        srtp::LARGEST_OVERHEAD,
    },
    switch::media::MediaId,
};

/// Ticks of a second between two reports of a leg: RFC 3550 §6.2's least interval. Fixed, because with two
/// ends there is no flood to be kept from; which second it is goes by the leg, so that all calls together
/// don't report in the same one.
const INTERVAL: u64 = 5;

/// The RTCP of one leg.
#[derive(Debug)]
pub(super) struct Reporting {
    pub(super) reports: Reports,
    /// Where the peer's latest report came from: a NAT lets ours in there alone.
    heard_from: Option<SocketAddr>,
    ticks: u64,
}

impl Reporting {
    pub(super) fn new(media: MediaId, reports: Reports) -> Self {
        Self { reports, heard_from: None, ticks: media.0 % INTERVAL }
    }

    /// The peer described its media; another address makes the former one's origin worthless.
    pub(super) fn redirect(&mut self) {
        self.heard_from = None;
    }
}

/// Reads what came in on the leg's RTCP port. Believed is the host that RTP goes to, and the address that
/// the peer signalled for RTCP.
pub(super) fn receive(leg: &mut Leg, from: SocketAddr, datagram: &mut [u8], at: Moment) {
    let opened = match &mut leg.security {
        Some(security) => security.opener.rtcp(datagram),
        None => Ok(datagram.len()),
    };
    let Ok(length) = opened else {
        leg.counts.refused += 1;
        return;
    };
    let datagram = datagram.get(..length).unwrap_or_default();
    let is_peer = leg.lock.destination().is_some_and(|rtp| rtp.ip() == from.ip())
        || leg.stream.is_some_and(|stream| stream.remote_rtcp == from);
    if !is_peer {
        leg.counts.strangers += 1;
    } else if leg.reporting.reports.on(datagram, at).is_err() {
        leg.counts.junk += 1;
    } else {
        leg.reporting.heard_from = Some(from);
    }
}

/// A second has passed: sends the report, if it is the leg's turn.
pub(super) fn tick(leg: &mut Leg, at: Moment) {
    leg.reporting.ticks += 1;
    if !leg.reporting.ticks.is_multiple_of(INTERVAL) {
        return;
    }
    let Some(to) = destination(leg) else { return };
    let mut out = [0; LARGEST_REPORT + LARGEST_OVERHEAD];
    let timestamp = leg.outgoing.timestamp(at.now);
    let written = leg.reporting.reports.report(at, timestamp, &mut out);
    send(leg, &mut out, written, to);
}

/// The leg is being closed.
pub(super) fn say_bye(leg: &mut Leg, at: Moment) {
    let Some(to) = destination(leg) else { return };
    let mut out = [0; LARGEST_REPORT + LARGEST_OVERHEAD];
    let timestamp = leg.outgoing.timestamp(at.now);
    let written = leg.reporting.reports.bye(at, timestamp, &mut out);
    send(leg, &mut out, written, to);
}

fn send(leg: &mut Leg, out: &mut [u8], written: Option<usize>, to: SocketAddr) {
    let length = match &mut leg.security {
        Some(security) => written.and_then(|length| security.protector.rtcp(out, length).ok()),
        None => written,
    };
    if let Some(report) = length.and_then(|length| out.get(..length)) {
        // Most peers have no RTCP port at all, and the next report says what this one said.
        let _ = leg.ports.rtcp.send_to(report, to);
    }
}

/// Where the peer's reports come from, until one came where its SDP said.
fn destination(leg: &Leg) -> Option<SocketAddr> {
    let stream = leg.stream?;
    let signalled = Some(stream.remote_rtcp).filter(|at| !at.ip().is_unspecified() && at.port() != 0);
    leg.reporting.heard_from.or(signalled)
}
