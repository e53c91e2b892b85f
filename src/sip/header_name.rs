//! The names of header fields: their canonical spelling, and their compact forms (RFC 3261 §7.3.3).

use std::hash::{Hash, Hasher};

use super::message::HeaderName;

/// Every name that we know, in its canonical spelling.
const KNOWN: [(HeaderName, &str); 56] = [
    (HeaderName::Accept, "Accept"),
    (HeaderName::AcceptEncoding, "Accept-Encoding"),
    (HeaderName::AcceptLanguage, "Accept-Language"),
    (HeaderName::Allow, "Allow"),
    (HeaderName::AllowEvents, "Allow-Events"),
    (HeaderName::AuthenticationInfo, "Authentication-Info"),
    (HeaderName::Authorization, "Authorization"),
    (HeaderName::CSeq, "CSeq"),
    (HeaderName::CallId, "Call-ID"),
    (HeaderName::CallInfo, "Call-Info"),
    (HeaderName::AlertInfo, "Alert-Info"),
    (HeaderName::Contact, "Contact"),
    (HeaderName::ContentDisposition, "Content-Disposition"),
    (HeaderName::ContentEncoding, "Content-Encoding"),
    (HeaderName::ContentLength, "Content-Length"),
    (HeaderName::ContentType, "Content-Type"),
    (HeaderName::Date, "Date"),
    (HeaderName::Diversion, "Diversion"),
    (HeaderName::Event, "Event"),
    (HeaderName::Expires, "Expires"),
    (HeaderName::From, "From"),
    (HeaderName::HistoryInfo, "History-Info"),
    (HeaderName::MaxForwards, "Max-Forwards"),
    (HeaderName::MimeVersion, "MIME-Version"),
    (HeaderName::MinExpires, "Min-Expires"),
    (HeaderName::MinSe, "Min-SE"),
    (HeaderName::PAssertedIdentity, "P-Asserted-Identity"),
    (HeaderName::PPreferredIdentity, "P-Preferred-Identity"),
    (HeaderName::Path, "Path"),
    (HeaderName::Privacy, "Privacy"),
    (HeaderName::ProxyAuthenticate, "Proxy-Authenticate"),
    (HeaderName::ProxyAuthorization, "Proxy-Authorization"),
    (HeaderName::ProxyRequire, "Proxy-Require"),
    (HeaderName::RAck, "RAck"),
    (HeaderName::RSeq, "RSeq"),
    (HeaderName::Reason, "Reason"),
    (HeaderName::RecordRoute, "Record-Route"),
    (HeaderName::ReferTo, "Refer-To"),
    (HeaderName::ReferredBy, "Referred-By"),
    (HeaderName::Replaces, "Replaces"),
    (HeaderName::Require, "Require"),
    (HeaderName::RetryAfter, "Retry-After"),
    (HeaderName::Route, "Route"),
    (HeaderName::Server, "Server"),
    (HeaderName::SessionExpires, "Session-Expires"),
    (HeaderName::Subject, "Subject"),
    (HeaderName::SubscriptionState, "Subscription-State"),
    (HeaderName::Supported, "Supported"),
    (HeaderName::Timestamp, "Timestamp"),
    (HeaderName::To, "To"),
    (HeaderName::Unsupported, "Unsupported"),
    (HeaderName::UserAgent, "User-Agent"),
    (HeaderName::UserToUser, "User-To-User"),
    (HeaderName::Via, "Via"),
    (HeaderName::Warning, "Warning"),
    (HeaderName::WwwAuthenticate, "WWW-Authenticate"),
];

impl HeaderName {
    /// The header of that name, in whatever case, long or compact.
    pub fn parse(name: &str) -> Self {
        if let [letter] = name.as_bytes() {
            return Self::compact(*letter).unwrap_or_else(|| Self::Other(name.to_owned()));
        }
        KNOWN
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map_or_else(|| Self::Other(name.to_owned()), |(known, _)| known.clone())
    }

    /// The canonical spelling; an unknown name as it came.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Accept => "Accept",
            Self::AcceptEncoding => "Accept-Encoding",
            Self::AcceptLanguage => "Accept-Language",
            Self::Allow => "Allow",
            Self::AllowEvents => "Allow-Events",
            Self::AuthenticationInfo => "Authentication-Info",
            Self::Authorization => "Authorization",
            Self::CSeq => "CSeq",
            Self::CallId => "Call-ID",
            Self::CallInfo => "Call-Info",
            Self::AlertInfo => "Alert-Info",
            Self::Contact => "Contact",
            Self::ContentDisposition => "Content-Disposition",
            Self::ContentEncoding => "Content-Encoding",
            Self::ContentLength => "Content-Length",
            Self::ContentType => "Content-Type",
            Self::Date => "Date",
            Self::Diversion => "Diversion",
            Self::Event => "Event",
            Self::Expires => "Expires",
            Self::From => "From",
            Self::HistoryInfo => "History-Info",
            Self::MaxForwards => "Max-Forwards",
            Self::MimeVersion => "MIME-Version",
            Self::MinExpires => "Min-Expires",
            Self::MinSe => "Min-SE",
            Self::PAssertedIdentity => "P-Asserted-Identity",
            Self::PPreferredIdentity => "P-Preferred-Identity",
            Self::Path => "Path",
            Self::Privacy => "Privacy",
            Self::ProxyAuthenticate => "Proxy-Authenticate",
            Self::ProxyAuthorization => "Proxy-Authorization",
            Self::ProxyRequire => "Proxy-Require",
            Self::RAck => "RAck",
            Self::RSeq => "RSeq",
            Self::Reason => "Reason",
            Self::RecordRoute => "Record-Route",
            Self::ReferTo => "Refer-To",
            Self::ReferredBy => "Referred-By",
            Self::Replaces => "Replaces",
            Self::Require => "Require",
            Self::RetryAfter => "Retry-After",
            Self::Route => "Route",
            Self::Server => "Server",
            Self::SessionExpires => "Session-Expires",
            Self::Subject => "Subject",
            Self::SubscriptionState => "Subscription-State",
            Self::Supported => "Supported",
            Self::Timestamp => "Timestamp",
            Self::To => "To",
            Self::Unsupported => "Unsupported",
            Self::UserAgent => "User-Agent",
            Self::UserToUser => "User-To-User",
            Self::Via => "Via",
            Self::Warning => "Warning",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::Other(name) => name,
        }
    }

    fn compact(letter: u8) -> Option<Self> {
        match letter.to_ascii_lowercase() {
            b'b' => Some(Self::ReferredBy),
            b'c' => Some(Self::ContentType),
            b'e' => Some(Self::ContentEncoding),
            b'f' => Some(Self::From),
            b'i' => Some(Self::CallId),
            b'k' => Some(Self::Supported),
            b'l' => Some(Self::ContentLength),
            b'm' => Some(Self::Contact),
            b'o' => Some(Self::Event),
            b'r' => Some(Self::ReferTo),
            b's' => Some(Self::Subject),
            b't' => Some(Self::To),
            b'u' => Some(Self::AllowEvents),
            b'v' => Some(Self::Via),
            b'x' => Some(Self::SessionExpires),
            _ => None,
        }
    }
}

/// Names are compared without regard to case (RFC 3261 §7.3.1).
impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(a), Self::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        if let Self::Other(name) = self {
            name.to_ascii_lowercase().hash(state);
        }
    }
}

impl std::fmt::Display for HeaderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_long_names_are_one() {
        for (compact, long) in [("v", "Via"), ("F", "from"), ("i", "CALL-ID"), ("x", "session-expires")] {
            assert_eq!(HeaderName::parse(compact), HeaderName::parse(long));
        }
    }

    #[test]
    fn every_known_name_reads_as_itself() {
        for (name, text) in &KNOWN {
            assert_eq!(HeaderName::parse(text), *name);
            assert_eq!(name.as_str(), *text);
        }
    }

    #[test]
    fn unknown_names_differ_by_more_than_case() {
        assert_eq!(HeaderName::parse("X-Room"), HeaderName::parse("x-room"));
        assert_ne!(HeaderName::parse("X-Room"), HeaderName::parse("X-Rooms"));
    }
}
