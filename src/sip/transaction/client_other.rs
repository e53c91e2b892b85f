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
    /// The request is sent by another transport instead, with these times.
    GoesAnotherWay(Timing),
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

            (State::Trying { .. }, Event::GoesAnotherWay(timing)) => {
                *self = Self::new(timing, now);
                &[Action::Resend]
            }
            (State::Proceeding { .. } | State::Completed { .. }, Event::GoesAnotherWay(_)) => &[],

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

            (
                State::Terminated,
                Event::Response(_)
                | Event::TransportFailed
                | Event::GoesAnotherWay(_)
                | Event::DeadlinePassed,
            ) => &[],
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
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Class::{Failure, Provisional, Success},
            ladder::{TCP, UDP, ladder},
            timing::Timing,
        },
        ClientOther,
        Event::{self, DeadlinePassed, GoesAnotherWay, Response, TransportFailed},
    };

    /// Its name, the transport, what happens at which millisecond, what the machine does then.
    type Row = (&'static str, Timing, &'static [(u64, Event)], &'static str);

    #[test]
    fn every_row_of_figure_6_holds() {
        let rows: &[Row] = &[
            (
                "timers E (doubling to T2) and F over UDP",
                UDP,
                &[],
                "500 Resend, 1500 Resend, 3500 Resend, 7500 Resend, 11500 Resend, 15500 Resend, \
                 19500 Resend, 23500 Resend, 27500 Resend, 31500 Resend, 32000 TimedOut, 32000 End",
            ),
            ("timer F alone over TCP", TCP, &[], "32000 TimedOut, 32000 End"),
            (
                "after a provisional timer E is T2, timer F runs on",
                UDP,
                &[(600, Response(Provisional)), (700, Response(Provisional))],
                "500 Resend, 600 PassUp, 700 PassUp, 1500 Resend, 5500 Resend, 9500 Resend, 13500 Resend, \
                 17500 Resend, 21500 Resend, 25500 Resend, 29500 Resend, 32000 TimedOut, 32000 End",
            ),
            (
                "after a provisional over TCP timer F runs on alone",
                TCP,
                &[(600, Response(Provisional))],
                "600 PassUp, 32000 TimedOut, 32000 End",
            ),
            (
                "a final answer passes once, timer K swallows the rest",
                UDP,
                &[(100, Response(Success)), (200, Response(Success)), (300, TransportFailed)],
                "100 PassUp, 5100 End",
            ),
            (
                "a refusal after a provisional",
                UDP,
                &[(100, Response(Provisional)), (200, Response(Failure)), (250, Response(Provisional))],
                "100 PassUp, 200 PassUp, 5200 End",
            ),
            (
                "timer K is zero over TCP",
                TCP,
                &[(100, Response(Failure)), (200, Response(Failure))],
                "100 PassUp, 100 End",
            ),
            (
                "a request that goes by UDP after all begins anew, once",
                TCP,
                &[(400, GoesAnotherWay(UDP)), (1000, Response(Success)), (1100, GoesAnotherWay(UDP))],
                "400 Resend, 900 Resend, 1000 PassUp, 6000 End",
            ),
            (
                "a failed transport ends it",
                UDP,
                &[(10, TransportFailed), (20, Response(Success))],
                "10 Unreachable, 10 End",
            ),
            (
                "a failed transport ends it after a provisional",
                UDP,
                &[(5, Response(Provisional)), (10, TransportFailed)],
                "5 PassUp, 10 Unreachable, 10 End",
            ),
        ];
        for (name, timing, script, expected) in rows {
            let new = |now| ClientOther::new(*timing, now);
            let got = ladder(new, ClientOther::on, ClientOther::deadline, DeadlinePassed, script);
            assert_eq!(got, *expected, "{name}");
        }
    }
}
