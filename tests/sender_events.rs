//! Events of senders other than Cal.com: from the door to a host's handler, over each store.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use calcom::client::Client;
use calcom::model::EventTypeId;
use calcom::server::{WebhookConfig, sender_webhooks_with, webhooks};
use calcom::sqlite::SqliteStore;
use calcom::store::{
    AppointmentRepository, InMemoryStore, Page, Resolution, ReviewItem, ReviewReason, SenderEvent,
    SenderEventFate, SenderEventRecord, SenderEvents, Store, StoreErrorKind, TenantId,
};
use calcom::sync::{
    Engine, EngineBuilder, EventHandler, EventOutcome, HandlerError, Operations, PersonOutcome,
    PersonPlace, PersonQuery, Receipt, ReceiveError, SenderReceipt, StaticTenants, SyncConfig,
    SyncEngine, Tenant, TypedEventHandler, TypedHandler, Worker, WorkerConfig, choices,
};
use calcom::testing::{
    FaultyStore, ManualClock, StoreFault, StoreOperation, StoreTrouble, WebhookBody, sign,
};
use calcom::webhook::{SIGNATURE_HEADER, Sender, Verified, Verifier, VerifyError};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SIGNATURE: &str = "x-test-signature";
const SECOND: Duration = Duration::from_secs(1);
/// For what has to happen at once, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A sender that signs with HMAC-SHA256 and says in its JSON what an event is.
struct Simple {
    sender: &'static str,
    secret: String,
    accepted: StatusCode,
}

impl fmt::Debug for Simple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simple").finish_non_exhaustive()
    }
}

impl Verifier for Simple {
    fn sender(&self) -> Sender {
        self.sender.into()
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Verified, VerifyError> {
        let signature = headers.get(SIGNATURE).ok_or(VerifyError::Missing)?;
        if signature.as_bytes() != sign(&self.secret, body).as_bytes() {
            return Err(VerifyError::Mismatch);
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let key = body["key"].as_str().map(str::to_owned);
        Ok(Verified::new(text("id"), text("event"))
            .with_order_key(key)
            .with_signed_at(now))
    }

    fn accepted_status(&self) -> StatusCode {
        self.accepted
    }
}

fn secret_of(tenant: &str, sender: &str) -> String {
    format!("secret of {tenant} for {sender}")
}

/// What a handler does with an event.
#[derive(Clone, Copy, Debug)]
enum Does {
    Fails,
    GivesUp,
    Panics,
    Hangs,
}

/// Notes whom it was called for, and does as it is told; else it takes the event.
#[derive(Debug, Default)]
struct Handler {
    calls: Mutex<Vec<String>>,
    script: Mutex<HashMap<String, Vec<Does>>>,
    bodies: Mutex<Vec<String>>,
}

impl Handler {
    /// Does this in turn, and then takes the event.
    fn script(&self, id: &str, does: &[Does]) {
        let mut script = self.script.lock().unwrap();
        script.insert(id.to_owned(), does.iter().rev().copied().collect());
    }

    fn next(&self, id: &str) -> Option<Does> {
        let mut script = self.script.lock().unwrap();
        script.get_mut(id).and_then(Vec::pop)
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventHandler for Handler {
    async fn handle(&self, event: &SenderEvent) -> Result<(), HandlerError> {
        let id = event.event_id.clone();
        self.calls.lock().unwrap().push(id.clone());
        self.bodies.lock().unwrap().push(event.body.clone());
        match self.next(&id) {
            None => Ok(()),
            Some(Does::Fails) => Err(HandlerError::retry("the ledger is away")),
            Some(Does::GivesUp) => Err(HandlerError::give_up("the invoice is unknown")),
            Some(Does::Panics) => panic!("a handler of the test panics"),
            Some(Does::Hangs) => std::future::pending().await,
        }
    }
}

struct World {
    store: Arc<dyn Store>,
    appointments: Arc<dyn AppointmentRepository>,
    clock: ManualClock,
    config: SyncConfig,
    handler: Arc<Handler>,
    engine: Arc<Engine>,
}

impl World {
    fn over(
        store: Arc<dyn Store>,
        appointments: Arc<dyn AppointmentRepository>,
        clock: ManualClock,
    ) -> Self {
        let mut config = SyncConfig::default();
        config.jitter_percent = 0;
        let handler = Arc::new(Handler::default());
        let books = (Arc::clone(&store), Arc::clone(&appointments));
        let engine = engine(books, &clock, &config, &handler);
        Self {
            store,
            appointments,
            clock,
            config,
            handler,
            engine,
        }
    }

    fn in_memory() -> Self {
        let clock = clock();
        let store = Arc::new(InMemoryStore::with_clock(clock.shared()));
        Self::over(store.clone(), store, clock)
    }

    async fn sqlite(folder: &Path) -> Self {
        let clock = clock();
        let store = SqliteStore::open_with_clock(folder.join("books.db"), clock.shared());
        let store = Arc::new(store.await.unwrap());
        Self::over(store.clone(), store, clock)
    }

    /// Another process takes the place of this one.
    fn restart(&mut self) {
        let books = (Arc::clone(&self.store), Arc::clone(&self.appointments));
        self.engine = engine(books, &self.clock, &self.config, &self.handler);
    }

    fn change(&mut self, change: impl FnOnce(&mut SyncConfig)) {
        change(&mut self.config);
        self.restart();
    }

    async fn deliver(&self, id: &str, key: Option<&str>) -> Receipt {
        let body = body(id, key);
        let received = receive(&self.engine, "salon", "ledger", &body).await;
        received.unwrap().receipt
    }

    async fn accept(&self, id: &str, key: Option<&str>) {
        assert_eq!(self.deliver(id, key).await, Receipt::Stored);
    }

    /// Works until nothing is due.
    async fn drain(&self) -> Vec<EventOutcome> {
        let mut outcomes = Vec::new();
        while let Some(report) = self.engine.step_events().await.unwrap() {
            outcomes.push(report.outcome);
        }
        outcomes
    }

    /// Returns once the handler was called so often.
    async fn called(&self, calls: usize) {
        let until = async {
            while self.handler.calls().len() < calls {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, until).await.unwrap();
    }

    async fn events(&self) -> Vec<SenderEventRecord> {
        let salon = salon();
        let events = self.store.sender_events(&salon, Page::first(100));
        events.await.unwrap()
    }

    async fn fate(&self, id: &str) -> Option<SenderEventFate> {
        let mut events = self.events().await.into_iter();
        let known = events.find(|event| event.event_id == id);
        known.unwrap().fate
    }

    async fn open(&self) -> Vec<ReviewItem> {
        let salon = salon();
        let open = self.engine.open_reviews(&salon, Page::first(100));
        open.await.unwrap()
    }

    async fn resolve(&self, item: &ReviewItem, resolution: Resolution) {
        let salon = salon();
        let resolved = self.engine.resolve(&salon, item.id, resolution, "hanna");
        resolved.await.unwrap();
    }
}

fn clock() -> ManualClock {
    ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap())
}

fn salon() -> TenantId {
    TenantId::new("salon")
}

fn engine(
    (store, appointments): (Arc<dyn Store>, Arc<dyn AppointmentRepository>),
    clock: &ManualClock,
    config: &SyncConfig,
    handler: &Arc<Handler>,
) -> Arc<Engine> {
    let engine = builder((store, appointments), clock, config)
        .on("ledger".into(), handler.clone())
        .on(
            "typed".into(),
            Arc::new(TypedHandler::new(Payments::default())),
        );
    Arc::new(engine.build())
}

/// An engine without handlers.
fn builder(
    (store, appointments): (Arc<dyn Store>, Arc<dyn AppointmentRepository>),
    clock: &ManualClock,
    config: &SyncConfig,
) -> EngineBuilder {
    let tenant = |name: &'static str, number| {
        let client = Arc::new(Client::new("cal_test_0123456789").unwrap());
        let verifier = |sender, accepted| {
            Arc::new(Simple {
                sender,
                secret: secret_of(name, sender),
                accepted,
            })
        };
        Tenant::new(name.into(), client)
            .with_event_type(EventTypeId::new(number))
            .with_webhook_secret("whsec_of_the_test")
            .with_sender(verifier("ledger", StatusCode::OK))
            .with_sender(verifier("phone", StatusCode::NO_CONTENT))
            .with_sender(verifier("typed", StatusCode::OK))
    };
    let tenants = Arc::new(StaticTenants::new([
        tenant("salon", 1),
        tenant("studio", 2),
    ]));
    Engine::builder(store, appointments, tenants)
        .clock(clock.shared())
        .config(config.clone())
}

fn body(id: &str, key: Option<&str>) -> Vec<u8> {
    let body =
        json!({"id": id, "event": "invoice.paid", "key": key, "customer": "ann@example.com"});
    body.to_string().into_bytes()
}

async fn receive(
    engine: &Engine,
    tenant: &str,
    sender: &str,
    body: &[u8],
) -> Result<SenderReceipt, ReceiveError> {
    let signature = sign(&secret_of(tenant, sender), body);
    receive_signed(engine, tenant, sender, body, &signature).await
}

async fn receive_signed(
    engine: &Engine,
    tenant: &str,
    sender: &str,
    body: &[u8],
    signature: &str,
) -> Result<SenderReceipt, ReceiveError> {
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE, signature.parse().unwrap());
    let (tenant, sender) = (TenantId::new(tenant), Sender::new(sender));
    engine.receive_from(&tenant, &sender, &headers, body).await
}

#[derive(Debug, Deserialize)]
struct Payment {
    id: String,
    amount: u64,
}

#[derive(Debug, Default)]
struct Payments(Mutex<Vec<(String, u64)>>);

#[async_trait]
impl TypedEventHandler for Payments {
    type Body = Payment;

    async fn handle(&self, event: &SenderEvent, body: Payment) -> Result<(), HandlerError> {
        assert_eq!(event.event_id, body.id);
        self.0.lock().unwrap().push((body.id, body.amount));
        Ok(())
    }
}

/// One test over each store that needs no server.
macro_rules! over_each_store {
    ($($(#[$doc:meta])* async fn $name:ident($world:ident) $body:block)+) => {
        mod in_memory {
            use super::*;
            $(
                $(#[$doc])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    super::$name(World::in_memory()).await;
                }
            )+
        }
        mod sqlite {
            use super::*;
            $(
                $(#[$doc])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$name(World::sqlite(folder.path()).await).await;
                }
            )+
        }
        $(
            #[allow(unused_mut, reason = "not every test changes its world")]
            async fn $name(mut $world: World) $body
        )+
    };
}

over_each_store! {
    /// The same event ten times at once, and once more when it is over: one call.
    async fn the_same_event_is_handled_once(world) {
        let deliveries: Vec<_> = (0..10)
            .map(|_| {
                let engine = Arc::clone(&world.engine);
                tokio::spawn(async move {
                    receive(&engine, "salon", "ledger", &body("evt_1", None)).await.unwrap().receipt
                })
            })
            .collect();
        let mut stored = 0;
        for delivery in deliveries {
            stored += usize::from(delivery.await.unwrap() == Receipt::Stored);
        }
        assert_eq!(stored, 1);
        let steps: Vec<_> = (0..10)
            .map(|_| {
                let engine = Arc::clone(&world.engine);
                tokio::spawn(async move { engine.step_events().await.unwrap() })
            })
            .collect();
        for step in steps {
            step.await.unwrap();
        }
        assert_eq!(world.handler.calls(), ["evt_1"]);
        assert_eq!(world.deliver("evt_1", Some("another key")).await, Receipt::Duplicate);
        assert_eq!(world.drain().await, []);
        assert_eq!(world.handler.calls(), ["evt_1"]);
        assert_eq!(world.fate("evt_1").await, Some(SenderEventFate::Handled));
    }

    /// A handler that fails is called again after 1 s, 5 s and 30 s; then a person decides, and has it
    /// called again.
    async fn a_handler_that_fails_is_retried_and_then_reviewed(world) {
        world.handler.script("evt_1", &[Does::Fails; 5]);
        world.accept("evt_1", None).await;
        assert_eq!(world.drain().await, [EventOutcome::Waiting]);
        for (wait, outcome) in [
            (1, EventOutcome::Waiting),
            (5, EventOutcome::Waiting),
            (30, EventOutcome::InReview),
        ] {
            world.clock.advance(SECOND * wait - Duration::from_millis(1));
            assert_eq!(world.drain().await, [], "too early for {wait} s");
            assert_eq!(world.open().await, []);
            world.clock.advance(Duration::from_millis(1));
            assert_eq!(world.drain().await, [outcome]);
        }
        assert_eq!(world.handler.calls().len(), 4);
        let [item] = &world.open().await[..] else { panic!("one item is open") };
        assert_eq!(item.reason, ReviewReason::HandlerFailed);
        let id = world.events().await[0].id;
        assert_eq!(item.cause, format!("handler/{id}/ledger/evt_1"));
        let message = &item.evidence.message;
        for part in ["ledger", "evt_1", "invoice.paid", "the ledger is away"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains("example.com"), "{message}");
        let offered = choices(item);
        let words: Vec<_> = offered.iter().map(|choice| choice.resolution.as_str()).collect();
        assert_eq!(words, ["retry", "dismiss"]);
        world.clock.advance(SECOND * 3600);
        assert_eq!(world.drain().await, []);
        // It fails once more, and goes well at the second attempt.
        world.resolve(item, Resolution::Retry).await;
        assert_eq!(world.drain().await, [EventOutcome::Waiting]);
        world.clock.advance(SECOND);
        assert_eq!(world.drain().await, [EventOutcome::Handled]);
        assert_eq!(world.handler.calls().len(), 6);
        assert_eq!(world.fate("evt_1").await, Some(SenderEventFate::Handled));
        let resolved = world.store.review(&salon(), item.id).await.unwrap().unwrap();
        let outcome = resolved.resolved.unwrap().outcome.unwrap();
        assert_eq!(outcome, "The handler was called again, and has taken the event.");
        assert_eq!(world.open().await, []);
    }

    /// A handler that gives up is not called again, unless a person says so; a dismissed event is over.
    async fn giving_up_is_reviewed_and_dismissing_ends(world) {
        world.handler.script("evt_1", &[Does::GivesUp; 2]);
        world.accept("evt_1", None).await;
        assert_eq!(world.drain().await, [EventOutcome::InReview]);
        let first = world.open().await.remove(0);
        world.resolve(&first, Resolution::Retry).await;
        assert_eq!(world.drain().await, [EventOutcome::InReview]);
        let second = world.open().await.remove(0);
        assert_ne!(first.id, second.id);
        let first = world.store.review(&salon(), first.id).await.unwrap().unwrap();
        assert!(first.resolved.unwrap().outcome.unwrap().contains("failed again"));
        world.resolve(&second, Resolution::Dismiss).await;
        world.clock.advance(SECOND * 3600);
        assert_eq!(world.drain().await, []);
        assert_eq!(world.handler.calls().len(), 2);
        assert_eq!(world.fate("evt_1").await, Some(SenderEventFate::Dismissed));
        assert_eq!(world.deliver("evt_1", None).await, Receipt::Duplicate);
        let refused = world.engine.resolve(&salon(), second.id, Resolution::Retry, "eve").await;
        assert!(refused.is_err(), "an item is resolved once");
        assert_eq!(world.drain().await, []);
    }

    /// Events of a key come in their order: one that waits for its retry holds up the later ones, and no
    /// other key. One in review holds up nobody.
    async fn order_is_kept_by_key(world) {
        world.handler.script("a1", &[Does::Fails; 4]);
        for (id, key) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a"), ("b2", "b")] {
            world.accept(id, Some(key)).await;
        }
        world.accept("alone", None).await;
        world.drain().await;
        let mut calls = world.handler.calls();
        let b = |calls: &[String]| calls.iter().filter(|id| id.starts_with('b')).cloned().collect::<Vec<_>>();
        assert_eq!(b(&calls), ["b1", "b2"]);
        calls.sort();
        assert_eq!(calls, ["a1", "alone", "b1", "b2"]);
        for wait in [1, 5] {
            world.clock.advance(SECOND * wait);
            assert_eq!(world.drain().await, [EventOutcome::Waiting]);
        }
        world.clock.advance(SECOND * 30);
        assert_eq!(world.drain().await.len(), 3);
        assert_eq!(world.handler.calls()[6..], ["a1", "a2", "a3"]);
        world.accept("a4", Some("a")).await;
        let item = world.open().await.remove(0);
        world.resolve(&item, Resolution::Retry).await;
        world.drain().await;
        let mut late = world.handler.calls()[9..].to_vec();
        late.sort();
        assert_eq!(late, ["a1", "a4"]);
    }

    /// A panic is a failure of that event, and of nothing else.
    async fn a_panic_is_contained(world) {
        world.handler.script("evt_1", &[Does::Panics]);
        world.accept("evt_1", None).await;
        world.accept("evt_2", None).await;
        let mut outcomes = world.drain().await;
        outcomes.sort_by_key(|outcome| *outcome == EventOutcome::Waiting);
        assert_eq!(outcomes, [EventOutcome::Handled, EventOutcome::Waiting]);
        world.clock.advance(SECOND);
        assert_eq!(world.drain().await, [EventOutcome::Handled]);
    }

    /// A handler that hangs is given up after its time, and holds up no other key meanwhile.
    async fn a_handler_that_hangs_holds_up_nobody(world) {
        world.change(|config| config.event_timeout = Duration::from_millis(300));
        world.handler.script("evt_1", &[Does::Hangs]);
        world.accept("evt_1", Some("a")).await;
        let engine = Arc::clone(&world.engine);
        let hanging = tokio::spawn(async move { engine.step_events().await.unwrap().unwrap() });
        world.called(1).await;
        world.accept("evt_2", Some("a")).await;
        world.accept("evt_3", Some("b")).await;
        let next = world.engine.step_events().await.unwrap().unwrap();
        assert_eq!(next.outcome, EventOutcome::Handled);
        assert_eq!(world.handler.calls(), ["evt_1", "evt_3"]);
        let hanging = tokio::time::timeout(PATIENCE, hanging).await.unwrap();
        assert_eq!(hanging.unwrap().outcome, EventOutcome::Waiting);
        world.clock.advance(SECOND);
        assert_eq!(world.drain().await, [EventOutcome::Handled; 2]);
        assert_eq!(world.handler.calls()[2..], ["evt_1", "evt_2"]);
    }

    /// A process that is killed before the handler was called, or while it works, leaves the event to the
    /// next; one whose handler kills its process every time goes to review.
    async fn an_event_outlives_its_process(world) {
        world.accept("evt_1", None).await;
        world.restart();
        assert_eq!(world.drain().await, [EventOutcome::Handled]);
        world.handler.script("evt_2", &[Does::Hangs; 4]);
        world.accept("evt_2", None).await;
        for attempt in 1..=4 {
            let called = world.called(1 + attempt);
            tokio::select! {
                step = world.engine.step_events() => panic!("the handler hangs: {step:?}"),
                () = called => {}
            }
            assert_eq!(world.handler.calls().len(), 1 + attempt);
            world.restart();
            assert_eq!(world.drain().await, [], "its lease lasts");
            world.clock.advance(world.config.lease);
        }
        assert_eq!(world.drain().await, [EventOutcome::InReview]);
        assert_eq!(world.handler.calls().len(), 5);
        let item = world.open().await.remove(0);
        assert!(item.evidence.message.contains("4 times"), "{}", item.evidence.message);
        world.resolve(&item, Resolution::Retry).await;
        assert_eq!(world.drain().await, [EventOutcome::Handled]);
    }

    /// A tenant's secret opens no other tenant's door, and its events and items are its own.
    async fn tenants_are_apart(world) {
        let foreign = body("evt_1", Some("a"));
        for (tenant, signed_for) in [("salon", "studio"), ("studio", "salon")] {
            let signature = sign(&secret_of(signed_for, "ledger"), &foreign);
            let refused = receive_signed(&world.engine, tenant, "ledger", &foreign, &signature).await;
            let error = refused.unwrap_err();
            assert!(matches!(error, ReceiveError::Unverified(VerifyError::Mismatch)), "{error:?}");
            assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
        }
        let of_phone = sign(&secret_of("salon", "phone"), &foreign);
        let refused = receive_signed(&world.engine, "salon", "ledger", &foreign, &of_phone).await;
        assert!(refused.is_err(), "the secret is that of another sender");
        assert_eq!(world.events().await, []);
        world.handler.script("evt_1", &[Does::Fails; 3]);
        world.accept("evt_1", Some("a")).await;
        assert_eq!(world.drain().await, [EventOutcome::Waiting]);
        // The same id and the same key of another tenant are another event's.
        let theirs = receive(&world.engine, "studio", "ledger", &foreign).await.unwrap();
        assert_eq!(theirs.receipt, Receipt::Stored);
        world.handler.script("evt_1", &[Does::GivesUp]);
        assert_eq!(world.drain().await, [EventOutcome::InReview]);
        assert_eq!(world.open().await, [], "the item is the studio's");
        let studio = TenantId::new("studio");
        let item = world.engine.open_reviews(&studio, Page::first(9)).await.unwrap().remove(0);
        let stolen = world.engine.resolve(&salon(), item.id, Resolution::Retry, "eve").await;
        assert!(stolen.is_err());
        world.clock.advance(SECOND);
        assert_eq!(world.drain().await, [EventOutcome::Handled], "the salon's goes on");
        assert_eq!(world.events().await.len(), 1);
    }

    /// Whoever the tenant does not name, and a tenant that does not exist, is refused in the same way;
    /// what nobody subscribes to is stored and waits.
    async fn strangers_are_refused_and_what_nobody_wants_waits(world) {
        let body = body("evt_1", None);
        let error = receive(&world.engine, "nobody", "ledger", &body).await.unwrap_err();
        assert!(matches!(error, ReceiveError::UnknownTenant), "{error:?}");
        assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
        let error = receive(&world.engine, "salon", "stranger", &body).await.unwrap_err();
        assert!(matches!(error, ReceiveError::UnknownSender), "{error:?}");
        assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
        let received = receive(&world.engine, "salon", "phone", &body).await.unwrap();
        assert_eq!((received.receipt, received.status), (Receipt::Stored, StatusCode::NO_CONTENT));
        assert_eq!(world.drain().await, []);
        assert_eq!((world.fate("evt_1").await, world.events().await[0].attempts), (None, 0));
        assert_eq!(world.handler.calls(), Vec::<String>::new());
        // A stranger is put off with a verifier that is known by now, and refused all the same.
        let error = receive(&world.engine, "nobody", "phone", &body).await.unwrap_err();
        assert!(matches!(error, ReceiveError::UnknownTenant), "{error:?}");
        world.change(|config| config.max_webhook_bytes = body.len() - 1);
        let error = receive(&world.engine, "salon", "ledger", &body).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    /// A process without handlers, and one with those of other senders, leave an event to one that has its
    /// handler.
    async fn an_event_waits_for_a_process_with_its_handler(world) {
        world.accept("evt_1", Some("a")).await;
        let phone = receive(&world.engine, "salon", "phone", &body("evt_2", None)).await.unwrap();
        assert_eq!(phone.receipt, Receipt::Stored);
        let books = || (Arc::clone(&world.store), Arc::clone(&world.appointments));
        let none = builder(books(), &world.clock, &world.config).build();
        assert_eq!(none.step_events().await.unwrap(), None);
        let other = Arc::new(Handler::default());
        let phones = builder(books(), &world.clock, &world.config);
        let phones = phones.on("phone".into(), other.clone()).build();
        let report = phones.step_events().await.unwrap().unwrap();
        assert_eq!((report.sender.as_str(), report.outcome), ("phone", EventOutcome::Handled));
        assert_eq!(phones.step_events().await.unwrap(), None);
        assert_eq!(other.calls(), ["evt_2"]);
        assert_eq!((world.fate("evt_1").await, world.events().await[0].attempts), (None, 0));
        assert_eq!(world.drain().await, [EventOutcome::Handled]);
        assert_eq!(world.handler.calls(), ["evt_1"]);
    }

    /// A typed handler gets the body as its type; one that cannot be read goes to review at once, with the
    /// place and without the content.
    async fn a_typed_handler_reads_the_body(world) {
        let good = json!({"id": "evt_1", "event": "paid", "amount": 7}).to_string();
        let bad = json!({"id": "evt_2", "event": "paid", "amount": "Ann Attendee"}).to_string();
        for body in [&good, &bad] {
            receive(&world.engine, "salon", "typed", body.as_bytes()).await.unwrap();
        }
        let mut outcomes = world.drain().await;
        outcomes.sort_by_key(|outcome| *outcome == EventOutcome::InReview);
        assert_eq!(outcomes, [EventOutcome::Handled, EventOutcome::InReview]);
        let item = world.open().await.remove(0);
        let message = &item.evidence.message;
        assert!(message.contains("`amount`") && message.contains("evt_2"), "{message}");
        assert!(!message.contains("Ann"), "{message}");
    }

    /// A worker handles what is received, and hands back what it has not finished when it stops.
    async fn a_worker_handles_events_and_hands_them_back(world) {
        world.handler.script("evt_2", &[Does::Hangs]);
        let mut config = WorkerConfig::default();
        config.poll_interval = PATIENCE * 100;
        config.shutdown_grace = Duration::from_millis(50);
        let worker = Worker::new(world.engine.clone()).with_config(config);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let working = tokio::spawn(async move {
            worker.run_until(async { drop(stopped.await) }).await;
        });
        world.accept("evt_1", None).await;
        world.called(1).await;
        world.accept("evt_2", None).await;
        world.called(2).await;
        stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, working).await.unwrap().unwrap();
        let events = world.events().await;
        assert_eq!((events[1].attempts, &events[1].fate), (0, &None));
        assert_eq!(world.drain().await, [EventOutcome::Handled]);
        assert_eq!(world.handler.calls(), ["evt_1", "evt_2", "evt_2"]);
    }

    /// A worker that drains takes events with it.
    async fn draining_includes_events(world) {
        for id in ["1", "2", "3"] {
            world.accept(id, Some("a")).await;
        }
        Worker::new(world.engine.clone()).drain().await.unwrap();
        assert_eq!(world.handler.calls(), ["1", "2", "3"]);
    }

    /// A person is found in bodies, and erased from those that nobody needs any more.
    async fn a_person_is_erased_from_events_that_are_over(world) {
        world.handler.script("evt_2", &[Does::GivesUp]);
        world.accept("evt_1", None).await;
        world.accept("evt_2", None).await;
        world.drain().await;
        let ann = PersonQuery::email("ann@example.com");
        let found = world.engine.find_person(&salon(), &ann).await.unwrap();
        assert_eq!((found.events_searched, found.findings.len()), (2, 2));
        let erased = world.engine.erase_person(&salon(), &ann).await.unwrap();
        assert!(!erased.is_clear());
        let outcomes: Vec<_> = erased.findings.iter().map(|finding| finding.outcome).collect();
        let is_event = |place| matches!(place, PersonPlace::Event(_));
        assert!(erased.findings.iter().all(|finding| is_event(finding.place)));
        assert_eq!(outcomes, [PersonOutcome::Erased, PersonOutcome::KeptInUse]);
        let item = world.open().await.remove(0);
        world.resolve(&item, Resolution::Retry).await;
        world.drain().await;
        // Its handler got the body that it needs.
        assert!(world.handler.bodies.lock().unwrap()[2].contains("ann@example.com"));
        assert!(world.engine.erase_person(&salon(), &ann).await.unwrap().is_clear());
        let found = world.engine.find_person(&salon(), &ann).await.unwrap();
        assert_eq!(found.findings, []);
        let erased = world.engine.erase_tenant(&salon()).await.unwrap();
        assert_eq!((erased.events, world.events().await), (2, Vec::new()));
    }
}

/// A delivery that cannot be stored is to be sent again; an end that cannot be stored has the handler
/// called again.
#[tokio::test]
async fn a_store_that_fails_loses_nothing() {
    let clock = clock();
    let store = Arc::new(InMemoryStore::with_clock(clock.shared()));
    let faulty = FaultyStore::new(store.clone());
    let world = World::over(Arc::new(faulty.clone()), store, clock);
    let fails = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    faulty.inject(StoreFault::new(StoreOperation::AcceptEvent, fails));
    let body = body("evt_1", None);
    let refused = receive(&world.engine, "salon", "ledger", &body).await;
    assert_eq!(
        refused.unwrap_err().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    world.accept("evt_1", None).await;
    faulty.inject(StoreFault::new(StoreOperation::EndEvent, fails));
    assert!(world.engine.step_events().await.is_err());
    assert_eq!(world.drain().await, []);
    world.clock.advance(world.config.lease);
    assert_eq!(world.drain().await, [EventOutcome::Handled]);
    assert_eq!(world.handler.calls(), ["evt_1", "evt_1"]);
}

struct Served {
    address: SocketAddr,
    http: reqwest::Client,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Served {
    /// Both doors in one router.
    async fn new(engine: &Arc<Engine>, config: WebhookConfig) -> Self {
        let others = sender_webhooks_with(engine.clone(), config);
        let router = others.merge(webhooks(engine.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            address,
            http: reqwest::Client::new(),
            serving,
        }
    }

    async fn post(&self, path: &str, header: (&str, &str), body: Vec<u8>) -> reqwest::Response {
        let url = format!("http://{}/webhooks/{path}", self.address);
        let request = self.http.post(url).header(header.0, header.1).body(body);
        let request = request.header("x-correlation-id", "call-7");
        request.send().await.unwrap()
    }

    async fn deliver(&self, sender: &str, tenant: &str, body: &[u8]) -> reqwest::Response {
        let signature = sign(&secret_of(tenant, sender), body);
        let path = format!("{sender}/{tenant}");
        self.post(&path, (SIGNATURE, &signature), body.to_vec())
            .await
    }
}

async fn json_of(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[track_caller]
fn assert_code(answer: &Value, status: &str, code: &str) {
    assert_eq!(
        (&answer["status"], &answer["code"]),
        (&json!(status), &json!(code)),
        "{answer}"
    );
    assert_eq!(answer["correlation_id"], "call-7");
}

/// Each sender gets the answer that it expects, the first time and every time; what is wrong is answered
/// as Cal.com's webhooks are, and their own door stays as it is.
#[tokio::test]
async fn the_door_answers_as_the_sender_expects() {
    let world = World::in_memory();
    let config = WebhookConfig::default();
    let served = Served::new(&world.engine, config).await;
    let body = body("evt_1", None);
    for (status, code) in [("accepted", "stored"), ("duplicate", "duplicate")] {
        let answer = served.deliver("ledger", "salon", &body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_code(&json_of(answer).await, status, code);
    }
    for _ in ["once", "again"] {
        let answer = served.deliver("phone", "salon", &body).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()["x-correlation-id"], "call-7");
        assert!(answer.headers().get("content-type").is_none());
        assert_eq!(answer.bytes().await.unwrap().len(), 0);
    }
    assert_eq!(world.events().await.len(), 2);
    for (sender, tenant) in [
        ("ledger", "nobody"),
        ("stranger", "salon"),
        ("phone", "%ff"),
    ] {
        let answer = served.deliver(sender, tenant, &body).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_code(&json_of(answer).await, "error", "unverified");
    }
    let forged = served
        .post("phone/salon", (SIGNATURE, "00"), body.clone())
        .await;
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    assert_code(&json_of(forged).await, "error", "unverified");
    let large = served
        .deliver("ledger", "salon", &vec![b' '; 5 << 20])
        .await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let start = "2026-12-08T09:00:00Z".parse().unwrap();
    let webhook = WebhookBody::created("uid-1", start);
    let signature = webhook.signed_with("whsec_of_the_test");
    let answer = served.post(
        "calcom/salon",
        (SIGNATURE_HEADER, &signature),
        webhook.to_bytes(),
    );
    let answer = answer.await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_code(&json_of(answer).await, "accepted", "stored");
    assert_eq!(world.events().await.len(), 2);
}

/// Every sender has a rate of its own.
#[tokio::test]
async fn a_busy_sender_holds_up_no_other() {
    let world = World::in_memory();
    let config = WebhookConfig::default().with_requests_per_minute(NonZeroU32::new(1));
    let served = Served::new(&world.engine, config).await;
    let body = body("evt_1", None);
    let first = served.deliver("ledger", "salon", &body).await;
    assert_eq!(first.status(), StatusCode::OK);
    let second = served.deliver("ledger", "salon", &body).await;
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(second.headers().contains_key("retry-after"));
    let other = served.deliver("phone", "salon", &body).await;
    assert_eq!(other.status(), StatusCode::NO_CONTENT);
}

/// Whoever makes up a sender for each request is limited too.
#[tokio::test]
async fn made_up_senders_share_a_rate() {
    let world = World::in_memory();
    let config = WebhookConfig::default().with_requests_per_minute(NonZeroU32::new(1));
    let served = Served::new(&world.engine, config).await;
    for number in 0..10 {
        let answer = served
            .deliver(&format!("made-up-{number}"), "salon", b"{}")
            .await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{number}");
    }
    let answer = served.deliver("made-up-10", "salon", b"{}").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
}

/// Several processes on one PostgreSQL database: every event is handled once, and those of a key in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test sender_events -- --include-ignored"]
async fn several_processes_share_the_events_of_one_database() {
    use calcom::ambient::{Entropy, SystemEntropy};
    use calcom::postgres::PostgresStore;

    let url = std::env::var("CALCOM_TEST_POSTGRES")
        .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
    let schema = format!("sender_events_{:x}", SystemEntropy.next_u64());
    let open = async || {
        let builder = PostgresStore::builder().schema(&schema).max_connections(8);
        Arc::new(builder.connect(url.as_str()).await.unwrap())
    };
    let store = open().await;
    let mut config = SyncConfig::default();
    config.retry_delays = vec![Duration::from_millis(50), Duration::from_millis(50)];
    let handler = Arc::new(Handler::default());
    let process = async || {
        let store = open().await;
        let engine = engine((store.clone(), store), &clock(), &config, &handler);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let worker = Worker::new(engine.clone());
        let working = tokio::spawn(async move {
            worker.run_until(async { drop(stopped.await) }).await;
        });
        (engine, stop, working)
    };
    let processes = [process().await, process().await, process().await];
    handler.script("a-03", &[Does::Fails, Does::Panics]);
    handler.script("b-05", &[Does::GivesUp]);
    for number in 0..20 {
        for key in ["a", "b", "c"] {
            let body = body(&format!("{key}-{number:02}"), Some(key));
            for (engine, ..) in &processes {
                receive(engine, "salon", "ledger", &body).await.unwrap();
            }
        }
    }
    let open_item = async {
        loop {
            let events = store
                .sender_events(&salon(), Page::first(100))
                .await
                .unwrap();
            let left: Vec<_> = events.iter().filter(|event| event.fate.is_none()).collect();
            if let [parked] = &left[..]
                && parked.is_parked
            {
                assert_eq!((events.len(), parked.event_id.as_str()), (60, "b-05"));
                return parked.review.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let item = tokio::time::timeout(PATIENCE * 3, open_item).await.unwrap();
    let (engine, ..) = &processes[0];
    engine
        .resolve(&salon(), item, Resolution::Retry, "hanna")
        .await
        .unwrap();
    let handled = async {
        loop {
            let events = store
                .sender_events(&salon(), Page::first(100))
                .await
                .unwrap();
            if events
                .iter()
                .all(|event| event.fate == Some(SenderEventFate::Handled))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE * 3, handled).await.unwrap();
    for (_, stop, working) in processes {
        stop.send(()).unwrap();
        working.await.unwrap();
    }
    let calls = handler.calls();
    assert_eq!(calls.len(), 60 + 3, "{calls:?}");
    for key in ["a", "c"] {
        let mut own: Vec<_> = calls.iter().filter(|id| id.starts_with(key)).collect();
        own.dedup();
        assert!(own.is_sorted(), "{own:?}");
    }
    let own: Vec<_> = calls.iter().filter(|id| id.starts_with('b')).collect();
    assert!(own[..20].is_sorted() && own[20] == "b-05", "{own:?}");
    let statement = format!("DROP SCHEMA {schema} CASCADE");
    let mut host = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut host)
        .await
        .unwrap();
}
