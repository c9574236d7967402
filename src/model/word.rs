//! Deserializing from a borrowed string, without copying it.

use std::fmt;

use serde::de::{Error, Visitor};

/// Converts a string while it is deserialized, or returns the reason why it is invalid.
pub(crate) struct Word<F>(pub(crate) F);

impl<T, F: FnOnce(&str) -> Result<T, &'static str>> Visitor<'_> for Word<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}
