//! Erasure: a tenant as a whole, and the data of one person.

use std::fmt;

use async_trait::async_trait;

use super::error::StoreError;
use super::inbox::DeliveryId;
use super::link::{Link, LinkId, Opaque};
use super::page::Page;
use super::review::{ReviewEvidence, ReviewId};
use super::tenant::TenantId;
use crate::model::BookingUid;

/// What one call of [`Erasure::erase_tenant`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// Changes.
    pub changes: u64,
    /// Deliveries, bodies included.
    pub deliveries: u64,
    /// Events of other senders, bodies included.
    pub events: u64,
    /// Review items, evidence included.
    pub reviews: u64,
    /// Sync log entries.
    pub log: u64,
    /// Links, with their keys and marks.
    pub links: u64,
    /// Appointments, where the store keeps them too.
    pub appointments: u64,
    /// Services, where the store keeps them too, and what is known of their pairs.
    pub services: u64,
    /// Versions of documents.
    pub documents: u64,
    /// Whether nothing of the tenant is left.
    pub is_done: bool,
}

impl Erased {
    /// The total number of rows.
    pub fn total(self) -> u64 {
        self.changes
            + self.deliveries
            + self.events
            + self.reviews
            + self.log
            + self.links
            + self.appointments
            + self.services
            + self.documents
    }

    /// Adds what a further call removed.
    #[must_use]
    pub fn and(self, further: Self) -> Self {
        Self {
            changes: self.changes + further.changes,
            deliveries: self.deliveries + further.deliveries,
            events: self.events + further.events,
            reviews: self.reviews + further.reviews,
            log: self.log + further.log,
            links: self.links + further.links,
            appointments: self.appointments + further.appointments,
            services: self.services + further.services,
            documents: self.documents + further.documents,
            is_done: further.is_done,
        }
    }
}

/// The body of a delivery. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredBody {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The booking that it concerns.
    pub booking: Option<BookingUid>,
    /// The body. Personal data.
    pub body: String,
}

impl StoredBody {
    /// The body of a delivery.
    pub fn new(delivery: DeliveryId, booking: Option<BookingUid>, body: String) -> Self {
        Self {
            delivery,
            booking,
            body,
        }
    }
}

impl fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredBody")
            .field("delivery", &self.delivery)
            .field("booking", &self.booking)
            .finish_non_exhaustive()
    }
}

/// Erases a tenant as a whole, and gives the engine what it needs to find and erase one person.
///
/// A store keeps no index of persons, and cannot look into the engine's [memory of a
/// link](super::Link::state). So the engine reads page by page what can hold personal data, decides
/// what to erase, and replaces it. That walks through everything that is kept of the tenant, which a
/// rare request can afford.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{Erasure, InMemoryStore, TenantId};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// while !store.erase_tenant(&tenant, 1000).await?.is_done {}
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - One call of [`erase_tenant`](Self::erase_tenant) removes at most `limit` rows of each kind, so
///   that no call holds locks for long. From the first call on, the tenant is paused, every lease on
///   its links, on its events and on its sweep is void, and none of its events is claimed. Once a call reports that it is done, the store
///   holds nothing of the tenant: no row, no pause and no cursor; nor does it hold its appointments
///   and services, if it is their repository too. If the process dies in between, the next call goes on.
/// - What a store keeps for the [client](crate::client) has no tenant and stays: idempotency keys, of
///   which only hashes are stored and which go after a day, and the tokens of OAuth sessions, which
///   the host removes when it forgets the session.
/// - Erasing does not close the doors. What is taken in afterwards is kept, as of a new tenant.
/// - A replaced state, body or evidence is gone, and everything else about the row stays: the keys
///   by which the link is found, its place in the queue, the delivery's claim and fate, the item.
/// - [`replace_state`](Self::replace_state) writes only if the link is not leased and its state is
///   still the one that was read.
#[async_trait]
pub trait Erasure: fmt::Debug + Send + Sync + 'static {
    /// Removes some of what the store holds of a tenant; repeat until it is done. Take the tenant
    /// out of the [directory](crate::sync::TenantDirectory) first, so that nothing new comes in.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn erase_tenant(&self, tenant: &TenantId, limit: u32) -> Result<Erased, StoreError>;

    /// The tenant's links, in id order.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn links(&self, tenant: &TenantId, page: Page<LinkId>) -> Result<Vec<Link>, StoreError>;

    /// Replaces the engine's memory of a link, and nothing else of it.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StoreErrorKind::Conflict) if the link is leased, or its state is not the
    /// one of `read` any more; [`NotFound`](super::StoreErrorKind::NotFound) if it is gone.
    async fn replace_state(&self, read: &Link, state: Opaque) -> Result<(), StoreError>;

    /// The bodies of the tenant's deliveries, in id order, those that are empty left out.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn bodies(
        &self,
        tenant: &TenantId,
        page: Page<DeliveryId>,
    ) -> Result<Vec<StoredBody>, StoreError>;

    /// Empties the bodies of deliveries, waiting or settled; the engine does not read them. Those
    /// that the tenant does not have are skipped.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn empty_bodies(
        &self,
        tenant: &TenantId,
        deliveries: &[DeliveryId],
    ) -> Result<(), StoreError>;

    /// Replaces the evidence of a review item, open or resolved.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StoreErrorKind::NotFound).
    async fn replace_evidence(
        &self,
        tenant: &TenantId,
        review: ReviewId,
        evidence: ReviewEvidence,
    ) -> Result<(), StoreError>;
}
