//! The media room: port pairs, the relay between the legs of a call, prompts, and the recorder's tap.
//! Commands come down and facts go up (`switch/media.rs`). It never delays a caller for the disk's
//! sake, and it never knows what a ticket is for.

pub(crate) mod clock;
pub mod error;
mod ports;
mod prompts;
