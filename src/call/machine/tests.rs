//! Calls as ladders: what came in at which second (`>`), and what the call did about it.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;
use crate::{
    call::{
        house::{AtFlag, House, MobileOrder},
        plan::{self, MobilesStart},
        sample,
        staffing::Staffing,
    },
    desk::number::Number,
};

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
        format!("{:6.1}", self.now.duration_since(self.start).as_secs_f64())
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
        Action::Join { leg } => format!("join {}", leg.0),
        Action::AnswerCaller => "200 to caller".into(),
        Action::RefuseCaller { why } => format!("refuse caller {why:?}"),
        Action::HangUpCaller => "BYE to caller".into(),
        Action::Play { leg, prompt } => format!("play {} {prompt:?}", leg.0),
        Action::StopPlaying { leg } => format!("stop playing {}", leg.0),
        Action::Note(note) => match note {
            Note::FirstRing => "* first ring".into(),
            Note::Flagged { ring } => format!("* flagged, ring {ring}"),
            Note::Forwarding { why } => format!("* forwarding: {why}"),
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

fn leg(index: u16) -> LegIndex {
    LegIndex(index)
}

fn staffed(house: &House, ring: &[&str], all_busy: bool, words: &str) -> Staffing {
    Staffing {
        shift: None,
        operator: None,
        ring: ring.iter().map(|&name| name.into()).collect(),
        all_busy,
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

#[test]
fn the_first_phone_to_answer_wins_and_the_rest_are_cancelled() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(0.2, Event::Ringing { leg: leg(2) })
        .at(0.3, Event::Ringing { leg: leg(1) })
        .at(5.5, Event::Answered { leg: leg(1) })
        .at(5.5, Event::Joined { leg: leg(1) })
        .at(65.0, Event::HungUp { leg: LegIndex::CALLER })
        .run_to_end()
        .reads(expect![[r#"
               0.0   dial 1 801
               0.0   dial 2 802
               0.2 > 2 rings
               0.2   * 2 rings
               0.2   180 to caller
               0.2   * first ring
               0.3 > 1 rings
               0.3   * 1 rings
               5.5 > 1 200
               5.5   join 1
               5.5 > 1 joined
               5.5   200 to caller
               5.5   hang up 2
               5.5   * 2 not needed any more
               5.5   * 1 answered, ring Some(2)
               5.5   * answered by desk, ring Some(2)
              65.0 > 0 hangs up
              65.0   hang up 1
              65.0   * Caller hung up
              65.0   end
        "#]]);
}

#[test]
fn of_two_answers_at_once_only_one_is_connected() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(3.0, Event::Answered { leg: leg(2) })
        .at(3.0, Event::Answered { leg: leg(1) })
        .at(3.1, Event::Joined { leg: leg(2) })
        .at(3.2, Event::Answered { leg: leg(1) })
        .at(9.0, Event::HungUp { leg: leg(2) })
        .run_to_end()
        .reads(expect![[r#"
               0.0   dial 1 801
               0.0   dial 2 802
               2.0   180 to caller
               2.0   * first ring
               3.0 > 2 200
               3.0   join 2
               3.0 > 1 200
               3.0   hang up 1
               3.0   * 1 not needed any more
               3.1 > 2 joined
               3.1   200 to caller
               3.1   * 2 answered, ring Some(1)
               3.1   * answered by desk, ring Some(1)
               3.2 > 1 200
               9.0 > 2 hangs up
               9.0   BYE to caller
               9.0   * Callee hung up
               9.0   end
        "#]]);
}

#[test]
fn a_call_not_answered_in_three_rings_is_flagged_and_rings_the_mobile_too() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(0.1, Event::Ringing { leg: leg(1) })
        .at(16.0, Event::Ringing { leg: leg(2) })
        .at(20.0, Event::Answered { leg: leg(1) })
        .at(20.0, Event::Joined { leg: leg(1) })
        .at(30.0, Event::EndOrdered)
        .run_to_end()
        .reads(expect![[r#"
               0.0   dial 1 801
               0.1 > 1 rings
               0.1   * 1 rings
               0.1   180 to caller
               0.1   * first ring
              15.1   * flagged, ring 3
              15.1   * forwarding: not answered in 3 rings
              15.1   dial 2 duty1
              16.0 > 2 rings
              16.0   * 2 rings
              20.0 > 1 200
              20.0   join 1
              20.0 > 1 joined
              20.0   200 to caller
              20.0   hang up 2
              20.0   * 2 not needed any more
              20.0   * 1 answered, ring Some(4)
              20.0   * answered by desk, ring Some(4)
              30.0 > end ordered
              30.0   hang up 1
              30.0   BYE to caller
              30.0   * House hung up
              30.0   end
        "#]]);
}

#[test]
fn an_answer_that_comes_with_the_third_rings_end_is_too_late_and_one_before_is_not() {
    for (at, flagged) in [(15.1, true), (15.0999, false)] {
        let mut ladder = Ladder::of(one_phone(&sample::house()));
        ladder.at(0.1, Event::Ringing { leg: leg(1) });
        // The answer is handled before the loop gets to the deadline.
        ladder.now = ladder.start + Duration::from_secs_f64(at);
        let actions = ladder.call.on(Event::Answered { leg: leg(1) }, ladder.now);
        assert_eq!(actions.contains(&Action::Note(Note::Flagged { ring: 3 })), flagged, "{at}");
        assert!(actions.contains(&Action::Join { leg: leg(1) }));
        ladder.at(15.2, Event::Joined { leg: leg(1) }).until(100.0);
        assert!(!ladder.text.contains("flagged"), "nothing is flagged after a person answered");
    }
}

#[test]
fn the_ring_clock_starts_by_itself_when_no_phone_says_that_it_rings() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(11.9, Event::Answered { leg: leg(1) })
        .at(12.0, Event::Joined { leg: leg(1) })
        .until(30.0)
        .reads(expect![[r#"
               0.0   dial 1 801
               2.0   180 to caller
               2.0   * first ring
              11.9 > 1 200
              11.9   join 1
              12.0 > 1 joined
              12.0   200 to caller
              12.0   * 1 answered, ring Some(2)
              12.0   * answered by desk, ring Some(2)
        "#]]);
}

#[test]
fn instead_stops_the_desk_at_the_flag_unless_there_is_no_mobile() {
    let mut house = sample::house();
    house.forwarding.at_flag = AtFlag::Instead;
    Ladder::of(one_phone(&house)).until(18.0).reads(expect![[r#"
           0.0   dial 1 801
           2.0   180 to caller
           2.0   * first ring
          17.0   * flagged, ring 3
          17.0   * forwarding: not answered in 3 rings
          17.0   hang up 1
          17.0   * 1 did not answer
          17.0   dial 2 duty1
    "#]]);
    house.mobiles.clear();
    Ladder::of(one_phone(&house)).until(18.0).reads(expect![[r#"
           0.0   dial 1 801
           2.0   180 to caller
           2.0   * first ring
          17.0   * flagged, ring 3
    "#]]);
}

#[test]
fn with_no_the_desk_rings_alone_for_its_patience_and_then_the_mobile() {
    let mut house = sample::house();
    house.forwarding.at_flag = AtFlag::No;
    Ladder::of(one_phone(&house)).until(61.0).reads(expect![[r#"
           0.0   dial 1 801
           2.0   180 to caller
           2.0   * first ring
          17.0   * flagged, ring 3
          60.0   hang up 1
          60.0   * 1 did not answer
          60.0   * forwarding: 801 did not answer
          60.0   dial 2 duty1
    "#]]);
}

#[test]
fn an_unstaffed_desk_goes_to_the_mobile_at_once_and_a_key_proves_a_person() {
    let mut ladder = Ladder::of(unstaffed(&sample::house()));
    ladder
        .at(4.0, Event::Ringing { leg: leg(1) })
        .at(8.0, Event::Answered { leg: leg(1) })
        .at(9.0, Event::Digit { leg: leg(1), digit: '5' })
        .at(11.0, Event::Played { leg: leg(1) })
        .at(13.0, Event::Digit { leg: leg(1), digit: '1' })
        .at(13.0, Event::Joined { leg: leg(1) })
        .at(60.0, Event::HungUp { leg: leg(1) })
        .run_to_end()
        .reads(expect![[r#"
               0.0   180 to caller
               0.0   * first ring
               0.0   * forwarding: nobody on duty
               0.0   dial 1 duty1
               4.0 > 1 rings
               4.0   * 1 rings
               8.0 > 1 200
               8.0   * 1 picked up
               8.0   play 1 ForwardConfirm
               9.0 > 1 presses 5
              11.0 > 1 played
              12.0   play 1 ForwardConfirm
              13.0 > 1 presses 1
              13.0   stop playing 1
              13.0   join 1
              13.0 > 1 joined
              13.0   200 to caller
              13.0   * 1 answered, ring Some(3)
              13.0   * answered by mobile, ring Some(3)
              60.0 > 1 hangs up
              60.0   BYE to caller
              60.0   * Callee hung up
              60.0   end
        "#]]);
}

#[test]
fn a_voicemail_presses_no_key_so_the_next_mobile_rings_and_the_call_is_flagged_meanwhile() {
    let mut ladder = Ladder::of(unstaffed(&sample::house()));
    ladder
        .at(5.0, Event::Answered { leg: leg(1) })
        .at(8.0, Event::Played { leg: leg(1) })
        .at(20.0, Event::Answered { leg: leg(2) })
        .at(21.0, Event::Digit { leg: leg(2), digit: '2' })
        .run_to_end()
        .reads(expect![[r#"
               0.0   180 to caller
               0.0   * first ring
               0.0   * forwarding: nobody on duty
               0.0   dial 1 duty1
               5.0 > 1 200
               5.0   * 1 picked up
               5.0   play 1 ForwardConfirm
               8.0 > 1 played
               9.0   play 1 ForwardConfirm
              15.0   * flagged, ring 3
              17.0   hang up 1
              17.0   * 1 picked up, but no key was pressed
              17.0   dial 2 duty2
              20.0 > 2 200
              20.0   * 2 picked up
              20.0   play 2 ForwardConfirm
              21.0 > 2 presses 2
              21.0   stop playing 2
              21.0   hang up 2
              21.0   * 2 refused by key
              21.0   refuse caller NobodyAvailable
              21.0   * missed, ring Some(5)
              21.0   end
        "#]]);
}

#[test]
fn a_mobile_that_needs_no_key_is_answered_by_its_pick_up() {
    let mut house = sample::house();
    for mobile in &mut house.mobiles {
        mobile.needs_key = false;
    }
    let mut ladder = Ladder::of(unstaffed(&house));
    ladder.at(5.0, Event::Answered { leg: leg(1) }).at(5.0, Event::Joined { leg: leg(1) }).reads(expect![[
        r#"
           0.0   180 to caller
           0.0   * first ring
           0.0   * forwarding: nobody on duty
           0.0   dial 1 duty1
           5.0 > 1 200
           5.0   join 1
           5.0 > 1 joined
           5.0   200 to caller
           5.0   * 1 answered, ring Some(2)
           5.0   * answered by mobile, ring Some(2)
    "#
    ]]);
}

#[test]
fn a_desk_that_answers_while_a_mobile_is_asked_for_its_key_wins_and_the_mobile_is_told() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(18.0, Event::Answered { leg: leg(2) })
        .at(19.0, Event::Answered { leg: leg(1) })
        .at(19.1, Event::Joined { leg: leg(1) })
        // The end of the first prompt, not of the one that says good-bye.
        .at(19.2, Event::Played { leg: leg(2) })
        .at(20.0, Event::HungUp { leg: LegIndex::CALLER })
        .at(21.5, Event::Played { leg: leg(2) })
        .run_to_end()
        .reads(expect![[r#"
               0.0   dial 1 801
               2.0   180 to caller
               2.0   * first ring
              17.0   * flagged, ring 3
              17.0   * forwarding: not answered in 3 rings
              17.0   dial 2 duty1
              18.0 > 2 200
              18.0   * 2 picked up
              18.0   play 2 ForwardConfirm
              19.0 > 1 200
              19.0   join 1
              19.1 > 1 joined
              19.1   200 to caller
              19.1   play 2 ForwardTooLate
              19.1   * 1 answered, ring Some(4)
              19.1   * answered by desk, ring Some(4)
              19.2 > 2 played
              20.0 > 0 hangs up
              20.0   hang up 1
              20.0   * Caller hung up
              21.5 > 2 played
              21.5   hang up 2
              21.5   * 2 not needed any more
              21.5   end
        "#]]);
}

#[test]
fn a_key_pressed_while_the_desk_is_being_joined_is_too_late() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(18.0, Event::Answered { leg: leg(2) })
        .at(19.0, Event::Answered { leg: leg(1) })
        .at(19.0, Event::Digit { leg: leg(2), digit: '1' })
        .at(19.1, Event::Joined { leg: leg(1) })
        .until(30.0)
        .reads(expect![[r#"
               0.0   dial 1 801
               2.0   180 to caller
               2.0   * first ring
              17.0   * flagged, ring 3
              17.0   * forwarding: not answered in 3 rings
              17.0   dial 2 duty1
              18.0 > 2 200
              18.0   * 2 picked up
              18.0   play 2 ForwardConfirm
              19.0 > 1 200
              19.0   join 1
              19.0 > 2 presses 1
              19.0   stop playing 2
              19.0   play 2 ForwardTooLate
              19.1 > 1 joined
              19.1   200 to caller
              19.1   * 1 answered, ring Some(4)
              19.1   * answered by desk, ring Some(4)
              24.0   hang up 2
              24.0   * 2 not needed any more
        "#]]);
}

#[test]
fn together_rings_all_mobiles_at_once() {
    let mut house = sample::house();
    house.forwarding.order = MobileOrder::Together;
    let mut ladder = Ladder::of(unstaffed(&house));
    ladder
        .at(5.0, Event::Answered { leg: leg(1) })
        .at(6.0, Event::Answered { leg: leg(2) })
        .at(7.0, Event::Digit { leg: leg(2), digit: '1' })
        .at(7.0, Event::Joined { leg: leg(2) })
        .until(13.0)
        .reads(expect![[r#"
               0.0   180 to caller
               0.0   * first ring
               0.0   * forwarding: nobody on duty
               0.0   dial 1 duty1
               0.0   dial 2 duty2
               5.0 > 1 200
               5.0   * 1 picked up
               5.0   play 1 ForwardConfirm
               6.0 > 2 200
               6.0   * 2 picked up
               6.0   play 2 ForwardConfirm
               7.0 > 2 presses 1
               7.0   stop playing 2
               7.0   join 2
               7.0 > 2 joined
               7.0   200 to caller
               7.0   play 1 ForwardTooLate
               7.0   * 2 answered, ring Some(2)
               7.0   * answered by mobile, ring Some(2)
              12.0   hang up 1
              12.0   * 1 not needed any more
        "#]]);
}

#[test]
fn phones_that_are_busy_or_decline_are_out_at_once_and_the_mobile_does_not_wait() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(0.1, Event::Unanswered { leg: leg(1), why: Unanswered::Busy })
        .at(0.4, Event::Unanswered { leg: leg(2), why: Unanswered::Declined })
        .at(0.5, Event::Unanswered { leg: leg(2), why: Unanswered::Declined })
        .reads(expect![[r#"
               0.0   dial 1 801
               0.0   dial 2 802
               0.1 > 1 busy
               0.1   * 1 busy
               0.4 > 2 declined
               0.4   * 2 declined
               0.4   180 to caller
               0.4   * first ring
               0.4   * forwarding: 801 busy, 802 declined
               0.4   dial 3 duty1
               0.5 > 2 declined
        "#]]);
}

#[test]
fn all_lines_busy_waits_for_the_busy_patience_before_the_mobile() {
    let mut house = sample::house();
    house.forwarding.busy_patience = Duration::from_secs(7);
    let plan = plan::hotline(&house, &staffed(&house, &[], true, "801 busy"), false);
    assert_eq!(plan.mobiles_start, MobilesStart::After(Duration::from_secs(7)));
    Ladder::of(plan).until(8.0).reads(expect![[r#"
           0.0   180 to caller
           0.0   * first ring
           7.0   * forwarding: 801 busy
           7.0   dial 1 duty1
    "#]]);
}

#[test]
fn a_caller_for_whom_nobody_is_left_hears_ringing_for_a_while_and_is_flagged_before_the_480() {
    let mut house = sample::house();
    house.mobiles.clear();
    let mut ladder = Ladder::of(unstaffed(&house));
    ladder.run_to_end().reads(expect![[r#"
           0.0   180 to caller
           0.0   * first ring
          15.0   * flagged, ring 3
          20.0   refuse caller NobodyAvailable
          20.0   * missed, ring Some(5)
          20.0   end
    "#]]);
}

#[test]
fn a_caller_who_hangs_up_before_any_ring_leaves_nothing_behind() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(0.1, Event::HungUp { leg: LegIndex::CALLER })
        .at(0.1, Event::Answered { leg: leg(1) })
        .at(0.2, Event::HungUp { leg: LegIndex::CALLER })
        .run_to_end()
        .reads(expect![[r#"
               0.0   dial 1 801
               0.0   dial 2 802
               0.1 > 0 hangs up
               0.1   hang up 1
               0.1   * 1 not needed any more
               0.1   hang up 2
               0.1   * 2 not needed any more
               0.1   * Caller hung up
               0.1   * abandoned, ring None
               0.1   end
               0.1 > 1 200
               0.2 > 0 hangs up
        "#]]);
}

#[test]
fn a_caller_who_hangs_up_is_abandoned_in_that_ring_and_a_picked_up_mobile_hears_it() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(19.0, Event::Answered { leg: leg(2) })
        .at(23.0, Event::HungUp { leg: LegIndex::CALLER })
        .run_to_end()
        .reads(expect![[r#"
               0.0   dial 1 801
               2.0   180 to caller
               2.0   * first ring
              17.0   * flagged, ring 3
              17.0   * forwarding: not answered in 3 rings
              17.0   dial 2 duty1
              19.0 > 2 200
              19.0   * 2 picked up
              19.0   play 2 ForwardConfirm
              23.0 > 0 hangs up
              23.0   hang up 1
              23.0   * 1 not needed any more
              23.0   play 2 CallerGone
              23.0   * Caller hung up
              23.0   * abandoned, ring Some(5)
              28.0   hang up 2
              28.0   * 2 not needed any more
              28.0   end
        "#]]);
}

#[test]
fn a_caller_who_hangs_up_while_being_joined_was_never_answered() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(1.0, Event::Answered { leg: leg(1) })
        .at(1.0, Event::HungUp { leg: LegIndex::CALLER })
        .at(1.1, Event::Joined { leg: leg(1) })
        .reads(expect![[r#"
               0.0   dial 1 801
               1.0 > 1 200
               1.0   join 1
               1.0 > 0 hangs up
               1.0   hang up 1
               1.0   * 1 not needed any more
               1.0   * Caller hung up
               1.0   * abandoned, ring None
               1.0   end
               1.1 > 1 joined
        "#]]);
}

#[test]
fn a_failed_join_loses_nobody_while_others_ring() {
    let mut ladder = Ladder::of(at_the_desk(&sample::house()));
    ladder
        .at(1.0, Event::Answered { leg: leg(1) })
        .at(1.1, Event::JoinFailed { leg: leg(1) })
        .at(2.0, Event::Answered { leg: leg(2) })
        .at(2.1, Event::Joined { leg: leg(2) })
        .reads(expect![[r#"
               0.0   dial 1 801
               0.0   dial 2 802
               1.0 > 1 200
               1.0   join 1
               1.1 > 1 join failed
               1.1   hang up 1
               1.1   * 1 failed through a fault of ours
               2.0   180 to caller
               2.0   * first ring
               2.0 > 2 200
               2.0   join 2
               2.1 > 2 joined
               2.1   200 to caller
               2.1   * 2 answered, ring Some(1)
               2.1   * answered by desk, ring Some(1)
        "#]]);
}

#[test]
fn a_join_that_is_never_reported_fails_by_time_and_with_nobody_left_the_caller_hears_of_a_fault() {
    let mut house = sample::house();
    house.mobiles.clear();
    let mut ladder = Ladder::of(one_phone(&house));
    ladder.at(1.0, Event::Answered { leg: leg(1) }).run_to_end().reads(expect![[r#"
           0.0   dial 1 801
           1.0 > 1 200
           1.0   join 1
           4.0   hang up 1
           4.0   * 1 failed through a fault of ours
           4.0   refuse caller Fault
           4.0   * missed, ring None
           4.0   end
    "#]]);
}

#[test]
fn a_person_who_puts_down_before_being_joined_is_out_and_the_mobile_rings() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder.at(3.0, Event::Answered { leg: leg(1) }).at(3.1, Event::HungUp { leg: leg(1) }).reads(expect![[
        r#"
           0.0   dial 1 801
           2.0   180 to caller
           2.0   * first ring
           3.0 > 1 200
           3.0   join 1
           3.1 > 1 hangs up
           3.1   * 1 declined
           3.1   * forwarding: 801 declined
           3.1   dial 2 duty1
    "#
    ]]);
}

#[test]
fn a_redirect_is_followed_with_what_is_left_of_the_phones_patience_but_never_in_a_circle() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(1.0, Event::Redirected { leg: leg(1), to: Target::Phone("805".into()) })
        .at(2.0, Event::Ringing { leg: leg(2) })
        .at(3.0, Event::Redirected { leg: leg(2), to: Target::Phone("801".into()) })
        .reads(expect![[r#"
               0.0   dial 1 801
               1.0 > 1 302 to 805
               1.0   * 1 declined
               1.0   dial 2 805
               2.0   180 to caller
               2.0   * first ring
               2.0 > 2 rings
               2.0   * 2 rings
               3.0 > 2 302 to 801
               3.0   * 2 declined
               3.0   * forwarding: 805 declined
               3.0   dial 3 duty1
        "#]]);
}

#[test]
fn a_ring_of_redirects_comes_to_an_end() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    for hop in 1..20 {
        ladder.at(1.0, Event::Redirected { leg: leg(hop), to: Target::Phone(format!("9{hop}")) });
    }
    assert_eq!(ladder.text.matches("dial ").count(), 1 + 5 + 2, "{}", ladder.text);
}

#[test]
fn a_phone_that_redirects_to_a_mobile_proves_no_person_by_its_pick_up() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    let to = Target::Outside(Number::new("13900000000".into()));
    ladder
        .at(1.0, Event::Redirected { leg: leg(1), to: to.clone() })
        .at(2.0, Event::Answered { leg: leg(2) })
        .reads(expect![[r#"
               0.0   dial 1 801
               1.0 > 1 302 to 13900000000
               1.0   * 1 declined
               1.0   dial 2 13900000000
               2.0   180 to caller
               2.0   * first ring
               2.0 > 2 200
               2.0   * 2 picked up
               2.0   play 2 ForwardConfirm
        "#]]);
    let house = sample::house();
    let looped = plan::hotline(&house, &staffed(&house, &["801"], false, "801 ready"), true);
    Ladder::of(looped).at(1.0, Event::Redirected { leg: leg(1), to }).until(25.0).reads(expect![[r#"
           0.0   dial 1 801
           1.0 > 1 302 to 13900000000
           1.0   * 1 declined
           1.0   180 to caller
           1.0   * first ring
          16.0   * flagged, ring 3
          20.0   refuse caller NobodyAvailable
          20.0   * missed, ring Some(4)
          20.0   end
    "#]]);
}

#[test]
fn a_call_out_passes_early_media_and_is_answered_by_the_other_side() {
    let plan = plan::outside(&sample::house(), Number::new("13900000000".into()), None);
    let mut ladder = Ladder::of(plan);
    ladder
        .at(1.0, Event::EarlyMedia { leg: leg(1) })
        .at(1.5, Event::EarlyMedia { leg: leg(1) })
        .at(2.0, Event::Ringing { leg: leg(1) })
        .at(30.0, Event::Answered { leg: leg(1) })
        .at(30.0, Event::Joined { leg: leg(1) })
        .at(40.0, Event::HungUp { leg: leg(1) })
        .reads(expect![[r#"
               0.0   dial 1 13900000000
               1.0 > 1 early media
               1.0   183 to caller from 1
               1.5 > 1 early media
               2.0 > 1 rings
               2.0   * 1 rings
              30.0 > 1 200
              30.0   join 1
              30.0 > 1 joined
              30.0   200 to caller
              30.0   * 1 answered, ring None
              30.0   * answered, ring None
              40.0 > 1 hangs up
              40.0   BYE to caller
              40.0   * Callee hung up
              40.0   end
        "#]]);
}

#[test]
fn a_call_out_or_inside_is_refused_with_what_the_other_side_said() {
    let house = sample::house();
    let rows = [
        (Unanswered::Busy, CallerRefused::Busy, Outcome::Refused),
        (Unanswered::Declined, CallerRefused::Declined, Outcome::Refused),
        (Unanswered::Unreachable, CallerRefused::Unreachable, Outcome::Refused),
        (Unanswered::NoAnswer, CallerRefused::NobodyAvailable, Outcome::Missed),
        (Unanswered::Fault, CallerRefused::Fault, Outcome::Missed),
    ];
    let number = Number::new("13900000000".into());
    for plan in [plan::outside(&house, number, None), plan::internal(&house, "802".into())] {
        for (why, refused, outcome) in rows.clone() {
            let mut ladder = Ladder::of(plan.clone());
            ladder.at(0.5, Event::Ringing { leg: leg(1) });
            let actions = ladder.call.on(Event::Unanswered { leg: leg(1), why: why.clone() }, ladder.now);
            assert_eq!(
                actions,
                [
                    Action::Note(Note::Unanswered { leg: leg(1), why }),
                    Action::RefuseCaller { why: refused },
                    Action::Note(Note::Outcome { outcome, ring: None }),
                    Action::End,
                ]
            );
        }
    }
}

#[test]
fn a_call_inside_that_nobody_takes_is_missed_and_never_flagged() {
    let mut ladder = Ladder::of(plan::internal(&sample::house(), "802".into()));
    ladder.at(0.5, Event::Ringing { leg: leg(1) }).run_to_end().reads(expect![[r#"
           0.0   dial 1 802
           0.5 > 1 rings
           0.5   * 1 rings
           0.5   180 to caller
          60.0   hang up 1
          60.0   * 1 did not answer
          60.0   refuse caller NobodyAvailable
          60.0   * missed, ring None
          60.0   end
    "#]]);
}

#[test]
fn the_longest_call_is_ended_by_the_house() {
    let mut house = sample::house();
    house.longest_call = Duration::from_secs(100);
    let mut ladder = Ladder::of(one_phone(&house));
    ladder
        .at(1.0, Event::Answered { leg: leg(1) })
        .at(1.0, Event::Joined { leg: leg(1) })
        .run_to_end()
        .reads(expect![[r#"
               0.0   dial 1 801
               1.0 > 1 200
               1.0   join 1
               1.0 > 1 joined
               1.0   200 to caller
               1.0   * 1 answered, ring Some(1)
               1.0   * answered by desk, ring Some(1)
             100.0   hang up 1
             100.0   BYE to caller
             100.0   * House hung up
             100.0   end
        "#]]);
}

#[test]
fn an_order_to_end_refuses_a_caller_whom_nobody_has_answered() {
    let mut ladder = Ladder::of(one_phone(&sample::house()));
    ladder
        .at(18.0, Event::Answered { leg: leg(2) })
        .at(19.0, Event::EndOrdered)
        .at(19.5, Event::EndOrdered)
        .at(19.6, Event::EndOrdered)
        .reads(expect![[r#"
               0.0   dial 1 801
               2.0   180 to caller
               2.0   * first ring
              17.0   * flagged, ring 3
              17.0   * forwarding: not answered in 3 rings
              17.0   dial 2 duty1
              18.0 > 2 200
              18.0   * 2 picked up
              18.0   play 2 ForwardConfirm
              19.0 > end ordered
              19.0   hang up 1
              19.0   * 1 not needed any more
              19.0   play 2 ForwardTooLate
              19.0   refuse caller NobodyAvailable
              19.0   * House hung up
              19.0   * refused, ring Some(4)
              19.5 > end ordered
              19.5   hang up 2
              19.5   * 2 not needed any more
              19.5   end
              19.6 > end ordered
        "#]]);
}
