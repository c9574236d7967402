//! `/event-types`.

use super::Client;
use super::error::Error;
use crate::model::{EventType, EventTypeId};

/// The event types; get one from [`Client::event_types`].
#[derive(Clone, Copy, Debug)]
pub struct EventTypes<'a> {
    client: &'a Client,
}

/// Which event types to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTypeQuery {
    /// Whose. Without it, some servers answer 404 even to the owner of event types.
    pub username: Option<String>,
    /// Only the one with this slug.
    pub event_slug: Option<String>,
}

impl EventTypeQuery {
    /// The event types of one user.
    pub fn of_user(username: impl Into<String>) -> Self {
        Self {
            username: Some(username.into()),
            ..Self::default()
        }
    }

    fn to_pairs(&self) -> Vec<(&'static str, String)> {
        [
            ("username", self.username.clone()),
            ("eventSlug", self.event_slug.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

impl<'a> EventTypes<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Lists event types.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if there is no such user.
    pub async fn list(&self, query: &EventTypeQuery) -> Result<Vec<EventType>, Error> {
        let request = self.client.get("event_types.list", &["event-types"]);
        let request = request
            .version(&self.client.versions.event_types)
            .query(query.to_pairs());
        self.client.data(request).await
    }

    /// Reads one event type.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), also for another user's.
    pub async fn get(&self, id: EventTypeId) -> Result<EventType, Error> {
        let path = ["event-types", &id.to_string()];
        let request = self.client.get("event_types.get", &path);
        let request = request.version(&self.client.versions.event_types);
        self.client.data(request).await
    }
}
