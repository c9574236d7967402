//! A host over a SQLite file, which is closed and opened again after a crash.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::host::{Scene, SimulatedHost};
use super::lock;
use super::ready_made::Ids;
use crate::ambient::Clock;
use crate::sqlite::SqliteStore;
use crate::store::{
    Appointment, AppointmentRepository, AppointmentWrite, Store, StoreError, TenantId,
};

/// Appointments and bookkeeping in one file: a write and its record are one transaction.
#[derive(Debug)]
pub(super) struct OneFile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    open: Mutex<SqliteStore>,
    ids: Ids,
}

impl OneFile {
    pub(super) async fn new(scene: &Scene, folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(format!("simulation-{}.db", scene.seed));
        remove(&path);
        let open = SqliteStore::open_with_clock(&path, scene.clock.clone()).await?;
        Ok(Self {
            path,
            clock: scene.clock.clone(),
            open: Mutex::new(open),
            ids: Ids::default(),
        })
    }

    fn current(&self) -> SqliteStore {
        lock(&self.open).clone()
    }
}

#[async_trait]
impl SimulatedHost for OneFile {
    fn appointments(&self) -> Arc<dyn AppointmentRepository> {
        Arc::new(self.current())
    }

    fn store(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(self.current()))
    }

    fn records_changes(&self) -> bool {
        true
    }

    async fn create(
        &self,
        tenant: &TenantId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let store = self.current();
        store
            .create_appointment(tenant, &self.ids.next(tenant), write)
            .await
    }

    async fn restart(&self) -> Result<(), StoreError> {
        let opened = SqliteStore::open_with_clock(&self.path, self.clock.clone()).await?;
        *lock(&self.open) = opened;
        Ok(())
    }
}

impl Drop for OneFile {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes the file with what SQLite keeps beside it; one that is not there needs no removal.
fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}
