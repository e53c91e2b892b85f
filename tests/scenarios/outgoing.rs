//! Desk phones call out and each other; a phone may send a call elsewhere; a call that comes back to us
//! is not sent round again.

use expect_test::expect;
use hotlined::{
    desk::ticket::{Direction, Outcome},
    sip::message::{HeaderName, Headers},
    switch::Notice,
};

use super::{resident_calls, world, world_with};
use crate::world::{
    HOTLINE,
    Move::{Answer, EarlyMedia, HangUp, Press, Redirect, Refuse, Ring},
};

#[test]
fn a_desk_phone_calls_out_and_hears_the_carriers_tone() {
    let mut world = world();
    world.script("13700000000", &[(1.0, EarlyMedia), (5.0, Answer), (15.0, HangUp)]);
    world.call("801", "801", "13700000000", &[]);
    expect![[r#"
         0.000  801   → us     INVITE 13700000000
         0.000  us    → 801    100
         0.000  us    → 801    401
         0.000  801   → us     ACK
         0.000  801   → us     INVITE 13700000000
         0.000  us    → 801    100
         0.000  us    → trunk  INVITE 13700000000
         0.000  trunk → us     100
         1.000  trunk → us     183 with SDP
         1.000  media          passes early media
         1.000  us    → 801    183 with SDP
         5.000  trunk → us     200
         5.000  us    → trunk  ACK
         5.000  media          joined
         5.000  us    → 801    200
         5.000  ticket         …000 answered
         5.000  801   → us     ACK
        15.000  trunk → us     BYE
        15.000  us    → trunk  200 BYE
        15.000  media          recorded 10.0 s
        15.000  ticket         …000 hung up
        15.000  us    → 801    BYE
        15.000  ticket         recorded 10 s: good
        15.000  801   → us     200 BYE
        20261123-0001: answered by 13700000000, Callee first, recording Good
    "#]]
    .assert_eq(&world.finish());
    assert_eq!(world.ticket().trunk.as_deref(), Some("trunk"));
}

#[test]
fn a_number_that_the_house_does_not_allow_is_refused_and_rings_nowhere() {
    let mut world = world();
    world.call("801", "801", "19000000000", &[]);
    expect![[r#"
        0.000  801   → us     INVITE 19000000000
        0.000  us    → 801    100
        0.000  us    → 801    401
        0.000  801   → us     ACK
        0.000  801   → us     INVITE 19000000000
        0.000  us    → 801    100
        0.000  us    → 801    403
        0.000  801   → us     ACK
    "#]]
    .assert_eq(&world.finish());
    assert!(matches!(world.notices.last(), Some(Notice::NotAllowed { phone, .. }) if phone == "801"));
}

#[test]
fn after_the_hourly_cap_only_emergency_numbers_pass() {
    let mut world = world();
    world.script("", &[(0.5, Refuse(486))]);
    for _ in 0..3 {
        world.call("801", "801", "13700000000", &[]);
        world.run_for(10.0);
    }
    assert_eq!(world.store.tickets.len(), 3);
    world.call("801", "801", "13700000000", &[]);
    world.run_for(10.0);
    assert_eq!(world.store.tickets.len(), 3, "the fourth in this hour is refused");
    world.script("110", &[(0.5, Ring), (2.0, Answer), (9.0, HangUp)]);
    world.call("801", "801", "110", &[]);
    world.run_for(20.0);
    let last = world.store.tickets.values().last().unwrap();
    assert_eq!(last.outcome, Some(Outcome::AnsweredByOther));
    world.run_for(3600.0);
    world.register("801", 3600);
    world.call("801", "801", "13700000000", &[]);
    world.finish();
    assert_eq!(world.store.tickets.len(), 5, "an hour later it may call again");
}

#[test]
fn one_desk_phone_calls_the_other() {
    let mut world = world();
    world.script("802", &[(0.1, Ring), (2.0, Answer)]);
    world.call("801", "801", "802", &[(8.0, HangUp)]);
    expect![[r#"
        0.000  801   → us     INVITE 802
        0.000  us    → 801    100
        0.000  us    → 801    401
        0.000  801   → us     ACK
        0.000  801   → us     INVITE 802
        0.000  us    → 801    100
        0.000  us    → 802    INVITE 802
        0.000  802   → us     100
        0.100  802   → us     180
        0.100  us    → 801    180
        2.000  802   → us     200
        2.000  us    → 802    ACK
        2.000  media          joined
        2.000  us    → 801    200
        2.000  ticket         802 answered
        2.000  801   → us     ACK
        8.000  801   → us     BYE
        8.000  us    → 801    200 BYE
        8.000  media          recorded 6.0 s
        8.000  ticket         the caller hung up
        8.000  us    → 802    BYE
        8.000  ticket         recorded 6 s: good
        8.000  802   → us     200 BYE
        20261123-0001: answered by 802, Caller first, recording Good
    "#]]
    .assert_eq(&world.finish());
    assert_eq!(world.ticket().direction, Direction::Internal);
}

#[test]
fn a_call_to_a_busy_number_outside_is_told_so() {
    let mut world = world();
    world.script("13700000000", &[(0.5, Refuse(486))]);
    world.call("801", "801", "13700000000", &[]);
    expect![[r#"
        0.000  801   → us     INVITE 13700000000
        0.000  us    → 801    100
        0.000  us    → 801    401
        0.000  801   → us     ACK
        0.000  801   → us     INVITE 13700000000
        0.000  us    → 801    100
        0.000  us    → trunk  INVITE 13700000000
        0.000  trunk → us     100
        0.500  trunk → us     486
        0.500  us    → trunk  ACK
        0.500  ticket         nothing to record: refused
        0.500  us    → 801    486
        0.500  801   → us     ACK
        20261123-0001: refused
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_phone_may_send_a_call_to_an_allowed_number() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(1.0, Redirect("13700000000"))]);
    world.script("13700000000", &[(1.0, Ring), (3.0, Answer)]);
    resident_calls(&mut world, &[(12.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         1.000  801   → us     302
         1.000  us    → 801    ACK
         1.000  us    → trunk  INVITE 13700000000
         1.000  trunk → us     100
         2.000  trunk → us     180
         2.000  us    → trunk  180
         4.000  trunk → us     200
         4.000  us    → trunk  ACK
         4.000  media          plays ForwardConfirm
         4.000  ticket         …000 was picked up and is asked for the key
         8.000  media          plays ForwardConfirm
        12.000  trunk → us     CANCEL
        12.000  us    → trunk  200 CANCEL
        12.000  us    → trunk  487
        12.000  media          plays CallerGone
        12.000  ticket         the caller hung up
        12.000  trunk → us     ACK
        15.000  ticket         nothing to record: abandoned
        15.000  us    → trunk  BYE
        15.000  trunk → us     200 BYE
        20261123-0001: abandoned in ring 3, Caller first
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_phone_that_sends_a_call_to_a_forbidden_number_has_declined() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(1.0, Redirect("19000000000"))]);
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1')), (9.0, HangUp)]);
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         1.000  801   → us     302
         1.000  us    → 801    ACK
         1.000  us    → trunk  180
         1.000  ticket         goes to the mobiles: 801 declined
         1.000  us    → duty1  INVITE 13800000001
         1.000  duty1 → us     100
         2.000  duty1 → us     180
         4.000  duty1 → us     200
         4.000  us    → duty1  ACK
         4.000  media          plays ForwardConfirm
         4.000  ticket         mobile duty1 was picked up and is asked for the key
         6.000  key            1
         6.000  media          joined
         6.000  us    → trunk  200
         6.000  ticket         mobile duty1 answered in ring 2
         6.000  trunk → us     ACK
        10.000  duty1 → us     BYE
        10.000  us    → duty1  200 BYE
        10.000  media          recorded 4.0 s
        10.000  ticket         mobile duty1 hung up
        10.000  us    → trunk  BYE
        10.000  ticket         recorded 4 s: good
        10.000  trunk → us     200 BYE
        20261123-0001: answered by mobile in ring 2 by duty1, Callee first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_call_that_a_400_number_diverted_to_us_is_no_loop() {
    let mut world = world_with(|setup| setup.registered.clear());
    world.script("duty1", &[(1.0, Ring)]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    world.run_to(3.0);
    let mut headers = Headers::new();
    headers.push(HeaderName::Diversion, format!("<sip:{HOTLINE}@carrier.example>;reason=unconditional"));
    world.call_with("trunk", "13955556666", HOTLINE, headers, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
         0.000  ticket         goes to the mobiles: 801 not registered, 802 not registered
         0.000  us    → duty1  INVITE 13800000001
         0.000  duty1 → us     100
         1.000  duty1 → us     180
         3.000  trunk → us     INVITE 4001234567
         3.000  us    → trunk  100
         3.000  us    → trunk  180
         3.000  ticket         goes to the mobiles: 801 not registered, 802 not registered
         3.000  us    → duty1  INVITE 13800000001
         3.000  duty1 → us     100
         4.000  duty1 → us     180
        15.000  ticket         not answered in 3 rings
        18.000  ticket         not answered in 3 rings
        20.000  trunk → us     CANCEL
        20.000  us    → trunk  200 CANCEL
        20.000  us    → trunk  487
        20.000  ticket         the caller hung up
        20.000  ticket         nothing to record: abandoned
        20.000  us    → duty1  CANCEL
        20.000  trunk → us     ACK
        20.000  duty1 → us     200 CANCEL
        20.000  duty1 → us     487
        20.000  us    → duty1  ACK
        33.000  us    → duty1  CANCEL
        33.000  us    → duty2  INVITE 13800000002
        33.000  duty1 → us     200 CANCEL
        33.000  duty1 → us     487
        33.000  duty2 → us     100
        33.000  us    → duty1  ACK
        63.000  ticket         nothing to record: missed
        63.000  us    → duty2  CANCEL
        63.000  us    → trunk  480
        63.000  duty2 → us     200 CANCEL
        63.000  duty2 → us     487
        63.000  trunk → us     ACK
        63.000  us    → duty2  ACK
        20261123-0001: abandoned in ring 5, flagged, Caller first
          desk: 801 not registered, 802 not registered
        20261123-0002: missed in ring 13, flagged
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_forwarded_call_that_comes_back_from_the_mobile_rings_no_mobile_again() {
    let mut world = world_with(|setup| setup.registered.clear());
    world.script("duty1", &[(1.0, Ring)]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    world.run_to(3.0);
    world.call("trunk", "13800000001", HOTLINE, &[(5.0, HangUp)]);
    world.finish();
    let back = world.store.tickets.values().nth(1).unwrap();
    assert_eq!(back.outcome, Some(Outcome::Abandoned));
    assert_eq!(back.legs.len(), 1, "nobody was rung for it");
}
