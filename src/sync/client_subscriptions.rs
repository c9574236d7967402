//! Implements the `Subscriptions` port with the client.

use async_trait::async_trait;

use super::calendar::CalendarError;
use super::subscription::Subscriptions;
use crate::client::Client;
use crate::model::{NewWebhook, WebhookId, WebhookQuery, WebhookSubscription, WebhookUpdate};

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
}
