//! Whatever comes in whatever order: everything ends, is told to end once, and leaves nothing behind.

use proptest::prelude::*;

use super::{Bench, tcp, udp};
use crate::sip::{
    hop::{FlowId, Hop},
    message::{Headers, Method},
};

/// One thing that a peer, the network or our user does. Numbers pick one of few branches, or one of
/// the transactions there have been.
#[derive(Debug, Clone)]
enum Step {
    Peer { method: &'static str, branch: u8, stream: bool, to_tag: bool },
    Answer { server: usize, code: u16 },
    AcceptAgain { server: usize },
    Ask { method: &'static str, stream: bool, long: bool },
    Cancel { client: usize },
    PeerAnswers { sent: usize, code: u16 },
    Wait { ms: u64 },
    SendFailed { stream: bool },
    FlowClosed,
}

fn step() -> impl Strategy<Value = Step> {
    let codes = prop::sample::select(vec![100_u16, 180, 200, 302, 401, 487, 603]);
    let peers = prop::sample::select(vec!["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"]);
    let ours = prop::sample::select(vec!["INVITE", "BYE", "REGISTER"]);
    prop_oneof![
        5 => (peers, 0..4_u8, any::<bool>(), any::<bool>())
            .prop_map(|(method, branch, stream, to_tag)| Step::Peer { method, branch, stream, to_tag }),
        4 => (0..20_usize, codes.clone()).prop_map(|(server, code)| Step::Answer { server, code }),
        1 => (0..20_usize).prop_map(|server| Step::AcceptAgain { server }),
        2 => (ours, any::<bool>(), any::<bool>())
            .prop_map(|(method, stream, long)| Step::Ask { method, stream, long }),
        1 => (0..20_usize).prop_map(|client| Step::Cancel { client }),
        5 => (0..60_usize, codes).prop_map(|(sent, code)| Step::PeerAnswers { sent, code }),
        2 => (0..12_000_u64).prop_map(|ms| Step::Wait { ms }),
        1 => any::<bool>().prop_map(|stream| Step::SendFailed { stream }),
        1 => Just(Step::FlowClosed),
    ]
}

fn peer(stream: bool) -> Hop {
    if stream { tcp("198.51.100.7:5060", Some(1)) } else { udp("198.51.100.7:5060") }
}

/// An answer to a message of ours; to one that was no request it is a stray, which does no harm.
fn answer_to(sent: &str, code: u16) -> String {
    let mut text = format!("SIP/2.0 {code} X\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        for line in super::lines(sent, name) {
            text += line;
            text += "\n";
        }
    }
    text + "\n"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_order_everything_ends_once_and_nothing_is_left(steps in prop::collection::vec(step(), 1..60)) {
        let mut bench = Bench::new();
        let (mut clients, mut ms) = (Vec::new(), 0);
        for (nth, step) in steps.into_iter().enumerate() {
            match step {
                Step::Peer { method, branch, stream, to_tag } => {
                    let (via, tag) = (if stream { "TCP" } else { "UDP" }, if to_tag { ";tag=ours" } else { "" });
                    // Branch 0 is an RFC 2543 one; 1 and 2 are one request by two ways.
                    let branch_text = if branch == 0 { String::new() } else { format!(";branch=z9hG4bK{branch}") };
                    bench.receive(peer(stream), &format!(
                        "{method} sip:us@192.0.2.1 SIP/2.0\nVia: SIP/2.0/{via} 198.51.100.7{branch_text}\n\
                         From: <sip:a@b>;tag=f\nTo: <sip:us@192.0.2.1>{tag}\nCall-ID: c{}\nCSeq: 1 {method}\n\n",
                        branch / 2
                    ));
                }
                Step::Answer { server, code } => {
                    if let Some(server) = bench.servers.get(server).copied() {
                        bench.respond(server, code);
                    }
                }
                Step::AcceptAgain { server } => {
                    if let Some(server) = bench.servers.get(server) {
                        bench.layer.retransmit_2xx(*server, bench.now);
                    }
                }
                Step::Ask { method, stream, long } => {
                    let subject = "x".repeat(if long { 1300 } else { 1 });
                    let text = format!(
                        "{method} sip:a@b SIP/2.0\nVia: SIP/2.0/UDP x\nFrom: <sip:us@b>;tag=f\nTo: <sip:a@b>\n\
                         Call-ID: o{nth}\nCSeq: 1 {method}\nSubject: {subject}\n\n"
                    );
                    clients.push(bench.request(&text, peer(stream)).0);
                }
                Step::Cancel { client } => {
                    if let Some(client) = clients.get(client) {
                        bench.layer.cancel(*client, Headers::new(), bench.now);
                    }
                }
                Step::PeerAnswers { sent, code } => {
                    if let Some((hop, text)) = bench.sent.get(sent).cloned() {
                        bench.receive(hop, &answer_to(&text, code));
                    }
                }
                Step::Wait { ms: more } => {
                    ms += more;
                    bench.run_to(ms);
                }
                Step::SendFailed { stream } => bench.layer.send_failed(peer(stream), bench.now),
                Step::FlowClosed => bench.layer.flow_closed(FlowId(1), bench.now),
            }
            bench.happened();
        }
        // The user's duty: it answers every INVITE, and cancels those of its own that ring for ever.
        for server in bench.servers.clone() {
            bench.respond(server, 500);
        }
        for client in &clients {
            bench.layer.cancel(*client, Headers::new(), bench.now);
        }
        bench.run_to(ms + 200_000);

        prop_assert!(bench.is_empty());
        for (nth, server) in bench.servers.iter().enumerate() {
            let ends = bench.ended.iter().filter(|ended| *ended == server).count();
            let told = bench.told[nth].clone();
            prop_assert_eq!(ends, usize::from(told == Method::Invite), "{} {}", nth, told);
        }
        for client in &clients {
            let answers = bench.answered.iter().filter(|c| *c == client).count();
            let failures = bench.unanswered.iter().filter(|c| *c == client).count();
            prop_assert!((answers > 0) != (failures > 0) && failures < 2, "{} answers, {} failures", answers, failures);
        }
    }
}
