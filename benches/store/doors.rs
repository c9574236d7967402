//! The doors: a webhook is verified, read and durably stored, and a change is recorded, against a bare insert of a row of the same
//! size into a table of the same database, one row a transaction, over as many connections as there are senders.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use calcom::client::Client;
use calcom::postgres::PostgresStore;
use calcom::sqlite::SqliteStore;
use calcom::store::{AppointmentId, Change, Origin, Revision, Store, TenantId};
use calcom::sync::{Engine, Receipt, StaticTenants, SyncEngine, Tenant};
use calcom::testing::WebhookBody;
use calcom::webhook::SIGNATURE_HEADER;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use http::HeaderMap;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::runtime::{Builder, Runtime};

use crate::is_test;
use crate::ratio::{compare, print_heading, print_ratio};

const SECRET: &str = "whsec_of_the_bench";
/// How many deliveries come at a time.
const MANY: usize = 50;

/// A webhook, as Cal.com sends it.
struct Sent {
    headers: HeaderMap,
    body: Vec<u8>,
}

fn next_number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn sent() -> Sent {
    let number = next_number();
    let body = WebhookBody::created(format!("booking-{number}"), at())
        .with_attendee("Ada Lovelace", "ada@example.com");
    let mut headers = HeaderMap::new();
    let signature = body.signed_with(SECRET).parse().unwrap();
    headers.insert(SIGNATURE_HEADER, signature);
    Sent {
        headers,
        body: body.to_bytes(),
    }
}

fn engine(store: Arc<dyn Store>) -> Arc<Engine> {
    let appointments = Arc::new(calcom::store::InMemoryStore::new());
    let client = Client::builder("cal_live_0123456789abcdef")
        .build()
        .unwrap();
    let tenant = Tenant::new(TenantId::new("salon"), Arc::new(client)).with_webhook_secret(SECRET);
    let tenants = Arc::new(StaticTenants::new([tenant]));
    Arc::new(Engine::builder(store, appointments, tenants).build())
}

/// A table of the same database, into which bare rows are inserted.
#[derive(Clone)]
enum Bare {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Bare {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS bare (id TEXT PRIMARY KEY, body TEXT NOT NULL)";

    async fn insert(&self, id: String, body: &str) {
        match self {
            Self::Sqlite(pool) => {
                let insert = sqlx::query("INSERT INTO bare (id, body) VALUES (?1, ?2)");
                insert.bind(id).bind(body).execute(pool).await.unwrap();
            }
            Self::Postgres(pool) => {
                let insert = sqlx::query("INSERT INTO bare (id, body) VALUES ($1, $2)");
                insert.bind(id).bind(body).execute(pool).await.unwrap();
            }
        }
    }
}

struct Side {
    name: &'static str,
    engine: Arc<Engine>,
    bare: Bare,
}

/// Times `count` pieces of work that were prepared, `at_a_time` at a time.
fn time<W, F>(
    runtime: &Runtime,
    at_a_time: usize,
    work: Vec<W>,
    carry_out: impl Fn(W) -> F,
) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut lanes: Vec<Vec<F>> = (0..at_a_time).map(|_| Vec::new()).collect();
    for (number, work) in work.into_iter().enumerate() {
        lanes[number % at_a_time].push(carry_out(work));
    }
    runtime.block_on(async move {
        let began = Instant::now();
        let lanes = lanes.into_iter().map(|lane| {
            tokio::spawn(async move {
                for work in lane {
                    work.await;
                }
            })
        });
        for lane in join_all(lanes).await {
            lane.unwrap();
        }
        began.elapsed()
    })
}

impl Side {
    fn intake(&self, runtime: &Runtime, at_a_time: usize, count: usize) -> Duration {
        let work = (0..count).map(|_| sent()).collect();
        time(runtime, at_a_time, work, |sent: Sent| {
            let engine = Arc::clone(&self.engine);
            async move {
                let tenant = TenantId::new("salon");
                let received = engine.receive(&tenant, &sent.headers, &sent.body).await;
                assert!(matches!(received, Ok(Receipt::Stored)), "{received:?}");
            }
        })
    }

    fn record(&self, runtime: &Runtime, at_a_time: usize, count: usize) -> Duration {
        let work = (0..count).map(|_| next_number()).collect();
        time(runtime, at_a_time, work, |number: u64| {
            let engine = Arc::clone(&self.engine);
            async move {
                let appointment = AppointmentId::new(format!("appointment-{number}"));
                let tenant = TenantId::new("salon");
                let change = Change::new(tenant, appointment, Revision::FIRST, Origin::Admin, at());
                engine.record(&change).await.unwrap();
            }
        })
    }

    fn bare(&self, runtime: &Runtime, at_a_time: usize, count: usize) -> Duration {
        let work = (0..count)
            .map(|_| (next_number(), String::from_utf8(sent().body).unwrap()))
            .collect();
        time(runtime, at_a_time, work, |(number, body): (u64, String)| {
            let bare = self.bare.clone();
            async move { bare.insert(format!("bare-{number}"), &body).await }
        })
    }
}

async fn sqlite(folder: &std::path::Path) -> Side {
    let path = folder.join("doors.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(60));
    let pool = SqlitePoolOptions::new()
        .max_connections(u32::try_from(MANY).unwrap())
        .connect_with(options)
        .await
        .unwrap();
    sqlx::query(Bare::TABLE).execute(&pool).await.unwrap();
    Side {
        name: "SQLite",
        engine: engine(Arc::new(store)),
        bare: Bare::Sqlite(pool),
    }
}

async fn postgres(url: &str) -> Side {
    let builder = PostgresStore::builder().schema("bench_doors");
    let store = builder.connect(url).await.unwrap();
    let pool = PgPoolOptions::new()
        .max_connections(u32::try_from(MANY).unwrap())
        .test_before_acquire(false)
        .connect(url)
        .await
        .unwrap();
    sqlx::query(Bare::TABLE).execute(&pool).await.unwrap();
    Side {
        name: "PostgreSQL",
        engine: engine(Arc::new(store)),
        bare: Bare::Postgres(pool),
    }
}

pub(crate) fn measure() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let mut sides = vec![runtime.block_on(sqlite(folder.path()))];
    if let Some(url) = crate::postgres() {
        sides.push(runtime.block_on(postgres(&url)));
    }
    let samples = if is_test() { 5 } else { 25 };
    let mut measured = Vec::new();
    for side in &sides {
        for (at_a_time, count, goal) in [(MANY, 500, 1.0), (1, 50, 2.0)] {
            let count = if is_test() { at_a_time } else { count };
            let bare = || side.bare(&runtime, at_a_time, count);
            let name = format!("{}: {count} webhooks, {at_a_time} at a time", side.name);
            let intake = compare(samples, || side.intake(&runtime, at_a_time, count), bare);
            measured.push((name, goal, intake));
            let name = format!("{}: {count} changes, {at_a_time} at a time", side.name);
            let record = compare(samples, || side.record(&runtime, at_a_time, count), bare);
            measured.push((name, 2.0, record));
        }
    }
    print_heading("ours", "bare");
    for (name, goal, blocks) in measured {
        print_ratio(&name, goal, &blocks);
    }
}
