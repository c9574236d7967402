//! An application in another language: a Python program writes its own table and calls `calcom.record_change` in its own
//! transaction, and the booking at Cal.com follows.
//!
//! Needs a server, which `CALCOM_TEST_POSTGRES` names, and psycopg 3 for `/usr/bin/python3` (Debian: `python3-psycopg`).

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::Client;
use calcom::model::EventTypeId;
use calcom::postgres::{HostTable, PostgresStore};
use calcom::store::{AppointmentId, ChangeFate, Origin, Outbox, Page, TenantId};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant, Worker, WorkerConfig};
use calcom::testing::{FakeCalcom, FakeEventType};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/reception.py");
const LIMIT: Duration = Duration::from_secs(20);

const TABLE: &str = "
CREATE TABLE public.visits (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision       bigint NOT NULL DEFAULT 1,
    origin         text NOT NULL,
    status         text NOT NULL,
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    calcom_chain   text UNIQUE,
    attendee_name  text NOT NULL,
    attendee_email text,
    event_type_id  bigint NOT NULL
)";

/// A database of the application's own, in which the crate's schema has its usual name.
#[derive(Debug)]
struct Database {
    server: String,
    name: String,
}

impl Database {
    async fn new() -> Self {
        let server = std::env::var("CALCOM_TEST_POSTGRES");
        let server = server
            .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
        let name = format!("foreign_{:x}", SystemEntropy.next_u64());
        let database = Self { server, name };
        run(
            &database.server,
            format!("CREATE DATABASE {}", database.name),
        )
        .await;
        run(&database.url(), TABLE.to_owned()).await;
        database
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    /// Runs the application, which must succeed, and returns what it printed.
    async fn python(&self, arguments: &[&str]) -> String {
        let mut program = tokio::process::Command::new("/usr/bin/python3");
        program.arg(PROGRAM).args(arguments).kill_on_drop(true);
        let ran = program.env("DATABASE_URL", self.url()).output();
        let ran = tokio::time::timeout(LIMIT, ran).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success(),
            "{said}\nIf psycopg is missing: apt-get install python3-psycopg"
        );
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    async fn drop(&self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        run(&self.server, drop).await;
    }
}

async fn run(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
    ran.await.unwrap();
}

/// Waits until the live bookings start at these times.
async fn booked_at(fake: &FakeCalcom, expected: &[DateTime<Utc>]) {
    let starts = || -> Vec<DateTime<Utc>> {
        let live = fake.live_bookings().into_iter();
        live.map(|booking| booking.start).collect()
    };
    let arrives = async {
        while starts() != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let arrived = tokio::time::timeout(LIMIT, arrives).await;
    arrived.unwrap_or_else(|_| panic!("booked at {:?}, not {expected:?}", starts()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server and python3-psycopg: scripts/with-postgres cargo test --test postgres_foreign -- --include-ignored"]
async fn a_python_program_moves_the_booking_from_within_its_own_transaction() {
    let database = Database::new().await;
    let store = PostgresStore::connect(database.url()).await.unwrap();
    let cut = FakeEventType::new("cut", 30).with_id(7);
    let fake = FakeCalcom::builder().event_type(cut).start().await.unwrap();
    let client = Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        .build();
    let tenant = TenantId::new("salon");
    let salon = Tenant::new(tenant.clone(), Arc::new(client.unwrap()))
        .with_event_type(EventTypeId::new(7))
        .with_host(fake.host_id());
    let table = HostTable::new("visits").only_tenant("salon");
    let table = table.email_column("attendee_email");
    let appointments = Arc::new(store.appointments_in(table).await.unwrap());
    let tenants = Arc::new(StaticTenants::new([salon]));
    let engine = Engine::builder(Arc::new(store.clone()), appointments, tenants).build();
    let engine: Arc<Engine> = Arc::new(engine);

    // What the worker finds in time it was woken for: it would look by itself only in an hour, and sweeps nothing.
    let mut config = WorkerConfig::default();
    config.poll_interval = Duration::from_secs(60 * 60);
    config.sweep_every = None;
    config.services_every = None;
    let worker = Worker::new(engine.clone()).with_config(config);
    let working = tokio::spawn(async move { worker.run_until(std::future::pending()).await });
    let (listener, woken) = (store.clone(), engine.clone());
    let listening = tokio::spawn(async move { listener.wake_on_change(|| woken.nudge()).await });

    let day = SystemClock.now().date_naive() + TimeDelta::days(7);
    let hour = |hour: u32| day.and_hms_opt(hour, 0, 0).unwrap().and_utc();
    let (nine, eleven) = (hour(9), hour(11));
    let id = database.python(&["book", "Ann", &nine.to_rfc3339()]).await;
    booked_at(&fake, &[nine]).await;
    database.python(&["move", &id, &eleven.to_rfc3339()]).await;
    booked_at(&fake, &[eleven]).await;

    let settled = async || {
        let id = AppointmentId::new(&id);
        let found = store.changes(&tenant, &id, Page::first(100)).await.unwrap();
        let of_phone = |(row, fate): &(calcom::store::RecordedChange, Option<ChangeFate>)| {
            assert_eq!(row.change.origin, Origin::Phone);
            (row.change.revision.get(), fate.clone())
        };
        found.iter().map(of_phone).collect::<Vec<_>>()
    };
    let pushed = [(1, Some(ChangeFate::Pushed)), (2, Some(ChangeFate::Pushed))];
    let settles = async {
        while settled().await != pushed {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, settles).await.unwrap();

    // A transaction that is rolled back has recorded nothing, and wakes nobody.
    let requests = fake.requests().len();
    assert_eq!(database.python(&["fail", &id]).await, "rolled back");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(settled().await, pushed);
    assert_eq!(fake.requests().len(), requests);
    booked_at(&fake, &[eleven]).await;

    working.abort();
    listening.abort();
    store.close().await;
    fake.shutdown().await;
    database.drop().await;
}
