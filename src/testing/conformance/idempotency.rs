//! What an [`IdempotencyStore`] promises.

use std::sync::Arc;

use crate::client::{IdempotencyKey, IdempotencyRecord, IdempotencyStore};
use crate::model::BookingUid;

const REQUEST: [u8; 32] = [7; 32];

fn key() -> IdempotencyKey {
    IdempotencyKey::new("order-1001")
}

async fn begin(
    store: &dyn IdempotencyStore,
    key: &IdempotencyKey,
    request: [u8; 32],
) -> Option<IdempotencyRecord> {
    let begun = store.begin(key, request).await;
    begun.expect("a key is begun")
}

async fn finish(store: &dyn IdempotencyStore, uid: &str) -> IdempotencyRecord {
    let record = IdempotencyRecord::new(REQUEST).with_booking(BookingUid::new(uid));
    let finished = store.finish(&key(), record.clone()).await;
    finished.expect("a key is finished");
    record
}

/// A new key is begun.
pub async fn a_new_key_is_begun(store: Arc<dyn IdempotencyStore>) {
    assert_eq!(begin(&*store, &key(), REQUEST).await, None);
}

/// A begun key is known, and its booking is not.
pub async fn a_begun_key_is_known(store: Arc<dyn IdempotencyStore>) {
    begin(&*store, &key(), REQUEST).await;
    let begun = IdempotencyRecord::new(REQUEST);
    assert_eq!(begin(&*store, &key(), REQUEST).await, Some(begun));
}

/// Beginning a key again with another request changes nothing.
pub async fn a_key_keeps_its_first_request(store: Arc<dyn IdempotencyStore>) {
    begin(&*store, &key(), REQUEST).await;
    let first = IdempotencyRecord::new(REQUEST);
    for _ in 0..2 {
        assert_eq!(begin(&*store, &key(), [8; 32]).await, Some(first.clone()));
    }
}

/// A finished key gives its booking.
pub async fn a_finished_key_gives_its_booking(store: Arc<dyn IdempotencyStore>) {
    begin(&*store, &key(), REQUEST).await;
    let record = finish(&*store, "booking").await;
    assert_eq!(begin(&*store, &key(), REQUEST).await, Some(record));
}

/// A key may have been discarded before it is finished.
pub async fn a_key_may_be_finished_that_was_not_begun(store: Arc<dyn IdempotencyStore>) {
    let record = finish(&*store, "booking").await;
    assert_eq!(begin(&*store, &key(), REQUEST).await, Some(record));
}

/// A forgotten key is new, and forgetting an unknown one is no error.
pub async fn a_forgotten_key_is_new(store: Arc<dyn IdempotencyStore>) {
    begin(&*store, &key(), REQUEST).await;
    for _ in 0..2 {
        store.forget(&key()).await.expect("a key is forgotten");
    }
    assert_eq!(begin(&*store, &key(), [8; 32]).await, None);
}

/// Keys that differ in case, spaces or length alone are different keys, whatever they consist of.
pub async fn keys_are_told_apart_to_the_letter(store: Arc<dyn IdempotencyStore>) {
    let long = "ü".repeat(500);
    let almost = format!("{}u", "ü".repeat(499));
    for text in [
        "a", "A", "a ", " a", "a\0", "ä", "a\u{308}", "'", "%", "🦀", &long, &almost,
    ] {
        let key = IdempotencyKey::new(text);
        assert_eq!(begin(&*store, &key, REQUEST).await, None, "{text:?}");
        let known = begin(&*store, &key, REQUEST).await;
        assert!(known.is_some(), "{text:?}");
    }
}

/// Of many who begin a key at once, one is the first.
pub async fn of_many_who_begin_at_once_one_is_first(store: Arc<dyn IdempotencyStore>) {
    for round in 0..10 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let store = Arc::clone(&store);
                let key = IdempotencyKey::new(format!("order-{round}"));
                tokio::spawn(async move { begin(&*store, &key, REQUEST).await.is_none() })
            })
            .collect();
        let mut first = 0;
        for task in tasks {
            first += u32::from(task.await.expect("a task ends"));
        }
        assert_eq!(first, 1, "round {round}");
    }
}
