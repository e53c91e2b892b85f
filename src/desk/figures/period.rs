//! A day, a week, a month or a quarter of the office's calendar.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};

use crate::desk::calendar::Calendar;

/// Whole local days, the first and the one after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: NaiveDate,
    /// Not included.
    pub to: NaiveDate,
}

impl Period {
    pub fn day(day: NaiveDate) -> Self {
        Self { from: day, to: day.checked_add_days(Days::new(1)).unwrap_or(day) }
    }

    /// Monday to Sunday around that day.
    pub fn week(day: NaiveDate) -> Self {
        let back = Days::new(u64::from(day.weekday().num_days_from_monday()));
        let from = day.checked_sub_days(back).unwrap_or(day);
        Self { from, to: from.checked_add_days(Days::new(7)).unwrap_or(from) }
    }

    /// The month around that day.
    pub fn month(day: NaiveDate) -> Self {
        Self::months(day, 1, day.month())
    }

    /// January to March and so on, around that day.
    pub fn quarter(day: NaiveDate) -> Self {
        Self::months(day, 3, day.month0() / 3 * 3 + 1)
    }

    fn months(day: NaiveDate, count: u32, first: u32) -> Self {
        let from = NaiveDate::from_ymd_opt(day.year(), first, 1).unwrap_or(day);
        Self { from, to: from.checked_add_months(Months::new(count)).unwrap_or(from) }
    }

    /// Whether that day is in it.
    pub fn has(self, day: NaiveDate) -> bool {
        self.from <= day && day < self.to
    }

    /// Its first moment, and the first one after it.
    pub fn span(self, calendar: &Calendar) -> (DateTime<Utc>, DateTime<Utc>) {
        (calendar.at(self.from, NaiveTime::MIN), calendar.at(self.to, NaiveTime::MIN))
    }

    /// `2026-11-01 to 2026-11-30`, both included.
    pub fn words(self) -> String {
        format!("{} to {}", self.from, self.to.pred_opt().unwrap_or(self.to))
    }
}

/// The day of a quarter's last month by which its figures are wanted: those until then.
const QUARTER_BY: u32 = 25;

/// The periods that are over and reported, by the name of their folder: yesterday, the last week, month and
/// quarter; in a quarter's last month also the quarter until the 25th.
pub fn reported(today: NaiveDate) -> Vec<(String, Period)> {
    let Some(yesterday) = today.pred_opt() else { return Vec::new() };
    let before = |period: Period| period.from.pred_opt().unwrap_or(period.from);
    let week = Period::week(before(Period::week(today)));
    let month = Period::month(before(Period::month(today)));
    let quarter = Period::quarter(before(Period::quarter(today)));
    let number = |period: Period| period.from.month0() / 3 + 1;
    let mut all = vec![
        (format!("day-{yesterday}"), Period::day(yesterday)),
        (format!("week-{}", week.from), week),
        (format!("month-{}", month.from.format("%Y-%m")), month),
        (format!("quarter-{}-{}", quarter.from.year(), number(quarter)), quarter),
    ];
    let running = Period::quarter(today);
    let last_month = running.to.pred_opt().is_some_and(|last| last.month() == today.month());
    if last_month
        && today.day() >= QUARTER_BY
        && let Some(to) = today.with_day(QUARTER_BY)
    {
        let name = format!("quarter-{}-{}-until-{to}", running.from.year(), number(running));
        all.push((name, Period { from: running.from, to }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_reported_and_a_quarter_also_by_the_25th_of_its_last_month() {
        let names = |day: &str| -> Vec<String> {
            reported(day.parse().unwrap())
                .into_iter()
                .map(|(name, period)| format!("{name}: {}", period.words()))
                .collect()
        };
        assert_eq!(
            names("2026-11-24"),
            [
                "day-2026-11-23: 2026-11-23 to 2026-11-23",
                "week-2026-11-16: 2026-11-16 to 2026-11-22",
                "month-2026-10: 2026-10-01 to 2026-10-31",
                "quarter-2026-3: 2026-07-01 to 2026-09-30",
            ]
        );
        assert_eq!(names("2026-12-24").len(), 4);
        assert_eq!(names("2026-12-25")[4], "quarter-2026-4-until-2026-12-25: 2026-10-01 to 2026-12-24");
        assert_eq!(names("2026-12-31")[4], "quarter-2026-4-until-2026-12-25: 2026-10-01 to 2026-12-24");
        assert_eq!(names("2027-01-01")[3], "quarter-2026-4: 2026-10-01 to 2026-12-31");
    }

    #[test]
    fn periods_are_those_of_the_calendar() {
        let day: NaiveDate = "2026-11-24".parse().unwrap();
        for (period, words) in [
            (Period::day(day), "2026-11-24 to 2026-11-24"),
            (Period::week(day), "2026-11-23 to 2026-11-29"),
            (Period::month(day), "2026-11-01 to 2026-11-30"),
            (Period::quarter(day), "2026-10-01 to 2026-12-31"),
            (Period::week("2027-01-01".parse().unwrap()), "2026-12-28 to 2027-01-03"),
            (Period::month("2028-02-29".parse().unwrap()), "2028-02-01 to 2028-02-29"),
        ] {
            assert_eq!(period.words(), words);
        }
    }
}
