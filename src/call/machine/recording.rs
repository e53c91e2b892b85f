//! Whether the call is recorded: the caller may refuse it by a key, before or while it runs.

use super::{Action, Event, LegIndex, Note, Record, State, legs::Turn, talking::Talking};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capture {
    /// Will be recorded when somebody is joined.
    Wanted,
    Running,
    /// The caller wants none.
    Refused,
}

impl Turn<'_> {
    /// Joins that leg with the caller, recorded unless the caller refused.
    pub(super) fn join(&mut self, leg: LegIndex) {
        let record = self.record();
        self.push(Action::Join { leg, record });
    }

    /// Joins two legs in place of those that were joined before.
    pub(super) fn join_sides(&mut self, talk: Talking) {
        let Talking { caller_side, callee_side } = talk;
        let record = self.record();
        self.push(Action::Rejoin { caller_side, callee_side, record });
    }

    fn record(&mut self) -> Record {
        match *self.capture {
            Capture::Wanted | Capture::Running => {
                *self.capture = Capture::Running;
                Record::Both
            }
            Capture::Refused => Record::Nothing,
        }
    }

    /// The caller pressed the key that refuses recording: nothing is captured, and what was is dropped.
    /// A message is left by who wants to be recorded: there the key means nothing.
    pub(super) fn heed_refusal(&mut self, event: &Event, state: &State) {
        let Event::Digit { leg: LegIndex::CALLER, digit } = event else { return };
        if Some(*digit) != self.plan.refuse_recording_key {
            return;
        }
        match state {
            State::Announcing(_)
            | State::Seeking(_)
            | State::Joining(_)
            | State::Noticing(_)
            | State::Talking(_)
            | State::Transferring(_) => {}
            State::Voicemail(_) | State::Farewell(_) | State::Closing | State::Over => return,
        }
        match std::mem::replace(self.capture, Capture::Refused) {
            Capture::Wanted => self.note(Note::RecordingRefused),
            Capture::Running => {
                self.note(Note::RecordingRefused);
                self.push(Action::DiscardRecording);
            }
            Capture::Refused => {}
        }
    }

    pub(super) fn refuses_recording(&self) -> bool {
        *self.capture == Capture::Refused
    }
}
