//! What [`Links`](crate::store::Links) promises of routing: which link a change or a delivery is
//! given to by a claim.

use std::collections::BTreeSet;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{Settlement, SyncKey, TenantId};

/// More notices than a store may want to give to links in one claim.
const MANY: u32 = 200;

/// A change goes to the link that its appointment has, and brings nothing that was settled.
pub async fn a_change_goes_to_the_link_of_its_appointment(bench: &Bench) {
    let link = bench.pair("a", "booking-a").await;
    bench.assert_nothing_due().await;
    bench.record("a", 2).await;
    let claim = bench.claim().await;
    assert_eq!(claim.link, link);
    assert_eq!(claim.changes.len(), 1);
    assert_eq!(claim.changes[0].change, change("a", 2));
}

/// A delivery goes to the link of any booking of its chain: the newest, and every uid that was
/// settled with it.
pub async fn a_delivery_goes_to_the_link_of_its_booking(bench: &Bench) {
    bench.record("a", 1).await;
    let claimed = bench.claim().await;
    let mut settlement = all_settled(&claimed);
    settlement.link.booking = Some(uid("newest"));
    settlement.link.bare = false;
    settlement.chain_uids = vec![uid("first")];
    bench.settle(&claimed, settlement).await;
    bench.accept(delivery("first", 1)).await;
    bench.accept(delivery("newest", 2)).await;
    let claim = bench.claim().await;
    assert_eq!(claim.link.id, claimed.link.id);
    assert_eq!(claim.deliveries.len(), 2);
}

/// A delivery about an unknown booking goes to the link of the booking that it was rescheduled
/// from; its uid is remembered as the link's.
pub async fn a_delivery_goes_to_the_link_it_was_rescheduled_from(bench: &Bench) {
    let link = bench.pair("a", "old").await;
    let mut moved = delivery("new", 1);
    moved.rescheduled_from = Some(uid("old"));
    bench.accept(moved).await;
    let first = bench.claim().await;
    assert_eq!(first.link.id, link.id);
    assert_eq!(first.deliveries.len(), 1);
    assert_eq!(bench.find_known(&by_booking("new")).await.id, link.id);
    bench.settle_all(&first).await;
    bench.accept(delivery("new", 2)).await;
    assert_eq!(bench.claim().await.link.id, link.id);
}

/// A delivery about an unknown booking goes to the link whose sync key it carries; its uid is
/// remembered as the link's.
pub async fn a_delivery_goes_to_the_link_of_its_sync_key(bench: &Bench) {
    let link = pair_with_key(bench, "a", "key").await;
    let mut created = delivery("new", 1);
    created.sync_key = Some(SyncKey::new("key"));
    bench.accept(created).await;
    let first = bench.claim().await;
    assert_eq!(first.link.id, link);
    assert_eq!(bench.find_known(&by_booking("new")).await.id, link);
    bench.settle_all(&first).await;
    bench.accept(delivery("new", 2)).await;
    assert_eq!(bench.claim().await.link.id, link);
}

async fn pair_with_key(bench: &Bench, name: &str, key: &str) -> crate::store::LinkId {
    bench.record(name, 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.link.sync_key = Some(SyncKey::new(key));
    settlement.link.bare = false;
    bench.settle(&claim, settlement).await;
    claim.link.id
}

/// The booking's own uid counts before that of the booking it was rescheduled from, and that before
/// the sync key.
pub async fn the_uid_counts_before_the_replaced_one_and_the_sync_key(bench: &Bench) {
    let own = bench.pair("a", "own").await;
    let replaced = bench.pair("b", "replaced").await;
    let keyed = pair_with_key(bench, "c", "key").await;
    let known = [
        ("own", Some("replaced"), own.id),
        ("new", Some("replaced"), replaced.id),
        ("newer", Some("unknown"), keyed),
    ];
    for (number, (booking, from, link)) in (1..).zip(known) {
        let mut all_three = delivery(booking, number);
        all_three.rescheduled_from = from.map(uid);
        all_three.sync_key = Some(SyncKey::new("key"));
        bench.accept(all_three).await;
        let claim = bench.claim().await;
        assert_eq!(claim.link.id, link, "{booking}");
        bench.settle_all(&claim).await;
    }
}

/// A link that is made for a change or a delivery is bare and remembers nothing.
pub async fn a_link_that_is_made_is_bare(bench: &Bench) {
    bench.record("a", 1).await;
    bench.accept(delivery("booking-1", 1)).await;
    for _ in ["a", "booking-1"] {
        let link = bench.claim().await.link;
        assert!(link.bare);
        assert_eq!((link.state, link.chain, link.sync_key), (None, None, None));
    }
}

/// What was taken in first is given to a link first, so that a booking and the one it turned into
/// meet in one link.
pub async fn routing_follows_the_order_of_intake(bench: &Bench) {
    bench.accept(delivery("first", 1)).await;
    for (number, from, to) in [(2, "first", "second"), (3, "second", "third")] {
        let mut moved = delivery(to, number);
        moved.rescheduled_from = Some(uid(from));
        bench.accept(moved).await;
    }
    let claim = bench.claim().await;
    assert_eq!(claim.deliveries.len(), 3);
    bench.assert_nothing_due().await;
}

/// All that waits for one link comes with one claim, and nothing that waits for another.
pub async fn all_that_waits_for_a_link_comes_with_one_claim(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.mark("a", 2).await;
    bench.record("a", 3).await;
    bench.accept(delivery("booking-a", 1)).await;
    bench.record("b", 1).await;
    bench.accept(delivery("booking-b", 2)).await;
    bench.record("a", 4).await;
    bench.accept(delivery("booking-a", 3)).await;
    let claim = bench.claim().await;
    let found = (
        claim.marks.len(),
        claim.changes.len(),
        claim.deliveries.len(),
    );
    assert_eq!(found, (1, 2, 2), "{claim:?}");
    bench.settle_all(&claim).await;
    for _ in ["b", "booking-b"] {
        let claim = bench.claim().await;
        assert_eq!(claim.changes.len() + claim.deliveries.len(), 1);
    }
    bench.assert_nothing_due().await;
}

/// However many links have something waiting, each is claimed.
pub async fn many_links_are_all_claimed(bench: &Bench) {
    for number in 0..MANY / 2 {
        bench.record(&format!("a{number}"), 1).await;
        let booking = format!("b{number}");
        bench.accept(delivery(&booking, number)).await;
    }
    let mut claimed = BTreeSet::new();
    while let Some(claim) = bench.try_claim(&request()).await {
        assert_eq!(claim.changes.len() + claim.deliveries.len(), 1);
        assert!(claimed.insert(claim.link.id), "a link was claimed twice");
    }
    assert_eq!(claimed.len(), MANY as usize);
}

/// However much comes for a link that a worker has, it hides nothing that waits for another link.
pub async fn what_waits_for_a_leased_link_hides_no_other(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.record("a", 2).await;
    let leased = bench.claim().await;
    for number in 0..MANY {
        bench.accept(delivery("booking-a", number)).await;
    }
    bench.record("b", 1).await;
    let other = bench.claim().await;
    assert_eq!(other.link.appointment, Some(appointment("b")));
    bench.settle_all(&leased).await;
    assert_eq!(bench.claim().await.deliveries.len(), MANY as usize);
}

/// What came with a claim and was settled is no reason to claim the link again, however much it
/// was, and whoever claims something else in between.
pub async fn what_came_with_a_claim_comes_once(bench: &Bench) {
    let _ = bench.pair("a", "booking-a").await;
    for number in 0..MANY {
        bench.accept(delivery("booking-a", number)).await;
    }
    let claim = bench.claim().await;
    assert_eq!(claim.deliveries.len(), MANY as usize);
    for number in 0..4 {
        bench.record(&format!("other-{number}"), 1).await;
        bench.claim().await;
    }
    bench.assert_nothing_due().await;
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;
}

/// While doors and claimers run at once, an appointment gets one link, and so does a booking, and
/// each change and each delivery comes once.
pub async fn doors_and_claimers_at_once_make_one_link(bench: &Bench) {
    const APPOINTMENTS: u32 = 4;
    const EACH: u32 = 12;
    let doors: Vec<_> = (0..4)
        .map(|door| {
            let bench = bench.clone();
            tokio::spawn(async move {
                for number in (door..APPOINTMENTS * EACH).step_by(4) {
                    let (name, revision) = (number / 4 % APPOINTMENTS, u64::from(number) + 1);
                    bench.record(&format!("a{name}"), revision).await;
                    let booking = format!("b{name}");
                    bench.accept(delivery(&booking, number)).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let claimers: Vec<_> = (0..4)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut served = Served::default();
                for _ in 0..EACH * 4 {
                    served.serve_one(&bench).await;
                    tokio::task::yield_now().await;
                }
                served
            })
        })
        .collect();
    for door in doors {
        door.await.expect("the door records and accepts");
    }
    let mut all = Served::default();
    for claimer in claimers {
        all.add(claimer.await.expect("the claimer claims"));
    }
    // What the claimers left is due; what waits for a link that is not due would be lost.
    while all.serve_one(bench).await {}
    let expected = APPOINTMENTS as usize * EACH as usize;
    assert_eq!((all.changes, all.deliveries), (expected, expected));
    assert_eq!(all.links.len(), 2 * APPOINTMENTS as usize);
}

#[derive(Default)]
struct Served {
    links: BTreeSet<crate::store::LinkId>,
    changes: usize,
    deliveries: usize,
}

impl Served {
    async fn serve_one(&mut self, bench: &Bench) -> bool {
        let Some(claim) = bench.try_claim(&request()).await else {
            return false;
        };
        self.links.insert(claim.link.id);
        self.changes += claim.changes.len();
        self.deliveries += claim.deliveries.len();
        bench.settle_all(&claim).await;
        true
    }

    fn add(&mut self, other: Self) {
        self.links.extend(other.links);
        self.changes += other.changes;
        self.deliveries += other.deliveries;
    }
}

/// While workers claim and settle, no change that is recorded meanwhile is left behind.
pub async fn nothing_that_waits_is_left_behind(bench: &Bench) {
    const REVISIONS: u64 = 60;
    let writer = {
        let bench = bench.clone();
        tokio::spawn(async move {
            for revision in 1..=REVISIONS {
                bench.record("a", revision).await;
                tokio::task::yield_now().await;
            }
        })
    };
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut served = Served::default();
                for _ in 0..REVISIONS {
                    served.serve_one(&bench).await;
                    tokio::task::yield_now().await;
                }
                served
            })
        })
        .collect();
    writer.await.expect("the writer records");
    let mut all = Served::default();
    for worker in workers {
        all.add(worker.await.expect("the worker settles"));
    }
    while all.serve_one(bench).await {}
    assert_eq!(all.changes as u64, REVISIONS);
    assert_eq!(all.links.len(), 1);
}

/// A settlement that names nothing of what waits leaves it all to the next claim, marks too.
pub async fn what_is_not_named_comes_again(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.mark("a", 2).await;
    bench.record("a", 3).await;
    bench.accept(delivery("booking-a", 1)).await;
    let first = bench.claim().await;
    bench
        .settle(&first, Settlement::new(first.link.clone()))
        .await;
    let second = bench.claim().await;
    assert_eq!(second.changes, first.changes);
    assert_eq!(second.deliveries, first.deliveries);
    assert_eq!(second.marks, first.marks);
    assert_eq!(second.marks.len(), 1);
    bench.settle_all(&second).await;
    bench.assert_nothing_due().await;
}

/// The same appointment, uid, sync key and bytes in two tenants are two changes, two deliveries and
/// two links each.
pub async fn the_same_names_in_two_tenants_are_two_links(bench: &Bench) {
    let both: [TenantId; 2] = [tenant(), other_tenant()];
    for tenant in &both {
        bench.record_for(tenant, "a", 1).await;
        let mut delivery = delivery("booking-1", 1);
        delivery.tenant = tenant.clone();
        bench.accept(delivery).await;
    }
    let mut links = BTreeSet::new();
    for _ in 0..4 {
        let claim = bench.claim().await;
        assert_eq!(claim.lease.tenant, claim.link.tenant);
        assert_eq!(claim.changes.len() + claim.deliveries.len(), 1);
        for row in &claim.changes {
            assert_eq!(row.change.tenant, claim.link.tenant);
        }
        links.insert((claim.link.tenant, claim.link.id));
    }
    bench.assert_nothing_due().await;
    for tenant in &both {
        assert_eq!(links.iter().filter(|link| link.0 == *tenant).count(), 2);
    }
}
