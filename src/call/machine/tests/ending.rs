//! How calls end that nobody, or somebody too late, answered.

use std::time::Duration;

use expect_test::expect;

use super::{Event, Ladder, LegIndex, at_the_desk, leg, one_phone, unstaffed};
use crate::call::sample;

#[test]
fn a_caller_for_whom_nobody_is_left_hears_ringing_for_a_while_and_is_flagged_before_the_480() {
    let mut house = sample::house();
    house.mobiles.clear();
    let mut ladder = Ladder::of(unstaffed(&house));
    ladder.run_to_end().reads(expect![[r#"
        0.0     180 to caller
        0.0     * first ring
        15.0    * flagged, ring 3
        20.0    refuse caller NobodyAvailable
        20.0    * missed, ring Some(5)
        20.0    end
    "#]]);
}

#[test]
fn a_caller_who_hangs_up_before_any_ring_leaves_nothing_behind() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(0.1, Event::HungUp { leg: LegIndex::CALLER })
        .at(0.1, Event::Answered { leg: leg(1) })
        .at(0.2, Event::HungUp { leg: LegIndex::CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            0.0     dial 2 802
            0.1   > 0 hangs up
            0.1     hang up 1
            0.1     * 1 not needed any more
            0.1     hang up 2
            0.1     * 2 not needed any more
            0.1     * Caller hung up
            0.1     * abandoned, ring None
            0.1     end
            0.1   > 1 200
            0.2   > 0 hangs up
        "#]]);
}

#[test]
fn a_caller_who_hangs_up_is_abandoned_in_that_ring_and_a_picked_up_mobile_hears_it() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(19.0, Event::Answered { leg: leg(2) })
        .at(23.0, Event::HungUp { leg: LegIndex::CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            17.0    * flagged, ring 3
            17.0    * forwarding: not answered in 3 rings
            17.0    dial 2 duty1
            19.0  > 2 200
            19.0    * 2 picked up
            19.0    play 2 ForwardConfirm
            23.0  > 0 hangs up
            23.0    hang up 1
            23.0    * 1 not needed any more
            23.0    play 2 CallerGone
            23.0    * Caller hung up
            23.0    * abandoned, ring Some(5)
            28.0    hang up 2
            28.0    * 2 not needed any more
            28.0    end
        "#]]);
}

#[test]
fn a_caller_who_hangs_up_while_being_joined_was_never_answered() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(1.0, Event::Answered { leg: leg(1) })
        .at(1.0, Event::HungUp { leg: LegIndex::CALLER })
        .at(1.1, Event::Joined { leg: leg(1) })
        .reads(expect![[r#"
            0.0     dial 1 801
            1.0   > 1 200
            1.0     join 1
            1.0   > 0 hangs up
            1.0     hang up 1
            1.0     * 1 not needed any more
            1.0     * Caller hung up
            1.0     * abandoned, ring None
            1.0     end
            1.1   > 1 joined
        "#]]);
}

#[test]
fn a_failed_join_loses_nobody_while_others_ring() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(1.0, Event::Answered { leg: leg(1) })
        .at(1.1, Event::JoinFailed { leg: leg(1) })
        .at(2.0, Event::Answered { leg: leg(2) })
        .at(2.1, Event::Joined { leg: leg(2) })
        .reads(expect![[r#"
            0.0     dial 1 801
            0.0     dial 2 802
            1.0   > 1 200
            1.0     join 1
            1.1   > 1 join failed
            1.1     hang up 1
            1.1     * 1 failed through a fault of ours
            2.0     180 to caller
            2.0     * first ring
            2.0   > 2 200
            2.0     join 2
            2.1   > 2 joined
            2.1     200 to caller
            2.1     * 2 answered, ring Some(1)
            2.1     * answered by desk, ring Some(1)
            2.1     * 0 and 2 talk
        "#]]);
}

#[test]
fn a_join_that_is_never_reported_fails_by_time_and_with_nobody_left_the_caller_hears_of_a_fault() {
    let mut house = sample::house();
    house.mobiles.clear();
    let mut ladder = Ladder::of(one_phone(&house));
    ladder.at(1.0, Event::Answered { leg: leg(1) }).run_to_end().reads(expect![[r#"
        0.0     dial 1 801
        1.0   > 1 200
        1.0     join 1
        4.0     hang up 1
        4.0     * 1 failed through a fault of ours
        4.0     refuse caller Fault
        4.0     * missed, ring None
        4.0     end
    "#]]);
}

#[test]
fn a_person_who_puts_down_before_being_joined_is_out_and_the_mobile_rings() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder.at(3.0, Event::Answered { leg: leg(1) }).at(3.1, Event::HungUp { leg: leg(1) }).reads(expect![[
        r#"
        0.0     dial 1 801
        2.0     180 to caller
        2.0     * first ring
        3.0   > 1 200
        3.0     join 1
        3.1   > 1 hangs up
        3.1     * 1 declined
        3.1     * forwarding: 801 declined
        3.1     dial 2 duty1
    "#
    ]]);
}

#[test]
fn the_longest_call_is_ended_by_the_house() {
    let mut house = sample::house();
    house.longest_call = Duration::from_secs(100);
    let mut ladder = Ladder::of(one_phone(&house));
    ladder
        .at(1.0, Event::Answered { leg: leg(1) })
        .at(1.0, Event::Joined { leg: leg(1) })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            1.0   > 1 200
            1.0     join 1
            1.0   > 1 joined
            1.0     200 to caller
            1.0     * 1 answered, ring Some(1)
            1.0     * answered by desk, ring Some(1)
            1.0     * 0 and 1 talk
            100.0   hang up 1
            100.0   BYE to caller
            100.0   * House hung up
            100.0   end
        "#]]);
}

#[test]
fn an_order_to_end_refuses_a_caller_whom_nobody_has_answered() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(18.0, Event::Answered { leg: leg(2) })
        .at(19.0, Event::EndOrdered)
        .at(19.5, Event::EndOrdered)
        .at(19.6, Event::EndOrdered)
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            17.0    * flagged, ring 3
            17.0    * forwarding: not answered in 3 rings
            17.0    dial 2 duty1
            18.0  > 2 200
            18.0    * 2 picked up
            18.0    play 2 ForwardConfirm
            19.0  > end ordered
            19.0    hang up 1
            19.0    * 1 not needed any more
            19.0    play 2 ForwardTooLate
            19.0    refuse caller NobodyAvailable
            19.0    * House hung up
            19.0    * refused, ring Some(4)
            19.5  > end ordered
            19.5    hang up 2
            19.5    * 2 not needed any more
            19.5    end
            19.6  > end ordered
        "#]]);
}
