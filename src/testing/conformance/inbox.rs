//! What the [`Inbox`](crate::store::Inbox) promises.

use std::sync::Arc;

use super::fixtures::*;
use crate::model::BookingUid;
use crate::store::{Accepted, DeliveryFate, PendingWrite, Revision, Store, SyncKey};

/// Accepting a delivery about an unknown booking makes a link, due when the delivery came.
pub async fn accepting_makes_a_link_that_is_due(store: &dyn Store) {
    let link = accept(store, delivery("booking-1", 1, 0)).await;
    let claim = claim(store, 0).await;
    assert_eq!(claim.link.id, link);
    assert_eq!(claim.link.appointment, None);
    assert!(claim.link.is_bare());
    assert_eq!(claim.deliveries.len(), 1);
    let delivered = &claim.deliveries[0];
    assert_eq!(delivered.trigger, "BOOKING_CREATED");
    assert_eq!(delivered.booking, Some(BookingUid::new("booking-1")));
    assert_eq!(delivered.received_at, at(0));
}

/// Bytes that were stored before are a duplicate and change nothing, also after they were settled.
pub async fn the_same_bytes_twice_are_a_duplicate(store: &dyn Store) {
    accept(store, delivery("booking-1", 1, 0)).await;
    let again = store.accept(delivery("booking-1", 1, 1)).await;
    assert_eq!(again.expect("a delivery is accepted"), Accepted::Duplicate);
    let claim = claim(store, 1).await;
    assert_eq!(claim.deliveries.len(), 1);
    settle(store, &claim, all_settled(&claim, 1)).await;
    let late = store.accept(delivery("booking-1", 1, 2)).await;
    assert_eq!(late.expect("a delivery is accepted"), Accepted::Duplicate);
    assert_nothing_due(store, 3).await;
}

/// A delivery that is ignored is stored with its reason, and no link is due for it.
pub async fn an_ignored_delivery_waits_for_nobody(store: &dyn Store) {
    let mut ignored = delivery("booking-1", 1, 0);
    ignored.ignored = Some(DeliveryFate::IgnoredTrigger);
    let accepted = store.accept(ignored.clone()).await;
    assert_eq!(
        accepted.expect("a delivery is accepted"),
        Accepted::Stored { link: None }
    );
    assert_nothing_due(store, 1).await;
    let stored = store
        .deliveries(&tenant())
        .await
        .expect("deliveries are read");
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].1, Some(DeliveryFate::IgnoredTrigger));
    let again = store.accept(ignored).await;
    assert_eq!(again.expect("a delivery is accepted"), Accepted::Duplicate);
}

/// A delivery about any booking of a link's chain goes to that link.
pub async fn a_link_is_found_by_any_booking_of_its_chain(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let claimed = claim(store, 0).await;
    let mut settlement = all_settled(&claimed, 0);
    settlement.link.booking = Some(BookingUid::new("newest"));
    settlement.link.base = Some(state(0));
    settlement.chain_uids = vec![BookingUid::new("first"), BookingUid::new("newest")];
    settle(store, &claimed, settlement).await;
    assert_eq!(
        accept(store, delivery("first", 1, 1)).await,
        claimed.link.id
    );
    assert_eq!(
        accept(store, delivery("newest", 2, 1)).await,
        claimed.link.id
    );
    assert_eq!(claim(store, 1).await.deliveries.len(), 2);
}

/// A delivery about an unknown booking goes to the link of the booking that it replaced; its own uid is remembered.
pub async fn a_link_is_found_by_the_booking_that_was_replaced(store: &dyn Store) {
    let link = pair(store, "a", "old", 0).await;
    let mut moved = delivery("new", 1, 1);
    moved.rescheduled_from = Some(BookingUid::new("old"));
    assert_eq!(accept(store, moved).await, link.id);
    assert_eq!(find_known(store, &by_booking("new")).await.id, link.id);
    assert_eq!(accept(store, delivery("new", 2, 2)).await, link.id);
}

/// A delivery about an unknown booking goes to the link whose sync key it carries; its own uid is remembered.
pub async fn a_link_is_found_by_its_sync_key(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let claimed = claim(store, 0).await;
    let write = PendingWrite::CreateBooking {
        sync_key: SyncKey::new("key"),
        state: state(0),
        revision: Revision::FIRST,
        earlier: Vec::new(),
    };
    let begun = store.begin_write(&claimed.lease, &write, at(5)).await;
    begun.expect("a write is begun under a valid lease");
    let mut created = delivery("new", 1, 1);
    created.sync_key = Some(SyncKey::new("key"));
    assert_eq!(accept(store, created).await, claimed.link.id);
    assert_eq!(
        find_known(store, &by_booking("new")).await.id,
        claimed.link.id
    );
}

/// The booking's own uid counts before that of the booking it replaced, and that before the sync key.
pub async fn the_booking_counts_before_the_one_it_replaced_and_the_sync_key(store: &dyn Store) {
    let by_uid = pair(store, "a", "own", 0).await;
    let by_replaced = pair(store, "b", "replaced", 1).await;
    record(store, "c", 1, 2).await;
    let keyed = claim(store, 2).await;
    let mut settlement = all_settled(&keyed, 2);
    settlement.link.sync_key = Some(SyncKey::new("key"));
    settlement.link.base = Some(state(0));
    settle(store, &keyed, settlement).await;

    let mut all_three = delivery("own", 1, 3);
    all_three.rescheduled_from = Some(BookingUid::new("replaced"));
    all_three.sync_key = Some(SyncKey::new("key"));
    assert_eq!(accept(store, all_three.clone()).await, by_uid.id);
    all_three.booking = Some(BookingUid::new("unknown"));
    all_three.fingerprint = [2; 32];
    assert_eq!(accept(store, all_three).await, by_replaced.id);
}

/// A delivery is accepted while a worker has its link, and the link is due again afterwards.
pub async fn accepting_waits_for_no_lease(store: &dyn Store) {
    let link = accept(store, delivery("booking-1", 1, 0)).await;
    let first = claim(store, 0).await;
    assert_eq!(accept(store, delivery("booking-1", 2, 1)).await, link);
    settle(store, &first, all_settled(&first, 1)).await;
    let second = claim(store, 1).await;
    assert_eq!(second.link.id, link);
    assert_eq!(second.deliveries.len(), 1);
}

/// Deliveries are claimed and listed oldest first, each with how it ended.
pub async fn deliveries_come_oldest_first_with_their_fate(store: &dyn Store) {
    for number in [3, 1, 2] {
        accept(store, delivery("booking-1", number, 0)).await;
    }
    let claim = claim(store, 0).await;
    let mut settlement = all_settled(&claim, 0);
    settlement.deliveries.pop();
    settle(store, &claim, settlement).await;
    let stored = store
        .deliveries(&tenant())
        .await
        .expect("deliveries are read");
    let (rows, fates): (Vec<_>, Vec<_>) = stored.into_iter().unzip();
    assert_eq!(rows, claim.deliveries);
    let applied = Some(DeliveryFate::Applied);
    assert_eq!(fates, [applied.clone(), applied, None]);
    assert!(rows.is_sorted_by_key(|delivery| delivery.id));
}

/// Of identical deliveries that come at once, one is stored and the others are duplicates.
pub async fn identical_deliveries_at_once_are_stored_once(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.accept(delivery("booking-1", 1, 0)).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        let accepted = task.await.expect("the task accepts");
        if accepted.expect("a delivery is accepted") != Accepted::Duplicate {
            stored += 1;
        }
    }
    assert_eq!(stored, 1);
    assert_eq!(claim(&*store, 0).await.deliveries.len(), 1);
}

/// Different deliveries about one unknown booking that come at once make one link.
pub async fn deliveries_of_one_booking_at_once_make_one_link(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { accept(&*store, delivery("booking-1", number, 0)).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task accepts");
    }
    assert_eq!(claim(&*store, 0).await.deliveries.len(), 8);
    assert_nothing_due(&*store, 0).await;
}
