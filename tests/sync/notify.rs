//! Notifications: what is told, how much of it, and that nobody waits for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{SECRET, World, at, client, config};
use async_trait::async_trait;
use calcom::store::{Origin, Resolution, ReviewReason};
use calcom::sync::{
    Engine, Notification, NotificationEvent, Notifier, NotifyConfig, NotifyError, Operations,
    StaticTenants, SyncEngine, Tenant, WebhookNotifier, Worker, choices,
};
use calcom::testing::{Fault, Then, When};
use secrecy::SecretString;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Keeps what it is told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<Notification>>>);

impl Told {
    fn events(&self) -> Vec<NotificationEvent> {
        let told = self.0.lock().unwrap();
        told.iter().map(|told| told.event.clone()).collect()
    }

    fn words(&self) -> Vec<&'static str> {
        let events = self.events();
        events.iter().map(NotificationEvent::as_str).collect()
    }
}

#[async_trait]
impl Notifier for Told {
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
        self.0.lock().unwrap().push(notification.clone());
        Ok(())
    }
}

/// Another engine over the world's store, which tells a notifier.
fn telling(
    world: &World,
    notifier: impl Notifier,
    change: impl FnOnce(&mut NotifyConfig),
) -> Arc<Engine> {
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id())
        .with_host(world.fake.host_id());
    let store = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let mut config = config();
    change(&mut config.notify);
    let engine = Engine::builder(store.clone(), store, tenants)
        .config(config)
        .clock(Arc::new(world.clock.clone()))
        .notifier(Arc::new(notifier))
        .build();
    Arc::new(engine)
}

/// Makes appointments for a slot that is taken, one review item each.
async fn open_items(world: &World, engine: &Arc<Engine>, items: usize) {
    world.make("first", at(0), Origin::Phone);
    world.drain_with(engine).await;
    for index in 0..items {
        world.make(&format!("late-{index}"), at(0), Origin::Phone);
    }
    world.drain_with(engine).await;
}

#[tokio::test]
async fn new_items_are_told_one_by_one_and_then_in_a_digest() {
    let world = World::new().await;
    let told = Told::default();
    let engine = telling(&world, told.clone(), |notify| notify.singles = 2);
    open_items(&world, &engine, 6).await;
    assert_eq!(told.events(), [], "a turn tells nobody itself");
    assert_eq!(engine.deliver_notifications().await.unwrap(), 2);
    let items = world.reviews().await;
    assert_eq!(items.len(), 6);
    for event in told.events() {
        let NotificationEvent::ReviewOpened { review, reason, .. } = event else {
            panic!("expected an item, was told {event:?}");
        };
        assert_eq!(reason, ReviewReason::SlotTaken);
        assert!(items.iter().any(|item| item.id == review));
    }
    assert_eq!(engine.deliver_notifications().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(engine.deliver_notifications().await.unwrap(), 1);
    let Some(NotificationEvent::Digest { counts, .. }) = told.events().pop() else {
        panic!("expected a digest, was told {:?}", told.words());
    };
    assert_eq!(
        (counts[0].event.as_str(), counts[0].count),
        ("review_opened", 4)
    );
    let text = serde_json::to_string(&*told.0.lock().unwrap()).unwrap();
    for secret in ["ann@example.com", "Ann Attendee", SECRET] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn a_pause_is_told_and_its_end_too() {
    let world = World::new().await;
    let told = Told::default();
    let engine = telling(&world, told.clone(), |_| {});
    let refused = Fault::new(When::Any, Then::status(401));
    world.fake.inject(refused.always());
    world.make("a", at(0), Origin::Phone);
    world.drain_with(&engine).await;
    engine.deliver_notifications().await.unwrap();
    let item = world.reviews().await.remove(0);
    let NotificationEvent::TenantPaused { review, .. } = told.events().remove(0) else {
        panic!("expected a pause, was told {:?}", told.words());
    };
    assert_eq!(review, Some(item.id));
    assert_eq!(
        told.words(),
        ["tenant_paused"],
        "its item is not told once more"
    );
    let resolved = engine.resolve(&world.tenant, item.id, Resolution::Retry, "eve");
    resolved.await.unwrap();
    engine.deliver_notifications().await.unwrap();
    assert_eq!(told.words(), ["tenant_paused", "tenant_resumed"]);
    world.drain_with(&engine).await;
    engine.resume(&world.tenant).await.unwrap();
    engine.resume(&world.tenant).await.unwrap();
    engine.deliver_notifications().await.unwrap();
    let expected = [
        "tenant_paused",
        "tenant_resumed",
        "tenant_paused",
        "tenant_resumed",
    ];
    assert_eq!(told.words(), expected);
}

#[tokio::test]
async fn silent_webhooks_are_told_once_and_their_return_too() {
    let world = World::new().await;
    let told = Told::default();
    let engine = telling(&world, told.clone(), |_| {});
    engine.deliver_notifications().await.unwrap();
    let lost = Fault::new(When::Any, Then::LoseWebhook);
    world.fake.inject(lost.always());
    world.book(at(0)).await;
    world.clock.advance(Duration::from_secs(10 * 60));
    engine.sweep(&world.tenant, Duration::ZERO).await.unwrap();
    world.drain_with(&engine).await;
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(20 * 60));
        engine.deliver_notifications().await.unwrap();
    }
    let [NotificationEvent::WebhookSilent { found_by_sweep, .. }] = told.events()[..] else {
        panic!("expected silence, was told {:?}", told.words());
    };
    assert_eq!(found_by_sweep, 1);
    world.fake.clear_faults();
    world.book(at(1)).await;
    world.drain_with(&engine).await;
    world.clock.advance(Duration::from_secs(20 * 60));
    engine.deliver_notifications().await.unwrap();
    assert_eq!(told.words(), ["webhook_silent", "webhook_heard"]);
}

/// Never answers.
#[derive(Debug, Default)]
struct Hanging;

#[async_trait]
impl Notifier for Hanging {
    async fn notify(&self, _: &Notification) -> Result<(), NotifyError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_notifier_that_hangs_holds_up_no_work() {
    let world = World::new().await;
    let engine = telling(&world, Hanging, |_| {});
    open_items(&world, &engine, 1).await;
    world.make("next", at(3), Origin::Phone);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::new(engine.clone());
    let run = tokio::spawn(worker.clone().run_for(stopped));
    for _ in 0..400 {
        if world.fake.live_bookings().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.fake.live_bookings().len(), 2);
    stop.send(()).unwrap();
    // A hanging notifier does not keep the worker from stopping either.
    tokio::time::timeout(Duration::from_secs(5), run)
        .await
        .unwrap()
        .unwrap();
}

trait RunFor {
    async fn run_for(self, stopped: tokio::sync::oneshot::Receiver<()>);
}

impl RunFor for Worker {
    async fn run_for(self, stopped: tokio::sync::oneshot::Receiver<()>) {
        self.run_until(async { stopped.await.unwrap_or_default() })
            .await;
    }
}

/// Panics, fails, and then tells.
#[derive(Clone, Debug, Default)]
struct Moody(Arc<Mutex<u32>>, Told);

#[async_trait]
impl Notifier for Moody {
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
        let call = {
            let mut calls = self.0.lock().unwrap();
            *calls += 1;
            *calls
        };
        match call {
            1 => panic!("this notifier panics at first"),
            2 => Err(NotifyError::new("and then it fails")),
            _ => self.1.notify(notification).await,
        }
    }
}

#[tokio::test]
async fn what_was_not_delivered_is_told_by_the_next_digest() {
    let world = World::new().await;
    let moody = Moody::default();
    let engine = telling(&world, moody.clone(), |_| {});
    open_items(&world, &engine, 3).await;
    for _ in 0..3 {
        engine.deliver_notifications().await.unwrap();
    }
    assert_eq!(moody.1.words(), ["review_opened"]);
    world.clock.advance(Duration::from_secs(15 * 60));
    engine.deliver_notifications().await.unwrap();
    let Some(NotificationEvent::Digest { counts, .. }) = moody.1.events().pop() else {
        panic!("expected a digest, was told {:?}", moody.1.words());
    };
    assert_eq!(counts[0].count, 2);
}

async fn receiver(answers: &[u16]) -> MockServer {
    let server = MockServer::start().await;
    for status in answers {
        Mock::given(method("POST"))
            .and(path("/hook"))
            .respond_with(ResponseTemplate::new(*status))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    server
}

fn notification(engine_time: chrono::DateTime<chrono::Utc>) -> Notification {
    let text = serde_json::json!({
        "tenant": "salon",
        "at": engine_time,
        "event": "review_opened",
        "review": 12,
        "reason": "conflict",
        "appointment": "a-1",
    });
    serde_json::from_value(text).unwrap()
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again() {
    let server = receiver(&[503, 200]).await;
    let url = format!("{}/hook", server.uri()).parse().unwrap();
    let notifier = WebhookNotifier::new(url)
        .unwrap()
        .with_secret("whsec_ours")
        .with_retry_delays([Duration::from_millis(1); 2]);
    let notification = notification(at(0));
    notifier.notify(&notification).await.unwrap();
    let requests: Vec<Request> = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    for request in requests {
        let secrets = [SecretString::from("whsec_ours")];
        calcom::webhook::verify(&secrets, &request.headers, &request.body).unwrap();
        assert_eq!(request.headers["content-type"], "application/json");
        let read: Notification = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(read, notification);
    }
    let text = format!("{notifier:?}");
    assert!(
        !text.contains("whsec") && !text.contains("127.0.0.1"),
        "{text}"
    );
}

#[tokio::test]
async fn a_webhook_that_refuses_is_not_tried_again_and_attempts_are_bounded() {
    for (answers, expected) in [(&[400, 200][..], 1), (&[500, 500, 500, 200], 3)] {
        let server = receiver(answers).await;
        let url = format!("{}/hook", server.uri()).parse().unwrap();
        let notifier = WebhookNotifier::new(url)
            .unwrap()
            .with_retry_delays([Duration::from_millis(1); 2]);
        let error = notifier.notify(&notification(at(0))).await.unwrap_err();
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), expected);
        assert!(!requests[0].headers.contains_key("x-cal-signature-256"));
    }
}

/// A person's pause is told once, with its item, and so is its end; meanwhile work waits, and then goes on.
#[tokio::test]
async fn a_persons_pause_and_its_end_are_told_once() {
    let world = World::new().await;
    let told = Told::default();
    let engine = telling(&world, told.clone(), |_| {});
    world.make("a", at(0), Origin::Phone);
    let pause = async |why: &str| engine.pause(&world.tenant, "eve\nroot", why).await.unwrap();
    assert!(pause("We move house.").await);
    assert!(!pause("Again.").await);
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::PausedByPerson);
    let message = &item.evidence.message;
    assert!(message.contains("paused by eve root."), "{message}");
    assert!(
        message.contains("Reason given: We move house."),
        "{message}"
    );
    assert!(
        !message.contains('\n') && !message.contains("Again"),
        "{message}"
    );

    world.make("b", at(3), Origin::Phone);
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.drain_with(&engine).await, []);
    assert_eq!(world.requests(), 0, "a paused tenant rests");
    engine.resume(&world.tenant).await.unwrap();
    engine.resume(&world.tenant).await.unwrap();
    assert_eq!(world.reviews().await, []);
    world.drain_with(&engine).await;
    world.assert_in_step().await;
    assert_eq!(world.fake.live_bookings().len(), 2);

    assert!(pause("").await);
    let again = world.reviews().await.remove(0);
    assert!(!again.evidence.message.contains("Reason given"));
    let retried = engine.resolve(&world.tenant, again.id, Resolution::Retry, "eve");
    retried.await.unwrap();
    engine.deliver_notifications().await.unwrap();
    assert_eq!(
        told.words(),
        [
            "tenant_paused",
            "tenant_resumed",
            "tenant_paused",
            "tenant_resumed"
        ]
    );
    let items = told.events().into_iter().filter_map(|event| match event {
        NotificationEvent::TenantPaused { review, .. } => Some(review),
        _ => None,
    });
    let items: Vec<_> = items.collect();
    assert_eq!(items, [Some(item.id), Some(again.id)]);
}

/// What a turn in progress finds during a person's pause has an item of its own; when the pause is over, no
/// item of a pause is left.
#[tokio::test]
async fn a_pause_during_a_pause_leaves_nothing_behind() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    let slow = Then::DelayAfterApplying(Duration::from_millis(300));
    world.fake.inject(Fault::new(When::Any, slow));
    world
        .fake
        .inject(Fault::new(When::Any, Then::status(401)).always());
    let engine = world.engine.clone();
    let step = tokio::spawn(async move { engine.step().await });
    while world.requests() == 0 {
        assert!(!step.is_finished(), "nothing was asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(world.engine.pause(&world.tenant, "eve", "").await.unwrap());
    step.await.unwrap().unwrap();
    let expected = [
        ReviewReason::PausedByPerson,
        ReviewReason::CredentialsRefused,
    ];
    assert_eq!(world.review_reasons().await, expected);
    let refused = world.reviews().await.remove(1);
    let choices = choices(&refused);
    assert_eq!(choices.len(), 1);
    assert!(
        choices[0]
            .effect
            .contains("unless a person has paused it too")
    );
    world.fake.clear_faults();
    world.engine.resume(&world.tenant).await.unwrap();
    assert_eq!(world.reviews().await, []);
    world.settle().await;
    world.assert_in_step().await;
}
