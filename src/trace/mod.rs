//! What a call saw, kept in a file of its own: the journal of its machine and its SIP messages. One file a
//! ticket, `2026/11/23/20261123-0007.jsonl`, the journal in the first line and one message in each that
//! follows, so that the messages can be forgotten before the journal by cutting the file.
//!
//! It is never in the way of a call: [`book::Book`] collects in memory within bounds, [`keeper::Keeper`] writes
//! on a thread of its own and drops, counted, what it has no room for. It never decides what is kept how long.
//! Reading starts at [`book::Book`]; [`pcap`] is the export.

pub mod book;
pub mod file;
pub mod keeper;
pub mod pcap;

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One SIP message as it came or went, secrets covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub at: DateTime<Utc>,
    pub way: Way,
    /// `UDP`, `TCP`, `TLS`.
    pub transport: String,
    /// Our end, as peers are told it.
    pub ours: SocketAddr,
    pub peer: SocketAddr,
    pub text: String,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Received,
    Sent,
}
