//! The host's own table: slow now and then, and now and then not there.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, ChainKey, Revision,
    StoreError, StoreErrorKind, TenantId, Window,
};
use chrono::{DateTime, Utc};

use crate::chance::Chance;

/// Fails so many times in a hundred: before the call is carried out, or after.
pub(crate) struct UnsteadyHost {
    pub(crate) inner: Arc<dyn AppointmentRepository>,
    pub(crate) chance: Chance,
    pub(crate) failing: Arc<AtomicU32>,
}

impl fmt::Debug for UnsteadyHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsteadyHost")
    }
}

impl UnsteadyHost {
    async fn stumble(&self) -> Result<(), StoreError> {
        self.chance.dawdle().await;
        if self.chance.percent(self.failing.load(Ordering::SeqCst)) {
            let kind = StoreErrorKind::Unavailable;
            return Err(StoreError::new(kind, "the host's database is away"));
        }
        Ok(())
    }
}

#[async_trait]
impl AppointmentRepository for UnsteadyHost {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        self.stumble().await?;
        self.inner.get(tenant, id).await
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.stumble().await?;
        let created = self.inner.create_for_booking(tenant, chain, write).await?;
        self.stumble().await?;
        Ok(created)
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.stumble().await?;
        let updated = self.inner.update(tenant, id, expected, write).await?;
        self.stumble().await?;
        Ok(updated)
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        self.inner.scan(tenant, window, after, limit).await
    }
}
