//! The sweeps of tenants.

use std::time::Duration;

use async_trait::async_trait;

use super::error::failed;
use super::rows::{Row, micros, micros_after, micros_before};
use super::{SqliteStore, statements};
use crate::store::{Opaque, StoreError, SweepLease, Sweeps, TenantId};

/// Whether a sweep may begin at ?2, where ?3 is when the last one has to have ended. One that was
/// not ended is due as soon as its lease has run out.
macro_rules! is_due {
    () => {
        "CASE WHEN leased_until IS NOT NULL THEN leased_until <= ?2 \
           ELSE COALESCE(rest_until <= ?2, TRUE) AND COALESCE(ended_at <= ?3, TRUE) END"
    };
}

statements! {
    /// Reads first: nearly always it is too early, and then nobody has to wait for a writer.
    TOO_EARLY = concat!(
        "SELECT EXISTS (SELECT 1 FROM calcom_sweeps WHERE tenant = ?1 AND NOT ", is_due!(), ")"
    );
    BEGIN = concat!(
        "INSERT INTO calcom_sweeps (tenant, fence, leased_until) VALUES (?1, 1, ?4) \
         ON CONFLICT (tenant) DO UPDATE SET fence = fence + 1, leased_until = ?4 WHERE ", is_due!(),
        " RETURNING fence, cursor, format"
    );
    ADVANCE =
        "UPDATE calcom_sweeps SET cursor = ?3, format = ?4, leased_until = MAX(leased_until, ?5) \
         WHERE tenant = ?1 AND fence = ?2 AND leased_until IS NOT NULL";
    FINISH =
        "UPDATE calcom_sweeps SET cursor = ?3, format = ?4, leased_until = NULL, ended_at = ?5, rest_until = ?6 \
         WHERE tenant = ?1 AND fence = ?2 AND leased_until IS NOT NULL";
}

#[async_trait]
impl Sweeps for SqliteStore {
    async fn begin_sweep(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<SweepLease>, StoreError> {
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
        let begun = sqlx::query(BEGIN)
            .bind(tenant.as_str())
            .bind(micros(now))
            .bind(micros_before(now, every))
            .bind(micros_after(now, lease))
            .fetch_optional(self.writes())
            .await
            .map_err(failed)?;
        let Some(row) = begun else {
            return Ok(None);
        };
        let row = Row::of("calcom_sweeps", &row);
        let cursor = match row.get::<Option<Vec<u8>>>("cursor")? {
            Some(bytes) => Some(Opaque::new(row.count("format")?, bytes)),
            None => None,
        };
        let fence = row.get("fence")?;
        Ok(Some(SweepLease::new(tenant.clone(), fence, cursor, now)))
    }

    async fn advance_sweep(
        &self,
        lease: &SweepLease,
        cursor: &Opaque,
        prolong: Duration,
    ) -> Result<(), StoreError> {
        let advanced = sqlx::query(ADVANCE)
            .bind(lease.tenant.as_str())
            .bind(lease.fence)
            .bind(cursor.bytes())
            .bind(i64::from(cursor.format()))
            .bind(micros_after(self.now(), prolong))
            .execute(self.writes())
            .await
            .map_err(failed)?;
        held(advanced.rows_affected())
    }

    async fn end_sweep(
        &self,
        lease: &SweepLease,
        cursor: &Opaque,
        rest: Duration,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let ended = sqlx::query(FINISH)
            .bind(lease.tenant.as_str())
            .bind(lease.fence)
            .bind(cursor.bytes())
            .bind(i64::from(cursor.format()))
            .bind(micros(now))
            .bind(micros_after(now, rest))
            .execute(self.writes())
            .await
            .map_err(failed)?;
        held(ended.rows_affected())
    }
}

/// Whether the one row of the sweep was still under its lease.
fn held(rows: u64) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::sweep_lost()),
        _ => Ok(()),
    }
}
