//! `/webhooks`: the user's subscriptions. These endpoints have no version.

use futures_util::TryStreamExt;
use futures_util::stream;
use http::Method;

use super::Client;
use super::error::Error;
use super::request::ApiRequest;
use crate::model::{NewWebhook, WebhookId, WebhookSubscription};

/// How many subscriptions are asked for at a time, the most that the server gives out.
const PAGE: usize = 250;

/// After so many a server is taken to ignore `skip`.
const MOST: usize = 100 * PAGE;

/// The webhook subscriptions; get one from [`Client::webhooks`].
#[derive(Clone, Copy, Debug)]
pub struct Webhooks<'a> {
    client: &'a Client,
}

impl<'a> Webhooks<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Subscribes.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) if there is a subscription for this address,
    /// [`Invalid`](super::ErrorKind::Invalid) if the server does not know a trigger.
    pub async fn create(&self, webhook: &NewWebhook) -> Result<WebhookSubscription, Error> {
        let request = self.client.post("webhooks.create", &["webhooks"]);
        self.client.data(request.json(webhook)?).await
    }

    /// Lists all subscriptions.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self) -> Result<Vec<WebhookSubscription>, Error> {
        let handle = *self;
        let pages = stream::try_unfold(Some(0), move |skip| async move {
            let Some(skip) = skip else {
                return Ok::<_, Error>(None);
            };
            let query = vec![("take", PAGE.to_string()), ("skip", skip.to_string())];
            let request = handle.client.get("webhooks.list", &["webhooks"]);
            let page: Vec<WebhookSubscription> = handle.client.data(request.query(query)).await?;
            let next = (page.len() == PAGE && skip < MOST).then_some(skip + PAGE);
            Ok(Some((page, next)))
        });
        pages.try_concat().await
    }

    /// Ends a subscription.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), also if an attempt before the one that was answered has ended it.
    pub async fn delete(&self, id: &WebhookId) -> Result<(), Error> {
        let path = ["webhooks", id.as_str()];
        let request = ApiRequest::new("webhooks.delete", Method::DELETE, &path);
        self.client.acknowledged(request).await
    }
}
