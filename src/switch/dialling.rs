//! Dialling: one INVITE to each contact of a phone, or one over a trunk, and over the next one when the
//! first does not serve us.

use std::net::SocketAddr;

use super::{
    Moment, Switch,
    facts::{CODECS, favourite},
    leg::{Branch, Leg, LiveCall},
    outgoing::{self, DiversionReason, Forwarded},
    settings::TrunkSettings,
    trunk::Trunk,
};
use crate::{
    call::{
        house::Encryption,
        machine::{Event, LegIndex},
        plan::Target,
    },
    desk::ticket::{Direction, Party, TicketId, Unanswered},
    sip::{
        hop::Hop,
        message::HeaderName,
        offer::{self, AudioCodec},
        sdp,
        ua::Outgoing,
    },
};

impl Switch {
    /// Ports first (`decisions.md` 17); the INVITE follows when they are open.
    pub(super) fn dial(&mut self, ticket: TicketId, index: LegIndex, target: Target, now: Moment) {
        let ipv6 = match &target {
            Target::Phone(phone) => {
                self.registrar.targets(phone).first().is_some_and(|(_, hop)| hop.remote.is_ipv6())
            }
            Target::Mobile { .. } | Target::Outside(_) => {
                self.ways_out(&target).first().is_some_and(|(_, server)| server.is_ipv6())
            }
        };
        let ports = self.open_ports(ticket, index, ipv6);
        let sdp = self.our_sdp();
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        call.log.leg_dialled(index.0, party(&target), now.wall);
        self.touched.insert(ticket);
        call.legs.insert(index, Box::new(Leg::new(target, ports, sdp, now.mono)));
    }

    /// The leg's ports are open: to every contact of a phone, or over the first way out.
    pub(super) fn send_invites(&mut self, ticket: TicketId, index: LegIndex, now: Moment) {
        let Some(call) = self.calls.get(&ticket) else { return };
        let Some(leg) = call.legs.get(&index) else { return };
        let Target::Phone(phone) = &leg.target else {
            if !self.invite_next_way(ticket, index, now) {
                let why = Unanswered::Unreachable;
                self.events.push_back((ticket, Event::Unanswered { leg: index, why }));
            }
            return;
        };
        let to = |(contact, hop)| {
            outgoing::to_phone(phone, contact, hop, &call.caller.caller, &self.settings.realm)
        };
        let wish = self.encryption_of(phone);
        let on = |hop: &Hop| self.encryption_on(wish, hop.transport, hop.remote);
        let mut targets = self.registrar.targets(phone);
        let found = !targets.is_empty();
        targets.retain(|(_, hop)| on(hop).is_some());
        // All contacts are sent one description: keys are in it only where all may see keys.
        let private = targets.iter().all(|(_, hop)| on(hop) == Some(wish));
        let encryption = if private { wish } else { Encryption::Off };
        let ways: Vec<Outgoing> = targets.into_iter().map(to).collect();
        if ways.is_empty() {
            // A phone that must be encrypted and registered without TLS cannot be called.
            let why = if found { Unanswered::Fault } else { Unanswered::Unreachable };
            self.events.push_back((ticket, Event::Unanswered { leg: index, why }));
            return;
        }
        let codecs = codecs_for(call);
        // RFC 3892: a desk phone shows who put the call through.
        let referred_by = call.transfer.as_ref().and_then(|transfer| transfer.refer.referred_by.clone());
        for mut to in ways {
            if let Some(by) = &referred_by {
                to.headers.set(HeaderName::ReferredBy, by.as_str());
            }
            self.invite(ticket, index, to, &codecs, encryption, now);
        }
    }

    /// Over the next trunk or server that was not tried for this leg; false where none is left.
    pub(super) fn invite_next_way(&mut self, ticket: TicketId, index: LegIndex, now: Moment) -> bool {
        let Some(call) = self.calls.get(&ticket) else { return false };
        let Some(leg) = call.legs.get(&index) else { return false };
        let family = leg.ports.address().map(|address| address.is_ipv6());
        let ways = self.ways_out(&leg.target);
        let way = ways.into_iter().find_map(|(trunk, server)| {
            let fits = family == Some(server.is_ipv6()) && !leg.tried.contains(&server);
            let encryption = self.encryption_on(trunk.srtp, trunk.transport, server)?;
            fits.then_some((trunk, server, encryption))
        });
        let Some((trunk, server, encryption)) = way else { return false };
        let own_number = leg.own_number || self.own_number_only.contains(&trunk.name);
        let to = match &leg.target {
            Target::Mobile { number, .. } | Target::Outside(number) if own_number => {
                outgoing::over_trunk(trunk, server, number.reveal(), None, None)
            }
            Target::Mobile { number, .. } => {
                let reason = match (call.log.ticket().flagged.is_some(), call.all_busy) {
                    (true, _) => DiversionReason::NoAnswer,
                    (false, true) => DiversionReason::UserBusy,
                    (false, false) => DiversionReason::Unconditional,
                };
                let forwarded = Forwarded { hotline: &call.dialled, reason, token: &self.token };
                let caller = Some(&call.caller.caller);
                outgoing::over_trunk(trunk, server, number.reveal(), caller, Some(&forwarded))
            }
            Target::Outside(number) => {
                // A redirected hotline call still tells who calls; a desk phone's own call does not.
                let caller = (call.direction == Direction::Hotline).then_some(&call.caller.caller);
                outgoing::over_trunk(trunk, server, number.reveal(), caller, None)
            }
            Target::Phone(_) => return false,
        };
        let (name, codecs) = (trunk.name.clone(), trunk.codecs.clone());
        let outward = call.direction != Direction::Hotline;
        if let Some(call) = self.calls.get_mut(&ticket) {
            if outward {
                call.log.goes_out_by(&name);
            }
            if let Some(leg) = call.legs.get_mut(&index) {
                leg.tried.push(server);
                leg.trunk = Some(name);
                leg.own_number = own_number;
            }
        }
        self.invite(ticket, index, to, &codecs, encryption, now);
        true
    }

    fn invite(
        &mut self,
        ticket: TicketId,
        index: LegIndex,
        mut to: Outgoing,
        codecs: &[AudioCodec],
        encryption: Encryption,
        now: Moment,
    ) {
        let Some((ours, address)) = self.our_side(ticket, index) else { return };
        ours.encryption = encryption;
        let said = ours.say(address, |local| offer::offer(local, codecs, sdp::Direction::SendRecv));
        let Some(call) = self.calls.get(&ticket) else { return };
        to.headers.set(HeaderName::MaxForwards, call.max_forwards.saturating_sub(1).to_string());
        let usage = self.ua.invite(to, said, now.mono);
        self.usages.insert(usage, (ticket, index));
        self.traces(ticket, usage);
        let call_id = self.ua.call_id(usage).unwrap_or_default().to_owned();
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let Some(leg) = call.legs.get_mut(&index) else { return };
        if leg.branches.is_empty() {
            call.log.leg_call_id(index.0, &call_id);
        }
        leg.branches.push(Branch { usage, over: false });
    }

    /// Trunks and servers for a number outside, the best first: the trunk that is named or any, those that
    /// are up before those that may be, each by the server in use before its others.
    fn ways_out(&self, target: &Target) -> Vec<(&TrunkSettings, SocketAddr)> {
        let name = match target {
            Target::Mobile { trunk, .. } => trunk.as_deref(),
            Target::Phone(_) | Target::Outside(_) => None,
        };
        let named = |trunk: &&Trunk| name.is_none_or(|name| trunk.settings.name == name);
        let mut trunks: Vec<&Trunk> = self.trunks.iter().filter(named).collect();
        trunks.sort_by_key(|trunk| trunk.up() != Some(true));
        trunks.into_iter().flat_map(|trunk| trunk.servers().map(|server| (&trunk.settings, server))).collect()
    }
}

/// A target as the ticket names it.
pub(super) fn party(target: &Target) -> Party {
    match target {
        Target::Phone(name) => Party::Phone(name.clone()),
        Target::Mobile { name, number, .. } => Party::Mobile { name: name.clone(), number: number.clone() },
        Target::Outside(number) => Party::Outside(number.clone()),
    }
}

/// The codecs for a phone: those of the caller first, so that nothing need be converted.
fn codecs_for(call: &LiveCall) -> Vec<AudioCodec> {
    liking(call.caller.offer.as_ref().and_then(favourite))
}

/// All that we talk, that one first.
pub(super) fn liking(first: Option<AudioCodec>) -> Vec<AudioCodec> {
    let mut codecs = CODECS.to_vec();
    codecs.sort_by_key(|codec| Some(*codec) != first);
    codecs
}
