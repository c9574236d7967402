//! The outbox: what the host changed and Cal.com has to hear.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::appointment::{AppointmentId, Origin, Revision};
use super::error::StoreError;
use super::page::Page;
use super::tenant::TenantId;
use crate::model::id::number_id;
use crate::model::open_enum;

number_id! {
    /// Names one row of the outbox.
    ChangeId
}

/// "Appointment A of tenant T moved to revision R, by origin O."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// Whose appointment.
    pub tenant: TenantId,
    /// Which appointment.
    pub appointment: AppointmentId,
    /// The revision that the write left behind.
    pub revision: Revision,
    /// Who wrote.
    pub origin: Origin,
    /// When, by the host's clock. Orders nothing.
    pub at: DateTime<Utc>,
}

impl Change {
    /// "Appointment A of tenant T moved to revision R, by origin O, at this instant."
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
        }
    }
}

/// A change that waits in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedChange {
    /// The row.
    pub id: ChangeId,
    /// What was recorded.
    pub change: Change,
}

impl RecordedChange {
    /// A change in a row.
    pub fn new(id: ChangeId, change: Change) -> Self {
        Self { id, change }
    }
}

open_enum! {
    /// How a recorded change ended. None ends without a fate.
    ChangeFate {
        /// Cal.com has it.
        Pushed = "pushed",
        /// Both sides agreed already.
        Agreed = "agreed",
        /// A later revision was carried instead.
        Superseded = "superseded",
        /// Its origin is Cal.com, so it is not pushed back.
        SkippedOriginCalcom = "skipped_origin_calcom",
        /// The appointment ended before Cal.com ever heard of it.
        SkippedNeverBooked = "skipped_never_booked",
        /// The other side's change won.
        Overruled = "overruled",
        /// Cal.com cannot hold it, and the difference is accepted.
        KeptAtHost = "kept_at_host",
        /// A person has to decide.
        InReview = "in_review",
    }
}

/// The outbox.
///
/// # Contract
///
/// - Recording inserts one row and touches no other, so that it waits for no worker, no delivery and no other host's
///   transaction. An adapter offers the same for the host's own transaction, so that the host's write and the change are
///   stored together or not at all; however long that transaction stays open, it holds up nobody.
/// - Recording the same revision of the same appointment again changes nothing.
/// - A change waits until a [`Settlement`](super::Settlement) names it.
#[async_trait]
pub trait Outbox: fmt::Debug + Send + Sync + 'static {
    /// Records a change in a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or [`ReadOnly`](super::StoreErrorKind::ReadOnly); then nothing
    /// was recorded.
    async fn record(&self, change: &Change) -> Result<(), StoreError>;

    /// How the changes of an appointment ended, oldest first; `None` for those that wait.
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
