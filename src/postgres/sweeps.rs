//! The sweeps of tenants.

use std::time::Duration;

use async_trait::async_trait;

use super::error::failed;
use super::rows::{Row, ahead, back};
use super::{PostgresStore, statements};
use crate::store::{Opaque, StoreError, SweepLease, Sweeps, TenantId};

/// Whether a sweep may begin, if $2 has passed since the last one ended. One that was not ended is
/// due as soon as its lease has run out.
macro_rules! is_due {
    () => {
        concat!(
            "CASE WHEN known.leased_until IS NOT NULL THEN known.leased_until <= now_of_books() \
               ELSE COALESCE(known.rest_until <= now_of_books(), true) \
                   AND COALESCE(known.ended_at <= now_of_books() - $2 * interval '1 us', true) END"
        )
    };
}

statements! {
    /// Reads first: nearly always it is too early, and then nothing is locked.
    TOO_EARLY = concat!(
        "SELECT EXISTS (SELECT FROM sweeps AS known WHERE known.tenant = $1 AND NOT ", is_due!(), ")"
    );
    BEGIN = concat!(
        "INSERT INTO sweeps AS known (tenant, fence, leased_until) VALUES ($1, 1, now_of_books() + $3 * interval '1 us') \
         ON CONFLICT (tenant) DO UPDATE SET fence = known.fence + 1, leased_until = excluded.leased_until WHERE ", is_due!(),
        " RETURNING fence, cursor, format, now_of_books() AS now"
    );
    ADVANCE =
        "UPDATE sweeps SET cursor = $3, format = $4, leased_until = GREATEST(leased_until, now_of_books() + $5 * interval '1 us') \
         WHERE tenant = $1 AND fence = $2 AND leased_until IS NOT NULL";
    FINISH =
        "UPDATE sweeps SET cursor = $3, format = $4, leased_until = NULL, ended_at = now_of_books(), \
             rest_until = now_of_books() + $5 * interval '1 us' \
         WHERE tenant = $1 AND fence = $2 AND leased_until IS NOT NULL";
}

#[async_trait]
impl Sweeps for PostgresStore {
    async fn begin_sweep(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<SweepLease>, StoreError> {
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
        let row = Row::of("sweeps", &row);
        let cursor = match row.get::<Option<Vec<u8>>>("cursor")? {
            Some(bytes) => {
                let format = u16::try_from(row.get::<i32>("format")?);
                let format = format.map_err(|_| row.corrupt("format"))?;
                Some(Opaque::new(format, bytes))
            }
            None => None,
        };
        let fence = row.get("fence")?;
        let now = row.instant("now")?;
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
            .bind(i32::from(cursor.format()))
            .bind(ahead(prolong))
            .execute(self.pool())
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
        let ended = sqlx::query(FINISH)
            .bind(lease.tenant.as_str())
            .bind(lease.fence)
            .bind(cursor.bytes())
            .bind(i32::from(cursor.format()))
            .bind(ahead(rest))
            .execute(self.pool())
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
