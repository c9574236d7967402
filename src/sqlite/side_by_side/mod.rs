//! The same random history, told to the store in memory and to the one in SQLite: they are to
//! answer alike.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

mod compare;
mod steps;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqlitePoolOptions;

use super::SqliteStore;
use crate::store::*;
use crate::testing::ManualClock;

const SEEDS: u64 = 12;
const STEPS: usize = 200;
/// How often everything is looked at, which costs much more than a step.
const COMPARED_EVERY: usize = 20;
const TENANTS: &[&str] = &["", "a", "b"];

/// Two leases on what is to be the same link.
struct Held {
    memory: Claim,
    sqlite: Claim,
}

struct Pair {
    memory: InMemoryStore,
    sqlite: SqliteStore,
    clock: ManualClock,
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
    async fn new(seed: u64) -> Self {
        let clock =
            ManualClock::at(DateTime::<Utc>::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:")
            .await
            .unwrap();
        Self {
            memory: InMemoryStore::with_clock(clock.shared()),
            sqlite: SqliteStore::with_pool_and_clock(pool, clock.shared())
                .await
                .unwrap(),
            clock,
            chance: fastrand::Rng::with_seed(seed),
            links: BTreeMap::new(),
            reviews: BTreeMap::new(),
            held: Vec::new(),
            sweeps: Vec::new(),
            service_syncs: Vec::new(),
            service_links: BTreeMap::new(),
        }
    }

    fn tenant(&mut self) -> TenantId {
        TenantId::new(TENANTS[self.chance.usize(..TENANTS.len())])
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

#[tokio::test]
async fn both_stores_answer_alike() {
    for seed in 0..SEEDS {
        let mut pair = Pair::new(seed).await;
        for step in 0..STEPS {
            let done = pair.step().await;
            println!("seed {seed}, step {step}: {done}");
            if step % COMPARED_EVERY == 0 {
                pair.compare().await;
            }
        }
        pair.compare().await;
    }
}
