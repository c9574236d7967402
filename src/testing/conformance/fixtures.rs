//! What the promises are tried out with.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::bench::Bench;
use crate::model::{BookingUid, EventTypeId};
use crate::store::{
    Accepted, AppointmentId, AppointmentState, AppointmentStatus, Change, ChangeFate, Claim,
    ClaimRequest, DeliveryFate, Link, LinkKey, LogEntry, NewDelivery, NewReview, Opaque, Origin,
    Page, Person, Resolution, ReviewEvidence, ReviewId, ReviewItem, ReviewReason, Revision,
    Settled, Settlement, StoreError, StoreErrorKind, TenantId,
};

/// How long the promises let time pass, once or a few times: what is to be over after it is, what
/// is not lasts for a [`LEASE`].
pub(super) const SPAN: Duration = Duration::from_secs(2);
/// How long claims last: longer than any promise takes.
pub(super) const LEASE: Duration = Duration::from_secs(60 * 60);
/// The format of the bytes that the promises store.
pub(super) const FORMAT: u16 = 3;
/// A page that holds all there is.
pub(super) const ALL: u32 = 10_000;

pub(super) fn tenant() -> TenantId {
    TenantId::new("tenant-a")
}

pub(super) fn other_tenant() -> TenantId {
    TenantId::new("tenant-b")
}

/// An instant, by its minute. Nothing to do with the store's time.
pub(super) fn at(minute: i64) -> DateTime<Utc> {
    // 2027-01-15T08:00:00Z
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range")
        + TimeDelta::minutes(minute)
}

pub(super) fn state(start_minute: i64) -> AppointmentState {
    AppointmentState::new(
        AppointmentStatus::Confirmed,
        at(start_minute),
        at(start_minute + 30),
        EventTypeId::new(7),
        Person::new("Ada", "ada@example.com", "Europe/Berlin"),
    )
}

pub(super) fn uid(booking: &str) -> BookingUid {
    BookingUid::new(booking)
}

pub(super) fn appointment(name: &str) -> AppointmentId {
    AppointmentId::new(name)
}

/// A change of an appointment of the first tenant.
pub(super) fn change(name: &str, revision: u64) -> Change {
    let revision = Revision::new(revision);
    Change::new(tenant(), appointment(name), revision, Origin::Admin, at(0))
}

/// A delivery of the first tenant about a booking; its number stands for its bytes.
pub(super) fn delivery(booking: &str, number: u32) -> NewDelivery {
    let mut fingerprint = [7; 32];
    fingerprint[..4].copy_from_slice(&number.to_be_bytes());
    let mut delivery = NewDelivery::new(tenant(), fingerprint, "BOOKING_CREATED");
    delivery.booking = Some(uid(booking));
    delivery.body = "{}".to_owned();
    delivery
}

pub(super) fn by_appointment(name: &str) -> LinkKey {
    LinkKey::Appointment(appointment(name))
}

pub(super) fn by_booking(booking: &str) -> LinkKey {
    LinkKey::Booking(uid(booking))
}

/// What the engine might remember of a pair.
pub(super) fn remembered() -> Option<Opaque> {
    Some(Opaque::new(FORMAT, b"a pair".to_vec()))
}

/// A settlement of all that a claim brought, which leaves the link as it was.
pub(super) fn all_settled(claim: &Claim) -> Settlement {
    let mut settlement = Settlement::new(claim.link.clone());
    let changes = claim.changes.iter();
    settlement.changes = changes.map(|row| (row.id, ChangeFate::Pushed)).collect();
    let deliveries = claim.deliveries.iter();
    settlement.deliveries = deliveries
        .map(|row| (row.id, DeliveryFate::Applied))
        .collect();
    settlement.marks = claim.marks.iter().map(|mark| mark.id).collect();
    settlement
}

/// Evidence with something in every kind of field.
pub(super) fn evidence(message: &str) -> ReviewEvidence {
    ReviewEvidence {
        message: message.to_owned(),
        local: Some(state(0)),
        bookings: vec![uid("booking-1")],
        alternatives: vec![at(90)],
        ..ReviewEvidence::default()
    }
}

pub(super) fn of_link(reason: ReviewReason) -> NewReview {
    NewReview::of_link(reason, evidence("decide"))
}

pub(super) fn of_tenant(cause: &str) -> NewReview {
    NewReview::of_tenant(cause, ReviewReason::ForeignEventType, evidence("decide"))
}

#[track_caller]
pub(super) fn assert_fails<T: std::fmt::Debug>(
    result: Result<T, StoreError>,
    kind: StoreErrorKind,
) {
    match result {
        Ok(value) => panic!("expected {kind:?}, it went well: {value:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

/// The time left until something is due, which began as `expected` a moment ago: of a clock that does
/// not stand still, a longer moment on a machine that is busy.
#[track_caller]
pub(super) fn assert_due_in(due: Option<Duration>, expected: Duration) {
    let due = due.unwrap_or_else(|| panic!("expected something due in {expected:?}"));
    let moment = (SPAN / 2).max(expected / 60);
    let least = expected.saturating_sub(moment);
    assert!(
        (least..=expected).contains(&due),
        "expected something due in {expected:?}, it is in {due:?}"
    );
}

pub(super) fn request() -> ClaimRequest {
    ClaimRequest::new(LEASE, FORMAT)
}

/// The steps that many promises share. What fails in them is broken, whatever is on trial.
impl Bench {
    pub(super) async fn record_change(&self, change: &Change) {
        let recorded = self.store.record(change).await;
        recorded.expect("a change is recorded");
    }

    pub(super) async fn record(&self, name: &str, revision: u64) {
        self.record_change(&change(name, revision)).await;
    }

    pub(super) async fn record_for(&self, tenant: &TenantId, name: &str, revision: u64) {
        let mut change = change(name, revision);
        change.tenant = tenant.clone();
        self.record_change(&change).await;
    }

    pub(super) async fn try_accept(&self, delivery: NewDelivery) -> Accepted {
        let accepted = self.store.accept(delivery).await;
        accepted.expect("a delivery is accepted")
    }

    /// Accepts a delivery that is to wait.
    pub(super) async fn accept(&self, delivery: NewDelivery) {
        assert_eq!(self.try_accept(delivery).await, Accepted::Stored);
    }

    pub(super) async fn try_claim(&self, request: &ClaimRequest) -> Option<Claim> {
        let claim = self.store.claim(request).await;
        claim.expect("a claim is answered")
    }

    pub(super) async fn claim(&self) -> Claim {
        let claim = self.try_claim(&request()).await;
        claim.expect("a link has work, and was not claimed")
    }

    /// Claims a link under a lease that a promise can wait for.
    pub(super) async fn claim_shortly(&self) -> Claim {
        let claim = self.try_claim(&ClaimRequest::new(SPAN, FORMAT)).await;
        claim.expect("a link has work, and was not claimed")
    }

    pub(super) async fn assert_nothing_due(&self) {
        let claim = self.try_claim(&request()).await;
        assert!(claim.is_none(), "expected nothing due, claimed {claim:?}");
    }

    pub(super) async fn next_due(&self) -> Option<Duration> {
        let due = self.store.next_due(FORMAT).await;
        due.expect("a time is read")
    }

    pub(super) async fn settle(&self, claim: &Claim, settlement: Settlement) -> Settled {
        let settled = self.store.settle(&claim.lease, settlement).await;
        settled.expect("a settlement under a valid lease is stored")
    }

    pub(super) async fn settle_all(&self, claim: &Claim) -> Settled {
        self.settle(claim, all_settled(claim)).await
    }

    pub(super) async fn find(&self, key: &LinkKey) -> Option<Link> {
        let found = self.store.find(&tenant(), key).await;
        found.expect("a link can be looked for")
    }

    pub(super) async fn find_known(&self, key: &LinkKey) -> Link {
        let found = self.find(key).await;
        found.unwrap_or_else(|| panic!("expected a link under {key:?}"))
    }

    /// A pair that both sides agree on; nothing of it is due. Nothing else may be due.
    pub(super) async fn pair(&self, name: &str, booking: &str) -> Link {
        self.record(name, 1).await;
        let claim = self.claim().await;
        let mut settlement = all_settled(&claim);
        settlement.link.booking = Some(uid(booking));
        settlement.link.state = remembered();
        settlement.link.bare = false;
        let link = settlement.link.clone();
        self.settle(&claim, settlement).await;
        link
    }

    /// A bare link of a booking; nothing of it is due. Nothing else may be due. The number stands
    /// for a delivery's bytes.
    pub(super) async fn bare(&self, booking: &str, number: u32) -> Link {
        self.accept(delivery(booking, number)).await;
        let claim = self.claim().await;
        self.settle_all(&claim).await;
        claim.link
    }

    /// Settles a claim, opening review items; the answer names those that are new.
    pub(super) async fn settle_with(&self, claim: &Claim, reviews: Vec<NewReview>) -> Settled {
        let mut settlement = all_settled(claim);
        settlement.reviews = reviews;
        self.settle(claim, settlement).await
    }

    /// Records a change of the appointment, and settles it with a review item, which is returned.
    /// Nothing else may be due.
    pub(super) async fn review(&self, name: &str, revision: u64, new: NewReview) -> ReviewItem {
        self.record(name, revision).await;
        let claim = self.claim().await;
        let cause = new.cause.clone();
        self.settle_with(&claim, vec![new]).await;
        let open = self.open_items().await.into_iter();
        let mut known = open.filter(|item| {
            item.cause == cause && item.link.is_none_or(|link| link == claim.link.id)
        });
        known.next().expect("the item is open")
    }

    pub(super) async fn open_items(&self) -> Vec<ReviewItem> {
        let open = self.store.open_reviews(&tenant(), Page::first(ALL)).await;
        open.expect("reviews are read")
    }

    pub(super) async fn item(&self, known: &ReviewItem) -> ReviewItem {
        let read = self.store.review(&known.tenant, known.id).await;
        let read = read.expect("a review is read");
        read.expect("an item stays")
    }

    pub(super) async fn try_resolve(
        &self,
        id: ReviewId,
        resolution: Resolution,
    ) -> Result<ReviewItem, StoreError> {
        let tenant = tenant();
        let resolved = self.store.resolve(&tenant, id, &resolution, "desk");
        resolved.await
    }

    pub(super) async fn resolve(&self, item: &ReviewItem, resolution: Resolution) -> ReviewItem {
        let resolved = self.try_resolve(item.id, resolution).await;
        resolved.expect("an open item can be resolved")
    }

    /// Leaves a mark for the link of the appointment. Nothing else may be due.
    pub(super) async fn mark(&self, name: &str, revision: u64) {
        let new = of_link(ReviewReason::UnknownStatus);
        let item = self.review(name, revision, new).await;
        self.resolve(&item, Resolution::Retry).await;
    }

    pub(super) async fn log(&self) -> Vec<LogEntry> {
        let log = self.store.log(&tenant(), Page::first(ALL)).await;
        log.expect("the log is read")
    }

    pub(super) async fn fates(&self, name: &str) -> Vec<Option<ChangeFate>> {
        let page = Page::first(ALL);
        let changes = self
            .store
            .changes(&tenant(), &appointment(name), page)
            .await;
        let changes = changes.expect("changes are read");
        changes.into_iter().map(|(_, fate)| fate).collect()
    }

    pub(super) async fn delivery_fates(&self) -> Vec<Option<DeliveryFate>> {
        let deliveries = self.store.deliveries(&tenant(), Page::first(ALL)).await;
        let deliveries = deliveries.expect("deliveries are read");
        deliveries.into_iter().map(|(_, fate)| fate).collect()
    }

    pub(super) async fn is_paused(&self) -> bool {
        let paused = self.store.is_paused(&tenant()).await;
        paused.expect("a tenant is read")
    }
}
