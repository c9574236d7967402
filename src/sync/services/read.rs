//! Reading both sides of a tenant's services, and the books about them.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::CatalogEntry;
use super::params::TenantServices;
use super::plan::{LeftAlone, Listed};
use super::slug;
use crate::store::{Service, ServiceId, ServiceLink, StoreError, TenantId};
use crate::sync::calendar::CalendarError;
use crate::sync::engine::Engine;
use crate::sync::tenant::Tenant;

/// How many rows are read at a time.
const PAGE: u32 = 100;

/// Why a sync cannot go on.
pub(super) enum Failure {
    Calendar(CalendarError),
    Host(StoreError),
    Store(StoreError),
}

/// Everything that a comparison is made of.
pub(super) struct Read {
    pub(super) services: Vec<Service>,
    pub(super) listed: Vec<Listed>,
    pub(super) links: Vec<ServiceLink>,
}

impl Engine {
    pub(super) async fn read_services(
        &self,
        tenant: &Tenant,
        of_tenant: &TenantServices,
    ) -> Result<Read, Failure> {
        let links = self.all_service_links(&tenant.id).await;
        let links = links.map_err(Failure::Store)?;
        let services = self.all_services(&tenant.id, of_tenant).await;
        let services = services.map_err(Failure::Host)?;
        let entries = self.all_event_types(of_tenant, &services).await;
        let entries = entries.map_err(Failure::Calendar)?;
        // A slug tells of a service that the host has removed, too.
        let ids = services.iter().map(|service| &service.id);
        let ids = ids.chain(links.iter().filter_map(|link| link.service.as_ref()));
        let marks: BTreeMap<String, ServiceId> = ids
            .map(|id| (self.sync_keys.mark_service(&tenant.id, id), id.clone()))
            .collect();
        let mut listed = Vec::new();
        for entry in entries {
            let mark = slug::mark_of(&entry.slug);
            let made_for = mark.and_then(|mark| marks.get(mark).cloned());
            let left_alone = self.left_alone(tenant, &entry, made_for.is_some()).await;
            listed.push(Listed {
                left_alone: left_alone.map_err(Failure::Host)?,
                entry,
                made_for,
            });
        }
        Ok(Read {
            services,
            listed,
            links,
        })
    }

    pub(super) async fn all_services(
        &self,
        tenant: &TenantId,
        of_tenant: &TenantServices,
    ) -> Result<Vec<Service>, StoreError> {
        let mut services: Vec<Service> = Vec::new();
        loop {
            let last = services.last().map(|service| service.id.clone());
            let page = of_tenant
                .repository
                .services_page(tenant, last.as_ref(), PAGE);
            let page = self.host_call(page).await?;
            // A repository that does not go on is not asked for ever.
            let goes_on = page.iter().map(|service| &service.id).max() > last.as_ref();
            if !goes_on {
                return Ok(services);
            }
            services.extend(page);
            services.sort_by(|one, other| one.id.cmp(&other.id));
            services.dedup_by(|one, other| one.id == other.id);
        }
    }

    async fn all_service_links(&self, tenant: &TenantId) -> Result<Vec<ServiceLink>, StoreError> {
        let mut links: Vec<ServiceLink> = Vec::new();
        loop {
            let last = links.last().and_then(|link| link.id);
            let page = self.store.service_links(tenant, last, PAGE);
            let page = self.store_call(page).await?;
            if page.iter().filter_map(|link| link.id).max() <= last {
                return Ok(links);
            }
            links.extend(page);
        }
    }

    /// The event types of the account, and those that services name besides. What a list leaves out
    /// may still be there.
    async fn all_event_types(
        &self,
        of_tenant: &TenantServices,
        services: &[Service],
    ) -> Result<Vec<CatalogEntry>, CalendarError> {
        let catalog = &of_tenant.catalog;
        let mut entries = self.calendar_call(catalog.list_event_types()).await?;
        let listed: BTreeSet<_> = entries.iter().map(|entry| entry.id).collect();
        let named: BTreeSet<_> = services
            .iter()
            .filter_map(|service| service.event_type)
            .collect();
        for id in named.difference(&listed) {
            let read = self.calendar_call(catalog.read_event_type(*id)).await?;
            entries.extend(read);
        }
        Ok(entries)
    }

    /// Why an event type is not touched; `None` if it is the tenant's.
    async fn left_alone(
        &self,
        tenant: &Tenant,
        entry: &CatalogEntry,
        is_made_by_us: bool,
    ) -> Result<Option<LeftAlone>, StoreError> {
        if !tenant.event_types.contains(&entry.id) {
            let owner = self.tenants.tenant_of_event_type(entry.id);
            let is_of_host = || {
                let mut owner = entry.owner.iter();
                tenant.event_types.is_empty() && owner.any(|owner| tenant.hosts.contains(owner))
            };
            match self.host_call(owner).await? {
                Some(owner) if owner != tenant.id => return Ok(Some(LeftAlone::OtherTenant)),
                None if !is_made_by_us && !is_of_host() => return Ok(Some(LeftAlone::NotNamed)),
                _ => {}
            }
        }
        Ok(match (entry.is_managed, entry.is_hidden) {
            (true, _) => Some(LeftAlone::Managed),
            (false, true) => Some(LeftAlone::Hidden),
            (false, false) => None,
        })
    }
}
