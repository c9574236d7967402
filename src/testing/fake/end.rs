//! Cancelling, confirming, declining, and who did not come.

use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::input::{only, text};
use super::request::Request;
use super::shape::{booking_json, millis};
use super::state::{Arrival, Record, State};
use crate::testing::payload::Kind;

impl State {
    /// Cancels a booking, one seat of it, or, by the series' uid, all that is left of a series.
    pub(super) fn cancel(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Reply, Refusal> {
        let caller = self.caller(request)?.map(|user| user.id);
        let body = request.object()?;
        let seat = text(&body, "seatUid");
        if seat.is_some() {
            only(&body, &["seatUid"])?;
        } else {
            only(&body, &["cancellationReason", "cancelSubsequentBookings"])?;
        }
        let reason = text(&body, "cancellationReason").filter(|reason| !reason.trim().is_empty());
        let series: Vec<Record> = self.series(uid).into_iter().cloned().collect();
        let whole_series = !series.is_empty();
        let mut targets = if whole_series {
            series
        } else {
            self.booking(uid).cloned().into_iter().collect()
        };
        let Some(host) = targets.first().map(|record| record.host) else {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} not found"
            )));
        };
        targets.retain(|record| {
            record.was_live(arrival.seen) || (!whole_series && record.status == "rejected")
        });
        let Some(first) = targets.first().cloned() else {
            return Err(Refusal::bad_request(format!(
                "Can't cancel booking with uid={uid} because it has been cancelled already. Please provide uid of a booking that is not cancelled."
            )));
        };
        if caller == Some(host) && reason.is_none() {
            return Err(Refusal::bare(
                400,
                "Cancellation reason is required when you are the host",
            ));
        }
        if let Some(seat) = seat {
            return self.give_up_seat(arrival, &first, &seat);
        }
        let and_later = body.get("cancelSubsequentBookings") == Some(&Value::Bool(true))
            && first.recurring_uid.is_some();
        if and_later {
            let later = self.bookings.iter().filter(|other| {
                other.recurring_uid == first.recurring_uid
                    && other.start > first.start
                    && other.was_live(arrival.seen)
            });
            targets.extend(later.cloned().collect::<Vec<_>>());
        }
        // One delivery, however many bookings end. It is written before the attendees of a seated booking are gone.
        self.notify(Kind::Cancelled, arrival.now, &first, None, |facts| {
            facts.reason.clone_from(&reason);
        });
        for target in &targets {
            self.end(arrival, &target.uid, "cancelled");
            if let Some(record) = self.booking_mut(&target.uid) {
                record.cancellation_reason.clone_from(&reason);
                if record.seated {
                    record.attendees.clear();
                }
            }
        }
        if whole_series || and_later {
            let all: Vec<Value> = self
                .series(first.recurring_uid.as_deref().unwrap_or_default())
                .into_iter()
                .map(|record| booking_json(self, record))
                .collect();
            return Ok(Reply::data(200, json!(all)));
        }
        self.read(&first.uid, 200)
    }

    fn give_up_seat(
        &mut self,
        arrival: Arrival,
        booking: &Record,
        seat: &str,
    ) -> Result<Reply, Refusal> {
        let holder = booking
            .attendees
            .iter()
            .find(|attendee| attendee.seat.as_ref().is_some_and(|held| held.uid == seat));
        let Some(holder) = holder.cloned() else {
            return Err(Refusal::not_found(format!(
                "Seat with uid={seat} does not exist."
            )));
        };
        self.notify(
            Kind::Cancelled,
            arrival.now,
            booking,
            Some(vec![holder.person]),
            |facts| facts.seat_uid = Some(seat.to_owned()),
        );
        let mut empty = false;
        if let Some(record) = self.booking_mut(&booking.uid) {
            record
                .attendees
                .retain(|attendee| attendee.seat.as_ref().is_none_or(|held| held.uid != seat));
            record.updated_at = arrival.now;
            empty = record.attendees.is_empty();
        }
        if empty {
            self.end(arrival, &booking.uid, "cancelled");
        }
        self.read(&booking.uid, 200)
    }

    /// Confirms a pending booking, or declines it.
    pub(super) fn judge(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
        confirm: bool,
    ) -> Result<Reply, Refusal> {
        let caller = self.permitted(request)?;
        let body = request.object()?;
        only(&body, if confirm { &[] } else { &["reason"] })?;
        let Some(record) = self.booking(uid).cloned() else {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} not found"
            )));
        };
        if record.host != caller.id {
            return Err(Refusal::trpc(
                401,
                "You are not authorized to access this resource",
            ));
        }
        let possible = record.status == "pending" || (!confirm && record.status == "rejected");
        if !possible {
            return Err(Refusal::trpc(
                400,
                "Bad request: Please check your request data and try again",
            ));
        }
        let kind = if confirm {
            if let Some(record) = self.booking_mut(uid) {
                record.status = "accepted".into();
                record.confirmed = true;
                record.updated_at = arrival.now;
            }
            Kind::Confirmed
        } else {
            self.end(arrival, uid, "rejected");
            Kind::Rejected
        };
        let reason = text(&body, "reason");
        if let Some(record) = self.booking_mut(uid).filter(|_| !confirm) {
            record.rejection_reason.clone_from(&reason);
        }
        self.notify(kind, arrival.now, &record, None, |facts| {
            facts.reason = reason;
        });
        self.read(uid, 200)
    }

    /// Marks who did not come.
    pub(super) fn mark_absent(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Reply, Refusal> {
        self.permitted(request)?;
        let body = request.object()?;
        only(&body, &["host", "attendees"])?;
        let Some(record) = self.booking(uid).cloned() else {
            return Err(Refusal::not_found(format!(
                "Booking with uid={uid} was not found in the database"
            )));
        };
        if arrival.now < record.start {
            return Err(Refusal::bad_request(format!(
                "Bookings can only be marked as absent after their scheduled start time. Current time in UTC+0: {}, Booking start time in UTC+0: {}",
                millis(arrival.now),
                millis(record.start)
            )));
        }
        let marks = marks(&body);
        let known = |email: &str| record.attendees.iter().any(|a| a.person.email == email);
        if !marks.iter().all(|(email, _)| known(email)) {
            return Err(Refusal::bare(500, "Failed to update no-show status"));
        }
        let mut told = Vec::new();
        if let Some(record) = self.booking_mut(uid) {
            if let Some(absent) = body.get("host").and_then(Value::as_bool) {
                record.absent_host = absent;
            }
            for attendee in &mut record.attendees {
                if let Some((_, absent)) = marks
                    .iter()
                    .find(|(email, _)| *email == attendee.person.email)
                {
                    attendee.person.absent = *absent;
                    told.push(attendee.person.clone());
                }
            }
            record.updated_at = arrival.now;
        }
        if !told.is_empty() {
            self.notify(Kind::NoShow, arrival.now, &record, Some(told), |_| {});
        }
        self.read(uid, 200)
    }

    /// Ends a booking that was live; one that was not stays ended when it was.
    fn end(&mut self, arrival: Arrival, uid: &str, status: &str) {
        let order = self.next_in_order();
        if let Some(record) = self.booking_mut(uid) {
            record.status = status.into();
            record.updated_at = arrival.now;
            record.ended = record.ended.or(Some(order));
        }
    }

    fn read(&self, uid: &str, status: u16) -> Result<Reply, Refusal> {
        self.booking(uid)
            .map(|record| Reply::data(status, booking_json(self, record)))
            .ok_or_else(|| Refusal::bare(500, "Internal server error"))
    }
}

fn marks(body: &Map<String, Value>) -> Vec<(String, bool)> {
    body.get("attendees")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|mark| {
            let email = mark.get("email")?.as_str()?.to_owned();
            let absent = mark.get("absent").and_then(Value::as_bool).unwrap_or(true);
            Some((email, absent))
        })
        .collect()
}
