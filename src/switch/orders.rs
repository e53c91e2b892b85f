//! What a call orders, carried out: dialling, joining, answering, hanging up, and the notes on its
//! ticket.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::{
    Moment, Notice, Output, Switch,
    caller::CallerWish,
    facts::{COMPLETED_ELSEWHERE, stream_of},
    leg::{Closing, LiveCall, OurSdp, PortState, RecordingState},
    media::{MediaCommand, SpeechWatch},
};
use crate::{
    call::{
        machine::{Action, Event, LegIndex, Note},
        plan::Target,
        prompt::Prompt,
    },
    desk::{
        ticket::{Direction, Outcome, TicketId, TicketLog, Unanswered, Verdict},
        verdict::nothing_to_record,
    },
};

/// The recorder closes a file within milliseconds, a sick disk within seconds; after this a ticket
/// stops waiting for it.
const RECORDER_PATIENCE: Duration = Duration::from_secs(60);

impl Switch {
    /// Lets a call think about a fact and does what it orders. A bug in it ends this one call
    /// (`decisions.md` 19): the machine is out of the map while it thinks, and not put back.
    pub(super) fn call_hears(&mut self, ticket: TicketId, event: Event, now: Moment) {
        let Some(mut machine) = self.calls.get_mut(&ticket).and_then(|call| call.machine.take()) else {
            return;
        };
        let told = event.clone();
        let thought = catch_unwind(AssertUnwindSafe(|| {
            let actions = machine.on(event, now.mono);
            (machine, actions)
        }));
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let after = now.mono.saturating_duration_since(call.started);
        match thought {
            Ok((machine, actions)) => {
                call.machine = Some(machine);
                call.journal.note(after, told, &actions);
                self.perform(ticket, actions, now);
                self.note_deadline(ticket);
            }
            Err(_) => {
                // The last step of the journal is the one to look at.
                call.journal.note(after, told, &[]);
                self.call_broke(ticket, now);
            }
        }
    }

    fn call_broke(&mut self, ticket: TicketId, now: Moment) {
        self.out.push(Output::Notice(Notice::CallBroken { ticket }));
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        call.log.broken(now.wall);
        if !call.log.has_outcome() {
            call.log.outcome(Outcome::Interrupted, None, now.wall);
        }
        let legs: Vec<LegIndex> = call.legs.keys().copied().collect();
        for leg in legs {
            self.hang_up_leg(ticket, leg, Unanswered::Fault, now);
        }
        self.hang_up_caller(ticket, now);
        self.end(ticket, now);
    }

    /// Keeps the index of deadlines true.
    pub(super) fn note_deadline(&mut self, ticket: TicketId) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let wanted = call.machine.as_ref().and_then(crate::call::machine::Call::deadline);
        if call.deadline == wanted && wanted.is_none_or(|at| self.deadlines.contains(&(at, ticket))) {
            return;
        }
        if let Some(old) = call.deadline {
            self.deadlines.remove(&(old, ticket));
        }
        call.deadline = wanted;
        if let Some(at) = wanted {
            self.deadlines.insert((at, ticket));
        }
    }

    pub(super) fn perform(&mut self, ticket: TicketId, actions: Vec<Action>, now: Moment) {
        if !actions.is_empty() {
            self.lamps.touch();
        }
        for action in actions {
            match action {
                Action::Dial { leg, target } => self.dial(ticket, leg, target, now),
                Action::HangUp { leg, why } => self.hang_up_leg(ticket, leg, why, now),
                Action::RingCaller => self.ring_caller(ticket, now),
                Action::PassEarlyMedia { leg } => self.pass_early_media(ticket, leg, now),
                Action::ProgressCaller => self.caller_wishes(ticket, CallerWish::Progress, now),
                Action::Join { leg, record } => {
                    self.caller_wishes(ticket, CallerWish::Join(leg, record), now)
                }
                Action::Adopt { leg, target } => self.adopt(ticket, leg, target, now),
                Action::Rejoin { caller_side, callee_side, record } => {
                    self.rejoin(ticket, caller_side, callee_side, record);
                }
                Action::TellTransferor { news } => self.tell_transferor(ticket, news, now),
                Action::AnswerCaller => self.caller_wishes(ticket, CallerWish::Answer, now),
                Action::RefuseCaller { why } => self.refuse_caller(ticket, why, now),
                Action::HangUpCaller => self.hang_up_caller(ticket, now),
                Action::Play { leg, sounds, repeat } => self.play(ticket, leg, sounds, repeat),
                Action::StopPlaying { leg } => self.stop_playing(ticket, leg),
                Action::Record { leg, enough_speech, quiet_after } => {
                    let watch = SpeechWatch { enough: enough_speech, quiet_after };
                    self.record_alone(ticket, leg, watch, now);
                }
                Action::StopRecording => self.stop_recording(ticket, now),
                Action::DiscardRecording => self.discard_recording(ticket),
                Action::Note(note) => self.note(ticket, note, now),
                Action::End => self.end(ticket, now),
            }
        }
    }

    fn hang_up_leg(&mut self, ticket: TicketId, index: LegIndex, why: Unanswered, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        // Somebody else has the caller, unless the caller is gone.
        let talking = call.joined.is_some() && !call.caller.over;
        let Some(leg) = call.legs.get_mut(&index) else { return };
        let leg_rings = leg.chosen.is_none();
        let (media, status) = (leg.ports.media, leg.reason.as_ref().and_then(|(_, status)| *status));
        let deaf = (!leg.rang && leg.chosen.is_none()).then(|| leg.target.clone());
        let mut open = Vec::new();
        for branch in leg.branches.iter_mut().filter(|branch| !branch.over) {
            branch.over = true;
            open.push(branch.usage);
        }
        leg.ports.state = PortState::Refused;
        // RFC 3326: a phone that sees this does not show a missed call.
        let elsewhere =
            (why == Unanswered::NotNeeded && leg_rings && talking).then(|| COMPLETED_ELSEWHERE.to_owned());
        for usage in open {
            self.usages.remove(&usage);
            if let Some(target) = deaf.as_ref().filter(|_| why == Unanswered::NoAnswer) {
                // It has not even said that it rings: look whether it is still there.
                self.doubt(target, usage, now);
            }
            self.ua.hang_up(usage, elsewhere.clone(), now.mono);
        }
        if let Some(call) = self.calls.get_mut(&ticket) {
            // Settled legs keep what was said of them first.
            call.log.leg_unanswered(index.0, why, status, now.wall);
            self.touched.insert(ticket);
        }
        if self.media.remove(&media).is_some() {
            self.out.push(Output::Media(MediaCommand::Close { media }));
        }
    }

    /// Our side of a leg's session, and the address of its ports.
    pub(super) fn our_side(
        &mut self,
        ticket: TicketId,
        index: LegIndex,
    ) -> Option<(&mut OurSdp, SocketAddr)> {
        let call = self.calls.get_mut(&ticket)?;
        let (sdp, ports) = if index == LegIndex::CALLER {
            (&mut call.caller.sdp, call.caller.ports)
        } else {
            let leg = call.legs.get_mut(&index)?;
            (&mut leg.sdp, leg.ports)
        };
        Some((sdp, ports.address()?))
    }

    /// Tells the media room what a leg agreed to.
    pub(super) fn describe(&mut self, ticket: TicketId, index: LegIndex) {
        let Some(call) = self.calls.get(&ticket) else { return };
        let (media, agreed) = if index == LegIndex::CALLER {
            (call.caller.ports.media, call.caller.agreed.as_ref())
        } else {
            let Some(leg) = call.legs.get(&index) else { return };
            (leg.ports.media, leg.agreed.as_ref())
        };
        if let Some(agreed) = agreed {
            self.out.push(Output::Media(MediaCommand::Describe { media, stream: stream_of(agreed) }));
        }
    }

    fn note(&mut self, ticket: TicketId, note: Note, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        self.touched.insert(ticket);
        let LiveCall { log, legs, sides, direction, joined, .. } = call;
        match note {
            Note::NoticeStarted => {
                log.notice_started(self.settings.voice.file(Prompt::RecordingNotice), now.wall)
            }
            Note::NoticeEnded { how } => {
                log.notice_ended(how, self.settings.voice.file(Prompt::RecordingNotice), now.wall);
            }
            Note::RecordingRefused => log.recording_refused(now.wall),
            Note::Queued => {
                log.queued(now.wall);
                self.queued.insert(ticket);
            }
            Note::LeftQueue { why } => log.left_queue(&why, now.wall),
            Note::Voicemail => log.voicemail(now.wall),
            Note::FirstRing => log.first_ring(now.wall),
            Note::Flagged { ring } => log.flagged(ring, now.wall),
            Note::Forwarding { why } => log.forwarding(&why, now.wall),
            Note::Ringing { leg } => log.leg_ringing(leg.0, now.wall),
            Note::Talk { caller_side, callee_side } => {
                *sides = Some((caller_side, callee_side));
                let outward = *direction == Direction::Out;
                let (left, right) =
                    if outward { (callee_side, caller_side) } else { (caller_side, callee_side) };
                let since = joined.map_or(Duration::ZERO, |at| now.mono.saturating_duration_since(at));
                log.talk(left.0, right.0, since, now.wall);
            }
            Note::Transfer { from, to } => log.transfer(from.0, to.0, now.wall),
            Note::Transferred { to } => log.transferred(to.0, now.wall),
            Note::TransferFailed => log.transfer_failed(now.wall),
            Note::Taken { leg } => log.taken(leg.0, now.wall),
            Note::Picked { leg } => log.picked(leg.0, now.wall),
            Note::Answered { leg, ring } => {
                log.answered(leg.0, ring, now.wall);
                if let (Direction::Hotline, Some(Target::Phone(phone))) =
                    (*direction, legs.get(&leg).map(|leg| &leg.target))
                {
                    self.last_calls.insert(phone.clone(), ticket);
                }
            }
            Note::Left { leg } => log.left(leg.0, now.wall),
            Note::Unanswered { leg, why } => {
                let status = legs.get(&leg).and_then(|l| l.reason.as_ref()).and_then(|(_, status)| *status);
                log.leg_unanswered(leg.0, why, status, now.wall);
            }
            Note::HungUp { first } => log.hung_up(first, now.wall),
            Note::Outcome { outcome, ring } => log.outcome(outcome, ring, now.wall),
        }
    }

    /// Everything of the call is given back; its ticket waits for the recording, if there is one.
    fn end(&mut self, ticket: TicketId, now: Moment) {
        let Some(mut call) = self.calls.remove(&ticket) else { return };
        if let Some(at) = call.deadline {
            self.deadlines.remove(&(at, ticket));
        }
        self.queued.remove(&ticket);
        match call.recording {
            // Also after a failure: the recorder gives back what it kept for it.
            RecordingState::Running | RecordingState::Failed(_) => {
                self.out.push(Output::Media(MediaCommand::StopRecording { ticket }));
            }
            RecordingState::NotAsked
            | RecordingState::Stopping { .. }
            | RecordingState::Closed { .. }
            | RecordingState::Discarded => {}
        }
        let mut usages: Vec<_> =
            call.legs.values().flat_map(|leg| &leg.branches).filter(|b| !b.over).map(|b| b.usage).collect();
        if !call.caller.over {
            usages.push(call.caller.usage);
        }
        for usage in usages {
            debug_assert!(false, "the call left a leg open at its end");
            self.ua.hang_up(usage, None, now.mono);
        }
        for branch in call.legs.values().flat_map(|leg| &leg.branches) {
            self.usages.remove(&branch.usage);
        }
        self.usages.remove(&call.caller.usage);
        if let Some(transfer) = &call.transfer {
            self.give_back(transfer.given);
        }
        let ports = call.legs.values().map(|leg| leg.ports.media).chain([call.caller.ports.media]);
        for media in ports {
            if self.media.remove(&media).is_some() {
                self.out.push(Output::Media(MediaCommand::Close { media }));
            }
        }
        self.out.push(Output::Journal { ticket, journal: Some(Box::new(call.journal)) });
        call.log.ended(now.wall);
        let talked = call.joined.map_or(Duration::ZERO, |at| now.mono.saturating_duration_since(at));
        let (talked, failed) = match call.recording {
            RecordingState::NotAsked | RecordingState::Discarded => {
                let refused = call.log.is_recording_refused();
                let verdict =
                    if refused { Verdict::Refused } else { nothing_to_record(call.log.ticket().outcome) };
                call.log.recorded(None, verdict, now.wall);
                return self.save(&mut call.log);
            }
            RecordingState::Closed { talked, report, why } => {
                let closing = Closing { log: call.log, talked, deadline: now.mono, failed: None };
                return self.close_ticket(closing, report, why, now);
            }
            RecordingState::Running => (talked, None),
            RecordingState::Failed(why) => (talked, Some(why)),
            RecordingState::Stopping { talked } => (talked, None),
        };
        let deadline = now.mono + RECORDER_PATIENCE;
        self.save(&mut call.log);
        self.deadlines.insert((deadline, ticket));
        self.closing.insert(ticket, Closing { log: call.log, talked, deadline, failed });
    }

    pub(super) fn save(&mut self, log: &mut TicketLog) {
        if let Some(change) = log.take_change() {
            self.out.push(Output::Save(Box::new(change)));
        }
    }

    pub(super) fn save_touched(&mut self) {
        for ticket in std::mem::take(&mut self.touched) {
            if let Some(change) = self.calls.get_mut(&ticket).and_then(|call| call.log.take_change()) {
                self.out.push(Output::Save(Box::new(change)));
            }
        }
    }
}
