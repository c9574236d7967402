//! Many appointments want the same few slots at once: as many are booked as there are slots, and the rest is in review with free
//! slots to choose from.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::Clock;
use calcom::client::{Client, RetryPolicy};
use calcom::model::{EventTypeId, NewWebhook, UserId};
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite,
    InMemoryStore, LinkKey, Origin, Page, Person, Resolution, ReviewItem, ReviewReason, Store,
    TenantId,
};
use calcom::sync::{
    Engine, Standing, StaticTenants, SyncConfig, SyncEngine, Tenant, Worker, WorkerConfig,
};
use calcom::testing::{FakeCalcom, FakeEventType, ManualClock, SeededEntropy};
use chrono::{DateTime, Datelike, TimeDelta, Utc};

use crate::harness::{MORNING, SECRET, at};

/// How long a whole crowd may take, however busy the machine.
const LIMIT: Duration = Duration::from_secs(120);

/// What is due later than this is the last look for writes whose answers got lost, and the like.
const RUN: Duration = Duration::from_secs(20 * 60);

/// Where the books and the host's appointments are.
enum Books {
    Memory(InMemoryStore),
    /// With the folder of the file, which is removed in the end.
    Sqlite(
        SqliteStore,
        #[expect(dead_code, reason = "dropped in the end")] tempfile::TempDir,
    ),
}

impl Books {
    fn memory(clock: &ManualClock) -> Self {
        Self::Memory(InMemoryStore::with_clock(clock.shared()))
    }

    async fn sqlite(clock: &ManualClock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("books.sqlite");
        let store = SqliteStore::open_with_clock(file, clock.shared());
        Self::Sqlite(store.await.unwrap(), folder)
    }

    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Sqlite(store, _) => Arc::new(store.clone()),
        }
    }

    fn appointments(&self) -> Arc<dyn AppointmentRepository> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Sqlite(store, _) => Arc::new(store.clone()),
        }
    }

    async fn create(&self, tenant: &TenantId, id: &AppointmentId, write: AppointmentWrite) {
        match self {
            Self::Memory(store) => store.create_appointment(tenant, id, write).unwrap(),
            Self::Sqlite(store, _) => store.create_appointment(tenant, id, write).await.unwrap(),
        };
    }
}

/// A host whose appointments are worked on by several engines over one store.
struct Crowd {
    fake: FakeCalcom,
    clock: ManualClock,
    books: Books,
    tenant: TenantId,
    engines: Vec<Arc<Engine>>,
    receiver: tokio::task::JoinHandle<()>,
    ids: Vec<AppointmentId>,
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

impl Crowd {
    async fn new(
        fake: FakeCalcom,
        clock: ManualClock,
        books: Books,
        event_types: &[EventTypeId],
        engines: u64,
    ) -> Self {
        let tenant = TenantId::new("salon");
        let engines: Vec<Arc<Engine>> = (0..engines)
            .map(|number| {
                let mut named = Tenant::new(tenant.clone(), Arc::new(patient_client(&fake)))
                    .with_webhook_secret(SECRET);
                for event_type in event_types {
                    named = named.with_event_type(*event_type);
                }
                let tenants = Arc::new(StaticTenants::new([named]));
                let engine = Engine::builder(books.store(), books.appointments(), tenants)
                    .config(SyncConfig::default())
                    .clock(clock.shared())
                    .entropy(Arc::new(SeededEntropy::new(number)));
                Arc::new(engine.build())
            })
            .collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/webhooks/calcom/{tenant}",
            listener.local_addr().unwrap()
        );
        let unlimited = WebhookConfig::default().with_requests_per_minute(None);
        let router = webhooks_with(engines[0].clone(), unlimited);
        let receiver = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake.subscribe(url, SECRET, NewWebhook::booking_triggers());
        Self {
            fake,
            clock,
            books,
            tenant,
            engines,
            receiver,
            ids: Vec::new(),
        }
    }

    /// The host takes an appointment for somebody who has no other.
    async fn take(&mut self, event_type: EventTypeId, start: DateTime<Utc>) {
        let number = self.ids.len();
        let id = AppointmentId::new(format!("a{number:03}"));
        let email = format!("guest{number}@example.com");
        let guest = Person::new(format!("Guest {number}"), email, "Europe/Berlin");
        let end = start + TimeDelta::minutes(30);
        let state =
            AppointmentState::new(AppointmentStatus::Confirmed, start, end, event_type, guest);
        let write = AppointmentWrite::new(state, Origin::Phone, self.clock.now());
        self.books.create(&self.tenant, &id, write).await;
        self.ids.push(id);
    }

    /// All engines work at once, with several lanes each, until nothing is due any more.
    async fn work(&self) {
        let run = async {
            let mut left = RUN;
            loop {
                let mut done = 0;
                let lanes = self.engines.iter().map(|engine| {
                    let mut config = WorkerConfig::default();
                    config.concurrency = 8;
                    let worker = Worker::new(engine.clone()).with_config(config);
                    tokio::spawn(async move { worker.drain().await.unwrap().len() })
                });
                for lane in lanes.collect::<Vec<_>>() {
                    done += lane.await.unwrap();
                }
                if done > 0 {
                    continue;
                }
                let due = self.books.store().next_due(u16::MAX).await.unwrap();
                let Some(due) = due.filter(|due| *due <= left) else {
                    return;
                };
                let due = due.max(Duration::from_millis(1));
                left = left.saturating_sub(due);
                self.clock.advance(due);
            }
        };
        let ended = tokio::time::timeout(LIMIT, run).await;
        ended.expect("the engines came to no rest in time: a deadlock, or work without end");
    }

    async fn reviews(&self) -> Vec<ReviewItem> {
        let page = Page::first(1000);
        let open = self.engines[0].open_reviews(&self.tenant, page);
        open.await.unwrap()
    }

    /// The appointments that are booked. Each live booking belongs to one of them, and to one only.
    async fn booked(&self) -> Vec<AppointmentId> {
        let mut live: BTreeSet<_> = self
            .fake
            .live_bookings()
            .into_iter()
            .map(|b| b.uid)
            .collect();
        let mut booked = Vec::new();
        for id in &self.ids {
            let key = LinkKey::Appointment(id.clone());
            let link = self.books.store().find(&self.tenant, &key).await.unwrap();
            let link = link.expect("every appointment has a link");
            assert!(!Standing::of(&link).unwrap().awaits_outcome(), "{link:?}");
            let Some(uid) = link.booking else { continue };
            assert!(live.remove(&uid), "{id} has a booking that is not its own");
            booked.push(id.clone());
        }
        assert!(live.is_empty(), "bookings without an appointment: {live:?}");
        booked
    }

    /// As many are booked as there are slots, everybody else is in review for that reason alone, each with free slots within
    /// seven days of the wanted one. Returns the items.
    async fn assert_won(&self, winners: usize) -> Vec<ReviewItem> {
        assert_eq!(self.booked().await.len(), winners);
        let reviews = self.reviews().await;
        assert_eq!(reviews.len(), self.ids.len() - winners);
        for item in &reviews {
            assert_eq!(item.reason, ReviewReason::SlotTaken, "{item:?}");
            let id = item
                .appointment
                .as_ref()
                .expect("an item of an appointment");
            let wanted = self.books.appointments().get(&self.tenant, id).await;
            let wanted = wanted.unwrap().unwrap().state.start;
            let alternatives = &item.evidence.alternatives;
            assert!(!alternatives.is_empty(), "{item:?}");
            for start in alternatives {
                assert_ne!(*start, wanted, "{item:?}");
                let away = (*start - wanted).abs();
                assert!(away <= TimeDelta::days(7), "{away}: {item:?}");
            }
        }
        reviews
    }

    /// Once all is decided, no time that passes and no sweep makes the engines write again.
    async fn assert_at_rest(&self) {
        let writes = self.fake.writes().len();
        for _ in 0..2 {
            self.clock.advance(Duration::from_secs(60 * 60));
            for engine in &self.engines {
                engine.sweep(&self.tenant, Duration::ZERO).await.unwrap();
            }
            self.work().await;
        }
        assert_eq!(self.fake.writes().len(), writes, "the writing goes on");
    }
}

/// Waits for the answers of a Cal.com that has a crowd to serve.
fn patient_client(fake: &FakeCalcom) -> Client {
    Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        .retry(RetryPolicy::none())
        // They go by real time, and the test drives its own.
        .breaker(None)
        .rate(None)
        .attempt_timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

async fn fake(clock: &ManualClock) -> FakeCalcom {
    let fake = FakeCalcom::builder().seed(7).clock(clock.shared());
    fake.start().await.unwrap()
}

fn morning() -> ManualClock {
    ManualClock::at(MORNING.parse().unwrap())
}

/// Opens the event type for four slots a day, on the day that is wanted and on the weekday before it: the wanted day is full,
/// the next free one is six days later.
fn four_slots_a_day(slug: &str) -> FakeEventType {
    let open = [at(0).weekday(), at(0).weekday().pred()];
    let mut closed = Vec::new();
    for number in 0..7 {
        let day = (at(0) + TimeDelta::days(number)).weekday();
        if !open.contains(&day) {
            closed.push(day);
        }
    }
    FakeEventType::new(slug, 30)
        .with_hours(9..11)
        .with_days_off(closed)
        .with_booking_window(at(0)..at(24 * 60))
}

fn slot(index: i64) -> DateTime<Utc> {
    at(1) + TimeDelta::minutes(30 * index)
}

fn staff(fake: &FakeCalcom) -> [UserId; 3] {
    [
        fake.host_id(),
        fake.add_user("berta").id,
        fake.add_user("carla").id,
    ]
}

/// Whoever of three is free takes the booking: 5 want each of four slots, and 3 get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_that_want_twelve_slots_twelve_win_and_eight_can_choose_again() {
    let clock = morning();
    let fake = fake(&clock).await;
    let staff = staff(&fake);
    let anybody = fake.add_event_type(four_slots_a_day("anybody").with_round_robin(staff));
    let books = Books::sqlite(&clock).await;
    let mut crowd = Crowd::new(fake, clock, books, &[anybody], 2).await;
    for index in 0..20 {
        crowd.take(anybody, slot(index % 4)).await;
    }
    crowd.work().await;
    let reviews = crowd.assert_won(12).await;
    let live = crowd.fake.live_bookings();
    for index in 0..4 {
        let hosts = live.iter().filter(|booking| booking.start == slot(index));
        let hosts: BTreeSet<_> = hosts.filter_map(|booking| booking.hosts[0].id).collect();
        assert_eq!(hosts, BTreeSet::from(staff), "each of the three, once");
    }
    crowd.assert_at_rest().await;

    // The eight choose: whoever takes a slot that was offered gets it while it is free.
    let mut offered: Vec<_> = (0..3).flat_map(|_| later_slots()).collect();
    for item in reviews {
        let start = offered.remove(0);
        let resolution = Resolution::rebook(start);
        let resolved = crowd.engines[0].resolve(&crowd.tenant, item.id, resolution, "eve");
        resolved.await.unwrap();
    }
    crowd.work().await;
    assert_eq!(crowd.booked().await.len(), 20);
    assert_eq!(crowd.reviews().await, []);
    crowd.assert_at_rest().await;
}

/// The slots of the next open day, six days after the wanted one.
fn later_slots() -> Vec<DateTime<Utc>> {
    (0..4)
        .map(|index| slot(index) + TimeDelta::days(6))
        .collect()
}

/// Everybody asks for somebody: twenty for the twelve slots of three members of staff, with an event type each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_that_ask_for_a_member_of_staff_twelve_win() {
    let clock = morning();
    let fake = fake(&clock).await;
    let types = staff(&fake).map(|host| {
        let slug = format!("with-{host}");
        fake.add_event_type(four_slots_a_day(&slug).with_owner(host))
    });
    let books = Books::memory(&clock);
    let mut crowd = Crowd::new(fake, clock, books, &types, 2).await;
    for index in 0..20_i64 {
        let (who, when) = (usize::try_from(index % 3).unwrap(), index % 4);
        crowd.take(types[who], slot(when)).await;
    }
    crowd.work().await;
    crowd.assert_won(12).await;
    crowd.assert_at_rest().await;
}

/// A day that is full offers the next open one, though that is six days away.
#[tokio::test]
async fn the_alternatives_to_a_day_that_is_full_are_those_of_the_next_open_day() {
    let clock = morning();
    let fake = fake(&clock).await;
    let event_type = fake.add_event_type(four_slots_a_day("hanna"));
    let books = Books::memory(&clock);
    let mut crowd = Crowd::new(fake, clock, books, &[event_type], 1).await;
    for index in 0..4 {
        crowd.take(event_type, slot(index)).await;
    }
    crowd.work().await;
    assert_eq!(crowd.booked().await.len(), 4);
    crowd.take(event_type, slot(2)).await;
    crowd.work().await;
    let reviews = crowd.assert_won(4).await;
    let mut next_open_days = later_slots();
    next_open_days.push(slot(0) + TimeDelta::days(7));
    assert_eq!(reviews[0].evidence.alternatives, next_open_days);
}

/// A hundred want one slot, through two engines on one store.
async fn one_of_a_hundred_wins(clock: ManualClock, books: Books) {
    let fake = fake(&clock).await;
    let event_type = fake.event_type_id();
    let mut crowd = Crowd::new(fake, clock, books, &[event_type], 2).await;
    for _ in 0..100 {
        crowd.take(event_type, at(1)).await;
    }
    crowd.work().await;
    let reviews = crowd.assert_won(1).await;
    for item in &reviews {
        assert!(!item.evidence.alternatives.contains(&at(1)), "{item:?}");
    }
    let tried = crowd.fake.writes().len();
    assert!(tried <= 200, "a hundred appointments made {tried} attempts");
    crowd.assert_at_rest().await;
    crowd.assert_won(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_hundred_wins_a_slot_in_memory() {
    let clock = morning();
    let books = Books::memory(&clock);
    one_of_a_hundred_wins(clock, books).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_hundred_wins_a_slot_in_sqlite() {
    let clock = morning();
    let books = Books::sqlite(&clock).await;
    one_of_a_hundred_wins(clock, books).await;
}
