//! The `/teams/{id}/event-types` endpoints.

use super::Client;
use super::error::Error;
use super::request::ApiRequest;
use super::response::OneOrMany;
use super::webhooks::{Scope, Webhooks};
use crate::model::{
    EventType, EventTypeId, NewTeamEventType, TeamEventTypeQuery, TeamEventTypeUpdate, TeamId,
};

/// The event types of a team.
///
/// Obtained from [`Teams::event_types`](super::Teams::event_types).
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{NewEventType, NewTeamEventType, SchedulingType, TeamId, UserId};
///
/// let wanted = NewTeamEventType::new(
///     NewEventType::new("Sales call", "sales-30", 30),
///     SchedulingType::RoundRobin,
///     [UserId::new(1), UserId::new(3)],
/// );
/// let event_types = client.teams().event_types(TeamId::new(7));
/// for created in event_types.create(&wanted).await? {
///     println!("{}", created.id);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TeamEventTypes<'a> {
    client: &'a Client,
    team: TeamId,
}

impl<'a> TeamEventTypes<'a> {
    pub(super) fn new(client: &'a Client, team: TeamId) -> Self {
        Self { client, team }
    }

    fn versioned(&self, request: ApiRequest) -> ApiRequest {
        request.version(&self.client.versions.event_types)
    }

    /// Creates an event type.
    ///
    /// For a managed event type, the response contains the event types derived from it, one per
    /// host.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list), and [`Invalid`](super::ErrorKind::Invalid) with the rejected
    /// fields.
    pub async fn create(&self, event_type: &NewTeamEventType) -> Result<Vec<EventType>, Error> {
        let path = ["teams", &self.team.to_string(), "event-types"];
        let request = self.client.post("team_event_types.create", &path);
        let request = self.versioned(request).json(event_type)?;
        let made: OneOrMany<EventType> = self.client.data(request).await?;
        Ok(made.into_vec())
    }

    /// Lists event types.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a
    /// team that the user does not belong to.
    pub async fn list(&self, query: &TeamEventTypeQuery) -> Result<Vec<EventType>, Error> {
        let path = ["teams", &self.team.to_string(), "event-types"];
        let request = self.client.get("team_event_types.list", &path);
        let request = self.versioned(request).query(query.to_pairs());
        self.client.data(request).await
    }

    /// Retrieves an event type by id.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list).
    pub async fn get(&self, id: EventTypeId) -> Result<EventType, Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "event-types", &id];
        let request = self.client.get("team_event_types.get", &path);
        self.client.data(self.versioned(request)).await
    }

    /// Updates an event type.
    ///
    /// For a managed event type, the response contains the event types derived from it, one per
    /// host.
    ///
    /// # Errors
    ///
    /// Same as [`create`](Self::create).
    pub async fn update(
        &self,
        id: EventTypeId,
        update: &TeamEventTypeUpdate,
    ) -> Result<Vec<EventType>, Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "event-types", &id];
        let request = self.client.patch("team_event_types.update", &path);
        let request = self.versioned(request).json(update)?;
        let changed: OneOrMany<EventType> = self.client.data(request).await?;
        Ok(changed.into_vec())
    }

    /// Deletes an event type.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list).
    pub async fn delete(&self, id: EventTypeId) -> Result<(), Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "event-types", &id];
        let request = self.client.delete("team_event_types.delete", &path);
        self.client.acknowledged(self.versioned(request)).await
    }

    /// The webhook subscriptions of an event type.
    pub fn webhooks(&self, id: EventTypeId) -> Webhooks<'a> {
        Webhooks::new(self.client, Scope::TeamEventType(self.team, id))
    }

    /// Deletes every webhook subscription of an event type.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list).
    pub async fn delete_webhooks(&self, id: EventTypeId) -> Result<(), Error> {
        let path = Scope::TeamEventType(self.team, id).path(None);
        let operation = "team_event_types.delete_webhooks";
        self.client
            .acknowledged(self.client.delete(operation, &path))
            .await
    }
}
