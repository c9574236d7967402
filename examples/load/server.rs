//! The process under load: a host with a store, the engine and its router, and beside it a bare handler.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::routing::post;
use axum::{Json, Router};
use calcom::ambient::{Entropy, SystemEntropy};
use calcom::model::{Booking, BookingQuery, BookingUid, EventTypeId};
use calcom::postgres::PostgresStore;
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::sqlite::SqliteStore;
use calcom::store::{AppointmentRepository, InMemoryStore, Inbox, Page, Store, TenantId};
use calcom::sync::{
    BookingPage, Calendar, CalendarError, CalendarErrorKind, Engine, EventTypeFacts, StaticTenants,
    SyncEngine, Tenant, Worker, WorkerConfig, Write,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPool;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::kinds::{LARGEST_BODY, TENANTS};

type Failure = Box<dyn Error + Send + Sync>;

/// The database, as `scripts/with-postgres` names it.
pub(crate) const POSTGRES: &str = "CALCOM_TEST_POSTGRES";

/// How long the server waits for a body.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// Requests a minute at the door that limits them.
pub(crate) const LIMIT: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// Asks for all deliveries, over the server's standard input. When that is closed, the server ends.
pub(crate) const LIST: &str = "list\n";
/// Ends the answer to that.
pub(crate) const END: &str = "end";

const EVENT_TYPE: i64 = 1;
const PAGE: u32 = 1_000;

#[derive(Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) over: Over,
    pub(crate) worker: bool,
    pub(crate) start: DateTime<Utc>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Over {
    Memory,
    Sqlite(PathBuf),
    /// The database that [`POSTGRES`] names.
    Postgres,
}

/// The ports that the server listens on.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Ports {
    /// Without a limit of requests.
    pub(crate) door: u16,
    pub(crate) limited: u16,
    pub(crate) bare: u16,
}

pub(crate) async fn serve(orders: Orders) -> Result<(), Failure> {
    let schema = format!("load_{:x}", SystemEntropy.next_u64());
    let (books, appointments) = open(&orders.over, &schema).await?;
    let calendar = Arc::new(Memorized {
        start: orders.start,
    });
    let tenants = TENANTS.map(|(name, secret)| {
        Tenant::new(TenantId::new(name), calendar.clone())
            .with_webhook_secret(secret)
            .with_event_type(EventTypeId::new(EVENT_TYPE))
    });
    let tenants = Arc::new(StaticTenants::new(tenants));
    let engine = Engine::builder(books.clone(), appointments, tenants).build();
    let engine: Arc<dyn SyncEngine> = Arc::new(engine);

    let mut config = WebhookConfig::default().with_requests_per_minute(None);
    config.max_body_bytes = LARGEST_BODY;
    config.read_timeout = READ_TIMEOUT;
    let limited = config.clone().with_requests_per_minute(LIMIT);
    let bare = Router::new().route("/webhooks/calcom/{tenant}", post(answer_only));
    let ports = Ports {
        door: listen(webhooks_with(engine.clone(), config)).await?,
        limited: listen(webhooks_with(engine.clone(), limited)).await?,
        bare: listen(bare).await?,
    };
    let mut output = tokio::io::stdout();
    let ready = serde_json::to_string(&ports)? + "\n";
    output.write_all(ready.as_bytes()).await?;
    output.flush().await?;

    if orders.worker {
        let mut config = WorkerConfig::default();
        config.sweep_every = None;
        config.services_every = None;
        let worker = Worker::new(engine).with_config(config);
        tokio::spawn(async move { worker.run_until(std::future::pending()).await });
    }
    let mut requests = BufReader::new(tokio::io::stdin()).lines();
    while requests.next_line().await?.is_some() {
        list(&*books, &mut output).await?;
    }
    if let Over::Postgres = orders.over {
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        let pool = PgPool::connect(&std::env::var(POSTGRES)?).await?;
        let drop = sqlx::raw_sql(sqlx::AssertSqlSafe(drop));
        drop.execute(&pool).await?;
    }
    Ok(())
}

type Stores = (Arc<dyn Store>, Arc<dyn AppointmentRepository>);

async fn open(over: &Over, schema: &str) -> Result<Stores, Failure> {
    Ok(match over {
        Over::Memory => {
            let store = Arc::new(InMemoryStore::new());
            (store.clone(), store)
        }
        Over::Sqlite(file) => {
            let store = Arc::new(SqliteStore::open(file).await?);
            (store.clone(), store)
        }
        Over::Postgres => {
            let builder = PostgresStore::builder().schema(schema);
            let store = Arc::new(builder.connect(std::env::var(POSTGRES)?).await?);
            (store.clone(), store)
        }
    })
}

async fn listen(router: Router) -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(port)
}

/// What the door is compared with: the body is read, and nothing else is done.
async fn answer_only(body: Bytes) -> Json<serde_json::Value> {
    Json(serde_json::json!({"status": "accepted", "code": "stored", "length": body.len()}))
}

/// Writes the tenant and the booking of every delivery, and whether a worker is done with it.
async fn list(books: &dyn Store, output: &mut tokio::io::Stdout) -> Result<(), Failure> {
    for (name, _) in TENANTS {
        let tenant = TenantId::new(name);
        let mut page = Page::first(PAGE);
        loop {
            let rows = Inbox::deliveries(books, &tenant, page).await?;
            let Some((last, _)) = rows.last() else { break };
            page = Page::after(last.id, PAGE);
            let mut lines = String::new();
            for (delivery, fate) in &rows {
                let uid = delivery.booking.as_ref().map_or("-", BookingUid::as_str);
                let fate = if fate.is_some() { "done" } else { "waits" };
                lines += &format!("{name} {uid} {fate}\n");
            }
            output.write_all(lines.as_bytes()).await?;
        }
    }
    output.write_all(format!("{END}\n").as_bytes()).await?;
    output.flush().await?;
    Ok(())
}

/// A Cal.com that has every booking it is asked for.
#[derive(Debug)]
struct Memorized {
    start: DateTime<Utc>,
}

fn not_here<T>() -> Result<T, CalendarError> {
    let kind = CalendarErrorKind::Rejected;
    Err(CalendarError::new(kind, "this calendar is only read"))
}

#[async_trait]
impl Calendar for Memorized {
    async fn booking(&self, uid: &BookingUid) -> Result<Option<Booking>, CalendarError> {
        let booking = serde_json::json!({
            "id": 1, "uid": uid.as_str(), "status": "accepted", "eventTypeId": EVENT_TYPE,
            "start": self.start, "end": self.start + TimeDelta::minutes(30), "hosts": [{"id": 1}],
            "icsUid": format!("{uid}@Cal.com"), "updatedAt": self.start - TimeDelta::days(1),
            "title": "Intro 30 between Hanna Host and Ada Lovelace",
            "attendees": [{"name": "Ada Lovelace", "email": "ada@example.com", "timeZone": "Europe/London"}],
        });
        let booking = serde_json::from_value(booking).map_err(|error| {
            let kind = CalendarErrorKind::Unavailable;
            CalendarError::new(kind, "a booking that cannot be read").with_source(error)
        })?;
        Ok(Some(booking))
    }

    async fn bookings(&self, _: &BookingQuery) -> Result<Vec<Booking>, CalendarError> {
        Ok(Vec::new())
    }

    async fn bookings_page(&self, _: &BookingQuery) -> Result<BookingPage, CalendarError> {
        Ok(BookingPage::default())
    }

    async fn write(&self, _: &Write) -> Result<Booking, CalendarError> {
        not_here()
    }

    async fn free_slots(
        &self,
        _: EventTypeId,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, CalendarError> {
        Ok(Vec::new())
    }

    async fn event_type(&self, _: EventTypeId) -> Result<Option<EventTypeFacts>, CalendarError> {
        Ok(Some(EventTypeFacts::default()))
    }

    async fn account(&self) -> Result<(), CalendarError> {
        Ok(())
    }
}
