//! The inbox: what webhooks delivered, from before they are acknowledged until they have been applied.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::appointment::AppointmentStatus;
use super::error::StoreError;
use super::link::SyncKey;
use super::page::Page;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, InstantFormat, open_enum};

number_id! {
    /// Names one delivery in the inbox.
    DeliveryId
}

open_enum! {
    /// How a delivery ended. None ends without a fate.
    DeliveryFate {
        /// What it told of was applied to the appointment.
        Applied = "applied",
        /// Both sides agreed already: an echo of our own write, a double, or a late one.
        Agreed = "agreed",
        /// What it claimed could not be seen at Cal.com, however often it was looked for.
        Contradicted = "contradicted",
        /// The other side's change won.
        Overruled = "overruled",
        /// A person has to decide.
        InReview = "in_review",
        /// The trigger says nothing of a booking's state.
        IgnoredTrigger = "ignored_trigger",
        /// The trigger is one that nobody has seen.
        IgnoredUnknownTrigger = "ignored_unknown_trigger",
        /// The body is not Cal.com's own: the subscription has a template.
        IgnoredTemplate = "ignored_template",
        /// The body names no booking.
        IgnoredNoBooking = "ignored_no_booking",
        /// The booking had ended before the host knew of it.
        IgnoredEnded = "ignored_ended",
        /// The booking is of an event type that the tenant does not keep in sync.
        IgnoredNotSynced = "ignored_not_synced",
        /// The booking belongs to another tenant. Reported in the review queue.
        RefusedForeign = "refused_foreign",
    }
}

/// What a delivery claims of its booking. A read that does not bear it out is not an answer yet: a self-hosted server announces
/// a cancellation before it carries it out.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryClaim {
    /// Where the booking stands from now on; `None` if the delivery only says *look here*.
    #[serde(default)]
    pub status: Option<AppointmentStatus>,
    /// When it begins.
    #[serde_as(as = "Option<InstantFormat>")]
    #[serde(default)]
    pub start: Option<DateTime<Utc>>,
    /// When it ends.
    #[serde_as(as = "Option<InstantFormat>")]
    #[serde(default)]
    pub end: Option<DateTime<Utc>>,
}

impl DeliveryClaim {
    /// The booking stands like this from now on.
    pub fn new(
        status: AppointmentStatus,
        start: Option<DateTime<Utc>>,
        end: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            status: Some(status),
            start,
            end,
        }
    }
}

/// A verified webhook that is to be stored.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewDelivery {
    /// Whose webhook.
    pub tenant: TenantId,
    /// The SHA-256 of the bytes as they came: what makes a delivery the same one.
    pub fingerprint: [u8; 32],
    /// The trigger's name, or an empty text.
    pub trigger: String,
    /// The booking that it is about.
    pub booking: Option<BookingUid>,
    /// The booking that this one replaced, if the body says so.
    pub rescheduled_from: Option<BookingUid>,
    /// The sync key in the body's metadata, if there is one.
    pub sync_key: Option<SyncKey>,
    /// What it claims.
    pub claim: DeliveryClaim,
    /// The body, without one-time passwords. Personal data: adapters must not log it.
    pub body: String,
    /// Set if it is not going to be worked on, with the reason.
    pub ignored: Option<DeliveryFate>,
}

impl NewDelivery {
    /// A delivery that names no booking and claims nothing.
    pub fn new(tenant: TenantId, fingerprint: [u8; 32], trigger: impl Into<String>) -> Self {
        Self {
            tenant,
            fingerprint,
            trigger: trigger.into(),
            booking: None,
            rescheduled_from: None,
            sync_key: None,
            claim: DeliveryClaim::default(),
            body: String::new(),
            ignored: None,
        }
    }
}

impl fmt::Debug for NewDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewDelivery")
            .field("tenant", &self.tenant)
            .field("trigger", &self.trigger)
            .field("booking", &self.booking)
            .field("ignored", &self.ignored)
            .finish_non_exhaustive()
    }
}

/// A delivery that waits to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The row.
    pub id: DeliveryId,
    /// The trigger's name.
    pub trigger: String,
    /// The booking that it is about.
    pub booking: Option<BookingUid>,
    /// What it claims.
    pub claim: DeliveryClaim,
    /// When it came, by the store's clock.
    pub received_at: DateTime<Utc>,
}

impl Delivery {
    /// A delivery that claims nothing.
    pub fn new(
        id: DeliveryId,
        trigger: impl Into<String>,
        booking: Option<BookingUid>,
        received_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            trigger: trigger.into(),
            booking,
            claim: DeliveryClaim::default(),
            received_at,
        }
    }

    /// Adds what it claims.
    #[must_use]
    pub fn with_claim(mut self, claim: DeliveryClaim) -> Self {
        self.claim = claim;
        self
    }
}

/// What storing a delivery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// It is stored, and waits to be worked on.
    Stored,
    /// It is stored, and nobody has to work on it.
    Ignored,
    /// The very same bytes wait already, or were ignored when they came and are still kept; nothing was changed.
    Duplicate,
}

/// The inbox.
///
/// # Contract
///
/// - Accepting inserts one row and touches no other, so that it waits for no worker, no lease and no transaction of the host's.
/// - Of deliveries with the same bytes, one waits at most: of two that come at once, one is stored. The same bytes again after
///   the first ones were settled are stored again, as one more reason to look. Bytes that were
///   [ignored](NewDelivery::ignored) are stored once: as long as they are kept, the same bytes are a
///   [`Duplicate`](Accepted::Duplicate), whether they are to be ignored again or not.
/// - A delivery without a booking is ignored as [`IgnoredNoBooking`](DeliveryFate::IgnoredNoBooking).
/// - A delivery waits until a [`Settlement`](super::Settlement) names it.
#[async_trait]
pub trait Inbox: fmt::Debug + Send + Sync + 'static {
    /// Stores a delivery.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`ReadOnly`](super::StoreErrorKind::ReadOnly); then nothing
    /// was stored and the sender has to be told to try again.
    async fn accept(&self, delivery: NewDelivery) -> Result<Accepted, StoreError>;

    /// The tenant's deliveries, oldest first, with how they ended; `None` for those that wait.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn deliveries(
        &self,
        tenant: &TenantId,
        page: Page<DeliveryId>,
    ) -> Result<Vec<(Delivery, Option<DeliveryFate>)>, StoreError>;
}
