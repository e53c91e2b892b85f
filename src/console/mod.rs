//! What people see and press: tickets as [`text`] for eyes and as [`json`] for programs, the [`control`]
//! socket by which the command line asks the running daemon, and the API over [`http`] with its live
//! [`feed`]; lists as files ([`sheet`]). It never touches a call: a press becomes an order, an input like any
//! packet.

pub mod control;
pub mod dispatch;
pub mod evidence;
pub mod feed;
pub mod http;
pub mod json;
pub mod listening;
pub mod lists;
pub mod prompts;
pub mod report;
pub mod sheet;
pub mod text;
pub mod trace;
pub mod transcript;
