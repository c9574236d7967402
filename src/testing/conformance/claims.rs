//! The contract of [`Links`](crate::store::Links) about the content of a claim, and about finding a
//! link.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{ChainKey, Checkpoint, LinkKey, Revision, SyncKey};

/// A claim is counted until the link is settled: claims that were never settled show in the next
/// one.
pub async fn claims_are_counted_until_a_settlement(bench: &Bench) {
    bench.record("a", 1).await;
    for begun in 1..=3 {
        let claim = bench.claim_shortly().await;
        assert_eq!(claim.begun, begun);
        // A checkpoint is no settlement.
        let checkpoint = Checkpoint::new(claim.link.clone(), SPAN);
        let stored = bench.store.checkpoint(&claim.lease, checkpoint).await;
        stored.expect("a checkpoint under a valid lease is stored");
        bench.pass(2 * SPAN).await;
    }
    let last = bench.claim().await;
    assert_eq!(last.begun, 4);
    let mut settlement = all_settled(&last);
    settlement.wake = Some(Duration::ZERO);
    bench.settle(&last, settlement).await;
    assert_eq!(bench.claim().await.begun, 1);
}

/// A claim has the lowest revision recorded for the appointment, settled or not; none for a link
/// without changes.
pub async fn a_claim_tells_the_first_revision(bench: &Bench) {
    bench.record("a", 7).await;
    bench.record("a", 5).await;
    let first = bench.claim().await;
    assert_eq!(first.first_revision, Some(Revision::new(5)));
    bench.settle_all(&first).await;
    bench.record("b", 1).await;
    let other = bench.claim().await;
    assert_eq!(other.first_revision, Some(Revision::new(1)));
    bench.record_for(&other_tenant(), "a", 2).await;
    bench.record("a", 9).await;
    let again = bench.try_claim(&request()).await;
    let again = again.expect("a link has work, and was not claimed");
    assert_eq!(again.link, first.link);
    assert_eq!(again.first_revision, Some(Revision::new(5)));
    assert_eq!(again.changes.len(), 1);
    bench.settle_all(&again).await;
    let theirs = bench.claim().await;
    assert_eq!(theirs.first_revision, Some(Revision::new(2)));
    bench.accept(delivery("booking-1", 1)).await;
    assert_eq!(bench.claim().await.first_revision, None);
}

/// A claim has the store's time, which advances, and the store's creation time, which stays.
pub async fn a_claim_tells_the_stores_time(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    assert!(first.books_since <= first.now);
    bench.pass(SPAN).await;
    bench.record("b", 1).await;
    let second = bench.claim().await;
    assert!(second.now - first.now >= chrono::TimeDelta::from_std(SPAN).expect("a short time"));
    assert_eq!(second.books_since, first.books_since);
}

/// A lease names its tenant and its link, and claims raise the fence.
pub async fn a_lease_names_its_link(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    assert_eq!(claim.lease.tenant, tenant());
    assert_eq!(claim.link.tenant, tenant());
    assert_eq!(claim.lease.link, claim.link.id);
}

/// A link is found by its id, its appointment, any of its bookings, its chain and its sync key, by
/// no other, and in its own tenant only.
pub async fn a_link_is_found_by_each_of_its_keys(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.link.booking = Some(uid("newest"));
    settlement.link.chain = Some(ChainKey::new("chain"));
    settlement.link.sync_key = Some(SyncKey::new("key"));
    settlement.chain_uids = vec![uid("first")];
    bench.settle(&claim, settlement).await;

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
        assert_eq!(bench.find_known(&key).await.id, id, "{key:?}");
        let elsewhere = bench.store.find(&other_tenant(), &key).await;
        let elsewhere = elsewhere.expect("a link can be looked for");
        assert_eq!(elsewhere, None, "{key:?}");
    }
    let strangers = [
        by_appointment("newest"),
        by_booking("a"),
        LinkKey::Chain(ChainKey::new("key")),
        LinkKey::SyncKey(SyncKey::new("chain")),
    ];
    for key in strangers {
        assert_eq!(bench.find(&key).await, None, "{key:?}");
    }
}
