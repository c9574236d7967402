//! Calls of endpoints that have no method of their own: what they send, and that they pass the policies.

use calcom::client::{ApiVersion, ErrorKind};
use calcom::model::{UserUpdate, Weekday};
use http::Method;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{Sent, answering, client, count, first_answering, recorded, sent};

#[tokio::test]
async fn everything_that_was_said_is_sent() {
    let server = answering(recorded("011-me")).await;
    let client = client(&server);
    let version = ApiVersion::new("2024-08-13").unwrap();
    let read: Value = client
        .request(Method::PUT, ["calendars", "a/b", "event"])
        .query("dateFrom", "2026-12-01")
        .query("loggedInUsersTz", "Europe/Berlin")
        .version(&version)
        .json(&json!({"title": "Lunch"}))
        .send()
        .await
        .unwrap();
    let expected = Sent::new("PUT", "/v2/calendars/a%2Fb/event", Some("2024-08-13"))
        .query(&[
            ("dateFrom", "2026-12-01"),
            ("loggedInUsersTz", "Europe/Berlin"),
        ])
        .body(json!({"title": "Lunch"}));
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(read["email"], "hanna@example.com");
}

#[tokio::test]
async fn the_whole_body_can_be_read() {
    let server = answering(recorded("136-bookings-list-take-skip")).await;
    let client = client(&server);
    let request = client.request(Method::GET, ["bookings"]);
    let read: Value = request.send_for_body().await.unwrap();
    assert_eq!(read["pagination"]["totalItems"], 14);
}

#[tokio::test]
async fn only_reading_and_deleting_are_repeated() {
    for (method, calls) in [
        (Method::GET, 2),
        (Method::DELETE, 2),
        (Method::POST, 1),
        (Method::PATCH, 1),
        (Method::PUT, 1),
    ] {
        let server = first_answering(1, ResponseTemplate::new(502)).await;
        let client = client(&server);
        let answered = client.request(method.clone(), ["me"]).send::<Value>().await;
        assert_eq!(count(&server).await, calls, "{method}");
        assert_eq!(answered.is_ok(), calls == 2, "{method}");
    }
}

#[tokio::test]
async fn a_path_that_would_lead_elsewhere_is_not_sent() {
    let server = answering(recorded("011-me")).await;
    let client = client(&server);
    for path in [vec!["me", ".."], vec![""], vec!["me", "\t"]] {
        let request = client.request(Method::GET, path);
        let error = request.send::<Value>().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Invalid, "request")
        );
    }
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn an_acknowledgement_needs_no_data() {
    let server = answering(recorded("256-webhooks-delete")).await;
    let client = client(&server);
    let delete = || client.request(Method::DELETE, ["webhooks", "w"]);
    delete().send_ack().await.unwrap();
    let bare = ResponseTemplate::new(200).set_body_json(json!({"status": "success"}));
    let server = answering(bare).await;
    let client = crate::support::client(&server);
    let reply = client.request(Method::POST, ["calendars", "ics-feed", "disconnect"]);
    reply.clone().send_ack().await.unwrap();
    let error = reply.send::<Value>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let server = answering(recorded("257-webhooks-delete-again")).await;
    let client = crate::support::client(&server);
    let refused = client.request(Method::DELETE, ["webhooks", "w"]).send_ack();
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_told_when_it_is_sent() {
    let server = answering(recorded("011-me")).await;
    let client = client(&server);
    let no_key = std::collections::BTreeMap::from([((1, 2), 3)]);
    let request = client.request(Method::POST, ["me"]).json(&no_key);
    let request = request.query("a", "b");
    let error = request.send::<Value>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn a_request_shows_neither_where_nor_what() {
    let server = answering(recorded("011-me")).await;
    let client = client(&server);
    let request = client.request(Method::POST, ["bookings", "uid-of-ann"]);
    let request = request.query("email", "ann@example.com");
    let request = request.json(&json!({"name": "Ann"}));
    let shown = format!("{request:?}");
    assert!(
        shown.contains("POST") && !shown.to_lowercase().contains("ann"),
        "{shown}"
    );
}

#[tokio::test]
async fn me_update_sends_only_what_changes() {
    let server = answering(recorded("011-me")).await;
    let update = UserUpdate::default()
        .with_name("Hanna".to_owned())
        .with_time_format(24)
        .with_week_start(Weekday::Monday)
        .with_locale("de");
    assert!(!format!("{update:?}").contains("Hanna"));
    let user = client(&server).me().update(&update).await.unwrap();
    let expected = Sent::new("PATCH", "/v2/me", None)
        .body(json!({"name": "Hanna", "timeFormat": 24, "weekStart": "Monday", "locale": "de"}));
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(user.email, "hanna@example.com");
}
