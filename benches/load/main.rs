//! What the whole daemon does under load: `hotlined serve` as it is installed, with a carrier and a desk
//! phone of our own around it, everything over real sockets, files and SQLite.
//!
//! `cargo bench --bench load -- calls100 | setup | start | kill` (all four without a word), and
//! `SLOW_SYNC=1` before it for a disk on which every fdatasync takes 2 s. `--short` is a smaller run of
//! each for every change, `--strict` also fails on a figure that misses its target. Without it only what
//! is wrong fails: lost packets, changed samples, failed calls, missing tickets. `HOTLINED=PATH` measures
//! another build than this one.
//!
//! Each mode is a function in `modes.rs`; `traffic.rs` is the generator's loop.

#![expect(clippy::disallowed_methods, reason = "a measurement reads clocks and sleeps")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    reason = "its numbers are its own, and a panic only ends the measurement"
)]

mod daemon;
mod modes;
mod recordings;
mod report;
mod sip;
mod tickets;
mod traffic;
mod voice;

use std::process::ExitCode;

use crate::{modes::Size, report::Report};

type Mode = fn(Size, &mut Report);

fn main() -> ExitCode {
    // Where the system does not allow it, the generator has to do without.
    let _ = rustix::process::setpriority_process(None, daemon::PRECEDENCE);
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let has = |word: &str| words.iter().any(|given| given == word);
    let size = if has("--short") { Size::Short } else { Size::Full };
    let modes: [(&str, Mode); 4] = [
        ("calls100", modes::calls100),
        ("setup", modes::setup),
        ("start", modes::start),
        ("kill", modes::kill),
    ];
    let named: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = named.iter().find(|word| modes.iter().all(|(name, _)| name != **word)) {
        eprintln!("{unknown}: calls100, setup, start or kill was expected");
        return ExitCode::FAILURE;
    }
    let mut report = Report::default();
    for (name, run) in modes {
        if named.is_empty() || has(name) {
            println!("{name}");
            run(size, &mut report);
        }
    }
    if report.is_wrong() || has("--strict") && report.has_missed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
