//! Appointments: the host's own records, and the port through which the engine reads and writes them.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::error::StoreError;
use super::tenant::TenantId;
use crate::model::id::text_id;
use crate::model::{Attendee, EventTypeId, InstantFormat, NewAttendee, open_enum};

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

    /// Whether both are the same person to Cal.com: name and e-mail address, the latter in any case.
    fn is_same(&self, other: &Self) -> bool {
        let lower = |email: &Option<String>| email.as_ref().map(|e| e.to_lowercase());
        self.name.trim() == other.name.trim() && lower(&self.email) == lower(&other.email)
    }
}

impl From<&Attendee> for Person {
    fn from(attendee: &Attendee) -> Self {
        Self {
            name: attendee.name.clone(),
            email: Some(attendee.email.clone()).filter(|email| !email.is_empty()),
            time_zone: attendee
                .time_zone
                .clone()
                .unwrap_or_else(|| "UTC".to_owned()),
            language: attendee.language.clone(),
            phone_number: attendee.phone_number.clone(),
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

/// What both sides have to agree on: the state of an appointment, or of the booking that stands for it.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentState {
    /// Where it stands.
    pub status: AppointmentStatus,
    /// When it begins.
    #[serde_as(as = "InstantFormat")]
    pub start: DateTime<Utc>,
    /// When it ends. Cal.com derives it from the event type's length.
    #[serde_as(as = "InstantFormat")]
    pub end: DateTime<Utc>,
    /// What it is, in Cal.com's terms.
    pub event_type: EventTypeId,
    /// Whom it is for.
    pub attendee: Person,
}

impl AppointmentState {
    /// Whether nobody would have to be told of a difference: two ended states agree whatever else they hold, and what
    /// Cal.com does not keep (a phone number, a language) is not compared.
    pub fn agrees_with(&self, other: &Self) -> bool {
        if !self.status.is_live() && !other.status.is_live() {
            return true;
        }
        self.status == other.status
            && self.start == other.start
            && self.end == other.end
            && self.event_type == other.event_type
            && self.attendee.is_same(&other.attendee)
    }

    /// This state, keeping what only the other one knows of the same person.
    #[must_use]
    pub fn keeping_details_of(mut self, known: &Self) -> Self {
        if self.attendee.is_same(&known.attendee) {
            let ours = &mut self.attendee;
            ours.phone_number = ours
                .phone_number
                .take()
                .or_else(|| known.attendee.phone_number.clone());
            ours.language = ours
                .language
                .take()
                .or_else(|| known.attendee.language.clone());
        }
        self
    }

    /// Whether the person is the same one.
    pub fn same_attendee(&self, other: &Self) -> bool {
        self.attendee.is_same(&other.attendee)
    }
}

/// One appointment as the host holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// A write of an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppointmentWrite {
    /// The state to hold from now on.
    pub state: AppointmentState,
    /// Who writes.
    pub origin: Origin,
    /// When.
    pub at: DateTime<Utc>,
}

/// Which appointments a scan walks: those that begin in `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first instant that belongs to it.
    pub from: DateTime<Utc>,
    /// The first instant that does not.
    pub until: DateTime<Utc>,
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
