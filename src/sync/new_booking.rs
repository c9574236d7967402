//! What is sent to Cal.com for a new appointment.

use crate::model::{NewAttendee, NewBooking};
use crate::store::{AppointmentState, HostMetadata};
use crate::sync::calendar::EventTypeFacts;
use crate::sync::defaults::BookingDefaults;
use crate::sync::location::offered_location;
use crate::sync::state::{NOTES_FIELD, OWN_METADATA};

/// What is sent for an appointment: one booking of the length that the appointment has.
pub(super) fn new_booking(
    state: &AppointmentState,
    facts: &EventTypeFacts,
    defaults: Option<&BookingDefaults>,
) -> NewBooking {
    let attendee = NewAttendee::from(&state.attendee);
    let mut booking = NewBooking::new(state.event_type, state.start, attendee);
    if let Some(defaults) = defaults {
        booking.booking_fields_responses = defaults.responses.clone();
        booking.metadata = defaults.metadata.clone();
    }
    let answers = state.responses.iter();
    for (slug, answer) in answers.flat_map(|answers| answers.as_object().iter()) {
        booking = booking.with_booking_field(slug, answer.clone());
    }
    let metadata = state.metadata.iter().flat_map(HostMetadata::iter);
    for (key, value) in metadata.filter(|(key, _)| !OWN_METADATA.contains(key)) {
        booking = booking.with_metadata(key, value);
    }
    let minutes = u32::try_from((state.end - state.start).num_minutes()).unwrap_or(0);
    if facts.lengths.contains(&minutes) {
        booking = booking.with_length(minutes);
    }
    if let Some(place) = &state.location {
        booking.location = offered_location(place, &facts.locations);
    }
    if let Some(guests) = &state.guests {
        booking.guests = guests.iter().map(str::to_owned).collect();
    }
    if let Some(notes) = state
        .notes
        .as_ref()
        .filter(|notes| !notes.as_str().is_empty())
    {
        booking = booking.with_booking_field(NOTES_FIELD, notes.as_str());
    }
    if facts.recurs {
        // Without a count the whole series is made.
        booking = booking.with_recurrence_count(1);
    }
    booking
}

/// The slugs of required booking fields that neither the appointment nor the tenant answers.
pub(super) fn missing_answers<'f>(
    state: &AppointmentState,
    facts: &'f EventTypeFacts,
    defaults: Option<&BookingDefaults>,
) -> Vec<&'f str> {
    let sent = new_booking(state, facts, defaults);
    let is_answered = |slug: &str| match slug {
        "guests" => !sent.guests.is_empty(),
        "attendeePhoneNumber" => sent.attendee.phone_number.is_some(),
        other => sent.booking_fields_responses.contains_key(other),
    };
    let required = facts.required.iter().map(String::as_str);
    required.filter(|slug| !is_answered(slug)).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::model::{EventTypeId, JsonObject};
    use crate::store::{AppointmentStatus, Person};

    fn state() -> AppointmentState {
        let start = DateTime::UNIX_EPOCH;
        AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(90),
            EventTypeId::new(1),
            Person::new("Ann", "ann@example.com", "UTC"),
        )
    }

    #[test]
    fn a_length_is_sent_only_where_the_event_type_offers_it() {
        let facts = |lengths: &[u32], recurs| EventTypeFacts {
            lengths: lengths.to_vec(),
            recurs,
            ..EventTypeFacts::default()
        };
        let sent = |lengths, recurs| new_booking(&state(), &facts(lengths, recurs), None);
        let length = |lengths| sent(lengths, false).length_in_minutes;
        assert_eq!(length(&[30, 90]), Some(90));
        assert_eq!(length(&[30, 60]), None);
        assert_eq!(length(&[]), None);
        let count = |recurs| sent(&[], recurs).recurrence_count;
        assert_eq!((count(true), count(false)), (Some(1), None));
    }

    #[test]
    fn the_appointments_own_answers_come_before_the_tenants_defaults() {
        let defaults = BookingDefaults::default()
            .with_response("size", "M")
            .with_response("colour", "red")
            .with_metadata("source", "salon");
        let mut own = JsonObject::new();
        own.insert("size", "L");
        own.insert("name", "a standard field");
        let state = state().with_responses(own).with_metadata([("room", "2")]);
        let sent = new_booking(&state, &EventTypeFacts::default(), Some(&defaults));
        let answer = |slug| sent.booking_fields_responses.get_str(slug);
        assert_eq!((answer("size"), answer("colour")), (Some("L"), Some("red")));
        assert_eq!(answer("name"), None);
        let metadata = |key: &str| sent.metadata.get(key).map(String::as_str);
        assert_eq!(
            (metadata("source"), metadata("room")),
            (Some("salon"), Some("2"))
        );
    }

    #[test]
    fn every_required_answer_that_nobody_gives_is_named() {
        let facts = EventTypeFacts {
            required: ["size", "colour", "notes", "guests"]
                .map(str::to_owned)
                .to_vec(),
            ..EventTypeFacts::default()
        };
        let defaults = BookingDefaults::default().with_response("colour", "red");
        let missing =
            |state: &AppointmentState| missing_answers(state, &facts, Some(&defaults)).join(" ");
        assert_eq!(missing(&state()), "size notes guests");
        let noted = state()
            .with_notes("rings twice")
            .with_guests(["bob@example.com"]);
        assert_eq!(missing(&noted), "size");
    }
}
