//! Whose packets a leg believes, and where it sends its own (symmetric RTP, RFC 4961). SDP may name an
//! address that a NAT made wrong, so the packets themselves decide; but once they have decided, a
//! stranger cannot take the leg over. Pure: no socket, no clock. Reading starts at [`SourceLock::on`].

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{
    packet::Header,
    timestamp::{RtpTimestamp, SequenceNumber},
};

/// Packets in order that lock a source which SDP did not name. Doubled, such a phone hears nothing for
/// another 80 ms.
const PACKETS_TO_LOCK: u8 = 4;

/// The locked source must be silent for this long before another can be the same phone behind a new
/// NAT binding.
const REBIND_AFTER: Duration = Duration::from_millis(500);

/// A source not named in SDP yields to the named one, if that sends after all, for this long after the
/// lock: whoever was merely first must not keep the phone out. As long a re-INVITE leaves a lock open.
const PROBATION: Duration = Duration::from_secs(2);

/// Packets in order must follow each other within this many numbers (a lost one or two is still order).
const ORDER_WINDOW: i16 = 3;

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Relay and record it.
    Accepted,
    /// Relay and record it, and from now on send to where it came from.
    AcceptedFromNew,
    /// A stranger's: drop and count it.
    Refused,
}

/// One leg's belief. One for RTP; RTCP follows it (same host).
#[derive(Debug, Clone)]
pub struct SourceLock {
    signalled: Option<SocketAddr>,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    /// The first source is used tentatively, so that no word is lost; a rival may still win.
    Open { tentative: Option<Heard>, rival: Option<Heard> },
    Locked {
        source: Heard,
        /// Until when the signalled address may still take over.
        probation: Option<Instant>,
    },
    /// After a re-INVITE that named the same address: who was locked is relayed on, but need not be the
    /// peer any more.
    Reopened { former: Heard, rival: Option<Heard>, at: Instant },
}

/// The latest packet of one source.
#[derive(Debug, Clone, Copy)]
struct Heard {
    from: SocketAddr,
    ssrc: u32,
    sequence: SequenceNumber,
    timestamp: RtpTimestamp,
    at: Instant,
    /// Packets in order up to this one; stays at the limit.
    in_order: u8,
}

impl SourceLock {
    /// Nobody is believed yet. An unspecified address or port 0 counts as none signalled.
    pub fn new(signalled: Option<SocketAddr>) -> Self {
        Self { signalled: usable(signalled), state: State::OPEN }
    }

    /// The peer described its media (first answer, re-INVITE). A new address opens the lock wholly. The
    /// same one again, as in a session refresh, leaves the locked source in its place until another has
    /// shown that it goes on with the stream, or has come in order while the locked one was silent.
    pub fn unlock(&mut self, signalled: Option<SocketAddr>, now: Instant) {
        let signalled = usable(signalled);
        if signalled != self.signalled {
            self.signalled = signalled;
            self.state = State::OPEN;
        } else if let State::Locked { source: former, .. } | State::Reopened { former, .. } = self.state {
            self.state = State::Reopened { former, rival: None, at: now };
        }
    }

    /// Where to send: to the source that is believed, until then where SDP said.
    pub fn destination(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Locked { source, .. } | State::Reopened { former: source, .. } => Some(source.from),
            State::Open { .. } => self.signalled,
        }
    }

    /// The source that is believed.
    pub fn locked(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Locked { source, .. } | State::Reopened { former: source, .. } => Some(source.from),
            State::Open { .. } => None,
        }
    }

    /// Takes in one packet's origin and header and says what to do with it.
    pub fn on(&mut self, from: SocketAddr, header: &Header, now: Instant) -> Admission {
        let is_signalled = self.signalled == Some(from);
        match &mut self.state {
            State::Open { tentative, rival } => {
                if is_signalled {
                    self.state = State::Locked { source: Heard::first(from, header, now), probation: None };
                    return Admission::AcceptedFromNew;
                }
                let is_rival = tentative.is_some_and(|first| first.from != from);
                let place = if is_rival { rival } else { tentative };
                let source = match place {
                    Some(heard) if heard.from == from => heard.followed_by(header, now),
                    _ => Heard::first(from, header, now),
                };
                *place = Some(source);
                if source.in_order >= PACKETS_TO_LOCK {
                    self.state = State::Locked { source, probation: Some(now + PROBATION) };
                    Admission::AcceptedFromNew
                } else if is_rival {
                    Admission::Refused
                } else {
                    Admission::Accepted
                }
            }
            State::Locked { source, probation } => {
                if source.from == from {
                    *source = source.followed_by(header, now);
                    Admission::Accepted
                } else if (is_signalled && probation.is_some_and(|end| now <= end))
                    || source.may_have_moved(header, now)
                {
                    *source = Heard::first(from, header, now);
                    *probation = None;
                    Admission::AcceptedFromNew
                } else {
                    Admission::Refused
                }
            }
            State::Reopened { former, rival, at } => {
                if former.from == from {
                    *former = former.followed_by(header, now);
                    if now.saturating_duration_since(*at) > PROBATION {
                        self.state = State::Locked { source: *former, probation: None };
                    }
                    return Admission::Accepted;
                }
                if is_signalled || former.is_followed_by(header, now) {
                    self.state = State::Locked { source: Heard::first(from, header, now), probation: None };
                    return Admission::AcceptedFromNew;
                }
                let source = match rival {
                    Some(heard) if heard.from == from => heard.followed_by(header, now),
                    _ => Heard::first(from, header, now),
                };
                *rival = Some(source);
                // The peer gets the chance to speak after its re-INVITE before a stranger can.
                let silent = now.saturating_duration_since(former.at.max(*at));
                if source.in_order >= PACKETS_TO_LOCK && silent >= REBIND_AFTER {
                    self.state = State::Locked { source, probation: Some(now + PROBATION) };
                    Admission::AcceptedFromNew
                } else {
                    Admission::Refused
                }
            }
        }
    }
}

impl State {
    const OPEN: Self = Self::Open { tentative: None, rival: None };
}

impl Heard {
    fn first(from: SocketAddr, header: &Header, at: Instant) -> Self {
        let Header { ssrc, sequence, timestamp, .. } = *header;
        Self { from, ssrc, sequence, timestamp, at, in_order: 1 }
    }

    /// The same source, one packet on. A late packet does not turn the clock back.
    fn followed_by(self, header: &Header, at: Instant) -> Self {
        let step = header.sequence.since(self.sequence);
        let fresh = Self::first(self.from, header, at);
        if header.ssrc != self.ssrc {
            fresh
        } else if (1..=ORDER_WINDOW).contains(&step) {
            Self { in_order: self.in_order.saturating_add(1).min(PACKETS_TO_LOCK), ..fresh }
        } else if (-ORDER_WINDOW..=0).contains(&step) {
            Self { at, ..self }
        } else {
            fresh
        }
    }

    /// Whether the source can be behind a new NAT binding: it is silent, and `header` goes on with its stream.
    fn may_have_moved(&self, header: &Header, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= REBIND_AFTER && self.is_followed_by(header, now)
    }

    /// Whether `header`, from another address, can be the next of this source's stream: nobody who has not
    /// seen the stream can guess its SSRC, number and time.
    fn is_followed_by(&self, header: &Header, now: Instant) -> bool {
        let silent = now.saturating_duration_since(self.at);
        let ahead = header.sequence.since(self.sequence);
        let later = header.timestamp.since(self.timestamp);
        // A packet each 5 ms and 48 kHz are the most that the silence can have held; a second more for
        // jitter.
        let seconds = i64::try_from(silent.as_secs()).unwrap_or(i64::MAX).saturating_add(2);
        header.ssrc == self.ssrc
            && ahead > 0
            && i64::from(ahead) <= seconds.saturating_mul(200)
            && later > 0
            && i64::from(later) <= seconds.saturating_mul(48_000)
    }
}

fn usable(signalled: Option<SocketAddr>) -> Option<SocketAddr> {
    signalled.filter(|address| !address.ip().is_unspecified() && address.port() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "192.0.2.7:4000";
    const NAT: &str = "198.51.100.1:61000";
    const NAT_AGAIN: &str = "198.51.100.1:62000";
    const STRANGER: &str = "203.0.113.9:9";

    /// A leg and a clock; a packet is its place in a 20 ms stream.
    struct Leg {
        lock: SourceLock,
        start: Instant,
    }

    impl Leg {
        #[expect(clippy::disallowed_methods, reason = "any origin will do; all times are offsets from it")]
        fn new(signalled: Option<&str>) -> Self {
            Self { lock: SourceLock::new(signalled.map(|a| a.parse().unwrap())), start: Instant::now() }
        }

        fn hears(&mut self, from: &str, ssrc: u32, number: u16, at_ms: u64) -> Admission {
            let header = Header {
                payload_type: 8,
                marker: false,
                sequence: SequenceNumber(65_530u16.wrapping_add(number)),
                timestamp: RtpTimestamp(0xffff_ff00).plus(u32::from(number) * 160),
                ssrc,
            };
            self.lock.on(from.parse().unwrap(), &header, self.start + Duration::from_millis(at_ms))
        }

        /// Locked on [`NAT`] at 60 ms by its packets 0 to 3; SDP names [`PHONE`].
        fn behind_nat() -> Self {
            let mut leg = Self::new(Some(PHONE));
            for n in 0..4u16 {
                leg.hears(NAT, 1, n, u64::from(n) * 20);
            }
            assert_eq!(leg.lock.locked(), Some(NAT.parse().unwrap()));
            leg
        }

        fn reinvites(&mut self, signalled: &str, at_ms: u64) {
            self.lock.unlock(Some(signalled.parse().unwrap()), self.start + Duration::from_millis(at_ms));
        }

        fn sends_to(&self) -> String {
            self.lock.destination().map(|a| a.to_string()).unwrap_or_default()
        }
    }

    #[test]
    fn the_signalled_address_locks_at_its_first_packet() {
        let mut leg = Leg::new(Some(PHONE));
        assert_eq!(leg.sends_to(), PHONE);
        assert_eq!(leg.hears(PHONE, 1, 0, 0), Admission::AcceptedFromNew);
        assert_eq!(leg.hears(STRANGER, 9, 0, 10), Admission::Refused);
        assert_eq!(leg.hears(PHONE, 1, 1, 20), Admission::Accepted);
        assert_eq!(leg.sends_to(), PHONE);
    }

    #[test]
    fn a_phone_behind_nat_is_heard_from_its_first_packet_and_locked_by_its_fourth() {
        let mut leg = Leg::new(Some(PHONE));
        for n in 0..3u16 {
            assert_eq!(leg.hears(NAT, 1, n, u64::from(n) * 20), Admission::Accepted);
            assert_eq!(leg.lock.locked(), None);
            assert_eq!(leg.sends_to(), PHONE);
        }
        assert_eq!(leg.hears(NAT, 1, 3, 60), Admission::AcceptedFromNew);
        assert_eq!(leg.sends_to(), NAT);
    }

    #[test]
    fn packets_out_of_order_do_not_lock() {
        let mut leg = Leg::new(None);
        for n in [0u16, 500, 20, 900, 40] {
            assert_eq!(leg.hears(NAT, 1, n, u64::from(n)), Admission::Accepted);
        }
        assert_eq!(leg.lock.locked(), None);
        assert_eq!(leg.sends_to(), "");
    }

    #[test]
    fn a_stray_first_packet_does_not_keep_the_phone_out() {
        let mut leg = Leg::new(None);
        assert_eq!(leg.hears(STRANGER, 9, 0, 0), Admission::Accepted);
        for n in 0..3u16 {
            assert_eq!(leg.hears(NAT, 1, n, 20 + u64::from(n) * 20), Admission::Refused);
        }
        assert_eq!(leg.hears(NAT, 1, 3, 80), Admission::AcceptedFromNew);
        assert_eq!(leg.hears(STRANGER, 9, 1, 90), Admission::Refused);
    }

    #[test]
    fn a_rebind_is_believed_only_after_half_a_second_of_silence_and_in_the_stream() {
        let mut leg = Leg::new(Some(NAT));
        leg.hears(NAT, 1, 0, 0);
        leg.hears(NAT, 1, 1, 20);
        assert_eq!(leg.hears(NAT_AGAIN, 1, 20, 519), Admission::Refused, "too soon");
        assert_eq!(leg.hears(STRANGER, 2, 30, 600), Admission::Refused, "another SSRC");
        assert_eq!(leg.hears(STRANGER, 1, 1, 600), Admission::Refused, "an old number");
        assert_eq!(leg.hears(STRANGER, 1, 9_000, 600), Admission::Refused, "a number out of the window");
        assert_eq!(leg.hears(NAT_AGAIN, 1, 31, 600), Admission::AcceptedFromNew);
        assert_eq!(leg.sends_to(), NAT_AGAIN);
        assert_eq!(leg.hears(NAT, 1, 32, 610), Admission::Refused);
    }

    #[test]
    fn the_locked_source_may_change_its_ssrc() {
        let mut leg = Leg::new(Some(NAT));
        leg.hears(NAT, 1, 0, 0);
        assert_eq!(leg.hears(NAT, 2, 700, 20), Admission::Accepted);
        assert_eq!(leg.hears(NAT_AGAIN, 2, 701, 600), Admission::AcceptedFromNew);
    }

    #[test]
    fn whoever_came_first_yields_to_the_signalled_address_for_two_seconds() {
        for (at_ms, expected) in [(2_060, Admission::AcceptedFromNew), (2_061, Admission::Refused)] {
            let mut leg = Leg::new(Some(PHONE));
            for n in 0..4u16 {
                leg.hears(STRANGER, 9, n, u64::from(n) * 20);
            }
            leg.hears(STRANGER, 9, 5, 1_900);
            assert_eq!(leg.sends_to(), STRANGER);
            assert_eq!(leg.hears(PHONE, 1, 0, at_ms), expected);
        }
    }

    #[test]
    fn a_new_address_in_a_reinvite_opens_the_lock_wholly() {
        let mut leg = Leg::behind_nat();
        leg.reinvites("192.0.2.8:5000", 80);
        assert_eq!(leg.sends_to(), "192.0.2.8:5000");
        assert_eq!(leg.hears("192.0.2.8:5000", 3, 0, 100), Admission::AcceptedFromNew);
    }

    #[test]
    fn a_reinvite_with_the_same_address_leaves_no_gap_in_who_talks_on() {
        let mut leg = Leg::behind_nat();
        leg.reinvites(PHONE, 70);
        assert_eq!(leg.sends_to(), NAT);
        for n in 4..150u16 {
            assert_eq!(leg.hears(NAT, 1, n, u64::from(n) * 20), Admission::Accepted);
            assert_eq!(leg.hears(STRANGER, 9, n, u64::from(n) * 20 + 1), Admission::Refused);
        }
        assert_eq!(leg.sends_to(), NAT);
        // Locked again: now the signalled address is a stranger too.
        assert_eq!(leg.hears(PHONE, 2, 0, 3_001), Admission::Refused);
    }

    #[test]
    fn a_stranger_does_not_win_by_a_burst_right_after_a_reinvite() {
        let mut leg = Leg::behind_nat();
        // The peer was silent, as on hold, and comes back 400 ms after its re-INVITE.
        leg.reinvites(PHONE, 10_000);
        for n in 0..50u16 {
            assert_eq!(leg.hears(STRANGER, 9, n, 10_001 + u64::from(n)), Admission::Refused);
        }
        assert_eq!(leg.hears(NAT, 1, 5, 10_400), Admission::Accepted);
        assert_eq!(leg.hears(STRANGER, 9, 51, 10_600), Admission::Refused);
        assert_eq!(leg.sends_to(), NAT);
    }

    #[test]
    fn after_a_reinvite_the_same_stream_may_come_from_elsewhere_at_once() {
        let mut leg = Leg::behind_nat();
        leg.reinvites(PHONE, 70);
        assert_eq!(leg.hears(NAT_AGAIN, 1, 4, 80), Admission::AcceptedFromNew);
        assert_eq!(leg.sends_to(), NAT_AGAIN);
        assert_eq!(leg.hears(NAT, 1, 5, 100), Admission::Refused);
    }

    #[test]
    fn after_a_reinvite_the_signalled_address_is_believed_at_its_first_packet() {
        let mut leg = Leg::behind_nat();
        leg.reinvites(PHONE, 70);
        assert_eq!(leg.hears(PHONE, 2, 900, 80), Admission::AcceptedFromNew);
        assert_eq!(leg.sends_to(), PHONE);
    }

    #[test]
    fn after_a_reinvite_another_source_is_believed_once_the_former_is_silent() {
        let mut leg = Leg::behind_nat();
        leg.reinvites(PHONE, 100);
        for n in 0..25u16 {
            assert_eq!(leg.hears(NAT_AGAIN, 2, n, 100 + u64::from(n) * 20), Admission::Refused);
        }
        assert_eq!(leg.hears(NAT_AGAIN, 2, 25, 600), Admission::AcceptedFromNew);
        assert_eq!(leg.sends_to(), NAT_AGAIN);
    }

    #[test]
    fn hold_by_an_unspecified_address_names_nobody() {
        assert_eq!(Leg::new(Some("0.0.0.0:4000")).sends_to(), "");
        assert_eq!(Leg::new(Some("192.0.2.7:0")).sends_to(), "");
    }
}
