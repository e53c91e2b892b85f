//! The recording notice, and the caller who wants no recording.

use expect_test::expect;
use hotlined::{
    call::{house::NoticeAt, prompt::Prompt},
    desk::ticket::{NoticeEnd, PromptFile, Verdict},
    switch::settings::Voice,
};

use super::{resident_calls, world_with};
use crate::world::{
    Move::{Answer, HangUp, Press, Ring},
    World,
};

fn with_notice(at: NoticeAt) -> World {
    world_with(|setup| {
        setup.registered = vec!["801"];
        setup.house.notice.at = at;
        setup.house.notice.refuse_key = Some('9');
        let file = PromptFile { name: "notice.wav".into(), sha256: Some("0123456789abcdef".repeat(4)) };
        setup.settings.voice = Voice([(Prompt::RecordingNotice, file)].into());
    })
}

#[test]
fn the_notice_is_heard_by_both_before_anything_is_recorded_and_the_ticket_proves_it() {
    let mut world = with_notice(NoticeAt::OnAnswer);
    world.script("801", &[(0.0, Ring), (4.0, Answer)]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         4.000  801   → us     200
         4.000  us    → 801    ACK
         4.000  us    → trunk  200
         4.000  media          plays RecordingNotice
         4.000  media          plays RecordingNotice
         4.000  ticket         801 answered in ring 1
         4.000  ticket         the caller hears the recording notice (notice.wav, 0123456789ab)
         4.000  trunk → us     ACK
         7.000  ticket         the recording notice was played to its end
         7.000  media          joined
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 13.0 s
        20.000  ticket         the caller hung up
        20.000  us    → 801    BYE
        20.000  ticket         recorded 13 s: good
        20.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
    let notice = world.ticket().notice.clone().unwrap();
    assert_eq!(notice.ended, Some(NoticeEnd::Whole));
    assert_eq!(notice.file.name, "notice.wav");
    assert_eq!(notice.file.sha256, Some("0123456789abcdef".repeat(4)));
    assert_eq!(notice.started.to_utc().to_rfc3339(), "2026-11-23T01:00:05+00:00");
}

#[test]
fn a_caller_who_hangs_up_in_the_notice_leaves_its_length_on_the_ticket() {
    let mut world = with_notice(NoticeAt::OnAnswer);
    world.script("801", &[(0.0, Ring), (4.0, Answer)]);
    resident_calls(&mut world, &[(5.234, HangUp)]);
    world.finish();
    let ended = world.ticket().notice.as_ref().and_then(|notice| notice.ended);
    assert_eq!(ended, Some(NoticeEnd::CutAfter(std::time::Duration::from_millis(1234))));
}

#[test]
fn who_refuses_in_the_talk_is_not_recorded_and_the_talk_goes_on() {
    let mut world = with_notice(NoticeAt::OnAnswer);
    world.script("801", &[(0.0, Ring), (1.0, Answer)]);
    resident_calls(&mut world, &[(10.0, Press('9')), (20.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → 801    INVITE 801
         0.000  801   → us     100
         0.000  801   → us     180
         0.000  us    → trunk  180
         1.000  801   → us     200
         1.000  us    → 801    ACK
         1.000  us    → trunk  200
         1.000  media          plays RecordingNotice
         1.000  media          plays RecordingNotice
         1.000  ticket         801 answered in ring 1
         1.000  ticket         the caller hears the recording notice (notice.wav, 0123456789ab)
         1.000  trunk → us     ACK
         4.000  ticket         the recording notice was played to its end
         4.000  media          joined
        10.000  key            9
        10.000  media          discards the recording
        10.000  ticket         the caller refused to be recorded
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  ticket         the caller hung up
        20.000  ticket         not recorded: refused by caller
        20.000  us    → 801    BYE
        20.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Refused
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
    let recording = world.ticket().recording.clone().unwrap();
    assert_eq!((recording.verdict, recording.report), (Verdict::Refused, None));
}

#[test]
fn before_ringing_the_notice_is_early_media_and_the_ringing_after_it_is_ours() {
    let mut world = with_notice(NoticeAt::BeforeRinging);
    world.script("801", &[(0.1, Ring), (4.0, Answer)]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    expect![[r#"
         0.000  trunk → us     INVITE 4001234567
         0.000  us    → trunk  100
         0.000  us    → trunk  183 with SDP
         0.000  media          plays RecordingNotice
         0.000  ticket         the caller hears the recording notice (notice.wav, 0123456789ab)
         3.000  ticket         the recording notice was played to its end
         3.000  us    → 801    INVITE 801
         3.000  801   → us     100
         3.100  801   → us     180
         3.100  media          plays Ringback on and on
         3.100  us    → trunk  180
         7.000  801   → us     200
         7.000  us    → 801    ACK
         7.000  media          joined
         7.000  us    → trunk  200
         7.000  ticket         801 answered in ring 1
         7.000  trunk → us     ACK
        20.000  trunk → us     BYE
        20.000  us    → trunk  200 BYE
        20.000  media          recorded 13.0 s
        20.000  ticket         the caller hung up
        20.000  us    → 801    BYE
        20.000  ticket         recorded 13 s: good
        20.000  801   → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_missing_notice_holds_nobody_up_and_is_on_the_ticket() {
    let mut world = with_notice(NoticeAt::OnAnswer);
    world.media.refuses_prompts = true;
    world.script("801", &[(0.0, Ring), (4.0, Answer)]);
    resident_calls(&mut world, &[(20.0, HangUp)]);
    world.finish();
    let ticket = world.ticket();
    assert_eq!(ticket.notice.as_ref().and_then(|notice| notice.ended), Some(NoticeEnd::Failed));
    assert_eq!(ticket.recording.as_ref().map(|recording| recording.verdict.clone()), Some(Verdict::Good));
}
