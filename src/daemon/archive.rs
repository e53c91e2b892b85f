//! Looks after the recordings, on a thread of its own: both sides of the link between file and ticket are swept
//! at the start and every night, what retention says is due goes, and when the disk is at its floor the oldest
//! that may go early go. It guesses nothing: what fits no ticket is reported and left where it is.
//!
//! Reading starts at [`Archive::start`]; [`sweep`] and [`survey`] also serve the command line.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{clock, commands};
use crate::{
    desk::{
        outage::{Edge, OutageChange, Subject},
        retention::{self, Case, Fate, Retention, State},
        ticket::TicketId,
    },
    media::recorder::{
        archive::{self, Lying},
        repair,
    },
    store::{
        archive::{Candidate, Filed},
        chain::{Erased, Erasure},
        edit::Editor,
        error::StoreError,
        facts::RepairedRecording,
        reader::Reader,
        writer::Writer,
    },
    switch::Now,
    trace::keeper,
};

/// How often the disk is looked at. In 10 s a hundred calls write 32 MB; the floor is 500.
const LOOK: Duration = Duration::from_secs(10);

/// A file that was written within this time may belong to a call that is not in the database yet.
const FRESH: Duration = Duration::from_secs(600);

/// Recordings that go at most in one look at a full disk, so that a wrong floor empties nothing in one go.
const MOST_AT_ONCE: usize = 100;

/// A clock that runs away from the monotonic one by more than this is not believed for a deletion.
const CLOCK_SLIP: TimeDelta = TimeDelta::hours(26);

/// A newest ticket this far from today makes the date doubtful: a hotline has calls.
const SILENT_DAYS: u64 = 60;

/// Orphans that are listed; of more only their number is told.
const MOST_LISTED: usize = 1_000;

/// Days by which the rate of recording is judged.
const RATE_DAYS: u32 = 28;

/// What the archive goes by; a reload of the house rules replaces the second half.
#[derive(Debug, Clone)]
pub(super) struct ArchiveSettings {
    pub(super) database: PathBuf,
    pub(super) recordings: PathBuf,
    pub(super) traces: PathBuf,
    /// Bytes that must stay free.
    pub(super) floor: u64,
    pub(super) rules: Rules,
}

/// What the house rules say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) zone: Tz,
    pub(super) retention: Retention,
}

/// The thread's handle; dropping it ends the thread after what it does at the moment.
#[derive(Debug)]
pub(super) struct Archive {
    rules: Option<Sender<Rules>>,
    thread: Option<JoinHandle<()>>,
}

impl Archive {
    pub(super) fn start(settings: ArchiveSettings, writer: Writer) -> anyhow::Result<Self> {
        let (rules, changed) = channel();
        let runtime = commands::runtime()?;
        let thread = std::thread::Builder::new().name("archive".to_owned()).spawn(move || {
            let begin = clock::now();
            let editor = Editor::through(writer.clone());
            let mut keeper =
                Keeper { settings, editor, writer, begin, swept: false, last_night: None, full: false };
            keeper.run(&runtime, &changed);
        })?;
        Ok(Self { rules: Some(rules), thread: Some(thread) })
    }

    /// From now on by these rules.
    pub(super) fn reload(&self, rules: Rules) {
        if let Some(sender) = &self.rules
            && sender.send(rules).is_err()
        {
            tracing::error!("the archive's thread has ended");
        }
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.rules = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the archive's thread has panicked");
        }
    }
}

struct Keeper {
    settings: ArchiveSettings,
    editor: Editor,
    writer: Writer,
    begin: Now,
    /// The sweep of the start has been done.
    swept: bool,
    /// The local day of the last night's work; a start counts as one.
    last_night: Option<NaiveDate>,
    /// An alarm about the disk was raised.
    full: bool,
}

impl Keeper {
    fn run(&mut self, runtime: &tokio::runtime::Runtime, changed: &Receiver<Rules>) {
        loop {
            if let Err(error) = runtime.block_on(self.look(clock::now())) {
                // The database is away, or the disk: both are told by those who need them more.
                tracing::debug!(%error, "archive: tried again");
            }
            match changed.recv_timeout(LOOK) {
                Ok(rules) => self.settings.rules = rules,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    async fn look(&mut self, now: Now) -> anyhow::Result<()> {
        let reader = Reader::open(&self.settings.database).await?;
        let done = self.work(&reader, now).await;
        reader.close().await;
        done
    }

    async fn work(&mut self, reader: &Reader, now: Now) -> anyhow::Result<()> {
        let today = now.wall.with_timezone(&self.settings.rules.zone).date_naive();
        if !self.swept {
            self.sweep(reader, now).await?;
            self.swept = true;
        }
        if self.last_night != Some(today) {
            if self.last_night.is_some() {
                self.sweep(reader, now).await?;
            }
            if self.clock_is_sure(reader, now, today).await? {
                self.retention(reader, now, today).await?;
                self.forget_traces(reader, today).await?;
            }
            self.last_night = Some(today);
        }
        self.floor(reader, now, today).await
    }

    async fn sweep(&self, reader: &Reader, now: Now) -> anyhow::Result<()> {
        let recordings = &self.settings.recordings;
        // What was written before this daemon began is an earlier one's, however fresh.
        let settled = if self.swept { now.wall - FRESH } else { self.begin.wall };
        let found = sweep(reader, recordings, Some(settled)).await?;
        for recording in &found.to_tie {
            tracing::warn!(ticket = %recording.ticket, "a finished recording found its ticket again");
            self.editor.tie_recording(recording.clone()).await?;
        }
        for path in &found.left_behind {
            tracing::warn!(path = %path.display(), "deleted in order before, and gone now");
            archive::unlink(recordings, path)?;
        }
        let edge = if found.is_clean() { Edge::Ended } else { Edge::Began };
        if !found.is_clean() {
            tracing::error!("{}; `hotlined orphans` lists them", found.words());
        }
        self.alarm(Subject::Recordings, edge, now.wall, found.words());
        Ok(())
    }

    /// Whether today is really today: a clock that was set a year ahead must not empty the archive.
    async fn clock_is_sure(&self, reader: &Reader, now: Now, today: NaiveDate) -> Result<bool, StoreError> {
        let passed = now.mono.saturating_duration_since(self.begin.mono);
        let expected = self.begin.wall + passed;
        if (now.wall - expected).abs() > CLOCK_SLIP {
            tracing::error!("the clock was set by more than a day: nothing is deleted until a restart");
            return Ok(false);
        }
        let Some(newest) = reader.newest_day().await? else { return Ok(true) };
        let sure = newest.checked_add_days(Days::new(SILENT_DAYS)).is_some_and(|end| today <= end);
        if !sure {
            tracing::error!(%newest, %today, "no call for {SILENT_DAYS} days: is the date right? Nothing is deleted");
        }
        Ok(sure)
    }

    async fn retention(&self, reader: &Reader, now: Now, today: NaiveDate) -> anyhow::Result<()> {
        let rules = self.settings.rules.retention;
        let mut after = None;
        loop {
            let page = reader.candidates(rules.youngest(today), after, 500).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.ticket);
            for candidate in &page {
                if let Fate::Due(why) = rules.fate(&case(candidate), today) {
                    self.delete(candidate.ticket, why, now.wall).await?;
                }
            }
        }
    }

    /// Below the floor the oldest that may go early go; the alarm says if that is not enough.
    async fn floor(&mut self, reader: &Reader, now: Now, today: NaiveDate) -> anyhow::Result<()> {
        let (dir, floor) = (&self.settings.recordings, self.settings.floor);
        let mut free = archive::free_bytes(dir)?;
        if free >= floor {
            if std::mem::take(&mut self.full) {
                self.alarm(Subject::Disk, Edge::Ended, now.wall, "there is room again".to_owned());
            }
            return Ok(());
        }
        let rules = self.settings.rules.retention;
        let (mut after, mut gone) = (None, 0);
        if self.clock_is_sure(reader, now, today).await? {
            'pages: loop {
                let page = reader.candidates(rules.youngest(today), after, 500).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.ticket);
                for candidate in &page {
                    if free >= floor || gone >= MOST_AT_ONCE {
                        break 'pages;
                    }
                    if rules.may_go_early(&case(candidate), today) {
                        self.delete(candidate.ticket, "the disk was full".to_owned(), now.wall).await?;
                        gone += 1;
                        free = archive::free_bytes(dir)?;
                    }
                }
            }
        }
        if gone > 0 {
            tracing::warn!(gone, free, floor, "disk at its floor: the oldest recordings went");
        }
        if free < floor && gone < MOST_AT_ONCE && !self.full {
            self.full = true;
            let why = "below its floor, and no recording may go: calls go on, nothing is recorded".to_owned();
            tracing::error!(free, floor, why, "disk");
            self.alarm(Subject::Disk, Edge::Began, now.wall, why);
        }
        Ok(())
    }

    async fn delete(&self, ticket: TicketId, reason: String, at: DateTime<Utc>) -> anyhow::Result<()> {
        let what = Erased::Recording;
        let erasure =
            Erasure { at, ticket, what, reason: reason.clone(), ordered_by: "the house rules".to_owned() };
        if let Some(path) = self.editor.delete_recording(erasure).await? {
            archive::unlink(&self.settings.recordings, &path)?;
            keeper::forget(&self.settings.traces, ticket)?;
            tracing::info!(%ticket, reason, "recording deleted");
        }
        Ok(())
    }

    /// What calls without a recording saw goes after the time of an enquiry.
    async fn forget_traces(&self, reader: &Reader, today: NaiveDate) -> anyhow::Result<()> {
        let days = Days::new(self.settings.rules.retention.enquiry_days.into());
        let Some(until) = today.checked_sub_days(days) else { return Ok(()) };
        let old = keeper::tickets_until(&self.settings.traces, until)?;
        let filed = reader.filed(&old).await?;
        for ticket in old {
            if filed.get(&ticket).is_none_or(|filed| filed.path.is_none()) {
                keeper::forget(&self.settings.traces, ticket)?;
            }
        }
        Ok(())
    }

    fn alarm(&self, subject: Subject, edge: Edge, at: DateTime<Utc>, reason: String) {
        self.writer.outage(OutageChange { subject, at, edge, reason });
    }
}

fn case(candidate: &Candidate) -> Case<'_> {
    Case {
        kind: candidate.kind.as_deref(),
        received: candidate.ticket.day,
        state: candidate.closed.map_or(State::Open, |on| State::Closed { on }),
        is_held: candidate.is_held,
    }
}

/// What does not fit between the recordings folder and the database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    /// Files whose ticket, by their name, has none: a crash came between the file's end and its row.
    to_tie: Vec<RepairedRecording>,
    /// Files whose certificate is in the chain, and that a crash kept from being unlinked.
    left_behind: Vec<PathBuf>,
    /// Files that fit no ticket, and why; at most 1,000.
    pub(super) orphans: Vec<(PathBuf, String)>,
    /// Tickets whose file is not there.
    pub(super) missing: Vec<(TicketId, PathBuf)>,
    /// How many of both were found, listed or not.
    found: (usize, usize),
}

impl Swept {
    fn is_clean(&self) -> bool {
        self.found == (0, 0)
    }

    /// In one line.
    pub(super) fn words(&self) -> String {
        if self.is_clean() {
            return "every recording has its ticket, every ticket its recording".to_owned();
        }
        let (orphans, missing) = self.found;
        format!("{orphans} recordings without a ticket, {missing} tickets without their recording")
    }

    /// Finds the ticket of one file.
    fn file(&mut self, recordings: &Path, file: Lying, filed: &BTreeMap<TicketId, Filed>) {
        let Some(ticket) = file.ticket else { return self.orphan(file.path, "its name is no ticket's") };
        let Some(known) = filed.get(&ticket) else {
            return self.orphan(file.path, "the database knows no such ticket");
        };
        match &known.path {
            _ if !known.ended => {}
            Some(path) if *path == file.path => {}
            Some(_) => self.orphan(file.path, "its ticket has another recording"),
            None if file.is_part => self.orphan(file.path, "unfinished, and could not be repaired"),
            None if known.deleted => self.left_behind.push(file.path),
            None => match repair::measure(&recordings.join(&file.path)) {
                Ok((samples, sample_rate)) => {
                    let path = file.path;
                    self.to_tie.push(RepairedRecording { ticket, path, samples, sample_rate });
                }
                Err(error) => self.orphan(file.path, &format!("does not play: {error}")),
            },
        }
    }

    fn orphan(&mut self, path: PathBuf, why: &str) {
        self.found.0 += 1;
        if self.orphans.len() < MOST_LISTED {
            self.orphans.push((path, why.to_owned()));
        }
    }
}

/// Compares the recordings folder with the database, from both sides; changes nothing. Files written after
/// `settled` are left out: their calls may not be in the database yet.
pub(super) async fn sweep(
    reader: &Reader,
    recordings: &Path,
    settled: Option<DateTime<Utc>>,
) -> anyhow::Result<Swept> {
    let mut swept = Swept::default();
    let mut after = None;
    loop {
        let page = reader.files_after(after, 1_000).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (ticket, path) in page {
            if !recordings.join(&path).try_exists()? {
                swept.found.1 += 1;
                if swept.missing.len() < MOST_LISTED {
                    swept.missing.push((ticket, path));
                }
            }
        }
    }
    let settled = settled.map(std::time::SystemTime::from);
    // A folder at a time: years of recordings need not fit into the memory.
    for folder in archive::folders(recordings)? {
        let mut files = archive::recordings_in(recordings, &folder)?;
        files.retain(|file| settled.is_none_or(|settled| file.modified.is_none_or(|at| at <= settled)));
        let tickets: Vec<TicketId> = files.iter().filter_map(|file| file.ticket).collect();
        let filed = reader.filed(&tickets).await?;
        for file in files {
            swept.file(recordings, file, &filed);
        }
    }
    Ok(swept)
}

/// How the disk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) free: u64,
    pub(super) floor: u64,
    /// Bytes recorded in the last weeks, and in how many days.
    pub(super) recorded: u64,
    pub(super) days: u32,
    /// Whole days until the floor at that rate; `None`: nothing was recorded.
    pub(super) lasts: Option<u64>,
}

/// Looks at the disk, and at what was recorded in the last four weeks.
pub(super) async fn survey(
    reader: &Reader,
    recordings: &Path,
    floor: u64,
    today: NaiveDate,
) -> anyhow::Result<Survey> {
    let from = today.checked_sub_days(Days::new(RATE_DAYS.into())).unwrap_or(today);
    let recorded = reader.recorded_since(from).await?;
    let since = recorded.since.unwrap_or(today);
    let days = u32::try_from(today.signed_duration_since(since).num_days().max(0)).unwrap_or(0) + 1;
    let free = archive::free_bytes(recordings)?;
    let lasts = retention::disk_lasts(free, floor, recorded.bytes, days);
    Ok(Survey { free, floor, recorded: recorded.bytes, days, lasts })
}

impl std::fmt::Display for Survey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gb = |bytes: u64| {
            let tenths = bytes / 100_000_000;
            format!("{}.{} GB", tenths / 10, tenths % 10)
        };
        write!(f, "{} free, {} of it kept free; ", gb(self.free), gb(self.floor))?;
        match self.lasts {
            None => write!(f, "nothing was recorded in the last weeks"),
            Some(days) => write!(
                f,
                "the disk lasts {days} days at the rate of the last {} ({} recorded)",
                self.days,
                gb(self.recorded)
            ),
        }
    }
}

/// Takes a list of files away; those that refuse are told.
pub(super) fn unlink_all(recordings: &Path, files: &[PathBuf]) -> io::Result<()> {
    files.iter().try_for_each(|file| archive::unlink(recordings, file))
}

#[cfg(test)]
mod tests;
