//! Callers are known by the residents' list before the desk rings: it lies in memory, so no call waits
//! for a disk.

use super::{Switch, outgoing::Caller};

impl Switch {
    /// The caller with what the list calls them; several who share a number are all named.
    pub(super) fn recognised(&self, caller: Caller) -> Caller {
        let listed = caller.number.as_ref().and_then(|number| self.directory.find(number).display());
        Caller { listed, ..caller }
    }
}
