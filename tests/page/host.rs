//! A host of two tenants with its own appointments, an engine at work, and the operations page on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use calcom::agents::Tools;
use calcom::agents::dialect::retell::RetellEndpoints;
use calcom::agents::retell::{RetellAccount, RetellAgentId, RetellConsole};
use calcom::ambient::{Clock, SystemClock};
use calcom::client::{Client, RetryPolicy};
use calcom::model::{Booking, BookingUid, EventTypeId, NewAttendee, NewBooking, WebhookQuery};
use calcom::server::{
    Access, OperationsConfig, Role, Token, WebhookConfig, agents, operations, webhooks_with,
};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, Change, Origin, Page, Person, Resolution, ReviewId, ReviewItem, ReviewReason,
    ServiceDetails, ServiceWrite, StoreError, TenantId,
};
use calcom::sync::{
    Engine, Operations, ServiceSyncParams, StaticTenants, SyncConfig, SyncEngine, Tenant,
    TenantDirectory, TenantServices, Worker, WorkerConfig,
};
use calcom::testing::{FakeAccount, FakeCalcom, FakeEventType, FakeRetell};
use calcom::webhook::RetellVerifier;
use chrono::{DateTime, Datelike, Days, TimeDelta, Utc};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

/// Who may do what, by the names of the tokens.
pub(crate) const OPERATOR: &str = "hanna-0123456789abcdef";
pub(crate) const VIEWER: &str = "vera-0123456789abcdef";
pub(crate) const STUDIO_OPERATOR: &str = "otto-0123456789abcdef";

const RETELL_KEY: &str = "key_of_the_page_test";
const SECRET: &str = "whsec_of_the_page_test";
/// How long the engine may take with anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tenant directory of a host whose customers replace their keys.
#[derive(Debug, Default)]
struct Directory(RwLock<Vec<Tenant>>);

impl Directory {
    fn now(&self) -> StaticTenants {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        StaticTenants::new(tenants.iter().cloned())
    }

    fn set(&self, tenants: Vec<Tenant>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = tenants;
    }
}

#[async_trait]
impl TenantDirectory for Directory {
    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, StoreError> {
        self.now().tenants(after, limit).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        self.now().tenant(id).await
    }

    async fn tenant_of_event_type(&self, id: EventTypeId) -> Result<Option<TenantId>, StoreError> {
        self.now().tenant_of_event_type(id).await
    }
}

/// The tenants `salon` and `studio`, each with a Cal.com of its own.
pub(crate) struct Host {
    pub(crate) fake: FakeCalcom,
    pub(crate) studio: FakeCalcom,
    /// Where the salon's voice agent is, and which it is.
    pub(crate) retell: FakeRetell,
    pub(crate) agent: RetellAgentId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: SqliteStore,
    pub(crate) types: EventTypes,
    pub(crate) clock: Arc<dyn Clock>,
    directory: Arc<Directory>,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
    /// Dropped, it stops the worker.
    _working: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
}

/// The salon's event types.
#[derive(Clone, Copy)]
pub(crate) struct EventTypes {
    /// 30 minutes.
    pub(crate) haircut: EventTypeId,
    /// An hour.
    pub(crate) colour: EventTypeId,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) fn salon() -> TenantId {
    TenantId::new("salon")
}

pub(crate) fn studio() -> TenantId {
    TenantId::new("studio")
}

/// An hour, in UTC, of one of the days after next Monday.
pub(crate) fn at(day: u64, hour: u32, minute: u32) -> DateTime<Utc> {
    let today = SystemClock.now().date_naive();
    let to_monday = 7 - u64::from(today.weekday().num_days_from_monday());
    let day = today + Days::new(to_monday + day);
    day.and_hms_opt(hour, minute, 0).unwrap().and_utc()
}

pub(crate) fn ada() -> Person {
    Person::new("Ada Marsh", "ada.marsh@example.com", "Europe/London")
}

pub(crate) fn ben() -> Person {
    Person::new("Ben Okafor", "ben.okafor@example.com", "Europe/Berlin")
}

pub(crate) fn clara() -> Person {
    Person::new("Clara Stein", "clara.stein@example.com", "Europe/Berlin")
}

/// The host moves an appointment and keeps its length.
pub(crate) fn move_to(start: DateTime<Utc>) -> impl FnOnce(&mut AppointmentState) {
    move |state| {
        let length = state.end - state.start;
        state.start = start;
        state.end = start + length;
    }
}

fn client(fake: &FakeCalcom, key: Option<&str>) -> Arc<Client> {
    let key = key.map_or_else(|| fake.api_key(), Into::into);
    let client = Client::builder(key)
        .base_url(fake.base_url().as_str())
        // The engine's own schedule is what is tested.
        .retry(RetryPolicy::none())
        .breaker(None)
        .rate(None)
        .attempt_timeout(Duration::from_secs(5));
    Arc::new(client.build().unwrap())
}

impl Host {
    /// A host at work, whose tenants are set up well and have nothing yet.
    pub(crate) async fn start() -> Self {
        Self::start_at(Arc::new(SystemClock)).await
    }

    /// The same, going by another clock.
    pub(crate) async fn start_at(clock: Arc<dyn Clock>) -> Self {
        let hanna = FakeAccount::new("hanna")
            .with_name("Hanna Vogt")
            .with_hours(8..19);
        let fake = FakeCalcom::builder()
            .seed(7)
            .clock(clock.clone())
            .host(hanna)
            .event_type(FakeEventType::new("haircut", 30).with_title("Haircut"));
        let fake = fake.start().await.unwrap();
        let colour = FakeEventType::new("colour", 60).with_title("Colour");
        let types = EventTypes {
            haircut: fake.event_type_id(),
            colour: fake.add_event_type(colour),
        };
        let intro = FakeEventType::new("intro", 30)
            .with_title("Intro")
            .with_id(770_001);
        let studio = FakeCalcom::builder().seed(8).clock(clock.clone());
        let studio = studio.host("otto").event_type(intro).start().await.unwrap();

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.db");
        let store = SqliteStore::open_with_clock(path, clock.clone())
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();

        let directory = Arc::new(Directory::default());
        let mut config = SyncConfig::default();
        config.retry_delays = vec![Duration::from_millis(200); 3];
        config.jitter_percent = 0;
        config.webhook_lag = Duration::ZERO;
        let shared = Arc::new(store.clone());
        let engine = Engine::builder(shared.clone(), shared, directory.clone())
            .config(config)
            .clock(clock.clone())
            .build();
        let engine = Arc::new(engine);
        let unlimited = WebhookConfig::default().with_requests_per_minute(None);
        let access = Access::tokens([
            Token::new("Hanna", OPERATOR, Role::Operator).for_tenants(["salon"]),
            Token::new("Vera", VIEWER, Role::Viewer).for_tenants(["salon"]),
            Token::new("Otto", STUDIO_OPERATOR, Role::Operator).for_tenants(["studio"]),
        ]);
        let retell = FakeRetell::start(RETELL_KEY).await.unwrap();
        let agent = retell.add_agent("Reception", []);
        let base = format!("http://{address}").parse().unwrap();
        let account = RetellAccount::new(retell.client(), RETELL_KEY)
            .with_agent(agent.clone())
            .with_endpoints(RetellEndpoints::new(&base, &salon()));
        let console = RetellConsole::new(Arc::new(store.clone()), [(salon(), account)]);
        let console = console.unwrap().with_clock(clock.clone());
        let tools = Tools::over_engine(&engine, Arc::new(store.clone()), directory.clone());
        let doors = agents(engine.clone(), tools.clock(clock.clone()).build());
        let page = OperationsConfig::new(access)
            .with_base_path("/operations")
            .with_title("Salon sync")
            .with_time_zone("Europe/Berlin")
            .with_clock(clock.clone())
            .with_agents(Arc::new(console));
        let page = operations(engine.clone(), page);
        let router = webhooks_with(engine.clone(), unlimited)
            .merge(doors)
            .nest("/operations", page);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });

        let (working, stop) = oneshot::channel::<()>();
        let host = Self {
            fake,
            studio,
            retell,
            agent,
            engine,
            store,
            types,
            clock,
            directory,
            address,
            serving,
            _working: working,
            _folder: folder,
        };
        host.use_key(None);
        host.open_shop().await;
        let worker = Worker::new(host.engine.clone());
        let mut config = WorkerConfig::default();
        config.services_every = None;
        config.shutdown_grace = Duration::from_secs(1);
        let worker = worker.with_config(config);
        tokio::spawn(async move {
            let stop = async { drop(stop.await) };
            worker.run_until(stop).await;
        });
        host
    }

    /// What is there before anybody books: services, and subscriptions to webhooks.
    async fn open_shop(&self) {
        for tenant in [salon(), studio()] {
            let report = self.engine.repair_subscription(&tenant).await.unwrap();
            assert!(report.is_healthy(), "{report:?}");
        }
        let params = ServiceSyncParams::default().with_import(true);
        let report = self.engine.sync_services(&salon(), params).await.unwrap();
        assert_eq!(report.stopped, None);
        let beard = ServiceDetails::new("Beard trim", 15);
        let beard = ServiceWrite::new(beard, at(0, 8, 0));
        let (salon, id) = (salon(), "beard".into());
        let created = self.store.create_service(&salon, &id, beard).await;
        created.unwrap();
    }

    /// The salon replaces its key; `None` is the right one.
    pub(crate) fn use_key(&self, key: Option<&str>) {
        let tenant = |id: TenantId, client: Arc<Client>, fake: &FakeCalcom| {
            let url = format!("http://{}/webhooks/calcom/{id}", self.address);
            Tenant::new(id, client.clone())
                .with_webhook_secret(SECRET)
                .with_host(fake.host_id())
                .with_subscription(client, url)
        };
        let ours = client(&self.fake, key);
        let services = TenantServices::new(Arc::new(self.store.clone()), ours.clone());
        let salon = tenant(salon(), ours, &self.fake)
            .with_event_type(self.types.haircut)
            .with_event_type(self.types.colour)
            .with_services(services)
            .with_sender(Arc::new(RetellVerifier::new([RETELL_KEY.into()])));
        let theirs = tenant(studio(), client(&self.studio, None), &self.studio);
        let studio = theirs.with_event_type(self.studio.event_type_id());
        self.directory.set(vec![salon, studio]);
    }

    /// Somebody removes all subscriptions at the salon's Cal.com.
    pub(crate) async fn unsubscribe(&self) {
        let client = client(&self.fake, None);
        let webhooks = client.webhooks();
        let all = webhooks.list(&WebhookQuery::default()).await.unwrap();
        for subscription in all.items {
            webhooks.delete(&subscription.id).await.unwrap();
        }
    }

    /// Where the page is.
    pub(crate) fn url(&self) -> Url {
        format!("http://{}/operations/", self.address)
            .parse()
            .unwrap()
    }

    /// The host makes an appointment.
    pub(crate) async fn make(
        &self,
        id: &str,
        start: DateTime<Utc>,
        attendee: Person,
        origin: Origin,
    ) -> AppointmentId {
        let state = AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(30),
            self.types.haircut,
            attendee,
        );
        self.make_as(id, state, origin).await
    }

    pub(crate) async fn make_as(
        &self,
        id: &str,
        state: AppointmentState,
        origin: Origin,
    ) -> AppointmentId {
        let now = self.clock.now();
        let id = AppointmentId::new(id);
        let write = AppointmentWrite::new(state, origin, now);
        let salon = salon();
        let created = self.store.create_appointment(&salon, &id, write).await;
        created.unwrap();
        self.engine.nudge();
        id
    }

    /// The host changes an appointment, and records that.
    pub(crate) async fn change(
        &self,
        id: &AppointmentId,
        edit: impl FnOnce(&mut AppointmentState),
    ) {
        let changed = self.change_without_record(id, edit).await;
        let at = changed.updated_at;
        let origin = changed.origin.clone();
        let change = Change::new(salon(), id.clone(), changed.revision, origin, at);
        self.engine.record(&change).await.unwrap();
        self.engine.nudge();
    }

    /// The host changes an appointment, and dies before it records that.
    pub(crate) async fn change_without_record(
        &self,
        id: &AppointmentId,
        edit: impl FnOnce(&mut AppointmentState),
    ) -> Appointment {
        let found = self.appointment(id).await;
        let mut state = found.state.clone();
        edit(&mut state);
        let now = self.clock.now();
        let write = AppointmentWrite::new(state, Origin::Admin, now);
        let updated = self.store.update(&salon(), id, found.revision, write).await;
        updated.unwrap()
    }

    pub(crate) async fn appointment(&self, id: &AppointmentId) -> Appointment {
        self.store.get(&salon(), id).await.unwrap().unwrap()
    }

    /// Somebody books a haircut on Cal.com's page.
    pub(crate) async fn book(&self, start: DateTime<Utc>, who: &Person) -> Booking {
        let booking = NewBooking::new(self.types.haircut, start, NewAttendee::from(who));
        self.fake.book(booking).await.unwrap()
    }

    /// The booking of an appointment, once there is one.
    pub(crate) async fn booking_of(&self, id: &AppointmentId) -> BookingUid {
        let what = format!("a booking of {id}");
        self.eventually(&what, async || {
            let status = self.engine.status(&salon(), id).await.unwrap();
            status.booking
        })
        .await
    }

    /// The live booking of an appointment as Cal.com has it now; `None` if it has ended.
    pub(crate) async fn live_booking_of(&self, id: &AppointmentId) -> Option<Booking> {
        let uid = self.booking_of(id).await;
        self.fake.booking(&uid).filter(Booking::is_live)
    }

    /// Waits until both sides of an appointment agree and nothing of it waits.
    pub(crate) async fn is_in_sync(&self, id: &AppointmentId) {
        let what = format!("agreement about {id}");
        self.eventually(&what, async || {
            let status = self.engine.status(&salon(), id).await.unwrap();
            let agrees = status.state == calcom::sync::SyncState::InSync;
            (agrees && status.waiting_changes == 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn open_items(&self) -> Vec<ReviewItem> {
        let items = self.engine.open_reviews(&salon(), Page::first(100)).await;
        items.unwrap()
    }

    /// Somebody else decides.
    pub(crate) async fn resolve(&self, id: ReviewId, resolution: Resolution, by: &str) {
        let resolved = self.engine.resolve(&salon(), id, resolution, by).await;
        resolved.unwrap();
        self.engine.nudge();
    }

    /// Waits for an open review item of this reason.
    pub(crate) async fn item(&self, reason: ReviewReason) -> ReviewItem {
        let what = format!("an item because of {reason}");
        self.eventually(&what, async || {
            let mut items = self.open_items().await.into_iter();
            items.find(|item| item.reason == reason)
        })
        .await
    }

    /// Waits until nothing is being worked on, and nothing is due.
    pub(crate) async fn is_idle(&self) {
        let is_idle = async || {
            let overview = self
                .engine
                .overview(&salon(), Duration::from_secs(60))
                .await;
            let counts = overview.unwrap().counts;
            (counts.due + counts.leased == 0).then_some(())
        };
        self.eventually("the end of the work", is_idle).await;
    }

    /// Waits until no review item is open.
    pub(crate) async fn has_no_items(&self) {
        let is_empty = async || self.open_items().await.is_empty().then_some(());
        self.eventually("an empty queue", is_empty).await;
    }

    /// Waits until something is so.
    pub(crate) async fn eventually<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("{what} does not come"))
    }
}
