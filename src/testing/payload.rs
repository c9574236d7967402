//! What stands in a webhook body, by the seven kinds that were recorded.
//!
//! The kinds differ in more than their trigger: which fields there are, how instants are spelled,
//! and how people are described.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::zone::utc_offset;
use crate::model::Trigger;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Created,
    /// A pending booking was confirmed; sent as `BOOKING_CREATED` with fewer fields.
    Confirmed,
    Requested,
    Rescheduled,
    Cancelled,
    Rejected,
    NoShow,
    /// The location was changed. Documented, not recorded.
    Located,
}

impl Kind {
    pub(crate) fn trigger(self) -> Trigger {
        match self {
            Self::Created | Self::Confirmed => Trigger::BookingCreated,
            Self::Requested => Trigger::BookingRequested,
            Self::Rescheduled => Trigger::BookingRescheduled,
            Self::Cancelled => Trigger::BookingCancelled,
            Self::Rejected => Trigger::BookingRejected,
            Self::NoShow => Trigger::BookingNoShowUpdated,
            Self::Located => Trigger::BookingLocationUpdated,
        }
    }

    fn status(self) -> &'static str {
        match self {
            Self::Requested => "PENDING",
            Self::Cancelled => "CANCELLED",
            Self::Rejected => "REJECTED",
            _ => "ACCEPTED",
        }
    }

    /// One and the same server spells instants in three ways.
    fn spell(self, instant: DateTime<Utc>) -> String {
        match self {
            Self::Cancelled => instant.to_rfc3339_opts(SecondsFormat::Secs, false),
            Self::Confirmed | Self::Rejected => {
                instant.to_rfc3339_opts(SecondsFormat::Millis, true)
            }
            _ => instant.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

#[derive(Clone, PartialEq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) time_zone: String,
    pub(crate) language: String,
    pub(crate) phone: Option<String>,
    pub(crate) absent: bool,
}

#[derive(Clone, PartialEq)]
pub(crate) struct Organizer {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) time_zone: String,
}

/// The booking that was left behind by a reschedule.
#[derive(Clone, PartialEq)]
pub(crate) struct Previous {
    pub(crate) id: i64,
    pub(crate) uid: String,
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
}

/// Everything that a body can tell.
#[derive(Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) kind: Kind,
    /// The booking's status in upper case, where it is not the one that the kind implies.
    pub(crate) status: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) booker_url: String,
    pub(crate) uid: String,
    pub(crate) booking_id: i64,
    pub(crate) title: String,
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    pub(crate) notes: String,
    pub(crate) event_type_id: i64,
    /// Whether the event type was deleted.
    pub(crate) orphaned: bool,
    pub(crate) slug: String,
    pub(crate) event_title: String,
    pub(crate) event_description: Option<String>,
    pub(crate) requires_confirmation: bool,
    pub(crate) seats: Option<u32>,
    /// Frequency, as a number of RFC 5545's order, and interval.
    pub(crate) recurring: Option<(u8, u32)>,
    /// Of how many bookings a series is made, where all that is left of it is cancelled.
    pub(crate) series_length: Option<u32>,
    /// Whether to include the newer fields of the hosted service.
    pub(crate) newer: bool,
    pub(crate) organizer: Organizer,
    pub(crate) attendees: Vec<Person>,
    pub(crate) guests: Vec<String>,
    pub(crate) location: String,
    pub(crate) ics_uid: String,
    pub(crate) one_time_password: Option<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) previous: Option<Previous>,
    pub(crate) seat_uid: Option<String>,
    /// Why it was cancelled or declined.
    pub(crate) reason: Option<String>,
}

impl Facts {
    /// The whole body.
    pub(crate) fn to_json(&self) -> Value {
        let payload = match self.kind {
            Kind::NoShow => self.no_show(),
            Kind::Cancelled => self.cancelled(),
            Kind::Confirmed | Kind::Rejected => self.decided(),
            Kind::Created | Kind::Requested | Kind::Rescheduled | Kind::Located => self.booked(),
        };
        json!({
            "triggerEvent": self.kind.trigger().as_str(),
            "createdAt": self.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "payload": payload,
        })
    }

    fn booked(&self) -> Value {
        let mut payload = self.common();
        extend(
            &mut payload,
            json!({
                "additionalNotes": self.notes,
                "description": self.description(),
                "hideCalendarNotes": false,
                "hideCalendarEventDetails": false,
                "schedulingType": null,
                "seatsPerTimeSlot": self.seats,
                "seatsShowAttendees": true,
                "seatsShowAvailabilityCount": true,
                "disableRescheduling": false,
                "disableCancelling": false,
                "attendees": self.attendees.iter().map(|person| self.booked_attendee(person)).collect::<Vec<_>>(),
                "responses": self.full_responses(),
                "destinationCalendar": null,
                "iCalSequence": u8::from(self.previous.is_some()),
                "requiresConfirmation": self.requires_confirmation,
                "oneTimePassword": self.one_time_password,
                "price": 0,
                "metadata": self.webhook_metadata(),
            }),
        );
        match (&self.previous, &self.seat_uid) {
            (Some(previous), Some(_)) => {
                extend(
                    &mut payload,
                    json!({"rescheduleUid": previous.uid, "iCalUID": self.ics_uid}),
                );
            }
            (Some(previous), None) => extend(
                &mut payload,
                json!({
                    "appsStatus": [],
                    "rescheduleId": previous.id,
                    "rescheduleUid": previous.uid,
                    "rescheduleStartTime": self.kind.spell(previous.start),
                    "rescheduleEndTime": self.kind.spell(previous.end),
                }),
            ),
            (None, _) => extend(&mut payload, json!({"iCalUID": self.ics_uid})),
        }
        if self.newer && self.kind == Kind::Rescheduled {
            // Seen on the hosted service, although nothing is cancelled.
            let reason = self.reason.as_deref().unwrap_or("");
            extend(&mut payload, json!({"cancellationReason": reason}));
        }
        if let Some(seat) = &self.seat_uid {
            extend(&mut payload, json!({"attendeeSeatId": seat}));
        }
        if let (Some((frequency, interval)), None) = (self.recurring, &self.previous) {
            extend(
                &mut payload,
                json!({"recurringEvent": {"freq": frequency, "interval": interval}}),
            );
        }
        payload
    }

    fn booked_attendee(&self, person: &Person) -> Value {
        let mut json = json!({
            "email": person.email,
            "name": person.name,
            "firstName": "",
            "lastName": "",
            "timeZone": person.time_zone,
            "language": {"locale": person.language},
            "utcOffset": utc_offset(&person.time_zone, self.start),
        });
        if let Some(phone) = &person.phone {
            json["phoneNumber"] = json!(phone);
        }
        json
    }

    /// The notes, or else what the event type says.
    fn description(&self) -> &str {
        if self.notes.is_empty() {
            self.event_description.as_deref().unwrap_or("")
        } else {
            &self.notes
        }
    }

    fn decided(&self) -> Value {
        let mut payload = self.common();
        extend(
            &mut payload,
            json!({
                "attendees": self.plain_attendees(),
                "responses": self.short_responses(),
                "destinationCalendar": [],
                "requiresConfirmation": self.requires_confirmation,
                "price": 0,
            }),
        );
        if !self.notes.is_empty() {
            extend(&mut payload, json!({"description": self.notes}));
        }
        match (self.kind, &self.reason) {
            (Kind::Rejected, Some(reason)) => {
                extend(&mut payload, json!({"rejectionReason": reason}));
            }
            (Kind::Confirmed, _) if self.location.starts_with("http") => {
                extend(
                    &mut payload,
                    json!({"metadata": {"videoCallUrl": self.location}}),
                );
            }
            _ => {}
        }
        payload
    }

    fn cancelled(&self) -> Value {
        let mut payload = self.common();
        let (notes, description) = match self.seats {
            Some(_) => (None, None),
            None => (Some(self.notes.as_str()), Some(self.description())),
        };
        extend(
            &mut payload,
            json!({
                "additionalNotes": notes,
                "description": description,
                "attendees": self.plain_attendees(),
                "responses": self.short_responses(),
                "destinationCalendar": [],
                "seatsPerTimeSlot": self.seats,
                "seatsShowAttendees": self.seats.is_some(),
                "iCalUID": self.ics_uid,
                "iCalSequence": 1,
                "requiresConfirmation": self.requires_confirmation.then_some(true),
                "price": null,
            }),
        );
        match (&self.reason, &self.seat_uid) {
            (Some(reason), _) => extend(&mut payload, json!({"cancellationReason": reason})),
            (None, Some(_)) => extend(&mut payload, json!({"cancellationReason": ""})),
            (None, None) => {}
        }
        if let Some(seat) = self.seat_uid.as_ref().filter(|_| self.newer) {
            extend(&mut payload, json!({"attendeeSeatId": seat}));
        }
        if let (Some((frequency, interval)), Some(count)) = (self.recurring, self.series_length) {
            extend(
                &mut payload,
                json!({"recurringEvent": {"freq": frequency, "count": count, "interval": interval}}),
            );
        }
        if self.orphaned {
            self.leave_out_event_type(&mut payload);
        }
        payload
    }

    /// What a body does not tell once the event type was deleted (observed when such a booking is
    /// cancelled).
    fn leave_out_event_type(&self, payload: &mut Value) {
        if let Value::Object(fields) = payload {
            for absent in [
                "type",
                "seatsPerTimeSlot",
                "seatsShowAttendees",
                "hideOrganizerEmail",
                "customReplyToEmail",
            ] {
                fields.remove(absent);
            }
        }
        let attendee = self.attendees.first();
        let value = |label: &str, value: Option<&str>| json!({"label": label, "value": value});
        extend(
            payload,
            json!({
                "length": null,
                "eventTypeId": null,
                "eventTitle": null,
                "eventDescription": null,
                "currency": null,
                "requiresConfirmation": null,
                "responses": {
                    "name": value("name", attendee.map(|person| person.name.as_str())),
                    "email": value("email", attendee.map(|person| person.email.as_str())),
                },
            }),
        );
    }

    /// The one body without a `uid`.
    fn no_show(&self) -> Value {
        let words: Vec<String> = self
            .attendees
            .iter()
            .map(|person| {
                let verb = if person.absent { "marked" } else { "unmarked" };
                format!("{} {verb} as no-show", person.email)
            })
            .collect();
        json!({
            "message": words.join(", "),
            "attendees": self.attendees.iter()
                .map(|person| json!({"email": person.email, "noShow": person.absent}))
                .collect::<Vec<_>>(),
            "bookingUid": self.uid,
            "bookingId": self.booking_id,
        })
    }

    fn common(&self) -> Value {
        json!({
            "bookerUrl": self.booker_url,
            "type": self.slug,
            "title": self.title,
            "startTime": self.kind.spell(self.start),
            "endTime": self.kind.spell(self.end),
            "eventTypeId": self.event_type_id,
            "eventTitle": self.event_title,
            "eventDescription": self.event_description,
            "hideOrganizerEmail": false,
            "customReplyToEmail": null,
            "customInputs": {},
            "userFieldsResponses": {},
            "organizer": {
                "id": self.organizer.id,
                "name": self.organizer.name,
                "email": self.organizer.email,
                "username": self.organizer.username,
                "timeZone": self.organizer.time_zone,
                "language": {"locale": "en"},
                "timeFormat": "HH:mm",
                "utcOffset": utc_offset(&self.organizer.time_zone, self.start),
            },
            "location": self.location,
            "uid": self.uid,
            "bookingId": self.booking_id,
            "length": (self.end - self.start).num_minutes(),
            "currency": "usd",
            "status": self.status.as_deref().unwrap_or(self.kind.status()),
        })
    }

    fn plain_attendees(&self) -> Vec<Value> {
        self.attendees
            .iter()
            .map(|person| {
                json!({
                    "name": person.name,
                    "email": person.email,
                    "timeZone": person.time_zone,
                    "phoneNumber": person.phone,
                    "language": {"locale": person.language},
                    "utcOffset": utc_offset(&person.time_zone, self.start),
                })
            })
            .collect()
    }

    pub(super) fn first_attendee(&self) -> (&str, &str) {
        self.attendees
            .first()
            .map_or(("", ""), |person| (&person.name, &person.email))
    }

    /// A webhook also has the video link in its metadata; reading the booking does not.
    fn webhook_metadata(&self) -> Map<String, Value> {
        let mut metadata = self.metadata.clone();
        if self.location.starts_with("http") {
            metadata.insert("videoCallUrl".into(), json!(self.location));
        }
        metadata
    }
}

fn extend(target: &mut Value, more: Value) {
    if let (Value::Object(target), Value::Object(more)) = (target, more) {
        target.extend(more);
    }
}
