//! What the command line does with the chain of proof, and the anchor that the daemon keeps each day.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{
    clock,
    commands::{Files, midnight, read, runtime},
};
use crate::{
    console::evidence as show,
    desk::{chain::Anchor, ticket::TicketId},
    media::examination::sha256_of,
    store::{
        chain::verify::{self, Scope},
        error::StoreError,
        reader::Reader,
    },
};

/// How much a person wants checked.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub since: Option<NaiveDate>,
    pub ticket: Option<String>,
    /// An anchor that was kept elsewhere, as `hotlined anchor` printed it.
    pub anchor: Option<String>,
}

/// Checks the chain, every row and every file, and prints where it breaks first.
///
/// # Errors
/// It breaks somewhere, or the database can't be read.
pub fn verify(files: &Files, wanted: &Wanted) -> anyhow::Result<()> {
    let configuration = read(files)?;
    let daemon = configuration.daemon;
    let mut anchors = kept(&daemon.evidence.anchors)
        .with_context(|| format!("{} can't be read", daemon.evidence.anchors.display()))?;
    if let Some(line) = &wanted.anchor {
        anchors.push(line.parse()?);
    }
    let ticket = wanted.ticket.as_deref().map(str::parse::<TicketId>).transpose()?;
    let zone = configuration.rules.house.rota.zone.unwrap_or(Tz::Asia__Shanghai);
    let scope = Scope { since: wanted.since.and_then(|day| midnight(zone, day)), ticket, anchors };
    let recordings = daemon.recordings.dir;
    let found = runtime()?.block_on(async {
        let reader = Reader::open(&daemon.database).await?;
        let sha256 = |path: &Path| sha256_of(&recordings.join(path)).map_err(|error| error.to_string());
        verify::verify(&reader, &scope, sha256).await
    })?;
    print!("{}", show::verified(&found));
    match found.breaks.len() {
        0 => Ok(()),
        many => bail!("the chain of proof breaks in {many} places; docs/evidence.md says what that means"),
    }
}

/// Prints the end of the chain, to be kept elsewhere.
///
/// # Errors
/// The database can't be read.
pub fn anchor(files: &Files) -> anyhow::Result<()> {
    let database = read(files)?.daemon.database;
    println!("{}", runtime()?.block_on(now(&database, clock::now().wall))?);
    Ok(())
}

async fn now(database: &Path, at: DateTime<Utc>) -> Result<Anchor, StoreError> {
    let reader = Reader::open(database).await?;
    let anchor = verify::anchor(&reader, at).await;
    reader.close().await;
    anchor
}

/// The anchors of a file, a line each; none where there is no file. Lines that are no anchors are a
/// person's notes.
fn kept(file: &Path) -> io::Result<Vec<Anchor>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Adds a line to the file of anchors once a day.
#[derive(Debug)]
pub(super) struct DailyAnchor {
    file: PathBuf,
    zone: Tz,
    /// The local day of the last line; `None`: the file was not looked at yet.
    last: Option<NaiveDate>,
}

impl DailyAnchor {
    /// For this file, and days in this zone.
    pub(super) fn new(file: PathBuf, zone: Tz) -> Self {
        Self { file, zone, last: None }
    }

    /// Writes today's line, if it is not there yet, and says it.
    pub(super) async fn keep(
        &mut self,
        database: &Path,
        at: DateTime<Utc>,
    ) -> anyhow::Result<Option<Anchor>> {
        let day_of = |at: DateTime<Utc>| at.with_timezone(&self.zone).date_naive();
        let today = day_of(at);
        if self.last.is_none() {
            self.last = kept(&self.file)?.last().map(|anchor| day_of(anchor.at));
        }
        // A clock that was set back waits until its day comes again.
        if self.last.is_some_and(|last| last >= today) {
            return Ok(None);
        }
        let anchor = now(database, at).await?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file)?;
        writeln!(file, "{anchor}")?;
        file.sync_data()?;
        self.last = Some(today);
        Ok(Some(anchor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        fixture::utc_at,
        writer::{StoreSettings, prepare},
    };

    #[tokio::test]
    async fn an_anchor_is_written_once_a_local_day_also_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("hotlined.db");
        prepare(&StoreSettings::new(&database)).await.unwrap();
        let file = folder.path().join("anchors.txt");
        let daily = || DailyAnchor::new(file.clone(), Tz::Asia__Shanghai);
        let mut first = daily();
        assert!(first.keep(&database, utc_at("23:50:00.000")).await.unwrap().is_some());
        assert_eq!(first.keep(&database, utc_at("23:59:00.000")).await.unwrap(), None);
        assert_eq!(daily().keep(&database, utc_at("23:59:30.000")).await.unwrap(), None);
        let next = utc_at("23:59:30.000") + chrono::Duration::minutes(1);
        let anchor = daily().keep(&database, next).await.unwrap().unwrap();
        assert_eq!(anchor.seq, 0);
        assert_eq!(kept(&file).unwrap().len(), 2);
        assert_eq!(fs::read_to_string(&file).unwrap().lines().last(), Some(anchor.to_string().as_str()));
    }
}
