//! The review queue: cases that need manual review.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::AppointmentId;
use super::error::StoreError;
use super::link::LinkId;
use super::page::Page;
use super::review_filter::{ReviewCount, ReviewFilter};
use super::state::AppointmentState;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, clean_text, open_enum};

number_id! {
    /// Identifies one review item.
    ReviewId
}

open_enum! {
    /// Why a case needs manual review.
    ReviewReason {
        /// Both sides changed, differently.
        Conflict = "conflict",
        /// Cal.com was unreachable or failed on every attempt.
        RetriesExhausted = "retries_exhausted",
        /// Cal.com refused the request, and would refuse it again.
        Rejected = "rejected",
        /// The slot is taken.
        SlotTaken = "slot_taken",
        /// Cal.com answered a creation with a different, existing booking.
        AnotherBooking = "another_booking",
        /// One appointment has two live bookings.
        TwoLiveBookings = "two_live_bookings",
        /// Cal.com's API cannot express the host's change.
        NotExpressible = "not_expressible",
        /// The event type requires an answer that neither the appointment nor the tenant gives.
        RequiredFieldMissing = "required_field_missing",
        /// The appointment's event type does not belong to the tenant.
        ForeignEventType = "foreign_event_type",
        /// The booking no longer exists.
        BookingMissing = "booking_missing",
        /// The appointment does not exist, or no longer does.
        AppointmentMissing = "appointment_missing",
        /// A revision of the appointment that was recorded, or that the engine wrote, never became
        /// visible.
        RevisionMissing = "revision_missing",
        /// A delivery named a booking that does not belong to the tenant.
        ForeignBooking = "foreign_booking",
        /// The booking has a status unknown to this version.
        UnknownStatus = "unknown_status",
        /// The booking lives and has no attendee.
        SeatedBooking = "seated_booking",
        /// The booking ended at Cal.com, and the host's change would revive it.
        RemoteEnded = "remote_ended",
        /// The appointment claims that its latest change came from Cal.com, but Cal.com disagrees.
        OriginContradicted = "origin_contradicted",
        /// The appointment was created for a booking whose link is lost.
        LinkLost = "link_lost",
        /// Cal.com refuses the tenant's credentials; its work is paused.
        CredentialsRefused = "credentials_refused",
        /// A person has paused the tenant's work.
        PausedByPerson = "paused_by_person",
        /// The tenant cannot be read from the directory, or is missing from it; its work waits.
        TenantUnreadable = "tenant_unreadable",
        /// The host's repository refused the read or the write.
        HostRefused = "host_refused",
        /// The host's repository did not answer on any attempt.
        HostUnavailable = "host_unavailable",
        /// The work itself panicked, or killed its process, on every attempt.
        WorkFailed = "work_failed",
        /// The engine's stored state of the link cannot be decoded.
        Undecodable = "undecodable",
        /// The handler of another sender's event failed on every attempt, or gave up.
        HandlerFailed = "handler_failed",
    }
}

/// A decision: an instruction that the engine carries out in its next turn for every link of the
/// item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// Look again and retry. For a paused tenant: resume.
    Retry,
    /// Bring Cal.com's state to the appointment.
    TakeRemote,
    /// Bring the appointment's state to Cal.com, as far as its API can express it.
    ForceLocal,
    /// Let the two sides differ as they do now. Later changes of each side are compared with its
    /// current state, so this difference never comes up again.
    AcceptDifference,
    /// Move the appointment to this start, and book it there.
    #[non_exhaustive]
    Rebook {
        /// The start of the slot.
        start: DateTime<Utc>,
    },
    /// Close the item and do nothing else: neither side is written, and nothing counts as agreed.
    /// The next change or webhook for the appointment is processed as if there had been no item,
    /// and may open one again.
    Dismiss,
    /// Closed by itself, because the cause is gone. Not a decision.
    Settled,
}

impl Resolution {
    /// Moves the appointment to this start.
    pub const fn rebook(start: DateTime<Utc>) -> Self {
        Self::Rebook { start }
    }

    /// The word used in logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::TakeRemote => "take_remote",
            Self::ForceLocal => "force_local",
            Self::AcceptDifference => "accept_difference",
            Self::Rebook { .. } => "rebook",
            Self::Dismiss => "dismiss",
            Self::Settled => "settled",
        }
    }
}

/// A decision: who made it, when, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The decision.
    pub resolution: Resolution,
    /// Who decided, in the host's own terms.
    pub by: String,
    /// When, by the store's clock.
    pub at: DateTime<Utc>,
    /// How the instruction ended, in one sentence; `None` until it has been carried out. For an
    /// item with several links, the outcome of the last one.
    pub outcome: Option<String>,
}

impl Resolved {
    /// A decision that has not been carried out yet.
    pub fn new(resolution: Resolution, by: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self {
            resolution,
            by: by.into(),
            at,
            outcome: None,
        }
    }
}

/// A decision waiting for the turn that carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instruction {
    /// The resolved item.
    pub review: ReviewId,
    /// The item's reason.
    pub reason: ReviewReason,
    /// The decision.
    pub resolution: Resolution,
    /// Who decided, in the host's own terms.
    pub by: String,
}

impl Instruction {
    /// An instruction.
    pub fn new(
        review: ReviewId,
        reason: ReviewReason,
        resolution: Resolution,
        by: impl Into<String>,
    ) -> Self {
        Self {
            review,
            reason,
            resolution,
            by: by.into(),
        }
    }
}

/// Everything needed to decide. Includes the attendee, for the reviewer; `Debug` does not show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ReviewEvidence {
    /// What happened, with the full chain of causes, and what can be done. Contains no personal
    /// data.
    pub message: String,
    /// The host's state when both sides last agreed.
    pub base_local: Option<AppointmentState>,
    /// Cal.com's state when both sides last agreed.
    pub base_remote: Option<AppointmentState>,
    /// The host's state.
    pub local: Option<AppointmentState>,
    /// Cal.com's state.
    pub remote: Option<AppointmentState>,
    /// The bookings concerned.
    pub bookings: Vec<BookingUid>,
    /// Free slots near the requested one.
    pub alternatives: Vec<DateTime<Utc>>,
}

impl ReviewEvidence {
    /// Evidence with only a message, cleaned with [`clean_text`] because it may quote Cal.com.
    pub fn new(message: impl AsRef<str>) -> Self {
        Self {
            message: clean_text(message.as_ref()).into_owned(),
            ..Self::default()
        }
    }
}

/// The scope of a review item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReviewScope {
    /// The settled link only.
    Link,
    /// The whole tenant: links that meet the same cause share one item.
    Tenant,
}

open_enum! {
    /// When an open item closes by itself.
    ReviewEnd {
        /// When the last link involved in it is [settled](super::Settlement::settled).
        WithLinks = "with_links",
        /// When a settlement reports that its cause is gone, or a pause of its tenant ends.
        WithCause = "with_cause",
        /// Never; it must be resolved.
        ByPerson = "by_person",
    }
}

/// A review item to open or update.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewReview {
    /// Its scope.
    pub scope: ReviewScope,
    /// The key by which items of a scope are deduplicated, such as `conflict` or
    /// `foreign_event_type/7`.
    pub cause: String,
    /// The reason.
    pub reason: ReviewReason,
    /// When it closes by itself.
    pub ends: ReviewEnd,
    /// The evidence.
    pub evidence: ReviewEvidence,
}

impl NewReview {
    /// An item about the settled link, with its reason as the cause.
    pub fn of_link(reason: ReviewReason, evidence: ReviewEvidence) -> Self {
        Self {
            scope: ReviewScope::Link,
            cause: reason.as_str().to_owned(),
            reason,
            ends: ReviewEnd::WithLinks,
            evidence,
        }
    }

    /// An item about the tenant, with a cause that other links may share.
    pub fn of_tenant(
        cause: impl Into<String>,
        reason: ReviewReason,
        evidence: ReviewEvidence,
    ) -> Self {
        Self {
            scope: ReviewScope::Tenant,
            cause: cause.into(),
            reason,
            ends: ReviewEnd::WithLinks,
            evidence,
        }
    }

    /// Sets when it closes by itself.
    #[must_use]
    pub fn ending(mut self, ends: ReviewEnd) -> Self {
        self.ends = ends;
        self
    }
}

/// A case that needs manual review, or has been resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewItem {
    /// The item's id.
    pub id: ReviewId,
    /// The tenant.
    pub tenant: TenantId,
    /// The link; `None` for an item about the whole tenant.
    pub link: Option<LinkId>,
    /// The appointment concerned; for an item about the tenant, the first one affected.
    pub appointment: Option<AppointmentId>,
    /// The key by which items of a scope are deduplicated.
    pub cause: String,
    /// The reason.
    pub reason: ReviewReason,
    /// When it closes by itself.
    pub ends: ReviewEnd,
    /// The evidence.
    pub evidence: ReviewEvidence,
    /// How many links are involved.
    pub links: u32,
    /// How many times the cause has occurred.
    pub count: u64,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When the cause last occurred.
    pub updated_at: DateTime<Utc>,
    /// The decision; `None` while open.
    pub resolved: Option<Resolved>,
}

impl ReviewItem {
    /// A newly opened item about the whole tenant.
    pub fn new(id: ReviewId, tenant: TenantId, new: NewReview, at: DateTime<Utc>) -> Self {
        Self {
            id,
            tenant,
            link: None,
            appointment: None,
            cause: new.cause,
            reason: new.reason,
            ends: new.ends,
            evidence: new.evidence,
            links: 0,
            count: 1,
            opened_at: at,
            updated_at: at,
            resolved: None,
        }
    }
}

/// The review queue.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{InMemoryStore, Page, Resolution, Reviews, TenantId};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// for item in store.open_reviews(&tenant, Page::first(50)).await? {
///     println!("{}: {:?}", item.id, item.reason);
///     store.resolve(&tenant, item.id, &Resolution::Retry, "hanna").await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Items are opened by a [`Settlement`](super::Settlement). A cause has at most one open item,
///   within its link or within the tenant. Opening it again updates the evidence, increments the
///   count, and adds the settled link to the item.
/// - [`Settlement::settled`](super::Settlement::settled) removes the link from items that end [with
///   their links](ReviewEnd::WithLinks), and from no others. The item opened with a pause stays
///   open as long as the pause lasts, whatever a settlement says.
/// - An outcome is stored only with a resolved item that involves the settled link; others are
///   skipped.
/// - [`resolve`](Self::resolve) is one transaction: it closes the item, writes the log, and, unless
///   the item is dismissed, leaves a mark with the instruction for every link involved. An item is
///   resolved once: a second call fails with [`Conflict`](super::StoreErrorKind::Conflict).
/// - Resolving the item of a parked event decides about the event in the same transaction; see
///   [`SenderEvents`](super::SenderEvents).
/// - [`Retry`](Resolution::Retry) of the item opened with a pause resumes the tenant. While the
///   pause lasts, any other resolution of that item fails with
///   [`Invalid`](super::StoreErrorKind::Invalid).
#[async_trait]
pub trait Reviews: fmt::Debug + Send + Sync + 'static {
    /// The tenant's open items, oldest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn open_reviews(
        &self,
        tenant: &TenantId,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, StoreError>;

    /// The tenant's items that a filter lets through, oldest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, StoreError>;

    /// Counts the tenant's items that a filter lets through, by reason, in the order of the reasons'
    /// words.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn count_reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
    ) -> Result<Vec<ReviewCount>, StoreError>;

    /// One item, open or not.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn review(
        &self,
        tenant: &TenantId,
        id: ReviewId,
    ) -> Result<Option<ReviewItem>, StoreError>;

    /// Resolves an item. `by` is who decided, in the host's own terms.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StoreErrorKind::NotFound), [`Conflict`](super::StoreErrorKind::Conflict)
    /// if it is closed, or [`Invalid`](super::StoreErrorKind::Invalid) if a pause depends on it.
    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: &Resolution,
        by: &str,
    ) -> Result<ReviewItem, StoreError>;
}
