//! The harness and the assertions that a host tests its own flow with.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;
use std::time::Duration;

use calcom::model::{NewAttendee, NewBooking};
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, InMemoryStore, Origin, Person, Resolution, ReviewReason, Revision,
    StoreErrorKind,
};
use calcom::sync::{Worker, WorkerConfig};
use calcom::testing::{
    FakeEventType, Fault, FaultyStore, Harness, ManualClock, Operation, ServerKind, StoreFaults,
    Then, When, assert_no_doubles, wait_until_settled,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;

/// A host whose table is apart from the books, and which records by itself.
struct Salon {
    table: InMemoryStore,
    harness: Harness,
}

fn at(hour: i64) -> DateTime<Utc> {
    let morning: DateTime<Utc> = "2026-12-08T09:00:00Z".parse().unwrap();
    morning + TimeDelta::hours(hour)
}

fn ann() -> Person {
    Person::new("Ann Attendee", "ann@example.com", "Europe/London")
}

impl Salon {
    async fn new() -> Self {
        let table = InMemoryStore::new();
        let harness = Harness::builder(Arc::new(table.clone())).start().await;
        let harness = harness.unwrap();
        Self { table, harness }
    }

    fn write(&self, hour: i64) -> AppointmentWrite {
        let status = AppointmentStatus::Confirmed;
        let end = at(hour) + TimeDelta::minutes(30);
        let state = AppointmentState::new(status, at(hour), end, self.harness.event_type(), ann());
        AppointmentWrite::new(state, Origin::Admin, at(-200))
    }

    /// Writes an appointment, and records nothing.
    fn make(&self, id: &str, hour: i64) -> AppointmentId {
        let id = AppointmentId::new(id);
        let made = self
            .table
            .create_appointment(self.harness.tenant(), &id, self.write(hour));
        made.unwrap();
        id
    }

    async fn get(&self, id: &AppointmentId) -> Appointment {
        let read = self.table.get(self.harness.tenant(), id).await;
        read.unwrap().unwrap()
    }

    async fn change(&self, id: &AppointmentId, write: AppointmentWrite) {
        let known = self.get(id).await;
        let tenant = self.harness.tenant();
        let updated = self.table.update(tenant, id, known.revision, write);
        updated.await.unwrap();
    }

    async fn book(&self, hour: i64) -> calcom::model::Booking {
        let booking = NewBooking::new(
            self.harness.event_type(),
            at(hour),
            NewAttendee::from(&ann()),
        );
        self.harness.fake().book(booking).await.unwrap()
    }
}

/// What a future panics with.
async fn complaint(call: impl Future<Output = ()>) -> String {
    let outcome = std::panic::AssertUnwindSafe(call).catch_unwind().await;
    *outcome.unwrap_err().downcast::<String>().unwrap()
}

#[tokio::test]
async fn both_directions_are_driven_by_hand() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let id = salon.make("a", 0);
    harness.record(&id).await;
    assert_eq!(harness.fake().live_bookings(), []);
    assert_eq!(harness.work().await.len(), 2, "the change, and its webhook");
    harness.assert_in_sync().await;
    let booking = harness.fake().live_bookings().remove(0);
    let moved = harness.fake().move_booking(&booking.uid, at(3)).await;
    moved.unwrap();
    harness.settle().await;
    harness.assert_in_sync().await;
    assert_eq!(salon.get(&id).await.state.start, at(3));
    let mut write = salon.write(3);
    write.state.status = AppointmentStatus::Cancelled;
    salon.change(&id, write).await;
    harness.record(&id).await;
    harness.restart();
    harness.settle().await;
    harness.assert_in_sync().await;
    harness.assert_no_doubles().await;
    assert_eq!(harness.fake().live_bookings(), []);
}

#[tokio::test]
async fn an_attendee_books_and_the_hosts_table_has_it() {
    let salon = Salon::new().await;
    salon.book(0).await;
    salon.harness.settle().await;
    salon.harness.assert_in_sync().await;
    let made = salon.table.appointments(salon.harness.tenant()).remove(0);
    assert_eq!(made.origin, Origin::Calcom);
    assert_eq!(made.state.host, Some(salon.harness.host()));
}

#[tokio::test]
async fn the_hosted_kind_of_server_is_driven_too() {
    let table = InMemoryStore::new();
    let kind = ServerKind::hosted(Duration::from_millis(5), Duration::from_millis(40));
    let harness = Harness::builder(Arc::new(table.clone())).server(kind);
    let harness = harness.start().await.unwrap();
    let salon = Salon { table, harness };
    let booking = salon.book(0).await;
    salon.harness.settle().await;
    let fake = salon.harness.fake();
    fake.cancel_booking(&booking.uid, "ill").await.unwrap();
    salon.harness.settle().await;
    salon.harness.assert_in_sync().await;
    let made = salon.table.appointments(salon.harness.tenant()).remove(0);
    assert_eq!(made.state.status, AppointmentStatus::Cancelled);
}

/// Retries, an answer that never came, and webhooks that are not there yet are followed.
#[tokio::test]
async fn settling_outlasts_what_is_tried_again() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    for then in [Then::status(503), Then::ApplyThenDrop] {
        harness
            .fake()
            .inject(Fault::new(Operation::CreateBooking, then));
    }
    let id = salon.make("a", 0);
    harness.record(&id).await;
    harness.settle().await;
    harness.assert_in_sync().await;
    harness.assert_no_doubles().await;
    assert_eq!(harness.fake().live_bookings().len(), 1);
}

/// A webhook that is lost for good, and a host that never recorded: the sweep finds both.
#[tokio::test]
async fn a_sweep_finds_what_nobody_told() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let lost = Fault::new(When::Any, Then::LoseWebhook).always();
    harness.fake().inject(lost);
    salon.book(0).await;
    salon.make("unrecorded", 2);
    harness.settle().await;
    let text = complaint(harness.assert_in_sync()).await;
    assert!(text.contains("no appointment | booking"), "{text}");
    assert!(text.contains("appointment unrecorded"), "{text}");
    let report = harness.sweep().await;
    assert_eq!((report.notices_given, report.changes_recorded), (1, 1));
    harness.assert_in_sync().await;
}

#[tokio::test]
async fn what_differs_is_told_with_both_sides_and_without_anybodys_data() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let id = salon.make("a", 0);
    harness.record(&id).await;
    harness.settle().await;
    let mut write = salon.write(4);
    write.state.attendee = Person::new("Bob Private", "bob@private.example", "UTC");
    salon.change(&id, write).await;
    let text = complaint(harness.assert_in_sync()).await;
    let uid = harness.fake().live_bookings().remove(0).uid;
    for part in [
        "tenant salon: the two sides are not in sync",
        "appointment a (revision 2, origin admin): confirmed 2026-12-08T13:00:00Z to",
        &format!("| booking {uid}: accepted 2026-12-08T09:00:00Z to 2026-12-08T09:30:00Z"),
        "they differ in Start, Email, Name",
        "the end of the sync log:",
        "appointment a: BookingCreated",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    for private in ["Ann", "ann@", "Bob", "bob@", "Europe/London"] {
        assert!(!text.contains(private), "{private:?} is in {text}");
    }
    // A change that was recorded waits.
    harness.record(&id).await;
    let text = complaint(harness.assert_in_sync()).await;
    assert!(text.contains("the change to revision 2 waits"), "{text}");
}

#[tokio::test]
async fn what_waits_or_is_in_review_is_not_in_sync() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let booking = salon.book(0).await;
    harness.fake().set_status(&booking.uid, "awaiting_moon");
    let text = complaint(harness.assert_in_sync()).await;
    assert!(text.contains("the webhook BOOKING_CREATED about"), "{text}");
    harness.settle().await;
    let reasons: Vec<_> = harness
        .reviews()
        .await
        .into_iter()
        .map(|i| i.reason)
        .collect();
    assert_eq!(reasons, [ReviewReason::UnknownStatus]);
    let text = complaint(harness.assert_in_sync()).await;
    assert!(text.contains("is in review (unknown_status)"), "{text}");
    harness.fake().set_status(&booking.uid, "accepted");
    harness.resolve(Resolution::Retry).await;
    harness.assert_in_sync().await;
}

/// A difference that a person has accepted is none.
#[tokio::test]
async fn an_accepted_difference_is_in_sync() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let id = salon.make("a", 0);
    harness.record(&id).await;
    harness.settle().await;
    let mut write = salon.write(0);
    write.state.attendee.name = "Ann Married".to_owned();
    salon.change(&id, write).await;
    let text = complaint(harness.assert_in_sync()).await;
    assert!(text.contains("they differ in Name"), "{text}");
    harness.record(&id).await;
    harness.settle().await;
    harness.assert_in_sync().await;
}

#[tokio::test]
async fn two_live_bookings_of_one_appointment_are_told() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let id = salon.make("a", 0);
    harness.record(&id).await;
    harness.settle().await;
    harness.assert_no_doubles().await;
    let first = harness.fake().live_bookings().remove(0);
    let moved = harness
        .fake()
        .move_booking(&first.uid, at(2))
        .await
        .unwrap();
    let second = harness
        .fake()
        .force_second_successor(&first.uid, at(4))
        .await;
    let second = second.unwrap();
    let text = complaint(harness.assert_no_doubles()).await;
    for uid in [&moved.uid, &second.uid] {
        assert!(text.contains(uid.as_str()), "{text}");
    }
    assert!(text.contains("something exists twice"), "{text}");
}

#[tokio::test]
async fn two_appointments_of_one_chain_are_told() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    salon.book(0).await;
    harness.settle().await;
    assert_no_doubles(harness.sides()).await;
    // The repository forgets that it has created one, as a table without a unique key does.
    let made = salon.table.appointments(harness.tenant()).remove(0);
    let other = harness.tenant().clone();
    salon.table.remove_appointment(&other, &made.id);
    let chain: ChainKey = made.chain.clone().unwrap();
    let again = salon
        .table
        .create_for_booking(&other, &chain, salon.write(0));
    again.await.unwrap();
    let twice = Twice(salon.table.clone(), made);
    let sides = calcom::testing::Sides::new(
        other,
        Arc::new(twice),
        harness.store().clone(),
        harness.fake().clone(),
    );
    let text = complaint(assert_no_doubles(&sides)).await;
    assert!(text.contains(&format!("chain {chain} has")), "{text}");
}

/// A table with one more row.
#[derive(Debug)]
struct Twice(InMemoryStore, Appointment);

#[calcom::async_trait]
impl AppointmentRepository for Twice {
    async fn get(
        &self,
        tenant: &calcom::store::TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, calcom::store::StoreError> {
        self.0.get(tenant, id).await
    }

    async fn create_for_booking(
        &self,
        tenant: &calcom::store::TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, calcom::store::StoreError> {
        self.0.create_for_booking(tenant, chain, write).await
    }

    async fn update(
        &self,
        tenant: &calcom::store::TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, calcom::store::StoreError> {
        self.0.update(tenant, id, expected, write).await
    }

    async fn scan(
        &self,
        tenant: &calcom::store::TenantId,
        window: calcom::store::Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, calcom::store::StoreError> {
        let is_first = after.is_none();
        let mut found = self.0.scan(tenant, window, after, limit).await?;
        if is_first {
            found.insert(0, self.1.clone());
        }
        Ok(found)
    }
}

/// With workers of their own, a test waits; and it is told what it has waited for in vain.
#[tokio::test(flavor = "multi_thread")]
async fn workers_that_run_by_themselves_are_waited_for() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let id = salon.make("a", 0);
    harness.record(&id).await;
    salon.book(2).await;
    let soon = Duration::from_millis(50);
    let text = complaint(wait_until_settled(harness.sides(), soon)).await;
    assert!(text.contains("it is not settled after 50ms"), "{text}");
    assert!(
        text.contains("change of appointment a to revision 1"),
        "{text}"
    );
    let mut config = WorkerConfig::default();
    config.poll_interval = Duration::from_millis(5);
    let worker = Worker::new(harness.engine()).with_config(config);
    let done = wait_until_settled(harness.sides(), Duration::from_secs(20));
    worker.run_until(done).await;
    harness.assert_in_sync().await;
    assert_eq!(harness.fake().live_bookings().len(), 2);
}

/// The host's settings: its clock, its store, its event types, its tenant.
#[tokio::test]
async fn everything_can_be_the_hosts_own() {
    let clock = ManualClock::at(at(-300));
    let faults = StoreFaults::seeded(3, 10);
    let books = InMemoryStore::with_clock(clock.shared());
    let books = FaultyStore::with_faults(Arc::new(books), faults.clone());
    faults.clear();
    let table = InMemoryStore::with_clock(clock.shared());
    let harness = Harness::builder(Arc::new(table.clone()))
        .clock(clock)
        .store(Arc::new(books))
        .tenant("studio")
        .event_type(FakeEventType::new("cut", 30).with_id(4711))
        .event_type(FakeEventType::new("colour", 90).with_id(4712))
        .with_tenant(|tenant| tenant.with_event_type(4713.into()))
        .start();
    let harness = harness.await.unwrap();
    assert_eq!(harness.event_types(), [4711.into(), 4712.into()]);
    let status = AppointmentStatus::Confirmed;
    let end = at(0) + TimeDelta::minutes(90);
    let state = AppointmentState::new(status, at(0), end, 4712.into(), ann());
    let write = AppointmentWrite::new(state, Origin::Admin, at(-300));
    let id = AppointmentId::new("a");
    table
        .create_appointment(harness.tenant(), &id, write)
        .unwrap();
    harness.record(&id).await;
    harness.settle().await;
    harness.assert_in_sync().await;
    let booked = harness.fake().live_bookings().remove(0);
    assert_eq!(booked.event_type_id(), Some(4712.into()));
    let calls = faults.calls(calcom::testing::StoreOperation::Settle);
    assert!(
        calls > 0,
        "the harness works with the store that it was given"
    );
}

/// A row that the host has deleted: the engine cannot know what became of it, and asks.
#[tokio::test]
async fn a_deleted_row_is_asked_about_and_a_cancelled_one_is_not() {
    let salon = Salon::new().await;
    let harness = &salon.harness;
    let (deleted, ended) = (salon.make("deleted", 0), salon.make("ended", 2));
    harness.record(&deleted).await;
    harness.record(&ended).await;
    harness.settle().await;
    salon.table.remove_appointment(harness.tenant(), &deleted);
    harness.record_deleted(&deleted, Revision::new(2)).await;
    let mut write = salon.write(2);
    write.state.status = AppointmentStatus::Cancelled;
    salon.change(&ended, write).await;
    harness.record(&ended).await;
    harness.settle().await;
    let starts: Vec<_> = harness
        .fake()
        .live_bookings()
        .iter()
        .map(|b| b.start)
        .collect();
    assert_eq!(
        starts,
        [at(0)],
        "nothing is cancelled because it is not there"
    );
    let reasons: Vec<_> = harness
        .reviews()
        .await
        .into_iter()
        .map(|i| i.reason)
        .collect();
    assert_eq!(reasons, [ReviewReason::AppointmentMissing]);
    // The cancelled one may go now.
    salon.table.remove_appointment(harness.tenant(), &ended);
    harness.sweep().await;
    assert_eq!(harness.reviews().await.len(), 1);
    let gone = salon.table.get(harness.tenant(), &ended).await;
    assert_eq!(
        gone.map_err(|error| error.kind()),
        Ok::<_, StoreErrorKind>(None)
    );
}
