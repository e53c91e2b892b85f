//! What a telephone asks for in a call beyond answering and hanging up: hold, transfer, pick-up.

use serde::{Deserialize, Serialize};

use super::LegIndex;
use crate::call::plan::Target;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Feature {
    /// A leg put the call on hold.
    Held { leg: LegIndex },
    /// It took it back.
    Resumed { leg: LegIndex },
    /// A leg wants whom it talks with put through to that target (RFC 3515). `by` is who asks, to be rung
    /// again where that fails.
    Referred { leg: LegIndex, by: Target, to: Target },
    /// Somebody who is on the line already shall have that leg's place (RFC 3891): taken in by
    /// [`super::Action::Adopt`], or not.
    Replaced { leg: LegIndex, by: Target, newcomer: Target },
    /// Somebody at another phone wants the call that rings: taken in by [`super::Action::Adopt`], or not.
    PickedUp { by: Target },
    /// That leg has gone over to another call.
    Taken { leg: LegIndex },
}

/// What the phone that asked for a transfer hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferNews {
    Rings,
    Done,
    Failed,
}
