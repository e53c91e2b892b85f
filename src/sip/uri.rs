//! URIs and name-addrs (RFC 3261 §19.1, §20.10; RFC 3966 for `tel:`). What cannot be understood is kept as it came.

mod compare;
mod name_addr;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, net::IpAddr};

use super::text::{Malformed, is_token, is_token_byte, number, split, unescape, unquote, write_quoted};
use compare::text_matches;

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

impl Uri {
    /// Reads one URI without angle brackets around it.
    ///
    /// # Errors
    /// No scheme, white space inside, a `sip:` URI without a host, a port that is none.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (scheme, rest) = text.split_once(':').ok_or(Malformed("URI"))?;
        let starts_well = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts_well || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            return Err(Malformed("URI scheme"));
        }
        if rest.is_empty() || rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Malformed("URI"));
        }
        if scheme.eq_ignore_ascii_case("sip") {
            SipUri::parse(rest, false).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("sips") {
            SipUri::parse(rest, true).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("tel") {
            TelUri::parse(rest).map(Self::Tel)
        } else if rest.contains(['<', '>', '"']) {
            Err(Malformed("URI"))
        } else {
            Ok(Self::Other(text.to_owned()))
        }
    }

    /// The `sip:` or `sips:` URI, if it is one.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Tel(_) | Self::Other(_) => None,
        }
    }

    /// Whom it names: the user part (escapes undone, without user parameters) or the telephone
    /// number; `None` for a bare host and for other schemes.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Sip(uri) => uri.plain_user(),
            Self::Tel(uri) => Some(uri.number.as_str().into()),
            Self::Other(_) => None,
        }
    }

    /// The scheme, in lower case where we know it: `sip`, `sips`, `tel`.
    pub fn scheme(&self) -> &str {
        match self {
            Self::Sip(uri) if uri.secure => "sips",
            Self::Sip(_) => "sip",
            Self::Tel(_) => "tel",
            Self::Other(text) => text.split(':').next().unwrap_or_default(),
        }
    }

    /// Whether two URIs name the same resource: RFC 3261 §19.1.4 for `sip:`, RFC 3966 §4 for `tel:`,
    /// the text for all others.
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.matches(b),
            (Self::Tel(a), Self::Tel(b)) => a.matches(b),
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }
}

impl SipUri {
    /// `sip:user@host:port`, or `sip:host:port` without a user. `user` is escaped where it must be.
    pub fn new(user: Option<&str>, host: Host, port: Option<u16>) -> Self {
        Self {
            secure: false,
            user: user.map(escape_user),
            password: None,
            host,
            port,
            params: Params::default(),
            headers: Vec::new(),
        }
    }

    /// `rest` is what follows the scheme and its colon.
    fn parse(rest: &str, secure: bool) -> Result<Self, Malformed> {
        // An `@` can't stand unescaped in what follows the userinfo, but `;`, `?` and `/` can stand in it.
        let (userinfo, rest) = match rest.split_once('@') {
            Some((userinfo, rest)) => (Some(userinfo), rest),
            None => (None, rest),
        };
        let (user, password) =
            match userinfo.map(|u| u.split_once(':').map_or((u, None), |(u, p)| (u, Some(p)))) {
                Some(("", None)) | None => (None, None),
                Some(("", Some(_))) => return Err(Malformed("URI user")),
                Some((user, password)) => (Some(user.to_owned()), password.map(str::to_owned)),
            };
        if userinfo.is_some_and(|u| u.contains(['<', '>', '"'])) {
            return Err(Malformed("URI user"));
        }
        let (rest, headers) =
            rest.split_once('?').map_or((rest, None), |(rest, headers)| (rest, Some(headers)));
        let (host_port, params) = match rest.find(';').and_then(|at| rest.split_at_checked(at)) {
            Some((host_port, params)) => (host_port, Params::parse_uri(params)?),
            None => (rest, Params::default()),
        };
        let (host, port) = Host::parse_with_port(host_port)?;
        Ok(Self {
            secure,
            user,
            password,
            host,
            port,
            params,
            headers: headers.map(read_headers).unwrap_or_default(),
        })
    }

    /// The user with its escapes undone and without user parameters: `+8613800000000` of
    /// `+8613800000000;phone-context=…`.
    pub fn plain_user(&self) -> Option<Cow<'_, str>> {
        let user = self.user.as_deref()?;
        Some(unescape(user.split(';').next().unwrap_or(user)))
    }

    /// The header after `?` of that name, its escapes undone: `Replaces` of a Refer-To URI.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.headers.iter().find(|(n, _)| unescape(n).eq_ignore_ascii_case(name))?;
        Some(unescape(value))
    }

    /// The URI without what follows `?`, fit for a Request-URI (RFC 3261 §19.1.5).
    pub fn without_headers(&self) -> Self {
        Self { headers: Vec::new(), ..self.clone() }
    }
}

fn read_headers(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Escapes what may not stand in a user part (RFC 3261 §25.1 `user`).
fn escape_user(user: &str) -> String {
    use std::fmt::Write;

    let mut escaped = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/#".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("a String takes all that is written");
        }
    }
    escaped
}

impl TelUri {
    fn parse(rest: &str) -> Result<Self, Malformed> {
        let (number, params) = match rest.find(';').and_then(|at| rest.split_at_checked(at)) {
            Some((number, params)) => (number, Params::parse_uri(params)?),
            None => (rest, Params::default()),
        };
        let digits = |b: u8| b.is_ascii_hexdigit() || b"+*#-.()".contains(&b);
        if number.is_empty() || !number.bytes().all(digits) {
            return Err(Malformed("telephone number"));
        }
        Ok(Self { number: number.to_owned(), params })
    }

    fn matches(&self, other: &Self) -> bool {
        let digits = |number: &str| -> String {
            number
                .chars()
                .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
                .map(|c| c.to_ascii_lowercase())
                .collect()
        };
        digits(&self.number) == digits(&other.number)
            && self.params.0.len() == other.params.0.len()
            && self.params.0.iter().all(|(name, value)| {
                other.params.0.iter().any(|(n, v)| n == name && text_matches(value.as_deref(), v.as_deref()))
            })
    }
}

impl Host {
    /// Reads a name, an IPv4 address, or an IPv6 address in brackets.
    ///
    /// # Errors
    /// Anything else, the empty text included.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').ok_or(Malformed("host"))?;
            return address.parse().map(|a| Self::Ip(IpAddr::V6(a))).map_err(|_| Malformed("host"));
        }
        // An underscore is no host name, yet seen in the field.
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            return Err(Malformed("host"));
        }
        Ok(text
            .parse()
            .map_or_else(|_| Self::Name(text.to_ascii_lowercase()), |address| Self::Ip(IpAddr::V4(address))))
    }

    /// Reads `host` or `host:port`; white space may stand around the colon (RFC 3261 §25.1 `COLON`).
    ///
    /// # Errors
    /// As [`Host::parse`], or a port that is none.
    pub fn parse_with_port(text: &str) -> Result<(Self, Option<u16>), Malformed> {
        let after_brackets = text.find(']').unwrap_or(0);
        let colon = text
            .get(after_brackets..)
            .and_then(|rest| rest.find(':'))
            .map(|at| at.saturating_add(after_brackets));
        match colon.and_then(|at| text.split_at_checked(at)) {
            Some((host, port)) => {
                let port = port.strip_prefix(':').and_then(|p| number(p.trim())).ok_or(Malformed("port"))?;
                Ok((Self::parse(host.trim())?, Some(port)))
            }
            None => Ok((Self::parse(text.trim())?, None)),
        }
    }
}

impl Params {
    /// Header parameters: empty, or text that begins with `;`.
    ///
    /// # Errors
    /// A name that is no token, an empty parameter (one `;` at the end is let pass), an open quote.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::read(text, read_name)
    }

    /// URI parameters: as header parameters, but names may be escaped (RFC 4475 §3.1.1.3: `%6C%72` is `lr`).
    fn parse_uri(text: &str) -> Result<Self, Malformed> {
        Self::read(text, |name| {
            let plain = unescape(name);
            // A name that would still hold an escape stays as it came, or it would be unescaped twice.
            if is_token(&plain) && !plain.contains('%') {
                return Ok(plain.to_ascii_lowercase());
            }
            let fits = |b: u8| is_token_byte(b) || b"[]/:&+$()".contains(&b);
            let fits = !name.is_empty() && name.bytes().all(fits);
            if fits { Ok(name.to_ascii_lowercase()) } else { Err(Malformed("parameter")) }
        })
    }

    fn read(text: &str, name_of: fn(&str) -> Result<String, Malformed>) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let text = text.strip_prefix(';').ok_or(Malformed("parameter"))?;
        let text = text.strip_suffix(';').unwrap_or(text);
        let mut params = Vec::new();
        for piece in split(text, b';') {
            let (name, value) = piece.split_once('=').map_or((piece, None), |(n, v)| (n, Some(v)));
            let value = match value.map(str::trim) {
                None => None,
                Some(quoted) if quoted.starts_with('"') => {
                    Some(unquote(quoted).ok_or(Malformed("quoted parameter"))?)
                }
                Some(bare) if bare.contains(|c: char| c.is_whitespace() || c == '"') => {
                    return Err(Malformed("parameter"));
                }
                Some(bare) => Some(bare.to_owned()),
            };
            params.push((name_of(name.trim())?, value));
        }
        Ok(Self(params))
    }

    /// Whether there is a parameter of that name (given in lower case), with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// The value of the first parameter of that name (given in lower case); `None` too when it has none.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name)?.1.as_deref()
    }

    /// Replaces the first parameter of that name (given in lower case), or adds it.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(str::to_owned);
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes every parameter of that name (given in lower case) out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, may_be_bare: fn(&str, &str) -> bool) -> fmt::Result {
        for (name, value) in &self.0 {
            write!(f, ";{name}")?;
            match value {
                Some(value) if may_be_bare(name, value) => write!(f, "={value}")?,
                Some(value) => {
                    f.write_str("=")?;
                    write_quoted(f, value)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn read_name(name: &str) -> Result<String, Malformed> {
    if is_token(name) { Ok(name.to_ascii_lowercase()) } else { Err(Malformed("parameter")) }
}

/// In a header: token or host (RFC 3261 §25.1 `gen-value`). Feature tags are always quoted (RFC 3840 §9).
fn bare_in_header(name: &str, value: &str) -> bool {
    !name.starts_with('+')
        && !value.is_empty()
        && value.bytes().all(|b| is_token_byte(b) || b"[]:".contains(&b))
}

/// In a URI: `paramchar`, and whatever else came unquoted and is not misread that way.
fn bare_in_uri(_name: &str, value: &str) -> bool {
    !value
        .contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | ';' | ',' | '?' | '@' | '\\'))
}

/// As header parameters.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, bare_in_header)
    }
}

/// IPv6 addresses stand in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => uri.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.write(f, bare_in_uri)?;
        for (index, (name, value)) in self.headers.iter().enumerate() {
            let before = if index == 0 { '?' } else { '&' };
            write!(f, "{before}{name}={value}")?;
        }
        Ok(())
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}", self.number)?;
        self.params.write(f, bare_in_uri)
    }
}
