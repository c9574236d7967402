//! Two tenants of one host over one store, their engine, and a Cal.com.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use calcom::ambient::Clock;
use calcom::client::{Client, RetryPolicy};
use calcom::model::{Booking, EventTypeId};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, InMemoryStore, Origin, Page, Person, ReviewItem, Store, Window,
};
use calcom::sync::{Calendar, Engine, StaticTenants, SyncConfig, SyncEngine, Tenant};
use calcom::testing::{FakeCalcom, SeededEntropy};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use crate::chance::Chance;
use crate::clock::SimClock;
use crate::host::{Past, UnsteadyHost};
use crate::plan::{Actors, Plan};
use crate::post::Post;
use crate::tenants::{Customer, customers};
use crate::wire::{Exchange, Wire};

const MORNING: &str = "2026-12-01T08:00:00Z";

/// Where the books are kept, and how Cal.com is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// In memory and in process, in time that only the history moves: a function of the seed.
    Memory,
    /// In a SQLite file, which is closed and opened again after a crash.
    Sqlite,
    /// In memory, and Cal.com over the network with the crate's own client.
    Http,
}

pub(crate) enum Books {
    Memory(InMemoryStore),
    Sqlite(SqliteStore, PathBuf),
}

pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) plan: Plan,
    pub(crate) chance: Chance,
    pub(crate) fake: FakeCalcom,
    pub(crate) clock: SimClock,
    pub(crate) post: Post,
    pub(crate) exchange: Exchange,
    pub(crate) customers: [Customer; 2],
    pub(crate) books: Books,
    /// The processes of the host, over one store: each goes by a clock of its own.
    engines: Vec<Arc<Engine>>,
    pub(crate) host_fails: Arc<AtomicU32>,
    _folder: Option<tempfile::TempDir>,
}

/// How many processes there are.
const ENGINES: usize = 3;

/// The slots that people choose from: few, so that they get in each other's way.
pub(crate) fn slot(number: u32) -> DateTime<Utc> {
    let morning: DateTime<Utc> = MORNING.parse().unwrap();
    let (day, hour) = (i64::from(number / 4), i64::from(number % 4) * 2);
    morning + TimeDelta::days(7 + day) + TimeDelta::hours(hour)
}

pub(crate) const SLOTS: u32 = 14;

pub(crate) fn person(number: u32) -> Person {
    let name = ["Ann", "Bob", "Cem"][number as usize % 3];
    let email = format!("{}@example.com", name.to_lowercase());
    Person::new(format!("{name} Attendee"), email, "Europe/London")
}

impl World {
    pub(crate) async fn new(setting: Setting, plan: Plan, chance: Chance) -> Self {
        let clock = SimClock::new(MORNING.parse().unwrap(), setting == Setting::Memory);
        let fake = FakeCalcom::builder()
            .seed(chance.seed())
            .clock(clock.shared())
            .server(plan.server)
            .cancellation_lag(plan.lag)
            .processing_time(Duration::from_millis(u64::from(chance.number(0..2))))
            .start()
            .await
            .unwrap();
        let customers = customers(&fake, &plan, &chance).await;
        let folder = (setting == Setting::Sqlite).then(|| tempfile::tempdir().unwrap());
        let books = match &folder {
            Some(folder) => {
                let path = folder.path().join("books.db");
                let store = SqliteStore::open_with_clock(&path, clock.shared());
                Books::Sqlite(store.await.unwrap(), path)
            }
            None => Books::Memory(InMemoryStore::with_clock(clock.shared())),
        };
        let post = Post::new(&fake, &plan, &clock, chance.fork());
        let exchange = Exchange {
            fake: fake.clone(),
            post: post.clone(),
            clock: clock.clone(),
            chance: chance.fork(),
            online: Arc::new(AtomicBool::new(true)),
            ledger: crate::ledger::Ledger::default(),
            past: Past::default(),
            lag: plan.lag,
            strange: plan.strange,
        };
        let mut world = Self {
            setting,
            plan,
            chance,
            fake,
            clock,
            post,
            exchange,
            customers,
            books,
            engines: Vec::new(),
            host_fails: Arc::new(AtomicU32::new(0)),
            _folder: folder,
        };
        world.start();
        world
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.books.store()
    }

    /// One of the processes.
    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.chance.pick(&self.engines).unwrap().clone()
    }

    /// New processes over the same store: nothing in memory survives.
    pub(crate) async fn restart(&mut self) {
        if let Books::Sqlite(store, path) = &mut self.books {
            let opened = SqliteStore::open_with_clock(&*path, self.clock.shared());
            *store = opened.await.unwrap();
        }
        self.start();
    }

    fn start(&mut self) {
        // The first clock is right, the others are minutes ahead or behind.
        let skews = [0, 1, -1].map(|sign| sign * i64::from(self.chance.number(0..600)));
        let skews = skews.map(TimeDelta::seconds);
        let engines = skews[..ENGINES].iter().map(|skew| self.process(*skew));
        self.engines = engines.collect();
        self.post.address(&self.engines[0]);
    }

    /// Time passes, for everybody.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by).await;
    }

    pub(crate) async fn set_online(&self, online: bool) {
        self.exchange.online.store(online, Ordering::SeqCst);
        if self.setting == Setting::Http {
            if online {
                self.fake.come_back().await.unwrap();
            } else {
                self.fake.go_offline().await;
            }
        }
    }

    pub(crate) async fn appointments(&self, customer: &Customer) -> Vec<Appointment> {
        let morning: DateTime<Utc> = MORNING.parse().unwrap();
        let window = Window::new(
            morning - TimeDelta::days(999),
            morning + TimeDelta::days(999),
        );
        let table = self.books.appointments();
        table
            .scan(&customer.id, window, None, 10_000)
            .await
            .unwrap()
    }

    pub(crate) async fn reviews(&self, customer: &Customer) -> Vec<ReviewItem> {
        self.engines[0]
            .open_reviews(&customer.id, Page::first(10_000))
            .await
            .unwrap()
    }

    /// The tenant's bookings that take up time.
    pub(crate) fn live_bookings(&self, customer: &Customer) -> Vec<Booking> {
        let mut live = self.fake.live_bookings();
        live.retain(|booking| customer.owns(booking.event_type_id()));
        live
    }

    /// The host writes a new appointment; false if there is one with this id.
    pub(crate) async fn make(
        &self,
        customer: &Customer,
        id: &AppointmentId,
        state: AppointmentState,
        origin: Origin,
    ) -> bool {
        let write = AppointmentWrite::new(state, origin, self.clock.now());
        let made = match &self.books {
            Books::Memory(store) => store.create_appointment(&customer.id, id, write),
            Books::Sqlite(store, _) => store.create_appointment(&customer.id, id, write).await,
        };
        if let Ok(made) = &made {
            self.exchange.past.written(&customer.id, made);
        }
        made.is_ok()
    }

    /// The host changes an appointment.
    pub(crate) async fn change(
        &self,
        customer: &Customer,
        found: &Appointment,
        origin: Origin,
        edit: impl FnOnce(&mut AppointmentState),
    ) {
        let mut state = found.state.clone();
        edit(&mut state);
        let write = AppointmentWrite::new(state, origin, self.clock.now());
        let table = self.books.appointments();
        let written = table.update(&customer.id, &found.id, found.revision, write);
        let written = written.await.unwrap();
        self.exchange.past.written(&customer.id, &written);
    }

    /// The replica that the processes read from stands still for a while.
    pub(crate) async fn lag(&self, span: Duration) {
        let mut table = BTreeMap::new();
        for customer in &self.customers {
            for appointment in self.appointments(customer).await {
                table.insert((customer.id.clone(), appointment.id.clone()), appointment);
            }
        }
        let until = self.clock.now() + TimeDelta::from_std(span).unwrap();
        self.exchange.past.lag(until, table);
    }

    fn process(&self, skew: TimeDelta) -> Arc<Engine> {
        let exchange = &self.exchange;
        let store = self.store();
        let tenants = self.customers.iter().map(|customer| {
            let calendar: Arc<dyn Calendar> = match self.setting {
                Setting::Http => Arc::new(client(&exchange.fake, &customer.key)),
                _ => Arc::new(Wire {
                    exchange: exchange.clone(),
                    tenant: customer.id.clone(),
                    event_types: customer.types.all().to_vec(),
                    store: store.clone(),
                    key: customer.key.clone(),
                }),
            };
            let tenant = Tenant::new(customer.id.clone(), calendar)
                .with_webhook_secret(customer.secret)
                .with_host(customer.host)
                .with_conflict_policy(customer.policy);
            let all = customer.types.all().into_iter();
            all.fold(tenant, Tenant::with_event_type)
        });
        let host = UnsteadyHost {
            inner: self.books.appointments(),
            chance: exchange.chance.clone(),
            clock: self.clock.clone(),
            failing: self.host_fails.clone(),
            past: exchange.past.clone(),
            meddles: self.plan.actors == Actors::Everybody,
        };
        let tenants = Arc::new(StaticTenants::new(tenants));
        let engine = Engine::builder(store.clone(), Arc::new(host), tenants)
            .config(SyncConfig::default())
            .clock(self.clock.wrong_by(skew).shared())
            .entropy(Arc::new(SeededEntropy::new(self.chance.seed())))
            .build();
        Arc::new(engine)
    }
}

/// What the host wants of a new appointment.
pub(crate) fn wish(
    event_type: EventTypeId,
    start: DateTime<Utc>,
    minutes: i64,
    whom: u32,
) -> AppointmentState {
    let end = start + TimeDelta::minutes(minutes);
    let status = AppointmentStatus::Confirmed;
    AppointmentState::new(status, start, end, event_type, person(whom))
}

impl Books {
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
}

fn client(fake: &FakeCalcom, key: &SecretString) -> Client {
    Client::builder(key.clone())
        .base_url(fake.base_url().as_str())
        // The engine's own schedule is what is tested.
        .retry(RetryPolicy::none())
        // It would wait by the machine's clock.
        .breaker(None)
        .rate(None)
        .attempt_timeout(Duration::from_millis(700))
        .build()
        .unwrap()
}
