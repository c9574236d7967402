//! The window audit: compares both sides of a tenant, whole, and reports where they have drifted
//! apart.
//!
//! Both sides are walked in the order of their starts, a page of each at a time. Rows are joined
//! through the books and not by their starts: an appointment that was moved stands elsewhere in its
//! stream than its booking does. Where both stand at one start, as nearly all do, the two rows are
//! compared as they come; otherwise the other side is read by its id. So an audit holds two pages
//! and the rows of one start, and asks Cal.com for pages and for what differs, whatever the size.
//!
//! A repair decides nothing itself. What differs goes into the inbox and the outbox, as with a
//! sweep, and a turn reads, decides and settles. It first counts everything, so that the brake can
//! stop it before it does anything.

mod compare;
mod cursor;
mod group;
mod merge;
mod pairs;
mod repair;
mod report;
mod rows;
mod walk;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::cursor::AuditCursor;
use self::merge::Audit;
pub(super) use self::report::Failure;
pub use self::report::{
    AuditCounts, AuditObserver, AuditProgress, AuditReport, AuditStop, Brake, Drift, DriftKind,
};
pub(super) use self::rows::{Appointments, Bookings};
use super::engine::Engine;
use super::review::with_causes;
use crate::store::{StoreError, TenantId, Window};

/// The share of a tenant's appointments in the window that a repair may cancel, in percent, unless
/// set otherwise.
const BRAKE_PERCENT: u32 = 10;

/// How many differences a report holds, unless set otherwise.
const KEPT: usize = 100;

/// What to do about drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditMode {
    /// Report it; nothing is written anywhere.
    CheckOnly,
    /// Report it, and then have the next turns look at it.
    Repair,
}

/// Parameters of an audit.
///
/// ```
/// # fn run() -> Result<(), chrono::ParseError> {
/// use calcom::store::Window;
/// use calcom::sync::AuditParams;
///
/// let december = Window::new("2026-12-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
/// let check = AuditParams::check(december);
/// let repair = AuditParams::repair(december).with_brake_percent(5);
/// # let _ = (check, repair);
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditParams {
    /// The window: what starts within it at either side is compared.
    pub window: Window,
    /// What to do about drift.
    pub mode: AuditMode,
    /// The share of the tenant's appointments in the window, in percent, that a repair may cancel
    /// at either side. If it would cancel more, it stops before it does anything. `None` removes
    /// the brake. Default: 10.
    pub brake_percent: Option<u32>,
    /// How many differences the report holds. Default: 100.
    pub kept: usize,
    /// Who hears of every difference, and how far the audit has come.
    pub observer: Option<Arc<dyn AuditObserver>>,
    /// Where to go on; the cursor's own window counts then.
    pub cursor: Option<AuditCursor>,
}

impl AuditParams {
    fn new(window: Window, mode: AuditMode) -> Self {
        Self {
            window,
            mode,
            brake_percent: Some(BRAKE_PERCENT),
            kept: KEPT,
            observer: None,
            cursor: None,
        }
    }

    /// Checks a window, and writes nothing.
    pub fn check(window: Window) -> Self {
        Self::new(window, AuditMode::CheckOnly)
    }

    /// Checks a window, and then has the next turns look at what differs.
    pub fn repair(window: Window) -> Self {
        Self::new(window, AuditMode::Repair)
    }

    /// Sets the share of the appointments that a repair may cancel, in percent.
    #[must_use]
    pub fn with_brake_percent(mut self, percent: u32) -> Self {
        self.brake_percent = Some(percent);
        self
    }

    /// Lets a repair cancel any number of appointments.
    #[must_use]
    pub fn without_brake(mut self) -> Self {
        self.brake_percent = None;
        self
    }

    /// Sets how many differences the report holds.
    #[must_use]
    pub fn with_kept(mut self, entries: usize) -> Self {
        self.kept = entries;
        self
    }

    /// Sets who hears of every difference, and how far the audit has come.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn AuditObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Goes on where an earlier audit stood. Everything that starts before that is not looked at
    /// again.
    #[must_use]
    pub fn resuming(mut self, cursor: AuditCursor) -> Self {
        self.cursor = Some(cursor);
        self
    }
}

impl Engine {
    /// Audits a window of a tenant.
    pub(super) async fn audit_tenant(
        &self,
        id: &TenantId,
        params: AuditParams,
    ) -> Result<AuditReport, StoreError> {
        let window = params.window;
        let cursor = params.cursor.clone();
        let cursor = cursor.unwrap_or_else(|| AuditCursor::at_beginning(window));
        let tenant = self.host_call(self.tenants.tenant(id)).await;
        let stopped = match tenant {
            Ok(Some(tenant)) => {
                let audit = Audit::new(self, &tenant, params, cursor);
                return Box::pin(audit.run()).await;
            }
            Ok(None) => AuditStop::UnknownTenant,
            Err(error) => {
                tracing::warn!(tenant = %id, error = %with_causes(&error), "the tenant cannot be read");
                AuditStop::Host(error.kind())
            }
        };
        Ok(AuditReport {
            tenant: id.clone(),
            counts: cursor.counts.clone(),
            drift: Vec::new(),
            notices_given: 0,
            changes_recorded: 0,
            has_gaps: false,
            brake: None,
            stopped: Some(stopped),
            cursor: Some(cursor),
        })
    }
}

fn is_within(window: Window, start: DateTime<Utc>) -> bool {
    (window.from..window.until).contains(&start)
}
