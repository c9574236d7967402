//! Events of senders other than Cal.com: verified deliveries, from before they are acknowledged until
//! a handler has taken them.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::error::StoreError;
use super::page::Page;
use super::review::{NewReview, ReviewId};
use super::sender_event::{
    NewSenderEvent, SenderEvent, SenderEventFate, SenderEventId, SenderEventRecord, StoredEventBody,
};
use super::tenant::TenantId;
use crate::webhook::Sender;

/// The result of storing an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventAccepted {
    /// Stored, and waiting for its handler.
    Stored,
    /// An event with the same id of the same sender is stored already; nothing was changed.
    Duplicate,
}

/// Parameters of a claim.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventClaimRequest {
    /// The tenant that was served last. Tenants are served in order of their names, starting after
    /// this one.
    pub after: Option<TenantId>,
    /// How long the lease lasts.
    pub lease: Duration,
    /// The senders whose events may be claimed; `None` for those of any sender.
    pub senders: Option<BTreeSet<Sender>>,
}

impl EventClaimRequest {
    /// A request that starts with the first tenant, for events of any sender.
    pub fn new(lease: Duration) -> Self {
        Self {
            after: None,
            lease,
            senders: None,
        }
    }

    /// Claims only events of these senders.
    #[must_use]
    pub fn of_senders(mut self, senders: impl IntoIterator<Item = Sender>) -> Self {
        self.senders = Some(senders.into_iter().collect());
        self
    }

    /// Starts after a tenant.
    #[must_use]
    pub fn after(mut self, tenant: Option<TenantId>) -> Self {
        self.after = tenant;
        self
    }
}

/// The right to handle an event for a limited time. Void once the event has been claimed again,
/// ended, put off, parked or handed back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventLease {
    /// The tenant.
    pub tenant: TenantId,
    /// The event.
    pub event: SenderEventId,
    /// Incremented by every claim; a store accepts writes only under the newest value.
    pub fence: i64,
}

impl EventLease {
    /// Creates a lease; called by stores.
    pub fn new(tenant: TenantId, event: SenderEventId, fence: i64) -> Self {
        Self {
            tenant,
            event,
            fence,
        }
    }
}

/// A claimed event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventClaim {
    /// The lease.
    pub lease: EventLease,
    /// The event.
    pub event: SenderEvent,
    /// How many times it has been claimed since it was received, or since a person had it retried,
    /// this claim included. Counted before the work begins, so that work that kills its process is
    /// noticed.
    pub attempt: u32,
    /// The resolved review item because of which it is handled again.
    pub review: Option<ReviewId>,
}

impl EventClaim {
    /// A claim; called by stores.
    pub fn new(
        lease: EventLease,
        event: SenderEvent,
        attempt: u32,
        review: Option<ReviewId>,
    ) -> Self {
        Self {
            lease,
            event,
            attempt,
            review,
        }
    }
}

/// The events of senders other than Cal.com: an inbox and a queue in one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use calcom::store::{
///     EventAccepted, EventClaimRequest, InMemoryStore, NewSenderEvent, SenderEventFate, SenderEvents,
///     TenantId,
/// };
/// use calcom::webhook::Sender;
///
/// let store = InMemoryStore::new();
/// let (tenant, sender) = (TenantId::new("salon"), Sender::new("stripe"));
/// let event = NewSenderEvent::new(tenant, sender, "evt_1", "invoice.paid");
/// assert_eq!(store.accept_event(event.clone()).await?, EventAccepted::Stored);
/// assert_eq!(store.accept_event(event.clone()).await?, EventAccepted::Duplicate);
/// let request = EventClaimRequest::new(Duration::from_secs(60));
/// let claim = store.claim_event(&request).await?.ok_or("nothing is due")?;
/// store.end_event(&claim.lease, &SenderEventFate::Handled, None).await?;
/// // It is known for as long as it is kept.
/// assert_eq!(store.accept_event(event).await?, EventAccepted::Duplicate);
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// **Intake.** [`accept_event`](Self::accept_event) inserts one row and touches no other, so it waits
/// for no worker and no lease. Within a tenant and a sender, the sender's id names an event: a second
/// one is a duplicate as long as the row is kept, also after the event has ended. Whatever the second
/// one says beside, nothing is changed.
///
/// **Time** is the store's, as it is of [`Links`](super::Links).
///
/// **Turns.** [`claim_event`](Self::claim_event) serves tenants in order of their names, starting after
/// [`EventClaimRequest::after`] and wrapping around once; within a tenant, the event that has been due
/// for longest. Events of senders that the request [leaves out](EventClaimRequest::senders) stay as they
/// are: they wait for a worker that asks for them. A pause is about the tenant's work at Cal.com: events go on, also those of a tenant
/// that is paused or held. Any number of workers may claim concurrently; no event goes to two. A claim
/// may cost as much as there are events that wait for an earlier one of their key, or that are of senders
/// which it leaves out.
///
/// **Order.** The events of one tenant and sender with the same order key are claimed one at a time, in
/// the order in which they were taken in: one that waits for its retry holds up the later ones of its
/// key, and nobody else's. One that is parked does not hold them up: they go on while a person decides.
/// Once it is to be retried, it comes first again, but not while a later one of its key is leased. Events
/// without a key stand alone.
///
/// **Leases.** A claim is counted before the work begins. Every write under a lease checks its fence and
/// fails with [`LeaseLost`](super::StoreErrorKind::LeaseLost), changing nothing, once the event was
/// claimed again, or the lease was given up. A lease that has run out and was not taken over stays
/// valid.
///
/// **Review.** [`park_event`](Self::park_event) opens an item about the tenant in the same transaction,
/// and the event is not claimed as long as the item is open. Whoever [resolves](super::Reviews::resolve)
/// it decides about the event in that transaction: [`Dismiss`](super::Resolution::Dismiss) ends it as
/// [`Dismissed`](SenderEventFate::Dismissed), anything else makes it due at once, with its attempts
/// counted anew. The outcome that the next end or parking brings is stored with the resolved item. Where processes of
/// a version without events share a store, [`prune`](super::Upkeep::prune) does the same for what they
/// have resolved.
///
/// Tenants do not affect each other. A call whose future is dropped has either happened completely or
/// not at all.
#[async_trait]
pub trait SenderEvents: fmt::Debug + Send + Sync + 'static {
    /// Stores an event.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly); then nothing was stored, and the sender must be
    /// asked to retry.
    async fn accept_event(&self, event: NewSenderEvent) -> Result<EventAccepted, StoreError>;

    /// Claims an event that is due; `None` if none can be claimed now.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn claim_event(
        &self,
        request: &EventClaimRequest,
    ) -> Result<Option<EventClaim>, StoreError>;

    /// Ends an event. `outcome` says in one sentence how the retry ended that its resolved review item
    /// asked for.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost).
    async fn end_event(
        &self,
        lease: &EventLease,
        fate: &SenderEventFate,
        outcome: Option<&str>,
    ) -> Result<(), StoreError>;

    /// Gives up the lease; the event is due again after `wait`.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost).
    async fn retry_event(&self, lease: &EventLease, wait: Duration) -> Result<(), StoreError>;

    /// Gives up the lease as if the event had not been claimed: it is due at once, and the claim does
    /// not count.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost).
    async fn hand_back_event(&self, lease: &EventLease) -> Result<(), StoreError>;

    /// Parks an event, and opens a review item about its tenant, whose cause names the event. `outcome`
    /// is as for [`end_event`](Self::end_event).
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost); then no item was opened.
    async fn park_event(
        &self,
        lease: &EventLease,
        review: &NewReview,
        outcome: Option<&str>,
    ) -> Result<ReviewId, StoreError>;

    /// The tenant's events, oldest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn sender_events(
        &self,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<SenderEventRecord>, StoreError>;

    /// The bodies of the tenant's events, in id order, those that are empty left out.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn event_bodies(
        &self,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<StoredEventBody>, StoreError>;

    /// Empties the bodies of events that have ended. Others, whose handler needs them, and those that
    /// the tenant does not have, are skipped.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn empty_event_bodies(
        &self,
        tenant: &TenantId,
        events: &[SenderEventId],
    ) -> Result<(), StoreError>;
}
