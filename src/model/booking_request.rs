//! What is sent to create, move and end bookings.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{serde_as, skip_serializing_none};

use super::booking::Metadata;
use super::id::{EventTypeId, SeatUid};
use super::time::Instant;

/// The person for whom a booking is made. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewAttendee {
    /// The name.
    pub name: String,
    /// The e-mail address. The server refuses a booking without one unless the event type asks for a phone number instead.
    pub email: Option<String>,
    /// The IANA time zone in which the attendee is addressed.
    pub time_zone: String,
    /// The language of the e-mails, such as `de`; the server takes a fixed list and refuses others.
    pub language: Option<String>,
    /// The phone number in E.164.
    pub phone_number: Option<String>,
}

impl NewAttendee {
    /// An attendee with the three things that are always needed.
    pub fn new(
        name: impl Into<String>,
        email: impl Into<String>,
        time_zone: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            email: Some(email.into()),
            time_zone: time_zone.into(),
            language: None,
            phone_number: None,
        }
    }

    /// An attendee without an e-mail address, reached by a phone number in E.164. Only event types that ask for a phone number
    /// take such a one.
    pub fn by_phone(
        name: impl Into<String>,
        phone_number: impl Into<String>,
        time_zone: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            email: None,
            time_zone: time_zone.into(),
            language: None,
            phone_number: Some(phone_number.into()),
        }
    }

    /// Adds an e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Adds a phone number in E.164.
    #[must_use]
    pub fn with_phone_number(mut self, phone_number: impl Into<String>) -> Self {
        self.phone_number = Some(phone_number.into());
        self
    }

    /// Chooses the language of the e-mails, such as `de`.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }
}

impl fmt::Debug for NewAttendee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAttendee")
            .field("time_zone", &self.time_zone)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

/// Which event type is booked: by number, or by the slug under a user's or a team's name.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum EventTypeTarget {
    /// By number.
    Id {
        /// The event type's number.
        event_type_id: EventTypeId,
    },
    /// By a user's slug.
    User {
        /// The event type's slug.
        event_type_slug: String,
        /// Whose event type it is.
        username: String,
        /// The organization, where the user belongs to one.
        organization_slug: Option<String>,
    },
    /// By a team's slug.
    Team {
        /// The event type's slug.
        event_type_slug: String,
        /// Whose event type it is.
        team_slug: String,
        /// The organization, where the team belongs to one.
        organization_slug: Option<String>,
    },
}

impl From<EventTypeId> for EventTypeTarget {
    fn from(event_type_id: EventTypeId) -> Self {
        Self::Id { event_type_id }
    }
}

/// A booking to be made. `Debug` shows what and when, never for whom.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewBooking {
    /// When it begins. Sent as UTC with `Z`.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// What is booked.
    #[serde(flatten)]
    pub event_type: EventTypeTarget,
    /// For whom.
    pub attendee: NewAttendee,
    /// E-mail addresses of further guests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<String>,
    /// The length in minutes. Only for event types that offer several lengths; others refuse it.
    pub length_in_minutes: Option<u32>,
    /// Where it takes place, in the API's own form, such as `{"type": "attendeePhone", "phone": "+49…"}`. Only what the
    /// event type offers is accepted.
    pub location: Option<Value>,
    /// What the booking carries; see [`Metadata`] for the limits.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Answers to the event type's booking fields, by slug.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub booking_fields_responses: Map<String, Value>,
    /// How many bookings of a recurring event type; the event type's own number if absent.
    pub recurrence_count: Option<u32>,
}

impl NewBooking {
    /// A booking with what is always needed.
    pub fn new(
        event_type: impl Into<EventTypeTarget>,
        start: DateTime<Utc>,
        attendee: NewAttendee,
    ) -> Self {
        Self {
            start,
            event_type: event_type.into(),
            attendee,
            guests: Vec::new(),
            length_in_minutes: None,
            location: None,
            metadata: Metadata::new(),
            booking_fields_responses: Map::new(),
            recurrence_count: None,
        }
    }

    /// Adds one entry of metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Adds a guest by e-mail address.
    #[must_use]
    pub fn with_guest(mut self, email: impl Into<String>) -> Self {
        self.guests.push(email.into());
        self
    }

    /// Asks for one of the event type's several lengths, in minutes.
    #[must_use]
    pub fn with_length(mut self, minutes: u32) -> Self {
        self.length_in_minutes = Some(minutes);
        self
    }

    /// Chooses one of the event type's places, in the API's own form.
    #[must_use]
    pub fn with_location(mut self, location: impl Into<Value>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// Answers one of the event type's booking fields.
    #[must_use]
    pub fn with_booking_field(mut self, slug: impl Into<String>, answer: impl Into<Value>) -> Self {
        self.booking_fields_responses
            .insert(slug.into(), answer.into());
        self
    }

    /// Sets the number of bookings, for a recurring event type.
    #[must_use]
    pub fn with_recurrence_count(mut self, count: u32) -> Self {
        self.recurrence_count = Some(count);
        self
    }

    /// Chooses the language of the attendee's e-mails, such as `de`.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.attendee.language = Some(language.into());
        self
    }
}

impl fmt::Debug for NewBooking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewBooking")
            .field("start", &self.start)
            .field("event_type", &self.event_type)
            .field("length_in_minutes", &self.length_in_minutes)
            .field("guests", &self.guests.len())
            .finish_non_exhaustive()
    }
}

/// What else to say when a booking is moved.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescheduleParams {
    /// Why, as the attendee will read it. Refused for a single seat.
    pub rescheduling_reason: Option<String>,
    /// Whose e-mail address asks. On a type that needs confirmation, a host's move stays accepted, an attendee's turns pending.
    pub rescheduled_by: Option<String>,
    /// The seat to move, on a seated booking.
    pub seat_uid: Option<SeatUid>,
}

impl RescheduleParams {
    /// Says why.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.rescheduling_reason = Some(reason.into());
        self
    }

    /// Says who asks, by e-mail address.
    #[must_use]
    pub fn with_rescheduled_by(mut self, email: impl Into<String>) -> Self {
        self.rescheduled_by = Some(email.into());
        self
    }

    /// Moves one seat only.
    #[must_use]
    pub fn with_seat(mut self, seat: SeatUid) -> Self {
        self.seat_uid = Some(seat);
        self
    }
}

impl fmt::Debug for RescheduleParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RescheduleParams")
            .field("seat_uid", &self.seat_uid)
            .finish_non_exhaustive()
    }
}

/// What else to say when a booking is cancelled.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelParams {
    /// Why. Required where the caller is the host; refused for a single seat.
    pub cancellation_reason: Option<String>,
    /// The seat to give up, on a seated booking. A host's key cannot do this.
    pub seat_uid: Option<SeatUid>,
    /// Whether the later bookings of the series are cancelled too.
    pub cancel_subsequent_bookings: Option<bool>,
}

impl CancelParams {
    /// Says why.
    pub fn reason(reason: impl Into<String>) -> Self {
        Self {
            cancellation_reason: Some(reason.into()),
            ..Self::default()
        }
    }

    /// Says why.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.cancellation_reason = Some(reason.into());
        self
    }

    /// Gives up one seat only.
    #[must_use]
    pub fn with_seat(mut self, seat: SeatUid) -> Self {
        self.seat_uid = Some(seat);
        self
    }

    /// Cancels the later bookings of the series too.
    #[must_use]
    pub fn with_subsequent_bookings(mut self) -> Self {
        self.cancel_subsequent_bookings = Some(true);
        self
    }
}

impl fmt::Debug for CancelParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelParams")
            .field("seat_uid", &self.seat_uid)
            .field(
                "cancel_subsequent_bookings",
                &self.cancel_subsequent_bookings,
            )
            .finish_non_exhaustive()
    }
}
