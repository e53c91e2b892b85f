//! What the headers of a message say, typed. [`super::parse`] has seen to it that a message from the
//! wire has readable Via, From, To, Call-ID and CSeq; a reader answers `None` where a header is
//! missing or unreadable, and lists answer `Err` where one of their values is.

use super::{
    header::{CSeq, MediaType, RAck, Reason, Replaces, SessionExpires, Via, read_expires},
    message::{HeaderName, Headers},
    text::{self, Malformed, split},
    uri::NameAddr,
};

impl Headers {
    /// The topmost Via: the hop that sent the message.
    pub fn via(&self) -> Option<Via> {
        Via::parse(self.via_values().next()?).ok()
    }

    /// All Vias, topmost first.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn vias(&self) -> Result<Vec<Via>, Malformed> {
        self.via_values().map(Via::parse).collect()
    }

    /// How many Vias there are, readable or not.
    pub fn via_count(&self) -> usize {
        self.via_values().count()
    }

    /// Puts `via` in the place of the topmost one.
    pub fn set_top_via(&mut self, via: &Via) {
        let mut vias: Vec<String> = self.via_values().map(str::to_owned).collect();
        match vias.first_mut() {
            Some(top) => *top = via.to_string(),
            None => vias.push(via.to_string()),
        }
        self.remove(&HeaderName::Via);
        for via in vias.into_iter().rev() {
            self.push_front(HeaderName::Via, via);
        }
    }

    fn via_values(&self) -> impl Iterator<Item = &str> {
        self.all(&HeaderName::Via).flat_map(|line| split(line, b','))
    }

    /// The From.
    pub fn from(&self) -> Option<NameAddr> {
        NameAddr::parse(self.get(&HeaderName::From)?).ok()
    }

    /// The To.
    pub fn to(&self) -> Option<NameAddr> {
        NameAddr::parse(self.get(&HeaderName::To)?).ok()
    }

    /// SIP's Call-ID: case-sensitive text.
    pub fn call_id(&self) -> Option<&str> {
        self.get(&HeaderName::CallId)
    }

    /// The CSeq.
    pub fn cseq(&self) -> Option<CSeq> {
        CSeq::parse(self.get(&HeaderName::CSeq)?).ok()
    }

    /// How often the request may still be forwarded; 70 where it does not say (RFC 3261 §8.1.1.6).
    pub fn max_forwards(&self) -> u8 {
        self.get(&HeaderName::MaxForwards).and_then(|value| text::number(value.trim())).unwrap_or(70)
    }

    /// All Contacts; empty where the only value is `*` ([`Headers::contact_is_star`]).
    ///
    /// # Errors
    /// One of them is malformed, or `*` is among others.
    pub fn contacts(&self) -> Result<Vec<NameAddr>, Malformed> {
        if self.contact_is_star() {
            return Ok(Vec::new());
        }
        self.addresses(&HeaderName::Contact).map_err(|_| Malformed("Contact"))
    }

    /// Whether the one Contact value is `*`: all bindings shall go (RFC 3261 §10.2.2).
    pub fn contact_is_star(&self) -> bool {
        let mut lines = self.all(&HeaderName::Contact);
        lines.next().is_some_and(|line| line.trim() == "*") && lines.next().is_none()
    }

    /// The Route set, next hop first.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn routes(&self) -> Result<Vec<NameAddr>, Malformed> {
        self.addresses(&HeaderName::Route).map_err(|_| Malformed("Route"))
    }

    /// The Record-Routes in their order on the wire.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, Malformed> {
        self.addresses(&HeaderName::RecordRoute).map_err(|_| Malformed("Record-Route"))
    }

    /// Every address of the lines of that name: Diversion, P-Asserted-Identity, Path …
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn addresses(&self, name: &HeaderName) -> Result<Vec<NameAddr>, Malformed> {
        self.all(name).flat_map(|line| split(line, b',')).map(NameAddr::parse).collect()
    }

    /// The tokens of a list header: Supported, Require, Proxy-Require, Unsupported, Allow, Privacy …
    /// Empty pieces are left out; case is kept.
    pub fn tokens<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|line| split(line, b',')).filter(|token| !token.is_empty())
    }

    /// Whether a list header has that token, whatever its case.
    pub fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        self.tokens(name).any(|t| t.eq_ignore_ascii_case(token))
    }

    /// Whether the peer supports or requires that extension: `100rel`, `timer`, `replaces`.
    pub fn supports(&self, option: &str) -> bool {
        self.has_token(&HeaderName::Supported, option) || self.has_token(&HeaderName::Require, option)
    }

    /// Expires in seconds; too large counts as the largest, nonsense as 3600 (RFC 3261 §10.2.1.1).
    pub fn expires(&self) -> Option<u32> {
        self.get(&HeaderName::Expires).map(read_expires)
    }

    /// Min-Expires in seconds.
    pub fn min_expires(&self) -> Option<u32> {
        self.number(&HeaderName::MinExpires)
    }

    /// Retry-After in seconds, without its comment and parameters.
    pub fn retry_after(&self) -> Option<u32> {
        let value = self.get(&HeaderName::RetryAfter)?.trim_start();
        text::number(value.split(|c: char| !c.is_ascii_digit()).next()?)
    }

    /// The number of a reliable provisional response (RFC 3262 §7.1).
    pub fn rseq(&self) -> Option<u32> {
        self.number(&HeaderName::RSeq)
    }

    /// What a PRACK acknowledges.
    pub fn rack(&self) -> Option<RAck> {
        RAck::parse(self.get(&HeaderName::RAck)?).ok()
    }

    /// Session-Expires (RFC 4028).
    pub fn session_expires(&self) -> Option<SessionExpires> {
        SessionExpires::parse(self.get(&HeaderName::SessionExpires)?).ok()
    }

    /// Min-SE in seconds (RFC 4028).
    pub fn min_se(&self) -> Option<u32> {
        let (seconds, _) = super::header::value_and_params(self.get(&HeaderName::MinSe)?).ok()?;
        text::number(seconds)
    }

    /// The type of the body.
    pub fn content_type(&self) -> Option<MediaType> {
        MediaType::parse(self.get(&HeaderName::ContentType)?).ok()
    }

    /// The dialog that this INVITE takes the place of (RFC 3891).
    pub fn replaces(&self) -> Option<Replaces> {
        Replaces::parse(self.get(&HeaderName::Replaces)?).ok()
    }

    /// Whom a REFER asks us to call (RFC 3515).
    pub fn refer_to(&self) -> Option<NameAddr> {
        NameAddr::parse(self.get(&HeaderName::ReferTo)?).ok()
    }

    /// Why a request was sent or a response came (RFC 3326); unreadable values are left out.
    pub fn reasons(&self) -> Vec<Reason> {
        let values = self.all(&HeaderName::Reason).flat_map(|line| split(line, b','));
        values.filter_map(|value| Reason::parse(value).ok()).collect()
    }

    /// The challenges of a 401 (WWW-Authenticate) and of a 407 (Proxy-Authenticate), one a line, as they
    /// came.
    pub fn challenges(&self) -> impl Iterator<Item = &str> {
        self.all(&HeaderName::WwwAuthenticate).chain(self.all(&HeaderName::ProxyAuthenticate))
    }

    fn number(&self, name: &HeaderName) -> Option<u32> {
        text::number(self.get(name)?.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(HeaderName::parse(name), *value);
        }
        headers
    }

    #[test]
    fn vias_of_several_lines_and_of_one_line_are_one_list() {
        let mut headers = headers(&[
            ("Via", "SIP/2.0/UDP a;branch=z9hG4bK1"),
            ("To", "<sip:x@y>"),
            ("v", "SIP/2.0/TCP b;branch=z9hG4bK2,SIP/2.0/UDP c;branch=z9hG4bK3"),
        ]);
        assert_eq!(headers.vias().unwrap().len(), 3);
        let mut top = headers.via().unwrap();
        top.params.set("received", Some("192.0.2.1"));
        headers.set_top_via(&top);
        let vias: Vec<_> = headers.vias().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            vias,
            [
                "SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.1",
                "SIP/2.0/TCP b;branch=z9hG4bK2",
                "SIP/2.0/UDP c;branch=z9hG4bK3"
            ]
        );
    }

    #[test]
    fn a_star_is_no_contact_and_never_stands_among_others() {
        assert!(headers(&[("Contact", " * ")]).contact_is_star());
        assert_eq!(headers(&[("Contact", "*")]).contacts(), Ok(Vec::new()));
        assert!(headers(&[("Contact", "*, <sip:a@b>")]).contacts().is_err());
        assert!(headers(&[("Contact", "*"), ("Contact", "<sip:a@b>")]).contacts().is_err());
    }

    #[test]
    fn option_tags_are_found_on_every_line() {
        let headers = headers(&[("k", "timer, 100rel"), ("Supported", ""), ("Require", "Replaces")]);
        assert!(headers.supports("100rel") && headers.supports("replaces") && !headers.supports("path"));
        assert_eq!(headers.tokens(&HeaderName::Supported).count(), 2);
    }

    #[test]
    fn numbers_that_make_no_sense_are_missing() {
        let headers = headers(&[
            ("Retry-After", "18000;duration=3600"),
            ("RSeq", "949302838503028349304023988"),
            ("Min-SE", "90;x"),
            ("Expires", "tomorrow"),
        ]);
        assert_eq!(headers.retry_after(), Some(18000));
        assert_eq!(headers.rseq(), None);
        assert_eq!(headers.min_se(), Some(90));
        assert_eq!(headers.expires(), Some(3600));
        assert_eq!(headers.max_forwards(), 70);
    }
}
