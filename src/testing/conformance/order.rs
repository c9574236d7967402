//! What [`Links`](crate::store::Links) promises of when a link is claimed: the order of intake,
//! waking, and not too early.

use std::time::Duration;

use chrono::TimeDelta;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{Checkpoint, ClaimRequest, Hold, Retention, Settlement};

/// A moment, so that what comes later is later by any clock.
const MOMENT: Duration = Duration::from_millis(5);

/// In an empty store nothing is due, now or later, and nothing is found.
pub async fn an_empty_store_has_nothing_due(bench: &Bench) {
    bench.assert_nothing_due().await;
    assert_eq!(bench.next_due().await, None);
    assert_eq!(bench.find(&by_appointment("a")).await, None);
}

/// Within a tenant the link whose work was taken in first is claimed first, whatever the host says
/// of the time of its changes.
pub async fn links_are_claimed_in_the_order_of_intake(bench: &Bench) {
    for (name, days) in [("first", 0), ("from the past", -365), ("ahead", 1)] {
        let mut change = change(name, 1);
        change.at += TimeDelta::days(days);
        bench.record_change(&change).await;
        bench.pass(MOMENT).await;
    }
    bench.accept(delivery("booking-1", 1)).await;
    for name in ["first", "from the past", "ahead"] {
        let claim = bench.claim().await;
        assert_eq!(claim.link.appointment, Some(appointment(name)));
    }
    assert_eq!(bench.claim().await.deliveries.len(), 1);
    bench.assert_nothing_due().await;
}

/// The same holds for links that are known, in whatever order they were made.
pub async fn known_links_are_claimed_in_the_order_of_intake(bench: &Bench) {
    for name in ["a", "b", "c"] {
        bench.pair(name, name).await;
    }
    bench.record("c", 2).await;
    bench.pass(MOMENT).await;
    bench.accept(delivery("a", 1)).await;
    bench.pass(MOMENT).await;
    bench.record("b", 2).await;
    for name in ["c", "a", "b"] {
        let claim = bench.claim().await;
        assert_eq!(claim.link.appointment, Some(appointment(name)));
    }
}

/// Something later for a link that is due does not send it back.
pub async fn a_later_change_keeps_the_place(bench: &Bench) {
    bench.record("a", 1).await;
    bench.pass(MOMENT).await;
    bench.record("b", 1).await;
    bench.pass(MOMENT).await;
    bench.record("a", 2).await;
    let first = bench.claim().await;
    assert_eq!(first.link.appointment, Some(appointment("a")));
    assert_eq!(first.changes.len(), 2);
}

/// A link for which nothing waits is not due, however much time passes.
pub async fn a_settled_link_is_not_due(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    assert_eq!(bench.next_due().await, None);
}

/// A link is claimed by itself when its time to wake has come, and not before; nothing waits for it
/// then.
pub async fn a_link_wakes_when_the_settlement_says(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.wake = Some(SPAN);
    bench.settle(&first, settlement).await;
    bench.assert_nothing_due().await;
    assert_due_in(bench.next_due().await, SPAN);
    bench.pass(SPAN).await;
    assert_eq!(bench.next_due().await, Some(Duration::ZERO));
    let second = bench.claim().await;
    assert_eq!(second.link.id, first.link.id);
    assert!(second.changes.is_empty());
    bench.settle_all(&second).await;
    assert_eq!(bench.next_due().await, None);
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
}

/// A link that is to wake at once can be claimed at once, under a higher fence.
pub async fn a_link_can_wake_at_once(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.wake = Some(Duration::ZERO);
    bench.settle(&first, settlement).await;
    let second = bench.claim().await;
    assert!(second.lease.fence > first.lease.fence);
}

/// What a settlement leaves to wait comes when it wakes.
pub async fn what_was_left_comes_when_the_link_wakes(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    let first = bench.claim().await;
    let mut settlement = Settlement::new(first.link.clone());
    settlement.wake = Some(SPAN);
    settlement.not_before = Some(SPAN);
    bench.settle(&first, settlement).await;
    bench.assert_nothing_due().await;
    bench.pass(SPAN).await;
    assert_eq!(bench.claim().await.deliveries, first.deliveries);
}

/// A new change is not held up by a link's time to wake.
pub async fn a_new_change_overtakes_the_time_to_wake(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.wake = Some(LEASE);
    bench.settle(&first, settlement).await;
    bench.assert_nothing_due().await;
    bench.record("a", 2).await;
    assert_eq!(bench.next_due().await, Some(Duration::ZERO));
    let second = bench.claim().await;
    assert_eq!(second.changes.len(), 1);
    bench.settle_all(&second).await;
    assert_eq!(bench.next_due().await, None, "it still wakes");
}

/// What comes while a worker has the link makes it due as soon as it is settled, whenever the
/// settlement lets it wake.
pub async fn what_comes_during_a_lease_is_due_after_it(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    for (revision, booking) in [(2, None), (3, Some("booking-a"))] {
        bench.record("a", revision).await;
        let first = bench.claim().await;
        match booking {
            None => bench.record("a", 9).await,
            Some(booking) => bench.accept(delivery(booking, 1)).await,
        }
        let mut settlement = all_settled(&first);
        settlement.wake = Some(LEASE);
        bench.settle(&first, settlement).await;
        let second = bench.claim().await;
        assert_eq!(second.changes.len() + second.deliveries.len(), 1);
        bench.settle_all(&second).await;
    }
}

/// The same if another worker claimed something in between, and so gave it to the link already.
pub async fn what_was_routed_during_a_lease_is_due_after_it(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    bench.record("a", 2).await;
    bench.assert_nothing_due().await;
    let mut settlement = all_settled(&first);
    settlement.wake = Some(LEASE);
    bench.settle(&first, settlement).await;
    assert_eq!(bench.next_due().await, Some(Duration::ZERO));
    let second = bench.claim().await;
    assert_eq!(second.changes.len(), 1);
    assert_eq!(second.changes[0].change, change("a", 2));
}

/// A link is not claimed before its `not_before`, whatever comes, and is claimed after it.
pub async fn nothing_new_comes_before_not_before(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.record("a", 2).await;
    let first = bench.claim().await;
    // It comes while the link is worked on.
    bench.record("a", 3).await;
    let mut settlement = all_settled(&first);
    settlement.not_before = Some(SPAN);
    bench.settle(&first, settlement).await;
    bench.record("a", 4).await;
    bench.accept(delivery("booking-a", 1)).await;
    bench.assert_nothing_due().await;
    assert_due_in(bench.next_due().await, SPAN);
    bench.record("b", 1).await;
    let other = bench.claim().await;
    assert_eq!(other.link.appointment, Some(appointment("b")));
    bench.pass(SPAN).await;
    let second = bench.claim().await;
    assert_eq!(second.link.id, first.link.id);
    assert_eq!((second.changes.len(), second.deliveries.len()), (2, 1));
}

/// A `not_before` is no time to wake: without work the link is not claimed when it is over, and
/// what comes then is claimed at once.
pub async fn not_before_wakes_nobody(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.not_before = Some(SPAN);
    bench.settle(&first, settlement).await;
    assert_eq!(bench.next_due().await, None);
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    bench.record("a", 2).await;
    bench.claim().await;
}

/// A link does not wake before its `not_before`.
pub async fn a_link_wakes_no_sooner_than_not_before(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.wake = Some(Duration::ZERO);
    settlement.not_before = Some(SPAN);
    bench.settle(&first, settlement).await;
    bench.assert_nothing_due().await;
    assert_due_in(bench.next_due().await, SPAN);
    bench.pass(SPAN).await;
    bench.claim().await;
}

/// The next settlement says anew what holds: an earlier `not_before` is forgotten with it.
pub async fn the_next_settlement_forgets_not_before(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.wake = Some(SPAN);
    settlement.not_before = Some(SPAN);
    bench.settle(&first, settlement).await;
    bench.pass(SPAN).await;
    let second = bench.claim().await;
    bench.settle_all(&second).await;
    bench.record("a", 2).await;
    bench.claim().await;
}

/// The next due time is that of the link that is due soonest.
pub async fn next_due_is_the_soonest_link(bench: &Bench) {
    for (name, wake) in [("a", LEASE), ("b", 2 * SPAN), ("c", LEASE / 2)] {
        bench.record(name, 1).await;
        let claim = bench.claim().await;
        let mut settlement = all_settled(&claim);
        settlement.wake = Some(wake);
        bench.settle(&claim, settlement).await;
    }
    assert_due_in(bench.next_due().await, 2 * SPAN);
    bench.pass(SPAN).await;
    assert_due_in(bench.next_due().await, SPAN);
    bench.record("d", 1).await;
    assert_eq!(bench.next_due().await, Some(Duration::ZERO));
}

/// The longest time that can be asked for is no error and never ends: not that of a lease, of a
/// wait or of a hold; and nothing is that old.
pub async fn the_longest_times_never_end(bench: &Bench) {
    let longest = ClaimRequest::new(Duration::MAX, FORMAT);
    bench.record("a", 1).await;
    let claim = bench.try_claim(&longest).await;
    let claim = claim.expect("a link has work, and was not claimed");
    let checkpoint = Checkpoint::new(claim.link.clone(), Duration::MAX);
    let stored = bench.store.checkpoint(&claim.lease, checkpoint).await;
    stored.expect("a checkpoint under a valid lease is stored");
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    assert!(bench.next_due().await.is_some_and(|due| due > LEASE));

    let mut wakes = all_settled(&claim);
    wakes.wake = Some(Duration::MAX);
    bench.settle(&claim, wakes).await;
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    assert!(bench.next_due().await.is_some_and(|due| due > LEASE));

    bench.record("a", 2).await;
    let claim = bench.claim().await;
    let mut waits = all_settled(&claim);
    waits.not_before = Some(Duration::MAX);
    bench.settle(&claim, waits).await;
    bench.record("a", 3).await;
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;

    bench.record("b", 1).await;
    let claim = bench.claim().await;
    let mut holds = all_settled(&claim);
    holds.hold = Some(Hold::For(Duration::MAX));
    bench.settle(&claim, holds).await;
    bench.record("c", 1).await;
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    let resumed = bench.store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
    assert_eq!(bench.claim().await.link.appointment, Some(appointment("c")));

    let pruned = bench.store.prune(&Retention::of(Duration::MAX), ALL).await;
    assert_eq!(pruned.expect("old rows can be removed").total(), 0);
}
