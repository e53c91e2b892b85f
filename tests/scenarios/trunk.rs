//! A trunk that must be registered: it is challenged, refused, left without an answer, and never given up.

use expect_test::expect;
use hotlined::{
    desk::outage::{Edge, Subject},
    sip::{
        message::{HeaderName, Headers},
        ua::Credentials,
    },
    switch::settings::{Server, TrunkKind},
};

use super::resident_calls;
use crate::world::{HOTLINE, Setup, World, seconds};

fn registering() -> Setup {
    let mut setup = Setup::default();
    setup.registered.clear();
    setup.house.mobiles.clear();
    let trunk = &mut setup.settings.trunks[0];
    trunk.kind =
        TrunkKind::Register { expires: seconds(600), retry_min: seconds(2), retry_max: seconds(300) };
    trunk.credentials = Some(Credentials { user: "02100001111".into(), password: "carrier".into() });
    setup
}

fn challenge() -> (u16, Headers) {
    let mut headers = Headers::new();
    headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"");
    (401, headers)
}

fn with(code: u16, name: HeaderName, value: &str) -> (u16, Headers) {
    let mut headers = Headers::new();
    headers.push(name, value);
    (code, headers)
}

fn up(world: &World) -> Option<bool> {
    world.switch.status(world.clocks()).trunks[0].up
}

#[test]
fn a_challenged_registration_is_answered_and_refreshed_in_time() {
    let mut world = World::closed(registering());
    world.peer("trunk").registrar.push_back(challenge());
    assert_eq!(up(&world), None);
    world.run_for(1200.0);
    assert_eq!(up(&world), Some(true));
    expect![[r#"
           0.000  us    → trunk  REGISTER
           0.000  trunk → us     401 REGISTER
           0.000  us    → trunk  REGISTER
           0.000  trunk → us     200 REGISTER
           0.000  outage         Trunk("trunk") Ended: registered for 600 s
         510.000  us    → trunk  REGISTER
         510.000  trunk → us     200 REGISTER
        1020.000  us    → trunk  REGISTER
        1020.000  trunk → us     200 REGISTER
    "#]]
    .assert_eq(&world.report());
}

#[test]
fn a_trunk_that_is_dead_for_a_day_is_never_given_up_and_its_outage_is_on_record() {
    let mut world = World::closed(registering());
    world.run_for(10.0);
    assert_eq!(up(&world), Some(true));
    world.peer("trunk").gone = true;
    world.run_for(86_400.0);
    assert_eq!(up(&world), Some(false));
    world.peer("trunk").gone = false;
    world.run_for(400.0);
    assert_eq!(up(&world), Some(true));
    let edges: Vec<Edge> = world
        .store
        .outages
        .iter()
        .filter(|outage| matches!(&outage.subject, Subject::Trunk(name) if name == "trunk"))
        .map(|outage| outage.edge)
        .collect();
    assert_eq!(edges, [Edge::Ended, Edge::Began, Edge::Ended]);
}

#[test]
fn retry_after_and_min_expires_are_obeyed() {
    let mut world = World::closed(registering());
    world.peer("trunk").registrar.push_back(with(423, HeaderName::MinExpires, "1800"));
    world.peer("trunk").registrar.push_back(with(503, HeaderName::RetryAfter, "120"));
    world.run_for(200.0);
    expect![[r#"
          0.000  us    → trunk  REGISTER
          0.000  trunk → us     423 REGISTER
          0.000  us    → trunk  REGISTER
          0.000  trunk → us     503 REGISTER
          0.000  outage         Trunk("trunk") Began: 503 to REGISTER
        120.000  us    → trunk  REGISTER
        120.000  trunk → us     200 REGISTER
        120.000  outage         Trunk("trunk") Ended: registered for 1800 s
    "#]]
    .assert_eq(&world.report());
    assert_eq!(world.switch.status(world.clocks()).trunks[0].reason, "registered for 1800 s");
}

#[test]
fn the_second_server_is_tried_when_the_first_is_silent() {
    let mut setup = registering();
    setup.settings.trunks[0].servers = vec![
        Server::Address("192.0.2.11:5060".parse().unwrap()),
        Server::Address("192.0.2.10:5060".parse().unwrap()),
    ];
    let mut world = World::closed(setup);
    world.run_for(40.0);
    assert_eq!(up(&world), Some(true));
    resident_calls(&mut world, &[]);
    world.run_for(1.0);
    assert_eq!(world.store.tickets.len(), 1);
}

#[test]
fn a_trunk_is_found_by_its_name() {
    let mut setup = registering();
    setup.settings.trunks[0].servers = vec![Server::Name { host: "carrier.example".into(), port: None }];
    let mut world = World::closed(setup);
    world.run_for(20.0);
    assert_eq!(up(&world), Some(false), "the name leads nowhere yet");
    world.addresses.insert("trunk".into(), vec!["192.0.2.10:5060".parse().unwrap()]);
    world.run_for(300.0);
    assert_eq!(up(&world), Some(true));
    world.call("trunk", super::CALLER, HOTLINE, &[]);
    world.run_for(1.0);
    assert_eq!(world.store.tickets.len(), 1);
}
