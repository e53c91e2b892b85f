//! Writes the figures of each finished day, week, month and quarter, with the rows that they are counted from, into a
//! folder of their own, once. What is missing after a pause is written at the next look.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{clock, commands::runtime, figures};
use crate::{
    desk::{figures::period::reported, office::Office},
    store::reader::Reader,
};

/// How often it is looked for what is missing. Soon enough after midnight; a look costs five names of folders.
const LOOK: Duration = Duration::from_secs(600);

/// Runs until `office`'s sender is gone. Counting has a thread of its own: it takes seconds, and the loop has none.
pub(super) async fn keep(dir: PathBuf, database: PathBuf, mut office: watch::Receiver<Office>) {
    loop {
        let rules = office.borrow_and_update().clone();
        let (dir, database, now) = (dir.clone(), database.clone(), clock::now().wall);
        let written = tokio::task::spawn_blocking(move || write_missing(&dir, &database, &rules, now)).await;
        match written {
            Ok(Ok(names)) => names.iter().for_each(|name| tracing::info!(name, "figures written")),
            Ok(Err(error)) => tracing::error!("figures not written, tried again later: {error:#}"),
            Err(error) => tracing::error!(%error, "figures not written"),
        }
        if matches!(tokio::time::timeout(LOOK, office.changed()).await, Ok(Err(_))) {
            break;
        }
    }
}

/// Writes what is not there yet; answers with the names of what it wrote. A folder has its name only when it is whole.
fn write_missing(
    dir: &Path,
    database: &Path,
    office: &Office,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<String>> {
    let today = office.calendar.day(now);
    let missing: Vec<_> = reported(today).into_iter().filter(|(name, _)| !dir.join(name).exists()).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("can't make {}", dir.display()))?;
    let mut written = Vec::new();
    for (name, period) in missing {
        let rows = runtime()?.block_on(async {
            let reader = Reader::open(database).await?;
            let rows = reader.figure_rows(period, &office.calendar, now).await;
            reader.close().await;
            rows
        })?;
        let part = dir.join(format!(".{name}.part"));
        if part.exists() {
            fs::remove_dir_all(&part).with_context(|| format!("can't clear {}", part.display()))?;
        }
        figures::write(&part, &rows, period, office, office.calendar.local(now))?;
        let whole = dir.join(&name);
        fs::rename(&part, &whole).with_context(|| format!("can't name {}", whole.display()))?;
        written.push(name);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::edit::Editor;

    #[test]
    fn each_finished_period_is_written_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, database) = (folder.path().join("reports"), folder.path().join("hotlined.db"));
        runtime().unwrap().block_on(async { Editor::open(&database).await.map(drop) }).unwrap();
        let now = "2026-12-25T01:00:00Z".parse().unwrap();
        let office = Office::default();
        // What an end in the middle left behind is in nobody's way.
        fs::create_dir_all(dir.join(".month-2026-11.part")).unwrap();
        let written = write_missing(&dir, &database, &office, now).unwrap();
        let names = [
            "day-2026-12-24",
            "week-2026-12-14",
            "month-2026-11",
            "quarter-2026-3",
            "quarter-2026-4-until-2026-12-25",
        ];
        assert_eq!(written, names);
        for name in names {
            for file in ["figures", "calls", "matters", "clocks", "visits", "outages"] {
                assert!(dir.join(name).join(format!("{file}.csv")).exists(), "{name}/{file}");
            }
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count(), names.len());
        assert_eq!(write_missing(&dir, &database, &office, now).unwrap(), Vec::<String>::new());
    }
}
