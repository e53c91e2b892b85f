//! Looking for a person: whom to ring now, the ring clock, the flag, the mobiles' turn, and what to tell
//! a caller for whom nobody is left.

use std::{collections::VecDeque, time::Instant};

use super::{
    Action, CallerRefused, Event, Joining, LegIndex, Note, Prompt, State,
    legs::{Key, Leg, Legs, PickUp, Role, Stage, Turn, later},
};
use crate::{
    call::{
        house::MobileOrder,
        plan::{MobilesStart, Plan, Target},
    },
    desk::ticket::{Direction, Outcome, Side, Unanswered},
};

/// Redirects followed in one call. More is a ring of phones that send the call round.
const MAX_REDIRECTS: u8 = 5;

/// Nobody has answered yet.
#[derive(Debug)]
pub(super) struct Seeking {
    tone: Tone,
    flagged: bool,
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

/// What the caller hears; the ring clock runs with it (`decisions.md` 6).
#[derive(Debug, Clone, Copy)]
enum Tone {
    /// Ringing starts by itself at `assumed`.
    Nothing {
        assumed: Option<Instant>,
    },
    Ringing {
        since: Instant,
    },
    /// The callee's own early media (calls out).
    EarlyMedia,
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
    pub(super) fn start(turn: &mut Turn<'_>) -> State {
        let mut seeking = Self {
            tone: Tone::Nothing {
                assumed: turn.plan.rings.map(|rings| later(turn.now, rings.assumed_after)),
            },
            flagged: false,
            mobiles: Mobiles::Waiting(turn.plan.mobiles.iter().cloned().collect()),
            tried: Vec::new(),
            redirects_left: MAX_REDIRECTS,
            first_in_words: Vec::new(),
            last: None,
            join_failed: false,
        };
        let until = later(turn.now, turn.plan.first_patience);
        for target in &turn.plan.first {
            seeking.dial(target.clone(), Role::First, until, turn);
        }
        seeking.advance(turn)
    }

    pub(super) fn on(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        self.flag_if_due(turn);
        match event {
            Event::Ringing { leg } => self.ringing(leg, turn),
            Event::EarlyMedia { leg } => self.early_media(leg, turn),
            Event::Answered { leg } => match turn.picked_up(leg) {
                PickUp::Person => return self.join(leg, turn),
                PickUp::NotYet => {}
            },
            Event::Digit { leg, digit } => match turn.pressed(leg, digit) {
                Key::Accept => return self.join(leg, turn),
                Key::Refuse => self.hang_up(leg, Unanswered::RefusedByKey, turn),
                Key::Nothing => {}
            },
            Event::HungUp { leg: LegIndex::CALLER } => return self.abandoned(turn),
            Event::HungUp { leg } => self.lost(leg, turn),
            Event::Unanswered { leg, why } => self.over(leg, why, turn),
            Event::Redirected { leg, to } => self.redirected(leg, to, turn),
            Event::Played { leg } => turn.prompt_over(leg),
            Event::EndOrdered => return self.ended_by_house(turn),
            Event::Joined { .. } | Event::JoinFailed { .. } | Event::DeadlinePassed => {}
        }
        self.advance(turn)
    }

    /// When time alone changes something. Always, so that no caller waits for ever.
    pub(super) fn deadline(&self, plan: &Plan, started: Instant, legs: &Legs) -> Instant {
        let tone = match self.tone {
            Tone::Nothing { assumed } => assumed,
            Tone::Ringing { since } if !self.flagged => plan.rings.map(|rings| later(since, rings.flag_at())),
            Tone::Ringing { .. } | Tone::EarlyMedia => None,
        };
        let mobiles = match (&self.mobiles, plan.mobiles_start) {
            (Mobiles::Waiting(list), MobilesStart::After(wait)) if !list.is_empty() => {
                Some(later(started, wait))
            }
            (Mobiles::Waiting(_) | Mobiles::Called(_), _) => None,
        };
        let nobody = self.nobody_left(legs).then(|| later(started, plan.nobody_patience));
        [tone, mobiles, nobody, legs.seeking_deadline()]
            .into_iter()
            .flatten()
            .fold(later(started, plan.longest_call), Instant::min)
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
        turn.push(Action::RefuseCaller { why: CallerRefused::NobodyAvailable });
        turn.note(Note::HungUp { first: Side::House });
        self.decide(Outcome::Refused, turn)
    }

    /// Does everything that is due, after any event.
    pub(super) fn advance(mut self, turn: &mut Turn<'_>) -> State {
        self.flag_if_due(turn);
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
        self.forward(turn);
        if self.nobody_left(turn.legs) { self.nobody(turn) } else { State::Seeking(self) }
    }

    /// A person is on that leg. The others ring on until the two are joined, in case that fails.
    fn join(self, leg: LegIndex, turn: &mut Turn<'_>) -> State {
        if let Some(there) = turn.legs.get_mut(leg) {
            there.stage = Stage::Up;
        }
        turn.push(Action::Join { leg });
        // Answered before anything rang: that is in the first ring.
        let ring = self.ring(turn).or(turn.plan.rings.map(|_| 1));
        State::Joining(Joining::new(leg, ring, turn.now, self))
    }

    fn dial(&mut self, target: Target, role: Role, until: Instant, turn: &mut Turn<'_>) {
        if !turn.legs.hoped_for().any(|(_, leg)| leg.target == target) {
            self.tried.push(target.clone());
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

    /// 180 to the caller, once; the ring clock starts with it.
    fn ring_caller(&mut self, turn: &mut Turn<'_>) {
        match self.tone {
            Tone::Ringing { .. } | Tone::EarlyMedia => {}
            Tone::Nothing { .. } => {
                self.tone = Tone::Ringing { since: turn.now };
                turn.push(Action::RingCaller);
                if turn.plan.rings.is_some() {
                    turn.note(Note::FirstRing);
                }
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

    fn flag_if_due(&mut self, turn: &mut Turn<'_>) {
        if let Tone::Ringing { since } = self.tone
            && !self.flagged
            && let Some(rings) = turn.plan.rings
            && turn.now >= later(since, rings.flag_at())
        {
            self.flagged = true;
            turn.note(Note::Flagged { ring: rings.flag_after });
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
            MobilesStart::After(wait) => {
                (turn.now >= later(turn.started, wait)).then(|| plan.desk_words.clone())
            }
            MobilesStart::AtFlag if self.flagged => {
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
        legs.hoped_for().next().is_none() && self.mobiles.none_left()
    }

    /// A caller of the hotline hears ringing for a while; on calls out there is nothing to wait for.
    fn nobody(self, turn: &mut Turn<'_>) -> State {
        let (why, outcome) = match turn.plan.direction {
            Direction::Hotline if turn.now < later(turn.started, turn.plan.nobody_patience) => {
                return State::Seeking(self);
            }
            Direction::Hotline => (CallerRefused::NobodyAvailable, Outcome::Missed),
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

    fn refuse(self, why: CallerRefused, outcome: Outcome, turn: &mut Turn<'_>) -> State {
        turn.push(Action::RefuseCaller { why });
        self.decide(outcome, turn)
    }

    fn decide(self, outcome: Outcome, turn: &mut Turn<'_>) -> State {
        let ring = self.ring(turn);
        turn.note(Note::Outcome { outcome, ring });
        State::close(turn)
    }

    /// The ring that the caller is hearing, counted from 1 (`decisions.md` 6).
    fn ring(&self, turn: &Turn<'_>) -> Option<u32> {
        let rings = turn.plan.rings?;
        match self.tone {
            Tone::Ringing { since } => {
                let heard = turn.now.saturating_duration_since(since).as_millis();
                let whole = heard / rings.cycle().as_millis().max(1);
                Some(u32::try_from(whole).unwrap_or(u32::MAX - 1) + 1)
            }
            Tone::Nothing { .. } | Tone::EarlyMedia => None,
        }
    }
}
