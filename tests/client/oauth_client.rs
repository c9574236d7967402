//! Signing in with OAuth: the address, the exchange of a code, and what is never sent or shown.

use std::collections::BTreeMap;

use calcom::client::{
    Client, Credentials, ErrorKind, OAuthClient, OAuthClientBuilder, Pkce, SignIn,
};
use calcom::model::{OAuthClientType, OAuthScope};
use calcom::testing::ManualClock;
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{Sent, answering, count, recorded, sent_anonymously, success};

const REDIRECT: &str = "https://example.org/callback?from=cal";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn app(server: &MockServer) -> OAuthClientBuilder {
    let clock = ManualClock::at("2026-12-01T08:00:00Z".parse().unwrap());
    OAuthClient::builder("app", REDIRECT)
        .base_url(&format!("{}/v2", server.uri()))
        .clock(clock.shared())
}

fn tokens() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "access_token": "access-1",
        "token_type": "bearer",
        "refresh_token": "refresh-1",
        "expires_in": 1800,
        "scope": "BOOKING_READ",
    }))
}

fn refusal(status: u16, error: &str, why: &str) -> ResponseTemplate {
    let body = json!({"error": error, "error_description": why});
    ResponseTemplate::new(status).set_body_json(body)
}

fn parameters(app: &OAuthClient) -> BTreeMap<String, String> {
    let pkce = Pkce::from_verifier(VERIFIER).unwrap();
    let url = app.authorization_url("state &1", &pkce);
    let pairs = url.query_pairs().into_owned().collect();
    assert_eq!(
        url.as_str().split('?').next(),
        Some("https://app.cal.com/auth/oauth2/authorize")
    );
    pairs
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn the_address_of_a_public_client_has_a_challenge() {
    let app = OAuthClient::builder("app", REDIRECT)
        .scope(OAuthScope::BookingRead)
        .scope(OAuthScope::from("TEAM_BOOKING_READ"));
    let expected = map(&[
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("state", "state &1"),
        ("scope", "BOOKING_READ TEAM_BOOKING_READ"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    assert_eq!(parameters(&app.build().unwrap()), expected);
}

#[test]
fn the_address_of_a_confidential_client_has_none() {
    let app = OAuthClient::builder("app", REDIRECT).client_secret("app-secret");
    let expected = map(&[
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("state", "state &1"),
    ]);
    assert_eq!(parameters(&app.build().unwrap()), expected);
}

#[tokio::test]
async fn a_public_client_exchanges_a_code_with_its_verifier() {
    let server = answering(tokens()).await;
    let app = app(&server).build().unwrap();
    let bought = app.exchange("code-1", VERIFIER).await.unwrap();
    let body = json!({
        "grant_type": "authorization_code",
        "client_id": "app",
        "code": "code-1",
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    });
    let expected = Sent::new("POST", "/v2/auth/oauth2/token", None).body(body);
    assert_eq!(sent_anonymously(&server).await, [expected]);
    assert_eq!(bought.access_token.expose_secret(), "access-1");
    assert_eq!(bought.refresh_token.expose_secret(), "refresh-1");
    let half_an_hour_on = "2026-12-01T08:30:00Z".parse().unwrap();
    assert_eq!(bought.expires_at, Some(half_an_hour_on));
    assert!(!format!("{bought:?}").contains("-1\""));
}

#[tokio::test]
async fn a_confidential_client_exchanges_a_code_with_its_secret() {
    let server = answering(tokens()).await;
    let builder = app(&server).client_secret("app-secret");
    assert!(!format!("{builder:?}").contains("app-secret"));
    let app = builder.build().unwrap();
    assert!(!format!("{app:?}").contains("app-secret"));
    app.exchange("code-1", VERIFIER).await.unwrap();
    let body = json!({
        "grant_type": "authorization_code",
        "client_id": "app",
        "code": "code-1",
        "redirect_uri": REDIRECT,
        "client_secret": "app-secret",
    });
    let expected = Sent::new("POST", "/v2/auth/oauth2/token", None).body(body);
    assert_eq!(sent_anonymously(&server).await, [expected]);
}

#[tokio::test]
async fn a_wrong_or_used_code_is_told_from_a_wrong_client() {
    let server = answering(refusal(400, "invalid_grant", "code_invalid_or_expired")).await;
    let error = app(&server)
        .build()
        .unwrap()
        .exchange("code-1", VERIFIER)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let api = error.api().unwrap();
    assert_eq!(
        (api.code(), api.message()),
        (Some("invalid_grant"), "code_invalid_or_expired")
    );
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("the user has to sign in again"), "{shown}");
    assert!(!shown.contains("code-1") && !shown.contains(VERIFIER));
    assert_eq!(count(&server).await, 1);

    let server = answering(refusal(401, "invalid_client", "client_not_found")).await;
    let app = app(&server).build().unwrap();
    let error = app.exchange("code-1", VERIFIER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.api().unwrap().code(), Some("invalid_client"));
    assert!(!error.to_string().contains("sign in again"), "{error}");
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_verifier_that_cannot_be_one_is_not_sent() {
    let server = answering(tokens()).await;
    let app = app(&server).build().unwrap();
    let error = app.exchange("code-1", "short").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.fields()[0].field(), "code_verifier");
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn a_code_that_the_server_fails_at_is_not_sent_again() {
    let server = answering(ResponseTemplate::new(503)).await;
    let app = app(&server).build().unwrap();
    let error = app.exchange("code-1", VERIFIER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn the_registration_is_read_where_the_server_knows_it() {
    let answer = json!({"client_id": "app", "redirect_uri": REDIRECT, "name": "My app",
        "logo": null, "is_trusted": false, "client_type": "PUBLIC"});
    let server = answering(success(&answer)).await;
    let registered = app(&server).build().unwrap().registration().await.unwrap();
    let expected = Sent::new("GET", "/v2/auth/oauth2/clients/app", None);
    assert_eq!(sent_anonymously(&server).await, [expected]);
    assert_eq!(registered.client_type, Some(OAuthClientType::Public));

    let server = answering(recorded("791-auth-oauth2-client-unknown-route")).await;
    let error = app(&server).build().unwrap().registration().await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnknownEndpoint);
}

#[test]
fn what_cannot_be_a_client_is_refused() {
    let app = || OAuthClient::builder("app", REDIRECT);
    let wrong = [
        (OAuthClient::builder(" ", REDIRECT), "client_id"),
        (OAuthClient::builder("app", "callback"), "redirect_uri"),
        (app().client_secret(""), "client_secret"),
        (app().base_url("app.cal.com"), "base_url"),
        (
            app().authorize_url("https://u:p@app.cal.com/"),
            "authorize_url",
        ),
    ];
    for (builder, field) in wrong {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.fields()[0].field(), field);
    }
}

#[tokio::test]
async fn nobody_calls_without_a_credential() {
    let server = answering(recorded("113-me-no-key")).await;
    let client = Client::with_credentials(Credentials::Anonymous)
        .base_url(&format!("{}/v2", server.uri()))
        .build()
        .unwrap();
    let error = client.me().get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let expected = Sent::new("GET", "/v2/me", None);
    assert_eq!(sent_anonymously(&server).await, [expected]);
}

/// What the browser comes back with.
fn redirected(state: &str, rest: &str) -> Url {
    Url::parse(&format!("{REDIRECT}&state={state}{rest}")).unwrap()
}

#[tokio::test]
async fn a_sign_in_ends_with_tokens() {
    let server = answering(tokens()).await;
    let app = app(&server).build().unwrap();
    let sign_in = app.begin().unwrap();
    let sent: BTreeMap<String, String> = app
        .sign_in_url(&sign_in)
        .query_pairs()
        .into_owned()
        .collect();
    let state = sign_in.state().expose_secret();
    assert_eq!(sent["state"], *state);
    assert!(state.len() >= 22, "128 bits");
    assert_ne!(app.begin().unwrap().state().expose_secret(), state);
    assert!(!format!("{sign_in:?}").contains(state));
    // The session may live in another process.
    let verifier = sign_in.verifier().clone();
    let kept = SignIn::restore(state.to_owned(), verifier).unwrap();
    let back = redirected(state, "&code=code-1");
    let got = app.finish(&kept, &back).await.unwrap();
    assert_eq!(got.access_token.expose_secret(), "access-1");
    let received = server.received_requests().await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(body["code"], "code-1");
    assert_eq!(body["code_verifier"], *kept.verifier().expose_secret());
}

#[tokio::test]
async fn a_url_that_somebody_made_up_is_not_exchanged() {
    let server = answering(tokens()).await;
    let app = app(&server).build().unwrap();
    let sign_in = app.begin().unwrap();
    let state = sign_in.state().expose_secret().to_owned();
    let bare = Url::parse("https://example.org/callback?code=code-1").unwrap();
    for (url, field) in [
        (redirected("another", "&code=code-1"), "state"),
        (redirected("", "&code=code-1"), "state"),
        (bare, "state"),
        (redirected(&state, ""), "code"),
    ] {
        let error = app.finish(&sign_in, &url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.fields()[0].field(), field);
    }
    let refused = redirected(&state, "&error=access_denied%0A");
    let error = app.finish(&sign_in, &refused).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("access_denied "), "{error}");
    assert!(SignIn::restore("", "x".repeat(43)).is_err());
    assert_eq!(count(&server).await, 0);
}
