//! The client as the engine's Cal.com.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;

use super::calendar::{Calendar, CalendarError, CalendarErrorKind};
use crate::client::{Client, Error, ErrorKind};
use crate::model::{
    Booking, BookingQuery, BookingUid, CancelParams, EventTypeId, NewBooking, RescheduleParams,
    SlotQuery,
};

/// Why the host moves a booking, as the attendee reads it.
const RESCHEDULING_REASON: &str = "Rescheduled by the host";

impl From<Error> for CalendarError {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::SlotUnavailable => CalendarErrorKind::SlotTaken,
            ErrorKind::Conflict => CalendarErrorKind::Contradicted,
            ErrorKind::RateLimited | ErrorKind::CircuitOpen => CalendarErrorKind::Throttled,
            ErrorKind::Unauthorized | ErrorKind::Forbidden => CalendarErrorKind::Denied,
            ErrorKind::Server | ErrorKind::Transport | ErrorKind::Decode => {
                CalendarErrorKind::Unavailable
            }
            ErrorKind::BookingLimitReached => CalendarErrorKind::Rejected,
            ErrorKind::NotFound
            | ErrorKind::UnknownEndpoint
            | ErrorKind::VersionMismatch
            | ErrorKind::Invalid => CalendarErrorKind::Rejected,
        };
        let converted = Self::new(kind, error.to_string());
        match error.retry_after() {
            Some(wait) => converted.with_retry_after(wait),
            None => converted,
        }
    }
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

    async fn create(&self, booking: &NewBooking) -> Result<Booking, CalendarError> {
        let created = Client::bookings(self).create(booking).await?;
        let first = created.into_vec().into_iter().next();
        first.ok_or_else(|| {
            CalendarError::new(
                CalendarErrorKind::Unavailable,
                "bookings.create: the answer holds no booking",
            )
        })
    }

    async fn reschedule(
        &self,
        uid: &BookingUid,
        start: DateTime<Utc>,
    ) -> Result<Booking, CalendarError> {
        let params = RescheduleParams::default().with_reason(RESCHEDULING_REASON);
        let bookings = Client::bookings(self);
        Ok(bookings.reschedule(uid, start, &params).await?)
    }

    async fn cancel(&self, uid: &BookingUid, reason: &str) -> Result<Booking, CalendarError> {
        let params = CancelParams::reason(reason);
        Ok(Client::bookings(self).cancel(uid, &params).await?)
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
}
