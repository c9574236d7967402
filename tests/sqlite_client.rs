//! What the clients of several processes share through a SQLite file.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::path::Path;
use std::time::Duration;

use calcom::client::{IdempotencyKey, IdempotencyStore};
use calcom::sqlite::SqliteStore;
use calcom::store::{Retention, Upkeep};
use calcom::testing::ManualClock;

calcom::idempotency_conformance!(
    keys,
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), &clock()).await
);
calcom::token_conformance!(
    tokens,
    let kept = (tempfile::tempdir().unwrap(), clock());
    open(kept.0.path(), &kept.1).await.tokens("session"),
    time: kept.1.clone()
);

fn clock() -> ManualClock {
    ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap())
}

async fn open(folder: &Path, clock: &ManualClock) -> SqliteStore {
    let file = folder.join("books.db");
    let opened = SqliteStore::open_with_clock(file, clock.shared()).await;
    opened.unwrap()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_key_is_kept_for_a_day_and_then_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = open(folder.path(), &clock).await;
    let key = IdempotencyKey::new("order-1");
    assert_eq!(store.begin(&key, [1; 32]).await.unwrap(), None);
    clock.advance(DAY - MINUTE);
    let pruned = store.prune(&Retention::default(), 10).await.unwrap();
    assert_eq!(pruned.client, 0);
    assert!(store.begin(&key, [1; 32]).await.unwrap().is_some());
    clock.advance(2 * MINUTE);
    // Old, and not pruned yet.
    assert_eq!(store.begin(&key, [2; 32]).await.unwrap(), None);
    let other = IdempotencyKey::new("order-2");
    assert_eq!(store.begin(&other, [1; 32]).await.unwrap(), None);
    clock.advance(DAY + MINUTE);
    for gone in [1, 1, 0] {
        let pruned = store.prune(&Retention::default(), 1).await.unwrap();
        assert_eq!(pruned.client, gone);
    }
}
