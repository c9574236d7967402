//! A random history, told to the store in memory and to the one in PostgreSQL.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use super::PostgresStore;
use crate::ambient::{Clock, Entropy, SystemEntropy};
use crate::store::side_by_side::Pair;

const SEEDS: u64 = 12;

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --lib postgres -- --include-ignored"]
async fn both_stores_answer_alike() {
    let url = std::env::var("CALCOM_TEST_POSTGRES")
        .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
    let beside = PgPool::connect(&url).await.unwrap();
    for seed in 0..SEEDS {
        let clock = Pair::clock();
        let name = SystemEntropy.next_u64();
        let schema = format!("side_by_side_{name:x}_{seed}");
        let builder = PostgresStore::builder()
            .schema(&schema)
            .with_stopped_clock(clock.now());
        let store = builder.connect(url.as_str()).await.unwrap();
        let store = Arc::new(store);
        let pair = Pair::new(store.clone(), clock, Some(store.clone()));
        // A tenant has a name here.
        let pair = pair.of_tenants(&["A", "a", "b"]);
        pair.answers_alike(seed).await;
        store.close().await;
        let drop = AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"));
        sqlx::raw_sql(drop).execute(&beside).await.unwrap();
    }
}
