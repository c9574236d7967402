//! Outbox, inbox, log and tenants in memory.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{ChangeRow, DeliveryRow, InMemoryStore, Inner, Notice, before};
use crate::store::appointment::AppointmentId;
use crate::store::error::StoreError;
use crate::store::inbox::{
    Accepted, Delivery, DeliveryFate, DeliveryId, Inbox, NewDelivery, WebhookHealth,
};
use crate::store::log::{LogEntry, LogEvent, LogId, LogScope, SyncLog};
use crate::store::notice::NoticeSource;
use crate::store::outbox::{Change, ChangeFate, ChangeId, Outbox, RecordedChange};
use crate::store::page::Page;
use crate::store::review::{NewReview, ReviewId};
use crate::store::tenant::{TenantId, Tenants};

impl Inner {
    /// Stores a change; the host's write happens under the same lock.
    pub(super) fn record(&mut self, change: &Change, now: DateTime<Utc>) {
        let tenant = &change.tenant;
        let row = (tenant.clone(), change.appointment.clone(), change.revision);
        if !self.recorded.insert(row) {
            return;
        }
        let id = ChangeId::new(self.next_id());
        let of_appointment = (tenant.clone(), change.appointment.clone());
        self.changes_of
            .entry(of_appointment)
            .or_default()
            .insert(id);
        self.changes.insert(
            id,
            ChangeRow {
                recorded: RecordedChange::new(id, change.clone()),
                taken_at: now,
                fate: None,
            },
        );
        let unrouted = &mut self.queue(tenant).unrouted;
        unrouted.insert(id.get(), Notice::Change(id));
    }

    fn accept(&mut self, new: NewDelivery, now: DateTime<Utc>) -> Accepted {
        let fingerprint = (new.tenant.clone(), new.fingerprint);
        if !self.fingerprints.insert(fingerprint) {
            return Accepted::Duplicate;
        }
        let id = DeliveryId::new(self.next_id());
        let fate = new.fate_at_door();
        let delivery = Delivery::new(id, new.trigger, new.booking.clone(), now);
        let delivery = delivery.with_source(new.source);
        let waits = fate.is_none();
        if let Some(uid) = new.booking.filter(|_| waits) {
            let key = (new.tenant.clone(), uid);
            self.waiting_for.entry(key).or_default().insert(id);
            let unrouted = &mut self.queue(&new.tenant).unrouted;
            unrouted.insert(id.get(), Notice::Delivery(id));
        }
        self.deliveries.insert(
            id,
            DeliveryRow {
                tenant: new.tenant,
                delivery: delivery.with_claim(new.claim),
                rescheduled_from: new.rescheduled_from,
                sync_key: new.sync_key,
                body: new.body,
                fingerprint: new.fingerprint,
                came_ignored: !waits,
                fate: fate.map(|fate| (fate, now)),
            },
        );
        if waits {
            Accepted::Stored
        } else {
            Accepted::Ignored
        }
    }
}

#[async_trait]
impl Outbox for InMemoryStore {
    async fn record(&self, change: &Change) -> Result<(), StoreError> {
        self.lock().record(change, self.now());
        Ok(())
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<ChangeId>,
    ) -> Result<Vec<(RecordedChange, Option<ChangeFate>)>, StoreError> {
        let inner = self.lock();
        let key = (tenant.clone(), appointment.clone());
        let ids = inner.changes_of.get(&key).into_iter().flatten();
        let asked = ids.filter(|id| page.after.is_none_or(|after| **id > after));
        let rows = asked.filter_map(|id| inner.changes.get(id));
        Ok(rows
            .take(page.rows())
            .map(|row| {
                let fate = row.fate.as_ref().map(|(fate, _)| fate.clone());
                (row.recorded.clone(), fate)
            })
            .collect())
    }
}

#[async_trait]
impl Inbox for InMemoryStore {
    async fn accept(&self, new: NewDelivery) -> Result<Accepted, StoreError> {
        Ok(self.lock().accept(new, self.now()))
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        page: Page<DeliveryId>,
    ) -> Result<Vec<(Delivery, Option<DeliveryFate>)>, StoreError> {
        let inner = self.lock();
        let of_tenant = inner.deliveries.values().filter(|row| {
            row.tenant == *tenant && page.after.is_none_or(|after| row.delivery.id > after)
        });
        Ok(of_tenant
            .take(page.rows())
            .map(|row| {
                let fate = row.fate.as_ref().map(|(fate, _)| fate.clone());
                (row.delivery.clone(), fate)
            })
            .collect())
    }

    async fn webhook_health(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WebhookHealth, StoreError> {
        let now = self.now();
        let since = before(now, within);
        let inner = self.lock();
        let mut health = WebhookHealth::default();
        let mut last = None;
        for row in inner.deliveries.values() {
            let Delivery {
                source,
                received_at,
                ..
            } = &row.delivery;
            if row.tenant != *tenant {
                continue;
            }
            if *received_at >= since {
                health.count(source, row.fate.as_ref().map(|(fate, _)| fate), 1);
            }
            if *source == NoticeSource::Webhook {
                last = last.max(Some(*received_at));
            }
        }
        health.last_received_ago = last.map(|last| (now - last).to_std().unwrap_or_default());
        Ok(health)
    }
}

#[async_trait]
impl SyncLog for InMemoryStore {
    async fn log(&self, tenant: &TenantId, page: Page<LogId>) -> Result<Vec<LogEntry>, StoreError> {
        let inner = self.lock();
        let from = page.after.map_or(0, |after| {
            inner.log.partition_point(|entry| entry.id <= after)
        });
        let of_tenant = inner.log[from..].iter().filter(|e| e.tenant == *tenant);
        Ok(of_tenant.take(page.rows()).cloned().collect())
    }

    async fn latest(
        &self,
        tenant: &TenantId,
        scope: LogScope,
        page: Page<LogId>,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let inner = self.lock();
        let until = page.after.map_or(inner.log.len(), |before| {
            inner.log.partition_point(|entry| entry.id < before)
        });
        let asked = inner.log[..until].iter().rev().filter(|entry| {
            entry.tenant == *tenant && (scope == LogScope::All || entry.event.actor().is_some())
        });
        Ok(asked.take(page.rows()).cloned().collect())
    }

    async fn append(
        &self,
        tenant: &TenantId,
        appointment: Option<&AppointmentId>,
        event: &LogEvent,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let id = LogId::new(inner.next_id());
        let entry = LogEntry::new(id, now, tenant.clone(), event.clone());
        inner.log.push(entry.about(None, appointment.cloned()));
        Ok(())
    }
}

#[async_trait]
impl Tenants for InMemoryStore {
    async fn is_paused(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let inner = self.lock();
        let row = inner.tenants.get(tenant);
        Ok(row.is_some_and(|row| row.paused_by.is_some()))
    }

    async fn resume(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.lock().resume(tenant, self.now());
        Ok(())
    }

    async fn pause(
        &self,
        tenant: &TenantId,
        review: &NewReview,
    ) -> Result<Option<ReviewId>, StoreError> {
        Ok(self.lock().pause(tenant, review, self.now()))
    }
}
