//! The thirteen valid messages of RFC 4475 §3.1.1: what must be read out of each, not only that it is
//! read.

use super::*;

fn user(request: &Request) -> String {
    request.uri.user().unwrap().into_owned()
}

#[test]
fn wsinv_is_read_through_its_white_space() {
    let request = request(&bytes_of("wsinv"));
    let headers = &request.headers;
    assert_eq!(request.method, Method::Invite);
    assert_eq!(headers.to().unwrap().tag(), Some("76543n"));
    let from = headers.from().unwrap();
    assert_eq!((from.display.as_deref(), from.tag()), (Some("Lan \\\""), Some("8asj1")));
    assert_eq!(headers.max_forwards(), 70);
    assert_eq!(headers.cseq(), Some(CSeq { number: 12, method: Method::Invite }));
    let vias: Vec<_> = headers.vias().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 192.0.2.2;branch=390skd",
            "SIP/2.0/TCP far.example.cn;branch=z9hG4bK9ik",
            "SIP/2.0/UDP 192.168.255.1;branch=z9hG4bK302"
        ]
    );
    assert_eq!(headers.get(&HeaderName::parse("x-fold")), Some("first second"));
    assert_eq!(headers.get(&HeaderName::Subject), Some(""));
    let contact = headers.contacts().unwrap().remove(0);
    assert_eq!((contact.display.as_deref(), contact.q()), (Some("A \"\""), 330));
    assert!(headers.routes().unwrap()[0].uri.as_sip().unwrap().params.has("lr"));
    assert_eq!(super::super::body::sdp_body(headers, &request.body), Some(SDP.as_bytes()));
}

#[test]
fn intmeth_keeps_its_odd_characters() {
    let request = request(&bytes_of("intmeth"));
    assert_eq!(request.method, Method::Other("!odd-Method0_*+`.%it'~".to_owned()));
    assert_eq!(request.uri.as_sip().unwrap().user.as_deref(), Some("1_odd.~(yes)&isn't+it$/so?,/;;*"));
    assert_eq!(request.uri.as_sip().unwrap().password.as_deref(), Some("&pw+1,x!*$d~_(no-it)"));
    assert_eq!(request.headers.to().unwrap().display.as_deref(), Some("BEL:\x07 NUL:\0 DEL:\x7f"));
    let from = request.headers.from().unwrap();
    assert_eq!(from.display.as_deref(), Some("one1~` two2'+_ three3*%!.-"));
    assert_eq!(from.params.value("p''~+*_!.-%"), Some("住户"));
    assert_eq!(from.tag(), Some("_a~1'+`*%!-."));
    assert_eq!(request.headers.call_id(), Some("odd%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));
    assert_eq!(request.headers.get(&HeaderName::parse("X-!.%*+_`'~")), Some("物业热线"));
}

#[test]
fn esc01_is_a_user_and_not_a_secure_uri() {
    let request = request(&bytes_of("esc01"));
    assert_eq!(user(&request), "sips:hotline@desk.example.cn");
    assert!(!request.uri.as_sip().unwrap().secure);
    assert!(request.headers.to().unwrap().uri.matches(&Uri::parse("sip:hotline@desk.example.cn").unwrap()));
    assert!(request.headers.contacts().unwrap()[0].uri.as_sip().unwrap().params.has("lr"));
}

#[test]
fn escnull_has_two_different_contacts() {
    let request = request(&bytes_of("escnull"));
    let contacts = request.headers.contacts().unwrap();
    assert_eq!(contacts.len(), 2);
    assert!(!contacts[0].uri.matches(&contacts[1].uri));
    assert_eq!(request.headers.to().unwrap().uri.user().unwrap(), "8-\0-1");
}

#[test]
fn esc02_is_not_the_method_it_could_be_unescaped_to() {
    let request = request(&bytes_of("esc02"));
    assert_eq!(request.method, Method::Other("INV%49TE".to_owned()));
    assert_eq!(request.headers.from().unwrap().display.as_deref(), Some("%Z%45"));
    assert_eq!(request.headers.contacts().unwrap().len(), 2);
}

#[test]
fn lwsdisp_has_a_display_name_without_white_space() {
    assert_eq!(request(&bytes_of("lwsdisp")).headers.from().unwrap().display.as_deref(), Some("lan"));
}

#[test]
fn longreq_is_read_to_its_end() {
    let request = request(&bytes_of("longreq"));
    assert_eq!(request.headers.vias().unwrap().len(), 4);
    assert_eq!(request.headers.from().unwrap().tag().unwrap().len(), 600);
    assert_eq!(request.body, SDP.as_bytes());
}

#[test]
fn dblreq_ends_with_its_content_length() {
    let request = request(&bytes_of("dblreq"));
    assert_eq!(request.method, Method::Register);
    assert_eq!(request.body, b"");
}

#[test]
fn semiuri_has_its_semicolon_in_the_user() {
    let request = request(&bytes_of("semiuri"));
    let uri = request.uri.as_sip().unwrap();
    assert_eq!(uri.user.as_deref(), Some("801;floor=3%4012"));
    assert_eq!(uri.params.0.len(), 0);
    assert_eq!(request.headers.tokens(&HeaderName::Accept).count(), 4);
}

#[test]
fn transports_that_nobody_knows_are_read() {
    let transports: Vec<_> = request(&bytes_of("transports")).headers.vias().unwrap();
    assert_eq!(transports[1].transport, "SCTP");
    assert_eq!(transports[2].transport, "PIGEON");
}

#[test]
fn mpart01_keeps_every_binary_byte() {
    let request = request(&bytes_of("mpart01"));
    let binary = [0x30, 0x82, 0x01, 0x52, 0x00, 0x0a, 0xff, 0xfe, 0x0d, 0x0a, 0x80];
    assert!(request.body.windows(binary.len()).any(|w| w == binary));
    let again = super::request(&request.to_bytes());
    assert_eq!(again.body, request.body);
}

#[test]
fn unreason_has_a_reason_beyond_ascii() {
    let response = response(&bytes_of("unreason"));
    assert_eq!((response.status.code(), response.reason.as_str()), (200, "= 2**3 * 5**2 二百"));
}

#[test]
fn noreason_needs_none() {
    for end in ["SIP/2.0 100 \r\n", "SIP/2.0 100\r\n"] {
        let text = String::from_utf8(bytes_of("noreason")).unwrap().replace("SIP/2.0 100 \r\n", end);
        let response = response(text.as_bytes());
        assert_eq!((response.status.code(), response.reason.as_str()), (100, ""));
    }
}
