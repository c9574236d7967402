//! Reports in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner, before};
use crate::store::appointment::AppointmentId;
use crate::store::error::StoreError;
use crate::store::history::{HistoryEntry, HistoryPosition};
use crate::store::inbox::DeliveryId;
use crate::store::link::{LinkId, LinkKey};
use crate::store::page::Page;
use crate::store::report::{
    ActivitySlice, ChangeCount, DeliveryCount, LinkStatus, Reports, Waits, WorkCounts,
};
use crate::store::review_filter::ReviewFilter;
use crate::store::tenant::TenantId;

/// Adds up how long rows waited.
#[derive(Default)]
struct Sum {
    count: u32,
    longest: Duration,
    total: Duration,
}

impl Sum {
    fn add(&mut self, from: DateTime<Utc>, until: DateTime<Utc>) {
        let wait = (until - from).to_std().unwrap_or_default();
        self.count += 1;
        self.longest = self.longest.max(wait);
        self.total = self.total.saturating_add(wait);
    }

    fn waits(&self) -> Waits {
        Waits::new(
            u64::from(self.count),
            self.longest,
            self.total / self.count.max(1),
        )
    }
}

impl Inner {
    fn link_of_appointment(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Option<LinkId> {
        let key = LinkKey::Appointment(appointment.clone());
        self.link_by(tenant, &key)
    }

    fn history(&self, tenant: &TenantId, appointment: &AppointmentId) -> Vec<HistoryEntry> {
        let link = self.link_of_appointment(tenant, appointment);
        let key = (tenant.clone(), appointment.clone());
        let changes = self.changes_of.get(&key).into_iter().flatten();
        let changes = changes.filter_map(|id| self.changes.get(id)).map(|row| {
            HistoryEntry::of_change(row.taken_at, row.recorded.clone(), row.fate.clone())
        });
        let uids = link.and_then(|id| self.links.get(&id)).map(|row| &row.uids);
        let deliveries = self.deliveries.values().filter(|row| {
            let booking = row.delivery.booking.as_ref();
            row.tenant == *tenant
                && booking.is_some_and(|uid| uids.is_some_and(|uids| uids.contains(uid)))
        });
        let deliveries =
            deliveries.map(|row| HistoryEntry::of_delivery(row.delivery.clone(), row.fate.clone()));
        let log = self.log.iter().filter(|entry| {
            entry.tenant == *tenant
                && match &entry.appointment {
                    Some(named) => named == appointment,
                    None => link.is_some() && entry.link == link,
                }
        });
        let log = log.cloned().map(HistoryEntry::of_log);
        let parts = self.reviews.values().filter(|row| {
            row.item.tenant == *tenant && link.is_some_and(|link| row.parts.contains(&link))
        });
        let reviews = parts.map(|row| HistoryEntry::of_review(row.item.clone()));
        changes
            .chain(deliveries)
            .chain(log)
            .chain(reviews)
            .collect()
    }

    fn link_status(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        now: DateTime<Utc>,
    ) -> LinkStatus {
        let mut status = LinkStatus::unknown(now);
        if let Some(row) = self.tenants.get(tenant) {
            status.is_paused = row.paused_by.is_some();
            status.held_until = row.not_before.filter(|until| *until > now);
        }
        let key = (tenant.clone(), appointment.clone());
        let changes = self.changes_of.get(&key).into_iter().flatten();
        for row in changes.filter_map(|id| self.changes.get(id)) {
            status.waiting_changes += u64::from(row.fate.is_none());
            let fate = row.fate.as_ref().map(|(fate, _)| fate.clone());
            status.last_change = Some((row.recorded.clone(), fate));
        }
        let link = self.link_of_appointment(tenant, appointment);
        let Some((id, row)) = link.and_then(|id| Some((id, self.links.get(&id)?))) else {
            return status;
        };
        status.link = Some(row.link.clone());
        status.is_leased = row.is_leased;
        status.due_at = row.due_at;
        status.begun = row.begun;
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        status.waiting_deliveries = count(self.waiting_delivery_ids(id).len());
        status.waiting_marks = count(row.waiting_marks.len());
        let open = self.open_reviews.iter().map(|id| &self.reviews[id]);
        let own = open.filter(|review| review.parts.contains(&id));
        status.open_reviews = own.map(|review| review.item.clone()).collect();
        status
    }

    fn activity(
        &self,
        tenant: &TenantId,
        since: DateTime<Utc>,
        slice: Duration,
    ) -> Vec<ActivitySlice> {
        let seconds = ActivitySlice::seconds(slice);
        let start_of = |at: DateTime<Utc>| {
            let start = at.timestamp().div_euclid(seconds) * seconds;
            DateTime::from_timestamp(start, 0).unwrap_or(at)
        };
        let mut changes: BTreeMap<_, Sum> = BTreeMap::new();
        for row in self.changes.values() {
            let own = row.recorded.change.tenant == *tenant;
            if let Some((fate, until)) = row
                .fate
                .as_ref()
                .filter(|(_, until)| own && *until >= since)
            {
                let origin = row.recorded.change.origin.clone();
                let key = (start_of(*until), origin, fate.clone());
                changes.entry(key).or_default().add(row.taken_at, *until);
            }
        }
        let mut deliveries: BTreeMap<_, Sum> = BTreeMap::new();
        for row in self.deliveries.values() {
            let own = row.tenant == *tenant;
            if let Some((fate, until)) = row
                .fate
                .as_ref()
                .filter(|(_, until)| own && *until >= since)
            {
                let source = row.delivery.source.clone();
                let key = (start_of(*until), source, fate.clone());
                let sum = deliveries.entry(key).or_default();
                sum.add(row.delivery.received_at, *until);
            }
        }
        let changes = changes.into_iter().map(|((from, origin, fate), sum)| {
            (from, ChangeCount::new(origin, Some(fate), sum.waits()))
        });
        let deliveries = deliveries.into_iter().map(|((from, source, fate), sum)| {
            (from, DeliveryCount::new(source, Some(fate), sum.waits()))
        });
        ActivitySlice::collect(changes, deliveries)
    }

    fn work_counts(
        &self,
        tenant: &TenantId,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> WorkCounts {
        let mut changes: BTreeMap<_, Sum> = BTreeMap::new();
        for row in self.changes.values() {
            let (fate, until) = row.fate.clone().unzip();
            let counts = until.is_none_or(|until| until >= since);
            if row.recorded.change.tenant == *tenant && counts {
                let key = (row.recorded.change.origin.clone(), fate);
                let sum = changes.entry(key).or_default();
                sum.add(row.taken_at, until.unwrap_or(now));
            }
        }
        let mut deliveries: BTreeMap<_, Sum> = BTreeMap::new();
        for row in self.deliveries.values() {
            let (fate, until) = row.fate.clone().unzip();
            let counts = until.is_none_or(|until| until >= since);
            if row.tenant == *tenant && counts {
                let key = (row.delivery.source.clone(), fate);
                let sum = deliveries.entry(key).or_default();
                sum.add(row.delivery.received_at, until.unwrap_or(now));
            }
        }
        let mut counts = WorkCounts {
            changes: changes
                .into_iter()
                .map(|((origin, fate), sum)| ChangeCount::new(origin, fate, sum.waits()))
                .collect(),
            deliveries: deliveries
                .into_iter()
                .map(|((source, fate), sum)| DeliveryCount::new(source, fate, sum.waits()))
                .collect(),
            reviews: self.count_reviews(tenant, &ReviewFilter::open(), now),
            ..WorkCounts::default()
        };
        counts.sort();
        if let Some(row) = self.tenants.get(tenant) {
            counts.is_paused = row.paused_by.is_some();
            let left = row.not_before.map(|until| until - now);
            counts.held_for = left.and_then(|left| left.to_std().ok());
            counts.held_for = counts.held_for.filter(|left| !left.is_zero());
        }
        let Some(queue) = self.queues.get(tenant) else {
            return counts;
        };
        let unrouted = queue.unrouted.values();
        let mut oldest = unrouted.filter_map(|notice| self.taken_at(*notice)).min();
        for (due_at, id) in &queue.due {
            if self.links.get(id).is_some_and(|row| row.is_leased) {
                counts.leased += 1;
            } else if *due_at <= now {
                counts.due += 1;
                oldest = Some(oldest.map_or(*due_at, |oldest| oldest.min(*due_at)));
            } else {
                counts.later += 1;
            }
        }
        counts.oldest_due = oldest.map(|at| (now - at).to_std().unwrap_or_default());
        counts
    }

    /// The deliveries of a tenant that have a body.
    pub(super) fn with_body(
        &self,
        tenant: &TenantId,
        after: Option<DeliveryId>,
    ) -> impl Iterator<Item = &super::DeliveryRow> {
        self.deliveries.values().filter(move |row| {
            row.tenant == *tenant
                && after.is_none_or(|after| row.delivery.id > after)
                && !row.body.is_empty()
        })
    }
}

#[async_trait]
impl Reports for InMemoryStore {
    async fn history(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<HistoryPosition>,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let all = self.lock().history(tenant, appointment);
        Ok(HistoryEntry::merge(all, &page))
    }

    async fn link_status(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<LinkStatus, StoreError> {
        Ok(self.lock().link_status(tenant, appointment, self.now()))
    }

    async fn work_counts(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WorkCounts, StoreError> {
        let now = self.now();
        let since = before(now, within);
        Ok(self.lock().work_counts(tenant, since, now))
    }

    async fn activity(
        &self,
        tenant: &TenantId,
        within: Duration,
        slice: Duration,
    ) -> Result<Vec<ActivitySlice>, StoreError> {
        let since = before(self.now(), within);
        Ok(self.lock().activity(tenant, since, slice))
    }

    async fn waiting_changes(
        &self,
        tenant: &TenantId,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let inner = self.lock();
        let mut waiting: Vec<_> = inner.changes.values().collect();
        waiting.retain(|row| row.fate.is_none() && row.recorded.change.tenant == *tenant);
        waiting.sort_by_key(|row| (row.recorded.change.appointment.clone(), row.recorded.id));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let waiting = waiting.into_iter().take(limit);
        Ok(waiting
            .map(|row| HistoryEntry::of_change(row.taken_at, row.recorded.clone(), None))
            .collect())
    }
}
