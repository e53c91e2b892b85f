//! The INVITE client transaction (RFC 3261 §17.1.1, figure 5, as corrected by RFC 6026 §8.4), with
//! the CANCEL of §9.1. It knows times and states only: the layer keeps the text and sends it.

use std::time::Instant;

use super::{
    Class,
    timing::{Resend, Timing},
};

/// What an INVITE client transaction hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Response(Class),
    /// The user wants the INVITE cancelled.
    Cancel,
    TransportFailed,
    /// The INVITE is sent by another transport instead, with these times.
    GoesAnotherWay(Timing),
    DeadlinePassed,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Send the INVITE again.
    Resend,
    /// Send the ACK for this 300 to 699 (§17.1.1.3).
    Acknowledge,
    /// Start the CANCEL's own transaction.
    SendCancel,
    /// Tell the user of this response.
    PassUp,
    /// Tell the user that this 2xx came after the transaction had failed.
    PassStray,
    /// Tell the user that no final answer came: timer B, or 64·T1 after the CANCEL.
    TimedOut,
    /// Tell the user that the INVITE could not be sent.
    Unreachable,
    /// Forget the transaction.
    End,
}

/// One INVITE of ours.
#[derive(Debug)]
pub(super) struct ClientInvite {
    timing: Timing,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Timer A in `resend`, timer B in `gives_up_at`.
    Calling {
        resend: Option<Resend>,
        gives_up_at: Instant,
        cancel_wanted: bool,
    },
    Proceeding,
    /// Proceeding, after our CANCEL: RFC 3261 §9.1 considers the INVITE dead 64·T1 later.
    Cancelling {
        gives_up_at: Instant,
    },
    /// Acknowledges retransmitted finals until timer D.
    Completed {
        until: Instant,
    },
    /// Lets every 2xx through until timer M (RFC 6026 §7.2).
    Accepted {
        until: Instant,
    },
    Terminated,
}

impl ClientInvite {
    /// The INVITE has just been sent for the first time.
    pub(super) fn new(timing: Timing, now: Instant) -> Self {
        let state = State::Calling {
            resend: Resend::first(timing, now),
            gives_up_at: now + timing.whole(),
            cancel_wanted: false,
        };
        Self { timing, state }
    }

    /// Takes in one fact and answers with what to do about it, in order.
    pub(super) fn on(&mut self, event: Event, now: Instant) -> &'static [Action] {
        use Action::{Acknowledge, End, PassStray, PassUp, SendCancel, TimedOut, Unreachable};
        match (&mut self.state, event) {
            (State::Calling { cancel_wanted: false, .. }, Event::Response(Class::Provisional)) => {
                self.state = State::Proceeding;
                &[PassUp]
            }
            (State::Calling { cancel_wanted: true, .. }, Event::Response(Class::Provisional)) => {
                self.state = State::Cancelling { gives_up_at: now + self.timing.whole() };
                &[PassUp, SendCancel]
            }
            (State::Proceeding | State::Cancelling { .. }, Event::Response(Class::Provisional)) => &[PassUp],

            (
                State::Calling { .. } | State::Proceeding | State::Cancelling { .. },
                Event::Response(Class::Success),
            ) => {
                self.state = State::Accepted { until: now + self.timing.whole() };
                &[PassUp]
            }
            (
                State::Calling { .. } | State::Proceeding | State::Cancelling { .. },
                Event::Response(Class::Failure),
            ) => {
                // Timer D lasts no time on a reliable transport.
                if self.timing.reliable {
                    self.state = State::Terminated;
                    return &[Acknowledge, PassUp, End];
                }
                self.state = State::Completed { until: now + self.timing.whole() };
                &[Acknowledge, PassUp]
            }

            (State::Completed { .. }, Event::Response(Class::Failure)) => &[Acknowledge],
            // A fork that accepted although another one had refused for all: someone must hang it up.
            (State::Completed { .. }, Event::Response(Class::Success)) => &[PassStray],
            (State::Completed { .. }, Event::Response(Class::Provisional)) => &[],
            (State::Accepted { .. }, Event::Response(Class::Success)) => &[PassUp],
            (State::Accepted { .. }, Event::Response(Class::Provisional | Class::Failure)) => &[],

            (State::Calling { cancel_wanted, .. }, Event::Cancel) => {
                // RFC 3261 §9.1: a CANCEL may not overtake the first provisional response.
                *cancel_wanted = true;
                &[]
            }
            (State::Proceeding, Event::Cancel) => {
                self.state = State::Cancelling { gives_up_at: now + self.timing.whole() };
                &[SendCancel]
            }
            (State::Cancelling { .. } | State::Completed { .. } | State::Accepted { .. }, Event::Cancel) => {
                &[]
            }

            (
                State::Calling { .. } | State::Proceeding | State::Cancelling { .. },
                Event::TransportFailed,
            ) => {
                self.state = State::Terminated;
                &[Unreachable, End]
            }
            // Departs from RFC 6026 §8.4, which informs the user here, because the user has had the
            // final answer; only our ACK was lost.
            (State::Completed { .. }, Event::TransportFailed) => {
                self.state = State::Terminated;
                &[End]
            }
            (State::Accepted { .. }, Event::TransportFailed) => &[],

            (State::Calling { cancel_wanted, .. }, Event::GoesAnotherWay(timing)) => {
                let cancel_wanted = *cancel_wanted;
                self.timing = timing;
                self.state = State::Calling {
                    resend: Resend::first(timing, now),
                    gives_up_at: now + timing.whole(),
                    cancel_wanted,
                };
                &[Action::Resend]
            }
            (
                State::Proceeding
                | State::Cancelling { .. }
                | State::Completed { .. }
                | State::Accepted { .. },
                Event::GoesAnotherWay(_),
            ) => &[],

            (
                State::Calling { gives_up_at, .. } | State::Cancelling { gives_up_at },
                Event::DeadlinePassed,
            ) if *gives_up_at <= now => {
                self.state = State::Terminated;
                &[TimedOut, End]
            }
            (State::Calling { resend: Some(resend), .. }, Event::DeadlinePassed) if resend.at <= now => {
                // Timer A doubles without a cap (§17.1.1.2); timer B ends it.
                *resend = resend.doubled(self.timing.whole(), now);
                &[Action::Resend]
            }
            (State::Completed { until } | State::Accepted { until }, Event::DeadlinePassed)
                if *until <= now =>
            {
                self.state = State::Terminated;
                &[End]
            }
            (
                State::Calling { .. }
                | State::Proceeding
                | State::Cancelling { .. }
                | State::Completed { .. }
                | State::Accepted { .. },
                Event::DeadlinePassed,
            ) => &[],

            (
                State::Terminated,
                Event::Response(_)
                | Event::Cancel
                | Event::TransportFailed
                | Event::GoesAnotherWay(_)
                | Event::DeadlinePassed,
            ) => &[],
        }
    }

    /// The peer accepted: its ACK is the user's, and nothing is left to cancel.
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self.state, State::Accepted { .. })
    }

    /// When this machine next wants [`Event::DeadlinePassed`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { resend, gives_up_at, .. } => {
                Some(resend.map_or(*gives_up_at, |resend| resend.at.min(*gives_up_at)))
            }
            State::Cancelling { gives_up_at } => Some(*gives_up_at),
            State::Completed { until } | State::Accepted { until } => Some(*until),
            State::Proceeding | State::Terminated => None,
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
        ClientInvite,
        Event::{self, Cancel, DeadlinePassed, GoesAnotherWay, Response, TransportFailed},
    };

    /// Its name, the transport, what happens at which millisecond, what the machine does then.
    type Row = (&'static str, Timing, &'static [(u64, Event)], &'static str);

    #[test]
    fn every_row_of_figure_5_and_rfc_6026_holds() {
        let rows: &[Row] = &[
            (
                "timers A and B over UDP",
                UDP,
                &[],
                "500 Resend, 1500 Resend, 3500 Resend, 7500 Resend, 15500 Resend, 31500 Resend, \
                 32000 TimedOut, 32000 End",
            ),
            ("timer B alone over TCP", TCP, &[], "32000 TimedOut, 32000 End"),
            (
                "a provisional stops timers A and B",
                UDP,
                &[(700, Response(Provisional)), (180_000, Response(Provisional))],
                "500 Resend, 700 PassUp, 180000 PassUp",
            ),
            (
                "a refusal is acknowledged each time it comes, until timer D",
                UDP,
                &[
                    (100, Response(Provisional)),
                    (200, Response(Failure)),
                    (700, Response(Failure)),
                    (800, Response(Provisional)),
                ],
                "100 PassUp, 200 Acknowledge, 200 PassUp, 700 Acknowledge, 32200 End",
            ),
            (
                "a refusal without a provisional before it",
                UDP,
                &[(100, Response(Failure))],
                "100 Acknowledge, 100 PassUp, 32100 End",
            ),
            (
                "timer D is zero over TCP",
                TCP,
                &[(100, Response(Failure)), (200, Response(Failure))],
                "100 Acknowledge, 100 PassUp, 100 End",
            ),
            (
                "every 2xx passes until timer M, nothing else does",
                UDP,
                &[
                    (100, Response(Success)),
                    (600, Response(Success)),
                    (700, Response(Provisional)),
                    (800, Response(Failure)),
                    (900, TransportFailed),
                    (950, Cancel),
                ],
                "100 PassUp, 600 PassUp, 32100 End",
            ),
            (
                "timer M runs over TCP too",
                TCP,
                &[(50, Response(Provisional)), (100, Response(Success))],
                "50 PassUp, 100 PassUp, 32100 End",
            ),
            (
                "a 2xx after a refusal goes to whoever can hang it up",
                UDP,
                &[(100, Response(Failure)), (200, Response(Success))],
                "100 Acknowledge, 100 PassUp, 200 PassStray, 32100 End",
            ),
            (
                "a failed transport ends it while calling",
                UDP,
                &[(10, TransportFailed), (20, Response(Success))],
                "10 Unreachable, 10 End",
            ),
            (
                "a failed transport ends it while proceeding",
                TCP,
                &[(10, Response(Provisional)), (20, TransportFailed)],
                "10 PassUp, 20 Unreachable, 20 End",
            ),
            (
                "a failed transport after the refusal is nobody's news",
                UDP,
                &[(10, Response(Failure)), (20, TransportFailed)],
                "10 Acknowledge, 10 PassUp, 20 End",
            ),
            (
                "CANCEL goes out once, and the INVITE is dead 64·T1 later",
                UDP,
                &[
                    (100, Response(Provisional)),
                    (5000, Cancel),
                    (6000, Cancel),
                    (6001, Response(Provisional)),
                ],
                "100 PassUp, 5000 SendCancel, 6001 PassUp, 37000 TimedOut, 37000 End",
            ),
            (
                "CANCEL waits for the first provisional",
                UDP,
                &[(100, Cancel), (700, Response(Provisional)), (800, Response(Failure))],
                "500 Resend, 700 PassUp, 700 SendCancel, 800 Acknowledge, 800 PassUp, 32800 End",
            ),
            (
                "CANCEL is never sent to a peer that answers at once",
                UDP,
                &[(100, Cancel), (200, Response(Success))],
                "200 PassUp, 32200 End",
            ),
            (
                "a 200 that crosses the CANCEL is still a 200",
                UDP,
                &[(100, Response(Provisional)), (200, Cancel), (210, Response(Success))],
                "100 PassUp, 200 SendCancel, 210 PassUp, 32210 End",
            ),
            (
                "an INVITE that goes by UDP after all begins anew and remembers its CANCEL",
                TCP,
                &[(100, Cancel), (1000, GoesAnotherWay(UDP)), (1100, Response(Provisional))],
                "1000 Resend, 1100 PassUp, 1100 SendCancel, 33100 TimedOut, 33100 End",
            ),
            (
                "CANCEL without any answer ends with timer B",
                TCP,
                &[(100, Cancel)],
                "32000 TimedOut, 32000 End",
            ),
        ];
        for (name, timing, script, expected) in rows {
            let new = |now| ClientInvite::new(*timing, now);
            let got = ladder(new, ClientInvite::on, ClientInvite::deadline, DeadlinePassed, script);
            assert_eq!(got, *expected, "{name}");
        }
    }
}
