//! The media room as the switch sees it: it answers every command, and remembers enough to tell at the
//! end whether everything that was opened was closed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use hotlined::{
    call::prompt::{Repeat, Sound},
    desk::ticket::{RecordingReport, SideReport, TicketId},
    switch::media::{MediaCommand, MediaFact, MediaId, RecordOrder},
};

/// How long every prompt lasts.
const PROMPT: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct MediaRoom {
    open: BTreeMap<MediaId, u16>,
    /// Got no ports; closing them is harmless.
    refused: BTreeSet<MediaId>,
    opened: u16,
    recordings: BTreeMap<TicketId, Recording>,
    /// What the switch did wrong.
    pub(crate) faults: Vec<String>,
    /// No ports are left.
    pub(crate) refuses_ports: bool,
    /// Joins fail.
    pub(crate) refuses_joins: bool,
    /// No prompt can be played.
    pub(crate) refuses_prompts: bool,
    /// No message can be recorded.
    pub(crate) refuses_recordings: bool,
    /// How long callers speak after the beep; `None`: they say nothing.
    pub(crate) speech: Option<Duration>,
    /// Recordings end without a file.
    pub(crate) disk_is_full: bool,
}

#[derive(Debug)]
struct Recording {
    order: RecordOrder,
    since: Instant,
    stopped: u32,
}

/// What comes of a command: facts, each after its time, and words for the ladder.
pub(crate) struct Reply {
    pub(crate) facts: Vec<(Duration, MediaFact)>,
    pub(crate) words: Option<String>,
}

impl MediaRoom {
    pub(crate) fn on(&mut self, command: MediaCommand, now: Instant) -> Reply {
        let mut words = None;
        let at_once = |fact| vec![(Duration::ZERO, fact)];
        let facts = match command {
            MediaCommand::Open { media, .. } if self.refuses_ports => {
                self.refused.insert(media);
                at_once(MediaFact::Refused { media, why: "no ports left".into() })
            }
            MediaCommand::Open { media, ipv6: _ } => {
                self.opened += 1;
                let port = 20_000 + 2 * self.opened;
                if self.open.insert(media, port).is_some() {
                    self.faults.push(format!("{media:?} opened twice"));
                }
                at_once(MediaFact::Opened { media, rtp: SocketAddr::from(([192, 0, 2, 1], port)) })
            }
            MediaCommand::Describe { media, stream: _ } => {
                self.must_be_open(media, "described");
                Vec::new()
            }
            MediaCommand::Join { left, right, .. } if self.refuses_joins => {
                at_once(MediaFact::JoinRefused { left, right, why: "told so".into() })
            }
            MediaCommand::Join { left, right, record } => {
                self.must_be_open(left, "joined");
                self.must_be_open(right, "joined");
                words = Some("joined".to_owned());
                if let Some(order) = record {
                    let ticket = order.ticket;
                    self.recordings.entry(ticket).or_insert(Recording { order, since: now, stopped: 0 });
                }
                at_once(MediaFact::Joined { left, right })
            }
            MediaCommand::Pass { from, to } => {
                self.must_be_open(from, "passed");
                self.must_be_open(to, "passed to");
                words = Some("passes early media".to_owned());
                Vec::new()
            }
            MediaCommand::Play { media, play, sounds, .. } if self.refuses_prompts => {
                self.must_be_open(media, "played to");
                words = Some(format!("can't play {}", said(&sounds)));
                at_once(MediaFact::PlayFailed { media, play, why: "told so".into() })
            }
            MediaCommand::Play { media, play, sounds, repeat } => {
                self.must_be_open(media, "played to");
                match repeat {
                    Repeat::Once => {
                        words = Some(format!("plays {}", said(&sounds)));
                        vec![(PROMPT, MediaFact::Played { media, play })]
                    }
                    Repeat::Forever => {
                        words = Some(format!("plays {} on and on", said(&sounds)));
                        Vec::new()
                    }
                }
            }
            MediaCommand::Record { record, .. } if self.refuses_recordings => {
                let why = "disk full".into();
                at_once(MediaFact::RecordingFailed { ticket: record.ticket, report: None, why })
            }
            MediaCommand::Record { media, record, watch } => {
                self.must_be_open(media, "recorded");
                words = Some("records a message".to_owned());
                let ticket = record.ticket;
                let fresh = Recording { order: record, since: now, stopped: 0 };
                if self.recordings.insert(ticket, fresh).is_some() {
                    self.faults.push(format!("{ticket}: recorded twice"));
                }
                match self.speech {
                    None => vec![(watch.quiet_after, MediaFact::Quiet { media })],
                    Some(speech) => vec![
                        (speech.min(watch.enough), MediaFact::Spoke { media }),
                        (speech + watch.quiet_after, MediaFact::Quiet { media }),
                    ],
                }
            }
            MediaCommand::DiscardRecording { ticket } => {
                words = Some("discards the recording".to_owned());
                // Where it could not even begin there is nothing to give back.
                if let Some(recording) = self.recordings.get_mut(&ticket) {
                    recording.stopped += 1;
                }
                Vec::new()
            }
            MediaCommand::StopPlaying { media } => {
                self.must_be_open(media, "silenced");
                Vec::new()
            }
            MediaCommand::StopRecording { ticket } => {
                let (fact, length) = self.stop(ticket, now);
                words = Some(format!("recorded {length:.1} s"));
                fact.map(at_once).unwrap_or_default()
            }
            MediaCommand::Close { media } => {
                if self.open.remove(&media).is_none() && !self.refused.remove(&media) {
                    self.faults.push(format!("{media:?} closed, but not open"));
                }
                Vec::new()
            }
        };
        Reply { facts, words }
    }

    fn must_be_open(&mut self, media: MediaId, what: &str) {
        if !self.open.contains_key(&media) {
            self.faults.push(format!("{media:?} {what}, but not open"));
        }
    }

    fn stop(&mut self, ticket: TicketId, now: Instant) -> (Option<MediaFact>, f64) {
        if self.refuses_recordings && !self.recordings.contains_key(&ticket) {
            let why = "no recording of this ticket is running".to_owned();
            return (Some(MediaFact::RecordingFailed { ticket, report: None, why }), 0.0);
        }
        let Some(recording) = self.recordings.get_mut(&ticket) else {
            self.faults.push(format!("{ticket}: a recording stopped that never began"));
            return (None, 0.0);
        };
        recording.stopped += 1;
        let length = now.duration_since(recording.since);
        let packets = u64::try_from(length.as_millis()).unwrap_or(u64::MAX) / 20;
        if self.disk_is_full {
            let why = "could not be written: disk full".to_owned();
            return (Some(MediaFact::RecordingFailed { ticket, report: None, why }), length.as_secs_f64());
        }
        let side = SideReport { packets, audible_samples: packets * 100, ..SideReport::default() };
        let report = RecordingReport {
            path: recording.order.path.clone(),
            sample_rate: 8000,
            samples: u64::try_from(length.as_millis()).unwrap_or(u64::MAX) * 8,
            caller: side.clone(),
            operator: side,
            unwritten_samples: 0,
            tap_dropped: 0,
            late_syncs: 0,
        };
        (Some(MediaFact::Recorded { ticket, report }), length.as_secs_f64())
    }

    /// Whose port that is.
    pub(crate) fn at_port(&self, port: u16) -> Option<MediaId> {
        self.open.iter().find(|(_, open)| **open == port).map(|(media, _)| *media)
    }

    /// Every fault, with what should have been given back by now.
    pub(crate) fn faults_at_the_end(&self) -> Vec<String> {
        let open = self.open.keys().map(|media| format!("{media:?} was never closed"));
        let recordings =
            self.recordings.iter().filter(|(_, recording)| recording.stopped != 1).map(
                |(ticket, recording)| format!("{ticket}: recording stopped {} times", recording.stopped),
            );
        self.faults.iter().cloned().chain(open).chain(recordings).collect()
    }
}

/// Prompts by name, spoken numbers as digits.
fn said(sounds: &[Sound]) -> String {
    let word = |sound: &Sound| match sound {
        Sound::Prompt(prompt) => format!("{prompt:?}"),
        Sound::CallersNumber | Sound::Beep | Sound::Comfort | Sound::Ringback => format!("{sound:?}"),
    };
    sounds.iter().map(word).collect::<Vec<_>>().join(" ").replace(" Digit", " ")
}
