//! Where the salon keeps its appointments and its books: in a SQLite file, or in a PostgreSQL schema.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::{Clock, Entropy, SystemEntropy};
use calcom::postgres::{PostgresBuilder, PostgresStore};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, Store, StoreError,
};
use calcom::testing::conformance::PassTime;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::salon::{LaterClock, TENANT};

/// So few that a short life is not spent on making connections.
const CONNECTIONS: u32 = 3;

/// Names the server, for all processes.
const SERVER: &str = "CALCOM_TEST_POSTGRES";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Place {
    File(PathBuf),
    Schema(String),
}

impl Place {
    pub(crate) async fn open(&self, clock: &LaterClock) -> Books {
        match self {
            Self::File(path) => {
                let clock: Arc<dyn Clock> = Arc::new(clock.clone());
                let opened = SqliteStore::open_with_clock(path, clock).await;
                Books::Sqlite(opened.unwrap())
            }
            // It goes by the schema's clock.
            Self::Schema(name) => {
                let builder = PostgresStore::builder().max_connections(CONNECTIONS);
                Books::Postgres(connect(name, builder).await)
            }
        }
    }
}

/// What a process has opened.
#[derive(Clone, Debug)]
pub(crate) enum Books {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Books {
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    pub(crate) fn table(&self) -> Arc<dyn AppointmentRepository> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    pub(crate) async fn create_appointment(
        &self,
        id: &AppointmentId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        match self {
            Self::Sqlite(store) => store.create_appointment(&TENANT, id, write).await,
            Self::Postgres(store) => store.create_appointment(&TENANT, id, write).await,
        }
    }

    /// Puts the books' own clock forward, where they have one.
    pub(crate) async fn pass(&self, by: Duration) {
        if let Self::Postgres(store) = self {
            store.pass(LaterClock::counted(by)).await;
        }
    }
}

/// The place of one run, which is removed with it.
#[derive(Debug)]
pub(crate) enum Premises {
    Folder(tempfile::TempDir),
    Schema(Schema),
}

impl Premises {
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn schema() -> Self {
        let name = format!("killed_{:x}", SystemEntropy.next_u64());
        let builder = PostgresStore::builder().max_connections(1);
        let store = connect(&name, builder.with_movable_clock()).await;
        Self::Schema(Schema { name, store })
    }

    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Folder(folder) => Place::File(folder.path().join("salon.sqlite")),
            Self::Schema(schema) => Place::Schema(schema.name.clone()),
        }
    }

    pub(crate) async fn pass(&self, by: Duration) {
        if let Self::Schema(schema) = self {
            schema.store.pass(LaterClock::counted(by)).await;
        }
    }
}

#[derive(Debug)]
pub(crate) struct Schema {
    name: String,
    store: PostgresStore,
}

impl Drop for Schema {
    fn drop(&mut self) {
        let name = self.name.clone();
        // The test's own runtime may be on its way out.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(remove(&name))
        });
        let dropped = dropping.join().map(|dropped| dropped.is_ok());
        if !matches!(dropped, Ok(true)) {
            eprintln!("the schema {} is left behind", self.name);
        }
    }
}

fn server() -> String {
    let hint = "run this with scripts/with-postgres";
    std::env::var(SERVER).unwrap_or_else(|_| panic!("{SERVER} names the server: {hint}"))
}

/// By the schema's name the connections are told from those of other tests.
async fn connect(schema: &str, builder: PostgresBuilder) -> PostgresStore {
    let address = format!("{}?application_name={schema}", server());
    builder.schema(schema).connect(address).await.unwrap()
}

/// Ends what sessions there are, and drops the schema.
async fn remove(schema: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&server()).await?;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
    )
    .bind(schema)
    .execute(&mut connection)
    .await?;
    let drop = format!("SET lock_timeout = '10s'; DROP SCHEMA IF EXISTS {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop))
        .execute(&mut connection)
        .await?;
    Ok(())
}
