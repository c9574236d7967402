//! The tables, and how they come to be.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqlitePool;

use super::error::failed;
use super::pool::begin_write;
use super::rows::micros;
use super::statements;
use crate::store::{StoreError, StoreErrorKind};

/// The host may run migrations of its own in the same file; this name keeps the two apart.
const MIGRATIONS_TABLE: &str = "calcom_migrations";

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "books", include_str!("migrations/0001_books.sql")),
    (2, "client", include_str!("migrations/0002_client.sql")),
    (
        3,
        "operators",
        include_str!("migrations/0003_operators.sql"),
    ),
    (4, "phones", include_str!("migrations/0004_phones.sql")),
    (5, "senders", include_str!("migrations/0005_senders.sql")),
    (
        6,
        "documents",
        include_str!("migrations/0006_documents.sql"),
    ),
];

statements! {
    /// Also fails where nothing can be written: SQLite begins a writing transaction on a read-only
    /// file without a complaint.
    BEGIN_BOOKS =
        "INSERT INTO calcom_meta (name, value) VALUES ('books_since', ?1) ON CONFLICT (name) DO NOTHING";
    BOOKS_SINCE = "SELECT value FROM calcom_meta WHERE name = 'books_since'";
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|&(version, name, sql)| {
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    migrator
}

/// Runs the missing migrations in one transaction, so that of two processes that start at once one
/// waits for the other. Returns since when the file keeps books: `now`, if it is new.
pub(super) async fn run(
    pool: &SqlitePool,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, StoreError> {
    let mut transaction = begin_write(pool).await?;
    migrator()
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(not_migrated)?;
    sqlx::query(BEGIN_BOOKS)
        .bind(micros(now))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let since: i64 = sqlx::query_scalar(BOOKS_SINCE)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(DateTime::from_timestamp_micros(since).unwrap_or(now))
}

fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => failed(cause),
        MigrateError::VersionMissing(version) => StoreError::new(
            StoreErrorKind::NewerSchema,
            format!(
                "a newer version of this crate wrote the database (migration {version}): update the crate, or restore the \
                 older copy"
            ),
        ),
        other => StoreError::new(
            StoreErrorKind::Corrupt,
            "the database's tables are not the ones that this crate made: restore a copy",
        )
        .with_source(other),
    }
}
