//! The media room as the switch sees it: it answers every command, and remembers enough to tell at the
//! end whether everything that was opened was closed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use hotlined::{
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
            MediaCommand::Play { media, prompt } => {
                self.must_be_open(media, "played to");
                words = Some(format!("plays {prompt:?}"));
                vec![(PROMPT, MediaFact::Played { media })]
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
        let Some(recording) = self.recordings.get_mut(&ticket) else {
            self.faults.push(format!("{ticket}: a recording stopped that never began"));
            return (None, 0.0);
        };
        recording.stopped += 1;
        let length = now.duration_since(recording.since);
        let packets = u64::try_from(length.as_millis()).unwrap_or(u64::MAX) / 20;
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
