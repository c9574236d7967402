//! The books of the services.

use std::time::Duration;

use async_trait::async_trait;

use super::error::failed;
use super::rows::{Row, ahead, back};
use super::{PostgresStore, statements};
use crate::model::EventTypeId;
use crate::sql::decode;
use crate::store::{
    Opaque, ServiceId, ServiceLink, ServiceLinkId, ServiceLinks, ServiceSyncLease, StoreError,
    TenantId,
};

/// Whether a sync may begin, if $2 has passed since the last one ended. One that was not ended is due
/// as soon as its lease has run out.
macro_rules! is_due {
    () => {
        concat!(
            "CASE WHEN known.leased_until IS NOT NULL THEN known.leased_until <= now_of_books() \
               ELSE COALESCE(known.rest_until <= now_of_books(), true) \
                   AND (COALESCE(known.ended_at <= now_of_books() - $2 * interval '1 us', true) \
                       OR COALESCE(known.retry_at <= now_of_books(), false)) END"
        )
    };
}

/// Whether the lease $1, $2 is valid.
macro_rules! is_held {
    () => {
        "tenant = $1 AND fence = $2 AND leased_until IS NOT NULL"
    };
}

statements! {
    /// Reads first: nearly always it is too early, and then nothing is locked.
    TOO_EARLY = concat!(
        "SELECT EXISTS (SELECT FROM service_syncs AS known WHERE known.tenant = $1 AND NOT ", is_due!(), ")"
    );
    BEGIN = concat!(
        "INSERT INTO service_syncs AS known (tenant, fence, leased_until) \
         VALUES ($1, 1, now_of_books() + $3 * interval '1 us') \
         ON CONFLICT (tenant) DO UPDATE SET fence = known.fence + 1, leased_until = excluded.leased_until WHERE ", is_due!(),
        " RETURNING fence, now_of_books() AS now"
    );
    PROLONG = concat!(
        "UPDATE service_syncs SET leased_until = GREATEST(leased_until, now_of_books() + $3 * interval '1 us') WHERE ", is_held!()
    );
    FINISH = concat!(
        "UPDATE service_syncs SET leased_until = NULL, ended_at = now_of_books(), retry_at = now_of_books() + $3 * interval '1 us', \
             rest_until = now_of_books() + $4 * interval '1 us' WHERE ",
        is_held!()
    );
    PAGE =
        "SELECT id, service, event_type, status, attempts, last_error, next_attempt, updated_at, state, format \
         FROM service_links WHERE tenant = $1 AND id > $2 ORDER BY tenant, id LIMIT $3";
    INSERT =
        "INSERT INTO service_links \
             (tenant, service, event_type, status, attempts, last_error, next_attempt, updated_at, state, format) \
         VALUES ($1, $2, $3, $4, $5, $6, now_of_books() + $7 * interval '1 us', now_of_books(), $8, $9) RETURNING id";
    REPLACE =
        "UPDATE service_links SET service = $2, event_type = $3, status = $4, attempts = $5, last_error = $6, \
             next_attempt = now_of_books() + $7 * interval '1 us', updated_at = now_of_books(), state = $8, format = $9 \
         WHERE tenant = $1 AND id = $10 RETURNING id";
}

#[async_trait]
impl ServiceLinks for PostgresStore {
    async fn begin_service_sync(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<ServiceSyncLease>, StoreError> {
        let too_early: bool = sqlx::query_scalar(TOO_EARLY)
            .bind(tenant.as_str())
            .bind(back(every))
            .fetch_one(self.pool())
            .await
            .map_err(failed)?;
        if too_early {
            return Ok(None);
        }
        let begun = sqlx::query(BEGIN)
            .bind(tenant.as_str())
            .bind(back(every))
            .bind(ahead(lease))
            .fetch_optional(self.pool())
            .await
            .map_err(failed)?;
        let Some(row) = begun else {
            return Ok(None);
        };
        let row = Row::of("service_syncs", &row);
        let (fence, now) = (row.get("fence")?, row.instant("now")?);
        Ok(Some(ServiceSyncLease::new(tenant.clone(), fence, now)))
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
            .fetch_all(self.pool())
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
        let mut transaction = self.begin("store service link").await?;
        let prolonged = sqlx::query(PROLONG)
            .bind(lease.tenant.as_str())
            .bind(lease.fence)
            .bind(ahead(prolong))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        held(prolonged.rows_affected())?;
        let statement = if link.id.is_some() { REPLACE } else { INSERT };
        let mut store = sqlx::query_scalar(statement)
            .bind(lease.tenant.as_str())
            .bind(link.service.as_ref().map(ServiceId::as_str))
            .bind(link.event_type.map(EventTypeId::get))
            .bind(link.status.as_str())
            .bind(i64::from(link.attempts))
            .bind(&link.last_error)
            .bind(retry_in.map(ahead))
            .bind(link.state.as_ref().map(Opaque::bytes))
            .bind(link.state.as_ref().map(|state| i32::from(state.format())));
        if let Some(id) = link.id {
            store = store.bind(id.get());
        }
        let stored: Option<i64> = store
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let id = stored.ok_or_else(|| StoreError::not_found("row about a service"))?;
        transaction.commit().await?;
        Ok(ServiceLinkId::new(id))
    }

    async fn end_service_sync(
        &self,
        lease: &ServiceSyncLease,
        retry_in: Option<Duration>,
        rest: Duration,
    ) -> Result<(), StoreError> {
        let ended = sqlx::query(FINISH)
            .bind(lease.tenant.as_str())
            .bind(lease.fence)
            .bind(retry_in.map(ahead))
            .bind(ahead(rest))
            .execute(self.pool())
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
