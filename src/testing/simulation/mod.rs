//! Hostile histories: the engine over a host of your own, held to its promises.
//!
//! From a seed comes a random history: what people do at the host and at Cal.com, what the network
//! breaks, when processes die and fall asleep, and which webhooks are late, repeated, forged or
//! lost. Then quiet returns, and every [`Promise`] is checked: nothing is lost, nothing is doubled,
//! both sides agree, and nothing moves any more. Whatever a history finds, its seed finds again.
//!
//! The crate's own stores are ready to be simulated: [`Simulation::in_memory`],
//! [`Simulation::own_table`] and, with features `sqlite` and `postgres`, `Simulation::sqlite` and
//! `Simulation::postgres`. To run the histories against your adapter, implement [`SimulatedHost`]:
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use calcom::store::{
//!     Appointment, AppointmentRepository, AppointmentWrite, InMemoryStore, StoreError, TenantId,
//! };
//! use calcom::testing::simulation::{SimulatedHost, Simulation};
//!
//! # #[derive(Debug, Default)]
//! # struct MyTable { store: InMemoryStore, made: std::sync::atomic::AtomicU32 }
//! # impl MyTable {
//! #     async fn insert(&self, tenant: &TenantId, write: AppointmentWrite) -> Result<Appointment, StoreError> {
//! #         let number = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
//! #         self.store.create_appointment(tenant, &format!("n{number}").into(), write)
//! #     }
//! #     fn adapter(&self) -> Arc<dyn AppointmentRepository> { Arc::new(self.store.clone()) }
//! # }
//! #[derive(Debug)]
//! struct MyHost(MyTable);
//!
//! #[async_trait]
//! impl SimulatedHost for MyHost {
//!     fn appointments(&self) -> Arc<dyn AppointmentRepository> {
//!         self.0.adapter()
//!     }
//!
//!     async fn create(
//!         &self,
//!         tenant: &TenantId,
//!         write: AppointmentWrite,
//!     ) -> Result<Appointment, StoreError> {
//!         self.0.insert(tenant, write).await
//!     }
//! }
//!
//! // A table that is empty for every seed. One in a real database adds `.in_real_time()`.
//! let simulation = Simulation::new(|_scene| async { MyHost(MyTable::default()) });
//! for seed in 0..3 {
//!     simulation.run(seed).expect_kept();
//! }
//! ```
//!
//! `examples/simulate.rs` runs ten thousand of them on all cores, and prints the [`Coverage`].

mod acts;
mod breakdowns;
mod chance;
mod clock;
mod coverage;
mod doubles;
mod history;
mod host;
mod ledger;
mod people;
mod plan;
mod post;
mod processes;
mod promises;
mod quiet;
mod ready_made;
#[cfg(feature = "postgres")]
mod ready_made_postgres;
#[cfg(feature = "sqlite")]
mod ready_made_sqlite;
mod rest;
mod run;
mod stand;
mod tenants;
mod trace;
mod unsteady;
mod untold;
mod wire;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use coverage::{Coverage, CoverageKind};
pub use host::{Scene, SimulatedHost};
pub use run::Simulation;
use run::StartHost;
pub use trace::{BrokenPromise, Promise, Trace};

/// Nothing in a history makes the bookkeeping fail.
const STORE: &str = "the bookkeeping answers";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
