//! Receiving webhooks: a delivery is verified, stored and acknowledged. Nothing else happens before
//! the answer.

use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::SYNC_KEY_METADATA;
use super::engine::Engine;
use super::seats::fingerprint_of;
use super::sync_engine::SyncEngine;
use crate::metrics;
use crate::model::{Trigger, clean_line};
use crate::store::{
    Accepted, AppointmentStatus, DeliveryClaim, DeliveryFate, NewDelivery, StoreError, SyncKey,
    TenantId,
};
use crate::webhook::{self, BookingEvent, VerifyError, WebhookEvent};

/// An accepted delivery. Answer 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receipt {
    /// Stored, and waiting for a worker.
    Stored,
    /// Stored; nothing to process.
    Ignored,
    /// The same bytes are already waiting.
    Duplicate,
}

impl Receipt {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Ignored => "ignored",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Why a delivery is not acknowledged; respond with [`status`](Self::status).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The tenant does not exist.
    #[error("there is no such tenant")]
    UnknownTenant,
    /// The tenant has not named the sender.
    #[error("the tenant does not know the sender")]
    UnknownSender,
    /// The sender is not Cal.com, or who it says it is; or the configured secret is wrong, or none is configured.
    #[error("the delivery is not verified")]
    Unverified(#[source] VerifyError),
    /// The body is too large.
    #[error("the body is larger than {limit} bytes")]
    #[non_exhaustive]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The delivery could not be stored; a fault on our side.
    #[error("the delivery could not be stored")]
    Store(#[source] StoreError),
}

impl ReceiveError {
    fn word(&self) -> &'static str {
        match self {
            Self::UnknownTenant => "unknown_tenant",
            Self::UnknownSender => "unknown_sender",
            Self::Unverified(VerifyError::NoSecretHere) | Self::Store(_) => "unavailable",
            Self::Unverified(VerifyError::NoEvent) => "no_event",
            Self::Unverified(_) => "unverified",
            Self::TooLarge { .. } => "too_large",
        }
    }

    /// What to answer. Never 410, which switches the subscription off; 5xx only for trouble of our
    /// own, because the hosted service sends those again and takes any other 4xx for final.
    pub fn status(&self) -> StatusCode {
        match self {
            // A secret that is missing here can be set before the delivery comes again.
            Self::Unverified(VerifyError::NoSecretHere) | Self::Store(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            // Correctly signed, but the body names no event: sending it again does not help.
            Self::Unverified(VerifyError::NoEvent) => StatusCode::BAD_REQUEST,
            Self::UnknownTenant | Self::UnknownSender | Self::Unverified(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

impl Engine {
    pub(super) async fn receive_delivery(
        &self,
        tenant: &TenantId,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Receipt, ReceiveError> {
        let received = self.take_in(tenant, headers, body).await;
        metrics::webhook(match &received {
            Ok(receipt) => receipt.as_str(),
            Err(error) => error.word(),
        });
        received
    }

    async fn take_in(
        &self,
        tenant: &TenantId,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Receipt, ReceiveError> {
        let limit = self.config.max_webhook_bytes;
        if body.len() > limit {
            return Err(ReceiveError::TooLarge { limit });
        }
        let known = self.host_call(self.tenants.tenant(tenant)).await;
        let Some(known) = known.map_err(ReceiveError::Store)? else {
            // It takes as long as for a tenant that exists, or time would tell which ones do.
            let nobodys = [SecretString::from("nobody's")];
            let _ = std::hint::black_box(webhook::verify(&nobodys, headers, body));
            return Err(ReceiveError::UnknownTenant);
        };
        let event = webhook::receive(&known.webhook_secrets, headers, body)
            .map_err(ReceiveError::Unverified)?;
        let trigger = event.trigger().map(Trigger::as_str).unwrap_or_default();
        let fingerprint: [u8; 32] = Sha256::digest(body).into();
        let mut delivery = NewDelivery::new(tenant.clone(), fingerprint, clean_line(trigger));
        delivery.ignored = ignored(&event);
        // What is ignored names no booking to look at.
        delivery.booking = event
            .booking_uid()
            .filter(|uid| delivery.ignored.is_none() && is_name(uid.as_str()))
            .cloned();
        delivery.sync_key = sync_key_of(&event).filter(|key| is_name(key.as_str()));
        if let WebhookEvent::Booking(booking) = &event {
            let from = booking.reschedule_uid.clone();
            let from = from.filter(|uid| is_name(uid.as_str()));
            delivery.claim = claim_of(booking);
            let seat = booking.attendee_seat_id.as_ref();
            match (
                seat.filter(|seat| is_name(seat.as_str())),
                delivery.booking.take(),
            ) {
                // The seat was moved, and not the booking that it was in.
                (Some(seat), Some(uid)) => {
                    delivery.booking =
                        Some(uid.with_seat(seat)).filter(|uid| is_name(uid.as_str()));
                    delivery.claim.moved_from = from;
                }
                (_, uid) => {
                    delivery.booking = uid;
                    delivery.rescheduled_from = from;
                }
            }
        }
        delivery.body = webhook::without_one_time_passwords(body).replace('\0', "\u{fffd}");
        let accepted = self.store_call(self.store.accept(delivery)).await;
        let accepted = accepted.map_err(ReceiveError::Store)?;
        // By the fingerprint, the row is found whose id the turn names that works on it.
        tracing::debug!(
            %tenant,
            fingerprint = %hex::encode(fingerprint),
            ?accepted,
            "a webhook was taken in"
        );
        Ok(match accepted {
            Accepted::Duplicate => Receipt::Duplicate,
            Accepted::Ignored => Receipt::Ignored,
            Accepted::Stored => {
                self.nudge();
                Receipt::Stored
            }
        })
    }
}

/// Maximum length of an identifier from Cal.com; the recorded ones have 22 and 36 characters.
const MAX_NAME: usize = 255;

/// Whether a string from the body can be an identifier. One that no database could index or store
/// names no booking; refusing the delivery instead would have it sent again forever.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.contains('\0')
}

/// What a delivery claims, judged by its trigger: the status in a reschedule's body is unreliable,
/// and live bookings can carry a cancellation reason.
fn claim_of(event: &BookingEvent) -> DeliveryClaim {
    let status = match event.trigger {
        Trigger::BookingCreated | Trigger::BookingRescheduled => AppointmentStatus::Confirmed,
        Trigger::BookingRequested => AppointmentStatus::Pending,
        Trigger::BookingCancelled => AppointmentStatus::Cancelled,
        Trigger::BookingRejected => AppointmentStatus::Declined,
        _ => return DeliveryClaim::default(),
    };
    let mut claim = DeliveryClaim::new(status, event.start_time, event.end_time);
    // A cancelled seat is told with its attendee only, and mostly without the seat.
    let is_seated = event.seats_per_time_slot.is_some() && event.attendee_seat_id.is_none();
    if is_seated && !status.is_live() {
        let attendees = event.attendees.iter().flatten();
        let emails = attendees.filter_map(|attendee| attendee.email.as_deref());
        claim.seats = emails
            .map(|email| fingerprint_of(&event.uid, email))
            .collect();
    }
    claim
}

fn sync_key_of(event: &WebhookEvent) -> Option<SyncKey> {
    let WebhookEvent::Booking(booking) = event else {
        return None;
    };
    let key = booking
        .metadata
        .as_ref()?
        .get(SYNC_KEY_METADATA)?
        .as_str()?;
    Some(SyncKey::new(key))
}

/// Why a delivery is stored but not processed, if so.
fn ignored(event: &WebhookEvent) -> Option<DeliveryFate> {
    match event {
        WebhookEvent::Booking(_) | WebhookEvent::NoShow(_) => None,
        WebhookEvent::Template(_) => Some(DeliveryFate::IgnoredTemplate),
        WebhookEvent::Other(other) => Some(match &other.trigger {
            Trigger::Other(_) => DeliveryFate::IgnoredUnknownTrigger,
            trigger if trigger.as_str().starts_with("BOOKING_") => DeliveryFate::IgnoredNoBooking,
            _ => DeliveryFate::IgnoredTrigger,
        }),
        // Meetings, recordings, forms and the rest: about no booking's state.
        _ => Some(DeliveryFate::IgnoredTrigger),
    }
}
