//! A host, an engine and a Cal.com, with a clock that the test drives.

use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::Clock;
use calcom::client::{Client, RetryPolicy};
use calcom::model::{
    Booking, BookingUid, EventTypeId, Frequency, NewAttendee, NewBooking, NewWebhook,
};
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChangeFate, DeliveryFate, InMemoryStore, Inbox, Link, LinkKey, Links,
    LogEvent, Origin, Outbox, Page, Person, Resolution, ReviewItem, ReviewReason, Store, SyncLog,
    TenantId,
};
use calcom::sync::{
    Engine, Standing, StaticTenants, StepReport, SyncConfig, SyncEngine, Tenant, TurnOutcome,
    Worker,
};
use calcom::testing::{
    Delivery, DeliveryOutcome, FakeCalcom, FakeEventType, Fault, ManualClock, Operation,
    SeededEntropy, ServerKind, Then, WebhookBody,
};
use calcom::webhook::SIGNATURE_HEADER;
use chrono::{DateTime, TimeDelta, Utc};

pub(crate) const SECRET: &str = "whsec_for_tests";
pub(crate) const MORNING: &str = "2026-12-01T08:00:00Z";

pub(crate) struct World {
    pub(crate) fake: FakeCalcom,
    pub(crate) store: InMemoryStore,
    pub(crate) clock: ManualClock,
    pub(crate) tenant: TenantId,
    pub(crate) engine: Arc<Engine>,
    /// Event types of the tenant's besides the plain one of 30 minutes.
    pub(crate) types: EventTypes,
    receiver: tokio::task::JoinHandle<()>,
    address: std::net::SocketAddr,
    kind: ServerKind,
}

/// Event types that behave in ways of their own.
#[derive(Clone, Copy)]
pub(crate) struct EventTypes {
    /// Bookings wait for confirmation.
    pub(crate) confirm: EventTypeId,
    /// Four weekly occurrences.
    pub(crate) weekly: EventTypeId,
    /// 30, 60 or 90 minutes.
    pub(crate) lengths: EventTypeId,
    /// A course of an hour with three seats.
    pub(crate) course: EventTypeId,
}

impl EventTypes {
    fn add_to(fake: &FakeCalcom) -> Self {
        let confirm = FakeEventType::new("confirm-30", 30).with_confirmation();
        let weekly = FakeEventType::new("weekly-30", 30).with_recurrence(Frequency::Weekly, 1, 4);
        let lengths = FakeEventType::new("lengths-30", 30).with_lengths([30, 60, 90]);
        Self {
            confirm: fake.add_event_type(confirm),
            weekly: fake.add_event_type(weekly),
            lengths: fake.add_event_type(lengths),
            course: fake.add_event_type(FakeEventType::new("course-60", 60).with_seats(3)),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

/// Which kind of server the tests run over: a self-hosted one, or the hosted service if `CALCOM_TEST_SERVER` is `hosted`.
pub(crate) fn server_kind() -> ServerKind {
    match std::env::var("CALCOM_TEST_SERVER").as_deref() {
        Ok("hosted") => hosted(),
        Ok("self-hosted") | Err(_) => ServerKind::SelfHosted,
        Ok(other) => panic!("CALCOM_TEST_SERVER is {other:?}"),
    }
}

/// The hosted service, faster than it is.
pub(crate) fn hosted() -> ServerKind {
    ServerKind::hosted(Duration::from_millis(5), Duration::from_millis(40))
}

/// The host moves an appointment of half an hour.
pub(crate) fn move_to(start: DateTime<Utc>) -> impl FnOnce(&mut AppointmentState) {
    move |state| {
        state.start = start;
        state.end = start + TimeDelta::minutes(30);
    }
}

/// The host cancels an appointment.
pub(crate) fn cancel(state: &mut AppointmentState) {
    state.status = AppointmentStatus::Cancelled;
}

/// The clock's morning plus some hours.
pub(crate) fn at(hours: i64) -> DateTime<Utc> {
    let morning: DateTime<Utc> = MORNING.parse().unwrap();
    morning + TimeDelta::days(7) + TimeDelta::hours(hours)
}

pub(crate) fn ann() -> Person {
    Person::new("Ann Attendee", "ann@example.com", "Europe/London")
}

impl World {
    /// A world whose webhooks arrive before the answer of the call that caused them.
    pub(crate) async fn new() -> Self {
        Self::with(|tenant| tenant).await
    }

    pub(crate) async fn with(change: impl Fn(Tenant) -> Tenant) -> Self {
        Self::on(server_kind(), change).await
    }

    /// A world with this kind of server.
    pub(crate) async fn on(kind: ServerKind, change: impl Fn(Tenant) -> Tenant) -> Self {
        let clock = ManualClock::at(MORNING.parse().unwrap());
        let fake = FakeCalcom::builder()
            .seed(7)
            .clock(clock.shared())
            .server(kind)
            .start()
            .await
            .unwrap();
        let types = EventTypes::add_to(&fake);
        let store = InMemoryStore::with_clock(clock.shared());
        let tenant = TenantId::new("salon");
        let named = |tenant: Tenant| {
            let tenant = tenant.with_event_type(types.confirm);
            let tenant = tenant.with_event_type(types.weekly);
            let tenant = tenant.with_event_type(types.course);
            change(tenant.with_event_type(types.lengths))
        };
        let engine = engine(&fake, &store, &clock, &tenant, &named);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let unlimited = WebhookConfig::default().with_requests_per_minute(None);
        let router = webhooks_with(engine.clone(), unlimited);
        let receiver = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let url = format!("http://{address}/webhooks/calcom/{tenant}");
        fake.subscribe(url, SECRET, NewWebhook::booking_triggers());
        Self {
            fake,
            store,
            clock,
            tenant,
            engine,
            types,
            receiver,
            address,
            kind,
        }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.address
    }

    /// A new process over the same store: nothing in memory survives.
    pub(crate) fn restarted(&self) -> Arc<Engine> {
        self.engine_with(|tenant| tenant)
    }

    /// Another engine over the same store, for a tenant that is known better.
    pub(crate) fn engine_with(&self, change: impl Fn(Tenant) -> Tenant) -> Arc<Engine> {
        let types = self.types;
        let named = |tenant: Tenant| {
            let tenant = tenant.with_event_type(types.confirm);
            let tenant = tenant.with_event_type(types.weekly);
            let tenant = tenant.with_event_type(types.course);
            change(tenant.with_event_type(types.lengths))
        };
        engine(&self.fake, &self.store, &self.clock, &self.tenant, &named)
    }

    /// The state of an appointment of Ann's.
    pub(crate) fn state(&self, start: DateTime<Utc>) -> AppointmentState {
        AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(30),
            self.fake.event_type_id(),
            ann(),
        )
    }

    /// The host writes a new appointment.
    pub(crate) fn make(&self, id: &str, start: DateTime<Utc>, origin: Origin) -> Appointment {
        self.make_as(id, self.state(start), origin)
    }

    /// The host writes a new appointment of its own making.
    pub(crate) fn make_as(&self, id: &str, state: AppointmentState, origin: Origin) -> Appointment {
        let write = AppointmentWrite::new(state, origin, self.clock.now());
        self.store
            .create_appointment(&self.tenant, &id.into(), write)
            .unwrap()
    }

    /// The host changes an appointment.
    pub(crate) async fn change(
        &self,
        id: &AppointmentId,
        origin: Origin,
        edit: impl FnOnce(&mut AppointmentState),
    ) -> Appointment {
        let found = self.appointment(id).await;
        let mut state = found.state.clone();
        edit(&mut state);
        let write = AppointmentWrite::new(state, origin, self.clock.now());
        self.store
            .update(&self.tenant, id, found.revision, write)
            .await
            .unwrap()
    }

    /// The host changes an appointment while the engine books it: the answer finds another revision.
    pub(crate) async fn change_during_create(
        &self,
        id: &AppointmentId,
        edit: impl FnOnce(&mut AppointmentState),
    ) {
        let slow = Then::DelayAfterApplying(Duration::from_millis(200));
        let before = self.writes();
        self.fake.inject(Fault::new(Operation::CreateBooking, slow));
        let engine = self.engine.clone();
        let step = tokio::spawn(async move { engine.step().await });
        while self.writes() == before {
            assert!(!step.is_finished(), "nothing was booked");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.change(id, Origin::Admin, edit).await;
        step.await.unwrap().unwrap();
    }

    pub(crate) async fn appointment(&self, id: &AppointmentId) -> Appointment {
        self.store.get(&self.tenant, id).await.unwrap().unwrap()
    }

    /// Somebody books on Cal.com's page.
    pub(crate) async fn book(&self, start: DateTime<Utc>) -> Booking {
        let attendee = NewAttendee::from(&ann());
        let booking = NewBooking::new(self.fake.event_type_id(), start, attendee);
        self.fake.book(booking).await.unwrap()
    }

    /// Works until nothing is due now.
    pub(crate) async fn drain(&self) -> Vec<StepReport> {
        self.drain_with(&self.engine).await
    }

    /// Has another engine work until nothing is due now.
    pub(crate) async fn drain_with(&self, engine: &Arc<Engine>) -> Vec<StepReport> {
        let mut reports = Vec::new();
        loop {
            self.webhooks_arrive().await;
            let done = drain(engine).await;
            if done.is_empty() {
                return reports;
            }
            reports.extend(done);
        }
    }

    /// Waits for the webhooks that are on their way, which a self-hosted server has sent before it answered.
    pub(crate) async fn webhooks_arrive(&self) {
        let is_open = |delivery: &Delivery| delivery.outcome == DeliveryOutcome::Open;
        for _ in 0..400 {
            if self.kind == ServerKind::SelfHosted || !self.fake.deliveries().iter().any(is_open) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Works through everything that is due within the next minutes, retries included.
    pub(crate) async fn settle(&self) {
        let mut left = Duration::from_secs(200);
        while !left.is_zero() {
            self.drain().await;
            let due = self.store.next_due(1).await.unwrap();
            let step = due.unwrap_or(left).max(Duration::from_millis(1)).min(left);
            self.clock.advance(step);
            left -= step;
        }
        self.drain().await;
    }

    pub(crate) async fn link_of(&self, id: &AppointmentId) -> Link {
        let key = LinkKey::Appointment(id.clone());
        self.store.find(&self.tenant, &key).await.unwrap().unwrap()
    }

    pub(crate) async fn link_of_booking(&self, uid: &BookingUid) -> Link {
        let key = LinkKey::Booking(uid.clone());
        self.store.find(&self.tenant, &key).await.unwrap().unwrap()
    }

    pub(crate) async fn standing_of(&self, id: &AppointmentId) -> Standing {
        Standing::of(&self.link_of(id).await).unwrap()
    }

    /// A webhook arrives, rightly signed.
    pub(crate) async fn receive(&self, body: &WebhookBody) {
        let mut headers = http::HeaderMap::new();
        let signature = http::HeaderValue::from_str(&body.signed_with(SECRET)).unwrap();
        headers.insert(SIGNATURE_HEADER, signature);
        let bytes = body.to_bytes();
        let received = self.engine.receive(&self.tenant, &headers, &bytes);
        received.await.unwrap();
    }

    /// A person decides the oldest open item.
    pub(crate) async fn resolve(&self, resolution: Resolution) -> ReviewItem {
        let item = self.reviews().await.remove(0);
        let engine = &self.engine;
        let resolved = engine.resolve(&self.tenant, item.id, resolution, "eve");
        resolved.await.unwrap()
    }

    /// How many requests of any kind Cal.com has seen.
    pub(crate) fn requests(&self) -> usize {
        self.fake.requests().len()
    }

    pub(crate) async fn booking_of(&self, id: &AppointmentId) -> BookingUid {
        self.link_of(id).await.booking.unwrap()
    }

    pub(crate) async fn reviews(&self) -> Vec<ReviewItem> {
        let page = Page::first(1000);
        self.engine.open_reviews(&self.tenant, page).await.unwrap()
    }

    pub(crate) async fn review_reasons(&self) -> Vec<ReviewReason> {
        let items = self.reviews().await;
        items.into_iter().map(|item| item.reason).collect()
    }

    pub(crate) async fn events(&self) -> Vec<LogEvent> {
        let log = self
            .store
            .log(&self.tenant, Page::first(10_000))
            .await
            .unwrap();
        log.into_iter().map(|entry| entry.event).collect()
    }

    pub(crate) async fn fates(&self, id: &AppointmentId) -> Vec<Option<ChangeFate>> {
        let changes = self.store.changes(&self.tenant, id, Page::first(1000));
        let changes = changes.await.unwrap();
        changes.into_iter().map(|(_, fate)| fate).collect()
    }

    pub(crate) async fn delivery_fates(&self) -> Vec<Option<DeliveryFate>> {
        let deliveries = self.store.deliveries(&self.tenant, Page::first(1000));
        let deliveries = deliveries.await.unwrap();
        deliveries.into_iter().map(|(_, fate)| fate).collect()
    }

    /// Both sides hold the same, one live booking an appointment, and nothing is left to do.
    pub(crate) async fn assert_in_step(&self) {
        let idle = self.drain().await;
        assert_eq!(idle, [], "something was still due");
        let mut live = self.fake.live_bookings();
        for appointment in self.store.appointments(&self.tenant) {
            let link = self.link_of(&appointment.id).await;
            let standing = Standing::of(&link).unwrap();
            let base = standing.base.clone().expect("a base");
            assert!(
                base.local.agrees_with(&appointment.state),
                "{appointment:?}"
            );
            assert!(!standing.awaits_outcome(), "{standing:?}");
            let uid = link.booking.expect("a booking");
            let booking = self.fake.booking(&uid).expect("a known booking");
            assert_eq!(
                booking.is_live(),
                appointment.state.status.is_live(),
                "{appointment:?} {booking:?}"
            );
            if booking.is_live() {
                let millis = |instant: DateTime<Utc>| instant.timestamp_millis();
                assert_eq!(millis(booking.start), millis(appointment.state.start));
            }
            live.retain(|booking| booking.uid != uid);
        }
        assert!(live.is_empty(), "bookings without an appointment: {live:?}");
        let fates = self.delivery_fates().await;
        assert!(fates.iter().all(Option::is_some), "{fates:?}");
    }

    pub(crate) fn writes(&self) -> usize {
        self.fake.writes().len()
    }
}

pub(crate) async fn drain(engine: &Arc<Engine>) -> Vec<StepReport> {
    Worker::new(engine.clone()).drain().await.unwrap()
}

pub(crate) fn outcomes(reports: &[StepReport]) -> Vec<TurnOutcome> {
    reports.iter().map(|r| r.outcome.clone()).collect()
}

pub(crate) fn client(fake: &FakeCalcom) -> Client {
    Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        // The engine's own schedule is what is tested.
        .retry(RetryPolicy::none())
        // They go by real time, and the test drives its own.
        .breaker(None)
        .rate(None)
        .attempt_timeout(Duration::from_millis(700))
        .build()
        .unwrap()
}

/// The settings in production, without chance, and with a host that is given up soon.
pub(crate) fn config() -> SyncConfig {
    let mut config = SyncConfig::default();
    config.jitter_percent = 0;
    config.host_timeout = Duration::from_millis(100);
    config
}

fn engine(
    fake: &FakeCalcom,
    store: &InMemoryStore,
    clock: &ManualClock,
    tenant: &TenantId,
    change: &dyn Fn(Tenant) -> Tenant,
) -> Arc<Engine> {
    let calendar = Arc::new(client(fake));
    let tenant = Tenant::new(tenant.clone(), calendar)
        .with_webhook_secret(SECRET)
        .with_event_type(fake.event_type_id())
        .with_host(fake.host_id());
    let tenants = StaticTenants::new([change(tenant)]);
    let store: Arc<InMemoryStore> = Arc::new(store.clone());
    let books: Arc<dyn Store> = store.clone();
    let engine = Engine::builder(books, store, Arc::new(tenants))
        .config(config())
        .clock(Arc::new(clock.clone()))
        .entropy(Arc::new(SeededEntropy::new(1)))
        .build();
    Arc::new(engine)
}

/// An event type that is nobody's of this test.
pub(crate) const FOREIGN: EventTypeId = EventTypeId::new(999_983);
