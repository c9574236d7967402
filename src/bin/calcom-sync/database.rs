//! The database behind a command: a SQLite file or a PostgreSQL schema, with the store's own
//! appointments table.

use std::sync::Arc;

use calcom::postgres::PostgresStore;
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, ServiceRepository, Store,
    StoreError, TenantId,
};

use crate::settings::DatabaseUrl;

/// An open database.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Database {
    /// Opens it, creates it if there is none, and brings its tables up to date.
    pub(crate) async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        match url {
            DatabaseUrl::Sqlite(path) => SqliteStore::open(path).await.map(Self::Sqlite),
            DatabaseUrl::Postgres { url, schema } => {
                let mut builder = PostgresStore::builder();
                if let Some(schema) = schema {
                    builder = builder.schema(schema);
                }
                builder.connect(url.clone()).await.map(Self::Postgres)
            }
        }
    }

    /// The sync's own records.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// The appointments.
    pub(crate) fn appointments(&self) -> Arc<dyn AppointmentRepository> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// The services.
    pub(crate) fn services(&self) -> Arc<dyn ServiceRepository> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// Takes an appointment at our side, and records the change.
    pub(crate) async fn create_appointment(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        match self {
            Self::Sqlite(store) => store.create_appointment(tenant, id, write).await,
            Self::Postgres(store) => store.create_appointment(tenant, id, write).await,
        }
    }
}
