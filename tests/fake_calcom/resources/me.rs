//! `PATCH /v2/me`.

use serde_json::{Value, json};

use super::played;

#[tokio::test]
async fn changes_are_checked_and_told() {
    let played = played("me", "2026-11-21T13:18:37Z").await;
    for name in ["769", "770", "772", "773", "775", "776"] {
        played.same(name, &[]).await;
    }
}

#[tokio::test]
async fn what_was_changed_is_there_afterwards() {
    let played = played("me", "2026-11-21T13:18:37Z").await;
    let change = json!({
        "name": "Hanna H.",
        "email": "hh@example.com",
        "timeFormat": 12,
        "weekStart": "Sunday",
        "timeZone": "Asia/Tokyo",
        "locale": "de",
        "bio": "b",
        "avatarUrl": "https://example.com/h.png",
        "metadata": {"k": "v"},
    });
    let changed = played.well("PATCH", "me", change).await;
    assert_eq!(changed, played.well("GET", "me", Value::Null).await);
    let expected = json!({
        "id": 1,
        "email": "hh@example.com",
        "timeFormat": 12,
        "defaultScheduleId": 1,
        "weekStart": "Sunday",
        "timeZone": "Asia/Tokyo",
        "username": "hanna",
        "organizationId": null,
    });
    assert_eq!(changed, expected);
    // The default schedule moves along.
    let schedule = played.well("GET", "schedules/default", Value::Null).await;
    assert_eq!(schedule["timeZone"], "Asia/Tokyo");
    let slots = played.slots(2, "2026-12-07", "2026-12-07").await;
    assert_eq!(slots.first().unwrap(), "2026-12-07T00:00:00.000Z");
    let event_type = played.well("GET", "event-types/2", Value::Null).await;
    let user = &event_type["users"][0];
    assert_eq!(user["name"], "Hanna H.");
    assert_eq!(user["weekStart"], "Sunday");
    assert_eq!(user["avatarUrl"], "https://example.com/h.png");
    assert_eq!(user["metadata"], json!({"k": "v"}));
}

#[tokio::test]
async fn everything_wrong_is_named_at_once() {
    let played = played("me", "2026-11-21T13:18:37Z").await;
    let body = json!({"email": 1, "weekStart": "Funday", "locale": "xx", "avatarUrl": "nowhere"});
    let (status, answer) = played
        .ask(Some("host"), None, "PATCH", "/v2/me", &body)
        .await;
    assert_eq!(status, 400);
    let errors = answer["error"]["details"]["errors"].as_array().unwrap();
    let named: Vec<&str> = errors
        .iter()
        .map(|e| e["property"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["email", "weekStart", "locale", "avatarUrl"]);
}
