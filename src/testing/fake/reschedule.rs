//! Moving a booking to another time.

use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::create::title;
use super::free::check_time;
use super::input::{BAD_START, only, start, text};
use super::request::Request;
use super::seat::has_seats_left;
use super::shape::booking_json;
use super::state::{Arrival, Record, Seat, State};
use crate::testing::payload::{Kind, Previous};

impl State {
    pub(super) fn reschedule(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Reply, Refusal> {
        self.caller(request)?;
        let body = request.object()?;
        only(
            &body,
            &[
                "start",
                "reschedulingReason",
                "rescheduledBy",
                "seatUid",
                "emailVerificationCode",
            ],
        )?;
        let Some(start) = start(&body) else {
            return Err(Refusal::bad_request(BAD_START));
        };
        let Some(old) = self.booking(uid).cloned() else {
            // Observed: 500 and not 404.
            return Err(Refusal::bare(500, "Internal server error"));
        };
        if old.status == "rejected" {
            return Err(Refusal::bare(404, "Could not find original booking"));
        }
        if !old.was_live(arrival.seen) {
            return Err(Refusal::bad_request(match &old.rescheduled_to {
                Some(successor) => format!(
                    "Can't reschedule booking with uid={uid} because it has been cancelled and rescheduled already to booking with uid={successor}. You probably want to reschedule {successor} instead by passing it within the request URL."
                ),
                None => format!(
                    "Can't reschedule booking with uid={uid} because it has been cancelled. Please provide uid of a booking that is not cancelled."
                ),
            }));
        }
        let Some(event_type) = self.event_type(old.event_type).cloned() else {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} is missing event type"
            )));
        };
        let seat = text(&body, "seatUid");
        if old.seated && seat.is_none() {
            return Err(Refusal::bad_request(format!(
                "Booking with uid={uid} is a seated booking which means you have to provide seatUid in the request body to specify which seat specifically you want to reschedule. First, fetch the booking using https://cal.com/docs/api-reference/v2/bookings/get-a-booking and then within the attendees array you will find the seatUid of the booking you want to reschedule. Second, provide the seatUid in the request body to specify which seat specifically you want to reschedule using the reschedule endpoint https://cal.com/docs/api-reference/v2/bookings/reschedule-a-booking#option-2"
            )));
        }
        check_time(&event_type, arrival.now, start)?;
        let end = start + (old.end - old.start);
        let host = self.user(old.host);
        if let (true, Some(seat)) = (old.seated, seat) {
            return self.move_seat(arrival, &old, &seat, start);
        }
        self.check_free(arrival, old.event_type, &host, start, end, Some(uid))?;

        let reason = text(&body, "reschedulingReason");
        let by_host = text(&body, "rescheduledBy").as_deref() == Some(host.email.as_str());
        let mut new = self.successor(&old, arrival, start);
        new.rescheduling_reason.clone_from(&reason);
        // That of the last move, if there was one before.
        new.responses.remove("rescheduledReason");
        if let Some(reason) = reason {
            new.responses
                .insert("rescheduledReason".into(), json!(reason));
        }
        if event_type.waits_for_host(arrival.now, start) && !by_host {
            new.status = "pending".into();
        }
        let kind = if new.status == "pending" {
            Kind::Requested
        } else {
            Kind::Rescheduled
        };
        self.replace(&old, &new.uid, arrival);
        self.tell_moved(kind, arrival, &old, &new);
        let json = booking_json(self, &new);
        self.bookings.push(new);
        Ok(Reply::data(201, json))
    }

    /// What takes a booking's place at another time: accepted, and nothing else changed.
    pub(super) fn successor(
        &mut self,
        old: &Record,
        arrival: Arrival,
        start: chrono::DateTime<chrono::Utc>,
    ) -> Record {
        let mut attendees = old.attendees.clone();
        for attendee in &mut attendees {
            attendee.id = None;
        }
        Record {
            id: self.next_booking_id(),
            uid: self.booking_uid(),
            attendees,
            status: "accepted".into(),
            start,
            end: start + (old.end - old.start),
            absent_host: false,
            rescheduled_from: Some(old.uid.clone()),
            rescheduled_to: None,
            rescheduling_reason: None,
            cancellation_reason: None,
            rejection_reason: None,
            confirmed: false,
            references: Vec::new(),
            created_at: arrival.now,
            updated_at: arrival.now,
            born: self.next_in_order(),
            ended: None,
            ..old.clone()
        }
    }

    /// Ends a booking in favour of its successor.
    pub(super) fn replace(&mut self, old: &Record, successor: &str, arrival: Arrival) {
        let order = self.next_in_order();
        if let Some(record) = self.booking_mut(&old.uid) {
            record.status = "cancelled".into();
            record.rescheduled_to = Some(successor.to_owned());
            record.updated_at = arrival.now;
            record.ended = record.ended.or(Some(order));
        }
    }

    pub(super) fn tell_moved(&mut self, kind: Kind, arrival: Arrival, old: &Record, new: &Record) {
        let previous = Previous {
            id: old.id,
            uid: old.uid.clone(),
            start: old.start,
            end: old.end,
        };
        self.notify(kind, arrival.now, new, None, |facts| {
            facts.previous = Some(previous);
            facts.requires_confirmation &= kind == Kind::Requested;
            facts.reason.clone_from(&new.rescheduling_reason);
            if old.confirmed {
                // Observed: empty, and not shown by a read.
                facts.metadata.insert("videoCallUrl".into(), json!(""));
            }
        });
    }

    /// Moves one seat: it leaves its booking and joins or makes one at the other time.
    fn move_seat(
        &mut self,
        arrival: Arrival,
        old: &Record,
        seat: &str,
        start: chrono::DateTime<chrono::Utc>,
    ) -> Result<Reply, Refusal> {
        let holds = |attendee: &super::state::Attendee| {
            attendee.seat.as_ref().is_some_and(|held| held.uid == seat)
        };
        let Some(mut attendee) = old.attendees.iter().find(|a| holds(a)).cloned() else {
            return Err(Refusal::not_found(format!(
                "Seat with uid={seat} does not exist."
            )));
        };
        let Some(event_type) = self.event_type(old.event_type).cloned() else {
            return Err(Refusal::bare(500, "Internal server error"));
        };
        let host = self.user(old.host);
        let shared = self.bookings.iter().position(|other| {
            other.event_type == old.event_type
                && other.start == start
                && other.is_live()
                && other.uid != old.uid
        });
        match shared {
            Some(index) if !has_seats_left(&event_type, &self.bookings[index]) => {
                return Err(Refusal::usual(
                    409,
                    "No more seats left at this seated booking.",
                ));
            }
            Some(_) => {}
            None => {
                let end = start + (old.end - old.start);
                self.check_free(arrival, old.event_type, &host, start, end, Some(&old.uid))?;
            }
        }
        let new_seat = Seat {
            uid: self.uuid(),
            metadata: attendee.seat.map(|seat| seat.metadata).unwrap_or_default(),
        };
        attendee.id = None;
        attendee.seat = Some(new_seat.clone());
        let order = self.next_in_order();
        if let Some(record) = self.booking_mut(&old.uid) {
            record.attendees.retain(|attendee| !holds(attendee));
            record.updated_at = arrival.now;
            if record.attendees.is_empty() {
                record.status = "cancelled".into();
                record.ended = Some(order);
            }
        }
        let index = if let Some(index) = shared {
            index
        } else {
            let mut record = self.successor(old, arrival, start);
            record.rescheduled_from = None;
            record.ics_uid = format!("{}@Cal.com", self.booking_uid());
            record.title = title(&event_type, &host, &attendee.person.name);
            record.attendees = Vec::new();
            self.bookings.push(record);
            self.bookings.len() - 1
        };
        self.bookings[index].attendees.push(attendee.clone());
        self.bookings[index].updated_at = arrival.now;
        let record = self.bookings[index].clone();
        let previous = Previous {
            id: old.id,
            uid: old.uid.clone(),
            start: old.start,
            end: old.end,
        };
        self.notify(
            Kind::Rescheduled,
            arrival.now,
            &record,
            Some(vec![attendee.person]),
            |facts| {
                facts.previous = Some(previous);
                facts.seat_uid = Some(new_seat.uid.clone());
                facts.metadata = new_seat.metadata;
            },
        );
        let mut json: Value = booking_json(self, &record);
        json["seatUid"] = json!(new_seat.uid);
        Ok(Reply::data(201, json))
    }
}
