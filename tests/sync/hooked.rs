//! A host's table that does something of its own at each call.

use std::fmt;

use async_trait::async_trait;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, ChainKey, InMemoryStore,
    Revision, StoreError, TenantId, Window,
};
use chrono::{DateTime, Utc};

/// What a host does besides; nothing, unless a test says otherwise.
#[async_trait]
pub(crate) trait Hooks: fmt::Debug + Send + Sync {
    /// Instead of reading an appointment, if it answers.
    async fn instead_of_get(
        &self,
        _id: &AppointmentId,
    ) -> Option<Result<Option<Appointment>, StoreError>> {
        None
    }

    /// Once an appointment was created, before the engine knows.
    async fn after_create(&self) {}

    /// Before an appointment is written.
    async fn before_update(&self) {}
}

#[derive(Debug)]
pub(crate) struct HookedHost<H> {
    pub(crate) table: InMemoryStore,
    pub(crate) hooks: H,
}

#[async_trait]
impl<H: Hooks + 'static> AppointmentRepository for HookedHost<H> {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        match self.hooks.instead_of_get(id).await {
            Some(answer) => answer,
            None => self.table.get(tenant, id).await,
        }
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let created = self.table.create_for_booking(tenant, chain, write).await;
        self.hooks.after_create().await;
        created
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.hooks.before_update().await;
        self.table.update(tenant, id, expected, write).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        self.table.scan(tenant, window, after, limit).await
    }
}
