//! The rows that figures are counted from, as they are exported: every figure can be counted again from
//! these columns alone.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// A call to the hotline that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    pub ticket: String,
    pub day: NaiveDate,
    pub outcome: String,
    /// A person answered.
    pub answered: bool,
    pub flagged: bool,
    /// A mobile was rung for it.
    pub forwarded: bool,
    pub rings: Option<u32>,
    /// Until somebody answered, or to the end.
    pub wait_ms: u64,
    pub talk_ms: Option<u64>,
    pub operator: String,
    pub shift: String,
}

/// A matter that was opened, or closed, within the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterRow {
    pub id: String,
    pub opened: NaiveDate,
    pub closed: Option<NaiveDate>,
    pub kind: String,
    pub severity: String,
    /// Estate and building.
    pub building: String,
    pub department: String,
    pub owner: String,
    pub reopened: u32,
    /// It is part of another.
    pub merged: bool,
}

/// A clock that is due within the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockRow {
    pub matter: String,
    pub name: String,
    pub kind: String,
    pub department: String,
    pub due: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
}

/// A return visit whose last day is within the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitRow {
    pub id: i64,
    pub matter: String,
    pub kind: String,
    pub department: String,
    pub until: NaiveDate,
    pub state: String,
    pub satisfied: Option<u8>,
}

/// An interval in which something was out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageRow {
    /// `trunk`, `phone`, `daemon`, …
    pub kind: String,
    pub name: String,
    pub began: DateTime<Utc>,
    /// Where it lasts: the moment at which it was asked.
    pub ended: DateTime<Utc>,
}

/// All rows of a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    pub calls: Vec<CallRow>,
    pub matters: Vec<MatterRow>,
    pub clocks: Vec<ClockRow>,
    pub visits: Vec<VisitRow>,
    pub outages: Vec<OutageRow>,
}

fn flag(value: bool) -> String {
    u8::from(value).to_string()
}

fn some<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn heading<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

impl Rows {
    /// Every table as rows of text with its heading, by the name of its file.
    pub fn tables(&self) -> [(&'static str, Vec<Vec<String>>); 5] {
        [
            ("calls", self.calls_table()),
            ("matters", self.matters_table()),
            ("clocks", self.clocks_table()),
            ("visits", self.visits_table()),
            ("outages", self.outages_table()),
        ]
    }

    fn calls_table(&self) -> Vec<Vec<String>> {
        let mut table = vec![heading([
            "ticket",
            "day",
            "outcome",
            "answered",
            "flagged",
            "forwarded",
            "rings",
            "wait_ms",
            "talk_ms",
            "operator",
            "shift",
        ])];
        table.extend(self.calls.iter().map(|row| {
            vec![
                row.ticket.clone(),
                row.day.to_string(),
                row.outcome.clone(),
                flag(row.answered),
                flag(row.flagged),
                flag(row.forwarded),
                some(row.rings),
                row.wait_ms.to_string(),
                some(row.talk_ms),
                row.operator.clone(),
                row.shift.clone(),
            ]
        }));
        table
    }

    fn matters_table(&self) -> Vec<Vec<String>> {
        let mut table = vec![heading([
            "matter",
            "opened",
            "closed",
            "kind",
            "severity",
            "building",
            "department",
            "owner",
            "reopened",
            "merged",
        ])];
        table.extend(self.matters.iter().map(|row| {
            vec![
                row.id.clone(),
                row.opened.to_string(),
                some(row.closed),
                row.kind.clone(),
                row.severity.clone(),
                row.building.clone(),
                row.department.clone(),
                row.owner.clone(),
                row.reopened.to_string(),
                flag(row.merged),
            ]
        }));
        table
    }

    fn clocks_table(&self) -> Vec<Vec<String>> {
        let mut table = vec![heading(["matter", "name", "kind", "department", "due", "ended"])];
        table.extend(self.clocks.iter().map(|row| {
            vec![
                row.matter.clone(),
                row.name.clone(),
                row.kind.clone(),
                row.department.clone(),
                utc(row.due),
                row.ended.map(utc).unwrap_or_default(),
            ]
        }));
        table
    }

    fn visits_table(&self) -> Vec<Vec<String>> {
        let mut table =
            vec![heading(["visit", "matter", "kind", "department", "until", "state", "satisfied"])];
        table.extend(self.visits.iter().map(|row| {
            vec![
                row.id.to_string(),
                row.matter.clone(),
                row.kind.clone(),
                row.department.clone(),
                row.until.to_string(),
                row.state.clone(),
                some(row.satisfied),
            ]
        }));
        table
    }

    fn outages_table(&self) -> Vec<Vec<String>> {
        let mut table = vec![heading(["kind", "name", "began", "ended"])];
        table.extend(
            self.outages
                .iter()
                .map(|row| vec![row.kind.clone(), row.name.clone(), utc(row.began), utc(row.ended)]),
        );
        table
    }
}
