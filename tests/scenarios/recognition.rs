//! The residents' list knows who calls, before the desk's first ring.

use std::sync::Arc;

use expect_test::expect;
use hotlined::{
    desk::{
        directory::{Directory, Listed, Numbering},
        number::Number,
        resident::ResidentId,
    },
    switch::Input,
};

use super::{resident_calls, world_with};
use crate::world::{
    Move::{HangUp, Ring},
    World,
};

/// One phone, and a list with these people under the caller's number as the list writes it.
fn world_that_knows(people: &[&str]) -> World {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    let entries = people.iter().zip(1_i64..).map(|(display, id)| {
        let listed = Listed { id: ResidentId(id), display: (*display).to_owned() };
        (listed, vec![Number::new("+86 139 1111 2222".into())])
    });
    world.input(Input::Directory(Arc::new(Directory::new(Numbering::default(), entries))));
    world.script("801", &[(0.1, Ring)]);
    world
}

fn first_rings(world: &mut World) -> String {
    resident_calls(world, &[(3.0, HangUp)]);
    let report = world.finish();
    report.lines().take(6).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_desk_phone_shows_who_calls_with_its_first_ring() {
    let mut world = world_that_knows(&["3-2-101 王先生"]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  ticket         the residents' list has this number: 3-2-101 王先生
         0.000  us    → 801    INVITE 801 from "3-2-101 王先生"
         0.000  801   → us     100
         0.100  801   → us     180
    "#]]
    .assert_eq(&first_rings(&mut world));
}

#[test]
fn two_who_share_the_number_are_both_shown_and_none_is_guessed() {
    let mut world = world_that_knows(&["3-2-101 王先生", "5-1-202 李女士"]);
    assert!(first_rings(&mut world).contains("INVITE 801 from \"3-2-101 王先生 / 5-1-202 李女士\""));
}

#[test]
fn an_unknown_caller_is_shown_as_the_carrier_names_them() {
    let mut world = world_that_knows(&[]);
    let report = first_rings(&mut world);
    assert!(report.contains("INVITE 801\n"), "{report}");
    assert!(!report.contains("residents' list"), "{report}");
}
