//! What a run leaves behind.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::coverage::Coverage;
use super::lock;

/// A promise that every history is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Promise {
    /// Every change and every delivery ends applied, superseded, ignored for a reason, or in
    /// review.
    NothingLost,
    /// An appointment never has two live bookings, nor a chain two appointments, because of the
    /// engine.
    NothingDoubled,
    /// Nothing is written that nobody at the host wanted, and nothing once both sides are at rest.
    NoLoops,
    /// Once faults stop, the two sides agree or a person is asked; where webhooks were lost for
    /// good, after a sweep.
    Convergence,
    /// A booking that was replaced by another one has ended, or a person is told of it.
    NothingRetiring,
    /// Nothing of one tenant changes because of the other.
    TenantsApart,
    /// A late or repeated webhook moves and revives nothing.
    NoResurrection,
    /// Where only the host makes changes, nobody is asked to decide what nothing contradicts.
    NobodyAskedInVain,
    /// No secret and no personal data in logs, errors and `Debug`.
    SecretsKept,
    /// The work ends: nothing is due again and again.
    ComesToRest,
    /// Nothing panics, whatever happens: neither the engine nor the adapter.
    NoPanic,
}

/// A promise that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenPromise {
    /// The promise.
    pub promise: Promise,
    /// What was found instead.
    pub found: String,
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.found)
    }
}

/// One history from its seed to its end. The same seed gives the same trace, unless the host under
/// test or the network bring time of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// The seed.
    pub seed: u64,
    /// The promises that did not hold; empty if all did.
    pub broken: Vec<BrokenPromise>,
    /// What happened, line by line.
    pub history: Vec<String>,
    /// What stood on both sides at the end, and what was sent to Cal.com.
    pub outcome: String,
    /// What was gone through.
    pub coverage: Coverage,
    /// How many pairs disagreed, rightly, until a sweep found what nobody had told.
    pub found_by_sweep: usize,
}

impl Trace {
    /// Whether all promises held.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// Expects that all promises held.
    ///
    /// # Panics
    ///
    /// If one did not, with the history that led to it.
    pub fn expect_kept(&self) {
        assert!(self.is_kept(), "{self}");
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_kept() {
            return write!(f, "seed {} kept all promises", self.seed);
        }
        writeln!(f, "the history of seed {}:", self.seed)?;
        for line in &self.history {
            writeln!(f, "  {line}")?;
        }
        for broken in &self.broken {
            writeln!(f, "broken: {broken}")?;
        }
        write!(f, "seed {} broke a promise", self.seed)
    }
}

/// What was found wrong; clones find together.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Arc<Mutex<Vec<BrokenPromise>>>);

impl Findings {
    /// Notes what is wrong unless the promise holds. Returns whether it does.
    pub(super) fn check(
        &self,
        promise: Promise,
        holds: bool,
        found: impl FnOnce() -> String,
    ) -> bool {
        if !holds {
            let found = found();
            lock(&self.0).push(BrokenPromise { promise, found });
        }
        holds
    }

    pub(super) fn broke(&self, promise: Promise, found: impl Into<String>) {
        let found = found.into();
        lock(&self.0).push(BrokenPromise { promise, found });
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    pub(super) fn list(&self) -> Vec<BrokenPromise> {
        lock(&self.0).clone()
    }
}
