//! What the clients of several processes share through a SQLite file.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::path::Path;
use std::time::Duration;

use calcom::client::{BudgetRequest, CredentialId, IdempotencyKey, IdempotencyStore, SharedBudget};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_budget_holds_for_all_who_have_the_file_open() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let credential = CredentialId::new([7; 32]);
    let request = BudgetRequest::new(120, MINUTE).for_write();
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let store = open(folder.path(), &clock).await;
        for _ in 0..10 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let grant = store.reserve(&credential, &request).await;
                grant.unwrap().calls
            }));
        }
    }
    let mut given = 0;
    for task in tasks {
        given += task.await.unwrap();
    }
    assert_eq!(given, 120);
    let store = open(folder.path(), &clock).await;
    clock.advance(Duration::from_secs(80));
    let grant = store.reserve(&credential, &request).await.unwrap();
    assert_eq!((grant.calls, grant.round), (10, 2));
    store.block(&credential, MINUTE).await.unwrap();
    let grant = store.reserve(&credential, &request).await.unwrap();
    assert_eq!((grant.calls, grant.renews_in), (0, MINUTE));
}
