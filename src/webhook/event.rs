//! What a delivery says.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{
    DefaultOnError, NoneAsEmptyString, VecSkipError, serde_as, skip_serializing_none,
};

use crate::model::{
    BookingId, BookingUid, EventTypeId, Host, InstantFormat, SeatUid, Trigger, open_enum,
};

open_enum! {
    /// The status words of deliveries, which differ from those of the API in their case.
    EventStatus {
        /// It takes place.
        Accepted = "ACCEPTED",
        /// It waits for confirmation.
        Pending = "PENDING",
        /// It was cancelled.
        Cancelled = "CANCELLED",
        /// It was declined.
        Rejected = "REJECTED",
    }
}

/// What a delivery says. `Debug` shows no person.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookEvent {
    /// Something happened to a booking.
    Booking(Box<BookingEvent>),
    /// Somebody was marked as absent, or no longer.
    NoShow(NoShowEvent),
    /// A trigger that is not about a booking's state, or one that this version does not know; the body is kept.
    Other(OtherEvent),
    /// Not a body of Cal.com's own making: the subscription has a template, and this is what it made.
    Template(TemplateBody),
}

/// A booking as a delivery tells it: a hint, built when the delivery was sent. Read the booking to know.
///
/// One-time passwords in the body are not kept. A field whose type is not the expected one counts as absent; only the uid is
/// needed.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookingEvent {
    /// What happened.
    #[serde(skip_deserializing, default = "unknown_trigger")]
    pub trigger: Trigger,
    /// When the delivery was built; for flat bodies, when the booking was made.
    #[serde(skip_deserializing)]
    pub created_at: Option<DateTime<Utc>>,
    /// The booking; after a reschedule, the new one.
    pub uid: BookingUid,
    /// The booking's number.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub booking_id: Option<BookingId>,
    /// The booking that this one replaced.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub reschedule_uid: Option<BookingUid>,
    /// Where it stands.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub status: Option<EventStatus>,
    /// When it begins.
    #[serde_as(as = "DefaultOnError<Option<InstantFormat>>")]
    #[serde(default)]
    pub start_time: Option<DateTime<Utc>>,
    /// When it ends.
    #[serde_as(as = "DefaultOnError<Option<InstantFormat>>")]
    #[serde(default)]
    pub end_time: Option<DateTime<Utc>>,
    /// The event type.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub event_type_id: Option<EventTypeId>,
    /// Who holds the meeting.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub organizer: Option<Host>,
    /// What the booking carries. Present for created, requested and rescheduled bookings; absent for cancelled, rejected and
    /// confirmed ones.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The seat concerned; a seated body names that one attendee only.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub attendee_seat_id: Option<SeatUid>,
    /// Set if the attendee was asked to choose another time, which arrives as a cancellation.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default)]
    pub request_reschedule: Option<bool>,
    /// Why. Also present on bookings that live: it does not mean that the booking is cancelled.
    #[serde_as(as = "DefaultOnError<NoneAsEmptyString>")]
    #[serde(default)]
    pub cancellation_reason: Option<String>,
    /// Why it was declined.
    #[serde_as(as = "DefaultOnError<NoneAsEmptyString>")]
    #[serde(default)]
    pub rejection_reason: Option<String>,
    /// The calendar identity; absent from reschedules.
    #[serde_as(deserialize_as = "DefaultOnError")]
    #[serde(default, rename = "iCalUID")]
    pub ical_uid: Option<String>,
}

fn unknown_trigger() -> Trigger {
    Trigger::Other(String::new())
}

impl fmt::Debug for BookingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookingEvent")
            .field("trigger", &self.trigger)
            .field("uid", &self.uid)
            .field("reschedule_uid", &self.reschedule_uid)
            .field("status", &self.status)
            .field("start_time", &self.start_time)
            .finish_non_exhaustive()
    }
}

/// Somebody was marked as absent, or no longer.
#[serde_as]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NoShowEvent {
    /// When the delivery was built.
    #[serde(skip_deserializing)]
    pub created_at: Option<DateTime<Utc>>,
    /// The booking. The body has no `uid`.
    pub booking_uid: BookingUid,
    /// Who, and whether they are absent now. An entry that cannot be read is left out.
    #[serde_as(deserialize_as = "DefaultOnError<VecSkipError<_>>")]
    #[serde(default)]
    pub attendees: Vec<NoShowAttendee>,
}

impl fmt::Debug for NoShowEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoShowEvent")
            .field("booking_uid", &self.booking_uid)
            .field("attendees", &self.attendees.len())
            .finish_non_exhaustive()
    }
}

/// One attendee of a [`NoShowEvent`]. `Debug` does not show who it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NoShowAttendee {
    /// The e-mail address.
    pub email: String,
    /// Whether the attendee is marked as absent now.
    #[serde(default)]
    pub no_show: bool,
}

impl fmt::Debug for NoShowAttendee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoShowAttendee")
            .field("no_show", &self.no_show)
            .finish_non_exhaustive()
    }
}

/// A trigger that is not about a booking's state, or one that this version does not know.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OtherEvent {
    /// What happened.
    pub trigger: Trigger,
    /// When the delivery was built, if it says so.
    pub created_at: Option<DateTime<Utc>>,
    /// The payload, or the whole body where it is flat.
    pub payload: Value,
}

impl fmt::Debug for OtherEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherEvent")
            .field("trigger", &self.trigger)
            .finish_non_exhaustive()
    }
}

/// What a template made.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TemplateBody {
    body: String,
}

impl TemplateBody {
    /// The text, with invalid UTF-8 replaced.
    pub fn as_str(&self) -> &str {
        &self.body
    }
}

impl fmt::Debug for TemplateBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateBody({} bytes)", self.body.len())
    }
}

#[serde_as]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    trigger_event: Trigger,
    #[serde_as(as = "DefaultOnError<Option<InstantFormat>>")]
    #[serde(default)]
    created_at: Option<DateTime<Utc>>,
    #[serde(default)]
    payload: Option<Value>,
}

/// Whether a trigger tells of a change to a booking.
fn is_about_booking(trigger: &Trigger) -> bool {
    matches!(
        trigger,
        Trigger::BookingCreated
            | Trigger::BookingPaymentInitiated
            | Trigger::BookingPaid
            | Trigger::BookingRescheduled
            | Trigger::BookingRequested
            | Trigger::BookingCancelled
            | Trigger::BookingRejected
            | Trigger::BookingLocationUpdated
            | Trigger::BookingReassigned
    )
}

impl WebhookEvent {
    /// Reads a body. Every body is an event of some kind: what is not in Cal.com's form is a [`Template`](Self::Template), what
    /// is in its form and not understood is an [`Other`](Self::Other).
    pub fn parse(body: &[u8]) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
            let body = String::from_utf8_lossy(body).into_owned();
            return Self::Template(TemplateBody { body });
        };
        let Envelope {
            trigger_event: trigger,
            created_at,
            payload,
        } = envelope;
        // Some triggers repeat the booking's fields at the top level instead of in a payload.
        let payload = payload
            .or_else(|| serde_json::from_slice(body).ok())
            .unwrap_or(Value::Null);
        if trigger == Trigger::BookingNoShowUpdated
            && let Ok(mut event) = NoShowEvent::deserialize(&payload)
        {
            event.created_at = created_at;
            return Self::NoShow(event);
        }
        if is_about_booking(&trigger)
            && let Ok(mut event) = BookingEvent::deserialize(&payload)
        {
            event.trigger = trigger;
            event.created_at = created_at;
            return Self::Booking(Box::new(event));
        }
        Self::Other(OtherEvent {
            trigger,
            created_at,
            payload,
        })
    }

    /// What happened; `None` for a template's body, which need not say.
    pub fn trigger(&self) -> Option<&Trigger> {
        match self {
            Self::Booking(event) => Some(&event.trigger),
            Self::NoShow(_) => Some(&Trigger::BookingNoShowUpdated),
            Self::Other(event) => Some(&event.trigger),
            Self::Template(_) => None,
        }
    }

    /// The booking that it is about.
    pub fn booking_uid(&self) -> Option<&BookingUid> {
        match self {
            Self::Booking(event) => Some(&event.uid),
            Self::NoShow(event) => Some(&event.booking_uid),
            Self::Other(_) | Self::Template(_) => None,
        }
    }
}

/// A body with its one-time passwords removed, for storing. Whoever has such a password can confirm a booking.
pub fn without_one_time_passwords(body: &[u8]) -> String {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    if key == "oneTimePassword" {
                        *value = Value::Null;
                    } else {
                        clean(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(clean),
            _ => {}
        }
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut json) => {
            clean(&mut json);
            json.to_string()
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_passwords_are_removed_at_any_depth() {
        let body = br#"{"payload":{"oneTimePassword":"7a64","list":[{"oneTimePassword":"7a64"}],"uid":"u"}}"#;
        let cleaned = without_one_time_passwords(body);
        assert!(!cleaned.contains("7a64"), "{cleaned}");
        assert!(cleaned.contains(r#""uid":"u""#));
    }

    #[test]
    fn unknown_triggers_and_templates_are_kept_as_such() {
        let unknown = WebhookEvent::parse(br#"{"triggerEvent":"NEW_THING","payload":{"uid":"u"}}"#);
        assert!(matches!(&unknown, WebhookEvent::Other(e) if e.trigger.as_str() == "NEW_THING"));
        for template in [&br#"{"uid":"u"}"#[..], b"plain text", b"", b"[1]", b"\xff"] {
            let event = WebhookEvent::parse(template);
            assert!(matches!(event, WebhookEvent::Template(_)));
            // A text within a tagged enumeration has to have a name.
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["kind"], "template");
            assert!(json["body"].is_string());
        }
        let without_uid =
            WebhookEvent::parse(br#"{"triggerEvent":"BOOKING_CREATED","payload":{}}"#);
        assert!(matches!(without_uid, WebhookEvent::Other(_)));
    }

    #[test]
    fn an_attendee_without_an_address_does_not_hide_the_booking() {
        let body = br#"{"triggerEvent":"BOOKING_NO_SHOW_UPDATED","payload":{"bookingUid":"u","attendees":[{"noShow":true},{"email":"a@example.com","noShow":true}]}}"#;
        let WebhookEvent::NoShow(event) = WebhookEvent::parse(body) else {
            panic!("not a no-show event");
        };
        assert_eq!(event.booking_uid.as_str(), "u");
        assert_eq!(event.attendees.len(), 1);
    }

    #[test]
    fn a_field_of_another_type_does_not_lose_the_event() {
        let body = br#"{"triggerEvent":"BOOKING_CREATED","createdAt":5,"payload":{"uid":"u","startTime":7,"eventTypeId":"x","organizer":[],"metadata":"m","status":"NEW"}}"#;
        let WebhookEvent::Booking(event) = WebhookEvent::parse(body) else {
            panic!("not a booking event");
        };
        assert_eq!(event.uid.as_str(), "u");
        assert_eq!((event.start_time, event.event_type_id), (None, None));
        assert_eq!(event.status, Some(EventStatus::Other("NEW".to_owned())));
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body: Vec<u8>) {
            let event = WebhookEvent::parse(&body);
            proptest::prop_assert!(serde_json::to_value(&event).is_ok());
            let _ = without_one_time_passwords(&body);
        }
    }
}
