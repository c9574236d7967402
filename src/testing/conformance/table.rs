//! An appointments table on trial: what the promises need to know about it.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::fixtures::{at, other_tenant, tenant};
use crate::model::{EventTypeId, LINE_LIMIT, TEXT_LIMIT, UserId};
use crate::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite,
    InMemoryStore, Origin, Person, StoreError, StoreErrorKind, TenantId,
};

/// What a table may have no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// The member of staff; the table reads `None`.
    Staff,
    /// The location; the table reads `None`.
    Location,
    /// The guests; the table reads `None`.
    Guests,
    /// The notes; the table reads `None`.
    Notes,
    /// Whether the attendee did not come; the table reads `None`.
    Absent,
    /// The answers to booking fields; the table reads `None`.
    Responses,
    /// The host's texts at Cal.com; the table reads `None`.
    Metadata,
    /// Why it was changed; the table reads `None`.
    Reason,
    /// The attendee's phone number; the table reads `None`.
    Phone,
    /// The attendee's language; the table reads `None`.
    Language,
    /// The attendee's time zone; the table reads one of its own.
    TimeZone,
    /// When it was written, as the write says; the table reads a time of its own.
    WriteTime,
}

/// How the application itself writes its table, past the engine: the way its own forms do.
///
/// The engine never calls it. The promises use it to see that a write of the application's is one:
/// that it raises the revision, replaces the origin, and cannot be overwritten unseen.
#[async_trait]
pub trait HostWrites: fmt::Debug + Send + Sync + 'static {
    /// Makes an appointment, and returns its id.
    ///
    /// # Errors
    ///
    /// Any; the promise then fails with it.
    async fn create(
        &self,
        tenant: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError>;

    /// Changes an appointment to this state.
    ///
    /// # Errors
    ///
    /// Any; the promise then fails with it.
    async fn change(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError>;
}

/// A table on trial: its repository, and what is particular about it.
///
/// The defaults fit the bundled stores. A table of an application's own says what is different:
///
/// ```
/// use std::sync::Arc;
///
/// use calcom::model::{EventTypeId, UserId};
/// use calcom::store::{InMemoryStore, TenantId};
/// use calcom::testing::conformance::{AppointmentTable, Detail};
///
/// let adapter = InMemoryStore::new(); // yours
/// let table = AppointmentTable::new(Arc::new(adapter.clone()))
///     .with_tenants([TenantId::new("the-only-one")])
///     .with_event_types([EventTypeId::new(42), EventTypeId::new(43)])
///     .with_staff([UserId::new(5)])
///     .without(Detail::Guests)
///     .with_host_writes(Arc::new(adapter));
/// # let _ = table;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AppointmentTable {
    pub(super) repository: Arc<dyn AppointmentRepository>,
    writes: Option<Arc<dyn HostWrites>>,
    tenants: Vec<TenantId>,
    event_types: Vec<EventTypeId>,
    staff: Vec<UserId>,
    lacks: BTreeSet<Detail>,
    begins: DateTime<Utc>,
    pub(super) step: TimeDelta,
    pub(super) longest_line: usize,
    pub(super) longest_text: usize,
    skipped: Arc<Mutex<Vec<&'static str>>>,
}

impl<R: AppointmentRepository> From<R> for AppointmentTable {
    fn from(repository: R) -> Self {
        Self::new(Arc::new(repository))
    }
}

impl AppointmentTable {
    /// A table with no appointments in it, which keeps every detail of two tenants.
    pub fn new(repository: Arc<dyn AppointmentRepository>) -> Self {
        Self {
            repository,
            writes: None,
            tenants: vec![tenant(), other_tenant()],
            event_types: [7, 8].map(EventTypeId::new).to_vec(),
            staff: [5, 6, 9].map(UserId::new).to_vec(),
            lacks: BTreeSet::new(),
            begins: at(0),
            step: TimeDelta::milliseconds(1),
            longest_line: LINE_LIMIT,
            longest_text: TEXT_LIMIT,
            skipped: Arc::default(),
        }
    }

    /// The tenants that the table knows. With one only, the promises that keep tenants apart are
    /// skipped. Default: two.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn with_tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.tenants = tenants.into_iter().collect();
        assert!(!self.tenants.is_empty(), "a table has at least one tenant");
        self
    }

    /// The event types that the table knows, such as those of its services. Default: 7 and 8.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn with_event_types(mut self, ids: impl IntoIterator<Item = EventTypeId>) -> Self {
        self.event_types = ids.into_iter().collect();
        assert!(!self.event_types.is_empty(), "an appointment has a service");
        self
    }

    /// The Cal.com users that the table knows as members of staff; they take turns. Default: 5, 6
    /// and 9.
    pub fn with_staff(mut self, ids: impl IntoIterator<Item = UserId>) -> Self {
        self.staff = ids.into_iter().collect();
        self
    }

    /// The table has no place for this.
    pub fn without(mut self, detail: Detail) -> Self {
        self.lacks.insert(detail);
        self
    }

    /// How the application itself writes the table. Without it, the promises about its own writes
    /// are skipped.
    pub fn with_host_writes(mut self, writes: Arc<dyn HostWrites>) -> Self {
        self.writes = Some(writes);
        self
    }

    /// The appointments of the promises lie within a few hours from here, and some of them within
    /// two years. Default: 15 January 2027, 08:00 UTC.
    pub fn with_start(mut self, begins: DateTime<Utc>) -> Self {
        self.begins = begins;
        self
    }

    /// The finest time that the table keeps; what is finer is cut off. Default: 1 ms, which is
    /// Cal.com's.
    pub fn with_time_step(mut self, step: TimeDelta) -> Self {
        self.step = step;
        self
    }

    /// The longest name or address, and the longest notes or reason, that the table keeps, in
    /// characters. Default: [`LINE_LIMIT`] and [`TEXT_LIMIT`], and the engine writes nothing longer.
    pub fn with_longest(mut self, line: usize, text: usize) -> Self {
        self.longest_line = line;
        self.longest_text = text;
        self
    }

    /// Why a promise was skipped, if it was: it is about something that the table does not have.
    pub fn skipped(&self) -> Vec<&'static str> {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.clone()
    }

    /// Says on standard error why a promise was skipped, also where tests capture their output.
    #[doc(hidden)]
    pub fn say_what_was_skipped(&self, promise: &str) {
        for why in self.skipped() {
            // If nobody can be told, the promise is skipped all the same.
            let _ = writeln!(std::io::stderr(), "SKIPPED {promise}: {why}");
        }
    }

    fn skip(&self, why: &'static str) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.push(why);
    }

    /// The application's own writes; if it has none, the promise is skipped.
    pub(super) fn host_writes(&self) -> Option<&dyn HostWrites> {
        if self.writes.is_none() {
            self.skip("the table was given without its application's own writes");
        }
        self.writes.as_deref()
    }

    /// Another tenant; if there is none, the promise is skipped.
    pub(super) fn other_tenant(&self) -> Option<&TenantId> {
        let other = self.tenants.get(1);
        if other.is_none() {
            self.skip("the table has one tenant");
        }
        other
    }

    /// Whether the table keeps this; if not, the promise is skipped.
    pub(super) fn must_keep(&self, detail: Detail, otherwise: &'static str) -> bool {
        if !self.keeps(detail) {
            self.skip(otherwise);
        }
        self.keeps(detail)
    }

    pub(super) fn keeps(&self, detail: Detail) -> bool {
        !self.lacks.contains(&detail)
    }

    pub(super) fn tenant(&self) -> &TenantId {
        &self.tenants[0]
    }

    /// An instant, by its minute.
    pub(super) fn at(&self, minute: i64) -> DateTime<Utc> {
        self.begins + TimeDelta::minutes(minute)
    }

    pub(super) fn event_type(&self, n: usize) -> EventTypeId {
        self.event_types[n % self.event_types.len()]
    }

    pub(super) fn staff(&self, n: usize) -> Option<UserId> {
        (!self.staff.is_empty()).then(|| self.staff[n % self.staff.len()])
    }

    /// Half an hour of the `n`th member of staff, for the first service.
    pub(super) fn state_of(&self, n: usize, minute: i64) -> AppointmentState {
        let (start, end) = (self.at(minute), self.at(minute + 30));
        let ada = Person::new("Ada", "ada@example.com", "Europe/Berlin");
        let status = AppointmentStatus::Confirmed;
        let mut state = AppointmentState::new(status, start, end, self.event_type(0), ada);
        state.host = self.staff(n);
        state
    }

    pub(super) fn state(&self, minute: i64) -> AppointmentState {
        self.state_of(0, minute)
    }

    /// A write of the engine's.
    pub(super) fn write(&self, start_minute: i64, minute: i64) -> AppointmentWrite {
        self.write_of(self.state(start_minute), minute)
    }

    pub(super) fn write_of(&self, state: AppointmentState, minute: i64) -> AppointmentWrite {
        AppointmentWrite::new(state, Origin::Calcom, self.at(minute))
    }

    /// Ids that are none of the table's, whatever its keys are.
    pub(super) fn unknown_ids(&self) -> Vec<AppointmentId> {
        let texts = [
            "unknown",
            "",
            "0",
            "-1",
            "4611686018427387904",
            "99999999999999999999999999",
            "00000000-0000-4000-8000-000000000000",
            "' OR 1 = 1 --",
            "\u{1f9ea}",
        ];
        texts.map(AppointmentId::new).to_vec()
    }
}

/// The id that a bundled table's application gives its `n`th appointment.
fn own_id(n: u64) -> AppointmentId {
    AppointmentId::new(format!("host-{n}"))
}

/// Whether an id is taken, so that the next one is to be tried.
fn is_taken<T>(made: &Result<T, StoreError>) -> bool {
    let error = made.as_ref().err();
    error.is_some_and(|error| error.kind() == StoreErrorKind::Conflict)
}

/// A change of the application's own to a bundled table.
async fn change(
    table: &dyn AppointmentRepository,
    tenant: &TenantId,
    id: &AppointmentId,
    state: &AppointmentState,
) -> Result<(), StoreError> {
    loop {
        let found = table.get(tenant, id).await?;
        let found = found.ok_or_else(|| StoreError::not_found("appointment"))?;
        let write = AppointmentWrite::new(state.clone(), Origin::Admin, found.updated_at);
        match table.update(tenant, id, found.revision, write).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
}

#[async_trait]
impl HostWrites for InMemoryStore {
    async fn create(
        &self,
        tenant: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError> {
        let mut n = 1;
        loop {
            let id = own_id(n);
            n += 1;
            let write = AppointmentWrite::new(state.clone(), Origin::Admin, state.start);
            let made = self.create_appointment(tenant, &id, write);
            if !is_taken(&made) {
                return made.map(|made| made.id);
            }
        }
    }

    async fn change(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError> {
        change(self, tenant, id, state).await
    }
}

#[cfg(feature = "sqlite")]
#[async_trait]
impl HostWrites for crate::sqlite::SqliteStore {
    async fn create(
        &self,
        tenant: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError> {
        let mut n = 1;
        loop {
            let id = own_id(n);
            n += 1;
            let write = AppointmentWrite::new(state.clone(), Origin::Admin, state.start);
            let made = self.create_appointment(tenant, &id, write).await;
            if !is_taken(&made) {
                return made.map(|made| made.id);
            }
        }
    }

    async fn change(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError> {
        change(self, tenant, id, state).await
    }
}

#[cfg(feature = "postgres")]
#[async_trait]
impl HostWrites for crate::postgres::PostgresStore {
    async fn create(
        &self,
        tenant: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError> {
        let mut n = 1;
        loop {
            let id = own_id(n);
            n += 1;
            let write = AppointmentWrite::new(state.clone(), Origin::Admin, state.start);
            let made = self.create_appointment(tenant, &id, write).await;
            if !is_taken(&made) {
                return made.map(|made| made.id);
            }
        }
    }

    async fn change(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError> {
        change(self, tenant, id, state).await
    }
}
