//! The engine's port to Cal.com's event types.

use std::fmt;

use async_trait::async_trait;

use crate::model::{EventTypeId, UserId};
use crate::store::ServiceDetails;
use crate::sync::calendar::CalendarError;

/// One event type of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogEntry {
    /// The event type's id.
    pub id: EventTypeId,
    /// The slug, which Cal.com keeps unique per user.
    pub slug: String,
    /// What is compared with the service.
    pub details: ServiceDetails,
    /// The user who owns it, if Cal.com says so.
    pub owner: Option<UserId>,
    /// Whether it is hidden from the booking page.
    pub is_hidden: bool,
    /// Whether it belongs to a team, or is derived from a team's managed event type.
    pub is_managed: bool,
}

impl CatalogEntry {
    /// A visible event type of a user's own.
    pub fn new(id: EventTypeId, slug: impl Into<String>, details: ServiceDetails) -> Self {
        Self {
            id,
            slug: slug.into(),
            details,
            owner: None,
            is_hidden: false,
            is_managed: false,
        }
    }

    /// Sets the owner.
    #[must_use]
    pub fn with_owner(mut self, owner: Option<UserId>) -> Self {
        self.owner = owner;
        self
    }

    /// Sets whether it is hidden.
    #[must_use]
    pub fn with_hidden(mut self, is_hidden: bool) -> Self {
        self.is_hidden = is_hidden;
        self
    }

    /// Sets whether it belongs to a team.
    #[must_use]
    pub fn with_managed(mut self, is_managed: bool) -> Self {
        self.is_managed = is_managed;
        self
    }
}

/// A tenant's event types at Cal.com, for a tenant whose services are kept in sync. The client
/// implements it. It is a trait of its own, so that a [`Calendar`](crate::sync::Calendar) without it
/// stays valid. There is no deletion.
///
/// ```
/// use std::sync::Arc;
///
/// use calcom::client::Client;
/// use calcom::store::InMemoryStore;
/// use calcom::sync::{Tenant, TenantServices};
///
/// # fn run() -> Result<(), calcom::client::Error> {
/// // A client is both a calendar and a catalog.
/// let client = Arc::new(Client::from_env()?);
/// let services = Arc::new(InMemoryStore::new()); // your own table
/// let tenant = Tenant::new("salon".into(), client.clone())
///     .with_services(TenantServices::new(services, client));
/// # let _ = tenant;
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
///
/// # Contract
///
/// - A write is sent once. If it may have been carried out and that is not known, the error is
///   [`Unavailable`](crate::sync::CalendarErrorKind::Unavailable).
/// - A create whose slug the account uses already fails with
///   [`Rejected`](crate::sync::CalendarErrorKind::Rejected) and changes nothing.
/// - An update changes the details only. Whatever else the event type has set stays.
#[async_trait]
pub trait EventTypeCatalog: fmt::Debug + Send + Sync + 'static {
    /// All event types of the account, hidden ones included.
    async fn list_event_types(&self) -> Result<Vec<CatalogEntry>, CalendarError>;

    /// Reads one event type; `None` if these credentials see none.
    async fn read_event_type(&self, id: EventTypeId)
    -> Result<Option<CatalogEntry>, CalendarError>;

    /// Creates an event type.
    async fn create_event_type(
        &self,
        slug: &str,
        details: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError>;

    /// Changes name, length and description of an event type; a description of `None` stays as it
    /// is. Fails with [`Contradicted`](crate::sync::CalendarErrorKind::Contradicted), and changes
    /// nothing, if the details are no longer the `expected` ones.
    async fn update_event_type(
        &self,
        id: EventTypeId,
        expected: &ServiceDetails,
        details: &ServiceDetails,
    ) -> Result<CatalogEntry, CalendarError>;
}
