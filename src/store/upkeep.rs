//! Upkeep: old rows are removed.

use std::time::Duration;

use async_trait::async_trait;

use super::error::StoreError;

/// How many rows a call of [`Upkeep::prune`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Settled changes.
    pub changes: u64,
    /// Settled deliveries, bodies included.
    pub deliveries: u64,
    /// Resolved review items, evidence included.
    pub reviews: u64,
    /// Lines of the sync log.
    pub log: u64,
}

impl Pruned {
    /// All rows together.
    pub fn total(self) -> u64 {
        self.changes + self.deliveries + self.reviews + self.log
    }
}

/// Removing what is over. Deliveries and review items hold personal data; prune as often as your retention rules ask for.
///
/// # Contract
///
/// - Only what is over is removed: settled changes and deliveries, resolved review items without an instruction that still waits,
///   lines of the log; links stay. What happened to it less than `older_than` ago stays, by the store's clock.
/// - At most `limit` rows of each kind go in one call, so that no call holds locks for long: call again until nothing is left.
#[async_trait]
pub trait Upkeep: std::fmt::Debug + Send + Sync + 'static {
    /// Removes rows that have been over for longer than `older_than`, of all tenants.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn prune(&self, older_than: Duration, limit: u32) -> Result<Pruned, StoreError>;
}
