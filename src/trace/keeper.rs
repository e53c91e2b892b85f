//! Writes what calls saw, on a thread of its own: a slow disk costs traces, never a call.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

use chrono::NaiveDate;

use super::{book::Seen, file};
use crate::desk::ticket::TicketId;

/// Calls that may wait to be written, about 10 KB each. When full, the newest is dropped and said so: what it
/// saw helps to find a fault, and nothing depends on it.
const WAITING: usize = 1_000;

/// The thread's handle. Dropping it writes what waits, and ends the thread.
#[derive(Debug)]
pub struct Keeper {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Job {
    Write(Box<Seen>),
    /// Forget the messages of calls of days before this one.
    CutBefore(NaiveDate),
}

impl Keeper {
    /// Starts the thread; the folder is made when first needed.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(dir: PathBuf) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(WAITING);
        let thread =
            std::thread::Builder::new().name("trace".to_owned()).spawn(move || run(&dir, &waiting))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Keeps what a call saw; never waits.
    pub fn keep(&self, seen: Seen) {
        let ticket = seen.ticket;
        if !self.send(Job::Write(Box::new(seen))) {
            tracing::warn!(%ticket, "trace not kept: too many wait for the disk");
        }
    }

    /// Forgets the SIP messages of the days before `day`; journals stay.
    pub fn cut_before(&self, day: NaiveDate) {
        if !self.send(Job::CutBefore(day)) {
            tracing::warn!("old traces are cut tomorrow: too many wait for the disk");
        }
    }

    fn send(&self, job: Job) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        match jobs.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes traces has panicked");
        }
    }
}

fn run(dir: &Path, waiting: &Receiver<Job>) {
    while let Ok(job) = waiting.recv() {
        match job {
            Job::Write(seen) => {
                if let Err(error) = file::write(dir, &seen) {
                    tracing::warn!(ticket = %seen.ticket, %error, "trace not kept");
                }
            }
            Job::CutBefore(day) => {
                if let Err(error) = cut_days(dir, day) {
                    tracing::warn!(%error, "old traces could not be cut");
                }
            }
        }
    }
}

fn cut_days(dir: &Path, before: NaiveDate) -> io::Result<()> {
    let mut done = Ok(());
    collect(dir, 3, &mut |path| {
        if done.is_ok() && ticket_of(path).is_some_and(|ticket| ticket.day < before) {
            done = file::cut(path).map(|_| ());
        }
    })?;
    done
}

fn ticket_of(path: &Path) -> Option<TicketId> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Removes all that is kept of a ticket, for good; fine where there is nothing.
///
/// # Errors
/// The disk refuses.
pub fn forget(dir: &Path, ticket: TicketId) -> io::Result<()> {
    match fs::remove_file(file::path(dir, ticket)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tickets up to that day of which something is kept.
///
/// # Errors
/// The disk refuses.
pub fn tickets_until(dir: &Path, until: NaiveDate) -> io::Result<Vec<TicketId>> {
    let mut tickets = Vec::new();
    collect(dir, 3, &mut |path| tickets.extend(ticket_of(path).filter(|ticket| ticket.day <= until)))?;
    Ok(tickets)
}

/// Shows every file of the year, month and day folders.
fn collect(folder: &Path, depth: u32, see: &mut dyn FnMut(&Path)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if depth > 0 && path.is_dir() {
            collect(&path, depth - 1, see)?;
        } else if depth == 0 {
            see(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::trace::{Message, Way, file::read};

    fn seen(ticket: &str) -> Seen {
        let message = Message {
            at: chrono::DateTime::UNIX_EPOCH,
            way: Way::Received,
            transport: "UDP".to_owned(),
            ours: "192.0.2.1:5060".parse().unwrap(),
            peer: "192.0.2.9:5060".parse().unwrap(),
            text: "BYE sip:hotlined SIP/2.0\r\n\r\n".to_owned(),
        };
        Seen { ticket: ticket.parse().unwrap(), journal: None, messages: vec![message; 2], left_out: 3 }
    }

    #[test]
    fn what_a_call_saw_is_read_back_and_only_ours_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(dir.path().to_owned()).unwrap();
        let one = seen("20261123-0007");
        keeper.keep(one.clone());
        drop(keeper);
        let kept = read(dir.path(), one.ticket).unwrap();
        assert_eq!((kept.messages, kept.head.left_out), (one.messages, 3));
        let mode = fs::metadata(file::path(dir.path(), one.ticket)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        forget(dir.path(), one.ticket).unwrap();
        forget(dir.path(), one.ticket).unwrap();
        assert!(matches!(read(dir.path(), one.ticket), Err(file::Unreadable::NotThere(_))));
    }

    #[test]
    fn messages_are_forgotten_by_their_day_and_journals_stay() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(dir.path().to_owned()).unwrap();
        let (old, new) = (seen("20261101-0001"), seen("20261123-0007"));
        keeper.keep(old.clone());
        keeper.keep(new.clone());
        let day = "2026-11-20".parse().unwrap();
        keeper.cut_before(day);
        keeper.cut_before(day);
        drop(keeper);
        let kept = read(dir.path(), old.ticket).unwrap();
        assert_eq!((kept.head.ticket, kept.messages.len()), (old.ticket, 0));
        assert_eq!(read(dir.path(), new.ticket).unwrap().messages.len(), 2);
    }
}
