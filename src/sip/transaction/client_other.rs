//! The client transaction of every request but INVITE and ACK (RFC 3261 §17.1.2, figure 6).

use std::time::Instant;

use super::{
    Class,
    timing::{Resend, Timing},
};

/// What a non-INVITE client transaction hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Response(Class),
    TransportFailed,
    DeadlinePassed,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Send the request again.
    Resend,
    /// Tell the user of this response.
    PassUp,
    /// Tell the user that no final answer came: timer F.
    TimedOut,
    /// Tell the user that the request could not be sent.
    Unreachable,
    /// Forget the transaction.
    End,
}

/// One request of ours.
#[derive(Debug)]
pub(super) struct ClientOther {
    timing: Timing,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Timer E in `resend`, timer F in `gives_up_at`.
    Trying {
        resend: Option<Resend>,
        gives_up_at: Instant,
    },
    /// As before, but timer E is T2 from its next turn on.
    Proceeding {
        resend_at: Option<Instant>,
        gives_up_at: Instant,
    },
    /// Swallows retransmitted answers until timer K.
    Completed {
        until: Instant,
    },
    Terminated,
}

impl ClientOther {
    /// The request has just been sent for the first time.
    pub(super) fn new(timing: Timing, now: Instant) -> Self {
        let state = State::Trying { resend: Resend::first(timing, now), gives_up_at: now + timing.whole() };
        Self { timing, state }
    }

    /// Takes in one fact and answers with what to do about it, in order.
    pub(super) fn on(&mut self, event: Event, now: Instant) -> &'static [Action] {
        use Action::{End, PassUp, TimedOut, Unreachable};
        match (&mut self.state, event) {
            (State::Trying { resend, gives_up_at }, Event::Response(Class::Provisional)) => {
                self.state = State::Proceeding {
                    resend_at: resend.map(|resend| resend.at),
                    gives_up_at: *gives_up_at,
                };
                &[PassUp]
            }
            (State::Proceeding { .. }, Event::Response(Class::Provisional)) => &[PassUp],
            (
                State::Trying { .. } | State::Proceeding { .. },
                Event::Response(Class::Success | Class::Failure),
            ) => {
                // Timer K lasts no time on a reliable transport.
                if self.timing.reliable {
                    self.state = State::Terminated;
                    return &[PassUp, End];
                }
                self.state = State::Completed { until: now + self.timing.t4 };
                &[PassUp]
            }
            (State::Completed { .. }, Event::Response(_)) => &[],

            (State::Trying { .. } | State::Proceeding { .. }, Event::TransportFailed) => {
                self.state = State::Terminated;
                &[Unreachable, End]
            }
            (State::Completed { .. }, Event::TransportFailed) => &[],

            (
                State::Trying { gives_up_at, .. } | State::Proceeding { gives_up_at, .. },
                Event::DeadlinePassed,
            ) if *gives_up_at <= now => {
                self.state = State::Terminated;
                &[TimedOut, End]
            }
            (State::Trying { resend: Some(resend), .. }, Event::DeadlinePassed) if resend.at <= now => {
                *resend = resend.doubled(self.timing.t2, now);
                &[Action::Resend]
            }
            (State::Proceeding { resend_at: Some(at), .. }, Event::DeadlinePassed) if *at <= now => {
                *at = now + self.timing.t2;
                &[Action::Resend]
            }
            (State::Completed { until }, Event::DeadlinePassed) if *until <= now => {
                self.state = State::Terminated;
                &[End]
            }
            (
                State::Trying { .. } | State::Proceeding { .. } | State::Completed { .. },
                Event::DeadlinePassed,
            ) => &[],

            (State::Terminated, Event::Response(_) | Event::TransportFailed | Event::DeadlinePassed) => &[],
        }
    }

    /// When this machine next wants [`Event::DeadlinePassed`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Trying { resend, gives_up_at } => {
                Some(resend.map_or(*gives_up_at, |resend| resend.at.min(*gives_up_at)))
            }
            State::Proceeding { resend_at, gives_up_at } => {
                Some(resend_at.map_or(*gives_up_at, |at| at.min(*gives_up_at)))
            }
            State::Completed { until } => Some(*until),
            State::Terminated => None,
        }
    }

    /// Whether nothing was heard yet, so that the request may still go another way.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }
}
