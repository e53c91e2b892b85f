//! Session timers (RFC 4028): how long a session lives without a refresh, who refreshes it, and when
//! it is given up. Pure values and one small machine for each confirmed dialog; sends nothing itself.
//!
//! Reading starts at [`SessionTimer`]; [`Terms`] is what we ask for.

use std::time::{Duration, Instant};

use super::{
    header::{Refresher, SessionExpires},
    message::{HeaderName, Headers},
};

/// Reads Min-SE; `None` where it is absent or not a number.
fn min_se(headers: &Headers) -> Option<Duration> {
    headers.min_se().map(|seconds| Duration::from_secs(u64::from(seconds)))
}

/// Writes Session-Expires, in whole seconds; below 2³² by far.
fn set(headers: &mut Headers, interval: Duration, refresher: Option<Refresher>) {
    let seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
    headers.set(HeaderName::SessionExpires, SessionExpires { seconds, refresher }.to_string());
}

fn interval(asked: SessionExpires) -> Duration {
    Duration::from_secs(u64::from(asked.seconds))
}

/// What we ask for and insist on: the settings, with a Min-SE that a peer's 422 may have raised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) expires: Duration,
    pub(super) min_se: Duration,
}

impl Terms {
    /// Takes over the Min-SE of a 422 (RFC 4028 §7.4). `false` if it asks for nothing new, so that a
    /// repeat would be refused again.
    pub(super) fn raise(&mut self, refusal: &Headers) -> bool {
        match min_se(refusal) {
            Some(wanted) if wanted > self.min_se => {
                self.min_se = wanted;
                self.expires = self.expires.max(wanted);
                true
            }
            Some(_) | None => false,
        }
    }

    /// The headers of an INVITE of ours that opens a session: the peer may choose the refresher.
    pub(super) fn ask(&self, headers: &mut Headers) {
        set(headers, self.expires, None);
        headers.set(HeaderName::MinSe, self.min_se.as_secs().to_string());
    }

    /// The Min-SE for a 422, where the peer's request asks for less than we accept (RFC 4028 §9).
    pub(super) fn too_brief(&self, request: &Headers) -> Option<Duration> {
        let asked = request.session_expires()?;
        (interval(asked) < self.min_se && request.supports("timer")).then_some(self.min_se)
    }
}

/// The running timer of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionTimer {
    pub(super) interval: Duration,
    /// When our next refresh is due; `None` where the peer refreshes, or while ours is on its way.
    refresh_at: Option<Instant>,
    pub(super) we_refresh: bool,
    expires_at: Instant,
}

/// What a timer wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Refresh,
    Expired,
}

impl SessionTimer {
    fn new(interval: Duration, we_refresh: bool, now: Instant) -> Self {
        // RFC 4028 §10: the side that waits sends BYE this long before the end, at most 32 s.
        let margin = (interval / 3).min(Duration::from_secs(32));
        Self {
            interval,
            refresh_at: we_refresh.then(|| now + interval / 2),
            we_refresh,
            expires_at: now + (interval - margin),
        }
    }

    /// What a 2xx to a request of ours settles: nothing where it has no Session-Expires (RFC 4028 §7.2).
    pub(super) fn settled_by_peer(response: &Headers, now: Instant) -> Option<Self> {
        let agreed = response.session_expires()?;
        // A peer that forgets the parameter leaves the refresh to us: a session more alive than needed.
        let we_refresh = agreed.refresher != Some(Refresher::Uas);
        // Below this the refreshes themselves are the traffic; RFC 4028 §4 forbids less than 90 s.
        let interval = interval(agreed).max(Duration::from_secs(10));
        Some(Self::new(interval, we_refresh, now))
    }

    /// Settles the timer as UAS of an INVITE or UPDATE (RFC 4028 §9) and writes the headers of our
    /// 2xx. We refresh unless the peer wants to: a peer that promises and forgets would cost a call.
    pub(super) fn settled_by_us(
        terms: Terms,
        request: &Headers,
        response: &mut Headers,
        now: Instant,
    ) -> Option<Self> {
        if !request.supports("timer") {
            return None;
        }
        let asked = request.session_expires();
        let floor = min_se(request).unwrap_or_default().max(terms.min_se);
        let agreed = match asked {
            Some(asked) => interval(asked).min(terms.expires).max(floor),
            None => terms.expires.max(floor),
        };
        let refresher = asked.and_then(|asked| asked.refresher).unwrap_or(Refresher::Uas);
        set(response, agreed, Some(refresher));
        if refresher == Refresher::Uac {
            response.push(HeaderName::Require, "timer");
        }
        Some(Self::new(agreed, refresher == Refresher::Uas, now))
    }

    /// The headers of a re-INVITE or UPDATE of ours: who refreshes stays as it is (RFC 4028 §7.4).
    pub(super) fn renew(&self, terms: Terms, headers: &mut Headers) {
        let refresher = if self.we_refresh { Refresher::Uac } else { Refresher::Uas };
        set(headers, self.interval.max(terms.min_se), Some(refresher));
        headers.set(HeaderName::MinSe, terms.min_se.as_secs().to_string());
    }

    /// When [`SessionTimer::due`] will say something.
    pub(super) fn deadline(&self) -> Instant {
        self.refresh_at.map_or(self.expires_at, |refresh| refresh.min(self.expires_at))
    }

    /// What is due, once: a refresh is not asked for again before [`SessionTimer::refresh_failed`].
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        if now >= self.expires_at {
            return Some(Due::Expired);
        }
        if self.refresh_at.is_some_and(|at| now >= at) {
            self.refresh_at = None;
            return Some(Due::Refresh);
        }
        None
    }

    /// A refresh of ours was refused: it is tried again when half of the rest has passed.
    pub(super) fn refresh_failed(&mut self, now: Instant) {
        if self.we_refresh {
            let rest = self.expires_at.saturating_duration_since(now);
            self.refresh_at = Some(now + (rest / 2).max(Duration::from_secs(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(HeaderName, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(name.clone(), *value);
        }
        headers
    }

    #[expect(clippy::disallowed_methods, reason = "a first instant comes from nowhere else")]
    fn start() -> Instant {
        Instant::now()
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    const TERMS: Terms = Terms { expires: Duration::from_secs(1800), min_se: Duration::from_secs(90) };

    #[test]
    fn the_refresher_of_the_request_is_honoured_and_else_we_refresh() {
        let now = start();
        let rows = [
            ("1800;refresher=uac", "1800;refresher=uac", false, true),
            ("1800;refresher=uas", "1800;refresher=uas", true, false),
            ("600", "600;refresher=uas", true, false),
            ("7200", "1800;refresher=uas", true, false),
        ];
        for (asked, answered, we_refresh, requires) in rows {
            let request =
                headers(&[(HeaderName::Supported, "100rel, timer"), (HeaderName::SessionExpires, asked)]);
            let mut response = Headers::new();
            let timer = SessionTimer::settled_by_us(TERMS, &request, &mut response, now).unwrap();
            assert_eq!(response.get(&HeaderName::SessionExpires), Some(answered));
            assert_eq!(timer.we_refresh, we_refresh, "{asked}");
            assert_eq!(response.get(&HeaderName::Require).is_some(), requires, "{asked}");
        }
    }

    #[test]
    fn a_peer_without_timers_gets_none() {
        let mut response = Headers::new();
        let request = headers(&[(HeaderName::SessionExpires, "1800")]);
        assert_eq!(SessionTimer::settled_by_us(TERMS, &request, &mut response, start()), None);
        assert_eq!(response, Headers::new());
    }

    #[test]
    fn the_refresh_is_due_at_half_time_and_the_end_comes_early_by_a_third_or_32_s() {
        let now = start();
        for (interval, refresh, end) in [(1800, 900, 1768), (90, 45, 60)] {
            let text = format!("{interval};refresher=uac");
            let response = headers(&[(HeaderName::SessionExpires, &text)]);
            let mut timer = SessionTimer::settled_by_peer(&response, now).unwrap();
            assert_eq!(timer.deadline(), now + seconds(refresh));
            assert_eq!(timer.due(now + seconds(refresh)), Some(Due::Refresh));
            assert_eq!(timer.due(now + seconds(refresh)), None);
            assert_eq!(timer.deadline(), now + seconds(end));
            assert_eq!(timer.due(now + seconds(end)), Some(Due::Expired));
        }
    }

    #[test]
    fn a_422_is_obeyed_once_for_each_raise() {
        let mut terms = TERMS;
        assert!(terms.raise(&headers(&[(HeaderName::MinSe, "3600")])));
        assert_eq!((terms.expires, terms.min_se), (seconds(3600), seconds(3600)));
        assert!(!terms.raise(&headers(&[(HeaderName::MinSe, "3600")])));
        assert!(!terms.raise(&Headers::new()));
    }

    #[test]
    fn too_brief_a_session_is_noticed_where_the_peer_knows_timers() {
        let brief = (HeaderName::SessionExpires, "60");
        assert_eq!(TERMS.too_brief(&headers(std::slice::from_ref(&brief))), None);
        assert_eq!(TERMS.too_brief(&headers(&[brief, (HeaderName::Supported, "timer")])), Some(seconds(90)));
    }
}
