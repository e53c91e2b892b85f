//! The end of every plan: nobody was there, and the caller is asked for a message. It is recorded, the
//! caller left, the right side silent, from the beep on, until the caller hangs up, falls silent or has
//! said too much. What holds no speech is no message.

use std::time::{Duration, Instant};

use super::{
    Action, Call, CallerRefused, Event, LegIndex, Note, State,
    caller::Caller,
    farewell::Farewell,
    legs::{Turn, later},
};
use crate::{
    call::{
        plan::VoicemailPlan,
        prompt::{Prompt, Sound},
    },
    desk::ticket::{Outcome, Side, Unanswered},
};

/// No greeting takes so long; then the beep comes. Doubled, a broken player keeps the caller waiting longer.
const LONGEST_GREETING: Duration = Duration::from_secs(60);
/// No beep takes so long.
const LONGEST_BEEP: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Voicemail {
    plan: VoicemailPlan,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The 200 is on its way.
    Reaching {
        until: Instant,
    },
    Greeting {
        until: Instant,
    },
    /// The recording runs; the caller hears the beep, and may be quick to speak.
    Beep {
        until: Instant,
        spoke: bool,
    },
    /// The caller speaks, until that time at most.
    Listening {
        until: Instant,
        spoke: bool,
    },
}

impl Voicemail {
    pub(super) fn start(plan: VoicemailPlan, turn: &mut Turn<'_>) -> State {
        turn.note(Note::Voicemail);
        let is_up = *turn.caller == Caller::Up;
        turn.answer_caller();
        let stage = Stage::Reaching { until: later(turn.now, super::joining::JOIN_PATIENCE) };
        let voicemail = Self { plan, stage };
        // A caller out of the queue has been answered long ago.
        if is_up { voicemail.on(Event::CallerReached, turn) } else { State::Voicemail(voicemail) }
    }

    pub(super) fn deadline(&self, call: &Call) -> Instant {
        let own = match &self.stage {
            Stage::Reaching { until }
            | Stage::Greeting { until }
            | Stage::Beep { until, .. }
            | Stage::Listening { until, .. } => *until,
        };
        call.clock.deadline(&call.plan).map_or(own, |flag| flag.min(own))
    }

    pub(super) fn on(mut self, event: Event, turn: &mut Turn<'_>) -> State {
        turn.flag_if_due();
        match event {
            Event::HungUp { leg: LegIndex::CALLER } => return self.hung_up(Side::Caller, turn),
            Event::EndOrdered => return self.hung_up(Side::House, turn),
            Event::CallerNotReached => return self.unreached(turn),
            Event::RecordingFailed => return self.not_recorded(turn),
            Event::CallerReached => self.reached(turn),
            Event::Played { leg: LegIndex::CALLER } | Event::PlayFailed { leg: LegIndex::CALLER } => {
                self.played(turn);
            }
            Event::Spoke { leg: LegIndex::CALLER } => {
                if let Stage::Beep { spoke, .. } | Stage::Listening { spoke, .. } = &mut self.stage {
                    *spoke = true;
                }
            }
            Event::Quiet { leg: LegIndex::CALLER } => {
                if let Stage::Listening { .. } = self.stage {
                    return self.enough(turn);
                }
            }
            Event::Played { leg } | Event::PlayFailed { leg } => turn.prompt_over(leg),
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
                turn.is_over(leg, Unanswered::NotNeeded);
            }
            Event::Ringing { .. }
            | Event::EarlyMedia { .. }
            | Event::Answered { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::Spoke { .. }
            | Event::Quiet { .. }
            | Event::PhoneFree { .. }
            | Event::Feature(_)
            | Event::Digit { .. }
            | Event::DeadlinePassed => {}
        }
        turn.end_last_prompts();
        match self.stage {
            Stage::Reaching { until } if turn.now >= until => self.unreached(turn),
            Stage::Listening { until, .. } if turn.now >= until => self.enough(turn),
            Stage::Greeting { until } | Stage::Beep { until, .. } if turn.now >= until => {
                self.played(turn);
                State::Voicemail(self)
            }
            Stage::Reaching { .. }
            | Stage::Greeting { .. }
            | Stage::Beep { .. }
            | Stage::Listening { .. } => State::Voicemail(self),
        }
    }

    fn reached(&mut self, turn: &mut Turn<'_>) {
        if let Stage::Reaching { .. } = self.stage {
            turn.play(LegIndex::CALLER, vec![Prompt::Voicemail.into()]);
            self.stage = Stage::Greeting { until: later(turn.now, LONGEST_GREETING) };
        }
    }

    fn played(&mut self, turn: &mut Turn<'_>) {
        match self.stage {
            Stage::Greeting { .. } => {
                let VoicemailPlan { enough_speech, quiet_after, .. } = self.plan;
                turn.push(Action::Record { leg: LegIndex::CALLER, enough_speech, quiet_after });
                turn.play(LegIndex::CALLER, vec![Sound::Beep]);
                self.stage = Stage::Beep { until: later(turn.now, LONGEST_BEEP), spoke: false };
            }
            Stage::Beep { spoke, .. } => {
                self.stage = Stage::Listening { until: later(turn.now, self.plan.limit), spoke };
            }
            Stage::Reaching { .. } | Stage::Listening { .. } => {}
        }
    }

    /// The caller (or the house) ends it.
    fn hung_up(self, first: Side, turn: &mut Turn<'_>) -> State {
        turn.note(Note::HungUp { first });
        let outcome = self.close_message(turn);
        turn.note(Note::Outcome { outcome, ring: turn.ring() });
        turn.end_caller(CallerRefused::NobodyAvailable);
        State::close(turn)
    }

    /// The caller has said all, or nothing.
    fn enough(self, turn: &mut Turn<'_>) -> State {
        let outcome = self.close_message(turn);
        turn.note(Note::HungUp { first: Side::House });
        turn.note(Note::Outcome { outcome, ring: turn.ring() });
        match outcome {
            Outcome::Message => Farewell::start(Prompt::VoicemailSaved, turn),
            Outcome::AnsweredByDesk
            | Outcome::AnsweredByMobile
            | Outcome::AnsweredByOther
            | Outcome::Abandoned
            | Outcome::Missed
            | Outcome::Refused
            | Outcome::Interrupted => Farewell::start(Prompt::Goodbye, turn),
        }
    }

    fn close_message(&self, turn: &mut Turn<'_>) -> Outcome {
        match self.stage {
            Stage::Beep { spoke: true, .. } | Stage::Listening { spoke: true, .. } => {
                turn.push(Action::StopRecording);
                Outcome::Message
            }
            Stage::Beep { spoke: false, .. } | Stage::Listening { spoke: false, .. } => {
                turn.push(Action::DiscardRecording);
                Outcome::Abandoned
            }
            Stage::Reaching { .. } | Stage::Greeting { .. } => Outcome::Abandoned,
        }
    }

    /// No ports, no codec: the caller can hear nothing but a refusal.
    fn unreached(self, turn: &mut Turn<'_>) -> State {
        turn.note(Note::Outcome { outcome: Outcome::Missed, ring: turn.ring() });
        turn.end_caller(CallerRefused::Fault);
        State::close(turn)
    }

    /// Nobody may speak to a recorder that does not run.
    fn not_recorded(self, turn: &mut Turn<'_>) -> State {
        match self.stage {
            Stage::Beep { .. } | Stage::Listening { .. } => {
                turn.note(Note::Outcome { outcome: Outcome::Missed, ring: turn.ring() });
                Farewell::start(Prompt::LineFault, turn)
            }
            Stage::Reaching { .. } | Stage::Greeting { .. } => State::Voicemail(self),
        }
    }
}
