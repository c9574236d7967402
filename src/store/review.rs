//! The review queue: cases that a person must decide.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::AppointmentId;
use super::error::StoreError;
use super::link::LinkId;
use super::page::Page;
use super::state::AppointmentState;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, clean_text, open_enum};

number_id! {
    /// Names one review item.
    ReviewId
}

open_enum! {
    /// Why a person has to decide.
    ReviewReason {
        /// Both sides changed, differently.
        Conflict = "conflict",
        /// Cal.com could not be reached, or failed, at every attempt.
        RetriesExhausted = "retries_exhausted",
        /// Cal.com refused the request, and would again.
        Rejected = "rejected",
        /// The slot belongs to somebody else.
        SlotTaken = "slot_taken",
        /// Cal.com answered a creation with a booking that is not the one asked for.
        AnotherBooking = "another_booking",
        /// One appointment has two live bookings.
        TwoLiveBookings = "two_live_bookings",
        /// The host's change is one that Cal.com's API cannot express.
        NotExpressible = "not_expressible",
        /// The appointment's event type is not the tenant's.
        ForeignEventType = "foreign_event_type",
        /// The booking cannot be found any more.
        BookingMissing = "booking_missing",
        /// The appointment cannot be found, or not any more.
        AppointmentMissing = "appointment_missing",
        /// The recorded revision of the appointment never became visible.
        RevisionMissing = "revision_missing",
        /// A delivery named a booking that is not the tenant's.
        ForeignBooking = "foreign_booking",
        /// The booking has a status that this version does not know.
        UnknownStatus = "unknown_status",
        /// The booking has seats, which this version does not keep in step.
        SeatedBooking = "seated_booking",
        /// The booking ended at Cal.com, and the host's change would revive it.
        RemoteEnded = "remote_ended",
        /// The appointment says that Cal.com made its latest change, and Cal.com says otherwise.
        OriginContradicted = "origin_contradicted",
        /// The appointment was made for a booking whose link is lost.
        LinkLost = "link_lost",
        /// Cal.com refuses the tenant's credentials; its work is paused.
        CredentialsRefused = "credentials_refused",
        /// The tenant cannot be read from the directory, or is not in it; its work waits.
        TenantUnreadable = "tenant_unreadable",
        /// The host's own repository refuses the read or the write.
        HostRefused = "host_refused",
        /// The host's own repository did not answer, at every attempt.
        HostUnavailable = "host_unavailable",
        /// The work itself failed: it panicked, or killed its process, at every attempt.
        WorkFailed = "work_failed",
        /// What the engine had stored about the appointment cannot be read back.
        Undecodable = "undecodable",
    }
}

/// What a person decided: an instruction, which the engine carries out with its next turn for every link of the item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// Look again, and try again. For a paused tenant: go on where it stopped.
    Retry,
    /// What Cal.com holds goes into the appointment.
    TakeRemote,
    /// What the appointment holds goes to Cal.com, as far as its API can express it.
    ForceLocal,
    /// The two sides may differ as they do now. Each side's later changes are judged against what it holds now, so that this
    /// difference never comes up again.
    AcceptDifference,
    /// The appointment moves to this start, and is booked there.
    Rebook {
        /// The start of the slot.
        start: DateTime<Utc>,
    },
    /// The item is closed and nothing else is done: no side is written, and nothing is taken for agreed. The next change or
    /// webhook for the appointment is judged as if there had been no item, and may open it again.
    Dismiss,
    /// Nobody had to decide: the cause is gone.
    Settled,
}

impl Resolution {
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

/// Who decided what, when, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// What.
    pub resolution: Resolution,
    /// Who, in the host's own terms.
    pub by: String,
    /// When, by the store's clock.
    pub at: DateTime<Utc>,
    /// How the instruction ended, in one sentence; `None` until it was carried out. Of an item with several links, the last
    /// one's.
    pub outcome: Option<String>,
}

impl Resolved {
    /// A decision that was not carried out yet.
    pub fn new(resolution: Resolution, by: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self {
            resolution,
            by: by.into(),
            at,
            outcome: None,
        }
    }
}

/// A decision on its way to the turn that carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instruction {
    /// The item that was decided.
    pub review: ReviewId,
    /// What it was about.
    pub reason: ReviewReason,
    /// What was decided.
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

/// Everything needed to decide. Holds the attendee, for the person who decides; `Debug` does not show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ReviewEvidence {
    /// What happened, with the whole chain of causes, and what can be done; names no person.
    pub message: String,
    /// What the host held when both sides were last in agreement.
    pub base_local: Option<AppointmentState>,
    /// What Cal.com held when both sides were last in agreement.
    pub base_remote: Option<AppointmentState>,
    /// The host's state.
    pub local: Option<AppointmentState>,
    /// Cal.com's state.
    pub remote: Option<AppointmentState>,
    /// The bookings concerned.
    pub bookings: Vec<BookingUid>,
    /// Free slots near the one that was wanted.
    pub alternatives: Vec<DateTime<Utc>>,
}

impl ReviewEvidence {
    /// A message, and nothing else. It is cleaned with [`clean_text`]: it may quote Cal.com.
    pub fn new(message: impl AsRef<str>) -> Self {
        Self {
            message: clean_text(message.as_ref()).into_owned(),
            ..Self::default()
        }
    }
}

/// What a review item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReviewScope {
    /// The settled link alone.
    Link,
    /// The tenant as a whole: links that meet the same cause have a part in the same item.
    Tenant,
}

open_enum! {
    /// When an open item closes without a person.
    ReviewEnd {
        /// When the last link that has a part in it is [settled](super::Settlement::settled).
        WithLinks = "with_links",
        /// When a settlement says that its cause is gone, or its tenant is resumed.
        WithCause = "with_cause",
        /// Never: only a person closes it.
        ByPerson = "by_person",
    }
}

/// A review item to be opened, or to be brought up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewReview {
    /// What it is about.
    pub scope: ReviewScope,
    /// What makes two items of a scope the same one, such as `conflict` or `foreign_event_type/7`.
    pub cause: String,
    /// Why.
    pub reason: ReviewReason,
    /// When it closes by itself.
    pub ends: ReviewEnd,
    /// With what.
    pub evidence: ReviewEvidence,
}

impl NewReview {
    /// An item about the settled link, whose cause is its reason.
    pub fn of_link(reason: ReviewReason, evidence: ReviewEvidence) -> Self {
        Self {
            scope: ReviewScope::Link,
            cause: reason.as_str().to_owned(),
            reason,
            ends: ReviewEnd::WithLinks,
            evidence,
        }
    }

    /// An item about the tenant, with a cause that other links may meet too.
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

/// A case that a person must decide, or has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewItem {
    /// Its name.
    pub id: ReviewId,
    /// Whose.
    pub tenant: TenantId,
    /// The link; `None` for an item about the tenant as a whole.
    pub link: Option<LinkId>,
    /// The appointment concerned; for an item about the tenant, the first one that met the cause.
    pub appointment: Option<AppointmentId>,
    /// What makes two items of a scope the same one.
    pub cause: String,
    /// Why.
    pub reason: ReviewReason,
    /// When it closes by itself.
    pub ends: ReviewEnd,
    /// With what.
    pub evidence: ReviewEvidence,
    /// How many links have a part in it.
    pub links: u32,
    /// How often the cause came up.
    pub count: u64,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it last came up again.
    pub updated_at: DateTime<Utc>,
    /// The decision; `None` while it is open.
    pub resolved: Option<Resolved>,
}

impl ReviewItem {
    /// An item that was just opened, about the tenant as a whole.
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
/// # Contract
///
/// - Items are opened by a [`Settlement`](super::Settlement). A cause has one open item at most: within its link, or within the
///   tenant. Opening it again brings its evidence up to date, counts it, and gives the settled link a part in it.
/// - [`Settlement::settled`](super::Settlement::settled) ends the link's parts in items that end
///   [with their links](ReviewEnd::WithLinks), and in no others. The item that came with a pause stays open as long as the pause
///   lasts, whatever a settlement says.
/// - An outcome is stored with a resolved item that the settled link has a part in; that of any other item is passed over.
/// - [`resolve`](Self::resolve) is one transaction: it closes the item, writes the log, and, unless the item is dismissed,
///   leaves a mark with the instruction for every link that has a part in it. An item is resolved once: the second call fails
///   with [`Conflict`](super::StoreErrorKind::Conflict).
/// - [`Retry`](Resolution::Retry) of the item that came with a pause resumes the tenant. As long as the pause lasts, that item
///   cannot be resolved in any other way: the call fails with [`Invalid`](super::StoreErrorKind::Invalid).
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

    /// Closes an item with a decision. `by` is who decided, in the host's own terms.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StoreErrorKind::NotFound), [`Conflict`](super::StoreErrorKind::Conflict) if it is closed, or
    /// [`Invalid`](super::StoreErrorKind::Invalid) if a pause depends on it.
    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: &Resolution,
        by: &str,
    ) -> Result<ReviewItem, StoreError>;
}
