//! Chance that is a function of the seed, shared by all who take part in one history.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::lock;

/// Clones draw from one stream.
#[derive(Clone)]
pub(super) struct Chance(Arc<Mutex<fastrand::Rng>>);

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

impl Chance {
    pub(super) fn with_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A stream of its own.
    pub(super) fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(lock(&self.0).fork())))
    }

    pub(super) fn number(&self, range: Range<u32>) -> u32 {
        lock(&self.0).u32(range)
    }

    pub(super) fn seed(&self) -> u64 {
        lock(&self.0).u64(..)
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&self, percent: u32) -> bool {
        self.number(0..100) < percent
    }

    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() {
            return None;
        }
        let last = u32::try_from(of.len()).unwrap_or(u32::MAX);
        of.get(self.number(0..last) as usize)
    }

    /// One of some that are there.
    pub(super) fn one_of<T: Clone, const N: usize>(&self, of: &[T; N]) -> T {
        const { assert!(N > 0) };
        self.pick(of).unwrap_or(&of[0]).clone()
    }

    pub(super) fn shuffle<T>(&self, items: &mut [T]) {
        lock(&self.0).shuffle(items);
    }

    /// Lets others go first, some of the time: a place where a history can be cut off.
    pub(super) async fn dawdle(&self) {
        for _ in 0..self.number(0..3) {
            tokio::task::yield_now().await;
        }
    }
}
