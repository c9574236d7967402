//! Two tenants of one host over one store, their engine, and a Cal.com.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use calcom::ambient::Clock;
use calcom::client::{Client, RetryPolicy};
use calcom::model::{Booking, EventTypeId, NewWebhook, UserId};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, InMemoryStore, Origin, Page, Person, ReviewItem, Store, TenantId, Window,
};
use calcom::sync::{
    Calendar, ConflictPolicy, Engine, StaticTenants, SyncConfig, SyncEngine, Tenant,
};
use calcom::testing::{FakeCalcom, FakeEventType, ManualClock, SeededEntropy};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::chance::Chance;
use crate::host::UnsteadyHost;
use crate::post::Post;
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

/// One customer of the host.
pub(crate) struct Customer {
    pub(crate) id: TenantId,
    pub(crate) secret: &'static str,
    pub(crate) key: SecretString,
    pub(crate) event_type: EventTypeId,
    host: UserId,
    /// Whether Cal.com makes what is booked wait for a confirmation.
    pub(crate) confirms: bool,
    pub(crate) policy: ConflictPolicy,
}

pub(crate) enum Books {
    Memory(InMemoryStore),
    Sqlite(SqliteStore, PathBuf),
}

pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) chance: Chance,
    pub(crate) fake: FakeCalcom,
    pub(crate) clock: ManualClock,
    pub(crate) post: Post,
    pub(crate) exchange: Exchange,
    pub(crate) customers: [Customer; 2],
    pub(crate) books: Books,
    pub(crate) engine: Arc<Engine>,
    pub(crate) host_fails: Arc<AtomicU32>,
    _folder: Option<tempfile::TempDir>,
}

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
    pub(crate) async fn new(setting: Setting, chance: Chance) -> Self {
        let clock = ManualClock::at(MORNING.parse().unwrap());
        let fake = FakeCalcom::builder()
            .seed(chance.seed())
            .clock(clock.shared())
            .processing_time(Duration::from_millis(u64::from(chance.number(0..2))))
            .start()
            .await
            .unwrap();
        let customers = customers(&fake, &chance).await;
        let folder = (setting == Setting::Sqlite).then(|| tempfile::tempdir().unwrap());
        let books = match &folder {
            Some(folder) => {
                let path = folder.path().join("books.db");
                Books::Sqlite(
                    SqliteStore::open_with_clock(&path, clock.shared())
                        .await
                        .unwrap(),
                    path,
                )
            }
            None => Books::Memory(InMemoryStore::with_clock(clock.shared())),
        };
        let post = Post::new(&fake, chance.fork());
        let exchange = Exchange {
            fake: fake.clone(),
            post: post.clone(),
            clock: clock.clone(),
            chance: chance.fork(),
            online: Arc::new(AtomicBool::new(true)),
            under_way: Arc::default(),
            collisions: Arc::default(),
        };
        let host_fails = Arc::new(AtomicU32::new(0));
        let engine = engine(
            setting,
            &exchange,
            &books,
            &customers,
            &host_fails,
            chance.seed(),
        );
        post.address(&engine);
        Self {
            setting,
            chance,
            fake,
            clock,
            post,
            exchange,
            customers,
            books,
            engine,
            host_fails,
            _folder: folder,
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.books.store()
    }

    /// A new process over the same store: nothing in memory survives.
    pub(crate) async fn restart(&mut self) {
        if let Books::Sqlite(store, path) = &mut self.books {
            *store = SqliteStore::open_with_clock(&*path, self.clock.shared())
                .await
                .unwrap();
        }
        self.engine = engine(
            self.setting,
            &self.exchange,
            &self.books,
            &self.customers,
            &self.host_fails,
            self.chance.seed(),
        );
        self.post.address(&self.engine);
    }

    /// Time passes, for everybody.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        if self.setting == Setting::Memory {
            tokio::time::sleep(by).await;
        }
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
        self.engine
            .open_reviews(&customer.id, Page::first(10_000))
            .await
            .unwrap()
    }

    /// The tenant's bookings that take up time.
    pub(crate) fn live_bookings(&self, customer: &Customer) -> Vec<Booking> {
        let mut live = self.fake.live_bookings();
        live.retain(|booking| booking.event_type_id() == Some(customer.event_type));
        live
    }

    /// The host writes a new appointment; false if there is one with this id.
    pub(crate) async fn make(
        &self,
        customer: &Customer,
        id: &AppointmentId,
        start: DateTime<Utc>,
        whom: u32,
        origin: Origin,
    ) -> bool {
        let write = AppointmentWrite::new(
            AppointmentState::new(
                AppointmentStatus::Confirmed,
                start,
                start + TimeDelta::minutes(30),
                customer.event_type,
                person(whom),
            ),
            origin,
            self.clock.now(),
        );
        match &self.books {
            Books::Memory(store) => store.create_appointment(&customer.id, id, write).is_ok(),
            Books::Sqlite(store, _) => {
                let made = store.create_appointment(&customer.id, id, write);
                made.await.is_ok()
            }
        }
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
        written.await.unwrap();
    }
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

async fn customers(fake: &FakeCalcom, chance: &Chance) -> [Customer; 2] {
    let policy = || match chance.number(0..10) {
        0 => ConflictPolicy::RemoteWins,
        1 => ConflictPolicy::LocalWins,
        2 => ConflictPolicy::NewestWins,
        _ => ConflictPolicy::Review,
    };
    let salon = Customer {
        id: TenantId::new("salon"),
        secret: "whsec_of_the_salon",
        key: fake.api_key(),
        event_type: fake.event_type_id(),
        host: fake.host_id(),
        confirms: false,
        policy: policy(),
    };
    fake.subscribe(
        "http://127.0.0.1:9/salon",
        salon.secret,
        NewWebhook::booking_triggers(),
    );
    let stella = fake.add_user("stella");
    let mut event_type = FakeEventType::new("studio-30", 30).with_owner(stella.id);
    let confirms = chance.percent(30);
    if confirms {
        event_type = event_type.with_confirmation();
    }
    let studio = Customer {
        id: TenantId::new("studio"),
        secret: "whsec_of_the_studio",
        key: stella.api_key,
        event_type: fake.add_event_type(event_type),
        host: stella.id,
        confirms,
        policy: policy(),
    };
    let body = json!({
        "active": true,
        "subscriberUrl": "http://127.0.0.1:9/studio",
        "triggers": NewWebhook::booking_triggers(),
        "secret": studio.secret,
    });
    let request = http::Request::post("http://fake/v2/webhooks")
        .header("content-type", "application/json")
        .header(
            "authorization",
            format!("Bearer {}", studio.key.expose_secret()),
        )
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let answer = fake.exchange(request).await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    [salon, studio]
}

fn engine(
    setting: Setting,
    exchange: &Exchange,
    books: &Books,
    customers: &[Customer; 2],
    host_fails: &Arc<AtomicU32>,
    seed: u64,
) -> Arc<Engine> {
    let tenants = customers.iter().map(|customer| {
        let calendar: Arc<dyn Calendar> = match setting {
            Setting::Http => Arc::new(client(&exchange.fake, &customer.key)),
            _ => Arc::new(Wire {
                exchange: exchange.clone(),
                key: customer.key.clone(),
            }),
        };
        Tenant::new(customer.id.clone(), calendar)
            .with_webhook_secret(customer.secret.into())
            .with_event_type(customer.event_type)
            .with_host(customer.host)
            .with_conflict_policy(customer.policy)
    });
    let host = UnsteadyHost {
        inner: books.appointments(),
        chance: exchange.chance.clone(),
        failing: host_fails.clone(),
    };
    let tenants = Arc::new(StaticTenants::new(tenants));
    let engine = Engine::builder(books.store(), Arc::new(host), tenants)
        .config(SyncConfig::default())
        .clock(exchange.clock.shared())
        .entropy(Arc::new(SeededEntropy::new(seed)))
        .build();
    Arc::new(engine)
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
