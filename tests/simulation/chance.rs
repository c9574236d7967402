//! Chance that is a function of the seed, shared by all who take part in one history.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Clones draw from one stream.
#[derive(Clone)]
pub(crate) struct Chance(Arc<Mutex<fastrand::Rng>>);

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

impl Chance {
    pub(crate) fn with_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A stream of its own.
    pub(crate) fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().fork())))
    }

    pub(crate) fn number(&self, range: Range<u32>) -> u32 {
        self.0.lock().unwrap().u32(range)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.0.lock().unwrap().u64(..)
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&self, percent: u32) -> bool {
        self.number(0..100) < percent
    }

    pub(crate) fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() {
            return None;
        }
        let last = u32::try_from(of.len()).unwrap();
        of.get(self.number(0..last) as usize)
    }

    pub(crate) fn shuffle<T>(&self, items: &mut [T]) {
        self.0.lock().unwrap().shuffle(items);
    }

    /// Lets others go first, some of the time: a place where a history can be cut off.
    pub(crate) async fn dawdle(&self) {
        for _ in 0..self.number(0..3) {
            tokio::task::yield_now().await;
        }
    }
}
