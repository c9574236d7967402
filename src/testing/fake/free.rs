//! Whether a time can be booked.

use chrono::{DateTime, Utc};

use super::answer::Refusal;
use super::create::not_found;
use super::event_type::FakeEventType;
use super::seat::has_seats_left;
use super::state::{Arrival, Record, State, User, minutes};

pub(super) const TOO_SOON: &str = "The event type can't be booked at the \"start\" time provided. This could be because it's too soon (violating the minimum booking notice) or too far in the future (outside the event's scheduling window). Try fetching available slots first using the GET /v2/slots endpoint and then make a booking with \"start\" time equal to one of the available slots: https://cal.com/docs/api-reference/v2/slots";

pub(super) fn check_time(
    event_type: &FakeEventType,
    now: DateTime<Utc>,
    start: DateTime<Utc>,
) -> Result<(), Refusal> {
    if start < now {
        return Err(Refusal::bad_request(
            "Attempting to book a meeting in the past.",
        ));
    }
    if start < now + minutes(event_type.notice) || !event_type.is_in_window(now, start) {
        return Err(Refusal::bad_request(TOO_SOON));
    }
    Ok(())
}

impl State {
    /// Whether a live booking takes its time from an event type. A pending one does so only from
    /// its own, if that one has its requests block (observed: other event types still offer the
    /// time).
    pub(super) fn takes_time_from(&self, other: &Record, event_type_id: i64) -> bool {
        other.status != "pending"
            || (other.event_type == event_type_id
                && self
                    .event_type(event_type_id)
                    .is_some_and(|event_type| event_type.requests_block))
    }

    /// Which limit of an event type a booking would exceed on the day of `start`, a day of UTC.
    pub(super) fn reached_limit(
        &self,
        event_type_id: i64,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        seen: u64,
        except: Option<&str>,
    ) -> Option<&'static str> {
        let event_type = self.event_type(event_type_id)?;
        let booked = self.bookings.iter().filter(|other| {
            other.event_type == event_type_id
                && other.start.date_naive() == start.date_naive()
                && other.status != "pending"
                && other.was_live(seen)
                && Some(other.uid.as_str()) != except
        });
        let (count, time) = booked.fold((0, end - start), |(count, time), other| {
            (count + 1_u32, time + (other.end - other.start))
        });
        if event_type.daily_limit.is_some_and(|limit| count >= limit) {
            return Some("booking_limit_reached");
        }
        let limit = event_type.daily_minutes.map(minutes);
        limit
            .is_some_and(|limit| time > limit)
            .then_some("duration_limit_reached")
    }

    /// Whether a booking keeps its host from taking one of an event type at that time, buffers
    /// counted.
    ///
    /// A booking of the same event type that has seats left keeps nobody from a time next to it.
    pub(super) fn collides(
        &self,
        other: &Record,
        event_type_id: i64,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> bool {
        let Some(event_type) = self.event_type(event_type_id) else {
            return false;
        };
        let shares = other.event_type == event_type_id && has_seats_left(event_type, other);
        if shares || !self.takes_time_from(other, event_type_id) {
            return false;
        }
        let own = event_type.buffers;
        let others = self
            .event_type(other.event_type)
            .map_or((0, 0), |event_type| event_type.buffers);
        let before = minutes(own.0) + minutes(others.1);
        let after = minutes(own.1) + minutes(others.0);
        other.overlaps(start - before, end + after)
    }

    /// Refuses a time at which a host is not free, as far as could be seen on arrival.
    ///
    /// Two accepted bookings of one host at exactly the same time are refused by the database in
    /// any case, with 409; anything else that came to be since the arrival is overlooked, as the
    /// real server does.
    pub(super) fn check_free(
        &self,
        arrival: Arrival,
        event_type_id: i64,
        host: &User,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        except: Option<&str>,
    ) -> Result<(), Refusal> {
        let Some(event_type) = self.event_type(event_type_id) else {
            return Err(not_found(event_type_id));
        };
        if let Some(limit) = self.reached_limit(event_type_id, start, end, arrival.seen, except) {
            return Err(Refusal::bare(401, limit));
        }
        let others = || {
            self.bookings
                .iter()
                .filter(|other| other.host == host.id && Some(other.uid.as_str()) != except)
        };
        let taken = others().any(|other| {
            other.was_live(arrival.seen) && self.collides(other, event_type_id, start, end)
        });
        if taken
            || self.is_busy(host.id, start, end)
            || !self.hours(event_type, host).cover(start, end)
        {
            return Err(Refusal::bad_request(
                "User either already has booking at this time or is not available",
            ));
        }
        let same = others()
            .any(|other| other.status == "accepted" && other.start == start && other.end == end);
        if same && !event_type.requires_confirmation {
            return Err(Refusal::bare(409, "booking_conflict_error"));
        }
        Ok(())
    }
}
