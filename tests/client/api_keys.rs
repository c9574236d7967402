//! The API key: what is sent to exchange it, and what is made of a recorded answer.

use calcom::client::ErrorKind;
use calcom::model::ApiKeyRefresh;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{Sent, answering, client, recorded, sent};

#[tokio::test]
async fn a_refresh_brings_a_new_key_and_does_not_show_it() {
    let server = answering(recorded("778-api-keys-refresh")).await;
    let client_of = client(&server);
    let keys = client_of.api_keys();
    let refreshed = keys.refresh(&ApiKeyRefresh::default()).await.unwrap();
    keys.refresh(&ApiKeyRefresh::days(60)).await.unwrap();
    keys.refresh(&ApiKeyRefresh::without_expiry())
        .await
        .unwrap();
    let call = |body| Sent::new("POST", "/v2/api-keys/refresh", None).body(body);
    let expected = [
        call(json!({})),
        call(json!({"apiKeyDaysValid": 60})),
        call(json!({"apiKeyNeverExpires": true})),
    ];
    assert_eq!(sent(&server).await, expected);
    let key = refreshed.api_key.expose_secret();
    assert!(key.starts_with("cal_"));
    assert!(!format!("{refreshed:?}").contains(key));

    let server = answering(recorded("779-api-keys-refresh-old-key-is-dead")).await;
    let client_of = client(&server);
    let thirty_days = ApiKeyRefresh::default();
    let refused = client_of.api_keys().refresh(&thirty_days).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unauthorized);
}
