//! What each command of the command line does. Words for people go to standard output, what went wrong
//! comes back as an error whose text says what to do.

use std::{
    cmp::Reverse,
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use chrono::{DateTime, NaiveDate, TimeZone, Utc};

use super::{clock, keeping, serve, wiring};
use crate::{
    config::settings::{Log, LogFormat, LogLevel},
    console::{
        control::{self, Command},
        evidence, json, listening, text, trace as show,
    },
    desk::{
        risk::{Risk, Weights, risk},
        ticket::{Ticket, TicketId},
    },
    store::{
        error::StoreError,
        reader::{Reader, TicketFilter},
    },
    trace,
};

/// The two configuration files.
#[derive(Debug, Clone)]
pub struct Files {
    pub daemon: PathBuf,
    pub house: PathBuf,
}

/// Which tickets a person wants listed.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub flagged: bool,
    pub since: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    /// Those most worth hearing first, with the reasons.
    pub by_risk: bool,
    pub limit: u32,
}

pub(super) fn read(files: &Files) -> anyhow::Result<wiring::Configuration> {
    wiring::read(&files.daemon, &files.house).map_err(|faults| anyhow!(wiring::faults_text(&faults)))
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// The configuration is wrong, or the daemon could not start.
pub fn serve(files: &Files) -> anyhow::Result<()> {
    let configuration = read(files)?;
    start_log(configuration.daemon.log);
    let settings = wiring::settings(configuration, &files.daemon, &files.house)?;
    runtime()?.block_on(serve::serve(
        settings,
        |ready| {
            for listener in &ready.listeners {
                tracing::info!(
                    transport = listener.transport.via_name(),
                    address = %listener.advertised,
                    "listening"
                );
            }
            tracing::info!(control = %ready.control.display(), "ready");
        },
        std::future::pending(),
    ))
}

/// One thread for signalling; media and the database have their own.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")
}

/// Lines to standard error; `RUST_LOG` overrides the level.
pub(super) fn start_log(log: Log) {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| format!("warn,hotlined={level}"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let set = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    // A second daemon in one process (the tests') keeps the first one's log.
    set.unwrap_or_else(|error| tracing::trace!(%error, "log"));
}

/// Checks both files.
///
/// # Errors
/// Every fault, a line each.
pub fn check_config(files: &Files) -> anyhow::Result<()> {
    let configuration = read(files)?;
    wiring::settings(configuration, &files.daemon, &files.house)?;
    println!("{} and {} are fine", files.daemon.display(), files.house.display());
    Ok(())
}

/// Lists tickets out of the database; the daemon need not run.
///
/// # Errors
/// The configuration or the database can't be read.
pub fn tickets(files: &Files, wanted: &Wanted, as_json: bool) -> anyhow::Result<()> {
    let configuration = read(files)?;
    let zone = configuration.rules.house.rota.zone.unwrap_or(chrono_tz::Asia::Shanghai);
    let midnight = |day| midnight(zone, day);
    let filter = TicketFilter {
        flagged: wanted.flagged,
        since: wanted.since.and_then(midnight),
        until: wanted.until.and_then(midnight),
        limit: wanted.limit,
        ..TicketFilter::default()
    };
    let database = configuration.daemon.database;
    if wanted.by_risk {
        let found = runtime()?.block_on(by_risk(&database, filter, &configuration.rules.risk))?;
        if as_json {
            println!("{}", serde_json::to_string_pretty(&found)?);
        } else {
            print!("{}", evidence::risky_table(&found));
        }
        return Ok(());
    }
    let tickets = runtime()?.block_on(async { Reader::open(&database).await?.tickets(&filter).await })?;
    if as_json {
        let tickets: Vec<json::Ticket> = tickets.iter().map(json::Ticket::from).collect();
        println!("{}", serde_json::to_string_pretty(&tickets)?);
    } else {
        print!("{}", text::tickets_table(&tickets));
    }
    Ok(())
}

/// Tickets that risk is reckoned for at most, the newest ones; 1,000 a day for three months.
const MOST_RECKONED: u32 = 100_000;

/// All that the filter wants, those with the most points first, of equal ones the newest.
async fn by_risk(
    database: &Path,
    filter: TicketFilter,
    weights: &Weights,
) -> Result<Vec<evidence::Risky>, StoreError> {
    let reader = Reader::open(database).await?;
    let most = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let tickets = reader.tickets(&TicketFilter { limit: MOST_RECKONED, ..filter }).await?;
    let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.id).collect();
    let heard = reader.heard(&ids).await?;
    let mut found: Vec<(Risk, &Ticket)> = tickets
        .iter()
        .filter_map(|ticket| {
            let heard = heard.get(&ticket.id)?;
            Some((risk(weights, heard.facts.as_ref(), &heard.circumstances), ticket))
        })
        .collect();
    found.sort_by_key(|(risk, ticket)| Reverse((risk.points, ticket.id)));
    found.truncate(most);
    Ok(found.iter().map(|(risk, ticket)| evidence::Risky::new(ticket, risk)).collect())
}

/// When a local day begins.
pub(super) fn midnight(zone: chrono_tz::Tz, day: NaiveDate) -> Option<DateTime<Utc>> {
    let start = day.and_hms_opt(0, 0, 0).unwrap_or_default();
    zone.from_local_datetime(&start).earliest().map(|at| at.to_utc())
}

/// Shows one ticket.
///
/// # Errors
/// There is no such ticket, or the database can't be read.
pub fn ticket(files: &Files, id: &str, as_json: bool) -> anyhow::Result<()> {
    let id: TicketId = id.parse()?;
    let configuration = read(files)?;
    let found = runtime()?.block_on(async {
        let reader = Reader::open(&configuration.daemon.database).await?;
        let page = reader.ticket(id).await?;
        let heard = reader.heard(&[id]).await?.remove(&id).unwrap_or_default();
        Ok::<_, StoreError>(page.map(|page| (page, heard)).zip(Some(reader.gaps(id).await?)))
    })?;
    let Some(((page, heard), gaps)) = found else {
        bail!("there is no ticket {id}; `hotlined tickets` lists those that are");
    };
    if as_json {
        println!("{}", serde_json::to_string_pretty(&json::TicketPage::from(&page))?);
        return Ok(());
    }
    let report = page.ticket.recording.as_ref().and_then(|recording| recording.report.as_ref());
    let risk = risk(&configuration.rules.risk, heard.facts.as_ref(), &heard.circumstances);
    print!("{}{}", text::ticket_page(&page), listening::page(report, &heard, &gaps, &risk));
    Ok(())
}

/// Shows a call's SIP messages, or writes them to a capture file.
///
/// # Errors
/// Nothing is kept of that ticket, or the file can't be written.
pub fn trace(files: &Files, id: &str, full: bool, pcap: Option<&Path>) -> anyhow::Result<()> {
    let id: TicketId = id.parse()?;
    let kept = trace::file::read(&read(files)?.daemon.traces.dir, id)?;
    if kept.messages.is_empty() {
        bail!("no SIP messages are kept of {id}: they are forgotten after traces.sip_days");
    }
    match pcap {
        None => print!("{}", show::messages(&kept, full)),
        Some(file) => {
            let mut capture =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(
                    || format!("can't write {}; a file that is there is left alone", file.display()),
                )?;
            capture.write_all(&trace::pcap::write(&kept.messages))?;
            println!("{} messages written to {}", kept.messages.len(), file.display());
        }
    }
    Ok(())
}

/// Runs a call again and shows what it did at each step.
///
/// # Errors
/// Nothing is kept of that ticket, or the call does something else today.
pub fn replay(files: &Files, id: &str) -> anyhow::Result<()> {
    let id: TicketId = id.parse()?;
    let kept = trace::file::read(&read(files)?.daemon.traces.dir, id)?;
    let Some(journal) = kept.head.journal else {
        bail!("{id} was refused before its call began: there is nothing to run again");
    };
    let replay = journal.replay(clock::now().mono);
    print!("{}", show::replay(id, &kept.head.version, &journal, &replay));
    if replay.differs.is_some() {
        bail!("{id} would go otherwise today");
    }
    Ok(())
}

/// Asks the running daemon what is going on.
///
/// # Errors
/// No daemon runs.
pub fn status(files: &Files, as_json: bool) -> anyhow::Result<()> {
    let socket = read(files)?.daemon.control_socket;
    let said = control::ask(&socket, &Command::Status).map_err(|error| anyhow!(error))?;
    if as_json {
        println!("{said:#}");
    } else {
        print!("{}", control::status_text(&said));
        match keeping::survey(files) {
            Ok(disk) => println!("disk    {disk}"),
            Err(error) => println!("disk    {error:#}"),
        }
    }
    Ok(())
}

/// Tells the running daemon something, and prints what it says.
///
/// # Errors
/// No daemon runs, or it refused.
pub fn control(files: &Files, command: &Command) -> anyhow::Result<()> {
    let socket = read(files)?.daemon.control_socket;
    let said = control::ask(&socket, command).map_err(|error| anyhow!(error))?;
    println!("{}", said.get("done").and_then(|word| word.as_str()).unwrap_or("done"));
    Ok(())
}
