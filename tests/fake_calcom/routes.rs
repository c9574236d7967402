//! Which routes there are, in which version, and what is answered to the others.

use std::time::Duration;

use calcom::model::{Frequency, NewBooking};
use calcom::testing::{FakeCalcom, FakeEventType, ServerKind};
use serde_json::{Value, json};

use crate::support::{ann, exchange, hour};

const NOW: Option<&str> = Some("2024-08-13");

#[tokio::test]
async fn a_forgotten_version_leads_to_the_oldest_one() {
    let fake = FakeCalcom::start().await.unwrap();
    let asking = fake.add_event_type(FakeEventType::new("asking", 30).with_confirmation());
    let new = NewBooking::new(asking, hour(9), ann());
    let uid = fake.book(new).await.unwrap().uid;
    for action in ["reschedule", "confirm", "decline", "mark-absent"] {
        let path = format!("/v2/bookings/{uid}/{action}");
        for version in [
            None,
            Some("2024-04-15"),
            Some("1999-01-01"),
            Some("2024-06-14"),
        ] {
            let (response, answer) = exchange(&fake, "POST", &path, version, None).await;
            assert_eq!(response.status(), 404, "{action} {version:?}");
            assert_eq!(answer["error"]["message"], format!("Cannot POST {path}"));
        }
    }
    assert_eq!(fake.bookings()[0].status.as_str(), "pending");

    let path = format!("/v2/bookings/{uid}/cancel");
    let body = json!({"cancellationReason": "ill"});
    let (response, answer) = exchange(&fake, "POST", &path, None, Some(&body)).await;
    assert_eq!(response.status(), 201);
    let mut keys: Vec<_> = answer["data"].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["bookingId", "bookingUid", "onlyRemovedAttendee"]);
    assert!(fake.live_bookings().is_empty());

    let weekly = FakeEventType::new("weekly", 30).with_recurrence(Frequency::Weekly, 1, 2);
    let new = NewBooking::new(fake.add_event_type(weekly), hour(9), ann());
    let series = fake.book(new).await.unwrap().recurring_booking_uid.unwrap();
    let path = format!("/v2/bookings/{series}");
    let (response, _) = exchange(&fake, "GET", &path, NOW, None).await;
    assert_eq!(response.status(), 200);
    let (response, _) = exchange(&fake, "GET", &path, None, None).await;
    assert_eq!(
        response.status(),
        404,
        "a series has a uid of its own since then"
    );

    let (response, _) = exchange(&fake, "GET", "/v2/event-types", NOW, None).await;
    assert_eq!(response.status(), 404);
    let path = "/v2/slots?eventTypeId=1&start=2099-12-07&end=2099-12-07";
    let (response, _) = exchange(&fake, "GET", path, NOW, None).await;
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn what_is_not_served_says_so_and_what_does_not_exist_is_not_found() {
    let fake = FakeCalcom::start().await.unwrap();
    for (method, path, operation) in [
        ("GET", "/v2/teams", "GET /v2/teams"),
        ("GET", "/v2/teams/7", "GET /v2/teams/{teamId}"),
        ("POST", "/v2/stripe/check", ""),
        ("GET", "/v2/nope", ""),
        ("GET", "/v2//me", ""),
        ("PUT", "/v2/bookings", ""),
        ("GET", "/v2/bookings/by-seat/x", ""),
    ] {
        let (response, answer) = exchange(&fake, method, path, NOW, None).await;
        let (status, words) = if operation.is_empty() {
            (404, format!("Cannot {method} {path}"))
        } else {
            (501, format!("FakeCalcom does not serve {operation}."))
        };
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(answer["status"], "error");
        assert_eq!(answer["error"]["message"], words);
        assert_eq!(answer["error"]["details"]["statusCode"], status);
    }
    let kind = ServerKind::hosted(Duration::ZERO, Duration::ZERO);
    let hosted = FakeCalcom::builder().server(kind).start().await.unwrap();
    let path = "/v2/bookings/by-seat/x";
    let (response, _) = exchange(&hosted, "GET", path, NOW, None).await;
    assert_eq!(response.status(), 501, "it is newer");
}

#[tokio::test]
async fn heads_options_and_capitals() {
    let fake = FakeCalcom::start().await.unwrap();
    let (response, _) = exchange(&fake, "HEAD", "/v2/me", NOW, None).await;
    assert_eq!(
        (response.status().as_u16(), response.body().len()),
        (200, 0)
    );
    let (response, _) = exchange(&fake, "OPTIONS", "/v2/bookings", NOW, None).await;
    assert_eq!(
        (response.status().as_u16(), response.body().len()),
        (204, 0)
    );
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let (response, answer) = exchange(&fake, "GET", "/v2/ME", NOW, None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(answer["data"]["username"], Value::from("hanna"));
}
