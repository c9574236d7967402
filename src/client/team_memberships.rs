//! The `/teams/{id}/memberships` endpoints, which are not versioned.

use serde::Serialize;

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use super::response::OneOrMany;
use crate::model::{Membership, MembershipId, MembershipParams, MembershipQuery, TeamId, UserId};

/// The memberships of a team.
///
/// Obtained from [`Teams::memberships`](super::Teams::memberships).
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{MembershipParams, MembershipRole, TeamId, UserId};
///
/// let params = MembershipParams::default().with_role(MembershipRole::Admin);
/// let memberships = client.teams().memberships(TeamId::new(7));
/// memberships.create(UserId::new(3), &params).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TeamMemberships<'a> {
    client: &'a Client,
    team: TeamId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMembershipBody<'a> {
    user_id: UserId,
    #[serde(flatten)]
    params: &'a MembershipParams,
}

impl<'a> TeamMemberships<'a> {
    pub(super) fn new(client: &'a Client, team: TeamId) -> Self {
        Self { client, team }
    }

    /// Adds a user to the team.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list), and [`Invalid`](super::ErrorKind::Invalid) if the user cannot
    /// be a member or already is one.
    pub async fn create(
        &self,
        user: UserId,
        params: &MembershipParams,
    ) -> Result<Membership, Error> {
        let path = ["teams", &self.team.to_string(), "memberships"];
        let request = self.client.post("team_memberships.create", &path);
        let user_id = user;
        let body = NewMembershipBody { user_id, params };
        self.client.data(request.json(&body)?).await
    }

    /// Lists memberships, one page at a time.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a
    /// team that the user does not belong to.
    pub async fn list(&self, query: &MembershipQuery) -> Result<Page<Membership>, Error> {
        let path = ["teams", &self.team.to_string(), "memberships"];
        let request = self.client.get("team_memberships.list", &path);
        let listed: OneOrMany<Membership> =
            self.client.data(request.query(query.to_pairs())).await?;
        Ok(Page::unnumbered(listed.into_vec()))
    }

    /// Streams all memberships, starting at `query.skip`, in pages of `query.take` (250 by
    /// default).
    pub fn list_all(&self, query: MembershipQuery) -> ItemStream<Membership> {
        let (client, team) = (self.client.clone(), self.team);
        walk("team_memberships.list", query, move |query| {
            let client = client.clone();
            async move { client.teams().memberships(team).list(&query).await }
        })
    }

    /// Retrieves a membership by id.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list).
    pub async fn get(&self, id: MembershipId) -> Result<Membership, Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "memberships", &id];
        let request = self.client.get("team_memberships.get", &path);
        self.client.data(request).await
    }

    /// Updates a membership.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list).
    pub async fn update(
        &self,
        id: MembershipId,
        params: &MembershipParams,
    ) -> Result<Membership, Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "memberships", &id];
        let request = self.client.patch("team_memberships.update", &path);
        self.client.data(request.json(params)?).await
    }

    /// Removes a member from the team.
    ///
    /// # Errors
    ///
    /// Same as [`list`](Self::list).
    pub async fn delete(&self, id: MembershipId) -> Result<(), Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "memberships", &id];
        let request = self.client.delete("team_memberships.delete", &path);
        self.client.acknowledged(request).await
    }
}
