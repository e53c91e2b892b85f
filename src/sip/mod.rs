//! SIP as its RFCs tell it: messages, URIs, digest, SDP, the four transaction machines, dialogs and
//! the INVITE usage, all pure. Never opens a socket, reads a clock or knows what a ticket is.
//!
//! Reading starts at [`ua::UserAgent`], the one machine that the switch talks to; below it lie
//! [`transaction`] (RFC 3261 §17), `usage` (RFC 5057), `dialog` (RFC 3261 §12) and [`message`] (§7).

pub mod body;
pub mod check;
mod dialog;
pub mod dialog_info;
pub mod digest;
pub mod framing;
pub mod header;
pub mod header_name;
pub mod headers;
pub mod hop;
mod lines;
pub mod mask;
pub mod message;
pub mod message_summary;
#[cfg(test)]
mod mutation;
pub mod offer;
pub mod parse;
#[cfg(test)]
mod properties;
pub mod refer;
pub mod sdes;
pub mod sdp;
mod session_timer;
pub mod subscription;
pub mod text;
#[cfg(test)]
mod torture;
pub mod transaction;
pub mod ua;
pub mod uri;
mod usage;
pub mod write;
