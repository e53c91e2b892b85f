//! Whether two SIP URIs name the same resource (RFC 3261 §19.1.4).

use super::{Params, SipUri, unescape};

/// Parameters that count although only one of the two URIs has them.
const NEVER_IGNORED: [&str; 4] = ["user", "ttl", "method", "maddr"];

impl SipUri {
    /// RFC 3261 §19.1.4: user and password by case, all else without; an absent port or transport is
    /// not the default one; URI headers must agree, in any order.
    pub fn matches(&self, other: &Self) -> bool {
        self.secure == other.secure
            && exactly(self.user.as_deref(), other.user.as_deref())
            && exactly(self.password.as_deref(), other.password.as_deref())
            && self.host == other.host
            && self.port == other.port
            && params_match(&self.params, &other.params)
            && params_match(&other.params, &self.params)
            && headers_match(&self.headers, &other.headers)
    }
}

/// Every parameter of `one` is in `other` with that value, or may be ignored there. A name that stands
/// there twice, which §19.1.1 forbids, matches by any of its values.
fn params_match(one: &Params, other: &Params) -> bool {
    one.0.iter().all(|(name, value)| {
        let mut theirs = other.0.iter().filter(|(n, _)| n == name).peekable();
        if theirs.peek().is_none() {
            // §19.1.4: who leaves out a component with a default is not who writes the default. That only
            // one writes another transport is ignored by the letter; such URIs reach different sockets,
            // so we tell them apart, too.
            return name != "transport" && !NEVER_IGNORED.contains(&name.as_str());
        }
        theirs.any(|(_, theirs)| text_matches(value.as_deref(), theirs.as_deref()))
    })
}

fn headers_match(one: &[(String, String)], other: &[(String, String)]) -> bool {
    one.len() == other.len()
        && one.iter().all(|(name, value)| {
            other.iter().any(|(n, v)| {
                unescape(n).eq_ignore_ascii_case(&unescape(name)) && unescape(v) == unescape(value)
            })
        })
}

fn exactly(one: Option<&str>, other: Option<&str>) -> bool {
    one.map(unescape) == other.map(unescape)
}

/// Values without regard to case, escapes undone.
pub(super) fn text_matches(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => unescape(one).eq_ignore_ascii_case(&unescape(other)),
        (None, None) => true,
        _ => false,
    }
}
