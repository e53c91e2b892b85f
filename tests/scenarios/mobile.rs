//! The duty mobiles ring, and a person there proves itself by a key.

use expect_test::expect;
use hotlined::call::house::AtFlag;

use super::{resident_calls, world_with};
use crate::world::Move::{Answer, EarlyMedia, HangUp, Press, Ring};

#[test]
fn after_the_flag_the_mobile_rings_beside_the_desk() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(0.0, Ring), (22.0, Answer)]);
    world.script("duty1", &[(1.0, Ring)]);
    resident_calls(&mut world, &[(30.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
        15.000  ticket         not answered in 3 rings
        15.000  ticket         goes to the mobiles: not answered in 3 rings
        15.000  us    → duty1  INVITE 13800000001
        15.000  duty1 → us     100
        16.000  duty1 → us     180
        22.000  801   → us     200
        22.000  us    → 801    ACK
        22.000  media          joined
        22.000  us    → trunk  200
        22.000  us    → duty1  CANCEL (Call completed elsewhere)
        22.000  ticket         801 answered in ring 5
        22.000  trunk → us     ACK
        22.000  duty1 → us     200 CANCEL
        22.000  duty1 → us     487
        22.000  us    → duty1  ACK
        30.000  trunk → us     BYE
        30.000  us    → trunk  200 BYE
        30.000  media          recorded 8.0 s
        30.000  ticket         the caller hung up
        30.000  us    → 801    BYE
        30.000  ticket         recorded 8 s: good
        30.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 5 by 801, flagged, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn after_the_flag_the_mobile_rings_instead_of_the_desk() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.house.forwarding.at_flag = AtFlag::Instead;
    });
    world.script("801", &[(0.0, Ring)]);
    world.script("duty1", &[(1.0, Ring), (4.0, Answer), (7.0, Press('1')), (15.0, HangUp)]);
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
        15.000  us    → 801    CANCEL
        15.000  ticket         not answered in 3 rings
        15.000  ticket         goes to the mobiles: not answered in 3 rings
        15.000  us    → duty1  INVITE 13800000001
        15.000  801   → us     200 CANCEL
        15.000  801   → us     487
        15.000  duty1 → us     100
        15.000  us    → 801    ACK
        16.000  duty1 → us     180
        19.000  duty1 → us     200
        19.000  us    → duty1  ACK
        19.000  media          plays ForwardConfirm
        19.000  ticket         mobile duty1 was picked up and is asked for the key
        22.000  key            1
        22.000  media          joined
        22.000  us    → trunk  200
        22.000  ticket         mobile duty1 answered in ring 5
        22.000  trunk → us     ACK
        30.000  duty1 → us     BYE
        30.000  us    → duty1  200 BYE
        30.000  media          recorded 8.0 s
        30.000  ticket         mobile duty1 hung up
        30.000  us    → trunk  BYE
        30.000  ticket         recorded 8 s: good
        30.000  trunk → us     200 BYE
        20261123-0001: answered by mobile in ring 5 by duty1, flagged, Callee first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn without_forwarding_at_the_flag_the_mobile_waits_for_the_desks_patience() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.house.forwarding.at_flag = AtFlag::No;
        setup.house.mobiles.truncate(1);
    });
    world.script("801", &[(0.0, Ring)]);
    world.script("duty1", &[(1.0, Ring)]);
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
        15.000  ticket         not answered in 3 rings
        60.000  us    → 801    CANCEL
        60.000  ticket         goes to the mobiles: 801 did not answer
        60.000  us    → duty1  INVITE 13800000001
        60.000  801   → us     200 CANCEL
        60.000  801   → us     487
        60.000  duty1 → us     100
        60.000  us    → 801    ACK
        61.000  duty1 → us     180
        90.000  ticket         nothing to record: missed
        90.000  us    → duty1  CANCEL
        90.000  us    → trunk  480
        90.000  duty1 → us     200 CANCEL
        90.000  duty1 → us     487
        90.000  trunk → us     ACK
        90.000  us    → duty1  ACK
        20261123-0001: missed in ring 19, flagged
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_voicemail_that_picks_up_is_no_answer_and_the_next_mobile_rings() {
    let mut world = world_with(|setup| setup.registered.clear());
    world.script("duty1", &[(1.0, Ring), (3.0, Answer)]);
    world.script("duty2", &[(1.0, Ring)]);
    resident_calls(&mut world, &[]);
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
         7.000  media          plays ForwardConfirm
        11.000  media          plays ForwardConfirm
        15.000  us    → duty1  BYE
        15.000  ticket         not answered in 3 rings
        15.000  us    → duty2  INVITE 13800000002
        15.000  duty1 → us     200 BYE
        15.000  duty2 → us     100
        16.000  duty2 → us     180
        45.000  ticket         nothing to record: missed
        45.000  us    → duty2  CANCEL
        45.000  us    → trunk  480
        45.000  duty2 → us     200 CANCEL
        45.000  duty2 → us     487
        45.000  trunk → us     ACK
        45.000  us    → duty2  ACK
        20261123-0001: missed in ring 10, flagged
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn the_caller_hears_ringing_until_the_key_and_is_answered_when_media_runs() {
    let mut world = world_with(|setup| setup.registered.clear());
    world.script("duty1", &[(1.0, EarlyMedia), (3.0, Answer), (5.5, Press('1'))]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
         0.000  ticket         goes to the mobiles: 801 not registered, 802 not registered
         0.000  us    → duty1  INVITE 13800000001
         0.000  duty1 → us     100
         1.000  duty1 → us     183 with SDP
         3.000  duty1 → us     200
         3.000  us    → duty1  ACK
         3.000  media          plays ForwardConfirm
         3.000  ticket         mobile duty1 was picked up and is asked for the key
         5.500  key            1
         5.500  media          joined
         5.500  us    → trunk  200
         5.500  ticket         mobile duty1 answered in ring 2
         5.500  trunk → us     ACK
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 14.5 s
        20.000  ticket         the caller hung up
        20.000  us    → duty1  BYE
        20.000  ticket         recorded 14 s: good
        20.000  duty1 → us     200 BYE
        20261123-0001: answered by mobile in ring 2 by duty1, Caller first, recording Good
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn the_desk_wins_while_the_mobile_hears_the_prompt() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(0.0, Ring), (20.0, Answer)]);
    world.script("duty1", &[(1.0, Ring), (3.0, Answer)]);
    resident_calls(&mut world, &[(30.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
        15.000  ticket         not answered in 3 rings
        15.000  ticket         goes to the mobiles: not answered in 3 rings
        15.000  us    → duty1  INVITE 13800000001
        15.000  duty1 → us     100
        16.000  duty1 → us     180
        18.000  duty1 → us     200
        18.000  us    → duty1  ACK
        18.000  media          plays ForwardConfirm
        18.000  ticket         mobile duty1 was picked up and is asked for the key
        20.000  801   → us     200
        20.000  us    → 801    ACK
        20.000  media          joined
        20.000  media          plays ForwardTooLate
        20.000  us    → trunk  200
        20.000  ticket         801 answered in ring 5
        20.000  trunk → us     ACK
        23.000  us    → duty1  BYE
        23.000  duty1 → us     200 BYE
        30.000  trunk → us     BYE
        30.000  us    → trunk  200 BYE
        30.000  media          recorded 10.0 s
        30.000  ticket         the caller hung up
        30.000  us    → 801    BYE
        30.000  ticket         recorded 10 s: good
        30.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 5 by 801, flagged, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_mobile_that_refuses_by_key_sends_the_call_on() {
    let mut world = world_with(|setup| setup.registered.clear());
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('2'))]);
    world.script("duty2", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1')), (12.0, HangUp)]);
    resident_calls(&mut world, &[]);
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
         5.000  key            2
         5.000  us    → duty1  BYE
         5.000  us    → duty2  INVITE 13800000002
         5.000  duty1 → us     200 BYE
         5.000  duty2 → us     100
         6.000  duty2 → us     180
         8.000  duty2 → us     200
         8.000  us    → duty2  ACK
         8.000  media          plays ForwardConfirm
         8.000  ticket         mobile duty2 was picked up and is asked for the key
        10.000  key            1
        10.000  media          joined
        10.000  us    → trunk  200
        10.000  ticket         mobile duty2 answered in ring 3
        10.000  trunk → us     ACK
        17.000  duty2 → us     BYE
        17.000  us    → duty2  200 BYE
        17.000  media          recorded 7.0 s
        17.000  ticket         mobile duty2 hung up
        17.000  us    → trunk  BYE
        17.000  ticket         recorded 7 s: good
        17.000  trunk → us     200 BYE
        20261123-0001: answered by mobile in ring 3 by duty2, Callee first, recording Good
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}
