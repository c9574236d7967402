//! The port through which the engine knows Cal.com.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Booking, BookingQuery, BookingUid, EventTypeId, NewBooking};

/// What to do about a failed call to Cal.com.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CalendarErrorKind {
    /// No usable answer came; the call may have been carried out. Look, then try again.
    Unavailable,
    /// Not now: come back after the time given. It was not carried out.
    Throttled,
    /// The credentials are refused: stop, and ask a person.
    Denied,
    /// The slot belongs to somebody, perhaps to an earlier attempt of ours: look.
    SlotTaken,
    /// The state at Cal.com is another one than was thought: read it again.
    Contradicted,
    /// It can never succeed: ask a person.
    Rejected,
}

/// A failed call to Cal.com. Its text names no person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CalendarError {
    kind: CalendarErrorKind,
    message: String,
    retry_after: Option<Duration>,
}

impl CalendarError {
    /// An error. The message must name no person.
    pub fn new(kind: CalendarErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// Says when to come back.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What to do about it.
    pub fn kind(&self) -> CalendarErrorKind {
        self.kind
    }

    /// When to come back, for [`Throttled`](CalendarErrorKind::Throttled).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// Cal.com, as far as the engine needs it. The client implements it; a test may implement another.
///
/// # Contract
///
/// A write is sent once. If it may have been carried out and that is not known, the error is
/// [`Unavailable`](CalendarErrorKind::Unavailable).
#[async_trait]
pub trait Calendar: fmt::Debug + Send + Sync + 'static {
    /// Reads one booking; `None` if there is none.
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError>;

    /// Reads the bookings that a query finds. The engine checks the filters again.
    async fn bookings(&self, query: &BookingQuery) -> Result<Vec<Booking>, CalendarError>;

    /// Makes a booking.
    async fn create(&self, booking: &NewBooking) -> Result<Booking, CalendarError>;

    /// Replaces a booking by one at another time, and returns that one.
    async fn reschedule(
        &self,
        uid: &BookingUid,
        start: DateTime<Utc>,
    ) -> Result<Booking, CalendarError>;

    /// Cancels a booking, and returns it.
    async fn cancel(&self, uid: &BookingUid, reason: &str) -> Result<Booking, CalendarError>;

    /// The starts of the free slots between two instants.
    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError>;
}
