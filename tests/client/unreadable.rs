//! Answers that are in no shape of Cal.com's.

use calcom::client::{ErrorKind, Retryability};
use calcom::model::{BookingQuery, EventTypeId, NewAttendee, NewBooking};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::errors::{answered, told};
use crate::support::{REQUEST_ID, answering, client};

#[tokio::test]
async fn an_answer_that_is_not_json_keeps_its_status_and_its_beginning() {
    let page = format!("<html>{}</html>", "x".repeat(100_000));
    let html = |status: u16| {
        ResponseTemplate::new(status)
            .set_body_raw(page.clone(), "text/html")
            .insert_header("x-request-id", REQUEST_ID)
    };
    let failed = answered(html(524)).await;
    assert_eq!(told(&failed), (ErrorKind::Server, 524, None, ""));
    let succeeded = answered(html(200)).await;
    assert_eq!(told(&succeeded), (ErrorKind::Decode, 200, None, ""));
    assert_eq!(succeeded.retryability(), Retryability::Never);
    for error in [failed, succeeded] {
        let api = error.api().unwrap();
        let excerpt = api.excerpt().unwrap();
        assert!(excerpt.starts_with("<html>xxx"));
        assert!(excerpt.len() <= 1000, "bounded");
        assert_eq!(api.request_id(), Some(REQUEST_ID));
        assert!(!format!("{error} {error:?}").contains("xxx"));
    }
}

#[tokio::test]
async fn an_answer_that_ends_too_early_may_be_asked_for_again() {
    for body in ["", "{\"status\":\"success\",\"data\":{\"id\":1,\"ema"] {
        let error = answered(ResponseTemplate::new(200).set_body_string(body)).await;
        assert_eq!(error.kind(), ErrorKind::Decode, "{body:?}");
        assert_eq!(error.retryability(), Retryability::IfIdempotent, "{body:?}");
    }
    let garbage = "{\"status\":\"success\",\"data\":{\"id\":1,\"email\":\"e\"}}{\"id\":2}";
    let error = answered(ResponseTemplate::new(200).set_body_string(garbage)).await;
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_field_that_cannot_be_read_is_named_by_its_path() {
    let mut page = crate::support::body("136-bookings-list-take-skip");
    page["data"][0]["attendees"][1]["absent"] = json!("maybe");
    let server = answering(ResponseTemplate::new(200).set_body_json(&page)).await;
    let query = BookingQuery::default();
    let error = client(&server).bookings().list(&query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.json_path(), Some("data[0].attendees[1].absent"));
    assert!(error.to_string().contains("data[0].attendees[1].absent"));
    assert!(!error.to_string().contains("maybe"));

    // The answer to a creation is one of two shapes; the path is no less exact for it.
    let mut booked = crate::support::body("066-booking-create");
    booked["data"]["end"] = json!(7);
    let server = answering(ResponseTemplate::new(201).set_body_json(&booked)).await;
    let attendee = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    let start = "2026-12-08T09:00:00Z".parse().unwrap();
    let wanted = NewBooking::new(EventTypeId::new(2), start, attendee);
    let error = client(&server)
        .bookings()
        .create(&wanted)
        .await
        .unwrap_err();
    assert_eq!(error.json_path(), Some("data.end"));
}

#[tokio::test]
async fn statuses_without_a_body_have_their_kinds() {
    let expected = [
        (301, ErrorKind::UnknownEndpoint),
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (408, ErrorKind::Server),
        (409, ErrorKind::Conflict),
        (413, ErrorKind::Invalid),
        (418, ErrorKind::Invalid),
        (422, ErrorKind::Invalid),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Server),
        (502, ErrorKind::Server),
        (503, ErrorKind::Server),
        (504, ErrorKind::Server),
        (599, ErrorKind::Server),
    ];
    for (status, kind) in expected {
        let error = answered(ResponseTemplate::new(status)).await;
        assert_eq!(told(&error), (kind, status, None, ""), "{status}");
    }
}
