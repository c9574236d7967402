//! Links: the pairs of one appointment and the newest booking of its chain, and the queue of those that are due.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::{AppointmentId, AppointmentState, ChainKey, Revision};
use super::error::StoreError;
use super::inbox::{Delivery, DeliveryFate, DeliveryId};
use super::log::LogEvent;
use super::outbox::{ChangeFate, ChangeId, RecordedChange};
use super::review::NewReview;
use super::tenant::TenantId;
use crate::model::id::{number_id, text_id};
use crate::model::{BookingUid, RecurringBookingUid};

number_id! {
    /// Names one link of a tenant.
    LinkId
}
text_id! {
    /// An opaque random name for the creation of one booking. It is stored before the call and travels in the booking's
    /// metadata, so that a booking whose creation was never answered can be recognized.
    SyncKey
}

/// A write whose outcome is not settled yet. It is stored before the call, and so it is known after a crash that the call
/// may have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PendingWrite {
    /// A booking is being created.
    CreateBooking {
        /// The name under which it can be found.
        sync_key: SyncKey,
        /// What was sent.
        state: AppointmentState,
        /// The appointment's revision that was sent.
        revision: Revision,
        /// What attempts before this one sent under the same name, where that was something else: any of them may have been
        /// carried out.
        #[serde(default)]
        earlier: Vec<AppointmentState>,
    },
    /// A booking is being moved.
    Reschedule {
        /// The booking.
        booking: BookingUid,
        /// Where to.
        start: DateTime<Utc>,
    },
    /// A booking is being cancelled.
    Cancel {
        /// The booking.
        booking: BookingUid,
    },
    /// An appointment is being created for a booking.
    CreateAppointment {
        /// The key by which the host recognizes a second attempt.
        chain: ChainKey,
    },
}

/// A pair of one appointment and the newest booking of its chain; either side may be missing for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whose link.
    pub tenant: TenantId,
    /// Its name.
    pub id: LinkId,
    /// The appointment; `None` until a booking that came from Cal.com has been read.
    pub appointment: Option<AppointmentId>,
    /// The newest booking that is known of the chain.
    pub booking: Option<BookingUid>,
    /// The key of the chain, once it is known.
    pub chain: Option<ChainKey>,
    /// The series that the booking belongs to.
    pub series: Option<RecurringBookingUid>,
    /// The state on which both sides last agreed.
    pub base: Option<AppointmentState>,
    /// The name under which the chain's first booking was created, if that was us.
    pub sync_key: Option<SyncKey>,
    /// A write whose outcome is not settled.
    pub pending: Option<PendingWrite>,
    /// Further live bookings that were found for the same appointment. They are read whenever the link's own is, until they
    /// have ended.
    pub rivals: Vec<BookingUid>,
    /// How many attempts of the work at hand have failed.
    pub attempts: u32,
    /// Whether the booking has to be read next time, even if only the host moved.
    pub verify: bool,
}

impl Link {
    /// Whether the link is no more than a name for one side, so that it can be absorbed by the link of the pair.
    pub fn is_bare(&self) -> bool {
        self.base.is_none()
            && self.pending.is_none()
            && (self.appointment.is_none() || self.booking.is_none())
    }
}

/// The right to work on a link for a while. A later claim of the same link makes it void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose link.
    pub tenant: TenantId,
    /// The link.
    pub link: LinkId,
    /// Raised with every claim; a store accepts a write only under the newest.
    pub fence: i64,
    /// How often the link had been marked as due when it was claimed.
    pub marks: i64,
}

/// A due link with all that waits for it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The right to work on it.
    pub lease: Lease,
    /// The link.
    pub link: Link,
    /// The changes that wait, oldest first.
    pub changes: Vec<RecordedChange>,
    /// The deliveries that wait, oldest first.
    pub deliveries: Vec<Delivery>,
}

/// The outcome of the work on a claimed link; stored whole or not at all.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The link as it is from now on. Its tenant and id are those of the lease.
    pub link: Link,
    /// Uids that belong to the link's chain.
    pub chain_uids: Vec<BookingUid>,
    /// When the link is to be worked on again; `None`: when something marks it.
    pub next_due: Option<DateTime<Utc>>,
    /// How changes ended.
    pub changes: Vec<(ChangeId, ChangeFate)>,
    /// How deliveries ended.
    pub deliveries: Vec<(DeliveryId, DeliveryFate)>,
    /// What the sync log is to say.
    pub log: Vec<LogEvent>,
    /// A review item to open, or to bring up to date if one with this reason is open for the link.
    pub review: Option<NewReview>,
    /// Whether the link's open review items, other than the one in `review`, have settled themselves. Reports of foreign
    /// bookings have not: only a person closes them.
    pub close_reviews: bool,
    /// Whether the tenant is to be paused; the item in `review` is then the tenant's, not the link's.
    pub pause_tenant: bool,
    /// Whether the other links of the booking's series are to be looked at.
    pub mark_series: bool,
    /// Now.
    pub at: DateTime<Utc>,
}

impl Settlement {
    /// A settlement that leaves the link as given and settles nothing.
    pub fn new(link: Link, at: DateTime<Utc>) -> Self {
        Self {
            link,
            chain_uids: Vec::new(),
            next_due: None,
            changes: Vec::new(),
            deliveries: Vec::new(),
            log: Vec::new(),
            review: None,
            close_reviews: false,
            pause_tenant: false,
            mark_series: false,
            at,
        }
    }
}

/// By what a link is looked for, among one tenant's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKey {
    /// By its own name.
    Id(LinkId),
    /// By its appointment.
    Appointment(AppointmentId),
    /// By any booking of its chain.
    Booking(BookingUid),
    /// By the key of its chain.
    Chain(ChainKey),
    /// By the key under which its booking was created.
    SyncKey(SyncKey),
}

/// The links and the queue of those that are due.
///
/// # Contract
///
/// - Within a tenant an appointment, a booking uid, a chain key and a sync key each belong to one link at most.
/// - A link has one valid lease at most. Every write under a lease checks its fence and fails with
///   [`LeaseLost`](super::StoreErrorKind::LeaseLost), changing nothing, if a later claim was made or the link is gone.
/// - [`claim`](Self::claim) takes the link that has been due for longest, never one of a paused tenant, and returns with it
///   everything that waits for it. Any number of workers may claim at once; no link goes to two.
/// - Marking a link as due never waits for its lease and is never lost: a link that was marked after its claim is due again
///   after it is settled, and a read or a fresh start that was asked for meanwhile is not forgotten.
/// - A settlement is one transaction. If it gives the link an appointment or a uid that belongs to a
///   [bare](Link::is_bare) link, that link is absorbed: its changes and deliveries move over and it is gone. If it belongs
///   to a link that is not bare, the settlement fails with [`Conflict`](super::StoreErrorKind::Conflict).
#[async_trait]
pub trait Links: fmt::Debug + Send + Sync + 'static {
    /// Claims the link that has been due for longest, if there is one.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn claim(&self, now: DateTime<Utc>, lease: Duration)
    -> Result<Option<Claim>, StoreError>;

    /// Stores what is about to be written, and prolongs the lease to `until`. For a created booking the sync key, for a
    /// created appointment the chain key becomes the link's own.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost), or [`Conflict`](super::StoreErrorKind::Conflict) if the key belongs to
    /// another link.
    async fn begin_write(
        &self,
        lease: &Lease,
        write: &PendingWrite,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Stores the outcome and gives the lease back.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost) or [`Conflict`](super::StoreErrorKind::Conflict).
    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<(), StoreError>;

    /// Moves all that waits for a claimed, [bare](Link::is_bare) link to another link of the tenant, with the uids it holds (but
    /// not its other keys),
    /// marks that one as due and to be read, and removes the bare one.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](super::StoreErrorKind::LeaseLost), [`NotFound`](super::StoreErrorKind::NotFound) if the other link is
    /// gone, [`Conflict`](super::StoreErrorKind::Conflict) if the claimed one is not bare.
    async fn absorb(
        &self,
        lease: &Lease,
        into: LinkId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Looks for one link.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError>;

    /// When the next link becomes due or the next lease of a due link runs out; `None` if nothing is due at any time. Paused
    /// tenants do not count: their links cannot be claimed.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError>;
}
