//! What holds for all messages, not only for those we thought of: no bytes panic, and what is written is
//! read as it was.

use proptest::prelude::*;

use super::{
    framing::{Frame, Framer},
    header::Via,
    message::{HeaderName, Headers, Message, Method, Request, Response, Status},
    parse,
    uri::{Host, NameAddr, Params, SipUri, TelUri, Uri},
};

fn token() -> impl Strategy<Value = String> {
    "[a-z0-9.!*_+`'~-]{1,12}"
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Invite), Just(Method::Bye), token().prop_map(|name| Method::parse(&name))]
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        any::<std::net::IpAddr>().prop_map(Host::Ip),
        "[a-z][a-z0-9-]{0,8}(\\.[a-z]{2,5}){0,2}".prop_map(Host::Name),
    ]
}

/// Parameters whose values match that expression.
fn params(value: &'static str) -> impl Strategy<Value = Params> {
    proptest::collection::vec((token(), proptest::option::of(value)), 0..4).prop_map(Params)
}

fn sip_uri() -> impl Strategy<Value = SipUri> {
    let user =
        proptest::option::of(("[a-zA-Z0-9%;/?&=+$,#_.-]{1,16}", proptest::option::of("[a-z0-9&=+$,]{0,6}")));
    let headers = proptest::collection::vec(("[A-Za-z%0-9-]{1,8}", "[A-Za-z%0-9@:.]{0,12}"), 0..3);
    (any::<bool>(), user, host(), any::<Option<u16>>(), params("[a-zA-Z0-9:<>/]{0,12}"), headers).prop_map(
        |(secure, user, host, port, params, headers)| {
            // Without a user an `@` behind would make one.
            let headers = if user.is_some() { headers } else { Vec::new() };
            let (user, password) = user.map_or((None, None), |(user, password)| (Some(user), password));
            SipUri { secure, user, password, host, port, params, headers }
        },
    )
}

fn uri() -> impl Strategy<Value = Uri> {
    prop_oneof![
        4 => sip_uri().prop_map(Uri::Sip),
        1 => ("\\+?[0-9.-]{1,15}", params("[a-z0-9+.]{1,8}"))
            .prop_map(|(number, params)| Uri::Tel(TelUri { number, params })),
        1 => "urn:[a-z0-9:/?.-]{1,12}".prop_map(Uri::Other),
    ]
}

fn name_addr() -> impl Strategy<Value = NameAddr> {
    (proptest::option::of("\\PC{1,16}"), uri(), params("\\PC{0,12}"))
        .prop_map(|(display, uri, params)| NameAddr { display, uri, params })
}

fn via() -> impl Strategy<Value = Via> {
    ("[A-Z]{2,4}", host(), any::<Option<u16>>(), params("\\PC{0,12}"))
        .prop_map(|(transport, host, port, params)| Via { transport, host, port, params })
}

/// The headers that a message must have, and some that nobody knows.
fn headers(method: &Method) -> impl Strategy<Value = Headers> + use<> {
    let cseq = method.as_str().to_owned();
    let unknown = proptest::collection::vec(("x-[a-z]{1,8}", "(\\PC{0,20}[!-~])?"), 0..5);
    (via(), name_addr(), name_addr(), "[!-~]{1,20}", 0..=i32::MAX, unknown).prop_map(
        move |(via, from, to, call_id, number, unknown)| {
            let mut headers = Headers::new();
            headers.push(HeaderName::Via, via.to_string());
            headers.push(HeaderName::From, from.to_string());
            headers.push(HeaderName::To, to.to_string());
            headers.push(HeaderName::CallId, call_id);
            headers.push(HeaderName::CSeq, format!("{number} {cseq}"));
            for (name, value) in unknown {
                headers.push(HeaderName::parse(&name), value.trim());
            }
            headers
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let body = proptest::collection::vec(any::<u8>(), 0..200);
    (method(), uri(), body).prop_flat_map(|(method, uri, body)| {
        headers(&method).prop_map(move |headers| {
            // Headers in a Request-URI are refused.
            let uri = uri.as_sip().map_or(uri.clone(), |uri| Uri::Sip(uri.without_headers()));
            Request { method: method.clone(), uri, headers, body: body.clone() }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _whatever_it_is = (parse::message(&bytes), parse::is_keep_alive(&bytes));
        let mut framer = Framer::new();
        framer.push(&bytes);
        while let Ok(Some(_)) = framer.next_frame() {}
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _whatever_it_is = (Uri::parse(&text), NameAddr::parse_list(&text), Via::parse(&text));
        let _nor_with_a_scheme = (Uri::parse(&format!("sip:{text}")), Uri::parse(&format!("tel:{text}")));
    }

    #[test]
    fn an_address_is_read_as_written(address in name_addr()) {
        prop_assert_eq!(NameAddr::parse(&address.to_string()), Ok(address));
    }

    #[test]
    fn a_list_of_addresses_is_read_as_written(list in proptest::collection::vec(name_addr(), 1..4)) {
        let text = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" , ");
        prop_assert_eq!(NameAddr::parse_list(&text), Ok(list));
    }

    #[test]
    fn a_via_is_read_as_written(via in via()) {
        prop_assert_eq!(Via::parse(&via.to_string()), Ok(via));
    }

    #[test]
    fn a_uri_is_itself(uri in uri()) {
        prop_assert!(uri.matches(&uri));
        prop_assert_eq!(Uri::parse(&uri.to_string()), Ok(uri));
    }

    #[test]
    fn a_request_is_read_as_written(request in request()) {
        prop_assert_eq!(parse::message(&request.to_bytes()), Ok(Message::Request(request)));
    }

    #[test]
    fn a_response_is_read_as_written(
        code in 100_u16..700, reason in "[!-~]([ -~]{0,20}[!-~])?", headers in headers(&Method::Invite), body in "\\PC{0,50}",
    ) {
        let status = Status::new(code).unwrap();
        let response = Response { status, reason, headers, body: body.into_bytes() };
        prop_assert_eq!(parse::message(&response.to_bytes()), Ok(Message::Response(response)));
    }

    #[test]
    fn a_stream_of_requests_is_cut_between_them(requests in proptest::collection::vec(request(), 1..4), size in 1..99_usize) {
        let sent: Vec<_> = requests.iter().map(Request::to_bytes).collect();
        let mut framer = Framer::new();
        let mut cut = Vec::new();
        for piece in sent.concat().chunks(size) {
            framer.push(piece);
            while let Some(frame) = framer.next_frame().unwrap() {
                cut.push(frame);
            }
        }
        prop_assert_eq!(cut, sent.into_iter().map(Frame::Message).collect::<Vec<_>>());
    }
}
