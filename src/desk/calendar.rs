//! Which days and hours are worked: the week, the Chinese holidays with their make-up workdays
//! (调休) as data, and the house's own days. Never reads a clock.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

use super::{rota::instant, ticket::LocalTime};

/// The announced days, one stretch a line.
const CHINA: &str = include_str!("calendar/china.txt");

/// Whether a particular day is worked, whatever its weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    Off,
    Work,
}

/// A stretch of the day on which work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    pub from: NaiveTime,
    /// Later than `from`.
    pub to: NaiveTime,
}

/// The working time of the office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub zone: Tz,
    /// The weekdays that are worked.
    pub weekdays: Vec<Weekday>,
    /// In order, apart from each other; at least one.
    pub hours: Vec<Hours>,
    /// Days that differ from their weekday, and what they are called.
    pub days: BTreeMap<NaiveDate, (DayKind, String)>,
}

impl Default for Calendar {
    /// Monday to Friday, 8:30 to 12:00 and 13:30 to 17:30, with the Chinese holidays.
    fn default() -> Self {
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap_or(NaiveTime::MIN);
        Self {
            zone: Tz::Asia__Shanghai,
            weekdays: vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri],
            hours: vec![
                Hours { from: time(8, 30), to: time(12, 0) },
                Hours { from: time(13, 30), to: time(17, 30) },
            ],
            days: china(),
        }
    }
}

/// The Chinese holidays and make-up workdays that are known.
pub fn china() -> BTreeMap<NaiveDate, (DayKind, String)> {
    CHINA.lines().filter(|line| !line.starts_with('#')).filter_map(stretch).flatten().collect()
}

fn stretch(line: &str) -> Option<Vec<(NaiveDate, (DayKind, String))>> {
    let mut words = line.split_whitespace();
    let (from, to) = (words.next()?.parse::<NaiveDate>().ok()?, words.next()?.parse::<NaiveDate>().ok()?);
    let kind = match words.next()? {
        "off" => DayKind::Off,
        "work" => DayKind::Work,
        _ => return None,
    };
    let name = words.next()?;
    Some(from.iter_days().take_while(|day| *day <= to).map(|day| (day, (kind, name.to_owned()))).collect())
}

/// Days that are looked through for a worked one: longer than any holiday, and the end of the search in
/// a calendar that has none at all.
const SEARCH: u64 = 400;

impl Calendar {
    /// Whether that day is worked.
    pub fn is_workday(&self, day: NaiveDate) -> bool {
        match self.days.get(&day) {
            Some((DayKind::Work, _)) => true,
            Some((DayKind::Off, _)) => false,
            None => self.weekdays.contains(&day.weekday()),
        }
    }

    /// What that day is called, where it differs from its weekday.
    pub fn name(&self, day: NaiveDate) -> Option<&str> {
        self.days.get(&day).map(|(_, name)| name.as_str())
    }

    /// A moment on the office's clock.
    pub fn local(&self, at: DateTime<Utc>) -> LocalTime {
        at.with_timezone(&self.zone).fixed_offset()
    }

    /// The day of a moment.
    pub fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// When the office's clock first shows that time of that day; where it skips it (DST), right after
    /// the gap.
    pub fn at(&self, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
        // Only a day at the end of all days has no instant.
        instant(self.zone, day.and_time(time)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The end of that day: the next one's first moment.
    pub fn end_of(&self, day: NaiveDate) -> DateTime<Utc> {
        self.at(next(day, 1), NaiveTime::MIN)
    }

    /// The first worked day at or after that one.
    pub fn workday_from(&self, day: NaiveDate) -> NaiveDate {
        (0..SEARCH).map(|days| next(day, days)).find(|day| self.is_workday(*day)).unwrap_or(day)
    }

    /// The working stretches of a day, in order; none on a day off.
    pub fn stretches(&self, day: NaiveDate) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        if !self.is_workday(day) {
            return Vec::new();
        }
        let hours = self.hours.iter().map(|hours| (self.at(day, hours.from), self.at(day, hours.to)));
        hours.filter(|(from, to)| from < to).collect()
    }

    /// When so much working time has passed since `from`. Without any working time (none within 400
    /// days) it is `from` and the whole length as it is.
    pub fn after_working(&self, from: DateTime<Utc>, length: TimeDelta) -> DateTime<Utc> {
        let mut left = length.max(TimeDelta::zero());
        let mut day = self.day(from);
        let mut idle = 0;
        while idle < SEARCH {
            idle = idle.saturating_add(1);
            for (begin, end) in self.stretches(day) {
                let begin = begin.max(from);
                let stretch = end.signed_duration_since(begin);
                if stretch <= TimeDelta::zero() {
                    continue;
                }
                idle = 0;
                if left <= stretch {
                    return later(begin, left);
                }
                left = left.checked_sub(&stretch).unwrap_or_default();
            }
            day = next(day, 1);
        }
        later(from, length)
    }

    /// How much working time lies between two moments.
    pub fn working_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let mut sum = TimeDelta::zero();
        let mut day = self.day(from);
        let last = self.day(to);
        while day <= last {
            for (begin, end) in self.stretches(day) {
                let within = end.min(to).signed_duration_since(begin.max(from));
                sum = sum.checked_add(&within.max(TimeDelta::zero())).unwrap_or(sum);
            }
            let Some(following) = day.succ_opt() else { break };
            day = following;
        }
        sum
    }
}

/// So many days later, at most the last day that there is.
pub(super) fn next(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

/// So much later, at most the last moment that there is.
pub(super) fn later(at: DateTime<Utc>, length: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(length).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn local(text: &str) -> DateTime<Utc> {
        format!("{text}+08:00").parse::<DateTime<chrono::FixedOffset>>().unwrap().to_utc()
    }

    #[test]
    fn every_line_of_the_table_is_read_and_no_two_stretches_touch() {
        let lines: Vec<&str> = CHINA.lines().filter(|line| !line.starts_with('#')).collect();
        let days: usize =
            lines.iter().map(|line| stretch(line).unwrap_or_else(|| panic!("{line}")).len()).sum();
        assert_eq!(china().len(), days, "a day is there twice");
        for line in lines {
            for (day, (kind, _)) in stretch(line).unwrap() {
                let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
                assert!(kind == DayKind::Off || weekend, "{day}: a weekday needs no make-up");
            }
        }
    }

    #[test]
    fn holidays_are_off_and_make_up_days_are_worked() {
        let calendar = Calendar::default();
        for (date, worked) in [
            ("2026-09-30", true),
            ("2026-10-01", false),
            ("2026-10-07", false),
            ("2026-10-08", true),
            ("2026-10-10", true),
            ("2026-10-11", false),
            ("2026-02-14", true),
            ("2026-11-24", true),
            ("2026-11-28", false),
        ] {
            assert_eq!(calendar.is_workday(day(date)), worked, "{date}");
        }
        assert_eq!(calendar.name(day("2026-10-10")), Some("国庆节调休"));
        assert_eq!(calendar.workday_from(day("2026-10-01")), day("2026-10-08"));
    }

    #[test]
    fn working_time_runs_over_noon_nights_weekends_and_holidays() {
        let calendar = Calendar::default();
        for (from, hours, to) in [
            ("2026-11-24T09:00:00", 2, "2026-11-24T11:00:00"),
            ("2026-11-24T11:00:00", 2, "2026-11-24T14:30:00"),
            ("2026-11-24T17:00:00", 1, "2026-11-25T09:00:00"),
            ("2026-11-27T17:00:00", 1, "2026-11-30T09:00:00"),
            ("2026-09-30T17:00:00", 1, "2026-10-08T09:00:00"),
            ("2026-10-08T17:30:00", 8, "2026-10-10T09:00:00"),
            ("2026-11-24T03:00:00", 0, "2026-11-24T08:30:00"),
        ] {
            let due = calendar.after_working(local(from), TimeDelta::hours(hours));
            assert_eq!(calendar.local(due).to_rfc3339(), format!("{to}+08:00"), "{from} and {hours} h");
        }
    }

    #[test]
    fn a_calendar_without_work_ends() {
        let none = Calendar { weekdays: Vec::new(), days: BTreeMap::new(), ..Calendar::default() };
        let from = local("2026-11-24T09:00:00");
        assert_eq!(none.after_working(from, TimeDelta::hours(2)), from + TimeDelta::hours(2));
    }

    proptest! {
        #[test]
        fn working_time_is_measured_as_it_is_added(
            zone in prop::sample::select(vec![Tz::Asia__Shanghai, Tz::Europe__Berlin, Tz::America__New_York]),
            at in 1_735_700_000_i64..1_830_000_000,
            minutes in 1_i64..6000,
        ) {
            let calendar = Calendar { zone, ..Calendar::default() };
            let from = DateTime::from_timestamp(at, 0).unwrap();
            let length = TimeDelta::minutes(minutes);
            let due = calendar.after_working(from, length);
            prop_assert_eq!(calendar.working_between(from, due), length);
            let within = calendar.stretches(calendar.day(due));
            prop_assert!(within.iter().any(|(begin, end)| *begin < due && due <= *end));
        }
    }
}
