//! A random history, told to the store in memory and to the one in PostgreSQL.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use super::PostgresStore;
use super::rows::ahead;
use crate::ambient::{Clock, Entropy, SystemEntropy};
use crate::store::side_by_side::Pair;
use crate::testing::conformance::PassTime;

const SEEDS: u64 = 12;

/// The schema's clock, which stands still between the steps.
#[derive(Debug)]
struct StoppedClock {
    pool: PgPool,
    schema: String,
}

impl StoppedClock {
    async fn run(&self, sql: String) {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// A schema with tables of their time: since it begins, they keep books.
    async fn begin(&self, clock: &dyn Clock) {
        let (schema, migrations) = (&self.schema, PostgresStore::migrations());
        let at = clock.now().to_rfc3339();
        self.run(format!(
            "CREATE SCHEMA {schema}; SET search_path = {schema}, pg_temp; {migrations} \
             CREATE TABLE stopped_clock AS SELECT '{at}'::timestamptz AS at; \
             UPDATE meta SET books_since = '{at}'; \
             CREATE OR REPLACE FUNCTION now_of_books() RETURNS timestamptz LANGUAGE sql STABLE \
               AS 'SELECT at FROM {schema}.stopped_clock'; \
             CREATE OR REPLACE FUNCTION clock_of_books() RETURNS timestamptz LANGUAGE sql VOLATILE \
               AS 'SELECT at FROM {schema}.stopped_clock'"
        ))
        .await;
    }
}

#[async_trait]
impl PassTime for StoppedClock {
    async fn pass(&self, by: Duration) {
        let (schema, micros) = (&self.schema, ahead(by));
        self.run(format!(
            "UPDATE {schema}.stopped_clock SET at = at + {micros} * interval '1 us'"
        ))
        .await;
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --lib postgres -- --include-ignored"]
async fn both_stores_answer_alike() {
    let url = std::env::var("CALCOM_TEST_POSTGRES")
        .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
    for seed in 0..SEEDS {
        let clock = Pair::clock();
        let name = SystemEntropy.next_u64();
        let time = Arc::new(StoppedClock {
            pool: PgPool::connect(&url).await.unwrap(),
            schema: format!("side_by_side_{name:x}_{seed}"),
        });
        time.begin(&clock).await;
        let builder = PostgresStore::builder()
            .schema(&time.schema)
            .without_migrating();
        let store = builder.connect(url.as_str()).await.unwrap();
        let pair = Pair::new(Arc::new(store.clone()), clock, Some(time.clone()));
        // A tenant has a name here.
        let pair = pair.of_tenants(&["A", "a", "b"]);
        pair.answers_alike(seed).await;
        store.close().await;
        time.run(format!("DROP SCHEMA {} CASCADE", time.schema))
            .await;
    }
}
