//! A person answered, and something has to be said before the two may talk: the recording notice, or an
//! apology for the wait. The caller gets the 200, both sides hear it, then they are joined
//! (`decisions.md` 12).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    Event, LegIndex, State,
    announcing::Notice,
    farewell::Farewell,
    joining::{JOIN_PATIENCE, answered},
    legs::{Turn, later},
    seeking::Seeking,
    talking::{self, Talking},
};
use crate::{
    call::prompt::Prompt,
    desk::ticket::{NoticeEnd, Side, Unanswered},
};

/// Nothing that is said before a talk takes so long; then it counts as said. Doubled, a broken player
/// keeps two people waiting for longer.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Noticing {
    with: LegIndex,
    /// The ring in which they answered.
    ring: Option<u32>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The caller's 200 is on its way. Should it fail, the search goes on.
    Reaching { to_say: VecDeque<Prompt>, until: Instant, seeking: Box<Seeking> },
    /// Both sides hear one of it, and neither goes on before the other.
    Saying {
        notice: Option<Notice>,
        caller_heard: bool,
        callee_heard: bool,
        until: Instant,
        rest: VecDeque<Prompt>,
    },
    /// All is said.
    Joining { until: Instant },
}

impl Noticing {
    pub(super) fn start(
        with: LegIndex,
        ring: Option<u32>,
        to_say: VecDeque<Prompt>,
        seeking: Seeking,
        turn: &mut Turn<'_>,
    ) -> State {
        let is_up = *turn.caller == super::caller::Caller::Up;
        turn.answer_caller();
        let until = later(turn.now, JOIN_PATIENCE);
        let stage = Stage::Reaching { to_say, until, seeking: Box::new(seeking) };
        let noticing = Self { with, ring, stage };
        // A caller out of the queue has been answered long ago.
        if is_up { noticing.on(Event::CallerReached, turn) } else { State::Noticing(noticing) }
    }

    pub(super) fn deadline(&self) -> Instant {
        match &self.stage {
            Stage::Reaching { until, .. } | Stage::Saying { until, .. } | Stage::Joining { until } => *until,
        }
    }

    pub(super) fn on(self, event: Event, turn: &mut Turn<'_>) -> State {
        let Self { with, ring, stage } = self;
        match stage {
            Stage::Reaching { to_say, until, seeking } => {
                reaching(Self { with, ring, stage: Stage::Joining { until } }, to_say, *seeking, event, turn)
            }
            stage @ (Stage::Saying { .. } | Stage::Joining { .. }) => {
                Self { with, ring, stage }.settled(event, turn)
            }
        }
    }

    /// The caller is answered, and this leg has the call.
    fn settled(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        let with = self.with;
        match event {
            Event::HungUp { leg: LegIndex::CALLER } => return self.end(Side::Caller, turn),
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. }
                if leg == with =>
            {
                return self.end(Side::Callee, turn);
            }
            Event::EndOrdered => return self.end(Side::House, turn),
            Event::Played { leg: LegIndex::CALLER } => self.caller_heard(NoticeEnd::Whole, turn),
            Event::PlayFailed { leg: LegIndex::CALLER } => self.caller_heard(NoticeEnd::Failed, turn),
            Event::Played { leg } | Event::PlayFailed { leg } if leg == with => self.callee_heard(),
            Event::Played { leg } | Event::PlayFailed { leg } => turn.prompt_over(leg),
            Event::Joined { leg } if leg == with && matches!(self.stage, Stage::Joining { .. }) => {
                return Talking::with(with, turn);
            }
            Event::JoinFailed { leg } if leg == with => return self.join_failed(turn),
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
                turn.is_over(leg, Unanswered::NotNeeded);
            }
            Event::Ringing { .. }
            | Event::EarlyMedia { .. }
            | Event::Answered { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::CallerReached
            | Event::CallerNotReached
            | Event::Spoke { .. }
            | Event::Quiet { .. }
            | Event::RecordingFailed
            | Event::PhoneFree { .. }
            | Event::Feature(_)
            | Event::Digit { .. }
            | Event::DeadlinePassed => {}
        }
        turn.end_last_prompts();
        self.advance(turn)
    }

    /// Goes on when both have heard it, when it takes too long, or when the caller wants no recording.
    fn advance(mut self, turn: &mut Turn<'_>) -> State {
        match &mut self.stage {
            Stage::Reaching { .. } => State::Noticing(self),
            Stage::Joining { until } if turn.now >= *until => self.join_failed(turn),
            Stage::Joining { .. } => State::Noticing(self),
            Stage::Saying { notice, caller_heard, callee_heard, until, rest } => {
                let unwanted = notice.is_some() && turn.refuses_recording();
                let heard = *caller_heard && *callee_heard;
                if !heard && !unwanted && turn.now < *until {
                    return State::Noticing(self);
                }
                for (leg, heard) in [(LegIndex::CALLER, *caller_heard), (self.with, *callee_heard)] {
                    if !heard {
                        turn.stop_playing(leg);
                    }
                }
                if let Some(notice) = notice.take() {
                    notice.cut(turn);
                }
                let rest = std::mem::take(rest);
                self.say(rest, turn)
            }
        }
    }

    fn say(mut self, mut to_say: VecDeque<Prompt>, turn: &mut Turn<'_>) -> State {
        let next =
            to_say.pop_front().filter(|next| *next != Prompt::RecordingNotice || !turn.refuses_recording());
        let Some(next) = next else {
            turn.join(self.with);
            self.stage = Stage::Joining { until: later(turn.now, JOIN_PATIENCE) };
            return State::Noticing(self);
        };
        for leg in [LegIndex::CALLER, self.with] {
            turn.play(leg, vec![next.into()]);
        }
        let notice = (next == Prompt::RecordingNotice).then(|| Notice::start(turn));
        let until = later(turn.now, LONGEST);
        self.stage = Stage::Saying { notice, caller_heard: false, callee_heard: false, until, rest: to_say };
        State::Noticing(self)
    }

    fn caller_heard(&mut self, how: NoticeEnd, turn: &mut Turn<'_>) {
        if let Stage::Saying { notice, caller_heard, .. } = &mut self.stage {
            *caller_heard = true;
            if let Some(notice) = notice.take() {
                notice.end(how, turn);
            }
        }
    }

    fn callee_heard(&mut self) {
        if let Stage::Saying { callee_heard, .. } = &mut self.stage {
            *callee_heard = true;
        }
    }

    fn end(self, first: Side, turn: &mut Turn<'_>) -> State {
        self.cut_notice(turn);
        talking::end(self.with, first, turn)
    }

    /// The caller has been answered and cannot be put through: at least they hear so.
    fn join_failed(self, turn: &mut Turn<'_>) -> State {
        self.cut_notice(turn);
        turn.hang_up(self.with, Unanswered::Fault);
        Farewell::start(Prompt::LineFault, turn)
    }

    fn cut_notice(&self, turn: &mut Turn<'_>) {
        if let Stage::Saying { notice: Some(notice), .. } = &self.stage {
            notice.cut(turn);
        }
    }
}

/// While the 200 is on its way the others ring on.
fn reaching(
    noticing: Noticing,
    to_say: VecDeque<Prompt>,
    mut seeking: Seeking,
    event: Event,
    turn: &mut Turn<'_>,
) -> State {
    let Noticing { with, ring, stage: _ } = noticing;
    let until = noticing.deadline();
    let failed = match event {
        Event::CallerReached => {
            answered(with, ring, turn);
            return noticing.say(to_say, turn);
        }
        Event::HungUp { leg: LegIndex::CALLER } => return seeking.abandoned(turn),
        Event::EndOrdered => return seeking.ended_by_house(turn),
        Event::HungUp { leg } | Event::Redirected { leg, .. } if leg == with => {
            // They lifted and put down again. The caller has a 200 or gets none: one of the others, or a
            // message, may still come.
            seeking.over(leg, Unanswered::Declined, turn);
            return seeking.go_on(turn);
        }
        Event::Unanswered { leg, why } if leg == with => {
            seeking.over(leg, why, turn);
            return seeking.go_on(turn);
        }
        Event::CallerNotReached => true,
        event => {
            seeking.meanwhile(event, turn);
            false
        }
    };
    turn.end_last_prompts();
    if failed || turn.now >= until {
        seeking.join_failed(with, turn);
        return seeking.go_on(turn);
    }
    State::Noticing(Noticing {
        with,
        ring,
        stage: Stage::Reaching { to_say, until, seeking: Box::new(seeking) },
    })
}
