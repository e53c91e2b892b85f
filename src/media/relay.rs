//! The way of one packet: believed, told apart, recorded, rewritten, sent on. No lock and
//! no system call but the one that sends it, and no allocation but for a transcoder's start; the time is the wake-up's. Whatever the bytes are, the
//! worst that happens is that they are dropped and counted.

use std::{net::SocketAddr, time::Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::{
    leg::{Content, Leg, Legs, Row, Source},
    recorder::Tap,
    recording::Place,
};
use crate::{
    rtp::{
        packet::{self, Header, Packet},
        source_lock::Admission,
    },
    switch::media::{MediaFact, MediaId},
};

/// What the receiving leg made of a packet that goes on.
struct Accepted {
    header: Header,
    content: Content,
    from: MediaId,
    to: Row,
    /// Where the payload lies in the datagram, for a change of codec.
    payload: std::ops::Range<usize>,
    /// Bytes of the packet, opened.
    length: usize,
}

/// What came in: the first `length` bytes of `buffer`, which has room for a tag behind them.
pub(super) struct Datagram<'a> {
    pub(super) buffer: &'a mut [u8],
    pub(super) length: usize,
    pub(super) from: SocketAddr,
    pub(super) now: Instant,
}

/// Takes one datagram that came in on the RTP port of `row`.
pub(super) fn relay(
    legs: &mut Legs,
    tap: &mut Tap,
    facts: &UnboundedSender<MediaFact>,
    row: Row,
    Datagram { buffer, length, from, now }: Datagram<'_>,
) {
    let Some(leg) = legs.get_mut(row) else { return };
    let Some(datagram) = buffer.get_mut(..length) else { return };
    let Some(accepted) = accept(leg, tap, facts, from, datagram, now) else { return };
    let Some(peer) = legs.get_mut(accepted.to) else { return };
    pass_on(peer, accepted, buffer, now);
}

fn accept(
    leg: &mut Leg,
    tap: &mut Tap,
    facts: &UnboundedSender<MediaFact>,
    from: SocketAddr,
    datagram: &mut [u8],
    now: Instant,
) -> Option<Accepted> {
    leg.counts.received += 1;
    // Before anything is believed of it, its source least of all (`decisions.md` 15).
    let length = leg.open(datagram)?;
    let datagram = datagram.get(..length).unwrap_or_default();
    let Ok(packet) = Packet::parse(datagram) else {
        leg.counts.junk += 1;
        return None;
    };
    let Some(stream) = leg.stream else {
        leg.counts.unasked += 1;
        return None;
    };
    // A peer on hold may send on for a moment; its source is still learned.
    if leg.lock.on(from, &packet.header, now) == Admission::Refused {
        leg.counts.strangers += 1;
        return None;
    }
    leg.reporting.reports.received(&packet.header, now);
    if !stream.peer_sends {
        leg.counts.unasked += 1;
        return None;
    }
    leg.heard_at = now;
    leg.dead = false;
    if std::mem::take(&mut leg.silent) {
        tell(facts, MediaFact::Heard { media: leg.media });
    }
    let content = leg.content(packet.header.payload_type);
    match content {
        Content::Audio(codec) => {
            if let Some(digit) = leg.digits.audio(&packet.header) {
                tell(facts, MediaFact::Digit { media: leg.media, digit });
            }
            if let Some(speech) = &mut leg.speech
                && speech.hear(codec, packet.payload, now)
            {
                tell(facts, MediaFact::Spoke { media: leg.media });
            }
            if let Some(digit) = leg.key_in(codec, packet.payload) {
                tell(facts, MediaFact::Digit { media: leg.media, digit });
            }
            if let Some(place) = leg.place {
                tap.packet(place.slot, place.channel, place.epoch, now, codec, &packet);
            }
        }
        Content::TelephoneEvent => {
            note(leg.place, tap, &packet.header, now);
            for digit in leg.digits.event(&packet.header, packet.payload) {
                tell(facts, MediaFact::Digit { media: leg.media, digit });
            }
        }
        Content::Unknown => {
            note(leg.place, tap, &packet.header, now);
            leg.counts.unknown += 1;
            return None;
        }
    }
    let to = leg.route.to()?;
    Some(Accepted {
        header: packet.header,
        content,
        from: leg.media,
        to,
        payload: place_of(packet.payload, datagram),
        length,
    })
}

/// Without its number the recorder would count it as lost.
fn note(place: Option<Place>, tap: &mut Tap, header: &Header, now: Instant) {
    if let Some(place) = place {
        tap.no_audio(place.slot, place.channel, place.epoch, now, header);
    }
}

fn pass_on(peer: &mut Leg, accepted: Accepted, buffer: &mut [u8], now: Instant) {
    // A prompt speaks alone.
    if peer.playing.is_some() {
        return;
    }
    let (Some(stream), Some(to)) = (peer.stream, peer.destination()) else { return };
    let (payload_type, audio) = match accepted.content {
        Content::Audio(codec) => (Some(stream.payload_type), Some(codec)),
        Content::TelephoneEvent => (stream.telephone_event, None),
        Content::Unknown => (None, None),
    };
    // A key that the peer cannot be told in its own words stays untold; we have heard it.
    let Some(payload_type) = payload_type else { return };
    let source = Source::Relayed(accepted.from);
    let Some(header) = peer.outgoing_header(source, &accepted.header, now) else { return };
    let octets = accepted.payload.len();
    if let (Some(codec), Some(payload)) = (audio, buffer.get_mut(accepted.payload)) {
        peer.convert(accepted.from, codec, stream.codec, payload);
    }
    packet::rewrite(buffer, &Header { payload_type, ..header });
    peer.send(buffer, accepted.length, octets, to);
}

/// Where `part`, a slice of `whole`, lies in it.
fn place_of(part: &[u8], whole: &[u8]) -> std::ops::Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start.saturating_add(part.len())
}

/// The loop outlives the relay except while the daemon goes down, and then nobody needs the fact.
pub(super) fn tell(facts: &UnboundedSender<MediaFact>, fact: MediaFact) {
    let _ = facts.send(fact);
}
