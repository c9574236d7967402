//! What an agent needs of the host's appointments, besides what the engine needs.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::appointment::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, Revision,
};
use super::error::StoreError;
use super::tenant::TenantId;
use crate::model::PhoneNumber;
use crate::model::id::text_id;

text_id! {
    /// Identifies one request for an appointment. The same request again has the same key.
    RequestKey
}

/// An appointment that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taken {
    /// The appointment.
    pub appointment: Appointment,
    /// Whether it was created now, and not by the same request earlier.
    pub is_new: bool,
}

impl Taken {
    /// An appointment, and whether it was created now.
    pub fn new(appointment: Appointment, is_new: bool) -> Self {
        Self {
            appointment,
            is_new,
        }
    }
}

/// The host's own appointments, as somebody works with them who takes them for callers: `agents`.
///
/// Every write records its change, so that the engine brings it to Cal.com.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{
///     AppointmentDesk, AppointmentState, AppointmentStatus, AppointmentWrite, InMemoryStore, Origin,
///     Person, RequestKey, TenantId,
/// };
///
/// let desk = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let (start, end) = ("2026-12-08T09:00:00Z".parse()?, "2026-12-08T09:30:00Z".parse()?);
/// let ann = Person::by_phone("Ann", "+4930123456", "Europe/Berlin");
/// let state = AppointmentState::new(AppointmentStatus::Confirmed, start, end, 42.into(), ann);
/// let write = AppointmentWrite::new(state, Origin::Phone, start);
/// let key = RequestKey::new("call-7");
/// assert!(desk.take(&tenant, &key, write.clone()).await?.is_new);
/// // The same request again takes nothing.
/// assert!(!desk.take(&tenant, &key, write).await?.is_new);
/// let of_ann = desk.by_phone(&tenant, &"+4930123456".parse()?, start, 10).await?;
/// assert_eq!(of_ann.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - [`take`](Self::take) is idempotent by its key: a second call with the same key returns the
///   existing appointment as it is now, whatever has become of it, and writes nothing, also when
///   both run concurrently.
/// - A write and the record of its change in the outbox are one transaction. A host whose table lives
///   elsewhere records after the commit; what a crash in between leaves out, a sweep finds.
/// - [`by_phone`](Self::by_phone) finds exactly the tenant's live appointments whose attendee has this
///   number, wherever they came from, and those alone. It goes by an index: it costs what it finds,
///   whatever the size of the table.
/// - What a call writes, later calls see.
#[async_trait]
pub trait AppointmentDesk: AppointmentRepository {
    /// Creates an appointment and records the change, or returns the one that the same request has
    /// created.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly);
    /// [`Conflict`](super::StoreErrorKind::Conflict) if another rule of the host's table, such as a
    /// unique index over staff and start, has no room for the appointment.
    async fn take(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
        write: AppointmentWrite,
    ) -> Result<Taken, StoreError>;

    /// The appointment that a request has created, whatever has become of it; `None` if it has created
    /// none.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn requested(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
    ) -> Result<Option<Appointment>, StoreError>;

    /// [Updates](AppointmentRepository::update) an appointment and records the change.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StoreErrorKind::Conflict) if it has changed meanwhile,
    /// [`NotFound`](super::StoreErrorKind::NotFound) if it no longer exists.
    async fn revise(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError>;

    /// The pending and confirmed appointments of an attendee that end after an instant, ordered by
    /// start and then as the host likes; at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn by_phone(
        &self,
        tenant: &TenantId,
        number: &PhoneNumber,
        after: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError>;
}
