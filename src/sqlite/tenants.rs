//! Which tenants are paused.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::rows::micros;
use super::{SqliteStore, statements};
use crate::store::{StoreError, TenantId, Tenants};

statements! {
    IS_PAUSED = "SELECT EXISTS (SELECT 1 FROM calcom_paused_tenants WHERE tenant = ?1)";
    PAUSE =
        "INSERT INTO calcom_paused_tenants (tenant, paused_at) VALUES (?1, ?2) ON CONFLICT (tenant) DO NOTHING";
    RESUME = "DELETE FROM calcom_paused_tenants WHERE tenant = ?1";
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
        resume(&mut transaction, tenant).await?;
        transaction.commit().await.map_err(failed)
    }
}

pub(super) async fn pause(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(PAUSE)
        .bind(tenant.as_str())
        .bind(micros(at))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn resume(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    sqlx::query(RESUME)
        .bind(tenant.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
