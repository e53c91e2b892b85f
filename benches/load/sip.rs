//! The few messages that a carrier and a desk phone need, as text. Only what our own daemon writes is
//! read here: full header names, one value a line.

use std::net::SocketAddr;

use hotlined::sip::{digest, ua::Credentials};

/// The number that the carrier delivers to.
pub(crate) const HOTLINE: &str = "4001234567";
/// The desk's phone, and its password.
pub(crate) const PHONE: &str = "801";
pub(crate) const PASSWORD: &str = "load";

/// Callers' numbers begin so; the call's number follows.
const CALLER: &str = "139";

/// The caller's number of a call.
pub(crate) fn caller(call: usize) -> String {
    format!("{CALLER}{call:08}")
}

/// The call of a caller's number, found in a From or on a ticket.
pub(crate) fn call_of(number: &str) -> Option<usize> {
    number.strip_prefix(CALLER)?.parse().ok()
}

/// The first value of a header.
pub(crate) fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    fields(message, name).next()
}

fn fields<'a>(message: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = message.lines().take_while(|line| !line.is_empty());
    lines.filter_map(move |line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.trim()))
}

/// What stands between the first `<` and `>`.
pub(crate) fn inner(value: &str) -> &str {
    value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri)
}

/// The user of a header's SIP URI.
pub(crate) fn user(value: &str) -> &str {
    inner(value).trim_start_matches("sip:").split('@').next().unwrap_or_default()
}

/// The port of a description's audio.
pub(crate) fn audio_port(message: &str) -> Option<u16> {
    message.split_once("m=audio ")?.1.split(' ').next()?.parse().ok()
}

fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

fn with_body(head: String, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The carrier's INVITE. `run` keeps the calls of two runs apart.
pub(crate) fn invite(run: &str, call: usize, carrier: SocketAddr, daemon: SocketAddr, rtp: u16) -> String {
    let head = format!(
        "INVITE sip:{HOTLINE}@{daemon} SIP/2.0\r\nVia: SIP/2.0/UDP {carrier};branch=z9hG4bK{run}{call}i;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{number}@{carrier}>;tag=c{call}\r\nTo: <sip:{HOTLINE}@{daemon}>\r\n\
         Call-ID: {run}-{call}\r\nCSeq: 1 INVITE\r\nContact: <sip:{number}@{carrier}>\r\n\
         Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n",
        number = caller(call)
    );
    with_body(head, &sdp(rtp))
}

/// A request of the carrier within the dialog that `to` and `target` name.
pub(crate) fn within(
    method: &str,
    run: &str,
    call: usize,
    carrier: SocketAddr,
    target: &str,
    to: &str,
) -> String {
    let sequence = if method == "BYE" { 2 } else { 1 };
    let head = format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {carrier};branch=z9hG4bK{run}{call}{method};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{}@{carrier}>;tag=c{call}\r\nTo: {to}\r\nCall-ID: {run}-{call}\r\n\
         CSeq: {sequence} {method}\r\n",
        caller(call)
    );
    with_body(head, "")
}

/// An ACK for a refusal belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
pub(crate) fn ack_refusal(run: &str, call: usize, carrier: SocketAddr, target: &str, to: &str) -> String {
    within("ACK", run, call, carrier, target, to).replace(&format!("{call}ACK;"), &format!("{call}i;"))
}

/// A response to that request, with a description where `rtp` is given.
pub(crate) fn answer(
    request: &str,
    status: &str,
    tag: &str,
    contact: SocketAddr,
    rtp: Option<u16>,
) -> String {
    let mut head = format!("SIP/2.0 {status}\r\n");
    for via in fields(request, "Via") {
        head.push_str(&format!("Via: {via}\r\n"));
    }
    for name in ["From", "To", "Call-ID", "CSeq"] {
        let value = field(request, name).unwrap_or_default();
        let tag =
            if name == "To" && !value.contains(";tag=") { format!(";tag={tag}") } else { String::new() };
        head.push_str(&format!("{name}: {value}{tag}\r\n"));
    }
    head.push_str(&format!("Contact: <sip:{PHONE}@{contact}>\r\n"));
    with_body(head, &rtp.map(sdp).unwrap_or_default())
}

/// The phone's REGISTER; with `challenge`, a 401, the second one. `boot` tells one start of the phone from
/// another: a daemon that remembers a registration takes the same CSeq only once (RFC 3261 §10.3).
pub(crate) fn register(
    boot: usize,
    phone: SocketAddr,
    daemon: SocketAddr,
    challenge: Option<&str>,
) -> String {
    let uri = format!("sip:{daemon}");
    let (sequence, authorization) = match challenge {
        None => (1, String::new()),
        Some(refusal) => {
            let challenges: Vec<&str> = fields(refusal, "WWW-Authenticate").collect();
            let credentials = Credentials { user: PHONE.to_owned(), password: PASSWORD.to_owned() };
            let value = digest::answer(&challenges, &credentials, "REGISTER", &uri, b"", 1, "load")
                .expect("a challenge of our own daemon can be answered");
            (2, format!("Authorization: {value}\r\n"))
        }
    };
    with_body(
        format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {phone};branch=z9hG4bKr{boot}.{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{PHONE}@{daemon}>;tag=r\r\nTo: <sip:{PHONE}@{daemon}>\r\n\
             Call-ID: register-{boot}-{phone}\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:{PHONE}@{phone}>\r\n\
             Expires: 3600\r\n{authorization}"
        ),
        "",
    )
}
