//! Cancelling. A self-hosted server announces it, waits for all subscribers, and carries it out
//! afterwards.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::input::{only, text};
use super::request::Request;
use super::shape::booking_json;
use super::state::{Arrival, Record, State};
use crate::testing::payload::Kind;

/// A cancellation that was granted and announced, and is still to be carried out.
#[derive(Clone, Debug)]
pub(super) struct Cancellation {
    /// The uid by which the answer reads the booking.
    pub(super) uid: String,
    what: What,
    reason: Option<String>,
    /// Whether it is answered in the old version.
    old: bool,
}

#[derive(Clone, Debug)]
enum What {
    Single,
    Seat(String),
    /// Bookings of a series, and the series.
    Several {
        uids: Vec<String>,
        series: String,
        /// Whether it was cancelled by its own uid.
        whole: bool,
    },
}

impl State {
    /// Announces that a booking is cancelled, one seat of it, or, by the series' uid, all that is
    /// left of a series.
    pub(super) fn announce_cancellation(
        &mut self,
        arrival: Arrival,
        request: &Request,
        uid: &str,
    ) -> Result<Cancellation, Refusal> {
        let caller = self.caller(request)?.map(|user| user.id);
        let body = request.object()?;
        let old = !request.speaks("2024-08-13");
        // The old version ignores what it does not know, seats among it.
        let seat = text(&body, "seatUid").filter(|_| !old);
        if seat.is_some() {
            only(&body, &["seatUid"])?;
        } else if !old {
            only(&body, &["cancellationReason", "cancelSubsequentBookings"])?;
        }
        let and_later = !old && body.get("cancelSubsequentBookings") == Some(&Value::Bool(true));
        let reason = text(&body, "cancellationReason").filter(|reason| !reason.trim().is_empty());
        let series: Vec<Record> = self.series(uid).into_iter().cloned().collect();
        let whole_series = !series.is_empty() && !old;
        if whole_series && and_later {
            return Err(Refusal::bad_request(
                "Cannot cancel subsequent bookings for recurring event - you have to provide uid of one of the individual bookings of a recurring booking.",
            ));
        }
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
        if let Some(seat) = &seat {
            self.check_seat(uid, seat)?;
        }
        targets.retain(|record| {
            record.was_live(arrival.seen) || (!whole_series && record.status == "rejected")
        });
        // Observed: of a series that is cancelled by its own uid, the delivery names the last
        // booking.
        let Some(first) = targets.last().cloned() else {
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
        if first.seated && seat.is_none() && caller != Some(host) {
            return Err(Refusal::bare(401, "User not a host of this event"));
        }
        if let Some(seat) = seat {
            return self.announce_seat(arrival, &first, seat);
        }
        if and_later && first.recurring_uid.is_none() {
            return Err(Refusal::bad_request(
                "Cannot cancel subsequent bookings of a booking that is not recurring.",
            ));
        }
        let what = match &first.recurring_uid {
            Some(series) if whole_series || and_later => {
                if and_later {
                    let later = self.bookings.iter().filter(|other| {
                        other.recurring_uid == first.recurring_uid
                            && other.start > first.start
                            && other.was_live(arrival.seen)
                    });
                    targets.extend(later.cloned().collect::<Vec<_>>());
                }
                What::Several {
                    uids: targets.into_iter().map(|record| record.uid).collect(),
                    series: series.clone(),
                    whole: whole_series,
                }
            }
            _ => What::Single,
        };
        // One delivery, however many bookings end. It is written before the attendees of a seated
        // booking are gone.
        let count = self.event_type(first.event_type).and_then(|event_type| {
            let (_, _, count) = event_type.recurrence.as_ref()?;
            Some(*count)
        });
        self.notify(Kind::Cancelled, arrival.now, &first, None, |facts| {
            facts.reason.clone_from(&reason);
            facts.series_length = count.filter(|_| whole_series);
        });
        Ok(Cancellation {
            uid: first.uid,
            what,
            reason,
            old,
        })
    }

    /// Refuses a seat that nobody holds, or that belongs to another booking.
    fn check_seat(&self, uid: &str, seat: &str) -> Result<(), Refusal> {
        let holds = |record: &&Record| {
            record
                .attendees
                .iter()
                .any(|attendee| attendee.seat.as_ref().is_some_and(|held| held.uid == seat))
        };
        match self.bookings.iter().find(holds) {
            Some(record) if record.uid == uid => Ok(()),
            Some(_) => Err(Refusal::bad_request(
                "Invalid seatUid: this seat does not belong to this booking.",
            )),
            None => Err(Refusal::bad_request(
                "Invalid seatUid: this seat does not exist or has already been cancelled.",
            )),
        }
    }

    fn announce_seat(
        &mut self,
        arrival: Arrival,
        booking: &Record,
        seat: String,
    ) -> Result<Cancellation, Refusal> {
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
            |facts| facts.seat_uid = Some(seat.clone()),
        );
        Ok(Cancellation {
            uid: booking.uid.clone(),
            what: What::Seat(seat),
            reason: None,
            old: false,
        })
    }

    /// Carries out what was announced, whatever became of the booking meanwhile.
    pub(super) fn carry_out_cancellation(
        &mut self,
        now: DateTime<Utc>,
        cancellation: &Cancellation,
    ) -> Result<Reply, Refusal> {
        let Cancellation {
            uid,
            what,
            reason,
            old,
        } = cancellation;
        match what {
            What::Single => self.end_cancelled(now, uid, reason.as_deref()),
            What::Seat(seat) => self.give_up_seat(now, uid, seat),
            What::Several {
                uids,
                series,
                whole,
            } => {
                for uid in uids {
                    self.end_cancelled(now, uid, reason.as_deref());
                }
                if *whole {
                    // Observed: those that had been cancelled or moved before get the reason too.
                    let ended = self.bookings.iter_mut().filter(|record| {
                        record.recurring_uid.as_ref() == Some(series)
                            && record.status == "cancelled"
                    });
                    for record in ended {
                        record.cancellation_reason.clone_from(reason);
                    }
                }
                let all: Vec<Value> = self
                    .series(series)
                    .into_iter()
                    .map(|record| booking_json(self, record))
                    .collect();
                return Ok(Reply::data(200, json!(all)));
            }
        }
        match self.booking(uid) {
            Some(record) if *old => Ok(Reply::data(
                201,
                json!({
                    "bookingId": record.id,
                    "bookingUid": record.uid,
                    "onlyRemovedAttendee": false,
                }),
            )),
            _ => self.read(uid, 200),
        }
    }

    fn end_cancelled(&mut self, now: DateTime<Utc>, uid: &str, reason: Option<&str>) {
        self.end(now, uid, "cancelled");
        if let Some(record) = self.booking_mut(uid) {
            record.cancellation_reason = reason.map(ToOwned::to_owned);
            if record.seated {
                record.attendees.clear();
            }
        }
    }

    fn give_up_seat(&mut self, now: DateTime<Utc>, uid: &str, seat: &str) {
        let Some(record) = self.booking_mut(uid) else {
            return;
        };
        record
            .attendees
            .retain(|attendee| attendee.seat.as_ref().is_none_or(|held| held.uid != seat));
        record.updated_at = now;
        if record.attendees.is_empty() {
            self.end(now, uid, "cancelled");
        }
    }
}
