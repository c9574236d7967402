//! Events in a connected calendar, as returned by the calendar provider.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::calendar::CalendarProvider;
use super::id::{CalendarEventId, TimeZone};
use super::open_enum::open_enum;
use super::time::Instant;

open_enum! {
    /// The status of an event in a calendar.
    CalendarEventStatus {
        /// The event is confirmed.
        Accepted = "accepted",
        /// The event is tentative.
        Pending = "pending",
        /// The event was declined.
        Declined = "declined",
        /// The event was cancelled.
        Cancelled = "cancelled",
    }
}

open_enum! {
    /// The response of an attendee to an invitation.
    CalendarEventResponse {
        /// Accepted.
        Accepted = "accepted",
        /// Tentative.
        Pending = "pending",
        /// Declined.
        Declined = "declined",
        /// No response yet.
        NeedsAction = "needsAction",
    }
}

open_enum! {
    /// The way in which an event is joined.
    CalendarEventEntry {
        /// A video call.
        Video = "video",
        /// A phone call.
        Phone = "phone",
        /// SIP (internet telephony).
        Sip = "sip",
        /// A page with more ways to join.
        More = "more",
    }
}

/// A point in time, and the time zone in which the calendar shows it.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventTime {
    /// The point in time; absent for all-day events.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub time: Option<DateTime<Utc>>,
    /// The IANA time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
}

impl CalendarEventTime {
    /// Creates a point in time, shown in this IANA time zone.
    pub fn new(time: DateTime<Utc>, time_zone: impl Into<TimeZone>) -> Self {
        Self {
            time: Some(time),
            time_zone: Some(time_zone.into()),
        }
    }
}

/// A way to join an event. `Debug` shows only the kind, because anyone who has the rest can join.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventLocation {
    /// The kind.
    #[serde(rename = "type")]
    pub entry: CalendarEventEntry,
    /// The URL or phone number.
    #[serde(default)]
    pub url: Option<String>,
    /// The display name.
    #[serde(default)]
    pub label: Option<String>,
    /// The password.
    #[serde(default)]
    pub password: Option<String>,
    /// The meeting code of a video call.
    #[serde(default)]
    pub meeting_code: Option<String>,
    /// The access code.
    #[serde(default)]
    pub access_code: Option<String>,
    /// The PIN.
    #[serde(default)]
    pub pin: Option<String>,
    /// The country or region of a phone number.
    #[serde(default)]
    pub region_code: Option<String>,
}

impl fmt::Debug for CalendarEventLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarEventLocation")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

/// An attendee of an event. `Debug` shows no personal data.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventAttendee {
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The response to the invitation.
    #[serde(default)]
    pub response_status: Option<CalendarEventResponse>,
    /// Whether it is the user.
    #[serde(default, rename = "self")]
    pub is_self: Option<bool>,
    /// Whether attendance is optional.
    #[serde(default)]
    pub optional: Option<bool>,
    /// Whether the attendee is a host.
    #[serde(default)]
    pub host: Option<bool>,
}

impl CalendarEventAttendee {
    /// Creates an attendee from an e-mail address.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: Some(email.into()),
            name: None,
            response_status: None,
            is_self: None,
            optional: None,
            host: None,
        }
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the response to the invitation.
    #[must_use]
    pub fn with_response(mut self, response: CalendarEventResponse) -> Self {
        self.response_status = Some(response);
        self
    }

    /// Sets whether attendance is optional.
    #[must_use]
    pub fn with_optional(mut self, optional: bool) -> Self {
        self.optional = Some(optional);
        self
    }

    /// Sets whether the attendee is a host.
    #[must_use]
    pub fn with_host(mut self, host: bool) -> Self {
        self.host = Some(host);
        self
    }
}

impl fmt::Debug for CalendarEventAttendee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarEventAttendee")
            .field("response_status", &self.response_status)
            .field("optional", &self.optional)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// A host or the owner of an event. `Debug` shows no personal data.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventHost {
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The response to the invitation.
    #[serde(default)]
    pub response_status: Option<CalendarEventResponse>,
}

impl fmt::Debug for CalendarEventHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarEventHost")
            .field("response_status", &self.response_status)
            .finish_non_exhaustive()
    }
}

/// An event in a connected calendar. `Debug` shows neither its content nor its participants.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEvent {
    /// The event's id.
    pub id: CalendarEventId,
    /// The title.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub title: String,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// The start.
    pub start: CalendarEventTime,
    /// The end.
    pub end: CalendarEventTime,
    /// The ways to join it.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub locations: Vec<CalendarEventLocation>,
    /// The attendees.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub attendees: Vec<CalendarEventAttendee>,
    /// The status.
    #[serde(default)]
    pub status: Option<CalendarEventStatus>,
    /// The hosts.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub hosts: Vec<CalendarEventHost>,
    /// The owner of the calendar that contains the event.
    #[serde(default, rename = "calendarEventOwner")]
    pub owner: Option<CalendarEventHost>,
    /// The provider.
    #[serde(default)]
    pub source: Option<CalendarProvider>,
}

impl fmt::Debug for CalendarEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarEvent")
            .field("id", &self.id)
            .field("start", &self.start)
            .field("end", &self.end)
            .field("status", &self.status)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Parameters for updating an event in a connected calendar.
///
/// `None` leaves a value unchanged. `Debug` shows neither the event's content nor its participants.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventUpdate {
    /// The start.
    #[serde(default)]
    pub start: Option<CalendarEventTime>,
    /// The end.
    #[serde(default)]
    pub end: Option<CalendarEventTime>,
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// The attendees. Replaces the whole list, so attendees that are left out are removed.
    #[serde(default)]
    pub attendees: Option<Vec<CalendarEventAttendee>>,
    /// The status.
    #[serde(default)]
    pub status: Option<CalendarEventStatus>,
}

impl CalendarEventUpdate {
    /// Sets the start and the end.
    #[must_use]
    pub fn with_times(mut self, start: CalendarEventTime, end: CalendarEventTime) -> Self {
        self.start = Some(start);
        self.end = Some(end);
        self
    }

    /// Sets the title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the attendees. Attendees that are left out are removed.
    #[must_use]
    pub fn with_attendees(
        mut self,
        attendees: impl IntoIterator<Item = CalendarEventAttendee>,
    ) -> Self {
        self.attendees = Some(attendees.into_iter().collect());
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(mut self, status: CalendarEventStatus) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Debug for CalendarEventUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarEventUpdate")
            .field("start", &self.start)
            .field("end", &self.end)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
