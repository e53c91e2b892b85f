use super::*;
use crate::call::sample;

fn staffed(ring: &[&str], all_busy: bool) -> Staffing {
    Staffing {
        shift: None,
        operator: None,
        ring: ring.iter().map(|&name| name.into()).collect(),
        all_busy,
        desk: vec!["801".into()],
        busy: vec!["801".into()],
        mobiles: sample::house().mobiles,
        words: "the desk's state".into(),
    }
}

#[test]
fn the_mobiles_start_as_the_house_and_the_desks_state_say() {
    let wait = Duration::from_secs(5);
    let rows = [
        (AtFlag::Also, staffed(&["801"], false), MobilesStart::AtFlag, false),
        (AtFlag::Instead, staffed(&["801"], false), MobilesStart::AtFlag, true),
        (AtFlag::No, staffed(&["801"], false), MobilesStart::AfterFirst, false),
        (AtFlag::Also, staffed(&[], true), MobilesStart::AfterQueue, false),
        (AtFlag::No, staffed(&[], false), MobilesStart::AtOnce, false),
    ];
    for (at_flag, staffing, start, stops) in rows {
        let mut house = sample::house();
        house.forwarding.at_flag = at_flag;
        house.forwarding.busy_patience = wait;
        let plan = hotline(&house, &staffing, false);
        assert_eq!(plan.mobiles_start, start);
        assert_eq!(plan.first_stops_for_mobiles, stops);
        assert_eq!(plan.first.len(), staffing.ring.len());
        assert_eq!(plan.mobiles.len(), 2);
        assert_eq!(plan.rings, Some(house.rings));
        assert_eq!(plan.first_patience, house.forwarding.desk_patience);
        assert_eq!(plan.desk_words, "the desk's state");
    }
}

#[test]
fn a_call_that_came_round_from_our_own_mobile_rings_no_mobile() {
    let plan = hotline(&sample::house(), &staffed(&["801"], false), true);
    assert_eq!(plan.first, [Target::Phone("801".into())]);
    assert!(plan.mobiles.is_empty());
    assert!(plan.looped);
}

#[test]
fn calls_out_and_inside_ring_one_target_and_are_never_flagged_or_forwarded() {
    let house = sample::house();
    let number = Number::new("13900000000".into());
    let out = outside(&house, number.clone(), Some("telecom".into()));
    assert_eq!(out.first, [Target::Outside(number)]);
    assert_eq!(out.trunk.as_deref(), Some("telecom"));
    let inside = internal(&house, "802".into());
    assert_eq!(inside.first, [Target::Phone("802".into())]);
    for plan in [out, inside] {
        assert_eq!((plan.rings, plan.mobiles.len()), (None, 0));
        assert_eq!(plan.first_patience, house.calling_out.patience);
    }
}

#[test]
fn a_phone_dials_what_a_prefix_allows_and_always_the_emergency_numbers() {
    let rows: [(&[&str], &str, bool); 24] = [
        (&[], "110", true),
        (&[], "119", true),
        (&[], "+86 120", true),
        (&[], "1100", false),
        (&[], "010110", false),
        (&[], "13800000000", false),
        (&["13"], "13800000000", true),
        (&["13"], "138 0000-0000", true),
        (&["13"], "+8613800000000", true),
        (&["13"], "0086 (138) 0000.0000", true),
        (&["+8613"], "13800000000", true),
        (&["13"], "15800000000", false),
        (&["0"], "01088888888", true),
        (&["0"], "00442079460000", false),
        (&["0"], "+442079460000", false),
        (&["00"], "+442079460000", true),
        (&["0044"], "+442079460000", true),
        (&["+44"], "0033123456789", false),
        (&["00"], "01088888888", false),
        (&["44"], "+442079460000", false),
        (&[""], "13800000000", false),
        (&["13"], "13*21", false),
        (&["13"], "13;phone-context=x", false),
        (&["13"], "", false),
    ];
    for (prefixes, number, allowed) in rows {
        let mut house = sample::house();
        house.calling_out.allowed_prefixes = prefixes.iter().map(|&prefix| prefix.into()).collect();
        assert_eq!(may_dial(&house, number), allowed, "{number} by {prefixes:?}");
    }
}
