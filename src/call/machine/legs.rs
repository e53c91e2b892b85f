//! The legs that a call dialled and that are not over yet, and what can be done with them.
//! [`Turn`] is one run of [`super::Call::on`]: it takes a leg off the list in the same step in which it
//! says so, so no leg is left behind and none is hung up twice.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{Action, LegIndex, Note, caller::Caller, recording::Capture, ring_clock::RingClock};
use crate::{
    call::{
        plan::{Plan, Target},
        prompt::Prompt,
    },
    desk::ticket::{Direction, Unanswered},
};

/// Silence between two times of asking for the key. Long enough that a prompt which cannot be played
/// makes no storm; twice that and a person wonders whether the line is dead.
const BETWEEN_PROMPTS: Duration = Duration::from_secs(1);
/// How long a mobile is kept for its last prompt (two seconds of speech) if nobody says that it was
/// played. Doubled, the carrier bills more seconds.
const LAST_PROMPT: Duration = Duration::from_secs(5);
/// A patience beyond this counts as this, so that no sum of times can overflow.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// `wait` after `from`.
pub(super) fn later(from: Instant, wait: Duration) -> Instant {
    from + wait.min(A_YEAR)
}

/// One dialled leg.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) target: Target,
    pub(super) role: Role,
    pub(super) stage: Stage,
}

/// Which part of the plan dialled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    First,
    Mobile,
}

/// How far a leg is.
#[derive(Debug)]
pub(super) enum Stage {
    /// No final answer yet; hung up at `until`.
    Dialled { until: Instant, rings: bool, early_media: bool },
    /// Picked up, no person proven; hung up at `until`. Asked again at `again`, unless it is being asked.
    Picked { until: Instant, again: Option<Instant> },
    /// A person is there: it is being joined, or talks.
    Up,
    /// Not needed any more; it hears why, and is hung up at `until` at the latest.
    Leaving { until: Instant },
}

impl Leg {
    /// Might a person still come to it?
    pub(super) fn is_hoped_for(&self) -> bool {
        match self.stage {
            Stage::Dialled { .. } | Stage::Picked { .. } => true,
            Stage::Up | Stage::Leaving { .. } => false,
        }
    }

    /// A pick-up proves a person only at a desk phone, or where the house says so (`decisions.md` 8).
    fn needs_key(&self, direction: Direction) -> bool {
        match (direction, &self.target) {
            (Direction::Hotline, Target::Mobile { needs_key, .. }) => *needs_key,
            (Direction::Hotline, Target::Outside(_)) => true,
            (Direction::Hotline, Target::Phone(_)) | (Direction::Out | Direction::Internal, _) => false,
        }
    }
}

/// All legs that are not over, the caller's excepted.
#[derive(Debug, Default)]
pub(super) struct Legs {
    dialled: u16,
    living: BTreeMap<LegIndex, Leg>,
}

impl Legs {
    pub(super) fn hoped_for(&self) -> impl Iterator<Item = (LegIndex, &Leg)> {
        self.living.iter().filter(|(_, leg)| leg.is_hoped_for()).map(|(&index, leg)| (index, leg))
    }

    pub(super) fn has(&self, role: Role) -> bool {
        self.hoped_for().any(|(_, leg)| leg.role == role)
    }

    pub(super) fn get(&self, leg: LegIndex) -> Option<&Leg> {
        self.living.get(&leg)
    }

    pub(super) fn get_mut(&mut self, leg: LegIndex) -> Option<&mut Leg> {
        self.living.get_mut(&leg)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.living.is_empty()
    }

    /// When the next leg wants attention: also those whose patience is only looked at while seeking.
    pub(super) fn seeking_deadline(&self) -> Option<Instant> {
        let of = |leg: &Leg| match leg.stage {
            Stage::Dialled { until, .. } | Stage::Leaving { until, .. } => Some(until),
            Stage::Picked { until, again } => Some(again.map_or(until, |again| again.min(until))),
            Stage::Up => None,
        };
        self.living.values().filter_map(of).min()
    }

    /// When the next last prompt has to be over.
    pub(super) fn leaving_deadline(&self) -> Option<Instant> {
        let of = |leg: &Leg| match leg.stage {
            Stage::Leaving { until, .. } => Some(until),
            Stage::Dialled { .. } | Stage::Picked { .. } | Stage::Up => None,
        };
        self.living.values().filter_map(of).min()
    }
}

/// What a pick-up means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PickUp {
    /// Somebody is there.
    Person,
    /// A mobile that has to prove it by its key, or nothing at all: no such leg, or up already.
    NotYet,
}

/// What a pressed key means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    Accept,
    Refuse,
    /// Another key, or a leg that nobody asked for one.
    Nothing,
}

/// One event being answered.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan,
    pub(super) started: Instant,
    pub(super) legs: &'a mut Legs,
    pub(super) caller: &'a mut Caller,
    pub(super) clock: &'a mut RingClock,
    pub(super) capture: &'a mut Capture,
    pub(super) now: Instant,
    pub(super) actions: Vec<Action>,
}

impl Turn<'_> {
    pub(super) fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn note(&mut self, note: Note) {
        self.actions.push(Action::Note(note));
    }

    /// The end of the longest call.
    pub(super) fn at_longest(&self) -> Instant {
        later(self.started, self.plan.longest_call)
    }

    /// `None` after the last index there is.
    pub(super) fn dial(&mut self, target: Target, role: Role, until: Instant) -> Option<LegIndex> {
        let leg = self.new_leg(target.clone(), role, until)?;
        self.push(Action::Dial { leg, target });
        Some(leg)
    }

    /// Takes in who is on the line already; they are expected to be there at once.
    pub(super) fn adopt(&mut self, target: Target, until: Instant) -> Option<LegIndex> {
        let leg = self.new_leg(target.clone(), Role::First, until)?;
        self.push(Action::Adopt { leg, target });
        Some(leg)
    }

    fn new_leg(&mut self, target: Target, role: Role, until: Instant) -> Option<LegIndex> {
        // 65,535 attempts in one call cannot be: mobiles and phones are counted, redirects bounded.
        let number = self.legs.dialled.checked_add(1)?;
        self.legs.dialled = number;
        let leg = LegIndex(number);
        let stage = Stage::Dialled { until, rings: false, early_media: false };
        self.legs.living.insert(leg, Leg { target, role, stage });
        Some(leg)
    }

    /// Hangs up a leg that nobody answered, if it is not over.
    pub(super) fn hang_up(&mut self, leg: LegIndex, why: Unanswered) -> Option<Leg> {
        let gone = self.legs.living.remove(&leg)?;
        self.push(Action::HangUp { leg, why: why.clone() });
        self.note(Note::Unanswered { leg, why });
        Some(gone)
    }

    /// A leg is over by itself.
    pub(super) fn is_over(&mut self, leg: LegIndex, why: Unanswered) -> Option<Leg> {
        let gone = self.legs.living.remove(&leg)?;
        self.note(Note::Unanswered { leg, why });
        Some(gone)
    }

    /// We end the talk on this leg.
    pub(super) fn hang_up_talk(&mut self, leg: LegIndex) {
        if self.legs.living.remove(&leg).is_some() {
            self.push(Action::HangUp { leg, why: Unanswered::NotNeeded });
        }
    }

    pub(super) fn hang_up_all(&mut self) {
        for leg in self.legs.living.keys().copied().collect::<Vec<_>>() {
            self.hang_up(leg, Unanswered::NotNeeded);
        }
    }

    /// The talk on this leg is over by itself; nothing about it was unanswered.
    pub(super) fn talk_is_over(&mut self, leg: LegIndex) {
        self.legs.living.remove(&leg);
    }

    /// Whoever is on this leg is not needed any more. On a mobile that was picked up they hear why.
    pub(super) fn send_off(&mut self, leg: LegIndex, prompt: Prompt) {
        let (now, direction) = (self.now, self.plan.direction);
        let Some(there) = self.legs.living.get_mut(&leg) else { return };
        match there.stage {
            Stage::Leaving { .. } => {}
            Stage::Up | Stage::Picked { .. } if there.needs_key(direction) => {
                there.stage = Stage::Leaving { until: later(now, LAST_PROMPT) };
                self.play(leg, vec![prompt.into()]);
            }
            Stage::Up | Stage::Picked { .. } | Stage::Dialled { .. } => {
                self.hang_up(leg, Unanswered::NotNeeded);
            }
        }
    }

    /// [`Turn::send_off`] for every leg but one.
    pub(super) fn send_off_all(&mut self, except: Option<LegIndex>, prompt: Prompt) {
        let others: Vec<LegIndex> =
            self.legs.living.keys().copied().filter(|&leg| Some(leg) != except).collect();
        for leg in others {
            self.send_off(leg, prompt);
        }
    }

    /// A leg gave 200.
    pub(super) fn picked_up(&mut self, leg: LegIndex) -> PickUp {
        let direction = self.plan.direction;
        let until = later(self.now, self.plan.key_patience);
        let Some(there) = self.legs.living.get_mut(&leg) else { return PickUp::NotYet };
        if !matches!(there.stage, Stage::Dialled { .. }) {
            return PickUp::NotYet;
        }
        if there.needs_key(direction) {
            there.stage = Stage::Picked { until, again: None };
            self.note(Note::Picked { leg });
            self.play(leg, self.plan.confirm.clone());
            return PickUp::NotYet;
        }
        PickUp::Person
    }

    pub(super) fn pressed(&mut self, leg: LegIndex, digit: char) -> Key {
        let Some(Leg { stage: Stage::Picked { again, .. }, .. }) = self.legs.get(leg) else {
            return Key::Nothing;
        };
        let playing = again.is_none();
        let key = if digit == self.plan.accept_key {
            Key::Accept
        } else if digit == self.plan.refuse_key {
            Key::Refuse
        } else {
            return Key::Nothing;
        };
        if playing {
            self.push(Action::StopPlaying { leg });
        }
        key
    }

    /// A prompt came to its end: the key is asked for again a little later, the last prompt is followed
    /// by the hang-up.
    pub(super) fn prompt_over(&mut self, leg: LegIndex) {
        let now = self.now;
        let Some(there) = self.legs.living.get_mut(&leg) else { return };
        match &mut there.stage {
            Stage::Picked { again: again @ None, .. } => *again = Some(later(now, BETWEEN_PROMPTS)),
            Stage::Leaving { .. } => {
                self.hang_up(leg, Unanswered::NotNeeded);
            }
            Stage::Picked { .. } | Stage::Dialled { .. } | Stage::Up => {}
        }
    }

    /// Asks again for the key where it is time.
    pub(super) fn ask_again(&mut self) {
        let mut asked = Vec::new();
        for (&leg, there) in &mut self.legs.living {
            if let Stage::Picked { again: again @ Some(_), .. } = &mut there.stage
                && again.is_some_and(|at| self.now >= at)
            {
                *again = None;
                asked.push(leg);
            }
        }
        for leg in asked {
            self.play(leg, self.plan.confirm.clone());
        }
    }

    /// Hangs up those whose last prompt had its time.
    pub(super) fn end_last_prompts(&mut self) {
        let now = self.now;
        let is_late = |leg: &Leg| matches!(leg.stage, Stage::Leaving { until, .. } if now >= until);
        let late: Vec<LegIndex> =
            self.legs.living.iter().filter(|(_, leg)| is_late(leg)).map(|(&index, _)| index).collect();
        for leg in late {
            self.hang_up(leg, Unanswered::NotNeeded);
        }
    }
}
