//! Upkeep: pruning old rows.

use std::time::Duration;

use async_trait::async_trait;

use super::error::StoreError;

/// The number of rows removed by [`Upkeep::prune`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Settled changes.
    pub changes: u64,
    /// Settled deliveries, bodies included.
    pub deliveries: u64,
    /// Resolved review items, evidence included.
    pub reviews: u64,
    /// Sync log entries.
    pub log: u64,
}

impl Pruned {
    /// The total number of rows.
    pub fn total(self) -> u64 {
        self.changes + self.deliveries + self.reviews + self.log
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
/// use calcom::store::{InMemoryStore, Upkeep};
///
/// let store = InMemoryStore::new();
/// let month = Duration::from_secs(30 * 24 * 60 * 60);
/// // Page by page, until nothing is left.
/// while store.prune(month, 1000).await?.total() > 0 {}
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Only finished rows are removed: settled changes and deliveries, resolved review items without
///   a waiting instruction, and log entries; links stay. Rows that finished less than `older_than`
///   ago stay, by the store's clock.
/// - One call removes at most `limit` rows of each kind, so that no call holds locks for long:
///   repeat until nothing is left.
#[async_trait]
pub trait Upkeep: std::fmt::Debug + Send + Sync + 'static {
    /// Removes rows, of all tenants, that finished more than `older_than` ago.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn prune(&self, older_than: Duration, limit: u32) -> Result<Pruned, StoreError>;
}
