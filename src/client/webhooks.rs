//! The `/webhooks`, `/event-types/{id}/webhooks` and `/teams/{id}/event-types/{id}/webhooks`
//! endpoints.
//!
//! These endpoints are not versioned.

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use crate::model::{
    EventTypeId, NewWebhook, TeamId, WebhookId, WebhookQuery, WebhookSubscription, WebhookUpdate,
};

/// What the subscriptions belong to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    User,
    EventType(EventTypeId),
    TeamEventType(TeamId, EventTypeId),
}

impl Scope {
    /// The path of the collection, followed by `rest`.
    pub(super) fn path(self, rest: Option<&str>) -> Vec<String> {
        let mut path = match self {
            Self::User => Vec::new(),
            Self::EventType(id) => vec!["event-types".to_owned(), id.to_string()],
            Self::TeamEventType(team, id) => vec![
                "teams".to_owned(),
                team.to_string(),
                "event-types".to_owned(),
                id.to_string(),
            ],
        };
        path.push("webhooks".to_owned());
        path.extend(rest.map(str::to_owned));
        path
    }
}

/// The webhook subscriptions of the user, of an event type, or of a team's event type.
///
/// Obtained from [`Client::webhooks`], [`EventTypes::webhooks`](super::EventTypes::webhooks) or
/// [`TeamEventTypes::webhooks`](super::TeamEventTypes::webhooks).
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::NewWebhook;
///
/// let webhook = NewWebhook::new(
///     "https://example.org/calcom",
///     NewWebhook::booking_triggers(),
///     "whsec_of_your_own",
/// );
/// let created = client.webhooks().create(&webhook).await?;
/// println!("{}", created.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Webhooks<'a> {
    client: &'a Client,
    scope: Scope,
}

impl<'a> Webhooks<'a> {
    pub(super) fn new(client: &'a Client, scope: Scope) -> Self {
        Self { client, scope }
    }

    /// Creates a webhook subscription.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) if there already is a subscription for this URL,
    /// [`Invalid`](super::ErrorKind::Invalid) if the server does not know one of the triggers.
    pub async fn create(&self, webhook: &NewWebhook) -> Result<WebhookSubscription, Error> {
        let request = self.client.post("webhooks.create", &self.scope.path(None));
        self.client.data(request.json(webhook)?).await
    }

    /// Lists webhook subscriptions, one page at a time.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self, query: &WebhookQuery) -> Result<Page<WebhookSubscription>, Error> {
        let request = self.client.get("webhooks.list", &self.scope.path(None));
        self.client.page(request.query(query.to_pairs())).await
    }

    /// Streams all subscriptions, starting at `query.skip`, in pages of `query.take` (250 by
    /// default).
    pub fn list_all(&self, query: WebhookQuery) -> ItemStream<WebhookSubscription> {
        let (client, scope) = (self.client.clone(), self.scope);
        walk("webhooks.list", query, move |query| {
            let client = client.clone();
            async move { Webhooks::new(&client, scope).list(&query).await }
        })
    }

    /// Retrieves a subscription by id.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) if the
    /// subscription belongs to another user.
    pub async fn get(&self, id: &WebhookId) -> Result<WebhookSubscription, Error> {
        let path = self.scope.path(Some(id.as_str()));
        self.client
            .data(self.client.get("webhooks.get", &path))
            .await
    }

    /// Updates a subscription.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get), and [`Invalid`](super::ErrorKind::Invalid) if the server does
    /// not know one of the triggers.
    pub async fn update(
        &self,
        id: &WebhookId,
        update: &WebhookUpdate,
    ) -> Result<WebhookSubscription, Error> {
        let path = self.scope.path(Some(id.as_str()));
        let request = self.client.patch("webhooks.update", &path);
        self.client.data(request.json(update)?).await
    }

    /// Deletes a subscription.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) if the
    /// subscription belongs to another user.
    pub async fn delete(&self, id: &WebhookId) -> Result<(), Error> {
        let path = self.scope.path(Some(id.as_str()));
        let request = self.client.delete("webhooks.delete", &path);
        self.client.acknowledged(request).await
    }
}
