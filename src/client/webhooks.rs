//! `/webhooks`, `/event-types/{id}/webhooks` and `/teams/{id}/event-types/{id}/webhooks`. These endpoints have no version.

use futures_util::TryStreamExt;
use futures_util::stream;

use super::Client;
use super::error::Error;
use crate::model::{
    EventTypeId, NewWebhook, TeamId, WebhookId, WebhookSubscription, WebhookUpdate,
};

/// How many subscriptions are asked for at a time, the most that the server gives out.
const PAGE: usize = 250;

/// After this many, the server is assumed to ignore `skip`.
const MOST: usize = 100 * PAGE;

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
///     "whsec_of_your_own".into(),
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
            let path = handle.scope.path(None);
            let request = handle.client.get("webhooks.list", &path);
            let page: Vec<WebhookSubscription> = handle.client.data(request.query(query)).await?;
            let next = (page.len() == PAGE && skip < MOST).then_some(skip + PAGE);
            Ok(Some((page, next)))
        });
        pages.try_concat().await
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
    /// [`NotFound`](super::ErrorKind::NotFound), also if an attempt before the one that was answered has ended it.
    pub async fn delete(&self, id: &WebhookId) -> Result<(), Error> {
        let path = self.scope.path(Some(id.as_str()));
        let request = self.client.delete("webhooks.delete", &path);
        self.client.acknowledged(request).await
    }
}
