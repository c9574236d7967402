//! What the clients of several processes share through a PostgreSQL schema.
//!
//! Needs a server, which `CALCOM_TEST_POSTGRES` names; see `postgres_store.rs`. A process is played by a pool and clients of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calcom::ExposeSecret;
use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::{
    BudgetRequest, Client, CredentialId, Credentials, ErrorKind, Freshness, Grant, IdempotencyKey,
    IdempotencyStore, Me, OAuthSession, OAuthTokens, RatePolicy, RetryPolicy, SharedBudget,
    StoreFailure, TokenStore,
};
use calcom::model::{NewAttendee, NewBooking, SlotQuery};
use calcom::postgres::PostgresStore;

use calcom::store::{Retention, Upkeep};
use calcom::testing::FakeCalcom;
use calcom::testing::conformance::PassTime;
use chrono::TimeDelta;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

calcom::idempotency_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
    keys,
    let schema = Schema::new();
    schema.process().await
);
calcom::token_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
    tokens,
    let kept = {
        let schema = Schema::new();
        (schema.process().await, schema)
    };
    kept.0.tokens("session"),
    time: kept.0.clone()
);

/// A schema of one test, which is dropped with it.
struct Schema {
    url: String,
    name: String,
}

impl Schema {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("CALCOM_TEST_POSTGRES");
        let url = url
            .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
        let chance = SystemEntropy.next_u64();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{chance:x}_{number}");
        // By the name the connections are told apart from those of other tests.
        let url = format!("{url}?application_name={name}");
        Self { url, name }
    }

    /// The store of one process.
    async fn process(&self) -> PostgresStore {
        let builder = PostgresStore::builder()
            .schema(&self.name)
            .max_connections(4)
            .with_movable_clock();
        builder.connect(self.url.as_str()).await.unwrap()
    }

    fn server(&self) -> &str {
        self.url.split('?').next().unwrap()
    }

    async fn count(&self, table: &str) -> i64 {
        let mut connection = PgConnection::connect(self.server()).await.unwrap();
        let count = format!("SELECT COUNT(*) FROM {}.{table}", self.name);
        sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop = format!(
            "SET lock_timeout = '10s'; DROP SCHEMA IF EXISTS {} CASCADE",
            self.name
        );
        let server = self.server().to_owned();
        // The test's own runtime may be on its way out.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let mut connection = PgConnection::connect(&server).await?;
                sqlx::raw_sql(AssertSqlSafe(drop))
                    .execute(&mut connection)
                    .await
            })
        });
        let dropped = dropping.join().map(|dropped| dropped.is_ok());
        if !matches!(dropped, Ok(true)) {
            eprintln!("the schema {} is left behind", self.name);
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn a_key_is_kept_for_a_day_by_the_databases_clock_and_then_pruned() {
    let schema = Schema::new();
    let store = schema.process().await;
    let key = IdempotencyKey::new("order-1");
    assert_eq!(store.begin(&key, [1; 32]).await.unwrap(), None);
    store.pass(DAY - MINUTE).await;
    let pruned = store.prune(&Retention::default(), 10).await.unwrap();
    assert_eq!(pruned.client, 0);
    assert!(store.begin(&key, [1; 32]).await.unwrap().is_some());
    store.pass(2 * MINUTE).await;
    // Old, and not pruned yet.
    assert_eq!(store.begin(&key, [2; 32]).await.unwrap(), None);
    let other = IdempotencyKey::new("order-2");
    assert_eq!(store.begin(&other, [1; 32]).await.unwrap(), None);
    store.pass(DAY + MINUTE).await;
    for (pruned, left) in [(1, 1), (1, 0), (0, 0)] {
        let now = store.prune(&Retention::default(), 1).await.unwrap();
        assert_eq!(
            (now.client, schema.count("idempotency_keys").await),
            (pruned, left)
        );
    }
}

/// A server that takes the newest access token only, and each refresh token once.
async fn rotating() -> MockServer {
    let server = MockServer::start().await;
    let me = json!({"status": "success", "data": {"id": 7, "email": "hanna@example.com"}});
    Mock::given(path("/v2/me"))
        .and(header("authorization", "Bearer access-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(me))
        .mount(&server)
        .await;
    let new = json!({
        "access_token": "access-2", "token_type": "bearer",
        "refresh_token": "refresh-2", "expires_in": 1800,
    });
    let refreshed = ResponseTemplate::new(200).set_body_json(new);
    Mock::given(method("POST"))
        .and(path("/v2/auth/oauth2/token"))
        .respond_with(refreshed.set_delay(Duration::from_millis(200)))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let spent = json!({"error": "invalid_grant"});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(400).set_body_json(spent))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn processes_whose_tokens_expire_at_once_send_one_refresh() {
    let schema = Schema::new();
    let server = rotating().await;
    let mut clients = Vec::new();
    for process in 0..3 {
        let tokens = schema.process().await.tokens("salon");
        if process == 0 {
            let old = OAuthTokens::new("access-1", "refresh-1").with_expiry(SystemClock.now());
            tokens.save(&old).await.unwrap();
        }
        let session = OAuthSession::load("app", Arc::new(tokens)).await.unwrap();
        let client = Client::with_credentials(Credentials::OAuth(session.unwrap()))
            .base_url(&format!("{}/v2", server.uri()))
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        clients.push(client);
    }
    let handles: Vec<_> = clients.iter().map(Client::me).collect();
    let calls = handles.iter().map(Me::get);
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    let sent = server.received_requests().await.unwrap();
    let refreshes = sent
        .iter()
        .filter(|request| request.method.as_str() == "POST");
    assert_eq!(refreshes.count(), 1);
    let stored = schema.process().await.tokens("salon").load().await.unwrap();
    assert_eq!(stored.unwrap().refresh_token.expose_secret(), "refresh-2");
}

/// A server that allows 120 calls in a window of a minute, which begins with the first call. Its
/// clock stands still unless it is moved.
#[derive(Clone, Default)]
struct Limited(Arc<Mutex<Windows>>);

#[derive(Default)]
struct Windows {
    now: u64,
    began: Option<u64>,
    counts: Vec<u32>,
    is_blocking: bool,
}

impl Limited {
    fn pass(&self, seconds: u64) {
        self.0.lock().unwrap().now += seconds;
    }

    fn counts(&self) -> Vec<u32> {
        self.0.lock().unwrap().counts.clone()
    }
}

impl Respond for Limited {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut windows = self.0.lock().unwrap();
        let now = windows.now;
        let began = windows.began.filter(|began| now < began + 60);
        if began.is_none() {
            windows.began = Some(now);
            windows.counts.push(0);
        }
        let count = windows.counts.last_mut().unwrap();
        *count += 1;
        let remaining = 120_u32.saturating_sub(*count);
        let is_refused = *count > 120 || windows.is_blocking;
        let reset = began.unwrap_or(now) + 60 - now;
        let response = if is_refused {
            ResponseTemplate::new(429)
        } else {
            let me = json!({"status": "success", "data": {"id": 7, "email": "hanna@example.com"}});
            ResponseTemplate::new(200).set_body_json(me)
        };
        response
            .insert_header("x-ratelimit-limit-default", "120")
            .insert_header("x-ratelimit-remaining-default", remaining.to_string())
            .insert_header("x-ratelimit-reset-default", reset.to_string())
            .set_delay(Duration::from_millis(5))
    }
}

/// A process's store that counts how often it is asked.
#[derive(Clone, Debug)]
struct Counted(PostgresStore, Arc<AtomicU32>);

#[calcom::async_trait]
impl SharedBudget for Counted {
    async fn reserve(
        &self,
        credential: &CredentialId,
        request: &BudgetRequest,
    ) -> Result<Grant, StoreFailure> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.reserve(credential, request).await
    }

    async fn block(&self, credential: &CredentialId, wait: Duration) -> Result<(), StoreFailure> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.block(credential, wait).await
    }
}

/// Clients of four processes with one key.
async fn processes(schema: &Schema, server: &MockServer, asked: &Arc<AtomicU32>) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..4 {
        let store = Counted(schema.process().await, Arc::clone(asked));
        let client = Client::builder("cal_live_0123456789abcdef")
            .base_url(&format!("{}/v2", server.uri()))
            .retry(RetryPolicy::none())
            .rate(RatePolicy::default().with_max_wait(Duration::ZERO))
            .shared_budget(Arc::new(store))
            .build()
            .unwrap();
        clients.push(client);
    }
    clients
}

/// Calls from all processes at once until the client itself refuses; how many were answered.
async fn call_until_refused(clients: &[Client]) -> Vec<u32> {
    let lanes = clients.iter().map(|client| async move {
        let mut answered = 0;
        loop {
            match client.me().get().await {
                Ok(_) => answered += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
                    assert!(error.api().is_none(), "the server refuses nothing: {error}");
                    return answered;
                }
            }
        }
    });
    futures_util::future::join_all(lanes).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn four_processes_together_stay_within_the_limit_and_seldom_ask() {
    let schema = Schema::new();
    let limited = Limited::default();
    let server = MockServer::start().await;
    let every = Mock::given(path("/v2/me")).respond_with(limited.clone());
    every.mount(&server).await;
    let asked = Arc::new(AtomicU32::new(0));
    let clients = processes(&schema, &server, &asked).await;
    let answered = call_until_refused(&clients).await;
    let total: u32 = answered.iter().sum();
    assert_eq!(limited.counts(), [total]);
    // Reads leave a tenth to writes.
    assert!((100..=108).contains(&total), "{answered:?}");
    assert!(answered.iter().all(|calls| *calls >= 10), "{answered:?}");
    let reservations = asked.load(Ordering::Relaxed);
    println!("{total} calls {answered:?}, {reservations} times asked");
    // Eleven portions, and each process once in vain, or twice if two calls meet.
    assert!(reservations <= 20, "{reservations} for {total}");

    // The processes start anew, within the same window: there is next to nothing left.
    let again = processes(&schema, &server, &asked).await;
    let answered = call_until_refused(&again).await;
    assert!(answered.iter().sum::<u32>() <= 8, "{answered:?}");
    // Once the window is over, there is a new one, for all of them together.
    schema.process().await.pass(Duration::from_secs(90)).await;
    limited.pass(61);
    let next = processes(&schema, &server, &asked).await;
    let answered = call_until_refused(&next).await;
    let total: u32 = answered.iter().sum();
    assert!((100..=108).contains(&total), "{answered:?}");
    assert!(limited.counts().iter().all(|count| *count <= 120));
    assert_eq!(limited.counts().len(), 2);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn a_429_of_one_process_holds_the_others_back() {
    let schema = Schema::new();
    let limited = Limited::default();
    limited.0.lock().unwrap().is_blocking = true;
    let server = MockServer::start().await;
    let every = Mock::given(path("/v2/me")).respond_with(limited.clone());
    every.mount(&server).await;
    let asked = Arc::new(AtomicU32::new(0));
    let clients = processes(&schema, &server, &asked).await;
    let error = clients[0].me().get().await.unwrap_err();
    assert!(error.api().is_some(), "the server refuses: {error}");
    limited.0.lock().unwrap().is_blocking = false;
    for client in &clients {
        let error = client.me().get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(error.api().is_none(), "nothing is sent: {error}");
    }
    assert_eq!(limited.counts(), [1]);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn without_the_database_a_client_goes_on_with_a_small_share_of_its_own() {
    let schema = Schema::new();
    let limited = Limited::default();
    let server = MockServer::start().await;
    let every = Mock::given(path("/v2/me")).respond_with(limited.clone());
    every.mount(&server).await;
    let store = schema.process().await;
    store.close().await;
    let client = Client::builder("cal_live_0123456789abcdef")
        .base_url(&format!("{}/v2", server.uri()))
        .retry(RetryPolicy::none())
        .rate(RatePolicy::default().with_max_wait(Duration::ZERO))
        .shared_budget(Arc::new(store))
        .build()
        .unwrap();
    let answered = call_until_refused(&[client]).await;
    assert_eq!(answered, [5], "a twenty-fourth of 120");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn many_who_reserve_at_once_are_given_no_more_than_the_limit() {
    let schema = Schema::new();
    let credential = CredentialId::new([7; 32]);
    let request = BudgetRequest::new(120, MINUTE).for_write();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = schema.process().await;
        for _ in 0..8 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let grant = store.reserve(&credential, &request).await;
                grant.unwrap().calls
            }));
        }
    }
    let mut given = 0;
    for task in tasks {
        given += task.await.unwrap();
    }
    assert_eq!(given, 120);
    assert_eq!(schema.count("rate_budgets").await, 1);
    let store = schema.process().await;
    store.pass(DAY + MINUTE).await;
    store.prune(&Retention::default(), 10).await.unwrap();
    assert_eq!(schema.count("rate_budgets").await, 0);
}

/// A client of one process that listens, and the day that it asks for.
struct Listener {
    client: Client,
    query: SlotQuery,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    async fn start(schema: &Schema, fake: &FakeCalcom, account: &'static str) -> Self {
        let store = schema.process().await;
        let client = Client::builder(fake.api_key())
            .base_url(fake.base_url().as_str())
            .build()
            .unwrap();
        let cached = client.clone();
        let start = "2099-12-08T00:00:00Z".parse().unwrap();
        Self {
            client,
            query: SlotQuery::new(fake.event_type_id(), start, start + TimeDelta::days(1)),
            task: tokio::spawn(async move {
                store.listening().forget(account, &cached).run().await;
            }),
        }
    }

    async fn is_cached(&self) -> bool {
        let slots = self.client.availability();
        let slots = slots.slots(&self.query).await.unwrap();
        slots.freshness != Freshness::Fresh
    }

    /// Returns once the slots have been cached for a while.
    async fn settle(&self) {
        for _ in 0..500 {
            self.is_cached().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            if self.is_cached().await {
                return;
            }
        }
        panic!("nothing is cached for long");
    }

    async fn until_forgotten(&self) {
        for _ in 0..1_000 {
            if !self.is_cached().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing is forgotten");
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns once so many connections listen.
async fn until_listening(schema: &Schema, count: i64) {
    let mut connection = PgConnection::connect(schema.server()).await.unwrap();
    for _ in 0..1_000 {
        let listening: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN%'",
        )
        .bind(&schema.name)
        .fetch_one(&mut connection)
        .await
        .unwrap();
        if listening == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not all are listening");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn what_one_process_books_all_of_the_account_forget() {
    let schema = Schema::new();
    let fake = FakeCalcom::start().await.unwrap();
    let one = Listener::start(&schema, &fake, "salon").await;
    let other = Listener::start(&schema, &fake, "salon").await;
    let stranger = Listener::start(&schema, &fake, "another salon").await;
    until_listening(&schema, 3).await;
    for listener in [&one, &other, &stranger] {
        listener.settle().await;
    }
    let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    let start = "2099-12-08T09:00:00Z".parse().unwrap();
    let booking = NewBooking::new(fake.event_type_id(), start, ann);
    one.client.bookings().create(&booking).await.unwrap();
    other.until_forgotten().await;
    one.settle().await;
    other.settle().await;
    assert!(stranger.is_cached().await, "of another account");

    // Nobody hears of itself.
    for _ in 0..5 {
        other.client.availability().invalidate();
        assert!(!other.is_cached().await);
        one.until_forgotten().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(other.is_cached().await);
    }
    fake.shutdown().await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn after_a_lost_connection_everything_is_forgotten() {
    let schema = Schema::new();
    let fake = FakeCalcom::start().await.unwrap();
    let one = Listener::start(&schema, &fake, "salon").await;
    until_listening(&schema, 1).await;
    one.settle().await;
    let mut connection = PgConnection::connect(schema.server()).await.unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
    )
    .bind(&schema.name)
    .execute(&mut connection)
    .await
    .unwrap();
    one.until_forgotten().await;
    // And it listens again.
    until_listening(&schema, 1).await;
    let other = Listener::start(&schema, &fake, "salon").await;
    until_listening(&schema, 2).await;
    one.settle().await;
    other.settle().await;
    other.client.availability().invalidate();
    one.until_forgotten().await;
    fake.shutdown().await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_client -- --include-ignored"]
async fn one_connection_wakes_and_forgets() {
    let schema = Schema::new();
    let fake = FakeCalcom::start().await.unwrap();
    let other = Listener::start(&schema, &fake, "salon").await;
    let woken = Arc::new(AtomicU32::new(0));
    let mut one = Listener::start(&schema, &fake, "salon").await;
    one.task.abort();
    let (store, client, count) = (schema.process().await, one.client.clone(), woken.clone());
    one.task = tokio::spawn(async move {
        let wake = || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        let listening = store.listening().wake(wake).forget("salon", &client);
        listening.run().await;
    });
    until_listening(&schema, 2).await;
    one.settle().await;
    let before = woken.load(Ordering::SeqCst);
    other.client.availability().invalidate();
    one.until_forgotten().await;
    assert_eq!(
        woken.load(Ordering::SeqCst),
        before,
        "what is forgotten wakes nobody"
    );
    one.settle().await;
    let mut connection = PgConnection::connect(schema.server()).await.unwrap();
    let record = format!("SELECT {}.record_change('t', 'a', 1)", schema.name);
    sqlx::raw_sql(AssertSqlSafe(record))
        .execute(&mut connection)
        .await
        .unwrap();
    for _ in 0..1_000 {
        if woken.load(Ordering::SeqCst) > before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(woken.load(Ordering::SeqCst) > before);
    assert!(
        one.is_cached().await,
        "a change wakes, and is no reason to forget"
    );
    fake.shutdown().await;
}
