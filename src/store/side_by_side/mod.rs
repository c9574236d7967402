//! The same random history, told to the store in memory and to one in a database: they are to
//! answer alike.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]
#![allow(
    clippy::print_stdout,
    reason = "which history it was, if the test fails"
)]

mod compare;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::store::*;
use crate::testing::ManualClock;
use crate::testing::conformance::PassTime;

const STEPS: usize = 200;
/// How often everything is looked at, which costs much more than a step.
const COMPARED_EVERY: usize = 20;

/// Two leases on what is to be the same link.
struct Held {
    memory: Claim,
    tried: Claim,
}

/// The two stores, and what is known of them.
pub(crate) struct Pair {
    memory: InMemoryStore,
    tried: Arc<dyn Store>,
    clock: ManualClock,
    /// The time of the store that is tried, if it does not go by the clock.
    time: Option<Arc<dyn PassTime>>,
    tenants: &'static [&'static str],
    chance: fastrand::Rng,
    /// What the store in memory calls a link or a review item, and what the other one does.
    links: BTreeMap<LinkId, LinkId>,
    reviews: BTreeMap<ReviewId, ReviewId>,
    held: Vec<Held>,
    /// Both stores give the same lease on a sweep.
    sweeps: Vec<SweepLease>,
    service_syncs: Vec<ServiceSyncLease>,
    /// What the store in memory calls a row about a service, and what the other one does.
    service_links: BTreeMap<ServiceLinkId, ServiceLinkId>,
}

impl Pair {
    /// The time at which a history begins. The clock stands still but where it is moved.
    pub(crate) fn clock() -> ManualClock {
        ManualClock::at(DateTime::<Utc>::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
    }

    /// A store with nothing in it, which goes by this clock or by a time of its own that shows the
    /// same.
    pub(crate) fn new(
        tried: Arc<dyn Store>,
        clock: ManualClock,
        time: Option<Arc<dyn PassTime>>,
    ) -> Self {
        Self {
            memory: InMemoryStore::with_clock(clock.shared()),
            tried,
            clock,
            time,
            tenants: &["", "a", "b"],
            chance: fastrand::Rng::new(),
            links: BTreeMap::new(),
            reviews: BTreeMap::new(),
            held: Vec::new(),
            sweeps: Vec::new(),
            service_syncs: Vec::new(),
            service_links: BTreeMap::new(),
        }
    }

    /// The tenants of the history, of which one has no name otherwise.
    #[cfg(feature = "postgres")]
    pub(crate) fn of_tenants(mut self, tenants: &'static [&'static str]) -> Self {
        self.tenants = tenants;
        self
    }

    /// One history, by chance.
    pub(crate) async fn answers_alike(mut self, seed: u64) {
        self.chance = fastrand::Rng::with_seed(seed);
        for step in 0..STEPS {
            let done = self.step().await;
            println!("seed {seed}, step {step}: {done}");
            if step % COMPARED_EVERY == 0 {
                self.compare().await;
            }
        }
        self.compare().await;
    }

    fn tenant(&mut self) -> TenantId {
        TenantId::new(self.tenants[self.chance.usize(..self.tenants.len())])
    }

    fn name<T: From<String>>(&mut self, prefix: &str, count: u8) -> T {
        T::from(format!("{prefix}{}", self.chance.u8(..count)))
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance.bool().then(|| make(self))
    }

    fn seconds(&mut self, most: u64) -> Duration {
        Duration::from_secs(self.chance.u64(..most))
    }

    fn clock_now(&self) -> DateTime<Utc> {
        crate::ambient::Clock::now(&self.clock)
    }
}
