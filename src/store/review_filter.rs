//! Which review items to list or count.

use std::time::Duration;

use super::appointment::AppointmentId;
use super::review::ReviewReason;

/// Which review items to list or count; by default all of a tenant's, open and resolved.
///
/// ```
/// use std::time::Duration;
///
/// use calcom::store::{ReviewFilter, ReviewReason};
///
/// // Conflicts that have been open for more than a day.
/// let overdue = ReviewFilter::open()
///     .with_reason(ReviewReason::Conflict)
///     .older_than(Duration::from_secs(24 * 60 * 60));
/// # let _ = overdue;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewFilter {
    /// Only open items, or only resolved ones.
    pub is_open: Option<bool>,
    /// Only items with this reason.
    pub reason: Option<ReviewReason>,
    /// Only items in which the link of this appointment is involved, those about the whole tenant
    /// included.
    pub appointment: Option<AppointmentId>,
    /// Only items that were opened longer ago than this.
    pub older_than: Option<Duration>,
    /// Only items that were opened no longer ago than this.
    pub within: Option<Duration>,
}

impl ReviewFilter {
    /// Open items.
    pub fn open() -> Self {
        Self {
            is_open: Some(true),
            ..Self::default()
        }
    }

    /// Resolved items.
    pub fn resolved() -> Self {
        Self {
            is_open: Some(false),
            ..Self::default()
        }
    }

    /// Only items with this reason.
    #[must_use]
    pub fn with_reason(mut self, reason: ReviewReason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Only items in which this appointment is involved.
    #[must_use]
    pub fn with_appointment(mut self, appointment: AppointmentId) -> Self {
        self.appointment = Some(appointment);
        self
    }

    /// Only items that were opened longer ago than this.
    #[must_use]
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    /// Only items that were opened no longer ago than this.
    #[must_use]
    pub fn within(mut self, age: Duration) -> Self {
        self.within = Some(age);
        self
    }
}

/// How many review items have one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewCount {
    /// The reason.
    pub reason: ReviewReason,
    /// How many items.
    pub count: u64,
    /// How long ago the oldest of them was opened.
    pub oldest: Duration,
}

impl ReviewCount {
    /// A count.
    pub fn new(reason: ReviewReason, count: u64, oldest: Duration) -> Self {
        Self {
            reason,
            count,
            oldest,
        }
    }
}
