//! Subscriptions of peers, from the SUBSCRIBE to the last NOTIFY.

use std::time::Duration;

use super::bench::{Bench, peer, reply, tag_of, within};
use crate::sip::{
    header::Replaces,
    message::{HeaderName, Method, Request},
    subscription::{Lifetime, StateDocument, SubscriptionId},
    ua::Fact,
};

const LIFETIME: Lifetime = Lifetime {
    min: Duration::from_secs(60),
    max: Duration::from_secs(3600),
    default: Duration::from_secs(600),
};

fn state() -> StateDocument {
    StateDocument { content_type: "application/x", body: b"state".to_vec() }
}

/// A SUBSCRIBE with that Expires (empty: none), granted.
fn subscribed(bench: &mut Bench, expires: &str) -> Option<(SubscriptionId, String)> {
    let expires = if expires.is_empty() { String::new() } else { format!("Expires: {expires}\r\n") };
    let lines = format!("Event: dialog;id=a\r\n{expires}Contact: <sip:802@192.0.2.9:5060>\r\n");
    bench.hear(&within("SUBSCRIBE", 1, "", &lines, ""));
    let (server, request) = match bench.raw_facts().pop() {
        Some(Fact::Requested { server, request, .. }) => (server, request),
        other => panic!("{other:?}"),
    };
    let id = bench.ua.subscribe(server, &request, peer(), LIFETIME, bench.now)?;
    let ok = bench.response(200);
    assert!(ok.headers.contacts().unwrap().len() == 1, "RFC 6665 §4.2.1: the 200 has a Contact");
    Some((id, tag_of(&ok)))
}

fn notify(bench: &mut Bench, id: SubscriptionId) -> Request {
    bench.ua.notify(id, state(), bench.now);
    bench.request(&Method::Notify)
}

fn its_state(notify: &Request) -> &str {
    notify.headers.get(&HeaderName::SubscriptionState).unwrap()
}

#[test]
fn a_granted_subscription_gets_its_state_at_once() {
    let mut bench = Bench::new();
    let (id, _) = subscribed(&mut bench, "").unwrap();
    let notify = notify(&mut bench, id);
    assert_eq!(its_state(&notify), "active;expires=600");
    assert_eq!(notify.headers.get(&HeaderName::Event), Some("dialog;id=a"));
    assert_eq!(notify.uri.to_string(), "sip:802@192.0.2.9:5060");
    assert_eq!(notify.body, b"state");
    bench.hear(&reply(&notify, 200, "pt", "", ""));
    assert_eq!(bench.facts(), ["notified"]);
}

#[test]
fn a_refresh_lasts_from_then_on_and_gets_the_full_state_again() {
    let mut bench = Bench::new();
    let (id, tag) = subscribed(&mut bench, "100").unwrap();
    bench.pass_s(90);
    bench.hear(&within("SUBSCRIBE", 2, &tag, "Event: dialog;id=a\r\nExpires: 100\r\n", ""));
    assert_eq!(bench.response(200).headers.expires(), Some(100));
    assert_eq!(bench.facts(), ["resubscribed"]);
    bench.pass_s(90);
    assert_eq!(its_state(&notify(&mut bench, id)), "active;expires=10");
}

#[test]
fn a_subscription_that_is_not_refreshed_ends_with_its_last_state() {
    let mut bench = Bench::new();
    let (id, tag) = subscribed(&mut bench, "60").unwrap();
    bench.pass_s(60);
    assert_eq!(bench.facts(), ["resubscribed"]);
    let last = notify(&mut bench, id);
    assert_eq!(its_state(&last), "terminated;reason=timeout");
    // Too late for another.
    bench.hear(&within("SUBSCRIBE", 2, &tag, "Event: dialog;id=a\r\n", ""));
    assert_eq!(bench.sent(), ["481 SUBSCRIBE"]);
    bench.hear(&reply(&last, 200, "pt", "", ""));
    assert_eq!(bench.facts(), ["subscription over"]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn taking_it_back_ends_it_and_so_does_a_peer_that_knows_nothing_of_it() {
    let mut bench = Bench::new();
    let (id, tag) = subscribed(&mut bench, "600").unwrap();
    bench.hear(&within("SUBSCRIBE", 2, &tag, "Event: dialog;id=a\r\nExpires: 0\r\n", ""));
    assert_eq!(bench.facts(), ["resubscribed"]);
    let last = notify(&mut bench, id);
    assert_eq!(its_state(&last), "terminated;reason=timeout");
    bench.hear(&reply(&last, 200, "pt", "", ""));
    assert_eq!(bench.facts(), ["subscription over"]);

    let mut bench = Bench::new();
    let (id, _) = subscribed(&mut bench, "600").unwrap();
    let lost = notify(&mut bench, id);
    bench.hear(&reply(&lost, 481, "pt", "", ""));
    assert_eq!(bench.facts(), ["subscription over"]);

    let mut bench = Bench::new();
    let (id, _) = subscribed(&mut bench, "600").unwrap();
    bench.ua.notify(id, state(), bench.now);
    bench.pass_s(33);
    assert_eq!(bench.facts(), ["subscription over"], "nobody answers");
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn asking_for_0_seconds_fetches_the_state_once() {
    let mut bench = Bench::new();
    let (id, _) = subscribed(&mut bench, "0").unwrap();
    let only = notify(&mut bench, id);
    assert_eq!(its_state(&only), "terminated;reason=timeout");
    bench.hear(&reply(&only, 200, "pt", "", ""));
    bench.pass_s(70);
    assert_eq!(bench.facts(), ["subscription over"]);
    bench.assert_empty();
}

#[test]
fn too_short_a_wish_is_answered_with_the_shortest_one() {
    let mut bench = Bench::new();
    assert_eq!(subscribed(&mut bench, "59"), None);
    assert_eq!(bench.response(423).headers.min_expires(), Some(60));
    let (_, tag) = subscribed_again(&mut bench);
    bench.hear(&within("SUBSCRIBE", 3, &tag, "Event: dialog;id=a\r\nExpires: 5\r\n", ""));
    assert_eq!(bench.sent(), ["423 SUBSCRIBE"]);
    bench.hear(&within("SUBSCRIBE", 4, &tag, "Event: presence\r\n", ""));
    assert_eq!(bench.sent(), ["403 SUBSCRIBE"], "another event needs another dialog");
    assert_eq!(bench.facts(), [""; 0]);
}

/// After a refused one, with another CSeq.
fn subscribed_again(bench: &mut Bench) -> (SubscriptionId, String) {
    bench.hear(&within("SUBSCRIBE", 2, "", "Event: dialog;id=a\r\nContact: <sip:802@192.0.2.9>\r\n", ""));
    let Some(Fact::Requested { server, request, .. }) = bench.raw_facts().pop() else { panic!() };
    let id = bench.ua.subscribe(server, &request, peer(), LIFETIME, bench.now).unwrap();
    (id, tag_of(&bench.response(200)))
}

#[test]
fn a_replaces_finds_its_dialog_from_either_side_and_no_other() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    let named = |to: &str, from: &str| Replaces {
        call_id: "their-call".into(),
        to_tag: to.into(),
        from_tag: from.into(),
        early_only: false,
    };
    assert_eq!(bench.ua.replaced(&named(&tag, "pt")), Some(usage));
    assert_eq!(bench.ua.replaced(&named("pt", &tag)), Some(usage), "as a watching phone names it");
    assert_eq!(bench.ua.replaced(&named(&tag, "other")), None);
    assert_eq!(bench.ua.replaced(&Replaces { call_id: "x".into(), ..named(&tag, "pt") }), None);
    let name = bench.ua.dialog_name(usage).unwrap();
    assert_eq!((name.local_tag, name.remote_tag.as_str()), (tag, "pt"));
}
