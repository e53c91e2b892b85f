//! Calls from a desk phone: to the outside and to another phone.

use expect_test::expect;

use super::{Action, CallerRefused, Event, Ladder, Note, Outcome, Unanswered, leg};
use crate::{
    call::{plan, sample},
    desk::number::Number,
};

#[test]
fn a_call_out_passes_early_media_and_is_answered_by_the_other_side() {
    let plan = plan::outside(&sample::house(), Number::new("13900000000".into()), None);
    let mut ladder = Ladder::of(plan);
    ladder
        .at(1.0, Event::EarlyMedia { leg: leg(1) })
        .at(1.5, Event::EarlyMedia { leg: leg(1) })
        .at(2.0, Event::Ringing { leg: leg(1) })
        .at(30.0, Event::Answered { leg: leg(1) })
        .at(30.0, Event::Joined { leg: leg(1) })
        .at(40.0, Event::HungUp { leg: leg(1) })
        .reads(expect![[r#"
            0.0     dial 1 13900000000
            1.0   > 1 early media
            1.0     183 to caller from 1
            1.5   > 1 early media
            2.0   > 1 rings
            2.0     * 1 rings
            30.0  > 1 200
            30.0    join 1
            30.0  > 1 joined
            30.0    200 to caller
            30.0    * 1 answered, ring None
            30.0    * answered, ring None
            30.0    * 0 and 1 talk
            40.0  > 1 hangs up
            40.0    BYE to caller
            40.0    * Callee hung up
            40.0    end
        "#]]);
}

#[test]
fn a_call_out_or_inside_is_refused_with_what_the_other_side_said() {
    let house = sample::house();
    let rows = [
        (Unanswered::Busy, CallerRefused::Busy, Outcome::Refused),
        (Unanswered::Declined, CallerRefused::Declined, Outcome::Refused),
        (Unanswered::Unreachable, CallerRefused::Unreachable, Outcome::Refused),
        (Unanswered::NoAnswer, CallerRefused::NobodyAvailable, Outcome::Missed),
        (Unanswered::Fault, CallerRefused::Fault, Outcome::Missed),
    ];
    let number = Number::new("13900000000".into());
    for plan in [plan::outside(&house, number, None), plan::internal(&house, "802".into())] {
        for (why, refused, outcome) in rows.clone() {
            let mut ladder = Ladder::of(plan.clone());
            ladder.at(0.5, Event::Ringing { leg: leg(1) });
            let actions = ladder.call.on(Event::Unanswered { leg: leg(1), why: why.clone() }, ladder.now);
            assert_eq!(
                actions,
                [
                    Action::Note(Note::Unanswered { leg: leg(1), why }),
                    Action::RefuseCaller { why: refused },
                    Action::Note(Note::Outcome { outcome, ring: None }),
                    Action::End,
                ]
            );
        }
    }
}

#[test]
fn a_call_inside_that_nobody_takes_is_missed_and_never_flagged() {
    let mut ladder = Ladder::of(plan::internal(&sample::house(), "802".into()));
    ladder.at(0.5, Event::Ringing { leg: leg(1) }).run_to_end().reads(expect![[r#"
        0.0     dial 1 802
        0.5   > 1 rings
        0.5     * 1 rings
        0.5     180 to caller
        60.0    hang up 1
        60.0    * 1 did not answer
        60.0    refuse caller NobodyAvailable
        60.0    * missed, ring None
        60.0    end
    "#]]);
}
