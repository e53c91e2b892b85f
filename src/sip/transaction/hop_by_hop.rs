//! The two requests that the layer itself writes, each for one hop and about one INVITE: the ACK for a
//! refusal (RFC 3261 §17.1.1.3) and the CANCEL (§9.1).

use crate::sip::{
    header::CSeq,
    message::{HeaderName, Headers, Method, Request, Response},
};

/// What the ACK for a refusal and the CANCEL take over from the INVITE (RFC 3261 §17.1.1.3, §9.1).
pub(super) fn head(invite: &Request) -> Request {
    let mut headers = Headers::new();
    for name in [
        HeaderName::Via,
        HeaderName::Route,
        HeaderName::MaxForwards,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
        HeaderName::CSeq,
    ] {
        headers.copy(&name, &invite.headers);
    }
    Request { method: invite.method.clone(), uri: invite.uri.clone(), headers, body: Vec::new() }
}

/// RFC 3261 §17.1.1.3: the INVITE's branch, the response's To.
pub(super) fn ack_for_refusal(head: &Request, response: &Response) -> Request {
    let mut ack = with_method(head, Method::Ack);
    if let Some(to) = response.headers.get(&HeaderName::To) {
        ack.headers.set(HeaderName::To, to);
    }
    ack
}

/// RFC 3261 §9.1: the INVITE's branch and its To without a tag.
pub(super) fn cancel_for(head: &Request, further: Headers) -> Request {
    let mut cancel = with_method(head, Method::Cancel);
    for header in further.iter() {
        cancel.headers.push(header.name.clone(), header.value.clone());
    }
    cancel
}

/// The INVITE's number with another method (§17.1.1.3, §9.1).
fn with_method(head: &Request, method: Method) -> Request {
    let mut request = head.clone();
    if let Some(cseq) = head.headers.cseq() {
        let cseq = CSeq { number: cseq.number, method: method.clone() };
        request.headers.set(HeaderName::CSeq, cseq.to_string());
    }
    request.method = method;
    request
}
