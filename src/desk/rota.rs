//! Who is on duty when: shifts with days and times, and exceptions to them, over midnight and over DST. Never reads a clock.
//!
//! Reading starts at [`Rota::on_duty`].

use std::borrow::Cow;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;

/// All shifts of the house, in the order of the file. No shifts at all mean that the desk is always
/// on duty ([`Rota::is_always`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rota {
    /// `None`: Asia/Shanghai.
    pub zone: Option<Tz>,
    pub shifts: Vec<Shift>,
    /// In the order of the file: of several for one shift and day, the first counts.
    pub exceptions: Vec<Exception>,
}

/// One shift: from `from` to `to` local time on these weekdays (the day on which it starts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// `early`, `late`, `night`.
    pub name: String,
    pub days: Vec<Weekday>,
    pub from: NaiveTime,
    /// At or before `from`: the shift ends on the next day.
    pub to: NaiveTime,
    /// Who sits at the desk, for the ticket.
    pub operator: Option<String>,
    /// Names of the phones that ring; empty: all phones.
    pub phones: Vec<String>,
    /// Mobiles of this shift, in order; empty: the house's list.
    pub mobiles: Vec<String>,
}

/// What is otherwise on some days: a holiday, a colleague who stands in. It counts for shifts that
/// start on one of these days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub from: NaiveDate,
    /// The last of the days.
    pub to: NaiveDate,
    /// The shift that it is about; `None`: every shift.
    pub shift: Option<String>,
    pub change: Change,
}

/// What is otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The shift does not take place.
    Off,
    /// Others than usual; `None` leaves as it is.
    Others { operator: Option<String>, phones: Option<Vec<String>>, mobiles: Option<Vec<String>> },
}

/// The shift on duty, and when it began and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty<'a> {
    /// With what an exception changes.
    pub shift: Cow<'a, Shift>,
    pub starts: DateTime<Utc>,
    /// The first instant after the shift.
    pub ends: DateTime<Utc>,
}

impl Rota {
    /// The zone in which the shifts' times are meant; Asia/Shanghai where none was set.
    pub fn zone(&self) -> Tz {
        self.zone.unwrap_or(Tz::Asia__Shanghai)
    }

    /// Without any shift the desk is always on duty, and [`Rota::on_duty`] has nobody to name.
    pub fn is_always(&self) -> bool {
        self.shifts.is_empty()
    }

    /// The shift on duty at that time; where shifts overlap, the first of the file. A start or end
    /// that the local clock skips (DST) is moved forward to the first instant after the gap; one that
    /// comes twice is the earlier.
    pub fn on_duty(&self, at: DateTime<Utc>) -> Option<OnDuty<'_>> {
        let zone = self.zone();
        let today = at.with_timezone(&zone).date_naive();
        // A shift lasts one day at most and starts on its day, so that an older start is over. The
        // day after today counts where the local clock was set back over midnight.
        let days = [today.checked_add_days(Days::new(1)), Some(today), today.checked_sub_days(Days::new(1))];
        self.shifts.iter().find_map(|shift| {
            days.into_iter()
                .flatten()
                .filter(|day| shift.days.contains(&day.weekday()))
                .filter_map(|day| self.on(shift, day))
                .find(|duty| duty.starts <= at && at < duty.ends)
        })
    }

    /// The shift as it starts on that local day, unless it is off.
    fn on<'a>(&'a self, shift: &'a Shift, day: NaiveDate) -> Option<OnDuty<'a>> {
        let zone = self.zone();
        let last = if shift.to <= shift.from { day.checked_add_days(Days::new(1))? } else { day };
        let starts = instant(zone, day.and_time(shift.from))?;
        let ends = instant(zone, last.and_time(shift.to))?;
        let shift = match self.exceptions.iter().find(|exception| exception.is_about(shift, day)) {
            None => Cow::Borrowed(shift),
            Some(Exception { change: Change::Off, .. }) => return None,
            Some(Exception { change: Change::Others { operator, phones, mobiles }, .. }) => {
                Cow::Owned(Shift {
                    operator: operator.clone().or_else(|| shift.operator.clone()),
                    phones: phones.clone().unwrap_or_else(|| shift.phones.clone()),
                    mobiles: mobiles.clone().unwrap_or_else(|| shift.mobiles.clone()),
                    ..shift.clone()
                })
            }
        };
        Some(OnDuty { shift, starts, ends })
    }
}

impl Exception {
    fn is_about(&self, shift: &Shift, day: NaiveDate) -> bool {
        let named = self.shift.as_ref().is_none_or(|name| *name == shift.name);
        named && (self.from..=self.to).contains(&day)
    }
}

/// When the local clock first shows that time, or, where it skips it, a later one.
pub(super) fn instant(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(found) = zone.from_local_datetime(&local).earliest() {
        return Some(found.to_utc());
    }
    // Local clocks differ from UTC by less than two days, so the end of the gap lies between these.
    let two_days = TimeDelta::days(2);
    let mut before = local.checked_sub_signed(two_days)?.and_utc();
    let mut after = local.checked_add_signed(two_days)?.and_utc();
    while after.signed_duration_since(before) > TimeDelta::seconds(1) {
        let half = TimeDelta::seconds(after.signed_duration_since(before).num_seconds() / 2);
        let middle = before.checked_add_signed(half)?;
        if middle.with_timezone(&zone).naive_local() < local {
            before = middle;
        } else {
            after = middle;
        }
    }
    Some(after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Weekday; 7] =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

    fn shift(name: &str, days: &[Weekday], from: &str, to: &str) -> Shift {
        Shift {
            name: name.into(),
            days: days.to_vec(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            operator: None,
            phones: Vec::new(),
            mobiles: Vec::new(),
        }
    }

    /// Three eight-hour shifts (三八制), every day.
    fn three_shifts(zone: Tz) -> Rota {
        let shifts = vec![
            shift("early", &ALL, "08:00:00", "16:00:00"),
            shift("late", &ALL, "16:00:00", "00:00:00"),
            shift("night", &ALL, "00:00:00", "08:00:00"),
        ];
        Rota { zone: Some(zone), shifts, ..Rota::default() }
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn name(rota: &Rota, at: &str) -> Option<String> {
        rota.on_duty(utc(at)).map(|duty| duty.shift.name.clone())
    }

    #[test]
    fn three_shifts_take_turns_on_the_shanghai_clock() {
        let rota = Rota { zone: None, ..three_shifts(Tz::UTC) };
        for (at, shift) in [
            ("2026-11-22T23:59:59Z", "night"),
            ("2026-11-23T00:00:00Z", "early"),
            ("2026-11-23T07:59:59Z", "early"),
            ("2026-11-23T08:00:00Z", "late"),
            ("2026-11-23T15:59:59Z", "late"),
            ("2026-11-23T16:00:00Z", "night"),
        ] {
            assert_eq!(name(&rota, at).as_deref(), Some(shift), "{at}");
        }
        let duty = rota.on_duty(utc("2026-11-23T12:00:00Z")).unwrap();
        assert_eq!((duty.starts, duty.ends), (utc("2026-11-23T08:00:00Z"), utc("2026-11-23T16:00:00Z")));
    }

    #[test]
    fn a_night_shift_belongs_to_the_day_on_which_it_starts() {
        let night = shift("night", &[Weekday::Fri], "22:00:00", "06:00:00");
        let rota = Rota { zone: Some(Tz::UTC), shifts: vec![night], ..Rota::default() };
        // 2026-11-20 is a Friday.
        for (at, on_duty) in [
            ("2026-11-20T05:59:59Z", false),
            ("2026-11-20T21:59:59Z", false),
            ("2026-11-20T22:00:00Z", true),
            ("2026-11-21T05:59:59Z", true),
            ("2026-11-21T06:00:00Z", false),
            ("2026-11-21T22:00:00Z", false),
        ] {
            assert_eq!(rota.on_duty(utc(at)).is_some(), on_duty, "{at}");
        }
    }

    #[test]
    fn a_shift_that_ends_when_it_starts_lasts_the_whole_day() {
        let rota = Rota {
            zone: Some(Tz::UTC),
            shifts: vec![shift("day", &[Weekday::Mon], "09:00:00", "09:00:00")],
            ..Rota::default()
        };
        assert!(rota.on_duty(utc("2026-11-24T08:59:59Z")).is_some());
        assert!(rota.on_duty(utc("2026-11-24T09:00:00Z")).is_none());
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn others(operator: &str) -> Change {
        Change::Others { operator: Some(operator.into()), phones: None, mobiles: Some(vec!["duty2".into()]) }
    }

    #[test]
    fn on_an_exceptions_days_others_are_on_duty_or_nobody() {
        let mut rota = three_shifts(Tz::Asia__Shanghai);
        let on = |from: &str, to: &str, shift: Option<&str>, change| Exception {
            from: day(from),
            to: day(to),
            shift: shift.map(str::to_owned),
            change,
        };
        rota.exceptions = vec![
            on("2027-02-06", "2027-02-06", Some("late"), others("小周")),
            // 春节: of several exceptions the first of the file counts.
            on("2027-02-06", "2027-02-08", None, Change::Off),
        ];
        let operator = |at: &str| rota.on_duty(utc(at)).map(|duty| duty.shift.operator.clone());
        assert_eq!(operator("2027-02-05T12:00:00Z"), Some(None), "the day before all is as ever");
        assert_eq!(operator("2027-02-06T04:00:00Z"), None, "the early shift is off");
        assert_eq!(operator("2027-02-06T08:00:00Z"), Some(Some("小周".into())));
        let stand_in = rota.on_duty(utc("2027-02-06T08:00:00Z")).unwrap();
        assert_eq!((stand_in.shift.mobiles.len(), stand_in.shift.phones.len()), (1, 0));
        assert_eq!(operator("2027-02-08T15:59:59Z"), None);
        assert_eq!(operator("2027-02-08T16:00:00Z"), Some(None), "the night of the 9th");
    }

    #[test]
    fn an_exception_counts_for_the_day_on_which_a_night_shift_starts() {
        let night = shift("night", &ALL, "22:00:00", "06:00:00");
        let off =
            Exception { from: day("2026-11-20"), to: day("2026-11-20"), shift: None, change: Change::Off };
        let rota = Rota { zone: Some(Tz::UTC), shifts: vec![night], exceptions: vec![off] };
        assert!(rota.on_duty(utc("2026-11-20T03:00:00Z")).is_some(), "still the night of the 19th");
        assert!(rota.on_duty(utc("2026-11-20T23:00:00Z")).is_none());
        assert!(rota.on_duty(utc("2026-11-21T03:00:00Z")).is_none(), "still the night of the 20th");
        assert!(rota.on_duty(utc("2026-11-21T22:00:00Z")).is_some());
    }

    #[test]
    fn no_shifts_mean_always() {
        assert!(Rota::default().is_always());
        assert_eq!(Rota::default().on_duty(utc("2026-11-23T00:00:00Z")), None);
        assert!(!three_shifts(Tz::UTC).is_always());
    }

    #[test]
    fn of_two_shifts_at_once_the_first_of_the_file_is_on_duty() {
        let shifts = vec![shift("a", &ALL, "08:00:00", "12:00:00"), shift("b", &ALL, "10:00:00", "14:00:00")];
        let rota = Rota { zone: Some(Tz::UTC), shifts, ..Rota::default() };
        assert_eq!(name(&rota, "2026-11-23T11:00:00Z").as_deref(), Some("a"));
        assert_eq!(name(&rota, "2026-11-23T12:00:00Z").as_deref(), Some("b"));
    }

    /// Berlin, 2026-03-29: 02:00 becomes 03:00 (01:00 UTC). 2026-10-25: 03:00 becomes 02:00 (01:00 UTC).
    #[test]
    fn a_time_that_is_skipped_moves_forward_and_one_that_comes_twice_is_the_earlier() {
        let berlin = |from, to| Rota {
            zone: Some(Tz::Europe__Berlin),
            shifts: vec![shift("x", &ALL, from, to)],
            ..Rota::default()
        };
        let skipped = berlin("02:30:00", "03:15:00");
        let duty = skipped.on_duty(utc("2026-03-29T01:10:00Z")).unwrap();
        assert_eq!((duty.starts, duty.ends), (utc("2026-03-29T01:00:00Z"), utc("2026-03-29T01:15:00Z")));
        let twice = berlin("02:30:00", "04:00:00");
        let duty = twice.on_duty(utc("2026-10-25T01:10:00Z")).unwrap();
        assert_eq!((duty.starts, duty.ends), (utc("2026-10-25T00:30:00Z"), utc("2026-10-25T03:00:00Z")));
        let gone = berlin("02:10:00", "02:50:00");
        assert_eq!(gone.on_duty(utc("2026-03-29T01:00:00Z")), None, "a shift that is skipped whole is empty");
    }

    /// Samoa had no 2011-12-30 at all.
    #[test]
    fn a_day_that_does_not_exist_has_no_shift_and_stops_nobody() {
        let rota = three_shifts(Tz::Pacific__Apia);
        let duty = rota.on_duty(utc("2011-12-30T10:00:00Z")).unwrap();
        assert_eq!((duty.shift.name.as_str(), duty.starts), ("night", utc("2011-12-30T10:00:00Z")));
        assert_eq!(name(&rota, "2011-12-30T09:59:59Z").as_deref(), Some("late"));
    }

    fn zone() -> impl Strategy<Value = Tz> {
        prop::sample::select(vec![
            Tz::Asia__Shanghai,
            Tz::UTC,
            Tz::Europe__Berlin,
            Tz::America__New_York,
            Tz::Australia__Lord_Howe,
            Tz::America__Santiago,
            Tz::Africa__Casablanca,
            Tz::Asia__Kathmandu,
        ])
    }

    fn time() -> impl Strategy<Value = NaiveTime> {
        (0_u32..24, 0_u32..12).prop_map(|(h, m)| NaiveTime::from_hms_opt(h, m * 5, 0).unwrap())
    }

    /// Any second of 2024 to 2029.
    fn moment() -> impl Strategy<Value = DateTime<Utc>> {
        (1_704_067_200_i64..1_861_920_000).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap())
    }

    proptest! {
        #[test]
        fn around_the_clock_shifts_leave_no_gap(zone in zone(), at in moment(), cut in time(), other in time()) {
            let mut cuts = [cut, other];
            cuts.sort();
            let [a, b] = cuts.map(|t| t.to_string());
            let shifts = vec![shift("a", &ALL, &a, &b), shift("b", &ALL, &b, &a)];
            let rota = Rota { zone: Some(zone), shifts, ..Rota::default() };
            let duty = rota.on_duty(at).unwrap();
            prop_assert!(duty.starts <= at && at < duty.ends);
        }

        #[test]
        fn a_shift_is_on_duty_from_its_start_until_its_end(
            zone in zone(), at in moment(), from in time(), to in time(), days in prop::sample::subsequence(ALL.to_vec(), 1..7),
        ) {
            let rota = Rota { zone: Some(zone), shifts: vec![shift("x", &days, &from.to_string(), &to.to_string())], ..Rota::default() };
            if let Some(duty) = rota.on_duty(at) {
                prop_assert!(duty.ends - duty.starts <= TimeDelta::hours(25));
                prop_assert_eq!(rota.on_duty(duty.starts).map(|d| d.starts), Some(duty.starts));
                prop_assert!(rota.on_duty(duty.ends).is_none_or(|next| next.starts == duty.ends));
                let began = duty.starts.with_timezone(&zone);
                prop_assert!(days.contains(&began.weekday()));
                prop_assert!(began.time() >= from);
            } else {
                // Off duty, the local clock shows no time of the shift, unless the clock was set that day.
                let local = at.with_timezone(&zone);
                let within = if from < to { from <= local.time() && local.time() < to } else { from <= local.time() };
                let set = (at - TimeDelta::days(1)).with_timezone(&zone).offset().to_string()
                    != (at + TimeDelta::days(1)).with_timezone(&zone).offset().to_string();
                prop_assert!(!(within && days.contains(&local.weekday())) || set);
            }
        }
    }
}
