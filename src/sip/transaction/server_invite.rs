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

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Class::{Failure, Provisional, Success},
            ladder::{TCP, UDP, ladder},
            timing::Timing,
        },
        Event::{self, AcceptAgain, Ack, DeadlinePassed, Respond, Retransmission},
        ServerInvite,
    };

    /// Its name, the transport, what happens at which millisecond, what the machine does then.
    type Row = (&'static str, Timing, &'static [(u64, Event)], &'static str);

    #[test]
    fn every_row_of_figure_7_and_rfc_6026_holds() {
        let rows: &[Row] = &[
            (
                "a retransmitted INVITE gets the last provisional again",
                UDP,
                &[(100, Retransmission), (200, Respond(Provisional)), (300, Retransmission)],
                "100 SendAgain, 200 Send, 300 SendAgain",
            ),
            (
                "a refusal is retransmitted by timer G until timer H",
                UDP,
                &[(0, Respond(Failure))],
                "0 Send, 500 SendAgain, 1500 SendAgain, 3500 SendAgain, 7500 SendAgain, 11500 SendAgain, \
                 15500 SendAgain, 19500 SendAgain, 23500 SendAgain, 27500 SendAgain, 31500 SendAgain, \
                 32000 NoAck, 32000 End",
            ),
            (
                "over TCP a refusal goes out once and still waits for its ACK",
                TCP,
                &[(0, Respond(Failure))],
                "0 Send, 32000 NoAck, 32000 End",
            ),
            (
                "a retransmitted INVITE gets the refusal again",
                UDP,
                &[(0, Respond(Failure)), (100, Retransmission), (200, Ack), (300, Retransmission)],
                "0 Send, 100 SendAgain, 5200 Done, 5200 End",
            ),
            (
                "the ACK stops timer G, timer I swallows its copies",
                UDP,
                &[(0, Respond(Failure)), (600, Ack), (700, Ack), (800, Respond(Success))],
                "0 Send, 500 SendAgain, 5600 Done, 5600 End",
            ),
            (
                "timer I is zero over TCP",
                TCP,
                &[(0, Respond(Failure)), (600, Ack), (700, Ack)],
                "0 Send, 600 Done, 600 End",
            ),
            (
                "after a 2xx INVITEs are swallowed and ACKs pass until timer L",
                UDP,
                &[
                    (0, Respond(Success)),
                    (100, Retransmission),
                    (200, Ack),
                    (300, Respond(Failure)),
                    (400, Respond(Success)),
                ],
                "0 Send, 200 PassAck, 32000 Done, 32000 End",
            ),
            ("timer L runs over TCP too", TCP, &[(0, Respond(Success))], "0 Send, 32000 Done, 32000 End"),
            (
                "the 2xx is sent again when the user says so, and only then",
                UDP,
                &[(0, AcceptAgain), (10, Respond(Success)), (510, AcceptAgain), (33_000, AcceptAgain)],
                "10 Send, 510 SendAgain, 32010 Done, 32010 End",
            ),
            (
                "a refusal is never sent as a 2xx again",
                UDP,
                &[(0, Respond(Failure)), (10, Ack), (20, AcceptAgain)],
                "0 Send, 5010 Done, 5010 End",
            ),
            (
                "an ACK before any final answer means nothing",
                UDP,
                &[(0, Ack), (10, Respond(Provisional))],
                "10 Send",
            ),
        ];
        for (name, timing, script, expected) in rows {
            let new = |_now| ServerInvite::new(*timing);
            let got = ladder(new, ServerInvite::on, ServerInvite::deadline, DeadlinePassed, script);
            assert_eq!(got, *expected, "{name}");
        }
    }
}
