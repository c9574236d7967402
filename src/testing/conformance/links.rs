//! What [`Links`](crate::store::Links) promises of the queue, and of looking for a link.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::fixtures::*;
use crate::model::BookingUid;
use crate::store::{AppointmentId, ChainKey, LinkKey, Store, SyncKey};

/// In an empty store nothing is due, now or later, and nothing is found.
pub async fn an_empty_store_has_nothing_due(store: &dyn Store) {
    assert_nothing_due(store, 0).await;
    assert_eq!(store.next_due().await.expect("a time is read"), None);
    assert_eq!(find(store, &by_appointment("a")).await, None);
}

/// The link that has been due for longest is claimed first.
pub async fn the_link_that_is_due_for_longest_is_claimed_first(store: &dyn Store) {
    record(store, "b", 1, 2).await;
    record(store, "a", 1, 1).await;
    accept(store, delivery("c", 1, 3)).await;
    // A later mark of a link that is due does not send it back in the queue.
    record(store, "a", 2, 4).await;
    let first = claim(store, 9).await;
    assert_eq!(first.link.appointment, Some(AppointmentId::new("a")));
    let second = claim(store, 9).await;
    assert_eq!(second.link.appointment, Some(AppointmentId::new("b")));
    assert_eq!(claim(store, 9).await.deliveries.len(), 1);
    assert_nothing_due(store, 9).await;
}

/// A link is not claimed before it is due.
pub async fn nothing_is_claimed_before_it_is_due(store: &dyn Store) {
    record(store, "a", 1, 5).await;
    assert_nothing_due(store, 4).await;
    claim(store, 5).await;
}

/// A claim brings the changes and deliveries that wait for the link, not those of others, and not those that are settled.
pub async fn a_claim_brings_all_that_waits_and_nothing_else(store: &dyn Store) {
    pair(store, "a", "booking-a", 0).await;
    record(store, "a", 2, 1).await;
    accept(store, delivery("booking-a", 1, 2)).await;
    record(store, "b", 1, 3).await;
    accept(store, delivery("booking-b", 2, 3)).await;
    let claim = claim(store, 9).await;
    assert_eq!(claim.changes.len(), 1);
    assert_eq!(claim.changes[0].change, change("a", 2, 1));
    assert_eq!(claim.deliveries.len(), 1);
    assert_eq!(claim.deliveries[0].received_at, at(2));
}

/// A link is found by its id, its appointment, any of its bookings, its chain and its sync key, and by no other.
pub async fn a_link_is_found_by_each_of_its_keys(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let claim = claim(store, 0).await;
    let mut settlement = all_settled(&claim, 0);
    settlement.link.booking = Some(BookingUid::new("newest"));
    settlement.link.chain = Some(ChainKey::new("chain"));
    settlement.link.sync_key = Some(SyncKey::new("key"));
    settlement.chain_uids = vec![BookingUid::new("first")];
    settle(store, &claim, settlement).await;

    let id = claim.link.id;
    let keys = [
        LinkKey::Id(id),
        by_appointment("a"),
        by_booking("newest"),
        by_booking("first"),
        LinkKey::Chain(ChainKey::new("chain")),
        LinkKey::SyncKey(SyncKey::new("key")),
    ];
    for key in keys {
        assert_eq!(find_known(store, &key).await.id, id, "{key:?}");
        let elsewhere = store.find(&other_tenant(), &key).await;
        assert_eq!(
            elsewhere.expect("a link can be looked for"),
            None,
            "{key:?}"
        );
    }
    let strangers = [
        by_appointment("newest"),
        by_booking("a"),
        LinkKey::Chain(ChainKey::new("key")),
        LinkKey::SyncKey(SyncKey::new("chain")),
    ];
    for key in strangers {
        assert_eq!(find(store, &key).await, None, "{key:?}");
    }
}

/// The next due time is that of the soonest link; a settled link that waits for a mark has none.
pub async fn next_due_is_the_soonest_link(store: &dyn Store) {
    record(store, "a", 1, 7).await;
    record(store, "b", 1, 3).await;
    let next = store.next_due().await.expect("a time is read");
    assert_eq!(next, Some(at(3)));
    let claim = claim(store, 3).await;
    settle(store, &claim, all_settled(&claim, 3)).await;
    let next = store.next_due().await.expect("a time is read");
    assert_eq!(next, Some(at(7)));
}

/// While a worker has a due link, the link's time is when the lease runs out.
pub async fn next_due_of_a_claimed_link_is_the_end_of_its_lease(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    claim(store, 0).await;
    let next = store.next_due().await.expect("a time is read");
    assert_eq!(next, Some(at(LEASE_MINUTES)));
}

/// However many workers claim at once, no link goes to two, and all go to one.
pub async fn no_link_goes_to_two_claimers(store: Arc<dyn Store>) {
    const LINKS: usize = 40;
    for number in 0..LINKS {
        record(&*store, &format!("a{number}"), 1, 0).await;
    }
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                while let Some(claim) = store
                    .claim(at(0), LEASE)
                    .await
                    .expect("a claim is answered")
                {
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
    assert_eq!(claimed.len(), LINKS, "a link went to two, or to nobody");
    let different: BTreeSet<_> = claimed.into_iter().collect();
    assert_eq!(different.len(), LINKS, "a link went to two");
}

/// While workers claim and settle, no change that is recorded meanwhile is left behind.
pub async fn marks_are_never_lost(store: Arc<dyn Store>) {
    const REVISIONS: u64 = 60;
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for revision in 1..=REVISIONS {
                record(&*store, "a", revision, 0).await;
                tokio::task::yield_now().await;
            }
        })
    };
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut settled = 0;
                for _ in 0..REVISIONS {
                    if let Some(claim) = store
                        .claim(at(0), LEASE)
                        .await
                        .expect("a claim is answered")
                    {
                        settled += claim.changes.len();
                        settle(&*store, &claim, all_settled(&claim, 0)).await;
                    }
                    tokio::task::yield_now().await;
                }
                settled
            })
        })
        .collect();
    writer.await.expect("the writer records");
    let mut settled = 0;
    for worker in workers {
        settled += worker.await.expect("the worker settles");
    }
    // Whatever the workers left is due; a change that waits for a link that is not due would be lost.
    while let Some(claim) = store
        .claim(at(0), LEASE)
        .await
        .expect("a claim is answered")
    {
        settled += claim.changes.len();
        settle(&*store, &claim, all_settled(&claim, 0)).await;
    }
    assert_eq!(settled as u64, REVISIONS);
}
