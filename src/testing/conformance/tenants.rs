//! What [`Tenants`](crate::store::Tenants) promises.

use super::bench::Bench;
use super::fixtures::*;
use super::resolutions::pause;
use crate::store::{Hold, Page, Resolution, ReviewEnd};

async fn resume(bench: &Bench) {
    let resumed = bench.store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
}

/// A tenant is paused by a settlement, and then nothing of it is claimed until it is resumed; its
/// item closes with the pause.
pub async fn resuming_ends_a_pause_and_closes_its_item(bench: &Bench) {
    assert!(!bench.is_paused().await);
    let item = pause(bench, "a").await;
    bench.assert_nothing_due().await;
    resume(bench).await;
    assert!(!bench.is_paused().await);
    let closed = bench.item(&item).await;
    let how = closed.resolved.expect("the item is closed");
    assert_eq!(how.resolution, Resolution::Settled);
    assert_eq!(bench.open_items().await, []);
    assert_eq!(bench.claim().await.changes.len(), 1);
}

/// What comes while the tenant is paused is due when its work goes on.
pub async fn what_becomes_due_during_a_pause_stays_due(bench: &Bench) {
    bench.pair("settled", "booking-1").await;
    pause(bench, "a").await;
    bench.record("b", 1).await;
    bench.accept(delivery("booking-1", 1)).await;
    bench.assert_nothing_due().await;
    resume(bench).await;
    for _ in ["a", "b", "booking-1"] {
        bench.claim().await;
    }
    bench.assert_nothing_due().await;
}

/// A lease that was given out before the pause can be used during it, also to pause again: the
/// pause has one item.
pub async fn a_pause_leaves_leases_valid(bench: &Bench) {
    bench.record("b", 1).await;
    let before = bench.claim().await;
    let item = pause(bench, "a").await;
    let mut settlement = all_settled(&before);
    settlement.reviews = vec![of_tenant("key").ending(ReviewEnd::WithCause)];
    settlement.hold = Some(Hold::Pause("key".to_owned()));
    let settled = bench.settle(&before, settlement).await;
    assert_eq!(settled.opened, []);
    let open = bench.open_items().await;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].id, open[0].links, open[0].count), (item.id, 2, 2));
    resume(bench).await;
    assert_eq!(bench.open_items().await, []);
    bench.claim().await;
    bench.assert_nothing_due().await;
}

/// A hold for a time neither ends a pause nor outlasts its resumption.
pub async fn a_hold_does_not_touch_a_pause(bench: &Bench) {
    bench.record("b", 1).await;
    let before = bench.claim().await;
    pause(bench, "a").await;
    let mut settlement = all_settled(&before);
    settlement.hold = Some(Hold::For(SPAN));
    bench.settle(&before, settlement).await;
    bench.pass(SPAN).await;
    assert!(bench.is_paused().await);
    bench.assert_nothing_due().await;
    resume(bench).await;
    bench.claim().await;
}

/// A paused tenant has an open item as long as the pause lasts, even if a worker that was under way
/// says that its cause is gone, or that its link is settled.
pub async fn a_pause_keeps_its_item(bench: &Bench) {
    for name in ["b", "c"] {
        bench.record(name, 1).await;
    }
    let under_way = [bench.claim().await, bench.claim().await];
    let item = pause(bench, "a").await;
    for claim in under_way {
        let mut settlement = all_settled(&claim);
        settlement.gone = vec!["key".to_owned()];
        settlement.settled = true;
        bench.settle(&claim, settlement).await;
        let is_open = bench.item(&item).await.resolved.is_none();
        assert_eq!(bench.is_paused().await, is_open);
    }
}

/// Resuming a tenant that is neither paused nor held does nothing, and resuming closes no other
/// item.
pub async fn resuming_twice_is_harmless(bench: &Bench) {
    let other = bench.review("b", 1, of_tenant("moved")).await;
    resume(bench).await;
    pause(bench, "a").await;
    resume(bench).await;
    resume(bench).await;
    assert!(!bench.is_paused().await);
    assert_eq!(bench.open_items().await, [other]);
}

/// Resuming one tenant resumes no other.
pub async fn resuming_is_the_tenants_own(bench: &Bench) {
    pause(bench, "a").await;
    let resumed = bench.store.resume(&other_tenant()).await;
    resumed.expect("a tenant can be resumed");
    assert!(bench.is_paused().await);
}

/// No list of one tenant shows another's rows.
pub async fn no_list_reaches_across_tenants(bench: &Bench) {
    let item = bench
        .review("a", 1, of_link(crate::store::ReviewReason::Conflict))
        .await;
    bench.resolve(&item, Resolution::Dismiss).await;
    bench.review("a", 2, of_tenant("moved")).await;
    bench.accept(delivery("booking-1", 1)).await;
    let (theirs, page) = (other_tenant(), Page::first(ALL));
    let name = appointment("a");
    let changes = bench.store.changes(&theirs, &name, page).await;
    assert_eq!(changes.expect("changes are read"), []);
    let deliveries = bench.store.deliveries(&theirs, Page::first(ALL)).await;
    assert_eq!(deliveries.expect("deliveries are read"), []);
    let reviews = bench.store.open_reviews(&theirs, Page::first(ALL)).await;
    assert_eq!(reviews.expect("reviews are read"), []);
    let log = bench.store.log(&theirs, Page::first(ALL)).await;
    assert_eq!(log.expect("the log is read"), []);
    assert_eq!(bench.fates("a").await.len(), 2);
}
