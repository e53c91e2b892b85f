//! RFC 4475's torture, on messages of our own (`messages.txt`) and, where it lies beside the project,
//! on the RFC's own bytes.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    check::{self, Abilities},
    header::CSeq,
    message::{HeaderName, Message, Method, Request, Response},
    parse::{self, ParseError},
    uri::Uri,
};

mod corpus;
mod valid;

const MESSAGES: &str = include_str!("messages.txt");

const SDP: &str =
    "v=0\r\no=lan 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0\r\n";

/// What parse and check alone make of a message.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    Accepted,
    Dropped,
    Status(u16),
}

fn abilities() -> Abilities {
    Abilities {
        methods: vec![
            Method::Invite,
            Method::Ack,
            Method::Bye,
            Method::Cancel,
            Method::Options,
            Method::Register,
            Method::Prack,
            Method::Update,
            Method::Message,
        ],
        extensions: vec!["100rel", "timer", "replaces"],
    }
}

fn outcome(bytes: &[u8]) -> Outcome {
    match parse::message(bytes) {
        Ok(Message::Request(request)) => match check::request(&request, &abilities()) {
            Ok(()) => Outcome::Accepted,
            Err(rejection) => Outcome::Status(rejection.status.code()),
        },
        Ok(Message::Response(_)) => Outcome::Accepted,
        Err(ParseError::Drop(_)) => Outcome::Dropped,
        Err(ParseError::Answer(response)) => Outcome::Status(response.status.code()),
    }
}

/// Name, expected outcome and bytes of each of our messages.
pub(super) fn cases() -> Vec<(&'static str, Outcome, Vec<u8>)> {
    let (_, rows) = MESSAGES.split_once("\n=== ").unwrap();
    rows.split("\n=== ")
        .map(|row| {
            let (title, text) = row.split_once('\n').unwrap();
            let (name, expected) = title.split_once(" | ").unwrap();
            let expected = match expected {
                "accepted" => Outcome::Accepted,
                "dropped" => Outcome::Dropped,
                code => Outcome::Status(code.parse().unwrap()),
            };
            (name, expected, bytes(text))
        })
        .collect()
}

fn bytes_of(name: &str) -> Vec<u8> {
    cases().into_iter().find(|(n, ..)| *n == name).unwrap().2
}

/// The wire form of a row of `messages.txt`.
fn bytes(text: &str) -> Vec<u8> {
    // A message without a body ends with its empty line, which the table shows as the gap between rows.
    let text = text.trim_end_matches('\n');
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let body = literal(body);
    let head = head.replace("{length}", &body.len().to_string());
    [literal(&head), b"\r\n\r\n".to_vec(), body].concat()
}

fn literal(text: &str) -> Vec<u8> {
    let text = text.replace('\n', "\r\n").replace("{sdp}", SDP).replace("{long}", &"long".repeat(150));
    let mut bytes = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        bytes.extend_from_slice(before.as_bytes());
        match after.split_once('}') {
            Some((hex, after)) if hex.len() == 2 => {
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = after;
            }
            _ => {
                bytes.push(b'{');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn request(bytes: &[u8]) -> Request {
    match parse::message(bytes) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn response(bytes: &[u8]) -> Response {
    match parse::message(bytes) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_of_the_49_comes_out_as_it_must() {
    let cases = cases();
    assert_eq!(cases.len(), 49);
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(name, expected, bytes)| {
            let outcome = outcome(bytes);
            (outcome != *expected).then(|| format!("{name}: {outcome:?} instead of {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_answer_carries_what_the_request_had_of_it() {
    let Err(ParseError::Answer(answer)) = parse::message(&bytes_of("multi01")) else {
        panic!("not answered")
    };
    assert_eq!(answer.reason, "More Than One From");
    assert_eq!(answer.headers.get(&HeaderName::Via), Some("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKmul"));
    let Err(ParseError::Answer(answer)) = parse::message(&bytes_of("insuf")) else { panic!("not answered") };
    assert_eq!(answer.headers.cseq(), Some(CSeq { number: 193, method: Method::Invite }));
    assert_eq!(answer.headers.get(&HeaderName::To), None);
}

#[test]
fn a_malformed_ack_is_never_answered() {
    for name in ["badinv01", "clerr", "ncl", "multi01", "escruri", "ltgtruri", "quotbal"] {
        let ack = String::from_utf8(bytes_of(name)).unwrap().replace("INVITE", "ACK");
        assert_eq!(outcome(ack.as_bytes()), Outcome::Dropped, "{name}");
    }
}

#[test]
fn refusals_say_what_would_have_been_taken() {
    let refused = |name: &str| check::request(&request(&bytes_of(name)), &abilities()).unwrap_err().headers;
    assert_eq!(
        refused("bext01").get(&HeaderName::Unsupported),
        Some("nobodyCanThis, norThis, noProxyCanThis")
    );
    assert_eq!(refused("invut").get(&HeaderName::Accept), Some(check::ACCEPT));
    assert_eq!(refused("esc02").get(&HeaderName::Allow), Some(abilities().allow().as_str()));
}
