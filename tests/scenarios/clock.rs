//! The wall clock is set, or the night of summer time passes, in the middle of calls: deadlines do not care, and no
//! number is given twice.

use chrono::{DateTime, TimeDelta, Utc};

use crate::world::{HOTLINE, Move, Setup, World};

/// A call that is flagged after three rings, answered at 20 s and ended at 40 s; the clock is set at 5 s and at 30 s.
fn late_call(step: TimeDelta) -> String {
    let mut world = World::open(Setup::default());
    world.script("801", &[(0.1, Move::Ring), (20.0, Move::Answer)]);
    world.call("trunk", "13911110000", HOTLINE, &[(40.0, Move::HangUp)]);
    world.run_to(5.0);
    world.set_clock(step);
    world.run_to(30.0);
    world.set_clock(step);
    world.finish()
}

#[test]
fn a_clock_that_is_set_an_hour_either_way_changes_no_ring_and_no_talk() {
    let undisturbed = late_call(TimeDelta::zero());
    assert!(undisturbed.contains("not answered in 3 rings"), "{undisturbed}");
    for hours in [1, -1] {
        assert_eq!(late_call(TimeDelta::hours(hours)), undisturbed, "{hours} h");
    }
}

#[test]
fn the_night_of_summer_time_dates_a_call_rightly_and_does_not_stretch_it() {
    let mut setup = Setup::default();
    setup.house.rota.zone = Some(chrono_tz::Europe::Berlin);
    let mut world = World::open(setup);
    // Ten seconds before three becomes two.
    let night: DateTime<Utc> = "2026-10-25T00:59:50Z".parse().unwrap();
    world.set_clock(night - world.clocks().wall);
    world.script("801", &[(0.1, Move::Ring), (4.0, Move::Answer)]);
    world.call("trunk", "13911110000", HOTLINE, &[(30.0, Move::HangUp)]);
    world.finish();
    let ticket = world.ticket();
    let (received, ended) = (ticket.received, ticket.ended.unwrap());
    assert_eq!(received.to_rfc3339(), "2026-10-25T02:59:50+02:00");
    assert_eq!(ended.to_rfc3339(), "2026-10-25T02:00:20+01:00");
    assert_eq!((ended - received).num_seconds(), 30);
    assert!(ticket.flagged.is_none());
}

#[test]
fn a_day_that_is_entered_again_goes_on_with_fresh_numbers() {
    let mut world = World::open(Setup::default());
    // Five minutes before midnight in Shanghai.
    let evening: DateTime<Utc> = "2026-11-23T15:55:00Z".parse().unwrap();
    world.set_clock(evening - world.clocks().wall);
    let one = |world: &mut World, number: &str| {
        world.script("801", &[(0.1, Move::Ring), (2.0, Move::Answer)]);
        world.call("trunk", number, HOTLINE, &[(5.0, Move::HangUp)]);
        world.run_for(60.0);
    };
    one(&mut world, "13911110000");
    world.run_for(600.0);
    one(&mut world, "13911110001");
    world.set_clock(TimeDelta::hours(-1));
    one(&mut world, "13911110002");
    world.set_clock(TimeDelta::hours(1));
    one(&mut world, "13911110003");
    world.finish();
    let ids: Vec<String> = world.store.tickets.keys().map(ToString::to_string).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    let of = |day: &str| ids.iter().filter(|id| id.starts_with(day)).count();
    assert_eq!((of("20261123"), of("20261124")), (2, 2), "{ids:?}");
}
