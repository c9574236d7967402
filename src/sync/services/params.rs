//! What a sync of services is to do, and for whom.

use std::sync::Arc;

use super::catalog::EventTypeCatalog;
use super::decide::ServiceWinner;
use super::plan::Allowed;
use crate::store::ServiceRepository;

/// Whether a sync writes, and what it tries again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceSyncMode {
    /// Writes what is due: an item that has failed waits for its next attempt.
    #[default]
    Due,
    /// Writes everything, whenever the next attempt is due and however many have failed.
    Forced,
    /// Writes nothing, neither to a side nor to the books, and reports what would be done.
    CheckOnly,
}

/// What a sync of services is to do. By default, pairs are kept in sync and nothing is created.
///
/// ```
/// use calcom::sync::{ServiceSyncMode, ServiceSyncParams, ServiceWinner};
///
/// let params = ServiceSyncParams::default()
///     .with_mode(ServiceSyncMode::CheckOnly)
///     .with_import(true)
///     .with_export(true)
///     .with_winner(ServiceWinner::Host);
/// assert!(!params.deactivate_orphans);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceSyncParams {
    /// Whether it writes, and what it tries again.
    pub mode: ServiceSyncMode,
    /// Creates a service for each of the tenant's visible event types that has none. Default: no.
    pub import: bool,
    /// Creates an event type for each active service that has none. Default: no.
    pub export: bool,
    /// Brings pairs that differ into agreement. Default: yes.
    pub update: bool,
    /// Marks services as no longer offered whose event type is gone, if the two were in sync
    /// before. Default: no.
    pub deactivate_orphans: bool,
    /// Who wins a conflict, instead of whom the [tenant's policy](TenantServices::winner) says.
    pub winner: Option<ServiceWinner>,
}

impl Default for ServiceSyncParams {
    fn default() -> Self {
        Self {
            mode: ServiceSyncMode::Due,
            import: false,
            export: false,
            update: true,
            deactivate_orphans: false,
            winner: None,
        }
    }
}

impl ServiceSyncParams {
    /// Sets whether it writes, and what it tries again.
    #[must_use]
    pub fn with_mode(mut self, mode: ServiceSyncMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets whether services are created.
    #[must_use]
    pub fn with_import(mut self, import: bool) -> Self {
        self.import = import;
        self
    }

    /// Sets whether event types are created.
    #[must_use]
    pub fn with_export(mut self, export: bool) -> Self {
        self.export = export;
        self
    }

    /// Sets whether pairs are brought into agreement.
    #[must_use]
    pub fn with_update(mut self, update: bool) -> Self {
        self.update = update;
        self
    }

    /// Sets whether services are deactivated whose event type is gone.
    #[must_use]
    pub fn with_deactivate_orphans(mut self, deactivate: bool) -> Self {
        self.deactivate_orphans = deactivate;
        self
    }

    /// Sets who wins a conflict.
    #[must_use]
    pub fn with_winner(mut self, winner: ServiceWinner) -> Self {
        self.winner = Some(winner);
        self
    }

    pub(super) fn allowed(&self, of_tenant: &TenantServices) -> Allowed {
        Allowed {
            import: self.import,
            export: self.export,
            update: self.update,
            deactivate: self.deactivate_orphans,
            winner: self.winner.unwrap_or(of_tenant.winner),
        }
    }
}

/// A tenant's services: where they are, and how they are kept in sync with its event types.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TenantServices {
    /// The host's services.
    pub repository: Arc<dyn ServiceRepository>,
    /// The tenant's event types, usually through a client with the tenant's own key.
    pub catalog: Arc<dyn EventTypeCatalog>,
    /// Who wins where both sides have changed, or were different when they were paired. Default:
    /// nobody; the difference is reported.
    pub winner: ServiceWinner,
    /// What a [`Worker`](crate::sync::Worker) does on its schedule; `None` if nothing. Default: the
    /// default parameters.
    pub scheduled: Option<ServiceSyncParams>,
}

impl TenantServices {
    /// Services that a worker keeps in sync with their event types; nothing is created.
    pub fn new(repository: Arc<dyn ServiceRepository>, catalog: Arc<dyn EventTypeCatalog>) -> Self {
        Self {
            repository,
            catalog,
            winner: ServiceWinner::default(),
            scheduled: Some(ServiceSyncParams::default()),
        }
    }

    /// Sets who wins a conflict.
    #[must_use]
    pub fn with_winner(mut self, winner: ServiceWinner) -> Self {
        self.winner = winner;
        self
    }

    /// Sets what a worker does on its schedule.
    #[must_use]
    pub fn with_scheduled(mut self, params: impl Into<Option<ServiceSyncParams>>) -> Self {
        self.scheduled = params.into();
        self
    }
}
