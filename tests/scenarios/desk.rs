//! The desk is there: phones ring, and somebody answers, soon or late.

use expect_test::expect;

use super::{resident_calls, world, world_with};
use crate::world::Move::{Answer, HangUp, Ring};

#[test]
fn a_call_is_answered_in_ring_2() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(0.1, Ring), (7.0, Answer)]);
    resident_calls(&mut world, &[(27.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.100  801   → us     180
         0.100  us    → trunk  180
         7.000  801   → us     200
         7.000  us    → 801    ACK
         7.000  media          joined
         7.000  us    → trunk  200
         7.000  ticket         801 answered in ring 2
         7.000  trunk → us     ACK
        27.000  trunk → us     BYE
        27.000  us    → trunk  200 BYE
        27.000  media          recorded 20.0 s
        27.000  ticket         the caller hung up
        27.000  us    → 801    BYE
        27.000  ticket         recorded 20 s: good
        27.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 2 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn two_phones_ring_and_the_first_to_answer_wins() {
    let mut world = world();
    world.script("801", &[(0.1, Ring), (3.0, Answer)]);
    world.script("802", &[(0.2, Ring), (4.0, Answer)]);
    resident_calls(&mut world, &[(10.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         0.100  801   → us     180
         0.100  us    → trunk  180
         0.200  802   → us     180
         3.000  801   → us     200
         3.000  us    → 801    ACK
         3.000  media          joined
         3.000  us    → trunk  200
         3.000  us    → 802    CANCEL (Call completed elsewhere)
         3.000  ticket         801 answered in ring 1
         3.000  trunk → us     ACK
         3.000  802   → us     200 CANCEL
         3.000  802   → us     487
         3.000  us    → 802    ACK
        10.000  trunk → us     BYE
        10.000  us    → trunk  200 BYE
        10.000  media          recorded 7.0 s
        10.000  ticket         the caller hung up
        10.000  us    → 801    BYE
        10.000  ticket         recorded 7 s: good
        10.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_call_is_flagged_at_15_seconds_to_the_millisecond_and_answered_late() {
    let mut world = world_with(|setup| setup.house.mobiles.clear());
    world.script("801", &[(0.0, Ring), (20.0, Answer), (30.0, HangUp)]);
    resident_calls(&mut world, &[]);
    world.run_to(14.999);
    assert_eq!(world.ticket().flagged, None);
    world.run_to(15.0);
    assert!(world.ticket().flagged.is_some());
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
        15.000  ticket         not answered in 3 rings
        20.000  801   → us     200
        20.000  us    → 801    ACK
        20.000  media          joined
        20.000  us    → trunk  200
        20.000  us    → 802    CANCEL (Call completed elsewhere)
        20.000  ticket         801 answered in ring 5
        20.000  trunk → us     ACK
        20.000  802   → us     200 CANCEL
        20.000  802   → us     487
        20.000  us    → 802    ACK
        30.000  801   → us     BYE
        30.000  us    → 801    200 BYE
        30.000  media          recorded 10.0 s
        30.000  ticket         801 hung up
        30.000  us    → trunk  BYE
        30.000  ticket         recorded 10 s: good
        30.000  trunk → us     200 BYE
        20261123-0001: answered by desk in ring 5 by 801, flagged, Callee first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
}
