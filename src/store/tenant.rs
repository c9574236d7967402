//! Tenants as the store sees them: whether their work is paused.

use std::fmt;

use async_trait::async_trait;

use super::error::StoreError;
use super::review::{NewReview, ReviewId};
use crate::model::id::text_id;

text_id! {
    /// Identifies one customer of the host, with its own Cal.com credentials, webhook secrets,
    /// event types and hosts.
    TenantId
}

/// Which tenants are paused. A tenant is paused by a [`Settlement`](super::Settlement) or by a
/// person, together with a review item.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{InMemoryStore, TenantId, Tenants};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// if store.is_paused(&tenant).await? {
///     // The credentials were replaced.
///     store.resume(&tenant).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - The links of a paused tenant are never claimed; whatever becomes due meanwhile stays due.
///   Leases stay valid.
/// - The item opened with a pause stays open as long as the pause lasts: [`resume`](Self::resume)
///   closes it, and resolving it with [`Retry`](super::Resolution::Retry) resumes. Whether a person
///   or a settlement has paused makes no difference.
/// - A pause is not taken over by a later one. The item of a settlement that pauses a paused tenant
///   is opened, and can be resolved like any other.
/// - Whatever ends a pause also closes the tenant's items about the whole tenant that end [with
///   their causes](super::ReviewEnd::WithCause): none is left of a pause that is over.
/// - Pausing changes no [hold](super::Hold::For).
#[async_trait]
pub trait Tenants: fmt::Debug + Send + Sync + 'static {
    /// Whether the tenant's work is paused.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn is_paused(&self, tenant: &TenantId) -> Result<bool, StoreError>;

    /// Resumes the tenant's work immediately and closes the item opened with the pause. Does
    /// nothing if the tenant is neither paused nor held.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn resume(&self, tenant: &TenantId) -> Result<(), StoreError>;

    /// Pauses the tenant's work, opens a review item about the tenant, in which no link is involved,
    /// and writes [`TenantPaused`](super::LogEvent::TenantPaused) to the log, in one transaction;
    /// returns the item. The item's scope is the tenant, whatever `review` says. `None` if the tenant
    /// is paused already: then nothing is changed. Turns in progress are finished.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn pause(
        &self,
        tenant: &TenantId,
        review: &NewReview,
    ) -> Result<Option<ReviewId>, StoreError>;
}
