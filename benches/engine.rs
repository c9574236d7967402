//! A change's whole way: from the host's transaction that records it, through `NOTIFY`, a worker, and the request at FakeCalcom, to
//! the outcome in the books. Against the same work by hand: a row is inserted, Cal.com is called, the row is updated.
//!
//! `scripts/with-postgres --durable cargo bench --bench engine`. The samples of both sides alternate.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a program that measures, by the machine's clock"
)]

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::{Client, RatePolicy};
use calcom::model::{EventTypeId, NewAttendee, NewBooking};
use calcom::postgres::PostgresStore;
use calcom::store::{
    AppointmentId, AppointmentState, AppointmentStatus, AppointmentWrite, Origin, Outbox, Page,
    Person, TenantId,
};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant, Worker};
use calcom::testing::{FakeCalcom, FakeEventType};
use chrono::{DateTime, TimeDelta, Utc};
use ratio::{compare, print_heading, print_ratio};
use sqlx::postgres::PgPool;
use tokio::runtime::{Builder, Runtime};

mod ratio;

/// How long the median change may take to its request.
const TO_THE_REQUEST: Duration = Duration::from_millis(10);
/// How much longer the whole way may take than the work by hand.
const WHOLE_WAY_GOAL: f64 = 3.0;
/// How often it is looked whether a change has come somewhere.
const LOOK: Duration = Duration::from_micros(100);

fn is_test() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

struct Salon {
    runtime: Runtime,
    fake: FakeCalcom,
    client: Client,
    store: PostgresStore,
    bare: PgPool,
    booked: Cell<i64>,
    to_the_request: RefCell<Vec<Duration>>,
}

impl Salon {
    fn new(url: &str) -> Self {
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        let (fake, client, store, bare) = runtime.block_on(async {
            let cut = FakeEventType::new("cut", 30).with_id(7).with_hours(0..24);
            let fake = FakeCalcom::builder().rate_limit(1_000_000).event_type(cut);
            let fake = fake.start().await.unwrap();
            let client = Client::builder(fake.api_key())
                .base_url(fake.base_url().as_str())
                .rate(RatePolicy::default().with_requests_per_minute(1_000_000))
                .build()
                .unwrap();
            let schema = format!("bench_engine_{:x}", SystemEntropy.next_u64());
            let store = PostgresStore::builder().schema(schema).connect(url).await;
            let bare = PgPool::connect(url).await.unwrap();
            let table =
                "CREATE TABLE IF NOT EXISTS bare_bookings (id bigint PRIMARY KEY, uid text)";
            sqlx::query(table).execute(&bare).await.unwrap();
            (fake, client, store.unwrap(), bare)
        });
        let tenant = Tenant::new(TenantId::new("salon"), Arc::new(client.clone()))
            .with_event_type(EventTypeId::new(7))
            .with_host(fake.host_id());
        let books = Arc::new(store.clone());
        let tenants = Arc::new(StaticTenants::new([tenant]));
        let engine = Arc::new(Engine::builder(books.clone(), books, tenants).build());
        let worker = Worker::new(engine.clone());
        runtime.spawn(async move { worker.run_until(std::future::pending()).await });
        let listening = store.clone();
        runtime.spawn(async move { listening.wake_on_change(|| engine.nudge()).await });
        Self {
            runtime,
            fake,
            client,
            store,
            bare,
            booked: Cell::new(0),
            to_the_request: RefCell::default(),
        }
    }

    /// The next half-hour that nobody has booked.
    fn next(&self) -> (i64, DateTime<Utc>) {
        let number = self.booked.replace(self.booked.get() + 1);
        let day = SystemClock.now().date_naive() + TimeDelta::days(7);
        let start = day.and_hms_opt(0, 0, 0).unwrap().and_utc();
        (number, start + TimeDelta::minutes(30 * number))
    }

    fn whole_way(&self) -> Duration {
        let (number, start) = self.next();
        let (tenant, id) = (
            TenantId::new("salon"),
            AppointmentId::new(format!("appointment-{number}")),
        );
        let state = AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(30),
            EventTypeId::new(7),
            Person::new("Ada", "ada@example.com", "UTC"),
        );
        let write = AppointmentWrite::new(state, Origin::Phone, SystemClock.now());
        self.runtime.block_on(async {
            let before = self.fake.writes().len();
            let began = Instant::now();
            self.store
                .create_appointment(&tenant, &id, write)
                .await
                .unwrap();
            while self.fake.writes().len() == before {
                tokio::time::sleep(LOOK).await;
            }
            self.to_the_request.borrow_mut().push(began.elapsed());
            loop {
                let changes = self.store.changes(&tenant, &id, Page::first(1)).await;
                if changes.unwrap()[0].1.is_some() {
                    return began.elapsed();
                }
                tokio::time::sleep(LOOK).await;
            }
        })
    }

    fn by_hand(&self) -> Duration {
        let (number, start) = self.next();
        let ada = NewAttendee::new("Ada", "ada@example.com", "UTC".into());
        let wanted = NewBooking::new(EventTypeId::new(7), start, ada);
        self.runtime.block_on(async {
            let began = Instant::now();
            let insert = sqlx::query("INSERT INTO bare_bookings (id) VALUES ($1)");
            insert.bind(number).execute(&self.bare).await.unwrap();
            let booked = self.client.bookings().create(&wanted).await.unwrap();
            let update = sqlx::query("UPDATE bare_bookings SET uid = $2 WHERE id = $1");
            let update = update.bind(number).bind(format!("{booked:?}"));
            update.execute(&self.bare).await.unwrap();
            began.elapsed()
        })
    }
}

fn main() {
    let Ok(url) = std::env::var("CALCOM_TEST_POSTGRES") else {
        println!("nothing is measured: that needs scripts/with-postgres --durable");
        return;
    };
    let salon = Salon::new(&url);
    let samples = if is_test() { 10 } else { 100 };
    let blocks = compare(samples, || salon.whole_way(), || salon.by_hand());
    print_heading("ours", "by hand");
    print_ratio("a change's whole way", WHOLE_WAY_GOAL, &blocks);
    let mut to_the_request = salon.to_the_request.take();
    to_the_request.sort_unstable();
    let median = to_the_request[to_the_request.len() / 2];
    let met = if median < TO_THE_REQUEST {
        "met"
    } else {
        "MISSED"
    };
    println!(
        "from recording a change to its request: {median:.1?} at the median of {}   < {TO_THE_REQUEST:?} {met}",
        to_the_request.len()
    );
}
