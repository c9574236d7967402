//! Events in a connected calendar, as the calendar provider has them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::calendar::CalendarProvider;
use super::id::CalendarEventId;
use super::open_enum::open_enum;
use super::time::Instant;

open_enum! {
    /// The state of an event in a calendar.
    CalendarEventStatus {
        /// It takes place.
        Accepted = "accepted",
        /// It is tentative.
        Pending = "pending",
        /// It was declined.
        Declined = "declined",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}

open_enum! {
    /// What somebody answered to an invitation.
    CalendarEventResponse {
        /// Yes.
        Accepted = "accepted",
        /// Perhaps.
        Pending = "pending",
        /// No.
        Declined = "declined",
        /// Nothing yet.
        NeedsAction = "needsAction",
    }
}

open_enum! {
    /// By what means an event is joined.
    CalendarEventEntry {
        /// A video call.
        Video = "video",
        /// A telephone.
        Phone = "phone",
        /// SIP, that is internet telephony.
        Sip = "sip",
        /// A page with further ways.
        More = "more",
    }
}

/// An instant, and the time zone that the calendar shows it in.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventTime {
    /// The instant; absent on events that last whole days.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub time: Option<DateTime<Utc>>,
    /// The IANA time zone.
    #[serde(default)]
    pub time_zone: Option<String>,
}

impl CalendarEventTime {
    /// An instant, shown in this IANA time zone.
    pub fn new(time: DateTime<Utc>, time_zone: impl Into<String>) -> Self {
        Self {
            time: Some(time),
            time_zone: Some(time_zone.into()),
        }
    }
}

/// One way to join an event. `Debug` shows the means only: whoever has the rest can join.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventLocation {
    /// The means.
    #[serde(rename = "type")]
    pub entry: CalendarEventEntry,
    /// The address or number.
    #[serde(default)]
    pub url: Option<String>,
    /// The name shown.
    #[serde(default)]
    pub label: Option<String>,
    /// The password.
    #[serde(default)]
    pub password: Option<String>,
    /// The number of a video call.
    #[serde(default)]
    pub meeting_code: Option<String>,
    /// The access code.
    #[serde(default)]
    pub access_code: Option<String>,
    /// The PIN.
    #[serde(default)]
    pub pin: Option<String>,
    /// The country or region of a telephone number.
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

/// Somebody who is invited to an event. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventAttendee {
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// The answer to the invitation.
    #[serde(default)]
    pub response_status: Option<CalendarEventResponse>,
    /// Whether it is the user.
    #[serde(default, rename = "self")]
    pub is_self: Option<bool>,
    /// Whether the event takes place without this person.
    #[serde(default)]
    pub optional: Option<bool>,
    /// Whether it is a host.
    #[serde(default)]
    pub host: Option<bool>,
}

impl CalendarEventAttendee {
    /// The person with this e-mail address.
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

    /// Sets the name shown.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the answer to the invitation.
    #[must_use]
    pub fn with_response(mut self, response: CalendarEventResponse) -> Self {
        self.response_status = Some(response);
        self
    }

    /// Says whether the event takes place without this person.
    #[must_use]
    pub fn with_optional(mut self, optional: bool) -> Self {
        self.optional = Some(optional);
        self
    }

    /// Says whether this person is a host.
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

/// A host or the owner of an event. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventHost {
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// The answer to the invitation.
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

/// An event in a connected calendar. `Debug` shows neither what it is about nor who takes part.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEvent {
    /// The event.
    pub id: CalendarEventId,
    /// The title.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub title: String,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// When it begins.
    pub start: CalendarEventTime,
    /// When it ends.
    pub end: CalendarEventTime,
    /// The ways to join it.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub locations: Vec<CalendarEventLocation>,
    /// Who is invited.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub attendees: Vec<CalendarEventAttendee>,
    /// The state.
    #[serde(default)]
    pub status: Option<CalendarEventStatus>,
    /// Who holds it.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub hosts: Vec<CalendarEventHost>,
    /// Whose calendar it is in.
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

/// What to change about an event in a connected calendar. What is `None` stays as it is. `Debug`
/// shows neither what it is about nor who takes part.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalendarEventUpdate {
    /// When it begins.
    #[serde(default)]
    pub start: Option<CalendarEventTime>,
    /// When it ends.
    #[serde(default)]
    pub end: Option<CalendarEventTime>,
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// Everybody who is invited: who is left out is removed from the event.
    #[serde(default)]
    pub attendees: Option<Vec<CalendarEventAttendee>>,
    /// The state.
    #[serde(default)]
    pub status: Option<CalendarEventStatus>,
}

impl CalendarEventUpdate {
    /// Moves the event.
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

    /// Invites these people and nobody else.
    #[must_use]
    pub fn with_attendees(
        mut self,
        attendees: impl IntoIterator<Item = CalendarEventAttendee>,
    ) -> Self {
        self.attendees = Some(attendees.into_iter().collect());
        self
    }

    /// Sets the state.
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
