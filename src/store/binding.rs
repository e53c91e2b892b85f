//! Registrations as the database keeps them, so that phones ring again right after a restart.

use chrono::{DateTime, Utc};

/// One contact registered for one phone (RFC 3261 §10), in words that any version can read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedBinding {
    /// The phone's name in the house rules: `801`.
    pub phone: String,
    /// The Contact URI as the phone gave it.
    pub contact: String,
    /// `+sip.instance`, if the phone named one (RFC 5626 §4.1).
    pub instance: Option<String>,
    /// The Path URIs, in order (RFC 3327).
    pub path: Vec<String>,
    /// `UDP`, `TCP` or `TLS`.
    pub transport: String,
    /// Place of the listener in the configuration.
    pub listener: u8,
    /// The address that the REGISTER came from: `192.0.2.7:5060`.
    pub remote: String,
    /// Call-ID and CSeq of the last REGISTER, to recognise an older one (RFC 3261 §10.3 step 7).
    pub call_id: String,
    pub cseq: u32,
    pub expires_at: DateTime<Utc>,
    pub user_agent: Option<String>,
}

/// All bindings that a phone now has; those it had before are replaced. Empty: it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingChange {
    pub phone: String,
    pub bindings: Vec<SavedBinding>,
}
