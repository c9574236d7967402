//! `/teams/{id}/memberships`. These endpoints have no version.

use serde::Serialize;

use super::Client;
use super::error::Error;
use super::response::OneOrMany;
use crate::model::{Membership, MembershipId, MembershipParams, TeamId, UserId};

/// The memberships of one team; get one from [`Teams::memberships`](super::Teams::memberships).
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{MembershipParams, MembershipRole, TeamId, UserId};
///
/// let params = MembershipParams {
///     role: Some(MembershipRole::Admin),
///     ..MembershipParams::default()
/// };
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

    /// Lists memberships, `take` (1 to 250) at a time after skipping `skip`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a team of others.
    pub async fn list(&self, take: u32, skip: u32) -> Result<Vec<Membership>, Error> {
        let path = ["teams", &self.team.to_string(), "memberships"];
        let request = self.client.get("team_memberships.list", &path);
        let request = request.query(vec![("take", take.to_string()), ("skip", skip.to_string())]);
        let listed: OneOrMany<Membership> = self.client.data(request).await?;
        Ok(listed.into_vec())
    }

    /// Reads one membership.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub async fn get(&self, id: MembershipId) -> Result<Membership, Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "memberships", &id];
        let request = self.client.get("team_memberships.get", &path);
        self.client.data(request).await
    }

    /// Makes a user a member.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list), and [`Invalid`](super::ErrorKind::Invalid) if the user cannot be one, or is one already.
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

    /// Changes a membership.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
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

    /// Ends a membership, and returns what it was.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub async fn delete(&self, id: MembershipId) -> Result<Membership, Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "memberships", &id];
        let request = self.client.delete("team_memberships.delete", &path);
        self.client.data(request).await
    }
}
