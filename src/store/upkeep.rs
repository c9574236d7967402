//! Upkeep: pruning old rows.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// How long finished rows are kept, by kind; `None` keeps them for good. By default, bodies of webhooks
/// are kept for 30 days, and everything else for good.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::store::Retention;
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let retention = Retention::of(90 * day) // everything for 90 days,
///     .with_bodies(7 * day) //  bodies of webhooks for a week,
///     .with_log(365 * day); //  and the log for a year
/// # let _ = retention;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Retention {
    /// The bodies of settled deliveries, and of ended events of other senders, which contain personal
    /// data; the delivery or the event itself may stay longer.
    pub bodies: Option<Duration>,
    /// Settled deliveries and ended events of other senders, bodies included. An event that was removed
    /// is not recognized if it is sent again: keep them for longer than their senders repeat them, which
    /// Stripe does for three days.
    pub deliveries: Option<Duration>,
    /// Settled changes.
    pub changes: Option<Duration>,
    /// Resolved review items, with their evidence, which contains personal data.
    pub reviews: Option<Duration>,
    /// Sync log entries.
    pub log: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self::forever().with_bodies(Duration::from_secs(30 * 24 * 60 * 60))
    }
}

impl Retention {
    /// Keeps everything for good.
    pub const fn forever() -> Self {
        Self {
            bodies: None,
            deliveries: None,
            changes: None,
            reviews: None,
            log: None,
        }
    }

    /// Keeps rows of every kind for this long.
    pub const fn of(span: Duration) -> Self {
        Self {
            bodies: Some(span),
            deliveries: Some(span),
            changes: Some(span),
            reviews: Some(span),
            log: Some(span),
        }
    }

    /// Sets how long bodies are kept.
    #[must_use]
    pub fn with_bodies(mut self, span: impl Into<Option<Duration>>) -> Self {
        self.bodies = span.into();
        self
    }

    /// Sets how long deliveries are kept.
    #[must_use]
    pub fn with_deliveries(mut self, span: impl Into<Option<Duration>>) -> Self {
        self.deliveries = span.into();
        self
    }

    /// Sets how long changes are kept.
    #[must_use]
    pub fn with_changes(mut self, span: impl Into<Option<Duration>>) -> Self {
        self.changes = span.into();
        self
    }

    /// Sets how long review items are kept.
    #[must_use]
    pub fn with_reviews(mut self, span: impl Into<Option<Duration>>) -> Self {
        self.reviews = span.into();
        self
    }

    /// Sets how long log entries are kept.
    #[must_use]
    pub fn with_log(mut self, span: impl Into<Option<Duration>>) -> Self {
        self.log = span.into();
        self
    }
}

/// The number of rows removed by [`Upkeep::prune`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Bodies of deliveries that stay.
    pub bodies: u64,
    /// Settled changes.
    pub changes: u64,
    /// Settled deliveries, bodies included.
    pub deliveries: u64,
    /// Resolved review items, evidence included.
    pub reviews: u64,
    /// Sync log entries.
    pub log: u64,
    /// Bodies of events that stay.
    pub event_bodies: u64,
    /// Ended events of other senders, bodies included.
    pub events: u64,
    /// Outdated rows of the client's: idempotency keys, and rate budgets of credentials without
    /// calls.
    pub client: u64,
}

impl Pruned {
    /// The total number of rows.
    pub fn total(self) -> u64 {
        let events = self.event_bodies + self.events;
        self.bodies
            + self.changes
            + self.deliveries
            + self.reviews
            + self.log
            + events
            + self.client
    }
}

/// Removes finished rows. Deliveries and review items contain personal data; prune as often as your
/// retention rules require.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use calcom::store::{InMemoryStore, Retention, Upkeep};
///
/// let store = InMemoryStore::new();
/// let month = Retention::of(Duration::from_secs(30 * 24 * 60 * 60));
/// // Page by page, until nothing is left.
/// while store.prune(&month, 1000).await?.total() > 0 {}
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Only what is finished is removed: settled changes and deliveries, ended events, resolved review
///   items without a waiting instruction, and log entries; links stay. What finished less than its span ago stays,
///   by the store's clock, and so does everything of a kind without a span.
/// - A body goes when its own span or that of its delivery is over, whichever is first. A delivery
///   without its body is otherwise unchanged, and so is an event.
/// - What a store keeps for the [client](crate::client) and is of no use after a day, such as
///   idempotency keys, goes after a day, whatever the retention.
/// - One call removes at most `limit` rows of each kind, so that no call holds locks for long:
///   repeat until nothing is left.
#[async_trait]
pub trait Upkeep: std::fmt::Debug + Send + Sync + 'static {
    /// Removes rows, of all tenants, that finished longer ago than they are to be kept.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned, StoreError>;
}
