//! What the clients of several processes share through a PostgreSQL schema.
//!
//! Needs a server, which `CALCOM_TEST_POSTGRES` names; see `postgres_store.rs`. A process is played by a pool and clients of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use calcom::ExposeSecret;
use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::{
    Client, Credentials, IdempotencyKey, IdempotencyStore, OAuthSession, OAuthTokens, RetryPolicy,
    TokenStore,
};
use calcom::postgres::PostgresStore;

use calcom::store::{Retention, Upkeep};
use calcom::testing::conformance::PassTime;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

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
    let calls = handles.iter().map(|me| me.get());
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
