//! What [`Links`](crate::store::Links) promises of tenants: they take turns, and none that is held
//! or paused holds up another.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{Hold, ReviewEnd, Settlement, TenantId};

/// Claims for the tenant whose turn it is after another, and says whose turn it was.
async fn turn_after(bench: &Bench, served: Option<&TenantId>) -> Option<TenantId> {
    let request = request().after(served.cloned());
    let claim = bench.try_claim(&request).await;
    claim.map(|claim| claim.lease.tenant)
}

/// Tenants are served in the order of their names, beginning after the one that was served last,
/// and then from the first on.
pub async fn tenants_take_turns(bench: &Bench) {
    let names = ["b", "a", "c"].map(TenantId::new);
    for tenant in &names {
        for number in 0..3 {
            bench.record_for(tenant, &format!("a{number}"), 1).await;
        }
    }
    let mut served: Vec<TenantId> = Vec::new();
    while let Some(tenant) = turn_after(bench, served.last()).await {
        served.push(tenant);
    }
    let served: Vec<&str> = served.iter().map(TenantId::as_str).collect();
    assert_eq!(served, ["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
}

/// A turn goes round once, so that it comes back to the tenant that was served last if nobody else
/// has work.
pub async fn a_turn_comes_back_to_the_same_tenant(bench: &Bench) {
    for number in 0..4 {
        bench.record(&format!("a{number}"), 1).await;
    }
    let (before, after) = (TenantId::new("0"), TenantId::new("z"));
    for last in [Some(&tenant()), Some(&before), Some(&after), None] {
        assert_eq!(turn_after(bench, last).await, Some(tenant()), "{last:?}");
    }
    assert_eq!(turn_after(bench, Some(&tenant())).await, None);
}

/// A tenant with a long queue does not delay another's single change by more than a few claims,
/// wherever the turn stands.
pub async fn a_long_queue_delays_no_other_tenant(bench: &Bench) {
    for number in 0..2000 {
        bench.record(&format!("a{number}"), 1).await;
    }
    let mut last = None;
    for round in 0..3 {
        let small = ["small", "tenant", "tenant-z"][round];
        bench.record_for(&TenantId::new(small), "a", 1).await;
        let mut claims = 0;
        while last.as_ref().map(TenantId::as_str) != Some(small) {
            claims += 1;
            assert!(claims <= 3, "{small} has waited for {claims} claims");
            last = turn_after(bench, last.as_ref()).await;
        }
    }
}

/// Holds the first tenant, by the settlement of a link that is due again at once.
async fn hold(bench: &Bench, name: &str, time: Duration) {
    bench.record(name, 1).await;
    let claim = bench.claim().await;
    assert_eq!(claim.lease.tenant, tenant());
    hold_by(bench, &claim, time).await;
}

async fn hold_by(bench: &Bench, claim: &crate::store::Claim, time: Duration) {
    let mut settlement = Settlement::new(claim.link.clone());
    settlement.hold = Some(Hold::For(time));
    bench.settle(claim, settlement).await;
}

/// Nothing of a tenant that is held is claimed, old or new, until time has ended the hold; others
/// go on.
pub async fn a_held_tenant_is_passed_over_until_time_ends_it(bench: &Bench) {
    hold(bench, "a", SPAN).await;
    bench.record("b", 1).await;
    bench.accept(delivery("booking-1", 1)).await;
    bench.assert_nothing_due().await;
    assert_due_in(bench.next_due().await, SPAN);
    assert!(!bench.is_paused().await);
    bench.record_for(&other_tenant(), "a", 1).await;
    assert_eq!(bench.next_due().await, Some(Duration::ZERO));
    assert_eq!(bench.claim().await.lease.tenant, other_tenant());
    bench.assert_nothing_due().await;
    bench.pass(SPAN).await;
    for _ in ["a", "b", "booking-1"] {
        assert_eq!(bench.claim().await.lease.tenant, tenant());
    }
    bench.assert_nothing_due().await;
}

/// A hold that is shorter than one that lasts does not shorten it; one that is longer prolongs it.
pub async fn a_hold_is_never_shortened(bench: &Bench) {
    for name in ["a", "b", "c"] {
        bench.record(name, 1).await;
    }
    let claims = [
        bench.claim().await,
        bench.claim().await,
        bench.claim().await,
    ];
    for (claim, time) in claims.iter().zip([SPAN, 2 * SPAN, SPAN]) {
        hold_by(bench, claim, time).await;
    }
    assert_due_in(bench.next_due().await, 2 * SPAN);
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    bench.pass(SPAN).await;
    bench.claim().await;
}

/// A lease that was given out before the hold can be used during it.
pub async fn a_hold_leaves_leases_valid(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    hold(bench, "b", LEASE).await;
    bench.settle_all(&claim).await;
}

/// Resuming ends a hold at once.
pub async fn resuming_ends_a_hold(bench: &Bench) {
    hold(bench, "a", LEASE).await;
    bench.assert_nothing_due().await;
    let resumed = bench.store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
    assert_eq!(bench.claim().await.changes.len(), 1);
}

/// Nothing of a tenant that is paused is claimed, old or new, however much time passes; others go
/// on, and what it has waiting is not counted as due.
pub async fn a_paused_tenant_is_passed_over(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut settlement = Settlement::new(claim.link.clone());
    settlement.reviews = vec![of_tenant("key").ending(ReviewEnd::WithCause)];
    settlement.hold = Some(Hold::Pause("key".to_owned()));
    bench.settle(&claim, settlement).await;
    bench.record("b", 1).await;
    assert!(bench.is_paused().await);
    assert_eq!(bench.next_due().await, None);
    bench.assert_nothing_due().await;
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    bench.record_for(&other_tenant(), "a", 1).await;
    assert_eq!(turn_after(bench, None).await, Some(other_tenant()));
    let paused = bench.store.is_paused(&other_tenant()).await;
    assert!(!paused.expect("a tenant is read"));
    assert_eq!(turn_after(bench, Some(&other_tenant())).await, None);
}

/// However many workers claim at once, no link goes to two, and every link goes to one.
pub async fn no_link_goes_to_two_claimers(bench: &Bench) {
    const LINKS: usize = 40;
    for number in 0..LINKS {
        let tenant = TenantId::new(format!("tenant-{}", number % 3));
        bench.record_for(&tenant, &format!("a{number}"), 1).await;
    }
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                while let Some(claim) = bench.try_claim(&request()).await {
                    claimed.push(claim.link.id);
                }
                claimed
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.expect("the worker claims"));
    }
    // A claimer may find all that is left taken by the others at that moment, and give up.
    while let Some(claim) = bench.try_claim(&request()).await {
        claimed.push(claim.link.id);
    }
    claimed.sort_unstable();
    assert_eq!(claimed.len(), LINKS, "a link went to two, or to nobody");
    claimed.dedup();
    assert_eq!(claimed.len(), LINKS, "a link went to two");
}
