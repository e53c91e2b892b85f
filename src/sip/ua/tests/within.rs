//! Requests within a confirmed dialog: re-INVITE from both sides, routes, NAT, session timers.

use std::time::Duration;

use bytes::Bytes;

use super::bench::{ANSWER, Bench, OFFER, OTHER, UPDATING, back, hop, outgoing, peer, reply, tag_of, within};
use crate::sip::{
    message::{HeaderName, Headers, Method, Status},
    ua::{Fact, UsageId},
};

const SECOND: &[u8] = b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nm=audio 4002 RTP/AVP 8\r\n";

fn second() -> Bytes {
    Bytes::from_static(SECOND)
}

#[test]
fn our_reinvite_is_answered_and_its_contact_is_where_the_bye_goes() {
    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.offer(usage, second(), bench.now);
    let reinvite = bench.request(&Method::Invite);
    assert_eq!(reinvite.body, SECOND);
    assert_eq!(reinvite.headers.to().unwrap().tag(), Some("pt"));
    assert_eq!(reinvite.headers.cseq().unwrap().number, 2);
    bench.hear(&reply(&reinvite, 200, "pt", "Contact: <sip:moved@192.0.2.44:5066>\r\n", OTHER));
    let (to, ack) = bench.request_to(&Method::Ack);
    assert_eq!((ack.uri.to_string(), to.remote.port()), ("sip:moved@192.0.2.44:5066".to_owned(), 5066));
    assert_eq!(ack.headers.cseq().unwrap().number, 2);
    assert_eq!(bench.facts(), ["offer answered"]);
    bench.ua.hang_up(usage, None, bench.now);
    let (to, bye) = bench.request_to(&Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:moved@192.0.2.44:5066");
    assert_eq!(to, hop("192.0.2.44:5066"));
}

#[test]
fn a_peers_reinvite_moves_its_contact_only_when_it_is_accepted() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    let moved = "Contact: <sip:moved@192.0.2.44:5066>\r\n";
    bench.hear(&within("INVITE", 2, &tag, moved, ANSWER));
    assert_eq!(bench.facts(), ["offered with sdp"]);
    bench.ua.refuse_offer(usage, Status::NOT_ACCEPTABLE_HERE, bench.now);
    assert_eq!(bench.sent(), ["100 INVITE", "488 INVITE"]);
    bench.hear(&within("ACK", 2, &tag, "", "").replace("z9hG4bKACK2", "z9hG4bKINVITE2"));
    bench.ua.request_within(usage, Method::Info, Headers::new(), Vec::new(), bench.now);
    assert_eq!(bench.request(&Method::Info).uri.to_string(), "sip:zhang@192.0.2.9:5060");

    bench.hear(&within("INVITE", 3, &tag, moved, ANSWER));
    bench.ua.answer_offer(usage, second(), bench.now);
    assert_eq!(bench.response(200).body, SECOND);
    bench.hear(&within("ACK", 3, &tag, "", ""));
    assert_eq!(bench.facts(), ["offered with sdp"], "an ACK without news is not told");
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.request_to(&Method::Bye).0, hop("192.0.2.44:5066"));
}

#[test]
fn a_reinvite_without_sdp_asks_us_for_an_offer() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.hear(&within("INVITE", 2, &tag, UPDATING, ""));
    assert_eq!(bench.facts(), ["offered"]);
    bench.ua.answer_offer(usage, second(), bench.now);
    assert_eq!(bench.response(200).body, SECOND);
    // Our offer is open until the ACK.
    bench.hear(&within("UPDATE", 3, &tag, "", OTHER));
    assert_eq!(bench.sent(), ["491 UPDATE"]);
    bench.hear(&within("ACK", 2, &tag, "", ANSWER));
    assert_eq!(bench.facts(), ["acked with sdp"]);
}

#[test]
fn a_200_to_a_reinvite_is_repeated_and_its_missing_ack_ends_the_call() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.hear(&within("INVITE", 2, &tag, UPDATING, ANSWER));
    bench.ua.answer_offer(usage, second(), bench.now);
    bench.sent();
    bench.pass_s(2);
    assert_eq!(bench.sent(), ["200 INVITE", "200 INVITE"]);
    bench.pass_s(31);
    assert_eq!(bench.facts(), ["offered with sdp", "ended: NoAck"]);
}

#[test]
fn reinvites_from_both_sides_at_once_are_both_refused_and_ours_is_repeated() {
    let mut bench = Bench::new();
    let (usage, invite) = bench.call_up();
    bench.ua.offer(usage, second(), bench.now);
    let ours = bench.request(&Method::Invite);
    bench.hear(&back(&invite, "INVITE", 1, UPDATING, OTHER));
    assert_eq!(bench.sent(), ["100 INVITE", "491 INVITE"]);
    bench.hear(&back(&invite, "ACK", 1, "", "").replace("z9hG4bKACK1", "z9hG4bKINVITE1"));
    bench.hear(&reply(&ours, 491, "pt", "", ""));
    assert_eq!(bench.sent(), ["ACK"]);
    bench.pass(Duration::from_millis(2090));
    assert_eq!(bench.sent(), [""; 0], "the owner of the Call-ID waits 2.1 to 4 s");
    bench.pass(Duration::from_millis(1920));
    let again = bench.request(&Method::Invite);
    assert_eq!((again.body.as_slice(), again.headers.cseq().unwrap().number), (SECOND, 3));
    bench.hear(&reply(&again, 200, "pt", UPDATING, OTHER));
    assert_eq!(bench.facts(), ["offer answered"]);
}

#[test]
fn the_called_side_waits_at_most_2_s_after_a_491() {
    let mut bench = Bench::new();
    let (usage, _) = bench.called_up();
    bench.ua.offer(usage, second(), bench.now);
    let ours = bench.request(&Method::Invite);
    bench.hear(&reply(&ours, 491, "pt", "", ""));
    bench.sent();
    bench.pass(Duration::from_millis(2010));
    assert_eq!(bench.request(&Method::Invite).body, SECOND);
}

#[test]
fn an_offer_that_only_collides_is_given_up_in_the_end() {
    let mut bench = Bench::new();
    let (usage, _) = bench.called_up();
    bench.ua.offer(usage, second(), bench.now);
    for _ in 0..5 {
        let ours = bench.request(&Method::Invite);
        bench.hear(&reply(&ours, 491, "pt", "", ""));
        assert_eq!(bench.facts(), [""; 0]);
        bench.pass(Duration::from_millis(2010));
    }
    let ours = bench.request(&Method::Invite);
    bench.hear(&reply(&ours, 491, "pt", "", ""));
    assert_eq!(bench.facts(), ["offer refused 491"]);
}

#[test]
fn a_second_reinvite_while_the_first_waits_is_told_to_come_later() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.hear(&within("INVITE", 2, &tag, UPDATING, ANSWER));
    bench.hear(&within("INVITE", 3, &tag, UPDATING, OTHER));
    assert!(bench.response(500).headers.retry_after().is_some_and(|seconds| seconds < 10));
    bench.ua.answer_offer(usage, second(), bench.now);
    assert_eq!(bench.response(200).headers.cseq().unwrap().number, 2);
}

#[test]
fn a_500_with_retry_after_is_waited_for() {
    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.offer(usage, second(), bench.now);
    let first = bench.request(&Method::Invite);
    bench.hear(&reply(&first, 500, "pt", "Retry-After: 3\r\n", ""));
    bench.sent();
    bench.pass(Duration::from_millis(2900));
    assert_eq!(bench.sent(), [""; 0]);
    bench.pass(Duration::from_millis(200));
    assert_eq!(bench.request(&Method::Invite).body, SECOND);
}

#[test]
fn our_offer_waits_while_the_peers_is_open() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.hear(&within("INVITE", 2, &tag, UPDATING, ANSWER));
    bench.ua.offer(usage, second(), bench.now);
    bench.sent();
    bench.ua.answer_offer(usage, Bytes::from_static(OFFER), bench.now);
    assert_eq!(bench.sent(), ["200 INVITE"]);
    bench.hear(&within("ACK", 2, &tag, "", ""));
    assert_eq!(bench.request(&Method::Invite).body, SECOND);
}

#[test]
fn a_refused_offer_leaves_the_session_as_it_was() {
    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.offer(usage, second(), bench.now);
    let ours = bench.request(&Method::Invite);
    bench.hear(&reply(&ours, 488, "pt", "", ""));
    assert_eq!(bench.facts(), ["offer refused 488"]);
    assert!(bench.ua.remote(usage).is_some());
}

#[test]
fn a_peer_that_knows_the_dialog_no_longer_ends_the_call() {
    for status in [408, 481] {
        let mut bench = Bench::new();
        let (usage, _) = bench.call_up();
        bench.ua.offer(usage, second(), bench.now);
        let ours = bench.request(&Method::Invite);
        bench.hear(&reply(&ours, status, "pt", "", ""));
        assert_eq!(bench.facts(), ["ended: Gone"]);
        let bye = bench.request(&Method::Bye);
        bench.hear(&reply(&bye, 481, "pt", "", ""));
        bench.pass_s(70);
        bench.assert_empty();
    }
}

#[test]
fn a_reinvite_that_is_only_tried_for_ever_is_cancelled() {
    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.offer(usage, second(), bench.now);
    let ours = bench.request(&Method::Invite);
    bench.hear(&reply(&ours, 100, "", "", ""));
    bench.pass_s(33);
    let cancel = bench.request(&Method::Cancel);
    bench.hear(&reply(&cancel, 200, "", "", ""));
    bench.hear(&reply(&ours, 487, "pt", "", ""));
    assert_eq!(bench.facts(), ["offer refused 487"]);
}

#[test]
fn a_peer_can_take_its_reinvite_back() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.hear(&within("INVITE", 2, &tag, UPDATING, ANSWER));
    bench.sent();
    let cancel = within("INVITE", 2, &tag, "", "");
    bench.hear(&cancel.replace("INVITE sip", "CANCEL sip").replace("2 INVITE", "2 CANCEL"));
    assert_eq!(bench.sent(), ["200 CANCEL", "487 INVITE"]);
    bench.ua.answer_offer(usage, second(), bench.now);
    assert_eq!(bench.sent(), [""; 0]);
    assert!(bench.ua.remote(usage).is_some(), "the call goes on");
}

#[test]
fn hanging_up_leaves_no_reinvite_open() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.hear(&within("INVITE", 2, &tag, UPDATING, ANSWER));
    bench.sent();
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.sent(), ["487 INVITE", "BYE"]);

    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.offer(usage, second(), bench.now);
    let ours = bench.request(&Method::Invite);
    bench.hear(&reply(&ours, 100, "", "", ""));
    bench.ua.hang_up(usage, None, bench.now);
    let bye = bench.request(&Method::Bye);
    bench.hear(&reply(&ours, 200, "pt", UPDATING, OTHER));
    assert_eq!(bench.sent(), ["ACK"]);
    bench.hear(&reply(&bye, 200, "pt", "", ""));
    assert_eq!(bench.facts(), ["ended: HungUp"]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn both_sides_hang_up_at_once() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.ua.hang_up(usage, None, bench.now);
    let bye = bench.request(&Method::Bye);
    bench.hear(&within("BYE", 2, &tag, "", ""));
    assert_eq!(bench.sent(), ["200 BYE"]);
    bench.hear(&reply(&bye, 481, "pt", "", ""));
    assert_eq!(bench.facts(), ["ended: HungUp"]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn a_challenged_bye_is_sent_again_with_the_password() {
    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.hang_up(usage, None, bench.now);
    let first = bench.request(&Method::Bye);
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
    bench.hear(&reply(&first, 401, "pt", challenge, ""));
    let second = bench.request(&Method::Bye);
    assert_eq!(second.headers.cseq().unwrap().number, 3);
    assert!(second.headers.get(&HeaderName::Authorization).is_some());
    bench.hear(&reply(&second, 200, "pt", "", ""));
    assert_eq!(bench.facts(), ["ended: HungUp"]);
}

#[test]
fn a_challenged_reinvite_is_sent_again_and_still_ours() {
    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.offer(usage, second(), bench.now);
    let first = bench.request(&Method::Invite);
    let challenge = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
    bench.hear(&reply(&first, 407, "pt", challenge, ""));
    let again = bench.request(&Method::Invite);
    bench.hear(&reply(&again, 200, "pt", UPDATING, OTHER));
    assert_eq!(bench.facts(), ["offer answered"]);
}

#[test]
fn a_peer_without_tags_is_counted_right_through_a_challenge() {
    let mut bench = Bench::new();
    let usage = bench.ua.invite(outgoing(), Bytes::from_static(OFFER), bench.now);
    let invite = bench.request(&Method::Invite);
    bench.hear(&reply(&invite, 200, "", UPDATING, ANSWER));
    bench.ua.offer(usage, second(), bench.now);
    let first = bench.request(&Method::Invite);
    bench.hear(&reply(&first, 401, "", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", ""));
    let again = bench.request(&Method::Invite);
    assert_eq!(again.headers.cseq().unwrap().number, 3);
    bench.hear(&reply(&again, 200, "", UPDATING, OTHER));
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.request(&Method::Bye).headers.cseq().unwrap().number, 4);
}

#[test]
fn an_older_cseq_is_refused_with_500() {
    let mut bench = Bench::new();
    let (_, tag) = bench.called_up();
    bench.hear(&within("INFO", 7, &tag, "", ""));
    assert_eq!(bench.sent(), ["200 INFO"]);
    bench.hear(&within("UPDATE", 6, &tag, "", ""));
    assert_eq!(bench.sent(), ["500 UPDATE"]);
    bench.hear(&within("BYE", 3, &tag, "", ""));
    assert_eq!(bench.sent(), ["500 BYE"]);
}

#[test]
fn a_request_with_a_foreign_tag_finds_no_dialog() {
    let mut bench = Bench::new();
    let (_, tag) = bench.called_up();
    for method in ["BYE", "UPDATE", "INFO", "NOTIFY", "OPTIONS", "INVITE"] {
        bench.hear(&within(method, 9, "nobody", "", ""));
        bench.hear(&within(method, 10, &tag, "", "").replace("tag=pt", "tag=other"));
        let sent = bench.sent();
        let refused = format!("481 {method}");
        assert_eq!(sent.iter().filter(|line| **line == refused).count(), 2, "{method}: {sent:?}");
    }
    assert_eq!(bench.facts(), [""; 0]);
}

#[test]
fn update_options_and_info_are_answered() {
    let mut bench = Bench::new();
    let (usage, tag) = bench.called_up();
    bench.hear(&within("OPTIONS", 2, &tag, "", ""));
    let ok = bench.response(200);
    assert!(ok.headers.get(&HeaderName::Allow).unwrap().contains("UPDATE"));
    assert!(ok.headers.get(&HeaderName::Accept).unwrap().contains("application/sdp"));
    bench.hear(&within("UPDATE", 3, &tag, "Contact: <sip:m@192.0.2.44>\r\n", ""));
    assert_eq!(bench.sent(), ["200 UPDATE"]);
    let dtmf = within("INFO", 4, &tag, "Content-Type: application/dtmf-relay\r\n", "");
    bench.hear(&dtmf.replace("Content-Length: 0\r\n\r\n", "Content-Length: 8\r\n\r\nSignal=1"));
    assert_eq!(bench.sent(), ["200 INFO"]);
    assert_eq!(bench.facts(), ["info application/dtmf-relay"]);
    bench.hear(&within("UPDATE", 5, &tag, "", ANSWER));
    assert_eq!(bench.facts(), ["offered with sdp"]);
    bench.ua.answer_offer(usage, second(), bench.now);
    assert_eq!(bench.response(200).body, SECOND);
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.request(&Method::Bye).uri.to_string(), "sip:m@192.0.2.44", "UPDATE moves the target");
}

#[test]
fn a_refer_is_the_switchs_to_answer_and_is_not_left_open() {
    let mut bench = Bench::new();
    let (_, tag) = bench.called_up();
    bench.hear(&within("REFER", 2, &tag, "Refer-To: <sip:802@192.0.2.1>\r\n", ""));
    let server = match bench.raw_facts().as_slice() {
        [Fact::InDialog { server, request, .. }] if request.method == Method::Refer => *server,
        other => panic!("{other:?}"),
    };
    bench.ua.respond(server, Status::ACCEPTED, Headers::new(), Vec::new(), bench.now);
    let accepted = bench.response(202);
    assert_eq!(tag_of(&accepted), tag);
    assert!(accepted.headers.get(&HeaderName::Contact).is_some());

    bench.hear(&within("REFER", 3, &tag, "Refer-To: <sip:803@192.0.2.1>\r\n", ""));
    bench.hear(&within("BYE", 4, &tag, "", ""));
    assert_eq!(bench.sent(), ["200 BYE", "481 REFER"]);
    bench.pass_s(70);
    bench.facts();
    bench.assert_empty();
}

#[test]
fn our_request_within_the_dialog_is_answered_or_ends_it() {
    let mut bench = Bench::new();
    let (usage, _) = bench.called_up();
    let ask = |bench: &mut Bench| {
        bench.ua.request_within(usage, Method::Notify, Headers::new(), b"x".to_vec(), bench.now).unwrap();
        bench.request(&Method::Notify)
    };
    let notify = ask(&mut bench);
    assert_eq!(notify.headers.cseq().unwrap().number, 1);
    bench.hear(&reply(&notify, 200, "pt", "", ""));
    let notify = ask(&mut bench);
    bench.hear(&reply(&notify, 501, "pt", "", ""));
    assert_eq!(bench.facts(), ["responded 200", "responded 501"]);
    ask(&mut bench);
    bench.pass_s(33);
    assert_eq!(bench.facts(), ["unanswered: TimedOut", "ended: Gone"]);
    assert_eq!(bench.ua.request_within(UsageId(999), Method::Info, Headers::new(), vec![], bench.now), None);
}

#[test]
fn a_bye_that_cannot_be_sent_ends_the_call_all_the_same() {
    let mut bench = Bench::new();
    let (usage, _) = bench.call_up();
    bench.ua.hang_up(usage, None, bench.now);
    bench.ua.send_failed(peer(), bench.now);
    assert_eq!(bench.facts(), ["ended: HungUp"]);
}

// Routes (RFC 3261 §12.2.1.1) and the next hop.

/// The BYE that we send after a call whose 2xx had these headers and came from there.
fn bye_after(headers: &str, from: &str) -> (String, crate::sip::message::Request) {
    let mut bench = Bench::new();
    let usage = bench.ua.invite(outgoing(), Bytes::from_static(OFFER), bench.now);
    let invite = bench.request(&Method::Invite);
    bench.hear_from(hop(from), &reply(&invite, 200, "pt", headers, ANSWER));
    bench.ua.hang_up(usage, None, bench.now);
    let (hop, bye) = bench.request_to(&Method::Bye);
    (hop.remote.to_string(), bye)
}

#[test]
fn a_loose_route_is_followed_in_reverse() {
    let routes = "Contact: <sip:801@192.0.2.9>\r\nRecord-Route: <sip:192.0.2.3;lr>, <sip:192.0.2.2:5070;lr>\r\n\
                  Record-Route: <sip:192.0.2.1;lr>\r\n";
    let (to, bye) = bye_after(routes, "192.0.2.2:5070");
    assert_eq!(bye.uri.to_string(), "sip:801@192.0.2.9");
    let set: Vec<_> = bye.headers.all(&HeaderName::Route).collect();
    assert_eq!(set, ["<sip:192.0.2.1;lr>", "<sip:192.0.2.2:5070;lr>", "<sip:192.0.2.3;lr>"]);
    assert_eq!(to, "192.0.2.1:5060");
}

#[test]
fn a_strict_router_finds_itself_in_the_request_uri() {
    let routes = "Contact: <sip:801@192.0.2.9>\r\nRecord-Route: <sip:192.0.2.3;lr>, <sip:192.0.2.2>\r\n";
    let (to, bye) = bye_after(routes, "192.0.2.2:5060");
    assert_eq!(bye.uri.to_string(), "sip:192.0.2.2");
    let set: Vec<_> = bye.headers.all(&HeaderName::Route).collect();
    assert_eq!(set, ["<sip:192.0.2.3;lr>", "<sip:801@192.0.2.9>"]);
    assert_eq!(to, "192.0.2.2:5060");
}

#[test]
fn a_callers_route_set_is_in_its_order() {
    let mut bench = Bench::new();
    bench.hear(&super::bench::invite("Record-Route: <sip:192.0.2.2:5070;lr>, <sip:192.0.2.3;lr>\r\n", OTHER));
    let usage = super::bench::invited(&bench.raw_facts());
    bench.ua.accept(usage, Bytes::from_static(OFFER), bench.now);
    let tag = tag_of(&bench.response(200));
    bench.hear(&within("ACK", 1, &tag, "", ""));
    bench.ua.hang_up(usage, None, bench.now);
    let (to, bye) = bench.request_to(&Method::Bye);
    let set: Vec<_> = bye.headers.all(&HeaderName::Route).collect();
    assert_eq!(set, ["<sip:192.0.2.2:5070;lr>", "<sip:192.0.2.3;lr>"]);
    assert_eq!(to.remote.to_string(), "192.0.2.2:5070");
}

#[test]
fn the_next_hop_is_the_contact_unless_it_lies_behind_a_nat() {
    // Contact, where the 200 came from, where the BYE goes.
    let rows = [
        ("sip:801@192.0.2.9:5062", "192.0.2.9:5060", "192.0.2.9:5062"),
        ("sip:801@192.0.2.77", "192.0.2.9:5060", "192.0.2.77:5060"),
        ("sip:801@192.168.1.10:5060", "203.0.113.5:41000", "203.0.113.5:41000"),
        ("sip:801@100.64.3.2:5060", "203.0.113.5:41000", "203.0.113.5:41000"),
        ("sip:801@127.0.0.1:5062", "127.0.0.1:5060", "127.0.0.1:5062"),
        ("sip:801@10.0.0.8:5062", "10.0.0.8:5060", "10.0.0.8:5062"),
        ("sip:801@0.0.0.0", "203.0.113.5:41000", "203.0.113.5:41000"),
        ("sip:801@phone.example.com", "203.0.113.5:41000", "203.0.113.5:41000"),
        ("sip:801@192.0.2.9:0", "192.0.2.9:5060", "192.0.2.9:5060"),
        ("sip:801@[2001:db8::1]", "192.0.2.9:5060", "192.0.2.9:5060"),
        ("tel:801", "192.0.2.9:5060", "192.0.2.9:5060"),
    ];
    for (contact, from, expected) in rows {
        let (to, bye) = bye_after(&format!("Contact: <{contact}>\r\n"), from);
        assert_eq!(to, expected, "{contact}");
        assert_eq!(bye.uri.to_string(), contact);
    }
}

// Session timers (RFC 4028).

fn called_with_timer(bench: &mut Bench, extra: &str) -> (UsageId, String) {
    bench.hear(&super::bench::invite(extra, OTHER));
    let usage = super::bench::invited(&bench.raw_facts());
    bench.ua.accept(usage, Bytes::from_static(OFFER), bench.now);
    let ok = bench.response(200);
    let tag = tag_of(&ok);
    bench.hear(&within("ACK", 1, &tag, "", ""));
    assert_eq!(bench.facts(), ["acked"]);
    (usage, tag)
}

#[test]
fn the_session_is_refreshed_at_half_time_by_update() {
    let mut bench = Bench::new();
    let timer = "Supported: timer\r\nAllow: UPDATE\r\nSession-Expires: 600;refresher=uas\r\n";
    called_with_timer(&mut bench, timer);
    bench.pass_s(299);
    assert_eq!(bench.sent(), [""; 0]);
    for _ in 0..5 {
        bench.pass_s(2);
        let update = bench.request(&Method::Update);
        assert_eq!(update.headers.get(&HeaderName::SessionExpires), Some("600;refresher=uac"));
        assert!(update.body.is_empty());
        let extra = format!("{UPDATING}Require: timer\r\nSession-Expires: 600;refresher=uac\r\n");
        bench.hear(&reply(&update, 200, "pt", &extra, ""));
        bench.pass_s(298);
    }
    assert_eq!(bench.facts(), [""; 0]);
}

#[test]
fn without_update_the_session_is_refreshed_by_a_reinvite_with_the_same_sdp() {
    let mut bench = Bench::new();
    let timer = "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n";
    called_with_timer(&mut bench, timer);
    bench.pass_s(301);
    let reinvite = bench.request(&Method::Invite);
    assert_eq!(reinvite.body, OFFER);
    let extra = "Contact: <sip:zhang@192.0.2.9>\r\nSession-Expires: 600;refresher=uac\r\n";
    bench.hear(&reply(&reinvite, 200, "pt", extra, OTHER));
    assert_eq!(bench.sent(), ["ACK"]);
    assert_eq!(bench.facts(), [""; 0], "the same SDP says nothing new");
    bench.pass_s(301);
    bench.request(&Method::Invite);
}

#[test]
fn a_peer_that_does_not_refresh_loses_the_session() {
    let mut bench = Bench::new();
    let timer = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n";
    called_with_timer(&mut bench, timer);
    bench.pass_s(59);
    assert_eq!(bench.sent(), [""; 0]);
    bench.pass_s(1);
    assert_eq!(bench.sent(), ["BYE"]);
    assert_eq!(bench.facts(), ["ended: SessionExpired"]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn a_peers_refresh_keeps_the_session() {
    let mut bench = Bench::new();
    let timer = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n";
    let (_, tag) = called_with_timer(&mut bench, timer);
    for cseq in 2..6 {
        bench.pass_s(45);
        bench.hear(&within("UPDATE", cseq, &tag, timer, ""));
        let ok = bench.response(200);
        assert_eq!(ok.headers.get(&HeaderName::SessionExpires), Some("90;refresher=uac"));
        assert_eq!(ok.headers.get(&HeaderName::Require), Some("timer"));
    }
    assert_eq!(bench.facts(), [""; 0]);
}

#[test]
fn a_refresh_that_is_refused_as_too_brief_is_repeated() {
    let mut bench = Bench::new();
    let timer = "Supported: timer\r\nAllow: UPDATE\r\nSession-Expires: 600;refresher=uas\r\n";
    called_with_timer(&mut bench, timer);
    bench.pass_s(300);
    let update = bench.request(&Method::Update);
    bench.hear(&reply(&update, 422, "pt", "Min-SE: 900\r\n", ""));
    let update = bench.request(&Method::Update);
    assert_eq!(update.headers.get(&HeaderName::SessionExpires), Some("900;refresher=uac"));
    bench.hear(&reply(&update, 405, "pt", "Allow: INVITE, ACK, BYE\r\n", ""));
    assert_eq!(bench.request(&Method::Invite).body, OFFER, "then by re-INVITE");
}

#[test]
fn our_caller_side_refreshes_when_the_2xx_says_so() {
    let mut bench = Bench::new();
    let usage = bench.ua.invite(outgoing(), Bytes::from_static(OFFER), bench.now);
    let invite = bench.request(&Method::Invite);
    let timer = format!("{UPDATING}Require: timer\r\nSession-Expires: 200;refresher=uac\r\n");
    bench.hear(&reply(&invite, 200, "pt", &timer, ANSWER));
    bench.sent();
    bench.pass_s(100);
    assert_eq!(bench.sent(), ["UPDATE"]);
    // Nobody answers: the session is over.
    bench.pass_s(33);
    assert_eq!(bench.facts(), ["answered with sdp", "ended: Gone"]);
    assert!(bench.ua.remote(usage).is_some_and(|_| true), "until its BYE is given up");
    bench.pass_s(70);
    bench.assert_empty();
}
