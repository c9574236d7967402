//! Parameters for creating, rescheduling and cancelling bookings.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::{serde_as, skip_serializing_none};

use super::booking::Metadata;
use super::event_type_target::EventTypeTarget;
use super::id::{SeatUid, TimeZone, UserId};
use super::json_object::JsonObject;
use super::location::BookingLocation;
use super::setters::setters;
use super::time::Instant;

/// The attendee of a new booking. `Debug` shows no personal data.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewAttendee {
    /// The name.
    pub name: String,
    /// The e-mail address.
    ///
    /// The server rejects a booking without one, unless the event type asks for a phone number
    /// instead.
    pub email: Option<String>,
    /// The attendee's time zone, used in messages to them.
    pub time_zone: TimeZone,
    /// The language of the e-mails, such as `de`.
    ///
    /// The server accepts a fixed list and rejects others.
    pub language: Option<String>,
    /// The phone number in E.164 format.
    pub phone_number: Option<String>,
}

impl NewAttendee {
    /// Creates an attendee with an e-mail address.
    pub fn new(name: impl Into<String>, email: impl Into<String>, time_zone: TimeZone) -> Self {
        Self {
            name: name.into(),
            email: Some(email.into()),
            time_zone,
            language: None,
            phone_number: None,
        }
    }

    /// Creates an attendee without an e-mail address, with a phone number in E.164 format.
    ///
    /// Only event types that ask for a phone number accept such an attendee.
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

    /// Sets the e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets the phone number, in E.164 format.
    #[must_use]
    pub fn with_phone_number(mut self, phone_number: impl Into<String>) -> Self {
        self.phone_number = Some(phone_number.into());
        self
    }

    /// Sets the language of the e-mails, such as `de`.
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

/// Parameters for creating a booking.
///
/// `Debug` shows the event type and the time, but not the attendee.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewBooking {
    /// The start. Sent in UTC, with `Z`.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// The event type to book.
    #[serde(flatten)]
    pub event_type: EventTypeTarget,
    /// The attendee.
    pub attendee: NewAttendee,
    /// The e-mail addresses of additional guests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<String>,
    /// The length in minutes. Only for event types that offer several lengths; others reject it.
    pub length_in_minutes: Option<u32>,
    /// The location. Only locations that the event type offers are accepted.
    pub location: Option<BookingLocation>,
    /// The metadata; see [`Metadata`] for the limits.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The answers to the event type's booking fields, by slug.
    #[serde(default, skip_serializing_if = "JsonObject::is_empty")]
    pub booking_fields_responses: JsonObject,
    /// The number of bookings in the series of a recurring event type.
    ///
    /// By default, the event type's own number.
    pub recurrence_count: Option<u32>,
    /// The result of a routing form.
    pub routing: Option<Routing>,
    /// The code that the booker received by e-mail, if the event type requires one.
    pub email_verification_code: Option<String>,
    /// Whether to book even if the host is busy. For hosts only, from API version 2026-02-25.
    pub allow_conflicts: Option<bool>,
    /// Whether to book outside the host's hours and the booking window.
    ///
    /// For hosts only, from API version 2026-02-25.
    pub allow_booking_out_of_bounds: Option<bool>,
    /// Whether to ignore the event type's booking limits.
    ///
    /// For hosts only, from API version 2026-02-25.
    pub skip_booking_limits: Option<bool>,
}

/// The result of a routing form, based on the booker's answers.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Routing {
    /// The id of the form's response.
    #[serde(default)]
    pub response_id: Option<i64>,
    /// The team members that the form routes to.
    #[serde(default)]
    pub team_member_ids: Option<Vec<UserId>>,
    /// The e-mail address of the team member who should host the meeting.
    #[serde(default)]
    pub team_member_email: Option<String>,
    /// Whether the contact's owner is skipped.
    #[serde(default)]
    pub skip_contact_owner: Option<bool>,
    /// The CRM app that knows the contact's owner, such as `salesforce`.
    #[serde(default)]
    pub crm_app_slug: Option<String>,
    /// The record type of the contact's owner in the CRM.
    #[serde(default)]
    pub crm_owner_record_type: Option<String>,
    /// The id of the queued response.
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
    /// Creates a booking request with the required parameters.
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
            booking_fields_responses: JsonObject::new(),
            recurrence_count: None,
            routing: None,
            email_verification_code: None,
            allow_conflicts: None,
            allow_booking_out_of_bounds: None,
            skip_booking_limits: None,
        }
    }

    /// Adds a metadata entry.
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

    /// Sets the length in minutes, for event types that offer several.
    #[must_use]
    pub fn with_length(mut self, minutes: u32) -> Self {
        self.length_in_minutes = Some(minutes);
        self
    }

    /// Sets the location, which must be one that the event type offers.
    #[must_use]
    pub fn with_location(mut self, location: BookingLocation) -> Self {
        self.location = Some(location);
        self
    }

    /// Adds the answer to a booking field of the event type.
    #[must_use]
    pub fn with_booking_field(mut self, slug: impl AsRef<str>, answer: impl Into<Value>) -> Self {
        self.booking_fields_responses.insert(slug, answer);
        self
    }

    /// Sets the number of bookings, for a recurring event type.
    #[must_use]
    pub fn with_recurrence_count(mut self, count: u32) -> Self {
        self.recurrence_count = Some(count);
        self
    }

    /// Sets the language of the attendee's e-mails, such as `de`.
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

/// Optional parameters for rescheduling.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RescheduleParams {
    /// The reason, as the attendee will read it. Rejected for a single seat.
    pub rescheduling_reason: Option<String>,
    /// The e-mail address of the person who reschedules.
    ///
    /// On an event type that requires confirmation, a booking rescheduled by a host stays accepted,
    /// while one rescheduled by an attendee becomes pending.
    pub rescheduled_by: Option<String>,
    /// The seat to reschedule, on a seated booking.
    pub seat_uid: Option<SeatUid>,
    /// The code that the booker received by e-mail, if the event type requires one.
    pub email_verification_code: Option<String>,
    /// Whether to book even if the host is busy. For hosts only, from API version 2026-02-25.
    pub allow_conflicts: Option<bool>,
    /// Whether to book outside the host's hours and the booking window.
    ///
    /// For hosts only, from API version 2026-02-25.
    pub allow_booking_out_of_bounds: Option<bool>,
    /// Whether to ignore the event type's booking limits.
    ///
    /// For hosts only, from API version 2026-02-25.
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
    /// Sets the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.rescheduling_reason = Some(reason.into());
        self
    }

    /// Sets the e-mail address of the person who reschedules.
    #[must_use]
    pub fn with_rescheduled_by(mut self, email: impl Into<String>) -> Self {
        self.rescheduled_by = Some(email.into());
        self
    }

    /// Reschedules only one seat.
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

/// Optional parameters for cancelling.
#[skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CancelParams {
    /// The reason. Required if the caller is the host; some servers reject it for a single seat.
    pub cancellation_reason: Option<String>,
    /// The seat to cancel, on a seated booking. A host's key cannot do this.
    pub seat_uid: Option<SeatUid>,
}

impl CancelParams {
    /// Creates parameters with a reason.
    pub fn reason(reason: impl Into<String>) -> Self {
        Self {
            cancellation_reason: Some(reason.into()),
            ..Self::default()
        }
    }

    /// Sets the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.cancellation_reason = Some(reason.into());
        self
    }

    /// Cancels only one seat.
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
