//! Lamps on desk phones: who talks, whether the desk is away, whether messages wait.

use expect_test::expect;
use hotlined::{
    desk::rota::{Rota, Shift},
    sip::message_summary::Mailbox,
    switch::{Input, Order},
};

use super::{resident_calls, world, world_with};
use crate::world::{
    Move::{Answer, HangUp, Ring},
    World,
};

/// What phones were told, and when.
fn told(world: &World) -> String {
    let text = world.ladder.text();
    let lines = text.lines().filter(|line| line.contains("NOTIFY") || line.contains("SUBSCRIBE"));
    lines.map(|line| line.trim().to_owned() + "\n").collect()
}

#[test]
fn a_key_shows_how_a_colleagues_phone_rings_talks_and_is_free_again() {
    let mut world = world();
    world.watch("802", "dialog", "801", 600);
    world.script("801", &[(1.0, Ring), (4.0, Answer)]);
    resident_calls(&mut world, &[(9.0, HangUp)]);
    world.run_to(20.0);
    expect![[r#"
        0.000  802   → us     SUBSCRIBE dialog 801
        0.000  us    → 802    401 SUBSCRIBE
        0.000  802   → us     SUBSCRIBE dialog 801
        0.000  us    → 802    200 SUBSCRIBE
        0.000  us    → 802    NOTIFY dialog 801: dark
        0.000  802   → us     200 NOTIFY
        1.000  us    → 802    NOTIFY dialog 801: early
        1.000  802   → us     200 NOTIFY
        4.000  us    → 802    NOTIFY dialog 801: confirmed
        4.000  802   → us     200 NOTIFY
        9.000  us    → 802    NOTIFY dialog 801: dark
        9.000  802   → us     200 NOTIFY
    "#]]
    .assert_eq(&told(&world));
    let ringing = &world.peer("802").notified[1].body;
    assert!(ringing.contains("direction=\"recipient\"") && ringing.contains("remote-tag=\""), "{ringing}");
}

#[test]
fn the_away_lamp_is_lit_until_somebody_is_back() {
    let mut world = world();
    world.watch("801", "dialog", "away", 600);
    world.run_to(1.0);
    world.order(Order::Away { by: "801".into(), until: None });
    world.run_to(2.0);
    world.order(Order::Back { by: "801".into() });
    world.run_to(3.0);
    expect![[r#"
        0.000  801   → us     SUBSCRIBE dialog away
        0.000  us    → 801    401 SUBSCRIBE
        0.000  801   → us     SUBSCRIBE dialog away
        0.000  us    → 801    200 SUBSCRIBE
        0.000  us    → 801    NOTIFY dialog away: dark
        0.000  801   → us     200 NOTIFY
        1.000  us    → 801    NOTIFY dialog away: confirmed
        1.000  801   → us     200 NOTIFY
        2.000  us    → 801    NOTIFY dialog away: dark
        2.000  801   → us     200 NOTIFY
    "#]]
    .assert_eq(&told(&world));
}

#[test]
fn away_ends_with_the_shift_and_its_lamp_with_it() {
    let mut world = world_with(|setup| {
        // The world begins at nine.
        let shift = Shift {
            name: "early".into(),
            days: vec![chrono::Weekday::Mon],
            from: "08:00:00".parse().unwrap(),
            to: "09:30:00".parse().unwrap(),
            operator: Some("王芳".into()),
            phones: Vec::new(),
            mobiles: Vec::new(),
        };
        setup.house.rota = Rota { shifts: vec![shift], ..Rota::default() };
    });
    world.watch("801", "dialog", "away", 3600);
    world.order(Order::Away { by: "801".into(), until: None });
    world.run_to(1790.0);
    assert!(world.switch.status(world.clocks()).away.is_some());
    world.run_to(1800.0);
    assert!(world.switch.status(world.clocks()).away.is_none());
    expect![[r#"
        0.000  801   → us     SUBSCRIBE dialog away
        0.000  us    → 801    401 SUBSCRIBE
        0.000  801   → us     SUBSCRIBE dialog away
        0.000  us    → 801    200 SUBSCRIBE
        0.000  us    → 801    NOTIFY dialog away: confirmed
        0.000  801   → us     200 NOTIFY
        1799.000  us    → 801    NOTIFY dialog away: dark
        1799.000  801   → us     200 NOTIFY
    "#]]
    .assert_eq(&told(&world));
}

#[test]
fn the_message_lamp_follows_the_mailbox() {
    let mut world = world();
    world.watch("801", "message-summary", "801", 600);
    world.run_to(1.0);
    world.input(Input::Mailbox(Mailbox { fresh: 1, heard: 2 }));
    world.run_to(2.0);
    world.input(Input::Mailbox(Mailbox { fresh: 0, heard: 3 }));
    world.input(Input::Mailbox(Mailbox { fresh: 0, heard: 3 }));
    world.run_to(3.0);
    expect![[r#"
        0.000  801   → us     SUBSCRIBE message-summary 801
        0.000  us    → 801    401 SUBSCRIBE
        0.000  801   → us     SUBSCRIBE message-summary 801
        0.000  us    → 801    200 SUBSCRIBE
        0.000  us    → 801    NOTIFY message-summary: 0/0
        0.000  801   → us     200 NOTIFY
        1.000  us    → 801    NOTIFY message-summary: 1/2
        1.000  801   → us     200 NOTIFY
        2.000  us    → 801    NOTIFY message-summary: 0/3
        2.000  801   → us     200 NOTIFY
    "#]]
    .assert_eq(&told(&world));
}

#[test]
fn a_refresh_brings_the_full_state_and_no_refresh_the_end() {
    let mut world = world();
    let key = world.watch("802", "dialog", "801", 60);
    world.run_to(50.0);
    world.refresh(&key, 60);
    world.run_to(200.0);
    expect![[r#"
        0.000  802   → us     SUBSCRIBE dialog 801
        0.000  us    → 802    401 SUBSCRIBE
        0.000  802   → us     SUBSCRIBE dialog 801
        0.000  us    → 802    200 SUBSCRIBE
        0.000  us    → 802    NOTIFY dialog 801: dark
        0.000  802   → us     200 NOTIFY
        50.000  802   → us     SUBSCRIBE dialog 801
        50.000  us    → 802    200 SUBSCRIBE
        50.000  us    → 802    NOTIFY dialog 801: dark
        50.000  802   → us     200 NOTIFY
        110.000  us    → 802    NOTIFY dialog 801: dark (the last)
        110.000  802   → us     200 NOTIFY
    "#]]
    .assert_eq(&told(&world));
    assert_eq!(world.switch.subscriptions(), 0);
}

#[test]
fn a_key_that_is_taken_back_hears_so_and_no_more() {
    let mut world = world();
    let key = world.watch("802", "dialog", "away", 600);
    world.run_to(1.0);
    world.refresh(&key, 0);
    world.run_to(2.0);
    world.order(Order::Away { by: "801".into(), until: None });
    world.run_to(3.0);
    expect![[r#"
        0.000  802   → us     SUBSCRIBE dialog away
        0.000  us    → 802    401 SUBSCRIBE
        0.000  802   → us     SUBSCRIBE dialog away
        0.000  us    → 802    200 SUBSCRIBE
        0.000  us    → 802    NOTIFY dialog away: dark
        0.000  802   → us     200 NOTIFY
        1.000  802   → us     SUBSCRIBE dialog away
        1.000  us    → 802    200 SUBSCRIBE
        1.000  us    → 802    NOTIFY dialog away: dark (the last)
        1.000  802   → us     200 NOTIFY
    "#]]
    .assert_eq(&told(&world));
}

#[test]
fn a_phone_that_was_switched_off_and_on_holds_each_key_once() {
    let mut world = world();
    for _ in 0..20 {
        world.watch("802", "dialog", "801", 600);
        world.run_for(1.0);
    }
    assert_eq!(world.switch.subscriptions(), 1);
}

#[test]
fn what_cannot_be_watched_is_refused_by_name_and_so_is_one_key_too_many() {
    let mut world = world_with(|setup| setup.settings.subscriptions.per_phone = 2);
    for (event, user) in [
        ("presence", "801"),
        ("dialog", "899"),
        ("message-summary", "away"),
        ("dialog", "801"),
        ("dialog", "802"),
        ("dialog", "away"),
    ] {
        world.watch("801", event, user, 600);
        world.run_for(1.0);
    }
    expect![[r#"
        0.000  801   → us     SUBSCRIBE presence 801
        0.000  us    → 801    401 SUBSCRIBE
        0.000  801   → us     SUBSCRIBE presence 801
        0.000  us    → 801    489 SUBSCRIBE
        1.000  801   → us     SUBSCRIBE dialog 899
        1.000  us    → 801    401 SUBSCRIBE
        1.000  801   → us     SUBSCRIBE dialog 899
        1.000  us    → 801    404 SUBSCRIBE
        2.000  801   → us     SUBSCRIBE message-summary away
        2.000  us    → 801    401 SUBSCRIBE
        2.000  801   → us     SUBSCRIBE message-summary away
        2.000  us    → 801    404 SUBSCRIBE
        3.000  801   → us     SUBSCRIBE dialog 801
        3.000  us    → 801    401 SUBSCRIBE
        3.000  801   → us     SUBSCRIBE dialog 801
        3.000  us    → 801    200 SUBSCRIBE
        3.000  us    → 801    NOTIFY dialog 801: dark
        3.000  801   → us     200 NOTIFY
        4.000  801   → us     SUBSCRIBE dialog 802
        4.000  us    → 801    401 SUBSCRIBE
        4.000  801   → us     SUBSCRIBE dialog 802
        4.000  us    → 801    200 SUBSCRIBE
        4.000  us    → 801    NOTIFY dialog 802: dark
        4.000  801   → us     200 NOTIFY
        5.000  801   → us     SUBSCRIBE dialog away
        5.000  us    → 801    401 SUBSCRIBE
        5.000  801   → us     SUBSCRIBE dialog away
        5.000  us    → 801    503 SUBSCRIBE
    "#]]
    .assert_eq(&told(&world));
}

#[test]
fn a_phone_that_no_longer_answers_loses_its_keys() {
    let mut world = world();
    world.watch("802", "dialog", "away", 600);
    world.run_to(1.0);
    world.peer("802").gone = true;
    world.order(Order::Away { by: "801".into(), until: None });
    world.run_to(40.0);
    assert_eq!(world.switch.subscriptions(), 0);
}
