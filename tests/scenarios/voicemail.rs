//! Nobody is there: a message, and never a dead line.

use expect_test::expect;
use hotlined::desk::ticket::{Outcome, Verdict};

use super::{CALLER, resident_calls, world_with};
use crate::world::{
    HOTLINE,
    Move::{Answer, HangUp, Press, Ring},
    Setup, World, seconds,
};

fn nobody(change: impl FnOnce(&mut Setup)) -> World {
    world_with(|setup| {
        setup.registered.clear();
        setup.house.mobiles.clear();
        setup.house.voicemail.on = true;
        setup.house.nobody_patience = seconds(5);
        change(setup);
    })
}

#[test]
fn a_message_is_recorded_until_the_caller_hangs_up() {
    let mut world = nobody(|_| {});
    world.media.speech = Some(seconds(8));
    resident_calls(&mut world, &[(20.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
         5.000  us    → trunk  200
         5.000  media          plays Voicemail
         5.000  ticket         the caller is asked for a message
         5.000  trunk → us     ACK
         8.000  media          records a message
         8.000  media          plays Beep
        15.000  ticket         not answered in 3 rings
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 12.0 s
        20.000  ticket         the caller hung up
        20.000  ticket         recorded 12 s: good
        20261123-0001: message in ring 5, flagged, Caller first, recording Good
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
    assert_eq!(world.ticket().outcome, Some(Outcome::Message));
}

#[test]
fn silence_ends_a_message_and_the_ticket_waits_for_no_second_file() {
    let mut world = nobody(|_| {});
    world.media.speech = Some(seconds(8));
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
         5.000  us    → trunk  200
         5.000  media          plays Voicemail
         5.000  ticket         the caller is asked for a message
         5.000  trunk → us     ACK
         8.000  media          records a message
         8.000  media          plays Beep
        15.000  ticket         not answered in 3 rings
        26.000  media          recorded 18.0 s
        26.000  media          plays VoicemailSaved
        26.000  ticket         the house ended the call
        29.000  ticket         recorded 18 s: good
        29.000  us    → trunk  BYE
        29.000  trunk → us     200 BYE
        20261123-0001: message in ring 6, flagged, House first, recording Good
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_caller_who_says_nothing_abandoned_and_nothing_is_kept() {
    let mut world = nobody(|_| {});
    resident_calls(&mut world, &[]);
    world.finish();
    let ticket = world.ticket();
    assert_eq!(ticket.outcome, Some(Outcome::Abandoned));
    assert!(matches!(ticket.recording.as_ref().map(|r| &r.verdict), Some(Verdict::None(_))));
}

#[test]
fn with_a_full_disk_the_caller_hears_of_the_fault_and_it_is_on_record() {
    let mut world = nobody(|_| {});
    world.media.refuses_recordings = true;
    resident_calls(&mut world, &[]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  180
         5.000  us    → trunk  200
         5.000  media          plays Voicemail
         5.000  ticket         the caller is asked for a message
         5.000  trunk → us     ACK
         8.000  media          plays Beep
         8.000  outage         Disk Began: disk full
         8.000  media          plays LineFault
         8.000  ticket         the recording failed: disk full
        11.000  media          recorded 0.0 s
        11.000  us    → trunk  BYE
        11.000  ticket         not recorded: disk full
        11.000  trunk → us     200 BYE
        20261123-0001: missed in ring 2, recording Failed("disk full")
          desk: 801 not registered, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_mobile_nobody_takes_ends_in_a_message() {
    let mut world = world_with(|setup| {
        setup.registered.clear();
        setup.house.mobiles.truncate(1);
        setup.house.voicemail.on = true;
    });
    world.media.speech = Some(seconds(8));
    world.script("duty1", &[(1.0, Ring), (3.0, Answer), (5.0, Press('2'))]);
    resident_calls(&mut world, &[(60.0, HangUp)]);
    let report = world.finish();
    assert_eq!(world.ticket().outcome, Some(Outcome::Message), "{report}");
}

#[test]
fn without_ports_the_caller_hears_ringing_and_then_a_refusal() {
    let mut world = nobody(|setup| setup.registered = vec!["801"]);
    world.media.refuses_ports = true;
    resident_calls(&mut world, &[]);
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.000  us    → trunk  100
        0.000  us    → trunk  180
        5.000  ticket         the caller is asked for a message
        5.000  ticket         nothing to record: missed
        5.000  us    → trunk  503
        5.000  trunk → us     ACK
        20261123-0001: missed in ring 2
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn without_any_prompt_the_message_is_still_taken() {
    let mut world = nobody(|_| {});
    world.media.refuses_prompts = true;
    world.media.speech = Some(seconds(8));
    resident_calls(&mut world, &[(20.0, HangUp)]);
    world.finish();
    assert_eq!(world.ticket().outcome, Some(Outcome::Message));
}

#[test]
fn who_calls_again_within_the_time_joins_the_call_before() {
    let mut world = nobody(|_| {});
    resident_calls(&mut world, &[(3.0, HangUp)]);
    world.run_to(600.0);
    world.call("trunk", &format!("+86{CALLER}"), HOTLINE, &[(3.0, HangUp)]);
    world.run_to(3000.0);
    resident_calls(&mut world, &[(3.0, HangUp)]);
    world.finish();
    let tickets: Vec<_> = world.store.tickets.values().collect();
    let before = tickets.iter().map(|ticket| ticket.redial_of).collect::<Vec<_>>();
    assert_eq!(before, [None, Some(tickets[0].id), None]);
}
