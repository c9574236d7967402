//! What is sent to create, move and end bookings.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{serde_as, skip_serializing_none};

use super::booking::Metadata;
use super::event_type_target::EventTypeTarget;
use super::id::{SeatUid, TimeZone, UserId};
use super::location::BookingLocation;
use super::setters::setters;
use super::time::Instant;

/// The person for whom a booking is made. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewAttendee {
    /// The name.
    pub name: String,
    /// The e-mail address. The server refuses a booking without one unless the event type asks for a phone number instead.
    pub email: Option<String>,
    /// The time zone in which the attendee is addressed.
    pub time_zone: TimeZone,
    /// The language of the e-mails, such as `de`; the server takes a fixed list and refuses others.
    pub language: Option<String>,
    /// The phone number in E.164.
    pub phone_number: Option<String>,
}

impl NewAttendee {
    /// An attendee with an e-mail address.
    pub fn new(name: impl Into<String>, email: impl Into<String>, time_zone: TimeZone) -> Self {
        Self {
            name: name.into(),
            email: Some(email.into()),
            time_zone,
            language: None,
            phone_number: None,
        }
    }

    /// An attendee without an e-mail address, reached by a phone number in E.164. Only event types that ask for a phone number
    /// take such a one.
    pub fn by_phone(
        name: impl Into<String>,
        phone_number: impl Into<String>,
        time_zone: TimeZone,
    ) -> Self {
        Self {
            name: name.into(),
            email: None,
            time_zone,
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

/// A booking to be made. `Debug` shows what and when, never for whom.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
    /// Where it takes place. Only what the event type offers is accepted.
    pub location: Option<BookingLocation>,
    /// What the booking carries; see [`Metadata`] for the limits.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Answers to the event type's booking fields, by slug.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub booking_fields_responses: Map<String, Value>,
    /// How many bookings of a recurring event type; the event type's own number if absent.
    pub recurrence_count: Option<u32>,
    /// What a routing form made of the booker's answers.
    pub routing: Option<Routing>,
    /// The code that the booker got by e-mail, where the event type asks for one.
    pub email_verification_code: Option<String>,
    /// Books although the host is busy. For hosts only, from API version 2026-02-25 on.
    pub allow_conflicts: Option<bool>,
    /// Books outside the host's hours and the booking window. For hosts only, from API version
    /// 2026-02-25 on.
    pub allow_booking_out_of_bounds: Option<bool>,
    /// Books beyond the event type's booking limits. For hosts only, from API version 2026-02-25 on.
    pub skip_booking_limits: Option<bool>,
}

/// What a routing form made of the booker's answers.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Routing {
    /// The number of the form's response.
    #[serde(default)]
    pub response_id: Option<i64>,
    /// The team members among whom the form routes.
    #[serde(default)]
    pub team_member_ids: Option<Vec<UserId>>,
    /// The e-mail address of the team member who is to hold the meeting.
    #[serde(default)]
    pub team_member_email: Option<String>,
    /// Whether the contact's owner is passed over.
    #[serde(default)]
    pub skip_contact_owner: Option<bool>,
    /// The application that knows the contact's owner, such as `salesforce`.
    #[serde(default)]
    pub crm_app_slug: Option<String>,
    /// The contact's owner's kind of record there.
    #[serde(default)]
    pub crm_owner_record_type: Option<String>,
    /// The response that waits in the queue.
    #[serde(default)]
    pub queued_response_id: Option<String>,
}

setters! {
    Routing {
        with_response_id => response_id: i64,
        with_skip_contact_owner => skip_contact_owner: bool,
        ;
        with_team_member_ids => team_member_ids: Vec<UserId>,
        with_team_member_email => team_member_email: String,
        with_queued_response_id => queued_response_id: String,
        with_crm_app_slug => crm_app_slug: String,
        with_crm_owner_record_type => crm_owner_record_type: String,
    }
}

setters! {
    NewBooking {
        with_allow_conflicts => allow_conflicts: bool,
        with_allow_booking_out_of_bounds => allow_booking_out_of_bounds: bool,
        with_skip_booking_limits => skip_booking_limits: bool,
        with_routing => routing: Routing,
        ;
        with_email_verification_code => email_verification_code: String,
    }
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
            routing: None,
            email_verification_code: None,
            allow_conflicts: None,
            allow_booking_out_of_bounds: None,
            skip_booking_limits: None,
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

    /// Chooses one of the event type's places.
    #[must_use]
    pub fn with_location(mut self, location: BookingLocation) -> Self {
        self.location = Some(location);
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

/// Optional parameters of a reschedule.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RescheduleParams {
    /// Why, as the attendee will read it. Refused for a single seat.
    pub rescheduling_reason: Option<String>,
    /// The e-mail address of whoever asks for it. On an event type that needs confirmation, a host's move stays accepted, an attendee's turns pending.
    pub rescheduled_by: Option<String>,
    /// The seat to move, on a seated booking.
    pub seat_uid: Option<SeatUid>,
    /// The code that the booker got by e-mail, where the event type asks for one.
    pub email_verification_code: Option<String>,
    /// Books although the host is busy. For hosts only, from API version 2026-02-25 on.
    pub allow_conflicts: Option<bool>,
    /// Books outside the host's hours and the booking window. For hosts only, from API version
    /// 2026-02-25 on.
    pub allow_booking_out_of_bounds: Option<bool>,
    /// Books beyond the event type's booking limits. For hosts only, from API version 2026-02-25 on.
    pub skip_booking_limits: Option<bool>,
}

setters! {
    RescheduleParams {
        with_allow_conflicts => allow_conflicts: bool,
        with_allow_booking_out_of_bounds => allow_booking_out_of_bounds: bool,
        with_skip_booking_limits => skip_booking_limits: bool,
        ;
        with_email_verification_code => email_verification_code: String,
    }
}

impl RescheduleParams {
    /// Adds the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.rescheduling_reason = Some(reason.into());
        self
    }

    /// Names whoever asks for it, by e-mail address.
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

/// Optional parameters of a cancellation.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CancelParams {
    /// Why. Required where the caller is the host; for a single seat, some servers refuse it.
    pub cancellation_reason: Option<String>,
    /// The seat to give up, on a seated booking. A host's key cannot do this.
    pub seat_uid: Option<SeatUid>,
}

impl CancelParams {
    /// A cancellation with a reason.
    pub fn reason(reason: impl Into<String>) -> Self {
        Self {
            cancellation_reason: Some(reason.into()),
            ..Self::default()
        }
    }

    /// Adds the reason.
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
}

impl fmt::Debug for CancelParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelParams")
            .field("seat_uid", &self.seat_uid)
            .finish_non_exhaustive()
    }
}
