//! The outside log of what was acknowledged: a thread that reads the database as any reporting tool does, and
//! writes down each row that is committed. With WAL and synchronous=FULL a reader sees a row after the sync of its
//! commit, never before.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use hotlined::{
    desk::ticket::{Ticket, TicketId},
    store::reader::{Reader, TicketFilter},
};

/// What was seen of each ticket last.
pub(crate) type Log = BTreeMap<TicketId, Ticket>;

pub(crate) struct Witness {
    log: Arc<Mutex<Log>>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Witness {
    /// Watches the database at `path`, which need not be there yet.
    pub(crate) fn watch(path: PathBuf) -> Self {
        let (log, ending) = (Arc::<Mutex<Log>>::default(), Arc::new(AtomicBool::new(false)));
        let (seen, end) = (Arc::clone(&log), Arc::clone(&ending));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut reader = None;
                while !end.load(Ordering::Relaxed) {
                    if reader.is_none() {
                        reader = Reader::open(&path).await.ok();
                    }
                    let filter = TicketFilter { limit: 2_000, ..TicketFilter::default() };
                    if let Some(open) = &reader {
                        match open.tickets(&filter).await {
                            Ok(rows) => {
                                seen.lock().unwrap().extend(rows.into_iter().map(|row| (row.id, row)))
                            }
                            Err(_) => reader = None,
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(15)).await;
                }
                if let Some(reader) = reader {
                    reader.close().await;
                }
            });
        });
        Self { log, ending, thread: Some(thread) }
    }

    /// What has been acknowledged up to now.
    pub(crate) fn log(&self) -> Log {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a log shows that a database does not have, in words; nothing is well.
pub(crate) fn lost(log: &Log, database: &std::path::Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let filter = TicketFilter { limit: 10_000, ..TicketFilter::default() };
    let rows = runtime.block_on(async { Reader::open(database).await?.tickets(&filter).await });
    let now: Log = match rows {
        Ok(rows) => rows.into_iter().map(|row| (row.id, row)).collect(),
        Err(error) => return vec![format!("the database cannot be read: {error}")],
    };
    let mut lost = Vec::new();
    for (id, then) in log {
        match now.get(id) {
            None => lost.push(format!("{id} is gone")),
            Some(row) if row.revision < then.revision => lost.push(format!("{id} went back in time")),
            Some(row) if then.ended.is_some() && row.outcome != then.outcome => {
                lost.push(format!("{id} ended otherwise"));
            }
            Some(row) if then.recording.is_some() && row.recording.is_none() => {
                lost.push(format!("{id} lost its recording"));
            }
            Some(_) => {}
        }
    }
    lost
}
