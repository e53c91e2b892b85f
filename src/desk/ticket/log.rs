//! The hand that writes a ticket while its call lives: each thing that happens becomes columns and one
//! line of the timeline, in words. It never reads a clock and never decides; what is settled (an
//! outcome, a flag, how a leg ended) stays, however often it is said again.

use std::time::Duration;

use super::{
    Channel, Direction, LegRecord, LocalTime, Notice, NoticeEnd, Outcome, Party, PromptFile, Recording,
    RecordingReport, Segment, Side, Ticket, TicketChange, TicketId, TimelineEntry, Unanswered, Verdict,
};
use crate::desk::number::Number;

/// Timeline lines that a ticket keeps; the last says that more were left out. A phone that holds and
/// resumes every second for hours reaches it, a person does not.
const MAX_LINES: u32 = 500;
/// Legs that a ticket keeps, the caller's included; a line of the timeline says if there were more.
const MAX_LEGS: usize = 64;

/// What is known of a call when it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub id: TicketId,
    pub direction: Direction,
    /// As sent; `None` where withheld.
    pub caller: Option<Number>,
    pub caller_name: Option<String>,
    /// The desk phone that calls, where it is one.
    pub caller_phone: Option<String>,
    pub dialled: Number,
    /// The trunk it came in or goes out by, where known.
    pub trunk: Option<String>,
    pub received: LocalTime,
    pub shift: Option<String>,
    pub operator: Option<String>,
    /// The state of the desk in words.
    pub desk_state: String,
    /// SIP Call-ID of the caller's leg.
    pub call_id: String,
    /// The caller's ticket of a short time before, where there is one.
    pub redial_of: Option<TicketId>,
    /// The ticket whose matter this one is about.
    pub part_of: Option<TicketId>,
}

/// A ticket being written.
#[derive(Debug)]
pub struct TicketLog {
    ticket: Ticket,
    /// Lines so far, saved ones included.
    lines: u32,
    new_entries: Vec<TimelineEntry>,
    /// Something is not in any [`TicketChange`] yet.
    changed: bool,
    legs_left_out: bool,
    recording_refused: bool,
    /// When the recording began.
    recorded_from: Option<LocalTime>,
}

impl TicketLog {
    /// Opens the ticket, with the caller as leg 0.
    pub fn open(opening: Opening) -> Self {
        let Opening {
            id,
            direction,
            caller,
            caller_name,
            caller_phone,
            dialled,
            trunk,
            received,
            shift,
            operator,
            desk_state,
            call_id,
            redial_of,
            part_of,
        } = opening;
        let words = arrival(direction, caller.as_ref(), caller_phone.as_deref(), &dialled, trunk.as_deref());
        let party = match caller_phone {
            Some(phone) => Party::Phone(phone),
            None => Party::Outside(caller.clone().unwrap_or_else(|| Number::new(String::new()))),
        };
        let ticket = Ticket {
            id,
            revision: 0,
            direction,
            caller,
            caller_name,
            dialled,
            trunk,
            received,
            first_ring: None,
            flagged: None,
            answered: None,
            ended: None,
            rings: None,
            answered_by: None,
            shift,
            operator,
            desk_state,
            outcome: None,
            hung_up_first: None,
            recording: None,
            notice: None,
            redial_of,
            part_of,
            segments: Vec::new(),
            legs: vec![leg_record(0, party, received, call_id)],
        };
        let mut log = Self {
            ticket,
            lines: 0,
            new_entries: Vec::new(),
            changed: true,
            legs_left_out: false,
            recorded_from: None,
            recording_refused: false,
        };
        log.line("received", words, received);
        if !log.ticket.desk_state.is_empty() {
            log.line("desk", log.ticket.desk_state.clone(), received);
        }
        if let Some(before) = redial_of {
            log.line("redial", format!("the same caller as {before}, again"), received);
        }
        log
    }

    /// The ticket as it stands.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Whether it has been decided how the call ended.
    pub fn has_outcome(&self) -> bool {
        self.ticket.outcome.is_some()
    }

    /// What to save, if anything changed since the last time; its revision is one higher.
    pub fn take_change(&mut self) -> Option<TicketChange> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.ticket.revision = self.ticket.revision.saturating_add(1);
        Some(TicketChange { ticket: self.ticket.clone(), new_entries: std::mem::take(&mut self.new_entries) })
    }

    /// The ring clock started.
    pub fn first_ring(&mut self, at: LocalTime) {
        if self.ticket.first_ring.is_none() {
            self.ticket.first_ring = Some(at);
            self.line("first_ring", "the caller hears ringing", at);
        }
    }

    /// Not answered by the end of this ring.
    pub fn flagged(&mut self, ring: u32, at: LocalTime) {
        if self.ticket.flagged.is_none() {
            self.ticket.flagged = Some(at);
            self.line("flagged", format!("not answered in {ring} rings"), at);
        }
    }

    /// Who has the caller's number, by the residents' list.
    pub fn recognised(&mut self, listed: &str, at: LocalTime) {
        self.line("recognised", format!("the residents' list has this number: {listed}"), at);
    }

    /// The recording notice begins to be played from that file.
    pub fn notice_started(&mut self, file: PromptFile, at: LocalTime) {
        let version = file.sha256.as_deref().and_then(|hash| hash.get(..12)).unwrap_or("?");
        let words = format!("the caller hears the recording notice ({}, {version})", file.name);
        self.ticket.notice = Some(Notice { file, started: at, ended: None });
        self.line("notice_started", words, at);
    }

    /// And ends; `file` for a notice that could not even begin.
    pub fn notice_ended(&mut self, how: NoticeEnd, file: PromptFile, at: LocalTime) {
        let notice = self.ticket.notice.get_or_insert(Notice { file, started: at, ended: None });
        if notice.ended.is_some() {
            return;
        }
        notice.ended = Some(how);
        match how {
            NoticeEnd::Whole => self.line("notice_played", "the recording notice was played to its end", at),
            NoticeEnd::CutAfter(after) => {
                let words = format!("the recording notice was cut at {} ms", after.as_millis());
                self.line("notice_cut", words, at);
            }
            NoticeEnd::Failed => self.line("notice_failed", "the recording notice could not be played", at),
        }
    }

    /// The caller pressed the key that refuses recording.
    pub fn recording_refused(&mut self, at: LocalTime) {
        self.recording_refused = true;
        self.line("recording_refused", "the caller refused to be recorded", at);
    }

    pub fn is_recording_refused(&self) -> bool {
        self.recording_refused
    }

    /// All lines were busy.
    pub fn queued(&mut self, at: LocalTime) {
        self.line("queued", "all lines are busy: the caller waits for one", at);
    }

    pub fn left_queue(&mut self, why: &str, at: LocalTime) {
        self.line("left_queue", format!("the caller waits for a line no longer: {why}"), at);
    }

    /// Nobody was there.
    pub fn voicemail(&mut self, at: LocalTime) {
        self.line("voicemail", "the caller is asked for a message", at);
    }

    /// The mobiles' turn has come.
    pub fn forwarding(&mut self, why: &str, at: LocalTime) {
        self.line("forwarding", format!("goes to the mobiles: {why}"), at);
    }

    /// The trunk that the call goes out by.
    pub fn goes_out_by(&mut self, trunk: &str) {
        self.ticket.trunk = Some(trunk.to_owned());
        self.changed = true;
    }

    pub fn leg_dialled(&mut self, index: u16, party: Party, at: LocalTime) {
        if self.leg(index).is_some() {
            return;
        }
        if self.ticket.legs.len() >= MAX_LEGS {
            if !std::mem::replace(&mut self.legs_left_out, true) {
                self.line("legs_left_out", "more legs were dialled than a ticket keeps", at);
            }
            return;
        }
        let words = format!("dialling {}", name(&party));
        self.ticket.legs.push(leg_record(index, party, at, String::new()));
        self.line("dialled", words, at);
    }

    /// The SIP Call-ID of a leg, once its INVITE is made.
    pub fn leg_call_id(&mut self, index: u16, call_id: &str) {
        if let Some(leg) = self.leg(index)
            && leg.call_id != call_id
        {
            call_id.clone_into(&mut leg.call_id);
            self.changed = true;
        }
    }

    /// The carrier refused the leg under the caller's number.
    pub fn own_number(&mut self, index: u16, status: u16, at: LocalTime) {
        let words = format!("{} is called once more with our own number ({status})", self.who(index));
        self.line("own_number", words, at);
    }

    pub fn leg_ringing(&mut self, index: u16, at: LocalTime) {
        if let Some(leg) = self.leg(index)
            && leg.ringing.is_none()
        {
            leg.ringing = Some(at);
            let words = format!("{} rings", name(&leg.party));
            self.line("ringing", words, at);
        }
    }

    /// A mobile was picked up; nobody is proven to be there.
    pub fn picked(&mut self, index: u16, at: LocalTime) {
        let who = self.who(index);
        self.line("picked", format!("{who} was picked up and is asked for the key"), at);
    }

    /// A person answered, in this ring where rings are counted.
    pub fn answered(&mut self, index: u16, ring: Option<u32>, at: LocalTime) {
        if self.ticket.answered.is_some() {
            return;
        }
        if let Some(leg) = self.leg(index) {
            leg.answered = Some(at);
            self.ticket.answered_by = Some(leg.party.clone());
        }
        self.ticket.answered = Some(at);
        self.ticket.rings = ring;
        let who = self.who(index);
        self.line("answered", format!("{who} answered{}", in_ring(ring)), at);
    }

    /// A leg ended without an answer; `status` where the peer gave one.
    pub fn leg_unanswered(&mut self, index: u16, why: Unanswered, status: Option<u16>, at: LocalTime) {
        let Some(leg) = self.leg(index).filter(|leg| leg.ended.is_none()) else { return };
        leg.ended = Some(at);
        leg.status = status;
        if leg.answered.is_some() {
            self.changed = true;
            return;
        }
        let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
        let words = format!("{} {}{status}", name(&leg.party), why.words());
        leg.unanswered = Some(why);
        self.line("unanswered", words, at);
    }

    /// These legs talk from now on, on the left and the right channel; `since` the recording's first sample.
    pub fn talk(&mut self, left: u16, right: u16, since: Duration, at: LocalTime) {
        let now_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.recorded_from.get_or_insert(at - since);
        for (channel, leg) in [(Channel::Left, left), (Channel::Right, right)] {
            let open = self.ticket.segments.iter_mut().find(|s| s.channel == channel && s.until_ms.is_none());
            match open {
                Some(segment) if segment.leg == leg => continue,
                Some(segment) => segment.until_ms = Some(now_ms),
                None => {}
            }
            let Some(party) = self.leg(leg).map(|leg| leg.party.clone()) else { continue };
            let index = u32::try_from(self.ticket.segments.len()).unwrap_or(u32::MAX);
            self.ticket.segments.push(Segment {
                index,
                channel,
                leg,
                party,
                from_ms: now_ms,
                until_ms: None,
            });
        }
        self.changed = true;
    }

    /// A leg gives its place to another.
    pub fn transfer(&mut self, from: u16, to: u16, at: LocalTime) {
        let words = format!("{} puts the call through to {}", self.who(from), self.who(to));
        self.line("transfer", words, at);
    }

    /// That leg has the place now.
    pub fn transferred(&mut self, to: u16, at: LocalTime) {
        let who = self.who(to);
        if let Some(leg) = self.leg(to) {
            leg.answered.get_or_insert(at);
        }
        self.line("transferred", format!("{who} has the call"), at);
    }

    pub fn transfer_failed(&mut self, at: LocalTime) {
        self.line("transfer_failed", "the call was not taken there", at);
    }

    /// A leg hung up, and the call goes on without it.
    pub fn left(&mut self, leg: u16, at: LocalTime) {
        if let Some(from) = self.recorded_from {
            let now_ms = u64::try_from((at - from).num_milliseconds()).unwrap_or(0);
            let open = self.ticket.segments.iter_mut().filter(|s| s.leg == leg && s.until_ms.is_none());
            open.for_each(|segment| segment.until_ms = Some(now_ms.max(segment.from_ms)));
        }
        let words = format!("{} hung up; the call goes on", self.who(leg));
        self.line("left", words, at);
    }

    /// A leg has gone over to another call.
    pub fn taken(&mut self, leg: u16, at: LocalTime) {
        let words = format!("{} goes over to the call that was asked about", self.who(leg));
        self.line("taken", words, at);
    }

    /// A leg put the call on hold, or took it back.
    pub fn held(&mut self, index: u16, held: bool, at: LocalTime) {
        let who = self.who(index);
        if held {
            self.line("held", format!("{who} put the call on hold"), at);
        } else {
            self.line("resumed", format!("{who} took the call back"), at);
        }
    }

    /// Nothing has come from a leg for this long, or (`None`) something comes again.
    pub fn silent(&mut self, index: u16, silent: Option<Duration>, at: LocalTime) {
        let who = self.who(index);
        match silent {
            Some(since) => self.line("silent", format!("no audio from {who} for {} s", since.as_secs()), at),
            None => self.line("heard", format!("audio from {who} again"), at),
        }
    }

    /// The call is ended because nothing has come from either side for this long.
    pub fn no_media(&mut self, since: Duration, at: LocalTime) {
        self.line("no_media", format!("no audio from either side for {} s: ended", since.as_secs()), at);
    }

    /// The leg's dialog came to its end without a goodbye: its peer is gone.
    pub fn lost(&mut self, index: u16, at: LocalTime) {
        let who = self.who(index);
        self.line("lost", format!("no sign of life from {who} any more"), at);
    }

    /// Who said goodbye.
    pub fn hung_up(&mut self, first: Side, at: LocalTime) {
        if self.ticket.hung_up_first.is_some() {
            return;
        }
        self.ticket.hung_up_first = Some(first);
        let channel = if self.ticket.direction == Direction::Out { Channel::Left } else { Channel::Right };
        // After a transfer somebody else is there than who answered.
        let last = self.ticket.segments.iter().rev().find(|segment| segment.channel == channel);
        let called = last.map(|segment| &segment.party).or(self.ticket.answered_by.as_ref());
        let words = match (first, called) {
            (Side::Caller, _) => "the caller hung up".to_owned(),
            (Side::Callee, Some(party)) => format!("{} hung up", name(party)),
            (Side::Callee, None) => "the called side hung up".to_owned(),
            (Side::House, _) => "the house ended the call".to_owned(),
        };
        self.line("hung_up", words, at);
    }

    /// How it ended for the caller; the first word counts.
    pub fn outcome(&mut self, outcome: Outcome, ring: Option<u32>, at: LocalTime) {
        if self.ticket.outcome.is_some() {
            return;
        }
        self.ticket.outcome = Some(outcome);
        self.ticket.rings = self.ticket.rings.or(ring);
        self.line("outcome", format!("{}{}", outcome.words(), in_ring(ring)), at);
    }

    /// The call is over, and with it every leg still open.
    pub fn ended(&mut self, at: LocalTime) {
        if self.ticket.ended.is_some() {
            return;
        }
        self.ticket.ended = Some(at);
        for leg in self.ticket.legs.iter_mut().filter(|leg| leg.ended.is_none()) {
            leg.ended = Some(at);
        }
        self.close_segments(at);
        self.line("ended", "the call is over", at);
    }

    /// Recording failed while the call goes on.
    pub fn recording_failed(&mut self, why: &str, at: LocalTime) {
        self.line("recording_failed", format!("the recording failed: {why}"), at);
    }

    /// What became of the recording.
    pub fn recorded(&mut self, report: Option<RecordingReport>, verdict: Verdict, at: LocalTime) {
        let seconds = report.as_ref().map_or(0, |report| report.duration().as_secs());
        let words = match &verdict {
            Verdict::Good => format!("recorded {seconds} s: good"),
            Verdict::Degraded(why) => format!("recorded {seconds} s: {why}"),
            Verdict::OneSided(why) => format!("recorded {seconds} s, one side only: {why}"),
            Verdict::Failed(why) => format!("not recorded: {why}"),
            Verdict::Interrupted => format!("recorded {seconds} s: interrupted"),
            Verdict::Refused => "not recorded: refused by caller".to_owned(),
            Verdict::None(why) => format!("nothing to record: {why}"),
        };
        self.ticket.recording = Some(Recording { report, verdict });
        self.line("recorded", words, at);
    }

    /// A bug of ours ended the call (`decisions.md` 19).
    pub fn broken(&mut self, at: LocalTime) {
        self.line("broken", "a fault of ours ended the call", at);
    }

    /// Whoever still spoke does so no longer.
    fn close_segments(&mut self, at: LocalTime) {
        let Some(from) = self.recorded_from else { return };
        let now_ms = u64::try_from((at - from).num_milliseconds()).unwrap_or(0);
        for segment in self.ticket.segments.iter_mut().filter(|segment| segment.until_ms.is_none()) {
            segment.until_ms = Some(now_ms.max(segment.from_ms));
        }
    }

    fn leg(&mut self, index: u16) -> Option<&mut LegRecord> {
        self.ticket.legs.iter_mut().find(|leg| leg.index == index)
    }

    /// A leg in words. Leg 0 is the caller, whoever that is.
    fn who(&self, index: u16) -> String {
        match self.ticket.legs.iter().find(|leg| leg.index == index) {
            Some(leg) if index != 0 => name(&leg.party),
            Some(_) => "the caller".to_owned(),
            None => format!("leg {index}"),
        }
    }

    fn line(&mut self, what: &'static str, words: impl Into<String>, at: LocalTime) {
        self.changed = true;
        if self.lines >= MAX_LINES {
            return;
        }
        let entry = if self.lines == MAX_LINES - 1 {
            let words = "more happened than this list keeps".to_owned();
            TimelineEntry { index: self.lines, at, what: "left_out", words }
        } else {
            TimelineEntry { index: self.lines, at, what, words: words.into() }
        };
        self.lines += 1;
        self.new_entries.push(entry);
    }
}

fn leg_record(index: u16, party: Party, dialled: LocalTime, call_id: String) -> LegRecord {
    LegRecord {
        index,
        party,
        dialled,
        ringing: None,
        answered: None,
        ended: None,
        unanswered: None,
        status: None,
        call_id,
    }
}

fn arrival(
    direction: Direction,
    caller: Option<&Number>,
    phone: Option<&str>,
    dialled: &Number,
    trunk: Option<&str>,
) -> String {
    let from = match (phone, caller) {
        (Some(phone), _) => phone.to_owned(),
        (None, Some(number)) => number.to_string(),
        (None, None) => "a withheld number".to_owned(),
    };
    let by = trunk.map(|trunk| format!(" by {trunk}")).unwrap_or_default();
    match direction {
        Direction::Hotline => format!("call to the hotline from {from}{by}"),
        Direction::Out => format!("{from} calls {dialled}{by}"),
        Direction::Internal => format!("{from} calls {}", dialled.reveal()),
    }
}

/// A party in words; numbers outside are masked, the leg's own row has them whole.
fn name(party: &Party) -> String {
    match party {
        Party::Phone(name) => name.clone(),
        Party::Mobile { name, .. } => format!("mobile {name}"),
        Party::Outside(number) => number.to_string(),
    }
}

fn in_ring(ring: Option<u32>) -> String {
    ring.map(|ring| format!(" in ring {ring}")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
