//! What our requests say, and to whom: INVITEs to phones and trunks (`decisions.md` 9, 10), REGISTER
//! and OPTIONS. Pure builders; nothing here remembers anything.

use std::{net::SocketAddr, time::Duration};

use super::settings::{CallerIdentity, TrunkSettings};
use crate::{
    desk::number::Number,
    sip::{
        hop::{Hop, Transport},
        message::{HeaderName, Headers},
        ua::Outgoing,
        uri::{Host, NameAddr, Params, SipUri, Uri},
    },
};

/// Who is calling, as far as they let us know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// `None` where withheld.
    pub(super) number: Option<Number>,
    pub(super) name: Option<String>,
    /// What the residents' list calls them: `3-2-101 王先生`.
    pub(super) listed: Option<String>,
}

/// Why a hotline call goes to a mobile, in RFC 5806's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiversionReason {
    Unconditional,
    NoAnswer,
    UserBusy,
}

impl DiversionReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unconditional => "unconditional",
            Self::NoAnswer => "no-answer",
            Self::UserBusy => "user-busy",
        }
    }
}

fn plain(display: Option<String>, uri: SipUri) -> NameAddr {
    NameAddr { display, uri: Uri::Sip(uri), params: Params::default() }
}

/// An address as a URI that leads there: `sip:192.0.2.1:5070;transport=tcp`.
pub(super) fn address_uri(user: Option<&str>, address: SocketAddr, transport: Transport) -> SipUri {
    let port = (address.port() != transport.default_port()).then_some(address.port());
    let mut uri = SipUri::new(user, Host::Ip(address.ip()), port);
    match transport {
        Transport::Udp => {}
        Transport::Tcp => uri.params.0.push(("transport".to_owned(), Some("tcp".to_owned()))),
        Transport::Tls => uri.params.0.push(("transport".to_owned(), Some("tls".to_owned()))),
    }
    uri
}

/// A domain as it stands in From and To: an address where it is one, else a name.
fn domain(text: &str) -> Host {
    text.trim_matches(['[', ']']).parse().map_or_else(|_| Host::Name(text.to_ascii_lowercase()), Host::Ip)
}

/// An INVITE to one contact of a desk phone: the caller's number as it came, and the name that the
/// residents' list knows, else the one that came.
pub(super) fn to_phone(phone: &str, contact: Uri, hop: Hop, caller: &Caller, realm: &str) -> Outgoing {
    let user = caller.number.as_ref().map_or("anonymous", |number| number.reveal().as_str());
    let from = plain(
        caller.listed.clone().or_else(|| caller.name.clone()),
        SipUri::new(Some(user), domain(realm), None),
    );
    Outgoing {
        uri: contact,
        hop,
        route: Vec::new(),
        from,
        to: plain(None, SipUri::new(Some(phone), domain(realm), None)),
        contact_user: "hotlined".to_owned(),
        headers: Headers::new(),
        credentials: None,
    }
}

/// What a forwarded call carries beside the caller.
#[derive(Debug, Clone)]
pub(super) struct Forwarded<'a> {
    pub(super) hotline: &'a str,
    pub(super) reason: DiversionReason,
    /// Our token, to recognise the call when it comes back.
    pub(super) token: &'a str,
}

/// An INVITE over a trunk, to a mobile (with `forwarded`) or to a number that a desk phone dialled.
pub(super) fn over_trunk(
    trunk: &TrunkSettings,
    server: SocketAddr,
    number: &str,
    caller: Option<&Caller>,
    forwarded: Option<&Forwarded<'_>>,
) -> Outgoing {
    let mut headers = Headers::new();
    let known = caller.and_then(|caller| caller.number.as_ref()).map(|number| number.reveal().as_str());
    let withheld = caller.is_some() && known.is_none();
    let caller_uri = |user: &str| SipUri::new(Some(user), domain(&trunk.domain), None);
    let mut from = plain(None, SipUri::new(Some(&trunk.number), domain(&trunk.domain), None));
    match (trunk.caller_identity, known) {
        (CallerIdentity::Asserted, Some(user)) => {
            headers.push(HeaderName::PAssertedIdentity, plain(None, caller_uri(user)).to_string());
        }
        (CallerIdentity::From, Some(user)) => from = plain(None, caller_uri(user)),
        (CallerIdentity::None, _) | (_, None) => {}
    }
    if withheld {
        // RFC 3323 §4.2: the caller asked us not to tell, so we ask the next one, too.
        headers.push(HeaderName::Privacy, "id");
    }
    if let Some(forwarded) = forwarded {
        if trunk.diversion {
            let by = plain(None, caller_uri(forwarded.hotline));
            headers.push(
                HeaderName::Diversion,
                format!("{by};reason={};counter=1;token={}", forwarded.reason.as_str(), forwarded.token),
            );
        }
        if trunk.user_to_user {
            headers.push(HeaderName::UserToUser, format!("{};encoding=hex", forwarded.token));
        }
    }
    Outgoing {
        uri: Uri::Sip(address_uri(Some(number), server, trunk.transport)),
        hop: trunk_hop(trunk, server),
        route: Vec::new(),
        from,
        to: plain(None, SipUri::new(Some(number), domain(&trunk.domain), None)),
        contact_user: trunk.number.clone(),
        headers,
        credentials: trunk.credentials.clone(),
    }
}

/// A REGISTER or OPTIONS to a trunk's server. `expires` makes it a REGISTER's.
pub(super) fn to_registrar(trunk: &TrunkSettings, server: SocketAddr, expires: Option<Duration>) -> Outgoing {
    let ours = plain(None, SipUri::new(Some(&trunk.number), domain(&trunk.domain), None));
    let mut headers = Headers::new();
    if let Some(expires) = expires {
        headers.push(HeaderName::Expires, expires.as_secs().to_string());
    }
    let named = SipUri::new(None, domain(&trunk.domain), None);
    let addressed = address_uri(None, server, trunk.transport);
    Outgoing {
        // RFC 3261 §10.2: a REGISTER names the domain, without a user.
        uri: Uri::Sip(if expires.is_some() { named } else { addressed }),
        hop: trunk_hop(trunk, server),
        route: Vec::new(),
        to: ours.clone(),
        from: ours,
        contact_user: trunk.number.clone(),
        headers,
        credentials: trunk.credentials.clone(),
    }
}

/// OPTIONS to a contact of a desk phone.
pub(super) fn question(contact: Uri, hop: Hop, realm: &str) -> Outgoing {
    let ours = plain(None, SipUri::new(Some("hotlined"), domain(realm), None));
    Outgoing {
        to: NameAddr { display: None, uri: contact.clone(), params: Params::default() },
        uri: contact,
        hop,
        route: Vec::new(),
        from: ours,
        contact_user: "hotlined".to_owned(),
        headers: Headers::new(),
        credentials: None,
    }
}

fn trunk_hop(trunk: &TrunkSettings, server: SocketAddr) -> Hop {
    Hop { transport: trunk.transport, listener: trunk.listener, remote: server, flow: None }
}
