//! Telephone numbers and names that must not appear whole in a log.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that `Display` and `Debug` mask: three digits stay readable (`…678`). Ask for
/// [`Private::reveal`] where the whole is really meant: wire, database, a person's screen.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Private<T>(T);

impl<T> Private<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: AsRef<str>> fmt::Display for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_ref();
        let cut = text.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
        write!(f, "…{}", &text[cut..])
    }
}

impl<T: AsRef<str>> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Written down masked, as in a log: a journal keeps no numbers. Who stores the whole reveals it.
impl<T: AsRef<str>> Serialize for Private<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Private<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// A telephone number as it was sent or dialled: `13800000000`, `+8613800000000`, `801`.
pub type Number = Private<String>;
