//! The port through which the engine knows Cal.com.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Booking, BookingQuery, BookingUid, EventTypeId, NewBooking, UserId};

/// What to do about a failed call to Cal.com.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CalendarErrorKind {
    /// No usable answer of Cal.com's own came; the call may have been carried out. Look, then try again.
    Unavailable,
    /// Not now: come back after the time given. It was not carried out.
    Throttled,
    /// The credentials are refused for this call. Ask for the account: if that is refused too, the credentials are wrong.
    Denied,
    /// The slot belongs to somebody, perhaps to an earlier attempt of ours: look.
    SlotTaken,
    /// The state at Cal.com is another one than was thought: read it again.
    Contradicted,
    /// It can never succeed: ask a person.
    Rejected,
}

/// A failed call to Cal.com. Its text, and those of its causes, name no person.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CalendarError {
    kind: CalendarErrorKind,
    message: String,
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl CalendarError {
    /// An error without a cause. The message must name no person.
    pub fn new(kind: CalendarErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            source: None,
        }
    }

    /// Says when to come back.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds the cause. Its text must name no person.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
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

/// A change of a booking. New kinds are added without a new method, so that a [`Calendar`] that passes them on stays valid.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Write {
    /// Makes one booking; on a recurring event type, one occurrence.
    Create(Box<NewBooking>),
    /// Replaces a booking by one at another time.
    Reschedule {
        /// The booking.
        booking: BookingUid,
        /// Where to.
        start: DateTime<Utc>,
        /// Why, as the attendee reads it.
        reason: String,
    },
    /// Cancels a booking.
    Cancel {
        /// The booking.
        booking: BookingUid,
        /// Why, as the attendee reads it; Cal.com demands a reason from hosts.
        reason: String,
    },
}

/// What the engine has to know of an event type before it books it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventTypeFacts {
    /// The lengths to choose from, in minutes; empty where there is only one, which must then not be sent.
    pub lengths: Vec<u32>,
    /// Whether it recurs, so that a booking is a series unless it is said how many.
    pub recurs: bool,
    /// Who can host it.
    pub hosts: Vec<UserId>,
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

    /// Changes a booking, and returns it as it is afterwards: the new one, the one that replaced it, the cancelled one.
    async fn write(&self, write: &Write) -> Result<Booking, CalendarError>;

    /// The starts of the free slots between two instants.
    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError>;

    /// Reads an event type; `None` if there is none for these credentials. The engine remembers it for a while.
    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError>;

    /// Asks whether the credentials are accepted at all: fails with [`Denied`](CalendarErrorKind::Denied) if not.
    async fn account(&self) -> Result<(), CalendarError>;
}
