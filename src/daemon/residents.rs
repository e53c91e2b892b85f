//! What `hotlined residents` does.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use chrono::Utc;

use super::{
    clock,
    commands::{Files, read, runtime},
    wiring::Configuration,
};
use crate::{
    console::{lists, sheet},
    desk::{
        access::{Access, Deed},
        number::Number,
        resident::{self, ResidentId, import},
    },
    store::{
        audit::Hand,
        edit::Editor,
        reader::Reader,
        residents::{DryRun, ResidentFilter},
    },
};

/// What a person wants of the residents' list.
#[derive(Debug, Clone)]
pub enum Wish {
    /// Take over a CSV or xlsx file, or only look at it.
    Import { file: PathBuf, dry: DryRun },
    /// Write the whole list to a file (by its ending CSV or xlsx), or as CSV to standard output.
    Export { file: Option<PathBuf> },
    /// Find by number, room, name or initials.
    Find { text: String, limit: u32 },
    /// One more number for a resident.
    Bind { id: i64, number: String },
    /// Take one off the list.
    Remove { id: i64 },
}

/// Does what is wished, in the name of `by`.
///
/// # Errors
/// The file has faults (each with its row), or the database does not work.
pub fn residents(files: &Files, wish: Wish, by: &str) -> anyhow::Result<()> {
    let configuration = read(files)?;
    runtime()?.block_on(async {
        let hand = hand(&configuration, by);
        match wish {
            Wish::Import { file, dry } => take_over(&configuration, &file, dry, hand).await,
            Wish::Export { file } => export(&configuration, file.as_deref(), hand).await,
            Wish::Find { text, limit } => find(&configuration, text, limit, hand).await,
            Wish::Bind { id, number } => {
                let number: Number = import::number(&number).map_err(|why| anyhow!(why))?;
                let editor = editor(&configuration).await?;
                let numbering = configuration.rules.office.numbering.clone();
                editor.bind_number(ResidentId(id), number, numbering, hand).await?;
                println!("bound to resident {id}");
                Ok(())
            }
            Wish::Remove { id } => {
                editor(&configuration).await?.remove_resident(ResidentId(id), hand).await?;
                println!("resident {id} is off the list");
                Ok(())
            }
        }
    })
}

/// The desk's clock and a name.
pub(super) fn hand(configuration: &Configuration, by: &str) -> Hand {
    let zone = configuration.rules.house.rota.zone();
    let now: chrono::DateTime<Utc> = clock::now().wall;
    Hand { by: by.to_owned(), at: now.with_timezone(&zone).fixed_offset() }
}

/// Opens the database for changes, making it where it is missing.
pub(super) async fn editor(configuration: &Configuration) -> anyhow::Result<Editor> {
    Ok(Editor::open(&configuration.daemon.database).await?)
}

async fn take_over(
    configuration: &Configuration,
    file: &Path,
    dry: DryRun,
    hand: Hand,
) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
    let rows = sheet::read(&bytes).with_context(|| file.display().to_string())?;
    let list = import::read(&rows).map_err(|faults| {
        let count = faults.len();
        let lines: Vec<String> = faults.iter().map(|f| format!("{}: {f}", file.display())).collect();
        anyhow!("{}\n{count} faults, nothing was imported", lines.join("\n"))
    })?;
    if !list.ignored.is_empty() {
        println!("columns left out: {}", list.ignored.join(", "));
    }
    let entries: Vec<resident::Entry> = list.entries.into_iter().map(|(_, entry)| entry).collect();
    let count = entries.len();
    let numbering = configuration.rules.office.numbering.clone();
    let done = editor(configuration).await?.import_residents(entries, numbering, dry, hand).await?;
    let how = match dry {
        DryRun::Yes => "would be",
        DryRun::No => "were",
    };
    println!(
        "{} residents: {} {how} added, {} changed, {} are the same",
        count, done.added, done.changed, done.same
    );
    Ok(())
}

async fn export(configuration: &Configuration, file: Option<&Path>, hand: Hand) -> anyhow::Result<()> {
    let reader = Reader::open(&configuration.daemon.database).await?;
    let all = ResidentFilter { limit: u32::MAX, ..ResidentFilter::default() };
    let residents = reader.residents(&all, &configuration.rules.office.numbering).await?;
    let rows = resident::sheet::rows(&residents);
    let to = file.map_or_else(|| "standard output".to_owned(), |file| file.display().to_string());
    // On record before anybody has it.
    editor(configuration).await?.log_access(access(hand, Deed::Exported, to.clone())).await?;
    save(&rows, "residents", file)?;
    if file.is_some() {
        println!("{} residents in {to}", residents.len());
    }
    Ok(())
}

/// Writes rows to a file, xlsx by its ending and CSV otherwise; to standard output as CSV.
pub(super) fn save(rows: &[Vec<String>], name: &str, file: Option<&Path>) -> anyhow::Result<()> {
    let Some(file) = file else {
        return std::io::stdout().write_all(&sheet::csv(rows)).context("standard output");
    };
    let bytes = match file.extension().and_then(|ending| ending.to_str()) {
        Some("xlsx") => sheet::xlsx(name, rows)?,
        Some("csv") => sheet::csv(rows),
        Some(_) | None => bail!("{}: expected a name that ends in .csv or .xlsx", file.display()),
    };
    std::fs::write(file, bytes).with_context(|| format!("can't write {}", file.display()))
}

/// A line of the access log: residents' data was read.
fn access(hand: Hand, what: Deed, of: String) -> Access {
    Access { at: hand.at.to_utc(), who: hand.by, what, ticket: None, words: format!("residents: {of}") }
}

async fn find(configuration: &Configuration, text: String, limit: u32, hand: Hand) -> anyhow::Result<()> {
    let reader = Reader::open(&configuration.daemon.database).await?;
    let filter = ResidentFilter { text, limit, ..ResidentFilter::default() };
    let found = reader.residents(&filter, &configuration.rules.office.numbering).await?;
    editor(configuration).await?.log_access(access(hand, Deed::LookedUp, filter.text)).await?;
    print!("{}", lists::residents_table(&found));
    Ok(())
}
