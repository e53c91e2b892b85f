//! The figures as a table for eyes, for files and for programs, each with its formula and what it leaves
//! out; and the hand-over sheet at the change of shift. Pure.

use serde_json::{Value, json};

use super::{
    lists,
    text::{aligned, printable},
};
use crate::desk::{
    directory::Directory,
    figures::{By, Figure, period::Period},
    missed::MissedCaller,
    office::Office,
    return_visit::VisitOf,
    ticket::LocalTime,
};
use crate::store::{
    matters::read::{OpenPromise, RunningClock},
    visits::ListedVisit,
    work_orders::ExpectedOrder,
};

/// The figures of a period for eyes.
pub fn text(figures: &[Figure], period: Period, office: &Office) -> String {
    let mut text = format!("{}\n", period.words());
    let mut rows = vec![["FIGURE", "BY", "OF", "VALUE", ""].map(str::to_owned)];
    rows.extend(figures.iter().map(|figure| {
        let about = figure.name.about();
        [
            format!("{} {}", about.word, about.chinese),
            figure.by.word().to_owned(),
            printable(&figure.of),
            figure.worth.text(),
            goal(figure, office).map_or_else(String::new, |goal| format!("goal {goal}")),
        ]
    }));
    text.push_str(&aligned(&rows));
    text.push_str("\nhow each is counted\n");
    let mut seen = Vec::new();
    let mut formulas = Vec::new();
    for figure in figures.iter().filter(|figure| figure.by == By::All) {
        let about = figure.name.about();
        if !seen.contains(&about.word) {
            seen.push(about.word);
            formulas.push([
                about.word.to_owned(),
                about.formula.to_owned(),
                format!("leaves out: {}", about.leaves_out),
            ]);
        }
    }
    text.push_str(&aligned(&formulas));
    text
}

/// The rate that is asked for, beside a rate of visits: `100-100`.
fn goal(figure: &Figure, office: &Office) -> Option<String> {
    if figure.by != By::Kind || figure.name.about().word != "visits_percent" {
        return None;
    }
    let (least, most) = office.visits.of(VisitOf::from_word(&figure.of)?).goal_percent?;
    Some(format!("{least}-{most}"))
}

/// The figures as rows of text, the heading first: what `figures.csv` holds.
pub fn rows(figures: &[Figure], period: Period, office: &Office, now: LocalTime) -> Vec<Vec<String>> {
    let heading = [
        "figure",
        "名称",
        "by",
        "of",
        "value",
        "goal",
        "formula",
        "leaves_out",
        "from",
        "to",
        "counted_at",
        "short_abandoned_ms",
        "zone",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let short = u64::from(office.reports.short_abandoned_seconds).saturating_mul(1000).to_string();
    rows.extend(figures.iter().map(|figure| {
        let about = figure.name.about();
        vec![
            about.word.to_owned(),
            about.chinese.to_owned(),
            figure.by.word().to_owned(),
            figure.of.clone(),
            figure.worth.text(),
            goal(figure, office).unwrap_or_default(),
            about.formula.to_owned(),
            about.leaves_out.to_owned(),
            period.from.to_string(),
            period.to.to_string(),
            now.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            short.clone(),
            office.calendar.zone.name().to_owned(),
        ]
    }));
    rows
}

/// The same for programs.
pub fn json(figures: &[Figure], period: Period, office: &Office) -> Value {
    let figures: Vec<Value> = figures
        .iter()
        .map(|figure| {
            let about = figure.name.about();
            json!({
                "figure": about.word,
                "name": about.chinese,
                "by": figure.by.word(),
                "of": figure.of,
                "value": figure.worth.text().parse::<f64>().ok(),
                "goal_percent": goal(figure, office),
                "formula": about.formula,
                "leaves_out": about.leaves_out,
            })
        })
        .collect();
    json!({ "from": period.from.to_string(), "to": period.to.to_string(), "figures": figures })
}

/// What one shift leaves to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    pub company: String,
    pub shift: String,
    pub from: LocalTime,
    pub now: LocalTime,
    /// Calls of the shift.
    pub figures: Vec<Figure>,
    pub missed: Vec<MissedCaller>,
    pub clocks: Vec<RunningClock>,
    pub promises: Vec<OpenPromise>,
    pub expected: Vec<ExpectedOrder>,
    pub visits: Vec<ListedVisit>,
}

/// The hand-over sheet (交接班).
pub fn hand_over(sheet: &HandOver, directory: &Directory, office: &Office) -> String {
    let minute = |at: LocalTime| at.format("%Y-%m-%d %H:%M").to_string();
    let mut text = format!(
        "{} 交接班  {}  {} to {}\n\ncalls of the shift\n",
        printable(&sheet.company),
        printable(&sheet.shift),
        minute(sheet.from),
        minute(sheet.now)
    );
    let mut calls = Vec::new();
    for figure in sheet.figures.iter().filter(|figure| figure.by == By::All && figure.of.is_empty()) {
        let about = figure.name.about();
        if about.word.starts_with("calls_") {
            calls.push([format!("{} {}", about.word, about.chinese), figure.worth.text()]);
        }
    }
    text.push_str(&aligned(&calls));
    text.push_str(&format!("\nto call back\n{}", lists::missed_table(&sheet.missed, directory)));
    text.push_str(&format!(
        "\nlate, or due within the next shift\n{}",
        lists::clocks_table(&sheet.clocks, office, sheet.now)
    ));
    text.push_str("\npromised\n");
    if sheet.promises.is_empty() {
        text.push_str("nothing\n");
    }
    for open in &sheet.promises {
        let what = printable(&open.promise.what);
        text.push_str(&format!(
            "{}  {}  {what}  ({})\n",
            open.matter,
            minute(open.promise.due),
            printable(&open.promise.by)
        ));
    }
    text.push_str(&format!("\ncrews expected\n{}", lists::expected_table(&sheet.expected)));
    text.push_str(&format!("\nreturn visits to call\n{}", lists::visits_table(&sheet.visits, office)));
    text
}
