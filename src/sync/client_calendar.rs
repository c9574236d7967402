//! Implements the engine's `Calendar` port with the client.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::calendar::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, EventTypeFacts, Write,
};
use super::condition::{
    AnswerCondition, CacheCondition, CalendarCondition, CalendarFailure, CircuitCondition,
    RateCondition,
};
use crate::client::{CircuitState, Client, Error, ErrorKind};
use crate::model::{
    Booking, BookingField, BookingQuery, BookingUid, CancelParams, EventTypeId, MarkAbsentParams,
    NewBooking, NewGuest, RescheduleParams, SlotQuery,
};

/// How many guests Cal.com takes in one request.
const MAX_GUESTS: usize = 10;

impl From<Error> for CalendarError {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            // A proxy's page says nothing about the request.
            _ if is_not_cal_coms_own(&error) => CalendarErrorKind::Unavailable,
            ErrorKind::SlotUnavailable => CalendarErrorKind::SlotTaken,
            ErrorKind::Conflict => CalendarErrorKind::Contradicted,
            ErrorKind::RateLimited | ErrorKind::CircuitOpen => CalendarErrorKind::Throttled,
            ErrorKind::Unauthorized | ErrorKind::Forbidden => CalendarErrorKind::Denied,
            ErrorKind::Server | ErrorKind::Transport | ErrorKind::Decode => {
                CalendarErrorKind::Unavailable
            }
            ErrorKind::BookingLimitReached => CalendarErrorKind::Rejected,
            ErrorKind::UnknownEndpoint => CalendarErrorKind::Unsupported,
            ErrorKind::NotFound | ErrorKind::VersionMismatch | ErrorKind::Invalid => {
                CalendarErrorKind::Rejected
            }
        };
        let retry_after = error.retry_after();
        let converted = Self::new(kind, error.to_string());
        let converted = match std::error::Error::source(&error) {
            // The message is the error's own; what is left are its causes.
            Some(_) => converted.with_source(Causes(error)),
            None => converted,
        };
        match retry_after {
            Some(wait) => converted.with_retry_after(wait),
            None => converted,
        }
    }
}

/// The causes of an error, without the error itself.
#[derive(Debug)]
struct Causes(Error);

impl std::fmt::Display for Causes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match std::error::Error::source(&self.0) {
            Some(cause) => write!(f, "{cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Causes {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)?.source()
    }
}

/// Whether the answer has none of Cal.com's error shapes: then it came from a proxy or a load
/// balancer.
fn is_not_cal_coms_own(error: &Error) -> bool {
    let answer = error.api();
    answer.is_some_and(|answer| answer.code().is_none() && answer.message().is_empty())
        && error.kind() != ErrorKind::RateLimited
}

/// Whether a refusal says that a seat is not there: as a bad request, or as something unknown.
fn is_about_a_seat(error: &Error) -> bool {
    let answer = error.api();
    answer.is_some_and(|answer| answer.message().to_lowercase().contains("seat"))
}

/// What the failure of a write means, which depends on the write.
pub(crate) fn failure_of(write: &Write, error: Error) -> CalendarError {
    let (kind, message) = match (write, error.kind()) {
        _ if is_not_cal_coms_own(&error) => return error.into(),
        // Somebody has given the seat up already.
        (
            Write::Reschedule { seat: Some(_), .. } | Write::Cancel { seat: Some(_), .. },
            ErrorKind::Invalid | ErrorKind::NotFound,
        ) if is_about_a_seat(&error) => (
            CalendarErrorKind::Contradicted,
            "nobody holds the seat any more",
        ),
        // However often it is tried.
        (Write::MarkAbsent { .. }, ErrorKind::Conflict) => (
            CalendarErrorKind::Rejected,
            "an absence cannot be noted before the booking has begun",
        ),
        _ => return error.into(),
    };
    CalendarError::new(kind, message).with_source(CalendarError::from(error))
}

/// The fields that every booking answers, or only a reschedule.
const ALWAYS_ANSWERED: [&str; 4] = ["name", "email", "location", "rescheduleReason"];

/// The slug of a booking field that a new booking has to answer besides those.
fn required_slug(field: &BookingField) -> Option<String> {
    let is_required = field.required == Some(true) && field.hidden != Some(true);
    let slug = field.slug.clone().filter(|_| is_required)?;
    (!ALWAYS_ANSWERED.contains(&slug.as_str())).then_some(slug)
}

/// The requested booking among those in an answer.
async fn create(client: &Client, booking: &NewBooking) -> Result<Booking, CalendarError> {
    let created = client.bookings().create(booking).await?;
    let start = booking.start.timestamp_millis();
    let mut bookings = created.into_vec();
    let asked = bookings
        .iter()
        .position(|made| made.start.timestamp_millis() == start);
    match asked.or_else(|| (!bookings.is_empty()).then_some(0)) {
        Some(index) => Ok(bookings.swap_remove(index)),
        None => Err(CalendarError::new(
            CalendarErrorKind::Unavailable,
            "bookings.create: the response contains no booking",
        )),
    }
}

fn circuit_of(client: &Client) -> CircuitCondition {
    match (client.circuit_opens_in(), client.circuit()) {
        (Some(probes_in), _) => CircuitCondition::open(probes_in),
        (None, CircuitState::HalfOpen) => CircuitCondition::HalfOpen,
        (None, CircuitState::Closed | CircuitState::Open) => CircuitCondition::Closed,
    }
}

fn answers_of(client: &Client) -> AnswerCondition {
    let summary = client.answers();
    let mut answers = AnswerCondition::new(summary.count, summary.failed);
    if let Some((p50, p95)) = summary.percentiles {
        answers = answers.with_percentiles(p50, p95);
    }
    answers.last_success_at = summary.last_success_at;
    answers.last_failure = summary
        .last_failure
        .map(|(at, kind)| CalendarFailure::new(at, kind.as_str()));
    answers
}

#[async_trait]
impl Calendar for Client {
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        match self.bookings().get(uid).await {
            Ok(booking) => Ok(Some(booking)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn bookings(&self, query: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        let found = Client::bookings(self).list_all(query.clone());
        Ok(found.try_collect().await?)
    }

    async fn bookings_page(&self, query: &BookingQuery) -> Result<BookingPage, CalendarError> {
        let page = Client::bookings(self).list(query).await?;
        let is_full = u32::try_from(page.items.len()).ok() == query.take;
        let (more, cursor) = match page.pagination {
            Some(pagination) => (pagination.has_next_page, pagination.next_cursor),
            // Without pagination data, an incomplete page is the last one.
            None => (is_full, None),
        };
        let page = BookingPage::new(page.items).with_more(more);
        Ok(page.with_next_cursor(cursor))
    }

    async fn write(&self, write: &Write) -> Result<Booking, CalendarError> {
        let bookings = Client::bookings(self);
        let failed = |error| failure_of(write, error);
        match write {
            Write::Create(booking) => create(self, booking).await,
            Write::Reschedule {
                booking,
                seat,
                start,
                reason,
            } => {
                let params = match seat {
                    // A reason is refused for a single seat.
                    Some(seat) => RescheduleParams::default().with_seat(seat.clone()),
                    None => RescheduleParams::default().with_reason(reason),
                };
                let moved = bookings.reschedule(booking, *start, &params).await;
                moved.map_err(failed)
            }
            Write::Cancel {
                booking,
                seat,
                reason,
            } => {
                let cancelled = match seat {
                    Some(seat) => bookings.give_up_seat(booking, seat).await,
                    None => {
                        let params = CancelParams::reason(reason);
                        bookings.cancel(booking, &params).await
                    }
                };
                cancelled.map_err(failed)
            }
            Write::Confirm { booking } => bookings.confirm(booking).await.map_err(failed),
            Write::Decline { booking, reason } => {
                let declined = bookings.decline(booking, Some(reason)).await;
                declined.map_err(failed)
            }
            Write::Reassign { booking, to } => {
                let reassigned = bookings.reassign_to(booking, *to, None).await;
                reassigned.map_err(failed)?;
                // The answer names the new host only.
                bookings.get(booking).await.map_err(failed)
            }
            Write::UpdateLocation { booking, location } => {
                let updated = bookings.update_location(booking, location).await;
                updated.map_err(failed)
            }
            Write::MarkAbsent {
                booking,
                attendee,
                absent,
            } => {
                let params = MarkAbsentParams::default().with_attendee(attendee, *absent);
                let marked = bookings.mark_absent(booking, &params).await;
                marked.map_err(failed)
            }
            Write::AddGuests { booking, guests } => {
                let guests: Vec<NewGuest> = guests.iter().map(NewGuest::new).collect();
                let mut amended = None;
                for some in guests.chunks(MAX_GUESTS) {
                    let added = bookings.add_guests(booking, some).await;
                    amended = Some(added.map_err(failed)?);
                }
                match amended {
                    Some(amended) => Ok(amended),
                    None => bookings.get(booking).await.map_err(failed),
                }
            }
        }
    }

    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        let days = self
            .slots()
            .list(&SlotQuery::new(event_type, from, until))
            .await?;
        Ok(days
            .into_values()
            .flatten()
            .map(|slot| slot.start)
            .collect())
    }

    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        let found = match self.event_types().get(id).await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let recurs = found.recurrence.as_ref().is_some_and(|recurrence| {
            recurrence.disabled != Some(true) && recurrence.frequency.is_some()
        });
        let users = found.users.iter().map(|user| user.id);
        Ok(Some(EventTypeFacts {
            recurs,
            hosts: users.chain(found.owner_id).collect(),
            lengths: found.length_in_minutes_options,
            locations: found.locations,
            required: found
                .booking_fields
                .iter()
                .filter_map(required_slug)
                .collect(),
        }))
    }

    async fn account(&self) -> Result<(), CalendarError> {
        self.me().get().await?;
        Ok(())
    }

    fn condition(&self) -> Option<CalendarCondition> {
        let condition = CalendarCondition::default()
            .with_circuit(circuit_of(self))
            .with_answers(answers_of(self));
        let condition = match self.rate_left() {
            Some(left) => {
                let rate = RateCondition::new(left.limit, left.remaining, left.resets_in);
                condition.with_rate(rate)
            }
            None => condition,
        };
        Some(match self.cache_hits_and_misses() {
            (0, 0) => condition,
            (hits, misses) => condition.with_cache(CacheCondition::new(hits, misses)),
        })
    }
}
