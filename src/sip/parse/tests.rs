use super::*;

const HEAD: &str = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\
                    Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n";

fn options(lines: &str) -> String {
    format!("OPTIONS sip:c@d SIP/2.0\r\n{HEAD}{lines}\r\n")
}

fn read(bytes: impl AsRef<[u8]>) -> Request {
    match message(bytes.as_ref()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// The reason phrase of the 4xx or 5xx that the bytes are answered with.
fn refused(bytes: impl AsRef<[u8]>) -> (u16, String) {
    match message(bytes.as_ref()) {
        Err(ParseError::Answer(response)) => (response.status.code(), response.reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn line_feeds_alone_end_lines() {
    let text = options("Content-Type: text/plain\r\nContent-Length: 2\r\n") + "hi";
    let unix = text.replace("\r\n", "\n");
    assert_eq!(read(unix), read(text));
}

#[test]
fn empty_lines_before_a_message_are_ignored() {
    assert_eq!(read(format!("\r\n\r\n\n{}", options(""))), read(options("")));
}

#[test]
fn without_content_length_the_rest_is_the_body() {
    assert_eq!(read(options("") + "v=0\r\n").body, b"v=0\r\n");
    assert_eq!(read(options("l: 3\r\n") + "v=0\r\n").body, b"v=0");
    assert_eq!(read(options("Content-Length:\r\n 3\r\n") + "v=0\r\n").body, b"v=0");
}

#[test]
fn latin1_names_are_read() {
    let text = options("").replace("<sip:a@b>;tag=1", "\"Café\" <sip:a@b>;tag=1");
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(read(bytes).headers.from().unwrap().display.as_deref(), Some("Café"));
}

#[test]
fn a_cseq_with_a_tab_is_read() {
    assert_eq!(read(options("").replace("1 OPTIONS", "1\tOPTIONS")).headers.cseq().unwrap().number, 1);
}

#[test]
fn a_missing_max_forwards_is_70() {
    assert_eq!(read(options("")).headers.max_forwards(), 70);
    assert_eq!(read(options("Max-Forwards: 0\r\n")).headers.max_forwards(), 0);
}

#[test]
fn content_length_is_not_among_the_headers() {
    assert_eq!(read(options("l: 0\r\n")).headers.get(&HeaderName::ContentLength), None);
}

#[test]
fn each_fault_is_named() {
    for (text, status, reason) in [
        (options("no colon here\r\n"), 400, "Malformed Header Line"),
        (options("Max-Forwards: 256\r\n"), 400, "Malformed Max-Forwards"),
        (options("Max-Forwards: 1\r\nMax-Forwards: 1\r\n"), 400, "More Than One Max-Forwards"),
        (options("t: <sip:c@d>\r\n"), 400, "More Than One To"),
        (options("i: 2\r\n"), 400, "More Than One Call-ID"),
        (options("l: 0\r\nContent-Length: 0\r\n"), 400, "More Than One Content-Length"),
        (options("l: 0, 0\r\n"), 400, "Malformed Content-Length"),
        (options("l: 1\r\n"), 400, "Body Shorter Than Content-Length"),
        (options("").replace("Call-ID: 1", "Call-ID: 1 2"), 400, "Malformed Call-ID"),
        (options("").replace("Call-ID: 1", "Call-ID:"), 400, "Malformed Call-ID"),
        (options("").replace("Call-ID: 1", "X: 1"), 400, "Missing Call-ID"),
        (options("").replace("CSeq: 1 OPTIONS", "CSeq: 2147483648 OPTIONS"), 400, "Malformed CSeq"),
        (options("").replace("1 OPTIONS", "1 options"), 400, "CSeq Method Differs From Request"),
        (options("").replace("<sip:a@b>", "<sip:a@b"), 400, "Malformed From"),
        (options("").replace("192.0.2.1:5060", "192.0.2.1:x"), 400, "Malformed Via"),
        (options("").replace("sip:c@d SIP", "sip: SIP"), 400, "Malformed Request-URI"),
        (options("").replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), 505, "Version Not Supported"),
        (options(&"X: y\r\n".repeat(MAX_HEADERS)), 400, "Too Many Headers"),
        (options("").trim_end().to_owned(), 400, "Message Ends Within Headers"),
    ] {
        assert_eq!(refused(&text), (status, reason.to_owned()), "{text}");
    }
}

#[test]
fn what_cannot_be_answered_is_dropped() {
    for text in [
        String::new(),
        "\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "OPTIONS\r\n\r\n".to_owned(),
        "(OPTIONS) sip:c@d SIP/2.0\r\n\r\n".to_owned(),
        "OPTIONS sip:c@d SIP/2.0\r\nTo: <sip:c@d>\r\n\r\n".to_owned(),
        options("").replace("OPTIONS", "ACK").replace("<sip:a@b>", "<sip:a@b"),
        format!("SIP/2.0 099 Low\r\n{HEAD}\r\n"),
        format!("SIP/2.0 700 High\r\n{HEAD}\r\n"),
        format!("SIP/2.0 0200 OK\r\n{HEAD}\r\n"),
        format!("SIP/2.0 +20 OK\r\n{HEAD}\r\n"),
        format!("SIP/1.0 200 OK\r\n{HEAD}\r\n"),
        format!("SIP/2.0 200 OK\r\n{HEAD}l: 9\r\n\r\n"),
        format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n{HEAD}\r\n"),
        format!("SIP/2.0 200 OK\r\n{}\r\n", HEAD.replace("From", "X")),
        options("") + &"x".repeat(MAX_MESSAGE),
    ] {
        assert!(matches!(message(text.as_bytes()), Err(ParseError::Drop(_))), "{text}");
    }
}

#[test]
fn a_status_line_needs_no_reason() {
    for start in ["SIP/2.0 180", "SIP/2.0 180 ", "sip/2.0 180  Ringing "] {
        let Ok(Message::Response(response)) = message(format!("{start}\r\n{HEAD}\r\n").as_bytes()) else {
            panic!("{start}")
        };
        assert_eq!(response.status, Status::RINGING);
        assert!(response.reason.is_empty() || response.reason == "Ringing");
    }
}

#[test]
fn keep_alives_are_no_messages() {
    for bytes in
        [&b"\r\n\r\n"[..], b"\r\n", b"\0", b"\0\0\0\0", b"", b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"]
    {
        assert!(is_keep_alive(bytes), "{bytes:?}");
    }
    for bytes in [&b"\r\n\r\nOPTIONS"[..], b"\x80\x01", b"OPTIONS sip:c@d SIP/2.0\r\n"] {
        assert!(!is_keep_alive(bytes), "{bytes:?}");
    }
}
