//! The commands that look after recordings: what fits no ticket, how long the disk lasts, what must stay, and what
//! must go because somebody asked. They work with or without a running daemon.

use anyhow::bail;

use super::{
    archive, clock,
    commands::{Files, read, runtime},
    wiring,
};
use crate::{
    desk::{retention, ticket::TicketId},
    store::{edit::Editor, reader::Reader},
    trace::keeper,
};

/// Who is on record for what is done here.
const BY: &str = "command line";

/// Lists recordings without a ticket and tickets without their recording; changes nothing.
///
/// # Errors
/// There are some, or the database or the folder can't be read.
pub fn orphans(files: &Files) -> anyhow::Result<()> {
    let daemon = read(files)?.daemon;
    let swept = runtime()?.block_on(async {
        let reader = Reader::open(&daemon.database).await?;
        archive::sweep(&reader, &daemon.recordings.dir, None).await
    })?;
    for (path, why) in &swept.orphans {
        println!("file    {}  {why}", daemon.recordings.dir.join(path).display());
    }
    for (ticket, path) in &swept.missing {
        println!("ticket  {ticket}  its recording is gone: {}", daemon.recordings.dir.join(path).display());
    }
    println!("{}", swept.words());
    if swept.orphans.is_empty() && swept.missing.is_empty() {
        return Ok(());
    }
    bail!("left as they are: nothing is guessed");
}

/// Says how long the disk lasts.
///
/// # Errors
/// The database or the disk can't be read.
pub fn disk(files: &Files) -> anyhow::Result<()> {
    println!("{}", survey(files)?);
    Ok(())
}

/// The disk in one line, for the status.
pub(super) fn survey(files: &Files) -> anyhow::Result<archive::Survey> {
    let configuration = read(files)?;
    let zone = configuration.rules.house.rota.zone.unwrap_or(chrono_tz::Asia::Shanghai);
    let today = clock::now().wall.with_timezone(&zone).date_naive();
    let daemon = configuration.daemon;
    runtime()?.block_on(async {
        let reader = Reader::open(&daemon.database).await?;
        archive::survey(&reader, &daemon.recordings.dir, wiring::floor(&daemon), today).await
    })
}

/// Keeps the recordings of a ticket's matter, whatever their age.
///
/// # Errors
/// There is no such ticket, or the database does not take it.
pub fn hold(files: &Files, id: &str, reason: &str) -> anyhow::Result<()> {
    let ticket: TicketId = id.parse()?;
    let database = read(files)?.daemon.database;
    let (reason, now) = (reason.to_owned(), clock::now().wall);
    let held = runtime()?
        .block_on(async { Editor::open(&database).await?.hold(ticket, reason, BY.to_owned(), now).await })?;
    if !held {
        bail!("there is no ticket {ticket}; `hotlined tickets` lists those that are");
    }
    println!("the recordings of {ticket}'s matter stay until `hotlined release {ticket}`");
    Ok(())
}

/// Takes a hold back.
///
/// # Errors
/// Nothing was held, or the database does not take it.
pub fn release(files: &Files, id: &str) -> anyhow::Result<()> {
    let ticket: TicketId = id.parse()?;
    let database = read(files)?.daemon.database;
    let released = runtime()?.block_on(async { Editor::open(&database).await?.release(ticket).await })?;
    if !released {
        bail!("nothing is held for {ticket}");
    }
    println!("the recordings of {ticket}'s matter stay as long as the house rules say");
    Ok(())
}

/// Erases a person by their number.
///
/// # Errors
/// No ticket has that number, a matter of theirs is held, or the database does not take it.
pub fn erase(files: &Files, number: &str, reason: &str) -> anyhow::Result<()> {
    let daemon = read(files)?.daemon;
    // An extension, or 110: nobody's alone.
    if number.chars().filter(char::is_ascii_digit).count() < 5 {
        bail!("{number} is not a person's number: at least five digits");
    }
    let ways = retention::ways_to_write(number);
    let (reason, now) = (reason.to_owned(), clock::now().wall);
    let erased = runtime()?.block_on(async {
        Editor::open(&daemon.database).await?.erase_number(ways, reason, BY.to_owned(), now).await
    })?;
    archive::unlink_all(&daemon.recordings.dir, &erased.files)?;
    for ticket in &erased.tickets {
        keeper::forget(&daemon.traces.dir, *ticket)?;
    }
    if erased.tickets.is_empty() {
        bail!("no ticket has the number {number}");
    }
    println!(
        "{} tickets no longer say who it was; {} recordings are gone; each has its certificate",
        erased.tickets.len(),
        erased.files.len()
    );
    for ticket in &erased.held {
        println!("{ticket} is held and stays as it is: `hotlined release {ticket}` first");
    }
    Ok(())
}
