//! A peer's INVITE: answering, refusing, CANCEL, ACK, reliable provisional responses.

use std::time::Duration;

use bytes::Bytes;

use super::bench::{ANSWER, Bench, OFFER, OTHER, invite, invited, tag_of, within};
use crate::sip::{
    message::{HeaderName, Headers, Method, Status},
    ua::{Fact, UsageId},
};

const RELIABLE: &str = "Require: 100rel\r\n";

fn called(bench: &mut Bench, extra: &str, sdp: &str) -> UsageId {
    bench.hear(&invite(extra, sdp));
    assert_eq!(bench.sent(), ["100 INVITE"]);
    invited(&bench.raw_facts())
}

fn sdp() -> Bytes {
    Bytes::from_static(OFFER)
}

#[test]
fn a_peers_call_rings_is_answered_and_ended_by_its_bye() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "Record-Route: <sip:192.0.2.80;lr>\r\n", OTHER);
    bench.ua.provisional(usage, Status::RINGING, None, bench.now);
    let ringing = bench.response(180);
    assert!(ringing.body.is_empty());
    bench.ua.accept(usage, sdp(), bench.now);
    let ok = bench.response(200);
    let tag = tag_of(&ok);
    assert_eq!(tag, tag_of(&ringing), "one dialog, early and confirmed");
    assert_eq!(ok.body, OFFER);
    assert_eq!(ok.headers.get(&HeaderName::Contact), Some("<sip:hotline@192.0.2.1:5060;transport=udp>"));
    assert_eq!(ok.headers.get(&HeaderName::RecordRoute), Some("<sip:192.0.2.80;lr>"));
    bench.hear(&within("ACK", 1, &tag, "", ""));
    assert_eq!(bench.facts(), ["acked"]);
    bench.hear(&within("BYE", 2, &tag, "Reason: Q.850;cause=16\r\n", ""));
    assert_eq!(bench.sent(), ["200 BYE"]);
    assert_eq!(bench.facts(), ["ended: PeerBye { reason: Some(\"Q.850;cause=16\") }"]);
    bench.hear(&within("INFO", 3, &tag, "", ""));
    assert_eq!(bench.sent(), ["481 INFO"]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn a_200_is_repeated_until_its_ack() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.accept(usage, sdp(), bench.now);
    bench.take();
    bench.pass(Duration::from_millis(12_000));
    let times: Vec<u128> = bench.sent_at().into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 11_500], "T1 doubling up to T2");
}

#[test]
fn a_200_without_ack_for_64_t1_ends_in_a_bye() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.accept(usage, sdp(), bench.now);
    bench.pass(Duration::from_millis(31_900));
    assert_eq!(bench.facts(), [""; 0]);
    bench.pass(Duration::from_millis(200));
    assert_eq!(bench.facts(), ["ended: NoAck"]);
    assert_eq!(bench.sent().last().unwrap(), "BYE");
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn a_cancelled_invite_gets_its_487_and_the_switch_hears_it_once() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.provisional(usage, Status::RINGING, None, bench.now);
    bench.sent();
    bench.hear(&invite("", "").replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL"));
    assert_eq!(bench.sent(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(bench.facts(), ["cancelled"]);
    // An answer that comes too late harms nobody.
    bench.ua.accept(usage, sdp(), bench.now);
    assert_eq!(bench.sent(), [""; 0]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn a_cancel_that_crosses_our_200_changes_nothing() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.accept(usage, sdp(), bench.now);
    let tag = tag_of(&bench.response(200));
    bench.hear(&invite("", "").replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL"));
    assert_eq!(bench.sent(), ["200 CANCEL"]);
    bench.hear(&within("ACK", 1, &tag, "", ""));
    assert_eq!(bench.facts(), ["acked"]);
}

#[test]
fn a_refused_call_is_over_and_its_487_or_486_waits_for_the_ack() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.refuse(usage, Status::BUSY_HERE, Headers::new(), bench.now);
    assert_eq!(bench.ua.remote(usage), None);
    bench.pass(Duration::from_millis(1600));
    assert_eq!(bench.sent(), ["486 INVITE", "486 INVITE", "486 INVITE"]);
    bench.pass_s(40);
    assert_eq!(bench.facts(), [""; 0]);
    bench.assert_empty();
}

#[test]
fn hanging_up_on_a_ringing_caller_is_a_480() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.sent(), ["480 INVITE"]);
    assert_eq!(bench.facts(), ["ended: HungUp"]);
}

#[test]
fn a_bye_before_the_answer_ends_the_invite_too() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.provisional(usage, Status::RINGING, None, bench.now);
    let tag = tag_of(&bench.response(180));
    bench.hear(&within("BYE", 2, &tag, "", ""));
    assert_eq!(bench.sent(), ["200 BYE", "487 INVITE"]);
    assert_eq!(bench.facts(), ["cancelled"]);
}

#[test]
fn our_bye_waits_for_the_ack() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.accept(usage, sdp(), bench.now);
    let tag = tag_of(&bench.response(200));
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.sent(), [""; 0]);
    bench.hear(&within("ACK", 1, &tag, "", ""));
    assert_eq!(bench.sent(), ["BYE"]);
    bench.pass_s(33);
    assert_eq!(bench.facts(), ["acked", "ended: HungUp"], "given up, as nobody answered the BYE");
}

#[test]
fn a_late_offer_is_made_in_our_200_and_answered_in_the_ack() {
    let mut bench = Bench::new();
    bench.hear(&invite("", ""));
    let facts = bench.raw_facts();
    assert!(matches!(facts.as_slice(), [Fact::Invited { offer: None, .. }]));
    let usage = invited(&facts);
    bench.ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp()), bench.now);
    assert!(bench.response(183).body.is_empty(), "an unreliable response may not hold an offer");
    bench.ua.accept(usage, sdp(), bench.now);
    let ok = bench.response(200);
    assert_eq!(ok.body, OFFER);
    bench.hear(&within("ACK", 1, &tag_of(&ok), "", ANSWER));
    match bench.raw_facts().as_slice() {
        [Fact::Acked { answer: Some(answer), .. }] => assert_eq!(answer, ANSWER),
        other => panic!("{other:?}"),
    }
}

#[test]
fn early_media_goes_out_in_a_183() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, "", OTHER);
    bench.ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp()), bench.now);
    let progress = bench.response(183);
    assert_eq!(progress.body, OFFER);
    assert_eq!(progress.headers.get(&HeaderName::RSeq), None);
}

fn prack(cseq: u32, tag: &str, rseq: u32, sdp: &str) -> String {
    within("PRACK", cseq, tag, &format!("RAck: {rseq} 1 INVITE\r\n"), sdp)
}

#[test]
fn a_required_reliable_response_is_repeated_until_its_prack() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, RELIABLE, OTHER);
    bench.ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp()), bench.now);
    bench.ua.provisional(usage, Status::RINGING, None, bench.now);
    bench.take();
    bench.pass(Duration::from_millis(3600));
    let sent = bench.sent_at();
    let times: Vec<u128> = sent.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 500, 1500, 3500]);
    assert!(sent.iter().all(|(_, line)| line == "183 INVITE"), "180 waits its turn");
    bench.pass_s(4);
    let progress = bench.response(183);
    let (tag, rseq) = (tag_of(&progress), progress.headers.rseq().unwrap());
    assert_eq!(progress.headers.get(&HeaderName::Require), Some("100rel"));

    bench.hear(&prack(2, &tag, rseq + 1, ""));
    assert_eq!(bench.sent(), ["481 PRACK"]);
    // The 200 waits for the PRACK of the answer.
    bench.ua.accept(usage, sdp(), bench.now);
    assert_eq!(bench.sent(), [""; 0]);
    bench.hear(&prack(3, &tag, rseq, ""));
    bench.take();
    assert_eq!(bench.sent(), ["200 PRACK", "200 INVITE"]);
    bench.hear(&prack(4, &tag, rseq, ""));
    assert_eq!(bench.sent(), ["481 PRACK"], "acknowledged already");
}

#[test]
fn an_answer_given_reliably_is_not_given_again() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, RELIABLE, OTHER);
    bench.ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp()), bench.now);
    let progress = bench.response(183);
    let (tag, rseq) = (tag_of(&progress), progress.headers.rseq().unwrap());
    bench.hear(&prack(2, &tag, rseq, ""));
    bench.ua.provisional(usage, Status::RINGING, None, bench.now);
    let ringing = bench.response(180);
    assert_eq!(ringing.headers.rseq(), Some(rseq + 1));
    bench.ua.accept(usage, sdp(), bench.now);
    assert!(bench.response(200).body.is_empty());
}

#[test]
fn an_offer_in_a_prack_is_answered_in_its_200() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, RELIABLE, OTHER);
    bench.ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp()), bench.now);
    let progress = bench.response(183);
    let (tag, rseq) = (tag_of(&progress), progress.headers.rseq().unwrap());
    bench.hear(&prack(2, &tag, rseq, ANSWER));
    assert_eq!(bench.facts(), ["offered with sdp"]);
    bench.hear(&within("UPDATE", 3, &tag, "", OTHER));
    let later = bench.response(500);
    assert!(later.headers.retry_after().is_some_and(|seconds| seconds < 10));
    bench.ua.answer_offer(usage, Bytes::from_static(b"v=0\r\nthird"), bench.now);
    assert_eq!(bench.response(200).body, b"v=0\r\nthird");
}

#[test]
fn a_late_offer_goes_reliably_and_is_answered_in_the_prack() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, RELIABLE, "");
    bench.ua.provisional(usage, Status::SESSION_PROGRESS, Some(sdp()), bench.now);
    let progress = bench.response(183);
    assert_eq!(progress.body, OFFER);
    let (tag, rseq) = (tag_of(&progress), progress.headers.rseq().unwrap());
    bench.hear(&prack(2, &tag, rseq, ANSWER));
    assert_eq!(bench.facts(), ["offer answered"]);
    bench.ua.accept(usage, sdp(), bench.now);
    assert!(bench.response(200).body.is_empty());
    bench.hear(&within("ACK", 1, &tag, "", ""));
    assert_eq!(bench.facts(), ["acked with sdp"], "the answer is told again for whoever waits for it");
}

#[test]
fn a_reliable_response_without_prack_for_64_t1_fails_the_invite() {
    let mut bench = Bench::new();
    let usage = called(&mut bench, RELIABLE, OTHER);
    bench.ua.provisional(usage, Status::RINGING, None, bench.now);
    bench.pass_s(33);
    assert_eq!(bench.facts(), ["cancelled"]);
    bench.response(504);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn too_brief_a_session_is_refused_with_our_minimum() {
    let mut bench = Bench::new();
    bench.hear(&invite("Supported: timer\r\nSession-Expires: 60\r\n", OTHER));
    assert_eq!(bench.response(422).headers.get(&HeaderName::MinSe), Some("90"));
    assert_eq!(bench.facts(), [""; 0]);
}

#[test]
fn a_peer_of_rfc_2543_without_tag_can_call() {
    let mut bench = Bench::new();
    bench.hear(&invite("", OTHER).replace(";tag=pt", ""));
    let usage = invited(&bench.raw_facts());
    bench.ua.accept(usage, sdp(), bench.now);
    let tag = tag_of(&bench.response(200));
    bench.hear(&within("ACK", 1, &tag, "", "").replace(";tag=pt", ""));
    assert_eq!(bench.facts(), ["acked"]);
    bench.ua.hang_up(usage, None, bench.now);
    assert_eq!(bench.request(&Method::Bye).headers.to().unwrap().tag(), None);
}
