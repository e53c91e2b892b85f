//! Phones at the desk: who wins, when a call is flagged, where a redirect leads.

use std::time::Duration;

use expect_test::expect;

use super::{Action, Event, Ladder, LegIndex, Note, Record, Target, at_the_desk, leg, one_phone};
use crate::call::sample;

#[test]
fn the_first_phone_to_answer_wins_and_the_rest_are_cancelled() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(0.2, Event::Ringing { leg: leg(2) })
        .at(0.3, Event::Ringing { leg: leg(1) })
        .at(5.5, Event::Answered { leg: leg(1) })
        .at(5.5, Event::Joined { leg: leg(1) })
        .at(65.0, Event::HungUp { leg: LegIndex::CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            0.0     dial 2 802
            0.2   > 2 rings
            0.2     * 2 rings
            0.2     180 to caller
            0.2     * first ring
            0.3   > 1 rings
            0.3     * 1 rings
            5.5   > 1 200
            5.5     join 1
            5.5   > 1 joined
            5.5     200 to caller
            5.5     hang up 2
            5.5     * 2 not needed any more
            5.5     * 1 answered, ring Some(2)
            5.5     * answered by desk, ring Some(2)
            5.5     * 0 and 1 talk
            65.0  > 0 hangs up
            65.0    hang up 1
            65.0    * Caller hung up
            65.0    end
        "#]]);
}

#[test]
fn of_two_answers_at_once_only_one_is_connected() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(3.0, Event::Answered { leg: leg(2) })
        .at(3.0, Event::Answered { leg: leg(1) })
        .at(3.1, Event::Joined { leg: leg(2) })
        .at(3.2, Event::Answered { leg: leg(1) })
        .at(9.0, Event::HungUp { leg: leg(2) })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            0.0     dial 2 802
            2.0     180 to caller
            2.0     * first ring
            3.0   > 2 200
            3.0     join 2
            3.0   > 1 200
            3.0     hang up 1
            3.0     * 1 not needed any more
            3.1   > 2 joined
            3.1     200 to caller
            3.1     * 2 answered, ring Some(1)
            3.1     * answered by desk, ring Some(1)
            3.1     * 0 and 2 talk
            3.2   > 1 200
            9.0   > 2 hangs up
            9.0     BYE to caller
            9.0     * Callee hung up
            9.0     end
        "#]]);
}

#[test]
fn an_answer_that_comes_with_the_third_rings_end_is_too_late_and_one_before_is_not() {
    for (at, flagged) in [(15.1, true), (15.0999, false)] {
        let mut ladder = Ladder::of(one_phone(&sample::house()));
        ladder.at(0.1, Event::Ringing { leg: leg(1) });
        // The answer is handled before the loop gets to the deadline.
        ladder.now = ladder.start + Duration::from_secs_f64(at);
        let actions = ladder.call.on(Event::Answered { leg: leg(1) }, ladder.now);
        assert_eq!(actions.contains(&Action::Note(Note::Flagged { ring: 3 })), flagged, "{at}");
        assert!(actions.contains(&Action::Join { leg: leg(1), record: Record::Both }));
        ladder.at(15.2, Event::Joined { leg: leg(1) }).until(100.0);
        assert!(!ladder.text.contains("flagged"), "nothing is flagged after a person answered");
    }
}

#[test]
fn the_ring_clock_starts_by_itself_when_no_phone_says_that_it_rings() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(11.9, Event::Answered { leg: leg(1) })
        .at(12.0, Event::Joined { leg: leg(1) })
        .until(30.0)
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            11.9  > 1 200
            11.9    join 1
            12.0  > 1 joined
            12.0    200 to caller
            12.0    * 1 answered, ring Some(2)
            12.0    * answered by desk, ring Some(2)
            12.0    * 0 and 1 talk
        "#]]);
}

#[test]
fn a_redirect_is_followed_with_what_is_left_of_the_phones_patience_but_never_in_a_circle() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(1.0, Event::Redirected { leg: leg(1), to: Target::Phone("805".into()) })
        .at(2.0, Event::Ringing { leg: leg(2) })
        .at(3.0, Event::Redirected { leg: leg(2), to: Target::Phone("801".into()) })
        .reads(expect![[r#"
            0.0     dial 1 801
            1.0   > 1 302 to 805
            1.0     * 1 declined
            1.0     dial 2 805
            2.0     180 to caller
            2.0     * first ring
            2.0   > 2 rings
            2.0     * 2 rings
            3.0   > 2 302 to 801
            3.0     * 2 declined
            3.0     * forwarding: 805 declined
            3.0     dial 3 duty1
        "#]]);
}

#[test]
fn a_ring_of_redirects_comes_to_an_end() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    for hop in 1..20 {
        ladder.at(1.0, Event::Redirected { leg: leg(hop), to: Target::Phone(format!("9{hop}")) });
    }
    assert_eq!(ladder.text.matches("dial ").count(), 1 + 5 + 2, "{}", ladder.text);
}
