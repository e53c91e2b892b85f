//! The recording notice: how it is proven, and (where the house wants it so) how it is played before
//! anything rings, as early media.

use std::time::{Duration, Instant};

use super::{
    Event, LegIndex, Note, State,
    legs::{Turn, later},
    seeking::Seeking,
};
use crate::{
    call::{house::NoticeAt, prompt::Prompt},
    desk::ticket::NoticeEnd,
};

/// Nothing that is said before ringing takes so long; then it rings. Doubled, a broken player keeps the
/// caller from the desk for longer.
const LONGEST: Duration = Duration::from_secs(30);

/// A recording notice that is being played to the caller.
#[derive(Debug)]
pub(super) struct Notice {
    since: Instant,
}

impl Notice {
    pub(super) fn start(turn: &mut Turn<'_>) -> Self {
        turn.note(Note::NoticeStarted);
        Self { since: turn.now }
    }

    pub(super) fn end(&self, how: NoticeEnd, turn: &mut Turn<'_>) {
        turn.note(Note::NoticeEnded { how });
    }

    /// It was not heard to its end.
    pub(super) fn cut(&self, turn: &mut Turn<'_>) {
        let after = turn.now.saturating_duration_since(self.since);
        turn.note(Note::NoticeEnded { how: NoticeEnd::CutAfter(after) });
    }
}

#[derive(Debug)]
pub(super) struct Announcing {
    /// `None`: the 183 is on its way.
    notice: Option<Notice>,
    until: Instant,
}

impl Announcing {
    /// The first state of every call; most leave it at once.
    pub(super) fn start(turn: &mut Turn<'_>) -> State {
        match turn.plan.notice {
            NoticeAt::BeforeRinging => {
                turn.progress_caller();
                State::Announcing(Self { notice: None, until: later(turn.now, LONGEST) })
            }
            NoticeAt::OnAnswer | NoticeAt::Off => Seeking::start(turn),
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.until
    }

    pub(super) fn on(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        match (event, self.notice.take()) {
            (Event::CallerReached, None) => {
                turn.play(LegIndex::CALLER, vec![Prompt::RecordingNotice.into()]);
                self.notice = Some(Notice::start(turn));
            }
            (Event::CallerNotReached, None) => {
                turn.note(Note::NoticeEnded { how: NoticeEnd::Failed });
                return Seeking::start(turn);
            }
            (Event::Played { leg: LegIndex::CALLER }, Some(notice)) => {
                notice.end(NoticeEnd::Whole, turn);
                return Seeking::start(turn);
            }
            (Event::PlayFailed { leg: LegIndex::CALLER }, Some(notice)) => {
                notice.end(NoticeEnd::Failed, turn);
                return Seeking::start(turn);
            }
            (Event::HungUp { leg: LegIndex::CALLER }, notice) => {
                self.notice = notice;
                self.cut(turn);
                return Seeking::new(turn).abandoned(turn);
            }
            (Event::EndOrdered, notice) => {
                self.notice = notice;
                self.cut(turn);
                return Seeking::new(turn).ended_by_house(turn);
            }
            (
                Event::Ringing { .. }
                | Event::EarlyMedia { .. }
                | Event::Answered { .. }
                | Event::Unanswered { .. }
                | Event::Redirected { .. }
                | Event::HungUp { .. }
                | Event::Joined { .. }
                | Event::JoinFailed { .. }
                | Event::Played { .. }
                | Event::PlayFailed { .. }
                | Event::CallerReached
                | Event::CallerNotReached
                | Event::Spoke { .. }
                | Event::Quiet { .. }
                | Event::RecordingFailed
                | Event::PhoneFree { .. }
                | Event::Feature(_)
                | Event::Digit { .. }
                | Event::DeadlinePassed,
                notice,
            ) => self.notice = notice,
        }
        // A caller who refuses recording need not hear the rest.
        if turn.refuses_recording() || turn.now >= self.until {
            if self.notice.is_some() {
                turn.stop_playing(LegIndex::CALLER);
            }
            self.cut(turn);
            return Seeking::start(turn);
        }
        State::Announcing(self)
    }

    fn cut(&self, turn: &mut Turn<'_>) {
        if let Some(notice) = &self.notice {
            notice.cut(turn);
        }
    }
}
