//! The server transaction of every request but INVITE and ACK (RFC 3261 §17.2.2, figure 8).

use std::time::Instant;

use super::{Class, timing::Timing};

/// What a non-INVITE server transaction hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The request came again.
    Retransmission,
    /// The user answers.
    Respond(Class),
    DeadlinePassed,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Send the user's answer and keep it.
    Send,
    /// Send the last answer again.
    SendAgain,
    /// Forget the transaction.
    End,
}

/// One request of a peer.
#[derive(Debug)]
pub(super) struct ServerOther {
    timing: Timing,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not answered at all.
    Trying {
        until: Instant,
    },
    Proceeding {
        until: Instant,
    },
    /// Repeats the final answer until timer J.
    Completed {
        until: Instant,
    },
    Terminated,
}

impl ServerOther {
    /// The request came for the first time.
    ///
    /// Departs from RFC 3261 §17.2.2, where an unanswered request waits for ever: 64·T1 after it
    /// came the peer's timer F has fired and nobody waits for an answer, so it is forgotten.
    pub(super) fn new(timing: Timing, now: Instant) -> Self {
        Self { timing, state: State::Trying { until: now + timing.whole() } }
    }

    /// Takes in one fact and answers with what to do about it, in order.
    pub(super) fn on(&mut self, event: Event, now: Instant) -> &'static [Action] {
        use Action::{End, Send, SendAgain};
        match (&mut self.state, event) {
            (State::Trying { .. }, Event::Retransmission) => &[],
            (State::Proceeding { .. } | State::Completed { .. }, Event::Retransmission) => &[SendAgain],

            (State::Trying { until } | State::Proceeding { until }, Event::Respond(Class::Provisional)) => {
                self.state = State::Proceeding { until: *until };
                &[Send]
            }
            (
                State::Trying { .. } | State::Proceeding { .. },
                Event::Respond(Class::Success | Class::Failure),
            ) => {
                // Timer J lasts no time on a reliable transport.
                if self.timing.reliable {
                    self.state = State::Terminated;
                    return &[Send, End];
                }
                self.state = State::Completed { until: now + self.timing.whole() };
                &[Send]
            }
            // §17.2.2: any other final answer of the user is discarded.
            (State::Completed { .. }, Event::Respond(_)) => &[],

            (
                State::Trying { until } | State::Proceeding { until } | State::Completed { until },
                Event::DeadlinePassed,
            ) => {
                if now < *until {
                    return &[];
                }
                self.state = State::Terminated;
                &[End]
            }

            (State::Terminated, Event::Retransmission | Event::Respond(_) | Event::DeadlinePassed) => &[],
        }
    }

    /// When this machine next wants [`Event::DeadlinePassed`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Trying { until } | State::Proceeding { until } | State::Completed { until } => {
                Some(*until)
            }
            State::Terminated => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Class::{Failure, Provisional, Success},
            ladder::{TCP, UDP, ladder},
            timing::Timing,
        },
        Event::{self, DeadlinePassed, Respond, Retransmission},
        ServerOther,
    };

    /// Its name, the transport, what happens at which millisecond, what the machine does then.
    type Row = (&'static str, Timing, &'static [(u64, Event)], &'static str);

    #[test]
    fn every_row_of_figure_8_holds() {
        let rows: &[Row] = &[
            (
                "a retransmission gets the last answer again, once there is one, until timer J",
                UDP,
                &[
                    (100, Retransmission),
                    (200, Respond(Provisional)),
                    (300, Retransmission),
                    (400, Respond(Provisional)),
                    (500, Respond(Success)),
                    (600, Retransmission),
                    (32_400, Retransmission),
                    (32_600, Retransmission),
                ],
                "200 Send, 300 SendAgain, 400 Send, 500 Send, 600 SendAgain, 32400 SendAgain, 32500 End",
            ),
            (
                "timer J is zero over TCP",
                TCP,
                &[(100, Respond(Failure)), (200, Retransmission)],
                "100 Send, 100 End",
            ),
            (
                "a second final answer is discarded",
                UDP,
                &[(100, Respond(Failure)), (200, Respond(Success))],
                "100 Send, 32100 End",
            ),
            ("a request that nobody answers is forgotten", UDP, &[], "32000 End"),
            (
                "a request that nobody answers in the end is forgotten over TCP too",
                TCP,
                &[(200, Respond(Provisional))],
                "200 Send, 32000 End",
            ),
        ];
        for (name, timing, script, expected) in rows {
            let new = |now| ServerOther::new(*timing, now);
            let got = ladder(new, ServerOther::on, ServerOther::deadline, DeadlinePassed, script);
            assert_eq!(got, *expected, "{name}");
        }
    }
}
