//! What the promises are tried out with.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{BookingUid, EventTypeId};
use crate::store::{
    Accepted, AppointmentId, AppointmentState, AppointmentStatus, Change, ChangeFate, Claim,
    DeliveryFate, Link, LinkId, LinkKey, NewDelivery, NewReview, Origin, Person, Resolution,
    Resolved, ReviewEvidence, ReviewReason, Revision, Settlement, Store, StoreErrorKind, TenantId,
};

/// How long claims last, in minutes: longer than what the promises do with a claim.
pub(super) const LEASE_MINUTES: i64 = 100;
/// How long claims last.
pub(super) const LEASE: Duration = Duration::from_secs(100 * 60);

pub(super) fn tenant() -> TenantId {
    TenantId::new("tenant-a")
}

pub(super) fn other_tenant() -> TenantId {
    TenantId::new("tenant-b")
}

/// An instant, by its minute.
pub(super) fn at(minute: i64) -> DateTime<Utc> {
    // 2027-01-15T08:00:00Z
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range")
        + TimeDelta::minutes(minute)
}

pub(super) fn state(start_minute: i64) -> AppointmentState {
    AppointmentState {
        status: AppointmentStatus::Confirmed,
        start: at(start_minute),
        end: at(start_minute + 30),
        event_type: EventTypeId::new(7),
        attendee: Person::new("Ada", "ada@example.com", "Europe/Berlin"),
    }
}

pub(super) fn change(appointment: &str, revision: u64, minute: i64) -> Change {
    Change {
        tenant: tenant(),
        appointment: AppointmentId::new(appointment),
        revision: Revision::new(revision),
        origin: Origin::Admin,
        at: at(minute),
    }
}

/// A delivery about a booking; its number stands for its bytes.
pub(super) fn delivery(booking: &str, number: u8, minute: i64) -> NewDelivery {
    NewDelivery {
        tenant: tenant(),
        fingerprint: [number; 32],
        received_at: at(minute),
        trigger: "BOOKING_CREATED".to_owned(),
        booking: Some(BookingUid::new(booking)),
        rescheduled_from: None,
        sync_key: None,
        body: "{}".to_owned(),
        ignored: None,
    }
}

pub(super) fn by_appointment(appointment: &str) -> LinkKey {
    LinkKey::Appointment(AppointmentId::new(appointment))
}

pub(super) fn by_booking(booking: &str) -> LinkKey {
    LinkKey::Booking(BookingUid::new(booking))
}

pub(super) async fn record(store: &dyn Store, appointment: &str, revision: u64, minute: i64) {
    let change = change(appointment, revision, minute);
    store.record(&change).await.expect("a change is recorded");
}

/// Accepts a delivery that is stored with a link.
pub(super) async fn accept(store: &dyn Store, delivery: NewDelivery) -> LinkId {
    let accepted = store
        .accept(delivery)
        .await
        .expect("a delivery is accepted");
    match accepted {
        Accepted::Stored { link: Some(link) } => link,
        other => panic!("expected a delivery stored with a link, found {other:?}"),
    }
}

pub(super) async fn find(store: &dyn Store, key: &LinkKey) -> Option<Link> {
    let found = store.find(&tenant(), key).await;
    found.expect("a link can be looked for")
}

pub(super) async fn find_known(store: &dyn Store, key: &LinkKey) -> Link {
    let found = find(store, key).await;
    found.unwrap_or_else(|| panic!("expected a link under {key:?}"))
}

pub(super) async fn claim(store: &dyn Store, minute: i64) -> Claim {
    let claim = store.claim(at(minute), LEASE).await;
    claim
        .expect("a claim is answered")
        .unwrap_or_else(|| panic!("expected a due link at minute {minute}"))
}

pub(super) async fn assert_nothing_due(store: &dyn Store, minute: i64) {
    let claim = store.claim(at(minute), LEASE).await;
    let claim = claim.expect("a claim is answered");
    assert!(claim.is_none(), "expected nothing due, claimed {claim:?}");
}

/// A settlement of all that a claim brought, which leaves the link as it was.
pub(super) fn all_settled(claim: &Claim, minute: i64) -> Settlement {
    let mut settlement = Settlement::new(claim.link.clone(), at(minute));
    let changes = claim.changes.iter();
    settlement.changes = changes.map(|row| (row.id, ChangeFate::Pushed)).collect();
    let deliveries = claim.deliveries.iter();
    settlement.deliveries = deliveries
        .map(|row| (row.id, DeliveryFate::Applied))
        .collect();
    settlement
}

pub(super) async fn settle(store: &dyn Store, claim: &Claim, settlement: Settlement) {
    let settled = store.settle(&claim.lease, settlement).await;
    settled.expect("a settlement under a valid lease is stored");
}

/// A pair that both sides agree on; nothing of it is due. Nothing else may be due at this minute.
pub(super) async fn pair(store: &dyn Store, appointment: &str, booking: &str, minute: i64) -> Link {
    record(store, appointment, 1, minute).await;
    let claim = claim(store, minute).await;
    let mut settlement = all_settled(&claim, minute);
    settlement.link.booking = Some(BookingUid::new(booking));
    settlement.link.base = Some(state(0));
    settle(store, &claim, settlement).await;
    find_known(store, &by_appointment(appointment)).await
}

pub(super) fn review(reason: ReviewReason, message: &str) -> NewReview {
    NewReview {
        reason,
        evidence: ReviewEvidence {
            message: message.to_owned(),
            local: Some(state(0)),
            bookings: vec![BookingUid::new("booking-1")],
            alternatives: vec![at(90)],
            ..ReviewEvidence::default()
        },
    }
}

/// Records a change of the appointment and settles it with a review item.
pub(super) async fn send_to_review(
    store: &dyn Store,
    appointment: &str,
    revision: u64,
    reason: ReviewReason,
    minute: i64,
) {
    record(store, appointment, revision, minute).await;
    let claim = claim(store, minute).await;
    let mut settlement = all_settled(&claim, minute);
    settlement.review = Some(review(reason, "decide"));
    settle(store, &claim, settlement).await;
}

/// Pauses the tenant of the change that is recorded for it.
pub(super) async fn pause(store: &dyn Store, appointment: &str, minute: i64) {
    record(store, appointment, 1, minute).await;
    let claim = claim(store, minute).await;
    let mut settlement = Settlement::new(claim.link.clone(), at(minute));
    settlement.next_due = Some(at(minute));
    settlement.review = Some(review(ReviewReason::CredentialsRefused, "look at the key"));
    settlement.pause_tenant = true;
    settle(store, &claim, settlement).await;
}

pub(super) fn resolved(resolution: Resolution, minute: i64) -> Resolved {
    Resolved {
        resolution,
        by: "desk".to_owned(),
        at: at(minute),
    }
}

#[track_caller]
pub(super) fn assert_fails<T: std::fmt::Debug>(
    result: Result<T, crate::store::StoreError>,
    kind: StoreErrorKind,
) {
    match result {
        Ok(value) => panic!("expected {kind:?}, it went well: {value:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}
