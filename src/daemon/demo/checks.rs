//! What was shown is compared with what was done: each check is a line with its figures.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};

use super::{
    Scene,
    audio::{self, Found, Played},
};
use crate::{
    daemon::clock,
    desk::{
        number::Number,
        ticket::{Outcome, Party, RecordingReport, Side, Ticket, Verdict},
    },
    store::reader::{Reader, TicketFilter},
};

/// A flag may be late by this much: the loop's turn, and the clock of the wall.
const FLAG_LATE: Duration = Duration::from_millis(100);

/// A recording may differ from the talk's length by this much: signalling is not media.
const LENGTH: f64 = 0.1;

/// The sides of a recording lie where they were spoken, within this.
const ALIGNED_MS: f64 = 1.0;

/// The smallest A-law step: what silence may sound like.
const SILENCE: i16 = 8;

/// How long a ticket may take to be closed after its call.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// What a ticket must say.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) caller: &'a str,
    pub(super) outcome: Outcome,
    pub(super) ring: u32,
    /// After the first ring.
    pub(super) flagged_after: Option<Duration>,
    pub(super) answered_by: Option<&'a str>,
    pub(super) hung_up_first: Side,
    /// What was said; `None`: nothing may be recorded.
    pub(super) talk: Option<Talk>,
}

/// What both sides played: what their A-law bytes decode to, and when.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) caller: Vec<i16>,
    pub(super) operator: Vec<i16>,
    pub(super) caller_played: Played,
    pub(super) operator_played: Played,
}

/// All checks of a demo.
#[derive(Debug)]
pub(super) struct Checks {
    reader: Reader,
    recordings: PathBuf,
    since: DateTime<Utc>,
    scene: &'static str,
    made: usize,
    failed: usize,
    lines: Vec<String>,
}

impl Checks {
    pub(super) fn new(reader: Reader, recordings: PathBuf) -> Self {
        let since = clock::now().wall;
        Self { reader, recordings, since, scene: "", made: 0, failed: 0, lines: Vec::new() }
    }

    /// Tickets of this demo were received from then on.
    pub(super) fn since(&self) -> DateTime<Utc> {
        self.since
    }

    pub(super) fn made(&self) -> usize {
        self.made
    }

    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    pub(super) fn scene(&mut self, scene: Scene) {
        self.scene = scene.name();
    }

    /// Prints what was checked since the last time.
    pub(super) fn report(&mut self) {
        for line in self.lines.drain(..) {
            println!("{line}");
        }
    }

    fn line(&mut self, good: bool, what: &str, figures: &str) {
        self.made += 1;
        self.failed += usize::from(!good);
        let word = if good { "ok" } else { "FAILED" };
        self.lines.push(format!("{word:<6}  {}: {what}: {figures}", self.scene));
    }

    pub(super) fn equal<T: PartialEq + Display>(&mut self, what: &str, expected: T, found: T) {
        let good = expected == found;
        let figures = if good { found.to_string() } else { format!("expected {expected}, found {found}") };
        self.line(good, what, &figures);
    }

    pub(super) fn contains(&mut self, what: &str, expected: &str, found: &str) {
        let good = found.contains(expected);
        let figures = if good { found.to_owned() } else { format!("expected {expected}, found {found}") };
        self.line(good, what, &figures);
    }

    fn near(&mut self, what: &str, expected: f64, within: f64, found: f64, unit: &str) {
        let good = (found - expected).abs() <= within;
        let figures = if good {
            format!("{found:.3} {unit}")
        } else {
            format!("expected {expected:.3} ± {within} {unit}, found {found:.3} {unit}")
        };
        self.line(good, what, &figures);
    }

    /// Whether all of `played` is in `track`, sample for sample.
    pub(super) fn same(&mut self, what: &str, played: &[i16], track: &[i16]) -> Option<Found> {
        let found = audio::find(played, track);
        let equal = found.map_or(0, |found| found.equal);
        let figures = format!("{equal} of {} samples equal", played.len());
        self.line(equal == played.len(), what, &figures);
        found
    }

    /// Waits for the caller's ticket to be closed, and compares it.
    pub(super) async fn ticket(&mut self, expected: Expected<'_>) -> anyhow::Result<()> {
        let ticket = self.closed(expected.caller, expected.talk.is_some()).await?;
        self.equal("outcome", expected.outcome.words(), ticket.outcome.map_or("none", Outcome::words));
        self.equal("ring at answer or end", expected.ring, ticket.rings.unwrap_or(0));
        match (expected.flagged_after, ticket.flagged, ticket.first_ring) {
            (Some(after), Some(flagged), Some(first_ring)) => {
                let found = (flagged - first_ring).as_seconds_f64();
                self.near(
                    "flagged after the first ring",
                    after.as_secs_f64(),
                    FLAG_LATE.as_secs_f64(),
                    found,
                    "s",
                );
            }
            (after, flagged, _) => self.equal("flagged", yes(after.is_some()), yes(flagged.is_some())),
        }
        let by = ticket.answered_by.as_ref().map(|party| match party {
            Party::Phone(name) | Party::Mobile { name, .. } => name.as_str(),
            Party::Outside(number) => number.reveal().as_str(),
        });
        self.equal("answered by", expected.answered_by.unwrap_or("nobody"), by.unwrap_or("nobody"));
        let first = ticket.hung_up_first.map_or("nobody", side);
        self.equal("hung up first", side(expected.hung_up_first), first);
        match &expected.talk {
            Some(talk) => self.recording(&ticket, talk),
            None => {
                let found = ticket.recording.as_ref().and_then(|recording| recording.report.as_ref());
                self.equal("recorded", "no", yes(found.is_some()));
                Ok(())
            }
        }
    }

    async fn closed(&self, caller: &str, recorded: bool) -> anyhow::Result<Ticket> {
        let filter = TicketFilter {
            since: Some(self.since),
            caller: Some(Number::new(caller.to_owned())),
            ..TicketFilter::default()
        };
        let deadline = clock::now().mono + CLOSED_WITHIN;
        loop {
            let found = self.reader.tickets(&filter).await?.into_iter().next();
            let closed = found
                .as_ref()
                .is_some_and(|ticket| ticket.ended.is_some() && (!recorded || ticket.recording.is_some()));
            match found {
                Some(ticket) if closed || clock::now().mono >= deadline => return Ok(ticket),
                None if clock::now().mono >= deadline => {
                    return Err(anyhow!("there is no ticket of the caller {caller}"));
                }
                Some(_) | None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn recording(&mut self, ticket: &Ticket, talk: &Talk) -> anyhow::Result<()> {
        let Some(recording) = &ticket.recording else {
            self.line(false, "recording", "expected one, found none");
            return Ok(());
        };
        self.equal("verdict", "good", words(&recording.verdict));
        let Some(report) = &recording.report else {
            self.line(false, "recording", "expected a file, found none");
            return Ok(());
        };
        let (caller, operator) = read(&self.recordings.join(&report.path))?;
        let talked = match (ticket.answered, ticket.ended) {
            (Some(answered), Some(ended)) => (ended - answered).as_seconds_f64(),
            _ => 0.0,
        };
        self.near("seconds recorded", talked, LENGTH, seconds(caller.len()), "s");
        let left = self.same("left channel is what the caller said", &talk.caller, &caller);
        let right = self.same("right channel is what the operator said", &talk.operator, &operator);
        if let (Some(left), Some(right)) = (left, right) {
            let apart = i32::try_from(right.offset - left.offset).unwrap_or(i32::MAX);
            let found = f64::from(apart) / 8.0;
            let expected = milliseconds_between(talk.caller_played, talk.operator_played);
            self.near("operator after caller", expected, ALIGNED_MS, found, "ms");
            let loudest = left.elsewhere.max(right.elsewhere);
            let good = loudest <= SILENCE;
            self.line(good, "elsewhere silent", &format!("loudest sample {loudest}"));
        }
        Ok(())
    }
}

fn milliseconds_between(first: Played, second: Played) -> f64 {
    let later = second.began.saturating_duration_since(first.began).as_secs_f64();
    let earlier = first.began.saturating_duration_since(second.began).as_secs_f64();
    (later - earlier) * 1000.0
}

fn seconds(samples: usize) -> f64 {
    u32::try_from(samples).map_or(f64::MAX, f64::from) / 8000.0
}

/// Both channels of a recording.
fn read(path: &Path) -> anyhow::Result<(Vec<i16>, Vec<i16>)> {
    let reader = hound::WavReader::open(path).with_context(|| format!("can't read {}", path.display()))?;
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate, spec.bits_per_sample) != (2, 8000, 16) {
        return Err(anyhow!("{}: expected stereo, 8000 Hz, 16 bit, found {spec:?}", path.display()));
    }
    let samples: Vec<i16> = reader.into_samples().collect::<Result<_, _>>()?;
    let channel = |at: usize| samples.iter().skip(at).step_by(2).copied().collect();
    Ok((channel(0), channel(1)))
}

/// A ticket's WAV, its seconds and what the daemon thinks of it.
pub(super) fn recording_line(ticket: &Ticket) -> Option<String> {
    let recording = ticket.recording.as_ref()?;
    let file = |report: &RecordingReport| {
        format!("{}  {:.1} s", report.path.display(), report.duration().as_secs_f64())
    };
    let file = recording.report.as_ref().map(file)?;
    Some(format!("recordings/{file}  {}", words(&recording.verdict)))
}

fn words(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Degraded(why) | Verdict::OneSided(why) | Verdict::Failed(why) => why,
        Verdict::Interrupted => "interrupted",
        Verdict::Refused => "refused by caller",
        Verdict::None(why) => why,
    }
}

fn yes(so: bool) -> &'static str {
    if so { "yes" } else { "no" }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Caller => "the caller",
        Side::Callee => "the callee",
        Side::House => "the house",
    }
}
