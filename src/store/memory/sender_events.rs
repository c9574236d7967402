//! Events of other senders in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::erasure::{ERASURE, rows_of};
use super::{InMemoryStore, Inner, after};
use crate::store::error::StoreError;
use crate::store::page::Page;
use crate::store::review::{NewReview, Resolution, ReviewId};
use crate::store::sender_event::{
    NewSenderEvent, SenderEvent, SenderEventFate, SenderEventId, SenderEventRecord, StoredEventBody,
};
use crate::store::sender_events::{
    EventAccepted, EventClaim, EventClaimRequest, EventLease, SenderEvents,
};
use crate::store::tenant::TenantId;
use crate::webhook::Sender;

type Key = (TenantId, Sender, String);

#[derive(Default)]
pub(super) struct EventBooks {
    rows: BTreeMap<SenderEventId, EventRow>,
    /// By tenant, sender and the sender's id.
    names: HashSet<Key>,
    /// What waits or is leased.
    due: BTreeMap<TenantId, BTreeSet<(DateTime<Utc>, SenderEventId)>>,
    /// What waits or is leased, by tenant, sender and order key.
    of_key: BTreeMap<Key, BTreeSet<SenderEventId>>,
}

struct EventRow {
    event: SenderEvent,
    /// When it can be claimed; while it is leased, when the lease runs out. `None` once it has ended,
    /// and while it is parked.
    due_at: Option<DateTime<Utc>>,
    is_leased: bool,
    fence: i64,
    attempts: u32,
    review: Option<ReviewId>,
    fate: Option<(SenderEventFate, DateTime<Utc>)>,
}

impl EventRow {
    fn key(&self) -> Option<Key> {
        let SenderEvent { tenant, sender, .. } = &self.event;
        let key = self.event.order_key.clone()?;
        Some((tenant.clone(), sender.clone(), key))
    }

    fn name(&self) -> Key {
        let SenderEvent { tenant, sender, .. } = &self.event;
        (tenant.clone(), sender.clone(), self.event.event_id.clone())
    }

    fn record(&self) -> SenderEventRecord {
        let mut record = SenderEventRecord::new(self.event.clone());
        record.attempts = self.attempts;
        record.review = self.review;
        record.is_parked = self.due_at.is_none() && self.fate.is_none();
        record.fate = self.fate.as_ref().map(|(fate, _)| fate.clone());
        record
    }
}

impl EventBooks {
    fn set_due(&mut self, id: SenderEventId, due_at: Option<DateTime<Utc>>) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        let (tenant, key) = (row.event.tenant.clone(), row.key());
        let before = std::mem::replace(&mut row.due_at, due_at);
        let due = self.due.entry(tenant.clone()).or_default();
        if let Some(old) = before {
            due.remove(&(old, id));
        }
        if let Some(new) = due_at {
            due.insert((new, id));
        }
        if due.is_empty() {
            self.due.remove(&tenant);
        }
        let Some(key) = key else {
            return;
        };
        let same = self.of_key.entry(key.clone()).or_default();
        if due_at.is_some() {
            same.insert(id);
        } else {
            same.remove(&id);
            if same.is_empty() {
                self.of_key.remove(&key);
            }
        }
    }

    /// Whether an earlier event of its key waits, or another one is being handled.
    fn is_held_up(&self, id: SenderEventId, now: DateTime<Utc>) -> bool {
        let Some(key) = self.rows[&id].key() else {
            return false;
        };
        let same = self.of_key.get(&key).into_iter().flatten();
        same.filter(|other| **other != id).any(|other| {
            let row = &self.rows[other];
            *other < id || (row.is_leased && row.due_at > Some(now))
        })
    }

    fn first_of(
        &self,
        tenant: &TenantId,
        senders: Option<&BTreeSet<Sender>>,
        now: DateTime<Utc>,
    ) -> Option<SenderEventId> {
        let is_asked_for = |id: &SenderEventId| {
            senders.is_none_or(|senders| senders.contains(&self.rows[id].event.sender))
        };
        let due = self.due.get(tenant)?.iter();
        due.take_while(|(due_at, _)| *due_at <= now)
            .map(|(_, id)| *id)
            .find(|id| is_asked_for(id) && !self.is_held_up(*id, now))
    }

    /// The row that a lease is for, if it is valid.
    fn leased(&mut self, lease: &EventLease) -> Result<&mut EventRow, StoreError> {
        let row = self.rows.get_mut(&lease.event);
        row.filter(|row| {
            row.is_leased && row.fence == lease.fence && row.event.tenant == lease.tenant
        })
        .ok_or_else(StoreError::event_lost)
    }

    fn give_up(
        &mut self,
        lease: &EventLease,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<&mut EventRow, StoreError> {
        self.leased(lease)?.is_leased = false;
        self.set_due(lease.event, due_at);
        self.rows
            .get_mut(&lease.event)
            .ok_or_else(StoreError::event_lost)
    }

    /// What the resolution of a review item decides about the event that it is about, if any.
    pub(super) fn resolved(
        &mut self,
        tenant: &TenantId,
        review: ReviewId,
        resolution: &Resolution,
        now: DateTime<Utc>,
    ) {
        let mut parked = self.rows.iter_mut().filter(|(_, row)| {
            row.event.tenant == *tenant
                && row.review == Some(review)
                && row.due_at.is_none()
                && row.fate.is_none()
        });
        let Some((id, row)) = parked.next() else {
            return;
        };
        let id = *id;
        if *resolution == Resolution::Dismiss {
            row.fate = Some((SenderEventFate::Dismissed, now));
        } else {
            row.attempts = 0;
            self.set_due(id, Some(now));
        }
    }

    pub(super) fn void_leases(&mut self, tenant: &TenantId) {
        for row in self.rows.values_mut() {
            if row.event.tenant == *tenant && row.is_leased {
                row.is_leased = false;
                row.fence += 1;
            }
        }
    }

    pub(super) fn erase(&mut self, tenant: &TenantId, limit: usize) -> u64 {
        let rows = self.rows.iter();
        let own = rows.filter(|(_, row)| row.event.tenant == *tenant);
        let ids: Vec<_> = own.map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            self.remove(*id);
        }
        rows_of(&ids)
    }

    fn remove(&mut self, id: SenderEventId) {
        self.set_due(id, None);
        if let Some(row) = self.rows.remove(&id) {
            self.names.remove(&row.name());
        }
    }

    fn over(
        &self,
        before: Option<DateTime<Utc>>,
    ) -> impl Iterator<Item = (SenderEventId, &EventRow)> {
        let rows = self.rows.iter().filter(move |(_, row)| {
            let ended = row.fate.as_ref().zip(before);
            ended.is_some_and(|((_, at), before)| *at < before)
        });
        rows.map(|(id, row)| (*id, row))
    }

    /// Removes events that ended before an instant.
    pub(super) fn prune(&mut self, before: Option<DateTime<Utc>>, limit: usize) -> u64 {
        let over = self.over(before).map(|(id, _)| id);
        let ids: Vec<_> = over.take(limit).collect();
        for id in &ids {
            self.remove(*id);
        }
        rows_of(&ids)
    }

    /// Empties the bodies of events that ended before an instant.
    pub(super) fn prune_bodies(&mut self, before: Option<DateTime<Utc>>, limit: usize) -> u64 {
        let over = self
            .over(before)
            .filter(|(_, row)| !row.event.body.is_empty());
        let ids: Vec<_> = over.map(|(id, _)| id).take(limit).collect();
        for id in &ids {
            if let Some(row) = self.rows.get_mut(id) {
                row.event.body.clear();
            }
        }
        rows_of(&ids)
    }

    fn own(&self, tenant: &TenantId, page: Page<SenderEventId>) -> impl Iterator<Item = &EventRow> {
        let from = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.rows.range((from, Bound::Unbounded));
        let tenant = tenant.clone();
        rows.map(|(_, row)| row)
            .filter(move |row| row.event.tenant == tenant)
    }
}

impl Inner {
    fn claim_event(
        &mut self,
        request: &EventClaimRequest,
        now: DateTime<Utc>,
    ) -> Option<EventClaim> {
        let after_last = request.after.as_ref();
        let from = after_last.map_or(Bound::Unbounded, Bound::Excluded);
        let until = after_last.map_or(Bound::Unbounded, Bound::Included);
        let books = &self.events;
        let first = books.due.range::<TenantId, _>((from, Bound::Unbounded));
        let wrapped = books.due.range::<TenantId, _>((Bound::Unbounded, until));
        let mut tenants = first.chain(wrapped).map(|(tenant, _)| tenant);
        let id = tenants.find_map(|tenant| {
            let row = self.tenants.get(tenant);
            let is_erased = row.is_some_and(|row| row.paused_by.as_deref() == Some(ERASURE));
            let senders = request.senders.as_ref();
            (!is_erased)
                .then(|| books.first_of(tenant, senders, now))
                .flatten()
        })?;
        self.events.set_due(id, Some(after(now, request.lease)));
        let row = self.events.rows.get_mut(&id)?;
        row.is_leased = true;
        row.fence += 1;
        row.attempts = row.attempts.saturating_add(1);
        let lease = EventLease::new(row.event.tenant.clone(), id, row.fence);
        let claim = EventClaim::new(lease, row.event.clone(), row.attempts, row.review);
        Some(claim)
    }

    /// Stores how the retry ended that a resolved item asked for.
    fn set_event_outcome(&mut self, review: Option<ReviewId>, outcome: Option<&str>) {
        let row = review.and_then(|id| self.reviews.get_mut(&id));
        let resolved = row.and_then(|row| row.item.resolved.as_mut());
        if let Some((resolved, outcome)) = resolved.zip(outcome) {
            resolved.outcome = Some(outcome.to_owned());
        }
    }
}

#[async_trait]
impl SenderEvents for InMemoryStore {
    async fn accept_event(&self, new: NewSenderEvent) -> Result<EventAccepted, StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let name = (new.tenant.clone(), new.sender.clone(), new.event_id.clone());
        if !inner.events.names.insert(name) {
            return Ok(EventAccepted::Duplicate);
        }
        let id = SenderEventId::new(inner.next_id());
        let row = EventRow {
            event: SenderEvent::new(id, new, now),
            due_at: None,
            is_leased: false,
            fence: 0,
            attempts: 0,
            review: None,
            fate: None,
        };
        inner.events.rows.insert(id, row);
        inner.events.set_due(id, Some(now));
        Ok(EventAccepted::Stored)
    }

    async fn claim_event(
        &self,
        request: &EventClaimRequest,
    ) -> Result<Option<EventClaim>, StoreError> {
        let now = self.now();
        Ok(self.lock().claim_event(request, now))
    }

    async fn end_event(
        &self,
        lease: &EventLease,
        fate: &SenderEventFate,
        outcome: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let row = inner.events.give_up(lease, None)?;
        row.fate = Some((fate.clone(), now));
        let review = row.review;
        inner.set_event_outcome(review, outcome);
        Ok(())
    }

    async fn retry_event(&self, lease: &EventLease, wait: Duration) -> Result<(), StoreError> {
        let due_at = after(self.now(), wait);
        self.lock().events.give_up(lease, Some(due_at))?;
        Ok(())
    }

    async fn hand_back_event(&self, lease: &EventLease) -> Result<(), StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let row = inner.events.give_up(lease, Some(now))?;
        row.attempts = row.attempts.saturating_sub(1);
        Ok(())
    }

    async fn park_event(
        &self,
        lease: &EventLease,
        review: &NewReview,
        outcome: Option<&str>,
    ) -> Result<ReviewId, StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let before = inner.events.give_up(lease, None)?.review;
        inner.set_event_outcome(before, outcome);
        let (id, _) = inner.open_or_update(&lease.tenant, None, review.clone(), now);
        if let Some(row) = inner.events.rows.get_mut(&lease.event) {
            row.review = Some(id);
        }
        Ok(id)
    }

    async fn sender_events(
        &self,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<SenderEventRecord>, StoreError> {
        let inner = self.lock();
        let own = inner.events.own(tenant, page).take(page.rows());
        Ok(own.map(EventRow::record).collect())
    }

    async fn event_bodies(
        &self,
        tenant: &TenantId,
        page: Page<SenderEventId>,
    ) -> Result<Vec<StoredEventBody>, StoreError> {
        let inner = self.lock();
        let own = inner.events.own(tenant, page);
        let bodies = own.filter(|row| !row.event.body.is_empty());
        Ok(bodies
            .take(page.rows())
            .map(|row| {
                let SenderEvent { id, body, .. } = &row.event;
                StoredEventBody::new(*id, row.fate.is_some(), body.clone())
            })
            .collect())
    }

    async fn empty_event_bodies(
        &self,
        tenant: &TenantId,
        events: &[SenderEventId],
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for id in events {
            let row = inner.events.rows.get_mut(id);
            let own = row.filter(|row| row.event.tenant == *tenant && row.fate.is_some());
            if let Some(row) = own {
                row.event.body.clear();
            }
        }
        Ok(())
    }
}
