//! A test of the way that webhooks take: from outside, through the subscription's URL, to the door.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::engine::Engine;
use super::subscription::SubscriptionError;
use crate::model::clean_line;
use crate::store::TenantId;
use crate::webhook::{SIGNATURE_HEADER, sign};

/// What answered to a test of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookTest {
    /// The URL of the subscription.
    pub url: String,
    /// The status of the answer.
    pub status: StatusCode,
    /// The code that this crate's server puts into its answers, such as `ignored`; `None` if something
    /// else answered.
    pub code: Option<String>,
}

impl WebhookTest {
    /// Whether the test arrived and was verified: this crate's server has answered that it has stored
    /// these bytes. A success alone proves nothing, because any web page answers so; for a receiver of
    /// the host's own that answers in another format, look whether the delivery is
    /// [stored](crate::store::Inbox::deliveries).
    pub fn has_arrived(&self) -> bool {
        self.status.is_success() && self.code.is_some()
    }

    /// What the test says, and what to do about it.
    pub fn advice(&self) -> &'static str {
        match self.status.as_u16() {
            200..=299 if self.code.is_some() => {
                "The test came back through the webhook's address and was verified."
            }
            200..=299 => {
                "Something answered at the webhook's address, and it is not this crate's server: check that the address leads here."
            }
            401 | 403 => {
                "The webhook's address refused the signature: check that it leads to this tenant, and that the secret is the same there."
            }
            404 | 405 => {
                "Nothing takes webhooks at this address: check the path and the proxy in front of it."
            }
            413 => {
                "The address refused the size of the test: check the limits of the proxy in front of it."
            }
            429 => "The address takes no more requests for now: send the test again in a minute.",
            500..=599 => {
                "The address leads to a server that failed, or to a proxy that cannot reach one: check that the receiver runs."
            }
            _ => {
                "The address answered in a way that no webhook receiver does: check where it leads."
            }
        }
    }
}

/// What is read of an answer of this crate's server.
#[derive(Deserialize)]
struct Answer {
    code: String,
    /// The SHA-256 of the body that it has received whole.
    delivery: Option<String>,
    correlation_id: String,
}

impl Answer {
    /// The code, if this crate's server may have answered so to this body: whoever accepts it has
    /// received it whole.
    fn code_for(self, status: StatusCode, body: &[u8]) -> Option<String> {
        let is_whole = match self.delivery {
            Some(delivery) => delivery == hex::encode(Sha256::digest(body)),
            None => !status.is_success(),
        };
        let is_ours = is_whole && !self.correlation_id.is_empty();
        is_ours.then(|| clean_line(&self.code).into_owned())
    }
}

impl Engine {
    pub(super) async fn test_webhook_of(
        &self,
        id: &TenantId,
    ) -> Result<WebhookTest, SubscriptionError> {
        let tenant = self.host_call(self.tenants.tenant(id)).await;
        let tenant = tenant.map_err(SubscriptionError::Directory)?;
        let tenant = tenant.ok_or(SubscriptionError::UnknownTenant)?;
        let (subscriptions, url) = tenant
            .subscription
            .clone()
            .ok_or(SubscriptionError::NotNamed)?;
        let secret = tenant
            .webhook_secrets
            .first()
            .ok_or(SubscriptionError::NoSecret)?;
        // Two tests are two deliveries: the same bytes would be a duplicate.
        let body = serde_json::json!({
            "triggerEvent": "PING",
            "createdAt": self.clock.now().to_rfc3339(),
            "payload": { "type": "Test", "title": "Test trigger event", "test": self.entropy.next_u64().to_string() },
        });
        let body = body.to_string().into_bytes();
        let mut headers = HeaderMap::new();
        let signature = HeaderValue::from_str(&sign(secret.expose_secret(), &body));
        if let Ok(signature) = signature {
            headers.insert(HeaderName::from_static(SIGNATURE_HEADER), signature);
        }
        let json = HeaderValue::from_static("application/json");
        headers.insert(http::header::CONTENT_TYPE, json);
        let posted = subscriptions.post_test(&url, headers, body.clone());
        let (status, answer) = self.calendar_call(posted).await?;
        let answer: Option<Answer> = serde_json::from_slice(&answer).ok();
        let code = answer.and_then(|answer| answer.code_for(status, &body));
        Ok(WebhookTest { url, status, code })
    }
}
