//! The INVITE server transaction (RFC 3261 §17.2.1, figure 7, as corrected by RFC 6026 §8.5 and §8.7).

use std::time::Instant;

use super::{
    Class,
    timing::{Resend, Timing},
};

/// What an INVITE server transaction hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The INVITE came again.
    Retransmission,
    /// An ACK that matches this transaction.
    Ack,
    /// The user answers.
    Respond(Class),
    /// The user, who waits for the ACK to its 2xx, wants that 2xx sent again (RFC 3261 §13.3.1.4).
    AcceptAgain,
    DeadlinePassed,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Send the user's answer and keep it.
    Send,
    /// Send the last answer again.
    SendAgain,
    /// Tell the user of this ACK, which is for a 2xx.
    PassAck,
    /// Tell the user that the transaction ended as it should.
    Done,
    /// Tell the user that nobody acknowledged the refusal: timer H.
    NoAck,
    /// Forget the transaction.
    End,
}

/// One INVITE of a peer.
#[derive(Debug)]
pub(super) struct ServerInvite {
    timing: Timing,
    state: State,
}

#[derive(Debug)]
enum State {
    Proceeding,
    /// A 2xx was sent; swallows the INVITE's retransmissions until timer L (RFC 6026 §7.1).
    Accepted {
        until: Instant,
    },
    /// Timer G in `resend`, timer H in `gives_up_at`.
    Completed {
        resend: Option<Resend>,
        gives_up_at: Instant,
    },
    /// Swallows retransmitted ACKs until timer I.
    Confirmed {
        until: Instant,
    },
    Terminated,
}

impl ServerInvite {
    /// The INVITE came, and has been answered 100.
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, state: State::Proceeding }
    }

    /// Takes in one fact and answers with what to do about it, in order.
    pub(super) fn on(&mut self, event: Event, now: Instant) -> &'static [Action] {
        use Action::{Done, End, NoAck, PassAck, Send, SendAgain};
        match (&mut self.state, event) {
            (State::Proceeding | State::Completed { .. }, Event::Retransmission) => &[SendAgain],
            (State::Accepted { .. } | State::Confirmed { .. }, Event::Retransmission) => &[],

            (State::Proceeding, Event::Respond(Class::Provisional)) => &[Send],
            (State::Proceeding, Event::Respond(Class::Success)) => {
                self.state = State::Accepted { until: now + self.timing.whole() };
                &[Send]
            }
            (State::Proceeding, Event::Respond(Class::Failure)) => {
                self.state = State::Completed {
                    resend: Resend::first(self.timing, now),
                    gives_up_at: now + self.timing.whole(),
                };
                &[Send]
            }
            (
                State::Accepted { .. } | State::Completed { .. } | State::Confirmed { .. },
                Event::Respond(_),
            ) => &[],
            (State::Accepted { .. }, Event::AcceptAgain) => &[SendAgain],
            (State::Proceeding | State::Completed { .. } | State::Confirmed { .. }, Event::AcceptAgain) => {
                &[]
            }

            (State::Completed { .. }, Event::Ack) => {
                // Timer I lasts no time on a reliable transport.
                if self.timing.reliable {
                    self.state = State::Terminated;
                    return &[Done, End];
                }
                self.state = State::Confirmed { until: now + self.timing.t4 };
                &[]
            }
            // An ACK to a 2xx that wrongly keeps the INVITE's branch; RFC 6026 §7.1 passes it on.
            (State::Accepted { .. }, Event::Ack) => &[PassAck],
            (State::Proceeding | State::Confirmed { .. }, Event::Ack) => &[],

            (State::Completed { gives_up_at, .. }, Event::DeadlinePassed) if *gives_up_at <= now => {
                self.state = State::Terminated;
                &[NoAck, End]
            }
            (State::Completed { resend: Some(resend), .. }, Event::DeadlinePassed) if resend.at <= now => {
                *resend = resend.doubled(self.timing.t2, now);
                &[SendAgain]
            }
            (State::Accepted { until } | State::Confirmed { until }, Event::DeadlinePassed)
                if *until <= now =>
            {
                self.state = State::Terminated;
                &[Done, End]
            }
            (
                State::Proceeding
                | State::Accepted { .. }
                | State::Completed { .. }
                | State::Confirmed { .. },
                Event::DeadlinePassed,
            ) => &[],

            (
                State::Terminated,
                Event::Retransmission
                | Event::Ack
                | Event::Respond(_)
                | Event::AcceptAgain
                | Event::DeadlinePassed,
            ) => &[],
        }
    }

    /// When this machine next wants [`Event::DeadlinePassed`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Completed { resend, gives_up_at } => {
                Some(resend.map_or(*gives_up_at, |resend| resend.at.min(*gives_up_at)))
            }
            State::Accepted { until } | State::Confirmed { until } => Some(*until),
            State::Proceeding | State::Terminated => None,
        }
    }

    /// Whether no final answer was given yet, so that a CANCEL still has an effect (RFC 3261 §9.2).
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Proceeding)
    }
}
