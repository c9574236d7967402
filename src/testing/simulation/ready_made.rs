//! Hosts that are ready to be simulated: the crate's own stores.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::host::{Scene, SimulatedHost};
use super::lock;
use crate::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, InMemoryStore, Store,
    StoreError, TenantId,
};

/// The ids that a host gives out: the same ones for every tenant, so that a mix-up would show.
#[derive(Debug, Default)]
pub(super) struct Ids(Mutex<BTreeMap<TenantId, u32>>);

impl Ids {
    pub(super) fn next(&self, tenant: &TenantId) -> AppointmentId {
        let mut known = lock(&self.0);
        let number = known.entry(tenant.clone()).or_default();
        *number += 1;
        AppointmentId::new(format!("a{number}"))
    }
}

/// Appointments and bookkeeping in one store in memory: a write and its record are one transaction.
#[derive(Debug)]
pub(super) struct OneStore {
    store: InMemoryStore,
    ids: Ids,
}

impl OneStore {
    pub(super) fn new(scene: &Scene) -> Self {
        Self {
            store: InMemoryStore::with_clock(scene.clock.clone()),
            ids: Ids::default(),
        }
    }
}

#[async_trait]
impl SimulatedHost for OneStore {
    fn appointments(&self) -> Arc<dyn AppointmentRepository> {
        Arc::new(self.store.clone())
    }

    fn store(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(self.store.clone()))
    }

    fn records_changes(&self) -> bool {
        true
    }

    async fn create(
        &self,
        tenant: &TenantId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.store
            .create_appointment(tenant, &self.ids.next(tenant), write)
    }
}

/// Appointments in another database than the bookkeeping: a change is recorded after it was
/// written, and not at all if the host dies in between.
#[derive(Debug)]
pub(super) struct OwnTable {
    table: InMemoryStore,
    ids: Ids,
}

impl OwnTable {
    pub(super) fn new(scene: &Scene) -> Self {
        Self {
            table: InMemoryStore::with_clock(scene.clock.clone()),
            ids: Ids::default(),
        }
    }
}

#[async_trait]
impl SimulatedHost for OwnTable {
    fn appointments(&self) -> Arc<dyn AppointmentRepository> {
        Arc::new(self.table.clone())
    }

    async fn create(
        &self,
        tenant: &TenantId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.table
            .create_appointment(tenant, &self.ids.next(tenant), write)
    }
}
