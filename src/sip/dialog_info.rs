//! dialog-info (RFC 4235): what the lamp of a key shows, as an XML document. Always the full state, so
//! that a phone that missed one document needs nothing but the next.

use std::fmt::Write as _;

use super::{subscription::StateDocument, ua::DialogName};

/// What its documents are.
pub const CONTENT_TYPE: &str = "application/dialog-info+xml";

/// How far a dialog is (RFC 4235 §3.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DialogState {
    Trying,
    Early,
    Confirmed,
}

/// Who began it, from the watched phone's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Initiator,
    Recipient,
}

/// One dialog of the watched one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedDialog {
    /// Unlike any other of the same entity.
    pub id: String,
    pub state: DialogState,
    pub role: Role,
    /// From the watched phone's side: its tag is the local one. `None` for what is no dialog.
    pub name: Option<DialogName>,
    /// Who is at the other end: a URI.
    pub remote: Option<String>,
}

/// The document of that version, for that entity (a URI).
pub fn document(version: u32, entity: &str, dialogs: &[WatchedDialog]) -> StateDocument {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let entity = escaped(entity);
    // Writing into a String cannot fail.
    let _ = writeln!(
        xml,
        "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" state=\"full\" \
         entity=\"{entity}\">"
    );
    for dialog in dialogs {
        let _ = write!(xml, "<dialog id=\"{}\"", escaped(&dialog.id));
        if let Some(name) = &dialog.name {
            let _ = write!(
                xml,
                " call-id=\"{}\" local-tag=\"{}\" remote-tag=\"{}\"",
                escaped(&name.call_id),
                escaped(&name.remote_tag),
                escaped(&name.local_tag)
            );
        }
        let role = match dialog.role {
            Role::Initiator => "initiator",
            Role::Recipient => "recipient",
        };
        let state = match dialog.state {
            DialogState::Trying => "trying",
            DialogState::Early => "early",
            DialogState::Confirmed => "confirmed",
        };
        let _ = writeln!(xml, " direction=\"{role}\">\n<state>{state}</state>");
        let _ = writeln!(xml, "<local><identity>{entity}</identity><target uri=\"{entity}\"/></local>");
        if let Some(remote) = &dialog.remote {
            let remote = escaped(remote);
            let _ = writeln!(xml, "<remote><identity>{remote}</identity><target uri=\"{remote}\"/></remote>");
        }
        xml.push_str("</dialog>\n");
    }
    xml.push_str("</dialog-info>\n");
    StateDocument { content_type: CONTENT_TYPE, body: xml.into_bytes() }
}

/// Text as it may stand in an attribute or element. What XML 1.0 cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ringing_phone_shows_what_is_needed_to_pick_its_call_up() {
        let name = DialogName { call_id: "a&b".into(), local_tag: "ours".into(), remote_tag: "its".into() };
        let ringing = WatchedDialog {
            id: "20261123-0007-1".into(),
            state: DialogState::Early,
            role: Role::Recipient,
            name: Some(name),
            remote: Some("sip:139@hotline.example".into()),
        };
        let document = document(3, "sip:801@hotline.example", &[ringing]);
        assert_eq!(
            String::from_utf8(document.body).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"3\" state=\"full\" \
             entity=\"sip:801@hotline.example\">\n\
             <dialog id=\"20261123-0007-1\" call-id=\"a&amp;b\" local-tag=\"its\" remote-tag=\"ours\" \
             direction=\"recipient\">\n<state>early</state>\n\
             <local><identity>sip:801@hotline.example</identity>\
             <target uri=\"sip:801@hotline.example\"/></local>\n\
             <remote><identity>sip:139@hotline.example</identity>\
             <target uri=\"sip:139@hotline.example\"/></remote>\n\
             </dialog>\n</dialog-info>\n"
        );
    }

    #[test]
    fn nothing_breaks_out_of_its_attribute() {
        assert_eq!(escaped("a\"><x y='&\u{1}\n"), "a&quot;&gt;&lt;x y='&amp;");
    }
}
