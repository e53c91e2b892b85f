//! `hotlined` answers a property-management company's hotline: it rings the desk, records the call,
//! flags what was not answered within three rings, forwards to the duty mobile, and links every
//! recording to a ticket.
//!
//! The crate is a house of floors; a room imports from lower floors only (`tests/floors.rs`):
//!
//! ```text
//!  5   daemon     the loop: sockets, sleep, clocks, signals, logging
//!  4   console    what people see and press
//!  3   media      RTP relay, prompts, recorder        store   SQLite: the only SQL
//!      trace      what a call saw, in files
//!  2   switch     the exchange (pure)                 config  text → types that cannot be wrong
//!  1   call       one call walks one plan; the house rules that write plans (pure)
//!  0   sip   rtp   sound   desk    RFC 3261 · RFC 3550 · what samples say · tickets, rota, outages (all pure)
//! ```
//!
//! Reading starts at [`switch`], which joins everything below it; `docs/architecture.md` is the map.

pub mod call;
pub mod config;
pub mod console;
pub mod daemon;
pub mod desk;
pub mod media;
pub mod outbox;
pub mod rtp;
pub mod sip;
pub mod sound;
pub mod store;
pub mod switch;
pub mod trace;
