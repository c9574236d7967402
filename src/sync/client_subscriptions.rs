//! Implements the `Subscriptions` port with the client.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};

use super::calendar::{CalendarError, CalendarErrorKind};
use super::subscription::Subscriptions;
use crate::client::{Client, HttpService as _, transport};
use crate::model::{NewWebhook, WebhookId, WebhookQuery, WebhookSubscription, WebhookUpdate};

/// How long the receiver of a test may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer to a test that is read.
const MAX_TEST_ANSWER: usize = 64 * 1024;

#[async_trait]
impl Subscriptions for Client {
    async fn subscriptions(&self) -> Result<Vec<WebhookSubscription>, CalendarError> {
        let all = self.webhooks().list_all(WebhookQuery::default());
        Ok(all.try_collect().await?)
    }

    async fn subscribe(&self, new: &NewWebhook) -> Result<WebhookSubscription, CalendarError> {
        Ok(self.webhooks().create(new).await?)
    }

    async fn update_subscription(
        &self,
        id: &WebhookId,
        update: &WebhookUpdate,
    ) -> Result<WebhookSubscription, CalendarError> {
        Ok(self.webhooks().update(id, update).await?)
    }

    async fn post_test(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), CalendarError> {
        let unavailable =
            |message: String| CalendarError::new(CalendarErrorKind::Unavailable, message);
        // The receiver is the host's own, and gets nothing of what is Cal.com's.
        let http = transport("webhook test", TEST_TIMEOUT)?;
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse().map_err(|_| {
            let message = "the subscription's URL is no URL";
            CalendarError::new(CalendarErrorKind::Rejected, message)
        })?;
        *request.headers_mut() = headers;
        let sent = http.send(request, MAX_TEST_ANSWER);
        match tokio::time::timeout(TEST_TIMEOUT, sent).await {
            Ok(Ok(response)) => Ok((response.status(), response.into_body())),
            Ok(Err(error)) if error.is_too_large() => Err(CalendarError::new(
                CalendarErrorKind::Rejected,
                "what answered at the subscription's URL receives no webhooks: its answer is too large",
            )),
            Ok(Err(error)) => {
                let message = "nothing answered at the subscription's URL".to_owned();
                Err(unavailable(message).with_source(error))
            }
            Err(_) => Err(unavailable(format!(
                "nothing answered at the subscription's URL within {TEST_TIMEOUT:?}"
            ))),
        }
    }
}
