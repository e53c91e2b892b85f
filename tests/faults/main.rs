//! What the daemon keeps when something breaks: the real `hotlined serve` with calls under way, cut off or
//! starved in every way that a desk's machine knows, and looked at afterwards from outside.
//!
//! `tests/faults/run [--short] [MODE…]`; the modes are the functions of `modes.rs`. Power cuts need root, loop
//! devices and mkfs.xfs; without them that mode says so and is left out. Figures go to `docs/reliability.md`.

#![expect(clippy::disallowed_methods, reason = "a fault test reads clocks and sleeps")]
#![allow(
    dead_code,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "its numbers are its own, it borrows the load's generator, and a panic only ends the test"
)]

#[path = "../../benches/load/daemon.rs"]
mod daemon;
mod disk;
mod modes;
#[path = "../../benches/load/recordings.rs"]
mod recordings;
#[path = "../../benches/load/report.rs"]
mod report;
#[path = "../../benches/load/sip.rs"]
mod sip;
#[path = "../../benches/load/tickets.rs"]
mod tickets;
#[path = "../../benches/load/traffic.rs"]
mod traffic;
#[path = "../../benches/load/voice.rs"]
mod voice;
mod witness;

use std::process::ExitCode;

use report::Report;

type Mode = fn(usize, &mut Report);

/// Each with its rounds: a short run's, a long one's.
const MODES: [(&str, Mode, usize, usize); 5] = [
    ("kills", modes::kills, 2, 20),
    ("power", modes::power, 2, 20),
    ("full", modes::full, 1, 3),
    ("errors", modes::errors, 1, 3),
    ("database", modes::database, 1, 3),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let short = words.iter().any(|word| word == "--short");
    let named: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = named.iter().find(|word| MODES.iter().all(|(name, ..)| name != **word)) {
        eprintln!("{unknown}: kills, power, full, errors or database was expected");
        return ExitCode::FAILURE;
    }
    let mut report = Report::default();
    for (name, run, few, many) in MODES {
        if named.is_empty() || named.iter().any(|word| *word == name) {
            println!("{name}");
            run(if short { few } else { many }, &mut report);
        }
    }
    if report.is_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
