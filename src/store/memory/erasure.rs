//! Erasure in memory.

use async_trait::async_trait;

use super::{InMemoryStore, Inner, LinkRow};
use crate::store::erasure::{Erased, Erasure, StoredBody};
use crate::store::error::StoreError;
use crate::store::inbox::{Delivery, DeliveryId};
use crate::store::link::{Link, LinkId, Opaque};
use crate::store::page::Page;
use crate::store::review::{ReviewEvidence, ReviewId};
use crate::store::tenant::TenantId;

/// The cause of the pause under which a tenant is erased. No item has it.
pub(super) const ERASURE: &str = "erasure";

impl Inner {
    fn erase_tenant(&mut self, tenant: &TenantId, limit: usize) -> Erased {
        let row = self.tenants.entry(tenant.clone()).or_default();
        row.paused_by = Some(ERASURE.to_owned());
        self.sweeps.remove(tenant);
        self.events.void_leases(tenant);
        for row in self.links.values_mut() {
            if row.link.tenant == *tenant && row.is_leased {
                row.is_leased = false;
                row.fence += 1;
            }
        }
        let mut erased = Erased {
            changes: self.erase_changes(tenant, limit),
            deliveries: self.erase_deliveries(tenant, limit),
            events: self.events.erase(tenant, limit),
            reviews: self.erase_reviews(tenant, limit),
            log: self.erase_log(tenant, limit),
            links: self.erase_links(tenant, limit),
            appointments: 0,
            services: self.services.erase(tenant, limit),
            documents: self.documents.erase(tenant, limit),
            is_done: false,
        };
        let appointments: Vec<_> = self
            .appointments
            .keys()
            .filter(|(owner, _)| owner == tenant)
            .take(limit)
            .cloned()
            .collect();
        for key in appointments {
            self.appointments.remove(&key);
            erased.appointments += 1;
        }
        if erased.total() == 0 {
            self.tenants.remove(tenant);
            erased.is_done = true;
        }
        erased
    }

    fn erase_changes(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        let rows = self.changes.iter();
        let own = rows.filter(|(_, row)| row.recorded.change.tenant == *tenant);
        let ids: Vec<_> = own.map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            self.remove_change(*id);
            self.forget_notice(tenant, id.get());
        }
        rows_of(&ids)
    }

    fn erase_deliveries(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        let rows = self.deliveries.iter();
        let own = rows.filter(|(_, row)| row.tenant == *tenant);
        let ids: Vec<_> = own.map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            let Some(row) = self.deliveries.remove(id) else {
                continue;
            };
            if let Some(uid) = row.delivery.booking {
                let key = (tenant.clone(), uid);
                if let Some(waiting) = self.waiting_for.get_mut(&key) {
                    waiting.remove(id);
                    if waiting.is_empty() {
                        self.waiting_for.remove(&key);
                    }
                }
            }
            // Settled bytes may wait again; if they do, that delivery is erased too.
            self.fingerprints.remove(&(row.tenant, row.fingerprint));
            self.forget_notice(tenant, id.get());
        }
        rows_of(&ids)
    }

    fn erase_reviews(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        let rows = self.reviews.iter();
        let own = rows.filter(|(_, row)| row.item.tenant == *tenant);
        let ids: Vec<_> = own.map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            self.reviews.remove(id);
            self.open_reviews.remove(id);
        }
        rows_of(&ids)
    }

    fn erase_log(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        let mut erased = Vec::new();
        self.log.retain(|entry| {
            let goes = entry.tenant == *tenant && erased.len() < limit;
            if goes {
                erased.push(entry.id);
            }
            !goes
        });
        rows_of(&erased)
    }

    fn erase_links(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        let rows = self.links.iter();
        let own = rows.filter(|(_, row)| row.link.tenant == *tenant);
        let ids: Vec<_> = own.map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            self.set_due(*id, None);
            let Some(row) = self.links.remove(id) else {
                continue;
            };
            for mark in row.waiting_marks {
                self.marks.remove(&mark);
                self.forget_notice(tenant, mark.get());
            }
        }
        self.keys.retain(|_, owner| !ids.contains(owner));
        rows_of(&ids)
    }

    /// There is nothing left to route.
    fn forget_notice(&mut self, tenant: &TenantId, id: i64) {
        if let Some(queue) = self.queues.get_mut(tenant) {
            queue.unrouted.remove(&id);
        }
        self.drop_empty_queue(tenant);
    }

    fn own_link(&mut self, link: &Link) -> Option<&mut LinkRow> {
        let row = self.links.get_mut(&link.id)?;
        (row.link.tenant == link.tenant).then_some(row)
    }
}

pub(super) fn rows_of<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Erasure for InMemoryStore {
    async fn erase_tenant(&self, tenant: &TenantId, limit: u32) -> Result<Erased, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.lock().erase_tenant(tenant, limit))
    }

    async fn links(&self, tenant: &TenantId, page: Page<LinkId>) -> Result<Vec<Link>, StoreError> {
        let inner = self.lock();
        let own = inner.links.values().filter(|row| {
            row.link.tenant == *tenant && page.after.is_none_or(|after| row.link.id > after)
        });
        Ok(own.take(page.rows()).map(|row| row.link.clone()).collect())
    }

    async fn replace_state(&self, read: &Link, state: Opaque) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let gone = || StoreError::not_found("link");
        let row = inner.own_link(read).ok_or_else(gone)?;
        if row.is_leased || row.link.state != read.state {
            return Err(StoreError::conflict("the link is being worked on"));
        }
        row.link.state = Some(state);
        Ok(())
    }

    async fn bodies(
        &self,
        tenant: &TenantId,
        page: Page<DeliveryId>,
    ) -> Result<Vec<StoredBody>, StoreError> {
        let inner = self.lock();
        let rows = inner.with_body(tenant, page.after).take(page.rows());
        Ok(rows
            .map(|row| {
                let Delivery { id, booking, .. } = &row.delivery;
                StoredBody::new(*id, booking.clone(), row.body.clone())
            })
            .collect())
    }

    async fn empty_bodies(
        &self,
        tenant: &TenantId,
        deliveries: &[DeliveryId],
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for id in deliveries {
            let row = inner.deliveries.get_mut(id);
            if let Some(row) = row.filter(|row| row.tenant == *tenant) {
                row.body.clear();
            }
        }
        Ok(())
    }

    async fn replace_evidence(
        &self,
        tenant: &TenantId,
        review: ReviewId,
        evidence: ReviewEvidence,
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let row = inner.reviews.get_mut(&review);
        let row = row.filter(|row| row.item.tenant == *tenant);
        row.ok_or_else(|| StoreError::not_found("review item"))?
            .item
            .evidence = evidence;
        Ok(())
    }
}
