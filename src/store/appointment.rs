//! Appointments: the host's own records, and the port through which the engine reads and writes them.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::error::StoreError;
use super::state::AppointmentState;
use super::tenant::TenantId;
use crate::model::id::text_id;
use crate::model::{Attendee, NewAttendee, clean_line, open_enum};

text_id! {
    /// Names one appointment of a tenant, in the host's own terms.
    AppointmentId
}
text_id! {
    /// Names a chain of bookings, from the first through every reschedule. The engine takes it from the booking's `icsUid`.
    ChainKey
}

/// A number that the host's repository raises with every write of an appointment.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// The revision of a row that was just created.
    pub const FIRST: Self = Self(1);

    /// Wraps the number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision after this one.
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
    /// Who made an appointment's latest change; any other word is a name of the host's own.
    Origin {
        /// The sync engine, for Cal.com. Such a change is never pushed back.
        Calcom = "calcom",
        /// A person at the host's desk.
        Admin = "admin",
        /// An agent on the phone.
        Phone = "phone",
        /// A program that calls the host.
        Api = "api",
        /// The host itself.
        System = "system",
    }
}

/// Where an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// It waits for confirmation.
    Pending,
    /// It takes place.
    Confirmed,
    /// It was cancelled.
    Cancelled,
    /// It was declined.
    Declined,
}

impl AppointmentStatus {
    /// Whether the appointment takes up time.
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

/// The person for whom an appointment is. `Debug` shows nothing that identifies the person.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Person {
    /// The name.
    pub name: String,
    /// The e-mail address; Cal.com refuses bookings without one on most event types.
    pub email: Option<String>,
    /// The IANA time zone.
    pub time_zone: String,
    /// The language of the e-mails, such as `de`.
    pub language: Option<String>,
    /// The phone number in E.164.
    pub phone_number: Option<String>,
}

impl Person {
    /// A person with the three things that are always needed.
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

impl From<&Attendee> for Person {
    /// The attendee in the host's terms. Every text is cleaned with [`clean_line`]: anybody who books writes it.
    fn from(attendee: &Attendee) -> Self {
        let line = |text: &str| clean_line(text).into_owned();
        Self {
            name: line(&attendee.name),
            email: Some(line(&attendee.email)).filter(|email| !email.is_empty()),
            time_zone: line(attendee.time_zone.as_deref().unwrap_or("UTC")),
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
            time_zone: person.time_zone.clone(),
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

/// One appointment as the host holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Appointment {
    /// Its name.
    pub id: AppointmentId,
    /// How often it was written.
    pub revision: Revision,
    /// Who wrote it last.
    pub origin: Origin,
    /// Its state.
    pub state: AppointmentState,
    /// The chain of bookings that it was created for; `None` if it was made at the host.
    pub chain: Option<ChainKey>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

impl Appointment {
    /// An appointment that was just made at the host.
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
        }
    }

    /// Sets the chain of bookings that the appointment was created for.
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
    /// The state to hold from now on.
    pub state: AppointmentState,
    /// Who writes.
    pub origin: Origin,
    /// When.
    pub at: DateTime<Utc>,
}

impl AppointmentWrite {
    /// A write of this state by this origin at this instant.
    pub fn new(state: AppointmentState, origin: Origin, at: DateTime<Utc>) -> Self {
        Self { state, origin, at }
    }
}

/// Which appointments a scan walks: those that begin in `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The first instant that belongs to it.
    pub from: DateTime<Utc>,
    /// The first instant that does not.
    pub until: DateTime<Utc>,
}

impl Window {
    /// The appointments that begin in `[from, until)`.
    pub fn new(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { from, until }
    }
}

/// The host's own appointments.
///
/// # Contract
///
/// - Every write raises the revision by at least one, and a reader never sees a write half done.
/// - [`create_for_booking`](Self::create_for_booking) is idempotent by the chain's key: a second call with the same key
///   returns the first one's appointment as it stands now and writes nothing, also when both run at once.
/// - [`update`](Self::update) writes only if the revision is the expected one, else it fails with
///   [`Conflict`](super::StoreErrorKind::Conflict); of two updates that expect the same revision, one fails.
/// - A host that records its changes in the outbox may record the engine's writes too, with their origin: they are skipped.
/// - A call that is dropped before it is answered has either happened or not.
/// - A read may lag behind the outbox (a read replica, a change recorded before its transaction commits): the engine looks
///   again, and asks a person if the recorded revision never becomes visible.
/// - [`Unavailable`](super::StoreErrorKind::Unavailable) is a failure that may pass: a lost connection, a lock that was not
///   granted, a serialization failure. [`Corrupt`](super::StoreErrorKind::Corrupt) is one that stays.
#[async_trait]
pub trait AppointmentRepository: fmt::Debug + Send + Sync + 'static {
    /// Reads one; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError>;

    /// Creates the appointment of a chain of bookings, or returns the one that was created for it before.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`ReadOnly`](super::StoreErrorKind::ReadOnly).
    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError>;

    /// Writes one if its revision is still the expected one, and returns it as written.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StoreErrorKind::Conflict) if it was written meanwhile,
    /// [`NotFound`](super::StoreErrorKind::NotFound) if it is gone.
    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError>;

    /// One page of the appointments that begin in a window, ordered by start and id, strictly after `after`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError>;
}
