//! Newer API versions: asked for, and found out about.

use calcom::client::{ApiVersion, ApiVersions};
use calcom::model::BookingQuery;
use serde_json::json;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{answering, body, builder, sent};

fn bookings(data: &serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}))
}

async fn serve(server: &MockServer, at: &str, version: &str, answer: ResponseTemplate) {
    Mock::given(path(at))
        .and(header("cal-api-version", version))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn deployment() -> MockServer {
    let server = MockServer::start().await;
    let me = ResponseTemplate::new(200).set_body_json(body("011-me"));
    Mock::given(path("/v2/me"))
        .respond_with(me)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_deployment_that_knows_the_newer_versions_is_asked_for_them() {
    let server = deployment().await;
    serve(&server, "/v2/bookings", "2026-02-25", bookings(&json!([]))).await;
    serve(
        &server,
        "/v2/event-types",
        "2026-06-12",
        bookings(&json!([])),
    )
    .await;
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).build().unwrap();
    let (client, known) = client.with_newest_versions().await.unwrap();
    assert!(known.newer_bookings && known.newer_event_types);
    client
        .bookings()
        .list(&BookingQuery::default())
        .await
        .unwrap();
}

/// It says nothing, answers in the shape of 2024-04-15 and ignores filters.
#[tokio::test]
async fn a_deployment_that_falls_back_silently_is_found_out() {
    let server = deployment().await;
    let old = bookings(&json!({"bookings": [], "recurringInfo": []}));
    serve(&server, "/v2/bookings", "2026-02-25", old).await;
    serve(&server, "/v2/bookings", "2024-08-13", bookings(&json!([]))).await;
    let old = bookings(&json!({"eventTypeGroups": []}));
    serve(&server, "/v2/event-types", "2026-06-12", old).await;
    let base = format!("{}/v2", server.uri());
    let client = builder(&base).build().unwrap();
    let (client, known) = client.with_newest_versions().await.unwrap();
    assert!(!known.newer_bookings && !known.newer_event_types);
    client
        .bookings()
        .list(&BookingQuery::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_list_can_have_a_version_of_its_own() {
    let server = answering(bookings(&json!([]))).await;
    let base = format!("{}/v2", server.uri());
    let versions = ApiVersions::default().with_bookings_list(ApiVersion::BOOKINGS_LIST_BY_CURSOR);
    let client = builder(&base).versions(versions).build().unwrap();
    client
        .bookings()
        .list(&BookingQuery::default())
        .await
        .unwrap();
    assert_eq!(
        sent(&server).await[0].version.as_deref(),
        Some("2026-05-01")
    );
}
