//! What a call saw, for eyes: its SIP messages as a ladder, its journal as what happened and what was done
//! about it. Pure. Whatever came over the wire is stripped of control characters.

use std::fmt::Write;

use super::text::printable;
use crate::{
    call::journal::{Journal, Replay},
    desk::ticket::TicketId,
    trace::{Message, Way, file::Kept},
};

/// The ladder of a call's messages; with `full`, each message stands below its rung.
pub fn messages(kept: &Kept, full: bool) -> String {
    let mut text = format!("ticket {}\n", kept.head.ticket);
    let Some(first) = kept.messages.first().map(|message| message.at) else { return text };
    for message in &kept.messages {
        let after = message.at.signed_duration_since(first).as_seconds_f64();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{after:>9.3}  {}", rung(message));
        if full {
            for line in message.text.lines() {
                let _ = writeln!(text, "             {}", printable(line));
            }
        }
    }
    if kept.head.left_out > 0 {
        let _ = writeln!(text, "{} more messages were not kept", kept.head.left_out);
    }
    text
}

fn rung(message: &Message) -> String {
    let (arrow, transport) = match message.way {
        Way::Received => ("→ us  ", &message.transport),
        Way::Sent => ("← us  ", &message.transport),
    };
    let words = message.text.lines().next().unwrap_or_default();
    format!("{transport:<4} {:<22} {arrow} {}", message.peer.to_string(), printable(words))
}

/// What the call saw and did, step by step, and where it would go otherwise today.
pub fn replay(ticket: TicketId, version: &str, journal: &Journal, replay: &Replay) -> String {
    let mut text = format!("ticket {ticket}, a call of version {version}\n");
    let differs_at = |step: Option<usize>| replay.differs.as_ref().filter(|d| d.step == step);
    let mut step = |after: f64, event: &str, then: &[crate::call::machine::Action], index: Option<usize>| {
        let _ = writeln!(text, "{after:>9.3}  {event}");
        for action in then {
            let _ = writeln!(text, "             {}", printable(&format!("{action:?}")));
        }
        if let Some(difference) = differs_at(index) {
            text.push_str("             today instead:\n");
            for action in &difference.now {
                let _ = writeln!(text, "             {}", printable(&format!("{action:?}")));
            }
            if difference.now.is_empty() {
                text.push_str("             nothing\n");
            }
        }
    };
    step(0.0, "the call begins", &journal.began, None);
    for (index, seen) in journal.steps.iter().enumerate() {
        step(seen.after.as_secs_f64(), &format!("{:?}", seen.event), &seen.actions, Some(index));
    }
    if journal.left_out > 0 {
        let _ = writeln!(text, "{} more steps were not kept", journal.left_out);
    }
    let _ = match (&replay.differs, replay.is_over) {
        (Some(_), _) => writeln!(text, "it would go otherwise today"),
        (None, true) => writeln!(text, "run again, it went the same way to its end"),
        (None, false) => writeln!(text, "run again, it went the same way; its end is not in the journal"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::file::Head;

    #[test]
    fn a_ladder_shows_who_said_what_when_and_drives_no_terminal() {
        let message = |ms: i64, way, text: &str| Message {
            at: chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::milliseconds(ms),
            way,
            transport: "UDP".to_owned(),
            ours: "192.0.2.1:5060".parse().unwrap(),
            peer: "192.0.2.9:5060".parse().unwrap(),
            text: text.to_owned(),
        };
        let head = Head {
            ticket: "20261123-0007".parse().unwrap(),
            version: "0.1.0".to_owned(),
            journal: None,
            left_out: 2,
        };
        let messages = vec![
            message(0, Way::Received, "INVITE sip:4001234567 SIP/2.0\r\nSubject: \u{1b}[2J\r\n\r\n"),
            message(120, Way::Sent, "SIP/2.0 180 Ringing\r\n\r\n"),
        ];
        let kept = Kept { head, messages };
        expect_test::expect![[r#"
            ticket 20261123-0007
                0.000  UDP  192.0.2.9:5060         → us   INVITE sip:4001234567 SIP/2.0
                0.120  UDP  192.0.2.9:5060         ← us   SIP/2.0 180 Ringing
            2 more messages were not kept
        "#]]
        .assert_eq(&super::messages(&kept, false));
        assert!(!super::messages(&kept, true).contains('\u{1b}'));
    }
}
