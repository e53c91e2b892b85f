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

/// A response's status code, 100 to 699.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(u16);

/// A header's canonical name; compact forms are read as their long form (RFC 3261 §7.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HeaderName {
    Accept,
    Allow,
    AuthenticationInfo,
    Authorization,
    CSeq,
    CallId,
    CallInfo,
    AlertInfo,
    Contact,
    ContentLength,
    ContentType,
    Date,
    Diversion,
    Event,
    Expires,
    From,
    MaxForwards,
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
    SubscriptionState,
    Supported,
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

    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
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
