//! The recorder: one WAV a call, left the outside party, right the desk, 16-bit, 8 kHz (16 where both spoke
//! wide-band codecs at the Join), exactly as long
//! as the time since the Join. The relay thread hands packets to a bounded [`Tap`] and never waits; one
//! thread places and writes them for all calls; another waits for the disk (sync, rename). Trouble with
//! the disk is counted and told, and never reaches a caller.
//!
//! While it grows a file is called `….wav.part` and its header is right at least once a second, so that
//! [`repair`] has little to do after a crash. Reading starts at [`Tap`] (the way in), then `writer.rs`
//! (the thread), `recording.rs` (one call), `syncer.rs` (the other thread).

pub mod archive;
mod part;
pub mod peaks;
mod recording;
pub mod repair;
mod ring;
mod syncer;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::mpsc::UnboundedSender;

pub use self::ring::{Channel, Keep, Tap};
use self::{syncer::Syncer, writer::Writer};
use super::{EndTogether, clock};
use crate::switch::media::MediaFact;

/// How often the writer looks into the ring. Nobody wakes it: a wake-up would cost the relay a system
/// call. Doubled, a killed recording lacks 100 ms more and the ring must be larger.
const POLL: Duration = Duration::from_millis(100);

/// Where recordings go, and how carefully.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecorderSettings {
    /// The recordings folder; made when first needed.
    pub dir: PathBuf,
    /// How much a power cut may cost: each file is synced this often (1 s).
    pub sync_interval: Duration,
    /// With less than this free on the disk (bytes), no recording is started.
    pub disk_floor_bytes: u64,
    /// Bytes of the ring between relay and recorder. Full, it drops packets and counts them: 4 MiB are
    /// two seconds of 100 calls.
    pub ring_bytes: usize,
}

impl RecorderSettings {
    /// A sync a second, a floor of 512 MiB, a ring of 4 MiB.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            sync_interval: Duration::from_secs(1),
            disk_floor_bytes: 512 << 20,
            ring_bytes: 4 << 20,
        }
    }
}

/// The running recorder. Dropping it ends it as [`Recorder::shut_down`] does.
#[derive(Debug)]
pub struct Recorder {
    ending: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
    syncer: Option<JoinHandle<()>>,
}

/// Starts both threads. The [`Tap`] goes to the relay thread; `Recorded` and `RecordingFailed` go to
/// `facts`. Fails only where the system gives no thread: the folder is not looked at before the first
/// recording.
pub fn start(settings: RecorderSettings, facts: UnboundedSender<MediaFact>) -> io::Result<(Recorder, Tap)> {
    let (tap, outlet) = ring::ring(settings.ring_bytes, clock::now());
    let (to_syncer, waiting) = mpsc::channel();
    let ending = Arc::new(AtomicBool::new(false));
    let mut syncer = Syncer::new(waiting, settings.sync_interval, facts.clone());
    let mut writer = Writer::new(settings, outlet, to_syncer, facts);
    let syncer = std::thread::Builder::new().name("recorder-sync".to_owned()).spawn(move || {
        let _guard = EndTogether;
        while syncer.turn(clock::now).is_continue() {}
    })?;
    let writer = std::thread::Builder::new().name("recorder".to_owned()).spawn({
        let ending = Arc::clone(&ending);
        move || {
            let _guard = EndTogether;
            while !ending.load(Ordering::Acquire) {
                writer.turn(clock::now());
                std::thread::park_timeout(POLL);
            }
            writer.end(clock::now());
        }
    })?;
    Ok((Recorder { ending, writer: Some(writer), syncer: Some(syncer) }, tap))
}

impl Recorder {
    /// Takes in what is in the ring, ends the recordings that nobody ended, waits until all are synced
    /// and renamed, and joins the threads.
    pub fn shut_down(self) {
        drop(self);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        if let Some(writer) = self.writer.take() {
            writer.thread().unpark();
            // A panic in it has ended the process already.
            let _ = writer.join();
        }
        // The writer was the only one to give it work.
        if let Some(syncer) = self.syncer.take() {
            let _ = syncer.join();
        }
    }
}
