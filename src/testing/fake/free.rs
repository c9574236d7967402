//! Whether a time can be booked.

use chrono::{DateTime, Utc};

use super::answer::Refusal;
use super::create::not_found;
use super::event_type::FakeEventType;
use super::state::{Arrival, Record, State, minutes};

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
    if start < now + minutes(event_type.notice) {
        return Err(Refusal::bad_request(TOO_SOON));
    }
    Ok(())
}

impl State {
    /// Whether a live booking takes its time from an event type. A pending one does so only from its own, if that one has its
    /// requests block (observed: other event types still offer the time).
    pub(super) fn takes_time_from(&self, other: &Record, event_type_id: i64) -> bool {
        other.status != "pending"
            || (other.event_type == event_type_id
                && self
                    .event_type(event_type_id)
                    .is_some_and(|event_type| event_type.requests_block))
    }

    /// Whether an event type takes no more bookings on the day of `start`, a day of UTC.
    pub(super) fn is_full(
        &self,
        event_type_id: i64,
        start: DateTime<Utc>,
        seen: u64,
        except: Option<&str>,
    ) -> bool {
        let Some(limit) = self
            .event_type(event_type_id)
            .and_then(|event_type| event_type.daily_limit)
        else {
            return false;
        };
        let booked = self.bookings.iter().filter(|other| {
            other.event_type == event_type_id
                && other.start.date_naive() == start.date_naive()
                && other.status != "pending"
                && other.was_live(seen)
                && Some(other.uid.as_str()) != except
        });
        booked.count() >= limit as usize
    }

    /// Refuses a time at which the host is not free, as far as could be seen on arrival.
    ///
    /// Two accepted bookings of one host at exactly the same time are refused by the database in any case, with 409; anything
    /// else that came to be since the arrival is overlooked, as the real server does.
    pub(super) fn check_free(
        &self,
        arrival: Arrival,
        event_type_id: i64,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        except: Option<&str>,
    ) -> Result<(), Refusal> {
        let Some(event_type) = self.event_type(event_type_id) else {
            return Err(not_found(event_type_id));
        };
        if self.is_full(event_type_id, start, arrival.seen, except) {
            return Err(Refusal::bare(401, "booking_limit_reached"));
        }
        let host = self.owner(event_type).id;
        let others = || {
            self.bookings
                .iter()
                .filter(|other| other.host == host && Some(other.uid.as_str()) != except)
        };
        let taken = others().any(|other| {
            self.takes_time_from(other, event_type_id)
                && other.was_live(arrival.seen)
                && other.overlaps(start, end)
        });
        if taken || !self.hours(event_type).cover(start, end) {
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
