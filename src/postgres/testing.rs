//! What tests need of a schema: a clock that they move or stop, and an end.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use super::PostgresStore;
use super::error::failed;
use super::rows::{Stamp, ahead};
use super::statements;
use crate::store::StoreError;
use crate::testing::conformance::PassTime;

statements! {
    PASS = "UPDATE clock_offset SET micros = micros + $1";
    STOP_AT = "UPDATE clock_offset SET micros = 0, stands_at = $1";
    BOOKS_SINCE = "SELECT books_since FROM meta";
}

/// A schema's clock that is not the database's.
#[derive(Clone, Copy, Debug)]
pub(super) enum TestClock {
    /// The database's, plus an offset.
    Movable,
    /// Stands still, at first then.
    Stopped(DateTime<Utc>),
}

/// Gives the schema this clock, unless it has one already. Returns since when it keeps books: by a
/// stopped clock that is new, since it stands there.
pub(super) async fn install(
    pool: &PgPool,
    schema: &str,
    clock: TestClock,
) -> Result<DateTime<Utc>, StoreError> {
    let stands_at = match clock {
        TestClock::Movable => "NULL".to_owned(),
        TestClock::Stopped(at) => format!("'{}'", at.to_rfc3339_opts(SecondsFormat::Micros, true)),
    };
    let table = format!("\"{schema}\".clock_offset");
    let stood = format!("(SELECT stands_at FROM {table})");
    let offset = format!("(SELECT micros FROM {table}) * interval '1 microsecond'");
    let sql = format!(
        "SELECT pg_advisory_xact_lock(hashtextextended('calcom clock of {schema}', 0)); \
         CREATE TABLE IF NOT EXISTS clock_offset (micros bigint NOT NULL, stands_at timestamptz); \
         WITH made AS ( \
             INSERT INTO clock_offset SELECT 0, {stands_at} WHERE NOT EXISTS (SELECT FROM clock_offset) RETURNING stands_at) \
         UPDATE meta SET books_since = made.stands_at FROM made WHERE made.stands_at IS NOT NULL; \
         CREATE OR REPLACE FUNCTION now_of_books() RETURNS timestamptz LANGUAGE sql STABLE \
           AS $$ SELECT COALESCE({stood}, statement_timestamp()) + {offset} $$; \
         CREATE OR REPLACE FUNCTION clock_of_books() RETURNS timestamptz LANGUAGE sql VOLATILE \
           AS $$ SELECT COALESCE({stood}, clock_timestamp()) + {offset} $$"
    );
    // Several statements sent at once are one transaction.
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(pool)
        .await
        .map_err(failed)?;
    let since: Stamp = sqlx::query_scalar(BOOKS_SINCE)
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    Ok(since.0)
}

impl PostgresStore {
    /// Stops the clock of a schema that was made
    /// [`with_stopped_clock`](crate::postgres::PostgresBuilder::with_stopped_clock) at another time.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::store::StoreErrorKind::Corrupt) if the schema goes by the database's clock;
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) if the database cannot be reached.
    pub async fn stop_clock_at(&self, at: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query(STOP_AT)
            .bind(Stamp(at))
            .execute(self.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl PassTime for PostgresStore {
    /// Lets time pass in a schema that was made
    /// [`with_movable_clock`](crate::postgres::PostgresBuilder::with_movable_clock) or
    /// [`with_stopped_clock`](crate::postgres::PostgresBuilder::with_stopped_clock).
    ///
    /// # Panics
    ///
    /// If it was not.
    async fn pass(&self, by: Duration) {
        let passed = sqlx::query(PASS).bind(ahead(by)).execute(self.pool()).await;
        passed.expect("the schema was made with a clock that can be moved");
    }
}
