//! Sweeps in memory.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner, after};
use crate::store::error::StoreError;
use crate::store::link::Opaque;
use crate::store::sweep::{SweepLease, Sweeps};
use crate::store::tenant::TenantId;

#[derive(Default)]
pub(super) struct SweepRow {
    fence: i64,
    /// When the lease runs out; `None` if nobody is at it.
    leased_until: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    rest_until: Option<DateTime<Utc>>,
    cursor: Option<Opaque>,
}

impl SweepRow {
    fn is_due(&self, every: Duration, now: DateTime<Utc>) -> bool {
        match self.leased_until {
            // One that was not ended goes on as soon as it may.
            Some(until) => until <= now,
            None => {
                self.rest_until.is_none_or(|until| until <= now)
                    && self.ended_at.is_none_or(|ended| after(ended, every) <= now)
            }
        }
    }
}

impl Inner {
    /// The row of a sweep under way.
    fn swept(&mut self, lease: &SweepLease) -> Result<&mut SweepRow, StoreError> {
        let row = self.sweeps.get_mut(&lease.tenant);
        row.filter(|row| row.fence == lease.fence && row.leased_until.is_some())
            .ok_or_else(StoreError::sweep_lost)
    }
}

#[async_trait]
impl Sweeps for InMemoryStore {
    async fn begin_sweep(
        &self,
        tenant: &TenantId,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<SweepLease>, StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let row = inner.sweeps.entry(tenant.clone()).or_default();
        if !row.is_due(every, now) {
            return Ok(None);
        }
        row.fence += 1;
        row.leased_until = Some(after(now, lease));
        let cursor = row.cursor.clone();
        Ok(Some(SweepLease::new(
            tenant.clone(),
            row.fence,
            cursor,
            now,
        )))
    }

    async fn advance_sweep(
        &self,
        lease: &SweepLease,
        cursor: &Opaque,
        prolong: Duration,
    ) -> Result<(), StoreError> {
        let until = after(self.now(), prolong);
        let mut inner = self.lock();
        let row = inner.swept(lease)?;
        row.cursor = Some(cursor.clone());
        row.leased_until = row.leased_until.max(Some(until));
        Ok(())
    }

    async fn end_sweep(
        &self,
        lease: &SweepLease,
        cursor: &Opaque,
        rest: Duration,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        let row = inner.swept(lease)?;
        row.cursor = Some(cursor.clone());
        row.leased_until = None;
        row.ended_at = Some(now);
        row.rest_until = Some(after(now, rest));
        Ok(())
    }
}
