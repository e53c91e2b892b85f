//! What a call orders to be played and recorded, and what becomes of its recording.

use std::path::PathBuf;

use chrono::Datelike;

use super::{
    Moment, Notice, Output, Switch,
    leg::{Closing, RecordingState},
    media::{MediaCommand, MediaId, PlayId, RecordOrder, SpeechWatch},
};
use crate::{
    call::{
        machine::{Event, LegIndex},
        prompt::{Repeat, Sound, spoken},
    },
    desk::{
        outage::{Edge, OutageChange, Subject},
        ticket::{Outcome, RecordingReport, TicketId, Verdict},
        verdict::{message_verdict, verdict},
    },
};

impl Switch {
    pub(super) fn media_of(&self, ticket: TicketId, leg: LegIndex) -> Option<MediaId> {
        let call = self.calls.get(&ticket)?;
        if leg == LegIndex::CALLER {
            return Some(call.caller.ports.media);
        }
        call.legs.get(&leg).map(|leg| leg.ports.media)
    }

    pub(super) fn play(&mut self, ticket: TicketId, leg: LegIndex, sounds: Vec<Sound>, repeat: Repeat) {
        let Some(media) = self.media_of(ticket, leg) else { return };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        self.last_play += 1;
        let play = PlayId(self.last_play);
        call.playing.insert(leg, play);
        let number = call.caller.caller.number.as_ref();
        let put_in = |sound| match sound {
            Sound::CallersNumber => number.map(|number| spoken(number.reveal())).unwrap_or_default(),
            Sound::Prompt(_) | Sound::Beep | Sound::Comfort | Sound::Ringback => vec![sound],
        };
        let sounds = sounds.into_iter().flat_map(put_in).collect();
        self.out.push(Output::Media(MediaCommand::Play { media, play, sounds, repeat }));
    }

    pub(super) fn stop_playing(&mut self, ticket: TicketId, leg: LegIndex) {
        let Some(media) = self.media_of(ticket, leg) else { return };
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.playing.remove(&leg);
        }
        self.out.push(Output::Media(MediaCommand::StopPlaying { media }));
    }

    /// Something came to its end; of interest only if it is what was ordered last.
    pub(super) fn played(&mut self, media: MediaId, play: PlayId, event: impl FnOnce(LegIndex) -> Event) {
        let Some((ticket, leg)) = self.media.get(&media).copied() else { return };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        if call.playing.get(&leg) == Some(&play) {
            call.playing.remove(&leg);
            self.events.push_back((ticket, event(leg)));
        }
    }

    /// That leg speaks, the other side is silent: a message.
    pub(super) fn record_alone(&mut self, ticket: TicketId, leg: LegIndex, watch: SpeechWatch, now: Moment) {
        let Some(media) = self.media_of(ticket, leg) else { return };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        call.recording = RecordingState::Running;
        call.joined.get_or_insert(now.mono);
        let record = RecordOrder { ticket, path: recording_path(ticket) };
        self.out.push(Output::Media(MediaCommand::Record { media, record, watch }));
    }

    /// The recording ends before the call does.
    pub(super) fn stop_recording(&mut self, ticket: TicketId, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        if call.recording == RecordingState::Running {
            let talked = call.joined.map(|at| now.mono.saturating_duration_since(at)).unwrap_or_default();
            call.recording = RecordingState::Stopping { talked };
            self.out.push(Output::Media(MediaCommand::StopRecording { ticket }));
        }
    }

    /// Nothing of the recording is kept.
    pub(super) fn discard_recording(&mut self, ticket: TicketId) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        call.recording = RecordingState::Discarded;
        self.out.push(Output::Media(MediaCommand::DiscardRecording { ticket }));
    }

    /// The recorder has closed the file, or says why there is none.
    pub(super) fn recorded(
        &mut self,
        ticket: TicketId,
        report: Option<RecordingReport>,
        why: Option<String>,
        now: Moment,
    ) {
        self.watch_disk(why.as_deref(), now);
        if let Some(call) = self.calls.get_mut(&ticket) {
            if let RecordingState::Stopping { talked } = call.recording {
                call.recording = RecordingState::Closed { talked, report, why };
            } else if let Some(why) = why {
                // It failed in the middle of the call, which goes on.
                call.log.recording_failed(&why, now.wall);
                call.recording = RecordingState::Failed(why);
                self.touched.insert(ticket);
                self.events.push_back((ticket, Event::RecordingFailed));
            }
            return;
        }
        let Some(closing) = self.closing.remove(&ticket) else { return };
        self.deadlines.remove(&(closing.deadline, ticket));
        self.close_ticket(closing, report, why, now);
    }

    /// The ticket's last word.
    pub(super) fn close_ticket(
        &mut self,
        mut closing: Closing,
        report: Option<RecordingReport>,
        why: Option<String>,
        now: Moment,
    ) {
        let is_message = closing.log.ticket().outcome == Some(Outcome::Message);
        let verdict = match (&report, closing.failed.take().or(why)) {
            // Something is there to hear, so say what is wrong with it.
            (Some(report), Some(why)) if report.samples > 0 => Verdict::Degraded(why),
            (_, Some(why)) => Verdict::Failed(why),
            (Some(report), None) if is_message => message_verdict(report, closing.talked),
            (Some(report), None) => verdict(report, closing.talked),
            (None, None) => Verdict::Failed("the recorder said nothing".to_owned()),
        };
        if let Verdict::Failed(why) = &verdict {
            // Also where the recorder had nothing to say against it: there should be a file, and there is none.
            self.watch_disk(Some(why), now);
        }
        let ticket = closing.log.ticket().id;
        self.out.push(Output::Notice(Notice::Recorded { ticket, verdict: verdict.clone() }));
        closing.log.recorded(report, verdict, now.wall);
        self.save(&mut closing.log);
    }

    /// A recording that failed begins an outage, the next one that is whole ends it.
    fn watch_disk(&mut self, why: Option<&str>, now: Moment) {
        if self.disk_failed == why.is_some() {
            return;
        }
        self.disk_failed = why.is_some();
        self.out.push(Output::Outage(OutageChange {
            subject: Subject::Disk,
            at: now.wall.to_utc(),
            edge: if self.disk_failed { Edge::Began } else { Edge::Ended },
            reason: why.unwrap_or("a recording was written whole").to_owned(),
        }));
    }

    /// The ticket says that its recording is missing, and still waits: a disk that was stuck for minutes
    /// may yet close the file.
    pub(super) fn recorder_is_late(&mut self, ticket: TicketId, now: Moment) {
        let Some(mut closing) = self.closing.remove(&ticket) else { return };
        let why = "the recorder has not closed the file yet".to_owned();
        self.watch_disk(Some(&why), now);
        let verdict = Verdict::Failed(why);
        self.out.push(Output::Notice(Notice::Recorded { ticket, verdict: verdict.clone() }));
        closing.log.recorded(None, verdict, now.wall);
        self.save(&mut closing.log);
        self.closing.insert(ticket, closing);
    }
}

/// `2026/11/23/20261123-0007.wav`.
pub(super) fn recording_path(ticket: TicketId) -> PathBuf {
    let day = ticket.day;
    format!("{:04}/{:02}/{:02}/{ticket}.wav", day.year(), day.month(), day.day()).into()
}
