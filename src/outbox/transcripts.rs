//! Transcripts: each side of a closed recording goes to an external worker that speaks OpenAI's transcription API
//! (`POST …/audio/transcriptions`, `multipart/form-data`, `verbose_json`), and what it heard is kept with its
//! times. One request at a time, on a thread of its own, long after the call: whatever the worker does, no call
//! notices. Off unless the configuration names a worker.
//!
//! Reading starts at [`Worker::start`]; the clock is an argument.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Days, TimeDelta, Utc};
use reqwest::{Body, Client, StatusCode, multipart};
use serde::Deserialize;

use crate::{
    media::{recorder::repair, wav::Layout},
    store::{
        edit::Editor,
        error::StoreError,
        reader::Reader,
        transcript::{Channel, Job, Segment},
    },
};

/// Where the worker is and how it is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct TranscriptSettings {
    /// The API's base: `http://127.0.0.1:9000/v1`.
    pub url: String,
    pub model: String,
    /// ISO 639-1; `None`: the worker finds out.
    pub language: Option<String>,
    /// Sent as a bearer token; never shown.
    pub api_key: Option<String>,
    /// How long one side of one recording may take.
    pub timeout: Duration,
    /// How often a side is tried before it counts as failed.
    pub attempts: u32,
    /// Recordings older than this are not asked for.
    pub backlog_days: u32,
    pub database: PathBuf,
    pub recordings: PathBuf,
}

impl std::fmt::Debug for TranscriptSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TranscriptSettings").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How often the list is looked at while nothing waits. Doubled, a transcript comes that much later.
const LOOK: Duration = Duration::from_secs(5);
/// The pause after the first failure; it doubles with each, up to the longest.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(30);
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Bytes of an answer: an hour's talk has about 100 KB. A larger one counts as a failure.
const LONGEST_ANSWER: u64 = 16 << 20;
/// Bytes of a recording that are read at once.
const CHUNK: usize = 64 << 10;

/// Why the worker did not do it.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// Worth another try: it is away, busy, or has a fault of its own.
    #[error("{0}")]
    ForNow(String),
    /// It would refuse this file again.
    #[error("{0}")]
    ForGood(String),
}

/// The thread's handle; dropping it ends the thread, in the middle of a request, too.
#[derive(Debug)]
pub struct Worker {
    ending: Option<(Sender<()>, tokio::sync::oneshot::Sender<()>)>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(
        settings: TranscriptSettings,
        editor: Editor,
        clock: fn() -> DateTime<Utc>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = channel();
        let (abort, mut aborted) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("transcripts".to_owned()).spawn(move || {
            let transcriber = match Transcriber::new(settings, editor) {
                Ok(transcriber) => transcriber,
                Err(error) => return tracing::error!(%error, "no transcripts"),
            };
            loop {
                let pass = async {
                    tokio::select! {
                        done = transcriber.pass(clock) => Some(done),
                        _ = &mut aborted => None,
                    }
                };
                match runtime.block_on(pass) {
                    None => return,
                    Some(Ok(())) => {}
                    // The database is away: who needs it more tells so.
                    Some(Err(error)) => tracing::debug!(%error, "transcripts: tried again"),
                }
                match stopped.recv_timeout(LOOK) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { ending: Some((stop, abort)), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ending = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that fetches transcripts has panicked");
        }
    }
}

struct Transcriber {
    settings: TranscriptSettings,
    client: Client,
    editor: Editor,
}

impl Transcriber {
    fn new(settings: TranscriptSettings, editor: Editor) -> Result<Self, reqwest::Error> {
        // A second installation says so and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // What residents said goes to the worker that was named, and to no proxy of the environment.
        let client = Client::builder().no_proxy().timeout(settings.timeout).build()?;
        Ok(Self { settings, client, editor })
    }

    /// Asks for everything that waits.
    async fn pass(&self, clock: fn() -> DateTime<Utc>) -> Result<(), StoreError> {
        let reader = Reader::open(&self.settings.database).await?;
        let passed = self.ask_all(&reader, clock).await;
        reader.close().await;
        passed
    }

    async fn ask_all(&self, reader: &Reader, clock: fn() -> DateTime<Utc>) -> Result<(), StoreError> {
        let now = clock();
        let days = Days::new(self.settings.backlog_days.into());
        let since = now.date_naive().checked_sub_days(days).unwrap_or_default();
        self.editor.want_transcripts(since, now).await?;
        while let Some(job) = reader.next_transcript(clock()).await? {
            let ticket = job.ticket;
            match self.ask(&job).await {
                Ok(segments) => {
                    tracing::info!(%ticket, channel = job.channel.word(), "transcribed");
                    self.editor.transcribed(job, segments).await?;
                }
                Err(refused) => {
                    let again = match &refused {
                        Refused::ForNow(_) if job.attempts + 1 < self.settings.attempts => {
                            Some(clock() + pause(job.attempts))
                        }
                        Refused::ForNow(_) | Refused::ForGood(_) => None,
                    };
                    tracing::warn!(%ticket, channel = job.channel.word(), %refused, "not transcribed");
                    self.editor.not_transcribed(job, refused.to_string(), again).await?;
                }
            }
        }
        Ok(())
    }

    async fn ask(&self, job: &Job) -> Result<Vec<Segment>, Refused> {
        let path = self.settings.recordings.join(&job.path);
        let side = Side::open(&path, job.channel)
            .map_err(|error| Refused::ForGood(format!("the recording cannot be read: {error}")))?;
        let (length, seconds) = (side.length(), side.seconds());
        let name = format!("{}-{}.wav", job.ticket, job.channel.word());
        let file = multipart::Part::stream_with_length(side.into_body(), length)
            .file_name(name)
            .mime_str("audio/wav")
            .map_err(|error| Refused::ForGood(error.to_string()))?;
        let mut form = multipart::Form::new()
            .text("model", self.settings.model.clone())
            .text("response_format", "verbose_json")
            .text("timestamp_granularities[]", "segment");
        if let Some(language) = &self.settings.language {
            form = form.text("language", language.clone());
        }
        let url = format!("{}/audio/transcriptions", self.settings.url.trim_end_matches('/'));
        let mut request = self.client.post(url).multipart(form.part("file", file));
        if let Some(key) = &self.settings.api_key {
            request = request.bearer_auth(key);
        }
        let for_now = |error: reqwest::Error| Refused::ForNow(words(&error));
        let mut response = request.send().await.map_err(for_now)?;
        let status = response.status();
        if !status.is_success() {
            let why = format!("the worker answered {status}");
            let passing =
                [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS, StatusCode::UNAUTHORIZED];
            return Err(if status.is_server_error() || passing.contains(&status) {
                Refused::ForNow(why)
            } else {
                Refused::ForGood(why)
            });
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(for_now)? {
            answer.extend_from_slice(&chunk);
            if u64::try_from(answer.len()).unwrap_or(u64::MAX) > LONGEST_ANSWER {
                return Err(Refused::ForGood("the worker's answer has no end".to_owned()));
            }
        }
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|error| Refused::ForNow(format!("the worker's answer is no transcription: {error}")))?;
        Ok(answer.segments(seconds))
    }
}

/// The error and its causes; reqwest's own text names only the URL.
fn words(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    words
}

/// How long until the next attempt, after so many.
fn pause(attempts: u32) -> TimeDelta {
    FIRST_PAUSE.checked_mul(1 << attempts.min(16)).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

/// `verbose_json`, as far as it is needed; a worker without segments gives one text.
#[derive(Debug, Deserialize)]
struct Answer {
    text: String,
    #[serde(default)]
    segments: Vec<AnswerSegment>,
}

#[derive(Debug, Deserialize)]
struct AnswerSegment {
    /// Seconds.
    start: f64,
    end: f64,
    text: String,
}

impl Answer {
    fn segments(self, seconds: f64) -> Vec<Segment> {
        let whole = AnswerSegment { start: 0.0, end: seconds, text: self.text };
        let said = if self.segments.is_empty() { vec![whole] } else { self.segments };
        let time = |at: f64| {
            Duration::try_from_secs_f64(if at.is_nan() { 0.0 } else { at.clamp(0.0, seconds) })
                .unwrap_or_default()
        };
        let kept = said.into_iter().filter(|segment| !segment.text.trim().is_empty());
        kept.map(|segment| {
            let (begins, ends) = (time(segment.start), time(segment.end));
            Segment { begins, ends: ends.max(begins), text: segment.text.trim().to_owned() }
        })
        .collect()
    }
}

/// One channel of a recording as a WAV of its own, made while it is sent: an hour is 58 MB, and nobody's memory
/// needs to hold it.
struct Side {
    file: BufReader<File>,
    /// Byte of this channel within a frame.
    offset: usize,
    frames: u64,
    sample_rate: u32,
}

impl Side {
    fn open(path: &Path, channel: Channel) -> io::Result<Self> {
        let (frames, sample_rate) = repair::measure(path)?;
        let mut file = File::open(path)?;
        let layout = Layout::read(&file)?;
        if layout.frame_bytes != 4 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not 16-bit stereo"));
        }
        file.seek(SeekFrom::Start(layout.samples_at))?;
        let offset = match channel {
            Channel::Caller => 0,
            Channel::Operator => 2,
        };
        Ok(Self { file: BufReader::with_capacity(CHUNK, file), offset, frames, sample_rate })
    }

    fn length(&self) -> u64 {
        44 + self.frames * 2
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a call")]
    fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate.max(1))
    }

    /// RIFF, one channel of 16 bits.
    fn header(&self) -> Vec<u8> {
        let bytes = u32::try_from(self.frames * 2).unwrap_or(u32::MAX - 44);
        let mut header = Vec::with_capacity(44);
        header.extend(b"RIFF");
        header.extend((bytes + 36).to_le_bytes());
        header.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        header.extend(self.sample_rate.to_le_bytes());
        header.extend((self.sample_rate * 2).to_le_bytes());
        header.extend(b"\x02\0\x10\0data");
        header.extend(bytes.to_le_bytes());
        header
    }

    fn into_body(self) -> Body {
        let header = self.header();
        let samples = futures_util::stream::unfold((self, Some(header)), |(mut side, header)| async move {
            if let Some(header) = header {
                return Some((Ok(Bytes::from(header)), (side, None)));
            }
            match side.more() {
                Ok(samples) if samples.is_empty() => None,
                Ok(samples) => Some((Ok(Bytes::from(samples)), (side, None))),
                Err(error) => Some((Err(error), (side, None))),
            }
        });
        Body::wrap_stream(samples)
    }

    /// The next samples of this channel; empty at the end.
    fn more(&mut self) -> io::Result<Vec<u8>> {
        let frames = self.frames.min(u64::try_from(CHUNK / 4).unwrap_or(1));
        self.frames -= frames;
        let mut chunk = vec![0; usize::try_from(frames).unwrap_or(0) * 4];
        self.file.read_exact(&mut chunk)?;
        let of = |frame: &[u8]| frame.get(self.offset..self.offset + 2).map(<[u8]>::to_vec);
        Ok(chunk.chunks(4).filter_map(of).flatten().collect())
    }
}

#[cfg(test)]
mod tests;
