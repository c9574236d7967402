//! The queue: links that have work, claimed under a lease and settled in one transaction.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::appointment::Revision;
use super::error::{StoreError, StoreErrorKind};
use super::inbox::{Delivery, DeliveryFate, DeliveryId};
use super::link::{Link, LinkId, LinkKey};
use super::log::LogEvent;
use super::outbox::{ChangeFate, ChangeId, RecordedChange};
use super::review::{Instruction, NewReview, ReviewId};
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, open_enum};

number_id! {
    /// Identifies one mark.
    MarkId
}

open_enum! {
    /// Why a link was marked for a look, other than because of a change or a delivery.
    MarkSource {
        /// Another booking of the same series has ended.
        Sibling = "sibling",
        /// The link has absorbed another one.
        Absorbed = "absorbed",
        /// A review item was resolved.
        Instruction = "instruction",
        /// A sweep found a difference.
        Sweep = "sweep",
        /// Somebody asked for it.
        Request = "request",
    }
}

/// A reason to look at a link other than a change or a delivery. It forces a read of the booking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// The row id.
    pub id: MarkId,
    /// The reason.
    pub source: MarkSource,
    /// The decision to carry out, for [`MarkSource::Instruction`].
    pub instruction: Option<Instruction>,
}

impl Mark {
    /// A mark without an instruction.
    pub fn new(id: MarkId, source: MarkSource) -> Self {
        Self {
            id,
            source,
            instruction: None,
        }
    }

    /// Attaches a decision.
    #[must_use]
    pub fn with_instruction(mut self, instruction: Instruction) -> Self {
        self.instruction = Some(instruction);
        self
    }
}

/// Parameters of a claim.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// The tenant that was served last. Tenants are served in order of their names, starting after
    /// this one.
    pub after: Option<TenantId>,
    /// How long the lease lasts.
    pub lease: Duration,
    /// The newest format of [`Opaque`](super::Opaque) bytes that the worker can read. Links of a
    /// newer one are not claimed.
    pub format: u16,
}

impl ClaimRequest {
    /// A request that starts with the first tenant.
    pub fn new(lease: Duration, format: u16) -> Self {
        Self {
            after: None,
            lease,
            format,
        }
    }

    /// Starts after a tenant.
    #[must_use]
    pub fn after(mut self, tenant: Option<TenantId>) -> Self {
        self.after = tenant;
        self
    }
}

/// The right to work on a link for a limited time. Void once the link has been claimed again,
/// settled or absorbed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The tenant that owns the link.
    pub tenant: TenantId,
    /// The link.
    pub link: LinkId,
    /// Incremented by every claim and every settlement; a store accepts writes only under the
    /// newest value.
    pub fence: i64,
    /// How many times the link had been marked when it was claimed.
    pub marks: i64,
}

impl Lease {
    /// Creates a lease; called by stores.
    pub fn new(tenant: TenantId, link: LinkId, fence: i64, marks: i64) -> Self {
        Self {
            tenant,
            link,
            fence,
            marks,
        }
    }

    /// Checks that a link about to be stored under this lease is the one that the lease covers.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::StoreErrorKind::Invalid) if it is not.
    pub fn check_link(&self, link: &Link) -> Result<(), StoreError> {
        if (&link.tenant, link.id) == (&self.tenant, self.link) {
            Ok(())
        } else {
            Err(StoreError::new(
                StoreErrorKind::Invalid,
                "what is stored under a lease is about the link of the lease",
            ))
        }
    }
}

/// A claimed link with everything that is waiting for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The lease.
    pub lease: Lease,
    /// The link.
    pub link: Link,
    /// Waiting changes, oldest first.
    pub changes: Vec<RecordedChange>,
    /// Waiting deliveries, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Waiting marks, oldest first.
    pub marks: Vec<Mark>,
    /// How many times the link has been claimed since it was last settled, this claim included.
    /// Counted before the work begins, so that work that kills its process is noticed.
    pub begun: u32,
    /// The lowest revision ever recorded for the link's appointment, unless it has been pruned.
    pub first_revision: Option<Revision>,
    /// The store's current time.
    pub now: DateTime<Utc>,
    /// When this store was created; nothing from before is in it.
    pub books_since: DateTime<Utc>,
}

impl Claim {
    /// A claim with nothing waiting.
    pub fn new(lease: Lease, link: Link, now: DateTime<Utc>, books_since: DateTime<Utc>) -> Self {
        Self {
            lease,
            link,
            changes: Vec::new(),
            deliveries: Vec::new(),
            marks: Vec::new(),
            begun: 1,
            first_revision: None,
            now,
            books_since,
        }
    }
}

/// Intermediate progress on a claimed link.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The link to store. Its tenant and id are those of the lease. If it has no appointment, the
    /// stored one is kept.
    pub link: Link,
    /// Booking uids that belong to the link's chain.
    pub chain_uids: Vec<BookingUid>,
    /// Sync log entries so far.
    pub log: Vec<LogEvent>,
    /// The lease lasts at least this long from now on.
    pub lease: Duration,
}

impl Checkpoint {
    /// A checkpoint that stores a link.
    pub fn new(link: Link, lease: Duration) -> Self {
        Self {
            link,
            chain_uids: Vec::new(),
            log: Vec::new(),
            lease,
        }
    }
}

/// What holds up all work of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// Nothing of the tenant is claimed for this long: a rate limit, an open circuit, an unreadable
    /// directory entry. Never shortens a longer hold.
    For(Duration),
    /// Nothing of the tenant is claimed until the review item with this cause, which the same
    /// settlement opens, is resolved or the tenant is [resumed](super::Tenants::resume). If the tenant
    /// is paused already, that pause and its item stay.
    Pause(String),
}

/// The outcome of the work on a claimed link; stored atomically.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settlement {
    /// The link to store. Its tenant and id are those of the lease. If it has no appointment, the
    /// stored one is kept.
    pub link: Link,
    /// Booking uids that belong to the link's chain.
    pub chain_uids: Vec<BookingUid>,
    /// When to work on the link again unprompted, from now. Whatever waits for it and is not
    /// settled here is looked at then too. `None`: at once if anything still waits, else when
    /// something new arrives.
    pub wake: Option<Duration>,
    /// How long the link must not be claimed from now on, whatever arrives.
    pub not_before: Option<Duration>,
    /// The fates of changes.
    pub changes: Vec<(ChangeId, ChangeFate)>,
    /// The fates of deliveries.
    pub deliveries: Vec<(DeliveryId, DeliveryFate)>,
    /// The marks that were handled. A mark that does not wait for the link is skipped.
    pub marks: Vec<MarkId>,
    /// How instructions ended, in one sentence each. Entries for open items, or items that do not
    /// involve the link, are skipped.
    pub outcomes: Vec<(ReviewId, String)>,
    /// Sync log entries.
    pub log: Vec<LogEvent>,
    /// Review items to open, or to update where one with the same cause is open.
    pub reviews: Vec<NewReview>,
    /// Whether the link leaves the open review items that [end with their
    /// links](super::ReviewEnd::WithLinks), except those in `reviews`. Such an item closes itself
    /// when its last link leaves. Other items keep the link.
    pub settled: bool,
    /// Tenant-wide causes known to be gone: an open item that [ends with its
    /// cause](super::ReviewEnd::WithCause) closes itself, unless the tenant's pause depends on it.
    pub gone: Vec<String>,
    /// A hold on the whole tenant from now on.
    pub hold: Option<Hold>,
    /// Whether to mark the other links of the link's series.
    pub mark_siblings: bool,
}

impl Settlement {
    /// A settlement that stores the link and settles nothing.
    pub fn new(link: Link) -> Self {
        Self {
            link,
            chain_uids: Vec::new(),
            wake: None,
            not_before: None,
            changes: Vec::new(),
            deliveries: Vec::new(),
            marks: Vec::new(),
            outcomes: Vec::new(),
            log: Vec::new(),
            reviews: Vec::new(),
            settled: false,
            gone: Vec::new(),
            hold: None,
            mark_siblings: false,
        }
    }
}

/// Side effects of a settlement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// Review items that were newly opened, not merely updated.
    pub opened: Vec<ReviewId>,
}

impl Settled {
    /// A result that opened these items.
    pub fn opening(opened: Vec<ReviewId>) -> Self {
        Self { opened }
    }
}

/// The links, and the queue of links that have work.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use calcom::store::{
///     Change, ClaimRequest, InMemoryStore, Links, Origin, Outbox, Revision, TenantId,
/// };
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let at = "2026-12-08T09:00:00Z".parse()?;
/// let change = Change::new(tenant.clone(), "a-1".into(), Revision::FIRST, Origin::Phone, at);
/// store.record(&change).await?;
/// // A worker takes the link that has work, and nobody else gets it while the lease lasts.
/// let request = ClaimRequest::new(Duration::from_secs(60), 1);
/// let claim = store.claim(&request).await?.ok_or("nothing is due")?;
/// assert_eq!(claim.link.appointment, Some("a-1".into()));
/// assert!(store.claim(&request).await?.is_none());
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// **Time** is the store's: leases, due times and holds are computed with the database's clock, or
/// the process's for an embedded store. No caller passes an instant. A duration too long to add to
/// an instant never ends, and is not an error.
///
/// **Routing.** Changes, deliveries and marks are inserted without touching a link. A claim finds
/// or makes the link of each, in the order in which the store took them in, before it chooses: that
/// of a change by its appointment; that of a delivery by its booking's uid, by the uid it was
/// rescheduled from, by its sync key, in this order, among the tenant's links only. The delivery's
/// uid is remembered as the link's. A link that is made is [bare](Link::bare). What comes with a
/// claim, and what is settled, is routed no more.
///
/// **Work.** A link has work while something unsettled waits for it, or when its time to wake has
/// come. Nothing that waits is ever left behind: what arrives while a worker holds the link makes
/// it due again once it is settled, but never before the link's `not_before`. A mark stays until a
/// settlement names it. What a settlement leaves unsettled is looked at when the settlement wakes
/// the link, or at once if it sets no wake time.
///
/// **Turns.** [`claim`](Self::claim) serves tenants in order of their names, starting after
/// [`ClaimRequest::after`] and wrapping around once; within a tenant, the link whose oldest work
/// was taken in first. Of links whose work was taken in, or became due, within one instant of the
/// store's clock, the order is unspecified; the stores of this crate use insertion order. A claim
/// routes until something can be claimed or nothing of the tenant is left to route: `None` means
/// that nothing can be claimed now, whatever waits for leased or held links. Skipping a paused or
/// held tenant costs the same however much it has waiting. Any number of workers may claim
/// concurrently; no link goes to two.
///
/// **Leases.** A link has at most one valid lease. Every write under a lease checks its fence and
/// fails with [`LeaseLost`](super::StoreErrorKind::LeaseLost), changing nothing, once the link was
/// claimed again, settled, or absorbed.
///
/// **Keys.** Within a tenant an appointment, a booking uid, a chain key and a sync key each belong
/// to at most one link. If a settlement gives its link a key that belongs to a [bare](Link::bare)
/// link, that link is absorbed: its uids, marks and places in review items move over, its
/// appointment too if the link has none, and the bare link is deleted. If the key belongs to a link
/// that is not bare, or the bare link has another appointment, the settlement fails with
/// [`Conflict`](super::StoreErrorKind::Conflict). A key stays with its link: once a link has a
/// newer booking, sync key or chain key, the older ones still find it.
///
/// **Appointments.** A link's appointment is set once. A settlement or a checkpoint never clears or
/// replaces it: a link stored without one keeps the stored one, including one gained by absorption
/// meanwhile; storing a different one is a [`Conflict`](super::StoreErrorKind::Conflict).
///
/// **In a database.** `READ COMMITTED` is enough. A transaction that locks several links locks them
/// in id order. A serialization failure or a deadlock is
/// [`Unavailable`](super::StoreErrorKind::Unavailable), never a conflict. A call whose future is
/// dropped has either happened completely or not at all.
#[async_trait]
pub trait Links: std::fmt::Debug + Send + Sync + 'static {
    /// Claims a link that has work; `None` if none can be claimed now.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Claim>, StoreError>;

    /// Stores intermediate progress and extends the lease: before a write whose outcome may stay
    /// unknown, and before a write to the host. Registers the link's keys; absorbs nothing.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost), or
    /// [`Conflict`](super::StoreErrorKind::Conflict) if a key belongs to another link or the link
    /// has another appointment; then nothing was stored.
    async fn checkpoint(&self, lease: &Lease, checkpoint: Checkpoint) -> Result<(), StoreError>;

    /// Stores the outcome and releases the lease.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost),
    /// [`Conflict`](super::StoreErrorKind::Conflict), or
    /// [`Invalid`](super::StoreErrorKind::Invalid) if it settles a change or a delivery that does
    /// not wait for the link.
    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError>;

    /// Merges a claimed, [bare](Link::bare) link into another link of the tenant: its uids, marks
    /// and places in review items, and its appointment if the other has none. What waited for it
    /// now waits for the other, which is marked; the bare link is deleted.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost),
    /// [`NotFound`](super::StoreErrorKind::NotFound) if the other link is gone,
    /// [`Conflict`](super::StoreErrorKind::Conflict) if the claimed one is not bare or both have an
    /// appointment.
    async fn absorb(&self, lease: &Lease, into: LinkId) -> Result<(), StoreError>;

    /// Finds a link by one of its keys.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError>;

    /// Marks a link, so that its booking is read and both sides are compared; `false` if there is no
    /// such link. Inserts one row and waits for no lease.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn mark(
        &self,
        tenant: &TenantId,
        key: &LinkKey,
        source: MarkSource,
    ) -> Result<bool, StoreError>;

    /// How long until a worker that reads this format can claim something; `None` if nothing will
    /// become due. Paused tenants do not count. May be too early, since what was taken in is not
    /// routed yet, but never too late: the claim may then find nothing, and the next answer will be
    /// later.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn next_due(&self, format: u16) -> Result<Option<Duration>, StoreError>;
}
