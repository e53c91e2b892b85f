//! Looking for a person: whom to ring now, the ring clock, the flag, the mobiles' turn, and what to tell
//! a caller for whom nobody is left.

use std::{collections::VecDeque, time::Instant};

use super::{
    Action, Call, CallerRefused, Event, LegIndex, Note, State,
    caller::Caller,
    farewell::Farewell,
    feature::Feature,
    joining::{JOIN_PATIENCE, Joining},
    legs::{Key, Leg, Legs, PickUp, Role, Stage, Turn, later},
    noticing::Noticing,
    queue::Queue,
    voicemail::Voicemail,
};
use crate::{
    call::{
        house::{LeaveTo, MobileOrder, NoticeAt},
        plan::{MobilesStart, QueuePlan, Target},
        prompt::{Prompt, Sound},
    },
    desk::ticket::{Direction, Outcome, Side, Unanswered},
};

/// Redirects followed in one call. More is a ring of phones that send the call round.
const MAX_REDIRECTS: u8 = 5;

/// Nobody has answered yet.
#[derive(Debug)]
pub(super) struct Seeking {
    tone: Tone,
    mobiles: Mobiles,
    /// Everybody dialled so far: no redirect leads to them again.
    tried: Vec<Target>,
    redirects_left: u8,
    /// Why those of `first` did not answer: `801 busy`.
    first_in_words: Vec<String>,
    /// Why the last leg did not answer; for calls out, where the caller is told.
    last: Option<Unanswered>,
    /// A person answered and could not be joined.
    join_failed: bool,
}

/// What the caller hears.
#[derive(Debug)]
enum Tone {
    /// Ringing starts by itself at `assumed`.
    Nothing {
        assumed: Option<Instant>,
    },
    Ringing,
    /// The callee's own early media (calls out).
    EarlyMedia,
    /// All lines were busy, and the caller waits for one.
    Queue(Queue),
}

/// The mobiles not dialled yet.
#[derive(Debug)]
enum Mobiles {
    Waiting(VecDeque<Target>),
    Called(VecDeque<Target>),
}

impl Mobiles {
    fn none_left(&self) -> bool {
        match self {
            Self::Waiting(rest) | Self::Called(rest) => rest.is_empty(),
        }
    }
}

impl Seeking {
    /// Nobody has been rung yet.
    pub(super) fn new(turn: &Turn<'_>) -> Self {
        Self {
            tone: Tone::Nothing {
                assumed: turn.plan.rings.map(|rings| later(turn.now, rings.assumed_after)),
            },
            mobiles: Mobiles::Waiting(turn.plan.mobiles.iter().cloned().collect()),
            tried: Vec::new(),
            redirects_left: MAX_REDIRECTS,
            first_in_words: Vec::new(),
            last: None,
            join_failed: false,
        }
    }

    pub(super) fn start(turn: &mut Turn<'_>) -> State {
        let mut seeking = Self::new(turn);
        let until = later(turn.now, turn.plan.first_patience);
        for target in &turn.plan.first {
            seeking.dial(target.clone(), Role::First, until, turn);
        }
        if turn.plan.queue.is_some() {
            seeking.ring_caller(turn);
            seeking.tone = Tone::Queue(Queue::enter(turn));
        }
        seeking.advance(turn)
    }

    pub(super) fn on(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        turn.flag_if_due();
        match event {
            Event::Answered { leg } => match turn.picked_up(leg) {
                PickUp::Person => return self.person(leg, turn),
                PickUp::NotYet => {}
            },
            Event::Digit { leg: LegIndex::CALLER, digit } => self.pressed_in_queue(digit, turn),
            Event::Digit { leg, digit } => match turn.pressed(leg, digit) {
                Key::Accept => return self.person(leg, turn),
                Key::Refuse => self.hang_up(leg, Unanswered::RefusedByKey, turn),
                Key::Nothing => {}
            },
            Event::EarlyMedia { leg } => self.early_media(leg, turn),
            Event::Feature(Feature::PickedUp { by }) => {
                let until = later(turn.now, JOIN_PATIENCE);
                if turn.adopt(by.clone(), until).is_some() {
                    self.tried.push(by);
                }
            }
            Event::HungUp { leg: LegIndex::CALLER } => return self.abandoned(turn),
            Event::Redirected { leg, to } => self.redirected(leg, to, turn),
            Event::EndOrdered => return self.ended_by_house(turn),
            event => self.meanwhile(event, turn),
        }
        self.advance(turn)
    }

    /// What happens on other legs while a person is there already; and what needs no decision.
    pub(super) fn meanwhile(&mut self, event: Event, turn: &mut Turn<'_>) {
        match event {
            Event::Ringing { leg } => self.ringing(leg, turn),
            Event::HungUp { leg } => self.lost(leg, turn),
            Event::Unanswered { leg, why } => self.over(leg, why, turn),
            Event::Redirected { leg, to: _ } => self.over(leg, Unanswered::Declined, turn),
            Event::Answered { leg } => match turn.picked_up(leg) {
                PickUp::Person => turn.send_off(leg, Prompt::ForwardTooLate),
                PickUp::NotYet => {}
            },
            Event::Digit { leg, digit } => match turn.pressed(leg, digit) {
                Key::Accept => turn.send_off(leg, Prompt::ForwardTooLate),
                Key::Refuse => self.hang_up(leg, Unanswered::RefusedByKey, turn),
                Key::Nothing => {}
            },
            Event::Played { leg: LegIndex::CALLER } | Event::PlayFailed { leg: LegIndex::CALLER } => {
                if let (Tone::Queue(queue), Some(plan)) = (&mut self.tone, &turn.plan.queue) {
                    queue.played(plan, turn);
                }
            }
            Event::Played { leg } | Event::PlayFailed { leg } => turn.prompt_over(leg),
            Event::CallerReached => match &mut self.tone {
                Tone::Queue(queue) => queue.reached(turn),
                // Answered for somebody who is gone again: nobody but us can make it ring now.
                Tone::Ringing => turn.play_on(LegIndex::CALLER, Sound::Ringback),
                Tone::Nothing { .. } | Tone::EarlyMedia => {}
            },
            Event::CallerNotReached => {
                if let Tone::Queue(queue) = &mut self.tone {
                    queue.not_reached();
                }
            }
            Event::PhoneFree { phone } => {
                let until = later(turn.now, turn.plan.first_patience);
                self.dial(Target::Phone(phone), Role::First, until, turn);
            }
            Event::EarlyMedia { .. }
            | Event::Feature(_)
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::Spoke { .. }
            | Event::Quiet { .. }
            | Event::RecordingFailed
            | Event::EndOrdered
            | Event::DeadlinePassed => {}
        }
    }

    /// When time alone changes something. Always, so that no caller waits for ever.
    pub(super) fn deadline(&self, call: &Call) -> Instant {
        let (plan, started) = (&call.plan, call.started);
        let tone = match &self.tone {
            Tone::Nothing { assumed } => *assumed,
            Tone::Queue(queue) => plan.queue.as_ref().and_then(|plan| queue.deadline(plan)),
            Tone::Ringing | Tone::EarlyMedia => None,
        };
        let nobody = self.nobody_left(&call.legs).then(|| later(started, plan.nobody_patience));
        [tone, call.clock.deadline(plan), nobody, call.legs.seeking_deadline()]
            .into_iter()
            .flatten()
            .fold(later(started, plan.longest_call), Instant::min)
    }

    /// Whether a line that becomes free on that phone is for this call: it waits in the queue, the phone is
    /// on duty, and has not been rung for it yet.
    pub(super) fn waits_for(&self, phone: &str, call: &Call) -> bool {
        let on_duty = |queue: &QueuePlan| queue.phones.iter().any(|name| name == phone);
        let is_phone = |target: &Target| matches!(target, Target::Phone(name) if name == phone);
        matches!(self.tone, Tone::Queue(_))
            && call.plan.queue.as_ref().is_some_and(on_duty)
            && !self.tried.iter().any(is_phone)
    }

    /// A leg rings: the caller hears it too.
    pub(super) fn ringing(&mut self, leg: LegIndex, turn: &mut Turn<'_>) {
        let Some(Leg { stage: Stage::Dialled { rings: rings @ false, .. }, .. }) = turn.legs.get_mut(leg)
        else {
            return;
        };
        *rings = true;
        turn.note(Note::Ringing { leg });
        self.ring_caller(turn);
    }

    /// Only calls out let the caller hear it (`decisions.md` 8); elsewhere it means that the leg rings.
    fn early_media(&mut self, leg: LegIndex, turn: &mut Turn<'_>) {
        if turn.plan.direction == Direction::Hotline {
            return self.ringing(leg, turn);
        }
        if let Some(Leg { stage: Stage::Dialled { early_media: early_media @ false, .. }, .. }) =
            turn.legs.get_mut(leg)
        {
            *early_media = true;
            self.tone = Tone::EarlyMedia;
            turn.push(Action::PassEarlyMedia { leg });
        }
    }

    /// A leg ended without an answer.
    pub(super) fn over(&mut self, leg: LegIndex, why: Unanswered, turn: &mut Turn<'_>) {
        if let Some(gone) = turn.is_over(leg, why.clone()) {
            self.remember(&gone, why);
        }
    }

    /// A leg broke off: a mobile that was picked up and hung up, or one whose way was lost.
    pub(super) fn lost(&mut self, leg: LegIndex, turn: &mut Turn<'_>) {
        let why = match turn.legs.get(leg).map(|leg| &leg.stage) {
            Some(Stage::Picked { .. }) => Unanswered::NotConfirmed,
            Some(Stage::Leaving { .. }) => Unanswered::NotNeeded,
            Some(Stage::Dialled { .. } | Stage::Up) | None => Unanswered::Unreachable,
        };
        self.over(leg, why, turn);
    }

    pub(super) fn hang_up(&mut self, leg: LegIndex, why: Unanswered, turn: &mut Turn<'_>) {
        if let Some(gone) = turn.hang_up(leg, why.clone()) {
            self.remember(&gone, why);
        }
    }

    /// The person on that leg was not to be joined, for a fault of ours.
    pub(super) fn join_failed(&mut self, leg: LegIndex, turn: &mut Turn<'_>) {
        self.join_failed = true;
        self.hang_up(leg, Unanswered::Fault, turn);
    }

    /// The caller hung up.
    pub(super) fn abandoned(self, turn: &mut Turn<'_>) -> State {
        turn.send_off_all(None, Prompt::CallerGone);
        turn.note(Note::HungUp { first: Side::Caller });
        self.decide(Outcome::Abandoned, turn)
    }

    /// Somebody at the console ended it.
    pub(super) fn ended_by_house(self, turn: &mut Turn<'_>) -> State {
        turn.send_off_all(None, Prompt::ForwardTooLate);
        turn.end_caller(CallerRefused::NobodyAvailable);
        turn.note(Note::HungUp { first: Side::House });
        self.decide(Outcome::Refused, turn)
    }

    /// Does everything that is due, after any event.
    pub(super) fn advance(mut self, turn: &mut Turn<'_>) -> State {
        turn.flag_if_due();
        if turn.now >= turn.at_longest() {
            turn.send_off_all(None, Prompt::ForwardTooLate);
            return self.refuse(CallerRefused::NobodyAvailable, Outcome::Missed, turn);
        }
        self.end_patience(turn);
        turn.end_last_prompts();
        turn.ask_again();
        // After a fault of ours there is nothing to wait for; a carrier may have another way in.
        if self.join_failed && self.nobody_left(turn.legs) {
            return self.refuse(CallerRefused::Fault, Outcome::Missed, turn);
        }
        self.assume_ringing(turn);
        self.wait_in_queue(turn);
        self.forward(turn);
        if self.nobody_left(turn.legs) { self.nobody(turn) } else { State::Seeking(self) }
    }

    /// A person is on that leg. The others ring on until it is settled, in case that fails.
    fn person(mut self, leg: LegIndex, turn: &mut Turn<'_>) -> State {
        if let Some(there) = turn.legs.get_mut(leg) {
            there.stage = Stage::Up;
        }
        // Answered before anything rang: that is in the first ring.
        let ring = turn.ring().or(turn.plan.rings.map(|_| 1));
        let to_say = self.to_say(turn);
        self.hush(turn);
        if to_say.is_empty() {
            Joining::start(leg, ring, self, turn)
        } else {
            Noticing::start(leg, ring, to_say, self, turn)
        }
    }

    /// What both sides must hear before they talk.
    fn to_say(&self, turn: &Turn<'_>) -> VecDeque<Prompt> {
        let mut to_say = VecDeque::new();
        if let (Tone::Queue(queue), Some(plan)) = (&self.tone, &turn.plan.queue)
            && queue.was_long(plan, turn.now)
        {
            to_say.push_back(Prompt::SorryWaiting);
        }
        match turn.plan.notice {
            NoticeAt::OnAnswer if !turn.refuses_recording() => to_say.push_back(Prompt::RecordingNotice),
            NoticeAt::OnAnswer | NoticeAt::BeforeRinging | NoticeAt::Off => {}
        }
        to_say
    }

    /// What the caller hears while waiting is over: somebody is there.
    fn hush(&mut self, turn: &mut Turn<'_>) {
        match &mut self.tone {
            Tone::Queue(queue) => queue.hush(turn),
            Tone::Ringing if turn.caller_hears_us() => turn.stop_playing(LegIndex::CALLER),
            Tone::Ringing | Tone::Nothing { .. } | Tone::EarlyMedia => {}
        }
    }

    /// They are gone again, or could not be joined: the caller waits on.
    pub(super) fn go_on(mut self, turn: &mut Turn<'_>) -> State {
        match &mut self.tone {
            Tone::Queue(queue) => queue.go_on(turn),
            Tone::Ringing if turn.caller_hears_us() => turn.play_on(LegIndex::CALLER, Sound::Ringback),
            Tone::Ringing | Tone::Nothing { .. } | Tone::EarlyMedia => {}
        }
        self.advance(turn)
    }

    fn wait_in_queue(&mut self, turn: &mut Turn<'_>) {
        if let (Tone::Queue(queue), Some(plan)) = (&mut self.tone, &turn.plan.queue) {
            let all_tried = plan.busy.iter().all(|name| {
                self.tried.iter().any(|target| matches!(target, Target::Phone(phone) if phone == name))
            });
            if all_tried && !turn.legs.has(Role::First) {
                queue.leave("no phone of the desk is left".to_owned(), turn);
            }
            queue.advance(plan, turn);
            if queue.has_left() && plan.leave_to == LeaveTo::Voicemail {
                self.mobiles = Mobiles::Called(VecDeque::new());
            }
        }
    }

    fn pressed_in_queue(&mut self, digit: char, turn: &mut Turn<'_>) {
        if let (Tone::Queue(queue), Some(plan)) = (&mut self.tone, &turn.plan.queue)
            && plan.leave_key == Some(digit)
        {
            queue.leave("by key".to_owned(), turn);
        }
    }

    fn dial(&mut self, target: Target, role: Role, until: Instant, turn: &mut Turn<'_>) {
        self.tried.push(target.clone());
        if !turn.legs.hoped_for().any(|(_, leg)| leg.target == target) {
            turn.dial(target, role, until);
        }
    }

    fn remember(&mut self, gone: &Leg, why: Unanswered) {
        if gone.role == Role::First {
            let name = match &gone.target {
                Target::Phone(name) | Target::Mobile { name, .. } => name.clone(),
                Target::Outside(number) => number.to_string(),
            };
            self.first_in_words.push(format!("{name} {}", why.words()));
        }
        self.last = Some(why);
    }

    /// A phone sends the call elsewhere. It is followed to people not tried yet, with what is left of
    /// that phone's patience, and never out of the house when the caller is our own mobile.
    fn redirected(&mut self, leg: LegIndex, to: Target, turn: &mut Turn<'_>) {
        let until = match turn.legs.get(leg).map(|leg| &leg.stage) {
            Some(Stage::Dialled { until, .. }) => Some(*until),
            Some(Stage::Picked { .. } | Stage::Up | Stage::Leaving { .. }) | None => None,
        };
        let Some(gone) = turn.is_over(leg, Unanswered::Declined) else { return };
        let may_go_there = !turn.plan.looped || matches!(to, Target::Phone(_));
        match (until, self.redirects_left.checked_sub(1)) {
            (Some(until), Some(left)) if may_go_there && !self.tried.contains(&to) => {
                self.redirects_left = left;
                self.dial(to, gone.role, until, turn);
            }
            (Some(_) | None, Some(_) | None) => self.remember(&gone, Unanswered::Declined),
        }
    }

    /// 180 to the caller, once; the ring clock starts with it. Who hears us already, by 183, hears the
    /// ringing from us too: the carrier makes none any more.
    fn ring_caller(&mut self, turn: &mut Turn<'_>) {
        match self.tone {
            Tone::Ringing | Tone::EarlyMedia | Tone::Queue(_) => {}
            Tone::Nothing { .. } => {
                self.tone = Tone::Ringing;
                match *turn.caller {
                    Caller::Waiting => turn.push(Action::RingCaller),
                    Caller::Early => {
                        turn.push(Action::RingCaller);
                        turn.play_on(LegIndex::CALLER, Sound::Ringback);
                    }
                    Caller::Answering | Caller::Up | Caller::Gone => {}
                }
                turn.start_ring_clock();
            }
        }
    }

    /// Ringing for the caller when no phone said that it rings in time, or when no phone is rung.
    fn assume_ringing(&mut self, turn: &mut Turn<'_>) {
        if let Tone::Nothing { assumed: Some(assumed) } = self.tone
            && (turn.now >= assumed || !turn.legs.has(Role::First))
        {
            self.ring_caller(turn);
        }
    }

    /// Hangs up legs that rang, or kept us waiting for the key, for long enough.
    fn end_patience(&mut self, turn: &mut Turn<'_>) {
        let why = |leg: &Leg| match leg.stage {
            Stage::Dialled { until, .. } if turn.now >= until => Some(Unanswered::NoAnswer),
            Stage::Picked { until, .. } if turn.now >= until => Some(Unanswered::NotConfirmed),
            Stage::Dialled { .. } | Stage::Picked { .. } | Stage::Up | Stage::Leaving { .. } => None,
        };
        let over: Vec<(LegIndex, Unanswered)> =
            turn.legs.hoped_for().filter_map(|(index, leg)| Some((index, why(leg)?))).collect();
        for (leg, why) in over {
            self.hang_up(leg, why, turn);
        }
    }

    /// Rings the mobiles when their turn has come.
    fn forward(&mut self, turn: &mut Turn<'_>) {
        if let Mobiles::Waiting(list) = &mut self.mobiles
            && !list.is_empty()
        {
            let list = std::mem::take(list);
            self.mobiles = match self.mobiles_turn(turn) {
                None => Mobiles::Waiting(list),
                Some(why) => {
                    turn.note(Note::Forwarding { why });
                    if let Tone::Queue(queue) = &mut self.tone {
                        queue.forwarded(turn);
                    }
                    if turn.plan.first_stops_for_mobiles {
                        self.stop_first(turn);
                    }
                    Mobiles::Called(list)
                }
            };
        }
        let until = later(turn.now, turn.plan.mobile_patience);
        while turn.plan.mobile_order == MobileOrder::Together || !turn.legs.has(Role::Mobile) {
            let Mobiles::Called(list) = &mut self.mobiles else { return };
            let Some(next) = list.pop_front() else { return };
            self.dial(next, Role::Mobile, until, turn);
        }
    }

    /// In words why it is the mobiles' turn now, if it is.
    fn mobiles_turn(&self, turn: &Turn<'_>) -> Option<String> {
        let plan = turn.plan;
        match plan.mobiles_start {
            MobilesStart::AtOnce => Some(plan.desk_words.clone()),
            MobilesStart::AfterQueue => match &self.tone {
                Tone::Queue(queue) => queue.has_left().then(|| plan.desk_words.clone()),
                Tone::Nothing { .. } | Tone::Ringing | Tone::EarlyMedia => Some(plan.desk_words.clone()),
            },
            MobilesStart::AtFlag if turn.clock.is_flagged() => {
                Some(format!("not answered in {} rings", plan.rings.map_or(0, |rings| rings.flag_after)))
            }
            MobilesStart::AtFlag | MobilesStart::AfterFirst if !turn.legs.has(Role::First) => {
                let words = self.first_in_words.join(", ");
                Some(if words.is_empty() { plan.desk_words.clone() } else { words })
            }
            MobilesStart::AtFlag | MobilesStart::AfterFirst => None,
        }
    }

    fn stop_first(&mut self, turn: &mut Turn<'_>) {
        let ringing: Vec<LegIndex> = turn
            .legs
            .hoped_for()
            .filter(|(_, leg)| leg.role == Role::First && matches!(leg.stage, Stage::Dialled { .. }))
            .map(|(index, _)| index)
            .collect();
        for leg in ringing {
            self.hang_up(leg, Unanswered::NoAnswer, turn);
        }
    }

    fn nobody_left(&self, legs: &Legs) -> bool {
        let waits = match &self.tone {
            Tone::Queue(queue) => !queue.has_left(),
            Tone::Nothing { .. } | Tone::Ringing | Tone::EarlyMedia => false,
        };
        !waits && legs.hoped_for().next().is_none() && self.mobiles.none_left()
    }

    /// A caller of the hotline hears ringing for a while, and is asked for a message then; on calls out
    /// there is nothing to wait for.
    fn nobody(self, turn: &mut Turn<'_>) -> State {
        let has_waited = match &self.tone {
            Tone::Queue(_) => true,
            Tone::Nothing { .. } | Tone::Ringing | Tone::EarlyMedia => {
                turn.now >= later(turn.started, turn.plan.nobody_patience)
            }
        };
        let (why, outcome) = match turn.plan.direction {
            Direction::Hotline if !has_waited => return State::Seeking(self),
            Direction::Hotline => match turn.plan.voicemail {
                Some(plan) => return Voicemail::start(plan, turn),
                None => (CallerRefused::NobodyAvailable, Outcome::Missed),
            },
            Direction::Out | Direction::Internal => match self.last {
                Some(Unanswered::Busy) => (CallerRefused::Busy, Outcome::Refused),
                Some(Unanswered::Declined) => (CallerRefused::Declined, Outcome::Refused),
                Some(Unanswered::Unreachable) | None => (CallerRefused::Unreachable, Outcome::Refused),
                Some(Unanswered::Fault) => (CallerRefused::Fault, Outcome::Missed),
                Some(
                    Unanswered::NoAnswer
                    | Unanswered::NotConfirmed
                    | Unanswered::RefusedByKey
                    | Unanswered::NotNeeded,
                ) => (CallerRefused::NobodyAvailable, Outcome::Missed),
            },
        };
        self.refuse(why, outcome, turn)
    }

    /// A caller who has been answered already hears a last word instead.
    fn refuse(self, why: CallerRefused, outcome: Outcome, turn: &mut Turn<'_>) -> State {
        if *turn.caller == Caller::Up {
            turn.note(Note::Outcome { outcome, ring: turn.ring() });
            return Farewell::start(Prompt::LineFault, turn);
        }
        turn.end_caller(why);
        self.decide(outcome, turn)
    }

    fn decide(self, outcome: Outcome, turn: &mut Turn<'_>) -> State {
        let ring = turn.ring();
        turn.note(Note::Outcome { outcome, ring });
        State::close(turn)
    }
}
