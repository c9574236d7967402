//! Deliveries of four senders, from the door to a handler: what is forged, replayed or stale reaches none.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use calcom::SecretString;
use calcom::client::Client;
use calcom::server::sender_webhooks;
use calcom::store::{InMemoryStore, ReviewReason, SenderEvent, TenantId};
use calcom::sync::{
    Engine, EventHandler, HandlerError, Operations, StaticTenants, SyncConfig, SyncEngine, Tenant,
};
use calcom::testing::{ManualClock, RetellBody, StandardWebhookBody, StripeBody, WebhookBody};
use calcom::webhook::{
    CalcomVerifier, RetellVerifier, StandardWebhooksVerifier, StripeVerifier, Verifier,
};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt;

const SECRET: &str = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0";
const OTHER: &str = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNl";

type Delivery = (HeaderMap, Vec<u8>);

/// Event number so many of a sender, signed at a time.
fn signed(sender: &str, number: usize, secret: &str, at: DateTime<Utc>) -> Delivery {
    match sender {
        "calcom" => {
            let start = "2026-12-08T09:00:00Z".parse().unwrap();
            WebhookBody::created(format!("uid-{number}"), start).signed(secret)
        }
        "retell" => RetellBody::call_ended(format!("call_{number}")).signed(secret, at),
        "stripe" => StripeBody::new(format!("evt_{number}"), "invoice.paid").signed(secret, at),
        _ => StandardWebhookBody::new(format!("msg_{number}"), "user.created")
            .with_data(serde_json::json!({"user": number}))
            .signed(secret, at),
    }
}

/// Fails so many times for each event, and then takes it.
#[derive(Debug)]
struct Handler {
    failures: usize,
    calls: Mutex<Vec<String>>,
}

#[async_trait]
impl EventHandler for Handler {
    async fn handle(&self, event: &SenderEvent) -> Result<(), HandlerError> {
        let mut calls = self.calls.lock().unwrap();
        calls.push(event.event_id.clone());
        let tries = calls.iter().filter(|id| **id == event.event_id).count();
        match tries > self.failures {
            true => Ok(()),
            false => Err(HandlerError::retry("the ledger is closed")),
        }
    }
}

struct World {
    engine: Arc<Engine>,
    handler: Arc<Handler>,
    clock: ManualClock,
}

impl World {
    fn new(failures: usize) -> Self {
        let clock = ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap());
        let store = Arc::new(InMemoryStore::with_clock(clock.shared()));
        let client = Arc::new(Client::builder("key").build().unwrap());
        let secrets = || [SecretString::from(SECRET)];
        let standard = StandardWebhooksVerifier::new("clerk", secrets()).unwrap();
        let verifiers: [Arc<dyn Verifier>; 4] = [
            Arc::new(CalcomVerifier::new(secrets())),
            Arc::new(RetellVerifier::new(secrets())),
            Arc::new(StripeVerifier::new(secrets())),
            Arc::new(standard),
        ];
        let handler = Arc::new(Handler {
            failures,
            calls: Mutex::default(),
        });
        let mut salon = Tenant::new("salon".into(), client.clone());
        let mut config = SyncConfig::default();
        config.jitter_percent = 0;
        let tenants = |salon| {
            let studio = Tenant::new("studio".into(), client);
            Arc::new(StaticTenants::new([salon, studio]))
        };
        let senders: Vec<_> = verifiers.iter().map(|verifier| verifier.sender()).collect();
        for verifier in verifiers {
            salon = salon.with_sender(verifier);
        }
        let mut builder = Engine::builder(store.clone(), store, tenants(salon))
            .clock(clock.shared())
            .config(config);
        for sender in senders {
            builder = builder.on(sender, handler.clone());
        }
        Self {
            engine: Arc::new(builder.build()),
            handler,
            clock,
        }
    }

    async fn deliver(&self, path: &str, (headers, body): Delivery) -> StatusCode {
        let mut request = Request::post(format!("/webhooks/{path}"));
        *request.headers_mut().unwrap() = headers;
        let request = request.body(Body::from(body)).unwrap();
        let answered = sender_webhooks(self.engine.clone()).oneshot(request);
        answered.await.unwrap().status()
    }

    async fn work(&self) {
        while self.engine.step_events().await.unwrap().is_some() {}
    }

    fn calls(&self) -> usize {
        self.handler.calls.lock().unwrap().len()
    }

    fn now(&self) -> DateTime<Utc> {
        calcom::ambient::Clock::now(&self.clock)
    }
}

const SENDERS: [(&str, u16); 4] = [
    ("calcom", 200),
    ("retell", 204),
    ("stripe", 200),
    ("clerk", 200),
];

#[tokio::test]
async fn what_is_forged_stale_or_for_another_tenant_reaches_no_handler() {
    for (sender, _) in SENDERS {
        let world = World::new(0);
        let (own, now) = (format!("{sender}/salon"), world.now());
        let signed = |number, secret, at| signed(sender, number, secret, at);
        let (headers, mut changed) = signed(1, SECRET, now);
        changed.push(b' ');
        let mut refused = vec![
            (own.clone(), (HeaderMap::new(), signed(1, SECRET, now).1)),
            (own.clone(), signed(1, OTHER, now)),
            (own.clone(), (headers, changed)),
            // The header of another event.
            (
                own.clone(),
                (signed(2, SECRET, now).0, signed(1, SECRET, now).1),
            ),
            (format!("{sender}/studio"), signed(1, SECRET, now)),
            (format!("{sender}/nobody"), signed(1, SECRET, now)),
        ];
        // Cal.com signs no time: a replay of its is the same event again.
        if sender != "calcom" {
            for minutes in [-6, 6] {
                let at = now + TimeDelta::minutes(minutes);
                refused.push((own.clone(), signed(1, SECRET, at)));
            }
        }
        for (number, (path, delivery)) in refused.into_iter().enumerate() {
            let status = world.deliver(&path, delivery).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{sender}, {number}");
        }
        world.work().await;
        assert_eq!(world.calls(), 0, "{sender}");
    }
}

#[tokio::test]
async fn one_event_is_one_call_however_often_it_comes() {
    for (sender, status) in SENDERS {
        let world = World::new(0);
        let path = format!("{sender}/salon");
        for _ in 0..3 {
            let delivery = signed(sender, 1, SECRET, world.now());
            assert_eq!(world.deliver(&path, delivery).await, status, "{sender}");
            world.work().await;
            // Signed anew each time, as a sender does that has heard no answer.
            world.clock.advance(Duration::from_secs(60));
        }
        assert_eq!(world.calls(), 1, "{sender}");
        // Recorded and sent again later: refused where the time is signed, else the same event.
        let recorded = signed(sender, 1, SECRET, world.now() - TimeDelta::minutes(6));
        let replayed = world.deliver(&path, recorded).await;
        assert_eq!(
            replayed == StatusCode::OK,
            sender == "calcom",
            "{sender}: {replayed}"
        );
        let delivery = signed(sender, 2, SECRET, world.now());
        assert_eq!(world.deliver(&path, delivery).await, status, "{sender}");
        world.work().await;
        assert_eq!(world.calls(), 2, "{sender}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_is_called_again_and_then_the_event_is_in_review() {
    let salon = TenantId::new("salon");
    for (sender, status) in SENDERS {
        let world = World::new(usize::MAX);
        let delivery = signed(sender, 1, SECRET, world.now());
        let accepted = world.deliver(&format!("{sender}/salon"), delivery).await;
        assert_eq!(accepted, status, "{sender}");
        for (seconds, calls) in [(0, 1), (1, 2), (5, 3), (30, 4), (600, 4)] {
            world.clock.advance(Duration::from_secs(seconds));
            world.work().await;
            assert_eq!(world.calls(), calls, "{sender}, after {seconds} s");
        }
        let page = calcom::store::Page::first(10);
        let open = world.engine.open_reviews(&salon, page).await.unwrap();
        assert_eq!(open.len(), 1, "{sender}");
        assert_eq!(open[0].reason, ReviewReason::HandlerFailed, "{sender}");
        assert!(
            open[0].evidence.message.contains(sender),
            "{}",
            open[0].evidence.message
        );
        let read = world.engine.review(&salon, open[0].id).await.unwrap();
        assert!(read.unwrap().resolved.is_none());
    }
}

/// A delivery that is its sender's, and says nothing that could be told apart, is no stranger's.
#[tokio::test]
async fn a_signed_body_that_names_no_event_is_a_bad_request() {
    let world = World::new(0);
    let body = b"[]".to_vec();
    let signature = calcom::testing::sign_stripe(&[SECRET], &body, world.now());
    let mut headers = HeaderMap::new();
    headers.insert("stripe-signature", signature.parse().unwrap());
    let status = world.deliver("stripe/salon", (headers, body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
