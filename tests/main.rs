//! All integration tests in one binary: the floors of the house, whole calls in virtual time, random
//! simulation, and the real daemon on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a test that meets the unexpected shall fail, and says where"
)]

mod api;
mod desk;
mod facts;
mod floors;
mod scenarios;
mod simulation;
mod week;
mod wire;
mod world;
