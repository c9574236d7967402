//! An engine with a few tenants, a Cal.com, and the door for health in front.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use calcom::client::{BreakerPolicy, Client, ClientBuilder, RatePolicy, RetryPolicy};
use calcom::model::{EventTypeId, NewAttendee, NewBooking, NewWebhook};
use calcom::server::{WebhookConfig, health, webhooks_with};
use calcom::store::{
    AppointmentState, AppointmentStatus, AppointmentWrite, InMemoryStore, Origin, Person,
    StoreError, StoreErrorKind, TenantId,
};
use calcom::sync::{
    Engine, Monitor, MonitorConfig, StaticTenants, SyncConfig, SyncEngine, Tenant, TenantDirectory,
    Worker,
};
use calcom::testing::{
    FakeCalcom, FaultyStore, ManualClock, SeededEntropy, StoreFault, StoreOperation, StoreTrouble,
};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

pub(crate) const SECRET: &str = "whsec_of_the_test";
pub(crate) const MORNING: &str = "2026-12-01T08:00:00Z";

/// A directory that can be made to fail, and counts how often it is asked.
#[derive(Debug)]
pub(crate) struct Directory {
    tenants: std::sync::Mutex<StaticTenants>,
    pub(crate) fails: AtomicBool,
    pub(crate) calls: AtomicU64,
}

impl Directory {
    fn answer(&self) -> Result<StaticTenants, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            let message = "no connection to the directory";
            return Err(StoreError::new(StoreErrorKind::Unavailable, message));
        }
        Ok(self.tenants.lock().unwrap().clone())
    }

    pub(crate) fn replace(&self, tenants: impl IntoIterator<Item = Tenant>) {
        *self.tenants.lock().unwrap() = StaticTenants::new(tenants);
    }
}

#[async_trait]
impl TenantDirectory for Directory {
    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, StoreError> {
        self.answer()?.tenants(after, limit).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        self.answer()?.tenant(id).await
    }

    async fn tenant_of_event_type(&self, id: EventTypeId) -> Result<Option<TenantId>, StoreError> {
        self.answer()?.tenant_of_event_type(id).await
    }
}

pub(crate) struct World {
    pub(crate) fake: FakeCalcom,
    pub(crate) store: InMemoryStore,
    pub(crate) faulty: FaultyStore,
    pub(crate) directory: Arc<Directory>,
    pub(crate) clock: ManualClock,
    pub(crate) engine: Arc<Engine>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) client: Client,
    http: reqwest::Client,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answered {
    pub(crate) fn check(&self, name: &str) -> &Value {
        &self.body["checks"][name]
    }

    /// Asserts what one check says, and that the rest of the answer agrees.
    #[track_caller]
    pub(crate) fn says(&self, name: &str, status: &str) -> &Value {
        let check = self.check(name);
        assert_eq!(check["status"], status, "{:#}", self.body);
        let sentence = |text: &Value| text.as_str().unwrap().ends_with(['.', ')']);
        assert!(sentence(&check["message"]), "{check:#}");
        assert_eq!(
            status != "healthy",
            check["action"].is_string(),
            "{check:#}"
        );
        self.is_consistent();
        check
    }

    #[track_caller]
    fn is_consistent(&self) {
        let checks = self.body["checks"].as_object().unwrap();
        let names: Vec<&str> = checks.keys().map(String::as_str).collect();
        let all = [
            "api",
            "configuration",
            "rate_limit",
            "storage",
            "sync",
            "webhooks",
            "workers",
        ];
        assert_eq!(names, all);
        let mut summary: BTreeMap<&str, u64> = BTreeMap::new();
        for check in checks.values() {
            *summary
                .entry(check["status"].as_str().unwrap())
                .or_default() += 1;
        }
        for status in ["healthy", "degraded", "unhealthy"] {
            let count = summary.get(status).copied().unwrap_or_default();
            assert_eq!(self.body["summary"][status], count, "{:#}", self.body);
        }
        let worst = ["unhealthy", "degraded", "healthy"];
        let worst = worst
            .into_iter()
            .find(|status| summary.contains_key(status));
        let worst = worst.unwrap();
        assert_eq!(self.body["status"], worst);
        let expected = if worst == "unhealthy" { 503 } else { 200 };
        assert_eq!(self.status, expected);
        assert_eq!(self.headers["cache-control"], "no-store");
        let timestamp = self.body["timestamp"].as_str().unwrap();
        DateTime::parse_from_rfc3339(timestamp).unwrap();
    }
}

/// The settings of a monitor whose machine is busy.
pub(crate) fn patient() -> MonitorConfig {
    let mut config = MonitorConfig::default();
    config.thresholds.storage_degraded = Duration::from_secs(2);
    config.thresholds.storage_unhealthy = Duration::from_secs(4);
    config.thresholds.answers_degraded = Duration::from_secs(5);
    config.thresholds.answers_unhealthy = Duration::from_secs(10);
    config
}

pub(crate) fn client(fake: &FakeCalcom) -> ClientBuilder {
    Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        .retry(RetryPolicy::none())
        .breaker(BreakerPolicy::consecutive_failures(
            3,
            Duration::from_secs(60),
        ))
        .rate(RatePolicy::default().with_max_wait(Duration::ZERO))
}

/// A tenant to which nothing belongs yet.
pub(crate) fn bare(id: &str, client: &Client) -> Tenant {
    Tenant::new(id.into(), Arc::new(client.clone()))
}

/// The clock's morning plus some hours.
pub(crate) fn at(hours: i64) -> DateTime<Utc> {
    let morning: DateTime<Utc> = MORNING.parse().unwrap();
    morning + TimeDelta::days(7) + TimeDelta::hours(hours)
}

fn ann() -> Person {
    Person::new("Ann Attendee", "ann@example.com", "Europe/London")
}

impl World {
    /// One tenant, `salon`, that is set up well.
    pub(crate) async fn new() -> Self {
        Self::with(patient(), |fake| fake, |salon, _| vec![salon]).await
    }

    pub(crate) async fn with(
        config: MonitorConfig,
        server: impl FnOnce(calcom::testing::FakeCalcomBuilder) -> calcom::testing::FakeCalcomBuilder,
        tenants: impl FnOnce(Tenant, &Client) -> Vec<Tenant>,
    ) -> Self {
        let clock = ManualClock::at(MORNING.parse().unwrap());
        let fake = FakeCalcom::builder().seed(3).clock(clock.shared());
        let fake = server(fake).start().await.unwrap();
        let store = InMemoryStore::with_clock(clock.shared());
        let faulty = FaultyStore::new(Arc::new(store.clone()));
        let client = client(&fake).clock(clock.shared()).build().unwrap();
        let salon = bare("salon", &client)
            .with_webhook_secret(SECRET)
            .with_event_type(fake.event_type_id())
            .with_host(fake.host_id());
        let directory = Arc::new(Directory {
            tenants: std::sync::Mutex::new(StaticTenants::new(tenants(salon, &client))),
            fails: AtomicBool::new(false),
            calls: AtomicU64::new(0),
        });
        let mut settings = SyncConfig::default();
        settings.jitter_percent = 0;
        let books = Arc::new(faulty.clone());
        let engine = Engine::builder(books, Arc::new(store.clone()), directory.clone())
            .config(settings)
            .clock(clock.shared())
            .entropy(Arc::new(SeededEntropy::new(1)))
            .build();
        let engine = Arc::new(engine);
        let monitor = Monitor::new(engine.clone());
        let monitor = Arc::new(monitor.with_config(config).with_clock(clock.shared()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let unlimited = WebhookConfig::default().with_requests_per_minute(None);
        let router = webhooks_with(engine.clone(), unlimited).merge(health(monitor.clone()));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let url = format!("http://{address}/webhooks/calcom/salon");
        fake.subscribe(url, SECRET, NewWebhook::booking_triggers());
        Self {
            fake,
            store,
            faulty,
            directory,
            clock,
            engine,
            monitor,
            client,
            http: reqwest::Client::new(),
            address,
            serving,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        let url = format!("http://{}{path}", self.address);
        let response = self.http.get(url).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        Answered {
            status,
            headers,
            body: serde_json::from_slice(&body).unwrap(),
        }
    }

    /// The answer after another look.
    pub(crate) async fn health(&self) -> Answered {
        self.monitor.refresh().await;
        self.get("/health/calcom").await
    }

    /// The host writes a new appointment.
    pub(crate) fn make(&self, tenant: &str, id: &str, start: DateTime<Utc>) {
        let end = start + TimeDelta::minutes(30);
        let event_type = self.fake.event_type_id();
        let status = AppointmentStatus::Confirmed;
        let state = AppointmentState::new(status, start, end, event_type, ann());
        let write = AppointmentWrite::new(
            state,
            Origin::Phone,
            calcom::ambient::Clock::now(&self.clock),
        );
        let made = self
            .store
            .create_appointment(&tenant.into(), &id.into(), write);
        made.unwrap();
    }

    /// Somebody books on Cal.com's page.
    pub(crate) async fn book(&self, start: DateTime<Utc>) {
        let attendee = NewAttendee::from(&ann());
        let booking = NewBooking::new(self.fake.event_type_id(), start, attendee);
        self.fake.book(booking).await.unwrap();
    }

    pub(crate) async fn drain(&self) {
        Worker::new(self.engine.clone()).drain().await.unwrap();
    }

    pub(crate) async fn sweep(&self) {
        let swept = self.engine.sweep(&"salon".into(), Duration::ZERO).await;
        swept.unwrap().unwrap();
    }

    /// Calls of the store are in trouble from now on.
    pub(crate) fn trouble(&self, operation: StoreOperation, trouble: StoreTrouble) {
        self.faulty
            .inject(StoreFault::new(operation, trouble).always());
    }

    /// How many calls of the store, of the directory and of Cal.com there were.
    pub(crate) fn calls(&self) -> (u64, u64, usize) {
        let counts = self.faulty.faults().counts();
        let store = counts.values().map(|(calls, _)| calls).sum();
        let directory = self.directory.calls.load(Ordering::SeqCst);
        (store, directory, self.fake.requests().len())
    }
}
