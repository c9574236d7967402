//! Sub-resources of a booking: attendees with ids, calendar links and references.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::attendee::Attendee;
use super::id::{AttendeeId, BookingId};

/// An attendee with an id.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookingAttendee {
    /// The attendee's id.
    pub id: AttendeeId,
    /// The booking's id; present for a newly added attendee.
    #[serde(default)]
    pub booking_id: Option<BookingId>,
    /// The attendee.
    #[serde(flatten)]
    pub attendee: Attendee,
}

/// A link that adds a booking to a calendar.
///
/// `Debug` shows only the label, because the link contains the booking's title, and thereby names.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalendarLink {
    /// The calendar's name, such as `Google Calendar`.
    pub label: String,
    /// The identifier of the calendar, such as `googleCalendar`. The published document lacks it.
    #[serde(default)]
    pub id: Option<String>,
    /// The link. For ICS, a `data:` URL.
    pub link: String,
}

impl fmt::Debug for CalendarLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarLink")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// A reference to the booking in another system, such as a calendar or a video service.
///
/// `Debug` shows only the id and the type.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookingReference {
    /// The reference's id.
    #[serde(default)]
    pub id: Option<i64>,
    /// The type of the system, such as `google_calendar` or `daily_video`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The event's identifier in that system.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub event_uid: String,
    /// The calendar that contains the event, often an e-mail address.
    #[serde(default)]
    pub destination_calendar_id: Option<String>,
}

impl fmt::Debug for BookingReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookingReference")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
