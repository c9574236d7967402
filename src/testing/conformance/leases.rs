//! What [`Links`](crate::store::Links) promises of leases.
//!
//! A lease is valid until the link is claimed again, settled or absorbed. That its time has run out
//! only allows somebody else to claim the link: as long as nobody has, the lease can be used.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{Checkpoint, Claim, Lease, LinkId, LinkKey, Settlement, StoreErrorKind};

/// No write under this lease is stored.
async fn assert_void(bench: &Bench, claim: &Claim, into: LinkId) {
    let lease = &claim.lease;
    let mut settlement = all_settled(claim);
    settlement.link.booking = Some(uid("late"));
    settlement.chain_uids = vec![uid("late too")];
    let mut checkpoint = Checkpoint::new(settlement.link.clone(), LEASE);
    checkpoint.chain_uids = settlement.chain_uids.clone();
    let settled = bench.store.settle(lease, settlement).await;
    assert_fails(settled, StoreErrorKind::LeaseLost);
    let stored = bench.store.checkpoint(lease, checkpoint).await;
    assert_fails(stored, StoreErrorKind::LeaseLost);
    let absorbed = bench.store.absorb(lease, into).await;
    assert_fails(absorbed, StoreErrorKind::LeaseLost);
    for late in ["late", "late too"] {
        assert_eq!(bench.find(&by_booking(late)).await, None);
    }
}

/// A link is claimed again only when its lease has run out, with all that waits for it and under a
/// higher fence.
pub async fn a_leased_link_is_not_claimed_until_the_lease_runs_out(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim_shortly().await;
    bench.assert_nothing_due().await;
    assert_due_in(bench.next_due().await, SPAN);
    bench.pass(SPAN).await;
    let second = bench.claim().await;
    assert_eq!(second.link, first.link);
    assert_eq!(second.changes, first.changes);
    assert!(second.lease.fence > first.lease.fence);
    assert_due_in(bench.next_due().await, LEASE);
}

/// What comes for a link that a worker has makes it due no sooner than its lease runs out.
pub async fn nothing_new_ends_a_lease(bench: &Bench) {
    bench.record("a", 1).await;
    bench.claim().await;
    bench.record("a", 2).await;
    bench.assert_nothing_due().await;
    bench.assert_nothing_due().await;
    assert_due_in(bench.next_due().await, LEASE);
}

/// A lease whose time has run out is valid as long as nobody has claimed the link again.
pub async fn a_lease_is_valid_until_the_link_is_claimed_again(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim_shortly().await;
    bench.pass(2 * SPAN).await;
    let checkpoint = Checkpoint::new(claim.link.clone(), LEASE);
    let stored = bench.store.checkpoint(&claim.lease, checkpoint).await;
    stored.expect("the lease is still the newest");
    bench.assert_nothing_due().await;
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;

    bench.record("a", 2).await;
    let claim = bench.claim_shortly().await;
    bench.pass(2 * SPAN).await;
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;
}

/// Every write under a lease fails, and changes nothing, once the link was claimed again.
pub async fn a_later_claim_makes_a_lease_void(bench: &Bench) {
    let bystander = bench.pair("b", "booking-b").await;
    bench.record("a", 1).await;
    let late = bench.claim_shortly().await;
    bench.pass(SPAN).await;
    let current = bench.claim().await;
    assert_void(bench, &late, bystander.id).await;
    let found = bench.find_known(&by_appointment("a")).await;
    assert_eq!(found, current.link);
    bench.settle_all(&current).await;
}

/// Every write under a lease that was given back fails, and changes nothing, whether or not the
/// link is due.
pub async fn a_returned_lease_is_void(bench: &Bench) {
    let bystander = bench.pair("b", "booking-b").await;
    bench.record("a", 1).await;
    let first = bench.claim().await;
    bench.settle_all(&first).await;
    assert_void(bench, &first, bystander.id).await;
    bench.record("a", 2).await;
    assert_void(bench, &first, bystander.id).await;
    let second = bench.claim().await;
    assert_eq!(second.link, first.link);
    assert_void(bench, &first, bystander.id).await;
    bench.settle_all(&second).await;
}

/// Every write under a lease on a link that is gone fails: absorbed by its own worker, or by
/// another's settlement.
pub async fn a_lease_on_an_absorbed_link_is_void(bench: &Bench) {
    let known = bench.pair("a", "booking-a").await;
    bench.accept(delivery("stray", 1)).await;
    let bare = bench.claim().await;
    let absorbed = bench.store.absorb(&bare.lease, known.id).await;
    absorbed.expect("a bare link can be absorbed");
    assert_void(bench, &bare, known.id).await;
    let into = bench.claim().await;
    bench.settle_all(&into).await;

    bench.accept(delivery("another", 2)).await;
    let bare = bench.claim().await;
    bench.record("a", 2).await;
    let into = bench.claim().await;
    let mut settlement = all_settled(&into);
    settlement.chain_uids = vec![uid("another")];
    bench.settle(&into, settlement).await;
    assert_eq!(bench.find(&LinkKey::Id(bare.link.id)).await, None);
    assert_void(bench, &bare, known.id).await;
    assert_eq!(bench.claim().await.deliveries, bare.deliveries);
}

/// A lease is good for its own tenant only, and for its own link.
pub async fn a_lease_of_another_tenant_is_void(bench: &Bench) {
    let bystander = bench.pair("b", "booking-b").await;
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let own = &claim.lease;
    let theirs = Lease::new(other_tenant(), own.link, own.fence, own.marks);
    let mut settlement = Settlement::new(claim.link.clone());
    settlement.link.tenant = other_tenant();
    let checkpoint = Checkpoint::new(settlement.link.clone(), LEASE);
    let settled = bench.store.settle(&theirs, settlement).await;
    assert_fails(settled, StoreErrorKind::LeaseLost);
    let stored = bench.store.checkpoint(&theirs, checkpoint).await;
    assert_fails(stored, StoreErrorKind::LeaseLost);
    let absorbed = bench.store.absorb(&theirs, bystander.id).await;
    assert_fails(absorbed, StoreErrorKind::LeaseLost);
    bench.settle_all(&claim).await;
}

/// What is stored under a lease is about the link of the lease: anything else is refused and
/// changes nothing.
pub async fn a_lease_is_good_for_its_own_link(bench: &Bench) {
    let bystander = bench.pair("b", "booking-b").await;
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut stranger = bystander.clone();
    stranger.booking = Some(uid("another"));
    let checkpoint = Checkpoint::new(stranger.clone(), LEASE);
    let stored = bench.store.checkpoint(&claim.lease, checkpoint).await;
    stored.expect_err("a checkpoint of another link is refused");
    let settlement = Settlement::new(stranger);
    let settled = bench.store.settle(&claim.lease, settlement).await;
    settled.expect_err("a settlement of another link is refused");
    let found = bench.find_known(&by_appointment("b")).await;
    assert_eq!(found, bystander);
    bench.settle_all(&claim).await;
}

/// When an old and a new lease are used at the same time, only what the new one says is stored.
pub async fn a_void_lease_never_wins_a_race(bench: &Bench) {
    for number in 0..10 {
        let name = format!("a{number}");
        bench.record(&name, 1).await;
        let old = bench.claim().await;
        bench.settle(&old, Settlement::new(old.link.clone())).await;
        let new = bench.claim().await;
        let tasks = [(old, "old"), (new, "new")].map(|(claim, which)| {
            let store = bench.store.clone();
            let mut settlement = all_settled(&claim);
            settlement.link.booking = Some(uid(&format!("{which}-{number}")));
            tokio::spawn(async move { store.settle(&claim.lease, settlement).await })
        });
        let [old, new] = tasks;
        assert_fails(
            old.await.expect("the task settles"),
            StoreErrorKind::LeaseLost,
        );
        new.await
            .expect("the task settles")
            .expect("a settlement under a valid lease is stored");
        let link = bench.find_known(&by_appointment(&name)).await;
        assert_eq!(link.booking, Some(uid(&format!("new-{number}"))));
    }
}
