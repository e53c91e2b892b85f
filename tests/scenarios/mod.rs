//! Whole calls as ladders: what every side sends at which second, and the ticket that is left.

mod clock;
mod desk;
mod edge;
mod ending;
mod identity;
mod lamps;
mod mobile;
mod network;
mod notice;
mod outgoing;
mod queue;
mod recognition;
mod service;
mod transfer;
mod trunk;
mod unstaffed;
mod voicemail;

use crate::world::{HOTLINE, Move, Setup, World};

/// Somebody outside who calls the hotline.
const CALLER: &str = "13911112222";

fn world() -> World {
    World::open(Setup::default())
}

/// A world that differs from the usual one.
fn world_with(change: impl FnOnce(&mut Setup)) -> World {
    let mut setup = Setup::default();
    change(&mut setup);
    World::open(setup)
}

/// A resident calls the hotline.
fn resident_calls(world: &mut World, moves: &[(f64, Move)]) -> crate::world::CallKey {
    world.call("trunk", CALLER, HOTLINE, moves)
}
