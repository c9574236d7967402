//! Services and their books in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner, after};
use crate::model::EventTypeId;
use crate::store::appointment::Revision;
use crate::store::error::StoreError;
use crate::store::service::{Service, ServiceId, ServiceRepository, ServiceWrite};
use crate::store::service_link::{ServiceLink, ServiceLinkId, ServiceLinks, ServiceSyncLease};
use crate::store::tenant::TenantId;

#[derive(Default)]
pub(super) struct ServiceBooks {
    services: BTreeMap<(TenantId, ServiceId), Service>,
    links: BTreeMap<(TenantId, ServiceLinkId), ServiceLink>,
    syncs: BTreeMap<TenantId, SyncRow>,
}

#[derive(Default)]
struct SyncRow {
    fence: i64,
    /// When the lease runs out; `None` if nobody is at it.
    leased_until: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    retry_at: Option<DateTime<Utc>>,
    rest_until: Option<DateTime<Utc>>,
}

impl SyncRow {
    fn is_due(&self, every: Duration, now: DateTime<Utc>) -> bool {
        if let Some(until) = self.leased_until {
            return until <= now;
        }
        let is_passed = |instant: DateTime<Utc>| instant <= now;
        self.rest_until.is_none_or(is_passed)
            && (self.ended_at.is_none_or(|ended| after(ended, every) <= now)
                || self.retry_at.is_some_and(is_passed))
    }
}

impl ServiceBooks {
    /// Removes some of a tenant's services, and some of what is known of them; who was at it has lost
    /// the lease.
    pub(super) fn erase(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        self.syncs.remove(tenant);
        let before = self.services.len() + self.links.len();
        let own = self.services.keys().filter(|(owner, _)| owner == tenant);
        for key in own.take(limit).cloned().collect::<Vec<_>>() {
            self.services.remove(&key);
        }
        let own = self.links.keys().filter(|(owner, _)| owner == tenant);
        for key in own.take(limit).cloned().collect::<Vec<_>>() {
            self.links.remove(&key);
        }
        let after = self.services.len() + self.links.len();
        u64::try_from(before - after).unwrap_or(u64::MAX)
    }
}

impl Inner {
    /// The row of a sync under way.
    fn service_sync(&mut self, lease: &ServiceSyncLease) -> Result<&mut SyncRow, StoreError> {
        let row = self.services.syncs.get_mut(&lease.tenant);
        row.filter(|row| row.fence == lease.fence && row.leased_until.is_some())
            .ok_or_else(StoreError::service_sync_lost)
    }

    fn insert_service(&mut self, tenant: &TenantId, service: &Service) {
        let key = (tenant.clone(), service.id.clone());
        self.services.services.insert(key, service.clone());
    }
}

impl InMemoryStore {
    /// Stores a new service of the host's.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) if there is one with this id.
    pub fn create_service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        let mut inner = self.lock();
        let key = (tenant.clone(), id.clone());
        if inner.services.services.contains_key(&key) {
            return Err(StoreError::conflict("there is a service with this id"));
        }
        let service = Service::new(id.clone(), Revision::FIRST, write);
        inner.insert_service(tenant, &service);
        Ok(service)
    }

    /// Removes a service, as a host that deletes rows does.
    pub fn remove_service(&self, tenant: &TenantId, id: &ServiceId) -> bool {
        let key = (tenant.clone(), id.clone());
        self.lock().services.services.remove(&key).is_some()
    }

    /// All services of a tenant, by id.
    pub fn services(&self, tenant: &TenantId) -> Vec<Service> {
        let inner = self.lock();
        let all = inner.services.services.iter();
        all.filter(|((owner, _), _)| owner == tenant)
            .map(|(_, service)| service.clone())
            .collect()
    }
}

#[async_trait]
impl ServiceRepository for InMemoryStore {
    async fn services_page(
        &self,
        tenant: &TenantId,
        after: Option<&ServiceId>,
        limit: u32,
    ) -> Result<Vec<Service>, StoreError> {
        let all = self.services(tenant).into_iter();
        let rest = all.filter(|service| after.is_none_or(|after| service.id > *after));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(rest.take(limit).collect())
    }

    async fn service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
    ) -> Result<Option<Service>, StoreError> {
        let key = (tenant.clone(), id.clone());
        Ok(self.lock().services.services.get(&key).cloned())
    }

    async fn create_for_event_type(
        &self,
        tenant: &TenantId,
        event_type: EventTypeId,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        let mut inner = self.lock();
        let known = inner
            .services
            .services
            .iter()
            .find(|((owner, _), service)| {
                owner == tenant && service.event_type == Some(event_type)
            });
        if let Some((_, service)) = known {
            return Ok(service.clone());
        }
        let id = ServiceId::new(format!("calcom-{}", inner.next_id()));
        let write = write.with_event_type(event_type);
        let service = Service::new(id, Revision::FIRST, write);
        inner.insert_service(tenant, &service);
        Ok(service)
    }

    async fn update_service(
        &self,
        tenant: &TenantId,
        id: &ServiceId,
        expected: Revision,
        write: ServiceWrite,
    ) -> Result<Service, StoreError> {
        let mut inner = self.lock();
        let key = (tenant.clone(), id.clone());
        let known = inner.services.services.get(&key);
        let known = known.ok_or_else(|| StoreError::not_found("service"))?;
        if known.revision != expected {
            return Err(StoreError::conflict("the service was written meanwhile"));
        }
        let service = Service::new(id.clone(), expected.next(), write);
        inner.insert_service(tenant, &service);
        Ok(service)
    }
}

#[async_trait]
impl ServiceLinks for InMemoryStore {
    async fn begin_service_sync(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<ServiceSyncLease>, StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let row = inner.services.syncs.entry(tenant.clone()).or_default();
        if !row.is_due(every, now) {
            return Ok(None);
        }
        row.fence += 1;
        row.leased_until = Some(after(now, lease));
        Ok(Some(ServiceSyncLease::new(tenant.clone(), row.fence, now)))
    }

    async fn service_links(
        &self,
        tenant: &TenantId,
        after: Option<ServiceLinkId>,
        limit: u32,
    ) -> Result<Vec<ServiceLink>, StoreError> {
        let inner = self.lock();
        let rows = inner.services.links.iter();
        let rows = rows.filter(|((owner, id), _)| owner == tenant && Some(*id) > after);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(rows.map(|(_, link)| link.clone()).take(limit).collect())
    }

    async fn store_service_link(
        &self,
        lease: &ServiceSyncLease,
        link: &ServiceLink,
        retry_in: Option<Duration>,
        prolong: Duration,
    ) -> Result<ServiceLinkId, StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        inner.service_sync(lease)?;
        let id = match link.id {
            Some(id) => {
                let key = (lease.tenant.clone(), id);
                if !inner.services.links.contains_key(&key) {
                    return Err(StoreError::not_found("row about a service"));
                }
                id
            }
            None => ServiceLinkId::new(inner.next_id()),
        };
        let mut stored = link.clone();
        stored.id = Some(id);
        stored.next_attempt = retry_in.map(|wait| after(now, wait));
        stored.updated_at = Some(now);
        let key = (lease.tenant.clone(), id);
        inner.services.links.insert(key, stored);
        let row = inner.service_sync(lease)?;
        row.leased_until = row.leased_until.max(Some(after(now, prolong)));
        Ok(id)
    }

    async fn end_service_sync(
        &self,
        lease: &ServiceSyncLease,
        retry_in: Option<Duration>,
        rest: Duration,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let row = inner.service_sync(lease)?;
        row.leased_until = None;
        row.ended_at = Some(now);
        row.retry_at = retry_in.map(|wait| after(now, wait));
        row.rest_until = Some(after(now, rest));
        Ok(())
    }
}
