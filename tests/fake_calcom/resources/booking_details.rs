//! Calendar links, references and attendees.

use std::time::Duration;

use calcom::model::{BookingUid, EventTypeId, NewAttendee, NewBooking};
use calcom::testing::{FakeCalcom, ServerKind};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Played, played};
use crate::support::at;

async fn booked() -> (Played, BookingUid) {
    let played = played("booking-details", "2026-11-20T23:42:17Z").await;
    let change = json!({"description": "Short intro", "minimumBookingNotice": 0});
    played.well("PATCH", "event-types/2", change).await;
    let ann = NewAttendee::new("Ann Attendee", "ann@example.com", "Europe/London".into());
    let start = at("2026-12-16T09:00:00Z");
    let booking = NewBooking::new(EventTypeId::new(2), start, ann);
    let uid = played.fake.book(booking).await.unwrap().uid;
    (played, uid)
}

#[tokio::test]
async fn links_are_encoded_as_recorded() {
    let (played, uid) = booked().await;
    let replaced = [
        ("8wjgAL6meNWmRvEb8XQF9j", uid.as_str()),
        ("vBI-iCCsG2DuFEMRZHvhv", uid.as_str()),
    ];
    played.same("233", &replaced).await;
    played.same("634", &[]).await;
    let path = format!("/v2/bookings/{uid}/calendar-links");
    let (status, _) = played.ask(None, None, "GET", &path, &Value::Null).await;
    assert_eq!(status, 404, "without the version");
}

#[tokio::test]
async fn references_are_the_hosts() {
    let (played, uid) = booked().await;
    let replaced = [("ibsSqYGQ7AqmXFr2yYmxuz", uid.as_str())];
    for name in ["620", "629", "632"] {
        played.same(name, &replaced).await;
    }
    played.same("631", &[]).await;
    let calendar = Some("primary@example.com");
    assert!(
        played
            .fake
            .add_reference(&uid, "google_calendar", "gcal-event-1", calendar)
    );
    assert!(
        played
            .fake
            .add_reference(&uid, "daily_video", "room-1", None)
    );
    assert!(
        !played
            .fake
            .add_reference(&"nope".into(), "daily_video", "room-1", None)
    );
    played.same("638", &replaced).await;
    let path = format!("bookings/{uid}/references?type=daily_video");
    let videos = played.well("GET", &path, Value::Null).await;
    assert_eq!(videos.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_of_2025_has_no_attendees() {
    let (played, uid) = booked().await;
    played
        .same("619", &[("ibsSqYGQ7AqmXFr2yYmxuz", uid.as_str())])
        .await;
}

#[tokio::test]
async fn the_hosted_service_numbers_attendees() {
    let hosted = ServerKind::hosted(Duration::ZERO, Duration::ZERO);
    let fake = FakeCalcom::builder().server(hosted).start().await.unwrap();
    let omar = fake.add_user("omar");
    let ann = NewAttendee::new("Ann", "ann@example.com", "Europe/London".into());
    let mut wanted = NewBooking::new(fake.event_type_id(), at("2099-12-07T09:00:00Z"), ann);
    wanted.guests = vec!["guest@example.com".into()];
    let uid = fake.book(wanted).await.unwrap().uid;
    let ask = async |key: &str, path: String| {
        let request = http::Request::builder()
            .uri(format!("/v2/bookings/{path}"))
            .header("authorization", format!("Bearer {key}"))
            .header("cal-api-version", "2024-08-13");
        let request = request.body(bytes::Bytes::new()).unwrap();
        let response = fake.exchange(request).await.unwrap();
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status(), answer["data"].clone())
    };
    let hanna = fake.api_key();
    let hanna = hanna.expose_secret();
    let (status, all) = ask(hanna, format!("{uid}/attendees")).await;
    assert_eq!(status, StatusCode::OK);
    let emails: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|attendee| attendee["email"].as_str().unwrap())
        .collect();
    assert_eq!(emails, ["ann@example.com", "guest@example.com"]);
    assert_ne!(all[0]["id"], all[1]["id"]);
    let (status, one) = ask(hanna, format!("{uid}/attendees/{}", all[1]["id"])).await;
    assert_eq!((status, &one), (StatusCode::OK, &all[1]));
    let (status, _) = ask(hanna, format!("{uid}/attendees/999")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let other = omar.api_key.expose_secret();
    let (status, _) = ask(other, format!("{uid}/attendees")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
