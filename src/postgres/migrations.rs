//! The tables, and how they come to be.
//!
//! Workers of neighbouring versions of this crate share one schema while they are replaced one by
//! one. So a migration only expands: it adds tables, columns with defaults, indexes, and functions
//! of new names, and the workers of the version before go on beside it. What only they needed is
//! removed by the migration of a later version, which also raises `meta.oldest` to the first version
//! that does without.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};

use super::error::failed;
use super::rows::Row;
use super::statements;
use crate::store::{StoreError, StoreErrorKind};

/// Each with its version, in their order.
const MIGRATIONS: &[(i32, &str)] = &[
    (1, BOOKS),
    (2, DOORS),
    (3, TURNS),
    (4, CLIENT),
    (5, OPERATORS),
    (6, PHONES),
    (7, SENDERS),
    (8, DOCUMENTS),
];
/// Everything of [`MIGRATIONS`], for those who run it themselves.
pub(super) const ALL: &str = concat!(
    include_str!("migrations/0001_books.sql"),
    include_str!("migrations/0002_doors.sql"),
    include_str!("migrations/0003_turns.sql"),
    include_str!("migrations/0004_client.sql"),
    include_str!("migrations/0005_operators.sql"),
    include_str!("migrations/0006_phones.sql"),
    include_str!("migrations/0007_senders.sql"),
    include_str!("migrations/0008_documents.sql")
);

const BOOKS: &str = include_str!("migrations/0001_books.sql");
const DOORS: &str = include_str!("migrations/0002_doors.sql");
const TURNS: &str = include_str!("migrations/0003_turns.sql");
const CLIENT: &str = include_str!("migrations/0004_client.sql");
const OPERATORS: &str = include_str!("migrations/0005_operators.sql");
const PHONES: &str = include_str!("migrations/0006_phones.sql");
const SENDERS: &str = include_str!("migrations/0007_senders.sql");
const DOCUMENTS: &str = include_str!("migrations/0008_documents.sql");

statements! {
    HAS_BOOKS = "SELECT to_regclass(quote_ident($1) || '.meta') IS NOT NULL";
    BOOKS_OF = "SELECT version, oldest, books_since FROM meta";
    SET_VERSION = "UPDATE meta SET version = $1";
    /// Several processes may start at once. What waits here waits for a migration, and not for a row.
    BE_PATIENT = "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '600s'; SET LOCAL client_min_messages = 'warning'";
    LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('calcom migrations of ' || $1, 0))";
    HAS_SCHEMA = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
}

/// The version of the tables, the oldest that may still use them, and since when they keep books.
#[derive(Clone, Copy)]
struct Books {
    version: i32,
    oldest: i32,
    since: DateTime<Utc>,
}

fn newest() -> i32 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

/// Runs the missing migrations in one transaction, unless it is only asked to look. Returns since
/// when the schema keeps books.
pub(super) async fn run(
    pool: &PgPool,
    schema: &str,
    may_migrate: bool,
) -> Result<DateTime<Utc>, StoreError> {
    let mut connection = pool.acquire().await.map_err(failed)?;
    if let Some(books) = books(&mut connection, schema).await?
        && is_up_to_date(books)?
    {
        return Ok(books.since);
    }
    drop(connection);
    if !may_migrate {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            format!(
                "the tables of schema {schema} are missing or older than this crate: run the migrations, up to version {}",
                newest()
            ),
        ));
    }

    let mut transaction = pool.begin().await.map_err(failed)?;
    sqlx::raw_sql(BE_PATIENT)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    sqlx::query(LOCK)
        .bind(schema)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    // Another process may have been first.
    let before = books(&mut transaction, schema).await?;
    if let Some(books) = before
        && is_up_to_date(books)?
    {
        return Ok(books.since);
    }
    migrate(
        &mut transaction,
        schema,
        before.map_or(0, |books| books.version),
    )
    .await?;
    let books = books(&mut transaction, schema).await?.ok_or_else(|| {
        StoreError::new(
            StoreErrorKind::Unavailable,
            "the tables were made, and are not found: check the role's default search_path",
        )
    })?;
    transaction.commit().await.map_err(failed)?;
    Ok(books.since)
}

async fn migrate(connection: &mut PgConnection, schema: &str, from: i32) -> Result<(), StoreError> {
    // Who may not create schemas may use one that was made for it.
    let has_schema: bool = sqlx::query_scalar(HAS_SCHEMA)
        .bind(schema)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if !has_schema {
        // A schema's name is checked to be an identifier.
        let create = AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
        sqlx::raw_sql(create)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    for (version, sql) in MIGRATIONS.iter().filter(|(version, _)| *version > from) {
        sqlx::raw_sql(*sql)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        sqlx::query(SET_VERSION)
            .bind(*version)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn books(connection: &mut PgConnection, schema: &str) -> Result<Option<Books>, StoreError> {
    let has_books: bool = sqlx::query_scalar(HAS_BOOKS)
        .bind(schema)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if !has_books {
        return Ok(None);
    }
    let row = sqlx::query(BOOKS_OF)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let row = row.ok_or_else(|| {
        StoreError::new(
            StoreErrorKind::Corrupt,
            "the table that says which version the tables are of is empty: restore a copy",
        )
    })?;
    let row = Row::of("meta", &row);
    Ok(Some(Books {
        version: row.get("version")?,
        oldest: row.get("oldest")?,
        since: row.instant("books_since")?,
    }))
}

/// Whether these tables can be used as they are. A neighbouring newer version may have expanded them.
fn is_up_to_date(books: Books) -> Result<bool, StoreError> {
    if books.oldest > newest() {
        return Err(StoreError::new(
            StoreErrorKind::NewerSchema,
            format!(
                "a newer version of this crate wrote the tables (version {}): update the crate, or restore the older copy",
                books.version
            ),
        ));
    }
    Ok(books.version >= newest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_every_migration_in_its_order() {
        let each: String = MIGRATIONS.iter().map(|(_, sql)| *sql).collect();
        assert_eq!(ALL, each);
        let versions: Vec<_> = MIGRATIONS.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, (1..=newest()).collect::<Vec<_>>());
    }
}
