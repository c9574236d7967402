//! Events of senders that sign as Standard Webhooks does.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use http::HeaderMap;
use serde_json::{Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::sign::{json_headers, sign_standard_webhook};

/// Builds an event as Standard Webhooks recommends it: `type`, `timestamp` and `data`. Needs feature
/// `standard-webhooks`. `Debug` does not show the data.
///
/// ```
/// use calcom::testing::StandardWebhookBody;
/// use calcom::webhook::{StandardWebhooksVerifier, Verifier};
///
/// let now = "2026-12-01T08:00:00Z".parse()?;
/// let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// let (headers, body) = StandardWebhookBody::new("msg_1", "user.created").signed(secret, now);
/// let verified = StandardWebhooksVerifier::new("clerk", [secret.into()])?.verify(&headers, &body, now)?;
/// assert_eq!(verified.event_id, "msg_1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct StandardWebhookBody {
    id: String,
    event: String,
    happened_at: DateTime<Utc>,
    data: Value,
}

impl StandardWebhookBody {
    /// An event by its id, which is sent in a header, and its type.
    pub fn new(id: impl Into<String>, event: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            event: event.into(),
            // 2026-12-01T08:00:00Z.
            happened_at: DateTime::from_timestamp(1_796_112_000, 0).unwrap_or_default(),
            data: json!({"id": "obj_1"}),
        }
    }

    /// Sets what happened.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }

    /// Sets when it happened, which is the same however often it is sent.
    #[must_use]
    pub fn with_happened_at(mut self, at: DateTime<Utc>) -> Self {
        self.happened_at = at;
        self
    }

    /// The body as JSON, for further changes.
    pub fn to_json(&self) -> Value {
        json!({
            "type": self.event,
            "timestamp": self.happened_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "data": self.data,
        })
    }

    /// The body's bytes as sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// The headers and the bytes of a delivery, signed with a secret at `at`.
    ///
    /// # Panics
    ///
    /// If the secret is not base64, with or without `whsec_`, or the id cannot stand in a header.
    pub fn signed(&self, secret: &str, at: DateTime<Utc>) -> (HeaderMap, Vec<u8>) {
        self.signed_with_each(&[secret], at)
    }

    /// The same with a signature for each of several secrets, as while one is rotated.
    ///
    /// # Panics
    ///
    /// If a secret is not base64, with or without `whsec_`, or the id cannot stand in a header.
    pub fn signed_with_each(&self, secrets: &[&str], at: DateTime<Utc>) -> (HeaderMap, Vec<u8>) {
        let body = self.to_bytes();
        let signatures: Vec<String> = secrets
            .iter()
            .map(|secret| sign_standard_webhook(secret, &self.id, &body, at))
            .collect();
        let headers = json_headers([
            (HEADER_WEBHOOK_ID, self.id.clone()),
            (HEADER_WEBHOOK_TIMESTAMP, at.timestamp().to_string()),
            (HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")),
        ]);
        (headers, body)
    }
}

impl fmt::Debug for StandardWebhookBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandardWebhookBody")
            .field("id", &self.id)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}
