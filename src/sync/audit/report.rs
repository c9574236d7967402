//! What an audit finds, and what it reports.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::cursor::AuditCursor;
use crate::model::BookingUid;
use crate::store::{AppointmentId, Differences, Field, StoreError, StoreErrorKind, TenantId};
use crate::sync::calendar::{CalendarError, CalendarErrorKind};

/// A kind of drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftKind {
    /// A live booking has no appointment.
    MissingHere,
    /// A live appointment has no booking.
    MissingThere,
    /// An appointment and its booking differ in some fields.
    Differs,
    /// A second live booking of one appointment.
    Doubled,
}

/// One difference between the two sides. It holds nothing that identifies a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Drift {
    /// The kind.
    pub kind: DriftKind,
    /// The appointment, as far as it is known.
    pub appointment: Option<AppointmentId>,
    /// The booking, as far as it is known: the newest of its chain. For
    /// [`Doubled`](DriftKind::Doubled), the one that the books do not hold.
    pub booking: Option<BookingUid>,
    /// The other live booking, for [`Doubled`](DriftKind::Doubled).
    pub rival: Option<BookingUid>,
    /// The start of the booking or the appointment that was met.
    pub start: DateTime<Utc>,
    /// The fields that differ, for [`Differs`](DriftKind::Differs).
    pub fields: Differences,
    /// Whether a person has to decide about it already.
    pub in_review: bool,
}

/// What an audit has counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AuditCounts {
    /// The bookings that were read from the list.
    pub bookings_read: u64,
    /// The appointments that were read from the host.
    pub appointments_read: u64,
    /// The pairs that agree.
    pub in_step: u64,
    /// The pairs whose difference was accepted, by a policy or a person.
    pub accepted: u64,
    /// What was written too recently to be compared: it is left to its webhook or its change.
    pub too_recent: u64,
    /// The pairs of which a write to Cal.com is still under way.
    pub in_flight: u64,
    /// The bookings that do not belong to the tenant.
    pub foreign: u64,
    /// The bookings that cannot be compared with an appointment, such as seated ones.
    pub not_comparable: u64,
    /// Live bookings without an appointment.
    pub missing_here: u64,
    /// Live appointments without a booking.
    pub missing_there: u64,
    /// Pairs that differ.
    pub differing: u64,
    /// Further live bookings of an appointment that has one.
    pub doubled: u64,
    /// Of the pairs that differ: how many differ in each field.
    pub by_field: BTreeMap<Field, u64>,
    /// Of all drift: how much a person has to decide about already. A repair leaves it alone.
    pub in_review: u64,
    /// The pairs of which one side has ended: bringing them into agreement cancels the other.
    pub would_cancel: u64,
}

impl AuditCounts {
    /// How much drift there is, of whatever kind.
    pub fn drift(&self) -> u64 {
        self.missing_here + self.missing_there + self.differing + self.doubled
    }

    pub(super) fn add(&mut self, drift: &Drift, would_cancel: bool) {
        *match drift.kind {
            DriftKind::MissingHere => &mut self.missing_here,
            DriftKind::MissingThere => &mut self.missing_there,
            DriftKind::Differs => &mut self.differing,
            DriftKind::Doubled => &mut self.doubled,
        } += 1;
        self.in_review += u64::from(drift.in_review);
        self.would_cancel += u64::from(would_cancel);
        for field in Field::ALL {
            if drift.fields.contains(*field) {
                *self.by_field.entry(*field).or_default() += 1;
            }
        }
    }
}

/// Why a repair stopped and asks: it would cancel too many appointments or bookings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Brake {
    /// How many appointments or bookings it would cancel.
    pub would_cancel: u64,
    /// How many of the tenant's appointments were read in the window.
    pub appointments: u64,
    /// How many it may cancel without being asked to.
    pub allowed: u64,
}

/// Why an audit did not come to the end of its window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditStop {
    /// The tenant is not in the directory.
    UnknownTenant,
    /// The directory, or the host's repository, failed.
    Host(StoreErrorKind),
    /// A call to Cal.com failed.
    #[non_exhaustive]
    Calendar {
        /// How.
        kind: CalendarErrorKind,
        /// When to go on, if the server said so.
        retry_after: Option<std::time::Duration>,
    },
    /// The brake; see [`AuditReport::brake`].
    Brake,
}

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditReport {
    /// The tenant.
    pub tenant: TenantId,
    /// What was counted, since the audit began, also before it was resumed.
    pub counts: AuditCounts,
    /// The first differences that this call has found, as many as
    /// [`AuditParams::with_kept`](super::AuditParams::with_kept) says. All of them go to the
    /// observer.
    pub drift: Vec<Drift>,
    /// The notices that a repair has put into the inbox.
    pub notices_given: u64,
    /// The changes that a repair has put into the outbox.
    pub changes_recorded: u64,
    /// Whether Cal.com's list withheld rows.
    pub has_gaps: bool,
    /// Set if a repair would cancel too much. It has put nothing into the inbox or the outbox
    /// then. To have it go on all the same, resume it
    /// [without the brake](super::AuditParams::without_brake).
    pub brake: Option<Brake>,
    /// Why the audit stopped early; `None` if it came to its end.
    pub stopped: Option<AuditStop>,
    /// Where to resume it; `None` if it came to its end.
    pub cursor: Option<AuditCursor>,
}

impl AuditReport {
    /// Whether the audit, and the repair if it was one, came to its end.
    pub fn is_complete(&self) -> bool {
        self.stopped.is_none() && !self.has_gaps
    }
}

/// How far an audit has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditProgress {
    /// Whether what was found is being repaired, after all of it was counted.
    pub repairing: bool,
    /// Every start before this one was compared.
    pub reached: DateTime<Utc>,
    /// What was counted so far.
    pub counts: AuditCounts,
    /// Where an audit goes on that is interrupted now. Store it, and resume with it.
    pub cursor: AuditCursor,
}

/// Hears of an audit while it runs. Each call is waited for, so that an observer that stores what
/// it hears holds no more than one entry.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use async_trait::async_trait;
/// use calcom::sync::{AuditObserver, AuditProgress, Drift};
///
/// #[derive(Debug, Default)]
/// struct Counter(AtomicU64);
///
/// #[async_trait]
/// impl AuditObserver for Counter {
///     async fn drift(&self, drift: &Drift) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         println!("{drift:?}");
///     }
///
///     async fn progress(&self, progress: &AuditProgress) {
///         println!("up to {}", progress.reached);
///     }
/// }
/// ```
#[async_trait]
pub trait AuditObserver: fmt::Debug + Send + Sync + 'static {
    /// One difference. After an audit was resumed, those at the place where it goes on may come
    /// again.
    async fn drift(&self, drift: &Drift);

    /// The audit has come further, by about a page.
    async fn progress(&self, progress: &AuditProgress) {
        let _ = progress;
    }
}

/// A failure that ends an audit.
pub(in crate::sync) enum Failure {
    Calendar(CalendarError),
    Host(StoreError),
    Store(StoreError),
    Brake,
}
