//! Any events in any order, nonsense included: what must hold of every call.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    call::{
        house::{AtFlag, LeaveTo, MobileOrder, Notice, NoticeAt},
        plan, sample,
        staffing::Staffing,
    },
    desk::number::Number,
};

/// What a world may do to a call: wait, then one fact.
#[derive(Debug, Clone)]
struct Step {
    wait_ms: u64,
    event: Event,
}

fn a_leg() -> impl Strategy<Value = LegIndex> {
    prop_oneof![8 => (1..6u16).prop_map(LegIndex), 1 => Just(LegIndex(77)), 1 => Just(LegIndex::CALLER)]
}

fn a_target() -> impl Strategy<Value = Target> {
    prop_oneof![
        (1..6u8).prop_map(|n| Target::Phone(format!("80{n}"))),
        (0..4u8).prop_map(|n| Target::Outside(Number::new(format!("1390000000{n}")))),
    ]
}

fn a_reason() -> impl Strategy<Value = Unanswered> {
    prop::sample::select(vec![
        Unanswered::Busy,
        Unanswered::Declined,
        Unanswered::Unreachable,
        Unanswered::NoAnswer,
        Unanswered::NotConfirmed,
        Unanswered::RefusedByKey,
        Unanswered::Fault,
        Unanswered::NotNeeded,
    ])
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => a_leg().prop_map(|leg| Event::Ringing { leg }),
        1 => a_leg().prop_map(|leg| Event::EarlyMedia { leg }),
        4 => a_leg().prop_map(|leg| Event::Answered { leg }),
        2 => (a_leg(), a_reason()).prop_map(|(leg, why)| Event::Unanswered { leg, why }),
        2 => (a_leg(), a_target()).prop_map(|(leg, to)| Event::Redirected { leg, to }),
        // The caller's hang-up ends most of it, so it is rare here.
        1 => (1..6u16).prop_map(|leg| Event::HungUp { leg: LegIndex(leg) }),
        2 => a_leg().prop_map(|leg| Event::Joined { leg }),
        2 => a_leg().prop_map(|leg| Event::JoinFailed { leg }),
        4 => a_leg().prop_map(|leg| Event::Played { leg }),
        2 => Just(Event::Played { leg: LegIndex::CALLER }),
        1 => a_leg().prop_map(|leg| Event::PlayFailed { leg }),
        5 => Just(Event::CallerReached),
        1 => Just(Event::CallerNotReached),
        1 => Just(Event::Spoke { leg: LegIndex::CALLER }),
        1 => Just(Event::Quiet { leg: LegIndex::CALLER }),
        1 => Just(Event::RecordingFailed),
        1 => a_leg().prop_map(|leg| Event::Feature(Feature::Held { leg })),
        1 => a_leg().prop_map(|leg| Event::Feature(Feature::Resumed { leg })),
        3 => a_leg().prop_map(|leg| Event::Feature(Feature::Referred {
            leg,
            by: Target::Phone("801".into()),
            to: Target::Phone("803".into()),
        })),
        3 => a_leg().prop_map(|leg| Event::Feature(Feature::Replaced {
            leg,
            by: Target::Phone("801".into()),
            newcomer: Target::Phone("803".into()),
        })),
        2 => Just(Event::Feature(Feature::PickedUp { by: Target::Phone("803".into()) })),
        1 => a_leg().prop_map(|leg| Event::Feature(Feature::Taken { leg })),
        2 => (1..5u8).prop_map(|n| Event::PhoneFree { phone: format!("80{n}") }),
        4 => (a_leg(), prop::sample::select(vec!['1', '2', '#', '9', '0']))
            .prop_map(|(leg, digit)| Event::Digit { leg, digit }),
        3 => Just(Event::DeadlinePassed),
    ]
}

fn a_step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![3 => Just(0), 3 => 1..3_000u64, 1 => 3_000..40_000u64];
    (wait, an_event()).prop_map(|(wait_ms, event)| Step { wait_ms, event })
}

/// How it comes to its end after the steps.
fn an_ending() -> impl Strategy<Value = Option<Event>> {
    prop::sample::select(vec![None, Some(Event::HungUp { leg: LegIndex::CALLER }), Some(Event::EndOrdered)])
}

fn a_plan() -> impl Strategy<Value = Plan> {
    let at_flag = prop::sample::select(vec![AtFlag::Also, AtFlag::Instead, AtFlag::No]);
    let order = prop::sample::select(vec![MobileOrder::InOrder, MobileOrder::Together]);
    let notice = prop::sample::select(vec![NoticeAt::OnAnswer, NoticeAt::BeforeRinging, NoticeAt::Off]);
    let phones = 0..4usize;
    let drawn = (at_flag, order, notice, phones, any::<[bool; 6]>(), 0..8u8);
    drawn.prop_map(|(at_flag, order, notice, phones, flags, kind)| {
        let [all_busy, looped, key, no_mobiles, voicemail, leave_to_voicemail] = flags;
        let mut house = sample::house();
        house.notice = Notice { at: notice, refuse_key: Some('9') };
        house.queue.leave_key = Some('0');
        if leave_to_voicemail {
            house.queue.leave_to = LeaveTo::Voicemail;
        }
        house.voicemail.on = voicemail;
        house.forwarding.at_flag = at_flag;
        house.forwarding.order = order;
        house.forwarding.busy_patience = Duration::from_secs(5);
        house.longest_call = Duration::from_secs(600);
        for mobile in &mut house.mobiles {
            mobile.needs_key = key;
        }
        if no_mobiles {
            house.mobiles.clear();
        }
        let staffing = Staffing {
            shift: None,
            operator: None,
            ring: (1..=phones).map(|n| format!("80{n}")).collect(),
            all_busy,
            desk: (1..=4).map(|n| format!("80{n}")).collect(),
            busy: vec!["801".into()],
            mobiles: house.mobiles.clone(),
            words: "as it is".into(),
        };
        match kind {
            0 => plan::outside(&house, Number::new("13900000000".into()), None),
            1 => plan::internal(&house, "801".into()),
            _ => plan::hotline(&house, &staffing, looped),
        }
    })
}

/// Follows what a call does, and holds it to its promises.
#[derive(Debug, Default)]
struct Watch {
    open: BTreeSet<LegIndex>,
    dialled: u16,
    ended: bool,
    outcomes: u32,
    answers: u32,
    refusals: u32,
    caller_gone: bool,
    flags: u32,
    answered: bool,
    recording: bool,
    discarded: bool,
    noticing: bool,
    /// Two sides have been joined.
    talks: bool,
    /// A join is under way: a person answered.
    joining: Option<LegIndex>,
}

impl Watch {
    /// The world's side: what the event itself ends.
    fn hear(&mut self, event: &Event) {
        match event {
            Event::HungUp { leg: LegIndex::CALLER } => self.caller_gone = true,
            Event::HungUp { leg } | Event::Unanswered { leg, .. } | Event::Redirected { leg, .. } => {
                self.open.remove(leg);
                if self.joining == Some(*leg) {
                    self.joining = None;
                }
            }
            Event::Ringing { .. }
            | Event::EarlyMedia { .. }
            | Event::Answered { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::Played { .. }
            | Event::PlayFailed { .. }
            | Event::CallerReached
            | Event::Spoke { .. }
            | Event::Quiet { .. }
            | Event::RecordingFailed
            | Event::PhoneFree { .. }
            | Event::Feature(_)
            | Event::Digit { .. }
            | Event::EndOrdered
            | Event::DeadlinePassed => {}
            Event::CallerNotReached => self.answers = 0,
        }
    }

    fn see(&mut self, actions: &[Action]) {
        for action in actions {
            assert!(!self.ended, "{action:?} after the end");
            match action {
                Action::Dial { leg, .. } | Action::Adopt { leg, .. } => {
                    // A caller who had the other side put through may be gone.
                    assert!(!self.caller_gone || self.talks, "dialled for nobody");
                    self.dialled += 1;
                    assert_eq!(leg.0, self.dialled, "indexes count up from 1");
                    self.open.insert(*leg);
                }
                Action::HangUp { leg, .. } => {
                    assert!(self.open.remove(leg), "{leg:?} is hung up twice, or was never dialled");
                    if self.joining == Some(*leg) {
                        self.joining = None;
                    }
                }
                Action::Join { leg, record } => {
                    assert!(self.open.contains(leg));
                    assert_eq!(self.joining, None, "two are joined at once");
                    assert!(!self.caller_gone, "joined with nobody");
                    assert!(*record == Record::Nothing || !self.discarded, "recorded after a refusal");
                    self.recording |= *record == Record::Both;
                    self.joining = Some(*leg);
                }
                Action::Rejoin { caller_side, callee_side, record } => {
                    let there = |leg: &LegIndex| match *leg {
                        LegIndex::CALLER => !self.caller_gone,
                        _ => self.open.contains(leg),
                    };
                    assert!([caller_side, callee_side].into_iter().all(there), "joined with nobody");
                    assert!(self.talks, "rejoined before any talk");
                    assert!(*record == Record::Nothing || !self.discarded, "recorded after a refusal");
                }
                Action::TellTransferor { .. } => assert!(self.talks, "nobody asked for it"),
                Action::Note(Note::Talk { .. }) => self.talks = true,
                Action::Record { .. } => {
                    assert!(!self.recording && self.joining.is_none(), "a message in a talk");
                    assert_eq!((self.answers, self.caller_gone), (1, false), "nobody leaves a message");
                    self.recording = true;
                }
                Action::StopRecording => {
                    assert!(self.recording, "nothing is recorded");
                    self.recording = false;
                }
                Action::DiscardRecording => {
                    assert!(self.recording, "nothing is recorded");
                    self.recording = false;
                    self.discarded = true;
                }
                Action::ProgressCaller | Action::RingCaller | Action::PassEarlyMedia { .. } => {
                    assert_eq!((self.answers, self.refusals, self.caller_gone), (0, 0, false));
                }
                Action::AnswerCaller => {
                    assert_eq!((self.answers, self.refusals, self.caller_gone), (0, 0, false));
                    self.answers += 1;
                }
                Action::RefuseCaller { .. } => {
                    assert_eq!((self.answers, self.refusals, self.caller_gone), (0, 0, false));
                    self.refusals += 1;
                    self.caller_gone = true;
                }
                Action::HangUpCaller => {
                    assert_eq!((self.answers, self.caller_gone), (1, false));
                    self.caller_gone = true;
                }
                Action::Play { leg: LegIndex::CALLER, .. }
                | Action::StopPlaying { leg: LegIndex::CALLER } => {
                    assert!(!self.caller_gone, "played to nobody");
                }
                Action::Play { leg, .. } | Action::StopPlaying { leg } => assert!(self.open.contains(leg)),
                Action::Note(Note::Flagged { .. }) => {
                    self.flags += 1;
                    assert_eq!(self.flags, 1, "flagged twice");
                    assert!(!self.answered, "flagged though a person answered in time");
                }
                Action::Note(Note::Answered { .. }) => self.answered = true,
                Action::Note(Note::NoticeStarted) => {
                    assert!(!self.noticing && !self.recording, "the notice comes before the recording");
                    self.noticing = true;
                }
                Action::Note(Note::NoticeEnded { how }) => {
                    assert!(self.noticing || *how == NoticeEnd::Failed, "a notice ends that never began");
                    self.noticing = false;
                }
                Action::Note(Note::Outcome { .. }) => self.outcomes += 1,
                Action::Note(_) => {}
                Action::End => {
                    assert!(self.caller_gone, "the caller was left on a dead line");
                    assert_eq!(self.open, BTreeSet::new(), "legs were left behind");
                    assert_eq!(self.outcomes, 1, "one call has one outcome");
                    assert!(!self.noticing, "a notice without an end");
                    self.ended = true;
                }
            }
        }
    }
}

fn start() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the start of virtual time")]
    Instant::now()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_call_ends_with_one_outcome_and_no_leg_left(
        plan in a_plan(),
        steps in prop::collection::vec(a_step(), 0..40),
        ending in an_ending(),
    ) {
        let mut now = start();
        let latest = now + plan.longest_call + Duration::from_secs(40 * 60 + 60);
        let (mut call, actions) = Call::start(plan, now);
        let mut watch = Watch::default();
        watch.see(&actions);
        let ending = ending.map(|event| Step { wait_ms: 500, event });
        for Step { wait_ms, event } in steps.into_iter().chain(ending) {
            now += Duration::from_millis(wait_ms);
            watch.hear(&event);
            watch.see(&call.on(event, now));
            prop_assert_eq!(call.deadline().is_none(), watch.ended, "only an ended call waits for nothing");
        }
        let mut turns = 0;
        while let Some(at) = call.deadline() {
            now = now.max(at);
            watch.see(&call.on(Event::DeadlinePassed, now));
            prop_assert!(call.deadline().is_none_or(|next| next > now), "a deadline does not go by");
            turns += 1;
            prop_assert!(turns < 2_000 && now < latest, "it does not end");
        }
        prop_assert!(watch.ended);
        for event in [Event::HungUp { leg: LegIndex::CALLER }, Event::DeadlinePassed, Event::EndOrdered] {
            prop_assert_eq!(call.on(event, now), []);
        }
    }

    #[test]
    fn a_caller_who_hangs_up_ends_the_call_within_the_last_prompt(
        plan in a_plan(),
        steps in prop::collection::vec(a_step(), 0..40),
    ) {
        let mut now = start();
        let (mut call, _) = Call::start(plan, now);
        for Step { wait_ms, event } in steps {
            now += Duration::from_millis(wait_ms);
            call.on(event, now);
        }
        call.on(Event::HungUp { leg: LegIndex::CALLER }, now);
        let hung_up = now;
        while let Some(at) = call.deadline() {
            now = now.max(at);
            call.on(Event::DeadlinePassed, now);
        }
        prop_assert!(now.duration_since(hung_up) <= Duration::from_secs(5));
    }
}
