//! Our requests.

use super::{Bench, lines, request, tcp, udp};
use crate::sip::{
    hop::FlowId,
    message::{HeaderName, Headers},
};

const TRUNK: &str = "203.0.113.9:5060";

fn outgoing(method: &str) -> String {
    format!(
        "{method} sip:13800000000@trunk.example SIP/2.0\nVia: SIP/2.0/UDP replaced.example\n\
         Route: <sip:p1.example;lr>\nRoute: <sip:p2.example;lr>\nFrom: <sip:us@example.org>;tag=f\n\
         To: <sip:13800000000@trunk.example>\nCall-ID: c1\nCSeq: 7 {method}\nSubject: x\n\n"
    )
}

/// The trunk's answer to the message that was sent last, or to one of its kind.
fn answer(to: &str, start: &str, tag: &str) -> String {
    let mut text = format!("SIP/2.0 {start}\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let line = lines(to, name)[0];
        let tag = if name == "To" { tag } else { "" };
        text += &format!("{line}{tag}\n");
    }
    text + "\n"
}

fn branch(text: &str) -> &str {
    let via = lines(text, "Via")[0];
    via.split(';').find_map(|p| p.strip_prefix("branch=")).unwrap()
}

#[test]
fn a_request_gets_our_via_and_max_forwards_and_is_sent_until_answered() {
    let mut bench = Bench::new();
    let (_, got) = bench.request(&outgoing("OPTIONS"), udp(TRUNK));
    assert_eq!(got, "0 → udp 203.0.113.9:5060 OPTIONS sip:13800000000@trunk.example SIP/2.0\n");
    let first = bench.last().to_owned();
    assert_eq!(
        lines(&first, "Via"),
        [format!("Via: SIP/2.0/UDP 192.0.2.1:5060;branch={};rport", branch(&first))]
    );
    assert!(branch(&first).starts_with("z9hG4bK") && branch(&first).len() == 23);
    assert_eq!(lines(&first, "Max-Forwards"), ["Max-Forwards: 70"]);
    assert_eq!(bench.run_to(500), got.replace("0 →", "500 →"));
    assert_eq!(bench.last(), first);
    assert_eq!(bench.receive(udp(TRUNK), &answer(&first, "200 OK", ";tag=t")), "500 response 200\n");
    assert_eq!(bench.receive(udp(TRUNK), &answer(&first, "200 OK", ";tag=t")), "", "told once");
    assert_eq!(bench.run_to(60_000), "");
    assert!(bench.is_empty());
}

#[test]
fn a_request_without_an_answer_times_out() {
    for method in ["INVITE", "OPTIONS"] {
        for hop in [udp(TRUNK), tcp(TRUNK, None)] {
            let mut bench = Bench::new();
            bench.request(&outgoing(method), hop);
            let ladder = bench.run_to(60_000);
            assert!(ladder.ends_with("32000 no answer: TimedOut\n"), "{ladder}");
            let copies = ladder.lines().count() - 1;
            let expected = match (hop.transport.is_reliable(), method) {
                (true, _) => 0,
                (false, "INVITE") => 6,
                (false, _) => 10,
            };
            assert_eq!(copies, expected, "{ladder}");
            assert!(bench.is_empty());
        }
    }
}

#[test]
fn a_refusal_is_acknowledged_on_the_invites_branch_each_time_it_comes() {
    let mut bench = Bench::new();
    bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "100 Trying", "")), "", "a 100 is nobody's news");
    assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "180 Ringing", ";tag=t")), "0 response 180\n");
    let busy = answer(&invite, "486 Busy Here", ";tag=t").replace("\nFrom", ";received=192.0.2.1\nFrom");
    let acknowledged = "0 → udp 203.0.113.9:5060 ACK sip:13800000000@trunk.example SIP/2.0\n";
    assert_eq!(bench.receive(udp(TRUNK), &busy), format!("{acknowledged}0 response 486\n"));
    let expected = format!(
        "ACK sip:13800000000@trunk.example SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch={};rport\r\n\
         Route: <sip:p1.example;lr>\r\nRoute: <sip:p2.example;lr>\r\nMax-Forwards: 70\r\n\
         From: <sip:us@example.org>;tag=f\r\nTo: <sip:13800000000@trunk.example>;tag=t\r\nCall-ID: c1\r\n\
         CSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n",
        branch(&invite)
    );
    assert_eq!(bench.last(), expected);
    assert_eq!(bench.receive(udp(TRUNK), &busy), acknowledged);
    assert_eq!(bench.last(), expected);
    assert_eq!(bench.run_to(60_000), "");
    assert!(bench.is_empty());
}

#[test]
fn every_2xx_of_every_fork_comes_up_until_timer_m_and_is_a_stray_after_it() {
    let mut bench = Bench::new();
    bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    for tag in [";tag=a", ";tag=b", ";tag=a"] {
        assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "200 OK", tag)), "0 response 200\n");
    }
    assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "183 Late", ";tag=c")), "");
    assert_eq!(bench.run_to(32_000), "");
    assert!(bench.is_empty());
    assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "200 OK", ";tag=a")), "32000 stray 200\n");
}

#[test]
fn a_fork_that_accepts_after_the_refusal_is_a_stray() {
    let mut bench = Bench::new();
    bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    bench.receive(udp(TRUNK), &answer(&invite, "603 Decline", ";tag=a"));
    assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "200 OK", ";tag=b")), "0 stray 200\n");
}

#[test]
fn a_cancel_waits_for_the_first_provisional_and_has_the_invites_branch() {
    let mut bench = Bench::new();
    let (client, _) = bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    let mut reason = Headers::new();
    reason.push(HeaderName::Reason, "SIP;cause=200");
    bench.layer.cancel(client, reason, bench.now);
    assert_eq!(bench.happened(), "");
    bench.run_to(600);
    let cancelled = "600 → udp 203.0.113.9:5060 CANCEL sip:13800000000@trunk.example SIP/2.0\n";
    assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "100 Trying", "")), cancelled);
    let cancel = bench.last().to_owned();
    let expected = format!(
        "CANCEL sip:13800000000@trunk.example SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch={};rport\r\n\
         Route: <sip:p1.example;lr>\r\nRoute: <sip:p2.example;lr>\r\nMax-Forwards: 70\r\n\
         From: <sip:us@example.org>;tag=f\r\nTo: <sip:13800000000@trunk.example>\r\nCall-ID: c1\r\n\
         CSeq: 7 CANCEL\r\nReason: SIP;cause=200\r\nContent-Length: 0\r\n\r\n",
        branch(&invite)
    );
    assert_eq!(cancel, expected);
    assert_eq!(bench.run_to(1100), cancelled.replace("600", "1100"), "a transaction of its own");
    assert_eq!(bench.receive(udp(TRUNK), &answer(&cancel, "200 OK", ";tag=t")), "", "nobody's news");
    bench.layer.cancel(client, Headers::new(), bench.now);
    assert_eq!(bench.happened(), "", "and there is only one");
    let got = bench.receive(udp(TRUNK), &answer(&invite, "487 Request Terminated", ";tag=t"));
    assert!(got.ends_with("response 487\n"), "{got}");
    assert_eq!(bench.run_to(60_000), "");
    assert!(bench.is_empty());
}

#[test]
fn a_200_that_crosses_the_cancel_comes_up() {
    let mut bench = Bench::new();
    let (client, _) = bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    bench.receive(udp(TRUNK), &answer(&invite, "180 Ringing", ";tag=t"));
    bench.layer.cancel(client, Headers::new(), bench.now);
    assert!(bench.happened().contains("CANCEL"));
    assert_eq!(bench.receive(udp(TRUNK), &answer(&invite, "200 OK", ";tag=t")), "0 response 200\n");
}

#[test]
fn an_invite_that_never_ends_after_its_cancel_is_given_up() {
    let mut bench = Bench::new();
    let (client, _) = bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    bench.receive(udp(TRUNK), &answer(&invite, "180 Ringing", ";tag=t"));
    bench.run_to(10_000);
    bench.layer.cancel(client, Headers::new(), bench.now);
    bench.happened();
    let cancel = bench.last().to_owned();
    bench.receive(udp(TRUNK), &answer(&cancel, "481 No Such", ";tag=t"));
    assert_eq!(bench.run_to(60_000), "42000 no answer: TimedOut\n");
    assert!(bench.is_empty());
}

#[test]
fn a_cancel_after_the_end_does_nothing() {
    let mut bench = Bench::new();
    let (client, _) = bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    bench.receive(udp(TRUNK), &answer(&invite, "486 Busy", ";tag=t"));
    bench.layer.cancel(client, Headers::new(), bench.now);
    bench.run_to(33_000);
    bench.layer.cancel(client, Headers::new(), bench.now);
    assert_eq!(bench.happened(), "");
}

#[test]
fn a_response_is_ours_only_with_our_sent_by_our_branch_and_its_method() {
    let mut bench = Bench::new();
    bench.request(&outgoing("OPTIONS"), udp(TRUNK));
    let ok = answer(bench.last(), "200 OK", ";tag=t");
    assert_eq!(bench.receive(udp(TRUNK), &ok.replace("192.0.2.1:5060", "192.0.2.2:5060")), "");
    assert_eq!(bench.receive(udp(TRUNK), &ok.replace("192.0.2.1:5060", "192.0.2.1:5061")), "");
    assert_eq!(bench.receive(udp(TRUNK), &ok.replace("z9hG4bK", "z9hG4bKx")), "0 stray 200\n");
    assert_eq!(bench.receive(udp(TRUNK), &ok.replace("7 OPTIONS", "7 INVITE")), "0 stray 200\n");
    assert_eq!(bench.receive(udp(TRUNK), &ok), "0 response 200\n");
}

fn long(method: &str) -> String {
    outgoing(method).replace("Subject: x", &format!("Subject: {}", "x".repeat(1300)))
}

#[test]
fn a_request_too_long_for_a_datagram_goes_over_tcp_and_comes_back_when_that_fails() {
    for method in ["INVITE", "OPTIONS"] {
        let mut bench = Bench::new();
        let (_, got) = bench.request(&long(method), udp(TRUNK));
        assert!(got.starts_with("0 → tcp 203.0.113.9:5060 "), "{got}");
        let by_tcp = bench.last().to_owned();
        assert!(lines(&by_tcp, "Via")[0].starts_with("Via: SIP/2.0/TCP 192.0.2.1:5060;"));
        bench.run_to(3000);
        bench.layer.send_failed(tcp(TRUNK, None), bench.now);
        let got = bench.happened();
        assert!(got.starts_with("3000 → udp 203.0.113.9:5060 "), "{got}");
        assert_eq!(bench.last(), by_tcp.replace("SIP/2.0/TCP", "SIP/2.0/UDP"));
        assert!(bench.run_to(3500).starts_with("3500 → udp "), "UDP retransmits");
        bench.layer.send_failed(udp(TRUNK), bench.now);
        assert_eq!(bench.happened(), "3500 no answer: Transport\n", "there is no third way");
        assert!(bench.is_empty());
    }
}

#[test]
fn the_ack_and_the_cancel_go_the_way_that_the_invite_went() {
    let mut bench = Bench::new();
    let (client, _) = bench.request(&long("INVITE"), udp(TRUNK));
    bench.layer.send_failed(tcp(TRUNK, None), bench.now);
    bench.happened();
    let invite = bench.last().to_owned();
    bench.receive(udp(TRUNK), &answer(&invite, "180 Ringing", ";tag=t"));
    bench.layer.cancel(client, Headers::new(), bench.now);
    assert!(bench.happened().starts_with("0 → udp 203.0.113.9:5060 CANCEL"));
    assert_eq!(lines(bench.last(), "Via"), lines(&invite, "Via"));
    bench.receive(udp(TRUNK), &answer(&invite, "487 Terminated", ";tag=t"));
    assert!(bench.last().starts_with("ACK"));
    assert_eq!(lines(bench.last(), "Via"), lines(&invite, "Via"));
}

#[test]
fn once_answered_over_tcp_it_never_goes_back_to_udp() {
    let mut bench = Bench::new();
    bench.request(&long("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    bench.receive(tcp(TRUNK, Some(4)), &answer(&invite, "180 Ringing", ";tag=t"));
    bench.layer.send_failed(tcp(TRUNK, None), bench.now);
    assert_eq!(bench.happened(), "0 no answer: Transport\n");
}

#[test]
fn a_long_request_stays_with_udp_where_tcp_is_not_to_be_had() {
    let mut bench = Bench::with(|settings| settings.tcp_fallback = false);
    assert!(bench.request(&long("INVITE"), udp(TRUNK)).1.starts_with("0 → udp "));
    let mut bench = Bench::with(|settings| settings.listeners.truncate(1));
    assert!(bench.request(&long("INVITE"), udp(TRUNK)).1.starts_with("0 → udp "));
    let mut bench = Bench::new();
    assert!(bench.request(&long("INVITE"), udp("[2001:db8::1]:5060")).1.starts_with("0 → udp "));
}

#[test]
fn a_failed_transport_ends_what_waits_on_it_and_nothing_else() {
    let mut bench = Bench::new();
    for hop in [udp(TRUNK), tcp(TRUNK, None), udp("203.0.113.10:5060"), udp("203.0.113.9:5061")] {
        bench.request(&outgoing("OPTIONS"), hop);
    }
    bench.layer.send_failed(udp(TRUNK), bench.now);
    assert_eq!(bench.happened(), "0 no answer: Transport\n");
    let ladder = bench.run_to(32_000);
    assert_eq!(ladder.matches("no answer: TimedOut").count(), 3, "{ladder}");
}

#[test]
fn a_closed_flow_ends_what_was_sent_on_it() {
    let mut bench = Bench::new();
    for flow in [Some(1), Some(2), None] {
        bench.request(&outgoing("OPTIONS"), tcp(TRUNK, flow));
    }
    bench.layer.flow_closed(FlowId(1), bench.now);
    assert_eq!(bench.happened(), "0 no answer: Transport\n");
    bench.layer.send_failed(tcp(TRUNK, Some(2)), bench.now);
    assert_eq!(bench.happened(), "0 no answer: Transport\n0 no answer: Transport\n");
    assert!(bench.is_empty());
}

#[test]
fn an_ack_for_a_2xx_has_a_branch_of_its_own_and_no_transaction() {
    let mut bench = Bench::new();
    bench.request(&outgoing("INVITE"), udp(TRUNK));
    let invite = bench.last().to_owned();
    bench.receive(udp(TRUNK), &answer(&invite, "200 OK", ";tag=t"));
    bench.layer.ack(request(&outgoing("ACK")), udp(TRUNK));
    assert_eq!(bench.happened(), "0 → udp 203.0.113.9:5060 ACK sip:13800000000@trunk.example SIP/2.0\n");
    assert_ne!(branch(bench.last()), branch(&invite));
    assert_eq!(bench.run_to(60_000), "");
    assert!(bench.is_empty());
}

#[test]
fn a_listener_that_does_not_exist_can_not_send() {
    let mut bench = Bench::with(|settings| settings.listeners.clear());
    assert_eq!(bench.request(&outgoing("OPTIONS"), udp(TRUNK)).1, "0 no answer: Transport\n");
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let run = || {
        let mut bench = Bench::new();
        bench.request(&outgoing("INVITE"), udp(TRUNK));
        let token = bench.layer.token();
        bench.run_to(40_000);
        (bench.sent.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), token)
    };
    assert_eq!(run(), run());
}
