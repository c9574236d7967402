//! The books of the services: which service is paired with which event type, how the last attempt
//! ended, and who is at it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::StoreError;
use super::link::Opaque;
use super::service::ServiceId;
use super::tenant::TenantId;
use crate::model::EventTypeId;
use crate::model::id::number_id;
use crate::model::open_enum;

number_id! {
    /// Identifies one row of the books about a tenant's services.
    ServiceLinkId
}

open_enum! {
    /// How a service and its event type stand.
    ServiceStatus {
        /// They agree, or differ in a way that was accepted.
        Synced = "synced",
        /// Something is to be done, and will be tried, or tried again.
        Pending = "pending",
        /// Nothing more is tried until somebody changes something, or forces it.
        Error = "error",
        /// The other side is gone, or cannot be seen.
        Orphan = "orphan",
    }
}

/// What the books hold about one service, one event type, or a pair of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceLink {
    /// The row's id; `None` until it has been stored.
    pub id: Option<ServiceLinkId>,
    /// The service; `None` while an event type has none.
    pub service: Option<ServiceId>,
    /// The event type; `None` while a service has none.
    pub event_type: Option<EventTypeId>,
    /// How they stand.
    pub status: ServiceStatus,
    /// How many attempts in a row have failed.
    pub attempts: u32,
    /// Why the last attempt failed; contains no personal data.
    pub last_error: Option<String>,
    /// When the next attempt is due, by the store's clock. Set by the store.
    pub next_attempt: Option<DateTime<Utc>>,
    /// When the row was last stored, by the store's clock. Set by the store.
    pub updated_at: Option<DateTime<Utc>>,
    /// What the engine remembers of the pair. Only the engine reads it.
    pub state: Option<Opaque>,
}

impl ServiceLink {
    /// A row that has not been stored yet.
    pub fn new(service: Option<ServiceId>, event_type: Option<EventTypeId>) -> Self {
        Self {
            id: None,
            service,
            event_type,
            status: ServiceStatus::Pending,
            attempts: 0,
            last_error: None,
            next_attempt: None,
            updated_at: None,
            state: None,
        }
    }
}

/// The right to sync a tenant's services for a limited time. Void once another sync of the tenant's
/// services has begun, or this one has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceSyncLease {
    /// The tenant.
    pub tenant: TenantId,
    /// Incremented by every sync that begins; a store accepts writes only under the newest value.
    pub fence: i64,
    /// The store's current time.
    pub now: DateTime<Utc>,
}

impl ServiceSyncLease {
    /// Creates a lease; called by stores.
    pub fn new(tenant: TenantId, fence: i64, now: DateTime<Utc>) -> Self {
        Self { tenant, fence, now }
    }
}

/// The books of the services: one sync of a tenant at a time, and what each has come to.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use calcom::store::{InMemoryStore, ServiceLink, ServiceLinks, TenantId};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let (every, lease) = (Duration::from_secs(900), Duration::from_secs(60));
/// let sync = store.begin_service_sync(&tenant, every, lease).await?.expect("never synced before");
/// // Nobody else syncs the tenant's services meanwhile.
/// assert_eq!(store.begin_service_sync(&tenant, every, lease).await?, None);
/// let link = ServiceLink::new(Some("haircut".into()), Some(42.into()));
/// let id = store.store_service_link(&sync, &link, None, lease).await?;
/// store.end_service_sync(&sync, None, Duration::ZERO).await?;
/// let links = store.service_links(&tenant, None, 100).await?;
/// assert_eq!(links[0].id, Some(id));
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - A tenant has at most one valid lease: while one lasts, nobody else begins, and of several that
///   begin at once one succeeds. Once a lease has run out, the next sync is due at once, and from
///   its beginning on the earlier lease is void: with it nothing can be stored. A lease that has run
///   out and was not taken over stays valid.
/// - An ended sync makes its lease void. The next one is due when the `rest` that it was ended with
///   has passed, and either `every` has passed since the end, or the `retry_in` that it was ended
///   with.
/// - A row without an id is stored as a new one; a row with an id replaces the stored one. The
///   store sets `next_attempt` and `updated_at` by its own clock, and keeps the rest unchanged.
/// - Rows are never removed. Tenants do not affect each other.
#[async_trait]
pub trait ServiceLinks: fmt::Debug + Send + Sync + 'static {
    /// Begins a sync of a tenant's services; `None` if it is not due yet, or in other hands. With
    /// `every` zero it is due whenever the last one ended; `lease` is how long nobody else may
    /// begin.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn begin_service_sync(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<ServiceSyncLease>, StoreError>;

    /// One page of the tenant's rows, in the order of their ids and strictly after `after`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn service_links(
        &self,
        tenant: &TenantId,
        after: Option<ServiceLinkId>,
        limit: u32,
    ) -> Result<Vec<ServiceLink>, StoreError>;

    /// Stores a row and returns its id. Its next attempt is due after `retry_in`; `None` if there is
    /// none. The lease lasts at least `prolong` from now on.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost) if the lease is void, or
    /// [`NotFound`](super::StoreErrorKind::NotFound) if the tenant has no row with this id; then
    /// nothing was stored.
    async fn store_service_link(
        &self,
        lease: &ServiceSyncLease,
        link: &ServiceLink,
        retry_in: Option<Duration>,
        prolong: Duration,
    ) -> Result<ServiceLinkId, StoreError>;

    /// Ends a sync. The next one is due after `retry_in`, if that is earlier than its schedule, but
    /// not before `rest` has passed.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost) if the lease is void; then nothing was
    /// stored.
    async fn end_service_sync(
        &self,
        lease: &ServiceSyncLease,
        retry_in: Option<Duration>,
        rest: Duration,
    ) -> Result<(), StoreError>;
}
