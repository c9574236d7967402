//! A host over a PostgreSQL schema, whose processes have connections of their own and lose them in a
//! crash.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use super::host::{Scene, SimulatedHost};
use super::lock;
use super::ready_made::Ids;
use crate::ambient::{Entropy, SystemEntropy};
use crate::postgres::PostgresStore;
use crate::store::{
    Appointment, AppointmentRepository, AppointmentWrite, Store, StoreError, StoreErrorKind,
    TenantId,
};

/// A worker uses one at a time, and whoever receives webhooks another one.
const CONNECTIONS: u32 = 4;

/// Appointments and bookkeeping in one schema: a write and its record are one transaction.
pub(super) struct OneSchema {
    schema: Schema,
    workers: usize,
    /// One for each process.
    open: Mutex<Vec<PostgresStore>>,
    ids: Ids,
}

impl fmt::Debug for OneSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneSchema")
            .field("schema", &self.schema.name)
            .finish_non_exhaustive()
    }
}

impl OneSchema {
    pub(super) async fn new(scene: &Scene, address: &SecretString) -> Result<Self, StoreError> {
        let host = Self {
            schema: Schema::new(scene.seed, address)?,
            workers: scene.workers,
            open: Mutex::default(),
            ids: Ids::default(),
        };
        let builder = PostgresStore::builder().with_stopped_clock(scene.clock.now());
        let made = builder.schema(&host.schema.name).max_connections(1);
        let made = made.connect(host.schema.address.clone()).await?;
        made.close().await;
        host.restart().await?;
        Ok(host)
    }

    fn of(&self, process: usize) -> PostgresStore {
        lock(&self.open)[process].clone()
    }
}

#[async_trait]
impl SimulatedHost for OneSchema {
    fn appointments(&self) -> Arc<dyn AppointmentRepository> {
        self.appointments_of(0)
    }

    fn store(&self) -> Option<Arc<dyn Store>> {
        self.store_of(0)
    }

    fn appointments_of(&self, process: usize) -> Arc<dyn AppointmentRepository> {
        Arc::new(self.of(process))
    }

    fn store_of(&self, process: usize) -> Option<Arc<dyn Store>> {
        Some(Arc::new(self.of(process)))
    }

    async fn clock_moved(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.of(0).stop_clock_at(now).await
    }

    fn records_changes(&self) -> bool {
        true
    }

    async fn create(
        &self,
        tenant: &TenantId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let id = self.ids.next(tenant);
        self.of(0).create_appointment(tenant, &id, write).await
    }

    async fn restart(&self) -> Result<(), StoreError> {
        let mut opened = Vec::new();
        for _ in 0..self.workers {
            let builder = PostgresStore::builder()
                .schema(&self.schema.name)
                .max_connections(CONNECTIONS);
            opened.push(builder.connect(self.schema.address.clone()).await?);
        }
        let dead = std::mem::replace(&mut *lock(&self.open), opened);
        for store in dead {
            // The server carries on with what was sent to it, and so nobody waits for the end.
            tokio::spawn(async move { store.close().await });
        }
        Ok(())
    }
}

/// A schema of one history, which is dropped with it.
struct Schema {
    name: String,
    /// Names the schema as the application, so that its connections can be found and ended.
    address: SecretString,
}

impl Schema {
    fn new(seed: u64, address: &SecretString) -> Result<Self, StoreError> {
        let name = format!("simulation_{seed}_{:x}", SystemEntropy.next_u64());
        let mut address = Url::parse(address.expose_secret()).map_err(|error| {
            let message = "the address of the database is not a URL";
            StoreError::new(StoreErrorKind::Invalid, message).with_source(error)
        })?;
        address
            .query_pairs_mut()
            .append_pair("application_name", &name);
        Ok(Self {
            name,
            address: String::from(address).into(),
        })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (name, address) = (self.name.clone(), self.address.clone());
        // The runtime of the history waits for this, and can end no transaction meanwhile.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            runtime.block_on(remove(&name, &address)).ok()
        });
        if !matches!(dropping.join(), Ok(Some(()))) {
            tracing::warn!(schema = self.name, "the schema of a history is left behind");
        }
    }
}

/// Ends every session of the history, and drops its schema.
async fn remove(schema: &str, address: &SecretString) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(address.expose_secret()).await?;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()",
    )
    .bind(schema)
    .execute(&mut connection)
    .await?;
    let drop = format!("SET lock_timeout = '10s'; DROP SCHEMA IF EXISTS \"{schema}\" CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop))
        .execute(&mut connection)
        .await?;
    connection.close().await
}
