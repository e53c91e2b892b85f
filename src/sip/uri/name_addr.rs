//! Reading and writing [`NameAddr`] (RFC 3261 §20.10, §25.1 `name-addr` and `addr-spec`).

use std::fmt;

use super::{Malformed, NameAddr, Params, Uri};
use crate::sip::text::{cut, find, split, unquote, write_quoted};

impl NameAddr {
    /// That URI without a display name or parameters.
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::default() }
    }

    /// Reads one value, `"Name" <uri>;params` or `uri;params`. In the second form all parameters are
    /// the header's, and the URI can't have headers (RFC 3261 §20.10).
    ///
    /// # Errors
    /// An open quote or bracket, a display name that must have been quoted, a malformed URI.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        // The bracket that opens the URI; one inside a quoted name does not count.
        match find(text, b'<').and_then(|at| text.split_at_checked(at)) {
            Some((display, rest)) => {
                let rest = rest.strip_prefix('<').unwrap_or(rest);
                let (uri, params) = cut(rest, b'>');
                let params = params.ok_or(Malformed("address"))?;
                Ok(Self {
                    display: read_display(display.trim())?,
                    uri: Uri::parse(uri.trim())?,
                    params: Params::parse(params)?,
                })
            }
            None => {
                let (uri, params) =
                    text.find(';').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
                let uri = uri.trim();
                if uri.contains(['?', ',', '"', '>']) {
                    return Err(Malformed("address"));
                }
                Ok(Self { display: None, uri: Uri::parse(uri)?, params: Params::parse(params)? })
            }
        }
    }

    /// Reads all values of one header line, comma-separated.
    ///
    /// # Errors
    /// As [`NameAddr::parse`], for any of them.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, Malformed> {
        split(text, b',').map(Self::parse).collect()
    }

    /// The `tag` parameter of From and To.
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }

    /// The same with that tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag));
        self
    }

    /// A Contact's `expires` in seconds. A value beyond 32 bits counts as the largest; a malformed one as
    /// 3600 (RFC 3261 §10.2.1.1).
    pub fn expires(&self) -> Option<u32> {
        self.params.value("expires").map(crate::sip::header::read_expires)
    }

    /// A Contact's preference in thousandths, 0 to 1000; 1000 where it says none or nonsense.
    pub fn q(&self) -> u16 {
        self.params.value("q").and_then(read_q).unwrap_or(1000)
    }
}

/// RFC 3261 §25.1 `qvalue`: `0.33` → 330.
fn read_q(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let whole: u16 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    Some(whole.checked_mul(1000)?.checked_add(thousandths)?.min(1000))
}

/// An unquoted name is tokens and white space; we also take what phones send there without harm.
fn read_display(text: &str) -> Result<Option<String>, Malformed> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with('"') {
        let name = unquote(text).ok_or(Malformed("display name"))?;
        return Ok((!name.is_empty()).then_some(name));
    }
    if text.contains([',', ';', '"', '<', '>', '\\']) {
        return Err(Malformed("display name"));
    }
    Ok(Some(text.to_owned()))
}

/// Always with angle brackets, the display name always quoted.
impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write_quoted(f, display)?;
            f.write_str(" ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}
