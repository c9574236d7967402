//! Bookings as the API's versions tell them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::state::{Attendee, Record, State};

/// A booking in version 2024-08-13.
pub(super) fn booking_json(state: &State, record: &Record) -> Value {
    let host = state.user(record.host);
    let attendees: Vec<Value> = record.attendees.iter().map(attendee_json).collect();
    let event_type = state
        .event_type(record.event_type)
        .map(|event_type| json!({"id": record.event_type, "slug": event_type.slug}));
    let mut json = json!({
        "id": record.id,
        "uid": record.uid,
        "title": record.title,
        "description": if record.seated { Value::Null } else { json!(record.notes) },
        "hosts": [{
            "id": host.id,
            "name": host.name,
            "email": host.email,
            "username": host.username,
            "timeZone": host.time_zone,
        }],
        "status": record.status,
        "start": millis(record.start),
        "end": millis(record.end),
        "duration": (record.end - record.start).num_minutes(),
        // Both are null once the event type was deleted (observed).
        "eventTypeId": event_type.as_ref().map(|_| record.event_type),
        "eventType": event_type,
        "meetingUrl": record.location,
        "location": record.location,
        "absentHost": record.absent_host,
        "createdAt": millis(record.created_at),
        "updatedAt": millis(record.updated_at),
        "rating": null,
        "icsUid": record.ics_uid,
        "attendees": attendees,
    });
    if record.status == "cancelled" {
        json["cancellationReason"] = json!(record.cancellation_reason);
        if !record.seated {
            json["cancelledByEmail"] = Value::Null;
        }
    }
    if record.recurring_uid.is_none() {
        json["rescheduledByEmail"] = Value::Null;
    }
    if !record.seated {
        json["metadata"] = json!(record.metadata);
        json["bookingFieldsResponses"] = json!(record.responses);
    }
    let optional = [
        ("reschedulingReason", &record.rescheduling_reason),
        ("rescheduledFromUid", &record.rescheduled_from),
        ("rescheduledToUid", &record.rescheduled_to),
        ("recurringBookingUid", &record.recurring_uid),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            json[name] = json!(value);
        }
    }
    if !record.guests.is_empty() {
        json["guests"] = json!(record.guests);
    }
    json
}

fn attendee_json(attendee: &Attendee) -> Value {
    let person = &attendee.person;
    let mut json = json!({
        "name": person.name,
        "email": person.email,
        "timeZone": person.time_zone,
        "language": person.language,
        "absent": person.absent,
    });
    if let Some(phone) = &person.phone {
        json["phoneNumber"] = json!(phone);
    }
    if let Some(seat) = &attendee.seat {
        json["seatUid"] = json!(seat.uid);
        json["bookingFieldsResponses"] = json!({"name": person.name, "guests": []});
        json["metadata"] = json!(seat.metadata);
    }
    json
}

/// A booking in version 2024-04-15.
pub(super) fn old_booking_json(state: &State, record: &Record) -> Value {
    let host = state.user(record.host);
    let attendees: Vec<Value> = record
        .attendees
        .iter()
        .map(|attendee| {
            json!({
                "name": attendee.person.name,
                "email": attendee.person.email,
                "timeZone": attendee.person.time_zone,
                "phoneNumber": attendee.person.phone,
            })
        })
        .collect();
    let event_type = state.event_type(record.event_type).map(|event_type| {
        json!({
            "eventName": null,
            "slug": event_type.slug,
            "timeZone": null,
            "schedulingType": null,
            "hideOrganizerEmail": false,
        })
    });
    json!({
        "title": record.title,
        "id": record.id,
        "uid": record.uid,
        "description": record.notes,
        "customInputs": {},
        "smsReminderNumber": null,
        "recurringEventId": record.recurring_uid,
        "startTime": millis(record.start),
        "endTime": millis(record.end),
        "location": record.location,
        "status": record.status.to_uppercase(),
        "metadata": record.metadata,
        "cancellationReason": record.cancellation_reason,
        "cancelledBy": null,
        "responses": record.responses,
        "rejectionReason": record.rejection_reason,
        "userPrimaryEmail": host.email,
        "fromReschedule": record.rescheduled_from,
        "rescheduled": record.rescheduled_to.as_ref().map(|_| true),
        "rescheduledBy": null,
        "user": {
            "id": host.id,
            "name": host.name,
            "email": host.email,
            "username": host.username,
            "timeZone": host.time_zone,
            "avatarUrl": null,
        },
        "attendees": attendees,
        "eventTypeId": event_type.as_ref().map(|_| record.event_type),
        "eventType": event_type,
        "seatsReferences": [],
        "tracking": null,
    })
}

pub(super) fn millis(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
