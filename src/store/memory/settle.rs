//! Storing how far the work on a link has come, and its outcome, in memory.

use chrono::{DateTime, Utc};

use super::{Inner, after};
use crate::model::BookingUid;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::inbox::{DeliveryFate, DeliveryId};
use crate::store::link::{Link, LinkId, LinkKey};
use crate::store::log::LogEvent;
use crate::store::outbox::{ChangeFate, ChangeId};
use crate::store::queue::{Checkpoint, Hold, Lease, Mark, MarkId, MarkSource, Settled, Settlement};
use crate::store::review::ReviewScope;

impl Inner {
    pub(super) fn checkpoint(
        &mut self,
        lease: &Lease,
        checkpoint: Checkpoint,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.leased(lease)?;
        let link = self.to_store(checkpoint.link, lease)?;
        let taken = link.keys(&checkpoint.chain_uids).into_iter().any(|key| {
            let owner = self.link_by(&link.tenant, &key);
            owner.is_some_and(|owner| owner != link.id)
        });
        if taken {
            return Err(StoreError::conflict("a key belongs to another link"));
        }
        self.own_keys(&link, &checkpoint.chain_uids);
        for event in checkpoint.log {
            self.append_log(&lease.tenant, Some(&link), event, now);
        }
        let row = self.leased(lease)?;
        row.link = link;
        let until = after(now, checkpoint.lease);
        let until = row.due_at.map_or(until, |lease_end| lease_end.max(until));
        self.set_due(lease.link, Some(until));
        Ok(())
    }

    /// The link as it is to be stored.
    fn to_store(&self, link: Link, lease: &Lease) -> Result<Link, StoreError> {
        lease.check_link(&link)?;
        match self.links.get(&link.id) {
            Some(row) => link.keeping_appointment_of(&row.link),
            None => Ok(link),
        }
    }

    fn own_keys(&mut self, link: &Link, chain_uids: &[BookingUid]) {
        for key in link.keys(chain_uids) {
            self.own(&link.tenant, key, link.id);
        }
    }

    /// The links that own what the settled link is to own, if all of them can be absorbed.
    fn absorbable(
        &self,
        link: &Link,
        chain_uids: &[BookingUid],
    ) -> Result<Vec<LinkId>, StoreError> {
        let keys = link.keys(chain_uids).into_iter();
        let mut owners: Vec<LinkId> = keys
            .filter_map(|key| self.link_by(&link.tenant, &key))
            .filter(|owner| *owner != link.id)
            .collect();
        owners.sort_unstable();
        owners.dedup();
        let mut appointment = link.appointment.clone();
        for owner in &owners {
            let Some(row) = self.links.get(owner) else {
                continue;
            };
            let other = &row.link.appointment;
            let is_second = other.is_some() && appointment.is_some() && *other != appointment;
            if !row.link.bare || is_second {
                return Err(StoreError::conflict(format!(
                    "link {owner} holds what link {} was to hold",
                    link.id
                )));
            }
            appointment = appointment.or_else(|| other.clone());
        }
        Ok(owners)
    }

    /// Moves what a bare link holds to another one, which gets its appointment if it has none.
    fn move_over(&mut self, from: LinkId, into: LinkId, now: DateTime<Utc>) {
        self.move_parts(from, into, now);
        self.set_due(from, None);
        let Some(gone) = self.links.remove(&from) else {
            return;
        };
        self.keys.retain(|_, owner| *owner != from);
        let tenant = gone.link.tenant.clone();
        for uid in gone.uids {
            self.own(&tenant, LinkKey::Booking(uid), into);
        }
        for id in &gone.waiting_marks {
            if let Some(mark) = self.marks.get_mut(id) {
                mark.link = into;
            }
        }
        let Some(row) = self.links.get_mut(&into) else {
            return;
        };
        row.waiting_marks.extend(gone.waiting_marks);
        if row.link.appointment.is_none()
            && let Some(appointment) = gone.link.appointment
        {
            row.link.appointment = Some(appointment.clone());
            self.own(&tenant, LinkKey::Appointment(appointment), into);
        }
    }

    pub(super) fn absorb(
        &mut self,
        lease: &Lease,
        into: LinkId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let bare = self.leased(lease)?.link.clone();
        if !bare.bare || into == lease.link {
            return Err(StoreError::conflict("only a bare link can be absorbed"));
        }
        let target = LinkKey::Id(into);
        self.link_by(&lease.tenant, &target)
            .ok_or_else(|| StoreError::not_found("link"))?;
        let other = self.links.get(&into).map(|row| &row.link.appointment);
        if bare.appointment.is_some() && other.is_some_and(Option::is_some) {
            return Err(StoreError::conflict("both links have an appointment"));
        }
        self.move_over(lease.link, into, now);
        let mark = Mark::new(MarkId::new(self.next_id()), MarkSource::Absorbed);
        self.insert_mark(&lease.tenant, into, mark, now);
        Ok(())
    }

    /// Whether all that is to be settled waits for the link.
    fn check_waiting(
        &self,
        link: &Link,
        changes: &[(ChangeId, ChangeFate)],
        deliveries: &[(DeliveryId, DeliveryFate)],
    ) -> Result<(), StoreError> {
        let waits = |id: &ChangeId| {
            self.changes.get(id).is_some_and(|row| {
                let change = &row.recorded.change;
                row.fate.is_none()
                    && change.tenant == link.tenant
                    && link.appointment.as_ref() == Some(&change.appointment)
            })
        };
        let waiting = self.waiting_delivery_ids(link.id);
        let stray = changes.iter().any(|(id, _)| !waits(id))
            || deliveries.iter().any(|(id, _)| !waiting.contains(id));
        if stray {
            return Err(StoreError::new(
                StoreErrorKind::Invalid,
                "the settlement names what does not wait for its link",
            ));
        }
        Ok(())
    }

    fn end_rows(&mut self, settlement: &Settlement, now: DateTime<Utc>) {
        for (id, fate) in &settlement.changes {
            if let Some(row) = self.changes.get_mut(id) {
                row.fate = Some((fate.clone(), now));
            }
        }
        for (id, fate) in &settlement.deliveries {
            let Some(row) = self.deliveries.get_mut(id) else {
                continue;
            };
            row.fate = Some((fate.clone(), now));
            let fingerprint = (row.tenant.clone(), row.fingerprint);
            if let Some(uid) = row.delivery.booking.clone() {
                let key = (row.tenant.clone(), uid);
                if let Some(ids) = self.waiting_for.get_mut(&key) {
                    ids.remove(id);
                }
            }
            self.fingerprints.remove(&fingerprint);
        }
        let mut heeded = Vec::new();
        if let Some(row) = self.links.get_mut(&settlement.link.id) {
            let marks = settlement.marks.iter();
            heeded.extend(marks.filter(|id| row.waiting_marks.remove(*id)));
        }
        for id in &heeded {
            self.marks.remove(id);
        }
        // Some of it may have been taken in during the lease: there is nothing left to route.
        let changes = settlement.changes.iter().map(|(id, _)| id.get());
        let deliveries = settlement.deliveries.iter().map(|(id, _)| id.get());
        let marks = heeded.iter().map(|id| id.get());
        if let Some(queue) = self.queues.get_mut(&settlement.link.tenant) {
            for id in changes.chain(deliveries).chain(marks) {
                queue.unrouted.remove(&id);
            }
        }
    }

    fn hold(&mut self, lease: &Lease, hold: Hold, now: DateTime<Utc>) {
        let row = self.tenants.entry(lease.tenant.clone());
        let row = row.or_default();
        match hold {
            Hold::For(time) => row.not_before = row.not_before.max(Some(after(now, time))),
            // A pause is not taken over by another one.
            Hold::Pause(cause) => {
                row.paused_by.get_or_insert(cause);
            }
        }
    }

    pub(super) fn settle(
        &mut self,
        lease: &Lease,
        mut settlement: Settlement,
        now: DateTime<Utc>,
    ) -> Result<Settled, StoreError> {
        self.leased(lease)?;
        let link = self.to_store(settlement.link.clone(), lease)?;
        let tenant = lease.tenant.clone();
        // Nothing is written before all of it is known to be right: this is one transaction.
        let absorbed = self.absorbable(&link, &settlement.chain_uids)?;
        self.check_waiting(&link, &settlement.changes, &settlement.deliveries)?;

        self.end_rows(&settlement, now);
        let has_work = |id: &LinkId| {
            let row = self.links.get(id);
            row.is_some_and(|row| self.has_waiting(&row.link))
        };
        let moved_work = absorbed.iter().any(has_work);
        for from in absorbed {
            self.move_over(from, link.id, now);
        }
        self.own_keys(&link, &settlement.chain_uids);
        let is_tenants = settlement
            .reviews
            .iter()
            .any(|new| new.scope == ReviewScope::Tenant);
        for event in std::mem::take(&mut settlement.log) {
            let about_tenant = match event {
                LogEvent::TenantPaused => true,
                LogEvent::SentToReview { .. } => is_tenants && link.appointment.is_none(),
                _ => false,
            };
            let subject = (!about_tenant).then_some(&link);
            self.append_log(&tenant, subject, event, now);
        }
        let opened = self.store_reviews(&link, &mut settlement, now);
        if let Some(hold) = settlement.hold.take() {
            self.hold(lease, hold, now);
        }
        if settlement.mark_siblings {
            self.mark_siblings(&link, now);
        }

        let row = self.leased(lease)?;
        // An absorbed link may have brought an appointment.
        let appointment = link.appointment.clone().or(row.link.appointment.take());
        row.link = link;
        row.link.appointment = appointment;
        row.is_leased = false;
        row.fence += 1;
        row.begun = 0;
        let not_before = settlement.not_before.map(|wait| after(now, wait));
        row.not_before = not_before;
        let is_marked = row.marks != lease.marks || moved_work;
        let stored = row.link.clone();
        let wanted = match settlement.wake {
            Some(wait) if !is_marked => Some(after(now, wait)),
            _ if is_marked || self.has_waiting(&stored) => Some(now),
            _ => None,
        };
        let due_at = wanted.map(|at| not_before.map_or(at, |not_before| not_before.max(at)));
        self.set_due(lease.link, due_at);
        Ok(Settled::opening(opened))
    }

    fn mark_siblings(&mut self, link: &Link, now: DateTime<Utc>) {
        let Some(series) = &link.series else {
            return;
        };
        let siblings: Vec<LinkId> = self
            .links
            .values()
            .filter(|row| row.link.tenant == link.tenant && row.link.id != link.id)
            .filter(|row| row.link.series.as_ref() == Some(series))
            .map(|row| row.link.id)
            .collect();
        for sibling in siblings {
            let mark = Mark::new(MarkId::new(self.next_id()), MarkSource::Sibling);
            self.insert_mark(&link.tenant, sibling, mark, now);
        }
    }
}
