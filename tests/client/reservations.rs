//! `/slots/reservations`: what each method sends, and what it makes of a recorded answer.

use calcom::client::ErrorKind;
use calcom::model::{EventTypeId, NewReservation, ReservationUid};
use chrono::{DateTime, Utc};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{Sent, answering, client, fixture, recorded, sent};

const VERSION: Option<&str> = Some("2024-09-04");
const UID: &str = "b0c2681d-d715-44e5-822a-980aa6393be2";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn wanted(start: &str) -> NewReservation {
    NewReservation::new(EventTypeId::new(2), at(start)).for_minutes(10)
}

fn path() -> String {
    format!("/v2/slots/reservations/{UID}")
}

#[tokio::test]
async fn create_sends_the_slot_and_reads_until_when() {
    let name = "054-slot-reservation-create";
    let server = answering(recorded(name)).await;
    let client = client(&server);
    let mut slot = wanted("2026-12-07T09:00:00Z");
    let reserved = client.reservations().create(&slot).await.unwrap();
    slot.slot_duration = Some(60);
    slot.reservation_duration = None;
    client.reservations().create(&slot).await.unwrap();
    let call = || Sent::new("POST", "/v2/slots/reservations", VERSION);
    let longer = json!({"eventTypeId": 2, "slotStart": "2026-12-07T09:00:00Z", "slotDuration": 60});
    let expected = [
        call().body(fixture(name)["request"]["body"].clone()),
        call().body(longer),
    ];
    assert_eq!(sent(&server).await, expected);
    assert_eq!(reserved.uid.as_str(), UID);
    assert_eq!(reserved.slot_end, at("2026-12-07T09:30:00Z"));
    assert_eq!(reserved.reservation_duration, Some(10));
    assert_eq!(reserved.reservation_until, at("2026-11-20T23:53:29.635Z"));
}

#[tokio::test]
async fn get_reads_a_reservation_or_nothing() {
    let server = answering(recorded("055-slot-reservation-get")).await;
    let uid = ReservationUid::new(UID);
    let read = client(&server).reservations().get(&uid).await.unwrap();
    assert_eq!(sent(&server).await, [Sent::new("GET", &path(), VERSION)]);
    let read = read.unwrap();
    assert_eq!((read.uid, read.reservation_duration), (uid.clone(), None));

    // What a reservation that was given up is answered with.
    let gone = json!({"status": "success", "data": null});
    let server = answering(ResponseTemplate::new(200).set_body_json(gone)).await;
    let read = client(&server).reservations().get(&uid).await.unwrap();
    assert_eq!(read, None);
}

#[tokio::test]
async fn update_sends_the_other_slot_and_keeps_the_uid() {
    let name = "058-slot-reservation-update";
    let server = answering(recorded(name)).await;
    let uid = ReservationUid::new(UID);
    let other = wanted("2026-12-07T10:00:00Z");
    let client = client(&server);
    let moved = client.reservations().update(&uid, &other).await.unwrap();
    let body = fixture(name)["request"]["body"].clone();
    let expected = Sent::new("PATCH", &path(), VERSION).body(body);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!((moved.uid, moved.slot_start), (uid, other.slot_start));
}

#[tokio::test]
async fn delete_needs_no_data_in_the_answer() {
    let server = answering(recorded("059-slot-reservation-delete")).await;
    let uid = ReservationUid::new(UID);
    client(&server).reservations().delete(&uid).await.unwrap();
    assert_eq!(sent(&server).await, [Sent::new("DELETE", &path(), VERSION)]);
}

#[tokio::test]
async fn a_duration_without_a_key_is_unauthorized() {
    let server = answering(recorded("061-slot-reservation-noauth-with-duration")).await;
    let slot = wanted("2026-12-07T12:00:00Z");
    let refused = client(&server).reservations().create(&slot).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_slot_that_is_reserved_booked_or_full_is_unavailable() {
    for message in [
        "The slot at 2026-12-07T12:00:00Z is already reserved.",
        "Can't reserve a slot if the event is already booked.",
        "Booking with id=6 at 2026-12-07T12:00:00Z has no more seats left.",
    ] {
        let details =
            json!({"message": message, "error": "Unprocessable Entity", "statusCode": 422});
        let error =
            json!({"code": "UnprocessableEntityException", "message": message, "details": details});
        let body = json!({"status": "error", "error": error});
        let server = answering(ResponseTemplate::new(422).set_body_json(body)).await;
        let slot = wanted("2026-12-07T12:00:00Z");
        let refused = client(&server).reservations().create(&slot).await;
        let kind = refused.unwrap_err().kind();
        assert_eq!(kind, ErrorKind::SlotUnavailable, "{message}");
    }
}
