//! Appointments: the host's own records, and the port through which the engine reads and writes
//! them.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::details::Reason;
use super::error::StoreError;
use super::state::AppointmentState;
use super::tenant::TenantId;
use crate::model::id::text_id;
use crate::model::{Attendee, BookingUid, NewAttendee, clean_line, open_enum};

text_id! {
    /// The host's identifier for one appointment of a tenant.
    AppointmentId
}
text_id! {
    /// Identifies a chain of bookings, from the first through every reschedule. The engine uses the
    /// booking's `icsUid`.
    ChainKey
}

/// A version number that the host's repository increments with every write of an appointment.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// The revision of a newly created row.
    pub const FIRST: Self = Self(1);

    /// Wraps the number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next revision.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

open_enum! {
    /// Who made an appointment's latest change; any other value is the host's own.
    Origin {
        /// The sync engine, on behalf of Cal.com. Never pushed back.
        Calcom = "calcom",
        /// Staff using the host application.
        Admin = "admin",
        /// A phone agent.
        Phone = "phone",
        /// A program calling the host's API.
        Api = "api",
        /// The host application itself.
        System = "system",
    }
}

/// The status of an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// Awaiting confirmation.
    Pending,
    /// Confirmed.
    Confirmed,
    /// Cancelled.
    Cancelled,
    /// Declined.
    Declined,
}

impl AppointmentStatus {
    #[cfg(feature = "postgres")]
    pub(crate) const ALL: [Self; 4] = [
        Self::Pending,
        Self::Confirmed,
        Self::Cancelled,
        Self::Declined,
    ];

    /// Whether the appointment occupies its time: pending or confirmed.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed)
    }

    /// The word used in stores and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
        }
    }
}

/// The person an appointment is for. `Debug` shows nothing that identifies them.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Person {
    /// The name.
    pub name: String,
    /// The e-mail address; `None` for somebody who is known by phone only. Cal.com refuses bookings
    /// without one on most event types; see
    /// [`Tenant::with_phone_only_domain`](crate::sync::Tenant::with_phone_only_domain).
    pub email: Option<String>,
    /// The IANA time zone.
    pub time_zone: String,
    /// The language for e-mails, such as `de`.
    pub language: Option<String>,
    /// The phone number in E.164.
    pub phone_number: Option<String>,
}

impl Person {
    /// A person who is known by phone only. The number is in E.164.
    pub fn by_phone(
        name: impl Into<String>,
        phone_number: impl Into<String>,
        time_zone: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            email: None,
            time_zone: time_zone.into(),
            language: None,
            phone_number: Some(phone_number.into()),
        }
    }

    /// A person with the three required fields.
    pub fn new(
        name: impl Into<String>,
        email: impl Into<String>,
        time_zone: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            email: Some(email.into()),
            time_zone: time_zone.into(),
            language: None,
            phone_number: None,
        }
    }
}

impl Person {
    /// What is left of a person whose data was erased. It is compared with nothing.
    pub fn erased() -> Self {
        Self {
            name: String::new(),
            email: None,
            time_zone: String::new(),
            language: None,
            phone_number: None,
        }
    }

    /// Whether the person's data was erased.
    pub fn is_erased(&self) -> bool {
        self.name.is_empty() && self.email.is_none() && self.time_zone.is_empty()
    }
}

/// The domain of the address that Cal.com makes up for an attendee who gave a phone number only.
const SYNTHETIC_DOMAIN: &str = "@sms.cal.com";

impl From<&Attendee> for Person {
    /// The attendee in the host's terms. Every text is cleaned with [`clean_line`]: anybody who
    /// books writes it.
    fn from(attendee: &Attendee) -> Self {
        let line = |text: &str| clean_line(text).into_owned();
        Self {
            name: line(&attendee.name),
            email: Some(line(&attendee.email))
                .filter(|email| !email.is_empty() && !email.ends_with(SYNTHETIC_DOMAIN)),
            time_zone: line(
                attendee
                    .time_zone
                    .as_ref()
                    .map_or("UTC", |zone| zone.as_str()),
            ),
            language: attendee.language.as_deref().map(line),
            phone_number: attendee.phone_number.as_deref().map(line),
        }
    }
}

impl From<&Person> for NewAttendee {
    fn from(person: &Person) -> Self {
        Self {
            name: person.name.clone(),
            email: person.email.clone(),
            time_zone: person.time_zone.as_str().into(),
            language: person.language.clone(),
            phone_number: person.phone_number.clone(),
        }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("time_zone", &self.time_zone)
            .finish_non_exhaustive()
    }
}

/// One appointment as stored by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Appointment {
    /// The appointment's id.
    pub id: AppointmentId,
    /// Its version number.
    pub revision: Revision,
    /// Who wrote it last.
    pub origin: Origin,
    /// Its state.
    pub state: AppointmentState,
    /// The chain of bookings it was created for; `None` if it was made at the host.
    pub chain: Option<ChainKey>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// Why it was last changed, as the attendee is to read it; `None` if nobody said so.
    #[serde(default)]
    pub reason: Option<Reason>,
}

impl Appointment {
    /// A new appointment made at the host.
    pub fn new(
        id: AppointmentId,
        revision: Revision,
        origin: Origin,
        state: AppointmentState,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            revision,
            origin,
            state,
            chain: None,
            updated_at,
            reason: None,
        }
    }

    /// Sets why it was last changed.
    #[must_use]
    pub fn with_reason(mut self, reason: Option<Reason>) -> Self {
        self.reason = reason;
        self
    }

    /// Sets the chain of bookings it was created for.
    #[must_use]
    pub fn with_chain(mut self, chain: Option<ChainKey>) -> Self {
        self.chain = chain;
        self
    }
}

/// A write of an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppointmentWrite {
    /// The new state.
    pub state: AppointmentState,
    /// Who is writing.
    pub origin: Origin,
    /// When it is written.
    pub at: DateTime<Utc>,
    /// The booking that it follows, for a write of the engine's.
    pub booking: Option<BookingUid>,
    /// Why it is changed, as the attendee reads it: the host's reason for Cal.com, or Cal.com's for
    /// the host. `None` takes an earlier reason away.
    pub reason: Option<Reason>,
}

impl AppointmentWrite {
    /// A write of `state` by `origin` at `at`.
    pub fn new(state: AppointmentState, origin: Origin, at: DateTime<Utc>) -> Self {
        Self {
            state,
            origin,
            at,
            booking: None,
            reason: None,
        }
    }

    /// Sets why it is changed.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Option<Reason>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Sets the booking that it follows.
    #[must_use]
    pub fn with_booking(mut self, booking: BookingUid) -> Self {
        self.booking = Some(booking);
        self
    }
}

/// A time window: appointments that start in `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The start of the window, inclusive.
    pub from: DateTime<Utc>,
    /// The end of the window, exclusive.
    pub until: DateTime<Utc>,
}

impl Window {
    /// The window `[from, until)`.
    pub fn new(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { from, until }
    }
}

/// The host's own appointments.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{
///     AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite, ChainKey,
///     InMemoryStore, Origin, Person, TenantId,
/// };
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let (start, end) = ("2026-12-08T09:00:00Z".parse()?, "2026-12-08T09:30:00Z".parse()?);
/// let ann = Person::new("Ann", "ann@example.com", "Europe/Berlin");
/// let state = AppointmentState::new(AppointmentStatus::Confirmed, start, end, 42.into(), ann);
/// let write = AppointmentWrite::new(state, Origin::Calcom, start);
/// let chain = ChainKey::new("ics-uid-of-the-booking");
/// let created = store.create_for_booking(&tenant, &chain, write.clone()).await?;
/// // The same chain again writes nothing.
/// let again = store.create_for_booking(&tenant, &chain, write.clone()).await?;
/// assert_eq!(created.id, again.id);
/// // An update has to name the revision that it is based on.
/// let updated = store.update(&tenant, &created.id, created.revision, write.clone()).await?;
/// assert!(store.update(&tenant, &created.id, created.revision, write).await.is_err());
/// assert!(updated.revision > created.revision);
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Every write increases the revision, also one that changes nothing, and readers never see a
///   partial write. A write of the host's own replaces the origin and the reason of the last one.
/// - An id names its appointment only as the host gave it. Any other text is an appointment that
///   does not exist. Chain keys are compared byte by byte.
/// - [`create_for_booking`](Self::create_for_booking) is idempotent by the chain's key: a second
///   call with the same key returns the existing appointment as it is now and writes nothing, also
///   when both run concurrently.
/// - [`update`](Self::update) writes only if the revision is the expected one, else it fails with
///   [`Conflict`](super::StoreErrorKind::Conflict); of two updates that expect the same revision,
///   one fails.
/// - A detail of the state that the host has no place for (staff, location, guests, notes) reads as
///   `None`, which is unknown and compared with nothing. A write whose detail is `None` may leave
///   the host's own value, but never an empty one: that there are no guests is known, not unknown.
/// - Times are kept to the millisecond. What is finer may be cut off, never rounded, in the answer
///   to a write as in every later read.
/// - A host that records its changes in the outbox may also record the engine's writes, with their
///   origin: they are skipped.
/// - A call whose future is dropped has either happened completely or not at all.
/// - A read may lag behind the outbox and behind the engine's own writes (a read replica, a change
///   recorded before its transaction commits): the engine looks again, and opens a review item if
///   the revision never becomes visible.
/// - [`Unavailable`](super::StoreErrorKind::Unavailable) is a transient failure: a lost connection,
///   a lock timeout, a serialization failure. [`Corrupt`](super::StoreErrorKind::Corrupt) is
///   permanent.
#[async_trait]
pub trait AppointmentRepository: fmt::Debug + Send + Sync + 'static {
    /// Reads one appointment; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError>;

    /// Creates the appointment for a chain of bookings, or returns the one created for it earlier.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError>;

    /// Updates one if its revision is still the expected one, and returns it as written.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StoreErrorKind::Conflict) if it has changed meanwhile,
    /// [`NotFound`](super::StoreErrorKind::NotFound) if it no longer exists.
    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError>;

    /// One page of the appointments that start in a window, whatever their status, ordered by start,
    /// strictly after `after`. Where several start at once, they are in one order of the host's own,
    /// such as that of a numeric id, which is the same for every page. What stood at `after` may
    /// have moved or be gone.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError>;
}
