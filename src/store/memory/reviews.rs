//! The review queue in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner, ReviewRow, before};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::link::{Link, LinkId, LinkKey};
use crate::store::log::LogEvent;
use crate::store::page::Page;
use crate::store::queue::{Mark, MarkId, MarkSource, Settlement};
use crate::store::review::{
    Instruction, NewReview, Resolution, Resolved, ReviewEnd, ReviewId, ReviewItem, ReviewScope,
    Reviews,
};
use crate::store::review_filter::{ReviewCount, ReviewFilter};
use crate::store::tenant::TenantId;

/// Who closes a review item whose cause is gone.
const ITSELF: &str = "calcom";

impl Inner {
    /// Opens, updates and closes items as a settlement says; returns those that were opened.
    pub(super) fn store_reviews(
        &mut self,
        link: &Link,
        settlement: &mut Settlement,
        now: DateTime<Utc>,
    ) -> Vec<ReviewId> {
        let (mut opened, mut kept) = (Vec::new(), BTreeSet::new());
        for new in std::mem::take(&mut settlement.reviews) {
            let (id, is_new) = self.open_review(link, new, now);
            kept.insert(id);
            if is_new {
                opened.push(id);
            }
        }
        if settlement.settled {
            self.end_parts(link, &kept, now);
        }
        let pause = self.pause_item(&link.tenant);
        for cause in &settlement.gone {
            if let Some(id) = self.open_item(&link.tenant, None, cause)
                && self.reviews[&id].item.ends == ReviewEnd::WithCause
                && pause != Some(id)
            {
                self.close(id, Resolution::Settled, ITSELF, now);
            }
        }
        for (id, outcome) in &settlement.outcomes {
            let row = self.reviews.get_mut(id);
            let own = row.filter(|row| row.parts.contains(&link.id));
            if let Some(resolved) = own.and_then(|row| row.item.resolved.as_mut()) {
                resolved.outcome = Some(outcome.clone());
            }
        }
        opened
    }

    fn open_item(&self, tenant: &TenantId, link: Option<LinkId>, cause: &str) -> Option<ReviewId> {
        let open = self.open_reviews.iter().copied();
        let mut open = open.filter(|id| {
            let item = &self.reviews[id].item;
            item.tenant == *tenant && item.link == link && item.cause == cause
        });
        open.next()
    }

    fn open_review(&mut self, link: &Link, new: NewReview, now: DateTime<Utc>) -> (ReviewId, bool) {
        let scope = match new.scope {
            ReviewScope::Link => Some(link.id),
            ReviewScope::Tenant => None,
        };
        let (id, is_new) = self.open_or_update(&link.tenant, scope, new, now);
        if let Some(row) = self.reviews.get_mut(&id) {
            if is_new {
                row.item.appointment.clone_from(&link.appointment);
            }
            row.parts.insert(link.id);
            row.item.links = count(&row.parts);
        }
        (id, is_new)
    }

    pub(super) fn open_or_update(
        &mut self,
        tenant: &TenantId,
        link: Option<LinkId>,
        new: NewReview,
        now: DateTime<Utc>,
    ) -> (ReviewId, bool) {
        let known = self.open_item(tenant, link, &new.cause);
        let id = known.unwrap_or_else(|| ReviewId::new(self.next_id()));
        let row = self.reviews.entry(id).or_insert_with(|| {
            let mut item = ReviewItem::new(id, tenant.clone(), new.clone(), now);
            item.link = link;
            item.count = 0;
            ReviewRow {
                item,
                parts: BTreeSet::new(),
            }
        });
        row.item.evidence = new.evidence;
        row.item.updated_at = now;
        row.item.count += 1;
        self.open_reviews.insert(id);
        (id, known.is_none())
    }

    /// Pauses a tenant that is not paused yet, and opens the item that goes with it.
    pub(super) fn pause(
        &mut self,
        tenant: &TenantId,
        review: &NewReview,
        now: DateTime<Utc>,
    ) -> Option<ReviewId> {
        let row = self.tenants.entry(tenant.clone()).or_default();
        if row.paused_by.is_some() {
            return None;
        }
        row.paused_by = Some(review.cause.clone());
        let (id, _) = self.open_or_update(tenant, None, review.clone(), now);
        self.append_log(tenant, None, LogEvent::TenantPaused, now);
        Some(id)
    }

    /// The open item that came with the tenant's pause. It stays open as long as the pause does.
    fn pause_item(&self, tenant: &TenantId) -> Option<ReviewId> {
        let cause = self.tenants.get(tenant)?.paused_by.as_ref()?;
        self.open_item(tenant, None, cause)
    }

    /// The link has no part in open items any more, other than those kept.
    fn end_parts(&mut self, link: &Link, kept: &BTreeSet<ReviewId>, now: DateTime<Utc>) {
        let pause = self.pause_item(&link.tenant);
        let open: Vec<ReviewId> = self.open_reviews.difference(kept).copied().collect();
        for id in open {
            let Some(row) = self.reviews.get_mut(&id) else {
                continue;
            };
            if row.item.ends != ReviewEnd::WithLinks || !row.parts.contains(&link.id) {
                continue;
            }
            if row.parts.len() == 1 && pause != Some(id) {
                // It keeps its last part, as the record of whom it was about.
                self.close(id, Resolution::Settled, ITSELF, now);
            } else {
                row.parts.remove(&link.id);
                row.item.links = count(&row.parts);
            }
        }
    }

    /// Moves the parts of one link to another, which keeps one open item a cause.
    pub(super) fn move_parts(&mut self, from: LinkId, into: LinkId, now: DateTime<Utc>) {
        let all: Vec<ReviewId> = self.reviews.keys().copied().collect();
        for id in all {
            let row = &self.reviews[&id];
            let is_own = row.item.link == Some(from);
            let is_open = row.item.resolved.is_none();
            let twin = (is_own && is_open)
                .then(|| self.open_item(&row.item.tenant, Some(into), &row.item.cause))
                .flatten();
            if twin.is_some() {
                self.close(id, Resolution::Settled, ITSELF, now);
            }
            if let Some(row) = self.reviews.get_mut(&id) {
                if is_own {
                    row.item.link = Some(into);
                }
                if row.parts.remove(&from) {
                    row.parts.insert(into);
                    row.item.links = count(&row.parts);
                }
            }
        }
    }

    fn close(&mut self, id: ReviewId, resolution: Resolution, by: &str, now: DateTime<Utc>) {
        self.open_reviews.remove(&id);
        let Some(row) = self.reviews.get_mut(&id) else {
            return;
        };
        row.item.resolved = Some(Resolved::new(resolution.clone(), by, now));
        let item = row.item.clone();
        let event = LogEvent::ReviewResolved {
            reason: item.reason,
            resolution,
            by: by.to_owned(),
        };
        let mut link = item.link.map(|id| Link::new(item.tenant.clone(), id));
        if let Some(link) = &mut link {
            link.appointment = item.appointment;
        }
        self.append_log(&item.tenant, link.as_ref(), event, now);
    }

    fn resolve(
        &mut self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: &Resolution,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<ReviewItem, StoreError> {
        let row = self.reviews.get(&id);
        let row = row
            .filter(|row| row.item.tenant == *tenant)
            .ok_or_else(|| StoreError::not_found("review item"))?;
        if row.item.resolved.is_some() {
            return Err(StoreError::conflict("the review item is resolved already"));
        }
        let (item, parts) = (row.item.clone(), row.parts.clone());
        let is_pause = self.pause_item(tenant) == Some(id);
        if is_pause && *resolution != Resolution::Retry {
            return Err(StoreError::new(
                StoreErrorKind::Invalid,
                "the tenant is paused because of this item: retry it to let the tenant's work go on",
            ));
        }
        self.close(id, resolution.clone(), by, now);
        if is_pause {
            self.resume(tenant, now);
        }
        self.events.resolved(tenant, id, resolution, now);
        if *resolution != Resolution::Dismiss {
            let instruction = Instruction::new(id, item.reason, resolution.clone(), by);
            for link in parts {
                let mark = Mark::new(MarkId::new(self.next_id()), MarkSource::Instruction)
                    .with_instruction(instruction.clone());
                self.insert_mark(tenant, link, mark, now);
            }
        }
        Ok(self.reviews[&id].item.clone())
    }

    /// The tenant's items that a filter lets through, oldest first.
    fn filtered<'a>(
        &'a self,
        tenant: &'a TenantId,
        filter: &'a ReviewFilter,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a ReviewItem> {
        let appointment = filter.appointment.clone().map(LinkKey::Appointment);
        let link = appointment
            .as_ref()
            .and_then(|key| self.link_by(tenant, key));
        let older = filter.older_than.map(|age| before(now, age));
        let younger = filter.within.map(|age| before(now, age));
        let own = self
            .reviews
            .values()
            .filter(move |row| row.item.tenant == *tenant);
        own.filter(move |row| {
            let item = &row.item;
            filter
                .is_open
                .is_none_or(|open| open == item.resolved.is_none())
                && filter
                    .reason
                    .as_ref()
                    .is_none_or(|reason| *reason == item.reason)
                && older.is_none_or(|older| item.opened_at < older)
                && younger.is_none_or(|younger| item.opened_at >= younger)
                && (filter.appointment.is_none()
                    || link.is_some_and(|link| row.parts.contains(&link)))
        })
        .map(|row| &row.item)
    }

    pub(super) fn count_reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
        now: DateTime<Utc>,
    ) -> Vec<ReviewCount> {
        let mut counts: BTreeMap<&str, ReviewCount> = BTreeMap::new();
        for item in self.filtered(tenant, filter, now) {
            let age = (now - item.opened_at).to_std().unwrap_or_default();
            let count = counts
                .entry(item.reason.as_str())
                .or_insert_with(|| ReviewCount::new(item.reason.clone(), 0, Duration::ZERO));
            count.count += 1;
            count.oldest = count.oldest.max(age);
        }
        counts.into_values().collect()
    }

    pub(super) fn resume(&mut self, tenant: &TenantId, now: DateTime<Utc>) {
        let Some(row) = self.tenants.remove(tenant) else {
            return;
        };
        let Some(cause) = row.paused_by else {
            return;
        };
        // What the turns in progress found during the pause was not worked on, and comes again if it
        // is still the case.
        let open = self.open_reviews.iter().copied().filter(|id| {
            let item = &self.reviews[id].item;
            let ends = item.cause == cause || item.ends == ReviewEnd::WithCause;
            item.tenant == *tenant && item.link.is_none() && ends
        });
        for id in open.collect::<Vec<_>>() {
            self.close(id, Resolution::Settled, ITSELF, now);
        }
    }
}

fn count(parts: &BTreeSet<LinkId>) -> u32 {
    u32::try_from(parts.len()).unwrap_or(u32::MAX)
}

#[async_trait]
impl Reviews for InMemoryStore {
    async fn open_reviews(
        &self,
        tenant: &TenantId,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let inner = self.lock();
        let open = inner.open_reviews.iter().map(|id| &inner.reviews[id].item);
        let asked = open.filter(|item| {
            item.tenant == *tenant && page.after.is_none_or(|after| item.id > after)
        });
        Ok(asked.take(page.rows()).cloned().collect())
    }

    async fn reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
        page: Page<ReviewId>,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let inner = self.lock();
        let asked = inner.filtered(tenant, filter, self.now());
        let asked = asked.filter(|item| page.after.is_none_or(|after| item.id > after));
        Ok(asked.take(page.rows()).cloned().collect())
    }

    async fn count_reviews(
        &self,
        tenant: &TenantId,
        filter: &ReviewFilter,
    ) -> Result<Vec<ReviewCount>, StoreError> {
        Ok(self.lock().count_reviews(tenant, filter, self.now()))
    }

    async fn review(
        &self,
        tenant: &TenantId,
        id: ReviewId,
    ) -> Result<Option<ReviewItem>, StoreError> {
        let inner = self.lock();
        let item = inner.reviews.get(&id).map(|row| &row.item);
        Ok(item.filter(|item| item.tenant == *tenant).cloned())
    }

    async fn resolve(
        &self,
        tenant: &TenantId,
        id: ReviewId,
        resolution: &Resolution,
        by: &str,
    ) -> Result<ReviewItem, StoreError> {
        self.lock().resolve(tenant, id, resolution, by, self.now())
    }
}
