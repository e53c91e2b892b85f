use chrono::TimeDelta;

use super::*;

fn at(seconds: i64) -> LocalTime {
    let noon: LocalTime = "2026-11-23T12:00:00+08:00".parse().unwrap();
    noon + TimeDelta::seconds(seconds)
}

fn number(text: &str) -> Number {
    Number::new(text.to_owned())
}

fn opening() -> Opening {
    Opening {
        id: "20261123-0007".parse().unwrap(),
        direction: Direction::Hotline,
        caller: Some(number("13911112222")),
        caller_name: None,
        caller_phone: None,
        dialled: number("4001234567"),
        trunk: Some("telecom".into()),
        received: at(0),
        shift: Some("early".into()),
        operator: None,
        desk_state: "801 ready".into(),
        call_id: "a@b".into(),
        redial_of: None,
        part_of: None,
    }
}

fn phone() -> Party {
    Party::Phone("801".into())
}

fn timeline(change: &TicketChange) -> String {
    let line = |entry: &TimelineEntry| {
        format!("{} {} {} | {}\n", entry.index, entry.at.format("%H:%M:%S"), entry.what, entry.words)
    };
    change.new_entries.iter().map(line).collect()
}

#[test]
fn an_answered_call_reads_as_a_story_and_fills_the_columns() {
    let mut log = TicketLog::open(opening());
    log.leg_dialled(1, phone(), at(0));
    log.leg_call_id(1, "c@d");
    let duty = Party::Mobile { name: "duty1".into(), number: number("13800000001") };
    log.first_ring(at(1));
    log.leg_ringing(1, at(1));
    log.flagged(3, at(16));
    log.forwarding("not answered in 3 rings", at(16));
    log.leg_dialled(2, duty.clone(), at(16));
    log.leg_unanswered(1, Unanswered::Busy, Some(486), at(17));
    log.picked(2, at(20));
    log.answered(2, Some(4), at(20));
    log.outcome(Outcome::AnsweredByMobile, Some(4), at(20));
    log.silent(0, Some(Duration::from_secs(10)), at(40));
    log.silent(0, None, at(41));
    log.held(2, true, at(50));
    log.held(2, false, at(55));
    log.hung_up(Side::Callee, at(60));
    log.ended(at(60));
    log.recorded(None, Verdict::Failed("disk full".into()), at(61));
    let change = log.take_change().unwrap();
    expect_test::expect![[r#"
        0 12:00:00 received | call to the hotline from …222 by telecom
        1 12:00:00 desk | 801 ready
        2 12:00:00 dialled | dialling 801
        3 12:00:01 first_ring | the caller hears ringing
        4 12:00:01 ringing | 801 rings
        5 12:00:16 flagged | not answered in 3 rings
        6 12:00:16 forwarding | goes to the mobiles: not answered in 3 rings
        7 12:00:16 dialled | dialling mobile duty1
        8 12:00:17 unanswered | 801 busy (486)
        9 12:00:20 picked | mobile duty1 was picked up and is asked for the key
        10 12:00:20 answered | mobile duty1 answered in ring 4
        11 12:00:20 outcome | answered by mobile in ring 4
        12 12:00:40 silent | no audio from the caller for 10 s
        13 12:00:41 heard | audio from the caller again
        14 12:00:50 held | mobile duty1 put the call on hold
        15 12:00:55 resumed | mobile duty1 took the call back
        16 12:01:00 hung_up | mobile duty1 hung up
        17 12:01:00 ended | the call is over
        18 12:01:01 recorded | not recorded: disk full
    "#]]
    .assert_eq(&timeline(&change));

    let ticket = change.ticket;
    assert_eq!(ticket.first_ring, Some(at(1)));
    assert_eq!(ticket.flagged, Some(at(16)));
    assert_eq!(ticket.answered, Some(at(20)));
    assert_eq!(ticket.ended, Some(at(60)));
    assert_eq!(ticket.rings, Some(4));
    assert_eq!(ticket.answered_by, Some(duty));
    assert_eq!(ticket.outcome, Some(Outcome::AnsweredByMobile));
    assert_eq!(ticket.hung_up_first, Some(Side::Callee));
    let [caller, desk, mobile] = &ticket.legs[..] else { panic!("three legs") };
    assert_eq!(
        (caller.party.clone(), caller.call_id.as_str()),
        (Party::Outside(number("13911112222")), "a@b")
    );
    assert_eq!((desk.status, desk.unanswered.clone()), (Some(486), Some(Unanswered::Busy)));
    assert_eq!((desk.ringing, desk.ended, desk.call_id.as_str()), (Some(at(1)), Some(at(17)), "c@d"));
    assert_eq!(
        (mobile.answered, mobile.ended, mobile.unanswered.clone()),
        (Some(at(20)), Some(at(60)), None)
    );
}

#[test]
fn each_change_has_a_higher_revision_and_only_the_new_lines() {
    let mut log = TicketLog::open(opening());
    let first = log.take_change().unwrap();
    assert_eq!((first.ticket.revision, first.new_entries.len()), (1, 2));
    assert_eq!(log.take_change(), None);
    log.first_ring(at(1));
    let second = log.take_change().unwrap();
    assert_eq!((second.ticket.revision, second.new_entries.len()), (2, 1));
    assert_eq!(second.new_entries[0].index, 2);
    log.leg_call_id(0, "other");
    let third = log.take_change().unwrap();
    assert_eq!((third.ticket.revision, third.new_entries.len()), (3, 0));
}

#[test]
fn what_is_settled_stays_however_often_it_is_said_again() {
    let mut log = TicketLog::open(opening());
    log.leg_dialled(1, phone(), at(0));
    for second in [1, 2] {
        log.first_ring(at(second));
        log.leg_ringing(1, at(second));
        log.flagged(3, at(second));
        log.leg_unanswered(1, Unanswered::Busy, None, at(second));
        log.hung_up(if second == 1 { Side::Caller } else { Side::House }, at(second));
        log.outcome(if second == 1 { Outcome::Abandoned } else { Outcome::Missed }, Some(1), at(second));
        log.ended(at(second));
    }
    let change = log.take_change().unwrap();
    let ticket = change.ticket;
    assert_eq!((ticket.first_ring, ticket.flagged, ticket.ended), (Some(at(1)), Some(at(1)), Some(at(1))));
    assert_eq!((ticket.outcome, ticket.hung_up_first), (Some(Outcome::Abandoned), Some(Side::Caller)));
    assert_eq!(ticket.legs[1].ended, Some(at(1)));
    assert_eq!(change.new_entries.len(), 3 + 7);
}

#[test]
fn a_leg_that_talked_is_not_unanswered_when_it_is_hung_up() {
    let mut log = TicketLog::open(opening());
    log.leg_dialled(1, phone(), at(0));
    log.answered(1, Some(1), at(2));
    log.leg_unanswered(1, Unanswered::NotNeeded, None, at(9));
    let leg = &log.ticket().legs[1];
    assert_eq!((leg.ended, leg.unanswered.clone()), (Some(at(9)), None));
}

#[test]
fn a_timeline_stops_at_its_bound_and_its_last_line_says_so() {
    let mut log = TicketLog::open(opening());
    for _ in 0..600 {
        log.held(0, true, at(1));
    }
    let change = log.take_change().unwrap();
    assert_eq!(change.new_entries.len(), 500);
    assert_eq!(change.new_entries.last().unwrap().words, "more happened than this list keeps");
    assert_eq!(change.new_entries.last().unwrap().index, 499);
    log.outcome(Outcome::Missed, None, at(2));
    let change = log.take_change().unwrap();
    assert_eq!((change.ticket.outcome, change.new_entries.len()), (Some(Outcome::Missed), 0));
}

#[test]
fn a_ticket_keeps_64_legs_and_says_that_there_were_more() {
    let mut log = TicketLog::open(opening());
    for index in 1..100 {
        log.leg_dialled(index, phone(), at(0));
        log.leg_ringing(index, at(1));
    }
    log.answered(99, Some(1), at(2));
    assert_eq!(log.ticket().legs.len(), 64);
    assert_eq!(log.ticket().answered, Some(at(2)));
    let lines = timeline(&log.take_change().unwrap());
    assert_eq!(lines.matches("more legs were dialled than a ticket keeps").count(), 1);
    assert!(lines.contains("leg 99 answered in ring 1"), "{lines}");
}
