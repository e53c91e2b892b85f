//! The recording notice: when it is heard, by whom, and what the ticket can prove of it.

use expect_test::expect;

use super::{Event, Ladder, LegIndex, leg, one_phone, unstaffed};
use crate::call::{
    house::{House, NoticeAt},
    plan::Plan,
    sample,
};

const CALLER: LegIndex = LegIndex::CALLER;

fn house(at: NoticeAt) -> House {
    let mut house = sample::house();
    house.notice.at = at;
    house.notice.refuse_key = Some('9');
    house
}

fn on_answer() -> Plan {
    one_phone(&house(NoticeAt::OnAnswer))
}

fn before_ringing() -> Plan {
    one_phone(&house(NoticeAt::BeforeRinging))
}

#[test]
fn both_sides_hear_the_notice_before_they_are_joined_and_recorded() {
    let mut ladder = Ladder::of(on_answer());
    ladder
        .at(0.1, Event::Ringing { leg: leg(1) })
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerReached)
        .at(7.4, Event::Played { leg: leg(1) })
        .at(7.5, Event::Played { leg: CALLER })
        .at(7.5, Event::Joined { leg: leg(1) })
        .at(30.0, Event::HungUp { leg: CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            0.1   > 1 rings
            0.1     * 1 rings
            0.1     180 to caller
            0.1     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller reached
            4.0     * 1 answered, ring Some(1)
            4.0     * answered by desk, ring Some(1)
            4.0     play 0 RecordingNotice
            4.0     play 1 RecordingNotice
            4.0     * notice
            7.4   > 1 played
            7.5   > 0 played
            7.5     * notice Whole
            7.5     join 1
            7.5   > 1 joined
            7.5     * 0 and 1 talk
            30.0  > 0 hangs up
            30.0    hang up 1
            30.0    * Caller hung up
            30.0    end
        "#]]);
}

#[test]
fn a_caller_who_hangs_up_in_the_notice_cuts_it_and_the_ticket_knows_where() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerReached)
        .at(5.25, Event::HungUp { leg: CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller reached
            4.0     * 1 answered, ring Some(1)
            4.0     * answered by desk, ring Some(1)
            4.0     play 0 RecordingNotice
            4.0     play 1 RecordingNotice
            4.0     * notice
            5.2   > 0 hangs up
            5.2     * notice CutAfter(1.25s)
            5.2     hang up 1
            5.2     * Caller hung up
            5.2     end
        "#]]);
}

#[test]
fn a_caller_who_refuses_during_the_notice_is_joined_at_once_and_nothing_is_recorded() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerReached)
        .at(5.0, Event::Digit { leg: CALLER, digit: '9' })
        .at(5.0, Event::Joined { leg: leg(1) })
        .at(9.0, Event::HungUp { leg: leg(1) })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller reached
            4.0     * 1 answered, ring Some(1)
            4.0     * answered by desk, ring Some(1)
            4.0     play 0 RecordingNotice
            4.0     play 1 RecordingNotice
            4.0     * notice
            5.0   > 0 presses 9
            5.0     * recording refused
            5.0     stop playing 0
            5.0     stop playing 1
            5.0     * notice CutAfter(1s)
            5.0     join 1, unrecorded
            5.0   > 1 joined
            5.0     * 0 and 1 talk
            9.0   > 1 hangs up
            9.0     BYE to caller
            9.0     * Callee hung up
            9.0     end
        "#]]);
}

#[test]
fn a_refusal_in_the_talk_discards_what_was_recorded_and_the_talk_goes_on() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerReached)
        .at(7.0, Event::Played { leg: leg(1) })
        .at(7.0, Event::Played { leg: CALLER })
        .at(7.0, Event::Joined { leg: leg(1) })
        .at(20.0, Event::Digit { leg: leg(1), digit: '9' })
        .at(21.0, Event::Digit { leg: CALLER, digit: '9' })
        .at(22.0, Event::Digit { leg: CALLER, digit: '9' })
        .at(30.0, Event::HungUp { leg: CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller reached
            4.0     * 1 answered, ring Some(1)
            4.0     * answered by desk, ring Some(1)
            4.0     play 0 RecordingNotice
            4.0     play 1 RecordingNotice
            4.0     * notice
            7.0   > 1 played
            7.0   > 0 played
            7.0     * notice Whole
            7.0     join 1
            7.0   > 1 joined
            7.0     * 0 and 1 talk
            20.0  > 1 presses 9
            21.0  > 0 presses 9
            21.0    * recording refused
            21.0    discard recording
            22.0  > 0 presses 9
            30.0  > 0 hangs up
            30.0    hang up 1
            30.0    * Caller hung up
            30.0    end
        "#]]);
}

#[test]
fn a_notice_that_cannot_be_played_holds_nobody_up_and_is_on_record() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerReached)
        .at(4.0, Event::PlayFailed { leg: CALLER })
        .at(4.0, Event::PlayFailed { leg: leg(1) })
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller reached
            4.0     * 1 answered, ring Some(1)
            4.0     * answered by desk, ring Some(1)
            4.0     play 0 RecordingNotice
            4.0     play 1 RecordingNotice
            4.0     * notice
            4.0   > 0 cannot be played to
            4.0     * notice Failed
            4.0   > 1 cannot be played to
            4.0     join 1
        "#]]);
}

#[test]
fn a_player_that_never_ends_keeps_two_people_apart_for_half_a_minute_at_most() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerReached)
        .until(35.0)
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller reached
            4.0     * 1 answered, ring Some(1)
            4.0     * answered by desk, ring Some(1)
            4.0     play 0 RecordingNotice
            4.0     play 1 RecordingNotice
            4.0     * notice
            34.0    stop playing 0
            34.0    stop playing 1
            34.0    * notice CutAfter(30s)
            34.0    join 1
        "#]]);
}

#[test]
fn who_cannot_be_joined_after_the_notice_hears_of_the_fault() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerReached)
        .at(7.0, Event::Played { leg: leg(1) })
        .at(7.0, Event::Played { leg: CALLER })
        .at(7.0, Event::JoinFailed { leg: leg(1) })
        .at(10.0, Event::Played { leg: CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller reached
            4.0     * 1 answered, ring Some(1)
            4.0     * answered by desk, ring Some(1)
            4.0     play 0 RecordingNotice
            4.0     play 1 RecordingNotice
            4.0     * notice
            7.0   > 1 played
            7.0   > 0 played
            7.0     * notice Whole
            7.0     join 1
            7.0   > 1 join failed
            7.0     hang up 1
            7.0     * 1 failed through a fault of ours
            7.0     play 0 LineFault
            10.0  > 0 played
            10.0    BYE to caller
            10.0    end
        "#]]);
}

#[test]
fn a_caller_whose_answer_cannot_be_sent_goes_on_ringing() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.0, Event::CallerNotReached)
        .until(25.0)
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.0   > caller not reached
            4.0     hang up 1
            4.0     * 1 failed through a fault of ours
            4.0     * forwarding: 801 failed through a fault of ours
            4.0     dial 2 duty1
            17.0    * flagged, ring 3
        "#]]);
}

#[test]
fn a_phone_that_is_put_down_before_the_notice_leaves_the_caller_to_the_others() {
    Ladder::of(on_answer())
        .at(4.0, Event::Answered { leg: leg(1) })
        .at(4.1, Event::HungUp { leg: leg(1) })
        .at(9.0, Event::Answered { leg: leg(2) })
        .at(11.0, Event::Digit { leg: leg(2), digit: '1' })
        .at(11.1, Event::CallerReached)
        .reads(expect![[r#"
            0.0     dial 1 801
            2.0     180 to caller
            2.0     * first ring
            4.0   > 1 200
            4.0     200 to caller
            4.1   > 1 hangs up
            4.1     * 1 declined
            4.1     * forwarding: 801 declined
            4.1     dial 2 duty1
            9.0   > 2 200
            9.0     * 2 picked up
            9.0     play 2 ForwardConfirm
            11.0  > 2 presses 1
            11.0    stop playing 2
            11.1  > caller reached
            11.1    * 2 answered, ring Some(2)
            11.1    * answered by mobile, ring Some(2)
            11.1    play 0 RecordingNotice
            11.1    play 2 RecordingNotice
            11.1    * notice
        "#]]);
}

#[test]
fn before_ringing_the_caller_hears_the_notice_as_early_media_and_then_our_ringing() {
    Ladder::of(before_ringing())
        .at(0.0, Event::CallerReached)
        .at(3.4, Event::Played { leg: CALLER })
        .at(3.5, Event::Ringing { leg: leg(1) })
        .at(6.0, Event::Answered { leg: leg(1) })
        .at(6.0, Event::Joined { leg: leg(1) })
        .reads(expect![[r#"
            0.0     183 to caller
            0.0   > caller reached
            0.0     play 0 RecordingNotice
            0.0     * notice
            3.4   > 0 played
            3.4     * notice Whole
            3.4     dial 1 801
            3.5   > 1 rings
            3.5     * 1 rings
            3.5     180 to caller
            3.5     play 0 Ringback for ever
            3.5     * first ring
            6.0   > 1 200
            6.0     stop playing 0
            6.0     join 1
            6.0   > 1 joined
            6.0     200 to caller
            6.0     * 1 answered, ring Some(1)
            6.0     * answered by desk, ring Some(1)
            6.0     * 0 and 1 talk
        "#]]);
}

#[test]
fn before_ringing_a_caller_without_early_media_rings_at_once_and_the_ticket_says_so() {
    Ladder::of(before_ringing()).at(0.0, Event::CallerNotReached).reads(expect![[r#"
        0.0     183 to caller
        0.0   > caller not reached
        0.0     * notice Failed
        0.0     dial 1 801
    "#]]);
}

#[test]
fn before_ringing_a_refusal_or_a_hang_up_cuts_the_notice() {
    Ladder::of(before_ringing())
        .at(0.0, Event::CallerReached)
        .at(1.0, Event::Digit { leg: CALLER, digit: '9' })
        .at(4.0, Event::Answered { leg: leg(1) })
        .reads(expect![[r#"
            0.0     183 to caller
            0.0   > caller reached
            0.0     play 0 RecordingNotice
            0.0     * notice
            1.0   > 0 presses 9
            1.0     * recording refused
            1.0     stop playing 0
            1.0     * notice CutAfter(1s)
            1.0     dial 1 801
            3.0     180 to caller
            3.0     play 0 Ringback for ever
            3.0     * first ring
            4.0   > 1 200
            4.0     stop playing 0
            4.0     join 1, unrecorded
        "#]]);
    Ladder::of(before_ringing()).at(0.0, Event::CallerReached).at(1.5, Event::HungUp { leg: CALLER }).reads(
        expect![[r#"
            0.0     183 to caller
            0.0   > caller reached
            0.0     play 0 RecordingNotice
            0.0     * notice
            1.5   > 0 hangs up
            1.5     * notice CutAfter(1.5s)
            1.5     * Caller hung up
            1.5     * abandoned, ring None
            1.5     end
        "#]],
    );
}

#[test]
fn a_mobile_hears_the_notice_after_its_key_and_not_before() {
    Ladder::of(unstaffed(&house(NoticeAt::OnAnswer)))
        .at(5.0, Event::Answered { leg: leg(1) })
        .at(9.0, Event::Digit { leg: leg(1), digit: '1' })
        .at(9.0, Event::CallerReached)
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * forwarding: nobody on duty
            0.0     dial 1 duty1
            5.0   > 1 200
            5.0     * 1 picked up
            5.0     play 1 ForwardConfirm
            9.0   > 1 presses 1
            9.0     stop playing 1
            9.0     200 to caller
            9.0   > caller reached
            9.0     * 1 answered, ring Some(2)
            9.0     * answered by mobile, ring Some(2)
            9.0     play 0 RecordingNotice
            9.0     play 1 RecordingNotice
            9.0     * notice
        "#]]);
}
