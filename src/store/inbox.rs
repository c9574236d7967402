//! The inbox: what webhooks delivered, from before they are acknowledged until they have been applied.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::StoreError;
use super::link::{LinkId, SyncKey};
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, open_enum};

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
        /// The booking belongs to another tenant. Reported in the review queue.
        RefusedForeign = "refused_foreign",
    }
}

/// A verified webhook that is to be stored.
#[derive(Clone)]
pub struct NewDelivery {
    /// Whose webhook.
    pub tenant: TenantId,
    /// The SHA-256 of the bytes as they came: what makes a delivery the same one.
    pub fingerprint: [u8; 32],
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// The trigger's name, or an empty text.
    pub trigger: String,
    /// The booking that it is about.
    pub booking: Option<BookingUid>,
    /// The booking that this one replaced, if the body says so.
    pub rescheduled_from: Option<BookingUid>,
    /// The sync key in the body's metadata, if there is one.
    pub sync_key: Option<SyncKey>,
    /// The body, without one-time passwords. Personal data: adapters must not log it.
    pub body: String,
    /// Set if it is not going to be worked on, with the reason.
    pub ignored: Option<DeliveryFate>,
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
pub struct Delivery {
    /// The row.
    pub id: DeliveryId,
    /// The trigger's name.
    pub trigger: String,
    /// The booking that it is about.
    pub booking: Option<BookingUid>,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// What storing a delivery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored; with the link that is now due, unless it was ignored.
    Stored {
        /// The link, if there is work to do.
        link: Option<LinkId>,
    },
    /// The very same bytes were stored before; nothing was changed.
    Duplicate,
}

/// The inbox.
///
/// # Contract
///
/// - Accepting is one transaction: it stores the delivery under the unique key (tenant, fingerprint), finds the link, makes
///   one if there is none, and marks it as due. Of two that come at once with the same bytes, one is stored.
/// - The link is looked for by the booking's uid, by the uid it was rescheduled from, by the sync key, in this order, among
///   the tenant's links only. The booking's uid is remembered as the link's.
/// - It waits for no lease and no worker.
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
    ) -> Result<Vec<(Delivery, Option<DeliveryFate>)>, StoreError>;
}
