//! `/v2/schedules`.

use serde_json::{Value, json};

use super::{Played, played};

async fn begin() -> Played {
    let played = played("schedules", "2026-11-20T23:43:27Z").await;
    let weekdays = json!(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]);
    let hours = json!([{"days": weekdays, "startTime": "09:00", "endTime": "17:00"}]);
    let change = json!({"name": "Working hours", "availability": hours});
    played.well("PATCH", "schedules/1", change).await;
    played
}

#[tokio::test]
async fn read_made_changed_and_deleted() {
    let played = begin().await;
    for name in ["027", "028", "029"] {
        played.same(name, &[]).await;
    }
    let evenings = json!({
        "name": "Evenings",
        "timeZone": "Europe/Berlin",
        "isDefault": false,
        "availability": [{"days": ["Thursday", "Friday"], "startTime": "18:00", "endTime": "20:00"}],
        "overrides": [{"date": "2026-12-24", "startTime": "10:00", "endTime": "12:00"}],
    });
    let made = played.well("POST", "schedules", evenings).await;
    assert_eq!(made["isDefault"], false);
    let id = format!("schedules/{}", made["id"]);
    for name in ["031", "034", "035"] {
        played.same(name, &[("schedules/4", &id)]).await;
    }
    let (status, _) = played
        .ask(
            Some("host"),
            Some("2024-06-11"),
            "DELETE",
            &format!("/v2/{id}"),
            &Value::Null,
        )
        .await;
    assert_eq!(status, 400, "deleting it again");
}

#[tokio::test]
async fn overrides_replace_overrides_and_nothing_else() {
    let played = begin().await;
    let summer = json!({
        "name": "Rec summer",
        "timeZone": "Europe/Berlin",
        "isDefault": false,
        "availability": [
            {"days": ["Monday", "Wednesday", "Friday"], "startTime": "08:00", "endTime": "12:00"},
            {"days": ["Tuesday"], "startTime": "13:00", "endTime": "00:00"},
        ],
        "overrides": [
            {"date": "2027-04-05", "startTime": "10:00", "endTime": "12:00"},
            {"date": "2027-04-06", "startTime": "00:00", "endTime": "00:00"},
        ],
    });
    let made = played.well("POST", "schedules", summer).await;
    let id = format!("schedules/{}", made["id"]);
    for name in ["493", "494", "503"] {
        played.same(name, &[("schedules/8", &id)]).await;
    }
    played.same("502", &[]).await;
}

#[tokio::test]
async fn what_is_no_schedule_is_refused() {
    let played = begin().await;
    for name in ["032", "497", "499", "500"] {
        played.same(name, &[]).await;
    }
    let (status, _) = played
        .ask(
            None,
            Some("2024-06-11"),
            "GET",
            "/v2/schedules",
            &Value::Null,
        )
        .await;
    assert_eq!(status, 401);
    let (status, _) = played
        .ask(Some("host"), None, "GET", "/v2/schedules", &Value::Null)
        .await;
    assert_eq!(status, 404, "without the version that the fake has");
    let list = played.well("GET", "schedules", Value::Null).await;
    assert_eq!(list.as_array().unwrap().len(), 1, "nothing was made");
}

#[tokio::test]
async fn there_is_one_default_schedule() {
    let played = begin().await;
    let body = json!({"name": "Other", "timeZone": "UTC", "isDefault": true});
    let made = played.well("POST", "schedules", body).await;
    assert_eq!(made["isDefault"], true);
    let list = played.well("GET", "schedules", Value::Null).await;
    assert_eq!(list[0]["isDefault"], false);
    let me = played.well("GET", "me", Value::Null).await;
    assert_eq!(me["defaultScheduleId"], made["id"]);
    played
        .well("DELETE", &format!("schedules/{}", made["id"]), Value::Null)
        .await;
    // The number stays, and there is no schedule of that number.
    let me = played.well("GET", "me", Value::Null).await;
    assert_eq!(me["defaultScheduleId"], made["id"]);
    let none = played.well("GET", "schedules/default", Value::Null).await;
    assert_eq!(none, Value::Null);
}
