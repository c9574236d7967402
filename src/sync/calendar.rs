//! The engine's port to Cal.com.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::condition::CalendarCondition;
use crate::model::{
    Booking, BookingLocation, BookingQuery, BookingUid, EventTypeId, Location, NewBooking, SeatUid,
    UserId,
};

/// What to do about a failed call to Cal.com.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CalendarErrorKind {
    /// No usable answer from Cal.com itself; the call may have been carried out. Look, then retry.
    Unavailable,
    /// Throttled: retry after the given time. The call was not carried out.
    Throttled,
    /// The credentials were refused for this call. Check the account: if that is refused too, the
    /// credentials are wrong.
    Denied,
    /// The slot is taken, perhaps by an earlier attempt of ours: look.
    SlotTaken,
    /// The state at Cal.com is not what the engine assumed: read it again.
    Contradicted,
    /// The call can never succeed: needs manual review.
    Rejected,
    /// The server lacks this endpoint: do without.
    Unsupported,
}

/// A failed call to Cal.com. Its message, and those of its causes, contain no personal data.
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
    /// An error without a cause. The message must contain no personal data.
    pub fn new(kind: CalendarErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            source: None,
        }
    }

    /// Sets when to retry.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Sets the cause. Its message must contain no personal data.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do about it.
    pub fn kind(&self) -> CalendarErrorKind {
        self.kind
    }

    /// When to retry, for [`Throttled`](CalendarErrorKind::Throttled).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// A write to Cal.com. New kinds need no new method, so a [`Calendar`] that forwards them stays
/// valid.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Write {
    /// Creates one booking; on a recurring event type, one occurrence.
    Create(Box<NewBooking>),
    /// Moves a booking to another time, which replaces it by a new one.
    #[non_exhaustive]
    Reschedule {
        /// The booking.
        booking: BookingUid,
        /// The seat, if only that one is moved.
        seat: Option<SeatUid>,
        /// The new start.
        start: DateTime<Utc>,
        /// The reason, shown to the attendee.
        reason: String,
    },
    /// Cancels a booking, or gives up one seat of it.
    #[non_exhaustive]
    Cancel {
        /// The booking.
        booking: BookingUid,
        /// The seat, if only that one is given up.
        seat: Option<SeatUid>,
        /// The reason, shown to the attendee; Cal.com requires one from hosts.
        reason: String,
    },
    /// Confirms a pending booking.
    #[non_exhaustive]
    Confirm {
        /// The booking.
        booking: BookingUid,
    },
    /// Declines a pending booking.
    #[non_exhaustive]
    Decline {
        /// The booking.
        booking: BookingUid,
        /// The reason, shown to the attendee.
        reason: String,
    },
    /// Gives a booking to another user.
    #[non_exhaustive]
    Reassign {
        /// The booking.
        booking: BookingUid,
        /// The new host.
        to: UserId,
    },
    /// Changes the location of a booking.
    #[non_exhaustive]
    UpdateLocation {
        /// The booking.
        booking: BookingUid,
        /// The new location.
        location: BookingLocation,
    },
    /// Adds guests to a booking.
    #[non_exhaustive]
    AddGuests {
        /// The booking.
        booking: BookingUid,
        /// The e-mail addresses of the new guests.
        guests: Vec<String>,
    },
    /// Says whether the attendee came; possible once the booking has begun.
    #[non_exhaustive]
    MarkAbsent {
        /// The booking.
        booking: BookingUid,
        /// The attendee's e-mail address, as the booking has it.
        attendee: String,
        /// Whether they did not come.
        absent: bool,
    },
}

impl Write {
    /// The word for what it does.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Reschedule { .. } => "reschedule",
            Self::Cancel { .. } => "cancel",
            Self::Confirm { .. } => "confirm",
            Self::Decline { .. } => "decline",
            Self::Reassign { .. } => "reassign",
            Self::UpdateLocation { .. } => "update_location",
            Self::AddGuests { .. } => "add_guests",
            Self::MarkAbsent { .. } => "mark_absent",
        }
    }
}

/// What the engine needs to know about an event type before booking it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EventTypeFacts {
    /// The lengths to choose from, in minutes; empty if there is only one, which must not be sent
    /// then.
    pub lengths: Vec<u32>,
    /// Whether it recurs, so that a booking becomes a series unless a count is sent.
    pub recurs: bool,
    /// Who can host it.
    pub hosts: Vec<UserId>,
    /// The locations to choose from.
    pub locations: Vec<Location>,
    /// The slugs of the booking fields that have to be answered, besides name and e-mail address.
    pub required: Vec<String>,
}

/// One page of a list of bookings.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BookingPage {
    /// The bookings, in the order of the list.
    pub bookings: Vec<Booking>,
    /// Whether there may be more.
    pub more: bool,
    /// The cursor of the next page, where the list goes by cursors.
    pub next_cursor: Option<String>,
}

impl BookingPage {
    /// The last page of a list.
    pub fn new(bookings: Vec<Booking>) -> Self {
        Self {
            bookings,
            more: false,
            next_cursor: None,
        }
    }

    /// Sets whether there may be more.
    #[must_use]
    pub fn with_more(mut self, more: bool) -> Self {
        self.more = more;
        self
    }

    /// Sets the cursor of the next page.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: Option<String>) -> Self {
        self.next_cursor = cursor;
        self
    }
}

/// Cal.com as the engine needs it. The client implements it; tests may provide their own.
///
/// ```
/// use std::sync::Arc;
///
/// use calcom::client::Client;
/// use calcom::sync::{Calendar, Tenant};
///
/// # fn run() -> Result<(), calcom::client::Error> {
/// // A client is a calendar.
/// let calendar: Arc<dyn Calendar> = Arc::new(Client::from_env()?);
/// let tenant = Tenant::new("salon".into(), calendar);
/// # let _ = tenant;
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
///
/// # Contract
///
/// A write is sent once. If it may have been carried out and that is not known, the error is
/// [`Unavailable`](CalendarErrorKind::Unavailable).
#[async_trait]
pub trait Calendar: fmt::Debug + Send + Sync + 'static {
    /// Reads one booking; `None` if it does not exist.
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError>;

    /// Lists bookings by a query. The engine checks the filters again.
    async fn bookings(&self, query: &BookingQuery) -> Result<Vec<Booking>, CalendarError>;

    /// Reads one page of the list, as large as the query says. The engine checks the filters, and
    /// whether the list keeps to its order.
    async fn bookings_page(&self, query: &BookingQuery) -> Result<BookingPage, CalendarError>;

    /// Carries out a write, and returns the resulting booking: the new one, the replacement, or the
    /// cancelled one.
    async fn write(&self, write: &Write) -> Result<Booking, CalendarError>;

    /// The starts of the free slots between two instants.
    async fn free_slots(
        &self,
        event_type: EventTypeId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError>;

    /// Reads an event type; `None` if these credentials see none. The engine caches it for a while.
    async fn event_type(&self, id: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError>;

    /// Checks whether the credentials are accepted at all: fails with
    /// [`Denied`](CalendarErrorKind::Denied) if not.
    async fn account(&self) -> Result<(), CalendarError>;

    /// What is known of the connection, without any I/O; `None` if nothing is kept.
    fn condition(&self) -> Option<CalendarCondition> {
        None
    }
}
