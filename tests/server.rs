//! The router that receives webhooks: its answers, its limits, and what it does not tell.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use calcom::client::Client;
use calcom::model::EventTypeId;
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::store::{InMemoryStore, Inbox, Page, StoreErrorKind, TenantId};
use calcom::sync::{Engine, StaticTenants, Tenant};
use calcom::testing::{FaultyStore, StoreFault, StoreOperation, StoreTrouble, WebhookBody};
use calcom::webhook::SIGNATURE_HEADER;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "whsec_of_the_test";

/// A router over an engine with the tenants `salon`, which has a secret, and `studio`, which has the same one, and `bare`, which has
/// none.
struct World {
    address: SocketAddr,
    store: InMemoryStore,
    faulty: FaultyStore,
    http: reqwest::Client,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answered {
    fn is(&self, status: u16, word: &str, code: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["status"], word, "{}", self.body);
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert!(self.body["message"].as_str().unwrap().ends_with('.'));
        let id = self.body["correlation_id"].as_str().unwrap();
        assert_eq!(self.headers["x-correlation-id"], id);
        let keys: Vec<_> = self.body.as_object().unwrap().keys().collect();
        let all = ["code", "correlation_id", "delivery", "message", "status"];
        assert_eq!(keys, all);
    }
}

impl World {
    async fn new(change: impl FnOnce(&mut WebhookConfig)) -> Self {
        let store = InMemoryStore::new();
        let faulty = FaultyStore::new(Arc::new(store.clone()));
        let client = || Arc::new(Client::new("cal_test_0123456789").unwrap());
        let tenant = |name: &str, number| {
            Tenant::new(name.into(), client()).with_event_type(EventTypeId::new(number))
        };
        let tenants = StaticTenants::new([
            tenant("salon", 1).with_webhook_secret(SECRET),
            tenant("studio", 2).with_webhook_secret(SECRET),
            tenant("bare", 3),
        ]);
        let books = Arc::new(faulty.clone());
        let engine = Engine::builder(books, Arc::new(store.clone()), Arc::new(tenants)).build();
        let mut config = WebhookConfig::default();
        change(&mut config);
        let router = webhooks_with(Arc::new(engine), config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            address,
            store,
            faulty,
            http: reqwest::Client::new(),
            serving,
        }
    }

    async fn send(&self, tenant: &str, body: &WebhookBody, headers: &[(&str, &str)]) -> Answered {
        let signature = body.signed_with(SECRET);
        self.post(tenant, &signature, body.to_bytes(), headers)
            .await
    }

    async fn post(
        &self,
        tenant: &str,
        signature: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Answered {
        let url = format!("http://{}/webhooks/calcom/{tenant}", self.address);
        let mut request = self.http.post(url).header(SIGNATURE_HEADER, signature);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        Answered {
            status,
            headers,
            body: serde_json::from_slice(&body).unwrap(),
        }
    }

    /// Sends bytes as they are, and returns what comes back.
    async fn raw(&self, request: &str, then_close: bool) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        if then_close {
            stream.shutdown().await.unwrap();
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn stored(&self, tenant: &str) -> usize {
        let all = Page::first(1_000);
        let stored = self.store.deliveries(&TenantId::new(tenant), all).await;
        stored.unwrap().len()
    }
}

fn booked(uid: &str) -> WebhookBody {
    WebhookBody::created(uid, "2027-01-11T09:00:00Z".parse().unwrap())
        .with_attendee("Ada Lovelace", "ada@example.com")
}

#[tokio::test]
async fn what_is_stored_is_answered_with_what_became_of_it() {
    let world = World::new(|_| {}).await;
    let body = booked("first");
    let accepted = world.send("salon", &body, &[]).await;
    accepted.is(200, "accepted", "stored");
    let name = hex::encode(Sha256::digest(body.to_bytes()));
    assert_eq!(accepted.body["delivery"], name.as_str());
    let again = world.send("salon", &body, &[]).await;
    again.is(200, "duplicate", "duplicate");
    assert_eq!(again.body["delivery"], name.as_str());
    let ping = br#"{"triggerEvent":"PING","createdAt":"2027-01-11T09:00:00Z","payload":{}}"#;
    let signature = calcom::testing::sign(SECRET, ping);
    let ignored = world.post("salon", &signature, ping.to_vec(), &[]).await;
    ignored.is(200, "ignored", "ignored");
    assert_eq!(world.stored("salon").await, 2);
}

#[tokio::test]
async fn a_forged_delivery_and_one_of_an_unknown_tenant_are_answered_alike() {
    let world = World::new(|_| {}).await;
    let body = booked("forged").to_bytes();
    let ids = [("x-correlation-id", "the-same")];
    let forged = world
        .post("salon", &"0".repeat(64), body.clone(), &ids)
        .await;
    forged.is(401, "error", "unverified");
    let unknown = world.send("nobody", &booked("forged"), &ids).await;
    unknown.is(401, "error", "unverified");
    assert_eq!(forged.body, unknown.body);
    assert_eq!(world.stored("salon").await, 0);
    // Our own trouble: the hosted service sends it again.
    let no_secret = world.send("bare", &booked("forged"), &[]).await;
    no_secret.is(503, "error", "unavailable");
}

#[tokio::test]
async fn a_body_that_is_too_large_early_or_late_is_not_stored() {
    let world = World::new(|config| {
        config.max_body_bytes = 1_000;
        config.read_timeout = Duration::from_millis(200);
    })
    .await;
    let large = vec![b'x'; 1_001];
    let answered = world.post("salon", "00", large, &[]).await;
    answered.is(413, "error", "too_large");
    assert_eq!(answered.body["delivery"], Value::Null);

    let head = "POST /webhooks/calcom/salon HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let truncated = format!("{head}content-length: 100\r\n\r\n{{\"triggerEvent\"");
    let late = world.raw(&truncated, false).await;
    assert!(late.starts_with("HTTP/1.1 408"), "{late}");
    assert!(late.contains("\"code\":\"too_slow\""), "{late}");
    // Whoever has hung up mostly hears nothing.
    let early = world.raw(&truncated, true).await;
    assert!(
        early.is_empty() || early.contains("\"code\":\"incomplete\""),
        "{early}"
    );
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\nnonsense\r\n");
    let broken = world.raw(&chunked, false).await;
    assert!(broken.contains("\"code\":\"incomplete\""), "{broken}");
    let large = format!(
        "{head}transfer-encoding: chunked\r\n\r\n3ea\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1_002)
    );
    let large = world.raw(&large, false).await;
    assert!(large.contains("\"code\":\"too_large\""), "{large}");
    assert_eq!(world.stored("salon").await, 0);
}

#[tokio::test]
async fn each_source_and_tenant_has_a_rate_limit_of_its_own() {
    let world = World::new(|config| {
        config.requests_per_minute = NonZeroU32::new(3);
        config.source_header = Some("x-forwarded-for".parse().unwrap());
    })
    .await;
    let from = |source| [("x-forwarded-for", source)];
    for number in 0..3 {
        let body = booked(&format!("booking-{number}"));
        let answered = world.send("salon", &body, &from("9.9.9.9, 10.0.0.1")).await;
        answered.is(200, "accepted", "stored");
    }
    let refused = world
        .send("salon", &booked("late"), &from("8.8.8.8, 10.0.0.1"))
        .await;
    refused.is(429, "error", "rate_limited");
    let seconds: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    assert_eq!(world.stored("salon").await, 3);
    // Neither another source, nor another tenant, nor one that the proxy says nothing about.
    for (tenant, headers) in [
        ("salon", &from("10.0.0.2")[..]),
        ("studio", &from("10.0.0.1")),
        ("salon", &[]),
    ] {
        let answered = world.send(tenant, &booked("late"), headers).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
    }
}

#[tokio::test]
async fn a_correlation_id_comes_back_if_it_can_be_one() {
    let world = World::new(|_| {}).await;
    let answered = world
        .send("salon", &booked("one"), &[("x-request-id", "req-7")])
        .await;
    assert_eq!(answered.body["correlation_id"], "req-7");
    let strange = [("x-correlation-id", "not an id")];
    let answered = world.send("salon", &booked("two"), &strange).await;
    let id = answered.body["correlation_id"].as_str().unwrap();
    assert!(
        id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
}

#[tokio::test]
async fn what_could_not_be_stored_is_asked_for_again() {
    let world = World::new(|_| {}).await;
    let trouble = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    world
        .faulty
        .inject(StoreFault::new(StoreOperation::Accept, trouble));
    let answered = world.send("salon", &booked("one"), &[]).await;
    answered.is(503, "error", "unavailable");
    let again = world.send("salon", &booked("one"), &[]).await;
    again.is(200, "accepted", "stored");
}
