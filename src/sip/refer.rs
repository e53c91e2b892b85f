//! REFER (RFC 3515): whom its sender wants called, and how it hears what came of that. A value and its
//! texts; who may refer whom to whom is the switch's.

use super::{
    header::Replaces,
    message::{HeaderName, Headers, Method, Request, Status},
    uri::Uri,
};

/// A REFER that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refer {
    /// Whom to call, without the URI's headers.
    pub to: Uri,
    /// The dialog to take the place of (RFC 3891): an attended transfer.
    pub replaces: Option<Replaces>,
    /// As it came; for the INVITE that follows (RFC 3892).
    pub referred_by: Option<String>,
    /// Whether the sender wants to hear what comes of it (RFC 4488).
    notifies: bool,
    /// Its CSeq, which names its subscription.
    id: u32,
}

impl Refer {
    /// Reads the request.
    ///
    /// # Errors
    /// The status to answer with: 400 without exactly one readable Refer-To (RFC 3515 §2.4.1) or with
    /// an unreadable Replaces, 416 for a URI that cannot be called, 603 for another method than INVITE.
    pub fn read(request: &Request) -> Result<Self, Status> {
        let mut lines = request.headers.all(&HeaderName::ReferTo);
        if lines.next().is_none() || lines.next().is_some() {
            return Err(Status::BAD_REQUEST);
        }
        let to = request.headers.refer_to().ok_or(Status::BAD_REQUEST)?;
        let sip = match &to.uri {
            Uri::Sip(sip) => sip,
            Uri::Tel(_) => return Ok(Self::of(request, to.uri.clone(), None)),
            Uri::Other(_) => return Err(Status::UNSUPPORTED_URI_SCHEME),
        };
        if sip.params.value("method").is_some_and(|method| Method::parse(method) != Method::Invite) {
            return Err(Status::DECLINE);
        }
        let replaces = match sip.header("Replaces") {
            Some(value) => Some(Replaces::parse(&value).map_err(|_| Status::BAD_REQUEST)?),
            None => None,
        };
        let mut plain = sip.without_headers();
        plain.params.remove("method");
        Ok(Self::of(request, Uri::Sip(plain), replaces))
    }

    fn of(request: &Request, to: Uri, replaces: Option<Replaces>) -> Self {
        let refer_sub = request.headers.get(&refer_sub());
        Self {
            to,
            replaces,
            referred_by: request.headers.get(&HeaderName::ReferredBy).map(str::to_owned),
            notifies: refer_sub.is_none_or(|value| !value.trim().eq_ignore_ascii_case("false")),
            id: request.headers.cseq().map_or(0, |cseq| cseq.number),
        }
    }

    /// The headers of its 202.
    pub fn accepted(&self) -> Headers {
        let mut headers = Headers::new();
        if !self.notifies {
            headers.push(refer_sub(), "false");
        }
        headers
    }

    /// The NOTIFY that says how far the call has come (RFC 3515 §2.4.5): headers and body; `None` where
    /// the sender does not want to hear. A final status ends the subscription.
    pub fn notify(&self, status: Status) -> Option<(Headers, Vec<u8>)> {
        if !self.notifies {
            return None;
        }
        let mut headers = Headers::new();
        // RFC 3515 §2.4.6: the id is a must from a dialog's second REFER on, and allowed in the first.
        headers.push(HeaderName::Event, format!("refer;id={}", self.id));
        let state = match status.is_final() {
            true => "terminated;reason=noresource",
            false => "active;expires=60",
        };
        headers.push(HeaderName::SubscriptionState, state);
        headers.push(HeaderName::ContentType, "message/sipfrag;version=2.0");
        Some((headers, format!("SIP/2.0 {status} {}\r\n", status.reason_phrase()).into_bytes()))
    }
}

/// Refer-Sub (RFC 4488).
fn refer_sub() -> HeaderName {
    HeaderName::parse("Refer-Sub")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{message::Message, parse};

    fn refer(lines: &str) -> Request {
        let text = format!(
            "REFER sip:hotlined@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n\
             From: <sip:801@x>;tag=a\r\nTo: <sip:400@x>;tag=b\r\nCall-ID: c\r\nCSeq: 7 REFER\r\n{lines}\r\n"
        );
        match parse::message(text.as_bytes()).unwrap() {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a request"),
        }
    }

    #[test]
    fn a_refer_says_whom_to_call_and_which_dialog_it_replaces() {
        let read = Refer::read(&refer(
            "Refer-To: <sip:802@192.0.2.1?Replaces=c1%40x%3Bto-tag%3Dt%3Bfrom-tag%3Df>\r\nReferred-By: <sip:801@x>\r\n",
        ))
        .unwrap();
        assert_eq!(read.to.to_string(), "sip:802@192.0.2.1");
        let replaces = read.replaces.unwrap();
        assert_eq!((replaces.call_id.as_str(), replaces.to_tag.as_str()), ("c1@x", "t"));
        assert_eq!(replaces.from_tag, "f");
        assert_eq!(read.referred_by.as_deref(), Some("<sip:801@x>"));
    }

    #[test]
    fn a_refer_that_cannot_be_served_names_its_refusal() {
        for (lines, status) in [
            ("", Status::BAD_REQUEST),
            ("Refer-To: <sip:802@x>\r\nRefer-To: <sip:803@x>\r\n", Status::BAD_REQUEST),
            ("Refer-To: <http://x>\r\n", Status::UNSUPPORTED_URI_SCHEME),
            ("Refer-To: <sip:802@x;method=BYE>\r\n", Status::DECLINE),
            ("Refer-To: <sip:802@x?Replaces=c1>\r\n", Status::BAD_REQUEST),
        ] {
            assert_eq!(Refer::read(&refer(lines)), Err(status), "{lines}");
        }
    }

    #[test]
    fn its_sender_hears_how_it_went_unless_it_does_not_want_to() {
        let told = Refer::read(&refer("Refer-To: <sip:802@x>\r\n")).unwrap();
        let (headers, body) = told.notify(Status::TRYING).unwrap();
        assert_eq!(headers.get(&HeaderName::SubscriptionState), Some("active;expires=60"));
        assert_eq!(body, b"SIP/2.0 100 Trying\r\n");
        let (headers, body) = told.notify(Status::BUSY_HERE).unwrap();
        assert_eq!(headers.get(&HeaderName::Event), Some("refer;id=7"));
        assert_eq!(headers.get(&HeaderName::SubscriptionState), Some("terminated;reason=noresource"));
        assert_eq!(body, b"SIP/2.0 486 Busy Here\r\n");
        let silent = Refer::read(&refer("Refer-To: <sip:802@x>\r\nRefer-Sub: false\r\n")).unwrap();
        assert_eq!(silent.notify(Status::OK), None);
        assert_eq!(silent.accepted().iter().count(), 1);
    }
}
