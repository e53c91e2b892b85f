//! Until when something must be done, and why then: limits in working or calendar time, over holidays
//! and DST, stopped only for a stated reason. Never reads a clock.
//!
//! Reading starts at [`due`].

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::calendar::{Calendar, later, next};

/// How long something may take. Written `10 minutes`, `24 hours`, `2 days`, `3 working days`,
/// `4 working hours`, `same day`, `same working day`, `at once`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    AtOnce,
    Minutes(u32),
    Hours(u32),
    /// To the same time of day, so many days later.
    Days(u32),
    WorkingMinutes(u32),
    WorkingHours(u32),
    /// To the same time of day, so many working days later.
    WorkingDays(u32),
    /// Until midnight.
    SameDay,
    /// Until the end of work on that day, or on the next working one.
    SameWorkingDay,
}

/// Text that is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a limit such as \"24 hours\", \"3 working days\", \"same day\" or \"at once\"")]
pub struct BadLimit;

/// The longest limit in its unit: ten years of days.
const MOST: u32 = 3650;

impl FromStr for Limit {
    type Err = BadLimit;

    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (number, working, unit) = match words.as_slice() {
            ["at", "once"] => return Ok(Self::AtOnce),
            ["same", "day"] => return Ok(Self::SameDay),
            ["same", "working", "day"] => return Ok(Self::SameWorkingDay),
            [number, "working", unit] => (number, true, *unit),
            [number, unit] => (number, false, *unit),
            _ => return Err(BadLimit),
        };
        let number: u32 = number.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or(BadLimit)?;
        match (unit.trim_end_matches('s'), working) {
            ("minute", false) => Ok(Self::Minutes(number)),
            ("hour", false) => Ok(Self::Hours(number)),
            ("day", false) => Ok(Self::Days(number)),
            ("minute", true) => Ok(Self::WorkingMinutes(number)),
            ("hour", true) => Ok(Self::WorkingHours(number)),
            ("day", true) => Ok(Self::WorkingDays(number)),
            _ => Err(BadLimit),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |f: &mut fmt::Formatter<'_>, n: u32, unit: &str| {
            write!(f, "{n} {unit}{}", if n == 1 { "" } else { "s" })
        };
        match *self {
            Self::AtOnce => f.write_str("at once"),
            Self::Minutes(n) => count(f, n, "minute"),
            Self::Hours(n) => count(f, n, "hour"),
            Self::Days(n) => count(f, n, "day"),
            Self::WorkingMinutes(n) => count(f, n, "working minute"),
            Self::WorkingHours(n) => count(f, n, "working hour"),
            Self::WorkingDays(n) => count(f, n, "working day"),
            Self::SameDay => f.write_str("same day"),
            Self::SameWorkingDay => f.write_str("same working day"),
        }
    }
}

/// Why a clock may stand still. There is no other reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// 等业主: not at home, asked for a later day, does not answer.
    Resident,
    /// 等材料: parts are ordered.
    Parts,
    /// 等建设单位: under warranty, the builder has it.
    Builder,
    /// 等第三方: an authority, the power company, the lift's maker.
    Others,
    /// 天气: work outside is not possible.
    Weather,
}

impl StopReason {
    pub const ALL: [Self; 5] = [Self::Resident, Self::Parts, Self::Builder, Self::Others, Self::Weather];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Parts => "parts",
            Self::Builder => "builder",
            Self::Others => "others",
            Self::Weather => "weather",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// As the clock says it: `waits for the resident`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Resident => "waits for the resident",
            Self::Parts => "waits for parts",
            Self::Builder => "waits for the builder",
            Self::Others => "waits for others",
            Self::Weather => "waits for the weather",
        }
    }
}

/// A time in which the clock stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    pub from: DateTime<Utc>,
    /// `None`: it still does.
    pub until: Option<DateTime<Utc>>,
    pub reason: StopReason,
}

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    At {
        at: DateTime<Utc>,
        because: String,
    },
    /// The clock stands still.
    Stopped {
        since: DateTime<Utc>,
        because: String,
    },
}

impl Due {
    /// The moment; `None` while the clock stands still.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::At { at, .. } => Some(*at),
            Self::Stopped { .. } => None,
        }
    }

    /// Why then, in words.
    pub fn because(&self) -> &str {
        match self {
            Self::At { because, .. } | Self::Stopped { because, .. } => because,
        }
    }
}

/// When that is due which has this limit from `start`. Stops count in the order of their beginning;
/// what lies before the start, or begins after the end, changes nothing.
pub fn due(start: DateTime<Utc>, limit: Limit, stops: &[Stop], calendar: &Calendar) -> Due {
    let mut at = first(start, limit, calendar);
    let mut because = format!("{limit} from {}", short(start, calendar));
    // Stops that touch are one: the border between them may lie in a time that does not count.
    for touching in stops.chunk_by(|one, next| one.until.is_none_or(|until| next.from <= until)) {
        let (Some(first), Some(last)) = (touching.first(), touching.last()) else { continue };
        if first.from > at || last.until.is_some_and(|until| until <= start) {
            continue;
        }
        let Some(until) = last.until else {
            let since = last.from.max(start);
            because.push_str(&format!("; stands since {}: {}", short(since, calendar), last.reason.words()));
            return Due::Stopped { since, because };
        };
        at = moved(at, first.from.max(start), until, limit, calendar);
        for stop in touching {
            let stood = stop.until.unwrap_or(until).signed_duration_since(stop.from.max(start));
            because.push_str(&format!("; stood {}: {}", length(stood), stop.reason.words()));
        }
    }
    because.push_str(&skipped(start, at, limit, calendar));
    Due::At { at, because: format!("due {}, because {because}", short(at, calendar)) }
}

/// Without any stop.
fn first(start: DateTime<Utc>, limit: Limit, calendar: &Calendar) -> DateTime<Utc> {
    let minutes = |n: u32| TimeDelta::minutes(i64::from(n));
    let hours = |n: u32| TimeDelta::hours(i64::from(n));
    match limit {
        Limit::AtOnce => start,
        Limit::Minutes(n) => later(start, minutes(n)),
        Limit::Hours(n) => later(start, hours(n)),
        Limit::Days(n) => {
            let local = calendar.local(start);
            calendar.at(next(local.date_naive(), n.into()), local.time())
        }
        Limit::WorkingMinutes(n) => calendar.after_working(start, minutes(n)),
        Limit::WorkingHours(n) => calendar.after_working(start, hours(n)),
        Limit::WorkingDays(n) => {
            // From a time off work the count begins with the next work.
            let begin = calendar.local(calendar.after_working(start, TimeDelta::zero()));
            let mut day = calendar.workday_from(begin.date_naive());
            for _ in 0..n {
                day = calendar.workday_from(next(day, 1));
            }
            calendar.at(day, begin.time())
        }
        Limit::SameDay => calendar.end_of(calendar.day(start)),
        Limit::SameWorkingDay => end_of_work(start, calendar),
    }
}

/// What a stop that is over does to the moment.
fn moved(
    at: DateTime<Utc>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: Limit,
    calendar: &Calendar,
) -> DateTime<Utc> {
    match limit {
        Limit::AtOnce | Limit::Minutes(_) | Limit::Hours(_) | Limit::Days(_) => {
            later(at, until.signed_duration_since(from))
        }
        Limit::WorkingMinutes(_) | Limit::WorkingHours(_) | Limit::WorkingDays(_) => {
            let stood = calendar.working_between(from, until);
            if stood.is_zero() { at } else { calendar.after_working(at, stood) }
        }
        // A day that was stopped over goes on with the day on which it was resumed.
        Limit::SameDay => at.max(calendar.end_of(calendar.day(until))),
        Limit::SameWorkingDay => at.max(end_of_work(until, calendar)),
    }
}

/// The end of work of that day; of the next working day where work is over or there is none.
fn end_of_work(at: DateTime<Utc>, calendar: &Calendar) -> DateTime<Utc> {
    let end = |day: NaiveDate| calendar.stretches(day).last().map(|(_, end)| *end);
    let today = calendar.day(at);
    match end(today) {
        Some(over) if at < over => over,
        Some(_) | None => end(calendar.workday_from(next(today, 1))).unwrap_or(at),
    }
}

/// The days off that a limit in working time jumped over, by name where they have one.
fn skipped(start: DateTime<Utc>, at: DateTime<Utc>, limit: Limit, calendar: &Calendar) -> String {
    match limit {
        Limit::WorkingMinutes(_) | Limit::WorkingHours(_) | Limit::WorkingDays(_) | Limit::SameWorkingDay => {
        }
        Limit::AtOnce | Limit::Minutes(_) | Limit::Hours(_) | Limit::Days(_) | Limit::SameDay => {
            return String::new();
        }
    }
    let (first, last) = (calendar.day(start), calendar.day(at));
    let off: Vec<String> = first
        .iter_days()
        .take_while(|day| *day <= last)
        .filter(|day| !calendar.is_workday(*day))
        .map(|day| match calendar.name(day) {
            Some(name) => format!("{} {name}", day.format("%m-%d")),
            None => day.format("%a %m-%d").to_string(),
        })
        .collect();
    if off.is_empty() { String::new() } else { format!("; not worked: {}", off.join(", ")) }
}

/// `Tue 2026-11-24 10:00`.
pub fn short(at: DateTime<Utc>, calendar: &Calendar) -> String {
    let local = calendar.local(at);
    if local.time() == NaiveTime::MIN {
        // A day ends at 24:00, not on the next day.
        let before = local.date_naive().pred_opt().unwrap_or(NaiveDate::MIN);
        return format!("{} 24:00", before.format("%a %Y-%m-%d"));
    }
    local.format("%a %Y-%m-%d %H:%M").to_string()
}

/// `3 h 20 min`, `2 d 1 h`.
pub fn length(length: TimeDelta) -> String {
    let minutes = length.num_minutes().max(0);
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min")];
    let said: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).take(2).map(|(n, unit)| format!("{n} {unit}")).collect();
    if said.is_empty() { "0 min".to_owned() } else { said.join(" ") }
}

#[cfg(test)]
mod tests;
