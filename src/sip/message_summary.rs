//! message-summary (RFC 3842): what the message lamp shows.

use super::subscription::StateDocument;

/// What its documents are.
pub const CONTENT_TYPE: &str = "application/simple-message-summary";

/// How many messages lie in a mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Nobody has heard them yet.
    pub fresh: u32,
    pub heard: u32,
}

/// The document for that account (a URI).
pub fn document(account: &str, mailbox: Mailbox) -> StateDocument {
    let Mailbox { fresh, heard } = mailbox;
    let waiting = if fresh > 0 { "yes" } else { "no" };
    let body = format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {fresh}/{heard} (0/0)\r\n"
    );
    StateDocument { content_type: CONTENT_TYPE, body: body.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lamp_is_on_for_messages_that_nobody_has_heard() {
        let text =
            |fresh, heard| String::from_utf8(document("sip:400@x", Mailbox { fresh, heard }).body).unwrap();
        assert_eq!(
            text(2, 8),
            "Messages-Waiting: yes\r\nMessage-Account: sip:400@x\r\nVoice-Message: 2/8 (0/0)\r\n"
        );
        assert!(text(0, 3).starts_with("Messages-Waiting: no\r\n"));
    }
}
