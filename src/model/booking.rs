//! Bookings, and the responses that contain them.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::{DefaultOnNull, NoneAsEmptyString, serde_as, skip_serializing_none};

use super::attendee::{Attendee, Host};
use super::id::{BookingId, BookingUid, EventTypeId, RecurringBookingUid, SeatUid};
use super::json_object::JsonObject;
use super::open_enum::open_enum;
use super::time::Instant;

open_enum! {
    /// The status of a booking.
    ///
    /// The values of the list filter are different: see [`BookingFilter`](super::BookingFilter).
    BookingStatus {
        /// The booking is confirmed.
        Accepted = "accepted",
        /// The booking is waiting for the host's confirmation.
        Pending = "pending",
        /// The booking was cancelled, or rescheduled, in which case `rescheduled_to_uid` refers to
        /// its successor.
        Cancelled = "cancelled",
        /// The host declined the booking.
        Rejected = "rejected",
        /// An instant meeting that is waiting for a host. The published document lacks this value.
        AwaitingHost = "awaiting_host",
    }
}

/// Free-form strings attached to a booking, which are kept when it is rescheduled.
///
/// The server accepts only strings: at most 50 keys of up to 40 characters, with values of up to
/// 500.
pub type Metadata = BTreeMap<String, String>;

/// The entries of metadata that was read which can be written back: those that are strings.
pub(super) fn text_entries(read: &JsonObject) -> Metadata {
    let text = |(key, value): (&str, &Value)| Some((key.to_owned(), value.as_str()?.to_owned()));
    read.iter().filter_map(text).collect()
}

/// The event type of a booking, as contained in the booking.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventTypeRef {
    /// The event type's id.
    pub id: EventTypeId,
    /// The event type's slug.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub slug: String,
}

/// A booking: a single one, one of a recurring series, or a seated one.
///
/// Bookings are never moved. Rescheduling creates a new booking, and the old one becomes
/// [`Cancelled`](BookingStatus::Cancelled) with `rescheduled_to_uid` set. Both have the same
/// `ics_uid`, except for seats.
///
/// `Debug` shows identifiers, the status and times, but never the participants.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// let booking = client.bookings().get(&"m17TcGAhvyqsSEnjriX3hF".into()).await?;
/// println!("{} at {}", booking.title, booking.start);
/// for attendee in &booking.attendees {
///     println!("with {}", attendee.name);
/// }
/// if let (false, Some(successor)) = (booking.is_live(), &booking.rescheduled_to_uid) {
///     println!("rescheduled to {successor}");
/// }
/// # Ok(())
/// # }
/// ```
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Booking {
    /// The booking's id.
    pub id: BookingId,
    /// The booking's uid, which most endpoints expect.
    pub uid: BookingUid,
    /// The title, which usually contains the names of the host and the attendee.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub title: String,
    /// The attendee's notes or the event type's description; null on seated bookings.
    #[serde(default)]
    pub description: Option<String>,
    /// The status.
    pub status: BookingStatus,
    /// The start.
    #[serde_as(as = "Instant")]
    pub start: DateTime<Utc>,
    /// The end.
    #[serde_as(as = "Instant")]
    pub end: DateTime<Utc>,
    /// The length in minutes.
    #[serde(default)]
    pub duration: Option<i64>,
    /// The id of the event type; `None` once the event type has been deleted.
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// The event type with its slug; `None` once the event type has been deleted.
    #[serde(default)]
    pub event_type: Option<EventTypeRef>,
    /// The hosts.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// The attendees. For a seated booking, one entry per seat.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub attendees: Vec<Attendee>,
    /// The e-mail addresses of additional guests.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<String>,
    /// The location: an address, a link, or the name of an integration.
    #[serde(default)]
    pub location: Option<String>,
    /// The former name of `location`.
    #[serde(default)]
    pub meeting_url: Option<String>,
    /// Whether the host was absent.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub absent_host: bool,
    /// The metadata. Values written through this API are strings, but the server may hold others.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
    /// The answers to the event type's booking fields.
    #[serde(default)]
    pub booking_fields_responses: Option<JsonObject>,
    /// The booking that this one replaced.
    #[serde(default)]
    pub rescheduled_from_uid: Option<BookingUid>,
    /// The booking that replaced this one.
    #[serde(default)]
    pub rescheduled_to_uid: Option<BookingUid>,
    /// Why the booking was rescheduled.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub rescheduling_reason: Option<String>,
    /// Who rescheduled the booking; always null on the servers observed.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub rescheduled_by_email: Option<String>,
    /// Why the booking was cancelled.
    ///
    /// Also set on live bookings: never infer a cancellation from it.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub cancellation_reason: Option<String>,
    /// Who cancelled the booking; null or empty on the servers observed.
    #[serde_as(as = "NoneAsEmptyString")]
    #[serde(default)]
    pub cancelled_by_email: Option<String>,
    /// The series that the booking belongs to; absent for a booking that does not recur.
    #[serde(default)]
    pub recurring_booking_uid: Option<RecurringBookingUid>,
    /// The seat that the request referred to; only on seated bookings.
    #[serde(default)]
    pub seat_uid: Option<SeatUid>,
    /// The iCalendar UID, which stays the same when a booking is rescheduled (except for seats).
    #[serde(default)]
    pub ics_uid: Option<String>,
    /// The attendee's rating.
    #[serde(default)]
    pub rating: Option<f64>,
    /// When the booking was created.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
    /// When the booking was last updated. Rescheduling and cancelling also change it.
    #[serde_as(as = "Option<Instant>")]
    #[serde(default)]
    pub updated_at: Option<DateTime<Utc>>,
}

impl Booking {
    /// Returns whether the booking takes up time: it is accepted, pending or waiting for a host.
    ///
    /// An unknown status counts as live, because missing a live booking is worse than keeping an
    /// ended one.
    pub fn is_live(&self) -> bool {
        !matches!(
            self.status,
            BookingStatus::Cancelled | BookingStatus::Rejected
        )
    }

    /// Returns whether the booking is part of a recurring series.
    pub fn is_recurring(&self) -> bool {
        self.recurring_booking_uid.is_some()
    }

    /// Returns whether the booking has seats.
    pub fn is_seated(&self) -> bool {
        self.seat_uid.is_some() || self.attendees.iter().any(|a| a.seat_uid.is_some())
    }

    /// Returns a metadata value of the booking itself, if it is a string.
    ///
    /// Each seat of a seated booking has metadata of its own; see
    /// [`metadata_values`](Self::metadata_values).
    pub fn metadata_str(&self, key: &str) -> Option<&str> {
        self.metadata.as_ref()?.get(key)?.as_str()
    }

    /// Returns the values under a metadata key, of the booking itself and of each seat, that are
    /// strings.
    pub fn metadata_values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let seats = self.attendees.iter().filter_map(|a| a.metadata.as_ref());
        let all = self.metadata.iter().chain(seats);
        all.filter_map(move |metadata| metadata.get(key)?.as_str())
    }

    /// Returns the id of the event type, from whichever of the two fields contains it.
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

/// A response with one or many bookings: an object for a single booking, an array for a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BookingOrSeries {
    /// A single or seated booking.
    Booking(Box<Booking>),
    /// The bookings of a recurring series, in order.
    Series(Vec<Booking>),
}

// By hand, because an untagged enum would lose the path at which deserializing failed.
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
    /// Returns the booking, or the first of the series; `None` for an empty series.
    pub fn first(&self) -> Option<&Booking> {
        self.as_slice().first()
    }

    /// Returns the booking, or the first of the series; `None` for an empty series.
    pub fn into_first(self) -> Option<Booking> {
        self.into_iter().next()
    }

    /// Iterates over the bookings, one or many.
    pub fn iter(&self) -> std::slice::Iter<'_, Booking> {
        self.as_slice().iter()
    }

    /// Returns all bookings, one or many.
    pub fn as_slice(&self) -> &[Booking] {
        match self {
            Self::Booking(booking) => std::slice::from_ref(booking),
            Self::Series(bookings) => bookings,
        }
    }

    /// Returns all bookings, one or many.
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
