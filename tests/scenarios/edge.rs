//! The edge of the house: strangers, wrong passwords, phones that come, go and fall silent.

use expect_test::expect;
use hotlined::{
    call::staffing::Reach,
    desk::ticket::Outcome,
    switch::{Notice, Switch},
};

use super::{resident_calls, world, world_with};
use crate::world::{
    HOTLINE,
    Move::{Answer, HangUp, Ring},
    Setup, World, seconds,
};

const STRANGER: &str = "203.0.113.66:5060";

/// A request as a stranger writes it.
fn request(method: &str, uri: &str, number: u32, more: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP {STRANGER};branch=z9hG4bK{method}{number};rport\n\
         Max-Forwards: 70\nFrom: <sip:801@203.0.113.66>;tag=a{number}\nTo: <{uri}>\n\
         Call-ID: {method}{number}@stranger\nCSeq: 1 {method}\nContact: <sip:x@{STRANGER}>\n{more}\
         Content-Length: 0\n\n"
    )
}

/// The status lines that reached a peer, without 100.
fn statuses(world: &mut World, name: &str) -> Vec<String> {
    let heard = &world.peer(name).heard;
    let lines = heard.iter().filter_map(|text| text.lines().next()).map(str::to_owned);
    lines.filter(|line| !line.contains(" 100 ")).collect()
}

#[test]
fn a_stranger_rings_nobody_and_nothing_is_relayed() {
    for (method, status) in
        [("INVITE", "401"), ("REGISTER", "401"), ("MESSAGE", "403"), ("SUBSCRIBE", "401"), ("REFER", "403")]
    {
        let mut world = world();
        world.add_stranger("eve", STRANGER);
        for (number, uri) in ["sip:4001234567@192.0.2.1", "sip:13700000000@192.0.2.1"].iter().enumerate() {
            let event = if method == "SUBSCRIBE" { "Event: presence\n" } else { "" };
            let refer = if method == "REFER" { "Refer-To: <sip:802@192.0.2.1>\n" } else { "" };
            let more = format!("{event}{refer}");
            world.say("eve", &request(method, uri, u32::try_from(number).unwrap(), &more));
        }
        world.run_for(0.1);
        let statuses = statuses(&mut world, "eve");
        assert_eq!(statuses.len(), 2, "{method}: {statuses:?}");
        assert!(statuses.iter().all(|line| line.contains(status)), "{method}: {statuses:?}");
        let ladder = world.finish();
        for nobody in ["→ 801", "→ 802", "→ trunk", "ticket"] {
            assert!(!ladder.contains(nobody), "{method}:\n{ladder}");
        }
    }
}

#[test]
fn a_wrong_password_too_often_is_ignored_for_a_while() {
    let mut world = world();
    world.add_phone("thief", "801", "203.0.113.67:5060".parse().unwrap());
    world.peer("thief").credentials.as_mut().unwrap().password = "guess".into();
    for _ in 0..6 {
        world.register("thief", 3600);
        world.run_for(1.0);
    }
    assert!(world.notices.iter().any(|notice| matches!(notice, Notice::Banned { .. })));
    world.peer("thief").credentials.as_mut().unwrap().password = crate::world::password("801");
    world.register("thief", 3600);
    world.run_for(40.0);
    assert_eq!(world.store.bindings["801"].bindings.len(), 1, "not even the right one is heard");
    world.run_for(900.0);
    world.register("thief", 3600);
    world.run_for(1.0);
    assert_eq!(world.store.bindings["801"].bindings.len(), 2);
}

#[test]
fn every_place_of_a_phone_rings_and_the_others_are_cancelled() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    world.add_phone("soft", "801", "192.0.2.181:5062".parse().unwrap());
    world.register("soft", 3600);
    world.run_for(0.5);
    world.begin();
    world.script("801", &[(0.1, Ring)]);
    world.script("soft", &[(0.2, Ring), (4.0, Answer)]);
    resident_calls(&mut world, &[(9.0, HangUp)]);
    expect![[r#"
        0.000  trunk → us     INVITE 4001234567
        0.000  us    → trunk  100
        0.000  us    → 801    INVITE 801
        0.000  us    → soft   INVITE 801
        0.000  801   → us     100
        0.000  soft  → us     100
        0.100  801   → us     180
        0.100  us    → trunk  180
        0.200  soft  → us     180
        4.000  soft  → us     200
        4.000  us    → soft   ACK
        4.000  us    → 801    CANCEL (Call completed elsewhere)
        4.000  media          joined
        4.000  801   → us     200 CANCEL
        4.000  801   → us     487
        4.000  us    → trunk  200
        4.000  ticket         801 answered in ring 1
        4.000  us    → 801    ACK
        4.000  trunk → us     ACK
        9.000  trunk → us     BYE
        9.000  us    → trunk  200 BYE
        9.000  media          recorded 5.0 s
        9.000  ticket         the caller hung up
        9.000  us    → soft   BYE
        9.000  ticket         recorded 5 s: good
        9.000  soft  → us     200 BYE
        20261123-0001: answered by desk in ring 1 by 801, Caller first, recording Good
          desk: 801 ready, 802 not registered
    "#]]
    .assert_eq(&world.finish());
}

#[test]
fn a_phone_that_stops_answering_options_is_unreachable_and_skipped() {
    let mut world = world_with(|setup| {
        setup.settings.qualify.interval = Some(seconds(30));
        setup.house.mobiles.clear();
    });
    world.script("802", &[(0.1, Ring), (3.0, Answer)]);
    world.peer("801").gone = true;
    world.run_for(60.0);
    assert!(matches!(world.switch.status(world.clocks()).phones[0].reach, Reach::Unreachable { .. }));
    world.begin();
    resident_calls(&mut world, &[(6.0, HangUp)]);
    world.run_for(10.0);
    let ticket = world.ticket();
    assert_eq!(ticket.outcome, Some(Outcome::AnsweredByDesk));
    assert_eq!(ticket.desk_state, "801 not reachable since 09:00, 802 ready");
    assert_eq!(ticket.legs.len(), 2, "801 was not rung");
    world.peer("801").gone = false;
    world.run_for(60.0);
    assert_eq!(world.switch.status(world.clocks()).phones[0].reach, Reach::Reachable);
}

#[test]
fn a_registration_that_runs_out_is_an_outage_and_the_ticket_says_since_when() {
    let mut world = World::closed(Setup::default());
    world.register("801", 120);
    world.run_for(1.0);
    world.begin();
    world.run_for(600.0);
    resident_calls(&mut world, &[(3.0, HangUp)]);
    world.run_for(10.0);
    assert_eq!(world.ticket().desk_state, "801 not registered since 09:02, 802 not registered");
    let outages: Vec<_> = world.store.outages.iter().map(|outage| format!("{:?}", outage.edge)).collect();
    assert_eq!(outages, ["Ended", "Ended", "Began"], "the trunk and the phone come, the phone goes");
}

#[test]
fn too_short_a_registration_is_refused_with_the_least_time() {
    let mut world = World::closed(Setup::default());
    world.register("801", 10);
    world.run_for(1.0);
    assert!(world.ladder.text().contains("us    → 801    423 REGISTER"), "{}", world.ladder.text());
    assert!(world.store.bindings.is_empty());
}

#[test]
fn a_phone_that_unregisters_is_gone_at_once() {
    let mut world = world();
    assert_eq!(world.switch.status(world.clocks()).phones[1].reach, Reach::Reachable);
    world.register("802", 0);
    world.run_for(0.5);
    assert!(matches!(
        world.switch.status(world.clocks()).phones[1].reach,
        Reach::NotRegistered { since: Some(_) }
    ));
}

#[test]
fn after_a_restart_the_phones_ring_without_registering_again() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    let bindings = world.store.bindings.values().cloned().collect();
    let now = world.clocks();
    let house = std::sync::Arc::new(world.setup.house.clone());
    let passwords = hotlined::switch::settings::Passwords::default();
    world.switch = Switch::new(world.setup.settings.clone(), house, passwords, [9; 32], now);
    world.switch.restore(bindings, None, now);
    world.script("801", &[(0.1, Ring), (3.0, Answer)]);
    // The trunk is found again first.
    world.run_for(0.5);
    resident_calls(&mut world, &[(8.0, HangUp)]);
    world.finish();
    assert_eq!(world.ticket().outcome, Some(Outcome::AnsweredByDesk));
}

#[test]
fn an_invite_without_sdp_gets_our_offer_in_the_200() {
    let mut world = world_with(|setup| setup.registered = vec!["801"]);
    let trunk = world.at("trunk");
    world.peers[trunk].bare = true;
    world.script("801", &[(0.1, Ring), (2.0, Answer)]);
    let via = |branch| format!("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{branch}\nMax-Forwards: 70\n");
    let ends = "From: <sip:139@carrier.example>;tag=c\nCall-ID: late\nContact: <sip:139@192.0.2.10>\n";
    let uri = format!("sip:{HOTLINE}@192.0.2.1");
    world.say(
        "trunk",
        &format!(
            "INVITE {uri} SIP/2.0\n{}{ends}To: <{uri}>\nCSeq: 1 INVITE\nContent-Length: 0\n\n",
            via("i")
        ),
    );
    world.run_for(2.5);
    let answer = world.peer("trunk").heard.iter().find(|text| text.starts_with("SIP/2.0 200")).cloned();
    let answer = answer.unwrap_or_else(|| panic!("{}", world.report()));
    assert!(answer.contains("a=rtpmap:8 PCMA/8000"), "{answer}");
    let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
    let sdp = "v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 8\n";
    let length = sdp.replace('\n', "\r\n").len();
    let typed = format!("Content-Type: application/sdp\nContent-Length: {length}\n\n{sdp}");
    world.say("trunk", &format!("ACK {uri} SIP/2.0\n{}{ends}{to}\nCSeq: 1 ACK\n{typed}", via("a")));
    world.run_for(3.0);
    assert!(!world.switch.is_idle());
    world.say(
        "trunk",
        &format!("BYE {uri} SIP/2.0\n{}{ends}{to}\nCSeq: 2 BYE\nContent-Length: 0\n\n", via("b")),
    );
    world.finish();
    assert_eq!(world.ticket().outcome, Some(Outcome::AnsweredByDesk));
}
