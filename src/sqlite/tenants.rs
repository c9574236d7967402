//! Which tenants are paused or held back.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::log::{self, Subject};
use super::rows::micros_after;
use super::{SqliteStore, reviews, statements};
use crate::store::{Hold, LogEvent, NewReview, ReviewId, StoreError, TenantId, Tenants};

statements! {
    IS_PAUSED = "SELECT EXISTS (SELECT 1 FROM calcom_tenants WHERE tenant = ?1 AND paused_by IS NOT NULL)";
    PAUSED_BY = "SELECT paused_by FROM calcom_tenants WHERE tenant = ?1";
    /// A pause is not taken over by another one.
    PAUSE =
        "INSERT INTO calcom_tenants (tenant, paused_by) VALUES (?1, ?2) \
         ON CONFLICT (tenant) DO UPDATE SET paused_by = COALESCE(calcom_tenants.paused_by, excluded.paused_by)";
    /// MAX of a NULL is NULL, and so one that was not held takes the new instant.
    HOLD =
        "INSERT INTO calcom_tenants (tenant, not_before) VALUES (?1, ?2) \
         ON CONFLICT (tenant) DO UPDATE \
         SET not_before = COALESCE(MAX(calcom_tenants.not_before, excluded.not_before), excluded.not_before)";
    RELEASE = "DELETE FROM calcom_tenants WHERE tenant = ?1";
}

#[async_trait]
impl Tenants for SqliteStore {
    async fn is_paused(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        sqlx::query_scalar(IS_PAUSED)
            .bind(tenant.as_str())
            .fetch_one(self.reads())
            .await
            .map_err(failed)
    }

    async fn resume(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let cause = paused_by(&mut transaction, tenant).await?;
        release(&mut transaction, tenant).await?;
        if let Some(cause) = cause {
            reviews::end_pause(&mut transaction, tenant, &cause, self.now()).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn pause(
        &self,
        tenant: &TenantId,
        review: &NewReview,
    ) -> Result<Option<ReviewId>, StoreError> {
        let now = self.now();
        let mut transaction = self.write().await?;
        if paused_by(&mut transaction, tenant).await?.is_some() {
            return Ok(None);
        }
        let cause = Hold::Pause(review.cause.clone());
        hold(&mut transaction, tenant, &cause, now).await?;
        let id = reviews::open_of_tenant(&mut transaction, tenant, review, now).await?;
        let subject = Subject::of_tenant(tenant);
        log::write(&mut transaction, subject, &LogEvent::TenantPaused, now).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Some(id))
    }
}

/// The cause of the review item that came with the tenant's pause.
pub(super) async fn paused_by(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<Option<String>, StoreError> {
    let row: Option<Option<String>> = sqlx::query_scalar(PAUSED_BY)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(row.flatten())
}

pub(super) async fn hold(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    hold: &Hold,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let query = match hold {
        Hold::For(time) => sqlx::query(HOLD)
            .bind(tenant.as_str())
            .bind(micros_after(now, *time)),
        Hold::Pause(cause) => sqlx::query(PAUSE)
            .bind(tenant.as_str())
            .bind(cause.as_str()),
    };
    query.execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Neither pauses nor holds the tenant any longer.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    sqlx::query(RELEASE)
        .bind(tenant.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
