//! The database: one SQLite file with every ticket, outage, number block and binding. The only room
//! that knows SQL.
//!
//! One [`writer::Writer`] coalesces what changed and commits it in groups, at most 50 ms apart, on a
//! thread of its own; no caller ever waits for it. A change that fails is kept and retried until it
//! works, and each result comes back as a [`facts::StoreFact`]. What people change is an [`edit`] on the
//! same thread, answered after its COMMIT. [`reader::Reader`]s, also in other programs, read the same file
//! meanwhile (WAL).
//!
//! It never decides anything about a call, never reads the wall clock, and never lets a row type out:
//! what goes in and comes out are the types of `desk`.
//!
//! Reading starts at [`writer`]; the tables are in `migrations/`, their meaning in `docs/database.md`.

mod access;
pub mod access_list;
pub mod archive;
pub mod audit;
pub mod binding;
pub mod call_facts;
pub mod chain;
pub mod edit;
pub mod error;
mod events;
pub mod facts;
mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod gaps;
mod group;
mod inbox;
mod matter;
pub mod matters;
pub mod message;
mod missed;
pub mod mobiles;
mod notice;
mod open;
pub mod people;
pub mod reader;
mod redial;
mod remark;
pub mod residents;
mod rows;
mod segment;
mod sweep;
pub mod transcript;
pub mod visits;
pub mod words;
pub mod work_orders;
pub mod writer;
