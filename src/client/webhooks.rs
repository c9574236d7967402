//! `/webhooks`, `/event-types/{id}/webhooks` and `/teams/{id}/event-types/{id}/webhooks`. These endpoints have no version.

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use crate::model::{
    EventTypeId, NewWebhook, TeamId, WebhookId, WebhookQuery, WebhookSubscription, WebhookUpdate,
};

/// Whose subscriptions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    User,
    EventType(EventTypeId),
    TeamEventType(TeamId, EventTypeId),
}

impl Scope {
    /// The path of the collection, with this after it.
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

/// The webhook subscriptions of the user, of one event type, or of one of a team's event types; get one from
/// [`Client::webhooks`], [`EventTypes::webhooks`](super::EventTypes::webhooks) or
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
/// let made = client.webhooks().create(&webhook).await?;
/// println!("{}", made.id);
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

    /// Subscribes.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::ErrorKind::Conflict) if there is a subscription for this address,
    /// [`Invalid`](super::ErrorKind::Invalid) if the server does not know a trigger.
    pub async fn create(&self, webhook: &NewWebhook) -> Result<WebhookSubscription, Error> {
        let request = self.client.post("webhooks.create", &self.scope.path(None));
        self.client.data(request.json(webhook)?).await
    }

    /// Reads one page of the list.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self, query: &WebhookQuery) -> Result<Page<WebhookSubscription>, Error> {
        let request = self.client.get("webhooks.list", &self.scope.path(None));
        self.client.page(request.query(query.to_pairs())).await
    }

    /// Streams the whole list, from `query.skip` on, in pages of `query.take` subscriptions (250 by
    /// default).
    pub fn list_all(&self, query: WebhookQuery) -> ItemStream<WebhookSubscription> {
        let (client, scope) = (self.client.clone(), self.scope);
        walk("webhooks.list", query, move |query| {
            let client = client.clone();
            async move { Webhooks::new(&client, scope).list(&query).await }
        })
    }

    /// Reads one subscription.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for another user's.
    pub async fn get(&self, id: &WebhookId) -> Result<WebhookSubscription, Error> {
        let path = self.scope.path(Some(id.as_str()));
        self.client
            .data(self.client.get("webhooks.get", &path))
            .await
    }

    /// Changes a subscription.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`Invalid`](super::ErrorKind::Invalid) if the server does not know a trigger.
    pub async fn update(
        &self,
        id: &WebhookId,
        update: &WebhookUpdate,
    ) -> Result<WebhookSubscription, Error> {
        let path = self.scope.path(Some(id.as_str()));
        let request = self.client.patch("webhooks.update", &path);
        self.client.data(request.json(update)?).await
    }

    /// Ends a subscription.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for another user's.
    pub async fn delete(&self, id: &WebhookId) -> Result<(), Error> {
        let path = self.scope.path(Some(id.as_str()));
        let request = self.client.delete("webhooks.delete", &path);
        self.client.acknowledged(request).await
    }
}
