//! A business with two branches, a FakeCalcom, a FakeRetell, and the router between them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use calcom::SecretString;
use calcom::agents::dialect::retell::RetellEndpoints;
use calcom::agents::{Language, Outcome, Scene, Tools, When};
use calcom::ambient::Clock;
use calcom::chrono::{DateTime, NaiveDateTime, Utc};
use calcom::client::{Client, RetryPolicy};
use calcom::server::{AgentsConfig, agents_with};
use calcom::store::{
    AppointmentDesk, AppointmentState, AppointmentStatus, AppointmentWrite, InMemoryStore, Origin,
    Person, RequestKey, SenderEvent, ServiceDetails, ServiceRepository, ServiceWrite, TenantId,
};
use calcom::sync::{
    Branch, Engine, EventHandler, HandlerError, Locale, StaticTenants, SyncEngine, Tenant,
    TenantServices,
};
use calcom::testing::{
    FakeCalcom, FakeCall, FakeCallSettings, FakeEventType, FakeRetell, FaultyStore, ManualClock,
};
use calcom::webhook::{RetellVerifier, Sender};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

pub(crate) const KEY: &str = "key_of_the_salon";
pub(crate) const OTHER_KEY: &str = "key_of_the_studio";
pub(crate) const CALLER: &str = "+4915112345678";
pub(crate) const MITTE: &str = "+49301234567";
pub(crate) const ALTONA: &str = "+49401234567";

/// A language of few words: what it says names the outcome, so that tests need no sentences.
#[derive(Debug)]
struct Plain(&'static str);

impl Language for Plain {
    fn code(&self) -> &str {
        self.0
    }

    fn read_when(&self, text: &str, _: NaiveDateTime) -> When {
        let instant = text.parse::<DateTime<Utc>>();
        instant.map_or_else(|_| When::nothing(), When::exactly)
    }

    fn read_time(&self, _: &str, _: NaiveDateTime) -> When {
        When::nothing()
    }

    fn read_digits(&self, text: &str) -> String {
        text.to_owned()
    }

    fn read_email(&self, text: &str) -> String {
        text.to_owned()
    }

    fn is_yes(&self, text: &str) -> bool {
        text == "yes"
    }

    fn say(&self, outcome: &Outcome, _: &Scene) -> String {
        let more = match outcome {
            Outcome::Appointments { appointments, .. } => format!(" {}", appointments.len()),
            _ => String::new(),
        };
        format!("{}: {}{more}", self.0, outcome.as_str())
    }
}

/// Keeps the events that it is handed.
#[derive(Debug, Default)]
pub(crate) struct Handled(Mutex<Vec<String>>);

impl Handled {
    pub(crate) fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventHandler for Handled {
    async fn handle(&self, event: &SenderEvent) -> Result<(), HandlerError> {
        self.0.lock().unwrap().push(event.event_id.clone());
        Ok(())
    }
}

/// The tenants are `salon`, which has two branches, `studio`, which has another key, and `bare`, which does
/// not know Retell.
pub(crate) struct World {
    pub(crate) fake: FakeCalcom,
    pub(crate) retell: FakeRetell,
    pub(crate) store: InMemoryStore,
    pub(crate) faulty: FaultyStore,
    pub(crate) clock: ManualClock,
    pub(crate) handled: Arc<Handled>,
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(configure: impl FnOnce(AgentsConfig) -> AgentsConfig) -> Self {
        Self::wrapped(configure, |router| router).await
    }

    /// `wrap` puts the host's own layers around the router.
    pub(crate) async fn wrapped(
        configure: impl FnOnce(AgentsConfig) -> AgentsConfig,
        wrap: impl FnOnce(Router) -> Router,
    ) -> Self {
        let clock = ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap());
        let fake = FakeCalcom::builder()
            .seed(1)
            .clock(clock.shared())
            .event_type(FakeEventType::new("haircut", 30).with_hours(0..24))
            .start()
            .await
            .unwrap();
        let retell = FakeRetell::start_with_clock(KEY, clock.shared())
            .await
            .unwrap();
        let client = Client::builder(fake.api_key())
            .base_url(fake.base_url().as_str())
            .retry(RetryPolicy::none());
        let client = Arc::new(client.build().unwrap());
        let store = InMemoryStore::with_clock(clock.shared());
        let faulty = FaultyStore::new(Arc::new(store.clone()));
        let haircut = ServiceWrite::new(ServiceDetails::new("Haircut", 30), clock.now());
        let haircut = haircut.with_event_type(fake.event_type_id());
        let salon = TenantId::new("salon");
        store
            .create_for_event_type(&salon, fake.event_type_id(), haircut)
            .await
            .unwrap();
        let services = TenantServices::new(Arc::new(store.clone()), client.clone());
        let verifier = |key: &str| Arc::new(RetellVerifier::new([SecretString::from(key)]));
        let branch = |id: &str, name: &str, zone: &str, number: &str| {
            let number = number.parse().unwrap();
            Branch::new(id.into(), name, zone.into()).with_phone_number(number)
        };
        let salon = Tenant::new(salon, client.clone())
            .with_event_type(fake.event_type_id())
            .with_host(fake.host_id())
            .with_services(services)
            .with_locale(Locale::new("Europe/Berlin".into(), "de").with_region("DE"))
            .with_phone_only_domain("phone.example")
            .with_branch(branch("mitte", "Mitte", "Europe/Berlin", MITTE).with_address("Am Park 1"))
            .with_branch(branch("lisbon", "Lisboa", "Europe/Lisbon", ALTONA))
            .with_sender(verifier(KEY));
        let studio = Tenant::new("studio".into(), client.clone()).with_sender(verifier(OTHER_KEY));
        let bare = Tenant::new("bare".into(), client.clone());
        let tenants = Arc::new(StaticTenants::new([salon, studio, bare]));
        let handled = Arc::new(Handled::default());
        let books = Arc::new(faulty.clone());
        let engine = Engine::builder(books, Arc::new(store.clone()), tenants.clone())
            .clock(clock.shared())
            .on(Sender::new("retell"), handled.clone())
            .build();
        let engine = Arc::new(engine);
        let tools = Tools::over_engine(&engine, Arc::new(store.clone()), tenants)
            .clock(clock.shared())
            .language(Arc::new(Plain("en")))
            .language(Arc::new(Plain("de")))
            .build();
        let router = agents_with(engine.clone(), tools, configure(AgentsConfig::default()));
        let service = wrap(router).into_make_service_with_connect_info::<SocketAddr>();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        let worker = engine.clone();
        let working = tokio::spawn(async move {
            loop {
                let (turns, events) = (worker.step().await, worker.step_events().await);
                if matches!((turns, events), (Ok(None), Ok(None))) {
                    worker.wait_for_work(Duration::from_millis(10)).await;
                }
            }
        });
        Self {
            fake,
            retell,
            store,
            faulty,
            clock,
            handled,
            address,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            tasks: vec![serving, working],
        }
    }

    pub(crate) fn endpoints(&self, tenant: &str) -> RetellEndpoints {
        let base = format!("http://{}/", self.address);
        RetellEndpoints::new(&base.parse().unwrap(), &tenant.into())
    }

    /// A call of the salon's customer.
    pub(crate) fn call(&self, settings: FakeCallSettings) -> FakeCall {
        self.retell.call(self.endpoints("salon"), settings)
    }

    pub(crate) async fn post(&self, path: &str, headers: HeaderMap, body: Vec<u8>) -> Answered {
        let url = format!("http://{}{path}", self.address);
        let sent = self.http.post(url).headers(headers).body(body).send();
        answered(sent.await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, headers: HeaderMap) -> Answered {
        let url = format!("http://{}{path}", self.address);
        answered(self.http.get(url).headers(headers).send().await.unwrap()).await
    }

    /// An appointment of a customer's, seven days from now and some hours.
    pub(crate) async fn take(&self, phone: &str, hours: i64) {
        let start = self.clock.now() + calcom::chrono::TimeDelta::hours(7 * 24 + hours);
        let end = start + calcom::chrono::TimeDelta::minutes(30);
        let (event_type, person) = (
            self.fake.event_type_id(),
            Person::by_phone("Ann", phone, "Europe/Berlin"),
        );
        let status = AppointmentStatus::Confirmed;
        let state = AppointmentState::new(status, start, end, event_type, person);
        let write = AppointmentWrite::new(state, Origin::Admin, self.clock.now());
        let key = RequestKey::new(format!("{phone} {hours}"));
        self.store.take(&"salon".into(), &key, write).await.unwrap();
    }

    /// The caller's appointments that are alive.
    pub(crate) async fn appointments(&self) -> usize {
        let (salon, number) = ("salon".into(), CALLER.parse().unwrap());
        let found = self.store.by_phone(&salon, &number, self.clock.now(), 100);
        found.await.unwrap().len()
    }
}

async fn answered(response: reqwest::Response) -> Answered {
    Answered {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    }
}
