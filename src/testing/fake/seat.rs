//! Taking one seat of a time that several people share.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::answer::{Refusal, Reply};
use super::create::title;
use super::event_type::FakeEventType;
use super::input::Wanted;
use super::place::Place;
use super::shape::booking_json;
use super::state::{Arrival, Attendee, Record, Seat, State, User};
use crate::testing::payload::Kind;

/// What is to be booked, with whom and when.
pub(super) struct Slot<'a> {
    pub(super) event_type_id: i64,
    pub(super) event_type: &'a FakeEventType,
    pub(super) host: &'a User,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

impl State {
    pub(super) fn take_seat(
        &mut self,
        arrival: Arrival,
        slot: &Slot<'_>,
        wanted: Wanted,
        place: Place,
    ) -> Result<Reply, Refusal> {
        let event_type = slot.event_type;
        let seat = Seat {
            uid: self.uuid(),
            metadata: wanted.metadata,
        };
        let attendee = Attendee {
            id: None,
            person: wanted.attendee,
            seat: Some(seat.clone()),
        };
        // Each seat is shown with its own calendar identity, whatever the booking's is.
        let ics_uid = format!("{}@Cal.com", self.booking_uid());
        let title = title(event_type, slot.host, &attendee.person.name);
        // A booking that was made since this request arrived is not seen, and collides.
        let shared = self.bookings.iter().position(|other| {
            other.event_type == slot.event_type_id
                && other.start == slot.start
                && other.is_live()
                && other.was_live(arrival.seen)
        });
        let record = if let Some(index) = shared {
            let record = &mut self.bookings[index];
            let email = &attendee.person.email;
            if record
                .attendees
                .iter()
                .any(|other| other.person.email == *email)
            {
                return Err(Refusal::bare(
                    409,
                    "already_signed_up_for_this_booking_error",
                ));
            }
            if !has_seats_left(event_type, record) {
                return Err(Refusal::usual(
                    409,
                    "No more seats left at this seated booking.",
                ));
            }
            record.attendees.push(attendee.clone());
            record.updated_at = arrival.now;
            record.clone()
        } else {
            let id = slot.event_type_id;
            self.check_free(arrival, id, slot.host, slot.start, slot.end, None)?;
            let mut record =
                self.blank(event_type, id, slot.host, arrival.now, slot.start, slot.end);
            record.title.clone_from(&title);
            record.ics_uid.clone_from(&ics_uid);
            record.location = place.text;
            record.seated = true;
            record.attendees.push(attendee.clone());
            self.bookings.push(record.clone());
            record
        };
        self.notify(
            Kind::Created,
            arrival.now,
            &record,
            Some(vec![attendee.person]),
            |facts| {
                facts.seat_uid = Some(seat.uid.clone());
                facts.metadata = seat.metadata;
                facts.ics_uid = ics_uid;
                facts.title = title;
            },
        );
        let mut json = booking_json(self, &record);
        json["seatUid"] = json!(seat.uid);
        Ok(Reply::data(201, json))
    }
}

/// Whether a booking of a seated event type takes another attendee.
pub(super) fn has_seats_left(event_type: &FakeEventType, record: &Record) -> bool {
    event_type
        .seats
        .is_some_and(|seats| record.attendees.len() < seats as usize)
}
