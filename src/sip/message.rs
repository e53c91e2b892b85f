//! Requests and responses as values (RFC 3261 §7). Their text is read by [`super::parse`] and
//! written by [`super::write`].

/// A request method. Unknown ones are kept as they came, so that they can be answered 405 or 501.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Register,
    Options,
    Prack,
    Update,
    Info,
    Subscribe,
    Notify,
    Refer,
    Message,
    Publish,
    Other(String),
}

impl Method {
    /// The method of that name. Method names are case-sensitive (RFC 3261 §7.1), so `invite` is
    /// some other method. (rsip's parser ignores case and refuses unknown names; hence ours.)
    pub fn parse(name: &str) -> Self {
        match name {
            "INVITE" => Self::Invite,
            "ACK" => Self::Ack,
            "BYE" => Self::Bye,
            "CANCEL" => Self::Cancel,
            "REGISTER" => Self::Register,
            "OPTIONS" => Self::Options,
            "PRACK" => Self::Prack,
            "UPDATE" => Self::Update,
            "INFO" => Self::Info,
            "SUBSCRIBE" => Self::Subscribe,
            "NOTIFY" => Self::Notify,
            "REFER" => Self::Refer,
            "MESSAGE" => Self::Message,
            "PUBLISH" => Self::Publish,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name as it stands in a request line and in CSeq.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Register => "REGISTER",
            Self::Options => "OPTIONS",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Refer => "REFER",
            Self::Message => "MESSAGE",
            Self::Publish => "PUBLISH",
            Self::Other(name) => name,
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A response's status code, 100 to 699.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(u16);

/// The codes that this program sends or tells apart.
impl Status {
    pub const TRYING: Self = Self(100);
    pub const RINGING: Self = Self(180);
    pub const CALL_IS_BEING_FORWARDED: Self = Self(181);
    pub const QUEUED: Self = Self(182);
    pub const SESSION_PROGRESS: Self = Self(183);
    pub const OK: Self = Self(200);
    pub const ACCEPTED: Self = Self(202);
    pub const MULTIPLE_CHOICES: Self = Self(300);
    pub const MOVED_PERMANENTLY: Self = Self(301);
    pub const MOVED_TEMPORARILY: Self = Self(302);
    pub const BAD_REQUEST: Self = Self(400);
    pub const UNAUTHORIZED: Self = Self(401);
    pub const FORBIDDEN: Self = Self(403);
    pub const NOT_FOUND: Self = Self(404);
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    pub const NOT_ACCEPTABLE: Self = Self(406);
    pub const PROXY_AUTHENTICATION_REQUIRED: Self = Self(407);
    pub const REQUEST_TIMEOUT: Self = Self(408);
    pub const GONE: Self = Self(410);
    pub const REQUEST_ENTITY_TOO_LARGE: Self = Self(413);
    pub const UNSUPPORTED_MEDIA_TYPE: Self = Self(415);
    pub const UNSUPPORTED_URI_SCHEME: Self = Self(416);
    pub const BAD_EXTENSION: Self = Self(420);
    pub const EXTENSION_REQUIRED: Self = Self(421);
    pub const SESSION_INTERVAL_TOO_SMALL: Self = Self(422);
    pub const INTERVAL_TOO_BRIEF: Self = Self(423);
    pub const TEMPORARILY_UNAVAILABLE: Self = Self(480);
    pub const CALL_DOES_NOT_EXIST: Self = Self(481);
    pub const LOOP_DETECTED: Self = Self(482);
    pub const TOO_MANY_HOPS: Self = Self(483);
    pub const ADDRESS_INCOMPLETE: Self = Self(484);
    pub const BUSY_HERE: Self = Self(486);
    pub const REQUEST_TERMINATED: Self = Self(487);
    pub const NOT_ACCEPTABLE_HERE: Self = Self(488);
    pub const BAD_EVENT: Self = Self(489);
    pub const REQUEST_PENDING: Self = Self(491);
    pub const SERVER_INTERNAL_ERROR: Self = Self(500);
    pub const NOT_IMPLEMENTED: Self = Self(501);
    pub const BAD_GATEWAY: Self = Self(502);
    pub const SERVICE_UNAVAILABLE: Self = Self(503);
    pub const SERVER_TIME_OUT: Self = Self(504);
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);
    pub const MESSAGE_TOO_LARGE: Self = Self(513);
    pub const BUSY_EVERYWHERE: Self = Self(600);
    pub const DECLINE: Self = Self(603);
    pub const NOT_ACCEPTABLE_GLOBALLY: Self = Self(606);
}

impl Status {
    /// `None` outside 100 to 699 (RFC 3261 §7.2).
    pub fn new(code: u16) -> Option<Self> {
        (100..=699).contains(&code).then_some(Self(code))
    }

    /// The three digits as a number.
    pub fn code(self) -> u16 {
        self.0
    }

    /// 1xx: the transaction goes on.
    pub fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// 2xx.
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.0)
    }

    /// 3xx.
    pub fn is_redirection(self) -> bool {
        (300..400).contains(&self.0)
    }

    /// 200 to 699: the transaction's last word.
    pub fn is_final(self) -> bool {
        self.0 >= 200
    }

    /// The RFC's phrase for the code, from rsip's list of codes; empty for a code it does not know.
    pub fn reason_phrase(self) -> String {
        // Where rsip's identifier has lost the phrase's spelling.
        match self.0 {
            // rsip takes 202 out of RFC 3265 for 201.
            202 => return "Accepted".to_owned(),
            414 => return "Request-URI Too Long".to_owned(),
            416 => return "Unsupported URI Scheme".to_owned(),
            481 => return "Call/Transaction Does Not Exist".to_owned(),
            504 => return "Server Time-out".to_owned(),
            606 => return "Not Acceptable".to_owned(),
            _ => {}
        }
        match rsip::StatusCode::from(self.0) {
            rsip::StatusCode::Other(..) => String::new(),
            rsip::StatusCode::OK => "OK".to_owned(),
            // Its `Display` is `404 NotFound`: the phrase without its spaces.
            known => spaced(known.to_string().trim_start_matches(|c: char| !c.is_ascii_alphabetic())),
        }
    }
}

/// `NotFound` → `Not Found`.
fn spaced(joined: &str) -> String {
    let mut phrase = String::with_capacity(joined.len().saturating_add(4));
    for letter in joined.chars() {
        if letter.is_ascii_uppercase() && !phrase.is_empty() {
            phrase.push(' ');
        }
        phrase.push(letter);
    }
    phrase
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A header's canonical name; compact forms are read as their long form (RFC 3261 §7.3.3).
/// [`HeaderName::parse`] makes them; two `Other` names are equal whatever their case.
#[derive(Debug, Clone)]
pub enum HeaderName {
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    Allow,
    AllowEvents,
    AuthenticationInfo,
    Authorization,
    CSeq,
    CallId,
    CallInfo,
    AlertInfo,
    Contact,
    ContentDisposition,
    ContentEncoding,
    ContentLength,
    ContentType,
    Date,
    Diversion,
    Event,
    Expires,
    From,
    HistoryInfo,
    MaxForwards,
    MimeVersion,
    MinExpires,
    MinSe,
    PAssertedIdentity,
    PPreferredIdentity,
    Path,
    Privacy,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyRequire,
    RAck,
    RSeq,
    Reason,
    RecordRoute,
    ReferTo,
    ReferredBy,
    Replaces,
    Require,
    RetryAfter,
    Route,
    Server,
    SessionExpires,
    Subject,
    SubscriptionState,
    Supported,
    Timestamp,
    To,
    Unsupported,
    UserAgent,
    UserToUser,
    Via,
    Warning,
    WwwAuthenticate,
    Other(String),
}

/// One header line: name and value, unfolded, without the line end. Values that are not UTF-8 were
/// read as Latin-1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: HeaderName,
    pub value: String,
}

/// The header lines of a message in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    /// The first line of that name.
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.0.iter().find(|h| h.name == *name).map(|h| h.value.as_str())
    }

    /// Every line of that name, in order. One line may still hold several values, comma-separated.
    pub fn all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |h| h.name == *name).map(|h| h.value.as_str())
    }

    /// Adds a line after all others.
    pub fn push(&mut self, name: HeaderName, value: impl Into<String>) {
        self.0.push(Header { name, value: value.into() });
    }

    /// Adds a line before all others.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<String>) {
        self.0.insert(0, Header { name, value: value.into() });
    }

    /// Replaces every line of that name by one; adds it where there was none.
    pub fn set(&mut self, name: HeaderName, value: impl Into<String>) {
        match self.0.iter().position(|h| h.name == name) {
            Some(at) => {
                let mut value = Some(value.into());
                let mut index = 0;
                self.0.retain_mut(|h| {
                    let keep = h.name != name || index == at;
                    if index == at {
                        h.value = value.take().unwrap_or_default();
                    }
                    index += 1;
                    keep
                });
            }
            None => self.push(name, value),
        }
    }

    /// Takes every line of that name out.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|h| h.name != *name);
    }

    /// All lines in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// Copies every line of that name from `other`, after all lines here.
    pub fn copy(&mut self, name: &HeaderName, other: &Headers) {
        self.0.extend(other.0.iter().filter(|h| h.name == *name).cloned());
    }
}

/// A request (RFC 3261 §7.1). `Content-Length` is not among the headers: the writer adds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub uri: super::uri::Uri,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// A response (RFC 3261 §7.2). `Content-Length` is not among the headers: the writer adds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: Status,
    /// The reason phrase as received; an empty one is written as the status's usual phrase.
    pub reason: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// What came in or goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Request(Request),
    Response(Response),
}

impl Response {
    /// The answer to a request as RFC 3261 §8.2.6.2 wants it: every Via, From, To, Call-ID and CSeq as
    /// they came. A To tag, Contact and Record-Route are the caller's to add.
    pub fn answering(request: &Request, status: Status) -> Self {
        let mut headers = Headers::new();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq]
        {
            headers.copy(&name, &request.headers);
        }
        Self { status, reason: String::new(), headers, body: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_told_by_its_exact_name() {
        assert_eq!(Method::parse("INVITE"), Method::Invite);
        assert_eq!(Method::parse("invite"), Method::Other("invite".to_owned()));
        assert_eq!(Method::parse("PRACK").as_str(), "PRACK");
    }

    #[test]
    fn a_status_outside_100_to_699_does_not_exist() {
        assert_eq!(Status::new(99), None);
        assert_eq!(Status::new(700), None);
        assert_eq!(Status::new(183), Some(Status::SESSION_PROGRESS));
    }

    #[test]
    fn phrases_are_those_of_the_rfc() {
        for (code, phrase) in [
            (100, "Trying"),
            (181, "Call Is Being Forwarded"),
            (183, "Session Progress"),
            (200, "OK"),
            (202, "Accepted"),
            (404, "Not Found"),
            (407, "Proxy Authentication Required"),
            (481, "Call/Transaction Does Not Exist"),
            (487, "Request Terminated"),
            (500, "Server Internal Error"),
            (603, "Decline"),
            (299, ""),
        ] {
            assert_eq!(Status::new(code).unwrap().reason_phrase(), phrase);
        }
    }
}
