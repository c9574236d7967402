//! The database behind a command: a SQLite file or a PostgreSQL schema, with the store's own
//! appointments table.

use std::path::Path;
use std::sync::Arc;

use calcom::postgres::PostgresStore;
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentDesk, AppointmentId, AppointmentRepository, AppointmentWrite,
    ServiceRepository, Store, StoreError, StoreErrorKind, TenantId,
};

use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

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
            DatabaseUrl::Sqlite(path) => {
                create_for_this_user(path);
                SqliteStore::open(path).await.map(Self::Sqlite)
            }
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

    /// The appointments, as agents take them for callers.
    pub(crate) fn desk(&self) -> Arc<dyn AppointmentDesk> {
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

    /// Writes something and takes it back.
    pub(crate) async fn try_writing(&self, url: &DatabaseUrl) -> Result<(), StoreError> {
        let written = match self {
            Self::Sqlite(store) => write_sqlite(store).await,
            Self::Postgres(_) => write_postgres(url).await,
        };
        written.map_err(|error| {
            let is_refused = error.as_database_error().is_some_and(|error| {
                let code = error.code().unwrap_or_default();
                // SQLite's `SQLITE_READONLY` with its variants; PostgreSQL's lack of privilege and a
                // transaction that may only read.
                let number = code.parse::<u32>().map(|code| code & 0xff);
                number == Ok(8) || matches!(&*code, "42501" | "25006")
            });
            let kind = match is_refused {
                true => StoreErrorKind::ReadOnly,
                false => StoreErrorKind::Unavailable,
            };
            StoreError::new(kind, "a test could not be written").with_source(error)
        })
    }
}

/// Creates a file that only this user can read, as it will hold customers' data; SQLite gives the files
/// beside it the same permissions.
fn create_for_this_user(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    // Where it exists already, nothing is to be done; why it cannot be created, SQLite will say.
    let _ = options.open(path);
}

async fn write_sqlite(store: &SqliteStore) -> sqlx::Result<()> {
    let mut transaction = store.pool().begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("CREATE TABLE calcom_sync_check (a INTEGER)")
        .execute(&mut *transaction)
        .await?;
    transaction.rollback().await
}

async fn write_postgres(url: &DatabaseUrl) -> sqlx::Result<()> {
    let DatabaseUrl::Postgres { url, schema } = url else {
        return Ok(());
    };
    let mut connection = PgConnection::connect(url.expose_secret()).await?;
    // The store has accepted the name of the schema. No row is changed, and a replica or a role
    // that may only read refuses it all the same.
    let schema = schema.as_deref().unwrap_or("calcom");
    let update = format!("UPDATE \"{schema}\".meta SET oldest = oldest WHERE false");
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(update)))
        .await?;
    connection.close().await
}
