//! Which tenants are paused or held back.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::error::failed;
use super::log::{self, Subject};
use super::rows::ahead;
use super::{PostgresStore, reviews, statements};
use crate::store::{Hold, LogEvent, NewReview, ReviewId, StoreError, TenantId, Tenants};

statements! {
    IS_PAUSED = "SELECT EXISTS (SELECT FROM tenants WHERE tenant = $1 AND paused_by IS NOT NULL)";
    PAUSED_BY = "SELECT paused_by FROM tenants WHERE tenant = $1";
    /// A pause is not taken over by another one.
    PAUSE =
        "INSERT INTO tenants (tenant, paused_by) VALUES ($1, $2) \
         ON CONFLICT (tenant) DO UPDATE SET paused_by = COALESCE(tenants.paused_by, excluded.paused_by)";
    HOLD =
        "INSERT INTO tenants (tenant, not_before) VALUES ($1, now_of_books() + $2 * interval '1 us') \
         ON CONFLICT (tenant) DO UPDATE SET not_before = GREATEST(tenants.not_before, excluded.not_before)";
    RELEASE = "DELETE FROM tenants WHERE tenant = $1";
}

#[async_trait]
impl Tenants for PostgresStore {
    async fn is_paused(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        sqlx::query_scalar(IS_PAUSED)
            .bind(tenant.as_str())
            .fetch_one(self.pool())
            .await
            .map_err(failed)
    }

    async fn resume(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.retried(|| async {
            let mut transaction = self.begin_for("resume", tenant).await?;
            let resumed = resume(&mut transaction, tenant).await;
            transaction.end(resumed).await
        })
        .await
    }

    async fn pause(
        &self,
        tenant: &TenantId,
        review: &NewReview,
    ) -> Result<Option<ReviewId>, StoreError> {
        self.retried(|| async {
            let mut transaction = self.begin_for("pause", tenant).await?;
            let paused = pause(&mut transaction, tenant, review).await;
            transaction.end(paused).await
        })
        .await
    }
}

/// Pauses a tenant that is not paused yet, and opens the item that goes with it.
async fn pause(
    connection: &mut PgConnection,
    tenant: &TenantId,
    review: &NewReview,
) -> Result<Option<ReviewId>, StoreError> {
    if paused_by(connection, tenant).await?.is_some() {
        return Ok(None);
    }
    let cause = Hold::Pause(review.cause.clone());
    hold(connection, tenant, &cause).await?;
    let id = reviews::open_of_tenant(connection, tenant, review).await?;
    let subject = Subject {
        tenant,
        link: None,
        appointment: None,
    };
    log::write(connection, subject, &LogEvent::TenantPaused).await?;
    Ok(Some(id))
}

/// Ends a pause, and closes the review item that came with it.
async fn resume(connection: &mut PgConnection, tenant: &TenantId) -> Result<(), StoreError> {
    let cause = paused_by(connection, tenant).await?;
    release(connection, tenant).await?;
    if let Some(cause) = cause {
        reviews::end_pause(connection, tenant, &cause).await?;
    }
    Ok(())
}

/// The cause of the review item that came with the tenant's pause.
pub(super) async fn paused_by(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    tenant: &TenantId,
    hold: &Hold,
) -> Result<(), StoreError> {
    let query = match hold {
        Hold::For(time) => sqlx::query(HOLD).bind(tenant.as_str()).bind(ahead(*time)),
        Hold::Pause(cause) => sqlx::query(PAUSE)
            .bind(tenant.as_str())
            .bind(cause.as_str()),
    };
    query.execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Neither pauses nor holds the tenant any longer.
pub(super) async fn release(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    sqlx::query(RELEASE)
        .bind(tenant.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
