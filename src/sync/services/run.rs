//! One sync of a tenant's services: carries out what the comparison says, item by item.

use std::time::Duration;

use super::catalog::CatalogEntry;
use super::item::{self, After};
use super::memory::{ServiceMemory, fingerprint};
use super::params::{ServiceSyncMode, ServiceSyncParams, TenantServices};
use super::plan::{Listed, Step};
use super::read::{Failure, Read};
use super::report::ServiceLine;
use crate::model::EventTypeId;
use crate::store::{
    Service, ServiceId, ServiceLink, ServiceStatus, ServiceSyncLease, StoreError, StoreErrorKind,
};
use crate::sync::engine::Engine;
use crate::sync::review::with_causes;
use crate::sync::tenant::Tenant;

/// The error of an item whose work was begun again and again.
const NEVER_ENDED: &str = "The work was begun again and again and never ended. It may panic or kill its process, whose log says where.";

/// A sync of one tenant's services that writes.
pub(super) struct Run<'a> {
    pub(super) engine: &'a Engine,
    pub(super) tenant: &'a Tenant,
    pub(super) of_tenant: &'a TenantServices,
    pub(super) params: ServiceSyncParams,
    pub(super) lease: ServiceSyncLease,
    pub(super) read: Read,
}

/// An item at work.
pub(super) struct Item {
    pub(super) link: ServiceLink,
    pub(super) memory: ServiceMemory,
}

/// Why an action was not carried out.
pub(super) enum Undone {
    /// It counts as a failed attempt.
    Failed { message: String, can_succeed: bool },
    /// The host wrote the service meanwhile: it is compared anew.
    Overtaken,
    /// It concerns more than this item.
    Stop(Failure),
}

impl From<StoreError> for Undone {
    /// A failure of the host's repository.
    fn from(error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::Conflict | StoreErrorKind::NotFound => Self::Overtaken,
            _ => Self::Failed {
                message: with_causes(&error),
                can_succeed: true,
            },
        }
    }
}

impl Run<'_> {
    /// Carries out one step and stores how it ended.
    pub(super) async fn item(&self, step: &Step) -> Result<ServiceLine, Failure> {
        let stored = item::link_of(&self.read.links, step);
        let mut link = match stored {
            Some(link) => link.clone(),
            None => ServiceLink::new(None, None),
        };
        // What one side alone says does not take the other one from the row.
        link.service = step.service.clone().or(link.service);
        link.event_type = step.event_type.or(link.event_type);
        let memory = ServiceMemory::of(&link);
        let mut item = Item { link, memory };
        let Some(action) = &step.action else {
            (item.link.status, item.link.last_error) = item::status_of(step);
            self.note_base(step, &mut item);
            item.link.attempts = 0;
            self.save_if_changed(stored, &mut item).await?;
            return Ok(line(step, &item.link, false));
        };
        let details = self.service(step).map(|service| &service.details);
        let tried = fingerprint(action, details);
        let is_same = item.memory.tried.as_ref() == Some(&tried);
        if !item::is_due(stored, is_same, self.params.mode, self.lease.now) {
            return Ok(line(step, &item.link, false));
        }
        if !is_same || self.params.mode == ServiceSyncMode::Forced {
            item.link.attempts = 0;
        }
        item.memory.tried = Some(tried);
        // Counted before the work begins: it may kill its process, or panic.
        item.link.attempts = item.link.attempts.saturating_add(1);
        let delays = &self.engine.config.service_retry_delays;
        if item::is_exhausted(item.link.attempts, delays) {
            item.link.status = ServiceStatus::Error;
            item.link.last_error = Some(NEVER_ENDED.to_owned());
            self.save(&mut item, None).await?;
            return Ok(line(step, &item.link, false));
        }
        let done = self.carry_out(step, action, &mut item).await;
        self.conclude(step, &mut item, done).await
    }

    async fn conclude(
        &self,
        step: &Step,
        item: &mut Item,
        done: Result<(), Undone>,
    ) -> Result<ServiceLine, Failure> {
        let delays = &self.engine.config.service_retry_delays;
        let is_done = done.is_ok();
        let (retry_in, stop) = match done {
            Ok(()) => {
                item.link.attempts = 0;
                item.memory.tried = None;
                let again = item.link.status == ServiceStatus::Pending;
                (again.then_some(Duration::ZERO), None)
            }
            Err(Undone::Failed {
                message,
                can_succeed,
            }) => {
                tracing::warn!(
                    tenant = %self.lease.tenant,
                    service = ?item.link.service,
                    event_type = ?item.link.event_type,
                    error = %message,
                    "a service cannot be synced"
                );
                item.link.last_error = Some(message);
                match item::after(item.link.attempts, can_succeed, delays) {
                    After::Retry(wait) => {
                        item.link.status = ServiceStatus::Pending;
                        (Some(wait), None)
                    }
                    After::Stop => {
                        item.link.status = ServiceStatus::Error;
                        (None, None)
                    }
                }
            }
            Err(Undone::Overtaken) => {
                item.link.attempts = item.link.attempts.saturating_sub(1);
                item.link.status = ServiceStatus::Pending;
                (delays.first().copied(), None)
            }
            Err(Undone::Stop(Failure::Store(error))) => return Err(Failure::Store(error)),
            Err(Undone::Stop(failure)) => {
                item.link.attempts = item.link.attempts.saturating_sub(1);
                item.link.status = ServiceStatus::Pending;
                (Some(Duration::ZERO), Some(failure))
            }
        };
        self.save(item, retry_in).await?;
        match stop {
            Some(failure) => Err(failure),
            None => Ok(line(step, &item.link, is_done)),
        }
    }

    /// Moves the base of a pair that needs nothing done.
    fn note_base(&self, step: &Step, item: &mut Item) {
        let (Some(decision), Some(service)) = (&step.decision, self.service(step)) else {
            return;
        };
        let Ok(entry) = self.entry(step) else { return };
        // What is to be carried over, and may not be yet, stays a difference.
        let open: Vec<_> = [&decision.conflicts, &decision.to_calcom, &decision.to_host]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        let base = &item.memory.base;
        item.memory.base = base.moved(&service.details, &entry.details, &open);
        item.memory.tried = None;
    }

    pub(super) async fn checkpoint(&self, item: &mut Item) -> Result<(), Undone> {
        let delay = self.engine.config.service_retry_delays.first().copied();
        // Should the process die now, this is when another looks.
        let saved = self.save(item, delay).await;
        saved.map_err(Undone::Stop)
    }

    async fn save_if_changed(
        &self,
        stored: Option<&ServiceLink>,
        item: &mut Item,
    ) -> Result<(), Failure> {
        item.link.state = Some(item.memory.to_opaque());
        let mut wanted = item.link.clone();
        wanted.next_attempt = None;
        if stored == Some(&wanted) {
            return Ok(());
        }
        self.save(item, None).await
    }

    async fn save(&self, item: &mut Item, retry_in: Option<Duration>) -> Result<(), Failure> {
        item.link.state = Some(item.memory.to_opaque());
        let lease = self.engine.config.lease;
        let saved = self
            .engine
            .store
            .store_service_link(&self.lease, &item.link, retry_in, lease);
        let saved = self.engine.store_call(saved).await;
        item.link.id = Some(saved.map_err(Failure::Store)?);
        let wait = retry_in.and_then(|wait| chrono::TimeDelta::from_std(wait).ok());
        item.link.next_attempt = wait.and_then(|wait| self.lease.now.checked_add_signed(wait));
        Ok(())
    }

    pub(super) fn mark(&self, service: &ServiceId) -> String {
        let tenant = &self.lease.tenant;
        self.engine.sync_keys.mark_service(tenant, service)
    }

    fn service(&self, step: &Step) -> Option<&Service> {
        let id = step.service.as_ref()?;
        let found = self
            .read
            .services
            .binary_search_by(|service| service.id.cmp(id));
        found.ok().map(|index| &self.read.services[index])
    }

    pub(super) fn needed(&self, step: &Step) -> Result<&Service, Undone> {
        self.service(step).ok_or(Undone::Overtaken)
    }

    pub(super) fn entry(&self, step: &Step) -> Result<&CatalogEntry, Undone> {
        let is_it = |listed: &&Listed| Some(listed.entry.id) == step.event_type;
        let found = self.read.listed.iter().find(is_it);
        found.map(|listed| &listed.entry).ok_or(Undone::Overtaken)
    }
}

/// A line of the report.
pub(super) fn line(step: &Step, link: &ServiceLink, is_done: bool) -> ServiceLine {
    let event_type: Option<EventTypeId> = step.event_type.or(link.event_type);
    ServiceLine {
        service: step.service.clone().or_else(|| link.service.clone()),
        event_type,
        finding: step.finding.clone(),
        action: step.action.clone(),
        is_done,
        status: link.status.clone(),
        attempts: link.attempts,
        next_attempt: link.next_attempt,
        error: link.last_error.clone(),
    }
}
