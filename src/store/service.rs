//! Services: what the host offers, and the port through which the engine reads and writes them.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::appointment::Revision;
use super::error::StoreError;
use super::tenant::TenantId;
use crate::model::EventTypeId;
use crate::model::id::text_id;

text_id! {
    /// The host's identifier for one service of a tenant.
    ServiceId
}

/// What is compared between a service and its event type.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceDetails {
    /// The name; at Cal.com, the title.
    pub name: String,
    /// The length in minutes.
    pub length_in_minutes: u32,
    /// The description; `None` if the host has no place for one, which is compared with nothing.
    #[serde(default)]
    pub description: Option<String>,
}

impl ServiceDetails {
    /// Details without a description.
    pub fn new(name: impl Into<String>, length_in_minutes: u32) -> Self {
        Self {
            name: name.into(),
            length_in_minutes,
            description: None,
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

/// One service as stored by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Service {
    /// The service's id.
    pub id: ServiceId,
    /// Its version number.
    pub revision: Revision,
    /// What is compared with the event type.
    pub details: ServiceDetails,
    /// Whether it is offered. No event type is created for a service that is not.
    pub is_active: bool,
    /// The event type that it is paired with.
    pub event_type: Option<EventTypeId>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

impl Service {
    /// A service as it was written.
    pub fn new(id: ServiceId, revision: Revision, write: ServiceWrite) -> Self {
        Self {
            id,
            revision,
            details: write.details,
            is_active: write.is_active,
            event_type: write.event_type,
            updated_at: write.at,
        }
    }
}

/// A write of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceWrite {
    /// What is compared with the event type.
    pub details: ServiceDetails,
    /// Whether it is offered.
    pub is_active: bool,
    /// The event type that it is paired with.
    pub event_type: Option<EventTypeId>,
    /// When it is written.
    pub at: DateTime<Utc>,
}

impl ServiceWrite {
    /// A write of an active service without an event type.
    pub fn new(details: ServiceDetails, at: DateTime<Utc>) -> Self {
        Self {
            details,
            is_active: true,
            event_type: None,
            at,
        }
    }

    /// A write that leaves a service as it is, to be changed.
    pub fn of(service: &Service, at: DateTime<Utc>) -> Self {
        Self {
            details: service.details.clone(),
            is_active: service.is_active,
            event_type: service.event_type,
            at,
        }
    }

    /// Sets whether it is offered.
    #[must_use]
    pub fn with_active(mut self, is_active: bool) -> Self {
        self.is_active = is_active;
        self
    }

    /// Sets the event type that it is paired with.
    #[must_use]
    pub fn with_event_type(mut self, event_type: impl Into<Option<EventTypeId>>) -> Self {
        self.event_type = event_type.into();
        self
    }
}

/// The host's own services, for a host that wants them kept in sync with Cal.com's event types.
///
/// There is no deletion: the engine never removes a service.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{InMemoryStore, ServiceDetails, ServiceRepository, ServiceWrite, TenantId};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let at = "2026-12-08T09:00:00Z".parse()?;
/// let write = ServiceWrite::new(ServiceDetails::new("Haircut", 30), at);
/// let created = store.create_for_event_type(&tenant, 42.into(), write.clone()).await?;
/// assert_eq!(created.event_type, Some(42.into()));
/// // The same event type again writes nothing.
/// let again = store.create_for_event_type(&tenant, 42.into(), write.clone()).await?;
/// assert_eq!(created.id, again.id);
/// // An update has to name the revision that it is based on.
/// let write = write.with_event_type(created.event_type);
/// store.update_service(&tenant, &created.id, created.revision, write.clone()).await?;
/// assert!(store.update_service(&tenant, &created.id, created.revision, write).await.is_err());
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Every write increases the revision, and readers never see a partial write.
/// - [`create_for_event_type`](Self::create_for_event_type) is idempotent by the event type: if a
///   service is paired with it, that one is returned as it is and nothing is written, also when two
///   calls run concurrently. The created service is paired with the event type, whatever the write
///   says.
/// - [`update_service`](Self::update_service) writes only if the revision is the expected one, else
///   it fails with [`Conflict`](super::StoreErrorKind::Conflict); of two updates that expect the
///   same revision, one fails.
/// - A host without a place for descriptions reads them as `None`. A write whose description is
///   `None` may leave the host's own.
/// - Two services may be paired with one event type: the host's mistake is reported, not prevented.
/// - A call whose future is dropped has either happened completely or not at all.
/// - [`Unavailable`](super::StoreErrorKind::Unavailable) is a transient failure,
///   [`Corrupt`](super::StoreErrorKind::Corrupt) a permanent one.
#[async_trait]
pub trait ServiceRepository: fmt::Debug + Send + Sync + 'static {
    /// One page of the tenant's services, inactive ones included, ordered by id and strictly after
    /// `after`; an empty one at the end.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn services_page(
        &self,
        tenant: &TenantId,
        after: Option<&ServiceId>,
        limit: u32,
    ) -> Result<Vec<Service>, StoreError>;

    /// Reads one service; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
    ) -> Result<Option<Service>, StoreError>;

    /// Creates the service for an event type, or returns the one that is paired with it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn create_for_event_type(
        &self,
        tenant: &TenantId,
        event_type: EventTypeId,
        write: ServiceWrite,
    ) -> Result<Service, StoreError>;

    /// Updates one if its revision is still the expected one, and returns it as written.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StoreErrorKind::Conflict) if it has changed meanwhile,
    /// [`NotFound`](super::StoreErrorKind::NotFound) if it no longer exists.
    async fn update_service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
        expected: Revision,
        write: ServiceWrite,
    ) -> Result<Service, StoreError>;
}
