//! The network loses, doubles and delays: messages that cross, and what is sent again.

use expect_test::expect;

use super::{resident_calls, world_with};
use crate::world::{
    Move::{Answer, HangUp, Hold, Refuse, Resume, Ring},
    NetworkSettings,
};

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.network = NetworkSettings { lost: 0, doubled: 0, delay_ms: (100, 100) };
    });
    world.script("801", &[(0.0, Ring), (5.0, Answer)]);
    // Its CANCEL reaches us at 5.15, and ours leaves for the desk while the 200 is on its way.
    resident_calls(&mut world, &[(5.05, HangUp)]);
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.100  us    → trunk  100
        0.100  us    → 801    INVITE 801
        0.200  801   → us     100
        0.200  801   → us     180
        0.300  us    → trunk  180
        5.050  trunk → us     CANCEL
        5.150  us    → trunk  200 CANCEL
        5.150  us    → trunk  487
        5.150  ticket         the caller hung up
        5.150  ticket         nothing to record: abandoned
        5.150  us    → 801    CANCEL
        5.200  801   → us     200
        5.250  trunk → us     ACK
        5.250  801   → us     200 CANCEL
        5.300  us    → 801    ACK
        5.300  us    → 801    BYE
        5.400  801   → us     200 BYE
        20261123-0001: abandoned in ring 1, Caller first
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_cancel_that_crosses_our_200_ends_in_a_bye() {
    let mut world = world_with(|setup| {
        setup.registered = vec!["801"];
        setup.network = NetworkSettings { lost: 0, doubled: 0, delay_ms: (100, 100) };
    });
    world.script("801", &[(0.0, Ring), (5.0, Answer)]);
    resident_calls(&mut world, &[(5.25, HangUp)]);
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.100  us    → trunk  100
        0.100  us    → 801    INVITE 801
        0.200  801   → us     100
        0.200  801   → us     180
        0.300  us    → trunk  180
        5.200  801   → us     200
        5.250  trunk → us     CANCEL
        5.300  us    → 801    ACK
        5.300  media          joined
        5.300  us    → trunk  200
        5.300  ticket         801 answered in ring 2
        5.350  us    → trunk  200 CANCEL
        5.400  trunk → us     ACK
        5.400  trunk → us     BYE
        5.500  us    → trunk  200 BYE
        5.500  media          recorded 0.2 s
        5.500  ticket         the caller hung up
        5.500  us    → 801    BYE
        5.500  ticket         recorded 0 s: good
        5.600  801   → us     200 BYE
        20261123-0001: answered by desk in ring 2 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_lost_ack_is_asked_for_again() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.ladder.shows_repeats = true;
    world.lose("trunk", "us", "ACK");
    world.lose("us", "801", "ACK");
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[(10.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK (lost)
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK (lost)
         2.500  us    → trunk  200 again
         2.500  trunk → us     ACK
         2.500  801   → us     200 again
         2.500  us    → 801    ACK
        10.000  trunk → us     BYE
        10.000  us    → trunk  200 BYE
        10.000  media          recorded 8.0 s
        10.000  ticket         the caller hung up
        10.000  us    → 801    BYE
        10.000  ticket         recorded 8 s: good
        10.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_lost_200_is_sent_again() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.lose("801", "us", "200");
    world.lose("us", "trunk", "200");
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[(10.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         2.000  801   → us     200 (lost)
         2.500  801   → us     200
         2.500  us    → 801    ACK
         2.500  media          joined
         2.500  us    → trunk  200 (lost)
         2.500  ticket         801 answered in ring 1
         3.000  us    → trunk  200
         3.000  trunk → us     ACK
        10.000  trunk → us     BYE
        10.000  us    → trunk  200 BYE
        10.000  media          recorded 7.5 s
        10.000  ticket         the caller hung up
        10.000  us    → 801    BYE
        10.000  ticket         recorded 7 s: good
        10.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn without_the_phones_180_the_caller_hears_ringing_after_two_seconds() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.lose("801", "us", "180");
    world.script("801", &[(0.0, Ring), (8.0, Answer)]);
    resident_calls(&mut world, &[(10.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180 (lost)
         2.000  us    → trunk  180
         8.000  801   → us     200
         8.000  us    → 801    ACK
         8.000  media          joined
         8.000  us    → trunk  200
         8.000  ticket         801 answered in ring 2
         8.000  trunk → us     ACK
        10.000  trunk → us     BYE
        10.000  us    → trunk  200 BYE
        10.000  media          recorded 2.0 s
        10.000  ticket         the caller hung up
        10.000  us    → 801    BYE
        10.000  ticket         recorded 2 s: good
        10.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 2 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_network_that_doubles_every_message_changes_nothing() {
    let ladder = |doubled| {
        let mut world = world_with(|setup| setup.network.doubled = doubled);
        world.script("801", &[(0.1, Ring), (17.0, Answer), (20.0, Hold), (22.0, Resume)]);
        world.script("802", &[(0.2, Ring), (4.0, Refuse(486))]);
        world.script("duty1", &[(0.5, Ring)]);
        resident_calls(&mut world, &[(30.0, HangUp)]);
        world.finish()
    };
    assert_eq!(ladder(100), ladder(0));
}
