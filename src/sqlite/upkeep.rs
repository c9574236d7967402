//! Old rows are removed.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteQueryResult;

use super::error::failed;
use super::rows::{micros, micros_before};
use super::{SqliteStore, statements};
use crate::store::{Pruned, Retention, StoreError, Upkeep};

/// The resolved review items that are over: no mark carries their instruction any more.
macro_rules! old_reviews {
    () => {
        "FROM calcom_reviews r \
         WHERE r.resolved_at < ?1 AND NOT EXISTS (SELECT 1 FROM calcom_notices n \
             WHERE n.tenant = r.tenant AND n.review = r.id) \
         ORDER BY r.resolved_at, r.id LIMIT ?2"
    };
}

statements! {
    NOTICES =
        "DELETE FROM calcom_notices WHERE id IN (SELECT id FROM calcom_notices \
             WHERE kind = ?3 AND settled_at < ?1 ORDER BY settled_at LIMIT ?2)";
    PARTS = concat!(
        "DELETE FROM calcom_review_links WHERE (tenant, review) IN (SELECT r.tenant, r.id ",
        old_reviews!(),
        ")"
    );
    REVIEWS = concat!(
        "DELETE FROM calcom_reviews WHERE id IN (SELECT r.id ",
        old_reviews!(),
        ")"
    );
    BODIES =
        "UPDATE calcom_notices SET body = '' WHERE id IN (SELECT id FROM calcom_notices \
             WHERE kind = 'delivery' AND settled_at IS NOT NULL AND body <> '' AND settled_at < ?1 \
             ORDER BY settled_at, id LIMIT ?2)";
    EVENTS =
        "DELETE FROM calcom_sender_events WHERE id IN (SELECT id FROM calcom_sender_events \
             WHERE ended_at < ?1 ORDER BY ended_at, id LIMIT ?2)";
    EVENT_BODIES =
        "UPDATE calcom_sender_events SET body = '' WHERE id IN (SELECT id FROM calcom_sender_events \
             WHERE ended_at IS NOT NULL AND body <> '' AND ended_at < ?1 ORDER BY ended_at, id LIMIT ?2)";
    /// What a process has dismissed that is of a version without events: it left the event parked.
    DISMISSED_EVENTS =
        "UPDATE calcom_sender_events AS e SET fate = 'dismissed', ended_at = ?1 \
         WHERE e.due_at IS NULL AND e.fate IS NULL AND EXISTS (SELECT 1 FROM calcom_reviews r \
             WHERE r.tenant = e.tenant AND r.id = e.review AND r.resolution = '{\"kind\":\"dismiss\"}')";
    /// What such a process has resolved in another way, or removed since.
    FREED_EVENTS =
        "UPDATE calcom_sender_events AS e SET due_at = ?1, attempts = 0 \
         WHERE e.due_at IS NULL AND e.fate IS NULL AND NOT EXISTS (SELECT 1 FROM calcom_reviews r \
             WHERE r.tenant = e.tenant AND r.id = e.review AND r.resolved_at IS NULL)";
    LOG = "DELETE FROM calcom_log WHERE id IN (SELECT id FROM calcom_log WHERE at < ?1 ORDER BY at LIMIT ?2)";
    IDEMPOTENCY_KEYS =
        "DELETE FROM calcom_idempotency_keys WHERE key IN (SELECT key FROM calcom_idempotency_keys \
             WHERE stored_at < ?1 ORDER BY stored_at LIMIT ?2)";
    RATE_BUDGETS =
        "DELETE FROM calcom_rate_budgets WHERE credential IN (SELECT credential FROM calcom_rate_budgets \
             WHERE stored_at < ?1 ORDER BY stored_at LIMIT ?2)";
}

/// How long the client's rows are of use.
const CLIENT: Duration = Duration::from_secs(24 * 60 * 60);

#[async_trait]
impl Upkeep for SqliteStore {
    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned, StoreError> {
        let now = self.now();
        let ago = |span: Option<Duration>| span.map(|span| micros_before(now, span));
        let limit = i64::from(limit);
        // In this order: what is dismissed is not handled again.
        for statement in [DISMISSED_EVENTS, FREED_EVENTS] {
            let freed = sqlx::query(statement).bind(micros(now));
            freed.execute(self.writes()).await.map_err(failed)?;
        }
        // A transaction a kind: between two of them, whoever waits gets the lock.
        let mut pruned = Pruned::default();
        if let Some(before) = ago(retention.changes) {
            pruned.changes = self.prune_notices("change", before, limit).await?;
        }
        if let Some(before) = ago(retention.deliveries) {
            pruned.deliveries = self.prune_notices("delivery", before, limit).await?;
            let events = sqlx::query(EVENTS).bind(before).bind(limit);
            pruned.events = gone(&events.execute(self.writes()).await.map_err(failed)?);
        }
        if let Some(before) = ago(retention.bodies) {
            let bodies = sqlx::query(BODIES).bind(before).bind(limit);
            pruned.bodies = gone(&bodies.execute(self.writes()).await.map_err(failed)?);
            let bodies = sqlx::query(EVENT_BODIES).bind(before).bind(limit);
            pruned.event_bodies = gone(&bodies.execute(self.writes()).await.map_err(failed)?);
        }
        if let Some(before) = ago(retention.reviews) {
            let mut transaction = self.write().await?;
            for statement in [PARTS, REVIEWS] {
                let removed = sqlx::query(statement)
                    .bind(before)
                    .bind(limit)
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?;
                pruned.reviews = gone(&removed);
            }
            transaction.commit().await.map_err(failed)?;
        }
        if let Some(before) = ago(retention.log) {
            let log = sqlx::query(LOG).bind(before).bind(limit);
            pruned.log = gone(&log.execute(self.writes()).await.map_err(failed)?);
        }
        for statement in [IDEMPOTENCY_KEYS, RATE_BUDGETS] {
            let old = sqlx::query(statement)
                .bind(micros_before(now, CLIENT))
                .bind(limit);
            pruned.client += gone(&old.execute(self.writes()).await.map_err(failed)?);
        }
        Ok(pruned)
    }
}

impl SqliteStore {
    async fn prune_notices(&self, kind: &str, before: i64, limit: i64) -> Result<u64, StoreError> {
        let removed = sqlx::query(NOTICES)
            .bind(before)
            .bind(limit)
            .bind(kind)
            .execute(self.writes())
            .await
            .map_err(failed)?;
        Ok(gone(&removed))
    }
}

fn gone(result: &SqliteQueryResult) -> u64 {
    result.rows_affected()
}
