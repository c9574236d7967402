//! The cache of slots and event types: lifetimes, single flight, generations, and stale responses
//! while Cal.com is down.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::Equivalent;
use moka::future::Cache;
use tokio::sync::watch;

use super::error::{Error, ErrorKind};
use crate::ambient::Clock;
use crate::model::{EventType, EventTypeId, SlotQuery, SlotsByDay};

/// Configuration of the cache behind [`Client::availability`](super::Client::availability).
///
/// ```no_run
/// use std::time::Duration;
///
/// use calcom::client::{CachePolicy, Client};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = CachePolicy::default()
///     .with_slot_lifetime(Duration::from_secs(60))
///     .with_stale_for(Duration::ZERO);
/// let client = Client::builder(std::env::var("CALCOM_API_KEY")?).cache(policy).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    slot_lifetime: Duration,
    event_type_lifetime: Duration,
    stale_for: Duration,
    capacity: u64,
}

impl Default for CachePolicy {
    /// Slots are cached for 5 minutes and event types for 15, or up to an hour while Cal.com is
    /// down.
    ///
    /// At most 10,000 entries of each are cached.
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
    /// Sets how long slots are served from the cache.
    ///
    /// During that time, bookings that others make at Cal.com are not seen, unless a webhook
    /// reports them and is passed to [`Availability::observe`](super::Availability::observe).
    #[must_use]
    pub fn with_slot_lifetime(mut self, lifetime: Duration) -> Self {
        self.slot_lifetime = lifetime;
        self
    }

    /// Sets how long event types are served from the cache.
    ///
    /// During that time, changes made at Cal.com are not seen.
    #[must_use]
    pub fn with_event_type_lifetime(mut self, lifetime: Duration) -> Self {
        self.event_type_lifetime = lifetime;
        self
    }

    /// Sets the maximum age of a stale response, returned while Cal.com is unreachable and marked
    /// as such.
    ///
    /// Zero disables stale responses.
    #[must_use]
    pub fn with_stale_for(mut self, age: Duration) -> Self {
        self.stale_for = age;
        self
    }

    /// Sets how many queries, and how many event types, are cached.
    #[must_use]
    pub fn with_capacity(mut self, queries: u64) -> Self {
        self.capacity = queries;
        self
    }
}

/// Where a response comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// From Cal.com, just now.
    Fresh,
    /// From the cache.
    #[non_exhaustive]
    Cached {
        /// The age of the cached response.
        age: Duration,
    },
    /// From the cache, because Cal.com is unreachable. It may be outdated.
    #[non_exhaustive]
    Stale {
        /// The age of the cached response.
        age: Duration,
    },
}

/// A value and its freshness.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cached<T> {
    /// The value.
    pub value: T,
    /// The freshness of the value.
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

/// A borrowed key of `Memory::present`, which avoids copying the query.
///
/// It hashes like the owned pair.
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

/// Cached responses by query.
pub(super) struct Memory<K, T> {
    lifetime: Duration,
    stale_for: Duration,
    clock: Arc<dyn Clock>,
    /// Incremented by every write that may change the responses.
    ///
    /// A load belongs to the generation in which it began, so it is never the response to a query
    /// made after the write.
    generation: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
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
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
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

    fn hits_and_misses(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.hits), of(&self.misses))
    }

    fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns the response to a query. Of many concurrent callers, only one loads it.
    ///
    /// `load` is a closure so that a hit neither creates nor moves the future of a call, which is
    /// several kilobytes large.
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
                self.hits.fetch_add(1, Ordering::Relaxed);
                return Ok(entry.answer(Freshness::Cached { age }));
            }
            self.present.invalidate(&asked).await;
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        // Boxed, because the cache shares the loading future with all waiting callers.
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

    /// Returns the last known response if Cal.com is unreachable. Other errors are passed on.
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

/// What is not to be served from the cache any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forgotten {
    /// The slots, because a booking has changed.
    Slots,
    /// Slots and event types.
    Everything,
}

/// How often each was forgotten.
#[derive(Clone, Copy, Debug, Default)]
struct Forgettings {
    slots: u64,
    everything: u64,
}

/// What a client forgets of its own accord: because it wrote something, or was given a webhook.
///
/// Obtained from [`Availability::changes`](super::Availability::changes).
#[derive(Debug)]
pub struct AvailabilityChanges {
    /// Keeps the sender, so that waiting ends only with a change.
    client: super::Client,
    changes: watch::Receiver<Forgettings>,
    seen: Forgettings,
}

impl AvailabilityChanges {
    pub(super) fn of(client: &super::Client) -> Self {
        let changes = client.transport.memories.changes.subscribe();
        let seen = *changes.borrow();
        Self {
            client: client.clone(),
            changes,
            seen,
        }
    }

    /// Waits for the next change. Those that came while nobody waited are one. Dropping the future
    /// loses nothing.
    pub async fn next(&mut self) -> Forgotten {
        let seen = self.seen;
        let is_new =
            |now: &Forgettings| now.slots != seen.slots || now.everything != seen.everything;
        let now = match self.changes.wait_for(is_new).await {
            Ok(now) => *now,
            // It cannot be gone while the client is held.
            Err(_) => *self.client.transport.memories.changes.borrow(),
        };
        self.seen = now;
        if now.everything == seen.everything {
            Forgotten::Slots
        } else {
            Forgotten::Everything
        }
    }
}

/// The caches of a client.
#[derive(Debug)]
pub(super) struct Memories {
    pub(super) slots: Memory<SlotQuery, SlotsByDay>,
    pub(super) event_types: Memory<EventTypeId, EventType>,
    changes: watch::Sender<Forgettings>,
}

impl Memories {
    pub(super) fn new(policy: &CachePolicy, clock: &Arc<dyn Clock>) -> Self {
        Self {
            slots: Memory::new(policy, policy.slot_lifetime, Arc::clone(clock)),
            event_types: Memory::new(policy, policy.event_type_lifetime, Arc::clone(clock)),
            changes: watch::Sender::default(),
        }
    }

    pub(super) fn hits_and_misses(&self) -> (u64, u64) {
        let (slots, event_types) = (
            self.slots.hits_and_misses(),
            self.event_types.hits_and_misses(),
        );
        (slots.0 + event_types.0, slots.1 + event_types.1)
    }

    /// Invalidates all slots, because a booking takes its host's time across all of the host's
    /// event types.
    pub(super) fn forget_slots(&self) {
        self.forget(Forgotten::Slots);
        self.changes.send_modify(|count| count.slots += 1);
    }

    /// Invalidates everything.
    pub(super) fn forget_all(&self) {
        self.forget(Forgotten::Everything);
        self.changes.send_modify(|count| count.everything += 1);
    }

    /// Invalidates what somebody else has, and tells nobody.
    pub(super) fn forget(&self, what: Forgotten) {
        self.slots.forget();
        if what == Forgotten::Everything {
            self.event_types.forget();
        }
    }
}

/// Invalidates the cache when a write ends, however it ends: an abandoned write may still have been
/// carried out.
pub(super) struct ForgetOnDrop<'a> {
    memories: &'a Memories,
    slots_only: bool,
}

impl<'a> ForgetOnDrop<'a> {
    /// Chooses what this write may change: a booking affects slots only, anything else may also
    /// affect event types.
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
