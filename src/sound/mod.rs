//! What samples say, without recognising a word: who speaks when ([`activity`]), how loud and how clean
//! ([`level`]), and what that makes of a conversation ([`conversation`]). Pure: samples in, facts out;
//! it never opens a file, never knows what a ticket is, and judges nobody. Reading starts at
//! [`side::Side`] (one voice) and [`conversation::Conversation`] (two). How well it does, and where it
//! breaks: `docs/facts.md`.

pub mod activity;
pub mod conversation;
pub mod level;
pub mod side;
pub mod span;
mod spectrum;
