//! What [`Upkeep`](crate::store::Upkeep) promises.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Accepted, DeliveryFate, LogEvent, Page, Pruned, Resolution, Retention, ReviewReason, Revision,
    StoreErrorKind,
};

async fn prune(bench: &Bench, older_than: Duration, limit: u32) -> Pruned {
    let pruned = bench.store.prune(&Retention::of(older_than), limit).await;
    pruned.expect("old rows can be removed")
}

/// Half a span: what ended a span ago has been over for longer, what ended just now has not.
const OLD: Duration = Duration::from_secs(1);

/// A turn that settles a change and a delivery, writes a line, and opens an item that is dismissed,
/// which writes another.
async fn one_of_each(bench: &Bench, name: &str, number: u32) {
    bench.pair(name, name).await;
    let item = bench.review(name, 2, of_link(ReviewReason::Conflict)).await;
    bench.resolve(&item, Resolution::Dismiss).await;
    bench.accept(delivery(name, number)).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::BaseMoved];
    bench.settle(&claim, settlement).await;
}

/// What has been over for longer than asked for is removed, of all tenants; the link stays, with
/// all its keys.
pub async fn what_is_over_is_removed(bench: &Bench) {
    one_of_each(bench, "a", 1).await;
    bench.record_for(&other_tenant(), "a", 1).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    let link = bench.find_known(&by_appointment("a")).await;
    bench.pass(SPAN).await;
    let pruned = prune(bench, OLD, ALL).await;
    assert_eq!((pruned.changes, pruned.deliveries), (3, 1));
    assert_eq!((pruned.reviews, pruned.log), (1, 2));
    assert_eq!(pruned.total(), 7);
    assert_eq!(bench.fates("a").await, []);
    assert_eq!(bench.delivery_fates().await, []);
    assert_eq!(bench.log().await, []);
    assert_eq!(prune(bench, OLD, ALL).await, Pruned::default());
    assert_eq!(bench.find_known(&by_appointment("a")).await, link);
    assert_eq!(bench.find_known(&by_booking("a")).await, link);
    bench.assert_nothing_due().await;
}

/// A resolved item that was removed is there no more.
pub async fn a_removed_item_is_gone(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.resolve(&item, Resolution::Dismiss).await;
    bench.pass(SPAN).await;
    assert_eq!(prune(bench, OLD, ALL).await.reviews, 1);
    let read = bench.store.review(&tenant(), item.id).await;
    assert_eq!(read.expect("a review is read"), None);
    let resolved = bench.try_resolve(item.id, Resolution::Retry).await;
    assert_fails(resolved, StoreErrorKind::NotFound);
    // The cause opens a new one.
    bench.review("a", 2, of_link(ReviewReason::Conflict)).await;
}

/// What ended less long ago than asked for stays, however long ago it was taken in.
pub async fn what_is_over_since_lately_stays(bench: &Bench) {
    let item = bench.review("b", 1, of_link(ReviewReason::Conflict)).await;
    bench.pass(SPAN).await;
    assert_eq!(prune(bench, OLD, ALL).await.changes, 1);
    bench.record("a", 1).await;
    bench.accept(delivery("booking-1", 1)).await;
    bench.pass(SPAN).await;
    for _ in ["a", "booking-1"] {
        let claim = bench.claim().await;
        let mut settlement = all_settled(&claim);
        settlement.log = vec![LogEvent::BaseMoved];
        bench.settle(&claim, settlement).await;
    }
    bench.resolve(&item, Resolution::Dismiss).await;
    assert_eq!(prune(bench, OLD, ALL).await, Pruned::default());
    assert_eq!(prune(bench, 2 * LEASE, ALL).await, Pruned::default());
    assert_eq!(bench.fates("a").await.len(), 1);
    assert_eq!(bench.delivery_fates().await.len(), 1);
    assert_eq!(bench.log().await.len(), 3);
    bench.pass(SPAN).await;
    assert_eq!(prune(bench, OLD, ALL).await.total(), 6);
}

/// What waits stays, however old it is: changes, deliveries, marks, open items, and resolved ones
/// with an instruction that was not read yet.
pub async fn what_is_not_over_stays(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    let open = bench.review("a", 2, of_link(ReviewReason::Conflict)).await;
    let decided = bench.review("a", 3, of_link(ReviewReason::Rejected)).await;
    bench.resolve(&decided, Resolution::ForceLocal).await;
    bench.record("a", 4).await;
    bench.accept(delivery("booking-a", 1)).await;
    bench.pass(SPAN).await;
    let pruned = prune(bench, OLD, ALL).await;
    assert_eq!((pruned.changes, pruned.deliveries), (3, 0));
    assert_eq!(pruned.reviews, 0);
    assert_eq!(bench.open_items().await, [open]);
    let claim = bench.claim().await;
    let counts = (
        claim.changes.len(),
        claim.deliveries.len(),
        claim.marks.len(),
    );
    assert_eq!(counts, (1, 1, 1));
    assert!(claim.marks[0].instruction.is_some());
    assert_eq!(claim.first_revision, Some(Revision::new(4)));
    assert_eq!(prune(bench, OLD, ALL).await.reviews, 0);
    bench.settle_all(&claim).await;
    assert_eq!(prune(bench, OLD, ALL).await.reviews, 1);
}

/// At most as many rows of each kind as allowed go at once, and nothing is left after enough calls.
pub async fn no_call_removes_more_than_its_limit(bench: &Bench) {
    for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
        one_of_each(bench, name, number).await;
    }
    bench.pass(SPAN).await;
    let mut total = Pruned::default();
    loop {
        let pruned = prune(bench, OLD, 2).await;
        let most = [
            pruned.changes,
            pruned.deliveries,
            pruned.reviews,
            pruned.log,
        ];
        assert!(most.iter().all(|rows| *rows <= 2), "{pruned:?}");
        if pruned == Pruned::default() {
            break;
        }
        total.changes += pruned.changes;
        total.deliveries += pruned.deliveries;
        total.reviews += pruned.reviews;
        total.log += pruned.log;
    }
    assert_eq!((total.changes, total.deliveries), (6, 3));
    assert_eq!((total.reviews, total.log), (3, 6));
}

/// What was removed is forgotten: the same revision, and the same bytes, ignored or not, are stored
/// anew.
pub async fn what_was_removed_may_come_anew(bench: &Bench) {
    let ignored = [DeliveryFate::IgnoredTrigger, DeliveryFate::RefusedForeign];
    let at_the_door = |number: u32| {
        let mut delivery = delivery("booking-1", 10 + number);
        let fate = &ignored[number as usize];
        delivery.ignored = Some(fate.clone());
        delivery
    };
    for _ in ["once", "anew"] {
        bench.record("a", 1).await;
        bench.accept(delivery("booking-1", 1)).await;
        for number in [0, 1] {
            let accepted = bench.try_accept(at_the_door(number)).await;
            assert_eq!(accepted, Accepted::Ignored);
        }
        for _ in ["a", "booking-1"] {
            let claim = bench.claim().await;
            bench.settle_all(&claim).await;
        }
        bench.assert_nothing_due().await;
        bench.pass(SPAN).await;
        let pruned = prune(bench, OLD, ALL).await;
        assert_eq!((pruned.changes, pruned.deliveries), (1, 3));
    }
}

/// Removing a settled delivery does not let the same bytes in twice while they wait again.
pub async fn bytes_that_wait_again_stay_one_delivery(bench: &Bench) {
    let mut same = delivery("booking-1", 1);
    same.trigger = "BOOKING_RESCHEDULED".to_owned();
    for fate in [DeliveryFate::Applied, DeliveryFate::IgnoredTrigger] {
        bench.accept(same.clone()).await;
        let claim = bench.claim().await;
        let mut settlement = all_settled(&claim);
        settlement.deliveries = vec![(claim.deliveries[0].id, fate)];
        bench.settle(&claim, settlement).await;
        bench.accept(same.clone()).await;
        bench.pass(SPAN).await;
        assert_eq!(prune(bench, OLD, ALL).await.deliveries, 1);
        let again = bench.try_accept(same.clone()).await;
        assert_eq!(again, Accepted::Duplicate);
        let claim = bench.claim().await;
        assert_eq!(claim.deliveries.len(), 1);
        bench.settle_all(&claim).await;
        bench.pass(SPAN).await;
        assert_eq!(prune(bench, OLD, ALL).await.deliveries, 1);
    }
}

/// Every kind has a span of its own, and what has none is kept.
pub async fn each_kind_is_kept_for_its_own_span(bench: &Bench) {
    one_of_each(bench, "a", 1).await;
    bench.pass(SPAN).await;
    let keep = Retention::forever();
    let prune = async |retention: Retention| {
        let pruned = bench.store.prune(&retention, ALL).await;
        pruned.expect("old rows can be removed")
    };
    assert_eq!(prune(keep).await, Pruned::default());
    let long = Retention::of(LEASE);
    assert_eq!(prune(long).await, Pruned::default());
    let only = prune(keep.with_changes(OLD)).await;
    assert_eq!((only.changes, only.total()), (2, 2));
    let only = prune(keep.with_reviews(OLD)).await;
    assert_eq!((only.reviews, only.total()), (1, 1));
    let only = prune(keep.with_log(OLD)).await;
    assert_eq!((only.log, only.total()), (2, 2));
    let only = prune(keep.with_deliveries(OLD)).await;
    assert_eq!((only.deliveries, only.total()), (1, 1));
}

/// A body may go before its delivery, once that is settled, and at most as many at once as allowed;
/// the delivery stays as it was.
pub async fn a_body_may_go_before_its_delivery(bench: &Bench) {
    for number in 1..=3 {
        bench.accept(delivery("booking-1", number)).await;
    }
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    bench.accept(delivery("booking-1", 4)).await;
    bench.pass(SPAN).await;
    let bodies = Retention::forever().with_bodies(OLD);
    let mut gone = Vec::new();
    for _ in 0..3 {
        let pruned = bench.store.prune(&bodies, 2).await;
        let pruned = pruned.expect("old bodies can be removed");
        assert_eq!(pruned.total(), pruned.bodies);
        gone.push(pruned.bodies);
    }
    assert_eq!(gone, [2, 1, 0]);
    let left = bench.store.bodies(&tenant(), Page::first(ALL)).await;
    let left = left.expect("bodies are read");
    assert_eq!(left.len(), 1, "that of a waiting delivery stays: {left:?}");
    let fates = bench.delivery_fates().await;
    assert_eq!(fates.len(), 4);
    assert_eq!(fates[0], Some(DeliveryFate::Applied));
    assert_eq!(fates[3], None);
}
