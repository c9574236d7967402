//! Connected calendars: which are there, which are read for conflicts, and which is written to.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{CredentialId, EventTypeId, UserId};
use super::open_enum::open_enum;
use super::time::Instant;

open_enum! {
    /// A calendar provider, as the paths of the API call it.
    CalendarProvider {
        /// Google Calendar.
        Google = "google",
        /// Outlook, that is Microsoft 365.
        Office365 = "office365",
        /// Apple Calendar.
        Apple = "apple",
        /// A feed of calendar data at a web address.
        IcsFeed = "ics-feed",
    }
}

open_enum! {
    /// A calendar provider, as the bodies of the API call it.
    CalendarIntegration {
        /// Google Calendar.
        Google = "google_calendar",
        /// Outlook, that is Microsoft 365.
        Office365 = "office365_calendar",
        /// Apple Calendar.
        Apple = "apple_calendar",
        /// A feed of calendar data at a web address.
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
    /// The calendar that bookings are written to; `None` if there is none. The server writes that
    /// as `{}` where no calendar is connected.
    #[serde(default, deserialize_with = "none_if_empty")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_calendar: Option<DestinationCalendarDetails>,
}

/// Reads an object, where the server writes `{}` or `null` for none.
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

/// One connection to a calendar provider.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarConnection {
    /// The app that makes the connection.
    pub integration: CalendarApp,
    /// The credential's number, which other calls name the connection by.
    pub credential_id: CredentialId,
    /// The organization's credential, where the organization signs in for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
    /// The main calendar.
    #[serde(default)]
    pub primary: Option<Calendar>,
    /// All calendars; empty if the provider could not be read.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub calendars: Vec<Calendar>,
    /// Why the provider could not be read. Not in the published document.
    #[serde(default)]
    pub error: Option<CalendarConnectionError>,
}

/// Why a calendar provider could not be read.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalendarConnectionError {
    /// The reason, in the server's words.
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
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// The app's slug, such as `google-calendar`.
    #[serde(default)]
    pub slug: Option<String>,
}

/// One calendar of a connection. `Debug` shows neither its name nor any address.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Calendar {
    /// What the provider calls the calendar: often an e-mail address; a feed's web address.
    pub external_id: String,
    /// The provider; a feed's calendars do not name theirs.
    #[serde(default)]
    pub integration: Option<CalendarIntegration>,
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is the main calendar.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub primary: bool,
    /// Whether events cannot be written to it.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub read_only: bool,
    /// The e-mail address of the account at the provider.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether it is read for conflicts.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub is_selected: bool,
    /// The credential's number.
    #[serde(default)]
    pub credential_id: Option<CredentialId>,
    /// The organization's credential, where the organization signs in for its members.
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

/// The calendar that a user's bookings are written to. `Debug` shows neither its name nor any
/// address.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DestinationCalendarDetails {
    /// The provider. A server of August 2025 leaves it empty for feeds.
    #[serde(default)]
    pub integration: Option<CalendarIntegration>,
    /// What the provider calls the calendar.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub external_id: String,
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// The e-mail address of the account at the provider.
    #[serde(default)]
    pub email: Option<String>,
    /// The e-mail address of the connection's main calendar.
    #[serde(default)]
    pub primary_email: Option<String>,
    /// The name of the app that makes the connection.
    #[serde(default)]
    pub integration_title: Option<String>,
    /// Whose calendar it is.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The event type, where the calendar is that of one event type only.
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// The credential's number.
    #[serde(default)]
    pub credential_id: Option<CredentialId>,
    /// The organization's credential, where the organization signs in for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
    /// Whether it is the main calendar of its connection.
    #[serde(default)]
    pub primary: Option<bool>,
    /// Whether events cannot be written to it.
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

/// One calendar of a user, as it was selected or set. `Debug` does not show which.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarRef {
    /// Whose calendar it is.
    pub user_id: UserId,
    /// The provider.
    pub integration: CalendarIntegration,
    /// What the provider calls the calendar.
    pub external_id: String,
    /// The credential's number.
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

/// A calendar to be selected or deselected: selected calendars are read for conflicts. `Debug`
/// does not show which it is.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarSelection {
    /// The provider.
    pub integration: CalendarIntegration,
    /// What the provider calls the calendar.
    pub external_id: String,
    /// The credential's number.
    pub credential_id: CredentialId,
    /// The organization's credential, where the organization signs in for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
}

impl CalendarSelection {
    /// A calendar, by what the list of connected calendars says about it.
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

    /// Names the organization's credential.
    #[must_use]
    pub fn with_delegation_credential(mut self, id: impl Into<String>) -> Self {
        self.delegation_credential_id = Some(id.into());
        self
    }

    /// The query's parameters, in the API's spelling.
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

/// The calendar that bookings are to be written to. `Debug` does not show which.
///
/// Feeds cannot be written to: the server takes Google, Office 365 and Apple calendars.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DestinationCalendarParams {
    /// The provider.
    pub integration: CalendarIntegration,
    /// What the provider calls the calendar.
    pub external_id: String,
    /// The organization's credential, where the organization signs in for its members.
    #[serde(default)]
    pub delegation_credential_id: Option<String>,
}

impl DestinationCalendarParams {
    /// A calendar, by what the list of connected calendars says about it.
    pub fn new(integration: CalendarIntegration, external_id: impl Into<String>) -> Self {
        Self {
            integration,
            external_id: external_id.into(),
            delegation_credential_id: None,
        }
    }

    /// Names the organization's credential.
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

/// Feeds of calendar data to be connected, together as one connection.
///
/// Whoever has the address of a private feed can read the calendar: `Debug` does not show it.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewIcsFeed {
    /// The web addresses, at least one.
    pub urls: Vec<String>,
    /// Whether Cal.com writes nothing to the calendar; `true` if absent.
    #[serde(default)]
    pub read_only: Option<bool>,
}

impl NewIcsFeed {
    /// Feeds at these web addresses.
    pub fn new(urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            urls: urls.into_iter().map(Into::into).collect(),
            read_only: None,
        }
    }

    /// Says whether Cal.com writes nothing to the calendar.
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

/// Which busy times to read. `Debug` does not show of which calendars.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusyTimesQuery {
    /// The IANA time zone of the days.
    pub time_zone: String,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// The calendars, by the credential's number and by what the provider calls them. At least one.
    pub calendars: Vec<(CredentialId, String)>,
}

impl BusyTimesQuery {
    /// The busy times from one day to another; add calendars with
    /// [`with_calendar`](Self::with_calendar).
    pub fn new(time_zone: impl Into<String>, from: NaiveDate, to: NaiveDate) -> Self {
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

    /// The query's parameters, in the API's spelling. The time zone goes under two names: servers
    /// of 2025 require the former one, and the newer one is the one documented.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("timeZone".to_owned(), self.time_zone.clone()),
            ("loggedInUsersTz".to_owned(), self.time_zone.clone()),
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

/// A span of time in which a calendar has an event.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BusyTime {
    /// When it begins.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// When it ends.
    #[serde_as(as = "Instant")]
    pub end: DateTime<Utc>,
    /// The app it comes from, such as `ics-feed`.
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
