//! The list of bookings where it surprises.

use std::time::Duration;

use calcom::testing::{FakeCalcom, ManualClock};
use serde_json::{Value, json};

use crate::support::{Api, at, hour};

async fn with_three() -> (FakeCalcom, ManualClock, Api) {
    let clock = ManualClock::at(at("2026-12-01T08:00:00Z"));
    let builder = FakeCalcom::builder().clock(clock.shared());
    let fake = builder.start().await.unwrap();
    let api = Api::new(&fake);
    for hours in [9, 10, 11] {
        assert_eq!(api.book(hour(hours)).await.0, 201);
        clock.advance(Duration::from_secs(60));
    }
    (fake, clock, api)
}

#[tokio::test]
async fn pages_count_what_limits_on_creation_and_change_leave_out() {
    let (_fake, _clock, api) = with_three().await;
    let seen = |answer: &Value| {
        let page = &answer["pagination"];
        let size = answer["data"].as_array().unwrap().len();
        (
            size,
            page["returnedItems"].clone(),
            page["totalItems"].clone(),
            page["hasNextPage"].clone(),
        )
    };
    for (query, size) in [
        ("afterUpdatedAt=2026-12-01T09:00:00Z", 0),
        ("beforeCreatedAt=2026-12-01T07:00:00Z", 0),
        ("afterCreatedAt=2026-12-01T08:01:00Z", 2),
        ("beforeUpdatedAt=2026-12-01T08:00:00Z", 1),
    ] {
        let (_, answer) = api.get(&format!("bookings?{query}")).await;
        assert_eq!(
            seen(&answer),
            (size, json!(size), json!(3), json!(true)),
            "{query}"
        );
    }
    // The time of the booking itself is another matter; a day is enough.
    let (_, answer) = api.get("bookings?afterStart=2099-12-07T10:00:00Z").await;
    assert_eq!(seen(&answer), (2, json!(2), json!(2), json!(false)));
    let (_, answer) = api.get("bookings?afterStart=2099-12-08").await;
    assert_eq!(seen(&answer), (0, json!(0), json!(0), json!(false)));
}

#[tokio::test]
async fn names_match_whole_and_nonsense_is_refused() {
    let (_fake, _clock, api) = with_three().await;
    let (_, answer) = api.get("bookings?attendeeName=Ann").await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 3);
    let (_, answer) = api.get("bookings?attendeeName=An").await;
    assert_eq!(answer["data"], json!([]));
    for query in ["eventTypeId=99999", "eventTypeId=x", "status="] {
        assert_eq!(
            api.get(&format!("bookings?{query}")).await.0,
            400,
            "{query}"
        );
    }
}
