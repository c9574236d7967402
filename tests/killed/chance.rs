//! Chance that is a function of the seed.

use std::ops::Range;

pub(crate) struct Chance(fastrand::Rng);

impl Chance {
    pub(crate) fn with_seed(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(crate) fn number(&mut self, range: Range<u32>) -> u32 {
        self.0.u32(range)
    }

    pub(crate) fn seed(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.number(0..100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        self.0.choice(of)
    }
}
