//! The review queue: cases that a person must decide.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::{AppointmentId, AppointmentState};
use super::error::StoreError;
use super::link::LinkId;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, open_enum};

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
        /// One appointment has two live bookings.
        TwoLiveBookings = "two_live_bookings",
        /// The host's change is one that Cal.com's API cannot express.
        NotExpressible = "not_expressible",
        /// The booking cannot be found any more.
        BookingMissing = "booking_missing",
        /// The appointment cannot be found any more, and its booking lives.
        AppointmentMissing = "appointment_missing",
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
        /// The host's own repository refuses the write.
        HostRefused = "host_refused",
    }
}

/// What a person decided. Further resolutions will follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// Look again, and try again. For a paused tenant: go on where it stopped.
    Retry,
    /// Leave it as it is.
    Dismiss,
    /// Nobody had to decide: both sides came to agree.
    Settled,
}

impl Resolution {
    /// The word used in stores.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Dismiss => "dismiss",
            Self::Settled => "settled",
        }
    }

    /// Reads the word used in stores.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Retry, Self::Dismiss, Self::Settled]
            .into_iter()
            .find(|resolution| resolution.as_str() == word)
    }
}

/// Who decided what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// What.
    pub resolution: Resolution,
    /// Who, in the host's own terms.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything needed to decide. Holds the attendee, for the person who decides; `Debug` does not show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewEvidence {
    /// What happened and what can be done, in one or two sentences; names no person.
    pub message: String,
    /// The state on which both sides last agreed.
    pub base: Option<AppointmentState>,
    /// The host's state.
    pub local: Option<AppointmentState>,
    /// Cal.com's state.
    pub remote: Option<AppointmentState>,
    /// The bookings concerned.
    pub bookings: Vec<BookingUid>,
    /// Free slots near the one that was wanted.
    pub alternatives: Vec<DateTime<Utc>>,
}

/// A review item to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReview {
    /// Why.
    pub reason: ReviewReason,
    /// With what.
    pub evidence: ReviewEvidence,
}

/// A case that a person must decide, or has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewItem {
    /// Its name.
    pub id: ReviewId,
    /// Whose.
    pub tenant: TenantId,
    /// The link; `None` for an item about the tenant as a whole.
    pub link: Option<LinkId>,
    /// The appointment concerned.
    pub appointment: Option<AppointmentId>,
    /// Why.
    pub reason: ReviewReason,
    /// With what.
    pub evidence: ReviewEvidence,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it last came up again.
    pub updated_at: DateTime<Utc>,
    /// The decision; `None` while it is open.
    pub resolved: Option<Resolved>,
}

/// The review queue.
///
/// # Contract
///
/// - Items are opened by a [`Settlement`](super::Settlement). A link has one open item a reason at most; opening it again
///   brings it up to date.
/// - [`resolve`](Self::resolve) is one transaction: it closes the item and, on [`Resolution::Retry`], marks the link as due
///   and to be read with its attempts at zero, or lets the tenant's work go on. An item is resolved once: the second call
///   fails with [`Conflict`](super::StoreErrorKind::Conflict).
#[async_trait]
pub trait Reviews: fmt::Debug + Send + Sync + 'static {
    /// The tenant's open items, oldest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn open_reviews(&self, tenant: &TenantId) -> Result<Vec<ReviewItem>, StoreError>;

    /// One item, open or not.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn review(
        &self,
        tenant: &TenantId,
        id: ReviewId,
    ) -> Result<Option<ReviewItem>, StoreError>;

    /// Closes an item.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StoreErrorKind::NotFound), or [`Conflict`](super::StoreErrorKind::Conflict) if it is closed.
    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolved: &Resolved,
    ) -> Result<ReviewItem, StoreError>;
}
