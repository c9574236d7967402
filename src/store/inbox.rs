//! The inbox: verified webhooks, from before they are acknowledged until they have been applied.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::appointment::AppointmentStatus;
use super::error::StoreError;
use super::link::SyncKey;
use super::notice::NoticeSource;
use super::page::Page;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::{BookingUid, InstantFormat, open_enum};

number_id! {
    /// Identifies one delivery in the inbox.
    DeliveryId
}

open_enum! {
    /// How a delivery ended. Every delivery gets a fate.
    DeliveryFate {
        /// Applied to the appointment.
        Applied = "applied",
        /// Both sides already agreed: an echo of our own write, a duplicate, or a late delivery.
        Agreed = "agreed",
        /// Its claim could not be confirmed at Cal.com after repeated reads.
        Contradicted = "contradicted",
        /// The other side's change took precedence.
        Overruled = "overruled",
        /// Needs manual review.
        InReview = "in_review",
        /// Ignored: the trigger does not concern a booking's state.
        IgnoredTrigger = "ignored_trigger",
        /// Ignored: an unknown trigger.
        IgnoredUnknownTrigger = "ignored_unknown_trigger",
        /// Ignored: the body was made by a payload template.
        IgnoredTemplate = "ignored_template",
        /// Ignored: the body names no booking.
        IgnoredNoBooking = "ignored_no_booking",
        /// Ignored: the booking had ended before the host knew of it.
        IgnoredEnded = "ignored_ended",
        /// Ignored: the booking's event type is not synced for this tenant.
        IgnoredNotSynced = "ignored_not_synced",
        /// Refused: the booking belongs to another tenant. Reported in the review queue.
        RefusedForeign = "refused_foreign",
    }
}

impl DeliveryFate {
    /// Whether the delivery was ignored, for whatever reason.
    pub fn is_ignored(&self) -> bool {
        self.as_str().starts_with("ignored_")
    }
}

/// What a delivery claims about its booking. A read that contradicts it is not conclusive yet: a
/// self-hosted server announces a cancellation before carrying it out.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryClaim {
    /// The claimed status; `None` if the delivery only says *look here*.
    #[serde(default)]
    pub status: Option<AppointmentStatus>,
    /// The claimed start.
    #[serde_as(as = "Option<InstantFormat>")]
    #[serde(default)]
    pub start: Option<DateTime<Utc>>,
    /// The claimed end.
    #[serde_as(as = "Option<InstantFormat>")]
    #[serde(default)]
    pub end: Option<DateTime<Utc>>,
    /// Fingerprints of the attendees whose seats are claimed to be given up; empty if the claim is
    /// about the whole booking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<String>,
    /// The booking that a seat is claimed to have left for this one.
    #[serde(default)]
    pub moved_from: Option<BookingUid>,
}

impl DeliveryClaim {
    /// A claim with these values.
    pub fn new(
        status: AppointmentStatus,
        start: Option<DateTime<Utc>>,
        end: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            status: Some(status),
            start,
            end,
            ..Self::default()
        }
    }
}

/// A verified webhook to be stored, or what a sweep found in its place.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewDelivery {
    /// The tenant that received it.
    pub tenant: TenantId,
    /// Who told of it: a webhook, unless a sweep found it.
    pub source: NoticeSource,
    /// The SHA-256 of the raw bytes, by which duplicates are recognized.
    pub fingerprint: [u8; 32],
    /// The trigger's name, or an empty string.
    pub trigger: String,
    /// The booking it concerns.
    pub booking: Option<BookingUid>,
    /// The booking that this one replaced, if the body names it.
    pub rescheduled_from: Option<BookingUid>,
    /// The sync key in the body's metadata, if there is one.
    pub sync_key: Option<SyncKey>,
    /// Its claim.
    pub claim: DeliveryClaim,
    /// The body, without one-time passwords. Personal data: adapters must not log it.
    pub body: String,
    /// Set, with the reason, if the delivery will not be processed.
    pub ignored: Option<DeliveryFate>,
}

impl NewDelivery {
    /// How it ends at once, if it does: without a booking there is no link to look for.
    pub(crate) fn fate_at_door(&self) -> Option<DeliveryFate> {
        let no_booking = || {
            let has_none = self.booking.is_none();
            has_none.then_some(DeliveryFate::IgnoredNoBooking)
        };
        self.ignored.clone().or_else(no_booking)
    }

    /// A delivery that names no booking and claims nothing.
    pub fn new(tenant: TenantId, fingerprint: [u8; 32], trigger: impl Into<String>) -> Self {
        Self {
            tenant,
            source: NoticeSource::Webhook,
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
            .field("source", &self.source)
            .field("trigger", &self.trigger)
            .field("booking", &self.booking)
            .field("ignored", &self.ignored)
            .finish_non_exhaustive()
    }
}

/// A delivery waiting to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The row id.
    pub id: DeliveryId,
    /// Who told of it.
    pub source: NoticeSource,
    /// The trigger's name.
    pub trigger: String,
    /// The booking it concerns.
    pub booking: Option<BookingUid>,
    /// Its claim.
    pub claim: DeliveryClaim,
    /// When it was received, by the store's clock.
    pub received_at: DateTime<Utc>,
}

impl Delivery {
    /// A webhook that claims nothing.
    pub fn new(
        id: DeliveryId,
        trigger: impl Into<String>,
        booking: Option<BookingUid>,
        received_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            source: NoticeSource::Webhook,
            trigger: trigger.into(),
            booking,
            claim: DeliveryClaim::default(),
            received_at,
        }
    }

    /// Sets its claim.
    #[must_use]
    pub fn with_claim(mut self, claim: DeliveryClaim) -> Self {
        self.claim = claim;
        self
    }

    /// Sets who told of it.
    #[must_use]
    pub fn with_source(mut self, source: NoticeSource) -> Self {
        self.source = source;
        self
    }
}

/// What became of a tenant's webhooks within a span of time, and of what no webhook told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookHealth {
    /// How many webhooks were received.
    pub received: u64,
    /// How many of them were ignored, for whatever reason.
    pub ignored: u64,
    /// How many of them claimed what Cal.com never showed.
    pub contradicted: u64,
    /// How many changes were applied that a sweep found and no webhook told of. In health it is
    /// zero.
    pub found_by_sweep: u64,
    /// How long ago the last webhook was received, within the span or before; `None` if none is
    /// kept.
    pub last_received_ago: Option<Duration>,
}

impl WebhookHealth {
    /// Counts deliveries from one source that ended alike; for stores.
    pub fn count(&mut self, source: &NoticeSource, fate: Option<&DeliveryFate>, deliveries: u64) {
        match source {
            NoticeSource::Webhook => {
                self.received += deliveries;
                if fate.is_some_and(DeliveryFate::is_ignored) {
                    self.ignored += deliveries;
                }
                if fate == Some(&DeliveryFate::Contradicted) {
                    self.contradicted += deliveries;
                }
            }
            NoticeSource::Sweep if fate == Some(&DeliveryFate::Applied) => {
                self.found_by_sweep += deliveries;
            }
            _ => {}
        }
    }
}

/// The result of storing a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// Stored, and waiting to be processed.
    Stored,
    /// Stored; nothing to process.
    Ignored,
    /// The same bytes are already waiting, or were ignored earlier and are still kept; nothing was
    /// changed.
    Duplicate,
}

impl Accepted {
    /// What became of a delivery, by whether its bytes were new and how it ended at once.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn of(is_new: bool, fate: Option<&DeliveryFate>) -> Self {
        match (is_new, fate) {
            (false, _) => Self::Duplicate,
            (true, None) => Self::Stored,
            (true, Some(_)) => Self::Ignored,
        }
    }
}

/// The inbox.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{Accepted, Inbox, InMemoryStore, NewDelivery, TenantId};
///
/// let store = InMemoryStore::new();
/// let fingerprint = [7; 32]; // the SHA-256 of the body
/// let mut delivery = NewDelivery::new(TenantId::new("salon"), fingerprint, "BOOKING_CREATED");
/// delivery.booking = Some("hRocbBzoTr66HPURF7JjjJ".into());
/// assert_eq!(store.accept(delivery.clone()).await?, Accepted::Stored);
/// assert_eq!(store.accept(delivery).await?, Accepted::Duplicate);
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Accepting inserts one row and touches no other, so it never waits for a worker, a lease or a
///   transaction of the host's.
/// - At most one delivery with the same bytes waits: of two arriving at once, one is stored. Once
///   it is settled, the same bytes are stored again, as another reason to look.
///   [Ignored](NewDelivery::ignored) bytes are stored once: while they are kept, the same bytes are
///   a [`Duplicate`](Accepted::Duplicate), whether they would be ignored again or not.
/// - A delivery without a booking is ignored as
///   [`IgnoredNoBooking`](DeliveryFate::IgnoredNoBooking).
/// - A delivery waits until a [`Settlement`](super::Settlement) names it.
#[async_trait]
pub trait Inbox: fmt::Debug + Send + Sync + 'static {
    /// Stores a delivery.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly); then nothing was stored, and the sender must
    /// be asked to retry.
    async fn accept(&self, delivery: NewDelivery) -> Result<Accepted, StoreError>;

    /// The tenant's deliveries, oldest first, with their fates; `None` for those that are waiting.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn deliveries(
        &self,
        tenant: &TenantId,
        page: Page<DeliveryId>,
    ) -> Result<Vec<(Delivery, Option<DeliveryFate>)>, StoreError>;

    /// Counts the tenant's deliveries that were received within the last `within`, by source and
    /// fate. What was pruned does not count.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn webhook_health(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WebhookHealth, StoreError>;
}
