//! What hangs on a booking and is read by itself: attendees by number, links, references.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::attendee::Attendee;
use super::id::{AttendeeId, BookingId};

/// An attendee with a number.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookingAttendee {
    /// The attendee's number.
    pub id: AttendeeId,
    /// The booking's id; present for a newly added attendee.
    #[serde(default)]
    pub booking_id: Option<BookingId>,
    /// The person.
    #[serde(flatten)]
    pub attendee: Attendee,
}

/// A link that puts a booking into a calendar. `Debug` shows the label only: the link holds the booking's title, and so names.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalendarLink {
    /// The calendar's name, such as `Google Calendar`.
    pub label: String,
    /// A word for the calendar, such as `googleCalendar`; the published document lacks it.
    #[serde(default)]
    pub id: Option<String>,
    /// The link; a `data:` one for ICS.
    pub link: String,
}

impl fmt::Debug for CalendarLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarLink")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// What a booking is called elsewhere: in a calendar, at a video service. `Debug` shows the number and the type.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookingReference {
    /// The reference's number.
    #[serde(default)]
    pub id: Option<i64>,
    /// Where, such as `google_calendar` or `daily_video`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The event's name there.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub event_uid: String,
    /// The calendar that the event is in, often an e-mail address.
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
