//! From the body of a delivery to an event, and back.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::account::{FormEvent, OutOfOfficeEvent, PingEvent};
use super::booking::{BookingEvent, NoShowEvent};
use super::fields::{Envelope, take, write_delivery};
use super::meeting::{InstantMeetingEvent, MeetingEvent, RecordingEvent, VideoNoShowEvent};
use super::{json, one_time_password};
use crate::model::{BookingUid, Trigger};

/// A webhook delivery. `Debug` shows no personal data, links or secrets.
///
/// Nothing that was sent is lost: keys without a field are in the `extra` of the struct they belong
/// to, or in `root` if they stand beside the payload. Only one-time passwords are dropped.
///
/// An event serializes to Cal.com's own format, `{"triggerEvent", "createdAt", "payload", …}`, with
/// a payload even if the body was flat; a template's body becomes `{"template": "…"}`.
/// Deserializing that gives the same event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// A change of a booking.
    Booking(Box<BookingEvent>),
    /// An attendee was marked as absent, or no longer is.
    NoShow(Box<NoShowEvent>),
    /// The scheduled start or end of a booking was reached.
    Meeting(Box<MeetingEvent>),
    /// A recording or its transcript is available.
    Recording(Box<RecordingEvent>),
    /// A party did not join a Cal Video call in time.
    VideoNoShow(Box<VideoNoShowEvent>),
    /// An attendee is waiting for a host in an instant meeting.
    InstantMeeting(Box<InstantMeetingEvent>),
    /// A routing form was submitted.
    Form(Box<FormEvent>),
    /// An out-of-office entry was created.
    OutOfOffice(Box<OutOfOfficeEvent>),
    /// A test from Cal.com's settings page.
    Ping(Box<PingEvent>),
    /// A trigger without its own type, or a payload that lacks what its type requires. The payload
    /// is kept.
    Other(OtherEvent),
    /// A body made by the subscription's payload template.
    Template(TemplateBody),
}

/// A trigger without its own type, or a payload that lacks what its type requires.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct OtherEvent {
    /// What happened.
    pub trigger: Trigger,
    /// When the delivery was created, if given.
    pub created_at: Option<DateTime<Utc>>,
    /// The payload; for a flat body, all but the trigger and the time.
    pub payload: Value,
    /// Keys beside the payload, other than the trigger and the time.
    pub root: Map<String, Value>,
}

impl Serialize for OtherEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_delivery(
            serializer,
            &self.trigger,
            self.created_at.as_ref(),
            &self.root,
            &self.payload,
        )
    }
}

impl fmt::Debug for OtherEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherEvent")
            .field("trigger", &self.trigger)
            .finish_non_exhaustive()
    }
}

/// The output of a payload template. One-time passwords are dropped if it is JSON and names them
/// `oneTimePassword`; under another name they cannot be recognized.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateBody {
    template: String,
}

impl TemplateBody {
    /// The text, with invalid UTF-8 replaced.
    pub fn as_str(&self) -> &str {
        &self.template
    }
}

impl fmt::Debug for TemplateBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateBody({} bytes)", self.template.len())
    }
}

impl WebhookEvent {
    /// Parses a body that was verified before, such as a stored one; for a new delivery, use
    /// [`receive`](super::receive).
    ///
    /// Never fails: a body that is not in Cal.com's format is a [`Template`](Self::Template), one
    /// that is but cannot be interpreted is an [`Other`](Self::Other).
    pub fn parse(body: &[u8]) -> Self {
        match json::read(body) {
            Some(Value::Object(delivery))
                if delivery.get(TRIGGER).is_some_and(Value::is_string) =>
            {
                Self::of_delivery(delivery)
            }
            _ => Self::Template(TemplateBody {
                template: one_time_password::dropped_from(body),
            }),
        }
    }

    fn of_delivery(mut root: Map<String, Value>) -> Self {
        for value in root.values_mut() {
            one_time_password::drop_from(value);
        }
        root.remove(one_time_password::KEY);
        let trigger = take::<String>(&mut root, TRIGGER).unwrap_or_default();
        let trigger = Trigger::from(trigger.as_str());
        let created_at = take(&mut root, "createdAt");
        // Some triggers have the payload's fields at the top level instead.
        let payload =
            take(&mut root, PAYLOAD).unwrap_or_else(|| Value::Object(std::mem::take(&mut root)));
        let envelope = Envelope {
            trigger,
            created_at,
            root,
        };
        let read = Self::read(envelope, &payload);
        read.unwrap_or_else(|envelope| {
            Self::Other(OtherEvent {
                trigger: envelope.trigger,
                created_at: envelope.created_at,
                payload,
                root: envelope.root,
            })
        })
    }

    /// Reads a payload as what its trigger says; gives the envelope back if it is not that.
    fn read(envelope: Envelope, payload: &Value) -> Result<Self, Envelope> {
        macro_rules! read_as {
            ($variant:ident, $event:ident) => {
                $event::read(envelope, payload).map(|event| Self::$variant(Box::new(event)))
            };
        }
        match &envelope.trigger {
            Trigger::BookingCreated
            | Trigger::BookingPaymentInitiated
            | Trigger::BookingPaid
            | Trigger::BookingRescheduled
            | Trigger::BookingRequested
            | Trigger::BookingCancelled
            | Trigger::BookingRejected
            | Trigger::BookingLocationUpdated
            | Trigger::BookingReassigned => read_as!(Booking, BookingEvent),
            Trigger::BookingNoShowUpdated => read_as!(NoShow, NoShowEvent),
            Trigger::MeetingStarted | Trigger::MeetingEnded => read_as!(Meeting, MeetingEvent),
            Trigger::RecordingReady | Trigger::RecordingTranscriptionGenerated => {
                read_as!(Recording, RecordingEvent)
            }
            Trigger::AfterHostsCalVideoNoShow | Trigger::AfterGuestsCalVideoNoShow => {
                read_as!(VideoNoShow, VideoNoShowEvent)
            }
            Trigger::InstantMeeting => read_as!(InstantMeeting, InstantMeetingEvent),
            Trigger::FormSubmitted
            | Trigger::FormSubmittedNoEvent
            | Trigger::RoutingFormFallbackHit => read_as!(Form, FormEvent),
            Trigger::OooCreated => read_as!(OutOfOffice, OutOfOfficeEvent),
            Trigger::Ping => read_as!(Ping, PingEvent),
            _ => Err(envelope),
        }
    }

    /// The trigger; `None` for a template's body, which need not name one.
    pub fn trigger(&self) -> Option<&Trigger> {
        match self {
            Self::Booking(event) => Some(&event.trigger),
            Self::NoShow(event) => Some(&event.trigger),
            Self::Meeting(event) => Some(&event.trigger),
            Self::Recording(event) => Some(&event.trigger),
            Self::VideoNoShow(event) => Some(&event.trigger),
            Self::InstantMeeting(event) => Some(&event.trigger),
            Self::Form(event) => Some(&event.trigger),
            Self::OutOfOffice(event) => Some(&event.trigger),
            Self::Ping(event) => Some(&event.trigger),
            Self::Other(event) => Some(&event.trigger),
            Self::Template(_) => None,
        }
    }

    /// The booking it is about.
    pub fn booking_uid(&self) -> Option<&BookingUid> {
        match self {
            Self::Booking(event) => Some(&event.uid),
            Self::NoShow(event) => Some(&event.booking_uid),
            Self::Meeting(event) => event.uid.as_ref(),
            Self::Recording(event) => event.uid.as_ref(),
            Self::VideoNoShow(event) => event.booking_uid.as_ref(),
            Self::InstantMeeting(event) => event.uid.as_ref(),
            Self::Form(_)
            | Self::OutOfOffice(_)
            | Self::Ping(_)
            | Self::Other(_)
            | Self::Template(_) => None,
        }
    }
}

const TRIGGER: &str = "triggerEvent";
const PAYLOAD: &str = "payload";

impl Serialize for WebhookEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Booking(event) => event.serialize(serializer),
            Self::NoShow(event) => event.serialize(serializer),
            Self::Meeting(event) => event.serialize(serializer),
            Self::Recording(event) => event.serialize(serializer),
            Self::VideoNoShow(event) => event.serialize(serializer),
            Self::InstantMeeting(event) => event.serialize(serializer),
            Self::Form(event) => event.serialize(serializer),
            Self::OutOfOffice(event) => event.serialize(serializer),
            Self::Ping(event) => event.serialize(serializer),
            Self::Other(event) => event.serialize(serializer),
            Self::Template(body) => body.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WebhookEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Map::deserialize(deserializer)?;
        if event.get(TRIGGER).is_some_and(Value::is_string) {
            return Ok(Self::of_delivery(event));
        }
        // What a template made is not repeated in the error.
        TemplateBody::deserialize(Value::Object(event))
            .map(Self::Template)
            .map_err(|_| D::Error::custom("neither a delivery nor the body that a template made"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_triggers_and_templates_are_kept_as_such() {
        let unknown = WebhookEvent::parse(br#"{"triggerEvent":"NEW_THING","payload":{"uid":"u"}}"#);
        assert!(matches!(&unknown, WebhookEvent::Other(e) if e.trigger.as_str() == "NEW_THING"));
        for template in [&br#"{"uid":"u"}"#[..], b"plain text", b"", b"[1]", b"\xff"] {
            let event = WebhookEvent::parse(template);
            assert!(matches!(event, WebhookEvent::Template(_)));
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json, json!({"template": String::from_utf8_lossy(template)}));
            assert_eq!(WebhookEvent::deserialize(json).unwrap(), event);
        }
        let without_uid =
            WebhookEvent::parse(br#"{"triggerEvent":"BOOKING_CREATED","payload":{}}"#);
        assert!(matches!(without_uid, WebhookEvent::Other(_)));
    }

    #[test]
    fn what_is_neither_a_delivery_nor_a_template_is_no_event() {
        for json in [
            json!({}),
            json!({"template": 5}),
            json!({"template": "t", "x": 1}),
            json!("t"),
        ] {
            assert!(WebhookEvent::deserialize(json).is_err());
        }
    }

    #[test]
    fn half_a_character_does_not_cost_the_event() {
        let body =
            br#"{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"u","title":"Cut \ud83d"}}"#;
        let event = WebhookEvent::parse(body);
        assert_eq!(event.booking_uid(), Some(&BookingUid::new("u")));
    }

    #[test]
    fn an_attendee_without_an_address_does_not_hide_the_others() {
        let body = br#"{"triggerEvent":"BOOKING_NO_SHOW_UPDATED","payload":{"bookingUid":"u","attendees":[{"noShow":true},{"email":"a@example.com","noShow":true}]}}"#;
        let WebhookEvent::NoShow(event) = WebhookEvent::parse(body) else {
            panic!("not a no-show event");
        };
        assert_eq!(event.booking_uid.as_str(), "u");
        let attendees = event.attendees.unwrap();
        assert_eq!(attendees[0].email, None);
        assert_eq!(attendees[1].email.as_deref(), Some("a@example.com"));
        assert_eq!(attendees[1].no_show, Some(true));
    }

    #[test]
    fn a_value_of_another_type_costs_neither_the_event_nor_itself() {
        let payload = json!({"uid": "u", "startTime": 7, "eventTypeId": "x", "organizer": [], "metadata": "m", "status": "NEW",
            "attendees": [{"email": 5, "name": "Ann"}], "responses": {"name": "Ann"}});
        let body = json!({"triggerEvent": "BOOKING_CREATED", "createdAt": 5, "payload": payload});
        let WebhookEvent::Booking(event) = WebhookEvent::parse(body.to_string().as_bytes()) else {
            panic!("not a booking event");
        };
        assert_eq!((event.start_time, event.event_type_id), (None, None));
        assert_eq!(event.status.as_ref().unwrap().as_str(), "NEW");
        for key in [
            "startTime",
            "eventTypeId",
            "organizer",
            "metadata",
            "responses",
        ] {
            assert_eq!(event.extra.get(key), Some(&payload[key]), "{key}");
        }
        let attendee = &event.attendees.as_ref().unwrap()[0];
        assert_eq!(attendee.name.as_deref(), Some("Ann"));
        assert_eq!(
            (&attendee.email, &attendee.extra["email"]),
            (&None, &json!(5))
        );
        assert_eq!(
            (event.created_at, &event.root["createdAt"]),
            (None, &json!(5))
        );
        assert_eq!(
            serde_json::to_value(WebhookEvent::Booking(event)).unwrap(),
            body
        );
    }
}
