//! Hold, transfer, pick-up: what an operator does in a call beyond answering and hanging up.

use expect_test::expect;
use hotlined::{
    desk::ticket::{Channel, Party, Ticket},
    sip::message::{HeaderName, Headers},
};

use super::{resident_calls, world, world_with};
use crate::world::{
    Move::{Answer, Attend, HangUp, Hold, Refuse, Resume, Ring, Transfer},
    World,
};

/// Who spoke on which channel, in seconds of the recording.
fn voices(ticket: &Ticket) -> Vec<String> {
    let name = |party: &Party| match party {
        Party::Phone(name) | Party::Mobile { name, .. } => name.clone(),
        Party::Outside(number) => number.reveal().clone(),
    };
    let side = |channel| match channel {
        Channel::Left => "left",
        Channel::Right => "right",
    };
    let seconds = |ms: u64| ms / 1000;
    ticket
        .segments
        .iter()
        .map(|s| {
            let until = s.until_ms.map(seconds).expect("the call is over, and so is every voice");
            format!("{} {} {}-{until}", side(s.channel), name(&s.party), seconds(s.from_ms))
        })
        .collect()
}

/// 801 answers after two seconds, and does that then.
fn desk_with(moves: &[(f64, crate::world::Move)]) -> World {
    let mut world = world();
    let mut script = vec![(1.0, Ring), (2.0, Answer)];
    script.extend(moves);
    world.script("801", &script);
    world.script("802", &[]);
    world
}

#[test]
fn who_is_held_hears_comfort_and_the_ticket_says_when() {
    let mut world = desk_with(&[(5.0, Hold), (8.0, Resume)]);
    resident_calls(&mut world, &[(10.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         1.000  801   → us     180
         1.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  us    → 802    CANCEL (Call completed elsewhere)
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
         2.000  802   → us     200 CANCEL
         2.000  802   → us     487
         2.000  us    → 802    ACK
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
        10.000  trunk → us     BYE
        10.000  us    → trunk  200 BYE
        10.000  media          recorded 8.0 s
        10.000  ticket         the caller hung up
        10.000  us    → 801    BYE
        10.000  ticket         recorded 8 s: good
        10.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_call_is_put_through_to_a_colleague_and_keeps_its_dialog_ticket_and_recording() {
    let mut world = desk_with(&[(6.0, Transfer("802"))]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    world.run_to(5.0);
    world.script("802", &[(1.0, Ring), (4.0, Answer)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         1.000  801   → us     180
         1.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  us    → 802    CANCEL (Call completed elsewhere)
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
         2.000  802   → us     200 CANCEL
         2.000  802   → us     487
         2.000  us    → 802    ACK
         6.000  801   → us     REFER
         6.000  media          plays Comfort on and on
         6.000  us    → 801    202 REFER
         6.000  us    → 801    NOTIFY refer: 100 Trying
         6.000  ticket         801 puts the call through to 802
         6.000  us    → 802    INVITE 802
         6.000  801   → us     200 NOTIFY
         6.000  802   → us     100
         7.000  802   → us     180
         7.000  media          plays Ringback on and on
         7.000  us    → 801    NOTIFY refer: 180 Ringing
         7.000  801   → us     200 NOTIFY
        10.000  802   → us     200
        10.000  us    → 802    ACK
        10.000  media          joined
        10.000  us    → 801    NOTIFY refer: 200 OK (the last)
        10.000  us    → 801    BYE
        10.000  ticket         802 has the call
        10.000  801   → us     200 NOTIFY
        10.000  801   → us     200 BYE
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 18.0 s
        20.000  ticket         the caller hung up
        20.000  us    → 802    BYE
        20.000  ticket         recorded 18 s: good
        20.000  802   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
    expect!["left 13911112222 0-18, right 801 0-8, right 802 8-18"]
        .assert_eq(&voices(world.ticket()).join(", "));
}

#[test]
fn a_call_is_put_through_to_an_allowed_number_outside_and_to_no_other() {
    let mut world = desk_with(&[(4.0, Transfer("19000000000")), (6.0, Transfer("13700000000"))]);
    world.script("13700000000", &[(1.0, Ring), (3.0, Answer), (9.0, HangUp)]);
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         1.000  801   → us     180
         1.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  us    → 802    CANCEL (Call completed elsewhere)
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
         2.000  802   → us     200 CANCEL
         2.000  802   → us     487
         2.000  us    → 802    ACK
         4.000  801   → us     REFER
         4.000  us    → 801    603 REFER
         6.000  801   → us     REFER
         6.000  media          plays Comfort on and on
         6.000  us    → 801    202 REFER
         6.000  us    → 801    NOTIFY refer: 100 Trying
         6.000  ticket         801 puts the call through to …000
         6.000  us    → trunk  INVITE 13700000000
         6.000  801   → us     200 NOTIFY
         6.000  trunk → us     100
         7.000  trunk → us     180
         7.000  media          plays Ringback on and on
         7.000  us    → 801    NOTIFY refer: 180 Ringing
         7.000  801   → us     200 NOTIFY
         9.000  trunk → us     200
         9.000  us    → trunk  ACK
         9.000  media          joined
         9.000  us    → 801    NOTIFY refer: 200 OK (the last)
         9.000  us    → 801    BYE
         9.000  ticket         …000 has the call
         9.000  801   → us     200 NOTIFY
         9.000  801   → us     200 BYE
        15.000  trunk → us     BYE
        15.000  us    → trunk  200 BYE
        15.000  media          recorded 13.0 s
        15.000  ticket         …000 hung up
        15.000  us    → trunk  BYE
        15.000  ticket         recorded 13 s: good
        15.000  trunk → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Callee first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
    expect!["left 13911112222 0-13, right 801 0-7, right 13700000000 7-13"]
        .assert_eq(&voices(world.ticket()).join(", "));
}

#[test]
fn a_transfer_that_nobody_takes_leaves_the_call_with_who_asked_for_it() {
    let mut world = desk_with(&[(6.0, Transfer("802"))]);
    resident_calls(&mut world, &[(15.0, HangUp)]);
    world.run_to(5.0);
    world.script("802", &[(1.0, Refuse(486))]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         1.000  801   → us     180
         1.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  us    → 802    CANCEL (Call completed elsewhere)
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
         2.000  802   → us     200 CANCEL
         2.000  802   → us     487
         2.000  us    → 802    ACK
         6.000  801   → us     REFER
         6.000  media          plays Comfort on and on
         6.000  us    → 801    202 REFER
         6.000  us    → 801    NOTIFY refer: 100 Trying
         6.000  ticket         801 puts the call through to 802
         6.000  us    → 802    INVITE 802
         6.000  801   → us     200 NOTIFY
         6.000  802   → us     100
         7.000  802   → us     486
         7.000  us    → 802    ACK
         7.000  us    → 801    NOTIFY refer: 480 Temporarily Unavailable (the last)
         7.000  ticket         the call was not taken there
         7.000  801   → us     200 NOTIFY
        15.000  trunk → us     BYE
        15.000  us    → trunk  200 BYE
        15.000  media          recorded 13.0 s
        15.000  ticket         the caller hung up
        15.000  us    → 801    BYE
        15.000  ticket         recorded 13 s: good
        15.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn who_hung_up_after_a_transfer_that_fails_is_rung_again() {
    let mut world = desk_with(&[(6.0, Transfer("802")), (7.0, HangUp)]);
    resident_calls(&mut world, &[(25.0, HangUp)]);
    world.run_to(5.0);
    world.script("802", &[(3.0, Refuse(486))]);
    world.script("801", &[(1.0, Ring), (2.0, Answer)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         1.000  801   → us     180
         1.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  us    → 802    CANCEL (Call completed elsewhere)
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
         2.000  802   → us     200 CANCEL
         2.000  802   → us     487
         2.000  us    → 802    ACK
         6.000  801   → us     REFER
         6.000  media          plays Comfort on and on
         6.000  us    → 801    202 REFER
         6.000  us    → 801    NOTIFY refer: 100 Trying
         6.000  ticket         801 puts the call through to 802
         6.000  us    → 802    INVITE 802
         6.000  801   → us     200 NOTIFY
         6.000  802   → us     100
         7.000  801   → us     BYE
         7.000  us    → 801    200 BYE
         7.000  ticket         801 hung up; the call goes on
         9.000  802   → us     486
         9.000  us    → 802    ACK
         9.000  media          plays Comfort on and on
         9.000  ticket         the call was not taken there
         9.000  us    → 801    INVITE 801
         9.000  801   → us     100
        10.000  801   → us     180
        10.000  media          plays Ringback on and on
        11.000  801   → us     200
        11.000  us    → 801    ACK
        11.000  media          joined
        11.000  ticket         801 has the call
        25.000  trunk → us     BYE
        25.000  us    → trunk  200 BYE
        25.000  media          recorded 23.0 s
        25.000  ticket         the caller hung up
        25.000  us    → 801    BYE
        25.000  ticket         recorded 23 s: good
        25.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
    expect!["left 13911112222 0-23, right 801 0-5, right 801 9-23"]
        .assert_eq(&voices(world.ticket()).join(", "));
}

#[test]
fn after_a_consultation_the_colleague_comes_over_and_the_consultation_is_a_ticket_of_its_own() {
    let mut world = desk_with(&[(4.0, Hold), (12.0, Attend)]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    world.run_to(6.0);
    world.script("802", &[(1.0, Ring), (2.0, Answer)]);
    world.call("801", "801", "802", &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  us    → 802    INVITE 802
         0.000  801   → us     100
         0.000  802   → us     100
         1.000  801   → us     180
         1.000  us    → trunk  180
         2.000  801   → us     200
         2.000  us    → 801    ACK
         2.000  media          joined
         2.000  us    → trunk  200
         2.000  us    → 802    CANCEL (Call completed elsewhere)
         2.000  ticket         801 answered in ring 1
         2.000  trunk → us     ACK
         2.000  802   → us     200 CANCEL
         2.000  802   → us     487
         2.000  us    → 802    ACK
         4.000  801   → us     re-INVITE sendonly
         4.000  us    → 801    100
         4.000  us    → 801    200 recvonly
         4.000  media          plays Comfort on and on
         4.000  ticket         801 put the call on hold
         4.000  801   → us     ACK
         6.000  801   → us     INVITE 802
         6.000  us    → 801    100
         6.000  us    → 801    401
         6.000  801   → us     ACK
         6.000  801   → us     INVITE 802
         6.000  us    → 801    100
         6.000  us    → 802    INVITE 802
         6.000  802   → us     100
         7.000  802   → us     180
         7.000  us    → 801    180
         8.000  802   → us     200
         8.000  us    → 802    ACK
         8.000  media          joined
         8.000  us    → 801    200
         8.000  ticket         802 answered
         8.000  801   → us     ACK
        12.000  801   → us     REFER
        12.000  media          plays Comfort on and on
        12.000  us    → 801    202 REFER
        12.000  us    → 801    NOTIFY refer: 100 Trying
        12.000  media          joined
        12.000  ticket         801 puts the call through to 802
        12.000  801   → us     200 NOTIFY
        12.000  us    → 801    NOTIFY refer: 200 OK (the last)
        12.000  us    → 801    BYE
        12.000  media          recorded 4.0 s
        12.000  ticket         802 goes over to the call that was asked about
        12.000  ticket         the caller hung up
        12.000  us    → 801    BYE
        12.000  ticket         802 has the call
        12.000  801   → us     200 NOTIFY
        12.000  801   → us     200 BYE
        12.000  ticket         recorded 4 s: good
        12.000  801   → us     200 BYE
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 18.0 s
        20.000  ticket         the caller hung up
        20.000  us    → 802    BYE
        20.000  ticket         recorded 18 s: good
        20.000  802   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 ready
        20261123-0002: answered by 802, Caller first, recording Good
    "#]]
    .assert_eq(&world.finish());
    let tickets: Vec<&Ticket> = world.store.tickets.values().collect();
    expect!["left 13911112222 0-18, right 801 0-10, right 802 10-18 | left 801 0-4, right 802 0-4"]
        .assert_eq(&tickets.iter().map(|t| voices(t).join(", ")).collect::<Vec<_>>().join(" | "));
    assert_eq!(tickets[1].part_of, Some(tickets[0].id), "the consultation belongs to the matter");
}

#[test]
fn a_trunk_transfers_nobody() {
    let mut world = desk_with(&[]);
    resident_calls(&mut world, &[(5.0, Transfer("13700000000")), (8.0, HangUp)]);
    let ladder = world.finish();
    assert!(ladder.contains("us    → trunk  603 REFER"), "{ladder}");
}

#[test]
fn a_ringing_call_is_picked_up_at_another_phone() {
    let mut world = world_with(|setup| setup.house.phones[1].hotline = false);
    world.script("801", &[(1.0, Ring)]);
    resident_calls(&mut world, &[(12.0, HangUp)]);
    world.run_to(5.0);
    world.call("802", "802", "*8", &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         1.000  801   → us     180
         1.000  us    → trunk  180
         5.000  802   → us     INVITE *8
         5.000  us    → 802    100
         5.000  us    → 802    401
         5.000  802   → us     ACK
         5.000  802   → us     INVITE *8
         5.000  us    → 802    100
         5.000  us    → 802    200
         5.000  media          joined
         5.000  802   → us     ACK
         5.000  us    → trunk  200
         5.000  us    → 801    CANCEL (Call completed elsewhere)
         5.000  ticket         802 answered in ring 1
         5.000  trunk → us     ACK
         5.000  801   → us     200 CANCEL
         5.000  801   → us     487
         5.000  us    → 801    ACK
        12.000  trunk → us     BYE
        12.000  us    → trunk  200 BYE
        12.000  media          recorded 7.0 s
        12.000  ticket         the caller hung up
        12.000  us    → 802    BYE
        12.000  ticket         recorded 7 s: good
        12.000  802   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 802, Caller first, recording Good
          desk: 801 ready
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn there_is_nothing_to_pick_up_where_nothing_rings() {
    let mut world = world();
    world.call("802", "802", "*8", &[]);
    world.run_to(1.0);
    world.call("802", "802", "*8801", &[]);
    let ladder = world.finish();
    assert_eq!(ladder.matches("us    → 802    404").count(), 2, "{ladder}");
    assert!(world.store.tickets.is_empty(), "no contact, no ticket");
}

/// The Replaces of the one dialog that a lamp shows.
fn replaces_of(world: &mut World, watcher: &str, more: &str) -> Headers {
    let body = world.peer(watcher).notified.last().unwrap().body.clone();
    let value = |name: &str| {
        let rest = body.split(&format!("{name}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let [call_id, local, remote] = ["call-id", "local-tag", "remote-tag"].map(value);
    let mut headers = Headers::new();
    headers.push(HeaderName::Replaces, format!("{call_id};to-tag={local};from-tag={remote}{more}"));
    headers
}

#[test]
fn a_key_that_blinks_picks_its_call_up_and_one_that_shines_does_not() {
    let mut world = world_with(|setup| setup.house.phones[1].hotline = false);
    world.script("801", &[(1.0, Ring), (30.0, Answer)]);
    world.watch("802", "dialog", "801", 600);
    resident_calls(&mut world, &[(12.0, HangUp)]);
    world.run_to(3.0);
    let headers = replaces_of(&mut world, "802", ";early-only");
    world.call_with("802", "802", "801", headers.clone(), &[]);
    world.run_to(4.0);
    // It talks by now.
    world.call_with("802", "802", "801", headers, &[]);
    world.run_to(5.0);
    let ladder = world.ladder.text();
    assert!(ladder.contains("us    → 802    200\n") && ladder.contains("us    → 801    CANCEL"), "{ladder}");
    assert!(ladder.contains("us    → 802    481"), "its dialog is gone: {ladder}");
}
