//! The recorder's other thread: the one that waits for the disk. It syncs each growing file once an
//! interval, staggered, and at the end syncs it, gives it its final name, and tells. However slow the
//! disk is, nothing but this thread waits for it; what came late is counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    time::{Duration, Instant},
};

use rustix::fs::{CWD, RenameFlags};
use tokio::sync::mpsc::UnboundedSender;

use super::peaks;
use crate::{
    desk::ticket::{RecordingReport, TicketId},
    switch::media::MediaFact,
};

/// With more recordings than this to end at once, one sync of the whole file system is cheaper than one
/// each.
const SYNC_EACH: usize = 4;

/// What the writer asks.
#[derive(Debug)]
pub(super) enum Job {
    /// Sync this file from now on.
    Watch { id: u64, file: File },
    /// Its last byte is written.
    Finish(Box<Finish>),
    /// Nothing of it is to be kept.
    Discard { id: u64, ticket: TicketId, part: PathBuf },
}

/// A recording that ended.
#[derive(Debug)]
pub(super) struct Finish {
    pub(super) id: u64,
    pub(super) ticket: TicketId,
    pub(super) part: PathBuf,
    pub(super) path: PathBuf,
    pub(super) report: RecordingReport,
    /// What went wrong while it was written.
    pub(super) trouble: Option<String>,
}

#[derive(Debug)]
pub(super) struct Syncer {
    jobs: Receiver<Job>,
    interval: Duration,
    facts: UnboundedSender<MediaFact>,
    watched: BTreeMap<u64, Watched>,
    /// By time; the id keeps equal times apart.
    due: BTreeSet<(Instant, u64)>,
    finished: Vec<Finish>,
}

#[derive(Debug)]
struct Watched {
    file: File,
    due: Instant,
    late: u32,
    trouble: Option<String>,
}

impl Syncer {
    pub(super) fn new(jobs: Receiver<Job>, interval: Duration, facts: UnboundedSender<MediaFact>) -> Self {
        Self { jobs, interval, facts, watched: BTreeMap::new(), due: BTreeSet::new(), finished: Vec::new() }
    }

    /// Takes in all jobs that wait, or waits for the next job or sync; then ends what is to end, or else
    /// syncs the one file that is due longest. `Break`: nobody gives jobs any more, and all are done.
    pub(super) fn turn(&mut self, clock: impl Fn() -> Instant) -> ControlFlow<()> {
        loop {
            match self.jobs.try_recv() {
                Ok(job) => self.take(job, clock()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.finish_all();
                    return ControlFlow::Break(());
                }
            }
        }
        if !self.finished.is_empty() {
            self.finish_all();
            return ControlFlow::Continue(());
        }
        let now = clock();
        match self.due.first().copied() {
            Some((due, id)) if due <= now => self.sync(id, clock),
            next => {
                // An hour is as good as for ever: the next turn waits again.
                let wait =
                    next.map_or(Duration::from_secs(3_600), |(due, _)| due.saturating_duration_since(now));
                match self.jobs.recv_timeout(wait) {
                    Ok(job) => self.take(job, clock()),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn take(&mut self, job: Job, now: Instant) {
        match job {
            Job::Watch { id, file } => {
                // Spread over the interval: neighbouring ids lie far apart in the golden ratio.
                let share = u32::try_from(id.wrapping_mul(2_654_435_769) & 0xffff_ffff).unwrap_or(0);
                let due = now + self.interval.mul_f64(f64::from(share) / f64::from(u32::MAX));
                self.due.insert((due, id));
                self.watched.insert(id, Watched { file, due, late: 0, trouble: None });
            }
            Job::Finish(finish) => self.finished.push(*finish),
            Job::Discard { id, ticket, part } => self.discard(id, ticket, &part),
        }
    }

    fn discard(&mut self, id: u64, ticket: TicketId, part: &Path) {
        if let Some(watched) = self.watched.remove(&id) {
            self.due.remove(&(watched.due, id));
        }
        // There may be none: the disk can have refused them.
        let peaks = std::fs::remove_file(peaks::path_of(&part.with_extension("")));
        let peaks =
            peaks.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) });
        if let Err(error) = std::fs::remove_file(part).and(peaks) {
            tracing::error!(%ticket, %error, "recording that nobody wants cannot be deleted");
            let why = format!("could not be deleted: {error}");
            let _ = self.facts.send(MediaFact::RecordingFailed { ticket, report: None, why });
        }
    }

    fn sync(&mut self, id: u64, clock: impl Fn() -> Instant) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        self.due.remove(&(watched.due, id));
        watched.sync();
        let done = clock();
        if done.saturating_duration_since(watched.due) > self.interval {
            watched.late = watched.late.saturating_add(1);
        }
        watched.due = done.max(watched.due + self.interval);
        self.due.insert((watched.due, id));
    }

    fn finish_all(&mut self) {
        let finished = std::mem::take(&mut self.finished);
        let mut ends = Vec::new();
        for finish in finished {
            if let Some(watched) = self.watched.remove(&finish.id) {
                self.due.remove(&(watched.due, finish.id));
                ends.push((finish, watched));
            }
        }
        let all_at_once = ends.len() > SYNC_EACH
            && ends.first().is_some_and(|(_, watched)| rustix::fs::syncfs(&watched.file).is_ok());
        let mut folders = BTreeSet::new();
        for (finish, watched) in &mut ends {
            if !all_at_once {
                watched.sync();
            }
            let renamed = rename_new(&finish.part, &finish.path);
            let trouble = [
                finish.trouble.take(),
                watched.trouble.take(),
                renamed.err().map(|error| format!("could not be given its name: {error}")),
            ];
            finish.trouble = trouble.into_iter().flatten().next();
            finish.report.late_syncs = watched.late;
            folders.extend(finish.path.parent().map(Path::to_path_buf));
        }
        for folder in folders {
            // The names are right already; a power cut before the disk has them is what repair is for.
            if let Err(error) = sync_folder(&folder) {
                tracing::warn!(%error, folder = %folder.display(), "folder cannot be synced");
            }
        }
        for (finish, _) in ends {
            let Finish { ticket, report, trouble, .. } = finish;
            let fact = match trouble {
                None => MediaFact::Recorded { ticket, report },
                Some(why) => MediaFact::RecordingFailed { ticket, report: Some(report), why },
            };
            // Nobody listens only while the daemon ends.
            let _ = self.facts.send(fact);
        }
    }
}

impl Watched {
    fn sync(&mut self) {
        if let Err(error) = self.file.sync_data() {
            tracing::error!(%error, "recording cannot be synced");
            self.trouble.get_or_insert_with(|| format!("could not be synced: {error}"));
        }
    }
}

/// Renames, but never over a file that is there.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // File systems that cannot do it in one step.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(from, to)
        }
        other => Ok(other?),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
