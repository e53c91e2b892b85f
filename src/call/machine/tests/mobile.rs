//! The duty mobiles: when their turn comes, and how a person is proven.

use expect_test::expect;

use super::{Event, Ladder, LegIndex, Target, Unanswered, at_the_desk, leg, one_phone, staffed, unstaffed};
use crate::{
    call::{
        house::{AtFlag, MobileOrder},
        plan, sample,
    },
    desk::number::Number,
};

#[test]
fn a_call_not_answered_in_three_rings_is_flagged_and_rings_the_mobile_too() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(0.1, Event::Ringing { leg: leg(1) })
        .at(16.0, Event::Ringing { leg: leg(2) })
        .at(20.0, Event::Answered { leg: leg(1) })
        .at(20.0, Event::Joined { leg: leg(1) })
        .at(30.0, Event::EndOrdered)
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            0.1   > 1 rings
            0.1     * 1 rings
            0.1     180 to caller
            0.1     * first ring
            15.1    * flagged, ring 3
            15.1    * forwarding: not answered in 3 rings
            15.1    dial 2 duty1
            16.0  > 2 rings
            16.0    * 2 rings
            20.0  > 1 200
            20.0    join 1
            20.0  > 1 joined
            20.0    200 to caller
            20.0    hang up 2
            20.0    * 2 not needed any more
            20.0    * 1 answered, ring Some(4)
            20.0    * answered by desk, ring Some(4)
            20.0    * 0 and 1 talk
            30.0  > end ordered
            30.0    hang up 1
            30.0    BYE to caller
            30.0    * House hung up
            30.0    end
        "#]]);
}

#[test]
fn instead_stops_the_desk_at_the_flag_unless_there_is_no_mobile() {
    let mut house = sample::house();
    house.forwarding.at_flag = AtFlag::Instead;
    Ladder::of(one_phone(&house)).until(18.0).reads(expect![[r#"
        0.0     dial 1 801
        2.0     180 to caller
        2.0     * first ring
        17.0    * flagged, ring 3
        17.0    * forwarding: not answered in 3 rings
        17.0    hang up 1
        17.0    * 1 did not answer
        17.0    dial 2 duty1
    "#]]);
    house.mobiles.clear();
    Ladder::of(one_phone(&house)).until(18.0).reads(expect![[r#"
        0.0     dial 1 801
        2.0     180 to caller
        2.0     * first ring
        17.0    * flagged, ring 3
    "#]]);
}

#[test]
fn with_no_the_desk_rings_alone_for_its_patience_and_then_the_mobile() {
    let mut house = sample::house();
    house.forwarding.at_flag = AtFlag::No;
    Ladder::of(one_phone(&house)).until(61.0).reads(expect![[r#"
        0.0     dial 1 801
        2.0     180 to caller
        2.0     * first ring
        17.0    * flagged, ring 3
        60.0    hang up 1
        60.0    * 1 did not answer
        60.0    * forwarding: 801 did not answer
        60.0    dial 2 duty1
    "#]]);
}

#[test]
fn an_unstaffed_desk_goes_to_the_mobile_at_once_and_a_key_proves_a_person() {
    let mut ladder = Ladder::of(unstaffed(&sample::house()));
    ladder
        .at(4.0, Event::Ringing { leg: leg(1) })
        .at(8.0, Event::Answered { leg: leg(1) })
        .at(9.0, Event::Digit { leg: leg(1), digit: '5' })
        .at(11.0, Event::Played { leg: leg(1) })
        .at(13.0, Event::Digit { leg: leg(1), digit: '1' })
        .at(13.0, Event::Joined { leg: leg(1) })
        .at(60.0, Event::HungUp { leg: leg(1) })
        .run_to_end()
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * forwarding: nobody on duty
            0.0     dial 1 duty1
            4.0   > 1 rings
            4.0     * 1 rings
            8.0   > 1 200
            8.0     * 1 picked up
            8.0     play 1 ForwardConfirm
            9.0   > 1 presses 5
            11.0  > 1 played
            12.0    play 1 ForwardConfirm
            13.0  > 1 presses 1
            13.0    stop playing 1
            13.0    join 1
            13.0  > 1 joined
            13.0    200 to caller
            13.0    * 1 answered, ring Some(3)
            13.0    * answered by mobile, ring Some(3)
            13.0    * 0 and 1 talk
            60.0  > 1 hangs up
            60.0    BYE to caller
            60.0    * Callee hung up
            60.0    end
        "#]]);
}

#[test]
fn a_voicemail_presses_no_key_so_the_next_mobile_rings_and_the_call_is_flagged_meanwhile() {
    let mut ladder = Ladder::of(unstaffed(&sample::house()));
    ladder
        .at(5.0, Event::Answered { leg: leg(1) })
        .at(8.0, Event::Played { leg: leg(1) })
        .at(20.0, Event::Answered { leg: leg(2) })
        .at(21.0, Event::Digit { leg: leg(2), digit: '2' })
        .run_to_end()
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * forwarding: nobody on duty
            0.0     dial 1 duty1
            5.0   > 1 200
            5.0     * 1 picked up
            5.0     play 1 ForwardConfirm
            8.0   > 1 played
            9.0     play 1 ForwardConfirm
            15.0    * flagged, ring 3
            17.0    hang up 1
            17.0    * 1 picked up, but no key was pressed
            17.0    dial 2 duty2
            20.0  > 2 200
            20.0    * 2 picked up
            20.0    play 2 ForwardConfirm
            21.0  > 2 presses 2
            21.0    stop playing 2
            21.0    hang up 2
            21.0    * 2 refused by key
            21.0    refuse caller NobodyAvailable
            21.0    * missed, ring Some(5)
            21.0    end
        "#]]);
}

#[test]
fn a_mobile_that_needs_no_key_is_answered_by_its_pick_up() {
    let mut house = sample::house();
    for mobile in &mut house.mobiles {
        mobile.needs_key = false;
    }
    let mut ladder = Ladder::of(unstaffed(&house));
    ladder.at(5.0, Event::Answered { leg: leg(1) }).at(5.0, Event::Joined { leg: leg(1) }).reads(expect![[
        r#"
        0.0     180 to caller
        0.0     * first ring
        0.0     * forwarding: nobody on duty
        0.0     dial 1 duty1
        5.0   > 1 200
        5.0     join 1
        5.0   > 1 joined
        5.0     200 to caller
        5.0     * 1 answered, ring Some(2)
        5.0     * answered by mobile, ring Some(2)
        5.0     * 0 and 1 talk
    "#
    ]]);
}

#[test]
fn a_desk_that_answers_while_a_mobile_is_asked_for_its_key_wins_and_the_mobile_is_told() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(18.0, Event::Answered { leg: leg(2) })
        .at(19.0, Event::Answered { leg: leg(1) })
        .at(19.1, Event::Joined { leg: leg(1) })
        // The end of the first prompt, not of the one that says good-bye.
        .at(19.2, Event::Played { leg: leg(2) })
        .at(20.0, Event::HungUp { leg: LegIndex::CALLER })
        .at(21.5, Event::Played { leg: leg(2) })
        .run_to_end()
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
            19.0  > 1 200
            19.0    join 1
            19.1  > 1 joined
            19.1    200 to caller
            19.1    play 2 ForwardTooLate
            19.1    * 1 answered, ring Some(4)
            19.1    * answered by desk, ring Some(4)
            19.1    * 0 and 1 talk
            19.2  > 2 played
            19.2    hang up 2
            19.2    * 2 not needed any more
            20.0  > 0 hangs up
            20.0    hang up 1
            20.0    * Caller hung up
            20.0    end
            21.5  > 2 played
        "#]]);
}

#[test]
fn a_key_pressed_while_the_desk_is_being_joined_is_too_late() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(18.0, Event::Answered { leg: leg(2) })
        .at(19.0, Event::Answered { leg: leg(1) })
        .at(19.0, Event::Digit { leg: leg(2), digit: '1' })
        .at(19.1, Event::Joined { leg: leg(1) })
        .until(30.0)
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
            19.0  > 1 200
            19.0    join 1
            19.0  > 2 presses 1
            19.0    stop playing 2
            19.0    play 2 ForwardTooLate
            19.1  > 1 joined
            19.1    200 to caller
            19.1    * 1 answered, ring Some(4)
            19.1    * answered by desk, ring Some(4)
            19.1    * 0 and 1 talk
            24.0    hang up 2
            24.0    * 2 not needed any more
        "#]]);
}

#[test]
fn together_rings_all_mobiles_at_once() {
    let mut house = sample::house();
    house.forwarding.order = MobileOrder::Together;
    let mut ladder = Ladder::of(unstaffed(&house));
    ladder
        .at(5.0, Event::Answered { leg: leg(1) })
        .at(6.0, Event::Answered { leg: leg(2) })
        .at(7.0, Event::Digit { leg: leg(2), digit: '1' })
        .at(7.0, Event::Joined { leg: leg(2) })
        .until(13.0)
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * forwarding: nobody on duty
            0.0     dial 1 duty1
            0.0     dial 2 duty2
            5.0   > 1 200
            5.0     * 1 picked up
            5.0     play 1 ForwardConfirm
            6.0   > 2 200
            6.0     * 2 picked up
            6.0     play 2 ForwardConfirm
            7.0   > 2 presses 1
            7.0     stop playing 2
            7.0     join 2
            7.0   > 2 joined
            7.0     200 to caller
            7.0     play 1 ForwardTooLate
            7.0     * 2 answered, ring Some(2)
            7.0     * answered by mobile, ring Some(2)
            7.0     * 0 and 2 talk
            12.0    hang up 1
            12.0    * 1 not needed any more
        "#]]);
}

#[test]
fn phones_that_are_busy_or_decline_are_out_at_once_and_the_mobile_does_not_wait() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(0.1, Event::Unanswered { leg: leg(1), why: Unanswered::Busy })
        .at(0.4, Event::Unanswered { leg: leg(2), why: Unanswered::Declined })
        .at(0.5, Event::Unanswered { leg: leg(2), why: Unanswered::Declined })
        .reads(expect![[r#"
            0.0     dial 1 801
            0.0     dial 2 802
            0.1   > 1 busy
            0.1     * 1 busy
            0.4   > 2 declined
            0.4     * 2 declined
            0.4     180 to caller
            0.4     * first ring
            0.4     * forwarding: 801 busy, 802 declined
            0.4     dial 3 duty1
            0.5   > 2 declined
        "#]]);
}

#[test]
fn a_phone_that_redirects_to_a_mobile_proves_no_person_by_its_pick_up() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    let to = Target::Outside(Number::new("13900000000".into()));
    ladder
        .at(1.0, Event::Redirected { leg: leg(1), to: to.clone() })
        .at(2.0, Event::Answered { leg: leg(2) })
        .reads(expect![[r#"
            0.0     dial 1 801
            1.0   > 1 302 to 13900000000
            1.0     * 1 declined
            1.0     dial 2 13900000000
            2.0     180 to caller
            2.0     * first ring
            2.0   > 2 200
            2.0     * 2 picked up
            2.0     play 2 ForwardConfirm
        "#]]);
    let house = sample::house();
    let looped = plan::hotline(&house, &staffed(&house, &["801"], false, "801 ready"), true);
    Ladder::of(looped).at(1.0, Event::Redirected { leg: leg(1), to }).until(25.0).reads(expect![[r#"
        0.0     dial 1 801
        1.0   > 1 302 to 13900000000
        1.0     * 1 declined
        1.0     180 to caller
        1.0     * first ring
        16.0    * flagged, ring 3
        20.0    refuse caller NobodyAvailable
        20.0    * missed, ring Some(4)
        20.0    end
    "#]]);
}
