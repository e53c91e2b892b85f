//! The end of every plan: a message.

use expect_test::expect;

use super::{Event, Ladder, LegIndex, leg, one_phone, staffed};
use crate::call::{
    house::House,
    plan::{self, Plan},
    sample,
};

const CALLER: LegIndex = LegIndex::CALLER;

fn house() -> House {
    let mut house = sample::house();
    house.voicemail.on = true;
    house.mobiles.clear();
    house
}

fn nobody() -> Plan {
    let house = house();
    plan::hotline(&house, &staffed(&house, &[], false, "nobody on duty"), false)
}

/// The caller has heard greeting and beep.
fn listening() -> Ladder {
    let mut ladder = Ladder::of(nobody());
    ladder
        .at(20.0, Event::CallerReached)
        .at(30.0, Event::Played { leg: CALLER })
        .at(30.4, Event::Played { leg: CALLER });
    ladder
}

#[test]
fn a_caller_for_whom_nobody_is_there_leaves_a_message_and_hangs_up() {
    listening()
        .at(33.0, Event::Spoke { leg: CALLER })
        .at(45.0, Event::HungUp { leg: CALLER })
        .run_to_end()
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            15.0    * flagged, ring 3
            20.0    * voicemail
            20.0    200 to caller
            20.0  > caller reached
            20.0    play 0 Voicemail
            30.0  > 0 played
            30.0    record 0
            30.0    play 0 Beep
            30.4  > 0 played
            33.0  > 0 spoke
            45.0  > 0 hangs up
            45.0    * Caller hung up
            45.0    stop recording
            45.0    * message, ring Some(10)
            45.0    end
        "#]]);
}

#[test]
fn silence_ends_the_message_and_the_caller_hears_that_it_is_kept() {
    let mut ladder = listening();
    ladder.text.clear();
    ladder
        .at(33.0, Event::Spoke { leg: CALLER })
        .at(50.0, Event::Quiet { leg: CALLER })
        .at(53.0, Event::Played { leg: CALLER })
        .run_to_end()
        .reads(expect![[r#"
            33.0  > 0 spoke
            50.0  > 0 quiet
            50.0    stop recording
            50.0    * House hung up
            50.0    * message, ring Some(11)
            50.0    play 0 VoicemailSaved
            53.0  > 0 played
            53.0    BYE to caller
            53.0    end
        "#]]);
}

#[test]
fn a_message_ends_at_its_limit() {
    let mut ladder = listening();
    ladder.text.clear();
    ladder.at(33.0, Event::Spoke { leg: CALLER }).run_to_end().reads(expect![[r#"
        33.0  > 0 spoke
        210.4   stop recording
        210.4   * House hung up
        210.4   * message, ring Some(43)
        210.4   play 0 VoicemailSaved
        225.4   BYE to caller
        225.4   end
    "#]]);
}

#[test]
fn who_says_nothing_leaves_no_message() {
    let mut ladder = listening();
    ladder.text.clear();
    ladder.at(40.4, Event::Quiet { leg: CALLER }).run_to_end().reads(expect![[r#"
        40.4  > 0 quiet
        40.4    discard recording
        40.4    * House hung up
        40.4    * abandoned, ring Some(9)
        40.4    play 0 Goodbye
        55.4    BYE to caller
        55.4    end
    "#]]);
    let mut ladder = listening();
    ladder.text.clear();
    ladder.at(31.0, Event::HungUp { leg: CALLER }).run_to_end().reads(expect![[r#"
        31.0  > 0 hangs up
        31.0    * Caller hung up
        31.0    discard recording
        31.0    * abandoned, ring Some(7)
        31.0    end
    "#]]);
}

#[test]
fn who_hangs_up_in_the_greeting_abandoned_and_nothing_was_recorded() {
    Ladder::of(nobody()).at(20.0, Event::CallerReached).at(25.0, Event::HungUp { leg: CALLER }).reads(
        expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            15.0    * flagged, ring 3
            20.0    * voicemail
            20.0    200 to caller
            20.0  > caller reached
            20.0    play 0 Voicemail
            25.0  > 0 hangs up
            25.0    * Caller hung up
            25.0    * abandoned, ring Some(6)
            25.0    end
        "#]],
    );
}

#[test]
fn nobody_speaks_to_a_recorder_that_does_not_run() {
    let mut ladder = listening();
    ladder.text.clear();
    ladder.at(30.5, Event::RecordingFailed).at(33.0, Event::Played { leg: CALLER }).reads(expect![[r#"
        30.5  > recording failed
        30.5    * missed, ring Some(7)
        30.5    play 0 LineFault
        33.0  > 0 played
        33.0    BYE to caller
        33.0    end
    "#]]);
}

#[test]
fn without_a_greeting_the_beep_comes_at_once() {
    Ladder::of(nobody()).at(20.0, Event::CallerReached).at(20.0, Event::PlayFailed { leg: CALLER }).reads(
        expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            15.0    * flagged, ring 3
            20.0    * voicemail
            20.0    200 to caller
            20.0  > caller reached
            20.0    play 0 Voicemail
            20.0  > 0 cannot be played to
            20.0    record 0
            20.0    play 0 Beep
        "#]],
    );
}

#[test]
fn a_caller_who_cannot_be_answered_is_refused_after_the_ringing() {
    Ladder::of(nobody()).at(20.0, Event::CallerNotReached).reads(expect![[r#"
        0.0     180 to caller
        0.0     * first ring
        15.0    * flagged, ring 3
        20.0    * voicemail
        20.0    200 to caller
        20.0  > caller not reached
        20.0    * missed, ring Some(5)
        20.0    refuse caller Fault
        20.0    end
    "#]]);
}

#[test]
fn a_desk_that_does_not_answer_at_all_ends_in_a_message() {
    Ladder::of(one_phone(&house())).at(0.1, Event::Ringing { leg: leg(1) }).until(61.0).reads(expect![[r#"
            0.0     dial 1 801
            0.1   > 1 rings
            0.1     * 1 rings
            0.1     180 to caller
            0.1     * first ring
            15.1    * flagged, ring 3
            60.0    hang up 1
            60.0    * 1 did not answer
            60.0    * voicemail
            60.0    200 to caller
        "#]]);
}

#[test]
fn the_house_ends_a_message_too() {
    let mut ladder = listening();
    ladder.text.clear();
    ladder.at(33.0, Event::Spoke { leg: CALLER }).at(35.0, Event::EndOrdered).reads(expect![[r#"
        33.0  > 0 spoke
        35.0  > end ordered
        35.0    * House hung up
        35.0    stop recording
        35.0    * message, ring Some(8)
        35.0    BYE to caller
        35.0    end
    "#]]);
}
