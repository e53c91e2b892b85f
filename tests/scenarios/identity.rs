//! Carriers that let nobody call under a number that is not the trunk's.

use hotlined::switch::Notice;

use super::{resident_calls, world_with};
use crate::world::{
    Move::{Answer, HangUp, Press, Refuse, Ring},
    World,
};

fn forwarding(script: &[(f64, crate::world::Move)]) -> World {
    let mut world = world_with(|setup| {
        setup.registered.clear();
        setup.house.mobiles.truncate(1);
    });
    world.script("duty1", script);
    world
}

fn invites(report: &str) -> usize {
    report.matches("us    → duty1  INVITE").count()
}

#[test]
fn a_trunk_that_refuses_the_callers_number_is_asked_again_with_our_own_and_remembered() {
    let mut world = forwarding(&[(0.0, Refuse(403))]);
    world.script_then("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1'))]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    world.run_to(30.0);
    let report = world.report();
    assert_eq!(invites(&report), 2, "{report}");
    assert!(report.contains("mobile duty1 is called once more with our own number (403)"), "{report}");
    assert!(report.contains("answered by mobile"), "{report}");
    let told = Notice::OwnNumberOnly { trunk: "trunk".into() };
    assert!(world.notices.contains(&told), "{:?}", world.notices);
    // From now on at once.
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('1'))]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    let report = world.finish();
    assert_eq!(invites(&report), 3, "{report}");
}

#[test]
fn a_number_that_does_not_exist_is_asked_for_twice_and_no_more() {
    let mut world = forwarding(&[(0.0, Refuse(404))]);
    resident_calls(&mut world, &[(5.0, HangUp)]);
    let report = world.finish();
    assert_eq!(invites(&report), 2, "{report}");
    assert!(world.notices.iter().all(|notice| !matches!(notice, Notice::OwnNumberOnly { .. })));
}
