//! What [`Erasure`](crate::store::Erasure) promises.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    DeliveryId, Erased, Hold, Link, LogEvent, MarkSource, NewDelivery, Opaque, Page, Resolution,
    ReviewEvidence, ReviewFilter, ReviewReason, StoreErrorKind, StoredBody, TenantId, WorkCounts,
};

async fn erase(bench: &Bench, tenant: &TenantId, limit: u32) -> Erased {
    let mut total = Erased::default();
    for _ in 0..1000 {
        let erased = bench.store.erase_tenant(tenant, limit).await;
        let erased = erased.expect("a tenant can be erased");
        let rows = [erased.changes, erased.deliveries, erased.reviews];
        let more = [erased.log, erased.links, erased.appointments];
        let most = rows.into_iter().chain(more).max();
        assert!(most <= Some(u64::from(limit)), "{erased:?}");
        total = total.and(erased);
        if erased.is_done {
            return total;
        }
    }
    panic!("a tenant is never erased: {total:?}");
}

/// Something of everything, for the first tenant: two links, one of them leased by a worker, a mark,
/// an open and a resolved item, one about the tenant with a pause, log entries and a sweep.
async fn fill(bench: &Bench) -> crate::store::Claim {
    bench.pair("a", "booking-a").await;
    let item = bench.review("a", 2, of_link(ReviewReason::Conflict)).await;
    bench.resolve(&item, Resolution::ForceLocal).await;
    bench.accept(delivery("booking-b", 1)).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    bench.record("c", 1).await;
    let leased = bench.claim().await;
    bench.record("d", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::TenantPaused];
    settlement.reviews = vec![of_tenant("key")];
    settlement.hold = Some(Hold::Pause("key".to_owned()));
    bench.settle(&claim, settlement).await;
    bench.accept(delivery("booking-a", 2)).await;
    bench.record("e", 1).await;
    leased
}

async fn assert_gone(bench: &Bench) {
    assert_eq!(bench.log().await, []);
    assert_eq!(bench.delivery_fates().await, []);
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(bench.fates(name).await, []);
        assert_eq!(bench.find(&by_appointment(name)).await, None);
    }
    assert_eq!(bench.find(&by_booking("booking-a")).await, None);
    assert_eq!(links(bench).await, []);
    let any = ReviewFilter::default();
    let reviews = bench.store.reviews(&tenant(), &any, Page::first(ALL)).await;
    assert_eq!(reviews.expect("reviews are read"), []);
    let counts = bench
        .store
        .work_counts(&tenant(), std::time::Duration::MAX)
        .await;
    assert_eq!(counts.expect("work is counted"), WorkCounts::default());
    assert!(!bench.is_paused().await);
}

async fn links(bench: &Bench) -> Vec<Link> {
    let links = bench.store.links(&tenant(), Page::first(ALL)).await;
    links.expect("links are read")
}

async fn bodies(bench: &Bench) -> Vec<StoredBody> {
    let bodies = bench.store.bodies(&tenant(), Page::first(ALL)).await;
    bodies.expect("bodies are read")
}

/// A tenant is erased whole, in batches, and the report counts every row; nothing of another tenant
/// is touched. What comes afterwards is of a new tenant.
pub async fn a_tenant_is_erased_whole(bench: &Bench) {
    for limit in [ALL, 1] {
        fill(bench).await;
        let every = std::time::Duration::ZERO;
        let sweep = bench.store.begin_sweep(&tenant(), every, LEASE).await;
        let sweep = sweep.expect("a sweep is answered").expect("it is due");
        bench.record_for(&other_tenant(), "a", 1).await;
        let erased = erase(bench, &tenant(), limit).await;
        assert_eq!((erased.changes, erased.deliveries), (5, 2), "{erased:?}");
        assert_eq!((erased.reviews, erased.links), (2, 4), "{erased:?}");
        assert_eq!((erased.log, erased.appointments), (2, 0), "{erased:?}");
        assert_gone(bench).await;
        let cursor = Opaque::new(FORMAT, b"page".to_vec());
        let advanced = bench.store.advance_sweep(&sweep, &cursor, LEASE).await;
        assert_fails(advanced, StoreErrorKind::LeaseLost);
        // The other tenant's change is still there, and the first tenant begins anew.
        let claim = bench.claim().await;
        assert_eq!(claim.link.tenant, other_tenant());
        bench.settle_all(&claim).await;
        erase(bench, &other_tenant(), limit).await;
        bench.assert_nothing_due().await;
    }
}

/// From the first batch on, a worker in the middle of a turn stores nothing more, and nobody claims
/// anything of the tenant.
pub async fn erasing_makes_leases_void(bench: &Bench) {
    let claim = fill(bench).await;
    bench.store.resume(&tenant()).await.expect("it is resumed");
    bench.record("f", 1).await;
    let begun = bench.store.erase_tenant(&tenant(), 1).await;
    assert!(!begun.expect("a tenant can be erased").is_done);
    let settled = bench.store.settle(&claim.lease, all_settled(&claim)).await;
    assert_fails(settled, StoreErrorKind::LeaseLost);
    bench.assert_nothing_due().await;
    erase(bench, &tenant(), 2).await;
    let settled = bench.store.settle(&claim.lease, all_settled(&claim)).await;
    assert_fails(settled, StoreErrorKind::LeaseLost);
    assert_gone(bench).await;
    assert!(erase(bench, &tenant(), 1).await.total() == 0);
}

/// What comes in after a tenant was erased is taken in as of a new one.
pub async fn an_erased_tenant_may_come_anew(bench: &Bench) {
    fill(bench).await;
    erase(bench, &tenant(), ALL).await;
    bench.pair("a", "booking-a").await;
    bench.accept(delivery("booking-a", 1)).await;
    let claim = bench.claim().await;
    assert_eq!((claim.begun, claim.deliveries.len()), (1, 1));
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;
}

/// Links come in id order and in pages, whatever their state.
pub async fn links_come_in_order_and_in_pages(bench: &Bench) {
    let first = bench.pair("a", "booking-a").await;
    bench.bare("booking-b", 1).await;
    let third = bench.pair("c", "booking-c").await;
    let all = links(bench).await;
    assert_eq!(all.len(), 3);
    assert_eq!((&all[0], &all[2]), (&first, &third));
    let mut paged: Vec<Link> = Vec::new();
    loop {
        let page = match paged.last() {
            None => Page::first(2),
            Some(last) => Page::after(last.id, 2),
        };
        let next = bench.store.links(&tenant(), page).await;
        let next = next.expect("links are read");
        if next.is_empty() {
            break;
        }
        paged.extend(next);
    }
    assert_eq!(paged, all);
    let theirs = bench.store.links(&other_tenant(), Page::first(ALL)).await;
    assert_eq!(theirs.expect("links are read"), []);
}

/// A state is replaced only as it was read, and only while no worker has the link; nothing else
/// changes.
pub async fn a_state_is_replaced_as_it_was_read(bench: &Bench) {
    let link = bench.pair("a", "booking-a").await;
    let other = Opaque::new(FORMAT, b"nobody".to_vec());
    let replaced = bench.store.replace_state(&link, other.clone()).await;
    replaced.expect("a state is replaced");
    let mut expected = link.clone();
    expected.state = Some(other.clone());
    assert_eq!(bench.find_known(&by_appointment("a")).await, expected);
    bench.assert_nothing_due().await;
    // It is another one by now.
    let again = bench.store.replace_state(&link, other.clone()).await;
    assert_fails(again, StoreErrorKind::Conflict);
    bench.record("a", 2).await;
    let claim = bench.claim().await;
    let leased = bench.store.replace_state(&expected, other.clone()).await;
    assert_fails(leased, StoreErrorKind::Conflict);
    bench.settle_all(&claim).await;
    let mut unknown = Link::new(other_tenant(), link.id);
    unknown.state = Some(other.clone());
    let unknown = bench.store.replace_state(&unknown, other).await;
    assert_fails(unknown, StoreErrorKind::NotFound);
}

fn with_body(booking: &str, number: u32, body: &str) -> NewDelivery {
    let mut delivery = delivery(booking, number);
    delivery.body = body.to_owned();
    delivery
}

/// Bodies come in id order and in pages, those of waiting deliveries too; an emptied one comes no
/// more, and its delivery is otherwise as it was.
pub async fn bodies_are_read_and_emptied(bench: &Bench) {
    bench.accept(with_body("booking-a", 1, "one")).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    bench.accept(with_body("booking-a", 2, "two")).await;
    bench.accept(with_body("booking-a", 3, "")).await;
    let all = bodies(bench).await;
    let texts: Vec<&str> = all.iter().map(|stored| stored.body.as_str()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert_eq!(all[0].booking, Some(uid("booking-a")));
    let page = Page::after(all[0].delivery, 1);
    let next = bench.store.bodies(&tenant(), page).await;
    assert_eq!(next.expect("bodies are read"), all[1..]);
    let ids: Vec<DeliveryId> = all.iter().map(|stored| stored.delivery).collect();
    let theirs = bench.store.empty_bodies(&other_tenant(), &ids).await;
    theirs.expect("what is not there is skipped");
    assert_eq!(bodies(bench).await, all);
    let emptied = bench.store.empty_bodies(&tenant(), &ids[1..]).await;
    emptied.expect("bodies are emptied");
    assert_eq!(bodies(bench).await, all[..1]);
    // It still waits, and its bytes are still known.
    let claim = bench.claim().await;
    assert_eq!(claim.deliveries.len(), 2);
    let again = bench.try_accept(with_body("booking-a", 2, "two")).await;
    assert_eq!(again, crate::store::Accepted::Duplicate);
}

/// The evidence of an item is replaced, open or resolved, and nothing else of it.
pub async fn evidence_is_replaced(bench: &Bench) {
    let open = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    let closed = bench.review("b", 1, of_link(ReviewReason::Conflict)).await;
    let closed = bench.resolve(&closed, Resolution::Dismiss).await;
    for mut item in [open, closed] {
        item.evidence = ReviewEvidence::new("nobody");
        let evidence = item.evidence.clone();
        let replaced = bench
            .store
            .replace_evidence(&tenant(), item.id, evidence)
            .await;
        replaced.expect("evidence is replaced");
        assert_eq!(bench.item(&item).await, item);
        let theirs = bench
            .store
            .replace_evidence(&other_tenant(), item.id, ReviewEvidence::new("theirs"))
            .await;
        assert_fails(theirs, StoreErrorKind::NotFound);
    }
}

/// A mark, and an instruction with it, is erased with its tenant: nothing waits for a link that is
/// gone.
pub async fn marks_are_erased(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    let marked = bench
        .store
        .mark(&tenant(), &by_appointment("a"), MarkSource::Request)
        .await;
    assert!(marked.expect("a link is marked"));
    erase(bench, &tenant(), 1).await;
    bench.assert_nothing_due().await;
    assert_eq!(bench.next_due().await, None);
    assert_gone(bench).await;
}
