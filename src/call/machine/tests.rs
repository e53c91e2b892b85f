//! Calls as ladders: what came in at which second (`>`), and what the call did about it.

use std::fmt::Write as _;

use expect_test::Expect;

use super::*;
use crate::call::{house::House, plan, staffing::Staffing};

mod desk;
mod ending;
mod mobile;
mod notice;
mod out;
mod queue;
mod voicemail;

/// A call in virtual time.
struct Ladder {
    call: Call,
    start: Instant,
    now: Instant,
    text: String,
}

impl Ladder {
    fn of(plan: Plan) -> Self {
        #[expect(clippy::disallowed_methods, reason = "any instant will do as the start of virtual time")]
        let start = Instant::now();
        let (call, actions) = Call::start(plan, start);
        let mut ladder = Self { call, start, now: start, text: String::new() };
        ladder.write(&actions);
        ladder
    }

    /// Lets time pass until `seconds`, with every deadline on the way.
    fn until(&mut self, seconds: f64) -> &mut Self {
        let then = self.start + Duration::from_secs_f64(seconds);
        while let Some(at) = self.call.deadline().filter(|&at| at <= then) {
            self.now = self.now.max(at);
            let actions = self.call.on(Event::DeadlinePassed, self.now);
            self.write(&actions);
            let next = self.call.deadline();
            assert!(next.is_none_or(|next| next > self.now), "a deadline does not go by:\n{}", self.text);
        }
        self.now = then;
        self
    }

    fn at(&mut self, seconds: f64, event: Event) -> &mut Self {
        self.until(seconds);
        let _ = writeln!(self.text, "{} > {}", self.clock(), event_words(&event));
        let actions = self.call.on(event, self.now);
        self.write(&actions);
        self
    }

    fn run_to_end(&mut self) -> &mut Self {
        self.until(20_000.0)
    }

    fn clock(&self) -> String {
        format!("{:<5.1}", self.now.duration_since(self.start).as_secs_f64())
    }

    fn write(&mut self, actions: &[Action]) {
        for action in actions {
            let _ = writeln!(self.text, "{}   {}", self.clock(), action_words(action));
        }
    }

    fn reads(&self, expected: Expect) {
        expected.assert_eq(&self.text);
    }
}

fn event_words(event: &Event) -> String {
    match event {
        Event::Ringing { leg } => format!("{} rings", leg.0),
        Event::EarlyMedia { leg } => format!("{} early media", leg.0),
        Event::Answered { leg } => format!("{} 200", leg.0),
        Event::Unanswered { leg, why } => format!("{} {}", leg.0, why.words()),
        Event::Redirected { leg, to } => format!("{} 302 to {}", leg.0, target_words(to)),
        Event::HungUp { leg } => format!("{} hangs up", leg.0),
        Event::Joined { leg } => format!("{} joined", leg.0),
        Event::JoinFailed { leg } => format!("{} join failed", leg.0),
        Event::Played { leg } => format!("{} played", leg.0),
        Event::Digit { leg, digit } => format!("{} presses {digit}", leg.0),
        Event::PlayFailed { leg } => format!("{} cannot be played to", leg.0),
        Event::CallerReached => "caller reached".into(),
        Event::CallerNotReached => "caller not reached".into(),
        Event::Spoke { leg } => format!("{} spoke", leg.0),
        Event::Quiet { leg } => format!("{} quiet", leg.0),
        Event::RecordingFailed => "recording failed".into(),
        Event::PhoneFree { phone } => format!("{phone} free"),
        Event::Feature(feature) => match feature {
            Feature::Held { leg } => format!("{} holds", leg.0),
            Feature::Resumed { leg } => format!("{} resumes", leg.0),
            Feature::Referred { leg, by: _, to } => format!("{} refers to {}", leg.0, target_words(to)),
            Feature::Replaced { leg, by: _, newcomer } => {
                format!("{} replaces {}", target_words(newcomer), leg.0)
            }
            Feature::PickedUp { by } => format!("{} picks up", target_words(by)),
            Feature::Taken { leg } => format!("{} is taken", leg.0),
        },
        Event::EndOrdered => "end ordered".into(),
        Event::DeadlinePassed => "deadline".into(),
    }
}

fn target_words(target: &Target) -> String {
    match target {
        Target::Phone(name) | Target::Mobile { name, .. } => name.clone(),
        Target::Outside(number) => number.reveal().clone(),
    }
}

fn action_words(action: &Action) -> String {
    match action {
        Action::Dial { leg, target } => format!("dial {} {}", leg.0, target_words(target)),
        Action::HangUp { leg, why: _ } => format!("hang up {}", leg.0),
        Action::RingCaller => "180 to caller".into(),
        Action::PassEarlyMedia { leg } => format!("183 to caller from {}", leg.0),
        Action::ProgressCaller => "183 to caller".into(),
        Action::Join { leg, record: Record::Both } => format!("join {}", leg.0),
        Action::Join { leg, record: Record::Nothing } => format!("join {}, unrecorded", leg.0),
        Action::Adopt { leg, target } => format!("adopt {} {}", leg.0, target_words(target)),
        Action::Rejoin { caller_side, callee_side, record: _ } => {
            format!("join {} and {}", caller_side.0, callee_side.0)
        }
        Action::TellTransferor { news } => format!("tell transferor {news:?}"),
        Action::AnswerCaller => "200 to caller".into(),
        Action::RefuseCaller { why } => format!("refuse caller {why:?}"),
        Action::HangUpCaller => "BYE to caller".into(),
        Action::Play { leg, sounds, repeat } => {
            let again = if *repeat == Repeat::Forever { " for ever" } else { "" };
            format!("play {} {}{again}", leg.0, sounds_words(sounds))
        }
        Action::Record { leg, .. } => format!("record {}", leg.0),
        Action::StopRecording => "stop recording".into(),
        Action::DiscardRecording => "discard recording".into(),
        Action::StopPlaying { leg } => format!("stop playing {}", leg.0),
        Action::Note(note) => match note {
            Note::FirstRing => "* first ring".into(),
            Note::Flagged { ring } => format!("* flagged, ring {ring}"),
            Note::NoticeStarted => "* notice".into(),
            Note::NoticeEnded { how } => format!("* notice {how:?}"),
            Note::RecordingRefused => "* recording refused".into(),
            Note::Queued => "* in the queue".into(),
            Note::LeftQueue { why } => format!("* left the queue: {why}"),
            Note::Voicemail => "* voicemail".into(),
            Note::Forwarding { why } => format!("* forwarding: {why}"),
            Note::Talk { caller_side, callee_side } => {
                format!("* {} and {} talk", caller_side.0, callee_side.0)
            }
            Note::Transfer { from, to } => format!("* transfer from {} to {}", from.0, to.0),
            Note::Transferred { to } => format!("* transferred to {}", to.0),
            Note::TransferFailed => "* transfer failed".into(),
            Note::Left { leg } => format!("* {} left", leg.0),
            Note::Taken { leg } => format!("* {} taken", leg.0),
            Note::Ringing { leg } => format!("* {} rings", leg.0),
            Note::Picked { leg } => format!("* {} picked up", leg.0),
            Note::Answered { leg, ring } => format!("* {} answered, ring {ring:?}", leg.0),
            Note::Unanswered { leg, why } => format!("* {} {}", leg.0, why.words()),
            Note::HungUp { first } => format!("* {first:?} hung up"),
            Note::Outcome { outcome, ring } => format!("* {}, ring {ring:?}", outcome.words()),
        },
        Action::End => "end".into(),
    }
}

/// Prompts by name, spoken numbers as digits.
fn sounds_words(sounds: &[Sound]) -> String {
    let word = |sound: &Sound| match sound {
        Sound::Prompt(prompt) => format!("{prompt:?}"),
        Sound::CallersNumber | Sound::Beep | Sound::Comfort | Sound::Ringback => format!("{sound:?}"),
    };
    sounds.iter().map(word).collect::<Vec<_>>().join(" ").replace(" Digit", " ")
}

fn leg(index: u16) -> LegIndex {
    LegIndex(index)
}

fn staffed(house: &House, ring: &[&str], all_busy: bool, words: &str) -> Staffing {
    Staffing {
        shift: None,
        operator: None,
        ring: ring.iter().map(|&name| name.into()).collect(),
        all_busy,
        desk: vec!["801".into(), "802".into()],
        busy: vec!["801".into(), "802".into()],
        mobiles: house.mobiles.clone(),
        words: words.into(),
    }
}

/// Both phones at the desk are ready.
fn at_the_desk(house: &House) -> Plan {
    plan::hotline(house, &staffed(house, &["801", "802"], false, "801 ready, 802 ready"), false)
}

/// Only 801 is there.
fn one_phone(house: &House) -> Plan {
    plan::hotline(house, &staffed(house, &["801"], false, "801 ready"), false)
}

fn unstaffed(house: &House) -> Plan {
    plan::hotline(house, &staffed(house, &[], false, "nobody on duty"), false)
}
