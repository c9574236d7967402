//! The `/teams/{id}/schedules` endpoint.

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use crate::model::{Schedule, TeamId, TeamScheduleQuery};

/// The schedules of a team's members.
///
/// Obtained from [`Teams::schedules`](super::Teams::schedules).
#[derive(Clone, Copy, Debug)]
pub struct TeamSchedules<'a> {
    client: &'a Client,
    team: TeamId,
}

impl<'a> TeamSchedules<'a> {
    pub(super) fn new(client: &'a Client, team: TeamId) -> Self {
        Self { client, team }
    }

    /// Lists schedules, one page at a time.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a
    /// team that the user does not belong to.
    pub async fn list(&self, query: &TeamScheduleQuery) -> Result<Page<Schedule>, Error> {
        let path = ["teams", &self.team.to_string(), "schedules"];
        let request = self
            .client
            .get("team_schedules.list", &path)
            .version(&self.client.versions.schedules)
            .query(query.to_pairs());
        self.client.page(request).await
    }

    /// Streams all schedules, starting at `query.skip`, in pages of `query.take` (250 by default).
    pub fn list_all(&self, query: TeamScheduleQuery) -> ItemStream<Schedule> {
        let (client, team) = (self.client.clone(), self.team);
        walk("team_schedules.list", query, move |query| {
            let client = client.clone();
            async move { client.teams().schedules(team).list(&query).await }
        })
    }
}
