//! What [`SenderEvents`](crate::store::SenderEvents) promises.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    EventAccepted, EventClaim, EventClaimRequest, EventLease, Hold, NewReview, NewSenderEvent,
    Page, Pruned, Resolution, Retention, ReviewEnd, ReviewEvidence, ReviewId, ReviewItem,
    ReviewReason, SenderEventFate, SenderEventId, SenderEventRecord, StoreErrorKind,
    StoredEventBody, TenantId,
};
use crate::webhook::Sender;

/// Half a span: what ended a span ago has been over for longer, what ended just now has not.
const OLD: Duration = Duration::from_secs(1);

/// An event of the first tenant that stands alone.
fn event(id: &str) -> NewSenderEvent {
    event_of(&tenant(), id)
}

fn event_of(tenant: &TenantId, id: &str) -> NewSenderEvent {
    NewSenderEvent::new(tenant.clone(), Sender::new("stripe"), id, "invoice.paid")
        .with_body(format!("{{\"id\":\"{id}\"}}"))
}

fn keyed(id: &str, key: &str) -> NewSenderEvent {
    event(id).with_order_key(key.to_owned())
}

fn item_of(id: &str) -> NewReview {
    let reason = ReviewReason::HandlerFailed;
    let evidence = ReviewEvidence::new("the handler failed");
    let review = NewReview::of_tenant(format!("handler/stripe/{id}"), reason, evidence);
    review.ending(ReviewEnd::ByPerson)
}

async fn try_accept(bench: &Bench, event: NewSenderEvent) -> EventAccepted {
    let accepted = bench.store.accept_event(event).await;
    accepted.expect("an event is accepted")
}

async fn accept(bench: &Bench, event: NewSenderEvent) {
    assert_eq!(try_accept(bench, event).await, EventAccepted::Stored);
}

async fn try_claim(bench: &Bench, request: &EventClaimRequest) -> Option<EventClaim> {
    let claim = bench.store.claim_event(request).await;
    claim.expect("a claim is answered")
}

async fn claim(bench: &Bench) -> EventClaim {
    let claim = try_claim(bench, &EventClaimRequest::new(LEASE)).await;
    claim.expect("an event is due, and was not claimed")
}

async fn claim_shortly(bench: &Bench) -> EventClaim {
    let claim = try_claim(bench, &EventClaimRequest::new(SPAN)).await;
    claim.expect("an event is due, and was not claimed")
}

async fn assert_none_due(bench: &Bench) {
    let claim = try_claim(bench, &EventClaimRequest::new(LEASE)).await;
    assert!(claim.is_none(), "expected no event, claimed {claim:?}");
}

async fn claim_id(bench: &Bench) -> String {
    claim(bench).await.event.event_id
}

async fn end(bench: &Bench, claim: &EventClaim) {
    let ended = bench
        .store
        .end_event(&claim.lease, &SenderEventFate::Handled, None);
    ended.await.expect("an event under a valid lease is ended");
}

async fn retry(bench: &Bench, claim: &EventClaim, wait: Duration) {
    let put_off = bench.store.retry_event(&claim.lease, wait);
    put_off
        .await
        .expect("an event under a valid lease is put off");
}

async fn park(bench: &Bench, claim: &EventClaim) -> ReviewItem {
    let review = item_of(&claim.event.event_id);
    let parked = bench.store.park_event(&claim.lease, &review, None).await;
    let id = parked.expect("an event under a valid lease is parked");
    review_item(bench, id).await
}

async fn review_item(bench: &Bench, id: ReviewId) -> ReviewItem {
    let item = bench.store.review(&tenant(), id).await;
    item.expect("a review is read").expect("an item stays")
}

async fn records(bench: &Bench, tenant: &TenantId) -> Vec<SenderEventRecord> {
    let records = bench.store.sender_events(tenant, Page::first(ALL)).await;
    records.expect("events are read")
}

async fn record(bench: &Bench, id: &str) -> SenderEventRecord {
    let records = records(bench, &tenant()).await.into_iter();
    let mut known = records.filter(|record| record.event_id == id);
    known.next().expect("the event is kept")
}

async fn bodies(bench: &Bench) -> Vec<StoredEventBody> {
    let bodies = bench.store.event_bodies(&tenant(), Page::first(ALL)).await;
    bodies.expect("bodies are read")
}

/// With this lease nothing is stored any more.
async fn assert_lost(bench: &Bench, lease: &EventLease) {
    let lost = StoreErrorKind::LeaseLost;
    let before = records(bench, &tenant()).await;
    let open = bench.open_items().await;
    let handled = SenderEventFate::Handled;
    assert_fails(bench.store.end_event(lease, &handled, None).await, lost);
    assert_fails(bench.store.retry_event(lease, SPAN).await, lost);
    assert_fails(bench.store.hand_back_event(lease).await, lost);
    let review = item_of("late");
    assert_fails(bench.store.park_event(lease, &review, None).await, lost);
    assert_eq!(records(bench, &tenant()).await, before);
    assert_eq!(bench.open_items().await, open);
}

/// An event comes out as it went in, with whatever text it has.
pub async fn an_event_is_read_back_as_it_was_stored(bench: &Bench) {
    let new = keyed("evt_1", "customer/7")
        .with_signed_at(at(3))
        .with_body("{\"text\":\"Grüße \u{fffd} 'quoted' \u{1f600}\"}");
    accept(bench, new.clone()).await;
    let claim = claim(bench).await;
    let event = &claim.event;
    assert_eq!((&event.tenant, &event.sender), (&new.tenant, &new.sender));
    assert_eq!((&event.event_id, &event.event), (&new.event_id, &new.event));
    assert_eq!(event.order_key, new.order_key);
    assert_eq!(event.signed_at, new.signed_at);
    assert_eq!(event.body, new.body);
    assert_eq!((claim.attempt, claim.review), (1, None));
    assert_eq!(
        (&claim.lease.tenant, claim.lease.event),
        (&new.tenant, event.id)
    );
    let record = record(bench, "evt_1").await;
    let mut expected = SenderEventRecord::new(event.clone());
    expected.attempts = 1;
    assert_eq!(record, expected);
}

/// The sender's id names an event within its tenant and sender, also once it has ended.
pub async fn the_senders_id_recognizes_duplicates(bench: &Bench) {
    accept(bench, event("evt_1")).await;
    let other = event("evt_1")
        .with_body("{}")
        .with_order_key("k".to_owned());
    assert_eq!(
        try_accept(bench, other.clone()).await,
        EventAccepted::Duplicate
    );
    let first = claim(bench).await;
    assert_eq!(first.event.order_key, None, "a duplicate changes nothing");
    assert_eq!(
        try_accept(bench, other.clone()).await,
        EventAccepted::Duplicate
    );
    end(bench, &first).await;
    assert_eq!(
        try_accept(bench, other.clone()).await,
        EventAccepted::Duplicate
    );
    assert_none_due(bench).await;
    let mut of_another = other;
    of_another.sender = Sender::new("retell");
    accept(bench, of_another).await;
    accept(bench, event_of(&other_tenant(), "evt_1")).await;
    assert_eq!(records(bench, &tenant()).await.len(), 2);
}

/// Of the same event many times at once, one is stored.
pub async fn an_event_sent_many_times_at_once_is_stored_once(bench: &Bench) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { try_accept(&bench, event("evt_1")).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        let accepted = task.await.expect("the task accepts an event");
        stored += usize::from(accepted == EventAccepted::Stored);
    }
    assert_eq!((stored, records(bench, &tenant()).await.len()), (1, 1));
}

/// The events of a key come one at a time, in their order, and hold up no others.
pub async fn events_of_a_key_come_one_at_a_time(bench: &Bench) {
    for id in ["1", "2", "3"] {
        accept(bench, keyed(id, "k")).await;
    }
    accept(bench, keyed("other key", "l")).await;
    accept(bench, event("alone")).await;
    accept(bench, event("alone too")).await;
    let mut of_another = keyed("other sender", "k");
    of_another.sender = Sender::new("retell");
    accept(bench, of_another).await;
    let mut claims = Vec::new();
    for _ in 0..5 {
        claims.push(claim(bench).await);
    }
    let ids: BTreeSet<&str> = claims.iter().map(|c| c.event.event_id.as_str()).collect();
    let expected = ["1", "other key", "alone", "alone too", "other sender"];
    assert_eq!(ids, BTreeSet::from(expected));
    assert_none_due(bench).await;
    for claim in &claims {
        end(bench, claim).await;
    }
    let second = claim(bench).await;
    assert_eq!(second.event.event_id, "2");
    assert_none_due(bench).await;
    end(bench, &second).await;
    assert_eq!(claim_id(bench).await, "3");
}

/// An event that waits for its retry holds up the later ones of its key, and is not due before.
pub async fn an_event_that_is_put_off_holds_up_its_key(bench: &Bench) {
    accept(bench, keyed("1", "k")).await;
    accept(bench, keyed("2", "k")).await;
    let first = claim(bench).await;
    retry(bench, &first, SPAN).await;
    assert_none_due(bench).await;
    accept(bench, keyed("3", "k")).await;
    accept(bench, keyed("4", "l")).await;
    assert_eq!(claim_id(bench).await, "4");
    assert_none_due(bench).await;
    bench.pass(SPAN).await;
    let again = claim(bench).await;
    assert_eq!((again.event.event_id.as_str(), again.attempt), ("1", 2));
    end(bench, &again).await;
    assert_eq!(claim_id(bench).await, "2");
}

/// Of many workers that claim at once, no two get the same event, nor two of one key.
pub async fn no_event_and_no_key_goes_to_two(bench: &Bench) {
    for number in 0..24 {
        accept(bench, keyed(&number.to_string(), &(number % 4).to_string())).await;
    }
    for round in 0..6 {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let bench = bench.clone();
                tokio::spawn(async move { try_claim(&bench, &EventClaimRequest::new(LEASE)).await })
            })
            .collect();
        let mut claims = Vec::new();
        for task in tasks {
            claims.extend(task.await.expect("the task claims an event"));
        }
        // Whoever was overtaken may have claimed nothing.
        while let Some(more) = try_claim(bench, &EventClaimRequest::new(LEASE)).await {
            claims.push(more);
        }
        let ids: BTreeSet<String> = claims.iter().map(|c| c.event.event_id.clone()).collect();
        let expected = (round * 4..round * 4 + 4).map(|number| number.to_string());
        assert_eq!(ids, expected.collect(), "round {round}");
        assert_eq!(claims.len(), 4);
        for claim in &claims {
            end(bench, claim).await;
        }
    }
    assert_none_due(bench).await;
}

/// Tenants take turns in the order of their names, from the one after the last.
pub async fn tenants_take_turns_with_events(bench: &Bench) {
    let third = TenantId::new("tenant-c");
    for id in ["1", "2"] {
        for tenant in [&third, &tenant(), &other_tenant()] {
            accept(bench, event_of(tenant, id)).await;
        }
    }
    let mut served = None;
    let mut order = Vec::new();
    for _ in 0..6 {
        let request = EventClaimRequest::new(LEASE).after(served.clone());
        let claim = try_claim(bench, &request).await.expect("an event is due");
        served = Some(claim.event.tenant.clone());
        order.push(claim.event.tenant);
    }
    let turn = [tenant(), other_tenant(), third];
    assert_eq!(order, [turn.clone(), turn].concat());
    let request = EventClaimRequest::new(LEASE).after(Some(tenant()));
    assert!(try_claim(bench, &request).await.is_none());
}

/// A claim for certain senders gets their events only; the others stay as they are.
pub async fn events_of_senders_that_are_left_out_wait(bench: &Bench) {
    let (sender, other) = (Sender::new("stripe"), Sender::new("retell"));
    accept(bench, keyed("1", "k")).await;
    let request = EventClaimRequest::new(LEASE);
    for senders in [vec![], vec![other.clone()]] {
        let request = request.clone().of_senders(senders);
        assert!(try_claim(bench, &request).await.is_none());
        // Nor after the last tenant.
        let request = request.after(Some(tenant()));
        assert!(try_claim(bench, &request).await.is_none());
    }
    assert_eq!(record(bench, "1").await.attempts, 0);
    let mut later = keyed("2", "k");
    later.sender = other.clone();
    accept(bench, later).await;
    let request = request.of_senders([other.clone()]);
    let claim_of_other = try_claim(bench, &request).await;
    let claim_of_other = claim_of_other.expect("an event of the sender is due");
    assert_eq!(claim_of_other.event.sender, other);
    let request = request.of_senders([sender.clone(), other]);
    let claim = try_claim(bench, &request).await;
    let claim = claim.expect("an event of one of the senders is due");
    assert_eq!((claim.event.sender, claim.attempt), (sender, 1));
}

/// A pause or a hold of the tenant's work at Cal.com does not concern its events.
pub async fn events_go_on_during_a_pause(bench: &Bench) {
    bench.record("a", 1).await;
    let turn = bench.claim().await;
    let mut settlement = all_settled(&turn);
    settlement.hold = Some(Hold::For(LEASE));
    bench.settle(&turn, settlement).await;
    let pause = bench.store.pause(&tenant(), &of_tenant("pause")).await;
    pause.expect("a tenant can be paused");
    accept(bench, event("1")).await;
    let claim = claim(bench).await;
    end(bench, &claim).await;
    assert_eq!(
        record(bench, "1").await.fate,
        Some(SenderEventFate::Handled)
    );
}

/// A lease that has run out is taken over, and the claims are counted; with the earlier one nothing
/// can be stored.
pub async fn an_expired_event_goes_to_another_worker(bench: &Bench) {
    accept(bench, keyed("1", "k")).await;
    accept(bench, keyed("2", "k")).await;
    let first = claim_shortly(bench).await;
    assert_none_due(bench).await;
    bench.pass(SPAN).await;
    let second = claim_shortly(bench).await;
    assert_eq!((second.event.id, second.attempt), (first.event.id, 2));
    assert!(second.lease.fence > first.lease.fence);
    assert_lost(bench, &first.lease).await;
    // One that has run out is good as long as nobody has taken over.
    bench.pass(SPAN).await;
    end(bench, &second).await;
    assert_lost(bench, &second.lease).await;
    assert_eq!(claim_id(bench).await, "2");
}

/// A lease that was given up is void, and so is one of another tenant's making.
pub async fn a_lease_that_was_given_up_is_void(bench: &Bench) {
    for id in ["1", "2", "3"] {
        accept(bench, event(id)).await;
    }
    let first = claim(bench).await;
    let mut stolen = first.lease.clone();
    stolen.tenant = other_tenant();
    assert_lost(bench, &stolen).await;
    retry(bench, &first, LEASE).await;
    assert_lost(bench, &first.lease).await;
    let second = claim(bench).await;
    park(bench, &second).await;
    assert_lost(bench, &second.lease).await;
    let third = claim(bench).await;
    let handed_back = bench.store.hand_back_event(&third.lease).await;
    handed_back.expect("an event under a valid lease is handed back");
    assert_lost(bench, &third.lease).await;
}

/// An event that is handed back is due at once, as if it had not been claimed.
pub async fn an_event_that_is_handed_back_was_not_claimed(bench: &Bench) {
    accept(bench, keyed("1", "k")).await;
    accept(bench, keyed("2", "k")).await;
    let first = claim(bench).await;
    retry(bench, &first, Duration::ZERO).await;
    let second = claim(bench).await;
    assert_eq!(second.attempt, 2);
    let handed_back = bench.store.hand_back_event(&second.lease).await;
    handed_back.expect("an event under a valid lease is handed back");
    assert_eq!(record(bench, "1").await.attempts, 1);
    let third = claim(bench).await;
    assert_eq!((third.event.id, third.attempt), (first.event.id, 2));
}

/// A parked event is claimed by nobody while its item is open, and holds up nobody.
pub async fn a_parked_event_waits_for_a_person(bench: &Bench) {
    accept(bench, keyed("1", "k")).await;
    accept(bench, keyed("2", "k")).await;
    let first = claim(bench).await;
    let item = park(bench, &first).await;
    assert_eq!((item.link, item.links, item.count), (None, 0, 1));
    assert_eq!(item.cause, "handler/stripe/1");
    assert_eq!(bench.open_items().await, std::slice::from_ref(&item));
    let parked = record(bench, "1").await;
    assert_eq!((parked.review, parked.is_parked), (Some(item.id), true));
    assert_eq!((parked.fate, parked.attempts), (None, 1));
    let second = claim(bench).await;
    assert_eq!(second.event.event_id, "2");
    end(bench, &second).await;
    bench.pass(SPAN).await;
    assert_none_due(bench).await;
    // Nothing that happens to links or to the tenant's pause closes it.
    bench.record("a", 1).await;
    let turn = bench.claim().await;
    bench.settle_all(&turn).await;
    bench.store.resume(&tenant()).await.expect("it is resumed");
    assert_eq!(bench.open_items().await, [item]);
}

/// Retrying its item makes a parked event due again, with its attempts counted anew, and before the
/// later ones of its key; the item keeps the outcome.
pub async fn a_retried_event_is_due_again(bench: &Bench) {
    accept(bench, keyed("1", "k")).await;
    let first = claim(bench).await;
    let item = park(bench, &first).await;
    accept(bench, keyed("2", "k")).await;
    accept(bench, keyed("3", "k")).await;
    let second = claim(bench).await;
    bench.resolve(&item, Resolution::Retry).await;
    // Not while another one of its key is being handled.
    assert_none_due(bench).await;
    end(bench, &second).await;
    let again = claim(bench).await;
    assert_eq!((again.event.id, again.attempt), (first.event.id, 1));
    assert_eq!(again.review, Some(item.id));
    assert_none_due(bench).await;
    let handled = SenderEventFate::Handled;
    let ended = bench
        .store
        .end_event(&again.lease, &handled, Some("it went well"))
        .await;
    ended.expect("an event under a valid lease is ended");
    let resolved = bench.item(&item).await.resolved.expect("it is resolved");
    assert_eq!(resolved.outcome.as_deref(), Some("it went well"));
    assert_eq!(claim_id(bench).await, "3");
}

/// A retry that fails parks the event anew, under a new item; the resolved one tells of it.
pub async fn an_event_that_is_parked_again_has_a_new_item(bench: &Bench) {
    accept(bench, event("1")).await;
    let first = claim(bench).await;
    let item = park(bench, &first).await;
    bench.resolve(&item, Resolution::Retry).await;
    let again = claim(bench).await;
    let parked = bench
        .store
        .park_event(&again.lease, &item_of("1"), Some("it failed again"))
        .await;
    let parked = parked.expect("an event under a valid lease is parked");
    assert_ne!(parked, item.id);
    let resolved = bench.item(&item).await.resolved.expect("it is resolved");
    assert_eq!(resolved.outcome.as_deref(), Some("it failed again"));
    assert_eq!(review_item(bench, parked).await.resolved, None);
    let again = record(bench, "1").await;
    assert_eq!((again.review, again.is_parked), (Some(parked), true));
}

/// Dismissing its item ends a parked event at once.
pub async fn a_dismissed_event_is_over(bench: &Bench) {
    for id in ["1", "2"] {
        accept(bench, event(id)).await;
    }
    let first = claim(bench).await;
    let item = park(bench, &first).await;
    let second = claim(bench).await;
    let other = park(bench, &second).await;
    bench.resolve(&item, Resolution::Dismiss).await;
    let over = record(bench, &first.event.event_id).await;
    assert_eq!(over.fate, Some(SenderEventFate::Dismissed));
    assert!(!over.is_parked);
    assert!(record(bench, &second.event.event_id).await.is_parked);
    assert_eq!(bench.open_items().await, [other]);
    assert_none_due(bench).await;
    let again = try_accept(bench, event(&first.event.event_id)).await;
    assert_eq!(again, EventAccepted::Duplicate);
}

/// A tenant's events come oldest first and in pages, and none of another tenant's.
pub async fn events_come_oldest_first_and_in_pages(bench: &Bench) {
    for id in ["1", "2", "3"] {
        accept(bench, event(id)).await;
        accept(bench, event_of(&other_tenant(), id)).await;
    }
    let all = records(bench, &tenant()).await;
    let ids: Vec<&str> = all.iter().map(|record| record.event_id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    let page = bench.store.sender_events(&tenant(), Page::first(2)).await;
    assert_eq!(page.expect("events are read"), all[..2]);
    let page = Page::after(all[1].id, 2);
    let page = bench.store.sender_events(&tenant(), page).await;
    assert_eq!(page.expect("events are read"), all[2..]);
}

/// Ended events are removed after their span, their bodies after theirs, and others stay. What was
/// removed may come anew.
pub async fn ended_events_are_pruned(bench: &Bench) {
    let prune = async |retention: Retention| {
        let pruned = bench.store.prune(&retention, 2).await;
        pruned.expect("old rows can be removed")
    };
    for id in ["1", "2", "3", "4", "5"] {
        accept(bench, event(id)).await;
    }
    for _ in 0..3 {
        let claim = claim(bench).await;
        end(bench, &claim).await;
    }
    let parked = claim(bench).await;
    park(bench, &parked).await;
    let all = Retention::of(OLD);
    assert_eq!(prune(all).await, Pruned::default());
    bench.pass(SPAN).await;
    let keep = Retention::forever();
    assert_eq!(prune(keep).await, Pruned::default());
    let bodies_gone = keep.with_bodies(OLD);
    for gone in [2, 1, 0] {
        let pruned = prune(bodies_gone).await;
        assert_eq!((pruned.event_bodies, pruned.total()), (gone, gone));
    }
    assert_eq!(bodies(bench).await.len(), 2);
    assert_eq!(
        try_accept(bench, event("1")).await,
        EventAccepted::Duplicate
    );
    for gone in [2, 1, 0] {
        let pruned = prune(keep.with_deliveries(OLD)).await;
        assert_eq!((pruned.events, pruned.total()), (gone, gone));
    }
    let left = records(bench, &tenant()).await;
    assert!(left.iter().all(|record| record.fate.is_none()), "{left:?}");
    assert_eq!(left.len(), 2);
    accept(bench, event("1")).await;
}

/// Bodies come in id order and in pages; only those of ended events are emptied, and nothing else of
/// the event changes.
pub async fn bodies_of_ended_events_are_emptied(bench: &Bench) {
    for id in ["1", "2", "3"] {
        accept(bench, event(id)).await;
    }
    accept(bench, event("empty").with_body("")).await;
    let first = claim(bench).await;
    end(bench, &first).await;
    let all = bodies(bench).await;
    let over: Vec<bool> = all.iter().map(|body| body.is_over).collect();
    let ended = over.iter().filter(|over| **over).count();
    assert_eq!((over.len(), ended), (3, 1));
    let page = Page::after(all[0].event, 1);
    let next = bench.store.event_bodies(&tenant(), page).await;
    assert_eq!(next.expect("bodies are read"), all[1..2]);
    let ids: Vec<SenderEventId> = all.iter().map(|body| body.event).collect();
    let theirs = bench.store.empty_event_bodies(&other_tenant(), &ids).await;
    theirs.expect("what is not there is skipped");
    assert_eq!(bodies(bench).await, all);
    let before = records(bench, &tenant()).await;
    let emptied = bench.store.empty_event_bodies(&tenant(), &ids).await;
    emptied.expect("bodies are emptied");
    let left: Vec<_> = all.into_iter().filter(|body| !body.is_over).collect();
    assert_eq!(bodies(bench).await, left);
    assert_eq!(records(bench, &tenant()).await, before);
}

/// Events are erased with their tenant: from the first batch on, none is claimed and no lease is
/// valid. What comes afterwards is of a new tenant.
pub async fn events_are_erased_with_their_tenant(bench: &Bench) {
    for id in ["1", "2", "3", "4"] {
        accept(bench, event(id)).await;
    }
    accept(bench, event_of(&other_tenant(), "1")).await;
    let leased = claim(bench).await;
    let mut erased = bench.store.erase_tenant(&tenant(), 1).await;
    let lost = bench.store.retry_event(&leased.lease, SPAN).await;
    assert_fails(lost, StoreErrorKind::LeaseLost);
    assert_eq!(claim(bench).await.event.tenant, other_tenant());
    assert_none_due(bench).await;
    let mut events = 0;
    for _ in 0..100 {
        let batch = erased.expect("a tenant can be erased");
        assert!(batch.events <= 1, "{batch:?}");
        events += batch.events;
        if batch.is_done {
            break;
        }
        erased = bench.store.erase_tenant(&tenant(), 1).await;
    }
    assert_eq!((events, records(bench, &tenant()).await), (4, Vec::new()));
    assert_eq!(records(bench, &other_tenant()).await.len(), 1);
    accept(bench, event("1")).await;
    assert_eq!(claim(bench).await.attempt, 1);
}
