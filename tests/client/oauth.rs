//! OAuth sessions: refreshed once, stored before they are used, and ended for good when refused.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use calcom::client::{
    Client, Credentials, Error, ErrorKind, InMemoryTokenStore, OAuthSession, OAuthTokens,
    RetryPolicy, StoreFailure, TokenStore,
};
use calcom::testing::ManualClock;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde_json::json;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{body, count, recorded};

/// What a host keeps, and whether its database is well.
#[derive(Default)]
struct Vault {
    saved: Mutex<Vec<String>>,
    ill: Mutex<bool>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[async_trait]
impl TokenStore for Vault {
    async fn save(&self, tokens: &OAuthTokens) -> Result<(), StoreFailure> {
        if *self.ill.lock().unwrap() {
            return Err("the vault is closed".into());
        }
        let token = tokens.refresh_token.expose_secret().to_owned();
        self.saved.lock().unwrap().push(token);
        Ok(())
    }
}

impl Vault {
    fn saved(&self) -> Vec<String> {
        self.saved.lock().unwrap().clone()
    }
}

fn now() -> DateTime<Utc> {
    "2026-12-01T08:00:00Z".parse().unwrap()
}

fn tokens(expires_at: Option<DateTime<Utc>>) -> OAuthTokens {
    let mut tokens = OAuthTokens::new("access-1", "refresh-1");
    tokens.expires_at = expires_at;
    tokens
}

fn client(server: &MockServer, vault: &Arc<Vault>, expires_at: Option<DateTime<Utc>>) -> Client {
    let session = OAuthSession::new("app", tokens(expires_at), vault.clone())
        .with_client_secret("app-secret");
    build(server, Credentials::OAuth(session))
}

fn build(server: &MockServer, credentials: Credentials) -> Client {
    Client::with_credentials(credentials)
        .base_url(&format!("{}/v2", server.uri()))
        .clock(ManualClock::at(now()).shared())
        .retry(RetryPolicy::none())
        .build()
        .unwrap()
}

/// A server that takes only the newest access token.
async fn server() -> MockServer {
    refusing(ResponseTemplate::new(401).set_body_json(body("112-me-bad-key"))).await
}

/// A server that takes only the newest access token, and answers this to any other.
async fn refusing(refused: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let me = ResponseTemplate::new(200).set_body_json(body("011-me"));
    Mock::given(path("/v2/me"))
        .and(header("authorization", "Bearer access-2"))
        .respond_with(me)
        .mount(&server)
        .await;
    Mock::given(path("/v2/me"))
        .respond_with(refused)
        .mount(&server)
        .await;
    server
}

fn rotated() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "access_token": "access-2",
        "token_type": "bearer",
        "refresh_token": "refresh-2",
        "expires_in": 1800,
    }))
}

async fn refreshing(server: &MockServer, answer: ResponseTemplate) {
    let asked = json!({
        "grant_type": "refresh_token",
        "client_id": "app",
        "client_secret": "app-secret",
        "refresh_token": "refresh-1",
    });
    Mock::given(method("POST"))
        .and(path("/v2/auth/oauth2/token"))
        .and(body_json(asked))
        .respond_with(answer)
        .expect(1)
        .mount(server)
        .await;
}

async fn get(client: &Client) -> Result<(), Error> {
    client.me().get().await.map(drop)
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_for_many_calls_that_wait() {
    let server = server().await;
    refreshing(&server, rotated().set_delay(Duration::from_millis(50))).await;
    let vault = Arc::new(Vault::default());
    let client = client(&server, &vault, None);
    let calls = futures_util::future::join_all((0..20).map(|_| get(&client))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(vault.saved(), ["refresh-2"]);
    server.verify().await;
}

#[tokio::test]
async fn a_token_that_is_told_to_have_expired_is_refreshed_once_and_the_call_repeated() {
    let server = refusing(recorded("940-me-with-expired-access-token")).await;
    refreshing(&server, rotated()).await;
    let vault = Arc::new(Vault::default());
    let client = client(&server, &vault, None);
    get(&client).await.unwrap();
    assert_eq!(vault.saved(), ["refresh-2"]);
    assert_eq!(count(&server).await, 3, "refused, refreshed, repeated");
    server.verify().await;
}

#[tokio::test]
async fn a_new_token_that_is_told_to_have_expired_is_not_refreshed_again() {
    let server = MockServer::start().await;
    Mock::given(path("/v2/me"))
        .respond_with(recorded("940-me-with-expired-access-token"))
        .mount(&server)
        .await;
    refreshing(&server, rotated()).await;
    let vault = Arc::new(Vault::default());
    let error = get(&client(&server, &vault, None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(count(&server).await, 3);
    server.verify().await;
}

#[tokio::test]
async fn a_full_day_refreshes_nothing() {
    let full = recorded("950-booking-create-over-day-count-limit");
    let server = refusing(full).await;
    let vault = Arc::new(Vault::default());
    let error = get(&client(&server, &vault, None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BookingLimitReached);
    assert_eq!(count(&server).await, 1);
    assert_eq!(vault.saved(), [""; 0]);
}

#[tokio::test]
async fn a_token_about_to_expire_is_refreshed_before_it_is_refused() {
    let server = server().await;
    refreshing(&server, rotated()).await;
    let vault = Arc::new(Vault::default());
    let client = client(&server, &vault, Some(now() + TimeDelta::seconds(60)));
    get(&client).await.unwrap();
    get(&client).await.unwrap();
    assert_eq!(count(&server).await, 3, "one refresh and two calls");
}

#[tokio::test]
async fn new_tokens_are_not_used_before_the_host_has_stored_them() {
    let server = server().await;
    refreshing(&server, rotated()).await;
    let vault = Arc::new(Vault::default());
    *vault.ill.lock().unwrap() = true;
    let client = client(&server, &vault, Some(now()));
    let error = get(&client).await.unwrap_err();
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(count(&server).await, 1, "the refresh, and no call");
    // The rotated token is not lost: it is stored as soon as that is possible, without another refresh.
    *vault.ill.lock().unwrap() = false;
    get(&client).await.unwrap();
    assert_eq!(vault.saved(), ["refresh-2"]);
    server.verify().await;
}

#[tokio::test]
async fn a_caller_who_gives_up_does_not_take_the_rotated_token_along() {
    let server = server().await;
    refreshing(&server, rotated().set_delay(Duration::from_millis(80))).await;
    let vault = Arc::new(Vault::default());
    let client = client(&server, &vault, Some(now()));
    let impatient = tokio::time::timeout(Duration::from_millis(20), get(&client)).await;
    assert!(impatient.is_err());
    get(&client).await.unwrap();
    assert_eq!(vault.saved(), ["refresh-2"]);
    server.verify().await;
}

#[tokio::test]
async fn a_refused_refresh_token_is_final() {
    let server = server().await;
    let refused = ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"}));
    refreshing(&server, refused).await;
    let vault = Arc::new(Vault::default());
    let client = client(&server, &vault, Some(now()));
    for _ in 0..3 {
        let error = get(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(error.to_string().contains("sign in again"), "{error}");
    }
    assert_eq!(count(&server).await, 1);
    assert_eq!(vault.saved(), [""; 0]);
}

#[tokio::test]
async fn a_refresh_that_the_server_fails_at_is_tried_again_by_the_next_call() {
    let server = server().await;
    let ill = Mock::given(path("/v2/auth/oauth2/token")).respond_with(ResponseTemplate::new(503));
    ill.up_to_n_times(1).mount(&server).await;
    refreshing(&server, rotated()).await;
    let vault = Arc::new(Vault::default());
    let client = client(&server, &vault, Some(now()));
    assert_eq!(get(&client).await.unwrap_err().kind(), ErrorKind::Server);
    get(&client).await.unwrap();
}

#[tokio::test]
async fn a_managed_user_is_refreshed_at_the_platform() {
    let server = server().await;
    let answer = json!({"status": "success", "data": {
        "accessToken": "access-2",
        "refreshToken": "refresh-2",
        "accessTokenExpiresAt": 1_890_000_000_000_i64,
    }});
    Mock::given(path("/v2/oauth/platform/refresh"))
        .and(header("x-cal-secret-key", "platform-secret"))
        .and(body_json(json!({"refreshToken": "refresh-1"})))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .expect(1)
        .mount(&server)
        .await;
    let vault = Arc::new(Vault::default());
    let secret = "platform-secret";
    let session =
        OAuthSession::managed_user("platform", secret, tokens(Some(now())), vault.clone());
    let client = build(&server, Credentials::OAuth(session));
    get(&client).await.unwrap();
    assert_eq!(vault.saved(), ["refresh-2"]);
}

#[tokio::test]
async fn a_platform_client_calls_with_its_own_headers() {
    let server = MockServer::start().await;
    let me = ResponseTemplate::new(200).set_body_json(body("011-me"));
    Mock::given(header("x-cal-client-id", "platform"))
        .and(header("x-cal-secret-key", "platform-secret"))
        .respond_with(me)
        .mount(&server)
        .await;
    let client = build(
        &server,
        Credentials::platform_client("platform", "platform-secret"),
    );
    get(&client).await.unwrap();
    let sent = server.received_requests().await.unwrap();
    assert!(!sent[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn no_token_is_printed() {
    let server = MockServer::start().await;
    let vault = Arc::new(Vault::default());
    let session = OAuthSession::new("app", tokens(None), vault).with_client_secret("app-secret");
    let printed = format!(
        "{session:?} {:?}",
        build(&server, Credentials::OAuth(session.clone()))
    );
    for secret in ["access-1", "refresh-1", "app-secret"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[tokio::test]
async fn a_refresh_that_answers_without_end_is_refused() {
    let server = server().await;
    let endless = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 64 * 1024]);
    refreshing(&server, endless).await;
    let vault = Arc::new(Vault::default());
    let session = OAuthSession::new("app", tokens(Some(now())), vault.clone())
        .with_client_secret("app-secret");
    let client = Client::with_credentials(Credentials::OAuth(session))
        .base_url(&format!("{}/v2", server.uri()))
        .clock(ManualClock::at(now()).shared())
        .retry(RetryPolicy::none())
        .max_response_bytes(16 * 1024)
        .build()
        .unwrap();
    let error = get(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.to_string().contains("larger than the limit"),
        "{error}"
    );
    assert_eq!(vault.saved(), [""; 0]);
}

/// A client with the first pair, and a store that it shares with others.
fn sharing(
    server: &MockServer,
    store: &InMemoryTokenStore,
    expires_at: Option<DateTime<Utc>>,
) -> Client {
    let session = OAuthSession::new("app", tokens(expires_at), Arc::new(store.clone()))
        .with_client_secret("app-secret");
    build(server, Credentials::OAuth(session))
}

#[tokio::test]
async fn clients_with_one_store_whose_tokens_expire_at_once_send_one_refresh() {
    let server = server().await;
    refreshing(&server, rotated().set_delay(Duration::from_millis(50))).await;
    let store = InMemoryTokenStore::default();
    let clients: Vec<_> = (0..4)
        .map(|_| sharing(&server, &store, Some(now())))
        .collect();
    let calls = futures_util::future::join_all(clients.iter().map(get)).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(count(&server).await, 5, "one refresh and four calls");
    server.verify().await;
}

#[tokio::test]
async fn a_client_whose_token_is_refused_takes_over_what_another_one_has_refreshed() {
    let server = server().await;
    refreshing(&server, rotated()).await;
    let store = InMemoryTokenStore::default();
    let (one, other) = (
        sharing(&server, &store, None),
        sharing(&server, &store, None),
    );
    get(&one).await.unwrap();
    get(&other).await.unwrap();
    assert_eq!(
        count(&server).await,
        5,
        "each is refused once, and one refreshes"
    );
    server.verify().await;
}

#[tokio::test]
async fn a_turn_is_given_back_when_the_refresh_fails() {
    let server = server().await;
    let ill = Mock::given(path("/v2/auth/oauth2/token")).respond_with(ResponseTemplate::new(503));
    ill.up_to_n_times(1).mount(&server).await;
    refreshing(&server, rotated()).await;
    let store = InMemoryTokenStore::default();
    let (one, other) = (
        sharing(&server, &store, Some(now())),
        sharing(&server, &store, Some(now())),
    );
    assert_eq!(get(&one).await.unwrap_err().kind(), ErrorKind::Server);
    let soon = tokio::time::timeout(Duration::from_secs(5), get(&other)).await;
    soon.unwrap().unwrap();
}

#[tokio::test]
async fn a_session_that_has_ended_goes_on_once_the_user_has_signed_in_again() {
    let server = server().await;
    let refused = ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"}));
    refreshing(&server, refused).await;
    let store = InMemoryTokenStore::default();
    let client = sharing(&server, &store, Some(now()));
    for _ in 0..2 {
        let error = get(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    }
    let signed_in = OAuthTokens::new("access-2", "refresh-2");
    store.save(&signed_in).await.unwrap();
    get(&client).await.unwrap();
    server.verify().await;
}
