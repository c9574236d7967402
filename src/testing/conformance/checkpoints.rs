//! What [`Links`](crate::store::Links) promises of checkpoints.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::model::RecurringBookingUid;
use crate::store::{
    ChainKey, Checkpoint, Claim, Link, LinkKey, LogEvent, Opaque, StoreErrorKind, SyncKey,
};

async fn store(bench: &Bench, claim: &Claim, checkpoint: Checkpoint) {
    let stored = bench.store.checkpoint(&claim.lease, checkpoint).await;
    stored.expect("a checkpoint under a valid lease is stored");
}

/// A checkpoint stores the link, its keys, the uids of its chain and the log; whoever claims the
/// link after a crash has all of it, and all that waited waits.
pub async fn a_checkpoint_stores_link_keys_and_log(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim_shortly().await;
    let mut link = first.link.clone();
    link.booking = Some(uid("newest"));
    link.chain = Some(ChainKey::new("chain"));
    link.series = Some(RecurringBookingUid::new("series"));
    link.sync_key = Some(SyncKey::new("key"));
    link.state = Some(Opaque::new(FORMAT, b"a write is under way".to_vec()));
    link.bare = false;
    let mut checkpoint = Checkpoint::new(link.clone(), SPAN);
    checkpoint.chain_uids = vec![uid("first")];
    checkpoint.log = vec![LogEvent::BaseMoved, LogEvent::DifferenceAccepted];
    store(bench, &first, checkpoint).await;

    let keys = [
        by_booking("newest"),
        by_booking("first"),
        LinkKey::Chain(ChainKey::new("chain")),
        LinkKey::SyncKey(SyncKey::new("key")),
    ];
    for key in keys {
        assert_eq!(bench.find_known(&key).await, link, "{key:?}");
    }
    let log = bench.log().await;
    let events: Vec<_> = log.iter().map(|line| line.event.clone()).collect();
    assert_eq!(events, [LogEvent::BaseMoved, LogEvent::DifferenceAccepted]);
    assert!(log.iter().all(|line| line.link == Some(link.id)));
    bench.pass(2 * SPAN).await;
    let after_a_crash = bench.claim().await;
    assert_eq!(after_a_crash.link, link);
    assert_eq!(after_a_crash.changes, first.changes);
    assert_eq!(after_a_crash.begun, 2);
}

/// A delivery that carries the sync key of a checkpoint comes to the link, also while it is worked
/// on.
pub async fn a_delivery_finds_what_a_checkpoint_stored(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut link = first.link.clone();
    link.sync_key = Some(SyncKey::new("key"));
    store(bench, &first, Checkpoint::new(link.clone(), LEASE)).await;
    let mut created = delivery("new", 1);
    created.sync_key = Some(SyncKey::new("key"));
    bench.accept(created).await;
    bench.assert_nothing_due().await;
    let mut settlement = all_settled(&first);
    settlement.link = link;
    settlement.link.booking = Some(uid("new"));
    bench.settle(&first, settlement).await;
    let second = bench.claim().await;
    assert_eq!(second.link.id, first.link.id);
    assert_eq!(second.deliveries.len(), 1);
}

/// A checkpoint prolongs the lease, and never shortens it; the lease stays the same one.
pub async fn a_checkpoint_prolongs_the_lease(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim_shortly().await;
    let link = || claim.link.clone();
    store(bench, &claim, Checkpoint::new(link(), 2 * SPAN)).await;
    assert_due_in(bench.next_due().await, 2 * SPAN);
    for shorter in [Duration::ZERO, SPAN] {
        store(bench, &claim, Checkpoint::new(link(), shorter)).await;
        assert_due_in(bench.next_due().await, 2 * SPAN);
    }
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    store(bench, &claim, Checkpoint::new(link(), 2 * SPAN)).await;
    bench.pass(SPAN).await;
    bench.assert_nothing_due().await;
    bench.pass(SPAN).await;
    assert_eq!(bench.claim().await.link, claim.link);
}

/// A checkpoint that gives the link a key of another link, bare or not, is a conflict and stores
/// nothing; the lease stays valid.
pub async fn a_checkpoint_takes_no_key_of_another_link(bench: &Bench) {
    bench.record("owner", 1).await;
    let owner = bench.claim().await;
    let mut settlement = all_settled(&owner);
    settlement.link.booking = Some(uid("booking"));
    settlement.link.chain = Some(ChainKey::new("chain"));
    settlement.link.sync_key = Some(SyncKey::new("key"));
    settlement.link.bare = false;
    bench.settle(&owner, settlement).await;
    let bare = bench.bare("of a bare link", 1).await;

    bench.accept(delivery("own", 2)).await;
    let claim = bench.claim().await;
    let with = |change: fn(&mut Link)| {
        let mut link = claim.link.clone();
        link.state = remembered();
        change(&mut link);
        Checkpoint::new(link, 2 * LEASE)
    };
    let mut of_chain = with(|_| {});
    of_chain.chain_uids = vec![uid("new"), uid("booking")];
    let attempts = [
        with(|link| link.appointment = Some(appointment("owner"))),
        with(|link| link.booking = Some(uid("booking"))),
        with(|link| link.chain = Some(ChainKey::new("chain"))),
        with(|link| link.sync_key = Some(SyncKey::new("key"))),
        with(|link| link.booking = Some(uid("of a bare link"))),
        of_chain,
    ];
    for mut attempt in attempts {
        attempt.log = vec![LogEvent::BaseMoved];
        let stored = bench.store.checkpoint(&claim.lease, attempt).await;
        assert_fails(stored, StoreErrorKind::Conflict);
    }
    let found = bench.find_known(&by_booking("own")).await;
    assert_eq!(found, claim.link);
    let found = bench.find_known(&by_booking("booking")).await;
    assert_eq!(found.id, owner.link.id);
    let found = bench.find_known(&by_booking("of a bare link")).await;
    assert_eq!(found, bare);
    assert_eq!(bench.find(&by_booking("new")).await, None);
    assert_eq!(bench.log().await, []);
    assert_due_in(bench.next_due().await, LEASE);
    bench.settle_all(&claim).await;
}
