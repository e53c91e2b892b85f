//! What `hotlined figures` and `hotlined handover` do.

use std::{
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use chrono::{NaiveDate, TimeDelta};

use super::{
    commands::{Files, read, runtime},
    residents::{hand, save},
    wiring::Configuration,
};
use crate::{
    console::{
        report::{self, HandOver},
        sheet,
    },
    desk::{
        figures::{figures, period::Period, row::Rows},
        office::Office,
        ticket::LocalTime,
    },
    store::reader::Reader,
};

/// Which days.
#[derive(Debug, Clone, Copy)]
pub enum Days {
    Today,
    Day(NaiveDate),
    Week(NaiveDate),
    Month(NaiveDate),
    Quarter(NaiveDate),
}

/// In what form.
#[derive(Debug, Clone)]
pub enum Form {
    Text,
    Json,
    /// To standard output.
    Csv,
    /// One workbook with the figures and all rows that they are counted from.
    Xlsx(PathBuf),
    /// A folder with `figures.csv` and a file for each table of rows.
    Folder(PathBuf),
}

/// Counts and writes the figures.
///
/// # Errors
/// The database can't be read, or the files can't be written.
pub fn print(files: &Files, days: Days, form: &Form) -> anyhow::Result<()> {
    let configuration = read(files)?;
    let office = &configuration.rules.office;
    let now = hand(&configuration, "").at;
    let period = match days {
        Days::Today => Period::day(now.date_naive()),
        Days::Day(day) => Period::day(day),
        Days::Week(day) => Period::week(day),
        Days::Month(day) => Period::month(day),
        Days::Quarter(day) => Period::quarter(day),
    };
    let rows = runtime()?.block_on(async {
        let reader = Reader::open(&configuration.daemon.database).await?;
        reader.figure_rows(period, &office.calendar, now.to_utc()).await
    })?;
    let counted = figures(&rows, period, office, now.to_utc());
    let table = report::rows(&counted, period, office, now);
    match form {
        Form::Text => print!("{}", report::text(&counted, period, office)),
        Form::Json => println!("{:#}", report::json(&counted, period, office)),
        Form::Csv => save(&table, "figures", None)?,
        Form::Xlsx(file) => {
            let mut sheets = vec![("figures", table)];
            sheets.extend(rows.tables());
            std::fs::write(file, sheet::workbook(&sheets)?)
                .with_context(|| format!("can't write {}", file.display()))?;
            println!("{} in {}", period.words(), file.display());
        }
        Form::Folder(folder) => {
            write(folder, &rows, period, office, now)?;
            println!("{} in {}", period.words(), folder.display());
        }
    }
    Ok(())
}

/// Writes `figures.csv` and a file for each table of rows into a folder, making it where it is missing.
pub(super) fn write(
    folder: &Path,
    rows: &Rows,
    period: Period,
    office: &Office,
    now: LocalTime,
) -> anyhow::Result<()> {
    let counted = figures(rows, period, office, now.to_utc());
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("can't make {}", folder.display()))?;
    save(&report::rows(&counted, period, office, now), "figures", Some(&folder.join("figures.csv")))?;
    for (name, table) in rows.tables() {
        save(&table, name, Some(&folder.join(format!("{name}.csv"))))?;
    }
    Ok(())
}

/// Lines of each list on the hand-over sheet; who has more has another problem.
const LINES: u32 = 50;

/// Prints what this shift leaves to the next.
///
/// # Errors
/// The database can't be read.
pub fn hand_over(files: &Files) -> anyhow::Result<()> {
    let configuration = read(files)?;
    print!("{}", runtime()?.block_on(sheet_of(&configuration))?);
    Ok(())
}

async fn sheet_of(configuration: &Configuration) -> anyhow::Result<String> {
    let (house, office) = (&configuration.rules.house, &configuration.rules.office);
    let now = hand(configuration, "").at;
    let duty = house.rota.on_duty(now.to_utc());
    let from = duty.as_ref().map_or(now.to_utc(), |duty| duty.starts);
    let length =
        duty.as_ref().map_or(TimeDelta::hours(8), |duty| duty.ends.signed_duration_since(duty.starts));
    let reader = Reader::open(&configuration.daemon.database).await?;
    // A shift may have begun yesterday; its calls are those that came since.
    let (first, last) = (office.calendar.day(from), now.date_naive());
    let Some(after) = last.succ_opt() else { bail!("the calendar ends here") };
    let period = Period { from: first, to: after };
    let mut rows = reader.figure_rows(period, &office.calendar, now.to_utc()).await?;
    if let Some(duty) = &duty {
        rows.calls.retain(|call| call.shift == duty.shift.name);
    }
    let sheet = HandOver {
        company: house.company.clone(),
        shift: duty.as_ref().map_or_else(|| "always".to_owned(), |duty| duty.shift.name.clone()),
        from: office.calendar.local(from),
        now,
        figures: figures(&rows, period, office, now.to_utc()),
        missed: reader.missed(&office.numbering, office.missed, now.to_utc()).await?,
        clocks: reader.clocks_due(now.to_utc() + length, LINES).await?,
        promises: reader.open_promises(LINES).await?,
        expected: reader.expected_orders(now.to_utc() + length, LINES).await?,
        visits: reader.visits_to_call(now.to_utc() + length, last, None, LINES).await?,
    };
    let directory = reader.directory(&office.numbering).await?;
    Ok(report::hand_over(&sheet, &directory, office))
}
