//! Adapters that break their contract, each in one way: the histories find it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentStatus, AppointmentWrite,
    ChainKey, InMemoryStore, Revision, StoreError, TenantId, Window,
};
use calcom::testing::simulation::{Promise, SimulatedHost, Simulation};
use chrono::{DateTime, Utc};

/// More seeds than any of them should need.
const SEEDS: u64 = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    /// Makes another appointment for the same chain.
    CreatesTwice,
    /// Writes whatever the revision is.
    IgnoresTheRevision,
    /// Does not store that an appointment has ended.
    LosesTheEnd,
}

#[derive(Clone, Debug)]
struct Table {
    rows: InMemoryStore,
    made: Arc<AtomicU32>,
    defect: Defect,
}

impl Table {
    fn new(defect: Defect) -> Self {
        Self {
            rows: InMemoryStore::new(),
            made: Arc::default(),
            defect,
        }
    }
}

#[async_trait]
impl AppointmentRepository for Table {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        self.rows.get(tenant, id).await
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        if self.defect == Defect::CreatesTwice {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            return self
                .rows
                .create_appointment(tenant, &format!("again{number}").into(), write);
        }
        self.rows.create_for_booking(tenant, chain, write).await
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        mut expected: Revision,
        mut write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        match self.defect {
            Defect::IgnoresTheRevision => {
                let found = self.rows.get(tenant, id).await?;
                expected = found.map_or(expected, |found| found.revision);
            }
            Defect::LosesTheEnd if !write.state.status.is_live() => {
                write.state.status = AppointmentStatus::Confirmed;
            }
            _ => {}
        }
        self.rows.update(tenant, id, expected, write).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        self.rows.scan(tenant, window, after, limit).await
    }
}

/// The host itself writes as it should.
#[derive(Debug)]
struct Host(Table);

#[async_trait]
impl SimulatedHost for Host {
    fn appointments(&self) -> Arc<dyn AppointmentRepository> {
        Arc::new(self.0.clone())
    }

    async fn create(
        &self,
        tenant: &TenantId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let number = self.0.made.fetch_add(1, Ordering::Relaxed);
        self.0
            .rows
            .create_appointment(tenant, &format!("a{number}").into(), write)
    }

    async fn change(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.0.rows.update(tenant, id, expected, write).await
    }
}

/// Every promise that was found broken, until one was.
fn broken_by(defect: Defect) -> Vec<Promise> {
    let simulation = Simulation::new(move |_| async move { Host(Table::new(defect)) });
    for seed in 0..SEEDS {
        let trace = simulation.run(seed);
        if !trace.is_kept() {
            assert!(trace.to_string().contains(&format!("seed {seed}")));
            assert!(!trace.history.is_empty());
            return trace.broken.iter().map(|broken| broken.promise).collect();
        }
    }
    Vec::new()
}

#[test]
fn an_adapter_without_a_defect_keeps_the_promises() {
    assert_eq!(broken_by(Defect::None), []);
}

#[test]
fn an_adapter_that_creates_twice_is_found() {
    let broken = broken_by(Defect::CreatesTwice);
    assert!(!broken.is_empty());
}

#[test]
fn an_adapter_that_ignores_the_revision_is_found() {
    let broken = broken_by(Defect::IgnoresTheRevision);
    assert!(broken.contains(&Promise::NoLoops), "{broken:?}");
}

#[test]
fn an_adapter_that_loses_the_end_is_found() {
    let broken = broken_by(Defect::LosesTheEnd);
    assert!(broken.contains(&Promise::Convergence), "{broken:?}");
}
