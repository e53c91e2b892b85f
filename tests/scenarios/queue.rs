//! A busy desk: who comes while all talk waits for a line, and keeps the place.

use expect_test::expect;
use hotlined::call::house::LeaveTo;

use super::world_with;
use crate::world::{
    HOTLINE,
    Move::{Answer, HangUp, Press, Refuse, Ring},
    Setup, World, seconds,
};

/// 801 alone sits at the desk, and talks with somebody from second 1 on until that second.
fn busy_until(end: f64, change: impl FnOnce(&mut Setup)) -> World {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.house.forwarding.busy_patience = seconds(60);
        setup.house.queue.leave_key = Some('0');
        setup.house.mobiles.truncate(1);
        change(setup);
    });
    world.script("801", &[(0.0, Ring), (1.0, Answer)]);
    world.call("trunk", "13900000001", HOTLINE, &[(end, HangUp)]);
    world.run_to(5.0);
    world
}

#[test]
fn two_who_wait_are_rung_for_in_the_order_in_which_they_came() {
    let mut world = busy_until(20.0, |_| {});
    world.call("trunk", "13900000002", HOTLINE, &[(35.0, HangUp)]);
    world.run_to(10.0);
    world.call("trunk", "13900000003", HOTLINE, &[(50.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         1.000  801   → us     200
         1.000  us    → 801    ACK
         1.000  media          joined
         1.000  us    → trunk  200
         1.000  ticket         801 answered in ring 1
         1.000  trunk → us     ACK
         5.000  trunk → us     INVITE 4001234567
         5.000  us    → trunk  100
         5.000  us    → trunk  180
         5.000  ticket         all lines are busy: the caller waits for one
         5.000  us    → trunk  200
         5.000  media          plays BusyWait
         5.000  trunk → us     ACK
         8.000  media          plays Comfort on and on
        10.000  trunk → us     INVITE 4001234567
        10.000  us    → trunk  100
        10.000  us    → trunk  180
        10.000  ticket         all lines are busy: the caller waits for one
        10.000  us    → trunk  200
        10.000  media          plays BusyWait
        10.000  trunk → us     ACK
        13.000  media          plays Comfort on and on
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 19.0 s
        20.000  ticket         the caller hung up
        20.000  us    → 801    BYE
        20.000  ticket         not answered in 3 rings
        20.000  ticket         recorded 19 s: good
        20.000  801   → us     200 BYE
        20.000  us    → 801    INVITE 801
        20.000  801   → us     100
        20.000  801   → us     180
        21.000  801   → us     200
        21.000  us    → 801    ACK
        21.000  media          joined
        21.000  ticket         801 answered in ring 4
        25.000  ticket         not answered in 3 rings
        40.000  trunk → us     BYE
        40.000  us    → trunk  200 BYE
        40.000  media          recorded 19.0 s
        40.000  ticket         the caller hung up
        40.000  us    → 801    BYE
        40.000  media          plays BusyWait
        40.000  ticket         recorded 19 s: good
        40.000  801   → us     200 BYE
        40.000  us    → 801    INVITE 801
        40.000  801   → us     100
        40.000  801   → us     180
        41.000  801   → us     200
        41.000  us    → 801    ACK
        41.000  media          plays SorryWaiting
        41.000  media          plays SorryWaiting
        41.000  ticket         801 answered in ring 7
        44.000  media          joined
        60.000  trunk → us     BYE
        60.000  us    → trunk  200 BYE
        60.000  media          recorded 16.0 s
        60.000  ticket         the caller hung up
        60.000  us    → 801    BYE
        60.000  ticket         recorded 16 s: good
        60.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
        20261123-0002: answered by desk in ring 4 by 801, flagged, Caller first, recording Good
          desk: 801 busy, 802 not registered
        20261123-0003: answered by desk in ring 7 by 801, flagged, Caller first, recording Good
          desk: 801 busy, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn after_the_patience_the_mobile_is_next_and_by_key_at_once() {
    let mut world = busy_until(300.0, |_| {});
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1'))]);
    world.call("trunk", "13900000002", HOTLINE, &[(8.0, Press('0')), (30.0, HangUp)]);
    world.run_to(60.0);
    world.call("trunk", "13900000003", HOTLINE, &[(90.0, HangUp)]);
    expect![[r#"
          0.000  trunk → us     INVITE 4001234567
          0.000  us    → trunk  100
          0.000  us    → 801    INVITE 801
          0.000  801   → us     100
          0.000  801   → us     180
          0.000  us    → trunk  180
          1.000  801   → us     200
          1.000  us    → 801    ACK
          1.000  media          joined
          1.000  us    → trunk  200
          1.000  ticket         801 answered in ring 1
          1.000  trunk → us     ACK
          5.000  trunk → us     INVITE 4001234567
          5.000  us    → trunk  100
          5.000  us    → trunk  180
          5.000  ticket         all lines are busy: the caller waits for one
          5.000  us    → trunk  200
          5.000  media          plays BusyWait
          5.000  trunk → us     ACK
          8.000  media          plays Comfort on and on
         13.000  key            0
         13.000  media          plays Forwarding
         13.000  ticket         the caller waits for a line no longer: by key
         13.000  ticket         goes to the mobiles: 801 busy, 802 not registered
         13.000  us    → duty1  INVITE 13800000001
         13.000  duty1 → us     100
         14.000  duty1 → us     180
         16.000  media          plays Comfort on and on
         16.000  duty1 → us     200
         16.000  us    → duty1  ACK
         16.000  media          plays ForwardConfirm
         16.000  ticket         mobile duty1 was picked up and is asked for the key
         18.000  key            1
         18.000  media          joined
         18.000  ticket         mobile duty1 answered in ring 3
         35.000  trunk → us     BYE
         35.000  us    → trunk  200 BYE
         35.000  media          recorded 17.0 s
         35.000  ticket         the caller hung up
         35.000  us    → duty1  BYE
         35.000  ticket         recorded 17 s: good
         35.000  duty1 → us     200 BYE
         60.000  trunk → us     INVITE 4001234567
         60.000  us    → trunk  100
         60.000  us    → trunk  180
         60.000  ticket         all lines are busy: the caller waits for one
         60.000  us    → trunk  200
         60.000  media          plays BusyWait
         60.000  trunk → us     ACK
         63.000  media          plays Comfort on and on
         75.000  ticket         not answered in 3 rings
         90.000  media          plays BusyWait
         93.000  media          plays Comfort on and on
        120.000  media          plays Forwarding
        120.000  ticket         the caller waits for a line no longer: waited 60 s
        120.000  ticket         goes to the mobiles: 801 busy, 802 not registered
        120.000  us    → duty1  INVITE 13800000001
        120.000  duty1 → us     100
        121.000  duty1 → us     180
        123.000  media          plays Comfort on and on
        123.000  duty1 → us     200
        123.000  us    → duty1  ACK
        123.000  media          plays ForwardConfirm
        123.000  ticket         mobile duty1 was picked up and is asked for the key
        125.000  key            1
        125.000  media          plays SorryWaiting
        125.000  media          plays SorryWaiting
        125.000  ticket         mobile duty1 answered in ring 14
        128.000  media          joined
        150.000  trunk → us     BYE
        150.000  us    → trunk  200 BYE
        150.000  media          recorded 22.0 s
        150.000  ticket         the caller hung up
        150.000  us    → duty1  BYE
        150.000  ticket         recorded 22 s: good
        150.000  duty1 → us     200 BYE
        300.000  trunk → us     BYE
        300.000  us    → trunk  200 BYE
        300.000  media          recorded 299.0 s
        300.000  ticket         the caller hung up
        300.000  us    → 801    BYE
        300.000  ticket         recorded 299 s: good
        300.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
        20261123-0002: answered by mobile in ring 3 by duty1, Caller first, recording Good
          desk: 801 busy, 802 not registered
        20261123-0003: answered by mobile in ring 14 by duty1, flagged, Caller first, recording Good
          desk: 801 busy, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn who_leaves_for_the_voicemail_is_asked_for_a_message() {
    let mut world = busy_until(100.0, |setup| {
        setup.house.queue.leave_to = LeaveTo::Voicemail;
        setup.house.voicemail.on = true;
    });
    world.media.speech = Some(seconds(6));
    world.call("trunk", "13900000002", HOTLINE, &[(3.0, Press('0')), (16.0, HangUp)]);
    let report = world.finish();
    assert!(report.contains("20261123-0002: message"), "{report}");
}

#[test]
fn a_phone_that_declines_is_not_rung_again_and_the_mobile_is_next() {
    let mut world = busy_until(10.0, |_| {});
    world.script("801", &[(0.0, Ring), (2.0, Refuse(486))]);
    world.call("trunk", "13900000002", HOTLINE, &[(40.0, HangUp)]);
    let report = world.finish();
    assert!(report.contains("no phone of the desk is left"), "{report}");
    assert_eq!(report.matches("us    → 801    INVITE").count(), 2, "{report}");
}

#[test]
fn a_phone_with_a_second_line_is_rung_while_it_talks() {
    let mut world = busy_until(20.0, |setup| setup.house.phones[0].lines = 2);
    world.call("trunk", "13900000002", HOTLINE, &[(15.0, HangUp)]);
    let report = world.finish();
    assert!(!report.contains("all lines are busy"), "{report}");
    assert_eq!(report.matches("answered by desk").count(), 2, "{report}");
}

#[test]
fn a_caller_in_the_queue_who_hangs_up_frees_the_place() {
    let mut world = busy_until(20.0, |_| {});
    world.call("trunk", "13900000002", HOTLINE, &[(4.0, HangUp)]);
    world.call("trunk", "13900000003", HOTLINE, &[(30.0, HangUp)]);
    let report = world.finish();
    assert!(report.contains("20261123-0002: abandoned"), "{report}");
    assert!(report.contains("20261123-0003: answered by desk"), "{report}");
}
