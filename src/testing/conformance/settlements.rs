//! What [`Links`](crate::store::Links) promises of settlements.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::model::RecurringBookingUid;
use crate::store::{
    ChainKey, ChangeFate, ChangeId, Checkpoint, Claim, DeliveryFate, Hold, Link, LinkId, LogEntry,
    LogEvent, MarkSource, Resolution, ReviewEnd, ReviewItem, ReviewReason, Settlement,
    StoreErrorKind, SyncKey, TenantId,
};

/// Every field of a settled link is read back as it was stored, and can be taken away again.
pub async fn a_settled_link_is_read_back_as_it_was_stored(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut settlement = all_settled(&first);
    settlement.link.booking = Some(uid("booking"));
    settlement.link.chain = Some(ChainKey::new("chain"));
    settlement.link.series = Some(RecurringBookingUid::new("series"));
    settlement.link.sync_key = Some(SyncKey::new("key"));
    settlement.link.state = remembered();
    settlement.link.bare = false;
    settlement.wake = Some(Duration::ZERO);
    let full = settlement.link.clone();
    bench.settle(&first, settlement).await;
    let found = bench.find_known(&by_appointment("a")).await;
    assert_eq!(found, full);

    let second = bench.claim().await;
    assert_eq!(second.link, full);
    let mut emptied = Link::new(tenant(), full.id);
    emptied.appointment = full.appointment;
    bench
        .settle(&second, Settlement::new(emptied.clone()))
        .await;
    let found = bench.find_known(&by_appointment("a")).await;
    assert_eq!(found, emptied);
}

/// The newest booking and every uid that a settlement names lead to the link; those of before stay.
pub async fn bookings_of_the_chain_lead_to_the_link(bench: &Bench) {
    let link = bench.pair("a", "first").await;
    bench.record("a", 2).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.link.booking = Some(uid("third"));
    settlement.chain_uids = vec![uid("second"), uid("first")];
    bench.settle(&claim, settlement).await;
    for booking in ["first", "second", "third"] {
        let found = bench.find_known(&by_booking(booking)).await;
        assert_eq!(found.id, link.id, "{booking}");
    }
}

/// A settlement that does everything a settlement can do, about a claim with something of every
/// kind.
fn everything(claim: &Claim, item: &ReviewItem) -> Settlement {
    let mut settlement = all_settled(claim);
    settlement.link.state = remembered();
    settlement.link.series = Some(RecurringBookingUid::new("series"));
    settlement.chain_uids = vec![uid("new")];
    settlement.wake = Some(LEASE);
    settlement.not_before = Some(LEASE);
    settlement.outcomes = vec![(item.id, "carried out".to_owned())];
    settlement.log = vec![LogEvent::BaseMoved];
    settlement.reviews = vec![of_link(ReviewReason::SlotTaken), of_tenant("key")];
    settlement.settled = true;
    settlement.gone = vec!["outage".to_owned()];
    settlement.hold = Some(Hold::Pause("key".to_owned()));
    settlement.mark_siblings = true;
    settlement
}

/// A settlement that cannot be stored leaves everything as it was, and the lease valid.
pub async fn a_settlement_that_fails_changes_nothing(bench: &Bench) {
    // Another link, whose booking cannot be taken, and a sibling, which would be marked.
    bench.pair("taken", "of another link").await;
    bench.record("sibling", 1).await;
    let sibling = bench.claim().await;
    let mut settlement = all_settled(&sibling);
    settlement.link.series = Some(RecurringBookingUid::new("series"));
    bench.settle(&sibling, settlement).await;
    let bare = bench.bare("bare", 1).await;
    // A link with an item of its own, a part in one that ends with its cause, an instruction, a
    // change and a delivery.
    bench.pair("a", "booking-a").await;
    let outage = of_tenant("outage").ending(ReviewEnd::WithCause);
    bench.review("a", 2, outage).await;
    bench.review("a", 3, of_link(ReviewReason::Conflict)).await;
    let item = bench.review("a", 4, of_link(ReviewReason::Rejected)).await;
    let item = bench.resolve(&item, Resolution::Retry).await;
    bench.record("a", 5).await;
    bench.accept(delivery("booking-a", 2)).await;
    let claim = bench.claim().await;
    let counts = (
        claim.changes.len(),
        claim.deliveries.len(),
        claim.marks.len(),
    );
    assert_eq!(counts, (1, 1, 1));
    let before = State::of(bench, &item).await;

    let mut conflict = everything(&claim, &item);
    conflict.chain_uids = ["bare", "new", "of another link"].map(uid).to_vec();
    let settled = bench.store.settle(&claim.lease, conflict).await;
    assert_fails(settled, StoreErrorKind::Conflict);
    before.assert_unchanged(bench).await;
    let found = bench.find_known(&by_booking("bare")).await;
    assert_eq!(found, bare);

    let unknown_change = ChangeId::new(i64::MAX);
    let mut stray = everything(&claim, &item);
    stray.changes.push((unknown_change, ChangeFate::Pushed));
    let settled = bench.store.settle(&claim.lease, stray).await;
    assert_fails(settled, StoreErrorKind::Invalid);
    before.assert_unchanged(bench).await;

    bench.settle(&claim, everything(&claim, &item)).await;
    assert!(bench.is_paused().await);
}

/// What is seen of a store from outside.
#[derive(Debug, PartialEq)]
struct State {
    link: Link,
    found: Option<Link>,
    changes: Vec<Option<ChangeFate>>,
    deliveries: Vec<Option<DeliveryFate>>,
    log: Vec<LogEntry>,
    reviews: Vec<ReviewItem>,
    resolved: ReviewItem,
    paused: bool,
}

impl State {
    async fn of(bench: &Bench, resolved: &ReviewItem) -> Self {
        Self {
            link: bench.find_known(&by_appointment("a")).await,
            found: bench.find(&by_booking("new")).await,
            changes: bench.fates("a").await,
            deliveries: bench.delivery_fates().await,
            log: bench.log().await,
            reviews: bench.open_items().await,
            resolved: bench.item(resolved).await,
            paused: bench.is_paused().await,
        }
    }

    /// The same as before, and nothing is due: neither the link, whose lease is valid, nor a
    /// sibling.
    async fn assert_unchanged(&self, bench: &Bench) {
        assert_eq!(*self, Self::of(bench, &self.resolved).await);
        bench.assert_nothing_due().await;
        assert_due_in(bench.next_due().await, LEASE);
    }
}

/// A settlement that names a change or a delivery of another link, or of another tenant, is refused
/// whole.
pub async fn a_settlement_settles_only_what_waits_for_its_link(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.record("b", 1).await;
    bench.accept(delivery("booking-b", 1)).await;
    bench.record_for(&other_tenant(), "a", 2).await;
    let mut theirs = delivery("booking-a", 2);
    theirs.tenant = other_tenant();
    bench.accept(theirs).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(bench.claim().await);
    }
    bench.record("a", 2).await;
    bench.accept(delivery("booking-a", 3)).await;
    let claim = bench.claim().await;
    for other in &others {
        let mut settlement = all_settled(&claim);
        let stray = all_settled(other);
        settlement.changes.extend(stray.changes);
        settlement.deliveries.extend(stray.deliveries);
        let settled = bench.store.settle(&claim.lease, settlement).await;
        assert_fails(settled, StoreErrorKind::Invalid);
    }
    let pushed = Some(ChangeFate::Pushed);
    assert_eq!(bench.fates("a").await, [pushed.clone(), None]);
    assert_eq!(bench.fates("b").await, [None]);
    assert_eq!(bench.delivery_fates().await, [None, None]);
    bench.settle_all(&claim).await;
    for other in &others {
        bench.settle_all(other).await;
    }
}

/// What was settled before waits no more, and cannot be settled again.
pub async fn nothing_is_settled_twice(bench: &Bench) {
    for is_change in [true, false] {
        if is_change {
            bench.record("a", 1).await;
        } else {
            bench.accept(delivery("booking-a", 1)).await;
        }
        let first = bench.claim().await;
        let mut settlement = all_settled(&first);
        settlement.wake = Some(Duration::ZERO);
        bench.settle(&first, settlement).await;
        let second = bench.claim().await;
        assert_eq!(second.link.id, first.link.id);
        let mut again = all_settled(&first);
        again
            .changes
            .iter_mut()
            .for_each(|row| row.1 = ChangeFate::Overruled);
        let settled = bench.store.settle(&second.lease, again).await;
        assert_fails(settled, StoreErrorKind::Invalid);
        bench.settle_all(&second).await;
    }
    assert_eq!(bench.fates("a").await, [Some(ChangeFate::Pushed)]);
}

/// A mark goes when a settlement of its link names it; those that are not named stay.
pub async fn a_mark_stays_until_a_settlement_names_it(bench: &Bench) {
    let items = [
        bench.review("a", 1, of_link(ReviewReason::Conflict)).await,
        bench.review("a", 2, of_link(ReviewReason::Rejected)).await,
    ];
    for item in &items {
        bench.resolve(item, Resolution::Retry).await;
    }
    let claim = bench.claim().await;
    assert_eq!(claim.marks.len(), 2);
    assert!(claim.marks.is_sorted_by_key(|mark| mark.id));
    let mut settlement = all_settled(&claim);
    settlement.marks = vec![claim.marks[0].id];
    bench.settle(&claim, settlement).await;
    let next = bench.claim().await;
    assert_eq!(next.marks, claim.marks[1..]);
    bench.settle_all(&next).await;
    bench.assert_nothing_due().await;
}

/// A mark of another link does not go: a settlement that names it passes the name over.
pub async fn a_settlement_removes_no_mark_of_another_link(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.mark("a", 2).await;
    let marked = bench.claim().await;
    assert_eq!(marked.marks.len(), 1);
    bench.record("b", 1).await;
    let other = bench.claim().await;
    bench.record_for(&other_tenant(), "a", 1).await;
    let theirs = bench.claim().await;
    for claim in [other, theirs] {
        let mut settlement = all_settled(&claim);
        settlement.marks = vec![marked.marks[0].id];
        bench.settle(&claim, settlement).await;
    }
    bench
        .settle(&marked, Settlement::new(marked.link.clone()))
        .await;
    let mut seen = Vec::new();
    while let Some(claim) = bench.try_claim(&request()).await {
        seen.extend(claim.marks);
    }
    assert_eq!(seen, marked.marks);
}

/// Marking the siblings leaves a mark for the tenant's other links of the series, leased or not,
/// and for no other link. It touches no link: the next claim does.
pub async fn siblings_are_marked(bench: &Bench) {
    let series = RecurringBookingUid::new("series");
    let links = [
        (tenant(), "a0", true),
        (tenant(), "a1", true),
        (tenant(), "a2", true),
        (tenant(), "a3", false),
        (other_tenant(), "a0", true),
    ];
    let mut siblings: Vec<LinkId> = Vec::new();
    for (owner, name, of_series) in links {
        bench.record_for(&owner, name, 1).await;
        let claim = bench.claim().await;
        let mut settlement = all_settled(&claim);
        settlement.link.series = of_series.then(|| series.clone());
        bench.settle(&claim, settlement).await;
        if of_series && owner == tenant() {
            siblings.push(claim.link.id);
        }
    }
    bench.record("a1", 2).await;
    let leased = bench.claim().await;
    bench.record("a0", 2).await;
    let ended = bench.claim().await;
    let mut settlement = all_settled(&ended);
    settlement.mark_siblings = true;
    bench.settle(&ended, settlement).await;
    bench.settle_all(&leased).await;

    let mut marked = Vec::new();
    while let Some(claim) = bench.try_claim(&request()).await {
        let sources: Vec<_> = claim.marks.iter().map(|mark| &mark.source).collect();
        assert_eq!(sources, [&MarkSource::Sibling]);
        assert_eq!(claim.marks[0].instruction, None);
        assert!(claim.changes.is_empty());
        marked.push(claim.link.id);
        bench.settle_all(&claim).await;
    }
    marked.sort_unstable();
    assert_eq!(marked, siblings[1..]);
}

/// Marking the siblings of a link that is of no series marks nothing.
pub async fn a_link_without_a_series_has_no_siblings(bench: &Bench) {
    bench.pair("a", "booking-a").await;
    bench.record("b", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.mark_siblings = true;
    bench.settle(&claim, settlement).await;
    bench.assert_nothing_due().await;
}

/// A settlement that gives a link the names that another tenant's link has takes nothing from it.
pub async fn a_settlement_reaches_across_no_tenant(bench: &Bench) {
    let ours = bench.pair("a", "booking-1").await;
    let theirs: TenantId = other_tenant();
    bench.record_for(&theirs, "a", 1).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.link.booking.clone_from(&ours.booking);
    settlement.link.state = remembered();
    bench.settle(&claim, settlement).await;
    let found = bench.find_known(&by_booking("booking-1")).await;
    assert_eq!(found, ours);
    let found = bench.store.find(&theirs, &by_booking("booking-1")).await;
    let found = found.expect("a link can be looked for");
    assert_eq!(found.map(|link| link.id), Some(claim.link.id));
}

/// A link keeps its appointment: to store it without one leaves it as it is, to store it with
/// another one is a conflict. Either way its changes come to it.
pub async fn an_appointment_stays_with_its_link(bench: &Bench) {
    bench.record("a", 1).await;
    let first = bench.claim().await;
    let mut link = first.link.clone();
    link.appointment = Some(appointment("b"));
    let checkpoint = Checkpoint::new(link.clone(), LEASE);
    let stored = bench.store.checkpoint(&first.lease, checkpoint).await;
    assert_fails(stored, StoreErrorKind::Conflict);
    let settled = bench
        .store
        .settle(&first.lease, Settlement::new(link))
        .await;
    assert_fails(settled, StoreErrorKind::Conflict);
    assert_eq!(bench.find(&by_appointment("b")).await, None);

    let mut link = first.link.clone();
    link.appointment = None;
    let checkpoint = Checkpoint::new(link.clone(), LEASE);
    let stored = bench.store.checkpoint(&first.lease, checkpoint).await;
    stored.expect("a checkpoint under a valid lease is stored");
    bench.settle(&first, Settlement::new(link)).await;
    let next = bench.claim().await;
    assert_eq!(next.link, first.link);
    assert_eq!(next.changes, first.changes);
    assert_eq!(bench.find_known(&by_appointment("a")).await, first.link);
}
