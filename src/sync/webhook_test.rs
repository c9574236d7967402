//! A test of the way that webhooks take: from outside, through the subscription's URL, to the door.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::engine::Engine;
use super::subscription::SubscriptionError;
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
    /// The code that this crate's [server](crate::server) puts into its answers, such as `ignored`;
    /// `None` if something else answered.
    pub code: Option<String>,
}

impl WebhookTest {
    /// Whether the test arrived at the door and was verified there: it was accepted with one of the
    /// codes of this crate's server, or, with another receiver, with a success.
    pub fn has_arrived(&self) -> bool {
        self.status.is_success()
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

/// What is read of the answer.
#[derive(Deserialize)]
struct Answer {
    code: String,
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
        let posted = subscriptions.post_test(&url, headers, body);
        let (status, answer) = self.calendar_call(posted).await?;
        let answer: Option<Answer> = serde_json::from_slice(&answer).ok();
        let code = answer.map(|answer| answer.code);
        Ok(WebhookTest { url, status, code })
    }
}
