//! The queue of a busy desk.

use std::time::Duration;

use expect_test::expect;

use super::{Event, Ladder, LegIndex, Unanswered, leg, staffed};
use crate::call::{
    house::{House, LeaveTo, NoticeAt},
    plan::{self, Plan},
    sample,
};

const CALLER: LegIndex = LegIndex::CALLER;

fn house() -> House {
    let mut house = sample::house();
    house.forwarding.busy_patience = Duration::from_secs(70);
    house.queue.leave_key = Some('0');
    house.mobiles.truncate(1);
    house
}

/// 801 and 802 talk.
fn busy(house: &House) -> Plan {
    plan::hotline(house, &staffed(house, &[], true, "801 busy, 802 busy"), false)
}

fn free(phone: &str) -> Event {
    Event::PhoneFree { phone: phone.into() }
}

#[test]
fn a_caller_who_finds_all_busy_is_answered_kept_company_and_told_again_every_while() {
    Ladder::of(busy(&house()))
        .at(0.0, Event::CallerReached)
        .at(4.0, Event::Played { leg: CALLER })
        .at(34.0, Event::Played { leg: CALLER })
        .until(61.0)
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            4.0   > 0 played
            4.0     play 0 Comfort for ever
            15.0    * flagged, ring 3
            30.0    play 0 BusyWait
            34.0  > 0 played
            34.0    play 0 Comfort for ever
            60.0    play 0 BusyWait
        "#]]);
}

#[test]
fn the_phone_that_becomes_free_is_rung_and_who_waited_long_hears_an_apology() {
    let mut house = house();
    house.notice.at = NoticeAt::OnAnswer;
    Ladder::of(busy(&house))
        .at(0.0, Event::CallerReached)
        .at(4.0, Event::Played { leg: CALLER })
        .at(31.0, free("802"))
        .at(31.5, Event::Ringing { leg: leg(1) })
        .at(33.0, Event::Answered { leg: leg(1) })
        .at(35.0, Event::Played { leg: leg(1) })
        .at(35.0, Event::Played { leg: CALLER })
        .at(38.0, Event::Played { leg: leg(1) })
        .at(38.0, Event::Played { leg: CALLER })
        .at(38.0, Event::Joined { leg: leg(1) })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            4.0   > 0 played
            4.0     play 0 Comfort for ever
            15.0    * flagged, ring 3
            30.0    play 0 BusyWait
            31.0  > 802 free
            31.0    dial 1 802
            31.5  > 1 rings
            31.5    * 1 rings
            33.0  > 1 200
            33.0    stop playing 0
            33.0    * 1 answered, ring Some(7)
            33.0    * answered by desk, ring Some(7)
            33.0    play 0 SorryWaiting
            33.0    play 1 SorryWaiting
            35.0  > 1 played
            35.0  > 0 played
            35.0    play 0 RecordingNotice
            35.0    play 1 RecordingNotice
            35.0    * notice
            38.0  > 1 played
            38.0  > 0 played
            38.0    * notice Whole
            38.0    join 1
            38.0  > 1 joined
            38.0    * 0 and 1 talk
        "#]]);
}

#[test]
fn who_waited_for_a_moment_only_is_joined_without_a_word() {
    Ladder::of(busy(&house()))
        .at(0.0, Event::CallerReached)
        .at(3.0, free("801"))
        .at(5.0, Event::Answered { leg: leg(1) })
        .at(5.0, Event::Joined { leg: leg(1) })
        .at(9.0, Event::HungUp { leg: leg(1) })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            3.0   > 801 free
            3.0     dial 1 801
            5.0   > 1 200
            5.0     stop playing 0
            5.0     join 1
            5.0   > 1 joined
            5.0     * 1 answered, ring Some(2)
            5.0     * answered by desk, ring Some(2)
            5.0     * 0 and 1 talk
            9.0   > 1 hangs up
            9.0     BYE to caller
            9.0     * Callee hung up
            9.0     end
        "#]]);
}

#[test]
fn after_the_patience_the_mobile_rings_and_a_free_phone_still_may() {
    Ladder::of(busy(&house()))
        .at(0.0, Event::CallerReached)
        .at(4.0, Event::Played { leg: CALLER })
        .at(34.0, Event::Played { leg: CALLER })
        .at(64.0, Event::Played { leg: CALLER })
        .at(73.0, Event::Played { leg: CALLER })
        .at(75.0, free("801"))
        .at(80.0, Event::Answered { leg: leg(2) })
        .at(80.0, Event::Joined { leg: leg(2) })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            4.0   > 0 played
            4.0     play 0 Comfort for ever
            15.0    * flagged, ring 3
            30.0    play 0 BusyWait
            34.0  > 0 played
            34.0    play 0 Comfort for ever
            60.0    play 0 BusyWait
            64.0  > 0 played
            64.0    play 0 Comfort for ever
            70.0    * left the queue: waited 70 s
            70.0    * forwarding: 801 busy, 802 busy
            70.0    play 0 Forwarding
            70.0    dial 1 duty1
            73.0  > 0 played
            73.0    play 0 Comfort for ever
            75.0  > 801 free
            75.0    dial 2 801
            80.0  > 2 200
            80.0    stop playing 0
            80.0    hang up 1
            80.0    * 1 not needed any more
            80.0    * 2 answered, ring Some(17)
            80.0    * answered by desk, ring Some(17)
            80.0    play 0 SorryWaiting
            80.0    play 2 SorryWaiting
            80.0  > 2 joined
        "#]]);
}

#[test]
fn a_key_leaves_the_queue_at_once_for_the_mobile_or_the_voicemail() {
    Ladder::of(busy(&house()))
        .at(0.0, Event::CallerReached)
        .at(2.0, Event::Digit { leg: CALLER, digit: '5' })
        .at(3.0, Event::Digit { leg: CALLER, digit: '0' })
        .at(4.0, Event::Digit { leg: CALLER, digit: '0' })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            2.0   > 0 presses 5
            3.0   > 0 presses 0
            3.0     * left the queue: by key
            3.0     * forwarding: 801 busy, 802 busy
            3.0     play 0 Forwarding
            3.0     dial 1 duty1
            4.0   > 0 presses 0
        "#]]);
    let mut house = house();
    house.queue.leave_to = LeaveTo::Voicemail;
    house.voicemail.on = true;
    Ladder::of(busy(&house))
        .at(0.0, Event::CallerReached)
        .at(3.0, Event::Digit { leg: CALLER, digit: '0' })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            3.0   > 0 presses 0
            3.0     * left the queue: by key
            3.0     * voicemail
            3.0     play 0 Voicemail
        "#]]);
}

#[test]
fn when_every_phone_of_the_desk_has_declined_there_is_nothing_to_wait_for() {
    Ladder::of(busy(&house()))
        .at(0.0, Event::CallerReached)
        .at(1.0, free("801"))
        .at(2.0, Event::Unanswered { leg: leg(1), why: Unanswered::Declined })
        .at(3.0, free("802"))
        .at(4.0, Event::Unanswered { leg: leg(2), why: Unanswered::Declined })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            1.0   > 801 free
            1.0     dial 1 801
            2.0   > 1 declined
            2.0     * 1 declined
            3.0   > 802 free
            3.0     dial 2 802
            4.0   > 2 declined
            4.0     * 2 declined
            4.0     * left the queue: no phone of the desk is left
            4.0     * forwarding: 801 busy, 802 busy
            4.0     play 0 Forwarding
            4.0     dial 3 duty1
        "#]]);
}

#[test]
fn a_caller_who_cannot_be_answered_keeps_the_place_and_hears_ringing() {
    Ladder::of(busy(&house()))
        .at(0.0, Event::CallerNotReached)
        .at(10.0, free("801"))
        .at(12.0, Event::Answered { leg: leg(1) })
        .at(12.0, Event::Joined { leg: leg(1) })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller not reached
            10.0  > 801 free
            10.0    dial 1 801
            12.0  > 1 200
            12.0    join 1
            12.0  > 1 joined
            12.0    200 to caller
            12.0    * 1 answered, ring Some(3)
            12.0    * answered by desk, ring Some(3)
            12.0    * 0 and 1 talk
        "#]]);
}

#[test]
fn a_caller_who_gives_up_in_the_queue_abandoned() {
    Ladder::of(busy(&house()))
        .at(0.0, Event::CallerReached)
        .at(10.0, free("801"))
        .at(20.0, Event::HungUp { leg: CALLER })
        .reads(expect![[r#"
            0.0     180 to caller
            0.0     * first ring
            0.0     * in the queue
            0.0     200 to caller
            0.0   > caller reached
            0.0     play 0 BusyWait
            10.0  > 801 free
            10.0    dial 1 801
            15.0    * flagged, ring 3
            20.0  > 0 hangs up
            20.0    hang up 1
            20.0    * 1 not needed any more
            20.0    * Caller hung up
            20.0    * abandoned, ring Some(5)
            20.0    end
        "#]]);
}

#[test]
fn a_call_waits_for_the_phones_on_duty_that_were_not_rung_for_it() {
    let mut ladder = Ladder::of(busy(&house()));
    assert!(ladder.call.waits_for("801") && ladder.call.waits_for("802"));
    assert!(!ladder.call.waits_for("803"), "not on duty");
    ladder.at(1.0, free("801"));
    assert!(!ladder.call.waits_for("801"));
    assert!(ladder.call.waits_for("802"));
    ladder.at(2.0, Event::Answered { leg: leg(1) }).at(2.0, Event::Joined { leg: leg(1) });
    assert!(!ladder.call.waits_for("802"), "talks");
}
