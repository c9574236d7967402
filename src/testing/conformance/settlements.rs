//! What [`Links`](crate::store::Links) promises of settlements.

use super::fixtures::*;
use crate::model::{BookingUid, RecurringBookingUid};
use crate::store::{
    AppointmentId, ChainKey, ChangeFate, DeliveryFate, LinkId, LogEvent, PendingWrite,
    ReviewReason, Settlement, Store, StoreErrorKind, SyncKey,
};

/// Every field of a settled link is read back as it was stored, and can be taken away again.
pub async fn a_settled_link_is_read_back_as_it_was_stored(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    let mut settlement = all_settled(&first, 0);
    settlement.link.booking = Some(BookingUid::new("booking"));
    settlement.link.chain = Some(ChainKey::new("chain"));
    settlement.link.series = Some(RecurringBookingUid::new("series"));
    settlement.link.base = Some(state(30));
    settlement.link.sync_key = Some(SyncKey::new("key"));
    settlement.link.pending = Some(PendingWrite::Reschedule {
        booking: BookingUid::new("booking"),
        start: at(45),
    });
    settlement.link.attempts = 2;
    settlement.link.verify = true;
    settlement.next_due = Some(at(1));
    let full = settlement.link.clone();
    settle(store, &first, settlement).await;
    assert_eq!(find_known(store, &by_appointment("a")).await, full);

    let second = claim(store, 1).await;
    assert_eq!(second.link, full);
    let mut settlement = Settlement::new(full.clone(), at(1));
    settlement.link.base = None;
    settlement.link.pending = None;
    settlement.link.attempts = 0;
    settlement.link.verify = false;
    let emptied = settlement.link.clone();
    settle(store, &second, settlement).await;
    assert_eq!(find_known(store, &by_appointment("a")).await, emptied);
}

/// A settled link is due at the time that the settlement names, or not before something marks it.
pub async fn a_settled_link_is_due_when_the_settlement_says(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    let mut settlement = all_settled(&first, 0);
    settlement.next_due = Some(at(30));
    settle(store, &first, settlement).await;
    assert_eq!(
        store.next_due().await.expect("a time is read"),
        Some(at(30))
    );
    assert_nothing_due(store, 29).await;
    let second = claim(store, 30).await;
    settle(store, &second, all_settled(&second, 30)).await;
    assert_eq!(store.next_due().await.expect("a time is read"), None);
    assert_nothing_due(store, 600).await;
}

/// After its settlement a link that is due can be claimed at once.
pub async fn a_settlement_gives_the_lease_back(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    let mut settlement = all_settled(&first, 0);
    settlement.next_due = Some(at(0));
    settle(store, &first, settlement).await;
    let second = claim(store, 0).await;
    assert!(second.lease.fence > first.lease.fence);
    assert!(second.changes.is_empty());
}

/// The newest booking and every uid that a settlement names lead to the link; those of before stay.
pub async fn bookings_of_the_chain_lead_to_the_link(store: &dyn Store) {
    let link = pair(store, "a", "first", 0).await;
    record(store, "a", 2, 1).await;
    let claim = claim(store, 1).await;
    let mut settlement = all_settled(&claim, 1);
    settlement.link.booking = Some(BookingUid::new("third"));
    settlement.chain_uids = vec![BookingUid::new("second")];
    settle(store, &claim, settlement).await;
    for uid in ["first", "second", "third"] {
        assert_eq!(
            find_known(store, &by_booking(uid)).await.id,
            link.id,
            "{uid}"
        );
    }
}

/// A settlement that cannot be stored leaves everything as it was, and the lease valid.
pub async fn a_settlement_that_fails_changes_nothing(store: &dyn Store) {
    pair(store, "taken", "booking-taken", 0).await;
    accept(store, delivery("bare", 1, 0)).await;
    let bare = claim(store, 0).await;
    record(store, "a", 1, 0).await;
    let claim = claim(store, 0).await;
    let mut settlement = all_settled(&claim, 0);
    settlement.chain_uids = vec![BookingUid::new("bare"), BookingUid::new("booking-taken")];
    settlement.log = vec![LogEvent::BaseMoved];
    settlement.review = Some(review(ReviewReason::Conflict, "decide"));
    settlement.pause_tenant = true;
    let settled = store.settle(&claim.lease, settlement).await;
    assert_fails(settled, StoreErrorKind::Conflict);

    let changes = store.changes(&tenant(), &AppointmentId::new("a")).await;
    assert_eq!(changes.expect("changes are read")[0].1, None);
    assert_eq!(find_known(store, &by_booking("bare")).await, bare.link);
    let log = store.log(&tenant(), None, 10).await;
    assert!(
        !log.expect("the log is read")
            .iter()
            .any(|line| line.event == LogEvent::BaseMoved)
    );
    let open = store
        .open_reviews(&tenant())
        .await
        .expect("reviews are read");
    assert!(open.is_empty(), "{open:?}");
    assert!(!store.is_paused(&tenant()).await.expect("a tenant is read"));
    settle(store, &claim, all_settled(&claim, 0)).await;
}

/// A settlement cannot end what waits for another link, whether it is refused or the name is passed over.
pub async fn a_settlement_cannot_settle_what_waits_for_another_link(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let waiting = claim(store, 0).await;
    accept(store, delivery("booking-b", 1, 1)).await;
    let claim = claim(store, 1).await;
    let mut settlement = all_settled(&claim, 1);
    settlement.changes = vec![(waiting.changes[0].id, ChangeFate::Pushed)];
    let _refused_or_passed_over = store.settle(&claim.lease, settlement).await;
    let changes = store.changes(&tenant(), &AppointmentId::new("a")).await;
    assert_eq!(changes.expect("changes are read")[0].1, None);
}

/// A settlement cannot end what waits for another tenant, whether it is refused or the name is passed over.
pub async fn a_settlement_cannot_settle_what_waits_for_another_tenant(store: &dyn Store) {
    accept(store, delivery("booking-1", 1, 0)).await;
    let waiting = claim(store, 0).await;
    let mut theirs = change("a", 1, 1);
    theirs.tenant = other_tenant();
    store.record(&theirs).await.expect("a change is recorded");
    let claim = claim(store, 1).await;
    assert_eq!(claim.lease.tenant, other_tenant());
    let mut settlement = all_settled(&claim, 1);
    settlement.deliveries = vec![(waiting.deliveries[0].id, DeliveryFate::Applied)];
    let _refused_or_passed_over = store.settle(&claim.lease, settlement).await;
    let stored = store
        .deliveries(&tenant())
        .await
        .expect("deliveries are read");
    assert_eq!(stored[0].1, None);
}

/// Marking the series makes the tenant's other links of it due and to be read, and no others.
pub async fn the_series_is_marked_to_be_read(store: &dyn Store) {
    let series = RecurringBookingUid::new("series");
    let mut siblings: Vec<LinkId> = Vec::new();
    for (number, of_series) in [(0, true), (1, true), (2, true), (3, false)] {
        record(store, &format!("a{number}"), 1, number).await;
        let claim = claim(store, number).await;
        let mut settlement = all_settled(&claim, number);
        settlement.link.series = of_series.then(|| series.clone());
        settle(store, &claim, settlement).await;
        if of_series {
            siblings.push(claim.link.id);
        }
    }
    let mut theirs = change("a0", 1, 4);
    theirs.tenant = other_tenant();
    store.record(&theirs).await.expect("a change is recorded");
    let of_other_tenant = claim(store, 4).await;
    let mut settlement = all_settled(&of_other_tenant, 4);
    settlement.link.series = Some(series);
    settle(store, &of_other_tenant, settlement).await;

    record(store, "a0", 2, 5).await;
    let cancelled = claim(store, 5).await;
    let mut settlement = all_settled(&cancelled, 6);
    settlement.mark_series = true;
    settle(store, &cancelled, settlement).await;
    let mut marked = Vec::new();
    for _ in 0..2 {
        let claim = claim(store, 6).await;
        assert!(claim.link.verify, "the booking is not going to be read");
        marked.push(claim.link.id);
    }
    marked.sort_unstable();
    assert_eq!(marked, siblings[1..]);
    assert_nothing_due(store, 6).await;
}
