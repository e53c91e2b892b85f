//! The loop that alone touches the world: sockets, sleep, clocks, signals, logging. It feeds inputs to
//! the switch and performs what comes out, in order; it decides nothing.
//!
//! Reading starts at [`serve::serve`]. `sockets.rs` is the wire, `wiring.rs` turns settings into what
//! each room wants, `commands.rs` is the command line behind `main.rs`.

mod api;
mod archive;
mod clock;
pub mod commands;
pub mod demo;
mod descriptors;
mod directory;
pub mod evidence;
mod examiner;
pub mod exporting;
pub mod figures;
pub mod keeping;
mod mailbox;
pub mod matters;
pub mod people;
pub mod prompts;
mod reports;
pub mod residents;
mod resolve;
pub mod serve;
mod sockets;
mod tls;
pub mod wiring;
