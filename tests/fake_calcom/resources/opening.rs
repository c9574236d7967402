//! What schedules do to slots and bookings.

use calcom::model::{EventTypeId, NewBooking};
use calcom::testing::Refused;
use serde_json::json;

use super::{Played, played};
use crate::support::{ann, at};

async fn schedule(played: &Played, zone: &str, availability: serde_json::Value) -> i64 {
    let body =
        json!({"name": "S", "timeZone": zone, "isDefault": false, "availability": availability});
    let made = played.well("POST", "schedules", body).await;
    made["id"].as_i64().unwrap()
}

async fn event_type(played: &Played, schedule: Option<i64>) -> i64 {
    let mut body =
        json!({"title": "E", "slug": "e", "lengthInMinutes": 60, "minimumBookingNotice": 0});
    if let Some(schedule) = schedule {
        body["scheduleId"] = json!(schedule);
    }
    let made = played.well("POST", "event-types", body).await;
    assert_eq!(made["scheduleId"], json!(schedule));
    made["id"].as_i64().unwrap()
}

async fn book(played: &Played, event_type: i64, start: &str) -> Result<(), Refused> {
    let booking = NewBooking::new(EventTypeId::new(event_type), at(start), ann());
    played.fake.book(booking).await.map(|_| ())
}

#[tokio::test]
async fn an_event_type_has_the_hours_of_its_schedule() {
    let played = played("schedules", "2026-11-20T12:00:00Z").await;
    let evenings = json!([{"days": ["Thursday"], "startTime": "18:00", "endTime": "20:30"}]);
    let schedule = schedule(&played, "America/New_York", evenings).await;
    let id = event_type(&played, Some(schedule)).await;
    // A Thursday, whose evening in New York is the next day of UTC.
    let slots = played.slots(id, "2026-12-10", "2026-12-11").await;
    assert_eq!(
        slots,
        ["2026-12-10T23:00:00.000Z", "2026-12-11T00:00:00.000Z"]
    );
    book(&played, id, "2026-12-10T23:00:00Z").await.unwrap();
    let refused = book(&played, id, "2026-12-11T01:00:00Z").await.unwrap_err();
    assert_eq!(refused.status, 400, "it would end after 20:30");
    let refused = book(&played, id, "2026-12-08T23:00:00Z").await.unwrap_err();
    assert_eq!(refused.status, 400, "a Tuesday");
}

#[tokio::test]
async fn an_override_replaces_the_hours_of_its_date() {
    let played = played("schedules", "2026-11-20T12:00:00Z").await;
    let every = json!([{"days": ["Thursday", "Friday"], "startTime": "09:00", "endTime": "11:00"}]);
    let schedule = schedule(&played, "UTC", every).await;
    let id = event_type(&played, Some(schedule)).await;
    let overrides = json!([
        {"date": "2026-12-10", "startTime": "14:00", "endTime": "15:00"},
        {"date": "2026-12-10", "startTime": "15:00", "endTime": "16:00"},
        {"date": "2026-12-11", "startTime": "00:00", "endTime": "00:00"},
        {"date": "2026-12-12", "startTime": "22:00", "endTime": "23:59"},
    ]);
    played
        .well(
            "PATCH",
            &format!("schedules/{schedule}"),
            json!({"overrides": overrides}),
        )
        .await;
    let slots = played.slots(id, "2026-12-10", "2026-12-12").await;
    let expected = [
        "2026-12-10T14:00:00.000Z",
        "2026-12-10T15:00:00.000Z",
        "2026-12-12T22:00:00.000Z",
        // 23:59 stands for midnight.
        "2026-12-12T23:00:00.000Z",
    ];
    assert_eq!(slots, expected);
    assert!(book(&played, id, "2026-12-10T09:00:00Z").await.is_err());
    // Over the seam of two spans that meet.
    book(&played, id, "2026-12-10T14:30:00Z").await.unwrap();
}

#[tokio::test]
async fn without_a_schedule_it_has_the_hours_of_the_default_one() {
    let played = played("schedules", "2026-11-20T12:00:00Z").await;
    let id = event_type(&played, None).await;
    let slots = played.slots(id, "2026-12-10", "2026-12-10").await;
    assert_eq!(slots.len(), 8);
    assert_eq!(slots[0], "2026-12-10T08:00:00.000Z");
    let noon = json!([{"days": ["Thursday"], "startTime": "12:00", "endTime": "13:00"}]);
    let schedule = schedule(&played, "Europe/Berlin", noon).await;
    let change = json!({"defaultScheduleId": schedule});
    played.well("PATCH", "me", change).await;
    let slots = played.slots(id, "2026-12-10", "2026-12-10").await;
    assert_eq!(slots, ["2026-12-10T11:00:00.000Z"]);
}

#[tokio::test]
async fn deleting_a_schedule_leaves_the_default_one() {
    let played = played("schedules", "2026-11-20T12:00:00Z").await;
    let noon = json!([{"days": ["Thursday"], "startTime": "12:00", "endTime": "13:00"}]);
    let schedule = schedule(&played, "Europe/Berlin", noon).await;
    let id = event_type(&played, Some(schedule)).await;
    played
        .well("DELETE", &format!("schedules/{schedule}"), json!(null))
        .await;
    let read = played
        .well("GET", &format!("event-types/{id}"), json!(null))
        .await;
    assert_eq!(read["scheduleId"], json!(null));
    assert_eq!(played.slots(id, "2026-12-10", "2026-12-10").await.len(), 8);
}

#[tokio::test]
async fn hours_follow_the_clocks_of_their_zone() {
    let played = played("schedules", "2026-11-20T12:00:00Z").await;
    // The clocks of Berlin skip from two to three on 2027-03-28.
    let night = json!([{"days": ["Saturday", "Sunday"], "startTime": "01:00", "endTime": "04:00"}]);
    let schedule = schedule(&played, "Europe/Berlin", night).await;
    let id = event_type(&played, Some(schedule)).await;
    let slots = played.slots(id, "2027-03-27", "2027-03-28").await;
    let expected = [
        "2027-03-27T00:00:00.000Z",
        "2027-03-27T01:00:00.000Z",
        "2027-03-27T02:00:00.000Z",
        "2027-03-28T00:00:00.000Z",
        "2027-03-28T01:00:00.000Z",
    ];
    assert_eq!(slots, expected);
}
