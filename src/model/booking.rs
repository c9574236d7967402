//! Bookings: what is read, and what is sent to create, reschedule, cancel and list them.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{DefaultOnNull, NoneAsEmptyString, serde_as, skip_serializing_none};

use super::attendee::{Attendee, Host};
use super::id::{BookingId, BookingUid, EventTypeId, RecurringBookingUid, SeatUid};
use super::open_enum::open_enum;
use super::time::Instant;

open_enum! {
    /// Where a booking stands.
    ///
    /// The words of the list filter differ from these: see [`BookingFilter`](super::BookingFilter).
    BookingStatus {
        /// It takes place.
        Accepted = "accepted",
        /// It waits for the host's confirmation.
        Pending = "pending",
        /// It was cancelled, or rescheduled away: then `rescheduled_to_uid` points to its successor.
        Cancelled = "cancelled",
        /// The host declined it.
        Rejected = "rejected",
        /// An instant meeting that waits for a host; the published document lacks the word.
        AwaitingHost = "awaiting_host",
    }
}

/// Free-form text that travels with a booking, and along its chain of reschedules.
///
/// The server takes strings only: at most 50 keys of at most 40 characters, values of at most 500.
pub type Metadata = BTreeMap<String, String>;

/// The event type of a booking, as contained in the booking.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventTypeRef {
    /// The event type's number.
    pub id: EventTypeId,
    /// The event type's slug.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub slug: String,
}

/// One booking: single, one of a recurring series, or seated.
///
/// A booking is never moved. A reschedule makes a new one, and the old one turns [`Cancelled`](BookingStatus::Cancelled)
/// with `rescheduled_to_uid`; both carry the same `ics_uid`, except seats.
///
/// `Debug` shows identifiers, status and times, never who takes part.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Booking {
    /// The booking's number.
    pub id: BookingId,
    /// The booking's uid, which the endpoints take.
    pub uid: BookingUid,
    /// The title, which usually names host and attendee.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub title: String,
    /// The attendee's notes or the event type's description; null on seated bookings.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it stands.
    pub status: BookingStatus,
    /// When it begins.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// When it ends.
    #[serde_as(as = "Instant")]
    pub end: DateTime<Utc>,
    /// The length in minutes.
    #[serde(default)]
    pub duration: Option<i64>,
    /// The event type; `None` once the event type was deleted.
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// The event type with its slug; `None` once the event type was deleted.
    #[serde(default)]
    pub event_type: Option<EventTypeRef>,
    /// Who holds the meeting.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// Who comes. For a seated booking, one entry a seat.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub attendees: Vec<Attendee>,
    /// E-mail addresses of further guests.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<String>,
    /// Where it takes place: an address, a link, or an integration's name.
    #[serde(default)]
    pub location: Option<String>,
    /// The older name of `location`.
    #[serde(default)]
    pub meeting_url: Option<String>,
    /// Whether the host did not come.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub absent_host: bool,
    /// What the booking carries; values are strings when written through this API, but the server may hold others.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The answers to the event type's booking fields.
    #[serde(default)]
    pub booking_fields_responses: Option<Map<String, Value>>,
    /// The booking that this one replaced.
    #[serde(default)]
    pub rescheduled_from_uid: Option<BookingUid>,
    /// The booking that replaced this one.
    #[serde(default)]
    pub rescheduled_to_uid: Option<BookingUid>,
    /// Why it was moved.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub rescheduling_reason: Option<String>,
    /// Who moved it; null throughout on the servers that were observed.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub rescheduled_by_email: Option<String>,
    /// Why it was cancelled. Also set on bookings that live: never infer a cancellation from it.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub cancellation_reason: Option<String>,
    /// Who cancelled it; null or empty on the servers that were observed.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub cancelled_by_email: Option<String>,
    /// The series that it belongs to; absent for a booking that does not recur.
    #[serde(default)]
    pub recurring_booking_uid: Option<RecurringBookingUid>,
    /// The seat that the answered call was about; only on seated bookings.
    #[serde(default)]
    pub seat_uid: Option<SeatUid>,
    /// The calendar identity, which stays the same along a chain of reschedules (not for seats).
    #[serde(default)]
    pub ics_uid: Option<String>,
    /// The attendee's rating.
    #[serde(default)]
    pub rating: Option<f64>,
    /// When it was made.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed; moved by reschedule and cancel too.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub updated_at: Option<DateTime<Utc>>,
}

impl Booking {
    /// Whether the booking takes up time: accepted, pending or waiting for a host.
    ///
    /// An unknown status counts as live, because forgetting a live booking costs more than reading an ended one.
    pub fn is_live(&self) -> bool {
        !matches!(
            self.status,
            BookingStatus::Cancelled | BookingStatus::Rejected
        )
    }

    /// Whether it is one of a recurring series.
    pub fn is_recurring(&self) -> bool {
        self.recurring_booking_uid.is_some()
    }

    /// Whether attendees hold seats in it.
    pub fn is_seated(&self) -> bool {
        self.seat_uid.is_some() || self.attendees.iter().any(|a| a.seat_uid.is_some())
    }

    /// One value of the metadata, if it is a string; for a seated booking the seats' own metadata is searched too.
    pub fn metadata_str(&self, key: &str) -> Option<&str> {
        let own = self.metadata.iter();
        let seats = self.attendees.iter().filter_map(|a| a.metadata.as_ref());
        own.chain(seats)
            .find_map(|metadata| metadata.get(key))
            .and_then(Value::as_str)
    }

    /// The event type's number, from whichever of the two fields has it.
    pub fn event_type_id(&self) -> Option<EventTypeId> {
        self.event_type_id
            .or_else(|| self.event_type.as_ref().map(|t| t.id))
    }
}

impl fmt::Debug for Booking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Booking")
            .field("uid", &self.uid)
            .field("status", &self.status)
            .field("start", &self.start)
            .field("end", &self.end)
            .field("event_type_id", &self.event_type_id())
            .field("attendees", &self.attendees.len())
            .field("rescheduled_from_uid", &self.rescheduled_from_uid)
            .field("rescheduled_to_uid", &self.rescheduled_to_uid)
            .finish_non_exhaustive()
    }
}

/// What the server answers where a booking may be one of many: an object for a single booking, an array for a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BookingOrSeries {
    /// A single or seated booking.
    Booking(Box<Booking>),
    /// The bookings of a recurring series, in order.
    Series(Vec<Booking>),
}

// By hand, because an untagged enum would lose where in the answer the reading failed.
impl<'de> Deserialize<'de> for BookingOrSeries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOrArray;

        impl<'de> Visitor<'de> for ObjectOrArray {
            type Value = BookingOrSeries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a booking or an array of bookings")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let booking = Booking::deserialize(MapAccessDeserializer::new(map))?;
                Ok(BookingOrSeries::Booking(Box::new(booking)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(BookingOrSeries::Series)
            }
        }

        deserializer.deserialize_any(ObjectOrArray)
    }
}

impl BookingOrSeries {
    /// The booking, or the first of the series; `None` for an empty series.
    pub fn first(&self) -> Option<&Booking> {
        self.as_slice().first()
    }

    /// The booking, or the first of the series; `None` for an empty series.
    pub fn into_first(self) -> Option<Booking> {
        self.into_iter().next()
    }

    /// Iterates over the bookings, one or many.
    pub fn iter(&self) -> std::slice::Iter<'_, Booking> {
        self.as_slice().iter()
    }

    /// All bookings, one or many.
    pub fn as_slice(&self) -> &[Booking] {
        match self {
            Self::Booking(booking) => std::slice::from_ref(booking),
            Self::Series(bookings) => bookings,
        }
    }

    /// All bookings, one or many.
    pub fn into_vec(self) -> Vec<Booking> {
        match self {
            Self::Booking(booking) => vec![*booking],
            Self::Series(bookings) => bookings,
        }
    }
}

impl IntoIterator for BookingOrSeries {
    type Item = Booking;
    type IntoIter = std::vec::IntoIter<Booking>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

impl<'a> IntoIterator for &'a BookingOrSeries {
    type Item = &'a Booking;
    type IntoIter = std::slice::Iter<'a, Booking>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
