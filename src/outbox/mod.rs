//! What leaves the house: recordings to a worker that writes down what was said. It never touches a call, never
//! decides what is due, and whatever the other side does, nobody waits for it.

pub mod transcripts;
