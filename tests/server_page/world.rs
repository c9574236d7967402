//! An engine with three tenants over a fake Cal.com, and the page in front of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use calcom::agents::retell::RetellConsole;
use calcom::ambient::Clock;
use calcom::client::{Client, RetryPolicy};
use calcom::model::NewWebhook;
use calcom::server::{
    Access, LiveStreams, OPERATIONS_ROUTES, OperationsConfig, Role, SignInLinks, Token, operations,
    webhooks,
};
use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite,
    Change, InMemoryStore, LogEvent, OperatorAction, Origin, Page, Person, ReviewItem, TenantId,
};
use calcom::sync::{
    Branch, Engine, OpeningHours, Operations, StaffMember, StaticTenants, SyncConfig, SyncEngine,
    Tenant, TenantServices, Worker,
};
use calcom::testing::{
    DeliveryOutcome, FakeCalcom, FakeEventType, FaultyStore, ManualClock, SeededEntropy,
};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, Request, StatusCode};
use tower::ServiceExt;

use crate::retell::Retell;

pub(crate) const SECRET: &str = "whsec_of_the_test";
/// Operator, all tenants.
pub(crate) const HANNA: &str = "hannas-token-0123456789";
/// Operator, the salon only.
pub(crate) const SALLY: &str = "sallys-token-0123456789";
/// Viewer, the salon only.
pub(crate) const VERA: &str = "veras-token-01234567890";
/// A tenant whose name is hard to put into a path.
pub(crate) const HARD: &str = "a/b?c#d%";

pub(crate) struct World {
    pub(crate) fake: FakeCalcom,
    /// The host's own appointments and services.
    pub(crate) store: InMemoryStore,
    pub(crate) client: Arc<Client>,
    pub(crate) faulty: FaultyStore,
    pub(crate) clock: ManualClock,
    pub(crate) engine: Arc<Engine>,
    pub(crate) links: SignInLinks,
    pub(crate) live: LiveStreams,
    pub(crate) page: Router,
    pub(crate) salon: TenantId,
    /// Where the salon's voice agent is.
    pub(crate) retell: Retell,
    pub(crate) console: RetellConsole,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.live.end();
        self.serving.abort();
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{text:?} is not in {}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn does_not_say(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} is in {}", self.body);
        self
    }
}

/// Seven days after the clock's beginning, at nine, plus hours.
pub(crate) fn at(hours: i64) -> DateTime<Utc> {
    let nine: DateTime<Utc> = "2026-12-08T09:00:00Z".parse().unwrap();
    nine + TimeDelta::hours(hours)
}

/// A form as it is sent.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(configure: impl FnOnce(OperationsConfig) -> OperationsConfig) -> Self {
        let clock = ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap());
        let fake = FakeCalcom::builder()
            .seed(1)
            .clock(clock.shared())
            .event_type(FakeEventType::new("haircut", 30).with_hours(0..24))
            .start()
            .await
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = format!("http://{address}/webhooks/calcom/salon");
        let client = Client::builder(fake.api_key())
            .base_url(fake.base_url().as_str())
            .retry(RetryPolicy::none())
            .breaker(None)
            .attempt_timeout(Duration::from_secs(5));
        let client = Arc::new(client.build().unwrap());
        fake.subscribe(&door, SECRET, NewWebhook::booking_triggers());
        let store = InMemoryStore::with_clock(clock.shared());
        let books = InMemoryStore::with_clock(clock.shared());
        let faulty = FaultyStore::new(Arc::new(books));
        let services = TenantServices::new(Arc::new(store.clone()), client.clone());
        let hours: OpeningHours = "Mon-Fri 09:00-18:00".parse().unwrap();
        let salon = Tenant::new("salon".into(), client.clone())
            .with_event_type(fake.event_type_id())
            .with_host(fake.host_id())
            .with_branch(
                Branch::new("mitte".into(), "Salon <Mitte>", "Europe/Berlin".into())
                    .with_opening_hours(hours.times().iter().copied())
                    .with_phone_number("+4930123456".parse().unwrap())
                    .with_event_type(fake.event_type_id())
                    .with_address("Linienstr. 1"),
            )
            .with_staff_member(
                StaffMember::new("h".into(), "Hanna Weber")
                    .with_user(fake.host_id())
                    .with_branch("mitte".into()),
            )
            .with_webhook_secret(SECRET)
            .with_subscription(client.clone(), door)
            .with_services(services);
        let others = ["studio", HARD].map(|name| Tenant::new(name.into(), client.clone()));
        let tenants = StaticTenants::new([salon].into_iter().chain(others));
        let books = Arc::new(faulty.clone());
        let retell = Retell::new(clock.clone());
        let console = retell.console(books.clone(), "salon".into());
        let mut calm = SyncConfig::default();
        calm.jitter_percent = 0;
        let engine = Engine::builder(books, Arc::new(store.clone()), Arc::new(tenants))
            .config(calm)
            .clock(clock.shared())
            .entropy(Arc::new(SeededEntropy::new(1)))
            .build();
        let engine = Arc::new(engine);
        let (links, live) = (SignInLinks::default(), LiveStreams::at_most(2));
        let access = Access::tokens([
            Token::new("hanna", HANNA, Role::Operator),
            Token::new("sally", SALLY, Role::Operator).for_tenants(["salon", "not-there"]),
            Token::new("vera", VERA, Role::Viewer).for_tenants(["salon"]),
        ]);
        let config = OperationsConfig::new(access)
            .with_clock(clock.shared())
            .with_sign_in_links(links.clone())
            .with_live(live.clone())
            .with_agents(Arc::new(console.clone()));
        let page = operations(engine.clone(), configure(config));
        let router = Router::new()
            .merge(webhooks(engine.clone()))
            .nest_service("/operations", page.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            fake,
            store,
            client,
            faulty,
            clock,
            engine,
            links,
            live,
            page,
            salon: "salon".into(),
            retell,
            console,
            serving,
        }
    }

    /// Sends a request as a browser with this token would have it sent.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: String,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header("host", "ops.example.com");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.page.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let is_stream = parts
            .headers
            .get("content-type")
            .is_some_and(|media_type| media_type == "text/event-stream");
        let body = if is_stream {
            String::new()
        } else {
            let body = axum::body::to_bytes(body, 10_000_000).await.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Some(HANNA), String::new(), &[])
            .await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, Some(HANNA), form(fields), &[])
            .await
    }

    /// The host writes an appointment of half an hour, and records that it did.
    pub(crate) async fn make(&self, id: &str, name: &str, start: DateTime<Utc>) -> AppointmentId {
        let person = Person::new(name, "ann@example.com", "Europe/Berlin");
        let end = start + TimeDelta::minutes(30);
        let status = AppointmentStatus::Confirmed;
        let event_type = self.fake.event_type_id();
        let state = AppointmentState::new(status, start, end, event_type, person);
        let write = AppointmentWrite::new(state, Origin::Phone, self.clock.now());
        let id = AppointmentId::new(id);
        self.store
            .create_appointment(&self.salon, &id, write)
            .unwrap();
        self.record(&id).await;
        id
    }

    pub(crate) async fn record(&self, id: &AppointmentId) {
        let found = self.store.get(&self.salon, id).await.unwrap().unwrap();
        let change = Change::new(
            self.salon.clone(),
            found.id,
            found.revision,
            found.origin,
            found.updated_at,
        );
        self.engine.record(&change).await.unwrap();
    }

    /// The host moves an appointment, and records that it did.
    pub(crate) async fn move_to(&self, id: &AppointmentId, start: DateTime<Utc>) {
        let found = self.store.get(&self.salon, id).await.unwrap().unwrap();
        let mut state = found.state.clone();
        state.start = start;
        state.end = start + TimeDelta::minutes(30);
        let write = AppointmentWrite::new(state, Origin::Phone, self.clock.now());
        self.store
            .update(&self.salon, id, found.revision, write)
            .await
            .unwrap();
        self.record(id).await;
    }

    /// Works until nothing is due and no webhook is under way.
    pub(crate) async fn work(&self) {
        for _ in 0..200 {
            let deliveries = self.fake.deliveries();
            let is_open = deliveries
                .iter()
                .any(|delivery| delivery.outcome == DeliveryOutcome::Open);
            let done = Worker::new(self.engine.clone()).drain().await.unwrap();
            if done.is_empty() && !is_open {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("there is always something due");
    }

    /// An appointment that was changed on both sides, in review.
    pub(crate) async fn conflict(&self, id: &str, hour: i64) -> ReviewItem {
        let id = self.make(id, "Ann Attendee", at(hour)).await;
        self.work().await;
        let mut bookings = self.fake.live_bookings().into_iter();
        let booking = bookings.find(|booking| booking.start == at(hour));
        let uid = booking.unwrap().uid;
        self.move_to(&id, at(hour + 100)).await;
        self.fake.move_booking(&uid, at(hour + 200)).await.unwrap();
        self.work().await;
        let open = self.engine.open_reviews(&self.salon, Page::first(100));
        let mut open = open.await.unwrap().into_iter();
        open.find(|item| item.appointment.as_ref() == Some(&id))
            .unwrap()
    }

    pub(crate) async fn review(&self, item: &ReviewItem) -> ReviewItem {
        let found = self.engine.review(&self.salon, item.id).await.unwrap();
        found.unwrap()
    }

    /// What was written down of operators, newest first: who, and what.
    pub(crate) async fn actions(&self) -> Vec<(String, OperatorAction)> {
        let entries = self.engine.actions(&self.salon, Page::first(100)).await;
        let entries = entries.unwrap().into_iter();
        let actions = entries.filter_map(|entry| match entry.event {
            LogEvent::Operated { action, by, .. } => Some((by, action)),
            _ => None,
        });
        actions.collect()
    }
}

/// Every route about a tenant, by method, with its path for this tenant, appointment and item.
pub(crate) fn routes_of(tenant: &str, id: &str) -> Vec<(&'static str, String)> {
    let routes = OPERATIONS_ROUTES
        .iter()
        .filter(|route| route.path.contains("{tenant}"));
    let routes = routes.map(|route| {
        let path = route.path.replace("{tenant}", tenant).replace("{id}", id);
        assert!(!path.contains('{'), "{path}");
        (route.method, path)
    });
    routes.collect()
}
