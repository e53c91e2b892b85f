//! The relay thread: sleeps in epoll until packets, commands or a deadline wake it, reads the clock
//! once, and does what is due. Packets come before commands, so that no event of a round can name a
//! leg which the same round closed.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, Event, EventData, EventFlags},
    },
};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Order, Wake, clock,
    leg::{Leg, Legs, Route, Row},
    player::{self, Playing, Progress},
    ports::{PortPair, PortPool},
    prompts::Prompts,
    recorder::{Keep, Tap},
    recording::Recordings,
    relay::{Datagram, relay, tell},
    reports,
    speech::Speech,
};
use crate::{
    call::prompt::{Repeat, Sound},
    desk::ticket::TicketId,
    rtp::{srtp::LARGEST_OVERHEAD, stream::Band},
    switch::media::{MediaCommand, MediaFact, MediaId, PlayId, RecordOrder, SpeechWatch},
};

/// Sockets served per wake-up. More only lengthens the time between two readings of the clock.
const ROUND: usize = 128;

/// Larger than any datagram on an Ethernet; what fills it was cut and is no voice packet.
const LARGEST_DATAGRAM: usize = 2048;

/// How often joined legs are looked at for silence, and the unit of the time between RTCP reports.
const TICK: Duration = Duration::from_secs(1);

/// How much the relay thread goes before other threads of this machine: far enough that a backup or a
/// compiler cannot make voice stutter, behind the system's own.
const NICENESS: i32 = -10;

/// The address to bind for one family, and the one that peers are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    pub(super) bind: IpAddr,
    pub(super) advertised: IpAddr,
}

/// What the relay thread owns.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) epoll: OwnedFd,
    pub(super) wake: Arc<Wake>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) facts: UnboundedSender<MediaFact>,
    pub(super) tap: Tap,
    pub(super) v4: Option<Address>,
    pub(super) v6: Option<Address>,
    pub(super) ports: PortPool,
    pub(super) silence_after: Duration,
    pub(super) dead_after: Option<Duration>,
    pub(super) prompts: Prompts,
    pub(super) origin: clock::Origin,
    pub(super) state: State,
}

/// What changes while it runs.
#[derive(Debug, Default)]
pub(super) struct State {
    legs: Legs,
    recordings: Recordings,
    /// Rows with sounds on their way.
    playing: Vec<Row>,
    /// When to look at the legs next; `None` while none is described.
    tick_at: Option<Instant>,
}

/// What an epoll event's number names: the wake-up, or a row's RTP or RTCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Wake,
    Rtp(Row),
    Rtcp(Row),
}

impl Token {
    pub(super) fn encode(self) -> EventData {
        let number = |row: Row| u64::try_from(row.0).unwrap_or(u64::MAX >> 2);
        EventData::new_u64(match self {
            Self::Wake => u64::MAX,
            Self::Rtp(row) => number(row) << 1,
            Self::Rtcp(row) => number(row) << 1 | 1,
        })
    }

    fn decode(number: u64) -> Self {
        if number == u64::MAX {
            return Self::Wake;
        }
        let row = Row(usize::try_from(number >> 1).unwrap_or(usize::MAX));
        if number & 1 == 0 { Self::Rtp(row) } else { Self::Rtcp(row) }
    }
}

/// Whether the thread goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Onward {
    Run,
    ShutDown,
}

impl Engine {
    /// Runs until [`Order::ShutDown`] comes or nobody is left to send it; then every recording has been
    /// told to end and every port is free.
    pub(super) fn run(mut self) {
        // Linux counts niceness by thread. A daemon without the right to it (CAP_SYS_NICE, LimitNICE=)
        // relays as well as the others let it.
        let _ = rustix::process::nice(NICENESS);
        let mut events: Vec<Event> = Vec::with_capacity(ROUND);
        let mut datagram = [0; LARGEST_DATAGRAM];
        let mut now = clock::now();
        loop {
            let timeout = self.deadline().map(|at| timespec(at.saturating_duration_since(now)));
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("epoll_wait fails on a descriptor of our own only by a bug: {error}"),
            }
            now = clock::now();
            let mut woken = false;
            for event in &events {
                match Token::decode(event.data.u64()) {
                    Token::Wake => woken = true,
                    Token::Rtp(row) => self.receive(row, &mut datagram, now),
                    Token::Rtcp(row) => self.receive_report(row, &mut datagram, now),
                }
            }
            self.play_on(now);
            if self.state.tick_at.is_some_and(|at| at <= now) {
                self.look_at_legs(now);
            }
            if woken && self.obey_all(now) == Onward::ShutDown {
                break;
            }
        }
        self.state.recordings.stop_all(&mut self.tap, now);
    }

    fn deadline(&self) -> Option<Instant> {
        let legs = &self.state.legs;
        let next = |row: &Row| legs.get(*row)?.playing.as_ref().map(Playing::next_at);
        self.state.playing.iter().filter_map(next).chain(self.state.tick_at).min()
    }

    /// One datagram: epoll tells again while there are more, and so no leg can starve the others.
    fn receive(&mut self, row: Row, datagram: &mut [u8], now: Instant) {
        let State { legs, .. } = &mut self.state;
        let Some(leg) = legs.get_mut(row) else { return };
        // An error is an ICMP answer to a packet that we sent, or a wake-up without a packet.
        let Ok((length, from)) = leg.ports.rtp.recv_from(datagram) else { return };
        // The rest of the buffer is for the tag of a peer that is protected.
        if length + LARGEST_OVERHEAD > datagram.len() {
            leg.counts.junk += 1;
            return;
        }
        let datagram = Datagram { buffer: datagram, length, from, now };
        relay(legs, &mut self.tap, &self.facts, row, datagram);
    }

    /// RTCP ends here: its SSRCs and counts describe the peer's stream, which is not the one that the
    /// other side gets.
    fn receive_report(&mut self, row: Row, datagram: &mut [u8], now: Instant) {
        let Some(leg) = self.state.legs.get_mut(row) else { return };
        let Ok((length, from)) = leg.ports.rtcp.recv_from(datagram) else { return };
        let datagram = datagram.get_mut(..length).unwrap_or_default();
        reports::receive(leg, from, datagram, self.origin.moment(now));
    }

    fn play_on(&mut self, now: Instant) {
        let State { legs, playing, .. } = &mut self.state;
        playing.retain(|row| {
            let Some(leg) = legs.get_mut(*row) else { return false };
            match leg.playing.as_ref().map(Playing::next_at) {
                None => false,
                Some(at) if at > now => true,
                Some(_) => match player::play(leg, now) {
                    None => false,
                    Some(Progress::NextAt(_)) => true,
                    Some(Progress::Ended(play)) => {
                        tell(&self.facts, MediaFact::Played { media: leg.media, play });
                        false
                    }
                },
            }
        });
    }

    fn look_at_legs(&mut self, now: Instant) {
        let at = self.origin.moment(now);
        let mut described = false;
        for leg in self.state.legs.iter_mut() {
            described |= leg.stream.is_some();
            reports::tick(leg, at);
            if leg.speech.as_mut().is_some_and(|speech| speech.is_quiet(now)) {
                tell(&self.facts, MediaFact::Quiet { media: leg.media });
            }
            let since = now.saturating_duration_since(leg.heard_at);
            if leg.is_expected() && !leg.silent && since >= self.silence_after {
                leg.silent = true;
                tell(&self.facts, MediaFact::Silent { media: leg.media, since });
            }
        }
        self.state.tick_at = described.then(|| now + TICK);
        self.look_for_dead(now);
    }

    /// Joined legs of which neither has sent anything for so long, though both should: nobody talks there.
    fn look_for_dead(&mut self, now: Instant) {
        let Some(dead_after) = self.dead_after else { return };
        let legs = &mut self.state.legs;
        let silent = |leg: &Leg| leg.is_expected().then(|| now.saturating_duration_since(leg.heard_at));
        for row in (0..legs.rows()).map(Row) {
            let Some(leg) = legs.get(row).filter(|leg| leg.silent && !leg.dead) else { continue };
            let other = leg.route.to().and_then(|other| legs.get(other));
            let both = silent(leg).zip(other.and_then(silent));
            let Some(since) = both.map(|(a, b)| a.min(b)).filter(|since| *since >= dead_after) else {
                continue;
            };
            tell(&self.facts, MediaFact::Dead { media: leg.media, since });
            let other = leg.route.to();
            for row in [Some(row), other].into_iter().flatten() {
                if let Some(leg) = legs.get_mut(row) {
                    leg.dead = true;
                }
            }
        }
    }

    fn obey_all(&mut self, now: Instant) -> Onward {
        self.wake.rest();
        loop {
            match self.orders.try_recv() {
                Ok(Order::Command(command)) => self.obey(command, now),
                Ok(Order::Prompts(prompts)) => self.prompts = prompts,
                Ok(Order::ShutDown) | Err(mpsc::TryRecvError::Disconnected) => return Onward::ShutDown,
                Err(mpsc::TryRecvError::Empty) => return Onward::Run,
            }
        }
    }

    fn obey(&mut self, command: MediaCommand, now: Instant) {
        match command {
            MediaCommand::Open { media, ipv6 } => {
                let fact = match self.open(media, ipv6, now) {
                    Ok(rtp) => MediaFact::Opened { media, rtp },
                    Err(why) => MediaFact::Refused { media, why },
                };
                tell(&self.facts, fact);
            }
            MediaCommand::Describe { media, stream } => {
                if let Some(leg) = self.state.legs.find(media) {
                    leg.describe(stream, now);
                    self.state.tick_at = self.state.tick_at.or(Some(now + TICK));
                }
            }
            MediaCommand::Join { left, right, record } => {
                let fact = match self.join(left, right, record.as_ref(), now) {
                    Ok(()) => MediaFact::Joined { left, right },
                    Err(why) => MediaFact::JoinRefused { left, right, why },
                };
                tell(&self.facts, fact);
            }
            MediaCommand::Pass { from, to } => {
                let legs = &mut self.state.legs;
                if let (Some(from), Some(to)) = (legs.row(from), legs.row(to))
                    && from != to
                {
                    legs.route(from, Route::Passed(to));
                }
            }
            MediaCommand::Play { media, play, sounds, repeat } => {
                if let Err(why) = self.play(media, play, &sounds, repeat, now) {
                    // Without the sounds: they may spell a number.
                    tracing::error!(media = media.0, sounds = sounds.len(), why, "nothing is played");
                    tell(&self.facts, MediaFact::PlayFailed { media, play, why: why.to_owned() });
                }
            }
            MediaCommand::StopPlaying { media } => {
                if let Some(leg) = self.state.legs.find(media) {
                    leg.playing = None;
                }
            }
            MediaCommand::Record { media, record, watch } => {
                let ticket = record.ticket;
                if let Err(why) = self.record(media, &record, watch, now) {
                    tell(&self.facts, MediaFact::RecordingFailed { ticket, report: None, why });
                }
            }
            MediaCommand::StopRecording { ticket } => {
                if !self.stop_recording(ticket, Keep::All, now) {
                    let why = "no recording of this ticket is running".to_owned();
                    tell(&self.facts, MediaFact::RecordingFailed { ticket, report: None, why });
                }
            }
            MediaCommand::DiscardRecording { ticket } => {
                // Where none runs there is nothing to delete.
                self.stop_recording(ticket, Keep::Nothing, now);
            }
            MediaCommand::Close { media } => self.close(media, now),
        }
    }

    fn open(&mut self, media: MediaId, ipv6: bool, now: Instant) -> Result<SocketAddr, String> {
        let legs = &mut self.state.legs;
        if legs.row(media).is_some() {
            return Err("this leg is open already".to_owned());
        }
        let (address, family) = if ipv6 { (self.v6, "IPv6") } else { (self.v4, "IPv4") };
        let address = address.ok_or_else(|| format!("no media address for {family}"))?;
        let ports = PortPair::bind(&mut self.ports, address.bind, now)?;
        let (row, port) = (legs.vacant(), ports.port);
        let watched = epoll::add(&self.epoll, &ports.rtp, Token::Rtp(row).encode(), EventFlags::IN)
            .and_then(|()| epoll::add(&self.epoll, &ports.rtcp, Token::Rtcp(row).encode(), EventFlags::IN));
        if let Err(error) = watched {
            self.ports.give_back(port, now);
            return Err(format!("media socket cannot be watched: {}", io::Error::from(error)));
        }
        legs.insert(Leg::new(media, ports, now));
        Ok(SocketAddr::new(address.advertised, port))
    }

    fn join(
        &mut self,
        left: MediaId,
        right: MediaId,
        record: Option<&RecordOrder>,
        now: Instant,
    ) -> Result<(), String> {
        let State { legs, recordings, .. } = &mut self.state;
        let (Some(left_row), Some(right_row)) = (legs.row(left), legs.row(right)) else {
            return Err("one of the legs is not open".to_owned());
        };
        if left_row == right_row {
            return Err("a leg cannot be joined with itself".to_owned());
        }
        legs.route(left_row, Route::Joined(right_row));
        legs.route(right_row, Route::Joined(left_row));
        let wide = [left_row, right_row].iter().all(|row| legs.get(*row).is_some_and(Leg::is_wide));
        let band = if wide { Band::Wide } else { Band::Narrow };
        let places =
            record.map(|order| (order, recordings.join(&mut self.tap, order, left, right, band, now)));
        let (left_place, right_place) = match places {
            Some((_, Ok((left, right)))) => (Some(left), Some(right)),
            Some((order, Err(why))) => {
                tell(&self.facts, MediaFact::RecordingFailed { ticket: order.ticket, report: None, why });
                (None, None)
            }
            None => (None, None),
        };
        let slot = left_place.map(|place| place.slot);
        for leg in legs.iter_mut() {
            if leg.media == left || leg.media == right {
                leg.place = if leg.media == left { left_place } else { right_place };
                leg.heard_at = now;
                leg.silent = false;
                leg.dead = false;
            } else if leg.place.map(|place| place.slot) == slot {
                // Its channel has another speaker now.
                leg.place = None;
            }
        }
        Ok(())
    }

    fn play(
        &mut self,
        media: MediaId,
        play: PlayId,
        sounds: &[Sound],
        repeat: Repeat,
        now: Instant,
    ) -> Result<(), &'static str> {
        let State { legs, playing, .. } = &mut self.state;
        let row = legs.row(media).ok_or("no such leg")?;
        let leg = legs.get_mut(row).ok_or("no such leg")?;
        // What was played is over, whether or not this can be.
        leg.playing = None;
        leg.stream.ok_or("nobody described the leg's peer")?;
        let voices: Vec<_> = sounds.iter().filter_map(|sound| self.prompts.voice(*sound)).collect();
        if voices.is_empty() {
            return Err("no such prompt");
        }
        leg.playing = Some(Playing::new(play, voices, repeat, now));
        playing.retain(|other| *other != row);
        playing.push(row);
        // Its first packet goes out now and not at the next wake-up.
        self.play_on(now);
        Ok(())
    }

    /// Records what comes from that leg alone, on the left.
    fn record(
        &mut self,
        media: MediaId,
        order: &RecordOrder,
        watch: SpeechWatch,
        now: Instant,
    ) -> Result<(), String> {
        let State { legs, recordings, .. } = &mut self.state;
        let leg = legs.find(media).ok_or_else(|| "the leg is not open".to_owned())?;
        leg.place = Some(recordings.alone(&mut self.tap, order, media, now)?);
        leg.speech = Some(Speech::new(watch, now));
        Ok(())
    }

    /// Whether there was one.
    fn stop_recording(&mut self, ticket: TicketId, keep: Keep, now: Instant) -> bool {
        let State { legs, recordings, .. } = &mut self.state;
        let Some(slot) = recordings.stop(&mut self.tap, ticket, keep, now) else { return false };
        for leg in legs.iter_mut().filter(|leg| leg.place.is_some_and(|place| place.slot == slot)) {
            leg.place = None;
            leg.speech = None;
        }
        true
    }

    /// Closing the sockets takes them out of epoll.
    fn close(&mut self, media: MediaId, now: Instant) {
        let Some(mut leg) = self.state.legs.remove(media) else { return };
        reports::say_bye(&mut leg, self.origin.moment(now));
        let (counts, peer) = (leg.counts, leg.reporting.reports.peer());
        tracing::debug!(media = media.0, port = leg.ports.port, ?counts, ?peer, "media closed");
        self.ports.give_back(leg.ports.port, now);
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_the_socket_it_was_registered_for() {
        for token in
            [Token::Wake, Token::Rtp(Row(0)), Token::Rtcp(Row(0)), Token::Rtp(Row(7)), Token::Rtcp(Row(4095))]
        {
            assert_eq!(Token::decode(token.encode().u64()), token);
        }
    }
}
