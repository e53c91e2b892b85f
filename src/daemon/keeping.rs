//! The commands that look after recordings: what fits no ticket, how long the disk lasts, what must stay, and what
//! must go because somebody asked. They work with or without a running daemon.

use anyhow::bail;

use super::{
    archive, clock,
    commands::{Files, read, runtime},
    wiring,
};
use crate::{
    console::transcript as show,
    desk::{
        access::{Access, Deed},
        retention,
        ticket::TicketId,
    },
    store::{edit::Editor, reader::Reader},
    trace::keeper,
};

/// Who is on record for what is done here.
const BY: &str = "command line";

/// A line of the access log.
fn on_record(what: Deed, ticket: Option<TicketId>, words: String) -> Access {
    Access { at: clock::now().wall, who: BY.to_owned(), what, ticket, words }
}

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

/// Finds what was said.
///
/// # Errors
/// Nobody said it, or the database can't be read.
pub fn search(files: &Files, text: &str, limit: u32) -> anyhow::Result<()> {
    let database = read(files)?.daemon.database;
    let text = text.trim();
    if text.is_empty() {
        bail!("nothing was asked for");
    }
    let said = runtime()?.block_on(async {
        let said = Reader::open(&database).await?.search(text, limit).await?;
        // Who looked into residents' calls for what is on record (`docs/evidence.md`).
        let words = format!("search in transcripts, {} places", said.len());
        Editor::open(&database).await?.log_access(on_record(Deed::LookedUp, None, words)).await?;
        anyhow::Ok(said)
    })?;
    if said.is_empty() {
        bail!("nobody said that in a call that was transcribed");
    }
    print!("{}", show::found(&said));
    Ok(())
}

/// Shows what was said in one call.
///
/// # Errors
/// There is no transcript, or the database can't be read.
pub fn transcript(files: &Files, id: &str) -> anyhow::Result<()> {
    let ticket: TicketId = id.parse()?;
    let database = read(files)?.daemon.database;
    let said = runtime()?.block_on(async {
        let said = Reader::open(&database).await?.transcript(ticket).await?;
        if !said.is_empty() {
            let words = "transcript".to_owned();
            Editor::open(&database).await?.log_access(on_record(Deed::LookedUp, Some(ticket), words)).await?;
        }
        anyhow::Ok(said)
    })?;
    if said.is_empty() {
        bail!("there is no transcript of {ticket}");
    }
    print!("{}", show::transcript(&said));
    Ok(())
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
    let held = runtime()?.block_on(async {
        let editor = Editor::open(&database).await?;
        let words = format!("hold: {reason}");
        let held = editor.hold(ticket, reason, BY.to_owned(), now).await?;
        if held {
            editor.log_access(on_record(Deed::Changed, Some(ticket), words)).await?;
        }
        anyhow::Ok(held)
    })?;
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
    let released = runtime()?.block_on(async {
        let editor = Editor::open(&database).await?;
        let released = editor.release(ticket).await?;
        if released {
            editor.log_access(on_record(Deed::Changed, Some(ticket), "hold: taken back".to_owned())).await?;
        }
        anyhow::Ok(released)
    })?;
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
        let editor = Editor::open(&daemon.database).await?;
        let words = format!("a number: {reason}");
        let erased = editor.erase_number(ways, reason, BY.to_owned(), now).await?;
        if !erased.tickets.is_empty() || erased.residents > 0 {
            editor.log_access(on_record(Deed::Erased, None, words)).await?;
        }
        anyhow::Ok(erased)
    })?;
    archive::unlink_all(&daemon.recordings.dir, &erased.files)?;
    for ticket in &erased.tickets {
        keeper::forget(&daemon.traces.dir, *ticket)?;
    }
    if erased.tickets.is_empty() && erased.held.is_empty() && erased.residents == 0 {
        bail!("neither a ticket nor a resident has the number {number}");
    }
    println!(
        "{} tickets no longer say who it was; {} recordings are gone, each with its certificate; {} residents \
         are off the list",
        erased.tickets.len(),
        erased.files.len(),
        erased.residents
    );
    for ticket in &erased.held {
        println!("{ticket} is held and stays as it is: `hotlined release {ticket}` first");
    }
    Ok(())
}
