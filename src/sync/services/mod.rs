//! Services and event types in sync.
//!
//! A host has services, Cal.com has event types. [`SyncEngine::sync_services`] reads both lists,
//! compares them with each other and with the books (a pure function, in `plan.rs`), and
//! carries out what the [parameters](ServiceSyncParams) allow: updates of pairs, services for event
//! types that have none, event types for services that have none. Nothing is ever deleted, and a
//! service is deactivated only on instruction.
//!
//! [`SyncEngine::sync_services`]: crate::sync::SyncEngine::sync_services

mod act;
mod catalog;
mod decide;
mod figures;
mod item;
mod memory;
mod params;
mod plan;
#[cfg(test)]
mod plan_properties;
mod read;
mod report;
mod run;
mod slug;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

pub use self::catalog::{CatalogEntry, EventTypeCatalog};
pub use self::decide::{ServiceField, ServiceWinner};
pub use self::figures::{ServiceAdoption, ServiceCoverage};
pub use self::params::{ServiceSyncMode, ServiceSyncParams, TenantServices};
pub use self::plan::{LeftAlone, ServiceAction, ServiceFinding};
pub use self::report::{ServiceLine, ServiceSyncReport, ServiceSyncStop};

use self::memory::{ServiceMemory, fingerprint};
use self::plan::{Known, Plan};
use self::read::{Failure, Read};
use self::run::{Run, line};
use super::calendar::CalendarErrorKind;
use super::engine::Engine;
use super::error::Error;
use super::review::with_causes;
use super::tenant::Tenant;
use crate::store::{ServiceLink, StoreError, StoreErrorKind, TenantId};

/// How many tenants are listed at a time.
const TENANTS: u32 = 100;
/// The rest after throttling if the server names none.
const DEFAULT_THROTTLE: Duration = Duration::from_secs(60);

impl Engine {
    /// Syncs a tenant's services.
    pub(super) async fn sync_services_of(
        &self,
        id: &TenantId,
        params: ServiceSyncParams,
        every: Duration,
    ) -> Result<ServiceSyncReport, StoreError> {
        let report = ServiceSyncReport::new(id.clone());
        let tenant = match self.host_call(self.tenants.tenant(id)).await {
            Ok(Some(tenant)) => tenant,
            Ok(None) => return Ok(report.stop_with(ServiceSyncStop::UnknownTenant)),
            Err(error) => return Ok(report.stop_with(ServiceSyncStop::Host(error.kind()))),
        };
        let Some(of_tenant) = &tenant.services else {
            return Ok(report.stop_with(ServiceSyncStop::NotConfigured));
        };
        if params.mode == ServiceSyncMode::CheckOnly {
            return self
                .check_services(report, &tenant, of_tenant, params)
                .await;
        }
        if self.store_call(self.store.is_paused(id)).await? {
            return Ok(report.stop_with(ServiceSyncStop::Paused));
        }
        let begun = self.store.begin_service_sync(id, every, self.config.lease);
        let Some(lease) = self.store_call(begun).await? else {
            return Ok(report.stop_with(ServiceSyncStop::Busy));
        };
        let mut report = report;
        let outcome = match self.read_services(&tenant, of_tenant).await {
            Ok(read) if read.links.iter().any(memory::is_newer) => {
                report.stopped = Some(ServiceSyncStop::NewerVersion);
                Ok(())
            }
            Ok(read) => {
                let run = Run {
                    engine: self,
                    tenant: &tenant,
                    of_tenant,
                    params,
                    lease: lease.clone(),
                    read,
                };
                self.carry_out_services(&run, &mut report).await
            }
            Err(failure) => Err(failure),
        };
        let next = report.lines.iter().filter_map(|line| line.next_attempt);
        let soonest = next.min();
        let soonest = soonest.map(|at| (at - lease.now).to_std().unwrap_or_default());
        let (retry_in, rest) = match outcome {
            Ok(()) => (soonest, Duration::ZERO),
            Err(Failure::Store(error)) if error.kind() == StoreErrorKind::LeaseLost => {
                return Ok(report.stop_with(ServiceSyncStop::Overtaken));
            }
            Err(Failure::Store(error)) => return Err(error),
            Err(failure) => {
                let (stop, rest) = stop_of(id, &failure);
                report.stopped = Some(stop);
                // What was not reached is not left to the schedule.
                let delay = self.config.service_retry_delays.first().copied();
                (soonest.into_iter().chain(delay).min(), rest)
            }
        };
        let ended = self.store.end_service_sync(&lease, retry_in, rest);
        match self.store_call(ended).await {
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => {
                Ok(report.stop_with(ServiceSyncStop::Overtaken))
            }
            ended => ended.map(|()| report),
        }
    }

    async fn carry_out_services(
        &self,
        run: &Run<'_>,
        report: &mut ServiceSyncReport,
    ) -> Result<(), Failure> {
        let plan = plan_of(&run.read, run.params, run.of_tenant);
        report.left_alone = plan.left_alone;
        for step in &plan.steps {
            let line = run.item(step).await?;
            report.lines.push(line);
        }
        report.coverage = ServiceCoverage::of(&run.read, &report.lines);
        Ok(())
    }

    /// Reports what a sync would do. Writes nothing.
    async fn check_services(
        &self,
        mut report: ServiceSyncReport,
        tenant: &Tenant,
        of_tenant: &TenantServices,
        params: ServiceSyncParams,
    ) -> Result<ServiceSyncReport, StoreError> {
        let read = match self.read_services(tenant, of_tenant).await {
            Ok(read) => read,
            Err(Failure::Store(error)) => return Err(error),
            Err(failure) => return Ok(report.stop_with(stop_of(&tenant.id, &failure).0)),
        };
        if read.links.iter().any(memory::is_newer) {
            return Ok(report.stop_with(ServiceSyncStop::NewerVersion));
        }
        let plan = plan_of(&read, params, of_tenant);
        report.left_alone = plan.left_alone;
        for step in &plan.steps {
            let stored = item::link_of(&read.links, step);
            let mut link = stored
                .cloned()
                .unwrap_or_else(|| ServiceLink::new(None, None));
            let service = read.services.iter();
            let mut service = service.filter(|service| Some(&service.id) == step.service.as_ref());
            let details = service.next().map(|service| &service.details);
            let tried = step
                .action
                .as_ref()
                .map(|action| fingerprint(action, details));
            if tried.is_none() || tried != ServiceMemory::of(&link).tried {
                (link.status, link.last_error) = item::status_of(step);
                link.attempts = 0;
                link.next_attempt = None;
            }
            report.lines.push(line(step, &link, false));
        }
        report.coverage = ServiceCoverage::of(&read, &report.lines);
        Ok(report)
    }

    /// Syncs the services of every tenant that is due.
    pub(super) async fn sync_due_services(
        &self,
        every: Duration,
    ) -> Result<Vec<ServiceSyncReport>, Error> {
        let mut reports = Vec::new();
        let mut after: Option<TenantId> = None;
        loop {
            let page = self.tenants.tenants(after.as_ref(), TENANTS);
            let page = self.host_call(page).await.map_err(Error::Directory)?;
            // A directory that does not go on is not asked for ever.
            let last = page.iter().max().cloned();
            let Some(last) = last.filter(|last| Some(last) > after.as_ref()) else {
                return Ok(reports);
            };
            for id in page {
                reports.extend(self.sync_services_contained(&id, every).await);
            }
            after = Some(last);
        }
    }

    /// Syncs a tenant's services if they are due. What goes wrong with one tenant stays with it.
    async fn sync_services_contained(
        &self,
        id: &TenantId,
        every: Duration,
    ) -> Option<ServiceSyncReport> {
        let sync = async {
            let tenant = self.host_call(self.tenants.tenant(id)).await?;
            let services = tenant.as_ref().and_then(|tenant| tenant.services.as_ref());
            let Some(params) = services.and_then(|services| services.scheduled) else {
                return Ok(None);
            };
            self.sync_services_of(id, params, every).await.map(Some)
        };
        match Box::pin(AssertUnwindSafe(sync).catch_unwind()).await {
            Ok(Ok(report)) => report.filter(|report| report.stopped != Some(ServiceSyncStop::Busy)),
            Ok(Err(error)) => {
                let causes = with_causes(&error);
                tracing::warn!(tenant = %id, error = %causes, "a sync of services failed");
                None
            }
            Err(_) => {
                tracing::error!(tenant = %id, "a sync of services panicked");
                None
            }
        }
    }
}

fn plan_of(read: &Read, params: ServiceSyncParams, of_tenant: &TenantServices) -> Plan {
    let known: Vec<Known> = read
        .links
        .iter()
        .map(|link| {
            let memory = ServiceMemory::of(link);
            Known {
                service: link.service.clone(),
                event_type: link.event_type,
                base: memory.base,
                is_begun: memory.tried.is_some(),
            }
        })
        .collect();
    let allowed = params.allowed(of_tenant);
    plan::plan(&read.services, &read.listed, &known, allowed)
}

/// What a failure that ends a sync means, and how long to rest.
fn stop_of(tenant: &TenantId, failure: &Failure) -> (ServiceSyncStop, Duration) {
    match failure {
        Failure::Calendar(error) => {
            tracing::warn!(%tenant, error = %with_causes(error), "Cal.com stopped a sync of services");
            let rest = match error.kind() {
                CalendarErrorKind::Throttled => error.retry_after().unwrap_or(DEFAULT_THROTTLE),
                _ => Duration::ZERO,
            };
            (ServiceSyncStop::Calendar(error.kind()), rest)
        }
        Failure::Host(error) | Failure::Store(error) => {
            tracing::warn!(%tenant, error = %with_causes(error), "the host stopped a sync of services");
            (ServiceSyncStop::Host(error.kind()), Duration::ZERO)
        }
    }
}
