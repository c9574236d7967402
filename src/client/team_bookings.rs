//! `/teams/{id}/bookings`.

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use crate::model::{Booking, BookingQuery, TeamId};

/// The bookings of one team; get one from [`Teams::bookings`](super::Teams::bookings).
///
/// Of the filters of [`BookingQuery`], the server does not know those by team and by the times of
/// creation and change here.
#[derive(Clone, Copy, Debug)]
pub struct TeamBookings<'a> {
    client: &'a Client,
    team: TeamId,
}

impl<'a> TeamBookings<'a> {
    pub(super) fn new(client: &'a Client, team: TeamId) -> Self {
        Self { client, team }
    }

    /// Reads one page of the list.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a team
    /// of others, [`Invalid`](super::ErrorKind::Invalid) if [`BookingQuery::check`] refuses the query,
    /// in which case nothing is sent.
    pub async fn list(&self, query: &BookingQuery) -> Result<Page<Booking>, Error> {
        let operation = "team_bookings.list";
        self.client.check(operation, || query.check())?;
        let path = ["teams", &self.team.to_string(), "bookings"];
        let request = self
            .client
            .get(operation, &path)
            .version(&self.client.versions.bookings)
            .query(query.to_pairs());
        self.client.page(request).await
    }

    /// Streams the whole list; see [`Bookings::list_all`](super::Bookings::list_all).
    pub fn list_all(&self, query: BookingQuery) -> ItemStream<Booking> {
        let (client, team) = (self.client.clone(), self.team);
        walk("team_bookings.list", query, move |query| {
            let client = client.clone();
            async move { client.teams().bookings(team).list(&query).await }
        })
    }
}
