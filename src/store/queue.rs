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
    /// Names one mark.
    MarkId
}

open_enum! {
    /// Why a link was marked to be looked at, other than by a change or a delivery.
    MarkSource {
        /// Another booking of the same series has ended.
        Sibling = "sibling",
        /// The link has taken over another one.
        Absorbed = "absorbed",
        /// A person has decided a review item.
        Instruction = "instruction",
        /// A sweep has found a difference.
        Sweep = "sweep",
    }
}

/// A reason to look at a link that is neither a change nor a delivery. Asks for the booking to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// The row.
    pub id: MarkId,
    /// Why.
    pub source: MarkSource,
    /// What a person has decided, for [`MarkSource::Instruction`].
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

    /// Adds what a person has decided.
    #[must_use]
    pub fn with_instruction(mut self, instruction: Instruction) -> Self {
        self.instruction = Some(instruction);
        self
    }
}

/// Who claims, and for how long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// The tenant that was served last; tenants are served in the order of their names, beginning after this one.
    pub after: Option<TenantId>,
    /// How long the lease lasts.
    pub lease: Duration,
    /// The newest format of [`Opaque`](super::Opaque) bytes that the worker can read. Links of a newer one are not claimed.
    pub format: u16,
}

impl ClaimRequest {
    /// A request that begins with the first tenant.
    pub fn new(lease: Duration, format: u16) -> Self {
        Self {
            after: None,
            lease,
            format,
        }
    }

    /// Begins after a tenant.
    #[must_use]
    pub fn after(mut self, tenant: Option<TenantId>) -> Self {
        self.after = tenant;
        self
    }
}

/// The right to work on a link for a while. It is void once the link was claimed again, settled or absorbed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// Whose link.
    pub tenant: TenantId,
    /// The link.
    pub link: LinkId,
    /// Raised with every claim and every settlement; a store accepts a write only under the newest.
    pub fence: i64,
    /// How often the link had been marked when it was claimed.
    pub marks: i64,
}

impl Lease {
    /// A lease as a store gives it out.
    pub fn new(tenant: TenantId, link: LinkId, fence: i64, marks: i64) -> Self {
        Self {
            tenant,
            link,
            fence,
            marks,
        }
    }

    /// Whether what is to be stored under the lease is about the link of the lease.
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

/// A claimed link with all that waits for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The right to work on it.
    pub lease: Lease,
    /// The link.
    pub link: Link,
    /// The changes that wait, oldest first.
    pub changes: Vec<RecordedChange>,
    /// The deliveries that wait, oldest first.
    pub deliveries: Vec<Delivery>,
    /// The marks that wait, oldest first.
    pub marks: Vec<Mark>,
    /// How often the link was claimed since it was last settled, this time included. Counted before the work begins, so that
    /// work that kills its process is known.
    pub begun: u32,
    /// The lowest revision that was ever recorded for the link's appointment, as far as it was not pruned.
    pub first_revision: Option<Revision>,
    /// The store's time.
    pub now: DateTime<Utc>,
    /// Since when the store keeps books: what happened before is not in them.
    pub books_since: DateTime<Utc>,
}

impl Claim {
    /// A claim for which nothing waits.
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

/// The work on a claimed link as far as it has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The link as it is to be stored. Its tenant and id are those of the lease. Without an appointment it keeps the one that it
    /// has.
    pub link: Link,
    /// Uids that belong to the link's chain.
    pub chain_uids: Vec<BookingUid>,
    /// What the sync log is to say so far.
    pub log: Vec<LogEvent>,
    /// How long the lease lasts from now on, if that is longer than what is left of it.
    pub lease: Duration,
}

impl Checkpoint {
    /// A checkpoint of a link.
    pub fn new(link: Link, lease: Duration) -> Self {
        Self {
            link,
            chain_uids: Vec::new(),
            log: Vec::new(),
            lease,
        }
    }
}

/// What holds up a tenant as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// Nothing of the tenant is claimed for so long: a rate limit, an open circuit, an unreadable directory entry. It never
    /// shortens a hold that lasts longer.
    For(Duration),
    /// Nothing of the tenant is claimed until the review item with this cause, which the same settlement opens, is resolved
    /// or the tenant is [resumed](super::Tenants::resume).
    Pause(String),
}

/// The outcome of the work on a claimed link; stored whole or not at all.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settlement {
    /// The link as it is from now on. Its tenant and id are those of the lease. Without an appointment it keeps the one that it
    /// has.
    pub link: Link,
    /// Uids that belong to the link's chain.
    pub chain_uids: Vec<BookingUid>,
    /// When the link is to be worked on again by itself, from now. What waits for it and is not settled here is looked at then
    /// too; `None`: at once if there is any, else when something new waits for it.
    pub wake: Option<Duration>,
    /// For how long the link is not to be claimed from now on, whatever comes.
    pub not_before: Option<Duration>,
    /// How changes ended.
    pub changes: Vec<(ChangeId, ChangeFate)>,
    /// How deliveries ended.
    pub deliveries: Vec<(DeliveryId, DeliveryFate)>,
    /// The marks that were heeded. One that does not wait for the link is passed over.
    pub marks: Vec<MarkId>,
    /// How instructions of persons ended, in one sentence each. That of an item that is open, or that the link has no part in, is
    /// passed over.
    pub outcomes: Vec<(ReviewId, String)>,
    /// What the sync log is to say.
    pub log: Vec<LogEvent>,
    /// Review items to open, or to bring up to date where one with the same cause is open.
    pub reviews: Vec<NewReview>,
    /// Whether the link's part is over in open review items that [end with their links](super::ReviewEnd::WithLinks), other than
    /// those in `reviews`. Such an item closes itself when the last link's part is over. Parts in other items stay.
    pub settled: bool,
    /// Tenant-wide causes that are known to be gone: an open item that [ends with its cause](super::ReviewEnd::WithCause)
    /// closes itself, unless the tenant's pause depends on it.
    pub gone: Vec<String>,
    /// What holds up the tenant from now on.
    pub hold: Option<Hold>,
    /// Whether the other links of the link's series are to be looked at.
    pub mark_siblings: bool,
}

impl Settlement {
    /// A settlement that leaves the link as given and settles nothing.
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

/// What a settlement did besides what it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// The review items that were opened, as opposed to brought up to date.
    pub opened: Vec<ReviewId>,
}

impl Settled {
    /// These items were opened.
    pub fn opening(opened: Vec<ReviewId>) -> Self {
        Self { opened }
    }
}

/// The links and the queue of those that have work.
///
/// # Contract
///
/// **Time** is the store's: leases, due times and holds are computed by the clock of the database, or of the process where the
/// store lives in it. No instant comes in. A time that is too long to be added to an instant never ends, and is no error.
///
/// **Routing.** Changes, deliveries and marks are inserted without touching a link. A claim finds or makes the link of each, in
/// the order in which the store took them in, before it chooses: that of a change by its appointment; that of a delivery by its
/// booking's uid, by the uid it was rescheduled from, by its sync key, in this order, among the tenant's links only. The
/// delivery's uid is remembered as the link's. A link that is made is [bare](Link::bare). What comes with a claim, and what is
/// settled, is routed no more.
///
/// **Work.** A link has work while something unsettled waits for it, or when its time to wake has come. Nothing that waits is
/// ever left behind: what comes while a worker has the link makes it due again once it is settled, but never before the
/// link's `not_before`. A mark stays until a settlement names it. What a settlement leaves unsettled is looked at when the
/// settlement wakes the link, or at once if it sets no time to wake.
///
/// **Turns.** [`claim`](Self::claim) serves tenants in the order of their names, beginning after
/// [`ClaimRequest::after`] and going round once; within a tenant, the link whose oldest work was taken in first. Of links whose
/// work was taken in, or became due, within one instant of the store's clock, the order is unspecified; the stores of this crate
/// take the one that was made known to them first. A claim routes until something can be claimed or nothing of the tenant is left
/// to route: `None` means that nothing can be claimed now, whatever waits for leased or held links. A tenant that is
/// paused or held is passed over at a cost that does not depend on how much it has waiting. Any number of workers may claim at
/// once; no link goes to two.
///
/// **Leases.** A link has one valid lease at most. Every write under a lease checks its fence and fails with
/// [`LeaseLost`](super::StoreErrorKind::LeaseLost), changing nothing, once the link was claimed again, settled, or absorbed.
///
/// **Keys.** Within a tenant an appointment, a booking uid, a chain key and a sync key each belong to one link at most. If a
/// settlement gives its link a key that belongs to a [bare](Link::bare) link, that link is absorbed: its uids, marks and parts in
/// review items move over, its appointment too where the link has none, and it is gone. If the key belongs to a link that is
/// not bare, or the bare link has another appointment, the settlement fails with
/// [`Conflict`](super::StoreErrorKind::Conflict). A key stays with its link: when a link has a newer booking, sync key or chain
/// key, the older ones keep leading to it.
///
/// **Appointments.** A link gets an appointment once. A settlement or a checkpoint never clears or replaces it: a link stored
/// without one keeps what it has, also what it got by absorption while it was worked on; a link stored with another one is a
/// [`Conflict`](super::StoreErrorKind::Conflict).
///
/// **In a database.** `READ COMMITTED` is enough. A transaction that locks several links locks them in the order of their ids. A
/// serialization failure or a deadlock is [`Unavailable`](super::StoreErrorKind::Unavailable), never a conflict. A call that is
/// dropped before it is answered has either happened or not.
#[async_trait]
pub trait Links: std::fmt::Debug + Send + Sync + 'static {
    /// Claims a link that has work; `None` if none can be claimed now.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Claim>, StoreError>;

    /// Stores how far the work has come and prolongs the lease: before a write whose outcome may stay unknown, and before a
    /// write to the host. The link's own keys become its own; nothing is absorbed.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost), or [`Conflict`](super::StoreErrorKind::Conflict) if a key belongs to
    /// another link or the link has another appointment; then nothing was stored.
    async fn checkpoint(&self, lease: &Lease, checkpoint: Checkpoint) -> Result<(), StoreError>;

    /// Stores the outcome and gives the lease back.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost), [`Conflict`](super::StoreErrorKind::Conflict), or
    /// [`Invalid`](super::StoreErrorKind::Invalid) if it settles a change or a delivery that does not wait for the link.
    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError>;

    /// Moves what a claimed, [bare](Link::bare) link holds to another link of the tenant: its uids, marks and parts in review
    /// items, and its appointment where the other has none. What waited for it waits for the other, which is marked; the bare
    /// one is gone.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost), [`NotFound`](super::StoreErrorKind::NotFound) if the other link is
    /// gone, [`Conflict`](super::StoreErrorKind::Conflict) if the claimed one is not bare or both have an appointment.
    async fn absorb(&self, lease: &Lease, into: LinkId) -> Result<(), StoreError>;

    /// Looks for one link.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError>;

    /// How long until a worker that reads this format can claim something; `None` if nothing is due at any time. Paused
    /// tenants do not count. May be too early, because what was taken in is not routed yet, but never too late: a claim may find
    /// nothing then, and the next answer is later.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn next_due(&self, format: u16) -> Result<Option<Duration>, StoreError>;
}
