//! Old rows are removed.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteQueryResult;

use super::error::failed;
use super::rows::micros_before;
use super::{SqliteStore, statements};
use crate::store::{Pruned, StoreError, Upkeep};

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
    LOG = "DELETE FROM calcom_log WHERE id IN (SELECT id FROM calcom_log WHERE at < ?1 ORDER BY at LIMIT ?2)";
}

#[async_trait]
impl Upkeep for SqliteStore {
    async fn prune(&self, older_than: Duration, limit: u32) -> Result<Pruned, StoreError> {
        let before = micros_before(self.now(), older_than);
        let limit = i64::from(limit);
        let gone = |result: SqliteQueryResult| result.rows_affected();
        // A transaction a kind: between two of them, whoever waits gets the lock.
        let notices = async |kind: &str| {
            sqlx::query(NOTICES)
                .bind(before)
                .bind(limit)
                .bind(kind)
                .execute(self.writes())
                .await
                .map_err(failed)
        };
        let mut pruned = Pruned {
            changes: gone(notices("change").await?),
            deliveries: gone(notices("delivery").await?),
            ..Pruned::default()
        };
        let mut transaction = self.write().await?;
        for statement in [PARTS, REVIEWS] {
            let removed = sqlx::query(statement)
                .bind(before)
                .bind(limit)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            pruned.reviews = gone(removed);
        }
        transaction.commit().await.map_err(failed)?;
        let log = sqlx::query(LOG).bind(before).bind(limit);
        pruned.log = gone(log.execute(self.writes()).await.map_err(failed)?);
        Ok(pruned)
    }
}
