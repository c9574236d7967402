//! What is remembered of free slots: a lifetime, single flight, generations, and stale answers for while Cal.com is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;

use super::error::{Error, ErrorKind};
use crate::ambient::Clock;
use crate::model::SlotsByDay;

/// Settings of the cache of free slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    lifetime: Duration,
    stale_for: Duration,
    capacity: u64,
}

impl Default for CachePolicy {
    /// Slots are remembered for 5 minutes; while Cal.com is down, for an hour; at most 10,000 queries.
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(5 * 60),
            stale_for: Duration::from_secs(60 * 60),
            capacity: 10_000,
        }
    }
}

impl CachePolicy {
    /// How long an answer is taken for the present one. What others book at Cal.com meanwhile is not seen for as long, unless a
    /// webhook tells of it and the cache is invalidated.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How old an answer may be that stands in, marked as such, while Cal.com cannot be reached. Zero: none does.
    #[must_use]
    pub fn with_stale_for(mut self, age: Duration) -> Self {
        self.stale_for = age;
        self
    }

    /// How many queries are remembered.
    #[must_use]
    pub fn with_capacity(mut self, queries: u64) -> Self {
        self.capacity = queries;
        self
    }
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// From Cal.com, just now.
    Fresh,
    /// From the cache.
    Cached {
        /// How old it is.
        age: Duration,
    },
    /// From the cache, because Cal.com cannot be reached. It may have been overtaken.
    Stale {
        /// How old it is.
        age: Duration,
    },
}

/// An answer, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// Where it comes from.
    pub freshness: Freshness,
}

impl<T> Answer<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: change(self.value),
            freshness: self.freshness,
        }
    }
}

/// A query as a key: its parameters in the API's spelling.
pub(super) type Key = Arc<str>;

#[derive(Clone, Debug)]
struct Entry {
    slots: Arc<SlotsByDay>,
    loaded_at: DateTime<Utc>,
}

impl Entry {
    fn age(&self, now: DateTime<Utc>) -> Duration {
        (now - self.loaded_at).to_std().unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct SlotCache {
    policy: CachePolicy,
    clock: Arc<dyn Clock>,
    /// Raised by every booking that is made, moved or cancelled. A load that began before counts for the generation in which it
    /// began, and so it is never the answer to a question that was asked after the write.
    generation: AtomicU64,
    present: Cache<(u64, Key), Entry>,
    last_known: Cache<Key, Entry>,
}

impl SlotCache {
    pub(super) fn new(policy: CachePolicy, clock: Arc<dyn Clock>) -> Self {
        let cache = |lifetime| {
            Cache::builder()
                .max_capacity(policy.capacity)
                .time_to_live(lifetime)
        };
        // Freshness is judged by the injected clock; these lifetimes only bound the memory.
        Self {
            present: cache(policy.lifetime.max(Duration::from_secs(1))).build(),
            last_known: Cache::builder()
                .max_capacity(policy.capacity)
                .time_to_live(policy.stale_for.max(Duration::from_secs(1)))
                .build(),
            policy,
            clock,
            generation: AtomicU64::new(0),
        }
    }

    /// Forgets everything: a booking takes its host's time, whichever event types that host has.
    pub(super) fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// The answer to a query; of many that ask at once, one loads.
    pub(super) async fn get(
        &self,
        key: Key,
        load: impl Future<Output = Result<SlotsByDay, Error>>,
    ) -> Result<Answer<Arc<SlotsByDay>>, Error> {
        let now = self.clock.now();
        let generation = self.generation.load(Ordering::Acquire);
        let present = (generation, Arc::clone(&key));
        if let Some(entry) = self.present.get(&present).await {
            let age = entry.age(now);
            if age < self.policy.lifetime {
                return Ok(Answer {
                    value: entry.slots,
                    freshness: Freshness::Cached { age },
                });
            }
            self.present.invalidate(&present).await;
        }
        let loaded = self
            .present
            .try_get_with(present, async {
                let slots = Arc::new(load.await?);
                Ok::<_, Error>(Entry {
                    slots,
                    loaded_at: self.clock.now(),
                })
            })
            .await;
        match loaded {
            Ok(entry) => {
                self.last_known.insert(key, entry.clone()).await;
                Ok(Answer {
                    value: entry.slots,
                    freshness: Freshness::Fresh,
                })
            }
            Err(error) => self.stand_in(&key, now, Error::clone(&error)).await,
        }
    }

    /// The last answer that is known, if Cal.com cannot be reached; any other failure stands.
    async fn stand_in(
        &self,
        key: &Key,
        now: DateTime<Utc>,
        error: Error,
    ) -> Result<Answer<Arc<SlotsByDay>>, Error> {
        let down = matches!(
            error.kind(),
            ErrorKind::Server
                | ErrorKind::Transport
                | ErrorKind::CircuitOpen
                | ErrorKind::RateLimited
        );
        let known = if down {
            self.last_known.get(key).await
        } else {
            None
        };
        match known {
            Some(entry) if entry.age(now) < self.policy.stale_for => Ok(Answer {
                freshness: Freshness::Stale {
                    age: entry.age(now),
                },
                value: entry.slots,
            }),
            _ => Err(error),
        }
    }
}

/// Forgets the cache when a write ends, however it ends: given up, it may have been carried out all the same.
pub(super) struct InvalidateOnDrop<'a>(pub(super) &'a SlotCache);

impl Drop for InvalidateOnDrop<'_> {
    fn drop(&mut self) {
        self.0.invalidate();
    }
}
