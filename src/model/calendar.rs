//! Connected calendars: the list of them, which are checked for conflicts, and which is written to.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{CredentialId, EventTypeId, TimeZone, UserId};
use super::open_enum::open_enum;
use super::time::Instant;

open_enum! {
    /// A calendar provider, as named in the API's paths.
    CalendarProvider {
        /// Google Calendar.
        Google = "google",
        /// Outlook (Microsoft 365).
        Office365 = "office365",
        /// Apple Calendar.
        Apple = "apple",
        /// An ICS feed.
        IcsFeed = "ics-feed",
    }
}

open_enum! {
    /// A calendar provider, as named in the API's request and response bodies.
    CalendarIntegration {
        /// Google Calendar.
        Google = "google_calendar",
        /// Outlook (Microsoft 365).
        Office365 = "office365_calendar",
        /// Apple Calendar.
        Apple = "apple_calendar",
        /// An ICS feed.
        IcsFeed = "ics-feed_calendar",
    }
}

/// The calendars connected to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectedCalendars {
    /// The connections, each with its calendars.
    pub connected_calendars: Vec<CalendarConnection>,
    /// The calendar that bookings are written to; `None` if there is none.
    ///
    /// The server returns `{}` if no calendar is connected.
    #[serde(default, deserialize_with = "none_if_empty")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_calendar: Option<DestinationCalendarDetails>,
}

/// Deserializes an object for which the server returns `{}` or `null` if there is none.
fn none_if_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let fields = Option::<Map<String, Value>>::deserialize(deserializer)?;
    fields
        .filter(|fields| !fields.is_empty())
        .map(|fields| serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom))
        .transpose()
}

/// A connection to a calendar provider.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarConnection {
    /// The app that provides the connection.
    pub integration: CalendarApp,
    /// The id of the credential, which identifies the connection in other requests.
    pub credential_id: CredentialId,
    /// The organization's credential, if the organization authenticates for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
    /// The primary calendar.
    #[serde(default)]
    pub primary: Option<Calendar>,
    /// All calendars; empty if they could not be retrieved from the provider.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub calendars: Vec<Calendar>,
    /// Why the calendars could not be retrieved. Not in the published document.
    #[serde(default)]
    pub error: Option<CalendarConnectionError>,
}

/// Why the calendars of a provider could not be retrieved.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalendarConnectionError {
    /// The reason, as given by the server.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub message: String,
}

/// The app that connects a calendar provider.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarApp {
    /// The provider.
    #[serde(rename = "type")]
    pub integration: CalendarIntegration,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The app's slug, such as `google-calendar`.
    #[serde(default)]
    pub slug: Option<String>,
}

/// A calendar of a connection. `Debug` shows neither its name nor any e-mail address or URL.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Calendar {
    /// The provider's identifier of the calendar: often an e-mail address, or the URL of a feed.
    pub external_id: String,
    /// The provider; absent for calendars of feeds.
    #[serde(default)]
    pub integration: Option<CalendarIntegration>,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is the primary calendar.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub primary: bool,
    /// Whether it is read-only.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub read_only: bool,
    /// The e-mail address of the account at the provider.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether it is checked for conflicts.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub is_selected: bool,
    /// The id of the credential.
    #[serde(default)]
    pub credential_id: Option<CredentialId>,
    /// The organization's credential, if the organization authenticates for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar")
            .field("integration", &self.integration)
            .field("primary", &self.primary)
            .field("read_only", &self.read_only)
            .field("is_selected", &self.is_selected)
            .field("credential_id", &self.credential_id)
            .finish_non_exhaustive()
    }
}

/// The calendar that a user's bookings are written to.
///
/// `Debug` shows neither its name nor any e-mail address or URL.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DestinationCalendarDetails {
    /// The provider. A server of August 2025 returns an empty string for feeds.
    #[serde(default)]
    pub integration: Option<CalendarIntegration>,
    /// The provider's identifier of the calendar.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub external_id: String,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The e-mail address of the account at the provider.
    #[serde(default)]
    pub email: Option<String>,
    /// The e-mail address of the connection's primary calendar.
    #[serde(default)]
    pub primary_email: Option<String>,
    /// The name of the app that provides the connection.
    #[serde(default)]
    pub integration_title: Option<String>,
    /// The user who owns the calendar.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The event type, if the calendar is used for a single event type only.
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// The id of the credential.
    #[serde(default)]
    pub credential_id: Option<CredentialId>,
    /// The organization's credential, if the organization authenticates for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
    /// Whether it is the primary calendar of its connection.
    #[serde(default)]
    pub primary: Option<bool>,
    /// Whether it is read-only.
    #[serde(default)]
    pub read_only: Option<bool>,
}

impl fmt::Debug for DestinationCalendarDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationCalendarDetails")
            .field("integration", &self.integration)
            .field("credential_id", &self.credential_id)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

/// A user's calendar that was selected, or set as the destination. `Debug` does not show which one.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarRef {
    /// The user who owns the calendar.
    pub user_id: UserId,
    /// The provider.
    pub integration: CalendarIntegration,
    /// The provider's identifier of the calendar.
    pub external_id: String,
    /// The id of the credential.
    #[serde(default)]
    pub credential_id: Option<CredentialId>,
}

impl fmt::Debug for CalendarRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarRef")
            .field("user_id", &self.user_id)
            .field("integration", &self.integration)
            .field("credential_id", &self.credential_id)
            .finish_non_exhaustive()
    }
}

/// Parameters for selecting or deselecting a calendar.
///
/// Selected calendars are checked for conflicts. `Debug` does not show which calendar it is.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarSelection {
    /// The provider.
    pub integration: CalendarIntegration,
    /// The provider's identifier of the calendar.
    pub external_id: String,
    /// The id of the credential.
    pub credential_id: CredentialId,
    /// The organization's credential, if the organization authenticates for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
}

impl CalendarSelection {
    /// Creates parameters from the values in the list of connected calendars.
    pub fn new(
        integration: CalendarIntegration,
        external_id: impl Into<String>,
        credential_id: CredentialId,
    ) -> Self {
        Self {
            integration,
            external_id: external_id.into(),
            credential_id,
            delegation_credential_id: None,
        }
    }

    /// Sets the organization's credential.
    #[must_use]
    pub fn with_delegation_credential(mut self, id: impl Into<String>) -> Self {
        self.delegation_credential_id = Some(id.into());
        self
    }

    /// Returns the query parameters, with the names that the API uses.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("integration", self.integration.to_string()),
            ("externalId", self.external_id.clone()),
            ("credentialId", self.credential_id.to_string()),
        ];
        let delegation = self.delegation_credential_id.clone();
        pairs.extend(delegation.map(|id| ("delegationCredentialId", id)));
        pairs
    }
}

impl fmt::Debug for CalendarSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarSelection")
            .field("integration", &self.integration)
            .field("credential_id", &self.credential_id)
            .finish_non_exhaustive()
    }
}

/// Parameters for setting the calendar that bookings are written to.
///
/// `Debug` does not show which one.
///
/// Feeds cannot be written to: the server accepts Google, Office 365 and Apple calendars.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DestinationCalendarParams {
    /// The provider.
    pub integration: CalendarIntegration,
    /// The provider's identifier of the calendar.
    pub external_id: String,
    /// The organization's credential, if the organization authenticates for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
}

impl DestinationCalendarParams {
    /// Creates parameters from the values in the list of connected calendars.
    pub fn new(integration: CalendarIntegration, external_id: impl Into<String>) -> Self {
        Self {
            integration,
            external_id: external_id.into(),
            delegation_credential_id: None,
        }
    }

    /// Sets the organization's credential.
    #[must_use]
    pub fn with_delegation_credential(mut self, id: impl Into<String>) -> Self {
        self.delegation_credential_id = Some(id.into());
        self
    }
}

impl fmt::Debug for DestinationCalendarParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationCalendarParams")
            .field("integration", &self.integration)
            .finish_non_exhaustive()
    }
}

/// Parameters for connecting ICS feeds, together as one connection.
///
/// `Debug` does not show the URLs, because anyone who has the URL of a private feed can read the
/// calendar.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewIcsFeed {
    /// The URLs, at least one.
    pub urls: Vec<String>,
    /// Whether the calendar is read-only for Cal.com. The default is `true`.
    #[serde(default)]
    pub read_only: Option<bool>,
}

impl NewIcsFeed {
    /// Creates parameters from the URLs of feeds.
    pub fn new(urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            urls: urls.into_iter().map(Into::into).collect(),
            read_only: None,
        }
    }

    /// Sets whether the calendar is read-only for Cal.com.
    #[must_use]
    pub fn with_read_only(mut self, read_only: bool) -> Self {
        self.read_only = Some(read_only);
        self
    }
}

impl fmt::Debug for NewIcsFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewIcsFeed")
            .field("urls", &self.urls.len())
            .field("read_only", &self.read_only)
            .finish()
    }
}

/// Query parameters for listing busy times. `Debug` does not show the calendars.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusyTimesQuery {
    /// The IANA time zone of the days.
    pub time_zone: TimeZone,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// The calendars, as the id of the credential and the provider's identifier. At least one.
    pub calendars: Vec<(CredentialId, String)>,
}

impl BusyTimesQuery {
    /// Creates a query for the busy times from one day to another.
    ///
    /// Add calendars with [`with_calendar`](Self::with_calendar).
    pub fn new(time_zone: impl Into<TimeZone>, from: NaiveDate, to: NaiveDate) -> Self {
        Self {
            time_zone: time_zone.into(),
            from,
            to,
            calendars: Vec::new(),
        }
    }

    /// Adds a calendar.
    #[must_use]
    pub fn with_calendar(
        mut self,
        credential_id: CredentialId,
        external_id: impl Into<String>,
    ) -> Self {
        self.calendars.push((credential_id, external_id.into()));
        self
    }

    /// Returns the query parameters, with the names that the API uses.
    ///
    /// The time zone is sent under two names: servers of 2025 require the former one, and the newer
    /// one is the documented one.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("timeZone".to_owned(), self.time_zone.to_string()),
            ("loggedInUsersTz".to_owned(), self.time_zone.to_string()),
            ("dateFrom".to_owned(), self.from.to_string()),
            ("dateTo".to_owned(), self.to.to_string()),
        ];
        for (index, (credential_id, external_id)) in self.calendars.iter().enumerate() {
            let name = |field: &str| format!("calendarsToLoad[{index}][{field}]");
            pairs.push((name("credentialId"), credential_id.to_string()));
            pairs.push((name("externalId"), external_id.clone()));
        }
        pairs
    }
}

impl fmt::Debug for BusyTimesQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusyTimesQuery")
            .field("time_zone", &self.time_zone)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("calendars", &self.calendars.len())
            .finish()
    }
}

/// A time span in which a calendar has an event.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BusyTime {
    /// The start.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// The end.
    #[serde_as(as = "Instant")]
    pub end: DateTime<Utc>,
    /// The app that it comes from, such as `ics-feed`.
    #[serde(default)]
    pub source: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn destination(shape: &Value) -> Option<DestinationCalendarDetails> {
        let list = json!({"connectedCalendars": [], "destinationCalendar": shape});
        let list: ConnectedCalendars = serde_json::from_value(list).unwrap();
        list.destination_calendar
    }

    #[test]
    fn no_destination_calendar_is_none_however_it_is_written() {
        assert_eq!(destination(&json!({})), None);
        assert_eq!(destination(&Value::Null), None);
        let feed = destination(&json!({"id": "x", "integration": "", "externalId": null})).unwrap();
        assert_eq!(feed.integration, Some("".into()));
    }

    #[test]
    fn a_connection_that_does_not_work_is_read() {
        let list = json!({"connectedCalendars": [{
            "integration": {"type": "google_calendar", "locationOption": null},
            "credentialId": 9, "delegationCredentialId": null,
            "error": {"message": "Access token expired or revoked"},
        }], "destinationCalendar": {}});
        let list: ConnectedCalendars = serde_json::from_value(list).unwrap();
        let broken = &list.connected_calendars[0];
        assert_eq!(broken.integration.integration, CalendarIntegration::Google);
        assert!(broken.calendars.is_empty() && broken.error.is_some());
    }
}
