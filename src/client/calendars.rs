//! The `/calendars`, `/selected-calendars` and `/destination-calendars` endpoints, which are not
//! versioned.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::Client;
use super::error::Error;
use crate::model::{
    BusyTime, BusyTimesQuery, CalendarEvent, CalendarEventId, CalendarEventUpdate,
    CalendarProvider, CalendarRef, CalendarSelection, ConnectUrl, ConnectedApp, ConnectedCalendars,
    CredentialId, DestinationCalendarParams, NewIcsFeed,
};

/// The calendars API, for connected calendars.
///
/// Obtained from [`Client::calendars`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::BusyTimesQuery;
///
/// let connected = client.calendars().list().await?;
/// let (from, to) = ("2026-12-07".parse()?, "2026-12-08".parse()?);
/// let mut query = BusyTimesQuery::new("Europe/Berlin", from, to);
/// for connection in connected.connected_calendars {
///     for calendar in connection.calendars.iter().filter(|c| c.is_selected) {
///         query = query.with_calendar(connection.credential_id, &calendar.external_id);
///     }
/// }
/// for busy in client.calendars().busy_times(&query).await? {
///     println!("{} to {}", busy.start, busy.end);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Calendars<'a> {
    client: &'a Client,
}

impl<'a> Calendars<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Lists the connected calendars, including the destination calendar that bookings are written
    /// to.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self) -> Result<ConnectedCalendars, Error> {
        let request = self.client.get("calendars.list", &["calendars"]);
        self.client.data(request).await
    }

    /// Lists the busy times of the calendars in the query.
    ///
    /// The same time span can occur several times.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the query contains no calendar,
    /// [`Unauthorized`](super::ErrorKind::Unauthorized), also if a credential does not belong to
    /// the user.
    pub async fn busy_times(&self, query: &BusyTimesQuery) -> Result<Vec<BusyTime>, Error> {
        let path = ["calendars", "busy-times"];
        let mut request = self.client.get("calendars.busy_times", &path);
        for (name, value) in query.to_pairs() {
            request = request.and_query(name, value);
        }
        self.client.data(request).await
    }

    /// Connects ICS feeds. Repeating the call creates another connection.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if there is no URL, or a feed cannot be read.
    pub async fn save_ics_feed(&self, feed: &NewIcsFeed) -> Result<ConnectedApp, Error> {
        let path = ["calendars", "ics-feed", "save"];
        let request = self.client.post("calendars.save_ics_feed", &path);
        self.client.data(request.json(feed)?).await
    }

    /// Returns the URL at which the user connects a Google or Outlook calendar in the browser.
    ///
    /// Afterwards, the browser is redirected to `return_to`.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) for providers that are connected in another way.
    pub async fn connect_url(
        &self,
        provider: &CalendarProvider,
        return_to: Option<&str>,
    ) -> Result<ConnectUrl, Error> {
        let path = ["calendars", provider.as_str(), "connect"];
        let pairs = return_to.map(|address| ("redir", address.to_owned()));
        let request = self.client.get("calendars.connect_url", &path);
        let request = request.query(pairs.into_iter().collect());
        self.client.data(request).await
    }

    /// Connects an Apple calendar with an app-specific password.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if Apple rejects the password.
    pub async fn save_apple_credentials(
        &self,
        username: &str,
        password: impl Into<SecretString>,
    ) -> Result<(), Error> {
        let path = ["calendars", CalendarProvider::Apple.as_str(), "credentials"];
        let password = password.into();
        let body = json!({"username": username, "password": password.expose_secret()});
        let request = self
            .client
            .post("calendars.save_apple_credentials", &path)
            .json(&body)?;
        self.client.acknowledged(request).await
    }

    /// Checks that a provider is connected and that the connection works.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if it is not connected or does not work.
    pub async fn check(&self, provider: &CalendarProvider) -> Result<(), Error> {
        let path = ["calendars", provider.as_str(), "check"];
        let request = self.client.get("calendars.check", &path);
        self.client.acknowledged(request).await
    }

    /// Deletes a connection and returns it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if the user has no such connection.
    pub async fn disconnect(
        &self,
        provider: &CalendarProvider,
        id: CredentialId,
    ) -> Result<ConnectedApp, Error> {
        let path = ["calendars", provider.as_str(), "disconnect"];
        let request = self.client.post("calendars.disconnect", &path);
        self.client.data(request.json(&json!({"id": id}))?).await
    }

    /// Selects a calendar, so that its events make the user busy.
    ///
    /// Returns `None` if it already was selected.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if the user has no such connection.
    pub async fn select(&self, calendar: &CalendarSelection) -> Result<Option<CalendarRef>, Error> {
        let request = self
            .client
            .post("calendars.select", &["selected-calendars"]);
        self.client.data(request.json(calendar)?).await
    }

    /// Deselects a calendar and returns it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if it was not selected.
    pub async fn deselect(&self, calendar: &CalendarSelection) -> Result<CalendarRef, Error> {
        let request = self
            .client
            .delete("calendars.deselect", &["selected-calendars"]);
        self.client.data(request.query(calendar.to_pairs())).await
    }

    /// Sets the calendar that bookings are written to.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) for feeds, which cannot be written to.
    pub async fn set_destination(
        &self,
        calendar: &DestinationCalendarParams,
    ) -> Result<CalendarRef, Error> {
        let path = ["destination-calendars"];
        let request = self.client.put("calendars.set_destination", &path);
        self.client.data(request.json(calendar)?).await
    }

    /// Retrieves the event of a booking from the calendar provider. Google Calendar only.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if no booking refers to the event,
    /// [`Unauthorized`](super::ErrorKind::Unauthorized), also if the provider is not connected.
    pub async fn event(
        &self,
        provider: &CalendarProvider,
        id: &CalendarEventId,
    ) -> Result<CalendarEvent, Error> {
        let path = ["calendars", provider.as_str(), "event", id.as_str()];
        let request = self.client.get("calendars.event", &path);
        self.client.data(request).await
    }

    /// Updates the event of a booking at the calendar provider. Google Calendar only.
    ///
    /// # Errors
    ///
    /// Same as [`event`](Self::event), and [`Invalid`](super::ErrorKind::Invalid) with the rejected
    /// fields.
    pub async fn update_event(
        &self,
        provider: &CalendarProvider,
        id: &CalendarEventId,
        update: &CalendarEventUpdate,
    ) -> Result<CalendarEvent, Error> {
        let path = ["calendars", provider.as_str(), "events", id.as_str()];
        let request = self.client.patch("calendars.update_event", &path);
        self.client.data(request.json(update)?).await
    }
}
