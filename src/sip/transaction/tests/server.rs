//! Peers' requests.

use super::{Bench, lines, start_line, tcp, udp};
use crate::sip::{
    hop::FlowId,
    message::{HeaderName, Headers, Status},
};

const PHONE: &str = "198.51.100.7:40000";

/// A request of the phone's. `via` is what follows `SIP/2.0/`.
fn message(method: &str, via: &str, to_tag: &str, cseq: u32) -> String {
    let of = if method == "ACK2" { "ACK" } else { method };
    format!(
        "{of} sip:hotline@192.0.2.1 SIP/2.0\nVia: SIP/2.0/{via}\nMax-Forwards: 70\n\
         From: <sip:801@example.org>;tag=theirs\nTo: <sip:hotline@192.0.2.1>{to_tag}\nCall-ID: c1\n\
         CSeq: {cseq} {of}\nContent-Length: 0\n\n"
    )
}

const VIA: &str = "UDP 198.51.100.7:5060;branch=z9hG4bKone;rport";

fn invite() -> String {
    message("INVITE", VIA, "", 1)
}

fn ack(to_tag: &str) -> String {
    message("ACK", VIA, to_tag, 1)
}

#[test]
fn an_invite_is_told_once_and_its_copies_get_the_last_answer() {
    let mut bench = Bench::new();
    let got = bench.receive(udp(PHONE), &invite());
    assert_eq!(
        got,
        "0 → udp 198.51.100.7:40000 SIP/2.0 100 Trying\n0 request INVITE from udp 198.51.100.7:40000\n"
    );
    assert!(!bench.last().contains("tag=ours"), "a 100 has no tag of ours");
    bench.run_to(500);
    assert_eq!(bench.receive(udp(PHONE), &invite()), "500 → udp 198.51.100.7:40000 SIP/2.0 100 Trying\n");
    bench.respond(bench.servers[0], 180);
    let ringing = bench.last().to_owned();
    bench.run_to(1500);
    assert_eq!(bench.receive(udp(PHONE), &invite()), "1500 → udp 198.51.100.7:40000 SIP/2.0 180 Ringing\n");
    assert_eq!(bench.last(), ringing);
}

#[test]
fn a_487_is_sent_again_until_its_ack_over_udp() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    bench.respond(bench.servers[0], 487);
    assert_eq!(
        bench.run_to(2000),
        "500 → udp 198.51.100.7:40000 SIP/2.0 487 Request Terminated\n\
         1500 → udp 198.51.100.7:40000 SIP/2.0 487 Request Terminated\n"
    );
    assert_eq!(bench.receive(udp(PHONE), &ack(";tag=ours")), "");
    assert_eq!(bench.receive(udp(PHONE), &ack(";tag=ours")), "", "and a second ACK is nobody's news");
    assert_eq!(bench.run_to(60_000), "7000 request 0 ended\n");
    assert!(bench.is_empty());
}

#[test]
fn a_refusal_without_ack_is_reported() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    bench.respond(bench.servers[0], 486);
    let ladder = bench.run_to(60_000);
    assert_eq!(ladder.lines().count(), 11, "{ladder}");
    assert!(ladder.ends_with("32000 request 0 ended without ACK\n"), "{ladder}");
    assert!(bench.is_empty());
}

#[test]
fn over_tcp_a_refusal_goes_out_once_on_the_same_flow() {
    let mut bench = Bench::new();
    let phone = tcp(PHONE, Some(3));
    bench.receive(phone, &message("INVITE", "TCP 198.51.100.7;branch=z9hG4bKone", "", 1));
    assert_eq!(
        bench.respond(bench.servers[0], 487),
        "0 → tcp 198.51.100.7:40000#3 SIP/2.0 487 Request Terminated\n"
    );
    assert_eq!(bench.run_to(1000), "");
    let ack = message("ACK", "TCP 198.51.100.7;branch=z9hG4bKone", ";tag=ours", 1);
    assert_eq!(bench.receive(phone, &ack), "1000 request 0 ended\n");
    assert!(bench.is_empty());
}

#[test]
fn after_a_2xx_the_invite_is_swallowed_and_the_user_repeats_the_2xx() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    bench.respond(bench.servers[0], 200);
    let accepted = bench.last().to_owned();
    bench.run_to(400);
    assert_eq!(bench.receive(udp(PHONE), &invite()), "");
    bench.layer.retransmit_2xx(bench.servers[0], bench.now);
    assert_eq!(bench.happened(), "400 → udp 198.51.100.7:40000 SIP/2.0 200 OK\n");
    assert_eq!(bench.last(), accepted);
    // The ACK for a 2xx is a transaction of its own; some peers keep the INVITE's branch all the same.
    let own = message("ACK", "UDP 198.51.100.7:5060;branch=z9hG4bKtwo", ";tag=ours", 1);
    assert_eq!(bench.receive(udp(PHONE), &own), "400 ACK c1\n");
    assert_eq!(bench.receive(udp(PHONE), &ack(";tag=ours")), "400 ACK c1\n");
    assert_eq!(bench.run_to(60_000), "32000 request 0 ended\n");
    bench.layer.retransmit_2xx(bench.servers[0], bench.now);
    assert_eq!(bench.happened(), "");
    assert!(bench.is_empty());
}

#[test]
fn only_the_first_final_answer_counts() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    bench.respond(bench.servers[0], 200);
    assert_eq!(bench.respond(bench.servers[0], 486), "");
    assert_eq!(bench.respond(bench.servers[0], 180), "");
    bench.receive(udp(PHONE), &message("OPTIONS", "UDP 198.51.100.7:5060;branch=z9hG4bKopt", "", 5));
    bench.respond(bench.servers[1], 200);
    assert_eq!(bench.respond(bench.servers[1], 500), "");
}

#[test]
fn another_request_repeated_gets_the_same_answer_again() {
    let mut bench = Bench::new();
    let options = message("OPTIONS", VIA, "", 1);
    assert_eq!(bench.receive(udp(PHONE), &options), "0 request OPTIONS from udp 198.51.100.7:40000\n");
    assert_eq!(bench.receive(udp(PHONE), &options), "", "not answered yet");
    bench.respond(bench.servers[0], 200);
    let first = bench.last().to_owned();
    bench.run_to(31_000);
    assert_eq!(bench.receive(udp(PHONE), &options), "31000 → udp 198.51.100.7:40000 SIP/2.0 200 OK\n");
    assert_eq!(bench.last(), first);
    bench.run_to(32_000);
    assert!(bench.is_empty());
}

#[test]
fn an_answer_repeats_what_the_request_said() {
    let mut bench = Bench::new();
    let text = invite().replace(
        "Max-Forwards: 70\n",
        "Via: SIP/2.0/UDP far.example;branch=z9hG4bKfar, SIP/2.0/TCP farther.example\n\
         Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\nTimestamp: 54\nSubject: no\n",
    );
    bench.receive(udp(PHONE), &text);
    assert_eq!(lines(bench.last(), "Timestamp"), ["Timestamp: 54"]);
    let mut headers = Headers::new();
    headers.push(HeaderName::Contact, "<sip:us@192.0.2.1>");
    let (server, now) = (bench.servers[0], bench.now);
    bench.layer.respond(server, Status::RINGING, Some("Klingelt"), "ours", headers, b"body".to_vec(), now);
    bench.happened();
    let expected = "SIP/2.0 180 Klingelt\r\n\
        Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKone;rport=40000;received=198.51.100.7\r\n\
        Via: SIP/2.0/UDP far.example;branch=z9hG4bKfar\r\n\
        Via: SIP/2.0/TCP farther.example\r\n\
        From: <sip:801@example.org>;tag=theirs\r\n\
        To: <sip:hotline@192.0.2.1>;tag=ours\r\n\
        Call-ID: c1\r\n\
        CSeq: 1 INVITE\r\n\
        Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n\
        Contact: <sip:us@192.0.2.1>\r\n\
        Content-Length: 4\r\n\r\nbody";
    assert_eq!(bench.last(), expected);
    bench.respond(server, 486);
    assert_eq!(lines(bench.last(), "Record-Route"), [""; 0], "a refusal makes no dialog");
    assert_eq!(lines(bench.last(), "To"), ["To: <sip:hotline@192.0.2.1>;tag=ours"]);
}

#[test]
fn the_to_tag_of_a_request_within_a_dialog_stays() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &message("BYE", VIA, ";tag=dialog", 2));
    bench.respond(bench.servers[0], 200);
    assert_eq!(lines(bench.last(), "To"), ["To: <sip:hotline@192.0.2.1>;tag=dialog"]);
}

#[test]
fn a_cancel_is_answered_by_itself_each_time_and_told_once() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    bench.respond(bench.servers[0], 180);
    let cancel = message("CANCEL", VIA, "", 1).replace("Max-Forwards", "Reason: SIP;cause=200\nMax-Forwards");
    assert_eq!(
        bench.receive(udp(PHONE), &cancel),
        "0 → udp 198.51.100.7:40000 SIP/2.0 200 OK\n0 request 0 cancelled: SIP;cause=200\n"
    );
    assert_eq!(lines(bench.last(), "CSeq"), ["CSeq: 1 CANCEL"]);
    assert_eq!(lines(bench.last(), "To"), ["To: <sip:hotline@192.0.2.1>;tag=ours"], "the tag of our 180");
    assert_eq!(bench.receive(udp(PHONE), &cancel), "0 → udp 198.51.100.7:40000 SIP/2.0 200 OK\n");
    assert_eq!(
        bench.respond(bench.servers[0], 487),
        "0 → udp 198.51.100.7:40000 SIP/2.0 487 Request Terminated\n"
    );
}

#[test]
fn a_cancel_that_crosses_our_final_answer_changes_nothing() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    bench.respond(bench.servers[0], 200);
    let cancel = message("CANCEL", VIA, "", 1);
    assert_eq!(bench.receive(udp(PHONE), &cancel), "0 → udp 198.51.100.7:40000 SIP/2.0 200 OK\n");
    assert_eq!(lines(bench.last(), "CSeq"), ["CSeq: 1 CANCEL"]);
}

#[test]
fn a_cancel_of_nothing_gets_481_each_time() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    for via in ["UDP 198.51.100.7:5060;branch=z9hG4bKother", "UDP 198.51.100.8:5060;branch=z9hG4bKone"] {
        let cancel = message("CANCEL", via, "", 1);
        for _copy in 0..2 {
            let got = bench.receive(udp("198.51.100.7:5060"), &cancel);
            assert!(got.contains("481 Call/Transaction Does Not Exist"), "{got}");
        }
    }
}

#[test]
fn rfc_2543_peers_are_matched_without_a_branch() {
    for via in
        ["UDP 198.51.100.7:5060", "UDP 198.51.100.7:5060;branch=z9hG4bK", "UDP 198.51.100.7:5060;branch=1"]
    {
        let mut bench = Bench::new();
        let phone = udp("198.51.100.7:5060");
        let invite = message("INVITE", via, "", 1);
        bench.receive(phone, &invite);
        assert_eq!(bench.receive(phone, &invite), "0 → udp 198.51.100.7:5060 SIP/2.0 100 Trying\n");
        // The next call by the same branch is another transaction.
        let got = bench.receive(phone, &invite.replace("c1", "c2"));
        assert!(got.ends_with("request INVITE from udp 198.51.100.7:5060\n"), "{via}: {got}");

        let got = bench.receive(phone, &message("CANCEL", via, "", 1));
        assert!(got.ends_with("request 0 cancelled: no reason\n"), "{via}: {got}");
        bench.respond(bench.servers[0], 487);
        // An ACK counts only with the To tag of our answer.
        assert_eq!(bench.receive(phone, &message("ACK", via, ";tag=wrong", 1)), "0 ACK c1\n");
        assert_eq!(bench.receive(phone, &message("ACK", via, ";tag=ours", 1)), "");
        let ladder = bench.run_to(20_000);
        assert_eq!(ladder, "5000 request 0 ended\n", "{via}");
    }
}

#[test]
fn an_rfc_2543_reinvite_that_is_refused_is_acknowledged() {
    let mut bench = Bench::new();
    let via = "UDP 198.51.100.7:5060";
    bench.receive(udp(PHONE), &message("INVITE", via, ";tag=dialog", 2));
    bench.respond(bench.servers[0], 488);
    assert_eq!(bench.receive(udp(PHONE), &message("ACK", via, ";tag=dialog", 2)), "");
    assert_eq!(bench.run_to(20_000), "5000 request 0 ended\n");
}

#[test]
fn one_branch_of_two_senders_is_two_transactions() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &message("OPTIONS", "UDP 198.51.100.7;branch=z9hG4bKx", "", 1));
    let other = message("OPTIONS", "UDP 198.51.100.8;branch=z9hG4bKx", "", 1).replace("c1", "c2");
    bench.receive(udp("198.51.100.8:5060"), &other);
    assert_eq!(bench.servers.len(), 2);
}

#[test]
fn the_same_request_by_another_way_is_answered_482() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &invite());
    let second = "UDP 198.51.100.7:5060;branch=z9hG4bKsecond;rport";
    let got = bench.receive(udp(PHONE), &message("INVITE", second, "", 1));
    assert_eq!(got, "0 → udp 198.51.100.7:40000 SIP/2.0 482 Loop Detected\n");
    assert_eq!(bench.receive(udp(PHONE), &message("ACK", second, "", 1)), "", "its ACK is for nobody above");
    assert_eq!(bench.run_to(20_000), "", "nor is its end");
    // A later request of the same call is none of that, nor is one within a dialog.
    for (to_tag, cseq) in [("", 2), (";tag=dialog", 1)] {
        let via = format!("UDP 198.51.100.7:5060;branch=z9hG4bKlater{cseq}{};rport", to_tag.len());
        let got = bench.receive(udp(PHONE), &message("INVITE", &via, to_tag, cseq));
        assert!(got.contains("request INVITE"), "{got}");
    }
}

#[test]
fn once_the_first_is_over_the_same_request_is_new() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &message("OPTIONS", VIA, "", 1));
    bench.respond(bench.servers[0], 200);
    bench.run_to(32_000);
    let got = bench.receive(udp(PHONE), &message("OPTIONS", "UDP 198.51.100.7;branch=z9hG4bKnew", "", 1));
    assert!(got.contains("request OPTIONS"), "{got}");
}

#[test]
fn answers_find_their_way_back() {
    let rows = [
        // (source, Via, where the answer goes, the Via in it)
        (
            "198.51.100.7:40000",
            "UDP 10.0.0.5:5070;rport;branch=z9hG4bKa",
            "udp 198.51.100.7:40000",
            "UDP 10.0.0.5:5070;rport=40000;branch=z9hG4bKa;received=198.51.100.7",
        ),
        (
            "198.51.100.7:40000",
            "UDP 10.0.0.5:5070;branch=z9hG4bKa",
            "udp 198.51.100.7:5070",
            "UDP 10.0.0.5:5070;branch=z9hG4bKa;received=198.51.100.7",
        ),
        (
            "198.51.100.7:40000",
            "UDP 198.51.100.7;branch=z9hG4bKa",
            "udp 198.51.100.7:5060",
            "UDP 198.51.100.7;branch=z9hG4bKa",
        ),
        (
            "198.51.100.7:40000",
            "UDP phone.example;branch=z9hG4bKa;maddr=224.0.1.75;ttl=1",
            "udp 198.51.100.7:5060",
            "UDP phone.example;branch=z9hG4bKa;maddr=224.0.1.75;ttl=1;received=198.51.100.7",
        ),
        (
            "[2001:db8::7]:40000",
            "UDP [2001:db8::7]:5062;branch=z9hG4bKa",
            "udp [2001:db8::7]:5062",
            "UDP [2001:db8::7]:5062;branch=z9hG4bKa",
        ),
        (
            "[2001:db8::7]:40000",
            "UDP [fd00::1]:5062;branch=z9hG4bKa;rport",
            "udp [2001:db8::7]:40000",
            "UDP [fd00::1]:5062;branch=z9hG4bKa;rport=40000;received=2001:db8::7",
        ),
    ];
    for (source, via, goes, stamped) in rows {
        let mut bench = Bench::new();
        bench.receive(udp(source), &message("OPTIONS", via, "", 1));
        let got = bench.respond(bench.servers[0], 200);
        assert_eq!(got, format!("0 → {goes} SIP/2.0 200 OK\n"), "{via}");
        assert_eq!(lines(bench.last(), "Via"), [format!("Via: SIP/2.0/{stamped}")]);
    }
}

#[test]
fn nothing_is_ever_sent_to_a_group_of_hosts() {
    for source in
        ["224.0.1.75:5060", "255.255.255.255:5060", "0.0.0.0:5060", "198.51.100.7:0", "[ff02::1]:5060"]
    {
        let mut bench = Bench::new();
        assert_eq!(bench.receive(udp(source), &invite()), "", "{source}");
    }
}

#[test]
fn when_the_stream_is_gone_the_answer_takes_a_new_one_to_sent_by() {
    let mut bench = Bench::new();
    bench.receive(tcp(PHONE, Some(3)), &message("INVITE", "TCP 198.51.100.7:5080;branch=z9hG4bKone", "", 1));
    bench.layer.flow_closed(FlowId(3), bench.now);
    assert_eq!(bench.happened(), "");
    assert_eq!(bench.respond(bench.servers[0], 200), "0 → tcp 198.51.100.7:5080 SIP/2.0 200 OK\n");
    bench.run_to(32_000);
    assert!(bench.is_empty());
}

#[test]
fn beyond_the_cap_new_requests_get_503_and_old_ones_go_on() {
    let mut bench = Bench::new();
    bench.layer.servers.set_most_live(1);
    bench.receive(udp(PHONE), &invite());
    let options = message("OPTIONS", "UDP 198.51.100.7;branch=z9hG4bKx;rport", "", 1).replace("c1", "c2");
    let got = bench.receive(udp(PHONE), &options);
    assert_eq!(got, "0 → udp 198.51.100.7:40000 SIP/2.0 503 Service Unavailable\n");
    assert_eq!(lines(bench.last(), "Retry-After"), ["Retry-After: 10"]);
    let first = bench.last().to_owned();
    bench.receive(udp(PHONE), &options);
    assert_eq!(bench.last(), first, "a stateless answer is the same each time");
    assert_eq!(bench.receive(udp(PHONE), &invite()), "0 → udp 198.51.100.7:40000 SIP/2.0 100 Trying\n");
    assert!(bench.respond(bench.servers[0], 180).contains("180 Ringing"));
}

#[test]
fn what_would_cost_too_much_memory_is_refused() {
    let mut bench = Bench::new();
    let long = format!("UDP 198.51.100.7;rport;branch=z9hG4bK{}", "x".repeat(250));
    let got = bench.receive(udp(PHONE), &message("OPTIONS", &long, "", 1));
    assert_eq!(got, "0 → udp 198.51.100.7:40000 SIP/2.0 400 Branch Too Long\n");
    let got = bench.receive(udp(PHONE), &invite().replace("c1", &"c".repeat(9000)));
    assert_eq!(got, "0 → udp 198.51.100.7:40000 SIP/2.0 513 Message Too Large\n");
    assert!(bench.is_empty());
}

#[test]
fn what_is_no_request_is_answered_at_its_source_or_not_at_all() {
    let mut bench = Bench::new();
    let broken = message("INVITE", "UDP 10.0.0.5:5070;branch=z9hG4bKa", "", 1).replace("CSeq: 1", "CSeq: x");
    let got = bench.receive(udp(PHONE), &broken);
    assert!(got.starts_with("0 → udp 198.51.100.7:40000 SIP/2.0 400 "), "{got}");
    let via = "Via: SIP/2.0/UDP 10.0.0.5:5070;branch=z9hG4bKa;received=198.51.100.7";
    assert_eq!(lines(bench.last(), "Via"), [via]);
    assert!(lines(bench.last(), "To")[0].contains(";tag="), "{}", bench.last());
    let broken = message("ACK", VIA, "", 1).replace("CSeq: 1", "CSeq: x");
    assert_eq!(bench.receive(udp(PHONE), &broken), "");
    assert_eq!(bench.receive(udp(PHONE), "\n\n"), "");
    assert_eq!(start_line(bench.last()).get(..11), Some("SIP/2.0 400"));
    assert!(bench.is_empty());
}

#[test]
fn a_request_that_nobody_answers_is_forgotten() {
    let mut bench = Bench::new();
    bench.receive(udp(PHONE), &message("OPTIONS", VIA, "", 1));
    assert_eq!(bench.run_to(40_000), "");
    assert!(bench.is_empty());
    assert_eq!(bench.respond(bench.servers[0], 200), "");
}
