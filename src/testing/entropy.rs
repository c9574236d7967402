//! Chance that can be repeated.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::ambient::Entropy;

/// Chance drawn from a seed: the same seed gives the same numbers.
pub struct SeededEntropy(Mutex<fastrand::Rng>);

impl SeededEntropy {
    /// Chance from this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .u64(..)
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededEntropy")
    }
}
