//! The outcome of a sweep.

use crate::store::{StoreError, StoreErrorKind, TenantId};
use crate::sync::calendar::{CalendarError, CalendarErrorKind};

/// What a sweep compared, and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepReport {
    /// The tenant.
    pub tenant: TenantId,
    /// The number of recently updated bookings that were compared with the books.
    pub bookings_read: u64,
    /// The number of notices put into the inbox because a booking differed from the books.
    pub notices_given: u64,
    /// The number of the host's appointments that were compared with the books.
    pub appointments_read: u64,
    /// The number of changes put into the outbox because an appointment differed from the books.
    pub changes_recorded: u64,
    /// Why a side was not read to its end. The next sweep continues from there.
    pub stopped: Vec<SweepStop>,
}

impl SweepReport {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            bookings_read: 0,
            notices_given: 0,
            appointments_read: 0,
            changes_recorded: 0,
            stopped: Vec::new(),
        }
    }

    /// Whether both sides were read to their ends.
    pub fn is_complete(&self) -> bool {
        self.stopped.is_empty()
    }
}

/// Why a sweep did not read a side to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SweepStop {
    /// The tenant is not in the directory.
    UnknownTenant,
    /// The directory, or the host's repository, failed.
    Host(StoreErrorKind),
    /// A call to Cal.com failed. After [`Throttled`](CalendarErrorKind::Throttled), the next sweep
    /// does not begin before Cal.com may be called again.
    Calendar(CalendarErrorKind),
    /// Cal.com's list returned the same page again: the rows behind it were not read.
    Gaps,
    /// The lease ran out, and another worker sweeps the tenant.
    Overtaken,
}

/// A failure that ends one side of a sweep, or all of it.
pub(super) enum Failure {
    Calendar(CalendarError),
    Host(StoreError),
    Store(StoreError),
}
