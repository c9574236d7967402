//! Old rows are removed.

use std::time::Duration;

use async_trait::async_trait;

use super::error::failed;
use super::rows::back;
use super::{PostgresStore, statements};
use crate::store::{Pruned, Retention, StoreError, Upkeep};

/// The settled notices of one kind, as far as they are free.
macro_rules! old_notices {
    ($kind:literal) => {
        concat!(
            "SELECT id FROM notices \
             WHERE kind = '",
            $kind,
            "' AND fate IS NOT NULL AND settled_at < now_of_books() - $1 * interval '1 us' \
             ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED"
        )
    };
}

/// The parked events whose item satisfies a condition, as far as they are free. OFFSET 0 has the planner
/// look up each one's item.
macro_rules! parked {
    ($items:literal) => {
        concat!(
            "SELECT o.ctid FROM sender_events o \
             WHERE o.due_at IS NULL AND o.fate IS NULL AND ",
            $items,
            " ORDER BY o.tenant, o.review LIMIT $1 FOR UPDATE OF o SKIP LOCKED"
        )
    };
}

// Each takes only rows that nobody has locked, and so waits for nobody.
statements! {
    CHANGES = concat!("DELETE FROM notices WHERE id = ANY (ARRAY(", old_notices!("change"), "))");
    DELIVERIES = concat!("DELETE FROM notices WHERE id = ANY (ARRAY(", old_notices!("delivery"), "))");
    /// The row of a body stays.
    BODIES =
        "UPDATE notices SET body = '' WHERE id = ANY (ARRAY( \
             SELECT id FROM notices \
             WHERE kind = 'delivery' AND fate IS NOT NULL AND body <> '' AND settled_at < now_of_books() - $1 * interval '1 us' \
             ORDER BY settled_at, id LIMIT $2 FOR UPDATE SKIP LOCKED))";
    /// The resolved review items that are over: no mark carries their instruction any more. The marks
    /// are stored with the resolution, so that an old item gets no new ones. Its parts go with it.
    REVIEWS =
        "DELETE FROM reviews WHERE ctid = ANY (ARRAY( \
             SELECT r.ctid FROM reviews r \
             WHERE r.resolved_at < now_of_books() - $1 * interval '1 us' AND NOT EXISTS (SELECT FROM notices n \
                 WHERE n.kind = 'mark' AND n.tenant = r.tenant AND n.review = r.id) \
             ORDER BY r.resolved_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED))";
    EVENTS =
        "DELETE FROM sender_events WHERE ctid = ANY (ARRAY( \
             SELECT ctid FROM sender_events WHERE ended_at < now_of_books() - $1 * interval '1 us' \
             ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    EVENT_BODIES =
        "UPDATE sender_events SET body = '' WHERE ctid = ANY (ARRAY( \
             SELECT ctid FROM sender_events \
             WHERE ended_at IS NOT NULL AND body <> '' AND ended_at < now_of_books() - $1 * interval '1 us' \
             ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    /// What a process has dismissed that is of a version without events: it left the event parked.
    DISMISSED_EVENTS = concat!(
        "UPDATE sender_events SET fate = 'dismissed', ended_at = now_of_books() WHERE ctid = ANY (ARRAY(",
        parked!("EXISTS (SELECT FROM reviews r WHERE r.tenant = o.tenant AND r.id = o.review \
            AND r.resolution = '{\"kind\":\"dismiss\"}' OFFSET 0)"),
        "))"
    );
    /// What such a process has resolved in another way, or removed since.
    FREED_EVENTS = concat!(
        "UPDATE sender_events SET due_at = now_of_books(), attempts = 0 WHERE ctid = ANY (ARRAY(",
        parked!("NOT EXISTS (SELECT FROM reviews r WHERE r.tenant = o.tenant AND r.id = o.review \
            AND r.resolved_at IS NULL OFFSET 0)"),
        "))"
    );
    LOG =
        "DELETE FROM log WHERE ctid = ANY (ARRAY( \
             SELECT ctid FROM log WHERE at < now_of_books() - $1 * interval '1 us' \
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    IDEMPOTENCY_KEYS =
        "DELETE FROM idempotency_keys WHERE key = ANY (ARRAY( \
             SELECT key FROM idempotency_keys WHERE stored_at < now_of_books() - $1 * interval '1 us' \
             ORDER BY stored_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    RATE_BUDGETS =
        "DELETE FROM rate_budgets WHERE credential = ANY (ARRAY( \
             SELECT credential FROM rate_budgets WHERE stored_at < now_of_books() - $1 * interval '1 us' \
             ORDER BY stored_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
}

/// How long the client's rows are of use.
const CLIENT: Duration = Duration::from_secs(24 * 60 * 60);

#[async_trait]
impl Upkeep for PostgresStore {
    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned, StoreError> {
        // In this order: what is dismissed is not handled again.
        for statement in [DISMISSED_EVENTS, FREED_EVENTS] {
            let freed = sqlx::query(statement).bind(i64::from(limit));
            freed.execute(self.pool()).await.map_err(failed)?;
        }
        // A transaction a kind: nobody waits for all of them.
        Ok(Pruned {
            changes: self.remove(CHANGES, retention.changes, limit).await?,
            deliveries: self.remove(DELIVERIES, retention.deliveries, limit).await?,
            bodies: self.remove(BODIES, retention.bodies, limit).await?,
            events: self.remove(EVENTS, retention.deliveries, limit).await?,
            event_bodies: self.remove(EVENT_BODIES, retention.bodies, limit).await?,
            reviews: self.remove(REVIEWS, retention.reviews, limit).await?,
            log: self.remove(LOG, retention.log, limit).await?,
            client: self.remove(IDEMPOTENCY_KEYS, Some(CLIENT), limit).await?
                + self.remove(RATE_BUDGETS, Some(CLIENT), limit).await?,
        })
    }
}

impl PostgresStore {
    /// Removes some of what is older than it is to be kept for; nothing, if it is kept for ever.
    async fn remove(
        &self,
        statement: &'static str,
        older_than: Option<Duration>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let Some(age) = older_than else {
            return Ok(0);
        };
        let removed = sqlx::query(statement)
            .bind(back(age))
            .bind(i64::from(limit))
            .execute(self.pool())
            .await
            .map_err(failed)?;
        Ok(removed.rows_affected())
    }
}
