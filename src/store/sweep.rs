//! Sweeps: when a tenant was last swept, how far the sweep came, and who is at it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::StoreError;
use super::link::Opaque;
use super::tenant::TenantId;

/// The right to sweep a tenant for a limited time. Void once another sweep of the tenant has begun,
/// or this one has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepLease {
    /// The tenant.
    pub tenant: TenantId,
    /// Incremented by every sweep that begins; a store accepts writes only under the newest value.
    pub fence: i64,
    /// How far the sweeps have come; `None` before the first. Only the engine reads it.
    pub cursor: Option<Opaque>,
    /// The store's current time.
    pub now: DateTime<Utc>,
}

impl SweepLease {
    /// Creates a lease; called by stores.
    pub fn new(tenant: TenantId, fence: i64, cursor: Option<Opaque>, now: DateTime<Utc>) -> Self {
        Self {
            tenant,
            fence,
            cursor,
            now,
        }
    }
}

/// The sweeps of tenants: one at a time for each, and where the next one goes on.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use calcom::store::{InMemoryStore, Opaque, Sweeps, TenantId};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let (every, lease) = (Duration::from_secs(900), Duration::from_secs(60));
/// let sweep = store.begin_sweep(&tenant, every, lease).await?.expect("never swept before");
/// // Nobody else sweeps the tenant meanwhile.
/// assert_eq!(store.begin_sweep(&tenant, every, lease).await?, None);
/// let cursor = Opaque::new(1, b"page 1".to_vec());
/// store.advance_sweep(&sweep, &cursor, lease).await?;
/// store.end_sweep(&sweep, &cursor, Duration::ZERO).await?;
/// // The next one is due when `every` has passed.
/// assert_eq!(store.begin_sweep(&tenant, every, lease).await?, None);
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - A tenant has at most one valid lease: while one lasts, nobody else begins, and of several that
///   begin at once one succeeds.
/// - A sweep that was not ended is due again as soon as its lease has run out, and goes on from the
///   cursor that was stored last. From then on the earlier lease is void: with it nothing can be
///   stored. A lease that has run out and was not taken over stays valid.
/// - An ended sweep makes its lease void. The next one is due when both `every` and the `rest` that
///   it was ended with have passed since.
/// - The cursor is kept unchanged.
/// - Tenants do not affect each other.
#[async_trait]
pub trait Sweeps: fmt::Debug + Send + Sync + 'static {
    /// Begins a sweep of a tenant; `None` if it is not due yet, or in other hands. `every` is the
    /// time between the end of one sweep and the next, and zero if it is due whenever the last one
    /// ended; `lease` is how long the tenant is nobody else's.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn begin_sweep(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<SweepLease>, StoreError>;

    /// Stores how far a sweep has come. Its lease lasts at least `prolong` from now on.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost) if the lease is void; then nothing was
    /// stored.
    async fn advance_sweep(
        &self,
        lease: &SweepLease,
        cursor: &Opaque,
        prolong: Duration,
    ) -> Result<(), StoreError>;

    /// Ends a sweep and stores where the next one goes on. That one is not due before `rest` has
    /// passed.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost) if the lease is void; then nothing was
    /// stored.
    async fn end_sweep(
        &self,
        lease: &SweepLease,
        cursor: &Opaque,
        rest: Duration,
    ) -> Result<(), StoreError>;
}
