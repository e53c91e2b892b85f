//! The figures of a day, a week, a month or a quarter, out of rows that are exported beside them: each
//! says by which formula it was counted and what it leaves out, so that anybody can count it again.
//! Whole numbers only, so that everybody comes to the same. Never reads a clock.
//!
//! Reading starts at [`figures`]; the names and formulas are in [`name`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub mod name;
pub mod period;
pub mod row;

use name::Name;
use period::Period;
use row::{CallRow, ClockRow, MatterRow, OutageRow, Rows, VisitRow};

use super::{calendar::Calendar, office::Office};

/// What a figure is broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Nothing: of all rows.
    All,
    Kind,
    Building,
    Department,
    Operator,
    Shift,
    /// A deadline's name.
    Deadline,
}

impl By {
    /// As files have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Kind => "kind",
            Self::Building => "building",
            Self::Department => "department",
            Self::Operator => "operator",
            Self::Shift => "shift",
            Self::Deadline => "deadline",
        }
    }
}

/// A figure's worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    Count(u64),
    /// So many of so many; of none nothing is said.
    Share {
        part: u64,
        whole: u64,
    },
    /// Milliseconds of so many; of none nothing is said.
    MeanMs {
        sum: u64,
        count: u64,
    },
    /// Points of so many; of none nothing is said.
    Mean {
        sum: u64,
        count: u64,
    },
    /// Whole minutes.
    Minutes(u64),
}

impl Worth {
    /// As files have it: `12`, `97.5`, and nothing where there is nothing to divide by. Tenths are
    /// rounded half up.
    pub fn text(self) -> String {
        match self {
            Self::Count(n) | Self::Minutes(n) => n.to_string(),
            Self::Share { part, whole } => tenths(part.saturating_mul(1000), whole),
            Self::MeanMs { sum, count } => tenths(sum, count.saturating_mul(100)),
            Self::Mean { sum, count } => tenths(sum.saturating_mul(10), count),
        }
    }
}

/// `tens ÷ of`, where the quotient is in tenths.
fn tenths(tens: u64, of: u64) -> String {
    let doubled = tens.saturating_mul(2).saturating_add(of);
    match doubled.checked_div(of.saturating_mul(2)) {
        None => String::new(),
        Some(tenths) => format!("{}.{}", tenths / 10, tenths % 10),
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub name: Name,
    pub by: By,
    /// Which kind, building, …; empty for all.
    pub of: String,
    pub worth: Worth,
}

/// Every figure of the period: of all rows, and broken down. `now` decides which deadlines are late.
pub fn figures(rows: &Rows, period: Period, office: &Office, now: DateTime<Utc>) -> Vec<Figure> {
    let short = u64::from(office.reports.short_abandoned_seconds).saturating_mul(1000);
    let mut all = Vec::new();
    let calls: Vec<&CallRow> = rows.calls.iter().collect();
    add(&mut all, &calls, By::All, |_| String::new(), |some| calls_of(some, short));
    add(&mut all, &calls, By::Operator, |row| row.operator.clone(), |some| calls_of(some, short));
    add(&mut all, &calls, By::Shift, |row| row.shift.clone(), |some| calls_of(some, short));
    rings(&mut all, &calls);
    outages(&mut all, &rows.outages, period, &office.calendar);

    let matters: Vec<&MatterRow> = rows.matters.iter().filter(|row| !row.merged).collect();
    let count = |some: &[&MatterRow]| matters_of(some, period);
    add(&mut all, &matters, By::All, |_| String::new(), count);
    add(&mut all, &matters, By::Kind, |row| row.kind.clone(), count);
    add(&mut all, &matters, By::Building, |row| row.building.clone(), count);
    add(&mut all, &matters, By::Department, |row| row.department.clone(), count);
    add(&mut all, &matters, By::Operator, |row| row.owner.clone(), count);

    let clocks: Vec<&ClockRow> = rows.clocks.iter().collect();
    let kept = |some: &[&ClockRow]| clocks_of(some, now);
    add(&mut all, &clocks, By::All, |_| String::new(), kept);
    add(&mut all, &clocks, By::Deadline, |row| row.name.clone(), kept);
    add(&mut all, &clocks, By::Kind, |row| row.kind.clone(), kept);
    add(&mut all, &clocks, By::Department, |row| row.department.clone(), kept);

    let visits: Vec<&VisitRow> = rows.visits.iter().collect();
    add(&mut all, &visits, By::All, |_| String::new(), visits_of);
    add(&mut all, &visits, By::Kind, |row| row.kind.clone(), visits_of);
    add(&mut all, &visits, By::Department, |row| row.department.clone(), visits_of);
    all
}

/// The same figures for each group of rows, in the order of the groups' names.
fn add<R>(
    all: &mut Vec<Figure>,
    rows: &[&R],
    by: By,
    of: impl Fn(&R) -> String,
    count: impl Fn(&[&R]) -> Vec<(Name, Worth)>,
) {
    let mut groups = BTreeMap::<String, Vec<&R>>::new();
    if by == By::All {
        groups.insert(String::new(), Vec::new());
    }
    for row in rows {
        groups.entry(of(row)).or_default().push(row);
    }
    for (of, some) in groups {
        all.extend(count(&some).into_iter().map(|(name, worth)| Figure { name, by, of: of.clone(), worth }));
    }
}

fn number<R>(rows: &[&R], test: impl Fn(&R) -> bool) -> u64 {
    rows.iter().fold(0, |n, row| n.saturating_add(u64::from(test(row))))
}

fn sum<R>(rows: &[&R], worth: impl Fn(&R) -> Option<u64>) -> (u64, u64) {
    rows.iter()
        .filter_map(|row| worth(row))
        .fold((0, 0), |(sum, count), n| (sum.saturating_add(n), count.saturating_add(1)))
}

fn calls_of(rows: &[&CallRow], short: u64) -> Vec<(Name, Worth)> {
    let is_short = |row: &CallRow| row.outcome == "abandoned" && row.wait_ms < short;
    let received = number(rows, |_| true);
    let counted = number(rows, |row| !is_short(row));
    let answered = number(rows, |row| row.answered);
    let in_time = number(rows, |row| row.answered && !row.flagged);
    let taken = number(rows, |row| row.forwarded && row.outcome == "answered by mobile");
    let forwarded = number(rows, |row| row.forwarded);
    let (wait, waits) = sum(rows, |row| row.answered.then_some(row.wait_ms));
    let (talk, talks) = sum(rows, |row| row.talk_ms);
    vec![
        (Name::CallsReceived, Worth::Count(received)),
        (Name::CallsShort, Worth::Count(number(rows, is_short))),
        (Name::CallsCounted, Worth::Count(counted)),
        (Name::CallsAnswered, Worth::Count(answered)),
        (Name::CallsAnsweredShare, Worth::Share { part: answered, whole: counted }),
        (Name::CallsInTime, Worth::Count(in_time)),
        (Name::CallsInTimeShare, Worth::Share { part: in_time, whole: counted }),
        (Name::CallsFlagged, Worth::Count(number(rows, |row| row.flagged))),
        (Name::CallsMissed, Worth::Count(number(rows, |row| row.outcome == "missed"))),
        (
            Name::CallsAbandoned,
            Worth::Count(number(rows, |row| row.outcome == "abandoned" && !is_short(row))),
        ),
        (Name::CallsMessage, Worth::Count(number(rows, |row| row.outcome == "message"))),
        (Name::CallsForwarded, Worth::Count(forwarded)),
        (Name::CallsTaken, Worth::Count(taken)),
        (Name::CallsTakenShare, Worth::Share { part: taken, whole: forwarded }),
        (Name::SpeedOfAnswer, Worth::MeanMs { sum: wait, count: waits }),
        (Name::TalkTime, Worth::MeanMs { sum: talk, count: talks }),
    ]
}

/// How many were answered in which ring; those of ring 10 and later together.
fn rings(all: &mut Vec<Figure>, rows: &[&CallRow]) {
    for ring in 1..=10_u32 {
        let here = |row: &CallRow| row.answered && row.rings.is_some_and(|r| r.min(10) == ring);
        let of = if ring == 10 { "10+".to_owned() } else { ring.to_string() };
        all.push(Figure {
            name: Name::AnsweredInRing,
            by: By::All,
            of,
            worth: Worth::Count(number(rows, here)),
        });
    }
}

/// Minutes of the period in which anything of a kind was out: two trunks at once count once.
fn outages(all: &mut Vec<Figure>, rows: &[OutageRow], period: Period, calendar: &Calendar) {
    let (from, to) = period.span(calendar);
    let mut kinds = BTreeMap::<&str, Vec<(DateTime<Utc>, DateTime<Utc>)>>::new();
    for row in rows {
        let (began, ended) = (row.began.max(from), row.ended.min(to));
        if began < ended {
            kinds.entry(row.kind.as_str()).or_default().push((began, ended));
        }
    }
    for (kind, mut spans) in kinds {
        spans.sort_unstable();
        let (mut seconds, mut done) = (0_i64, from);
        for (began, ended) in spans {
            let part = ended.signed_duration_since(began.max(done)).num_seconds();
            seconds = seconds.saturating_add(part.max(0));
            done = done.max(ended);
        }
        let minutes = u64::try_from(seconds / 60).unwrap_or(0);
        let worth = Worth::Minutes(minutes);
        all.push(Figure { name: Name::OutageMinutes, by: By::All, of: kind.to_owned(), worth });
    }
}

fn matters_of(rows: &[&MatterRow], period: Period) -> Vec<(Name, Worth)> {
    let opened = |row: &MatterRow| period.has(row.opened);
    let closed = |row: &MatterRow| row.closed.is_some_and(|day| period.has(day));
    vec![
        (Name::MattersOpened, Worth::Count(number(rows, opened))),
        (Name::MattersClosed, Worth::Count(number(rows, closed))),
        (Name::MattersLeftOpen, Worth::Count(number(rows, |row| opened(row) && row.closed.is_none()))),
        (Name::MattersReopened, Worth::Count(number(rows, |row| opened(row) && row.reopened > 0))),
        (Name::Serious, Worth::Count(number(rows, |row| opened(row) && row.severity == "serious"))),
        (Name::Invalid, Worth::Count(number(rows, |row| opened(row) && row.severity == "invalid"))),
    ]
}

fn clocks_of(rows: &[&ClockRow], now: DateTime<Utc>) -> Vec<(Name, Worth)> {
    let is_kept = |row: &ClockRow| row.ended.is_some_and(|ended| ended <= row.due);
    let is_late = |row: &ClockRow| match row.ended {
        Some(ended) => ended > row.due,
        None => row.due < now,
    };
    let (kept, late) = (number(rows, is_kept), number(rows, is_late));
    vec![
        (Name::DeadlinesKept, Worth::Count(kept)),
        (Name::DeadlinesLate, Worth::Count(late)),
        (Name::DeadlinesKeptShare, Worth::Share { part: kept, whole: kept.saturating_add(late) }),
    ]
}

fn visits_of(rows: &[&VisitRow]) -> Vec<(Name, Worth)> {
    let state = |word: &'static str| number(rows, move |row: &VisitRow| row.state == word);
    let (done, due) = (state("done"), number(rows, |_| true));
    let (sum, count) = sum(rows, |row| row.satisfied.map(u64::from));
    vec![
        (Name::VisitsDue, Worth::Count(due)),
        (Name::VisitsDone, Worth::Count(done)),
        (Name::VisitsRefused, Worth::Count(state("refused"))),
        (Name::VisitsUnreached, Worth::Count(state("unreached"))),
        (Name::VisitsShare, Worth::Share { part: done, whole: due }),
        (Name::Satisfaction, Worth::Mean { sum, count }),
    ]
}

#[cfg(test)]
mod tests;
