use super::*;
use crate::sip::{message::Message, parse};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

fn abilities() -> Abilities {
    Abilities {
        methods: vec![
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Options,
            Method::Register,
            Method::Refer,
            Method::Prack,
        ],
        extensions: vec!["100rel", "timer"],
    }
}

/// Status and added headers (`Name: value`) for a request of that start, with those lines and that body;
/// `None` if it may go on.
fn refused(method: &str, uri: &str, lines: &str, body: &str) -> Option<(u16, String)> {
    let text = format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\n{lines}\r\n{body}"
    );
    let Ok(Message::Request(read)) = parse::message(text.as_bytes()) else { panic!("{text}") };
    let rejection = request(&read, &abilities()).err()?;
    let added = rejection.headers.iter().map(|h| format!("{}: {}", h.name, h.value)).collect::<Vec<_>>();
    Some((rejection.status.code(), added.join(" | ")))
}

#[test]
fn every_refusal_has_its_status_and_header() {
    const SIP: &str = "sip:c@d";
    const ALLOW: &str = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, REFER, PRACK";
    const ACCEPTED: &str = "Accept: application/sdp, multipart/mixed";
    for (method, uri, lines, body, expected) in [
        ("PUBLISH", SIP, "", "", Some((405, ALLOW))),
        ("DANCE", SIP, "", "", Some((501, ALLOW))),
        ("invite", SIP, "", "", Some((501, ALLOW))),
        ("OPTIONS", "tel:110", "", "", None),
        ("OPTIONS", "sips:c@d", "", "", None),
        ("OPTIONS", "urn:service:sos", "", "", Some((416, ""))),
        ("OPTIONS", SIP, "Require: 100rel, Timer\r\n", "", None),
        ("OPTIONS", SIP, "Require: path, gruu\r\n", "", Some((420, "Unsupported: path, gruu"))),
        ("OPTIONS", SIP, "Proxy-Require: sec-agree\r\n", "", Some((420, "Unsupported: sec-agree"))),
        ("CANCEL", SIP, "Require: path\r\n", "", None),
        ("ACK", SIP, "Require: path\r\nContact: <\r\n", "", None),
        ("INVITE", SIP, "Contact: <sip:a@b\r\n", "", Some((400, ""))),
        ("INVITE", SIP, "Contact: *\r\n", "", Some((400, ""))),
        ("INVITE", SIP, "Record-Route: <sip:p;lr>, sip:?\r\n", "", Some((400, ""))),
        ("INVITE", SIP, "Route: junk\r\n", "", Some((400, ""))),
        ("INVITE", SIP, "Replaces: x;to-tag=1\r\n", "", Some((400, ""))),
        ("REGISTER", SIP, "Contact: *\r\nExpires: 0\r\n", "", None),
        ("REGISTER", SIP, "Contact: *\r\nExpires: 60\r\n", "", Some((400, ""))),
        ("REGISTER", SIP, "Contact: *\r\n", "", Some((400, ""))),
        ("REFER", SIP, "", "", Some((400, ""))),
        ("REFER", SIP, "Refer-To: <sip:x@y?Replaces=1%3Bto-tag%3D2>\r\n", "", None),
        ("REFER", SIP, "Refer-To: <sip:x@y>\r\nr: <sip:z@y>\r\n", "", Some((400, ""))),
        ("PRACK", SIP, "", "", Some((400, ""))),
        ("PRACK", SIP, "RAck: 1 1 INVITE\r\n", "", None),
        ("INVITE", SIP, "Accept: text/plain\r\n", "", Some((406, ""))),
        ("INVITE", SIP, "Accept: text/plain, application/*;q=0.5\r\n", "", None),
        ("INVITE", SIP, "Accept: */*\r\n", "", None),
        ("OPTIONS", SIP, "Accept: text/plain\r\n", "", None),
        ("INVITE", SIP, "c: application/sdp\r\n", SDP, None),
        ("INVITE", SIP, "", SDP, None),
        ("INVITE", SIP, "c: application/isup\r\n", "x", Some((415, ACCEPTED))),
        (
            "INVITE",
            SIP,
            "c: application/isup\r\nContent-Disposition: signal ; handling = Optional\r\n",
            "x",
            None,
        ),
        (
            "INVITE",
            SIP,
            "c: application/isup\r\nContent-Disposition: signal;handling=required\r\n",
            "x",
            Some((415, ACCEPTED)),
        ),
        ("INVITE", SIP, "c: application/sdp\r\ne: gzip\r\n", "x", Some((415, "Accept-Encoding: identity"))),
        ("INVITE", SIP, "c: application/sdp\r\ne: identity\r\n", SDP, None),
        ("BYE", SIP, "c: application/vendor\r\ne: gzip\r\n", "x", None),
    ] {
        let expected = expected.map(|(status, header)| (status, header.to_owned()));
        assert_eq!(refused(method, uri, lines, body), expected, "{method} {uri} {lines}");
    }
}

#[test]
fn the_method_is_judged_before_all_else() {
    let (status, _) = refused("DANCE", "urn:x:y", "Require: path\r\nContact: <\r\n", "").unwrap();
    assert_eq!(status, 501);
    let (status, _) = refused("OPTIONS", "urn:x:y", "Require: path\r\nContact: <\r\n", "").unwrap();
    assert_eq!(status, 416);
}

#[test]
fn a_rejection_becomes_a_whole_response() {
    let text = "OPTIONS sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
                To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nRequire: x\r\n\r\n";
    let Ok(Message::Request(read)) = parse::message(text.as_bytes()) else { panic!() };
    let response = request(&read, &abilities()).unwrap_err().response(&read);
    assert_eq!(
        response.to_bytes(),
        "SIP/2.0 420 Bad Extension\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nUnsupported: x\r\nContent-Length: 0\r\n\r\n"
    );
}
