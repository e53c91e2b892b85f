//! The thread that reads closed recordings, one after the other: it looks into the database every few
//! seconds for one that nobody has read, reads it, and hands what it found to the store's writer. Once a
//! day it keeps the chain's anchor. It knows nothing of calls, and no call waits for it; after a restart,
//! or a time without the database, it goes on where it stopped: the database says what is missing.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{clock, commands::runtime, evidence::DailyAnchor};
use crate::{
    desk::ticket::TicketId,
    media::{examination::examine, recorder::peaks},
    store::{error::StoreError, facts::ExaminedRecording, reader::Reader, writer::Writer},
};

/// How often it looks. Doubled, a supervisor waits 3 s longer for a call's facts.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Recordings asked for at a time.
const SOME: u32 = 100;

/// How much less than everybody else it wants the processor.
const NICE: i32 = 19;

/// The running thread. Dropping it ends it, in the middle of a file if need be.
#[derive(Debug)]
pub(super) struct Examiner {
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Examiner {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn start(
        recordings: PathBuf,
        database: PathBuf,
        writer: Writer,
        mut anchors: DailyAnchor,
    ) -> anyhow::Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let runtime = runtime()?;
        let thread = std::thread::Builder::new().name("examiner".to_owned()).spawn({
            let ending = Arc::clone(&ending);
            move || {
                if let Err(error) = rustix::process::nice(NICE) {
                    tracing::debug!(%error, "nice");
                }
                let mut desk = Desk { recordings, database, writer, ending, done: BTreeSet::new() };
                while !desk.ending.load(Ordering::Acquire) {
                    match runtime.block_on(desk.unread()) {
                        Ok(unread) => unread.into_iter().for_each(|(ticket, path)| desk.read(ticket, &path)),
                        // The writer says so, too, and loudly.
                        Err(error) => tracing::debug!(%error, "recordings to be read are not known"),
                    }
                    match runtime.block_on(anchors.keep(&desk.database, clock::now().wall)) {
                        Ok(Some(anchor)) => tracing::info!(%anchor, "today's anchor of the chain of proof"),
                        Ok(None) => {}
                        Err(error) => tracing::debug!(%error, "no anchor yet"),
                    }
                    std::thread::park_timeout(LOOK_EVERY);
                }
            }
        })?;
        Ok(Self { ending, thread: Some(thread) })
    }
}

impl Drop for Examiner {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the examiner ended with a bug; recordings are read at the next start");
            }
        }
    }
}

struct Desk {
    recordings: PathBuf,
    database: PathBuf,
    writer: Writer,
    ending: Arc<AtomicBool>,
    /// Handed to the writer, or given up until the next start; bounded by what the database asks for.
    done: BTreeSet<TicketId>,
}

impl Desk {
    /// What the database asks for, less what was done already.
    async fn unread(&mut self) -> Result<Vec<(TicketId, PathBuf)>, StoreError> {
        let reader = Reader::open(&self.database).await?;
        let limit = SOME.saturating_add(u32::try_from(self.done.len()).unwrap_or(u32::MAX));
        let unread = reader.unexamined(limit).await;
        reader.close().await;
        let unread = unread?;
        let asked: BTreeSet<TicketId> = unread.iter().map(|(ticket, _)| *ticket).collect();
        self.done.retain(|ticket| asked.contains(ticket));
        Ok(unread.into_iter().filter(|(ticket, _)| !self.done.contains(ticket)).collect())
    }

    fn read(&mut self, ticket: TicketId, path: &Path) {
        match examine(&self.recordings.join(path), &self.ending) {
            Ok(Some(found)) => {
                let wav = self.recordings.join(path);
                // A crash left them behind the recording, or the disk refused them.
                if !peaks::fit(&wav, found.samples)
                    && let Err(error) = peaks::write(&wav, found.peaks)
                {
                    tracing::warn!(%ticket, %error, "peaks can't be written");
                }
                let (at, sha256, facts) = (clock::now().wall, found.sha256, found.facts);
                self.writer.examined(ExaminedRecording { ticket, at, sha256, facts });
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%ticket, path = %path.display(), %error, "recording can't be read");
            }
        }
        self.done.insert(ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::{
        facts::StoreFact,
        fixture::{change, ended, id, utc_at},
        writer::StoreSettings,
    };

    #[tokio::test]
    async fn what_an_earlier_daemon_left_unread_is_read_and_what_is_gone_is_not_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("hotlined.db");
        let wav = folder.path().join("2026/11/23/20261123-0007.wav");
        fs::create_dir_all(wav.parent().unwrap()).unwrap();
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = hound::WavWriter::create(&wav, spec).unwrap();
        (0..16_000).for_each(|n: i16| file.write_sample(n % 100).unwrap());
        file.finalize().unwrap();
        let (sender, mut said) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&database), sender, utc_at("16:00:00.000")).unwrap();
        writer.save(change(ended(7, 3), Vec::new()));
        writer.save(change(ended(8, 3), Vec::new()));
        let mut saved = 0;
        while saved < 2 {
            saved += usize::from(matches!(said.recv().await, Some(StoreFact::Saved { .. })));
        }
        let mut desk = Desk {
            recordings: folder.path().to_owned(),
            database: database.clone(),
            writer: writer.clone(),
            ending: Arc::default(),
            done: BTreeSet::new(),
        };
        let unread = desk.unread().await.unwrap();
        assert_eq!(unread.len(), 2);
        unread.iter().for_each(|(ticket, path)| desk.read(*ticket, path));
        assert_eq!(desk.unread().await.unwrap(), [], "the second file is not there, and was given up");
        writer.close(utc_at("18:00:00.000"));
        while !matches!(said.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
        let reader = Reader::open(&database).await.unwrap();
        let heard = reader.heard(&[id(7)]).await.unwrap();
        assert_eq!(heard[&id(7)].facts.as_ref().unwrap().length, Duration::from_secs(1));
        assert_eq!(reader.unexamined(9).await.unwrap().len(), 1);
        assert!(peaks::fit(&wav, 8_000), "the peaks were made from the recording");
    }
}
