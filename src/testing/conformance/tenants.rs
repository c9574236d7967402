//! What [`Tenants`](crate::store::Tenants) promises.

use super::bench::Bench;
use super::fixtures::*;
use super::resolutions::pause;
use crate::store::{
    Hold, LogEvent, NewReview, Page, Resolution, ReviewEnd, ReviewId, ReviewItem, ReviewReason,
    StoreErrorKind,
};

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

fn by_hand() -> NewReview {
    let reason = ReviewReason::PausedByPerson;
    let review = NewReview::of_tenant("by hand", reason, evidence("paused by eve"));
    review.ending(ReviewEnd::WithCause)
}

async fn try_pause(bench: &Bench, review: &NewReview) -> Option<ReviewId> {
    let paused = bench.store.pause(&tenant(), review).await;
    paused.expect("a tenant can be paused")
}

/// Pauses the first tenant as a person does.
async fn pause_by_hand(bench: &Bench) -> ReviewItem {
    let id = try_pause(bench, &by_hand()).await;
    let id = id.expect("the tenant was not paused");
    let open = bench.open_items().await.into_iter();
    let mut open = open.filter(|item| item.id == id);
    open.next().expect("a pause has an open item")
}

/// A person pauses one tenant: nothing of it is claimed, whenever it came, and all of the others is.
/// The item is about the tenant, with no link and nobody's appointment, and the log tells of it.
pub async fn a_person_pauses_one_tenant(bench: &Bench) {
    bench.pair("known", "booking-1").await;
    bench.record("before", 1).await;
    let item = pause_by_hand(bench).await;
    assert!(bench.is_paused().await);
    let theirs = bench.store.is_paused(&other_tenant()).await;
    assert!(!theirs.expect("a tenant is read"));
    assert_eq!((item.tenant.clone(), item.link), (tenant(), None));
    assert_eq!((item.links, item.count), (0, 1));
    assert_eq!((&item.appointment, &item.resolved), (&None, &None));
    assert_eq!(item.cause, "by hand");
    assert_eq!(item.reason, ReviewReason::PausedByPerson);
    assert_eq!(item.ends, ReviewEnd::WithCause);
    assert_eq!(item.evidence, evidence("paused by eve"));
    assert_eq!(item.opened_at, item.updated_at);
    assert_eq!(bench.item(&item).await, item);
    let log = bench.log().await;
    let line = log.last().expect("the pause is logged");
    assert_eq!(line.event, LogEvent::TenantPaused);
    assert_eq!((line.link, &line.appointment), (None, &None));

    bench.record("during", 1).await;
    bench.accept(delivery("booking-1", 1)).await;
    bench.record_for(&other_tenant(), "theirs", 1).await;
    let claim = bench.claim().await;
    assert_eq!(claim.link.tenant, other_tenant());
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;
    resume(bench).await;
    for _ in ["known", "before", "during"] {
        bench.claim().await;
    }
}

/// Pausing a tenant that is paused, by whomever, changes nothing.
pub async fn a_tenant_is_paused_once(bench: &Bench) {
    let item = pause_by_hand(bench).await;
    let log = bench.log().await;
    let mut other = by_hand();
    other.cause = "another".to_owned();
    for again in [by_hand(), other.clone()] {
        bench.pass(SPAN / 2).await;
        assert_eq!(try_pause(bench, &again).await, None);
        assert_eq!(bench.open_items().await, std::slice::from_ref(&item));
        assert_eq!(bench.log().await, log);
    }
    resume(bench).await;
    let by_settlement = pause(bench, "a").await;
    assert_eq!(try_pause(bench, &other).await, None);
    assert_eq!(bench.open_items().await, [by_settlement]);
}

/// Of pauses that come at once, one is stored.
pub async fn pauses_at_once_are_one(bench: &Bench) {
    let pauses: Vec<_> = (0..8)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.pause(&tenant(), &by_hand()).await })
        })
        .collect();
    let mut items = Vec::new();
    for paused in pauses {
        let paused = paused.await.expect("the task pauses");
        items.extend(paused.expect("a tenant can be paused"));
    }
    assert_eq!(items.len(), 1);
    let open = bench.open_items().await;
    assert_eq!((open.len(), open[0].id, open[0].count), (1, items[0], 1));
}

/// An open item with the cause of a pause becomes the item of the pause, and counts it.
pub async fn a_pause_takes_up_the_item_of_its_cause(bench: &Bench) {
    let known = bench.review("a", 1, of_tenant("by hand")).await;
    assert_eq!(try_pause(bench, &by_hand()).await, Some(known.id));
    let item = bench.item(&known).await;
    assert_eq!((item.count, item.links), (2, 1));
    assert_eq!(item.evidence, evidence("paused by eve"));
    let dismissed = bench.try_resolve(known.id, Resolution::Dismiss).await;
    assert_fails(dismissed, StoreErrorKind::Invalid);
    resume(bench).await;
    assert_eq!(bench.open_items().await, []);
}

/// As long as a person's pause lasts its item stays open, whatever a settlement of a link says that was
/// leased before, and however it is to end; it can only be retried.
pub async fn the_item_of_a_persons_pause_stays_open(bench: &Bench) {
    for (name, ends) in [
        ("a", ReviewEnd::WithCause),
        ("b", ReviewEnd::WithLinks),
        ("c", ReviewEnd::ByPerson),
    ] {
        bench.record(name, 1).await;
        let under_way = bench.claim().await;
        let review = by_hand().ending(ends);
        let id = try_pause(bench, &review).await;
        let id = id.expect("the tenant was not paused");
        let mut settlement = all_settled(&under_way);
        settlement.settled = true;
        settlement.gone = vec!["by hand".to_owned()];
        bench.settle(&under_way, settlement).await;
        for other in [
            Resolution::Dismiss,
            Resolution::TakeRemote,
            Resolution::ForceLocal,
            Resolution::AcceptDifference,
            Resolution::Rebook { start: at(90) },
        ] {
            let resolved = bench.try_resolve(id, other).await;
            assert_fails(resolved, StoreErrorKind::Invalid);
        }
        let open = bench.open_items().await;
        assert_eq!((open.len(), open[0].id), (1, id));
        assert!(bench.is_paused().await);
        resume(bench).await;
        assert_eq!(bench.open_items().await, []);
    }
}

/// Resuming ends a person's pause and closes its item by itself; the next pause has another.
pub async fn resuming_ends_a_persons_pause(bench: &Bench) {
    let item = pause_by_hand(bench).await;
    resume(bench).await;
    assert!(!bench.is_paused().await);
    let closed = bench.item(&item).await;
    let how = closed.resolved.expect("the item is closed");
    assert_eq!(how.resolution, Resolution::Settled);
    let log = bench.log().await;
    let line = log.last().expect("the end of the pause is logged");
    match &line.event {
        LogEvent::ReviewResolved { reason, .. } => assert_eq!(*reason, item.reason),
        other => panic!("expected the item to be closed, found {other:?}"),
    }
    let next = pause_by_hand(bench).await;
    assert_ne!(next.id, item.id);
    assert_eq!(next.count, 1);
}

/// Retrying the item of a person's pause resumes, and leaves no mark: no link is involved.
pub async fn retrying_ends_a_persons_pause(bench: &Bench) {
    bench.pair("a", "booking-1").await;
    let item = pause_by_hand(bench).await;
    let closed = bench.resolve(&item, Resolution::Retry).await;
    let how = closed.resolved.expect("the item is closed");
    assert_eq!(
        (how.resolution, how.by.as_str()),
        (Resolution::Retry, "desk")
    );
    assert!(!bench.is_paused().await);
    assert_eq!(bench.open_items().await, []);
    bench.assert_nothing_due().await;
    bench.record("a", 2).await;
    assert_eq!(bench.claim().await.changes.len(), 1);
}

/// A pause neither shortens nor ends a hold.
pub async fn a_persons_pause_leaves_a_hold(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.hold = Some(Hold::For(LEASE));
    bench.settle(&claim, settlement).await;
    pause_by_hand(bench).await;
    let counts = bench.store.work_counts(&tenant(), SPAN).await;
    let counts = counts.expect("work is counted");
    assert!(counts.is_paused);
    assert_due_in(counts.held_for, LEASE);
}

/// Pauses by hand while a link is leased whose settlement then pauses, too, for another cause.
async fn pause_twice(bench: &Bench, revision: u64) -> [ReviewItem; 2] {
    bench.record("a", revision).await;
    let under_way = bench.claim().await;
    let by_hand = pause_by_hand(bench).await;
    let mut settlement = crate::store::Settlement::new(under_way.link.clone());
    settlement.reviews = vec![of_tenant("refused").ending(ReviewEnd::WithCause)];
    settlement.hold = Some(Hold::Pause("refused".to_owned()));
    let settled = bench.settle(&under_way, settlement).await;
    assert_eq!(settled.opened.len(), 1);
    let mut open = bench.open_items().await;
    let [refused] = settled.opened.as_slice() else {
        panic!("expected one item to be opened, got {settled:?}");
    };
    open.retain(|item| item.id == *refused);
    [by_hand, open.remove(0)]
}

/// A settlement that pauses a tenant that a person has paused opens its item, which resumes nothing: the
/// pause stays the person's.
pub async fn a_pause_is_not_taken_over(bench: &Bench) {
    let [by_hand, refused] = pause_twice(bench, 1).await;
    let dismissed = bench.try_resolve(by_hand.id, Resolution::Dismiss).await;
    assert_fails(dismissed, StoreErrorKind::Invalid);
    bench.resolve(&refused, Resolution::Retry).await;
    assert!(bench.is_paused().await);
    assert_eq!(bench.open_items().await, std::slice::from_ref(&by_hand));
    bench.assert_nothing_due().await;
    bench.resolve(&by_hand, Resolution::Retry).await;
    assert!(!bench.is_paused().await);
    let claim = bench.claim().await;
    assert_eq!((claim.changes.len(), claim.marks.len()), (1, 1));
}

/// When a pause ends, by resuming or by retrying its item, no item stays open that a pause has opened;
/// items of other kinds, and of links, do.
pub async fn no_item_outlives_the_pauses_that_opened_it(bench: &Bench) {
    let of_tenant = bench.review("b", 1, of_tenant("moved")).await;
    let of_link = of_link(ReviewReason::Conflict).ending(ReviewEnd::WithCause);
    let of_link = bench.review("b", 2, of_link).await;
    let pause = pause_by_hand(bench).await;
    resume(bench).await;
    assert!(bench.item(&pause).await.resolved.is_some());
    for (revision, retry) in [(1, false), (2, true)] {
        let [by_hand, refused] = pause_twice(bench, revision).await;
        if retry {
            bench.resolve(&by_hand, Resolution::Retry).await;
        } else {
            resume(bench).await;
        }
        assert!(!bench.is_paused().await);
        assert_eq!(
            bench.open_items().await,
            [of_tenant.clone(), of_link.clone()]
        );
        let how = bench.item(&refused).await.resolved;
        assert_eq!(
            how.map(|how| how.resolution),
            Some(Resolution::Settled),
            "with the pause, and not as a decision about it"
        );
        let claim = bench.claim().await;
        assert_eq!(claim.marks.len(), 0);
        bench.settle_all(&claim).await;
    }
}
