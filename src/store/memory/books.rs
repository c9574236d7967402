//! Outbox, inbox, review queue, log and tenants in memory.

use async_trait::async_trait;

use super::{DeliveryRow, InMemoryStore, Inner};
use crate::store::appointment::AppointmentId;
use crate::store::error::StoreError;
use crate::store::inbox::{Accepted, Delivery, DeliveryFate, DeliveryId, Inbox, NewDelivery};
use crate::store::link::{LinkId, LinkKey};
use crate::store::log::{LogEntry, LogEvent, LogId, SyncLog};
use crate::store::outbox::{Change, ChangeFate, Outbox, RecordedChange};
use crate::store::review::{Resolution, Resolved, ReviewId, ReviewItem, Reviews};
use crate::store::tenant::{TenantId, Tenants};

#[async_trait]
impl Outbox for InMemoryStore {
    async fn record(&self, change: &Change) -> Result<(), StoreError> {
        self.lock().record(change);
        Ok(())
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<Vec<(RecordedChange, Option<ChangeFate>)>, StoreError> {
        let inner = self.lock();
        let of_appointment = inner.changes.values().filter(|row| {
            let change = &row.recorded.change;
            change.tenant == *tenant && change.appointment == *appointment
        });
        Ok(of_appointment
            .map(|row| (row.recorded.clone(), row.fate.clone()))
            .collect())
    }
}

impl Inner {
    /// The link that a delivery is about; made if there is none.
    fn link_of(&mut self, new: &NewDelivery) -> Option<LinkId> {
        let uid = new.booking.clone()?;
        let keys = [
            Some(LinkKey::Booking(uid.clone())),
            new.rescheduled_from.clone().map(LinkKey::Booking),
            new.sync_key.clone().map(LinkKey::SyncKey),
        ];
        let known = keys
            .into_iter()
            .flatten()
            .find_map(|key| self.link_by(&new.tenant, &key));
        let id = known.unwrap_or_else(|| {
            let id = self.new_link(&new.tenant);
            if let Some(row) = self.links.get_mut(&id) {
                row.link.booking = Some(uid.clone());
            }
            id
        });
        self.own(&new.tenant, LinkKey::Booking(uid), id);
        Some(id)
    }
}

#[async_trait]
impl Inbox for InMemoryStore {
    async fn accept(&self, new: NewDelivery) -> Result<Accepted, StoreError> {
        let mut inner = self.lock();
        if !inner
            .fingerprints
            .insert((new.tenant.clone(), new.fingerprint))
        {
            return Ok(Accepted::Duplicate);
        }
        let link = if new.ignored.is_some() {
            None
        } else {
            inner.link_of(&new)
        };
        let id = DeliveryId::new(inner.next_id());
        let delivery = Delivery {
            id,
            trigger: new.trigger,
            booking: new.booking,
            received_at: new.received_at,
        };
        let fate = new
            .ignored
            .or_else(|| link.is_none().then_some(DeliveryFate::IgnoredNoBooking));
        inner.deliveries.insert(
            id,
            DeliveryRow {
                tenant: new.tenant,
                delivery,
                link,
                fate,
            },
        );
        if let Some(link) = link {
            inner.mark(link, new.received_at);
        }
        Ok(Accepted::Stored { link })
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<(Delivery, Option<DeliveryFate>)>, StoreError> {
        let inner = self.lock();
        let of_tenant = inner
            .deliveries
            .values()
            .filter(|row| row.tenant == *tenant);
        Ok(of_tenant
            .map(|row| (row.delivery.clone(), row.fate.clone()))
            .collect())
    }
}

#[async_trait]
impl Reviews for InMemoryStore {
    async fn open_reviews(&self, tenant: &TenantId) -> Result<Vec<ReviewItem>, StoreError> {
        let inner = self.lock();
        let open = inner
            .reviews
            .values()
            .filter(|item| item.tenant == *tenant && item.resolved.is_none());
        Ok(open.cloned().collect())
    }

    async fn review(
        &self,
        tenant: &TenantId,
        id: ReviewId,
    ) -> Result<Option<ReviewItem>, StoreError> {
        let inner = self.lock();
        let item = inner.reviews.get(&id);
        Ok(item.filter(|item| item.tenant == *tenant).cloned())
    }

    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolved: &Resolved,
    ) -> Result<ReviewItem, StoreError> {
        let mut inner = self.lock();
        let item = inner
            .reviews
            .get_mut(&id)
            .filter(|item| item.tenant == *tenant)
            .ok_or_else(|| StoreError::not_found("review item"))?;
        if item.resolved.is_some() {
            return Err(StoreError::conflict("the review item is resolved already"));
        }
        item.resolved = Some(resolved.clone());
        let item = item.clone();
        let link = item
            .link
            .and_then(|id| inner.links.get(&id))
            .map(|row| row.link.clone());
        let event = LogEvent::ReviewResolved {
            reason: item.reason.clone(),
            resolution: resolved.resolution.clone(),
            by: resolved.by.clone(),
        };
        inner.append_log(tenant, link.as_ref(), event, resolved.at);
        if resolved.resolution == Resolution::Retry {
            match item.link {
                Some(id) => {
                    if let Some(row) = inner.links.get_mut(&id) {
                        row.link.attempts = 0;
                        row.retry_asked = true;
                    }
                    inner.mark_verify(id, resolved.at);
                }
                None => {
                    inner.paused.remove(tenant);
                }
            }
        }
        Ok(item)
    }
}

#[async_trait]
impl SyncLog for InMemoryStore {
    async fn log(
        &self,
        tenant: &TenantId,
        after: Option<LogId>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let inner = self.lock();
        let from = after.map_or(0, |after| {
            inner.log.partition_point(|entry| entry.id <= after)
        });
        let of_tenant = inner.log[from..].iter().filter(|e| e.tenant == *tenant);
        Ok(of_tenant
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }
}

#[async_trait]
impl Tenants for InMemoryStore {
    async fn is_paused(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        Ok(self.lock().paused.contains(tenant))
    }

    async fn resume(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.lock().paused.remove(tenant);
        Ok(())
    }
}
