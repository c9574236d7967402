//! The queue in memory: routing what was taken in, claims, and looking for a link.

use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner, LinkRow, Notice, after};
use crate::store::error::StoreError;
use crate::store::inbox::DeliveryId;
use crate::store::link::{Link, LinkId, LinkKey, Opaque};
use crate::store::queue::{
    Checkpoint, Claim, ClaimRequest, Lease, Links, Mark, MarkId, MarkSource, Settled, Settlement,
};
use crate::store::tenant::TenantId;

/// How much is given to links in one claim: enough to keep the order, little enough to keep a claim
/// short.
const ROUTED_AT_ONCE: usize = 64;

impl Inner {
    /// The next tenant with something to do, in the order of names; `None` at the end.
    fn next_tenant(&self, after: Option<&TenantId>) -> Option<TenantId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut tenants = self.queues.range::<TenantId, _>((from, Bound::Unbounded));
        tenants.next().map(|(tenant, _)| tenant.clone())
    }

    fn is_held(&self, tenant: &TenantId, now: DateTime<Utc>) -> bool {
        self.tenants.get(tenant).is_some_and(|row| {
            row.paused_by.is_some() || row.not_before.is_some_and(|until| until > now)
        })
    }

    fn claim(&mut self, request: &ClaimRequest, now: DateTime<Utc>) -> Option<Claim> {
        let begin = request.after.clone();
        let mut tenant = self.next_tenant(begin.as_ref());
        let mut has_wrapped = begin.is_none();
        loop {
            let Some(current) = tenant else {
                if has_wrapped {
                    return None;
                }
                has_wrapped = true;
                tenant = self.next_tenant(None);
                continue;
            };
            if has_wrapped && begin.as_ref().is_some_and(|begin| current > *begin) {
                return None;
            }
            if !self.is_held(&current, now) {
                self.route_what_is_first(&current, request.format, now);
                if let Some(id) = self.due_link(&current, request.format, now) {
                    return self.lease(id, request.lease, now);
                }
            }
            tenant = self.next_tenant(Some(&current));
        }
    }

    /// The tenant's link that can be claimed now and whose work was taken in first.
    fn due_link(&self, tenant: &TenantId, format: u16, now: DateTime<Utc>) -> Option<LinkId> {
        let due = self.queues.get(tenant)?.due.iter();
        due.take_while(|(due_at, _)| *due_at <= now)
            .map(|(_, id)| *id)
            .find(|id| self.can_read(*id, format))
    }

    fn can_read(&self, id: LinkId, format: u16) -> bool {
        let row = self.links.get(&id);
        row.is_some_and(|row| row.link.state.as_ref().map_or(0, Opaque::format) <= format)
    }

    /// Gives to links what was taken in before the work that is due next: all of it if nothing is.
    fn route_what_is_first(&mut self, tenant: &TenantId, format: u16, now: DateTime<Utc>) {
        let mut has_routed = false;
        while self.route_batch(tenant, format, now, has_routed) {
            has_routed = true;
        }
    }

    /// Gives a few to links; `false` if there are none, or if what is due goes first. Of what was
    /// taken in at the very instant at which that became due, one batch is enough.
    fn route_batch(
        &mut self,
        tenant: &TenantId,
        format: u16,
        now: DateTime<Utc>,
        has_routed: bool,
    ) -> bool {
        let next_due = self
            .due_link(tenant, format, now)
            .and_then(|id| self.links.get(&id)?.due_at);
        let batch: Vec<(i64, Notice)> = self
            .queues
            .get(tenant)
            .into_iter()
            .flat_map(|queue| queue.unrouted.iter())
            .take(ROUTED_AT_ONCE)
            .map(|(id, notice)| (*id, *notice))
            .collect();
        let Some((_, first)) = batch.first() else {
            return false;
        };
        let is_first = match (self.taken_at(*first), next_due) {
            (Some(taken), Some(due)) => taken < due || (taken == due && !has_routed),
            _ => true,
        };
        if !is_first {
            return false;
        }
        for (id, notice) in batch {
            self.queue(tenant).unrouted.remove(&id);
            let taken_at = self.taken_at(notice).unwrap_or(now);
            if let Some(link) = self.link_of(tenant, notice) {
                self.mark_due(link, taken_at);
            }
        }
        self.drop_empty_queue(tenant);
        true
    }

    pub(super) fn taken_at(&self, notice: Notice) -> Option<DateTime<Utc>> {
        match notice {
            Notice::Change(id) => self.changes.get(&id).map(|row| row.taken_at),
            Notice::Delivery(id) => self.deliveries.get(&id).map(|row| row.delivery.received_at),
            Notice::Mark(id) => self.marks.get(&id).map(|row| row.taken_at),
        }
    }

    /// The link that a notice is about, made if there is none; `None` if the notice was settled
    /// before it was routed.
    fn link_of(&mut self, tenant: &TenantId, notice: Notice) -> Option<LinkId> {
        match notice {
            Notice::Change(id) => {
                let row = self.changes.get(&id).filter(|row| row.fate.is_none())?;
                let appointment = row.recorded.change.appointment.clone();
                let key = LinkKey::Appointment(appointment.clone());
                Some(self.link_by(tenant, &key).unwrap_or_else(|| {
                    let made = self.new_link(tenant);
                    if let Some(row) = self.links.get_mut(&made) {
                        row.link.appointment = Some(appointment);
                    }
                    self.own(tenant, key, made);
                    made
                }))
            }
            Notice::Delivery(id) => self.link_of_delivery(tenant, id),
            Notice::Mark(id) => self.marks.get(&id).map(|row| row.link),
        }
    }

    fn link_of_delivery(&mut self, tenant: &TenantId, id: DeliveryId) -> Option<LinkId> {
        let row = self.deliveries.get(&id).filter(|row| row.fate.is_none())?;
        let uid = row.delivery.booking.clone()?;
        let keys = [
            Some(LinkKey::Booking(uid.clone())),
            row.rescheduled_from.clone().map(LinkKey::Booking),
            row.sync_key.clone().map(LinkKey::SyncKey),
        ];
        let known = keys
            .into_iter()
            .flatten()
            .find_map(|key| self.link_by(tenant, &key));
        let link = known.unwrap_or_else(|| {
            let made = self.new_link(tenant);
            if let Some(row) = self.links.get_mut(&made) {
                row.link.booking = Some(uid.clone());
            }
            made
        });
        self.own(tenant, LinkKey::Booking(uid), link);
        Some(link)
    }

    /// Makes a link due for something that was taken in, unless a worker has it: then its
    /// settlement does.
    pub(super) fn mark_due(&mut self, id: LinkId, taken_at: DateTime<Utc>) {
        let Some(row) = self.links.get_mut(&id) else {
            return;
        };
        row.marks += 1;
        if row.is_leased {
            return;
        }
        let wanted = row
            .not_before
            .map_or(taken_at, |not_before| not_before.max(taken_at));
        let due_at = row.due_at.map_or(wanted, |due_at| due_at.min(wanted));
        self.set_due(id, Some(due_at));
    }

    fn lease(&mut self, id: LinkId, lease: Duration, now: DateTime<Utc>) -> Option<Claim> {
        self.set_due(id, Some(after(now, lease)));
        let row = self.links.get_mut(&id)?;
        row.fence += 1;
        row.begun += 1;
        row.is_leased = true;
        let link = row.link.clone();
        let lease = Lease::new(link.tenant.clone(), id, row.fence, row.marks);
        let begun = row.begun;
        let mut claim = Claim::new(lease, link, now, self.books_since);
        claim.begun = begun;
        claim.changes = self.waiting_changes(&claim.link);
        claim.deliveries = self.waiting_deliveries(id);
        claim.marks = self.waiting_marks(id);
        self.forget_unrouted(&claim);
        claim.first_revision = claim.link.appointment.as_ref().and_then(|appointment| {
            let key = (claim.link.tenant.clone(), appointment.clone());
            let of_appointment = self.changes_of.get(&key)?.iter();
            of_appointment
                .filter_map(|id| Some(self.changes.get(id)?.recorded.change.revision))
                .min()
        });
        Some(claim)
    }

    /// What comes with a claim needs no routing any more: it is no news for the link.
    fn forget_unrouted(&mut self, claim: &Claim) {
        let changes = claim.changes.iter().map(|row| row.id.get());
        let deliveries = claim.deliveries.iter().map(|row| row.id.get());
        let marks = claim.marks.iter().map(|mark| mark.id.get());
        let unrouted = &mut self.queue(&claim.lease.tenant).unrouted;
        for id in changes.chain(deliveries).chain(marks) {
            unrouted.remove(&id);
        }
    }

    fn waiting_changes(&self, link: &Link) -> Vec<crate::store::RecordedChange> {
        let Some(appointment) = &link.appointment else {
            return Vec::new();
        };
        let key = (link.tenant.clone(), appointment.clone());
        let rows = self.changes_of.get(&key).into_iter().flatten();
        rows.filter_map(|id| self.changes.get(id))
            .filter(|row| row.fate.is_none())
            .map(|row| row.recorded.clone())
            .collect()
    }

    fn waiting_deliveries(&self, id: LinkId) -> Vec<crate::store::Delivery> {
        let mut ids = self.waiting_delivery_ids(id);
        ids.sort_unstable();
        let rows = ids.iter().filter_map(|id| self.deliveries.get(id));
        rows.map(|row| row.delivery.clone()).collect()
    }

    pub(super) fn waiting_delivery_ids(&self, id: LinkId) -> Vec<DeliveryId> {
        let Some(row) = self.links.get(&id) else {
            return Vec::new();
        };
        row.uids
            .iter()
            .filter_map(|uid| {
                let key = (row.link.tenant.clone(), uid.clone());
                self.waiting_for.get(&key)
            })
            .flatten()
            .copied()
            .collect()
    }

    fn waiting_marks(&self, id: LinkId) -> Vec<crate::store::Mark> {
        let row = self.links.get(&id);
        let ids = row.into_iter().flat_map(|row| row.waiting_marks.iter());
        ids.filter_map(|id| self.marks.get(id))
            .map(|row| row.mark.clone())
            .collect()
    }

    pub(super) fn has_waiting(&self, link: &Link) -> bool {
        !self.waiting_changes(link).is_empty()
            || !self.waiting_delivery_ids(link.id).is_empty()
            || !self.waiting_marks(link.id).is_empty()
    }

    pub(super) fn leased(&mut self, lease: &Lease) -> Result<&mut LinkRow, StoreError> {
        self.links
            .get_mut(&lease.link)
            .filter(|row| {
                row.is_leased && row.link.tenant == lease.tenant && row.fence == lease.fence
            })
            .ok_or_else(StoreError::lease_lost)
    }

    fn next_due(&self, format: u16, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let of_tenant = |tenant: &TenantId, queue: &super::Queue| {
            let row = self.tenants.get(tenant);
            if row.is_some_and(|row| row.paused_by.is_some()) {
                return None;
            }
            let mut readable = queue
                .due
                .iter()
                .filter(|(_, id)| self.can_read(*id, format));
            let at = if queue.unrouted.is_empty() {
                readable.next().map(|(due_at, _)| *due_at)?
            } else {
                now
            };
            let held_until = row.and_then(|row| row.not_before);
            Some(held_until.map_or(at, |until| until.max(at)))
        };
        let queues = self.queues.iter();
        queues
            .filter_map(|(tenant, queue)| of_tenant(tenant, queue))
            .min()
    }
}

#[async_trait]
impl Links for InMemoryStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Claim>, StoreError> {
        Ok(self.lock().claim(request, self.now()))
    }

    async fn checkpoint(&self, lease: &Lease, checkpoint: Checkpoint) -> Result<(), StoreError> {
        self.lock().checkpoint(lease, checkpoint, self.now())
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        self.lock().settle(lease, settlement, self.now())
    }

    async fn absorb(&self, lease: &Lease, into: LinkId) -> Result<(), StoreError> {
        self.lock().absorb(lease, into, self.now())
    }

    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        let inner = self.lock();
        let id = inner.link_by(tenant, key);
        Ok(id
            .and_then(|id| inner.links.get(&id))
            .map(|row| row.link.clone()))
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        key: &LinkKey,
        source: MarkSource,
    ) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let Some(link) = inner.link_by(tenant, key) else {
            return Ok(false);
        };
        let mark = Mark::new(MarkId::new(inner.next_id()), source);
        inner.insert_mark(tenant, link, mark, self.now());
        Ok(true)
    }

    async fn next_due(&self, format: u16) -> Result<Option<Duration>, StoreError> {
        let now = self.now();
        let due = self.lock().next_due(format, now);
        Ok(due.map(|due| (due - now).to_std().unwrap_or_default()))
    }
}
