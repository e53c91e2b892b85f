//! Somebody hangs up, holds, dies, or is sent away by an order.

use expect_test::expect;
use hotlined::switch::Order;

use super::{CALLER, resident_calls, world, world_with};
use crate::world::{
    HOTLINE,
    Move::{Answer, HangUp, Hold, Resume, Ring, Vanish},
    seconds,
};

#[test]
fn a_caller_who_cancels_while_it_rings_has_abandoned_the_call() {
    let mut world = world();
    world.script("801", &[(0.0, Ring)]);
    world.script("802", &[(0.0, Ring)]);
    resident_calls(&mut world, &[(11.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         0.000  801   → us     180
         0.000  802   → us     180
         0.000  us    → trunk  180
        11.000  trunk → us     CANCEL
        11.000  us    → trunk  200 CANCEL
        11.000  us    → trunk  487
        11.000  ticket         the caller hung up
        11.000  ticket         nothing to record: abandoned
        11.000  us    → 801    CANCEL
        11.000  us    → 802    CANCEL
        11.000  trunk → us     ACK
        11.000  801   → us     200 CANCEL
        11.000  801   → us     487
        11.000  802   → us     200 CANCEL
        11.000  802   → us     487
        11.000  us    → 801    ACK
        11.000  us    → 802    ACK
        20261123-0001: abandoned in ring 3, Caller first
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_caller_who_hangs_up_while_the_mobile_hears_the_prompt_has_abandoned_the_call() {
    let mut world = world_with(|setup| setup.registered.clear());
    world.script("duty1", &[(1.0, Ring), (3.0, Answer)]);
    resident_calls(&mut world, &[(5.0, HangUp)]);
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.000  us    → trunk  100
        0.000  us    → trunk  180
        0.000  ticket         goes to the mobiles: 801 not registered, 802 not registered
        0.000  us    → duty1  INVITE 13800000001
        0.000  duty1 → us     100
        1.000  duty1 → us     180
        3.000  duty1 → us     200
        3.000  us    → duty1  ACK
        3.000  media          plays ForwardConfirm
        3.000  ticket         mobile duty1 was picked up and is asked for the key
        5.000  trunk → us     CANCEL
        5.000  us    → trunk  200 CANCEL
        5.000  us    → trunk  487
        5.000  media          plays CallerGone
        5.000  ticket         the caller hung up
        5.000  trunk → us     ACK
        8.000  ticket         nothing to record: abandoned
        8.000  us    → duty1  BYE
        8.000  duty1 → us     200 BYE
        20261123-0001: abandoned in ring 2, Caller first
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn the_desk_holds_and_resumes() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(0.0, Ring), (2.0, Answer), (5.0, Hold), (8.0, Resume)]);
    resident_calls(&mut world, &[(12.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
         5.000  801   → us     re-INVITE sendonly
         5.000  us    → 801    100
         5.000  us    → 801    200 recvonly
         5.000  media          plays Comfort on and on
         5.000  ticket         801 put the call on hold
         5.000  801   → us     ACK
         8.000  801   → us     re-INVITE
         8.000  us    → 801    100
         8.000  us    → 801    200
         8.000  ticket         801 took the call back
         8.000  801   → us     ACK
        12.000  trunk → us     BYE
        12.000  us    → trunk  200 BYE
        12.000  media          recorded 10.0 s
        12.000  ticket         the caller hung up
        12.000  us    → 801    BYE
        12.000  ticket         recorded 10 s: good
        12.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_phone_that_dies_during_a_call_is_noticed_by_the_session_timer() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.settings.ua.session_expires = Some(seconds(120));
    });
    world.script("801", &[(0.0, Ring), (2.0, Answer), (10.0, Vanish)]);
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
        62.000  us    → trunk  UPDATE
        62.000  trunk → us     200 UPDATE
        90.000  us    → 801    BYE
        90.000  media          recorded 88.0 s
        90.000  ticket         no sign of life from 801 any more
        90.000  ticket         801 hung up
        90.000  us    → trunk  BYE
        90.000  ticket         recorded 88 s: good
        90.000  trunk → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Callee first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_caller_who_dies_during_a_call_is_noticed_by_the_session_timer() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.settings.ua.session_expires = Some(seconds(120));
    });
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[(10.0, Vanish)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
        62.000  us    → trunk  UPDATE
        62.000  801   → us     UPDATE
        62.000  us    → 801    200 UPDATE
        90.000  us    → trunk  BYE
        90.000  media          recorded 88.0 s
        90.000  ticket         no sign of life from the caller any more
        90.000  ticket         the caller hung up
        90.000  us    → 801    BYE
        90.000  ticket         recorded 88 s: good
        90.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn an_order_from_the_console_ends_a_call() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[]);
    world.run_to(6.0);
    let ticket = world.ticket().id;
    assert!(world.switch.has_call(ticket));
    world.order(Order::End { ticket });
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.000  us    → trunk  100
        0.000  us    → 801    INVITE 801
        0.000  801   → us     100
        0.000  801   → us     180
        0.000  us    → trunk  180
        2.000  801   → us     200
        2.000  us    → 801    ACK
        2.000  media          joined
        2.000  us    → trunk  200
        2.000  ticket         801 answered in ring 1
        2.000  trunk → us     ACK
        6.000  media          recorded 4.0 s
        6.000  ticket         the house ended the call
        6.000  us    → 801    BYE
        6.000  us    → trunk  BYE
        6.000  ticket         recorded 4 s: good
        6.000  801   → us     200 BYE
        6.000  trunk → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, House first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_daemon_that_leaves_ends_its_calls_and_takes_no_other() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[]);
    world.run_to(6.0);
    assert!(!world.switch.is_idle());
    world.order(Order::Leave);
    world.run_to(7.0);
    assert!(world.switch.is_idle());
    world.call("trunk", CALLER, HOTLINE, &[]);
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.000  us    → trunk  100
        0.000  us    → 801    INVITE 801
        0.000  801   → us     100
        0.000  801   → us     180
        0.000  us    → trunk  180
        2.000  801   → us     200
        2.000  us    → 801    ACK
        2.000  media          joined
        2.000  us    → trunk  200
        2.000  ticket         801 answered in ring 1
        2.000  trunk → us     ACK
        6.000  media          recorded 4.0 s
        6.000  ticket         the house ended the call
        6.000  us    → 801    BYE
        6.000  us    → trunk  BYE
        6.000  ticket         recorded 4 s: good
        6.000  801   → us     200 BYE
        6.000  trunk → us     200 BYE
        7.000  trunk → us     INVITE 4001234567
        7.000  us    → trunk  100
        7.000  ticket         the same caller as 20261123-0001, again
        7.000  ticket         nothing to record: refused
        7.000  us    → trunk  503
        7.000  trunk → us     ACK
        20261123-0001: answered by desk in ring 1 by 801, House first, recording Good
          desk: 801 ready, 802 not registered
        20261123-0002: refused
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_call_ends_at_its_longest() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.house.longest_call = seconds(600);
    });
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[]);
    expect![[r#"
          0.000  trunk → us     INVITE 4001234567
          0.000  us    → trunk  100
          0.000  us    → 801    INVITE 801
          0.000  801   → us     100
          0.000  801   → us     180
          0.000  us    → trunk  180
          2.000  801   → us     200
          2.000  us    → 801    ACK
          2.000  media          joined
          2.000  us    → trunk  200
          2.000  ticket         801 answered in ring 1
          2.000  trunk → us     ACK
        600.000  media          recorded 598.0 s
        600.000  ticket         the house ended the call
        600.000  us    → 801    BYE
        600.000  us    → trunk  BYE
        600.000  ticket         recorded 598 s: good
        600.000  801   → us     200 BYE
        600.000  trunk → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, House first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_join_that_media_refuses_is_told_as_a_fault_and_leaves_nothing_to_record() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.house.mobiles.clear();
    });
    world.media.refuses_joins = true;
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[]);
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.000  us    → trunk  100
        0.000  us    → 801    INVITE 801
        0.000  801   → us     100
        0.000  801   → us     180
        0.000  us    → trunk  180
        2.000  801   → us     200
        2.000  us    → 801    ACK
        2.000  ticket         nothing to record: missed
        2.000  us    → 801    BYE
        2.000  us    → trunk  503
        2.000  801   → us     200 BYE
        2.000  trunk → us     ACK
        20261123-0001: missed in ring 1
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}
