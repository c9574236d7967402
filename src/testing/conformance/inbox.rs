//! What the [`Inbox`](crate::store::Inbox) promises.

use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Accepted, AppointmentStatus, DeliveryClaim, DeliveryFate, NoticeSource, Page, WebhookHealth,
};

/// Accepting a delivery makes no link: the next claim does.
pub async fn accepting_makes_no_link(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    assert_eq!(bench.find(&by_booking("booking-1")).await, None);
    let claim = bench.claim().await;
    assert_eq!(claim.link.appointment, None);
    assert_eq!(claim.link.booking, Some(uid("booking-1")));
    let found = bench.find(&by_booking("booking-1")).await;
    assert_eq!(found, Some(claim.link));
}

/// A delivery comes with its trigger, its booking, all that it claims, and when the store took it
/// in.
pub async fn a_delivery_comes_as_it_was_accepted(bench: &Bench) {
    bench.record("earlier", 1).await;
    let before = bench.claim().await;
    let mut full = delivery("booking-1", 1);
    let (start, end) = (at(5), at(35));
    full.claim = DeliveryClaim::new(AppointmentStatus::Cancelled, Some(start), Some(end));
    bench.accept(full.clone()).await;
    bench.accept(delivery("booking-1", 2)).await;
    let claim = bench.claim().await;
    assert_eq!(claim.deliveries.len(), 2);
    let came = &claim.deliveries[0];
    assert_eq!(came.trigger, "BOOKING_CREATED");
    assert_eq!(came.booking, Some(uid("booking-1")));
    assert_eq!(came.claim, full.claim);
    assert!((before.now..=claim.now).contains(&came.received_at));
    assert_eq!(claim.deliveries[1].claim, DeliveryClaim::default());
}

/// Bytes that wait already, also while they are worked on, are a duplicate and change nothing.
pub async fn bytes_that_wait_are_a_duplicate(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    let again = bench.try_accept(delivery("booking-1", 1)).await;
    assert_eq!(again, Accepted::Duplicate);
    let claim = bench.claim().await;
    assert_eq!(claim.deliveries.len(), 1);
    let again = bench.try_accept(delivery("booking-1", 1)).await;
    assert_eq!(again, Accepted::Duplicate);
    bench.settle_all(&claim).await;
    bench.assert_nothing_due().await;
}

/// Bytes whose first delivery was settled are stored again, as often as they come, and are looked
/// at.
pub async fn settled_bytes_are_one_more_reason_to_look(bench: &Bench) {
    for round in 1..=3 {
        bench.accept(delivery("booking-1", 1)).await;
        let again = bench.try_accept(delivery("booking-1", 1)).await;
        assert_eq!(again, Accepted::Duplicate);
        let claim = bench.claim().await;
        assert_eq!(claim.deliveries.len(), 1, "round {round}");
        bench.settle_all(&claim).await;
        bench.assert_nothing_due().await;
    }
    assert_eq!(bench.delivery_fates().await.len(), 3);
}

/// A delivery that is ignored is stored once, with its reason, and waits for nobody.
pub async fn an_ignored_delivery_is_stored_once(bench: &Bench) {
    let mut ignored = delivery("booking-1", 1);
    ignored.ignored = Some(DeliveryFate::IgnoredTrigger);
    let accepted = bench.try_accept(ignored.clone()).await;
    assert_eq!(accepted, Accepted::Ignored);
    bench.assert_nothing_due().await;
    assert_eq!(bench.next_due().await, None);
    let again = bench.try_accept(ignored).await;
    assert_eq!(again, Accepted::Duplicate);
    let fates = bench.delivery_fates().await;
    assert_eq!(fates, [Some(DeliveryFate::IgnoredTrigger)]);
}

/// A delivery that names no booking is ignored with that reason, unless it came with another.
pub async fn a_delivery_without_a_booking_is_ignored(bench: &Bench) {
    let mut without = delivery("", 1);
    without.booking = None;
    let mut with_reason = delivery("", 2);
    with_reason.booking = None;
    with_reason.ignored = Some(DeliveryFate::IgnoredTemplate);
    for delivery in [without, with_reason] {
        assert_eq!(bench.try_accept(delivery).await, Accepted::Ignored);
    }
    bench.assert_nothing_due().await;
    let fates = bench.delivery_fates().await;
    let expected = [
        Some(DeliveryFate::IgnoredNoBooking),
        Some(DeliveryFate::IgnoredTemplate),
    ];
    assert_eq!(fates, expected);
}

/// A delivery is accepted while a worker has its link, and comes with the next claim, not before
/// the settlement.
pub async fn accepting_waits_for_no_lease(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    let first = bench.claim().await;
    bench.accept(delivery("booking-1", 2)).await;
    bench.assert_nothing_due().await;
    bench.settle_all(&first).await;
    let second = bench.claim().await;
    assert_eq!(second.link.id, first.link.id);
    assert_eq!(second.deliveries.len(), 1);
    assert_ne!(second.deliveries[0].id, first.deliveries[0].id);
}

/// A delivery waits until a settlement names it. Deliveries are claimed and listed oldest first,
/// each with how it ended, and page by page.
pub async fn deliveries_come_oldest_first_and_in_pages(bench: &Bench) {
    for number in [3, 1, 2] {
        bench.accept(delivery("booking-1", number)).await;
    }
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.deliveries.pop();
    bench.settle(&claim, settlement).await;
    let first = bench.store.deliveries(&tenant(), Page::first(2)).await;
    let mut rows = first.expect("deliveries are read");
    assert_eq!(rows.len(), 2);
    let page = Page::after(rows[1].0.id, 2);
    let second = bench.store.deliveries(&tenant(), page).await;
    rows.extend(second.expect("deliveries are read"));
    let (rows, fates): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    assert_eq!(rows, claim.deliveries);
    assert!(rows.is_sorted_by_key(|delivery| delivery.id));
    let applied = Some(DeliveryFate::Applied);
    assert_eq!(fates, [applied.clone(), applied, None]);
    assert_eq!(bench.claim().await.deliveries, rows[2..]);
}

/// Of identical deliveries that come at once, one is stored and the others are duplicates.
pub async fn identical_deliveries_at_once_are_stored_once(bench: &Bench) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { bench.try_accept(delivery("booking-1", 1)).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        match task.await.expect("the task accepts") {
            Accepted::Stored => stored += 1,
            other => assert_eq!(other, Accepted::Duplicate),
        }
    }
    assert_eq!(stored, 1);
    assert_eq!(bench.claim().await.deliveries.len(), 1);
    bench.assert_nothing_due().await;
}

/// A delivery comes with who told of it.
pub async fn a_delivery_keeps_its_source(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    let mut swept = delivery("booking-1", 2);
    swept.source = NoticeSource::Sweep;
    bench.accept(swept).await;
    let claim = bench.claim().await;
    let claimed: Vec<_> = claim.deliveries.iter().map(|row| &row.source).collect();
    assert_eq!(claimed, [&NoticeSource::Webhook, &NoticeSource::Sweep]);
    let listed = bench.store.deliveries(&tenant(), Page::first(ALL)).await;
    let listed = listed.expect("deliveries are read");
    let listed: Vec<_> = listed.into_iter().map(|(row, _)| row).collect();
    assert_eq!(listed, claim.deliveries);
}

async fn health(bench: &Bench, within: Duration) -> WebhookHealth {
    let health = bench.store.webhook_health(&tenant(), within).await;
    health.expect("deliveries are counted")
}

/// Webhooks are counted by how they ended, and what a sweep found only if it was applied. Another
/// tenant's do not count.
pub async fn health_counts_by_source_and_fate(bench: &Bench) {
    assert_eq!(health(bench, LEASE).await, WebhookHealth::default());
    let mut ignored = delivery("booking-1", 1);
    ignored.ignored = Some(DeliveryFate::IgnoredTemplate);
    bench.try_accept(ignored).await;
    let mut foreign = delivery("booking-1", 2);
    foreign.tenant = other_tenant();
    foreign.ignored = Some(DeliveryFate::IgnoredTemplate);
    bench.try_accept(foreign).await;
    for number in 10..16 {
        let mut new = delivery("booking-1", number);
        if number >= 13 {
            new.source = NoticeSource::Sweep;
        }
        bench.accept(new).await;
    }
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.deliveries[0].1 = DeliveryFate::Contradicted;
    settlement.deliveries[1].1 = DeliveryFate::IgnoredEnded;
    settlement.deliveries[3].1 = DeliveryFate::Agreed;
    settlement.deliveries.pop();
    bench.settle(&claim, settlement).await;
    let counted = health(bench, LEASE).await;
    let numbers = (counted.received, counted.ignored, counted.contradicted);
    assert_eq!(numbers, (4, 2, 1));
    assert_eq!(counted.found_by_sweep, 1);
}

/// Counts cover only what was received within the span. The age of the last webhook is not limited
/// to the span, and a sweep's notice does not count as a webhook.
pub async fn health_looks_back_as_far_as_asked(bench: &Bench) {
    bench.accept(delivery("booking-1", 1)).await;
    bench.pass(SPAN * 2).await;
    let mut swept = delivery("booking-1", 2);
    swept.source = NoticeSource::Sweep;
    bench.accept(swept).await;
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    let lately = health(bench, SPAN).await;
    assert_eq!((lately.received, lately.found_by_sweep), (0, 1));
    let ago = lately.last_received_ago.expect("there was one");
    assert!(ago >= SPAN * 2, "the last one came {ago:?} ago");
    assert_eq!(health(bench, LEASE).await.received, 1);
}
