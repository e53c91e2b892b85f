//! The arguments of `hotlined figures`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use hotlined::daemon::figures::{Days, Form};

use super::ConfigFiles;

/// Count a day, a week, a month or a quarter; each figure says how, and what it leaves out.
#[derive(Debug, Args)]
pub(crate) struct Figures {
    /// 2026-11-24; today where nothing is said.
    #[arg(long)]
    day: Option<NaiveDate>,
    /// The week around a day: 2026-11-24.
    #[arg(long, conflicts_with = "day")]
    week: Option<NaiveDate>,
    /// 2026-11
    #[arg(long, value_parser = month, conflicts_with_all = ["day", "week"])]
    month: Option<NaiveDate>,
    /// 2026-4
    #[arg(long, value_parser = quarter, conflicts_with_all = ["day", "week", "month"])]
    quarter: Option<NaiveDate>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// As CSV for Excel, to standard output.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// A workbook with the figures and all rows that they are counted from.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "csv"])]
    xlsx: Option<PathBuf>,
    /// A folder for figures.csv and a file for each table of rows.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["json", "csv", "xlsx"])]
    rows: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) files: ConfigFiles,
}

fn month(text: &str) -> Result<NaiveDate, String> {
    format!("{text}-01").parse().map_err(|_| "expected a month such as 2026-11".to_owned())
}

fn quarter(text: &str) -> Result<NaiveDate, String> {
    let expected = || "expected a quarter such as 2026-4".to_owned();
    let (year, quarter) = text.split_once('-').ok_or_else(expected)?;
    let quarter: u32 = quarter.trim_start_matches(['q', 'Q']).parse().map_err(|_| expected())?;
    let year: i32 = year.parse().map_err(|_| expected())?;
    (1..=4)
        .contains(&quarter)
        .then(|| NaiveDate::from_ymd_opt(year, quarter * 3 - 2, 1))
        .flatten()
        .ok_or_else(expected)
}

impl Figures {
    pub(crate) fn wanted(&self) -> (Days, Form) {
        let days = match (self.day, self.week, self.month, self.quarter) {
            (Some(day), _, _, _) => Days::Day(day),
            (None, Some(day), _, _) => Days::Week(day),
            (None, None, Some(day), _) => Days::Month(day),
            (None, None, None, Some(day)) => Days::Quarter(day),
            (None, None, None, None) => Days::Today,
        };
        let form = match (&self.xlsx, &self.rows) {
            (Some(file), _) => Form::Xlsx(file.clone()),
            (None, Some(folder)) => Form::Folder(folder.clone()),
            (None, None) if self.json => Form::Json,
            (None, None) if self.csv => Form::Csv,
            (None, None) => Form::Text,
        };
        (days, form)
    }
}
