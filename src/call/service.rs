//! A call from a desk phone to a star code: it is answered, something is done, and what came of it is
//! spoken back. A small machine beside [`super::machine`]: it has one leg, and rings nobody.
//!
//! Reading starts at [`Service::on`]; [`Wish::read`] knows the codes.

use std::time::{Duration, Instant};

use super::{
    house::StarCodes,
    prompt::{Prompt, Sound, spoken},
};
use crate::desk::ticket::TicketId;

/// What a person wants by dialling a star code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// The desk is empty: calls go to the mobiles.
    Away,
    Back,
    /// The phone's last hotline call is urgent.
    Urgent,
    /// The phone's last hotline call belongs to the last matter of its caller.
    Tie,
    /// Hear who is on duty.
    OnDuty,
}

impl Wish {
    /// What that number means, if it is a code at all.
    pub fn read(codes: &StarCodes, number: &str) -> Option<Self> {
        let StarCodes { pick_up: _, away, back, urgent, tie, on_duty } = codes;
        [
            (away, Self::Away),
            (back, Self::Back),
            (urgent, Self::Urgent),
            (tie, Self::Tie),
            (on_duty, Self::OnDuty),
        ]
        .into_iter()
        .find(|(code, _)| !code.is_empty() && *code == number)
        .map(|(_, wish)| wish)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The phone has our 200, and can be played to.
    Ready,
    /// What was said came to its end, or cannot be played.
    Played,
    /// The deed is done, durably.
    Done,
    /// It could not be done.
    Failed,
    HungUp,
    DeadlinePassed,
}

/// What is to be done outside the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    GoAway,
    ComeBack,
    /// The matter of that ticket becomes urgent.
    MarkUrgent(TicketId),
    /// That ticket joins the last matter of its caller.
    Tie(TicketId),
}

/// What to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answered by [`Event::Played`].
    Say(Vec<Sound>),
    /// Answered by [`Event::Done`] or [`Event::Failed`].
    Do(Deed),
    HangUp,
    /// Nothing follows.
    End,
}

/// What the machine must know of the house when it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The phone's last hotline call.
    pub last_call: Option<TicketId>,
    /// Who is on duty: extensions, or mobiles' numbers.
    pub on_duty: Vec<String>,
    pub away: bool,
}

/// How long the phone's ACK, or something done elsewhere, may take; then it counts as failed. The database
/// answers within 50 ms; doubled, a person holds a silent handset for longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// No row of announcements takes so long; then it counts as played.
const LONGEST: Duration = Duration::from_secs(60);

/// One call to a star code.
#[derive(Debug)]
pub struct Service {
    wish: Wish,
    surroundings: Surroundings,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The 200 is on its way.
    Answering {
        until: Instant,
    },
    /// A deed is under way.
    Doing {
        until: Instant,
    },
    /// The last word is said.
    Saying {
        until: Instant,
    },
    Over,
}

impl Service {
    pub fn start(wish: Wish, surroundings: Surroundings, now: Instant) -> Self {
        Self { wish, surroundings, state: State::Answering { until: now + PATIENCE } }
    }

    /// When this machine next wants [`Event::DeadlinePassed`]. `None` only after its end.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Answering { until } | State::Doing { until } | State::Saying { until } => Some(until),
            State::Over => None,
        }
    }

    /// Takes in one fact and answers with what to do about it, in order.
    pub fn on(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let due = self.deadline().is_some_and(|until| now >= until);
        match (self.state, event) {
            (State::Over, _) => Vec::new(),
            (State::Answering { .. } | State::Doing { .. } | State::Saying { .. }, Event::HungUp) => {
                self.state = State::Over;
                vec![Action::End]
            }
            (State::Answering { .. }, Event::Ready) => self.begin(now),
            (State::Doing { .. }, Event::Done) => self.say(vec![self.confirmation().into()], now),
            (State::Doing { .. }, Event::Failed) => self.say(vec![Prompt::Invalid.into()], now),
            (State::Saying { .. }, Event::Played) => self.hang_up(),
            (State::Doing { .. }, Event::DeadlinePassed) if due => {
                self.say(vec![Prompt::LineFault.into()], now)
            }
            (State::Answering { .. } | State::Saying { .. }, Event::DeadlinePassed) if due => self.hang_up(),
            (
                State::Answering { .. } | State::Doing { .. } | State::Saying { .. },
                Event::Ready | Event::Played | Event::Done | Event::Failed | Event::DeadlinePassed,
            ) => Vec::new(),
        }
    }

    fn begin(&mut self, now: Instant) -> Vec<Action> {
        let deed = match (self.wish, self.surroundings.last_call) {
            (Wish::Away, _) => Deed::GoAway,
            (Wish::Back, _) => Deed::ComeBack,
            (Wish::Urgent, Some(ticket)) => Deed::MarkUrgent(ticket),
            (Wish::Tie, Some(ticket)) => Deed::Tie(ticket),
            (Wish::Urgent | Wish::Tie, None) => return self.say(vec![Prompt::Invalid.into()], now),
            (Wish::OnDuty, _) => return self.say(self.who_is_on_duty(), now),
        };
        self.state = State::Doing { until: now + PATIENCE };
        vec![Action::Do(deed)]
    }

    fn who_is_on_duty(&self) -> Vec<Sound> {
        let mut words: Vec<Sound> = Vec::new();
        if self.surroundings.away {
            words.push(Prompt::AwayReminder.into());
        }
        words.extend(self.surroundings.on_duty.iter().flat_map(|name| spoken(name)));
        if words.is_empty() {
            words.push(Prompt::Invalid.into());
        }
        words
    }

    /// What is said when it is done.
    fn confirmation(&self) -> Prompt {
        match self.wish {
            Wish::Away => Prompt::AwayOn,
            Wish::Back => Prompt::AwayOff,
            Wish::Urgent => Prompt::UrgentMarked,
            Wish::Tie | Wish::OnDuty => Prompt::Done,
        }
    }

    fn say(&mut self, sounds: Vec<Sound>, now: Instant) -> Vec<Action> {
        self.state = State::Saying { until: now + LONGEST };
        vec![Action::Say(sounds)]
    }

    fn hang_up(&mut self) -> Vec<Action> {
        self.state = State::Over;
        vec![Action::HangUp, Action::End]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;

    #[expect(clippy::disallowed_methods, reason = "any instant will do as a call's start")]
    fn origin() -> Instant {
        Instant::now()
    }

    fn service(wish: Wish, last_call: Option<TicketId>) -> (Service, Instant) {
        let now = origin();
        (Service::start(wish, Surroundings { last_call, ..Surroundings::default() }, now), now)
    }

    #[test]
    fn a_code_is_known_as_a_whole_and_an_empty_one_never() {
        let mut codes = sample::house().star_codes;
        assert_eq!(Wish::read(&codes, "*71"), Some(Wish::Away));
        assert_eq!(Wish::read(&codes, "*711"), None);
        codes.away = String::new();
        assert_eq!(Wish::read(&codes, ""), None);
    }

    #[test]
    fn what_was_done_is_spoken_back_and_then_the_line_is_free() {
        let ticket = "20261123-0007".parse().unwrap();
        for (wish, deed, prompt) in [
            (Wish::Away, Deed::GoAway, Prompt::AwayOn),
            (Wish::Back, Deed::ComeBack, Prompt::AwayOff),
            (Wish::Urgent, Deed::MarkUrgent(ticket), Prompt::UrgentMarked),
            (Wish::Tie, Deed::Tie(ticket), Prompt::Done),
        ] {
            let (mut service, now) = service(wish, Some(ticket));
            assert_eq!(service.on(Event::Ready, now), [Action::Do(deed)]);
            assert_eq!(service.on(Event::Done, now), [Action::Say(vec![prompt.into()])]);
            assert_eq!(service.on(Event::Played, now), [Action::HangUp, Action::End]);
            assert_eq!(service.deadline(), None);
        }
    }

    #[test]
    fn what_cannot_be_done_is_said_too() {
        let (mut service, now) = service(Wish::Urgent, None);
        assert_eq!(service.on(Event::Ready, now), [Action::Say(vec![Prompt::Invalid.into()])]);
        let (mut service, now) = self::service(Wish::Away, None);
        service.on(Event::Ready, now);
        assert_eq!(service.on(Event::Failed, now), [Action::Say(vec![Prompt::Invalid.into()])]);
        let (mut service, now) = self::service(Wish::Away, None);
        service.on(Event::Ready, now);
        let late = now + PATIENCE;
        assert_eq!(service.on(Event::DeadlinePassed, late), [Action::Say(vec![Prompt::LineFault.into()])]);
    }

    #[test]
    fn who_hangs_up_ends_it_at_any_time() {
        let (mut service, now) = service(Wish::Away, None);
        assert_eq!(service.on(Event::HungUp, now), [Action::End]);
        assert_eq!(service.on(Event::Ready, now), []);
    }
}
