//! The part of the house rules that is about the desk's work: numbers, working time, deadlines, visits,
//! missed calls, figures.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::{
    reader::Table,
    rules::{DAYS, one_of_days},
};
use crate::desk::{
    calendar::{Calendar, DayKind, Hours, china},
    deadline::Limit,
    directory::Numbering,
    missed::MissedRules,
    office::{Escalation, Limits, Office, Reports},
    return_visit::{VisitRule, VisitRules},
};

/// Reads the tables of the office; faults are noted in the table.
pub(super) fn read(top: &mut Table<'_>, zone: Tz) -> Office {
    let departments = top.list("departments", "a department's name", |name| {
        (!name.trim().is_empty()).then(|| name.trim().to_owned())
    });
    Office {
        numbering: read_numbering(top.table("residents")),
        calendar: read_calendar(top.table("working_time"), zone),
        limits: read_limits(top.table("deadlines")),
        escalation: read_escalation(top.table("escalation")),
        departments: departments.unwrap_or_default(),
        visits: read_visits(top.table("visits")),
        missed: read_missed(top.table("missed")),
        reports: read_reports(top.table("figures")),
        dispatch_link: read_dispatch(top.table("dispatch")),
    }
}

fn read_numbering(mut table: Table<'_>) -> Numbering {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.to_owned());
    let known = Numbering::default();
    let numbering = Numbering {
        country_code: table
            .parsed("country_code", "digits such as \"86\"", digits)
            .unwrap_or(known.country_code),
        area_code: table.parsed("area_code", "digits such as \"0571\"", digits).unwrap_or(known.area_code),
    };
    table.close();
    numbering
}

fn read_calendar(mut table: Table<'_>, zone: Tz) -> Calendar {
    let known = Calendar::default();
    let mut weekdays = table
        .list("weekdays", &one_of_days(), |word| DAYS.iter().find(|(w, _)| *w == word).map(|(_, day)| *day))
        .unwrap_or(known.weekdays);
    weekdays.sort_by_key(Weekday::num_days_from_monday);
    weekdays.dedup();
    let hours = read_hours(&mut table, "hours", known.hours);
    let mut days: BTreeMap<_, _> = if table.choice("holidays", &[("china", true), ("none", false)], true) {
        china()
    } else {
        BTreeMap::new()
    };
    let date = |text: &str| text.parse::<NaiveDate>().ok();
    for (key, kind, name) in [("days_off", DayKind::Off, "休息"), ("workdays", DayKind::Work, "上班")] {
        let own = table.list(key, "a day such as \"2027-01-01\"", date).unwrap_or_default();
        days.extend(own.into_iter().map(|day| (day, (kind, name.to_owned()))));
    }
    table.close();
    Calendar { zone, weekdays, hours, days }
}

/// Stretches of a day such as `"08:30-12:00"`, in order and apart from each other.
fn read_hours(table: &mut Table<'_>, key: &str, default: Vec<Hours>) -> Vec<Hours> {
    let expected = "a stretch of the day such as \"08:30-12:00\"";
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let stretch = |text: &str| {
        let (from, to) = text.split_once('-')?;
        let hours = Hours { from: time(from)?, to: time(to)? };
        (hours.from < hours.to).then_some(hours)
    };
    let Some(mut hours) = table.list(key, expected, stretch) else { return default };
    hours.sort_unstable();
    if hours.is_empty() {
        table.wrong(key, "at least one stretch", "none");
        return default;
    }
    if hours.windows(2).any(|pair| matches!(pair, [a, b] if b.from < a.to)) {
        table.wrong(key, "stretches that do not overlap", "two that do");
    }
    hours
}

fn read_limits(mut table: Table<'_>) -> Limits {
    let known = Limits::default();
    let mut limit = |key: &str, default: Limit| {
        table
            .parsed(key, "a limit such as \"24 hours\", \"3 working days\" or \"same day\"", |text| {
                text.parse().ok()
            })
            .unwrap_or(default)
    };
    let mut limits = Limits {
        complaint_told: limit("complaint_told", known.complaint_told),
        serious_to_manager: limit("serious_to_manager", known.serious_to_manager),
        complex_handed_on: limit("complex_handed_on", known.complex_handed_on),
        first_answer: limit("first_answer", known.first_answer),
        online_told: limit("online_told", known.online_told),
        online_answer: limit("online_answer", known.online_answer),
        ordinary_answer: limit("ordinary_answer", known.ordinary_answer),
        serious_done: limit("serious_done", known.serious_done),
        serious_several_done: limit("serious_several_done", known.serious_several_done),
        serious_group_done: limit("serious_group_done", known.serious_group_done),
        result_back: limit("result_back", known.result_back),
        order_back: limit("order_back", known.order_back),
        builder_reply: limit("builder_reply", known.builder_reply),
        late_warning_minutes: known.late_warning_minutes,
    };
    limits.late_warning_minutes = table.whole("late_warning_minutes", 0..=1440, known.late_warning_minutes);
    table.close();
    limits
}

fn read_escalation(mut table: Table<'_>) -> Escalation {
    let known = Escalation::default();
    let escalation = Escalation {
        supervisor: table.text("supervisor").unwrap_or(known.supervisor),
        manager: table.text("manager").unwrap_or(known.manager),
        deputy_general_manager: table.text("deputy_general_manager").unwrap_or(known.deputy_general_manager),
        general_manager: table.text("general_manager").unwrap_or(known.general_manager),
    };
    table.close();
    escalation
}

fn read_visits(mut table: Table<'_>) -> VisitRules {
    let known = VisitRules::default();
    let rules = VisitRules {
        complaint: read_visit(table.table("complaint"), known.complaint),
        repair: read_visit(table.table("repair"), known.repair),
        project: read_visit(table.table("project"), known.project),
        special: read_visit(table.table("special"), known.special),
        event: read_visit(table.table("event"), known.event),
        other: read_visit(table.table("other"), known.other),
        windows: read_hours(&mut table, "windows", known.windows),
        tries: table.whole("tries", 1..=20, known.tries),
    };
    table.close();
    rules
}

fn read_visit(mut table: Table<'_>, known: VisitRule) -> VisitRule {
    let (least, most) = known.goal_percent.unwrap_or((0, 0));
    let rule = VisitRule {
        from_days: table.whole("from_days", 0..=365, known.from_days),
        until_days: table.whole("until_days", 0..=365, known.until_days),
        sample_percent: table.whole("sample_percent", 0..=100, known.sample_percent),
        goal_percent: None,
    };
    let least = table.whole("goal_least_percent", 0..=100, least);
    let most = table.whole("goal_most_percent", 0..=100, most);
    if rule.until_days < rule.from_days {
        table.wrong("until_days", "at least from_days", rule.until_days);
    }
    if most < least {
        table.wrong("goal_most_percent", "at least goal_least_percent", most);
    }
    table.close();
    VisitRule { goal_percent: (most > 0).then_some((least, most)), ..rule }
}

fn read_dispatch(mut table: Table<'_>) -> String {
    let link = table.text("link").unwrap_or_else(|| "{matter}".to_owned());
    table.close();
    link
}

fn read_missed(mut table: Table<'_>) -> MissedRules {
    let known = MissedRules::default();
    let rules = MissedRules {
        urgent_tries: table.whole("urgent_tries", 1..=100, known.urgent_tries),
        urgent_wait_seconds: table.whole("urgent_wait_seconds", 0..=86_400, known.urgent_wait_seconds),
        look_back_days: table.whole("look_back_days", 1..=60, known.look_back_days),
    };
    table.close();
    rules
}

fn read_reports(mut table: Table<'_>) -> Reports {
    let known = Reports::default().short_abandoned_seconds;
    let reports = Reports { short_abandoned_seconds: table.whole("short_abandoned_seconds", 0..=600, known) };
    table.close();
    reports
}
