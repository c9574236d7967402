//! What [`Reviews`](crate::store::Reviews) promises of decisions, and of how they are carried out.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Hold, Instruction, MarkSource, Resolution, ReviewEnd, ReviewId, ReviewItem, ReviewReason,
    Settlement, StoreErrorKind,
};

/// An item is resolved once, by somebody; the second call fails and changes nothing.
pub async fn an_item_is_resolved_once(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    let closed = bench.resolve(&item, Resolution::Dismiss).await;
    let how = closed.resolved.clone().expect("the item is closed");
    assert_eq!(how.resolution, Resolution::Dismiss);
    assert_eq!((how.by.as_str(), how.outcome), ("desk", None));
    assert!(how.at >= item.opened_at);
    assert_eq!((closed.id, &closed.evidence), (item.id, &item.evidence));
    assert_eq!(bench.open_items().await, []);
    let again = bench.try_resolve(item.id, Resolution::Retry).await;
    assert_fails(again, StoreErrorKind::Conflict);
    assert_eq!(bench.item(&item).await, closed);
    bench.assert_nothing_due().await;
}

/// An item that has closed itself cannot be resolved.
pub async fn an_item_that_closed_itself_is_not_resolved(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.record("a", 2).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.settled = true;
    bench.settle(&claim, settlement).await;
    let late = bench.try_resolve(item.id, Resolution::Retry).await;
    assert_fails(late, StoreErrorKind::Conflict);
    bench.assert_nothing_due().await;
}

/// An item that is not there, or is another tenant's, is not found.
pub async fn an_unknown_item_is_not_found(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    let unknown = ReviewId::new(i64::MAX);
    for (tenant, id) in [(tenant(), unknown), (other_tenant(), item.id)] {
        let resolved = bench.store.resolve(&tenant, id, &Resolution::Retry, "desk");
        assert_fails(resolved.await, StoreErrorKind::NotFound);
        let read = bench.store.review(&tenant, id).await;
        assert_eq!(read.expect("a review is read"), None);
    }
    assert_eq!(bench.open_items().await, [item]);
}

/// A decision leaves a mark with the instruction for the link, whatever was decided, and it says
/// who decided what about what.
pub async fn a_decision_is_an_instruction_for_the_link(bench: &Bench) {
    let decisions = [
        Resolution::Retry,
        Resolution::TakeRemote,
        Resolution::ForceLocal,
        Resolution::AcceptDifference,
        Resolution::Rebook { start: at(90) },
    ];
    for (revision, decision) in (1..).zip(decisions) {
        let new = of_link(ReviewReason::Conflict);
        let item = bench.review("a", revision, new).await;
        bench.resolve(&item, decision.clone()).await;
        let claim = bench.claim().await;
        assert_eq!(Some(claim.link.id), item.link);
        assert_eq!((claim.changes.len(), claim.marks.len()), (0, 1));
        let mark = &claim.marks[0];
        assert_eq!(mark.source, MarkSource::Instruction);
        let expected = Instruction::new(item.id, item.reason, decision, "desk");
        assert_eq!(mark.instruction, Some(expected));
        bench.settle_all(&claim).await;
        bench.assert_nothing_due().await;
    }
}

/// A decision on an item of the tenant leaves an instruction for every link that has a part in it,
/// and for no other.
pub async fn a_decision_instructs_every_link_with_a_part(bench: &Bench) {
    for name in ["a", "b", "c"] {
        bench.review(name, 1, of_tenant("moved")).await;
    }
    bench.pair("d", "booking-d").await;
    let item = bench.open_items().await.remove(0);
    bench.record("b", 2).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.settled = true;
    bench.settle(&claim, settlement).await;
    let resolved = bench.resolve(&item, Resolution::TakeRemote).await;
    assert_eq!(resolved.id, item.id);
    for name in ["a", "c"] {
        let claim = bench.claim().await;
        assert_eq!(claim.link.appointment, Some(appointment(name)));
        let instruction = claim.marks[0].instruction.as_ref();
        assert_eq!(instruction.map(|given| given.review), Some(item.id));
        bench.settle_all(&claim).await;
    }
    bench.assert_nothing_due().await;
}

/// Dismissing an item leaves no instruction.
pub async fn dismissing_instructs_nobody(bench: &Bench) {
    for new in [of_link(ReviewReason::Conflict), of_tenant("moved")] {
        let name = new.cause.clone();
        let item = bench.review(&name, 1, new).await;
        bench.resolve(&item, Resolution::Dismiss).await;
        bench.assert_nothing_due().await;
        assert_eq!(bench.next_due().await, None);
    }
}

/// A decision that is made while a worker has the link outlives that worker's settlement.
pub async fn a_decision_outlives_the_turn_it_came_in(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.record("a", 2).await;
    let during = bench.claim().await;
    bench.resolve(&item, Resolution::ForceLocal).await;
    bench.assert_nothing_due().await;
    let mut settlement = all_settled(&during);
    settlement.wake = Some(LEASE);
    settlement.settled = true;
    bench.settle(&during, settlement).await;
    let after = bench.claim().await;
    assert_eq!(after.marks.len(), 1);
    assert_eq!(after.marks[0].source, MarkSource::Instruction);
}

/// How an instruction ended is stored by a later settlement, and is the last that was said.
pub async fn the_outcome_is_stored_by_a_later_settlement(bench: &Bench) {
    for name in ["a", "b"] {
        bench.review(name, 1, of_tenant("moved")).await;
    }
    let item = bench.open_items().await.remove(0);
    let decided = bench.resolve(&item, Resolution::TakeRemote).await;
    for outcome in ["taken", "taken, and more"] {
        let claim = bench.claim().await;
        let mut settlement = all_settled(&claim);
        settlement.outcomes = vec![(item.id, outcome.to_owned())];
        bench.settle(&claim, settlement).await;
        let mut how = decided.resolved.clone().expect("the item is closed");
        how.outcome = Some(outcome.to_owned());
        assert_eq!(bench.item(&item).await.resolved, Some(how));
    }
    // A link without a part has no say in it, nor has another tenant.
    bench.record("c", 1).await;
    bench.record_for(&other_tenant(), "a", 1).await;
    for _ in ["c", "a"] {
        let claim = bench.claim().await;
        let mut settlement = all_settled(&claim);
        settlement.outcomes = vec![(item.id, "theirs".to_owned())];
        bench.settle(&claim, settlement).await;
    }
    let how = bench.item(&item).await.resolved;
    let how = how.expect("the item is closed");
    assert_eq!(how.outcome.as_deref(), Some("taken, and more"));
}

/// The outcome of an item that is still open, or is not there, is stored nowhere and harms nothing.
pub async fn an_outcome_of_an_open_item_is_passed_over(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.record("a", 2).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    let unknown = ReviewId::new(i64::MAX);
    settlement.outcomes = [item.id, unknown].map(|id| (id, "done".into())).to_vec();
    bench.settle(&claim, settlement).await;
    assert_eq!(bench.item(&item).await.resolved, None);
}

/// An instruction for a link that was absorbed is given to the one that absorbed it.
pub async fn an_instruction_follows_an_absorbed_link(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    bench.accept(delivery("stray", 1)).await;
    let bare = bench.claim().await;
    bench.settle_with(&bare, vec![of_tenant("moved")]).await;
    bench.accept(delivery("stray", 2)).await;
    let bare = bench.claim().await;
    let absorbed = bench.store.absorb(&bare.lease, known.id).await;
    absorbed.expect("a bare link can be absorbed");
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    let item = bench.open_items().await.remove(0);
    bench.resolve(&item, Resolution::Retry).await;
    let claim = bench.claim().await;
    assert_eq!(claim.link.id, known.id);
    assert_eq!(claim.marks.len(), 1);
}

/// Pauses the first tenant with an item about the cause `key`.
pub(super) async fn pause(bench: &Bench, name: &str) -> ReviewItem {
    bench.record(name, 1).await;
    let claim = bench.claim().await;
    let mut settlement = Settlement::new(claim.link.clone());
    settlement.reviews = vec![of_tenant("key").ending(ReviewEnd::WithCause)];
    settlement.hold = Some(Hold::Pause("key".to_owned()));
    bench.settle(&claim, settlement).await;
    assert!(bench.is_paused().await);
    let open = bench.open_items().await.into_iter();
    let mut open = open.filter(|item| item.cause == "key");
    open.next().expect("a pause has an open item")
}

/// As long as a pause lasts its item can only be retried; retrying it resumes the tenant and
/// instructs the link.
pub async fn retrying_the_item_of_a_pause_resumes(bench: &Bench) {
    let item = pause(bench, "a").await;
    for other in [
        Resolution::Dismiss,
        Resolution::TakeRemote,
        Resolution::ForceLocal,
        Resolution::AcceptDifference,
        Resolution::Rebook { start: at(90) },
    ] {
        let resolved = bench
            .store
            .resolve(&tenant(), item.id, &other, "desk")
            .await;
        assert_fails(resolved, StoreErrorKind::Invalid);
    }
    assert!(bench.is_paused().await);
    assert_eq!(bench.item(&item).await, item);
    bench.assert_nothing_due().await;

    bench.resolve(&item, Resolution::Retry).await;
    assert!(!bench.is_paused().await);
    let claim = bench.claim().await;
    assert_eq!((claim.changes.len(), claim.marks.len()), (1, 1));
    assert_eq!(claim.marks[0].source, MarkSource::Instruction);
}

/// Another item of the tenant can be resolved during a pause, and does not resume it, whatever its
/// cause is called.
pub async fn other_items_do_not_resume(bench: &Bench) {
    let mut of_link = of_link(ReviewReason::Rejected);
    of_link.cause = "key".to_owned();
    let own = bench.review("b", 1, of_link).await;
    let other = bench.review("b", 2, of_tenant("moved")).await;
    pause(bench, "a").await;
    bench.resolve(&own, Resolution::Dismiss).await;
    bench.resolve(&other, Resolution::Retry).await;
    assert!(bench.is_paused().await);
    bench.assert_nothing_due().await;
}

/// The item of a pause can be resolved in any way once the tenant was resumed and the cause came up
/// without a pause.
pub async fn after_the_pause_the_cause_is_one_like_others(bench: &Bench) {
    let item = pause(bench, "a").await;
    let resumed = bench.store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
    let claim = bench.claim().await;
    bench.settle_with(&claim, vec![of_tenant("key")]).await;
    let again = bench.open_items().await.remove(0);
    assert_ne!(again.id, item.id);
    bench.resolve(&again, Resolution::Dismiss).await;
}

/// Of resolutions that come at once, one is stored.
pub async fn an_item_resolved_at_once_is_resolved_once(bench: &Bench) {
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, id) = (bench.store.clone(), item.id);
            tokio::spawn(async move {
                store
                    .resolve(&tenant(), id, &Resolution::Retry, "desk")
                    .await
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
    assert_eq!(bench.claim().await.marks.len(), 1);
}
