//! Nobody can take a call at the desk: away, off duty, not registered, busy, declined.

use expect_test::expect;
use hotlined::{
    desk::rota::{Rota, Shift},
    switch::Order,
};

use super::{resident_calls, world, world_with};
use crate::world::Move::{Answer, HangUp, Press, Refuse, Ring};

#[test]
fn with_the_desk_away_the_mobile_rings_at_once() {
    let mut world = world();
    world.order(Order::Away { by: "801".into(), until: None });
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1'))]);
    resident_calls(&mut world, &[(10.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
         0.000  ticket         goes to the mobiles: away since 09:00 (801)
         0.000  us    → duty1  INVITE 13800000001
         0.000  duty1 → us     100
         1.000  duty1 → us     180
         3.000  duty1 → us     200
         3.000  us    → duty1  ACK
         3.000  media          plays ForwardConfirm
         3.000  ticket         mobile duty1 was picked up and is asked for the key
         5.000  key            1
         5.000  media          joined
         5.000  us    → trunk  200
         5.000  ticket         mobile duty1 answered in ring 2
         5.000  trunk → us     ACK
        10.000  trunk → us     BYE
        10.000  us    → trunk  200 BYE
        10.000  media          recorded 5.0 s
        10.000  ticket         the caller hung up
        10.000  us    → duty1  BYE
        10.000  ticket         recorded 5 s: good
        10.000  duty1 → us     200 BYE
        20261123-0001: answered by mobile in ring 2 by duty1, Caller first, recording Good
          desk: away since 09:00 (801)
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn with_no_shift_on_duty_the_mobile_rings_at_once() {
    let mut world = world_with(|setup| {
        let days = vec![chrono::Weekday::Mon];
        setup.house.rota = Rota {
            zone: None,
            shifts: vec![Shift {
                name: "late".into(),
                days,
                from: "14:00:00".parse().unwrap(),
                to: "22:00:00".parse().unwrap(),
                operator: None,
                phones: Vec::new(),
                mobiles: Vec::new(),
            }],
            ..Rota::default()
        };
    });
    world.script("duty1", &[(1.0, Refuse(486))]);
    world.script("duty2", &[(1.0, Refuse(480))]);
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
         0.000  ticket         goes to the mobiles: nobody on duty
         0.000  us    → duty1  INVITE 13800000001
         0.000  duty1 → us     100
         1.000  duty1 → us     486
         1.000  us    → duty1  ACK
         1.000  us    → duty2  INVITE 13800000002
         1.000  duty2 → us     100
         2.000  duty2 → us     480
         2.000  us    → duty2  ACK
        15.000  ticket         not answered in 3 rings
        20.000  ticket         nothing to record: missed
        20.000  us    → trunk  480
        20.000  trunk → us     ACK
        20261123-0001: missed in ring 5, flagged
          desk: nobody on duty
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn with_all_lines_busy_the_mobile_rings_at_once() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.script("801", &[(0.0, Ring), (2.0, Answer)]);
    resident_calls(&mut world, &[(40.0, HangUp)]);
    world.run_to(5.0);
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1'))]);
    world.call("trunk", "13933334444", crate::world::HOTLINE, &[(20.0, HangUp)]);
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
         5.000  trunk → us     INVITE 4001234567
         5.000  us    → trunk  100
         5.000  us    → trunk  180
         5.000  ticket         goes to the mobiles: 801 busy, 802 not registered
         5.000  us    → duty1  INVITE 13800000001
         5.000  duty1 → us     100
         6.000  duty1 → us     180
         8.000  duty1 → us     200
         8.000  us    → duty1  ACK
         8.000  media          plays ForwardConfirm
         8.000  ticket         mobile duty1 was picked up and is asked for the key
        10.000  key            1
        10.000  media          joined
        10.000  us    → trunk  200
        10.000  ticket         mobile duty1 answered in ring 2
        10.000  trunk → us     ACK
        25.000  trunk → us     BYE
        25.000  us    → trunk  200 BYE
        25.000  media          recorded 15.0 s
        25.000  ticket         the caller hung up
        25.000  us    → duty1  BYE
        25.000  ticket         recorded 15 s: good
        25.000  duty1 → us     200 BYE
        40.000  trunk → us     BYE
        40.000  us    → trunk  200 BYE
        40.000  media          recorded 38.0 s
        40.000  ticket         the caller hung up
        40.000  us    → 801    BYE
        40.000  ticket         recorded 38 s: good
        40.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
        20261123-0002: answered by mobile in ring 2 by duty1, Caller first, recording Good
          desk: 801 busy, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn when_every_phone_declines_the_mobile_rings() {
    let mut world = world();
    world.script("801", &[(0.0, Ring), (2.0, Refuse(603))]);
    world.script("802", &[(0.0, Ring), (3.0, Refuse(486))]);
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1'))]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
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
         2.000  801   → us     603
         2.000  us    → 801    ACK
         3.000  802   → us     486
         3.000  us    → 802    ACK
         3.000  ticket         goes to the mobiles: 801 declined, 802 busy
         3.000  us    → duty1  INVITE 13800000001
         3.000  duty1 → us     100
         4.000  duty1 → us     180
         6.000  duty1 → us     200
         6.000  us    → duty1  ACK
         6.000  media          plays ForwardConfirm
         6.000  ticket         mobile duty1 was picked up and is asked for the key
         8.000  key            1
         8.000  media          joined
         8.000  us    → trunk  200
         8.000  ticket         mobile duty1 answered in ring 2
         8.000  trunk → us     ACK
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 12.0 s
        20.000  ticket         the caller hung up
        20.000  us    → duty1  BYE
        20.000  ticket         recorded 12 s: good
        20.000  duty1 → us     200 BYE
        20261123-0001: answered by mobile in ring 2 by duty1, Caller first, recording Good
          desk: 801 ready, 802 ready
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn with_nobody_at_all_the_caller_hears_ringing_and_then_480() {
    let mut world = world_with(|setup| {
        setup.registered.clear();
        setup.house.mobiles.clear();
    });
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
        15.000  ticket         not answered in 3 rings
        20.000  ticket         nothing to record: missed
        20.000  us    → trunk  480
        20.000  trunk → us     ACK
        20261123-0001: missed in ring 5, flagged
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}
