//! The `/teams/{id}/bookings` endpoint.

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use crate::model::{Booking, BookingQuery, TeamId};

/// The bookings of a team.
///
/// Obtained from [`Teams::bookings`](super::Teams::bookings).
///
/// This endpoint does not support the filters of [`BookingQuery`] by team, creation time and time
/// of the last update.
#[derive(Clone, Copy, Debug)]
pub struct TeamBookings<'a> {
    client: &'a Client,
    team: TeamId,
}

impl<'a> TeamBookings<'a> {
    pub(super) fn new(client: &'a Client, team: TeamId) -> Self {
        Self { client, team }
    }

    /// Lists bookings, one page at a time.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) for a
    /// team that the user does not belong to, [`Invalid`](super::ErrorKind::Invalid), without
    /// sending anything, if [`BookingQuery::check`] rejects the query.
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

    /// Streams all matching bookings. See [`Bookings::list_all`](super::Bookings::list_all).
    pub fn list_all(&self, query: BookingQuery) -> ItemStream<Booking> {
        let (client, team) = (self.client.clone(), self.team);
        walk("team_bookings.list", query, move |query| {
            let client = client.clone();
            async move { client.teams().bookings(team).list(&query).await }
        })
    }
}
