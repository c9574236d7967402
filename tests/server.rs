//! The router that receives webhooks: its answers, its limits, and what it does not tell.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use calcom::client::Client;
use calcom::model::EventTypeId;
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::store::{InMemoryStore, Inbox, Page, StoreErrorKind, TenantId};
use calcom::sync::{Engine, ReceiveError, StaticTenants, SyncEngine, Tenant};
use calcom::testing::{FaultyStore, StoreFault, StoreOperation, StoreTrouble, WebhookBody};
use calcom::webhook::SIGNATURE_HEADER;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const SECRET: &str = "whsec_of_the_test";
/// For what has to happen at once, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A router over an engine with the tenants `salon`, which has a secret, and `studio`, which has the same one, and `bare`, which has
/// none.
struct World {
    engine: Arc<Engine>,
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
    /// In whole seconds.
    fn retry_after(&self) -> u64 {
        let seconds = self.headers["retry-after"].to_str().unwrap();
        assert!(
            seconds.bytes().all(|byte| byte.is_ascii_digit()),
            "{seconds}"
        );
        seconds.parse().unwrap()
    }

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
        let engine = Engine::builder(books, Arc::new(store.clone()), Arc::new(tenants));
        let engine = Arc::new(engine.build());
        let mut config = WebhookConfig::default();
        change(&mut config);
        let router = webhooks_with(engine.clone(), config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            engine,
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

    /// Sends bytes as they are, and returns what comes back until the connection is closed.
    async fn raw(&self, request: &str, then_close: bool) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        if then_close {
            stream.shutdown().await.unwrap();
        }
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let _ = read.expect("the connection is closed in time");
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
    let headers = |answered: &Answered| {
        let mut headers = answered.headers.clone();
        headers.remove("date");
        headers
    };
    assert_eq!(headers(&forged), headers(&unknown));
    let no_name = world.send("%ff", &booked("forged"), &ids).await;
    no_name.is(401, "error", "unverified");
    assert_eq!(world.stored("salon").await, 0);
    // Our own trouble: the hosted service sends it again.
    let no_secret = world.send("bare", &booked("forged"), &[]).await;
    no_secret.is(503, "error", "unavailable");
}

/// Checking a signature takes time, the more the longer the body.
#[tokio::test]
async fn an_unknown_tenant_is_refused_no_sooner_than_a_forged_delivery() {
    let world = World::new(|_| {}).await;
    let body = vec![b' '; 1_000_000];
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE_HEADER, "0".repeat(64).parse().unwrap());
    let refused = async |tenant: &str| {
        let begun = Instant::now();
        let received = world.engine.receive(&tenant.into(), &headers, &body).await;
        let took = begun.elapsed();
        let is_expected = match tenant {
            "salon" => matches!(received, Err(ReceiveError::Unverified(_))),
            _ => matches!(received, Err(ReceiveError::UnknownTenant)),
        };
        assert!(is_expected, "{received:?}");
        took
    };
    let (mut forged, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..7 {
        forged = forged.min(refused("salon").await);
        unknown = unknown.min(refused("nobody").await);
    }
    // Without the work it takes a thousandth of the time; a busy machine may stretch either.
    assert!(unknown > forged / 10, "{unknown:?} against {forged:?}");
}

const HEAD: &str = "POST /webhooks/calcom/salon HTTP/1.1\r\nhost: x\r\n";

/// The head of a delivery that is signed as if the body were this.
fn signed_head(body: &[u8]) -> String {
    let signature = calcom::testing::sign(SECRET, body);
    format!("{HEAD}{SIGNATURE_HEADER}: {signature}\r\n")
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_stored() {
    let world = World::new(|config| config.max_body_bytes = 1_000).await;
    let large = vec![b'x'; 1_001];
    let answered = world.post("salon", "00", large, &[]).await;
    answered.is(413, "error", "too_large");
    assert_eq!(answered.body["delivery"], Value::Null);
    // The largest that may come.
    let answered = world.post("salon", "00", vec![b'x'; 1_000], &[]).await;
    answered.is(401, "error", "unverified");
    // Signed up to the limit.
    let mut body = br#"{"triggerEvent":"PING","payload":{}}"#.to_vec();
    body.resize(1_000, b' ');
    let text = String::from_utf8(body.clone()).unwrap();
    let head = signed_head(&body);
    let chunked =
        format!("{head}transfer-encoding: chunked\r\n\r\n3e8\r\n{text}\r\n2\r\n  \r\n0\r\n\r\n");
    let large = world.raw(&chunked, true).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    assert!(large.contains("\"code\":\"too_large\""), "{large}");
    assert_eq!(world.stored("salon").await, 0);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_not_waited_for() {
    let world = World::new(|config| config.read_timeout = 2 * PATIENCE).await;
    let announced = format!("{HEAD}content-length: 1000000000000\r\n\r\n{{");
    let large = world.raw(&announced, false).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    assert!(large.contains("\"code\":\"too_large\""), "{large}");
}

#[tokio::test]
async fn the_limit_of_the_engine_holds_too() {
    let world = World::new(|_| {}).await;
    let large = vec![b' '; 1024 * 1024 + 1];
    let signature = calcom::testing::sign(SECRET, &large);
    let answered = world.post("salon", &signature, large, &[]).await;
    answered.is(413, "error", "too_large");
    assert_eq!(world.stored("salon").await, 0);
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_stored_even_if_it_is_signed() {
    let world = World::new(|_| {}).await;
    let body = booked("early").to_bytes();
    let (head, text) = (signed_head(&body), String::from_utf8(body.clone()).unwrap());
    let truncated = format!("{head}content-length: {}\r\n\r\n{text}", body.len() + 1);
    // Whoever has hung up mostly hears nothing.
    let early = world.raw(&truncated, true).await;
    assert!(
        early.is_empty() || early.contains("\"code\":\"incomplete\""),
        "{early}"
    );
    for rest in ["", "nonsense\r\n"] {
        let chunked = format!(
            "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n{rest}",
            body.len()
        );
        let broken = world.raw(&chunked, true).await;
        assert!(broken.starts_with("HTTP/1.1 400"), "{broken}");
        assert!(broken.contains("\"code\":\"incomplete\""), "{broken}");
    }
    assert_eq!(world.stored("salon").await, 0);
}

#[tokio::test]
async fn a_body_that_comes_late_or_slowly_is_not_waited_for() {
    let world = World::new(|config| config.read_timeout = Duration::from_millis(300)).await;
    let body = booked("slow").to_bytes();
    let (head, text) = (signed_head(&body), String::from_utf8(body.clone()).unwrap());
    let unfinished = format!("{head}content-length: {}\r\n\r\n{text}", body.len() + 1_000);
    let late = world.raw(&unfinished, false).await;
    assert!(late.starts_with("HTTP/1.1 408"), "{late}");
    assert!(late.contains("\"code\":\"too_slow\""), "{late}");

    // A byte now and then does not keep it waiting, and the connection is not kept either.
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut reads, mut writes) = stream.into_split();
    writes.write_all(unfinished.as_bytes()).await.unwrap();
    let drip = tokio::spawn(async move {
        while writes.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut slow = Vec::new();
    let read = tokio::time::timeout(PATIENCE, reads.read_to_end(&mut slow)).await;
    let _ = read.expect("the connection is closed in time");
    let slow = String::from_utf8(slow).unwrap();
    assert!(slow.contains("\"code\":\"too_slow\""), "{slow}");
    let dripped = tokio::time::timeout(PATIENCE, drip).await;
    dripped.expect("nobody reads it any more").unwrap();
    assert_eq!(world.stored("salon").await, 0);
}

#[tokio::test]
async fn a_body_without_a_length_is_read() {
    let world = World::new(|_| {}).await;
    let body = booked("chunked").to_bytes();
    let (head, text) = (signed_head(&body), String::from_utf8(body.clone()).unwrap());
    let (first, second) = text.split_at(700);
    let chunked = format!(
        "{head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    let stored = world.raw(&chunked, false).await;
    assert!(stored.starts_with("HTTP/1.1 200"), "{stored}");
    assert!(stored.contains("\"code\":\"stored\""), "{stored}");
    // Neither a length nor chunks: there is no body, and what follows is another request.
    let none = format!("{head}connection: close\r\n\r\n{text}");
    let refused = world.raw(&none, false).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert_eq!(world.stored("salon").await, 1);
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
    // One every 20 seconds, less what the requests have taken.
    let seconds = refused.retry_after();
    assert!((10..=20).contains(&seconds), "{seconds}");
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
async fn whoever_waits_as_told_is_let_through() {
    let world = World::new(|config| config.requests_per_minute = NonZeroU32::new(60)).await;
    let mut refused = None;
    for number in 0..200 {
        let body = booked(&format!("booking-{number}"));
        let answered = world.send("salon", &body, &[]).await;
        if answered.status == 429 {
            assert!(number >= 60, "{number}");
            refused = Some(answered);
            break;
        }
    }
    let seconds = refused.unwrap().retry_after();
    // A fraction of a second is rounded up, or it would be refused again.
    assert_eq!(seconds, 1);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let again = world.send("salon", &booked("again"), &[]).await;
    again.is(200, "accepted", "stored");
}

#[tokio::test]
async fn without_a_proxy_the_source_is_the_peer_and_not_what_a_header_says() {
    let world = World::new(|config| config.requests_per_minute = NonZeroU32::new(1)).await;
    let said = [
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
    ];
    world
        .send("salon", &booked("one"), &[])
        .await
        .is(200, "accepted", "stored");
    let refused = world.send("salon", &booked("two"), &said).await;
    refused.is(429, "error", "rate_limited");
    assert!((40..=60).contains(&refused.retry_after()));
    let other = IpAddr::from([127, 0, 0, 2]);
    let other = reqwest::Client::builder().local_address(other).build();
    let url = format!("http://{}/webhooks/calcom/salon", world.address);
    let request = other.unwrap().post(url);
    let request = request.header(SIGNATURE_HEADER, booked("two").signed_with(SECRET));
    let answered = request.body(booked("two").to_bytes()).send().await.unwrap();
    assert_eq!(answered.status(), 200);
}

#[tokio::test]
async fn a_correlation_id_comes_back_if_it_can_be_one() {
    let world = World::new(|_| {}).await;
    let answered = world
        .send("salon", &booked("one"), &[("x-request-id", "req-7")])
        .await;
    answered.is(200, "accepted", "stored");
    assert_eq!(answered.body["correlation_id"], "req-7");
    let long = "a".repeat(10_000);
    for strange in ["not an id", "a\tb", "<b>", "\"", "{}", "é", &long] {
        let strange = [("x-correlation-id", strange)];
        let answered = world.send("salon", &booked("two"), &strange).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
        let id = answered.body["correlation_id"].as_str().unwrap();
        assert!(
            id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
        assert_eq!(answered.headers["x-correlation-id"], id);
    }
    // What the server refuses is not repeated either.
    for control in ["\u{1b}[31mred", "\0", "a\nb: c", "\u{7f}"] {
        let request = format!(
            "{HEAD}x-correlation-id: {control}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        let answer = world.raw(&request, true).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(!answer.contains(control), "{answer}");
    }
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

#[tokio::test]
async fn a_router_below_another_parameter_asks_for_deliveries_again() {
    let world = World::new(|_| {}).await;
    let router = webhooks_with(world.engine.clone(), WebhookConfig::default());
    let router = axum::Router::new().nest("/{region}", router);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let url = format!("http://{address}/eu/webhooks/calcom/salon");
    let answered = world.http.post(url).body("{}").send().await.unwrap();
    // A mistake of the host's: what is refused with 401 would not come again.
    assert_eq!(answered.status(), 503);
    serving.abort();
}
