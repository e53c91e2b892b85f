//! The rules of the desk's work, as `config/house.toml` states them: every number of it is a setting.

use super::directory::Numbering;

/// Everything that decides what happens to a matter; what decides about a call is the room above's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Office {
    pub numbering: Numbering,
}
