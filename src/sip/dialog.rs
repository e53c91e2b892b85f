//! Dialogs (RFC 3261 §12): who the two ends are, how far each has counted, and which way a request
//! to the peer goes. A value with rules, not a machine: it sends nothing and keeps no time.
//!
//! Reading starts at [`Dialog::opened_by_response`] and [`Dialog::opened_by_request`], which make
//! one, and [`Dialog::request`], which uses it.

use std::net::{IpAddr, SocketAddr};

use super::{
    hop::{Hop, Listener, Transport},
    message::{HeaderName, Headers, Method, Request, Response},
    uri::{Host, NameAddr, Uri},
};

/// One dialog, early or confirmed, from our side.
#[derive(Debug, Clone)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    /// Our From value, tag included; as it stands in messages.
    local: String,
    /// The peer's, as it came.
    remote: String,
    pub(super) local_tag: String,
    /// Empty where the peer is of RFC 2543 and sent none (RFC 3261 §12.1.1).
    pub(super) remote_tag: String,
    pub(super) local_cseq: u32,
    remote_cseq: Option<u32>,
    route_set: Vec<NameAddr>,
    target: Uri,
    /// The way that the peer's messages come by: fallback for a target that cannot be reached.
    pub(super) hop: Hop,
    /// Our Contact value.
    pub(super) contact: String,
}

/// A request of the peer is older than one already seen: answer 500 (RFC 3261 §12.2.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder;

impl Dialog {
    /// The dialog that a 1xx or 2xx to our INVITE makes (RFC 3261 §12.1.2). Without a Contact the
    /// INVITE's own URI stays the target, so that even such a 2xx gets its ACK.
    pub(super) fn opened_by_response(invite: &Request, response: &Response, hop: Hop) -> Self {
        // A re-INVITE has its routes already; its 2xx need not repeat them (RFC 3261 §12.2.1.2).
        let route_set = match to_tag(&invite.headers) {
            Some(_) => invite.headers.routes().unwrap_or_default(),
            None => reversed_routes(&response.headers),
        };
        Self {
            call_id: invite.headers.get(&HeaderName::CallId).unwrap_or_default().to_owned(),
            local: invite.headers.get(&HeaderName::From).unwrap_or_default().to_owned(),
            remote: response.headers.get(&HeaderName::To).unwrap_or_default().to_owned(),
            local_tag: from_tag(&invite.headers),
            remote_tag: to_tag(&response.headers).unwrap_or_default(),
            local_cseq: invite.headers.cseq().map_or(1, |cseq| cseq.number),
            remote_cseq: None,
            route_set,
            target: contact(&response.headers).unwrap_or_else(|| bare(invite.uri.clone())),
            hop,
            contact: invite.headers.get(&HeaderName::Contact).unwrap_or_default().to_owned(),
        }
    }

    /// The dialog that a peer's INVITE makes with our tag (RFC 3261 §12.1.1).
    pub(super) fn opened_by_request(
        invite: &Request,
        local_tag: &str,
        contact_value: String,
        hop: Hop,
    ) -> Self {
        let to = invite.headers.get(&HeaderName::To).unwrap_or_default();
        let from = invite.headers.from();
        Self {
            call_id: invite.headers.get(&HeaderName::CallId).unwrap_or_default().to_owned(),
            local: format!("{to};tag={local_tag}"),
            remote: invite.headers.get(&HeaderName::From).unwrap_or_default().to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: from_tag(&invite.headers),
            local_cseq: 0,
            remote_cseq: invite.headers.cseq().map(|cseq| cseq.number),
            route_set: invite.headers.record_routes().unwrap_or_default(),
            target: contact(&invite.headers)
                .or_else(|| from.map(|from| bare(from.uri)))
                .unwrap_or_else(|| invite.uri.clone()),
            hop,
            contact: contact_value,
        }
    }

    /// The 2xx that confirms an early dialog settles its route set anew (RFC 3261 §13.2.2.4).
    pub(super) fn confirmed_by(&mut self, response: &Response, hop: Hop) {
        self.route_set = reversed_routes(&response.headers);
        self.hop = hop;
        self.refresh_target(&response.headers);
    }

    /// Takes over the Contact of a re-INVITE, an UPDATE or their 2xx (RFC 3261 §12.2, RFC 3311 §5).
    pub(super) fn refresh_target(&mut self, headers: &Headers) {
        if let Some(target) = contact(headers) {
            self.target = target;
        }
    }

    /// Counts a request of the peer. ACK and CANCEL share their INVITE's number and don't come here.
    pub(super) fn count_remote(&mut self, cseq: u32) -> Result<(), OutOfOrder> {
        if self.remote_cseq.is_some_and(|seen| cseq < seen) {
            return Err(OutOfOrder);
        }
        self.remote_cseq = Some(cseq);
        Ok(())
    }

    /// The next request to the peer and the way it goes; counts our CSeq (RFC 3261 §12.2.1.1).
    pub(super) fn request(&mut self, method: Method, listeners: &[Listener]) -> (Request, Hop) {
        self.local_cseq = self.local_cseq.saturating_add(1);
        (self.compose(method, self.local_cseq), self.next_hop(listeners))
    }

    /// The ACK to a 2xx of the INVITE that had this CSeq (RFC 3261 §13.2.2.4).
    pub(super) fn ack(&self, cseq: u32, listeners: &[Listener]) -> (Request, Hop) {
        (self.compose(Method::Ack, cseq), self.next_hop(listeners))
    }

    fn compose(&self, method: Method, cseq: u32) -> Request {
        let mut headers = Headers::new();
        let mut route = self.route_set.iter().cloned().collect::<std::collections::VecDeque<_>>();
        let uri = match route.front() {
            Some(first) if !is_loose(first) => {
                // A strict router finds its own URI as Request-URI, and the target last (RFC 3261 §12.2.1.1).
                let first = bare(first.uri.clone());
                route.pop_front();
                route.push_back(NameAddr::new(self.target.clone()));
                first
            }
            Some(_) | None => self.target.clone(),
        };
        for hop in route {
            headers.push(HeaderName::Route, hop.to_string());
        }
        headers.push(HeaderName::From, self.local.as_str());
        headers.push(HeaderName::To, self.remote.as_str());
        headers.push(HeaderName::CallId, self.call_id.as_str());
        headers.push(HeaderName::CSeq, format!("{cseq} {method}"));
        Request { method, uri, headers, body: Vec::new() }
    }

    /// Where the next request goes: the top Route or the target, if that is an address that can be
    /// reached; otherwise the way that the peer's last message came by. A private address that is not
    /// the sender's own lies behind a NAT (departs from RFC 3261 §12.2.1.1, as RFC 5626 and every
    /// telephone at home need it), and a name would have to be resolved, which nobody below the
    /// daemon can do.
    pub(super) fn next_hop(&self, listeners: &[Listener]) -> Hop {
        let uri = self.route_set.first().map_or(&self.target, |route| &route.uri);
        let Uri::Sip(uri) = uri else { return self.hop };
        let Host::Ip(ip) = uri.host else { return self.hop };
        if ip != self.hop.remote.ip() && is_inside(ip) || uri.port == Some(0) {
            return self.hop;
        }
        // A connection to that peer is open already (RFC 5923), whatever port its Contact names.
        if self.hop.transport.is_reliable() && ip == self.hop.remote.ip() && self.hop.flow.is_some() {
            return self.hop;
        }
        let named = uri.params.value("transport").and_then(transport_named);
        let transport = match named {
            _ if uri.secure => Transport::Tls,
            Some(named) => named,
            None if ip == self.hop.remote.ip() => self.hop.transport,
            None => Transport::Udp,
        };
        let fits = |l: &&Listener| l.transport == transport && l.advertised.is_ipv4() == ip.is_ipv4();
        let own = listeners.iter().filter(fits).find(|l| l.id == self.hop.listener);
        match own.or_else(|| listeners.iter().find(fits)) {
            Some(listener) => Hop {
                transport,
                listener: listener.id,
                remote: SocketAddr::new(ip, uri.port.unwrap_or(transport.default_port())),
                flow: None,
            },
            None => self.hop,
        }
    }
}

/// Our tag in a message of ours, the peer's in one of its own; empty where there is none.
pub(super) fn from_tag(headers: &Headers) -> String {
    headers.from().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default()
}

/// The tag of the side that answers; `None` in a request outside any dialog.
pub(super) fn to_tag(headers: &Headers) -> Option<String> {
    headers.to().and_then(|to| to.tag().map(str::to_owned))
}

fn reversed_routes(headers: &Headers) -> Vec<NameAddr> {
    let mut routes = headers.record_routes().unwrap_or_default();
    routes.reverse();
    routes
}

/// The first Contact, fit to be a Request-URI.
pub(super) fn contact(headers: &Headers) -> Option<Uri> {
    let contact = headers.contacts().ok()?.into_iter().next()?;
    Some(bare(contact.uri))
}

/// A URI without what a Request-URI must not hold: headers and `method` (RFC 3261 §19.1.1).
fn bare(uri: Uri) -> Uri {
    match uri {
        Uri::Sip(mut sip) => {
            sip.headers.clear();
            sip.params.remove("method");
            Uri::Sip(sip)
        }
        Uri::Tel(_) | Uri::Other(_) => uri,
    }
}

fn is_loose(route: &NameAddr) -> bool {
    match &route.uri {
        Uri::Sip(uri) => uri.params.has("lr"),
        Uri::Tel(_) | Uri::Other(_) => false,
    }
}

fn transport_named(name: &str) -> Option<Transport> {
    [Transport::Udp, Transport::Tcp, Transport::Tls]
        .into_iter()
        .find(|transport| transport.via_name().eq_ignore_ascii_case(name))
}

/// Whether an address means something only in the network of its owner: private (RFC 1918), shared
/// (RFC 6598), loopback, link-local, unspecified, unique local (RFC 4193).
pub(super) fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, _, _] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}
