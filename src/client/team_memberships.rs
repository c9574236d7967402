//! `/teams/{id}/memberships`. These endpoints have no version.

use serde::Serialize;

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use super::response::OneOrMany;
use crate::model::{Membership, MembershipId, MembershipParams, MembershipQuery, TeamId, UserId};

/// The memberships of one team; get one from [`Teams::memberships`](super::Teams::memberships).
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

    /// Reads one page of the list.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a team of others.
    pub async fn list(&self, query: &MembershipQuery) -> Result<Page<Membership>, Error> {
        let path = ["teams", &self.team.to_string(), "memberships"];
        let request = self.client.get("team_memberships.list", &path);
        let listed: OneOrMany<Membership> =
            self.client.data(request.query(query.to_pairs())).await?;
        Ok(Page::unnumbered(listed.into_vec()))
    }

    /// Streams the whole list, from `query.skip` on, in pages of `query.take` memberships (250 by
    /// default).
    pub fn list_all(&self, query: MembershipQuery) -> ItemStream<Membership> {
        let (client, team) = (self.client.clone(), self.team);
        walk("team_memberships.list", query, move |query| {
            let client = client.clone();
            async move { client.teams().memberships(team).list(&query).await }
        })
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

    /// Ends a membership.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub async fn delete(&self, id: MembershipId) -> Result<(), Error> {
        let (team, id) = (self.team.to_string(), id.to_string());
        let path = ["teams", &team, "memberships", &id];
        let request = self.client.delete("team_memberships.delete", &path);
        self.client.acknowledged(request).await
    }
}
