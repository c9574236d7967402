//! `/v2/slots/reservations`.

use std::time::Duration;

use calcom::model::{EventTypeId, NewBooking};
use serde_json::{Value, json};

use super::{Played, played};
use crate::support::{ann, at};

const NOW: &str = "2026-11-20T23:43:29Z";
const NINE: &str = "2026-12-07T09:00:00.000Z";

async fn reserve(played: &Played, caller: Option<&str>, body: Value) -> (u16, Value) {
    let path = "/v2/slots/reservations";
    played
        .ask(caller, Some("2024-09-04"), "POST", path, &body)
        .await
}

#[tokio::test]
async fn from_its_beginning_to_its_end() {
    let played = played("reservations", NOW).await;
    let made = played.same("054", &[]).await;
    assert_eq!(made["data"]["reservationUntil"], "2026-11-20T23:53:29.000Z");
    let uid = made["data"]["reservationUid"].as_str().unwrap();
    let uid = [("b0c2681d-d715-44e5-822a-980aa6393be2", uid)];
    played.same("055", &uid).await;
    played.same("056", &[]).await;
    let (status, answer) = reserve(
        &played,
        Some("host"),
        json!({"eventTypeId": 2, "slotStart": "2026-12-07T09:00:00Z"}),
    )
    .await;
    assert_eq!(status, 422, "{answer}");
    played.same("058", &uid).await;
    let slots = played.slots(2, "2026-12-07", "2026-12-07").await;
    assert!(slots.contains(&NINE.to_owned()), "moved away from there");
    assert!(!slots.contains(&"2026-12-07T10:00:00.000Z".to_owned()));
    played.same("059", &uid).await;
    let gone = format!("slots/reservations/{}", uid[0].1);
    assert_eq!(played.well("GET", &gone, Value::Null).await, Value::Null);
    assert_eq!(played.slots(2, "2026-12-07", "2026-12-07").await.len(), 16);
}

#[tokio::test]
async fn without_a_key_it_is_for_five_minutes() {
    let played = played("reservations", NOW).await;
    played.same("061", &[]).await;
    played.same("062", &[]).await;
    let noon = "2026-12-07T12:00:00.000Z".to_owned();
    assert!(
        !played
            .slots(2, "2026-12-07", "2026-12-07")
            .await
            .contains(&noon)
    );
    played.clock.advance(Duration::from_secs(5 * 60));
    assert!(
        played
            .slots(2, "2026-12-07", "2026-12-07")
            .await
            .contains(&noon)
    );
}

#[tokio::test]
async fn it_keeps_nobody_from_booking() {
    let played = played("reservations", NOW).await;
    let slot = json!({"eventTypeId": 2, "slotStart": NINE});
    assert_eq!(reserve(&played, None, slot.clone()).await.0, 201);
    let booking = NewBooking::new(EventTypeId::new(2), at(NINE), ann());
    played.fake.book(booking).await.unwrap();
    let (status, answer) = reserve(&played, None, slot).await;
    assert_eq!(status, 422);
    assert_eq!(
        answer["error"]["message"],
        "Can't reserve a slot if the event is already booked."
    );
}

#[tokio::test]
async fn a_reserved_seat_is_one_seat_less() {
    let played = played("reservations", NOW).await;
    let seats =
        json!({"seatsPerTimeSlot": 2, "showAttendeeInfo": true, "showAvailabilityCount": true});
    let body = json!({"title": "S", "slug": "s", "lengthInMinutes": 30, "seats": seats});
    let id = played.well("POST", "event-types", body).await["id"].clone();
    let slot = json!({"eventTypeId": id, "slotStart": NINE});
    assert_eq!(reserve(&played, None, slot).await.0, 201);
    let path = format!("slots?eventTypeId={id}&start={NINE}&end=2026-12-07T09:29:00Z");
    let slots = played.well("GET", &path, Value::Null).await;
    assert_eq!(slots["2026-12-07"][0]["seatsRemaining"], 1, "{slots}");
}

#[tokio::test]
async fn what_cannot_be_reserved_is_refused() {
    let played = played("reservations", NOW).await;
    let cases = [
        (json!({"eventTypeId": 99, "slotStart": NINE}), 404),
        (json!({"eventTypeId": "x", "slotStart": "soon"}), 400),
        (
            json!({"eventTypeId": 2, "slotStart": NINE, "slotDuration": 60}),
            400,
        ),
    ];
    for (body, expected) in cases {
        let (status, answer) = reserve(&played, Some("host"), body).await;
        assert_eq!(status, expected, "{answer}");
    }
    let body = json!({"eventTypeId": 2, "slotStart": NINE, "reservationDuration": 10});
    let (status, _) = reserve(&played, Some("other"), body.clone()).await;
    assert_eq!(status, 403, "only its owner decides how long");
    let (status, _) = played
        .ask(None, None, "POST", "/v2/slots/reservations", &body)
        .await;
    assert_eq!(status, 404, "without the version");
    let (status, _) = played
        .ask(
            Some("host"),
            Some("2024-09-04"),
            "PATCH",
            "/v2/slots/reservations/nope",
            &body,
        )
        .await;
    assert_eq!(status, 404);
}
