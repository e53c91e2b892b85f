//! Header values as types, each with the RFC's grammar for reading and one way of writing. Names,
//! addresses and their parameters are in [`super::uri`]; which header of a message holds which type is
//! in [`super::headers`]. Nothing here looks at more than one value.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use super::{
    hop::Transport,
    message::Method,
    text::{self, Malformed, is_token},
    uri::{Host, Params},
};

/// RFC 3261 §8.1.1.7: a branch that begins so is unique to its transaction.
pub const BRANCH_COOKIE: &str = "z9hG4bK";

/// One Via value (RFC 3261 §20.42).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS`, or whatever a far hop used; as it came.
    pub transport: String,
    /// The host of sent-by.
    pub host: Host,
    /// The port of sent-by.
    pub port: Option<u16>,
    pub params: Params,
}

impl Via {
    /// Our own Via: asks for `rport` (RFC 3581), carries that branch.
    pub fn new(transport: Transport, sent_by: SocketAddr, branch: &str) -> Self {
        let mut params = Params::default();
        params.set("branch", Some(branch));
        params.set("rport", None);
        Self {
            transport: transport.via_name().to_owned(),
            host: Host::Ip(sent_by.ip()),
            port: Some(sent_by.port()),
            params,
        }
    }

    /// Reads one value; white space may stand around the slashes (RFC 3261 §25.1 `sent-protocol`).
    /// The protocol version is not looked at: it is the start line's that decides.
    ///
    /// # Errors
    /// A missing part, a malformed host, port or parameter.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        const MALFORMED: Malformed = Malformed("Via");
        let (name, rest) = value.split_once('/').ok_or(MALFORMED)?;
        let (version, rest) = rest.split_once('/').ok_or(MALFORMED)?;
        let (transport, rest) = rest.trim().split_once(|c: char| c.is_whitespace()).ok_or(MALFORMED)?;
        if !name.trim().eq_ignore_ascii_case("SIP") || !is_token(version.trim()) || !is_token(transport) {
            return Err(MALFORMED);
        }
        let (sent_by, params) = rest.find(';').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        let (host, port) = Host::parse_with_port(sent_by).map_err(|_| MALFORMED)?;
        let params = Params::parse(params).map_err(|_| MALFORMED)?;
        Ok(Self { transport: transport.to_owned(), host, port, params })
    }

    /// The transaction's identifier; only one that begins with [`BRANCH_COOKIE`] and goes on is unique.
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// Whether the branch is a RFC 3261 one: the cookie and something after it (RFC 4475 §3.2.1).
    pub fn has_unique_branch(&self) -> bool {
        let rest = self.branch().and_then(|b| b.get(..BRANCH_COOKIE.len()).zip(b.get(BRANCH_COOKIE.len()..)));
        rest.is_some_and(|(cookie, rest)| cookie.eq_ignore_ascii_case(BRANCH_COOKIE) && !rest.is_empty())
    }

    /// The address the request came from, as the next hop saw it (RFC 3261 §18.2.1).
    pub fn received(&self) -> Option<IpAddr> {
        let value = self.params.value("received")?;
        value.trim_matches(['[', ']']).parse().ok()
    }

    /// RFC 3581: whether there is an `rport`, filled in or not.
    pub fn wants_rport(&self) -> bool {
        self.params.has("rport")
    }

    /// RFC 3581: the port the request came from, as the next hop saw it.
    pub fn rport(&self) -> Option<u16> {
        self.params.value("rport").and_then(text::number)
    }

    /// Where responses shall go instead of sent-by (RFC 3261 §18.2.2).
    pub fn maddr(&self) -> Option<Host> {
        self.params.value("maddr").and_then(|value| Host::parse(value).ok())
    }

    /// The multicast time-to-live that goes with [`Via::maddr`].
    pub fn ttl(&self) -> Option<u8> {
        self.params.value("ttl").and_then(text::number)
    }

    /// Notes where the request really came from: `received` when sent-by says otherwise or `rport` was
    /// asked for, and the port in `rport` (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn stamp(&mut self, source: SocketAddr) {
        if self.wants_rport() {
            self.params.set("rport", Some(&source.port().to_string()));
        }
        if self.wants_rport() || self.host != Host::Ip(source.ip()) {
            self.params.set("received", Some(&source.ip().to_string()));
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}

/// A CSeq (RFC 3261 §20.16).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// Below 2³¹ (RFC 3261 §8.1.1.5).
    pub number: u32,
    pub method: Method,
}

impl CSeq {
    /// Reads `number method`, separated by any white space.
    ///
    /// # Errors
    /// A number of 2³¹ or more, a method that is no token.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        let (number, method) = two_words(value).ok_or(Malformed("CSeq"))?;
        let number = sequence_number(number).ok_or(Malformed("CSeq"))?;
        if !is_token(method) {
            return Err(Malformed("CSeq"));
        }
        Ok(Self { number, method: Method::parse(method) })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// What a PRACK acknowledges (RFC 3262 §7.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RAck {
    /// The RSeq of the provisional response.
    pub rseq: u32,
    /// The CSeq of the provisional response.
    pub cseq: CSeq,
}

impl RAck {
    /// Reads `rseq number method`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        let (rseq, cseq) = two_words(value).ok_or(Malformed("RAck"))?;
        let rseq = text::number(rseq).ok_or(Malformed("RAck"))?;
        Ok(Self { rseq, cseq: CSeq::parse(cseq).map_err(|_| Malformed("RAck"))? })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

/// Who refreshes the session (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    Uac,
    Uas,
}

/// A Session-Expires (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    pub seconds: u32,
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads `seconds;refresher=uac`.
    ///
    /// # Errors
    /// A number that is none. An unknown refresher counts as none.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        let (seconds, params) = value_and_params(value)?;
        let seconds = text::number(seconds).ok_or(Malformed("Session-Expires"))?;
        let refresher = match params.value("refresher") {
            Some(who) if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(who) if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Ok(Self { seconds, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// A Replaces (RFC 3891 §6.1): the dialog that the new one takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces {
    pub call_id: String,
    pub to_tag: String,
    pub from_tag: String,
    /// Only a dialog that has not been answered yet.
    pub early_only: bool,
}

impl Replaces {
    /// Reads the header, or what [`super::uri::SipUri::header`] gives of a Refer-To.
    ///
    /// # Errors
    /// No Call-ID, or one of the two tags missing.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        const MALFORMED: Malformed = Malformed("Replaces");
        let (call_id, params) = value_and_params(value).map_err(|_| MALFORMED)?;
        let tag = |name| params.value(name).map(str::to_owned).ok_or(MALFORMED);
        if call_id.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Self {
            call_id: call_id.to_owned(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.has("early-only"),
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        if self.early_only { f.write_str(";early-only") } else { Ok(()) }
    }
}

/// A Reason value (RFC 3326): `SIP;cause=200;text="Call completed elsewhere"`, `Q.850;cause=16`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub protocol: String,
    pub cause: Option<u16>,
    pub text: Option<String>,
}

impl Reason {
    /// Reads one value.
    ///
    /// # Errors
    /// A protocol that is no token, malformed parameters.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        let (protocol, params) = value_and_params(value)?;
        if !is_token(protocol) {
            return Err(Malformed("Reason"));
        }
        Ok(Self {
            protocol: protocol.to_owned(),
            cause: params.value("cause").and_then(text::number),
            text: params.value("text").map(str::to_owned),
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        if let Some(text) = &self.text {
            f.write_str(";text=")?;
            text::write_quoted(f, text)?;
        }
        Ok(())
    }
}

/// A Content-Type, or one range of an Accept (RFC 3261 §20.1, §20.15). Type and subtype in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    pub kind: String,
    pub subtype: String,
    pub params: Params,
}

impl MediaType {
    /// Reads `type/subtype;params`.
    ///
    /// # Errors
    /// A part that is no token.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        let (essence, params) = value_and_params(value)?;
        let (kind, subtype) = essence.split_once('/').ok_or(Malformed("media type"))?;
        let (kind, subtype) = (kind.trim(), subtype.trim());
        if !is_token(kind) || !is_token(subtype) {
            return Err(Malformed("media type"));
        }
        Ok(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), params })
    }

    /// Whether it is that type, whatever its parameters: `is("application", "sdp")`.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// Whether this range of an Accept takes in that type.
    pub fn includes(&self, kind: &str, subtype: &str) -> bool {
        (self.kind == "*" || self.kind == kind) && (self.subtype == "*" || self.subtype == subtype)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}

/// Seconds as Expires and Retry-After have them: too large counts as the largest, nonsense as 3600
/// (RFC 3261 §10.2.1.1).
pub(crate) fn read_expires(value: &str) -> u32 {
    let value = value.trim();
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return 3600;
    }
    value.parse().unwrap_or(u32::MAX)
}

/// A CSeq number: below 2³¹ (RFC 3261 §8.1.1.5).
fn sequence_number(text: &str) -> Option<u32> {
    text::number::<u32>(text).filter(|n| *n <= i32::MAX.unsigned_abs())
}

fn two_words(value: &str) -> Option<(&str, &str)> {
    let (first, second) = value.trim().split_once(|c: char| c.is_whitespace())?;
    Some((first, second.trim()))
}

/// `value;params`, the value trimmed.
pub(crate) fn value_and_params(text: &str) -> Result<(&str, Params), Malformed> {
    let (value, params) = text.find(';').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    Ok((value.trim(), Params::parse(params)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_via_is_read_with_white_space_anywhere() {
        let via =
            Via::parse("SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8").unwrap();
        assert_eq!(via.to_string(), "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8");
        let via =
            Via::parse("SIP/2.0/UDP [2001:db8::9:1] : 5070;received=2001:db8::9:255;rport=5062").unwrap();
        assert_eq!(via.port, Some(5070));
        assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()));
        assert_eq!(via.rport(), Some(5062));
        assert_eq!(Via::parse(&via.to_string()), Ok(via));
    }

    #[test]
    fn a_broken_via_is_refused() {
        for text in [
            "SIP/2.0/UDP 192.0.2.15;;",
            "",
            "SIP/2.0/UDP",
            "SIP/2.0 192.0.2.1",
            "HTTP/1.1/TCP h",
            "SIP/2.0/UDP ;x",
        ] {
            assert_eq!(Via::parse(text), Err(Malformed("Via")), "{text}");
        }
    }

    #[test]
    fn a_branch_of_the_cookie_alone_is_not_unique() {
        let branch = |b: &str| Via::parse(&format!("SIP/2.0/UDP h;branch={b}")).unwrap().has_unique_branch();
        assert!(branch("z9hG4bKx"));
        assert!(branch("Z9HG4BKx"));
        assert!(!branch("z9hG4bK"));
        assert!(!branch("390skdjuw"));
        assert!(!branch("ééééé"));
    }

    #[test]
    fn a_via_is_stamped_with_the_true_source() {
        let source: SocketAddr = "203.0.113.9:40000".parse().unwrap();
        let stamped = |text: &str| {
            let mut via = Via::parse(text).unwrap();
            via.stamp(source);
            via.to_string()
        };
        assert_eq!(stamped("SIP/2.0/UDP 203.0.113.9:40000"), "SIP/2.0/UDP 203.0.113.9:40000");
        assert_eq!(stamped("SIP/2.0/UDP 10.0.0.7"), "SIP/2.0/UDP 10.0.0.7;received=203.0.113.9");
        assert_eq!(
            stamped("SIP/2.0/UDP 203.0.113.9;rport;branch=z9hG4bK1"),
            "SIP/2.0/UDP 203.0.113.9;rport=40000;branch=z9hG4bK1;received=203.0.113.9"
        );
        assert_eq!(stamped("SIP/2.0/UDP pc.example.com"), "SIP/2.0/UDP pc.example.com;received=203.0.113.9");
    }

    #[test]
    fn a_cseq_below_two_to_the_31_is_read() {
        assert_eq!(CSeq::parse("0009   INVITE"), Ok(CSeq { number: 9, method: Method::Invite }));
        assert_eq!(CSeq::parse("9\tBYE"), Ok(CSeq { number: 9, method: Method::Bye }));
        assert_eq!(CSeq::parse("2147483647 ACK").unwrap().number, 2_147_483_647);
        for text in
            ["2147483648 ACK", "36893488147419103232 REGISTER", "-1 ACK", "1", "ACK", "1 (ACK)", "1 A B"]
        {
            assert_eq!(CSeq::parse(text), Err(Malformed("CSeq")), "{text}");
        }
    }

    #[test]
    fn typed_values_are_written_as_they_are_read() {
        assert_eq!(RAck::parse("776656 1 INVITE").unwrap().to_string(), "776656 1 INVITE");
        assert_eq!(SessionExpires::parse("1800 ; refresher=UAS").unwrap().to_string(), "1800;refresher=uas");
        let replaces = "98732@sip.example.com;to-tag=r33th4x0r;from-tag=ff87ff;early-only";
        assert_eq!(Replaces::parse(replaces).unwrap().to_string(), replaces);
        assert!(Replaces::parse("98732@sip.example.com;to-tag=r33th4x0r").is_err());
        let reason = r#"SIP;cause=200;text="Call completed elsewhere""#;
        assert_eq!(Reason::parse(reason).unwrap().to_string(), reason);
        let media = r#"multipart/mixed;boundary="a b""#;
        assert_eq!(MediaType::parse(media).unwrap().to_string(), media);
        assert!(MediaType::parse("sdp").is_err());
    }
}
