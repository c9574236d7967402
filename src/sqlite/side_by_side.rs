//! A random history, told to the store in memory and to the one in SQLite.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;

use sqlx::sqlite::SqlitePoolOptions;

use super::SqliteStore;
use crate::store::side_by_side::Pair;

const SEEDS: u64 = 12;

#[tokio::test]
async fn both_stores_answer_alike() {
    for seed in 0..SEEDS {
        let clock = Pair::clock();
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:")
            .await
            .unwrap();
        let store = SqliteStore::with_pool_and_clock(pool, clock.shared());
        let store = Arc::new(store.await.unwrap());
        Pair::new(store, clock, None).answers_alike(seed).await;
    }
}
