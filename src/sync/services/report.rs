//! The outcome of a sync of services.

use chrono::{DateTime, Utc};

use super::figures::ServiceCoverage;
use super::plan::{ServiceAction, ServiceFinding};
use crate::model::EventTypeId;
use crate::store::{ServiceId, ServiceStatus, StoreErrorKind, TenantId};
use crate::sync::calendar::CalendarErrorKind;

/// What a sync of services found and did, one line an item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceSyncReport {
    /// The tenant.
    pub tenant: TenantId,
    /// The services and event types of the tenant.
    pub lines: Vec<ServiceLine>,
    /// How many event types of the account were left alone: hidden, managed, of another tenant, or
    /// named by none.
    pub left_alone: u64,
    /// How far services and event types cover each other, after the work.
    pub coverage: ServiceCoverage,
    /// Why the sync did not come to its end.
    pub stopped: Option<ServiceSyncStop>,
}

impl ServiceSyncReport {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            lines: Vec::new(),
            left_alone: 0,
            coverage: ServiceCoverage::default(),
            stopped: None,
        }
    }

    pub(super) fn stop_with(mut self, stop: ServiceSyncStop) -> Self {
        self.stopped = Some(stop);
        self
    }

    /// How many items have this status.
    pub fn count(&self, status: &ServiceStatus) -> usize {
        let lines = self.lines.iter();
        lines.filter(|line| line.status == *status).count()
    }

    /// Whether it came to its end with every item in sync.
    pub fn is_synced(&self) -> bool {
        self.stopped.is_none() && self.count(&ServiceStatus::Synced) == self.lines.len()
    }
}

/// One item of a [`ServiceSyncReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceLine {
    /// The service, if there is one.
    pub service: Option<ServiceId>,
    /// The event type, if there is one.
    pub event_type: Option<EventTypeId>,
    /// What the comparison found.
    pub finding: ServiceFinding,
    /// What was to be done about it; `None` if nothing, or if it was not asked for.
    pub action: Option<ServiceAction>,
    /// Whether that was done.
    pub is_done: bool,
    /// How the item stands now.
    pub status: ServiceStatus,
    /// How many attempts in a row have failed.
    pub attempts: u32,
    /// When the next attempt is due, by the store's clock.
    pub next_attempt: Option<DateTime<Utc>>,
    /// Why the item is not in sync; contains no personal data.
    pub error: Option<String>,
}

/// Why a sync of services did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceSyncStop {
    /// The tenant is not in the directory.
    UnknownTenant,
    /// The tenant has no services that are kept in sync.
    NotConfigured,
    /// The tenant's work is paused.
    Paused,
    /// Another sync of the tenant's services is under way, or Cal.com has asked for a pause.
    Busy,
    /// The directory, or the host's repository, failed.
    Host(StoreErrorKind),
    /// A call to Cal.com failed in a way that concerns the whole account.
    Calendar(CalendarErrorKind),
    /// A newer version of this crate has written the books: it syncs them.
    NewerVersion,
    /// The lease ran out, and another worker syncs the tenant's services.
    Overtaken,
}
