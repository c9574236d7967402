//! The targets, which the crate's test `fuzz` runs too.

#[path = "../../tests/fuzz/targets/mod.rs"]
pub mod targets;
