//! Cal.com's door: a webhook is verified, stored and acknowledged. Nothing else happens before the answer.

use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};

use super::SYNC_KEY_METADATA;
use super::engine::{Engine, SyncEngine};
use crate::model::Trigger;
use crate::store::{Accepted, DeliveryFate, LinkId, NewDelivery, StoreError, SyncKey, TenantId};
use crate::webhook::{self, VerifyError, WebhookEvent};

/// A delivery that was taken. Answer 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is stored, and the link is due.
    Stored {
        /// The link that is now due.
        link: LinkId,
    },
    /// It is stored, and there is nothing to do about it.
    Ignored,
    /// The very same bytes were stored before.
    Duplicate,
}

/// Why a delivery is not acknowledged; [`status`](Self::status) is what to answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    UnknownTenant,
    /// The sender is not Cal.com, or the secret is not the one configured.
    #[error("the delivery is not verified")]
    Unverified(#[source] VerifyError),
    /// The body is larger than allowed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The delivery could not be stored: trouble of our own.
    #[error("the delivery could not be stored")]
    Store(#[source] StoreError),
}

impl ReceiveError {
    /// What to answer. Never 410, which switches the subscription off; 5xx only for trouble of our own, because the hosted
    /// service sends those again and takes any other 4xx for final.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownTenant | Self::Unverified(_) => StatusCode::UNAUTHORIZED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
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
        let limit = self.config.max_webhook_bytes;
        if body.len() > limit {
            return Err(ReceiveError::TooLarge { limit });
        }
        let known = self.tenants.tenant(tenant).await;
        let known = known
            .map_err(ReceiveError::Store)?
            .ok_or(ReceiveError::UnknownTenant)?;
        webhook::verify(&known.webhook_secrets, headers, body).map_err(ReceiveError::Unverified)?;

        let event = WebhookEvent::parse(body);
        let delivery = NewDelivery {
            tenant: tenant.clone(),
            fingerprint: Sha256::digest(body).into(),
            received_at: self.clock.now(),
            trigger: event
                .trigger()
                .map(|trigger| trigger.as_str().to_owned())
                .unwrap_or_default(),
            booking: event.booking_uid().cloned(),
            rescheduled_from: match &event {
                WebhookEvent::Booking(booking) => booking.reschedule_uid.clone(),
                _ => None,
            },
            sync_key: sync_key_of(&event),
            body: webhook::without_one_time_passwords(body),
            ignored: ignored(&event),
        };
        let accepted = self.store.accept(delivery).await;
        Ok(match accepted.map_err(ReceiveError::Store)? {
            Accepted::Duplicate => Receipt::Duplicate,
            Accepted::Stored { link: None } => Receipt::Ignored,
            Accepted::Stored { link: Some(link) } => {
                self.nudge();
                Receipt::Stored { link }
            }
        })
    }
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

/// Why a delivery is stored and not worked on, if so.
fn ignored(event: &WebhookEvent) -> Option<DeliveryFate> {
    match event {
        WebhookEvent::Booking(_) | WebhookEvent::NoShow(_) => None,
        WebhookEvent::Template(_) => Some(DeliveryFate::IgnoredTemplate),
        WebhookEvent::Other(other) => Some(match &other.trigger {
            Trigger::Other(_) => DeliveryFate::IgnoredUnknownTrigger,
            trigger if trigger.as_str().starts_with("BOOKING_") => DeliveryFate::IgnoredNoBooking,
            _ => DeliveryFate::IgnoredTrigger,
        }),
    }
}
