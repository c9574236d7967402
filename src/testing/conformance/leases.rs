//! What [`Links`](crate::store::Links) promises of leases.

use std::sync::Arc;

use super::fixtures::*;
use crate::model::BookingUid;
use crate::store::{
    ChainKey, LinkKey, PendingWrite, Revision, Settlement, Store, StoreErrorKind, SyncKey,
};

fn creation(sync_key: &str) -> PendingWrite {
    PendingWrite::CreateBooking {
        sync_key: SyncKey::new(sync_key),
        state: state(0),
        revision: Revision::FIRST,
        earlier: Vec::new(),
    }
}

/// A link is claimed again only when its lease has run out, with all that waits for it and under a higher fence.
pub async fn a_leased_link_is_not_claimed_until_the_lease_runs_out(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    assert_nothing_due(store, LEASE_MINUTES - 1).await;
    let second = claim(store, LEASE_MINUTES).await;
    assert_eq!(second.link, first.link);
    assert_eq!(second.changes, first.changes);
    assert!(second.lease.fence > first.lease.fence);
}

/// Every write under a lease fails, and changes nothing, once the link was claimed again.
pub async fn a_later_claim_makes_a_lease_void(store: &dyn Store) {
    let bystander = pair(store, "b", "booking-b", 0).await;
    record(store, "a", 1, 0).await;
    let late = claim(store, 0).await;
    let current = claim(store, LEASE_MINUTES).await;

    let mut settlement = all_settled(&late, 1);
    settlement.link.booking = Some(BookingUid::new("late"));
    let settled = store.settle(&late.lease, settlement).await;
    assert_fails(settled, StoreErrorKind::LeaseLost);
    let begun = store
        .begin_write(&late.lease, &creation("late"), at(9))
        .await;
    assert_fails(begun, StoreErrorKind::LeaseLost);
    let absorbed = store.absorb(&late.lease, bystander.id, at(1)).await;
    assert_fails(absorbed, StoreErrorKind::LeaseLost);

    assert_eq!(find_known(store, &by_appointment("a")).await, current.link);
    assert_eq!(find(store, &by_booking("late")).await, None);
    settle(store, &current, all_settled(&current, 1)).await;
}

/// A lease is good for its own tenant only.
pub async fn a_lease_of_another_tenant_is_void(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let claim = claim(store, 0).await;
    let mut lease = claim.lease.clone();
    lease.tenant = other_tenant();
    let begun = store.begin_write(&lease, &creation("key"), at(9)).await;
    assert_fails(begun, StoreErrorKind::LeaseLost);
    let mut settlement = Settlement::new(claim.link.clone(), at(0));
    settlement.link.tenant = other_tenant();
    let settled = store.settle(&lease, settlement).await;
    assert_fails(settled, StoreErrorKind::LeaseLost);
    settle(store, &claim, all_settled(&claim, 0)).await;
}

/// A change recorded while a worker has the link makes it due again after it is settled, whatever the settlement says.
pub async fn a_mark_after_the_claim_makes_the_link_due_again(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    record(store, "a", 2, 0).await;
    let mut settlement = all_settled(&first, 2);
    settlement.next_due = Some(at(60));
    settle(store, &first, settlement).await;
    let second = claim(store, 2).await;
    assert_eq!(second.changes.len(), 1);
    assert_eq!(second.changes[0].change, change("a", 2, 0));
}

/// What is about to be written is known to whoever claims the link next, and its key leads to the link.
pub async fn a_write_is_stored_before_it_is_made(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    let begun = store
        .begin_write(&first.lease, &creation("key"), at(200))
        .await;
    begun.expect("a write is begun under a valid lease");
    let after_a_crash = claim(store, 200).await;
    assert_eq!(after_a_crash.link.pending, Some(creation("key")));
    assert_eq!(after_a_crash.link.sync_key, Some(SyncKey::new("key")));
    let by_key = find_known(store, &LinkKey::SyncKey(SyncKey::new("key"))).await;
    assert_eq!(by_key, after_a_crash.link);

    let write = PendingWrite::CreateAppointment {
        chain: ChainKey::new("chain"),
    };
    let begun = store
        .begin_write(&after_a_crash.lease, &write, at(400))
        .await;
    begun.expect("a write is begun under a valid lease");
    let by_chain = find_known(store, &LinkKey::Chain(ChainKey::new("chain"))).await;
    assert_eq!(by_chain.id, first.link.id);
    assert_eq!(by_chain.pending, Some(write));
    assert_eq!(by_chain.sync_key, Some(SyncKey::new("key")));
}

/// Beginning a write prolongs the lease.
pub async fn a_write_prolongs_the_lease(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let claimed = claim(store, 0).await;
    let begun = store
        .begin_write(&claimed.lease, &creation("key"), at(LEASE_MINUTES + 10))
        .await;
    begun.expect("a write is begun under a valid lease");
    assert_nothing_due(store, LEASE_MINUTES + 9).await;
    let next = store.next_due().await.expect("a time is read");
    assert_eq!(next, Some(at(LEASE_MINUTES + 10)));
    claim(store, LEASE_MINUTES + 10).await;
}

/// A write whose sync key or chain belongs to another link is not begun.
pub async fn a_key_of_another_link_cannot_be_taken(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let owner = claim(store, 0).await;
    let of_chain = PendingWrite::CreateAppointment {
        chain: ChainKey::new("chain"),
    };
    for write in [&creation("key"), &of_chain] {
        let begun = store.begin_write(&owner.lease, write, at(200)).await;
        begun.expect("a write is begun under a valid lease");
    }
    record(store, "b", 1, 0).await;
    let second = claim(store, 0).await;
    for write in [&creation("key"), &of_chain] {
        let begun = store.begin_write(&second.lease, write, at(60)).await;
        assert_fails(begun, StoreErrorKind::Conflict);
    }
    assert_eq!(find_known(store, &by_appointment("b")).await, second.link);
}

/// When an old and a new lease are used at the same time, only what the new one says is stored.
pub async fn a_void_lease_never_wins_a_race(store: Arc<dyn Store>) {
    let mut due = 0;
    for number in 0..10 {
        let appointment = format!("a{number}");
        record(&*store, &appointment, 1, due).await;
        let old = claim(&*store, due).await;
        due += LEASE_MINUTES;
        let new = claim(&*store, due).await;
        due += 1;
        let tasks = [(old, "old"), (new, "new")].map(|(claim, name)| {
            let store = Arc::clone(&store);
            let mut settlement = all_settled(&claim, due);
            settlement.link.booking = Some(BookingUid::new(format!("{name}-{number}")));
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
        let link = find_known(&*store, &by_appointment(&appointment)).await;
        assert_eq!(link.booking, Some(BookingUid::new(format!("new-{number}"))));
    }
}
