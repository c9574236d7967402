//! The books of the services.

use std::time::Duration;

use async_trait::async_trait;

use super::error::failed;
use super::rows::{micros, micros_after, micros_before};
use super::{SqliteStore, statements};
use crate::model::EventTypeId;
use crate::sql::decode;
use crate::store::{
    Opaque, ServiceId, ServiceLink, ServiceLinkId, ServiceLinks, ServiceSyncLease, StoreError,
    TenantId,
};

/// Whether a sync may begin at ?2, where ?3 is when the last one has to have ended. One that was
/// not ended is due as soon as its lease has run out.
macro_rules! is_due {
    () => {
        "CASE WHEN leased_until IS NOT NULL THEN leased_until <= ?2 \
           ELSE COALESCE(rest_until <= ?2, TRUE) \
               AND (COALESCE(ended_at <= ?3, TRUE) OR COALESCE(retry_at <= ?2, FALSE)) END"
    };
}

/// Whether the lease ?1, ?2 is valid.
macro_rules! is_held {
    () => {
        "tenant = ?1 AND fence = ?2 AND leased_until IS NOT NULL"
    };
}

statements! {
    /// Reads first: nearly always it is too early, and then nobody has to wait for a writer.
    TOO_EARLY = concat!(
        "SELECT EXISTS (SELECT 1 FROM calcom_service_syncs WHERE tenant = ?1 AND NOT ", is_due!(), ")"
    );
    BEGIN = concat!(
        "INSERT INTO calcom_service_syncs (tenant, fence, leased_until) VALUES (?1, 1, ?4) \
         ON CONFLICT (tenant) DO UPDATE SET fence = fence + 1, leased_until = ?4 WHERE ", is_due!(),
        " RETURNING fence"
    );
    PROLONG = concat!(
        "UPDATE calcom_service_syncs SET leased_until = MAX(leased_until, ?3) WHERE ", is_held!()
    );
    FINISH = concat!(
        "UPDATE calcom_service_syncs SET leased_until = NULL, ended_at = ?3, retry_at = ?4, rest_until = ?5 WHERE ",
        is_held!()
    );
    PAGE =
        "SELECT id, service, event_type, status, attempts, last_error, next_attempt, updated_at, state, format \
         FROM calcom_service_links WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    INSERT =
        "INSERT INTO calcom_service_links \
             (tenant, service, event_type, status, attempts, last_error, next_attempt, updated_at, state, format) \
         VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id";
    REPLACE =
        "UPDATE calcom_service_links SET service = ?3, event_type = ?4, status = ?5, attempts = ?6, last_error = ?7, \
             next_attempt = ?8, updated_at = ?9, state = ?10, format = ?11 \
         WHERE tenant = ?1 AND id = ?2 RETURNING id";
}

#[async_trait]
impl ServiceLinks for SqliteStore {
    async fn begin_service_sync(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<ServiceSyncLease>, StoreError> {
        let now = self.now();
        let too_early: bool = sqlx::query_scalar(TOO_EARLY)
            .bind(tenant.as_str())
            .bind(micros(now))
            .bind(micros_before(now, every))
            .fetch_one(self.reads())
            .await
            .map_err(failed)?;
        if too_early {
            return Ok(None);
        }
        let fence: Option<i64> = sqlx::query_scalar(BEGIN)
            .bind(tenant.as_str())
            .bind(micros(now))
            .bind(micros_before(now, every))
            .bind(micros_after(now, lease))
            .fetch_optional(self.writes())
            .await
            .map_err(failed)?;
        Ok(fence.map(|fence| ServiceSyncLease::new(tenant.clone(), fence, now)))
    }

    async fn service_links(
        &self,
        tenant: &TenantId,
        after: Option<ServiceLinkId>,
        limit: u32,
    ) -> Result<Vec<ServiceLink>, StoreError> {
        let rows = sqlx::query(PAGE)
            .bind(tenant.as_str())
            .bind(after.map_or(i64::MIN, ServiceLinkId::get))
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await
            .map_err(failed)?;
        rows.iter().map(decode::service_link).collect()
    }

    async fn store_service_link(
        &self,
        lease: &ServiceSyncLease,
        link: &ServiceLink,
        retry_in: Option<Duration>,
        prolong: Duration,
    ) -> Result<ServiceLinkId, StoreError> {
        let now = self.now();
        let mut transaction = self.write().await?;
        let prolonged = sqlx::query(PROLONG)
            .bind(lease.tenant.as_str())
            .bind(lease.fence)
            .bind(micros_after(now, prolong))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        held(prolonged.rows_affected())?;
        let statement = if link.id.is_some() { REPLACE } else { INSERT };
        let stored: Option<i64> = sqlx::query_scalar(statement)
            .bind(lease.tenant.as_str())
            .bind(link.id.map(ServiceLinkId::get))
            .bind(link.service.as_ref().map(ServiceId::as_str))
            .bind(link.event_type.map(EventTypeId::get))
            .bind(link.status.as_str())
            .bind(i64::from(link.attempts))
            .bind(&link.last_error)
            .bind(retry_in.map(|wait| micros_after(now, wait)))
            .bind(micros(now))
            .bind(link.state.as_ref().map(Opaque::bytes))
            .bind(link.state.as_ref().map(|state| i64::from(state.format())))
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let id = stored.ok_or_else(|| StoreError::not_found("row about a service"))?;
        transaction.commit().await.map_err(failed)?;
        Ok(ServiceLinkId::new(id))
    }

    async fn end_service_sync(
        &self,
        lease: &ServiceSyncLease,
        retry_in: Option<Duration>,
        rest: Duration,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let ended = sqlx::query(FINISH)
            .bind(lease.tenant.as_str())
            .bind(lease.fence)
            .bind(micros(now))
            .bind(retry_in.map(|wait| micros_after(now, wait)))
            .bind(micros_after(now, rest))
            .execute(self.writes())
            .await
            .map_err(failed)?;
        held(ended.rows_affected())
    }
}

/// Whether the one row of the sync was still under its lease.
fn held(rows: u64) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::service_sync_lost()),
        _ => Ok(()),
    }
}
