//! What is remembered of free slots and event types: lifetimes, single flight, generations, and stale answers for while Cal.com is
//! down.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::Equivalent;
use moka::future::Cache;

use super::error::{Error, ErrorKind};
use crate::ambient::Clock;
use crate::model::{EventType, EventTypeId, SlotQuery, SlotsByDay};

/// Settings of the cache behind [`Client::availability`](super::Client::availability).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    slot_lifetime: Duration,
    event_type_lifetime: Duration,
    stale_for: Duration,
    capacity: u64,
}

impl Default for CachePolicy {
    /// Slots are remembered for 5 minutes, event types for 15; while Cal.com is down, for an hour; at most 10,000 of either.
    fn default() -> Self {
        Self {
            slot_lifetime: Duration::from_secs(5 * 60),
            event_type_lifetime: Duration::from_secs(15 * 60),
            stale_for: Duration::from_secs(60 * 60),
            capacity: 10_000,
        }
    }
}

impl CachePolicy {
    /// How long slots are taken for the present ones. What others book at Cal.com meanwhile is not seen for as long, unless a
    /// webhook tells of it and the cache is told.
    #[must_use]
    pub fn with_slot_lifetime(mut self, lifetime: Duration) -> Self {
        self.slot_lifetime = lifetime;
        self
    }

    /// How long an event type is taken for the present one. What is changed at Cal.com meanwhile is not seen for as long.
    #[must_use]
    pub fn with_event_type_lifetime(mut self, lifetime: Duration) -> Self {
        self.event_type_lifetime = lifetime;
        self
    }

    /// How old an answer may be that stands in, marked as such, while Cal.com cannot be reached. Zero: none does.
    #[must_use]
    pub fn with_stale_for(mut self, age: Duration) -> Self {
        self.stale_for = age;
        self
    }

    /// How many queries, and how many event types, are remembered.
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

/// A value, and how fresh it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cached<T> {
    /// The value.
    pub value: T,
    /// How fresh it is.
    pub freshness: Freshness,
}

impl<T> Cached<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Cached<U> {
        Cached {
            value: change(self.value),
            freshness: self.freshness,
        }
    }
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    loaded_at: DateTime<Utc>,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            loaded_at: self.loaded_at,
        }
    }
}

impl<T> Entry<T> {
    fn age(&self, now: DateTime<Utc>) -> Duration {
        (now - self.loaded_at).to_std().unwrap_or_default()
    }

    fn answer(self, freshness: Freshness) -> Cached<Arc<T>> {
        Cached {
            value: self.value,
            freshness,
        }
    }
}

/// The key of `Memory::present`, without a copy of the question. Hashes as the pair does.
#[derive(Hash)]
struct Asked<'a, K> {
    generation: u64,
    key: &'a K,
}

impl<K: Eq> Equivalent<(u64, K)> for Asked<'_, K> {
    fn equivalent(&self, (generation, key): &(u64, K)) -> bool {
        self.generation == *generation && self.key == key
    }
}

/// Answers by what was asked.
pub(super) struct Memory<K, T> {
    lifetime: Duration,
    stale_for: Duration,
    clock: Arc<dyn Clock>,
    /// Raised by every write that may change the answers. A load that began before counts for the generation in which it began,
    /// and so it is never the answer to a question that was asked after the write.
    generation: AtomicU64,
    present: Cache<(u64, K), Entry<T>>,
    last_known: Cache<K, Entry<T>>,
}

impl<K, T> fmt::Debug for Memory<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl<K, T> Memory<K, T>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    fn new(policy: &CachePolicy, lifetime: Duration, clock: Arc<dyn Clock>) -> Self {
        // Freshness is judged by the injected clock; these lifetimes only bound the memory.
        let bound = |lifetime: Duration| lifetime.max(Duration::from_secs(1));
        Self {
            lifetime,
            stale_for: policy.stale_for,
            clock,
            generation: AtomicU64::new(0),
            present: Cache::builder()
                .max_capacity(policy.capacity)
                .time_to_live(bound(lifetime))
                .build(),
            last_known: Cache::builder()
                .max_capacity(policy.capacity)
                .time_to_live(bound(policy.stale_for))
                .build(),
        }
    }

    fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// The answer to a question; of many that ask at once, one loads.
    ///
    /// `load` is a closure so that a hit neither makes nor moves the future of a call, which is kilobytes large.
    pub(super) async fn get<F: Future<Output = Result<T, Error>>>(
        &self,
        key: &K,
        load: impl FnOnce() -> F,
    ) -> Result<Cached<Arc<T>>, Error> {
        let now = self.clock.now();
        let asked = Asked {
            generation: self.generation.load(Ordering::Acquire),
            key,
        };
        if let Some(entry) = self.present.get(&asked).await {
            let age = entry.age(now);
            if age < self.lifetime {
                return Ok(entry.answer(Freshness::Cached { age }));
            }
            self.present.invalidate(&asked).await;
        }
        // Boxed, because the cache keeps the future of whoever loads for all who wait.
        let loaded = Box::pin(
            self.present
                .try_get_with((asked.generation, key.clone()), async {
                    Ok::<_, Error>(Entry {
                        value: Arc::new(load().await?),
                        loaded_at: self.clock.now(),
                    })
                }),
        )
        .await;
        match loaded {
            Ok(entry) => {
                self.last_known.insert(key.clone(), entry.clone()).await;
                Ok(entry.answer(Freshness::Fresh))
            }
            Err(error) => self.stand_in(key, now, Error::clone(&error)).await,
        }
    }

    /// The last answer that is known, if Cal.com cannot be reached; any other failure stands.
    async fn stand_in(
        &self,
        key: &K,
        now: DateTime<Utc>,
        error: Error,
    ) -> Result<Cached<Arc<T>>, Error> {
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
            Some(entry) if entry.age(now) < self.stale_for => {
                let age = entry.age(now);
                Ok(entry.answer(Freshness::Stale { age }))
            }
            _ => Err(error),
        }
    }
}

/// All that a client remembers.
#[derive(Debug)]
pub(super) struct Memories {
    pub(super) slots: Memory<SlotQuery, SlotsByDay>,
    pub(super) event_types: Memory<EventTypeId, EventType>,
}

impl Memories {
    pub(super) fn new(policy: &CachePolicy, clock: &Arc<dyn Clock>) -> Self {
        Self {
            slots: Memory::new(policy, policy.slot_lifetime, Arc::clone(clock)),
            event_types: Memory::new(policy, policy.event_type_lifetime, Arc::clone(clock)),
        }
    }

    /// Forgets all slots: a booking takes its host's time, whichever event types that host has.
    pub(super) fn forget_slots(&self) {
        self.slots.forget();
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        self.slots.forget();
        self.event_types.forget();
    }
}

/// Forgets when a write ends, however it ends: given up, it may have been carried out all the same.
pub(super) struct ForgetOnDrop<'a> {
    memories: &'a Memories,
    slots_only: bool,
}

impl<'a> ForgetOnDrop<'a> {
    /// What this write may change: a booking changes what is free, anything else may change an event type too.
    pub(super) fn after(memories: &'a Memories, operation: &str) -> Self {
        Self {
            memories,
            slots_only: operation.starts_with("bookings.")
                || operation.starts_with("reservations."),
        }
    }
}

impl Drop for ForgetOnDrop<'_> {
    fn drop(&mut self) {
        if self.slots_only {
            self.memories.forget_slots();
        } else {
            self.memories.forget_all();
        }
    }
}
