//! URIs and name-addrs (RFC 3261 §19.1, §20.10; RFC 3966 for `tel:`). What cannot be understood is kept as it came.

use std::net::IpAddr;

/// A URI. Unknown schemes are kept, so that they can be answered 416 (RFC 3261 §8.2.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uri {
    Sip(SipUri),
    Tel(TelUri),
    /// Any other scheme: the whole text.
    Other(String),
}

/// `sip:user;uparam@host:port;params?headers`. Escapes stay as they came; `PartialEq` is by text,
/// comparison after RFC 3261 §19.1.4 is [`SipUri::matches`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipUri {
    /// `sips:` rather than `sip:`.
    pub secure: bool,
    /// Still escaped, user parameters (`;phone-context=…`) included.
    pub user: Option<String>,
    pub password: Option<String>,
    pub host: Host,
    pub port: Option<u16>,
    pub params: Params,
    /// What follows `?`, names and values still escaped, in order.
    pub headers: Vec<(String, String)>,
}

/// `tel:+8613800000000;phone-context=…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelUri {
    pub number: String,
    pub params: Params,
}

/// The host part: a literal address or a name (kept in lower case).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    Ip(IpAddr),
    Name(String),
}

/// `;name=value` parameters in order; names in lower case, values as they came without their quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(pub Vec<(String, Option<String>)>);

/// A From, To, Contact, Route, Record-Route or Refer-To value: display name, URI, header parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// Unquoted and unescaped.
    pub display: Option<String>,
    pub uri: Uri,
    pub params: Params,
}
