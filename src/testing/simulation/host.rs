//! The world under test: a host's own table, and the bookkeeping beside it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::ambient::Clock;
use crate::model::EventTypeId;
use crate::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, Revision, Store,
    StoreError, TenantId,
};

/// What a host has to know before a history begins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scene {
    /// The seed of the history.
    pub seed: u64,
    /// The time of the history: for the bookkeeping, and for whatever of the host's goes by time.
    pub clock: Arc<dyn Clock>,
    /// The tenants, each with the event types that its appointments will name.
    pub tenants: Vec<(TenantId, Vec<EventTypeId>)>,
    /// How many processes of the host work side by side.
    pub workers: usize,
}

/// A host under test: the adapter to its appointments, and what people at the host do.
///
/// # Contract
///
/// - It starts empty, and nobody else writes to it.
/// - A call that is dropped, as when a process dies, has either happened completely or not at all.
/// - Nothing else is assumed: ids are the host's own, and details that it has no column for
/// (location, guests, staff, notes) read as `None`.
#[async_trait]
pub trait SimulatedHost: fmt::Debug + Send + Sync + 'static {
    /// The adapter under test. Asked again after every [restart](Self::restart).
    fn appointments(&self) -> Arc<dyn AppointmentRepository>;

    /// The bookkeeping; `None` for one in memory. Asked again after every
    /// [restart](Self::restart).
    fn store(&self) -> Option<Arc<dyn Store>> {
        None
    }

    /// The adapter of one of the host's processes, which are numbered from 0: for processes with
    /// connections of their own. By default they share one.
    fn appointments_of(&self, _process: usize) -> Arc<dyn AppointmentRepository> {
        self.appointments()
    }

    /// The bookkeeping as one of the host's processes reaches it. By default they share one.
    fn store_of(&self, _process: usize) -> Option<Arc<dyn Store>> {
        self.store()
    }

    /// The scene's clock has moved: for a database that goes by a clock of its own.
    ///
    /// Told only to hosts [in real time](super::Simulation::in_real_time).
    ///
    /// # Errors
    ///
    /// None are expected: an error ends the history, and is reported.
    async fn clock_moved(&self, _now: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether writing an appointment also records the change, in one transaction. If not, the
    /// simulator records it after the write, as a relay does, and in some histories dies in
    /// between.
    fn records_changes(&self) -> bool {
        false
    }

    /// Somebody at the host makes an appointment.
    ///
    /// # Errors
    ///
    /// None are expected: an error ends the history, and is reported.
    async fn create(
        &self,
        tenant: &TenantId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError>;

    /// Somebody at the host changes an appointment that stands at this revision. By default through
    /// the adapter.
    ///
    /// # Errors
    ///
    /// None are expected: an error ends the history, and is reported.
    async fn change(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let appointments = self.appointments();
        appointments.update(tenant, id, expected, write).await
    }

    /// All processes of the host died and start again: connections are lost, what was stored is
    /// not.
    ///
    /// # Errors
    ///
    /// None are expected: an error ends the history, and is reported.
    async fn restart(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
