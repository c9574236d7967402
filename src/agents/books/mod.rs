//! Where the tools read and write appointments: at the host, through the engine, or at Cal.com alone.

#[cfg(feature = "client")]
mod client;
mod ending;
mod engine;
mod overlap;
mod unsynced;

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

#[cfg(feature = "client")]
pub(super) use self::client::ClientBooks;
pub(super) use self::engine::EngineBooks;
use crate::model::{EventTypeId, PhoneNumber, UserId};
use crate::store::{
    AppointmentStatus, Origin, Person, RequestKey, StoreError, StoreErrorKind, Window,
};
use crate::sync::{CalendarError, Tenant};

/// A service that can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bookable {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) minutes: u32,
    pub(super) description: Option<String>,
    pub(super) event_type: EventTypeId,
}

impl Trouble {
    /// Whether a write that ended like this may have been carried out.
    pub(super) fn leaves_doubt(&self) -> bool {
        match self {
            Self::Store(error) => error.kind() == StoreErrorKind::Unavailable,
            Self::Engine(_) => true,
            Self::Calendar(_) => true,
            #[cfg(feature = "client")]
            Self::Client(error) => error.retryability() != crate::client::Retryability::Always,
            #[cfg(feature = "client")]
            Self::Stopped => true,
        }
    }
}

impl Bookable {
    pub(super) fn length(&self) -> TimeDelta {
        TimeDelta::minutes(self.minutes.into())
    }
}

/// What slots are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) event_type: EventTypeId,
    pub(super) length: TimeDelta,
    /// The member of staff who is to hold it.
    pub(super) host: Option<UserId>,
}

/// An appointment that is to be taken. `Debug` does not show whose.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) wanted: Wanted,
    pub(super) start: DateTime<Utc>,
    pub(super) person: Person,
    pub(super) notes: Option<String>,
    pub(super) origin: Origin,
    pub(super) now: DateTime<Utc>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("wanted", &self.wanted)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// An appointment as the books have it. `Debug` does not show whose.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) status: AppointmentStatus,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) event_type: EventTypeId,
    pub(super) host: Option<UserId>,
    /// The attendee's name.
    pub(super) name: String,
    /// Whether it was given up because Cal.com's slot was taken by somebody else.
    pub(super) is_overtaken: bool,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// How a write ended, as far as that is known in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Both sides have it.
    Done(Entry),
    /// It is stored, and Cal.com has not answered yet.
    Accepted(Entry),
    /// The time was taken by somebody else in the meantime; nothing is left of the write.
    SlotTaken,
    /// Cal.com refuses it for another reason, and a person looks at it.
    Rejected,
    /// The same request has taken an appointment earlier, and it has ended since.
    Ended,
}

/// What was begun earlier and is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Earlier<'a> {
    /// A booking. If its slot is lost, it is given up, by this origin and at this time.
    Booking(&'a Origin, DateTime<Utc>),
    /// A move.
    Move,
}

/// Why the books did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The host's storage, the engine's or the directory.
    #[error("the storage did not answer")]
    Store(#[from] StoreError),
    /// The engine.
    #[error("the engine did not answer")]
    Engine(#[from] crate::sync::Error),
    /// Cal.com.
    #[error("Cal.com did not answer")]
    Calendar(#[from] CalendarError),
    /// Cal.com, through the client.
    #[cfg(feature = "client")]
    #[error("Cal.com did not answer")]
    Client(#[from] crate::client::Error),
    /// The work stopped before its end.
    #[cfg(feature = "client")]
    #[error("the work ended early")]
    Stopped,
}

/// What the tools need of a calendar and its appointments.
///
/// What writes goes on until it is finished, also when whoever called does not wait any longer.
#[async_trait]
pub(super) trait Books: fmt::Debug + Send + Sync + 'static {
    /// What can be booked with the tenant.
    async fn services(&self, tenant: &Tenant) -> Result<Vec<Bookable>, Trouble>;

    /// The starts within a window at which both sides are free, in order. `moving` is an appointment that is
    /// to be moved there and does not stand in its own way.
    async fn free(
        &self,
        tenant: &Tenant,
        wanted: Wanted,
        window: Window,
        moving: Option<&Entry>,
        now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, Trouble>;

    /// What a request has taken, whatever has become of it.
    async fn requested(&self, tenant: &Tenant, key: &RequestKey) -> Result<Option<Entry>, Trouble>;

    /// Takes an appointment, once for a key.
    async fn take(
        &self,
        tenant: &Tenant,
        key: &RequestKey,
        order: Order,
        until: Instant,
    ) -> Result<Written, Trouble>;

    /// Waits for the end of a write that was begun earlier.
    async fn settled(
        &self,
        tenant: &Tenant,
        entry: Entry,
        earlier: Earlier<'_>,
        until: Instant,
    ) -> Result<Written, Trouble>;

    /// Whether a write is refused in time where the slot is not free, so that whoever repeats a request is
    /// not told that it is taken by themselves.
    fn refuses_what_is_taken(&self) -> bool;

    /// Whether something stands in the way of a slot that Cal.com does not know of.
    async fn is_blocked(
        &self,
        tenant: &Tenant,
        wanted: Wanted,
        slot: DateTime<Utc>,
        moving: &Entry,
        now: DateTime<Utc>,
    ) -> Result<bool, Trouble>;

    /// The live appointments under a number that end after an instant, in the order of their starts.
    async fn of_number(
        &self,
        tenant: &Tenant,
        number: &PhoneNumber,
        after: DateTime<Utc>,
    ) -> Result<Vec<Entry>, Trouble>;

    /// An appointment of this id, whatever has become of it; under this number, if one is named.
    async fn of_id(
        &self,
        tenant: &Tenant,
        id: &str,
        number: Option<&PhoneNumber>,
    ) -> Result<Option<Entry>, Trouble>;

    /// Moves an appointment.
    async fn move_to(
        &self,
        tenant: &Tenant,
        entry: &Entry,
        start: DateTime<Utc>,
        by: &Origin,
        now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Written, Trouble>;

    /// Cancels an appointment.
    async fn cancel(
        &self,
        tenant: &Tenant,
        entry: &Entry,
        reason: Option<&str>,
        by: &Origin,
        now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Written, Trouble>;
}
