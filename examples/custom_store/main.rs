//! An application whose appointments are in a table of its own, in another database than the engine's
//! books: the adapter, its outbox and relay, the sweep as the safety net, and the conformance suite.
//!
//! ```console
//! $ cargo run --example custom_store
//! ```
//!
//! - `salon.rs`: the application. Its statuses are its own, such as `completed` and `no_show`, its keys
//!   are numbers, and every write tells the outbox in its own transaction.
//! - `adapter.rs`: the table behind `AppointmentRepository`.
//! - `relay.rs`: carries the outbox to the engine.
//! - `main.rs`: a morning at the salon, over a fake Cal.com, and what has come of it.

mod adapter;
mod relay;
mod salon;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::{Clock, SystemClock};
use calcom::chrono::{DateTime, Datelike, TimeDelta, Utc};
use calcom::client::Client;
use calcom::model::{NewAttendee, NewBooking, NewWebhook};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, Person, TenantId,
};
use calcom::sync::{Engine, StaticTenants, SyncConfig, SyncEngine, Tenant, Worker, WorkerConfig};
use calcom::testing::conformance::{AppointmentTable, Detail, TableReport, check_appointments};
use calcom::testing::{
    FakeCalcom, FakeEventType, Fault, Sides, Then, When, assert_in_sync, assert_no_doubles,
    wait_until_settled,
};

use salon::Salon;

const SECRET: &str = "whsec_of_the_salon";
const PATIENCE: Duration = Duration::from_secs(20);

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let folder = tempfile::tempdir()?;
    morning(folder.path()).await?;
    let report = conformance(folder.path()).await;
    println!("the adapter: {report}");
    if !report.is_kept() {
        return Err("the adapter breaks promises".into());
    }
    println!("custom_store: both sides agree, and the adapter keeps its promises");
    Ok(())
}

/// Everything that runs in the salon's process, over a fake Cal.com.
async fn morning(folder: &Path) -> Outcome {
    let fake = FakeCalcom::builder()
        .event_type(FakeEventType::new("haircut", 30).with_title("Haircut"))
        .start()
        .await?;
    let services = [("Haircut", fake.event_type_id().get())];
    let stylists = [("Hanna", fake.host_id().get())];
    let salon = Salon::open(&folder.join("salon.db"), &services, &stylists).await?;
    // The books are in a file of their own.
    let books = Arc::new(SqliteStore::open(folder.join("books.db")).await?);
    let client = Client::builder(fake.api_key()).base_url(fake.base_url().as_str());
    let tenant = TenantId::new("salon");
    let tenants = StaticTenants::new([Tenant::new(tenant.clone(), Arc::new(client.build()?))
        .with_webhook_secret(SECRET)
        .with_event_type(fake.event_type_id())
        .with_host(fake.host_id())]);
    let mut config = SyncConfig::default();
    // In production a sweep leaves what is younger than two minutes to the webhooks and the relay.
    config.webhook_lag = Duration::ZERO;
    let adapter: Arc<dyn AppointmentRepository> = Arc::new(salon.clone());
    let engine = Engine::builder(books.clone(), adapter.clone(), Arc::new(tenants))
        .config(config)
        .sync_key_secret("kept as long as the bookings matter");
    let engine: Arc<dyn SyncEngine> = Arc::new(engine.build());

    // Webhooks come in here …
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhooks/calcom/{tenant}", listener.local_addr()?);
    let router = calcom::server::webhooks(engine.clone());
    let receiver = tokio::spawn(async move { axum::serve(listener, router).await });
    fake.subscribe(url, SECRET, NewWebhook::booking_triggers());
    // … and what the reception writes comes in here.
    let relay = tokio::spawn(relay::relay(salon.clone(), engine.clone(), tenant.clone()));

    let mut worker = WorkerConfig::default();
    worker.poll_interval = Duration::from_millis(20);
    // The story sweeps when it needs to; production leaves this at its default.
    worker.sweep_every = None;
    let worker = Worker::new(engine.clone()).with_config(worker);
    let sides = Sides::new(tenant, adapter, books, fake);
    let mut outcome = Ok(());
    worker
        .run_until(async { outcome = story(&salon, &*engine, &sides, &relay).await })
        .await;
    relay.abort();
    receiver.abort();
    outcome
}

/// What happens in the salon, and what the other side must look like after each step.
async fn story(
    salon: &Salon,
    engine: &dyn SyncEngine,
    sides: &Sides,
    relay: &tokio::task::JoinHandle<()>,
) -> Outcome {
    let fake = sides.fake();
    let settled = async || {
        // The relay has carried everything on, and the workers have dealt with it.
        while !outbox_is_empty(salon).await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        wait_until_settled(sides, PATIENCE).await;
        assert_in_sync(sides).await;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    };

    println!("the reception books two visits");
    let first = salon.book(&visit(fake, 0)).await?;
    let second = salon.book(&visit(fake, 1)).await?;
    settled().await?;
    assert_eq!(fake.live_bookings().len(), 2);

    println!("an attendee books on Cal.com's page, and moves it");
    let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin".into());
    let booking = NewBooking::new(fake.event_type_id(), slot(2), ann);
    let booked = fake.book(booking).await?;
    settled().await?;
    fake.move_booking(&booked.uid, slot(3)).await?;
    settled().await?;
    let visits = all(sides).await?;
    assert!(
        visits.contains(&(AppointmentId::new("3"), slot(3))),
        "{visits:?}"
    );

    println!("the reception moves one visit and cancels the other");
    salon.change(first, &visit(fake, 4)).await?;
    let mut cancelled = visit(fake, 1);
    cancelled.status = AppointmentStatus::Cancelled;
    salon.change(second, &cancelled).await?;
    settled().await?;
    let live: Vec<_> = fake.live_bookings().iter().map(|b| b.start).collect();
    assert_eq!(live.len(), 2, "{live:?}");
    assert!(live.contains(&slot(4)), "{live:?}");

    println!("nobody came to one visit, and the other is over: Cal.com is told nothing");
    let writes = fake.writes().len();
    salon.close(first, "no_show").await?;
    salon.close(3, "completed").await?;
    settled().await?;
    assert_eq!(fake.writes().len(), writes);
    assert_eq!(salon.state_of(first).await?, "no_show");
    assert_eq!(salon.state_of(3).await?, "completed");

    println!(
        "the relay dies, a line of the outbox is lost, and so is a webhook: the sweep finds both"
    );
    relay.abort();
    let lost = Fault::new(When::Any, Then::LoseWebhook).always();
    fake.inject(lost);
    let unrecorded = salon.book(&visit(fake, 5)).await?;
    forget_outbox(salon).await?;
    let bob = NewAttendee::new("Bob", "bob@example.com", "Europe/Berlin".into());
    let untold = NewBooking::new(fake.event_type_id(), slot(6), bob);
    fake.book(untold).await?;
    let swept = engine.sweep(sides.tenant(), Duration::ZERO).await?;
    let swept = swept.ok_or("somebody else sweeps")?;
    assert!(swept.is_complete(), "{swept:?}");
    // The workers may be at the booking that was found before the sweep reads the table.
    let found = (swept.changes_recorded, swept.notices_given);
    assert!(found.0 >= 1 && found.1 == 1, "{swept:?}");
    settled().await?;
    assert_eq!(fake.live_bookings().len(), 4);

    assert_no_doubles(sides).await;
    let visits = all(sides).await?;
    println!(
        "{} visits, the last one of the reception's is {unrecorded}",
        visits.len()
    );
    Ok(())
}

/// Next Monday at nine, in a slot of half an hour.
fn slot(n: i64) -> DateTime<Utc> {
    let now = SystemClock.now();
    let days = 7 - i64::from(now.weekday().num_days_from_monday());
    let midnight = now.timestamp() - now.timestamp().rem_euclid(24 * 60 * 60);
    let midnight = DateTime::from_timestamp(midnight, 0).unwrap_or_default();
    midnight + TimeDelta::days(days) + TimeDelta::minutes(9 * 60 + n * 30)
}

/// A visit as the reception enters it.
fn visit(fake: &FakeCalcom, n: i64) -> AppointmentState {
    let client = Person::new("Cem Customer", "cem@example.com", "Europe/Berlin");
    let (status, end) = (
        AppointmentStatus::Confirmed,
        slot(n) + TimeDelta::minutes(30),
    );
    AppointmentState::new(status, slot(n), end, fake.event_type_id(), client)
}

async fn all(
    sides: &Sides,
) -> Result<Vec<(AppointmentId, DateTime<Utc>)>, Box<dyn Error + Send + Sync>> {
    let window = calcom::store::Window::new(slot(-1000), slot(1000));
    let visits = sides
        .appointments()
        .scan(sides.tenant(), window, None, 1000)
        .await?;
    Ok(visits
        .into_iter()
        .map(|visit| (visit.id, visit.state.start))
        .collect())
}

async fn outbox_is_empty(salon: &Salon) -> Result<bool, sqlx::Error> {
    let lines: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outbox")
        .fetch_one(&salon.database)
        .await?;
    Ok(lines == 0)
}

async fn forget_outbox(salon: &Salon) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM outbox")
        .execute(&salon.database)
        .await?;
    Ok(())
}

/// The promises of the port, each over a new file.
async fn conformance(folder: &Path) -> TableReport {
    let files = std::sync::atomic::AtomicUsize::new(0);
    check_appointments(|| {
        let file = files.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let file = folder.join(format!("salon-{file}.db"));
        async move {
            let services = [("Haircut", 42), ("Colour", 43)];
            let stylists = [("Hanna", 5), ("Ida", 6)];
            let salon = Salon::open(&file, &services, &stylists).await;
            let salon = Arc::new(salon.expect("a new file can be opened"));
            AppointmentTable::new(salon.clone())
                .with_tenants([TenantId::new("salon")])
                .with_event_types([42, 43].map(Into::into))
                .with_staff([5, 6].map(Into::into))
                .without(Detail::Absent)
                .without(Detail::Responses)
                .without(Detail::Metadata)
                .with_host_writes(salon)
        }
    })
    .await
}
