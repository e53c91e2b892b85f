//! Requests outside any dialog, both ways.

use super::bench::{Bench, invite, outgoing, reply, within};
use crate::sip::{
    message::{HeaderName, Headers, Method, Status},
    ua::{Fact, Outgoing},
};

#[test]
fn options_is_answered_with_what_we_can() {
    let mut bench = Bench::new();
    bench.hear(&within("OPTIONS", 1, "", "", ""));
    let ok = bench.response(200);
    assert!(ok.headers.get(&HeaderName::Allow).unwrap().contains("INVITE, ACK, CANCEL, BYE"));
    assert_eq!(ok.headers.get(&HeaderName::Supported), Some("100rel, replaces, norefersub, timer"));
    assert!(ok.headers.get(&HeaderName::Accept).unwrap().contains("application/sdp"));
    assert!(ok.headers.to().unwrap().tag().is_some());
    assert_eq!(bench.facts(), [""; 0]);
}

#[test]
fn requests_that_need_a_dialog_get_481_without_one() {
    let mut bench = Bench::new();
    for method in ["BYE", "UPDATE", "INFO", "INVITE", "NOTIFY", "REFER"] {
        let refer = "Refer-To: <sip:x@192.0.2.1>\r\n";
        bench.hear(&within(method, 1, "gone", refer, ""));
        assert!(bench.sent().contains(&format!("481 {method}")), "{method}");
    }
    bench.hear(&within("PRACK", 1, "gone", "RAck: 1 1 INVITE\r\n", ""));
    assert_eq!(bench.sent(), ["481 PRACK"]);
    bench.hear(&within("BYE", 9, "", "", ""));
    assert_eq!(bench.sent(), ["481 BYE"]);
    bench.hear(&within("ACK", 1, "gone", "", ""));
    assert_eq!(bench.sent(), [""; 0]);
    assert_eq!(bench.facts(), [""; 0]);
    bench.pass_s(70);
    bench.assert_empty();
}

#[test]
fn register_subscribe_and_message_are_the_switchs_to_answer() {
    for (method, tag) in [("REGISTER", ""), ("REGISTER", "kept"), ("SUBSCRIBE", ""), ("MESSAGE", "")] {
        let mut bench = Bench::new();
        bench.hear(&within(method, 1, tag, "", ""));
        let server = match bench.raw_facts().as_slice() {
            [Fact::Requested { server, .. }] => *server,
            other => panic!("{method}: {other:?}"),
        };
        let mut headers = Headers::new();
        headers.push(HeaderName::RetryAfter, "5");
        bench.ua.respond(server, Status::SERVICE_UNAVAILABLE, headers, Vec::new(), bench.now);
        let response = bench.response(503);
        assert_eq!(response.headers.retry_after(), Some(5));
        assert!(response.headers.to().unwrap().tag().is_some());
        // A second answer is ignored.
        bench.ua.respond(server, Status::OK, Headers::new(), Vec::new(), bench.now);
        assert_eq!(bench.sent(), [""; 0]);
        bench.pass_s(70);
        bench.assert_empty();
    }
}

#[test]
fn an_extension_that_we_do_not_know_is_refused_before_anybody_hears_of_it() {
    let mut bench = Bench::new();
    bench.hear(&invite("Require: resource-priority\r\n", ""));
    let refusal = bench.response(420);
    assert_eq!(refusal.headers.get(&HeaderName::Unsupported), Some("resource-priority"));
    assert_eq!(bench.facts(), [""; 0]);
}

#[test]
fn an_unknown_method_is_refused_with_what_we_know() {
    let mut bench = Bench::new();
    bench.hear(&within("DANCE", 1, "", "", ""));
    assert!(bench.response(501).headers.get(&HeaderName::Allow).is_some());
}

fn register() -> Outgoing {
    let mut to = outgoing();
    to.headers.push(HeaderName::Expires, "300");
    to
}

#[test]
fn registers_of_one_series_share_their_call_id_and_count() {
    let mut bench = Bench::new();
    bench.ua.request(Method::Register, register(), Some(1), bench.now);
    let first = bench.request(&Method::Register);
    assert_eq!(first.headers.get(&HeaderName::Expires), Some("300"));
    assert_eq!(first.headers.get(&HeaderName::Contact), Some("<sip:400@192.0.2.1:5060;transport=udp>"));
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5\r\n\
                     WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", qop=\"auth\", algorithm=SHA-256\r\n";
    bench.hear(&reply(&first, 401, "x", challenge, ""));
    let second = bench.request(&Method::Register);
    assert!(second.headers.get(&HeaderName::Authorization).unwrap().contains("SHA-256"));
    bench.hear(&reply(&second, 200, "x", "", ""));
    assert_eq!(bench.facts(), ["responded 200"]);

    bench.ua.request(Method::Register, register(), Some(1), bench.now);
    let third = bench.request(&Method::Register);
    bench.ua.request(Method::Register, register(), Some(2), bench.now);
    let other = bench.request(&Method::Register);
    let row = [&first, &second, &third].map(|r| (r.headers.call_id(), r.headers.cseq().unwrap().number));
    let id = first.headers.call_id();
    assert_eq!(row, [(id, 1), (id, 2), (id, 3)]);
    assert_ne!(other.headers.call_id(), id);
    assert_eq!(other.headers.cseq().unwrap().number, 1);
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again() {
    let mut bench = Bench::new();
    bench.ua.request(Method::Register, register(), Some(1), bench.now);
    let first = bench.request(&Method::Register);
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
    bench.hear(&reply(&first, 401, "x", challenge, ""));
    let second = bench.request(&Method::Register);
    bench.hear(&reply(&second, 401, "x", challenge, ""));
    assert_eq!(bench.sent(), [""; 0]);
    assert_eq!(bench.facts(), ["responded 401"]);
}

#[test]
fn a_proxy_and_a_registrar_may_both_ask_for_a_password() {
    let mut bench = Bench::new();
    bench.ua.request(Method::Register, register(), None, bench.now);
    let first = bench.request(&Method::Register);
    bench.hear(&reply(&first, 407, "x", "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\"\r\n", ""));
    let second = bench.request(&Method::Register);
    bench.hear(&reply(&second, 401, "x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", ""));
    let third = bench.request(&Method::Register);
    assert!(third.headers.get(&HeaderName::ProxyAuthorization).is_some());
    assert!(third.headers.get(&HeaderName::Authorization).is_some());
}

#[test]
fn a_request_without_credentials_or_answer_is_told_as_it_is() {
    let mut bench = Bench::new();
    let to = Outgoing { credentials: None, ..outgoing() };
    bench.ua.request(Method::Options, to.clone(), None, bench.now);
    let options = bench.request(&Method::Options);
    bench.hear(&reply(&options, 401, "x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", ""));
    bench.ua.request(Method::Options, to, None, bench.now);
    bench.pass_s(33);
    assert_eq!(bench.facts(), ["responded 401", "unanswered: TimedOut"]);
    bench.pass_s(70);
    bench.assert_empty();
}
