//! Star codes: what an operator does with the telephone alone.

use expect_test::expect;
use hotlined::switch::Order;

use super::{resident_calls, world};
use crate::world::Move::{Answer, HangUp, Ring};

#[test]
fn a_code_sends_the_hotline_to_the_mobile_and_another_takes_it_back() {
    let mut world = world();
    world.watch("801", "dialog", "away", 600);
    world.call("801", "801", "*71", &[]);
    world.run_to(10.0);
    assert!(world.switch.status(world.clocks()).away.is_some());
    world.call("802", "802", "*72", &[]);
    world.run_to(20.0);
    expect![[r#"
         0.000  801   → us     SUBSCRIBE dialog away
         0.000  801   → us     INVITE *71
         0.000  us    → 801    401 SUBSCRIBE
         0.000  us    → 801    100
         0.000  us    → 801    401
         0.000  801   → us     SUBSCRIBE dialog away
         0.000  801   → us     ACK
         0.000  801   → us     INVITE *71
         0.000  us    → 801    200 SUBSCRIBE
         0.000  us    → 801    NOTIFY dialog away: dark
         0.000  us    → 801    100
         0.000  801   → us     200 NOTIFY
         0.000  media          plays AwayOn
         0.000  us    → 801    200
         0.000  us    → 801    NOTIFY dialog away: confirmed
         0.000  801   → us     ACK
         0.000  801   → us     200 NOTIFY
         3.000  us    → 801    BYE
         3.000  801   → us     200 BYE
        10.000  802   → us     INVITE *72
        10.000  us    → 802    100
        10.000  us    → 802    401
        10.000  802   → us     ACK
        10.000  802   → us     INVITE *72
        10.000  us    → 802    100
        10.000  media          plays AwayOff
        10.000  us    → 802    200
        10.000  us    → 801    NOTIFY dialog away: dark
        10.000  802   → us     ACK
        10.000  801   → us     200 NOTIFY
        13.000  us    → 802    BYE
        13.000  802   → us     200 BYE
    "#]]
    .assert_eq(&world.ladder.text());
    assert!(world.switch.is_idle() && world.store.tickets.is_empty(), "no contact, no ticket");
    assert_eq!(world.switch.usages(), 0);
}

#[test]
fn the_last_call_is_marked_urgent_and_tied_to_its_callers_matter_by_the_phone_that_had_it() {
    let mut world = world();
    world.script("801", &[(1.0, Ring), (2.0, Answer)]);
    world.call("801", "801", "*73", &[]);
    world.run_to(5.0);
    resident_calls(&mut world, &[(5.0, HangUp)]);
    world.run_to(15.0);
    world.call("801", "801", "*73", &[]);
    world.run_to(20.0);
    world.call("801", "801", "*75", &[]);
    world.run_to(25.0);
    let text = world.ladder.text();
    let told: Vec<&str> =
        text.lines().map(str::trim).filter(|l| l.contains("plays") || l.contains("store")).collect();
    expect![[r#"
        0.000  media          plays Invalid
        15.000  store          MarkUrgent(TicketId { day: 2026-11-23, number: 1 }) by 801
        15.000  media          plays UrgentMarked
        20.000  store          Tie(TicketId { day: 2026-11-23, number: 1 }) by 801
        20.000  media          plays Done"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn who_is_on_duty_is_spoken_in_digits() {
    let mut world = world();
    world.call("801", "801", "*76", &[]);
    world.run_to(5.0);
    world.order(Order::Away { by: "801".into(), until: None });
    world.call("801", "801", "*76", &[]);
    world.run_to(15.0);
    let text = world.ladder.text();
    let told: Vec<&str> = text.lines().map(str::trim).filter(|l| l.contains("plays")).collect();
    expect![[r#"
        0.000  media          plays Digit8 0 1 8 0 2
        5.000  media          plays AwayReminder 1 3 8 0 0 0 0 0 0 0 1"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn who_hangs_up_in_the_middle_leaves_nothing_behind() {
    let mut world = world();
    world.call("801", "801", "*76", &[(1.0, HangUp)]);
    world.finish();
}
