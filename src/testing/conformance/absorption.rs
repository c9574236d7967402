//! What [`Links`](crate::store::Links) promises of links that take over others.

use super::fixtures::*;
use crate::model::BookingUid;
use crate::store::{AppointmentId, LinkKey, ReviewReason, Settlement, Store, StoreErrorKind};

/// A settlement that gives the link an appointment takes over the bare link that changes of it made.
pub async fn a_bare_link_of_the_appointment_is_absorbed(store: &dyn Store) {
    accept(store, delivery("booking-1", 1, 0)).await;
    let first = claim(store, 0).await;
    record(store, "a", 1, 1).await;
    let bare = find_known(store, &by_appointment("a")).await;
    assert_ne!(bare.id, first.link.id);

    let mut settlement = all_settled(&first, 2);
    settlement.link.appointment = Some(AppointmentId::new("a"));
    settlement.link.base = Some(state(0));
    settle(store, &first, settlement).await;
    assert_eq!(find(store, &LinkKey::Id(bare.id)).await, None);
    let second = claim(store, 2).await;
    assert_eq!(
        second.link.id, first.link.id,
        "the change did not move over"
    );
    assert_eq!(second.changes.len(), 1);
    settle(store, &second, all_settled(&second, 2)).await;
    assert_nothing_due(store, 9).await;
}

/// A settlement that names a booking takes over the bare link that deliveries about it made.
pub async fn a_bare_link_of_a_booking_is_absorbed(store: &dyn Store) {
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    let newest = accept(store, delivery("newest", 1, 1)).await;
    let older = accept(store, delivery("older", 2, 1)).await;
    let mut settlement = all_settled(&first, 2);
    settlement.link.booking = Some(BookingUid::new("newest"));
    settlement.link.base = Some(state(0));
    settlement.chain_uids = vec![BookingUid::new("older"), BookingUid::new("newest")];
    settle(store, &first, settlement).await;
    for bare in [newest, older] {
        assert_eq!(find(store, &LinkKey::Id(bare)).await, None);
    }
    for uid in ["newest", "older"] {
        assert_eq!(find_known(store, &by_booking(uid)).await.id, first.link.id);
    }
    let second = claim(store, 2).await;
    assert_eq!(
        second.link.id, first.link.id,
        "the deliveries did not move over"
    );
    assert_eq!(second.deliveries.len(), 2);
    assert_nothing_due(store, 2).await;
}

/// Who worked on a link that was absorbed has lost it.
pub async fn the_lease_on_an_absorbed_link_is_void(store: &dyn Store) {
    accept(store, delivery("booking-1", 1, 0)).await;
    let bare = claim(store, 0).await;
    record(store, "a", 1, 0).await;
    let first = claim(store, 0).await;
    let mut settlement = all_settled(&first, 0);
    settlement.link.booking = Some(BookingUid::new("booking-1"));
    settle(store, &first, settlement).await;
    let settled = store.settle(&bare.lease, all_settled(&bare, 0)).await;
    assert_fails(settled, StoreErrorKind::LeaseLost);
    assert_eq!(claim(store, 0).await.deliveries, bare.deliveries);
}

/// A link that is more than a name for one side is not taken over.
pub async fn a_link_that_is_not_bare_is_not_absorbed(store: &dyn Store) {
    let known = pair(store, "a", "booking-a", 0).await;
    record(store, "b", 1, 1).await;
    let claim = claim(store, 1).await;
    let mut with_its_booking = Settlement::new(claim.link.clone(), at(1));
    with_its_booking.link.booking = Some(BookingUid::new("booking-a"));
    let mut with_its_appointment = Settlement::new(claim.link.clone(), at(1));
    with_its_appointment.link.appointment = Some(AppointmentId::new("a"));
    for settlement in [with_its_booking, with_its_appointment] {
        let settled = store.settle(&claim.lease, settlement).await;
        assert_fails(settled, StoreErrorKind::Conflict);
    }
    assert_eq!(find_known(store, &by_booking("booking-a")).await, known);
    assert_eq!(find_known(store, &by_appointment("b")).await, claim.link);
}

/// A bare link that is given up to another one leaves it all that waits and its uids; that one is due and to be read.
pub async fn giving_up_a_bare_link_moves_all_it_holds(store: &dyn Store) {
    let known = pair(store, "a", "booking-a", 0).await;
    accept(store, delivery("stray", 1, 1)).await;
    let bare = claim(store, 1).await;
    // It comes while the bare link is being worked on.
    accept(store, delivery("stray", 2, 1)).await;
    let absorbed = store.absorb(&bare.lease, known.id, at(2)).await;
    absorbed.expect("a bare link can be given up");

    assert_eq!(find(store, &LinkKey::Id(bare.link.id)).await, None);
    assert_eq!(find_known(store, &by_booking("stray")).await.id, known.id);
    let claim = claim(store, 2).await;
    assert_eq!(claim.link.id, known.id);
    assert!(claim.link.verify, "the booking is not going to be read");
    assert_eq!(claim.deliveries.len(), 2);
    assert_nothing_due(store, 9).await;
}

/// A link that is more than a name for one side cannot be given up.
pub async fn a_link_that_is_not_bare_cannot_be_given_up(store: &dyn Store) {
    let known = pair(store, "a", "booking-a", 0).await;
    pair(store, "b", "booking-b", 1).await;
    record(store, "b", 2, 2).await;
    let claim = claim(store, 2).await;
    let absorbed = store.absorb(&claim.lease, known.id, at(2)).await;
    assert_fails(absorbed, StoreErrorKind::Conflict);
    assert_eq!(find_known(store, &by_appointment("b")).await, claim.link);
}

/// A link cannot be given up to one that is not there, or is another tenant's.
pub async fn a_link_cannot_be_given_up_to_one_that_is_gone(store: &dyn Store) {
    let mut theirs = delivery("booking-1", 1, 0);
    theirs.tenant = other_tenant();
    let theirs = accept(store, theirs).await;
    claim(store, 0).await;
    accept(store, delivery("booking-1", 1, 0)).await;
    let bare = claim(store, 0).await;
    let gone = crate::store::LinkId::new(i64::MAX);
    for into in [gone, theirs] {
        let absorbed = store.absorb(&bare.lease, into, at(0)).await;
        assert_fails(absorbed, StoreErrorKind::NotFound);
    }
    assert_eq!(find_known(store, &by_booking("booking-1")).await, bare.link);
}

/// A review item that is open for a link goes with it when it is absorbed.
pub async fn open_reviews_move_with_an_absorbed_link(store: &dyn Store) {
    let known = pair(store, "a", "booking-a", 0).await;
    accept(store, delivery("stray", 1, 1)).await;
    let first = claim(store, 1).await;
    let mut settlement = all_settled(&first, 1);
    settlement.review = Some(review(ReviewReason::UnknownStatus, "decide"));
    settlement.next_due = Some(at(2));
    settle(store, &first, settlement).await;
    let second = claim(store, 2).await;
    let absorbed = store.absorb(&second.lease, known.id, at(2)).await;
    absorbed.expect("a bare link can be given up");
    let open = store
        .open_reviews(&tenant())
        .await
        .expect("reviews are read");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].link, Some(known.id));
}

/// When both links have an item open for one reason, the absorbing link is left with one.
pub async fn open_reviews_for_one_reason_become_one(store: &dyn Store) {
    send_to_review(store, "a", 1, ReviewReason::UnknownStatus, 0).await;
    let known = find_known(store, &by_appointment("a")).await;
    accept(store, delivery("stray", 1, 1)).await;
    let first = claim(store, 1).await;
    let mut settlement = all_settled(&first, 1);
    settlement.review = Some(review(ReviewReason::UnknownStatus, "decide"));
    settlement.next_due = Some(at(2));
    settle(store, &first, settlement).await;
    let second = claim(store, 2).await;
    let absorbed = store.absorb(&second.lease, known.id, at(2)).await;
    absorbed.expect("a bare link can be given up");
    let open = store
        .open_reviews(&tenant())
        .await
        .expect("reviews are read");
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].link, Some(known.id));
}
