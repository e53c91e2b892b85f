//! Our INVITE: forks, answers, refusals, CANCEL, PRACK.

use bytes::Bytes;

use super::bench::{ANSWER, Bench, OFFER, OTHER, UPDATING, back, outgoing, reply};
use crate::sip::{
    hop::{Hop, Transport},
    message::{HeaderName, Method, Request},
    ua::{Fact, InviteRefused, UsageId},
};

fn invited(bench: &mut Bench) -> (UsageId, Request) {
    let usage = bench.ua.invite(outgoing(), Bytes::from_static(OFFER), bench.now);
    (usage, bench.request(&Method::Invite))
}

#[test]
fn our_invite_says_who_we_are_and_what_we_can() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    let header = |name| invite.headers.get(&name).unwrap_or_default().to_owned();
    assert_eq!(header(HeaderName::Contact), "<sip:400@192.0.2.1:5060;transport=udp>");
    assert_eq!(header(HeaderName::Supported), "100rel, replaces, norefersub, timer");
    assert_eq!(header(HeaderName::SessionExpires), "1800");
    assert_eq!(header(HeaderName::MinSe), "90");
    assert_eq!(header(HeaderName::UserAgent), "hotlined/test");
    assert_eq!(header(HeaderName::ContentType), "application/sdp");
    assert!(header(HeaderName::Allow).contains("UPDATE"));
    assert_eq!(invite.body, OFFER);
    assert_eq!(bench.ua.call_id(usage), invite.headers.call_id());
    assert_eq!(bench.ua.remote(usage), Some("192.0.2.9:5060".parse().unwrap()));
}

#[test]
fn a_call_rings_is_answered_and_hung_up_by_us() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 100, "", "", ""));
    assert_eq!(bench.facts(), [""; 0]);
    bench.hear(&reply(&invite, 180, "pt", "", ""));
    assert_eq!(bench.facts(), ["progress 180"]);
    bench.hear(&reply(&invite, 200, "pt", UPDATING, ANSWER));
    assert_eq!((bench.sent(), bench.facts()), (vec!["ACK".into()], vec!["answered with sdp".into()]));
    bench.ua.hang_up(usage, Some("Q.850;cause=16".to_owned()), bench.now);
    let bye = bench.request(&Method::Bye);
    assert_eq!(bye.headers.get(&HeaderName::Reason), Some("Q.850;cause=16"));
    assert_eq!(bye.headers.cseq().unwrap().number, 2);
    assert_eq!(bench.facts(), [""; 0], "the end is told when the BYE is answered");
    bench.hear(&reply(&bye, 200, "pt", "", ""));
    assert_eq!(bench.facts(), ["ended: HungUp"]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn a_200_without_contact_is_acknowledged_to_where_the_invite_went() {
    let mut bench = Bench::new();
    let (_, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 200, "pt", "", ANSWER));
    let (hop, ack) = bench.request_to(&Method::Ack);
    assert_eq!(hop.remote, "192.0.2.9:5060".parse().unwrap());
    assert_eq!(ack.uri, invite.uri);
    assert_eq!(ack.headers.cseq().unwrap().number, 1);
}

#[test]
fn a_repeated_200_gets_its_ack_again_because_the_first_was_lost() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    let ok = reply(&invite, 200, "pt", UPDATING, ANSWER);
    bench.hear(&ok);
    let first = bench.request(&Method::Ack);
    bench.hear(&ok);
    let second = bench.request(&Method::Ack);
    assert_eq!(first.headers.to(), second.headers.to());
    assert_eq!(bench.facts(), ["answered with sdp"]);
    // Also when the call is over in the meantime.
    bench.ua.hang_up(usage, None, bench.now);
    let bye = bench.request(&Method::Bye);
    bench.hear(&reply(&bye, 200, "pt", "", ""));
    bench.hear(&ok);
    assert_eq!(bench.sent(), ["ACK"]);
}

#[test]
fn the_first_of_two_forks_wins_and_the_other_is_acknowledged_and_hung_up() {
    let mut bench = Bench::new();
    let (_, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 180, "a", "", ""));
    bench.hear(&reply(&invite, 183, "b", "Contact: <sip:b@192.0.2.9>\r\n", ANSWER));
    assert_eq!(bench.facts(), ["progress 180", "progress 183 with sdp"]);
    bench.hear(&reply(&invite, 200, "a", "Contact: <sip:a@192.0.2.9>\r\n", ANSWER));
    assert_eq!(bench.sent(), ["ACK"]);
    let second = reply(&invite, 200, "b", "Contact: <sip:b@192.0.2.9>\r\n", ANSWER);
    bench.hear(&second);
    let bye = bench.request(&Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:b@192.0.2.9");
    assert_eq!(bye.headers.to().unwrap().tag(), Some("b"));
    bench.hear(&second);
    assert_eq!(bench.sent(), ["ACK"], "the BYE has a transaction of its own");
    bench.hear(&reply(&bye, 401, "b", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", ""));
    let again = bench.request(&Method::Bye);
    assert!(again.headers.get(&HeaderName::Authorization).is_some());
    assert_eq!(again.headers.cseq().unwrap().number, 3);
    assert_eq!(bench.facts(), ["answered with sdp"]);
}

#[test]
fn a_200_that_crosses_our_cancel_is_acknowledged_and_hung_up() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 180, "pt", "", ""));
    bench.ua.hang_up(usage, Some("SIP;cause=200".to_owned()), bench.now);
    let cancel = bench.request(&Method::Cancel);
    assert_eq!(cancel.headers.get(&HeaderName::Reason), Some("SIP;cause=200"));
    bench.hear(&reply(&invite, 200, "pt", UPDATING, ANSWER));
    assert_eq!(bench.sent(), ["ACK", "BYE"]);
    assert_eq!(bench.facts(), ["progress 180", "refused: cancelled"]);
    bench.pass_s(70);
    assert_eq!(bench.facts(), [""; 0]);
    bench.assert_empty();
}

#[test]
fn a_call_taken_back_before_anybody_rings_waits_with_its_cancel() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.sent(), [""; 0]);
    bench.hear(&reply(&invite, 100, "", "", ""));
    let cancel = bench.request(&Method::Cancel);
    bench.hear(&reply(&cancel, 200, "", "", ""));
    bench.hear(&reply(&invite, 487, "pt", "", ""));
    assert_eq!(bench.sent(), ["ACK"]);
    assert_eq!(bench.facts(), ["refused: cancelled"]);
}

#[test]
fn a_cancel_that_nobody_answers_ends_the_call_after_64_t1() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 180, "pt", "", ""));
    bench.ua.hang_up(usage, None, bench.now);
    bench.pass_s(31);
    assert_eq!(bench.facts(), ["progress 180"]);
    bench.pass_s(2);
    assert_eq!(bench.facts(), ["refused: cancelled"]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn an_invite_without_any_answer_times_out() {
    let mut bench = Bench::new();
    invited(&mut bench);
    bench.pass_s(33);
    assert_eq!(bench.facts(), ["refused: TimedOut"]);
    bench.pass_s(40);
    bench.assert_empty();
}

#[test]
fn an_unreachable_peer_is_told_at_once() {
    let mut bench = Bench::new();
    let (_, _) = invited(&mut bench);
    bench.ua.send_failed(super::bench::peer(), bench.now);
    assert_eq!(bench.facts(), ["refused: Transport"]);
}

#[test]
fn contacts_of_a_302_come_in_order_of_preference() {
    let mut bench = Bench::new();
    let (_, invite) = invited(&mut bench);
    let contacts =
        "Contact: <sip:c@192.0.2.3>;q=0.1, <sip:a@192.0.2.3>\r\nContact: <sip:b@192.0.2.3>;q=0.5\r\n";
    bench.hear(&reply(&invite, 302, "pt", contacts, ""));
    match bench.raw_facts().as_slice() {
        [Fact::Refused { why: InviteRefused::Answer { contacts, .. }, .. }] => {
            let texts: Vec<_> = contacts.iter().map(ToString::to_string).collect();
            assert_eq!(texts, ["sip:a@192.0.2.3", "sip:b@192.0.2.3", "sip:c@192.0.2.3"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_2xx_after_a_refusal_for_all_is_hung_up() {
    let mut bench = Bench::new();
    let (_, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 486, "a", "", ""));
    assert_eq!(bench.sent(), ["ACK"]);
    bench.hear(&reply(&invite, 200, "b", UPDATING, ANSWER));
    assert_eq!(bench.sent(), ["ACK", "BYE"]);
    assert_eq!(bench.facts(), ["refused 486"]);
}

#[test]
fn a_challenge_is_answered_once_and_the_ack_carries_the_answer_too() {
    let mut bench = Bench::new();
    let (_, first) = invited(&mut bench);
    let challenge = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n";
    bench.hear(&reply(&first, 407, "x", challenge, ""));
    let second = bench.request(&Method::Invite);
    assert_eq!(second.headers.cseq().unwrap().number, 2);
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(second.headers.from(), first.headers.from());
    assert!(second.headers.get(&HeaderName::ProxyAuthorization).unwrap().contains("nonce=\"n1\""));
    bench.hear(&reply(&second, 200, "pt", UPDATING, ANSWER));
    let ack = bench.request(&Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().number, 2);
    assert_eq!(
        ack.headers.get(&HeaderName::ProxyAuthorization),
        second.headers.get(&HeaderName::ProxyAuthorization)
    );
}

#[test]
fn a_second_challenge_is_a_refusal_unless_it_says_stale() {
    let mut bench = Bench::new();
    let (_, first) = invited(&mut bench);
    let challenge = |extra| format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"{extra}\r\n");
    bench.hear(&reply(&first, 401, "x", &challenge(""), ""));
    let second = bench.request(&Method::Invite);
    bench.hear(&reply(&second, 401, "x", &challenge(", stale=true"), ""));
    let third = bench.request(&Method::Invite);
    assert_eq!(third.headers.cseq().unwrap().number, 3);
    bench.hear(&reply(&third, 401, "x", &challenge(", stale=true"), ""));
    assert_eq!(bench.sent(), ["ACK"]);
    assert_eq!(bench.facts(), ["refused 401"]);
}

#[test]
fn a_422_is_tried_again_with_the_longer_session() {
    let mut bench = Bench::new();
    let (_, first) = invited(&mut bench);
    bench.hear(&reply(&first, 422, "x", "Min-SE: 3600\r\n", ""));
    let second = bench.request(&Method::Invite);
    assert_eq!(second.headers.get(&HeaderName::SessionExpires), Some("3600"));
    assert_eq!(second.headers.get(&HeaderName::MinSe), Some("3600"));
    assert_eq!(second.headers.cseq().unwrap().number, 2);
    bench.hear(&reply(&second, 422, "x", "Min-SE: 3600\r\n", ""));
    assert_eq!(bench.facts(), ["refused 422"]);
}

#[test]
fn reliable_responses_get_prack_in_order_and_a_gap_waits() {
    let mut bench = Bench::new();
    let (_, invite) = invited(&mut bench);
    let ringing = |rseq, sdp| {
        let extra = format!("{UPDATING}Require: 100rel\r\nRSeq: {rseq}\r\n");
        reply(&invite, 183, "pt", &extra, sdp)
    };
    bench.hear(&ringing(10, ANSWER));
    let prack = bench.request(&Method::Prack);
    assert_eq!(prack.headers.get(&HeaderName::RAck), Some("10 1 INVITE"));
    assert_eq!(prack.headers.cseq().unwrap().number, 2);
    bench.hear(&ringing(12, ""));
    assert_eq!(bench.sent(), [""; 0], "11 is missing");
    bench.hear(&ringing(11, ""));
    bench.hear(&ringing(12, ""));
    bench.hear(&ringing(10, ANSWER));
    assert_eq!(bench.sent(), ["PRACK", "PRACK"]);
    assert_eq!(bench.facts(), ["progress 183 with sdp", "progress 183", "progress 183"]);
    bench.hear(&reply(&invite, 200, "pt", UPDATING, ""));
    assert_eq!(bench.facts(), ["answered with sdp"], "the answer came reliably before");
    // The ACK keeps the INVITE's number however many PRACKs there were.
    assert_eq!(bench.request(&Method::Ack).headers.cseq().unwrap().number, 1);
}

#[test]
fn requests_in_an_early_dialog_are_answered() {
    let mut bench = Bench::new();
    let (_, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 180, "pt", UPDATING, ""));
    bench.hear(&back(&invite, "OPTIONS", 1, "", ""));
    assert_eq!(bench.sent(), ["200 OPTIONS"]);
    bench.hear(&back(&invite, "UPDATE", 2, UPDATING, ""));
    assert_eq!(bench.sent(), ["200 UPDATE"]);
    bench.hear(&back(&invite, "UPDATE", 3, UPDATING, OTHER));
    assert_eq!(bench.sent(), ["491 UPDATE"], "our own offer is open");
    bench.hear(&back(&invite, "INFO", 4, "", ""));
    assert_eq!(bench.sent(), ["200 INFO"]);
    bench.hear(&back(&invite, "INVITE", 5, "", OTHER));
    assert_eq!(bench.sent(), ["100 INVITE", "491 INVITE"]);
    assert_eq!(bench.facts(), ["progress 180", "info "]);
}

#[test]
fn an_early_session_changes_by_update_both_ways() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    let reliable = format!("{UPDATING}Require: 100rel\r\nRSeq: 1\r\n");
    bench.hear(&reply(&invite, 183, "pt", &reliable, ANSWER));
    assert_eq!(bench.sent(), ["PRACK"]);
    bench.hear(&back(&invite, "UPDATE", 1, UPDATING, OTHER));
    assert_eq!(bench.sent(), [""; 0]);
    assert_eq!(bench.facts(), ["progress 183 with sdp", "offered with sdp"]);
    bench.ua.answer_offer(usage, Bytes::from_static(OFFER), bench.now);
    assert_eq!(bench.response(200).body, OFFER);
    bench.ua.offer(usage, Bytes::from_static(OFFER), bench.now);
    let update = bench.request(&Method::Update);
    bench.hear(&reply(&update, 200, "pt", UPDATING, ANSWER));
    assert_eq!(bench.facts(), ["offer answered"]);
}

#[test]
fn an_offer_made_while_it_rings_waits_for_the_answer() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 180, "pt", UPDATING, ""));
    bench.ua.offer(usage, Bytes::from_static(b"v=0\r\nsecond"), bench.now);
    assert_eq!(bench.sent(), [""; 0]);
    bench.hear(&reply(&invite, 200, "pt", UPDATING, ANSWER));
    assert_eq!(bench.request(&Method::Invite).body, b"v=0\r\nsecond");
}

#[test]
fn an_ended_fork_is_no_ringing() {
    let mut bench = Bench::new();
    let (_, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 180, "a", UPDATING, ""));
    bench.hear(&reply(&invite, 199, "a", UPDATING, ""));
    assert_eq!(bench.facts(), ["progress 180"]);
    let options = back(&invite, "OPTIONS", 1, "", "").replace("tag=pt", "tag=a");
    bench.hear(&options);
    assert_eq!(bench.sent(), ["481 OPTIONS"]);
}

#[test]
fn a_peer_without_tags_can_be_called() {
    let mut bench = Bench::new();
    let (usage, invite) = invited(&mut bench);
    bench.hear(&reply(&invite, 200, "", UPDATING, ANSWER));
    let ack = bench.request(&Method::Ack);
    assert_eq!(ack.headers.to().unwrap().tag(), None);
    bench.hear(&back(&invite, "BYE", 1, "", "").replace(";tag=pt", ""));
    assert_eq!(bench.sent(), ["200 BYE"]);
    assert_eq!(bench.facts(), ["answered with sdp", "ended: PeerBye { reason: None }"]);
    assert_eq!(bench.ua.remote(usage), None);
}

#[test]
fn over_tcp_everything_stays_on_its_connection() {
    let mut bench = Bench::new();
    let flow = Some(crate::sip::hop::FlowId(3));
    let hop = Hop {
        transport: Transport::Tcp,
        listener: crate::sip::hop::ListenerId(1),
        remote: "198.51.100.7:40000".parse().unwrap(),
        flow,
    };
    let usage =
        bench.ua.invite(crate::sip::ua::Outgoing { hop, ..outgoing() }, Bytes::from_static(OFFER), bench.now);
    let invite = bench.request(&Method::Invite);
    let contact = "Contact: <sip:801@10.0.0.7:5060;transport=tcp>\r\n";
    bench.hear_from(hop, &reply(&invite, 200, "pt", contact, ANSWER));
    assert_eq!(bench.request_to(&Method::Ack).0, hop);
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.request_to(&Method::Bye).0, hop);
}
