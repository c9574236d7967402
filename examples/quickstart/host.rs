//! The host application of the quickstart: an appointments table in a SQLite file, a webhook receiver and a worker.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::model::BookingUid;
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, Inbox, Link, LinkKey, Links, LogEntry, LogId, Origin, Page, Person,
    ReviewItem, Store, SyncLog, TenantId,
};
use calcom::sync::{Engine, Standing, StaticTenants, SyncEngine, Tenant, Worker, WorkerConfig};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::server::Server;
use crate::timeline::{Timeline, said};

const TENANT: &str = "quickstart";
pub(crate) const RECEIVER_PATH: &str = "/webhooks/calcom/quickstart";

/// What is due later than this is the last look for writes whose answers got lost.
const LAST_LOOK: Duration = Duration::from_secs(200);

/// How often a check looks whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(crate) struct Host {
    pub(crate) engine: Arc<Engine>,
    pub(crate) tenant: TenantId,
    pub(crate) store: SqliteStore,
    patience: Duration,
    run: u64,
    made: Mutex<u32>,
    told: tokio::sync::Mutex<Option<LogId>>,
    timeline: Timeline,
    worker: JoinHandle<()>,
    receiver: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    folder: tempfile::TempDir,
}

impl Host {
    pub(crate) async fn start(server: &Server, timeline: &Timeline) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let store = SqliteStore::open(database_in(folder.path())).await?;
        let secret = SecretString::from(format!(
            "{:016x}{:016x}",
            SystemEntropy.next_u64(),
            SystemEntropy.next_u64()
        ));
        let tenant = TenantId::new(TENANT);
        let tenants = StaticTenants::new([Tenant::new(
            tenant.clone(),
            Arc::new(server.client.clone()),
        )
        .with_webhook_secret(secret.clone())
        .with_event_type(server.event_type)
        .with_host(server.host)]);
        let shared = Arc::new(store.clone());
        let books: Arc<dyn Store> = shared.clone();
        let engine = Engine::builder(books, shared, Arc::new(tenants))
            .config(server.sync_config())
            // A real host keeps one: with it, bookings are recognized even after the books were lost.
            .sync_key_secret(secret.clone());
        let engine = Arc::new(engine.build());

        let listen = std::env::var("CALCOM_LISTEN").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
        let listener = tokio::net::TcpListener::bind(&listen).await?;
        let address = listener.local_addr()?;
        let router = calcom::server::webhooks(engine.clone());
        let receiver = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the webhook receiver failed: {error}");
            }
        });
        let receiver_url = format!("http://{address}{RECEIVER_PATH}");
        server.subscribe(&receiver_url, secret, timeline).await?;

        let (stop, stopped) = oneshot::channel();
        let mut config = WorkerConfig::default();
        config.poll_interval = Duration::from_millis(200);
        let worker = Worker::new(engine.clone()).with_config(config);
        let worker = tokio::spawn(async move {
            worker
                .run_until(async {
                    // A sender that is gone is a stop too.
                    let _ = stopped.await;
                })
                .await;
        });
        Ok(Self {
            engine,
            tenant,
            store,
            patience: server.patience(),
            run: SystemEntropy.next_u64() % 1_000_000,
            made: Mutex::new(0),
            told: tokio::sync::Mutex::new(None),
            timeline: timeline.clone(),
            worker,
            receiver,
            stop,
            folder,
        })
    }

    pub(crate) fn database(&self) -> PathBuf {
        database_in(self.folder.path())
    }

    /// Lets the worker finish what it is at, and returns all bookings of ours.
    pub(crate) async fn stop(self) -> Result<Vec<BookingUid>, Failure> {
        // The worker may have ended already.
        let _ = self.stop.send(());
        self.worker.await?;
        self.receiver.abort();
        let mut bookings = Vec::new();
        for appointment in all_appointments(&self.store, &self.tenant).await? {
            let key = LinkKey::Appointment(appointment.id);
            let link = self.store.find(&self.tenant, &key).await?;
            bookings.extend(link.and_then(|link| link.booking));
        }
        Ok(bookings)
    }

    /// A person that nobody has booked for yet.
    pub(crate) fn somebody(&self) -> Person {
        let mut made = self.made.lock().expect("no panic holds it");
        *made += 1;
        let name = format!("Quickstart Guest {made}");
        let email = format!("quickstart-{}-{made}@example.com", self.run);
        Person::new(name, email, "Europe/Berlin")
    }

    /// The host takes an appointment.
    pub(crate) async fn take(
        &self,
        id: &str,
        server: &Server,
        start: DateTime<Utc>,
        origin: Origin,
    ) -> Result<Appointment, String> {
        let state = AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(30),
            server.event_type,
            self.somebody(),
        );
        let write = AppointmentWrite::new(state, origin, SystemClock.now());
        let taken = self
            .store
            .create_appointment(&self.tenant, &id.into(), write)
            .await
            .map_err(|e| e.to_string())?;
        self.engine.nudge();
        Ok(taken)
    }

    /// The host changes an appointment.
    pub(crate) async fn change(
        &self,
        id: &AppointmentId,
        edit: impl Fn(&mut AppointmentState),
    ) -> Result<(), String> {
        let found = self.appointment(id).await?;
        let mut state = found.state.clone();
        edit(&mut state);
        let write = AppointmentWrite::new(state, Origin::Admin, SystemClock.now());
        self.store
            .update(&self.tenant, id, found.revision, write)
            .await
            .map_err(|e| e.to_string())?;
        self.engine.nudge();
        Ok(())
    }

    pub(crate) async fn appointment(&self, id: &AppointmentId) -> Result<Appointment, String> {
        let found = self.store.get(&self.tenant, id).await;
        let found = found.map_err(|e| e.to_string())?;
        found.ok_or_else(|| format!("appointment {id} is gone"))
    }

    pub(crate) async fn link(&self, key: LinkKey) -> Result<Option<Link>, String> {
        let found = self.store.find(&self.tenant, &key).await;
        found.map_err(|e| e.to_string())
    }

    /// The booking of an appointment, once both sides agree.
    pub(crate) async fn booked(&self, id: &AppointmentId) -> Result<BookingUid, String> {
        let agreed = self
            .eventually("the appointment has a booking", async || {
                let key = LinkKey::Appointment(id.clone());
                let Some(link) = self.link(key).await? else {
                    return Ok(None);
                };
                let standing = Standing::of(&link).map_err(|e| e.to_string())?;
                let agrees = standing.base.is_some() && !standing.awaits_outcome();
                Ok(link.booking.filter(|_| agrees))
            })
            .await?;
        Ok(agreed)
    }

    pub(crate) async fn reviews(&self) -> Result<Vec<ReviewItem>, String> {
        let open = self
            .engine
            .open_reviews(&self.tenant, Page::first(100))
            .await;
        open.map_err(|e| e.to_string())
    }

    /// Looks until something is there, and tells what the engine does meanwhile.
    pub(crate) async fn eventually<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        let patience = tokio::time::Instant::now() + self.patience;
        loop {
            self.tell_news().await;
            if let Some(found) = look().await? {
                self.tell_news().await;
                return Ok(found);
            }
            if tokio::time::Instant::now() > patience {
                return Err(self.why_not(what).await);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What to say when something was not seen in time: what the engine did last, and what it asks persons.
    async fn why_not(&self, what: &str) -> String {
        let waited = self.patience.as_secs();
        let mut why = format!("after {waited} s it is still not so that {what}");
        for item in self.reviews().await.unwrap_or_default() {
            why += &format!("; in review ({}): {}", item.reason, item.evidence.message);
        }
        if let Some(last) = self.log(None).await.unwrap_or_default().last() {
            why += &format!("; the engine's last line: {}", said(&last.event));
        }
        let deliveries = self.store.deliveries(&self.tenant, Page::first(1)).await;
        if deliveries.is_ok_and(|deliveries| deliveries.is_empty()) {
            why += "; no webhook has arrived at all: can the server reach the receiver? See CALCOM_WEBHOOK_URL";
        }
        why
    }

    /// Waits until nothing is due any more, but for the last look for writes whose answers got lost, minutes later.
    pub(crate) async fn quiet(&self) -> Result<(), String> {
        let idle = async || {
            let due = self.store.next_due(u16::MAX).await;
            let due = due.map_err(|e| e.to_string())?;
            Ok(due.is_none_or(|due| due > LAST_LOOK).then_some(()))
        };
        self.eventually("the engine comes to rest", idle).await
    }

    /// The sync log so far.
    pub(crate) async fn log(&self, after: Option<LogId>) -> Result<Vec<LogEntry>, String> {
        let page = match after {
            Some(line) => Page::after(line, 10_000),
            None => Page::first(10_000),
        };
        let log = self.store.log(&self.tenant, page).await;
        log.map_err(|e| e.to_string())
    }

    /// Puts what is new in the sync log on the timeline.
    pub(crate) async fn tell_news(&self) {
        let mut told = self.told.lock().await;
        let Ok(news) = self.log(*told).await else {
            return;
        };
        for entry in news {
            *told = Some(entry.id);
            self.timeline.entry(&entry);
        }
    }
}

fn database_in(folder: &Path) -> PathBuf {
    folder.join("quickstart.sqlite")
}

/// All appointments of a tenant, page by page.
pub(crate) async fn all_appointments(
    store: &SqliteStore,
    tenant: &TenantId,
) -> Result<Vec<Appointment>, calcom::store::StoreError> {
    const PAGE: u32 = 100;
    let until = SystemClock.now() + TimeDelta::days(3650);
    let window = calcom::store::Window::new(DateTime::UNIX_EPOCH, until);
    let mut all: Vec<Appointment> = Vec::new();
    loop {
        let after = all.last().map(|last| (last.state.start, last.id.clone()));
        let page = store.scan(tenant, window, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
