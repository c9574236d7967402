//! Links in memory: claims, leases and settlements.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner, LinkRow};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::inbox::DeliveryId;
use crate::store::link::{Claim, Lease, Link, LinkId, LinkKey, Links, PendingWrite, Settlement};
use crate::store::log::LogEvent;
use crate::store::outbox::ChangeId;
use crate::store::review::{NewReview, Resolution, Resolved, ReviewId, ReviewItem, ReviewReason};
use crate::store::tenant::TenantId;

/// Who closes a review item that has settled itself.
const ITSELF: &str = "calcom";

fn settled_itself(at: DateTime<Utc>) -> Resolved {
    Resolved {
        resolution: Resolution::Settled,
        by: ITSELF.to_owned(),
        at,
    }
}

impl Inner {
    fn leased(&mut self, lease: &Lease) -> Result<&mut LinkRow, StoreError> {
        self.links
            .get_mut(&lease.link)
            .filter(|row| row.link.tenant == lease.tenant && row.fence == lease.fence)
            .ok_or_else(StoreError::lease_lost)
    }

    fn claim(&mut self, now: DateTime<Utc>, lease: Duration) -> Option<Claim> {
        let due = self.due.iter().take_while(|(due_at, _)| *due_at <= now);
        let id = due.map(|(_, id)| *id).find(|id| {
            self.links.get(id).is_some_and(|row| {
                row.lease_until.is_none_or(|until| until <= now)
                    && !self.paused.contains(&row.link.tenant)
            })
        })?;
        let row = self.links.get_mut(&id)?;
        row.fence += 1;
        row.read_asked = false;
        row.retry_asked = false;
        row.lease_until = Some(now + lease);
        let changes = self
            .changes
            .values()
            .filter(|c| c.link == id && c.fate.is_none());
        let deliveries = self
            .deliveries
            .values()
            .filter(|d| d.link == Some(id) && d.fate.is_none());
        Some(Claim {
            lease: Lease {
                tenant: row.link.tenant.clone(),
                link: id,
                fence: row.fence,
                marks: row.marks,
            },
            link: row.link.clone(),
            changes: changes.map(|row| row.recorded.clone()).collect(),
            deliveries: deliveries.map(|row| row.delivery.clone()).collect(),
        })
    }

    /// Moves what waits for a bare link, and what it owns, to another one.
    fn move_over(&mut self, from: LinkId, into: LinkId, now: DateTime<Utc>) {
        for row in self.changes.values_mut().filter(|row| row.link == from) {
            row.link = into;
        }
        for row in self
            .deliveries
            .values_mut()
            .filter(|row| row.link == Some(from))
        {
            row.link = Some(into);
        }
        self.move_reviews(from, into, now);
        self.keys
            .retain(|(_, key), owner| *owner != from || matches!(key, LinkKey::Booking(_)));
        for owner in self.keys.values_mut().filter(|owner| **owner == from) {
            *owner = into;
        }
        self.set_due(from, None);
        self.links.remove(&from);
    }

    /// Moves the open reviews of one link to another, which keeps one open item a reason.
    fn move_reviews(&mut self, from: LinkId, into: LinkId, now: DateTime<Utc>) {
        let open_reason = |item: &ReviewItem, link| {
            let open = item.link == Some(link) && item.resolved.is_none();
            open.then(|| item.reason.clone())
        };
        let kept: Vec<ReviewReason> = self
            .reviews
            .values()
            .filter_map(|item| open_reason(item, into))
            .collect();
        let mut doubled = Vec::new();
        for item in self.reviews.values_mut() {
            if open_reason(item, from).is_some_and(|reason| kept.contains(&reason)) {
                item.resolved = Some(settled_itself(now));
                doubled.push(item.reason.clone());
            }
            if item.link == Some(from) {
                item.link = Some(into);
            }
        }
        let link = self.links.get(&into).map(|row| row.link.clone());
        for reason in doubled {
            if let Some(link) = &link {
                self.log_settled(link, reason, now);
            }
        }
    }

    /// The links that own what the settled link is to own, if all of them are bare.
    fn absorbable(
        &self,
        link: &Link,
        chain_uids: &[crate::model::BookingUid],
    ) -> Result<Vec<LinkId>, StoreError> {
        let uids = chain_uids.iter().chain(&link.booking).cloned();
        let keys = uids
            .map(LinkKey::Booking)
            .chain(link.appointment.clone().map(LinkKey::Appointment))
            .chain(link.chain.clone().map(LinkKey::Chain))
            .chain(link.sync_key.clone().map(LinkKey::SyncKey));
        let mut owners: Vec<LinkId> = keys
            .filter_map(|key| self.link_by(&link.tenant, &key))
            .filter(|owner| *owner != link.id)
            .collect();
        owners.sort_unstable();
        owners.dedup();
        for owner in &owners {
            if !self.links.get(owner).is_some_and(|row| row.link.is_bare()) {
                return Err(StoreError::conflict(format!(
                    "link {owner} holds what link {} was to hold",
                    link.id
                )));
            }
        }
        Ok(owners)
    }

    fn open_review(
        &mut self,
        tenant: &TenantId,
        link: Option<&Link>,
        new: NewReview,
        at: DateTime<Utc>,
    ) -> ReviewId {
        let link_id = link.map(|link| link.id);
        let open = self.reviews.values_mut().find(|item| {
            item.tenant == *tenant
                && item.link == link_id
                && item.reason == new.reason
                && item.resolved.is_none()
        });
        if let Some(item) = open {
            item.evidence = new.evidence;
            item.updated_at = at;
            return item.id;
        }
        let id = ReviewId::new(self.next_id());
        let item = ReviewItem {
            id,
            tenant: tenant.clone(),
            link: link_id,
            appointment: link.and_then(|link| link.appointment.clone()),
            reason: new.reason,
            evidence: new.evidence,
            opened_at: at,
            updated_at: at,
            resolved: None,
        };
        self.reviews.insert(id, item);
        id
    }

    fn close_reviews(&mut self, link: &Link, except: Option<ReviewId>, at: DateTime<Utc>) {
        let mut reasons = Vec::new();
        for item in self.reviews.values_mut() {
            let settles_itself = item.reason != ReviewReason::ForeignBooking;
            let is_open = item.link == Some(link.id) && item.resolved.is_none();
            if is_open && settles_itself && Some(item.id) != except {
                item.resolved = Some(settled_itself(at));
                reasons.push(item.reason.clone());
            }
        }
        for reason in reasons {
            self.log_settled(link, reason, at);
        }
    }

    fn log_settled(&mut self, link: &Link, reason: ReviewReason, at: DateTime<Utc>) {
        let event = LogEvent::ReviewResolved {
            reason,
            resolution: Resolution::Settled,
            by: ITSELF.to_owned(),
        };
        self.append_log(&link.tenant, Some(link), event, at);
    }

    fn settle(&mut self, lease: &Lease, settlement: Settlement) -> Result<(), StoreError> {
        self.leased(lease)?;
        let Settlement {
            mut link,
            chain_uids,
            next_due,
            changes,
            deliveries,
            log,
            review,
            close_reviews,
            pause_tenant,
            mark_series,
            at,
        } = settlement;
        link.tenant = lease.tenant.clone();
        link.id = lease.link;
        let tenant = lease.tenant.clone();
        let absorbed = self.absorbable(&link, &chain_uids)?;

        // Nothing is written before all of it is known to be right: this is one transaction.
        let waits = |id: &ChangeId| self.changes.get(id).is_some_and(|row| row.link == link.id);
        let stray_change = changes.iter().any(|(id, _)| !waits(id));
        let waits = |id: &DeliveryId| {
            let row = self.deliveries.get(id);
            row.is_some_and(|row| row.link == Some(link.id))
        };
        if stray_change || deliveries.iter().any(|(id, _)| !waits(id)) {
            return Err(StoreError::new(
                StoreErrorKind::Invalid,
                "the settlement names what does not wait for its link",
            ));
        }
        for (id, fate) in changes {
            if let Some(row) = self.changes.get_mut(&id) {
                row.fate = Some(fate);
            }
        }
        for (id, fate) in deliveries {
            if let Some(row) = self.deliveries.get_mut(&id) {
                row.fate = Some(fate);
            }
        }
        let moved_work = !absorbed.is_empty();
        for from in absorbed {
            self.move_over(from, link.id, at);
        }
        for uid in chain_uids.into_iter().chain(link.booking.clone()) {
            self.own(&tenant, LinkKey::Booking(uid), link.id);
        }
        if let Some(appointment) = link.appointment.clone() {
            self.own(&tenant, LinkKey::Appointment(appointment), link.id);
        }
        if let Some(chain) = link.chain.clone() {
            self.own(&tenant, LinkKey::Chain(chain), link.id);
        }
        if let Some(sync_key) = link.sync_key.clone() {
            self.own(&tenant, LinkKey::SyncKey(sync_key), link.id);
        }
        let subject = (!pause_tenant).then(|| link.clone());
        for event in log {
            let about_tenant = matches!(
                event,
                LogEvent::TenantPaused | LogEvent::SentToReview { .. }
            );
            let subject = if about_tenant {
                subject.as_ref()
            } else {
                Some(&link)
            };
            self.append_log(&tenant, subject, event, at);
        }
        let opened = review.map(|new| self.open_review(&tenant, subject.as_ref(), new, at));
        if close_reviews {
            self.close_reviews(&link, opened, at);
        }
        if pause_tenant {
            self.paused.insert(tenant.clone());
        }
        if mark_series && let Some(series) = link.series.clone() {
            let siblings: Vec<LinkId> = self
                .links
                .values()
                .filter(|row| row.link.tenant == tenant && row.link.id != link.id)
                .filter(|row| row.link.series.as_ref() == Some(&series))
                .map(|row| row.link.id)
                .collect();
            for sibling in siblings {
                self.mark_verify(sibling, at);
            }
        }

        let row = self.leased(lease)?;
        link.verify |= row.read_asked;
        if row.retry_asked {
            link.attempts = 0;
        }
        let marked = row.marks != lease.marks || moved_work;
        row.link = link;
        row.lease_until = None;
        self.set_due(lease.link, if marked { Some(at) } else { next_due });
        Ok(())
    }

    pub(super) fn mark_verify(&mut self, id: LinkId, now: DateTime<Utc>) {
        if let Some(row) = self.links.get_mut(&id) {
            row.link.verify = true;
            row.read_asked = true;
        }
        self.mark(id, now);
    }
}

#[async_trait]
impl Links for InMemoryStore {
    async fn claim(
        &self,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        Ok(self.lock().claim(now, lease))
    }

    async fn begin_write(
        &self,
        lease: &Lease,
        write: &PendingWrite,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.leased(lease)?;
        let key = match write {
            PendingWrite::CreateBooking { sync_key, .. } => {
                Some(LinkKey::SyncKey(sync_key.clone()))
            }
            PendingWrite::CreateAppointment { chain } => Some(LinkKey::Chain(chain.clone())),
            PendingWrite::Reschedule { .. } | PendingWrite::Cancel { .. } => None,
        };
        if let Some(key) = key {
            let owner = inner.link_by(&lease.tenant, &key);
            if owner.is_some_and(|owner| owner != lease.link) {
                return Err(StoreError::conflict(
                    "the key of the write belongs to another link",
                ));
            }
            inner.own(&lease.tenant, key, lease.link);
        }
        let row = inner.leased(lease)?;
        match write {
            PendingWrite::CreateBooking { sync_key, .. } => {
                row.link.sync_key = Some(sync_key.clone());
            }
            PendingWrite::CreateAppointment { chain } => row.link.chain = Some(chain.clone()),
            PendingWrite::Reschedule { .. } | PendingWrite::Cancel { .. } => {}
        }
        row.link.pending = Some(write.clone());
        row.lease_until = Some(until);
        Ok(())
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<(), StoreError> {
        self.lock().settle(lease, settlement)
    }

    async fn absorb(
        &self,
        lease: &Lease,
        into: LinkId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let row = inner.leased(lease)?;
        if !row.link.is_bare() || into == lease.link {
            return Err(StoreError::conflict("only a bare link can be absorbed"));
        }
        let target = LinkKey::Id(into);
        inner
            .link_by(&lease.tenant, &target)
            .ok_or_else(|| StoreError::not_found("link"))?;
        inner.move_over(lease.link, into, now);
        inner.mark_verify(into, now);
        Ok(())
    }

    async fn find(&self, tenant: &TenantId, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        let inner = self.lock();
        let id = inner.link_by(tenant, key);
        Ok(id
            .and_then(|id| inner.links.get(&id))
            .map(|row| row.link.clone()))
    }

    async fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let inner = self.lock();
        let times = inner.due.iter().filter_map(|(due_at, id)| {
            let row = inner.links.get(id)?;
            (!inner.paused.contains(&row.link.tenant))
                .then(|| row.lease_until.map_or(*due_at, |until| until.max(*due_at)))
        });
        Ok(times.min())
    }
}
