//! The ladder: what passed between whom at which second, as text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use bytes::Bytes;
use hotlined::sip::{
    message::{HeaderName, Message, Method, Request, Response},
    parse, sdp,
};

use super::watch::Notified;

#[derive(Debug, Default)]
pub(crate) struct Ladder {
    lines: Vec<(f64, String)>,
    /// What was shown; the same again, in the same transaction, is a retransmission.
    seen: BTreeSet<Rung>,
    /// Whose call it is at a peer that many call by: SIP's Call-ID, and the name to show.
    aliases: BTreeMap<String, String>,
    /// Show retransmissions too.
    pub(crate) shows_repeats: bool,
}

/// One message as the ladder tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rung {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) words: String,
    /// Call-ID and CSeq. A 2xx's ACK comes again in a transaction of its own.
    pub(crate) request: String,
}

impl Ladder {
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
    }

    pub(crate) fn note(&mut self, at: f64, who: &str, words: &str) {
        self.lines.push((at, format!("{who:<14} {words}")));
    }

    /// Names a message. `mobiles` are numbers that have a name of their own.
    pub(crate) fn rung(
        &mut self,
        from: &str,
        to: &str,
        bytes: &Bytes,
        mobiles: &BTreeMap<String, String>,
    ) -> Rung {
        let message = parse::message(bytes).expect("what a user agent of ours sends can be read");
        let headers = match &message {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        };
        let call_id = headers.call_id().unwrap_or_default().to_owned();
        if let Message::Request(request) = &message
            && let Some(mobile) = request.uri.user().and_then(|number| mobiles.get(number.as_ref()))
            && from == "us"
        {
            self.aliases.insert(call_id.clone(), mobile.clone());
        }
        let alias = |name: &str| match self.aliases.get(&call_id) {
            Some(alias) if name != "us" => alias.clone(),
            Some(_) | None => name.to_owned(),
        };
        let words = match &message {
            Message::Request(request) => request_words(request),
            Message::Response(response) => response_words(response),
        };
        let cseq = headers.get(&HeaderName::CSeq).unwrap_or_default();
        Rung { from: alias(from), to: alias(to), words, request: format!("{call_id} {cseq}") }
    }

    /// Shows a message that was sent; `fate` says what the network did to it.
    pub(crate) fn sent(&mut self, at: f64, rung: &Rung, fate: &str) {
        let repeated =
            if fate.is_empty() { !self.seen.insert(rung.clone()) } else { self.seen.contains(rung) };
        if repeated && !self.shows_repeats {
            return;
        }
        let again = if repeated { " again" } else { "" };
        let Rung { from, to, words, request: _ } = rung;
        self.lines.push((at, format!("{from:<5} → {to:<6} {words}{again}{fate}")));
    }

    /// The whole text. Leading white space that all lines share is taken off, as `expect!` does.
    pub(crate) fn text(&self) -> String {
        let stamps: Vec<String> = self.lines.iter().map(|(at, _)| format!("{at:.3}")).collect();
        let width = stamps.iter().map(String::len).max().unwrap_or_default();
        let mut text = String::new();
        for (stamp, (_, line)) in stamps.iter().zip(&self.lines) {
            let _ = writeln!(text, "{stamp:>width$}  {}", line.trim_end());
        }
        // The first line is mostly 0.000, shorter than the last.
        let shared = text.lines().map(|l| l.len() - l.trim_start().len()).min().unwrap_or_default();
        text.lines().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{}", &line[shared..]);
            text
        })
    }
}

fn request_words(request: &Request) -> String {
    let mut words = request.method.to_string();
    match request.method {
        Method::Invite => {
            let within = request.headers.to().is_some_and(|to| to.params.has("tag"));
            if within {
                words = "re-INVITE".to_owned();
            } else {
                let _ = write!(words, " {}", request.uri.user().unwrap_or_default());
                if let Some(name) = request.headers.from().and_then(|from| from.display) {
                    let _ = write!(words, " from {name:?}");
                }
            }
            words.push_str(&session(&request.body));
        }
        Method::Notify => words = Notified::words(request),
        Method::Subscribe => {
            let event = request.headers.get(&HeaderName::Event).unwrap_or_default();
            let _ = write!(words, " {event} {}", request.uri.user().unwrap_or_default());
        }
        Method::Cancel | Method::Bye => {
            if let Some(reason) = request.headers.get(&HeaderName::Reason) {
                let text = reason.split("text=").nth(1).unwrap_or(reason);
                let _ = write!(words, " ({})", text.trim_matches('"'));
            }
        }
        _ => {}
    }
    words
}

fn response_words(response: &Response) -> String {
    let method = response.headers.cseq().map(|cseq| cseq.method.to_string()).unwrap_or_default();
    let mut words = response.status.to_string();
    if method != "INVITE" {
        let _ = write!(words, " {method}");
    }
    if response.status.is_provisional() && !response.body.is_empty() {
        words.push_str(" with SDP");
    }
    words + &session(&response.body)
}

/// The direction of the audio where it is not both ways.
fn session(body: &[u8]) -> String {
    match sdp::read(body).ok().and_then(|session| session.audio.ok()) {
        Some(audio) if audio.direction != sdp::Direction::SendRecv => format!(" {}", audio.direction.word()),
        Some(_) | None => String::new(),
    }
}
