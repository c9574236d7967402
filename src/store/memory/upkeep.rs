//! Upkeep in memory.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner, before};
use crate::store::error::StoreError;
use crate::store::outbox::ChangeId;
use crate::store::upkeep::{Pruned, Retention, Upkeep};

/// Whether a row was settled before an instant.
fn is_over<T>(fate: Option<&(T, DateTime<Utc>)>, before: Option<DateTime<Utc>>) -> bool {
    fate.zip(before)
        .is_some_and(|((_, at), before)| *at < before)
}

impl Inner {
    fn prune(&mut self, retention: &Retention, limit: usize, now: DateTime<Utc>) -> Pruned {
        let ago = |span: Option<Duration>| span.map(|span| before(now, span));
        let mut pruned = Pruned::default();
        let old = ago(retention.changes);
        let rows = self.changes.iter();
        let over = rows.filter(|(_, row)| is_over(row.fate.as_ref(), old));
        let changes: Vec<ChangeId> = over.map(|(id, _)| *id).take(limit).collect();
        for id in changes {
            self.remove_change(id);
            pruned.changes += 1;
        }
        let old = ago(retention.deliveries);
        let rows = self.deliveries.iter();
        let over = rows.filter(|(_, row)| is_over(row.fate.as_ref(), old));
        let deliveries: Vec<_> = over.map(|(id, _)| *id).take(limit).collect();
        for id in deliveries {
            if let Some(row) = self.deliveries.remove(&id) {
                if row.came_ignored {
                    self.fingerprints.remove(&(row.tenant, row.fingerprint));
                }
                pruned.deliveries += 1;
            }
        }
        let old = ago(retention.bodies);
        let rows = self.deliveries.values_mut();
        let over = rows.filter(|row| is_over(row.fate.as_ref(), old) && !row.body.is_empty());
        for row in over.take(limit) {
            row.body.clear();
            pruned.bodies += 1;
        }
        pruned.events = self.events.prune(ago(retention.deliveries), limit);
        pruned.event_bodies = self.events.prune_bodies(old, limit);
        pruned.reviews = self.prune_reviews(ago(retention.reviews), limit);
        let old = ago(retention.log);
        let mut left = limit;
        self.log.retain(|entry| {
            let goes = old.is_some_and(|old| entry.at < old) && left > 0;
            if goes {
                left -= 1;
                pruned.log += 1;
            }
            !goes
        });
        pruned
    }

    fn prune_reviews(&mut self, old: Option<DateTime<Utc>>, limit: usize) -> u64 {
        let waiting: Vec<_> = self
            .marks
            .values()
            .filter_map(|row| Some(row.mark.instruction.as_ref()?.review))
            .collect();
        let rows = self.reviews.iter();
        let over = rows.filter(|(id, row)| {
            let resolved = row.item.resolved.as_ref();
            !waiting.contains(id)
                && resolved
                    .zip(old)
                    .is_some_and(|(resolved, old)| resolved.at < old)
        });
        let reviews: Vec<_> = over.map(|(id, _)| *id).take(limit).collect();
        let mut pruned = 0;
        for id in reviews {
            self.reviews.remove(&id);
            pruned += 1;
        }
        pruned
    }

    pub(super) fn remove_change(&mut self, id: ChangeId) {
        let Some(row) = self.changes.remove(&id) else {
            return;
        };
        let change = row.recorded.change;
        let key = (change.tenant.clone(), change.appointment.clone());
        if let Some(ids) = self.changes_of.get_mut(&key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.changes_of.remove(&key);
            }
        }
        self.recorded
            .remove(&(change.tenant, change.appointment, change.revision));
    }
}

#[async_trait]
impl Upkeep for InMemoryStore {
    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.lock().prune(retention, limit, self.now()))
    }
}
