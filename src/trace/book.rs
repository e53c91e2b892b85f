//! Collects the messages of calls in progress by their Call-ID, within bounds, until their ticket is over and
//! a last answer has had its time. Pure: the time is an argument.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use super::Message;
use crate::{call::journal::Journal, desk::ticket::TicketId, sip::mask};

/// Bytes of messages that are kept of one dialog: a call has ten messages of half a kilobyte, one that is held
/// and resumed all day has thousands. When full, later messages are counted only: the first say more.
const DIALOG_BYTES: usize = 96 << 10;

/// Bytes that all calls in progress may keep. When full, messages are counted only.
const ALL_BYTES: usize = 32 << 20;

/// How long an INVITE may wait for its ticket. It gets one in the same turn, or never (a stranger).
const UNCLAIMED: Duration = Duration::from_secs(5);

/// How long after the call its last answers are waited for: RFC 3261's 64·T1 for a BYE.
const LINGER: Duration = Duration::from_secs(32);

/// Everything that is to be kept of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub ticket: TicketId,
    /// `None` for a call that was refused at once.
    pub journal: Option<Box<Journal>>,
    /// In the order of their time.
    pub messages: Vec<Message>,
    pub left_out: u32,
}

#[derive(Debug, Default)]
pub struct Book {
    dialogs: BTreeMap<String, Dialog>,
    /// Dialogs without a ticket, the oldest first.
    unclaimed: VecDeque<(Instant, String)>,
    tickets: BTreeMap<TicketId, Ticket>,
    /// Tickets that are over, by when they are taken out.
    leaving: BTreeSet<(Instant, TicketId)>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Dialog {
    ticket: Option<TicketId>,
    messages: Vec<Message>,
    bytes: usize,
    left_out: u32,
}

#[derive(Debug, Default)]
struct Ticket {
    call_ids: Vec<String>,
    journal: Option<Box<Journal>>,
}

impl Book {
    /// Takes in a message, if it belongs to a call or may begin one. `make` is asked only then.
    pub fn message(&mut self, bytes: &[u8], now: Instant, make: impl FnOnce(String) -> Message) {
        let Some(call_id) = mask::call_id(bytes) else { return };
        if !self.dialogs.contains_key(call_id) {
            if !mask::is_invite(bytes) {
                return;
            }
            self.unclaimed.push_back((now, call_id.to_owned()));
            self.dialogs.insert(call_id.to_owned(), Dialog::default());
        }
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        if dialog.bytes + bytes.len() > DIALOG_BYTES || self.bytes + bytes.len() > ALL_BYTES {
            dialog.left_out = dialog.left_out.saturating_add(1);
            return;
        }
        let message = make(mask::masked(bytes));
        dialog.bytes += bytes.len();
        self.bytes += bytes.len();
        dialog.messages.push(message);
    }

    /// That dialog belongs to this ticket.
    pub fn claim(&mut self, ticket: TicketId, call_id: String) {
        self.dialogs.entry(call_id.clone()).or_default().ticket = Some(ticket);
        let of = self.tickets.entry(ticket).or_default();
        if !of.call_ids.contains(&call_id) {
            of.call_ids.push(call_id);
        }
    }

    /// The call is over.
    pub fn ended(&mut self, ticket: TicketId, journal: Option<Box<Journal>>, now: Instant) {
        self.tickets.entry(ticket).or_default().journal = journal;
        self.leaving.insert((now + LINGER, ticket));
    }

    /// The calls that are over and had their time, and forgets strangers.
    pub fn take(&mut self, now: Instant) -> Vec<Seen> {
        while let Some((since, _)) = self.unclaimed.front()
            && now.saturating_duration_since(*since) >= UNCLAIMED
        {
            let Some((_, call_id)) = self.unclaimed.pop_front() else { break };
            if self.dialogs.get(&call_id).is_some_and(|dialog| dialog.ticket.is_none())
                && let Some(dialog) = self.dialogs.remove(&call_id)
            {
                self.bytes = self.bytes.saturating_sub(dialog.bytes);
            }
        }
        let mut seen = Vec::new();
        while let Some((at, ticket)) = self.leaving.first().copied()
            && at <= now
        {
            self.leaving.pop_first();
            seen.extend(self.close(ticket));
        }
        seen
    }

    /// Everything, at the daemon's end: calls that still run come without a journal.
    pub fn take_all(&mut self) -> Vec<Seen> {
        let tickets: Vec<TicketId> = self.tickets.keys().copied().collect();
        self.leaving.clear();
        tickets.into_iter().filter_map(|ticket| self.close(ticket)).collect()
    }

    fn close(&mut self, ticket: TicketId) -> Option<Seen> {
        let Ticket { call_ids, journal } = self.tickets.remove(&ticket)?;
        let (mut messages, mut left_out) = (Vec::new(), 0_u32);
        for dialog in call_ids.iter().filter_map(|call_id| self.dialogs.remove(call_id)) {
            self.bytes = self.bytes.saturating_sub(dialog.bytes);
            left_out = left_out.saturating_add(dialog.left_out);
            messages.extend(dialog.messages);
        }
        messages.sort_by_key(|message| message.at);
        Some(Seen { ticket, journal, messages, left_out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Way;

    fn text(method: &str, call_id: &str) -> String {
        format!("{method} sip:hotlined SIP/2.0\r\nCall-ID: {call_id}\r\n\r\n")
    }

    fn say(book: &mut Book, text: &str, now: Instant) {
        book.message(text.as_bytes(), now, |text| Message {
            at: chrono::DateTime::UNIX_EPOCH,
            way: Way::Received,
            transport: "UDP".to_owned(),
            ours: "192.0.2.1:5060".parse().unwrap(),
            peer: "192.0.2.9:5060".parse().unwrap(),
            text,
        });
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do as the start")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_calls_messages_are_kept_and_nobody_elses() {
        let (mut book, now) = (Book::default(), start());
        let ticket: TicketId = "20261123-0007".parse().unwrap();
        say(&mut book, &text("REGISTER", "r@phone"), now);
        say(&mut book, &text("INVITE", "s@stranger"), now);
        say(&mut book, &text("INVITE", "c@trunk"), now);
        book.claim(ticket, "c@trunk".to_owned());
        book.claim(ticket, "l@us".to_owned());
        say(&mut book, &text("INVITE", "l@us"), now);
        assert_eq!(book.take(now + Duration::from_secs(3600)), []);
        say(&mut book, &text("BYE", "c@trunk"), now);
        book.ended(ticket, None, now);
        say(&mut book, &text("BYE", "l@us"), now);
        let seen = book.take(now + LINGER);
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].ticket, seen[0].messages.len(), seen[0].left_out), (ticket, 4, 0));
        assert_eq!((book.bytes, book.dialogs.len(), book.tickets.len()), (0, 0, 0));
    }

    #[test]
    fn a_dialog_that_never_ends_keeps_its_beginning_and_counts_the_rest() {
        let (mut book, now) = (Book::default(), start());
        for _ in 0..10_000 {
            say(&mut book, &text("INVITE", "c@trunk"), now);
        }
        book.claim("20261123-0009".parse().unwrap(), "c@trunk".to_owned());
        let seen = book.take_all();
        let kept: usize = seen[0].messages.iter().map(|message| message.text.len()).sum();
        assert!(kept <= DIALOG_BYTES, "{kept}");
        assert_eq!(seen[0].messages.len() + usize::try_from(seen[0].left_out).unwrap(), 10_000);
    }
}
