//! What [`Tenants`](crate::store::Tenants) promises, and that tenants never cross.

use super::fixtures::*;
use crate::store::{AppointmentId, Store};

async fn is_paused(store: &dyn Store) -> bool {
    let paused = store.is_paused(&tenant()).await;
    paused.expect("a tenant is read")
}

async fn resume(store: &dyn Store) {
    let resumed = store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
}

/// A link of a paused tenant is not claimed until the tenant is resumed.
pub async fn links_of_a_paused_tenant_are_not_claimed(store: &dyn Store) {
    assert!(!is_paused(store).await);
    pause(store, "a", 0).await;
    assert!(is_paused(store).await);
    assert_nothing_due(store, 600).await;
    resume(store).await;
    assert!(!is_paused(store).await);
    let claim = claim(store, 600).await;
    assert_eq!(claim.changes.len(), 1);
}

/// What is marked while the tenant is paused is due when its work goes on.
pub async fn what_becomes_due_during_a_pause_stays_due(store: &dyn Store) {
    pair(store, "settled", "booking-1", 0).await;
    pause(store, "a", 1).await;
    record(store, "b", 1, 2).await;
    accept(store, delivery("booking-1", 1, 3)).await;
    assert_nothing_due(store, 9).await;
    resume(store).await;
    for _ in ["a", "b", "booking-1"] {
        claim(store, 9).await;
    }
}

/// The work of other tenants goes on.
pub async fn other_tenants_go_on(store: &dyn Store) {
    pause(store, "a", 0).await;
    let mut theirs = change("a", 1, 5);
    theirs.tenant = other_tenant();
    store.record(&theirs).await.expect("a change is recorded");
    let claim = claim(store, 5).await;
    assert_eq!(claim.link.tenant, other_tenant());
    let paused = store.is_paused(&other_tenant()).await;
    assert!(!paused.expect("a tenant is read"));
}

/// Resuming a tenant that is not paused does nothing.
pub async fn resuming_twice_is_harmless(store: &dyn Store) {
    resume(store).await;
    pause(store, "a", 0).await;
    resume(store).await;
    resume(store).await;
    assert!(!is_paused(store).await);
}

/// The same appointment id, uid and bytes in two tenants are two changes, two deliveries and two links each.
pub async fn the_same_names_in_two_tenants_are_two_links(store: &dyn Store) {
    let mut links = Vec::new();
    for tenant in [tenant(), other_tenant()] {
        let mut change = change("a", 1, 0);
        change.tenant = tenant.clone();
        store.record(&change).await.expect("a change is recorded");
        let mut delivery = delivery("booking-1", 1, 0);
        delivery.tenant = tenant;
        links.push(accept(store, delivery).await);
    }
    assert_ne!(links[0], links[1]);
    let mut claims = Vec::new();
    for _ in 0..4 {
        claims.push(claim(store, 0).await);
    }
    assert_nothing_due(store, 0).await;
    for claim in &claims {
        assert_eq!(claim.lease.tenant, claim.link.tenant);
        assert_eq!(claim.changes.len() + claim.deliveries.len(), 1);
        for row in &claim.changes {
            assert_eq!(row.change.tenant, claim.link.tenant);
        }
    }
    let of_first = claims.iter().filter(|claim| claim.link.tenant == tenant());
    assert_eq!(of_first.count(), 2);
}

/// A settlement that gives a link what another tenant has under the same names takes nothing from it, and no read of one
/// tenant shows another's.
pub async fn no_call_reaches_across_tenants(store: &dyn Store) {
    let ours = pair(store, "a", "booking-1", 0).await;
    let mut theirs = change("a", 1, 1);
    theirs.tenant = other_tenant();
    store.record(&theirs).await.expect("a change is recorded");
    let claim = claim(store, 1).await;
    let mut settlement = all_settled(&claim, 1);
    settlement.link.booking = ours.booking.clone();
    settlement.link.base = Some(state(60));
    settle(store, &claim, settlement).await;

    assert_eq!(find_known(store, &by_booking("booking-1")).await, ours);
    let their_link = store.find(&other_tenant(), &by_booking("booking-1")).await;
    let their_link = their_link.expect("a link can be looked for");
    assert_eq!(their_link.map(|link| link.id), Some(claim.link.id));
    let id = AppointmentId::new("a");
    for tenant in [tenant(), other_tenant()] {
        let changes = store.changes(&tenant, &id).await.expect("changes are read");
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].0.change.tenant, tenant);
        let stored = store
            .deliveries(&tenant)
            .await
            .expect("deliveries are read");
        assert!(stored.is_empty());
    }
}
