//! Transfers and pick-ups (`decisions.md` 16): a REFER ends here and is taken only from our phones; the
//! dialog that a Replaces names is looked up among our own. Whom it concerns is handed to the call as a
//! [`Feature`]; the call then takes them in ([`Switch::adopt`]) or does not.

use std::collections::BTreeMap;

use super::{
    Moment, Output, Switch,
    incoming::number_of,
    leg::{Adoption, Branch, IncomingLeg, Leg, OpenTransfer, PortState, Ports},
    media::{MediaCommand, MediaId, RecordOrder},
    recording::recording_path,
};
use crate::{
    call::{
        machine::{Event, Feature, LegIndex, Record, TransferNews},
        plan::{self, Target},
    },
    desk::{
        number::Number,
        ticket::{Direction, TicketId},
    },
    sip::{
        header::Replaces,
        hop::Hop,
        message::{Headers, Method, Request, Status},
        offer::{self, Local},
        refer::Refer,
        sdp::{self, Session},
        ua::{ServerId, UsageId},
    },
};

/// Ports that belong to no leg any more: [`MediaId`]s count from 1.
const NO_MEDIA: MediaId = MediaId(0);

impl Switch {
    /// A REFER within a call.
    pub(super) fn referred(&mut self, usage: UsageId, server: ServerId, request: &Request, now: Moment) {
        match self.transfer_asked(usage, request, now) {
            Ok((keeps, transfer, feature, adoption)) => {
                let headers = transfer.refer.accepted();
                self.respond(server, Status::ACCEPTED, headers, now);
                self.notify_transferor(&transfer, Status::TRYING, now);
                if let Some(call) = self.calls.get_mut(&keeps) {
                    call.transfer = Some(transfer);
                    call.pending = adoption;
                }
                self.call_hears(keeps, Event::Feature(feature), now);
                self.forget_pending(keeps, now);
            }
            Err(status) => self.respond(server, status, Headers::new(), now),
        }
    }

    /// What a REFER asks for, and of which call; or how to refuse it.
    fn transfer_asked(
        &mut self,
        usage: UsageId,
        request: &Request,
        now: Moment,
    ) -> Result<(TicketId, OpenTransfer, Feature, Option<Adoption>), Status> {
        let (ticket, leg) = self.usages.get(&usage).copied().ok_or(Status::CALL_DOES_NOT_EXIST)?;
        let phone = self.phone_of(ticket, leg).ok_or(Status::DECLINE)?;
        let refer = Refer::read(request)?;
        let call = self.calls.get(&ticket).ok_or(Status::CALL_DOES_NOT_EXIST)?;
        if call.sides.is_none() || call.transfer.is_some() {
            return Err(Status::REQUEST_PENDING);
        }
        let by = Target::Phone(phone.clone());
        if let Some(replaces) = &refer.replaces {
            let other = self.ua.replaced(replaces).ok_or(Status::CALL_DOES_NOT_EXIST)?;
            let (second, second_leg) = self.usages.get(&other).copied().ok_or(Status::CALL_DOES_NOT_EXIST)?;
            if second == ticket || self.phone_of(second, second_leg).as_deref() != Some(phone.as_str()) {
                return Err(Status::FORBIDDEN);
            }
            if self.calls.get(&second).is_some_and(|call| call.sides.is_some()) {
                return self.attended(usage, refer, by, (ticket, leg), (second, second_leg));
            }
            // It only rings yet: the consultation is given up, and whom it was for is rung anew.
            let to = self.first_target(second).ok_or(Status::CALL_DOES_NOT_EXIST)?;
            self.events.push_back((second, Event::EndOrdered));
            let transfer = OpenTransfer { usage, refer, given: None };
            return Ok((ticket, transfer, Feature::Referred { leg, by, to }, None));
        }
        let to = self.transfer_target(&phone, &refer, now).ok_or(Status::DECLINE)?;
        let transfer = OpenTransfer { usage, refer, given: None };
        Ok((ticket, transfer, Feature::Referred { leg, by, to }, None))
    }

    /// The transferor talks in both calls. The one with the resident keeps ticket and recording, the other
    /// side of the second one comes over to it.
    fn attended(
        &mut self,
        usage: UsageId,
        refer: Refer,
        by: Target,
        first: (TicketId, LegIndex),
        second: (TicketId, LegIndex),
    ) -> Result<(TicketId, OpenTransfer, Feature, Option<Adoption>), Status> {
        let outside = |ticket| {
            self.calls.get(&ticket).is_some_and(|call| match call.direction {
                Direction::Hotline | Direction::Out => true,
                Direction::Internal => false,
            })
        };
        let is_hotline = |ticket| self.calls.get(&ticket).is_some_and(|c| c.direction == Direction::Hotline);
        let second_keeps = match (is_hotline(first.0), is_hotline(second.0)) {
            (false, true) => true,
            (true, _) => false,
            (false, false) => outside(second.0) && !outside(first.0),
        };
        let ((keeps, leg), (gives, its_leg)) = if second_keeps { (second, first) } else { (first, second) };
        let given = self.calls.get(&gives).and_then(|call| call.sides);
        let (caller_side, callee_side) = given.ok_or(Status::CALL_DOES_NOT_EXIST)?;
        let other = if its_leg == caller_side { callee_side } else { caller_side };
        let moved = self.take_leg(gives, other).ok_or(Status::CALL_DOES_NOT_EXIST)?;
        let newcomer = moved.target.clone();
        let transfer = OpenTransfer { usage, refer, given: Some((gives, other)) };
        let feature = Feature::Replaced { leg, by, newcomer };
        Ok((keeps, transfer, feature, Some(Adoption::Leg(Box::new(moved)))))
    }

    /// Takes a leg that talks out of its call, which does not know it yet.
    fn take_leg(&mut self, ticket: TicketId, index: LegIndex) -> Option<Leg> {
        let call = self.calls.get_mut(&ticket)?;
        if index != LegIndex::CALLER {
            return call.legs.remove(&index).map(|leg| *leg);
        }
        let caller = &mut call.caller;
        if caller.over {
            return None;
        }
        caller.over = true;
        let target = match (&caller.phone, &caller.caller.number) {
            (Some(phone), _) => Target::Phone(phone.clone()),
            (None, Some(number)) => Target::Outside(number.clone()),
            (None, None) => Target::Outside(Number::new(String::new())),
        };
        let ports =
            std::mem::replace(&mut caller.ports, Ports { media: NO_MEDIA, state: PortState::Refused });
        let mut leg = Leg::new(target, ports, caller.sdp.clone(), call.started);
        leg.branches.push(Branch { usage: caller.usage, over: false });
        leg.chosen = Some(caller.usage);
        leg.agreed = caller.agreed;
        Some(leg)
    }

    /// The phone whose leg that is.
    fn phone_of(&self, ticket: TicketId, leg: LegIndex) -> Option<String> {
        let call = self.calls.get(&ticket)?;
        if leg == LegIndex::CALLER {
            return call.caller.phone.clone();
        }
        match &call.legs.get(&leg)?.target {
            Target::Phone(name) => Some(name.clone()),
            Target::Mobile { .. } | Target::Outside(_) => None,
        }
    }

    /// Whom a call that nobody has answered yet is for.
    fn first_target(&self, ticket: TicketId) -> Option<Target> {
        self.calls.get(&ticket)?.legs.values().next().map(|leg| leg.target.clone())
    }

    /// Whom a REFER names: a desk phone, a duty mobile, or a number that the house allows.
    fn transfer_target(&mut self, phone: &str, refer: &Refer, now: Moment) -> Option<Target> {
        let number = number_of(&refer.to)?;
        if number == phone {
            return None;
        }
        if self.house.phones.iter().any(|p| p.name == number) {
            return Some(Target::Phone(number));
        }
        if let Some(mobile) = self.house.mobiles.iter().find(|m| *m.number.reveal() == number) {
            return Some(plan::mobile(mobile));
        }
        let emergency = plan::is_emergency(&self.house, &number);
        let may = plan::may_dial(&self.house, &number) && (emergency || !self.over_cap(phone, now));
        may.then(|| {
            self.calls_out.entry(phone.to_owned()).or_default().push_back(now.mono);
            Target::Outside(Number::new(number))
        })
    }

    /// An INVITE with Replaces from a phone (RFC 3891): a pick-up where the dialog rings, and taking over
    /// where it talks.
    pub(super) fn replaces(
        &mut self,
        usage: UsageId,
        phone: String,
        replaces: &Replaces,
        offer: Option<Session>,
        hop: Hop,
        now: Moment,
    ) {
        let found = self.ua.replaced(replaces).and_then(|other| self.usages.get(&other).copied());
        let talks = |ticket| self.calls.get(&ticket).is_some_and(|call| call.sides.is_some());
        let by = Target::Phone(phone.clone());
        match found {
            Some((ticket, leg)) if talks(ticket) => {
                if replaces.early_only {
                    // RFC 3891 §3.
                    return self.ua.refuse(usage, Status::BUSY_HERE, Headers::new(), now.mono);
                }
                let feature = Feature::Replaced { leg, by: by.clone(), newcomer: by };
                self.ask_for_place(ticket, usage, &phone, feature, offer, hop, now);
            }
            Some((ticket, _)) => {
                self.ask_for_place(ticket, usage, &phone, Feature::PickedUp { by }, offer, hop, now);
            }
            None => self.ua.refuse(usage, Status::CALL_DOES_NOT_EXIST, Headers::new(), now.mono),
        }
    }

    /// A phone dialled the code for picking up: the call that rings longest, or longest on that phone.
    pub(super) fn pick_up(
        &mut self,
        usage: UsageId,
        phone: String,
        on: &str,
        offer: Option<Session>,
        hop: Hop,
        now: Moment,
    ) {
        let rings = |legs: &BTreeMap<LegIndex, Box<Leg>>| {
            legs.values().any(|leg| {
                let named = matches!(&leg.target, Target::Phone(name) if on.is_empty() || name == on);
                named && leg.rang && leg.chosen.is_none() && !leg.is_over()
            })
        };
        // Tickets count up in the order of arrival; a resident comes before a colleague.
        let ringing: Vec<_> = self.calls.iter().filter(|(_, call)| rings(&call.legs)).collect();
        let hotline = ringing.iter().find(|(_, call)| call.direction == Direction::Hotline);
        match hotline.or(ringing.first()).map(|(ticket, _)| **ticket) {
            Some(ticket) => {
                let feature = Feature::PickedUp { by: Target::Phone(phone.clone()) };
                self.ask_for_place(ticket, usage, &phone, feature, offer, hop, now);
            }
            None => self.ua.refuse(usage, Status::NOT_FOUND, Headers::new(), now.mono),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is one part of the INVITE that asks")]
    fn ask_for_place(
        &mut self,
        ticket: TicketId,
        usage: UsageId,
        phone: &str,
        feature: Feature,
        offer: Option<Session>,
        hop: Hop,
        now: Moment,
    ) {
        let sdp = self.sdp_for(phone, hop);
        if let Some(call) = self.calls.get_mut(&ticket) {
            let asks = IncomingLeg { usage, offer, sdp, ipv6: hop.remote.is_ipv6() };
            call.pending = Some(Adoption::Invite(Box::new(asks)));
        }
        self.call_hears(ticket, Event::Feature(feature), now);
        self.forget_pending(ticket, now);
    }

    /// The call had no place for who asked.
    fn forget_pending(&mut self, ticket: TicketId, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        match call.pending.take() {
            None => {}
            Some(Adoption::Invite(asks)) => {
                self.ua.refuse(asks.usage, Status::CALL_DOES_NOT_EXIST, Headers::new(), now.mono);
            }
            Some(Adoption::Leg(leg)) => {
                // Its own call has lost it, and ends with the transfer that is given up.
                let usage = leg.chosen;
                let media = leg.ports.media;
                if let Some(usage) = usage {
                    self.usages.remove(&usage);
                    self.ua.hang_up(usage, None, now.mono);
                }
                if self.media.remove(&media).is_some() {
                    self.out.push(Output::Media(MediaCommand::Close { media }));
                }
                self.tell_transferor(ticket, TransferNews::Failed, now);
            }
        }
    }

    /// The call takes in who waits for it.
    pub(super) fn adopt(&mut self, ticket: TicketId, index: LegIndex, target: Target, now: Moment) {
        let Some(pending) = self.calls.get_mut(&ticket).and_then(|call| call.pending.take()) else { return };
        let leg = match pending {
            Adoption::Invite(asks) => {
                let IncomingLeg { usage, offer, sdp, ipv6 } = *asks;
                let ports = self.open_ports(ticket, index, ipv6);
                let mut leg = Leg::new(target, ports, sdp, now.mono);
                leg.incoming = Some(offer);
                leg.branches.push(Branch { usage, over: false });
                self.usages.insert(usage, (ticket, index));
                leg
            }
            Adoption::Leg(leg) => {
                self.media.insert(leg.ports.media, (ticket, index));
                if let Some(usage) = leg.chosen {
                    self.usages.insert(usage, (ticket, index));
                }
                self.events.push_back((ticket, Event::Answered { leg: index }));
                *leg
            }
        };
        let call_id = leg.branches.first().and_then(|branch| self.ua.call_id(branch.usage));
        let call_id = call_id.unwrap_or_default().to_owned();
        let party = super::dialling::party(&leg.target);
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.log.leg_dialled(index.0, party, now.wall);
            call.log.leg_call_id(index.0, &call_id);
            call.legs.insert(index, Box::new(leg));
            self.touched.insert(ticket);
        }
    }

    /// The ports of a leg that came to us are open: it gets its 200.
    pub(super) fn answer_incoming(&mut self, ticket: TicketId, index: LegIndex, now: Moment) -> bool {
        let Some(leg) = self.calls.get_mut(&ticket).and_then(|call| call.legs.get_mut(&index)) else {
            return false;
        };
        let Some(offer) = leg.incoming.take() else { return false };
        let (Some(address), Some(branch)) = (leg.ports.address(), leg.branches.first().copied()) else {
            return true;
        };
        let both = sdp::Direction::SendRecv;
        let codecs = super::facts::CODECS;
        let answer = match &offer {
            Some(offer) => match offer::answer(offer, &leg.sdp.local(address), &codecs, both) {
                Ok((_, agreed)) => {
                    leg.agreed = Some(agreed);
                    let write = |local: &Local| {
                        offer::answer(offer, local, &codecs, both).map(|(b, _)| b).unwrap_or_default()
                    };
                    leg.sdp.say(address, write)
                }
                Err(_) => {
                    self.ua.refuse(branch.usage, Status::NOT_ACCEPTABLE_HERE, Headers::new(), now.mono);
                    self.branch_over(ticket, index, branch.usage);
                    return true;
                }
            },
            None => leg.sdp.say(address, |local| offer::offer(local, &codecs, both)),
        };
        leg.chosen = Some(branch.usage);
        self.ua.accept(branch.usage, answer, now.mono);
        self.describe(ticket, index);
        self.events.push_back((ticket, Event::Answered { leg: index }));
        true
    }

    /// Joins two legs in place of those that were joined; the recording goes on.
    pub(super) fn rejoin(
        &mut self,
        ticket: TicketId,
        caller_side: LegIndex,
        callee_side: LegIndex,
        record: Record,
    ) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let joined = call.sides.unwrap_or((LegIndex::CALLER, LegIndex::CALLER));
        let newcomer = if caller_side == joined.0 { callee_side } else { caller_side };
        call.newcomer = Some(newcomer);
        let outward = call.direction == Direction::Out;
        let media = [caller_side, callee_side].map(|leg| self.media_of(ticket, leg));
        let [Some(caller), Some(callee)] = media else {
            self.events.push_back((ticket, Event::JoinFailed { leg: newcomer }));
            return;
        };
        let (left, right) = if outward { (callee, caller) } else { (caller, callee) };
        let record = match record {
            Record::Both => Some(RecordOrder { ticket, path: recording_path(ticket) }),
            Record::Nothing => None,
        };
        self.out.push(Output::Media(MediaCommand::Join { left, right, record }));
    }

    /// How it goes, to the phone that asked for it; with the last word, the call that gave a leg learns so.
    pub(super) fn tell_transferor(&mut self, ticket: TicketId, news: TransferNews, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let (status, over) = match news {
            TransferNews::Rings => (Status::RINGING, false),
            TransferNews::Done => (Status::OK, true),
            TransferNews::Failed => (Status::TEMPORARILY_UNAVAILABLE, true),
        };
        let Some(transfer) = call.transfer.take() else { return };
        self.notify_transferor(&transfer, status, now);
        if over {
            self.give_back(transfer.given);
        } else if let Some(call) = self.calls.get_mut(&ticket) {
            call.transfer = Some(transfer);
        }
    }

    /// The call that gave a leg away learns that it is gone for good.
    pub(super) fn give_back(&mut self, given: Option<(TicketId, LegIndex)>) {
        if let Some((ticket, leg)) = given {
            self.events.push_back((ticket, Event::Feature(Feature::Taken { leg })));
        }
    }

    /// Nothing is heard where the phone has hung up: its subscription ended with its dialog (departs from
    /// RFC 5057 §4.2, as phones do that hang up after the 202).
    fn notify_transferor(&mut self, transfer: &OpenTransfer, status: Status, now: Moment) {
        if let Some((headers, body)) = transfer.refer.notify(status) {
            self.ua.request_within(transfer.usage, Method::Notify, headers, body, now.mono);
        }
    }
}
