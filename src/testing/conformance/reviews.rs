//! What [`Reviews`](crate::store::Reviews) promises.

use std::sync::Arc;

use super::fixtures::*;
use crate::store::{
    AppointmentId, LogEvent, Resolution, ReviewId, ReviewItem, ReviewReason, Settlement, Store,
    StoreErrorKind,
};

async fn open_items(store: &dyn Store) -> Vec<ReviewItem> {
    let open = store.open_reviews(&tenant()).await;
    open.expect("reviews are read")
}

/// A settlement opens an item for its link, with all its evidence.
pub async fn a_settlement_opens_an_item(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::Conflict, 3).await;
    let link = find_known(store, &by_appointment("a")).await;
    let open = open_items(store).await;
    assert_eq!(open.len(), 1);
    let item = &open[0];
    assert_eq!(item.tenant, tenant());
    assert_eq!(item.link, Some(link.id));
    assert_eq!(item.appointment, Some(AppointmentId::new("a")));
    assert_eq!(item.reason, ReviewReason::Conflict);
    assert_eq!(
        item.evidence,
        review(ReviewReason::Conflict, "decide").evidence
    );
    assert_eq!((item.opened_at, item.updated_at), (at(3), at(3)));
    assert_eq!(item.resolved, None);
    let read = store.review(&tenant(), item.id).await;
    assert_eq!(read.expect("a review is read").as_ref(), Some(item));
}

/// Opening an item that is open brings it up to date; another reason, or another link, has its own.
pub async fn a_reason_has_one_open_item(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::Conflict, 0).await;
    let first = open_items(store).await.remove(0);
    record(store, "a", 2, 1).await;
    let claim = claim(store, 1).await;
    let mut settlement = all_settled(&claim, 1);
    settlement.review = Some(review(ReviewReason::Conflict, "decide again"));
    settle(store, &claim, settlement).await;
    let open = open_items(store).await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id, first.id);
    assert_eq!(open[0].evidence.message, "decide again");
    assert_eq!((open[0].opened_at, open[0].updated_at), (at(0), at(1)));

    send_to_review(store, "a", 3, ReviewReason::SlotTaken, 2).await;
    send_to_review(store, "b", 1, ReviewReason::Conflict, 3).await;
    assert_eq!(open_items(store).await.len(), 3);
}

/// A reason that comes up again after its item was closed opens a new one.
pub async fn a_closed_item_is_not_opened_again(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::Conflict, 0).await;
    let first = open_items(store).await.remove(0);
    let closed = store
        .resolve(&tenant(), first.id, &resolved(Resolution::Dismiss, 1))
        .await;
    closed.expect("an open item can be resolved");
    send_to_review(store, "a", 2, ReviewReason::Conflict, 2).await;
    let open = open_items(store).await;
    assert_eq!(open.len(), 1);
    assert_ne!(open[0].id, first.id);
}

/// Open items come oldest first.
pub async fn open_items_come_oldest_first(store: &dyn Store) {
    for (minute, appointment) in [(0, "b"), (1, "c"), (2, "a")] {
        send_to_review(store, appointment, 1, ReviewReason::Rejected, minute).await;
    }
    let opened: Vec<_> = open_items(store)
        .await
        .iter()
        .map(|item| item.opened_at)
        .collect();
    assert_eq!(opened, [at(0), at(1), at(2)]);
}

/// A settlement that closes reviews closes the link's items, except the one it opens, and the log says so.
pub async fn other_items_close_themselves(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::Conflict, 0).await;
    send_to_review(store, "a", 2, ReviewReason::SlotTaken, 1).await;
    send_to_review(store, "b", 1, ReviewReason::Conflict, 2).await;
    let before = open_items(store).await;
    record(store, "a", 3, 3).await;
    let claim = claim(store, 3).await;
    let mut settlement = all_settled(&claim, 3);
    settlement.review = Some(review(ReviewReason::SlotTaken, "still taken"));
    settlement.close_reviews = true;
    settle(store, &claim, settlement).await;

    let open: Vec<ReviewId> = open_items(store).await.iter().map(|item| item.id).collect();
    assert_eq!(open, [before[1].id, before[2].id]);
    let closed = store.review(&tenant(), before[0].id).await;
    let closed = closed
        .expect("a review is read")
        .expect("a closed item stays");
    let how = closed.resolved.expect("a closed item says how");
    assert_eq!(how.resolution, Resolution::Settled);
    assert_eq!((how.by.as_str(), how.at), ("calcom", at(3)));
    let log = store
        .log(&tenant(), None, 100)
        .await
        .expect("the log is read");
    let resolved: Vec<_> = log
        .iter()
        .filter(|line| matches!(line.event, LogEvent::ReviewResolved { .. }))
        .collect();
    assert_eq!(resolved.len(), 1);
    assert_eq!(
        resolved[0].event,
        LogEvent::ReviewResolved {
            reason: ReviewReason::Conflict,
            resolution: Resolution::Settled,
            by: "calcom".to_owned(),
        }
    );
}

/// A report of a foreign booking does not settle itself: only a person closes it.
pub async fn a_report_of_a_foreign_booking_stays_open(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::ForeignBooking, 0).await;
    record(store, "a", 2, 1).await;
    let claim = claim(store, 1).await;
    let mut settlement = all_settled(&claim, 1);
    settlement.close_reviews = true;
    settle(store, &claim, settlement).await;
    let open = open_items(store).await;
    assert_eq!(open.len(), 1);
    let decision = resolved(Resolution::Dismiss, 2);
    let closed = store.resolve(&tenant(), open[0].id, &decision).await;
    closed.expect("a person closes it");
}

/// An item is resolved once; the second call fails and changes nothing.
pub async fn an_item_is_resolved_once(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::Conflict, 0).await;
    let item = open_items(store).await.remove(0);
    let decision = resolved(Resolution::Dismiss, 1);
    let closed = store.resolve(&tenant(), item.id, &decision).await;
    let closed = closed.expect("an open item can be resolved");
    assert_eq!(closed.resolved.as_ref(), Some(&decision));
    assert!(open_items(store).await.is_empty());

    let again = store
        .resolve(&tenant(), item.id, &resolved(Resolution::Retry, 2))
        .await;
    assert_fails(again, StoreErrorKind::Conflict);
    let read = store.review(&tenant(), item.id).await;
    assert_eq!(read.expect("a review is read"), Some(closed));
    assert_nothing_due(store, 9).await;
}

/// An item that is not there, or is another tenant's, is not found.
pub async fn an_unknown_item_is_not_found(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::Conflict, 0).await;
    let item = open_items(store).await.remove(0);
    let decision = resolved(Resolution::Retry, 1);
    let unknown = ReviewId::new(i64::MAX);
    assert_fails(
        store.resolve(&tenant(), unknown, &decision).await,
        StoreErrorKind::NotFound,
    );
    assert_fails(
        store.resolve(&other_tenant(), item.id, &decision).await,
        StoreErrorKind::NotFound,
    );
    let elsewhere = store.review(&other_tenant(), item.id).await;
    assert_eq!(elsewhere.expect("a review is read"), None);
    assert_eq!(open_items(store).await, [item]);
}

/// Retrying makes the link due and to be read, with its attempts at zero.
pub async fn retry_marks_the_link_to_be_read_from_the_first_attempt(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    let mut settlement = all_settled(&first, 0);
    settlement.link.attempts = 3;
    settlement.review = Some(review(ReviewReason::RetriesExhausted, "retry"));
    settle(store, &first, settlement).await;
    let item = open_items(store).await.remove(0);
    let retried = store
        .resolve(&tenant(), item.id, &resolved(Resolution::Retry, 5))
        .await;
    retried.expect("an open item can be resolved");
    let second = claim(store, 5).await;
    assert_eq!(second.link.id, first.link.id);
    assert_eq!(second.link.attempts, 0);
    assert!(second.link.verify, "the booking is not going to be read");
}

/// A retry that is asked for while a worker has the link holds after the worker settles it.
pub async fn retry_during_the_work_outlives_its_settlement(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::RetriesExhausted, 0).await;
    let item = open_items(store).await.remove(0);
    record(store, "a", 2, 1).await;
    let during = claim(store, 1).await;
    let retried = store
        .resolve(&tenant(), item.id, &resolved(Resolution::Retry, 1))
        .await;
    retried.expect("an open item can be resolved");
    let mut settlement = all_settled(&during, 2);
    settlement.link.attempts = 3;
    settle(store, &during, settlement).await;
    let after = claim(store, 2).await;
    assert_eq!(after.link.attempts, 0);
    assert!(after.link.verify, "the booking is not going to be read");
}

/// Dismissing an item makes nothing due.
pub async fn dismissing_marks_nothing(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::Conflict, 0).await;
    let item = open_items(store).await.remove(0);
    let dismissed = store
        .resolve(&tenant(), item.id, &resolved(Resolution::Dismiss, 1))
        .await;
    dismissed.expect("an open item can be resolved");
    assert_nothing_due(store, 9).await;
}

/// An item opened with a pause is the tenant's, there is one a reason, and retrying it lets the tenant's work go on.
pub async fn retry_of_a_tenants_item_lets_its_work_go_on(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    record(store, "b", 1, 0).await;
    for claim in [claim(store, 0).await, claim(store, 0).await] {
        let mut settlement = Settlement::new(claim.link.clone(), at(0));
        settlement.next_due = Some(at(1));
        settlement.review = Some(review(ReviewReason::CredentialsRefused, "look at the key"));
        settlement.pause_tenant = true;
        settle(store, &claim, settlement).await;
    }
    let open = open_items(store).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((open[0].link, &open[0].appointment), (None, &None));
    assert_nothing_due(store, 1).await;

    let retried = store
        .resolve(&tenant(), open[0].id, &resolved(Resolution::Retry, 2))
        .await;
    retried.expect("an open item can be resolved");
    assert!(!store.is_paused(&tenant()).await.expect("a tenant is read"));
    claim(store, 2).await;
    claim(store, 2).await;
}

/// Of resolutions that come at once, one is stored.
pub async fn an_item_resolved_at_once_is_resolved_once(store: Arc<dyn Store>) {
    send_to_review(&*store, "a", 1, ReviewReason::Conflict, 0).await;
    let item = open_items(&*store).await.remove(0);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, id) = (Arc::clone(&store), item.id);
            tokio::spawn(async move {
                let decision = resolved(Resolution::Retry, 1);
                store.resolve(&tenant(), id, &decision).await
            })
        })
        .collect();
    let mut resolutions = 0;
    for task in tasks {
        match task.await.expect("the task resolves") {
            Ok(_) => resolutions += 1,
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(resolutions, 1);
}
