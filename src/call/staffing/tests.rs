use chrono::{NaiveTime, Weekday};

use super::*;
use crate::call::sample;

fn at(text: &str) -> LocalTime {
    DateTime::parse_from_rfc3339(text).unwrap()
}

/// Monday noon in Shanghai.
fn noon() -> LocalTime {
    at("2026-11-23T12:00:00+08:00")
}

fn phone(name: &str, reach: Reach, lines_taken: u32) -> PhoneState {
    PhoneState { name: name.into(), reach, lines_taken }
}

fn ready(name: &str) -> PhoneState {
    phone(name, Reach::Reachable, 0)
}

fn busy(name: &str) -> PhoneState {
    phone(name, Reach::Reachable, 1)
}

fn shift(name: &str, from: u32, to: u32) -> Shift {
    Shift {
        name: name.into(),
        days: vec![Weekday::Mon, Weekday::Tue],
        from: NaiveTime::from_hms_opt(from, 0, 0).unwrap(),
        to: NaiveTime::from_hms_opt(to, 0, 0).unwrap(),
        operator: Some(format!("{name} operator")),
        phones: Vec::new(),
        mobiles: Vec::new(),
    }
}

#[test]
fn ready_phones_ring_in_the_order_of_the_house() {
    let staffing = staffing(&sample::house(), noon(), None, &[ready("802"), ready("801")]);
    assert_eq!(staffing.ring, ["801", "802"]);
    assert_eq!(staffing.words, "801 ready, 802 ready");
    assert!(!staffing.all_busy);
    assert_eq!(staffing.mobiles, sample::house().mobiles);
}

#[test]
fn the_words_say_why_a_phone_does_not_ring_and_since_when_in_the_desks_time() {
    let rows: [(PhoneState, &str); 6] = [
        (ready("801"), "801 ready"),
        (busy("801"), "801 busy"),
        (phone("801", Reach::NotRegistered { since: None }, 0), "801 not registered"),
        (
            phone("801", Reach::NotRegistered { since: Some(at("2026-11-22T18:14:00Z")) }, 0),
            "801 not registered since 02:14",
        ),
        (
            phone("801", Reach::Unreachable { since: at("2026-11-22T23:59:00+08:00") }, 0),
            "801 not reachable since 11-22 23:59",
        ),
        (ready("999"), "801 not registered"),
    ];
    let mut house = sample::house();
    house.phones.truncate(1);
    for (state, words) in rows {
        let rings = words == "801 ready";
        let staffing = staffing(&house, noon(), None, &[state]);
        assert_eq!(staffing.words, words);
        assert_eq!(staffing.ring.is_empty(), !rings, "{words}");
    }
}

#[test]
fn all_lines_taken_is_busy_only_if_no_other_phone_is_free() {
    let house = sample::house();
    let gone = phone("802", Reach::NotRegistered { since: None }, 0);
    assert!(staffing(&house, noon(), None, &[busy("801"), gone.clone()]).all_busy);
    assert!(!staffing(&house, noon(), None, &[busy("801"), ready("802")]).all_busy);
    assert!(!staffing(&house, noon(), None, &[gone]).all_busy);
}

#[test]
fn away_empties_the_desk_until_its_end() {
    let phones = [ready("801"), ready("802")];
    let mut away = Away { since: at("2026-11-23T11:03:00+08:00"), until: None, by: "801".into() };
    let house = sample::house();
    let empty = staffing(&house, noon(), Some(&away), &phones);
    assert_eq!((empty.ring.len(), empty.all_busy), (0, false));
    assert_eq!(empty.words, "away since 11:03 (801)");

    away.until = Some(at("2026-11-23T12:30:00+08:00"));
    let words = staffing(&house, noon(), Some(&away), &phones).words;
    assert_eq!(words, "away since 11:03 until 12:30 (801)");
    away.until = Some(noon());
    assert_eq!(staffing(&house, noon(), Some(&away), &phones).ring, ["801", "802"]);
}

#[test]
fn outside_every_shift_nobody_is_on_duty() {
    let mut house = sample::house();
    house.rota.shifts = vec![shift("early", 6, 14), shift("night", 22, 6)];
    let phones = [ready("801"), ready("802")];
    let rows = [
        // Monday.
        ("2026-11-23T05:59:59+08:00", None),
        ("2026-11-23T06:00:00+08:00", Some("early")),
        // The same instant in another offset: the rota's zone counts.
        ("2026-11-23T04:00:00Z", Some("early")),
        ("2026-11-23T14:00:00+08:00", None),
        ("2026-11-23T22:00:00+08:00", Some("night")),
        // Wednesday: Tuesday's night ends at six, and there is no other.
        ("2026-11-25T05:59:59+08:00", Some("night")),
        ("2026-11-25T06:00:00+08:00", None),
        ("2026-11-25T23:00:00+08:00", None),
    ];
    for (wall, shift) in rows {
        let staffing = staffing(&house, at(wall), None, &phones);
        assert_eq!(staffing.shift.as_deref(), shift, "{wall}");
        assert_eq!(staffing.operator, shift.map(|shift| format!("{shift} operator")), "{wall}");
        let words = if shift.is_some() { "801 ready, 802 ready" } else { "nobody on duty" };
        assert_eq!(staffing.words, words, "{wall}");
        assert_eq!(staffing.ring.is_empty(), shift.is_none(), "{wall}");
        assert!(!staffing.all_busy);
    }
}

#[test]
fn a_shift_names_its_own_phones_and_mobiles() {
    let mut house = sample::house();
    let mut early = shift("early", 6, 14);
    early.phones = vec!["802".into()];
    early.mobiles = vec!["duty2".into(), "nobody".into(), "duty1".into()];
    house.rota.shifts = vec![early];
    let staffing = staffing(&house, noon(), None, &[ready("801"), ready("802")]);
    assert_eq!(staffing.ring, ["802"]);
    assert_eq!(staffing.words, "802 ready");
    let names: Vec<_> = staffing.mobiles.iter().map(|mobile| mobile.name.as_str()).collect();
    assert_eq!(names, ["duty2", "duty1"]);
}

#[test]
fn a_phone_that_the_hotline_does_not_ring_is_no_desk_phone() {
    let mut house = sample::house();
    for phone in &mut house.phones {
        phone.hotline = false;
    }
    let staffing = staffing(&house, noon(), None, &[ready("801"), ready("802")]);
    assert!(staffing.ring.is_empty());
    assert_eq!(staffing.words, "no desk phone");
}
