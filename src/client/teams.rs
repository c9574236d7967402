//! The `/teams` endpoints. The endpoints of teams themselves are not versioned.

use super::Client;
use super::error::Error;
use super::team_bookings::TeamBookings;
use super::team_event_types::TeamEventTypes;
use super::team_memberships::TeamMemberships;
use super::team_schedules::TeamSchedules;
use super::verified_resources::VerifiedResources;
use crate::model::{CreatedTeam, Team, TeamId, TeamInvite, TeamParams};

/// The teams API.
///
/// Obtained from [`Client::teams`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::BookingQuery;
///
/// for team in client.teams().list().await? {
///     let query = BookingQuery::default();
///     let page = client.teams().bookings(team.id).list(&query).await?;
///     println!("{}: {}", team.name, page.items.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Teams<'a> {
    client: &'a Client,
}

impl<'a> Teams<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Creates a team.
    ///
    /// The hosted service may require payment first, in which case the response contains the
    /// payment URL.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) with the rejected fields.
    pub async fn create(&self, team: &TeamParams) -> Result<CreatedTeam, Error> {
        let request = self.client.post("teams.create", &["teams"]);
        self.client.data(request.json(team)?).await
    }

    /// Lists the teams of the user.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self) -> Result<Vec<Team>, Error> {
        self.client
            .data(self.client.get("teams.list", &["teams"]))
            .await
    }

    /// Retrieves a team by id.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a
    /// team that the user does not belong to.
    pub async fn get(&self, id: TeamId) -> Result<Team, Error> {
        let path = ["teams", &id.to_string()];
        self.client.data(self.client.get("teams.get", &path)).await
    }

    /// Updates a team.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get) and [`create`](Self::create).
    pub async fn update(&self, id: TeamId, team: &TeamParams) -> Result<Team, Error> {
        let path = ["teams", &id.to_string()];
        let request = self.client.patch("teams.update", &path);
        self.client.data(request.json(team)?).await
    }

    /// Deletes a team.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get).
    pub async fn delete(&self, id: TeamId) -> Result<(), Error> {
        let path = ["teams", &id.to_string()];
        let request = self.client.delete("teams.delete", &path);
        self.client.acknowledged(request).await
    }

    /// Creates an invitation to a team.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get).
    pub async fn invite(&self, id: TeamId) -> Result<TeamInvite, Error> {
        let path = ["teams", &id.to_string(), "invite"];
        let request = self.client.post("teams.invite", &path);
        self.client.data(request).await
    }

    /// The bookings of a team.
    pub fn bookings(&self, id: TeamId) -> TeamBookings<'a> {
        TeamBookings::new(self.client, id)
    }

    /// The schedules of a team's members.
    pub fn schedules(&self, id: TeamId) -> TeamSchedules<'a> {
        TeamSchedules::new(self.client, id)
    }

    /// The event types of a team.
    pub fn event_types(&self, id: TeamId) -> TeamEventTypes<'a> {
        TeamEventTypes::new(self.client, id)
    }

    /// The memberships of a team.
    pub fn memberships(&self, id: TeamId) -> TeamMemberships<'a> {
        TeamMemberships::new(self.client, id)
    }
    /// The verified e-mail addresses and phone numbers of a team.
    pub fn verified_resources(&self, id: TeamId) -> VerifiedResources<'a> {
        VerifiedResources::new(self.client, Some(id))
    }
}
