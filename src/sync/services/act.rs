//! The actions of a sync of services.

use super::catalog::CatalogEntry;
use super::decide::{ServiceBase, decide_pair};
use super::item;
use super::plan::{ServiceAction, Step};
use super::read::Failure;
use super::run::{Item, Run, Undone};
use super::slug;
use crate::store::{Service, ServiceDetails, ServiceStatus, ServiceWrite, StoreError};
use crate::sync::calendar::{CalendarError, CalendarErrorKind};
use crate::sync::review::with_causes;

impl Run<'_> {
    /// Carries out an action. The row is stored before anything is written, which also makes sure
    /// of the lease.
    pub(super) async fn carry_out(
        &self,
        step: &Step,
        action: &ServiceAction,
        item: &mut Item,
    ) -> Result<(), Undone> {
        item.link.status = ServiceStatus::Pending;
        match action {
            ServiceAction::CreateEventType => {
                let service = self.needed(step)?;
                let entry = self.create_event_type(service, item).await?;
                self.pair(service, &entry, item).await
            }
            ServiceAction::Pair => {
                let entry = self.entry(step)?.clone();
                self.checkpoint(item).await?;
                self.pair(self.needed(step)?, &entry, item).await
            }
            ServiceAction::CreateService => {
                self.checkpoint(item).await?;
                self.create_service(&self.entry(step)?.clone(), item).await
            }
            ServiceAction::Update {
                event_type,
                service,
            } => {
                self.checkpoint(item).await?;
                self.update(step, event_type.as_ref(), service.as_ref(), item)
                    .await
            }
            ServiceAction::Deactivate => {
                self.checkpoint(item).await?;
                let service = self.needed(step)?;
                let write = self.write_of(service).with_active(false);
                self.write_service(service, write).await?;
                item.link.status = ServiceStatus::Orphan;
                item.link.last_error = None;
                Ok(())
            }
        }
    }

    async fn create_event_type(
        &self,
        service: &Service,
        item: &mut Item,
    ) -> Result<CatalogEntry, Undone> {
        let mark = self.mark(&service.id);
        let slug = item
            .memory
            .slug
            .get_or_insert_with(|| slug::slug(&service.details.name, &mark))
            .clone();
        let sent = &service.details;
        if item.memory.base == ServiceBase::default() {
            // What an attempt whose answer is lost has made.
            item.memory.base = item.memory.base.moved(sent, sent, &[]);
        }
        self.checkpoint(item).await?;
        let catalog = &self.of_tenant.catalog;
        let created = catalog.create_event_type(&slug, &service.details);
        match self.engine.calendar_call(created).await {
            Ok(entry) => {
                item.memory.base = item.memory.base.moved(sent, &entry.details, &[]);
                Ok(entry)
            }
            Err(error) if error.kind() == CalendarErrorKind::Rejected => {
                // Perhaps an earlier attempt was carried out after the list was read.
                let list = self.engine.calendar_call(catalog.list_event_types()).await;
                let entries = list.unwrap_or_default();
                let mut made = entries.into_iter().filter(|entry| entry.slug == slug);
                match made.next() {
                    Some(entry) => Ok(entry),
                    None => Err(self.failed_call(error).await),
                }
            }
            Err(error) => Err(self.failed_call(error).await),
        }
    }

    /// Has the service name the event type that was created for it.
    async fn pair(
        &self,
        service: &Service,
        entry: &CatalogEntry,
        item: &mut Item,
    ) -> Result<(), Undone> {
        let write = self.write_of(service).with_event_type(entry.id);
        let paired = self.write_service(service, write).await?;
        if item.memory.base == ServiceBase::default() {
            // The books were lost: what differs is what the host has changed since.
            item.memory.base = item.memory.base.moved(&entry.details, &entry.details, &[]);
        }
        item.link.event_type = Some(entry.id);
        self.stands(item, &paired.details, &entry.details);
        Ok(())
    }

    async fn create_service(&self, entry: &CatalogEntry, item: &mut Item) -> Result<(), Undone> {
        let write = ServiceWrite::new(entry.details.clone(), self.engine.clock.now());
        let write = write.with_event_type(entry.id);
        let created =
            self.of_tenant
                .repository
                .create_for_event_type(&self.lease.tenant, entry.id, write);
        let created = self.engine.host_call(created).await?;
        if created.event_type != Some(entry.id) {
            return Err(Undone::Failed {
                message: "The host answered with a service that is not paired with the event type."
                    .to_owned(),
                can_succeed: false,
            });
        }
        item.link.service = Some(created.id);
        item.memory.base = item
            .memory
            .base
            .moved(&created.details, &entry.details, &[]);
        item.link.status = ServiceStatus::Synced;
        item.link.last_error = None;
        Ok(())
    }

    async fn update(
        &self,
        step: &Step,
        event_type: Option<&ServiceDetails>,
        service: Option<&ServiceDetails>,
        item: &mut Item,
    ) -> Result<(), Undone> {
        let (known, entry) = (self.needed(step)?, self.entry(step)?);
        let (mut local, mut remote) = (known.details.clone(), entry.details.clone());
        if let Some(details) = event_type {
            let catalog = &self.of_tenant.catalog;
            let updated = catalog.update_event_type(entry.id, &entry.details, details);
            match self.engine.calendar_call(updated).await {
                Ok(updated) => remote = updated.details,
                // Somebody has changed it since it was read: it is compared anew.
                Err(error) if error.kind() == CalendarErrorKind::Contradicted => {
                    return Err(Undone::Overtaken);
                }
                Err(error) => return Err(self.failed_call(error).await),
            }
        }
        if let Some(details) = service {
            let mut write = self.write_of(known);
            write.details = details.clone();
            local = self.write_service(known, write).await?.details;
        }
        let conflicts = step
            .decision
            .as_ref()
            .map(|decision| &decision.conflicts[..]);
        let conflicts = conflicts.unwrap_or_default();
        item.memory.base = item.memory.base.moved(&local, &remote, conflicts);
        let after = Step {
            action: None,
            ..step.clone()
        };
        (item.link.status, item.link.last_error) = match conflicts {
            [] => (ServiceStatus::Synced, None),
            _ => item::status_of(&after),
        };
        Ok(())
    }

    async fn write_service(
        &self,
        service: &Service,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        let (tenant, id) = (&self.lease.tenant, &service.id);
        let repository = &self.of_tenant.repository;
        let written = repository.update_service(tenant, id, service.revision, write);
        self.engine.host_call(written).await
    }

    fn write_of(&self, service: &Service) -> ServiceWrite {
        ServiceWrite::of(service, self.engine.clock.now())
    }

    /// A pair was made: whatever differs now is compared next time.
    fn stands(&self, item: &mut Item, local: &ServiceDetails, remote: &ServiceDetails) {
        let winner = self.params.allowed(self.of_tenant).winner;
        let decision = decide_pair(&item.memory.base, local, remote, winner);
        item.link.last_error = None;
        item.link.status = if decision.is_quiet() {
            item.memory.base = item.memory.base.moved(local, remote, &[]);
            ServiceStatus::Synced
        } else {
            ServiceStatus::Pending
        };
    }

    /// What a failed call to Cal.com means for the item, or for all.
    async fn failed_call(&self, error: CalendarError) -> Undone {
        let stops = match error.kind() {
            CalendarErrorKind::Throttled => true,
            CalendarErrorKind::Denied => {
                let account = self.tenant.calendar.account();
                let account = self.engine.calendar_call(account).await;
                account.is_err_and(|error| error.kind() == CalendarErrorKind::Denied)
            }
            _ => false,
        };
        if stops {
            return Undone::Stop(Failure::Calendar(error));
        }
        Undone::Failed {
            message: with_causes(&error),
            can_succeed: item::can_succeed(error.kind()),
        }
    }
}
