//! Events of Stripe, signed.

use std::fmt;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde_json::{Value, json};

use super::sign::{json_headers, sign_stripe};
use crate::webhook::STRIPE_SIGNATURE_HEADER;

/// Builds an event as Stripe sends it. `Debug` does not show the object that it is about.
///
/// ```
/// use calcom::testing::StripeBody;
/// use calcom::webhook::{StripeVerifier, Verifier};
///
/// let now = "2026-12-01T08:00:00Z".parse()?;
/// let (headers, body) = StripeBody::new("evt_1", "invoice.paid").signed("whsec_test", now);
/// let verified = StripeVerifier::new(["whsec_test".into()]).verify(&headers, &body, now)?;
/// assert_eq!(verified.event, "invoice.paid");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct StripeBody {
    id: String,
    event: String,
    created_at: DateTime<Utc>,
    object: Value,
}

impl StripeBody {
    /// An event by its id and its type, about an object `obj_1`.
    pub fn new(id: impl Into<String>, event: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            event: event.into(),
            // 2026-12-01T08:00:00Z.
            created_at: DateTime::from_timestamp(1_796_112_000, 0).unwrap_or_default(),
            object: json!({"id": "obj_1", "object": "invoice"}),
        }
    }

    /// Sets the object that it is about.
    #[must_use]
    pub fn with_object(mut self, object: Value) -> Self {
        self.object = object;
        self
    }

    /// Sets when it happened, which is the same however often it is sent.
    #[must_use]
    pub fn with_created_at(mut self, at: DateTime<Utc>) -> Self {
        self.created_at = at;
        self
    }

    /// The body as JSON, for further changes.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "event",
            "api_version": "2025-09-30.clover",
            "created": self.created_at.timestamp(),
            "data": {"object": self.object},
            "livemode": false,
            "pending_webhooks": 1,
            "request": {"id": null, "idempotency_key": null},
            "type": self.event,
        })
    }

    /// The body's bytes as sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// The headers and the bytes of a delivery, signed with the endpoint's secret at `at`.
    pub fn signed(&self, secret: &str, at: DateTime<Utc>) -> (HeaderMap, Vec<u8>) {
        self.signed_with_each(&[secret], at)
    }

    /// The same with a signature for each of several secrets, as while one is rotated.
    pub fn signed_with_each(&self, secrets: &[&str], at: DateTime<Utc>) -> (HeaderMap, Vec<u8>) {
        let body = self.to_bytes();
        let signature = sign_stripe(secrets, &body, at);
        let headers = json_headers([(STRIPE_SIGNATURE_HEADER, signature)]);
        (headers, body)
    }
}

impl fmt::Debug for StripeBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeBody")
            .field("id", &self.id)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}
