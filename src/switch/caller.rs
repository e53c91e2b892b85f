//! What a call orders for its caller: ringing, early media, the answer, being joined with somebody, the
//! end. Whatever needs the caller's ports waits until they are there.

use bytes::Bytes;

use super::{
    Moment, Output, Switch,
    dialling::liking,
    leg::{PortState, RecordingState},
    media::{MediaCommand, RecordOrder},
    recording::recording_path,
};
use crate::{
    call::machine::{CallerRefused, Event, LegIndex, Record},
    desk::ticket::{Direction, TicketId},
    sip::{
        message::{Headers, Status},
        offer::{self, AudioCodec},
        sdp,
    },
};

/// What needs the caller's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallerWish {
    /// 183 with media of ours.
    Progress,
    /// 200.
    Answer,
    /// The media of that leg.
    Join(LegIndex, Record),
}

/// Whether the call has been told that its caller can be played to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    NotAsked,
    /// As soon as it is known where to: a late offer's answer comes with the ACK.
    Owed,
    Told,
}

impl Switch {
    pub(super) fn ring_caller(&mut self, ticket: TicketId, now: Moment) {
        if let Some(call) = self.calls.get(&ticket).filter(|call| !call.caller.over) {
            self.ua.provisional(call.caller.usage, Status::RINGING, None, now.mono);
        }
    }

    /// Now, or when the caller's ports are known.
    pub(super) fn caller_wishes(&mut self, ticket: TicketId, wish: CallerWish, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        if call.caller.ports.state == PortState::Asked {
            call.wishes.push(wish);
            return;
        }
        match wish {
            CallerWish::Progress => self.progress_caller(ticket, now),
            CallerWish::Answer => self.answer_caller(ticket, now),
            CallerWish::Join(leg, record) => self.join(ticket, leg, record, now),
        }
    }

    /// The caller's ports are known, or known not to be.
    pub(super) fn grant_wishes(&mut self, ticket: TicketId, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        for wish in std::mem::take(&mut call.wishes) {
            self.caller_wishes(ticket, wish, now);
        }
    }

    /// Makes our answer to the caller, once, with that codec where we can.
    fn caller_answer(&mut self, ticket: TicketId, taken: Option<AudioCodec>) -> bool {
        let Some(call) = self.calls.get_mut(&ticket) else { return false };
        if call.caller.answer.is_some() {
            return true;
        }
        let Some(address) = call.caller.ports.address() else { return false };
        let codecs = liking(taken);
        let both = sdp::Direction::SendRecv;
        let answer = match &call.caller.offer {
            Some(theirs) => match offer::answer(theirs, &call.caller.sdp.local(address), &codecs, both) {
                Ok((bytes, agreed)) => {
                    call.caller.agreed = Some(agreed);
                    call.caller.sdp.sent = bytes.clone();
                    bytes
                }
                Err(_) => return false,
            },
            None => call.caller.sdp.say(address, |local| offer::offer(local, &codecs, both)),
        };
        call.caller.answer = Some(answer);
        self.describe(ticket, LegIndex::CALLER);
        true
    }

    /// The codec of that leg, or of whichever has answered.
    fn taken_by(&self, ticket: TicketId, leg: Option<LegIndex>) -> Option<AudioCodec> {
        let call = self.calls.get(&ticket)?;
        let leg = match leg {
            Some(leg) => call.legs.get(&leg),
            None => call.legs.values().find(|leg| leg.chosen.is_some() && !leg.is_over()),
        };
        leg?.agreed.as_ref().map(|agreed| agreed.codec)
    }

    pub(super) fn pass_early_media(&mut self, ticket: TicketId, index: LegIndex, now: Moment) {
        // Without ports or a common codec there is nothing to pass; the caller then hears plain ringing.
        let taken = self.taken_by(ticket, Some(index));
        let passed = self.caller_answer(ticket, taken);
        let Some(call) = self.calls.get(&ticket).filter(|call| !call.caller.over) else { return };
        let Some(leg) = call.legs.get(&index).filter(|_| passed) else {
            return self.ua.provisional(call.caller.usage, Status::RINGING, None, now.mono);
        };
        let (from, to) = (leg.ports.media, call.caller.ports.media);
        self.out.push(Output::Media(MediaCommand::Pass { from, to }));
        self.session_progress(ticket, now);
    }

    fn session_progress(&mut self, ticket: TicketId, now: Moment) {
        let Some(call) = self.calls.get(&ticket).filter(|call| !call.caller.over) else { return };
        let answer = call.caller.answer.clone();
        self.ua.provisional(call.caller.usage, Status::SESSION_PROGRESS, answer, now.mono);
    }

    /// An offer of ours in a 183 would need PRACK to be answered: a caller without an offer of its own
    /// cannot be played to before the 200.
    fn progress_caller(&mut self, ticket: TicketId, now: Moment) {
        let offered = self.calls.get(&ticket).is_some_and(|call| call.caller.offer.is_some());
        if !offered || !self.caller_answer(ticket, None) {
            return self.events.push_back((ticket, Event::CallerNotReached));
        }
        self.session_progress(ticket, now);
        self.reach(ticket);
    }

    fn answer_caller(&mut self, ticket: TicketId, now: Moment) {
        let taken = self.taken_by(ticket, None);
        if !self.caller_answer(ticket, taken) {
            return self.events.push_back((ticket, Event::CallerNotReached));
        }
        let Some(call) = self.calls.get_mut(&ticket).filter(|call| !call.caller.over) else { return };
        call.caller.accepted = true;
        let answer: Bytes = call.caller.answer.clone().unwrap_or_default();
        let usage = call.caller.usage;
        self.ua.accept(usage, answer, now.mono);
        self.reach(ticket);
    }

    /// The call may play to its caller as soon as it is known where to.
    fn reach(&mut self, ticket: TicketId) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        call.caller.reach = Reach::Owed;
        self.caller_agreed(ticket);
    }

    /// It may be known now.
    pub(super) fn caller_agreed(&mut self, ticket: TicketId) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        if call.caller.reach == Reach::Owed && call.caller.agreed.is_some() {
            call.caller.reach = Reach::Told;
            self.events.push_back((ticket, Event::CallerReached));
        }
    }

    /// Joins the caller with that leg, and records both unless nothing is to be recorded.
    fn join(&mut self, ticket: TicketId, index: LegIndex, record: Record, now: Moment) {
        let taken = self.taken_by(ticket, Some(index));
        if !self.caller_answer(ticket, taken) {
            self.events.push_back((ticket, Event::JoinFailed { leg: index }));
            return;
        }
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let Some(leg) = call.legs.get(&index) else { return };
        let (caller, other) = (call.caller.ports.media, leg.ports.media);
        // Left is the outside party, right the desk, whoever called whom.
        let (left, right) = if call.direction == Direction::Out { (other, caller) } else { (caller, other) };
        let record = match record {
            Record::Both => Some(RecordOrder { ticket, path: recording_path(ticket) }),
            Record::Nothing => None,
        };
        if call.recording == RecordingState::NotAsked && record.is_some() {
            call.recording = RecordingState::Running;
        }
        call.joined.get_or_insert(now.mono);
        call.newcomer = Some(index);
        self.out.push(Output::Media(MediaCommand::Join { left, right, record }));
    }

    pub(super) fn refuse_caller(&mut self, ticket: TicketId, why: CallerRefused, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket).filter(|call| !call.caller.over) else { return };
        // The 200 may have left in this very turn.
        if call.caller.accepted {
            return self.hang_up_caller(ticket, now);
        }
        let status = match why {
            CallerRefused::NobodyAvailable | CallerRefused::Unreachable => Status::TEMPORARILY_UNAVAILABLE,
            CallerRefused::Busy => Status::BUSY_HERE,
            CallerRefused::Declined => Status::DECLINE,
            CallerRefused::Fault => Status::SERVICE_UNAVAILABLE,
        };
        call.caller.over = true;
        let usage = call.caller.usage;
        self.usages.remove(&usage);
        self.ua.refuse(usage, status, Headers::new(), now.mono);
    }

    pub(super) fn hang_up_caller(&mut self, ticket: TicketId, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket).filter(|call| !call.caller.over) else { return };
        call.caller.over = true;
        let usage = call.caller.usage;
        self.usages.remove(&usage);
        self.ua.hang_up(usage, None, now.mono);
    }
}
