//! The outbox: changes made by the host that Cal.com must receive.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::{AppointmentId, Origin, Revision};
use super::error::StoreError;
use super::notice::NoticeSource;
use super::page::Page;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::open_enum;

number_id! {
    /// Identifies one row of the outbox.
    ChangeId
}

/// A change of an appointment: "appointment A of tenant T moved to revision R, by origin O".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// The tenant that owns the appointment.
    pub tenant: TenantId,
    /// The appointment.
    pub appointment: AppointmentId,
    /// The revision after the write.
    pub revision: Revision,
    /// Who made the change.
    pub origin: Origin,
    /// When, by the host's clock. Informational; never used for ordering.
    pub at: DateTime<Utc>,
    /// Who told of it: the host, unless a sweep found it.
    #[serde(default = "from_host")]
    pub source: NoticeSource,
}

fn from_host() -> NoticeSource {
    NoticeSource::Host
}

impl Change {
    /// Appointment `appointment` of `tenant` moved to `revision`, by `origin`, at `at`.
    pub fn new(
        tenant: TenantId,
        appointment: AppointmentId,
        revision: Revision,
        origin: Origin,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            tenant,
            appointment,
            revision,
            origin,
            at,
            source: NoticeSource::Host,
        }
    }

    /// Sets who told of it.
    #[must_use]
    pub fn with_source(mut self, source: NoticeSource) -> Self {
        self.source = source;
        self
    }
}

/// A change waiting in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedChange {
    /// The row id.
    pub id: ChangeId,
    /// The recorded change.
    pub change: Change,
}

impl RecordedChange {
    /// A change with its row id.
    pub fn new(id: ChangeId, change: Change) -> Self {
        Self { id, change }
    }
}

open_enum! {
    /// How a recorded change ended. Every change gets a fate.
    ChangeFate {
        /// Written to Cal.com.
        Pushed = "pushed",
        /// Both sides already agreed.
        Agreed = "agreed",
        /// Superseded by a later revision.
        Superseded = "superseded",
        /// Not pushed: its origin is Cal.com.
        SkippedOriginCalcom = "skipped_origin_calcom",
        /// Not pushed: the appointment ended before it was ever booked at Cal.com.
        SkippedNeverBooked = "skipped_never_booked",
        /// The other side's change took precedence.
        Overruled = "overruled",
        /// Cal.com cannot represent it, and the difference is accepted.
        KeptAtHost = "kept_at_host",
        /// Needs manual review.
        InReview = "in_review",
    }
}

/// The outbox.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::store::{Change, InMemoryStore, Origin, Outbox, Page, Revision, TenantId};
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let at = "2026-12-08T09:00:00Z".parse()?;
/// let change = Change::new(tenant.clone(), "a-1".into(), Revision::FIRST, Origin::Phone, at);
/// store.record(&change).await?;
/// // Recording it again changes nothing.
/// store.record(&change).await?;
/// let changes = store.changes(&tenant, &"a-1".into(), Page::first(10)).await?;
/// assert_eq!(changes.len(), 1);
/// assert!(changes[0].1.is_none(), "it waits");
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - Recording inserts one row and touches no other, so it never waits for a worker, a delivery or
///   another transaction of the host's. An adapter offers the same within the host's own
///   transaction, so that the host's write and the change are stored atomically; however long that
///   transaction stays open, it blocks nobody.
/// - Recording the same revision of the same appointment again changes nothing.
/// - A change waits until a [`Settlement`](super::Settlement) names it.
#[async_trait]
pub trait Outbox: fmt::Debug + Send + Sync + 'static {
    /// Records a change in a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](super::StoreErrorKind::ReadOnly); then nothing was recorded.
    async fn record(&self, change: &Change) -> Result<(), StoreError>;

    /// The changes of an appointment, oldest first, with their fates; `None` for those that are
    /// waiting.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn changes(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<ChangeId>,
    ) -> Result<Vec<(RecordedChange, Option<ChangeFate>)>, StoreError>;
}
