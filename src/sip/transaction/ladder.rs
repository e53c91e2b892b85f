//! For the machines' tables: plays a script to one machine in virtual time and writes down what it did.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use super::timing::Timing;

/// The default times of RFC 3261, over UDP.
pub(super) const UDP: Timing = Timing {
    t1: Duration::from_millis(500),
    t2: Duration::from_secs(4),
    t4: Duration::from_secs(5),
    reliable: false,
};

/// The same over TCP or TLS.
pub(super) const TCP: Timing = Timing { reliable: true, ..UDP };

/// `500 Resend, 1500 Resend`: milliseconds since the start and what was to be done then, until the
/// machine wants nothing more. Its deadlines are kept to the millisecond.
pub(super) fn ladder<M, E: Copy, A: Debug + 'static>(
    new: impl FnOnce(Instant) -> M,
    on: fn(&mut M, E, Instant) -> &'static [A],
    deadline: fn(&M) -> Option<Instant>,
    deadline_passed: E,
    script: &[(u64, E)],
) -> String {
    let start = a_moment();
    let mut machine = new(start);
    let mut script = script.iter().map(|(ms, event)| (start + Duration::from_millis(*ms), *event)).peekable();
    let mut done = Vec::new();
    for _turn in 0..200 {
        let due = deadline(&machine);
        let (at, event) = match (script.peek(), due) {
            (Some((at, _)), Some(due)) if due < *at => (due, deadline_passed),
            (Some(_), _) => script.next().unwrap(),
            (None, Some(due)) => (due, deadline_passed),
            (None, None) => return done.join(", "),
        };
        for action in on(&mut machine, event, at) {
            done.push(format!("{} {action:?}", at.duration_since(start).as_millis()));
        }
    }
    panic!("it never comes to rest: {}", done.join(", "));
}

/// Any moment will do: only differences count.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can't be made otherwise, and its value is never looked at"
)]
pub(super) fn a_moment() -> Instant {
    Instant::now()
}
