use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

fn calendar() -> Calendar {
    Calendar::default()
}

fn local(text: &str) -> DateTime<Utc> {
    format!("{text}:00+08:00").parse::<DateTime<chrono::FixedOffset>>().unwrap().to_utc()
}

fn stop(from: &str, until: Option<&str>, reason: StopReason) -> Stop {
    Stop { from: local(from), until: until.map(local), reason }
}

fn said(start: &str, limit: &str, stops: &[Stop]) -> String {
    due(local(start), limit.parse().unwrap(), stops, &calendar()).because().to_owned()
}

#[test]
fn each_clock_explains_itself() {
    for (start, limit, words) in [
        (
            "2026-11-24T09:00",
            "10 minutes",
            "due Tue 2026-11-24 09:10, because 10 minutes from Tue 2026-11-24 09:00",
        ),
        (
            "2026-11-24T09:00",
            "24 hours",
            "due Wed 2026-11-25 09:00, because 24 hours from Tue 2026-11-24 09:00",
        ),
        ("2026-11-24T09:00", "2 days", "due Thu 2026-11-26 09:00, because 2 days from Tue 2026-11-24 09:00"),
        (
            "2026-11-24T23:50",
            "same day",
            "due Tue 2026-11-24 24:00, because same day from Tue 2026-11-24 23:50",
        ),
        (
            "2026-11-24T23:50",
            "at once",
            "due Tue 2026-11-24 23:50, because at once from Tue 2026-11-24 23:50",
        ),
        (
            "2026-11-27T17:00",
            "2 working hours",
            "due Mon 2026-11-30 10:00, because 2 working hours from Fri 2026-11-27 17:00; not worked: Sat 11-28, Sun 11-29",
        ),
        (
            "2026-09-30T10:00",
            "3 working days",
            "due Sat 2026-10-10 10:00, because 3 working days from Wed 2026-09-30 10:00; not worked: 10-01 国庆节, \
             10-02 国庆节, 10-03 国庆节, 10-04 国庆节, 10-05 国庆节, 10-06 国庆节, 10-07 国庆节",
        ),
        (
            "2026-11-24T18:00",
            "same working day",
            "due Wed 2026-11-25 17:30, because same working day from Tue 2026-11-24 18:00",
        ),
        (
            "2026-11-28T10:00",
            "1 working day",
            "due Tue 2026-12-01 08:30, because 1 working day from Sat 2026-11-28 10:00; not worked: Sat 11-28, Sun 11-29",
        ),
    ] {
        assert_eq!(said(start, limit, &[]), words);
    }
}

#[test]
fn a_stop_moves_the_end_by_what_it_took_and_says_why() {
    let noon = stop("2026-11-24T12:00", Some("2026-11-24T15:20"), StopReason::Parts);
    assert_eq!(
        said("2026-11-24T09:00", "24 hours", &[noon]),
        "due Wed 2026-11-25 12:20, because 24 hours from Tue 2026-11-24 09:00; stood 3 h 20 min: waits for parts"
    );
    // Of the same stop only the time from 13:30 is working time.
    assert_eq!(
        said("2026-11-24T11:00", "2 working hours", &[noon]),
        "due Tue 2026-11-24 16:20, because 2 working hours from Tue 2026-11-24 11:00; stood 3 h 20 min: waits for parts"
    );
    let open = stop("2026-11-24T12:00", None, StopReason::Resident);
    let standing = due(local("2026-11-24T09:00"), Limit::Hours(24), &[open], &calendar());
    assert_eq!(standing.at(), None);
    assert_eq!(
        standing.because(),
        "24 hours from Tue 2026-11-24 09:00; stands since Tue 2026-11-24 12:00: waits for the resident"
    );
    let overnight = stop("2026-11-24T12:00", Some("2026-11-26T09:00"), StopReason::Weather);
    let same_day = due(local("2026-11-24T09:00"), Limit::SameDay, &[overnight], &calendar());
    assert_eq!(same_day.at(), Some(local("2026-11-27T00:00")));
}

#[test]
fn what_was_late_already_is_not_saved_by_a_stop() {
    let after = stop("2026-11-25T12:00", Some("2026-11-26T12:00"), StopReason::Resident);
    let due = due(local("2026-11-24T09:00"), Limit::Hours(24), &[after], &calendar());
    assert_eq!(due.at(), Some(local("2026-11-25T09:00")));
}

#[test]
fn days_keep_their_time_of_day_over_dst_and_hours_do_not() {
    // Berlin: 2026-03-29 has 23 hours.
    let berlin = Calendar { zone: Tz::Europe__Berlin, ..Calendar::default() };
    let start: DateTime<Utc> = "2026-03-28T11:00:00Z".parse().unwrap();
    let day = due(start, Limit::Days(1), &[], &berlin).at().unwrap();
    assert_eq!(berlin.local(day).to_rfc3339(), "2026-03-29T12:00:00+02:00");
    let hours = due(start, Limit::Hours(24), &[], &berlin).at().unwrap();
    assert_eq!(berlin.local(hours).to_rfc3339(), "2026-03-29T13:00:00+02:00");
}

#[test]
fn limits_are_written_as_they_are_read() {
    for text in [
        "at once",
        "10 minutes",
        "1 hour",
        "24 hours",
        "2 days",
        "1 working day",
        "4 working hours",
        "90 working minutes",
        "same day",
        "same working day",
    ] {
        assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
    }
    for text in
        ["", "2", "days", "0 days", "-1 days", "9999999 days", "2 weeks", "2 calendar days", "2.5 hours"]
    {
        assert_eq!(text.parse::<Limit>(), Err(BadLimit), "{text}");
    }
}

fn limits() -> impl Strategy<Value = Limit> {
    (1_u32..200).prop_flat_map(|n| {
        prop::sample::select(vec![
            Limit::AtOnce,
            Limit::Minutes(n),
            Limit::Hours(n),
            Limit::Days(n % 40),
            Limit::WorkingMinutes(n),
            Limit::WorkingHours(n),
            Limit::WorkingDays(n % 20),
            Limit::SameDay,
            Limit::SameWorkingDay,
        ])
    })
}

fn zones() -> impl Strategy<Value = Tz> {
    prop::sample::select(vec![
        Tz::Asia__Shanghai,
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
    ])
}

/// Any second of 2025 and 2026.
fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    (1_735_689_600_i64..1_798_761_600).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap())
}

proptest! {
    #[test]
    fn nothing_is_due_before_it_begins_and_more_time_is_never_less(
        zone in zones(), start in moments(), limit in limits(), n in 1_u32..30,
    ) {
        let calendar = Calendar { zone, ..Calendar::default() };
        let at = |limit| due(start, limit, &[], &calendar).at().unwrap();
        prop_assert!(at(limit) >= start);
        for make in [Limit::Minutes, Limit::Hours, Limit::Days, Limit::WorkingMinutes, Limit::WorkingHours, Limit::WorkingDays] {
            prop_assert!(at(make(n)) <= at(make(n + 1)));
        }
    }

    #[test]
    fn a_stop_never_brings_the_end_forward_and_two_in_a_row_are_one(
        zone in zones(), start in moments(), limit in limits(), after in 0_i64..200, first in 1_i64..100, second in 1_i64..100,
    ) {
        let calendar = Calendar { zone, ..Calendar::default() };
        let from = start + TimeDelta::hours(after);
        let (middle, until) = (from + TimeDelta::hours(first), from + TimeDelta::hours(first + second));
        let reason = StopReason::Resident;
        let plain = due(start, limit, &[], &calendar).at().unwrap();
        let whole = due(start, limit, &[Stop { from, until: Some(until), reason }], &calendar).at().unwrap();
        let halves = [Stop { from, until: Some(middle), reason }, Stop { from: middle, until: Some(until), reason }];
        prop_assert!(whole >= plain);
        prop_assert_eq!(due(start, limit, &halves, &calendar).at().unwrap(), whole);
        if from > plain {
            prop_assert_eq!(whole, plain);
        }
    }

    #[test]
    fn a_limit_in_working_time_ends_within_work(zone in zones(), start in moments(), n in 1_u32..60) {
        let calendar = Calendar { zone, ..Calendar::default() };
        for limit in [Limit::WorkingMinutes(n), Limit::WorkingHours(n), Limit::WorkingDays(n), Limit::SameWorkingDay] {
            let at = due(start, limit, &[], &calendar).at().unwrap();
            let within = calendar.stretches(calendar.day(at));
            prop_assert!(within.iter().any(|(begin, end)| *begin <= at && at <= *end), "{limit}: {at}");
        }
    }

    #[test]
    fn any_text_is_a_limit_or_not(text in "\\PC{0,30}") {
        let _ = text.parse::<Limit>();
    }
}
