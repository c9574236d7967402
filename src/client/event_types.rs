//! The `/event-types` endpoints.

use super::Client;
use super::error::Error;
use super::private_links::PrivateLinks;
use super::request::ApiRequest;
use super::webhooks::{Scope, Webhooks};
use crate::model::{EventType, EventTypeId, EventTypeQuery, EventTypeUpdate, NewEventType};

/// The event types API.
///
/// Obtained from [`Client::event_types`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{ConfirmationPolicy, EventTypeSettings, Location, NewEventType};
///
/// let settings = EventTypeSettings::default()
///     .with_locations([Location::address("Hauptstr. 1, Berlin")])
///     .with_confirmation_policy(ConfirmationPolicy::always(true));
/// let wanted = NewEventType::new("Intro", "intro-30", 30).with_settings(settings);
/// let created = client.event_types().create(&wanted).await?;
/// println!("{}", created.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EventTypes<'a> {
    client: &'a Client,
}

impl<'a> EventTypes<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    fn versioned(&self, request: ApiRequest) -> ApiRequest {
        request.version(&self.client.versions.event_types)
    }

    /// Creates an event type.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) with the rejected fields, and also if the user
    /// already has an event type with this slug.
    pub async fn create(&self, event_type: &NewEventType) -> Result<EventType, Error> {
        let request = self.client.post("event_types.create", &["event-types"]);
        let request = self.versioned(request).json(event_type)?;
        self.client.data(request).await
    }

    /// Lists event types.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if there is no such user.
    pub async fn list(&self, query: &EventTypeQuery) -> Result<Vec<EventType>, Error> {
        let request = self.client.get("event_types.list", &["event-types"]);
        let request = self.versioned(request).query(query.to_pairs());
        self.client.data(request).await
    }

    /// Retrieves an event type by id.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), also if the event type belongs to another user.
    pub async fn get(&self, id: EventTypeId) -> Result<EventType, Error> {
        let path = ["event-types", &id.to_string()];
        let request = self.client.get("event_types.get", &path);
        self.client.data(self.versioned(request)).await
    }

    /// Updates an event type.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get) and [`create`](Self::create).
    pub async fn update(
        &self,
        id: EventTypeId,
        update: &EventTypeUpdate,
    ) -> Result<EventType, Error> {
        let path = ["event-types", &id.to_string()];
        let request = self.client.patch("event_types.update", &path);
        self.client
            .data(self.versioned(request).json(update)?)
            .await
    }

    /// Deletes an event type.
    ///
    /// Its bookings are kept, without an event type.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) if the
    /// event type belongs to another user.
    pub async fn delete(&self, id: EventTypeId) -> Result<(), Error> {
        let path = ["event-types", &id.to_string()];
        let request = self.client.delete("event_types.delete", &path);
        self.client.acknowledged(self.versioned(request)).await
    }

    /// The webhook subscriptions of an event type.
    pub fn webhooks(&self, id: EventTypeId) -> Webhooks<'a> {
        Webhooks::new(self.client, Scope::EventType(id))
    }

    /// Deletes every webhook subscription of an event type.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) if the
    /// event type belongs to another user.
    pub async fn delete_webhooks(&self, id: EventTypeId) -> Result<(), Error> {
        let path = Scope::EventType(id).path(None);
        let request = self.client.delete("event_types.delete_webhooks", &path);
        self.client.acknowledged(request).await
    }

    /// The private links of an event type.
    pub fn private_links(&self, id: EventTypeId) -> PrivateLinks<'a> {
        PrivateLinks::new(self.client, id)
    }
}
